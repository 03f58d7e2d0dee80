/* results: see results.h. */
#include "results.h"

#include <math.h>
#include <string.h>

#include "../train/metrics.h"

enum { MEASURE_WIDTH = 21 };

void cli_print_data(FILE *out, const lam_data *data)
{
    char shape[LAMI_SHAPE_TEXT], number[CLI_TEXT_MAX], left_out[CLI_LEFT_OUT];
    const size_t targets = lam_data_targets(data);
    fprintf(out, "data      %s: %s, ", data->path ? data->path : "arrays", lami_shape_text(shape, &data->shape));
    if (targets)
        fprintf(out, "%zu number%s to predict;", targets, targets == 1 ? "" : "s");
    else
        fprintf(out, "%zu classes;", lam_data_classes(data));
    const char *comma = " ";
    for (int part = LAM_TRAIN; part <= LAM_TEST; part++) {
        const size_t count = lam_data_count(data, (lam_part)part);
        if (!count)
            continue;
        fprintf(out, "%s%s %s", comma, cli_count(number, count), lami_part_name((lam_part)part));
        comma = ", ";
    }
    fputc('\n', out);
    if (data->bad_files.count)
        fprintf(out, "          %s\n", cli_left_out(left_out, data->bad_files.count));
}

const char *cli_score(char text[CLI_TEXT_MAX], int values, double score)
{
    if (!isfinite(score))
        snprintf(text, CLI_TEXT_MAX, "-");
    else if (values)
        snprintf(text, CLI_TEXT_MAX, "%.4f", score);
    else
        snprintf(text, CLI_TEXT_MAX, "%.2f%%", 100 * score);
    return text;
}

void cli_print_measure(const char *part, int values, double value, const char *rest)
{
    char text[CLI_TEXT_MAX];
    if (!isfinite(value))
        return;
    const int width = printf("%s %s", part, values ? "R2" : "accuracy");
    printf("%*s%s%s\n", width < MEASURE_WIDTH ? MEASURE_WIDTH - width : 1, "", cli_score(text, values, value), rest);
}

void cli_print_test(int values, const lam_metrics *test)
{
    char rest[128], count[CLI_TEXT_MAX];
    if (!test->count)
        return;
    if (isfinite(test->r2))
        snprintf(rest, sizeof rest, "  (%s samples, rmse %.4g, mean error %.4g)", cli_count(count, test->count),
                 test->rmse, test->mae);
    else
        snprintf(rest, sizeof rest, "  (%s samples, loss %.4g)", cli_count(count, test->count), test->loss);
    cli_print_measure("test", values, lami_score(test), rest);
}

void cli_print_model(const char *run)
{
    printf("model                %s%sbest.safetensors\n", run, run[strlen(run) - 1] == '/' ? "" : "/");
}

static json_t *json_digest(const cli_outcome *o, const char *digest)
{
    return o->net ? json_string(digest) : json_null();
}

json_t *cli_json_outcome(const cli_outcome *o)
{
    const lami_result *r = o->result;
    const int test = o->test.count > 0;
    json_t *json =
        json_pack("{s:o, s:o, s:o, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o}", "test_accuracy",
                  lami_json_real(test ? o->test.accuracy : NAN), "val_accuracy",
                  lami_json_real(o->values ? NAN : o->val), "loss", lami_json_real(o->net ? r->loss : NAN), "epochs",
                  (json_int_t)r->epochs, "steps", (json_int_t)r->steps, "seconds", lami_json_real(r->seconds),
                  "samples_per_second", lami_json_real(r->samples_per_second), "parameters",
                  o->net ? json_integer((json_int_t)lami_net_trained_count(o->net)) : json_null(), "weights_sha256",
                  json_digest(o, r->weights_sha256), "best_sha256", json_digest(o, r->best_sha256), "run",
                  o->run ? lami_json_text(o->run) : json_null());
    if (json && o->tta && strcmp(o->tta, "none"))
        json_object_set_new(json, "tta", json_string(o->tta));
    if (json && o->values) {
        json_object_set_new(json, "val_r2", lami_json_real(o->val));
        json_object_set_new(json, "test_r2", lami_json_real(test ? o->test.r2 : NAN));
        json_object_set_new(json, "test_rmse", lami_json_real(test ? o->test.rmse : NAN));
        json_object_set_new(json, "test_mae", lami_json_real(test ? o->test.mae : NAN));
    }
    return json;
}
