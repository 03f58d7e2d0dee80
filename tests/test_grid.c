/* grid: weights as pixels, in the course's layout. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/grid.h"
#include "core/mem.h"

static uint8_t *drawn(cli_grid *grid, size_t count, size_t channels, size_t side, size_t scale, const double *number,
                      cli_range range)
{
    uint8_t *pixels;
    assert_int_equal(cli_grid_make(grid, count, channels, side, side, scale, 0), LAM_OK);
    assert_int_equal(cli_grid_draw(&pixels, grid, number, range), LAM_OK);
    return pixels;
}

static void gray_tiles_stand_in_a_square_each_with_its_own_range(void **state)
{
    (void)state;
    static const double number[] = { 0, 1, 2, 3, -10, 10, 0, 5, 7, 7, 7, 7 };
    static const uint8_t expected[] = {
        0,   85,  0, 0,   255, /* 255 * k / 3; then -10, 10 */
        170, 255, 0, 127, 191, /* 127.5 and 191.25 rounded down */
        0,   0,   0, 0,   0,   /* padding */
        128, 128, 0, 0,   0,   /* equal numbers; no fourth tile */
        128, 128, 0, 0,   0,
    };
    cli_grid g;
    uint8_t *pixels = drawn(&g, 3, 1, 2, 1, number, CLI_RANGE_EACH);
    assert_int_equal(g.columns, 2);
    assert_int_equal(g.rows, 2);
    assert_int_equal(g.out_width, 5);
    assert_int_equal(g.out_height, 5);
    assert_memory_equal(pixels, expected, sizeof expected);
    lami_free(pixels);
}

static void a_shared_range_compares_them(void **state)
{
    (void)state;
    static const double number[] = { 0, 1, 3, 4 };
    static const uint8_t expected[] = { 0, 0, 63, 0, 0, 0, 191, 0, 255 };
    cli_grid g;
    uint8_t *pixels = drawn(&g, 4, 1, 1, 1, number, CLI_RANGE_SHARED);
    assert_memory_equal(pixels, expected, sizeof expected);
    lami_free(pixels);
}

static void three_channels_are_red_green_and_blue_under_one_range(void **state)
{
    (void)state;
    static const double number[] = { 0, 51, 102, 153, 204, 255 }; /* 1 x 2 pixels: r r g g b b */
    static const uint8_t expected[] = { 0, 102, 204, 51, 153, 255 };
    cli_grid g;
    uint8_t *pixels;
    assert_int_equal(cli_grid_make(&g, 1, 3, 1, 2, 1, 0), LAM_OK);
    assert_int_equal(g.colours, 3);
    assert_int_equal(cli_grid_draw(&pixels, &g, number, CLI_RANGE_EACH), LAM_OK);
    assert_memory_equal(pixels, expected, sizeof expected);
    lami_free(pixels);
}

static void bytes_stay_what_they_are(void **state)
{
    (void)state;
    double number[256];
    cli_grid g;
    for (size_t i = 0; i < 256; i++)
        number[i] = (double)i;
    uint8_t *pixels = drawn(&g, 1, 1, 16, 1, number, CLI_RANGE_BYTES);
    for (size_t i = 0; i < 256; i++)
        assert_int_equal(pixels[i], i);
    lami_free(pixels);
}

static void other_channels_are_columns_and_each_picture_a_row(void **state)
{
    (void)state;
    static const double number[] = { 0, 1, 2, 2 };
    static const uint8_t expected[] = { 0, 0, 255, 0, 0, 0, 128, 0, 128 };
    cli_grid g;
    uint8_t *pixels = drawn(&g, 2, 2, 1, 1, number, CLI_RANGE_EACH);
    assert_int_equal(g.rows, 2);
    assert_int_equal(g.columns, 2);
    assert_memory_equal(pixels, expected, sizeof expected);
    lami_free(pixels);
    assert_int_equal(cli_grid_make(&g, 32, 5, 3, 3, 1, 0), LAM_OK);
    assert_int_equal(g.rows, 32);
    assert_int_equal(g.columns, 5);
    assert_int_equal(g.out_width, 5 * 4 - 1);
    assert_int_equal(g.out_height, 32 * 4 - 1);
}

