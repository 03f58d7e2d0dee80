/* loss_checks: what holds for every loss. A test of a loss defines LOSS, its function, before it includes this, and
 * TARGETS where it compares scores with numbers, from 0 to 1 here, and not with labels. */
#ifndef LAMI_LOSS_CHECKS_H
#define LAMI_LOSS_CHECKS_H

#include "tensors.h"

typedef struct {
    lam_tensor x, y, dx;
} scores;

#ifdef TARGETS
static scores make_scores(lam_dtype type, size_t n, size_t each, double deviation)
{
    const scores s = { make_rows(type, n, each), make_rows(type, n, each), make_rows(type, n, each) };
    const lami_rng rng = lami_rng_make(21, LAMI_RNG_TEST, 8, 0);
    fill_normal(&s.x, 1, 0, deviation);
    for (size_t i = 0; i < n * each; i++)
        put(&s.y, i, lami_rng_uniform(&rng, i));
    return s;
}
#else
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
#endif

static double objective(void *arg)
{
    scores *s = arg;
    double loss = NAN;
    assert_ok(LOSS(&loss, NULL, &s->x, &s->y));
    return loss;
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
        assert_ok(LOSS(&loss, &s.dx, &s.x, &s.y));
        assert_true(loss == objective(&s));
        assert_gradient(&s.x, &s.dx, objective, &s);
    }
}

static void the_gradient_in_float_agrees_with_double(void **state)
{
    (void)state;
    scores single = make_scores(LAM_F32, 130, 41, 2), twice = make_scores(LAM_F64, 130, 41, 2);
    double a = NAN, b = NAN;
    assert_ok(LOSS(&a, &single.dx, &single.x, &single.y));
    assert_ok(LOSS(&b, &twice.dx, &twice.x, &twice.y));
    assert_near(a, b, 1e-6 * b);
    assert_close(&single.dx, &twice.dx, 1e-6);
}

#ifdef TARGETS
static void a_target_that_is_not_a_number_gives_a_loss_that_is_none(void **state)
{
    (void)state;
    EACH_TYPE(type)
    {
        scores s = make_scores(type, 5, 19, 1);
        put(&s.y, 2 * 19 + 17, NAN);
        assert_true(isnan(objective(&s)));
    }
}

static void targets_of_another_type_or_shape_are_refused(void **state)
{
    (void)state;
    EACH_TYPE(type)
    {
        scores s = make_scores(type, 6, 4, 1);
        double loss;
        const lam_tensor other = make_rows(type == LAM_F32 ? LAM_F64 : LAM_F32, 6, 4), few = make_rows(type, 6, 3);
        assert_int_equal(LOSS(&loss, NULL, &s.x, &other), LAM_EINVAL);
        assert_int_equal(LOSS(&loss, NULL, &s.x, &few), LAM_ESHAPE);
        assert_int_equal(LOSS(&loss, NULL, &s.x, NULL), LAM_EINVAL);
        assert_int_equal(LOSS(NULL, NULL, &s.x, &s.y), LAM_EINVAL);
    }
}
#define TESTS_OF_ANSWERS \
    TEST(a_target_that_is_not_a_number_gives_a_loss_that_is_none), TEST(targets_of_another_type_or_shape_are_refused)
#else
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

#define TESTS_OF_ANSWERS TEST(labels_may_be_bytes_or_integers_of_32_or_64_bits)
#endif

#define TESTS_OF_EVERY_LOSS                                                                                   \
    TEST(a_score_that_is_not_a_number_gives_a_loss_that_is_none), TEST(the_gradient_is_the_numeric_gradient), \
        TEST(the_gradient_in_float_agrees_with_double), TESTS_OF_ANSWERS

#endif
