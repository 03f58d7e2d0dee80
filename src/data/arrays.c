/* arrays: labels first, as they decide what the data set is; then the samples of each part, straight from the file's
 * elements to their place.
 *   samples   x, X, data or images, alone or with _train, _val, _test after it (or before it: train_images)
 *   labels    y, label, labels, target or targets, likewise; weights: weight, weights or sample_weight
 *   shapes    (N, D) rows; (N, H, W) images of one channel; (N, C, H, W), or (N, H, W, C) where the last size is 1,
 *             3 or 4 and the second is none of these */
#include "arrays.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../core/list.h"
#include "../core/mem.h"
#include "../core/nearest.h"
#include "../core/number.h"

enum {
    CHUNK = 4096,
    NAME_TEXT = 64,
    NAME_SHOWN = 40, /* of an array, in a list of bad samples: its end */
    LIST_TEXT = 160,
    FEW_VALUES = 100, /* whole numbers with a point are classes if there are at most that many different ones */
    SURELY_FEW = 10   /* or at most this many, however few samples there are */
};
static const size_t none = SIZE_MAX;

static const char *const sample_words[] = { "x", "X", "data", "images", NULL };
static const char *const label_words[] = { "y", "label", "labels", "target", "targets", NULL };
static const char *const weight_words[] = { "weight", "weights", "sample_weight", NULL };
static const char *const part_words[3][3] = { { "train" }, { "val", "valid" }, { "test" } };

/* Numbers of a part: labels or weights. */
typedef struct numbers {
    double *value; /* rows x columns; NULL: there are none */
    size_t rows, columns;
    int whole; /* stored as whole numbers */
    char *name;
} numbers;

typedef struct part_arrays {
    size_t x, y, weight; /* which array; none */
    numbers label, weights;
    uint8_t *left_out; /* marks of samples that cannot be used, where the caller counts them */
} part_arrays;

typedef struct filling {
    lam_data *data;
    const lami_array_box *box;
    const lami_open *how;
    part_arrays part[3];
} filling;

/* ---- names ---- */

/* Is `name` of `length` bytes the word alone, or with a part's word (NULL: alone)? */
static int is_name(const char *name, size_t length, const char *word, const char *part)
{
    char text[NAME_TEXT];
    if (!part)
        return strlen(word) == length && !memcmp(name, word, length);
    for (int order = 0; order < 2; order++) {
        const int n = snprintf(text, sizeof text, "%s_%s", order ? part : word, order ? word : part);
        if (n > 0 && n < (int)sizeof text && (size_t)n == length && !memcmp(name, text, length))
            return 1;
    }
    return 0;
}

/* The same for a part; the training part's arrays may have no word for the part. */
static int is_name_in(const char *name, size_t length, const char *word, int part)
{
    if (part == LAM_TRAIN && is_name(name, length, word, NULL))
        return 1;
    for (int i = 0; i < 3 && part_words[part][i]; i++)
        if (is_name(name, length, word, part_words[part][i]))
            return 1;
    return 0;
}

int lami_arrays_is_samples(const char *name, size_t length)
{
    for (int part = 0; part < 3; part++)
        for (int i = 0; sample_words[i]; i++)
            if (is_name_in(name, length, sample_words[i], part))
                return 1;
    return 0;
}

static const char *name_at(const filling *f, size_t i)
{
    return f->box->name(i, f->box->arg);
}

/* The array of a part that one of the words names. */
static lam_status find(const filling *f, size_t *found, const char *const *words, int part)
{
    *found = none;
    for (size_t i = 0; i < f->box->count; i++) {
        const char *name = name_at(f, i);
        int fits = 0;
        for (int w = 0; !fits && words[w]; w++)
            fits = is_name_in(name, strlen(name), words[w], part);
        if (fits && *found != none)
            return lami_fail(LAM_EFORMAT, "%s: both %s and %s could be meant: leave one out%s", f->box->path,
                             name_at(f, *found), name, words == label_words ? ", or give --label NAME" : "");
        if (fits)
            *found = i;
    }
    return LAM_OK;
}

static const char *list_names(const filling *f, char text[LIST_TEXT])
{
    return f->box->count ? lami_list_all(text, LIST_TEXT, f->box->count, f->box->name, f->box->arg) : "nothing";
}

