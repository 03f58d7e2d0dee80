/* prep: fitting the chain of steps, and applying it. */
#include "prep.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "../core/mem.h"
#include "../core/nearest.h"
#include "../core/number.h"

/* ---- sums over the training part ---- */

/* Bytes are summed in 32 bits over runs of samples: 65536 x 255^2 < 2^32. */
enum { RUN = 65536 };

/* Mean and, if wanted, standard deviation of each element. */
typedef struct statistics {
    double *mean, *std; /* std NULL: not wanted */
} statistics;

/* Whole-number sums; var = E[(x - q)^2] - (mean - q)^2 with q the whole part of the mean: all terms below 2^48 are
 * exact, and an element that never changes has exactly 0. */
static void finish_bytes(double *mean, double *std, size_t n, uint64_t sum, uint64_t squares)
{
    const uint64_t q = sum / n;
    const double rest = (double)(sum % n) / (double)n;
    *mean = (double)q + rest;
    if (!std)
        return;
    const uint64_t about_q = squares + n * q * q - 2 * q * sum; /* modulo 2^64, as the result is what counts */
    const double variance = (double)about_q / (double)n - rest * rest;
    *std = variance > 0 ? sqrt(variance) : 0;
}

static lam_status measure_bytes(const statistics *s, size_t count, const lam_data *data)
{
    lam_status status = LAM_ENOMEM;
    const size_t n = data->part[LAM_TRAIN].count;
    uint32_t *run = lami_alloc(count, 2 * sizeof *run);
    uint64_t *sum = lami_alloc(count, 2 * sizeof *sum);
    if (!run || !sum)
        goto done;
    uint32_t *const run_squares = run + count;
    for (size_t start = 0; start < n; start += RUN) {
        const size_t end = n - start < RUN ? n : start + RUN;
        memset(run, 0, 2 * count * sizeof *run);
        for (size_t i = start; i < end; i++) {
            const uint8_t *restrict x = lami_data_sample(data, LAM_TRAIN, i);
            for (size_t j = 0; j < count; j++)
                run[j] += x[j];
            for (size_t j = 0; s->std && j < count; j++)
                run_squares[j] += (uint32_t)x[j] * x[j];
        }
        for (size_t j = 0; j < 2 * count; j++)
            sum[j] += run[j];
    }
    for (size_t j = 0; j < count; j++)
        finish_bytes(&s->mean[j], s->std ? &s->std[j] : NULL, n, sum[j], sum[count + j]);
    status = LAM_OK;
done:
    lami_free(run);
    lami_free(sum);
    return status;
}

/* Two passes, samples in order. */
static lam_status measure_reals(const statistics *s, size_t count, const lam_data *data)
{
    const size_t n = data->part[LAM_TRAIN].count;
    for (size_t i = 0; i < n; i++) {
        const void *x = lami_data_sample(data, LAM_TRAIN, i);
        for (size_t j = 0; j < count; j++)
            s->mean[j] += lami_real_at(x, data->dtype, j);
    }
    for (size_t j = 0; j < count; j++) {
        s->mean[j] /= (double)n;
        if (!isfinite(s->mean[j]))
            return lami_fail(LAM_EFORMAT,
                             "preprocess: element %zu of the training samples has values that are not finite", j);
    }
    for (size_t i = 0; s->std && i < n; i++) {
        const void *x = lami_data_sample(data, LAM_TRAIN, i);
        for (size_t j = 0; j < count; j++) {
            const double d = lami_real_at(x, data->dtype, j) - s->mean[j];
            s->std[j] += d * d;
        }
    }
    for (size_t j = 0; s->std && j < count; j++) {
        s->std[j] = sqrt(s->std[j] / (double)n);
        if (!isfinite(s->std[j]))
            return lami_fail(LAM_EFORMAT, "preprocess: element %zu of the training samples is too large to standardize",
                             j);
    }
    return LAM_OK;
}

