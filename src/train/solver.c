/* solver: see solver.h. What a step computes depends on options, data, seed and the number of the step alone;
 * everything else that a later step depends on is in lami_state (checkpoint.h), the network and the session. The
 * evaluation at the very end of a training that stops inside an epoch comes after the last checkpoint, so that a run
 * which is made longer later goes on as if it had never stopped. */
#include "solver.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <time.h>

#include "../core/fpu.h"
#include "../core/mem.h"
#include "../core/random.h"
#include "../net/views.h"
#include "../optim/optim.h"
#include "advice.h"
#include "checkpoint.h"
#include "loader.h"
#include "metrics.h"
#include "prepare.h"
#include "recompute.h"
#include "run.h"
#include "schedule.h"

enum { MEASURED_SAMPLES = 1000 };      /* of the training part, each epoch; the course's number */
static const double save_seconds = 60; /* default of save-every */

/* When to write a checkpoint: whichever is not 0. */
typedef struct interval {
    double seconds;
    uint64_t steps, epochs;
    int every_step; /* "0s" */
} interval;

struct lami_solver {
    lam_net *net;
    const lam_data *data;
    lam_options *options; /* resolved */
    lam_net kept;         /* net, but with the average of the weights where there is one: what is measured and kept */
    lam_session *session, *measure;
    lami_state state;
    lami_run run;
    int keeps, ran;   /* a run folder is kept; lami_solver_run has been called */
    int best_changed; /* since best.safetensors was written */
    size_t batch, per_epoch, chosen_count;
    int limited; /* by a number of steps: */
    uint64_t steps;
    double time_limit; /* seconds, INFINITY for none */
    interval save;
    uint32_t *chosen; /* samples that training accuracy is measured on */
    lami_loader *loader;
    lami_batch_rows rows; /* of what is measured */
    double *class_weight; /* NULL: none */
    lami_schedule schedule;
    lami_advice advice;
    double began, seconds_before, saved_at; /* clock; seconds used by earlier processes; clock of the last checkpoint */
    double step_seconds;                    /* time in steps alone, for samples per second */
    uint64_t first_step;                    /* of this process */
};

/* Seconds on a clock that only goes forward. */
static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static size_t part_count(const lami_solver *s, lam_part part)
{
    return s->data->part[part].count;
}

/* ---- options ---- */

static lam_status parse_save_every(interval *save, const char *text)
{
    *save = (interval) { .seconds = save_seconds };
    if (!text)
        return LAM_OK;
    *save = (interval) { 0 };
    if (lami_parse_unit(&save->steps, text, "steps") || lami_parse_unit(&save->epochs, text, "epochs"))
        return LAM_OK;
    if (lami_parse_seconds(&save->seconds, "save-every", text))
        return lami_fail(LAM_EOPTION, "--save-every: \"%.64s\" is not an interval such as 30s, 5m, 500steps or 1epochs",
                         text);
    save->every_step = save->seconds == 0;
    return LAM_OK;
}

/* How long to train: --steps, else --epochs, unless --time alone was given. */
static void set_limit(lami_solver *s)
{
    const lam_options *o = s->options;
    s->limited = 1;
    if (o->steps != LAMI_NO_SIZE)
        s->steps = o->steps;
    else if (lami_option_given(o, offsetof(lam_options, epochs)) || !o->time) {
        const double steps = floor(o->epochs * (double)s->per_epoch + 0.5);
        s->steps = steps >= 1 ? (uint64_t)steps : o->epochs > 0;
    } else
        s->limited = 0;
}

static lam_status set_text_options(lami_solver *s)
{
    s->time_limit = INFINITY;
    if (s->options->time)
        LAM_TRY(lami_parse_seconds(&s->time_limit, "time", s->options->time));
    LAM_TRY(parse_save_every(&s->save, s->options->save_every));
    if (s->options->patience && !part_count(s, LAM_VAL))
        return lami_fail(LAM_EOPTION, "--patience needs a validation part (--val)");
    return LAM_OK;
}

