/* functions: what the layers, losses and update rules by themselves have in common: refused arguments, caches, failed
 * allocations. Their values are tested in the file of each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tensors.h"

/* ---- every function as a row: a call on good tensors, any of which can be spoiled ---- */

enum { N = 5, D = 7, M = 3, MOST_ARGS = 8 };

static const lam_batchnorm_param train = { LAM_MODE_TRAIN, 1e-5, 0.9 };
static const lam_dropout_param half = { LAM_MODE_TRAIN, 0.5, 1, 2 };

typedef lam_tensor *const *args;

static lam_status affine_forward(args t)
{
    return lam_affine_forward(NULL, t[0], t[1], t[2], t[3]);
}
static lam_status relu_forward(args t)
{
    return lam_relu_forward(NULL, t[0], t[1]);
}
static lam_status leakyrelu_forward(args t)
{
    return lam_leakyrelu_forward(NULL, t[0], t[1], 0.1);
}
static lam_status elu_forward(args t)
{
    return lam_elu_forward(NULL, t[0], t[1], 1);
}
static lam_status gelu_forward(args t)
{
    return lam_gelu_forward(NULL, t[0], t[1], 0);
}
static lam_status silu_forward(args t)
{
    return lam_silu_forward(NULL, t[0], t[1]);
}
static lam_status sigmoid_forward(args t)
{
    return lam_sigmoid_forward(NULL, t[0], t[1]);
}
static lam_status tanh_forward(args t)
{
    return lam_tanh_forward(NULL, t[0], t[1]);
}
static lam_status batchnorm_forward(args t)
{
    return lam_batchnorm_forward(NULL, t[0], t[1], t[2], t[3], t[4], t[5], &train);
}
static lam_status layernorm_forward(args t)
{
    return lam_layernorm_forward(NULL, t[0], t[1], t[2], t[3], 1e-5);
}
static lam_status dropout_forward(args t)
{
    return lam_dropout_forward(NULL, t[0], t[1], &half);
}

static lam_status affine_relu_forward(args t)
{
    return lam_affine_relu_forward(NULL, t[0], t[1], t[2], t[3]);
}
static lam_status affine_batchnorm_relu_forward(args t)
{
    return lam_affine_batchnorm_relu_forward(NULL, t[0], t[1], t[2], t[3], t[4], t[5], t[6], t[7], &train);
}

/* A forward pass on ones, and then the backward pass in question. */
static lam_status with_forward(lam_status (*forward)(lam_cache **, lam_tensor *),
                               lam_status (*backward)(args, lam_cache *), args t)
{
    lam_cache *cache = NULL;
    float values[N * D] = { 0 };
    lam_tensor out = { LAM_F32, { 2, { N, D } }, values };
    lam_status status = forward(&cache, &out);
    if (!status)
        status = backward(t, cache);
    lam_cache_free(cache);
    return status;
}

static float ones[N * D];
static const lam_tensor rows = { LAM_F32, { 2, { N, D } }, ones }, vector = { LAM_F32, { 1, { D } }, ones },
                        weight = { LAM_F32, { 2, { D, M } }, ones }, bias = { LAM_F32, { 1, { M } }, ones };

static lam_status any_affine(lam_cache **cache, lam_tensor *out)
{
    out->shape.dim[1] = M;
    return lam_affine_forward(cache, out, &rows, &weight, &bias);
}
static lam_status any_relu(lam_cache **cache, lam_tensor *out)
{
    return lam_relu_forward(cache, out, &rows);
}
static lam_status any_leakyrelu(lam_cache **cache, lam_tensor *out)
{
    return lam_leakyrelu_forward(cache, out, &rows, 0.1);
}
static lam_status any_elu(lam_cache **cache, lam_tensor *out)
{
    return lam_elu_forward(cache, out, &rows, 1);
}
static lam_status any_gelu(lam_cache **cache, lam_tensor *out)
{
    return lam_gelu_forward(cache, out, &rows, 0);
}
static lam_status any_silu(lam_cache **cache, lam_tensor *out)
{
    return lam_silu_forward(cache, out, &rows);
}
static lam_status any_sigmoid(lam_cache **cache, lam_tensor *out)
{
    return lam_sigmoid_forward(cache, out, &rows);
}
static lam_status any_tanh(lam_cache **cache, lam_tensor *out)
{
    return lam_tanh_forward(cache, out, &rows);
}
static lam_status any_batchnorm(lam_cache **cache, lam_tensor *out)
{
    float mean[D] = { 0 }, var[D] = { 0 };
    lam_tensor m = { LAM_F32, { 1, { D } }, mean }, v = { LAM_F32, { 1, { D } }, var };
    return lam_batchnorm_forward(cache, out, &rows, &vector, &vector, &m, &v, &train);
}
static lam_status any_layernorm(lam_cache **cache, lam_tensor *out)
{
    return lam_layernorm_forward(cache, out, &rows, &vector, &vector, 1e-5);
}
static lam_status any_dropout(lam_cache **cache, lam_tensor *out)
{
    return lam_dropout_forward(cache, out, &rows, &half);
}

static lam_status any_affine_relu(lam_cache **cache, lam_tensor *out)
{
    out->shape.dim[1] = M;
    return lam_affine_relu_forward(cache, out, &rows, &weight, &bias);
}
static lam_status any_affine_batchnorm_relu(lam_cache **cache, lam_tensor *out)
{
    float mean[M] = { 0 }, var[M] = { 0 };
    lam_tensor m = { LAM_F32, { 1, { M } }, mean }, v = { LAM_F32, { 1, { M } }, var };
    out->shape.dim[1] = M;
    return lam_affine_batchnorm_relu_forward(cache, out, &rows, &weight, &bias, &bias, &bias, &m, &v, &train);
}

