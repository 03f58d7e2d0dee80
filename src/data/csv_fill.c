/* csv_fill: one pass over all rows, each to its place; then rows that cannot be used are closed up. */
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "../core/mem.h"
#include "../core/parallel.h"
#include "csv.h"

enum {
    NOTES = sizeof((lami_bad_rows *)0)->first / sizeof((lami_bad_rows *)0)->first[0],
    DROP = 1,
    REFUSE = 2 /* of lami_schema.drop */
};

typedef enum use_kind { NUMBER, ONE_HOT, CODE, CLASS, TARGET, WEIGHT } use_kind;

/* What is done with a column. */
typedef struct use {
    use_kind kind;
    size_t column, to;           /* of the table; the input, or the number of the target */
    const lami_column *of;       /* NUMBER, ONE_HOT, CODE */
    const lami_csv_words *words; /* ONE_HOT, CODE, and CLASS where classes have names */
} use;

typedef struct job {
    const lami_csv_table *table;
    const lami_schema *schema;
    lam_data *data;
    lami_part *part;
    use *uses;
    size_t count, width;
    lami_csv_words *words; /* of each use */
    uint8_t *wanted;       /* of each column */
    uint8_t *gone;         /* of each row: it is not used */
    lami_csv_cell **cell;  /* of each thread */
    int fills_known, drop;
    atomic_int label_missing, gaps;
    lami_csv_problem *note; /* notes for each chunk */
    size_t notes;
} job;

/* ---- a row ------------------------------------------------------------------------------------------------------- */

static void put(const job *j, size_t row, size_t input, double value)
{
    lami_real_put(j->part->x_owned, j->data->dtype, row * j->width + input, value);
}

/* A cell of an input without a value; one_hot inputs stay 0. */
static lami_csv_what put_nothing(job *j, const use *u, size_t row, lami_csv_what what, int *dropped)
{
    if (j->drop == REFUSE)
        return what;
    if (j->drop == DROP)
        *dropped = 1;
    else if (u->kind != ONE_HOT && j->fills_known)
        put(j, row, u->to, u->of->fill);
    else if (u->kind != ONE_HOT) {
        put(j, row, u->to, NAN);
        atomic_store_explicit(&j->gaps, 1, memory_order_relaxed);
    }
    return LAMI_CSV_FINE;
}

static lami_csv_what put_number(job *j, const use *u, size_t row, const lami_csv_cell *cell, int *dropped)
{
    if (cell->kind == LAMI_CSV_TEXT)
        return LAMI_CSV_NOT_NUMBER;
    if (cell->kind == LAMI_CSV_MISSING)
        return put_nothing(j, u, row, LAMI_CSV_EMPTY_CELL, dropped);
    if (j->data->dtype == LAM_F32 && isinf((float)cell->number))
        return LAMI_CSV_TOO_LARGE;
    put(j, row, u->to, cell->number);
    return LAMI_CSV_FINE;
}

static lami_csv_what put_category(job *j, const use *u, size_t row, const lami_csv_cell *cell, int *dropped)
{
    const lami_csv_word *word = cell->kind == LAMI_CSV_MISSING ? NULL : lami_csv_words_find(u->words, cell);
    if (!word)
        return put_nothing(j, u, row, cell->kind == LAMI_CSV_MISSING ? LAMI_CSV_EMPTY_CELL : LAMI_CSV_CATEGORY,
                           dropped);
    if (u->kind == ONE_HOT)
        put(j, row, u->to + word->code, 1);
    else
        put(j, row, u->to, word->code);
    return LAMI_CSV_FINE;
}

/* A label that is not there: for prediction none is needed; else the row is left out, or bad. */
static lami_csv_what no_label(job *j, int *dropped)
{
    if (j->table->how->label_optional) {
        atomic_store(&j->label_missing, 1);
        return LAMI_CSV_FINE;
    }
    if (j->drop != DROP)
        return LAMI_CSV_EMPTY_CELL;
    *dropped = 1;
    return LAMI_CSV_FINE;
}

static lami_csv_what put_class(job *j, const use *u, size_t row, const lami_csv_cell *cell, int *dropped)
{
    if (cell->kind == LAMI_CSV_MISSING)
        return no_label(j, dropped);
    if (u->words) {
        const lami_csv_word *word = lami_csv_words_find(u->words, cell);
        if (word)
            j->part->label[row] = (int32_t)word->code;
        return word ? LAMI_CSV_FINE : LAMI_CSV_CLASS;
    }
    const double value = cell->number;
    if (cell->kind != LAMI_CSV_NUMBER || value != rint(value) || value < 0 || value >= (double)j->schema->classes)
        return LAMI_CSV_CLASS;
    j->part->label[row] = (int32_t)value;
    return LAMI_CSV_FINE;
}

