/* mistakes: see mistakes.h. */
#include "mistakes.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../core/list.h"
#include "../core/nearest.h"
#include "../core/number.h"

enum {
    NAMES = 300,     /* a list of words within LAMI_LISTED */
    MAX_WORDS = 128, /* words that may be meant by a misspelt one, and their characters */
    MAX_LETTERS = 2048
};

/* The characters are printable, as the scanner takes no others. */
const char *lami_quote(char out[LAMI_QUOTED], const lami_scan *scan)
{
    const lami_token *t = &scan->token;
    const int most = LAMI_QUOTED - 8;
    if (t->kind == LAMI_TOKEN_END)
        snprintf(out, LAMI_QUOTED, "end of the text");
    else if (t->length > (size_t)most)
        snprintf(out, LAMI_QUOTED, "'%.*s...'", most, lami_token_text(scan));
    else
        snprintf(out, LAMI_QUOTED, "'%.*s'", (int)t->length, lami_token_text(scan));
    return out;
}

lam_status lami_mistake(const lami_scan *scan, size_t position, const char *expected, const char *format, ...)
{
    char what[256];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return lami_scan_fail(LAM_ENOTATION, scan->text, position, what, expected);
}

const char *lami_expected_value(char out[LAMI_LISTED], const lami_opt *row)
{
    char least[LAMI_REAL_TEXT], most[LAMI_REAL_TEXT], words[NAMES] = "";
    lami_real_text(least, row->least);
    lami_real_text(most, row->most);
    if (row->kind == LAMI_OPT_REAL && row->most_excluded)
        snprintf(out, LAMI_LISTED, "expected a number of at least %s and below %s", least, most);
    else if (row->kind == LAMI_OPT_REAL && isinf(row->most) && isinf(row->least))
        snprintf(out, LAMI_LISTED, "expected a number");
    else if (row->kind == LAMI_OPT_REAL && isinf(row->most))
        snprintf(out, LAMI_LISTED, "expected a number of at least %s", least);
    else if (row->kind == LAMI_OPT_REAL)
        snprintf(out, LAMI_LISTED, "expected a number from %s to %s", least, most);
    else if (row->kind == LAMI_OPT_SIZE)
        snprintf(out, LAMI_LISTED, "expected a whole number from %.0f to %.0f", row->least, row->most);
    else if (row->kind == LAMI_OPT_PAIR)
        snprintf(out, LAMI_LISTED, "expected two whole numbers such as 3x5, or one for both, from %.0f to %.0f",
                 row->least, row->most);
    size_t n;
    if (row->words) {
        for (size_t i = 0; lami_scan_word(row->words, i, &n), n; i++)
            lami_list_add(words, NAMES, lami_scan_word(row->words, i, &n), n);
        const size_t used = row->kind == LAMI_OPT_PAIR ? strlen(out) : 0;
        snprintf(out + used, LAMI_LISTED - used, used ? ", or one of %s" : "expected one of %s", words);
    }
    return out;
}

/* ---- words that may be meant ------------------------------------------------------------------------------------- */

typedef struct word_list {
    const char *words[MAX_WORDS];
    size_t count, used;
    char letters[MAX_LETTERS];
} word_list;

/* What does not fit is not guessed. */
static void add_word(word_list *l, const char *word, size_t length)
{
    if (l->count == MAX_WORDS || length >= sizeof l->letters - l->used)
        return;
    char *const copy = memcpy(l->letters + l->used, word, length);
    copy[length] = 0;
    l->used += length + 1;
    l->words[l->count++] = copy;
}

static const char *listed_word(size_t index, const void *l)
{
    return ((const word_list *)l)->words[index];
}

/* "did you mean ...", where a word of the list is near enough to the current token; else NULL. */
static const char *guess(char out[LAMI_LISTED], const lami_scan *scan, const word_list *l)
{
    char word[LAMI_QUOTED];
    if (scan->token.length >= sizeof word)
        return NULL;
    snprintf(word, sizeof word, "%.*s", (int)scan->token.length, lami_token_text(scan));
    const char *nearest = lami_nearest(word, l->count, listed_word, l);
    if (!nearest)
        return NULL;
    snprintf(out, LAMI_LISTED, "did you mean '%s'?", nearest);
    return out;
}

