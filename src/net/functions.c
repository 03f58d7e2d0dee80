/* functions: layers on rows, losses and update rules by themselves. A layer is a chain (chain.h); a loss or an update
 * rule plans its own records and runs them once. image_functions.c has the layers on images. */
#include <math.h>
#include <string.h>

#include "../core/fpu.h"
#include "../core/mem.h"
#include "../core/parallel.h"
#include "../data/data.h"
#include "../loss/loss.h"
#include "../optim/optim.h"
#include "chain.h"

/* ---- the layers ---- */

/* A call of affine and what comes after it, by x and w. */
static lam_status call_affine(lami_call *call, const lami_chain *chain, const lam_tensor *x, const lam_tensor *w)
{
    LAM_TRY(lami_call_rows(call, chain, x));
    if (!w || !w->data)
        return lami_fail(LAM_EINVAL, "%s: w is NULL", chain->name);
    if (w->shape.rank != 2 || w->shape.dim[0] != call->in.dim[0] || !w->shape.dim[1])
        return lami_fail(LAM_ESHAPE, "%s: w must be (%zu, M)", chain->name, call->in.dim[0]);
    lami_put_sizes(call, 0, "outputs", &w->shape.dim[1]);
    return LAM_OK;
}

static const lami_chain affine = { "affine", { &lami_affine }, { { "w", "b" } } };

lam_status lam_affine_forward(lam_cache **cache, lam_tensor *out, const lam_tensor *x, const lam_tensor *w,
                              const lam_tensor *b)
{
    lami_call call;
    LAM_TRY(call_affine(&call, &affine, x, w));
    return lami_call_forward(&call, cache, out, x, (lami_tensors) { { w, b } });
}

lam_status lam_affine_backward(lam_tensor *dx, lam_tensor *dw, lam_tensor *db, const lam_tensor *dout, lam_cache *cache)
{
    return lami_call_backward(&affine, cache, dx, (lami_gradients) { { dw, db } }, dout);
}

/* ---- activations ---- */

static lam_status plain(const lami_chain *chain, lam_cache **cache, lam_tensor *out, const lam_tensor *x)
{
    lami_call call;
    LAM_TRY(lami_call_rows(&call, chain, x));
    return lami_call_forward(&call, cache, out, x, (lami_tensors) { { NULL } });
}

static lam_status with_real(const lami_chain *chain, lam_cache **cache, lam_tensor *out, const lam_tensor *x,
                            const char *name, double value)
{
    lami_call call;
    LAM_TRY(lami_call_rows(&call, chain, x));
    lami_put_real(&call, 0, name, value);
    return lami_call_forward(&call, cache, out, x, (lami_tensors) { { NULL } });
}

static lam_status back(const lami_chain *chain, lam_tensor *dx, const lam_tensor *dout, lam_cache *cache)
{
    return lami_call_backward(chain, cache, dx, (lami_gradients) { { NULL } }, dout);
}

static const lami_chain relu = { "relu", { &lami_relu }, { { NULL } } };
static const lami_chain leakyrelu = { "leakyrelu", { &lami_leakyrelu }, { { NULL } } };
static const lami_chain elu = { "elu", { &lami_elu }, { { NULL } } };
static const lami_chain gelu = { "gelu", { &lami_gelu }, { { NULL } } };
static const lami_chain silu = { "silu", { &lami_silu }, { { NULL } } };
static const lami_chain sigmoid = { "sigmoid", { &lami_sigmoid }, { { NULL } } };
static const lami_chain hyperbolic = { "tanh", { &lami_tanh }, { { NULL } } }; /* the C library has `tanh` */

lam_status lam_relu_forward(lam_cache **cache, lam_tensor *out, const lam_tensor *x)
{
    return plain(&relu, cache, out, x);
}

lam_status lam_relu_backward(lam_tensor *dx, const lam_tensor *dout, lam_cache *cache)
{
    return back(&relu, dx, dout, cache);
}

lam_status lam_leakyrelu_forward(lam_cache **cache, lam_tensor *out, const lam_tensor *x, double slope)
{
    if (!(slope >= 0 && slope <= 1))
        return lami_fail(LAM_EINVAL, "leakyrelu: slope is a number from 0 to 1");
    return with_real(&leakyrelu, cache, out, x, "slope", slope);
}

