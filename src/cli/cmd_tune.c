/* lamina tune: search for the best options, and keep the best model. */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "../core/mem.h"
#include "../train/metrics.h"
#include "../train/tune.h"
#include "cli.h"
#include "progress.h"
#include "results.h"
#include "runs.h"
#include "signals.h"

struct opts {
    const char *data, *resume, *net, *grid, *random, *budget;
    size_t trials, cv, jobs, top;
};
static const cli_row rows[] = {
    CLI_TEXT(struct opts, data, 'd', "data", "DATA", NULL,
             "data set: a path, KIND:PATH, or the name of an installed one (fashion-mnist, mnist)"),
    CLI_LIST(
        struct opts, grid, 0, "grid", "NAME=VALUES",
        "try all of these values: lr=1e-4..1e-2:log:8 (8 points of a range), batch=50,100; again for more; NAME is an "
        "option, or a word that NET has after a $"),
    CLI_LIST(
        struct opts, random, 0, "random", "NAME=VALUES",
        "draw values by chance: lr=1e-4..1e-2:log (any number of a range), a list; those of --grid are drawn, too"),
    CLI_SIZE(struct opts, trials, 0, "trials", "N", 0, 1, LAMI_MAX_TRIALS, "how many trials to draw with --random"),
    CLI_TEXT(struct opts, budget, 0, "budget", "T|N", NULL,
             "begin no trial that would end after this time (90s, 10m, 1h), or after N trials"),
    CLI_SIZE(struct opts, cv, 0, "cv", "K", 0, 2, 1000000,
             "judge by K folds of the training part by turns, in place of a validation part"),
    CLI_SIZE(struct opts, jobs, 0, "jobs", "J", 0, 1, 1023,
             "trials at once, each on one thread; 1: one after another on all threads; default: as many as CPUs"),
    CLI_SIZE(struct opts, top, 0, "top", "N", 20, 1, LAMI_MAX_TRIALS, "rows of the table of results"),
    CLI_TEXT(struct opts, resume, 0, "resume", "RUN", NULL,
             "continue a search, as if it had never stopped; --trials or --budget extend it"),
    CLI_TEXT(struct opts, net, 0, "net", "NET", NULL, "the network, in place of the argument (for --config files)"),
    CLI_END,
};

/* One search, from its options to its results. */
typedef struct tuning {
    const cli_call *call;
    const struct opts *own;
    const char *run; /* the folder; NULL: nothing is kept */
    char *run_made;  /* its name, where it was chosen and made here */
    lami_search search;
    lam_data *data;
    lami_tune *tune;
    int values; /* scores are R2, in contrast to accuracies */
    int terminal, drawn;
    const lami_trial **ranked; /* from best to worst */
    size_t count;
    const lami_trial *best;
    const lam_net *net; /* of the best one */
    lami_result result;
    lam_metrics test; /* count 0: not measured */
} tuning;

/* ---- setting up -------------------------------------------------------------------------------------------------- */

static lam_status copy_text(char **copy, const char *text)
{
    lami_free(*copy);
    *copy = text ? lami_strdup(text) : NULL;
    return text && !*copy ? LAM_ENOMEM : LAM_OK;
}

static lam_status describe_new(tuning *t)
{
    const struct opts *o = t->own;
    lami_search *s = &t->search;
    s->trials = o->trials;
    s->folds = o->cv;
    LAM_TRY(lami_notation_text(&s->notation, t->call->args ? t->call->arg[0] : o->net));
    LAM_TRY(copy_text(&s->data, o->data));
    LAM_TRY(copy_text(&s->grid, o->grid));
    LAM_TRY(copy_text(&s->random, o->random));
    LAM_TRY(copy_text(&s->budget, o->budget));
    return lami_options_copy(&s->options, t->call->options);
}