static lam_status back_affine(args t, lam_cache *cache)
{
    return lam_affine_backward(t[0], t[1], t[2], t[3], cache);
}
static lam_status back_relu(args t, lam_cache *cache)
{
    return lam_relu_backward(t[0], t[1], cache);
}
static lam_status back_leakyrelu(args t, lam_cache *cache)
{
    return lam_leakyrelu_backward(t[0], t[1], cache);
}
static lam_status back_elu(args t, lam_cache *cache)
{
    return lam_elu_backward(t[0], t[1], cache);
}
static lam_status back_gelu(args t, lam_cache *cache)
{
    return lam_gelu_backward(t[0], t[1], cache);
}
static lam_status back_silu(args t, lam_cache *cache)
{
    return lam_silu_backward(t[0], t[1], cache);
}
static lam_status back_sigmoid(args t, lam_cache *cache)
{
    return lam_sigmoid_backward(t[0], t[1], cache);
}
static lam_status back_tanh(args t, lam_cache *cache)
{
    return lam_tanh_backward(t[0], t[1], cache);
}
static lam_status back_batchnorm(args t, lam_cache *cache)
{
    return lam_batchnorm_backward(t[0], t[1], t[2], t[3], cache);
}
static lam_status back_layernorm(args t, lam_cache *cache)
{
    return lam_layernorm_backward(t[0], t[1], t[2], t[3], cache);
}
static lam_status back_dropout(args t, lam_cache *cache)
{
    return lam_dropout_backward(t[0], t[1], cache);
}

static lam_status back_affine_relu(args t, lam_cache *cache)
{
    return lam_affine_relu_backward(t[0], t[1], t[2], t[3], cache);
}
static lam_status back_affine_batchnorm_relu(args t, lam_cache *cache)
{
    return lam_affine_batchnorm_relu_backward(t[0], t[1], t[2], t[3], t[4], t[5], cache);
}

static lam_status affine_backward(args t)
{
    return with_forward(any_affine, back_affine, t);
}
static lam_status relu_backward(args t)
{
    return with_forward(any_relu, back_relu, t);
}
static lam_status leakyrelu_backward(args t)
{
    return with_forward(any_leakyrelu, back_leakyrelu, t);
}
static lam_status elu_backward(args t)
{
    return with_forward(any_elu, back_elu, t);
}
static lam_status gelu_backward(args t)
{
    return with_forward(any_gelu, back_gelu, t);
}
static lam_status silu_backward(args t)
{
    return with_forward(any_silu, back_silu, t);
}
static lam_status sigmoid_backward(args t)
{
    return with_forward(any_sigmoid, back_sigmoid, t);
}
static lam_status tanh_backward(args t)
{
    return with_forward(any_tanh, back_tanh, t);
}
static lam_status batchnorm_backward(args t)
{
    return with_forward(any_batchnorm, back_batchnorm, t);
}
static lam_status layernorm_backward(args t)
{
    return with_forward(any_layernorm, back_layernorm, t);
}
static lam_status dropout_backward(args t)
{
    return with_forward(any_dropout, back_dropout, t);
}

static lam_status affine_relu_backward(args t)
{
    return with_forward(any_affine_relu, back_affine_relu, t);
}
static lam_status affine_batchnorm_relu_backward(args t)
{
    return with_forward(any_affine_batchnorm_relu, back_affine_batchnorm_relu, t);
}

static lam_status softmax_loss(args t)
{
    double loss;
    return lam_softmax_loss(&loss, t[0], t[1], t[2]);
}
static lam_status svm_loss(args t)
{
    double loss;
    return lam_svm_loss(&loss, t[0], t[1], t[2]);
}
static lam_status mse_loss(args t)
{
    double loss;
    return lam_mse_loss(&loss, t[0], t[1], t[2]);
}
static lam_status logistic_loss(args t)
{
    double loss;
    return lam_logistic_loss(&loss, t[0], t[1], t[2]);
}
static lam_status sgd(args t)
{
    return lam_sgd(t[0], t[1], 0.1);
}
static lam_status momentum(args t)
{
    return lam_momentum(t[0], t[1], t[2], 0.1, 0.9);
}
static lam_status nesterov(args t)
{
    return lam_nesterov(t[0], t[1], t[2], 0.1, 0.9);
}
static lam_status rmsprop(args t)
{
    return lam_rmsprop(t[0], t[1], t[2], 0.1, 0.9, 1e-8);
}
static lam_status adam(args t)
{
    uint64_t steps = 3;
    return lam_adam(t[0], t[1], t[2], t[3], &steps, 0.1, 0.9, 0.99, 1e-8);
}

/* An argument's name and shape: r rows (N, D), v a vector (D), w (D, M), b (M), o (N, M), l labels; capital letters
 * may be NULL. The argument `decides` sets type and sizes. */
typedef struct {
    const char *name;
    lam_status (*call)(args);
    int decides;
    const char *arg[MOST_ARGS], *shapes;
} function;

