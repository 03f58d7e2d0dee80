/* session: made, freed, and asked about itself. */
#include "session.h"

#include <stddef.h>
#include <string.h>

#include "../core/fpu.h"
#include "../core/mem.h"
#include "../core/parallel.h"
#include "session_parts.h"

static void bind_blocks(lam_session *s)
{
    const lam_net *net = s->net;
    const size_t size = lami_dtype_size(net->dtype);
    for (size_t i = 0; i < net->params; i++) {
        lami_plan_bind(s->plan, s->b.param[i], lami_net_values(net, i));
        for (int k = 0; k < LAMI_MAX_SLOTS && s->b.state[k][i]; k++)
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
    LAM_TRY(lami_record_net(s->plan, &s->b, net, &(lami_recipe) { s->kind, s->options, s->rule }));
    LAM_TRY(lami_plan_finish(s->plan));
    s->plan->vars.dropout_seed = lami_option_given(s->options, offsetof(lam_options, dropout_seed))
                                     ? s->options->dropout_seed
                                     : s->options->seed;
    bind_blocks(s);
    return LAM_OK;
}

/* Memory for what the parameters' update rules keep. */
static lam_status make_slots(lam_session *s)
{
    for (size_t i = 0; i < s->net->params; i++)
        for (int k = 0; s->rule[i].optim && s->rule[i].optim->slot[k]; k++) {
            if (s->state[k])
                continue;
            s->slot[k] = s->rule[i].optim->slot[k];
            LAM_TRY(lami_pages_new(&s->state[k], s->state_bytes));
        }
    return LAM_OK;
}

static lam_status make_state(lam_session *s)
{
    LAM_TRY(lami_param_rules(&s->rule, s->net, s->options));
    s->lr = lami_option_given(s->options, offsetof(lam_options, lr)) ? s->options->lr
                                                                     : lami_optim_default_lr(s->options->optim);
    if (s->options->label_smoothing > 0 && !s->net->loss->smooths)
        return lami_fail(LAM_EOPTION, "--label-smoothing is for softmax, not for %s", s->net->loss->name);
    s->state_bytes = s->net->values_count * lami_dtype_size(s->net->dtype);
    LAM_TRY(make_slots(s));
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

/* ---- for the solver, checks and describe ---- */

size_t lami_session_batch(const lam_session *s)
{
    return s->plan->max_samples;
}

void *lami_session_state(const lam_session *s, size_t slot, const char **name)
{
    if (slot >= LAMI_MAX_SLOTS || !s->state[slot])
        return NULL;
    *name = s->slot[slot];
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
