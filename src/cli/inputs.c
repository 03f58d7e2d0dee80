/* inputs: see inputs.h. */
#include "inputs.h"

#include <stdio.h>
#include <string.h>

#include "../core/file.h"
#include "../core/mathfn.h"
#include "../core/mem.h"
#include "../data/source.h"
#include "../net/notation.h"
#include "../train/metrics.h"
#include "../train/solver.h"
#include "output.h"

/* A safetensors file begins with the header's length, 8 bytes with zeros at the end; a text has no zeros. */
static int begins_with_length(const char *path)
{
    char start[8];
    FILE *file = fopen(path, "rb");
    if (!file)
        return 0;
    const size_t got = fread(start, 1, sizeof start, file);
    fclose(file);
    return memchr(start, 0, got) != NULL;
}

int cli_is_model(const char *argument)
{
    return lami_is_folder(argument) || (lami_is_file(argument) && begins_with_length(argument));
}

lam_status cli_open_network(lam_net **net, const cli_call *call, const char *input, int weights)
{
    char *text = NULL;
    lam_shape shape;
    if (cli_is_model(call->arg[0]))
        return input ? lami_fail(LAM_EOPTION, "--input: the model has its own input shape")
                     : lam_net_load(net, call->arg[0]);
    LAM_TRY(lami_notation_text(&text, call->arg[0]));
    lam_status status;
    if (!input)
        status =
            lami_fail(LAM_EOPTION, "--input is needed: the shape of a sample, such as --input 784 or --input 3x32x32");
    else if ((status = lam_shape_parse(&shape, input)))
        lami_fail_at(status, "--input");
    else
        status = weights ? lam_net_new(net, text, &shape, call->options)
                         : lami_net_build(net, text, &shape, 0, call->options);
    lami_free(text);
    return status;
}

/* ---- data of a model --------------------------------------------------------------------------------------------- */

/* Options and data path of a run, with those of the command line that say how data is read and split. */
static lam_status run_options(lam_options **merged, char **path, const char *run, const lam_options *given)
{
    LAM_TRY(lami_run_config(merged, path, run));
    for (size_t i = 0; i < lami_option_count; i++) {
        const lami_option *o = &lami_option_table[i];
        const char *value;
        const int reads = o->groups & (LAMI_FOR_READ | LAMI_FOR_SPLIT) || !strcmp(o->name, "seed");
        if (!reads || !lami_option_given(given, o->offset))
            continue;
        LAM_TRY(lam_options_get(&value, given, o->name));
        LAM_TRY(lam_options_set(*merged, o->name, value));
    }
    return LAM_OK;
}

/* Numbers are stored in the network's type, columns and classes are the model's. whole: without parts split off. */
static lam_status open_for(lam_data **data, const lam_net *net, const char *path, const lam_options *options, int whole,
                           int unlabeled, const lami_source *input)
{
    lam_options *own = NULL;
    lami_open how = {
        .schema = net->schema, .reals = lami_loss_wants(net->loss), .label_optional = unlabeled, .input = input
    };
    lam_status status;
    if (net->input.rank == 3 && (net->input.dim[0] == 1 || net->input.dim[0] == 3))
        how.image = &net->input;
    if (net->names == net->classes && net->class_name) {
        how.classes = net->names;
        how.class_name = net->class_name;
    }
    how.all_files = whole;
    LAM_TRY_DONE(lami_options_copy(&own, options));
    LAM_TRY_DONE(lam_options_set(own, "dtype", lami_dtype_name(net->dtype)));
    if (whole) {
        LAM_TRY_DONE(lam_options_set(own, "val", ""));
        LAM_TRY_DONE(lam_options_set(own, "test", ""));
        LAM_TRY_DONE(lam_options_set(own, "samples", "0"));
    }
    how.options = own;
    LAM_TRY_DONE(lami_data_open(data, path, &how));
    status = lami_check_fit(net, *data);
    if (status)
        lami_fail_at(status, "%s", lami_source_is_input(path) ? "standard input" : path);
done:
    lam_options_free(own);
    return status;
}

lam_status cli_open_model(lam_net **net, lam_data **data, const char *model, const char *data_path,
                          const cli_call *call, int unlabeled)
{
    char left_out[CLI_LEFT_OUT];
    lam_options *of_run = NULL;
    char *path = NULL;
    lam_status status;
    LAM_TRY_DONE(lam_net_load(net, model));
    if (lami_is_folder(model))
        LAM_TRY_DONE(run_options(&of_run, &path, model, call->given));
    if (!data_path && !path) {
        status = lami_fail(LAM_EOPTION, "--data is needed: on which data set?");
        goto done;
    }
    /* the run's split is one of its own data */
    const int own = of_run && (!data_path || (path && !strcmp(data_path, path)));
    LAM_TRY_DONE(open_for(data, *net, data_path ? data_path : path, own ? of_run : call->options, 0, unlabeled, NULL));
    if ((*data)->bad_files.count && !call->quiet)
        fprintf(stderr, "lamina: %s\n", cli_left_out(left_out, (*data)->bad_files.count));
done:
    lam_options_free(of_run);
    lami_free(path);
    return status;
}

