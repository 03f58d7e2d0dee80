/* lamina describe: a network's layers, sizes, and the plans that train and use it, before and after merging. */
#include <stddef.h>
#include <string.h>

#include "../net/session.h"
#include "cli.h"
#include "inputs.h"

struct opts {
    const char *input;
    int plan;
};
static const cli_row rows[] = {
    CLI_TEXT(struct opts, input, 0, "input", "SHAPE", NULL,
             "shape of a sample, such as 784 or 3x32x32; a model has its own"),
    CLI_FLAG(struct opts, plan, 0, "plan", "print the steps of training, before and after merging (also -v)"),
    CLI_END,
};

/* ---- layers ------------------------------------------------------------------------------------------------------ */

static size_t node_parameters(const lami_node *node)
{
    size_t count = 0;
    for (int i = 0; i < node->params; i++)
        count += node->param[i].trained ? node->param[i].rows * node->param[i].cols : 0;
    return count;
}

static double node_flops(const lami_node *node)
{
    return node->layer->flops ? node->layer->flops(node) : 0;
}

static double net_flops(const lam_net *net)
{
    double sum = 0;
    for (size_t i = 0; i < net->nodes; i++)
        sum += node_flops(&net->node[i]);
    return sum;
}

static size_t all_parameters(const lam_net *net)
{
    size_t count = 0;
    for (size_t i = 0; i < net->params; i++)
        count += net->param[i].count;
    return count;
}

static void layer_cells(cli_table *table, const lam_net *net, size_t i)
{
    char name[64], in[LAMI_SHAPE_TEXT], out[LAMI_SHAPE_TEXT], number[CLI_TEXT_MAX];
    const lami_node *node = &net->node[i];
    const size_t parameters = node_parameters(node);
    const double flops = node_flops(node);
    lami_node_name(name, net, i);
    cli_table_cell(table, "%s", name);
    cli_table_cell(table, "%s", lami_shape_text(in, &node->in));
    cli_table_cell(table, "%s", lami_shape_text(out, &node->out));
    cli_table_cell(table, "%s", parameters ? cli_count(number, parameters) : "");
    cli_table_cell(table, "%s", flops > 0 ? cli_count(number, (uint64_t)flops) : "");
}

static lam_status print_layers(const lam_net *net)
{
    static const char *const heads[] = { "layer", "input", "output", "parameters", "FLOPs" };
    char number[CLI_TEXT_MAX];
    cli_table *table;
    LAM_TRY(cli_table_new(&table, "lllrr"));
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        cli_table_cell(table, "%s", heads[i]);
    for (size_t i = 0; i < net->nodes; i++)
        layer_cells(table, net, i);
    cli_table_cell(table, "%s", net->loss->name);
    cli_table_cell(table, "%zu", net->classes);
    for (int i = 0; i < 3; i++)
        cli_table_cell(table, "%s", "");
    cli_table_cell(table, "all");
    cli_table_cell(table, "%s", "");
    cli_table_cell(table, "%s", "");
    cli_table_cell(table, "%s", cli_count(number, lami_net_trained_count(net)));
    cli_table_cell(table, "%s", cli_count(number, (uint64_t)net_flops(net)));
    const lam_status status = cli_table_print(table, stdout, 0);
    cli_table_free(table);
    return status;
}

/* ---- plans ------------------------------------------------------------------------------------------------------- */

typedef struct plans {
    lam_session *train, *predict;
} plans;

static lam_status print_plans(const plans *p, const lam_net *net)
{
    char number[CLI_TEXT_MAX];
    lami_plan *const plan[2] = { lami_session_plan(p->train), lami_session_plan(p->predict) };
    cli_table *table;
    LAM_TRY(cli_table_new(&table, "lrr"));
    cli_table_cell(table, "batch of %s", cli_count(number, plan[0]->max_samples));
    cli_table_cell(table, "training");
    cli_table_cell(table, "inference");
    cli_table_cell(table, "records");
    for (int i = 0; i < 2; i++)
        cli_table_cell(table, "%zu", plan[i]->records);
    cli_table_cell(table, "groups, merged");
    for (int i = 0; i < 2; i++)
        cli_table_cell(table, "%zu", plan[i]->groups);
    cli_table_cell(table, "phases");
    for (int i = 0; i < 2; i++)
        cli_table_cell(table, "%zu", plan[i]->phases);
    cli_table_cell(table, "arena");
    for (int i = 0; i < 2; i++)
        cli_table_cell(table, "%s", cli_bytes(number, (double)plan[i]->arena_bytes));
    cli_table_cell(table, "its buffers, one by one");
    for (int i = 0; i < 2; i++)
        cli_table_cell(table, "%s", cli_bytes(number, (double)plan[i]->sum_bytes));
    cli_table_cell(table, "memory in all");
    for (int i = 0; i < 2; i++)
        cli_table_cell(table, "%s", cli_bytes(number, (double)lami_session_bytes(i ? p->predict : p->train)));
    cli_table_cell(table, "MFLOPs");
    for (int i = 0; i < 2; i++)
        cli_table_cell(table, "%.4g", 1e-6 * lami_plan_flops(plan[i]));
    lam_status status = cli_table_print(table, stdout, 0);
    cli_table_free(table);
    printf("\nmodel: %s numbers of %s, %s\n", cli_count(number, all_parameters(net)), lami_dtype_name(net->dtype),
           cli_bytes((char[CLI_TEXT_MAX]) { 0 }, (double)all_parameters(net) * (double)lami_dtype_size(net->dtype)));
    return status;
}

