/* curves: how a training went, from the log of its run, as drawings in a page. */
#ifndef LAMI_CURVES_H
#define LAMI_CURVES_H

#include <stdio.h>

#include "../core/status.h"

/* A section with the loss and the accuracies (R2) of each epoch; nothing where `run` has no log.jsonl, or no entry in
 * it. Lines that are no entries, such as one that a kill has cut, are passed over. Errors: LAM_EREAD, LAM_EFORMAT (the
 * log is too large), LAM_ENOMEM. */
lam_status cli_curves(FILE *out, const char *run);

#endif
