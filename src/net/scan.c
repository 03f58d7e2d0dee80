/* scan: see scan.h. Columns count characters as they are shown: a tab is one, a UTF-8 sequence is one. */
#include "scan.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum {
    SHOWN = 100, /* characters of a line that a message shows */
    BEFORE = 70, /* of these, before the place when the line is cut */
    DOTS = 3     /* "..." at a cut end, part of SHOWN */
};

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int is_word(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '.';
}

static int is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static int is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* ---- messages ---------------------------------------------------------------------------------------------------- */

static int ends_line(char c)
{
    return !c || c == '\n';
}

/* The next character as it is shown, and past it: a '?' stands for a control character and for what is not ASCII. */
static char show(const char **at)
{
    const char c = *(*at)++;
    if ((unsigned char)c >= 0x80)
        while (is_continuation(**at))
            (*at)++;
    if (c == '\t' || c == '\r')
        return ' ';
    return c >= ' ' && c <= '~' ? c : '?';
}

/* Characters of the line at `start` up to `end` or the end of the line, at most `most`. */
static size_t width(const char *start, const char *end, size_t most)
{
    size_t n = 0;
    while (n < most && start < end && !ends_line(*start)) {
        show(&start);
        n++;
    }
    return n;
}

/* Up to SHOWN characters of the line at `start` round character `column` (from 0); returns the caret's place. */
static size_t show_line(char out[SHOWN + 1], const char *start, size_t column)
{
    const size_t to_right = width(start, start + strlen(start), column + SHOWN + 1);
    const size_t first = to_right <= SHOWN || column <= BEFORE ? 0 : column - BEFORE;
    for (size_t i = 0; i < first; i++)
        show(&start);
    size_t n = 0;
    while (n < SHOWN && !ends_line(*start))
        out[n++] = show(&start);
    if (first)
        memset(out, '.', DOTS);
    if (!ends_line(*start))
        memset(out + n - DOTS, '.', DOTS);
    while (n > 0 && out[n - 1] == ' ')
        n--;
    out[n] = 0;
    return column - first;
}

lam_status lami_scan_fail(lam_status status, const char *text, size_t position, const char *what, const char *expected)
{
    const char *line = text;
    size_t number = 1;
    const char *at = text;
    for (; *at && (size_t)(at - text) < position; at++)
        if (*at == '\n') {
            line = at + 1;
            number++;
        }
    const size_t column = width(line, at, SIZE_MAX);
    char shown[SHOWN + 1];
    const size_t caret = show_line(shown, line, column);
    return lami_fail(status, "%.256s: line %zu, column %zu%s%.384s\n%s\n%*s^", what, number, column + 1,
                     expected ? ": " : "", expected ? expected : "", shown, (int)caret, "");
}

/* ---- characters that have no place ------------------------------------------------------------------------------- */

/* The code point of the UTF-8 sequence at `at`; 0 when it is none. */
static uint32_t code_point(const char *at)
{
    const unsigned char lead = (unsigned char)*at;
    const size_t more = lead >= 0xf0 && lead < 0xf8 ? 3 : lead >= 0xe0 && lead < 0xf0 ? 2 : lead >= 0xc2 && lead < 0xe0;
    uint32_t code = more ? lead & (0x3fu >> more) : 0;
    for (size_t i = 1; i <= more; i++) {
        if (!is_continuation(at[i]))
            return 0;
        code = code << 6 | ((unsigned char)at[i] & 0x3f);
    }
    return code;
}

/* Word processors and web pages turn '-', 'x' and spaces into look-alikes. */
static const char *look_alike(uint32_t code)
{
    if ((code >= 0x2010 && code <= 0x2015) || code == 0x2212)
        return "expected an ASCII '-'";
    if (code == 0xd7)
        return "expected the letter 'x'";
    if (code == 0xa0 || (code >= 0x2000 && code <= 0x200b) || code == 0x3000 || code == 0xfeff)
        return "expected an ASCII space";
    return "expected ASCII outside comments";
}

