/* lamina bench: time of a training step, or of inference, and of each group of the plan, against the limits of this
 * machine; and these limits by themselves. */
#include <stddef.h>
#include <string.h>

#include "../core/mem.h"
#include "../core/number.h"
#include "../core/parallel.h"
#include "../core/random.h"
#include "../net/session.h"
#include "cli.h"
#include "inputs.h"
#include "profile.h"

enum { MOST_STEPS = 1000000 };
static const char default_input[] = "784";
static const double forward_share = 0.3, profile_share = 0.3; /* of the time that steps take */

struct opts {
    const char *input, *time;
    size_t steps;
    int predict, machine, serve;
};
static const cli_row rows[] = {
    CLI_TEXT(struct opts, input, 0, "input", "SHAPE", NULL,
             "shape of a sample, such as 3x32x32, 784 unless given; a model has its own"),
    CLI_SIZE(struct opts, steps, 0, "steps", "N", 0, 0, 1000000, "time N steps; 0: as many as --time allows"),
    CLI_TEXT(struct opts, time, 0, "time", "T", "2s", "time of steps, such as 2s or 1m"),
    CLI_FLAG(struct opts, predict, 0, "predict", "time inference in place of training"),
    CLI_FLAG(struct opts, machine, 0, "machine",
             "measure the machine's limits: arithmetic, memory, threads; without a network"),
    CLI_FLAG(struct opts, serve, 0, "serve",
             "run as many steps as each line of standard input says, and print their seconds as JSON: for comparisons "
             "that take turns"),
    CLI_END,
};

typedef struct bench {
    const struct opts *opts;
    lam_net *net;
    lam_session *train, *predict; /* NULL: not needed */
    size_t batch;
    float *samples; /* uniform in (0, 1) */
    const void **x;
    int32_t *label;
    double *target; /* uniform in (0, 1), for losses that compare scores with numbers */
    const double **target_row;
    lami_batch rows;
    cli_timing step, load, forward; /* step: of inference, with the load, where there is no training */
    double peak;                    /* GFLOP/s */
    cli_profile profile;            /* nothing with --quiet */
} bench;

/* ---- setting up -------------------------------------------------------------------------------------------------- */

/* The session that is measured. */
static lam_session *session_of(const bench *b)
{
    return b->train ? b->train : b->predict;
}

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
    const char *input = b->opts->input;
    LAM_TRY(cli_open_network(&b->net, call, input || cli_is_model(call->arg[0]) ? input : default_input, 1));
    if (b->opts->predict || !b->opts->serve)
        LAM_TRY(lami_session_make(&b->predict, b->net, call->options, LAMI_SESSION_PREDICT));
    if (!b->opts->predict) {
        LAM_TRY(lami_session_make(&b->train, b->net, call->options, LAMI_SESSION_TRAIN));
        LAM_TRY(lam_session_set_lr(b->train, 0)); /* so that the numbers stay as they are */
    }
    b->batch = lami_session_batch(session_of(b));
    return make_samples(b, call->options->seed);
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
    cli_profile_free(&b->profile);
}

/* ---- measuring --------------------------------------------------------------------------------------------------- */

static lam_status load(void *arg)
{
    bench *b = arg;
    return lami_session_load(session_of(b), &b->rows);
}

static lam_status train_step(void *arg)
{
    double loss;
    return lami_session_train(&loss, ((bench *)arg)->train);
}

static lam_status load_forward(void *arg)
{
    bench *b = arg;
    return lami_session_load(b->predict, &b->rows);
}

static lam_status forward(void *arg)
{
    const void *scores;
    return lami_session_scores(&scores, ((bench *)arg)->predict);
}

static lam_status predict(void *arg)
{
    LAM_TRY(load_forward(arg));
    return forward(arg);
}

/* A step of training on a batch that is in its place, as a run may leave its input overwritten; or inference with all that
 * comes between samples and scores. */
static cli_timed timed_step(bench *b)
{
    return b->train ? (cli_timed) { load, train_step, b } : (cli_timed) { NULL, predict, b };
}

static lam_status measure(bench *b, int groups)
{
    double seconds;
    const size_t steps = b->opts->steps;
    const cli_timed step = timed_step(b), put = { NULL, load, b }, infer = { load_forward, forward, b };
    lami_plan *plan = lami_session_plan(session_of(b));
    LAM_TRY(lami_parse_seconds(&seconds, "time", b->opts->time));
    b->peak = lami_peak_gflops(plan->ops, plan->threads);
    LAM_TRY(cli_time(&b->load, &put, 0, 0));
    LAM_TRY(cli_time(&b->step, &step, seconds, steps));
    LAM_TRY(cli_time(&b->forward, &infer, forward_share * seconds, steps));
    const double again = lami_peak_gflops(plan->ops, plan->threads); /* one of them may be disturbed */
    b->peak = again > b->peak ? again : b->peak;
    return groups ? cli_profile_make(&b->profile, b->net, plan, b->peak, &put, steps ? 0 : profile_share * seconds)
                  : LAM_OK;
}

/* ---- printing ---------------------------------------------------------------------------------------------------- */

static double gflops_of(const bench *b)
{
    return 1e-9 * lami_plan_flops(lami_session_plan(session_of(b))) / b->step.median;
}

