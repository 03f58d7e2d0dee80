/* solver: a training set up, from options or from a run folder. */
#include "solver.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "../core/fpu.h"
#include "../core/mem.h"
#include "../net/views.h"
#include "../optim/optim.h"
#include "metrics.h"
#include "prepare.h"
#include "recompute.h"
#include "solver_parts.h"

enum { MEASURED_SAMPLES = 1000 };      /* of the training part, each epoch; the course's number */
static const double save_seconds = 60; /* default of save-every */

/* ---- options ---- */

static lam_status parse_save_every(lami_interval *save, const char *text)
{
    *save = (lami_interval) { .seconds = save_seconds };
    if (!text)
        return LAM_OK;
    *save = (lami_interval) { 0 };
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
    if (s->options->patience && !lami_solver_samples(s, LAM_VAL))
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
    const size_t n = lami_solver_samples(s, LAM_TRAIN);
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
    if (lami_solver_samples(s, LAM_VAL) && !s->state.best) {
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
    if (t->epoch != t->step / s->per_epoch || (t->best_known && !lami_solver_samples(s, LAM_VAL)))
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

const lam_options *lami_solver_options(const lami_solver *s)
{
    return s->options;
}

const lami_history *lami_solver_history(const lami_solver *s, size_t *count)
{
    *count = s->state.entries;
    return s->state.history;
}

/* ---- the whole of it ---- */

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
