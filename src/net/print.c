/* print: the canonical form of a notation. */
#include <stdio.h>
#include <string.h>

#include "../core/mem.h"
#include "../core/number.h"
#include "notation.h"
#include "scan.h"

typedef struct printer {
    char *text; /* always ends with 0 once it is there */
    size_t used, capacity;
    int failed;
} printer;

static void put_part(printer *out, const char *text, size_t length)
{
    void *grown = out->text;
    if (out->failed || lami_grow(&grown, &out->capacity, out->used + length + 1, 1)) {
        out->failed = 1;
        return;
    }
    out->text = grown;
    memcpy(out->text + out->used, text, length);
    out->used += length;
    out->text[out->used] = 0;
}

static void put(printer *out, const char *text)
{
    put_part(out, text, strlen(text));
}

static void put_size(printer *out, size_t value)
{
    char number[24];
    snprintf(number, sizeof number, "%zu", value);
    put(out, number);
}

static void put_word(printer *out, const lami_opt *row, size_t index)
{
    size_t length;
    const char *text = lami_scan_word(row->words, index, &length);
    put_part(out, text, length);
}

static void put_value(printer *out, const lami_opt *row, const void *opts)
{
    const char *const field = (const char *)opts + row->offset;
    char number[LAMI_REAL_TEXT];
    double real;
    size_t size[2];
    int word;
    switch (row->kind) {
    case LAMI_OPT_REAL:
        memcpy(&real, field, sizeof real);
        lami_real_text(number, real);
        put(out, number);
        break;
    case LAMI_OPT_SIZE:
        memcpy(size, field, sizeof size[0]);
        put_size(out, size[0]);
        break;
    case LAMI_OPT_PAIR:
        memcpy(size, field, sizeof size);
        if (row->words && (double)size[0] > row->most) {
            put_word(out, row, lami_pair_word(size[0]));
            break;
        }
        put_size(out, size[0]);
        put(out, "x");
        put_size(out, size[1]);
        break;
    case LAMI_OPT_WORD:
        memcpy(&word, field, sizeof word);
        put_word(out, row, (size_t)word);
        break;
    case LAMI_OPT_FLAG:
        break;
    }
}

static int is_default(const lami_opt *row, const void *opts)
{
    const char *const field = (const char *)opts + row->offset;
    double real;
    size_t size[2];
    int word;
    switch (row->kind) {
    case LAMI_OPT_REAL:
        memcpy(&real, field, sizeof real);
        return real == row->fallback;
    case LAMI_OPT_SIZE:
        memcpy(size, field, sizeof size[0]);
        return size[0] == (size_t)row->fallback;
    case LAMI_OPT_PAIR:
        memcpy(size, field, sizeof size);
        return size[0] == lami_pair_default(row) && size[1] == size[0];
    case LAMI_OPT_WORD:
    case LAMI_OPT_FLAG:
        memcpy(&word, field, sizeof word);
        return word == (int)row->fallback;
    }
    return 0;
}

/* Must a row be written? A value without name also where a later one of its kind is, which would take its place. */
static int is_written(const lami_opt *row, const void *opts)
{
    if (row->required || !is_default(row, opts))
        return 1;
    for (const lami_opt *later = row + 1; row->positional && later->name; later++)
        if (later->positional && (later->kind == LAMI_OPT_WORD) == (row->kind == LAMI_OPT_WORD) &&
            (later->required || !is_default(later, opts)))
            return 1;
    return 0;
}

static void put_layer(printer *out, const lami_item *item)
{
    put(out, item->layer->name);
    for (int positional = 1; positional >= 0; positional--)
        for (const lami_opt *row = item->layer->options; row && row->name; row++) {
            if (!row->positional != !positional || !is_written(row, item->opts))
                continue;
            put(out, " ");
            if (!positional)
                put(out, row->name);
            if (!positional && row->kind != LAMI_OPT_FLAG)
                put(out, " ");
            put_value(out, row, item->opts);
        }
}

static void put_chain(printer *out, const lami_item *item)
{
    for (; item; item = item->next) {
        const int braced = item->kind != LAMI_ITEM_GROUP || item->count != 1;
        if (item->kind == LAMI_ITEM_LAYER)
            put_layer(out, item);
        if (item->kind == LAMI_ITEM_LOSS)
            put(out, item->loss->name);
        if (item->kind == LAMI_ITEM_RESIDUAL)
            put(out, "residual ");
        if (item->body && braced)
            put(out, "{");
        put_chain(out, item->body);
        if (item->shortcut) {
            put(out, " | ");
            put_chain(out, item->shortcut);
        }
        if (item->body && braced)
            put(out, "}");
        if (item->kind == LAMI_ITEM_GROUP && braced) {
            put(out, " x ");
            put_size(out, item->count);
        }
        if (item->next)
            put(out, " - ");
    }
}

char *lami_notation_print(const lami_item *net)
{
    printer out = { .text = NULL };
    put(&out, "");
    put_chain(&out, net);
    if (!out.failed)
        return out.text;
    lami_free(out.text);
    return NULL;
}
