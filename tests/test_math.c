/* Our elementary functions: error in ulp against the C library in a wider type, special values as C99 Annex F has them,
 * and the same bits from each instruction set. With LAMINA_LONG set in the environment, on all 2^32 floats. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../src/core/mathfn.h"
#include "math_set.h"

/* One object each, built from math_set.c: one element at a time, plain C, and on x86 AVX2, AVX-512 and the code of
 * AVX-512's width compiled for AVX2, which also runs where there is no AVX-512. */
#define MATH_SETS(X, bits)  X(one, bits) X(plain, bits) X(avx2, bits) X(wide, bits) X(avx512, bits)
#define SET_NAME(set, bits) math_##set##_##bits
#define DECLARE(set, bits)  extern const math_set SET_NAME(set, bits);
#define POINTER(set, bits)  &SET_NAME(set, bits),

enum { SETS = 5, BUFFER = 1 << 14, SAMPLES = 1 << 18 };

#if defined(__x86_64__)
MATH_SETS(DECLARE, f32)
MATH_SETS(DECLARE, f64)
static const math_set *const sets_f32[SETS] = { MATH_SETS(POINTER, f32) };
static const math_set *const sets_f64[SETS] = { MATH_SETS(POINTER, f64) };
static bool set_runs(int set)
{
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
    return set < 2 || (set < 4 ? avx2 : avx512);
}
#else
DECLARE(one, f32)
DECLARE(plain, f32)
DECLARE(one, f64)
DECLARE(plain, f64)
static const math_set *const sets_f32[SETS] = { POINTER(one, f32) POINTER(plain, f32) };
static const math_set *const sets_f64[SETS] = { POINTER(one, f64) POINTER(plain, f64) };
static bool set_runs(int set)
{
    return set < 2;
}
#endif

/* The fastest set that runs here: for tests of accuracy. */
static const math_set *fast_set(const math_set *const *sets)
{
    return sets[set_runs(2) ? 2 : 1];
}

static uint64_t random_state;

/* splitmix64 (Steele, Lea, Flood 2014) */
static uint64_t random_bits(void)
{
    uint64_t z = random_state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static double random_between(double low, double high)
{
    return low + (high - low) * ((double)(random_bits() >> 11) * 0x1p-53);
}

static double random_double(void)
{
    const uint64_t bits = random_bits();
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static float float_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* The error of a double or float in units of the last place of `want`; beyond the largest number infinity is right, and
 * counts as the next power of two. A wrong sign of 0, or NaN on one side only, is an error of 1e9. */
static double ulps(double got, long double want, int fraction_bits, int min_exponent, int max_exponent)
{
    if (isnan(want) || isnan(got))
        return isnan(want) && isnan(got) ? 0 : 1e9;
    if (want == 0)
        return got == 0 && !signbit(got) == !signbit(want) ? 0 : 1e9;
    const long double overflow = ldexpl(1, max_exponent + 1) - ldexpl(1, max_exponent - fraction_bits - 1);
    if (isinf(got) && fabsl(want) >= overflow)
        return (got > 0) == (want > 0) ? 0 : 1e9;
    const long double value = isinf(got) ? copysignl(ldexpl(1, max_exponent + 1), got) : got;
    const int exponent = isinf(want) ? max_exponent : ilogbl(want);
    return (double)(fabsl(value - want) /
                    ldexpl(1, (exponent < min_exponent ? min_exponent : exponent) - fraction_bits));
}

static double ulps_f64(double got, long double want)
{
    return ulps(got, want, 52, -1022, 1023);
}

/* As above for the usual case, without the calls: 2^32 of them are made. */
static double ulps_f32(float got, double want)
{
    if (!(fabs(want) >= 0x1p-126 && fabs(want) < 0x1p127))
        return ulps(got, want, 23, -126, 127);
    uint64_t bits;
    memcpy(&bits, &want, sizeof bits);
    const uint64_t unit_bits = (bits & 0x7ff0000000000000) - ((uint64_t)23 << 52);
    double unit;
    memcpy(&unit, &unit_bits, sizeof unit);
    return isnan(got) ? 1e9 : fabs((double)got - want) / unit;
}

typedef struct {
    const char *name;
    int function;
    double (*ours)(double);
    double (*reference)(double);       /* for floats */
    long double (*exact)(long double); /* for doubles */
    double limit_f32, limit_f64;       /* ulp */
    double largest;                    /* |x| up to which it is accurate */
    double low, high;                  /* where results are neither 0, infinite nor constant */
} subject;

/* Of those that only the kernels use, what they are of any x: see math_set.h. */
static double one_f64(int function, double x)
{
    double y;
    sets_f64[0]->f[function](1, &x, &x, &y);
    return y;
}

static double our_tanh(double x)
{
    return one_f64(MATH_TANH, x);
}

static double our_erf(double x)
{
    return one_f64(MATH_ERF, x);
}

static double our_expm1(double x)
{
    return one_f64(MATH_EXPM1, x);
}

static double our_log1p(double x)
{
    return one_f64(MATH_LOG1P, x);
}

static double our_sigmoid(double x)
{
    return one_f64(MATH_SIGMOID, x);
}

static double our_ratio(double x)
{
    return one_f64(MATH_RATIO, x);
}

static long double exact_expm1(long double x)
{
    return x > 0 ? 0 : expm1l(x);
}

static long double exact_log1p(long double x)
{
    return log1pl(fabsl(x) > 1 ? 1 : fabsl(x));
}

static long double exact_sigmoid(long double x)
{
    return x < 0 ? expl(x) / (1 + expl(x)) : 1 / (1 + expl(-x));
}

static long double exact_ratio(long double x)
{
    const long double a = fabsl(x) > 39 ? 39 : fabsl(x);
    return erfcl(a * sqrtl(0.5L)) * expl(a * a / 2) / 2;
}

static double double_expm1(double x)
{
    return x > 0 ? 0 : expm1(x);
}

static double double_log1p(double x)
{
    return log1p(fabs(x) > 1 ? 1 : fabs(x));
}

static double double_sigmoid(double x)
{
    return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x));
}

