/* solver: training as the course knows it, and what lamina adds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "../src/core/mem.h"
#include "../src/core/random.h"
#include "../src/train/metrics.h"
#include "../src/train/solver.h"
#include "folder.h"
#include "toy.h"

static const char notation[] = "{affine 9 - batchnorm - relu - dropout 0.2} x 2 - affine 3 - softmax";

static lam_net *new_net(const char *text, const lam_data *data, const char *list)
{
    lam_net *net = NULL;
    lam_options *options = toy_options(list);
    assert_int_equal(lam_net_new(&net, text, lam_data_shape(data), options), LAM_OK);
    lam_options_free(options);
    return net;
}

/* Train; status as expected; the result where it is LAM_OK. */
static lami_result train(lam_net *net, const lam_data *data, const char *list, lam_status expected,
                         lam_callback callback, void *arg)
{
    lami_solver *solver = NULL;
    lami_result result = { 0 };
    lam_options *options = toy_options(list);
    lam_status status = lami_solver_new(&solver, net, data, options);
    if (!status)
        status = lami_solver_run(&result, solver, callback, arg);
    if (status != expected)
        print_error("%s: %s\n", list, lam_last_error());
    assert_int_equal(status, expected);
    lami_solver_free(solver);
    lam_options_free(options);
    return result;
}

static void fifty_samples_are_learnt_by_heart_in_twenty_epochs(void **state)
{
    (void)state;
    static const char *const nets[] = { "{affine 100 - relu} x 2 - affine 10 - softmax",
                                        "{affine 100 - relu} x 4 - affine 10 - softmax",
                                        "{affine 100 - batchnorm - relu} x 2 - affine 10 - svm" };
    lam_data *data = toy_data(50, 0, 60, 10, 2);
    for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
        lam_net *net = new_net(nets[i], data, "");
        lam_metrics metrics;
        const lami_result r = train(net, data, "epochs=20 batch=25 lr=3e-3", LAM_OK, NULL, NULL);
        assert_true(r.train_accuracy == 1);
        assert_int_equal(r.steps, 40);
        assert_int_equal(r.epochs, 20);
        assert_int_equal(lam_eval(&metrics, net, data, LAM_TRAIN, NULL), LAM_OK);
        assert_true(metrics.accuracy == 1 && metrics.loss < 0.5);
        lam_net_free(net);
    }
    lam_data_free(data);
}

static void the_first_loss_with_small_weights_is_log_c(void **state)
{
    (void)state;
    lam_data *data = toy_data(50, 0, 60, 10, 2);
    lam_net *net = new_net("{affine 100 - relu} x 2 - affine 10 - softmax", data, "init-scale=1e-4");
    const lami_result r = train(net, data, "steps=1 batch=50", LAM_OK, NULL, NULL);
    assert_true(fabs(r.loss - 2.302585092994046) < 1e-4);
    lam_net_free(net);
    net = new_net("affine 100 - relu - affine 10 - svm", data, "init-scale=1e-4");
    assert_true(fabs(train(net, data, "steps=1 batch=50", LAM_OK, NULL, NULL).loss - 9) < 1e-3);
    lam_net_free(net);
    lam_data_free(data);
}

/* ---- a loop of one's own ---- */

enum { N = 53, D = 12, BATCH = 8, STEPS = 25 };

