/* lamina data: what a data set holds, and what is wrong with it. */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "../core/escape.h"
#include "../core/file.h"
#include "../core/mem.h"
#include "../core/parallel.h"
#include "../data/duplicates.h"
#include "../data/source.h"
#include "cli.h"
#include "inputs.h"
#include "summary.h"

enum {
    ROWS_MOST = 40, /* of inputs, targets: printed; more only with -v */
    CLASSES_MOST = 20,
    CLASSES_ENDS = 5, /* of more classes: the largest and the smallest */
    NAMES_MOST = 10,  /* listed in one line */
    NAME_TEXT = 128,
    PATH_TEXT = 1024,
    PARTS = LAM_TEST + 1
};
static const double imbalance = 10; /* largest class to smallest: worth a note */

struct opts {
    int strict;
};
static const cli_row rows[] = {
    CLI_FLAG(struct opts, strict, 0, "strict",
             "exit status 5 when there are bad rows or files, values that are not finite, or samples in two parts"),
    CLI_END,
};

/* Inputs that are told of together: a column of a table, a channel, or all. */
typedef struct group {
    char name[NAME_TEXT];
    const lami_column *column; /* NULL: no table */
    size_t first, count;       /* inputs */
    cli_summary summary;       /* of the training part */
    size_t constant;           /* inputs that never change there */
} group;

typedef struct report {
    const char *path;
    lam_data *data;
    lami_bad_rows bad;
    lami_duplicates twins;
    group *group;
    size_t groups;
    size_t not_finite;    /* numbers, in all parts */
    size_t *class_count;  /* classes x PARTS */
    cli_summary *target;  /* per number to predict, of the training part */
    cli_summary weight;   /* count 0: there are none */
    double balance;       /* largest class to the smallest that is not empty, in training */
    size_t empty_classes; /* in training */
} report;

static const char *const part_key[PARTS] = { "train", "val", "test" };

/* ---- finding out ------------------------------------------------------------------------------------------------- */

static size_t group_count(const lam_data *data)
{
    return data->schema ? data->schema->columns : data->shape.rank == 3 ? data->shape.dim[0] : 1;
}

static void set_group(group *g, const lam_data *data, size_t i, size_t first)
{
    const size_t all = lam_shape_count(&data->shape), groups = group_count(data);
    g->first = first;
    g->count = all / groups;
    if (data->schema) {
        const lami_column *c = &data->schema->column[i];
        g->column = c;
        g->count = c->one_hot ? c->categories : 1;
        if (c->name[0])
            snprintf(g->name, sizeof g->name, "%s", c->name);
        else
            snprintf(g->name, sizeof g->name, "column %zu", c->place);
    } else if (groups > 1)
        snprintf(g->name, sizeof g->name, "channel %zu", i);
    else
        snprintf(g->name, sizeof g->name, all == 1 ? "%zu input" : "%zu inputs", all);
}

static int never_changes(const cli_summary *s)
{
    return s->count > 1 && !s->not_finite && s->least == s->most;
}

static lam_status find_inputs(report *r)
{
    cli_summary *part[PARTS] = { NULL };
    const lam_data *data = r->data;
    const size_t size = lam_shape_count(&data->shape);
    lam_status status = LAM_OK;
    for (int p = LAM_TRAIN; p < PARTS; p++) {
        /* the others are looked through for what bytes cannot hold */
        if (p != LAM_TRAIN && (data->dtype == LAM_U8 || !data->part[p].count))
            continue;
        LAM_TRY_DONE(cli_summarise_inputs(&part[p], data, (lam_part)p));
        for (size_t j = 0; j < size; j++)
            r->not_finite += part[p][j].not_finite;
    }
    r->groups = group_count(data);
    if (!(r->group = lami_alloc(r->groups, sizeof *r->group))) {
        status = LAM_ENOMEM;
        goto done;
    }
    for (size_t i = 0, first = 0; i < r->groups; first += r->group[i++].count) {
        group *g = &r->group[i];
        set_group(g, data, i, first);
        g->summary = cli_summary_join(part[LAM_TRAIN] + first, g->count);
        for (size_t j = first; j < first + g->count; j++)
            g->constant += (size_t)never_changes(&part[LAM_TRAIN][j]);
    }
done:
    for (int p = LAM_TRAIN; p < PARTS; p++)
        lami_free(part[p]);
    return status;
}

