/* accumulate, clip: several batches per update, and a limit for the norm of the gradient. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../src/net/session.h"
#include "../src/train/solver.h"
#include "folder.h"
#include "tensors.h"
#include "toy.h"

enum { D = 5, K = 3, PARAMS = 4 };

static const char *const notations[] = { "affine 7 - tanh - affine 3 - softmax", "affine 7 - tanh - affine 3 - svm",
                                         "affine 7 - tanh - affine 3 - mse", "affine 7 - tanh - affine 3 - logistic" };

/* A network and its session, on numbers made up. */
typedef struct trial {
    lam_net *net;
    lam_session *session;
    int numbers; /* the loss takes numbers */
    lam_dtype type;
} trial;

static trial new_trial(const char *text, const char *list, const char *rules)
{
    trial t = { .numbers = strstr(text, "mse") || strstr(text, "logistic") };
    lam_options *o = toy_options(list);
    if (rules)
        assert_ok(lam_options_set(o, "set", rules));
    assert_ok(lam_net_new(&t.net, text, &(lam_shape) { 1, { D } }, o));
    assert_ok(lam_session_new(&t.session, t.net, o));
    t.type = lam_net_dtype(t.net);
    lam_options_free(o);
    return t;
}

static void free_trial(trial *t)
{
    lam_session_free(t->session);
    lam_net_free(t->net);
}

/* The loss of samples first .. first + n - 1 of an endless row of them. */
static double forward(trial *t, size_t first, size_t n)
{
    enum { MOST = 48 };
    static uint8_t label[MOST];
    double loss = NAN;
    assert_true(first + n <= MOST);
    const lam_tensor x = make_normal(LAM_F64, MOST, D, 1), target = make_rows(LAM_F64, MOST, K);
    fill_linspace(&target, 0, 1);
    for (size_t i = 0; i < MOST; i++)
        label[i] = (uint8_t)(i * i % K);
    const lam_tensor rows = { LAM_F64, { 2, { n, D } }, (double *)x.data + first * D };
    const lam_tensor y = { LAM_U8, { 1, { n } }, label + first };
    const lam_tensor numbers = { LAM_F64, { 2, { n, K } }, (double *)target.data + first * K };
    assert_ok(lam_session_forward(&loss, t->session, &rows, t->numbers ? &numbers : &y));
    return loss;
}

static lam_tensor value_of(const trial *t, size_t p)
{
    lam_tensor value = make_tensor(LAM_F64, *lam_net_param_shape(t->net, p));
    assert_ok(lam_net_get(t->net, lam_net_param_name(t->net, p), &value));
    return value;
}

static lam_tensor gradient_of(const trial *t, size_t p)
{
    lam_tensor grad = make_tensor(LAM_F64, *lam_net_param_shape(t->net, p));
    assert_ok(lam_session_grad(t->session, lam_net_param_name(t->net, p), &grad));
    return grad;
}

static void sha_of(char sha[65], const trial *t)
{
    assert_ok(lam_net_sha256(t->net, sha));
}

/* ---- accumulation ---- */

static void several_batches_are_one_larger_batch(void **state)
{
    (void)state;
    static const char *const lists[] = { "optim=sgd lr=0.1", "optim=adam l2=0.2",
                                         "optim=momentum weight-decay=0.5 clip=0.1" };
    for (size_t which = 0; which < 4; which++)
        for (size_t k = 0; k < 3; k++) {
            char list[128];
            snprintf(list, sizeof list, "dtype=f64 batch=24 %s", lists[k]);
            trial one = new_trial(notations[which], list, NULL);
            snprintf(list, sizeof list, "dtype=f64 batch=6 accumulate=4 %s", lists[k]);
            trial four = new_trial(notations[which], list, NULL);
            for (size_t step = 0; step < 2; step++) {
                double mean = 0;
                const double loss = forward(&one, 24 * step, 24);
                assert_ok(lam_session_backward(one.session));
                for (size_t i = 0; i < 4; i++) {
                    mean += forward(&four, 24 * step + 6 * i, 6) / 4;
                    assert_ok(lam_session_backward(four.session));
                }
                assert_near(mean, loss, 1e-14 * loss);
                for (size_t p = 0; p < PARAMS; p++) { /* the sum so far */
                    const lam_tensor a = gradient_of(&four, p), b = gradient_of(&one, p);
                    for (size_t i = 0; i < count_of(&b); i++)
                        put(&b, i, 4 * at(&b, i));
                    assert_close(&a, &b, 1e-12);
                }
                assert_ok(lam_session_step(one.session));
                assert_ok(lam_session_step(four.session));
                for (size_t p = 0; p < PARAMS; p++) {
                    const lam_tensor a = value_of(&four, p), b = value_of(&one, p);
                    assert_close(&a, &b, 1e-9); /* adam divides by gradients that may be small */
                }
                free_tensors(NULL);
            }
            free_trial(&one);
            free_trial(&four);
        }
}

