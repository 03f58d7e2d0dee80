/* lamina bench: time of a training step, of the forward pass, and of each group of the plan, against this machine's
 * peak. */
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include "../core/mem.h"
#include "../core/random.h"
#include "../net/session.h"
#include "../plan/limits.h"
#include "cli.h"
#include "inputs.h"

enum {
    WARM_UP = 3,     /* steps before anything counts */
    LEAST_STEPS = 5, /* however long they take */
    MOST_STEPS = 1000000,
    PROFILES_MOST = 1000
};
static const double shown_share = 0.005;                      /* of the sum: smaller groups are summed up, unless -v */
static const double forward_share = 0.3, profile_share = 0.3; /* of the time that steps take */

struct opts {
    const char *input, *time;
    size_t steps;
};
static const cli_row rows[] = {
    CLI_TEXT(struct opts, input, 0, "input", "SHAPE", "784", "shape of a sample, such as 784 or 3x32x32"),
    CLI_SIZE(struct opts, steps, 0, "steps", "N", 0, 0, 1000000, "time N steps; 0: as many as --time allows"),
    CLI_TEXT(struct opts, time, 0, "time", "T", "2s", "time of steps, such as 2s or 1m"),
    CLI_END,
};

typedef struct timing {
    double median, best; /* seconds */
    size_t count;
} timing;

typedef struct bench {
    const struct opts *opts;
    lam_net *net;
    lam_session *train, *predict;
    size_t batch;
    float *samples; /* uniform in (0, 1) */
    const void **x;
    int32_t *label;
    double *target; /* uniform in (0, 1), for losses that compare scores with numbers */
    const double **target_row;
    lami_batch rows;
    double *seconds; /* of steps, room for MOST_STEPS in steps of lami_grow */
    size_t capacity;
    double *group_seconds;
    timing step, load, forward;
    double flops, peak; /* of a step; per second */
} bench;

typedef lam_status bench_fn(bench *b);

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- setting up -------------------------------------------------------------------------------------------------- */

/* Labels by turns, or random targets: what the loss takes. */
static lam_status make_answers(bench *b, uint64_t seed)
{
    size_t count;
    const size_t each = b->net->classes;
    const lami_rng rng = lami_rng_make(seed, LAMI_RNG_TEST, 0, 1);
    LAM_TRY(lami_mul(&count, b->batch, b->net->loss->reals ? each : 0));
    b->label = lami_alloc(b->batch, sizeof *b->label);
    b->target = lami_alloc(count, sizeof *b->target);
    b->target_row = lami_alloc(b->batch, sizeof *b->target_row);
    if (!b->label || !b->target || !b->target_row)
        return LAM_ENOMEM;
    for (size_t i = 0; i < count; i++)
        b->target[i] = lami_rng_uniform(&rng, i);
    for (size_t i = 0; i < b->batch; i++) {
        b->label[i] = (int32_t)(i % each);
        b->target_row[i] = count ? b->target + i * each : NULL;
    }
    b->rows = (lami_batch) { .x = b->x, .type = LAM_F32, .n = b->batch };
    if (count)
        b->rows.target = b->target_row;
    else
        b->rows.label = b->label;
    return LAM_OK;
}

static lam_status make_samples(bench *b, uint64_t seed)
{
    size_t count;
    const size_t size = lam_shape_count(&b->net->input);
    const lami_rng rng = lami_rng_make(seed, LAMI_RNG_TEST, 0, 0);
    LAM_TRY(lami_mul(&count, b->batch, size));
    b->samples = lami_alloc(count, sizeof *b->samples);
    b->x = lami_alloc(b->batch, sizeof *b->x);
    if (!b->samples || !b->x)
        return LAM_ENOMEM;
    for (size_t i = 0; i < count; i++)
        b->samples[i] = (float)lami_rng_uniform(&rng, i);
    for (size_t i = 0; i < b->batch; i++)
        b->x[i] = b->samples + i * size;
    return make_answers(b, seed);
}

