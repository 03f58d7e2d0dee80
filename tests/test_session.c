/* Sessions: one const network in many threads, the order of calls, bad batches, gradients, failed allocations. */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../src/core/mem.h"
#include "../src/core/random.h"
#include "lamina.h"

enum { INPUTS = 13, CLASSES = 5, SAMPLES = 31 };

static const char notation[] = "{affine 17 - batchnorm - relu - dropout 0.2} x 2 - affine 5 - softmax";

static float x_data[SAMPLES * INPUTS];
static int64_t y_data[SAMPLES];

static lam_tensor samples(size_t first, size_t n)
{
    return (lam_tensor) { LAM_F32, { 2, { n, INPUTS } }, x_data + first * INPUTS };
}

static lam_tensor labels(size_t first, size_t n)
{
    return (lam_tensor) { LAM_I64, { 1, { n } }, y_data + first };
}

static int fill(void **state)
{
    (void)state;
    const lami_rng rng = lami_rng_make(3, LAMI_RNG_TEST, 0, 0);
    for (size_t i = 0; i < SAMPLES * INPUTS; i++)
        x_data[i] = (float)lami_rng_normal(&rng, i);
    for (size_t i = 0; i < SAMPLES; i++)
        y_data[i] = (int64_t)(i % CLASSES);
    return 0;
}

static lam_options *options_of(const char *batch)
{
    lam_options *o = NULL;
    assert_int_equal(lam_options_new(&o), LAM_OK);
    assert_int_equal(lam_options_set(o, "batch", batch), LAM_OK);
    return o;
}

static lam_net *net_of(const char *text)
{
    const lam_shape input = { 1, { INPUTS } };
    lam_net *net = NULL;
    assert_int_equal(lam_net_new(&net, text, &input, NULL), LAM_OK);
    return net;
}

/* ---- one const network, many threads ---- */

enum { USERS = 5, TURNS = 40 };

typedef struct {
    const lam_net *net;
    const float *expected;
    size_t wrong;
} user;

static void *predict_all(void *arg)
{
    user *u = arg;
    lam_options *o = options_of("8");
    lam_session *s = NULL;
    float out[8 * CLASSES];
    u->wrong = lam_session_new_predict(&s, u->net, o) != LAM_OK;
    for (size_t turn = 0; turn < TURNS && !u->wrong; turn++)
        for (size_t first = 0; first < SAMPLES; first += 8) {
            const size_t n = SAMPLES - first < 8 ? SAMPLES - first : 8;
            const lam_tensor x = samples(first, n);
            lam_tensor scores = { LAM_F32, { 2, { n, CLASSES } }, out };
            u->wrong += lam_session_predict(s, &scores, &x) ||
                        memcmp(out, u->expected + first * CLASSES, n * CLASSES * sizeof *out);
        }
    lam_session_free(s);
    lam_options_free(o);
    return NULL;
}

static void one_const_network_serves_sessions_in_many_threads(void **state)
{
    (void)state;
    lam_net *net = net_of(notation);
    lam_options *o = options_of("31");
    lam_session *s = NULL;
    float expected[SAMPLES * CLASSES];
    const lam_tensor x = samples(0, SAMPLES);
    lam_tensor scores = { LAM_F32, { 2, { SAMPLES, CLASSES } }, expected };
    assert_int_equal(lam_session_new_predict(&s, net, o), LAM_OK);
    assert_int_equal(lam_session_predict(s, &scores, &x), LAM_OK);
    lam_session_free(s);
    pthread_t thread[USERS];
    user users[USERS];
    for (size_t i = 0; i < USERS; i++) {
        users[i] = (user) { .net = net, .expected = expected };
        assert_int_equal(pthread_create(&thread[i], NULL, predict_all, &users[i]), 0);
    }
    for (size_t i = 0; i < USERS; i++) {
        pthread_join(thread[i], NULL);
        assert_int_equal(users[i].wrong, 0);
    }
    lam_options_free(o);
    lam_net_free(net);
}

/* ---- a step ---- */

