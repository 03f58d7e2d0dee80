/* maxpool: the largest element of each window of each channel; padding is never the largest, a NaN always is.
 *   dx = dy at the window's maximum; of equal ones at the first in row-major order, or shared, or at each
 * Shapes    x (N, C, H, W);  y (N, C, OH, OW), OH = floor((H + 2 P - K) / S) + 1
 * Notation  maxpool KxK [stride S] [pad P] [ties first|split|all]     (S is K where it is left out, P is below K)
 * Source    CS231n assignment 2, max_pool_forward_naive; docs/math.md#maxpool */
#include "window.h"

typedef struct {
    size_t kernel[2], stride[2], pad[2];
    int ties;
} opts;

static const lami_opt options[] = { LAMI_POOL_KERNEL(opts),
                                    LAMI_POOL_STRIDE(opts),
                                    LAMI_POOL_PAD(opts),
                                    { .kind = LAMI_OPT_WORD,
                                      .name = "ties",
                                      .help = "whose gradient equal maxima get",
                                      .words = "first split all",
                                      .offset = offsetof(opts, ties) },
                                    LAMI_OPT_END };

static lam_status window_of(lami_window *w, const lami_node *n)
{
    const opts *o = n->opts;
    LAM_TRY(lami_window_pool(w, n, o->kernel, o->stride, o->pad));
    w->ties = o->ties;
    return LAM_OK;
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
    lami_emit(p, maxpool, lami_per_sample(lami_rows(&n->out)), w.c, .in = { q->x }, .out = { q->y }, .window = w);
}

static void backward(lami_plan *p, const lami_node *n, const lami_ports *q)
{
    lami_window w;
    (void)window_of(&w, n);
    if (q->dx)
        lami_emit(p, maxpool_grad, lami_per_sample(lami_rows(&n->in)), w.c, .in = { q->dy, q->x, q->y },
                  .out = { q->dx }, .window = w);
}

const lami_layer lami_maxpool = {
    .name = "maxpool",
    .help = "the largest element of each window",
    .options = options,
    .opts_size = sizeof(opts),
    .shape = shape,
    .forward = forward,
    .backward = backward,
};
