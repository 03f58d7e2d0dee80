/* session_score: inference: the scores of a batch, and their losses. */
#include <math.h>
#include <string.h>

#include "../core/fpu.h"
#include "session_parts.h"

lam_status lami_session_scores(const void **scores, lam_session *s)
{
    if (s->progress == LAMI_NOTHING)
        return lami_fail(LAM_EINVAL, "no batch is loaded");
    LAMI_FPU_SCOPE;
    if (s->changes != s->net->changes || s->net->viewed)
        lami_plan_forget(s->plan);
    s->changes = s->net->changes;
    lami_plan_run(s->plan, 0, 0);
    s->progress = LAMI_NOTHING; /* the input's place may have been taken */
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
        *loss_sum = s->kind == LAMI_SESSION_MEASURE ? lami_session_sum(s, s->b.own.losses, s->plan->samples) : NAN;
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
    lam_status status = lami_session_tensors(&batch, s, x, NULL);
    if (!status)
        status = lami_session_score(&result, NULL, s, &batch);
    if (!status)
        memcpy(scores->data, result, n * s->net->classes * lami_dtype_size(s->net->dtype));
    return status;
}