static void calls_out_of_order_are_refused(void **state)
{
    (void)state;
    lam_net *net = net_of(notation);
    lam_options *o = options_of("31");
    lam_session *s = NULL;
    double loss = 0;
    float grad[17 * INPUTS];
    lam_tensor value = { LAM_F32, { 2, { 17, INPUTS } }, grad };
    const lam_tensor x = samples(0, SAMPLES), y = labels(0, SAMPLES);
    assert_int_equal(lam_session_new(&s, net, o), LAM_OK);
    assert_int_equal(lam_session_backward(s), LAM_EINVAL);
    assert_int_equal(lam_session_step(s), LAM_EINVAL);
    assert_int_equal(lam_session_grad(s, "affine1.weight", &value), LAM_EINVAL);
    assert_int_equal(lam_session_forward(&loss, s, &x, &y), LAM_OK);
    assert_int_equal(lam_session_step(s), LAM_EINVAL);
    assert_int_equal(lam_session_backward(s), LAM_OK);
    assert_int_equal(lam_session_backward(s), LAM_EINVAL);
    assert_int_equal(lam_session_grad(s, "affine1.weight", &value), LAM_OK);
    assert_int_equal(lam_session_grad(s, "affine1.nothing", &value), LAM_EINVAL);
    assert_int_equal(lam_session_grad(s, "batchnorm1.running_mean", &value), LAM_EINVAL);
    value.shape.dim[0] = 16;
    assert_int_equal(lam_session_grad(s, "affine1.weight", &value), LAM_ESHAPE);
    assert_int_equal(lam_session_step(s), LAM_OK);
    assert_int_equal(lam_session_step(s), LAM_EINVAL);
    lam_session_free(s);
    lam_options_free(o);
    lam_net_free(net);
}

static void a_view_of_a_gradient_shows_that_of_each_backward(void **state)
{
    (void)state;
    lam_net *net = net_of(notation);
    lam_options *o = options_of("31");
    lam_session *s = NULL;
    double loss = 0;
    float grad[17 * INPUTS];
    lam_tensor value = { LAM_F32, { 2, { 17, INPUTS } }, grad }, view;
    size_t strides[LAM_MAX_RANK];
    assert_int_equal(lam_session_new(&s, net, o), LAM_OK);
    assert_int_equal(lam_session_grad_view(&view, strides, s, "affine1.weight"), LAM_OK);
    assert_int_equal(lam_session_grad_view(&view, strides, s, "batchnorm1.running_mean"), LAM_EINVAL);
    assert_int_equal(lam_session_grad_view(&view, strides, s, "affine9.weight"), LAM_EINVAL);
    for (size_t n = SAMPLES; n; n /= 2) {
        const lam_tensor x = samples(0, n), y = labels(0, n);
        assert_int_equal(lam_session_forward(&loss, s, &x, &y), LAM_OK);
        assert_int_equal(lam_session_backward(s), LAM_OK);
        assert_int_equal(lam_session_grad(s, "affine1.weight", &value), LAM_OK);
        for (size_t i = 0; i < 17 * INPUTS; i++)
            assert_true(((const float *)view.data)[i / INPUTS * strides[0] + i % INPUTS * strides[1]] == grad[i]);
        assert_int_equal(lam_session_step(s), LAM_OK);
    }
    lam_session_free(s);
    lam_options_free(o);
    lam_net_free(net);
}

static void predicting_between_the_calls_of_a_step_changes_nothing(void **state)
{
    (void)state;
    char sha[2][65];
    for (int turn = 0; turn < 2; turn++) {
        lam_net *net = net_of(notation);
        lam_options *o = options_of("31");
        lam_session *s = NULL;
        float out[SAMPLES * CLASSES];
        lam_tensor scores = { LAM_F32, { 2, { SAMPLES, CLASSES } }, out };
        const lam_tensor x = samples(0, SAMPLES), y = labels(0, SAMPLES);
        assert_int_equal(lam_session_new(&s, net, o), LAM_OK);
        for (int step = 0; step < 3; step++) {
            double loss = 0;
            assert_int_equal(lam_session_forward(&loss, s, &x, &y), LAM_OK);
            if (turn)
                assert_int_equal(lam_session_predict(s, &scores, &x), LAM_OK);
            assert_int_equal(lam_session_backward(s), LAM_OK);
            if (turn)
                assert_int_equal(lam_session_predict(s, &scores, &x), LAM_OK);
            assert_int_equal(lam_session_step(s), LAM_OK);
        }
        assert_int_equal(lam_net_sha256(net, sha[turn]), LAM_OK);
        lam_session_free(s);
        lam_options_free(o);
        lam_net_free(net);
    }
    assert_string_equal(sha[0], sha[1]);
}

