/* csv_scan: text into cells, RFC 4180 and what programs write beside it. Blanks (spaces; tabs where they do not
 * separate) round a cell do not count; a quote is one only at the beginning of a cell; lines end with LF or CR LF. */
#include <string.h>

#include "../core/mem.h"
#include "../core/number.h"
#include "csv.h"

typedef struct scanner {
    const uint8_t *end;
    uint8_t separator;
    lami_csv_problem *problem;
} scanner;

static int is_blank(uint8_t c, uint8_t separator)
{
    return c == ' ' || (c == '\t' && separator != '\t');
}

static const uint8_t *skip_blanks(const uint8_t *at, const scanner *s)
{
    while (at < s->end && is_blank(*at, s->separator))
        at++;
    return at;
}

static int at_line_end(const uint8_t *at, const scanner *s)
{
    return at == s->end || *at == '\n' || (*at == '\r' && (at + 1 == s->end || at[1] == '\n'));
}

static int at_separator(const uint8_t *at, const scanner *s)
{
    return *at == s->separator || (*at == '\t' && s->separator == ' ');
}

/* Where a cell is over: blanks before the sign are passed over, if they are not the sign. */
static const uint8_t *skip_to_end(const uint8_t *at, const scanner *s)
{
    return s->separator == ' ' ? at : skip_blanks(at, s);
}

static int at_end_of_cell(const uint8_t *at, const scanner *s)
{
    return at_line_end(at, s) || at_separator(at, s);
}

static void note(const scanner *s, lami_csv_what what)
{
    if (!s->problem->what)
        s->problem->what = what;
}

int lami_csv_is_word(const lami_csv_cell *cell, const char *word)
{
    if (cell->length != strlen(word))
        return 0;
    for (size_t i = 0; word[i]; i++) {
        const uint8_t c = cell->at[i];
        if ((c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c) != word[i])
            return 0;
    }
    return 1;
}

static int is_missing(const lami_csv_cell *cell)
{
    return cell->length == 0 || (cell->length == 1 && *cell->at == '?') || lami_csv_is_word(cell, "na") ||
           lami_csv_is_word(cell, "nan") || lami_csv_is_word(cell, "null");
}

/* Kind of what stood in quotes, or is no bare number. */
static void find_kind(lami_csv_cell *cell, int quoted)
{
    cell->kind = is_missing(cell) ? LAMI_CSV_MISSING : LAMI_CSV_TEXT;
    if (!quoted || cell->kind == LAMI_CSV_MISSING)
        return;
    const uint8_t *at = cell->at, *end = cell->at + cell->length;
    while (at < end && *at == ' ')
        at++;
    while (end > at && end[-1] == ' ')
        end--;
    if (at < end && lami_real_prefix(&cell->number, (const char *)at, (size_t)(end - at)) == (size_t)(end - at))
        cell->kind = LAMI_CSV_NUMBER;
}

/* Bare text from `at` to the next sign; what was noted as a cell's text is left alone. Returns where it ends. */
static const uint8_t *scan_text(lami_csv_cell *cell, const uint8_t *at, const scanner *s)
{
    const uint8_t *const begin = at;
    while (at < s->end && *at != '\n' && !at_separator(at, s)) {
        if (!*at)
            note(s, LAMI_CSV_NUL);
        at++;
    }
    const uint8_t *last = at;
    if (last > begin && last[-1] == '\r' && at_line_end(at, s))
        last--;
    while (last > begin && is_blank(last[-1], s->separator))
        last--;
    cell->at = begin;
    cell->length = (size_t)(last - begin);
    return at;
}

/* From the quote on. */
static const uint8_t *scan_quoted(lami_csv_cell *cell, const uint8_t *at, const scanner *s)
{
    lami_csv_cell rest;
    const uint8_t *quote;
    cell->at = ++at;
    while ((quote = memchr(at, '"', (size_t)(s->end - at))) && quote + 1 < s->end && quote[1] == '"') {
        cell->doubled = 1;
        at = quote + 2;
    }
    cell->length = (size_t)((quote ? quote : s->end) - cell->at);
    if (cell->length && memchr(cell->at, 0, cell->length))
        note(s, LAMI_CSV_NUL);
    if (!quote) {
        note(s, LAMI_CSV_UNCLOSED);
        return s->end;
    }
    at = skip_to_end(quote + 1, s);
    if (at_end_of_cell(at, s))
        return at;
    note(s, LAMI_CSV_STRAY);
    return scan_text(&rest, at, s);
}

/* One comparison for + - . 0 to 9, and two signs between them that begin no number: this is for speed only. */
static int may_begin_number(uint8_t c)
{
    return (uint8_t)(c - '+') <= '9' - '+';
}

