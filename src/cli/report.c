/* report: see report.h. Everything that is not ours (names of classes, paths, notations) goes through cli_html_text; no
 * date, so that the same evaluation is the same page. */
#include "report.h"

#include <math.h>
#include <string.h>

#include "../core/file.h"
#include "../core/mem.h"
#include "../data/data.h"
#include "../data/image.h"
#include "curves.h"
#include "grid.h"
#include "html.h"
#include "output.h"

enum {
    MATRIX_CLASSES = 20, /* as a matrix; of more, the most frequent confusions as a list */
    CONFUSIONS = 40,
    ROWS_MOST = 200,  /* of a table of classes or targets */
    CRISP_SIDE = 128, /* images of fewer pixels are scaled up as squares */
    FACTS = 3
};

typedef struct page {
    FILE *out;
    const cli_tally *tally;
    const lam_net *net;
    const lam_data *data;
    int images; /* samples are, and can be drawn */
} page;

/* ---- pieces ------------------------------------------------------------------------------------------------------ */

static void put(const page *p, const char *text)
{
    fputs(text, p->out);
}

static void put_text(const page *p, const char *text)
{
    cli_html_text(p->out, text);
}

static void put_percent(const page *p, double share)
{
    if (isfinite(share))
        fprintf(p->out, "%.2f%%", 100 * share);
    else
        put(p, "-");
}

static void put_class(const page *p, size_t c)
{
    char text[CLI_CLASS_TEXT];
    put_text(p, cli_tally_name(text, p->tally, c));
}

/* A heading and a table that may be wider than the page; end_table ends both. `heads` are column names, of numbers
 * after a '>'; "" of one that is part of the column before. */
static void begin_table(const page *p, const char *title, const char *const *heads, size_t count)
{
    fprintf(p->out,
            "<section>\n<h2>%s</h2>\n<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"%s\">\n"
            "<table>\n<thead><tr>",
            title, title);
    for (size_t i = 0; i < count; i++) {
        const int two = i + 1 < count && !*heads[i + 1], number = *heads[i] == '>';
        if (*heads[i])
            fprintf(p->out, "<th scope=\"col\"%s%s>%s</th>", two ? " colspan=\"2\"" : "", number ? " class=\"n\"" : "",
                    heads[i] + number);
    }
    put(p, "</tr></thead>\n<tbody>\n");
}

static void end_table(const page *p)
{
    put(p, "</tbody>\n</table>\n</div>\n</section>\n");
}

/* "Only the first 200 of 3,000 targets are shown." */
static void put_cut(const page *p, const char *which, size_t all, const char *things)
{
    char number[CLI_TEXT_MAX];
    if (all > ROWS_MOST)
        fprintf(p->out, "<p class=\"note\">The %d %s of %s %s are shown.</p>\n", ROWS_MOST, which,
                cli_count(number, all), things);
}

/* ---- summary ----------------------------------------------------------------------------------------------------- */

static void put_tile(const page *p, const char *name, const char *format, double value)
{
    fprintf(p->out, "<div><dt>%s</dt><dd>", name);
    if (isfinite(value))
        fprintf(p->out, format, value);
    else
        put(p, "-");
    put(p, "</dd></div>\n");
}

static void put_tiles(const page *p)
{
    const cli_tally *t = p->tally;
    char number[CLI_TEXT_MAX];
    put(p, "<dl class=\"tiles\">\n");
    if (t->errors) {
        const lam_metrics m = cli_tally_errors(t, 0, p->net->classes);
        put_tile(p, "R&sup2;", "%.4f", m.r2);
        put_tile(p, "Root mean squared error", "%.4g", m.rmse);
        put_tile(p, "Mean absolute error", "%.4g", m.mae);
    } else {
        put_tile(p, "Accuracy", "%.2f%%", 100 * cli_tally_accuracy(t));
    }
    put_tile(p, "Loss", "%.4g", t->loss / (double)t->count);
    fprintf(p->out, "<div><dt>Samples</dt><dd>%s</dd></div>\n</dl>\n", cli_count(number, t->count));
}