static lam_status measure(statistics *s, size_t count, const lam_data *data, int with_std)
{
    *s = (statistics) { .mean = lami_alloc(count, sizeof(double)) };
    if (with_std)
        s->std = lami_alloc(count, sizeof(double));
    if (!s->mean || (with_std && !s->std))
        return LAM_ENOMEM;
    return data->dtype == LAM_U8 ? measure_bytes(s, count, data) : measure_reals(s, count, data);
}

/* ---- the steps: what they do to v = (x - shift) * scale ---- */

/* Beyond these, products in float would leave its range. */
static const double scale_least = 1e-30, scale_most = 1e30;

typedef lam_status step_function(lami_prep *prep, const lam_data *data, const statistics *s, const char *value);

static lam_status step_none(lami_prep *prep, const lam_data *data, const statistics *s, const char *value)
{
    (void)prep, (void)data, (void)s, (void)value;
    return LAM_OK;
}

/* The mean of v is taken off: whatever the shift was, it is now the mean. */
static lam_status step_mean_image(lami_prep *prep, const lam_data *data, const statistics *s, const char *value)
{
    (void)data, (void)value;
    memcpy(prep->shift, s->mean, prep->count * sizeof(double));
    return LAM_OK;
}

/* A channel of an image is `size` elements; of a row each element is one. */
static size_t channel_size(const lami_prep *prep, const lam_data *data)
{
    return data->shape.rank == 3 ? prep->count / data->shape.dim[0] : 1;
}

/* The mean of v over a channel, in units of its first element's scale: where all scales are equal, as they mostly are,
 * the quotients are exactly 1. */
static lam_status step_mean_channel(lami_prep *prep, const lam_data *data, const statistics *s, const char *value)
{
    (void)value;
    const size_t size = channel_size(prep, data);
    for (size_t first = 0; first < prep->count; first += size) {
        double *const shift = prep->shift + first;
        const double *const scale = prep->scale + first, *const mean = s->mean + first;
        double sum = 0;
        for (size_t j = 0; j < size; j++)
            sum += (mean[j] - shift[j]) * (scale[j] / scale[0]);
        sum /= (double)size;
        for (size_t j = 0; j < size; j++)
            shift[j] += sum * (scale[0] / scale[j]);
    }
    return LAM_OK;
}

static lam_status step_standardize(lami_prep *prep, const lam_data *data, const statistics *s, const char *value)
{
    LAM_TRY(step_mean_image(prep, data, s, value));
    for (size_t j = 0; j < prep->count; j++)
        if (s->std[j] > scale_least && s->std[j] < scale_most)
            prep->scale[j] = copysign(1 / s->std[j], prep->scale[j]);
    return LAM_OK;
}

/* Over a channel the squared deviations of v are those of each element about its own mean, and of these means. In units
 * of the first element's scale, as above. */
static lam_status step_standardize_channel(lami_prep *prep, const lam_data *data, const statistics *s,
                                           const char *value)
{
    const size_t size = channel_size(prep, data);
    LAM_TRY(step_mean_channel(prep, data, s, value));
    for (size_t first = 0; first < prep->count; first += size) {
        double *const scale = prep->scale + first;
        const double *const shift = prep->shift + first, *const mean = s->mean + first, *const std = s->std + first;
        double squares = 0;
        for (size_t j = 0; j < size; j++) {
            const double unit = scale[j] / scale[0], off = (mean[j] - shift[j]) * unit, own = std[j] * unit;
            squares += own * own + off * off;
        }
        const double deviation = sqrt(squares / (double)size), was = scale[0];
        for (size_t j = 0; deviation > scale_least && deviation < scale_most && j < size; j++)
            scale[j] = copysign(1 / deviation, was) * (scale[j] / was);
    }
    return LAM_OK;
}

static lam_status bad_scale(const char *text)
{
    return lami_fail(LAM_EOPTION, "preprocess: scale=%.64s: a number or fraction of size 1e-30 to 1e30 is needed",
                     text);
}

