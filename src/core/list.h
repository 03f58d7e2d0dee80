/* list: "a, b, c" in a message. */
#ifndef LAMI_LIST_H
#define LAMI_LIST_H

#include <stddef.h>

/* Add ", word", the first time "word", to the list in `out` of `size` bytes, at least 4; `length` characters of word.
 * Where it does not fit, the list ends with "...", and stays so. */
void lami_list_add(char *out, size_t size, const char *word, size_t length);

/* All of count words, where word(i, arg) gives the i-th. Returns out. */
const char *lami_list_all(char *out, size_t size, size_t count, const char *(*word)(size_t index, const void *arg),
                          const void *arg);

#endif
