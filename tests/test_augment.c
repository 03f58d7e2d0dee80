/* augment: --augment, each item against plain loops, and what is drawn over many samples. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../src/core/mem.h"
#include "../src/core/random.h"
#include "../src/data/augment.h"
#include "status_checks.h"

enum { N = 11, MOST = 3 * 9 * 9 };

static const lam_dtype types[] = { LAM_U8, LAM_F32, LAM_F64 };

/* Element i of a sample of any stored type. */
static double at(const void *x, lam_dtype type, size_t i)
{
    return type == LAM_U8 ? (double)((const uint8_t *)x)[i] : lami_real_at(x, type, i);
}

/* n images, element i is value(i); the labels are 0. */
static lam_data *images(lam_dtype type, size_t n, size_t c, size_t h, size_t w, double (*value)(size_t i))
{
    const size_t count = n * c * h * w;
    lam_data *data = NULL;
    void *x = lami_alloc(count, sizeof(double));
    uint8_t *y = lami_alloc(n, 1);
    assert_true(x && y);
    for (size_t i = 0; i < count; i++) {
        if (type == LAM_U8)
            ((uint8_t *)x)[i] = (uint8_t)value(i);
        else
            lami_real_put(x, type, i, value(i));
    }
    assert_ok(lam_data_from_arrays(&data, &(lam_tensor) { type, { 4, { n, c, h, w } }, x },
                                   &(lam_tensor) { LAM_U8, { 1, { n } }, y }, 1, 0));
    lami_free(x);
    lami_free(y);
    return data;
}

static double noise(size_t i)
{
    const lami_rng rng = lami_rng_make(5, LAMI_RNG_TEST, 4, 0);
    return lami_rng_below(&rng, i, 256);
}

static double place(size_t i)
{
    return (double)i;
}

static double hundred(size_t i)
{
    (void)i;
    return 100;
}

static lami_augment open_list(const char *list, const lam_data *data)
{
    lami_augment a;
    int changes = 0;
    assert_ok(lami_augment_new(&a, &changes, list, data));
    assert_true(changes);
    return a;
}

/* ---- pixels ---- */

/* A list as the plain loops know it. */
typedef struct {
    const char *list;
    int flip, alternate;
    size_t crop, translate, cutout;
    double contrast, brightness;
} item_case;

static const item_case cases[] = {
    { .list = "flip", .flip = 1 },
    { .list = "flip=alternate", .alternate = 1 },
    { .list = "crop=1", .crop = 1 },
    { .list = "crop=3", .crop = 3 },
    { .list = "translate=1", .translate = 1 },
    { .list = "translate=3", .translate = 3 }, /* of a side of 4: as far as a mirror reaches */
    { .list = "cutout=1", .cutout = 1 },
    { .list = "cutout=2", .cutout = 2 },
    { .list = "cutout=3", .cutout = 3 },
    { .list = "contrast=0.5", .contrast = 0.5 },
    { .list = "brightness=1", .brightness = 1 },
    { .list = "contrast=1,brightness=0.4", .contrast = 1, .brightness = 0.4 },
    { .list = " flip , crop=2,\tcutout=2 ", .flip = 1, .crop = 2, .cutout = 2 },
    { .list = "cutout=3,brightness=0.3,contrast=0.7,translate=2,flip=alternate",
      .alternate = 1,
      .translate = 2,
      .cutout = 3,
      .contrast = 0.7,
      .brightness = 0.3 },
};

static ptrdiff_t inside(ptrdiff_t i, ptrdiff_t side)
{
    while (i < 0 || i >= side)
        i = i < 0 ? -i : 2 * (side - 1) - i;
    return i;
}

static double stored(double v, lam_dtype type)
{
    if (type == LAM_F32)
        return (double)(float)v;
    return type == LAM_F64 ? v : v < 0 ? 0 : v > 255 ? 255 : floor(v + 0.5);
}

