/* notation_layer: the values and options of a layer, by the rows of its table. */
#include "notation_layer.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "../core/mem.h"
#include "../core/number.h"
#include "mistakes.h"

enum {
    NUMBER_MAX = 128, /* characters of a number */
    MAX_OPTIONS = 64, /* rows of a layer: bits of a word */
    WHOLE_MAX_BITS = 53
};

/* The place of a word in a list separated by spaces; -1 when it is not there. */
static int word_index(const char *words, const char *text, size_t length)
{
    for (size_t i = 0;; i++) {
        size_t n;
        const char *word = lami_scan_word(words, i, &n);
        if (!n)
            return -1;
        if (n == length && memcmp(word, text, n) == 0)
            return (int)i;
    }
}

static void set_defaults(const lami_layer *layer, void *opts)
{
    for (const lami_opt *row = layer->options; row && row->name; row++) {
        char *const field = (char *)opts + row->offset;
        if (row->kind == LAMI_OPT_REAL)
            memcpy(field, &row->fallback, sizeof row->fallback);
        else if (row->kind == LAMI_OPT_SIZE)
            memcpy(field, &(const size_t) { (size_t)row->fallback }, sizeof(size_t));
        else if (row->kind == LAMI_OPT_PAIR)
            memcpy(field, (const size_t[2]) { lami_pair_default(row), lami_pair_default(row) }, 2 * sizeof(size_t));
        else
            memcpy(field, &(const int) { (int)row->fallback }, sizeof(int));
    }
}

int lami_notation_whole(size_t *value, const char *text, size_t length, double least, double most)
{
    uint64_t v = 0;
    if (!length)
        return 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9' || v >> WHOLE_MAX_BITS)
            return 0;
        v = 10 * v + (uint64_t)(text[i] - '0');
    }
    if (v >> WHOLE_MAX_BITS || v > SIZE_MAX || (double)v < least || (double)v > most)
        return 0;
    *value = (size_t)v;
    return 1;
}

static int read_real(double *value, const char *text, size_t length, const lami_opt *row)
{
    char number[NUMBER_MAX];
    double v;
    if (length >= sizeof number)
        return 0;
    memcpy(number, text, length);
    number[length] = 0;
    if (lami_parse_real(&v, number) || v < row->least || v > row->most || (row->most_excluded && v >= row->most))
        return 0;
    *value = v;
    return 1;
}

static int read_pair(size_t pair[2], const char *text, size_t length, const lami_opt *row)
{
    const char *x = memchr(text, 'x', length);
    const size_t first = x ? (size_t)(x - text) : length;
    const int word = row->words ? word_index(row->words, text, length) : -1;
    if (word >= 0) {
        pair[0] = pair[1] = lami_pair_word((size_t)word);
        return 1;
    }
    if (!lami_notation_whole(&pair[0], text, first, row->least, row->most))
        return 0;
    pair[1] = pair[0];
    return !x || lami_notation_whole(&pair[1], x + 1, length - first - 1, row->least, row->most);
}

/* The current token as the value of a row (not a FLAG) into the options; 0 when it does not fit. */
static int read_value(const lami_scan *scan, const lami_opt *row, void *opts)
{
    const lami_token *t = &scan->token;
    const char *text = lami_token_text(scan);
    char *const field = (char *)opts + row->offset;
    double real;
    size_t size[2];
    int word;
    switch (row->kind) {
    case LAMI_OPT_REAL:
        if (!read_real(&real, text, t->length, row))
            return 0;
        memcpy(field, &real, sizeof real);
        return 1;
    case LAMI_OPT_SIZE:
        if (!lami_notation_whole(size, text, t->length, row->least, row->most))
            return 0;
        memcpy(field, size, sizeof size[0]);
        return 1;
    case LAMI_OPT_PAIR:
        if (!read_pair(size, text, t->length, row))
            return 0;
        memcpy(field, size, sizeof size);
        return 1;
    case LAMI_OPT_WORD:
        if ((word = word_index(row->words, text, t->length)) < 0)
            return 0;
        memcpy(field, &word, sizeof word);
        return 1;
    case LAMI_OPT_FLAG:
        break;
    }
    return 0;
}

/* Take the current token as a row's value, and the next token. */
static lam_status take_value(lami_scan *scan, const lami_item *item, const lami_opt *row)
{
    const lami_token *t = &scan->token;
    const char *name = item->layer->name;
    char quoted[LAMI_QUOTED], expected[LAMI_LISTED];
    if (t->kind != LAMI_TOKEN_WORD && t->kind != LAMI_TOKEN_NUMBER)
        return lami_mistake(scan, t->start, lami_expected_value(expected, row), "%s: %s has no value", name, row->name);
    if (!read_value(scan, row, item->opts))
        return lami_mistake(scan, t->start, lami_expected_value(expected, row), "%s: %s cannot be %s", name, row->name,
                            lami_quote(quoted, scan));
    return lami_scan_next(scan, 0);
}