static const function functions[] = {
    { "affine", affine_forward, 1, { "out", "x", "w", "b" }, "orwb" },
    { "relu", relu_forward, 1, { "out", "x" }, "rr" },
    { "leakyrelu", leakyrelu_forward, 1, { "out", "x" }, "rr" },
    { "elu", elu_forward, 1, { "out", "x" }, "rr" },
    { "gelu", gelu_forward, 1, { "out", "x" }, "rr" },
    { "silu", silu_forward, 1, { "out", "x" }, "rr" },
    { "sigmoid", sigmoid_forward, 1, { "out", "x" }, "rr" },
    { "tanh", tanh_forward, 1, { "out", "x" }, "rr" },
    { "batchnorm", batchnorm_forward, 1, { "out", "x", "gamma", "beta", "running_mean", "running_var" }, "rrvvvv" },
    { "layernorm", layernorm_forward, 1, { "out", "x", "gamma", "beta" }, "rrvv" },
    { "dropout", dropout_forward, 1, { "out", "x" }, "rr" },
    { "affine_relu", affine_relu_forward, 1, { "out", "x", "w", "b" }, "orwb" },
    { "affine_batchnorm_relu",
      affine_batchnorm_relu_forward,
      1,
      { "out", "x", "w", "b", "gamma", "beta", "running_mean", "running_var" },
      "orwbbbbb" },
    { "affine", affine_backward, -1, { "dx", "dw", "db", "dout" }, "RWBo" },
    { "relu", relu_backward, -1, { "dx", "dout" }, "Rr" },
    { "leakyrelu", leakyrelu_backward, -1, { "dx", "dout" }, "Rr" },
    { "elu", elu_backward, -1, { "dx", "dout" }, "Rr" },
    { "gelu", gelu_backward, -1, { "dx", "dout" }, "Rr" },
    { "silu", silu_backward, -1, { "dx", "dout" }, "Rr" },
    { "sigmoid", sigmoid_backward, -1, { "dx", "dout" }, "Rr" },
    { "tanh", tanh_backward, -1, { "dx", "dout" }, "Rr" },
    { "batchnorm", batchnorm_backward, -1, { "dx", "dgamma", "dbeta", "dout" }, "RVVr" },
    { "layernorm", layernorm_backward, -1, { "dx", "dgamma", "dbeta", "dout" }, "RVVr" },
    { "dropout", dropout_backward, -1, { "dx", "dout" }, "Rr" },
    { "affine_relu", affine_relu_backward, -1, { "dx", "dw", "db", "dout" }, "RWBo" },
    { "affine_batchnorm_relu",
      affine_batchnorm_relu_backward,
      -1,
      { "dx", "dw", "db", "dgamma", "dbeta", "dout" },
      "RWBBBo" },
    { "softmax", softmax_loss, 1, { "dx", "x", "y" }, "Rrl" },
    { "svm", svm_loss, 1, { "dx", "x", "y" }, "Rrl" },
    { "mse", mse_loss, 1, { "dx", "x", "t" }, "Rrr" },
    { "logistic", logistic_loss, 1, { "dx", "x", "t" }, "Rrr" },
    { "sgd", sgd, 0, { "w", "dw" }, "ww" },
    { "momentum", momentum, 0, { "w", "dw", "velocity" }, "www" },
    { "nesterov", nesterov, 0, { "w", "dw", "velocity" }, "www" },
    { "rmsprop", rmsprop, 0, { "w", "dw", "cache" }, "www" },
    { "adam", adam, 0, { "w", "dw", "m", "v" }, "wwww" },
};
enum { FUNCTIONS = sizeof functions / sizeof *functions };

static lam_tensor make_arg(char letter)
{
    switch (letter | 0x20) {
    case 'r':
        return make_rows(LAM_F32, N, D);
    case 'v':
        return make_vector(LAM_F32, D);
    case 'w':
        return make_rows(LAM_F32, D, M);
    case 'b':
        return make_vector(LAM_F32, M);
    case 'o':
        return make_rows(LAM_F32, N, M);
    default:
        return make_tensor(LAM_U8, lami_shape1(N));
    }
}

static size_t make_args(lam_tensor tensor[MOST_ARGS], lam_tensor *pointer[MOST_ARGS], const function *f)
{
    const size_t count = strlen(f->shapes);
    for (size_t i = 0; i < MOST_ARGS; i++)
        pointer[i] = NULL;
    for (size_t i = 0; i < count; i++) {
        tensor[i] = make_arg(f->shapes[i]);
        pointer[i] = &tensor[i];
    }
    return count;
}

static void assert_refused(const function *f, args t, lam_status expected, const char *name)
{
    const lam_status status = f->call(t);
    const char *at = strstr(lam_last_error(), name);
    if (status != expected || !at || strchr(lam_last_error(), '\n'))
        fail_msg("%s, bad %s: %s: \"%s\"", f->name, name, lam_status_text(status), lam_last_error());
}

static void good_arguments_are_taken(void **state)
{
    (void)state;
    for (size_t k = 0; k < FUNCTIONS; k++) {
        lam_tensor tensor[MOST_ARGS], *t[MOST_ARGS];
        make_args(tensor, t, &functions[k]);
        assert_ok(functions[k].call(t));
    }
}

static void an_argument_that_is_null_is_named(void **state)
{
    (void)state;
    for (size_t k = 0; k < FUNCTIONS; k++) {
        lam_tensor tensor[MOST_ARGS], *t[MOST_ARGS];
        const function *f = &functions[k];
        const size_t count = make_args(tensor, t, f);
        for (size_t i = 0; i < count; i++) {
            char expected[64];
            snprintf(expected, sizeof expected, "%s: %s is NULL", f->name, f->arg[i]);
            t[i] = NULL;
            if (f->shapes[i] >= 'a')
                assert_refused(f, t, LAM_EINVAL, expected);
            else
                assert_ok(f->call(t));
            t[i] = &tensor[i];
            tensor[i].data = NULL;
            assert_refused(f, t, LAM_EINVAL, expected);
            tensor[i] = make_arg(f->shapes[i]);
        }
    }
}

