/* model: a network as a safetensors file, and parts of one for checkpoints.
 *   metadata  lamina.format ("1"), version, numerics, notation, input ("3x32x32"), dtype ("f32"), classes (JSON array
 *             of names; absent: unnamed), preprocess (as text; absent: nobody has chosen one), table (the columns of
 *             the table it was trained on, JSON; absent: none)
 *   tensors   preprocess.shift, preprocess.scale (F64, in the input's shape; absent: no preprocessing), targets.shift,
 *             targets.scale (F64, one number per score; absent: targets were not scaled), then the parameters in file
 *             order. F64 comes first, so that every tensor is aligned in the file.
 * No times and no machine names: equal networks make equal files. Format: docs/format.md. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "../core/mem.h"
#include "../core/number.h"
#include "net.h"

enum { FORMAT = 1, NAME_MAX_BYTES = 128, NUMBER_TEXT = 24 };

static const char shift_name[] = "preprocess.shift", scale_name[] = "preprocess.scale";
static const char target_shift_name[] = "targets.shift", target_scale_name[] = "targets.scale";

/* ---- writing ---- */

/* A class name as JSON. Names come from folders, so that they may be any bytes: what is not UTF-8 becomes '?'. */
static json_t *class_name_json(const char *name)
{
    json_t *json = json_string(name);
    if (json)
        return json;
    char *copy = lami_strdup(name);
    for (char *c = copy; c && *c; c++)
        if ((unsigned char)*c >= 0x80)
            *c = '?';
    json = copy ? json_string(copy) : NULL;
    lami_free(copy);
    return json;
}

static lam_status put_classes(lami_st_out *out, const lam_net *net)
{
    if (!net->class_name)
        return LAM_OK;
    lam_status status = LAM_OK;
    char *text = NULL;
    json_t *names = json_array();
    for (size_t i = 0; names && i < net->names; i++) {
        if (json_array_append_new(names, class_name_json(net->class_name[i]))) {
            json_decref(names);
            names = NULL;
        }
    }
    text = names ? json_dumps(names, JSON_COMPACT) : NULL;
    status = text ? lami_st_out_text(out, "lamina.classes", text)
                  : lami_fail(LAM_ENOMEM, "out of memory for %zu class names", net->names);
    free(text); /* jansson's memory */
    json_decref(names);
    return status;
}

static lam_status put_number(lami_st_out *out, const char *key, size_t value)
{
    char text[NUMBER_TEXT];
    snprintf(text, sizeof text, "%zu", value);
    return lami_st_out_text(out, key, text);
}

static lam_status put_table(lami_st_out *out, const lam_net *net)
{
    if (!net->schema)
        return LAM_OK;
    char *text = lami_schema_text(net->schema);
    const lam_status status = text ? lami_st_out_text(out, "lamina.table", text) : LAM_ENOMEM;
    lami_free(text);
    return status;
}

static lam_status put_metadata(lami_st_out *out, const lam_net *net)
{
    char input[LAMI_SHAPE_TEXT];
    LAM_TRY(put_number(out, "lamina.format", FORMAT));
    LAM_TRY(lami_st_out_text(out, "lamina.version", LAM_VERSION));
    LAM_TRY(put_number(out, "lamina.numerics", LAM_NUMERICS_VERSION));
    LAM_TRY(lami_st_out_text(out, "lamina.notation", net->notation));
    LAM_TRY(lami_st_out_text(out, "lamina.input", lami_shape_text(input, &net->input)));
    LAM_TRY(lami_st_out_text(out, "lamina.dtype", lami_dtype_name(net->dtype)));
    if (net->direct)
        LAM_TRY(lami_st_out_text(out, "lamina.conv", "direct"));
    if (net->bf16)
        LAM_TRY(lami_st_out_text(out, "lamina.precision", "bf16"));
    if (net->prep.text)
        LAM_TRY(lami_st_out_text(out, "lamina.preprocess", net->prep.text));
    LAM_TRY(put_table(out, net));
    return put_classes(out, net);
}

