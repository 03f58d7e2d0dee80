/* weights of samples and classes in the loss. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../src/train/metrics.h"
#include "../src/train/prepare.h"
#include "../src/train/solver.h"
#include "folder.h"
#include "tensors.h"
#include "toy.h"

/* Networks of each loss, in double, without anything that mixes samples. */
static const char *const notations[] = { "affine 7 - tanh - affine 3 - softmax", "affine 7 - tanh - affine 3 - svm",
                                         "affine 7 - tanh - affine 3 - mse", "affine 7 - tanh - affine 3 - logistic" };
enum { LOSSES = 4, D = 5, K = 3, N = 8 };

static lam_net *new_net(const char *text, size_t inputs, const char *list)
{
    lam_net *net = NULL;
    lam_options *o = toy_options(list);
    assert_ok(lam_net_new(&net, text, &(lam_shape) { 1, { inputs } }, o));
    lam_options_free(o);
    return net;
}

/* A loss and the gradients of a network of four parameters. */
typedef struct outcome {
    double loss;
    lam_tensor grad[4];
} outcome;

/* Of the samples `chosen` (n of them) out of N made up ones, with weights or NULL. */
static outcome measure(size_t which, const size_t *chosen, size_t n, const double *weight)
{
    outcome out = { .loss = NAN };
    uint8_t label[2 * N];
    lam_session *session = NULL;
    lam_net *net = new_net(notations[which], D, "dtype=f64");
    lam_options *o = toy_options("batch=16 l2=0.01 dtype=f64");
    const lam_tensor all = make_normal(LAM_F64, N, D, 1), target = make_rows(LAM_F64, N, K);
    const lam_tensor x = make_rows(LAM_F64, n, D), t = make_rows(LAM_F64, n, K);
    fill_linspace(&target, 0, 1);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < D; j++)
            put(&x, i * D + j, at(&all, chosen[i] * D + j));
        for (size_t k = 0; k < K; k++)
            put(&t, i * K + k, at(&target, chosen[i] * K + k));
        label[i] = (uint8_t)(chosen[i] % K);
    }
    const lam_tensor y = { LAM_U8, { 1, { n } }, label }, w = { LAM_F64, { 1, { n } }, (void *)(uintptr_t)weight };
    assert_ok(lam_session_new(&session, net, o));
    if (weight)
        assert_ok(lam_session_weigh(session, &w));
    assert_ok(lam_session_forward(&out.loss, session, &x, which < 2 ? &y : &t));
    assert_ok(lam_session_backward(session));
    for (size_t p = 0; p < 4; p++) {
        out.grad[p] = make_tensor(LAM_F64, *lam_net_param_shape(net, p));
        assert_ok(lam_session_grad(session, lam_net_param_name(net, p), &out.grad[p]));
    }
    lam_session_free(session);
    lam_options_free(o);
    lam_net_free(net);
    return out;
}

static void assert_near_outcomes(const outcome *a, const outcome *b)
{
    assert_near(a->loss, b->loss, 1e-14 * b->loss);
    for (size_t p = 0; p < 4; p++)
        assert_close(&a->grad[p], &b->grad[p], 1e-13);
}

static const size_t in_order[N] = { 0, 1, 2, 3, 4, 5, 6, 7 };

static void a_weight_of_two_is_a_sample_twice(void **state)
{
    (void)state;
    static const size_t twice[] = { 0, 1, 2, 3, 4, 5, 6, 7, 2, 5, 5 };
    static const double weight[N] = { 1, 1, 2, 1, 1, 3, 1, 1 };
    for (size_t which = 0; which < LOSSES; which++) {
        const outcome a = measure(which, in_order, N, weight), b = measure(which, twice, 11, NULL);
        assert_near_outcomes(&a, &b);
        free_tensors(NULL);
    }
}

static void a_weight_of_zero_is_no_sample(void **state)
{
    (void)state;
    static const size_t fewer[] = { 1, 2, 4, 5, 6 };
    static const double weight[N] = { 0, 0.5, 0.5, 0, 0.5, 0.5, 0.5, 0 };
    for (size_t which = 0; which < LOSSES; which++) {
        const outcome a = measure(which, in_order, N, weight), b = measure(which, fewer, 5, NULL);
        assert_near_outcomes(&a, &b);
        free_tensors(NULL);
    }
}

