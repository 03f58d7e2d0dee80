/* tune: search for the best options. A trial is a training of a new network with its own values (space.h) and without a
 * run folder; its score is the best validation accuracy or R2 (with folds: the mean over the folds of that of the last
 * weights). What a trial gives depends on the search and on its index alone: not on the order, or on what runs beside
 * it.
 *
 * The folder of a search (run.h) holds lock, config, trials.jsonl and best.safetensors, the model of the best trial so
 * far, which is written before the trial's line: after a kill at any moment the search goes on with the trials that
 * have no line. With folds the best options are trained on the whole training part at the end. */
#ifndef LAMI_TUNE_H
#define LAMI_TUNE_H

#include "search.h"
#include "trials.h"

typedef struct lami_tune lami_tune;

/* Where a search stands. */
typedef struct lami_tune_now {
    size_t done, failed, running, total; /* trials; total 0: as many as fit into the time */
    double begun;                        /* of the running ones, in trials */
    double seconds, left;                /* of the search, earlier processes included; expected, NAN: unknown */
    const lami_trial *best, *finished;   /* NULL: none yet; the one that ended just now, else NULL */
    int last;                            /* the best options are trained on the whole training part */
} lami_tune_now;

/* Called when a trial ends, and about 5 times a second; from any thread, one at a time. Non-zero: stop. */
typedef int (*lami_tune_watch)(const lami_tune_now *now, void *arg);

/* Set up. data: read as search->options say; search and data are borrowed until lami_tune_free. jobs: trials at once,
 * each on one thread; 1: one after another, each on all threads; 0: as many as there are CPUs. run: the folder to go on
 * in; NULL: a new one. The first trial is set up, so that mistakes show at once. Errors: those of lami_space_new,
 * lami_net_make, lami_solver_new, and of run.h. */
lam_status lami_tune_new(lami_tune **tune, const lami_search *search, const lam_data *data, size_t jobs,
                         const char *run);
void lami_tune_free(lami_tune *tune);

/* All trials that are left. A trial that fails by itself is noted. Errors: LAM_ENOMEM, LAM_EWRITE. */
lam_status lami_tune_run(lami_tune *tune, lami_tune_watch watch, void *arg);
int lami_tune_stopped(const lami_tune *tune);

const lami_space *lami_tune_space(const lami_tune *tune);
const lami_trials *lami_tune_trials(const lami_tune *tune);
size_t lami_tune_total(const lami_tune *tune); /* trials in all; 0: as many as fit into the time */
size_t lami_tune_jobs(const lami_tune *tune);
double lami_tune_seconds(const lami_tune *tune); /* of the search, earlier processes included */

/* The end: the best trial, its network (which lives as long as tune) and what training it gave. Errors: that of the
 * first trial where all have failed; those of training. */
lam_status lami_tune_finish(const lami_trial **best, const lam_net **net, lami_result *result, lami_tune *tune,
                            lami_tune_watch watch, void *arg);

/* Options and notation of a trial, yours. */
lam_status lami_tune_trial(lam_options **options, char **notation, const lami_tune *tune, size_t trial);

#endif
