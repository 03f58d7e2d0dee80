/* network: networks as objects: making, reading and writing parameters, digest. */
#include "net.h"

#include <math.h>
#include <string.h>

#include "../core/digest.h"
#include "../core/fpu.h"
#include "../core/mem.h"

static lam_status fill(lam_net *net, const char *notation, const lam_shape *input, size_t classes,
                       const lam_options *options)
{
    net->input = *input;
    net->dtype = !strcmp(options->dtype, "f64") ? LAM_F64 : LAM_F32;
    net->direct = !strcmp(options->conv, "direct");
    net->bf16 = !strcmp(options->precision, "bf16");
    if (net->bf16 && net->dtype != LAM_F32)
        return lami_fail(LAM_EOPTION, "--precision bf16 is for --dtype f32: in double no product is rounded");
    LAM_TRY(lami_notation_parse(&net->tree, notation));
    LAM_TRY(lami_graph_build(net, notation, options->classes ? options->classes : classes));
    return (net->notation = lami_notation_print(net->tree)) ? LAM_OK : LAM_ENOMEM;
}

lam_status lami_net_build(lam_net **out, const char *notation, const lam_shape *input, size_t classes,
                          const lam_options *options)
{
    *out = NULL;
    lam_net *net = lami_alloc(1, sizeof *net);
    if (!net)
        return LAM_ENOMEM;
    const lam_status status = fill(net, notation, input, classes, lami_options_or_default(options));
    if (status)
        lam_net_free(net);
    else
        *out = net;
    return status;
}

lam_status lami_net_make(lam_net **net, const char *notation, const lam_shape *input, size_t classes,
                         const lam_options *options)
{
    LAM_TRY(lami_net_build(net, notation, input, classes, options));
    LAMI_FPU_SCOPE;
    const lam_status status = lami_net_init(*net, lami_options_or_default(options));
    if (status) {
        lam_net_free(*net);
        *net = NULL;
    }
    return status;
}

lam_status lami_net_make_for(lam_net **net, const char *notation, const lam_data *data, const lam_options *options)
{
    lami_item *tree;
    *net = NULL;
    LAM_TRY(lami_notation_parse(&tree, notation));
    const int yes_no = lami_notation_loss(tree)->reals && data->classes == 2;
    lami_notation_free(tree);
    const size_t scores = data->targets ? data->targets : yes_no ? 1 : data->classes;
    return lami_net_make(net, notation, &data->shape, scores, options);
}

lam_status lam_net_new(lam_net **net, const char *notation, const lam_shape *input, const lam_options *options)
{
    if (!net || !notation || !input)
        return lami_fail(LAM_EINVAL, "lam_net_new: NULL argument");
    return lami_net_make(net, notation, input, 0, options);
}

static void free_class_names(lam_net *net)
{
    for (size_t i = 0; i < net->names; i++)
        lami_free(net->class_name[i]);
    lami_free(net->class_name);
    net->class_name = NULL;
    net->names = 0;
}

static void free_units(lami_units *units)
{
    lami_free(units->scale);
    lami_free(units->shift);
    *units = (lami_units) { 0 };
}

void lam_net_free(lam_net *net)
{
    if (!net)
        return;
    free_class_names(net);
    free_units(&net->units);
    lami_schema_free(net->schema);
    lami_prep_free(&net->prep);
    lami_notation_free(net->tree);
    lami_free(net->notation);
    lami_free(net->node);
    lami_free(net->param);
    lami_pages_free(net->values, net->values_count * lami_dtype_size(net->dtype));
    lami_free(net);
}

int lami_net_may_name(const lam_net *net, size_t names)
{
    return names == net->classes || (names == 2 && net->classes == 1 && net->loss->reals);
}

lam_status lami_net_set_class_names(lam_net *net, const lam_data *data)
{
    char *const *names = data->targets ? data->target_name : data->class_name;
    const size_t count = data->targets ? data->targets : data->classes;
    free_class_names(net);
    if (!names || !lami_net_may_name(net, count))
        return LAM_OK;
    if (!(net->class_name = lami_alloc(count, sizeof *net->class_name)))
        return LAM_ENOMEM;
    for (net->names = 0; net->names < count; net->names++)
        if (!(net->class_name[net->names] = lami_strdup(names[net->names]))) {
            free_class_names(net);
            return LAM_ENOMEM;
        }
    return LAM_OK;
}

lam_status lami_net_set_schema(lam_net *net, const lami_schema *schema)
{
    lami_schema *copy = NULL;
    if (schema)
        LAM_TRY(lami_schema_copy(&copy, schema));
    lami_schema_free(net->schema);
    net->schema = copy;
    return LAM_OK;
}

lam_status lami_net_set_units(lam_net *net, size_t count)
{
    free_units(&net->units);
    if (!count)
        return LAM_OK;
    lami_units units = { count, lami_alloc(count, sizeof(double)), lami_alloc(count, sizeof(double)) };
    if (!units.scale || !units.shift) {
        free_units(&units);
        return LAM_ENOMEM;
    }
    for (size_t k = 0; k < count; k++)
        units.scale[k] = 1;
    net->units = units;
    return LAM_OK;
}

