/* recompute: --bn-recompute, running statistics measured anew at the end of a training. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "../src/core/mem.h"
#include "../src/core/random.h"
#include "../src/net/net.h"
#include "../src/train/recompute.h"
#include "../src/train/solver.h"
#include "folder.h"
#include "toy.h"

static const char notation[] = "affine 9 - batchnorm - relu - dropout 0.3 - affine 7 - batchnorm - affine 3 - softmax";
enum { N = 53, D = 12, FIRST = 9, SECOND = 7, BATCH = 8 };

static lam_net *new_net(const char *text, const lam_data *data, const char *list)
{
    lam_net *net = NULL;
    lam_options *options = toy_options(list);
    assert_ok(lam_net_new(&net, text, lam_data_shape(data), options));
    lam_options_free(options);
    return net;
}

/* ---- the same in plain loops: y = batchnorm(x w + b), and what its statistics are ---- */

static const double *values(const lam_net *net, const char *name)
{
    const size_t i = lami_net_param_find(net, name);
    assert_true(i != SIZE_MAX);
    return lami_net_values(net, i);
}

/* x (n, in) through affine k and batchnorm k to y (n, out); n * (mean, variance) is added to the sums. */
static void normalised(double *y, double *mean_sum, double *var_sum, const double *x, size_t n, size_t in, size_t out,
                       const lam_net *net, int k)
{
    char name[32];
    snprintf(name, sizeof name, "affine%d.weight", k);
    const double *w = values(net, name); /* (in, out) in memory */
    snprintf(name, sizeof name, "affine%d.bias", k);
    const double *b = values(net, name);
    snprintf(name, sizeof name, "batchnorm%d.gamma", k);
    const double *gamma = values(net, name);
    snprintf(name, sizeof name, "batchnorm%d.beta", k);
    const double *beta = values(net, name);
    for (size_t j = 0; j < out; j++) {
        double mean = 0, var = 0;
        for (size_t i = 0; i < n; i++) {
            y[i * out + j] = b[j];
            for (size_t c = 0; c < in; c++)
                y[i * out + j] += x[i * in + c] * w[c * out + j];
            mean += y[i * out + j] / (double)n;
        }
        for (size_t i = 0; i < n; i++)
            var += (y[i * out + j] - mean) * (y[i * out + j] - mean) / (double)n;
        for (size_t i = 0; i < n; i++)
            y[i * out + j] = (y[i * out + j] - mean) / sqrt(var + 1e-5) * gamma[j] + beta[j];
        mean_sum[j] += (double)n * mean;
        var_sum[j] += (double)n * var;
    }
}

static void assert_near(const double *is, const double *sum, size_t count, size_t samples)
{
    for (size_t j = 0; j < count; j++)
        assert_true(fabs(is[j] - sum[j] / (double)samples) < 1e-12 * (1 + fabs(is[j])));
}

static void they_are_the_weighted_means_over_batches(void **state)
{
    (void)state;
    static const size_t counts[] = { 1, 5, BATCH, 20, N, 1000 };
    lam_data *data = toy_data(N, 0, D, 3, 1);
    uint32_t order[N];
    const lami_rng rng = lami_rng_make(3, LAMI_RNG_SAMPLE, 1, 0);
    lami_rng_order(order, N, &rng);
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        char list[96];
        snprintf(list, sizeof list, "dtype=f64 seed=3 batch=%d bn-recompute=%zu", BATCH, counts[c]);
        lam_options *options = toy_options(list);
        lam_net *net = new_net(notation, data, list);
        double mean1[FIRST] = { 0 }, var1[FIRST] = { 0 }, mean2[SECOND] = { 0 }, var2[SECOND] = { 0 };
        const size_t count = counts[c] < N ? counts[c] : N;
        assert_ok(lami_recompute(net, data, options));
        for (size_t first = 0; first < count; first += BATCH) {
            double x[BATCH * D], y[BATCH * FIRST], z[BATCH * SECOND];
            const size_t n = count - first < BATCH ? count - first : BATCH;
            for (size_t i = 0; i < n; i++) {
                const float *sample = lami_data_sample(data, LAM_TRAIN, order[first + i]);
                for (size_t j = 0; j < D; j++)
                    x[i * D + j] = (double)sample[j];
            }
            normalised(y, mean1, var1, x, n, D, FIRST, net, 1);
            for (size_t i = 0; i < n * FIRST; i++)
                y[i] = y[i] > 0 ? y[i] : 0;
            normalised(z, mean2, var2, y, n, FIRST, SECOND, net, 2);
        }
        assert_near(values(net, "batchnorm1.running_mean"), mean1, FIRST, count);
        assert_near(values(net, "batchnorm1.running_var"), var1, FIRST, count);
        assert_near(values(net, "batchnorm2.running_mean"), mean2, SECOND, count);
        assert_near(values(net, "batchnorm2.running_var"), var2, SECOND, count);
        lam_options_free(options);
        lam_net_free(net);
    }
    lam_data_free(data);
}

