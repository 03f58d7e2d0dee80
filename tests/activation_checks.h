/* activation_checks: what holds for every activation. A test of one defines, before it includes this:
 *   FORWARD(cache, out, x), BACKWARD(dx, dout, cache)   calls of its functions
 *   VALUE(x), SLOPE(x)          formulas in long double, which need not be right at infinity
 *   VALUE_ULPS, SLOPE_ULPS      largest error of the value in units of its last place, of the slope in those of 1 */
#ifndef LAMI_ACTIVATION_CHECKS_H
#define LAMI_ACTIVATION_CHECKS_H

#include <float.h>
#include <string.h>

#include "tensors.h"

enum { MANY = 4096 };

/* y and dy/dx at `count` numbers, count <= MANY, in `type`. */
static void activate(lam_dtype type, const double *x, size_t count, double *y, double *slope)
{
    const lam_tensor in = make_vector(type, count), ones = make_vector(type, count);
    lam_tensor out = make_vector(type, count), dx = make_vector(type, count);
    lam_cache *cache = NULL;
    for (size_t i = 0; i < count; i++)
        put(&in, i, x[i]);
    fill_all(&ones, 1);
    assert_ok(FORWARD(&cache, &out, &in));
    assert_ok(BACKWARD(&dx, &ones, cache));
    for (size_t i = 0; i < count; i++) {
        y[i] = at(&out, i);
        slope[i] = at(&dx, i);
    }
    lam_cache_free(cache);
    free_tensors(NULL);
}

static double unit_at(lam_dtype type, long double value)
{
    const int fraction = type == LAM_F32 ? 23 : 52, least = type == LAM_F32 ? -126 : -1022;
    const int exponent = value == 0 ? least : ilogbl(value);
    return ldexp(1, (exponent < least ? least : exponent) - fraction);
}

typedef struct {
    double value, slope, value_x, slope_x; /* worst so far, and where */
} worst_errors;

/* In ulps. Where e^x is subnormal the value is off by some of the smallest numbers times x, which is left out here. */
static void compare(worst_errors *worst, lam_dtype type, const double *x, size_t count)
{
    double y[MANY], slope[MANY];
    activate(type, x, count, y, slope);
    const double tiny = type == LAM_F32 ? 0x1p-149 : 0x1p-1074;
    for (size_t i = 0; i < count; i++) {
        const long double want = VALUE((long double)x[i]), want_slope = SLOPE((long double)x[i]);
        const double value_error = (double)fabsl(y[i] - want) - fabs(x[i]) / 2 * tiny;
        const double errors[] = { value_error / unit_at(type, want),
                                  (double)fabsl(slope[i] - want_slope) / (2 * unit_of(type)) };
        if (!(errors[0] <= worst->value)) {
            worst->value = errors[0];
            worst->value_x = x[i];
        }
        if (!(errors[1] <= worst->slope)) {
            worst->slope = errors[1];
            worst->slope_x = x[i];
        }
    }
}

static void check_worst(const worst_errors *worst, const char *type)
{
    print_message("%s: value %.2f ulp at %a, slope %.2f ulp of 1 at %a\n", type, worst->value, worst->value_x,
                  worst->slope, worst->slope_x);
    assert_true(worst->value <= VALUE_ULPS);
    assert_true(worst->slope <= SLOPE_ULPS);
}

/* Every 9973rd float of all sizes but the largest, whose formulas overflow. */
static void floats_of_all_sizes_are_right_to_a_few_ulps(void **state)
{
    (void)state;
    worst_errors worst = { 0 };
    double x[MANY];
    size_t count = 0;
    for (uint64_t bits = 0; bits <= UINT32_MAX; bits += 9973) {
        const uint32_t word = (uint32_t)bits;
        float f;
        memcpy(&f, &word, sizeof f);
        if (fabsf(f) < 1e15f)
            x[count++] = (double)f;
        if (count == MANY || bits + 9973 > UINT32_MAX) {
            compare(&worst, LAM_F32, x, count);
            count = 0;
        }
    }
    check_worst(&worst, "float");
}

static void doubles_are_right_to_a_few_ulps(void **state)
{
    (void)state;
    const lami_rng rng = lami_rng_make(3, LAMI_RNG_TEST, 0, 0);
    worst_errors worst = { 0 };
    static const double widths[] = { 1, 6, 40, 1e-3, 600, 1e-200 };
    for (size_t k = 0; k < 24; k++) {
        double x[MANY];
        for (size_t i = 0; i < MANY; i++)
            x[i] = (2 * lami_rng_uniform(&rng, k * MANY + i) - 1) * widths[k % 6];
        compare(&worst, LAM_F64, x, MANY);
    }
    check_worst(&worst, "double");
}

