/* schema: what the columns of a table mean, so that another table of the same columns gives the same inputs: it is
 * found out when a table is opened for training, kept in the model, and used when a table is opened for the model. */
#ifndef LAMI_SCHEMA_H
#define LAMI_SCHEMA_H

#include <stddef.h>

#include "../core/status.h"

enum { LAMI_MAX_COLUMNS = 100000, LAMI_MAX_CATEGORIES = 10000 /* of a column */ };

/* A column that is an input. A number is one input; categories are one input each where one_hot, else one input that
 * is the number of the category from 0. */
typedef struct lami_column {
    char *name;   /* "" where the table has no header */
    size_t place; /* its index in the table it was made from, which counts where there are no names */
    size_t categories;
    char **category; /* sorted by bytes (whole numbers by value); NULL for a number */
    int one_hot;
    double fill;    /* what a missing number becomes; a missing category is 0 in all its inputs (one_hot), or fill */
    size_t missing; /* cells of the table it was found out from; not kept in models */
} lami_column;

typedef struct lami_schema {
    size_t columns;
    lami_column *column; /* inputs, in the table's order */
    size_t labels;
    char **label; /* names of the label columns; "" where there is no header */
    size_t *label_place;
    char *weight; /* name of the column of weights; NULL: none */
    size_t weight_place;
    size_t classes;    /* 0: the labels are numbers */
    char **class_name; /* as they stand in the label column; NULL: 0, 1, 2 ... */
    int drop;          /* rows with a missing cell are left out (--missing drop), or an error (2); else filled (0) */
} lami_schema;

void lami_schema_free(lami_schema *schema);
lam_status lami_schema_copy(lami_schema **copy, const lami_schema *schema);

/* Number of inputs. */
size_t lami_schema_width(const lami_schema *schema);

/* Name of input i for people: "age", "colour=red"; "column 3" where there is no name; cut to size. */
void lami_schema_input_name(char *text, size_t size, const lami_schema *schema, size_t i);

/* As one line of JSON, yours (lami_free), NULL without memory; and back. Errors: LAM_EFORMAT, LAM_ENOMEM. */
char *lami_schema_text(const lami_schema *schema);
lam_status lami_schema_parse(lami_schema **schema, const char *text);

#endif
