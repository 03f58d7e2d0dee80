/* groupnorm: normalise each sample's groups of channels, then scale and shift per channel.
 *   y = (x - mean) * rstd * gamma + beta,   rstd = 1 / sqrt(var + eps), over C / G channels and all pixels
 *   dx = rstd * (g - avg(g) - xhat * avg(g * xhat)),   g = dy * gamma, the averages over sample and group
 * Shapes    x, y (N, C, H, W) or (N, C);  gamma, beta (C);  kept for backward: mean, rstd (N, C), once per channel
 * Notation  groupnorm G [eps 1e-5]
 * Source    Wu, He 2018, arXiv:1803.08494; docs/math.md#groupnorm */
#include "group.h"

typedef struct {
    double eps;
    size_t groups;
} opts;

static const lami_opt options[] = { { .kind = LAMI_OPT_SIZE,
                                      .positional = 1,
                                      .required = 1,
                                      .name = "groups",
                                      .help = "number of groups of channels",
                                      .least = 1,
                                      .most = 1 << 24,
                                      .offset = offsetof(opts, groups) },
                                    { .kind = LAMI_OPT_REAL,
                                      .name = "eps",
                                      .help = "added to the variance",
                                      .fallback = 1e-5,
                                      .least = 0,
                                      .most = 1,
                                      .offset = offsetof(opts, eps) },
                                    LAMI_OPT_END };

static lam_status shape(lami_node *n)
{
    const opts *o = n->opts;
    const size_t cols = lami_cols(&n->in);
    if (!o->groups || cols % o->groups)
        return lami_fail(LAM_ESHAPE, "groupnorm: %zu channels are not %zu groups of the same size", cols, o->groups);
    lami_param(n, "gamma", 1, cols, LAMI_INIT_ONE);
    lami_param(n, "beta", 1, cols, LAMI_INIT_ZERO);
    return LAM_OK;
}

static void forward(lami_plan *p, const lami_node *n, lami_ports *q, int train)
{
    (void)train;
    const opts *o = n->opts;
    lami_group_forward(p, n, q, o->groups, o->eps);
}

static void backward(lami_plan *p, const lami_node *n, const lami_ports *q)
{
    const opts *o = n->opts;
    lami_group_backward(p, n, q, o->groups);
}

const lami_layer lami_groupnorm = {
    .name = "groupnorm",
    .help = "normalise groups of a sample's channels",
    .options = options,
    .opts_size = sizeof(opts),
    .shape = shape,
    .forward = forward,
    .backward = backward,
};
