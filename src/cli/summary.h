/* summary: range, mean and deviation of what a data set holds. */
#ifndef LAMI_SUMMARY_H
#define LAMI_SUMMARY_H

#include "../data/data.h"

/* Of finite numbers: smallest, largest, mean, standard deviation (over n); NAN without any. */
typedef struct cli_summary {
    size_t count, not_finite;
    double least, most, mean, deviation;
} cli_summary;

/* Of each input of a part, an element per input in C x H x W order; *summaries is yours (lami_free). */
lam_status cli_summarise_inputs(cli_summary **summaries, const lam_data *data, lam_part part);

/* Of count numbers, `step` apart. */
cli_summary cli_summarise(const double *number, size_t count, size_t step);

/* Several with the same or other counts as one. */
cli_summary cli_summary_join(const cli_summary *summary, size_t count);

#endif
