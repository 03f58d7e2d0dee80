/* image_functions: layers on images (N, C, H, W) by themselves, as chains (chain.h): convolutions and what follows them,
 * pools, and norms over pixels. */
#include "chain.h"

/* ---- convolution ---- */

/* Padding and stride of a conv; NULL: the defaults. */
static lam_status set_conv(lami_call *call, const lam_conv_param *param)
{
    static const lam_conv_param defaults;
    const lam_conv_param *p = param ? param : &defaults;
    if (p->same && (p->pad[0] || p->pad[1]))
        return lami_fail(LAM_EINVAL, "conv: pad is %zux%zu, and same says otherwise", p->pad[0], p->pad[1]);
    LAM_TRY(lami_call_pair(call, 0, "stride", p->stride));
    LAM_TRY(lami_call_pair(call, 0, "pad", p->pad));
    if (p->same)
        lami_put_word(call, 0, "pad", "same");
    return LAM_OK;
}

static lam_status set_filters(lami_call *call, const lam_shape *w)
{
    char text[LAMI_SHAPE_TEXT];
    size_t count;
    if (lami_shape_check(&count, w))
        return lami_fail_at(LAM_ESHAPE, "%s: w", call->chain->name);
    if (w->rank != 4 || w->dim[1] != call->in.dim[0])
        return lami_fail(LAM_ESHAPE, "%s: w is %s; (F, %zu, KH, KW) is needed", call->chain->name,
                         lami_shape_text(text, w), call->in.dim[0]);
    lami_put_sizes(call, 0, "filters", &w->dim[0]);
    lami_put_sizes(call, 0, "kernel", &w->dim[2]);
    return LAM_OK;
}

/* A call of conv and what comes after it, by its tensors and parameters. */
static lam_status call_conv(lami_call *call, const lami_chain *chain, const lam_tensor *x, const lam_tensor *w,
                            const lam_tensor *b, const lam_conv_param *param)
{
    LAM_TRY(lami_call_image(call, chain, x));
    if (!w || !w->data)
        return lami_fail(LAM_EINVAL, "%s: w is NULL", chain->name);
    LAM_TRY(set_filters(call, &w->shape));
    lami_put_index(call, 0, "nobias", !b);
    return set_conv(call, param);
}

static const lami_chain conv = { "conv", { &lami_conv }, { { "w", "b" } } };

lam_status lam_conv_shape(lam_shape *out, const lam_shape *x, const lam_shape *w, const lam_conv_param *param)
{
    lami_call call;
    LAM_TRY(lami_call_image_shape(&call, &conv, x));
    if (!w || !out)
        return lami_fail(LAM_EINVAL, "conv: %s is NULL", w ? "out" : "w");
    LAM_TRY(set_filters(&call, w));
    LAM_TRY(set_conv(&call, param));
    LAM_TRY(lami_call_shapes(&call));
    *out = lami_call_output(&call);
    return LAM_OK;
}

lam_status lam_conv_forward(lam_cache **cache, lam_tensor *out, const lam_tensor *x, const lam_tensor *w,
                            const lam_tensor *b, const lam_conv_param *param)
{
    lami_call call;
    LAM_TRY(call_conv(&call, &conv, x, w, b, param));
    return lami_call_forward(&call, cache, out, x, (lami_tensors) { { w, b } });
}

lam_status lam_conv_backward(lam_tensor *dx, lam_tensor *dw, lam_tensor *db, const lam_tensor *dout, lam_cache *cache)
{
    return lami_call_backward(&conv, cache, dx, (lami_gradients) { { dw, db } }, dout);
}

/* ---- pools ---- */

static lam_status set_pool(lami_call *call, int link, const lam_pool_param *p)
{
    const lami_layer *layer = call->chain->layer[link];
    const char *name = layer->name;
    if (!p)
        return lami_fail(LAM_EINVAL, "%s: param is NULL", name);
    if (layer == &lami_maxpool && p->global)
        return lami_fail(LAM_EINVAL, "%s: global is for avgpool", name);
    if (p->global && (p->window[0] || p->window[1]))
        return lami_fail(LAM_EINVAL, "%s: window is %zux%zu, and global says otherwise", name, p->window[0],
                         p->window[1]);
    if (p->global)
        lami_put_word(call, link, "window", "global");
    else
        LAM_TRY(lami_call_pair(call, link, "window", p->window));
    LAM_TRY(lami_call_pair(call, link, "stride", p->stride));
    LAM_TRY(lami_call_pair(call, link, "pad", p->pad));
    if (p->ties != LAM_TIES_FIRST && p->ties != LAM_TIES_SPLIT && p->ties != LAM_TIES_ALL)
        return lami_fail(LAM_EINVAL, "%s: ties are neither first nor split nor all", name);
    if (layer == &lami_maxpool)
        lami_put_index(call, link, "ties", (int)p->ties);
    return LAM_OK;
}

