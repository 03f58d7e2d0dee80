/* leakyrelu: values, the slope at 0 and below, odd numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include <math.h>

#include "lamina.h"

#define FORWARD(cache, out, x)    lam_leakyrelu_forward(cache, out, x, 0.125)
#define BACKWARD(dx, dout, cache) lam_leakyrelu_backward(dx, dout, cache)
#define VALUE(x)                  ((x) > 0 ? (x) : 0.125L * (x))
#define SLOPE(x)                  ((x) > 0 ? 1 : 0.125L)
#define VALUE_ULPS                0.5
#define SLOPE_ULPS                0

#include "activation_checks.h"

static void values_and_slopes_are_the_known_ones(void **state)
{
    (void)state;
    static const known table[] = {
        { 0.0, 0, 0.125 }, { -0.0, 0, 0.125 }, { 2, 2, 1 }, { -2, -0.25, 0.125 }, { -16, -2, 0.125 },
    };
    assert_known(table, sizeof table / sizeof *table, 0);
}

static void infinity_zero_large_and_tiny_numbers(void **state)
{
    (void)state;
    EACH_TYPE(type)
    {
        const double large = large_of(type), tiny = tiny_of(type);
        assert_exact(type, INFINITY, INFINITY, 1);
        assert_exact(type, -INFINITY, -INFINITY, 0.125);
        assert_exact(type, -0.0, -0.0, 0.125);
        assert_exact(type, large, large, 1);
        assert_exact(type, -large, -large / 8, 0.125);
        assert_exact(type, tiny, tiny, 1);
        assert_exact(type, -tiny, -0.0, 0.125);
    }
}

static void the_usual_slope_is_a_hundredth_of_the_type(void **state)
{
    (void)state;
    EACH_TYPE(type)
    {
        const lam_tensor x = make_vector(type, 1);
        lam_tensor out = make_vector(type, 1);
        put(&x, 0, -1);
        assert_ok(lam_leakyrelu_forward(NULL, &out, &x, 0.01));
        assert_true(at(&out, 0) == (type == LAM_F32 ? -(double)0.01f : -0.01));
    }
}

static void with_slope_0_it_is_relu(void **state)
{
    (void)state;
    EACH_TYPE(type)
    {
        const lam_tensor x = make_normal(type, 11, 7, 1), dout = make_normal(type, 11, 7, 2);
        lam_tensor a = make_rows(type, 11, 7), b = make_rows(type, 11, 7);
        lam_cache *leaky = NULL, *plain = NULL;
        assert_ok(lam_leakyrelu_forward(&leaky, &a, &x, 0));
        assert_ok(lam_relu_forward(&plain, &b, &x));
        for (size_t i = 0; i < 77; i++)
            assert_true(at(&a, i) == at(&b, i));
        lam_tensor da = make_rows(type, 11, 7), db = make_rows(type, 11, 7);
        assert_ok(lam_leakyrelu_backward(&da, &dout, leaky));
        assert_ok(lam_relu_backward(&db, &dout, plain));
        for (size_t i = 0; i < 77; i++)
            assert_true(at(&da, i) == at(&db, i));
        lam_cache_free(leaky);
        lam_cache_free(plain);
    }
}

static void slopes_out_of_range_are_refused(void **state)
{
    (void)state;
    const lam_tensor x = make_vector(LAM_F32, 3);
    lam_tensor out = make_vector(LAM_F32, 3);
    static const double bad[] = { -0.01, 1.01, NAN, INFINITY };
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(lam_leakyrelu_forward(NULL, &out, &x, bad[i]), LAM_EINVAL);
        assert_string_equal(lam_last_error(), "leakyrelu: slope is a number from 0 to 1");
    }
    assert_ok(lam_leakyrelu_forward(NULL, &out, &x, 1));
}

static void a_network_of_it_learns(void **state)
{
    (void)state;
    assert_trains("leakyrelu");
    assert_trains("leakyrelu 0.3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(values_and_slopes_are_the_known_ones),
        TEST(infinity_zero_large_and_tiny_numbers),
        TEST(the_usual_slope_is_a_hundredth_of_the_type),
        TEST(with_slope_0_it_is_relu),
        TEST(slopes_out_of_range_are_refused),
        TEST(a_network_of_it_learns),
        TESTS_OF_EVERY_ACTIVATION,
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
