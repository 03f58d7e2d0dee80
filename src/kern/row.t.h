/* row: operations along rows. Sums have a fixed number of lanes, element j in lane j mod lanes (vec.h). */

/* For a row of `cols` elements, a wide at a time: i is the index into the row, n how many are left. */
#define ALONG(cols) for (size_t i = 0, n = (cols); n; n -= n < WIDE_LANES ? n : WIDE_LANES, i += WIDE_LANES)

INLINE wide wmul(wide a, wide b)
{
    for (int k = 0; k < WIDE; k++)
        a.v[k] *= b.v[k];
    return a;
}

INLINE void wput(real *p, size_t n, wide a)
{
    for (int k = 0; k < WIDE; k++) {
        const size_t before = (size_t)k * LANES;
        if (n > before)
            vstore_pad(p + before, n - before, a.v[k]);
    }
}

/* Two passes: one pass would lose the digits where |mean| >> deviation. The tail is padded with the mean: it adds
 * zeros. */
static void row_moments(const lami_args *restrict args, lami_tile t, void *work)
{
    (void)work;
    for (size_t r = t.r0; r < t.r1; r++) {
        const real *x = IN(0) + r * args->cols;
        wide sum = wset(0), squares = wset(0);
        ALONG (args->cols)
            sum = wadd(sum, wload_pad(x + i, n, 0));
        const real mean = wsum(sum) / (real)args->cols;
        ALONG (args->cols) {
            const wide d = wsub(wload_pad(x + i, n, mean), wset(mean));
            squares = wfma(d, d, squares);
        }
        OUT(0)[r] = mean;
        OUT(1)[r] = (vset(1) / vsqrt(vset(wsum(squares) / (real)args->cols) + vset((real)args->c[0])))[0];
    }
}

/* dx = rstd * (g - avg(g) - xhat * avg(g * xhat)), g = dy * gamma */
static void row_norm_grad(const lami_args *restrict args, lami_tile t, void *work)
{
    (void)work;
    const real share = (real)(1.0 / (double)args->cols);
    for (size_t r = t.r0; r < t.r1; r++) {
        const real *dy = IN(0) + r * args->cols, *x = IN(1) + r * args->cols, *gamma = IN(4);
        const real mean = IN(2)[r];
        const wide rstd = wset(IN(3)[r]);
        wide sum = wset(0), dot = wset(0);
        ALONG (args->cols) {
            const wide g = wmul(wload_pad(dy + i, n, 0), wload_pad(gamma + i, n, 0));
            const wide xhat = wmul(wsub(wload_pad(x + i, n, mean), wset(mean)), rstd);
            sum = wadd(sum, g);
            dot = wfma(g, xhat, dot);
        }
        const wide avg = wset(wsum(sum) * share), slope = wset(-(wsum(dot) * share));
        ALONG (args->cols) {
            const wide g = wmul(wload_pad(dy + i, n, 0), wload_pad(gamma + i, n, 0));
            const wide xhat = wmul(wsub(wload_pad(x + i, n, mean), wset(mean)), rstd);
            wput(OUT(0) + r * args->cols + i, n, wmul(rstd, wfma(xhat, slope, wsub(g, avg))));
        }
    }
}

/* The mean of x - base along a row. */
INLINE real mean_above(const real *x, size_t cols, real base)
{
    wide sum = wset(0);
    ALONG (cols)
        sum = wadd(sum, wsub(wload_pad(x + i, n, base), wset(base)));
    return wsum(sum) / (real)cols;
}

/* loss = log(sum exp(x - max)) - (x[label] - max);  dx = (softmax(x) - 1 at the label) / batch
 * With smoothing s, where 1 - s of the target is at the label and s / D everywhere: (1 - s) (x[label] - max) + s mean(x
 * - max) in place of x[label] - max, and the target in place of 1. Source: Szegedy et al. 2015, arXiv:1512.00567. */