static void put_fact(const page *p, const char *name, const char *value, int code)
{
    fprintf(p->out, "<dt>%s</dt><dd>%s", name, code ? "<code>" : "");
    put_text(p, value);
    fprintf(p->out, "%s</dd>\n", code ? "</code>" : "");
}

static lam_status put_facts(const page *p)
{
    char shape[LAMI_SHAPE_TEXT], number[CLI_TEXT_MAX], digest[65];
    LAM_TRY(lam_net_sha256(p->net, digest));
    put(p, "<dl class=\"facts\">\n");
    put_fact(p, "Network", lam_net_notation(p->net), 1);
    put_fact(p, "Input", lami_shape_text(shape, &p->net->input), 0);
    put_fact(p, "Parameters", cli_count(number, lami_net_trained_count(p->net)), 0);
    put_fact(p, "Weights, SHA-256", digest, 1);
    if (p->tally->tta)
        put_fact(p, "Looks at a sample (tta)", p->tally->tta, 0);
    put_fact(p, "Made by lamina", lam_version(), 0);
    put(p, "</dl>\n");
    return LAM_OK;
}

static void put_head(const page *p, const char *model)
{
    char number[CLI_TEXT_MAX];
    put(p, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
           "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>");
    put_text(p, model);
    fprintf(p->out, ": evaluation</title>\n<style>\n%s</style>\n</head>\n<body>\n<main>\n<header>\n<h1>",
            cli_report_style);
    put_text(p, model);
    fprintf(p->out, "</h1>\n<p>%s %s samples of <b>", cli_count(number, p->tally->count),
            lami_part_name(p->tally->part));
    put_text(p, p->data->path ? p->data->path : "arrays");
    put(p, "</b></p>\n</header>\n");
}

/* ---- classes ----------------------------------------------------------------------------------------------------- */

static void put_class_row(const page *p, size_t c)
{
    const cli_tally *t = p->tally;
    const double accuracy = cli_tally_class_accuracy(t, c);
    const size_t mistaken = cli_tally_mistaken(t, c);
    char number[CLI_TEXT_MAX];
    put(p, "<tr><th scope=\"row\">");
    put_class(p, c);
    fprintf(p->out, "</th><td class=\"n\">%s</td>", cli_count(number, t->class_count[c]));
    fprintf(p->out, "<td class=\"n\">%s</td><td class=\"n\">", cli_count(number, t->right[c]));
    put_percent(p, accuracy);
    fprintf(p->out, "</td><td class=\"bar\"><i style=\"width:%.1f%%\"></i></td><td>",
            isfinite(accuracy) ? 100 * accuracy : 0);
    if (mistaken != c) {
        put_class(p, mistaken);
        fprintf(p->out, "</td><td class=\"n\">%s", cli_count(number, t->confusion[c * t->classes + mistaken]));
    } else {
        put(p, "</td><td>");
    }
    put(p, "</td></tr>\n");
}

/* The class after `last` in the order of accuracies, without those that have no samples; equal ones by number. Slow,
 * and used for a few of many classes. */
static size_t next_worse(const cli_tally *t, size_t last)
{
    const double limit = last < t->classes ? cli_tally_class_accuracy(t, last) : -1;
    size_t next = t->classes;
    double least = INFINITY;
    for (size_t c = 0; c < t->classes; c++) {
        double accuracy = cli_tally_class_accuracy(t, c);
        if (isnan(accuracy) || accuracy < limit || (accuracy == limit && c <= last))
            continue;
        if (accuracy < least) {
            least = accuracy;
            next = c;
        }
    }
    return next;
}

