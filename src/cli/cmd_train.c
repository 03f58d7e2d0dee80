/* lamina train: train a network and keep the best weights, or continue a run. */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "../core/mem.h"
#include "../core/parallel.h"
#include "../train/metrics.h"
#include "../train/solver.h"
#include "cli.h"
#include "progress.h"
#include "results.h"
#include "runs.h"
#include "signals.h"

struct opts {
    const char *data, *resume, *net;
};
static const cli_row rows[] = {
    CLI_TEXT(struct opts, data, 'd', "data", "DATA", NULL,
             "data set: a path, KIND:PATH, or the name of an installed one (fashion-mnist, mnist)"),
    CLI_TEXT(struct opts, resume, 0, "resume", "RUN", NULL,
             "continue a run, as if it had never stopped; --epochs or --steps extend it"),
    CLI_TEXT(struct opts, net, 0, "net", "NET", NULL, "the network, in place of the argument (for --config files)"),
    CLI_END,
};

/* One training, from its options to its results. */
typedef struct training {
    const cli_call *call;
    const char *run;      /* the folder; NULL: nothing is kept */
    char *run_made;       /* its name, where it was chosen and made here */
    lam_options *options; /* of this run, complete, lr too */
    lam_data *data;
    lam_net *net;
    lami_solver *solver;
    cli_progress *progress;
    lami_result result;
    lam_metrics val, test; /* of the network that is kept; count 0: not measured */
    double limit;          /* seconds of --time; 0: none */
    size_t steps_here;     /* done by this process */
} training;

/* ---- setting up -------------------------------------------------------------------------------------------------- */

/* Mistakes in the notation are told before the data set is read; its loss says what the data must have. */
static lam_status read_notation(char **text, const lami_loss **loss, const char *argument)
{
    lami_item *tree;
    LAM_TRY(lami_notation_text(text, argument));
    LAM_TRY(lami_notation_parse(&tree, *text));
    *loss = lami_notation_loss(tree);
    lami_notation_free(tree);
    return LAM_OK;
}

static lam_status set_up_new(training *t)
{
    const struct opts *o = t->call->own;
    const lami_loss *loss;
    char *text = NULL;
    lam_status status;
    LAM_TRY_DONE(lami_options_copy(&t->options, t->call->options));
    LAM_TRY_DONE(read_notation(&text, &loss, t->call->args ? t->call->arg[0] : o->net));
    LAM_TRY_DONE(
        lami_data_open(&t->data, o->data, &(lami_open) { .options = t->options, .reals = lami_loss_wants(loss) }));
    LAM_TRY_DONE(lami_net_make_for(&t->net, text, t->data, t->options));
    if (!t->options->no_save) {
        if (!t->options->out) {
            LAM_TRY_DONE(cli_run_make(&t->run_made));
            LAM_TRY_DONE(lam_options_set(t->options, "out", t->run_made));
        }
        t->run = t->run_made ? t->run_made : t->call->options->out;
    }
    LAM_TRY_DONE(lami_solver_new(&t->solver, t->net, t->data, t->options));
    lam_options_free(t->options);
    t->options = NULL;
    status = lami_options_copy(&t->options, lami_solver_options(t->solver));
done:
    if (status && t->run_made)
        cli_run_remove(t->run_made);
    lami_free(text);
    return status;
}

/* The data of a run, read as its checkpoint says. What is wrong with that one is told by lami_solver_resume. */
static lam_status open_again(training *t, const char *path)
{
    const struct opts *o = t->call->own;
    lam_net *net = NULL;
    char *checkpoint = lami_path_join(o->resume, "last.ckpt");
    if (!checkpoint)
        return LAM_ENOMEM;
    lami_open how = { .options = t->options, .reals = -1 };
    if (!lam_net_load(&net, checkpoint)) {
        how.schema = net->schema;
        how.reals = lami_loss_wants(net->loss);
    }
    const lam_status status = lami_data_open(&t->data, path, &how);
    lam_net_free(net);
    lami_free(checkpoint);
    return status;
}

