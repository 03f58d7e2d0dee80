/* survey_text: a survey as tables and lines. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../core/escape.h"
#include "output.h"
#include "survey.h"

enum {
    ROWS_MOST = 40, /* of inputs, targets: printed; more only with -v */
    CLASSES_MOST = 20,
    CLASSES_ENDS = 5, /* of more classes: the largest and the smallest */
    NAMES_MOST = 10,  /* listed in one line */
    PATH_TEXT = 1024
};
static const double imbalance = 10; /* largest class to smallest: worth a note */

/* ---- what it holds ----------------------------------------------------------------------------------------------- */

/* "3 classes", "1 class" */
static const char *some(char text[CLI_TEXT_MAX * 2], size_t count, const char *one, const char *several)
{
    char number[CLI_TEXT_MAX];
    snprintf(text, CLI_TEXT_MAX * 2, "%s %s", cli_count(number, count), count == 1 ? one : several);
    return text;
}

static void print_head(const cli_survey *s)
{
    const lam_data *data = s->data;
    char shape[LAMI_SHAPE_TEXT], text[CLI_TEXT_MAX * 2], number[CLI_TEXT_MAX];
    printf("data     %s (%s)\n", s->path, cli_survey_kind(s));
    fputs("samples  ", stdout);
    const char *comma = "";
    for (int p = LAM_TRAIN; p < CLI_PARTS; p++) {
        if (!data->part[p].count)
            continue;
        printf("%s%s %s", comma, cli_count(number, data->part[p].count), lami_part_name((lam_part)p));
        comma = ", ";
    }
    printf("\nshape    %s, %s", lami_shape_text(shape, &data->shape), lami_dtype_name(data->dtype));
    if (data->schema)
        printf(", from %s", some(text, data->schema->columns, "column", "columns"));
    printf("\nanswers  %s\n", data->targets   ? some(text, data->targets, "number", "numbers")
                              : data->classes ? some(text, data->classes, "class", "classes")
                                              : "none");
}

static void number_cell(cli_table *table, double value)
{
    if (isfinite(value))
        cli_table_cell(table, "%.6g", value);
    else
        cli_table_cell(table, "%s", "");
}

static void summary_cells(cli_table *table, const cli_summary *s)
{
    number_cell(table, s->least);
    number_cell(table, s->mean);
    number_cell(table, s->most);
    number_cell(table, s->deviation);
}

static void group_cells(cli_table *table, const cli_group *g)
{
    const lami_column *c = g->column;
    cli_table_cell(table, "%s", g->name);
    if (!c) {
        summary_cells(table, &g->summary);
        return;
    }
    if (c->category) {
        cli_table_cell(table, "%zu categories%s", c->categories, c->one_hot ? ", one-hot" : "");
        for (int i = 0; i < 4; i++)
            cli_table_cell(table, "%s", "");
    } else {
        cli_table_cell(table, "number");
        summary_cells(table, &g->summary);
    }
    if (c->missing)
        cli_table_cell(table, "%zu", c->missing);
    else
        cli_table_cell(table, "%s", "");
}

static void rest_cells(cli_table *table, size_t count, size_t shown)
{
    if (count > shown)
        cli_table_cell(table, "and %zu more (-v)", count - shown);
}

static lam_status print_inputs(const cli_survey *s, int verbose)
{
    static const char *const heads[] = { "min", "mean", "max", "deviation" };
    const size_t shown = verbose || s->groups <= ROWS_MOST ? s->groups : ROWS_MOST;
    const int columns = s->data->schema != NULL;
    int missing = 0;
    for (size_t i = 0; i < s->groups; i++)
        missing |= s->group[i].column && s->group[i].column->missing;
    cli_table *table;
    LAM_TRY(cli_table_new(&table, columns ? "llrrrrr" : "lrrrr"));
    cli_table_cell(table, columns ? "column" : "inputs");
    if (columns)
        cli_table_cell(table, "holds");
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        cli_table_cell(table, "%s", heads[i]);
    if (columns)
        cli_table_cell(table, "%s", missing ? "missing" : "");
    for (size_t i = 0; i < shown; i++)
        group_cells(table, &s->group[i]);
    rest_cells(table, s->groups, shown);
    const lam_status status = cli_table_print(table, stdout, 0);
    cli_table_free(table);
    return status;
}