static void put_classes(const page *p)
{
    static const char *const heads[] = { "Class", ">Count", ">Right", "Accuracy", "", "Most often taken for", "" };
    const cli_tally *t = p->tally;
    const int sorted = t->classes > MATRIX_CLASSES;
    begin_table(p, sorted ? "Classes, the least accurate first" : "Classes", heads, sizeof heads / sizeof *heads);
    size_t c = sorted ? next_worse(t, t->classes) : 0;
    for (size_t shown = 0; shown < ROWS_MOST && c < t->classes; shown++) {
        put_class_row(p, c);
        c = sorted ? next_worse(t, c) : c + 1;
    }
    end_table(p);
    put_cut(p, "least accurate", t->classes, "classes");
}

/* ---- confusions -------------------------------------------------------------------------------------------------- */

static double share_of(const cli_tally *t, size_t class, size_t answer)
{
    const uint32_t count = t->confusion[class * t->classes + answer];
    return count ? (double)count / (double)t->class_count[class] : 0;
}

static double most_mistaken(const cli_tally *t)
{
    double most = 0;
    for (size_t c = 0; c < t->classes; c++)
        for (size_t k = 0; k < t->classes; k++)
            if (k != c && share_of(t, c, k) > most)
                most = share_of(t, c, k);
    return most;
}

static void put_matrix_row(const page *p, size_t c, double most)
{
    const cli_tally *t = p->tally;
    put(p, "<tr><th scope=\"row\">");
    put_class(p, c);
    put(p, "</th>");
    for (size_t k = 0; k < t->classes; k++) {
        const double share = share_of(t, c, k);
        const uint32_t count = t->confusion[c * t->classes + k];
        if (!count)
            fputs(k == c ? "<td class=\"zero right\">0</td>" : "<td class=\"zero\">0</td>", p->out);
        else
            fprintf(p->out, "<td class=\"%s\" style=\"--p:%.1f\">%u</td>", k == c ? "right" : "wrong",
                    100 * (k == c ? share : share / most), count);
    }
    put(p, "</tr>\n");
}

static void put_matrix(const page *p)
{
    const cli_tally *t = p->tally;
    put(p,
        "<section>\n<h2>Confusion matrix</h2>\n<p>A row for each true class, a column for each answer. "
        "<span class=\"swatch right\" style=\"--p:100\"></span> right answers, by their share of the class; "
        "<span class=\"swatch wrong\" style=\"--p:100\"></span> mistakes, by theirs, compared with the most frequent "
        "one.</p>\n<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Confusion matrix\">\n"
        "<table class=\"matrix\">\n<thead><tr><th scope=\"col\">true \\ answer</th>");
    for (size_t c = 0; c < t->classes; c++) {
        put(p, "<th scope=\"col\"><span>");
        put_class(p, c);
        put(p, "</span></th>");
    }
    put(p, "</tr></thead>\n<tbody>\n");
    const double most = most_mistaken(t);
    for (size_t c = 0; c < t->classes; c++)
        put_matrix_row(p, c, most);
    end_table(p);
}

typedef struct confusion {
    size_t class, answer;
    uint32_t count;
} confusion;

/* The most frequent ones, of equal ones the first. Returns how many. */
static size_t find_confusions(confusion list[CONFUSIONS], const cli_tally *t)
{
    size_t count = 0;
    for (size_t c = 0; c < t->classes; c++)
        for (size_t k = 0; k < t->classes; k++) {
            const confusion one = { c, k, t->confusion[c * t->classes + k] };
            if (k == c || !one.count || (count == CONFUSIONS && one.count <= list[count - 1].count))
                continue;
            size_t at = count < CONFUSIONS ? count++ : CONFUSIONS - 1;
            for (; at > 0 && one.count > list[at - 1].count; at--)
                list[at] = list[at - 1];
            list[at] = one;
        }
    return count;
}