static lam_status set_up_resumed(training *t)
{
    const struct opts *o = t->call->own;
    char *path = NULL;
    lam_status status;
    t->run = o->resume;
    LAM_TRY_DONE(lami_run_config(&t->options, &path, o->resume));
    if (!o->data && !path) {
        status =
            lami_fail(LAM_EOPTION, "--data is needed: %s does not say which data set it was started with", o->resume);
        goto done;
    }
    LAM_TRY_DONE(open_again(t, o->data ? o->data : path));
    LAM_TRY_DONE(lami_solver_resume(&t->solver, &t->net, o->resume, t->data, t->call->given));
    lam_options_free(t->options);
    t->options = NULL;
    lami_free(path);
    path = NULL;
    status = lami_run_config(&t->options, &path, o->resume); /* as resumed: with what was given now */
done:
    lami_free(path);
    return status;
}

static lam_status set_up(training *t)
{
    const struct opts *o = t->call->own;
    const int net = t->call->args || o->net;
    if (o->resume && net)
        return lami_fail(LAM_EOPTION, "--resume takes the network from the run: leave NET out");
    if (o->resume && t->call->given->out)
        return lami_fail(LAM_EOPTION, "--resume goes on in the run's own folder: leave --out out");
    if (!o->resume && !net)
        return lami_fail(LAM_EOPTION, "train needs NET, or --resume RUN (see lamina train --help)");
    if (!o->resume && !o->data)
        return lami_fail(LAM_EOPTION, "--data is needed: on which data set? (such as --data fashion-mnist)");
    LAM_TRY(o->resume ? set_up_resumed(t) : set_up_new(t));
    return t->options->time ? lami_parse_seconds(&t->limit, "time", t->options->time) : LAM_OK;
}

/* ---- the configuration, as a table ------------------------------------------------------------------------------- */

/* Options that matter only where another one has one of these values. */
static const struct {
    const char *name, *other, *values;
} conditions[] = {
    { "momentum", "optim", "momentum nesterov" },
    { "decay", "optim", "rmsprop" },
    { "beta1", "optim", "adam adamw muon" },
    { "beta2", "optim", "adam adamw muon" },
    { "eps", "optim", "rmsprop adam adamw muon" },
    { "lr-final", "schedule", "linear cosine one-cycle" },
    { "init-scale", "init", "normal" },
};

/* As it is used: what was left to a rule or to the data is said. */
static const char *option_value(const training *t, const char *name)
{
    const char *value = "";
    if (lam_options_get(&value, t->options, name))
        return "";
    if (!*value && !strcmp(name, "preprocess") && t->net->prep.text)
        return t->net->prep.text;
    return value;
}

static int matters(const training *t, const lami_option *o)
{
    static const char *const told_apart[] = { "out", "no-save", "threads", "isa", "device", "classes" };
    const char *value = option_value(t, o->name);
    for (size_t i = 0; i < sizeof told_apart / sizeof *told_apart; i++)
        if (!strcmp(o->name, told_apart[i]))
            return 0;
    for (size_t i = 0; i < sizeof conditions / sizeof *conditions; i++)
        if (!strcmp(o->name, conditions[i].name) &&
            !strstr(conditions[i].values, option_value(t, conditions[i].other)) &&
            !lami_option_given(t->options, o->offset)) /* --set may have given the other one to some parameters */
            return 0;
    if (!strcmp(o->name, "lr") || !strcmp(o->name, "preprocess"))
        return 1;
    if (!strcmp(o->name, "resize") || !strcmp(o->name, "color") || !strcmp(o->name, "skip-bad"))
        return *value && strcmp(value, "auto") && strcmp(value, "0");
    if (o->groups & LAMI_FOR_READ && (!t->data->schema || !strcmp(value, "auto")))
        return 0;
    if (!strcmp(o->name, "epochs") && t->options->steps != LAMI_NO_SIZE)
        return 0;
    static const char *const plain[][2] = { { "accumulate", "1" },   { "clip", "0" }, { "label-smoothing", "0" },
                                            { "weight-decay", "0" }, { "ema", "0" },  { "tta", "none" } };
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (!strcmp(o->name, plain[i][0]) && !strcmp(value, plain[i][1]))
            return 0;
    const int unused_zero = !strcmp(value, "0") && o->kind != LAMI_REAL && strcmp(o->name, "seed");
    return *value && !unused_zero;
}