static void own_loop(lam_net *net, const lam_data *data, lam_options *options, int replace)
{
    lam_session *session = NULL;
    uint32_t order[N];
    float x[BATCH * D];
    int32_t y[BATCH];
    double loss, lr = 0.01;
    assert_int_equal(lam_session_new(&session, net, options), LAM_OK);
    for (size_t step = 0; step < STEPS; step++) {
        const size_t epoch = step / (N / BATCH), at = step % (N / BATCH);
        const lami_rng rng = lami_rng_make(5, LAMI_RNG_ORDER, 0, (uint32_t)(replace ? step : epoch));
        if (!at && !replace)
            lami_rng_order(order, N, &rng);
        if (!at && step)
            lr *= 0.5;
        for (size_t i = 0; i < BATCH; i++) {
            const size_t sample = replace ? lami_rng_below(&rng, i, N) : order[at * BATCH + i];
            memcpy(x + i * D, lami_data_sample(data, LAM_TRAIN, sample), D * sizeof *x);
            y[i] = lam_data_label(data, LAM_TRAIN, sample);
        }
        assert_int_equal(lam_session_set_lr(session, lr), LAM_OK);
        assert_int_equal(lam_session_forward(&loss, session, &(lam_tensor) { LAM_F32, { 2, { BATCH, D } }, x },
                                             &(lam_tensor) { LAM_I32, { 1, { BATCH } }, y }),
                         LAM_OK);
        assert_int_equal(lam_session_backward(session), LAM_OK);
        assert_int_equal(lam_session_step(session), LAM_OK);
    }
    lam_session_free(session);
}

static void a_loop_of_ones_own_gives_the_bits_of_lam_train(void **state)
{
    (void)state;
    static const char *const lists[] = { "optim=adam", "optim=momentum l2=1e-3", "optim=rmsprop dtype=f64",
                                         "optim=sgd sample=replace", "optim=nesterov no-merge=1 threads=1" };
    lam_data *data = toy_data(N, 0, D, 3, 1);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        char list[128], trained[65], looped[65];
        snprintf(list, sizeof list, "%s seed=5 batch=8 lr=0.01 lr-decay=0.5 steps=25", lists[i]);
        lam_options *options = toy_options(list);
        lam_net *net = new_net(notation, data, list), *own = new_net(notation, data, list);
        assert_int_equal(lam_train(net, data, options, NULL, NULL), LAM_OK);
        own_loop(own, data, options, strstr(list, "replace") != NULL);
        assert_int_equal(lam_net_sha256(net, trained), LAM_OK);
        assert_int_equal(lam_net_sha256(own, looped), LAM_OK);
        assert_string_equal(trained, looped);
        lam_options_free(options);
        lam_net_free(net);
        lam_net_free(own);
    }
    lam_data_free(data);
}

/* ---- what a training consists of ---- */

/* What the callback saw. */
typedef struct seen {
    size_t calls, ends, stop_at;
    lam_progress last;
    double best_after[64];
} seen;

static int watch(const lam_progress *p, void *arg)
{
    seen *s = arg;
    s->calls++;
    assert_int_equal(p->step, s->calls);
    assert_true(p->samples_per_second >= 0 && p->seconds >= 0);
    if (p->epoch_end)
        s->best_after[s->ends++] = p->best_accuracy;
    s->last = *p;
    return p->step == s->stop_at;
}

static void an_epoch_takes_n_over_batch_steps_and_may_be_a_fraction(void **state)
{
    (void)state;
    static const struct {
        const char *list;
        size_t steps, epochs, ends;
    } rows[] = {
        { "epochs=2 batch=10", 10, 2, 2 },
        { "epochs=1.5 batch=10", 8, 1, 2 },
        { "epochs=0.01 batch=10", 1, 0, 1 },
        { "epochs=3 batch=1000", 3, 3, 3 },
        { "steps=7 batch=10", 7, 1, 2 },
        { "steps=7 epochs=2 batch=10", 7, 1, 2 },
        { "time=0s epochs=100 batch=10", 0, 0, 0 },
        { "epochs=0", 0, 0, 0 },
        { "batch=53", 10, 10, 10 },
    };
    lam_data *data = toy_data(N, 20, D, 3, 1);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        seen s = { 0 };
        lam_net *net = new_net(notation, data, "");
        const lami_result r = train(net, data, rows[i].list, LAM_OK, watch, &s);
        assert_int_equal(r.steps, rows[i].steps);
        assert_int_equal(r.epochs, rows[i].epochs);
        assert_int_equal(s.calls, rows[i].steps);
        assert_int_equal(s.ends, rows[i].ends);
        assert_false(isnan(r.val_accuracy));
        lam_net_free(net);
    }
    lam_data_free(data);
}