static int is_kept(const lam_net *net, size_t param, int trained_only)
{
    return net->param[param].spec->trained || !trained_only;
}

lam_status lami_model_put_values(lami_st_out *out, void **block, const lam_net *net, const void *values,
                                 const char *prefix, int trained_only)
{
    const size_t size = lami_dtype_size(net->dtype);
    size_t total = 0;
    *block = NULL;
    for (size_t i = 0; i < net->params; i++)
        total += is_kept(net, i, trained_only) ? net->param[i].count : 0;
    char *at = *block = lami_alloc(total, size);
    if (!at)
        return LAM_ENOMEM;
    for (size_t i = 0; i < net->params; i++) {
        char name[NAME_MAX_BYTES];
        if (!is_kept(net, i, trained_only))
            continue;
        const lami_net_param *p = &net->param[i];
        lami_net_to_file(net, i, values, at);
        snprintf(name, sizeof name, "%s%s", prefix, p->name);
        LAM_TRY(lami_st_out_tensor(out, name, &(lam_tensor) { net->dtype, p->file_shape, at }));
        at += p->count * size;
    }
    return LAM_OK;
}

lam_status lami_model_put(lami_st_out *out, void **block, const lam_net *net, const void *values)
{
    *block = NULL;
    LAM_TRY(put_metadata(out, net));
    if (net->prep.count) {
        LAM_TRY(lami_st_out_tensor(out, shift_name, &(lam_tensor) { LAM_F64, net->input, net->prep.shift }));
        LAM_TRY(lami_st_out_tensor(out, scale_name, &(lam_tensor) { LAM_F64, net->input, net->prep.scale }));
    }
    if (net->units.count) {
        const lam_shape shape = lami_shape1(net->units.count);
        LAM_TRY(lami_st_out_tensor(out, target_shift_name, &(lam_tensor) { LAM_F64, shape, net->units.shift }));
        LAM_TRY(lami_st_out_tensor(out, target_scale_name, &(lam_tensor) { LAM_F64, shape, net->units.scale }));
    }
    return lami_model_put_values(out, block, net, values, "", 0);
}

lam_status lami_model_save(const lam_net *net, const void *values, const char *path)
{
    lam_status status = LAM_OK;
    lami_st_out *out = NULL;
    lami_writer writer = { 0 };
    void *block = NULL;
    LAM_TRY_DONE(lami_st_out_new(&out));
    LAM_TRY_DONE(lami_model_put(out, &block, net, values));
    LAM_TRY_DONE(lami_writer_open(&writer, path));
    LAM_TRY_DONE(lami_st_out_write(out, &writer));
    status = lami_writer_commit(&writer);
done:
    lami_writer_drop(&writer);
    lami_st_out_free(out);
    lami_free(block);
    return status;
}

lam_status lam_net_save(const lam_net *net, const char *path)
{
    if (!net || !path)
        return lami_fail(LAM_EINVAL, "lam_net_save: NULL argument");
    return lami_model_save(net, net->values, path);
}

/* ---- reading ---- */

static lam_status get_text(const char **text, const lami_st_in *in, const char *path, const char *key)
{
    *text = lami_st_in_text(in, key);
    return *text ? LAM_OK : lami_fail(LAM_EFORMAT, "%s: not a lamina model: no %s in its metadata", path, key);
}

static lam_status get_number(uint64_t *value, const lami_st_in *in, const char *path, const char *key)
{
    const char *text;
    LAM_TRY(get_text(&text, in, path, key));
    return lami_parse_u64(value, text) ? lami_fail_at(LAM_EFORMAT, "%s: %s", path, key) : LAM_OK;
}

