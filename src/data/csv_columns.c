/* csv_columns: the first line, and columns by name. */
#include <string.h>

#include "../core/mem.h"
#include "../core/nearest.h"
#include "../core/number.h"
#include "csv.h"

enum { INDEX_HEADER = 4 /* numbers 0, 1, 2 ... in a first line that make it a header */ };

/* ---- the header -------------------------------------------------------------------------------------------------- */

/* The beginning of the text: marks of other encodings, and the one of UTF-8. */
static lam_status check_text(lami_csv_table *table)
{
    lami_csv_text *text = &table->text;
    const size_t size = (size_t)(text->end - text->begin);
    const uint8_t *at = text->begin;
    if (size >= 2 && ((at[0] == 0xff && at[1] == 0xfe) || (at[0] == 0xfe && at[1] == 0xff)))
        return lami_fail(LAM_EFORMAT, "%s is UTF-16: save it as UTF-8", table->path);
    if (size >= 3 && at[0] == 0xef && at[1] == 0xbb && at[2] == 0xbf)
        text->begin += 3;
    if (text->begin == text->end)
        return lami_fail(LAM_EFORMAT, "%s is empty", table->path);
    if (!memchr(text->begin, '\n', (size_t)(text->end - text->begin))) {
        const uint8_t *cr = memchr(text->begin, '\r', (size_t)(text->end - text->begin));
        if (cr && cr + 1 < text->end)
            return lami_fail(LAM_EFORMAT, "%s: lines end with CR alone: save it with LF or CR LF", table->path);
    }
    return LAM_OK;
}

/* Names that are numbers: 0, 1, 2 ..., as some programs name columns. */
static int are_indices(const lami_csv_cell *cell, size_t count)
{
    size_t next = 0;
    for (size_t i = 0; i < count; i++)
        if (cell[i].kind == LAMI_CSV_NUMBER && cell[i].number != (double)next++)
            return 0;
    return next >= INDEX_HEADER;
}

/* A model that was trained without names on categories alone does not take its first row for names. */
static int schema_has_no_numbers_and_names(const lami_schema *schema)
{
    for (size_t i = 0; schema && i < schema->columns; i++)
        if (*schema->column[i].name || !schema->column[i].category)
            return 0;
    return schema != NULL;
}

static int is_header(const lami_csv_table *table, const lami_csv_cell *cell, size_t count)
{
    const char *header = table->how->options->header;
    size_t numbers = 0;
    if (strcmp(header, "auto"))
        return !strcmp(header, "yes");
    for (size_t i = 0; i < count; i++)
        numbers += cell[i].kind == LAMI_CSV_NUMBER;
    return numbers ? are_indices(cell, count) : !schema_has_no_numbers_and_names(table->given);
}

static lam_status set_names(lami_csv_table *table, const lami_csv_cell *cell)
{
    char shown[LAMI_CSV_SHOWN];
    table->name = lami_alloc(table->columns, sizeof *table->name);
    if (!table->name)
        return LAM_ENOMEM;
    for (size_t i = 0; i < table->columns; i++)
        if (!(table->name[i] = lami_csv_cell_copy(&cell[i])))
            return LAM_ENOMEM;
    LAM_TRY(lami_csv_words_of(&table->names, table->name, table->columns, 0));
    for (size_t i = 0; i < table->columns; i++) {
        const lami_csv_cell name = { .at = (const uint8_t *)table->name[i],
                                     .length = strlen(table->name[i]),
                                     .kind = LAMI_CSV_TEXT };
        const size_t first = lami_csv_words_find(&table->names, &name)->code;
        if (first != i && *table->name[i])
            return lami_fail(LAM_EFORMAT, "%s: columns %zu and %zu are both called \"%s\"", table->path, first, i,
                             lami_csv_show(shown, table->name[i], strlen(table->name[i])));
    }
    return LAM_OK;
}

