/* advice: each warning once where it is due, and none where training is sound. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../src/net/net.h"
#include "../src/train/advice.h"
#include "../src/train/solver.h"
#include "tensors.h"
#include "toy.h"

/* Warnings of a training, and the steps at which they came. */
typedef struct heard {
    size_t count, step[8];
    char text[8][256];
} heard;

static int listen(const lam_progress *p, void *arg)
{
    heard *h = arg;
    if (!p->warning)
        return 0;
    assert_true(h->count < 8);
    assert_null(strchr(p->warning, '\n'));
    h->step[h->count] = p->step;
    snprintf(h->text[h->count++], sizeof h->text[0], "%s", p->warning);
    return 0;
}

static lam_net *new_net(const char *text, const lam_data *data, const char *list)
{
    lam_net *net = NULL;
    lam_options *o = toy_options(list);
    assert_ok(lam_net_new(&net, text, lam_data_shape(data), o));
    lam_options_free(o);
    return net;
}

static heard train(lam_net *net, const lam_data *data, const char *list)
{
    heard h = { .count = 0 };
    lam_options *o = toy_options(list);
    assert_ok(lam_train(net, data, o, listen, &h));
    lam_options_free(o);
    return h;
}

static heard train_new(const char *text, const lam_data *data, const char *list)
{
    lam_net *net = new_net(text, data, list);
    const heard h = train(net, data, list);
    lam_net_free(net);
    return h;
}

static void assert_one(const heard *h, size_t step, const char *what)
{
    for (size_t i = 0; i < h->count; i++)
        if (h->count != 1 || !strstr(h->text[i], what))
            print_error("%zu: %s\n", h->step[i], h->text[i]);
    assert_int_equal(h->count, 1);
    assert_non_null(strstr(h->text[0], what));
    if (step)
        assert_int_equal(h->step[0], step);
}

static void assert_silent(const heard *h)
{
    if (h->count)
        print_error("%zu: %s\n", h->step[0], h->text[0]);
    assert_int_equal(h->count, 0);
}

static void sound_trainings_hear_nothing(void **state)
{
    (void)state;
    static const char *const notations[] = {
        "{affine 50 - relu} x 2 - affine 5 - softmax",
        "{affine 50 - batchnorm - relu} x 4 - affine 5 - softmax",
        "affine 50 - relu - affine 5 - svm",
        "affine 50 - tanh - affine 5 - logistic",
        "affine 50 - relu - dropout 0.5 - affine 5 - softmax",
        "affine 50 - relu - affine 5 - mse",
    };
    static const char *const lists[] = { "",
                                         "optim=sgd lr=0.01",
                                         "l2=1",
                                         "optim=momentum lr=0.003",
                                         "schedule=one-cycle accumulate=2",
                                         "init-scale=0.01",
                                         "label-smoothing=0.1" };
    lam_data *data = toy_data(400, 100, 20, 5, 1);
    for (size_t i = 0; i < 6; i++)
        for (size_t k = 0; k < 7; k++) {
            char list[96];
            if (k == 6 && !strstr(notations[i], "softmax"))
                continue;
            snprintf(list, sizeof list, "epochs=6 batch=100 %s", lists[k]);
            const heard h = train_new(notations[i], data, list);
            if (h.count)
                print_error("%s, %s\n", notations[i], list);
            assert_silent(&h);
        }
    lam_data_free(data);
    data = toy_numbers(400, 0, 20, 2, 1000, 200);
    const heard scaled = train_new("affine 50 - relu - affine 2 - mse", data, "epochs=6 scale-targets=1");
    assert_silent(&scaled);
    lam_data_free(data);
    data = toy_numbers(400, 0, 20, 2, 3, 2);
    const heard small = train_new("affine 50 - relu - affine 2 - mse", data, "epochs=6");
    assert_silent(&small);
    lam_data_free(data);
}

static void a_loss_far_above_guessing_at_the_start_is_noticed(void **state)
{
    (void)state;
    static const char *const losses[] = { "softmax", "svm", "logistic" };
    static const char *const guess[] = { "guessing gives 1.609", "guessing gives 4:", "guessing gives 0.6931" };
    lam_data *data = toy_data(400, 0, 20, 5, 1);
    for (size_t i = 0; i < 3; i++) {
        char text[64];
        snprintf(text, sizeof text, "affine 50 - relu - affine 5 - %s", losses[i]);
        const heard h = train_new(text, data, "epochs=3 init-scale=3");
        assert_one(&h, 1, "the loss begins at");
        assert_non_null(strstr(h.text[0], guess[i]));
        assert_non_null(strstr(h.text[0], "--init-scale"));
    }
    const heard unscaled = train_new("affine 50 - relu - affine 5 - softmax", data, "epochs=1 preprocess=scale=1000");
    assert_one(&unscaled, 1, "--preprocess standardize");
    lam_data_free(data);
}