static lam_status unknown_name(const filling *f, const char *name, const char *option)
{
    char list[LIST_TEXT], of_training[NAME_TEXT], meant[LAMI_MEANT_TEXT];
    snprintf(of_training, sizeof of_training, "%.50s_train", name);
    if (!*lami_did_you_mean(meant, name, f->box->count, f->box->name, f->box->arg))
        lami_did_you_mean(meant, of_training, f->box->count, f->box->name, f->box->arg);
    return lami_fail(LAM_EOPTION, "%s: no array \"%.64s\" for --%s%s (there is: %s)", f->box->path, name, option, meant,
                     list_names(f, list));
}

/* The word that an option gives: y for y_train, too, so that the other parts are found by it. */
static void option_word(char word[NAME_TEXT], const char *given)
{
    static const char part[] = "_train";
    const size_t length = strlen(given), cut = sizeof part - 1;
    const int ends = length > cut && length < NAME_TEXT && !strcmp(given + length - cut, part);
    snprintf(word, NAME_TEXT, "%.*s", (int)(ends ? length - cut : 0), given);
}

/* Labels or weights of all parts: by the option's word where it is given, else by the usual words. */
static lam_status find_numbers(filling *f, const char *const *words, const char *given, const char *option)
{
    char word[NAME_TEXT] = "";
    if (given)
        option_word(word, given);
    const char *const one[] = { *word ? word : given, NULL };
    const int is_label = words == label_words;
    for (int part = 0; part < 3; part++) {
        size_t *const found = is_label ? &f->part[part].y : &f->part[part].weight;
        LAM_TRY(find(f, found, given ? one : words, part));
    }
    if (given && f->part[LAM_TRAIN].x != none &&
        (is_label ? f->part[LAM_TRAIN].y : f->part[LAM_TRAIN].weight) == none && !f->how->label_optional)
        return unknown_name(f, given, option);
    return LAM_OK;
}

static lam_status find_all(filling *f)
{
    char list[LIST_TEXT];
    for (int part = 0; part < 3; part++)
        LAM_TRY(find(f, &f->part[part].x, sample_words, part));
    if (f->part[LAM_TRAIN].x == none)
        return lami_fail(LAM_EREAD,
                         "%s: no samples: an array x, X, data or images, alone or with _train, is needed "
                         "(there is: %s)",
                         f->box->path, list_names(f, list));
    LAM_TRY(find_numbers(f, label_words, f->how->options->label, "label"));
    LAM_TRY(find_numbers(f, weight_words, f->how->options->weight, "weight"));
    for (int part = 0; part < 3; part++) {
        if (f->part[part].x == none || f->part[part].y != none)
            continue;
        if (!f->how->label_optional)
            return lami_fail(LAM_EREAD, "%s: no labels for %s: %s (there is: %s)", f->box->path,
                             name_at(f, f->part[part].x), f->box->label_hint, list_names(f, list));
        f->data->unlabeled = 1;
    }
    return LAM_OK;
}

/* ---- samples that cannot be used ---- */

/* Sample `row` of a part, in array `name`, has a number that cannot be used: an error, or noted where the caller wants
 * to know all of them. */
static lam_status bad_sample(filling *f, int part, size_t row, const char *name, double value, const char *why)
{
    char text[LAMI_REAL_TEXT];
    lami_bad_rows *bad = f->how->bad;
    lami_real_text(text, value);
    if (!bad)
        return lami_fail(LAM_EFORMAT, "%s: sample %zu is %s: %s", name, row, text, why);
    if (f->part[part].left_out[row])
        return LAM_OK;
    f->part[part].left_out[row] = 1;
    if (bad->count < sizeof bad->first / sizeof *bad->first) {
        const size_t length = strlen(name), cut = length > NAME_SHOWN ? length - NAME_SHOWN : 0;
        bad->first[bad->count].line = row + 1;
        snprintf(bad->first[bad->count].why, sizeof bad->first->why, "%.40s: %.24s: %.50s", name + cut, text, why);
    }
    bad->count++;
    return LAM_OK;
}

static void move_row(void *array, size_t to, size_t row, size_t row_bytes)
{
    if (array)
        memmove((char *)array + to * row_bytes, (char *)array + row * row_bytes, row_bytes);
}

