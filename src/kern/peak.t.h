/* peak: independent chains of fused multiply-adds, as many as hide their latency: what this machine can do at most. */

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
