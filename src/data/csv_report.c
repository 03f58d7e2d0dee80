/* csv_report: bad rows in words. The number of a line is counted only here, when it is needed. */
#include <stdio.h>
#include <string.h>

#include "../core/nearest.h"
#include "csv.h"

enum { WHY = 400, NOTES = sizeof((lami_bad_rows *)0)->first / sizeof((lami_bad_rows *)0)->first[0] };

const char *lami_csv_show(char out[LAMI_CSV_SHOWN], const void *text, size_t length)
{
    const int cut = length > LAMI_CSV_SHOWN - 4;
    size_t n = cut ? LAMI_CSV_SHOWN - 4 : length;
    if (n)
        memcpy(out, text, n);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)out[i] < ' ' || out[i] == 0x7f)
            out[i] = '?';
    snprintf(out + n, LAMI_CSV_SHOWN - n, "%s", cut ? "..." : "");
    return out;
}

const char *lami_csv_column_name(char out[LAMI_CSV_SHOWN], const lami_csv_table *table, size_t column)
{
    if (table->name && *table->name[column])
        return lami_csv_show(out, table->name[column], strlen(table->name[column]));
    snprintf(out, LAMI_CSV_SHOWN, "%zu", column);
    return out;
}

/* Is the row the first, in a table whose header was not asked about? */
static int may_be_header(const lami_csv_table *table, const lami_csv_problem *problem)
{
    return !table->name && problem->row == table->rows_begin && !strcmp(table->how->options->header, "auto");
}

static void explain_text(char why[WHY], const lami_csv_table *table, const lami_csv_problem *p)
{
    char name[LAMI_CSV_SHOWN], cell[LAMI_CSV_SHOWN];
    lami_csv_show(cell, p->cell.at, p->cell.length);
    if (may_be_header(table, p))
        snprintf(why, WHY, "\"%s\" is not a number; is this line the header? (--header yes)", cell);
    else if (table->survey && table->role[p->column] == LAMI_CSV_INPUT)
        snprintf(why, WHY, "\"%s\" is not a number, as most of this column are (--one-hot %s: take all as categories)",
                 cell, lami_csv_column_name(name, table, p->column));
    else
        snprintf(why, WHY, "\"%s\" is not a number%s", cell,
                 lami_csv_has_comma(p->cell.at, p->cell.length) ? ": write it with a point" : "");
}

static void explain_class(char why[WHY], const lami_csv_table *table, const lami_csv_problem *p)
{
    char cell[LAMI_CSV_SHOWN], meant[LAMI_MEANT_TEXT] = "";
    lami_csv_show(cell, p->cell.at, p->cell.length);
    if (may_be_header(table, p))
        snprintf(why, WHY, "unknown class \"%s\"; is this line the header? (--header yes)", cell);
    else if (table->survey)
        snprintf(why, WHY, "\"%s\" is not a number, as most labels are (--targets classes: take all as classes)", cell);
    else if (p->known)
        snprintf(why, WHY, "unknown class \"%s\"%s", cell,
                 lami_did_you_mean(meant, cell, p->known_count, lami_nth_text, p->known));
    else
        snprintf(why, WHY, "unknown class \"%s\"; classes are 0 to %zu", cell, p->known_count - 1);
}

/* Returns whether it is about a cell. */
static int explain(char why[WHY], const lami_csv_table *table, const lami_csv_problem *p)
{
    char cell[LAMI_CSV_SHOWN], meant[LAMI_MEANT_TEXT];
    switch (p->what) {
    case LAMI_CSV_CELLS:
        snprintf(why, WHY, "%zu cell%s where %s %zu", p->cells, p->cells == 1 ? "" : "s",
                 table->name ? "the header has" : "the first line has", table->columns);
        return 0;
    case LAMI_CSV_STRAY:
        snprintf(why, WHY, "text after a closing quote (a quote inside a quoted cell is written twice)");
        return 0;
    case LAMI_CSV_UNCLOSED:
        snprintf(why, WHY, "a quote that is never closed");
        return 0;
    case LAMI_CSV_NUL:
        snprintf(why, WHY, "a NUL byte: not a text file?");
        return 0;
    case LAMI_CSV_EMPTY_CELL:
        snprintf(why, WHY, "%s", p->cell.length ? "the value is missing" : "the cell is empty");
        return 1;
    case LAMI_CSV_NOT_NUMBER:
        explain_text(why, table, p);
        return 1;
    case LAMI_CSV_TOO_LARGE:
        snprintf(why, WHY, "%s is too large for f32 (--dtype f64)", lami_csv_show(cell, p->cell.at, p->cell.length));
        return 1;
    case LAMI_CSV_CATEGORY:
        lami_csv_show(cell, p->cell.at, p->cell.length);
        snprintf(why, WHY, "unknown category \"%s\"%s", cell,
                 lami_did_you_mean(meant, cell, p->known_count, lami_nth_text, p->known));
        return 1;
    case LAMI_CSV_CLASS:
        explain_class(why, table, p);
        return 1;
    case LAMI_CSV_WEIGHT:
        snprintf(why, WHY, "a weight below 0");
        return 1;
    case LAMI_CSV_FINE:
        break;
    }
    *why = 0;
    return 0;
}

static size_t line_of(const lami_csv_table *table, const uint8_t *at)
{
    size_t line = 1;
    for (const uint8_t *p = table->text.begin; (p = memchr(p, '\n', (size_t)(at - p))); p++)
        line++;
    return line;
}

lam_status lami_csv_report(const lami_csv_table *table, const lami_csv_problem *problem)
{
    char why[WHY], name[LAMI_CSV_SHOWN];
    const size_t line = line_of(table, problem->row);
    if (!explain(why, table, problem))
        return lami_fail(LAM_EFORMAT, "%s, line %zu: %s", table->path, line, why);
    return lami_fail(LAM_EFORMAT, "%s, line %zu (column %s): %s", table->path, line,
                     lami_csv_column_name(name, table, problem->column), why);
}

void lami_csv_note(lami_bad_rows *bad, const lami_csv_table *table, const lami_csv_problem *problem)
{
    char why[WHY], name[LAMI_CSV_SHOWN];
    const size_t size = sizeof bad->first[0].why;
    if (bad->count++ >= NOTES)
        return;
    char *note = bad->first[bad->count - 1].why;
    bad->first[bad->count - 1].line = line_of(table, problem->row);
    const int of_cell = explain(why, table, problem);
    size_t n = 0;
    if (of_cell)
        n = (size_t)snprintf(note, size, "column %s: ", lami_csv_column_name(name, table, problem->column));
    snprintf(note + n, size - n, "%.*s", (int)(size - n - 1), why);
}