static lam_status print_targets(const cli_survey *s, int verbose)
{
    static const char *const heads[] = { "to predict", "min", "mean", "max", "deviation" };
    const size_t targets = s->target ? s->data->targets : 0;
    const size_t shown = verbose || targets <= ROWS_MOST ? targets : ROWS_MOST;
    char text[CLI_CLASS_TEXT];
    cli_table *table;
    LAM_TRY(cli_table_new(&table, "lrrrr"));
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        cli_table_cell(table, "%s", i || targets ? heads[i] : "");
    for (size_t k = 0; k < shown; k++) {
        cli_table_cell(table, "%s", cli_survey_target(text, s, k));
        summary_cells(table, &s->target[k]);
    }
    if (shown < targets) {
        rest_cells(table, targets, shown);
        for (size_t i = 1; i < sizeof heads / sizeof *heads; i++)
            cli_table_cell(table, "%s", "");
    }
    if (s->weight.count) {
        cli_table_cell(table, "weight");
        summary_cells(table, &s->weight);
    }
    const lam_status status = cli_table_print(table, stdout, 0);
    cli_table_free(table);
    return status;
}

/* ---- classes ----------------------------------------------------------------------------------------------------- */

static void class_cells(cli_table *table, const cli_survey *s, size_t c)
{
    cli_table_cell(table, "%s", lam_data_class_name(s->data, c));
    for (int p = LAM_TRAIN; p < CLI_PARTS; p++) {
        if (s->data->part[p].count)
            cli_table_cell(table, "%zu", cli_survey_class(s, c)[p]);
    }
}

/* Is `a` before `b`, the larger one first? Equal ones stay in order. */
static int is_larger(const cli_survey *s, size_t a, size_t b)
{
    const size_t x = cli_survey_class(s, a)[LAM_TRAIN], y = cli_survey_class(s, b)[LAM_TRAIN];
    return x != y ? x > y : a < b;
}

/* The CLASSES_ENDS largest classes, or, by what comes last, smallest ones, in order of size. */
static void find_ends(size_t end[CLASSES_ENDS], const cli_survey *s, int smallest)
{
    size_t found = 0;
    for (size_t c = 0; c < s->data->classes; c++) {
        size_t at = found;
        while (at && is_larger(s, smallest ? end[at - 1] : c, smallest ? c : end[at - 1]))
            at--;
        if (at == CLASSES_ENDS)
            continue;
        found += found < CLASSES_ENDS;
        memmove(end + at + 1, end + at, (found - at - 1) * sizeof *end);
        end[at] = c;
    }
}

static void end_cells(cli_table *table, const cli_survey *s)
{
    size_t largest[CLASSES_ENDS], smallest[CLASSES_ENDS];
    find_ends(largest, s, 0);
    find_ends(smallest, s, 1);
    for (size_t i = 0; i < CLASSES_ENDS; i++)
        class_cells(table, s, largest[i]);
    cli_table_cell(table, "%zu others (-v)", s->data->classes - 2 * CLASSES_ENDS);
    for (int p = LAM_TRAIN; p < CLI_PARTS; p++)
        if (s->data->part[p].count)
            cli_table_cell(table, "%s", "");
    for (size_t i = CLASSES_ENDS; i-- > 0;)
        class_cells(table, s, smallest[i]);
}

static lam_status print_classes(const cli_survey *s, int verbose)
{
    static const char align[] = "lrrr";
    int parts = 0;
    for (int p = LAM_TRAIN; p < CLI_PARTS; p++)
        parts += s->data->part[p].count > 0;
    const char *const columns[] = { "l", "lr", "lrr", align };
    cli_table *table;
    LAM_TRY(cli_table_new(&table, columns[parts]));
    cli_table_cell(table, "class");
    for (int p = LAM_TRAIN; p < CLI_PARTS; p++)
        if (s->data->part[p].count)
            cli_table_cell(table, "%s", lami_part_name((lam_part)p));
    if (verbose || s->data->classes <= CLASSES_MOST)
        for (size_t c = 0; c < s->data->classes; c++)
            class_cells(table, s, c);
    else
        end_cells(table, s);
    const lam_status status = cli_table_print(table, stdout, 0);
    cli_table_free(table);
    return status;
}

/* ---- what is wrong ----------------------------------------------------------------------------------------------- */

static void print_bad_rows(const cli_survey *s)
{
    char text[CLI_TEXT_MAX * 2];
    const size_t most = sizeof s->bad.first / sizeof *s->bad.first;
    if (!s->bad.count)
        return;
    printf("bad rows    %s left out\n", some(text, s->bad.count, "row is", "rows are"));
    for (size_t i = 0; i < s->bad.count && i < most; i++)
        printf("            line %zu: %s\n", s->bad.first[i].line, s->bad.first[i].why);
}

