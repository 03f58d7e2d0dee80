#include "session.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../core/fpu.h"
#include "../core/mem.h"
#include "../core/parallel.h"
#include "../optim/optim.h"
#include "mix.h"
#include "views.h"

enum { NOTHING, LOADED, FORWARDED, BACKWARDED }; /* how far the present step is */

struct lam_session {
    lami_session_kind kind;
    lam_net *net; /* only read in inference */
    lam_options *options;
    lami_plan *plan;
    const lami_optim *optim;
    lami_net_buffers b;
    lami_param_rule *rule;
    void *state[LAMI_MAX_SLOTS];
    void *sums;         /* of gradients, with accumulation; laid out like net->values, as the state */
    void *running;      /* running statistics as of the last update, with accumulation; likewise */
    void *average;      /* of the weights, with ema; likewise */
    size_t state_bytes; /* of each of these blocks */
    size_t batches;     /* backward passes since the last update */
    uint64_t steps;
    uint64_t changes; /* of the network, when last looked at */
    double lr, data_loss;
    int progress;
    const void **rows; /* addresses of a batch's samples, for tensors */
    int32_t *label;
    const double **target_row; /* and their targets, of */
    double *target, *weight;
    size_t weighed;         /* how many of the next batch `weight` holds; 0: none were given */
    void *units[4];         /* PREDICT: zero, one, scale, shift; one block */
    lam_session *predictor; /* STEPS: for lam_session_predict */
    lami_views *views;      /* with tta, else NULL */
    size_t look;            /* 1 + the one that samples are loaded by; 0: as they are */
};

static void bind_blocks(lam_session *s)
{
    const lam_net *net = s->net;
    const size_t size = lami_dtype_size(net->dtype);
    for (size_t i = 0; i < net->params; i++) {
        lami_plan_bind(s->plan, s->b.param[i], lami_net_values(net, i));
        for (int k = 0; k < LAMI_MAX_SLOTS && s->state[k]; k++)
            lami_plan_bind(s->plan, s->b.state[k][i], (char *)s->state[k] + net->param[i].offset * size);
        if (s->b.sum[i])
            lami_plan_bind(s->plan, s->b.sum[i], (char *)s->sums + net->param[i].offset * size);
        if (s->b.average[i])
            lami_plan_bind(s->plan, s->b.average[i], (char *)s->average + net->param[i].offset * size);
    }
    const lami_buf units[] = { s->b.zero, s->b.one, s->b.scale, s->b.shift };
    for (int k = 0; k < 4 && s->units[0]; k++)
        lami_plan_bind(s->plan, units[k], s->units[k]);
}

static lam_status make_plan(lam_session *s, const lami_ops *ops)
{
    const lam_net *net = s->net;
    const int threads = s->options->threads ? (int)s->options->threads : lami_cpus();
    LAM_TRY(lami_plan_new(&s->plan, ops, net->dtype, s->options->batch, threads, !s->options->no_merge));
    s->plan->direct = net->direct;
    s->plan->still = s->kind == LAMI_SESSION_PREDICT;
    s->plan->bf16 = net->bf16;
    LAM_TRY(lami_record_net(s->plan, &s->b, net, &(lami_recipe) { s->kind, s->optim, s->options, s->rule }));
    LAM_TRY(lami_plan_finish(s->plan));
    s->plan->vars.dropout_seed = lami_option_given(s->options, offsetof(lam_options, dropout_seed))
                                     ? s->options->dropout_seed
                                     : s->options->seed;
    bind_blocks(s);
    return LAM_OK;
}

static lam_status make_state(lam_session *s)
{
    LAM_TRY(lami_optim_find(&s->optim, s->options->optim));
    LAM_TRY(lami_param_rules(&s->rule, s->net, s->options));
    s->lr = lami_option_given(s->options, offsetof(lam_options, lr)) ? s->options->lr : s->optim->lr;
    if (s->options->label_smoothing > 0 && !s->net->loss->smooths)
        return lami_fail(LAM_EOPTION, "--label-smoothing is for softmax, not for %s", s->net->loss->name);
    s->state_bytes = s->net->values_count * lami_dtype_size(s->net->dtype);
    for (int k = 0; s->optim->slot[k]; k++)
        LAM_TRY(lami_pages_new(&s->state[k], s->state_bytes));
    if (s->options->accumulate > 1) {
        LAM_TRY(lami_pages_new(&s->sums, s->state_bytes));
        LAM_TRY(lami_pages_new(&s->running, s->state_bytes));
    }
    if (lami_averages(s->kind, s->options)) {
        LAM_TRY(lami_pages_new(&s->average, s->state_bytes));
        memcpy(s->average, s->net->values, s->state_bytes);
    }
    return LAM_OK;
}

