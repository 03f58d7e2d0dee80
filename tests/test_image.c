/* image: what files are, and their pixels: PNG of each type against the samples they were made of, JPEG against known
 * brightness, and against each other where they hold the same coefficients; damaged ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#ifdef LAMINA_JPEG
#include <jpeglib.h>
#endif

#include "../src/core/mem.h"
#include "../src/data/image.h"
#include "image_files.h"

static image_file file;
static char why[LAMI_IMAGE_WHY];

static void needs(lami_image_kind kind)
{
    if (!lami_image_reads(kind))
        skip();
}

static void expect_head(lami_image_kind kind, size_t width, size_t height, int channels)
{
    lami_image_head head;
    assert_int_equal(lami_image_read_head(&head, why, file.at, file.size, 1), LAM_OK);
    assert_int_equal(head.kind, kind);
    assert_int_equal(head.width, width);
    assert_int_equal(head.height, height);
    assert_int_equal(head.channels, channels);
}

static void expect_bad(const char *what)
{
    lami_image_head head;
    assert_int_equal(lami_image_read_head(&head, why, file.at, file.size, 1), LAM_EFORMAT);
    if (!strstr(why, what))
        fail_msg("no \"%s\" in \"%s\"", what, why);
}

/* Head and pixels of `size` bytes, which lie at the end of memory of their own; free *pixels. */
static lam_status decode(uint8_t **pixels, lami_image_head *head, const uint8_t *data, size_t size)
{
    uint8_t *own = malloc(size ? size : 1);
    assert_non_null(own);
    memcpy(own, data, size);
    *pixels = NULL;
    why[0] = 0;
    lam_status status = lami_image_read_head(head, why, own, size, 1);
    if (!status) {
        *pixels = calloc(lami_image_room(head), 1);
        assert_non_null(*pixels);
        status = lami_image_decode(*pixels, why, head, own, size);
    }
    free(own);
    return status;
}

static uint8_t *decoded(int channels)
{
    lami_image_head head;
    uint8_t *pixels;
    if (decode(&pixels, &head, file.at, file.size))
        fail_msg("%s", why);
    assert_int_equal(head.channels, channels);
    return pixels;
}

/* ---- names and heads --------------------------------------------------------------------------------------------- */

static void names_of_image_files_end_with_jpg_jpeg_or_png(void **state)
{
    (void)state;
    static const char *const yes[] = { "a.jpg", "A.JPG", "a.b.Jpeg", "dir.x/a.png", ".a.png" };
    static const char *const no[] = { "", "jpg", ".jpg", "a.jpg.txt", "ajpg", "a.gif", "a.pngx", ".PNG" };
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        assert_int_equal(lami_image_named(yes[i]), 1);
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        assert_int_equal(lami_image_named(no[i]), 0);
}

static void heads_say_kind_size_and_channels(void **state)
{
    (void)state;
    for (unsigned type = 0; type <= 6; type++) {
        png_start(&file, 7, 65535, type, 8, 0);
        expect_head(LAMI_IMAGE_PNG, 7, 65535, type == PNG_GRAY || type == PNG_GRAY_ALPHA ? 1 : 3);
    }
    for (unsigned components = 1; components <= 4; components++) {
        jpeg_start(&file, 300, 2, 8, components);
        if (components != 2)
            expect_head(LAMI_IMAGE_JPEG, 300, 2, components == 1 ? 1 : 3);
    }
}

/* Restart markers, fill bytes and stray bytes may stand between the segments of a JPEG. */
static void heads_are_found_behind_other_segments(void **state)
{
    (void)state;
    static image_file whole;
    lami_image_head head;
    jpeg_make(&whole, 3, 5, 40);
    file.size = 0;
    image_put(&file, "\xff\xd8\xff\xff\xff\x01\xff\xd0stray", 13);
    for (int i = 0; i < 2; i++) {
        image_put(&file, "\xff\xe1\xff\xff", 4);
        for (int k = 2; k < 65535; k++)
            image_put_u8(&file, k % 2 ? 0xc0 : 0xff); /* a frame's marker, were these bytes read */
    }
    image_put(&file, whole.at + 2, whole.size - 2);
    expect_head(LAMI_IMAGE_JPEG, 3, 5, 1);
    assert_int_equal(lami_image_read_head(&head, why, file.at, LAMI_IMAGE_HEAD_BYTES, 0), LAM_OK);
    assert_int_equal(head.width, 0);
    assert_int_equal(lami_image_read_head(&head, why, file.at, LAMI_IMAGE_HEAD_BYTES, 1), LAM_EFORMAT);
}

