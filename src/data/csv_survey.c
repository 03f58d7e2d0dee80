/* csv_survey: one pass over all rows. What a thread has seen of a column is joined in the end: sums and unions,
 * which do not depend on who has seen what. */
#include <stdatomic.h>

#include "../core/mem.h"
#include "../core/parallel.h"
#include "csv.h"

/* What a thread needs. */
typedef struct seen {
    lami_csv_cell *cell;
    lami_csv_survey *column;
} seen;

typedef struct job {
    lami_csv_table *table;
    uint8_t *wanted; /* of each column: LAMI_CSV_PLACE, ... */
    seen *of;        /* of each thread */
    atomic_int out_of_memory;
} job;

static size_t chunk_tasks(void *arg, size_t phase)
{
    (void)phase;
    return ((const job *)arg)->table->chunks;
}

static lam_status see_row(seen *s, const lami_csv_table *table, const uint8_t *wanted)
{
    for (size_t i = 0; i < table->columns; i++) {
        const lami_csv_cell *cell = &s->cell[i];
        lami_csv_survey *column = &s->column[i];
        if (!wanted[i] || cell->kind == LAMI_CSV_MISSING)
            continue;
        if (cell->kind == LAMI_CSV_NUMBER) {
            column->numbers++;
            if (wanted[i] == LAMI_CSV_VALUE)
                LAM_TRY(lami_csv_words_add(&column->number_words, cell));
        } else {
            column->texts++;
            LAM_TRY(lami_csv_words_add(&column->text_words, cell));
        }
    }
    return LAM_OK;
}

static void see_chunk(void *arg, size_t phase, size_t k, size_t thread)
{
    (void)phase;
    job *j = arg;
    const lami_csv_table *table = j->table;
    lami_csv_chunk *chunk = &j->table->chunk[k];
    seen *s = &j->of[thread];
    for (const uint8_t *at = chunk->begin; at < chunk->end && !atomic_load(&j->out_of_memory);) {
        lami_csv_problem problem;
        const size_t cells =
            lami_csv_row(s->cell, s->cell ? table->columns : 0, j->wanted, &table->text, &at, &problem);
        if (!cells)
            continue;
        if (!problem.what && cells != table->columns) {
            problem.what = LAMI_CSV_CELLS;
            problem.cells = cells;
        }
        if (problem.what) {
            if (!chunk->problems++)
                chunk->problem = problem;
            continue;
        }
        chunk->rows++;
        if (s->column && see_row(s, table, j->wanted))
            atomic_store(&j->out_of_memory, 1);
    }
}

/* ---- before and after -------------------------------------------------------------------------------------------- */

static void set_most(lami_csv_survey *column, const lami_csv_table *table, const size_t *numbers_most)
{
    for (size_t i = 0; i < table->columns; i++) {
        column[i].number_words.most = numbers_most[i];
        column[i].text_words.most = table->role[i] == LAMI_CSV_INPUT   ? LAMI_MAX_CATEGORIES
                                    : table->role[i] == LAMI_CSV_LABEL ? LAMI_MAX_CLASSES
                                                                       : 0;
    }
}

static void free_columns(lami_csv_survey *column, size_t columns)
{
    for (size_t i = 0; column && i < columns; i++) {
        lami_csv_words_free(&column[i].text_words);
        lami_csv_words_free(&column[i].number_words);
    }
    lami_free(column);
}

void lami_csv_survey_free(lami_csv_table *table)
{
    free_columns(table->survey, table->columns);
    table->survey = NULL;
}

static lam_status make_job(job *j, lami_csv_table *table, const size_t *numbers_most)
{
    j->wanted = lami_alloc(table->columns, 1);
    j->of = lami_alloc((size_t)table->threads, sizeof *j->of);
    if (!j->wanted || !j->of)
        return LAM_ENOMEM;
    if (!numbers_most)
        return LAM_OK;
    for (size_t i = 0; i < table->columns; i++)
        j->wanted[i] = table->role[i] == LAMI_CSV_IGNORED ? LAMI_CSV_PLACE
                       : numbers_most[i]                  ? LAMI_CSV_VALUE
                                                          : LAMI_CSV_KIND;
    for (int t = 0; t < table->threads; t++) {
        j->of[t].cell = lami_alloc(table->columns, sizeof *j->of[t].cell);
        j->of[t].column = lami_alloc(table->columns, sizeof *j->of[t].column);
        if (!j->of[t].cell || !j->of[t].column)
            return LAM_ENOMEM;
        set_most(j->of[t].column, table, numbers_most);
    }
    return LAM_OK;
}

static void free_job(job *j, const lami_csv_table *table)
{
    for (int t = 0; j->of && t < table->threads; t++) {
        lami_free(j->of[t].cell);
        free_columns(j->of[t].column, table->columns);
    }
    lami_free(j->of);
    lami_free(j->wanted);
}

static lam_status join_columns(lami_csv_table *table, job *j, const size_t *numbers_most)
{
    table->survey = lami_alloc(table->columns, sizeof *table->survey);
    if (!table->survey)
        return LAM_ENOMEM;
    set_most(table->survey, table, numbers_most);
    for (int t = 0; t < table->threads; t++)
        for (size_t i = 0; i < table->columns; i++) {
            lami_csv_survey *to = &table->survey[i];
            lami_csv_survey *from = &j->of[t].column[i];
            to->numbers += from->numbers;
            to->texts += from->texts;
            LAM_TRY(lami_csv_words_join(&to->text_words, &from->text_words));
            LAM_TRY(lami_csv_words_join(&to->number_words, &from->number_words));
        }
    return LAM_OK;
}

static lam_status count_rows(lami_csv_table *table)
{
    table->rows = 0;
    for (size_t k = 0; k < table->chunks; k++) {
        lami_csv_chunk *chunk = &table->chunk[k];
        if (chunk->problems && !table->how->bad)
            return lami_csv_report(table, &chunk->problem);
        chunk->first = table->rows;
        table->rows += chunk->rows;
    }
    for (size_t k = 0; !table->rows && k < table->chunks; k++)
        if (table->chunk[k].problems)
            return lami_csv_report(table, &table->chunk[k].problem);
    if (table->rows)
        return LAM_OK;
    return lami_fail(LAM_EFORMAT, "%s has no rows%s", table->path, table->name ? " after its header" : "");
}

lam_status lami_csv_survey_rows(lami_csv_table *table, const size_t *numbers_most)
{
    lam_status status;
    job j = { .table = table };
    lami_csv_survey_free(table);
    for (size_t k = 0; k < table->chunks; k++)
        table->chunk[k].rows = table->chunk[k].problems = 0;
    LAM_TRY_DONE(make_job(&j, table, numbers_most));
    lami_parallel_prepare(table->threads);
    lami_parallel_run(table->threads, 0, 1, chunk_tasks, see_chunk, &j);
    if (atomic_load(&j.out_of_memory)) {
        status = lami_fail(LAM_ENOMEM, "out of memory while reading %s", table->path);
        goto done;
    }
    LAM_TRY_DONE(count_rows(table));
    if (numbers_most)
        LAM_TRY_DONE(join_columns(table, &j, numbers_most));
done:
    free_job(&j, table);
    return status;
}
