/* png: what is written is read back, whole or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/mem.h"
#include "data/image.h"

enum { WIDTH = 7, HEIGHT = 5 };

/* Every byte another one. */
static void fill(uint8_t *pixels, size_t count)
{
    for (size_t i = 0; i < count; i++)
        pixels[i] = (uint8_t)(37 * i + 11);
}

static void expect_back(int channels)
{
    uint8_t pixels[3 * WIDTH * HEIGHT], back[3 * WIDTH * HEIGHT], *file;
    char why[LAMI_IMAGE_WHY];
    size_t size;
    lami_image_head head;
    fill(pixels, sizeof pixels);
    memset(back, 0, sizeof back);
    assert_int_equal(lami_png_encode(&file, &size, pixels, WIDTH, HEIGHT, channels), LAM_OK);
    assert_int_equal(lami_image_read_head(&head, why, file, size, 1), LAM_OK);
    assert_int_equal(head.kind, LAMI_IMAGE_PNG);
    assert_int_equal(head.width, WIDTH);
    assert_int_equal(head.height, HEIGHT);
    assert_int_equal(head.channels, channels);
    assert_int_equal(lami_image_decode(back, why, &head, file, size), LAM_OK);
    assert_memory_equal(back, pixels, (size_t)channels * WIDTH * HEIGHT);
    lami_free(file);
}

static void gray_and_colour_come_back_as_they_were(void **state)
{
    (void)state;
    if (!lami_image_reads(LAMI_IMAGE_PNG))
        skip();
    expect_back(1);
    expect_back(3);
}

static void the_same_pixels_make_the_same_file(void **state)
{
    (void)state;
    uint8_t pixels[WIDTH * HEIGHT], *a, *b;
    size_t a_size, b_size;
    if (!lami_image_reads(LAMI_IMAGE_PNG))
        skip();
    fill(pixels, sizeof pixels);
    assert_int_equal(lami_png_encode(&a, &a_size, pixels, WIDTH, HEIGHT, 1), LAM_OK);
    assert_int_equal(lami_png_encode(&b, &b_size, pixels, WIDTH, HEIGHT, 1), LAM_OK);
    assert_int_equal(a_size, b_size);
    assert_memory_equal(a, b, a_size);
    lami_free(a);
    lami_free(b);
}

static void sizes_outside_the_limits_are_refused(void **state)
{
    (void)state;
    static const size_t sizes[][2] = { { 0, 1 },
                                       { 1, 0 },
                                       { LAMI_IMAGE_SIDE + 1, 1 },
                                       { 1, LAMI_IMAGE_SIDE + 1 },
                                       { 1 << 14, 1 << 14 },
                                       { SIZE_MAX, SIZE_MAX } };
    uint8_t *file, pixel = 0;
    size_t size;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        assert_false(lami_image_fits(sizes[i][0], sizes[i][1]));
        if (!lami_image_reads(LAMI_IMAGE_PNG))
            continue;
        assert_int_equal(lami_png_encode(&file, &size, &pixel, sizes[i][0], sizes[i][1], 1), LAM_ESHAPE);
        assert_null(file);
    }
    assert_true(lami_image_fits(1, 1));
    assert_true(lami_image_fits(LAMI_IMAGE_SIDE, 1));
}

static void every_failed_allocation_is_reported(void **state)
{
    (void)state;
    uint8_t pixels[WIDTH * HEIGHT], *file = NULL;
    size_t size;
    lam_status status = LAM_ENOMEM;
    if (!lami_image_reads(LAMI_IMAGE_PNG))
        skip();
    fill(pixels, sizeof pixels);
    long n = 0;
    while (status) {
        lami_alloc_fail_at(++n);
        status = lami_png_encode(&file, &size, pixels, WIDTH, HEIGHT, 1);
        assert_true(status == LAM_OK ? file != NULL : status == LAM_ENOMEM && !file);
    }
    lami_alloc_fail_at(0);
    assert_true(n > 1);
    lami_free(file);
}

static void a_build_without_libpng_says_so(void **state)
{
    (void)state;
    uint8_t pixel = 0, *file = &pixel;
    size_t size;
    if (lami_image_reads(LAMI_IMAGE_PNG))
        skip();
    assert_int_equal(lami_png_encode(&file, &size, &pixel, 1, 1, 1), LAM_EUNSUPPORTED);
    assert_null(file);
    assert_non_null(strstr(lam_last_error(), "libpng"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gray_and_colour_come_back_as_they_were), cmocka_unit_test(the_same_pixels_make_the_same_file),
        cmocka_unit_test(sizes_outside_the_limits_are_refused),   cmocka_unit_test(every_failed_allocation_is_reported),
        cmocka_unit_test(a_build_without_libpng_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
