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
    char *extra;                                     /* --log: path, where it is opened */
    int extra_fd;
    int values; /* accuracies are R2, and called so in the logs */
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

/* Open the file of --log, anew, with these entries; `path` NULL: there is none. */
lam_status lami_run_open_extra(lami_run *run, const char *path, const lami_history *entry, size_t count);

/* Add an entry to the logs that are open; begin log.jsonl anew with these entries. */
lam_status lami_run_log(const lami_run *run, const lami_history *entry);
lam_status lami_run_relog(lami_run *run, const lami_history *entry, size_t count);

/* ---- a search (tune.h): the same with trials.jsonl in place of log.jsonl, and without last.ckpt ---- */

lam_status lami_run_create_search(lami_run *run, const char *folder);
lam_status lami_run_open_search(lami_run *run, const char *folder);

/* Write `config` with more in it: key, value, ..., NULL; a key whose value is NULL is left out. */
lam_status lami_run_put_search(const lami_run *run, const lam_options *options, const char *data_path,
                               const char *notation, const char *const *more);

/* The value of a key of `config`, yours; NULL where the key is not there. Errors: LAM_EREAD, LAM_ENOMEM. */
lam_status lami_run_value(char **value, const char *run, const char *key);

/* Begin the log anew with a text of whole lines; add a line to it, in one write. */
lam_status lami_run_begin_log(lami_run *run, const char *text, size_t size);
lam_status lami_run_log_line(const lami_run *run, char *line);

#endif