static void an_argument_of_another_type_is_named(void **state)
{
    (void)state;
    for (size_t k = 0; k < FUNCTIONS; k++) {
        lam_tensor tensor[MOST_ARGS], *t[MOST_ARGS];
        const function *f = &functions[k];
        const size_t count = make_args(tensor, t, f);
        for (size_t i = 0; i < count; i++) {
            char expected[64];
            const lam_tensor good = tensor[i];
            const lam_dtype bad = f->shapes[i] == 'l' ? LAM_F64 : LAM_I64;
            snprintf(expected, sizeof expected, "%s is %s", f->arg[i], bad == LAM_F64 ? "f64" : "i64");
            tensor[i].dtype = bad;
            assert_refused(f, t, LAM_EINVAL, expected);
            tensor[i] = good;
        }
    }
    lam_tensor x = make_rows(LAM_F32, N, D), out = make_rows(LAM_F64, N, D);
    assert_int_equal(lam_relu_forward(NULL, &out, &x), LAM_EINVAL);
    assert_string_equal(lam_last_error(), "relu: out is f64 where f32 is needed");
}

static void an_argument_of_another_shape_is_named(void **state)
{
    (void)state;
    for (size_t k = 0; k < FUNCTIONS; k++) {
        lam_tensor tensor[MOST_ARGS], *t[MOST_ARGS];
        const function *f = &functions[k];
        const size_t count = make_args(tensor, t, f);
        for (size_t i = 0; i < count; i++) {
            const lam_tensor good = tensor[i];
            tensor[i].shape.rank = -1;
            assert_refused(f, t, LAM_ESHAPE, f->arg[i]);
            tensor[i].shape.rank = LAM_MAX_RANK + 1;
            assert_refused(f, t, LAM_ESHAPE, f->arg[i]);
            tensor[i].shape = (lam_shape) { 2, { 0, D } };
            assert_refused(f, t, LAM_ESHAPE, f->arg[i]);
            tensor[i].shape = (lam_shape) { 3, { SIZE_MAX / 2, SIZE_MAX / 2, 2 } };
            assert_refused(f, t, LAM_ESHAPE, f->arg[i]);
            if ((int)i == f->decides) { /* then another one does not fit */
                tensor[i].shape = (lam_shape) { 0 };
                assert_refused(f, t, LAM_ESHAPE, f->arg[i]);
                tensor[i].shape = lami_shape2(good.shape.dim[0] + 1, good.shape.dim[1]);
                assert_refused(f, t, LAM_ESHAPE, f->name);
            } else {
                tensor[i].shape = lami_shape2(good.shape.dim[0] + 1, good.shape.rank > 1 ? good.shape.dim[1] : 1);
                assert_refused(f, t, LAM_ESHAPE, f->arg[i]);
            }
            tensor[i] = good;
        }
    }
}

/* ---- other arguments ---- */

static void assert_message(lam_status status, lam_status expected, const char *message)
{
    assert_int_equal(status, expected);
    assert_string_equal(lam_last_error(), message);
}

static void labels_out_of_range_are_told_with_their_place(void **state)
{
    (void)state;
    double loss = 7;
    const lam_tensor x = make_rows(LAM_F32, 3, 4);
    int32_t label[3] = { 0, 4, 1 };
    const lam_tensor y = { LAM_I32, { 1, { 3 } }, label };
    assert_message(lam_softmax_loss(&loss, NULL, &x, &y), LAM_EFORMAT, "y[1] is 4; labels are 0 to 3");
    label[1] = -1;
    assert_message(lam_svm_loss(&loss, NULL, &x, &y), LAM_EFORMAT, "y[1] is -1; labels are 0 to 3");
    assert_true(loss == 7);
    label[1] = 3;
    assert_message(lam_softmax_loss(NULL, NULL, &x, &y), LAM_EINVAL, "softmax: loss is NULL");
    assert_ok(lam_softmax_loss(&loss, NULL, &x, &y));
}

static void numbers_out_of_range_are_refused(void **state)
{
    (void)state;
    lam_tensor x = make_rows(LAM_F32, N, D), out = make_rows(LAM_F32, N, D), g = make_vector(LAM_F32, D);
    lam_tensor mean = make_vector(LAM_F32, D), var = make_vector(LAM_F32, D);
    static const lam_dropout_param drops[] = { { LAM_MODE_TRAIN, 1, 0, 0 },
                                               { LAM_MODE_TRAIN, -0.1, 0, 0 },
                                               { LAM_MODE_TEST, NAN, 0, 0 } };
    for (size_t i = 0; i < 3; i++)
        assert_message(lam_dropout_forward(NULL, &out, &x, &drops[i]), LAM_EINVAL,
                       "dropout: p, the probability of dropping, is at least 0 and below 1");
    static const lam_batchnorm_param norms[] = { { LAM_MODE_TRAIN, -1e-5, 0.9 },
                                                 { LAM_MODE_TRAIN, NAN, 0.9 },
                                                 { LAM_MODE_TEST, 1e-5, 1.5 },
                                                 { LAM_MODE_TEST, 1e-5, NAN } };
    for (size_t i = 0; i < 4; i++)
        assert_message(lam_batchnorm_forward(NULL, &out, &x, &g, &g, &mean, &var, &norms[i]), LAM_EINVAL,
                       "batchnorm: eps and momentum are numbers from 0 to 1");
    assert_message(lam_layernorm_forward(NULL, &out, &x, &g, &g, NAN), LAM_EINVAL,
                   "layernorm: eps is a number from 0 to 1");
    assert_message(lam_sgd(&x, &out, NAN), LAM_EINVAL, "sgd: a learning rate is a number of at least 0");
    assert_message(lam_sgd(&x, &out, -1), LAM_EINVAL, "sgd: a learning rate is a number of at least 0");
    static const double betas[][2] = { { 1, 0.9 }, { 0.9, 1 }, { -0.1, 0.9 }, { 0.9, NAN } };
    uint64_t t = 3;
    for (size_t i = 0; i < 4; i++)
        assert_message(lam_adam(&x, &out, &mean, &var, &t, 0.1, betas[i][0], betas[i][1], 1e-8), LAM_EINVAL,
                       "adam: beta1 and beta2 are at least 0 and below 1");
    assert_int_equal(t, 3);
}

