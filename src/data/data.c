/* data: samples from arrays, and the getters. */
#include "data.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../core/fpu.h"
#include "../core/mem.h"
#include "../core/parallel.h"

static void free_part(lami_part *part)
{
    lami_pages_free(part->x_owned, part->x_bytes);
    lami_free(part->label);
    lami_free(part->target);
    lami_free(part->weight);
    lami_free(part->index);
    lami_free(part->names);
    lami_free(part->name_at);
    *part = (lami_part) { 0 };
}

static void free_classes(lam_data *data)
{
    for (size_t i = 0; data->class_name && i < data->classes; i++)
        lami_free(data->class_name[i]);
    lami_free(data->class_name);
    lami_free(data->number_name);
    data->class_name = NULL;
    data->number_name = NULL;
    data->classes = 0;
}

static void free_targets(lam_data *data)
{
    for (size_t k = 0; data->target_name && k < data->targets; k++)
        lami_free(data->target_name[k]);
    lami_free(data->target_name);
    data->target_name = NULL;
    data->targets = 0;
}

static void free_bad_files(lami_bad_files *bad)
{
    for (size_t i = 0; i < bad->count; i++) {
        lami_free(bad->file[i].path);
        lami_free(bad->file[i].why);
    }
    lami_free(bad->file);
}

lam_status lami_bad_files_add(lami_bad_files *bad, const char *path, const char *why)
{
    void *file = bad->file;
    LAM_TRY(lami_grow(&file, &bad->room, bad->count + 1, sizeof *bad->file));
    bad->file = file;
    const size_t i = bad->count++;
    bad->file[i].path = lami_strdup(path);
    bad->file[i].why = lami_strdup(why);
    return bad->file[i].path && bad->file[i].why ? LAM_OK : LAM_ENOMEM;
}

void lam_data_free(lam_data *data)
{
    if (!data)
        return;
    for (int i = 0; i < 3; i++)
        free_part(&data->part[i]);
    free_part(&data->stored);
    if (!data->is_view) {
        free_classes(data);
        free_targets(data);
        free_bad_files(&data->bad_files);
        lami_schema_free(data->schema);
        lami_free(data->path);
    }
    lami_free(data);
}

const void *lami_data_sample(const lam_data *data, lam_part part, size_t i)
{
    const lami_part *p = &data->part[part];
    const void *x = p->of ? p->of->x : p->x;
    return (const char *)x + (p->of ? p->index[i] : i) * data->sample_bytes;
}

const char *lami_data_sample_path(const lam_data *data, lam_part part, size_t i)
{
    const lami_part *p = &data->part[part], *from = p->of ? p->of : p;
    return from->names ? from->names + from->name_at[p->of ? p->index[i] : i] : NULL;
}

/* Labels or targets, as the data set has them. */
static lam_status answer_room(lam_data *data, lami_part *part, size_t count)
{
    size_t numbers;
    if (data->unlabeled)
        return LAM_OK;
    LAM_TRY(lami_mul(&numbers, count, data->targets));
    if (data->targets)
        return (part->target = lami_alloc(numbers, sizeof *part->target)) ? LAM_OK : LAM_ENOMEM;
    return (part->label = lami_alloc(count, sizeof *part->label)) ? LAM_OK : LAM_ENOMEM;
}

lam_status lami_data_room(lam_data *data, lam_part part, size_t count)
{
    size_t elements, sample_bytes, bytes;
    LAM_TRY(lami_shape_check(&elements, &data->shape));
    LAM_TRY(lami_mul(&sample_bytes, elements, lami_dtype_size(data->dtype)));
    LAM_TRY(lami_mul(&bytes, count, sample_bytes));
    if (!count || count >= UINT32_MAX)
        return lami_fail(LAM_ESHAPE, "%zu samples: 1 to %" PRIu32 " are possible", count, UINT32_MAX - 1);
    lami_part made = { .count = count, .x_bytes = bytes };
    LAM_TRY(answer_room(data, &made, count));
    if (lami_pages_new(&made.x_owned, bytes)) {
        free_part(&made);
        return LAM_ENOMEM;
    }
    made.x = made.x_owned;
    data->part[part] = made;
    data->sample_bytes = sample_bytes;
    return LAM_OK;
}

