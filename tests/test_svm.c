/* svm: multiclass hinge: values, the margin itself, gradients. */
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
    assert_ok(lam_svm_loss(&loss, NULL, &s->x, &s->y));
    return loss;
}

static void small_scores_give_the_number_of_wrong_classes(void **state)
{
    (void)state;
    EACH_TYPE(type)
    {
        scores s = make_scores(type, 50, 10, 0.001);
        assert_near(objective(&s), 9, 1e-2);
        fill_all(&s.x, 3);
        assert_near(objective(&s), 9, 0);
    }
}

static void value_and_gradient_are_those_of_plain_loops(void **state)
{
    (void)state;
    EACH_TYPE(type)
    {
        scores s = make_scores(type, 23, 37, 2);
        double sum = 0, loss = NAN, d[37];
        assert_ok(lam_svm_loss(&loss, &s.dx, &s.x, &s.y));
        for (size_t i = 0; i < 23; i++) {
            memset(d, 0, sizeof d);
            for (size_t j = 0; j < 37; j++) {
                const double margin = at(&s.x, i * 37 + j) - at(&s.x, i * 37 + label_of(&s, i)) + 1;
                if (j == label_of(&s, i) || margin <= 0)
                    continue;
                sum += margin;
                d[j]++;
                d[label_of(&s, i)]--;
            }
            for (size_t j = 0; j < 37; j++)
                assert_near(at(&s.dx, i * 37 + j), d[j] / 23, 4 * unit_of(type) * fabs(d[j]));
        }
        assert_near(loss, sum / 23, 64 * unit_of(type) * sum / 23);
    }
}

static void a_margin_of_exactly_zero_costs_nothing(void **state)
{
    (void)state;
    EACH_TYPE(type)
    {
        scores s = make_scores(type, 1, 3, 0);
        ((int32_t *)s.y.data)[0] = 1;
        put(&s.x, 0, 1);
        put(&s.x, 1, 2);
        put(&s.x, 2, 1.5);
        double loss = NAN;
        assert_ok(lam_svm_loss(&loss, &s.dx, &s.x, &s.y));
        assert_near(loss, 0.5, 0);
        assert_elements(&s.dx, (const double[]) { 0, -1, 1 }, 3, 0);
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
        assert_ok(lam_svm_loss(&loss, &s.dx, &s.x, &s.y));
        assert_true(loss == objective(&s));
        assert_gradient(&s.x, &s.dx, objective, &s);
    }
}

static void the_gradient_in_float_agrees_with_double(void **state)
{
    (void)state;
    scores single = make_scores(LAM_F32, 130, 41, 2), twice = make_scores(LAM_F64, 130, 41, 2);
    double a = NAN, b = NAN;
    assert_ok(lam_svm_loss(&a, &single.dx, &single.x, &single.y));
    assert_ok(lam_svm_loss(&b, &twice.dx, &twice.x, &twice.y));
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
        TEST(small_scores_give_the_number_of_wrong_classes),
        TEST(value_and_gradient_are_those_of_plain_loops),
        TEST(a_margin_of_exactly_zero_costs_nothing),
        TEST(a_score_that_is_not_a_number_gives_a_loss_that_is_none),
        TEST(the_gradient_is_the_numeric_gradient),
        TEST(the_gradient_in_float_agrees_with_double),
        TEST(labels_may_be_bytes_or_integers_of_32_or_64_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