static void equal_weights_are_as_none_bit_for_bit(void **state)
{
    (void)state;
    static const double equal[] = { 1, 2, 0.25, 3, 0x1p-1000, 1e6 };
    for (size_t which = 0; which < LOSSES; which++) {
        const outcome b = measure(which, in_order, N, NULL);
        for (size_t i = 0; i < 6; i++) {
            double weight[N];
            for (size_t k = 0; k < N; k++)
                weight[k] = equal[i];
            const outcome a = measure(which, in_order, N, weight);
            assert_true(a.loss == b.loss);
            for (size_t p = 0; p < 4; p++)
                assert_same_bits(&a.grad[p], &b.grad[p]);
        }
        free_tensors(NULL);
    }
}

static void weights_may_be_float_and_hold_for_one_forward_alone(void **state)
{
    (void)state;
    const float weight[4] = { 1, 0, 2, 1 };
    uint8_t label[4] = { 0, 1, 2, 0 };
    double plain, weighted, again;
    lam_session *session = NULL;
    lam_net *net = new_net("affine 3 - softmax", D, "");
    const lam_tensor x = make_normal(LAM_F32, 4, D, 1), y = { LAM_U8, { 1, { 4 } }, label };
    const lam_tensor w = { LAM_F32, { 1, { 4 } }, (void *)(uintptr_t)weight }, few = { LAM_F32, { 1, { 3 } }, w.data };
    const lam_tensor narrow = { LAM_F32, { 2, { 4, D - 1 } }, x.data };
    assert_ok(lam_session_new(&session, net, NULL));
    assert_ok(lam_session_forward(&plain, session, &x, &y));
    assert_ok(lam_session_weigh(session, &w));
    assert_ok(lam_session_forward(&weighted, session, &x, &y));
    assert_ok(lam_session_forward(&again, session, &x, &y));
    assert_true(plain != weighted && plain == again);
    /* a forward pass that fails has used them up, too */
    assert_ok(lam_session_weigh(session, &few));
    assert_int_equal(lam_session_forward(&again, session, &x, &y), LAM_ESHAPE);
    assert_message("3 weights for a batch of 4 samples");
    assert_ok(lam_session_forward(&again, session, &x, &y));
    assert_true(plain == again);
    assert_ok(lam_session_weigh(session, &w));
    assert_int_equal(lam_session_forward(&again, session, &narrow, &y), LAM_ESHAPE);
    assert_ok(lam_session_forward(&again, session, &x, &y));
    assert_true(plain == again);
    lam_session_free(session);
    lam_net_free(net);
}

static void weights_that_cannot_be_are_refused(void **state)
{
    (void)state;
    static const double wrong[][4] = { { 1, NAN, 1, 1 }, { 1, -1, 1, 1 }, { 1, INFINITY, 1, 1 }, { 0, 0, 0, 0 } };
    static const char *const messages[] = { "weights[1]", "weights[1]", "weights[1]", "all are 0" };
    int32_t whole[4] = { 1, 1, 1, 1 };
    lam_data *data = toy_data(4, 4, D, 3, 1);
    lam_session *session = NULL, *predicts = NULL;
    lam_net *net = new_net("affine 3 - softmax", D, "");
    lam_options *o = toy_options("batch=4");
    assert_ok(lam_session_new(&session, net, o));
    assert_ok(lam_session_new_predict(&predicts, net, o));
    for (size_t i = 0; i < 4; i++) {
        const lam_tensor w = { LAM_F64, { 1, { 4 } }, (void *)(uintptr_t)wrong[i] };
        assert_int_equal(lam_session_weigh(session, &w), LAM_EINVAL);
        assert_message(messages[i]);
        assert_int_equal(lam_data_set_weights(data, LAM_VAL, &w), LAM_EINVAL);
        assert_message(messages[i]);
    }
    const lam_tensor ones = make_rows(LAM_F64, 4, 1), five = make_vector(LAM_F64, 5);
    lam_tensor bad = { LAM_I32, { 1, { 4 } }, whole };
    fill_all(&ones, 1);
    fill_all(&five, 1);
    assert_int_equal(lam_session_weigh(session, &bad), LAM_EINVAL);
    assert_int_equal(lam_data_set_weights(data, LAM_TRAIN, &bad), LAM_EINVAL);
    assert_int_equal(lam_session_weigh(session, &ones), LAM_EINVAL); /* two dimensions */
    assert_int_equal(lam_data_set_weights(data, LAM_TRAIN, &ones), LAM_ESHAPE);
    assert_int_equal(lam_session_weigh(session, &five), LAM_EINVAL); /* more than the batch */
    assert_int_equal(lam_data_set_weights(data, LAM_TRAIN, &five), LAM_ESHAPE);
    assert_int_equal(lam_session_weigh(session, NULL), LAM_EINVAL);
    assert_int_equal(lam_data_set_weights(data, LAM_TRAIN, NULL), LAM_EINVAL);
    assert_int_equal(lam_data_set_weights(NULL, LAM_TRAIN, &ones), LAM_EINVAL);
    assert_int_equal(lam_data_set_weights(data, (lam_part)3, &ones), LAM_EINVAL);
    bad = (lam_tensor) { LAM_F64, { 1, { 4 } }, ones.data };
    assert_int_equal(lam_session_weigh(predicts, &bad), LAM_EINVAL);
    assert_true(lam_data_weight(data, LAM_VAL, 0) == 1);
    double loss;
    const lam_tensor x = make_normal(LAM_F32, 4, D, 1), y = make_tensor(LAM_U8, lami_shape1(4));
    assert_ok(lam_session_forward(&loss, session, &x, &y)); /* nothing of it stayed */
    lam_session_free(session);
    lam_session_free(predicts);
    lam_options_free(o);
    lam_net_free(net);
    lam_data_free(data);
}

