#include "session.h"

#include <math.h>
#include <string.h>

#include "../core/fpu.h"
#include "../core/mem.h"
#include "../core/parallel.h"
#include "../optim/optim.h"

enum { NOTHING, LOADED, FORWARDED, BACKWARDED }; /* how far the present step is */

struct lam_session {
    lami_session_kind kind;
    lam_net *net; /* only read in inference */
    lam_options *options;
    lami_plan *plan;
    const lami_optim *optim;
    lami_net_buffers b;
    void *state[LAMI_MAX_SLOTS];
    size_t state_bytes;
    uint64_t steps;
    double lr;
    int progress;
    const void **rows; /* addresses of a batch's samples, for tensors */
    int32_t *label;
    lam_session *predictor; /* STEPS: for lam_session_predict */
};

static lam_status make_plan(lam_session *s, const lami_ops *ops)
{
    const lam_net *net = s->net;
    const int threads = s->options->threads ? (int)s->options->threads : lami_cpus();
    LAM_TRY(lami_plan_new(&s->plan, ops, net->dtype, s->options->batch, threads, !s->options->no_merge));
    LAM_TRY(lami_record_net(s->plan, &s->b, net, &(lami_recipe) { s->kind, s->optim, s->options }));
    LAM_TRY(lami_plan_finish(s->plan));
    s->plan->vars.dropout_seed = lami_option_given(s->options, offsetof(lam_options, dropout_seed))
                                     ? s->options->dropout_seed
                                     : s->options->seed;
    for (size_t i = 0; i < net->params; i++) {
        lami_plan_bind(s->plan, s->b.param[i], lami_net_values(net, i));
        for (int k = 0; k < LAMI_MAX_SLOTS && s->state[k]; k++)
            lami_plan_bind(s->plan, s->b.state[k][i],
                           (char *)s->state[k] + net->param[i].offset * lami_dtype_size(net->dtype));
    }
    return LAM_OK;
}

static lam_status make_state(lam_session *s)
{
    LAM_TRY(lami_optim_find(&s->optim, s->options->optim));
    s->lr = lami_option_given(s->options, offsetof(lam_options, lr)) ? s->options->lr : s->optim->lr;
    s->state_bytes = s->net->values_count * lami_dtype_size(s->net->dtype);
    for (int k = 0; s->optim->slot[k]; k++)
        LAM_TRY(lami_pages_new(&s->state[k], s->state_bytes));
    return LAM_OK;
}

static lam_status fill(lam_session *s, const lam_options *options)
{
    const lami_ops *ops;
    if (!strcmp(lami_options_or_default(options)->device, "cuda"))
        return lami_fail(LAM_EUNSUPPORTED, "--device cuda: this build has none");
    LAM_TRY(lami_options_copy(&s->options, lami_options_or_default(options)));
    LAM_TRY(lami_ops_find(&ops, s->options->isa, s->net->dtype == LAM_F64 ? 64 : 32));
    LAM_TRY(lami_net_buffers_new(&s->b, s->net));
    s->rows = lami_alloc(s->options->batch, sizeof *s->rows);
    s->label = lami_alloc(s->options->batch, sizeof *s->label);
    if (!s->rows || !s->label)
        return LAM_ENOMEM;
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
    lami_plan_free(s->plan);
    lam_options_free(s->options);
    lami_net_buffers_free(&s->b);
    lami_free(s->rows);
    lami_free(s->label);
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
} load_job;

static size_t load_tasks(void *arg, size_t phase)
{
    (void)phase;
    return (((const load_job *)arg)->n + LOAD_ROWS - 1) / LOAD_ROWS;
}

static void load_task(void *arg, size_t phase, size_t task, size_t thread)
{
    (void)phase;
    (void)thread;
    const load_job *j = arg;
    const size_t first = task * LOAD_ROWS, left = j->n - first;
    lami_prep_apply(j->to + first * j->size, j->s->net->dtype, j->x + first, left < LOAD_ROWS ? left : LOAD_ROWS,
                    j->type, &j->s->net->input, &j->s->net->prep);
}