/* Unnamed classes: their numbers, made here because getters must not change anything. */
static lam_status number_classes(lam_data *data)
{
    data->number_name = lami_alloc(data->classes, sizeof *data->number_name);
    if (!data->number_name)
        return LAM_ENOMEM;
    for (size_t i = 0; i < data->classes; i++)
        snprintf(data->number_name[i], sizeof *data->number_name, "%zu", i);
    return LAM_OK;
}

lam_status lami_data_set_classes(lam_data *data, size_t classes, const char *const *names)
{
    free_classes(data);
    data->classes = classes;
    if (!names)
        return number_classes(data);
    data->class_name = lami_alloc(classes, sizeof *data->class_name);
    if (!data->class_name)
        return LAM_ENOMEM;
    for (size_t i = 0; i < classes; i++) {
        data->class_name[i] = lami_strdup(names[i]);
        if (!data->class_name[i])
            return LAM_ENOMEM;
    }
    return LAM_OK;
}

lam_status lami_data_set_targets(lam_data *data, size_t targets, const char *const *names)
{
    free_targets(data);
    data->targets = targets;
    if (!names)
        return LAM_OK;
    data->target_name = lami_alloc(targets, sizeof *data->target_name);
    if (!data->target_name)
        return LAM_ENOMEM;
    for (size_t k = 0; k < targets; k++)
        if (!(data->target_name[k] = lami_strdup(names[k])))
            return LAM_ENOMEM;
    return LAM_OK;
}

int lami_data_threads(const lam_options *options)
{
    const size_t threads = options->threads ? options->threads : (size_t)lami_cpus();
    return (int)(threads < LAMI_MAX_THREADS ? threads : LAMI_MAX_THREADS);
}

const char *lami_part_name(lam_part part)
{
    static const char *const names[] = { [LAM_TRAIN] = "training", [LAM_VAL] = "validation", [LAM_TEST] = "test" };
    return names[part];
}

/* ---- from arrays ---- */

static int is_real(const lam_tensor *t)
{
    return t->dtype == LAM_F32 || t->dtype == LAM_F64;
}

lam_status lami_targets_from(double *target, const lam_tensor *y, size_t count, size_t targets)
{
    char text[LAMI_SHAPE_TEXT];
    if (!is_real(y))
        return lami_fail(LAM_EINVAL, "y is %s; f32 or f64 is needed for numbers", lami_dtype_name(y->dtype));
    if (y->shape.rank < 1 || y->shape.dim[0] != count || lam_shape_count(&y->shape) != count * targets)
        return lami_fail(LAM_ESHAPE, "y is %s; %zu numbers for each of %zu samples are needed",
                         lami_shape_text(text, &y->shape), targets, count);
    for (size_t i = 0; i < count * targets; i++) {
        target[i] = lami_real_at(y->data, y->dtype, i);
        if (!isfinite(target[i]))
            return lami_fail(LAM_EFORMAT, "y[%zu] is not a finite number", i / targets);
    }
    return LAM_OK;
}

lam_status lami_weights_from(double *weight, const lam_tensor *w, size_t count)
{
    char text[LAMI_SHAPE_TEXT];
    if (!w || !w->data || !is_real(w))
        return lami_fail(LAM_EINVAL, "weights: a tensor of f32 or f64 is needed");
    if (w->shape.rank != 1 || w->shape.dim[0] != count)
        return lami_fail(LAM_ESHAPE, "weights are %s; one for each of %zu samples is needed",
                         lami_shape_text(text, &w->shape), count);
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        weight[i] = lami_real_at(w->data, w->dtype, i);
        if (!(weight[i] >= 0) || !isfinite(weight[i]))
            return lami_fail(LAM_EINVAL, "weights[%zu] is not a finite number of at least 0", i);
        sum += weight[i];
    }
    return sum > 0 ? LAM_OK : lami_fail(LAM_EINVAL, "weights: all are 0");
}

/* x is (N, D) or (N, C, H, W) of a dtype that samples have, y is (N): the count and the shape of a sample. */
static lam_status check_arrays(size_t *count, lam_shape *sample, const lam_tensor *x, const lam_tensor *y)
{
    char text[LAMI_SHAPE_TEXT];
    size_t elements;
    if (!x || !y || !x->data || !y->data)
        return lami_fail(LAM_EINVAL, "data from arrays: x or y is NULL");
    if (x->dtype != LAM_U8 && x->dtype != LAM_F32 && x->dtype != LAM_F64)
        return lami_fail(LAM_EINVAL, "data from arrays: x is %s; u8, f32 and f64 are possible",
                         lami_dtype_name(x->dtype));
    LAM_TRY(lami_shape_check(&elements, &x->shape));
    if (x->shape.rank != 2 && x->shape.rank != 4)
        return lami_fail(LAM_ESHAPE, "data from arrays: x is %s; (N, D) or (N, C, H, W) is needed",
                         lami_shape_text(text, &x->shape));
    *count = x->shape.dim[0];
    *sample = x->shape.rank == 2 ? lami_shape1(x->shape.dim[1])
                                 : lami_shape3(x->shape.dim[1], x->shape.dim[2], x->shape.dim[3]);
    return LAM_OK;
}

