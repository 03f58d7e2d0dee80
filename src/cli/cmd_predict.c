/* lamina predict: classes, probabilities or numbers for samples of a data set, of tables and arrays, or of raw
 * bytes. */
#include <stddef.h>
#include <string.h>

#include "../core/escape.h"
#include "../core/file.h"
#include "../core/mem.h"
#include "../data/image.h"
#include "../data/npy.h"
#include "../data/source.h"
#include "../data/zip.h"
#include "../train/metrics.h"
#include "cli.h"
#include "predictions.h"

enum { FILE_MOST_BYTES = 1 << 30, PATH_TEXT = 1024 };

struct opts {
    const char *data, *out;
    int split, format, proba, scores;
    size_t first;
};
static const cli_row rows[] = {
    CLI_TEXT(struct opts, data, 'd', "data", "DATA", NULL, "predict samples of a data set in place of files"),
    CLI_CHOICE(struct opts, split, 0, "split", "PART", CLI_SPLITS,
               "part of the data set; default: test if there is one, else train"),
    CLI_SIZE(struct opts, first, 0, "first", "N", 0, 0, 1000000000000, "only the first N samples of each; 0: all"),
    CLI_CHOICE(struct opts, format, 0, "format", "FORMAT", CLI_FORMATS, "how predictions are written; default text"),
    CLI_TEXT(struct opts, out, 'o', "out", "FILE", NULL, "write them to FILE; default: standard output"),
    CLI_FLAG(struct opts, proba, 0, "proba", "text, JSON: a probability of each class, not only of the best"),
    CLI_FLAG(struct opts, scores, 0, "scores", "the network's scores in place of probabilities"),
    CLI_END,
};

/* What predicting needs, made once. */
typedef struct predictor {
    lam_net *net;
    lam_session *session;
    lami_batch_rows rows;
    cli_predictions *predictions;
    const lam_options *options;
    size_t first; /* of each source; 0: all */
    int quiet;
} predictor;

static lam_status predictor_new(predictor *p, const cli_call *call, size_t samples)
{
    const struct opts *o = call->own;
    const cli_style style = { .format = call->json       ? CLI_JSON
                                        : o->format >= 0 ? (cli_format)o->format
                                                         : CLI_TEXT_LINES,
                              .out = o->out,
                              .all = o->proba,
                              .raw = o->scores,
                              .samples = samples,
                              .with_paths = !o->data };
    LAM_TRY(lam_session_new_predict(&p->session, p->net, call->options));
    LAM_TRY(lami_batch_rows_new(&p->rows, lami_session_batch(p->session)));
    return cli_predictions_new(&p->predictions, p->net, &style);
}

static void predictor_free(predictor *p)
{
    cli_predictions_free(p->predictions);
    lam_session_free(p->session);
    lami_batch_rows_free(&p->rows);
    lam_net_free(p->net);
}

/* ---- batches ----------------------------------------------------------------------------------------------------- */

/* `first` describes the first of the batch's samples. */
static lam_status predict_batch(const predictor *p, const lami_batch *b, cli_answer answer, cli_sample first)
{
    const void *scores;
    LAM_TRY(lami_session_score(&scores, NULL, p->session, b));
    for (size_t i = 0; i < b->n; i++) {
        cli_sample s = first;
        s.index = first.index + i;
        if (first.files && lami_data_sample_path(first.files, first.part, s.index)) {
            s.source = lami_data_sample_path(first.files, first.part, s.index);
            s.index = s.one_of_many = 0;
        }
        s.label = b->label ? b->label[i] : -1;
        s.target = b->target ? b->target[i] : NULL;
        LAM_TRY(cli_predictions_add(p->predictions, scores, i, answer, &s));
    }
    return LAM_OK;
}

static size_t at_most(size_t count, size_t most)
{
    return most && most < count ? most : count;
}

static lam_status predict_part(predictor *p, const lam_data *data, lam_part part, const char *source)
{
    const size_t count = lam_data_count(data, part), total = at_most(count, p->first);
    const cli_answer answer = cli_answer_of(p->net, data);
    for (size_t at = 0; at < total;) {
        const size_t n = at_most(total - at, lami_session_batch(p->session));
        const lami_batch b = lami_gather(&p->rows, data, part, NULL, at, n, NULL);
        LAM_TRY(predict_batch(p, &b, answer,
                              (cli_sample) { .source = source,
                                             .index = at,
                                             .one_of_many = count > 1,
                                             .files = source && !lami_source_is_input(source) ? data : NULL,
                                             .part = part }));
        at += n;
    }
    return LAM_OK;
}