/* name and value pairs in as many columns as fit */
static lam_status print_options(const training *t)
{
    enum { PAIR_WIDTH = 25, PAIRS_MOST = 4 };
    static const char align[] = "llllllll";
    size_t shown[LAMI_OPTIONS_MAX], count = 0;
    size_t pairs = (size_t)cli_width(stderr) / PAIR_WIDTH;
    pairs = pairs < 1 ? 1 : pairs > PAIRS_MOST ? PAIRS_MOST : pairs;
    for (size_t i = 0; i < lami_option_count; i++)
        if (matters(t, &lami_option_table[i]))
            shown[count++] = i;
    const size_t lines = (count + pairs - 1) / pairs;
    cli_table *table;
    LAM_TRY(cli_table_new(&table, align + sizeof align - 1 - 2 * pairs));
    for (size_t line = 0; line < lines; line++) {
        for (size_t p = 0; p < pairs; p++) {
            const size_t at = p * lines + line;
            const lami_option *o = at < count ? &lami_option_table[shown[at]] : NULL;
            cli_table_cell(table, "%s", o ? o->name : "");
            cli_table_cell(table, "%s", o ? option_value(t, o->name) : "");
        }
    }
    const lam_status status = cli_table_print(table, stderr, 2);
    cli_table_free(table);
    return status;
}

static lam_status print_start(const training *t)
{
    char number[CLI_TEXT_MAX];
    const lami_ops *ops;
    LAM_TRY(lami_ops_find(&ops, t->options->isa, t->net->dtype == LAM_F64 ? 64 : 32));
    const size_t threads = t->options->threads ? t->options->threads : (size_t)lami_cpus();
    fprintf(stderr, "network   %s\n", lam_net_notation(t->net));
    fprintf(stderr, "          %s parameters\n", cli_count(number, lami_net_trained_count(t->net)));
    cli_print_data(stderr, t->data);
    const struct opts *o = t->call->own;
    fprintf(stderr, "run       %s%s\n", t->run ? t->run : "kept nowhere (--no-save)", o->resume ? " (resumed)" : "");
    fprintf(stderr, "machine   %s, %zu thread%s\n", ops->set, threads, threads == 1 ? "" : "s");
    fprintf(stderr, "options\n");
    LAM_TRY(print_options(t));
    fputc('\n', stderr);
    return LAM_OK;
}

/* ---- the end ----------------------------------------------------------------------------------------------------- */

/* Of the best weights; the last measure where no best is known. */
static double best_validation(const training *t)
{
    if (t->val.count)
        return lami_score(&t->val);
    return lam_data_count(t->data, LAM_VAL) ? t->result.best_accuracy : NAN;
}

static lam_status print_text(const training *t)
{
    const lami_result *r = &t->result;
    const int values = lami_predicts_values(t->net, t->data);
    char steps[CLI_TEXT_MAX], time[CLI_TEXT_MAX], rate[CLI_TEXT_MAX];
    cli_print_test(values, &t->test);
    cli_print_measure("validation", values, best_validation(t), "  (best)");
    cli_print_measure("training", values, r->train_accuracy, "");
    printf("trained              %zu epoch%s, %s step%s, %s, %s samples/s\n", r->epochs, r->epochs == 1 ? "" : "s",
           cli_count(steps, r->steps), r->steps == 1 ? "" : "s", cli_seconds(time, r->seconds),
           cli_thousands(rate, r->samples_per_second));
    if (t->run)
        cli_print_model(t->run);
    const struct opts *o = t->call->own;
    if (o->resume && !t->steps_here && !t->call->quiet)
        fprintf(stderr, "lamina: the run was done already; %s\n",
                t->options->time && r->seconds >= t->limit ? "its --time is used up, a longer one extends it"
                                                           : "--epochs or --steps extend it");
    return cli_flush();
}

static lam_status print_json(const training *t)
{
    return cli_json_print(cli_json_outcome(&(cli_outcome) { .result = &t->result,
                                                            .net = t->net,
                                                            .val = best_validation(t),
                                                            .test = t->test,
                                                            .values = lami_predicts_values(t->net, t->data),
                                                            .tta = t->options->tta,
                                                            .run = t->run }));
}