static lam_status drop_bad_samples(filling *f, int which)
{
    lami_part *part = &f->data->part[which];
    size_t kept = 0;
    for (size_t row = 0; f->part[which].left_out && row < part->count; row++) {
        if (f->part[which].left_out[row])
            continue;
        if (kept < row) {
            move_row(part->x_owned, kept, row, f->data->sample_bytes);
            move_row(part->label, kept, row, sizeof *part->label);
            move_row(part->target, kept, row, f->data->targets * sizeof *part->target);
            move_row(part->weight, kept, row, sizeof *part->weight);
        }
        kept++;
    }
    if (f->part[which].left_out)
        part->count = kept;
    return part->count
               ? LAM_OK
               : lami_fail(LAM_EFORMAT, "%s: no sample of %s can be used", f->box->path, name_at(f, f->part[which].x));
}

/* ---- labels ---- */

void lami_array_close(lami_array *array)
{
    lami_zip_content_free(&array->content);
    lami_source_close(&array->source);
    lami_free(array->name);
    *array = (lami_array) { 0 };
}

/* Put n values of the array, from the first-th in the file's order on, to their places in rows x columns. */
static void place_numbers(numbers *to, const double *value, size_t first, size_t n, int by_columns)
{
    for (size_t i = 0; i < n; i++) {
        const size_t at = first + i;
        to->value[by_columns ? at % to->rows * to->columns + at / to->rows : at] = value[i];
    }
}

static lam_status take_numbers(const filling *f, numbers *to, size_t index)
{
    lam_status status;
    lami_array a = { 0 };
    char text[LAMI_SHAPE_TEXT];
    double value[CHUNK];
    LAM_TRY_DONE(f->box->open(&a, index, f->box->arg));
    const lam_shape *shape = &a.npy.shape;
    if (shape->rank != 1 && shape->rank != 2) {
        status = lami_fail(LAM_EFORMAT, "%s is %s; N or NxK is needed", a.name, lami_shape_text(text, shape));
        goto done;
    }
    to->rows = shape->dim[0];
    to->columns = shape->rank == 2 ? shape->dim[1] : 1;
    to->whole = a.npy.kind != 'f';
    to->value = lami_alloc(a.npy.count, sizeof *to->value);
    if (!to->value) {
        status = LAM_ENOMEM;
        goto done;
    }
    for (size_t at = 0; at < a.npy.count; at += CHUNK) {
        const size_t n = a.npy.count - at < CHUNK ? a.npy.count - at : CHUNK;
        lami_npy_get(value, &a.npy, at, n);
        place_numbers(to, value, at, n, a.npy.by_columns);
    }
    to->name = a.name;
    a.name = NULL;
done:
    lami_array_close(&a);
    return status;
}

static int is_class(double value)
{
    return value >= 0 && value < LAMI_MAX_CLASSES && value == floor(value);
}

/* Could these numbers, stored with a point, be classes? Then they are whole, and few are different. */
static lam_status look_like_classes(const numbers *y, int *yes)
{
    size_t different = 0, finite = 0;
    uint8_t *seen = lami_alloc(LAMI_MAX_CLASSES / 8 + 1, 1);
    if (!seen)
        return LAM_ENOMEM;
    *yes = y->columns == 1;
    for (size_t i = 0; *yes && i < y->rows; i++) {
        if (!isfinite(y->value[i]))
            continue;
        *yes = is_class(y->value[i]);
        const size_t class = *yes ? (size_t)y->value[i] : 0;
        const uint8_t bit = (uint8_t)(1 << class % 8);
        different += *yes && !(seen[class / 8] & bit);
        seen[class / 8] |= bit;
        finite++;
    }
    lami_free(seen);
    if (!y->whole && different > SURELY_FEW && (different > FEW_VALUES || different > finite / 2))
        *yes = 0;
    return LAM_OK;
}

/* Do the labels stand for classes? */
static lam_status decide(const filling *f, const numbers *y, int *classes)
{
    const char *targets = f->how->options->targets;
    *classes = !strcmp(targets, "classes") || (strcmp(targets, "numbers") && !f->how->reals);
    if (!strcmp(targets, "auto") && f->how->reals < 0)
        return look_like_classes(y, classes);
    return LAM_OK;
}