static void a_start_with_other_weights_or_a_resumed_one_is_not_judged(void **state)
{
    (void)state;
    lam_data *data = toy_data(400, 0, 20, 5, 1);
    lam_net *net = new_net("affine 5 - softmax", data, "");
    lami_advice a;
    lami_advice_new(&a, net, data);
    lami_advice_begin(&a, log(5), log(5));
    assert_null(lami_advice_take(&a));
    lami_advice_begin(&a, NAN, NAN);
    assert_null(lami_advice_take(&a));
    lam_net_free(net);
    lam_data_free(data);
}

static void a_loss_that_grows_is_noticed_once(void **state)
{
    (void)state;
    lam_data *data = toy_data(400, 0, 20, 5, 1);
    const heard h = train_new("affine 50 - tanh - affine 5 - softmax", data, "epochs=12 optim=sgd lr=3 lr-decay=2");
    assert_one(&h, 0, "the loss has grown from");
    assert_non_null(strstr(h.text[0], "--lr "));
    const heard still = train_new("affine 50 - tanh - affine 5 - softmax", data, "epochs=3 lr=0 l2=10");
    assert_silent(&still);
    lam_data_free(data);
}

/* A first layer that is 0 for most of the samples: its biases far below. */
static lam_net *dead_net(const char *text, const lam_data *data, size_t dead)
{
    lam_net *net = new_net(text, data, "");
    const lam_tensor bias = make_vector(LAM_F32, 50);
    for (size_t i = 0; i < dead; i++)
        put(&bias, i, -1000);
    assert_ok(lam_net_set(net, "affine1.bias", &bias));
    return net;
}

static void relus_that_are_dead_are_named_once(void **state)
{
    (void)state;
    static const char text[] = "affine 50 - relu - affine 30 - relu - affine 5 - softmax";
    lam_data *data = toy_data(400, 100, 20, 5, 1);
    lam_net *net = dead_net(text, data, 30);
    heard h = train(net, data, "epochs=5");
    assert_one(&h, 4, "relu1: 30 of 50 units are 0 for each of 100 samples");
    assert_non_null(strstr(h.text[0], "leakyrelu"));
    lam_net_free(net);

    net = dead_net(text, data, 20); /* less than half of them */
    h = train(net, data, "epochs=5");
    assert_silent(&h);
    lam_net_free(net);

    net = dead_net(text, data, 30); /* on few samples a unit may well be 0 */
    h = train(net, data, "epochs=5 batch=49");
    assert_silent(&h);
    lam_net_free(net);

    net = dead_net("affine 50 - leakyrelu - affine 5 - softmax", data, 30);
    h = train(net, data, "epochs=5 preprocess=standardize lr=0.0001");
    for (size_t i = 0; i < h.count; i++)
        assert_null(strstr(h.text[i], "units are 0"));
    lam_net_free(net);
    lam_data_free(data);
}

static void numbers_that_are_large_ask_for_scaling_once(void **state)
{
    (void)state;
    lam_data *data = toy_numbers(400, 0, 20, 2, 1000, 1);
    const heard h = train_new("affine 50 - tanh - affine 2 - mse", data, "epochs=5");
    assert_one(&h, 1, "--scale-targets");
    assert_non_null(strstr(h.text[0], "the numbers to predict reach 100"));
    lam_data_free(data);
}

static void listening_changes_no_bit(void **state)
{
    (void)state;
    char sha[2][65];
    lam_data *data = toy_data(400, 100, 20, 5, 1);
    for (int k = 0; k < 2; k++) {
        heard h = { .count = 0 };
        lam_net *net = dead_net("affine 50 - relu - dropout 0.1 - affine 5 - softmax", data, 30);
        lam_options *o = toy_options("epochs=3");
        assert_ok(lam_train(net, data, o, k ? listen : NULL, &h));
        assert_ok(lam_net_sha256(net, sha[k]));
        lam_options_free(o);
        lam_net_free(net);
    }
    assert_string_equal(sha[0], sha[1]);
    lam_data_free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sound_trainings_hear_nothing),
        TEST(a_loss_far_above_guessing_at_the_start_is_noticed),
        TEST(a_start_with_other_weights_or_a_resumed_one_is_not_judged),
        TEST(a_loss_that_grows_is_noticed_once),
        TEST(relus_that_are_dead_are_named_once),
        TEST(numbers_that_are_large_ask_for_scaling_once),
        TEST(listening_changes_no_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
