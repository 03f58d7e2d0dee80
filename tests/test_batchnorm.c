/* batchnorm: training and test mode, running statistics, a large mean, gradients. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "tensors.h"

typedef struct {
    lam_tensor x, gamma, beta, mean, var, out, dout, dx, dgamma, dbeta;
    lam_batchnorm_param param;
} norm;

static norm make_norm(lam_dtype type, size_t n, size_t d)
{
    const norm b = { make_normal(type, n, d, 1), make_normal(type, 1, d, 2),   make_normal(type, 1, d, 3),
                     make_vector(type, d),       make_vector(type, d),         make_rows(type, n, d),
                     make_normal(type, n, d, 4), make_rows(type, n, d),        make_vector(type, d),
                     make_vector(type, d),       { LAM_MODE_TRAIN, 1e-5, 0.9 } };
    fill_normal(&b.x, 1, 12, 5);
    return b;
}

static void run_forward(norm *b, lam_cache **cache)
{
    assert_ok(lam_batchnorm_forward(cache, &b->out, &b->x, &b->gamma, &b->beta, &b->mean, &b->var, &b->param));
}

static void run_backward(norm *b)
{
    lam_cache *cache = NULL;
    run_forward(b, &cache);
    assert_ok(lam_batchnorm_backward(&b->dx, &b->dgamma, &b->dbeta, &b->dout, cache));
    lam_cache_free(cache);
}

/* Mean and biased variance of a column. */
static void moments_of(double *mean, double *var, const lam_tensor *t, size_t col)
{
    const size_t n = t->shape.dim[0], d = t->shape.dim[1];
    *mean = *var = 0;
    for (size_t i = 0; i < n; i++)
        *mean += (at(t, i * d + col) - at(t, col)) / (double)n;
    *mean += at(t, col);
    for (size_t i = 0; i < n; i++)
        *var += (at(t, i * d + col) - *mean) * (at(t, i * d + col) - *mean) / (double)n;
}

static void training_gives_each_column_mean_beta_and_deviation_gamma(void **state)
{
    (void)state;
    EACH_TYPE(type)
    {
        norm b = make_norm(type, 200, 3);
        for (size_t j = 0; j < 3; j++) {
            put(&b.gamma, j, (double)j + 1);
            put(&b.beta, j, (double)j + 11);
        }
        run_forward(&b, NULL);
        for (size_t j = 0; j < 3; j++) {
            double mean, var;
            moments_of(&mean, &var, &b.out, j);
            assert_near(mean, (double)j + 11, 1e-5);
            assert_near(sqrt(var), (double)j + 1, 1e-5);
        }
    }
}

static void training_gives_the_values_of_plain_loops_for_odd_sizes(void **state)
{
    (void)state;
    static const size_t sizes[][2] = { { 1, 1 }, { 1, 9 }, { 2, 17 }, { 24, 5 }, { 25, 33 }, { 199, 3 }, { 101, 130 } };
    EACH_TYPE(type)
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        const size_t n = sizes[k][0], d = sizes[k][1];
        norm b = make_norm(type, n, d);
        run_forward(&b, NULL);
        for (size_t j = 0; j < d; j++) {
            double mean, var;
            moments_of(&mean, &var, &b.x, j);
            assert_near(at(&b.mean, j), 0.1 * mean, 32 * unit_of(type) * fabs(mean));
            assert_near(at(&b.var, j), 0.1 * var, 32 * unit_of(type) * (var + fabs(mean)));
            for (size_t i = 0; i < n; i++) {
                const double y = (at(&b.x, i * d + j) - mean) / sqrt(var + 1e-5) * at(&b.gamma, j) + at(&b.beta, j);
                assert_near(at(&b.out, i * d + j), y, (n == 1 ? 20000 : 400) * unit_of(type));
            }
        }
        free_tensors(NULL);
    }
}

static void test_mode_uses_the_running_statistics_and_keeps_them(void **state)
{
    (void)state;
    EACH_TYPE(type)
    {
        norm b = make_norm(type, 7, 11);
        b.param = (lam_batchnorm_param) { LAM_MODE_TEST, 1e-3, 0.5 };
        fill_linspace(&b.mean, 9, 13);
        fill_linspace(&b.var, 0.5, 30);
        const lam_tensor mean = make_copy(&b.mean), var = make_copy(&b.var);
        run_forward(&b, NULL);
        assert_same_bits(&b.mean, &mean);
        assert_same_bits(&b.var, &var);
        for (size_t i = 0; i < 77; i++) {
            const size_t j = i % 11;
            const double scale = at(&b.gamma, j) / sqrt(at(&var, j) + 1e-3);
            assert_near(at(&b.out, i), (at(&b.x, i) - at(&mean, j)) * scale + at(&b.beta, j), 1000 * unit_of(type));
        }
    }
}

