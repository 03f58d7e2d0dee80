/* math: exp, log, tanh, erf, sin, cos and pow on vectors, float or double, the same bits whatever the vector: only
 * + - * /, written-out fma, integers, compares and selects. No branches: each lane of a vector may need another case.
 *
 * Measured error in ulp, on all floats (tests/test_math.c) and on samples of doubles:
 *            exp    log    tanh   erf    sin    cos    pow
 *   float    0.77   0.68   1.00   1.17   0.72   0.72   0.77 (samples)
 *   double   0.77   0.63   1.01   1.15   0.73   0.72   0.79
 * and on samples of both expm1 0.83, log1p 1.11, sigmoid 1.91, normal_ratio 5.2.
 * exp where the result is subnormal (rounded twice), else below 0.7; sin and cos for |x| <= 1e5.
 *
 * Coefficients: minimax polynomials for the relative error of the result (Remez in 60 digits), rounded one after the
 * other from the lowest power up, those above fitted anew where that makes up for it. Each table says its range and its
 * error as rounded. Where a sum would round twice near the result's last bit, its rounding error is carried along. */
#ifndef LAMI_MATH_T_H
#define LAMI_MATH_T_H

#include "../kern/vec.h"

#if LAMI_BITS == 64
#define PICK(f32, f64) f64
#else
#define PICK(f32, f64) f32
#endif
#define VC(f32, f64) vset((real)PICK(f32, f64))

enum { FRACTION = PICK(23, 52), BIAS = PICK(127, 1023) };
#define INF          vset((real)__builtin_inf())
#define NOT_A_NUMBER vset((real)__builtin_nan(""))

/* ln 2 = LN2_HI + LN2_LO, and LN2_HI times an exponent is exact. */
#define LN2_HI VC(0x1.62e4p-1, 0x1.62e42fefa4p-1)
#define LN2_LO VC(0x1.7f7d1cp-20, -0x1.8432a1b0e2634p-43)

/* A number as a sum of two, the second below half an ulp or so of the first. */
typedef struct {
    vec hi, lo;
} pair;

/* a + b without error, where |a| >= |b| or a = 0. */
INLINE pair pair_sum(vec a, vec b)
{
    const vec hi = a + b;
    return (pair) { hi, (a - hi) + b };
}

INLINE pair pair_product(vec a, vec b)
{
    const vec hi = a * b;
    return (pair) { hi, vfma(a, b, -hi) };
}

/* a + b + c rounded almost once, where |a| >= |b| >= |c| or a = 0. */
INLINE vec sum_of_three(vec a, vec b, vec c)
{
    const pair ab = pair_sum(a, b);
    return ab.hi + (ab.lo + c);
}

/* c[0] + c[1] x + c[2] x^2 + ... by Horner's rule. */
INLINE vec horner(vec x, const real *c, int terms)
{
    vec sum = vset(c[terms - 1]);
#pragma GCC unroll 32
    for (int i = terms - 2; i >= 0; i--)
        sum = vfma(sum, x, vset(c[i]));
    return sum;
}
#define HORNER(x, c) horner(x, c, (int)(sizeof(c) / sizeof((c)[0])))

/* |a| with the sign of b. */
INLINE vec with_sign(vec a, vec b)
{
    const uvec sign = (uvec)vset((real)-0.0);
    return (vec)(((uvec)a & ~sign) | ((uvec)b & sign));
}

/* 2^n for -BIAS < n <= BIAS. */
INLINE vec power_of_two(uvec n)
{
    return (vec)((n + (real_uint)BIAS) << FRACTION);
}

/* ---- exp: x + low = n ln 2 + r + low',  e^(r + low') - 1 = r + (low' + r^2 q(r)),  |r| <= ln 2 / 2 ---- */

typedef struct {
    vec whole, r, tail; /* n; r; low' + r^2 q(r) */
} exp_parts;

