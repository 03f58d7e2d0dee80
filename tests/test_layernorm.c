/* layernorm: values, a large mean, gradients. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "tensors.h"

typedef struct {
    lam_tensor x, gamma, beta, out, dout, dx, dgamma, dbeta;
    double eps;
} norm;

static norm make_norm(lam_dtype type, size_t n, size_t d)
{
    const norm b = { make_normal(type, n, d, 1), make_normal(type, 1, d, 2), make_normal(type, 1, d, 3),
                     make_rows(type, n, d),      make_normal(type, n, d, 4), make_rows(type, n, d),
                     make_vector(type, d),       make_vector(type, d),       1e-5 };
    fill_normal(&b.x, 1, 12, 5);
    return b;
}

static void run_backward(norm *b)
{
    lam_cache *cache = NULL;
    assert_ok(lam_layernorm_forward(&cache, &b->out, &b->x, &b->gamma, &b->beta, b->eps));
    assert_ok(lam_layernorm_backward(&b->dx, &b->dgamma, &b->dbeta, &b->dout, cache));
    lam_cache_free(cache);
}

static double objective(void *arg)
{
    norm *b = arg;
    assert_ok(lam_layernorm_forward(NULL, &b->out, &b->x, &b->gamma, &b->beta, b->eps));
    return dot_of(&b->out, &b->dout);
}

/* Mean and biased variance of a row. */
static void moments_of(double *mean, double *var, const lam_tensor *t, size_t row)
{
    const size_t d = t->shape.dim[1];
    *mean = *var = 0;
    for (size_t j = 0; j < d; j++)
        *mean += (at(t, row * d + j) - at(t, row * d)) / (double)d;
    *mean += at(t, row * d);
    for (size_t j = 0; j < d; j++)
        *var += (at(t, row * d + j) - *mean) * (at(t, row * d + j) - *mean) / (double)d;
}

static void each_row_gets_mean_beta_and_deviation_gamma(void **state)
{
    (void)state;
    EACH_TYPE(type)
    {
        norm b = make_norm(type, 4, 301);
        fill_all(&b.gamma, 3);
        fill_all(&b.beta, 5);
        objective(&b);
        for (size_t i = 0; i < 4; i++) {
            double mean, var;
            moments_of(&mean, &var, &b.out, i);
            assert_near(mean, 5, 1e-5);
            assert_near(sqrt(var), 3, 1e-5);
        }
    }
}

static void values_are_those_of_plain_loops_for_odd_sizes(void **state)
{
    (void)state;
    static const size_t sizes[][2] = { { 1, 1 }, { 3, 2 }, { 9, 17 }, { 24, 5 }, { 25, 33 }, { 2, 1030 } };
    EACH_TYPE(type)
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        const size_t n = sizes[k][0], d = sizes[k][1];
        norm b = make_norm(type, n, d);
        b.eps = 1e-3;
        objective(&b);
        for (size_t i = 0; i < n; i++) {
            double mean, var;
            moments_of(&mean, &var, &b.x, i);
            for (size_t j = 0; j < d; j++) {
                const double y = (at(&b.x, i * d + j) - mean) / sqrt(var + 1e-3) * at(&b.gamma, j) + at(&b.beta, j);
                assert_near(at(&b.out, i * d + j), y, 1000 * unit_of(type));
            }
        }
        free_tensors(NULL);
    }
}

static void a_mean_much_larger_than_the_deviation_leaves_the_variance_right(void **state)
{
    (void)state;
    EACH_TYPE(type)
    {
        norm b = make_norm(type, 5, 501);
        fill_normal(&b.x, 1, 1e4, 1);
        objective(&b);
        for (size_t i = 0; i < 5; i++) {
            double mean, var;
            moments_of(&mean, &var, &b.x, i);
            for (size_t j = 0; j < 501; j++) {
                const double y = (at(&b.x, i * 501 + j) - mean) / sqrt(var + 1e-5) * at(&b.gamma, j) + at(&b.beta, j);
                assert_near(at(&b.out, i * 501 + j), y, 3e4 * unit_of(type) * (1 + fabs(at(&b.gamma, j))));
            }
        }
    }
}

static void backward_is_the_numeric_gradient(void **state)
{
    (void)state;
    static const size_t sizes[][2] = { { 4, 5 }, { 3, 2 }, { 29, 7 }, { 2, 37 } };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        norm b = make_norm(LAM_F64, sizes[i][0], sizes[i][1]);
        run_backward(&b);
        assert_gradient(&b.x, &b.dx, objective, &b);
        assert_gradient(&b.gamma, &b.dgamma, objective, &b);
        assert_gradient(&b.beta, &b.dbeta, objective, &b);
    }
}

static void backward_in_float_agrees_with_double(void **state)
{
    (void)state;
    norm single = make_norm(LAM_F32, 130, 41), twice = make_norm(LAM_F64, 130, 41);
    run_backward(&single);
    run_backward(&twice);
    assert_close(&single.dx, &twice.dx, 2e-6);
    assert_close(&single.dgamma, &twice.dgamma, 2e-6);
    assert_close(&single.dbeta, &twice.dbeta, 2e-6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_row_gets_mean_beta_and_deviation_gamma),
        TEST(values_are_those_of_plain_loops_for_odd_sizes),
        TEST(a_mean_much_larger_than_the_deviation_leaves_the_variance_right),
        TEST(backward_is_the_numeric_gradient),
        TEST(backward_in_float_agrees_with_double),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
