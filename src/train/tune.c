/* tune: see tune.h. Jobs are long tasks of one run of the pool: each takes a trial, trains, notes the result, and takes
 * the next. A training inside finds the pool taken, and runs on its own thread. All that jobs have in common is behind
 * one lock. */
#include "tune.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "../core/digest.h"
#include "../core/mem.h"
#include "../core/parallel.h"
#include "../core/random.h"

static const double watch_seconds = 0.2;
enum { LAYER_ORDER = 0xffffff }; /* of the random numbers that order a grid */

struct lami_tune {
    const lami_search *search;
    const lam_data *data;
    lami_space *space;
    lami_run run;
    int keeps;
    lam_data **fold; /* views, search->folds of them */
    lami_trials trials;
    lam_net *best_net;   /* of the best trial, if this process trained it */
    size_t jobs, wanted; /* trials at once, and in all */
    int by_time;         /* as many as fit into budget_seconds */
    double budget_seconds, seconds_before, began;
    uint32_t *order; /* of a grid's points, where a budget may cut it short; NULL: by index */
    /* shared by jobs, behind the lock */
    lami_lock lock;
    size_t next, running;
    double *fraction; /* done of each job's trial */
    double watched;   /* when watch was called */
    lam_status status;
    char message[LAMI_MESSAGE_MAX];
    lam_status first_failure; /* of the failed trial with the lowest index, first_failed */
    size_t first_failed;
    lami_tune_watch watch;
    void *arg;
    atomic_int stop; /* 1: asked for, or something failed */
    int asked;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double elapsed(const lami_tune *t)
{
    return t->seconds_before + (now() - t->began);
}

/* ---- one training ------------------------------------------------------------------------------------------------ */

lam_status lami_tune_trial(lam_options **out, char **notation, const lami_tune *t, size_t trial)
{
    lam_options *options = NULL;
    lam_status status;
    *out = NULL;
    *notation = NULL;
    LAM_TRY(lami_options_copy(&options, t->search->options));
    LAM_TRY_DONE(lam_options_set(options, "out", ""));
    LAM_TRY_DONE(lam_options_set(options, "log", ""));
    LAM_TRY_DONE(lam_options_set(options, "no-save", "1"));
    LAM_TRY_DONE(lami_space_apply(notation, options, t->space, trial));
    *out = options;
    options = NULL;
done:
    lam_options_free(options);
    return status;
}

/* Train a trial's network on data. callback NULL: only set it up. single: on one thread. *net is new. */
static lam_status train(lam_net **net, lami_result *result, const lami_tune *t, size_t trial, const lam_data *data,
                        int single, lam_callback callback, void *arg)
{
    lam_options *options = NULL;
    lami_solver *solver = NULL;
    char *notation = NULL;
    lam_status status;
    *net = NULL;
    LAM_TRY_DONE(lami_tune_trial(&options, &notation, t, trial));
    if (single)
        LAM_TRY_DONE(lam_options_set(options, "threads", "1"));
    LAM_TRY_DONE(lami_net_make_for(net, notation, data, options));
    LAM_TRY_DONE(lami_solver_new(&solver, *net, data, options));
    if (callback)
        status = lami_solver_run(result, solver, callback, arg);
done:
    lami_solver_free(solver);
    lam_options_free(options);
    lami_free(notation);
    if (status) {
        lam_net_free(*net);
        *net = NULL;
    }
    return status;
}

/* ---- telling ----------------------------------------------------------------------------------------------------- */

static double time_left(const lami_tune *t, double begun)
{
    const double mean = lami_trials_mean_seconds(&t->trials), budget = t->budget_seconds - elapsed(t);
    const double trials = ((double)t->wanted - (double)t->trials.count - begun) * mean / (double)t->jobs;
    if (t->budget_seconds <= 0)
        return trials;
    if (t->by_time || !(trials < budget))
        return budget > 0 ? budget : 0;
    return trials;
}

/* Inside the lock. */
static void tell(lami_tune *t, const lami_trial *finished, int last)
{
    double begun = 0;
    for (size_t j = 0; j < t->jobs; j++)
        begun += t->fraction[j];
    t->watched = now();
    if (!t->watch)
        return;
    const lami_tune_now where = { .done = t->trials.count,
                                  .failed = t->trials.failed,
                                  .running = t->running,
                                  .total = lami_tune_total(t),
                                  .begun = begun,
                                  .seconds = elapsed(t),
                                  .left = last ? (double)NAN : time_left(t, begun),
                                  .best = lami_trials_best(&t->trials),
                                  .finished = finished,
                                  .last = last };
    if (t->watch(&where, t->arg)) {
        t->asked = 1;
        atomic_store(&t->stop, 1);
    }
}

/* ---- jobs -------------------------------------------------------------------------------------------------------- */

typedef struct job {
    lami_tune *tune;
    size_t number;
    size_t parts, part; /* trainings of the trial: folds */
    double looked;
    int last;
} job;

static int on_step(const lam_progress *p, void *arg)
{
    job *j = arg;
    lami_tune *t = j->tune;
    const double time = now();
    if (time - j->looked >= watch_seconds) {
        j->looked = time;
        lami_lock_take(&t->lock);
        const double here = p->steps ? (double)p->step / (double)p->steps : 0;
        t->fraction[j->number] = ((double)j->part + here) / (double)j->parts;
        if (time - t->watched >= watch_seconds)
            tell(t, NULL, j->last);
        lami_lock_give(&t->lock);
    }
    return atomic_load_explicit(&t->stop, memory_order_relaxed);
}

/* What the folds gave, into their trial. */
static void combine(lami_trial *trial, const lami_result *fold, size_t folds)
{
    const double n = (double)folds;
    lami_digest weights, best;
    double squares = 0;
    lami_digest_start(&weights);
    lami_digest_start(&best);
    trial->score = trial->train_score = trial->loss = trial->samples_per_second = 0;
    for (size_t k = 0; k < folds; k++) {
        trial->score += fold[k].val_accuracy / n;
        trial->train_score += fold[k].train_accuracy / n;
        trial->loss += fold[k].loss / n;
        trial->samples_per_second += fold[k].samples_per_second / n;
        trial->epochs += fold[k].epochs;
        trial->steps += fold[k].steps;
        lami_digest_add(&weights, fold[k].weights_sha256, 64);
        lami_digest_add(&best, fold[k].best_sha256, 64);
    }
    for (size_t k = 0; k < folds; k++)
        squares += (fold[k].val_accuracy - trial->score) * (fold[k].val_accuracy - trial->score);
    trial->deviation = sqrt(squares / (n - 1));
    lami_digest_end(&weights, trial->weights_sha256);
    lami_digest_end(&best, trial->best_sha256);
}

static void take_result(lami_trial *trial, const lami_result *r)
{
    trial->score = r->best_accuracy;
    trial->train_score = r->train_accuracy;
    trial->loss = r->loss;
    trial->epochs = r->epochs;
    trial->steps = r->steps;
    trial->samples_per_second = r->samples_per_second;
    memcpy(trial->weights_sha256, r->weights_sha256, sizeof r->weights_sha256);
    memcpy(trial->best_sha256, r->best_sha256, sizeof r->best_sha256);
}

/* The trainings of a trial. *net: of the only one; NULL with folds. *stopped: before its end. */
static lam_status try_it(lami_trial *trial, lam_net **net, int *stopped, job *j)
{
    lami_tune *t = j->tune;
    const size_t folds = t->search->folds;
    const int single = t->jobs > 1;
    lami_result *result = lami_alloc(j->parts, sizeof *result);
    lam_status status = result ? LAM_OK : LAM_ENOMEM;
    for (j->part = 0; j->part < j->parts && !status && !*stopped; j->part++) {
        lami_result *r = &result[j->part];
        lam_net_free(*net);
        status = train(net, r, t, trial->index, folds ? t->fold[j->part] : t->data, single, on_step, j);
        *stopped = r->stopped;
    }
    if (!status && !*stopped && folds)
        combine(trial, result, folds);
    else if (!status && !*stopped)
        take_result(trial, result);
    if (!status && !*stopped && !isfinite(trial->score))
        status = lami_fail(LAM_EDIVERGED, "its score is not finite");
    if (status || folds) {
        lam_net_free(*net);
        *net = NULL;
    }
    lami_free(result);
    return status;
}

/* Failures of the machine, in contrast to those of a trial. */
static int is_fatal(lam_status status)
{
    return status == LAM_ENOMEM || status == LAM_EWRITE || status == LAM_EBUSY;
}

/* The first line of this thread's message, yours. */
static char *error_text(void)
{
    const char *message = lam_last_error();
    return lami_strndup(message, strcspn(message, "\n"));
}

/* Inside the lock. The model comes before the line, so that no line stands for a model that is not there. */
static lam_status note(lami_tune *t, lami_trial *trial, lam_net **net)
{
    const lami_trial *best = lami_trials_best(&t->trials);
    const int better = !trial->error && (!best || lami_trial_better(trial, best));
    trial->elapsed = elapsed(t);
    if (better && *net) {
        lam_net_free(t->best_net);
        t->best_net = *net;
        *net = NULL;
        if (t->keeps)
            LAM_TRY(lami_model_save(t->best_net, t->best_net->values, t->run.best));
    }
    if (t->keeps)
        LAM_TRY(lami_trials_put(&t->run, trial, t->space));
    return lami_trials_add(&t->trials, trial);
}

/* Inside the lock: what this thread's last failure was ends the search. */
static void give_up(lami_tune *t, lam_status status)
{
    if (!t->status) {
        t->status = status;
        strncpy(t->message, lam_last_error(), sizeof t->message - 1);
    }
    atomic_store(&t->stop, 1);
}

static void run_trial(job *j, size_t index)
{
    lami_tune *t = j->tune;
    lami_trial trial = { .index = index, .score = NAN, .deviation = NAN, .train_score = NAN, .loss = NAN };
    lam_net *net = NULL;
    int stopped = 0;
    const double began = now();
    lam_status status = try_it(&trial, &net, &stopped, j);
    trial.seconds = now() - began;
    if (status && !is_fatal(status)) {
        trial.score = NAN;
        trial.error = error_text();
        lami_lock_take(&t->lock);
        if (!t->first_failure || index < t->first_failed) {
            t->first_failure = status;
            t->first_failed = index;
        }
        lami_lock_give(&t->lock);
        status = trial.error ? LAM_OK : LAM_ENOMEM;
    }
    lami_lock_take(&t->lock);
    t->running--;
    t->fraction[j->number] = 0;
    if (!status && !stopped)
        status = note(t, &trial, &net);
    if (status)
        give_up(t, status);
    else if (!stopped)
        tell(t, &t->trials.trial[t->trials.count - 1], 0);
    lami_lock_give(&t->lock);
    if (status || stopped)
        lami_free(trial.error);
    lam_net_free(net);
}

/* Would a trial begun now end after the time? One is always made. */
static int is_over(const lami_tune *t)
{
    if (t->budget_seconds <= 0 || (!t->trials.count && !t->running))
        return 0;
    const double mean = lami_trials_mean_seconds(&t->trials);
    return elapsed(t) + (isnan(mean) ? 0 : mean) > t->budget_seconds;
}

static int take_next(lami_tune *t, size_t *index)
{
    int found = 0;
    lami_lock_take(&t->lock);
    while (!found && t->next < t->wanted && !atomic_load(&t->stop)) {
        *index = t->order ? t->order[t->next] : t->next;
        if (!t->trials.done[*index] && is_over(t))
            break;
        found = !t->trials.done[*index];
        t->next++;
    }
    t->running += (size_t)found;
    lami_lock_give(&t->lock);
    return found;
}

static size_t job_count(void *arg, size_t phase)
{
    (void)phase;
    return ((const lami_tune *)arg)->jobs;
}

static void do_job(void *arg, size_t phase, size_t task, size_t thread)
{
    lami_tune *t = arg;
    size_t index;
    (void)phase, (void)thread;
    job j = { .tune = t, .number = task, .parts = t->search->folds ? t->search->folds : 1 };
    while (take_next(t, &index))
        run_trial(&j, index);
}

static void start_watching(lami_tune *t, lami_tune_watch watch, void *arg)
{
    t->watch = watch;
    t->arg = arg;
    t->began = t->watched = now();
}

lam_status lami_tune_run(lami_tune *t, lami_tune_watch watch, void *arg)
{
    start_watching(t, watch, arg);
    if (t->jobs == 1)
        do_job(t, 0, 0, 0);
    else {
        lami_parallel_prepare((int)t->jobs);
        lami_parallel_run((int)t->jobs, 0, 1, job_count, do_job, t);
    }
    t->seconds_before = elapsed(t);
    return t->status ? lami_fail(t->status, "%s", t->message) : LAM_OK;
}

int lami_tune_stopped(const lami_tune *t)
{
    return t->asked;
}

/* ---- the end ----------------------------------------------------------------------------------------------------- */

/* The model in the folder, if it is the best trial's: a kill may have come between a model and its line. */
static lam_status load_best(lami_tune *t, const lami_trial *best)
{
    char digest[65];
    if (!t->keeps || t->best_net || lam_net_load(&t->best_net, t->run.best))
        return LAM_OK;
    LAM_TRY(lam_net_sha256(t->best_net, digest));
    if (strcmp(digest, best->best_sha256)) {
        lam_net_free(t->best_net);
        t->best_net = NULL;
    }
    return LAM_OK;
}

/* Train the best trial (again), on all threads, on the whole training part. */
static lam_status train_best(lami_result *result, lami_tune *t, const lami_trial *best)
{
    job j = { .tune = t, .parts = 1, .last = 1 };
    lam_net *net = NULL;
    LAM_TRY(train(&net, result, t, best->index, t->data, 0, on_step, &j));
    t->fraction[0] = 0;
    if (result->stopped) {
        lam_net_free(net);
        return LAM_OK;
    }
    lam_net_free(t->best_net);
    t->best_net = net;
    return t->keeps ? lami_model_save(net, net->values, t->run.best) : LAM_OK;
}

static lam_status all_failed(const lami_tune *t)
{
    const lami_trial *first = NULL;
    for (size_t i = 0; i < t->trials.count; i++)
        if (!first || t->trials.trial[i].index < first->index)
            first = &t->trials.trial[i];
    if (!first)
        return lami_fail(LAM_EINVAL, "no trial was made");
    return lami_fail(t->first_failure ? t->first_failure : LAM_EDIVERGED, "all %zu trials failed; trial %zu: %s",
                     t->trials.count, first->index, first->error);
}

lam_status lami_tune_finish(const lami_trial **out, const lam_net **net, lami_result *result, lami_tune *t,
                            lami_tune_watch watch, void *arg)
{
    const lami_trial *best = lami_trials_best(&t->trials);
    *out = best;
    *net = NULL;
    if (!best)
        return all_failed(t);
    *result = (lami_result) { .steps = best->steps,
                              .epochs = best->epochs,
                              .loss = best->loss,
                              .train_accuracy = best->train_score,
                              .val_accuracy = best->score,
                              .best_accuracy = best->score,
                              .seconds = best->seconds,
                              .samples_per_second = best->samples_per_second };
    memcpy(result->weights_sha256, best->weights_sha256, sizeof best->weights_sha256);
    memcpy(result->best_sha256, best->best_sha256, sizeof best->best_sha256);
    start_watching(t, watch, arg);
    if (!t->search->folds)
        LAM_TRY(load_best(t, best));
    if (!t->best_net) {
        lami_result again = { 0 };
        LAM_TRY(train_best(&again, t, best));
        if (t->search->folds)
            *result = again;
    }
    *net = t->best_net;
    return LAM_OK;
}

/* ---- setting up -------------------------------------------------------------------------------------------------- */

static lam_status check_search(const lami_search *s, const lam_data *data)
{
    if (!s->folds && !data->part[LAM_VAL].count)
        return lami_fail(LAM_EOPTION,
                         "a search needs samples to judge by: --val 0.1 splits some off, --cv 5 takes folds "
                         "of the training part by turns");
    if (s->folds == 1)
        return lami_fail(LAM_EOPTION, "--cv: at least 2 folds are needed");
    if (s->folds && s->options->patience && !data->part[LAM_VAL].count)
        return lami_fail(LAM_EOPTION, "--patience with --cv needs --val: the training of the best options on all folds "
                                      "has no validation part to stop by");
    if (s->trials && !s->random)
        return lami_fail(LAM_EOPTION, "--trials is for --random; --budget N tries N points of a grid");
    if (s->trials > LAMI_MAX_TRIALS)
        return lami_fail(LAM_EOPTION, "--trials: %zu is over %d", s->trials, LAMI_MAX_TRIALS);
    return LAM_OK;
}

/* How many trials, and in which order: a grid that a budget may cut short is gone through at random, so that what is
 * done lies all over it. */
static lam_status plan_trials(lami_tune *t)
{
    const lami_search *s = t->search;
    size_t most = 0;
    LAM_TRY(lami_parse_budget(&t->budget_seconds, &most, s->budget));
    if (t->space->is_random && !s->trials && !s->budget)
        return lami_fail(LAM_EOPTION, "--random needs --trials N or --budget: how long is the search to go on?");
    t->wanted = t->space->is_random && s->trials ? s->trials : t->space->points;
    if (most && most < t->wanted)
        t->wanted = most;
    t->by_time = t->space->is_random && !s->trials && !most;
    if (t->space->is_random || !s->budget)
        return LAM_OK;
    const lami_rng rng = lami_rng_make(t->space->seed, LAMI_RNG_TUNE, LAYER_ORDER, 0);
    t->order = lami_alloc(t->space->points, sizeof *t->order);
    if (!t->order)
        return LAM_ENOMEM;
    lami_rng_order(t->order, t->space->points, &rng);
    return LAM_OK;
}

static lam_status make_folds(lami_tune *t)
{
    const lami_search *s = t->search;
    if (!s->folds)
        return LAM_OK;
    if (s->folds > t->data->part[LAM_TRAIN].count)
        return lami_fail(LAM_ESHAPE, "--cv: %zu folds of %zu samples leave one of them empty", s->folds,
                         t->data->part[LAM_TRAIN].count);
    t->fold = lami_alloc(s->folds, sizeof *t->fold);
    if (!t->fold)
        return LAM_ENOMEM;
    for (size_t k = 0; k < s->folds; k++)
        LAM_TRY(lami_data_fold(&t->fold[k], t->data, k, s->folds, s->options->seed));
    return LAM_OK;
}

/* Mistakes that all trials share, before anything is written. */
static lam_status check_first(const lami_tune *t)
{
    lam_net *net;
    const size_t first = t->order ? t->order[0] : 0;
    LAM_TRY(train(&net, NULL, t, first, t->fold ? t->fold[0] : t->data, 1, NULL, NULL));
    lam_net_free(net);
    return LAM_OK;
}

static lam_status put_config(const lami_tune *t)
{
    const lami_search *s = t->search;
    char trials[LAMI_REAL_TEXT], folds[LAMI_REAL_TEXT];
    lami_real_text(trials, (double)s->trials);
    lami_real_text(folds, (double)s->folds);
    const char *const more[] = {
        "grid",   s->grid,   "random", s->random, "trials", s->trials ? trials : NULL, "cv", s->folds ? folds : NULL,
        "budget", s->budget, NULL
    };
    return lami_run_put_search(&t->run, s->options, s->data, t->space->notation, more);
}

/* config, then trials.jsonl: a folder without it is one that never began. */
static lam_status begin(lami_tune *t)
{
    LAM_TRY(lami_run_create_search(&t->run, t->search->options->out));
    t->keeps = 1;
    LAM_TRY(put_config(t));
    return lami_run_begin_log(&t->run, "", 0);
}

static lam_status go_on(lami_tune *t, const char *run)
{
    LAM_TRY(lami_run_open_search(&t->run, run));
    t->keeps = 1;
    LAM_TRY(lami_trials_read(&t->trials, &t->run, t->space));
    for (size_t i = 0; i < t->trials.count; i++)
        t->seconds_before = fmax(t->seconds_before, t->trials.trial[i].elapsed);
    return put_config(t);
}

static size_t choose_jobs(size_t jobs, size_t trials)
{
    const size_t most = jobs ? jobs : (size_t)lami_cpus();
    const size_t useful = most < trials ? most : trials;
    return useful > LAMI_MAX_THREADS - 1 ? LAMI_MAX_THREADS - 1 : useful ? useful : 1;
}

static lam_status set_up(lami_tune *t, size_t jobs, const char *run)
{
    const lami_search *s = t->search;
    LAM_TRY(check_search(s, t->data));
    LAM_TRY(lami_space_new(&t->space, s->notation, s->grid, s->random, s->options->seed));
    LAM_TRY(plan_trials(t));
    LAM_TRY(make_folds(t));
    t->jobs = choose_jobs(jobs, t->wanted);
    t->fraction = lami_alloc(t->jobs, sizeof *t->fraction);
    if (!t->fraction)
        return LAM_ENOMEM;
    LAM_TRY(lami_trials_new(&t->trials));
    LAM_TRY(check_first(t));
    if (run)
        return go_on(t, run);
    return s->options->out && !s->options->no_save ? begin(t) : LAM_OK;
}

lam_status lami_tune_new(lami_tune **out, const lami_search *search, const lam_data *data, size_t jobs, const char *run)
{
    *out = NULL;
    lami_tune *t = lami_alloc(1, sizeof *t);
    if (!t)
        return LAM_ENOMEM;
    t->search = search;
    t->data = data;
    t->run = (lami_run) { .lock_fd = -1, .log_fd = -1, .extra_fd = -1 };
    lami_lock_init(&t->lock);
    const lam_status status = set_up(t, jobs, run);
    if (status) {
        lami_tune_free(t);
        return status;
    }
    *out = t;
    return LAM_OK;
}

void lami_tune_free(lami_tune *t)
{
    if (!t)
        return;
    for (size_t k = 0; t->fold && k < t->search->folds; k++)
        lam_data_free(t->fold[k]);
    lami_free(t->fold);
    lam_net_free(t->best_net);
    lami_trials_free(&t->trials);
    lami_space_free(t->space);
    lami_run_close(&t->run);
    lami_lock_end(&t->lock);
    lami_free(t->order);
    lami_free(t->fraction);
    lami_free(t);
}

const lami_space *lami_tune_space(const lami_tune *t)
{
    return t->space;
}

const lami_trials *lami_tune_trials(const lami_tune *t)
{
    return &t->trials;
}

size_t lami_tune_total(const lami_tune *t)
{
    return t->by_time ? 0 : t->wanted;
}

size_t lami_tune_jobs(const lami_tune *t)
{
    return t->jobs;
}

double lami_tune_seconds(const lami_tune *t)
{
    return t->seconds_before;
}