static void softmax_loss(const lami_args *restrict args, lami_tile t, void *work)
{
    (void)work;
    const real share = (real)(1.0 / args->vars->batch), lowest = (real)-__builtin_inf();
    const double smoothing = args->c[0];
    const real own = (real)(1 - smoothing), all = (real)(smoothing / (double)args->cols);
    for (size_t r = t.r0; r < t.r1; r++) {
        const real *x = IN(0) + r * args->cols;
        real *dx = args->out[1] ? OUT(1) + r * args->cols : NULL;
        const size_t label = (size_t)((const int32_t *)args->in[1])[r];
        wide top = wset(lowest), sum = wset(0);
        ALONG (args->cols)
            top = wmax(top, wload_pad(x + i, n, lowest));
        const real max = wlargest(top);
        const real at_label = x[label];
        ALONG (args->cols) {
            wide e = wsub(wload_pad(x + i, n, lowest), wset(max));
            for (int k = 0; k < WIDE; k++)
                e.v[k] = m_exp(e.v[k]);
            sum = wadd(sum, e);
            if (dx)
                wput(dx + i, n, e);
        }
        const real total = wsum(sum);
        real target = at_label - max; /* sum of the target times x - max */
        if (smoothing > 0)
            target = own * target + (real)smoothing * mean_above(x, args->cols, max);
        OUT(0)[r] = m_log(vset(total))[0] - target;
        if (!dx)
            continue;
        ALONG (args->cols) {
            wide e = wload_pad(dx + i, n, 0);
            for (int k = 0; k < WIDE; k++)
                e.v[k] = e.v[k] / vset(total) - vset(all);
            if (label - i < (size_t)WIDE_LANES)
                e.v[(label - i) / LANES][(label - i) % LANES] -= own;
            wput(dx + i, n, wmul(e, wset(share)));
        }
    }
}

/* loss = sum over j != label of max(0, x[j] - x[label] + 1);  dx[j] = 1 / batch where that is positive, dx[label] minus
 * their number / batch. Source: Weston, Watkins 1999; CS231n. */
static void svm_loss(const lami_args *restrict args, lami_tile t, void *work)
{
    (void)work;
    const real share = (real)(1.0 / args->vars->batch);
    for (size_t r = t.r0; r < t.r1; r++) {
        const real *x = IN(0) + r * args->cols;
        real *dx = args->out[1] ? OUT(1) + r * args->cols : NULL;
        const size_t label = (size_t)((const int32_t *)args->in[1])[r];
        const real own = x[label];
        wide sum = wset(0), count = wset(0);
        ALONG (args->cols) {
            wide margin = wload_pad(x + i, n, (real)-__builtin_inf()), hit;
            if (label - i < (size_t)WIDE_LANES)
                margin.v[(label - i) / LANES][(label - i) % LANES] = (real)-__builtin_inf();
            for (int k = 0; k < WIDE; k++) {
                margin.v[k] = vmax(margin.v[k] - vset(own) + vset(1), vset(0));
                hit.v[k] = vsel(margin.v[k] > vset(0), vset(1), vset(0));
            }
            sum = wadd(sum, margin);
            count = wadd(count, hit);
            if (dx)
                wput(dx + i, n, wmul(hit, wset(share)));
        }
        OUT(0)[r] = wsum(sum);
        if (dx)
            dx[label] = -(wsum(count) * share);
    }
}

/* loss = mean of (x - t)^2 along the row;  dx = 2 (x - t) / (D batch) */
static void mse_loss(const lami_args *restrict args, lami_tile t, void *work)
{
    (void)work;
    const wide share = wset((real)(2.0 / ((double)args->cols * args->vars->batch)));
    for (size_t r = t.r0; r < t.r1; r++) {
        const real *x = IN(0) + r * args->cols, *target = IN(1) + r * args->cols;
        wide sum = wset(0);
        ALONG (args->cols) {
            const wide d = wsub(wload_pad(x + i, n, 0), wload_pad(target + i, n, 0));
            sum = wfma(d, d, sum);
            if (args->out[1])
                wput(OUT(1) + r * args->cols + i, n, wmul(d, share));
        }
        OUT(0)[r] = wsum(sum) / (real)args->cols;
    }
}

/* loss = mean of log(1 + exp(-|x|)) + max(x, 0) - x t along the row;  dx = (sigmoid(x) - t) / (D batch). The tail is
 * padded with a score so low that its loss is 0. */
static void logistic_loss(const lami_args *restrict args, lami_tile t, void *work)
{
    (void)work;
    const wide share = wset((real)(1.0 / ((double)args->cols * args->vars->batch)));
    for (size_t r = t.r0; r < t.r1; r++) {
        const real *scores = IN(0) + r * args->cols, *targets = IN(1) + r * args->cols;
        wide sum = wset(0);
        ALONG (args->cols) {
            const wide x = wload_pad(scores + i, n, (real)-1e30), target = wload_pad(targets + i, n, 0);
            wide loss, d;
            for (int k = 0; k < WIDE; k++) {
                loss.v[k] = m_log1p(m_exp(-vabs(x.v[k]))) + vfma(-x.v[k], target.v[k], vmax(x.v[k], vset(0)));
                d.v[k] = m_sigmoid(x.v[k]) - target.v[k];
            }
            sum = wadd(sum, loss);
            if (args->out[1])
                wput(OUT(1) + r * args->cols + i, n, wmul(d, share));
        }
        OUT(0)[r] = wsum(sum) / (real)args->cols;
    }
}