static int64_t label_at(const lam_tensor *y, size_t i)
{
    switch (y->dtype) {
    case LAM_U8:
        return ((const uint8_t *)y->data)[i];
    case LAM_I32:
        return ((const int32_t *)y->data)[i];
    default:
        return ((const int64_t *)y->data)[i];
    }
}

lam_status lami_labels_from(int32_t *label, size_t *largest, const lam_tensor *y, size_t count, size_t limit)
{
    char text[LAMI_SHAPE_TEXT];
    *largest = 0;
    if (y->dtype != LAM_U8 && y->dtype != LAM_I32 && y->dtype != LAM_I64)
        return lami_fail(LAM_EINVAL, "y is %s; u8, i32 and i64 are possible", lami_dtype_name(y->dtype));
    if (y->shape.rank != 1 || y->shape.dim[0] != count)
        return lami_fail(LAM_ESHAPE, "y is %s; a label for each of %zu samples is needed",
                         lami_shape_text(text, &y->shape), count);
    for (size_t i = 0; i < count; i++) {
        const int64_t value = label_at(y, i);
        if (value < 0 || (uint64_t)value >= limit)
            return lami_fail(LAM_EFORMAT, "y[%zu] is %" PRId64 "; labels are 0 to %zu", i, value, limit - 1);
        label[i] = (int32_t)value;
        if ((size_t)value > *largest)
            *largest = (size_t)value;
    }
    return LAM_OK;
}

/* x and y into an empty part of data, whose dtype, shape and targets are set. */
static lam_status fill_part(lam_data *data, lam_part part, size_t *largest, const lam_tensor *x, const lam_tensor *y,
                            size_t count, size_t limit, int borrow)
{
    lami_part *p = &data->part[part];
    if (count >= UINT32_MAX)
        return lami_fail(LAM_ESHAPE, "data from arrays: %zu samples are too many", count);
    if (borrow) {
        LAM_TRY(answer_room(data, p, count));
        p->x = x->data;
        p->count = count;
        data->sample_bytes = lam_shape_count(&data->shape) * lami_dtype_size(data->dtype);
    } else {
        LAM_TRY(lami_data_room(data, part, count));
        memcpy(p->x_owned, x->data, p->x_bytes);
    }
    const lam_status status = data->targets ? lami_targets_from(p->target, y, count, data->targets)
                                            : lami_labels_from(p->label, largest, y, count, limit);
    if (status)
        free_part(p);
    return status;
}

/* Numbers to predict where y is of reals: (N) or (N, K). */
static lam_status choose_targets(lam_data *data, const lam_tensor *y, size_t count, size_t classes)
{
    size_t numbers;
    char text[LAMI_SHAPE_TEXT];
    if (!is_real(y))
        return LAM_OK;
    if (classes)
        return lami_fail(LAM_EINVAL, "data from arrays: y is %s: numbers to predict have no classes",
                         lami_dtype_name(y->dtype));
    LAM_TRY(lami_shape_check(&numbers, &y->shape));
    if (y->shape.rank < 1 || y->shape.rank > 2 || y->shape.dim[0] != count)
        return lami_fail(LAM_ESHAPE, "data from arrays: y is %s; (%zu) or (%zu, K) is needed",
                         lami_shape_text(text, &y->shape), count, count);
    return lami_data_set_targets(data, numbers / count, NULL);
}

