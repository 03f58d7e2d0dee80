/* move: see move.h. */
#include "move.h"

#include <string.h>

/* Place i of an image's side mirrored at its first and last pixel. */
static size_t reflected(ptrdiff_t i, size_t side)
{
    const ptrdiff_t last = (ptrdiff_t)side - 1;
    if (!last)
        return 0;
    return (size_t)(i < 0 ? -i : i > last ? 2 * last - i : i);
}

/* A row of w elements, what it shows moved by `right`: the inside in one piece, what comes in pixel by pixel. */
static void move_row(uint8_t *to, const uint8_t *row, ptrdiff_t w, ptrdiff_t right, int zeros, size_t size)
{
    const ptrdiff_t begin = right < 0 ? -right : 0, end = right > 0 ? w - right : w;
    memcpy(to + (size_t)begin * size, row + (size_t)(begin + right) * size, (size_t)(end - begin) * size);
    for (ptrdiff_t j = begin ? 0 : end; j < (begin ? begin : w); j++) {
        if (zeros)
            memset(to + (size_t)j * size, 0, size);
        else
            memcpy(to + (size_t)j * size, row + reflected(j + right, (size_t)w) * size, size);
    }
}

#define MIRROR(type)                                                                                       \
    for (uint8_t *l = row, *r = l + (w - 1) * sizeof(type); l < r; l += sizeof(type), r -= sizeof(type)) { \
        type left, right;                                                                                  \
        memcpy(&left, l, sizeof left);                                                                     \
        memcpy(&right, r, sizeof right);                                                                   \
        memcpy(l, &right, sizeof left);                                                                    \
        memcpy(r, &left, sizeof right);                                                                    \
    }

/* By whole numbers of the elements' size: only their places change. */
static void mirror_row(uint8_t *row, size_t w, size_t size)
{
    if (size == 1)
        MIRROR(uint8_t)
    else if (size == 4)
        MIRROR(uint32_t)
    else
        MIRROR(uint64_t)
}
#undef MIRROR

void lami_move_image(void *out, const void *x, const lam_shape *image, size_t size, const lami_move *move)
{
    const size_t h = image->dim[1], w = image->dim[2];
    const uint8_t *from = x;
    uint8_t *to = out;
    for (size_t c = 0; c < image->dim[0]; c++)
        for (size_t i = 0; i < h; i++, to += w * size) {
            const ptrdiff_t y = (ptrdiff_t)i + move->down;
            if (move->zeros && (y < 0 || y >= (ptrdiff_t)h)) {
                memset(to, 0, w * size);
                continue;
            }
            move_row(to, from + (c * h + reflected(y, h)) * w * size, (ptrdiff_t)w, move->right, move->zeros, size);
            if (move->mirrored)
                mirror_row(to, w, size);
        }
}