lam_status lami_net_set_prep(lam_net *net, const lami_prep *prep)
{
    lami_prep copy = { .count = prep->count };
    copy.shift = lami_alloc(prep->count, sizeof *copy.shift);
    copy.scale = lami_alloc(prep->count, sizeof *copy.scale);
    copy.text = prep->text ? lami_strdup(prep->text) : NULL;
    if (!copy.shift || !copy.scale || (prep->text && !copy.text)) {
        lami_prep_free(&copy);
        return LAM_ENOMEM;
    }
    if (prep->count) {
        memcpy(copy.shift, prep->shift, prep->count * sizeof *copy.shift);
        memcpy(copy.scale, prep->scale, prep->count * sizeof *copy.scale);
    }
    lami_prep_free(&net->prep);
    net->prep = copy;
    return LAM_OK;
}

/* ---- getters ---- */

const char *lam_net_notation(const lam_net *net)
{
    return net->notation;
}
const lam_shape *lam_net_input(const lam_net *net)
{
    return &net->input;
}
size_t lam_net_classes(const lam_net *net)
{
    return net->classes;
}
lam_dtype lam_net_dtype(const lam_net *net)
{
    return net->dtype;
}

const char *lam_net_class_name(const lam_net *net, size_t index)
{
    return net && index < net->names ? net->class_name[index] : NULL;
}
size_t lam_net_param_count(const lam_net *net)
{
    return net->params;
}
const char *lam_net_param_name(const lam_net *net, size_t index)
{
    return index < net->params ? net->param[index].name : NULL;
}
const lam_shape *lam_net_param_shape(const lam_net *net, size_t index)
{
    return index < net->params ? &net->param[index].file_shape : NULL;
}

size_t lam_net_layer_count(const lam_net *net)
{
    return net->nodes;
}

lam_status lam_net_layer(char name[64], lam_shape *output, const lam_net *net, size_t index)
{
    if (index >= net->nodes)
        return lami_fail(LAM_EINVAL, "layer %zu: the network has %zu", index, net->nodes);
    lami_node_name(name, net, index);
    *output = net->node[index].out;
    return LAM_OK;
}

size_t lami_net_param_find(const lam_net *net, const char *name)
{
    for (size_t i = 0; i < net->params; i++)
        if (!strcmp(net->param[i].name, name))
            return i;
    return SIZE_MAX;
}

size_t lami_net_trained_count(const lam_net *net)
{
    size_t count = 0;
    for (size_t i = 0; i < net->params; i++)
        count += net->param[i].spec->trained ? net->param[i].count : 0;
    return count;
}

void *lami_net_values(const lam_net *net, size_t param)
{
    return (char *)net->values + net->param[param].offset * lami_dtype_size(net->dtype);
}

/* ---- memory order and file order ---- */

size_t lami_memory_row(const lam_shape *image, size_t row)
{
    if (image->rank != 3)
        return row;
    const size_t pixels = image->dim[1] * image->dim[2];
    return row % pixels * image->dim[0] + row / pixels;
}

/* Element of the file to element in memory. */
static size_t memory_index(const lami_param_spec *s, size_t file)
{
    if (!s->transposed)
        return file;
    return lami_memory_row(&s->image, file % s->rows) * s->cols + file / s->rows;
}

void lami_net_to_file(const lam_net *net, size_t param, const void *values, void *to)
{
    const lami_net_param *p = &net->param[param];
    for (size_t i = 0; i < p->count; i++) {
        const size_t at = p->offset + memory_index(p->spec, i);
        if (net->dtype == LAM_F32)
            ((float *)to)[i] = ((const float *)values)[at];
        else
            ((double *)to)[i] = ((const double *)values)[at];
    }
}

void lami_net_from_file(const lam_net *net, size_t param, void *values, const void *from)
{
    const lami_net_param *p = &net->param[param];
    for (size_t i = 0; i < p->count; i++) {
        const size_t at = p->offset + memory_index(p->spec, i);
        if (net->dtype == LAM_F32)
            ((float *)values)[at] = ((const float *)from)[i];
        else
            ((double *)values)[at] = ((const double *)from)[i];
    }
}

/* A tensor that a parameter is copied to or from has its shape, and numbers. */
static lam_status check_value(const lami_net_param *p, const lam_tensor *value)
{
    if (!value || !value->data)
        return lami_fail(LAM_EINVAL, "%s: the tensor is NULL", p->name);
    if (!lami_shape_equal(&value->shape, &p->file_shape)) {
        char a[LAMI_SHAPE_TEXT], b[LAMI_SHAPE_TEXT];
        return lami_fail(LAM_ESHAPE, "%s is %s, not %s", p->name, lami_shape_text(a, &p->file_shape),
                         lami_shape_text(b, &value->shape));
    }
    if (value->dtype != LAM_F32 && value->dtype != LAM_F64)
        return lami_fail(LAM_EINVAL, "%s: a tensor of f32 or f64 is needed", p->name);
    return LAM_OK;
}