static lam_status find_classes(report *r)
{
    const lam_data *data = r->data;
    size_t largest = 0, smallest = SIZE_MAX;
    if (!(r->class_count = lami_alloc(data->classes, PARTS * sizeof *r->class_count)))
        return LAM_ENOMEM;
    for (int p = LAM_TRAIN; p < PARTS; p++)
        for (size_t i = 0; data->part[p].label && i < data->part[p].count; i++)
            r->class_count[(size_t)data->part[p].label[i] * PARTS + (size_t)p]++;
    for (size_t c = 0; c < data->classes; c++) {
        const size_t count = r->class_count[c * PARTS + LAM_TRAIN];
        r->empty_classes += count == 0;
        largest = count > largest ? count : largest;
        smallest = count && count < smallest ? count : smallest;
    }
    r->balance = largest ? (double)largest / (double)smallest : 1;
    return LAM_OK;
}

static lam_status find_targets(report *r)
{
    const lami_part *train = &r->data->part[LAM_TRAIN];
    const size_t each = r->data->targets;
    if (!(r->target = lami_alloc(each, sizeof *r->target)))
        return LAM_ENOMEM;
    for (size_t k = 0; k < each; k++)
        r->target[k] = cli_summarise(train->target + k, train->count, each);
    return LAM_OK;
}

static lam_status find_all(report *r, const cli_call *call)
{
    const lami_part *train = &r->data->part[LAM_TRAIN];
    const int threads = call->options->threads ? (int)call->options->threads : lami_cpus();
    LAM_TRY(find_inputs(r));
    if (r->data->classes)
        LAM_TRY(find_classes(r));
    if (train->target)
        LAM_TRY(find_targets(r));
    if (train->weight)
        r->weight = cli_summarise(train->weight, train->count, 1);
    return lami_duplicates_find(&r->twins, r->data, threads);
}

/* The kind that a path was opened as. */
static const char *kind_of(const report *r)
{
    const char *const path = r->path;
    const size_t length = strcspn(path, ":");
    if (lami_source_is_input(path))
        return r->data->schema ? lami_data_csv.name : "arrays";
    const int here = lami_is_file(path) || lami_is_folder(path);
    for (const lami_data_kind *const *kind = lami_data_kinds; *kind; kind++)
        if (here ? (*kind)->matches(path) > 0 : strlen((*kind)->name) == length && !memcmp((*kind)->name, path, length))
            return (*kind)->name;
    return "data set";
}

static size_t constant_inputs(const report *r)
{
    size_t constant = 0;
    for (size_t i = 0; i < r->groups; i++)
        constant += r->group[i].constant;
    return constant;
}

/* ---- what it holds, as text -------------------------------------------------------------------------------------- */

/* "3 classes", "1 class" */
static const char *some(char text[CLI_TEXT_MAX * 2], size_t count, const char *one, const char *several)
{
    char number[CLI_TEXT_MAX];
    snprintf(text, CLI_TEXT_MAX * 2, "%s %s", cli_count(number, count), count == 1 ? one : several);
    return text;
}

