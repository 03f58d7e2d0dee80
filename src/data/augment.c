/* augment: see augment.h. */
#include "augment.h"

#include <math.h>
#include <string.h>

#include "../core/mem.h"
#include "../core/move.h"
#include "../core/nearest.h"
#include "../core/number.h"
#include "../core/random.h"

/* ---- the list ---- */

enum { ITEM_MAX = 64 };
static const double mixup_most = 1000;

typedef enum { ITEM_FLIP, ITEM_PIXELS, ITEM_FACTOR, ITEM_MIXUP } item_kind;

static const struct {
    const char *name;
    item_kind kind;
    size_t offset;
} items[] = {
    { "flip", ITEM_FLIP, offsetof(lami_augment, flip) },
    { "crop", ITEM_PIXELS, offsetof(lami_augment, crop) },
    { "translate", ITEM_PIXELS, offsetof(lami_augment, translate) },
    { "cutout", ITEM_PIXELS, offsetof(lami_augment, cutout) },
    { "brightness", ITEM_FACTOR, offsetof(lami_augment, brightness) },
    { "contrast", ITEM_FACTOR, offsetof(lami_augment, contrast) },
    { "mixup", ITEM_MIXUP, offsetof(lami_augment, mixup) },
};
enum { ITEMS = sizeof items / sizeof *items };

static const char *item_name(size_t index, const void *unused)
{
    (void)unused;
    return items[index].name;
}

static lam_status unknown_item(const char *name)
{
    char meant[LAMI_MEANT_TEXT];
    return lami_fail(
        LAM_EOPTION,
        "--augment: there is no \"%s\"%s (there are flip, crop, translate, cutout, brightness, contrast and mixup)",
        name, lami_did_you_mean(meant, name, ITEMS, item_name, NULL));
}

static lam_status set_pixels(size_t *pixels, const lam_shape *image, const char *name, const char *value, double number)
{
    const size_t side = image->dim[1] < image->dim[2] ? image->dim[1] : image->dim[2];
    if (side < 2)
        return lami_fail(LAM_EOPTION, "--augment: %s needs images of at least 2 pixels each way", name);
    if (!(number >= 1 && number < (double)side) || number != floor(number))
        return lami_fail(LAM_EOPTION, "--augment: %s=%s is not a whole number from 1 to %zu, the image's side less 1",
                         name, value, side - 1);
    *pixels = (size_t)number;
    return LAM_OK;
}

static lam_status set_number(lami_augment *a, size_t k, const char *value)
{
    static const char *const like[] = {
        [ITEM_PIXELS] = "crop=4", [ITEM_FACTOR] = "contrast=0.2", [ITEM_MIXUP] = "mixup=0.2"
    };
    void *const field = (char *)a + items[k].offset;
    const char *const name = items[k].name;
    double number;
    if (!value || lami_parse_real(&number, value))
        return lami_fail(LAM_EOPTION, "--augment: %s needs a number, as in %s", name, like[items[k].kind]);
    if (items[k].kind == ITEM_PIXELS)
        return set_pixels(field, &a->shape, name, value, number);
    if (items[k].kind == ITEM_FACTOR && !(number >= 0 && number <= 1))
        return lami_fail(LAM_EOPTION, "--augment: %s=%s is not from 0 to 1", name, value);
    if (items[k].kind == ITEM_MIXUP && !(number > 0 && number <= mixup_most))
        return lami_fail(LAM_EOPTION, "--augment: %s=%s is not above 0 and at most %g", name, value, mixup_most);
    *(double *)field = number;
    return LAM_OK;
}

static lam_status set_item(lami_augment *a, size_t k, const char *value)
{
    if (items[k].kind != ITEM_MIXUP && a->shape.rank != 3)
        return lami_fail(LAM_EOPTION, "--augment: %s is for images; the samples are rows of %zu", items[k].name,
                         a->shape.dim[0]);
    if (items[k].kind != ITEM_FLIP)
        return set_number(a, k, value);
    if (value && strcmp(value, "alternate"))
        return lami_fail(LAM_EOPTION, "--augment: flip takes nothing, or alternate, not \"%s\"", value);
    a->flip = value ? 2 : 1;
    return LAM_OK;
}

