/* runs: the run folder of a command that was told no name: runs/001, runs/002 ... */
#ifndef LAMI_RUNS_H
#define LAMI_RUNS_H

#include "../core/status.h"

/* The first runs/NNN that is free, made. *path is yours. Errors: LAM_EWRITE, LAM_ENOMEM. */
lam_status cli_run_make(char **path);

/* What was to run did not begin: take away the folder made for it, which holds the lock at most. */
void cli_run_remove(const char *run);

#endif
