/* momentum: v = mu * v - lr * dw;  w += v.  Source: CS231n, sgd_momentum. */
#include "optim.h"

static void emit(lami_plan *p, const lam_options *o, lami_extent rows, size_t cols, lami_buf w, lami_buf dw,
                 const lami_buf *state)
{
    lami_emit(p, momentum, rows, cols, .in = { w, dw, state[0] }, .out = { w, state[0] }, .c = { o->momentum });
}

const lami_optim lami_momentum = {
    .name = "momentum",
    .help = "v = mu v - lr dw; w += v",
    .lr = 1e-2,
    .slot = { "velocity" },
    .emit = emit,
};
