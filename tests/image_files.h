/* image_files: PNG and JPEG files for tests, made here, so that what is in them is known: PNG from any samples, with zlib
 * alone; JPEG of one 8x8 block of one brightness. Include after cmocka.h. */
#ifndef LAMI_TEST_IMAGE_FILES_H
#define LAMI_TEST_IMAGE_FILES_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

enum { IMAGE_FILE_ROOM = 1 << 18 };
enum { PNG_GRAY = 0, PNG_RGB = 2, PNG_PALETTE = 3, PNG_GRAY_ALPHA = 4, PNG_RGB_ALPHA = 6 };

typedef struct image_file {
    size_t size;
    uint8_t at[IMAGE_FILE_ROOM];
} image_file;

static inline void image_put(image_file *f, const void *data, size_t size)
{
    assert_true(f->size + size <= IMAGE_FILE_ROOM);
    memcpy(f->at + f->size, data, size);
    f->size += size;
}

static inline void image_put_u8(image_file *f, unsigned value)
{
    image_put(f, &(uint8_t) { (uint8_t)value }, 1);
}

static inline void image_put_u16(image_file *f, unsigned value)
{
    image_put_u8(f, value >> 8);
    image_put_u8(f, value & 255);
}

static inline void image_put_u32(image_file *f, uint32_t value)
{
    image_put_u16(f, value >> 16);
    image_put_u16(f, value & 65535);
}

/* ---- PNG --------------------------------------------------------------------------------------------------------- */

static inline void png_chunk(image_file *f, const char *type, const void *data, size_t size)
{
    image_put_u32(f, (uint32_t)size);
    const size_t start = f->size;
    image_put(f, type, 4);
    if (size)
        image_put(f, data, size);
    image_put_u32(f, (uint32_t)crc32(0, f->at + start, (uInt)(size + 4)));
}

/* What the picture is. Samples are height x width x samples of a pixel, each below 2^bits. */
typedef struct png_image {
    size_t width, height;
    unsigned type, bits;
    int interlaced;
    const uint16_t *sample;
    const uint8_t *palette; /* 3 bytes each */
    size_t colors;
    const uint8_t *transparent; /* the content of tRNS */
    size_t transparent_bytes;
} png_image;

static inline size_t png_samples(unsigned type)
{
    static const size_t samples[] = { 1, 0, 3, 1, 2, 0, 4 };
    return samples[type];
}

/* The pixels from (x, y) on, dx and dy apart: rows with a filter byte of 0, bits packed from the left. */
static inline size_t png_pass(uint8_t *out, const png_image *p, size_t x0, size_t y0, size_t dx, size_t dy)
{
    const size_t samples = png_samples(p->type);
    size_t size = 0;
    for (size_t y = y0; y < p->height && x0 < p->width; y += dy) {
        size_t bit = 0;
        out[size++] = 0;
        for (size_t x = x0; x < p->width; x += dx)
            for (size_t c = 0; c < samples; c++) {
                const unsigned v = p->sample[(y * p->width + x) * samples + c];
                if (bit % 8 == 0)
                    out[size + bit / 8] = 0;
                if (p->bits == 16) {
                    out[size + bit / 8] = (uint8_t)(v >> 8);
                    out[size + bit / 8 + 1] = (uint8_t)v;
                } else
                    out[size + bit / 8] |= (uint8_t)(v << (8 - p->bits - bit % 8));
                bit += p->bits;
            }
        size += (bit + 7) / 8;
    }
    return size;
}

/* All pixels as they stand in the file, unpacked; free it. */
static inline uint8_t *png_rows(size_t *size, const png_image *p)
{
    static const uint8_t adam7[7][4] = { { 0, 0, 8, 8 }, { 4, 0, 8, 8 }, { 0, 4, 4, 8 }, { 2, 0, 4, 4 },
                                         { 0, 2, 2, 4 }, { 1, 0, 2, 2 }, { 0, 1, 1, 2 } };
    uint8_t *rows = malloc(p->width * p->height * 8 + 8 * p->height + 8);
    assert_non_null(rows);
    *size = 0;
    if (!p->interlaced)
        *size = png_pass(rows, p, 0, 0, 1, 1);
    for (int i = 0; p->interlaced && i < 7; i++)
        *size += png_pass(rows + *size, p, adam7[i][0], adam7[i][1], adam7[i][2], adam7[i][3]);
    return rows;
}

