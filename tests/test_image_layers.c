/* Convolutions, pools, group norm, layer norm of images, flatten: against plain loops in double, numeric gradients, and the same bits on
 * each set of kernels, for sizes that do not divide. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../src/core/random.h"
#include "../src/kern/ops.h"
#include "lamina.h"

/* ---- the formulas, on one sample (C, H, W) ---- */

typedef struct {
    size_t c, h, w, kernel[2], stride[2], pad[2], groups;
} sizes;

static size_t output(const sizes *s, int k)
{
    return ((k ? s->w : s->h) + 2 * s->pad[k] - s->kernel[k]) / s->stride[k] + 1;
}

/* Elements of the window of output (i, j) in channel c, to `out`; how many are inside. */
static size_t window(double *out, const sizes *s, const double *x, size_t c, size_t i, size_t j)
{
    size_t n = 0;
    for (size_t u = 0; u < s->kernel[0]; u++)
        for (size_t v = 0; v < s->kernel[1]; v++) {
            const ptrdiff_t y = (ptrdiff_t)(i * s->stride[0] + u) - (ptrdiff_t)s->pad[0];
            const ptrdiff_t z = (ptrdiff_t)(j * s->stride[1] + v) - (ptrdiff_t)s->pad[1];
            if (y >= 0 && z >= 0 && y < (ptrdiff_t)s->h && z < (ptrdiff_t)s->w)
                out[n++] = x[(c * s->h + (size_t)y) * s->w + (size_t)z];
        }
    return n;
}

static void maxpool(double *out, const sizes *s, const double *x)
{
    double seen[1024];
    for (size_t c = 0; c < s->c; c++)
        for (size_t i = 0; i < output(s, 0); i++)
            for (size_t j = 0; j < output(s, 1); j++) {
                const size_t n = window(seen, s, x, c, i, j);
                double most = seen[0];
                for (size_t k = 1; k < n; k++)
                    most = seen[k] > most ? seen[k] : most;
                *out++ = most;
            }
}

static void avgpool(double *out, const sizes *s, const double *x)
{
    double seen[1024];
    for (size_t c = 0; c < s->c; c++)
        for (size_t i = 0; i < output(s, 0); i++)
            for (size_t j = 0; j < output(s, 1); j++) {
                const size_t n = window(seen, s, x, c, i, j);
                double sum = 0;
                for (size_t k = 0; k < n; k++)
                    sum += seen[k];
                *out++ = sum / (double)(s->kernel[0] * s->kernel[1]);
            }
}

static void groupnorm(double *out, const sizes *s, const double *x)
{
    const size_t size = s->c / s->groups * s->h * s->w;
    for (size_t g = 0; g < s->groups; g++, x += size, out += size) {
        double mean = 0, var = 0;
        for (size_t k = 0; k < size; k++)
            mean += x[k] / (double)size;
        for (size_t k = 0; k < size; k++)
            var += (x[k] - mean) * (x[k] - mean) / (double)size;
        for (size_t k = 0; k < size; k++)
            out[k] = (x[k] - mean) / sqrt(var + 1e-5);
    }
}

static void flatten(double *out, const sizes *s, const double *x)
{
    memcpy(out, x, s->c * s->h * s->w * sizeof *out);
}

typedef struct {
    const char *notation;
    sizes s;
    void (*formula)(double *out, const sizes *s, const double *x);
} layer_case;

