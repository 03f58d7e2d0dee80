/* results: what the commands that train print alike: the data set, measures, and a training as JSON. */
#ifndef LAMI_RESULTS_H
#define LAMI_RESULTS_H

#include "../train/solver.h"
#include "output.h"

/* "data      wine.csv: 13, 3 classes; 160 training, 18 test" */
void cli_print_data(FILE *out, const lam_data *data);

/* "52.80%", or R2 (`values`) "0.8123"; "-" where it is not finite. */
const char *cli_score(char text[CLI_TEXT_MAX], int values, double score);

/* "test accuracy        52.80%", then `rest`, on stdout; nothing where the value is not finite. */
void cli_print_measure(const char *part, int values, double value, const char *rest);

/* That of the test part, with its errors or its loss; nothing where none was made (count 0). */
void cli_print_test(int values, const lam_metrics *test);

/* "model                runs/001/best.safetensors" */
void cli_print_model(const char *run);

/* What a training gave. */
typedef struct cli_outcome {
    const lami_result *result;
    const lam_net *net; /* NULL: none */
    double val;         /* validation score; NAN: not measured */
    lam_metrics test;   /* count 0: not measured */
    int values;         /* scores are R2, in contrast to accuracies */
    const char *run;    /* the folder; NULL: nothing is kept */
    const char *tta;    /* of these scores; NULL, none: not told */
} cli_outcome;

/* As an object, yours; NULL without memory. */
json_t *cli_json_outcome(const cli_outcome *outcome);

#endif
