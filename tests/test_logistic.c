/* logistic: values, gradients, large scores, small losses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lamina.h"

#define LOSS lam_logistic_loss
#define TARGETS
#include "loss_checks.h"

static double one_loss(lam_dtype type, double x, double t, double *gradient)
{
    const lam_tensor score = make_rows(type, 1, 1), target = make_rows(type, 1, 1);
    lam_tensor dx = make_rows(type, 1, 1);
    double loss = NAN;
    put(&score, 0, x);
    put(&target, 0, t);
    assert_ok(lam_logistic_loss(&loss, &dx, &score, &target));
    *gradient = at(&dx, 0);
    return loss;
}

static void values_are_the_known_ones(void **state)
{
    (void)state;
    static const struct {
        double x, t, loss, gradient;
    } known[] = { { 0, 0, 0.69314718055994531, 0.5 },
                  { 0, 1, 0.69314718055994531, -0.5 },
                  { 0, 0.25, 0.69314718055994531, 0.25 },
                  { 2, 1, 0.12692801104297249, -0.11920292202211756 },
                  { 2, 0, 2.1269280110429725, 0.88079707797788244 },
                  { -2, 0, 0.12692801104297249, 0.11920292202211756 },
                  { -2, 0.5, 1.1269280110429725, -0.38079707797788244 } };
    EACH_TYPE(type)
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        double gradient;
        assert_near(one_loss(type, known[i].x, known[i].t, &gradient), known[i].loss,
                    4 * unit_of(type) * (1 + known[i].loss));
        assert_near(gradient, known[i].gradient, 4 * unit_of(type));
    }
}

/* Nothing overflows on the wrong side; on the right side the loss is log(1 + e^-|x|), to its last digits. */
static void large_scores_neither_overflow_nor_lose_the_loss(void **state)
{
    (void)state;
    EACH_TYPE(type)
    {
        double gradient;
        assert_true(one_loss(type, 1e30, 0, &gradient) == (type == LAM_F32 ? (double)1e30f : 1e30));
        assert_true(gradient == 1);
        assert_true(one_loss(type, -1e30, 1, &gradient) == (type == LAM_F32 ? (double)1e30f : 1e30));
        assert_true(gradient == -1);
        assert_true(one_loss(type, 1e30, 1, &gradient) == 0);
        assert_true(gradient == 0);
        assert_true(one_loss(type, -1e30, 0, &gradient) == 0);
        assert_true(gradient == 0);
        const double small = log1p(exp(-30)), few = 6 * unit_of(type) * small;
        assert_near(one_loss(type, 30, 1, &gradient), small, few);
        assert_near(one_loss(type, -30, 0, &gradient), small, few);
        assert_near(gradient, 1 / (1 + exp(30)), few);
    }
}

static void the_value_is_that_of_plain_loops(void **state)
{
    (void)state;
    EACH_TYPE(type)
    {
        scores s = make_scores(type, 23, 37, 4);
        double sum = 0;
        for (size_t i = 0; i < 23 * 37; i++)
            sum += (log1p(exp(at(&s.x, i))) - at(&s.y, i) * at(&s.x, i)) / (23 * 37);
        assert_near(objective(&s), sum, 64 * unit_of(type) * sum);
    }
}

static void the_gradient_is_the_probability_less_the_target(void **state)
{
    (void)state;
    EACH_TYPE(type)
    {
        scores s = make_scores(type, 9, 21, 2);
        double loss;
        assert_ok(lam_logistic_loss(&loss, &s.dx, &s.x, &s.y));
        for (size_t i = 0; i < 9 * 21; i++)
            assert_near(at(&s.dx, i), (1 / (1 + exp(-at(&s.x, i))) - at(&s.y, i)) / (9 * 21), 4 * unit_of(type) / 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(values_are_the_known_ones),
        TEST(large_scores_neither_overflow_nor_lose_the_loss),
        TEST(the_value_is_that_of_plain_loops),
        TEST(the_gradient_is_the_probability_less_the_target),
        TESTS_OF_EVERY_LOSS,
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