/* ---- data ---- */

static void weights_belong_to_samples_through_splits(void **state)
{
    (void)state;
    lam_data *data = toy_data(20, 0, D, 2, 1);
    const lam_tensor w = make_vector(LAM_F64, 20), other = make_vector(LAM_F32, 20);
    fill_all(&other, 7);
    fill_linspace(&w, 0, 19);
    assert_ok(lam_data_set_weights(data, LAM_TRAIN, &other));
    assert_true(lam_data_weight(data, LAM_TRAIN, 3) == 7);
    assert_ok(lam_data_set_weights(data, LAM_TRAIN, &w)); /* again: the last ones hold */
    fill_all(&w, 0);                                      /* copied */
    assert_true(lam_data_weight(data, LAM_TRAIN, 3) == 3 && lam_data_weight(data, LAM_TRAIN, 20) == 1);
    assert_true(lam_data_weight(data, LAM_VAL, 0) == 1 && lam_data_weight(NULL, LAM_TRAIN, 0) == 1);
    assert_ok(lami_data_split(data, LAM_VAL, "last:5", 0));
    assert_true(lam_data_weight(data, LAM_VAL, 0) == 15 && lam_data_weight(data, LAM_TRAIN, 14) == 14);
    assert_int_equal(lam_data_set_weights(data, LAM_TEST, &w), LAM_EINVAL);
    lam_data_free(data);
}

static void weights_count_in_training_alone(void **state)
{
    (void)state;
    lam_metrics plain, weighted;
    lam_data *data = toy_data(20, 0, D, 3, 1);
    lam_net *net = new_net("affine 3 - softmax", D, "");
    const lam_tensor w = make_vector(LAM_F64, 20);
    fill_linspace(&w, 0, 1);
    assert_ok(lam_eval(&plain, net, data, LAM_TRAIN, NULL));
    assert_ok(lam_data_set_weights(data, LAM_TRAIN, &w));
    assert_ok(lam_eval(&weighted, net, data, LAM_TRAIN, NULL));
    assert_true(plain.loss == weighted.loss && plain.accuracy == weighted.accuracy);
    lam_net_free(net);
    lam_data_free(data);
}

/* ---- weights of classes ---- */

/* 12, 6 and 2 samples of classes "cat", "dog" and "a=b". */
static lam_data *unbalanced(void)
{
    static const char *const names[] = { "cat", "dog", "a=b" };
    uint8_t label[20];
    lam_data *data = NULL;
    for (size_t i = 0; i < 20; i++)
        label[i] = (uint8_t)(i < 12 ? 0 : i < 18 ? 1 : 2);
    const lam_tensor x = make_normal(LAM_F32, 20, D, 1), y = { LAM_U8, { 1, { 20 } }, label };
    assert_ok(lam_data_from_arrays(&data, &x, &y, 0, 0));
    assert_ok(lami_data_set_classes(data, 3, names));
    return data;
}