static void put_confusions(const page *p)
{
    static const char *const heads[] = { "True class", "Taken for", ">Count", ">Share of the class" };
    confusion list[CONFUSIONS];
    const cli_tally *t = p->tally;
    const size_t count = find_confusions(list, t);
    char number[CLI_TEXT_MAX];
    if (!count)
        return;
    begin_table(p, "Most frequent confusions", heads, sizeof heads / sizeof *heads);
    for (size_t i = 0; i < count; i++) {
        put(p, "<tr><th scope=\"row\">");
        put_class(p, list[i].class);
        put(p, "</th><td>");
        put_class(p, list[i].answer);
        fprintf(p->out, "</td><td class=\"n\">%s</td><td class=\"n\">", cli_count(number, list[i].count));
        put_percent(p, share_of(t, list[i].class, list[i].answer));
        put(p, "</td></tr>\n");
    }
    end_table(p);
}

/* ---- targets ----------------------------------------------------------------------------------------------------- */

static void put_target_row(const page *p, size_t k)
{
    char text[CLI_CLASS_TEXT], number[CLI_TEXT_MAX];
    const cli_tally *t = p->tally;
    put(p, "<tr><th scope=\"row\">");
    put_text(p, cli_value_name(text, p->net, k));
    put(p, "</th>");
    if (t->errors) {
        const lam_metrics m = cli_tally_errors(t, k, 1);
        fprintf(p->out,
                "<td class=\"n\">%.4g</td><td class=\"n\">%.4f</td><td class=\"n\">%.4g</td><td class=\"n\">%.4g",
                t->errors[k].mean, m.r2, m.rmse, m.mae);
    } else {
        const cli_question *q = &t->question[k];
        const double share = (double)q->right / (double)t->count;
        fprintf(p->out, "<td class=\"n\">%s</td>", cli_count(number, q->yes));
        fprintf(p->out, "<td class=\"n\">%s</td><td class=\"n\">", cli_count(number, q->right));
        put_percent(p, share);
        fprintf(p->out, "</td><td class=\"bar\"><i style=\"width:%.1f%%\"></i>", 100 * share);
    }
    put(p, "</td></tr>\n");
}

static void put_targets(const page *p)
{
    static const char *const numbers[] = { "Target", ">Mean", ">R&sup2;", ">Root mean squared error",
                                           ">Mean absolute error" };
    static const char *const answers[] = { "Target", ">Yes", ">Right", "Accuracy", "" };
    begin_table(p, "Targets", p->tally->errors ? numbers : answers, 5);
    for (size_t k = 0; k < p->net->classes && k < ROWS_MOST; k++)
        put_target_row(p, k);
    end_table(p);
    put_cut(p, "first", p->net->classes, "targets");
}

/* ---- the worst samples ------------------------------------------------------------------------------------------- */

/* A line about a sample: "true", "cat", "0.02%". */
typedef struct fact {
    const char *label, *name; /* name: or NULL */
    char text[CLI_CLASS_TEXT], number[CLI_TEXT_MAX];
} fact;

static void set_number(fact *f, double value, int probability)
{
    if (!isfinite(value))
        snprintf(f->number, sizeof f->number, "-");
    else if (probability)
        snprintf(f->number, sizeof f->number, value < 1e-4 ? "<0.01%%" : "%.2f%%", 100 * value);
    else
        snprintf(f->number, sizeof f->number, "%.5g", value);
}

static size_t facts_of(fact f[FACTS], const page *p, const cli_miss *m)
{
    const int probability = cli_has_probability(p->net);
    size_t count = 0;
    memset(f, 0, FACTS * sizeof *f);
    if (p->tally->classes) {
        f[0].label = "true";
        f[0].name = cli_tally_name(f[0].text, p->tally, m->truth);
        set_number(&f[0], m->of_truth, probability);
        f[1].label = "answer";
        f[1].name = cli_tally_name(f[1].text, p->tally, m->answer);
        set_number(&f[1], m->of_answer, probability);
        return 2;
    }
    if (p->net->classes > 1) {
        f[count].label = "target";
        f[count].name = cli_value_name(f[count].text, p->net, m->truth);
        count++;
    }
    f[count].label = "true";
    if (p->tally->errors) {
        set_number(&f[count++], m->of_truth, 0);
        f[count].label = "predicted";
        set_number(&f[count++], m->of_answer, 0);
    } else {
        f[count].name = m->answer ? "yes" : "no";
        set_number(&f[count++], m->of_truth, probability);
    }
    return count;
}