static lam_status parse_scale(double *scale, const char *text)
{
    double over, under = 1;
    const char *slash = strchr(text, '/');
    char first[LAMI_REAL_TEXT];
    const size_t length = slash ? (size_t)(slash - text) : strlen(text);
    if (length >= sizeof first)
        return bad_scale(text);
    memcpy(first, text, length);
    first[length] = 0;
    if (lami_parse_real(&over, first) || (slash && lami_parse_real(&under, slash + 1)) || under == 0)
        return bad_scale(text);
    *scale = over / under;
    return fabs(*scale) >= scale_least && fabs(*scale) <= scale_most ? LAM_OK : bad_scale(text);
}

static lam_status step_scale(lami_prep *prep, const lam_data *data, const statistics *s, const char *value)
{
    double factor = 1;
    (void)data, (void)s;
    LAM_TRY(parse_scale(&factor, value));
    for (size_t j = 0; j < prep->count; j++) {
        prep->scale[j] *= factor;
        if (!(fabs(prep->scale[j]) >= scale_least && fabs(prep->scale[j]) <= scale_most))
            return lami_fail(LAM_EOPTION,
                             "preprocess: scale=%.64s: with the steps before it the factor is not in 1e-30 to 1e30",
                             value);
    }
    return LAM_OK;
}

typedef struct step {
    const char *name;
    step_function *run;
    int takes_value, needs_mean, needs_std;
} step;

static const step steps[] = {
    { "none", step_none, 0, 0, 0 },
    { "mean-image", step_mean_image, 0, 1, 0 },
    { "mean-channel", step_mean_channel, 0, 1, 0 },
    { "standardize", step_standardize, 0, 1, 1 },
    { "standardize-channel", step_standardize_channel, 0, 1, 1 },
    { "scale", step_scale, 1, 0, 0 },
};

enum { STEPS = sizeof steps / sizeof *steps, ITEM_TEXT = 64 };

static const char *step_name(size_t index, const void *arg)
{
    (void)arg;
    return steps[index].name;
}

/* ---- the list ---- */

/* Cut the next item off the list into `item`, and split it at '='. */
static lam_status next_item(const char **at, char item[ITEM_TEXT], const step **found, const char **value)
{
    const size_t length = strcspn(*at, ",");
    if (length >= ITEM_TEXT)
        return lami_fail(LAM_EOPTION, "preprocess: \"%.64s\" is too long for a step", *at);
    memcpy(item, *at, length);
    item[length] = 0;
    *at += length;
    char *equals = strchr(item, '=');
    if (equals)
        *equals = 0;
    *value = equals ? equals + 1 : NULL;
    *found = NULL;
    for (size_t i = 0; i < STEPS; i++)
        if (!strcmp(item, steps[i].name))
            *found = &steps[i];
    if (!*found) {
        char meant[LAMI_MEANT_TEXT];
        return lami_fail(LAM_EOPTION,
                         "preprocess: unknown step \"%s\"%s (none, mean-image, mean-channel, standardize, "
                         "standardize-channel, scale=F)",
                         item, lami_did_you_mean(meant, item, STEPS, step_name, NULL));
    }
    if ((*found)->takes_value != !!*value)
        return lami_fail(LAM_EOPTION, "preprocess: %s %s", item,
                         *value ? "takes no value" : "needs a value: scale=1/255");
    double scale;
    return *value ? parse_scale(&scale, *value) : LAM_OK;
}

/* Go through the list. With prep NULL only look at what it needs. */
static lam_status walk(lami_prep *prep, const char *text, const lam_data *data, const statistics *s, step *needs)
{
    const char *at = text;
    for (size_t i = 0;; i++, at++) {
        char item[ITEM_TEXT];
        const step *found = NULL;
        const char *value = NULL;
        LAM_TRY(next_item(&at, item, &found, &value));
        if (found->run == step_none && (i || *at))
            return lami_fail(LAM_EOPTION, "preprocess: \"none\" stands alone");
        needs->needs_mean |= found->needs_mean;
        needs->needs_std |= found->needs_std;
        if (prep)
            LAM_TRY(found->run(prep, data, s, value));
        else
            needs->run = found->run;
        if (!*at)
            return LAM_OK;
    }
}