static const layer_case cases[] = {
    { "maxpool 2x2", { 3, 8, 6, { 2, 2 }, { 2, 2 }, { 0, 0 }, 1 }, maxpool },
    { "maxpool 2x2", { 17, 7, 5, { 2, 2 }, { 2, 2 }, { 0, 0 }, 1 }, maxpool },
    { "maxpool 3x2 stride 1x3 pad 1x0", { 5, 7, 9, { 3, 2 }, { 1, 3 }, { 1, 0 }, 1 }, maxpool },
    { "maxpool 3 stride 2 pad 1 ties split", { 16, 9, 9, { 3, 3 }, { 2, 2 }, { 1, 1 }, 1 }, maxpool },
    { "maxpool 2 stride 3 ties all", { 1, 8, 8, { 2, 2 }, { 3, 3 }, { 0, 0 }, 1 }, maxpool },
    { "maxpool 5x4", { 8, 5, 4, { 5, 4 }, { 5, 4 }, { 0, 0 }, 1 }, maxpool },
    { "avgpool 2x2", { 3, 7, 6, { 2, 2 }, { 2, 2 }, { 0, 0 }, 1 }, avgpool },
    { "avgpool 3x2 stride 2x1 pad 2x1", { 9, 6, 5, { 3, 2 }, { 2, 1 }, { 2, 1 }, 1 }, avgpool },
    { "avgpool global", { 33, 4, 7, { 4, 7 }, { 4, 7 }, { 0, 0 }, 1 }, avgpool },
    { "groupnorm 3", { 12, 5, 3, .groups = 3 }, groupnorm },
    { "groupnorm 1", { 7, 3, 3, .groups = 1 }, groupnorm },
    { "groupnorm 20", { 20, 4, 4, .groups = 20 }, groupnorm },
    { "groupnorm 2", { 34, 1, 1, .groups = 2 }, groupnorm },
    { "layernorm", { 6, 4, 5, .groups = 1 }, groupnorm },
    { "flatten", { 5, 3, 7, .groups = 1 }, flatten },
    { "flatten", { 1, 3, 7, .groups = 1 }, flatten },
};
enum { CASES = sizeof cases / sizeof *cases, N = 3 };

static double number(size_t i)
{
    const lami_rng rng = lami_rng_make(3, LAMI_RNG_TEST, 1, 0);
    return lami_rng_normal(&rng, i);
}

/* Scores of N samples, x as their type says, of the layer and flatten; returns how many. */
static size_t scores_of(void *scores, const layer_case *t, const void *x, lam_dtype type, const char *isa)
{
    char text[128];
    lam_net *net = NULL;
    lam_options *options = NULL;
    lam_session *session = NULL;
    const lam_shape input = { 3, { t->s.c, t->s.h, t->s.w } };
    snprintf(text, sizeof text, "%s - flatten - svm", t->notation);
    assert_int_equal(lam_options_new(&options), 0);
    assert_int_equal(lam_options_set(options, "dtype", type == LAM_F64 ? "f64" : "f32"), 0);
    assert_int_equal(lam_options_set(options, "isa", isa), 0);
    assert_int_equal(lam_options_set_real(options, "batch", N), 0);
    if (lam_net_new(&net, text, &input, options) || lam_session_new_predict(&session, net, options))
        fail_msg("%s: %s", text, lam_last_error());
    const lam_tensor from = { type, { 4, { N, t->s.c, t->s.h, t->s.w } }, (void *)x };
    lam_tensor to = { type, { 2, { N, lam_net_classes(net) } }, scores };
    const size_t count = N * lam_net_classes(net);
    if (lam_session_predict(session, &to, &from))
        fail_msg("%s: %s", text, lam_last_error());
    lam_session_free(session);
    lam_net_free(net);
    lam_options_free(options);
    return count;
}

static void each_layer_is_its_formula(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        const layer_case *t = &cases[i];
        const size_t size = t->s.c * t->s.h * t->s.w;
        double *x = malloc(N * size * sizeof *x), *got = calloc(4 * N * size, sizeof *got);
        double *wanted = malloc(4 * size * sizeof *wanted);
        for (size_t k = 0; k < N * size; k++)
            x[k] = number(k);
        const size_t each = scores_of(got, t, x, LAM_F64, "auto") / N;
        for (size_t n = 0; n < N; n++) {
            t->formula(wanted, &t->s, x + n * size);
            for (size_t k = 0; k < each; k++)
                if (!(fabs(got[n * each + k] - wanted[k]) < 1e-12))
                    fail_msg("%s: sample %zu, element %zu: %g, not %g", t->notation, n, k, got[n * each + k],
                             wanted[k]);
        }
        free(x);
        free(got);
        free(wanted);
    }
}