static void the_gradient_is_the_sum_so_far_and_begins_anew_after_a_step(void **state)
{
    (void)state;
    trial t = new_trial(notations[0], "dtype=f64 batch=6 accumulate=3 optim=sgd lr=0", NULL);
    trial single = new_trial(notations[0], "dtype=f64 batch=6 optim=sgd lr=0", NULL);
    for (size_t step = 0; step < 2; step++) {
        lam_tensor sum = make_rows(LAM_F64, 7, D);
        for (size_t i = 0; i < 3; i++) {
            forward(&t, 6 * i, 6);
            forward(&single, 6 * i, 6);
            assert_ok(lam_session_backward(t.session));
            assert_ok(lam_session_backward(single.session));
            const lam_tensor so_far = gradient_of(&t, 0), one = gradient_of(&single, 0);
            for (size_t j = 0; j < count_of(&sum); j++)
                put(&sum, j, at(&sum, j) + at(&one, j));
            assert_same_bits(&so_far, &sum);
        }
        assert_ok(lam_session_step(t.session));
    }
    free_trial(&t);
    free_trial(&single);
}

static void a_step_before_the_last_batch_takes_the_mean_of_those_there_are(void **state)
{
    (void)state;
    trial two = new_trial(notations[0], "dtype=f64 batch=6 accumulate=2 lr=0.1 optim=sgd", NULL);
    trial five = new_trial(notations[0], "dtype=f64 batch=6 accumulate=5 lr=0.1 optim=sgd", NULL);
    char a[65], b[65];
    for (size_t i = 0; i < 2; i++) {
        forward(&two, 6 * i, 6);
        forward(&five, 6 * i, 6);
        assert_ok(lam_session_backward(two.session));
        assert_ok(lam_session_backward(five.session));
    }
    assert_ok(lam_session_step(two.session));
    assert_ok(lam_session_step(five.session));
    sha_of(a, &two);
    sha_of(b, &five);
    assert_string_equal(a, b);
    free_trial(&two);
    free_trial(&five);
}

static void calls_out_of_order_are_refused(void **state)
{
    (void)state;
    trial t = new_trial(notations[0], "batch=6 accumulate=2", NULL);
    uint8_t label[6] = { 0 };
    double loss;
    const lam_tensor x = make_normal(LAM_F32, 6, D, 1), y = { LAM_U8, { 1, { 6 } }, label };
    assert_int_equal(lam_session_step(t.session), LAM_EINVAL);
    forward(&t, 0, 6);
    assert_ok(lam_session_backward(t.session));
    assert_int_equal(lam_session_backward(t.session), LAM_EINVAL);
    forward(&t, 6, 6);
    assert_int_equal(lam_session_step(t.session), LAM_EINVAL); /* of the second batch there is no backward yet */
    assert_ok(lam_session_backward(t.session));
    assert_int_equal(lam_session_forward(&loss, t.session, &x, &y), LAM_EINVAL);
    assert_message("2 batches are accumulated: step comes next");
    assert_ok(lam_session_step(t.session)); /* as it was */
    assert_ok(lam_session_forward(&loss, t.session, &x, &y));
    free_trial(&t);
}

