/* resize: against the plain formula in double, with a rounding at the end only; and what must hold exactly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../src/core/mem.h"
#include "../src/data/resize.h"

typedef struct image {
    size_t width, height, channels;
    uint8_t *pixel;
} image;

static lami_resizer resizer;

static image make(size_t width, size_t height, size_t channels)
{
    image m = { width, height, channels, malloc(width * height * channels) };
    uint32_t x = (uint32_t)(width * 31 + height);
    assert_non_null(m.pixel);
    for (size_t i = 0; i < width * height * channels; i++) {
        x = x * 1664525 + 1013904223;
        m.pixel[i] = (uint8_t)(x >> 24);
    }
    return m;
}

/* channels x height x width; free it. */
static uint8_t *resized(const image *m, size_t width, size_t height)
{
    uint8_t *out = malloc(width * height * m->channels);
    assert_non_null(out);
    assert_int_equal(lami_resize(out, width, height, m->pixel, m->width, m->height, m->channels, &resizer), LAM_OK);
    return out;
}

static double weight(double position, size_t j, double scale)
{
    return fmax(0, 1 - fabs((double)j + 0.5 - position) / fmax(scale, 1));
}

/* Channel c of pixel (x, y) of the result, as the comment in resize.c has it: the middles lie in one place. */
static double reference(const image *m, size_t width, size_t height, size_t c, size_t x, size_t y)
{
    const double by_width = (double)m->width / (double)width, by_height = (double)m->height / (double)height;
    const double scale = by_width < by_height ? by_width : by_height;
    /* where nothing is scaled, the cut is at a whole pixel */
    const size_t odd_x = scale == 1 ? (m->width - width) % 2 : 0, odd_y = scale == 1 ? (m->height - height) % 2 : 0;
    const double at_x = ((double)(m->width - odd_x) + (2.0 * (double)x + 1 - (double)width) * scale) / 2;
    const double at_y = ((double)(m->height - odd_y) + (2.0 * (double)y + 1 - (double)height) * scale) / 2;
    double sum = 0, weights = 0;
    for (size_t i = 0; i < m->height; i++)
        for (size_t j = 0; j < m->width; j++) {
            const double w = weight(at_y, i, scale) * weight(at_x, j, scale);
            sum += w * m->pixel[(i * m->width + j) * m->channels + c];
            weights += w;
        }
    return sum / weights;
}

static void check(size_t width, size_t height, size_t channels, size_t out_width, size_t out_height)
{
    const image m = make(width, height, channels);
    uint8_t *out = resized(&m, out_width, out_height);
    for (size_t c = 0; c < channels; c++)
        for (size_t y = 0; y < out_height; y++)
            for (size_t x = 0; x < out_width; x++) {
                const double want = reference(&m, out_width, out_height, c, x, y);
                const int got = out[(c * out_height + y) * out_width + x];
                if (fabs(got - want) > 0.52) /* a half, and what weights of 15 bits leave */
                    fail_msg("%zux%zu to %zux%zu: channel %zu of (%zu, %zu) is %d, not %g", width, height, out_width,
                             out_height, c, x, y, got, want);
            }
    free(out);
    free(m.pixel);
}

