/* solver_loop: a training runs. What a step computes depends on options, data, seed and the number of the step alone;
 * everything else that a later step depends on is in lami_state (checkpoint.h), the network and the session. The
 * evaluation at the very end of a training that stops inside an epoch comes after the last checkpoint, so that a run
 * which is made longer later goes on as if it had never stopped. */
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <time.h>

#include "../core/random.h"
#include "metrics.h"
#include "recompute.h"
#include "solver_parts.h"

/* Seconds on a clock that only goes forward. */
static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- the run folder ---- */

/* The last weights are the best ones where nothing measures them. */
static const void *best_values(const lami_solver *s)
{
    if (!lami_solver_samples(s, LAM_VAL))
        return s->kept.values;
    return s->state.best_known ? s->state.best : NULL;
}

static lam_status save_best(lami_solver *s)
{
    const void *values = best_values(s);
    if (!s->keeps || !values || !s->best_changed)
        return LAM_OK;
    LAM_TRY(lami_model_save(s->net, values, s->run.best));
    s->best_changed = 0;
    return LAM_OK;
}

static double seconds_used(const lami_solver *s)
{
    return s->seconds_before + (now() - s->began);
}

/* Weights that the next step would fail on, as after a step whose own loss was finite still, are never kept. */
static lam_status check_weights(const lami_solver *s)
{
    const char *bad = lami_net_not_finite(s->net);
    return bad ? lami_fail(LAM_EDIVERGED, "%s is not finite any more after step %" PRIu64, bad, s->state.step) : LAM_OK;
}

static lam_status save(lami_solver *s)
{
    LAM_TRY(check_weights(s));
    if (!s->keeps)
        return LAM_OK;
    s->state.seconds = seconds_used(s);
    LAM_TRY(lami_checkpoint_write(s->run.checkpoint, s->net, s->session, &s->state));
    LAM_TRY(save_best(s));
    s->saved_at = now();
    return LAM_OK;
}

/* ---- a step ---- */

static double learning_rate(lami_solver *s)
{
    return lami_schedule_lr(&s->schedule, s->state.step);
}

static lam_status train_step(lami_solver *s)
{
    lami_state *t = &s->state;
    double sum = 0;
    LAM_TRY(lam_session_set_lr(s->session, learning_rate(s)));
    for (size_t k = 0; k < s->options->accumulate; k++) {
        double loss = 0;
        const lami_batch batch = lami_loader_next(s->loader, s->state.step, k);
        LAM_TRY(lami_session_load(s->session, &batch));
        LAM_TRY(lami_session_train(&loss, s->session));
        sum += loss;
    }
    t->step++;
    t->loss = sum / (double)s->options->accumulate;
    t->entry_loss += t->loss;
    t->entry_steps++;
    return LAM_OK;
}

/* ---- evaluation ---- */

/* chosen_count different samples, in stored order: sample i is taken with probability (still wanted) / (still left).
 * Knuth, The Art of Computer Programming 2, 3.4.2, algorithm S. */
static void choose_measured(lami_solver *s)
{
    const size_t n = lami_solver_samples(s, LAM_TRAIN);
    const lami_rng rng = lami_rng_make(s->options->seed, LAMI_RNG_SAMPLE, 0, (uint32_t)s->state.epoch);
    size_t have = 0;
    for (size_t i = 0; have < s->chosen_count; i++)
        if ((double)(n - i) * lami_rng_uniform(&rng, i) < (double)(s->chosen_count - have))
            s->chosen[have++] = (uint32_t)i;
}

/* Is this the best so far? The weights are kept with their running statistics. */
static void keep_best(lami_solver *s)
{
    lami_state *t = &s->state;
    const int validated = lami_solver_samples(s, LAM_VAL) > 0;
    const double accuracy = validated ? t->val_accuracy : t->train_accuracy;
    if (!isnan(t->best_accuracy) && !(accuracy > t->best_accuracy))
        return;
    t->best_accuracy = accuracy;
    t->best_epoch = t->epoch;
    if (!validated)
        return;
    memcpy(t->best, s->kept.values, s->net->values_count * lami_dtype_size(s->net->dtype));
    t->best_known = 1;
    s->best_changed = 1;
}

/* Accuracies, best weights, and a line of history. lr: of the steps that it is about. */
static lam_status evaluate(lami_solver *s, double lr)
{
    lami_state *t = &s->state;
    lam_metrics m = { 0 };
    choose_measured(s);
    LAM_TRY(lami_measure(&m, s->measure, s->net, s->data, LAM_TRAIN, s->chosen, s->chosen_count));
    t->train_accuracy = lami_score(&m);
    if (lami_solver_samples(s, LAM_VAL)) {
        LAM_TRY(lami_measure(&m, s->measure, s->net, s->data, LAM_VAL, NULL, lami_solver_samples(s, LAM_VAL)));
        t->val_accuracy = lami_score(&m);
    }
    keep_best(s);
    const lami_history entry = { .epoch = (size_t)t->epoch,
                                 .step = (size_t)t->step,
                                 .loss = t->entry_steps ? t->entry_loss / (double)t->entry_steps : t->loss,
                                 .train_accuracy = t->train_accuracy,
                                 .val_accuracy = t->val_accuracy,
                                 .lr = lr,
                                 .seconds = seconds_used(s) };
    LAM_TRY(lami_state_add(t, &entry));
    t->entry_loss = 0;
    t->entry_steps = 0;
    const size_t looked_at = s->chosen_count < s->batch ? s->chosen_count : s->batch;
    const lami_batch batch = lami_gather(&s->rows, s->data, LAM_TRAIN, s->chosen, 0, looked_at, NULL);
    LAM_TRY(lami_advice_epoch(&s->advice, s->measure, &batch, entry.loss, lr));
    return lami_run_log(&s->run, &entry);
}