/* The network's units as vectors of its type. */
static lam_status make_units(lam_session *s)
{
    const lami_units *u = &s->net->units;
    const size_t size = lami_dtype_size(s->net->dtype);
    if (s->kind != LAMI_SESSION_PREDICT || !u->count)
        return LAM_OK;
    if (!(s->units[0] = lami_alloc(4 * u->count, size)))
        return LAM_ENOMEM;
    for (int k = 1; k < 4; k++)
        s->units[k] = (char *)s->units[0] + (size_t)k * u->count * size;
    for (size_t i = 0; i < u->count; i++) {
        lami_real_put(s->units[1], s->net->dtype, i, 1);
        lami_real_put(s->units[2], s->net->dtype, i, u->scale[i]);
        lami_real_put(s->units[3], s->net->dtype, i, u->shift[i]);
    }
    return LAM_OK;
}

static lam_status make_rows(lam_session *s)
{
    const size_t n = s->options->batch;
    size_t targets;
    LAM_TRY(lami_mul(&targets, n, s->net->loss->reals ? s->net->classes : 0));
    s->rows = lami_alloc(n, sizeof *s->rows);
    s->label = lami_alloc(n, sizeof *s->label);
    s->target_row = lami_alloc(n, sizeof *s->target_row);
    s->target = lami_alloc(targets, sizeof *s->target);
    s->weight = lami_alloc(n, sizeof *s->weight);
    return s->rows && s->label && s->target_row && s->target && s->weight ? LAM_OK : LAM_ENOMEM;
}

static lam_status fill(lam_session *s, const lam_options *options)
{
    const lami_ops *ops;
    if (!strcmp(lami_options_or_default(options)->device, "cuda"))
        return lami_fail(LAM_EUNSUPPORTED, "--device cuda: this build has none");
    LAM_TRY(lami_options_copy(&s->options, lami_options_or_default(options)));
    LAM_TRY(lami_ops_find(&ops, s->options->isa, s->net->dtype == LAM_F64 ? 64 : 32));
    LAM_TRY(lami_net_buffers_new(&s->b, s->net));
    LAM_TRY(make_rows(s));
    LAM_TRY(make_units(s));
    if (lami_sees_views(s->kind, s->options))
        LAM_TRY(lami_views_new(&s->views, s->options->tta, &s->net->input, s->options->batch, s->net->classes));
    if (lami_trains(s->kind))
        LAM_TRY(make_state(s));
    LAM_TRY(make_plan(s, ops));
    if (s->kind == LAMI_SESSION_STEPS)
        return lami_session_make(&s->predictor, s->net, options, LAMI_SESSION_PREDICT);
    return LAM_OK;
}

lam_status lami_session_make(lam_session **out, lam_net *net, const lam_options *options, lami_session_kind kind)
{
    *out = NULL;
    lam_session *s = lami_alloc(1, sizeof *s);
    if (!s)
        return LAM_ENOMEM;
    s->kind = kind;
    s->net = net;
    LAMI_FPU_SCOPE; /* constants of records are computed, too */
    const lam_status status = fill(s, options);
    if (status)
        lam_session_free(s);
    else
        *out = s;
    return status;
}

lam_status lam_session_new(lam_session **session, lam_net *net, const lam_options *options)
{
    return lami_session_make(session, net, options, LAMI_SESSION_STEPS);
}

lam_status lam_session_new_predict(lam_session **session, const lam_net *net, const lam_options *options)
{
    return lami_session_make(session, (lam_net *)net, options, LAMI_SESSION_PREDICT);
}

void lam_session_free(lam_session *s)
{
    if (!s)
        return;
    lam_session_free(s->predictor);
    for (int k = 0; k < LAMI_MAX_SLOTS; k++)
        lami_pages_free(s->state[k], s->state_bytes);
    lami_pages_free(s->sums, s->state_bytes);
    lami_pages_free(s->running, s->state_bytes);
    lami_pages_free(s->average, s->state_bytes);
    lami_free(s->units[0]);
    lami_free(s->rule);
    lami_plan_free(s->plan);
    lam_options_free(s->options);
    lami_net_buffers_free(&s->b);
    lami_free(s->rows);
    lami_free(s->label);
    lami_free(s->target_row);
    lami_free(s->target);
    lami_free(s->weight);
    lami_views_free(s->views);
    lami_free(s);
}

