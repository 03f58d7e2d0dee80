/* lamina data: what a data set holds, and what is wrong with it. */
#include <stddef.h>

#include "cli.h"
#include "survey.h"

struct opts {
    int strict;
};
static const cli_row rows[] = {
    CLI_FLAG(struct opts, strict, 0, "strict",
             "exit status 5 when there are bad rows or files, values that are not finite, or samples in two parts"),
    CLI_END,
};

/* Is something wrong that --strict asks for? */
static lam_status judge(const cli_survey *s)
{
    size_t leaked = 0;
    for (int a = LAM_TRAIN; a < CLI_PARTS; a++)
        for (int b = a + 1; b < CLI_PARTS; b++)
            leaked += s->twins.across[a][b];
    const size_t bad_files = s->data->bad_files.count;
    if (!s->bad.count && !bad_files && !s->not_finite && !leaked)
        return LAM_OK;
    return lami_fail(LAM_ECHECK, "%s: bad %s: %zu, numbers that are not finite: %zu, samples in two parts: %zu",
                     s->path, bad_files ? "files" : "rows", bad_files ? bad_files : s->bad.count, s->not_finite,
                     leaked);
}

static int run(const cli_call *call)
{
    const struct opts *o = call->own;
    cli_survey survey;
    lam_status status = cli_survey_make(&survey, call->arg[0], call->options);
    if (!status)
        status = call->json ? cli_survey_print_json(&survey) : cli_survey_print(&survey, call->quiet, call->verbose);
    if (!status && o->strict)
        status = judge(&survey);
    cli_survey_free(&survey);
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