static void every_pixel_is_near_the_plain_formula(void **state)
{
    (void)state;
    static const size_t cases[][4] = {
        { 8, 8, 4, 4 },   { 9, 7, 4, 4 },     { 7, 9, 4, 5 },     { 5, 5, 8, 8 },     { 3, 2, 7, 7 },   { 1, 1, 5, 3 },
        { 13, 4, 3, 3 },  { 4, 13, 3, 3 },    { 40, 30, 1, 1 },   { 31, 47, 1, 9 },   { 47, 31, 9, 1 }, { 2, 2, 3, 3 },
        { 10, 10, 9, 9 }, { 64, 48, 32, 24 }, { 33, 20, 32, 20 }, { 20, 33, 20, 30 }, { 1, 60, 8, 8 },  { 60, 1, 8, 8 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t channels = 1; channels <= 3; channels += 2)
            check(cases[i][0], cases[i][1], channels, cases[i][2], cases[i][3]);
}

static void an_image_of_the_size_stays_as_it_is(void **state)
{
    (void)state;
    const image m = make(7, 5, 3);
    uint8_t *out = resized(&m, 7, 5);
    for (size_t c = 0; c < 3; c++)
        for (size_t i = 0; i < 35; i++)
            assert_int_equal(out[c * 35 + i], m.pixel[3 * i + c]);
    free(out);
    free(m.pixel);
}

static void what_needs_no_scaling_is_cut_at_whole_pixels(void **state)
{
    (void)state;
    static const size_t widths[] = { 6, 7, 8, 9, 21 };
    for (size_t k = 0; k < sizeof widths / sizeof *widths; k++)
        for (int turned = 0; turned < 2; turned++) {
            const size_t first = (widths[k] - 5) / 2;
            const image m = turned ? make(5, widths[k], 1) : make(widths[k], 5, 1);
            uint8_t *out = resized(&m, 5, 5);
            for (size_t y = 0; y < 5; y++)
                for (size_t x = 0; x < 5; x++)
                    assert_int_equal(out[y * 5 + x],
                                     turned ? m.pixel[(y + first) * 5 + x] : m.pixel[y * widths[k] + x + first]);
            free(out);
            free(m.pixel);
        }
}

/* Sums of weights are whole: a plain image stays plain, however it is scaled. */
static void one_colour_stays_exactly_that_at_any_ratio(void **state)
{
    (void)state;
    static const size_t cases[][4] = {
        { 65535, 1, 1, 1 },   { 1, 65535, 1, 1 },   { 65535, 2, 3, 1 }, { 1, 1, 65535, 1 }, { 1, 1, 1, 65535 },
        { 1, 65535, 32, 32 }, { 65535, 1, 32, 32 }, { 997, 991, 3, 7 }, { 3, 7, 997, 991 }, { 1000, 3, 1, 1 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int value = 0; value < 256; value += 51) {
            const image m = make(cases[i][0], cases[i][1], 1);
            memset(m.pixel, value, m.width * m.height);
            uint8_t *out = resized(&m, cases[i][2], cases[i][3]);
            for (size_t k = 0; k < cases[i][2] * cases[i][3]; k++)
                assert_int_equal(out[k], value);
            free(out);
            free(m.pixel);
        }
}

static void a_mirrored_image_gives_a_mirrored_result(void **state)
{
    (void)state;
    image m = make(23, 17, 1);
    uint8_t *out = resized(&m, 9, 9);
    for (size_t y = 0; y < 17; y++)
        for (size_t x = 0; x < 23 / 2; x++) {
            uint8_t *const a = &m.pixel[y * 23 + x], *const b = &m.pixel[y * 23 + 22 - x], kept = *a;
            *a = *b;
            *b = kept;
        }
    uint8_t *mirrored = resized(&m, 9, 9);
    for (size_t y = 0; y < 9; y++)
        for (size_t x = 0; x < 9; x++)
            assert_in_range(mirrored[y * 9 + x] - out[y * 9 + 8 - x] + 1, 0, 2); /* ties may round the other way */
    free(mirrored);
    free(out);
    free(m.pixel);
}

/* A resizer keeps tables from call to call: they must be those of the call. */
static void a_resizer_that_has_been_used_gives_the_same(void **state)
{
    (void)state;
    static const size_t cases[][4] = { { 9, 9, 4, 4 }, { 9, 9, 4, 4 },   { 9, 9, 5, 5 },  { 10, 9, 4, 4 },
                                       { 9, 8, 4, 4 }, { 30, 20, 8, 6 }, { 6, 4, 8, 12 }, { 9, 9, 4, 4 } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const image m = make(cases[i][0], cases[i][1], 3);
        uint8_t *used = resized(&m, cases[i][2], cases[i][3]), fresh[3 * 12 * 12];
        lami_resizer own = { 0 };
        assert_int_equal(lami_resize(fresh, cases[i][2], cases[i][3], m.pixel, m.width, m.height, 3, &own), LAM_OK);
        assert_memory_equal(used, fresh, 3 * cases[i][2] * cases[i][3]);
        lami_resizer_free(&own);
        free(used);
        free(m.pixel);
    }
}

static void every_failed_allocation_is_reported_and_the_next_call_works(void **state)
{
    (void)state;
    const image m = make(20, 30, 3);
    uint8_t *want = resized(&m, 7, 6), out[3 * 7 * 6];
    lam_status status = LAM_ENOMEM;
    long n = 0;
    while (status) {
        lami_resizer own = { 0 };
        lami_alloc_fail_at(++n);
        status = lami_resize(out, 7, 6, m.pixel, 20, 30, 3, &own);
        lami_alloc_fail_at(0);
        assert_true(status == LAM_OK || status == LAM_ENOMEM);
        assert_int_equal(lami_resize(out, 7, 6, m.pixel, 20, 30, 3, &own), LAM_OK);
        assert_memory_equal(out, want, sizeof out);
        lami_resizer_free(&own);
    }
    assert_int_equal(n, 9);
    free(want);
    free(m.pixel);
}

static int free_resizer(void **state)
{
    (void)state;
    lami_resizer_free(&resizer);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pixel_is_near_the_plain_formula),
        cmocka_unit_test(an_image_of_the_size_stays_as_it_is),
        cmocka_unit_test(what_needs_no_scaling_is_cut_at_whole_pixels),
        cmocka_unit_test(one_colour_stays_exactly_that_at_any_ratio),
        cmocka_unit_test(a_mirrored_image_gives_a_mirrored_result),
        cmocka_unit_test(a_resizer_that_has_been_used_gives_the_same),
        cmocka_unit_test(every_failed_allocation_is_reported_and_the_next_call_works),
    };
    return cmocka_run_group_tests(tests, NULL, free_resizer);
}
