/* average: --ema, the average of all parameters that is measured and kept in place of the weights. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "../src/core/mem.h"
#include "../src/net/session.h"
#include "../src/optim/optim.h"
#include "../src/train/metrics.h"
#include "../src/train/solver.h"
#include "folder.h"
#include "toy.h"

static const char notation[] = "{affine 9 - batchnorm - relu - dropout 0.2} x 2 - affine 3 - softmax";
enum { N = 53, VAL = 30, D = 12, BATCH = 8, UPDATES = 25 };

static lam_net *new_net(const lam_data *data, const char *list)
{
    lam_net *net = NULL;
    lam_options *options = toy_options(list);
    assert_ok(lam_net_new(&net, notation, lam_data_shape(data), options));
    lam_options_free(options);
    return net;
}

static lami_result train(lam_net *net, const lam_data *data, const char *list)
{
    lami_solver *solver = NULL;
    lami_result result = { 0 };
    lam_options *options = toy_options(list);
    assert_ok(lami_solver_new(&solver, net, data, options));
    assert_ok(lami_solver_run(&result, solver, NULL, NULL));
    lami_solver_free(solver);
    lam_options_free(options);
    return result;
}

static void early_steps_forget_faster(void **state)
{
    (void)state;
    assert_true(lami_optim_keep(0.999, 1) == 2.0 / 11);
    assert_true(lami_optim_keep(0.999, 90) == 91.0 / 100);
    assert_true(lami_optim_keep(0.999, 1000000) == 0.999);
    assert_true(lami_optim_keep(0.1, 1) == 0.1);
}

/* ---- the average itself ---- */

/* Steps of one session; `average` (values_count doubles) follows them in a plain loop. The digest is of the session's. */
static void follow(char digest[65], const lam_data *data, const char *list, double tolerance)
{
    lam_options *options = toy_options(list);
    lam_net *net = new_net(data, list);
    lam_session *session = NULL;
    lami_batch_rows rows;
    double *average = lami_alloc(net->values_count, sizeof *average);
    assert_ok(lami_session_make(&session, net, options, LAMI_SESSION_TRAIN));
    assert_ok(lami_batch_rows_new(&rows, BATCH));
    const void *is = lami_session_average(session);
    assert_memory_equal(is, net->values, net->values_count * lami_dtype_size(net->dtype));
    for (size_t i = 0; i < net->values_count; i++)
        average[i] = lami_real_at(net->values, net->dtype, i);
    for (size_t t = 1, at = 0; t <= UPDATES; t++) {
        double loss;
        for (size_t k = 0; k < options->accumulate; k++, at = (at + 5) % (N - BATCH)) {
            const lami_batch b = lami_gather(&rows, data, LAM_TRAIN, NULL, at, BATCH, NULL);
            assert_ok(lami_session_load(session, &b));
            assert_ok(lami_session_train(&loss, session));
        }
        const double early = (1.0 + (double)t) / (10.0 + (double)t);
        const double keep = early < options->ema ? early : options->ema;
        for (size_t i = 0; i < net->values_count; i++) {
            average[i] = keep * average[i] + (1 - keep) * lami_real_at(net->values, net->dtype, i);
            assert_true(fabs(average[i] - lami_real_at(is, net->dtype, i)) <= tolerance * (1 + fabs(average[i])));
        }
    }
    assert_ok(lami_net_digest(net, is, digest));
    lami_free(average);
    lami_batch_rows_free(&rows);
    lam_session_free(session);
    lam_net_free(net);
    lam_options_free(options);
}

static void it_is_that_of_a_plain_loop_and_of_all_parameters(void **state)
{
    (void)state;
    static const struct {
        const char *list;
        double tolerance;
    } cases[] = { { "dtype=f64 ema=0.9 lr=0.01", 1e-14 },
                  { "dtype=f64 ema=0.3 optim=sgd lr=0.1 accumulate=2 clip=1", 1e-14 },
                  { "ema=0.99 optim=momentum lr=0.01", 2e-6 },
                  { "ema=0.5 optim=rmsprop accumulate=3 lr=0.01", 2e-6 } };
    static const char *const ways[] = { "threads=1", "threads=2", "threads=7", "threads=2 no-merge=1" };
    lam_data *data = toy_data(N, 0, D, 3, 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char first[65], digest[65], list[160];
        for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
            snprintf(list, sizeof list, "%s batch=%d %s", cases[i].list, BATCH, ways[w]);
            follow(w ? digest : first, data, list, cases[i].tolerance);
            if (w)
                assert_string_equal(first, digest);
        }
    }
    lam_data_free(data);
}