static lam_status check_format(const lami_st_in *in, const char *path)
{
    uint64_t format = 0;
    LAM_TRY(get_number(&format, in, path, "lamina.format"));
    if (format > FORMAT)
        return lami_fail(LAM_EVERSION, "%s: format %" PRIu64 ", this version (%s) reads up to %d", path, format,
                         LAM_VERSION, FORMAT);
    return format ? LAM_OK : lami_fail(LAM_EFORMAT, "%s: lamina.format is 0", path);
}

/* A view of a tensor that must have this dtype and shape. */
static lam_status get_tensor(lam_tensor *view, const lami_st_in *in, const char *path, const char *name,
                             lam_dtype dtype, const lam_shape *shape)
{
    char got[LAMI_SHAPE_TEXT], wanted[LAMI_SHAPE_TEXT];
    LAM_TRY(lami_st_in_tensor(view, in, name));
    if (view->dtype != dtype)
        return lami_fail(LAM_EFORMAT, "%s: %s holds %s, expected %s", path, name, lami_dtype_name(view->dtype),
                         lami_dtype_name(dtype));
    if (!lami_shape_equal(&view->shape, shape))
        return lami_fail(LAM_EFORMAT, "%s: %s is %s, the network needs %s", path, name,
                         lami_shape_text(got, &view->shape), lami_shape_text(wanted, shape));
    return LAM_OK;
}

lam_status lami_model_get_values(const lam_net *net, void *values, const lami_st_in *in, const char *path,
                                 const char *prefix, int trained_only)
{
    for (size_t i = 0; i < net->params; i++) {
        char name[NAME_MAX_BYTES];
        lam_tensor view;
        if (!is_kept(net, i, trained_only))
            continue;
        snprintf(name, sizeof name, "%s%s", prefix, net->param[i].name);
        LAM_TRY(get_tensor(&view, in, path, name, net->dtype, &net->param[i].file_shape));
        lami_net_from_file(net, i, values, view.data);
    }
    return LAM_OK;
}

static lam_status check_finite(const double *x, size_t count, const char *path, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (!isfinite(x[i]))
            return lami_fail(LAM_EFORMAT, "%s: %s: element %zu is not finite", path, name, i);
    return LAM_OK;
}

/* Preprocessing: a model without has neither tensor. The text alone says that "none" was chosen. */
static lam_status get_prep(lam_net *net, const lami_st_in *in, const char *path)
{
    lam_tensor shift, scale;
    lami_prep prep = { .text = (char *)lami_st_in_text(in, "lamina.preprocess") };
    if (lami_st_in_has(in, shift_name) || lami_st_in_has(in, scale_name)) {
        LAM_TRY(get_tensor(&shift, in, path, shift_name, LAM_F64, &net->input));
        LAM_TRY(get_tensor(&scale, in, path, scale_name, LAM_F64, &net->input));
        if (!prep.text)
            return lami_fail(LAM_EFORMAT, "%s: %s without lamina.preprocess in its metadata", path, shift_name);
        prep.count = lam_shape_count(&net->input);
        prep.shift = shift.data;
        prep.scale = scale.data;
        LAM_TRY(check_finite(prep.shift, prep.count, path, shift_name));
        LAM_TRY(check_finite(prep.scale, prep.count, path, scale_name));
    }
    return prep.text ? lami_net_set_prep(net, &prep) : LAM_OK;
}

static lam_status get_units(lam_net *net, const lami_st_in *in, const char *path)
{
    const lam_shape shape = lami_shape1(net->classes);
    lam_tensor shift, scale;
    if (!lami_st_in_has(in, target_shift_name) && !lami_st_in_has(in, target_scale_name))
        return LAM_OK;
    if (!net->loss->values)
        return lami_fail(LAM_EFORMAT, "%s: %s, but %s predicts no numbers", path, target_shift_name, net->loss->name);
    LAM_TRY(get_tensor(&shift, in, path, target_shift_name, LAM_F64, &shape));
    LAM_TRY(get_tensor(&scale, in, path, target_scale_name, LAM_F64, &shape));
    LAM_TRY(check_finite(shift.data, net->classes, path, target_shift_name));
    LAM_TRY(check_finite(scale.data, net->classes, path, target_scale_name));
    LAM_TRY(lami_net_set_units(net, net->classes));
    memcpy(net->units.shift, shift.data, net->classes * sizeof(double));
    memcpy(net->units.scale, scale.data, net->classes * sizeof(double));
    for (size_t k = 0; k < net->classes; k++)
        if (!(net->units.scale[k] > 0))
            return lami_fail(LAM_EFORMAT, "%s: %s: element %zu is not above 0", path, target_scale_name, k);
    return LAM_OK;
}

