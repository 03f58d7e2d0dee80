/* lamina eval: loss and accuracy of a saved network on a data set, per class, and what was taken for what. */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "../core/file.h"
#include "../core/mem.h"
#include "../data/data.h"
#include "../net/session.h"
#include "cli.h"
#include "report.h"

enum { MATRIX_CLASSES = 20 }; /* printed; more only with -v */

struct opts {
    const char *data, *report;
    int split;
    size_t first;
};
static const cli_row rows[] = {
    CLI_TEXT(struct opts, data, 'd', "data", "DATA", NULL,
             "data set: a path, KIND:PATH, or an installed one; default: the run's own"),
    CLI_CHOICE(struct opts, split, 0, "split", "PART", CLI_SPLITS,
               "part to use; default: test if there is one, else train"),
    CLI_SIZE(struct opts, first, 0, "first", "N", 0, 0, 1000000000000, "only the first N samples; 0: all"),
    CLI_TEXT(struct opts, report, 0, "report", "FILE", NULL,
             "also write a page of HTML: confusion matrix, the most wrong samples, curves of the training"),
    CLI_END,
};

/* ---- per class --------------------------------------------------------------------------------------------------- */

static void class_cells(cli_table *table, const cli_tally *t, size_t c)
{
    char text[CLI_CLASS_TEXT];
    const size_t mistaken = cli_tally_mistaken(t, c);
    cli_table_cell(table, "%s", cli_tally_name(text, t, c));
    cli_table_cell(table, "%zu", t->class_count[c]);
    cli_table_cell(table, "%zu", t->right[c]);
    if (t->class_count[c])
        cli_table_cell(table, "%.2f%%", 100 * cli_tally_class_accuracy(t, c));
    else
        cli_table_cell(table, "-");
    if (mistaken == c) {
        cli_table_cell(table, "%s", "");
        cli_table_cell(table, "%s", "");
    } else {
        cli_table_cell(table, "%s", cli_tally_name(text, t, mistaken));
        cli_table_cell(table, "%u", t->confusion[c * t->classes + mistaken]);
    }
}

static lam_status print_classes(const cli_tally *t)
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
static lam_status print_matrix(const cli_tally *t)
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
            cli_table_cell(table, "%s", cli_tally_name(text, t, c));
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

