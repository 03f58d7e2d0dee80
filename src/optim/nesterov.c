/* nesterov: u = v;  v = mu * v - lr * dw;  w += -mu * u + (1 + mu) * v.  Source: Sutskever et al. 2013 in the form of
 * CS231n's notes. */
#include "optim.h"

static void emit(lami_plan *p, const lam_options *o, const lami_update *u)
{
    lami_emit(p, nesterov, u->rows, u->cols, .in = { u->w, u->dw, u->state[0] }, .out = { u->w, u->state[0] },
              .c = { o->momentum, [LAMI_LR_FACTOR] = u->lr });
}

const lami_optim lami_nesterov = {
    .name = "nesterov",
    .help = "momentum, looking ahead",
    .lr = 1e-2,
    .slot = { "velocity" },
    .emit = emit,
};