static lam_status set_up(bench *b, const cli_call *call)
{
    char *text = NULL;
    lam_shape input;
    lam_status status = lam_shape_parse(&input, b->opts->input);
    if (status)
        return lami_fail_at(status, "--input");
    LAM_TRY_DONE(lami_notation_text(&text, call->arg[0]));
    LAM_TRY_DONE(lam_net_new(&b->net, text, &input, call->options));
    LAM_TRY_DONE(lami_session_make(&b->train, b->net, call->options, LAMI_SESSION_TRAIN));
    LAM_TRY_DONE(lami_session_make(&b->predict, b->net, call->options, LAMI_SESSION_PREDICT));
    LAM_TRY_DONE(lam_session_set_lr(b->train, 0)); /* so that the numbers stay as they are */
    b->batch = lami_session_batch(b->train);
    status = make_samples(b, call->options->seed);
done:
    lami_free(text);
    return status;
}

static void clean_up(bench *b)
{
    lam_session_free(b->train);
    lam_session_free(b->predict);
    lam_net_free(b->net);
    lami_free(b->samples);
    lami_free(b->x);
    lami_free(b->label);
    lami_free(b->target);
    lami_free(b->target_row);
    lami_free(b->seconds);
    lami_free(b->group_seconds);
}

/* ---- measuring --------------------------------------------------------------------------------------------------- */

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static lam_status one_step(bench *b)
{
    double loss;
    return lami_session_train(&loss, b->train);
}

static lam_status one_load(bench *b)
{
    return lami_session_load(b->train, &b->rows);
}

static lam_status load_forward(bench *b)
{
    return lami_session_load(b->predict, &b->rows);
}

static lam_status one_forward(bench *b)
{
    const void *scores;
    return lami_session_scores(&scores, b->predict);
}

/* Run `once` for so many seconds, or, where steps is not 0, so many times. `before` each, if not NULL, is not timed:
 * a run may leave its input overwritten. */
static lam_status measure(timing *t, bench *b, bench_fn *before, bench_fn *once, double seconds, size_t steps)
{
    size_t count = 0;
    const double start = now();
    double at = start;
    for (size_t run = 0; steps ? count < steps : count < LEAST_STEPS || (at - start < seconds && count < MOST_STEPS);
         run++) {
        void *array = b->seconds;
        const lam_status grown = lami_grow(&array, &b->capacity, count + 1, sizeof *b->seconds);
        b->seconds = array;
        LAM_TRY(grown);
        LAM_TRY(before ? before(b) : LAM_OK);
        const double begin = now();
        LAM_TRY(once(b));
        at = now();
        if (run >= WARM_UP)
            b->seconds[count++] = at - begin;
    }
    qsort(b->seconds, count, sizeof *b->seconds, ascending);
    *t = (timing) { .median = b->seconds[count / 2], .best = b->seconds[0], .count = count };
    return LAM_OK;
}

static lam_status profile(bench *b, double seconds)
{
    lami_plan *plan = lami_session_plan(b->train);
    b->group_seconds = lami_alloc(plan->groups, sizeof *b->group_seconds);
    if (!b->group_seconds)
        return LAM_ENOMEM;
    const double start = now();
    size_t runs = 0;
    for (; runs < 2 || (runs < PROFILES_MOST && now() - start < seconds); runs++)
        lami_plan_profile(plan, b->group_seconds);
    for (size_t g = 0; g < plan->groups; g++) {
        double flops, bytes;
        b->group_seconds[g] /= (double)runs;
        lami_group_cost(plan, g, &flops, &bytes);
        b->flops += flops;
    }
    return LAM_OK;
}

static lam_status measure_all(bench *b)
{
    double seconds;
    LAM_TRY(lami_parse_seconds(&seconds, "time", b->opts->time));
    const lami_plan *plan = lami_session_plan(b->train);
    LAM_TRY(measure(&b->load, b, NULL, one_load, 0, 0));
    LAM_TRY(measure(&b->step, b, one_load, one_step, seconds, b->opts->steps));
    LAM_TRY(measure(&b->forward, b, load_forward, one_forward, forward_share * seconds, b->opts->steps));
    LAM_TRY(profile(b, b->opts->steps ? 0 : profile_share * seconds));
    b->peak = 1e9 * lami_peak_gflops(plan->ops, plan->threads);
    return LAM_OK;
}

