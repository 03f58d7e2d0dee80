/* session_load: a batch into a session: samples preprocessed and mixed, answers checked and put as the loss wants them. */
#include "../core/fpu.h"
#include "../core/parallel.h"
#include "mix.h"
#include "session_parts.h"

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

/* May inference read the samples where they are? They are as the network takes them, one after another. */
static int fit_as_they_are(const lam_session *s, const lami_batch *b, size_t size)
{
    const lam_shape *input = &s->net->input;
    if (lami_trains(s->kind) || s->look || b->mix > 0 || b->type != s->net->dtype || s->net->prep.count ||
        (lami_rows(input) > 1 && lami_cols(input) > 1) || s->b.scores == s->b.input)
        return 0;
    for (size_t i = 1; i < b->n; i++)
        if ((const char *)b->x[i] != (const char *)b->x[0] + i * size)
            return 0;
    return 1;
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
    const int lent = fit_as_they_are(s, b, job.size);
    if (!lami_trains(s->kind))
        lami_plan_lend(s->plan, s->b.input, lent ? b->x[0] : job.to);
    if (!lent)
        lami_parallel_run(s->plan->threads, 0, b->mix > 0 ? 2 : 1, load_tasks, load_task, &job);
    s->progress = LAMI_LOADED;
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

lam_status lami_session_tensors(lami_batch *batch, lam_session *s, const lam_tensor *x, const lam_tensor *y)
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