static lam_status get_table(lam_net *net, const lami_st_in *in, const char *path)
{
    const char *text = lami_st_in_text(in, "lamina.table");
    if (!text)
        return LAM_OK;
    const lam_status status = lami_schema_parse(&net->schema, text);
    if (status)
        return status == LAM_ENOMEM ? status : lami_fail_at(LAM_EFORMAT, "%s: lamina.table", path);
    if (net->input.rank != 1 || lami_schema_width(net->schema) != net->input.dim[0])
        return lami_fail(LAM_EFORMAT, "%s: lamina.table has %zu inputs, the network another number", path,
                         lami_schema_width(net->schema));
    return LAM_OK;
}

static lam_status get_classes(lam_net *net, const lami_st_in *in, const char *path)
{
    const char *text = lami_st_in_text(in, "lamina.classes");
    if (!text)
        return LAM_OK;
    lam_status status = LAM_ENOMEM;
    char **names = NULL;
    size_t count = 0;
    json_t *json = json_loads(text, 0, NULL);
    count = json_array_size(json); /* 0 for what is no array */
    if (!lami_net_may_name(net, count)) {
        status = lami_fail(LAM_EFORMAT, "%s: lamina.classes is not a list of %zu names", path, net->classes);
        goto done;
    }
    names = lami_alloc(count, sizeof *names);
    for (size_t i = 0; names && i < count; i++) {
        const char *name = json_string_value(json_array_get(json, i));
        if (!name) {
            status = lami_fail(LAM_EFORMAT, "%s: lamina.classes: name %zu is not text", path, i);
            goto done;
        }
        names[i] = lami_strdup(name);
        if (!names[i])
            goto done;
    }
    if (!names)
        goto done;
    net->class_name = names;
    net->names = count;
    names = NULL;
    status = LAM_OK;
done:
    for (size_t i = 0; names && i < count; i++)
        lami_free(names[i]);
    lami_free(names);
    json_decref(json);
    return status;
}

/* Does the tensor belong to a checkpoint beside the model? train/checkpoint.c checks these. */
static int of_checkpoint(const lami_st_in *in, const char *name)
{
    return lami_st_in_text(in, "checkpoint.step") && (!strcmp(name, "history") || !strncmp(name, "best.", 5) ||
                                                      !strncmp(name, "state.", 6) || !strncmp(name, "ema.", 4));
}

static lam_status check_names(const lam_net *net, const lami_st_in *in, const char *path)
{
    for (size_t i = 0; i < lami_st_in_count(in); i++) {
        const char *name = lami_st_in_name(in, i);
        if (strcmp(name, shift_name) && strcmp(name, scale_name) && strcmp(name, target_shift_name) &&
            strcmp(name, target_scale_name) && !of_checkpoint(in, name) && lami_net_param_find(net, name) == SIZE_MAX)
            return lami_fail(LAM_EFORMAT, "%s: tensor \"%.64s\" is none of the network's", path, name);
    }
    return LAM_OK;
}

/* What building failed with, as a fault of the file: its first line, without the text and the caret. */
static lam_status fault_of_file(lam_status status, const char *path)
{
    if (!status || status == LAM_ENOMEM)
        return status;
    const char *message = lam_last_error();
    return lami_fail(status == LAM_EUNSUPPORTED ? status : LAM_EFORMAT, "%s: lamina.notation: %.*s", path,
                     (int)strcspn(message, "\n"), message);
}

