/* resize: an image scaled so that it covers a size, and the middle of that cut out. A triangle filter as wide as a
 * pixel of the smaller of both images, so that nothing is left out when it shrinks. Whole numbers only: the same bytes
 * on all machines. An image that has the size already stays as it is; one that only is cut is cut at whole pixels. */
#ifndef LAMI_RESIZE_H
#define LAMI_RESIZE_H

#include "../core/status.h"

/* Which pixels each row or column of the result is made of. */
typedef struct lami_resize_axis {
    size_t in, out;
    uint64_t from, to; /* the scale: `from` pixels become `to` */
    size_t *first, *count;
    uint32_t *weight; /* most for each, of which count[i] are used; their sum is 2^15 */
    size_t most;
    size_t room, weight_room;
} lami_resize_axis;

/* Memory that is used again; zeroed at the start. Of one thread. */
typedef struct lami_resizer {
    lami_resize_axis x, y;
    uint32_t *sum;
    uint16_t *row;
    size_t sum_room, row_room;
} lami_resizer;

void lami_resizer_free(lami_resizer *r);

/* out: channels x out_height x out_width.  pixels: height x width x channels; sides 1 to 65535. Errors: LAM_ENOMEM. */
lam_status lami_resize(uint8_t *out, size_t out_width, size_t out_height, const uint8_t *pixels, size_t width,
                       size_t height, size_t channels, lami_resizer *r);

#endif
