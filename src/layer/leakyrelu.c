/* leakyrelu: y = x where x > 0, else a x;   dx = dy where x > 0, else a dy (so a dy at x = 0)
 * y > 0 just where x > 0, so that backward reads y, and x need not be kept.
 * Shapes    x, y: any
 * Notation  leakyrelu [A]     (A, the slope of the negative side, is 0.01 by default; 0 <= A <= 1)
 * Source    Maas, Hannun, Ng 2013, Rectifier nonlinearities improve neural network acoustic models */
#include "layer.h"

typedef struct {
    double slope;
} opts;

static const lami_opt options[] = { { .kind = LAMI_OPT_REAL,
                                      .positional = 1,
                                      .name = "slope",
                                      .help = "slope of the negative side",
                                      .fallback = 0.01,
                                      .least = 0,
                                      .most = 1,
                                      .offset = offsetof(opts, slope) },
                                    LAMI_OPT_END };

static void forward(lami_plan *p, const lami_node *n, lami_ports *q, int train)
{
    (void)train;
    const opts *o = n->opts;
    lami_emit(p, leakyrelu, lami_per_sample(lami_rows(&n->in)), lami_cols(&n->in), .in = { q->x }, .out = { q->y },
              .c = { o->slope });
}

static void backward(lami_plan *p, const lami_node *n, const lami_ports *q)
{
    const opts *o = n->opts;
    if (q->dx)
        lami_emit(p, leakyrelu_grad, lami_per_sample(lami_rows(&n->in)), lami_cols(&n->in), .in = { q->dy, q->y },
                  .out = { q->dx }, .c = { o->slope });
}

/* He et al. 2015, arXiv:1502.01852, eq. 15 */
static double gain(const lami_node *n)
{
    const opts *o = n->opts;
    return 2 / (1 + o->slope * o->slope);
}

const lami_layer lami_leakyrelu = {
    .name = "leakyrelu",
    .help = "x where it is positive, else a small slope times x",
    .options = options,
    .opts_size = sizeof(opts),
    .gain_of = gain,
    .backward_from_x = 1,
    .forward = forward,
    .backward = backward,
};
