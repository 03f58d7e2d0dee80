/* batchnorm: normalise each column over the batch (over batch and pixels of an image), then scale and shift.
 *   y = (x - mean) * rstd * gamma + beta,   rstd = 1 / sqrt(var + eps), var divides by N
 *   dx = gamma * rstd * (dy - dbeta / N - xhat * dgamma / N),   dgamma = sum dy * xhat,  dbeta = sum dy
 *   with the running ones, in test mode: dx = gamma * rstd * dy
 *   running = momentum * running + (1 - momentum) * batch, committed with the update; inference uses the running ones
 * Shapes    x, y (N, D);  gamma, beta, running_mean, running_var (D);  kept for backward: mean, rstd (D)
 * Notation  batchnorm [eps 1e-5] [momentum 0.9]
 * Source    Ioffe, Szegedy 2015, arXiv:1502.03167; simplified backward derived in docs/math.md#batchnorm */
#include "layer.h"

typedef struct {
    double eps, momentum;
} opts;

static const lami_opt options[] = { { .kind = LAMI_OPT_REAL,
                                      .name = "eps",
                                      .help = "added to the variance",
                                      .fallback = 1e-5,
                                      .least = 0,
                                      .most = 1,
                                      .offset = offsetof(opts, eps) },
                                    { .kind = LAMI_OPT_REAL,
                                      .name = "momentum",
                                      .help = "share of the old running statistics",
                                      .fallback = 0.9,
                                      .least = 0,
                                      .most = 1,
                                      .offset = offsetof(opts, momentum) },
                                    LAMI_OPT_END };

enum { GAMMA, BETA, RUNNING_MEAN, RUNNING_VAR };
enum { MEAN, RSTD };

static lam_status shape(lami_node *n)
{
    const size_t cols = lami_cols(&n->in);
    lami_param(n, "gamma", 1, cols, LAMI_INIT_ONE);
    lami_param(n, "beta", 1, cols, LAMI_INIT_ZERO);
    lami_param(n, "running_mean", 1, cols, LAMI_INIT_ZERO)->trained = 0;
    lami_param(n, "running_var", 1, cols, LAMI_INIT_ONE)->trained = 0;
    return LAM_OK;
}

static void forward(lami_plan *p, const lami_node *n, lami_ports *q, int train)
{
    const opts *o = n->opts;
    const size_t cols = lami_cols(&n->in);
    const lami_extent rows = lami_per_sample(lami_rows(&n->in));
    lami_buf mean = q->param[RUNNING_MEAN];
    const lami_buf rstd = lami_buffer_new(p, lami_fixed(1), cols, "rstd");
    if (train) {
        const lami_buf var = lami_buffer_new(p, lami_fixed(1), cols, "var");
        mean = lami_buffer_new(p, lami_fixed(1), cols, "mean");
        lami_emit_moments(p, q->x, rows, cols, o->eps, mean, var, rstd);
        lami_emit_on_update(p, running, lami_fixed(1), cols, .in = { q->param[RUNNING_MEAN], mean },
                            .out = { q->param[RUNNING_MEAN] }, .c = { o->momentum });
        lami_emit_on_update(p, running, lami_fixed(1), cols, .in = { q->param[RUNNING_VAR], var },
                            .out = { q->param[RUNNING_VAR] }, .c = { o->momentum });
    } else {
        lami_emit(p, rstd, lami_fixed(1), cols, .in = { q->param[RUNNING_VAR] }, .out = { rstd }, .c = { o->eps });
    }
    lami_emit(p, norm_cols, rows, cols, .in = { q->x, mean, rstd, q->param[GAMMA], q->param[BETA] }, .out = { q->y });
    q->cache[MEAN] = mean;
    q->cache[RSTD] = rstd;
}

static void backward(lami_plan *p, const lami_node *n, const lami_ports *q)
{
    const size_t cols = lami_cols(&n->in);
    const lami_extent rows = lami_per_sample(lami_rows(&n->in));
    const lami_buf mean = q->cache[MEAN], rstd = q->cache[RSTD];
    lami_emit_norm_sums(p, 0, q->dy, q->x, rows, cols, mean, rstd, q->dparam[GAMMA], q->dparam[BETA]);
    if (q->dx && mean == q->param[RUNNING_MEAN])
        lami_emit(p, scale_cols, rows, cols, .in = { q->dy, rstd, q->param[GAMMA] }, .out = { q->dx });
    else if (q->dx)
        lami_emit(p, norm_cols_grad, rows, cols,
                  .in = { q->dy, q->x, mean, rstd, q->param[GAMMA], q->dparam[GAMMA], q->dparam[BETA] },
                  .out = { q->dx });
}

const lami_layer lami_batchnorm = {
    .name = "batchnorm",
    .help = "normalise each column over the batch",
    .options = options,
    .opts_size = sizeof(opts),
    .shape = shape,
    .forward = forward,
    .backward = backward,
};