/* The file's beginning: signature and IHDR. */
static inline void png_start(image_file *f, size_t width, size_t height, unsigned type, unsigned bits, int interlaced)
{
    image_file head = { 0 };
    image_put_u32(&head, (uint32_t)width);
    image_put_u32(&head, (uint32_t)height);
    image_put_u8(&head, bits);
    image_put_u8(&head, type);
    image_put_u16(&head, 0);
    image_put_u8(&head, (unsigned)interlaced);
    f->size = 0;
    image_put(f, "\x89PNG\r\n\x1a\n", 8);
    png_chunk(f, "IHDR", head.at, head.size);
}

static inline void png_make(image_file *f, const png_image *p)
{
    size_t size;
    uint8_t *rows = png_rows(&size, p);
    uLongf packed = compressBound((uLong)size);
    uint8_t *data = malloc(packed);
    assert_non_null(data);
    assert_int_equal(compress2(data, &packed, rows, (uLong)size, 9), Z_OK);
    png_start(f, p->width, p->height, p->type, p->bits, p->interlaced);
    if (p->palette)
        png_chunk(f, "PLTE", p->palette, 3 * p->colors);
    if (p->transparent)
        png_chunk(f, "tRNS", p->transparent, p->transparent_bytes);
    png_chunk(f, "IDAT", data, packed);
    png_chunk(f, "IEND", NULL, 0);
    free(data);
    free(rows);
}

/* A picture of one colour; gray where the three are equal. */
static inline void png_plain(image_file *f, size_t width, size_t height, uint16_t red, uint16_t green, uint16_t blue)
{
    const int gray = red == green && green == blue;
    const size_t samples = gray ? 1 : 3;
    uint16_t *sample = calloc(width * height * samples, sizeof *sample);
    assert_non_null(sample);
    for (size_t i = 0; i < width * height * samples; i++)
        sample[i] = i % samples == 0 ? red : i % samples == 1 ? green : blue;
    png_make(f, &(png_image) {
                    .width = width, .height = height, .type = gray ? PNG_GRAY : PNG_RGB, .bits = 8, .sample = sample });
    free(sample);
}

/* ---- JPEG -------------------------------------------------------------------------------------------------------- */

/* A Huffman table of one code, 0, for one symbol. */
static inline void jpeg_table(image_file *f, unsigned class_and_number, unsigned symbol)
{
    image_put(f, "\xff\xc4", 2);
    image_put_u16(f, 2 + 17 + 1);
    image_put_u8(f, class_and_number);
    image_put_u8(f, 1);
    image_put(f, (const uint8_t[15]) { 0 }, 15);
    image_put_u8(f, symbol);
}

/* All before the first scan: tables for differences of 6 bits and no other coefficients; a step of 16 for all. */
static inline void jpeg_start(image_file *f, size_t width, size_t height, unsigned bits, unsigned components)
{
    f->size = 0;
    image_put(f, "\xff\xd8\xff\xdb\x00\x43\x00", 7);
    for (int i = 0; i < 64; i++)
        image_put_u8(f, 16);
    image_put(f, "\xff\xc0", 2);
    image_put_u16(f, 8 + 3 * components);
    image_put_u8(f, bits);
    image_put_u16(f, (unsigned)height);
    image_put_u16(f, (unsigned)width);
    image_put_u8(f, components);
    for (unsigned i = 1; i <= components; i++) {
        image_put_u8(f, i);
        image_put_u16(f, 0x1100);
    }
    jpeg_table(f, 0x00, 6);
    jpeg_table(f, 0x10, 0);
}

/* A scan of one component: of one block of brightness 128 + 2 level, where |level| is from 32 to 63. */
static inline void jpeg_scan(image_file *f, unsigned component, int level)
{
    image_put(f, "\xff\xda\x00\x08\x01", 5);
    image_put_u8(f, component);
    image_put(f, "\x00\x00\x3f\x00", 4);
    image_put_u8(f, (unsigned)(level > 0 ? level : level + 63) << 1); /* 0, six bits, 0: the end of the block */
}

/* Gray, at most 8 x 8. */
static inline void jpeg_make(image_file *f, size_t width, size_t height, int level)
{
    jpeg_start(f, width, height, 8, 1);
    jpeg_scan(f, 1, level);
    image_put(f, "\xff\xd9", 2);
}

#endif
