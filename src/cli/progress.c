/* progress: see progress.h. */
#include "progress.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../core/mem.h"
#include "output.h"

static const double redraw_seconds = 0.2;

struct cli_progress {
    FILE *out;
    int terminal;
    double limit;
    int begun;
    size_t first_step; /* when it was shown first: a run may have been resumed */
    double first_seconds;
    double drawn; /* seconds at which the line was drawn */
    lam_progress last;
    double loss_sum;              /* since the last line of an epoch */
    size_t loss_count, line_step; /* line_step: of the last plain line */
};

int cli_progress_fits(FILE *out)
{
    const char *term = getenv("TERM");
    return isatty(fileno(out)) && !(term && !strcmp(term, "dumb"));
}

cli_progress *cli_progress_start(FILE *out, double limit)
{
    cli_progress *p = lami_alloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->out = out;
    p->terminal = cli_progress_fits(out);
    p->limit = limit;
    p->drawn = -1;
    p->last.train_accuracy = p->last.val_accuracy = NAN;
    return p;
}

/* ---- the parts of a line ----------------------------------------------------------------------------------------- */

enum { PART_TEXT = CLI_PROGRESS_PART, BAR_LEAST = 6, BAR_MOST = 30 };

static void epoch_part(char text[PART_TEXT], const lam_progress *now)
{
    const size_t current = now->epoch_end || (now->epochs && now->epoch >= now->epochs) ? now->epoch : now->epoch + 1;
    if (now->epochs)
        snprintf(text, PART_TEXT, "epoch %zu/%zu", current, now->epochs);
    else
        snprintf(text, PART_TEXT, "epoch %zu", current);
}

const char *cli_progress_left(char text[CLI_PROGRESS_PART], double left)
{
    text[0] = 0;
    if (!(left >= 0 && left < 3600 * 1000.0))
        return text;
    const unsigned seconds = (unsigned)ceil(left), hours = seconds / 3600;
    if (hours)
        snprintf(text, PART_TEXT, "ETA %u:%02u:%02u", hours, seconds / 60 % 60, seconds % 60);
    else
        snprintf(text, PART_TEXT, "ETA %u:%02u", seconds / 60, seconds % 60);
    return text;
}

/* "val 56.2%", or of numbers that are predicted "val R2 0.562" */
static void accuracy_part(char text[PART_TEXT], const char *name, const lam_progress *now, double accuracy, int digits)
{
    text[0] = 0;
    if (isfinite(accuracy) && now->values)
        snprintf(text, PART_TEXT, "%s R2 %.*f", name, digits + 2, accuracy);
    else if (isfinite(accuracy))
        snprintf(text, PART_TEXT, "%s %.*f%%", name, digits, 100 * accuracy);
}

const char *cli_progress_bar(char text[CLI_PROGRESS_PART], int cells, double done)
{
    const int full = done <= 0 ? 0 : (int)((done < 1 ? done : 1) * (cells - 2));
    char *at = text;
    *at++ = '[';
    for (int i = 0; i < cells - 2; i++)
        *at++ = i < full ? '=' : i == full ? '>' : ' ';
    *at++ = ']';
    *at = 0;
    return text;
}

/* ---- the line ---------------------------------------------------------------------------------------------------- */

enum { EPOCH, BAR, RATE, LEFT, LOSS, TRAIN, VAL, PARTS };

static int line_length(char part[PARTS][PART_TEXT])
{
    int length = 0;
    for (int i = 0; i < PARTS; i++)
        length += part[i][0] ? (int)strlen(part[i]) + (length ? 2 : 0) : 0;
    return length;
}