static void print_head(const report *r)
{
    const lam_data *data = r->data;
    char shape[LAMI_SHAPE_TEXT], text[CLI_TEXT_MAX * 2], number[CLI_TEXT_MAX];
    printf("data     %s (%s)\n", r->path, kind_of(r));
    fputs("samples  ", stdout);
    const char *comma = "";
    for (int p = LAM_TRAIN; p < PARTS; p++) {
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

static void group_cells(cli_table *table, const group *g)
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

static lam_status print_inputs(const report *r, int verbose)
{
    static const char *const heads[] = { "min", "mean", "max", "deviation" };
    const size_t shown = verbose || r->groups <= ROWS_MOST ? r->groups : ROWS_MOST;
    const int columns = r->data->schema != NULL;
    int missing = 0;
    for (size_t i = 0; i < r->groups; i++)
        missing |= r->group[i].column && r->group[i].column->missing;
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
        group_cells(table, &r->group[i]);
    rest_cells(table, r->groups, shown);
    const lam_status status = cli_table_print(table, stdout, 0);
    cli_table_free(table);
    return status;
}

static const char *target_name(char text[CLI_CLASS_TEXT], const lam_data *data, size_t k)
{
    const char *name = lam_data_target_name(data, k);
    if (name && name[0])
        return name;
    snprintf(text, CLI_CLASS_TEXT, "number %zu", k);
    return text;
}

static lam_status print_targets(const report *r, int verbose)
{
    static const char *const heads[] = { "to predict", "min", "mean", "max", "deviation" };
    const size_t targets = r->target ? r->data->targets : 0;
    const size_t shown = verbose || targets <= ROWS_MOST ? targets : ROWS_MOST;
    char text[CLI_CLASS_TEXT];
    cli_table *table;
    LAM_TRY(cli_table_new(&table, "lrrrr"));
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        cli_table_cell(table, "%s", i || targets ? heads[i] : "");
    for (size_t k = 0; k < shown; k++) {
        cli_table_cell(table, "%s", target_name(text, r->data, k));
        summary_cells(table, &r->target[k]);
    }
    if (shown < targets) {
        rest_cells(table, targets, shown);
        for (size_t i = 1; i < sizeof heads / sizeof *heads; i++)
            cli_table_cell(table, "%s", "");
    }
    if (r->weight.count) {
        cli_table_cell(table, "weight");
        summary_cells(table, &r->weight);
    }
    const lam_status status = cli_table_print(table, stdout, 0);
    cli_table_free(table);
    return status;
}

/* ---- classes ----------------------------------------------------------------------------------------------------- */

static const size_t *counts_of(const report *r, size_t class)
{
    return r->class_count + class * PARTS;
}

static void class_cells(cli_table *table, const report *r, size_t c)
{
    cli_table_cell(table, "%s", lam_data_class_name(r->data, c));
    for (int p = LAM_TRAIN; p < PARTS; p++) {
        if (r->data->part[p].count)
            cli_table_cell(table, "%zu", counts_of(r, c)[p]);
    }
}

/* Is `a` before `b`, the larger one first? Equal ones stay in order. */
static int is_larger(const report *r, size_t a, size_t b)
{
    const size_t x = counts_of(r, a)[LAM_TRAIN], y = counts_of(r, b)[LAM_TRAIN];
    return x != y ? x > y : a < b;
}

/* The CLASSES_ENDS largest classes, or, by what comes last, smallest ones, in order of size. */
static void find_ends(size_t end[CLASSES_ENDS], const report *r, int smallest)
{
    size_t found = 0;
    for (size_t c = 0; c < r->data->classes; c++) {
        size_t at = found;
        while (at && is_larger(r, smallest ? end[at - 1] : c, smallest ? c : end[at - 1]))
            at--;
        if (at == CLASSES_ENDS)
            continue;
        found += found < CLASSES_ENDS;
        memmove(end + at + 1, end + at, (found - at - 1) * sizeof *end);
        end[at] = c;
    }
}

static void end_cells(cli_table *table, const report *r)
{
    size_t largest[CLASSES_ENDS], smallest[CLASSES_ENDS];
    find_ends(largest, r, 0);
    find_ends(smallest, r, 1);
    for (size_t i = 0; i < CLASSES_ENDS; i++)
        class_cells(table, r, largest[i]);
    cli_table_cell(table, "%zu others (-v)", r->data->classes - 2 * CLASSES_ENDS);
    for (int p = LAM_TRAIN; p < PARTS; p++)
        if (r->data->part[p].count)
            cli_table_cell(table, "%s", "");
    for (size_t i = CLASSES_ENDS; i-- > 0;)
        class_cells(table, r, smallest[i]);
}

static lam_status print_classes(const report *r, int verbose)
{
    static const char align[] = "lrrr";
    int parts = 0;
    for (int p = LAM_TRAIN; p < PARTS; p++)
        parts += r->data->part[p].count > 0;
    const char *const columns[] = { "l", "lr", "lrr", align };
    cli_table *table;
    LAM_TRY(cli_table_new(&table, columns[parts]));
    cli_table_cell(table, "class");
    for (int p = LAM_TRAIN; p < PARTS; p++)
        if (r->data->part[p].count)
            cli_table_cell(table, "%s", lami_part_name((lam_part)p));
    if (verbose || r->data->classes <= CLASSES_MOST)
        for (size_t c = 0; c < r->data->classes; c++)
            class_cells(table, r, c);
    else
        end_cells(table, r);
    const lam_status status = cli_table_print(table, stdout, 0);
    cli_table_free(table);
    return status;
}

/* ---- what is wrong ----------------------------------------------------------------------------------------------- */

static void print_bad_rows(const report *r)
{
    char text[CLI_TEXT_MAX * 2];
    const size_t most = sizeof r->bad.first / sizeof *r->bad.first;
    if (!r->bad.count)
        return;
    printf("bad rows    %s left out\n", some(text, r->bad.count, "row is", "rows are"));
    for (size_t i = 0; i < r->bad.count && i < most; i++)
        printf("            line %zu: %s\n", r->bad.first[i].line, r->bad.first[i].why);
}

static void print_bad_files(const report *r)
{
    const lami_bad_files *bad = &r->data->bad_files;
    char text[CLI_TEXT_MAX * 2], shown[PATH_TEXT];
    if (!bad->count)
        return;
    printf("bad files   %s left out\n", some(text, bad->count, "image file is", "image files are"));
    for (size_t i = 0; i < bad->count; i++)
        printf("            %s: %s\n", lami_escape(shown, sizeof shown, bad->file[i].path), bad->file[i].why);
}

static void print_pair(const report *r, const lami_sample_at pair[2])
{
    char a[PATH_TEXT], b[PATH_TEXT];
    const char *const first = lami_data_sample_path(r->data, pair[0].part, pair[0].index);
    const char *const second = lami_data_sample_path(r->data, pair[1].part, pair[1].index);
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

static void print_duplicates(const report *r)
{
    static const char next[] = "            ";
    const lami_duplicates *t = &r->twins;
    const char *head = "duplicates  ";
    char text[CLI_TEXT_MAX * 2];
    for (int p = LAM_TRAIN; p < PARTS; p++) {
        if (!t->within[p])
            continue;
        print_samples(head, t->within[p], p, "equals one before", "equal one before");
        print_pair(r, t->within_first[p]);
        head = next;
    }
    for (int a = LAM_TRAIN; a < PARTS; a++)
        for (int b = a + 1; b < PARTS; b++) {
            if (!t->across[a][b])
                continue;
            print_samples(head, t->across[a][b], b, "is", "are");
            printf(" in the %s part, too", lami_part_name((lam_part)a));
            print_pair(r, t->across_first[a][b]);
            head = next;
        }
    if (t->conflicts) {
        printf("%s%s equal in all but the class", head, some(text, t->conflicts, "sample is", "samples are"));
        print_pair(r, t->conflict_first);
    } else if (head != next)
        printf("%snone\n", head);
}

static void print_constant(const report *r)
{
    char text[CLI_TEXT_MAX * 2];
    const size_t constant = constant_inputs(r), all = lam_shape_count(&r->data->shape);
    size_t listed = 0;
    if (!constant)
        return;
    if (!r->data->schema) {
        printf("constant    %zu of %s\n", constant, some(text, all, "input never changes", "inputs never change"));
        return;
    }
    for (size_t i = 0; i < r->groups; i++) {
        if (r->group[i].constant != r->group[i].count)
            continue;
        char name[NAME_TEXT];
        snprintf(name, sizeof name, "%s", r->group[i].name);
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

static void print_wrong(const report *r)
{
    char text[CLI_TEXT_MAX * 2];
    print_bad_rows(r);
    print_bad_files(r);
    print_duplicates(r);
    print_constant(r);
    if (r->not_finite)
        printf("not finite  %s\n", some(text, r->not_finite, "number", "numbers"));
    if (r->empty_classes)
        printf("balance     %s no training sample\n", some(text, r->empty_classes, "class has", "classes have"));
    if (r->balance >= imbalance)
        printf("balance     the largest class has %.3g times as many training samples as the smallest: "
               "--class-weight balanced may help\n",
               r->balance);
}

static lam_status print_text(const report *r, const cli_call *call)
{
    print_head(r);
    if (!call->quiet) {
        putchar('\n');
        LAM_TRY(print_inputs(r, call->verbose));
        if (r->class_count) {
            putchar('\n');
            LAM_TRY(print_classes(r, call->verbose));
        }
        if (r->target || r->weight.count) {
            putchar('\n');
            LAM_TRY(print_targets(r, call->verbose));
        }
        putchar('\n');
    }
    print_wrong(r);
    return cli_flush();
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

static void set_summary(json_t *object, const cli_summary *s)
{
    json_object_set_new(object, "min", lami_json_real(s->least));
    json_object_set_new(object, "mean", lami_json_real(s->mean));
    json_object_set_new(object, "max", lami_json_real(s->most));
    json_object_set_new(object, "deviation", lami_json_real(s->deviation));
}

static json_t *json_group(const group *g)
{
    const lami_column *c = g->column;
    const int categories = c && c->category;
    json_t *object =
        json_pack("{s:o, s:s, s:I, s:I}", "name", lami_json_text(g->name), "kind", categories ? "category" : "number",
                  "inputs", (json_int_t)g->count, "constant", (json_int_t)g->constant);
    if (c)
        json_object_set_new(object, "missing", json_integer((json_int_t)c->missing));
    if (categories) {
        json_t *names = json_array();
        for (size_t i = 0; i < c->categories; i++)
            json_array_append_new(names, lami_json_text(c->category[i]));
        json_object_set_new(object, "categories", names);
        json_object_set_new(object, "one_hot", json_boolean(c->one_hot));
    } else
        set_summary(object, &g->summary);
    return object;
}

static json_t *json_answers(const report *r)
{
    char text[CLI_CLASS_TEXT];
    json_t *list = json_array();
    for (size_t c = 0; r->class_count && c < r->data->classes; c++) {
        json_t *one = json_pack("{s:o}", "class", lami_json_text(lam_data_class_name(r->data, c)));
        for (int p = LAM_TRAIN; p < PARTS; p++)
            json_object_set_new(one, part_key[p], json_integer((json_int_t)counts_of(r, c)[p]));
        json_array_append_new(list, one);
    }
    for (size_t k = 0; r->target && k < r->data->targets; k++) {
        json_t *one = json_pack("{s:o}", "target", lami_json_text(target_name(text, r->data, k)));
        set_summary(one, &r->target[k]);
        json_array_append_new(list, one);
    }
    return list;
}

static json_t *json_duplicates(const report *r)
{
    char key[2 * CLI_TEXT_MAX];
    json_t *object = json_object();
    for (int p = LAM_TRAIN; p < PARTS; p++)
        json_object_set_new(object, part_key[p], json_integer((json_int_t)r->twins.within[p]));
    for (int a = LAM_TRAIN; a < PARTS; a++)
        for (int b = a + 1; b < PARTS; b++) {
            snprintf(key, sizeof key, "%s_%s", part_key[a], part_key[b]);
            json_object_set_new(object, key, json_integer((json_int_t)r->twins.across[a][b]));
        }
    json_object_set_new(object, "conflicting", json_integer((json_int_t)r->twins.conflicts));
    return object;
}

static json_t *json_bad_rows(const report *r)
{
    const size_t most = sizeof r->bad.first / sizeof *r->bad.first;
    json_t *list = json_array();
    for (size_t i = 0; i < r->bad.count && i < most; i++)
        json_array_append_new(list, json_pack("{s:I, s:o}", "line", (json_int_t)r->bad.first[i].line, "why",
                                              lami_json_text(r->bad.first[i].why)));
    return json_pack("{s:I, s:o}", "count", (json_int_t)r->bad.count, "first", list);
}

static json_t *json_bad_files(const report *r)
{
    const lami_bad_files *bad = &r->data->bad_files;
    json_t *list = json_array();
    for (size_t i = 0; i < bad->count; i++)
        json_array_append_new(list, json_pack("{s:o, s:o}", "path", lami_json_text(bad->file[i].path), "why",
                                              lami_json_text(bad->file[i].why)));
    return list;
}

static lam_status print_json(const report *r)
{
    char shape[LAMI_SHAPE_TEXT];
    json_t *inputs = json_array(), *samples = json_object();
    for (size_t i = 0; i < r->groups; i++)
        json_array_append_new(inputs, json_group(&r->group[i]));
    for (int p = LAM_TRAIN; p < PARTS; p++)
        json_object_set_new(samples, part_key[p], json_integer((json_int_t)r->data->part[p].count));
    json_t *json =
        json_pack("{s:o, s:s, s:o, s:s, s:s, s:o, s:o}", "data", lami_json_text(r->path), "kind", kind_of(r), "samples",
                  samples, "shape", lami_shape_text(shape, &r->data->shape), "dtype", lami_dtype_name(r->data->dtype),
                  "inputs", inputs, r->data->targets ? "targets" : "classes", json_answers(r));
    if (r->weight.count) {
        json_t *weight = json_object();
        set_summary(weight, &r->weight);
        json_object_set_new(json, "weight", weight);
    }
    json_object_set_new(json, "bad_rows", json_bad_rows(r));
    if (lami_data_sample_path(r->data, LAM_TRAIN, 0))
        json_object_set_new(json, "bad_files", json_bad_files(r));
    json_object_set_new(json, "duplicates", json_duplicates(r));
    json_object_set_new(json, "constant", json_integer((json_int_t)constant_inputs(r)));
    json_object_set_new(json, "not_finite", json_integer((json_int_t)r->not_finite));
    return cli_json_print(json);
}

/* ---- all together ------------------------------------------------------------------------------------------------ */

static lam_status judge(const report *r)
{
    size_t leaked = 0;
    for (int a = LAM_TRAIN; a < PARTS; a++)
        for (int b = a + 1; b < PARTS; b++)
            leaked += r->twins.across[a][b];
    const size_t bad_files = r->data->bad_files.count;
    if (!r->bad.count && !bad_files && !r->not_finite && !leaked)
        return LAM_OK;
    return lami_fail(LAM_ECHECK, "%s: bad %s: %zu, numbers that are not finite: %zu, samples in two parts: %zu",
                     r->path, bad_files ? "files" : "rows", bad_files ? bad_files : r->bad.count, r->not_finite,
                     leaked);
}

static int run(const cli_call *call)
{
    const struct opts *o = call->own;
    report r = { .path = call->arg[0] };
    const lami_open how = { .options = call->options, .reals = -1, .bad = &r.bad };
    lam_status status;
    LAM_TRY_DONE(lami_data_open(&r.data, r.path, &how));
    LAM_TRY_DONE(find_all(&r, call));
    LAM_TRY_DONE(call->json ? print_json(&r) : print_text(&r, call));
    if (o->strict)
        status = judge(&r);
done:
    lami_free(r.group);
    lami_free(r.class_count);
    lami_free(r.target);
    lam_data_free(r.data);
    return cli_report(status);
}

const cli_cmd cmd_data = {
    .name = "data",
    .usage = "DATA [--val V] [options]",
    .help = "what a data set holds: classes, ranges, bad rows, duplicates",
    .about =
        "Look through a data set before training on it. Prints its parts and the shape of a sample; range, mean and "
        "deviation of the inputs, for a table of each column, of the training part; classes with their numbers of "
        "samples, or the numbers to predict. Then what may be wrong: rows of a table that cannot be used, with their "
        "lines; image files that cannot be read; samples that are there twice, above all in two parts; equal samples "
        "of different classes; inputs that "
        "never change; numbers that are not finite; classes of very different sizes.\n"
        "\n"
        "The exit status is 0 whatever is found, unless --strict is given. -q leaves out the tables, -v prints all of "
        "their rows.",
    .examples = "  lamina data flowers.csv\n"
                "  lamina data fashion-mnist --val 5000\n"
                "  lamina data houses.csv --label price --test new.csv --strict --json\n",
    .rows = rows,
    .own_size = sizeof(struct opts),
    .groups = LAMI_FOR_ALL | LAMI_FOR_READ | LAMI_FOR_SPLIT,
    .also = "seed dtype",
    .without = "isa device no-merge",
    .arg_name = "DATA",
    .least_args = 1,
    .most_args = 1,
    .run = run,
};