/* ---- what is made of the parameters once ---- */

enum { IMAGE = 16 * 8 * 8, IMAGES = 2 };

static void predict_image(float out[IMAGES * CLASSES], lam_session *s, float *pixels)
{
    lam_tensor scores = { LAM_F32, { 2, { IMAGES, CLASSES } }, out };
    const lam_tensor x = { LAM_F32, { 4, { IMAGES, 16, 8, 8 } }, pixels };
    assert_int_equal(lam_session_predict(s, &scores, &x), LAM_OK);
}

static void change_nothing(lam_net *net, lam_session *train, const lam_tensor *x)
{
    (void)net, (void)train, (void)x;
}

static void set_filters(lam_net *net, lam_session *train, const lam_tensor *x)
{
    (void)train, (void)x;
    static float filters[16 * 16 * 9];
    for (size_t i = 0; i < 16 * 16 * 9; i++)
        filters[i] = (float)(i % 7) / 7;
    assert_int_equal(lam_net_set(net, "conv1.weight", &(lam_tensor) { LAM_F32, { 4, { 16, 16, 3, 3 } }, filters }),
                     LAM_OK);
}

static void set_variance(lam_net *net, lam_session *train, const lam_tensor *x)
{
    (void)train, (void)x;
    float var[16];
    for (size_t i = 0; i < 16; i++)
        var[i] = 0.5f + (float)i;
    assert_int_equal(lam_net_set(net, "batchnorm1.running_var", &(lam_tensor) { LAM_F32, { 1, { 16 } }, var }), LAM_OK);
}

static void make_a_step(lam_net *net, lam_session *train, const lam_tensor *x)
{
    (void)net;
    double loss = 0;
    const lam_tensor y = labels(0, IMAGES);
    assert_int_equal(lam_session_forward(&loss, train, x, &y), LAM_OK);
    assert_int_equal(lam_session_backward(train), LAM_OK);
    assert_int_equal(lam_session_step(train), LAM_OK);
}

static void train_two_steps(lam_net *net, lam_session *train, const lam_tensor *x)
{
    (void)train;
    lam_data *data = NULL;
    lam_options *o = options_of("1");
    const lam_tensor y = labels(0, IMAGES);
    assert_int_equal(lam_options_set(o, "epochs", "1"), LAM_OK);
    assert_int_equal(lam_data_from_arrays(&data, x, &y, CLASSES, 0), LAM_OK);
    assert_int_equal(lam_train(net, data, o, NULL, NULL), LAM_OK);
    lam_data_free(data);
    lam_options_free(o);
}

static lam_tensor view;

static void look(lam_net *net, lam_session *train, const lam_tensor *x)
{
    (void)train, (void)x;
    size_t strides[LAM_MAX_RANK];
    assert_int_equal(lam_net_view(&view, strides, net, "conv1.weight"), LAM_OK);
    ((float *)view.data)[5] += 1;
}

static void write_through_the_view(lam_net *net, lam_session *train, const lam_tensor *x)
{
    (void)net, (void)train, (void)x;
    ((float *)view.data)[5] -= 0.25f;
}

