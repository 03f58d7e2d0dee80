/* elu: values, slopes, alpha, odd numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include <math.h>

#include "lamina.h"

static double alpha = 1;

#define FORWARD(cache, out, x)    lam_elu_forward(cache, out, x, alpha)
#define BACKWARD(dx, dout, cache) lam_elu_backward(dx, dout, cache)
#define VALUE(x)                  ((x) > 0 ? (x) : expm1l(x))
#define SLOPE(x)                  ((x) > 0 ? 1 : expl(x))
#define VALUE_ULPS                1
#define SLOPE_ULPS                1

#include "activation_checks.h"

static void values_and_slopes_are_the_known_ones(void **state)
{
    (void)state;
    static const known table[] = {
        { 0.0, 0, 1.0 },
        { 2, 2.0, 1.0 },
        { -1, -0.63212055882855768, 0.36787944117144232 },
        { -0.5, -0.39346934028736658, 0.60653065971263342 },
        { -1e-5, -9.9999500001666671e-6, 0.99999000004999983 },
    };
    assert_known(table, sizeof table / sizeof *table, 2);
}

static void infinity_zero_large_and_tiny_numbers(void **state)
{
    (void)state;
    EACH_TYPE(type)
    {
        const double large = large_of(type), tiny = tiny_of(type);
        assert_exact(type, INFINITY, INFINITY, 1);
        assert_exact(type, -INFINITY, -1, 0);
        assert_exact(type, -0.0, -0.0, 1);
        assert_exact(type, large, large, 1);
        assert_exact(type, -large, -1, 0);
        assert_exact(type, tiny, tiny, 1);
        assert_exact(type, -tiny, -tiny, 1);
    }
}

static void alpha_scales_the_negative_side(void **state)
{
    (void)state;
    EACH_TYPE(type)
    {
        double y, slope;
        alpha = 0.3;
        activate(type, &(double) { -1 }, 1, &y, &slope);
        assert_near(y, -0.18963616764856730, 2 * unit_of(type));
        assert_near(slope, 0.11036383235143270, 2 * unit_of(type));
        assert_exact(type, 3, 3, 1);
        alpha = 0;
        assert_exact(type, -3, -0.0, 0);
        alpha = 1;
    }
}

static void alphas_out_of_range_are_refused(void **state)
{
    (void)state;
    const lam_tensor x = make_vector(LAM_F32, 3);
    lam_tensor out = make_vector(LAM_F32, 3);
    static const double bad[] = { -0.01, 1.1e6, NAN, INFINITY };
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(lam_elu_forward(NULL, &out, &x, bad[i]), LAM_EINVAL);
        assert_string_equal(lam_last_error(), "elu: alpha is a number from 0 to 1e6");
    }
}

static void a_network_of_it_learns(void **state)
{
    (void)state;
    assert_trains("elu");
    assert_trains("elu 0.3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(values_and_slopes_are_the_known_ones),
        TEST(infinity_zero_large_and_tiny_numbers),
        TEST(alpha_scales_the_negative_side),
        TEST(alphas_out_of_range_are_refused),
        TEST(a_network_of_it_learns),
        TESTS_OF_EVERY_ACTIVATION,
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