static lam_status pool_forward(const lami_chain *chain, lam_cache **cache, lam_tensor *out, const lam_tensor *x,
                               const lam_pool_param *param)
{
    lami_call call;
    LAM_TRY(lami_call_image(&call, chain, x));
    LAM_TRY(set_pool(&call, 0, param));
    return lami_call_forward(&call, cache, out, x, (lami_tensors) { { NULL } });
}

static const lami_chain maxpool = { "maxpool", { &lami_maxpool }, { { NULL } } };
static const lami_chain avgpool = { "avgpool", { &lami_avgpool }, { { NULL } } };

lam_status lam_pool_shape(lam_shape *out, const lam_shape *x, const lam_pool_param *param)
{
    static const lami_chain pool = { "pool", { &lami_avgpool }, { { NULL } } }; /* maxpool's sizes are the same */
    lami_call call;
    LAM_TRY(lami_call_image_shape(&call, &pool, x));
    if (!out)
        return lami_fail(LAM_EINVAL, "pool: out is NULL");
    LAM_TRY(set_pool(&call, 0, param));
    LAM_TRY(lami_call_shapes(&call));
    *out = lami_call_output(&call);
    return LAM_OK;
}

lam_status lam_maxpool_forward(lam_cache **cache, lam_tensor *out, const lam_tensor *x, const lam_pool_param *param)
{
    return pool_forward(&maxpool, cache, out, x, param);
}

lam_status lam_maxpool_backward(lam_tensor *dx, const lam_tensor *dout, lam_cache *cache)
{
    return lami_call_backward(&maxpool, cache, dx, (lami_gradients) { { NULL } }, dout);
}

lam_status lam_avgpool_forward(lam_cache **cache, lam_tensor *out, const lam_tensor *x, const lam_pool_param *param)
{
    return pool_forward(&avgpool, cache, out, x, param);
}

lam_status lam_avgpool_backward(lam_tensor *dx, const lam_tensor *dout, lam_cache *cache)
{
    return lami_call_backward(&avgpool, cache, dx, (lami_gradients) { { NULL } }, dout);
}

/* ---- norms ---- */

static const lami_chain spatial_batchnorm = { "spatial_batchnorm",
                                              { &lami_batchnorm },
                                              { { "gamma", "beta", "running_mean", "running_var" } } };

lam_status lam_spatial_batchnorm_forward(lam_cache **cache, lam_tensor *out, const lam_tensor *x,
                                         const lam_tensor *gamma, const lam_tensor *beta, lam_tensor *running_mean,
                                         lam_tensor *running_var, const lam_batchnorm_param *param)
{
    lami_call call;
    LAM_TRY(lami_call_image(&call, &spatial_batchnorm, x));
    LAM_TRY(lami_call_batchnorm(&call, 0, param));
    return lami_call_forward(&call, cache, out, x, (lami_tensors) { { gamma, beta, running_mean, running_var } });
}

lam_status lam_spatial_batchnorm_backward(lam_tensor *dx, lam_tensor *dgamma, lam_tensor *dbeta, const lam_tensor *dout,
                                          lam_cache *cache)
{
    return lami_call_backward(&spatial_batchnorm, cache, dx, (lami_gradients) { { dgamma, dbeta } }, dout);
}

static const lami_chain spatial_groupnorm = { "spatial_groupnorm", { &lami_groupnorm }, { { "gamma", "beta" } } };

lam_status lam_spatial_groupnorm_forward(lam_cache **cache, lam_tensor *out, const lam_tensor *x,
                                         const lam_tensor *gamma, const lam_tensor *beta, size_t groups, double eps)
{
    lami_call call;
    LAM_TRY(lami_call_image(&call, &spatial_groupnorm, x));
    LAM_TRY(lami_call_eps(&call, 0, eps));
    lami_put_sizes(&call, 0, "groups", &groups);
    return lami_call_forward(&call, cache, out, x, (lami_tensors) { { gamma, beta } });
}

