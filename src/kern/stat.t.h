/* stat: column statistics over samples or pixels. A chunk of args->chunk rows is summed with its rows in order; the
 * chunks are added as a fixed binary tree (the binary counter of gemm.t.h). Several columns' accumulators stay in
 * registers. */

enum { SPAN = 4 }; /* vectors of columns at once */

/* For the chunks of a tile and its columns, SPAN vectors at a time: p is the chunk's number, rows begin .. end, c the
 * first column, n the columns left. */
#define EACH_CHUNK(args, t)                                                                        \
    for (size_t p = (t).r0 / (args)->chunk, begin = (t).r0, end; begin < (t).r1; begin = end, p++) \
        if (end = begin + (args)->chunk < (t).r1 ? begin + (args)->chunk : (t).r1, 1)              \
            for (size_t c = (t).c0, n = (t).c1 - (t).c0; n; n -= n < SPAN * LANES ? n : SPAN * LANES, c += SPAN * LANES)

INLINE size_t left(size_t n, int j)
{
    const size_t before = (size_t)j * LANES;
    return n > before ? n - before : 0;
}

/* Two passes over what is left after the chunk's first row is taken off: where |mean| >> deviation that difference is
 * exact, and neither the one-pass formula's cancellation nor the rounding of a large mean costs digits. */
static void stat_moments(const lami_args *restrict args, lami_tile t, void *work)
{
    (void)work;
    const size_t cols = args->cols;
    EACH_CHUNK (args, t) {
        vec shift[SPAN], mean[SPAN], m2[SPAN];
        UNROLL
        for (int j = 0; j < SPAN; j++) {
            shift[j] = mean[j] = m2[j] = vset(0);
            if (left(n, j))
                shift[j] = at(IN(0), begin * cols + c + (size_t)j * LANES, left(n, j));
        }
        for (size_t r = begin; r < end; r++) {
            UNROLL
            for (int j = 0; j < SPAN; j++)
                if (left(n, j))
                    mean[j] += at(IN(0), r * cols + c + (size_t)j * LANES, left(n, j)) - shift[j];
        }
        UNROLL
        for (int j = 0; j < SPAN; j++)
            mean[j] /= vset((real)(end - begin));
        for (size_t r = begin; r < end; r++) {
            UNROLL
            for (int j = 0; j < SPAN; j++)
                if (left(n, j)) {
                    const vec d = at(IN(0), r * cols + c + (size_t)j * LANES, left(n, j)) - shift[j] - mean[j];
                    m2[j] = vfma(d, d, m2[j]);
                }
        }
        UNROLL
        for (int j = 0; j < SPAN; j++)
            if (left(n, j)) {
                const size_t i = p * cols + c + (size_t)j * LANES;
                put(OUT(0), i, left(n, j), shift[j]);
                put(OUT(1), i, left(n, j), mean[j]);
                put(OUT(2), i, left(n, j), m2[j]);
            }
    }
}

/* sum_of: what becomes of sum[j] with the next element x. */
#define STAT_OF_ONE(name, sum_of)                                                              \
    static void name(const lami_args *restrict args, lami_tile t, void *work)                  \
    {                                                                                          \
        (void)work;                                                                            \
        const size_t cols = args->cols;                                                        \
        EACH_CHUNK (args, t) {                                                                 \
            vec sum[SPAN];                                                                     \
            UNROLL                                                                             \
            for (int j = 0; j < SPAN; j++)                                                     \
                sum[j] = vset(0);                                                              \
            for (size_t r = begin; r < end; r++) {                                             \
                UNROLL                                                                         \
                for (int j = 0; j < SPAN; j++)                                                 \
                    if (left(n, j)) {                                                          \
                        const vec x = at(IN(0), r * cols + c + (size_t)j * LANES, left(n, j)); \
                        sum[j] = sum_of;                                                       \
                    }                                                                          \
            }                                                                                  \
            UNROLL                                                                             \
            for (int j = 0; j < SPAN; j++)                                                     \
                if (left(n, j))                                                                \
                    put(OUT(0), p *cols + c + (size_t)j * LANES, left(n, j), sum[j]);          \
        }                                                                                      \
    }

STAT_OF_ONE(stat_sum, sum[j] + x)
STAT_OF_ONE(stat_sumsq, vfma(x, x, sum[j]))

