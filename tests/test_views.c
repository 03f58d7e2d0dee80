/* views: --tta, scores that are the mean over mirrored and moved copies of an image. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "../src/core/mem.h"
#include "../src/core/random.h"
#include "../src/net/session.h"
#include "../src/net/views.h"
#include "../src/train/metrics.h"
#include "../src/train/solver.h"
#include "toy.h"

enum { N = 37, C = 2, H = 5, W = 4, SIZE = C * H * W, CLASSES = 3 };

/* ---- one sample ---- */

static void views_mirror_and_reflect(void **state)
{
    (void)state;
    static const struct {
        lami_view view;
        const char *is;
    } cases[] = {
        { { .mirror = 0 }, "abcdefghijkl" },      { { .mirror = 1 }, "cbafedihglkj" },
        { { .dy = 0, .dx = 1 }, "bcbefehihklk" }, { { .dy = 0, .dx = -1 }, "babedehghkjk" },
        { { .dy = 1, .dx = 0 }, "defabcjklghi" }, { { .dy = -1, .dx = -1 }, "edebabkjkhgh" },
        { { .dy = 1, .dx = 1 }, "efebcbklkhih" }, { { .mirror = 1, .dy = 1, .dx = 1 }, "efebcbklkhih" },
    };
    static const char sample[] = "abcdefghijkl"; /* two channels of 2 x 3 */
    const lam_shape image = lami_shape3(2, 2, 3);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char seen[13] = "";
        double in[12], out[12];
        lami_view_sample(seen, sample, 1, &image, &cases[i].view);
        assert_string_equal(seen, cases[i].is);
        for (size_t k = 0; k < 12; k++)
            in[k] = sample[k];
        lami_view_sample(out, in, sizeof *in, &image, &cases[i].view);
        for (size_t k = 0; k < 12; k++)
            assert_true(out[k] == cases[i].is[k]);
    }
    char one[2] = "";
    lami_view_sample(one, "x", 1, &(lam_shape) { 3, { 1, 1, 1 } }, &(lami_view) { .dy = 1, .dx = -1 });
    assert_string_equal(one, "x");
}

static void the_views_of_an_option_weigh_one(void **state)
{
    (void)state;
    static const struct {
        const char *tta;
        size_t count;
    } cases[] = { { "flip", 2 }, { "translate", 6 } };
    for (size_t i = 0; i < 2; i++) {
        lami_views *views = NULL;
        double sum = 0;
        assert_ok(lami_views_new(&views, cases[i].tta, &(lam_shape) { 3, { 1, 2, 2 } }, 3, 2));
        assert_int_equal(views->count, cases[i].count);
        for (size_t v = 0; v < views->count; v++)
            sum += views->view[v].weight;
        assert_true(sum == 1 && !views->view[0].mirror && !views->view[0].dx);
        lami_views_free(views);
    }
}

/* ---- scores ---- */

static lam_data *images(lam_dtype type, double x[N * SIZE], uint8_t y[N])
{
    lam_data *data = NULL;
    const lami_rng rng = lami_rng_make(8, LAMI_RNG_TEST, 0, 0);
    uint8_t bytes[N * SIZE];
    for (size_t i = 0; i < N * SIZE; i++) {
        bytes[i] = (uint8_t)lami_rng_below(&rng, i, 256);
        x[i] = type == LAM_U8 ? bytes[i] : bytes[i] / 64.0 - 2;
    }
    for (size_t i = 0; i < N; i++)
        y[i] = (uint8_t)lami_rng_below(&rng, N * SIZE + i, CLASSES);
    const lam_tensor xs = { type, { 4, { N, C, H, W } }, type == LAM_U8 ? (void *)bytes : (void *)x };
    const lam_tensor ys = { LAM_U8, { 1, { N } }, y };
    assert_ok(lam_data_from_arrays(&data, &xs, &ys, CLASSES, 0));
    return data;
}

/* Scores of all samples (f64 network), by lam_session_predict. */
static void predict(double *scores, const lam_net *net, const double *x, const char *list)
{
    lam_session *session = NULL;
    lam_options *options = toy_options(list);
    assert_ok(lam_options_set(options, "batch", "37"));
    assert_ok(lam_session_new_predict(&session, net, options));
    assert_ok(lam_session_predict(session, &(lam_tensor) { LAM_F64, { 2, { N, CLASSES } }, scores },
                                  &(lam_tensor) { LAM_F64, { 4, { N, C, H, W } }, (void *)x }));
    lam_session_free(session);
    lam_options_free(options);
}

static size_t reflect(ptrdiff_t i, size_t n)
{
    return i < 0 ? (size_t)-i : i >= (ptrdiff_t)n ? 2 * n - 2 - (size_t)i : (size_t)i;
}

/* x moved by d in both directions, then mirrored: what airbench94 calls a translate, in plain loops. */
static void move(double *to, const double *x, int d, int mirror)
{
    for (size_t i = 0; i < N * C; i++)
        for (size_t r = 0; r < H; r++)
            for (size_t c = 0; c < W; c++)
                to[(i * H + r) * W + c] =
                    x[(i * H + reflect((ptrdiff_t)r + d, H)) * W + reflect((ptrdiff_t)(mirror ? W - 1 - c : c) + d, W)];
}

