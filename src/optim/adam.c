/* adam: m = b1 * m + (1 - b1) * dw;  v = b2 * v + (1 - b2) * dw^2;
 * w -= lr * (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps), t counted from 1.
 * adamw is the same with decoupled weight decay, as any rule may have it.
 * Source: Kingma, Ba 2014, arXiv:1412.6980, algorithm 1; CS231n. Loshchilov, Hutter 2017, arXiv:1711.05101. */
#include "optim.h"

static void emit(lami_plan *p, const lam_options *o, const lami_update *u)
{
    lami_emit(p, adam, u->rows, u->cols, .in = { u->w, u->dw, u->state[0], u->state[1] },
              .out = { u->w, u->state[0], u->state[1] }, .c = { o->beta1, o->beta2, o->eps, [LAMI_LR_FACTOR] = u->lr });
}

const lami_optim lami_adam = {
    .name = "adam",
    .help = "moments of the gradient, corrected for their start",
    .lr = 1e-3,
    .slot = { "m", "v" },
    .emit = emit,
};

const lami_optim lami_adamw = {
    .name = "adamw",
    .help = "adam with decoupled weight decay",
    .lr = 1e-3,
    .weight_decay = 1e-2,
    .slot = { "m", "v" },
    .emit = emit,
};