static void a_scale_makes_squares_of_pixels(void **state)
{
    (void)state;
    static const double number[] = { 0, 1, 0, 1 };
    static const uint8_t row[] = { 0, 0, 0, 0, 255, 255 };
    cli_grid g;
    uint8_t *pixels = drawn(&g, 4, 1, 1, 2, number, CLI_RANGE_SHARED);
    assert_int_equal(g.out_width, 6);
    assert_int_equal(g.out_height, 6);
    for (size_t y = 0; y < 6; y++)
        assert_memory_equal(pixels + 6 * y, y == 2 || y == 3 ? (const uint8_t[6]) { 0 } : row, 6);
    lami_free(pixels);
}

static void a_scale_that_nobody_gave_makes_the_picture_wide_enough(void **state)
{
    (void)state;
    cli_grid g;
    assert_int_equal(cli_grid_make(&g, 32, 3, 7, 7, 0, 400), LAM_OK);
    assert_int_equal(g.columns, 6);
    assert_int_equal(g.scale, 9); /* 47 pixels wide */
    assert_int_equal(g.out_width, 423);
    assert_int_equal(cli_grid_make(&g, 400, 3, 32, 32, 0, 400), LAM_OK);
    assert_int_equal(g.scale, 1);
}

static void squares_are_exact(void **state)
{
    (void)state;
    static const struct {
        size_t count, side;
    } cases[] = { { 1, 1 }, { 2, 2 }, { 4, 2 }, { 5, 3 }, { 9, 3 }, { 10, 4 }, { 100, 10 }, { 101, 11 } };
    cli_grid g;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(cli_grid_make(&g, cases[i].count, 1, 1, 1, 1, 0), LAM_OK);
        assert_int_equal(g.columns, cases[i].side);
        assert_int_equal(g.rows, cases[i].side);
    }
}

static void too_large_a_picture_is_refused(void **state)
{
    (void)state;
    cli_grid g;
    assert_int_equal(cli_grid_make(&g, 16, 3, 7, 7, 100000, 0), LAM_ESHAPE);
    assert_non_null(strstr(lam_last_error(), "--scale"));
    assert_int_equal(cli_grid_make(&g, 1 << 20, 512, 7, 7, 1, 0), LAM_ESHAPE);
    assert_int_equal(cli_grid_make(&g, 1, 2, 3, SIZE_MAX / 2, 1, 0), LAM_ESHAPE);
}

static void numbers_that_are_not_finite_are_refused(void **state)
{
    (void)state;
    const double number[] = { 0, NAN, 1, INFINITY };
    cli_grid g;
    uint8_t *pixels = NULL;
    assert_int_equal(cli_grid_make(&g, 1, 1, 2, 2, 1, 0), LAM_OK);
    assert_int_equal(cli_grid_draw(&pixels, &g, number, CLI_RANGE_EACH), LAM_EFORMAT);
    assert_null(pixels);
}

static void the_largest_numbers_have_a_range(void **state)
{
    (void)state;
    static const double number[] = { -1.7e308, 0, 0, 1.7e308 };
    static const uint8_t expected[] = { 0, 127, 127, 255 };
    cli_grid g;
    uint8_t *pixels = drawn(&g, 1, 1, 2, 1, number, CLI_RANGE_EACH);
    assert_memory_equal(pixels, expected, sizeof expected);
    lami_free(pixels);
}

static void a_failed_allocation_is_reported(void **state)
{
    (void)state;
    static const double number[] = { 1 };
    cli_grid g;
    uint8_t *pixels = NULL;
    assert_int_equal(cli_grid_make(&g, 1, 1, 1, 1, 1, 0), LAM_OK);
    lami_alloc_fail_at(1);
    assert_int_equal(cli_grid_draw(&pixels, &g, number, CLI_RANGE_EACH), LAM_ENOMEM);
    lami_alloc_fail_at(0);
    assert_null(pixels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gray_tiles_stand_in_a_square_each_with_its_own_range),
        cmocka_unit_test(a_shared_range_compares_them),
        cmocka_unit_test(three_channels_are_red_green_and_blue_under_one_range),
        cmocka_unit_test(bytes_stay_what_they_are),
        cmocka_unit_test(other_channels_are_columns_and_each_picture_a_row),
        cmocka_unit_test(a_scale_makes_squares_of_pixels),
        cmocka_unit_test(a_scale_that_nobody_gave_makes_the_picture_wide_enough),
        cmocka_unit_test(squares_are_exact),
        cmocka_unit_test(too_large_a_picture_is_refused),
        cmocka_unit_test(numbers_that_are_not_finite_are_refused),
        cmocka_unit_test(the_largest_numbers_have_a_range),
        cmocka_unit_test(a_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