static void classes_have_weights_by_name_or_balanced(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double weight[3];
    } rows[] = {
        { "balanced", { 20.0 / (3 * 12.0), 20.0 / (3 * 6.0), 20.0 / (3 * 2.0) } },
        { "dog=2.5", { 1, 2.5, 1 } },
        { "cat=0,a=b=3", { 0, 1, 3 } },
        { "dog=2,dog=4,", { 1, 4, 1 } },
    };
    lam_data *data = unbalanced(), *numbered = toy_data(9, 0, D, 3, 1);
    double *weight = NULL;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_ok(lami_class_weights(&weight, data, rows[i].text));
        assert_memory_equal(weight, rows[i].weight, sizeof rows[i].weight);
        lami_free(weight);
    }
    assert_ok(lami_class_weights(&weight, numbered, "2=0.5"));
    assert_true(weight[0] == 1 && weight[1] == 1 && weight[2] == 0.5);
    lami_free(weight);
    assert_ok(lami_class_weights(&weight, data, NULL));
    assert_null(weight);
    lam_data_free(data);
    lam_data_free(numbered);
}

static void a_class_without_samples_does_not_unbalance_the_others(void **state)
{
    (void)state;
    uint8_t label[6] = { 0, 0, 0, 0, 2, 2 };
    lam_data *data = NULL;
    double *weight = NULL;
    const lam_tensor x = make_normal(LAM_F32, 6, D, 1), y = { LAM_U8, { 1, { 6 } }, label };
    assert_ok(lam_data_from_arrays(&data, &x, &y, 3, 0));
    assert_ok(lami_class_weights(&weight, data, "balanced"));
    assert_true(weight[0] == 0.5 && weight[1] == 0 && weight[2] == 1);
    lami_free(weight);
    lam_data_free(data);
}

static void wrong_class_weights_are_named_with_the_nearest_match(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        { "dgo=2", "no class \"dgo\", did you mean \"dog\"?" },
        { "mouse=2", "no class \"mouse\"" },
        { "balance", "\"balance\" is not CLASS=W with W at least 0, nor balanced" },
        { "dog=", "\"dog=\" is not CLASS=W" },
        { "dog=-1", "\"dog=-1\" is not CLASS=W" },
        { "dog=nan", "\"dog=nan\" is not CLASS=W" },
        { "dog=1,,cat=2", "\"\" is not CLASS=W" },
        { "=2", "no class \"\"" },
        { "cat=0,dog=0,a=b=0", "all are 0" },
    };
    lam_data *data = unbalanced(), *numbers = toy_numbers(9, 0, D, 1, 0, 1);
    double *weight = NULL;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(lami_class_weights(&weight, data, rows[i][0]), LAM_EOPTION);
        assert_null(weight);
        assert_message("--class-weight");
        assert_message(rows[i][1]);
    }
    assert_int_equal(lami_class_weights(&weight, numbers, "balanced"), LAM_EOPTION);
    assert_message("--class-weight is for data with classes");
    lam_status status = LAM_ENOMEM;
    for (long n = 1; status; n++) {
        lami_alloc_fail_at(n);
        status = lami_class_weights(&weight, data, "cat=2,dog=3");
        lami_alloc_fail_at(0);
        assert_true((!status && weight) || (status == LAM_ENOMEM && !weight));
    }
    lami_free(weight);
    lam_data_free(data);
    lam_data_free(numbers);
}

/* ---- training ---- */

enum { SAMPLES = 53, BATCH = 8, STEPS = 25 };

/* lam_train as a loop of one's own; class_weight per label. */
static void own_loop(lam_net *net, const lam_data *data, lam_options *o, const double *class_weight)
{
    lam_session *session = NULL;
    uint32_t order[SAMPLES];
    float x[BATCH * D];
    int32_t y[BATCH];
    double loss, w[BATCH];
    assert_ok(lam_session_new(&session, net, o));
    for (size_t step = 0; step < STEPS; step++) {
        const size_t epoch = step / (SAMPLES / BATCH), at_batch = step % (SAMPLES / BATCH);
        const lami_rng rng = lami_rng_make(5, LAMI_RNG_ORDER, 0, (uint32_t)epoch);
        if (!at_batch)
            lami_rng_order(order, SAMPLES, &rng);
        for (size_t i = 0; i < BATCH; i++) {
            const size_t sample = order[at_batch * BATCH + i];
            memcpy(x + i * D, lami_data_sample(data, LAM_TRAIN, sample), D * sizeof *x);
            y[i] = lam_data_label(data, LAM_TRAIN, sample);
            w[i] = lam_data_weight(data, LAM_TRAIN, sample) * class_weight[y[i]];
        }
        assert_ok(lam_session_weigh(session, &(lam_tensor) { LAM_F64, { 1, { BATCH } }, w }));
        assert_ok(lam_session_forward(&loss, session, &(lam_tensor) { LAM_F32, { 2, { BATCH, D } }, x },
                                      &(lam_tensor) { LAM_I32, { 1, { BATCH } }, y }));
        assert_ok(lam_session_backward(session));
        assert_ok(lam_session_step(session));
    }
    lam_session_free(session);
}