/* ---- batches ---- */

enum { LOAD_ROWS = 16 };

typedef struct {
    const lam_session *s;
    const void *const *x;
    lam_dtype type;
    size_t n, size;
    uint8_t *to;
    double mix;
} load_job;

/* Phase 0 loads rows, phase 1 mixes pairs of them. */
static size_t load_count(const load_job *j, size_t phase)
{
    return phase ? j->n / 2 : j->n;
}

static size_t load_tasks(void *arg, size_t phase)
{
    return (load_count(arg, phase) + LOAD_ROWS - 1) / LOAD_ROWS;
}

static void load_task(void *arg, size_t phase, size_t task, size_t thread)
{
    (void)thread;
    const load_job *j = arg;
    const size_t first = task * LOAD_ROWS, left = load_count(j, phase) - first, n = left < LOAD_ROWS ? left : LOAD_ROWS;
    const lam_session *s = j->s;
    if (phase) {
        lami_mix_pairs(j->to, s->net->dtype, j->n, lam_shape_count(&s->net->input), first, n, j->mix);
        return;
    }
    const void *const *x = s->look ? lami_views_look(s->views, s->look - 1, j->x, j->type, first, n) : j->x + first;
    lami_prep_apply(j->to + first * j->size, s->net->dtype, x, n, j->type, &s->net->input, &s->net->prep);
}

/* Which sample's answer is for row i: its own, or that of the one it is mixed with. */
static size_t answer_of(const lam_session *s, const lami_answers *a, size_t i, size_t n)
{
    return a == &s->b.partner ? n - 1 - i : i;
}

static lam_status load_labels(lam_session *s, const lami_answers *a, const int32_t *label, size_t n)
{
    const size_t classes = s->net->classes, limit = s->net->loss->reals && classes == 1 ? 2 : classes;
    for (size_t i = 0; i < n; i++)
        if (label[i] < 0 || (size_t)label[i] >= limit)
            return lami_fail(LAM_EFORMAT, "label %d of sample %zu is out of range: the network has %zu classes",
                             (int)label[i], i, limit);
    void *to = lami_plan_address(s->plan, a->labels ? a->labels : a->targets);
    for (size_t i = 0; i < n; i++) {
        const int32_t is = label[answer_of(s, a, i, n)];
        if (a->labels)
            ((int32_t *)to)[i] = is;
        for (size_t k = 0; !a->labels && k < classes; k++)
            lami_real_put(to, s->net->dtype, i * classes + k, classes == 1 ? (double)is : (double)((size_t)is == k));
    }
    return LAM_OK;
}

static lam_status load_targets(lam_session *s, const lami_answers *a, const double *const *target, size_t n)
{
    const size_t each = s->net->classes;
    const lami_units *u = &s->net->units;
    void *to = lami_plan_address(s->plan, a->targets);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < each; k++) {
            const double t = target[answer_of(s, a, i, n)][k];
            if (!s->net->loss->values && !(t >= 0 && t <= 1))
                return lami_fail(LAM_EFORMAT, "target %g of sample %zu: %s takes numbers from 0 to 1", t, i,
                                 s->net->loss->name);
            lami_real_put(to, s->net->dtype, i * each + k, u->count ? (t - u->shift[k]) / u->scale[k] : t);
        }
    return LAM_OK;
}

static lam_status load_answers(lam_session *s, const lami_answers *a, const lami_batch *b)
{
    if (!a->labels && !a->targets)
        return LAM_OK;
    if (b->target && a->targets)
        return load_targets(s, a, b->target, b->n);
    if (b->label)
        return load_labels(s, a, b->label, b->n);
    return lami_fail(LAM_EINVAL, b->target ? "%s needs labels, not numbers" : "%s: labels are missing",
                     s->net->loss->name);
}

/* With mean 1 over the batch, so that the mean of the loss is the weighted one. An answer keeps its sample's weight in
 * both rows that it has a share of. */
