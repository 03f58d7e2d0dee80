/* nesterov: u = v;  v = mu * v - lr * dw;  w += -mu * u + (1 + mu) * v.  Source: Sutskever et al. 2013 in the form of
 * CS231n's notes. */
#include "optim.h"

static void emit(lami_plan *p, const lam_options *o, lami_extent rows, size_t cols, lami_buf w, lami_buf dw,
                 const lami_buf *state)
{
    lami_emit(p, nesterov, rows, cols, .in = { w, dw, state[0] }, .out = { w, state[0] }, .c = { o->momentum });
}

const lami_optim lami_nesterov = {
    .name = "nesterov",
    .help = "momentum, looking ahead",
    .lr = 1e-2,
    .slot = { "velocity" },
    .emit = emit,
};
