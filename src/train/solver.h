/* solver: training as one resumable object: order of samples, steps, epochs, histories, best weights, run folder. */
#ifndef LAMI_SOLVER_H
#define LAMI_SOLVER_H

#include "../core/options.h"
#include "../data/data.h"
#include "../net/session.h"

typedef struct lami_history {
    size_t epoch, step;
    double loss; /* mean over the steps since the last entry */
    double train_accuracy, val_accuracy, lr, seconds;
} lami_history;

typedef struct lami_solver lami_solver;

/* Results, after lami_solver_run. */
typedef struct lami_result {
    size_t steps, epochs;
    double loss;                                        /* of the last step */
    double train_accuracy, val_accuracy, best_accuracy; /* NAN where not measured */
    double seconds, samples_per_second;
    int stopped;             /* the callback asked for it */
    char weights_sha256[65]; /* of the last step */
    char best_sha256[65];
} lami_result;

/* Set up training of net on data. With option `out` the run folder is made, locked, and everything that will be written
 * is opened; a checkpoint of step 0 is written. net and data are borrowed until lami_solver_free; options are
 * copied. */
lam_status lami_solver_new(lami_solver **solver, lam_net *net, const lam_data *data, const lam_options *options);

/* Continue a run folder: *net is new and yours, and must outlive the solver. `options` holds what was given again:
 * epochs, steps, time, threads, isa, no-merge, patience, save-every may differ; any other changed option is
 * LAM_EOPTION. */
lam_status lami_solver_resume(lami_solver **solver, lam_net **net, const char *run, const lam_data *data,
                              const lam_options *options);

/* Options of a run folder as it was started (its `config` file), and the data path it was started with. */
lam_status lami_run_config(lam_options **options, char **data_path, const char *run);

/* Train to the end, or until the callback says stop. Writes a last checkpoint; then net holds the best weights. */
lam_status lami_solver_run(lami_result *result, lami_solver *solver, lam_callback callback, void *arg);
void lami_solver_free(lami_solver *solver);

/* The options as they are used: defaults that depend on others are explicit. */
const lam_options *lami_solver_options(const lami_solver *solver);

const lami_history *lami_solver_history(const lami_solver *solver, size_t *count);

#endif