static lam_status bad_character(const lami_scan *scan)
{
    const char *at = scan->text + scan->at;
    const unsigned char c = (unsigned char)*at;
    char what[48];
    const char *expected = "expected a layer, '-', '{', '}' or '|'";
    if (c < ' ' || c == 0x7f) {
        snprintf(what, sizeof what, "control character 0x%02X", c);
    } else if (c < 0x7f) {
        snprintf(what, sizeof what, "unexpected character '%c'", c);
    } else {
        const uint32_t code = code_point(at);
        snprintf(what, sizeof what, code ? "character U+%04X" : "byte 0x%02X", code ? (unsigned)code : c);
        expected = look_alike(code);
    }
    return lami_scan_fail(LAM_ENOTATION, scan->text, scan->at, what, expected);
}

/* ---- tokens ------------------------------------------------------------------------------------------------------ */

/* The end of the number at `at`: letters and points go on, and so does the sign of an exponent. */
static const char *number_end(const char *at)
{
    at += *at == '-';
    int plain = 1; /* digits and points so far */
    for (; is_word(*at); at++) {
        if (plain && (*at == 'e' || *at == 'E') && (at[1] == '-' || at[1] == '+') && is_digit(at[2]))
            at++;
        plain = plain && (is_digit(*at) || *at == '.');
    }
    return at;
}

static const char *word_end(const char *at)
{
    while (is_word(*at))
        at++;
    return at;
}

static const char *skip_space(const char *at)
{
    for (; is_space(*at) || *at == '#'; at++) {
        if (*at != '#')
            continue;
        while (!ends_line(at[1]))
            at++;
    }
    return at;
}

lam_status lami_scan_start(lami_scan *scan, const char *text, size_t limit)
{
    *scan = (lami_scan) { .text = text };
    if (strnlen(text, limit + 1) <= limit)
        return LAM_OK;
    char expected[64];
    snprintf(expected, sizeof expected, "expected at most %zu bytes", limit);
    return lami_scan_fail(LAM_ENOTATION, text, limit, "the text is too long", expected);
}

lam_status lami_scan_next(lami_scan *scan, int sign)
{
    static const char signs[] = "{}|-";
    const char *const before = scan->text + scan->at;
    const char *const start = skip_space(before);
    const char *end = start + 1;
    lami_token_kind kind;
    if (!*start) {
        const size_t last = scan->token.start + scan->token.length;
        scan->token = (lami_token) { .kind = LAMI_TOKEN_END, .start = last };
        return LAM_OK;
    }
    scan->at = (size_t)(start - scan->text);
    const int begins_number = is_digit(start[0]) || start[0] == '.';
    const int negative = sign && start > before && start[0] == '-' && (is_digit(start[1]) || start[1] == '.');
    const char *const found = strchr(signs, *start);
    if (begins_number || negative) {
        kind = LAMI_TOKEN_NUMBER;
        end = number_end(start);
    } else if (is_word(*start)) {
        kind = LAMI_TOKEN_WORD;
        end = word_end(start);
    } else if (found) {
        kind = (lami_token_kind)(LAMI_TOKEN_OPEN + (found - signs));
    } else {
        return bad_character(scan);
    }
    scan->token = (lami_token) { .kind = kind, .start = scan->at, .length = (size_t)(end - start) };
    scan->at += scan->token.length;
    return (unsigned char)*end >= 0x80 ? bad_character(scan) : LAM_OK; /* else a word would be said to end there */
}

const char *lami_token_text(const lami_scan *scan)
{
    return scan->text + scan->token.start;
}

int lami_token_is(const lami_scan *scan, const char *word)
{
    return scan->token.kind == LAMI_TOKEN_WORD && lami_is_word(word, lami_token_text(scan), scan->token.length);
}

/* ---- words ------------------------------------------------------------------------------------------------------- */

int lami_is_word(const char *word, const char *text, size_t length)
{
    return strlen(word) == length && memcmp(word, text, length) == 0;
}

const char *lami_scan_word(const char *words, size_t index, size_t *length)
{
    const char *at = words + strspn(words, " ");
    for (; index > 0; index--) {
        at += strcspn(at, " ");
        at += strspn(at, " ");
    }
    *length = strcspn(at, " ");
    return at;
}