static void say_how_to_resume(const training *t)
{
    char steps[CLI_TEXT_MAX];
    fprintf(stderr, "lamina: interrupted after step %s; ", cli_count(steps, t->result.steps));
    if (t->run)
        fprintf(stderr, "continue with: lamina train --resume %s\n", t->run);
    else
        fprintf(stderr, "nothing was kept (--no-save)\n");
}

static int on_step(const lam_progress *now, void *arg)
{
    training *t = arg;
    t->steps_here++;
    cli_progress_show(t->progress, now);
    return cli_signal() != 0;
}

static lam_status train(training *t)
{
    if (!t->call->quiet)
        t->progress = cli_progress_start(stderr, t->limit);
    cli_signals_catch();
    const lam_status status = lami_solver_run(&t->result, t->solver, on_step, t);
    cli_signals_release();
    cli_progress_stop(&t->progress);
    return status;
}

/* The validation is measured anew where another network, or with other looks at a sample, came out than was the best. */
static lam_status evaluate(training *t)
{
    const int anew = t->options->bn_recompute || strcmp(t->options->tta, "none") != 0;
    if (lam_data_count(t->data, LAM_VAL) && anew)
        LAM_TRY(lam_eval(&t->val, t->net, t->data, LAM_VAL, t->options));
    if (lam_data_count(t->data, LAM_TEST))
        return lam_eval(&t->test, t->net, t->data, LAM_TEST, t->options);
    return LAM_OK;
}

static int run(const cli_call *call)
{
    training t = { .call = call };
    int interrupted = 0;
    lam_status status;
    cli_signals_release(); /* a shell starts background programs with Ctrl-C ignored */
    LAM_TRY_DONE(set_up(&t));
    if (!call->quiet)
        LAM_TRY_DONE(print_start(&t));
    LAM_TRY_DONE(train(&t));
    interrupted = cli_signal();
    if (interrupted)
        say_how_to_resume(&t);
    else
        LAM_TRY_DONE(evaluate(&t));
    if (call->json)
        status = print_json(&t);
    else if (!interrupted)
        status = print_text(&t);
done:
    lami_solver_free(t.solver);
    lam_net_free(t.net);
    lam_data_free(t.data);
    lam_options_free(t.options);
    lami_free(t.run_made);
    return status ? cli_report(status) : interrupted ? 128 + interrupted : CLI_DONE;
}

const cli_cmd cmd_train = {
    .name = "train",
    .usage = "NET --data DATA [-o RUN] [options]\n--resume RUN [options]",
    .help = "train a network and keep the best weights",
    .about = "NET is the notation, such as \"affine 100 - relu - affine 10 - softmax\", or a file that holds it. Input "
             "shape and "
             "number of classes come from the data.\n"
             "\n"
             "Afterwards the network with the best validation accuracy (without --val: the last one) is evaluated on "
             "the test "
             "part, if there is one. The run folder holds config, log.jsonl, last.ckpt and best.safetensors. Ctrl-C "
             "finishes "
             "the step, saves, and says how to resume; a second one leaves at once.\n"
             "\n"
             "Exit status: 0 done, 1 cannot write or out of memory, 2 wrong option or notation, 3 bad input file, "
             "4 diverged, 130 or 143 interrupted.",
    .examples = "  lamina train \"{affine 100 - batchnorm - relu} x 4 - affine 10 - softmax\" --data fashion-mnist\n"
                "  lamina train net.txt --data cifar10:DIR --val 5000 --epochs 20 --lr 2e-3 --lr-decay 0.9 -o runs/a\n"
                "  lamina train --resume runs/a --epochs 30\n"
                "  lamina train --config runs/a/config --seed 1\n",
    .rows = rows,
    .own_size = sizeof(struct opts),
    .groups = LAMI_FOR_ALL | LAMI_FOR_NET | LAMI_FOR_DATA | LAMI_FOR_READ | LAMI_FOR_SPLIT | LAMI_FOR_TRAIN |
              LAMI_FOR_KEEP | LAMI_FOR_BATCH | LAMI_FOR_SEED | LAMI_FOR_SCORE,
    .arg_name = "NET",
    .most_args = 1,
    .run = run,
};