static void missing_parameters_and_modes_are_refused(void **state)
{
    (void)state;
    lam_tensor x = make_rows(LAM_F32, N, D), out = make_rows(LAM_F32, N, D), g = make_vector(LAM_F32, D);
    const lam_tensor w = make_rows(LAM_F32, D, D);
    lam_dropout_param drop = { (lam_mode)7, 0.5, 0, 0 };
    lam_batchnorm_param norm = { (lam_mode)7, 1e-5, 0.9 };
    assert_message(lam_dropout_forward(NULL, &out, &x, NULL), LAM_EINVAL, "dropout: param is NULL");
    assert_message(lam_dropout_forward(NULL, &out, &x, &drop), LAM_EINVAL,
                   "dropout: the mode is neither train nor test");
    assert_message(lam_batchnorm_forward(NULL, &out, &x, &g, &g, &g, &g, NULL), LAM_EINVAL, "batchnorm: param is NULL");
    assert_message(lam_batchnorm_forward(NULL, &out, &x, &g, &g, &g, &g, &norm), LAM_EINVAL,
                   "batchnorm: the mode is neither train nor test");
    assert_message(lam_affine_batchnorm_relu_forward(NULL, &out, &x, &w, &g, &g, &g, &g, &g, NULL), LAM_EINVAL,
                   "batchnorm: param is NULL");
    assert_message(lam_adam(&x, &x, &x, &x, NULL, 1e-3, 0.9, 0.999, 1e-8), LAM_EINVAL, "adam: t is NULL");
}

/* ---- caches ---- */

static void a_cache_of_another_layer_or_none_is_refused(void **state)
{
    (void)state;
    lam_cache *cache = NULL;
    lam_tensor x = make_rows(LAM_F32, N, D), out = make_rows(LAM_F32, N, D), dx = make_rows(LAM_F32, N, D);
    assert_ok(lam_relu_forward(&cache, &out, &x));
    lam_cache *const before = cache;
    assert_message(lam_dropout_forward(&cache, &out, &x, &half), LAM_EINVAL, "dropout: the cache is one of relu");
    assert_message(lam_dropout_backward(&dx, &out, cache), LAM_EINVAL, "dropout: the cache is one of relu");
    assert_ptr_equal(cache, before);
    assert_ok(lam_relu_backward(&dx, &out, cache));
    assert_message(lam_relu_backward(&dx, &out, NULL), LAM_EINVAL, "relu: a cache of the forward pass is needed");
    lam_cache_free(cache);
    lam_cache_free(NULL);
}

/* A layer with everything it needs, in f64. */
typedef struct {
    lam_tensor x, w, b, out, dout, dx, dw, db, mean, var;
} layer;

static layer make_layer(size_t n, size_t d, size_t m, uint32_t stream)
{
    return (layer) { make_normal(LAM_F64, n, d, stream),
                     make_normal(LAM_F64, d, m, stream + 1),
                     make_normal(LAM_F64, 1, m, stream + 2),
                     make_rows(LAM_F64, n, m),
                     make_normal(LAM_F64, n, m, stream + 3),
                     make_rows(LAM_F64, n, d),
                     make_rows(LAM_F64, d, m),
                     make_vector(LAM_F64, m),
                     make_vector(LAM_F64, m),
                     make_vector(LAM_F64, m) };
}

typedef void (*round_trip)(lam_cache **cache, layer *l, int gradients);