static void weighted_training_is_a_loop_of_ones_own_bit_for_bit(void **state)
{
    (void)state;
    static const char *const lists[] = { "optim=adam", "optim=sgd no-merge=1 l2=0.01",
                                         "optim=momentum clip=0.1 dtype=f64",
                                         "optim=adamw label-smoothing=0.1 threads=3" };
    static const char *const texts[] = { "affine 6 - batchnorm - relu - dropout 0.2 - affine 3 - softmax",
                                         "affine 6 - relu - affine 3 - logistic" };
    static const double weights[][3] = { { 1, 1, 1 }, { 0.5, 3, 1 } };
    lam_data *data = toy_data(SAMPLES, 0, D, 3, 1);
    const lam_tensor w = make_vector(LAM_F64, SAMPLES);
    fill_linspace(&w, 0.1, 4);
    assert_ok(lam_data_set_weights(data, LAM_TRAIN, &w));
    for (size_t i = 0; i < 8; i++) {
        char list[160], trained[65], looped[65];
        if (i / 4 && strstr(lists[i % 4], "smoothing"))
            continue;
        snprintf(list, sizeof list, "%s seed=5 batch=8 lr=0.01 steps=25%s", lists[i % 4],
                 i % 2 ? " class-weight=0=0.5,1=3" : "");
        lam_options *o = toy_options(list);
        lam_net *net = new_net(texts[i / 4], D, list), *own = new_net(texts[i / 4], D, list);
        assert_ok(lam_train(net, data, o, NULL, NULL));
        own_loop(own, data, o, weights[i % 2]);
        assert_ok(lam_net_sha256(net, trained));
        assert_ok(lam_net_sha256(own, looped));
        assert_string_equal(trained, looped);
        lam_options_free(o);
        lam_net_free(net);
        lam_net_free(own);
    }
    lam_data_free(data);
}

static void balanced_weights_find_the_rare_class(void **state)
{
    (void)state;
    enum { ROWS = 400, RARE = 20 };
    size_t found[2] = { 0 };
    lam_data *data = NULL;
    uint8_t label[ROWS];
    const lam_tensor x = make_normal(LAM_F32, ROWS, 2, 3), y = { LAM_U8, { 1, { ROWS } }, label };
    for (size_t i = 0; i < ROWS; i++) { /* clouds that overlap */
        label[i] = i < RARE;
        put(&x, 2 * i, at(&x, 2 * i) + 1.5 * label[i]);
    }
    assert_ok(lam_data_from_arrays(&data, &x, &y, 0, 0));
    for (int k = 0; k < 2; k++) {
        lam_session *session = NULL;
        lam_net *net = new_net("affine 2 - softmax", 2, "");
        lam_options *o = toy_options(k ? "epochs=50 lr=0.03 class-weight=balanced" : "epochs=50 lr=0.03");
        lam_tensor scores = make_rows(LAM_F32, RARE, 2);
        const lam_tensor rare = { LAM_F32, { 2, { RARE, 2 } }, x.data };
        assert_ok(lam_train(net, data, o, NULL, NULL));
        assert_ok(lam_session_new_predict(&session, net, NULL));
        assert_ok(lam_session_predict(session, &scores, &rare));
        for (size_t i = 0; i < RARE; i++)
            found[k] += at(&scores, 2 * i + 1) > at(&scores, 2 * i);
        lam_session_free(session);
        lam_options_free(o);
        lam_net_free(net);
    }
    assert_true(found[1] >= 12 && found[1] > found[0] + 4);
    lam_data_free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_weight_of_two_is_a_sample_twice),
        TEST(a_weight_of_zero_is_no_sample),
        TEST(equal_weights_are_as_none_bit_for_bit),
        TEST(weights_may_be_float_and_hold_for_one_forward_alone),
        TEST(weights_that_cannot_be_are_refused),
        TEST(weights_belong_to_samples_through_splits),
        TEST(weights_count_in_training_alone),
        TEST(classes_have_weights_by_name_or_balanced),
        TEST(a_class_without_samples_does_not_unbalance_the_others),
        TEST(wrong_class_weights_are_named_with_the_nearest_match),
        TEST(weighted_training_is_a_loop_of_ones_own_bit_for_bit),
        TEST(balanced_weights_find_the_rare_class),
    };
    return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
