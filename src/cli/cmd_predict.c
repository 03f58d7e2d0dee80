/* lamina predict: the class of samples, from a data set or from files of raw bytes, one line each. */
#include <stddef.h>
#include <string.h>

#include "../core/file.h"
#include "../core/mem.h"
#include "../data/data.h"
#include "../net/session.h"
#include "../train/metrics.h"
#include "cli.h"
#include "inputs.h"

enum { FILE_MOST_BYTES = 1 << 30 };

struct opts {
    const char *data;
    int split;
    size_t first;
};
static const cli_row rows[] = {
    CLI_TEXT(struct opts, data, 'd', "data", "DATA", NULL, "predict samples of a data set in place of files"),
    CLI_CHOICE(struct opts, split, 0, "split", "PART", CLI_SPLITS,
               "part of the data set; default: test if there is one, else train"),
    CLI_SIZE(struct opts, first, 0, "first", "N", 0, 0, 1000000000000, "only the first N samples; 0: all"),
    CLI_END,
};

/* What predicting needs, made once. */
typedef struct predictor {
    lam_net *net;
    lam_data *data;
    lam_session *session;
    size_t batch;
    const void **x;
    int32_t *label;
    json_t *list; /* NULL: text */
} predictor;

static lam_status predictor_new(predictor *p, const cli_call *call)
{
    LAM_TRY(lam_session_new_predict(&p->session, p->net, call->options));
    p->batch = lami_session_batch(p->session);
    p->x = lami_alloc(p->batch, sizeof *p->x);
    p->label = lami_alloc(p->batch, sizeof *p->label);
    p->list = call->json ? json_array() : NULL;
    return p->x && p->label && (p->list || !call->json) ? LAM_OK : LAM_ENOMEM;
}

static void predictor_free(predictor *p)
{
    lam_session_free(p->session);
    lam_data_free(p->data);
    lam_net_free(p->net);
    lami_free(p->x);
    lami_free(p->label);
    json_decref(p->list);
}

/* ---- one sample -------------------------------------------------------------------------------------------------- */

/* source: path or NULL; index: in the part, or in a file of several; label: -1 unknown */
typedef struct sample {
    const char *source;
    size_t index;
    int one_of_many;
    int32_t label;
} sample;

static void print_text(const predictor *p, const sample *s, size_t class, double probability)
{
    char text[CLI_CLASS_TEXT];
    if (s->source)
        fputs(s->source, stdout);
    if (s->source && s->one_of_many)
        putchar(':');
    if (!s->source || s->one_of_many)
        printf("%zu", s->index);
    printf("\t%s", cli_class_name(text, p->net, class));
    printf(cli_has_probability(p->net) ? "\t%.4f" : "\t%.6g", probability);
    if (s->label >= 0)
        printf("\t%s", cli_class_name(text, p->net, (size_t)s->label));
    putchar('\n');
}

static lam_status add_json(const predictor *p, const sample *s, size_t class, double probability)
{
    char text[CLI_CLASS_TEXT];
    json_t *object = json_object();
    int failed = 0;
    if (s->source)
        failed |= json_object_set_new(object, "path", cli_json_text(s->source));
    failed |= json_object_set_new(object, "index", json_integer((json_int_t)s->index));
    failed |= json_object_set_new(object, "class", cli_json_text(cli_class_name(text, p->net, class)));
    failed |=
        json_object_set_new(object, cli_has_probability(p->net) ? "probability" : "score", cli_json_real(probability));
    if (s->label >= 0)
        failed |= json_object_set_new(object, "label", cli_json_text(cli_class_name(text, p->net, (size_t)s->label)));
    if (failed | json_array_append_new(p->list, object))
        return lami_fail(LAM_ENOMEM, "out of memory for the JSON object");
    return LAM_OK;
}

/* The n samples at p->x, with labels if they are known; `first` describes the first of them. */
static lam_status predict_batch(const predictor *p, lam_dtype type, const int32_t *labels, size_t n, sample first)
{
    const void *scores;
    LAM_TRY(lami_session_load(p->session, p->x, type, labels, n));
    LAM_TRY(lami_session_scores(&scores, p->session));
    for (size_t i = 0; i < n; i++) {
        sample s = first;
        s.index = first.index + i;
        s.label = labels ? labels[i] : -1;
        const size_t class = cli_best(p->net, scores, i);
        const double probability = cli_probability(p->net, scores, i, class);
        if (p->list)
            LAM_TRY(add_json(p, &s, class, probability));
        else
            print_text(p, &s, class, probability);
    }
    return ferror(stdout) ? cli_flush() : LAM_OK;
}