static void trip_affine(lam_cache **cache, layer *l, int g)
{
    assert_ok(lam_affine_forward(cache, &l->out, &l->x, &l->w, &l->b));
    assert_ok(lam_affine_backward(g ? &l->dx : NULL, g ? &l->dw : NULL, g ? &l->db : NULL, &l->dout, *cache));
}
static void trip_relu(lam_cache **cache, layer *l, int g)
{
    assert_ok(lam_relu_forward(cache, &l->out, &l->x));
    assert_ok(lam_relu_backward(g ? &l->dx : NULL, &l->dout, *cache));
}
static void trip_leakyrelu(lam_cache **cache, layer *l, int g)
{
    assert_ok(lam_leakyrelu_forward(cache, &l->out, &l->x, 0.1));
    assert_ok(lam_leakyrelu_backward(g ? &l->dx : NULL, &l->dout, *cache));
}
static void trip_elu(lam_cache **cache, layer *l, int g)
{
    assert_ok(lam_elu_forward(cache, &l->out, &l->x, 1));
    assert_ok(lam_elu_backward(g ? &l->dx : NULL, &l->dout, *cache));
}
static void trip_gelu(lam_cache **cache, layer *l, int g)
{
    assert_ok(lam_gelu_forward(cache, &l->out, &l->x, 0));
    assert_ok(lam_gelu_backward(g ? &l->dx : NULL, &l->dout, *cache));
}
static void trip_silu(lam_cache **cache, layer *l, int g)
{
    assert_ok(lam_silu_forward(cache, &l->out, &l->x));
    assert_ok(lam_silu_backward(g ? &l->dx : NULL, &l->dout, *cache));
}
static void trip_sigmoid(lam_cache **cache, layer *l, int g)
{
    assert_ok(lam_sigmoid_forward(cache, &l->out, &l->x));
    assert_ok(lam_sigmoid_backward(g ? &l->dx : NULL, &l->dout, *cache));
}
static void trip_tanh(lam_cache **cache, layer *l, int g)
{
    assert_ok(lam_tanh_forward(cache, &l->out, &l->x));
    assert_ok(lam_tanh_backward(g ? &l->dx : NULL, &l->dout, *cache));
}
static void trip_batchnorm(lam_cache **cache, layer *l, int g)
{
    assert_ok(lam_batchnorm_forward(cache, &l->out, &l->x, &l->b, &l->b, &l->mean, &l->var, &train));
    assert_ok(lam_batchnorm_backward(g ? &l->dx : NULL, g ? &l->db : NULL, g ? &l->dw : NULL, &l->dout, *cache));
}
static void trip_layernorm(lam_cache **cache, layer *l, int g)
{
    assert_ok(lam_layernorm_forward(cache, &l->out, &l->x, &l->b, &l->b, 1e-5));
    assert_ok(lam_layernorm_backward(g ? &l->dx : NULL, g ? &l->db : NULL, g ? &l->dw : NULL, &l->dout, *cache));
}
static void trip_dropout(lam_cache **cache, layer *l, int g)
{
    assert_ok(lam_dropout_forward(cache, &l->out, &l->x, &half));
    assert_ok(lam_dropout_backward(g ? &l->dx : NULL, &l->dout, *cache));
}

static void trip_affine_relu(lam_cache **cache, layer *l, int g)
{
    assert_ok(lam_affine_relu_forward(cache, &l->out, &l->x, &l->w, &l->b));
    assert_ok(lam_affine_relu_backward(g ? &l->dx : NULL, g ? &l->dw : NULL, g ? &l->db : NULL, &l->dout, *cache));
}
static void trip_affine_batchnorm_relu(lam_cache **cache, layer *l, int g)
{
    lam_tensor *const dbeta = g ? &l->db : NULL;
    assert_ok(lam_affine_batchnorm_relu_forward(cache, &l->out, &l->x, &l->w, &l->b, &l->b, &l->b, &l->mean, &l->var,
                                                &train));
    assert_ok(
        lam_affine_batchnorm_relu_backward(g ? &l->dx : NULL, g ? &l->dw : NULL, NULL, NULL, dbeta, &l->dout, *cache));
}

static const round_trip trips[] = { trip_affine,    trip_affine_relu, trip_affine_batchnorm_relu,
                                    trip_batchnorm, trip_layernorm,   trip_relu,
                                    trip_dropout,   trip_leakyrelu,   trip_elu,
                                    trip_gelu,      trip_silu,        trip_sigmoid,
                                    trip_tanh };
enum { TRIPS = sizeof trips / sizeof *trips, AFFINE_TRIPS = 3, BATCHNORM_TRIP = 3 };

/* A layer of (n, d); the affine ones give 4 columns, the others have d columns and vectors of d. */
static layer layer_for(size_t trip, size_t n, size_t d, uint32_t stream)
{
    layer l = make_layer(n, d, trip < AFFINE_TRIPS ? 4 : d, stream);
    if (trip >= AFFINE_TRIPS)
        l.dw = make_vector(LAM_F64, d);
    return l;
}

static void assert_same_layer(const layer *a, const layer *b)
{
    assert_same_bits(&a->out, &b->out);
    assert_same_bits(&a->dx, &b->dx);
    assert_same_bits(&a->dw, &b->dw);
    assert_same_bits(&a->db, &b->db);
    assert_same_bits(&a->mean, &b->mean);
    assert_same_bits(&a->var, &b->var);
}

static void a_cache_used_again_allocates_nothing_while_the_batch_does_not_grow(void **state)
{
    (void)state;
    static const size_t sizes[] = { 30, 30, 7, 1, 29, 30 };
    for (size_t k = 0; k < TRIPS; k++) {
        lam_cache *cache = NULL;
        layer first = layer_for(k, 30, 9, 1);
        trips[k](&cache, &first, 1);
        trips[k](&cache, &first, 0);
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            layer l = layer_for(k, sizes[i], 9, (uint32_t)(10 * i));
            const long before = lami_alloc_count();
            trips[k](&cache, &l, 1);
            trips[k](&cache, &l, 0);
            assert_int_equal(lami_alloc_count(), before);
        }
        lam_cache_free(cache);
    }
}

static void results_do_not_depend_on_what_the_cache_was_used_for(void **state)
{
    (void)state;
    static const size_t sizes[][2] = { { 8, 5 }, { 3, 5 }, { 70, 5 }, { 70, 6 }, { 1, 6 }, { 130, 2 }, { 49, 33 } };
    for (size_t k = 0; k < TRIPS; k++) {
        lam_cache *cache = NULL;
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            layer used = layer_for(k, sizes[i][0], sizes[i][1], (uint32_t)(10 * i));
            layer fresh = layer_for(k, sizes[i][0], sizes[i][1], (uint32_t)(10 * i));
            lam_cache *other = NULL;
            trips[k](&cache, &used, 1);
            trips[k](&other, &fresh, 1);
            assert_same_layer(&used, &fresh);
            lam_cache_free(other);
        }
        lam_cache_free(cache);
        free_tensors(NULL);
    }
}

