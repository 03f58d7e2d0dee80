/* window: what convolution and pooling share: a window that moves over an image. */
#ifndef LAMI_WINDOW_H
#define LAMI_WINDOW_H

#include "layer.h"

/* How it is asked for, height before width. pad: of each side, or where `same`, (K - 1) / 2 before and K / 2 after. */
typedef struct lami_window_size {
    size_t kernel[2], stride[2], pad[2];
    int same;
} lami_window_size;

/* The window over n's input; up is 1. Output sizes are floor((size + padding - kernel) / stride) + 1. Errors: LAM_ESHAPE,
 * with the layer's name: the input is no image, or the window larger than the padded one. */
lam_status lami_window_make(lami_window *window, const lami_node *n, const lami_window_size *size);

/* The same for pooling: a stride of 0 is the window's size; padding is smaller than the window, so that each window has an
 * element of the image. */
lam_status lami_window_pool(lami_window *window, const lami_node *n, const size_t kernel[2], const size_t stride[2],
                            const size_t pad[2]);

/* Rows of options that pools have. */
#define LAMI_POOL_PAIR(opts, ...)                           \
    {                                                       \
        .kind = LAMI_OPT_PAIR, .most = 1 << 16, __VA_ARGS__ \
    }
#define LAMI_POOL_KERNEL(opts)                                                                                       \
    LAMI_POOL_PAIR(opts, .positional = 1, .required = 1, .name = "window", .help = "height and width of the window", \
                   .least = 1, .offset = offsetof(opts, kernel))
#define LAMI_POOL_STRIDE(opts)                                                                                      \
    LAMI_POOL_PAIR(opts, .name = "stride", .help = "step of the window; the window's size if left out", .least = 1, \
                   .offset = offsetof(opts, stride))
#define LAMI_POOL_PAD(opts)                                                                                 \
    LAMI_POOL_PAIR(opts, .name = "pad", .help = "rows and columns that are added on each side", .least = 0, \
                   .offset = offsetof(opts, pad))

#endif