INLINE exp_parts exp_reduce(vec x, vec low)
{
    /* (e^r - 1 - r) / r^2 on |r| <= ln 2 / 2; e^r - 1 to 2^-31 in float, 2^-58 in double. */
    /* clang-format off */
    static const real q[] = {
#if LAMI_BITS == 64
        0x1.0000000000001p-1, 0x1.5555555555557p-3, 0x1.5555555554afbp-5, 0x1.111111110fd7ep-7, 0x1.6c16c16fd60b2p-10,
        0x1.a01a01adbce68p-13, 0x1.a019efec717f6p-16, 0x1.71ddfc68b8edfp-19, 0x1.28098512172cfp-22,
        0x1.af59e5502799ep-26, 0x1.d0a1aaccf2e6p-30
#else
        0x1p-1, 0x1.555554p-3, 0x1.5554eap-5, 0x1.1113acp-7, 0x1.6d4c98p-10, 0x1.9c5d8ap-13
#endif
    };
    /* clang-format on */
    const vec n = vround(x * VC(0x1.715476p+0, 0x1.71547652b82fep+0));
    const vec hi = vfma(n, -LN2_HI, x); /* exact */
    const pair r = pair_sum(hi, vfma(n, -LN2_LO, low));
    return (exp_parts) { n, r.hi, vfma(r.hi * r.hi, HORNER(r.hi, q), r.lo) };
}

/* e^(x + low), low of the size of x's rounding error. The power of two is multiplied in as two halves, so that the
 * result may overflow, or become subnormal in one rounding. The limits are just past where it is 0 and infinite. */
INLINE vec exp_sum(vec x, vec low)
{
    const exp_parts e = exp_reduce(vmin(vmax(x, VC(-104, -746)), VC(89, 710)), low);
    const vec p = sum_of_three(vset(1), e.r, e.tail);
    const uvec n = vint(e.whole), half = ((n + (real_uint)2 * BIAS) >> 1) - (real_uint)BIAS; /* n / 2 rounded down */
    return p * power_of_two(half) * power_of_two(n - half);
}

/* e^(x + low) - 1, to the last bit near 0 as well. Of use for -BIAS ln 2 < x < BIAS ln 2. */
INLINE pair expm1_sum(vec x, vec low)
{
    const exp_parts e = exp_reduce(x, low);
    const vec scale = power_of_two(vint(e.whole));
    const pair head = pair_sum(scale - (real)1, e.r * scale);
    return pair_sum(head.hi, vfma(e.tail, scale, head.lo));
}

INLINE vec m_exp(vec x)
{
    return exp_sum(x, vset(0));
}

/* e^x - 1 for x <= 0; from -20 (float), -40 (double) on it is -1. */
INLINE vec m_expm1(vec x)
{
    return with_sign(expm1_sum(vmax(x, VC(-20, -40)), vset(0)).hi, x);
}

/* 1 in two parts: e / (1 + e) and 1 / (1 + e). */
typedef struct {
    vec small, large;
} two_parts;

/* For 0 <= e <= 1. The rounding errors of 1 + e and of the quotient are made up for by one step of Newton's. */
INLINE two_parts parts_of_one(vec e)
{
    const pair d = pair_sum(vset(1), e);
    const vec inverse = (real)1 / d.hi, rest = vfma(-inverse, d.hi, vset(1)) - inverse * d.lo;
    const vec large = vfma(rest, inverse, inverse);
    return (two_parts) { e * large, large };
}

/* 1 / (1 + e^-x), from e^-|x|, which overflows nowhere. */
INLINE vec m_sigmoid(vec x)
{
    const two_parts p = parts_of_one(m_exp(-vabs(x)));
    return vsel(x < (real)0, p.small, p.large);
}

/* tanh |x| = u / d, u = e^(2|x|) - 1, d = u + 2; it is 1 from 10 (float), 20 (double) on. The rounding errors of u, d
 * and the quotient are made up for by one step of Newton's. */
INLINE vec m_tanh(vec x)
{
    const vec a = vmin(vabs(x), VC(10, 20));
    const pair u = expm1_sum(a + a, vset(0));
    const pair d = pair_sum(vset(2), u.hi);
    const vec inverse = (real)1 / d.hi, y = u.hi * inverse;
    const vec rest = vfma(-y, d.hi, u.hi) + vfma(-y, d.lo + u.lo, u.lo);
    return with_sign(vfma(rest, inverse, y), x);
}

