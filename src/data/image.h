/* image: image files in memory as bytes: JPEG (libjpeg-turbo) and PNG (libpng), told apart by their content; PNG files
 * are made, too.
 *   gray stays gray; palette and CMYK become RGB; alpha is dropped; neither colour profiles nor EXIF orientation are
 *   applied: all this as Pillow's convert("RGB") does it. 16 bits become the nearest 8.
 * The functions that read set no message, as they run in many threads at once: `why` says what is wrong with the file. */
#ifndef LAMI_IMAGE_H
#define LAMI_IMAGE_H

#include "../core/status.h"

enum {
    LAMI_IMAGE_WHY = 240,
    LAMI_IMAGE_SIDE = 65535,        /* largest width and height */
    LAMI_IMAGE_PIXELS = 1 << 27,    /* most pixels: a file of a few bytes may claim any number of them */
    LAMI_IMAGE_HEAD_BYTES = 1 << 16 /* the beginning of a file, where the head lies as a rule */
};

typedef enum lami_image_kind { LAMI_IMAGE_JPEG, LAMI_IMAGE_PNG } lami_image_kind;

typedef struct lami_image_head {
    lami_image_kind kind;
    size_t width, height; /* 0: not in the bytes that are there */
    int channels;         /* 1 gray, 3 colour */
} lami_image_head;

/* 1: this build decodes the kind; 0: it was made without the library. */
int lami_image_reads(lami_image_kind kind);
const char *lami_image_library(lami_image_kind kind); /* "libjpeg-turbo" */
const char *lami_image_name(lami_image_kind kind);    /* "JPEG" */

/* Does it begin as a JPEG or PNG file does? Does a file's name end as theirs do, .jpg, .jpeg or .png, in any case? */
int lami_image_looks_like(const uint8_t *data, size_t size);
int lami_image_named(const char *name);

/* Is it a size within the limits above? */
int lami_image_fits(size_t width, size_t height);

/* The head, from the beginning of a file or, `whole`, all of it. Errors: LAM_EFORMAT (why). */
lam_status lami_image_read_head(lami_image_head *head, char why[LAMI_IMAGE_WHY], const uint8_t *data, size_t size,
                                int whole);

/* Bytes that decoding needs for its pixels. */
size_t lami_image_room(const lami_image_head *head);

/* Pixels, row by row, `head->channels` bytes each, of the whole file. Errors: LAM_EFORMAT (why: damaged, truncated),
 * LAM_ENOMEM, LAM_EUNSUPPORTED (no library). */
lam_status lami_image_decode(uint8_t *pixels, char why[LAMI_IMAGE_WHY], const lami_image_head *head,
                             const uint8_t *data, size_t size);

/* In place: colour to gray, as (19595 R + 38470 G + 7471 B + 32768) / 65536, the weights of ITU-R BT.601. */
void lami_image_to_gray(uint8_t *pixels, size_t count);

/* ---- jpeg.c, png.c ---- */

lam_status lami_jpeg_decode(uint8_t *pixels, char why[LAMI_IMAGE_WHY], const lami_image_head *head, const uint8_t *data,
                            size_t size);
lam_status lami_png_decode(uint8_t *pixels, char why[LAMI_IMAGE_WHY], const lami_image_head *head, const uint8_t *data,
                           size_t size);

/* A whole PNG file in *file, yours (lami_free), of pixels as lami_image_decode leaves them: 8 bits, gray (1 channel) or
 * RGB (3). Errors, with a message: LAM_ESHAPE (larger than the limits above), LAM_EUNSUPPORTED (no library),
 * LAM_ENOMEM. */
lam_status lami_png_encode(uint8_t **file, size_t *size, const uint8_t *pixels, size_t width, size_t height,
                           int channels);

#endif
