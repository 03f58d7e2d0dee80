/* lamina eval: loss and accuracy of a saved network on a data set, per class, and what was taken for what. */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "../core/mem.h"
#include "../data/data.h"
#include "../net/session.h"
#include "../train/metrics.h"
#include "cli.h"
#include "inputs.h"

enum {
    MATRIX_CLASSES = 20, /* printed; more only with -v */
    TALLY_CLASSES = 4096 /* counted: 64 MiB; with more classes only how many were right */
};

struct opts {
    const char *data;
    int split;
    size_t first;
};
static const cli_row rows[] = {
    CLI_TEXT(struct opts, data, 'd', "data", "DATA", NULL,
             "data set: a path, KIND:PATH, or an installed one; default: the run's own"),
    CLI_CHOICE(struct opts, split, 0, "split", "PART", CLI_SPLITS,
               "part to use; default: test if there is one, else train"),
    CLI_SIZE(struct opts, first, 0, "first", "N", 0, 0, 1000000000000, "only the first N samples; 0: all"),
    CLI_END,
};

/* What a number to predict came to. */
typedef struct target {
    double mean, total, residual, absolute; /* of the part; sums of squares about the mean, and of errors */
    size_t yes, right;                      /* where it is a yes or no */
} target;

/* What is counted, for each kind of answer: the network, the data, sums over samples. */
typedef struct tally {
    const lam_net *net;
    const lam_data *data;
    cli_answer answer;
    lam_part part;
    size_t count;
    double loss;
    size_t classes;
    size_t *class_count, *right; /* per class */
    uint32_t *confusion;         /* label * classes + answer: number of samples; NULL with very many classes */
    target *target;              /* per number to predict */
} tally;

static lam_status tally_new(tally *t)
{
    if (t->answer == CLI_LABELS || t->answer == CLI_VALUES)
        return (t->target = lami_alloc(t->net->classes, sizeof *t->target)) ? LAM_OK : LAM_ENOMEM;
    t->classes = t->answer == CLI_YES_NO ? 2 : t->net->classes;
    t->class_count = lami_alloc(t->classes, sizeof *t->class_count);
    t->right = lami_alloc(t->classes, sizeof *t->right);
    if (t->classes <= TALLY_CLASSES)
        t->confusion = lami_alloc(t->classes * t->classes, sizeof *t->confusion);
    return t->class_count && t->right && (t->confusion || t->classes > TALLY_CLASSES) ? LAM_OK : LAM_ENOMEM;
}

static void tally_free(tally *t)
{
    lami_free(t->class_count);
    lami_free(t->right);
    lami_free(t->confusion);
    lami_free(t->target);
}

/* ---- counting ---------------------------------------------------------------------------------------------------- */

static void add_class(tally *t, const void *scores, size_t i, const lami_batch *b)
{
    size_t asked = 0;
    const size_t label = (size_t)b->label[i];
    t->class_count[label]++;
    t->right[label] += lami_right(&asked, t->net, scores, i, b);
    if (t->confusion)
        t->confusion[label * t->classes + cli_best(t->net, scores, i)]++;
}

/* Yes or no for each of several targets; a score that is no number is never right. */
static void add_labels(tally *t, const void *scores, size_t i, const double *truth)
{
    const lam_net *net = t->net;
    for (size_t k = 0; k < net->classes; k++) {
        const double x = lami_real_at(scores, net->dtype, i * net->classes + k);
        const int yes = truth[k] > 0.5;
        t->target[k].yes += (size_t)yes;
        t->target[k].right += x == x && (x > net->loss->yes) == yes;
    }
}

static void add_values(tally *t, const void *scores, size_t i, const double *truth)
{
    const lam_net *net = t->net;
    const lami_units *u = &net->units;
    for (size_t k = 0; k < net->classes; k++) {
        const double x = lami_real_at(scores, net->dtype, i * net->classes + k), about = truth[k] - t->target[k].mean;
        const double error = truth[k] - (u->count ? x * u->scale[k] + u->shift[k] : x);
        t->target[k].residual += error * error;
        t->target[k].absolute += error < 0 ? -error : error;
        t->target[k].total += about * about;
    }
}

static void find_means(tally *t)
{
    const lami_part *p = &t->data->part[t->part];
    const size_t each = t->data->targets;
    for (size_t i = 0; i < t->count; i++)
        for (size_t k = 0; k < each; k++)
            t->target[k].mean += p->target[i * each + k] / (double)t->count;
}