static void a_parameter_that_never_moves_keeps_its_bits(void **state)
{
    (void)state;
    lam_data *data = toy_data(N, 0, D, 3, 1);
    lam_net *net = new_net(data, ""), *start = new_net(data, "");
    lam_options *options = toy_options("ema=0.9 epochs=3 batch=8");
    assert_ok(lam_options_set(options, "set", "affine1.* lr 0"));
    assert_ok(lam_train(net, data, options, NULL, NULL));
    const size_t w = lami_net_param_find(net, "affine1.weight"), other = lami_net_param_find(net, "affine2.weight");
    assert_memory_equal(lami_net_values(net, w), lami_net_values(start, w), net->param[w].count * sizeof(float));
    assert_memory_not_equal(lami_net_values(net, other), lami_net_values(start, other),
                            net->param[other].count * sizeof(float));
    lam_options_free(options);
    lam_net_free(net);
    lam_net_free(start);
    lam_data_free(data);
}

/* ---- in a training ---- */

static void training_goes_on_with_the_weights_and_keeps_their_average(void **state)
{
    (void)state;
    static const char plain[] = "epochs=4 batch=10 lr=0.02";
    lam_data *data = toy_data(N, 0, D, 3, 1.5);
    lam_net *net = new_net(data, ""), *averaged = new_net(data, "");
    const lami_result a = train(net, data, plain);
    char list[64], digest[65];
    snprintf(list, sizeof list, "%s ema=0.9", plain);
    const lami_result b = train(averaged, data, list);
    assert_string_equal(a.weights_sha256, a.best_sha256);
    assert_string_equal(a.weights_sha256, b.weights_sha256); /* of the last step, average or not */
    assert_string_not_equal(b.weights_sha256, b.best_sha256);
    assert_ok(lam_net_sha256(averaged, digest));
    assert_string_equal(digest, b.best_sha256);
    lam_net_free(net);
    lam_net_free(averaged);
    lam_data_free(data);
}

static void the_best_average_is_what_was_validated_and_is_saved(void **state)
{
    (void)state;
    lam_data *data = toy_data(N, VAL, D, 3, 2);
    lam_net *net = new_net(data, ""), *saved = NULL;
    char list[1200], digest[65];
    lam_metrics m;
    snprintf(list, sizeof list, "epochs=6 batch=10 lr=0.02 ema=0.95");
    lam_options *options = toy_options(list);
    assert_ok(lam_options_set(options, "out", in_folder("averaged")));
    lami_solver *solver = NULL;
    lami_result r;
    assert_ok(lami_solver_new(&solver, net, data, options));
    assert_ok(lami_solver_run(&r, solver, NULL, NULL));
    assert_ok(lam_eval(&m, net, data, LAM_VAL, NULL));
    assert_true(m.accuracy == r.best_accuracy);
    assert_ok(lam_net_load(&saved, in_folder("averaged")));
    assert_ok(lam_net_sha256(saved, digest));
    assert_string_equal(digest, r.best_sha256);
    lam_net_free(saved);
    assert_ok(lam_net_load(&saved, in_folder("averaged/last.ckpt"))); /* the weights are in the checkpoint */
    assert_ok(lam_net_sha256(saved, digest));
    assert_string_equal(digest, r.weights_sha256);
    lam_net_free(saved);
    lami_solver_free(solver);
    lam_options_free(options);
    lam_net_free(net);
    lam_data_free(data);
}

static void sessions_of_ones_own_have_none(void **state)
{
    (void)state;
    lam_data *data = toy_data(N, 0, D, 3, 1);
    lam_net *net = new_net(data, "");
    lam_options *options = toy_options("ema=0.9 batch=8");
    for (lami_session_kind kind = LAMI_SESSION_TRAIN; kind <= LAMI_SESSION_MOMENTS; kind++) {
        lam_session *session = NULL;
        assert_ok(lami_session_make(&session, net, options, kind));
        assert_true(!!lami_session_average(session) == (kind == LAMI_SESSION_TRAIN));
        lam_session_free(session);
    }
    lam_options_free(options);
    lam_net_free(net);
    lam_data_free(data);
}

static void a_share_outside_of_0_to_1_is_refused(void **state)
{
    (void)state;
    lam_options *options = toy_options("");
    static const char *const bad[] = { "1", "-0.1", "nan", "much" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(lam_options_set(options, "ema", bad[i]), LAM_EOPTION);
    lam_options_free(options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(early_steps_forget_faster),
        cmocka_unit_test(it_is_that_of_a_plain_loop_and_of_all_parameters),
        cmocka_unit_test(a_parameter_that_never_moves_keeps_its_bits),
        cmocka_unit_test(training_goes_on_with_the_weights_and_keeps_their_average),
        cmocka_unit_test(the_best_average_is_what_was_validated_and_is_saved),
        cmocka_unit_test(sessions_of_ones_own_have_none),
        cmocka_unit_test(a_share_outside_of_0_to_1_is_refused),
    };
    return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