static void load_weights(lam_session *s, const lami_batch *b)
{
    const lami_answers *own = &s->b.own, *partner = &s->b.partner;
    double sum = 0;
    if (!own->weights)
        return;
    for (size_t i = 0; i < b->n; i++)
        sum += b->weight ? b->weight[i] : 1;
    for (size_t i = 0; i < b->n; i++) {
        const double weight = !b->weight ? 1 : sum > 0 ? b->weight[i] * (double)b->n / sum : 0;
        lami_real_put(lami_plan_address(s->plan, own->weights), s->net->dtype, i, (1 - b->mix) * weight);
        if (partner->weights)
            lami_real_put(lami_plan_address(s->plan, partner->weights), s->net->dtype, b->n - 1 - i, b->mix * weight);
    }
}

static lam_status check_count(const lam_session *s, size_t n)
{
    return n >= 1 && n <= s->plan->max_samples
               ? LAM_OK
               : lami_fail(LAM_EINVAL, "a batch of %zu samples: this session takes 1 to %zu", n, s->plan->max_samples);
}

lam_status lami_session_load(lam_session *s, const lami_batch *b)
{
    LAMI_FPU_SCOPE;
    LAM_TRY(check_count(s, b->n));
    LAM_TRY(load_answers(s, &s->b.own, b));
    LAM_TRY(load_answers(s, &s->b.partner, b));
    load_weights(s, b);
    lami_plan_set_samples(s->plan, b->n);
    load_job job = { .s = s,
                     .x = b->x,
                     .type = b->type,
                     .n = b->n,
                     .mix = b->mix,
                     .to = lami_plan_address(s->plan, s->b.input),
                     .size = lam_shape_count(&s->net->input) * lami_dtype_size(s->net->dtype) };
    lami_parallel_run(s->plan->threads, 0, b->mix > 0 ? 2 : 1, load_tasks, load_task, &job);
    s->progress = LOADED;
    return LAM_OK;
}

static lam_status tensor_answers(lam_session *s, lami_batch *b, const lam_tensor *y)
{
    size_t largest;
    const lami_loss *loss = s->net->loss;
    if (loss->reals && (y->dtype == LAM_F32 || y->dtype == LAM_F64)) {
        LAM_TRY(lami_targets_from(s->target, y, b->n, s->net->classes));
        for (size_t i = 0; i < b->n; i++)
            s->target_row[i] = s->target + i * s->net->classes;
        b->target = s->target_row;
        return LAM_OK;
    }
    b->label = s->label;
    return lami_labels_from(s->label, &largest, y, b->n, loss->reals && s->net->classes == 1 ? 2 : s->net->classes);
}

/* A batch of tensors: addresses of the rows, labels as int32. */
static lam_status tensor_batch(lami_batch *batch, lam_session *s, const lam_tensor *x, const lam_tensor *y)
{
    const size_t size = lam_shape_count(&s->net->input);
    if (x->shape.rank < 1 || lam_shape_count(&x->shape) != x->shape.dim[0] * size || !x->shape.dim[0]) {
        char a[LAMI_SHAPE_TEXT], b[LAMI_SHAPE_TEXT];
        return lami_fail(LAM_ESHAPE, "x is %s; the network takes N x %s", lami_shape_text(a, &x->shape),
                         lami_shape_text(b, &s->net->input));
    }
    if (x->dtype != LAM_U8 && x->dtype != LAM_F32 && x->dtype != LAM_F64)
        return lami_fail(LAM_EINVAL, "x is %s; u8, f32 or f64 is needed", lami_dtype_name(x->dtype));
    *batch = (lami_batch) { .x = s->rows, .type = x->dtype, .n = x->shape.dim[0] };
    LAM_TRY(check_count(s, batch->n));
    for (size_t i = 0; i < batch->n; i++)
        s->rows[i] = (const char *)x->data + i * size * lami_dtype_size(x->dtype);
    if (y)
        LAM_TRY(tensor_answers(s, batch, y));
    if (s->weighed && y) {
        if (s->weighed != batch->n)
            return lami_fail(LAM_ESHAPE, "%zu weights for a batch of %zu samples", s->weighed, batch->n);
        batch->weight = s->weight;
    }
    return LAM_OK;
}

lam_status lam_session_weigh(lam_session *s, const lam_tensor *weights)
{
    if (!lami_trains(s->kind))
        return lami_fail(LAM_EINVAL, "this session is for inference");
    LAMI_FPU_SCOPE;
    const size_t n = weights && weights->shape.rank == 1 ? weights->shape.dim[0] : 0;
    LAM_TRY(check_count(s, n));
    LAM_TRY(lami_weights_from(s->weight, weights, n));
    s->weighed = n;
    return LAM_OK;
}

