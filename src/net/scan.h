/* scan: the words and signs of a notation, and messages that show a place in it. For the files that
 * read and print notation. */
#ifndef LAMI_SCAN_H
#define LAMI_SCAN_H

#include <stddef.h>

#include "../core/status.h"

typedef enum lami_token_kind {
    LAMI_TOKEN_END,
    LAMI_TOKEN_OPEN,  /* { */
    LAMI_TOKEN_CLOSE, /* } */
    LAMI_TOKEN_BAR,   /* | */
    LAMI_TOKEN_DASH,  /* - */
    LAMI_TOKEN_WORD,  /* starts with a letter or _ */
    LAMI_TOKEN_NUMBER /* starts with a digit, a point or a sign: also 3x5, and what is no number at all (1.2.3) */
} lami_token_kind;

typedef struct lami_token {
    lami_token_kind kind;
    size_t start, length; /* END: just after the last token, length 0 */
} lami_token;

typedef struct lami_scan {
    const char *text;
    size_t at;
    lami_token token; /* the current one */
} lami_scan;

/* Before the first token; lami_scan_next reads it. Errors: LAM_ENOTATION for a text of more than `limit` bytes. */
lam_status lami_scan_start(lami_scan *scan, const char *text, size_t limit);

/* Read the next token. `sign`: the current one is the name of a layer or option, so that a '-' after white space and
 * directly before a digit or '.' begins a number. Errors: LAM_ENOTATION for a character that cannot stand there. */
lam_status lami_scan_next(lami_scan *scan, int sign);

/* The characters of the current token; no 0 behind them. */
const char *lami_token_text(const lami_scan *scan);

/* Is the current token this word? */
int lami_token_is(const lami_scan *scan, const char *word);

/* Fail with three lines: "what: line L, column C: expected" (it may be NULL), the line of text, a caret. */
lam_status lami_scan_fail(lam_status status, const char *text, size_t position, const char *what, const char *expected);

/* Is `text`, of `length` characters, this word? */
int lami_is_word(const char *word, const char *text, size_t length);

/* The index-th word of a list separated by spaces; its length is 0 behind the last. */
const char *lami_scan_word(const char *words, size_t index, size_t *length);

#endif