/* A number, or yes or true for 1, no or false for 0. */
static lami_csv_what put_target(job *j, const use *u, size_t row, const lami_csv_cell *cell, int *dropped)
{
    double *target = &j->part->target[row * j->data->targets + u->to];
    if (cell->kind == LAMI_CSV_MISSING)
        return no_label(j, dropped);
    if (cell->kind == LAMI_CSV_NUMBER)
        *target = cell->number;
    else if (lami_csv_is_word(cell, "yes") || lami_csv_is_word(cell, "true"))
        *target = 1;
    else if (lami_csv_is_word(cell, "no") || lami_csv_is_word(cell, "false"))
        *target = 0;
    else
        return LAMI_CSV_NOT_NUMBER;
    return LAMI_CSV_FINE;
}

static lami_csv_what put_weight(const job *j, size_t row, const lami_csv_cell *cell, int *dropped)
{
    if (cell->kind == LAMI_CSV_MISSING) {
        *dropped = j->drop == DROP;
        return *dropped ? LAMI_CSV_FINE : LAMI_CSV_EMPTY_CELL;
    }
    if (cell->kind != LAMI_CSV_NUMBER)
        return LAMI_CSV_NOT_NUMBER;
    j->part->weight[row] = cell->number;
    return cell->number < 0 ? LAMI_CSV_WEIGHT : LAMI_CSV_FINE;
}

static lami_csv_what put_cell(job *j, const use *u, size_t row, const lami_csv_cell *cell, int *dropped)
{
    switch (u->kind) {
    case NUMBER:
        return put_number(j, u, row, cell, dropped);
    case ONE_HOT:
    case CODE:
        return put_category(j, u, row, cell, dropped);
    case CLASS:
        return put_class(j, u, row, cell, dropped);
    case TARGET:
        return put_target(j, u, row, cell, dropped);
    case WEIGHT:
        return put_weight(j, row, cell, dropped);
    }
    return LAMI_CSV_FINE;
}

/* All of a row; *problem where it is bad, which it is though it may be left out for a gap, too. */
static void put_row(job *j, size_t row, const lami_csv_cell *cell, lami_csv_problem *problem)
{
    int dropped = 0;
    for (size_t i = 0; i < j->count; i++) {
        const use *u = &j->uses[i];
        problem->what = put_cell(j, u, row, &cell[u->column], &dropped);
        if (problem->what) {
            problem->column = u->column;
            problem->cell = cell[u->column];
            problem->known = u->kind == CLASS ? j->schema->class_name : u->of ? u->of->category : NULL;
            problem->known_count = u->kind == CLASS ? j->schema->classes : u->of ? u->of->categories : 0;
            break;
        }
    }
    j->gone[row] = (uint8_t)(dropped || problem->what);
}

/* ---- all rows ---------------------------------------------------------------------------------------------------- */

static size_t chunk_tasks(void *arg, size_t phase)
{
    (void)phase;
    return ((const job *)arg)->table->chunks;
}

static void fill_chunk(void *arg, size_t phase, size_t k, size_t thread)
{
    (void)phase;
    job *j = arg;
    const lami_csv_table *table = j->table;
    lami_csv_chunk *chunk = &table->chunk[k];
    lami_csv_problem *note = &j->note[k * j->notes];
    size_t row = chunk->first;
    chunk->problems = 0;
    for (const uint8_t *at = chunk->begin; at < chunk->end;) {
        lami_csv_problem problem;
        const size_t cells = lami_csv_row(j->cell[thread], table->columns, j->wanted, &table->text, &at, &problem);
        if (!cells)
            continue;
        if (!problem.what && cells == table->columns) {
            put_row(j, row++, j->cell[thread], &problem);
        } else if (!problem.what) {
            problem.what = LAMI_CSV_CELLS;
            problem.cells = cells;
        }
        if (problem.what && chunk->problems++ < j->notes)
            note[chunk->problems - 1] = problem;
    }
}

/* The first bad row as an error, or all as notes. */
static lam_status report(const job *j)
{
    const lami_csv_table *table = j->table;
    for (size_t k = 0; k < table->chunks; k++) {
        const lami_csv_chunk *chunk = &table->chunk[k];
        if (chunk->problems && !table->how->bad)
            return lami_csv_report(table, &j->note[k * j->notes]);
        for (size_t i = 0; i < chunk->problems; i++) {
            if (i < j->notes)
                lami_csv_note(table->how->bad, table, &j->note[k * j->notes + i]);
            else
                table->how->bad->count++;
        }
    }
    return LAM_OK;
}

/* Close up over the rows that are gone. */
static lam_status close_up(job *j)
{
    lami_part *part = j->part;
    const size_t targets = j->data->targets, bytes = j->data->sample_bytes;
    size_t kept = 0;
    for (size_t i = 0; i < part->count; i++) {
        if (j->gone[i])
            continue;
        if (kept < i) {
            memcpy((char *)part->x_owned + kept * bytes, (char *)part->x_owned + i * bytes, bytes);
            if (part->label)
                part->label[kept] = part->label[i];
            if (part->target)
                memcpy(part->target + kept * targets, part->target + i * targets, targets * sizeof *part->target);
            if (part->weight)
                part->weight[kept] = part->weight[i];
        }
        kept++;
    }
    if (!kept)
        return lami_fail(LAM_EFORMAT, "%s: no row can be used", j->table->path);
    part->count = kept;
    return LAM_OK;
}

/* ---- before and after -------------------------------------------------------------------------------------------- */