lam_status lam_leakyrelu_backward(lam_tensor *dx, const lam_tensor *dout, lam_cache *cache)
{
    return back(&leakyrelu, dx, dout, cache);
}

lam_status lam_elu_forward(lam_cache **cache, lam_tensor *out, const lam_tensor *x, double alpha)
{
    if (!(alpha >= 0 && alpha <= 1e6))
        return lami_fail(LAM_EINVAL, "elu: alpha is a number from 0 to 1e6");
    return with_real(&elu, cache, out, x, "alpha", alpha);
}

lam_status lam_elu_backward(lam_tensor *dx, const lam_tensor *dout, lam_cache *cache)
{
    return back(&elu, dx, dout, cache);
}

lam_status lam_gelu_forward(lam_cache **cache, lam_tensor *out, const lam_tensor *x, int approximate)
{
    lami_call call;
    LAM_TRY(lami_call_rows(&call, &gelu, x));
    lami_put_index(&call, 0, "tanh", approximate != 0);
    return lami_call_forward(&call, cache, out, x, (lami_tensors) { { NULL } });
}

lam_status lam_gelu_backward(lam_tensor *dx, const lam_tensor *dout, lam_cache *cache)
{
    return back(&gelu, dx, dout, cache);
}

lam_status lam_silu_forward(lam_cache **cache, lam_tensor *out, const lam_tensor *x)
{
    return plain(&silu, cache, out, x);
}

lam_status lam_silu_backward(lam_tensor *dx, const lam_tensor *dout, lam_cache *cache)
{
    return back(&silu, dx, dout, cache);
}

lam_status lam_sigmoid_forward(lam_cache **cache, lam_tensor *out, const lam_tensor *x)
{
    return plain(&sigmoid, cache, out, x);
}

lam_status lam_sigmoid_backward(lam_tensor *dx, const lam_tensor *dout, lam_cache *cache)
{
    return back(&sigmoid, dx, dout, cache);
}

lam_status lam_tanh_forward(lam_cache **cache, lam_tensor *out, const lam_tensor *x)
{
    return plain(&hyperbolic, cache, out, x);
}

lam_status lam_tanh_backward(lam_tensor *dx, const lam_tensor *dout, lam_cache *cache)
{
    return back(&hyperbolic, dx, dout, cache);
}

/* ---- norms and dropout ---- */

static const lami_chain batchnorm = { "batchnorm",
                                      { &lami_batchnorm },
                                      { { "gamma", "beta", "running_mean", "running_var" } } };

lam_status lam_batchnorm_forward(lam_cache **cache, lam_tensor *out, const lam_tensor *x, const lam_tensor *gamma,
                                 const lam_tensor *beta, lam_tensor *running_mean, lam_tensor *running_var,
                                 const lam_batchnorm_param *param)
{
    lami_call call;
    LAM_TRY(lami_call_rows(&call, &batchnorm, x));
    LAM_TRY(lami_call_batchnorm(&call, 0, param));
    return lami_call_forward(&call, cache, out, x, (lami_tensors) { { gamma, beta, running_mean, running_var } });
}

lam_status lam_batchnorm_backward(lam_tensor *dx, lam_tensor *dgamma, lam_tensor *dbeta, const lam_tensor *dout,
                                  lam_cache *cache)
{
    return lami_call_backward(&batchnorm, cache, dx, (lami_gradients) { { dgamma, dbeta } }, dout);
}

static const lami_chain layernorm = { "layernorm", { &lami_layernorm }, { { "gamma", "beta" } } };

lam_status lam_layernorm_forward(lam_cache **cache, lam_tensor *out, const lam_tensor *x, const lam_tensor *gamma,
                                 const lam_tensor *beta, double eps)
{
    lami_call call;
    LAM_TRY(lami_call_rows(&call, &layernorm, x));
    LAM_TRY(lami_call_eps(&call, 0, eps));
    return lami_call_forward(&call, cache, out, x, (lami_tensors) { { gamma, beta } });
}