/* Check the labels of a part as classes; *largest grows. */
static lam_status check_classes(filling *f, int part, size_t *largest)
{
    const numbers *y = &f->part[part].label;
    if (y->columns != 1)
        return lami_fail(LAM_EFORMAT, "%s is %zux%zu; one class for each sample is needed (or --targets numbers)",
                         y->name, y->rows, y->columns);
    for (size_t i = 0; i < y->rows; i++) {
        if (!is_class(y->value[i]))
            LAM_TRY(bad_sample(f, part, i, y->name, y->value[i], "classes are whole numbers from 0"));
        else if ((size_t)y->value[i] > *largest)
            *largest = (size_t)y->value[i];
    }
    return LAM_OK;
}

static lam_status check_targets(filling *f, int part)
{
    const numbers *y = &f->part[part].label;
    if (y->columns != f->part[LAM_TRAIN].label.columns)
        return lami_fail(LAM_EFORMAT, "%s has %zu columns, but %s has %zu", y->name, y->columns,
                         f->part[LAM_TRAIN].label.name, f->part[LAM_TRAIN].label.columns);
    for (size_t i = 0; i < y->rows * y->columns; i++)
        if (!isfinite(y->value[i]))
            LAM_TRY(bad_sample(f, part, i / y->columns, y->name, y->value[i], "not a finite number"));
    return LAM_OK;
}

static lam_status check_weights(filling *f, int part)
{
    const numbers *w = &f->part[part].weights;
    if (w->columns != 1)
        return lami_fail(LAM_EFORMAT, "%s is %zux%zu; one weight for each sample is needed", w->name, w->rows,
                         w->columns);
    for (size_t i = 0; i < w->rows; i++)
        if (!isfinite(w->value[i]) || w->value[i] < 0)
            LAM_TRY(bad_sample(f, part, i, w->name, w->value[i], "weights are finite and at least 0"));
    return LAM_OK;
}

static lam_status same_rows(const numbers *n, const numbers *of)
{
    return n->rows == of->rows
               ? LAM_OK
               : lami_fail(LAM_EFORMAT, "%s has %zu samples, but %s has %zu", n->name, n->rows, of->name, of->rows);
}

/* Marks for a part whose first array has `rows` rows, if they are wanted. */
static lam_status make_marks(filling *f, int part, size_t rows)
{
    if (!f->how->bad || f->part[part].left_out)
        return LAM_OK;
    f->part[part].left_out = lami_alloc(rows, 1);
    return f->part[part].left_out ? LAM_OK : LAM_ENOMEM;
}

static lam_status take_labels(filling *f)
{
    int classes = 1;
    size_t largest = 0;
    for (int part = 0; part < 3; part++) {
        part_arrays *p = &f->part[part];
        if (p->x == none)
            continue;
        if (p->y != none && !f->data->unlabeled)
            LAM_TRY(take_numbers(f, &p->label, p->y));
        if (p->weight != none)
            LAM_TRY(take_numbers(f, &p->weights, p->weight));
        if (p->label.value && p->weights.value)
            LAM_TRY(same_rows(&p->weights, &p->label));
        if (p->label.value || p->weights.value)
            LAM_TRY(make_marks(f, part, p->label.value ? p->label.rows : p->weights.rows));
    }
    if (!f->data->unlabeled)
        LAM_TRY(decide(f, &f->part[LAM_TRAIN].label, &classes));
    for (int part = 0; part < 3; part++) {
        if (f->part[part].label.value)
            LAM_TRY(classes ? check_classes(f, part, &largest) : check_targets(f, part));
        if (f->part[part].weights.value)
            LAM_TRY(check_weights(f, part));
    }
    if (f->data->unlabeled)
        return LAM_OK;
    return classes ? lami_data_set_classes(f->data, largest + 1, NULL)
                   : lami_data_set_targets(f->data, f->part[LAM_TRAIN].label.columns, NULL);
}

/* ---- samples ---- */

/* Where an array's elements go: axes from the fastest of the file on, each with its step in C x H x W order. */
typedef struct layout {
    int rank;
    size_t dim[4], step[4];
    size_t index[4], to; /* of the next element */
    size_t samples;
    lam_shape sample;
    int straight; /* the file's order is that of the data set */
} layout;

