/* csv_roles: which columns are inputs, labels and weights: by the options, or as a schema has them. */
#include <string.h>

#include "../core/mem.h"
#include "../core/nearest.h"
#include "csv.h"

/* ---- by the options ---------------------------------------------------------------------------------------------- */

static const char *const label_names[] = { "label", "class", "target", "y" };
enum { LABEL_NAMES = sizeof label_names / sizeof *label_names };

static lam_status set_ignored(lami_csv_table *table)
{
    size_t *column = NULL, count = 0;
    const char *list = table->how->options->ignore;
    for (size_t i = 0; i < table->columns; i++)
        table->role[i] = table->name && !*table->name[i] ? LAMI_CSV_IGNORED : LAMI_CSV_INPUT;
    if (list)
        LAM_TRY(lami_csv_column_list(&column, &count, table, list, "ignore"));
    for (size_t i = 0; i < count; i++)
        table->role[column[i]] = LAMI_CSV_IGNORED;
    lami_free(column);
    return LAM_OK;
}

static lam_status no_input(const lami_csv_table *table, size_t column, const char *option)
{
    char shown[LAMI_CSV_SHOWN];
    return lami_fail(LAM_EOPTION, "--%s: column %s is %s already", option, lami_csv_column_name(shown, table, column),
                     table->role[column] == LAMI_CSV_IGNORED ? "left out (--ignore, or without a name)"
                     : table->role[column] == LAMI_CSV_LABEL ? "a label"
                                                             : "the weight");
}

/* Capitals count as small letters. */
static int find_default_name(size_t *column, const lami_csv_table *table)
{
    for (size_t n = 0; table->name && n < LABEL_NAMES; n++)
        for (size_t i = 0; i < table->columns; i++)
            if (table->role[i] == LAMI_CSV_INPUT && !strcasecmp(table->name[i], label_names[n])) {
                *column = i;
                return 1;
            }
    return 0;
}

/* The column that is the label where nobody says so; none where that is fine. */
static lam_status default_label(lami_csv_table *table)
{
    size_t column = 0;
    if (!find_default_name(&column, table)) {
        if (table->how->label_optional)
            return LAM_OK;
        column = table->columns - 1;
        while (column > 0 && table->role[column] != LAMI_CSV_INPUT)
            column--;
    }
    table->label = lami_alloc(1, sizeof *table->label);
    if (!table->label)
        return LAM_ENOMEM;
    table->labels = 1;
    table->label[0] = column;
    return LAM_OK;
}

static lam_status set_labels(lami_csv_table *table)
{
    const char *list = table->how->options->label;
    LAM_TRY(list ? lami_csv_column_list(&table->label, &table->labels, table, list, "label") : default_label(table));
    for (size_t k = 0; k < table->labels; k++) {
        if (table->role[table->label[k]] != LAMI_CSV_INPUT)
            return no_input(table, table->label[k], "label");
        table->role[table->label[k]] = LAMI_CSV_LABEL;
    }
    return LAM_OK;
}

static lam_status set_weight(lami_csv_table *table)
{
    const char *name = table->how->options->weight;
    table->weight = LAMI_CSV_NONE;
    if (!name)
        return LAM_OK;
    LAM_TRY(lami_csv_find_column(&table->weight, table, name, "weight"));
    if (table->role[table->weight] != LAMI_CSV_INPUT)
        return no_input(table, table->weight, "weight");
    table->role[table->weight] = LAMI_CSV_WEIGHTS;
    return LAM_OK;
}

static lam_status set_categories(lami_csv_table *table)
{
    lam_status status = LAM_OK;
    size_t *column = NULL, count = 0;
    const char *list = table->how->options->one_hot;
    if (!list || !strcmp(list, "text") || !strcmp(list, "none"))
        return LAM_OK;
    LAM_TRY(lami_csv_column_list(&column, &count, table, list, "one-hot"));
    for (size_t i = 0; i < count && !status; i++) {
        if (table->role[column[i]] != LAMI_CSV_INPUT)
            status = no_input(table, column[i], "one-hot");
        table->categories[column[i]] = 1;
    }
    lami_free(column);
    return status;
}

static lam_status set_inputs(lami_csv_table *table)
{
    table->input = lami_alloc(table->columns, sizeof *table->input);
    if (!table->input)
        return LAM_ENOMEM;
    for (size_t i = 0; i < table->columns; i++)
        if (table->role[i] == LAMI_CSV_INPUT)
            table->input[table->inputs++] = i;
    if (table->inputs)
        return LAM_OK;
    return lami_fail(LAM_EFORMAT,
                     "%s: no column is left as an input (%zu column%s, label and left out ones among them)",
                     table->path, table->columns, table->columns == 1 ? "" : "s");
}

static lam_status make_roles(lami_csv_table *table)
{
    table->role = lami_alloc(table->columns, sizeof *table->role);
    table->categories = lami_alloc(table->columns, sizeof *table->categories);
    return table->role && table->categories ? LAM_OK : LAM_ENOMEM;
}

lam_status lami_csv_set_roles(lami_csv_table *table)
{
    LAM_TRY(make_roles(table));
    LAM_TRY(set_ignored(table));
    LAM_TRY(set_weight(table));
    LAM_TRY(set_labels(table));
    LAM_TRY(set_categories(table));
    return set_inputs(table);
}

/* ---- by a schema ------------------------------------------------------------------------------------------------- */

/* How columns of the schema are found. */
typedef enum by { BY_NAME, BY_PLACE, IN_ORDER /* inputs alone, as they follow one another */ } by;

