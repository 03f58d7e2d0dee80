/* gelu: y = x P(x), P the distribution function of the standard normal, p its density;   dx = dy (P(x) + x p(x))
 * With `tanh` its approximation y = x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))).
 * Shapes    x, y: any
 * Notation  gelu [tanh]
 * Source    Hendrycks, Gimpel 2016, arXiv:1606.08415; docs/math.md#gelu */
#include "layer.h"

typedef struct {
    int approximate;
} opts;

static const lami_opt options[] = { { .kind = LAMI_OPT_FLAG,
                                      .name = "tanh",
                                      .help = "its approximation by tanh",
                                      .offset = offsetof(opts, approximate) },
                                    LAMI_OPT_END };

static void forward(lami_plan *p, const lami_node *n, lami_ports *q, int train)
{
    (void)train;
    const opts *o = n->opts;
    lami_emit_record(p, (lami_record) { .op = o->approximate ? LAMI_OP_gelu_tanh : LAMI_OP_gelu,
                                        .rows = lami_per_sample(lami_rows(&n->in)),
                                        .cols = lami_cols(&n->in),
                                        .in = { q->x },
                                        .out = { q->y } });
}

static void backward(lami_plan *p, const lami_node *n, const lami_ports *q)
{
    const opts *o = n->opts;
    if (q->dx)
        lami_emit_record(p, (lami_record) { .op = o->approximate ? LAMI_OP_gelu_tanh_grad : LAMI_OP_gelu_grad,
                                            .rows = lami_per_sample(lami_rows(&n->in)),
                                            .cols = lami_cols(&n->in),
                                            .in = { q->dy, q->x },
                                            .out = { q->dx } });
}

const lami_layer lami_gelu = {
    .name = "gelu",
    .help = "x times the normal distribution function of x",
    .options = options,
    .opts_size = sizeof(opts),
    .gain = 2.3517156140733730, /* 1 / E[y^2] for a standard normal x: docs/math.md, initial weights */
    .forward = forward,
    .backward = backward,
};