static void print_bad_files(const cli_survey *s)
{
    const lami_bad_files *bad = &s->data->bad_files;
    char text[CLI_TEXT_MAX * 2], shown[PATH_TEXT];
    if (!bad->count)
        return;
    printf("bad files   %s left out\n", some(text, bad->count, "image file is", "image files are"));
    for (size_t i = 0; i < bad->count; i++)
        printf("            %s: %s\n", lami_escape(shown, sizeof shown, bad->file[i].path), bad->file[i].why);
}

static void print_pair(const cli_survey *s, const lami_sample_at pair[2])
{
    char a[PATH_TEXT], b[PATH_TEXT];
    const char *const first = lami_data_sample_path(s->data, pair[0].part, pair[0].index);
    const char *const second = lami_data_sample_path(s->data, pair[1].part, pair[1].index);
    if (first && second) {
        printf(" (such as %s and %s)\n", lami_escape(a, sizeof a, first), lami_escape(b, sizeof b, second));
        return;
    }
    printf(" (such as %s sample %zu and %s sample %zu)\n", lami_part_name(pair[0].part), pair[0].index,
           lami_part_name(pair[1].part), pair[1].index);
}

/* "3 test samples are", "1 test sample is" */
static void print_samples(const char *head, size_t count, int part, const char *is, const char *are)
{
    char number[CLI_TEXT_MAX];
    printf("%s%s %s sample%s %s", head, cli_count(number, count), lami_part_name((lam_part)part), count == 1 ? "" : "s",
           count == 1 ? is : are);
}

static void print_duplicates(const cli_survey *s)
{
    static const char next[] = "            ";
    const lami_duplicates *t = &s->twins;
    const char *head = "duplicates  ";
    char text[CLI_TEXT_MAX * 2];
    for (int p = LAM_TRAIN; p < CLI_PARTS; p++) {
        if (!t->within[p])
            continue;
        print_samples(head, t->within[p], p, "equals one before", "equal one before");
        print_pair(s, t->within_first[p]);
        head = next;
    }
    for (int a = LAM_TRAIN; a < CLI_PARTS; a++)
        for (int b = a + 1; b < CLI_PARTS; b++) {
            if (!t->across[a][b])
                continue;
            print_samples(head, t->across[a][b], b, "is", "are");
            printf(" in the %s part, too", lami_part_name((lam_part)a));
            print_pair(s, t->across_first[a][b]);
            head = next;
        }
    if (t->conflicts) {
        printf("%s%s equal in all but the class", head, some(text, t->conflicts, "sample is", "samples are"));
        print_pair(s, t->conflict_first);
    } else if (head != next)
        printf("%snone\n", head);
}

static void print_constant(const cli_survey *s)
{
    char text[CLI_TEXT_MAX * 2];
    const size_t constant = cli_survey_constant(s), all = lam_shape_count(&s->data->shape);
    size_t listed = 0;
    if (!constant)
        return;
    if (!s->data->schema) {
        printf("constant    %zu of %s\n", constant, some(text, all, "input never changes", "inputs never change"));
        return;
    }
    for (size_t i = 0; i < s->groups; i++) {
        if (s->group[i].constant != s->group[i].count)
            continue;
        char name[CLI_GROUP_NAME];
        snprintf(name, sizeof name, "%s", s->group[i].name);
        cli_mask(name);
        if (listed < NAMES_MOST)
            printf("%s%s", listed ? ", " : "constant    ", name);
        listed++;
    }
    if (listed > NAMES_MOST)
        printf(" and %zu more", listed - NAMES_MOST);
    if (listed)
        printf(" never change%s\n", listed == 1 ? "s" : "");
}

static void print_wrong(const cli_survey *s)
{
    char text[CLI_TEXT_MAX * 2];
    print_bad_rows(s);
    print_bad_files(s);
    print_duplicates(s);
    print_constant(s);
    if (s->not_finite)
        printf("not finite  %s\n", some(text, s->not_finite, "number", "numbers"));
    if (s->empty_classes)
        printf("balance     %s no training sample\n", some(text, s->empty_classes, "class has", "classes have"));
    if (s->balance >= imbalance)
        printf("balance     the largest class has %.3g times as many training samples as the smallest: "
               "--class-weight balanced may help\n",
               s->balance);
}

lam_status cli_survey_print(const cli_survey *s, int quiet, int verbose)
{
    print_head(s);
    if (!quiet) {
        putchar('\n');
        LAM_TRY(print_inputs(s, verbose));
        if (s->class_count) {
            putchar('\n');
            LAM_TRY(print_classes(s, verbose));
        }
        if (s->target || s->weight.count) {
            putchar('\n');
            LAM_TRY(print_targets(s, verbose));
        }
        putchar('\n');
    }
    print_wrong(s);
    return cli_flush();
}