/* What was given again may not differ, but for what changes no result. */
static lam_status merge_options(lam_options *options, const lam_options *given)
{
    for (size_t i = 0; i < lami_option_count; i++) {
        const lami_option *o = &lami_option_table[i];
        const char *was, *is;
        if (!lami_option_given(given, o->offset))
            continue;
        LAM_TRY(lam_options_get(&was, options, o->name));
        LAM_TRY(lam_options_get(&is, given, o->name));
        if (o->groups & LAMI_FOR_ALL && o->groups & LAMI_ON_RESUME)
            LAM_TRY(lam_options_set(options, o->name, is));
        else if (strcmp(was, is))
            return lami_fail(LAM_EOPTION, "--%s: the search was started with %s, and cannot go on with %s", o->name,
                             *was ? was : "its default", *is ? is : "none");
    }
    return LAM_OK;
}

static lam_status describe_resumed(tuning *t)
{
    const struct opts *o = t->own;
    lami_search *s = &t->search;
    LAM_TRY(lami_search_read(s, o->resume));
    LAM_TRY(merge_options(s->options, t->call->given));
    if (o->data)
        LAM_TRY(copy_text(&s->data, o->data));
    if (o->trials)
        s->trials = o->trials;
    if (o->budget)
        LAM_TRY(copy_text(&s->budget, o->budget));
    return s->data ? LAM_OK
                   : lami_fail(LAM_EOPTION, "--data is needed: %s does not say which data set it was started with",
                               o->resume);
}

static lam_status check_usage(const tuning *t)
{
    const struct opts *o = t->own;
    const int net = t->call->args || o->net;
    if (o->resume && (net || o->grid || o->random || o->cv))
        return lami_fail(LAM_EOPTION, "--resume takes the search from the run: leave %s out",
                         net         ? "NET"
                         : o->grid   ? "--grid"
                         : o->random ? "--random"
                                     : "--cv");
    if (o->resume && t->call->given->out)
        return lami_fail(LAM_EOPTION, "--resume goes on in the search's own folder: leave --out out");
    if (!o->resume && !net)
        return lami_fail(LAM_EOPTION, "tune needs NET, or --resume RUN (see lamina tune --help)");
    if (!o->resume && !o->data)
        return lami_fail(LAM_EOPTION, "--data is needed: on which data set? (such as --data fashion-mnist)");
    return LAM_OK;
}

static lam_status choose_run(tuning *t)
{
    lam_options *options = t->search.options;
    if (t->own->resume)
        t->run = t->own->resume;
    else if (!options->no_save) {
        if (!options->out) {
            LAM_TRY(cli_run_make(&t->run_made));
            LAM_TRY(lam_options_set(options, "out", t->run_made));
        }
        t->run = options->out;
    }
    return LAM_OK;
}

static lam_status set_up(tuning *t)
{
    const lami_loss *loss;
    LAM_TRY(check_usage(t));
    LAM_TRY(t->own->resume ? describe_resumed(t) : describe_new(t));
    LAM_TRY(lami_search_loss(&loss, &t->search));
    const lami_open how = { .options = t->search.options, .reals = lami_loss_wants(loss) };
    LAM_TRY(lami_data_open(&t->data, t->search.data, &how));
    t->values = loss->values && lam_data_targets(t->data);
    LAM_TRY(choose_run(t));
    const lam_status status = lami_tune_new(&t->tune, &t->search, t->data, t->own->jobs, t->own->resume);
    if (status && t->run_made)
        cli_run_remove(t->run_made);
    return status;
}

/* ---- where the search stands ------------------------------------------------------------------------------------- */

enum { LINE_TEXT = 512, BAR_CELLS = 26, SHOWN_TEXT = 200 };

