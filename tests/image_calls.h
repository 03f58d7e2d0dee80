/* image_calls: for the tests of layers on images by themselves: every function as a row of a table, called on tensors
 * of random sizes. Include after cmocka.h. */
#ifndef LAMI_TEST_IMAGE_CALLS_H
#define LAMI_TEST_IMAGE_CALLS_H

#include "tensors.h"

enum { OUT, X, W, B, GAMMA, BETA, MEAN, VAR, DX, DW, DB, DGAMMA, DBETA, DOUT, ARGS };
static const char *const arg_name[ARGS] = { "out",         "x",  "w",  "b",  "gamma",  "beta",  "running_mean",
                                            "running_var", "dx", "dw", "db", "dgamma", "dbeta", "dout" };

/* Sizes and parameters of a call, and its tensors: t[k] is &tensor[k], or NULL where the function has no such argument,
 * or a test takes it away. */
typedef struct {
    size_t n, c, h, w, filters, kernel[2], groups;
    lam_conv_param conv;
    lam_pool_param pool;
    lam_batchnorm_param norm;
    double eps;
    lam_shape shape; /* of out */
    lam_tensor tensor[ARGS], *t[ARGS];
} image_call;

/* ---- the functions ---- */

#define CONV  (1u << W | 1u << B | 1u << DW | 1u << DB)
#define AFTER (1u << GAMMA | 1u << BETA | 1u << DGAMMA | 1u << DBETA)
#define STATS (1u << MEAN | 1u << VAR)

static lam_status conv_forward(lam_cache **cache, const image_call *i)
{
    return lam_conv_forward(cache, i->t[OUT], i->t[X], i->t[W], i->t[B], &i->conv);
}
static lam_status conv_backward(lam_cache *cache, const image_call *i)
{
    return lam_conv_backward(i->t[DX], i->t[DW], i->t[DB], i->t[DOUT], cache);
}
static lam_status maxpool_forward(lam_cache **cache, const image_call *i)
{
    return lam_maxpool_forward(cache, i->t[OUT], i->t[X], &i->pool);
}
static lam_status maxpool_backward(lam_cache *cache, const image_call *i)
{
    return lam_maxpool_backward(i->t[DX], i->t[DOUT], cache);
}
static lam_status avgpool_forward(lam_cache **cache, const image_call *i)
{
    return lam_avgpool_forward(cache, i->t[OUT], i->t[X], &i->pool);
}
static lam_status avgpool_backward(lam_cache *cache, const image_call *i)
{
    return lam_avgpool_backward(i->t[DX], i->t[DOUT], cache);
}
static lam_status batchnorm_forward(lam_cache **cache, const image_call *i)
{
    return lam_spatial_batchnorm_forward(cache, i->t[OUT], i->t[X], i->t[GAMMA], i->t[BETA], i->t[MEAN], i->t[VAR],
                                         &i->norm);
}
static lam_status batchnorm_backward(lam_cache *cache, const image_call *i)
{
    return lam_spatial_batchnorm_backward(i->t[DX], i->t[DGAMMA], i->t[DBETA], i->t[DOUT], cache);
}
static lam_status groupnorm_forward(lam_cache **cache, const image_call *i)
{
    return lam_spatial_groupnorm_forward(cache, i->t[OUT], i->t[X], i->t[GAMMA], i->t[BETA], i->groups, i->eps);
}
static lam_status groupnorm_backward(lam_cache *cache, const image_call *i)
{
    return lam_spatial_groupnorm_backward(i->t[DX], i->t[DGAMMA], i->t[DBETA], i->t[DOUT], cache);
}
static lam_status layernorm_forward(lam_cache **cache, const image_call *i)
{
    return lam_spatial_layernorm_forward(cache, i->t[OUT], i->t[X], i->t[GAMMA], i->t[BETA], i->eps);
}
static lam_status layernorm_backward(lam_cache *cache, const image_call *i)
{
    return lam_spatial_layernorm_backward(i->t[DX], i->t[DGAMMA], i->t[DBETA], i->t[DOUT], cache);
}
static lam_status conv_relu_forward(lam_cache **cache, const image_call *i)
{
    return lam_conv_relu_forward(cache, i->t[OUT], i->t[X], i->t[W], i->t[B], &i->conv);
}
static lam_status conv_relu_backward(lam_cache *cache, const image_call *i)
{
    return lam_conv_relu_backward(i->t[DX], i->t[DW], i->t[DB], i->t[DOUT], cache);
}
static lam_status conv_batchnorm_relu_forward(lam_cache **cache, const image_call *i)
{
    return lam_conv_batchnorm_relu_forward(cache, i->t[OUT], i->t[X], i->t[W], i->t[B], i->t[GAMMA], i->t[BETA],
                                           i->t[MEAN], i->t[VAR], &i->conv, &i->norm);
}
static lam_status conv_batchnorm_relu_backward(lam_cache *cache, const image_call *i)
{
    return lam_conv_batchnorm_relu_backward(i->t[DX], i->t[DW], i->t[DB], i->t[DGAMMA], i->t[DBETA], i->t[DOUT], cache);
}
static lam_status conv_relu_pool_forward(lam_cache **cache, const image_call *i)
{
    return lam_conv_relu_pool_forward(cache, i->t[OUT], i->t[X], i->t[W], i->t[B], &i->conv, &i->pool);
}
static lam_status conv_relu_pool_backward(lam_cache *cache, const image_call *i)
{
    return lam_conv_relu_pool_backward(i->t[DX], i->t[DW], i->t[DB], i->t[DOUT], cache);
}