/* A cell from `at` on; returns where it ends, at a separator or the end of a line. */
static const uint8_t *scan_cell(lami_csv_cell *cell, const uint8_t *at, int wanted, const scanner *s)
{
    at = skip_blanks(at, s);
    if (wanted && at < s->end && may_begin_number(*at)) {
        double *const number = wanted == LAMI_CSV_KIND ? NULL : &cell->number;
        const size_t length = lami_real_prefix(number, (const char *)at, (size_t)(s->end - at));
        const uint8_t *const end = skip_to_end(at + length, s);
        if (length && at_end_of_cell(end, s)) {
            cell->at = at;
            cell->length = length;
            cell->kind = LAMI_CSV_NUMBER;
            cell->doubled = 0;
            return end;
        }
    }
    cell->kind = LAMI_CSV_TEXT;
    cell->doubled = 0;
    const int quoted = at < s->end && *at == '"';
    const uint8_t *const end = quoted ? scan_quoted(cell, at, s) : scan_text(cell, at, s);
    if (wanted)
        find_kind(cell, quoted);
    return end;
}

static const uint8_t *next_line(const uint8_t *at, const scanner *s)
{
    at += at < s->end && *at == '\r';
    at += at < s->end && *at == '\n';
    return at;
}

size_t lami_csv_row(lami_csv_cell *cell, size_t most, const uint8_t *wanted, const lami_csv_text *text,
                    const uint8_t **at, lami_csv_problem *problem)
{
    const scanner s = { .end = text->end, .separator = text->separator, .problem = problem };
    lami_csv_cell other;
    *problem = (lami_csv_problem) { .row = *at };
    const uint8_t *p = skip_blanks(*at, &s);
    if (at_line_end(p, &s)) {
        *at = next_line(p, &s);
        return 0;
    }
    size_t count = 0;
    for (p = *at;; p++) {
        lami_csv_cell *const c = count < most ? &cell[count] : &other;
        p = scan_cell(c, p, count >= most ? LAMI_CSV_PLACE : wanted ? wanted[count] : LAMI_CSV_VALUE, &s);
        if (problem->what && !problem->cell.at) {
            problem->column = count;
            problem->cell = *c;
        }
        count++;
        if (s.separator == ' ' && at_line_end(skip_blanks(p, &s), &s))
            p = skip_blanks(p, &s);
        if (at_line_end(p, &s))
            break;
    }
    *at = next_line(p, &s);
    return count;
}

size_t lami_csv_cell_text(char *out, const lami_csv_cell *cell)
{
    size_t n = 0;
    for (size_t i = 0; i < cell->length; i++) {
        out[n++] = (char)cell->at[i];
        i += cell->doubled && cell->at[i] == '"';
    }
    out[n] = 0;
    return n;
}

char *lami_csv_cell_copy(const lami_csv_cell *cell)
{
    char *text = lami_alloc(cell->length + 1, 1);
    if (text)
        lami_csv_cell_text(text, cell);
    return text;
}

/* ---- separators -------------------------------------------------------------------------------------------------- */

static int ends_with(const char *text, size_t length, const char *end)
{
    const size_t n = strlen(end);
    return length >= n && !strncasecmp(text + length - n, end, n);
}

static int is_tsv(const char *path)
{
    size_t length = strlen(path);
    if (ends_with(path, length, ".gz"))
        length -= 3;
    return ends_with(path, length, ".tsv") || ends_with(path, length, ".tab");
}

/* How often each sign stands outside quotes in the first line that is not blank; blanks count between other bytes
 * only. */
static void count_signs(size_t count[4], const char signs[4], const lami_csv_text *text)
{
    int quoted = 0, blank = 0, begun = 0, fresh = 1; /* fresh: here a quote begins a cell, or is the second of two */
    for (const uint8_t *at = text->begin; at < text->end; at++) {
        if (quoted) {
            quoted = *at != '"';
            fresh = 1;
            continue;
        }
        if (*at == '\n' && begun)
            return;
        if (*at == ' ' || *at == '\r' || *at == '\n') {
            blank |= *at == ' ';
            fresh |= blank;
            continue;
        }
        count[3] += begun && blank;
        blank = 0;
        begun = 1;
        quoted = fresh && *at == '"';
        fresh = 0;
        for (int i = 0; i < 3; i++)
            if (*at == (uint8_t)signs[i]) {
                count[i]++;
                fresh = 1;
            }
    }
}

uint8_t lami_csv_separator(const lami_csv_text *text, const char *option, const char *path)
{
    static const char signs[] = "\t;, ";
    static const char *const names[] = { "tab", "semicolon", "comma", "space" };
    for (int i = 0; i < 4; i++)
        if (!strcmp(option, names[i]))
            return (uint8_t)signs[i];
    if (is_tsv(path))
        return '\t';
    size_t count[4] = { 0 };
    count_signs(count, signs, text);
    int best = 2;
    for (int i = 0; i < 3; i++)
        if (count[i] > count[best])
            best = i;
    return (uint8_t)signs[count[best] ? best : count[3] ? 3 : 2];
}