static void add_batch(tally *t, const void *scores, const lami_batch *b)
{
    for (size_t i = 0; i < b->n; i++) {
        if (t->answer == CLI_VALUES)
            add_values(t, scores, i, b->target[i]);
        else if (t->answer == CLI_LABELS)
            add_labels(t, scores, i, b->target[i]);
        else
            add_class(t, scores, i, b);
    }
}

static lam_status count_all(tally *t, lam_session *session)
{
    const size_t batch = lami_session_batch(session);
    lami_batch_rows room = { 0 };
    lam_status status;
    LAM_TRY_DONE(lami_batch_rows_new(&room, batch));
    if (t->answer == CLI_VALUES)
        find_means(t);
    for (size_t first = 0; first < t->count; first += batch) {
        const size_t n = t->count - first < batch ? t->count - first : batch;
        const lami_batch b = lami_gather(&room, t->data, t->part, NULL, first, n, NULL);
        const void *scores;
        double loss;
        LAM_TRY_DONE(lami_session_load(session, &b));
        LAM_TRY_DONE(lami_session_measure(&loss, &scores, session));
        t->loss += loss;
        add_batch(t, scores, &b);
    }
done:
    lami_batch_rows_free(&room);
    return status;
}

/* Of right answers: of samples, or of all their targets. */
static double accuracy_of_all(const tally *t)
{
    size_t right = 0;
    for (size_t c = 0; c < t->classes; c++)
        right += t->right[c];
    for (size_t k = 0; t->answer == CLI_LABELS && k < t->net->classes; k++)
        right += t->target[k].right;
    return (double)right / ((double)t->count * (t->answer == CLI_LABELS ? (double)t->net->classes : 1));
}

/* R2 of a target that never changes: 1 if it is met exactly, else 0, as scikit-learn has it. */
static double r2_of(const target *k)
{
    return k->total > 0 ? 1 - k->residual / k->total : k->residual == 0;
}

/* The same, and both kinds of errors, over all targets. */
typedef struct fit {
    double r2, rmse, mae;
} fit;

static fit fit_of(const tally *t, size_t first, size_t targets)
{
    double r2 = 0, squares = 0, absolute = 0;
    for (size_t k = first; k < first + targets; k++) {
        r2 += r2_of(&t->target[k]);
        squares += t->target[k].residual;
        absolute += t->target[k].absolute;
    }
    const double numbers = (double)t->count * (double)targets;
    return (fit) { .r2 = r2 / (double)targets, .rmse = __builtin_sqrt(squares / numbers), .mae = absolute / numbers };
}

/* The network's names come first: they are what its answers were called in training. */
static const char *name_of(char text[CLI_CLASS_TEXT], const tally *t, size_t c)
{
    const char *name = cli_class_name(text, t->net, c);
    return name == text && c < t->data->classes ? lam_data_class_name(t->data, c) : name;
}

/* ---- per class --------------------------------------------------------------------------------------------------- */

/* The class that `class` was most often taken for; itself where it never was, or nobody counted. */
static size_t mistaken_for(const tally *t, size_t class)
{
    size_t mistaken = class;
    uint32_t most = 0;
    for (size_t c = 0; t->confusion && c < t->classes; c++) {
        const uint32_t count = t->confusion[class * t->classes + c];
        if (c != class && count > most) {
            most = count;
            mistaken = c;
        }
    }
    return mistaken;
}

static double accuracy_of(const tally *t, size_t class)
{
    return t->class_count[class] ? (double)t->right[class] / (double)t->class_count[class] : NAN;
}

static void class_cells(cli_table *table, const tally *t, size_t c)
{
    char text[CLI_CLASS_TEXT];
    const size_t mistaken = mistaken_for(t, c);
    cli_table_cell(table, "%s", name_of(text, t, c));
    cli_table_cell(table, "%zu", t->class_count[c]);
    cli_table_cell(table, "%zu", t->right[c]);
    if (t->class_count[c])
        cli_table_cell(table, "%.2f%%", 100 * accuracy_of(t, c));
    else
        cli_table_cell(table, "-");
    if (mistaken == c) {
        cli_table_cell(table, "%s", "");
        cli_table_cell(table, "%s", "");
    } else {
        cli_table_cell(table, "%s", name_of(text, t, mistaken));
        cli_table_cell(table, "%u", t->confusion[c * t->classes + mistaken]);
    }
}

