/* predictions: see predictions.h. A row of numbers is made of each sample's scores; the formats write it in their way.
 *   text  index or path, class, probability, true class; or the numbers, then the true ones; separated by tabs
 *   csv   a header; [path,] index, class, true class, a column for each class; or for each number, then the true ones
 *   npy   (samples, columns) of the network's type
 *   json  {"predictions":[{...},...]} on one line, written as it goes */
#include "predictions.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../core/escape.h"
#include "../core/file.h"
#include "../core/mem.h"
#include "../core/number.h"
#include "output.h"

enum { NPY_HEADER = 128, COPY_BYTES = 1 << 16, NAME_TEXT = 512, PATH_TEXT = 1 << 14 };

struct cli_predictions {
    const lam_net *net;
    cli_style style;
    cli_answer answer;
    size_t columns, count; /* numbers of a row; samples so far */
    double *row;
    int answers; /* true answers are known */
    FILE *out;   /* where rows go */
    FILE *rows;  /* npy of unknown length: they wait here */
    lami_writer writer;
};

/* ---- life -------------------------------------------------------------------------------------------------------- */

static int to_stdout(const cli_style *style)
{
    return !style->out || !strcmp(style->out, "-");
}

static lam_status open_output(cli_predictions *p)
{
    const cli_style *style = &p->style;
    if (style->format == CLI_NPY && to_stdout(style) && isatty(STDOUT_FILENO))
        return lami_fail(LAM_EOPTION, "--format npy is not for a terminal: name a file with --out");
    p->out = stdout;
    if (!to_stdout(style)) {
        LAM_TRY(lami_writer_open(&p->writer, style->out));
        p->out = p->writer.file;
    }
    if (style->format == CLI_NPY && !style->samples && !(p->rows = tmpfile()))
        return lami_fail(LAM_EWRITE, "cannot create a temporary file");
    return LAM_OK;
}

lam_status cli_predictions_new(cli_predictions **out, const lam_net *net, const cli_style *style)
{
    *out = NULL;
    cli_predictions *p = lami_alloc(1, sizeof *p);
    if (!p)
        return LAM_ENOMEM;
    p->net = net;
    p->style = *style;
    lam_status status = LAM_ENOMEM;
    p->row = lami_alloc(net->classes + 1, sizeof *p->row);
    if (p->row)
        status = open_output(p);
    if (status) {
        cli_predictions_free(p);
        return status;
    }
    *out = p;
    return LAM_OK;
}

void cli_predictions_free(cli_predictions *p)
{
    if (!p)
        return;
    if (p->rows)
        fclose(p->rows);
    lami_writer_drop(&p->writer);
    lami_free(p->row);
    lami_free(p);
}

static lam_status check_output(const cli_predictions *p)
{
    if (p->rows && ferror(p->rows))
        return lami_fail(LAM_EWRITE, "cannot write to a temporary file");
    if (!ferror(p->out))
        return LAM_OK;
    if (to_stdout(&p->style))
        return cli_flush();
    return lami_fail(LAM_EWRITE, "cannot write %s: %s", p->style.out, errno ? strerror(errno) : "a write failed");
}

/* ---- numbers and words ------------------------------------------------------------------------------------------- */

static int is_class(const cli_predictions *p)
{
    return p->answer == CLI_CLASSES || p->answer == CLI_YES_NO;
}

/* Are the numbers probabilities, or else scores or values? */
static int are_probabilities(const cli_predictions *p)
{
    return !p->style.raw && cli_has_probability(p->net);
}

static void fill_row(cli_predictions *p, const void *scores, size_t i)
{
    cli_numbers(p->row, p->net, scores, i, are_probabilities(p));
    if (p->columns > p->net->classes) { /* no and yes */
        p->row[1] = p->row[0];
        p->row[0] = cli_sigmoid(-lami_real_at(scores, p->net->dtype, i));
    }
}

/* The shortest decimal that stands for the number in the network's type. */
static const char *exact(char text[LAMI_REAL_TEXT], lam_dtype type, double value)
{
    double back;
    const float rounded = (float)value; /* which nine digits stand for; of a number halfway to the next they need not */
    lami_real_text(text, value);
    for (int digits = 6; type == LAM_F32 && digits <= 9; digits++) {
        snprintf(text, LAMI_REAL_TEXT, "%.*g", digits, (double)rounded);
        if (lami_parse_real(&back, text) || (float)back == rounded)
            break;
    }
    return text;
}

static const char *column_name(char text[CLI_CLASS_TEXT], const cli_predictions *p, size_t k)
{
    if (!is_class(p))
        return cli_value_name(text, p->net, k);
    return p->columns == 1 ? "score" : cli_class_name(text, p->net, k);
}

/* A tab or a newline in a name would look like the end of a cell. */
static void put_plain(FILE *out, const char *text)
{
    for (; *text; text++)
        putc((unsigned char)*text < ' ' ? '?' : *text, out);
}

/* ---- text -------------------------------------------------------------------------------------------------------- */

