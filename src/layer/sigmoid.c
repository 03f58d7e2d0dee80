/* sigmoid: y = 1 / (1 + exp(-x));   dx = dy y (1 - y)
 * Shapes    x, y: any
 * Notation  sigmoid
 * Source    CS231n, notes on neural networks */
#include "layer.h"

static void forward(lami_plan *p, const lami_node *n, lami_ports *q, int train)
{
    (void)train;
    lami_emit(p, sigmoid, lami_per_sample(lami_rows(&n->in)), lami_cols(&n->in), .in = { q->x }, .out = { q->y });
}

static void backward(lami_plan *p, const lami_node *n, const lami_ports *q)
{
    if (q->dx)
        lami_emit(p, sigmoid_grad, lami_per_sample(lami_rows(&n->in)), lami_cols(&n->in), .in = { q->dy, q->y },
                  .out = { q->dx });
}

const lami_layer lami_sigmoid = {
    .name = "sigmoid",
    .help = "1 / (1 + exp(-x))",
    .gain = 1, /* as PyTorch's calculate_gain */
    .forward = forward,
    .backward = backward,
};