/* The next item of the list at *at, without blanks around it, which moves on to the one after it or becomes NULL. */
static const char *next_item(size_t *length, const char **at)
{
    const char *start = *at + strspn(*at, " \t"), *end = start + strcspn(start, ",");
    *at = *end ? end + 1 : NULL;
    while (end > start && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    *length = (size_t)(end - start);
    return start;
}

static lam_status read_item(lami_augment *a, unsigned *seen, const char *text, size_t length)
{
    char item[ITEM_MAX];
    if (length >= sizeof item)
        return lami_fail(LAM_EOPTION, "--augment: \"%.*s...\" is too long", ITEM_MAX / 2, text);
    memcpy(item, text, length);
    item[length] = 0;
    char *const equals = strchr(item, '=');
    if (equals)
        *equals = 0;
    for (size_t k = 0; k < ITEMS; k++) {
        if (strcmp(item, items[k].name))
            continue;
        if (*seen & 1u << k)
            return lami_fail(LAM_EOPTION, "--augment: %s stands twice", item);
        *seen |= 1u << k;
        return set_item(a, k, equals ? equals + 1 : NULL);
    }
    return unknown_item(item);
}

int lami_augment_mixes(const char *list)
{
    static const char name[] = "mixup=";
    for (const char *at = list; at;) {
        size_t length;
        const char *item = next_item(&length, &at);
        if (length >= sizeof name - 1 && !memcmp(item, name, sizeof name - 1))
            return 1;
    }
    return 0;
}

/* Sums of bytes are whole numbers; reals are added in order. */
static lam_status measure_channels(lami_augment *a, const lam_data *data)
{
    const size_t channels = a->shape.dim[0], plane = a->shape.dim[1] * a->shape.dim[2];
    const size_t n = data->part[LAM_TRAIN].count;
    a->mean = lami_alloc(channels, sizeof *a->mean);
    if (!a->mean)
        return LAM_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        const void *x = lami_data_sample(data, LAM_TRAIN, i);
        for (size_t c = 0; c < channels; c++) {
            double sum = 0;
            for (size_t k = c * plane; k < (c + 1) * plane; k++)
                sum += a->dtype == LAM_U8 ? (double)((const uint8_t *)x)[k] : lami_real_at(x, a->dtype, k);
            a->mean[c] += sum;
        }
    }
    for (size_t c = 0; c < channels; c++)
        a->mean[c] /= (double)n * (double)plane;
    return LAM_OK;
}

lam_status lami_augment_new(lami_augment *a, int *changes, const char *list, const lam_data *data)
{
    unsigned seen = 0;
    *a = (lami_augment) { .dtype = data->dtype, .shape = data->shape };
    *changes = 0;
    for (const char *at = list && *list ? list : NULL; at;) {
        size_t length;
        const char *item = next_item(&length, &at);
        LAM_TRY(read_item(a, &seen, item, length));
    }
    if (a->crop && a->translate)
        return lami_fail(LAM_EOPTION, "--augment: crop and translate both move the image; one of them will do");
    *changes = a->flip || a->crop || a->translate || a->cutout || a->contrast > 0 || a->brightness > 0;
    return a->cutout ? measure_channels(a, data) : LAM_OK;
}

void lami_augment_free(lami_augment *a)
{
    lami_free(a->mean);
    a->mean = NULL;
}

/* ---- a sample ---- */

/* What is drawn for a sample. Words of its 16: 0 flip, 1 and 2 the move, 3 and 4 the square; uniforms 3 (words 6, 7) contrast
 * and 4 (8, 9) brightness. */
typedef struct {
    lami_move move;
    size_t cut_y, cut_x;
    double contrast, brightness;
} draw;

static double factor(const lami_rng *rng, uint64_t e, double most)
{
    return 1 + most * (2 * lami_rng_uniform(rng, e) - 1);
}