/* ---- sources ----------------------------------------------------------------------------------------------------- */

static lam_status predict_data(const predictor *p, const struct opts *o)
{
    lam_part part;
    LAM_TRY(cli_part(&part, p->data, o->split));
    size_t total = lam_data_count(p->data, part);
    total = o->first && o->first < total ? o->first : total;
    for (size_t at = 0; at < total; at += p->batch) {
        const size_t n = total - at < p->batch ? total - at : p->batch;
        lami_gather(p->x, p->label, p->data, part, NULL, at, n);
        LAM_TRY(predict_batch(p, p->data->dtype, p->label, n, (sample) { .index = at }));
    }
    return LAM_OK;
}

static lam_status predict_bytes(const predictor *p, const struct opts *o, const char *path, const uint8_t *bytes,
                                size_t size)
{
    char shape[LAMI_SHAPE_TEXT];
    const size_t sample_bytes = lam_shape_count(&p->net->input);
    size_t total = size / sample_bytes;
    if (!size || size % sample_bytes)
        return lami_fail(LAM_EFORMAT,
                         "%s: %zu bytes are not whole samples: a sample of this network is %s, raw, %zu bytes", path,
                         size, lami_shape_text(shape, &p->net->input), sample_bytes);
    const int many = total > 1;
    total = o->first && o->first < total ? o->first : total;
    for (size_t at = 0; at < total; at += p->batch) {
        const size_t n = total - at < p->batch ? total - at : p->batch;
        for (size_t i = 0; i < n; i++)
            p->x[i] = bytes + (at + i) * sample_bytes;
        LAM_TRY(predict_batch(p, LAM_U8, NULL, n, (sample) { .source = path, .index = at, .one_of_many = many }));
    }
    return LAM_OK;
}

static lam_status predict_file(const predictor *p, const struct opts *o, const char *path)
{
    const int standard_input = !strcmp(path, "-");
    lami_blob blob = { 0 };
    lam_status status = lami_blob_open(&blob, standard_input ? "/dev/stdin" : path, FILE_MOST_BYTES);
    if (!status)
        status = predict_bytes(p, o, path, blob.data, blob.size);
    lami_blob_close(&blob);
    return status;
}

static lam_status predict_all(predictor *p, const cli_call *call)
{
    const struct opts *o = call->own;
    lam_status status = LAM_OK;
    if (o->data)
        status = predict_data(p, o);
    for (size_t i = 1; !status && i < call->args; i++)
        status = predict_file(p, o, call->arg[i]);
    if (status)
        return status;
    return p->list ? cli_json_print(json_pack("{s:O}", "predictions", p->list)) : cli_flush();
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
    return LAM_OK;
}

static int run(const cli_call *call)
{
    const struct opts *o = call->own;
    predictor p = { 0 };
    lam_status status;
    LAM_TRY_DONE(check_call(call));
    if (o->data)
        LAM_TRY_DONE(cli_open_model(&p.net, &p.data, call->arg[0], o->data, call->options));
    else
        LAM_TRY_DONE(lam_net_load(&p.net, call->arg[0]));
    LAM_TRY_DONE(predictor_new(&p, call));
    status = predict_all(&p, call);
done:
    predictor_free(&p);
    return cli_report(status);
}

const cli_cmd cmd_predict = {
    .name = "predict",
    .usage = "RUN|MODEL FILE... [options]\nRUN|MODEL --data DATA [--split PART] [--first N] [options]",
    .help = "class and probability of samples",
    .about =
        "Print a line per sample: path, class, probability, separated by tabs. With --data the sample's index stands "
        "in "
        "place of the path, and its true class comes fourth.\n"
        "\n"
        "A FILE holds one or several samples as raw bytes, each in C x H x W order, without a header (this version "
        "decodes no image files); the i-th of several is PATH:i. \"-\" is standard input. The network's preprocessing "
        "is "
        "applied. A network that ends in svm has no probabilities: its score is printed.",
    .examples = "  lamina predict runs/001 --data fashion-mnist --first 5\n"
                "  lamina predict model.safetensors sample.raw\n"
                "  head -c 784 samples.raw | lamina predict runs/001 -\n",
    .rows = rows,
    .own_size = sizeof(struct opts),
    .groups = LAMI_FOR_ALL | LAMI_FOR_BATCH,
    .also = "val seed",
    .arg_name = "RUN|MODEL",
    .least_args = 1,
    .most_args = (size_t)-1,
    .run = run,
};