lam_status cli_open_samples(lam_data **data, const lam_net *net, const char *path, const lam_options *options,
                            const lami_source *input)
{
    const lam_status status = open_for(data, net, path, options, 1, 1, input);
    if (status) {
        lam_data_free(*data);
        *data = NULL;
    }
    return status;
}

int cli_is_data(const char *path)
{
    const size_t length = strcspn(path, ":");
    const int here = lami_is_file(path);
    for (const lami_data_kind *const *kind = lami_data_kinds; *kind; kind++) {
        if (here && (*kind)->matches(path))
            return 1;
        if (!here && path[length] && strlen((*kind)->name) == length && !memcmp((*kind)->name, path, length))
            return 1;
    }
    return 0;
}

/* ---- parts ------------------------------------------------------------------------------------------------------- */

lam_status cli_part(lam_part *part, const lam_data *data, int split)
{
    *part = split >= 0 ? (lam_part)split : lam_data_count(data, LAM_TEST) ? LAM_TEST : LAM_TRAIN;
    if (lam_data_count(data, *part))
        return LAM_OK;
    return lami_fail(LAM_EINVAL, "%s has no %s part%s", data->path ? data->path : "the data set", lami_part_name(*part),
                     *part == LAM_VAL ? "; --val makes one" : "");
}

/* ---- scores ------------------------------------------------------------------------------------------------------ */

cli_answer cli_answer_of(const lam_net *net, const lam_data *data)
{
    const lami_loss *loss = net->loss;
    if (!loss->reals)
        return CLI_CLASSES;
    const int numbers = data && !data->unlabeled ? data->targets > 0
                        : net->schema            ? net->schema->classes == 0
                                                 : loss->values;
    if (numbers)
        return loss->values ? CLI_VALUES : CLI_LABELS;
    return net->classes == 1 ? CLI_YES_NO : CLI_CLASSES;
}

const char *cli_class_name(char text[CLI_CLASS_TEXT], const lam_net *net, size_t class)
{
    if (class < net->names)
        return net->class_name[class];
    snprintf(text, CLI_CLASS_TEXT, "%zu", class);
    return text;
}

const char *cli_value_name(char text[CLI_CLASS_TEXT], const lam_net *net, size_t k)
{
    if (k < net->names && net->class_name[k][0])
        return net->class_name[k];
    if (net->classes == 1)
        snprintf(text, CLI_CLASS_TEXT, "value");
    else
        snprintf(text, CLI_CLASS_TEXT, "value %zu", k);
    return text;
}

static double score(const lam_net *net, const void *scores, size_t sample, size_t class)
{
    const size_t at = sample * net->classes + class;
    return lami_real_at(scores, net->dtype, at);
}

size_t cli_best(const lam_net *net, const void *scores, size_t sample)
{
    size_t best = 0;
    if (net->classes == 1 && net->loss->reals)
        return score(net, scores, sample, 0) > net->loss->yes;
    for (size_t c = 1; c < net->classes; c++)
        if (score(net, scores, sample, c) > score(net, scores, sample, best))
            best = c;
    return best;
}

int cli_has_probability(const lam_net *net)
{
    return net->loss == &lami_softmax || net->loss == &lami_logistic;
}

double cli_sigmoid(double x)
{
    const double e = lami_exp(x < 0 ? x : -x);
    return (x < 0 ? e : 1) / (1 + e);
}

static void softmax(double *row, size_t count, double largest)
{
    double sum = 0;
    for (size_t c = 0; c < count; c++) {
        row[c] = lami_exp(row[c] - largest);
        sum += row[c];
    }
    for (size_t c = 0; c < count; c++)
        row[c] /= sum;
}

void cli_numbers(double *row, const lam_net *net, const void *scores, size_t sample, int probabilities)
{
    for (size_t c = 0; c < net->classes; c++)
        row[c] = score(net, scores, sample, c);
    if (probabilities && net->loss == &lami_softmax)
        softmax(row, net->classes, row[cli_best(net, scores, sample)]);
    for (size_t c = 0; probabilities && net->loss == &lami_logistic && c < net->classes; c++)
        row[c] = cli_sigmoid(row[c]);
}

/* ---- plans ------------------------------------------------------------------------------------------------------- */

const char *cli_record_op(char name[64], const lami_record *record)
{
    snprintf(name, 64, "%s%s", lami_op_table[record->op].name, record->bf16 ? "_bf16" : "");
    return name;
}

const char *cli_record_owner(char name[64], const lam_net *net, const lami_record *record)
{
    if (record->node >= 0)
        lami_node_name(name, net, (size_t)record->node);
    else
        snprintf(name, 64, "%s", record->node == LAMI_NODE_UPDATE ? "update" : net->loss->name);
    return name;
}

/* Updates may stand among the backward pass, merged with the gradients they use. */
const char *cli_record_part(const lami_plan *plan, size_t record)
{
    static const char *const names[LAMI_PARTS] = { "forward", "backward", "update" };
    return plan->record[record].node == LAMI_NODE_UPDATE ? "update" : names[plan->record_part[record]];
}
