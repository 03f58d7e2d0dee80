/* mix: mixup, samples mixed in pairs and losses as weighted sums. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../src/net/mix.h"
#include "../src/net/session.h"
#include "../src/train/solver.h"
#include "tensors.h"
#include "toy.h"

enum { N = 13, C = 2, H = 3, W = 5, SIZE = C * H * W, K = 4 };

/* ---- pairs ---- */

static void a_pair_is_mixed_in_place(void **state)
{
    (void)state;
    static const size_t counts[] = { 1, 2, 5, 8 };
    EACH_TYPE(type)
    for (size_t c = 0; c < 4; c++) {
        const size_t n = counts[c];
        const lam_tensor x = make_normal(type, n, 7, 1), was = make_copy(&x);
        for (size_t first = 0; first < n / 2; first++) /* one by one, as threads do it */
            lami_mix_pairs(x.data, type, n, 7, first, 1, 0.3);
        for (size_t i = 0; i < 7 * n; i++) {
            const size_t partner = (n - 1 - i / 7) * 7 + i % 7;
            if (partner == i) {
                assert_true(at(&x, i) == at(&was, i)); /* the one in the middle */
                continue;
            }
            if (type == LAM_F64)
                assert_true(at(&x, i) == 0.7 * at(&was, i) + 0.3 * at(&was, partner));
            else
                assert_true((float)at(&x, i) ==
                            (float)0.7 * (float)at(&was, i) + (float)0.3 * (float)at(&was, partner));
        }
    }
}

/* ---- a batch ---- */

/* Samples as double, or as bytes that preprocessing divides by 255; answers of both kinds, and weights. */
typedef struct {
    double x[N * SIZE], target[N * K], weight[N];
    uint8_t bytes[N * SIZE];
    int32_t label[N];
} samples;

static void fill(samples *s)
{
    const lami_rng rng = lami_rng_make(2, LAMI_RNG_TEST, 3, 0);
    for (size_t i = 0; i < N * SIZE; i++) {
        s->bytes[i] = (uint8_t)lami_rng_below(&rng, i, 256);
        s->x[i] = s->bytes[i] * (1.0 / 255);
    }
    for (size_t i = 0; i < N; i++) {
        s->label[i] = (int32_t)(i * i % K);
        s->weight[i] = 0.25 + (double)(i % 5);
        for (size_t k = 0; k < K; k++)
            s->target[i * K + k] = lami_rng_uniform(&rng, 3000 + i * K + k);
    }
}

typedef struct {
    const char *loss, *options;
    int numbers, weights;
} setting;

/* Softmax, svm, mse and logistic on classes, the last two on numbers; weights and smoothing. */
static const setting settings[] = {
    { "softmax", "", 0, 0 },  { "softmax", "label-smoothing=0.2 l2=0.01", 0, 1 },
    { "svm", "", 0, 0 },      { "svm", "l2=0.1", 0, 1 },
    { "mse", "", 0, 1 },      { "mse", "", 1, 0 },
    { "mse", "", 1, 1 },      { "logistic", "", 0, 0 },
    { "logistic", "", 1, 1 },
};
enum { SETTINGS = sizeof settings / sizeof *settings };

typedef struct {
    lam_net *net;
    lam_session *session;
} trained;

static trained open_session(const setting *t, const char *augment)
{
    char list[160], text[64];
    trained r = { 0 };
    snprintf(text, sizeof text, "affine 6 - sigmoid - affine %d - %s", K, t->loss);
    snprintf(list, sizeof list, "batch=%d dtype=f64 optim=sgd threads=1 %s %s", N, t->options, augment);
    lam_options *options = toy_options(list);
    assert_ok(lam_net_new(&r.net, text, &(lam_shape) { 3, { C, H, W } }, options));
    assert_ok(lami_session_make(&r.session, r.net, options, LAMI_SESSION_TRAIN));
    lam_options_free(options);
    return r;
}

static void end_session(trained *t)
{
    lam_session_free(t->session);
    lam_net_free(t->net);
}

