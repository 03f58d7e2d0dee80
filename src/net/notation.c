/* notation: a recursive descent parser, as deep as the braces nest (LAMI_MAX_NESTING). What follows a layer's name is read
 * by notation_layer.c; the printer is print.c. */
#include "notation.h"

#include <stdio.h>
#include <string.h>

#include "../core/file.h"
#include "../core/mem.h"
#include "mistakes.h"
#include "notation_layer.h"

typedef struct parser {
    lami_scan scan;
    size_t depth; /* braces open */
    int has_loss;
} parser;

/* The braces round a chain. */
typedef struct braces {
    size_t open;   /* position of "{" */
    int outermost; /* none: the text itself */
    int may_split; /* residual, before "|" */
    int is_residual;
} braces;

/* ---- words ------------------------------------------------------------------------------------------------------- */

static const char residual_word[] = "residual";

static const lami_layer *find_layer(const char *name, size_t length)
{
    const lami_layer *layer = lami_layer_find(name, length);
    return layer && !layer->hidden ? layer : NULL;
}

int lami_begins_item(const char *name, size_t length)
{
    return find_layer(name, length) || lami_loss_find(name, length) || lami_is_word(residual_word, name, length);
}

/* ---- items and chains -------------------------------------------------------------------------------------------- */

static lam_status parse_chain(parser *p, lami_item **first, const braces *in, size_t *layers);

static lam_status new_item(lami_item **item, lami_item_kind kind, size_t position)
{
    *item = lami_alloc(1, sizeof **item);
    if (!*item)
        return LAM_ENOMEM;
    (*item)->kind = kind;
    (*item)->position = position;
    (*item)->count = 1;
    return LAM_OK;
}

/* "{" is the current token. */
static lam_status enter(parser *p)
{
    char expected[48];
    if (p->depth == LAMI_MAX_NESTING) {
        snprintf(expected, sizeof expected, "expected at most %d levels", LAMI_MAX_NESTING);
        return lami_mistake(&p->scan, p->scan.token.start, expected, "braces are nested too deeply");
    }
    p->depth++;
    return lami_scan_next(&p->scan, 0);
}

/* "}" is the current token: parse_chain saw to it. */
static lam_status leave(parser *p)
{
    p->depth--;
    return lami_scan_next(&p->scan, 0);
}

/* After "}" of a group: [ "x" COUNT ], where "x4" is one word and "x 4" two tokens. */
static lam_status parse_count(parser *p, size_t *count)
{
    const lami_token *t = &p->scan.token;
    if (t->kind != LAMI_TOKEN_WORD || *lami_token_text(&p->scan) != 'x')
        return LAM_OK;
    char quoted[LAMI_QUOTED], expected[48];
    snprintf(expected, sizeof expected, "expected a whole number from 1 to %d", LAMI_MAX_COUNT);
    if (t->length == 1) {
        LAM_TRY(lami_scan_next(&p->scan, 0));
    } else {
        if (lami_token_text(&p->scan)[1] < '0' || lami_token_text(&p->scan)[1] > '9')
            return LAM_OK;
        p->scan.token.start++;
        p->scan.token.length--;
    }
    if (t->kind != LAMI_TOKEN_NUMBER && t->kind != LAMI_TOKEN_WORD)
        return lami_mistake(&p->scan, t->start, expected, "the count after 'x' is missing");
    if (!lami_notation_whole(count, lami_token_text(&p->scan), t->length, 1, LAMI_MAX_COUNT))
        return lami_mistake(&p->scan, t->start, expected, "the count cannot be %s", lami_quote(quoted, &p->scan));
    return lami_scan_next(&p->scan, 0);
}

/* A word or number after "}", where the item has ended. */
static lam_status after_braces(const parser *p, int counted)
{
    const lami_token *t = &p->scan.token;
    char quoted[LAMI_QUOTED];
    if (t->kind != LAMI_TOKEN_WORD && t->kind != LAMI_TOKEN_NUMBER)
        return LAM_OK;
    lami_quote(quoted, &p->scan);
    if (t->kind == LAMI_TOKEN_WORD && lami_begins_item(lami_token_text(&p->scan), t->length))
        return lami_mistake(&p->scan, t->start, "expected '-' before it", "unexpected %s", quoted);
    return lami_mistake(&p->scan, t->start, counted ? "expected '-'" : "expected 'x COUNT' or '-'", "unexpected %s",
                        quoted);
}

static lam_status parse_group(parser *p, lami_item *item, size_t *layers)
{
    const braces in = { .open = p->scan.token.start };
    LAM_TRY(enter(p));
    LAM_TRY(parse_chain(p, &item->body, &in, layers));
    LAM_TRY(leave(p));
    const size_t behind = p->scan.token.start;
    LAM_TRY(parse_count(p, &item->count));
    *layers *= item->count; /* at most LAMI_MAX_LAYERS x LAMI_MAX_COUNT */
    return after_braces(p, p->scan.token.start != behind);
}