static int is_measured(const lami_solver *s)
{
    return s->state.entries && s->state.history[s->state.entries - 1].step == s->state.step;
}

/* ---- the loop ---- */

static int is_finished(const lami_solver *s)
{
    const lami_state *t = &s->state;
    if (s->limited && t->step >= s->steps)
        return 1;
    if (s->options->patience && t->best_known && t->epoch - t->best_epoch >= s->options->patience)
        return 1;
    return s->time_limit < INFINITY && seconds_used(s) >= s->time_limit;
}

static int is_save_due(const lami_solver *s, int epoch_end)
{
    if (!s->keeps)
        return 0;
    if (s->save.steps)
        return s->state.step % s->save.steps == 0;
    if (s->save.epochs)
        return epoch_end && s->state.epoch % s->save.epochs == 0;
    return s->save.every_step || now() - s->saved_at >= s->save.seconds;
}

static double samples_per_second(const lami_solver *s)
{
    const double samples = (double)(s->state.step - s->first_step) * (double)s->batch * (double)s->options->accumulate;
    return s->step_seconds > 0 ? samples / s->step_seconds : 0;
}

static int report(lami_solver *s, double lr, lam_callback callback, void *arg)
{
    const lami_state *t = &s->state;
    if (!callback)
        return 0;
    const lam_progress progress = { .step = (size_t)t->step,
                                    .steps = s->limited ? (size_t)s->steps : 0,
                                    .epoch = (size_t)t->epoch,
                                    .epochs = s->limited ? (size_t)((s->steps + s->per_epoch - 1) / s->per_epoch) : 0,
                                    .epoch_end = is_measured(s),
                                    .loss = t->loss,
                                    .train_accuracy = t->train_accuracy,
                                    .val_accuracy = t->val_accuracy,
                                    .values = s->run.values,
                                    .best_accuracy = t->best_accuracy,
                                    .lr = lr,
                                    .seconds = now() - s->began,
                                    .samples_per_second = samples_per_second(s),
                                    .warning = lami_advice_take(&s->advice) };
    return callback(&progress, arg);
}

/* A step and what follows it. *stop: 1 the training is over, 2 the callback ended it. */
static lam_status advance(int *stop, lami_solver *s, lam_callback callback, void *arg)
{
    const double lr = learning_rate(s), before = now();
    LAM_TRY(train_step(s));
    s->step_seconds += now() - before;
    if (s->state.step == 1 && !s->options->start)
        lami_advice_begin(&s->advice, lami_session_data_loss(s->session), s->state.loss);
    s->best_changed |= !lami_solver_samples(s, LAM_VAL);
    const int epoch_end = s->state.step % s->per_epoch == 0;
    if (epoch_end) {
        s->state.epoch++;
        LAM_TRY(evaluate(s, lr));
    }
    if (is_finished(s)) {
        *stop = 1;
        LAM_TRY(save(s));
        if (!epoch_end)
            LAM_TRY(evaluate(s, lr));
        report(s, lr, callback, arg);
        return LAM_OK;
    }
    *stop = report(s, lr, callback, arg) ? 2 : 0;
    return *stop || is_save_due(s, epoch_end) ? save(s) : LAM_OK;
}

/* The best weights, now the network's, get running statistics of their own. The sessions are over: their memory goes. */
static lam_status recompute(lami_solver *s)
{
    if (!s->options->bn_recompute)
        return LAM_OK;
    s->kept.values = s->net->values;
    lam_session_free(s->session);
    lam_session_free(s->measure);
    s->session = s->measure = NULL;
    s->best_changed = 1;
    return lami_recompute(s->net, s->data, s->options);
}

/* The network becomes the best one; the digests say which. */
static lam_status finish(lami_result *result, lami_solver *s, int stopped)
{
    const lami_state *t = &s->state;
    const void *best = best_values(s), *values = best ? best : s->kept.values;
    *result = (lami_result) { .steps = (size_t)t->step,
                              .epochs = (size_t)t->epoch,
                              .loss = t->loss,
                              .train_accuracy = t->train_accuracy,
                              .val_accuracy = t->val_accuracy,
                              .best_accuracy = t->best_accuracy,
                              .seconds = seconds_used(s),
                              .samples_per_second = samples_per_second(s),
                              .stopped = stopped };
    LAM_TRY(lami_net_digest(s->net, s->net->values, result->weights_sha256));
    if (values != s->net->values)
        memcpy(s->net->values, values, s->net->values_count * lami_dtype_size(s->net->dtype));
    LAM_TRY(recompute(s));
    s->net->changes++;
    if (s->keeps && best && s->best_changed)
        LAM_TRY(lami_model_save(s->net, s->net->values, s->run.best));
    return lami_net_digest(s->net, s->net->values, result->best_sha256);
}

lam_status lami_solver_run(lami_result *result, lami_solver *s, lam_callback callback, void *arg)
{
    lami_result ignored;
    int stop = 0;
    if (s->ran)
        return lami_fail(LAM_EINVAL, "lami_solver_run: has run already");
    s->ran = 1;
    s->began = s->saved_at = now();
    s->first_step = s->state.step;
    if (is_finished(s)) { /* nothing left to do: a run that had come to its end, or no steps asked for */
        stop = 1;
        if (!is_measured(s))
            LAM_TRY(evaluate(s, learning_rate(s)));
    }
    while (!stop)
        LAM_TRY(advance(&stop, s, callback, arg));
    return finish(result ? result : &ignored, s, stop == 2);
}
