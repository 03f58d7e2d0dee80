/* image: what a file is and how large, without the libraries; and the way to them.
 * Sources: ITU-T T.81, annex B (JPEG markers); W3C PNG specification, 11.2.2 (IHDR). */
#include "image.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "../core/bytes.h"

#ifdef LAMINA_JPEG
enum { HAVE_JPEG = 1 };
#else
enum { HAVE_JPEG = 0 };
#endif
#ifdef LAMINA_PNG
enum { HAVE_PNG = 1 };
#else
enum { HAVE_PNG = 0 };
#endif

static const uint8_t jpeg_magic[] = { 0xff, 0xd8, 0xff };
static const uint8_t png_magic[] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n' };

/* JPEG markers, after their 0xff. */
enum { TEM = 0x01, SOF0 = 0xc0, DHT = 0xc4, JPG = 0xc8, DAC = 0xcc, SOF15 = 0xcf, RST0 = 0xd0, RST7 = 0xd7 };
enum { SOI = 0xd8, EOI = 0xd9, SOS = 0xda };

int lami_image_reads(lami_image_kind kind)
{
    return kind == LAMI_IMAGE_JPEG ? HAVE_JPEG : HAVE_PNG;
}

const char *lami_image_library(lami_image_kind kind)
{
    return kind == LAMI_IMAGE_JPEG ? "libjpeg-turbo" : "libpng";
}

const char *lami_image_name(lami_image_kind kind)
{
    return kind == LAMI_IMAGE_JPEG ? "JPEG" : "PNG";
}

static int begins_with(const uint8_t *data, size_t size, const uint8_t *magic, size_t length)
{
    return size >= length && !memcmp(data, magic, length);
}

int lami_image_looks_like(const uint8_t *data, size_t size)
{
    return begins_with(data, size, jpeg_magic, sizeof jpeg_magic) ||
           begins_with(data, size, png_magic, sizeof png_magic);
}

int lami_image_named(const char *name)
{
    static const char *const ends[] = { ".jpg", ".jpeg", ".png" };
    const size_t length = strlen(name);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        const size_t end = strlen(ends[i]);
        if (length > end && !strcasecmp(name + length - end, ends[i]))
            return 1;
    }
    return 0;
}

/* ---- heads ------------------------------------------------------------------------------------------------------- */

static lam_status bad(char why[LAMI_IMAGE_WHY], const char *text)
{
    snprintf(why, LAMI_IMAGE_WHY, "%s", text);
    return LAM_EFORMAT;
}

static size_t read_u16be(lami_bytes *b)
{
    const size_t high = lami_read_u8(b);
    return high << 8 | lami_read_u8(b);
}

/* What follows a SOFn marker and its length. */
static lam_status read_frame(lami_image_head *head, char why[LAMI_IMAGE_WHY], lami_bytes *b)
{
    const unsigned precision = lami_read_u8(b);
    const size_t height = read_u16be(b), width = read_u16be(b);
    const unsigned components = lami_read_u8(b);
    if (b->bad)
        return LAM_OK; /* further on in the file */
    if (precision != 8) {
        snprintf(why, LAMI_IMAGE_WHY, "a JPEG of %u bits per sample; 8 are read", precision);
        return LAM_EFORMAT;
    }
    if (components != 1 && components != 3 && components != 4) {
        snprintf(why, LAMI_IMAGE_WHY, "a JPEG of %u components; 1, 3 and 4 are read", components);
        return LAM_EFORMAT;
    }
    if (!width || !height)
        return bad(why, "a JPEG without width or height");
    head->width = width;
    head->height = height;
    head->channels = components == 1 ? 1 : 3;
    return LAM_OK;
}

/* The code of the next marker, 0 at the end. Bytes between markers are passed over, as decoders do. */
static unsigned next_marker(lami_bytes *b)
{
    unsigned code = 0;
    while (!b->bad && !code) {
        while (!b->bad && lami_read_u8(b) != 0xff)
            continue;
        do
            code = lami_read_u8(b);
        while (!b->bad && code == 0xff);
    }
    return code;
}

static int is_frame(unsigned code)
{
    return code >= SOF0 && code <= SOF15 && code != DHT && code != JPG && code != DAC;
}

