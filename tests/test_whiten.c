/* whiten: the first convolution's outputs on the training images have equal variances and no correlation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "../src/core/mem.h"
#include "../src/net/net.h"
#include "../src/train/whiten.h"
#include "folder.h"
#include "tensors.h"
#include "toy.h"

enum { N = 40, C = 2, H = 7, W = 6, KH = 2, KW = 3, K = C * KH * KW };

static float pixel[N][C][H][W];

/* Neighbours and channels are alike, as in photographs. */
static lam_data *make_images(double contrast)
{
    static uint8_t label[N];
    const lami_rng rng = lami_rng_make(5, LAMI_RNG_TEST, 0, 0);
    for (size_t i = 0; i < sizeof pixel / sizeof(float); i++)
        (&pixel[0][0][0][0])[i] = (float)(contrast * lami_rng_normal(&rng, i));
    for (int n = 0; n < N; n++) {
        label[n] = (uint8_t)(n % 2);
        for (int y = 0; y < H; y++)
            for (int x = 1; x < W; x++) {
                pixel[n][0][y][x] += 0.8f * pixel[n][0][y][x - 1];
                pixel[n][1][y][x] = 0.3f * pixel[n][1][y][x] + pixel[n][0][y][x] + 4;
            }
    }
    lam_data *data = NULL;
    const lam_tensor x = { LAM_F32, { 4, { N, C, H, W } }, pixel }, y = { LAM_U8, { 1, { N } }, label };
    assert_ok(lam_data_from_arrays(&data, &x, &y, 2, 0));
    return data;
}

static lam_net *make_net(size_t filters)
{
    char text[80];
    lam_net *net = NULL;
    const lam_shape shape = { 3, { C, H, W } };
    snprintf(text, sizeof text, "conv %zu %dx%d pad valid - relu - affine - softmax", filters, KH, KW);
    lam_options *o = toy_options("");
    assert_ok(lam_options_set(o, "set", "conv1.weight init whiten"));
    assert_ok(lami_net_make(&net, text, &shape, 2, o));
    lam_options_free(o);
    return net;
}

static lam_status run(lam_net *net, const lam_data *data)
{
    lam_options *o = toy_options("");
    assert_ok(lam_options_set(o, "set", "conv1.weight init whiten"));
    const lam_status status = lami_whiten(net, data, o);
    lam_options_free(o);
    return status;
}

static void get(float *weight, size_t filters, const lam_net *net)
{
    lam_tensor t = { LAM_F32, { 4, { filters, C, KH, KW } }, weight };
    assert_ok(lam_net_get(net, "conv1.weight", &t));
}

/* The filters' outputs at all places of all images: their covariance. */
static void covariance(double *out, const float *weight, size_t filters)
{
    double mean[64] = { 0 }, y[64];
    size_t count = 0;
    memset(out, 0, filters * filters * sizeof *out);
    for (int pass = 0; pass < 2; pass++)
        for (int n = 0; n < N; n++)
            for (int r = 0; r + KH <= H; r++)
                for (int s = 0; s + KW <= W; s++) {
                    count += pass == 0;
                    for (size_t f = 0; f < filters; f++) {
                        y[f] = 0;
                        for (int k = 0; k < K; k++)
                            y[f] += weight[f * K + (size_t)k] * pixel[n][k / (KH * KW)][r + k / KW % KH][s + k % KW];
                        if (!pass)
                            mean[f] += y[f];
                    }
                    for (size_t i = 0; pass && i < filters; i++)
                        for (size_t j = 0; j < filters; j++)
                            out[i * filters + j] +=
                                (y[i] - mean[i] / (double)count) * (y[j] - mean[j] / (double)count) / (double)count;
                }
}

static void outputs_are_white(void **state)
{
    (void)state;
    enum { F = 2 * K + 3 };
    static float drawn[F * K], weight[F * K];
    static double c[F * F];
    lam_data *data = make_images(1);
    lam_net *net = make_net(F);
    get(drawn, F, net);
    assert_ok(run(net, data));
    get(weight, F, net);
    covariance(c, weight, F);
    for (size_t i = 0; i < K; i++)
        for (size_t j = 0; j < K; j++) {
            if (i != j)
                assert_true(fabs(c[i * F + j]) < 1e-4);
            else
                assert_true(c[i * F + i] > 0.9 && c[i * F + i] < 1.0001);
            assert_true(weight[(K + i) * K + j] == -weight[i * K + j]);
        }
    assert_memory_equal(weight + 2 * K * K, drawn + 2 * K * K, 3 * K * sizeof(float));
    lam_net_free(net);
    lam_data_free(data);
}

