/* profile: see profile.h. */
#include "profile.h"

#include <stdio.h>
#include <string.h>

#include "../core/mem.h"
#include "inputs.h"

enum { LEAST_RUNS = 3, MOST_RUNS = 1000, TEXT_SIZE = 256 };
static const double shown_share = 0.005; /* of the sum: smaller groups are summed up */

/* ---- measuring --------------------------------------------------------------------------------------------------- */

/* The medians of runs x groups times. */
static lam_status take_medians(cli_profile *p, const cli_times *all, size_t runs)
{
    const size_t groups = p->plan->groups;
    double *of_group = lami_alloc(runs, sizeof *of_group);
    if (!of_group)
        return LAM_ENOMEM;
    for (size_t g = 0; g < groups; g++) {
        for (size_t k = 0; k < runs; k++)
            of_group[k] = all->second[k * groups + g];
        p->second[g] = cli_median(of_group, runs);
    }
    lami_free(of_group);
    return LAM_OK;
}

static lam_status time_groups(cli_profile *p, const cli_timed *before, double seconds)
{
    const size_t groups = p->plan->groups;
    cli_times all = { 0 };
    lam_status status = LAM_OK;
    const double start = cli_now();
    size_t runs = 0;
    for (; runs < LEAST_RUNS || (runs < MOST_RUNS && cli_now() - start < seconds); runs++) {
        memset(p->second, 0, groups * sizeof *p->second);
        LAM_TRY_DONE(before->once(before->arg));
        lami_plan_profile(p->plan, p->second);
        for (size_t g = 0; g < groups; g++)
            LAM_TRY_DONE(cli_times_add(&all, p->second[g]));
    }
    status = take_medians(p, &all, runs);
done:
    lami_free(all.second);
    return status;
}

lam_status cli_profile_make(cli_profile *p, const lam_net *net, lami_plan *plan, double peak, const cli_timed *before,
                            double seconds)
{
    double most = 0, flops, bytes;
    *p =
        (cli_profile) { .net = net, .plan = plan, .second = lami_alloc(plan->groups, sizeof *p->second), .peak = peak };
    if (!p->second)
        return LAM_ENOMEM;
    LAM_TRY(time_groups(p, before, seconds));
    for (size_t g = 0; g < plan->groups; g++) {
        lami_group_cost(plan, g, &flops, &bytes);
        most = bytes > most ? bytes : most;
    }
    return cli_memory_measure(&p->memory, plan->ops, plan->threads, most);
}

void cli_profile_free(cli_profile *p)
{
    lami_free(p->second);
}

/* ---- what a group is --------------------------------------------------------------------------------------------- */

/* Passes over the network; of the backward pass, gradients of data and of parameters. What inference makes by its first run
 * alone is of none, and does not count. */
enum { ONCE, FORWARD, DATA, PARAMETERS, UPDATE, PASSES };
static const char *const pass_name[PASSES] = { "once", "forward", "data", "parameters", "update" };

static int is_once(const lami_plan *plan, const lami_group *g)
{
    return plan->still && (size_t)g->phase < plan->still_end;
}

static const lami_record *record_of(const lami_plan *plan, const lami_group *g, int k)
{
    return &plan->record[plan->order[g->first + k]];
}

/* In the backward pass what adds up along the batch is the gradient of a parameter. */
static int pass_of(const lami_plan *plan, const lami_group *g, int k)
{
    const lami_record *r = record_of(plan, g, k);
    const int part = plan->record_part[plan->order[g->first + k]];
    if (r->node == LAMI_NODE_UPDATE || part == 2)
        return UPDATE;
    if (!part)
        return FORWARD;
    const lami_class class = lami_op_table[r->op].class;
    const int product = r->op == LAMI_OP_gemm_tn || r->op == LAMI_OP_conv_filter || r->op == LAMI_OP_winograd_filter;
    return product || class == LAMI_STAT || class == LAMI_TREE ? PARAMETERS : DATA;
}

static unsigned passes_of(const lami_plan *plan, const lami_group *g)
{
    unsigned passes = 0;
    if (is_once(plan, g))
        return 1u << ONCE;
    for (int k = 0; k < g->count; k++)
        passes |= 1u << pass_of(plan, g, k);
    return passes;
}

/* Words joined by `mark`; what does not fit is left out. */
typedef struct words {
    char text[TEXT_SIZE];
    size_t at;
} words;

static void add_word(words *w, const char *mark, const char *word)
{
    if (w->at < TEXT_SIZE)
        w->at += (size_t)snprintf(w->text + w->at, TEXT_SIZE - w->at, "%s%s", w->at ? mark : "", word);
}

/* "data + parameters" */
static void put_passes(words *w, const lami_plan *plan, const lami_group *g)
{
    const unsigned passes = passes_of(plan, g);
    for (int k = 0; k < PASSES; k++)
        if (passes >> k & 1)
            add_word(w, " + ", pass_name[k]);
}

/* The layers of a group, each once: "affine1 batchnorm1". */
static void put_layers(words *w, const lam_net *net, const lami_plan *plan, const lami_group *g)
{
    int last = LAMI_NODE_UPDATE; /* the pass says it */
    for (int k = 0; k < g->count; k++) {
        char name[64];
        const lami_record *r = record_of(plan, g, k);
        if (r->node != last && r->node != LAMI_NODE_UPDATE)
            add_word(w, " ", cli_record_owner(name, net, r));
        last = r->node;
    }
}

/* "gemm_nn bias relu" */
static void put_operations(words *w, const lami_plan *plan, const lami_group *g)
{
    char name[64];
    for (int k = 0; k < g->count; k++)
        add_word(w, " ", cli_record_op(name, record_of(plan, g, k)));
}

/* ---- what it costs ----------------------------------------------------------------------------------------------- */