/* ---- printing ---------------------------------------------------------------------------------------------------- */

enum { MEMBERS_TEXT = 256 };

/* The layers of a group, each once: "affine1 batchnorm1" */
static void group_layers(char text[MEMBERS_TEXT], const lam_net *net, const lami_plan *plan, const lami_group *g)
{
    size_t at = 0;
    int last = LAMI_NODE_UPDATE - 1;
    text[0] = 0;
    for (int k = 0; k < g->count && at < MEMBERS_TEXT; k++) {
        char name[64];
        const int node = plan->record[plan->order[g->first + k]].node;
        if (node == last)
            continue;
        last = node;
        cli_record_owner(name, net, &plan->record[plan->order[g->first + k]]);
        at += (size_t)snprintf(text + at, MEMBERS_TEXT - at, "%s%s", at ? " " : "", name);
    }
}

/* "gemm_nn bias relu" */
static void group_operations(char text[MEMBERS_TEXT], const lami_plan *plan, const lami_group *g)
{
    size_t at = 0;
    text[0] = 0;
    for (int k = 0; k < g->count && at < MEMBERS_TEXT; k++)
        at += (size_t)snprintf(text + at, MEMBERS_TEXT - at, "%s%s", k ? " " : "",
                               lami_op_table[plan->record[plan->order[g->first + k]].op].name);
}

static double rate(double amount, double seconds)
{
    return seconds > 0 ? 1e-9 * amount / seconds : 0;
}

static void group_cells(cli_table *table, const bench *b, size_t g, double all)
{
    const lami_plan *plan = lami_session_plan(b->train);
    char layers[MEMBERS_TEXT], operations[MEMBERS_TEXT];
    double flops, bytes;
    lami_group_cost(plan, g, &flops, &bytes);
    group_layers(layers, b->net, plan, &plan->group[g]);
    group_operations(operations, plan, &plan->group[g]);
    cli_table_cell(table, "%s", cli_record_part(plan, (size_t)plan->order[plan->group[g].first]));
    cli_table_cell(table, "%s", layers);
    cli_table_cell(table, "%s", operations);
    cli_table_cell(table, "%.4f", 1e3 * b->group_seconds[g]);
    cli_table_cell(table, "%.0f%%", all > 0 ? 100 * b->group_seconds[g] / all : 0);
    if (flops > 0)
        cli_table_cell(table, "%.1f", rate(flops, b->group_seconds[g]));
    else
        cli_table_cell(table, "%s", "");
    cli_table_cell(table, "%.1f", rate(bytes, b->group_seconds[g]));
}

static lam_status print_groups(const bench *b, int verbose)
{
    static const char *const heads[] = { "part", "layers", "operations", "ms", "share", "GFLOP/s", "GB/s" };
    const lami_plan *plan = lami_session_plan(b->train);
    double all = 0, small = 0;
    size_t smalls = 0;
    cli_table *table;
    LAM_TRY(cli_table_new(&table, "lllrrrr"));
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        cli_table_cell(table, "%s", heads[i]);
    for (size_t g = 0; g < plan->groups; g++)
        all += b->group_seconds[g];
    for (size_t g = 0; g < plan->groups; g++) {
        if (verbose || b->group_seconds[g] >= shown_share * all) {
            group_cells(table, b, g, all);
        } else {
            small += b->group_seconds[g];
            smalls++;
        }
    }
    if (smalls) {
        cli_table_cell(table, "all");
        cli_table_cell(table, "%zu others", smalls);
        cli_table_cell(table, "(-v shows them)");
        cli_table_cell(table, "%.4f", 1e3 * small);
        cli_table_cell(table, "%.0f%%", 100 * small / all);
    }
    const lam_status status = cli_table_print(table, stdout, 0);
    cli_table_free(table);
    return status;
}