static void backward_may_be_called_again_and_with_some_gradients_only(void **state)
{
    (void)state;
    lam_cache *cache = NULL;
    layer a = layer_for(0, 20, 9, 1), b = layer_for(0, 20, 9, 1), c = layer_for(BATCHNORM_TRIP, 20, 9, 1),
          d = layer_for(BATCHNORM_TRIP, 20, 9, 1);
    trip_affine(&cache, &a, 1);
    assert_ok(lam_affine_backward(&b.dx, NULL, NULL, &a.dout, cache));
    assert_ok(lam_affine_backward(NULL, &b.dw, NULL, &a.dout, cache));
    assert_ok(lam_affine_backward(NULL, NULL, &b.db, &a.dout, cache));
    assert_same_bits(&a.dx, &b.dx);
    assert_same_bits(&a.dw, &b.dw);
    assert_same_bits(&a.db, &b.db);
    lam_cache_free(cache);
    cache = NULL;
    trip_batchnorm(&cache, &c, 1);
    assert_ok(lam_batchnorm_backward(&d.dx, NULL, NULL, &c.dout, cache));
    assert_ok(lam_batchnorm_backward(NULL, &d.db, &d.dw, &c.dout, cache));
    assert_same_bits(&c.dx, &d.dx);
    assert_same_bits(&c.db, &d.db);
    assert_same_bits(&c.dw, &d.dw);
    lam_cache_free(cache);
}

static void relu_looks_at_x_again_in_the_backward_pass(void **state)
{
    (void)state;
    float x[] = { -1, 2, 3, -4 }, out[4], dout[] = { 10, 20, 30, 40 }, dx[4];
    const lam_shape shape = { 1, { 4 } };
    lam_tensor tx = { LAM_F32, shape, x }, tout = { LAM_F32, shape, out };
    lam_tensor tdout = { LAM_F32, shape, dout }, tdx = { LAM_F32, shape, dx };
    lam_cache *cache = NULL;
    assert_ok(lam_relu_forward(&cache, &tout, &tx));
    memset(out, 0, sizeof out); /* out is the caller's own again */
    x[0] = 1;                   /* the cache borrows x, as the course's does */
    assert_ok(lam_relu_backward(&tdx, &tdout, cache));
    const float expected[] = { 10, 20, 30, 0 };
    assert_memory_equal(dx, expected, sizeof dx);
    lam_cache_free(cache);
}

/* affine, batchnorm unless `plain`, relu: one function after another. */
static void trip_one_by_one(layer *l, lam_tensor *dgamma, int is_plain)
{
    lam_cache *first = NULL, *norm = NULL, *last = NULL;
    lam_tensor y = make_copy(&l->out), z = make_copy(&l->out), dz = make_copy(&l->out), dy = make_copy(&l->out);
    lam_tensor *const before_relu = is_plain ? &y : &z, *const dbefore = is_plain ? &dy : &dz;
    assert_ok(lam_affine_forward(&first, &y, &l->x, &l->w, &l->b));
    if (!is_plain)
        assert_ok(lam_batchnorm_forward(&norm, &z, &y, &l->b, &l->b, &l->mean, &l->var, &train));
    assert_ok(lam_relu_forward(&last, &l->out, before_relu));
    assert_ok(lam_relu_backward(dbefore, &l->dout, last));
    if (!is_plain)
        assert_ok(lam_batchnorm_backward(&dy, dgamma, NULL, &dz, norm));
    assert_ok(lam_affine_backward(&l->dx, &l->dw, &l->db, &dy, first));
    lam_cache_free(first);
    lam_cache_free(norm);
    lam_cache_free(last);
}

static void several_layers_at_once_give_the_bits_of_one_after_another(void **state)
{
    (void)state;
    static const size_t shapes[][3] = { { 1, 1, 1 }, { 5, 7, 3 }, { 49, 33, 65 }, { 130, 20, 10 } };
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        const size_t n = shapes[k][0], d = shapes[k][1], m = shapes[k][2];
        lam_cache *cache = NULL, *plain = NULL;
        layer a = make_layer(n, d, m, 1), b = make_layer(n, d, m, 1);
        lam_tensor dgamma = make_vector(LAM_F64, m), other = make_vector(LAM_F64, m);
        trip_one_by_one(&a, &dgamma, 0);
        assert_ok(
            lam_affine_batchnorm_relu_forward(&cache, &b.out, &b.x, &b.w, &b.b, &b.b, &b.b, &b.mean, &b.var, &train));
        assert_ok(lam_affine_batchnorm_relu_backward(&b.dx, &b.dw, &b.db, &other, NULL, &b.dout, cache));
        assert_same_layer(&a, &b);
        assert_same_bits(&dgamma, &other);
        trip_one_by_one(&a, NULL, 1);
        trip_affine_relu(&plain, &b, 1);
        assert_same_layer(&a, &b);
        lam_cache_free(cache);
        lam_cache_free(plain);
    }
}

static lam_status drop_forward(lam_cache **cache, lam_tensor *out, const lam_tensor *x)
{
    return lam_dropout_forward(cache, out, x, &(lam_dropout_param) { LAM_MODE_TRAIN, 0.3, 1, 2 });
}
static lam_status leak_forward(lam_cache **cache, lam_tensor *out, const lam_tensor *x)
{
    return lam_leakyrelu_forward(cache, out, x, 0.1);
}

