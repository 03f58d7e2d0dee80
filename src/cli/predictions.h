/* predictions: what a network says about samples, written one after another as text, csv, npy or JSON. */
#ifndef LAMI_PREDICTIONS_H
#define LAMI_PREDICTIONS_H

#include "inputs.h"

typedef enum cli_format { CLI_TEXT_LINES, CLI_CSV, CLI_NPY, CLI_JSON } cli_format;
#define CLI_FORMATS "text csv npy json"

/* How predictions are written. */
typedef struct cli_style {
    cli_format format;
    const char *out; /* a file, written as a whole or not at all; NULL or "-": standard output */
    int all;         /* text, JSON: what each class has, not only the best one */
    int raw;         /* scores as they are, in place of probabilities */
    size_t samples;  /* how many there will be; 0: unknown */
    int with_paths;  /* samples come from files */
} cli_style;

/* A sample, and what is known of it. */
typedef struct cli_sample {
    const char *source; /* path; NULL: a data set */
    size_t index;       /* in the part, or in a file of several */
    int one_of_many;
    const lam_data *files; /* where samples may be files with paths of their own, which then are the source; or NULL */
    lam_part part;
    int32_t label;        /* -1: unknown */
    const double *target; /* numbers to predict; NULL: unknown */
} cli_sample;

typedef struct cli_predictions cli_predictions;

/* Begin; nothing is written before the first sample. net is borrowed. Errors: LAM_EOPTION (npy on a terminal),
 * LAM_EWRITE, LAM_ENOMEM. */
lam_status cli_predictions_new(cli_predictions **predictions, const lam_net *net, const cli_style *style);

/* The i-th of a batch's scores, of an inference session. The first sample says whether there is a column of true
 * answers. */
lam_status cli_predictions_add(cli_predictions *p, const void *scores, size_t i, cli_answer answer,
                               const cli_sample *sample);

/* Write what is left. The file is there only after this. */
lam_status cli_predictions_end(cli_predictions *p);
void cli_predictions_free(cli_predictions *p);

#endif