static void predictions_follow_the_parameters(void **state)
{
    (void)state;
    void (*const change[])(lam_net *, lam_session *, const lam_tensor *) = { change_nothing, set_filters,
                                                                             set_variance,   make_a_step,
                                                                             change_nothing, train_two_steps,
                                                                             look,           write_through_the_view };
    static float pixels[IMAGES * IMAGE];
    const lami_rng rng = lami_rng_make(5, LAMI_RNG_TEST, 0, 0);
    for (size_t i = 0; i < IMAGES * IMAGE; i++)
        pixels[i] = (float)lami_rng_normal(&rng, i);
    const lam_tensor x = { LAM_F32, { 4, { IMAGES, 16, 8, 8 } }, pixels };
    lam_net *net = NULL;
    lam_options *o = options_of("2");
    lam_session *old = NULL, *train = NULL;
    float before[IMAGES * CLASSES] = { 0 }, now[IMAGES * CLASSES], fresh[IMAGES * CLASSES];
    assert_int_equal(lam_net_new(&net, "conv 16 3x3 - batchnorm - relu - conv 16 3x3 - affine 5 - softmax",
                                 &(lam_shape) { 3, { 16, 8, 8 } }, NULL),
                     LAM_OK);
    assert_int_equal(lam_session_new_predict(&old, net, o), LAM_OK);
    assert_int_equal(lam_session_new(&train, net, o), LAM_OK);
    for (size_t i = 0; i < sizeof change / sizeof *change; i++) {
        lam_session *s = NULL;
        change[i](net, train, &x);
        predict_image(now, old, pixels);
        assert_int_equal(lam_session_new_predict(&s, net, o), LAM_OK);
        predict_image(fresh, s, pixels);
        lam_session_free(s);
        assert_memory_equal(now, fresh, sizeof now);
        predict_image(fresh, train, pixels);
        assert_memory_equal(now, fresh, sizeof now);
        assert_int_equal(memcmp(now, before, sizeof now) == 0, i && change[i] == change_nothing);
        memcpy(before, now, sizeof now);
    }
    lam_session_free(train);
    lam_session_free(old);
    lam_options_free(o);
    lam_net_free(net);
}

static void bad_batches_are_refused_and_change_nothing(void **state)
{
    (void)state;
    lam_net *net = net_of(notation);
    lam_options *o = options_of("16");
    lam_session *s = NULL;
    char before[65], after[65];
    double loss = 0;
    const lam_tensor x = samples(0, 16), y = labels(0, 16);
    assert_int_equal(lam_session_new(&s, net, o), LAM_OK);
    assert_int_equal(lam_net_sha256(net, before), LAM_OK);

    const lam_tensor many = samples(0, 17), narrow = { LAM_F32, { 2, { 16, INPUTS - 1 } }, x_data };
    const lam_tensor whole = { LAM_I64, { 2, { 16, INPUTS } }, x_data }, few = labels(0, 15);
    assert_int_equal(lam_session_forward(&loss, s, &many, &y), LAM_EINVAL);
    assert_int_equal(lam_session_forward(&loss, s, &narrow, &y), LAM_ESHAPE);
    assert_int_equal(lam_session_forward(&loss, s, &whole, &y), LAM_EINVAL);
    assert_int_equal(lam_session_forward(&loss, s, &x, &few), LAM_ESHAPE);
    int64_t wrong[16] = { 0 };
    const lam_tensor bad = { LAM_I64, { 1, { 16 } }, wrong };
    wrong[3] = CLASSES;
    assert_int_equal(lam_session_forward(&loss, s, &x, &bad), LAM_EFORMAT);
    wrong[3] = -1;
    assert_int_equal(lam_session_forward(&loss, s, &x, &bad), LAM_EFORMAT);
    assert_non_null(strstr(lam_last_error(), "3"));
    assert_int_equal(lam_session_set_lr(s, -1), LAM_EINVAL);
    assert_int_equal(lam_session_set_lr(s, NAN), LAM_EINVAL);

    assert_int_equal(lam_net_sha256(net, after), LAM_OK);
    assert_string_equal(before, after);
    lam_session_free(s);
    lam_options_free(o);
    lam_net_free(net);
}

static void a_value_that_is_not_finite_names_step_and_layer(void **state)
{
    (void)state;
    lam_net *net = net_of("affine 7 - relu - affine 6 - layernorm - affine 5 - softmax");
    lam_options *o = options_of("31");
    lam_session *s = NULL;
    char before[65], after[65];
    float huge[6 * 7];
    double loss = 0;
    const lam_tensor x = samples(0, SAMPLES), y = labels(0, SAMPLES);
    for (size_t i = 0; i < 42; i++)
        huge[i] = 3e38f;
    assert_int_equal(lam_session_new(&s, net, o), LAM_OK);
    assert_int_equal(lam_session_forward(&loss, s, &x, &y), LAM_OK);
    assert_int_equal(lam_session_backward(s), LAM_OK);
    assert_int_equal(lam_session_step(s), LAM_OK);
    assert_int_equal(lam_net_set(net, "affine2.weight", &(lam_tensor) { LAM_F32, { 2, { 6, 7 } }, huge }), LAM_OK);
    assert_int_equal(lam_net_sha256(net, before), LAM_OK);
    assert_int_equal(lam_session_forward(&loss, s, &x, &y), LAM_EDIVERGED);
    assert_non_null(strstr(lam_last_error(), "step 2"));
    assert_non_null(strstr(lam_last_error(), "affine2"));
    assert_int_equal(lam_session_backward(s), LAM_EINVAL);
    assert_int_equal(lam_net_sha256(net, after), LAM_OK);
    assert_string_equal(before, after);
    lam_session_free(s);
    lam_options_free(o);
    lam_net_free(net);
}