static void dropout_masks_differ_between_the_batches_of_an_update(void **state)
{
    (void)state;
    static const char text[] = "dropout 0.5 - affine 7 - dropout 0.5 - affine 3 - softmax";
    trial one = new_trial(text, "batch=24", NULL), four = new_trial(text, "batch=24 accumulate=4", NULL);
    double loss[8];
    assert_true(forward(&one, 0, 24) == forward(&one, 0, 24)); /* the same step */
    assert_ok(lam_session_backward(one.session));
    assert_true(forward(&one, 0, 24) == forward(&one, 0, 24));
    assert_ok(lam_session_set_lr(four.session, 0));
    for (size_t i = 0; i < 8; i++) {
        loss[i] = forward(&four, 0, 24);
        assert_true(loss[i] == forward(&four, 0, 24));
        assert_ok(lam_session_backward(four.session));
        for (size_t k = 0; k < i; k++)
            assert_true(loss[k] != loss[i]);
        if (i % 4 == 3)
            assert_ok(lam_session_step(four.session));
    }
    free_trial(&one);
    free_trial(&four);
}

static const char normed[] = "affine 7 - batchnorm - relu - affine 3 - softmax";

/* lami_session_train on a batch; wrong: with a sample that is no number. */
static lam_status train_batch(lam_session *session, size_t first, int wrong)
{
    double loss;
    float x[6 * D];
    const void *row[6];
    int32_t label[6];
    const lami_rng rng = lami_rng_make(2, LAMI_RNG_TEST, 0, (uint32_t)first);
    for (size_t i = 0; i < 6 * D; i++)
        x[i] = (float)lami_rng_normal(&rng, i);
    if (wrong)
        x[7] = NAN;
    for (size_t i = 0; i < 6; i++) {
        row[i] = x + i * D;
        label[i] = (int32_t)(i % K);
    }
    assert_ok(lami_session_load(session, &(lami_batch) { .x = row, .type = LAM_F32, .n = 6, .label = label }));
    return lami_session_train(&loss, session);
}

static void divergence_among_the_batches_leaves_the_network_as_after_the_last_update(void **state)
{
    (void)state;
    for (size_t bad = 0; bad < 3; bad++) {
        char before[65], after[65];
        lam_session *session[2] = { NULL };
        lam_net *net[2] = { NULL };
        lam_options *o = toy_options("batch=6 accumulate=3 clip=1");
        for (int k = 0; k < 2; k++) {
            assert_ok(lam_net_new(&net[k], normed, &(lam_shape) { 1, { D } }, o));
            assert_ok(lami_session_make(&session[k], net[k], o, LAMI_SESSION_TRAIN));
            for (size_t i = 0; i < 3; i++)
                assert_ok(train_batch(session[k], i, 0));
        }
        assert_ok(lam_net_sha256(net[0], before));
        for (size_t i = 0; i < bad; i++)
            assert_ok(train_batch(session[0], 3 + i, 0));
        assert_ok(lam_net_sha256(net[0], after));
        assert_int_equal(!strcmp(before, after), bad == 0); /* the running statistics have moved */
        assert_int_equal(train_batch(session[0], 5, 1), LAM_EDIVERGED);
        assert_message("step 2");
        assert_ok(lam_net_sha256(net[0], after));
        assert_string_equal(before, after);
        for (int k = 0; k < 2; k++) /* and training goes on as if it had not been */
            for (size_t i = 0; i < 3; i++)
                assert_ok(train_batch(session[k], 3 + i, 0));
        assert_ok(lam_net_sha256(net[0], before));
        assert_ok(lam_net_sha256(net[1], after));
        assert_string_equal(before, after);
        for (int k = 0; k < 2; k++) {
            lam_session_free(session[k]);
            lam_net_free(net[k]);
        }
        lam_options_free(o);
    }
}

static void divergence_after_a_backward_is_survived_step_by_step(void **state)
{
    (void)state;
    static const char *const lists[] = { "batch=6", "batch=6 accumulate=2", "batch=6 clip=1" };
    for (size_t i = 0; i < 3; i++) {
        char before[65], after[65];
        double loss;
        trial t = new_trial(normed, lists[i], NULL);
        lam_tensor x = make_normal(LAM_F32, 6, D, 1), y = make_tensor(LAM_U8, lami_shape1(6));
        sha_of(before, &t);
        assert_ok(lam_session_forward(&loss, t.session, &x, &y));
        assert_ok(lam_session_backward(t.session));
        put(&x, 3, INFINITY);
        assert_int_equal(lam_session_forward(&loss, t.session, &x, &y), LAM_EDIVERGED);
        assert_int_equal(lam_session_step(t.session), LAM_EINVAL);
        sha_of(after, &t);
        assert_string_equal(before, after);
        put(&x, 3, 1);
        assert_ok(lam_session_forward(&loss, t.session, &x, &y));
        assert_ok(lam_session_backward(t.session));
        assert_ok(lam_session_step(t.session));
        free_trial(&t);
    }
}

