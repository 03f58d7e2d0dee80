/* functions: layers, losses and update rules by themselves. A call plans a graph of one node on the caller's tensors
 * and runs the same records as a network does; the cache keeps the plan, so that the next call of the same shapes only
 * binds addresses. */
#include <math.h>
#include <string.h>

#include "../core/fpu.h"
#include "../core/mem.h"
#include "../core/parallel.h"
#include "../data/data.h"
#include "../loss/loss.h"
#include "../optim/optim.h"
#include "../plan/plan.h"

enum { OPTS_BYTES = 32 };

struct lam_cache {
    lami_node node;
    unsigned char opts[OPTS_BYTES];
    lam_dtype dtype;
    int train;
    lami_plan *plan;
    lami_ports ports;
    size_t samples;                   /* of the last forward */
    int ready;                        /* a forward has run */
    void *spare[1 + LAMI_MAX_PARAMS]; /* for gradients that the caller does not want */
};

void lam_cache_free(lam_cache *cache)
{
    if (!cache)
        return;
    for (size_t i = 0; i < sizeof cache->spare / sizeof cache->spare[0]; i++)
        lami_free(cache->spare[i]);
    lami_plan_free(cache->plan);
    lami_free(cache);
}

/* ---- arguments ---- */

static lam_status check_tensor(const char *layer, const char *name, const lam_tensor *t, lam_dtype dtype, size_t count)
{
    char text[LAMI_SHAPE_TEXT];
    if (!t || !t->data)
        return lami_fail(LAM_EINVAL, "%s: %s is NULL", layer, name);
    if (t->dtype != dtype)
        return lami_fail(LAM_EINVAL, "%s: %s is %s where %s is needed", layer, name, lami_dtype_name(t->dtype),
                         lami_dtype_name(dtype));
    if (t->shape.rank < 0 || t->shape.rank > LAM_MAX_RANK || lam_shape_count(&t->shape) != count)
        return lami_fail(LAM_ESHAPE, "%s: %s is %s, %zu elements are needed", layer, name,
                         lami_shape_text(text, &t->shape), count);
    return LAM_OK;
}

/* The tensor that decides type and sizes, x of a layer or w of an update rule, as (N, D) rows. */
static lam_status check_rows(const char *layer, const char *name, const lam_tensor *x, size_t *n, size_t *d)
{
    size_t count;
    if (!x || !x->data)
        return lami_fail(LAM_EINVAL, "%s: %s is NULL", layer, name);
    if (x->dtype != LAM_F32 && x->dtype != LAM_F64)
        return lami_fail(LAM_EINVAL, "%s: %s is %s; f32 or f64 is needed", layer, name, lami_dtype_name(x->dtype));
    if (lami_shape_check(&count, &x->shape))
        return lami_fail_at(LAM_ESHAPE, "%s: %s", layer, name);
    if (x->shape.rank < 1)
        return lami_fail(LAM_ESHAPE, "%s: %s is a scalar; (N, ...) is needed", layer, name);
    *n = x->shape.dim[0];
    *d = count / *n;
    return LAM_OK;
}

static lam_status ops_for(const lami_ops **ops, lam_dtype dtype)
{
    return lami_ops_find(ops, "auto", dtype == LAM_F64 ? 64 : 32);
}

/* ---- one node ---- */

static void plan_node(lam_cache *c)
{
    lami_plan *plan = c->plan;
    lami_node *n = &c->node;
    lami_ports *q = &c->ports;
    const size_t in = lami_cols(&n->in), out = lami_cols(&n->out);
    q->x = lami_buffer_outside(plan, lami_per_sample(1), in, "x");
    q->y = lami_buffer_outside(plan, lami_per_sample(1), out, "out");
    for (int k = 0; k < n->params; k++)
        q->param[k] = lami_buffer_outside(plan, lami_fixed(n->param[k].rows), n->param[k].cols, n->param[k].name);
    n->layer->forward(plan, n, q, c->train);
    lami_plan_part(plan, 1);
    q->dy = lami_buffer_outside(plan, lami_per_sample(1), out, "d out");
    q->dx = lami_buffer_outside(plan, lami_per_sample(1), in, "d x");
    for (int k = 0; k < n->params; k++)
        if (n->param[k].trained)
            q->dparam[k] = lami_buffer_outside(plan, lami_fixed(n->param[k].rows), n->param[k].cols, n->param[k].name);
    if (q->y != q->x)
        n->layer->backward(plan, n, q);
    lami_plan_part(plan, 2);
}