static void time_alone_stops_and_changes_nothing_else(void **state)
{
    (void)state;
    lam_data *data = toy_data(N, 20, D, 3, 1);
    lam_net *net = new_net(notation, data, ""), *same = new_net(notation, data, "");
    const lami_result r = train(net, data, "time=0.05s batch=10", LAM_OK, NULL, NULL);
    char list[64];
    assert_true(r.steps > 0 && r.seconds >= 0.05);
    snprintf(list, sizeof list, "steps=%zu batch=10", r.steps);
    assert_string_equal(train(same, data, list, LAM_OK, NULL, NULL).weights_sha256, r.weights_sha256);
    lam_net_free(net);
    lam_net_free(same);
    lam_data_free(data);
}

static void the_callback_sees_each_step_and_can_stop(void **state)
{
    (void)state;
    lam_data *data = toy_data(N, 20, D, 3, 1);
    lam_net *net = new_net(notation, data, "");
    seen s = { .stop_at = 7 };
    const lami_result r = train(net, data, "epochs=4 batch=10 lr=1e-3 lr-decay=0.5", LAM_OK, watch, &s);
    assert_true(r.stopped);
    assert_int_equal(s.calls, 7);
    assert_int_equal(r.steps, 7);
    assert_int_equal(s.last.steps, 20);
    assert_int_equal(s.last.epochs, 4);
    assert_int_equal(s.last.epoch, 1);
    assert_true(s.last.lr == 1e-3 * 0.5);
    assert_true(s.last.loss == r.loss);
    lam_net_free(net);
    lam_data_free(data);
}

static void histories_have_an_entry_per_epoch(void **state)
{
    (void)state;
    lam_data *data = toy_data(N, 20, D, 3, 1);
    lam_net *net = new_net(notation, data, "");
    lam_options *options = toy_options("epochs=3.5 batch=10 lr=0.01 lr-decay=0.5");
    lami_solver *solver = NULL;
    size_t count = 0;
    assert_int_equal(lami_solver_new(&solver, net, data, options), LAM_OK);
    assert_int_equal(lami_solver_run(NULL, solver, NULL, NULL), LAM_OK);
    const lami_history *h = lami_solver_history(solver, &count);
    assert_int_equal(count, 4);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(h[i].step, i < 3 ? 5 * (i + 1) : 18);
        assert_int_equal(h[i].epoch, i < 3 ? i + 1 : 3);
        assert_true(h[i].lr == 0.01 * pow(0.5, (double)i));
        assert_true(h[i].loss > 0 && h[i].train_accuracy >= 0 && h[i].val_accuracy <= 1);
    }
    assert_int_equal(lami_solver_run(NULL, solver, NULL, NULL), LAM_EINVAL);
    lami_solver_free(solver);
    lam_options_free(options);
    lam_net_free(net);
    lam_data_free(data);
}

static void the_network_ends_as_the_best_one_with_its_own_statistics(void **state)
{
    (void)state;
    lam_data *data = toy_data(N, 60, D, 3, 1.5);
    lam_net *net = new_net(notation, data, "");
    lam_metrics metrics;
    char hash[65];
    /* A rate that ruins the network after a while: the best is not the last. */
    const lami_result r = train(net, data, "epochs=12 batch=10 lr=0.02 lr-decay=3", LAM_OK, NULL, NULL);
    assert_int_equal(lam_eval(&metrics, net, data, LAM_VAL, NULL), LAM_OK);
    assert_true(metrics.accuracy == r.best_accuracy);
    assert_int_equal(metrics.count, 60);
    assert_int_equal(lam_net_sha256(net, hash), LAM_OK);
    assert_string_equal(hash, r.best_sha256);
    assert_string_not_equal(hash, r.weights_sha256);
    lam_net_free(net);
    lam_data_free(data);
}