static lam_status predict_bytes(predictor *p, const char *path, const uint8_t *bytes, size_t size)
{
    char shape[LAMI_SHAPE_TEXT];
    const size_t sample_bytes = lam_shape_count(&p->net->input), count = size / sample_bytes;
    const size_t total = at_most(count, p->first);
    const cli_answer answer = cli_answer_of(p->net, NULL);
    if (!size || size % sample_bytes)
        return lami_fail(LAM_EFORMAT,
                         "%s: %zu bytes are not whole samples: a sample of this network is %s, raw, %zu bytes", path,
                         size, lami_shape_text(shape, &p->net->input), sample_bytes);
    for (size_t at = 0; at < total;) {
        const lami_batch b = { .x = p->rows.x,
                               .type = LAM_U8,
                               .n = at_most(total - at, lami_session_batch(p->session)) };
        for (size_t i = 0; i < b.n; i++)
            p->rows.x[i] = bytes + (at + i) * sample_bytes;
        LAM_TRY(predict_batch(p, &b, answer, (cli_sample) { .source = path, .index = at, .one_of_many = count > 1 }));
        at += b.n;
    }
    return LAM_OK;
}

/* ---- sources ----------------------------------------------------------------------------------------------------- */

/* Image files that were left out. */
static void tell_bad_files(const predictor *p, const lam_data *data)
{
    char shown[PATH_TEXT];
    for (size_t i = 0; !p->quiet && i < data->bad_files.count; i++)
        fprintf(stderr, "lamina: %s: %s (left out)\n", lami_escape(shown, sizeof shown, data->bad_files.file[i].path),
                data->bad_files.file[i].why);
}

/* source: the path as it was given. */
static lam_status predict_samples(predictor *p, const char *source, const char *path, const lami_source *input)
{
    lam_data *data;
    lam_part part;
    const lam_status opened = cli_open_samples(&data, p->net, path, p->options, input);
    if (opened && p->options->skip_bad && lami_image_named(path)) {
        if (!p->quiet && (opened == LAM_EFORMAT || opened == LAM_EREAD))
            fprintf(stderr, "lamina: %s (left out)\n", lam_last_error());
        return opened == LAM_EFORMAT || opened == LAM_EREAD ? LAM_OK : opened;
    }
    LAM_TRY(opened);
    tell_bad_files(p, data);
    lam_status status = cli_part(&part, data, -1);
    if (!status)
        status = predict_part(p, data, part, source);
    lam_data_free(data);
    return status;
}

/* A file whose name does not say what it is, for a model that takes tables. */
static lam_status predict_table(predictor *p, const char *path)
{
    const size_t size = strlen(path) + sizeof "csv:";
    char *named = lami_alloc(size, 1);
    if (!named)
        return LAM_ENOMEM;
    snprintf(named, size, "csv:%s", path);
    const lam_status status = predict_samples(p, path, named, NULL);
    lami_free(named);
    return status;
}

/* A table, where the model was trained on one; arrays by their first bytes; else samples as raw bytes. */
static lam_status predict_input(predictor *p)
{
    lami_source input;
    LAM_TRY(lami_source_open(&input, "-", NULL, 0));
    const int arrays = lami_npy_looks_like(input.data, input.size) || lami_zip_looks_like(input.data, input.size) ||
                       lami_image_looks_like(input.data, input.size);
    const lam_status status =
        arrays || p->net->schema ? predict_samples(p, "-", "-", &input) : predict_bytes(p, "-", input.data, input.size);
    lami_source_close(&input);
    return status;
}

static lam_status predict_file(predictor *p, const char *path)
{
    lami_blob blob = { 0 };
    if (lami_source_is_input(path))
        return predict_input(p);
    if (cli_is_data(path) || lami_is_folder(path))
        return predict_samples(p, path, path, NULL);
    if (p->net->schema)
        return predict_table(p, path);
    lam_status status = lami_blob_open(&blob, path, FILE_MOST_BYTES);
    if (!status)
        status = predict_bytes(p, path, blob.data, blob.size);
    lami_blob_close(&blob);
    return status;
}

