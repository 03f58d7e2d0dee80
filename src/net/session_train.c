/* session_train: a step of training: forward pass, loss, backward pass, update; and the gradients. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../core/fpu.h"
#include "session_parts.h"

double lami_session_sum(const lam_session *s, lami_buf b, size_t count)
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
        const double squares = lami_session_sum(s, s->b.sumsq[p], s->net->param[p].spec->cols);
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
    s->progress = LAMI_LOADED;
    if (s->steps)
        snprintf(advice, sizeof advice, "; a smaller --lr than %g may help", s->lr);
    return lami_fail(LAM_EDIVERGED,
                     "the loss is %s at step %llu; the first value that is not finite is in the output of %s%s",
                     loss != loss ? "not a number" : "infinite", (unsigned long long)s->steps + 1, name, advice);
}

static lam_status forward(double *loss, lam_session *s)
{
    if (s->progress == LAMI_NOTHING)
        return lami_fail(LAM_EINVAL, "no batch is loaded");
    const size_t each = s->options->accumulate, place = each > 1 ? s->batches : 0; /* of the batch in its step */
    s->plan->vars.step = (uint32_t)(s->steps * each + place);
    lami_plan_set_steps(s->plan, s->steps);
    lami_plan_run(s->plan, 0, 0);
    s->data_loss = data_loss_of(s);
    *loss = s->data_loss + l2_of(s);
    s->progress = LAMI_FORWARDED;
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
        if (s->b.norm[p] && !lami_is_over(s->rule[p].steps, s->steps))
            squares += lami_session_sum(s, s->b.norm[p], s->net->param[p].spec->cols);
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
    s->progress = LAMI_LOADED;
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
    lam_status status = lami_session_tensors(&batch, s, x, y);
    if (!status)
        status = lami_session_load(s, &batch);
    s->weighed = 0;
    if (!status)
        status = forward(loss, s);
    return status;
}

lam_status lam_session_backward(lam_session *s)
{
    if (s->progress != LAMI_FORWARDED)
        return lami_fail(LAM_EINVAL, "backward comes after a forward");
    LAMI_FPU_SCOPE;
    begin_sums(s);
    lami_plan_run(s->plan, 1, 1);
    s->batches = s->options->accumulate > 1 ? s->batches + 1 : 1;
    s->progress = LAMI_BACKWARDED;
    return LAM_OK;
}

lam_status lam_session_step(lam_session *s)
{
    if (s->progress != LAMI_BACKWARDED)
        return lami_fail(LAM_EINVAL, "step comes after a backward");
    LAMI_FPU_SCOPE;
    update(s);
    s->progress = LAMI_LOADED;
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
    if (s->progress != LAMI_BACKWARDED)
        return lami_fail(LAM_EINVAL, "%s: gradients are there after a backward", name);
    return lami_net_copy_out(s->net, i, lami_plan_address(s->plan, s->b.grad[i]), value);
}

/* ---- the update rule's state ---- */

static lam_status find_state(size_t *param, void **values, const lam_session *s, const char *name, const char *slot)
{
    if (!s || !name || !slot)
        return lami_fail(LAM_EINVAL, "lam_session_state, lam_session_set_state: NULL argument");
    if (!s->rule)
        return lami_fail(LAM_EINVAL, "this session is for inference");
    *param = lami_net_param_find(s->net, name);
    if (*param == SIZE_MAX || !s->net->param[*param].spec->trained)
        return lami_fail(LAM_EINVAL, "%s: no trained parameter of that name", name);
    const lami_optim *optim = s->rule[*param].optim;
    for (int k = 0; optim->slot[k]; k++)
        if (!strcmp(optim->slot[k], slot)) {
            *values = (char *)s->state[k] + s->net->param[*param].offset * lami_dtype_size(s->net->dtype);
            return LAM_OK;
        }
    return lami_fail(LAM_EINVAL, "%s: the update rule %s keeps no such state", slot, optim->name);
}

lam_status lam_session_state(const lam_session *s, const char *name, const char *slot, lam_tensor *value)
{
    size_t i;
    void *values;
    LAM_TRY(find_state(&i, &values, s, name, slot));
    return lami_net_copy_out(s->net, i, values, value);
}

lam_status lam_session_set_state(lam_session *s, const char *name, const char *slot, const lam_tensor *value)
{
    size_t i;
    void *values;
    LAM_TRY(find_state(&i, &values, s, name, slot));
    return lami_net_copy_in(s->net, i, values, value);
}

uint64_t lam_session_steps(const lam_session *s)
{
    return s->steps;
}

void lam_session_set_steps(lam_session *s, uint64_t steps)
{
    s->steps = steps;
}
