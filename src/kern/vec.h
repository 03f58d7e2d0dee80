/* vec: the vector type and its operations; the only file that knows an instruction set. The build sets LAMI_BITS (32,
 * 64) and LAMI_VBYTES, the width of a register in bytes; LAMI_VBYTES equal to LAMI_BITS / 8 makes a "vector" of one
 * element, which is how the scalar functions of core/mathfn.c are made of the same source.
 *
 * Elementwise operators (+ - * / & | ^ < == ...) are the compiler's vector extensions; comparisons give an ivec of 0
 * and -1. Everything is static: an object built for one instruction set must not share code with another
 * (docs/numerics.md).
 *
 * A sum always has 64 / sizeof(real) lanes, held in as many registers as that takes (`wide`), and wsum adds them as a
 * tree: the same bits on each instruction set. */
#ifndef LAMI_VEC_H
#define LAMI_VEC_H

#include <string.h>

#include "../core/real.h"

#ifndef LAMI_VBYTES
#error "LAMI_VBYTES must be set"
#endif

#if (defined(__AVX2__) && defined(__FMA__) && LAMI_VBYTES == 32) || (defined(__AVX512F__) && LAMI_VBYTES == 64)
#include <immintrin.h>
#define HAS_INTEL 1
#elif defined(__ARM_NEON) && defined(__aarch64__) && LAMI_VBYTES == 16
#include <arm_neon.h>
#endif

typedef real vec __attribute__((vector_size(LAMI_VBYTES)));
typedef real_int ivec __attribute__((vector_size(LAMI_VBYTES)));
typedef real_uint uvec __attribute__((vector_size(LAMI_VBYTES)));
typedef real vec_any __attribute__((vector_size(LAMI_VBYTES), aligned(sizeof(real)), may_alias)); /* unaligned */
typedef uint64_t u64vec __attribute__((vector_size(LAMI_VBYTES < 16 ? 16 : LAMI_VBYTES)));

enum {
    LANES = LAMI_VBYTES / (int)sizeof(real),
    WIDE_LANES = 64 / (int)sizeof(real), /* lanes of a sum, whatever the register */
    WIDE = 64 / LAMI_VBYTES,
    U64_LANES = (int)(sizeof(u64vec) / 8)
};

/* Before a loop whose count is a constant: unrolled whole, so that arrays of vectors become registers. */
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

#define INLINE static inline __attribute__((always_inline, unused))

INLINE vec vload(const real *p)
{
    return *(const vec_any *)p;
}

INLINE void vstore(real *p, vec a)
{
    *(vec_any *)p = a;
}

/* vstore_past: to memory, past the caches, for what is larger than they are and not read soon; p is a multiple of
 * LAMI_VBYTES. past_end comes before other threads may read it. */
INLINE void past_end(void)
{
#ifdef HAS_INTEL
    _mm_sfence();
#endif
}

