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

/* Answers to a question of yes or no. */
typedef struct question {
    size_t yes, right;
} question;

/* What is counted, for each kind of answer: the network, the data, sums over samples. */
typedef struct tally {
    const lam_net *net;
    const lam_data *data;
    cli_answer answer;
    const char *tta; /* NULL: none */
    lam_part part;
    size_t count;
    double loss;
    size_t classes;
    size_t *class_count, *right; /* per class */
    uint32_t *confusion;         /* label * classes + answer: number of samples; NULL with very many classes */
    question *question;          /* of several with yes or no */
    lami_errors *errors;         /* per number to predict */
} tally;

static lam_status tally_new(tally *t)
{
    if (t->answer == CLI_LABELS)
        return (t->question = lami_alloc(t->net->classes, sizeof *t->question)) ? LAM_OK : LAM_ENOMEM;
    if (t->answer == CLI_VALUES)
        return (t->errors = lami_alloc(t->net->classes, sizeof *t->errors)) ? LAM_OK : LAM_ENOMEM;
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
    lami_free(t->question);
    lami_free(t->errors);
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

static void add_questions(tally *t, const void *scores, size_t i, const double *truth)
{
    for (size_t k = 0; k < t->net->classes; k++) {
        const int yes = truth[k] > 0.5;
        t->question[k].yes += (size_t)yes;
        t->question[k].right += (size_t)lami_right_yes(t->net, scores, i, k, yes);
    }
}

static void add_batch(const void *scores, const lami_batch *b, double loss, void *arg)
{
    tally *t = arg;
    t->loss += loss;
    if (t->errors)
        lami_errors_add(t->errors, t->net, scores, b);
    for (size_t i = 0; !t->errors && i < b->n; i++) {
        if (t->question)
            add_questions(t, scores, i, b->target[i]);
        else
            add_class(t, scores, i, b);
    }
}

/* Of right answers: of samples, or of all their targets. */
static double accuracy_of_all(const tally *t)
{
    size_t right = 0;
    for (size_t c = 0; c < t->classes; c++)
        right += t->right[c];
    for (size_t k = 0; t->question && k < t->net->classes; k++)
        right += t->question[k].right;
    return (double)right / ((double)t->count * (t->question ? (double)t->net->classes : 1));
}

/* R2 and errors over some of the targets. */
static lam_metrics errors_of(const tally *t, size_t first, size_t targets)
{
    lam_metrics m = { 0 };
    lami_errors_end(&m, t->errors + first, targets, t->count);
    return m;
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

static lam_status print_errors(const tally *t)
{
    static const char *const heads[] = { "target", "mean", "R2", "rmse", "mae" };
    char text[CLI_CLASS_TEXT];
    cli_table *table;
    LAM_TRY(cli_table_new(&table, "lrrrr"));
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        cli_table_cell(table, "%s", heads[i]);
    for (size_t k = 0; k < t->net->classes; k++) {
        const lam_metrics m = errors_of(t, k, 1);
        cli_table_cell(table, "%s", cli_value_name(text, t->net, k));
        cli_table_cell(table, "%.4g", t->errors[k].mean);
        cli_table_cell(table, "%.4f", m.r2);
        cli_table_cell(table, "%.4g", m.rmse);
        cli_table_cell(table, "%.4g", m.mae);
    }
    const lam_status status = cli_table_print(table, stdout, 0);
    cli_table_free(table);
    return status;
}

static lam_status print_questions(const tally *t)
{
    static const char *const heads[] = { "target", "yes", "right", "accuracy" };
    char text[CLI_CLASS_TEXT];
    cli_table *table;
    LAM_TRY(cli_table_new(&table, "lrrr"));
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        cli_table_cell(table, "%s", heads[i]);
    for (size_t k = 0; k < t->net->classes; k++) {
        const question *q = &t->question[k];
        cli_table_cell(table, "%s", cli_value_name(text, t->net, k));
        cli_table_cell(table, "%zu", q->yes);
        cli_table_cell(table, "%zu", q->right);
        cli_table_cell(table, "%.2f%%", 100 * (double)q->right / (double)t->count);
    }
    const lam_status status = cli_table_print(table, stdout, 0);
    cli_table_free(table);
    return status;
}

static json_t *json_target(const tally *t, size_t k)
{
    char text[CLI_CLASS_TEXT];
    json_t *name = lami_json_text(cli_value_name(text, t->net, k));
    if (t->question)
        return json_pack("{s:o, s:I, s:I, s:o}", "target", name, "yes", (json_int_t)t->question[k].yes, "right",
                         (json_int_t)t->question[k].right, "accuracy",
                         lami_json_real((double)t->question[k].right / (double)t->count));
    const lam_metrics m = errors_of(t, k, 1);
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "target", name, "mean", lami_json_real(t->errors[k].mean), "r2",
                     lami_json_real(m.r2), "rmse", lami_json_real(m.rmse), "mae", lami_json_real(m.mae));
}

/* ---- results ----------------------------------------------------------------------------------------------------- */

static void print_line(const tally *t)
{
    char number[CLI_TEXT_MAX];
    printf("%s %s samples: ", cli_count(number, t->count), lami_part_name(t->part));
    if (t->errors) {
        const lam_metrics m = errors_of(t, 0, t->net->classes);
        printf("R2 %.4f, rmse %.4g, mean absolute error %.4g, ", m.r2, m.rmse, m.mae);
    } else
        printf("accuracy %.2f%%, ", 100 * accuracy_of_all(t));
    printf("loss %.4g", t->loss / (double)t->count);
    if (t->tta)
        printf(" (tta %s)", t->tta);
    putchar('\n');
}

static lam_status print_text(const tally *t, const cli_call *call)
{
    print_line(t);
    if (!t->classes && !call->quiet && t->net->classes > 1) {
        putchar('\n');
        LAM_TRY(t->errors ? print_errors(t) : print_questions(t));
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
    return json_pack("{s:o, s:I, s:I, s:o}", "class", lami_json_text(name_of(text, t, c)), "count",
                     (json_int_t)t->class_count[c], "right", (json_int_t)t->right[c], "accuracy",
                     lami_json_real(accuracy_of(t, c)));
}

static lam_status print_json(const tally *t)
{
    static const char *const names[] = { "train", "val", "test" };
    json_t *list = json_array();
    for (size_t c = 0; c < t->classes; c++)
        json_array_append_new(list, json_class(t, c));
    for (size_t k = 0; !t->classes && k < t->net->classes; k++)
        json_array_append_new(list, json_target(t, k));
    json_t *json =
        json_pack("{s:o, s:o, s:I, s:s, s:s*}", "accuracy", lami_json_real(t->errors ? NAN : accuracy_of_all(t)),
                  "loss", lami_json_real(t->loss / (double)t->count), "count", (json_int_t)t->count, "split",
                  names[t->part], "tta", t->tta);
    if (t->errors) {
        const lam_metrics m = errors_of(t, 0, t->net->classes);
        json_object_set_new(json, "r2", lami_json_real(m.r2));
        json_object_set_new(json, "rmse", lami_json_real(m.rmse));
        json_object_set_new(json, "mae", lami_json_real(m.mae));
    }
    json_object_set_new(json, t->classes ? "per_class" : "per_target", list);
    return cli_json_print(json);
}

static int run(const cli_call *call)
{
    const struct opts *o = call->own;
    lam_net *net = NULL;
    lam_data *data = NULL;
    lam_session *session = NULL;
    tally t = { .tta = strcmp(call->options->tta, "none") ? call->options->tta : NULL };
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
    if (t.errors)
        lami_errors_begin(t.errors, data, t.part, NULL, t.count);
    LAM_TRY_DONE(lami_score_batches(session, data, t.part, NULL, t.count, add_batch, &t));
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
    .groups = LAMI_FOR_ALL | LAMI_FOR_BATCH | LAMI_FOR_READ | LAMI_FOR_SPLIT | LAMI_FOR_SCORE,
    .also = "seed",
    .arg_name = "RUN|MODEL",
    .least_args = 1,
    .most_args = 1,
    .run = run,
};