static lam_status cache_new(lam_cache **out, const lami_layer *layer, const void *opts, lam_dtype dtype, size_t n,
                            size_t d, int train)
{
    const lami_ops *ops;
    *out = NULL;
    LAM_TRY(ops_for(&ops, dtype));
    lam_cache *c = lami_alloc(1, sizeof *c);
    if (!c)
        return LAM_ENOMEM;
    if (layer->opts_size)
        memcpy(c->opts, opts, layer->opts_size);
    c->dtype = dtype;
    c->train = train;
    c->node = (lami_node) { .layer = layer, .opts = c->opts, .second = LAMI_NO_NODE, .in = lami_shape1(d) };
    LAMI_FPU_SCOPE; /* constants of records are computed, too */
    lam_status status = lami_layer_shape(&c->node);
    if (!status)
        status = lami_plan_new(&c->plan, ops, dtype, n, lami_cpus(), 1);
    if (!status) {
        plan_node(c);
        status = lami_plan_finish(c->plan);
    }
    if (status)
        lam_cache_free(c);
    else
        *out = c;
    return status;
}

/* The cache to use: the caller's if it fits, else a new one. With `cache` NULL it is the caller's to free at once. */
static lam_status cache_for(lam_cache **cache, lam_cache **use, const lami_layer *layer, const void *opts,
                            lam_dtype dtype, size_t n, size_t d, int train)
{
    lam_cache *c = cache ? *cache : NULL;
    if (c && c->node.layer != layer)
        return lami_fail(LAM_EINVAL, "%s: the cache is one of %s", layer->name, c->node.layer->name);
    if (c && c->dtype == dtype && c->train == train && c->plan->max_samples >= n && lami_cols(&c->node.in) == d &&
        !memcmp(c->opts, opts ? opts : c->opts, layer->opts_size)) {
        *use = c;
        c->ready = 0;
        return LAM_OK;
    }
    LAM_TRY(cache_new(use, layer, opts, dtype, n, d, train));
    if (cache) {
        lam_cache_free(c);
        *cache = *use;
    }
    return LAM_OK;
}

static void bind(lam_cache *c, lami_buf buffer, const lam_tensor *t)
{
    lami_plan_bind(c->plan, buffer, t->data);
}

static void run_forward(lam_cache *c, lam_cache **cache, size_t n, lam_tensor *out, const lam_tensor *x)
{
    LAMI_FPU_SCOPE;
    bind(c, c->ports.x, x);
    if (c->ports.y != c->ports.x)
        bind(c, c->ports.y, out);
    else if (out->data != x->data)
        memcpy(out->data, x->data, lam_shape_count(&x->shape) * lami_dtype_size(x->dtype));
    lami_plan_set_samples(c->plan, n);
    lami_plan_run(c->plan, 0, 0);
    if (c->train)
        lami_plan_run(c->plan, 2, 2);
    c->ready = 1;
    c->samples = n;
    if (!cache)
        lam_cache_free(c);
}

/* Bind a gradient, or the spare buffer `i` where the caller wants none. */
static lam_status bind_gradient(lam_cache *c, int i, lami_buf buffer, const char *name, lam_tensor *t, size_t count)
{
    if (t) {
        LAM_TRY(check_tensor(c->node.layer->name, name, t, c->dtype, count));
        lami_plan_bind(c->plan, buffer, t->data);
        return LAM_OK;
    }
    if (!c->spare[i] &&
        !(c->spare[i] = lami_alloc(c->plan->max_samples * lami_cols(&c->node.in) + count, lami_dtype_size(c->dtype))))
        return LAM_ENOMEM;
    lami_plan_bind(c->plan, buffer, c->spare[i]);
    return LAM_OK;
}