/* Load the first n samples: as they are; partners: with the answers and weights of the partners. */
static void load(trained *t, const setting *how, const samples *s, const double *x, size_t n, int partners, double mix)
{
    const void *row[N];
    int32_t label[N];
    const double *target[N];
    double weight[N];
    for (size_t i = 0; i < n; i++) {
        const size_t answer = partners ? n - 1 - i : i;
        row[i] = x + i * SIZE;
        label[i] = s->label[answer];
        target[i] = s->target + answer * K;
        weight[i] = s->weight[answer];
    }
    assert_ok(lami_session_load(t->session, &(lami_batch) { .x = row,
                                                            .type = LAM_F64,
                                                            .n = n,
                                                            .label = how->numbers ? NULL : label,
                                                            .target = how->numbers ? target : NULL,
                                                            .weight = how->weights ? weight : NULL,
                                                            .mix = mix }));
}

/* The loss of the batch that is loaded, and a step of sgd. */
static double step(trained *t, double lr)
{
    double loss = NAN;
    assert_ok(lam_session_set_lr(t->session, lr));
    assert_ok(lami_session_train(&loss, t->session));
    return loss;
}

static double value(const lam_net *net, size_t i)
{
    return ((const double *)net->values)[i];
}

static void loss_and_gradient_are_the_weighted_sums_for_both_answers(void **state)
{
    (void)state;
    static samples s;
    static double mixed[N * SIZE];
    static const double shares[] = { 0, 0.3, 0.5, 0.9, 1 };
    fill(&s);
    for (size_t k = 0; k < SETTINGS * 10; k++) {
        const setting *how = &settings[k % SETTINGS];
        const double share = shares[k / SETTINGS % 5];
        const size_t n = k / SETTINGS / 5 ? N : N - 1;
        trained all = open_session(how, "augment=mixup=1"), own = open_session(how, ""), other = open_session(how, "");
        for (size_t i = 0; i < n * SIZE; i++)
            mixed[i] = (1 - share) * s.x[i] + share * s.x[(n - 1 - i / SIZE) * SIZE + i % SIZE];
        load(&all, how, &s, s.x, n, 0, share);
        load(&own, how, &s, mixed, n, 0, 0);
        load(&other, how, &s, mixed, n, 1, 0);
        const lam_tensor before = make_vector(LAM_F64, all.net->values_count);
        memcpy(before.data, all.net->values, all.net->values_count * sizeof(double));
        const double is = step(&all, 1), a = step(&own, 1), b = step(&other, 1);
        assert_near(is, (1 - share) * a + share * b, 1e-13 * (1 + is));
        for (size_t i = 0; i < all.net->values_count; i++)
            assert_near(at(&before, i) - value(all.net, i),
                        (1 - share) * (at(&before, i) - value(own.net, i)) +
                            share * (at(&before, i) - value(other.net, i)),
                        1e-13);
        end_session(&all);
        end_session(&own);
        end_session(&other);
    }
}

static void the_gradient_is_the_numeric_gradient(void **state)
{
    (void)state;
    static samples s;
    const double h = 1e-3;
    fill(&s);
    for (size_t k = 0; k < SETTINGS; k++) {
        trained t = open_session(&settings[k], "augment=mixup=1");
        double *w = t.net->values;
        load(&t, &settings[k], &s, s.x, N, 0, 0.3);
        for (size_t i = 0; i < t.net->values_count; i += 7) {
            const double was = w[i];
            double f[4];
            for (int at = 0; at < 4; at++) {
                w[i] = was + (at < 2 ? at - 2 : at - 1) * h; /* -2h, -h, h, 2h */
                f[at] = step(&t, 0);
            }
            w[i] = was;
            const double numeric = (8 * (f[2] - f[1]) - (f[3] - f[0])) / (12 * h);
            const lam_tensor before = make_vector(LAM_F64, t.net->values_count);
            memcpy(before.data, w, t.net->values_count * sizeof *w);
            step(&t, 1);
            assert_near(was - w[i], numeric, 1e-9 * (1 + fabs(numeric)));
            memcpy(w, before.data, t.net->values_count * sizeof *w);
        }
        end_session(&t);
    }
}

/* A share of 0: the bits of a session that knows nothing of mixup. */
static void nothing_mixed_is_nothing_changed(void **state)
{
    (void)state;
    static samples s;
    fill(&s);
    for (size_t k = 0; k < SETTINGS; k++) {
        trained with = open_session(&settings[k], "augment=mixup=1"), without = open_session(&settings[k], "");
        for (int i = 0; i < 3; i++) {
            load(&with, &settings[k], &s, s.x, N, 0, 0);
            load(&without, &settings[k], &s, s.x, N, 0, 0);
            assert_true(step(&with, 0.1) == step(&without, 0.1));
        }
        assert_memory_equal(with.net->values, without.net->values, with.net->values_count * sizeof(double));
        end_session(&with);
        end_session(&without);
    }
}