typedef struct {
    const char *name;
    lam_status (*forward)(lam_cache **cache, const image_call *i);
    lam_status (*backward)(lam_cache *cache, const image_call *i);
    unsigned args; /* besides out, x, dx, dout: bits */
    int pools;     /* its output is a pool's */
} image_function;

static const image_function image_functions[] = {
    { "conv", conv_forward, conv_backward, CONV, 0 },
    { "maxpool", maxpool_forward, maxpool_backward, 0, 1 },
    { "avgpool", avgpool_forward, avgpool_backward, 0, 1 },
    { "spatial_batchnorm", batchnorm_forward, batchnorm_backward, AFTER | STATS, 0 },
    { "spatial_groupnorm", groupnorm_forward, groupnorm_backward, AFTER, 0 },
    { "spatial_layernorm", layernorm_forward, layernorm_backward, AFTER, 0 },
    { "conv_relu", conv_relu_forward, conv_relu_backward, CONV, 0 },
    { "conv_batchnorm_relu", conv_batchnorm_relu_forward, conv_batchnorm_relu_backward, CONV | AFTER | STATS, 0 },
    { "conv_relu_pool", conv_relu_pool_forward, conv_relu_pool_backward, CONV, 1 },
};
enum { IMAGE_FUNCTIONS = sizeof image_functions / sizeof *image_functions };

static inline int has_arg(const image_function *f, int arg)
{
    return arg == OUT || arg == X || arg == DX || arg == DOUT || (f->args >> arg & 1);
}

static inline int is_gradient(int arg)
{
    return arg >= DX && arg <= DBETA;
}

/* ---- calls ---- */

static inline lam_shape shape4(size_t n, size_t c, size_t h, size_t w)
{
    return (lam_shape) { 4, { n, c, h, w } };
}

/* The output's shape, and tensors of that type filled with random numbers, of the arguments that f has. */
static inline void make_call(image_call *i, const image_function *f, lam_dtype type)
{
    const lam_shape x = shape4(i->n, i->c, i->h, i->w), w = shape4(i->filters, i->c, i->kernel[0], i->kernel[1]);
    const int convolves = has_arg(f, W);
    const size_t channels = convolves ? i->filters : i->c;
    lam_shape middle = x;
    if (convolves)
        assert_ok(lam_conv_shape(&middle, &x, &w, &i->conv));
    i->shape = middle;
    if (f->pools)
        assert_ok(lam_pool_shape(&i->shape, &middle, &i->pool));
    for (int k = 0; k < ARGS; k++) {
        const lam_shape shape = k == OUT || k == DOUT ? i->shape
                                : k == X || k == DX   ? x
                                : k == W || k == DW   ? w
                                : k % 2               ? lami_shape1(channels)
                                                      : shape4(1, channels, 1, 1); /* the course's, too */
        i->t[k] = NULL;
        if (!has_arg(f, k))
            continue;
        i->tensor[k] = make_tensor(type, shape);
        i->t[k] = &i->tensor[k];
        if (k == X || k == W || k == B || k == GAMMA || k == BETA || k == DOUT || k == MEAN)
            fill_normal(&i->tensor[k], (uint32_t)k, k == GAMMA ? 1 : 0, k == W ? 0.5 : 1);
        if (k == VAR)
            fill_all(&i->tensor[k], 0.7);
    }
}

/* A number from `from` to `to`, the `draw`-th of a stream. */
static inline size_t pick(uint32_t stream, size_t draw, size_t from, size_t to)
{
    const lami_rng rng = lami_rng_make(5, LAMI_RNG_TEST, 8, stream);
    return from + (size_t)(lami_rng_uniform(&rng, draw) * (double)(to - from + 1));
}

/* Random sizes that fit: windows and images that are not square, strides that do not divide, padding. */
static inline image_call random_call(uint32_t stream)
{
    image_call i = { .n = pick(stream, 0, 1, 4), .c = pick(stream, 1, 1, 7), .h = pick(stream, 2, 4, 9) };
    i.w = pick(stream, 3, 4, 9);
    i.filters = pick(stream, 4, 1, 6);
    i.norm = (lam_batchnorm_param) { LAM_MODE_TRAIN, 1e-5, 0.9 };
    i.eps = 1e-5;
    i.pool.ties = (lam_ties)pick(stream, 5, 0, 2);
    i.conv.same = pick(stream, 6, 0, 3) == 0;
    for (int k = 0; k < 2; k++) {
        const size_t d = 10 + 10 * (size_t)k;
        i.kernel[k] = pick(stream, d, 1, 4);
        i.conv.stride[k] = pick(stream, d + 1, 1, 2);
        i.conv.pad[k] = i.conv.same ? 0 : pick(stream, d + 2, 0, 2);
        i.pool.window[k] = pick(stream, d + 3, 1, 2);
        i.pool.stride[k] = pick(stream, d + 4, 1, 3);
        i.pool.pad[k] = pick(stream, d + 5, 0, i.pool.window[k] - 1);
    }
    for (i.groups = i.c > 2 ? 2 : 1; i.c % i.groups; i.groups++)
        ;
    return i;
}

#endif
