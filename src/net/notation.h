/* notation: the text of a network to a tree and back. Grammar and rules: docs/notation.md.
 *   net   = chain
 *   chain = item { "-" item }
 *   item  = layer | "{" chain "}" [ "x" COUNT ] | "residual" "{" chain [ "|" chain ] "}"
 *   layer = NAME { VALUE | OPTION [ VALUE ] } */
#ifndef LAMI_NOTATION_H
#define LAMI_NOTATION_H

#include "../loss/loss.h"

enum { LAMI_MAX_COUNT = 1000, LAMI_MAX_LAYERS = 10000, LAMI_MAX_NESTING = 64, LAMI_MAX_NOTATION = 1 << 20 };

typedef enum lami_item_kind { LAMI_ITEM_LAYER, LAMI_ITEM_GROUP, LAMI_ITEM_RESIDUAL, LAMI_ITEM_LOSS } lami_item_kind;

typedef struct lami_item {
    lami_item_kind kind;
    const lami_layer *layer;    /* LAYER */
    void *opts;                 /* LAYER: layer->opts_size bytes, filled in; NULL where the layer has none */
    const lami_loss *loss;      /* LOSS: only as the last item of the outermost chain */
    size_t count;               /* GROUP: repetitions, at least 1 */
    struct lami_item *body;     /* GROUP, RESIDUAL: the chain inside */
    struct lami_item *shortcut; /* RESIDUAL: the chain after "|"; NULL: identity */
    struct lami_item *next;     /* next item of the chain */
    size_t position;            /* of its first character in the text, for messages */
} lami_item;

/* Parse. *net is the first item of the outermost chain, yours (lami_notation_free). The text needs not outlive the
 * call. Errors: LAM_ENOTATION with three lines: "<what>: line L, column C: <expected>", the line of text (cut to 100
 * characters round the place), a caret under the place; LAM_ENOMEM. */
lam_status lami_notation_parse(lami_item **net, const char *text);
void lami_notation_free(lami_item *net);

/* Its loss: every net has one. */
const lami_loss *lami_notation_loss(const lami_item *net);

/* Canonical form, yours: single spaces, names not aliases, defaults left out, groups of count 1 opened, shortest
 * numbers that read back equal. parse(print(net)) equals net. NULL when memory is out. */
char *lami_notation_print(const lami_item *net);

/* Fail with the three lines for a place found later (shape mistakes): `what` is one line. */
lam_status lami_notation_fail(lam_status status, const char *text, size_t position, const char *what);

/* Can an item begin with this word, now or in a later version? */
int lami_begins_item(const char *name, size_t length);

/* The command line's rule: an argument that holds white space or '{', or is a layer's or loss's name, is notation, else
 * a file. Reads a file when it is one. *text is yours. Errors: LAM_EREAD, LAM_EFORMAT (not text, too long). */
lam_status lami_notation_text(char **text, const char *argument);

#endif
