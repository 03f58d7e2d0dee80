/* lamina check: gradient check of a network, in double precision. */
#include <stddef.h>

#include "../core/mem.h"
#include "../net/notation.h"
#include "../train/gradcheck.h"
#include "cli.h"

struct opts {
    const char *input;
};
static const cli_row rows[] = {
    CLI_TEXT(struct opts, input, 0, "input", "SHAPE", "12", "shape of a sample, such as 784 or 3x8x8"),
    CLI_END,
};

static const char *verdict(const lam_check_row *row)
{
    if (!row->checked)
        return "not checked: kinks only";
    if (!(row->error < LAMI_CHECK_LIMIT))
        return "FAILED";
    return row->largest > 0 ? "ok" : "ok, gradient 0";
}

static lam_status print_table(const lam_check_row *row, size_t count)
{
    static const char *const heads[] = { "tensor", "elements", "checked", "kinks", "error", "cs231n", "eecs498", "" };
    cli_table *table;
    LAM_TRY(cli_table_new(&table, "lrrrrrrl"));
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        cli_table_cell(table, "%s", heads[i]);
    for (size_t i = 0; i < count; i++) {
        cli_table_cell(table, "%s", row[i].name);
        cli_table_cell(table, "%zu", row[i].count);
        cli_table_cell(table, "%zu", row[i].checked);
        cli_table_cell(table, "%zu", row[i].kinks);
        cli_table_cell(table, "%.1e", row[i].error);
        cli_table_cell(table, "%.1e", row[i].error_cs231n);
        cli_table_cell(table, "%.1e", row[i].error_eecs498);
        cli_table_cell(table, "%s", verdict(&row[i]));
    }
    const lam_status status = cli_table_print(table, stdout, 0);
    cli_table_free(table);
    return status ? status : cli_flush();
}

static lam_status print_json(const lam_check_row *row, size_t count, int passed)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list,
                              json_pack("{s:s, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:b}", "name", row[i].name,
                                        "elements", (json_int_t)row[i].count, "checked", (json_int_t)row[i].checked,
                                        "kinks", (json_int_t)row[i].kinks, "error", lami_json_real(row[i].error),
                                        "error_cs231n", lami_json_real(row[i].error_cs231n), "error_eecs498",
                                        lami_json_real(row[i].error_eecs498), "largest", lami_json_real(row[i].largest),
                                        "passed", row[i].error < LAMI_CHECK_LIMIT || !row[i].checked));
    return cli_json_print(json_pack("{s:b, s:o}", "passed", passed, "tensors", list));
}

static int run(const cli_call *call)
{
    const struct opts *o = call->own;
    lam_check_row *row = NULL;
    size_t count = 0;
    char *text = NULL;
    lam_shape input;
    lam_status status, result = LAM_OK;
    if ((status = lam_shape_parse(&input, o->input))) {
        lami_fail_at(status, "--input");
        goto done;
    }
    LAM_TRY_DONE(lami_notation_text(&text, call->arg[0]));
    result = lam_check(&row, &count, text, &input, call->options);
    if (result && (result != LAM_ECHECK || !row)) {
        status = result;
        goto done;
    }
    const int verdict_follows = cli_report(result); /* now: printing may set another message */
    status = call->json ? print_json(row, count, !result) : print_table(row, count);
    lam_check_free(row);
    lami_free(text);
    return status ? cli_report(status) : verdict_follows;
done:
    lami_free(text);
    return cli_report(status);
}

static const char *const defaults[] = { "batch", "5", "classes", "4", NULL };

const cli_cmd cmd_check = {
    .name = "check",
    .usage = "NET [--input SHAPE] [options]",
    .help = "gradient check of a network, in double precision",
    .about =
        "Compare every gradient of a network with a numeric one, on random input and labels.\n"
        "\n"
        "NET is the notation or a file that holds it. A tensor passes when its error, "
        "max|a-n| / max(max|a|, max|n|, g/1000), is below 1e-7: a the gradient, n the numeric one, g the largest "
        "gradient of the network. The measures of both courses stand beside it. Elements where the loss has a kink "
        "within the step are counted and left out. Exit status 5: a tensor failed.",
    .examples = "  lamina check \"{affine 10 - batchnorm - relu} x 2 - affine - softmax\"\n"
                "  lamina check net.txt --input 3x8x8 --batch 3\n",
    .rows = rows,
    .own_size = sizeof(struct opts),
    .groups = LAMI_FOR_ALL | LAMI_FOR_NET | LAMI_FOR_BATCH | LAMI_FOR_SEED,
    .without = "dtype precision",
    .defaults = defaults,
    .arg_name = "NET, a notation or a file that holds one",
    .least_args = 1,
    .most_args = 1,
    .run = run,
};
