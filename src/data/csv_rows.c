/* csv_rows: where the rows of each chunk begin. Without a quote in the text that is after a newline. With quotes
 * each chunk guesses so, and finds where its last row ends; then the guesses are checked one after another: a chunk
 * that began inside a cell is done again from where the one before it ends. */
#include <string.h>

#include "../core/mem.h"
#include "../core/parallel.h"
#include "csv.h"

enum { GUESS_CHUNKS = 4 /* a guess that needs more text than this is given up */ };

typedef struct cut {
    const lami_csv_text *text;
    size_t chunk_bytes, chunks;
    uint8_t *has_quote;
    const uint8_t **begin, **end; /* the guesses; NULL: none */
} cut;

/* Where chunk k's share of the text ends. */
static const uint8_t *share_end(const cut *c, size_t k)
{
    const size_t size = (size_t)(c->text->end - c->text->begin);
    return k + 1 >= c->chunks || (k + 1) * c->chunk_bytes >= size ? c->text->end
                                                                  : c->text->begin + (k + 1) * c->chunk_bytes;
}

static const uint8_t *share_begin(const cut *c, size_t k)
{
    return k ? share_end(c, k - 1) : c->text->begin;
}

/* The first line that begins at `at` or later. */
static const uint8_t *line_from(const cut *c, const uint8_t *at)
{
    if (at == c->text->begin || at == c->text->end)
        return at;
    const uint8_t *newline = memchr(at - 1, '\n', (size_t)(c->text->end - (at - 1)));
    return newline ? newline + 1 : c->text->end;
}

static size_t chunk_tasks(void *arg, size_t phase)
{
    (void)phase;
    return ((const cut *)arg)->chunks;
}

static void look_for_quotes(void *arg, size_t phase, size_t k, size_t thread)
{
    (void)phase, (void)thread;
    cut *c = arg;
    const uint8_t *begin = share_begin(c, k);
    const size_t size = (size_t)(share_end(c, k) - begin);
    c->has_quote[k] = size && memchr(begin, '"', size);
}

/* Rows from `at` until one begins at `until` or later, which is returned. */
static const uint8_t *pass_rows(const lami_csv_text *text, const uint8_t *at, const uint8_t *until)
{
    lami_csv_problem problem;
    while (at < until)
        lami_csv_row(NULL, 0, NULL, text, &at, &problem);
    return at;
}

static void guess(void *arg, size_t phase, size_t k, size_t thread)
{
    (void)phase, (void)thread;
    cut *c = arg;
    const uint8_t *until = share_end(c, k);
    lami_csv_text part = *c->text;
    if ((size_t)(part.end - until) > GUESS_CHUNKS * c->chunk_bytes)
        part.end = until + GUESS_CHUNKS * c->chunk_bytes;
    c->begin[k] = line_from(c, share_begin(c, k));
    if (c->begin[k] >= part.end && part.end < c->text->end)
        return;
    const uint8_t *end = pass_rows(&part, c->begin[k], until);
    if (end < part.end || part.end == c->text->end)
        c->end[k] = end;
}

static void set_chunks(lami_csv_chunk *chunk, const cut *c, int quotes)
{
    const uint8_t *at = c->text->begin;
    for (size_t k = 0; k < c->chunks; k++) {
        const uint8_t *until = share_end(c, k);
        chunk[k].begin = at;
        if (at < until) {
            if (!quotes)
                at = line_from(c, until);
            else
                at = c->begin[k] == at && c->end[k] ? c->end[k] : pass_rows(c->text, at, until);
        }
        chunk[k].end = at;
    }
}

static int any(const uint8_t *flag, size_t count)
{
    return memchr(flag, 1, count) != NULL;
}

lam_status lami_csv_chunks(lami_csv_chunk **chunk, size_t *chunks, const lami_csv_text *text, size_t chunk_bytes,
                           int threads)
{
    lam_status status = LAM_ENOMEM;
    const size_t size = (size_t)(text->end - text->begin);
    cut c = { .text = text, .chunk_bytes = chunk_bytes };
    if (c.chunk_bytes < size / LAMI_MAX_TASKS + 1)
        c.chunk_bytes = size / LAMI_MAX_TASKS + 1;
    c.chunks = size / c.chunk_bytes + (size % c.chunk_bytes > 0);
    c.chunks += !c.chunks;
    c.has_quote = lami_alloc(c.chunks, 1);
    c.begin = lami_alloc(c.chunks, sizeof *c.begin);
    c.end = lami_alloc(c.chunks, sizeof *c.end);
    *chunk = lami_alloc(c.chunks, sizeof **chunk);
    if (!c.has_quote || !c.begin || !c.end || !*chunk)
        goto done;
    lami_parallel_prepare(threads);
    lami_parallel_run(threads, 0, 1, chunk_tasks, look_for_quotes, &c);
    const int quotes = any(c.has_quote, c.chunks);
    if (quotes)
        lami_parallel_run(threads, 0, 1, chunk_tasks, guess, &c);
    set_chunks(*chunk, &c, quotes);
    *chunks = c.chunks;
    status = LAM_OK;
done:
    lami_free(c.has_quote);
    lami_free(c.begin);
    lami_free(c.end);
    if (status) {
        lami_free(*chunk);
        *chunk = NULL;
    }
    return status;
}
