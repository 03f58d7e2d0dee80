/* output: see output.h. */
#include "output.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "../core/mem.h"
#include "../core/number.h"

enum { NARROWEST = 20, WIDEST = 1000, PLAIN_WIDTH = 80 };

int cli_width(FILE *stream)
{
    struct winsize size;
    uint64_t columns = 0;
    const char *given = getenv("COLUMNS");
    if (given && !lami_parse_u64(&columns, given) && columns >= NARROWEST && columns <= WIDEST)
        return (int)columns;
    if (ioctl(fileno(stream), TIOCGWINSZ, &size) || size.ws_col < NARROWEST)
        return PLAIN_WIDTH;
    return size.ws_col > WIDEST ? WIDEST : size.ws_col;
}

lam_status cli_flush(void)
{
    errno = 0;
    if (fflush(stdout) || ferror(stdout))
        return lami_fail(LAM_EWRITE, "cannot write to standard output: %s", errno ? strerror(errno) : "a write failed");
    return LAM_OK;
}

/* ---- tables ------------------------------------------------------------------------------------------------------ */

struct cli_table {
    const char *align;
    size_t columns, cells, cell_capacity;
    size_t *cell; /* where each begins in text */
    size_t bytes, text_capacity;
    char *text;
    lam_status status;
};

lam_status cli_table_new(cli_table **table, const char *align)
{
    cli_table *t = lami_alloc(1, sizeof *t);
    *table = t;
    if (!t)
        return LAM_ENOMEM;
    t->align = align;
    t->columns = strlen(align);
    return LAM_OK;
}

void cli_table_free(cli_table *table)
{
    if (!table)
        return;
    lami_free(table->cell);
    lami_free(table->text);
    lami_free(table);
}

void cli_mask(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = '?';
}

void cli_table_cell(cli_table *t, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    cli_mask(text);
    const size_t size = strlen(text) + 1;
    void *cell = t->cell, *all = t->text;
    if (!t->status)
        t->status = lami_grow(&cell, &t->cell_capacity, t->cells + 1, sizeof *t->cell);
    t->cell = cell;
    if (!t->status)
        t->status = lami_grow(&all, &t->text_capacity, t->bytes + size, 1);
    t->text = all;
    if (t->status)
        return;
    t->cell[t->cells++] = t->bytes;
    memcpy(t->text + t->bytes, text, size);
    t->bytes += size;
}

/* Columns that a text takes: its UTF-8 characters. */
static size_t text_width(const char *text)
{
    size_t width = 0;
    for (; *text; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static const char *cell_text(const cli_table *t, size_t row, size_t column)
{
    const size_t at = row * t->columns + column;
    return at < t->cells ? t->text + t->cell[at] : "";
}

static void print_row(const cli_table *t, const size_t *width, size_t row, FILE *out, int indent)
{
    size_t last = t->columns;
    while (last && !*cell_text(t, row, last - 1))
        last--;
    fprintf(out, "%*s", last ? indent : 0, "");
    for (size_t c = 0; c < last; c++) {
        const char *text = cell_text(t, row, c);
        const int pad = (int)(width[c] - text_width(text));
        const int right = t->align[c] == 'r';
        fprintf(out, "%*s%s%*s", right ? pad : 0, "", text, right || c + 1 == last ? 0 : pad, "");
        fputs(c + 1 < last ? "  " : "", out);
    }
    fputc('\n', out);
}

lam_status cli_table_print(const cli_table *t, FILE *out, int indent)
{
    if (t->status)
        return t->status;
    const size_t rows = (t->cells + t->columns - 1) / t->columns;
    size_t *width = lami_alloc(t->columns, sizeof *width);
    if (!width)
        return LAM_ENOMEM;
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = 0; c < t->columns; c++) {
            const size_t w = text_width(cell_text(t, r, c));
            width[c] = w > width[c] ? w : width[c];
        }
    }
    for (size_t r = 0; r < rows; r++)
        print_row(t, width, r, out, indent);
    lami_free(width);
    return LAM_OK;
}

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

const char *cli_count(char text[CLI_TEXT_MAX], uint64_t value)
{
    char digits[CLI_TEXT_MAX];
    const int length = snprintf(digits, sizeof digits, "%" PRIu64, value);
    size_t at = 0;
    for (int i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0)
            text[at++] = ',';
        text[at++] = digits[i];
    }
    text[at] = 0;
    return text;
}

const char *cli_left_out(char text[CLI_LEFT_OUT], size_t files)
{
    char number[CLI_TEXT_MAX];
    snprintf(text, CLI_LEFT_OUT, "%s image file%s left out: `lamina data` lists %s", cli_count(number, files),
             files == 1 ? "" : "s", files == 1 ? "it" : "them");
    return text;
}

const char *cli_bytes(char text[CLI_TEXT_MAX], double bytes)
{
    static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
    size_t unit = 0;
    for (; bytes >= 1024 && unit + 1 < sizeof units / sizeof *units; unit++)
        bytes /= 1024;
    snprintf(text, CLI_TEXT_MAX, unit ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
    return text;
}

const char *cli_seconds(char text[CLI_TEXT_MAX], double seconds)
{
    const uint64_t whole = seconds < 1e18 ? (uint64_t)(seconds + 0.5) : 0;
    if (seconds < 59.95)
        snprintf(text, CLI_TEXT_MAX, "%.1f s", seconds);
    else if (whole < 3600)
        snprintf(text, CLI_TEXT_MAX, "%" PRIu64 " min %02" PRIu64 " s", whole / 60, whole % 60);
    else
        snprintf(text, CLI_TEXT_MAX, "%" PRIu64 " h %02" PRIu64 " min", whole / 3600, whole / 60 % 60);
    return text;
}

const char *cli_thousands(char text[CLI_TEXT_MAX], double value)
{
    static const char units[] = "kMGT";
    int unit = -1;
    while (value >= 999.5 && unit < 3) {
        value /= 1000;
        unit++;
    }
    snprintf(text, CLI_TEXT_MAX, "%.*f%.*s",
             unit < 0 || value >= 99.95 ? 0
             : value < 9.995            ? 2
                                        : 1,
             value, unit >= 0, units + (unit >= 0 ? unit : 0));
    return text;
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

lam_status cli_json_print(json_t *object)
{
    if (!object)
        return lami_fail(LAM_ENOMEM, "out of memory for the JSON object");
    const int failed = json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(12));
    json_decref(object);
    if (failed && !ferror(stdout))
        return lami_fail(LAM_ENOMEM, "out of memory for the JSON object");
    fputc('\n', stdout);
    return cli_flush();
}
