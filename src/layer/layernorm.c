/* layernorm: normalise each row, then scale and shift; of images each sample, as groupnorm with one group.
 *   y[n,j] = (x[n,j] - mean[n]) * rstd[n] * gamma[j] + beta[j],   rstd[n] = 1 / sqrt(var[n] + eps), var divides by D
 *   dx = rstd * (g - avg(g) - xhat * avg(g * xhat)),   g = dy * gamma, xhat = (x - mean) * rstd
 * Shapes    x, y (N, D);  gamma, beta (D);  kept for backward: mean, rstd (N);  images: x, y (N, C, H, W);  gamma, beta (C)
 * Notation  layernorm [eps 1e-5]
 * Source    Ba, Kiros, Hinton 2016, arXiv:1607.06450, eq. 3-4; backward derived in docs/math.md#layernorm */
#include "group.h"

typedef struct {
    double eps;
} opts;

static const lami_opt options[] = { { .kind = LAMI_OPT_REAL,
                                      .name = "eps",
                                      .help = "added to the variance",
                                      .fallback = 1e-5,
                                      .least = 0,
                                      .most = 1,
                                      .offset = offsetof(opts, eps) },
                                    LAMI_OPT_END };

enum { GAMMA, BETA };
enum { MEAN, RSTD };

static lam_status shape(lami_node *n)
{
    const size_t cols = lami_cols(&n->in);
    lami_param(n, "gamma", 1, cols, LAMI_INIT_ONE);
    lami_param(n, "beta", 1, cols, LAMI_INIT_ZERO);
    return LAM_OK;
}

static void forward(lami_plan *p, const lami_node *n, lami_ports *q, int train)
{
    (void)train;
    const opts *o = n->opts;
    const size_t cols = lami_cols(&n->in);
    const lami_extent rows = lami_per_sample(1);
    if (n->in.rank == 3) {
        lami_group_forward(p, n, q, 1, o->eps);
        return;
    }
    q->cache[MEAN] = lami_buffer_new(p, rows, 1, "mean");
    q->cache[RSTD] = lami_buffer_new(p, rows, 1, "rstd");
    lami_emit(p, row_moments, rows, cols, .in = { q->x }, .out = { q->cache[MEAN], q->cache[RSTD] }, .c = { o->eps });
    lami_emit(p, norm_rows, rows, cols, .in = { q->x, q->cache[MEAN], q->cache[RSTD], q->param[GAMMA], q->param[BETA] },
              .out = { q->y });
}

static void backward(lami_plan *p, const lami_node *n, const lami_ports *q)
{
    const size_t cols = lami_cols(&n->in);
    const lami_extent rows = lami_per_sample(1);
    const lami_buf mean = q->cache[MEAN], rstd = q->cache[RSTD];
    if (n->in.rank == 3) {
        lami_group_backward(p, n, q, 1);
        return;
    }
    lami_emit_norm_sums(p, 1, q->dy, q->x, rows, cols, mean, rstd, q->dparam[GAMMA], q->dparam[BETA]);
    if (q->dx)
        lami_emit(p, row_norm_grad, rows, cols, .in = { q->dy, q->x, mean, rstd, q->param[GAMMA] }, .out = { q->dx });
}

const lami_layer lami_layernorm = {
    .name = "layernorm",
    .help = "normalise each row; the same in training and inference",
    .options = options,
    .opts_size = sizeof(opts),
    .shape = shape,
    .forward = forward,
    .backward = backward,
};