static void each_set_gives_the_same_bits(void **state)
{
    (void)state;
    int usable;
    for (size_t i = 0; i < CASES; i++) {
        const layer_case *t = &cases[i];
        const size_t size = t->s.c * t->s.h * t->s.w;
        float *x = malloc(N * size * sizeof *x), *plain = calloc(4 * N * size, sizeof *plain);
        float *got = calloc(4 * N * size, sizeof *got);
        for (size_t k = 0; k < N * size; k++)
            x[k] = (float)number(k);
        const size_t count = scores_of(plain, t, x, LAM_F32, "plain");
        for (size_t k = 0; lami_set_name(k, &usable); k++)
            if (lami_set_name(k, &usable), usable) {
                scores_of(got, t, x, LAM_F32, lami_set_name(k, &usable));
                assert_memory_equal(got, plain, count * sizeof *got);
            }
        free(x);
        free(plain);
        free(got);
    }
}

static void gradients_are_the_numeric_ones(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        char text[160];
        lam_check_row *rows = NULL;
        size_t count = 0;
        const sizes *s = &cases[i].s;
        const lam_shape input = { 3, { s->c, s->h, s->w } };
        snprintf(text, sizeof text, "conv %zu 1x1 - tanh - %s - affine 3 - softmax", s->c, cases[i].notation);
        if (lam_check(&rows, &count, text, &input, NULL))
            fail_msg("%s: %s", text, lam_last_error());
        for (size_t k = 0; k < count; k++)
            if (!(rows[k].error < 1e-7))
                fail_msg("%s: %s: error %g", text, rows[k].name, rows[k].error);
        lam_check_free(rows);
    }
}

/* ---- convolutions ---- */

static const struct {
    const char *notation;
    sizes s;
    size_t filters, after[2]; /* padding after, where it differs */
} convolutions[] = {
    { "conv 5 3x3", { 3, 8, 6, { 3, 3 }, { 1, 1 }, { 1, 1 }, 1 }, 5, { 1, 1 } },
    { "conv 33 2x3 stride 2x1", { 17, 7, 5, { 2, 3 }, { 2, 1 }, { 0, 1 }, 1 }, 33, { 1, 1 } },
    { "conv 1 4x4 stride 3", { 1, 9, 11, { 4, 4 }, { 3, 3 }, { 1, 1 }, 1 }, 1, { 2, 2 } },
    { "conv 16 3x3 pad valid nobias", { 16, 9, 9, { 3, 3 }, { 1, 1 }, { 0, 0 }, 1 }, 16, { 0, 0 } },
    { "conv 32 3x3 pad 2", { 16, 5, 6, { 3, 3 }, { 1, 1 }, { 2, 2 }, 1 }, 32, { 2, 2 } },
    { "conv 20 3x3", { 35, 7, 9, { 3, 3 }, { 1, 1 }, { 1, 1 }, 1 }, 20, { 1, 1 } },
    { "conv 7 1x1 stride 2", { 9, 5, 7, { 1, 1 }, { 2, 2 }, { 0, 0 }, 1 }, 7, { 0, 0 } },
    { "conv 10 5x7 pad valid", { 4, 5, 7, { 5, 7 }, { 1, 1 }, { 0, 0 }, 1 }, 10, { 0, 0 } },
    { "conv 3 2x2 pad 5x3 stride 4", { 2, 4, 4, { 2, 2 }, { 4, 4 }, { 5, 3 }, 1 }, 3, { 5, 3 } },
    { "conv 4 3x1 pad 0x2", { 3, 4, 300, { 3, 1 }, { 1, 1 }, { 0, 2 }, 1 }, 4, { 0, 2 } },
    { "conv 20 3x3 stride 2", { 100, 6, 6, { 3, 3 }, { 2, 2 }, { 1, 1 }, 1 }, 20, { 1, 1 } },
};
enum { CONVOLUTIONS = sizeof convolutions / sizeof *convolutions };

