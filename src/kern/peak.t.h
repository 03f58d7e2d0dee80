/* peak: what this machine can do at most: independent chains of fused multiply-adds, as many as hide their latency, and
 * streams through memory. */

enum { PEAK_CHAINS = 12 };

/* Runs `turns` turns; the result keeps the compiler from leaving them out. *flops: arithmetic of a turn. */
static double peak(size_t turns, double *flops)
{
    vec a[PEAK_CHAINS], sum = vset(0);
    const vec x = vset((real)0.999), y = vset((real)0.001);
    UNROLL
    for (int i = 0; i < PEAK_CHAINS; i++)
        a[i] = vset((real)i);
    for (size_t t = 0; t < turns; t++) {
        UNROLL
        for (int i = 0; i < PEAK_CHAINS; i++)
            a[i] = vfma(a[i], x, y);
    }
    UNROLL
    for (int i = 0; i < PEAK_CHAINS; i++)
        sum += a[i];
    *flops = 2.0 * PEAK_CHAINS * LANES;
    return (double)sum[0];
}

enum { STREAM_VECS = 8 }; /* at once: no chain of additions is waited for */

INLINE double stream_of(lami_stream kind, real *to, const real *from, size_t count, size_t turns)
{
    vec sum[STREAM_VECS], all = vset(0);
    const vec one = vset(1);
    UNROLL
    for (int k = 0; k < STREAM_VECS; k++)
        sum[k] = all;
    for (size_t t = 0; t < turns; t++) {
        for (size_t i = 0; i < count; i += STREAM_VECS * LANES) {
            UNROLL
            for (int k = 0; k < STREAM_VECS; k++) {
                const size_t at = i + (size_t)k * LANES;
                if (kind == LAMI_STREAM_READ)
                    sum[k] += vload(from + at);
                else
                    vstore(to + at, kind == LAMI_STREAM_WRITE ? one : vload(from + at) * one);
            }
        }
        __asm__ volatile("" ::: "memory"); /* each turn anew */
    }
    UNROLL
    for (int k = 0; k < STREAM_VECS; k++)
        all += sum[k];
    return (double)all[0];
}

/* `turns` times: read b, write a, or copy b to a, `count` numbers each, a multiple of 512 bytes. A copy multiplies, or the
 * compiler would call the C library's, which goes around the caches. The result keeps the compiler from leaving it out. */
static double stream(lami_stream kind, void *a, const void *b, size_t count, size_t turns)
{
    if (kind == LAMI_STREAM_READ)
        return stream_of(LAMI_STREAM_READ, a, b, count, turns);
    if (kind == LAMI_STREAM_WRITE)
        return stream_of(LAMI_STREAM_WRITE, a, b, count, turns);
    return stream_of(LAMI_STREAM_COPY, a, b, count, turns);
}