static void without_validation_the_last_weights_stay(void **state)
{
    (void)state;
    lam_data *data = toy_data(N, 0, D, 3, 1);
    lam_net *net = new_net(notation, data, "");
    const lami_result r = train(net, data, "epochs=2 batch=10", LAM_OK, NULL, NULL);
    char hash[65];
    assert_true(isnan(r.val_accuracy) && r.best_accuracy >= r.train_accuracy);
    assert_int_equal(lam_net_sha256(net, hash), LAM_OK);
    assert_string_equal(hash, r.weights_sha256);
    assert_string_equal(hash, r.best_sha256);
    train(net, data, "patience=2", LAM_EOPTION, NULL, NULL);
    assert_message("--patience");
    lam_net_free(net);
    lam_data_free(data);
}

static void patience_ends_a_training_that_does_not_get_better(void **state)
{
    (void)state;
    lam_data *data = toy_data(N, 20, D, 3, 1);
    lam_net *net = new_net(notation, data, "");
    seen s = { 0 };
    const lami_result r = train(net, data, "epochs=60 batch=10 lr=0 patience=3", LAM_OK, watch, &s);
    /* With a rate of 0 only the running statistics move: soon nothing changes any more. */
    assert_true(r.epochs < 60 && !r.stopped);
    const size_t end = s.ends;
    assert_true(end > 3 && s.best_after[end - 1] == s.best_after[end - 4]);
    assert_true(end == 4 || s.best_after[end - 4] > s.best_after[end - 5]);
    lam_net_free(net);
    lam_data_free(data);
}

static void sampling_with_replacement_is_another_order(void **state)
{
    (void)state;
    lam_data *data = toy_data(N, 0, D, 3, 1);
    lam_net *a = new_net(notation, data, ""), *b = new_net(notation, data, "");
    const lami_result shuffled = train(a, data, "steps=20 batch=10", LAM_OK, NULL, NULL);
    const lami_result drawn = train(b, data, "steps=20 batch=10 sample=replace", LAM_OK, NULL, NULL);
    assert_string_not_equal(shuffled.weights_sha256, drawn.weights_sha256);
    lam_net_free(a);
    lam_net_free(b);
    lam_data_free(data);
}

static void measuring_accuracy_does_not_change_the_bits(void **state)
{
    (void)state;
    lam_data *with = toy_data(N, 20, D, 3, 1), *without = toy_data(N, 0, D, 3, 1);
    lam_net *a = new_net(notation, with, ""), *b = new_net(notation, with, "");
    assert_string_equal(train(a, with, "epochs=3 batch=10", LAM_OK, NULL, NULL).weights_sha256,
                        train(b, without, "epochs=3 batch=10 threads=3 no-merge=1", LAM_OK, NULL, NULL).weights_sha256);
    lam_net_free(a);
    lam_net_free(b);
    lam_data_free(with);
    lam_data_free(without);
}

/* ---- what a network takes over ---- */

static void preprocessing_is_fitted_once_and_stays(void **state)
{
    (void)state;
    lam_data *data = toy_data(N, 20, D, 3, 1);
    lam_net *net = new_net(notation, data, "");
    train(net, data, "steps=1 preprocess=standardise", LAM_EOPTION, NULL, NULL);
    assert_null(net->prep.text);
    train(net, data, "steps=1 preprocess=standardize save-every=never", LAM_EOPTION, NULL, NULL);
    assert_null(net->prep.text); /* another try may take another one */
    train(net, data, "steps=1 preprocess=mean-image", LAM_OK, NULL, NULL);
    assert_string_equal(net->prep.text, "mean-image");
    train(net, data, "steps=1 preprocess=standardize", LAM_OK, NULL, NULL);
    assert_string_equal(net->prep.text, "mean-image");
    lam_net_free(net);
    lam_data_free(data);
}