static double *values_of(const lam_net *net, const char *name)
{
    for (size_t i = 0; i < lam_net_param_count(net); i++)
        if (!strcmp(lam_net_param_name(net, i), name)) {
            const lam_shape *shape = lam_net_param_shape(net, i);
            double *values = malloc(lam_shape_count(shape) * sizeof *values);
            lam_tensor to = { LAM_F64, *shape, values };
            assert_int_equal(lam_net_get(net, name, &to), 0);
            return values;
        }
    return NULL;
}

/* Element (f, i, j) of the output of one sample. */
static double convolved(const sizes *s, const double *x, const double *w, size_t f, size_t i, size_t j)
{
    double sum = 0;
    for (size_t c = 0; c < s->c; c++)
        for (size_t u = 0; u < s->kernel[0]; u++)
            for (size_t v = 0; v < s->kernel[1]; v++) {
                const ptrdiff_t y = (ptrdiff_t)(i * s->stride[0] + u) - (ptrdiff_t)s->pad[0];
                const ptrdiff_t z = (ptrdiff_t)(j * s->stride[1] + v) - (ptrdiff_t)s->pad[1];
                if (y >= 0 && z >= 0 && y < (ptrdiff_t)s->h && z < (ptrdiff_t)s->w)
                    sum += x[(c * s->h + (size_t)y) * s->w + (size_t)z] *
                           w[((f * s->c + c) * s->kernel[0] + u) * s->kernel[1] + v];
            }
    return sum;
}

static void assert_convolves(size_t number_of, lam_dtype type, double tolerance)
{
    const sizes *s = &convolutions[number_of].s;
    const size_t size = s->c * s->h * s->w, filters = convolutions[number_of].filters;
    const size_t oh = (s->h + s->pad[0] + convolutions[number_of].after[0] - s->kernel[0]) / s->stride[0] + 1;
    const size_t ow = (s->w + s->pad[1] + convolutions[number_of].after[1] - s->kernel[1]) / s->stride[1] + 1;
    const lam_shape input = { 3, { s->c, s->h, s->w } };
    char text[128];
    lam_net *net = NULL;
    lam_session *session = NULL;
    lam_options *options = NULL;
    snprintf(text, sizeof text, "%s - flatten - svm", convolutions[number_of].notation);
    assert_int_equal(lam_options_new(&options), 0);
    assert_int_equal(lam_options_set(options, "dtype", type == LAM_F64 ? "f64" : "f32"), 0);
    assert_int_equal(lam_options_set_real(options, "batch", N), 0);
    if (lam_net_new(&net, text, &input, options))
        fail_msg("%s: %s", text, lam_last_error());
    assert_int_equal(lam_net_classes(net), filters * oh * ow);
    double *bias = values_of(net, "conv1.bias");
    for (size_t f = 0; bias && f < filters; f++)
        bias[f] = number(f);
    const lam_tensor b = { LAM_F64, { 1, { filters } }, bias };
    if (bias)
        assert_int_equal(lam_net_set(net, "conv1.bias", &b), 0);
    double *w = values_of(net, "conv1.weight"), *x = malloc(N * size * sizeof *x);
    double *y = calloc(N * filters * oh * ow, sizeof *y);
    for (size_t i = 0; i < N * size; i++)
        x[i] = number(i);
    const lam_tensor from = { LAM_F64, { 4, { N, s->c, s->h, s->w } }, x };
    lam_tensor to = { type, { 2, { N, filters * oh * ow } }, y };
    assert_int_equal(lam_session_new_predict(&session, net, options), 0);
    assert_int_equal(lam_session_predict(session, &to, &from), 0);
    for (size_t n = 0, e = 0; n < N; n++)
        for (size_t f = 0; f < filters; f++)
            for (size_t p = 0; p < oh * ow; p++, e++) {
                const double got = type == LAM_F64 ? y[e] : (double)((float *)y)[e];
                const double wanted = convolved(s, x + n * size, w, f, p / ow, p % ow) + (bias ? bias[f] : 0);
                if (!(fabs(got - wanted) < tolerance))
                    fail_msg("%s: sample %zu, filter %zu, pixel %zu: %.9g, not %.9g", text, n, f, p, got, wanted);
            }
    lam_session_free(session);
    lam_net_free(net);
    lam_options_free(options);
    free(bias);
    free(w);
    free(x);
    free(y);
}