/* ---- clipping ---- */

static double squares_between(const lam_tensor *a, const lam_tensor *b)
{
    double sum = 0;
    for (size_t i = 0; i < count_of(a); i++)
        sum += (at(a, i) - at(b, i)) * (at(a, i) - at(b, i));
    return sum;
}

/* Norm of the step that a batch makes, and of its gradient (the parameters of `counted`, a bit each). */
static double step_norm(trial *t, size_t batches, int counted, double *gradient)
{
    lam_tensor before[PARAMS];
    double moved = 0, squares = 0;
    for (size_t p = 0; p < PARAMS; p++)
        before[p] = value_of(t, p);
    for (size_t i = 0; i < batches; i++) {
        forward(t, 8 * i, 8);
        assert_ok(lam_session_backward(t->session));
    }
    for (size_t p = 0; p < PARAMS; p++) {
        const lam_tensor grad = gradient_of(t, p);
        squares += counted >> p & 1 ? dot_of(&grad, &grad) : 0;
    }
    assert_ok(lam_session_step(t->session));
    for (size_t p = 0; p < PARAMS; p++) {
        const lam_tensor after = value_of(t, p);
        moved += squares_between(&after, &before[p]);
    }
    *gradient = sqrt(squares) / (double)batches;
    return sqrt(moved);
}

static void the_step_of_sgd_is_never_longer_than_rate_times_limit(void **state)
{
    (void)state;
    static const char *const limits[] = { "0.001", "0.05", "100" };
    EACH_TYPE(type)
    for (size_t which = 0; which < 4; which++)
        for (size_t k = 0; k < 3; k++)
            for (size_t batches = 1; batches <= 3; batches += 2) {
                char list[128];
                const double limit = atof(limits[k]);
                double norm;
                snprintf(list, sizeof list, "dtype=%s batch=8 optim=sgd lr=0.5 l2=0.1 clip=%s accumulate=%zu",
                         type == LAM_F32 ? "f32" : "f64", limits[k], batches);
                trial t = new_trial(notations[which], list, NULL);
                const double moved = step_norm(&t, batches, 15, &norm);
                assert_true(limit > 1 || norm > limit);
                assert_near(moved, 0.5 * (norm > limit ? limit : norm), 1e4 * unit_of(type) * moved);
                free_trial(&t);
                free_tensors(NULL);
            }
}

static void the_direction_of_a_clipped_step_is_that_of_the_gradient(void **state)
{
    (void)state;
    trial t = new_trial(notations[0], "dtype=f64 batch=8 optim=sgd lr=0.5 clip=0.01", NULL);
    lam_tensor grad[PARAMS], before[PARAMS];
    double squares = 0;
    forward(&t, 0, 8);
    assert_ok(lam_session_backward(t.session));
    for (size_t p = 0; p < PARAMS; p++) {
        grad[p] = gradient_of(&t, p); /* not clipped */
        before[p] = value_of(&t, p);
        squares += dot_of(&grad[p], &grad[p]);
    }
    assert_ok(lam_session_step(t.session));
    for (size_t p = 0; p < PARAMS; p++) {
        const lam_tensor after = value_of(&t, p);
        for (size_t i = 0; i < count_of(&after); i++)
            assert_near(at(&after, i), at(&before[p], i) - 0.5 * 0.01 / sqrt(squares) * at(&grad[p], i), 1e-16);
    }
    free_trial(&t);
}