static lam_status print_classes(const tally *t)
{
    static const char *const heads[] = { "class", "count", "right", "accuracy", "most often taken for", "" };
    cli_table *table;
    LAM_TRY(cli_table_new(&table, "lrrrlr"));
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        cli_table_cell(table, "%s", heads[i]);
    for (size_t c = 0; c < t->classes; c++)
        class_cells(table, t, c);
    const lam_status status = cli_table_print(table, stdout, 0);
    cli_table_free(table);
    return status;
}

/* A row per true class, a column per answer. */
static lam_status print_matrix(const tally *t)
{
    char text[CLI_CLASS_TEXT];
    cli_table *table = NULL;
    char *align = lami_alloc(t->classes + 3, 1);
    if (!align)
        return LAM_ENOMEM;
    memset(align, 'r', t->classes + 2);
    align[0] = 'l';
    lam_status status = cli_table_new(&table, align);
    if (!status) {
        cli_table_cell(table, "true \\ answer");
        cli_table_cell(table, "%s", "");
        for (size_t c = 0; c < t->classes; c++)
            cli_table_cell(table, "%zu", c);
        for (size_t c = 0; c < t->classes; c++) {
            cli_table_cell(table, "%s", name_of(text, t, c));
            cli_table_cell(table, "%zu", c);
            for (size_t k = 0; k < t->classes; k++)
                cli_table_cell(table, "%u", t->confusion[c * t->classes + k]);
        }
        status = cli_table_print(table, stdout, 0);
    }
    cli_table_free(table);
    lami_free(align);
    return status;
}

/* ---- per target -------------------------------------------------------------------------------------------------- */

static lam_status print_targets(const tally *t)
{
    static const char *const value_heads[] = { "target", "mean", "R2", "rmse", "mae" };
    static const char *const label_heads[] = { "target", "yes", "right", "accuracy" };
    const int values = t->answer == CLI_VALUES;
    const size_t heads = values ? sizeof value_heads / sizeof *value_heads : sizeof label_heads / sizeof *label_heads;
    char text[CLI_CLASS_TEXT];
    cli_table *table;
    LAM_TRY(cli_table_new(&table, values ? "lrrrr" : "lrrr"));
    for (size_t i = 0; i < heads; i++)
        cli_table_cell(table, "%s", values ? value_heads[i] : label_heads[i]);
    for (size_t k = 0; k < t->net->classes; k++) {
        const target *one = &t->target[k];
        cli_table_cell(table, "%s", cli_value_name(text, t->net, k));
        if (values) {
            const fit f = fit_of(t, k, 1);
            cli_table_cell(table, "%.4g", one->mean);
            cli_table_cell(table, "%.4f", f.r2);
            cli_table_cell(table, "%.4g", f.rmse);
            cli_table_cell(table, "%.4g", f.mae);
        } else {
            cli_table_cell(table, "%zu", one->yes);
            cli_table_cell(table, "%zu", one->right);
            cli_table_cell(table, "%.2f%%", 100 * (double)one->right / (double)t->count);
        }
    }
    const lam_status status = cli_table_print(table, stdout, 0);
    cli_table_free(table);
    return status;
}

static json_t *json_target(const tally *t, size_t k)
{
    char text[CLI_CLASS_TEXT];
    const target *one = &t->target[k];
    json_t *name = cli_json_text(cli_value_name(text, t->net, k));
    const fit f = fit_of(t, k, 1);
    if (t->answer == CLI_VALUES)
        return json_pack("{s:o, s:o, s:o, s:o, s:o}", "target", name, "mean", cli_json_real(one->mean), "r2",
                         cli_json_real(f.r2), "rmse", cli_json_real(f.rmse), "mae", cli_json_real(f.mae));
    return json_pack("{s:o, s:I, s:I, s:o}", "target", name, "yes", (json_int_t)one->yes, "right",
                     (json_int_t)one->right, "accuracy", cli_json_real((double)one->right / (double)t->count));
}

/* ---- results ----------------------------------------------------------------------------------------------------- */

static void print_line(const tally *t)
{
    char number[CLI_TEXT_MAX];
    printf("%s %s samples: ", cli_count(number, t->count), cli_part_name(t->part));
    if (t->answer == CLI_VALUES) {
        const fit f = fit_of(t, 0, t->net->classes);
        printf("R2 %.4f, rmse %.4g, mean absolute error %.4g, ", f.r2, f.rmse, f.mae);
    } else
        printf("accuracy %.2f%%, ", 100 * accuracy_of_all(t));
    printf("loss %.4g\n", t->loss / (double)t->count);
}