lam_status lami_session_load(lam_session *s, const void *const *x, lam_dtype type, const int32_t *labels, size_t n)
{
    LAMI_FPU_SCOPE;
    if (n < 1 || n > s->plan->max_samples)
        return lami_fail(LAM_EINVAL, "a batch of %zu samples: this session takes 1 to %zu", n, s->plan->max_samples);
    if (s->b.labels && !labels)
        return lami_fail(LAM_EINVAL, "labels are missing");
    for (size_t i = 0; s->b.labels && i < n; i++) {
        if (labels[i] < 0 || (size_t)labels[i] >= s->net->classes)
            return lami_fail(LAM_EFORMAT, "label %d of sample %zu is out of range: the network has %zu classes",
                             (int)labels[i], i, s->net->classes);
    }
    if (s->b.labels)
        memcpy(lami_plan_address(s->plan, s->b.labels), labels, n * sizeof *labels);
    lami_plan_set_samples(s->plan, n);
    load_job job = { .s = s,
                     .x = x,
                     .type = type,
                     .n = n,
                     .to = lami_plan_address(s->plan, s->b.input),
                     .size = lam_shape_count(&s->net->input) * lami_dtype_size(s->net->dtype) };
    lami_parallel_run(s->plan->threads, 0, 1, load_tasks, load_task, &job);
    s->progress = LOADED;
    return LAM_OK;
}

/* A batch of tensors: addresses of the rows, labels as int32. */
static lam_status load_tensors(lam_session *s, const lam_tensor *x, const lam_tensor *y)
{
    const size_t size = lam_shape_count(&s->net->input);
    if (x->shape.rank < 1 || lam_shape_count(&x->shape) != x->shape.dim[0] * size || !x->shape.dim[0]) {
        char a[LAMI_SHAPE_TEXT], b[LAMI_SHAPE_TEXT];
        return lami_fail(LAM_ESHAPE, "x is %s; the network takes N x %s", lami_shape_text(a, &x->shape),
                         lami_shape_text(b, &s->net->input));
    }
    if (x->dtype != LAM_U8 && x->dtype != LAM_F32 && x->dtype != LAM_F64)
        return lami_fail(LAM_EINVAL, "x is %s; u8, f32 or f64 is needed", lami_dtype_name(x->dtype));
    const size_t n = x->shape.dim[0];
    if (n > s->plan->max_samples)
        return lami_fail(LAM_EINVAL, "a batch of %zu samples: this session takes 1 to %zu", n, s->plan->max_samples);
    for (size_t i = 0; i < n; i++)
        s->rows[i] = (const char *)x->data + i * size * lami_dtype_size(x->dtype);
    size_t largest;
    if (y)
        LAM_TRY(lami_labels_from(s->label, &largest, y, n, s->net->classes));
    return lami_session_load(s, s->rows, x->dtype, y ? s->label : NULL, n);
}

/* ---- running ---- */

/* Mean of the samples' losses, summed in double in order, and l2 / 2 times the sum of squares of the weights. */
static double loss_of(const lam_session *s)
{
    const size_t n = s->plan->samples;
    const void *losses = lami_plan_address(s->plan, s->b.losses);
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++)
        sum += lami_real_at(losses, s->net->dtype, i);
    for (size_t p = 0; p < s->net->params; p++)
        for (size_t j = 0; s->b.sumsq[p] && j < s->net->param[p].spec->cols; j++) {
            const void *columns = lami_plan_address(s->plan, s->b.sumsq[p]);
            squares += lami_real_at(columns, s->net->dtype, j);
        }
    return sum / (double)n + s->options->l2 / 2 * squares;
}

static lam_status diverged(lam_session *s, double loss)
{
    char name[64] = "the loss";
    const int node = lami_plan_find_bad(s->plan);
    if (node >= 0)
        lami_node_name(name, s->net, (size_t)node);
    s->progress = LOADED;
    return lami_fail(LAM_EDIVERGED,
                     "the loss is %s at step %llu; the first value that is not finite is in the output of %s",
                     loss != loss ? "not a number" : "infinite", (unsigned long long)s->steps + 1, name);
}

