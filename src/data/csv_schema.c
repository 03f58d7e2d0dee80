/* csv_schema: the schema from what the columns hold. A column is numbers if more of its cells are numbers than
 * texts; cells that are not are then bad. Else it is categories: all of its cells, those that are numbers, too. */
#include <string.h>

#include "../core/mem.h"
#include "csv.h"

static int is_category(const lami_csv_table *table, size_t column)
{
    const lami_csv_survey *s = &table->survey[column];
    return table->categories[column] || (s->texts && s->texts >= s->numbers);
}

/* Only for the columns options ask for are numbers told apart at first: that costs time. */
static void first_watch(size_t *most, const lami_csv_table *table)
{
    for (size_t i = 0; i < table->columns; i++)
        most[i] = table->categories[i] ? LAMI_MAX_CATEGORIES : 0;
    if (table->labels == 1)
        most[table->label[0]] = lami_csv_label_numbers(table);
}

/* What is missing when categories and classes turn out to have numbers among them; returns whether something is. */
static int second_watch(size_t *most, const lami_csv_table *table, lami_csv_answers answers)
{
    int more = 0;
    for (size_t k = 0; k < table->inputs; k++) {
        const size_t i = table->input[k];
        if (is_category(table, i) && table->survey[i].numbers && most[i] < LAMI_MAX_CATEGORIES) {
            most[i] = LAMI_MAX_CATEGORIES;
            more = 1;
        }
    }
    if (answers == LAMI_CSV_ALL_CLASSES && table->survey[table->label[0]].numbers &&
        most[table->label[0]] < LAMI_MAX_CLASSES) {
        most[table->label[0]] = LAMI_MAX_CLASSES;
        more = 1;
    }
    return more;
}

static lam_status survey(lami_csv_answers *answers, lami_csv_table *table)
{
    lam_status status;
    size_t *most = lami_alloc(table->columns, sizeof *most);
    if (!most)
        return LAM_ENOMEM;
    first_watch(most, table);
    LAM_TRY_DONE(lami_csv_survey_rows(table, most));
    LAM_TRY_DONE(lami_csv_find_answers(answers, table));
    if (second_watch(most, table, *answers))
        LAM_TRY_DONE(lami_csv_survey_rows(table, most));
done:
    lami_free(most);
    return status;
}

static lam_status too_many(const lami_csv_table *table, size_t column)
{
    char shown[LAMI_CSV_SHOWN];
    lami_csv_column_name(shown, table, column);
    return lami_fail(LAM_EFORMAT, "%s: column %s has more than %d different texts: leave it out (--ignore %s)",
                     table->path, shown, LAMI_MAX_CATEGORIES, shown);
}

/* Categories that nobody asked for, and that are numbers as a spreadsheet writes them. */
static lam_status refuse_commas(const lami_csv_table *table, size_t column)
{
    char name[LAMI_CSV_SHOWN], shown[LAMI_CSV_SHOWN];
    const lami_csv_word *word = lami_csv_words_with_commas(&table->survey[column].text_words);
    if (!word || table->categories[column])
        return LAM_OK;
    lami_csv_column_name(name, table, column);
    return lami_fail(LAM_EFORMAT,
                     "%s: column %s has numbers with a comma, such as \"%s\": write them with a point "
                     "(--one-hot %s: take all as categories)",
                     table->path, name, lami_csv_show(shown, word->at, word->length), name);
}

static lam_status set_category(lami_column *to, lami_csv_table *table, size_t column)
{
    lami_csv_survey *s = &table->survey[column];
    lami_csv_words *words = &s->text_words;
    if (words->too_many || s->number_words.too_many)
        return too_many(table, column);
    LAM_TRY(refuse_commas(table, column));
    LAM_TRY(lami_csv_words_join(words, &s->number_words));
    if (words->too_many)
        return too_many(table, column);
    if (!words->count)
        return LAM_OK; /* --one-hot for an empty column: it stays a number, of nothing but fills */
    LAM_TRY(lami_csv_words_names(&to->category, words));
    to->categories = words->count;
    to->one_hot =
        table->categories[column] || !table->how->options->one_hot || !strcmp(table->how->options->one_hot, "text");
    return LAM_OK;
}

/* The column's name, "" where it has none. */
static lam_status name_of(char **name, const lami_csv_table *table, size_t column)
{
    *name = lami_strdup(table->name ? table->name[column] : "");
    return *name ? LAM_OK : LAM_ENOMEM;
}

static lam_status set_columns(lami_schema *schema, lami_csv_table *table)
{
    schema->column = lami_alloc(table->inputs, sizeof *schema->column);
    if (!schema->column)
        return LAM_ENOMEM;
    schema->columns = table->inputs;
    for (size_t k = 0; k < table->inputs; k++) {
        lami_column *to = &schema->column[k];
        to->place = table->input[k];
        to->missing = table->rows - table->survey[to->place].numbers - table->survey[to->place].texts;
        LAM_TRY(name_of(&to->name, table, to->place));
        if (is_category(table, to->place))
            LAM_TRY(set_category(to, table, to->place));
    }
    return LAM_OK;
}

static lam_status set_labels(lami_schema *schema, const lami_csv_table *table)
{
    schema->label = lami_alloc(table->labels, sizeof *schema->label);
    schema->label_place = lami_alloc(table->labels, sizeof *schema->label_place);
    if (!schema->label || !schema->label_place)
        return LAM_ENOMEM;
    schema->labels = table->labels;
    for (size_t k = 0; k < table->labels; k++) {
        schema->label_place[k] = table->label[k];
        LAM_TRY(name_of(&schema->label[k], table, table->label[k]));
    }
    if (table->weight == LAMI_CSV_NONE)
        return LAM_OK;
    schema->weight_place = table->weight;
    return name_of(&schema->weight, table, table->weight);
}

static lam_status make_schema(lami_schema *schema, lami_csv_table *table)
{
    const char *missing = table->how->options->missing;
    lami_csv_answers answers;
    LAM_TRY(survey(&answers, table));
    LAM_TRY(set_columns(schema, table));
    LAM_TRY(set_labels(schema, table));
    LAM_TRY(lami_csv_set_classes(schema, table, answers));
    schema->drop = !strcmp(missing, "drop") ? 1 : !strcmp(missing, "error") ? 2 : 0;
    return LAM_OK;
}

lam_status lami_csv_find_schema(lami_schema **schema, lami_csv_table *table)
{
    *schema = NULL;
    lami_schema *made = lami_alloc(1, sizeof *made);
    if (!made)
        return LAM_ENOMEM;
    const lam_status status = make_schema(made, table);
    if (status) {
        lami_schema_free(made);
        return status;
    }
    *schema = made;
    return LAM_OK;
}
