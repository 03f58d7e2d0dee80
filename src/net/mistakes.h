/* mistakes: what is wrong at a place of a notation, and what was expected or may be meant. For the parser. All functions
 * of status fail, with the three lines of lami_scan_fail. */
#ifndef LAMI_MISTAKES_H
#define LAMI_MISTAKES_H

#include "notation.h"
#include "scan.h"

enum {
    LAMI_QUOTED = 40, /* a token in a message */
    LAMI_LISTED = 384 /* what was expected, with a list of words */
};

/* LAM_ENOTATION at `position`; the format makes the part before the place. */
lam_status lami_mistake(const lami_scan *scan, size_t position, const char *expected, const char *format, ...)
    LAMI_PRINTF(4, 5);

/* The current token is the name of no layer and no loss: LAM_ENOTATION. */
lam_status lami_unknown_item(const lami_scan *scan);

/* The current token is no option of the layer and no value of a row from `next` on (NULL: options have begun). */
lam_status lami_no_option(const lami_scan *scan, const lami_layer *layer, const lami_opt *next);

/* Parts of messages, in `out`. */
const char *lami_quote(char out[LAMI_QUOTED], const lami_scan *scan);        /* the current token */
const char *lami_expected_value(char out[LAMI_LISTED], const lami_opt *row); /* what the row takes */
const char *lami_loss_comes_last(char out[LAMI_LISTED]);

#endif