static int is_channels(size_t size)
{
    return size == 1 || size == 3 || size == 4;
}

static lam_status make_layout(layout *l, const lami_array *a)
{
    const size_t *dim = a->npy.shape.dim;
    char text[LAMI_SHAPE_TEXT];
    size_t step[4] = { 0, 1, 0, 0 };
    const int rank = a->npy.shape.rank;
    *l = (layout) { .rank = rank };
    if (rank < 2 || rank > 4)
        return lami_fail(LAM_EFORMAT, "%s is %s; NxD, NxHxW, NxCxHxW or NxHxWxC is needed", a->name,
                         lami_shape_text(text, &a->npy.shape));
    const int channels_last = rank == 4 && is_channels(dim[3]) && !is_channels(dim[1]);
    if (rank == 2)
        l->sample = lami_shape1(dim[1]);
    else if (rank == 3)
        l->sample = lami_shape3(1, dim[1], dim[2]);
    else
        l->sample = channels_last ? lami_shape3(dim[3], dim[1], dim[2]) : lami_shape3(dim[1], dim[2], dim[3]);
    if (channels_last) {
        step[1] = dim[2];
        step[2] = 1;
        step[3] = dim[1] * dim[2];
    } else {
        step[rank - 1] = 1;
        for (int i = rank - 2; i > 0; i--)
            step[i] = step[i + 1] * dim[i + 1];
    }
    l->samples = dim[0];
    step[0] = a->npy.count / dim[0];
    for (int i = 0; i < rank; i++) {
        const int axis = a->npy.by_columns ? i : rank - 1 - i;
        l->dim[i] = dim[axis];
        l->step[i] = step[axis];
    }
    l->straight = !channels_last && !a->npy.by_columns;
    return LAM_OK;
}

/* The place of the next element. */
static inline size_t next_place(layout *l)
{
    const size_t place = l->to;
    for (int i = 0; i < l->rank; i++) {
        l->to += l->step[i];
        if (++l->index[i] < l->dim[i])
            break;
        l->to -= l->step[i] * l->dim[i];
        l->index[i] = 0;
    }
    return place;
}

static void put_bytes(uint8_t *x, layout *l, const uint8_t *from, size_t count)
{
    if (l->straight)
        memcpy(x, from, count);
    else
        for (size_t i = 0; i < count; i++)
            x[next_place(l)] = from[i];
}

/* Report elements of a chunk that are not finite in the type in which they are kept. */
static lam_status check_finite(filling *f, int part, const layout *l, const lami_array *a, const double *value,
                               size_t first, size_t n)
{
    const int is_float = f->data->dtype == LAM_F32;
    int bad = 0;
    for (size_t i = 0; i < n; i++)
        bad |= !isfinite(is_float ? (double)(float)value[i] : value[i]);
    for (size_t i = 0; bad && i < n; i++) {
        const size_t at = first + i;
        if (isfinite(is_float ? (double)(float)value[i] : value[i]))
            continue;
        LAM_TRY(bad_sample(
            f, part, a->npy.by_columns ? at % l->samples : at / (a->npy.count / l->samples), a->name, value[i],
            isfinite(value[i]) ? "too large for single precision (--dtype f64 has room)" : "not a finite number"));
    }
    return LAM_OK;
}

static lam_status put_reals(filling *f, int part, layout *l, const lami_array *a)
{
    double value[CHUNK];
    float *single = f->data->part[part].x_owned;
    double *twice = f->data->part[part].x_owned;
    for (size_t at = 0; at < a->npy.count; at += CHUNK) {
        const size_t n = a->npy.count - at < CHUNK ? a->npy.count - at : CHUNK;
        lami_npy_get(value, &a->npy, at, n);
        if (a->npy.kind == 'f')
            LAM_TRY(check_finite(f, part, l, a, value, at, n));
        if (f->data->dtype == LAM_F32 && l->straight)
            for (size_t i = 0; i < n; i++)
                single[at + i] = (float)value[i];
        else if (f->data->dtype == LAM_F32)
            for (size_t i = 0; i < n; i++)
                single[next_place(l)] = (float)value[i];
        else
            for (size_t i = 0; i < n; i++)
                twice[l->straight ? at + i : next_place(l)] = value[i];
    }
    return LAM_OK;
}

