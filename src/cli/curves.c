/* curves: see curves.h. A drawing is an SVG of two axes and a line per measure; its colours and dashes are those of the
 * page's style sheet. */
#include "curves.h"

#include <math.h>
#include <string.h>

#include "../core/file.h"
#include "../core/json.h"
#include "../core/mem.h"

enum { LOG_MOST_BYTES = 1 << 30, POINTS_MOST = 500 /* drawn of a line */, PARTS = 4 /* an axis has about so many */ };

/* Pixels: the drawing, and the lines' part of it; beside that is room for "-1.234e+05". */
enum { WIDTH = 360, HEIGHT = 204, LEFT = 72, RIGHT = 350, TOP = 10, BOTTOM = 172 };

/* Of a log that may hold anything: beyond them numbers are not drawn. */
static const double count_most = 1e15, value_most = 1e300;

enum { LOSS, TRAIN, VAL, MEASURES };
typedef struct entry {
    double epoch, step, measure[MEASURES]; /* NAN: not measured */
} entry;

typedef struct history {
    entry *entry;
    size_t count, room;
    int values; /* the measures are R2, in contrast to accuracies */
} history;

/* ---- the log ----------------------------------------------------------------------------------------------------- */

static double number_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static lam_status add_line(history *h, const char *line, size_t length)
{
    json_t *json = json_loadb(line, length, 0, NULL);
    entry e = { .epoch = number_of(json, "epoch"), .step = number_of(json, "step") };
    const int values = json_object_get(json, "train_r2") != NULL;
    e.measure[LOSS] = number_of(json, "loss");
    e.measure[TRAIN] = number_of(json, values ? "train_r2" : "train_accuracy");
    e.measure[VAL] = number_of(json, values ? "val_r2" : "val_accuracy");
    json_decref(json);
    if (!(e.step >= 0 && e.step <= count_most && e.epoch >= 0 && e.epoch <= count_most))
        return LAM_OK;
    void *all = h->entry;
    const lam_status status = lami_grow(&all, &h->room, h->count + 1, sizeof e);
    h->entry = all;
    if (status)
        return status;
    h->entry[h->count++] = e;
    h->values = values;
    return LAM_OK;
}

static lam_status read_log(history *h, const char *path)
{
    lami_blob blob;
    LAM_TRY(lami_blob_open(&blob, path, LOG_MOST_BYTES));
    lam_status status = LAM_OK;
    const char *text = (const char *)blob.data;
    for (size_t at = 0; !status && at < blob.size;) {
        const char *end = memchr(text + at, '\n', blob.size - at);
        const size_t length = end ? (size_t)(end - text) - at : blob.size - at;
        status = add_line(h, text + at, length);
        at += length + 1;
    }
    lami_blob_close(&blob);
    return status;
}

/* ---- axes -------------------------------------------------------------------------------------------------------- */

/* From `low` to `high`, whole multiples of `step`. */
typedef struct axis {
    double low, high, step;
} axis;

/* 1, 2 or 5 times a power of ten, so that `range` has about PARTS of it. */
static double step_of(double range)
{
    double unit = 1;
    const double part = range / PARTS;
    while (unit * 10 <= part)
        unit *= 10;
    while (unit > part)
        unit /= 10;
    return part <= unit ? unit : part <= 2 * unit ? 2 * unit : part <= 5 * unit ? 5 * unit : 10 * unit;
}

/* Numbers that are equal, or nearly so, lie in the middle. */
static axis axis_of(double low, double high)
{
    if (!(high - low > 1e-9 * (fabs(low) + fabs(high)) + 1e-300)) {
        low -= 0.5 * fabs(low) + 1e-3;
        high += 0.5 * fabs(high) + 1e-3;
    }
    const double step = step_of(high - low);
    return (axis) { __builtin_floor(low / step) * step, __builtin_ceil(high / step) * step, step };
}