/* Defaults that depend on something else become explicit. */
static lam_status resolve(lam_options *options, const lam_net *net)
{
    if (options->lr < 0)
        LAM_TRY(lam_options_set_real(options, "lr", lami_optim_default_lr(options->optim)));
    if (options->weight_decay < 0)
        LAM_TRY(lam_options_set_real(options, "weight-decay", lami_optim_default_weight_decay(options->optim)));
    LAM_TRY(lami_schedule_resolve(options));
    if (!lami_option_given(options, offsetof(lam_options, epochs)) && options->steps == LAMI_NO_SIZE && !options->time)
        LAM_TRY(lam_options_set_real(options, "epochs", options->epochs));
    return lam_options_set(options, "dtype", lami_dtype_name(net->dtype));
}

/* ---- setting up ---- */

static lam_status check_data(const lam_net *net, const lam_data *data)
{
    const size_t n = data->part[LAM_TRAIN].count;
    LAM_TRY(lami_check_fit(net, data));
    if (!n || data->unlabeled)
        return lami_fail(LAM_ESHAPE, "the data has no training samples%s", n ? " with labels" : "");
    return n < UINT32_MAX ? LAM_OK
                          : lami_fail(LAM_ESHAPE, "%zu training samples are more than the %zu supported", n,
                                      (size_t)UINT32_MAX - 1);
}

/* Sessions for at most a whole training part. */
static lam_status open_sessions(lami_solver *s)
{
    lam_options *options = NULL;
    LAM_TRY(lami_options_copy(&options, s->options));
    lam_status status = lam_options_set_real(options, "batch", (double)s->batch);
    if (!status)
        status = lam_options_set(options, "tta", "none"); /* the scores at the end are others' */
    if (!status)
        status = lami_session_make(&s->session, s->net, options, LAMI_SESSION_TRAIN);
    s->kept = *s->net;
    if (!status && lami_session_average(s->session))
        s->kept.values = lami_session_average(s->session);
    if (!status)
        status = lami_session_make(&s->measure, &s->kept, options, LAMI_SESSION_MEASURE);
    lam_options_free(options);
    return status;
}

static lam_status set_up(lami_solver *s)
{
    const size_t n = part_count(s, LAM_TRAIN);
    s->batch = s->options->batch < n ? s->options->batch : n;
    s->per_epoch = n / s->batch / s->options->accumulate;
    if (!s->per_epoch)
        return lami_fail(LAM_EOPTION, "--accumulate %zu: so many batches of %zu are more than the %zu training samples",
                         s->options->accumulate, s->batch, n);
    s->chosen_count = n < MEASURED_SAMPLES ? n : MEASURED_SAMPLES;
    LAM_TRY(set_text_options(s));
    LAM_TRY(lami_views_check(&s->net->input, s->options->tta));
    LAM_TRY(lami_recompute_check(s->net, s->options));
    set_limit(s);
    const uint64_t length = s->steps ? s->steps : 1; /* --epochs 0: some length, never used */
    LAM_TRY(lami_schedule_set(&s->schedule, s->options, s->limited ? length : 0, s->per_epoch));
    LAM_TRY(lami_class_weights(&s->class_weight, s->data, s->options->class_weight));
    lami_advice_new(&s->advice, s->net, s->data);
    LAM_TRY(open_sessions(s));
    s->chosen = lami_alloc(s->chosen_count, sizeof *s->chosen);
    if (!s->chosen)
        return LAM_ENOMEM;
    LAM_TRY(lami_batch_rows_new(&s->rows, s->batch));
    LAM_TRY(lami_loader_new(&s->loader, s->data, s->options, s->batch, s->per_epoch, s->class_weight));
    if (part_count(s, LAM_VAL) && !s->state.best) {
        s->state.best = lami_alloc(s->net->values_count, lami_dtype_size(s->net->dtype));
        if (!s->state.best)
            return LAM_ENOMEM;
    }
    return LAM_OK;
}