static lam_status backward(const lami_layer *layer, lam_cache *c, lam_tensor *dx, lam_tensor *const *dparam,
                           const char *const *names, const lam_tensor *dout)
{
    if (!c)
        return lami_fail(LAM_EINVAL, "%s: a cache of the forward pass is needed", layer->name);
    if (c->node.layer != layer)
        return lami_fail(LAM_EINVAL, "%s: the cache is one of %s", layer->name, c->node.layer->name);
    if (!c->ready)
        return lami_fail(LAM_EINVAL, "%s: backward comes after a forward", layer->name);
    const size_t n = c->samples, in = n * lami_cols(&c->node.in);
    LAM_TRY(check_tensor(layer->name, "dout", dout, c->dtype, n * lami_cols(&c->node.out)));
    if (c->ports.y == c->ports.x) {
        if (dx) {
            LAM_TRY(check_tensor(layer->name, "dx", dx, c->dtype, in));
            if (dx->data != dout->data)
                memcpy(dx->data, dout->data, in * lami_dtype_size(c->dtype));
        }
        return LAM_OK;
    }
    LAM_TRY(bind_gradient(c, 0, c->ports.dx, "dx", dx, in));
    for (int k = 0; k < c->node.params; k++)
        if (c->node.param[k].trained)
            LAM_TRY(bind_gradient(c, 1 + k, c->ports.dparam[k], names[k], dparam[k],
                                  c->node.param[k].rows * c->node.param[k].cols));
    LAMI_FPU_SCOPE;
    bind(c, c->ports.dy, dout);
    lami_plan_set_samples(c->plan, n);
    lami_plan_run(c->plan, 1, 1);
    return LAM_OK;
}

/* ---- the layers ---- */

lam_status lam_affine_forward(lam_cache **cache, lam_tensor *out, const lam_tensor *x, const lam_tensor *w,
                              const lam_tensor *b)
{
    size_t n = 0, d = 0;
    lam_cache *c;
    LAM_TRY(check_rows("affine", "x", x, &n, &d));
    if (!w || !w->data)
        return lami_fail(LAM_EINVAL, "affine: w is NULL");
    if (w->shape.rank != 2 || w->shape.dim[0] != d || !w->shape.dim[1])
        return lami_fail(LAM_ESHAPE, "affine: w must be (%zu, M)", d);
    const size_t outputs = w->shape.dim[1];
    LAM_TRY(check_tensor("affine", "w", w, x->dtype, d * outputs));
    LAM_TRY(check_tensor("affine", "b", b, x->dtype, outputs));
    LAM_TRY(check_tensor("affine", "out", out, x->dtype, n * outputs));
    LAM_TRY(cache_for(cache, &c, &lami_affine, &outputs, x->dtype, n, d, 1));
    bind(c, c->ports.param[0], w);
    bind(c, c->ports.param[1], b);
    run_forward(c, cache, n, out, x);
    return LAM_OK;
}

lam_status lam_affine_backward(lam_tensor *dx, lam_tensor *dw, lam_tensor *db, const lam_tensor *dout, lam_cache *cache)
{
    return backward(&lami_affine, cache, dx, (lam_tensor *const[]) { dw, db }, (const char *const[]) { "dw", "db" },
                    dout);
}

/* ---- activations ---- */

static lam_status activate(lam_cache **cache, lam_tensor *out, const lam_tensor *x, const lami_layer *layer,
                           const void *opts)
{
    size_t n = 0, d = 0;
    lam_cache *c;
    LAM_TRY(check_rows(layer->name, "x", x, &n, &d));
    LAM_TRY(check_tensor(layer->name, "out", out, x->dtype, n * d));
    LAM_TRY(cache_for(cache, &c, layer, opts, x->dtype, n, d, 1));
    run_forward(c, cache, n, out, x);
    return LAM_OK;
}

lam_status lam_relu_forward(lam_cache **cache, lam_tensor *out, const lam_tensor *x)
{
    return activate(cache, out, x, &lami_relu, NULL);
}

lam_status lam_relu_backward(lam_tensor *dx, const lam_tensor *dout, lam_cache *cache)
{
    return backward(&lami_relu, cache, dx, NULL, NULL, dout);
}