static double x_at(const axis *a, double value)
{
    return LEFT + (RIGHT - LEFT) * (value - a->low) / (a->high - a->low);
}

static double y_at(const axis *a, double value)
{
    return BOTTOM - (BOTTOM - TOP) * (value - a->low) / (a->high - a->low);
}

/* ---- drawing ----------------------------------------------------------------------------------------------------- */

typedef struct chart {
    const history *history;
    int by_step; /* epochs do not go up, as in a training of less than one */
    int first, measures, percent;
    axis x, y;
} chart;

static double x_of(const chart *c, size_t i)
{
    return c->by_step ? c->history->entry[i].step : c->history->entry[i].epoch;
}

static double value_of(const chart *c, size_t i, int measure)
{
    const double value = c->history->entry[i].measure[measure] * (c->percent ? 100 : 1);
    return fabs(value) <= value_most ? value : NAN;
}

static int has(const chart *c, int measure)
{
    for (size_t i = 0; i < c->history->count; i++)
        if (isfinite(value_of(c, i, measure)))
            return 1;
    return 0;
}

static void set_axes(chart *c)
{
    const history *h = c->history;
    double low = INFINITY, high = -INFINITY, last = 0;
    c->by_step = 0;
    for (size_t i = 1; i < h->count; i++)
        c->by_step |= !(h->entry[i].epoch > h->entry[i - 1].epoch);
    c->by_step |= h->entry[h->count - 1].epoch < 1;
    for (size_t i = 0; i < h->count; i++) {
        last = x_of(c, i) > last ? x_of(c, i) : last;
        for (int m = c->first; m < c->first + c->measures; m++) {
            const double value = value_of(c, i, m);
            if (!isfinite(value))
                continue;
            low = value < low ? value : low;
            high = value > high ? value : high;
        }
    }
    c->x = (axis) { 0, last > 0 ? last : 1, step_of(last > 0 ? last : 1) };
    c->x.step = c->x.step < 1 ? 1 : c->x.step;
    c->y = axis_of(low, high);
    if (c->percent) { /* a margin round a single value may pass what there is */
        c->y.low = c->y.low < 0 ? 0 : c->y.low;
        c->y.high = c->y.high > 100 ? 100 : c->y.high;
    }
}

static void draw_axes(FILE *out, const chart *c)
{
    const size_t lines = (size_t)((c->y.high - c->y.low) / c->y.step + 0.5);
    for (size_t i = 0; i <= lines; i++) {
        const double value = (__builtin_round(c->y.low / c->y.step) + (double)i) * c->y.step, y = y_at(&c->y, value);
        fprintf(out, "<path class=\"line\" d=\"M%d %.1fH%d\"/><text x=\"%d\" y=\"%.1f\" class=\"end\">%.4g%s</text>\n",
                LEFT, y, RIGHT, LEFT - 6, y + 4, value + 0.0, c->percent ? "%" : "");
    }
    const size_t ticks = (size_t)(c->x.high / c->x.step);
    for (size_t i = 0; i <= ticks; i++)
        fprintf(out, "<text x=\"%.1f\" y=\"%d\" class=\"mid\">%.6g</text>\n", x_at(&c->x, (double)i * c->x.step),
                BOTTOM + 15, (double)i * c->x.step);
    fprintf(out, "<text x=\"%d\" y=\"%d\" class=\"end\">%s</text>\n", RIGHT, HEIGHT - 4, c->by_step ? "step" : "epoch");
}

static const char *class_of(int measure)
{
    return measure == VAL ? "val" : "train";
}

/* The last entry is always among those drawn. A value that is not finite breaks the line; one between two such is a
 * dot. */
