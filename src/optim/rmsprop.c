/* rmsprop: s = decay * s + (1 - decay) * dw^2;  w -= lr * dw / (sqrt(s) + eps).  Source: Tieleman, Hinton 2012; CS231n. */
#include "optim.h"

static void emit(lami_plan *p, const lam_options *o, lami_extent rows, size_t cols, lami_buf w, lami_buf dw,
                 const lami_buf *state)
{
    lami_emit(p, rmsprop, rows, cols, .in = { w, dw, state[0] }, .out = { w, state[0] }, .c = { o->decay, o->eps });
}

const lami_optim lami_rmsprop = {
    .name = "rmsprop",
    .help = "steps divided by a running root mean square",
    .lr = 1e-2,
    .slot = { "cache" },
    .emit = emit,
};
