/* silu: y = x s, s = sigmoid(x) = 1 / (1 + exp(-x));   dx = dy (s + x s (1 - s)). Also known as swish.
 * Shapes    x, y: any
 * Notation  silu
 * Source    Hendrycks, Gimpel 2016, arXiv:1606.08415; Elfwing, Uchibe, Doya 2017, arXiv:1702.03118 */
#include "layer.h"

static void forward(lami_plan *p, const lami_node *n, lami_ports *q, int train)
{
    (void)train;
    lami_emit(p, silu, lami_per_sample(lami_rows(&n->in)), lami_cols(&n->in), .in = { q->x }, .out = { q->y });
}

static void backward(lami_plan *p, const lami_node *n, const lami_ports *q)
{
    if (q->dx)
        lami_emit(p, silu_grad, lami_per_sample(lami_rows(&n->in)), lami_cols(&n->in), .in = { q->dy, q->x },
                  .out = { q->dx });
}

const lami_layer lami_silu = {
    .name = "silu",
    .help = "x sigmoid(x)",
    .gain = 2.8107611240744711, /* 1 / E[y^2] for a standard normal x: docs/math.md, initial weights */
    .forward = forward,
    .backward = backward,
};