static const char residual[] = "residual";

/* Layers, the block and losses: what is known, for a message and for guessing. */
static void list_items(char out[NAMES], word_list *l)
{
    out[0] = 0;
    for (size_t i = 0; lami_layers[i]; i++) {
        if (lami_layers[i]->hidden)
            continue;
        const char *name = lami_layers[i]->name, *alias = lami_layers[i]->alias;
        lami_list_add(out, NAMES, name, strlen(name));
        add_word(l, name, strlen(name));
        if (alias)
            add_word(l, alias, strlen(alias));
    }
    lami_list_add(out, NAMES, residual, strlen(residual));
    add_word(l, residual, strlen(residual));
    for (size_t i = 0; lami_losses[i]; i++) {
        lami_list_add(out, NAMES, lami_losses[i]->name, strlen(lami_losses[i]->name));
        add_word(l, lami_losses[i]->name, strlen(lami_losses[i]->name));
    }
}

lam_status lami_unknown_item(const lami_scan *scan)
{
    const lami_token *t = &scan->token;
    char quoted[LAMI_QUOTED], known[NAMES], expected[LAMI_LISTED];
    word_list l = { .count = 0, .used = 0 };
    list_items(known, &l);
    if (!guess(expected, scan, &l))
        snprintf(expected, sizeof expected, "expected a layer or loss (%s)", known);
    return lami_mistake(scan, t->start, expected, "unknown word %s", lami_quote(quoted, scan));
}

const char *lami_loss_comes_last(char out[LAMI_LISTED])
{
    char names[NAMES] = "";
    for (size_t i = 0; lami_losses[i]; i++)
        lami_list_add(names, NAMES, lami_losses[i]->name, strlen(lami_losses[i]->name));
    snprintf(out, LAMI_LISTED, "a loss (%s) must come last", names);
    return out;
}

/* What may follow in a layer: words without name that may still come, its options, or the end of it. */
static void expected_options(char out[LAMI_LISTED], const lami_layer *layer, const lami_opt *next, word_list *l)
{
    char names[NAMES] = "";
    for (const lami_opt *row = layer->options; row && row->name; row++) {
        const int open = next && row >= next && row->kind == LAMI_OPT_WORD;
        size_t n = 0;
        for (size_t i = 0; row->positional && open && (lami_scan_word(row->words, i, &n), n); i++) {
            lami_list_add(names, NAMES, lami_scan_word(row->words, i, &n), n);
            add_word(l, lami_scan_word(row->words, i, &n), n);
        }
        if (!row->positional) {
            lami_list_add(names, NAMES, row->name, strlen(row->name));
            add_word(l, row->name, strlen(row->name));
        }
    }
    if (names[0])
        snprintf(out, LAMI_LISTED, "expected an option (%s) or '-'", names);
    else
        snprintf(out, LAMI_LISTED, "expected '-'");
}

lam_status lami_no_option(const lami_scan *scan, const lami_layer *layer, const lami_opt *next)
{
    const lami_token *t = &scan->token;
    char quoted[LAMI_QUOTED], expected[LAMI_LISTED], meant[LAMI_LISTED];
    word_list l = { .count = 0, .used = 0 };
    lami_quote(quoted, scan);
    expected_options(expected, layer, next, &l);
    if (t->kind == LAMI_TOKEN_NUMBER)
        return lami_mistake(scan, t->start, expected, "%s: unexpected number %s", layer->name, quoted);
    if (lami_begins_item(lami_token_text(scan), t->length))
        return lami_mistake(scan, t->start, "expected '-' before it", "unexpected %s", quoted);
    if (*lami_token_text(scan) == 'x' && t->length == strspn(lami_token_text(scan), "x0123456789"))
        return lami_mistake(scan, t->start, "expected 'x COUNT' only after '}'", "%s: unexpected %s", layer->name,
                            quoted);
    return lami_mistake(scan, t->start, guess(meant, scan, &l) ? meant : expected, "%s has no option %s", layer->name,
                        quoted);
}
