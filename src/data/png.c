/* png: libpng, with memory from core/mem.h. Colours come as they are stored: no gamma, and what shows through is not
 * looked at. What is written depends on the pixels and the versions of libpng and zlib alone: no time stamp. */
#include "image.h"

#ifdef LAMINA_PNG

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <png.h>

#include "../core/mem.h"

enum { OTHER_BYTES = 1 << 26 }; /* of what is not pixels, unpacked */

typedef struct decoding {
    png_structp png;
    png_infop info;
    png_bytep *row;
    const uint8_t *data;
    size_t left;
    char *why;
    int no_memory;
} decoding;

static png_voidp take(png_structp png, png_alloc_size_t bytes)
{
    decoding *d = png_get_mem_ptr(png);
    void *memory = lami_alloc(bytes, 1);
    d->no_memory |= !memory;
    return memory;
}

static void give_back(png_structp png, png_voidp memory)
{
    (void)png;
    lami_free(memory);
}

static void on_error(png_structp png, png_const_charp message)
{
    const decoding *d = png_get_error_ptr(png);
    snprintf(d->why, LAMI_IMAGE_WHY, "libpng: %s", message);
    longjmp(png_jmpbuf(png), 1);
}

static void on_warning(png_structp png, png_const_charp message)
{
    (void)png, (void)message;
}

static void read_bytes(png_structp png, png_bytep to, size_t count)
{
    decoding *d = png_get_io_ptr(png);
    if (count > d->left)
        png_error(png, "truncated");
    memcpy(to, d->data, count);
    d->data += count;
    d->left -= count;
}

/* Eight bits a channel, one channel or three, as the head says. */
static void set_format(const decoding *d)
{
    png_set_user_limits(d->png, LAMI_IMAGE_SIDE, LAMI_IMAGE_SIDE);
    png_set_chunk_malloc_max(d->png, OTHER_BYTES);
    png_read_info(d->png, d->info);
    png_set_scale_16(d->png);
    png_set_palette_to_rgb(d->png);
    png_set_expand_gray_1_2_4_to_8(d->png);
    png_set_strip_alpha(d->png);
    png_set_interlace_handling(d->png);
    png_read_update_info(d->png, d->info);
}

/* What libpng does between setjmp and its errors; returns 0 after one. */
static int read_image(const decoding *d, uint8_t *pixels, const lami_image_head *head)
{
    if (setjmp(png_jmpbuf(d->png)))
        return 0;
    set_format(d);
    const size_t row_bytes = head->width * head->channels;
    if (png_get_image_width(d->png, d->info) != head->width || png_get_image_height(d->png, d->info) != head->height ||
        png_get_rowbytes(d->png, d->info) != row_bytes)
        png_error(d->png, "it has two sizes");
    for (size_t i = 0; i < head->height; i++)
        d->row[i] = pixels + i * row_bytes;
    png_read_image(d->png, d->row);
    png_read_end(d->png, NULL);
    return 1;
}

lam_status lami_png_decode(uint8_t *pixels, char why[LAMI_IMAGE_WHY], const lami_image_head *head, const uint8_t *data,
                           size_t size)
{
    decoding d = { .data = data, .left = size, .why = why };
    lam_status status = LAM_ENOMEM;
    d.row = lami_alloc(head->height, sizeof *d.row);
    if (d.row)
        d.png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &d, on_error, on_warning, &d, take, give_back);
    d.info = d.png ? png_create_info_struct(d.png) : NULL;
    if (d.info) {
        png_set_read_fn(d.png, &d, read_bytes);
        status = read_image(&d, pixels, head) ? LAM_OK : d.no_memory ? LAM_ENOMEM : LAM_EFORMAT;
    }
    png_destroy_read_struct(&d.png, &d.info, NULL);
    lami_free(d.row);
    return status;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

typedef struct encoding {
    png_structp png;
    png_infop info;
    void *data;
    size_t size, capacity;
    lam_status status;
} encoding;

/* libpng's own memory is not ours: what it says is that there is none, or a mistake of ours. */
static void on_write_error(png_structp png, png_const_charp message)
{
    encoding *e = png_get_error_ptr(png);
    if (!e->status)
        e->status = lami_fail(LAM_ENOMEM, "libpng: %s", message);
    longjmp(png_jmpbuf(png), 1);
}

static void write_bytes(png_structp png, png_bytep from, size_t count)
{
    encoding *e = png_get_io_ptr(png);
    e->status = lami_grow(&e->data, &e->capacity, e->size + count, 1);
    if (e->status)
        png_error(png, "no memory");
    memcpy((uint8_t *)e->data + e->size, from, count);
    e->size += count;
}

/* What libpng does between setjmp and its errors, which leave e->status. */
static void write_image(encoding *e, const uint8_t *pixels, size_t width, size_t height, int channels)
{
    if (setjmp(png_jmpbuf(e->png)))
        return;
    png_set_user_limits(e->png, LAMI_IMAGE_SIDE, LAMI_IMAGE_SIDE);
    png_set_IHDR(e->png, e->info, (png_uint_32)width, (png_uint_32)height, 8,
                 channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(e->png, e->info);
    for (size_t y = 0; y < height; y++)
        png_write_row(e->png, pixels + y * width * (size_t)channels);
    png_write_end(e->png, e->info);
}

lam_status lami_png_encode(uint8_t **file, size_t *size, const uint8_t *pixels, size_t width, size_t height,
                           int channels)
{
    encoding e = { .status = LAM_OK };
    *file = NULL;
    *size = 0;
    if (!lami_image_fits(width, height))
        return lami_fail(LAM_ESHAPE, "a picture of %zu x %zu pixels: more than %d in all, or than %d on a side", width,
                         height, LAMI_IMAGE_PIXELS, LAMI_IMAGE_SIDE);
    e.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &e, on_write_error, on_warning);
    e.info = e.png ? png_create_info_struct(e.png) : NULL;
    if (e.info) {
        png_set_write_fn(e.png, &e, write_bytes, NULL);
        write_image(&e, pixels, width, height, channels);
    } else {
        e.status = lami_fail(LAM_ENOMEM, "out of memory for a PNG");
    }
    png_destroy_write_struct(&e.png, &e.info);
    if (e.status) {
        lami_free(e.data);
        return e.status;
    }
    *file = e.data;
    *size = e.size;
    return LAM_OK;
}

#else

lam_status lami_png_encode(uint8_t **file, size_t *size, const uint8_t *pixels, size_t width, size_t height,
                           int channels)
{
    (void)pixels, (void)width, (void)height, (void)channels;
    *file = NULL;
    *size = 0;
    return lami_fail(LAM_EUNSUPPORTED, "this build was made without libpng: it writes no PNG files");
}

lam_status lami_png_decode(uint8_t *pixels, char why[LAMI_IMAGE_WHY], const lami_image_head *head, const uint8_t *data,
                           size_t size)
{
    (void)pixels, (void)why, (void)head, (void)data, (void)size;
    return LAM_EUNSUPPORTED;
}

#endif
