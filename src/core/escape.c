/* escape: see escape.h. */
#include "escape.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "mem.h"

static const char dots[] = "...";

/* Bytes of the character at `s`, 0 where there is no valid one. Source: Unicode 15, table 3-7. */
static size_t utf8_length(const uint8_t *s)
{
    if (s[0] < 0x80)
        return 1;
    if (s[0] < 0xc2 || s[0] > 0xf4)
        return 0;
    const size_t length = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    const uint8_t least = s[0] == 0xe0 ? 0xa0 : s[0] == 0xf0 ? 0x90 : 0x80;
    const uint8_t most = s[0] == 0xed ? 0x9f : s[0] == 0xf4 ? 0x8f : 0xbf;
    if (s[1] < least || s[1] > most)
        return 0;
    for (size_t i = 2; i < length; i++)
        if (s[i] < 0x80 || s[i] > 0xbf)
            return 0;
    return length;
}

/* Below a blank, delete, and U+0080 to U+009F, which terminals obey, too. */
static int is_control(const uint8_t *s)
{
    return s[0] < ' ' || s[0] == 0x7f || (s[0] == 0xc2 && s[1] < 0xa0);
}

size_t lami_escape_piece(char out[LAMI_ESCAPE_PIECE], const char **text)
{
    const uint8_t *s = (const uint8_t *)*text;
    const size_t length = utf8_length(s);
    if (!length || is_control(s)) {
        *text += 1;
        return (size_t)snprintf(out, LAMI_ESCAPE_PIECE, "\\x%02x", s[0]);
    }
    memcpy(out, s, length);
    *text += length;
    return length;
}

static size_t shown_length(const char *text)
{
    char shown[LAMI_ESCAPE_PIECE];
    size_t length = 0;
    while (*text)
        length += lami_escape_piece(shown, &text);
    return length;
}

/* What is left of `text`, of `length` bytes as it is shown, from the first character on from where it fits. */
static void put(char *out, size_t room, size_t length, const char *text)
{
    char shown[LAMI_ESCAPE_PIECE];
    size_t n = 0;
    if (length >= room) {
        memcpy(out, dots, sizeof dots - 1);
        n = sizeof dots - 1;
    }
    while (*text) {
        const size_t size = lami_escape_piece(shown, &text);
        if (n + length < room) {
            memcpy(out + n, shown, size);
            n += size;
        }
        length -= size;
    }
    out[n] = 0;
}

const char *lami_escape(char *out, size_t size, const char *text)
{
    put(out, size, shown_length(text), text);
    return out;
}

char *lami_escaped(const char *text)
{
    const size_t length = shown_length(text);
    char *out = lami_alloc(length + 1, 1);
    if (out)
        put(out, length + 1, length, text);
    return out;
}