typedef struct cost {
    double seconds, flops, bytes;
    double least_seconds; /* that the bytes take at the bandwidth measured for as many */
} cost;

static cost cost_of(const cli_profile *p, size_t g)
{
    cost c = { .seconds = p->second[g] };
    lami_group_cost(p->plan, g, &c.flops, &c.bytes);
    c.least_seconds = 1e-9 * c.bytes / cli_memory_rate(&p->memory, c.bytes);
    return c;
}

static void add_cost(cost *sum, const cost *c)
{
    sum->seconds += c->seconds;
    sum->flops += c->flops;
    sum->bytes += c->bytes;
    sum->least_seconds += c->least_seconds;
}

static double ratio(double a, double b)
{
    return b > 0 ? a / b : 0;
}

static void cost_cells(cli_table *table, const cli_profile *p, const cost *c, double all)
{
    const double gflops = 1e-9 * ratio(c->flops, c->seconds);
    cli_table_cell(table, "%.4f", 1e3 * c->seconds);
    cli_table_cell(table, "%.0f%%", 100 * ratio(c->seconds, all));
    if (c->flops > 0) {
        cli_table_cell(table, "%.1f", gflops);
        cli_table_cell(table, "%.0f%%", 100 * ratio(gflops, p->peak));
    } else {
        cli_table_cell(table, "%s", "");
        cli_table_cell(table, "%s", "");
    }
    cli_table_cell(table, "%.1f", 1e-9 * ratio(c->bytes, c->seconds));
    cli_table_cell(table, "%.0f%%", 100 * ratio(c->least_seconds, c->seconds));
}

/* ---- printing ---------------------------------------------------------------------------------------------------- */

static void group_cells(cli_table *table, const cli_profile *p, size_t g, double all)
{
    const lami_group *group = &p->plan->group[g];
    const cost c = cost_of(p, g);
    words passes = { .at = 0 }, layers = { .at = 0 }, operations = { .at = 0 };
    put_passes(&passes, p->plan, group);
    put_layers(&layers, p->net, p->plan, group);
    put_operations(&operations, p->plan, group);
    cli_table_cell(table, "%s", passes.text);
    cli_table_cell(table, "%s", layers.text);
    cli_table_cell(table, "%s", operations.text);
    cost_cells(table, p, &c, all);
}

static void sum_cells(cli_table *table, const cli_profile *p, const char *label, size_t groups, const char *note,
                      const cost *sum, double all)
{
    cli_table_cell(table, "%s", label);
    cli_table_cell(table, "%zu groups", groups);
    cli_table_cell(table, "%s", note);
    cost_cells(table, p, sum, all);
}

lam_status cli_profile_print(const cli_profile *p, int verbose)
{
    static const char *const heads[] = { "pass",    "layers",  "operations", "ms",       "share",
                                         "GFLOP/s", "of peak", "GB/s",       "of memory" };
    cost all = { 0 }, small = { 0 };
    size_t groups = 0, smalls = 0;
    cli_table *table;
    LAM_TRY(cli_table_new(&table, "lllrrrrrr"));
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        cli_table_cell(table, "%s", heads[i]);
    for (size_t g = 0; g < p->plan->groups; g++) {
        if (is_once(p->plan, &p->plan->group[g]))
            continue;
        const cost c = cost_of(p, g);
        add_cost(&all, &c);
        groups++;
    }
    for (size_t g = 0; g < p->plan->groups; g++) {
        const cost c = cost_of(p, g);
        const int once = is_once(p->plan, &p->plan->group[g]);
        if (verbose || c.seconds >= shown_share * all.seconds) {
            group_cells(table, p, g, once ? 0 : all.seconds);
        } else if (!once) {
            add_cost(&small, &c);
            smalls++;
        }
    }
    if (smalls)
        sum_cells(table, p, "others", smalls, "(-v shows them)", &small, all.seconds);
    sum_cells(table, p, "all", groups, "", &all, all.seconds);
    const lam_status status = cli_table_print(table, stdout, 0);
    cli_table_free(table);
    return status;
}

/* Names as an array: of passes, layers, operations. */
static json_t *split_words(const words *w, const char *mark)
{
    json_t *list = json_array();
    const size_t skip = strlen(mark);
    for (const char *at = w->text; *at;) {
        const char *end = strstr(at, mark);
        const size_t length = end ? (size_t)(end - at) : strlen(at);
        json_array_append_new(list, json_stringn(at, length));
        at += length + (end ? skip : 0);
    }
    return list;
}

json_t *cli_profile_json(const cli_profile *p)
{
    json_t *list = json_array();
    for (size_t g = 0; g < p->plan->groups; g++) {
        const cost c = cost_of(p, g);
        const double gflops = 1e-9 * ratio(c.flops, c.seconds);
        words passes = { .at = 0 }, layers = { .at = 0 }, operations = { .at = 0 };
        put_passes(&passes, p->plan, &p->plan->group[g]);
        put_layers(&layers, p->net, p->plan, &p->plan->group[g]);
        put_operations(&operations, p->plan, &p->plan->group[g]);
        json_array_append_new(list,
                              json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "passes",
                                        split_words(&passes, " + "), "layers", split_words(&layers, " "), "operations",
                                        split_words(&operations, " "), "ms", lami_json_real(1e3 * c.seconds), "flops",
                                        lami_json_real(c.flops), "bytes", lami_json_real(c.bytes), "gflops",
                                        lami_json_real(gflops), "peak_share", lami_json_real(ratio(gflops, p->peak)),
                                        "gbytes", lami_json_real(1e-9 * ratio(c.bytes, c.seconds)), "memory_share",
                                        lami_json_real(ratio(c.least_seconds, c.seconds))));
    }
    return list;
}