lam_status lam_layernorm_backward(lam_tensor *dx, lam_tensor *dgamma, lam_tensor *dbeta, const lam_tensor *dout,
                                  lam_cache *cache)
{
    return lami_call_backward(&layernorm, cache, dx, (lami_gradients) { { dgamma, dbeta } }, dout);
}

static const lami_chain dropout = { "dropout", { &lami_dropout }, { { NULL } } };

lam_status lam_dropout_forward(lam_cache **cache, lam_tensor *out, const lam_tensor *x, const lam_dropout_param *param)
{
    lami_call call;
    LAM_TRY(lami_call_rows(&call, &dropout, x));
    if (!param)
        return lami_fail(LAM_EINVAL, "dropout: param is NULL");
    if (param->mode != LAM_MODE_TRAIN && param->mode != LAM_MODE_TEST)
        return lami_fail(LAM_EINVAL, "dropout: the mode is neither train nor test");
    if (!(param->p >= 0 && param->p < 1))
        return lami_fail(LAM_EINVAL, "dropout: p, the probability of dropping, is at least 0 and below 1");
    call.train = param->mode == LAM_MODE_TRAIN;
    if (call.train && param->p > 0 && x->shape.rank == 4) /* elements count as in a network */
        LAM_TRY(lami_call_image(&call, &dropout, x));
    lami_put_real(&call, 0, "p", param->p);
    call.dropout_seed = param->seed;
    call.step = param->step;
    return lami_call_forward(&call, cache, out, x, (lami_tensors) { { NULL } });
}

lam_status lam_dropout_backward(lam_tensor *dx, const lam_tensor *dout, lam_cache *cache)
{
    return back(&dropout, dx, dout, cache);
}

/* ---- affine and what follows it ---- */

static const lami_chain affine_relu = { "affine_relu", { &lami_affine, &lami_relu }, { { "w", "b" } } };

lam_status lam_affine_relu_forward(lam_cache **cache, lam_tensor *out, const lam_tensor *x, const lam_tensor *w,
                                   const lam_tensor *b)
{
    lami_call call;
    LAM_TRY(call_affine(&call, &affine_relu, x, w));
    return lami_call_forward(&call, cache, out, x, (lami_tensors) { { w, b } });
}

lam_status lam_affine_relu_backward(lam_tensor *dx, lam_tensor *dw, lam_tensor *db, const lam_tensor *dout,
                                    lam_cache *cache)
{
    return lami_call_backward(&affine_relu, cache, dx, (lami_gradients) { { dw, db } }, dout);
}

static const lami_chain affine_batchnorm_relu = { "affine_batchnorm_relu",
                                                  { &lami_affine, &lami_batchnorm, &lami_relu },
                                                  { { "w", "b" },
                                                    { "gamma", "beta", "running_mean", "running_var" } } };

lam_status lam_affine_batchnorm_relu_forward(lam_cache **cache, lam_tensor *out, const lam_tensor *x,
                                             const lam_tensor *w, const lam_tensor *b, const lam_tensor *gamma,
                                             const lam_tensor *beta, lam_tensor *running_mean, lam_tensor *running_var,
                                             const lam_batchnorm_param *param)
{
    lami_call call;
    LAM_TRY(call_affine(&call, &affine_batchnorm_relu, x, w));
    LAM_TRY(lami_call_batchnorm(&call, 1, param));
    return lami_call_forward(&call, cache, out, x,
                             (lami_tensors) { { w, b }, { gamma, beta, running_mean, running_var } });
}

lam_status lam_affine_batchnorm_relu_backward(lam_tensor *dx, lam_tensor *dw, lam_tensor *db, lam_tensor *dgamma,
                                              lam_tensor *dbeta, const lam_tensor *dout, lam_cache *cache)
{
    return lami_call_backward(&affine_batchnorm_relu, cache, dx, (lami_gradients) { { dw, db }, { dgamma, dbeta } },
                              dout);
}

/* ---- losses ---- */

static lam_status ops_for(const lami_ops **ops, lam_dtype dtype)
{
    return lami_ops_find(ops, "auto", dtype == LAM_F64 ? 64 : 32);
}

