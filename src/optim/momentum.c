/* momentum: v = mu * v - lr * dw;  w += v.  Source: CS231n, sgd_momentum. */
#include "optim.h"

static void emit(lami_plan *p, const lam_options *o, const lami_update *u)
{
    lami_emit(p, momentum, u->rows, u->cols, .in = { u->w, u->dw, u->state[0] }, .out = { u->w, u->state[0] },
              .c = { o->momentum, [LAMI_LR_FACTOR] = u->lr });
}

const lami_optim lami_momentum = {
    .name = "momentum",
    .help = "v = mu v - lr dw; w += v",
    .lr = 1e-2,
    .slot = { "velocity" },
    .emit = emit,
};
