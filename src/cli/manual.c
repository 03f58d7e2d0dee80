/* manual: the manual pages, made from the tables of commands, options and statuses. Plain man(7) macros. */
#include <string.h>

#include "cli.h"
#include "items.h"

enum { LINE_WIDTH = 60, PAGE_NAME_MAX = 80 };

/* ---- text -------------------------------------------------------------------------------------------------------- */

static void put_char(FILE *out, char c)
{
    switch (c) {
    case '\\':
        fputs("\\e", out);
        break;
    case '-':
        fputs("\\-", out); /* one that can be copied: a bare one is a hyphen */
        break;
    case '\'':
        fputs("\\(aq", out);
        break;
    case '`':
        fputs("\\(ga", out);
        break;
    case '^':
        fputs("\\(ha", out);
        break;
    case '~':
        fputs("\\(ti", out);
        break;
    default:
        putc(c, out);
    }
}

static void put_text(FILE *out, const char *text, size_t length)
{
    if (length && text[0] == '.')
        fputs("\\&", out); /* at the start of a line it would be a request */
    for (size_t i = 0; i < length; i++)
        put_char(out, text[i]);
}

static void put_font(FILE *out, char font, const char *text, size_t length)
{
    fprintf(out, "\\f%c", font);
    put_text(out, text, length);
    fputs("\\fR", out);
}