static void a_nan_passes_through_both_ways(void **state)
{
    (void)state;
    EACH_TYPE(type)
    {
        double x[19], y[19], slope[19];
        for (size_t i = 0; i < 19; i++)
            x[i] = i == 2 || i == 18 ? NAN : (double)i - 9;
        activate(type, x, 19, y, slope);
        for (size_t i = 0; i < 19; i++)
            assert_int_equal(isnan(y[i]) != 0, i == 2 || i == 18);
        const lam_tensor in = make_vector(type, 19), dout = make_vector(type, 19);
        lam_tensor out = make_vector(type, 19), dx = make_vector(type, 19);
        lam_cache *cache = NULL;
        for (size_t i = 0; i < 19; i++)
            put(&dout, i, i == 5 ? NAN : 1);
        fill_linspace(&in, -3, 3);
        assert_ok(FORWARD(&cache, &out, &in));
        assert_ok(BACKWARD(&dx, &dout, cache));
        for (size_t i = 0; i < 19; i++)
            assert_int_equal(isnan(at(&dx, i)) != 0, i == 5);
        lam_cache_free(cache);
    }
}

/* Of each x its value and slope, to the last bits, in float and double. */
typedef struct {
    double x, value, slope;
} known;

static void assert_known(const known *table, size_t count, double ulps)
{
    EACH_TYPE(type)
    for (size_t i = 0; i < count; i++) {
        double y, slope;
        activate(type, &table[i].x, 1, &y, &slope);
        assert_near(y, table[i].value, ulps * unit_of(type) * (1 + fabs(table[i].value)));
        assert_near(slope, table[i].slope, ulps * unit_of(type) * (1 + fabs(table[i].slope)));
    }
}

/* The same exactly, the sign of 0 included; "large" and "tiny" stand for the type's largest and smallest numbers. */
static void assert_exact(lam_dtype type, double x, double value, double slope)
{
    double y, s;
    activate(type, &x, 1, &y, &s);
    if (!(y == value && !signbit(y) == !signbit(value) && s == slope))
        fail_msg("at %a: %a, slope %a, where %a and %a are expected", x, y, s, value, slope);
}

static double large_of(lam_dtype type)
{
    return type == LAM_F32 ? (double)FLT_MAX : DBL_MAX;
}

static double tiny_of(lam_dtype type)
{
    return type == LAM_F32 ? 0x1p-149 : 0x1p-1074;
}

typedef struct {
    lam_tensor x, out, dout;
} activation;

static double objective(void *arg)
{
    activation *a = arg;
    assert_ok(FORWARD(NULL, &a->out, &a->x));
    return dot_of(&a->out, &a->dout);
}

static void backward_is_the_numeric_gradient(void **state)
{
    (void)state;
    activation a = { make_normal(LAM_F64, 10, 13, 1), make_rows(LAM_F64, 10, 13), make_normal(LAM_F64, 10, 13, 2) };
    lam_tensor dx = make_rows(LAM_F64, 10, 13);
    lam_cache *cache = NULL;
    assert_ok(FORWARD(&cache, &a.out, &a.x));
    assert_ok(BACKWARD(&dx, &a.dout, cache));
    assert_gradient(&a.x, &dx, objective, &a);
    lam_cache_free(cache);
}

/* The notation, in a network that is trained for some steps: `words` is the layer with its options. */
static void assert_trains(const char *words)
{
    static const char *const types[] = { "f32", "f64" };
    EACH_TYPE(type)
    {
        char notation[100];
        snprintf(notation, sizeof notation, "{affine 20 - %s} x 3 - affine 4 - softmax", words);
        const lam_tensor x = make_normal(type, 60, 12, 1), y = make_tensor(LAM_I32, lami_shape1(60));
        const lami_rng rng = lami_rng_make(3, LAMI_RNG_TEST, 1, 0);
        for (size_t i = 0; i < 60; i++)
            ((int32_t *)y.data)[i] = (int32_t)lami_rng_below(&rng, i, 4);
        lam_options *options = NULL;
        lam_net *net = NULL;
        lam_session *session = NULL;
        double first = NAN, loss = NAN;
        assert_ok(lam_options_new(&options));
        assert_ok(lam_options_set(options, "dtype", types[type == LAM_F64]));
        assert_ok(lam_options_set(options, "optim", "adam"));
        assert_ok(lam_options_set(options, "lr", "0.01"));
        assert_ok(lam_options_set(options, "batch", "60"));
        assert_ok(lam_net_new(&net, notation, &(lam_shape) { 1, { 12 } }, options));
        assert_ok(lam_session_new(&session, net, options));
        for (int step = 0; step < 60; step++) {
            assert_ok(lam_session_forward(&loss, session, &x, &y));
            if (!step)
                first = loss;
            assert_ok(lam_session_backward(session));
            assert_ok(lam_session_step(session));
        }
        assert_true(first < 10);
        assert_true(loss < 0.8 * first);
        lam_session_free(session);
        lam_net_free(net);
        lam_options_free(options);
    }
}

#define TESTS_OF_EVERY_ACTIVATION                                                             \
    TEST(floats_of_all_sizes_are_right_to_a_few_ulps), TEST(doubles_are_right_to_a_few_ulps), \
        TEST(a_nan_passes_through_both_ways), TEST(backward_is_the_numeric_gradient)

#endif