static void expected(double *mean, const lam_net *net, const double *x, int translate)
{
    double moved[N * SIZE], scores[N * CLASSES];
    memset(mean, 0, N * CLASSES * sizeof *mean);
    for (int d = translate ? -1 : 0; d <= translate; d++)
        for (int mirror = 0; mirror < 2; mirror++) {
            move(moved, x, d, mirror);
            predict(scores, net, moved, "");
            for (size_t i = 0; i < N * CLASSES; i++)
                mean[i] += scores[i] * (translate ? d ? 0.125 : 0.25 : 0.5);
        }
}

static double softmax_loss(const double *scores, const uint8_t *y)
{
    double loss = 0;
    for (size_t i = 0; i < N; i++) {
        double sum = 0;
        for (size_t k = 0; k < CLASSES; k++)
            sum += exp(scores[i * CLASSES + k]);
        loss += (log(sum) - scores[i * CLASSES + y[i]]) / N;
    }
    return loss;
}

static double accuracy(const double *scores, const uint8_t *y)
{
    size_t right = 0;
    for (size_t i = 0; i < N; i++) {
        size_t best = 0;
        for (size_t k = 1; k < CLASSES; k++)
            if (scores[i * CLASSES + k] > scores[i * CLASSES + best])
                best = k;
        right += best == y[i];
    }
    return (double)right / N;
}

static void scores_and_losses_are_those_of_the_mean_over_the_views(void **state)
{
    (void)state;
    static const char *const nets[] = { "affine 6 - relu - affine 3 - softmax",
                                        "conv 4 3x3 - batchnorm - relu - affine 3 - softmax" };
    static const char *const words[] = { "flip", "translate" };
    for (size_t k = 0; k < 8; k++) {
        double x[N * SIZE], mean[N * CLASSES], scores[N * CLASSES];
        uint8_t y[N];
        lam_data *data = images(k & 1 ? LAM_U8 : LAM_F64, x, y);
        lam_net *net = NULL;
        lam_options *options = toy_options(k & 1 ? "dtype=f64 preprocess=scale=1/255" : "dtype=f64");
        lam_metrics m;
        const char *tta = words[k / 4];
        assert_ok(lam_net_new(&net, nets[k / 2 % 2], lam_data_shape(data), options));
        assert_ok(lam_options_set(options, "steps", "3"));
        assert_ok(lam_train(net, data, options, NULL, NULL)); /* preprocessing is the network's */
        expected(mean, net, x, k / 4 == 1);
        char list[32];
        snprintf(list, sizeof list, "tta=%s threads=2", tta);
        predict(scores, net, x, list);
        for (size_t i = 0; i < N * CLASSES; i++)
            assert_true(fabs(scores[i] - mean[i]) < 1e-13 * (1 + fabs(mean[i])));
        assert_ok(lam_options_set(options, "tta", tta));
        assert_ok(lam_options_set(options, "batch", "10"));
        assert_ok(lam_eval(&m, net, data, LAM_TRAIN, options));
        assert_true(fabs(m.loss - softmax_loss(mean, y)) < 1e-12);
        assert_true(m.accuracy == accuracy(mean, y) && m.count == N);
        lam_options_free(options);
        lam_net_free(net);
        lam_data_free(data);
    }
}

static void collect(const void *scores, const lami_batch *b, double loss, void *arg)
{
    double **at = arg;
    for (size_t i = 0; i < b->n * CLASSES; i++)
        *(*at)++ = lami_real_at(scores, LAM_F32, i);
    *(*at)++ = loss;
}

static void threads_merging_and_batches_do_not_matter(void **state)
{
    (void)state;
    static const char *const ways[] = { "threads=1", "threads=2", "threads=7", "no-merge=1 threads=2",
                                        "isa=plain threads=1" };
    double x[N * SIZE], first[N * CLASSES + N], again[N * CLASSES + N];
    uint8_t y[N];
    lam_data *data = images(LAM_U8, x, y);
    lam_net *net = NULL;
    assert_ok(lam_net_new(&net, "conv 4 3x3 - relu - affine 3 - softmax", lam_data_shape(data), NULL));
    for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
        char list[64];
        snprintf(list, sizeof list, "tta=translate batch=16 %s", ways[w]);
        lam_options *options = toy_options(list);
        lam_session *session = NULL;
        double *at = w ? again : first;
        assert_ok(lami_session_make(&session, net, options, LAMI_SESSION_MEASURE));
        assert_ok(lami_score_batches(session, data, LAM_TRAIN, NULL, N, collect, &at));
        if (w)
            assert_memory_equal(first, again, (N * CLASSES + 3) * sizeof *first);
        lam_session_free(session);
        lam_options_free(options);
    }
    lam_net_free(net);
    lam_data_free(data);
}