static void a_convolution_is_its_formula(void **state)
{
    (void)state;
    for (size_t i = 0; i < CONVOLUTIONS; i++) {
        assert_convolves(i, LAM_F64, 1e-12);
        assert_convolves(i, LAM_F32, 2e-4);
    }
}

static void gradients_of_convolutions_are_the_numeric_ones(void **state)
{
    (void)state;
    for (size_t i = 0; i < CONVOLUTIONS; i++) {
        char text[160];
        lam_check_row *rows = NULL;
        size_t count = 0;
        const sizes *s = &convolutions[i].s;
        const lam_shape input = { 3, { s->c, s->h, s->w } };
        snprintf(text, sizeof text, "tanh - %s - tanh - affine 3 - softmax", convolutions[i].notation);
        if (lam_check(&rows, &count, text, &input, NULL))
            fail_msg("%s: %s", text, lam_last_error());
        for (size_t k = 0; k < count; k++)
            if (!(rows[k].error < 1e-7))
                fail_msg("%s: %s: error %g", text, rows[k].name, rows[k].error);
        lam_check_free(rows);
    }
}

/* The gradient of a window of four equal elements, by `ties`. */
static void assert_shares(int ties, const double wanted[4])
{
    const lami_ops *ops;
    const lami_window w = { .h = 2,
                            .w = 2,
                            .c = 1,
                            .out_h = 1,
                            .out_w = 1,
                            .kernel_h = 2,
                            .kernel_w = 2,
                            .stride_h = 2,
                            .stride_w = 2,
                            .up_h = 1,
                            .up_w = 1,
                            .ties = ties };
    const double x[4] = { 1, 3, 3, 3 }, y[1] = { 3 }, dy[1] = { 6 };
    double dx[4] = { 9, 9, 9, 9 };
    const lami_args args = { .in = { dy, x, y }, .out = { dx }, .rows = 4, .cols = 1, .window = &w };
    assert_int_equal(lami_ops_find(&ops, "auto", 64), 0);
    ops->run[LAMI_OP_maxpool_grad](&args, (lami_tile) { 0, 4, 0, 1 }, NULL);
    for (size_t k = 0; k < 4; k++)
        assert_true(dx[k] == wanted[k]);
}

static void equal_maxima_share_the_gradient_as_asked(void **state)
{
    (void)state;
    assert_shares(0, (const double[4]) { 0, 6, 0, 0 });
    assert_shares(1, (const double[4]) { 0, 2, 2, 2 });
    assert_shares(2, (const double[4]) { 0, 6, 6, 6 });
}