/* erf |x| = 1 - e^(-t), t = -log(erfc |x|) = |x| (2/sqrt(pi) + |x| h(|x|)) with a smooth h, so that e^t - 1 does the
 * rest and small x lose nothing. From 4 (float), 6 (double) on it is 1. */
INLINE vec m_erf(vec x)
{
    /* h(x) in powers of x - 2 on [0, 4] in float, of x - 3 on [0, 6] in double; erf to 2^-30 and 2^-60. */
    /* clang-format off */
    static const real h[] = {
#if LAMI_BITS == 64
        0x1.a14af6f4e760fp-1, 0x1.039e0bf6e1d7dp-5, -0x1.5bece6d8686d1p-8, 0x1.b935490d5a418p-11,
        -0x1.fda98f781d5dfp-14, 0x1.f0b9c1fcff9a4p-17, -0x1.35e5d323c2d5ep-20, -0x1.6b2e3ca3f07d4p-24,
        0x1.1ac23094b6762p-24, -0x1.4d9c700231895p-26, 0x1.2641b7e9b499ep-28, -0x1.ad9f987bccbf9p-31,
        0x1.6f80255cd71dp-33, 0x1.3530812c10602p-37, -0x1.517d7da848d1dp-37, -0x1.e72293e028846p-37,
        -0x1.58377d77cde1fp-38, 0x1.9687eddd3bb17p-40, 0x1.c75ede1f93c39p-40, 0x1.038865f50a55fp-41,
        -0x1.0cebc4b85924ep-45, -0x1.f7b875b054e18p-45, -0x1.2969594ee45afp-46, -0x1.4671de6747df3p-49,
        -0x1.1f7cbea05001bp-53
#else
        0x1.8dd8fp-1, 0x1.73e972p-5, -0x1.1ddf96p-7, 0x1.86834cp-10, -0x1.a3f582p-13, 0x1.c675f2p-17, 0x1.575298p-18,
        -0x1.479d9cp-20, 0x1.6566fap-20
#endif
    };
    /* clang-format on */
    const vec a = vmin(vabs(x), VC(4, 6));
    const vec slope = a * HORNER(a - VC(2, 3), h);
    const pair g = pair_sum(VC(0x1.20dd76p+0, 0x1.20dd750429b6dp+0), slope); /* 2/sqrt(pi) */
    const vec g_lo = g.lo + VC(-0x1.f7ac92p-25, 0x1.1ae3a914fed8p-56);       /* and the rest of it */
    const pair t = pair_product(a, g.hi);
    return with_sign(expm1_sum(-t.hi, -vfma(a, g_lo, t.lo)).hi, x);
}

/* What is left of the normal distribution beyond a, divided by e^(-a^2/2), for 0 <= a <= 15 (float), 39 (double): p(u)
 * / (a + 4) with u = (a - 4) / (a + 4). (Mills' ratio / sqrt(2 pi); the form is Shepherd's and Laframboise's of 1981
 * for erfc.) */