/* A path within the folder of the data, which the page names above. */
static const char *within(const char *path, const char *folder)
{
    const char *colon = strchr(folder, ':'); /* "images:photos" */
    if (colon && strncmp(path, folder, strlen(folder)))
        folder = colon + 1;
    const size_t length = strlen(folder), slash = length && folder[length - 1] != '/';
    return !strncmp(path, folder, length) && (!slash || path[length] == '/') ? path + length + slash : path;
}

/* Its path, or its number in the part. */
static void put_place(const page *p, const cli_miss *m)
{
    const char *path = lami_data_sample_path(p->data, p->tally->part, m->sample);
    if (path)
        put_text(p, p->data->path ? within(path, p->data->path) : path);
    else
        fprintf(p->out, "%zu", m->sample);
}

/* As a PNG inside the page. Numbers that are not finite, or too many, make no picture. */
static lam_status put_image(const page *p, const cli_miss *m, const fact *f, size_t facts)
{
    const lam_shape *shape = &p->data->shape;
    const void *x = lami_data_sample(p->data, p->tally->part, m->sample);
    const size_t count = lam_shape_count(shape);
    cli_grid grid;
    uint8_t *pixels = NULL, *file = NULL;
    size_t size;
    lam_status status = LAM_ENOMEM;
    double *number = lami_alloc(count, sizeof *number);
    if (!number)
        goto done;
    for (size_t i = 0; i < count; i++)
        number[i] = p->data->dtype == LAM_U8 ? ((const uint8_t *)x)[i] : lami_real_at(x, p->data->dtype, i);
    LAM_TRY_DONE(cli_grid_make(&grid, 1, shape->dim[0], shape->dim[1], shape->dim[2], 1, 0));
    LAM_TRY_DONE(cli_grid_draw(&pixels, &grid, number, p->data->dtype == LAM_U8 ? CLI_RANGE_BYTES : CLI_RANGE_EACH));
    LAM_TRY_DONE(lami_png_encode(&file, &size, pixels, grid.out_width, grid.out_height, grid.colours));
    fprintf(p->out, "<img width=\"%zu\" height=\"%zu\"%s alt=\"", grid.out_width, grid.out_height,
            grid.out_width < CRISP_SIDE ? " class=\"crisp\"" : "");
    for (size_t i = 0; i < facts; i++) {
        fprintf(p->out, "%s%s ", i ? ", " : "", f[i].label);
        put_text(p, f[i].name ? f[i].name : f[i].number);
    }
    put(p, "\" src=\"data:image/png;base64,");
    cli_html_base64(p->out, file, size);
    put(p, "\">\n");
done:
    lami_free(number);
    lami_free(pixels);
    lami_free(file);
    return status == LAM_EFORMAT || status == LAM_ESHAPE ? LAM_OK : status;
}

static lam_status put_cards(const page *p)
{
    const cli_worst *w = p->tally->worst;
    fact f[FACTS];
    put(p, "<ul class=\"cards\">\n");
    for (size_t i = 0; i < w->count; i++) {
        const size_t facts = facts_of(f, p, &w->miss[i]);
        put(p, "<li>");
        LAM_TRY(put_image(p, &w->miss[i], f, facts));
        put(p, "<dl>");
        for (size_t k = 0; k < facts; k++) {
            fprintf(p->out, "<div><dt>%s</dt><dd>", f[k].label);
            if (f[k].name) {
                put(p, "<b>");
                put_text(p, f[k].name);
                put(p, "</b> ");
            }
            put_text(p, f[k].number);
            put(p, "</dd></div>");
        }
        put(p, "<div class=\"place\"><dt>sample</dt><dd>");
        put_place(p, &w->miss[i]);
        put(p, "</dd></div></dl></li>\n");
    }
    put(p, "</ul>\n");
    return LAM_OK;
}