/* ---- a training ---- */

static lam_data *open_data(const samples *s, int as_bytes)
{
    lam_data *data = NULL;
    const lam_shape shape = { 4, { N, C, H, W } };
    int32_t label[N];
    memcpy(label, s->label, sizeof label);
    assert_ok(lam_data_from_arrays(
        &data, &(lam_tensor) { as_bytes ? LAM_U8 : LAM_F64, shape, as_bytes ? (void *)s->bytes : (void *)s->x },
        &(lam_tensor) { LAM_I32, { 1, { N } }, label }, K, 0));
    return data;
}

static double loss_of(const lam_data *data, const char *list, char sha[65])
{
    lam_net *net = NULL;
    lami_solver *solver = NULL;
    lami_result r;
    lam_options *options = toy_options(list);
    assert_ok(lam_net_new(&net, "affine 6 - relu - affine 4 - softmax", lam_data_shape(data), options));
    assert_ok(lami_solver_new(&solver, net, data, options));
    assert_ok(lami_solver_run(&r, solver, NULL, NULL));
    strcpy(sha, r.weights_sha256);
    lami_solver_free(solver);
    lam_options_free(options);
    lam_net_free(net);
    return r.loss;
}

static void samples_are_mixed_as_preprocessing_leaves_them(void **state)
{
    (void)state;
    static samples s;
    char first[65], second[65], other[65];
    fill(&s);
    lam_data *bytes = open_data(&s, 1), *reals = open_data(&s, 0);
    static const char list[] = "dtype=f64 batch=5 steps=20 augment=mixup=0.5,flip";
    const double a = loss_of(bytes, list, first), b = loss_of(reals, list, second);
    assert_near(a, b, 1e-12);
    assert_string_equal(first, second); /* value * (1.0 / 255) in both */
    loss_of(bytes, "dtype=f64 batch=5 steps=20 augment=flip", other);
    assert_string_not_equal(first, other);
    lam_data_free(bytes);
    lam_data_free(reals);
}

static void what_is_measured_is_not_mixed(void **state)
{
    (void)state;
    lam_data *data = toy_data(60, 0, 9, 3, 1);
    lam_net *net = NULL;
    lami_solver *solver = NULL;
    lami_result r;
    lam_metrics m;
    size_t epochs;
    lam_options *options = toy_options("epochs=40 batch=10 lr=0.01 augment=mixup=4"); /* of rows, too */
    assert_ok(lam_net_new(&net, "affine 9 - relu - affine 3 - softmax", lam_data_shape(data), options));
    assert_ok(lami_solver_new(&solver, net, data, options));
    assert_ok(lami_solver_run(&r, solver, NULL, NULL));
    assert_ok(lam_eval(&m, net, data, LAM_TRAIN, NULL));
    assert_true(m.accuracy == r.train_accuracy);
    assert_true(lami_solver_history(solver, &epochs)[39].loss > 2 * m.loss); /* of mixed samples */
    lami_solver_free(solver);
    lam_options_free(options);
    lam_net_free(net);
    lam_data_free(data);
}

static void a_batch_of_one_cannot_be_mixed(void **state)
{
    (void)state;
    lam_data *data = toy_data(6, 0, 9, 3, 1);
    lam_net *net = NULL;
    lam_options *options = toy_options("batch=1 augment=mixup=1");
    assert_ok(lam_net_new(&net, "affine 3 - softmax", lam_data_shape(data), options));
    assert_int_equal(lam_train(net, data, options, NULL, NULL), LAM_EOPTION);
    assert_string_equal(lam_last_error(), "--augment: mixup needs batches of at least 2 samples");
    lam_options_free(options);
    lam_net_free(net);
    lam_data_free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_pair_is_mixed_in_place),
        TEST(loss_and_gradient_are_the_weighted_sums_for_both_answers),
        TEST(the_gradient_is_the_numeric_gradient),
        TEST(nothing_mixed_is_nothing_changed),
        TEST(samples_are_mixed_as_preprocessing_leaves_them),
        TEST(what_is_measured_is_not_mixed),
        TEST(a_batch_of_one_cannot_be_mixed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