INLINE vec normal_ratio(vec a)
{
    /* The ratio times a + 4, to 2^-25.7 in float, 2^-54.9 in double. */
    /* clang-format off */
    static const real p[] = {
#if LAMI_BITS == 64
        0x1.82b4bb8c94dcep-1, -0x1.373e3a893c28ap-1, 0x1.8c6dbf2cfc281p-2, -0x1.7dff2bff683a3p-3, 0x1.eec4cc3e50c46p-5,
        -0x1.ee2761047fcd5p-8, -0x1.c81719d907ef5p-9, 0x1.ab825fc12b019p-10, 0x1.17a4b05a37d9ap-13,
        -0x1.e4a4256298bbbp-13, -0x1.002161eefc15cp-19, 0x1.26d094ef975efp-15, 0x1.80debaff0345ep-21,
        -0x1.8d4a22dfe361fp-18, -0x1.525154d6db12fp-21, 0x1.12287069361fep-20, 0x1.24955b83c47f1p-22,
        -0x1.4bfab8809801dp-23, -0x1.7187126f8205dp-24, 0x1.bb849e1a28032p-27, 0x1.56b94d29871ebp-26,
        0x1.247e060ac036ep-29, -0x1.64f54d9958f4bp-29, -0x1.ab4b8b0e10a33p-31
#else
        0x1.82b4bcp-1, -0x1.373e3ap-1, 0x1.8c6d9cp-2, -0x1.7dff56p-3, 0x1.eed094p-5, -0x1.edf2eep-8, -0x1.cb4e18p-9,
        0x1.a72e92p-10, 0x1.7960d2p-13, -0x1.91ade6p-13, -0x1.150308p-15
#endif
    };
    /* clang-format on */
    const vec inverse = (real)1 / (a + (real)4);
    return HORNER((a - (real)4) * inverse, p) * inverse;
}

/* ---- log: x = 2^k m, sqrt(1/2) <= m < sqrt(2), f = m - 1 (exact) ---- */

typedef struct {
    vec k, m;
} log_parts;

/* Of use for finite x > 0; a subnormal is scaled first. Subtracting the bits of sqrt(1/2) makes m start there. */
INLINE log_parts log_reduce(vec x)
{
    const real_uint sqrt_half = PICK(0x3f3504f3, 0x3fe6a09e667f3bcd);
    const ivec small = x < VC(0x1p-126, 0x1p-1022);
    const uvec bits = (uvec)vsel(small, x * VC(0x1p25, 0x1p54), x) - sqrt_half;
    const uvec exponent = (bits + ((real_uint)BIAS << FRACTION)) >> FRACTION;
    const vec scaled = vsel(small, VC(25, 54), vset(0));
    return (log_parts) { .k = vreal(exponent - (real_uint)BIAS) - scaled,
                         .m = (vec)((bits & (((real_uint)1 << FRACTION) - 1)) + sqrt_half) };
}

/* log x = k ln 2 + f - f^2/2 + f^3 p(f) */
INLINE vec m_log(vec x)
{
    /* (log(1 + f) - f + f^2/2) / f^3 on [sqrt(1/2) - 1, sqrt(2) - 1]; log to 2^-27 in float, 2^-59 in double. */
    /* clang-format off */
    static const real p[] = {
#if LAMI_BITS == 64
        0x1.555555555556bp-2, -0x1.ffffffffffeb1p-3, 0x1.9999999995174p-3, -0x1.555555556abfp-3, 0x1.2492492740036p-3,
        -0x1.fffffff2f96b6p-4, 0x1.c71c703902133p-4, -0x1.99999ad662ed1p-4, 0x1.745d57dde7f04p-4,
        -0x1.55556fe920a48p-4, 0x1.3b0d8139d7644p-4, -0x1.2489c173d6761p-4, 0x1.116a2a91c4822p-4,
        -0x1.00cb51bf30894p-4, 0x1.dc8b9566c78fep-5, -0x1.b48602ae91d96p-5, 0x1.bc0d5b2c6110cp-5,
        -0x1.00f3633cda521p-4, 0x1.d1a7a887b8d97p-5, -0x1.8c39c77d9c803p-6
#else
        0x1.555554p-2, -0x1.000228p-2, 0x1.99a036p-3, -0x1.5471fcp-3, 0x1.22d5b6p-3, -0x1.0d850ep-3, 0x1.057eeep-3,
        -0x1.39127ep-4
#endif
    };
    /* clang-format on */
    const log_parts a = log_reduce(x);
    const vec f = a.m - (real)1;
    const pair square = pair_product(f * (real)0.5, f);
    const pair head = pair_sum(f, -square.hi);
    const vec tail = vfma(f * f * f, HORNER(f, p), vfma(a.k, LN2_LO, head.lo - square.lo));
    vec y = sum_of_three(a.k * LN2_HI, head.hi, tail);
    y = vsel(x < INF, y, x); /* infinity and NaN stay */
    y = vsel(x == (real)0, -INF, y);
    return vsel(x < (real)0, NOT_A_NUMBER, y);
}

