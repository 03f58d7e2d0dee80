/* adam: m = b1 * m + (1 - b1) * dw;  v = b2 * v + (1 - b2) * dw^2;
 * w -= lr * (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps), t counted from 1.
 * Source: Kingma, Ba 2014, arXiv:1412.6980, algorithm 1; CS231n. */
#include "optim.h"

static void emit(lami_plan *p, const lam_options *o, lami_extent rows, size_t cols, lami_buf w, lami_buf dw,
                 const lami_buf *state)
{
    lami_emit(p, adam, rows, cols, .in = { w, dw, state[0], state[1] }, .out = { w, state[0], state[1] },
              .c = { o->beta1, o->beta2, o->eps });
}

const lami_optim lami_adam = {
    .name = "adam",
    .help = "moments of the gradient, corrected for their start",
    .lr = 1e-3,
    .slot = { "m", "v" },
    .emit = emit,
};
