/* silu: values, slopes, odd numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include <math.h>

#include "lamina.h"

#define FORWARD(cache, out, x)    lam_silu_forward(cache, out, x)
#define BACKWARD(dx, dout, cache) lam_silu_backward(dx, dout, cache)

static long double sigmoid(long double x)
{
    return x < 0 ? expl(x) / (1 + expl(x)) : 1 / (1 + expl(-x));
}

#define VALUE(x)   ((x)*sigmoid(x))
#define SLOPE(x)   (sigmoid(x) * (1 + (x)*sigmoid(-(x))))
#define VALUE_ULPS 3
#define SLOPE_ULPS 1.5

#include "activation_checks.h"

static void values_and_slopes_are_the_known_ones(void **state)
{
    (void)state;
    static const known table[] = {
        { 1, 0.73105857863000488, 0.92767051187148673 },
        { -1, -0.26894142136999512, 0.072329488128513268 },
        { -2, -0.23840584404423511, -0.090784248784895479 },
        { 0.0, 0, 0.5 },
    };
    assert_known(table, sizeof table / sizeof *table, 4);
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

static void a_network_of_it_learns(void **state)
{
    (void)state;
    assert_trains("silu");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(values_and_slopes_are_the_known_ones),
        TEST(infinity_zero_large_and_tiny_numbers),
        TEST(a_network_of_it_learns),
        TESTS_OF_EVERY_ACTIVATION,
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
