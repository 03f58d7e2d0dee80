/* survey_json: a survey for --json. */
#include "output.h"
#include "survey.h"

static const char *const part_key[CLI_PARTS] = { "train", "val", "test" };

static void set_summary(json_t *object, const cli_summary *s)
{
    json_object_set_new(object, "min", lami_json_real(s->least));
    json_object_set_new(object, "mean", lami_json_real(s->mean));
    json_object_set_new(object, "max", lami_json_real(s->most));
    json_object_set_new(object, "deviation", lami_json_real(s->deviation));
}

static json_t *json_group(const cli_group *g)
{
    const lami_column *c = g->column;
    const int categories = c && c->category;
    json_t *object =
        json_pack("{s:o, s:s, s:I, s:I}", "name", lami_json_text(g->name), "kind", categories ? "category" : "number",
                  "inputs", (json_int_t)g->count, "constant", (json_int_t)g->constant);
    if (c)
        json_object_set_new(object, "missing", json_integer((json_int_t)c->missing));
    if (categories) {
        json_t *names = json_array();
        for (size_t i = 0; i < c->categories; i++)
            json_array_append_new(names, lami_json_text(c->category[i]));
        json_object_set_new(object, "categories", names);
        json_object_set_new(object, "one_hot", json_boolean(c->one_hot));
    } else
        set_summary(object, &g->summary);
    return object;
}

static json_t *json_answers(const cli_survey *s)
{
    char text[CLI_CLASS_TEXT];
    json_t *list = json_array();
    for (size_t c = 0; s->class_count && c < s->data->classes; c++) {
        json_t *one = json_pack("{s:o}", "class", lami_json_text(lam_data_class_name(s->data, c)));
        for (int p = LAM_TRAIN; p < CLI_PARTS; p++)
            json_object_set_new(one, part_key[p], json_integer((json_int_t)cli_survey_class(s, c)[p]));
        json_array_append_new(list, one);
    }
    for (size_t k = 0; s->target && k < s->data->targets; k++) {
        json_t *one = json_pack("{s:o}", "target", lami_json_text(cli_survey_target(text, s, k)));
        set_summary(one, &s->target[k]);
        json_array_append_new(list, one);
    }
    return list;
}

static json_t *json_duplicates(const cli_survey *s)
{
    char key[2 * CLI_TEXT_MAX];
    json_t *object = json_object();
    for (int p = LAM_TRAIN; p < CLI_PARTS; p++)
        json_object_set_new(object, part_key[p], json_integer((json_int_t)s->twins.within[p]));
    for (int a = LAM_TRAIN; a < CLI_PARTS; a++)
        for (int b = a + 1; b < CLI_PARTS; b++) {
            snprintf(key, sizeof key, "%s_%s", part_key[a], part_key[b]);
            json_object_set_new(object, key, json_integer((json_int_t)s->twins.across[a][b]));
        }
    json_object_set_new(object, "conflicting", json_integer((json_int_t)s->twins.conflicts));
    return object;
}

static json_t *json_bad_rows(const cli_survey *s)
{
    const size_t most = sizeof s->bad.first / sizeof *s->bad.first;
    json_t *list = json_array();
    for (size_t i = 0; i < s->bad.count && i < most; i++)
        json_array_append_new(list, json_pack("{s:I, s:o}", "line", (json_int_t)s->bad.first[i].line, "why",
                                              lami_json_text(s->bad.first[i].why)));
    return json_pack("{s:I, s:o}", "count", (json_int_t)s->bad.count, "first", list);
}

static json_t *json_bad_files(const cli_survey *s)
{
    const lami_bad_files *bad = &s->data->bad_files;
    json_t *list = json_array();
    for (size_t i = 0; i < bad->count; i++)
        json_array_append_new(list, json_pack("{s:o, s:o}", "path", lami_json_text(bad->file[i].path), "why",
                                              lami_json_text(bad->file[i].why)));
    return list;
}

lam_status cli_survey_print_json(const cli_survey *s)
{
    char shape[LAMI_SHAPE_TEXT];
    json_t *inputs = json_array(), *samples = json_object();
    for (size_t i = 0; i < s->groups; i++)
        json_array_append_new(inputs, json_group(&s->group[i]));
    for (int p = LAM_TRAIN; p < CLI_PARTS; p++)
        json_object_set_new(samples, part_key[p], json_integer((json_int_t)s->data->part[p].count));
    json_t *json = json_pack("{s:o, s:s, s:o, s:s, s:s, s:o, s:o}", "data", lami_json_text(s->path), "kind",
                             cli_survey_kind(s), "samples", samples, "shape", lami_shape_text(shape, &s->data->shape),
                             "dtype", lami_dtype_name(s->data->dtype), "inputs", inputs,
                             s->data->targets ? "targets" : "classes", json_answers(s));
    if (s->weight.count) {
        json_t *weight = json_object();
        set_summary(weight, &s->weight);
        json_object_set_new(json, "weight", weight);
    }
    json_object_set_new(json, "bad_rows", json_bad_rows(s));
    if (lami_data_sample_path(s->data, LAM_TRAIN, 0))
        json_object_set_new(json, "bad_files", json_bad_files(s));
    json_object_set_new(json, "duplicates", json_duplicates(s));
    json_object_set_new(json, "constant", json_integer((json_int_t)cli_survey_constant(s)));
    json_object_set_new(json, "not_finite", json_integer((json_int_t)s->not_finite));
    return cli_json_print(json);
}