static void heads_that_are_wrong_say_how(void **state)
{
    (void)state;
    file.size = 0;
    expect_bad("the file is empty");
    image_put(&file, "GIF89a", 6);
    expect_bad("neither a JPEG nor a PNG file");
    png_start(&file, 0, 3, PNG_GRAY, 8, 0);
    expect_bad("a PNG without width or height");
    png_start(&file, 1 << 16, 3, PNG_GRAY, 8, 0);
    expect_bad("65536 x 3 pixels: more than 134217728 in all, or than 65535 on a side");
    png_start(&file, UINT32_MAX, UINT32_MAX, PNG_GRAY, 8, 0);
    expect_bad("4294967295 x 4294967295 pixels");
    png_start(&file, 1 << 14, (1 << 13) + 1, PNG_GRAY, 8, 0);
    expect_bad("pixels: more than");
    png_start(&file, 1 << 14, 1 << 13, PNG_GRAY, 8, 0);
    expect_head(LAMI_IMAGE_PNG, 1 << 14, 1 << 13, 1);
    file.at[8 + 4] = 'i';
    expect_bad("does not begin with its size");
    jpeg_start(&file, 0, 3, 8, 1);
    expect_bad("a JPEG without width or height");
    jpeg_start(&file, 3, 0, 8, 1);
    expect_bad("a JPEG without width or height");
    jpeg_start(&file, 3, 3, 12, 1);
    expect_bad("a JPEG of 12 bits per sample");
    jpeg_start(&file, 3, 3, 8, 2);
    expect_bad("a JPEG of 2 components");
    file.size = 0;
    image_put(&file, "\xff\xd8\xff\xd9", 4);
    expect_bad("its data comes before its size");
    file.at[3] = 0xda;
    expect_bad("its data comes before its size");
    file.size = 0;
    image_put(&file, "\xff\xd8\xff\xe0\x00\x01", 6);
    expect_bad("a segment of impossible length");
}

/* ---- PNG --------------------------------------------------------------------------------------------------------- */

static uint16_t samples[64 * 64 * 4];

/* Any samples below 2^bits. */
static void fill_samples(size_t count, unsigned bits)
{
    uint32_t x = 12345;
    for (size_t i = 0; i < count; i++) {
        x = x * 1664525 + 1013904223;
        samples[i] = (uint16_t)(x >> 16) & (uint16_t)((1u << bits) - 1);
    }
}

static uint8_t palette[3 * 256];

/* What channel c of pixel i must be. */
static unsigned expected(const png_image *p, size_t i, size_t c)
{
    const size_t of_pixel = png_samples(p->type);
    const unsigned most = (1u << p->bits) - 1;
    if (p->type == PNG_PALETTE)
        return palette[3 * p->sample[i] + c];
    return (p->sample[i * of_pixel + c] * 255u + most / 2) / most;
}

static void check_png(const png_image *p)
{
    const int channels = p->type == PNG_GRAY || p->type == PNG_GRAY_ALPHA ? 1 : 3;
    png_make(&file, p);
    uint8_t *pixels = decoded(channels);
    for (size_t i = 0; i < p->width * p->height; i++)
        for (size_t c = 0; c < (size_t)channels; c++)
            assert_int_equal(pixels[i * (size_t)channels + c], expected(p, i, c));
    free(pixels);
}

static void every_type_and_depth_of_png_gives_its_samples(void **state)
{
    (void)state;
    static const struct {
        unsigned type, bits;
    } kinds[] = { { PNG_GRAY, 1 },        { PNG_GRAY, 2 },      { PNG_GRAY, 4 },      { PNG_GRAY, 8 },
                  { PNG_GRAY, 16 },       { PNG_RGB, 8 },       { PNG_RGB, 16 },      { PNG_PALETTE, 1 },
                  { PNG_PALETTE, 2 },     { PNG_PALETTE, 4 },   { PNG_PALETTE, 8 },   { PNG_GRAY_ALPHA, 8 },
                  { PNG_GRAY_ALPHA, 16 }, { PNG_RGB_ALPHA, 8 }, { PNG_RGB_ALPHA, 16 } };
    static const size_t sizes[][2] = { { 1, 1 }, { 1, 9 }, { 13, 1 }, { 3, 3 }, { 8, 8 }, { 17, 11 } };
    needs(LAMI_IMAGE_PNG);
    for (size_t i = 0; i < sizeof palette; i++)
        palette[i] = (uint8_t)(i * 151 + 7);
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
            for (int interlaced = 0; interlaced < 2; interlaced++) {
                png_image p = { .width = sizes[s][0],
                                .height = sizes[s][1],
                                .type = kinds[k].type,
                                .bits = kinds[k].bits,
                                .interlaced = interlaced,
                                .sample = samples };
                if (p.type == PNG_PALETTE) {
                    p.palette = palette;
                    p.colors = (size_t)1 << p.bits;
                }
                fill_samples(p.width * p.height * png_samples(p.type), p.bits);
                check_png(&p);
            }
}