lam_status lami_net_copy_out(const lam_net *net, size_t param, const void *values, lam_tensor *to)
{
    const lami_net_param *p = &net->param[param];
    LAM_TRY(check_value(p, to));
    LAMI_FPU_SCOPE;
    for (size_t i = 0; i < p->count; i++) {
        const size_t at = memory_index(p->spec, i);
        const double v = lami_real_at(values, net->dtype, at);
        lami_real_put(to->data, to->dtype, i, v);
    }
    return LAM_OK;
}

lam_status lami_net_copy_in(const lam_net *net, size_t param, void *values, const lam_tensor *from)
{
    const lami_net_param *p = &net->param[param];
    LAM_TRY(check_value(p, from));
    LAMI_FPU_SCOPE;
    for (size_t i = 0; i < p->count; i++) {
        const double v = lami_real_at(from->data, from->dtype, i);
        const size_t at = memory_index(p->spec, i);
        lami_real_put(values, net->dtype, at, v);
    }
    return LAM_OK;
}

/* Steps in memory along the dimensions of the file's shape; 0: there are none. */
static int find_strides(size_t strides[LAM_MAX_RANK], const lami_param_spec *s)
{
    const size_t *d = s->image.dim;
    const size_t of_kernel[] = { 1, s->cols, s->kernel ? d[2] * d[0] * s->cols : 0, d[0] * s->cols };
    const size_t of_columns[] = { 1, s->cols }, of_rows[] = { s->rows == 1 ? 1 : s->cols, 1 };
    if (s->transposed && !s->kernel && s->image.rank == 3 && d[0] > 1 && d[1] * d[2] > 1)
        return 0;
    memset(strides, 0, LAM_MAX_RANK * sizeof *strides);
    if (s->kernel)
        memcpy(strides, of_kernel, sizeof of_kernel);
    else
        memcpy(strides, s->transposed ? of_columns : of_rows, sizeof of_rows);
    return 1;
}

lam_status lami_net_view(lam_tensor *view, size_t strides[LAM_MAX_RANK], const lam_net *net, size_t param, void *values)
{
    const lami_net_param *p = &net->param[param];
    if (!find_strides(strides, p->spec))
        return lami_fail(LAM_ESHAPE, "%s follows an image, and no strides describe its order in memory", p->name);
    *view = (lam_tensor) { net->dtype, p->file_shape, values };
    return LAM_OK;
}

static lam_status find(size_t *param, const lam_net *net, const char *name)
{
    *param = lami_net_param_find(net, name);
    return *param == SIZE_MAX ? lami_fail(LAM_EINVAL, "%s: the network has no such parameter", name) : LAM_OK;
}

static lam_status find_for(size_t *param, const lam_net *net, const char *name, const lam_tensor *value)
{
    if (!net || !name || !value || !value->data)
        return lami_fail(LAM_EINVAL, "lam_net_get, lam_net_set: NULL argument");
    return find(param, net, name);
}

lam_status lam_net_view(lam_tensor *view, size_t strides[LAM_MAX_RANK], lam_net *net, const char *name)
{
    size_t param;
    if (!view || !strides || !net || !name)
        return lami_fail(LAM_EINVAL, "lam_net_view: NULL argument");
    LAM_TRY(find(&param, net, name));
    net->viewed = 1;
    return lami_net_view(view, strides, net, param, lami_net_values(net, param));
}

lam_status lam_net_get(const lam_net *net, const char *name, lam_tensor *value)
{
    size_t param;
    LAM_TRY(find_for(&param, net, name, value));
    return lami_net_copy_out(net, param, lami_net_values(net, param), value);
}

lam_status lam_net_set(lam_net *net, const char *name, const lam_tensor *value)
{
    size_t param;
    LAM_TRY(find_for(&param, net, name, value));
    LAM_TRY(lami_net_copy_in(net, param, lami_net_values(net, param), value));
    net->changes++;
    return LAM_OK;
}

const char *lami_net_not_finite(const lam_net *net)
{
    for (size_t i = 0; i < net->params; i++) {
        const lami_net_param *p = &net->param[i];
        for (size_t at = p->offset; at < p->offset + p->count; at++)
            if (!isfinite(lami_real_at(net->values, net->dtype, at)))
                return p->name;
    }
    return NULL;
}

lam_status lami_net_digest(const lam_net *net, const void *values, char hex[65])
{
    size_t largest = 0;
    for (size_t i = 0; i < net->params; i++)
        if (net->param[i].count > largest)
            largest = net->param[i].count;
    void *block = lami_alloc(largest, lami_dtype_size(net->dtype));
    if (!block)
        return LAM_ENOMEM;
    lami_digest digest;
    lami_digest_start(&digest);
    for (size_t i = 0; i < net->params; i++) {
        lami_net_to_file(net, i, values, block);
        lami_digest_add(&digest, block, net->param[i].count * lami_dtype_size(net->dtype));
    }
    lami_digest_end(&digest, hex);
    lami_free(block);
    return LAM_OK;
}

lam_status lam_net_sha256(const lam_net *net, char hex[65])
{
    return lami_net_digest(net, net->values, hex);
}