static void after_many_steps_test_mode_normalises_new_samples(void **state)
{
    (void)state;
    EACH_TYPE(type)
    {
        norm b = make_norm(type, 200, 5);
        fill_all(&b.gamma, 1);
        fill_all(&b.beta, 0);
        lam_cache *cache = NULL;
        for (uint32_t t = 0; t < 50; t++) {
            fill_normal(&b.x, 100 + t, 12, 5);
            run_forward(&b, &cache);
        }
        b.param.mode = LAM_MODE_TEST;
        fill_normal(&b.x, 99, 12, 5);
        run_forward(&b, &cache);
        for (size_t j = 0; j < 5; j++) {
            double mean, var;
            moments_of(&mean, &var, &b.out, j);
            assert_near(mean, 0, 0.2);
            assert_near(sqrt(var), 1, 0.15);
        }
        lam_cache_free(cache);
    }
}

static void running_statistics_follow_eps_and_momentum_exactly(void **state)
{
    (void)state;
    norm b = make_norm(LAM_F64, 31, 4);
    b.param = (lam_batchnorm_param) { LAM_MODE_TRAIN, 0.1, 0.75 };
    double expected_mean = -3, expected_var = 2, mean, var;
    put(&b.mean, 2, expected_mean);
    put(&b.var, 2, expected_var);
    for (uint32_t t = 0; t < 9; t++) {
        fill_normal(&b.x, t, 3, 2);
        run_forward(&b, NULL);
        moments_of(&mean, &var, &b.x, 2);
        expected_mean = 0.75 * expected_mean + 0.25 * mean;
        expected_var = 0.75 * expected_var + 0.25 * var;
    }
    assert_near(at(&b.mean, 2), expected_mean, 1e-14);
    assert_near(at(&b.var, 2), expected_var, 1e-13);
    assert_near(at(&b.out, 2), (at(&b.x, 2) - mean) / sqrt(var + 0.1) * at(&b.gamma, 2) + at(&b.beta, 2), 1e-13);
}

/* Deviation 1 round 10000: sums of squares would have no digit left in float. */
static void a_mean_much_larger_than_the_deviation_costs_no_digits_of_the_variance(void **state)
{
    (void)state;
    EACH_TYPE(type)
    {
        const size_t n = 501;
        norm b = make_norm(type, n, 3);
        b.param.momentum = 0;
        fill_normal(&b.x, 1, 1e4, 1);
        run_forward(&b, NULL);
        for (size_t j = 0; j < 3; j++) {
            double mean, var;
            moments_of(&mean, &var, &b.x, j);
            assert_near(at(&b.mean, j), mean, 2e4 * unit_of(type));
            assert_near(at(&b.var, j), var, 100 * unit_of(type));
            for (size_t i = 0; i < n; i++) {
                const double y = (at(&b.x, i * 3 + j) - mean) / sqrt(var + 1e-5) * at(&b.gamma, j) + at(&b.beta, j);
                assert_near(at(&b.out, i * 3 + j), y, 3e4 * unit_of(type) * (1 + fabs(at(&b.gamma, j))));
            }
        }
    }
}

static double objective(void *arg)
{
    norm *b = arg;
    const lam_tensor mean = make_copy(&b->mean), var = make_copy(&b->var);
    run_forward(b, NULL);
    memcpy(b->mean.data, mean.data, count_of(&mean) * sizeof(double));
    memcpy(b->var.data, var.data, count_of(&var) * sizeof(double));
    for (int i = 0; i < 2; i++)
        free(tensor_memory[--tensor_count]);
    return dot_of(&b->out, &b->dout);
}

static void assert_gradients(norm *b)
{
    assert_gradient(&b->x, &b->dx, objective, b);
    assert_gradient(&b->gamma, &b->dgamma, objective, b);
    assert_gradient(&b->beta, &b->dbeta, objective, b);
}

static void backward_is_the_numeric_gradient(void **state)
{
    (void)state;
    static const size_t sizes[][2] = { { 4, 5 }, { 1, 3 }, { 29, 7 } };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        norm b = make_norm(LAM_F64, sizes[i][0], sizes[i][1]);
        run_backward(&b);
        assert_gradients(&b);
    }
}

static void backward_of_test_mode_takes_the_statistics_as_constants(void **state)
{
    (void)state;
    norm b = make_norm(LAM_F64, 6, 7);
    b.param.mode = LAM_MODE_TEST;
    fill_linspace(&b.mean, 9, 13);
    fill_linspace(&b.var, 0.5, 30);
    run_backward(&b);
    assert_gradients(&b);
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
        TEST(training_gives_each_column_mean_beta_and_deviation_gamma),
        TEST(training_gives_the_values_of_plain_loops_for_odd_sizes),
        TEST(test_mode_uses_the_running_statistics_and_keeps_them),
        TEST(after_many_steps_test_mode_normalises_new_samples),
        TEST(running_statistics_follow_eps_and_momentum_exactly),
        TEST(a_mean_much_larger_than_the_deviation_costs_no_digits_of_the_variance),
        TEST(backward_is_the_numeric_gradient),
        TEST(backward_of_test_mode_takes_the_statistics_as_constants),
        TEST(backward_in_float_agrees_with_double),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
