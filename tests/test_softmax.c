/* softmax: cross-entropy: values, large scores, gradients. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "tensors.h"

typedef struct {
    lam_tensor x, y, dx;
} scores;

static scores make_scores(lam_dtype type, size_t n, size_t classes, double deviation)
{
    const scores s = { make_rows(type, n, classes), make_tensor(LAM_I32, lami_shape1(n)), make_rows(type, n, classes) };
    const lami_rng rng = lami_rng_make(21, LAMI_RNG_TEST, 8, 0);
    fill_normal(&s.x, 1, 0, deviation);
    for (size_t i = 0; i < n; i++)
        ((int32_t *)s.y.data)[i] = (int32_t)lami_rng_below(&rng, i, classes);
    return s;
}

static size_t label_of(const scores *s, size_t i)
{
    return (size_t)((const int32_t *)s->y.data)[i];
}

static double objective(void *arg)
{
    scores *s = arg;
    double loss = NAN;
    assert_ok(lam_softmax_loss(&loss, NULL, &s->x, &s->y));
    return loss;
}

static void small_scores_give_the_logarithm_of_the_number_of_classes(void **state)
{
    (void)state;
    EACH_TYPE(type)
    {
        scores s = make_scores(type, 50, 10, 0.001);
        assert_near(objective(&s), 2.302585092994046, 1e-3);
        fill_all(&s.x, -7);
        assert_near(objective(&s), 2.302585092994046, 32 * unit_of(type));
    }
}

static void the_value_is_that_of_plain_loops(void **state)
{
    (void)state;
    EACH_TYPE(type)
    {
        scores s = make_scores(type, 23, 37, 4);
        double sum = 0;
        for (size_t i = 0; i < 23; i++) {
            double exps = 0;
            for (size_t j = 0; j < 37; j++)
                exps += exp(at(&s.x, i * 37 + j));
            sum += log(exps) - at(&s.x, i * 37 + label_of(&s, i));
        }
        assert_near(objective(&s), sum / 23, 64 * unit_of(type) * sum / 23);
    }
}

static void the_gradient_is_the_probability_less_one_at_the_label(void **state)
{
    (void)state;
    EACH_TYPE(type)
    {
        scores s = make_scores(type, 9, 21, 2);
        double loss;
        assert_ok(lam_softmax_loss(&loss, &s.dx, &s.x, &s.y));
        for (size_t i = 0; i < 9; i++) {
            double exps = 0;
            for (size_t j = 0; j < 21; j++)
                exps += exp(at(&s.x, i * 21 + j));
            for (size_t j = 0; j < 21; j++)
                assert_near(at(&s.dx, i * 21 + j), (exp(at(&s.x, i * 21 + j)) / exps - (j == label_of(&s, i))) / 9,
                            4 * unit_of(type));
        }
    }
}

static void large_scores_neither_overflow_nor_lose_the_loss(void **state)
{
    (void)state;
    EACH_TYPE(type)
    {
        scores s = make_scores(type, 2, 3, 0);
        const double values[] = { 1e4, 9990, -1e4, 1e30, -1e30, 0 };
        for (size_t i = 0; i < 6; i++)
            put(&s.x, i, values[i]);
        ((int32_t *)s.y.data)[0] = 1;
        ((int32_t *)s.y.data)[1] = 0;
        double loss = NAN;
        assert_ok(lam_softmax_loss(&loss, &s.dx, &s.x, &s.y));
        assert_near(loss, (10 + log(1 + exp(-10))) / 2, 32 * unit_of(type));
        assert_near(at(&s.dx, 0), 0.5 / (1 + exp(-10)), 8 * unit_of(type));
        assert_near(at(&s.dx, 2), 0, 0);
        for (size_t i = 3; i < 6; i++)
            assert_near(at(&s.dx, i), 0, 0);
    }
}

static void a_score_that_is_not_a_number_gives_a_loss_that_is_none(void **state)
{
    (void)state;
    EACH_TYPE(type)
    {
        scores s = make_scores(type, 5, 19, 1);
        put(&s.x, 2 * 19 + 17, NAN);
        assert_true(isnan(objective(&s)));
    }
}

static void the_gradient_is_the_numeric_gradient(void **state)
{
    (void)state;
    static const size_t sizes[][2] = { { 50, 10 }, { 1, 1 }, { 1, 2 }, { 27, 33 } };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        scores s = make_scores(LAM_F64, sizes[i][0], sizes[i][1], 3);
        double loss = NAN;
        assert_ok(lam_softmax_loss(&loss, &s.dx, &s.x, &s.y));
        assert_true(loss == objective(&s));
        assert_gradient(&s.x, &s.dx, objective, &s);
    }
}

static void the_gradient_in_float_agrees_with_double(void **state)
{
    (void)state;
    scores single = make_scores(LAM_F32, 130, 41, 2), twice = make_scores(LAM_F64, 130, 41, 2);
    double a = NAN, b = NAN;
    assert_ok(lam_softmax_loss(&a, &single.dx, &single.x, &single.y));
    assert_ok(lam_softmax_loss(&b, &twice.dx, &twice.x, &twice.y));
    assert_near(a, b, 1e-6 * b);
    assert_close(&single.dx, &twice.dx, 1e-6);
}

static void labels_may_be_bytes_or_integers_of_32_or_64_bits(void **state)
{
    (void)state;
    scores s = make_scores(LAM_F32, 50, 10, 1);
    uint8_t bytes[50];
    int64_t wide[50];
    for (size_t i = 0; i < 50; i++)
        wide[i] = bytes[i] = (uint8_t)label_of(&s, i);
    const double loss = objective(&s);
    s.y = (lam_tensor) { LAM_U8, { 1, { 50 } }, bytes };
    assert_true(objective(&s) == loss);
    s.y = (lam_tensor) { LAM_I64, { 1, { 50 } }, wide };
    assert_true(objective(&s) == loss);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(small_scores_give_the_logarithm_of_the_number_of_classes),
        TEST(the_value_is_that_of_plain_loops),
        TEST(the_gradient_is_the_probability_less_one_at_the_label),
        TEST(large_scores_neither_overflow_nor_lose_the_loss),
        TEST(a_score_that_is_not_a_number_gives_a_loss_that_is_none),
        TEST(the_gradient_is_the_numeric_gradient),
        TEST(the_gradient_in_float_agrees_with_double),
        TEST(labels_may_be_bytes_or_integers_of_32_or_64_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
