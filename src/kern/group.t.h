/* group: normalisation over the pixels of a sample and groups of its channels. What belongs to a sample and a group, its
 * mean say, is kept once for each of the group's channels, (N, C), so that vectors run along the channels whatever the
 * groups are. Sums: per channel over the pixels in order, then over the group's channels in order. */

/* sums (C) become, for each channel, the sum of its group; first .. last whole groups. */
static void add_groups(real *sums, size_t first, size_t last, size_t size)
{
    for (size_t g = first; g < last; g += size) {
        real sum = 0;
        for (size_t c = g; c < g + size; c++)
            sum += sums[c];
        for (size_t c = g; c < g + size; c++)
            sums[c] = sum;
    }
}

/* The pixels of a sample are `depth`. About the group's first element: where |mean| >> deviation that difference is exact. */
static void group_moments(const lami_args *restrict args, lami_tile t, void *work)
{
    const size_t cols = args->cols, size = cols / args->window->groups;
    const size_t first = t.c0 / size * size, last = (t.c1 + size - 1) / size * size;
    const real count = (real)(size * args->depth);
    real *sum = work, *mean = sum + cols;
    for (size_t n = t.r0; n < t.r1; n++) {
        for (size_t c = first; c < last; c++)
            mean[c] = IN(0)[n * args->depth * cols + c / size * size];
        for (size_t c = first; c < last; c += LANES) {
            const vec base = at(mean, c, last - c);
            vec s = vset(0);
            for (size_t k = 0, i = n * args->depth * cols + c; k < args->depth; k++, i += cols)
                s += at(IN(0), i, last - c) - base;
            put(sum, c, last - c, s);
        }
        add_groups(sum, first, last, size);
        for (size_t c = first; c < last; c++)
            mean[c] += sum[c] / count;
        for (size_t c = first; c < last; c += LANES) {
            const vec centre = at(mean, c, last - c);
            vec s = vset(0);
            for (size_t k = 0, i = n * args->depth * cols + c; k < args->depth; k++, i += cols) {
                const vec d = at(IN(0), i, last - c) - centre;
                s = vfma(d, d, s);
            }
            put(sum, c, last - c, s);
        }
        add_groups(sum, first, last, size);
        for (size_t c = t.c0; c < t.c1; c += LANES) {
            const vec var = at(sum, c, t.c1 - c) / vset(count);
            put(OUT(0), n * cols + c, t.c1 - c, at(mean, c, t.c1 - c));
            put(OUT(1), n * cols + c, t.c1 - c, vset(1) / vsqrt(var + vset((real)args->c[0])));
        }
    }
}

/* The elements of a tile of pixels, LANES at a time: i the index into the array, m that into the arrays (N, C), c the
 * channel, left how many are left. */
#define EACH_PIXEL(args, t)                                                                                       \
    for (size_t r = (t).r0, in_sample = r % (args)->depth, sample = r / (args)->depth; r < (t).r1;                \
         r++, in_sample = in_sample + 1 < (args)->depth ? in_sample + 1 : 0, sample += !in_sample)                \
        for (size_t c = (t).c0, i = r * (args)->cols + c, m = sample * (args)->cols + c, rest = (t).c1 - c; rest; \
             rest -= rest < LANES ? rest : LANES, c += LANES, i += LANES, m += LANES)

static void norm_groups(const lami_args *restrict args, lami_tile t, void *work)
{
    (void)work;
    EACH_PIXEL(args, t)
    {
        const vec xhat = (at(IN(0), i, rest) - at(IN(1), m, rest)) * at(IN(2), m, rest);
        put(OUT(0), i, rest, vfma(xhat, at(IN(3), c, rest), at(IN(4), c, rest)));
    }
}

/* Sums over a sample's pixels of dy * xhat and of dy. */
static void group_sums(const lami_args *restrict args, lami_tile t, void *work)
{
    (void)work;
    const size_t cols = args->cols;
    for (size_t n = t.r0; n < t.r1; n++)
        for (size_t c = t.c0, rest; c < t.c1; c += LANES) {
            rest = t.c1 - c;
            const vec mean = at(IN(2), n * cols + c, rest), rstd = at(IN(3), n * cols + c, rest);
            vec a = vset(0), b = vset(0);
            for (size_t k = 0, i = n * args->depth * cols + c; k < args->depth; k++, i += cols) {
                const vec dy = at(IN(0), i, rest);
                a = vfma(dy, (at(IN(1), i, rest) - mean) * rstd, a);
                b += dy;
            }
            put(OUT(0), n * cols + c, rest, a);
            put(OUT(1), n * cols + c, rest, b);
        }
}

/* Means over a sample's groups of gamma dy xhat and gamma dy, from those sums. */
static void group_means(const lami_args *restrict args, lami_tile t, void *work)
{
    const size_t cols = args->cols, size = cols / args->window->groups;
    const size_t first = t.c0 / size * size, last = (t.c1 + size - 1) / size * size;
    const real share = (real)(1.0 / (double)(size * args->depth));
    real *sum = work;
    for (size_t n = t.r0; n < t.r1; n++)
        for (int k = 0; k < 2; k++) {
            for (size_t c = first; c < last; c++)
                sum[c] = IN(2)[c] * IN(k)[n * cols + c];
            add_groups(sum, first, last, size);
            for (size_t c = t.c0; c < t.c1; c++)
                OUT(k)[n * cols + c] = sum[c] * share;
        }
}

/* dx = rstd * (g - avg(g) - xhat * avg(g * xhat)), g = dy * gamma */
static void norm_groups_grad(const lami_args *restrict args, lami_tile t, void *work)
{
    (void)work;
    EACH_PIXEL(args, t)
    {
        const vec rstd = at(IN(3), m, rest), xhat = (at(IN(1), i, rest) - at(IN(2), m, rest)) * rstd;
        const vec g = at(IN(0), i, rest) * at(IN(4), c, rest);
        put(OUT(0), i, rest, rstd * vfma(-xhat, at(IN(5), m, rest), g - at(IN(6), m, rest)));
    }
}