/* What a sample should become, in loops over pixels, from the random words that docs/numerics.md names. */
static void expected(double *out, const item_case *k, const lam_data *data, size_t sample, uint64_t seed,
                     uint32_t epoch)
{
    const lami_rng rng = lami_rng_make(seed, LAMI_RNG_AUGMENT, 0, epoch),
                   first = lami_rng_make(seed, LAMI_RNG_AUGMENT, 0, 0);
    const size_t channels = data->shape.dim[0], h = data->shape.dim[1], w = data->shape.dim[2], word = 16 * sample;
    const size_t count = channels * h * w, most = k->crop + k->translate;
    const void *x = lami_data_sample(data, LAM_TRAIN, sample);
    ptrdiff_t down = 0, right = 0;
    int mirrored = k->flip && lami_rng_word(&rng, word) >= 0x80000000;
    if (k->alternate)
        mirrored = (lami_rng_word(&first, word) >= 0x80000000) != (epoch % 2 == 1);
    if (most) {
        down = (ptrdiff_t)lami_rng_below(&rng, word + 1, 2 * most + 1) - (ptrdiff_t)most;
        right = (ptrdiff_t)lami_rng_below(&rng, word + 2, 2 * most + 1) - (ptrdiff_t)most;
    }
    double mean = 0;
    for (size_t i = 0; i < count; i++) {
        const ptrdiff_t c = (ptrdiff_t)(i / (h * w)), column = (ptrdiff_t)(i % w), y = (ptrdiff_t)(i / w % h) + down;
        const ptrdiff_t z = (mirrored ? (ptrdiff_t)w - 1 - column : column) + right;
        const int in = y >= 0 && y < (ptrdiff_t)h && z >= 0 && z < (ptrdiff_t)w;
        const ptrdiff_t from = (c * (ptrdiff_t)h + inside(y, (ptrdiff_t)h)) * (ptrdiff_t)w + inside(z, (ptrdiff_t)w);
        out[i] = in || !k->crop ? at(x, data->dtype, (size_t)from) : 0;
        mean += out[i];
    }
    mean /= (double)count;
    const double contrast = 1 + k->contrast * (2 * lami_rng_uniform(&rng, 8 * sample + 3) - 1);
    const double brightness = 1 + k->brightness * (2 * lami_rng_uniform(&rng, 8 * sample + 4) - 1);
    for (size_t i = 0; (k->contrast > 0 || k->brightness > 0) && i < count; i++)
        out[i] = stored(((out[i] - mean) * contrast + mean) * brightness, data->dtype);
    const ptrdiff_t top = (ptrdiff_t)lami_rng_below(&rng, word + 3, h) - (ptrdiff_t)(k->cutout / 2);
    const ptrdiff_t left = (ptrdiff_t)lami_rng_below(&rng, word + 4, w) - (ptrdiff_t)(k->cutout / 2);
    for (size_t i = 0; i < count; i++) {
        const ptrdiff_t y = (ptrdiff_t)(i / w % h) - top, z = (ptrdiff_t)(i % w) - left, s = (ptrdiff_t)k->cutout;
        if (!(y >= 0 && y < s && z >= 0 && z < s))
            continue;
        double sum = 0; /* of the channel, over the training part */
        for (size_t n = 0; n < data->part[LAM_TRAIN].count; n++) {
            double own = 0;
            for (size_t p = 0; p < h * w; p++)
                own += at(lami_data_sample(data, LAM_TRAIN, n), data->dtype, i / (h * w) * h * w + p);
            sum += own;
        }
        out[i] = stored(sum / ((double)data->part[LAM_TRAIN].count * (double)(h * w)), data->dtype);
    }
}

