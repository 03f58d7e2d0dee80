/* move: an image moved by whole pixels and mirrored, for augmentation and for other looks at a sample. */
#ifndef LAMI_MOVE_H
#define LAMI_MOVE_H

#include "shape.h"

typedef struct lami_move {
    ptrdiff_t down, right; /* output pixel (y, x) shows (y + down, x + right); shorter than the sides, or these are 1 */
    int mirrored;          /* after that, left and right change places */
    int zeros;             /* what comes in is 0; else the image mirrored at its border pixels */
} lami_move;

/* From x to out, which do not overlap: C x H x W elements of `size` bytes (1, 4, 8). Threads: safe. */
void lami_move_image(void *out, const void *x, const lam_shape *image, size_t size, const lami_move *move);

#endif