#if defined(__AVX512F__) && LAMI_VBYTES == 64 && LAMI_BITS == 32
INLINE void vstore_past(real *p, vec a)
{
    _mm512_stream_ps(p, (__m512)a);
}
INLINE vec vset(real x)
{
    return (vec)_mm512_set1_ps(x);
}
INLINE vec vfma(vec a, vec b, vec c)
{
    return (vec)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
}
INLINE vec vsqrt(vec a)
{
    return (vec)_mm512_sqrt_ps((__m512)a);
}
INLINE u64vec mul_u32(u64vec a, u64vec b)
{
    return (u64vec)_mm512_mul_epu32((__m512i)a, (__m512i)b);
}
#elif defined(__AVX512F__) && LAMI_VBYTES == 64 && LAMI_BITS == 64
INLINE void vstore_past(real *p, vec a)
{
    _mm512_stream_pd(p, (__m512d)a);
}
INLINE vec vset(real x)
{
    return (vec)_mm512_set1_pd(x);
}
INLINE vec vfma(vec a, vec b, vec c)
{
    return (vec)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
}
INLINE vec vsqrt(vec a)
{
    return (vec)_mm512_sqrt_pd((__m512d)a);
}
INLINE u64vec mul_u32(u64vec a, u64vec b)
{
    return (u64vec)_mm512_mul_epu32((__m512i)a, (__m512i)b);
}
#elif defined(__AVX2__) && defined(__FMA__) && LAMI_VBYTES == 32 && LAMI_BITS == 32
INLINE void vstore_past(real *p, vec a)
{
    _mm256_stream_ps(p, (__m256)a);
}
INLINE vec vset(real x)
{
    return (vec)_mm256_set1_ps(x);
}
INLINE vec vfma(vec a, vec b, vec c)
{
    return (vec)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
}
INLINE vec vsqrt(vec a)
{
    return (vec)_mm256_sqrt_ps((__m256)a);
}
INLINE u64vec mul_u32(u64vec a, u64vec b)
{
    return (u64vec)_mm256_mul_epu32((__m256i)a, (__m256i)b);
}
#elif defined(__AVX2__) && defined(__FMA__) && LAMI_VBYTES == 32 && LAMI_BITS == 64
INLINE void vstore_past(real *p, vec a)
{
    _mm256_stream_pd(p, (__m256d)a);
}
INLINE vec vset(real x)
{
    return (vec)_mm256_set1_pd(x);
}
INLINE vec vfma(vec a, vec b, vec c)
{
    return (vec)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
}
INLINE vec vsqrt(vec a)
{
    return (vec)_mm256_sqrt_pd((__m256d)a);
}
INLINE u64vec mul_u32(u64vec a, u64vec b)
{
    return (u64vec)_mm256_mul_epu32((__m256i)a, (__m256i)b);
}
#else
INLINE void vstore_past(real *p, vec a)
{
    vstore(p, a);
}
INLINE vec vset(real x)
{
    vec r = { 0 }; /* or gcc -O1 warns */
    for (int i = 0; i < LANES; i++)
        r[i] = x;
    return r;
}
#if defined(__ARM_NEON) && defined(__aarch64__) && LAMI_VBYTES == 16 && LAMI_BITS == 32
INLINE vec vfma(vec a, vec b, vec c)
{
    return (vec)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
}
INLINE vec vsqrt(vec a)
{
    return (vec)vsqrtq_f32((float32x4_t)a);
}
#elif defined(__ARM_NEON) && defined(__aarch64__) && LAMI_VBYTES == 16 && LAMI_BITS == 64
INLINE vec vfma(vec a, vec b, vec c)
{
    return (vec)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b);
}
INLINE vec vsqrt(vec a)
{
    return (vec)vsqrtq_f64((float64x2_t)a);
}
#else
/* Any C11 machine: fma of the C library rounds once, in hardware or not, so that the bits are right if not fast. */
INLINE vec vfma(vec a, vec b, vec c)
{
    for (int i = 0; i < LANES; i++)
#if LAMI_BITS == 32
        c[i] = __builtin_fmaf(a[i], b[i], c[i]);
#else
        c[i] = __builtin_fma(a[i], b[i], c[i]);
#endif
    return c;
}
INLINE vec vsqrt(vec a)
{
    for (int i = 0; i < LANES; i++)
#if LAMI_BITS == 32
        a[i] = __builtin_sqrtf(a[i]);
#else
        a[i] = __builtin_sqrt(a[i]);
#endif
    return a;
}
#endif
INLINE u64vec mul_u32(u64vec a, u64vec b)
{
    return (a & 0xffffffffu) * (b & 0xffffffffu);
}
#endif

/* Lanes of a and b by their numbers, those of b from LANES on; of u64vec from U64_LANES on. */
#if defined(__clang__)
#define vpick(a, b, ...)    __builtin_shufflevector(a, b, __VA_ARGS__)
#define u64_pick(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define vpick(a, b, ...)    __builtin_shuffle(a, b, (ivec) { __VA_ARGS__ })
#define u64_pick(a, b, ...) __builtin_shuffle(a, b, (u64vec) { __VA_ARGS__ })
#endif