static int is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static int is_word(char c)
{
    return is_upper(c) || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* The length of an option at the start of text: -v, --lr-decay; 0: none. */
static size_t option_length(const char *text, size_t length)
{
    size_t n = 0;
    while (n < length && n < 2 && text[n] == '-')
        n++;
    const size_t dashes = n;
    while (n < length && (is_word(text[n]) || (dashes == 2 && text[n] == '-')))
        n++;
    return dashes && n > dashes && !(text[dashes] >= '0' && text[dashes] <= '9') ? n : 0;
}

/* A line of usage: options bold, placeholders such as NET italic. */
static void put_usage(FILE *out, const char *text, size_t length)
{
    for (size_t i = 0; i < length;) {
        size_t n = option_length(text + i, length - i);
        if (n) {
            put_font(out, 'B', text + i, n);
        } else if (is_upper(text[i])) {
            while (i + n < length && is_upper(text[i + n]))
                n++;
            put_font(out, 'I', text + i, n);
        } else {
            n = 1;
            put_char(out, text[i]);
        }
        i += n;
    }
}

/* Running text. A sentence ends its line, so that the formatter sets the space after it. */
static void put_paragraph(FILE *out, const char *text, size_t length)
{
    size_t column = 0;
    for (size_t i = 0; i < length;) {
        size_t n = 0;
        while (i + n < length && text[i + n] != ' ')
            n++;
        const int breaks = column && (column + n > LINE_WIDTH || text[i - 2] == '.');
        if (n && column)
            putc(breaks ? '\n' : ' ', out);
        if (breaks)
            column = 0;
        const size_t option = option_length(text + i, n);
        if (option) {
            put_font(out, 'B', text + i, option);
            for (size_t k = option; k < n; k++)
                put_char(out, text[i + k]);
        } else
            put_text(out, text + i, n);
        column += n ? n + 1 : 0;
        i += n + 1;
    }
    putc('\n', out);
}

static void put_line(FILE *out, const char *text)
{
    put_paragraph(out, text, strlen(text));
}

/* Lines as they are, from the first that begins with a space to the last; the length taken. */
static size_t put_verbatim(FILE *out, const char *text)
{
    size_t at = 0;
    fputs(".nf\n", out);
    while (text[at] == ' ') {
        const size_t length = strcspn(text + at, "\n"), indent = strspn(text + at, " ");
        fputs("    ", out); /* what stands there is indented by two or more: by four here */
        for (size_t i = 2; i < indent; i++)
            putc(' ', out);
        put_text(out, text + at + indent, length - indent);
        putc('\n', out);
        at += length + (text[at + length] == '\n');
    }
    fputs(".fi\n", out);
    return at;
}

/* Paragraphs, each one line, and lines that begin with a space. */
static void put_about(FILE *out, const char *about)
{
    const char *between = "";
    for (const char *line = about; line && *line;) {
        const size_t length = strcspn(line, "\n");
        if (length)
            fputs(between, out);
        if (line[0] == ' ') {
            line += put_verbatim(out, line);
        } else {
            if (length)
                put_paragraph(out, line, length);
            line += length + (line[length] == '\n');
        }
        between = ".PP\n";
    }
}

/* ---- parts of pages ---------------------------------------------------------------------------------------------- */

static void put_upper(FILE *out, const char *text)
{
    for (; *text; text++)
        put_char(out, *text >= 'a' && *text <= 'z' ? (char)(*text - 'a' + 'A') : *text);
}

/* Title and the section NAME. name: lamina, or lamina-train. */
static void put_head(FILE *out, const char *name, int section, const char *help)
{
    fputs(".\\\" Made by \"lamina help --man\" from the tables of commands and options: nothing to edit here.\n.TH ",
          out);
    put_upper(out, name);
    fprintf(out, " %d \"\" \"lamina %s\" \"%s\"\n.nh\n.ad l\n.SH NAME\n", section, lam_version(),
            section == 1 ? "User Commands" : "Library Functions");
    put_text(out, name, strlen(name));
    fputs(" \\- ", out);
    put_text(out, help, strlen(help));
    putc('\n', out);
}

static void put_reference(FILE *out, const char *command, const char *after)
{
    fputs(".BR ", out);
    put_text(out, "lamina", 6);
    if (command) {
        fputs("\\-", out);
        put_text(out, command, strlen(command));
    }
    fprintf(out, " (1)%s\n", after);
}

static void put_item(FILE *out, const cli_item *item)
{
    char text[CLI_ITEM_TEXT];
    const char letter[] = { '-', item->letter };
    fputs(".TP\n", out);
    if (item->letter) {
        put_font(out, 'B', letter, sizeof letter);
        fputs(", ", out);
    }
    fputs("\\fB\\-\\-", out);
    put_text(out, item->name, strlen(item->name));
    fputs("\\fR", out);
    if (item->value_name) {
        putc(' ', out);
        put_font(out, 'I', item->value_name, strlen(item->value_name));
    }
    putc('\n', out);
    cli_item_text(text, item);
    put_line(out, text);
}

static void put_options(FILE *out, const cli_cmd *cmd)
{
    cli_items items;
    cli_items_gather(&items, cmd);
    fputs(".SH OPTIONS\n", out);
    for (size_t h = 0; cli_heading(h); h++) {
        int any = 0;
        for (size_t i = 0; i < items.count; i++) {
            if (cli_heading_of(cmd, &items.item[i]) != h)
                continue;
            if (!any++ && h)
                fprintf(out, ".SS %s\n", cli_heading(h));
            put_item(out, &items.item[i]);
        }
    }
}

static void put_synopsis(FILE *out, const cli_cmd *cmd)
{
    const char *between = "";
    fputs(".SH SYNOPSIS\n", out);
    for (const char *line = cmd->usage; *line;) {
        const size_t length = strcspn(line, "\n");
        fprintf(out, "%s\\fBlamina %s\\fR ", between, cmd->name);
        put_usage(out, line, length);
        putc('\n', out);
        between = ".br\n";
        line += length + (line[length] == '\n');
    }
}

/* ---- pages ------------------------------------------------------------------------------------------------------- */

static void command_page(FILE *out, const cli_cmd *cmd)
{
    char name[PAGE_NAME_MAX];
    snprintf(name, sizeof name, "lamina-%s", cmd->name);
    put_head(out, name, 1, cmd->help);
    put_synopsis(out, cmd);
    fputs(".SH DESCRIPTION\n", out);
    put_about(out, cmd->about);
    put_options(out, cmd);
    if (cmd->examples) {
        fputs(".SH EXAMPLES\n", out);
        put_about(out, cmd->examples);
    }
    fputs(".SH SEE ALSO\n", out);
    put_reference(out, NULL, ",");
    for (const cli_cmd *const *c = cli_commands; *c; c++)
        if (*c != cmd)
            put_reference(out, (*c)->name, c[1] && (c[1] != cmd || c[2]) ? "," : "");
}

static void put_exit_statuses(FILE *out)
{
    static const struct {
        int status;
        const char *meaning;
    } statuses[] = {
        { CLI_DONE, "done" },
        { CLI_FAILED, "failed while running: cannot write, disk full, out of memory, run folder in use" },
        { CLI_USAGE, "wrong usage, option or notation, also in a file" },
        { CLI_INPUT, "an input is missing, unreadable or damaged" },
        { CLI_DIVERGED, "the loss is not finite any more" },
        { CLI_CHECK, "a check failed: of gradients, or of data with --strict" },
    };
    fputs(".SH EXIT STATUS\n", out);
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        fprintf(out, ".TP\n.B %d\n", statuses[i].status);
        put_line(out, statuses[i].meaning);
    }
    fputs(".TP\n.BR 130 \", \" 143\ninterrupted by Ctrl\\-C or SIGTERM, with a checkpoint written\n", out);
}

