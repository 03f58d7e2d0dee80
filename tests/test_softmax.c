/* softmax: cross-entropy: values, large scores, gradients. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define LOSS lam_softmax_loss
#include "loss_checks.h"

#include "toy.h"

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

/* ---- label smoothing, which a network has ---- */

/* Scores that are the inputs themselves: an affine layer of the identity. */
static lam_net *identity_net(const char *notation, const lam_options *options, size_t size)
{
    lam_net *net = NULL;
    const lam_tensor w = make_rows(LAM_F64, size, size);
    for (size_t i = 0; i < size; i++)
        put(&w, i * size + i, 1);
    assert_ok(lam_net_new(&net, notation, &(lam_shape) { 1, { size } }, options));
    assert_ok(lam_net_set(net, "affine1.weight", &w));
    return net;
}

/* Loss and gradient of the scores with part s of the target spread over all classes. */
static double smoothed(double *dx, const scores *s, size_t n, size_t classes, double share)
{
    double loss = 0;
    for (size_t i = 0; i < n; i++) {
        double exps = 0;
        for (size_t j = 0; j < classes; j++)
            exps += exp(at(&s->x, i * classes + j));
        for (size_t j = 0; j < classes; j++) {
            const double x = at(&s->x, i * classes + j), p = exp(x) / exps;
            const double target = (1 - share) * (j == label_of(s, i)) + share / (double)classes;
            loss -= target * log(p) / (double)n;
            dx[i * classes + j] = (p - target) / (double)n;
        }
    }
    return loss;
}

static void smoothed_labels_give_loss_and_gradient_of_plain_loops(void **state)
{
    (void)state;
    enum { N = 13, C = 21 };
    static const char *const shares[] = { "0.1", "0", "1", "0.625" };
    EACH_TYPE(type)
    for (size_t k = 0; k < 4; k++) {
        char list[64];
        double loss = NAN, dx[N * C];
        lam_session *session = NULL;
        scores s = make_scores(type, N, C, 2);
        snprintf(list, sizeof list, "batch=13 label-smoothing=%s dtype=%s", shares[k], type == LAM_F32 ? "f32" : "f64");
        lam_options *options = toy_options(list);
        lam_net *net = identity_net("affine 21 - softmax", options, C);
        assert_ok(lam_session_new(&session, net, options));
        assert_ok(lam_session_forward(&loss, session, &s.x, &s.y));
        const double expected = smoothed(dx, &s, N, C, atof(shares[k]));
        assert_near(loss, expected, 32 * unit_of(type) * (expected + 1));
        assert_ok(lam_session_backward(session));
        lam_tensor bias = make_vector(type, C);
        assert_ok(lam_session_grad(session, "affine1.bias", &bias));
        for (size_t j = 0; j < C; j++) {
            double sum = 0;
            for (size_t i = 0; i < N; i++)
                sum += dx[i * C + j];
            assert_near(at(&bias, j), sum, 32 * unit_of(type));
        }
        lam_session_free(session);
        lam_net_free(net);
        lam_options_free(options);
        free_tensors(NULL);
    }
}

static void the_gradient_with_smoothed_labels_is_the_numeric_one(void **state)
{
    (void)state;
    lam_check_row *rows = NULL;
    size_t count = 0;
    lam_options *options = toy_options("label-smoothing=0.3 l2=0.1");
    assert_ok(lam_check(&rows, &count, "affine 9 - tanh - affine 6 - softmax", &(lam_shape) { 1, { 5 } }, options));
    assert_int_equal(count, 5);
    lam_check_free(rows);
    lam_options_free(options);
}

static void smoothing_does_not_count_in_the_loss_of_eval(void **state)
{
    (void)state;
    lam_net *net = NULL;
    lam_metrics a, b;
    lam_data *data = toy_data(30, 0, 5, 3, 1);
    lam_options *options = toy_options("label-smoothing=0.5");
    assert_ok(lam_net_new(&net, "affine 3 - softmax", lam_data_shape(data), NULL));
    assert_ok(lam_eval(&a, net, data, LAM_TRAIN, NULL));
    assert_ok(lam_eval(&b, net, data, LAM_TRAIN, options));
    assert_true(a.loss == b.loss);
    lam_net_free(net);
    lam_data_free(data);
    lam_options_free(options);
}

static void other_losses_refuse_smoothing(void **state)
{
    (void)state;
    static const char *const notations[] = { "affine 3 - svm", "affine 3 - mse", "affine 3 - logistic" };
    lam_options *options = toy_options("label-smoothing=0.1");
    for (size_t i = 0; i < 3; i++) {
        lam_net *net = NULL;
        lam_session *session = NULL;
        assert_ok(lam_net_new(&net, notations[i], &(lam_shape) { 1, { 5 } }, NULL));
        assert_int_equal(lam_session_new(&session, net, options), LAM_EOPTION);
        assert_non_null(strstr(lam_last_error(), "--label-smoothing is for softmax"));
        lam_net_free(net);
    }
    lam_options_free(options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(small_scores_give_the_logarithm_of_the_number_of_classes),
        TEST(the_value_is_that_of_plain_loops),
        TEST(the_gradient_is_the_probability_less_one_at_the_label),
        TEST(large_scores_neither_overflow_nor_lose_the_loss),
        TEST(smoothed_labels_give_loss_and_gradient_of_plain_loops),
        TEST(the_gradient_with_smoothed_labels_is_the_numeric_one),
        TEST(smoothing_does_not_count_in_the_loss_of_eval),
        TEST(other_losses_refuse_smoothing),
        TESTS_OF_EVERY_LOSS,
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
