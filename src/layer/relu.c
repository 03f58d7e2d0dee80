/* relu: y = max(x, 0);   dx = dy where y > 0, else 0 (so 0 at x = 0)
 * Shapes    x, y: any
 * Notation  relu
 * Source    CS231n assignment 2, relu_forward */
#include "layer.h"

static void forward(lami_plan *p, const lami_node *n, lami_ports *q, int train)
{
    (void)train;
    lami_emit(p, relu, lami_per_sample(lami_rows(&n->in)), lami_cols(&n->in), .in = { q->x }, .out = { q->y });
}

static void backward(lami_plan *p, const lami_node *n, const lami_ports *q)
{
    if (q->dx)
        lami_emit(p, relu_grad, lami_per_sample(lami_rows(&n->in)), lami_cols(&n->in), .in = { q->dy, q->y },
                  .out = { q->dx });
}

const lami_layer lami_relu = {
    .name = "relu",
    .help = "the larger of x and 0",
    .gain = 2,
    .backward_from_x = 1,
    .forward = forward,
    .backward = backward,
};