static void what_shows_through_is_not_looked_at(void **state)
{
    (void)state;
    static const uint8_t clear[] = { 0, 7, 0, 7, 0, 7 };
    needs(LAMI_IMAGE_PNG);
    for (size_t i = 0; i < sizeof palette; i++)
        palette[i] = (uint8_t)(255 - i);
    png_image p = { .width = 9, .height = 5, .bits = 8, .sample = samples, .transparent = clear };
    fill_samples(9 * 5 * 3, 3);
    p.type = PNG_GRAY;
    p.transparent_bytes = 2;
    check_png(&p);
    p.type = PNG_RGB;
    p.transparent_bytes = 6;
    check_png(&p);
    p.type = PNG_PALETTE;
    p.palette = palette;
    p.colors = 8;
    p.transparent_bytes = 4;
    check_png(&p);
}

/* Every other PNG chunk that speaks of colours leaves the samples as they are. */
static void gamma_is_not_applied(void **state)
{
    (void)state;
    static image_file plain;
    needs(LAMI_IMAGE_PNG);
    png_plain(&plain, 4, 4, 10, 100, 200);
    file.size = 0;
    image_put(&file, plain.at, 33);
    png_chunk(&file, "gAMA", "\x00\x01\x86\xa0", 4);
    png_chunk(&file, "sBIT", "\x05\x06\x05", 3);
    png_chunk(&file, "bKGD", "\x00\x01\x00\x01\x00\x01", 6);
    image_put(&file, plain.at + 33, plain.size - 33);
    uint8_t *pixels = decoded(3);
    for (size_t i = 0; i < 16; i++)
        assert_memory_equal(pixels + 3 * i, "\x0a\x64\xc8", 3);
    free(pixels);
}

/* Any byte of a PNG changed: an error, or, where it does not matter, the same pixels. */
static void damage_of_a_png_is_found(void **state)
{
    (void)state;
    lami_image_head head;
    uint8_t *pixels, *damaged;
    size_t errors = 0;
    needs(LAMI_IMAGE_PNG);
    fill_samples(6 * 5 * 3, 8);
    png_make(&file, &(png_image) { .width = 6, .height = 5, .type = PNG_RGB, .bits = 8, .sample = samples });
    pixels = decoded(3);
    for (size_t i = 0; i < file.size; i++) {
        file.at[i] ^= 0x20;
        const lam_status status = decode(&damaged, &head, file.at, file.size);
        file.at[i] ^= 0x20;
        if (status) {
            assert_int_equal(status, LAM_EFORMAT);
            assert_true(why[0]);
            errors++;
        } else
            assert_memory_equal(damaged, pixels, 6 * 5 * 3);
        free(damaged);
    }
    assert_true(errors > file.size - 12);
    free(pixels);
}

static void every_failed_allocation_of_a_png_is_reported(void **state)
{
    (void)state;
    lami_image_head head;
    uint8_t pixels[3 * 4 * 4];
    lam_status status = LAM_ENOMEM;
    needs(LAMI_IMAGE_PNG);
    png_plain(&file, 4, 4, 10, 100, 200);
    assert_int_equal(lami_image_read_head(&head, why, file.at, file.size, 1), LAM_OK);
    long n = 0;
    while (status) {
        lami_alloc_fail_at(++n);
        status = lami_image_decode(pixels, why, &head, file.at, file.size);
        lami_alloc_fail_at(0);
        assert_true(status == LAM_OK || status == LAM_ENOMEM);
        assert_true(n < 50);
    }
    assert_true(n > 3);
}

