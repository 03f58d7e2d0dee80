/* dropout: inverted dropout; nothing in inference.
 *   y = x / (1 - p) with probability 1 - p, else 0;   dx = dy / (1 - p) where x was kept, else 0
 * An element is kept where its random word (core/random.h: seed, step, layer, index in the batch) is at least p * 2^32:
 * the mask is computed anew in the backward pass and never stored.
 * Shapes    x, y: any
 * Notation  dropout P     (P is the probability of dropping, 0 <= P < 1)
 * Source    Srivastava et al. 2014, JMLR 15; inverted as in CS231n */
#include "../core/random.h"
#include "layer.h"

typedef struct {
    double p;
} opts;

static const lami_opt options[] = { { .kind = LAMI_OPT_REAL,
                                      .positional = 1,
                                      .name = "p",
                                      .required = 1,
                                      .help = "probability of dropping",
                                      .least = 0,
                                      .most = 1,
                                      .most_excluded = 1,
                                      .offset = offsetof(opts, p) },
                                    LAMI_OPT_END };

/* round(p * 2^32), at most 2^32 - 1 */
static uint32_t threshold(double p)
{
    const double t = p * 4294967296.0 + 0.5;
    return t >= 4294967295.0 ? 4294967295u : (uint32_t)t;
}

static void apply(lami_plan *p, const lami_node *n, lami_buf x, lami_buf y)
{
    const opts *o = n->opts;
    lami_emit(p, dropout, lami_per_sample(lami_rows(&n->in)), lami_cols(&n->in), .in = { x }, .out = { y },
              .c = { 1 / (1 - o->p) }, .threshold = threshold(o->p),
              .place = (uint32_t)LAMI_RNG_DROPOUT << 24 | (uint32_t)n->place);
}

static void forward(lami_plan *p, const lami_node *n, lami_ports *q, int train)
{
    const opts *o = n->opts;
    if (train && o->p > 0)
        apply(p, n, q->x, q->y);
    else
        q->y = q->x;
}

static void backward(lami_plan *p, const lami_node *n, const lami_ports *q)
{
    if (q->dx)
        apply(p, n, q->dy, q->dx);
}

const lami_layer lami_dropout = {
    .name = "dropout",
    .help = "drop elements at random in training (inverted)",
    .options = options,
    .opts_size = sizeof(opts),
    .forward = forward,
    .backward = backward,
};