/* log(1 + x) for 0 <= x <= 1: the logarithm of the rounded sum, and the sum's rounding error. */
INLINE vec m_log1p(vec x)
{
    const pair sum = pair_sum(vset(1), x);
    return m_log(sum.hi) + sum.lo / sum.hi;
}

/* ---- pow: x^y = sign e^(y log |x|), the logarithm in twice the precision ---- */

/* log x = k ln 2 + 2 atanh s, s = f / (2 + f), atanh s = s + s z (1/3 + z p(z)), z = s^2. Of use for finite x > 0. */
INLINE pair log_pair(vec x)
{
    /* (atanh(s) / s - 1 - z/3) / z^2 on z <= (3 - sqrt(8))^2; atanh to 2^-37 in float, 2^-73 in double. */
    /* clang-format off */
    static const real p[] = {
#if LAMI_BITS == 64
        0x1.9999999999996p-3, 0x1.2492492492f51p-3, 0x1.c71c71c5968cp-4, 0x1.745d18295a312p-4, 0x1.3b1364c7d1daap-4,
        0x1.11206f76fb746p-4, 0x1.de3d62c1afebp-5, 0x1.eac6419caf4b4p-5
#else
        0x1.999ap-3, 0x1.24527cp-3, 0x1.dfa264p-4
#endif
    };
    /* clang-format on */
    const log_parts a = log_reduce(x);
    const vec f = a.m - (real)1, d = a.m + (real)1;
    vec s_hi = f / d; /* and the remainder of the division, with the rounding error of d */
    const vec s_lo = (vfma(-s_hi, d, f) - s_hi * (a.m - (d - (real)1))) / d;
    pair z = pair_product(s_hi, s_hi);
    z.lo = vfma(s_hi + s_hi, s_lo, z.lo);
    pair t = pair_sum(VC(0x1.555556p-2, 0x1.5555555555555p-2), z.hi * HORNER(z.hi, p));
    t.lo = t.lo + VC(-0x1.555556p-27, 0x1.5555555555555p-56); /* the rest of 1/3 */
    pair zt = pair_product(z.hi, t.hi);
    zt.lo = vfma(z.hi, t.lo, vfma(z.lo, t.hi, zt.lo));
    pair szt = pair_product(s_hi, zt.hi);
    szt.lo = vfma(s_hi, zt.lo, vfma(s_lo, zt.hi, szt.lo));
    pair half = pair_sum(s_hi, szt.hi); /* of log m */
    half.lo = half.lo + (szt.lo + s_lo);
    pair sum = pair_sum(a.k * LN2_HI, half.hi + half.hi);
    sum.lo = sum.lo + vfma(a.k, LN2_LO, half.lo + half.lo);
    return pair_sum(sum.hi, sum.lo);
}

/* a >= 0 is whole: from 2^FRACTION on each number is, below it adding 2^FRACTION rounds to one. */
INLINE ivec is_whole(vec a)
{
    const vec first = VC(0x1p23, 0x1p52);
    return (a >= first) | ((a + first) - first == a);
}

/* As C99 (F.9.4.4) in all cases. From `large` on |y| saturates each |x| but 1, and would make infinity - infinity. */
INLINE vec m_pow(vec x, vec y)
{
    const vec a = vabs(x), b = vabs(y), large = VC(0x1p34, 0x1p64);
    const pair l = log_pair(a);
    const vec bounded = vmin(vmax(y, -large), large);
    const pair t = pair_product(bounded, l.hi);
    const vec low = vsel(vabs(t.hi) < VC(200, 1500), vfma(bounded, l.lo, t.lo), vset(0));
    vec r = exp_sum(t.hi, low);

    const ivec ends = (a == (real)0) | (a == INF), up = (a == INF) == (y > (real)0);
    r = vsel(ends, vsel(up, INF, vset(0)), r);
    const ivec odd = is_whole(b) & (b < VC(0x1p24, 0x1p53)) & ~is_whole(b * (real)0.5);
    r = vsel(odd, with_sign(r, x), r);
    r = vsel((x < (real)0) & (a < INF) & ~is_whole(b), NOT_A_NUMBER, r);
    r = vsel((x != x) | (y != y), x + y, r);
    return vsel((x == (real)1) | (y == (real)0), vset(1), r);
}

