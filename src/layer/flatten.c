/* flatten: an image as a row, channels first: element (c, h, w) becomes number (c H + h) W + w. An affine layer does this by
 * itself; other layers on rows (batchnorm, dropout ...) that should see the order of the course and PyTorch come after it.
 * Shapes    x (N, C, H, W);  y (N, C H W);  a row stays as it is
 * Notation  flatten
 * Source    PyTorch's flatten */
#include "layer.h"

static lam_status shape(lami_node *n)
{
    n->out = lami_shape1(lam_shape_count(&n->in));
    return LAM_OK;
}

/* Are the two orders the same? */
static int is_row(const lami_node *n)
{
    return lami_rows(&n->in) == 1 || lami_cols(&n->in) == 1;
}

static lami_window window_of(const lami_node *n)
{
    return (lami_window) { .c = n->in.dim[0], .h = n->in.dim[1], .w = n->in.dim[2] };
}

static void forward(lami_plan *p, const lami_node *n, lami_ports *q, int train)
{
    (void)train;
    if (is_row(n))
        q->y = q->x;
    else
        lami_emit(p, from_pixels, lami_per_sample(lami_rows(&n->in)), lami_cols(&n->in), .in = { q->x },
                  .out = { q->y }, .window = window_of(n));
}

static void backward(lami_plan *p, const lami_node *n, const lami_ports *q)
{
    if (q->dx)
        lami_emit(p, to_pixels, lami_per_sample(lami_rows(&n->in)), lami_cols(&n->in), .in = { q->dy },
                  .out = { q->dx }, .window = window_of(n));
}

const lami_layer lami_flatten = {
    .name = "flatten",
    .help = "an image as a row, channels first",
    .shape = shape,
    .forward = forward,
    .backward = backward,
};