static double double_ratio(double x)
{
    const double a = fabs(x) > 15 ? 15 : fabs(x);
    return erfc(a * sqrt(0.5)) * exp(a * a / 2) / 2;
}

static const subject subjects[] = {
    { "exp", MATH_EXP, lami_exp, exp, expl, 1, 0.8, INFINITY, -746, 710 },
    { "log", MATH_LOG, lami_log, log, logl, 1, 0.75, INFINITY, 0, 4 },
    { "tanh", MATH_TANH, our_tanh, tanh, tanhl, 2, 2, INFINITY, -20, 20 },
    { "erf", MATH_ERF, our_erf, erf, erfl, 2, 2, INFINITY, -6, 6 },
    { "sin", MATH_SIN, lami_sin, sin, sinl, 1, 0.75, 1e5, -100, 100 },
    { "cos", MATH_COS, lami_cos, cos, cosl, 1, 0.75, 1e5, -100, 100 },
    { "expm1", MATH_EXPM1, our_expm1, double_expm1, exact_expm1, 2, 2, INFINITY, -45, 0 },
    { "log1p", MATH_LOG1P, our_log1p, double_log1p, exact_log1p, 2, 2, INFINITY, 0, 1 },
    { "sigmoid", MATH_SIGMOID, our_sigmoid, double_sigmoid, exact_sigmoid, 2, 2, INFINITY, -746, 40 },
    { "ratio", MATH_RATIO, our_ratio, double_ratio, exact_ratio, 6, 6, INFINITY, 0, 39 },
};
enum { SUBJECTS = sizeof subjects / sizeof subjects[0] };

