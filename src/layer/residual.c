/* residual: the join of a residual block: y = x + x2, of the block's body and its shortcut. The graph makes it of
 * `residual {body | shortcut}`; it is not a word by itself.
 *   dx = dx2 = dy
 * Shapes    x, x2, y: the same
 * Source    He, Zhang, Ren, Sun 2015, arXiv:1512.03385 */
#include "layer.h"

static void forward(lami_plan *p, const lami_node *n, lami_ports *q, int train)
{
    (void)train;
    lami_emit(p, add, lami_per_sample(lami_rows(&n->in)), lami_cols(&n->in), .in = { q->x, q->x2 }, .out = { q->y });
}

const lami_layer lami_residual = {
    .name = "residual",
    .help = "the sum of a chain and its shortcut",
    .hidden = 1,
    .forward = forward,
};
