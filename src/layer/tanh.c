/* tanh: y = tanh(x);   dx = dy (1 - y^2)
 * Shapes    x, y: any
 * Notation  tanh
 * Source    LeCun, Bottou, Orr, Mueller 1998, Efficient BackProp */
#include "layer.h"

static void forward(lami_plan *p, const lami_node *n, lami_ports *q, int train)
{
    (void)train;
    lami_emit(p, tanh_forward, lami_per_sample(lami_rows(&n->in)), lami_cols(&n->in), .in = { q->x }, .out = { q->y });
}

static void backward(lami_plan *p, const lami_node *n, const lami_ports *q)
{
    if (q->dx)
        lami_emit(p, tanh_grad, lami_per_sample(lami_rows(&n->in)), lami_cols(&n->in), .in = { q->dy, q->y },
                  .out = { q->dx });
}

const lami_layer lami_tanh = {
    .name = "tanh",
    .help = "hyperbolic tangent",
    .gain = 25.0 / 9, /* as PyTorch's calculate_gain, 5/3, squared */
    .forward = forward,
    .backward = backward,
};