/* Every `stride`-th float from `first` on. */
static void check_floats(const subject *s, uint32_t first, uint32_t stride)
{
    static float x[BUFFER], y[BUFFER];
    const math_set *const set = fast_set(sets_f32);
    double worst = 0;
    float worst_x = 0;
    for (uint64_t bits = first; bits <= UINT32_MAX;) {
        size_t n = 0;
        for (; n < BUFFER && bits <= UINT32_MAX; bits += stride)
            x[n++] = float_of((uint32_t)bits);
        set->f[s->function](n, x, x, y);
        for (size_t i = 0; i < n; i++) {
            const bool beyond = fabsf(x[i]) > s->largest;
            const double error = !beyond            ? ulps_f32(y[i], s->reference(x[i]))
                                 : isinf(x[i])      ? (isnan(y[i]) ? 0 : 1e9)
                                 : fabsf(y[i]) <= 1 ? 0
                                                    : 1e9;
            if (error > worst) {
                worst = error;
                worst_x = x[i];
            }
        }
    }
    print_message("float %-4s  worst %.3f ulp at %a\n", s->name, worst, worst_x);
    assert_true(worst <= s->limit_f32);
}

static void float_functions_are_accurate(void **state)
{
    (void)state;
    const bool all = getenv("LAMINA_LONG") != NULL;
    for (int i = 0; i < SUBJECTS; i++)
        check_floats(&subjects[i], 0, all ? 1 : 4099);
}

static double check_double(const subject *s, double x)
{
    const double y = s->ours(x);
    if (fabs(x) <= s->largest || isnan(x))
        return ulps_f64(y, s->exact(x));
    return isinf(x) ? (isnan(y) ? 0 : 1e9) : fabs(y) <= 1 ? 0 : 1e9;
}

/* All exponents, the range of interest, its middle, and the neighbourhood of 1. */
static void double_functions_are_accurate(void **state)
{
    (void)state;
    const int samples = getenv("LAMINA_LONG") ? 20000000 : 100000;
    for (int i = 0; i < SUBJECTS; i++) {
        const subject *const s = &subjects[i];
        double worst = 0, worst_x = 0;
        random_state = (uint64_t)i;
        for (int j = 0; j < 5 * samples; j++) {
            const double x = j % 5 == 0   ? random_double()
                             : j % 5 == 1 ? random_between(s->low, s->high)
                             : j % 5 == 2 ? random_between(-1, 1)
                             : j % 5 == 3 ? 1 + random_between(-0x1p-10, 0x1p-10)
                                          : random_between(s->low, s->high) * 0x1p-4;
            const double error = check_double(s, x);
            if (error > worst) {
                worst = error;
                worst_x = x;
            }
        }
        print_message("double %-4s worst %.3f ulp at %a\n", s->name, worst, worst_x);
        assert_true(worst <= s->limit_f64);
    }
}

/* Near multiples of pi/2 the reduced argument loses the most digits. */
static void sin_and_cos_are_accurate_up_to_1e5_and_near_multiples_of_a_quarter_turn(void **state)
{
    (void)state;
    double worst = 0;
    random_state = 5;
    for (int n = -63661; n <= 63661; n++) {
        const double multiple = (double)(n * 1.57079632679489661923132169163975144L);
        const double xs[] = { multiple, nextafter(multiple, INFINITY), random_between(-1e5, 1e5) };
        for (int k = 0; k < 3; k++) {
            worst = fmax(worst, ulps_f64(lami_sin(xs[k]), sinl(xs[k])));
            worst = fmax(worst, ulps_f64(lami_cos(xs[k]), cosl(xs[k])));
        }
    }
    print_message("double sin, cos up to 1e5: worst %.3f ulp\n", worst);
    assert_true(worst <= 0.75);
}

/* A pair of arguments whose power is mostly within range. */
static void random_power(double *x, double *y, int kind)
{
    *x = fabs(kind % 2 ? random_between(0, 4) : random_double());
    *y = kind % 4 < 2 ? random_between(-30, 30) : random_between(-745, 745) / log(*x == 1 ? 2 : *x);
    if (kind % 4 == 3)
        *x = 1 + random_between(-0x1p-8, 0x1p-8), *y = random_between(-160000, 160000);
}

static void pow_is_accurate(void **state)
{
    (void)state;
    double worst = 0, worst_f32 = 0;
    random_state = 1;
    const int samples = getenv("LAMINA_LONG") ? 20000000 : 400000;
    for (int i = 0; i < samples; i++) {
        double x, y;
        random_power(&x, &y, i);
        worst = fmax(worst, ulps_f64(lami_pow(x, y), powl(x, y)));
        const float fx = (float)x, fy = i % 4 == 2 ? (float)(y / 7) : (float)y;
        float got;
        sets_f32[0]->f[MATH_POW](1, &fx, &fy, &got);
        worst_f32 = fmax(worst_f32, ulps_f32(got, pow(fx, fy)));
    }
    print_message("pow: worst %.3f ulp in double, %.3f in float\n", worst, worst_f32);
    assert_true(worst <= 1);
    assert_true(worst_f32 <= 1);
}