static lam_status fit(lami_prep *prep, const char *text, const lam_data *data)
{
    lam_status status = LAM_OK;
    step needs = { 0 };
    statistics s = { 0 };
    LAM_TRY(walk(NULL, text, data, NULL, &needs));
    prep->text = lami_strdup(text);
    if (!prep->text)
        return LAM_ENOMEM;
    if (needs.run == step_none)
        return LAM_OK;
    prep->count = lam_shape_count(&data->shape);
    prep->shift = lami_alloc(prep->count, sizeof(double));
    prep->scale = lami_alloc(prep->count, sizeof(double));
    if (!prep->shift || !prep->scale)
        return LAM_ENOMEM;
    for (size_t j = 0; j < prep->count; j++)
        prep->scale[j] = 1;
    if (needs.needs_mean)
        LAM_TRY_DONE(measure(&s, prep->count, data, needs.needs_std));
    status = walk(prep, text, data, &s, &needs);
done:
    lami_free(s.mean);
    lami_free(s.std);
    return status;
}

/* The list without spaces. */
static char *canonical(const char *text)
{
    char *copy = lami_strdup(text);
    size_t n = 0;
    for (size_t i = 0; copy && copy[i]; i++)
        if (copy[i] != ' ' && copy[i] != '\t')
            copy[n++] = copy[i];
    if (copy)
        copy[n] = 0;
    return copy;
}

lam_status lami_prep_fit(lami_prep *prep, const char *text, const lam_data *data)
{
    *prep = (lami_prep) { 0 };
    char *list = canonical(text ? text : data->schema ? "standardize" : data->dtype == LAM_U8 ? "scale=1/255" : "none");
    const lam_status status = list ? fit(prep, list, data) : LAM_ENOMEM;
    lami_free(list);
    if (status)
        lami_prep_free(prep);
    return status;
}

void lami_prep_free(lami_prep *prep)
{
    lami_free(prep->shift);
    lami_free(prep->scale);
    lami_free(prep->text);
    *prep = (lami_prep) { 0 };
}

/* ---- applying ---- */

enum { BLOCK = 512 }; /* elements; 4 KiB of shift and scale each in double */

#define STORED uint8_t
#define REAL   float
#define NAME   apply_u8_f32
#include "prep.t.h"

#define STORED uint8_t
#define REAL   double
#define NAME   apply_u8_f64
#include "prep.t.h"

#define STORED float
#define REAL   float
#define NAME   apply_f32_f32
#include "prep.t.h"

#define STORED float
#define REAL   double
#define NAME   apply_f32_f64
#include "prep.t.h"

#define STORED double
#define REAL   float
#define NAME   apply_f64_f32
#include "prep.t.h"

#define STORED double
#define REAL   double
#define NAME   apply_f64_f64
#include "prep.t.h"

void lami_prep_apply(void *out, lam_dtype out_type, const void *const *x, size_t n, lam_dtype dtype,
                     const lam_shape *shape, const lami_prep *prep)
{
    typedef void apply(void *to, const void *const *x, size_t n, size_t channels, size_t pixels, const lami_prep *prep);
    static apply *const table[][2] = {
        [LAM_F32] = { [LAM_F32] = apply_f32_f32, [LAM_F64] = apply_f32_f64 },
        [LAM_F64] = { [LAM_F32] = apply_f64_f32, [LAM_F64] = apply_f64_f64 },
        [LAM_U8] = { [LAM_F32] = apply_u8_f32, [LAM_F64] = apply_u8_f64 },
    };
    const size_t count = lam_shape_count(shape);
    const size_t channels = shape->rank == 3 ? shape->dim[0] : 1;
    table[dtype][out_type](out, x, n, channels, count / channels, prep);
}