void cli_progress_line(char line[CLI_PROGRESS_TEXT], int width, const lam_progress *now, double loss, double done,
                       double left)
{
    static const int dispensable[] = { RATE, TRAIN, EPOCH, LEFT, VAL, LOSS };
    char part[PARTS][PART_TEXT] = { { 0 } }, number[CLI_TEXT_MAX];
    const int room = (width < CLI_PROGRESS_TEXT ? width : CLI_PROGRESS_TEXT) - 1;
    epoch_part(part[EPOCH], now);
    if (now->samples_per_second > 0)
        snprintf(part[RATE], PART_TEXT, "%s/s", cli_thousands(number, now->samples_per_second));
    cli_progress_left(part[LEFT], left);
    if (isfinite(loss))
        snprintf(part[LOSS], PART_TEXT, "loss %.4g", loss);
    accuracy_part(part[TRAIN], "train", now, now->train_accuracy, 1);
    accuracy_part(part[VAL], "val", now, now->val_accuracy, 1);
    for (size_t i = 0; i < sizeof dispensable / sizeof *dispensable && line_length(part) > room; i++)
        part[dispensable[i]][0] = 0;
    const int cells = room - line_length(part) - 2;
    if (isfinite(done) && cells >= BAR_LEAST)
        cli_progress_bar(part[BAR], cells < BAR_MOST ? cells : BAR_MOST, done);
    size_t at = 0;
    line[0] = 0;
    for (int i = 0; i < PARTS; i++)
        if (part[i][0])
            at += (size_t)snprintf(line + at, CLI_PROGRESS_TEXT - at, "%s%s", at ? "  " : "", part[i]);
}

/* ---- showing it -------------------------------------------------------------------------------------------------- */

/* Fraction done and seconds left, by steps or by time, whichever ends first. */
static void estimate(const cli_progress *p, double *done, double *left)
{
    const lam_progress *now = &p->last;
    const double elapsed = now->seconds - p->first_seconds, steps = (double)(now->step - p->first_step);
    *done = *left = NAN;
    if (now->steps) {
        *done = (double)now->step / (double)now->steps;
        *left = steps > 0 && now->step < now->steps ? elapsed / steps * (double)(now->steps - now->step) : NAN;
    }
    if (p->limit > 0) {
        const double time_done = now->seconds / p->limit, time_left = p->limit - now->seconds;
        *done = *done > time_done ? *done : time_done;
        *left = *left < time_left ? *left : time_left > 0 ? time_left : NAN;
    }
}

static double mean_loss(const cli_progress *p)
{
    return p->loss_count ? p->loss_sum / (double)p->loss_count : p->last.loss;
}

static void draw(cli_progress *p)
{
    char line[CLI_PROGRESS_TEXT];
    double done, left;
    estimate(p, &done, &left);
    cli_progress_line(line, cli_width(p->out), &p->last, mean_loss(p), done, left);
    fprintf(p->out, "\r%s\033[K", line);
    fflush(p->out);
    p->drawn = p->last.seconds;
}

static void plain_line(cli_progress *p)
{
    const lam_progress *now = &p->last;
    char part[PART_TEXT], number[CLI_TEXT_MAX];
    epoch_part(part, now);
    fprintf(p->out, "%s  step %zu  loss %.4g", part, now->step, mean_loss(p));
    accuracy_part(part, "  train", now, now->train_accuracy, 2);
    fputs(now->epoch_end ? part : "", p->out);
    accuracy_part(part, "  val", now, now->val_accuracy, 2);
    fputs(now->epoch_end ? part : "", p->out);
    fprintf(p->out, "  %s/s  %.1f s\n", cli_thousands(number, now->samples_per_second), now->seconds);
    fflush(p->out);
    p->line_step = now->step;
}

void cli_progress_show(cli_progress *p, const lam_progress *now)
{
    if (!p)
        return;
    const lam_progress before = p->last;
    p->last = *now;
    if (!now->epoch_end) {
        p->last.train_accuracy = before.train_accuracy;
        p->last.val_accuracy = before.val_accuracy;
    }
    if (!p->begun) {
        p->begun = 1;
        p->first_step = now->step;
        p->first_seconds = now->seconds;
        p->line_step = now->step - 1;
    }
    p->loss_sum += now->loss;
    p->loss_count++;
    if (now->warning)
        fprintf(p->out, "%slamina: warning: %s\n", p->terminal && p->drawn >= 0 ? "\r\033[K" : "", now->warning);
    if (p->terminal && (p->drawn < 0 || now->seconds - p->drawn >= redraw_seconds))
        draw(p);
    if (!now->epoch_end)
        return;
    if (!p->terminal)
        plain_line(p);
    p->loss_sum = 0;
    p->loss_count = 0;
}

void cli_progress_stop(cli_progress **progress)
{
    cli_progress *p = *progress;
    *progress = NULL;
    if (!p)
        return;
    if (p->begun && p->terminal) {
        draw(p);
        fputc('\n', p->out);
    } else if (p->begun && p->line_step != p->last.step)
        plain_line(p);
    lami_free(p);
}
