/* space: what a search goes through: values of options, and of $words in the notation, as lists or ranges. Which values
 * trial i has is a function of the space, the seed and i alone. The text of a dimension:
 *   lr=1e-4..1e-2:log:8     8 numbers from 1e-4 to 1e-2, evenly on a logarithmic scale; without "log" on a linear one
 *   batch=16..20            all whole numbers of the range
 *   optim=adam,sgd          a list; with "|" in place of "," where values have commas themselves
 *   lr=1e-4..1e-2:log       any number of the range (random search)
 * Several are joined by ";". */
#ifndef LAMI_SPACE_H
#define LAMI_SPACE_H

#include "../core/number.h"
#include "../core/options.h"

enum { LAMI_MAX_DIMENSIONS = 64, LAMI_MAX_TRIALS = 1000000 };

typedef struct lami_dimension {
    char *name;
    size_t row;   /* of lami_option_table; SIZE_MAX: $name of the notation */
    size_t count; /* of values; 0: any number of the range */
    char **value;
    double least, most; /* the range */
    int is_log, is_whole;
} lami_dimension;

typedef struct lami_space {
    char *notation; /* on one line, with $words */
    lami_dimension *dim;
    size_t dims;
    int is_random; /* trials are drawn; else they are the points of the grid, the last dimension changing fastest */
    size_t points; /* of the grid; LAMI_MAX_TRIALS where trials are drawn */
    uint64_t seed;
} lami_space;

/* A space. notation: as given, comments and line breaks are fine. grid, random: dimensions, NULL for none; with
 * `random` trials are drawn, values of lists with equal chances. Everything is checked: names, ranges, each value
 * against its option, the notation with the values in it. Errors: LAM_ENOTATION (three lines, with a caret),
 * LAM_EOPTION, LAM_ENOMEM. */
lam_status lami_space_new(lami_space **space, const char *notation, const char *grid, const char *random,
                          uint64_t seed);
void lami_space_free(lami_space *space);

/* Value of a dimension in a trial: in the space's memory, or in `text`. */
const char *lami_space_value(char text[LAMI_REAL_TEXT], const lami_space *space, size_t trial, size_t dim);

/* A trial: set its options, and its notation, yours. */
lam_status lami_space_apply(char **notation, lam_options *options, const lami_space *space, size_t trial);

/* "lr=0.001 width=50" into text, cut to size. */
void lami_space_text(char *text, size_t size, const lami_space *space, size_t trial);

#endif