static void each_item_is_that_of_plain_loops(void **state)
{
    (void)state;
    static const size_t shapes[][3] = { { 1, 4, 7 }, { 3, 9, 4 }, { 2, 5, 5 } };
    size_t changed = 0;
    for (size_t i = 0; i < 9; i++) {
        const lam_dtype type = types[i / 3];
        const size_t *s = shapes[i % 3], count = s[0] * s[1] * s[2];
        lam_data *data = images(type, N, s[0], s[1], s[2], noise);
        for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
            lami_augment a = open_list(cases[k].list, data);
            for (size_t sample = 0; sample < N; sample++)
                for (uint32_t epoch = 0; epoch < 3; epoch++) {
                    double is[MOST], out[MOST]; /* of any type */
                    const void *x = lami_data_sample(data, LAM_TRAIN, sample);
                    expected(is, &cases[k], data, sample, 7, epoch);
                    memset(out, 0xa5, sizeof out);
                    lami_augment_apply(&a, out, x, 7, epoch, sample);
                    for (size_t e = 0; e < count; e++)
                        if (at(out, type, e) != is[e])
                            fail_msg("%s, sample %zu, epoch %u: element %zu is %g, not %g", cases[k].list, sample,
                                     epoch, e, at(out, type, e), is[e]);
                    assert_int_equal(((uint8_t *)out)[count * lami_dtype_size(type)], 0xa5); /* and no further */
                    changed += memcmp(out, x, data->sample_bytes) != 0;
                }
            lami_augment_free(&a);
        }
        lam_data_free(data);
    }
    assert_true(changed > 9 * N * 3 * sizeof cases / sizeof *cases / 2);
}

static void reals_keep_what_bytes_would_cut_off(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        lam_data *data = images(types[i], N, 1, 4, 4, noise);
        lami_augment a = open_list("brightness=1,contrast=1", data);
        double out[16];
        int beyond = 0;
        for (size_t sample = 0; sample < N; sample++) {
            lami_augment_apply(&a, out, lami_data_sample(data, LAM_TRAIN, sample), 1, 0, sample);
            for (size_t e = 0; e < 16; e++)
                beyond += at(out, types[i], e) < 0 || at(out, types[i], e) > 255;
        }
        assert_true(!beyond == (types[i] == LAM_U8));
        lami_augment_free(&a);
        lam_data_free(data);
    }
}

/* ---- draws ---- */

/* Is a share of n draws, each with probability p, within five deviations? */
static void assert_share(size_t hits, size_t n, double p)
{
    const double expected_hits = p * (double)n, deviation = sqrt((double)n * p * (1 - p));
    if (!(fabs((double)hits - expected_hits) <= 5 * deviation))
        fail_msg("%zu of %zu where %g are expected", hits, n, expected_hits);
}

enum { MANY = 8000 };

static int is_mirrored(const lami_augment *a, const void *x, uint32_t epoch, size_t sample)
{
    double out[MOST];
    lami_augment_apply(a, out, x, 3, epoch, sample);
    return ((double *)out)[0] > ((double *)out)[1]; /* of a rising row */
}

static void half_of_the_samples_are_mirrored(void **state)
{
    (void)state;
    lam_data *data = images(LAM_F64, 1, 1, 2, 5, place);
    const void *x = lami_data_sample(data, LAM_TRAIN, 0);
    lami_augment random = open_list("flip", data), by_turns = open_list("flip=alternate", data);
    size_t now = 0, both = 0, first = 0;
    for (size_t i = 0; i < MANY; i++) {
        const int e0 = is_mirrored(&random, x, 0, i), e1 = is_mirrored(&random, x, 1, i);
        now += (size_t)e0;
        both += (size_t)(e0 && e1);
        for (uint32_t epoch = 0; epoch < 4; epoch++)
            assert_int_equal(is_mirrored(&by_turns, x, epoch, i) ^ is_mirrored(&by_turns, x, epoch + 1, i), 1);
        first += (size_t)is_mirrored(&by_turns, x, 0, i);
    }
    assert_share(now, MANY, 0.5);
    assert_share(both, MANY, 0.25); /* epochs know nothing of each other */
    assert_share(first, MANY, 0.5);
    lami_augment_free(&random);
    lami_augment_free(&by_turns);
    lam_data_free(data);
}

static void all_moves_are_as_likely(void **state)
{
    (void)state;
    static const char *const lists[] = { "crop=2", "translate=2", "flip,translate=2" };
    lam_data *data = images(LAM_F64, 1, 1, 5, 5, place);
    for (size_t k = 0; k < 3; k++) {
        lami_augment a = open_list(lists[k], data);
        size_t hits[25] = { 0 };
        for (size_t i = 0; i < MANY; i++) {
            double out[25];
            lami_augment_apply(&a, out, lami_data_sample(data, LAM_TRAIN, 0), 4, 9, i);
            hits[(size_t)out[12]]++; /* the middle shows where the image went */
        }
        for (size_t m = 0; m < 25; m++)
            assert_share(hits[m], MANY, 1 / 25.0);
        lami_augment_free(&a);
    }
    lam_data_free(data);
}