static lam_status forward(double *loss, lam_session *s)
{
    if (s->progress == NOTHING)
        return lami_fail(LAM_EINVAL, "no batch is loaded");
    s->plan->vars.step = (uint32_t)s->steps;
    lami_optim_step(&s->plan->vars, s->options, s->steps + 1, s->lr);
    lami_plan_run(s->plan, 0, 0);
    *loss = loss_of(s);
    s->progress = FORWARDED;
    return isfinite(*loss) ? LAM_OK : diverged(s, *loss);
}

lam_status lami_session_train(double *loss, lam_session *s)
{
    LAMI_FPU_SCOPE;
    lam_status status = forward(loss, s);
    if (!status) {
        lami_plan_run(s->plan, 1, LAMI_PARTS - 1);
        s->steps++;
        s->progress = LOADED;
    }
    return status;
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
    LAMI_FPU_SCOPE;
    lam_status status = load_tensors(s, x, y);
    if (!status)
        status = forward(loss, s);
    return status;
}

lam_status lam_session_backward(lam_session *s)
{
    if (s->progress != FORWARDED)
        return lami_fail(LAM_EINVAL, "backward comes after a forward");
    LAMI_FPU_SCOPE;
    lami_plan_run(s->plan, 1, 1);
    s->progress = BACKWARDED;
    return LAM_OK;
}

lam_status lam_session_step(lam_session *s)
{
    if (s->progress != BACKWARDED)
        return lami_fail(LAM_EINVAL, "step comes after a backward");
    LAMI_FPU_SCOPE;
    s->plan->vars.lr = s->lr;
    lami_plan_run(s->plan, 2, 2);
    s->steps++;
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

lam_status lam_session_grad(const lam_session *s, const char *name, lam_tensor *value)
{
    const size_t i = lami_net_param_find(s->net, name);
    if (i == SIZE_MAX || !s->b.grad[i] || s->kind == LAMI_SESSION_TRAIN)
        return lami_fail(LAM_EINVAL, "%s: no gradient of that name", name);
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
    lami_plan_run(s->plan, 0, 0);
    s->progress = NOTHING; /* the input's place may have been taken */
    *scores = lami_plan_address(s->plan, s->b.scores);
    return LAM_OK;
}

static int is_right(const lam_session *s, const void *scores, size_t sample, size_t label)
{
    const size_t classes = s->net->classes;
    size_t best = 0;
    double top = 0;
    for (size_t j = 0; j < classes; j++) {
        const double x = lami_real_at(scores, s->net->dtype, sample * classes + j);
        if (x != x)
            return 0;
        if (!j || x > top) {
            top = x;
            best = j;
        }
    }
    return best == label;
}

lam_status lami_session_measure(double *loss_sum, size_t *right, const void **scores_out, lam_session *s)
{
    const void *scores = NULL;
    if (s->kind != LAMI_SESSION_MEASURE)
        return lami_fail(LAM_EINVAL, "this session does not measure");
    LAM_TRY(lami_session_scores(&scores, s));
    const void *losses = lami_plan_address(s->plan, s->b.losses);
    const int32_t *labels = lami_plan_address(s->plan, s->b.labels);
    *loss_sum = 0;
    *right = 0;
    for (size_t i = 0; i < s->plan->samples; i++) {
        *loss_sum += lami_real_at(losses, s->net->dtype, i);
        *right += (size_t)is_right(s, scores, i, (size_t)labels[i]);
    }
    if (scores_out)
        *scores_out = scores;
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
    lam_status status = load_tensors(s, x, NULL);
    if (!status)
        status = lami_session_scores(&result, s);
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

uint64_t lami_session_steps(const lam_session *s)
{
    return s->steps;
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

lami_plan *lami_session_plan(lam_session *s)
{
    return s->plan;
}