/* The line of a terminal: "trial 5/24  [====>    ]  best 52.80% (trial 3)  ETA 1:20" */
static void draw(tuning *t, const lami_tune_now *now)
{
    char line[LINE_TEXT], bar[CLI_PROGRESS_PART], left[CLI_PROGRESS_PART], score[CLI_TEXT_MAX];
    size_t at = 0;
    if (now->last)
        at += (size_t)snprintf(line, sizeof line, "training with the best options");
    else if (now->total) {
        cli_progress_bar(bar, BAR_CELLS, ((double)now->done + now->begun) / (double)now->total);
        at += (size_t)snprintf(line, sizeof line, "trials %zu/%zu  %s", now->done, now->total, bar);
    } else
        at += (size_t)snprintf(line, sizeof line, "trials %zu", now->done);
    if (now->best)
        at += (size_t)snprintf(line + at, sizeof line - at, "  best %s (trial %zu)",
                               cli_score(score, t->values, now->best->score), now->best->index);
    if (now->failed)
        at += (size_t)snprintf(line + at, sizeof line - at, "  %zu failed", now->failed);
    if (*cli_progress_left(left, now->left))
        snprintf(line + at, sizeof line - at, "  %s", left);
    fprintf(stderr, "\r%.*s\033[K", cli_width(stderr) - 1, line);
    fflush(stderr);
    t->drawn = 1;
}

/* A line per trial where there is no terminal. */
static void plain_line(const tuning *t, const lami_tune_now *now)
{
    const lami_trial *f = now->finished;
    char values[SHOWN_TEXT], score[CLI_TEXT_MAX], train[CLI_TEXT_MAX], time[CLI_TEXT_MAX];
    lami_space_text(values, sizeof values, lami_tune_space(t->tune), f->index);
    if (f->error)
        fprintf(stderr, "trial %zu  %s  failed: %.200s\n", f->index, values, f->error);
    else
        fprintf(stderr, "trial %zu  %s  val %s  train %s  loss %.4g  %s\n", f->index, values,
                cli_score(score, t->values, f->score), cli_score(train, t->values, f->train_score), f->loss,
                cli_seconds(time, f->seconds));
    fflush(stderr);
}

static int on_progress(const lami_tune_now *now, void *arg)
{
    tuning *t = arg;
    if (!t->call->quiet && t->terminal)
        draw(t, now);
    else if (!t->call->quiet && now->finished)
        plain_line(t, now);
    return cli_signal() != 0;
}

static void end_line(tuning *t)
{
    if (t->drawn)
        fputc('\n', stderr);
    if (!t->call->quiet)
        fputc('\n', stderr);
}

/* ---- the start --------------------------------------------------------------------------------------------------- */

/* Options that were given. */
static void print_given(const tuning *t)
{
    static const char *const told_apart[] = { "out", "no-save", "threads", "isa", "device" };
    const char *before = "options   ";
    for (size_t i = 0; i < lami_option_count; i++) {
        const lami_option *o = &lami_option_table[i];
        const char *value;
        int apart = !lami_option_given(t->search.options, o->offset);
        for (size_t k = 0; k < sizeof told_apart / sizeof *told_apart; k++)
            apart |= !strcmp(told_apart[k], o->name);
        if (apart || lam_options_get(&value, t->search.options, o->name))
            continue;
        fprintf(stderr, "%s%s %s", before, o->name, value);
        before = ", ";
    }
    if (*before == ',')
        fputc('\n', stderr);
}

static void print_start(const tuning *t)
{
    const lami_search *s = &t->search;
    char number[CLI_TEXT_MAX];
    const size_t total = lami_tune_total(t->tune), done = lami_tune_trials(t->tune)->count,
                 jobs = lami_tune_jobs(t->tune);
    fprintf(stderr, "network   %s\n", lami_tune_space(t->tune)->notation);
    cli_print_data(stderr, t->data);
    if (s->grid)
        fprintf(stderr, "grid      %s\n", s->grid);
    if (s->random)
        fprintf(stderr, "random    %s\n", s->random);
    fprintf(stderr, "trials    %s", total ? cli_count(number, total) : "as many as fit");
    if (s->budget)
        fprintf(stderr, ", budget %s", s->budget);
    if (s->folds)
        fprintf(stderr, ", %zu folds each", s->folds);
    if (jobs > 1)
        fprintf(stderr, ", %zu at once", jobs);
    if (done)
        fprintf(stderr, "; %s done before", cli_count(number, done));
    fprintf(stderr, "\nrun       %s%s\n", t->run ? t->run : "kept nowhere (--no-save)",
            t->own->resume ? " (resumed)" : "");
    print_given(t);
    fputc('\n', stderr);
}

