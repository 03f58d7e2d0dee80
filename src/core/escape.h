/* escape: names of files, which may be any bytes, as text: valid UTF-8 on one line. */
#ifndef LAMI_ESCAPE_H
#define LAMI_ESCAPE_H

#include <stddef.h>

/* Bytes that are not UTF-8 and those of control characters become \xHH. Text that is too long for `size` bytes (at least 8)
 * loses its beginning, in the place of which "..." stands. Returns out. */
const char *lami_escape(char *out, size_t size, const char *text);

/* The next character of a text as it is shown so, and past it: bytes, without a 0 at the end. Returns how many; `text`
 * must not be at its end. */
enum { LAMI_ESCAPE_PIECE = 5 };
size_t lami_escape_piece(char out[LAMI_ESCAPE_PIECE], const char **text);

/* Room for a path in a message. */
enum { LAMI_PATH_SHOWN = 400 };

/* All of it, yours (lami_free); NULL and a message without memory. */
char *lami_escaped(const char *text);

#endif