/* a0 b0 a1 b1 ... to memory. */
INLINE void u64_store_pairs(void *to, u64vec a, u64vec b)
{
#if LAMI_VBYTES == 64
    const u64vec pairs[2] = { u64_pick(a, b, 0, 8, 1, 9, 2, 10, 3, 11), u64_pick(a, b, 4, 12, 5, 13, 6, 14, 7, 15) };
#elif LAMI_VBYTES == 32
    const u64vec pairs[2] = { u64_pick(a, b, 0, 4, 1, 5), u64_pick(a, b, 2, 6, 3, 7) };
#else
    const u64vec pairs[2] = { u64_pick(a, b, 0, 2), u64_pick(a, b, 1, 3) };
#endif
    memcpy(to, pairs, sizeof pairs);
}

INLINE ivec iset(real_int x)
{
    ivec r = { 0 };
    for (int i = 0; i < LANES; i++)
        r[i] = x;
    return r;
}

/* where mask (0 or -1 per lane) is set a, else b */
INLINE vec vsel(ivec mask, vec a, vec b)
{
    return (vec)((mask & (ivec)a) | (~mask & (ivec)b));
}

/* The larger: b where a < b, else a; so a NaN in a stays, and vmax(NaN, 0) is NaN. */
INLINE vec vmax(vec a, vec b)
{
    return vsel(a < b, b, a);
}

/* The smaller: b where b < a, else a; so a NaN in a stays. */
INLINE vec vmin(vec a, vec b)
{
    return vsel(b < a, b, a);
}

INLINE vec vabs(vec a)
{
    return (vec)((ivec)a & iset((real_int)((real_uint)-1 >> 1)));
}

/* 1.5 * 2^(bits of the fraction): adding it leaves the whole part of a small number in the lowest bits. */
#define WHOLE_SHIFT      (LAMI_BITS == 64 ? (real)0x1.8p52 : (real)0x1.8p23)
#define WHOLE_SHIFT_BITS (LAMI_BITS == 64 ? (real_uint)0x4338000000000000 : (real_uint)0x4b400000)

/* To the nearest whole number, ties to even, for |a| <= 2^51 in double, 2^22 in float; not so exact beyond. */
INLINE vec vround(vec a)
{
    const vec shift = vset(WHOLE_SHIFT);
    return (a + shift) - shift;
}

/* A whole number as an integer and back, within the same limits. */
INLINE uvec vint(vec whole)
{
    return (uvec)(whole + vset(WHOLE_SHIFT)) - WHOLE_SHIFT_BITS;
}

INLINE vec vreal(uvec n)
{
    return (vec)(n + WHOLE_SHIFT_BITS) - vset(WHOLE_SHIFT);
}

/* n of LANES elements from p, the rest zeros; and n elements to p. By memcpy a store of a few elements would wait before the
 * load of a register, or the other way round; so, where there is an instruction for it, it takes that. */