/* ---- the end ----------------------------------------------------------------------------------------------------- */

static void table_head(const tuning *t, cli_table *table)
{
    const lami_space *space = lami_tune_space(t->tune);
    cli_table_cell(table, "rank");
    cli_table_cell(table, "trial");
    cli_table_cell(table, t->search.folds ? "folds" : "val");
    if (t->search.folds)
        cli_table_cell(table, "+-");
    cli_table_cell(table, "train");
    cli_table_cell(table, "loss");
    for (size_t d = 0; d < space->dims; d++)
        cli_table_cell(table, "%s", space->dim[d].name);
    cli_table_cell(table, "seconds");
    cli_table_cell(table, "%s", "");
}

static void table_row(const tuning *t, cli_table *table, size_t rank)
{
    const lami_trial *trial = t->ranked[rank];
    const lami_space *space = lami_tune_space(t->tune);
    char text[CLI_TEXT_MAX], value[LAMI_REAL_TEXT];
    if (trial->error)
        cli_table_cell(table, "-");
    else
        cli_table_cell(table, "%zu", rank + 1);
    cli_table_cell(table, "%zu", trial->index);
    cli_table_cell(table, "%s", cli_score(text, t->values, trial->score));
    if (t->search.folds)
        cli_table_cell(table, "%s", cli_score(text, t->values, trial->deviation));
    cli_table_cell(table, "%s", cli_score(text, t->values, trial->train_score));
    if (isfinite(trial->loss))
        cli_table_cell(table, "%.4g", trial->loss);
    else
        cli_table_cell(table, "-");
    for (size_t d = 0; d < space->dims; d++)
        cli_table_cell(table, "%.60s", lami_space_value(value, space, trial->index, d));
    cli_table_cell(table, "%.1f", trial->seconds);
    cli_table_cell(table, "%.100s", trial->error ? trial->error : "");
}

static lam_status print_table(const tuning *t)
{
    char align[LAMI_MAX_DIMENSIONS + 16];
    const size_t columns = 6 + (t->search.folds > 0) + lami_tune_space(t->tune)->dims;
    memset(align, 'r', columns);
    memcpy(align + columns, "l", 2);
    cli_table *table;
    LAM_TRY(cli_table_new(&table, align));
    const size_t shown = t->count < t->own->top ? t->count : t->own->top;
    table_head(t, table);
    for (size_t i = 0; i < shown; i++)
        table_row(t, table, i);
    const lam_status status = cli_table_print(table, stdout, 0);
    cli_table_free(table);
    if (shown < t->count)
        printf("... and %zu more (--top)\n", t->count - shown);
    putchar('\n');
    return status;
}

