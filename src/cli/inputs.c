/* inputs: see inputs.h. */
#include "inputs.h"

#include <stdio.h>
#include <string.h>

#include "../core/file.h"
#include "../core/mathfn.h"
#include "../core/mem.h"
#include "../train/metrics.h"
#include "../train/solver.h"

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

/* Options and data path of a run, with `val` and `seed` of the command line where they are given. */
static lam_status run_options(lam_options **merged, char **path, const char *run, const lam_options *given)
{
    LAM_TRY(lami_run_config(merged, path, run));
    const char *seed;
    if (given->val)
        LAM_TRY(lam_options_set(*merged, "val", given->val));
    if (!lami_option_given(given, offsetof(lam_options, seed)))
        return LAM_OK;
    LAM_TRY(lam_options_get(&seed, given, "seed"));
    return lam_options_set(*merged, "seed", seed);
}

lam_status cli_open_model(lam_net **net, lam_data **data, const char *model, const char *data_path,
                          const lam_options *options)
{
    lam_options *of_run = NULL;
    char *path = NULL;
    lam_status status;
    LAM_TRY_DONE(lam_net_load(net, model));
    if (lami_is_folder(model))
        LAM_TRY_DONE(run_options(&of_run, &path, model, options));
    if (!data_path && !path) {
        status = lami_fail(LAM_EOPTION, "--data is needed: on which data set?");
        goto done;
    }
    /* the run's split is one of its own data */
    const int own = of_run && (!data_path || (path && !strcmp(data_path, path)));
    LAM_TRY_DONE(lam_data_open(data, data_path ? data_path : path, own ? of_run : options));
    LAM_TRY_DONE(lami_check_fit(*net, *data));
done:
    lam_options_free(of_run);
    lami_free(path);
    return status;
}

/* ---- parts ------------------------------------------------------------------------------------------------------- */

const char *cli_part_name(lam_part part)
{
    static const char *const names[] = { "training", "validation", "test" };
    return names[part];
}

lam_status cli_part(lam_part *part, const lam_data *data, int split)
{
    *part = split >= 0 ? (lam_part)split : lam_data_count(data, LAM_TEST) ? LAM_TEST : LAM_TRAIN;
    if (lam_data_count(data, *part))
        return LAM_OK;
    return lami_fail(LAM_EINVAL, "%s has no %s part%s", data->path ? data->path : "the data set", cli_part_name(*part),
                     *part == LAM_VAL ? "; --val makes one" : "");
}

/* ---- scores ------------------------------------------------------------------------------------------------------ */

const char *cli_class_name(char text[CLI_CLASS_TEXT], const lam_net *net, size_t class)
{
    if (net->class_name && class < net->classes)
        return net->class_name[class];
    snprintf(text, CLI_CLASS_TEXT, "%zu", class);
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
    for (size_t c = 1; c < net->classes; c++)
        if (score(net, scores, sample, c) > score(net, scores, sample, best))
            best = c;
    return best;
}

int cli_has_probability(const lam_net *net)
{
    return net->loss == &lami_softmax;
}

double cli_probability(const lam_net *net, const void *scores, size_t sample, size_t class)
{
    const double own = score(net, scores, sample, class);
    if (!cli_has_probability(net))
        return own;
    const double largest = score(net, scores, sample, cli_best(net, scores, sample));
    double sum = 0;
    for (size_t c = 0; c < net->classes; c++)
        sum += lami_exp(score(net, scores, sample, c) - largest);
    return lami_exp(own - largest) / sum;
}

/* ---- plans ------------------------------------------------------------------------------------------------------- */

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
