/* window: see window.h. */
#include "window.h"

/* One direction: padding before, and the output's size. */
static lam_status fit(ptrdiff_t *pad, size_t *out, const lami_node *n, const lami_window_size *s, int k)
{
    const size_t size = n->in.dim[1 + k], kernel = s->kernel[k];
    const size_t after = s->same ? kernel / 2 : s->pad[k];
    const size_t before = s->same ? (kernel - 1) / 2 : s->pad[k];
    if (!kernel || !s->stride[k])
        return lami_fail(LAM_ESHAPE, "%s: a %s of 0", n->layer->name, kernel ? "stride" : "window");
    if (size + before + after < kernel)
        return lami_fail(LAM_ESHAPE, "%s: a window %zu %s is larger than the image of %zu and its padding of %zu",
                         n->layer->name, kernel, k ? "wide" : "high", size, before + after);
    *pad = (ptrdiff_t)before;
    *out = (size + before + after - kernel) / s->stride[k] + 1;
    return LAM_OK;
}

lam_status lami_window_make(lami_window *window, const lami_node *n, const lami_window_size *s)
{
    char got[LAMI_SHAPE_TEXT];
    if (n->in.rank != 3)
        return lami_fail(LAM_ESHAPE, "%s needs an image C x H x W, its input is %s", n->layer->name,
                         lami_shape_text(got, &n->in));
    *window = (lami_window) { .h = n->in.dim[1],
                              .w = n->in.dim[2],
                              .c = n->in.dim[0],
                              .kernel_h = s->kernel[0],
                              .kernel_w = s->kernel[1],
                              .stride_h = s->stride[0],
                              .stride_w = s->stride[1],
                              .up_h = 1,
                              .up_w = 1 };
    LAM_TRY(fit(&window->pad_top, &window->out_h, n, s, 0));
    return fit(&window->pad_left, &window->out_w, n, s, 1);
}

lam_status lami_window_pool(lami_window *window, const lami_node *n, const size_t kernel[2], const size_t stride[2],
                            const size_t pad[2])
{
    lami_window_size s = { .kernel = { kernel[0], kernel[1] }, .pad = { pad[0], pad[1] } };
    for (int k = 0; k < 2; k++) {
        s.stride[k] = stride[k] ? stride[k] : kernel[k];
        if (pad[k] && pad[k] >= kernel[k])
            return lami_fail(LAM_ESHAPE, "%s: a padding of %zu is not smaller than the window of %zu", n->layer->name,
                             pad[k], kernel[k]);
    }
    return lami_window_make(window, n, &s);
}