/* ---- truncated files --------------------------------------------------------------------------------------------- */

/* Cut anywhere, the file is bad, and says why. */
static void expect_truncated(void)
{
    for (size_t size = 0; size < file.size; size++) {
        lami_image_head head;
        uint8_t *pixels;
        const lam_status status = decode(&pixels, &head, file.at, size);
        free(pixels);
        if (status != LAM_EFORMAT)
            fail_msg("%zu of %zu bytes: status %d", size, file.size, (int)status);
        assert_true(why[0]);
    }
}

static void a_png_cut_off_anywhere_is_an_error(void **state)
{
    (void)state;
    needs(LAMI_IMAGE_PNG);
    for (int interlaced = 0; interlaced < 2; interlaced++) {
        fill_samples(9 * 7 * 3, 8);
        png_make(
            &file,
            &(png_image) {
                .width = 9, .height = 7, .type = PNG_RGB, .bits = 8, .interlaced = interlaced, .sample = samples });
        expect_truncated();
    }
}

static void a_jpeg_cut_off_anywhere_is_an_error(void **state)
{
    (void)state;
    needs(LAMI_IMAGE_JPEG);
    jpeg_make(&file, 8, 8, 40);
    expect_truncated();
}

/* ---- JPEG -------------------------------------------------------------------------------------------------------- */

static void a_jpeg_of_one_brightness_gives_just_that(void **state)
{
    (void)state;
    needs(LAMI_IMAGE_JPEG);
    for (int level = 32; level < 64; level++)
        for (int sign = -1; sign <= 1; sign += 2) {
            jpeg_make(&file, 7, 3, sign * level);
            uint8_t *pixels = decoded(1);
            for (size_t i = 0; i < 7 * 3; i++)
                assert_int_equal(pixels[i], 128 + 2 * sign * level);
            free(pixels);
        }
}

static void a_jpeg_of_too_many_scans_is_an_error(void **state)
{
    (void)state;
    lami_image_head head;
    uint8_t *pixels;
    needs(LAMI_IMAGE_JPEG);
    for (int scans = 490; scans <= 510; scans += 20) {
        jpeg_start(&file, 8, 8, 8, 3);
        for (int i = 0; i < scans; i++)
            jpeg_scan(&file, i < 3 ? (unsigned)i + 1 : 1, 40);
        image_put(&file, "\xff\xd9", 2);
        assert_int_equal(decode(&pixels, &head, file.at, file.size), scans < 500 ? LAM_OK : LAM_EFORMAT);
        free(pixels);
    }
    assert_string_equal(why, "a JPEG of more than 500 scans");
}

static void a_jpeg_that_ends_in_other_bytes_is_fine(void **state)
{
    (void)state;
    needs(LAMI_IMAGE_JPEG);
    jpeg_make(&file, 8, 8, 40);
    image_put(&file, "trailing", 8);
    uint8_t *pixels = decoded(1);
    assert_int_equal(pixels[63], 208);
    free(pixels);
}

#ifdef LAMINA_JPEG

enum { SIDE = 40 };

/* How the library writes a picture of SIDE x SIDE. */
typedef struct jpeg_style {
    J_COLOR_SPACE in, stored;
    int components, progressive, restart, subsampled;
} jpeg_style;

static uint8_t picture[SIDE * SIDE * 4];

/* Smooth in both directions, each channel in another way. */
static void fill_picture(int components)
{
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            for (int c = 0; c < components; c++) {
                const int slope[] = { 5 * x, 5 * y, 2 * x + 2 * y, 3 * y };
                picture[(y * SIDE + x) * components + c] = (uint8_t)(20 + slope[c]);
            }
}

static void write_jpeg(const jpeg_style *s)
{
    struct jpeg_compress_struct j;
    struct jpeg_error_mgr errors;
    unsigned char *out = NULL;
    unsigned long size = 0;
    j.err = jpeg_std_error(&errors);
    jpeg_create_compress(&j);
    jpeg_mem_dest(&j, &out, &size);
    j.image_width = j.image_height = SIDE;
    j.input_components = s->components;
    j.in_color_space = s->in;
    jpeg_set_defaults(&j);
    jpeg_set_colorspace(&j, s->stored);
    jpeg_set_quality(&j, 98, TRUE);
    for (int c = 0; c < j.num_components; c++)
        j.comp_info[c].h_samp_factor = j.comp_info[c].v_samp_factor = s->subsampled && c == 0 ? 2 : 1;
    if (s->progressive)
        jpeg_simple_progression(&j);
    j.restart_in_rows = s->restart;
    jpeg_start_compress(&j, TRUE);
    for (int y = 0; y < SIDE; y++) {
        JSAMPROW row = picture + y * SIDE * s->components;
        jpeg_write_scanlines(&j, &row, 1);
    }
    jpeg_finish_compress(&j);
    jpeg_destroy_compress(&j);
    file.size = 0;
    image_put(&file, out, size);
    free(out);
}