static lam_status predict_files(predictor *p, const cli_call *call)
{
    LAM_TRY(lam_net_load(&p->net, call->arg[0]));
    LAM_TRY(predictor_new(p, call, 0));
    for (size_t i = 1; i < call->args; i++)
        LAM_TRY(predict_file(p, call->arg[i]));
    return cli_predictions_end(p->predictions);
}

static lam_status predict_data(predictor *p, const cli_call *call)
{
    const struct opts *o = call->own;
    lam_data *data = NULL;
    lam_part part;
    lam_status status;
    LAM_TRY_DONE(cli_open_model(&p->net, &data, call->arg[0], o->data, call, 1));
    LAM_TRY_DONE(cli_part(&part, data, o->split));
    LAM_TRY_DONE(predictor_new(p, call, at_most(lam_data_count(data, part), p->first)));
    LAM_TRY_DONE(predict_part(p, data, part, NULL));
    status = cli_predictions_end(p->predictions);
done:
    lam_data_free(data);
    return status;
}

static lam_status check_call(const cli_call *call)
{
    const struct opts *o = call->own;
    if (o->data && call->args > 1)
        return lami_fail(LAM_EOPTION, "predict takes files or --data, not both");
    if (!o->data && call->args < 2)
        return lami_fail(LAM_EOPTION, "predict needs files, or --data (see lamina predict --help)");
    if (!o->data && o->split >= 0)
        return lami_fail(LAM_EOPTION, "--split goes with --data");
    for (size_t i = 0; !o->data && i < lami_option_count; i++)
        if (lami_option_table[i].groups & LAMI_FOR_SPLIT && lami_option_given(call->given, lami_option_table[i].offset))
            return lami_fail(LAM_EOPTION, "--%s goes with --data", lami_option_table[i].name);
    if (call->json && o->format >= 0 && o->format != CLI_JSON)
        return lami_fail(LAM_EOPTION, "--json is --format json: give one of them");
    return LAM_OK;
}

static int run(const cli_call *call)
{
    const struct opts *o = call->own;
    predictor p = { .options = call->options, .first = o->first, .quiet = call->quiet };
    lam_status status = check_call(call);
    if (!status)
        status = o->data ? predict_data(&p, call) : predict_files(&p, call);
    predictor_free(&p);
    return cli_report(status);
}

const cli_cmd cmd_predict = {
    .name = "predict",
    .usage = "RUN|MODEL FILE... [options]\nRUN|MODEL --data DATA [--split PART] [--first N] [options]",
    .help = "classes, probabilities or numbers for samples",
    .about =
        "Print a line per sample: path, class, probability, separated by tabs; with --data the sample's index stands "
        "in place of the path. What is known of the truth comes last. Where numbers are predicted they stand in place "
        "of class and probability; a yes or no for each of several targets is given as their probabilities. A network "
        "that ends in svm has no probabilities: its score is printed.\n"
        "\n"
        "A FILE is an image (.jpg, .png) or a folder, of which all images below it are meant; a table (csv, tsv), "
        "which needs no column to predict; npy or npz arrays, all of these perhaps .gz; or samples as raw bytes, one "
        "or "
        "several, each in C x H x W order without a header; the i-th of several is PATH:i. Images are scaled and cut "
        "to the network's input, gray or in colour as that is, and --skip-bad passes over those that cannot be read. "
        "\"-\" is standard input. The network's preprocessing is applied, and "
        "the columns of a table are found by name.\n"
        "\n"
        "--format csv has a header, the class, and a column per class or predicted number; npy is an array (samples, "
        "columns) of these; json is one object, as --json.",
    .examples = "  lamina predict runs/001 --data fashion-mnist --first 5\n"
                "  lamina predict runs/003 cat.jpg photos/\n"
                "  lamina predict runs/002 new.csv --format csv -o predicted.csv\n"
                "  head -c 784 samples.raw | lamina predict runs/001 -\n",
    .rows = rows,
    .own_size = sizeof(struct opts),
    .groups = LAMI_FOR_ALL | LAMI_FOR_BATCH | LAMI_FOR_READ | LAMI_FOR_SPLIT | LAMI_FOR_SCORE,
    .also = "seed",
    .arg_name = "RUN|MODEL",
    .least_args = 1,
    .most_args = (size_t)-1,
    .run = run,
};