static lam_status print_errors(const cli_tally *t)
{
    static const char *const heads[] = { "target", "mean", "R2", "rmse", "mae" };
    char text[CLI_CLASS_TEXT];
    cli_table *table;
    LAM_TRY(cli_table_new(&table, "lrrrr"));
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        cli_table_cell(table, "%s", heads[i]);
    for (size_t k = 0; k < t->net->classes; k++) {
        const lam_metrics m = cli_tally_errors(t, k, 1);
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

static lam_status print_questions(const cli_tally *t)
{
    static const char *const heads[] = { "target", "yes", "right", "accuracy" };
    char text[CLI_CLASS_TEXT];
    cli_table *table;
    LAM_TRY(cli_table_new(&table, "lrrr"));
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        cli_table_cell(table, "%s", heads[i]);
    for (size_t k = 0; k < t->net->classes; k++) {
        const cli_question *q = &t->question[k];
        cli_table_cell(table, "%s", cli_value_name(text, t->net, k));
        cli_table_cell(table, "%zu", q->yes);
        cli_table_cell(table, "%zu", q->right);
        cli_table_cell(table, "%.2f%%", 100 * (double)q->right / (double)t->count);
    }
    const lam_status status = cli_table_print(table, stdout, 0);
    cli_table_free(table);
    return status;
}

static json_t *json_target(const cli_tally *t, size_t k)
{
    char text[CLI_CLASS_TEXT];
    json_t *name = lami_json_text(cli_value_name(text, t->net, k));
    if (t->question)
        return json_pack("{s:o, s:I, s:I, s:o}", "target", name, "yes", (json_int_t)t->question[k].yes, "right",
                         (json_int_t)t->question[k].right, "accuracy",
                         lami_json_real((double)t->question[k].right / (double)t->count));
    const lam_metrics m = cli_tally_errors(t, k, 1);
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "target", name, "mean", lami_json_real(t->errors[k].mean), "r2",
                     lami_json_real(m.r2), "rmse", lami_json_real(m.rmse), "mae", lami_json_real(m.mae));
}

/* ---- results ----------------------------------------------------------------------------------------------------- */

static void print_line(const cli_tally *t)
{
    char number[CLI_TEXT_MAX];
    printf("%s %s samples: ", cli_count(number, t->count), lami_part_name(t->part));
    if (t->errors) {
        const lam_metrics m = cli_tally_errors(t, 0, t->net->classes);
        printf("R2 %.4f, rmse %.4g, mean absolute error %.4g, ", m.r2, m.rmse, m.mae);
    } else
        printf("accuracy %.2f%%, ", 100 * cli_tally_accuracy(t));
    printf("loss %.4g", t->loss / (double)t->count);
    if (t->tta)
        printf(" (tta %s)", t->tta);
    putchar('\n');
}

static lam_status print_text(const cli_tally *t, const cli_call *call)
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

static json_t *json_class(const cli_tally *t, size_t c)
{
    char text[CLI_CLASS_TEXT];
    return json_pack("{s:o, s:I, s:I, s:o}", "class", lami_json_text(cli_tally_name(text, t, c)), "count",
                     (json_int_t)t->class_count[c], "right", (json_int_t)t->right[c], "accuracy",
                     lami_json_real(cli_tally_class_accuracy(t, c)));
}

static lam_status print_json(const cli_tally *t)
{
    static const char *const names[] = { "train", "val", "test" };
    json_t *list = json_array();
    for (size_t c = 0; c < t->classes; c++)
        json_array_append_new(list, json_class(t, c));
    for (size_t k = 0; !t->classes && k < t->net->classes; k++)
        json_array_append_new(list, json_target(t, k));
    json_t *json =
        json_pack("{s:o, s:o, s:I, s:s, s:s*}", "accuracy", lami_json_real(t->errors ? NAN : cli_tally_accuracy(t)),
                  "loss", lami_json_real(t->loss / (double)t->count), "count", (json_int_t)t->count, "split",
                  names[t->part], "tta", t->tta);
    if (t->errors) {
        const lam_metrics m = cli_tally_errors(t, 0, t->net->classes);
        json_object_set_new(json, "r2", lami_json_real(m.r2));
        json_object_set_new(json, "rmse", lami_json_real(m.rmse));
        json_object_set_new(json, "mae", lami_json_real(m.mae));
    }
    json_object_set_new(json, t->classes ? "per_class" : "per_target", list);
    return cli_json_print(json);
}

/* Opened first, so that a page that cannot be written is no surprise at the end. */
static lam_status open_report(lami_writer *writer, const char *path)
{
    if (path && !strcmp(path, "-"))
        return lami_fail(LAM_EOPTION, "--report: name a file: standard output has the results");
    return path ? lami_writer_open(writer, path) : LAM_OK;
}

static lam_status write_report(lami_writer *writer, const cli_tally *t, const char *model)
{
    LAM_TRY(cli_report_page(writer->file, t, model));
    return lami_writer_commit(writer);
}

static int run(const cli_call *call)
{
    const struct opts *o = call->own;
    lami_writer report = { 0 };
    lam_net *net = NULL;
    lam_data *data = NULL;
    lam_session *session = NULL;
    cli_tally t = { 0 };
    lam_part part;
    lam_status status;
    LAM_TRY_DONE(open_report(&report, o->report));
    LAM_TRY_DONE(cli_open_model(&net, &data, call->arg[0], o->data, call, 0));
    LAM_TRY_DONE(cli_part(&part, data, o->split));
    const size_t all = lam_data_count(data, part), count = o->first && o->first < all ? o->first : all;
    LAM_TRY_DONE(lami_session_make(&session, net, call->options, LAMI_SESSION_MEASURE));
    LAM_TRY_DONE(cli_tally_make(&t, session, net, data, part, count, o->report != NULL));
    t.tta = strcmp(call->options->tta, "none") ? call->options->tta : NULL;
    LAM_TRY_DONE(call->json ? print_json(&t) : print_text(&t, call));
    if (report.file)
        status = write_report(&report, &t, call->arg[0]);
done:
    lami_writer_drop(&report);
    cli_tally_free(&t);
    lam_session_free(session);
    lam_data_free(data);
    lam_net_free(net);
    return cli_report(status);
}

const cli_cmd cmd_eval = {
    .name = "eval",
    .usage = "RUN|MODEL [--data DATA] [--split PART] [--report FILE] [options]",
    .help = "accuracy, loss, per-class table and confusion matrix on a data set",
    .about =
        "Evaluate a trained network: the best one of a run folder, or a model file.\n"
        "\n"
        "Prints accuracy and loss (without L2), a table of the classes, and, for at most 20 classes or with -v, the "
        "confusion matrix; -q prints the first line only. Where numbers are predicted, R2 and the errors stand in "
        "place "
        "of the accuracy, and the targets in place of the classes. For a run folder the data set, how it is read and "
        "its parts are the run's, unless the options say otherwise.\n"
        "\n"
        "--report writes the same as a page for a browser, with the samples that the network is most wrong about, "
        "images "
        "as pictures, and, for a run folder, how the training went. It is one file, and needs no network.",
    .examples = "  lamina eval runs/001\n  lamina eval model.safetensors --data fashion-mnist --split train --json\n"
                "  lamina eval runs/001 --report page.html\n",
    .rows = rows,
    .own_size = sizeof(struct opts),
    .groups = LAMI_FOR_ALL | LAMI_FOR_BATCH | LAMI_FOR_READ | LAMI_FOR_SPLIT | LAMI_FOR_SCORE,
    .also = "seed",
    .arg_name = "RUN|MODEL",
    .least_args = 1,
    .most_args = 1,
    .run = run,
};
