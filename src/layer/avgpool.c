/* avgpool: the mean of each window of each channel. Padding counts as zeros: a sum is divided by the whole window.
 *   dx = sum of dy / (KH KW) over the windows that hold the element
 * Shapes    x (N, C, H, W);  y (N, C, OH, OW), OH = floor((H + 2 P - K) / S) + 1;  global: y (N, C, 1, 1)
 * Notation  avgpool KxK [stride S] [pad P], avgpool global     (S is K where it is left out, P is below K)
 * Source    Lin, Chen, Yan 2013, arXiv:1312.4400 (global); docs/math.md#avgpool */
#include "window.h"

typedef struct {
    size_t kernel[2], stride[2], pad[2];
} opts;

enum { GLOBAL };

static const lami_opt options[] = { { .kind = LAMI_OPT_PAIR,
                                      .positional = 1,
                                      .required = 1,
                                      .name = "window",
                                      .help = "height and width of the window, or global: the whole image",
                                      .words = "global",
                                      .least = 1,
                                      .most = 1 << 16,
                                      .offset = offsetof(opts, kernel) },
                                    LAMI_POOL_STRIDE(opts),
                                    LAMI_POOL_PAD(opts),
                                    LAMI_OPT_END };

static lam_status window_of(lami_window *w, const lami_node *n)
{
    const opts *o = n->opts;
    const int global = o->kernel[0] == lami_pair_word(GLOBAL);
    const size_t *const kernel = global ? n->in.dim + 1 : o->kernel;
    if (global && (o->stride[0] || o->pad[0] || o->pad[1]))
        return lami_fail(LAM_ESHAPE, "avgpool: the global one takes neither stride nor pad");
    return lami_window_pool(w, n, kernel, o->stride, o->pad);
}

static lam_status shape(lami_node *n)
{
    lami_window w;
    LAM_TRY(window_of(&w, n));
    n->out = lami_shape3(w.c, w.out_h, w.out_w);
    return LAM_OK;
}

static void forward(lami_plan *p, const lami_node *n, lami_ports *q, int train)
{
    (void)train;
    lami_window w;
    (void)window_of(&w, n);
    lami_emit(p, avgpool, lami_per_sample(lami_rows(&n->out)), w.c, .in = { q->x }, .out = { q->y }, .window = w);
}

static void backward(lami_plan *p, const lami_node *n, const lami_ports *q)
{
    lami_window w;
    (void)window_of(&w, n);
    if (q->dx)
        lami_emit(p, avgpool_grad, lami_per_sample(lami_rows(&n->in)), w.c, .in = { q->dy }, .out = { q->dx },
                  .window = w);
}

const lami_layer lami_avgpool = {
    .name = "avgpool",
    .help = "the mean of each window",
    .options = options,
    .opts_size = sizeof(opts),
    .shape = shape,
    .forward = forward,
    .backward = backward,
};
