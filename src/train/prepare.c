/* prepare: see prepare.h. */
#include "prepare.h"

#include <string.h>

#include "../core/mem.h"
#include "../core/nearest.h"
#include "../core/number.h"
#include "whiten.h"

/* ---- another model's weights ---- */

/* With the preprocessing that they were trained with. */
static lam_status take_start(lam_net *net, const lam_options *options)
{
    lam_status status = LAM_OK;
    lam_net *from = NULL;
    double *values = NULL;
    LAM_TRY_DONE(lam_net_load(&from, options->start));
    if (strcmp(from->notation, net->notation) || !lami_shape_equal(&from->input, &net->input)) {
        char a[LAMI_SHAPE_TEXT], b[LAMI_SHAPE_TEXT];
        status =
            lami_fail(LAM_ESHAPE, "--start: %s is another network: %s of %s, not %s of %s", options->start,
                      from->notation, lami_shape_text(a, &from->input), net->notation, lami_shape_text(b, &net->input));
        goto done;
    }
    for (size_t i = 0; i < net->params; i++) {
        lami_free(values);
        values = lami_alloc(net->param[i].count, sizeof *values);
        if (!values) {
            status = LAM_ENOMEM;
            goto done;
        }
        lam_tensor tensor = { LAM_F64, net->param[i].file_shape, values }; /* float fits into it exactly */
        LAM_TRY_DONE(lam_net_get(from, net->param[i].name, &tensor));
        LAM_TRY_DONE(lam_net_set(net, net->param[i].name, &tensor));
    }
    if (from->prep.text && !options->preprocess)
        LAM_TRY_DONE(lami_net_set_prep(net, &from->prep));
    if (from->units.count) {
        LAM_TRY_DONE(lami_net_set_units(net, from->units.count));
        memcpy(net->units.scale, from->units.scale, from->units.count * sizeof(double));
        memcpy(net->units.shift, from->units.shift, from->units.count * sizeof(double));
    }
done:
    lami_free(values);
    lam_net_free(from);
    return status;
}

/* ---- units of targets ---- */

/* Mean and deviation (over n) of the training part's targets; a target that never changes is only shifted. */
static lam_status fit_units(lam_net *net, const lam_data *data)
{
    const lami_part *train = &data->part[LAM_TRAIN];
    const size_t each = data->targets;
    if (!net->loss->values || !each)
        return lami_fail(LAM_EOPTION, "--scale-targets is for mse on data with numbers to predict");
    LAM_TRY(lami_net_set_units(net, each));
    for (size_t k = 0; k < each; k++) {
        double sum = 0, squares = 0;
        for (size_t i = 0; i < train->count; i++)
            sum += train->target[i * each + k] - train->target[k];
        const double mean = train->target[k] + sum / (double)train->count; /* exact where it never changes */
        for (size_t i = 0; i < train->count; i++) {
            const double d = train->target[i * each + k] - mean;
            squares += d * d;
        }
        const double deviation = __builtin_sqrt(squares / (double)train->count);
        net->units.shift[k] = mean;
        net->units.scale[k] = deviation > 0 ? deviation : 1;
    }
    return LAM_OK;
}

lam_status lami_prepare_net(lam_net *net, const lam_data *data, const lam_options *options)
{
    lami_prep prep = { 0 };
    if (options->start)
        LAM_TRY(take_start(net, options));
    if (data->class_name || data->target_name)
        LAM_TRY(lami_net_set_class_names(net, data));
    if (data->schema)
        LAM_TRY(lami_net_set_schema(net, data->schema));
    if (options->scale_targets && !net->units.count)
        LAM_TRY(fit_units(net, data));
    if (net->prep.text) /* trained before: its weights are not first ones */
        return LAM_OK;
    LAM_TRY(lami_prep_fit(&prep, options->preprocess, data));
    const lam_status status = lami_net_set_prep(net, &prep);
    lami_prep_free(&prep);
    return status || options->start ? status : lami_whiten(net, data, options);
}

/* ---- weights of classes ---- */

static const char *class_name(size_t i, const void *data)
{
    return lam_data_class_name(data, i);
}

static void balance(double *weights, const lam_data *data)
{
    const lami_part *train = &data->part[LAM_TRAIN];
    for (size_t i = 0; i < train->count; i++)
        weights[train->label[i]]++;
    for (size_t k = 0; k < data->classes; k++)
        if (weights[k] > 0)
            weights[k] = (double)train->count / ((double)data->classes * weights[k]);
}

/* One CLASS=W; the last "=" divides it, as names may hold one. */
static lam_status set_one(double *weights, const lam_data *data, const char *item)
{
    const char *equals = strrchr(item, '=');
    double value;
    if (!equals || lami_parse_real(&value, equals + 1) || !(value >= 0))
        return lami_fail(LAM_EOPTION, "--class-weight: \"%.64s\" is not CLASS=W with W at least 0, nor balanced", item);
    char *name = lami_strndup(item, (size_t)(equals - item));
    if (!name)
        return LAM_ENOMEM;
    size_t k = 0;
    while (k < data->classes && strcmp(class_name(k, data), name))
        k++;
    lam_status status = LAM_OK;
    if (k < data->classes)
        weights[k] = value;
    else {
        char meant[LAMI_MEANT_TEXT];
        status = lami_fail(LAM_EOPTION, "--class-weight: no class \"%.64s\"%s", name,
                           lami_did_you_mean(meant, name, data->classes, class_name, data));
    }
    lami_free(name);
    return status;
}

static lam_status set_list(double *weights, const lam_data *data, const char *text)
{
    lam_status status = LAM_OK;
    for (size_t k = 0; k < data->classes; k++)
        weights[k] = 1;
    while (!status && *text) {
        const size_t length = strcspn(text, ",");
        char *item = lami_strndup(text, length);
        status = item ? set_one(weights, data, item) : LAM_ENOMEM;
        lami_free(item);
        text += length + (text[length] == ',');
    }
    double sum = 0;
    for (size_t k = 0; k < data->classes; k++)
        sum += weights[k];
    return status || sum > 0 ? status : lami_fail(LAM_EOPTION, "--class-weight: all are 0");
}

lam_status lami_class_weights(double **out, const lam_data *data, const char *text)
{
    lam_status status = LAM_OK;
    *out = NULL;
    if (!text)
        return LAM_OK;
    if (!data->classes)
        return lami_fail(LAM_EOPTION, "--class-weight is for data with classes");
    double *weights = lami_alloc(data->classes, sizeof *weights);
    if (!weights)
        return LAM_ENOMEM;
    if (!strcmp(text, "balanced"))
        balance(weights, data);
    else
        status = set_list(weights, data, text);
    if (status)
        lami_free(weights);
    else
        *out = weights;
    return status;
}