#if defined(__AVX512F__) && LAMI_VBYTES == 64 && LAMI_BITS == 32
INLINE vec load_some(const real *p, size_t n)
{
    return (vec)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
}
INLINE void store_some(real *p, size_t n, vec a)
{
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)a);
}
#elif defined(__AVX512F__) && LAMI_VBYTES == 64 && LAMI_BITS == 64
INLINE vec load_some(const real *p, size_t n)
{
    return (vec)_mm512_maskz_loadu_pd((__mmask8)((1u << n) - 1), p);
}
INLINE void store_some(real *p, size_t n, vec a)
{
    _mm512_mask_storeu_pd(p, (__mmask8)((1u << n) - 1), (__m512d)a);
}
#elif defined(__AVX2__) && LAMI_VBYTES == 32 && LAMI_BITS == 32
INLINE vec load_some(const real *p, size_t n)
{
    static const int32_t masks[16] = { -1, -1, -1, -1, -1, -1, -1, -1 };
    return (vec)_mm256_maskload_ps(p, _mm256_loadu_si256((const __m256i *)(masks + 8 - n)));
}
/* Parts: stores by a mask take many times as long on some machines. */
INLINE void store_some(real *p, size_t n, vec a)
{
    __m128 rest = _mm256_castps256_ps128((__m256)a);
    if (n & 4) {
        _mm_storeu_ps(p, rest);
        rest = _mm256_extractf128_ps((__m256)a, 1);
        p += 4;
    }
    if (n & 2) {
        _mm_storel_pi((__m64 *)p, rest);
        rest = _mm_movehl_ps(rest, rest);
        p += 2;
    }
    if (n & 1)
        _mm_store_ss(p, rest);
}
#elif defined(__AVX2__) && LAMI_VBYTES == 32 && LAMI_BITS == 64
INLINE vec load_some(const real *p, size_t n)
{
    static const int64_t masks[8] = { -1, -1, -1, -1 };
    return (vec)_mm256_maskload_pd(p, _mm256_loadu_si256((const __m256i *)(masks + 4 - n)));
}
INLINE void store_some(real *p, size_t n, vec a)
{
    __m128d rest = _mm256_castpd256_pd128((__m256d)a);
    if (n & 2) {
        _mm_storeu_pd(p, rest);
        rest = _mm256_extractf128_pd((__m256d)a, 1);
        p += 2;
    }
    if (n & 1)
        _mm_store_sd(p, rest);
}
#else
INLINE vec load_some(const real *p, size_t n)
{
    vec r = vset(0);
    memcpy(&r, p, n * sizeof(real));
    return r;
}
INLINE void store_some(real *p, size_t n, vec a)
{
    memcpy(p, &a, n * sizeof(real));
}
#endif

/* Lanes 0 to n - 1. */
INLINE ivec first_lanes(size_t n)
{
    static const real_int lanes[16] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
    ivec lane;
    memcpy(&lane, lanes, sizeof lane);
    return lane < iset((real_int)n);
}

/* n of LANES elements from p, the rest `fill`. Tails are padded, so that they run the same code as the body. */
INLINE vec vload_pad(const real *p, size_t n, real fill)
{
    if (n >= (size_t)LANES)
        return vload(p);
    const vec r = load_some(p, n);
    return __builtin_constant_p(fill) && fill == 0 ? r : vsel(first_lanes(n), r, vset(fill));
}

INLINE void vstore_pad(real *p, size_t n, vec a)
{
    if (n >= (size_t)LANES)
        vstore(p, a);
    else
        store_some(p, n, a);
}

#if LAMI_VBYTES >= 16
typedef struct {
    vec v[WIDE];
} wide;

INLINE wide wset(real x)
{
    wide r;
    for (int i = 0; i < WIDE; i++)
        r.v[i] = vset(x);
    return r;
}

INLINE wide wload(const real *p)
{
    wide r;
    for (int i = 0; i < WIDE; i++)
        r.v[i] = vload(p + i * LANES);
    return r;
}

INLINE wide wload_pad(const real *p, size_t n, real fill)
{
    wide r;
    for (int i = 0; i < WIDE; i++) {
        const size_t before = (size_t)i * LANES;
        r.v[i] = vload_pad(p + before, n > before ? n - before : 0, fill);
    }
    return r;
}

INLINE wide wadd(wide a, wide b)
{
    for (int i = 0; i < WIDE; i++)
        a.v[i] += b.v[i];
    return a;
}

INLINE wide wsub(wide a, wide b)
{
    for (int i = 0; i < WIDE; i++)
        a.v[i] -= b.v[i];
    return a;
}

INLINE wide wfma(wide a, wide b, wide c)
{
    for (int i = 0; i < WIDE; i++)
        c.v[i] = vfma(a.v[i], b.v[i], c.v[i]);
    return c;
}