static void start_takes_weights_and_preprocessing_of_the_same_network(void **state)
{
    (void)state;
    lam_data *data = toy_data(N, 0, D, 3, 1);
    lam_net *net = new_net(notation, data, "seed=1 dtype=f64"), *fresh = new_net(notation, data, "seed=2 dtype=f64");
    lam_net *other = new_net("affine 3 - softmax", data, "");
    char list[FOLDER_PATH], hash[65];
    train(net, data, "steps=3 batch=10 preprocess=standardize", LAM_OK, NULL, NULL);
    assert_int_equal(lam_net_save(net, in_folder("model")), LAM_OK);
    snprintf(list, sizeof list, "epochs=0 start=%.200s", in_folder("model"));
    train(fresh, data, list, LAM_OK, NULL, NULL);
    assert_int_equal(lam_net_sha256(net, hash), LAM_OK);
    char started[65];
    assert_int_equal(lam_net_sha256(fresh, started), LAM_OK);
    assert_string_equal(hash, started);
    assert_string_equal(fresh->prep.text, "standardize");
    train(other, data, list, LAM_ESHAPE, NULL, NULL);
    assert_message("--start");
    lam_net_free(net);
    lam_net_free(fresh);
    lam_net_free(other);
    lam_data_free(data);
}

/* ---- what goes wrong ---- */

static void data_that_does_not_fit_is_an_error_that_names_both(void **state)
{
    (void)state;
    lam_data *data = toy_data(N, 0, D, 3, 1), *wide = toy_data(N, 0, D + 1, 3, 1), *many = toy_data(N, 0, D, 4, 1);
    lam_net *net = new_net(notation, data, "");
    lam_metrics metrics;
    train(net, wide, "", LAM_ESHAPE, NULL, NULL);
    assert_message("12");
    assert_message("13");
    train(net, many, "", LAM_ESHAPE, NULL, NULL);
    assert_message("3 scores");
    assert_message("4 classes");
    assert_int_equal(lam_eval(&metrics, net, wide, LAM_TRAIN, NULL), LAM_ESHAPE);
    assert_int_equal(lam_eval(&metrics, net, data, LAM_TEST, NULL), LAM_EINVAL);
    assert_message("test part");
    lam_net_free(net);
    lam_data_free(data);
    lam_data_free(wide);
    lam_data_free(many);
}

static void eval_counts_all_samples_whatever_the_batch(void **state)
{
    (void)state;
    lam_data *data = toy_data(N, 0, D, 3, 2);
    lam_net *net = new_net(notation, data, "");
    lam_metrics first = { 0 };
    train(net, data, "epochs=2 batch=10", LAM_OK, NULL, NULL);
    static const char *const lists[] = { "batch=53", "batch=1", "batch=10", "batch=1000 threads=3" };
    for (size_t i = 0; i < 4; i++) {
        lam_metrics metrics;
        lam_options *options = toy_options(lists[i]);
        assert_int_equal(lam_eval(&metrics, net, data, LAM_TRAIN, options), LAM_OK);
        first = i ? first : metrics;
        assert_int_equal(metrics.count, N);
        assert_true(metrics.accuracy == first.accuracy && fabs(metrics.loss - first.loss) < 1e-12);
        lam_options_free(options);
    }
    lam_net_free(net);
    lam_data_free(data);
}

/* The digest of the network after each step. */
typedef struct traced {
    const lam_net *net;
    char hash[65];
    size_t steps;
} traced;

static int trace(const lam_progress *p, void *arg)
{
    traced *t = arg;
    t->steps = p->step;
    assert_int_equal(lam_net_sha256(t->net, t->hash), LAM_OK);
    return 0;
}

static void a_loss_that_is_not_finite_stops_and_the_network_is_as_before_that_step(void **state)
{
    (void)state;
    lam_data *data = toy_data(N, 0, D, 3, 1);
    lam_net *net = new_net("{affine 9 - relu} x 2 - affine 3 - softmax", data, "");
    traced t = { .net = net };
    char hash[65], step[32];
    train(net, data, "epochs=100 batch=10 lr=1e6 l2=1 optim=sgd", LAM_EDIVERGED, trace, &t);
    snprintf(step, sizeof step, "step %zu", t.steps + 1);
    assert_true(t.steps > 0);
    assert_message(step);
    assert_int_equal(lam_net_sha256(net, hash), LAM_OK);
    assert_string_equal(hash, t.hash);
    lam_net_free(net);
    lam_data_free(data);
}