static void text_place(const cli_predictions *p, const cli_sample *s)
{
    char shown[PATH_TEXT];
    if (s->source)
        fputs(lami_escape(shown, sizeof shown, s->source), p->out);
    if (s->source && s->one_of_many)
        putc(':', p->out);
    if (!s->source || s->one_of_many)
        fprintf(p->out, "%zu", s->index);
}

static void text_sample(const cli_predictions *p, size_t class, const cli_sample *s)
{
    char text[CLI_CLASS_TEXT];
    const char *const format = are_probabilities(p) ? "\t%.4f" : "\t%.6g";
    text_place(p, s);
    if (is_class(p)) {
        putc('\t', p->out);
        put_plain(p->out, cli_class_name(text, p->net, class));
    }
    if (!is_class(p) || p->style.all)
        for (size_t k = 0; k < p->columns; k++)
            fprintf(p->out, format, p->row[k]);
    else
        fprintf(p->out, format, p->row[p->columns == 1 ? 0 : class]);
    if (s->label >= 0) {
        putc('\t', p->out);
        put_plain(p->out, cli_class_name(text, p->net, (size_t)s->label));
    }
    for (size_t k = 0; s->target && k < p->net->classes; k++)
        fprintf(p->out, "\t%.6g", s->target[k]);
    putc('\n', p->out);
}

/* ---- csv --------------------------------------------------------------------------------------------------------- */

static void put_cell(FILE *out, const char *text)
{
    const size_t length = strlen(text);
    if (!strpbrk(text, ",\"\r\n") && (!length || (text[0] != ' ' && text[length - 1] != ' '))) {
        fputs(text, out);
        return;
    }
    putc('"', out);
    for (; *text; text++) {
        if (*text == '"')
            putc('"', out);
        putc(*text, out);
    }
    putc('"', out);
}

static void csv_header(const cli_predictions *p)
{
    char text[CLI_CLASS_TEXT], name[NAME_TEXT];
    fputs(p->style.with_paths ? "path,index" : "index", p->out);
    if (is_class(p))
        fputs(p->answers ? ",class,true class" : ",class", p->out);
    for (size_t k = 0; k < p->columns; k++) {
        putc(',', p->out);
        put_cell(p->out, column_name(text, p, k));
    }
    for (size_t k = 0; !is_class(p) && p->answers && k < p->net->classes; k++) {
        snprintf(name, sizeof name, "true %s", column_name(text, p, k));
        putc(',', p->out);
        put_cell(p->out, name);
    }
    putc('\n', p->out);
}

static void csv_number(const cli_predictions *p, double value)
{
    char text[LAMI_REAL_TEXT];
    fprintf(p->out, ",%s", exact(text, p->net->dtype, value));
}

static void csv_sample(const cli_predictions *p, size_t class, const cli_sample *s)
{
    char text[CLI_CLASS_TEXT], shown[PATH_TEXT];
    if (!p->count)
        csv_header(p);
    if (p->style.with_paths) {
        put_cell(p->out, lami_escape(shown, sizeof shown, s->source));
        putc(',', p->out);
    }
    fprintf(p->out, "%zu", s->index);
    if (is_class(p)) {
        putc(',', p->out);
        put_cell(p->out, cli_class_name(text, p->net, class));
    }
    if (is_class(p) && p->answers) {
        putc(',', p->out);
        if (s->label >= 0)
            put_cell(p->out, cli_class_name(text, p->net, (size_t)s->label));
    }
    for (size_t k = 0; k < p->columns; k++)
        csv_number(p, p->row[k]);
    for (size_t k = 0; !is_class(p) && p->answers && k < p->net->classes; k++) {
        if (s->target)
            csv_number(p, s->target[k]);
        else
            putc(',', p->out);
    }
    putc('\n', p->out);
}

/* ---- npy --------------------------------------------------------------------------------------------------------- */

/* Version 1.0, always NPY_HEADER bytes. */
static void npy_header(const cli_predictions *p, size_t count)
{
    enum { PREAMBLE = 10 };
    static const uint16_t one = 1;
    const char order = *(const char *)&one ? '<' : '>';
    char text[NPY_HEADER + 1];
    const int length = snprintf(text, sizeof text, "{'descr': '%cf%zu', 'fortran_order': False, 'shape': (%zu, %zu), }",
                                order, lami_dtype_size(p->net->dtype), count, p->columns);
    fwrite("\x93NUMPY\x01\x00", 1, 8, p->out);
    putc(NPY_HEADER - PREAMBLE, p->out);
    putc(0, p->out);
    fprintf(p->out, "%s%*s\n", text, NPY_HEADER - PREAMBLE - 1 - length, "");
}

static void npy_sample(const cli_predictions *p)
{
    FILE *out = p->rows ? p->rows : p->out;
    if (!p->count && !p->rows)
        npy_header(p, p->style.samples);
    for (size_t k = 0; k < p->columns; k++) {
        double value[1];
        lami_real_put(value, p->net->dtype, 0, p->row[k]);
        fwrite(value, lami_dtype_size(p->net->dtype), 1, out);
    }
}

