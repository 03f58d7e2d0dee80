/* report: what an evaluation found as a page for people: one HTML file that needs nothing else, neither network nor
 * scripts. */
#ifndef LAMI_REPORT_H
#define LAMI_REPORT_H

#include "tally.h"

/* Write the page to `out`, whose errors are the caller's to look at. model: as it was given; of a run folder the page
 * shows how training went. Errors: those of cli_curves, LAM_ENOMEM. */
lam_status cli_report_page(FILE *out, const cli_tally *tally, const char *model);

/* ---- report_style.c ---- */

extern const char cli_report_style[]; /* CSS */

#endif
