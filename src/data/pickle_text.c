/* pickle_text: strings that protocol 0 writes with escapes. */
#include "../core/mem.h"
#include "pickle_machine.h"

static size_t put_utf8(uint8_t *out, uint32_t c)
{
    static const uint8_t first[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
    const size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    if (n == 1) {
        out[0] = (uint8_t)c;
        return 1;
    }
    for (size_t i = n - 1; i > 0; i--, c >>= 6)
        out[i] = (uint8_t)(0x80 | (c & 0x3f));
    out[0] = (uint8_t)(first[n] | c);
    return n;
}

/* `digits` hexadecimal digits at `at` of `left` bytes; 0: not that many. */
static int hexadecimal(uint32_t *value, const uint8_t *at, size_t left, size_t digits)
{
    *value = 0;
    for (size_t i = 0; i < digits; i++) {
        const int c = i < left ? at[i] | 0x20 : 0; /* small letters; digits stay */
        if (i >= left || !((at[i] >= '0' && at[i] <= '9') || (c >= 'a' && c <= 'f')))
            return 0;
        *value = *value << 4 | (uint32_t)(c >= 'a' ? c - 'a' + 10 : at[i] - '0');
    }
    return 1;
}

/* What a backslash and the byte after it mean in Python 2's repr of a string; -1: something else. */
static int escaped(uint8_t c)
{
    switch (c) {
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case '\\':
    case '\'':
    case '"':
        return c;
    default:
        return -1;
    }
}

/* A string as Python 2's repr prints it. */
lam_status lami_pickle_quoted(lami_pickle_reader *r)
{
    const uint8_t *at;
    uint8_t *out;
    size_t size, n = 0;
    LAM_TRY(lami_pickle_line(r, &at, &size));
    if (size < 2 || (*at != '\'' && *at != '"') || at[size - 1] != *at)
        return lami_pickle_damaged(r, "a string without quotes");
    LAM_TRY(lami_pickle_room(r, &out, size));
    for (size_t i = 1; i < size - 1; i++) {
        uint32_t code;
        int c = at[i];
        if (c == '\\') {
            i++;
            c = escaped(at[i]);
            if (at[i] == 'x' && hexadecimal(&code, at + i + 1, size - 2 - i, 2)) {
                c = (int)code;
                i += 2;
            }
            if (c < 0 || i >= size - 1) {
                lami_free(out);
                return lami_pickle_damaged(r, "a string with an unknown escape");
            }
        }
        out[n++] = (uint8_t)c;
    }
    return lami_pickle_push_bytes(r, LAMI_PICKLE_BYTES, out, n, 1);
}

/* Text in Latin-1, with \uXXXX and \UXXXXXXXX for what that cannot say; a backslash itself is \u005c. */
lam_status lami_pickle_text_line(lami_pickle_reader *r)
{
    const uint8_t *at;
    uint8_t *out;
    size_t size, n = 0;
    LAM_TRY(lami_pickle_line(r, &at, &size));
    LAM_TRY(lami_pickle_room(r, &out, 2 * size));
    for (size_t i = 0; i < size; i++) {
        uint32_t c = at[i];
        if (c == '\\' && i + 1 < size && (at[i + 1] == 'u' || at[i + 1] == 'U')) {
            const size_t digits = at[i + 1] == 'u' ? 4 : 8;
            if (!hexadecimal(&c, at + i + 2, size - i - 2, digits) || c > 0x10ffff) {
                lami_free(out);
                return lami_pickle_damaged(r, "text with a wrong escape");
            }
            i += 1 + digits;
        }
        n += put_utf8(out + n, c);
    }
    return lami_pickle_push_bytes(r, LAMI_PICKLE_TEXT, out, n, 1);
}