static void pow_of_special_numbers_is_as_in_c99(void **state)
{
    (void)state;
    /* clang-format off */
    const double values[] = {
        0.0, 1, 0.5, 2, 3, 2.5, 0x1.fffffffffffffp-1, 0x1.0000000000001p0, 0x1p-1074, 0x1p-1022, DBL_MAX, 0x1p51 + 0.5,
        0x1p52, 0x1p52 + 1, 0x1.fffffffffffffp52, 0x1p53, 0x1p60, 1023, 1075, 0x1p22 + 0.5, 0x1p23 + 1, 0x1p24,
        INFINITY, NAN
    };
    /* clang-format on */
    enum { COUNT = 2 * sizeof values / sizeof values[0] };
    for (int i = 0; i < COUNT; i++) {
        for (int j = 0; j < COUNT; j++) {
            const double x = i % 2 ? -values[i / 2] : values[i / 2], y = j % 2 ? -values[j / 2] : values[j / 2];
            const double got = lami_pow(x, y), want = pow(x, y);
            if (ulps_f64(got, want) > 1)
                fail_msg("pow(%a, %a) is %a, not %a", x, y, got, want);
            const float fx = (float)x, fy = (float)y;
            float f;
            sets_f32[0]->f[MATH_POW](1, &fx, &fy, &f);
            if (ulps_f32(f, pow(fx, fy)) > 1)
                fail_msg("float pow(%a, %a) is %a, not %a", fx, fy, f, pow(fx, fy));
        }
    }
}

static const struct {
    int function;
    double x, want;
} special[] = {
    { MATH_EXP, 0.0, 1 },        { MATH_EXP, -0.0, 1 },         { MATH_EXP, INFINITY, INFINITY },
    { MATH_EXP, -INFINITY, 0 },  { MATH_EXP, 1000, INFINITY },  { MATH_EXP, -1000, 0 },
    { MATH_EXP, NAN, NAN },      { MATH_EXP, 0x1p-149, 1 },     { MATH_LOG, 0.0, -INFINITY },
    { MATH_LOG, 1, 0 },          { MATH_LOG, -0.0, -INFINITY }, { MATH_LOG, INFINITY, INFINITY },
    { MATH_LOG, -1, NAN },       { MATH_LOG, -INFINITY, NAN },  { MATH_LOG, -0x1p-149, NAN },
    { MATH_LOG, NAN, NAN },      { MATH_TANH, 0.0, 0.0 },       { MATH_TANH, -0.0, -0.0 },
    { MATH_TANH, INFINITY, 1 },  { MATH_TANH, -INFINITY, -1 },  { MATH_TANH, 0x1p-149, 0x1p-149 },
    { MATH_TANH, NAN, NAN },     { MATH_ERF, 0.0, 0.0 },        { MATH_ERF, -0.0, -0.0 },
    { MATH_ERF, INFINITY, 1 },   { MATH_ERF, -INFINITY, -1 },   { MATH_ERF, NAN, NAN },
    { MATH_EXP, -NAN, NAN },     { MATH_SIN, 0.0, 0.0 },        { MATH_SIN, -0.0, -0.0 },
    { MATH_SIN, INFINITY, NAN }, { MATH_SIN, -INFINITY, NAN },  { MATH_SIN, -0x1p-149, -0x1p-149 },
    { MATH_SIN, NAN, NAN },      { MATH_COS, 0.0, 1 },          { MATH_COS, -0.0, 1 },
    { MATH_COS, INFINITY, NAN }, { MATH_COS, -INFINITY, NAN },  { MATH_COS, NAN, NAN },
};

static bool same_f32(float a, float b)
{
    return (isnan(a) && isnan(b)) || !memcmp(&a, &b, sizeof a);
}

