/* nearest: the word of a list that a misspelt one most likely means. */
#ifndef LAMI_NEAREST_H
#define LAMI_NEAREST_H

#include <stddef.h>

/* Of count words (word(i, arg) gives the i-th) the one at the smallest edit distance (insert, delete, replace, swap of
 * neighbours; capitals count as small letters), if that is at most a third of the length of `text`, at least 1; else
 * NULL. */
const char *lami_nearest(const char *text, size_t count, const char *(*word)(size_t index, const void *arg),
                         const void *arg);

/* The same as the end of a message about a word that is unknown: `, did you mean "x"?`, or "" where none is near. */
enum { LAMI_MEANT_TEXT = 128 };
const char *lami_did_you_mean(char out[LAMI_MEANT_TEXT], const char *text, size_t count,
                              const char *(*word)(size_t index, const void *arg), const void *arg);

/* word(i, arg) of an array of texts. */
const char *lami_nth_text(size_t index, const void *texts);

#endif