lam_status lam_leakyrelu_forward(lam_cache **cache, lam_tensor *out, const lam_tensor *x, double slope)
{
    if (!(slope >= 0 && slope <= 1))
        return lami_fail(LAM_EINVAL, "leakyrelu: slope is a number from 0 to 1");
    return activate(cache, out, x, &lami_leakyrelu, &slope);
}

lam_status lam_leakyrelu_backward(lam_tensor *dx, const lam_tensor *dout, lam_cache *cache)
{
    return backward(&lami_leakyrelu, cache, dx, NULL, NULL, dout);
}

lam_status lam_elu_forward(lam_cache **cache, lam_tensor *out, const lam_tensor *x, double alpha)
{
    if (!(alpha >= 0 && alpha <= 1e6))
        return lami_fail(LAM_EINVAL, "elu: alpha is a number from 0 to 1e6");
    return activate(cache, out, x, &lami_elu, &alpha);
}

lam_status lam_elu_backward(lam_tensor *dx, const lam_tensor *dout, lam_cache *cache)
{
    return backward(&lami_elu, cache, dx, NULL, NULL, dout);
}

lam_status lam_gelu_forward(lam_cache **cache, lam_tensor *out, const lam_tensor *x, int approximate)
{
    return activate(cache, out, x, &lami_gelu, &(int) { approximate != 0 });
}

lam_status lam_gelu_backward(lam_tensor *dx, const lam_tensor *dout, lam_cache *cache)
{
    return backward(&lami_gelu, cache, dx, NULL, NULL, dout);
}

lam_status lam_silu_forward(lam_cache **cache, lam_tensor *out, const lam_tensor *x)
{
    return activate(cache, out, x, &lami_silu, NULL);
}

lam_status lam_silu_backward(lam_tensor *dx, const lam_tensor *dout, lam_cache *cache)
{
    return backward(&lami_silu, cache, dx, NULL, NULL, dout);
}

lam_status lam_sigmoid_forward(lam_cache **cache, lam_tensor *out, const lam_tensor *x)
{
    return activate(cache, out, x, &lami_sigmoid, NULL);
}

lam_status lam_sigmoid_backward(lam_tensor *dx, const lam_tensor *dout, lam_cache *cache)
{
    return backward(&lami_sigmoid, cache, dx, NULL, NULL, dout);
}

lam_status lam_tanh_forward(lam_cache **cache, lam_tensor *out, const lam_tensor *x)
{
    return activate(cache, out, x, &lami_tanh, NULL);
}

lam_status lam_tanh_backward(lam_tensor *dx, const lam_tensor *dout, lam_cache *cache)
{
    return backward(&lami_tanh, cache, dx, NULL, NULL, dout);
}

/* ---- norms and dropout ---- */

lam_status lam_batchnorm_forward(lam_cache **cache, lam_tensor *out, const lam_tensor *x, const lam_tensor *gamma,
                                 const lam_tensor *beta, lam_tensor *running_mean, lam_tensor *running_var,
                                 const lam_batchnorm_param *param)
{
    size_t n = 0, d = 0;
    lam_cache *c;
    LAM_TRY(check_rows("batchnorm", "x", x, &n, &d));
    if (!param)
        return lami_fail(LAM_EINVAL, "batchnorm: param is NULL");
    if (param->mode != LAM_MODE_TRAIN && param->mode != LAM_MODE_TEST)
        return lami_fail(LAM_EINVAL, "batchnorm: the mode is neither train nor test");
    if (!(param->eps >= 0 && param->eps <= 1) || !(param->momentum >= 0 && param->momentum <= 1))
        return lami_fail(LAM_EINVAL, "batchnorm: eps and momentum are numbers from 0 to 1");
    LAM_TRY(check_tensor("batchnorm", "out", out, x->dtype, n * d));
    const lam_tensor *const params[] = { gamma, beta, running_mean, running_var };
    static const char *const names[] = { "gamma", "beta", "running_mean", "running_var" };
    for (int k = 0; k < 4; k++)
        LAM_TRY(check_tensor("batchnorm", names[k], params[k], x->dtype, d));
    const double opts[2] = { param->eps, param->momentum };
    LAM_TRY(cache_for(cache, &c, &lami_batchnorm, opts, x->dtype, n, d, param->mode == LAM_MODE_TRAIN));
    for (int k = 0; k < 4; k++)
        bind(c, c->ports.param[k], params[k]);
    run_forward(c, cache, n, out, x);
    return LAM_OK;
}