/* What samples are kept as: bytes stay bytes; --dtype f64 keeps what single precision could not hold. */
static lam_dtype kept_as(const filling *f, const lami_npy *npy)
{
    const int wide = npy->bytes == 8 || (npy->bytes == 4 && npy->kind != 'f');
    if (npy->kind == 'u' && npy->bytes == 1)
        return LAM_U8;
    return wide && !strcmp(f->how->options->dtype, "f64") ? LAM_F64 : LAM_F32;
}

/* An array's shape and type against those of the training part, which it sets. */
static lam_status check_samples(const filling *f, int part, const layout *l, const lami_array *a)
{
    char have[LAMI_SHAPE_TEXT], need[LAMI_SHAPE_TEXT];
    const part_arrays *p = &f->part[part];
    const lam_dtype dtype = kept_as(f, &a->npy);
    if (part == LAM_TRAIN) {
        f->data->dtype = dtype;
        f->data->shape = l->sample;
    }
    if (!lami_shape_equal(&l->sample, &f->data->shape))
        return lami_fail(LAM_EFORMAT, "%s: samples are %s, those of %s %s", a->name, lami_shape_text(have, &l->sample),
                         name_at(f, f->part[LAM_TRAIN].x), lami_shape_text(need, &f->data->shape));
    if (f->data->dtype == LAM_U8 && dtype != LAM_U8)
        return lami_fail(LAM_EFORMAT, "%s: elements are %s, those of %s bytes (u1)", a->name, a->npy.type,
                         name_at(f, f->part[LAM_TRAIN].x));
    const numbers *of = p->label.value ? &p->label : p->weights.value ? &p->weights : NULL;
    return of ? same_rows(of, &(numbers) { .rows = l->samples, .name = a->name }) : LAM_OK;
}

/* Labels and weights of a part to their places. */
static void put_numbers(filling *f, int part, double *weight)
{
    lami_part *to = &f->data->part[part];
    const numbers *y = &f->part[part].label, *w = &f->part[part].weights;
    for (size_t i = 0; to->label && y->value && i < to->count; i++)
        to->label[i] = is_class(y->value[i]) ? (int32_t)y->value[i] : 0; /* 0: will be left out */
    if (to->target && y->value)
        memcpy(to->target, y->value, to->count * f->data->targets * sizeof *to->target);
    if (weight)
        memcpy(weight, w->value, to->count * sizeof *weight);
    to->weight = weight;
}

static lam_status take_samples(filling *f, int part)
{
    lam_status status;
    lami_array a = { 0 };
    layout l;
    double *weight = NULL;
    LAM_TRY_DONE(f->box->open(&a, f->part[part].x, f->box->arg));
    LAM_TRY_DONE(make_layout(&l, &a));
    LAM_TRY_DONE(check_samples(f, part, &l, &a));
    LAM_TRY_DONE(lami_data_room(f->data, (lam_part)part, l.samples));
    LAM_TRY_DONE(make_marks(f, part, l.samples));
    if (f->part[part].weights.value) {
        weight = lami_alloc(l.samples, sizeof *weight);
        if (!weight) {
            status = LAM_ENOMEM;
            goto done;
        }
    }
    put_numbers(f, part, weight);
    if (f->data->dtype == LAM_U8)
        put_bytes(f->data->part[part].x_owned, &l, a.npy.data, a.npy.count);
    else
        LAM_TRY_DONE(put_reals(f, part, &l, &a));
    status = drop_bad_samples(f, part);
done:
    lami_array_close(&a);
    return status;
}

lam_status lami_arrays_open(lam_data *data, const lami_array_box *box, const lami_open *how)
{
    lam_status status;
    filling f = { .data = data, .box = box, .how = how };
    LAM_TRY_DONE(find_all(&f));
    LAM_TRY_DONE(take_labels(&f));
    for (int part = 0; part < 3; part++)
        if (f.part[part].x != none)
            LAM_TRY_DONE(take_samples(&f, part));
done:
    for (int part = 0; part < 3; part++) {
        lami_free(f.part[part].label.value);
        lami_free(f.part[part].label.name);
        lami_free(f.part[part].weights.value);
        lami_free(f.part[part].weights.name);
        lami_free(f.part[part].left_out);
    }
    return status;
}
