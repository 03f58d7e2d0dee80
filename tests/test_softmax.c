/* softmax: cross-entropy: values, large scores, gradients. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define LOSS lam_softmax_loss
#include "loss_checks.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(small_scores_give_the_logarithm_of_the_number_of_classes),
        TEST(the_value_is_that_of_plain_loops),
        TEST(the_gradient_is_the_probability_less_one_at_the_label),
        TEST(large_scores_neither_overflow_nor_lose_the_loss),
        TESTS_OF_EVERY_LOSS,
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
