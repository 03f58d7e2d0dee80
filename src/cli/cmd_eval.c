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
};
static const cli_row rows[] = {
    CLI_TEXT(struct opts, data, 'd', "data", "DATA", NULL,
             "data set: a path, KIND:PATH, or an installed one; default: the run's own"),
    CLI_CHOICE(struct opts, split, 0, "split", "PART", CLI_SPLITS,
               "part to use; default: test if there is one, else train"),
    CLI_END,
};

typedef struct tally {
    lam_metrics metrics;
    size_t classes;
    size_t *count, *right; /* per class */
    uint32_t *confusion;   /* label * classes + answer: number of samples; NULL with very many classes */
} tally;

static lam_status tally_new(tally *t, size_t classes)
{
    t->classes = classes;
    t->count = lami_alloc(classes, sizeof *t->count);
    t->right = lami_alloc(classes, sizeof *t->right);
    if (classes <= TALLY_CLASSES)
        t->confusion = lami_alloc(classes * classes, sizeof *t->confusion);
    return t->count && t->right && (t->confusion || classes > TALLY_CLASSES) ? LAM_OK : LAM_ENOMEM;
}

static void tally_free(tally *t)
{
    lami_free(t->count);
    lami_free(t->right);
    lami_free(t->confusion);
}

static void tally_add(tally *t, size_t label, size_t answer)
{
    t->count[label]++;
    t->right[label] += label == answer;
    if (t->confusion)
        t->confusion[label * t->classes + answer]++;
}

static lam_status count_all(tally *t, const lam_net *net, const lam_data *data, lam_part part, lam_session *session)
{
    const size_t total = lam_data_count(data, part), batch = lami_session_batch(session);
    const void **x = lami_alloc(batch, sizeof *x);
    int32_t *label = lami_alloc(batch, sizeof *label);
    lam_status status = x && label ? LAM_OK : LAM_ENOMEM;
    double loss = 0;
    size_t right = 0;
    for (size_t first = 0; !status && first < total; first += batch) {
        const size_t n = total - first < batch ? total - first : batch;
        const void *scores;
        double loss_sum;
        size_t batch_right;
        lami_gather(x, label, data, part, NULL, first, n);
        LAM_TRY_DONE(lami_session_load(session, x, data->dtype, label, n));
        LAM_TRY_DONE(lami_session_measure(&loss_sum, &batch_right, &scores, session));
        loss += loss_sum;
        right += batch_right;
        for (size_t i = 0; i < n; i++)
            tally_add(t, (size_t)label[i], cli_best(net, scores, i));
    }
    t->metrics =
        (lam_metrics) { .count = total, .loss = loss / (double)total, .accuracy = (double)right / (double)total };
done:
    lami_free(x);
    lami_free(label);
    return status;
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
    return t->count[class] ? (double)t->right[class] / (double)t->count[class] : NAN;
}

static void class_cells(cli_table *table, const tally *t, const lam_net *net, size_t c)
{
    char text[CLI_CLASS_TEXT];
    const size_t mistaken = mistaken_for(t, c);
    cli_table_cell(table, "%s", cli_class_name(text, net, c));
    cli_table_cell(table, "%zu", t->count[c]);
    cli_table_cell(table, "%zu", t->right[c]);
    if (t->count[c])
        cli_table_cell(table, "%.2f%%", 100 * accuracy_of(t, c));
    else
        cli_table_cell(table, "-");
    if (mistaken == c) {
        cli_table_cell(table, "%s", "");
        cli_table_cell(table, "%s", "");
    } else {
        cli_table_cell(table, "%s", cli_class_name(text, net, mistaken));
        cli_table_cell(table, "%u", t->confusion[c * t->classes + mistaken]);
    }
}

static lam_status print_classes(const tally *t, const lam_net *net)
{
    static const char *const heads[] = { "class", "count", "right", "accuracy", "most often taken for", "" };
    cli_table *table;
    LAM_TRY(cli_table_new(&table, "lrrrlr"));
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        cli_table_cell(table, "%s", heads[i]);
    for (size_t c = 0; c < t->classes; c++)
        class_cells(table, t, net, c);
    const lam_status status = cli_table_print(table, stdout, 0);
    cli_table_free(table);
    return status;
}

/* A row per true class, a column per answer. */
static lam_status print_matrix(const tally *t, const lam_net *net)
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
            cli_table_cell(table, "%s", cli_class_name(text, net, c));
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

static lam_status print_text(const tally *t, const lam_net *net, lam_part part, const cli_call *call)
{
    char number[CLI_TEXT_MAX];
    printf("%s %s samples: accuracy %.2f%%, loss %.4g\n", cli_count(number, t->metrics.count), cli_part_name(part),
           100 * t->metrics.accuracy, t->metrics.loss);
    if (!call->quiet) {
        putchar('\n');
        LAM_TRY(print_classes(t, net));
    }
    if (t->confusion && (call->verbose || (!call->quiet && t->classes <= MATRIX_CLASSES))) {
        putchar('\n');
        LAM_TRY(print_matrix(t, net));
    }
    return cli_flush();
}

static lam_status print_json(const tally *t, const lam_net *net, lam_part part)
{
    char text[CLI_CLASS_TEXT];
    json_t *list = json_array();
    for (size_t c = 0; c < t->classes; c++)
        json_array_append_new(list, json_pack("{s:s, s:I, s:I, s:o}", "class", cli_class_name(text, net, c), "count",
                                              (json_int_t)t->count[c], "right", (json_int_t)t->right[c], "accuracy",
                                              cli_json_real(accuracy_of(t, c))));
    static const char *const names[] = { "train", "val", "test" };
    return cli_json_print(json_pack("{s:o, s:o, s:I, s:s, s:o}", "accuracy", cli_json_real(t->metrics.accuracy), "loss",
                                    cli_json_real(t->metrics.loss), "count", (json_int_t)t->metrics.count, "split",
                                    names[part], "per_class", list));
}

static int run(const cli_call *call)
{
    const struct opts *o = call->own;
    lam_net *net = NULL;
    lam_data *data = NULL;
    lam_session *session = NULL;
    tally t = { 0 };
    lam_part part;
    lam_status status;
    LAM_TRY_DONE(cli_open_model(&net, &data, call->arg[0], o->data, call->options));
    LAM_TRY_DONE(cli_part(&part, data, o->split));
    LAM_TRY_DONE(lami_session_make(&session, net, call->options, LAMI_SESSION_MEASURE));
    LAM_TRY_DONE(tally_new(&t, net->classes));
    LAM_TRY_DONE(count_all(&t, net, data, part, session));
    status = call->json ? print_json(&t, net, part) : print_text(&t, net, part, call);
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
        "confusion matrix; -q prints the first line only. For a run folder the data set and its validation split are "
        "the run's, unless --data and --val say otherwise.",
    .examples = "  lamina eval runs/001\n  lamina eval model.safetensors --data fashion-mnist --split train --json\n",
    .rows = rows,
    .own_size = sizeof(struct opts),
    .groups = LAMI_FOR_ALL | LAMI_FOR_BATCH,
    .also = "val seed",
    .arg_name = "RUN|MODEL",
    .least_args = 1,
    .most_args = 1,
    .run = run,
};