/* Cells of the first row that is not blank. */
static lam_status first_row(lami_csv_cell **cell, const uint8_t **begin, const uint8_t **next, lami_csv_table *table)
{
    lami_csv_problem problem = { 0 };
    const uint8_t *at = table->text.begin;
    do {
        *begin = at;
        table->columns = at < table->text.end ? lami_csv_row(NULL, 0, NULL, &table->text, &at, &problem) : 0;
    } while (!table->columns && at < table->text.end);
    if (!table->columns)
        return lami_fail(LAM_EFORMAT, "%s has blank lines only", table->path);
    if (problem.what)
        return lami_csv_report(table, &problem);
    if (table->columns > LAMI_MAX_COLUMNS)
        return lami_fail(LAM_EFORMAT, "%s has %zu columns; at most %d are possible", table->path, table->columns,
                         LAMI_MAX_COLUMNS);
    *cell = lami_alloc(table->columns, sizeof **cell);
    if (!*cell)
        return LAM_ENOMEM;
    at = *begin;
    lami_csv_row(*cell, table->columns, NULL, &table->text, &at, &problem);
    *next = at;
    return LAM_OK;
}

lam_status lami_csv_header(lami_csv_table *table)
{
    lam_status status;
    lami_csv_cell *cell = NULL;
    const uint8_t *begin, *next = NULL;
    LAM_TRY_DONE(check_text(table));
    table->text.separator = lami_csv_separator(&table->text, table->how->options->separator, table->path);
    LAM_TRY_DONE(first_row(&cell, &begin, &next, table));
    table->rows_begin = begin;
    if (is_header(table, cell, table->columns)) {
        LAM_TRY_DONE(set_names(table, cell));
        table->rows_begin = next;
    }
done:
    lami_free(cell);
    return status;
}

/* ---- by name ----------------------------------------------------------------------------------------------------- */

/* 0 first, -1 last. */
static int find_index(size_t *column, const lami_csv_table *table, const char *text)
{
    uint64_t index;
    const int from_end = *text == '-';
    if (lami_parse_u64(&index, text + from_end) || index > table->columns)
        return 0;
    if (from_end && index == 0)
        return 0;
    *column = from_end ? table->columns - (size_t)index : (size_t)index;
    return *column < table->columns;
}

static int find_name(size_t *column, const lami_csv_table *table, const char *text)
{
    const lami_csv_cell name = { .at = (const uint8_t *)text, .length = strlen(text), .kind = LAMI_CSV_TEXT };
    const lami_csv_word *word = *text && table->name ? lami_csv_words_find(&table->names, &name) : NULL;
    if (word)
        *column = word->code;
    return word != NULL;
}

lam_status lami_csv_find_column(size_t *column, const lami_csv_table *table, const char *text, const char *option)
{
    char shown[LAMI_CSV_SHOWN], meant[LAMI_MEANT_TEXT] = "";
    if (find_name(column, table, text) || find_index(column, table, text))
        return LAM_OK;
    if (table->name)
        lami_did_you_mean(meant, text, table->columns, lami_nth_text, table->name);
    return lami_fail(LAM_EOPTION, "--%s: %s has no column \"%s\"%s (%scolumns 0 to %zu)", option, table->path,
                     lami_csv_show(shown, text, strlen(text)), meant, table->name ? "" : "no header; ",
                     table->columns - 1);
}

static lam_status find_all(size_t *column, const lami_csv_table *table, char *list, const char *option)
{
    for (size_t i = 0; list; i++) {
        char *comma = strchr(list, ',');
        if (comma)
            *comma = 0;
        list += strspn(list, " ");
        LAM_TRY(lami_csv_find_column(&column[i], table, list, option));
        for (size_t k = 0; k < i; k++)
            if (column[k] == column[i])
                return lami_fail(LAM_EOPTION, "--%s: column \"%.60s\" is named twice", option, list);
        list = comma ? comma + 1 : NULL;
    }
    return LAM_OK;
}

lam_status lami_csv_column_list(size_t **column, size_t *count, const lami_csv_table *table, const char *list,
                                const char *option)
{
    *count = 1;
    for (const char *at = list; (at = strchr(at, ',')); at++)
        ++*count;
    *column = lami_alloc(*count, sizeof **column);
    char *copy = lami_strdup(list);
    lam_status status = *column && copy ? LAM_OK : LAM_ENOMEM;
    if (!status && find_name(*column, table, list))
        *count = 1;
    else if (!status)
        status = find_all(*column, table, copy, option);
    lami_free(copy);
    if (status) {
        lami_free(*column);
        *column = NULL;
        *count = 0;
    }
    return status;
}
