/* relu: values, the gradient at 0, NaN and infinity. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "tensors.h"

static void forward_gives_the_values_of_the_course(void **state)
{
    (void)state;
    static const double expected[] = {
        0, 0, 0, 0, 0, 0, 0.04545455, 0.13636364, 0.22727273, 0.31818182, 0.40909091, 0.5
    };
    EACH_TYPE(type)
    {
        const lam_tensor x = make_rows(type, 3, 4);
        lam_tensor out = make_rows(type, 3, 4);
        fill_linspace(&x, -0.5, 0.5);
        assert_ok(lam_relu_forward(NULL, &out, &x));
        assert_elements(&out, expected, 12, type == LAM_F32 ? 1e-7 : 5e-9);
    }
}

static void the_gradient_is_dout_above_zero_and_nothing_at_zero_and_below(void **state)
{
    (void)state;
    EACH_TYPE(type)
    {
        const double tiny = type == LAM_F32 ? 0x1p-149 : 0x1p-1074;
        const double values[] = { 1, 0, -0.0, -1, tiny, -tiny, INFINITY, -INFINITY, 2 };
        const lam_tensor x = make_vector(type, 9), dout = make_vector(type, 9);
        lam_tensor out = make_vector(type, 9), dx = make_vector(type, 9);
        lam_cache *cache = NULL;
        for (size_t i = 0; i < 9; i++)
            put(&x, i, values[i]);
        fill_linspace(&dout, -4, 4.5);
        assert_ok(lam_relu_forward(&cache, &out, &x));
        assert_ok(lam_relu_backward(&dx, &dout, cache));
        for (size_t i = 0; i < 9; i++) {
            assert_true(at(&out, i) == (values[i] > 0 ? values[i] : 0));
            assert_true(at(&dx, i) == (values[i] > 0 ? at(&dout, i) : 0));
        }
        lam_cache_free(cache);
    }
}

static void a_nan_passes_through(void **state)
{
    (void)state;
    EACH_TYPE(type)
    {
        const lam_tensor x = make_vector(type, 19);
        lam_tensor out = make_vector(type, 19);
        fill_all(&x, -1);
        put(&x, 2, NAN);
        put(&x, 18, NAN);
        assert_ok(lam_relu_forward(NULL, &out, &x));
        for (size_t i = 0; i < 19; i++)
            assert_int_equal(isnan(at(&out, i)) != 0, i == 2 || i == 18);
    }
}

typedef struct {
    lam_tensor x, out, dout;
} relu;

static double objective(void *arg)
{
    relu *r = arg;
    assert_ok(lam_relu_forward(NULL, &r->out, &r->x));
    return dot_of(&r->out, &r->dout);
}

static void backward_is_the_numeric_gradient(void **state)
{
    (void)state;
    relu r = { make_normal(LAM_F64, 10, 13, 1), make_rows(LAM_F64, 10, 13), make_normal(LAM_F64, 10, 13, 2) };
    lam_tensor dx = make_rows(LAM_F64, 10, 13);
    lam_cache *cache = NULL;
    assert_ok(lam_relu_forward(&cache, &r.out, &r.x));
    assert_ok(lam_relu_backward(&dx, &r.dout, cache));
    assert_gradient(&r.x, &dx, objective, &r);
    lam_cache_free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(forward_gives_the_values_of_the_course),
        TEST(the_gradient_is_dout_above_zero_and_nothing_at_zero_and_below),
        TEST(a_nan_passes_through),
        TEST(backward_is_the_numeric_gradient),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