lam_status lam_spatial_groupnorm_backward(lam_tensor *dx, lam_tensor *dgamma, lam_tensor *dbeta, const lam_tensor *dout,
                                          lam_cache *cache)
{
    return lami_call_backward(&spatial_groupnorm, cache, dx, (lami_gradients) { { dgamma, dbeta } }, dout);
}

static const lami_chain spatial_layernorm = { "spatial_layernorm", { &lami_layernorm }, { { "gamma", "beta" } } };

lam_status lam_spatial_layernorm_forward(lam_cache **cache, lam_tensor *out, const lam_tensor *x,
                                         const lam_tensor *gamma, const lam_tensor *beta, double eps)
{
    lami_call call;
    LAM_TRY(lami_call_image(&call, &spatial_layernorm, x));
    LAM_TRY(lami_call_eps(&call, 0, eps));
    return lami_call_forward(&call, cache, out, x, (lami_tensors) { { gamma, beta } });
}

lam_status lam_spatial_layernorm_backward(lam_tensor *dx, lam_tensor *dgamma, lam_tensor *dbeta, const lam_tensor *dout,
                                          lam_cache *cache)
{
    return lami_call_backward(&spatial_layernorm, cache, dx, (lami_gradients) { { dgamma, dbeta } }, dout);
}

/* ---- a convolution and what follows it ---- */

static const lami_chain conv_relu = { "conv_relu", { &lami_conv, &lami_relu }, { { "w", "b" } } };

lam_status lam_conv_relu_forward(lam_cache **cache, lam_tensor *out, const lam_tensor *x, const lam_tensor *w,
                                 const lam_tensor *b, const lam_conv_param *param)
{
    lami_call call;
    LAM_TRY(call_conv(&call, &conv_relu, x, w, b, param));
    return lami_call_forward(&call, cache, out, x, (lami_tensors) { { w, b } });
}

lam_status lam_conv_relu_backward(lam_tensor *dx, lam_tensor *dw, lam_tensor *db, const lam_tensor *dout,
                                  lam_cache *cache)
{
    return lami_call_backward(&conv_relu, cache, dx, (lami_gradients) { { dw, db } }, dout);
}

static const lami_chain conv_batchnorm_relu = { "conv_batchnorm_relu",
                                                { &lami_conv, &lami_batchnorm, &lami_relu },
                                                { { "w", "b" }, { "gamma", "beta", "running_mean", "running_var" } } };

lam_status lam_conv_batchnorm_relu_forward(lam_cache **cache, lam_tensor *out, const lam_tensor *x, const lam_tensor *w,
                                           const lam_tensor *b, const lam_tensor *gamma, const lam_tensor *beta,
                                           lam_tensor *running_mean, lam_tensor *running_var,
                                           const lam_conv_param *param, const lam_batchnorm_param *norm)
{
    lami_call call;
    LAM_TRY(call_conv(&call, &conv_batchnorm_relu, x, w, b, param));
    LAM_TRY(lami_call_batchnorm(&call, 1, norm));
    return lami_call_forward(&call, cache, out, x,
                             (lami_tensors) { { w, b }, { gamma, beta, running_mean, running_var } });
}

lam_status lam_conv_batchnorm_relu_backward(lam_tensor *dx, lam_tensor *dw, lam_tensor *db, lam_tensor *dgamma,
                                            lam_tensor *dbeta, const lam_tensor *dout, lam_cache *cache)
{
    return lami_call_backward(&conv_batchnorm_relu, cache, dx, (lami_gradients) { { dw, db }, { dgamma, dbeta } },
                              dout);
}

static const lami_chain conv_relu_pool = { "conv_relu_pool",
                                           { &lami_conv, &lami_relu, &lami_maxpool },
                                           { { "w", "b" } } };

lam_status lam_conv_relu_pool_forward(lam_cache **cache, lam_tensor *out, const lam_tensor *x, const lam_tensor *w,
                                      const lam_tensor *b, const lam_conv_param *param, const lam_pool_param *pool)
{
    lami_call call;
    LAM_TRY(call_conv(&call, &conv_relu_pool, x, w, b, param));
    LAM_TRY(set_pool(&call, 2, pool));
    return lami_call_forward(&call, cache, out, x, (lami_tensors) { { w, b } });
}

lam_status lam_conv_relu_pool_backward(lam_tensor *dx, lam_tensor *dw, lam_tensor *db, const lam_tensor *dout,
                                       lam_cache *cache)
{
    return lami_call_backward(&conv_relu_pool, cache, dx, (lami_gradients) { { dw, db } }, dout);
}