/* A pool's gradient on the rows of 2 images of 7x5 pixels and 20 channels, by tiles of 3 rows and 16 channels. */
static void run_pool_gradient(double *dx, const lami_ops *ops, lami_op op, const lami_window *w, int past)
{
    enum { CHANNELS = 20, PIXELS = 2 * 7 * 5 };
    double x[PIXELS * CHANNELS], y[PIXELS * CHANNELS], dy[PIXELS * CHANNELS];
    for (size_t i = 0; i < PIXELS * CHANNELS; i++) {
        x[i] = number(i) > 0;
        y[i] = 1;
        dy[i] = number(i + 1);
    }
    const lami_args args = {
        .in = { dy, x, y }, .out = { dx }, .rows = PIXELS, .cols = CHANNELS, .past = past, .window = w
    };
    for (size_t r = 0; r < PIXELS; r += 3)
        for (size_t c = 0; c < CHANNELS; c += 16)
            ops->run[op](&args, (lami_tile) { r, r + 3 < PIXELS ? r + 3 : PIXELS, c, c ? CHANNELS : 16 }, NULL);
}

static void gradients_written_past_the_caches_are_the_same(void **state)
{
    (void)state;
    enum { COUNT = 2 * 7 * 5 * 20 };
    _Alignas(64) double near[COUNT], far[COUNT];
    int usable;
    const char *set;
    for (size_t k = 0; (set = lami_set_name(k, &usable)); k++)
        for (int i = 0; usable && i < 8; i++) { /* of max pools: ties, windows that overlap and that do not */
            const lami_ops *ops;
            const size_t stride = i % 2 ? 2 : 1;
            const lami_window w = { .h = 7,
                                    .w = 5,
                                    .c = 20,
                                    .out_h = 5 / stride + 1,
                                    .out_w = 3 / stride + 1,
                                    .kernel_h = 2,
                                    .kernel_w = 2,
                                    .stride_h = stride,
                                    .stride_w = stride,
                                    .up_h = 1,
                                    .up_w = 1,
                                    .ties = i / 2 % 3 };
            const lami_op op = i < 6 ? LAMI_OP_maxpool_grad : LAMI_OP_avgpool_grad;
            memset(near, 1, sizeof near);
            memset(far, 2, sizeof far);
            assert_int_equal(lami_ops_find(&ops, set, 64), 0);
            run_pool_gradient(near, ops, op, &w, 0);
            run_pool_gradient(far, ops, op, &w, 1);
            assert_memory_equal(near, far, sizeof near);
        }
}

static void a_nan_is_the_maximum(void **state)
{
    (void)state;
    double x[N * 4], y[N] = { 0 };
    for (size_t k = 0; k < N * 4; k++)
        x[k] = (double)k;
    x[5] = NAN;
    const layer_case t = { "maxpool 2x2", { 1, 2, 2, { 2, 2 }, { 2, 2 }, { 0, 0 }, 1 }, maxpool };
    assert_int_equal(scores_of(y, &t, x, LAM_F64, "auto"), N);
    assert_true(y[0] == 3 && isnan(y[1]) && y[2] == 11);
}

static void a_large_mean_costs_no_digits_of_the_deviation(void **state)
{
    (void)state;
    enum { SIZE = 4 * 9 * 9 };
    float x[N * SIZE], y[N * SIZE] = { 0 };
    for (size_t k = 0; k < N * SIZE; k++)
        x[k] = 1e4f + (float)number(k);
    const layer_case t = { "groupnorm 2", { 4, 9, 9, .groups = 2 }, groupnorm };
    scores_of(y, &t, x, LAM_F32, "auto");
    double wanted[SIZE], exact[SIZE];
    for (size_t k = 0; k < SIZE; k++)
        exact[k] = x[k];
    groupnorm(wanted, &t.s, exact);
    for (size_t k = 0; k < SIZE; k++)
        assert_true(fabs(y[k] - wanted[k]) < 1e-3); /* the mean itself has 5e-4 in float */
}

static void assert_refused_as(lam_status status, const char *text, size_t c, size_t h, size_t w, const char *message)
{
    lam_net *net = NULL;
    const lam_shape image = { 3, { c, h, w } }, row = { 1, { c } };
    assert_int_equal(lam_net_new(&net, text, h ? &image : &row, NULL), status);
    assert_null(net);
    if (!strstr(lam_last_error(), message))
        fail_msg("%s: %s", text, lam_last_error());
}