INLINE wide wmax(wide a, wide b)
{
    for (int i = 0; i < WIDE; i++)
        a.v[i] = vmax(a.v[i], b.v[i]);
    return a;
}

/* Lane i and i + half, halved until one is left. */
static inline __attribute__((unused)) real wsum(wide a)
{
    real t[WIDE_LANES];
    memcpy(t, &a, sizeof t);
    for (int half = WIDE_LANES / 2; half; half /= 2)
        for (int i = 0; i < half; i++)
            t[i] += t[i + half];
    return t[0];
}

static inline __attribute__((unused)) real wlargest(wide a)
{
    real t[WIDE_LANES];
    memcpy(t, &a, sizeof t);
    for (int half = WIDE_LANES / 2; half; half /= 2)
        for (int i = 0; i < half; i++)
            t[i] = t[i] < t[i + half] ? t[i + half] : t[i];
    return t[0];
}
#endif

/* ---- pairs of bf16, two terms of a sum in each lane, the first one below (bf16.t.h) ----
 *
 * A pair is added in BF16_STEPS steps: sum = bf16_add(sum, bf16_term(step, a), bf16_term(step, b)). All steps together are
 * the instruction vdpbf16ps: a fused multiply-add of the second terms, then one of the first, and each result that is below
 * the least normal number, rounded as if exponents had no end, becomes a zero of its sign. bf16_enter and bf16_leave stand
 * round all that is summed so. */
#if LAMI_BITS == 32 && LAMI_VBYTES >= 16
#if defined(__AVX512BF16__) && LAMI_VBYTES == 64
enum { BF16_NATIVE = 1, BF16_STEPS = 1 };

INLINE uvec bf16_term(int step, uvec pairs)
{
    (void)step;
    return pairs;
}

INLINE vec bf16_add(vec sum, uvec a, uvec b)
{
    return (vec)_mm512_dpbf16_ps((__m512)sum, (__m512bh)a, (__m512bh)b);
}
#else
enum { BF16_NATIVE = 0, BF16_STEPS = 2 };

INLINE uvec bf16_term(int step, uvec pairs)
{
    return step ? pairs << 16 : pairs & 0xffff0000u;
}

#if defined(__FMA__)
INLINE vec bf16_add(vec sum, uvec a, uvec b)
{
    return vfma((vec)a, (vec)b, sum);
}
#else
/* Whether the sum is too small shows where nothing is: 2^32 times as large. What overflows there is large here, too. */
INLINE vec bf16_add(vec sum, uvec a, uvec b)
{
    const vec up = vset(0x1p16f), r = vfma((vec)a, (vec)b, sum), scaled = vfma((vec)a * up, (vec)b * up, sum * up * up);
    return vsel(vabs(scaled) < vset(0x1p-94f), (vec)((ivec)r & iset(INT32_MIN)), r);
}
#endif
#endif

/* x, or a zero of its sign where it is subnormal. */
INLINE vec bf16_flush(vec x)
{
    const ivec sign = (ivec)x & iset(INT32_MIN);
    return vsel((ivec)vabs(x) < iset(0x00800000), (vec)sign, x);
}

/* On x86 fused multiply-adds do all of this where the unit is told to flush results and to read subnormals as zeros. */
INLINE uint32_t bf16_enter(void)
{
    uint32_t state = 0;
#if defined(__FMA__)
    __asm__ volatile("stmxcsr %0" : "=m"(state)::"memory");
    const uint32_t flushing = state | 0x8040;
    __asm__ volatile("ldmxcsr %0" ::"m"(flushing) : "memory");
#endif
    return state;
}

INLINE void bf16_leave(uint32_t state)
{
#if defined(__FMA__)
    __asm__ volatile("ldmxcsr %0" ::"m"(state) : "memory");
#else
    (void)state;
#endif
}
#endif

#endif
