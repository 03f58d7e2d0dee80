/* jpeg: libjpeg-turbo, always with the accurate integer DCT and smooth upsampling, so that pixels are the same on all
 * machines. It reports by a jump back: nothing of ours is allocated between. */
#include "image.h"

#ifdef LAMINA_JPEG

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

/* jpeglib.h needs stdio.h before it */
#include <jpeglib.h>
#include <jerror.h>

enum { SCANS_MOST = 500 }; /* of a progressive file; each one takes the time of a whole image */

typedef struct reader {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf back;
    char *why;
    int no_memory;
} reader;

static void give_up(j_common_ptr any)
{
    reader *r = any->client_data;
    char text[JMSG_LENGTH_MAX];
    r->errors.format_message(any, text);
    snprintf(r->why, LAMI_IMAGE_WHY, "libjpeg: %s", text);
    r->no_memory = r->errors.msg_code == JERR_OUT_OF_MEMORY;
    longjmp(r->back, 1);
}

/* Warnings: those that say that pixels are missing or wrong end the decoding, as errors do. */
static void hear(j_common_ptr any, int level)
{
    reader *r = any->client_data;
    if (level >= 0)
        return;
    switch (r->errors.msg_code) {
    case JWRN_JPEG_EOF:
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_MUST_RESYNC:
    case JWRN_BOGUS_PROGRESSION:
        give_up(any);
        break;
    default: /* such as stray bytes between segments */
        break;
    }
}

static void ignore(j_common_ptr any)
{
    (void)any;
}

static void count_scans(j_common_ptr any)
{
    reader *r = any->client_data;
    if (r->jpeg.input_scan_number <= SCANS_MOST)
        return;
    snprintf(r->why, LAMI_IMAGE_WHY, "a JPEG of more than %d scans", SCANS_MOST);
    longjmp(r->back, 1);
}

/* Four bytes C M Y K, inverted as Adobe's programs write them, to three. Source: libImaging/Convert.c of Pillow has the
 * same rounding. */
static void cmyk_row(uint8_t *out, const uint8_t *in, size_t width)
{
    for (size_t x = 0; x < width; x++)
        for (size_t c = 0; c < 3; c++) {
            const unsigned light = in[4 * x + 3], product = (255u - in[4 * x + c]) * light + 128;
            out[3 * x + c] = (uint8_t)(light - (((product >> 8) + product) >> 8));
        }
}

static void read_rows(reader *r, uint8_t *pixels, size_t width, size_t height, size_t channels)
{
    struct jpeg_decompress_struct *j = &r->jpeg;
    JSAMPARRAY four = NULL;
    if (j->out_color_space == JCS_CMYK)
        four = j->mem->alloc_sarray((j_common_ptr)j, JPOOL_IMAGE, (JDIMENSION)(4 * width), 1);
    for (size_t y = 0; y < height; y++) {
        JSAMPROW row = pixels + y * width * channels;
        jpeg_read_scanlines(j, four ? four : &row, 1);
        if (four)
            cmyk_row(row, four[0], width);
    }
}

/* Returns 0 after an error: what has changed since lies in *r, where the jump back finds it. */
static int read_image(reader *r, uint8_t *pixels, const lami_image_head *head, const uint8_t *data, size_t size)
{
    struct jpeg_decompress_struct *const j = &r->jpeg;
    if (setjmp(r->back))
        return 0;
    jpeg_create_decompress(j);
    j->progress = &r->progress;
    jpeg_mem_src(j, data, size);
    jpeg_read_header(j, TRUE);
    j->out_color_space = j->num_components == 1 ? JCS_GRAYSCALE : j->num_components == 4 ? JCS_CMYK : JCS_RGB;
    j->dct_method = JDCT_ISLOW;
    j->do_fancy_upsampling = TRUE;
    jpeg_start_decompress(j);
    if (j->output_width != head->width || j->output_height != head->height ||
        (j->num_components == 1 ? 1 : 3) != head->channels) {
        snprintf(r->why, LAMI_IMAGE_WHY, "a damaged JPEG: it has two sizes");
        longjmp(r->back, 1);
    }
    read_rows(r, pixels, head->width, head->height, (size_t)head->channels);
    jpeg_finish_decompress(j);
    return 1;
}

lam_status lami_jpeg_decode(uint8_t *pixels, char why[LAMI_IMAGE_WHY], const lami_image_head *head, const uint8_t *data,
                            size_t size)
{
    reader r = { .why = why };
    r.jpeg.err = jpeg_std_error(&r.errors);
    r.jpeg.client_data = &r;
    r.errors.error_exit = give_up;
    r.errors.emit_message = hear;
    r.errors.output_message = ignore;
    r.progress.progress_monitor = count_scans;
    const int whole = read_image(&r, pixels, head, data, size);
    jpeg_destroy_decompress(&r.jpeg);
    return whole ? LAM_OK : r.no_memory ? LAM_ENOMEM : LAM_EFORMAT;
}

#else

lam_status lami_jpeg_decode(uint8_t *pixels, char why[LAMI_IMAGE_WHY], const lami_image_head *head, const uint8_t *data,
                            size_t size)
{
    (void)pixels, (void)why, (void)head, (void)data, (void)size;
    return LAM_EUNSUPPORTED;
}

#endif