static void assert_refused(const char *text, size_t c, size_t h, size_t w, const char *message)
{
    assert_refused_as(LAM_ESHAPE, text, c, h, w, message);
}

static void what_does_not_fit_is_one_line(void **state)
{
    (void)state;
    assert_refused("maxpool 2x2 - affine 3 - svm", 100, 0, 0, "maxpool needs an image C x H x W, its input is 100");
    assert_refused("maxpool 9x2 - affine 3 - svm", 3, 8, 8, "a window 9 high is larger than the image of 8");
    assert_refused("avgpool 2x9 - affine 3 - svm", 3, 8, 8, "a window 9 wide is larger than the image of 8");
    assert_refused("maxpool 2x2 pad 2 - affine 3 - svm", 3, 8, 8, "a padding of 2 is not smaller than the window of 2");
    assert_refused("avgpool global stride 2 - affine 3 - svm", 3, 8, 8, "the global one takes neither stride nor pad");
    assert_refused("conv 8 3x3 - affine 3 - svm", 100, 0, 0, "conv needs an image C x H x W, its input is 100");
    assert_refused("conv 8 9x3 pad valid - affine 3 - svm", 3, 8, 8, "a window 9 high is larger than the image of 8");
    assert_refused("residual {conv 8 3x3 stride 2} - affine 3 - svm", 3, 8, 8,
                   "'| conv 8 1x1 stride 2' makes a shortcut that fits");
    assert_refused("residual {conv 3 3x3 stride 2x1} - affine 3 - svm", 3, 8, 9,
                   "'| conv 3 1x1 stride 2x1' makes a shortcut that fits");
    assert_refused("residual {conv 8 3x3 stride 2 | conv 4 1x1 stride 2} - affine 3 - svm", 3, 8, 9,
                   "residual: the chain gives 8x4x5, its shortcut 4x4x5");
    assert_refused("avgpool global - conv 8 2x2 pad valid - affine 3 - svm", 3, 8, 8,
                   "a window 2 high is larger than the image of 1 and its padding of 0");
    assert_refused("groupnorm 2 - affine 3 - svm", 3, 8, 8, "3 channels are not 2 groups of the same size");
    assert_refused("maxpool 2x2 - svm", 3, 8, 8, "the network ends with an image 3x4x4");
}

static void sizes_of_zero_are_refused(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        { "conv 0 3x3 - affine 3 - svm", "conv: filters cannot be '0'" },
        { "conv 8 0x3 - affine 3 - svm", "conv: kernel cannot be '0x3'" },
        { "conv 8 3x3 stride 0 - affine 3 - svm", "conv: stride cannot be '0'" },
        { "maxpool 0 - affine 3 - svm", "maxpool: window cannot be '0'" },
        { "maxpool 2x2 stride 1x0 - affine 3 - svm", "maxpool: stride cannot be '1x0'" },
        { "avgpool 2x0 - affine 3 - svm", "avgpool: window cannot be '2x0'" },
        { "groupnorm 0 - affine 3 - svm", "groupnorm: groups cannot be '0'" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_refused_as(LAM_ENOTATION, bad[i][0], 3, 8, 8, bad[i][1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_layer_is_its_formula),
        cmocka_unit_test(each_set_gives_the_same_bits),
        cmocka_unit_test(gradients_are_the_numeric_ones),
        cmocka_unit_test(a_convolution_is_its_formula),
        cmocka_unit_test(gradients_of_convolutions_are_the_numeric_ones),
        cmocka_unit_test(equal_maxima_share_the_gradient_as_asked),
        cmocka_unit_test(gradients_written_past_the_caches_are_the_same),
        cmocka_unit_test(a_nan_is_the_maximum),
        cmocka_unit_test(a_large_mean_costs_no_digits_of_the_deviation),
        cmocka_unit_test(what_does_not_fit_is_one_line),
        cmocka_unit_test(sizes_of_zero_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
