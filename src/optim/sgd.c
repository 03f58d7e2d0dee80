/* sgd: w -= lr * dw */
#include "optim.h"

static void emit(lami_plan *p, const lam_options *o, const lami_update *u)
{
    (void)o;
    lami_emit(p, sgd, u->rows, u->cols, .in = { u->w, u->dw }, .out = { u->w }, .c = { [LAMI_LR_FACTOR] = u->lr });
}

const lami_optim lami_sgd = { .name = "sgd", .help = "w -= lr * dw", .lr = 1e-2, .emit = emit };