static lam_status print_text(const tuning *t)
{
    char values[LINE_TEXT], rest[128], number[CLI_TEXT_MAX], text[CLI_TEXT_MAX];
    const lami_trials *trials = lami_tune_trials(t->tune);
    LAM_TRY(print_table(t));
    lami_space_text(values, sizeof values, lami_tune_space(t->tune), t->best->index);
    printf("best                 trial %zu: %s\n", t->best->index, values);
    cli_print_test(t->values, &t->test);
    if (t->search.folds) {
        snprintf(rest, sizeof rest, "  (mean of %zu folds, +- %s)", t->search.folds,
                 cli_score(text, t->values, t->best->deviation));
        cli_print_measure("folds'", t->values, t->best->score, rest);
    }
    if (lam_data_count(t->data, LAM_VAL))
        cli_print_measure("validation", t->values, t->result.best_accuracy, "  (best)");
    cli_print_measure("training", t->values, t->result.train_accuracy, "");
    printf("searched             %s trial%s, ", cli_count(number, trials->count), trials->count == 1 ? "" : "s");
    if (trials->failed)
        printf("%s failed, ", cli_count(number, trials->failed));
    printf("%s\n", cli_seconds(number, lami_tune_seconds(t->tune)));
    if (t->run) {
        cli_print_model(t->run);
        printf("use it               lamina eval %s; lamina predict %s FILE\n", t->run, t->run);
    }
    return cli_flush();
}

static json_t *json_trials(const tuning *t)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < t->count; i++) {
        const lami_trial *r = t->ranked[i];
        json_t *one =
            json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:o}", "trial", (json_int_t)r->index, "values",
                      lami_trial_values(lami_tune_space(t->tune), r->index), "score", lami_json_real(r->score),
                      "deviation", lami_json_real(r->deviation), "train_score", lami_json_real(r->train_score), "loss",
                      lami_json_real(r->loss), "epochs", (json_int_t)r->epochs, "steps", (json_int_t)r->steps,
                      "seconds", lami_json_real(r->seconds));
        if (one && r->error)
            json_object_set_new(one, "error", lami_json_text(r->error));
        else if (one)
            json_object_set_new(one, "best_sha256", json_string(r->best_sha256));
        json_array_append_new(list, one);
    }
    return list;
}

/* What lamina train prints, of the best trial. */
static lam_status print_json(const tuning *t)
{
    const int done = t->best && t->net;
    json_t *json = cli_json_outcome(
        &(cli_outcome) { .result = &t->result,
                         .net = done ? t->net : NULL,
                         .val = done && lam_data_count(t->data, LAM_VAL) ? t->result.best_accuracy : NAN,
                         .test = t->test,
                         .values = t->values,
                         .run = t->run });
    if (json && t->best) {
        json_object_set_new(json, "trial", json_integer((json_int_t)t->best->index));
        json_object_set_new(json, "values", lami_trial_values(lami_tune_space(t->tune), t->best->index));
        json_object_set_new(json, "score", lami_json_real(t->best->score));
        json_object_set_new(json, "deviation", lami_json_real(t->best->deviation));
    }
    if (json) {
        json_object_set_new(json, "search_seconds", lami_json_real(lami_tune_seconds(t->tune)));
        json_object_set_new(json, "trials", json_trials(t));
    }
    return cli_json_print(json);
}

static void say_how_to_resume(const tuning *t)
{
    char done[CLI_TEXT_MAX], total[CLI_TEXT_MAX];
    fprintf(stderr, "lamina: interrupted after %s", cli_count(done, lami_tune_trials(t->tune)->count));
    if (lami_tune_total(t->tune))
        fprintf(stderr, " of %s", cli_count(total, lami_tune_total(t->tune)));
    if (t->run)
        fprintf(stderr, " trials; continue with: lamina tune --resume %s\n", t->run);
    else
        fprintf(stderr, " trials; nothing was kept (--no-save)\n");
}

/* The search, and the best network of it. */
static lam_status search(tuning *t)
{
    t->terminal = cli_progress_fits(stderr);
    cli_signals_catch();
    lam_status status = lami_tune_run(t->tune, on_progress, t);
    if (!status && !lami_tune_stopped(t->tune))
        status = lami_tune_finish(&t->best, &t->net, &t->result, t->tune, on_progress, t);
    cli_signals_release();
    end_line(t);
    t->count = lami_tune_trials(t->tune)->count;
    t->best = lami_trials_best(lami_tune_trials(t->tune));
    const lam_status ranking = lami_trials_ranked(&t->ranked, lami_tune_trials(t->tune));
    return status ? status : ranking;
}