static void numbers_are_averaged_in_their_units(void **state)
{
    (void)state;
    double x[N * SIZE], target[N * CLASSES], mean[N * CLASSES], scores[N * CLASSES];
    uint8_t y[N];
    lam_data *classes = images(LAM_F64, x, y), *data = NULL;
    for (size_t i = 0; i < N * CLASSES; i++)
        target[i] = 100 + 10 * x[i];
    assert_ok(lam_data_from_arrays(&data, &(lam_tensor) { LAM_F64, { 4, { N, C, H, W } }, x },
                                   &(lam_tensor) { LAM_F64, { 2, { N, CLASSES } }, target }, 0, 0));
    lam_net *net = NULL;
    lam_options *options = toy_options("dtype=f64 scale-targets=1 steps=5");
    lam_metrics m;
    assert_ok(lam_net_new(&net, "affine 5 - relu - affine 3 - mse", lam_data_shape(data), options));
    assert_ok(lam_train(net, data, options, NULL, NULL));
    expected(mean, net, x, 0);
    predict(scores, net, x, "tta=flip");
    double squares = 0;
    for (size_t i = 0; i < N * CLASSES; i++) {
        assert_true(fabs(scores[i] - mean[i]) < 1e-11);
        squares += (target[i] - mean[i]) * (target[i] - mean[i]) / (N * CLASSES);
    }
    assert_ok(lam_options_set(options, "tta", "flip"));
    assert_ok(lam_eval(&m, net, data, LAM_TRAIN, options));
    assert_true(fabs(m.rmse - sqrt(squares)) < 1e-11);
    lam_options_free(options);
    lam_net_free(net);
    lam_data_free(data);
    lam_data_free(classes);
}

static void scores_of_the_epochs_are_without_views(void **state)
{
    (void)state;
    double x[N * SIZE];
    uint8_t y[N];
    lam_data *data = images(LAM_F64, x, y);
    lami_result result[2];
    for (int k = 0; k < 2; k++) {
        lam_net *net = NULL;
        lami_solver *solver = NULL;
        lam_options *options = toy_options(k ? "epochs=3 batch=8 tta=translate" : "epochs=3 batch=8");
        assert_ok(lam_net_new(&net, "affine 6 - relu - affine 3 - softmax", lam_data_shape(data), options));
        assert_ok(lami_solver_new(&solver, net, data, options));
        assert_ok(lami_solver_run(&result[k], solver, NULL, NULL));
        lami_solver_free(solver);
        lam_options_free(options);
        lam_net_free(net);
    }
    assert_true(result[0].train_accuracy == result[1].train_accuracy);
    assert_string_equal(result[0].best_sha256, result[1].best_sha256);
    lam_data_free(data);
}

static void rows_have_no_views(void **state)
{
    (void)state;
    lam_data *data = toy_data(20, 0, 7, 3, 1);
    lam_net *net = NULL;
    lam_session *session = NULL;
    lam_metrics m;
    lam_options *options = toy_options("epochs=1 tta=flip");
    assert_ok(lam_net_new(&net, "affine 3 - softmax", lam_data_shape(data), NULL));
    static const char message[] = "--tta flip needs images (C x H x W), the network takes 7";
    assert_int_equal(lam_eval(&m, net, data, LAM_TRAIN, options), LAM_EOPTION);
    assert_string_equal(lam_last_error(), message);
    assert_int_equal(lam_session_new_predict(&session, net, options), LAM_EOPTION);
    assert_string_equal(lam_last_error(), message);
    assert_int_equal(lam_train(net, data, options, NULL, NULL), LAM_EOPTION); /* before the first step */
    assert_string_equal(lam_last_error(), message);
    lam_options_free(options);
    lam_net_free(net);
    lam_data_free(data);
}

static void every_failed_allocation_is_reported(void **state)
{
    (void)state;
    double x[N * SIZE];
    uint8_t y[N];
    lam_data *data = images(LAM_U8, x, y);
    lam_net *net = NULL;
    lam_metrics m;
    lam_options *options = toy_options("tta=translate batch=8 threads=1");
    assert_ok(lam_net_new(&net, "affine 3 - softmax", lam_data_shape(data), NULL));
    lam_status status = LAM_ENOMEM;
    for (long n = 1; status; n++) {
        lami_alloc_fail_at(n);
        status = lam_eval(&m, net, data, LAM_TRAIN, options);
        lami_alloc_fail_at(0);
        assert_true(!status || status == LAM_ENOMEM);
        assert_true(n < 2000);
    }
    lam_options_free(options);
    lam_net_free(net);
    lam_data_free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(views_mirror_and_reflect),
        cmocka_unit_test(the_views_of_an_option_weigh_one),
        cmocka_unit_test(scores_and_losses_are_those_of_the_mean_over_the_views),
        cmocka_unit_test(threads_merging_and_batches_do_not_matter),
        cmocka_unit_test(numbers_are_averaged_in_their_units),
        cmocka_unit_test(scores_of_the_epochs_are_without_views),
        cmocka_unit_test(rows_have_no_views),
        cmocka_unit_test(every_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