static void expect_near(const uint8_t *pixels, const uint8_t *truth, size_t count, int most)
{
    for (size_t i = 0; i < count; i++)
        if (abs(pixels[i] - truth[i]) > most)
            fail_msg("byte %zu is %d in place of %d", i, pixels[i], truth[i]);
}

static void gray_and_colour_jpegs_are_near_what_they_were_made_of(void **state)
{
    (void)state;
    static const jpeg_style styles[] = {
        { .in = JCS_GRAYSCALE, .stored = JCS_GRAYSCALE, .components = 1 },
        { .in = JCS_RGB, .stored = JCS_YCbCr, .components = 3 },
        { .in = JCS_RGB, .stored = JCS_YCbCr, .components = 3, .subsampled = 1 },
        { .in = JCS_RGB, .stored = JCS_RGB, .components = 3 },
        { .in = JCS_RGB, .stored = JCS_YCbCr, .components = 3, .restart = 1 },
    };
    for (size_t i = 0; i < sizeof styles / sizeof *styles; i++) {
        fill_picture(styles[i].components);
        write_jpeg(&styles[i]);
        uint8_t *pixels = decoded(styles[i].components);
        expect_near(pixels, picture, (size_t)(SIDE * SIDE * styles[i].components), styles[i].subsampled ? 6 : 3);
        free(pixels);
    }
}

/* The same coefficients in another order. */
static void a_progressive_jpeg_gives_the_pixels_of_the_baseline_one(void **state)
{
    (void)state;
    for (int subsampled = 0; subsampled < 2; subsampled++) {
        jpeg_style s = { .in = JCS_RGB, .stored = JCS_YCbCr, .components = 3, .subsampled = subsampled };
        fill_picture(3);
        write_jpeg(&s);
        uint8_t *baseline = decoded(3);
        s.progressive = 1;
        write_jpeg(&s);
        uint8_t *progressive = decoded(3);
        assert_memory_equal(progressive, baseline, SIDE * SIDE * 3);
        free(progressive);
        free(baseline);
    }
}

/* As Adobe's programs write them: 255 is no ink. */
static void cmyk_jpegs_become_rgb(void **state)
{
    (void)state;
    const jpeg_style styles[] = { { .in = JCS_CMYK, .stored = JCS_CMYK, .components = 4 },
                                  { .in = JCS_CMYK, .stored = JCS_YCCK, .components = 4 } };
    for (size_t i = 0; i < 2; i++) {
        uint8_t truth[SIDE * SIDE * 3];
        fill_picture(4);
        for (size_t k = 0; k < SIDE * SIDE; k++)
            for (size_t c = 0; c < 3; c++)
                truth[3 * k + c] = (uint8_t)(picture[4 * k + c] * picture[4 * k + 3] / 255);
        write_jpeg(&styles[i]);
        uint8_t *pixels = decoded(3);
        expect_near(pixels, truth, sizeof truth, 4);
        free(pixels);
    }
}

static void every_kind_of_jpeg_cut_off_anywhere_is_an_error(void **state)
{
    (void)state;
    static const jpeg_style styles[] = {
        { .in = JCS_RGB, .stored = JCS_YCbCr, .components = 3, .subsampled = 1 },
        { .in = JCS_RGB, .stored = JCS_YCbCr, .components = 3, .restart = 1 },
        { .in = JCS_GRAYSCALE, .stored = JCS_GRAYSCALE, .components = 1, .progressive = 1 },
        { .in = JCS_CMYK, .stored = JCS_YCCK, .components = 4 },
    };
    for (size_t i = 0; i < sizeof styles / sizeof *styles; i++) {
        fill_picture(styles[i].components);
        write_jpeg(&styles[i]);
        expect_truncated();
    }
}

