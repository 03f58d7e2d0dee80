/* survey: what a data set holds, and what may be wrong with it. survey.c finds out, survey_text.c and survey_json.c
 * tell of it. */
#ifndef LAMI_SURVEY_H
#define LAMI_SURVEY_H

#include "../data/duplicates.h"
#include "inputs.h"
#include "summary.h"

enum { CLI_PARTS = LAM_TEST + 1, CLI_GROUP_NAME = 128 };

/* Inputs that are told of together: a column of a table, a channel, or all. */
typedef struct cli_group {
    char name[CLI_GROUP_NAME];
    const lami_column *column; /* NULL: no table */
    size_t first, count;       /* inputs */
    cli_summary summary;       /* of the training part */
    size_t constant;           /* inputs that never change there */
} cli_group;

typedef struct cli_survey {
    const char *path;
    lam_data *data;
    lami_bad_rows bad;
    lami_duplicates twins;
    cli_group *group;
    size_t groups;
    size_t not_finite;    /* numbers, in all parts */
    size_t *class_count;  /* classes x CLI_PARTS */
    cli_summary *target;  /* per number to predict, of the training part */
    cli_summary weight;   /* count 0: there are none */
    double balance;       /* largest class to the smallest that is not empty, in training */
    size_t empty_classes; /* in training */
} cli_survey;

/* Open a data set and look through all of it. The survey borrows the path. Free it after an error, too. */
lam_status cli_survey_make(cli_survey *survey, const char *path, const lam_options *options);
void cli_survey_free(cli_survey *survey);

/* The kind that the path was opened as. */
const char *cli_survey_kind(const cli_survey *survey);

/* Inputs that never change. */
size_t cli_survey_constant(const cli_survey *survey);

/* Samples of a class: a number per part. */
const size_t *cli_survey_class(const cli_survey *survey, size_t class);

/* The name of number k to predict, or "number k" in `text`. */
const char *cli_survey_target(char text[CLI_CLASS_TEXT], const cli_survey *survey, size_t k);

/* To stdout. quiet: without the tables; verbose: all of their rows. */
lam_status cli_survey_print(const cli_survey *survey, int quiet, int verbose);
lam_status cli_survey_print_json(const cli_survey *survey);

#endif
