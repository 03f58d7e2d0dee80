/* rmsprop: s = decay * s + (1 - decay) * dw^2;  w -= lr * dw / (sqrt(s) + eps).  Source: Tieleman, Hinton 2012;
 * CS231n. */
#include "optim.h"

static void emit(lami_plan *p, const lam_options *o, const lami_update *u)
{
    lami_emit(p, rmsprop, u->rows, u->cols, .in = { u->w, u->dw, u->state[0] }, .out = { u->w, u->state[0] },
              .c = { o->decay, o->eps, [LAMI_LR_FACTOR] = u->lr });
}

const lami_optim lami_rmsprop = {
    .name = "rmsprop",
    .help = "steps divided by a running root mean square",
    .lr = 1e-2,
    .slot = { "cache" },
    .emit = emit,
};