/* Answers: labels, or targets of x's type and shape. */
static lam_status run_loss(const lami_loss *loss, double *value, lam_tensor *dx, const lam_tensor *x, size_t n,
                           size_t each, const int32_t *label, const lam_tensor *targets)
{
    const lami_ops *ops;
    lami_plan *plan = NULL;
    LAM_TRY(ops_for(&ops, x->dtype));
    LAM_TRY(lami_plan_new(&plan, ops, x->dtype, n, lami_cpus(), 1));
    lami_loss_ports q = { .scores_each = each };
    q.scores = lami_buffer_outside(plan, lami_per_sample(1), each, "x");
    if (targets)
        q.targets = lami_buffer_outside(plan, lami_per_sample(1), each, "targets");
    else
        q.labels = lami_buffer_labels(plan);
    q.rows = lami_buffer_new(plan, lami_per_sample(1), 1, "losses");
    q.dscores = dx ? lami_buffer_outside(plan, lami_per_sample(1), each, "d x") : LAMI_NONE;
    if (!plan->status)
        plan->buffer[q.rows].wanted = 1;
    loss->emit(plan, &q);
    const lam_status status = lami_plan_finish(plan);
    if (!status) {
        if (targets)
            lami_plan_bind(plan, q.targets, targets->data);
        else
            memcpy(lami_plan_address(plan, q.labels), label, n * sizeof *label);
        lami_plan_bind(plan, q.scores, x->data);
        if (dx)
            lami_plan_bind(plan, q.dscores, dx->data);
        lami_plan_set_samples(plan, n);
        lami_plan_run(plan, 0, 0);
        const void *rows = lami_plan_address(plan, q.rows);
        double sum = 0;
        for (size_t i = 0; i < n; i++)
            sum += lami_real_at(rows, x->dtype, i);
        *value = sum / (double)n;
    }
    lami_plan_free(plan);
    return status;
}

static lam_status loss_of(const lami_loss *loss, double *value, lam_tensor *dx, const lam_tensor *x,
                          const lam_tensor *y)
{
    size_t n = 0, each = 0, largest;
    if (!value || !y || !y->data)
        return lami_fail(LAM_EINVAL, "%s: %s is NULL", loss->name, !value ? "loss" : loss->reals ? "t" : "y");
    LAM_TRY(lami_check_rows(loss->name, "x", x, &n, &each));
    if (dx)
        LAM_TRY(lami_check_tensor(loss->name, "dx", dx, x->dtype, n * each));
    LAMI_FPU_SCOPE;
    if (loss->reals) {
        LAM_TRY(lami_check_tensor(loss->name, "t", y, x->dtype, n * each));
        return run_loss(loss, value, dx, x, n, each, NULL, y);
    }
    int32_t *label = lami_alloc(n, sizeof *label);
    if (!label)
        return LAM_ENOMEM;
    lam_status status = lami_labels_from(label, &largest, y, n, each);
    if (!status)
        status = run_loss(loss, value, dx, x, n, each, label, NULL);
    lami_free(label);
    return status;
}

lam_status lam_softmax_loss(double *loss, lam_tensor *dx, const lam_tensor *x, const lam_tensor *y)
{
    return loss_of(&lami_softmax, loss, dx, x, y);
}

lam_status lam_svm_loss(double *loss, lam_tensor *dx, const lam_tensor *x, const lam_tensor *y)
{
    return loss_of(&lami_svm, loss, dx, x, y);
}

lam_status lam_mse_loss(double *loss, lam_tensor *dx, const lam_tensor *x, const lam_tensor *t)
{
    return loss_of(&lami_mse, loss, dx, x, t);
}

lam_status lam_logistic_loss(double *loss, lam_tensor *dx, const lam_tensor *x, const lam_tensor *t)
{
    return loss_of(&lami_logistic, loss, dx, x, t);
}

/* ---- update rules ---- */