/* Fewer filters than directions: those of the largest variance, each with both signs. */
static void few_filters_take_the_largest_directions(void **state)
{
    (void)state;
    static float all[2 * K * K], some[6 * K], odd[7 * K];
    lam_data *data = make_images(1);
    lam_net *net = make_net(2 * K), *small = make_net(6), *rest = make_net(7);
    assert_ok(run(net, data));
    assert_ok(run(small, data));
    assert_ok(run(rest, data));
    get(all, 2 * K, net);
    get(some, 6, small);
    get(odd, 7, rest);
    assert_memory_equal(some, all, 3 * K * sizeof(float));
    assert_memory_equal(some + 3 * K, all + K * K, 3 * K * sizeof(float));
    assert_memory_equal(odd, some, sizeof some);
    lam_net_free(net);
    lam_net_free(small);
    lam_net_free(rest);
    lam_data_free(data);
}

static void images_all_alike_are_an_error(void **state)
{
    (void)state;
    lam_data *data = make_images(0);
    for (size_t i = 0; i < sizeof pixel / sizeof(float); i++)
        (&pixel[0][0][0][0])[i] = 3;
    lam_data_free(data);
    static uint8_t label[N];
    const lam_tensor x = { LAM_F32, { 4, { N, C, H, W } }, pixel }, y = { LAM_U8, { 1, { N } }, label };
    assert_ok(lam_data_from_arrays(&data, &x, &y, 2, 0));
    lam_net *net = make_net(4);
    assert_int_equal(run(net, data), LAM_EFORMAT);
    assert_message("all alike");
    lam_net_free(net);
    lam_data_free(data);
}

static void training_begins_with_it(void **state)
{
    (void)state;
    static float by_hand[8 * K], trained[8 * K];
    lam_data *data = make_images(1);
    lam_net *net = make_net(8), *other = make_net(8);
    lam_options *o = toy_options("epochs=1 batch=10");
    assert_ok(run(net, data));
    assert_ok(lam_options_set(o, "set", "conv1.weight init whiten; conv1.weight lr 0"));
    assert_ok(lam_train(other, data, o, NULL, NULL));
    get(by_hand, 8, net);
    get(trained, 8, other);
    assert_memory_equal(by_hand, trained, sizeof trained);
    lam_options_free(o);
    lam_net_free(net);
    lam_net_free(other);
    lam_data_free(data);
}

static void a_second_training_goes_on_from_the_weights(void **state)
{
    (void)state;
    static float first[8 * K], second[8 * K];
    lam_data *data = make_images(1);
    lam_net *net = make_net(8);
    lam_options *o = toy_options("epochs=2 batch=10 lr=0.1"), *none = toy_options("steps=0");
    assert_ok(lam_options_set(o, "set", "conv1.weight init whiten"));
    assert_ok(lam_options_set(none, "set", "conv1.weight init whiten"));
    assert_ok(lam_train(net, data, o, NULL, NULL));
    get(first, 8, net);
    assert_ok(lam_train(net, data, none, NULL, NULL));
    get(second, 8, net);
    assert_memory_equal(first, second, sizeof first);
    lam_options_free(o);
    lam_options_free(none);
    lam_net_free(net);
    lam_data_free(data);
}

static void failed_allocations_are_reported(void **state)
{
    (void)state;
    lam_data *data = make_images(1);
    lam_net *net = make_net(4);
    lam_status status = LAM_ENOMEM;
    for (long n = 1; status; n++) {
        lam_options *o = toy_options("");
        assert_ok(lam_options_set(o, "set", "conv1.weight init whiten"));
        lami_alloc_fail_at(n);
        status = lami_whiten(net, data, o);
        lami_alloc_fail_at(0);
        assert_true(status == LAM_OK || status == LAM_ENOMEM);
        assert_true(n < 100);
        lam_options_free(o);
    }
    lam_net_free(net);
    lam_data_free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outputs_are_white),
        cmocka_unit_test(few_filters_take_the_largest_directions),
        cmocka_unit_test(images_all_alike_are_an_error),
        cmocka_unit_test(training_begins_with_it),
        cmocka_unit_test(a_second_training_goes_on_from_the_weights),
        cmocka_unit_test(failed_allocations_are_reported),
    };
    return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
