/* muon, for weights as matrices: m = beta1 m + (1 - beta1) dw, and of g = beta1 m + (1 - beta1) dw the direction alone. With
 * the singular value decomposition g = U S V^T,
 *   w -= lr 0.2 sqrt(max(R, C)) U V^T,
 * a step whose elements are as large as adamw's, so that both go with one learning rate; biases, gamma and beta are adamw's.
 * U V^T comes of STEPS times y = a y + b (y y^T) y + c (y y^T)^2 y from y = g / |g|: a polynomial that brings each singular
 * value near 1, not to it.
 * Source: Jordan et al. 2024, kellerjordan.github.io/posts/muon; Liu et al. 2025, arXiv:2502.16982, for 0.2 sqrt(max). */
#include "optim.h"

enum { STEPS = 5 };
static const double a = 3.4445, b = -4.7750, c = 2.0315, least = 1e-7;

/* One step of the polynomial. The smaller of the two products of y with itself is taken: (y y^T) y = y (y^T y). */
static lami_buf orthogonalize(lami_plan *p, const lami_update *u, lami_buf y)
{
    const int wide = u->rows.fixed < u->cols;
    const lami_extent side = wide ? u->rows : lami_fixed(u->cols), depth = lami_fixed(wide ? u->cols : u->rows.fixed);
    const size_t n = side.fixed;
    const lami_buf square = lami_buffer_new(p, side, n, "y y^T"), fourth = lami_buffer_new(p, side, n, "(y y^T)^2");
    const lami_buf sum = lami_buffer_new(p, side, n, "b y y^T + c (y y^T)^2");
    const lami_buf product = lami_buffer_new(p, u->rows, u->cols, "its product with y");
    const lami_buf next = lami_buffer_new(p, u->rows, u->cols, "y");
    if (wide)
        lami_emit(p, gemm_nt, side, n, .in = { y, y }, .out = { square }, .depth = depth);
    else
        lami_emit(p, gemm_tn, side, n, .in = { y, y }, .out = { square }, .depth = depth);
    lami_emit(p, gemm_nn, side, n, .in = { square, square }, .out = { fourth }, .depth = side);
    lami_emit(p, axpby, side, n, .in = { square, fourth }, .out = { sum }, .c = { b, c });
    lami_emit(p, gemm_nn, u->rows, u->cols, .in = { wide ? sum : y, wide ? y : sum }, .out = { product },
              .depth = side);
    lami_emit(p, axpby, u->rows, u->cols, .in = { y, product }, .out = { next }, .c = { a, 1 });
    return next;
}

static void emit(lami_plan *p, const lam_options *o, const lami_update *u)
{
    const size_t rows = u->rows.fixed, longer = rows > u->cols ? rows : u->cols;
    const lami_buf g = lami_buffer_new(p, u->rows, u->cols, "g");
    lami_buf y = lami_buffer_new(p, u->rows, u->cols, "y");
    lami_emit(p, muon, u->rows, u->cols, .in = { u->dw, u->state[0] }, .out = { u->state[0], g }, .c = { o->beta1 });
    lami_optim_scale(p, u, g, 1, least, y);
    for (int k = 0; k < STEPS; k++)
        y = orthogonalize(p, u, y);
    lami_emit(p, sgd, u->rows, u->cols, .in = { u->w, y }, .out = { u->w },
              .c = { [LAMI_LR_FACTOR] = u->lr * 0.2 * __builtin_sqrt((double)longer) });
}

const lami_optim lami_muon = {
    .name = "muon",
    .help = "weights: momentum, made orthogonal; the rest as adamw",
    .lr = 1e-3,
    .weight_decay = 1e-2,
    .slot = { "m" },
    .others = &lami_adamw,
    .emit = emit,
};