static void put_worst_table(const page *p)
{
    const cli_worst *w = p->tally->worst;
    fact f[FACTS];
    const size_t facts = facts_of(f, p, &w->miss[0]);
    put(p, "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Most wrong samples\">\n<table>\n<thead><tr>"
           "<th scope=\"col\">sample</th>");
    for (size_t k = 0; k < facts; k++)
        fprintf(p->out, "<th scope=\"col\"%s>%s</th>",
                !f[k].name     ? " class=\"n\""
                : *f[k].number ? " colspan=\"2\""
                               : "",
                f[k].label);
    put(p, "</tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < w->count; i++) {
        facts_of(f, p, &w->miss[i]);
        put(p, "<tr><th scope=\"row\">");
        put_place(p, &w->miss[i]);
        put(p, "</th>");
        for (size_t k = 0; k < facts; k++) {
            if (f[k].name) {
                put(p, "<td>");
                put_text(p, f[k].name);
                put(p, "</td>");
            }
            if (*f[k].number) {
                put(p, "<td class=\"n\">");
                put_text(p, f[k].number);
                put(p, "</td>");
            }
        }
        put(p, "</tr>\n");
    }
    put(p, "</tbody>\n</table>\n</div>\n");
}

static const char *worst_words(const page *p)
{
    if (p->tally->errors)
        return p->net->classes > 1 ? "The largest errors, and the target that is furthest off." : "The largest errors.";
    if (!p->tally->classes)
        return "Wrong answers with the largest loss, and the target that is furthest off; the number is the "
               "probability "
               "that the network gives to the truth.";
    if (cli_has_probability(p->net))
        return "Wrong answers, those first whose true class the network thinks least likely; the numbers are its "
               "probabilities.";
    return "Wrong answers, those first whose true class is furthest behind; the numbers are scores.";
}

static lam_status put_worst(const page *p)
{
    put(p, "<section>\n<h2>Most wrong samples</h2>\n");
    if (!p->tally->worst->count) {
        put(p, "<p>No answer is wrong.</p>\n</section>\n");
        return LAM_OK;
    }
    fprintf(p->out, "<p>%s</p>\n", worst_words(p));
    if (p->data->shape.rank == 3 && !p->images)
        put(p, "<p class=\"note\">This build was made without libpng: there are no pictures.</p>\n");
    if (p->images)
        LAM_TRY(put_cards(p));
    else
        put_worst_table(p);
    put(p, "</section>\n");
    return LAM_OK;
}

/* ---- all together ------------------------------------------------------------------------------------------------ */

lam_status cli_report_page(FILE *out, const cli_tally *t, const char *model)
{
    const page p = { .out = out,
                     .tally = t,
                     .net = t->net,
                     .data = t->data,
                     .images = t->data->shape.rank == 3 && lami_image_reads(LAMI_IMAGE_PNG) };
    put_head(&p, model);
    put_tiles(&p);
    LAM_TRY(put_facts(&p));
    if (lami_is_folder(model))
        LAM_TRY(cli_curves(out, model));
    if (t->classes)
        put_classes(&p);
    else
        put_targets(&p);
    if (t->confusion && t->classes <= MATRIX_CLASSES)
        put_matrix(&p);
    else if (t->confusion)
        put_confusions(&p);
    LAM_TRY(put_worst(&p));
    put(&p, "</main>\n</body>\n</html>\n");
    return LAM_OK;
}