static lam_status run_update(const lami_optim *optim, const lam_options *options, uint64_t t, lam_tensor *w,
                             const lam_tensor *dw, lam_tensor *const state[LAMI_MAX_SLOTS], size_t count)
{
    const lami_ops *ops;
    lami_plan *plan = NULL;
    LAM_TRY(ops_for(&ops, w->dtype));
    LAM_TRY(lami_plan_new(&plan, ops, w->dtype, 1, lami_cpus(), 1));
    lami_update u = { .rows = lami_fixed(1), .cols = count, .lr = 1 };
    u.w = lami_buffer_outside(plan, u.rows, count, "w");
    u.dw = lami_buffer_outside(plan, u.rows, count, "dw");
    for (int k = 0; optim->slot[k]; k++)
        u.state[k] = lami_buffer_outside(plan, u.rows, count, optim->slot[k]);
    optim->emit(plan, options, &u);
    const lam_status status = lami_plan_finish(plan);
    if (!status) {
        lami_plan_bind(plan, u.w, w->data);
        lami_plan_bind(plan, u.dw, dw->data);
        for (int k = 0; optim->slot[k]; k++)
            lami_plan_bind(plan, u.state[k], state[k]->data);
        lami_plan_set_samples(plan, 1);
        lami_optim_step(&plan->vars, options, t, options->lr);
        lami_plan_run(plan, 0, 0);
    }
    lami_plan_free(plan);
    return status;
}

static lam_status update(const lami_optim *optim, const lam_options *options, uint64_t t, lam_tensor *w,
                         const lam_tensor *dw, lam_tensor *const state[LAMI_MAX_SLOTS])
{
    size_t n = 0, d = 0;
    LAM_TRY(lami_check_rows(optim->name, "w", w, &n, &d));
    LAM_TRY(lami_check_tensor(optim->name, "dw", dw, w->dtype, n * d));
    for (int k = 0; optim->slot[k]; k++)
        LAM_TRY(lami_check_tensor(optim->name, optim->slot[k], state[k], w->dtype, n * d));
    if (!(options->lr >= 0) || !isfinite(options->lr))
        return lami_fail(LAM_EINVAL, "%s: a learning rate is a number of at least 0", optim->name);
    LAMI_FPU_SCOPE;
    return run_update(optim, options, t, w, dw, state, n * d);
}

lam_status lam_sgd(lam_tensor *w, const lam_tensor *dw, double lr)
{
    return update(&lami_sgd, &(lam_options) { .lr = lr }, 1, w, dw, (lam_tensor *const[LAMI_MAX_SLOTS]) { NULL });
}

lam_status lam_momentum(lam_tensor *w, const lam_tensor *dw, lam_tensor *velocity, double lr, double momentum)
{
    return update(&lami_momentum, &(lam_options) { .lr = lr, .momentum = momentum }, 1, w, dw,
                  (lam_tensor *const[LAMI_MAX_SLOTS]) { velocity });
}

lam_status lam_nesterov(lam_tensor *w, const lam_tensor *dw, lam_tensor *velocity, double lr, double momentum)
{
    return update(&lami_nesterov, &(lam_options) { .lr = lr, .momentum = momentum }, 1, w, dw,
                  (lam_tensor *const[LAMI_MAX_SLOTS]) { velocity });
}

lam_status lam_rmsprop(lam_tensor *w, const lam_tensor *dw, lam_tensor *cache, double lr, double decay, double eps)
{
    return update(&lami_rmsprop, &(lam_options) { .lr = lr, .decay = decay, .eps = eps }, 1, w, dw,
                  (lam_tensor *const[LAMI_MAX_SLOTS]) { cache });
}

lam_status lam_adam(lam_tensor *w, const lam_tensor *dw, lam_tensor *m, lam_tensor *v, uint64_t *t, double lr,
                    double beta1, double beta2, double eps)
{
    if (!t)
        return lami_fail(LAM_EINVAL, "adam: t is NULL");
    if (!(beta1 >= 0 && beta1 < 1) || !(beta2 >= 0 && beta2 < 1))
        return lami_fail(LAM_EINVAL, "adam: beta1 and beta2 are at least 0 and below 1");
    LAM_TRY(update(&lami_adam, &(lam_options) { .lr = lr, .beta1 = beta1, .beta2 = beta2, .eps = eps }, *t + 1, w, dw,
                   (lam_tensor *const[LAMI_MAX_SLOTS]) { m, v }));
    ++*t;
    return LAM_OK;
}
