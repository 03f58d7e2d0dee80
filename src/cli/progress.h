/* progress: where training stands: one line, redrawn at most 5 times a second on a terminal, else a plain line per
 * epoch. NULL is a progress that shows nothing: "quiet" is not starting one. */
#ifndef LAMI_PROGRESS_H
#define LAMI_PROGRESS_H

#include <stdio.h>

#include "../core/status.h"

typedef struct cli_progress cli_progress;

/* limit: seconds after which training stops; 0: no such limit. NULL when memory is out: training goes on without. */
cli_progress *cli_progress_start(FILE *out, double limit);
void cli_progress_show(cli_progress *progress, const lam_progress *now);

/* Show the end and leave the line; *progress is freed and NULL. */
void cli_progress_stop(cli_progress **progress);

/* Is it a terminal on which a line can be redrawn? */
int cli_progress_fits(FILE *out);

/* Parts of such a line: "[=====>    ]" of `cells` characters; "ETA 1:20", or "" where the seconds are NAN. */
enum { CLI_PROGRESS_PART = 48 };
const char *cli_progress_bar(char text[CLI_PROGRESS_PART], int cells, double done);
const char *cli_progress_left(char text[CLI_PROGRESS_PART], double seconds);

/* The line for a terminal, of at most width - 1 columns. loss: what is shown; left: seconds to go, NAN unknown;
 * done: the fraction, NAN unknown. */
enum { CLI_PROGRESS_TEXT = 256 };
void cli_progress_line(char line[CLI_PROGRESS_TEXT], int width, const lam_progress *now, double loss, double done,
                       double left);

#endif
