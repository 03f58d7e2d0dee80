/* trials: what a search has found out, and its file, trials.jsonl: a JSON object per finished trial, in the order in
 * which they ended. docs/format.md has the keys. */
#ifndef LAMI_TRIALS_H
#define LAMI_TRIALS_H

#include "../core/json.h"
#include "run.h"
#include "space.h"

typedef struct lami_trial {
    size_t index;
    double score;             /* the larger the better; NAN: it failed */
    double deviation;         /* of the folds' scores; NAN without folds */
    double train_score, loss; /* of the last step; means over the folds */
    size_t epochs, steps;     /* of all folds together */
    double seconds, elapsed;  /* it took; the search, when it ended */
    double samples_per_second;
    char weights_sha256[65], best_sha256[65]; /* with folds: over those of the folds, one after another */
    char *error;                              /* why it failed, one line; else NULL */
} lami_trial;

typedef struct lami_trials {
    lami_trial *trial; /* in the order in which they ended */
    size_t count, capacity;
    uint8_t *done;          /* by index: LAMI_MAX_TRIALS */
    size_t failed, best;    /* number of those that failed; place of the best one, SIZE_MAX: there is none */
    double seconds_used[2]; /* by those that did not fail, and those that did */
} lami_trials;

lam_status lami_trials_new(lami_trials *trials);
void lami_trials_free(lami_trials *trials);

/* Take over a trial with its error. */
lam_status lami_trials_add(lami_trials *trials, const lami_trial *trial);

/* The best trial; NULL: none, or all have failed. Pointers to trials are good until one is added. */
const lami_trial *lami_trials_best(const lami_trials *trials);

/* Seconds that a trial takes: of those that did not fail, or of all; NAN without any. */
double lami_trials_mean_seconds(const lami_trials *trials);

/* A trial's values by name, numbers where they are some; NULL without memory. */
json_t *lami_trial_values(const lami_space *space, size_t trial);

/* Is a better than b? Higher scores first, then lower indices; those that failed come last. */
int lami_trial_better(const lami_trial *a, const lami_trial *b);

/* The trials from best to worst, yours (lami_free). */
lam_status lami_trials_ranked(const lami_trial ***ranked, const lami_trials *trials);

/* To and from the log of a run. The end of a line that a kill has cut off is dropped, and the file mended. Errors:
 * LAM_EFORMAT naming file and line, LAM_EREAD, LAM_EWRITE, LAM_ENOMEM. */
lam_status lami_trials_put(const lami_run *run, const lami_trial *trial, const lami_space *space);
lam_status lami_trials_read(lami_trials *trials, lami_run *run, const lami_space *space);

#endif