static lam_status print_text(const bench *b, const cli_call *call)
{
    char number[CLI_TEXT_MAX];
    const lami_plan *plan = lami_session_plan(b->train);
    const double gflops = rate(b->flops, b->step.median);
    printf("step      %.4f ms (median of %s; best %.4f), %s samples/s\n", 1e3 * b->step.median,
           cli_count(number, b->step.count), 1e3 * b->step.best,
           cli_thousands((char[CLI_TEXT_MAX]) { 0 }, (double)b->batch / b->step.median));
    printf("forward   %.4f ms, inference\n", 1e3 * b->forward.median);
    printf("load      %.4f ms, a batch into the session (not part of the step)\n", 1e3 * b->load.median);
    printf("speed     %.1f GFLOP/s, %.0f %% of the peak of %.1f measured here (%s, %d thread%s)\n", gflops,
           100 * 1e9 * gflops / b->peak, 1e-9 * b->peak, plan->ops->set, plan->threads, plan->threads == 1 ? "" : "s");
    if (!call->quiet) {
        printf("\neach group of the step by itself\n");
        LAM_TRY(print_groups(b, call->verbose));
    }
    return cli_flush();
}

static lam_status print_json(const bench *b)
{
    const lami_plan *plan = lami_session_plan(b->train);
    json_t *list = json_array();
    for (size_t g = 0; g < plan->groups; g++) {
        char layers[MEMBERS_TEXT], operations[MEMBERS_TEXT];
        double flops, bytes;
        lami_group_cost(plan, g, &flops, &bytes);
        group_layers(layers, b->net, plan, &plan->group[g]);
        group_operations(operations, plan, &plan->group[g]);
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "layers", layers, "part",
                                              cli_record_part(plan, (size_t)plan->order[plan->group[g].first]),
                                              "operations", operations, "ms", lami_json_real(1e3 * b->group_seconds[g]),
                                              "gflops", lami_json_real(rate(flops, b->group_seconds[g])), "gbytes",
                                              lami_json_real(rate(bytes, b->group_seconds[g]))));
    }
    const double gflops = rate(b->flops, b->step.median);
    return cli_json_print(json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:s, s:i, s:o}", "step_ms", lami_json_real(1e3 * b->step.median),
        "step_ms_best", lami_json_real(1e3 * b->step.best), "forward_ms", lami_json_real(1e3 * b->forward.median),
        "load_ms", lami_json_real(1e3 * b->load.median), "gflops", lami_json_real(gflops), "peak_gflops",
        lami_json_real(1e-9 * b->peak), "peak_share", lami_json_real(1e9 * gflops / b->peak), "steps",
        (json_int_t)b->step.count, "batch", (json_int_t)b->batch, "isa", plan->ops->set, "threads", plan->threads,
        "layers", list));
}

static int run(const cli_call *call)
{
    bench b = { .opts = call->own };
    lam_status status;
    LAM_TRY_DONE(set_up(&b, call));
    LAM_TRY_DONE(measure_all(&b));
    status = call->json ? print_json(&b) : print_text(&b, call);
done:
    clean_up(&b);
    return cli_report(status);
}

static const char *const defaults[] = { "classes", "10", NULL };

const cli_cmd cmd_bench = {
    .name = "bench",
    .usage = "NET [--input SHAPE] [--batch N] [options]",
    .help = "time per step and per layer, share of this machine's peak",
    .about = "Time training steps (forward, backward, update) of a network on random samples, and the forward pass of "
             "inference.\n"
             "\n"
             "The table times each group of the plan by itself: their sum differs from the step, in which groups run "
             "side by "
             "side. GB/s is the least traffic: what a group reads and leaves behind. The peak is measured: fused "
             "multiply-adds on all threads.",
    .examples = "  lamina bench \"{affine 100 - relu} x 4 - affine 10 - softmax\" --input 3072\n"
                "  lamina bench net.txt --input 1x28x28 --batch 256 --threads 1 --json\n",
    .rows = rows,
    .own_size = sizeof(struct opts),
    .groups = LAMI_FOR_ALL | LAMI_FOR_BATCH | LAMI_FOR_SEED,
    .also = "dtype classes optim l2",
    .defaults = defaults,
    .arg_name = "NET",
    .least_args = 1,
    .most_args = 1,
    .run = run,
};