/* ---- running ---- */

/* Sum of the elements of a row vector of the plan, in order. */
static double sum_of(const lam_session *s, lami_buf b, size_t count)
{
    const void *values = lami_plan_address(s->plan, b);
    double sum = 0;
    for (size_t j = 0; j < count; j++)
        sum += lami_real_at(values, s->net->dtype, j);
    return sum;
}

/* l2 / 2 times the sum of squares of the weights; those that share the options' l2 are added up first. */
static double l2_of(const lam_session *s)
{
    double common = 0, others = 0;
    for (size_t p = 0; p < s->net->params; p++) {
        if (!s->b.sumsq[p])
            continue;
        const double squares = sum_of(s, s->b.sumsq[p], s->net->param[p].spec->cols);
        if (s->rule[p].l2 == s->options->l2)
            common += squares;
        else
            others += s->rule[p].l2 / 2 * squares;
    }
    return s->options->l2 / 2 * common + others;
}

/* Mean of the samples' losses by weight, summed in double in order. */
static double data_loss_of(const lam_session *s)
{
    const size_t n = s->plan->samples;
    const lami_answers *all[] = { &s->b.own, &s->b.partner };
    double sum = 0;
    for (int k = 0; k < 2 && all[k]->losses; k++) {
        const void *losses = lami_plan_address(s->plan, all[k]->losses);
        const void *weights = lami_plan_address(s->plan, all[k]->weights);
        for (size_t i = 0; i < n; i++)
            sum += lami_real_at(weights, s->net->dtype, i) * lami_real_at(losses, s->net->dtype, i);
    }
    return sum / (double)n;
}

/* Copy the running statistics, which are not trained, between the network and a block like its values. */
static void copy_running(const lam_session *s, void *to, const void *from)
{
    const size_t size = lami_dtype_size(s->net->dtype);
    for (size_t i = 0; i < s->net->params; i++) {
        const lami_net_param *p = &s->net->param[i];
        if (!p->spec->trained)
            memcpy((char *)to + p->offset * size, (const char *)from + p->offset * size, p->count * size);
    }
}

static lam_status diverged(lam_session *s, double loss)
{
    char name[64] = "the loss", advice[64] = "";
    const int node = lami_plan_find_bad(s->plan);
    if (node >= 0)
        lami_node_name(name, s->net, (size_t)node);
    if (s->running && s->batches)
        copy_running(s, s->net->values, s->running);
    s->batches = 0;
    s->progress = LOADED;
    if (s->steps)
        snprintf(advice, sizeof advice, "; a smaller --lr than %g may help", s->lr);
    return lami_fail(LAM_EDIVERGED,
                     "the loss is %s at step %llu; the first value that is not finite is in the output of %s%s",
                     loss != loss ? "not a number" : "infinite", (unsigned long long)s->steps + 1, name, advice);
}

static lam_status forward(double *loss, lam_session *s)
{
    if (s->progress == NOTHING)
        return lami_fail(LAM_EINVAL, "no batch is loaded");
    const size_t each = s->options->accumulate, place = each > 1 ? s->batches : 0; /* of the batch in its step */
    s->plan->vars.step = (uint32_t)(s->steps * each + place);
    lami_plan_run(s->plan, 0, 0);
    s->data_loss = data_loss_of(s);
    *loss = s->data_loss + l2_of(s);
    s->progress = FORWARDED;
    return isfinite(*loss) ? LAM_OK : diverged(s, *loss);
}

/* Variables of the update, which may be a part of the backward pass. */
static void set_update_vars(lam_session *s)
{
    lami_optim_step(&s->plan->vars, s->options, s->steps + 1, s->lr);
}

static void begin_sums(lam_session *s)
{
    if (s->options->accumulate == 1 || s->batches)
        return;
    memset(s->sums, 0, s->state_bytes);
    copy_running(s, s->running, s->net->values);
}

/* The mean over the batches, made shorter where its norm is above the limit. Source: Pascanu et al. 2013,
 * arXiv:1211.5063. */