static void program_page(FILE *out)
{
    put_head(out, "lamina", 1, "train, check and ship neural networks");
    fputs(".SH SYNOPSIS\n\\fBlamina\\fR \\fICOMMAND\\fR [options] \\fIARGUMENTS\\fR\n.br\n"
          "\\fBlamina help\\fR [\\fICOMMAND\\fR]\n.br\n\\fBlamina \\-\\-version\\fR\n.SH DESCRIPTION\n",
          out);
    put_about(out,
              "A network is one line of text in the notation of Stanford's CS231n, such as\n"
              "  {affine 100 - batchnorm - relu} x 4 - affine 10 - softmax\n"
              "in quotes, or a file that holds it. Training leaves a run folder, whose best.safetensors is the model: "
              "weights, network, preprocessing and class names in one file.\n"
              "\n"
              "Results go to standard output, everything else to standard error. Options may stand before or after the "
              "arguments: --name value, --name=value, and for a few -n value. -- ends them. Of an option given twice "
              "the last one counts. A file of options is read with --config; an option of the command line wins over "
              "it, it over the environment, and that over the default.\n"
              "\n"
              "Results have the same bits whatever the number of threads and the instruction set.");
    fputs(".SH COMMANDS\n", out);
    for (const cli_cmd *const *c = cli_commands; *c; c++) {
        fprintf(out, ".TP\n.B %s\n", (*c)->name);
        put_line(out, (*c)->help);
    }
    put_exit_statuses(out);
    fputs(".SH ENVIRONMENT\n.TP\n.BI LAMINA_ NAME\n", out);
    put_line(out, "stands in for --name where that is not given, such as LAMINA_THREADS=2 for --threads 2, or "
                  "LAMINA_INIT_SCALE for --init-scale; without meaning for commands that do not take the option");
    fputs(".TP\n.B COLUMNS\n", out);
    put_line(out, "how wide a line may be; else as the terminal says");
    fputs(".SH SEE ALSO\n", out);
    for (const cli_cmd *const *c = cli_commands; *c; c++)
        put_reference(out, (*c)->name, ",");
    fputs(".BR lamina (3)\n", out);
}

/* An option in C: its range stands in the page, as no help does. */
static void put_option_row(FILE *out, const lami_option *o)
{
    const cli_item item = { .option = o, .help = o->help, .choices = o->choices };
    char text[CLI_ITEM_TEXT];
    cli_item_text(text, &item);
    size_t at = strlen(text);
    if (o->kind == LAMI_REAL || o->kind == LAMI_SIZE)
        at += (size_t)snprintf(text + at, sizeof text - at, " (%.16g to %.16g)", o->least, o->most);
    if (o->default_text[0] && at < sizeof text)
        snprintf(text + at, sizeof text - at, " [%s]", o->default_text);
    fputs(".TP\n", out);
    put_font(out, 'B', o->name, strlen(o->name));
    if (o->value_name[0]) {
        putc(' ', out);
        put_font(out, 'I', o->value_name, strlen(o->value_name));
    }
    putc('\n', out);
    put_line(out, text);
}

static void library_page(FILE *out)
{
    static const struct {
        const char *name, *text;
    } statuses[] = {
#define X(name, value, text) { #name, text },
        LAM_STATUS_MAP(X)
#undef X
    };
    put_head(out, "lamina", 3, "neural networks in C");
    fputs(".SH SYNOPSIS\n.nf\n.B #include <lamina.h>\n.PP\n"
          ".B cc program.c $(pkg\\-config \\-\\-cflags \\-\\-libs lamina)\n.fi\n.SH DESCRIPTION\n",
          out);
    put_about(out,
              "The header describes every function: data sets, networks from their notation, training, sessions for a "
              "loop of your own, layers as functions by themselves, gradient checks. It may be included from C++.\n"
              "\n"
              "Results come first, through pointers. What a function hands over is released with the _free function of "
              "its type. The library prints nothing, never exits and installs no signal handler. Different objects may "
              "be used by different threads at once.\n"
              "\n"
              "pkg-config --static gives what a program needs that is linked with the static library. In CMake, "
              "find_package(lamina) gives the target lamina::lamina, and find_package(lamina COMPONENTS static) "
              "lamina::lamina_static too.");
    fputs(".SH OPTIONS\nNames and values for\n.BR lam_options_set (),\nwith their ranges, and defaults in brackets.\n",
          out);
    for (size_t i = 0; i < lami_option_count; i++)
        put_option_row(out, &lami_option_table[i]);
    fputs(".SH ERRORS\nFunctions return\n.B LAM_OK\n(0) or one of these;\n.BR lam_last_error ()\n"
          "has the message of this thread.\n",
          out);
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        fprintf(out, ".TP\n.B %s\n", statuses[i].name);
        put_line(out, statuses[i].text);
    }
    fputs(".SH SEE ALSO\n", out);
    put_reference(out, NULL, "");
}

lam_status cli_manual(FILE *out, const char *page)
{
    char name[PAGE_NAME_MAX];
    if (!page)
        fputs("lamina.1\nlamina.3\n", out);
    else if (!strcmp(page, "lamina.1"))
        return program_page(out), LAM_OK;
    else if (!strcmp(page, "lamina.3"))
        return library_page(out), LAM_OK;
    for (const cli_cmd *const *c = cli_commands; *c; c++) {
        snprintf(name, sizeof name, "lamina-%s.1", (*c)->name);
        if (!page)
            fprintf(out, "%s\n", name);
        else if (!strcmp(page, name))
            return command_page(out, *c), LAM_OK;
    }
    return page ? lami_fail(LAM_EOPTION, "there is no manual page \"%.64s\"", page) : LAM_OK;
}
