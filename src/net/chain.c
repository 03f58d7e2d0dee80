/* chain: see chain.h. Images come and go as (N, C, H, W) and lie channels-last in between; a convolution's weights come
 * and go as (F, C, KH, KW). Both are turned by operations of the plan, where the two orders differ. */
#include "chain.h"

#include <stdio.h>
#include <string.h>

#include "../core/fpu.h"
#include "../core/mem.h"
#include "../core/parallel.h"

struct lam_cache {
    lami_call call; /* what the plan was made for */
    lami_plan *plan;
    lami_ports ports[LAMI_LINKS];
    lami_buf x, out, dx, dout, param[LAMI_LINKS][LAMI_MAX_PARAMS],
        dparam[LAMI_LINKS][LAMI_MAX_PARAMS];   /* the caller's */
    size_t samples;                            /* of the last forward */
    int ready;                                 /* a forward has run */
    void *spare[LAMI_LINKS * LAMI_MAX_PARAMS]; /* for gradients of parameters that the caller does not want */
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

static lam_status check_type(const char *function, const char *name, const lam_tensor *t, lam_dtype dtype)
{
    if (!t || !t->data)
        return lami_fail(LAM_EINVAL, "%s: %s is NULL", function, name);
    if (t->dtype != dtype)
        return lami_fail(LAM_EINVAL, "%s: %s is %s where %s is needed", function, name, lami_dtype_name(t->dtype),
                         lami_dtype_name(dtype));
    return LAM_OK;
}

lam_status lami_check_tensor(const char *function, const char *name, const lam_tensor *t, lam_dtype dtype, size_t count)
{
    char text[LAMI_SHAPE_TEXT];
    LAM_TRY(check_type(function, name, t, dtype));
    if (t->shape.rank < 0 || t->shape.rank > LAM_MAX_RANK || lam_shape_count(&t->shape) != count)
        return lami_fail(LAM_ESHAPE, "%s: %s is %s, %zu elements are needed", function, name,
                         lami_shape_text(text, &t->shape), count);
    return LAM_OK;
}

/* A tensor of one shape and no other. */
static lam_status check_shape(const char *function, const char *name, const lam_tensor *t, lam_dtype dtype,
                              const lam_shape *shape)
{
    char got[LAMI_SHAPE_TEXT], needed[LAMI_SHAPE_TEXT];
    LAM_TRY(check_type(function, name, t, dtype));
    if (!lami_shape_equal(&t->shape, shape))
        return lami_fail(LAM_ESHAPE, "%s: %s is %s, %s is needed", function, name, lami_shape_text(got, &t->shape),
                         lami_shape_text(needed, shape));
    return LAM_OK;
}

static lam_status check_deciding(const char *function, const char *name, const lam_tensor *x, size_t *count)
{
    if (!x || !x->data)
        return lami_fail(LAM_EINVAL, "%s: %s is NULL", function, name);
    if (x->dtype != LAM_F32 && x->dtype != LAM_F64)
        return lami_fail(LAM_EINVAL, "%s: %s is %s; f32 or f64 is needed", function, name, lami_dtype_name(x->dtype));
    if (lami_shape_check(count, &x->shape))
        return lami_fail_at(LAM_ESHAPE, "%s: %s", function, name);
    return LAM_OK;
}

lam_status lami_check_rows(const char *function, const char *name, const lam_tensor *x, size_t *n, size_t *d)
{
    size_t count = 0;
    LAM_TRY(check_deciding(function, name, x, &count));
    if (x->shape.rank < 1)
        return lami_fail(LAM_ESHAPE, "%s: %s is a scalar; (N, ...) is needed", function, name);
    *n = x->shape.dim[0];
    *d = count / *n;
    return LAM_OK;
}

/* A batch of samples: images as they are, everything else by its number of elements. */
static lam_status check_batch(const lami_call *call, const char *name, const lam_tensor *t, const lam_shape *sample,
                              size_t n)
{
    if (sample->rank < 3)
        return lami_check_tensor(call->chain->name, name, t, call->dtype, n * lam_shape_count(sample));
    const lam_shape shape = { 4, { n, sample->dim[0], sample->dim[1], sample->dim[2] } };
    return check_shape(call->chain->name, name, t, call->dtype, &shape);
}

/* A parameter or its gradient: weights in the course's shape, (D, M) or (F, C, KH, KW); vectors in any, such as
 * (1, C, 1, 1). */
static lam_status check_param(const lami_call *call, const char *name, const lam_tensor *t, const lami_param_spec *s)
{
    const lam_shape *image = &s->image, matrix = lami_shape2(s->rows, s->cols);
    const lam_shape kernel = { 4, { s->cols, image->dim[0], image->dim[1], image->dim[2] } };
    if (s->transposed)
        return check_shape(call->chain->name, name, t, call->dtype, s->kernel ? &kernel : &matrix);
    return lami_check_tensor(call->chain->name, name, t, call->dtype, s->rows * s->cols);
}

/* ---- a call ---- */

static void begin(lami_call *call, const lami_chain *chain, lam_dtype dtype, size_t samples, const lam_shape *in)
{
    *call = (lami_call) { .chain = chain, .dtype = dtype, .samples = samples, .in = *in, .train = 1 };
    while (chain->layer[call->links])
        call->links++;
}

lam_status lami_call_rows(lami_call *call, const lami_chain *chain, const lam_tensor *x)
{
    size_t n = 0, d = 0;
    LAM_TRY(lami_check_rows(chain->name, "x", x, &n, &d));
    const lam_shape row = lami_shape1(d);
    begin(call, chain, x->dtype, n, &row);
    return LAM_OK;
}

lam_status lami_call_image_shape(lami_call *call, const lami_chain *chain, const lam_shape *x)
{
    char text[LAMI_SHAPE_TEXT];
    size_t count;
    if (!x)
        return lami_fail(LAM_EINVAL, "%s: x is NULL", chain->name);
    if (lami_shape_check(&count, x))
        return lami_fail_at(LAM_ESHAPE, "%s: x", chain->name);
    if (x->rank != 4)
        return lami_fail(LAM_ESHAPE, "%s: x is %s; (N, C, H, W) is needed", chain->name, lami_shape_text(text, x));
    const lam_shape image = lami_shape3(x->dim[1], x->dim[2], x->dim[3]);
    begin(call, chain, LAM_F32, x->dim[0], &image);
    return LAM_OK;
}

lam_status lami_call_image(lami_call *call, const lami_chain *chain, const lam_tensor *x)
{
    size_t count = 0;
    LAM_TRY(check_deciding(chain->name, "x", x, &count));
    LAM_TRY(lami_call_image_shape(call, chain, &x->shape));
    call->dtype = x->dtype;
    return LAM_OK;
}

static const lami_opt *row_of(const lami_call *call, int link, const char *name)
{
    const lami_opt *row = call->chain->layer[link]->options;
    while (strcmp(row->name, name)) /* the callers' names are in the tables */
        row++;
    return row;
}

void lami_put_sizes(lami_call *call, int link, const char *name, const size_t *value)
{
    const lami_opt *row = row_of(call, link, name);
    memcpy(call->opts[link] + row->offset, value, (row->kind == LAMI_OPT_PAIR ? 2 : 1) * sizeof *value);
}

void lami_put_real(lami_call *call, int link, const char *name, double value)
{
    memcpy(call->opts[link] + row_of(call, link, name)->offset, &value, sizeof value);
}

void lami_put_index(lami_call *call, int link, const char *name, int value)
{
    memcpy(call->opts[link] + row_of(call, link, name)->offset, &value, sizeof value);
}

void lami_put_word(lami_call *call, int link, const char *name, const char *word)
{
    size_t index = 0;
    for (const char *at = row_of(call, link, name)->words; strncmp(at, word, strlen(word)); at = strchr(at, ' ') + 1)
        index++;
    lami_put_sizes(call, link, name, (const size_t[2]) { lami_pair_word(index), lami_pair_word(index) });
}

lam_status lami_call_pair(lami_call *call, int link, const char *name, const size_t value[2])
{
    const lami_opt *row = row_of(call, link, name);
    const size_t least = (size_t)row->least, most = (size_t)row->most;
    if (!value[0] && !value[1] && !row->required && least) {
        const size_t fallback = lami_pair_default(row);
        lami_put_sizes(call, link, name, (const size_t[2]) { fallback, fallback });
        return LAM_OK;
    }
    if (value[0] < least || value[1] < least || value[0] > most || value[1] > most)
        return lami_fail(LAM_EINVAL, "%s: %s is %zux%zu; each is a number from %zu to %zu",
                         call->chain->layer[link]->name, name, value[0], value[1], least, most);
    lami_put_sizes(call, link, name, value);
    return LAM_OK;
}

lam_status lami_call_batchnorm(lami_call *call, int link, const lam_batchnorm_param *param)
{
    const char *name = call->chain->layer[link]->name;
    if (!param)
        return lami_fail(LAM_EINVAL, "%s: param is NULL", name);
    if (param->mode != LAM_MODE_TRAIN && param->mode != LAM_MODE_TEST)
        return lami_fail(LAM_EINVAL, "%s: the mode is neither train nor test", name);
    if (!(param->eps >= 0 && param->eps <= 1) || !(param->momentum >= 0 && param->momentum <= 1))
        return lami_fail(LAM_EINVAL, "%s: eps and momentum are numbers from 0 to 1", name);
    call->train = param->mode == LAM_MODE_TRAIN;
    lami_put_real(call, link, "eps", param->eps);
    lami_put_real(call, link, "momentum", param->momentum);
    return LAM_OK;
}

lam_status lami_call_eps(lami_call *call, int link, double eps)
{
    if (!(eps >= 0 && eps <= 1))
        return lami_fail(LAM_EINVAL, "%s: eps is a number from 0 to 1", call->chain->layer[link]->name);
    lami_put_real(call, link, "eps", eps);
    return LAM_OK;
}

lam_status lami_call_shapes(lami_call *call)
{
    const lam_shape *in = &call->in;
    for (int l = 0; l < call->links; l++) {
        size_t count;
        lami_node *n = &call->node[l];
        *n = (lami_node) { .layer = call->chain->layer[l],
                           .opts = call->opts[l],
                           .place = l,
                           .input = l - 1, /* LAMI_NET_INPUT for the first */
                           .second = LAMI_NO_NODE,
                           .in = *in };
        LAM_TRY(lami_layer_shape(n));
        in = &n->out;
        const lam_shape batch = {
            4, { call->samples, in->dim[0], in->rank == 3 ? in->dim[1] : 1, in->rank == 3 ? in->dim[2] : 1 }
        };
        if (lami_shape_check(&count, &batch))
            return lami_fail_at(LAM_ESHAPE, "%s: out", call->chain->name);
    }
    return LAM_OK;
}

lam_shape lami_call_output(const lami_call *call)
{
    const lam_shape *s = &call->node[call->links - 1].out;
    lam_shape out = { s->rank + 1, { call->samples } };
    for (int k = 0; k < s->rank; k++)
        out.dim[1 + k] = s->dim[k];
    return out;
}

/* ---- records: turning ---- */

/* Is the course's order of an image, C x H x W, that of pixels, H x W x C? */
static int same_order(const lam_shape *sample)
{
    return lami_rows(sample) == 1 || lami_cols(sample) == 1;
}

static lami_window image_window(const lam_shape *sample)
{
    return (lami_window) { .c = sample->dim[0], .h = sample->dim[1], .w = sample->dim[2] };
}

/* A batch of the caller's. */
static lami_buf outside_batch(lami_plan *p, const lam_shape *sample, const char *label)
{
    if (same_order(sample))
        return lami_buffer_outside(p, lami_per_sample(lami_rows(sample)), lami_cols(sample), label);
    return lami_buffer_outside(p, lami_per_sample(1), lam_shape_count(sample), label);
}

static lami_buf batch_in(lami_plan *p, lami_buf b, const lam_shape *sample)
{
    if (same_order(sample))
        return b;
    const lami_extent rows = lami_per_sample(lami_rows(sample));
    const lami_buf pixels = lami_buffer_new(p, rows, lami_cols(sample), "pixels");
    lami_emit(p, to_pixels, rows, lami_cols(sample), .in = { b }, .out = { pixels }, .window = image_window(sample));
    return pixels;
}

/* Where a layer is to write what goes to the caller's b; batch_out, written after the layer, brings it there. */
static lami_buf batch_for(lami_plan *p, lami_buf b, const lam_shape *sample)
{
    if (same_order(sample))
        return b;
    return lami_buffer_new(p, lami_per_sample(lami_rows(sample)), lami_cols(sample), "pixels");
}

static void batch_out(lami_plan *p, lami_buf from, lami_buf b, const lam_shape *sample)
{
    if (from != b && !same_order(sample))
        lami_emit(p, from_pixels, lami_per_sample(lami_rows(sample)), lami_cols(sample), .in = { from }, .out = { b },
                  .window = image_window(sample));
}

/* A filter is an image of C channels and K = KH KW pixels, and all filters are one of F channels and K C pixels: a
 * convolution's weights are turned twice, (F, C, K) to (F, K, C) to (K, C, F). Is the first turn nothing, the second? */
static size_t filter_pixels(const lami_param_spec *s)
{
    return s->image.dim[1] * s->image.dim[2];
}
static int same_filters(const lami_param_spec *s)
{
    return !s->kernel || filter_pixels(s) == 1 || s->image.dim[0] == 1;
}
static int same_columns(const lami_param_spec *s)
{
    return !s->kernel || s->cols == 1 || s->rows == 1;
}

static lami_buf outside_param(lami_plan *p, const lami_param_spec *s)
{
    if (same_filters(s) && same_columns(s))
        return lami_buffer_outside(p, lami_fixed(s->rows), s->cols, s->name);
    return lami_buffer_outside(p, lami_fixed(1), s->rows * s->cols, s->name);
}

static lami_window columns_window(const lami_param_spec *s)
{
    return (lami_window) { .c = s->cols, .h = s->rows, .w = 1 };
}

static lami_buf param_in(lami_plan *p, lami_buf b, const lami_param_spec *s)
{
    if (!same_filters(s)) {
        const lami_extent rows = lami_fixed(s->cols * filter_pixels(s));
        const lami_buf pixels = lami_buffer_new(p, rows, s->image.dim[0], "filters");
        lami_emit(p, to_pixels, rows, s->image.dim[0], .in = { b }, .out = { pixels },
                  .window = image_window(&s->image));
        b = pixels;
    }
    if (!same_columns(s)) {
        const lami_extent rows = lami_fixed(s->rows);
        const lami_buf columns = lami_buffer_new(p, rows, s->cols, "filters");
        lami_emit(p, to_pixels, rows, s->cols, .in = { b }, .out = { columns }, .window = columns_window(s));
        b = columns;
    }
    return b;
}

static lami_buf param_for(lami_plan *p, lami_buf b, const lami_param_spec *s)
{
    return same_filters(s) && same_columns(s) ? b : lami_buffer_new(p, lami_fixed(s->rows), s->cols, "d filters");
}

static void param_out(lami_plan *p, lami_buf from, lami_buf b, const lami_param_spec *s)
{
    if (!same_columns(s)) {
        const lami_buf to = same_filters(s) ? b : lami_buffer_new(p, lami_fixed(1), s->rows * s->cols, "d filters");
        lami_emit(p, from_pixels, lami_fixed(s->rows), s->cols, .in = { from }, .out = { to },
                  .window = columns_window(s));
        from = to;
    }
    if (!same_filters(s))
        lami_emit(p, from_pixels, lami_fixed(s->cols * filter_pixels(s)), s->image.dim[0], .in = { from }, .out = { b },
                  .window = image_window(&s->image));
}

/* ---- records: the chain ---- */

static void plan_forward(lam_cache *c)
{
    lami_plan *p = c->plan;
    const int last = c->call.links - 1;
    c->x = outside_batch(p, &c->call.in, "x");
    c->out = outside_batch(p, &c->call.node[last].out, "out");
    lami_buf b = batch_in(p, c->x, &c->call.in);
    for (int l = 0; l <= last; l++) {
        const lami_node *n = &c->call.node[l];
        lami_ports *q = &c->ports[l];
        p->node = l;
        q->x = b;
        q->y = l == last ? batch_for(p, c->out, &n->out)
                         : lami_buffer_new(p, lami_per_sample(lami_rows(&n->out)), lami_cols(&n->out), "out");
        for (int k = 0; k < n->params; k++) {
            c->param[l][k] = outside_param(p, &n->param[k]);
            q->param[k] = param_in(p, c->param[l][k], &n->param[k]);
        }
        n->layer->forward(p, n, q, c->call.train);
        b = q->y;
    }
    batch_out(p, b, c->out, &c->call.node[last].out);
}

static void plan_backward(lam_cache *c)
{
    lami_plan *p = c->plan;
    const int last = c->call.links - 1;
    c->dout = outside_batch(p, &c->call.node[last].out, "d out");
    c->dx = outside_batch(p, &c->call.in, "d x");
    lami_buf b = batch_in(p, c->dout, &c->call.node[last].out);
    for (int l = last; l >= 0; l--) {
        const lami_node *n = &c->call.node[l];
        lami_ports *q = &c->ports[l];
        p->node = l;
        if (q->y == q->x) /* changes nothing */
            continue;
        q->dy = b;
        q->dx = l ? lami_buffer_new(p, lami_per_sample(lami_rows(&n->in)), lami_cols(&n->in), "d in")
                  : batch_for(p, c->dx, &n->in);
        for (int k = 0; k < n->params; k++)
            if (n->param[k].trained) {
                c->dparam[l][k] = outside_param(p, &n->param[k]);
                q->dparam[k] = param_for(p, c->dparam[l][k], &n->param[k]);
            }
        lami_ports ports = *q;
        if (c->call.links == 1 && n->layer->backward_from_x) /* as the course's caches do: out is the caller's own */
            ports.y = ports.x;
        n->layer->backward(p, n, &ports);
        for (int k = 0; k < n->params; k++)
            if (n->param[k].trained)
                param_out(p, q->dparam[k], c->dparam[l][k], &n->param[k]);
        b = q->dx;
    }
    batch_out(p, b, c->dx, &c->call.in);
}

/* A backward pass may run again: what it reads of the forward pass's results stays to the end. */
static void keep_what_backward_reads(lami_plan *p)
{
    for (size_t i = 0; i < p->records && !p->status; i++)
        for (int k = 0; k < LAMI_OUTS && !p->record_part[i]; k++)
            for (size_t j = i + 1; j < p->records; j++)
                for (int m = 0; m < LAMI_INS && p->record_part[j]; m++)
                    if (p->record[i].out[k] && p->record[j].in[m] == p->record[i].out[k])
                        p->buffer[p->record[i].out[k]].wanted = 1;
}

static lam_status make_plan(lam_cache *c, const lami_ops *ops, int backward)
{
    LAMI_FPU_SCOPE; /* constants of records are computed, too */
    LAM_TRY(lami_plan_new(&c->plan, ops, c->call.dtype, c->call.samples, lami_cpus(), 1));
    plan_forward(c);
    lami_plan_part(c->plan, 1);
    if (backward) {
        plan_backward(c);
        keep_what_backward_reads(c->plan);
    }
    lami_plan_part(c->plan, 2);
    return lami_plan_finish(c->plan);
}

/* ---- the cache ---- */

static lam_status cache_new(lam_cache **out, const lami_call *call, int backward)
{
    const lami_ops *ops;
    *out = NULL;
    LAM_TRY(lami_ops_find(&ops, "auto", call->dtype == LAM_F64 ? 64 : 32));
    lam_cache *c = lami_alloc(1, sizeof *c);
    if (!c)
        return LAM_ENOMEM;
    c->call = *call;
    for (int l = 0; l < call->links; l++)
        c->call.node[l].opts = c->call.opts[l];
    const lam_status status = make_plan(c, ops, backward);
    if (status)
        lam_cache_free(c);
    else
        *out = c;
    return status;
}

static int fits(const lam_cache *c, const lami_call *call)
{
    return c->call.dtype == call->dtype && c->call.train == call->train && c->plan->max_samples >= call->samples &&
           lami_shape_equal(&c->call.in, &call->in) && !memcmp(c->call.opts, call->opts, sizeof call->opts);
}

/* The cache to use: the caller's if it fits, else a new one. With `cache` NULL it is the caller's to free at once. */
static lam_status cache_for(lam_cache **cache, lam_cache **use, const lami_call *call)
{
    lam_cache *c = cache ? *cache : NULL;
    if (c && c->call.chain != call->chain)
        return lami_fail(LAM_EINVAL, "%s: the cache is one of %s", call->chain->name, c->call.chain->name);
    if (c && fits(c, call)) {
        *use = c;
        c->ready = 0;
        return LAM_OK;
    }
    LAM_TRY(cache_new(use, call, cache != NULL));
    if (cache) {
        lam_cache_free(c);
        *cache = *use;
    }
    return LAM_OK;
}

/* ---- running ---- */

/* Does the chain hand on what it gets (dropout in inference)? */
static int changes_nothing(const lam_cache *c)
{
    return c->ports[c->call.links - 1].y == c->x;
}

static void run_forward(lam_cache *c, const lami_call *call, lam_tensor *out, const lam_tensor *x, lami_tensors params)
{
    LAMI_FPU_SCOPE;
    lami_plan_bind(c->plan, c->x, x->data);
    lami_plan_bind(c->plan, c->out, out->data);
    for (int l = 0; l < call->links; l++)
        for (int k = 0; k < call->node[l].params; k++)
            lami_plan_bind(c->plan, c->param[l][k], params[l][k]->data);
    if (changes_nothing(c) && out->data != x->data)
        memcpy(out->data, x->data, lam_shape_count(&x->shape) * lami_dtype_size(x->dtype));
    c->plan->vars.dropout_seed = call->dropout_seed;
    c->plan->vars.step = call->step;
    lami_plan_set_samples(c->plan, call->samples);
    lami_plan_run(c->plan, 0, 0);
    if (call->train)
        lami_plan_run(c->plan, 2, 2);
    c->ready = 1;
    c->samples = call->samples;
}

lam_status lami_call_forward(lami_call *call, lam_cache **cache, lam_tensor *out, const lam_tensor *x,
                             lami_tensors params)
{
    lam_cache *c = NULL;
    LAM_TRY(lami_call_shapes(call));
    LAM_TRY(check_batch(call, "out", out, &call->node[call->links - 1].out, call->samples));
    for (int l = 0; l < call->links; l++)
        for (int k = 0; k < call->node[l].params; k++)
            LAM_TRY(check_param(call, call->chain->param[l][k], params[l][k], &call->node[l].param[k]));
    LAM_TRY(cache_for(cache, &c, call));
    run_forward(c, call, out, x, params);
    if (!cache)
        lam_cache_free(c);
    return LAM_OK;
}

/* Bind a gradient that was checked, or spare memory where the caller wants none. */
static lam_status bind_gradient(lam_cache *c, size_t i, lami_buf buffer, lam_tensor *t, size_t count)
{
    if (!t && !c->spare[i] && !(c->spare[i] = lami_alloc(count, lami_dtype_size(c->call.dtype))))
        return LAM_ENOMEM;
    lami_plan_bind(c->plan, buffer, t ? t->data : c->spare[i]);
    return LAM_OK;
}

static lam_status bind_param_gradients(lam_cache *c, lami_gradients dparams)
{
    for (int l = 0; l < c->call.links; l++)
        for (int k = 0; k < LAMI_MAX_PARAMS; k++) {
            const lami_param_spec *s = &c->call.node[l].param[k];
            const char *of = c->call.chain->param[l][k];
            char name[32];
            if (k >= c->call.node[l].params && dparams[l][k])
                return lami_fail(LAM_EINVAL, "%s: d%s is wanted, and the forward pass had no %s", c->call.chain->name,
                                 of, of);
            if (k >= c->call.node[l].params || !s->trained)
                continue;
            snprintf(name, sizeof name, "d%s", of);
            if (dparams[l][k])
                LAM_TRY(check_param(&c->call, name, dparams[l][k], s));
            LAM_TRY(
                bind_gradient(c, (size_t)(l * LAMI_MAX_PARAMS + k), c->dparam[l][k], dparams[l][k], s->rows * s->cols));
        }
    return LAM_OK;
}

lam_status lami_call_backward(const lami_chain *chain, lam_cache *c, lam_tensor *dx, lami_gradients dparams,
                              const lam_tensor *dout)
{
    if (!c)
        return lami_fail(LAM_EINVAL, "%s: a cache of the forward pass is needed", chain->name);
    if (c->call.chain != chain)
        return lami_fail(LAM_EINVAL, "%s: the cache is one of %s", chain->name, c->call.chain->name);
    if (!c->ready)
        return lami_fail(LAM_EINVAL, "%s: backward comes after a forward", chain->name);
    const size_t n = c->samples, each = lam_shape_count(&c->call.in);
    LAM_TRY(check_batch(&c->call, "dout", dout, &c->call.node[c->call.links - 1].out, n));
    if (dx)
        LAM_TRY(check_batch(&c->call, "dx", dx, &c->call.in, n));
    if (changes_nothing(c)) {
        if (dx && dx->data != dout->data)
            memcpy(dx->data, dout->data, n * each * lami_dtype_size(c->call.dtype));
        return LAM_OK;
    }
    LAM_TRY(bind_param_gradients(c, dparams));
    LAMI_FPU_SCOPE;
    lami_plan_bind(c->plan, c->dx, dx ? dx->data : NULL); /* NULL: left out */
    lami_plan_bind(c->plan, c->dout, dout->data);
    lami_plan_set_samples(c->plan, n);
    lami_plan_run(c->plan, 1, 1);
    return LAM_OK;
}