/* Any byte changed: what comes out need not be an error, as nothing checks it, but is an image or an error. */
static void a_damaged_jpeg_does_no_harm(void **state)
{
    (void)state;
    size_t errors = 0;
    fill_picture(3);
    write_jpeg(&(jpeg_style) { .in = JCS_RGB, .stored = JCS_YCbCr, .components = 3, .progressive = 1 });
    for (size_t i = 0; i < file.size; i++) {
        lami_image_head head;
        uint8_t *pixels;
        file.at[i] ^= 0xff;
        const lam_status status = decode(&pixels, &head, file.at, file.size);
        file.at[i] ^= 0xff;
        free(pixels);
        assert_true(status == LAM_OK || (status == LAM_EFORMAT && why[0]));
        errors += status != LAM_OK;
    }
    assert_true(errors > 100);
}

#endif

/* ---- without the libraries --------------------------------------------------------------------------------------- */

static void a_kind_that_this_build_does_not_read_says_so(void **state)
{
    (void)state;
    for (int kind = LAMI_IMAGE_JPEG; kind <= LAMI_IMAGE_PNG; kind++) {
        lami_image_head head;
        uint8_t *pixels;
        if (kind == LAMI_IMAGE_PNG)
            png_plain(&file, 2, 2, 1, 2, 3);
        else
            jpeg_make(&file, 2, 2, 40);
        assert_int_equal(decode(&pixels, &head, file.at, file.size),
                         lami_image_reads((lami_image_kind)kind) ? LAM_OK : LAM_EUNSUPPORTED);
        assert_int_equal(head.kind, kind);
        free(pixels);
    }
    assert_string_equal(lami_image_library(LAMI_IMAGE_JPEG), "libjpeg-turbo");
    assert_string_equal(lami_image_library(LAMI_IMAGE_PNG), "libpng");
}

/* ---- gray -------------------------------------------------------------------------------------------------------- */

static void gray_is_the_weighted_mean_of_the_colours(void **state)
{
    (void)state;
    uint8_t pixels[3 * 260];
    static const uint8_t pure[12] = { 255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 100, 200 };
    for (size_t i = 0; i < 256; i++)
        memset(pixels + 3 * i, (int)i, 3);
    memcpy(pixels + 3 * 256, pure, sizeof pure);
    lami_image_to_gray(pixels, 260);
    for (size_t i = 0; i < 256; i++)
        assert_int_equal(pixels[i], i);
    assert_int_equal(pixels[256], 76);  /* 0.299 * 255 */
    assert_int_equal(pixels[257], 150); /* 0.587 * 255 */
    assert_int_equal(pixels[258], 29);  /* 0.114 * 255 */
    assert_int_equal(pixels[259], 84);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_image_files_end_with_jpg_jpeg_or_png),
        cmocka_unit_test(heads_say_kind_size_and_channels),
        cmocka_unit_test(heads_are_found_behind_other_segments),
        cmocka_unit_test(heads_that_are_wrong_say_how),
        cmocka_unit_test(every_type_and_depth_of_png_gives_its_samples),
        cmocka_unit_test(what_shows_through_is_not_looked_at),
        cmocka_unit_test(gamma_is_not_applied),
        cmocka_unit_test(damage_of_a_png_is_found),
        cmocka_unit_test(every_failed_allocation_of_a_png_is_reported),
        cmocka_unit_test(a_png_cut_off_anywhere_is_an_error),
        cmocka_unit_test(a_jpeg_cut_off_anywhere_is_an_error),
        cmocka_unit_test(a_jpeg_of_one_brightness_gives_just_that),
        cmocka_unit_test(a_jpeg_of_too_many_scans_is_an_error),
        cmocka_unit_test(a_jpeg_that_ends_in_other_bytes_is_fine),
#ifdef LAMINA_JPEG
        cmocka_unit_test(gray_and_colour_jpegs_are_near_what_they_were_made_of),
        cmocka_unit_test(a_progressive_jpeg_gives_the_pixels_of_the_baseline_one),
        cmocka_unit_test(cmyk_jpegs_become_rgb),
        cmocka_unit_test(every_kind_of_jpeg_cut_off_anywhere_is_an_error),
        cmocka_unit_test(a_damaged_jpeg_does_no_harm),
#endif
        cmocka_unit_test(a_kind_that_this_build_does_not_read_says_so),
        cmocka_unit_test(gray_is_the_weighted_mean_of_the_colours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
