/* svm: multiclass hinge: values, the margin itself, gradients. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define LOSS lam_svm_loss
#include "loss_checks.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(small_scores_give_the_number_of_wrong_classes),
        TEST(value_and_gradient_are_those_of_plain_loops),
        TEST(a_margin_of_exactly_zero_costs_nothing),
        TESTS_OF_EVERY_LOSS,
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