static void the_centre_of_a_cutout_is_anywhere(void **state)
{
    (void)state;
    enum { H = 4, W = 6 };
    lam_data *data = images(LAM_F64, 1, 1, H, W, place);
    lami_augment one = open_list("cutout=1", data), three = open_list("cutout=3", data);
    size_t hits[H * W] = { 0 }, pixels = 0;
    for (size_t i = 0; i < MANY; i++) {
        double out[H * W];
        lami_augment_apply(&one, out, lami_data_sample(data, LAM_TRAIN, 0), 6, 0, i);
        for (size_t e = 0; e < H * W; e++)
            hits[e] += out[e] != (double)e;
        lami_augment_apply(&three, out, lami_data_sample(data, LAM_TRAIN, 0), 6, 0, i);
        for (size_t e = 0; e < H * W; e++)
            pixels += out[e] != (double)e;
    }
    for (size_t e = 0; e < H * W; e++)
        assert_share(hits[e], MANY, 1.0 / (H * W));
    const double mean = (3.0 * H - 2) / H * (3.0 * W - 2) / W; /* squares are cut at the border */
    assert_true(fabs((double)pixels / MANY - mean) < 5 * 3 / sqrt(MANY));
    lami_augment_free(&one);
    lami_augment_free(&three);
    lam_data_free(data);
}

static void light_changes_by_uniform_factors(void **state)
{
    (void)state;
    lam_data *flat = images(LAM_F64, 1, 1, 2, 2, hundred), *rising = images(LAM_F64, 1, 1, 2, 2, place);
    lami_augment brightness = open_list("brightness=0.3", flat), contrast = open_list("contrast=0.3", rising);
    double sum[2] = { 0 }, squares[2] = { 0 };
    for (size_t i = 0; i < MANY; i++) {
        double a[4], b[4];
        lami_augment_apply(&brightness, a, lami_data_sample(flat, LAM_TRAIN, 0), 8, 0, i);
        lami_augment_apply(&contrast, b, lami_data_sample(rising, LAM_TRAIN, 0), 8, 0, i);
        assert_true(fabs(b[0] + b[1] + b[2] + b[3] - 6) < 1e-12); /* about the mean */
        const double factor[2] = { a[0] / 100 - 1, (b[3] - b[0]) / 3 - 1 };
        for (int k = 0; k < 2; k++) {
            assert_true(fabs(factor[k]) <= 0.3 + 1e-12);
            sum[k] += factor[k];
            squares[k] += factor[k] * factor[k];
        }
    }
    for (int k = 0; k < 2; k++) {
        assert_true(fabs(sum[k] / MANY) < 5 * 0.3 / sqrt(3.0 * MANY));
        assert_true(fabs(squares[k] / MANY - 0.09 / 3) < 5 * 0.09 * sqrt(4 / 45.0 / MANY));
    }
    lami_augment_free(&brightness);
    lami_augment_free(&contrast);
    lam_data_free(flat);
    lam_data_free(rising);
}

static void seed_epoch_and_sample_decide_and_nothing_else(void **state)
{
    (void)state;
    lam_data *data = images(LAM_U8, 2, 3, 9, 9, noise);
    lami_augment a = open_list("flip,translate=4,cutout=4,brightness=0.5", data);
    uint8_t out[5][MOST];
    const void *x = lami_data_sample(data, LAM_TRAIN, 1);
    lami_augment_apply(&a, out[0], x, 1, 2, 1);
    lami_augment_apply(&a, out[1], x, 1, 2, 1);
    lami_augment_apply(&a, out[2], x, 2, 2, 1);
    lami_augment_apply(&a, out[3], x, 1, 3, 1);
    lami_augment_apply(&a, out[4], x, 1, 2, 0);
    assert_memory_equal(out[0], out[1], MOST);
    for (int k = 2; k < 5; k++)
        assert_memory_not_equal(out[0], out[k], MOST);
    lami_augment_free(&a);
    lam_data_free(data);
}