static double gradient_scale(const lam_session *s)
{
    const double share = 1 / (double)s->batches;
    double squares = 0;
    if (!(s->options->clip > 0))
        return share;
    for (size_t p = 0; p < s->net->params; p++)
        if (s->b.norm[p])
            squares += sum_of(s, s->b.norm[p], s->net->param[p].spec->cols);
    const double norm = share * __builtin_sqrt(squares);
    return norm > s->options->clip ? share * (s->options->clip / norm) : share;
}

static void update(lam_session *s)
{
    set_update_vars(s);
    s->plan->vars.grad_scale = gradient_scale(s);
    lami_plan_run(s->plan, 2, 2);
    s->batches = 0;
    s->steps++;
    s->net->changes++;
}

lam_status lami_session_train(double *loss, lam_session *s)
{
    LAMI_FPU_SCOPE;
    LAM_TRY(forward(loss, s));
    s->progress = LOADED;
    if (s->plan->fused) {
        set_update_vars(s);
        lami_plan_run(s->plan, 1, LAMI_PARTS - 1);
        s->steps++;
        s->net->changes++;
        return LAM_OK;
    }
    begin_sums(s);
    lami_plan_run(s->plan, 1, 1);
    if (++s->batches == s->options->accumulate)
        update(s);
    return LAM_OK;
}

double lami_session_data_loss(const lam_session *s)
{
    return s->data_loss;
}

lam_status lami_session_forward_loaded(double *loss, lam_session *s)
{
    LAMI_FPU_SCOPE;
    return forward(loss, s);
}

lam_status lam_session_forward(double *loss, lam_session *s, const lam_tensor *x, const lam_tensor *y)
{
    if (!lami_trains(s->kind))
        return lami_fail(LAM_EINVAL, "this session is for inference");
    if (s->options->accumulate > 1 && s->batches == s->options->accumulate)
        return lami_fail(LAM_EINVAL, "%zu batches are accumulated: step comes next", s->batches);
    LAMI_FPU_SCOPE;
    lami_batch batch;
    lam_status status = tensor_batch(&batch, s, x, y);
    if (!status)
        status = lami_session_load(s, &batch);
    s->weighed = 0;
    if (!status)
        status = forward(loss, s);
    return status;
}

lam_status lam_session_backward(lam_session *s)
{
    if (s->progress != FORWARDED)
        return lami_fail(LAM_EINVAL, "backward comes after a forward");
    LAMI_FPU_SCOPE;
    begin_sums(s);
    lami_plan_run(s->plan, 1, 1);
    s->batches = s->options->accumulate > 1 ? s->batches + 1 : 1;
    s->progress = BACKWARDED;
    return LAM_OK;
}

lam_status lam_session_step(lam_session *s)
{
    if (s->progress != BACKWARDED)
        return lami_fail(LAM_EINVAL, "step comes after a backward");
    LAMI_FPU_SCOPE;
    update(s);
    s->progress = LOADED;
    return LAM_OK;
}

lam_status lam_session_set_lr(lam_session *s, double lr)
{
    if (!(lr >= 0) || !isfinite(lr))
        return lami_fail(LAM_EINVAL, "a learning rate is a number of at least 0");
    s->lr = lr;
    return LAM_OK;
}

static lam_status find_gradient(size_t *param, const lam_session *s, const char *name)
{
    *param = lami_net_param_find(s->net, name);
    return *param == SIZE_MAX || !s->b.grad[*param] || s->kind == LAMI_SESSION_TRAIN
               ? lami_fail(LAM_EINVAL, "%s: no gradient of that name", name)
               : LAM_OK;
}

lam_status lam_session_grad_view(lam_tensor *view, size_t strides[LAM_MAX_RANK], const lam_session *s, const char *name)
{
    size_t i;
    LAM_TRY(find_gradient(&i, s, name));
    return lami_net_view(view, strides, s->net, i, lami_plan_address(s->plan, s->b.grad[i]));
}

lam_status lam_session_grad(const lam_session *s, const char *name, lam_tensor *value)
{
    size_t i;
    LAM_TRY(find_gradient(&i, s, name));
    if (s->progress != BACKWARDED)
        return lami_fail(LAM_EINVAL, "%s: gradients are there after a backward", name);
    return lami_net_copy_out(s->net, i, lami_plan_address(s->plan, s->b.grad[i]), value);
}

/* ---- inference ---- */