/* What has been read of a layer: a bit per row, and the first row that may still take a value without name. */
typedef struct progress {
    uint64_t given;
    const lami_opt *next;
} progress;

/* The row for a value without name: the next positional one of the token's kind; NULL when there is none. Optional rows
 * of the other kind (words, numbers) are passed over, so that `avgpool 2x2` and `avgpool global` are both possible. */
static const lami_opt *positional_row(const lami_scan *scan, const progress *done)
{
    const lami_token *t = &scan->token;
    for (const lami_opt *row = done->next; row && row->name; row++) {
        if (!row->positional)
            continue;
        const int wants_word = row->kind == LAMI_OPT_WORD;
        if (!wants_word && t->kind == LAMI_TOKEN_NUMBER)
            return row;
        if (row->words && t->kind == LAMI_TOKEN_WORD && word_index(row->words, lami_token_text(scan), t->length) >= 0)
            return row;
        if (row->required)
            return NULL;
    }
    return NULL;
}

static const lami_opt *named_row(const lami_scan *scan, const lami_layer *layer)
{
    for (const lami_opt *row = layer->options; row && row->name; row++)
        if (!row->positional && lami_token_is(scan, row->name))
            return row;
    return NULL;
}

static uint64_t row_bit(const lami_layer *layer, const lami_opt *row)
{
    assert(row - layer->options < MAX_OPTIONS);
    return (uint64_t)1 << (row - layer->options);
}

/* Is the current token a number that would have been a value before the options? */
static int comes_late(const lami_scan *scan, const lami_layer *layer, const progress *done)
{
    if (done->next || scan->token.kind != LAMI_TOKEN_NUMBER)
        return 0;
    for (const lami_opt *row = layer->options; row && row->name; row++)
        if (row->positional && row->kind != LAMI_OPT_WORD && !(done->given & row_bit(layer, row)))
            return 1;
    return 0;
}

/* A word or number that no row takes. */
static lam_status not_an_option(const lami_scan *scan, const lami_layer *layer, const progress *done)
{
    const lami_token *t = &scan->token;
    char quoted[LAMI_QUOTED], value[LAMI_LISTED];
    lami_quote(quoted, scan);
    for (const lami_opt *row = layer->options; row && row->name; row++) {
        if (row->positional && lami_token_is(scan, row->name))
            return lami_mistake(scan, t->start, lami_expected_value(value, row), "%s: %s is written without its name",
                                layer->name, row->name);
    }
    for (const lami_opt *row = layer->options; row && row->name && done->next; row++)
        if (row->positional && row->required && !(done->given & row_bit(layer, row)))
            return lami_mistake(scan, t->start, lami_expected_value(value, row), "%s: %s cannot be %s", layer->name,
                                row->name, quoted);
    if (comes_late(scan, layer, done))
        return lami_mistake(scan, t->start, "values without a name come before options", "%s: unexpected %s",
                            layer->name, quoted);
    return lami_no_option(scan, layer, done->next);
}

static lam_status parse_option(lami_scan *scan, lami_item *item, progress *done)
{
    const lami_layer *layer = item->layer;
    const size_t position = scan->token.start;
    const lami_opt *row = positional_row(scan, done);
    if (row) {
        done->given |= row_bit(layer, row);
        done->next = row + 1;
        return take_value(scan, item, row);
    }
    if (!(row = named_row(scan, layer)))
        return not_an_option(scan, layer, done);
    if (done->given & row_bit(layer, row))
        return lami_mistake(scan, position, "expected it once", "%s: %s is given twice", layer->name, row->name);
    done->given |= row_bit(layer, row);
    done->next = NULL;
    LAM_TRY(lami_scan_next(scan, 1));
    if (row->kind != LAMI_OPT_FLAG)
        return take_value(scan, item, row);
    memcpy((char *)item->opts + row->offset, &(const int) { 1 }, sizeof(int));
    return LAM_OK;
}

lam_status lami_notation_layer(lami_scan *scan, lami_item *item)
{
    const lami_layer *layer = item->layer;
    progress done = { .next = layer->options };
    if (layer->opts_size) {
        item->opts = lami_alloc(1, layer->opts_size);
        if (!item->opts)
            return LAM_ENOMEM;
        set_defaults(layer, item->opts);
    }
    LAM_TRY(lami_scan_next(scan, 1));
    while (scan->token.kind == LAMI_TOKEN_WORD || scan->token.kind == LAMI_TOKEN_NUMBER)
        LAM_TRY(parse_option(scan, item, &done));
    for (const lami_opt *row = layer->options; row && row->name; row++) {
        char expected[LAMI_LISTED];
        if (row->required && !(done.given & row_bit(layer, row)))
            return lami_mistake(scan, scan->token.start, lami_expected_value(expected, row), "%s: %s is missing",
                                layer->name, row->name);
    }
    return LAM_OK;
}
