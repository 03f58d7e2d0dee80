/* csv_labels: classes or numbers? */
#include <math.h>
#include <string.h>

#include "../core/mem.h"
#include "../core/number.h"
#include "csv.h"

/* Whole numbers are classes if there are not more different ones than MOST, and not more than half as many as rows,
 * or FEW. */
enum { MOST = 100, FEW = 10 };

static int says(const lami_csv_table *table, const char *word)
{
    return !strcmp(table->how->options->targets, word);
}

/* Does somebody want classes, whatever they look like? */
static int classes_wanted(const lami_csv_table *table)
{
    return says(table, "classes") || (says(table, "auto") && table->how->reals == 0);
}

static int numbers_wanted(const lami_csv_table *table)
{
    return says(table, "numbers") || (says(table, "auto") && table->how->reals == 1);
}

size_t lami_csv_label_numbers(const lami_csv_table *table)
{
    if (table->labels != 1 || numbers_wanted(table))
        return 0;
    return classes_wanted(table) ? LAMI_MAX_CLASSES : MOST;
}

/* A number that is not whole, if there is one. */
static const lami_csv_word *find_fraction(const lami_csv_words *words)
{
    for (size_t i = 0; i < words->count; i++)
        if (words->word[i].number != rint(words->word[i].number))
            return &words->word[i];
    return NULL;
}

static lam_status check_for_loss(const lami_csv_table *table, const lami_csv_survey *label)
{
    char shown[LAMI_CSV_SHOWN], number[LAMI_REAL_TEXT];
    const lami_csv_word *fraction = find_fraction(&label->number_words);
    if (!fraction)
        return LAM_OK;
    lami_real_text(number, fraction->number);
    return lami_fail(LAM_EFORMAT,
                     "%s: column %s has numbers such as %s, and the loss takes classes: a loss for numbers is mse (or "
                     "--targets classes: each number is a class)",
                     table->path, lami_csv_column_name(shown, table, table->label[0]), number);
}

lam_status lami_csv_find_answers(lami_csv_answers *answers, const lami_csv_table *table)
{
    *answers = LAMI_CSV_TARGETS;
    if (!table->labels || numbers_wanted(table))
        return LAM_OK;
    if (table->labels > 1 && classes_wanted(table))
        return lami_fail(LAM_EOPTION, "--label: %zu columns are numbers to predict, and %s", table->labels,
                         says(table, "classes") ? "--targets says classes"
                                                : "the loss takes classes (mse and logistic take numbers)");
    if (table->labels > 1)
        return LAM_OK;
    const lami_csv_survey *label = &table->survey[table->label[0]];
    const size_t different = label->number_words.count;
    if (says(table, "classes") || (label->texts && label->texts >= label->numbers)) {
        *answers = LAMI_CSV_ALL_CLASSES;
        return LAM_OK;
    }
    if (classes_wanted(table)) {
        *answers = LAMI_CSV_CLASSES;
        return check_for_loss(table, label);
    }
    if (!label->number_words.too_many && different && !find_fraction(&label->number_words) &&
        (different <= FEW || different <= table->rows / 2))
        *answers = LAMI_CSV_CLASSES;
    return LAM_OK;
}

static lam_status too_many(const lami_csv_table *table)
{
    char shown[LAMI_CSV_SHOWN];
    return lami_fail(LAM_EFORMAT, "%s: column %s has more than %d different labels", table->path,
                     lami_csv_column_name(shown, table, table->label[0]), LAMI_MAX_CLASSES);
}

/* Are the sorted names 0, 1, 2 ...? */
static int are_indices(char *const *name, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t number;
        const char first = name[i][0];
        if (first < '0' || first > '9' || lami_parse_u64(&number, name[i]) || number != i)
            return 0;
    }
    return 1;
}

lam_status lami_csv_set_classes(lami_schema *schema, lami_csv_table *table, lami_csv_answers answers)
{
    if (answers == LAMI_CSV_TARGETS)
        return LAM_OK;
    lami_csv_survey *label = &table->survey[table->label[0]];
    lami_csv_words *words = &label->number_words;
    words->most = LAMI_MAX_CLASSES;
    if (words->too_many || (answers == LAMI_CSV_ALL_CLASSES && label->text_words.too_many))
        return too_many(table);
    if (answers == LAMI_CSV_ALL_CLASSES)
        LAM_TRY(lami_csv_words_join(words, &label->text_words));
    if (words->too_many)
        return too_many(table);
    if (!words->count) {
        char shown[LAMI_CSV_SHOWN];
        return lami_fail(LAM_EFORMAT, "%s: column %s, the label, is empty", table->path,
                         lami_csv_column_name(shown, table, table->label[0]));
    }
    LAM_TRY(lami_csv_words_names(&schema->class_name, words));
    schema->classes = words->count;
    if (!are_indices(schema->class_name, schema->classes))
        return LAM_OK;
    for (size_t i = 0; i < schema->classes; i++)
        lami_free(schema->class_name[i]);
    lami_free(schema->class_name);
    schema->class_name = NULL;
    return LAM_OK;
}
