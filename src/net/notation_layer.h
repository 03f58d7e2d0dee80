/* notation_layer: the values and options of a layer. For notation.c. */
#ifndef LAMI_NOTATION_LAYER_H
#define LAMI_NOTATION_LAYER_H

#include "notation.h"
#include "scan.h"

/* The current token is the name of the item's layer: read values and options into item->opts, made here, up to something
 * else. Errors: LAM_ENOTATION, LAM_ENOMEM. */
lam_status lami_notation_layer(lami_scan *scan, lami_item *item);

/* A whole number of `length` digits from `least` to `most`; 0 when it is none. */
int lami_notation_whole(size_t *value, const char *text, size_t length, double least, double most);

#endif