static lam_status measure(tuning *t)
{
    lam_options *options = NULL;
    char *notation = NULL;
    if (!lam_data_count(t->data, LAM_TEST))
        return LAM_OK;
    lam_status status = lami_tune_trial(&options, &notation, t->tune, t->best->index);
    if (!status)
        status = lam_eval(&t->test, t->net, t->data, LAM_TEST, options);
    lam_options_free(options);
    lami_free(notation);
    return status;
}

static int run(const cli_call *call)
{
    tuning t = { .call = call, .own = call->own };
    int interrupted = 0;
    lam_status status;
    cli_signals_release(); /* a shell starts background programs with Ctrl-C ignored */
    LAM_TRY_DONE(set_up(&t));
    if (!call->quiet)
        print_start(&t);
    status = search(&t);
    if (status) {
        if (!t.best && t.ranked && t.count && !call->json)
            print_table(&t); /* why all have failed */
        goto done;
    }
    interrupted = lami_tune_stopped(t.tune) ? cli_signal() : 0;
    if (interrupted)
        say_how_to_resume(&t);
    else
        LAM_TRY_DONE(measure(&t));
    if (call->json)
        status = print_json(&t);
    else if (!interrupted)
        status = print_text(&t);
done:
    lami_free(t.ranked);
    lami_tune_free(t.tune);
    lami_search_free(&t.search);
    lam_data_free(t.data);
    lami_free(t.run_made);
    return status ? cli_report(status) : interrupted ? 128 + interrupted : CLI_DONE;
}

const cli_cmd cmd_tune = {
    .name = "tune",
    .usage = "NET --data DATA --grid NAME=VALUES ... [options]\n"
             "NET --data DATA --random NAME=VALUES ... --trials N [options]\n--resume RUN [options]",
    .help = "search for the best options, and keep the best model",
    .about =
        "Each trial trains a new network with its own values, and is judged by the validation part (--val), or by "
        "folds of the training part (--cv). The test part is used once, for the best trial. A trial depends on the "
        "seed and its number alone: the same search gives the same results with any --jobs.\n"
        "\n"
        "VALUES is a list (a,b,c or a|b|c), or a range of numbers FROM..TO with :log or :linear and the number of "
        "points. NET may have words such as $width that are searched: put it in single quotes then.\n"
        "\n"
        "The run folder holds config, trials.jsonl and best.safetensors. Ctrl-C ends the search and says how to go "
        "on.\n"
        "\n"
        "Exit status: 0 done, 1 cannot write or out of memory, 2 wrong option or notation, 3 bad input file, "
        "4 all trials diverged, 130 or 143 interrupted.",
    .examples =
        "  lamina tune \"affine 100 - relu - affine - softmax\" --data fashion-mnist --val 5000 --grid "
        "lr=1e-4..1e-2:log:5\n"
        "  lamina tune '{affine $width - relu} x 2 - affine - softmax' --data cifar10:DIR --val last:1000 \\\n"
        "      --grid width=50,100,200 --random lr=1e-4..1e-2:log --random l2=1e-6..1e-3:log --budget 10m\n"
        "  lamina tune \"affine 50 - relu - affine - softmax\" --data wine.csv --cv 5 --grid lr=1e-3,1e-2 --epochs 50\n"
        "  lamina tune --resume runs/001\n",
    .rows = rows,
    .own_size = sizeof(struct opts),
    .groups = LAMI_FOR_ALL | LAMI_FOR_NET | LAMI_FOR_DATA | LAMI_FOR_READ | LAMI_FOR_SPLIT | LAMI_FOR_TRAIN |
              LAMI_FOR_KEEP | LAMI_FOR_BATCH | LAMI_FOR_SEED | LAMI_FOR_SCORE,
    .without = "save-every log",
    .arg_name = "NET",
    .most_args = 1,
    .run = run,
};