static void a_step_allocates_nothing(void **state)
{
    (void)state;
    lam_net *net = net_of(notation);
    lam_options *o = options_of("31");
    lam_session *s = NULL;
    const lam_tensor y = labels(0, 19), x = samples(0, 19);
    assert_int_equal(lam_session_new(&s, net, o), LAM_OK);
    const long before = lami_alloc_count();
    for (int step = 0; step < 3; step++) {
        double loss = 0;
        assert_int_equal(lam_session_forward(&loss, s, &x, &y), LAM_OK);
        assert_int_equal(lam_session_backward(s), LAM_OK);
        assert_int_equal(lam_session_step(s), LAM_OK);
    }
    assert_int_equal(lami_alloc_count(), before);
    lam_session_free(s);
    lam_options_free(o);
    lam_net_free(net);
}

static void every_failed_allocation_is_reported(void **state)
{
    (void)state;
    lam_net *net = net_of(notation);
    lam_options *o = options_of("31");
    lam_session *s = NULL;
    long n = 1;
    for (;; n++) {
        lami_alloc_fail_at(n);
        const lam_status status = lam_session_new(&s, net, o);
        lami_alloc_fail_at(0);
        if (!status)
            break;
        assert_int_equal(status, LAM_ENOMEM);
        assert_null(s);
    }
    assert_true(n > 10);
    lam_session_free(s);
    lam_options_free(o);
    lam_net_free(net);
}

/* ---- the update rule's state ---- */

static lam_options *rule_options(const char *rule)
{
    lam_options *o = options_of("31");
    assert_int_equal(lam_options_set(o, "optim", rule), LAM_OK);
    return o;
}

static void take_steps(lam_session *s, size_t count)
{
    const lam_tensor x = samples(0, SAMPLES), y = labels(0, SAMPLES);
    for (double loss; count; count--) {
        assert_int_equal(lam_session_forward(&loss, s, &x, &y), LAM_OK);
        assert_int_equal(lam_session_backward(s), LAM_OK);
        assert_int_equal(lam_session_step(s), LAM_OK);
    }
}

/* All that a training is made of, from one network and session to others. of_weights: how many of the slots they have. */
static void hand_over(lam_net *to, lam_session *to_session, const lam_net *from, const lam_session *from_session,
                      const char *const slots[2], int of_weights)
{
    double values[INPUTS * 17 * 2];
    for (size_t i = 0; i < lam_net_param_count(from); i++) {
        const char *name = lam_net_param_name(from, i);
        lam_tensor value = { LAM_F64, *lam_net_param_shape(from, i), values };
        assert_int_equal(lam_net_get(from, name, &value), LAM_OK);
        assert_int_equal(lam_net_set(to, name, &value), LAM_OK);
        if (strstr(name, "running"))
            continue;
        for (int k = 0; k < 2 && slots[k]; k++) {
            if (k >= of_weights && strstr(name, ".weight")) {
                assert_int_equal(lam_session_state(from_session, name, slots[k], &value), LAM_EINVAL);
                continue;
            }
            assert_int_equal(lam_session_state(from_session, name, slots[k], &value), LAM_OK);
            assert_int_equal(lam_session_set_state(to_session, name, slots[k], &value), LAM_OK);
        }
    }
    lam_session_set_steps(to_session, lam_session_steps(from_session));
}

