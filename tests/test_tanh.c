/* tanh: values, slopes, odd numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include <math.h>

#include "lamina.h"

#define FORWARD(cache, out, x)    lam_tanh_forward(cache, out, x)
#define BACKWARD(dx, dout, cache) lam_tanh_backward(dx, dout, cache)
#define VALUE(x)                  tanhl(x)
#define SLOPE(x)                  (1 / (coshl(fminl(fabsl(x), 9999)) * coshl(fminl(fabsl(x), 9999))))
#define VALUE_ULPS                1.1
#define SLOPE_ULPS                1.1

#include "activation_checks.h"

static void values_and_slopes_are_the_known_ones(void **state)
{
    (void)state;
    static const known table[] = {
        { 0.0, 0, 1.0 },
        { 1, 0.76159415595576489, 0.41997434161402607 },
        { -1, -0.76159415595576489, 0.41997434161402607 },
        { 0.01, 0.0099996666799994605, 0.99990000666628891 },
    };
    assert_known(table, sizeof table / sizeof *table, 2);
}

static void infinity_zero_large_and_tiny_numbers(void **state)
{
    (void)state;
    EACH_TYPE(type)
    {
        const double large = large_of(type), tiny = tiny_of(type);
        assert_exact(type, INFINITY, 1, 0);
        assert_exact(type, -INFINITY, -1, 0);
        assert_exact(type, -0.0, -0.0, 1);
        assert_exact(type, large, 1, 0);
        assert_exact(type, -large, -1, 0);
        assert_exact(type, tiny, tiny, 1);
        assert_exact(type, -tiny, -tiny, 1);
    }
}

static void a_network_of_it_learns(void **state)
{
    (void)state;
    assert_trains("tanh");
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
