/* group: see group.h. */
#include "group.h"

enum { GAMMA, BETA };
enum { MEAN, RSTD };

void lami_group_forward(lami_plan *p, const lami_node *n, lami_ports *q, size_t groups, double eps)
{
    const size_t cols = lami_cols(&n->in), pixels = lami_rows(&n->in);
    const lami_extent samples = lami_per_sample(1), depth = lami_fixed(pixels);
    const lami_buf mean = q->cache[MEAN] = lami_buffer_new(p, samples, cols, "mean");
    const lami_buf rstd = q->cache[RSTD] = lami_buffer_new(p, samples, cols, "rstd");
    lami_emit(p, group_moments, samples, cols, .in = { q->x }, .out = { mean, rstd }, .c = { eps }, .depth = depth,
              .window = { .groups = groups });
    lami_emit(p, norm_groups, lami_per_sample(pixels), cols,
              .in = { q->x, mean, rstd, q->param[GAMMA], q->param[BETA] }, .out = { q->y }, .depth = depth);
}

void lami_group_backward(lami_plan *p, const lami_node *n, const lami_ports *q, size_t groups)
{
    const size_t cols = lami_cols(&n->in), pixels = lami_rows(&n->in);
    const lami_extent samples = lami_per_sample(1), depth = lami_fixed(pixels);
    const lami_buf mean = q->cache[MEAN], rstd = q->cache[RSTD], gamma = q->param[GAMMA];
    const lami_buf a = lami_buffer_new(p, samples, cols, "sums"), b = lami_buffer_new(p, samples, cols, "sums");
    lami_emit(p, group_sums, samples, cols, .in = { q->dy, q->x, mean, rstd }, .out = { a, b }, .depth = depth);
    lami_emit_column_sum(p, a, samples, cols, q->dparam[GAMMA]);
    lami_emit_column_sum(p, b, samples, cols, q->dparam[BETA]);
    if (!q->dx)
        return;
    const lami_buf dot = lami_buffer_new(p, samples, cols, "means"), avg = lami_buffer_new(p, samples, cols, "means");
    lami_emit(p, group_means, samples, cols, .in = { a, b, gamma }, .out = { dot, avg }, .depth = depth,
              .window = { .groups = groups });
    lami_emit(p, norm_groups_grad, lami_per_sample(pixels), cols, .in = { q->dy, q->x, mean, rstd, gamma, dot, avg },
              .out = { q->dx }, .depth = depth);
}