/* The block counts as a layer too: it adds its two chains. */
static lam_status parse_residual(parser *p, lami_item *item, size_t *layers)
{
    size_t body, shortcut = 0;
    LAM_TRY(lami_scan_next(&p->scan, 0));
    const lami_token *t = &p->scan.token;
    char quoted[LAMI_QUOTED];
    if (t->kind != LAMI_TOKEN_OPEN)
        return lami_mistake(&p->scan, t->start, "expected '{' after residual", "unexpected %s",
                            lami_quote(quoted, &p->scan));
    braces in = { .open = t->start, .may_split = 1, .is_residual = 1 };
    LAM_TRY(enter(p));
    LAM_TRY(parse_chain(p, &item->body, &in, &body));
    if (t->kind == LAMI_TOKEN_BAR) {
        in.may_split = 0;
        LAM_TRY(lami_scan_next(&p->scan, 0));
        LAM_TRY(parse_chain(p, &item->shortcut, &in, &shortcut));
    }
    LAM_TRY(leave(p));
    *layers = 1 + body + shortcut;
    if (t->kind == LAMI_TOKEN_WORD && *lami_token_text(&p->scan) == 'x' &&
        !lami_begins_item(lami_token_text(&p->scan), t->length))
        return lami_mistake(&p->scan, t->start, "write {residual {...}} x COUNT", "a residual block takes no count");
    return after_braces(p, 1);
}

/* Alone in the outermost chain and at its end, or a mistake. */
static lam_status parse_loss(parser *p, const lami_item *item, const braces *in, int first)
{
    const char *name = item->loss->name;
    char quoted[LAMI_QUOTED], expected[LAMI_LISTED];
    lami_loss_comes_last(expected);
    if (!in->outermost)
        return lami_mistake(&p->scan, item->position, expected, "%s inside braces", name);
    LAM_TRY(lami_scan_next(&p->scan, 1));
    const lami_token *t = &p->scan.token;
    if (t->kind == LAMI_TOKEN_NUMBER ||
        (t->kind == LAMI_TOKEN_WORD && !lami_begins_item(lami_token_text(&p->scan), t->length)))
        return lami_mistake(&p->scan, t->start, "expected the end of the text", "%s: unexpected %s", name,
                            lami_quote(quoted, &p->scan));
    if (t->kind == LAMI_TOKEN_CLOSE || t->kind == LAMI_TOKEN_BAR)
        return lami_mistake(&p->scan, t->start, "expected the end of the text", "stray %s",
                            lami_quote(quoted, &p->scan));
    if (t->kind != LAMI_TOKEN_END)
        return lami_mistake(&p->scan, item->position, expected, "%s is not the last item", name);
    if (first)
        return lami_mistake(&p->scan, item->position, "expected a layer before it", "%s alone", name);
    p->has_loss = 1;
    return LAM_OK;
}

/* No item begins with the current token, which is no word. */
static lam_status no_item(const parser *p, const braces *in, int first)
{
    const lami_token *t = &p->scan.token;
    char quoted[LAMI_QUOTED];
    lami_quote(quoted, &p->scan);
    if (t->kind == LAMI_TOKEN_END && first && in->outermost)
        return lami_mistake(&p->scan, t->start, "expected a layer", "the notation is empty");
    if (t->kind == LAMI_TOKEN_END && first)
        return lami_mistake(&p->scan, in->open, "expected '}' before the end of the text", "'{' is not closed");
    if (t->kind == LAMI_TOKEN_NUMBER)
        return lami_mistake(&p->scan, t->start, "expected a layer", "unexpected number %s", quoted);
    if (t->kind == LAMI_TOKEN_CLOSE && in->outermost)
        return lami_mistake(&p->scan, t->start, "no '{' is open", "stray '}'");
    if (t->kind == LAMI_TOKEN_BAR && !in->may_split)
        return lami_mistake(&p->scan, t->start, "it stands once, in residual {... | ...}", "stray '|'");
    return lami_mistake(&p->scan, t->start, "expected a layer", "unexpected %s", quoted);
}

static lam_status parse_item(parser *p, lami_item **item, const braces *in, int first, size_t *layers)
{
    const lami_token t = p->scan.token;
    const char *text = lami_token_text(&p->scan);
    *layers = 0;
    if (t.kind == LAMI_TOKEN_OPEN) {
        LAM_TRY(new_item(item, LAMI_ITEM_GROUP, t.start));
        return parse_group(p, *item, layers);
    }
    if (t.kind != LAMI_TOKEN_WORD)
        return no_item(p, in, first);
    if (lami_token_is(&p->scan, residual_word)) {
        LAM_TRY(new_item(item, LAMI_ITEM_RESIDUAL, t.start));
        return parse_residual(p, *item, layers);
    }
    const lami_loss *loss = lami_loss_find(text, t.length);
    if (loss) {
        LAM_TRY(new_item(item, LAMI_ITEM_LOSS, t.start));
        (*item)->loss = loss;
        return parse_loss(p, *item, in, first);
    }
    const lami_layer *layer = find_layer(text, t.length);
    if (!layer)
        return lami_unknown_item(&p->scan);
    LAM_TRY(new_item(item, LAMI_ITEM_LAYER, t.start));
    (*item)->layer = layer;
    *layers = 1;
    return lami_notation_layer(&p->scan, *item);
}