static void frozen_parameters_do_not_count_in_the_norm(void **state)
{
    (void)state;
    double norm;
    trial t = new_trial(notations[0], "dtype=f64 batch=8 optim=sgd lr=0.5 clip=0.01", "affine2.* lr 0");
    const double moved = step_norm(&t, 1, 3, &norm);
    assert_true(norm > 0.01);
    assert_near(moved, 0.5 * 0.01, 1e-15);
    free_trial(&t);
    /* just above the norm of what is trained: nothing is clipped */
    t = new_trial(notations[0], "dtype=f64 batch=8 optim=sgd lr=0.5", "affine2.* lr 0");
    trial clipped = new_trial(notations[0], "dtype=f64 batch=8 optim=sgd lr=0.5 clip=0.8", "affine2.* lr 0");
    char a[65], b[65];
    double all;
    step_norm(&t, 1, 3, &norm);
    step_norm(&clipped, 1, 15, &all);
    assert_true(norm < 0.8 && all > 0.8);
    sha_of(a, &t);
    sha_of(b, &clipped);
    assert_string_equal(a, b);
    free_trial(&t);
    free_trial(&clipped);
}

static void a_limit_that_is_not_reached_changes_no_bit(void **state)
{
    (void)state;
    static const char *const optims[] = { "sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw", "muon" };
    lam_data *data = toy_data(53, 0, D, 3, 1);
    for (size_t i = 0; i < 7; i++) {
        char sha[3][65];
        for (size_t k = 0; k < 3; k++) {
            char list[128];
            lam_net *net = NULL;
            snprintf(list, sizeof list, "optim=%s l2=0.01 epochs=3 batch=8 %s", optims[i],
                     k == 0   ? ""
                     : k == 1 ? "clip=1e9"
                              : "clip=1e9 no-merge=1 threads=2");
            lam_options *o = toy_options(list);
            assert_ok(lam_net_new(&net, normed, lam_data_shape(data), o));
            assert_ok(lam_train(net, data, o, NULL, NULL));
            assert_ok(lam_net_sha256(net, sha[k]));
            assert_string_equal(sha[k], sha[0]);
            lam_net_free(net);
            lam_options_free(o);
        }
    }
    lam_data_free(data);
}

/* ---- in a training ---- */

typedef struct seen {
    size_t calls, ends;
    lam_progress last;
} seen;

static int watch(const lam_progress *p, void *arg)
{
    seen *s = arg;
    s->calls++;
    s->ends += (size_t)p->epoch_end;
    s->last = *p;
    return 0;
}

static void an_epoch_has_as_many_steps_as_whole_groups_of_batches(void **state)
{
    (void)state;
    static const struct {
        const char *list;
        size_t steps;
    } rows[] = {
        { "epochs=2 batch=10 accumulate=2", 4 },
        { "epochs=2 batch=10 accumulate=3", 2 },
        { "epochs=2 batch=5 accumulate=5", 4 },
        { "epochs=1 batch=1 accumulate=53", 1 },
        { "epochs=3 batch=53", 3 },
    };
    lam_data *data = toy_data(53, 9, D, 3, 1);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        seen s = { 0 };
        lam_net *net = NULL;
        lam_options *o = toy_options(rows[i].list);
        assert_ok(lam_net_new(&net, "affine 3 - softmax", lam_data_shape(data), o));
        assert_ok(lam_train(net, data, o, watch, &s));
        assert_int_equal(s.calls, rows[i].steps);
        assert_int_equal(s.last.steps, rows[i].steps);
        assert_int_equal(s.ends, s.last.epochs);
        lam_net_free(net);
        lam_options_free(o);
    }
    lam_net *net = NULL;
    lam_options *o = toy_options("batch=10 accumulate=6");
    assert_ok(lam_net_new(&net, "affine 3 - softmax", lam_data_shape(data), o));
    assert_int_equal(lam_train(net, data, o, NULL, NULL), LAM_EOPTION);
    assert_message("--accumulate 6");
    lam_net_free(net);
    lam_options_free(o);
    lam_data_free(data);
}

enum { N = 53, BATCH = 4, EACH = 3, STEPS = 10 };

