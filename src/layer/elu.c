/* elu: y = x where x > 0, else a (exp(x) - 1);   dx = dy where x > 0, else a exp(x) dy
 * Shapes    x, y: any
 * Notation  elu [A]     (-A, by default -1, is what y tends to on the negative side; 0 <= A <= 1e6)
 * Source    Clevert, Unterthiner, Hochreiter 2015, arXiv:1511.07289 */
#include "layer.h"

typedef struct {
    double alpha;
} opts;

static const lami_opt options[] = { { .kind = LAMI_OPT_REAL,
                                      .positional = 1,
                                      .name = "alpha",
                                      .help = "what y tends to on the negative side, times -1",
                                      .fallback = 1,
                                      .least = 0,
                                      .most = 1e6,
                                      .offset = offsetof(opts, alpha) },
                                    LAMI_OPT_END };

static void forward(lami_plan *p, const lami_node *n, lami_ports *q, int train)
{
    (void)train;
    const opts *o = n->opts;
    lami_emit(p, elu, lami_per_sample(lami_rows(&n->in)), lami_cols(&n->in), .in = { q->x }, .out = { q->y },
              .c = { o->alpha });
}

static void backward(lami_plan *p, const lami_node *n, const lami_ports *q)
{
    const opts *o = n->opts;
    if (q->dx)
        lami_emit(p, elu_grad, lami_per_sample(lami_rows(&n->in)), lami_cols(&n->in), .in = { q->dy, q->x },
                  .out = { q->dx }, .c = { o->alpha });
}

/* 1 / E[y^2] for a standard normal x: docs/math.md, initial weights. Of (exp(x) - 1)^2 the negative half is
 * 0.1449... */
static double gain(const lami_node *n)
{
    const opts *o = n->opts;
    return 1 / (0.5 + 0.14494541749292386 * o->alpha * o->alpha);
}

const lami_layer lami_elu = {
    .name = "elu",
    .help = "x where it is positive, else alpha (exp(x) - 1)",
    .options = options,
    .opts_size = sizeof(opts),
    .gain_of = gain,
    .forward = forward,
    .backward = backward,
};