static draw draw_for(const lami_augment *a, uint64_t seed, uint32_t epoch, size_t sample)
{
    const lami_rng rng = lami_rng_make(seed, LAMI_RNG_AUGMENT, 0, epoch);
    const lami_rng first = lami_rng_make(seed, LAMI_RNG_AUGMENT, 0, 0);
    const uint64_t word = (uint64_t)sample * 16;
    const size_t most = a->crop + a->translate;
    draw d = { .move.zeros = a->crop > 0,
               .contrast = factor(&rng, word / 2 + 3, a->contrast),
               .brightness = factor(&rng, word / 2 + 4, a->brightness),
               .cut_y = lami_rng_below(&rng, word + 3, a->shape.dim[1]),
               .cut_x = lami_rng_below(&rng, word + 4, a->shape.dim[2]) };
    if (a->flip == 1)
        d.move.mirrored = lami_rng_word(&rng, word) >> 31;
    else if (a->flip == 2)
        d.move.mirrored = (int)((lami_rng_word(&first, word) >> 31) ^ (epoch & 1));
    if (most) {
        d.move.down = (ptrdiff_t)lami_rng_below(&rng, word + 1, 2 * most + 1) - (ptrdiff_t)most;
        d.move.right = (ptrdiff_t)lami_rng_below(&rng, word + 2, 2 * most + 1) - (ptrdiff_t)most;
    }
    return d;
}

static uint8_t byte_of(double v)
{
    return (uint8_t)(v <= 0 ? 0 : v >= 255 ? 255 : floor(v + 0.5));
}

static double lit(const draw *d, double v, double mean)
{
    return ((v - mean) * d->contrast + mean) * d->brightness;
}

/* Of bytes there are 256. */
static void change_light_of_bytes(const draw *d, uint8_t *x, size_t count)
{
    uint64_t sum = 0;
    uint8_t is[256];
    for (size_t i = 0; i < count; i++)
        sum += x[i];
    for (int v = 0; v < 256; v++)
        is[v] = byte_of(lit(d, v, (double)sum / (double)count));
    for (size_t i = 0; i < count; i++)
        x[i] = is[x[i]];
}

static void change_light(const lami_augment *a, const draw *d, void *x)
{
    const size_t count = lam_shape_count(&a->shape);
    double sum = 0;
    if (a->dtype == LAM_U8) {
        change_light_of_bytes(d, x, count);
        return;
    }
    for (size_t i = 0; i < count; i++)
        sum += lami_real_at(x, a->dtype, i);
    for (size_t i = 0; i < count; i++)
        lami_real_put(x, a->dtype, i, lit(d, lami_real_at(x, a->dtype, i), sum / (double)count));
}

static void cut_out(const lami_augment *a, const draw *d, void *out)
{
    const size_t h = a->shape.dim[1], w = a->shape.dim[2], half = a->cutout / 2;
    const size_t top = d->cut_y < half ? 0 : d->cut_y - half, left = d->cut_x < half ? 0 : d->cut_x - half;
    const size_t bottom = d->cut_y + a->cutout - half, end = d->cut_x + a->cutout - half, right = end < w ? end : w;
    for (size_t c = 0; c < a->shape.dim[0]; c++)
        for (size_t y = top; y < bottom && y < h; y++) {
            const size_t row = (c * h + y) * w;
            if (a->dtype == LAM_U8)
                memset((uint8_t *)out + row + left, byte_of(a->mean[c]), right - left);
            for (size_t x = left; a->dtype != LAM_U8 && x < right; x++)
                lami_real_put(out, a->dtype, row + x, a->mean[c]);
        }
}

void lami_augment_apply(const lami_augment *a, void *out, const void *x, uint64_t seed, uint32_t epoch, size_t sample)
{
    const draw d = draw_for(a, seed, epoch, sample);
    lami_move_image(out, x, &a->shape, lami_dtype_size(a->dtype), &d.move);
    if (a->contrast > 0 || a->brightness > 0)
        change_light(a, &d, out);
    if (a->cutout)
        cut_out(a, &d, out);
}

double lami_augment_share(const lami_augment *a, uint64_t seed, uint64_t batch)
{
    const lami_rng rng = lami_rng_make(seed, LAMI_RNG_AUGMENT, 1, (uint32_t)batch);
    return a->mixup > 0 ? lami_rng_beta(&rng, 0, a->mixup) : 0;
}