static void layers_whose_backward_reads_no_input_work_in_place(void **state)
{
    (void)state;
    static const struct {
        lam_status (*forward)(lam_cache **, lam_tensor *, const lam_tensor *);
        lam_status (*backward)(lam_tensor *, const lam_tensor *, lam_cache *);
    } layers[] = { { lam_relu_forward, lam_relu_backward },
                   { leak_forward, lam_leakyrelu_backward },
                   { lam_sigmoid_forward, lam_sigmoid_backward },
                   { lam_tanh_forward, lam_tanh_backward },
                   { drop_forward, lam_dropout_backward } };
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
        lam_cache *cache = NULL, *other = NULL;
        const lam_tensor x = make_normal(LAM_F32, 130, 65, 1), dout = make_normal(LAM_F32, 130, 65, 2);
        lam_tensor out = make_rows(LAM_F32, 130, 65), dx = make_rows(LAM_F32, 130, 65);
        lam_tensor place = make_normal(LAM_F32, 130, 65, 1), back = make_normal(LAM_F32, 130, 65, 2);
        assert_ok(layers[i].forward(&cache, &out, &x));
        assert_ok(layers[i].backward(&dx, &dout, cache));
        assert_ok(layers[i].forward(&other, &place, &place));
        assert_ok(layers[i].backward(&back, &back, other));
        assert_same_bits(&out, &place);
        assert_same_bits(&dx, &back);
        lam_cache_free(cache);
        lam_cache_free(other);
    }
}

static void the_output_is_the_same_with_and_without_a_cache(void **state)
{
    (void)state;
    lam_cache *cache = NULL;
    layer a = layer_for(0, 20, 9, 1), b = layer_for(0, 20, 9, 1);
    trip_affine(&cache, &a, 1);
    assert_ok(lam_affine_forward(NULL, &b.out, &b.x, &b.w, &b.b));
    assert_same_bits(&a.out, &b.out);
    lam_cache_free(cache);
}

/* ---- failed allocations ---- */

static void every_failed_allocation_is_reported(void **state)
{
    (void)state;
    for (size_t k = 0; k < FUNCTIONS; k++) {
        lam_tensor tensor[MOST_ARGS], *t[MOST_ARGS];
        const function *f = &functions[k];
        make_args(tensor, t, f);
        for (size_t i = 0; f->shapes[i]; i++)
            if (f->shapes[i] < 'a')
                t[i] = NULL; /* the most allocations */
        long n = 1;
        lam_status status = LAM_ENOMEM;
        for (; status; n++) {
            lami_alloc_fail_at(n);
            status = f->call(t);
            lami_alloc_fail_at(0);
            assert_true(status == LAM_OK || status == LAM_ENOMEM);
            assert_true(n < 1000);
            if (status)
                assert_non_null(strstr(lam_last_error(), "out of memory"));
        }
        assert_true(n > 3);
    }
}

static void a_cache_that_cannot_grow_stays_as_it_was(void **state)
{
    (void)state;
    lam_cache *cache = NULL;
    layer a = layer_for(0, 20, 9, 1), large = layer_for(0, 50, 9, 1);
    trip_affine(&cache, &a, 1);
    const lam_tensor dw = make_copy(&a.dw);
    lam_cache *const before = cache;
    lami_alloc_fail_at(4);
    assert_int_equal(lam_affine_forward(&cache, &large.out, &large.x, &large.w, &large.b), LAM_ENOMEM);
    lami_alloc_fail_at(0);
    assert_ptr_equal(cache, before);
    fill_all(&a.dw, 0);
    assert_ok(lam_affine_backward(&a.dx, &a.dw, &a.db, &a.dout, cache));
    assert_same_bits(&a.dw, &dw);
    lam_cache_free(cache);
}

static void a_new_cache_is_null_after_an_error(void **state)
{
    (void)state;
    lam_cache *cache = NULL;
    lam_tensor x = make_rows(LAM_F32, N, D), out = make_rows(LAM_F32, N, D + 1);
    assert_int_equal(lam_relu_forward(&cache, &out, &x), LAM_ESHAPE);
    assert_null(cache);
    out = make_rows(LAM_F32, N, D);
    lami_alloc_fail_at(3);
    assert_int_equal(lam_relu_forward(&cache, &out, &x), LAM_ENOMEM);
    lami_alloc_fail_at(0);
    assert_null(cache);
}

int main(void)
{
    for (size_t i = 0; i < N * D; i++)
        ones[i] = 1;
    const struct CMUnitTest tests[] = {
        TEST(good_arguments_are_taken),
        TEST(an_argument_that_is_null_is_named),
        TEST(an_argument_of_another_type_is_named),
        TEST(an_argument_of_another_shape_is_named),
        TEST(labels_out_of_range_are_told_with_their_place),
        TEST(numbers_out_of_range_are_refused),
        TEST(missing_parameters_and_modes_are_refused),
        TEST(a_cache_of_another_layer_or_none_is_refused),
        TEST(a_cache_used_again_allocates_nothing_while_the_batch_does_not_grow),
        TEST(results_do_not_depend_on_what_the_cache_was_used_for),
        TEST(backward_may_be_called_again_and_with_some_gradients_only),
        TEST(relu_looks_at_x_again_in_the_backward_pass),
        TEST(several_layers_at_once_give_the_bits_of_one_after_another),
        TEST(layers_whose_backward_reads_no_input_work_in_place),
        TEST(the_output_is_the_same_with_and_without_a_cache),
        TEST(every_failed_allocation_is_reported),
        TEST(a_cache_that_cannot_grow_stays_as_it_was),
        TEST(a_new_cache_is_null_after_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