/* Sums of dy * xhat and dy. */
INLINE void stat_norm(const lami_args *restrict args, lami_tile t, const int by_rows)
{
    const size_t cols = args->cols;
    EACH_CHUNK (args, t) {
        vec a[SPAN], b[SPAN];
        UNROLL
        for (int j = 0; j < SPAN; j++)
            a[j] = b[j] = vset(0);
        for (size_t r = begin; r < end; r++) {
            UNROLL
            for (int j = 0; j < SPAN; j++)
                if (left(n, j)) {
                    const size_t column = c + (size_t)j * LANES, i = r * cols + column, m = left(n, j);
                    const vec dy = at(IN(0), i, m);
                    const vec mean = by_rows ? vset(IN(2)[r]) : at(IN(2), column, m);
                    const vec rstd = by_rows ? vset(IN(3)[r]) : at(IN(3), column, m);
                    a[j] = vfma(dy, (at(IN(1), i, m) - mean) * rstd, a[j]);
                    b[j] += dy;
                }
        }
        UNROLL
        for (int j = 0; j < SPAN; j++)
            if (left(n, j)) {
                put(OUT(0), p * cols + c + (size_t)j * LANES, left(n, j), a[j]);
                put(OUT(1), p * cols + c + (size_t)j * LANES, left(n, j), b[j]);
            }
    }
}

static void stat_norm_cols(const lami_args *restrict args, lami_tile t, void *work)
{
    (void)work;
    stat_norm(args, t, 0);
}

static void stat_norm_rows(const lami_args *restrict args, lami_tile t, void *work)
{
    (void)work;
    stat_norm(args, t, 1);
}

/* ---- trees over chunks ---- */

enum { TREE_LEVELS = 64 };

/* The chunks of one vector of columns added up. */
INLINE vec tree_of(const real *part, size_t chunks, size_t cols, size_t c, size_t n)
{
    vec level[TREE_LEVELS];
    for (size_t p = 0; p < chunks; p++) {
        vec sum = at(part, p * cols + c, n);
        int l = 0;
        for (; p >> l & 1; l++)
            sum = level[l] + sum;
        level[l] = sum;
    }
    int l = 0;
    while (!(chunks >> l & 1))
        l++;
    vec sum = level[l];
    for (l++; chunks >> l; l++)
        if (chunks >> l & 1)
            sum = level[l] + sum;
    return sum;
}

static size_t chunks_of(const lami_args *args)
{
    return (args->depth + args->chunk - 1) / args->chunk;
}

static void tree_sum(const lami_args *restrict args, lami_tile t, void *work)
{
    (void)work;
    for (int k = 0; k < 2 && args->out[k]; k++)
        EACH (args, t)
            put(OUT(k), i, n, tree_of(IN(k), chunks_of(args), args->rows * args->cols, i, n));
}

typedef struct {
    vec shift, mean, m2; /* the mean is shift + mean */
    size_t count;
} moments;

/* Chan, Golub, LeVeque 1979, eq. 2.1 */
INLINE moments merged(moments a, moments b)
{
    const size_t count = a.count + b.count;
    const vec share = vset((real)((double)b.count / (double)count)), delta = (b.shift - a.shift) + (b.mean - a.mean);
    return (moments) { a.shift, vfma(delta, share, a.mean),
                       vfma(delta * delta, vset((real)a.count) * share, a.m2 + b.m2), count };
}

static void tree_moments(const lami_args *restrict args, lami_tile t, void *work)
{
    (void)work;
    const size_t chunks = chunks_of(args), cols = args->cols;
    EACH (args, t) {
        moments level[TREE_LEVELS];
        for (size_t p = 0; p < chunks; p++) {
            const size_t rest = args->depth - p * args->chunk;
            moments m = { at(IN(0), p * cols + i, n), at(IN(1), p * cols + i, n), at(IN(2), p * cols + i, n),
                          rest < args->chunk ? rest : args->chunk };
            int l = 0;
            for (; p >> l & 1; l++)
                m = merged(level[l], m);
            level[l] = m;
        }
        int l = 0;
        while (!(chunks >> l & 1))
            l++;
        moments m = level[l];
        for (l++; chunks >> l; l++)
            if (chunks >> l & 1)
                m = merged(level[l], m);
        const vec var = m.m2 / vset((real)args->depth);
        put(OUT(0), i, n, m.shift + m.mean);
        put(OUT(1), i, n, var);
        put(OUT(2), i, n, vset(1) / vsqrt(var + vset((real)args->c[0])));
    }
}
