/* nearest: optimal string alignment distance over three rows of the table, without regard to case. */
#include "nearest.h"

#include <stdio.h>
#include <string.h>

enum { LONGEST = 64 }; /* longer words have no match */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static int same(char a, char b)
{
    return lower(a) == lower(b);
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Row i of the table holds the distances of a's first i letters to each start of b. */
static unsigned distance(const char *a, size_t na, const char *b, size_t nb)
{
    unsigned rows[3][LONGEST + 1];
    unsigned *before = rows[0], *last = rows[1], *row = rows[2];
    for (size_t j = 0; j <= nb; j++)
        last[j] = (unsigned)j;
    for (size_t i = 1; i <= na; i++) {
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= nb; j++) {
            row[j] = least(least(last[j], row[j - 1]) + 1, last[j - 1] + !same(a[i - 1], b[j - 1]));
            if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
                row[j] = least(row[j], before[j - 2] + 1);
        }
        unsigned *const free_row = before;
        before = last;
        last = row;
        row = free_row;
    }
    return last[nb];
}

const char *lami_nearest(const char *text, size_t count, const char *(*word)(size_t index, const void *arg),
                         const void *arg)
{
    const size_t length = strlen(text);
    if (!length || length > LONGEST)
        return NULL;
    const char *best = NULL;
    unsigned closest = length < 6 ? 1 : (unsigned)(length / 3);
    for (size_t i = 0; i < count; i++) {
        const char *w = word(i, arg);
        const size_t n = strlen(w);
        if (n > LONGEST)
            continue;
        const unsigned d = distance(text, length, w, n);
        if (d < closest || (d == closest && !best)) {
            closest = d;
            best = w;
        }
    }
    return best;
}

/* A word may come from a file: what a terminal could take as a command is not shown. */
const char *lami_did_you_mean(char out[LAMI_MEANT_TEXT], const char *text, size_t count,
                              const char *(*word)(size_t index, const void *arg), const void *arg)
{
    const char *meant = lami_nearest(text, count, word, arg);
    out[0] = 0;
    if (meant)
        snprintf(out, LAMI_MEANT_TEXT, ", did you mean \"%s\"?", meant);
    for (char *c = out; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';
    return out;
}

const char *lami_nth_text(size_t index, const void *texts)
{
    return ((const char *const *)texts)[index];
}
