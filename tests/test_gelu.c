/* gelu: values, slopes, the form with tanh, odd numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include <math.h>

#include "lamina.h"

static int approximate;

#define FORWARD(cache, out, x)    lam_gelu_forward(cache, out, x, approximate)
#define BACKWARD(dx, dout, cache) lam_gelu_backward(dx, dout, cache)

/* P(x) of a normal x: from both sides without cancellation */
static long double normal(long double x)
{
    return erfcl(-x * sqrtl(0.5L)) / 2;
}

static long double sigmoid(long double v)
{
    return v < 0 ? expl(v) / (1 + expl(v)) : 1 / (1 + expl(-v));
}

static const long double root = 0.797884560802865355879892119868763737L; /* sqrt(2/pi) */

static long double value(long double x)
{
    if (x < -100)
        return 0;
    return x * (approximate ? sigmoid(2 * root * (x + 0.044715L * x * x * x)) : normal(x));
}

static long double slope_of(long double x)
{
    if (fabsl(x) > 100)
        return x > 0;
    if (!approximate)
        return normal(x) + x * expl(-x * x / 2) * root / 2;
    const long double v = 2 * root * (x + 0.044715L * x * x * x);
    return sigmoid(v) + x * sigmoid(v) * sigmoid(-v) * 2 * root * (1 + 3 * 0.044715L * x * x);
}

#define VALUE(x)   value(x)
#define SLOPE(x)   slope_of(x)
#define VALUE_ULPS (approximate ? 3 : 6)
#define SLOPE_ULPS (approximate ? 1 : 2)

#include "activation_checks.h"

static void values_and_slopes_are_the_known_ones(void **state)
{
    (void)state;
    static const known table[] = {
        { 1, 0.84134474606854295, 1.0833154705876863 },
        { -1, -0.15865525393145705, -0.083315470587686298 },
        { 0.5, 0.34573123063700655, 0.86749512465616284 },
        { -4, -0.00012668496733247969, -0.00050364966122642149 },
    };
    assert_known(table, sizeof table / sizeof *table, 6);
}

static void infinity_zero_large_and_tiny_numbers(void **state)
{
    (void)state;
    EACH_TYPE(type)
    {
        const double large = large_of(type), tiny = tiny_of(type);
        assert_exact(type, INFINITY, INFINITY, 1);
        assert_exact(type, -INFINITY, 0, 0);
        assert_exact(type, 0.0, 0.0, 0.5);
        assert_exact(type, -0.0, -0.0, 0.5);
        assert_exact(type, large, large, 1);
        assert_exact(type, -large, 0, 0);
        assert_exact(type, 8 * tiny, 4 * tiny, 0.5);
        assert_exact(type, -8 * tiny, -4 * tiny, 0.5);
    }
}

static void the_form_with_tanh_is_right(void **state)
{
    (void)state;
    approximate = 1;
    static const known table[] = {
        { 1, 0.8411919906082767, 1.0829640838457826 },
        { -1, -0.1588080093917233, -0.082964083845782555 },
        { 0.5, 0.34571400982514392, 0.86736990353464231 },
    };
    assert_known(table, sizeof table / sizeof *table, 6);
    infinity_zero_large_and_tiny_numbers(NULL);
    floats_of_all_sizes_are_right_to_a_few_ulps(NULL);
    doubles_are_right_to_a_few_ulps(NULL);
    backward_is_the_numeric_gradient(NULL);
    approximate = 0;
}

static void a_network_of_it_learns(void **state)
{
    (void)state;
    assert_trains("gelu");
    assert_trains("gelu tanh");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(values_and_slopes_are_the_known_ones),
        TEST(infinity_zero_large_and_tiny_numbers),
        TEST(the_form_with_tanh_is_right),
        TEST(a_network_of_it_learns),
        TESTS_OF_EVERY_ACTIVATION,
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