/* Columns that the schema's own table had, as far as it tells. */
static size_t schema_places(const lami_schema *schema)
{
    size_t most = schema->weight ? schema->weight_place : 0;
    for (size_t i = 0; i < schema->columns; i++)
        most = schema->column[i].place > most ? schema->column[i].place : most;
    for (size_t k = 0; k < schema->labels; k++)
        most = schema->label_place[k] > most ? schema->label_place[k] : most;
    return most + 1;
}

static lam_status find_way(by *way, const lami_csv_table *table, const lami_schema *schema)
{
    const size_t places = schema_places(schema);
    int names = 0;
    for (size_t i = 0; i < schema->columns; i++)
        names |= *schema->column[i].name;
    *way = names && table->name ? BY_NAME : table->columns >= places ? BY_PLACE : IN_ORDER;
    if (*way != IN_ORDER || table->columns == schema->columns)
        return LAM_OK;
    return lami_fail(LAM_EFORMAT,
                     "%s has %zu columns%s; the model takes tables of at least %zu, or of its %zu inputs alone",
                     table->path, table->columns, names ? " and no header" : "", places, schema->columns);
}

/* A column of that name, LAMI_CSV_NONE where there is none. */
static size_t place_of_name(const lami_csv_table *table, const char *name)
{
    const lami_csv_cell cell = { .at = (const uint8_t *)name, .length = strlen(name), .kind = LAMI_CSV_TEXT };
    const lami_csv_word *word = lami_csv_words_find(&table->names, &cell);
    return word && *name ? word->code : LAMI_CSV_NONE;
}

static lam_status no_column(const lami_csv_table *table, const char *name, const char *what)
{
    char shown[LAMI_CSV_SHOWN], meant[LAMI_MEANT_TEXT];
    lami_did_you_mean(meant, name, table->columns, lami_nth_text, table->name);
    return lami_fail(LAM_EFORMAT, "%s has no column \"%s\", %s%s", table->path,
                     lami_csv_show(shown, name, strlen(name)), what, meant);
}

static lam_status match_inputs(lami_csv_table *table, const lami_schema *schema, by way)
{
    table->input = lami_alloc(schema->columns, sizeof *table->input);
    if (!table->input)
        return LAM_ENOMEM;
    table->inputs = schema->columns;
    for (size_t i = 0; i < schema->columns; i++) {
        const lami_column *column = &schema->column[i];
        table->input[i] = way == BY_PLACE ? column->place : i;
        if (way == BY_NAME)
            table->input[i] = place_of_name(table, column->name);
        if (table->input[i] == LAMI_CSV_NONE)
            return no_column(table, column->name, "which the model takes");
        table->role[table->input[i]] = LAMI_CSV_INPUT;
    }
    return LAM_OK;
}

/* Labels as the schema names them; none at all where one is not there and that is fine. */
static lam_status match_named_labels(lami_csv_table *table, const lami_schema *schema, by way)
{
    table->label = lami_alloc(schema->labels, sizeof *table->label);
    if (!table->label)
        return LAM_ENOMEM;
    for (size_t k = 0; k < schema->labels; k++) {
        table->label[k] = way == BY_PLACE ? schema->label_place[k] : LAMI_CSV_NONE;
        if (way == BY_NAME)
            table->label[k] = place_of_name(table, schema->label[k]);
        if (table->label[k] != LAMI_CSV_NONE)
            continue;
        if (table->how->label_optional)
            return LAM_OK;
        if (way == BY_NAME)
            return no_column(table, schema->label[k], "the label (another name: --label)");
        return lami_fail(LAM_EFORMAT, "%s has %zu columns, the model's inputs: there is no label column", table->path,
                         table->columns);
    }
    table->labels = schema->labels;
    return LAM_OK;
}

static lam_status match_labels(lami_csv_table *table, const lami_schema *schema, by way)
{
    const char *list = table->how->options->label;
    if (!list)
        return match_named_labels(table, schema, way);
    LAM_TRY(lami_csv_column_list(&table->label, &table->labels, table, list, "label"));
    if (table->labels != schema->labels)
        return lami_fail(LAM_EOPTION, "--label: %zu column%s; the model has %zu", table->labels,
                         table->labels == 1 ? "" : "s", schema->labels);
    return LAM_OK;
}

/* For prediction weights are not needed; else those of the schema count where they are there. */
static lam_status match_weight(lami_csv_table *table, const lami_schema *schema, by way)
{
    const char *name = table->how->options->weight;
    table->weight = LAMI_CSV_NONE;
    if (table->how->label_optional)
        return LAM_OK;
    if (name)
        return lami_csv_find_column(&table->weight, table, name, "weight");
    if (schema->weight && way == BY_NAME)
        table->weight = place_of_name(table, schema->weight);
    if (schema->weight && way == BY_PLACE)
        table->weight = schema->weight_place;
    return LAM_OK;
}

lam_status lami_csv_match(lami_csv_table *table, const lami_schema *schema)
{
    by way;
    LAM_TRY(find_way(&way, table, schema));
    LAM_TRY(make_roles(table));
    LAM_TRY(match_inputs(table, schema, way));
    LAM_TRY(match_labels(table, schema, way));
    for (size_t k = 0; k < table->labels; k++)
        table->role[table->label[k]] = LAMI_CSV_LABEL;
    LAM_TRY(match_weight(table, schema, way));
    if (table->weight != LAMI_CSV_NONE)
        table->role[table->weight] = LAMI_CSV_WEIGHTS;
    return LAM_OK;
}