static void threads_and_merging_do_not_matter(void **state)
{
    (void)state;
    static const char *const ways[] = { "threads=1", "threads=2", "threads=7", "threads=2 no-merge=1",
                                        "threads=1 isa=plain" };
    lam_data *data = toy_data(N, 0, D, 3, 1);
    char first[65], digest[65];
    for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
        char list[96];
        snprintf(list, sizeof list, "batch=%d bn-recompute=30 %s", BATCH, ways[w]);
        lam_options *options = toy_options(list);
        lam_net *net = new_net(notation, data, "");
        assert_ok(lami_recompute(net, data, options));
        assert_ok(lam_net_sha256(net, w ? digest : first));
        if (w)
            assert_string_equal(first, digest);
        lam_options_free(options);
        lam_net_free(net);
    }
    lam_data_free(data);
}

/* ---- in a training ---- */

static void a_training_ends_with_them_and_saves_them(void **state)
{
    (void)state;
    lam_data *data = toy_data(N, 30, D, 3, 1.5);
    for (int ema = 0; ema < 2; ema++) {
        lam_net *net = new_net(notation, data, ""), *other = new_net(notation, data, ""), *saved = NULL;
        lam_options *options = toy_options(ema ? "epochs=4 batch=8 ema=0.9" : "epochs=4 batch=8");
        char digest[65], again[65];
        assert_ok(lam_train(other, data, options, NULL, NULL));
        assert_ok(lam_net_sha256(other, digest));
        assert_ok(lam_options_set(options, "bn-recompute", "40"));
        assert_ok(lam_options_set(options, "out", in_folder(ema ? "both" : "alone")));
        assert_ok(lam_train(net, data, options, NULL, NULL));
        assert_ok(lam_net_sha256(net, again));
        assert_string_not_equal(digest, again);
        assert_ok(lami_recompute(other, data, options)); /* the same weights, and nothing else is different */
        assert_ok(lam_net_sha256(other, digest));
        assert_string_equal(digest, again);
        assert_ok(lam_net_load(&saved, in_folder(ema ? "both" : "alone")));
        assert_ok(lam_net_sha256(saved, digest));
        assert_string_equal(digest, again);
        lam_options_free(options);
        lam_net_free(net);
        lam_net_free(other);
        lam_net_free(saved);
    }
    lam_data_free(data);
}

static void a_network_without_batch_norm_is_told_so(void **state)
{
    (void)state;
    lam_data *data = toy_data(N, 0, D, 3, 1);
    lam_net *net = new_net("affine 9 - layernorm - relu - affine 3 - softmax", data, "");
    lam_options *options = toy_options("epochs=1 bn-recompute=10");
    assert_int_equal(lam_train(net, data, options, NULL, NULL), LAM_EOPTION);
    assert_string_equal(lam_last_error(), "--bn-recompute: the network has no batchnorm");
    lam_options_free(options);
    lam_net_free(net);
    lam_data_free(data);
}

static void statistics_that_overflow_are_an_error(void **state)
{
    (void)state;
    lam_data *data = toy_data(N, 0, D, 3, 1);
    lam_net *net = new_net(notation, data, "");
    lam_options *options = toy_options("batch=8 bn-recompute=10");
    float *w = lami_net_values(net, lami_net_param_find(net, "affine1.weight"));
    for (size_t i = 0; i < (size_t)D * FIRST; i++)
        w[i] = 1e30f;
    assert_int_equal(lami_recompute(net, data, options), LAM_EDIVERGED);
    assert_non_null(strstr(lam_last_error(), "batchnorm1.running_var is not finite"));
    lam_options_free(options);
    lam_net_free(net);
    lam_data_free(data);
}

static void every_failed_allocation_is_reported(void **state)
{
    (void)state;
    lam_data *data = toy_data(N, 0, D, 3, 1);
    lam_options *options = toy_options("batch=8 bn-recompute=20 threads=2");
    lam_net *net = new_net(notation, data, "");
    lam_status status = LAM_ENOMEM;
    for (long n = 1; status; n++) {
        lami_alloc_fail_at(n);
        status = lami_recompute(net, data, options);
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
        cmocka_unit_test(they_are_the_weighted_means_over_batches),
        cmocka_unit_test(threads_and_merging_do_not_matter),
        cmocka_unit_test(a_training_ends_with_them_and_saves_them),
        cmocka_unit_test(a_network_without_batch_norm_is_told_so),
        cmocka_unit_test(statistics_that_overflow_are_an_error),
        cmocka_unit_test(every_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