static lami_solver *solver_alloc(void)
{
    lami_solver *s = lami_alloc(1, sizeof *s);
    if (s)
        s->run = (lami_run) { .lock_fd = -1, .log_fd = -1, .extra_fd = -1 };
    return s;
}

void lami_solver_free(lami_solver *s)
{
    if (!s)
        return;
    lam_session_free(s->session);
    lam_session_free(s->measure);
    lami_state_free(&s->state);
    lami_run_close(&s->run);
    lam_options_free(s->options);
    lami_free(s->chosen);
    lami_loader_free(s->loader);
    lami_batch_rows_free(&s->rows);
    lami_free(s->class_weight);
    lami_free(s);
}

/* ---- the run folder ---- */

/* The last weights are the best ones where nothing measures them. */
static const void *best_values(const lami_solver *s)
{
    if (!part_count(s, LAM_VAL))
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

/* config, log, checkpoint, in this order: a folder without checkpoint is one that never began. */
static lam_status begin_run(lami_solver *s)
{
    LAM_TRY(lami_run_create(&s->run, s->options->out));
    s->keeps = 1;
    s->best_changed = 1; /* a training of no steps has a model, too */
    LAM_TRY(lami_run_put_config(&s->run, s->options, s->data->path, s->net->notation));
    LAM_TRY(lami_run_relog(&s->run, NULL, 0));
    return lami_checkpoint_write(s->run.checkpoint, s->net, s->session, &s->state);
}

lam_status lami_solver_new(lami_solver **out, lam_net *net, const lam_data *data, const lam_options *options)
{
    *out = NULL;
    lam_status status = LAM_ENOMEM;
    const int had_prep = !!net->prep.text, had_units = net->units.count > 0;
    lami_solver *s = solver_alloc();
    if (!s)
        return LAM_ENOMEM;
    s->net = net;
    s->data = data;
    s->state = (lami_state) { .loss = NAN, .train_accuracy = NAN, .val_accuracy = NAN, .best_accuracy = NAN };
    LAM_TRY_DONE(check_data(net, data));
    LAM_TRY_DONE(lami_options_copy(&s->options, options));
    LAM_TRY_DONE(resolve(s->options, net));
    LAM_TRY_DONE(lami_prepare_net(net, data, s->options));
    LAM_TRY_DONE(set_up(s));
    s->state.data = lami_describe_data(data);
    if (!s->state.data) {
        status = LAM_ENOMEM;
        goto done;
    }
    if (s->options->out && !s->options->no_save)
        LAM_TRY_DONE(begin_run(s));
    s->run.values = lami_predicts_values(net, data);
    LAM_TRY_DONE(lami_run_open_extra(&s->run, s->options->log, NULL, 0));
    *out = s;
    s = NULL;
done:
    lami_solver_free(s);
    if (status && !had_prep) /* so that another try may choose another one */
        lami_prep_free(&net->prep);
    if (status && !had_units)
        lami_net_set_units(net, 0);
    return status;
}

static lam_status check_same_data(const lami_solver *s, const char *run)
{
    lam_status status = LAM_OK;
    char *is = lami_describe_data(s->data);
    if (!is)
        return LAM_ENOMEM;
    if (strcmp(is, s->state.data))
        status = lami_fail(LAM_ESHAPE, "%s was started on other data: %s; now: %s", run, s->state.data, is);
    lami_free(is);
    return status;
}

static lam_status check_position(const lami_solver *s)
{
    const lami_state *t = &s->state;
    if (t->epoch != t->step / s->per_epoch || (t->best_known && !part_count(s, LAM_VAL)))
        return lami_fail(LAM_EFORMAT, "%s: damaged checkpoint: its counts do not fit the data", s->run.checkpoint);
    return LAM_OK;
}

static lam_status resume(lami_solver *s, lam_net **net, const char *run, const lam_options *options)
{
    lam_status status = LAM_OK;
    lami_st_in *in = NULL;
    char *data_path = NULL;
    LAM_TRY_DONE(lami_run_open(&s->run, run));
    LAM_TRY_DONE(lami_run_config(&s->options, &data_path, run));
    LAM_TRY_DONE(lami_run_merge(s->options, options));
    LAM_TRY_DONE(lami_st_in_open(&in, s->run.checkpoint));
    LAM_TRY_DONE(lami_checkpoint_read(&s->state, net, in, s->run.checkpoint));
    s->net = *net;
    LAM_TRY_DONE(check_data(s->net, s->data));
    LAM_TRY_DONE(check_same_data(s, run));
    LAM_TRY_DONE(resolve(s->options, s->net));
    LAM_TRY_DONE(set_up(s));
    LAM_TRY_DONE(check_position(s));
    LAM_TRY_DONE(lami_checkpoint_read_rule(s->session, s->net, &s->state, in, s->run.checkpoint));
    s->keeps = 1;
    s->best_changed = 1; /* what is there may be newer than the checkpoint, or older */
    s->seconds_before = s->state.seconds;
    LAM_TRY_DONE(lami_run_put_config(&s->run, s->options, data_path, s->net->notation));
    s->run.values = lami_predicts_values(s->net, s->data);
    LAM_TRY_DONE(lami_run_relog(&s->run, s->state.history, s->state.entries));
    status = lami_run_open_extra(&s->run, options ? options->log : NULL, s->state.history, s->state.entries);
done:
    lami_st_in_close(in);
    lami_free(data_path);
    return status;
}

lam_status lami_solver_resume(lami_solver **out, lam_net **net, const char *run, const lam_data *data,
                              const lam_options *options)
{
    *out = NULL;
    *net = NULL;
    lami_solver *s = solver_alloc();
    if (!s)
        return LAM_ENOMEM;
    s->data = data;
    const lam_status status = resume(s, net, run, options);
    if (status) {
        lami_solver_free(s);
        lam_net_free(*net);
        *net = NULL;
        return status;
    }
    *out = s;
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
    const size_t n = part_count(s, LAM_TRAIN);
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
    const int validated = part_count(s, LAM_VAL) > 0;
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
    if (part_count(s, LAM_VAL)) {
        LAM_TRY(lami_measure(&m, s->measure, s->net, s->data, LAM_VAL, NULL, part_count(s, LAM_VAL)));
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
    s->best_changed |= !part_count(s, LAM_VAL);
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

const lam_options *lami_solver_options(const lami_solver *s)
{
    return s->options;
}

const lami_history *lami_solver_history(const lami_solver *s, size_t *count)
{
    *count = s->state.entries;
    return s->state.history;
}

lam_status lam_train(lam_net *net, const lam_data *data, const lam_options *options, lam_callback callback, void *arg)
{
    LAMI_FPU_SCOPE;
    if (!net || !data)
        return lami_fail(LAM_EINVAL, "lam_train: NULL argument");
    lami_solver *solver = NULL;
    LAM_TRY(lami_solver_new(&solver, net, data, options));
    const lam_status status = lami_solver_run(NULL, solver, callback, arg);
    lami_solver_free(solver);
    return status;
}

lam_status lam_resume(lam_net **net, const char *run, const lam_data *data, const lam_options *options,
                      lam_callback callback, void *arg)
{
    LAMI_FPU_SCOPE;
    if (!net || !run || !data)
        return lami_fail(LAM_EINVAL, "lam_resume: NULL argument");
    lami_solver *solver = NULL;
    LAM_TRY(lami_solver_resume(&solver, net, run, data, options));
    const lam_status status = lami_solver_run(NULL, solver, callback, arg);
    lami_solver_free(solver);
    if (status) {
        lam_net_free(*net);
        *net = NULL;
    }
    return status;
}