lam_status lami_session_scores(const void **scores, lam_session *s)
{
    if (s->progress == NOTHING)
        return lami_fail(LAM_EINVAL, "no batch is loaded");
    LAMI_FPU_SCOPE;
    if (s->changes != s->net->changes || s->net->viewed)
        lami_plan_forget(s->plan);
    s->changes = s->net->changes;
    lami_plan_run(s->plan, 0, 0);
    s->progress = NOTHING; /* the input's place may have been taken */
    *scores = lami_plan_address(s->plan, s->b.scores);
    return LAM_OK;
}

static lam_status score_views(lam_session *s, const lami_batch *b)
{
    for (size_t v = 0; v < s->views->count; v++) {
        const void *scores;
        s->look = v + 1;
        lam_status status = lami_session_load(s, b);
        s->look = 0;
        LAM_TRY(status);
        LAM_TRY(lami_session_scores(&scores, s));
        lami_views_add(s->views, v, lami_plan_address(s->plan, s->b.scores), s->net->dtype, b->n);
    }
    lami_plan_run(s->plan, 1, 1); /* losses, if any */
    return LAM_OK;
}

lam_status lami_session_score(const void **scores, double *loss_sum, lam_session *s, const lami_batch *b)
{
    if (s->kind != LAMI_SESSION_PREDICT && s->kind != LAMI_SESSION_MEASURE)
        return lami_fail(LAM_EINVAL, "this session does not score");
    LAMI_FPU_SCOPE;
    if (s->views) {
        LAM_TRY(score_views(s, b));
    } else {
        LAM_TRY(lami_session_load(s, b));
        LAM_TRY(lami_session_scores(scores, s));
    }
    *scores = lami_plan_address(s->plan, s->b.scores);
    if (loss_sum)
        *loss_sum = s->kind == LAMI_SESSION_MEASURE ? sum_of(s, s->b.own.losses, s->plan->samples) : NAN;
    return LAM_OK;
}

lam_status lam_session_predict(lam_session *s, lam_tensor *scores, const lam_tensor *x)
{
    if (s->predictor)
        return lam_session_predict(s->predictor, scores, x);
    if (s->kind != LAMI_SESSION_PREDICT)
        return lami_fail(LAM_EINVAL, "this session does not predict");
    const size_t n = x->shape.rank ? x->shape.dim[0] : 0;
    if (scores->dtype != s->net->dtype || lam_shape_count(&scores->shape) != n * s->net->classes)
        return lami_fail(LAM_ESHAPE, "scores must be %zu x %zu of %s", n, s->net->classes,
                         lami_dtype_name(s->net->dtype));
    const void *result = NULL;
    LAMI_FPU_SCOPE;
    lami_batch batch;
    lam_status status = tensor_batch(&batch, s, x, NULL);
    if (!status)
        status = lami_session_score(&result, NULL, s, &batch);
    if (!status)
        memcpy(scores->data, result, n * s->net->classes * lami_dtype_size(s->net->dtype));
    return status;
}

/* ---- for the solver, checks and describe ---- */

size_t lami_session_batch(const lam_session *s)
{
    return s->plan->max_samples;
}

void *lami_session_state(const lam_session *s, size_t slot, const char **name)
{
    if (slot >= LAMI_MAX_SLOTS || !s->state[slot])
        return NULL;
    *name = s->optim->slot[slot];
    return s->state[slot];
}

void *lami_session_average(const lam_session *s)
{
    return s->average;
}

const void *lami_session_moment(const lam_session *s, size_t param)
{
    return s->b.moment[param] ? lami_plan_address(s->plan, s->b.moment[param]) : NULL;
}

void lami_session_set_steps(lam_session *s, uint64_t steps)
{
    s->steps = steps;
}

void *lami_session_input(lam_session *s)
{
    return lami_plan_address(s->plan, s->b.input);
}

const void *lami_session_input_grad(const lam_session *s)
{
    return s->b.input_grad ? lami_plan_address(s->plan, s->b.input_grad) : NULL;
}

size_t lami_session_bytes(const lam_session *s)
{
    size_t blocks = (s->sums != NULL) + (s->running != NULL) + (s->average != NULL);
    for (int k = 0; k < LAMI_MAX_SLOTS; k++)
        blocks += s->state[k] != NULL;
    return s->plan->arena_bytes + (size_t)s->plan->threads * s->plan->work_bytes + blocks * s->state_bytes;
}

lami_plan *lami_session_plan(const lam_session *s)
{
    return s->plan;
}