static void a_loop_of_ones_own_gives_the_bits_of_lam_train(void **state)
{
    (void)state;
    static const char *const lists[] = { "optim=adam", "optim=sgd clip=0.05", "optim=nesterov dtype=f64 sample=replace",
                                         "optim=adamw l2=0.01 threads=3 no-merge=1" };
    static const char text[] = "affine 7 - batchnorm - relu - dropout 0.3 - affine 3 - softmax";
    lam_data *data = toy_data(N, 0, D, 3, 1);
    for (size_t i = 0; i < 4; i++) {
        char list[160], trained[65], looped[65];
        lam_net *net = NULL, *own = NULL;
        lam_session *session = NULL;
        snprintf(list, sizeof list, "%s seed=5 batch=4 accumulate=3 lr=0.01 steps=10", lists[i]);
        lam_options *o = toy_options(list);
        assert_ok(lam_net_new(&net, text, lam_data_shape(data), o));
        assert_ok(lam_net_new(&own, text, lam_data_shape(data), o));
        assert_ok(lam_train(net, data, o, NULL, NULL));
        assert_ok(lam_session_new(&session, own, o));
        uint32_t order[N];
        const size_t per_epoch = N / BATCH / EACH;
        for (size_t step = 0; step < STEPS; step++) {
            const lami_rng shuffle = lami_rng_make(5, LAMI_RNG_ORDER, 0, (uint32_t)(step / per_epoch));
            lami_rng_order(order, N, &shuffle);
            for (size_t k = 0; k < EACH; k++) {
                const lami_rng draw = lami_rng_make(5, LAMI_RNG_ORDER, 0, (uint32_t)(step * EACH + k));
                float x[BATCH * D];
                int32_t y[BATCH];
                double loss;
                for (size_t j = 0; j < BATCH; j++) {
                    const size_t sample = strstr(lists[i], "replace")
                                              ? lami_rng_below(&draw, j, N)
                                              : order[(step % per_epoch * EACH + k) * BATCH + j];
                    memcpy(x + j * D, lami_data_sample(data, LAM_TRAIN, sample), D * sizeof *x);
                    y[j] = lam_data_label(data, LAM_TRAIN, sample);
                }
                assert_ok(lam_session_forward(&loss, session, &(lam_tensor) { LAM_F32, { 2, { BATCH, D } }, x },
                                              &(lam_tensor) { LAM_I32, { 1, { BATCH } }, y }));
                assert_ok(lam_session_backward(session));
            }
            assert_ok(lam_session_step(session));
        }
        assert_ok(lam_net_sha256(net, trained));
        assert_ok(lam_net_sha256(own, looped));
        assert_string_equal(trained, looped);
        lam_session_free(session);
        lam_net_free(net);
        lam_net_free(own);
        lam_options_free(o);
    }
    lam_data_free(data);
}

static void a_step_allocates_nothing(void **state)
{
    (void)state;
    trial t = new_trial(notations[3], "batch=8 accumulate=2 clip=0.1", "*.bias lr x2");
    const lam_tensor x = make_normal(LAM_F32, 8, D, 1), y = make_rows(LAM_F64, 8, K), w = make_vector(LAM_F64, 8);
    fill_all(&w, 2);
    const long before = lami_alloc_count();
    for (int i = 0; i < 4; i++) {
        double loss;
        assert_ok(lam_session_weigh(t.session, &w));
        assert_ok(lam_session_forward(&loss, t.session, &x, &y));
        assert_ok(lam_session_backward(t.session));
        if (i % 2)
            assert_ok(lam_session_step(t.session));
    }
    assert_int_equal(lami_alloc_count(), before);
    free_trial(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(several_batches_are_one_larger_batch),
        TEST(the_gradient_is_the_sum_so_far_and_begins_anew_after_a_step),
        TEST(a_step_before_the_last_batch_takes_the_mean_of_those_there_are),
        TEST(calls_out_of_order_are_refused),
        TEST(dropout_masks_differ_between_the_batches_of_an_update),
        TEST(divergence_among_the_batches_leaves_the_network_as_after_the_last_update),
        TEST(divergence_after_a_backward_is_survived_step_by_step),
        TEST(the_step_of_sgd_is_never_longer_than_rate_times_limit),
        TEST(the_direction_of_a_clipped_step_is_that_of_the_gradient),
        TEST(frozen_parameters_do_not_count_in_the_norm),
        TEST(a_limit_that_is_not_reached_changes_no_bit),
        TEST(an_epoch_has_as_many_steps_as_whole_groups_of_batches),
        TEST(a_loop_of_ones_own_gives_the_bits_of_lam_train),
        TEST(a_step_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