static void a_last_step_that_leaves_weights_that_are_not_finite_is_an_error(void **state)
{
    (void)state;
    lam_data *data = toy_data(N, 0, D, 3, 1);
    lam_net *net = new_net("affine 5 - affine 3 - softmax", data, "init-scale=1e3");
    train(net, data, "steps=1 optim=sgd lr=1e6 preprocess=scale=1e30", LAM_EDIVERGED, NULL, NULL);
    assert_message("affine1.weight is not finite any more after step 1");
    lam_net_free(net);
    lam_data_free(data);
}

static void wrong_options_are_errors(void **state)
{
    (void)state;
    static const char *const lists[] = { "save-every=0steps", "save-every=5x", "save-every=stepss",
                                         "save-every=-1s",    "time=soon",     "save-every=5s2" };
    lam_data *data = toy_data(N, 0, D, 3, 1);
    lam_net *net = new_net(notation, data, "");
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        train(net, data, lists[i], LAM_EOPTION, NULL, NULL);
    static const char *const good[] = { "save-every=1step", "save-every=2epochs", "save-every=10m", "save-every=0s" };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        char list[64];
        snprintf(list, sizeof list, "steps=1 %s", good[i]);
        train(net, data, list, LAM_OK, NULL, NULL);
    }
    assert_int_equal(lam_train(NULL, data, NULL, NULL, NULL), LAM_EINVAL);
    lam_net_free(net);
    lam_data_free(data);
}

static void every_failed_allocation_is_reported(void **state)
{
    (void)state;
    static const char *const names[] = { "a", "b", "c" };
    lam_data *data = toy_data(9, 6, 4, 3, 1);
    lam_options *options = toy_options("epochs=2 batch=4 threads=1 preprocess=standardize");
    lam_status status = LAM_ENOMEM;
    assert_int_equal(lami_data_set_classes(data, 3, names), LAM_OK);
    for (long n = 1; status; n++) {
        lam_net *net = new_net("affine 3 - batchnorm - relu - affine 3 - svm", data, "");
        lami_alloc_fail_at(n);
        status = lam_train(net, data, options, NULL, NULL);
        lami_alloc_fail_at(0);
        assert_true(!status || status == LAM_ENOMEM);
        lam_net_free(net);
        assert_true(n < 2000);
    }
    lam_options_free(options);
    lam_data_free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fifty_samples_are_learnt_by_heart_in_twenty_epochs),
        cmocka_unit_test(the_first_loss_with_small_weights_is_log_c),
        cmocka_unit_test(a_loop_of_ones_own_gives_the_bits_of_lam_train),
        cmocka_unit_test(an_epoch_takes_n_over_batch_steps_and_may_be_a_fraction),
        cmocka_unit_test(time_alone_stops_and_changes_nothing_else),
        cmocka_unit_test(the_callback_sees_each_step_and_can_stop),
        cmocka_unit_test(histories_have_an_entry_per_epoch),
        cmocka_unit_test(the_network_ends_as_the_best_one_with_its_own_statistics),
        cmocka_unit_test(without_validation_the_last_weights_stay),
        cmocka_unit_test(patience_ends_a_training_that_does_not_get_better),
        cmocka_unit_test(sampling_with_replacement_is_another_order),
        cmocka_unit_test(measuring_accuracy_does_not_change_the_bits),
        cmocka_unit_test(preprocessing_is_fitted_once_and_stays),
        cmocka_unit_test(start_takes_weights_and_preprocessing_of_the_same_network),
        cmocka_unit_test(data_that_does_not_fit_is_an_error_that_names_both),
        cmocka_unit_test(eval_counts_all_samples_whatever_the_batch),
        cmocka_unit_test(a_loss_that_is_not_finite_stops_and_the_network_is_as_before_that_step),
        cmocka_unit_test(a_last_step_that_leaves_weights_that_are_not_finite_is_an_error),
        cmocka_unit_test(wrong_options_are_errors),
        cmocka_unit_test(every_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