static lam_status print_text(const bench *b, const cli_call *call)
{
    char number[CLI_TEXT_MAX], samples[CLI_TEXT_MAX];
    const lami_plan *plan = lami_session_plan(session_of(b));
    printf("%s%.4f ms (median of %s; best %.4f), %s samples/s\n", b->train ? "step      " : "predict   ",
           1e3 * b->step.median, cli_count(number, b->step.count), 1e3 * b->step.best,
           cli_thousands(samples, (double)b->batch / b->step.median));
    printf("forward   %.4f ms, inference\n", 1e3 * b->forward.median);
    printf("load      %.4f ms, a batch into the session (%s)\n", 1e3 * b->load.median,
           b->train ? "not part of the step" : "part of predict");
    printf("speed     %.1f GFLOP/s, %.0f %% of the peak of %.1f measured here (%s, %d thread%s)\n", gflops_of(b),
           100 * gflops_of(b) / b->peak, b->peak, plan->ops->set, plan->threads, plan->threads == 1 ? "" : "s");
    if (!call->quiet) {
        printf("\neach group of the %s by itself\n", b->train ? "step" : "plan");
        LAM_TRY(cli_profile_print(&b->profile, call->verbose));
    }
    return cli_flush();
}

static lam_status print_json(const bench *b)
{
    const lami_plan *plan = lami_session_plan(session_of(b));
    return cli_json_print(
        json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:s, s:i, s:o}", "mode",
                  b->train ? "train" : "predict", "step_ms", lami_json_real(1e3 * b->step.median), "step_ms_best",
                  lami_json_real(1e3 * b->step.best), "forward_ms", lami_json_real(1e3 * b->forward.median), "load_ms",
                  lami_json_real(1e3 * b->load.median), "gflops", lami_json_real(gflops_of(b)), "peak_gflops",
                  lami_json_real(b->peak), "peak_share", lami_json_real(gflops_of(b) / b->peak), "steps",
                  (json_int_t)b->step.count, "batch", (json_int_t)b->batch, "isa", plan->ops->set, "threads",
                  plan->threads, "groups", b->profile.second ? cli_profile_json(&b->profile) : json_array()));
}

/* ---- steps on demand --------------------------------------------------------------------------------------------- */

static lam_status serve_line(bench *b, cli_times *times, char *line)
{
    uint64_t steps;
    const cli_timed step = timed_step(b);
    line[strcspn(line, "\n")] = 0;
    if (lami_parse_u64(&steps, line) || steps > MOST_STEPS)
        return lami_fail(LAM_EFORMAT, "--serve: \"%.32s\" is no number of steps (0 to %d)", line, MOST_STEPS);
    times->count = 0;
    for (uint64_t k = 0; k < steps; k++)
        LAM_TRY(cli_time_once(times, &step));
    json_t *list = json_array();
    for (size_t k = 0; k < times->count; k++)
        json_array_append_new(list, lami_json_real(times->second[k]));
    return cli_json_print(json_pack("{s:o}", "seconds", list));
}

static lam_status serve(bench *b)
{
    char line[64];
    cli_times times = { 0 };
    lam_status status = LAM_OK;
    while (!status && fgets(line, sizeof line, stdin))
        status = serve_line(b, &times, line);
    lami_free(times.second);
    return status;
}

/* ---- all together ------------------------------------------------------------------------------------------------ */

static lam_status check_call(const cli_call *call)
{
    const struct opts *o = call->own;
    if (o->machine && (call->args || o->predict || o->serve))
        return lami_fail(LAM_EOPTION, "--machine measures the machine alone: no %s",
                         call->args   ? "network"
                         : o->predict ? "--predict"
                                      : "--serve");
    if (!o->machine && !call->args)
        return lami_fail(LAM_EOPTION, "bench needs NET, or --machine (see lamina bench --help)");
    return LAM_OK;
}

static int run(const cli_call *call)
{
    bench b = { .opts = call->own };
    lam_status status;
    LAM_TRY_DONE(check_call(call));
    if (b.opts->machine) {
        const size_t threads = call->options->threads;
        status = cli_machine(call->options->isa, threads ? (int)threads : lami_cpus(), call->json);
        goto done;
    }
    LAM_TRY_DONE(set_up(&b, call));
    if (b.opts->serve) {
        status = serve(&b);
        goto done;
    }
    LAM_TRY_DONE(measure(&b, !call->quiet));
    status = call->json ? print_json(&b) : print_text(&b, call);
done:
    clean_up(&b);
    return cli_report(status);
}

static const char *const defaults[] = { "classes", "10", NULL };

const cli_cmd cmd_bench = {
    .name = "bench",
    .usage = "NET [--input SHAPE] [--batch N] [--predict] [options]\nRUN|MODEL [--batch N] [--predict] [options]\n"
             "--machine",
    .help = "time per step and per layer, share of this machine's peak",
    .about =
        "Time training steps (forward, backward, update) of a network on random samples, and the forward pass of "
        "inference; with --predict inference alone.\n"
        "\n"
        "The table times each group of the plan by itself, after the steps: so measuring costs them nothing, and the "
        "sum differs from the step, in which groups run side by side. Its pass is forward, data and parameters (the "
        "gradients of the backward pass) or update, or several that are merged. Arithmetic is that of products and "
        "convolutions, as direct sums: one that transforms its images may pass the peak. GB/s is the least traffic: "
        "what a group reads and leaves behind. Shares are of what is measured here: fused multiply-adds on all "
        "threads; memory that is read, written or copied in a size like the group's.",
    .examples = "  lamina bench \"{affine 100 - relu} x 4 - affine 10 - softmax\" --input 3072\n"
                "  lamina bench net.txt --input 1x28x28 --batch 256 --threads 1 --json\n"
                "  lamina bench runs/001 --predict --batch 1\n"
                "  lamina bench --machine\n",
    .rows = rows,
    .own_size = sizeof(struct opts),
    .groups = LAMI_FOR_ALL | LAMI_FOR_BATCH | LAMI_FOR_SEED,
    .also = "dtype conv precision classes optim l2",
    .defaults = defaults,
    .arg_name = "NET|RUN|MODEL",
    .least_args = 0,
    .most_args = 1,
    .run = run,
};