lam_status lam_data_from_arrays(lam_data **out, const lam_tensor *x, const lam_tensor *y, size_t classes, int borrow)
{
    size_t count = 0, largest = 0;
    lam_shape sample;
    if (!out)
        return lami_fail(LAM_EINVAL, "lam_data_from_arrays: NULL argument");
    *out = NULL;
    LAMI_FPU_SCOPE;
    LAM_TRY(check_arrays(&count, &sample, x, y));
    if (classes > LAMI_MAX_CLASSES)
        return lami_fail(LAM_EINVAL, "data from arrays: %zu classes; at most %d are possible", classes,
                         LAMI_MAX_CLASSES);
    lam_data *data = lami_alloc(1, sizeof *data);
    if (!data)
        return LAM_ENOMEM;
    data->dtype = x->dtype;
    data->shape = sample;
    const size_t limit = classes ? classes : LAMI_MAX_CLASSES;
    lam_status status = choose_targets(data, y, count, classes);
    if (!status)
        status = fill_part(data, LAM_TRAIN, &largest, x, y, count, limit, borrow);
    if (!status && !data->targets)
        status = lami_data_set_classes(data, classes ? classes : largest + 1, NULL);
    if (status) {
        lam_data_free(data);
        return status;
    }
    *out = data;
    return LAM_OK;
}

lam_status lam_data_add_part(lam_data *data, lam_part part, const lam_tensor *x, const lam_tensor *y, int borrow)
{
    size_t count = 0, largest = 0;
    lam_shape sample;
    char have[LAMI_SHAPE_TEXT], need[LAMI_SHAPE_TEXT];
    if (!data || (part != LAM_TRAIN && part != LAM_VAL && part != LAM_TEST))
        return lami_fail(LAM_EINVAL, "lam_data_add_part: no data, or not a part");
    if (data->part[part].count)
        return lami_fail(LAM_EINVAL, "lam_data_add_part: this part is there already");
    LAMI_FPU_SCOPE;
    LAM_TRY(check_arrays(&count, &sample, x, y));
    if (!lami_shape_equal(&sample, &data->shape))
        return lami_fail(LAM_ESHAPE, "lam_data_add_part: samples are %s, those of the training part %s",
                         lami_shape_text(have, &sample), lami_shape_text(need, &data->shape));
    if (x->dtype != data->dtype)
        return lami_fail(LAM_EINVAL, "lam_data_add_part: x is %s, the training part's %s", lami_dtype_name(x->dtype),
                         lami_dtype_name(data->dtype));
    return fill_part(data, part, &largest, x, y, count, data->classes, borrow);
}

lam_status lam_data_set_weights(lam_data *data, lam_part part, const lam_tensor *weights)
{
    if (!data || part < LAM_TRAIN || part > LAM_TEST || !data->part[part].count)
        return lami_fail(LAM_EINVAL, "lam_data_set_weights: no data, or no such part");
    lami_part *p = &data->part[part];
    double *weight = lami_alloc(p->count, sizeof *weight);
    if (!weight)
        return LAM_ENOMEM;
    LAMI_FPU_SCOPE;
    const lam_status status = lami_weights_from(weight, weights, p->count);
    lami_free(status ? weight : p->weight);
    if (!status)
        p->weight = weight;
    return status;
}

/* ---- getters ---- */

static int is_part(const lam_data *data, lam_part part)
{
    return data && (part == LAM_TRAIN || part == LAM_VAL || part == LAM_TEST);
}

const lam_shape *lam_data_shape(const lam_data *data)
{
    return data ? &data->shape : NULL;
}

size_t lam_data_count(const lam_data *data, lam_part part)
{
    return is_part(data, part) ? data->part[part].count : 0;
}

size_t lam_data_classes(const lam_data *data)
{
    return data ? data->classes : 0;
}

const char *lam_data_class_name(const lam_data *data, size_t index)
{
    if (!data || index >= data->classes)
        return NULL;
    return data->class_name ? data->class_name[index] : data->number_name[index];
}

int lam_data_label(const lam_data *data, lam_part part, size_t index)
{
    return index < lam_data_count(data, part) && data->part[part].label ? data->part[part].label[index] : -1;
}

size_t lam_data_targets(const lam_data *data)
{
    return data ? data->targets : 0;
}

const char *lam_data_target_name(const lam_data *data, size_t k)
{
    return data && data->target_name && k < data->targets ? data->target_name[k] : NULL;
}

double lam_data_target(const lam_data *data, lam_part part, size_t index, size_t k)
{
    if (index >= lam_data_count(data, part) || k >= data->targets || !data->part[part].target)
        return NAN;
    return data->part[part].target[index * data->targets + k];
}

double lam_data_weight(const lam_data *data, lam_part part, size_t index)
{
    return index < lam_data_count(data, part) && data->part[part].weight ? data->part[part].weight[index] : 1;
}