static bool same_f64(double a, double b)
{
    return (isnan(a) && isnan(b)) || !memcmp(&a, &b, sizeof a);
}

static void special_values_are_exact(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof special / sizeof special[0]; i++) {
        const double x = special[i].x, want = special[i].want;
        const float fx = (float)x;
        double got;
        float got_f32;
        sets_f64[0]->f[special[i].function](1, &x, &x, &got);
        sets_f32[0]->f[special[i].function](1, &fx, &fx, &got_f32);
        if (!same_f64(got, want))
            fail_msg("row %zu: %a, not %a", i, got, want);
        if (!same_f32(got_f32, (float)want))
            fail_msg("row %zu in float: %a, not %a", i, got_f32, want);
    }
}

static void the_scalar_functions_are_those_of_one_element(void **state)
{
    (void)state;
    random_state = 2;
    for (int i = 0; i < 60000; i++) {
        const subject *const s = &subjects[i % SUBJECTS];
        const double x = i % 4 ? random_between(s->low, s->high) : random_double();
        double y;
        sets_f64[0]->f[s->function](1, &x, &x, &y);
        assert_true(same_f64(y, s->ours(x)));
    }
}

/* All sets against one element at a time; an odd count, so that the padded end is compared too. */
static void float_results_have_the_same_bits_on_all_sets(void **state)
{
    (void)state;
    static float x[SAMPLES - 1], y[SAMPLES - 1], want[SAMPLES - 1], got[SAMPLES - 1];
    random_state = 3;
    for (int i = 0; i < SAMPLES - 1; i++) {
        x[i] = i % 2 ? (float)random_between(-20, 20) : float_of((uint32_t)random_bits());
        y[i] = i % 4 < 2   ? (float)random_between(-20, 20)
               : i % 8 < 6 ? (float)(i % 64 - 32)
                           : float_of((uint32_t)random_bits());
    }
    for (int f = 0; f < MATH_COUNT; f++) {
        sets_f32[0]->f[f](SAMPLES - 1, x, y, want);
        for (int set = 1; set < SETS; set++) {
            if (!set_runs(set))
                continue;
            sets_f32[set]->f[f](SAMPLES - 1, x, y, got);
            for (int i = 0; i < SAMPLES - 1; i++)
                if (!same_f32(got[i], want[i]))
                    fail_msg("function %d, set %d, (%a, %a): %a, not %a", f, set, x[i], y[i], got[i], want[i]);
        }
    }
}

static void double_results_have_the_same_bits_on_all_sets(void **state)
{
    (void)state;
    static double x[SAMPLES - 1], y[SAMPLES - 1], want[SAMPLES - 1], got[SAMPLES - 1];
    random_state = 4;
    for (int i = 0; i < SAMPLES - 1; i++) {
        x[i] = i % 2 ? random_between(-40, 40) : random_double();
        y[i] = i % 4 < 2 ? random_between(-40, 40) : i % 8 < 6 ? i % 64 - 32 : random_double();
    }
    for (int f = 0; f < MATH_COUNT; f++) {
        sets_f64[0]->f[f](SAMPLES - 1, x, y, want);
        for (int set = 1; set < SETS; set++) {
            if (!set_runs(set))
                continue;
            sets_f64[set]->f[f](SAMPLES - 1, x, y, got);
            for (int i = 0; i < SAMPLES - 1; i++)
                if (!same_f64(got[i], want[i]))
                    fail_msg("function %d, set %d, (%a, %a): %a, not %a", f, set, x[i], y[i], got[i], want[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(float_functions_are_accurate),
        cmocka_unit_test(double_functions_are_accurate),
        cmocka_unit_test(sin_and_cos_are_accurate_up_to_1e5_and_near_multiples_of_a_quarter_turn),
        cmocka_unit_test(pow_is_accurate),
        cmocka_unit_test(pow_of_special_numbers_is_as_in_c99),
        cmocka_unit_test(special_values_are_exact),
        cmocka_unit_test(the_scalar_functions_are_those_of_one_element),
        cmocka_unit_test(float_results_have_the_same_bits_on_all_sets),
        cmocka_unit_test(double_results_have_the_same_bits_on_all_sets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