/* ---- mixup's share ---- */

static void shares_are_of_the_distribution_and_their_batch(void **state)
{
    (void)state;
    lam_data *data = images(LAM_U8, 2, 1, 4, 4, noise);
    static const double as[] = { 0.1, 1, 4 };
    for (size_t k = 0; k < 3; k++) {
        char list[32];
        lami_augment a;
        int changes = 1;
        double sum = 0, squares = 0;
        snprintf(list, sizeof list, "mixup=%g", as[k]);
        assert_ok(lami_augment_new(&a, &changes, list, data));
        assert_false(changes); /* no sample by itself */
        for (uint64_t batch = 0; batch < MANY; batch++) {
            const double share = lami_augment_share(&a, 3, batch);
            assert_true(share >= 0 && share <= 1 && share == lami_augment_share(&a, 3, batch));
            sum += share;
            squares += (share - 0.5) * (share - 0.5);
        }
        const double variance = 0.25 / (2 * as[k] + 1);
        assert_true(fabs(sum / MANY - 0.5) < 5 * sqrt(variance / MANY));
        assert_true(fabs(squares / MANY - variance) < 5 * 0.25 * sqrt(variance / MANY));
        assert_true(lami_augment_share(&a, 3, 0) != lami_augment_share(&a, 4, 0));
        lami_augment_free(&a);
    }
    lami_augment none = open_list("flip", data);
    assert_true(lami_augment_share(&none, 3, 0) == 0);
    lami_augment_free(&none);
    lam_data_free(data);
}

static void mixup_is_found_in_a_list(void **state)
{
    (void)state;
    static const char *const with[] = { "mixup=1", "flip,mixup=0.2", "flip, mixup=0.2 ,crop=1" };
    static const char *const without[] = { "", "flip", "crop=1,cutout=2" };
    assert_false(lami_augment_mixes(NULL));
    for (size_t i = 0; i < 3; i++) {
        assert_true(lami_augment_mixes(with[i]));
        assert_false(lami_augment_mixes(without[i]));
    }
}

/* ---- lists ---- */

static void an_empty_list_changes_nothing(void **state)
{
    (void)state;
    lam_data *data = images(LAM_U8, 2, 1, 4, 4, noise);
    static const char *const lists[] = { NULL, "" };
    for (size_t i = 0; i < 2; i++) {
        lami_augment a;
        int changes = 1;
        assert_ok(lami_augment_new(&a, &changes, lists[i], data));
        assert_false(changes);
        assert_true(lami_augment_share(&a, 0, 0) == 0);
        lami_augment_free(&a);
    }
    lam_data_free(data);
}

#define THERE_ARE  " (there are flip, crop, translate, cutout, brightness, contrast and mixup)"
#define SIDE(item) item " is not a whole number from 1 to 4, the image's side less 1"