static lam_status read_jpeg(lami_image_head *head, char why[LAMI_IMAGE_WHY], const uint8_t *data, size_t size)
{
    lami_bytes b = lami_bytes_make(data + 2, size - 2); /* after SOI */
    for (;;) {
        const unsigned code = next_marker(&b);
        if (b.bad)
            return LAM_OK;
        if (code == TEM || code == SOI || (code >= RST0 && code <= RST7))
            continue;
        if (code == EOI || code == SOS)
            return bad(why, "a damaged JPEG: its data comes before its size");
        const size_t length = read_u16be(&b);
        if (!b.bad && length < 2)
            return bad(why, "a damaged JPEG: a segment of impossible length");
        if (is_frame(code))
            return read_frame(head, why, &b);
        if (!lami_read_span(&b, length - 2))
            return LAM_OK;
    }
}

static lam_status read_png(lami_image_head *head, char why[LAMI_IMAGE_WHY], const uint8_t *data, size_t size)
{
    enum { GRAY = 0, GRAY_ALPHA = 4 };
    static const uint8_t ihdr[] = { 0, 0, 0, 13, 'I', 'H', 'D', 'R' };
    lami_bytes b = lami_bytes_make(data + sizeof png_magic, size - sizeof png_magic);
    const uint8_t *start = lami_read_span(&b, sizeof ihdr);
    const size_t width = lami_read_u32be(&b), height = lami_read_u32be(&b);
    lami_read_u8(&b); /* bits */
    const unsigned type = lami_read_u8(&b);
    if (b.bad)
        return LAM_OK;
    if (memcmp(start, ihdr, sizeof ihdr))
        return bad(why, "a damaged PNG: it does not begin with its size");
    if (!width || !height)
        return bad(why, "a PNG without width or height");
    head->width = width;
    head->height = height;
    head->channels = type == GRAY || type == GRAY_ALPHA ? 1 : 3;
    return LAM_OK;
}

int lami_image_fits(size_t width, size_t height)
{
    return width > 0 && height > 0 && width <= LAMI_IMAGE_SIDE && height <= LAMI_IMAGE_SIDE &&
           width * height <= LAMI_IMAGE_PIXELS;
}

lam_status lami_image_read_head(lami_image_head *head, char why[LAMI_IMAGE_WHY], const uint8_t *data, size_t size,
                                int whole)
{
    *head = (lami_image_head) { 0 };
    if (!size)
        return bad(why, "the file is empty");
    if (!lami_image_looks_like(data, size))
        return bad(why, "neither a JPEG nor a PNG file");
    head->kind = data[0] == png_magic[0] ? LAMI_IMAGE_PNG : LAMI_IMAGE_JPEG;
    LAM_TRY(head->kind == LAMI_IMAGE_PNG ? read_png(head, why, data, size) : read_jpeg(head, why, data, size));
    if (!head->width && whole)
        return bad(why, head->kind == LAMI_IMAGE_PNG ? "a truncated PNG" : "a truncated JPEG");
    if (head->width && !lami_image_fits(head->width, head->height)) {
        snprintf(why, LAMI_IMAGE_WHY, "%zu x %zu pixels: more than %d in all, or than %d on a side", head->width,
                 head->height, LAMI_IMAGE_PIXELS, LAMI_IMAGE_SIDE);
        return LAM_EFORMAT;
    }
    return LAM_OK;
}

/* ---- pixels ------------------------------------------------------------------------------------------------------ */

size_t lami_image_room(const lami_image_head *head)
{
    return 3 * head->width * head->height;
}

lam_status lami_image_decode(uint8_t *pixels, char why[LAMI_IMAGE_WHY], const lami_image_head *head,
                             const uint8_t *data, size_t size)
{
    return head->kind == LAMI_IMAGE_PNG ? lami_png_decode(pixels, why, head, data, size)
                                        : lami_jpeg_decode(pixels, why, head, data, size);
}

void lami_image_to_gray(uint8_t *pixels, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const uint8_t *p = pixels + 3 * i;
        pixels[i] = (uint8_t)((19595u * p[0] + 38470u * p[1] + 7471u * p[2] + 32768u) >> 16);
    }
}
