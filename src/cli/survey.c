/* survey: what is found out about a data set. */
#include "survey.h"

#include <string.h>

#include "../core/file.h"
#include "../core/mem.h"
#include "../core/parallel.h"
#include "../data/source.h"

static size_t group_count(const lam_data *data)
{
    return data->schema ? data->schema->columns : data->shape.rank == 3 ? data->shape.dim[0] : 1;
}

static void set_group(cli_group *g, const lam_data *data, size_t i, size_t first)
{
    const size_t all = lam_shape_count(&data->shape), groups = group_count(data);
    g->first = first;
    g->count = all / groups;
    if (data->schema) {
        const lami_column *c = &data->schema->column[i];
        g->column = c;
        g->count = c->one_hot ? c->categories : 1;
        if (c->name[0])
            snprintf(g->name, sizeof g->name, "%s", c->name);
        else
            snprintf(g->name, sizeof g->name, "column %zu", c->place);
    } else if (groups > 1)
        snprintf(g->name, sizeof g->name, "channel %zu", i);
    else
        snprintf(g->name, sizeof g->name, all == 1 ? "%zu input" : "%zu inputs", all);
}

static int never_changes(const cli_summary *s)
{
    return s->count > 1 && !s->not_finite && s->least == s->most;
}

static lam_status find_inputs(cli_survey *s)
{
    cli_summary *part[CLI_PARTS] = { NULL };
    const lam_data *data = s->data;
    const size_t size = lam_shape_count(&data->shape);
    lam_status status = LAM_OK;
    for (int p = LAM_TRAIN; p < CLI_PARTS; p++) {
        /* the others are looked through for what bytes cannot hold */
        if (p != LAM_TRAIN && (data->dtype == LAM_U8 || !data->part[p].count))
            continue;
        LAM_TRY_DONE(cli_summarise_inputs(&part[p], data, (lam_part)p));
        for (size_t j = 0; j < size; j++)
            s->not_finite += part[p][j].not_finite;
    }
    s->groups = group_count(data);
    if (!(s->group = lami_alloc(s->groups, sizeof *s->group))) {
        status = LAM_ENOMEM;
        goto done;
    }
    for (size_t i = 0, first = 0; i < s->groups; first += s->group[i++].count) {
        cli_group *g = &s->group[i];
        set_group(g, data, i, first);
        g->summary = cli_summary_join(part[LAM_TRAIN] + first, g->count);
        for (size_t j = first; j < first + g->count; j++)
            g->constant += (size_t)never_changes(&part[LAM_TRAIN][j]);
    }
done:
    for (int p = LAM_TRAIN; p < CLI_PARTS; p++)
        lami_free(part[p]);
    return status;
}

static lam_status find_classes(cli_survey *s)
{
    const lam_data *data = s->data;
    size_t largest = 0, smallest = SIZE_MAX;
    if (!(s->class_count = lami_alloc(data->classes, CLI_PARTS * sizeof *s->class_count)))
        return LAM_ENOMEM;
    for (int p = LAM_TRAIN; p < CLI_PARTS; p++)
        for (size_t i = 0; data->part[p].label && i < data->part[p].count; i++)
            s->class_count[(size_t)data->part[p].label[i] * CLI_PARTS + (size_t)p]++;
    for (size_t c = 0; c < data->classes; c++) {
        const size_t count = s->class_count[c * CLI_PARTS + LAM_TRAIN];
        s->empty_classes += count == 0;
        largest = count > largest ? count : largest;
        smallest = count && count < smallest ? count : smallest;
    }
    s->balance = largest ? (double)largest / (double)smallest : 1;
    return LAM_OK;
}

static lam_status find_targets(cli_survey *s)
{
    const lami_part *train = &s->data->part[LAM_TRAIN];
    const size_t each = s->data->targets;
    if (!(s->target = lami_alloc(each, sizeof *s->target)))
        return LAM_ENOMEM;
    for (size_t k = 0; k < each; k++)
        s->target[k] = cli_summarise(train->target + k, train->count, each);
    return LAM_OK;
}

static lam_status find_all(cli_survey *s, const lam_options *options)
{
    const lami_part *train = &s->data->part[LAM_TRAIN];
    const int threads = options->threads ? (int)options->threads : lami_cpus();
    LAM_TRY(find_inputs(s));
    if (s->data->classes)
        LAM_TRY(find_classes(s));
    if (train->target)
        LAM_TRY(find_targets(s));
    if (train->weight)
        s->weight = cli_summarise(train->weight, train->count, 1);
    return lami_duplicates_find(&s->twins, s->data, threads);
}

lam_status cli_survey_make(cli_survey *s, const char *path, const lam_options *options)
{
    const lami_open how = { .options = options, .reals = -1, .bad = &s->bad };
    *s = (cli_survey) { .path = path };
    LAM_TRY(lami_data_open(&s->data, path, &how));
    return find_all(s, options);
}

void cli_survey_free(cli_survey *s)
{
    lami_free(s->group);
    lami_free(s->class_count);
    lami_free(s->target);
    lam_data_free(s->data);
}

const char *cli_survey_kind(const cli_survey *s)
{
    const char *const path = s->path;
    const size_t length = strcspn(path, ":");
    if (lami_source_is_input(path))
        return s->data->schema ? lami_data_csv.name : "arrays";
    const int here = lami_is_file(path) || lami_is_folder(path);
    for (const lami_data_kind *const *kind = lami_data_kinds; *kind; kind++)
        if (here ? (*kind)->matches(path) > 0 : strlen((*kind)->name) == length && !memcmp((*kind)->name, path, length))
            return (*kind)->name;
    return "data set";
}

size_t cli_survey_constant(const cli_survey *s)
{
    size_t constant = 0;
    for (size_t i = 0; i < s->groups; i++)
        constant += s->group[i].constant;
    return constant;
}

const size_t *cli_survey_class(const cli_survey *s, size_t class)
{
    return s->class_count + class * CLI_PARTS;
}

const char *cli_survey_target(char text[CLI_CLASS_TEXT], const cli_survey *s, size_t k)
{
    const char *name = lam_data_target_name(s->data, k);
    if (name && name[0])
        return name;
    snprintf(text, CLI_CLASS_TEXT, "number %zu", k);
    return text;
}