static void a_list_that_is_wrong_says_why(void **state)
{
    (void)state;
    static const struct {
        const char *list, *message;
    } bad[] = {
        { "flp", "there is no \"flp\", did you mean \"flip\"?" THERE_ARE },
        { "flip,", "there is no \"\"" THERE_ARE },
        { ",flip", "there is no \"\"" THERE_ARE },
        { " ", "there is no \"\"" THERE_ARE },
        { "flip;crop=1", "there is no \"flip;crop\"" THERE_ARE },
        { "flip,flip=alternate", "flip stands twice" },
        { "crop=1,cutout=2,crop=1", "crop stands twice" },
        { "flip=yes", "flip takes nothing, or alternate, not \"yes\"" },
        { "flip=", "flip takes nothing, or alternate, not \"\"" },
        { "crop", "crop needs a number, as in crop=4" },
        { "cutout=big", "cutout needs a number, as in crop=4" },
        { "contrast=", "contrast needs a number, as in contrast=0.2" },
        { "mixup", "mixup needs a number, as in mixup=0.2" },
        { "crop=0", SIDE("crop=0") },
        { "crop=5", SIDE("crop=5") },
        { "translate=1.5", SIDE("translate=1.5") },
        { "cutout=-1", SIDE("cutout=-1") },
        { "cutout=1e300", SIDE("cutout=1e300") },
        { "brightness=1.01", "brightness=1.01 is not from 0 to 1" },
        { "contrast=-0.1", "contrast=-0.1 is not from 0 to 1" },
        { "mixup=0", "mixup=0 is not above 0 and at most 1000" },
        { "mixup=1001", "mixup=1001 is not above 0 and at most 1000" },
        { "mixup=-1", "mixup=-1 is not above 0 and at most 1000" },
        { "crop=1,translate=1", "crop and translate both move the image; one of them will do" },
        { "flip,an-item-that-is-much-longer-than-any-item-that-there-is-or-will-ever-be",
          "\"an-item-that-is-much-longer-than...\" is too long" },
    };
    lam_data *data = images(LAM_U8, 2, 1, 5, 9, noise);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        lami_augment a;
        int changes;
        char message[160];
        snprintf(message, sizeof message, "--augment: %s", bad[i].message);
        assert_int_equal(lami_augment_new(&a, &changes, bad[i].list, data), LAM_EOPTION);
        if (strncmp(lam_last_error(), message, strlen(message)) != 0)
            fail_msg("\"%s\": %s", bad[i].list, lam_last_error());
        lami_augment_free(&a);
    }
    lam_data_free(data);
}

static void rows_and_single_pixels_can_be_mixed_only(void **state)
{
    (void)state;
    static double x[6];
    static uint8_t y[2];
    lam_data *rows = NULL, *pixel = images(LAM_U8, 2, 3, 1, 1, noise);
    lami_augment a;
    int changes;
    assert_ok(lam_data_from_arrays(&rows, &(lam_tensor) { LAM_F64, { 2, { 2, 3 } }, x },
                                   &(lam_tensor) { LAM_U8, { 1, { 2 } }, y }, 1, 0));
    assert_int_equal(lami_augment_new(&a, &changes, "mixup=1,flip", rows), LAM_EOPTION);
    assert_string_equal(lam_last_error(), "--augment: flip is for images; the samples are rows of 3");
    assert_int_equal(lami_augment_new(&a, &changes, "cutout=1", pixel), LAM_EOPTION);
    assert_string_equal(lam_last_error(), "--augment: cutout needs images of at least 2 pixels each way");
    assert_ok(lami_augment_new(&a, &changes, "mixup=1", rows));
    lami_augment_free(&a);
    a = open_list("flip,mixup=1", pixel);
    uint8_t out[3];
    lami_augment_apply(&a, out, lami_data_sample(pixel, LAM_TRAIN, 0), 1, 0, 0);
    assert_memory_equal(out, lami_data_sample(pixel, LAM_TRAIN, 0), 3);
    lami_augment_free(&a);
    lam_data_free(rows);
    lam_data_free(pixel);
}

static void a_failed_allocation_is_reported(void **state)
{
    (void)state;
    lam_data *data = images(LAM_U8, 2, 1, 4, 4, noise);
    lami_augment a;
    int changes;
    lami_alloc_fail_at(1);
    const lam_status status = lami_augment_new(&a, &changes, "cutout=2", data);
    lami_alloc_fail_at(0);
    assert_int_equal(status, LAM_ENOMEM);
    lami_augment_free(&a);
    lam_data_free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_item_is_that_of_plain_loops),
        cmocka_unit_test(reals_keep_what_bytes_would_cut_off),
        cmocka_unit_test(half_of_the_samples_are_mirrored),
        cmocka_unit_test(all_moves_are_as_likely),
        cmocka_unit_test(the_centre_of_a_cutout_is_anywhere),
        cmocka_unit_test(light_changes_by_uniform_factors),
        cmocka_unit_test(seed_epoch_and_sample_decide_and_nothing_else),
        cmocka_unit_test(shares_are_of_the_distribution_and_their_batch),
        cmocka_unit_test(mixup_is_found_in_a_list),
        cmocka_unit_test(an_empty_list_changes_nothing),
        cmocka_unit_test(a_list_that_is_wrong_says_why),
        cmocka_unit_test(rows_and_single_pixels_can_be_mixed_only),
        cmocka_unit_test(a_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