static int is_parameter(const lami_node *node, const char *label)
{
    for (int i = 0; i < node->params; i++)
        if (!strcmp(node->param[i].name, label))
            return 1;
    return 0;
}

/* "affine1.product", "d affine1.weight"; memory of somebody else has its whole name already. */
static size_t put_buffer(char *text, size_t size, const lam_net *net, const lami_buffer *b)
{
    char name[64];
    const int gradient = !strncmp(b->label, "d ", 2);
    if (b->outside || b->node < 0)
        return (size_t)snprintf(text, size, "%s", b->label);
    const lami_node *node = &net->node[b->node];
    lami_node_name(name, net, (size_t)b->node);
    return (size_t)snprintf(text, size, "%s%s.%s", gradient || is_parameter(node, b->label) ? "d " : "", name,
                            b->label + 2 * gradient);
}

static size_t put_buffers(char *text, size_t size, const lam_net *net, const lami_plan *plan, const lami_buf *b,
                          int count)
{
    size_t at = 0;
    text[0] = 0;
    for (int i = 0; i < count && at + 3 < size; i++) {
        if (!b[i])
            continue;
        if (at)
            at += (size_t)snprintf(text + at, size - at, ", ");
        at += put_buffer(text + at, size - at, net, &plan->buffer[b[i]]);
    }
    return at < size ? at : size - 1;
}

/* Records in the order in which the layers wrote them. */
static lam_status print_records(const lam_net *net, const lami_plan *plan)
{
    char name[64], operands[400];
    cli_table *table;
    LAM_TRY(cli_table_new(&table, "rlllrl"));
    for (size_t i = 0; i < plan->records; i++) {
        const lami_record *r = &plan->record[i];
        const size_t depth = lami_extent_of(r->depth, plan->max_samples);
        size_t at = put_buffers(operands, sizeof operands - 8, net, plan, r->in, LAMI_INS);
        at += (size_t)snprintf(operands + at, sizeof operands - at, " -> ");
        put_buffers(operands + at, sizeof operands - at, net, plan, r->out, LAMI_OUTS);
        cli_table_cell(table, "%zu", i + 1);
        cli_table_cell(table, "%s", cli_record_part(plan, i));
        cli_table_cell(table, "%s", cli_record_owner(name, net, r));
        cli_table_cell(table, "%s", cli_record_op(name, r));
        if (depth)
            cli_table_cell(table, "%zu x %zu x %zu", lami_extent_of(r->rows, plan->max_samples), r->cols, depth);
        else
            cli_table_cell(table, "%zu x %zu", lami_extent_of(r->rows, plan->max_samples), r->cols);
        cli_table_cell(table, "%s", operands);
    }
    const lam_status status = cli_table_print(table, stdout, 0);
    cli_table_free(table);
    return status;
}

static lam_status print_groups(const lami_plan *plan)
{
    char members[400], name[64];
    cli_table *table;
    LAM_TRY(cli_table_new(&table, "rlrl"));
    int phase = -1;
    for (size_t g = 0; g < plan->groups; g++) {
        const lami_group *group = &plan->group[g];
        size_t at = 0;
        members[0] = 0;
        for (int k = 0; k < group->count && at < sizeof members; k++) {
            const int i = plan->order[group->first + k];
            at += (size_t)snprintf(members + at, sizeof members - at, "%s%s (%d)", k ? " + " : "",
                                   cli_record_op(name, &plan->record[i]), i + 1);
        }
        if (group->phase != phase)
            cli_table_cell(table, "%d", group->phase + 1);
        else
            cli_table_cell(table, "%s", "");
        phase = group->phase;
        cli_table_cell(table, "%s", cli_record_part(plan, (size_t)plan->order[group->first]));
        cli_table_cell(table, "%zu x %zu", group->rows, group->cols);
        cli_table_cell(table, "%s", members);
    }
    const lam_status status = cli_table_print(table, stdout, 0);
    cli_table_free(table);
    return status;
}