/* ---- sin, cos: x = n pi/2 + r, |r| <= pi/4 ---- */

/* sin(x + shift pi/2). pi/2 is in three parts (Cody and Waite), and the first fma is exact: r + low has twice the
 * digits. Accurate for |x| <= 1e5; far beyond, the result is only deterministic and within [-1, 1]. */
INLINE vec sin_shifted(vec x, real_uint shift)
{
    /* (sin r - r) / r^3 and (cos r - 1 + r^2/2) / r^4 in powers of r^2, |r| <= pi/4 (float: 0.5 % more: the n of a
     * rounded product may not be the nearest); sin to 2^-32 in float, 2^-63 in double, cos to 2^-33 and 2^-64. */
    /* clang-format off */
    static const real sin_poly[] = {
#if LAMI_BITS == 64
        -0x1.5555555555555p-3, 0x1.1111111111069p-7, -0x1.a01a019ffe523p-13, 0x1.71de3a33a5807p-19,
        -0x1.ae642c51b609fp-26, 0x1.6109bd8036113p-33, -0x1.9ffd82a9f3754p-41
#else
        -0x1.555556p-3, 0x1.111174p-7, -0x1.a0591ep-13, 0x1.7c1116p-19
#endif
    };
    static const real cos_poly[] = {
#if LAMI_BITS == 64
        0x1.555555555554bp-5, -0x1.6c16c16c15013p-10, 0x1.a01a019c8ed0ep-16, -0x1.27e4f7f141bd7p-22,
        0x1.1ee9db8ee3849p-29, -0x1.8fa65f0af083ep-37
#else
        0x1.55554ap-5, -0x1.6c0c2p-10, 0x1.99e42cp-16
#endif
    };
    /* clang-format on */
    const vec n = vround(x * VC(0x1.45f306p-1, 0x1.45f306dc9c883p-1)); /* 2 / pi */
    const uvec quadrant = vint(n) + shift;
    const vec first = vfma(n, -VC(0x1.921fb6p+0, 0x1.921fb54442d18p+0), x);
    const pair second = pair_product(n, -VC(-0x1.777a5cp-25, 0x1.1a62633145c07p-54));
    vec r = first + second.hi; /* and its error, whichever is larger (Knuth) */
    const vec part = r - first;
    vec low = ((first - (r - part)) + (second.hi - part)) + second.lo;
    low = vfma(n, -VC(-0x1.ee59dap-50, -0x1.f1976b7ed8fbcp-110), low);
    low = vsel(vabs(r) < VC(0.8, 0.8), low, vset(0));
    r = vmin(vmax(r, VC(-0.8, -0.8)), VC(0.8, 0.8));

    const pair z = pair_product(r, r);
    const pair head = pair_sum(vset(1), z.hi * (real)-0.5);
    const vec sine = r + vfma(r * z.hi, HORNER(z.hi, sin_poly), low * head.hi);
    const vec cos_tail = vfma(z.lo, vset((real)-0.5), vfma(-r, low, head.lo));
    const vec cosine = head.hi + vfma(z.hi * z.hi, HORNER(z.hi, cos_poly), cos_tail);
    const vec y = vsel((ivec)((quadrant & 1) == 0), sine, cosine);
    return (vec)((uvec)y ^ ((quadrant & 2) << (LAMI_BITS - 2)));
}

INLINE vec m_sin(vec x)
{
    return vsel(x == (real)0, x, sin_shifted(x, 0)); /* -0 stays */
}

INLINE vec m_cos(vec x)
{
    return sin_shifted(x, 1);
}

#endif