static lam_status npy_copy_rows(cli_predictions *p)
{
    uint8_t *buffer = lami_alloc(COPY_BYTES, 1);
    if (!buffer)
        return LAM_ENOMEM;
    npy_header(p, p->count);
    rewind(p->rows);
    for (size_t n = 1; n > 0;) {
        n = fread(buffer, 1, COPY_BYTES, p->rows);
        fwrite(buffer, 1, n, p->out);
    }
    lami_free(buffer);
    return check_output(p);
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

static json_t *json_numbers(const double *number, size_t count)
{
    json_t *list = json_array();
    for (size_t k = 0; k < count; k++)
        if (json_array_append_new(list, lami_json_real(number[k]))) {
            json_decref(list);
            return NULL;
        }
    return list;
}

static const char *numbers_name(const cli_predictions *p)
{
    return p->answer == CLI_VALUES ? "values" : are_probabilities(p) ? "probabilities" : "scores";
}

static json_t *json_of(const cli_predictions *p, size_t class, const cli_sample *s)
{
    char text[CLI_CLASS_TEXT];
    json_t *object = json_object();
    int failed = 0;
    if (s->source)
        failed |= json_object_set_new(object, "path", lami_json_text(s->source));
    failed |= json_object_set_new(object, "index", json_integer((json_int_t)s->index));
    if (is_class(p)) {
        failed |= json_object_set_new(object, "class", lami_json_text(cli_class_name(text, p->net, class)));
        failed |= json_object_set_new(object, are_probabilities(p) ? "probability" : "score",
                                      lami_json_real(p->row[p->columns == 1 ? 0 : class]));
    }
    if (!is_class(p) || p->style.all)
        failed |= json_object_set_new(object, numbers_name(p), json_numbers(p->row, p->columns));
    if (s->label >= 0)
        failed |= json_object_set_new(object, "label", lami_json_text(cli_class_name(text, p->net, (size_t)s->label)));
    if (s->target)
        failed |= json_object_set_new(object, "targets", json_numbers(s->target, p->net->classes));
    if (!failed)
        return object;
    json_decref(object);
    return NULL;
}

static lam_status json_put(const cli_predictions *p, json_t *json)
{
    const int failed = !json || json_dumpf(json, p->out, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(12));
    json_decref(json);
    return failed && !ferror(p->out) ? lami_fail(LAM_ENOMEM, "out of memory for the JSON object") : check_output(p);
}

static lam_status json_sample(const cli_predictions *p, size_t class, const cli_sample *s)
{
    fputs(p->count ? "," : "{\"predictions\":[", p->out);
    return json_put(p, json_of(p, class, s));
}

/* What the numbers stand for, where there are some for each sample. */
static lam_status json_end(const cli_predictions *p)
{
    char text[CLI_CLASS_TEXT];
    fputs(p->count ? "]" : "{\"predictions\":[]", p->out);
    if (p->count && (!is_class(p) || p->style.all)) {
        json_t *names = json_array();
        for (size_t k = 0; k < p->columns; k++)
            json_array_append_new(names, lami_json_text(column_name(text, p, k)));
        fputs(",\"columns\":", p->out);
        LAM_TRY(json_put(p, names));
    }
    fputs("}\n", p->out);
    return LAM_OK;
}

/* ---- all together ------------------------------------------------------------------------------------------------ */

/* The same for all samples: what the first one tells. */
static void begin(cli_predictions *p, cli_answer answer, const cli_sample *s)
{
    p->answer = answer;
    p->answers = s->label >= 0 || s->target;
    p->columns = answer == CLI_YES_NO && are_probabilities(p) ? 2 : p->net->classes;
}

lam_status cli_predictions_add(cli_predictions *p, const void *scores, size_t i, cli_answer answer,
                               const cli_sample *sample)
{
    if (!p->count)
        begin(p, answer, sample);
    if (answer != p->answer)
        return lami_fail(LAM_ESHAPE, "%s: its classes or numbers are not those of the samples before",
                         sample->source ? sample->source : "the data set");
    fill_row(p, scores, i);
    const size_t class = cli_best(p->net, scores, i);
    lam_status status = LAM_OK;
    switch (p->style.format) {
    case CLI_TEXT_LINES:
        text_sample(p, class, sample);
        break;
    case CLI_CSV:
        csv_sample(p, class, sample);
        break;
    case CLI_NPY:
        npy_sample(p);
        break;
    case CLI_JSON:
        status = json_sample(p, class, sample);
        break;
    }
    p->count++;
    return status ? status : check_output(p);
}

lam_status cli_predictions_end(cli_predictions *p)
{
    if (p->rows)
        LAM_TRY(npy_copy_rows(p));
    if (p->style.format == CLI_JSON)
        LAM_TRY(json_end(p));
    return to_stdout(&p->style) ? cli_flush() : lami_writer_commit(&p->writer);
}
