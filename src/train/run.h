/* run: the folder that a training keeps.
 *   lock              held (flock) while a process trains there
 *   config            `key = value` lines: net, data, and the options it was started with; rewritten when --resume
 *                     changes some
 *   log.jsonl         a JSON object per epoch; always the checkpoint's history and what came after it
 *   last.ckpt         checkpoint: where --resume continues
 *   best.safetensors  the model with the best validation accuracy (the last one without a validation part)
 * All but lock and log.jsonl are replaced as whole files, so that each is complete after a kill at any moment. */
#ifndef LAMI_RUN_H
#define LAMI_RUN_H

#include "solver.h"

typedef struct lami_run {
    char *folder, *config, *log, *checkpoint, *best; /* paths */
    int lock_fd, log_fd;                             /* -1: not open */
} lami_run;

/* Make the folder, with parents, and take its lock; config and log are next (lami_run_put_config, lami_run_relog).
 * Errors: LAM_EWRITE; LAM_EBUSY: another process trains there, or it holds a run already. */
lam_status lami_run_create(lami_run *run, const char *folder);

/* Open the folder of a run that was begun, and take its lock. Errors: LAM_EREAD, LAM_EBUSY, LAM_EWRITE. */
lam_status lami_run_open(lami_run *run, const char *folder);
void lami_run_close(lami_run *run); /* fine on one that could not be opened */

/* Write `config`. options: resolved. data_path: NULL for arrays. */
lam_status lami_run_put_config(const lami_run *run, const lam_options *options, const char *data_path,
                               const char *notation);

/* Take over what was given again: `options` into `config`. LAM_EOPTION naming an option that may not change. */
lam_status lami_run_merge(lam_options *config, const lam_options *options);

/* Add an entry to the log; begin the log anew with these entries. */
lam_status lami_run_log(const lami_run *run, const lami_history *entry);
lam_status lami_run_relog(lami_run *run, const lami_history *entry, size_t count);

#endif