static lam_status print_text(const tally *t, const cli_call *call)
{
    print_line(t);
    if (t->target && !call->quiet && t->net->classes > 1) {
        putchar('\n');
        LAM_TRY(print_targets(t));
    }
    if (t->classes && !call->quiet) {
        putchar('\n');
        LAM_TRY(print_classes(t));
    }
    if (t->confusion && (call->verbose || (!call->quiet && t->classes <= MATRIX_CLASSES))) {
        putchar('\n');
        LAM_TRY(print_matrix(t));
    }
    return cli_flush();
}

static json_t *json_class(const tally *t, size_t c)
{
    char text[CLI_CLASS_TEXT];
    return json_pack("{s:o, s:I, s:I, s:o}", "class", cli_json_text(name_of(text, t, c)), "count",
                     (json_int_t)t->class_count[c], "right", (json_int_t)t->right[c], "accuracy",
                     cli_json_real(accuracy_of(t, c)));
}

static lam_status print_json(const tally *t)
{
    static const char *const names[] = { "train", "val", "test" };
    const int values = t->answer == CLI_VALUES;
    json_t *list = json_array();
    for (size_t c = 0; c < t->classes; c++)
        json_array_append_new(list, json_class(t, c));
    for (size_t k = 0; t->target && k < t->net->classes; k++)
        json_array_append_new(list, json_target(t, k));
    json_t *json =
        json_pack("{s:o, s:o, s:I, s:s}", "accuracy", cli_json_real(values ? NAN : accuracy_of_all(t)), "loss",
                  cli_json_real(t->loss / (double)t->count), "count", (json_int_t)t->count, "split", names[t->part]);
    if (values) {
        const fit f = fit_of(t, 0, t->net->classes);
        json_object_set_new(json, "r2", cli_json_real(f.r2));
        json_object_set_new(json, "rmse", cli_json_real(f.rmse));
        json_object_set_new(json, "mae", cli_json_real(f.mae));
    }
    json_object_set_new(json, t->target ? "per_target" : "per_class", list);
    return cli_json_print(json);
}

static int run(const cli_call *call)
{
    const struct opts *o = call->own;
    lam_net *net = NULL;
    lam_data *data = NULL;
    lam_session *session = NULL;
    tally t = { 0 };
    lam_status status;
    LAM_TRY_DONE(cli_open_model(&net, &data, call->arg[0], o->data, call, 0));
    t.net = net;
    t.data = data;
    t.answer = cli_answer_of(net, data);
    LAM_TRY_DONE(cli_part(&t.part, data, o->split));
    t.count = lam_data_count(data, t.part);
    t.count = o->first && o->first < t.count ? o->first : t.count;
    LAM_TRY_DONE(lami_session_make(&session, net, call->options, LAMI_SESSION_MEASURE));
    LAM_TRY_DONE(tally_new(&t));
    LAM_TRY_DONE(count_all(&t, session));
    status = call->json ? print_json(&t) : print_text(&t, call);
done:
    tally_free(&t);
    lam_session_free(session);
    lam_data_free(data);
    lam_net_free(net);
    return cli_report(status);
}

const cli_cmd cmd_eval = {
    .name = "eval",
    .usage = "RUN|MODEL [--data DATA] [--split PART] [options]",
    .help = "accuracy, loss, per-class table and confusion matrix on a data set",
    .about =
        "Evaluate a trained network: the best one of a run folder, or a model file.\n"
        "\n"
        "Prints accuracy and loss (without L2), a table of the classes, and, for at most 20 classes or with -v, the "
        "confusion matrix; -q prints the first line only. Where numbers are predicted, R2 and the errors stand in "
        "place "
        "of the accuracy, and the targets in place of the classes. For a run folder the data set, how it is read and "
        "its parts are the run's, unless the options say otherwise.",
    .examples = "  lamina eval runs/001\n  lamina eval model.safetensors --data fashion-mnist --split train --json\n",
    .rows = rows,
    .own_size = sizeof(struct opts),
    .groups = LAMI_FOR_ALL | LAMI_FOR_BATCH | LAMI_FOR_READ | LAMI_FOR_SPLIT,
    .also = "seed",
    .arg_name = "RUN|MODEL",
    .least_args = 1,
    .most_args = 1,
    .run = run,
};