/* The token after an item that is not "-": does the chain end here? */
static lam_status end_chain(const parser *p, const braces *in)
{
    const lami_token *t = &p->scan.token;
    char expected[LAMI_LISTED];
    switch (t->kind) {
    case LAMI_TOKEN_OPEN:
        return lami_mistake(&p->scan, t->start, "expected '-' before it", "unexpected '{'");
    case LAMI_TOKEN_CLOSE:
        return in->outermost ? lami_mistake(&p->scan, t->start, "no '{' is open", "stray '}'") : LAM_OK;
    case LAMI_TOKEN_BAR:
        if (in->may_split)
            return LAM_OK;
        return lami_mistake(&p->scan, t->start, "it stands once, in residual {... | ...}",
                            in->is_residual ? "a second '|'" : "stray '|'");
    default:
        break;
    }
    if (!in->outermost)
        return lami_mistake(&p->scan, in->open, "expected '}' before the end of the text", "'{' is not closed");
    return p->has_loss ? LAM_OK : lami_mistake(&p->scan, t->start, lami_loss_comes_last(expected), "no loss");
}

/* A group of count 1 gives way to its chain. */
static void open_group(lami_item **link)
{
    lami_item *const group = *link;
    *link = group->body;
    lami_free(group);
}

/* Items from the current token to the end of the chain, which is then the current token. *layers counts them with their
 * repetitions, at most LAMI_MAX_LAYERS. Items are linked as they are made, so that whoever has *first can free them. */
static lam_status parse_chain(parser *p, lami_item **first, const braces *in, size_t *layers)
{
    lami_item **link = first;
    *layers = 0;
    for (;;) {
        const size_t position = p->scan.token.start;
        size_t n;
        LAM_TRY(parse_item(p, link, in, link == first, &n));
        *layers += n;
        if (*layers > LAMI_MAX_LAYERS) {
            char expected[48];
            snprintf(expected, sizeof expected, "expected at most %d", LAMI_MAX_LAYERS);
            return lami_mistake(&p->scan, position, expected, "%zu layers with repetitions", *layers);
        }
        if ((*link)->kind == LAMI_ITEM_GROUP && (*link)->count == 1)
            open_group(link);
        while (*link)
            link = &(*link)->next;
        if (p->scan.token.kind != LAMI_TOKEN_DASH)
            return end_chain(p, in);
        LAM_TRY(lami_scan_next(&p->scan, 0));
    }
}

lam_status lami_notation_parse(lami_item **net, const char *text)
{
    parser p = { .depth = 0 };
    const braces none = { .outermost = 1 };
    lami_item *first = NULL;
    size_t layers;
    lam_status status;
    *net = NULL;
    LAM_TRY_DONE(lami_scan_start(&p.scan, text, LAMI_MAX_NOTATION));
    LAM_TRY_DONE(lami_scan_next(&p.scan, 0));
    LAM_TRY_DONE(parse_chain(&p, &first, &none, &layers));
    *net = first;
    first = NULL;
done:
    lami_notation_free(first);
    return status;
}

void lami_notation_free(lami_item *net)
{
    while (net) {
        lami_item *const next = net->next;
        lami_notation_free(net->body);
        lami_notation_free(net->shortcut);
        lami_free(net->opts);
        lami_free(net);
        net = next;
    }
}

/* ---- the command line's argument --------------------------------------------------------------------------------- */

static int is_notation(const char *argument)
{
    const size_t length = strlen(argument);
    return !length || argument[strcspn(argument, " \t\r\n{")] || lami_begins_item(argument, length);
}

/* Without a byte order mark, which some editors write. */
static lam_status copy_file(char **text, const char *path, const lami_blob *file)
{
    static const char mark[3] = { '\xef', '\xbb', '\xbf' };
    const char *data = (const char *)file->data;
    size_t size = file->size;
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)data[i] < ' ' && data[i] != '\n' && data[i] != '\r' && data[i] != '\t')
            return lami_fail(LAM_EFORMAT, "%s: not text: byte %zu is 0x%02X", path, i, (unsigned)data[i]);
    if (size >= sizeof mark && memcmp(data, mark, sizeof mark) == 0) {
        data += sizeof mark;
        size -= sizeof mark;
    }
    *text = size ? lami_strndup(data, size) : lami_strdup("");
    return *text ? LAM_OK : LAM_ENOMEM;
}

lam_status lami_notation_text(char **text, const char *argument)
{
    *text = NULL;
    if (is_notation(argument)) {
        *text = lami_strdup(argument);
        return *text ? LAM_OK : LAM_ENOMEM;
    }
    lami_blob file;
    LAM_TRY(lami_blob_open(&file, argument, LAMI_MAX_NOTATION));
    const lam_status status = copy_file(text, argument, &file);
    lami_blob_close(&file);
    return status;
}

lam_status lami_notation_fail(lam_status status, const char *text, size_t position, const char *what)
{
    return lami_scan_fail(status, text, position, what, NULL);
}

const lami_loss *lami_notation_loss(const lami_item *net)
{
    while (net->next)
        net = net->next;
    return net->loss;
}