static int by_column(const void *a, const void *b)
{
    const use *x = a, *y = b;
    return x->column < y->column ? -1 : x->column > y->column;
}

/* A use with the words that its column may hold. */
static lam_status add_use(job *j, use u, char *const *name, size_t count)
{
    if (name) {
        lami_csv_words *words = &j->words[j->count];
        LAM_TRY(lami_csv_words_of(words, name, count, 1));
        u.words = words;
    }
    j->wanted[u.column] = LAMI_CSV_VALUE;
    j->uses[j->count++] = u;
    return LAM_OK;
}

static lam_status add_input(job *j, const lami_column *column, size_t place)
{
    const use_kind kind = !column->category ? NUMBER : column->one_hot ? ONE_HOT : CODE;
    const use u = { .kind = kind, .column = place, .to = j->width, .of = column };
    j->width += kind == ONE_HOT ? column->categories : 1;
    return add_use(j, u, column->category, column->categories);
}

static size_t most_uses(const lami_csv_table *table)
{
    return table->inputs + table->labels + 1;
}

static lam_status make_uses(job *j)
{
    const lami_csv_table *table = j->table;
    const size_t most = most_uses(table);
    const use_kind label = j->schema->classes ? CLASS : TARGET;
    j->uses = lami_alloc(most, sizeof *j->uses);
    j->words = lami_alloc(most, sizeof *j->words);
    j->wanted = lami_alloc(table->columns, 1);
    if (!j->uses || !j->words || !j->wanted)
        return LAM_ENOMEM;
    for (size_t k = 0; k < table->inputs; k++)
        LAM_TRY(add_input(j, &j->schema->column[k], table->input[k]));
    for (size_t k = 0; k < table->labels; k++)
        LAM_TRY(add_use(j, (use) { .kind = label, .column = table->label[k], .to = k }, j->schema->class_name,
                        j->schema->classes));
    if (table->weight != LAMI_CSV_NONE)
        LAM_TRY(add_use(j, (use) { .kind = WEIGHT, .column = table->weight }, NULL, 0));
    qsort(j->uses, j->count, sizeof *j->uses, by_column);
    return LAM_OK;
}

static lam_status make_room(job *j, lam_part part)
{
    const lami_csv_table *table = j->table;
    LAM_TRY(lami_data_room(j->data, part, table->rows));
    if (table->weight != LAMI_CSV_NONE) {
        j->part->weight = lami_alloc(table->rows, sizeof *j->part->weight);
        if (!j->part->weight)
            return LAM_ENOMEM;
    }
    j->gone = lami_alloc(table->rows, 1);
    j->notes = table->how->bad ? NOTES : 1;
    j->note = lami_alloc(table->chunks, j->notes * sizeof *j->note);
    j->cell = lami_alloc((size_t)table->threads, sizeof *j->cell);
    if (!j->gone || !j->note || !j->cell)
        return LAM_ENOMEM;
    for (int t = 0; t < table->threads; t++)
        if (!(j->cell[t] = lami_alloc(table->columns, sizeof **j->cell)))
            return LAM_ENOMEM;
    return LAM_OK;
}

static lam_status check_weights(const job *j)
{
    double sum = 0;
    for (size_t i = 0; j->part->weight && i < j->part->count; i++)
        sum += j->part->weight[i] > 0;
    if (!j->part->weight || sum > 0)
        return LAM_OK;
    return lami_fail(LAM_EFORMAT, "%s: all weights are 0", j->table->path);
}

/* Without labels after all, for prediction. */
static void drop_labels(job *j)
{
    lami_free(j->part->label);
    lami_free(j->part->target);
    j->part->label = NULL;
    j->part->target = NULL;
    j->data->unlabeled = 1;
}

static void free_job(job *j)
{
    for (int t = 0; j->cell && t < j->table->threads; t++)
        lami_free(j->cell[t]);
    for (size_t i = 0; j->words && i < most_uses(j->table); i++)
        lami_csv_words_free(&j->words[i]);
    lami_free(j->cell);
    lami_free(j->words);
    lami_free(j->uses);
    lami_free(j->wanted);
    lami_free(j->gone);
    lami_free(j->note);
}

lam_status lami_csv_fill(lam_data *data, lam_part part, const lami_csv_table *table, const lami_schema *schema,
                         int fills_known)
{
    lam_status status;
    job j = { .table = table, .schema = schema, .data = data, .part = &data->part[part], .fills_known = fills_known };
    j.drop = schema->drop == DROP && table->how->label_optional ? 0 : schema->drop; /* a prediction for each row */
    LAM_TRY_DONE(make_uses(&j));
    LAM_TRY_DONE(make_room(&j, part));
    lami_parallel_prepare(table->threads);
    lami_parallel_run(table->threads, 0, 1, chunk_tasks, fill_chunk, &j);
    LAM_TRY_DONE(report(&j));
    LAM_TRY_DONE(close_up(&j));
    data->gaps |= atomic_load(&j.gaps);
    LAM_TRY_DONE(check_weights(&j));
    if (atomic_load(&j.label_missing))
        drop_labels(&j);
done:
    free_job(&j);
    return status;
}
