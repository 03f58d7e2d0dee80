/* html: see html.h. */
#include "html.h"

#include "../core/escape.h"

void cli_html_text(FILE *out, const char *text)
{
    char piece[LAMI_ESCAPE_PIECE];
    while (*text) {
        const size_t size = lami_escape_piece(piece, &text);
        switch (piece[0]) {
        case '&':
            fputs("&amp;", out);
            break;
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        case '\'':
            fputs("&#39;", out);
            break;
        default:
            fwrite(piece, 1, size, out);
        }
    }
}

void cli_html_base64(FILE *out, const uint8_t *data, size_t size)
{
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < size; i += 3) {
        const size_t n = size - i < 3 ? size - i : 3;
        const uint32_t bits =
            (uint32_t)data[i] << 16 | (n > 1 ? (uint32_t)data[i + 1] << 8 : 0) | (n > 2 ? (uint32_t)data[i + 2] : 0);
        for (size_t k = 0; k < 4; k++)
            putc(k <= n ? digit[bits >> (18 - 6 * k) & 63] : '=', out);
    }
}
