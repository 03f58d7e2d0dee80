/* sgd: w -= lr * dw */
#include "optim.h"

static void emit(lami_plan *p, const lam_options *o, lami_extent rows, size_t cols, lami_buf w, lami_buf dw,
                 const lami_buf *state)
{
    (void)o;
    (void)state;
    lami_emit(p, sgd, rows, cols, .in = { w, dw }, .out = { w });
}

const lami_optim lami_sgd = { .name = "sgd", .help = "w -= lr * dw", .lr = 1e-2, .emit = emit };
