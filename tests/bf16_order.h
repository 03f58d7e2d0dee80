/* bf16_order: sums of products of bf16, a term at a time and as docs/numerics.md has them: in doubles, with the C library, so
 * that nothing is shared with src/kern. */
#ifndef LAMI_BF16_ORDER_H
#define LAMI_BF16_ORDER_H

#include <math.h>
#include <stddef.h>

/* To 8 binary digits, ties to even; subnormals to a zero of their sign. */
static inline float bf16_round(float x)
{
    int exponent;
    if (!isfinite(x))
        return x;
    if (fabsf(x) < 0x1p-126f)
        return copysignf(0, x);
    (void)frexp(x, &exponent);
    const double unit = ldexp(1, exponent - 8);
    return (float)(nearbyint(x / unit) * unit);
}

/* A result is too small where, with exponents that have no end, it would be rounded to less than 2^-126. Near that bound the
 * sum is exact in double: its terms reach from 2^-125 to 2^-167. */
static inline float bf16_add(float sum, float a, float b)
{
    const double exact = (double)a * (double)b + (double)sum;
    return fabs(exact) < 0x1p-126 - 0x1p-151 ? (float)copysign(0, exact) : fmaf(a, b, sum);
}

/* The sum of two sums. */
static inline float bf16_join(float a, float b)
{
    const float sum = a + b;
    return fabsf(sum) < 0x1p-126f ? copysignf(0, sum) : sum;
}

/* n terms a[k * a_step] b[k * b_step], pair by pair, the second of a pair first; from `sum` on. */
static inline float bf16_pairs(float sum, const float *a, size_t a_step, const float *b, size_t b_step, size_t n)
{
    for (size_t k = 0; k < n; k += 2) {
        const size_t i = k + 1;
        sum = i < n ? bf16_add(sum, bf16_round(a[i * a_step]), bf16_round(b[i * b_step])) : bf16_add(sum, 0, 0);
        sum = bf16_add(sum, bf16_round(a[k * a_step]), bf16_round(b[k * b_step]));
    }
    return sum;
}

/* The same in blocks of 256 from +0, the blocks as a binary counter. */
static inline float bf16_sum(const float *a, size_t a_step, const float *b, size_t b_step, size_t n)
{
    float level[64];
    size_t blocks = 0, l;
    for (size_t k = 0; k < n; k += 256, blocks++) {
        float sum = bf16_pairs(0, a + k * a_step, a_step, b + k * b_step, b_step, n - k < 256 ? n - k : 256);
        for (l = 0; blocks >> l & 1; l++)
            sum = bf16_join(level[l], sum);
        level[l] = sum;
    }
    for (l = 0; !(blocks >> l & 1); l++) {
    }
    float sum = level[l];
    for (l++; blocks >> l; l++)
        if (blocks >> l & 1)
            sum = bf16_join(level[l], sum);
    return sum;
}

#endif