/* ---- all together ------------------------------------------------------------------------------------------------ */

static lam_status print_text(const lam_net *net, const plans *p, int steps)
{
    char shape[LAMI_SHAPE_TEXT];
    const lami_plan *plan = lami_session_plan(p->train);
    printf("%s\ninput %s, %s\n\n", lam_net_notation(net), lami_shape_text(shape, &net->input),
           lami_dtype_name(net->dtype));
    LAM_TRY(print_layers(net));
    putchar('\n');
    LAM_TRY(print_plans(p, net));
    if (steps) {
        printf("\nrecords of training, before merging\n");
        LAM_TRY(print_records(net, plan));
        printf("\nphases of training, after merging: groups of records, by their numbers\n");
        LAM_TRY(print_groups(plan));
    }
    return cli_flush();
}

static json_t *plan_json(lam_session *session)
{
    const lami_plan *plan = lami_session_plan(session);
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "records", (json_int_t)plan->records, "groups",
                     (json_int_t)plan->groups, "phases", (json_int_t)plan->phases, "arena_bytes",
                     (json_int_t)plan->arena_bytes, "buffer_bytes", (json_int_t)plan->sum_bytes, "memory_bytes",
                     (json_int_t)lami_session_bytes(session), "flops", (json_int_t)lami_plan_flops(plan));
}

static lam_status print_json(const lam_net *net, const plans *p)
{
    char name[64], shape[LAMI_SHAPE_TEXT];
    json_t *layers = json_array();
    for (size_t i = 0; i < net->nodes; i++) {
        lami_node_name(name, net, i);
        json_array_append_new(layers, json_pack("{s:s, s:s, s:I, s:I}", "name", name, "output",
                                                lami_shape_text(shape, &net->node[i].out), "parameters",
                                                (json_int_t)node_parameters(&net->node[i]), "flops",
                                                (json_int_t)node_flops(&net->node[i])));
    }
    const lami_plan *train = lami_session_plan(p->train);
    return cli_json_print(json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:o, s:I, s:o, s:o}", "notation",
                                    lam_net_notation(net), "input", lami_shape_text(shape, &net->input), "dtype",
                                    lami_dtype_name(net->dtype), "parameters", (json_int_t)lami_net_trained_count(net),
                                    "model_bytes", (json_int_t)(all_parameters(net) * lami_dtype_size(net->dtype)),
                                    "flops", (json_int_t)net_flops(net), "layers", layers, "batch",
                                    (json_int_t)train->max_samples, "training", plan_json(p->train), "inference",
                                    plan_json(p->predict)));
}

static int run(const cli_call *call)
{
    const struct opts *o = call->own;
    lam_net *net = NULL;
    plans p = { 0 };
    lam_status status;
    LAM_TRY_DONE(cli_open_network(&net, call, o->input, 0));
    LAM_TRY_DONE(lami_session_make(&p.train, net, call->options, LAMI_SESSION_TRAIN));
    LAM_TRY_DONE(lami_session_make(&p.predict, net, call->options, LAMI_SESSION_PREDICT));
    status = call->json ? print_json(net, &p) : print_text(net, &p, o->plan || call->verbose);
done:
    lam_session_free(p.train);
    lam_session_free(p.predict);
    lam_net_free(net);
    return cli_report(status);
}

const cli_cmd cmd_describe = {
    .name = "describe",
    .usage = "NET --input SHAPE [--batch N] [--plan]\nRUN|MODEL [--batch N] [--plan]",
    .help = "layers, shapes, parameters, FLOPs, bytes, and the plan",
    .about =
        "Print a network in canonical form, a table of its layers, and what it takes to train and to use it.\n"
        "\n"
        "FLOPs are those of matrix products: of one sample's forward pass in the table of layers, of a whole batch "
        "below "
        "it. Records are the operations that layers consist of; groups are records that run together, tile by tile, "
        "while "
        "a tile is in the cache; the groups of a phase run at once. The arena holds all activations and "
        "gradients; the memory in all adds the scratch of each thread and the state of the update rule.",
    .examples =
        "  lamina describe \"{affine 100 - batchnorm - relu} x 4 - affine 10 - softmax\" --input 1x28x28 --plan\n"
        "  lamina describe runs/001\n",
    .rows = rows,
    .own_size = sizeof(struct opts),
    .groups = LAMI_FOR_ALL | LAMI_FOR_BATCH,
    .also = "dtype precision classes optim l2",
    .arg_name = "NET|RUN|MODEL",
    .least_args = 1,
    .most_args = 1,
    .run = run,
};