static void draw_line(FILE *out, const chart *c, int measure)
{
    const size_t count = c->history->count, stride = (count - 1) / POINTS_MOST + 1, first = (count - 1) % stride;
    int pen = 0;
    fprintf(out, "<path class=\"%s\" d=\"", class_of(measure));
    for (size_t i = first; i < count; i += stride) {
        const double value = value_of(c, i, measure);
        if (isfinite(value))
            fprintf(out, "%c%.1f %.1f", pen ? 'L' : 'M', x_at(&c->x, x_of(c, i)), y_at(&c->y, value));
        pen = isfinite(value);
    }
    fputs("\"/>\n", out);
    for (size_t i = first; i < count; i += stride) {
        const double value = value_of(c, i, measure);
        const int before = i >= stride && isfinite(value_of(c, i - stride, measure));
        const int after = i + stride < count && isfinite(value_of(c, i + stride, measure));
        if (isfinite(value) && ((!before && !after) || i + 1 == count))
            fprintf(out, "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"3\"/>\n", class_of(measure),
                    x_at(&c->x, x_of(c, i)), y_at(&c->y, value));
    }
}

static void put_value(FILE *out, const chart *c, double value)
{
    fprintf(out, c->percent ? "%.2f%%" : "%.4g", value);
}

/* "training 87.10%", and where it was best. */
static void put_words(FILE *out, const chart *c, int measure)
{
    static const char *const name[MEASURES] = { "training", "training", "validation" };
    size_t best = 0, last = 0;
    for (size_t i = 0; i < c->history->count; i++) {
        const double value = value_of(c, i, measure), top = value_of(c, best, measure);
        if (isfinite(value)) {
            last = i;
            best = !isfinite(top) || value > top ? i : best;
        }
    }
    fprintf(out, "%s ", name[measure]);
    put_value(out, c, value_of(c, last, measure));
    if (measure == VAL) {
        fputs(", best ", out);
        put_value(out, c, value_of(c, best, measure));
        fprintf(out, " at %s %.0f", c->by_step ? "step" : "epoch", x_of(c, best));
    }
}

static void put_chart(FILE *out, chart *c, const char *name)
{
    set_axes(c);
    fprintf(out, "<figure class=\"chart\">\n<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s: ", WIDTH, HEIGHT,
            name);
    for (int m = c->first, said = 0; m < c->first + c->measures; m++) {
        if (!has(c, m))
            continue;
        fputs(said++ ? "; " : "", out);
        put_words(out, c, m);
    }
    fputs("\">\n", out);
    draw_axes(out, c);
    for (int m = c->first; m < c->first + c->measures; m++)
        if (has(c, m))
            draw_line(out, c, m);
    fprintf(out, "</svg>\n<figcaption><b>%s</b>", name);
    for (int m = c->first; m < c->first + c->measures; m++) {
        if (!has(c, m))
            continue;
        fprintf(out,
                " <span class=\"key\"><svg viewBox=\"0 0 24 8\" aria-hidden=\"true\"><path class=\"%s\" "
                "d=\"M0 4H24\"/></svg> ",
                class_of(m));
        put_words(out, c, m);
        fputs("</span>", out);
    }
    fputs("</figcaption>\n</figure>\n", out);
}

lam_status cli_curves(FILE *out, const char *run)
{
    history h = { 0 };
    char *path = lami_path_join(run, "log.jsonl");
    if (!path)
        return LAM_ENOMEM;
    lam_status status = lami_is_file(path) ? read_log(&h, path) : LAM_OK;
    chart loss = { .history = &h, .first = LOSS, .measures = 1 };
    chart score = { .history = &h, .first = TRAIN, .measures = 2, .percent = !h.values };
    if (!status && h.count && (has(&loss, LOSS) || has(&score, TRAIN) || has(&score, VAL))) {
        fputs("<section>\n<h2>Training</h2>\n<div class=\"charts\">\n", out);
        if (has(&loss, LOSS))
            put_chart(out, &loss, "Loss");
        if (has(&score, TRAIN) || has(&score, VAL))
            put_chart(out, &score, h.values ? "R&sup2;" : "Accuracy");
        fputs("</div>\n</section>\n", out);
    }
    lami_free(h.entry);
    lami_free(path);
    return status;
}
