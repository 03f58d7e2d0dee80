/* nearest: the word of a list that a misspelt one most likely means. */
#ifndef LAMI_NEAREST_H
#define LAMI_NEAREST_H

#include <stddef.h>

/* Of count words (word(i, arg) gives the i-th) the one at the smallest edit distance (insert, delete, replace, swap of
 * neighbours; capitals count as small letters), if that is at most a third of the length of `text`, at least 1; else NULL. */
const char *lami_nearest(const char *text, size_t count, const char *(*word)(size_t index, const void *arg),
                         const void *arg);

#endif