static void a_training_goes_on_with_the_state_of_another_session(void **state)
{
    (void)state;
    static const struct {
        const char *rule, *slots[2];
        int of_weights;
    } rules[] = { { "sgd", { NULL }, 0 },        { "momentum", { "velocity" }, 1 }, { "nesterov", { "velocity" }, 1 },
                  { "rmsprop", { "cache" }, 1 }, { "adam", { "m", "v" }, 2 },       { "adamw", { "m", "v" }, 2 },
                  { "muon", { "m", "v" }, 1 } };
    for (size_t r = 0; r < sizeof rules / sizeof *rules; r++) {
        lam_options *o = rule_options(rules[r].rule);
        lam_net *first = net_of(notation), *second = net_of(notation);
        lam_session *a = NULL, *b = NULL;
        char one[65], other[65];
        assert_int_equal(lam_session_new(&a, first, o), LAM_OK);
        assert_int_equal(lam_session_new(&b, second, o), LAM_OK);
        assert_int_equal(lam_session_steps(a), 0);
        take_steps(a, 3);
        assert_int_equal(lam_session_steps(a), 3);
        hand_over(second, b, first, a, rules[r].slots, rules[r].of_weights);
        take_steps(a, 2);
        take_steps(b, 2);
        assert_int_equal(lam_net_sha256(first, one), LAM_OK);
        assert_int_equal(lam_net_sha256(second, other), LAM_OK);
        assert_string_equal(one, other);
        lam_session_free(a);
        lam_session_free(b);
        lam_net_free(first);
        lam_net_free(second);
        lam_options_free(o);
    }
}

static void states_that_are_not_there_are_refused(void **state)
{
    (void)state;
    lam_options *o = rule_options("momentum");
    lam_net *net = net_of(notation);
    lam_session *s = NULL, *predictor = NULL;
    float values[17 * INPUTS];
    lam_tensor value = { LAM_F32, { 2, { 17, INPUTS } }, values };
    assert_int_equal(lam_session_new(&s, net, o), LAM_OK);
    assert_int_equal(lam_session_new_predict(&predictor, net, o), LAM_OK);
    assert_int_equal(lam_session_state(s, "affine1.weight", "velocity", &value), LAM_OK);
    for (size_t i = 0; i < 17 * INPUTS; i++)
        assert_true(values[i] == 0);
    assert_int_equal(lam_session_state(s, "affine1.weight", "m", &value), LAM_EINVAL);
    assert_int_equal(lam_session_state(s, "affine9.weight", "velocity", &value), LAM_EINVAL);
    assert_int_equal(lam_session_set_state(s, "batchnorm1.running_mean", "velocity", &value), LAM_EINVAL);
    assert_int_equal(lam_session_state(predictor, "affine1.weight", "velocity", &value), LAM_EINVAL);
    assert_int_equal(lam_session_set_state(s, "affine1.weight", NULL, &value), LAM_EINVAL);
    assert_int_equal(lam_session_set_state(s, "affine1.weight", "velocity", NULL), LAM_EINVAL);
    value.dtype = LAM_U8;
    assert_int_equal(lam_session_set_state(s, "affine1.weight", "velocity", &value), LAM_EINVAL);
    value = (lam_tensor) { LAM_F32, { 2, { INPUTS, 17 } }, values };
    assert_int_equal(lam_session_set_state(s, "affine1.weight", "velocity", &value), LAM_ESHAPE);
    assert_int_equal(lam_session_state(s, "affine1.weight", "velocity", &value), LAM_ESHAPE);
    lam_session_free(predictor);
    lam_session_free(s);
    lam_net_free(net);
    lam_options_free(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_const_network_serves_sessions_in_many_threads),
        cmocka_unit_test(calls_out_of_order_are_refused),
        cmocka_unit_test(a_view_of_a_gradient_shows_that_of_each_backward),
        cmocka_unit_test(predicting_between_the_calls_of_a_step_changes_nothing),
        cmocka_unit_test(predictions_follow_the_parameters),
        cmocka_unit_test(bad_batches_are_refused_and_change_nothing),
        cmocka_unit_test(a_value_that_is_not_finite_names_step_and_layer),
        cmocka_unit_test(a_step_allocates_nothing),
        cmocka_unit_test(every_failed_allocation_is_reported),
        cmocka_unit_test(a_training_goes_on_with_the_state_of_another_session),
        cmocka_unit_test(states_that_are_not_there_are_refused),
    };
    return cmocka_run_group_tests(tests, fill, NULL);
}