/* As lami_net_make, but without initial values: untouched memory takes no room, whatever sizes a damaged notation asks
 * for, and get_values looks for each tensor before it writes. */
static lam_status build(lam_net *net, const char *notation)
{
    LAM_TRY(lami_notation_parse(&net->tree, notation));
    LAM_TRY(lami_graph_build(net, notation, 0));
    net->notation = lami_notation_print(net->tree);
    return net->notation ? LAM_OK : LAM_ENOMEM;
}

/* The network that the metadata describes. */
static lam_status make_net(lam_net *net, const lami_st_in *in, const char *path)
{
    const char *notation, *input, *dtype;
    LAM_TRY(get_text(&notation, in, path, "lamina.notation"));
    LAM_TRY(get_text(&input, in, path, "lamina.input"));
    LAM_TRY(get_text(&dtype, in, path, "lamina.dtype"));
    if (lam_shape_parse(&net->input, input))
        return lami_fail_at(LAM_EFORMAT, "%s: lamina.input", path);
    if (strcmp(dtype, "f32") && strcmp(dtype, "f64"))
        return lami_fail(LAM_EFORMAT, "%s: lamina.dtype is \"%.64s\", expected f32 or f64", path, dtype);
    net->dtype = strcmp(dtype, "f64") ? LAM_F32 : LAM_F64;
    const char *conv = lami_st_in_text(in, "lamina.conv");
    if (conv && strcmp(conv, "direct"))
        return lami_fail(LAM_EFORMAT, "%s: lamina.conv is \"%.64s\", expected direct", path, conv);
    net->direct = !!conv;
    const char *precision = lami_st_in_text(in, "lamina.precision");
    if (precision && (strcmp(precision, "bf16") || net->dtype != LAM_F32))
        return lami_fail(LAM_EFORMAT, "%s: lamina.precision is \"%.64s\", expected bf16, with f32", path, precision);
    net->bf16 = !!precision;
    return fault_of_file(build(net, notation), path);
}

lam_status lami_model_get(lam_net **out, const lami_st_in *in, const char *path)
{
    lam_status status = LAM_OK;
    const char *bad;
    *out = NULL;
    lam_net *net = lami_alloc(1, sizeof *net);
    if (!net)
        return LAM_ENOMEM;
    LAM_TRY_DONE(check_format(in, path));
    LAM_TRY_DONE(make_net(net, in, path));
    LAM_TRY_DONE(check_names(net, in, path));
    LAM_TRY_DONE(get_prep(net, in, path));
    LAM_TRY_DONE(get_units(net, in, path));
    LAM_TRY_DONE(get_table(net, in, path));
    LAM_TRY_DONE(get_classes(net, in, path));
    LAM_TRY_DONE(lami_model_get_values(net, net->values, in, path, "", 0));
    bad = lami_net_not_finite(net);
    if (bad) {
        status = lami_fail(LAM_EFORMAT, "%s: %s has values that are not finite", path, bad);
        goto done;
    }
    *out = net;
    net = NULL;
done:
    lam_net_free(net);
    return status;
}

static lam_status load_file(lam_net **net, const char *path)
{
    lami_st_in *in = NULL;
    LAM_TRY(lami_st_in_open(&in, path));
    const lam_status status = lami_model_get(net, in, path);
    lami_st_in_close(in);
    return status;
}

lam_status lam_net_load(lam_net **net, const char *path)
{
    if (!net || !path)
        return lami_fail(LAM_EINVAL, "lam_net_load: NULL argument");
    *net = NULL;
    if (!lami_is_folder(path))
        return load_file(net, path);
    char *best = lami_path_join(path, "best.safetensors");
    if (!best)
        return LAM_ENOMEM;
    const lam_status status =
        lami_is_file(best)
            ? load_file(net, best)
            : lami_fail(LAM_EREAD, "%s holds no best.safetensors: not a run, or one without a measured epoch yet",
                        path);
    lami_free(best);
    return status;
}
