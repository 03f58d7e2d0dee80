/* mse: values, gradients, large errors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lamina.h"

#define LOSS lam_mse_loss
#define TARGETS
#include "loss_checks.h"

static void it_is_the_mean_of_the_squares_over_scores_and_samples(void **state)
{
    (void)state;
    EACH_TYPE(type)
    {
        scores s = make_scores(type, 2, 3, 0);
        static const double x[] = { 1, 2, 3, -1, 0, 0.5 }, t[] = { 1, 0, 4, 1, 0, 0 };
        for (size_t i = 0; i < 6; i++) {
            put(&s.x, i, x[i]);
            put(&s.y, i, t[i]);
        }
        double loss = NAN;
        assert_ok(lam_mse_loss(&loss, &s.dx, &s.x, &s.y));
        assert_near(loss, (0 + 4 + 1 + 4 + 0 + 0.25) / 6, 4 * unit_of(type));
        static const double dx[] = { 0, 4.0 / 6, -2.0 / 6, -4.0 / 6, 0, 1.0 / 6 };
        assert_elements(&s.dx, dx, 6, 2 * unit_of(type));
    }
}

static void scores_on_target_cost_nothing(void **state)
{
    (void)state;
    EACH_TYPE(type)
    {
        scores s = make_scores(type, 7, 21, 1);
        double loss = NAN;
        assert_ok(lam_mse_loss(&loss, &s.dx, &s.x, &s.x));
        assert_true(loss == 0);
        for (size_t i = 0; i < 7 * 21; i++)
            assert_true(at(&s.dx, i) == 0);
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
            sum += (at(&s.x, i) - at(&s.y, i)) * (at(&s.x, i) - at(&s.y, i)) / (23 * 37);
        assert_near(objective(&s), sum, 64 * unit_of(type) * sum);
    }
}

static void errors_too_large_to_square_give_infinity(void **state)
{
    (void)state;
    scores s = make_scores(LAM_F32, 3, 5, 1);
    put(&s.x, 7, -1e20);
    assert_true(isinf(objective(&s)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_is_the_mean_of_the_squares_over_scores_and_samples),
        TEST(scores_on_target_cost_nothing),
        TEST(the_value_is_that_of_plain_loops),
        TEST(errors_too_large_to_square_give_infinity),
        TESTS_OF_EVERY_LOSS,
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