lam_status lam_batchnorm_backward(lam_tensor *dx, lam_tensor *dgamma, lam_tensor *dbeta, const lam_tensor *dout,
                                  lam_cache *cache)
{
    return backward(&lami_batchnorm, cache, dx, (lam_tensor *const[]) { dgamma, dbeta },
                    (const char *const[]) { "dgamma", "dbeta" }, dout);
}

lam_status lam_layernorm_forward(lam_cache **cache, lam_tensor *out, const lam_tensor *x, const lam_tensor *gamma,
                                 const lam_tensor *beta, double eps)
{
    size_t n = 0, d = 0;
    lam_cache *c;
    LAM_TRY(check_rows("layernorm", "x", x, &n, &d));
    if (!(eps >= 0 && eps <= 1))
        return lami_fail(LAM_EINVAL, "layernorm: eps is a number from 0 to 1");
    LAM_TRY(check_tensor("layernorm", "out", out, x->dtype, n * d));
    LAM_TRY(check_tensor("layernorm", "gamma", gamma, x->dtype, d));
    LAM_TRY(check_tensor("layernorm", "beta", beta, x->dtype, d));
    LAM_TRY(cache_for(cache, &c, &lami_layernorm, &eps, x->dtype, n, d, 1));
    bind(c, c->ports.param[0], gamma);
    bind(c, c->ports.param[1], beta);
    run_forward(c, cache, n, out, x);
    return LAM_OK;
}

lam_status lam_layernorm_backward(lam_tensor *dx, lam_tensor *dgamma, lam_tensor *dbeta, const lam_tensor *dout,
                                  lam_cache *cache)
{
    return backward(&lami_layernorm, cache, dx, (lam_tensor *const[]) { dgamma, dbeta },
                    (const char *const[]) { "dgamma", "dbeta" }, dout);
}

lam_status lam_dropout_forward(lam_cache **cache, lam_tensor *out, const lam_tensor *x, const lam_dropout_param *param)
{
    size_t n = 0, d = 0;
    lam_cache *c;
    LAM_TRY(check_rows("dropout", "x", x, &n, &d));
    if (!param)
        return lami_fail(LAM_EINVAL, "dropout: param is NULL");
    if (param->mode != LAM_MODE_TRAIN && param->mode != LAM_MODE_TEST)
        return lami_fail(LAM_EINVAL, "dropout: the mode is neither train nor test");
    if (!(param->p >= 0 && param->p < 1))
        return lami_fail(LAM_EINVAL, "dropout: p, the probability of dropping, is at least 0 and below 1");
    LAM_TRY(check_tensor("dropout", "out", out, x->dtype, n * d));
    LAM_TRY(cache_for(cache, &c, &lami_dropout, &param->p, x->dtype, n, d, param->mode == LAM_MODE_TRAIN));
    c->plan->vars.dropout_seed = param->seed;
    c->plan->vars.step = param->step;
    run_forward(c, cache, n, out, x);
    return LAM_OK;
}

lam_status lam_dropout_backward(lam_tensor *dx, const lam_tensor *dout, lam_cache *cache)
{
    return backward(&lami_dropout, cache, dx, NULL, NULL, dout);
}

/* ---- losses ---- */

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
    LAM_TRY(check_rows(loss->name, "x", x, &n, &each));
    if (dx)
        LAM_TRY(check_tensor(loss->name, "dx", dx, x->dtype, n * each));
    LAMI_FPU_SCOPE;
    if (loss->reals) {
        LAM_TRY(check_tensor(loss->name, "t", y, x->dtype, n * each));
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
    LAM_TRY(check_rows(optim->name, "w", w, &n, &d));
    LAM_TRY(check_tensor(optim->name, "dw", dw, w->dtype, n * d));
    for (int k = 0; optim->slot[k]; k++)
        LAM_TRY(check_tensor(optim->name, optim->slot[k], state[k], w->dtype, n * d));
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
