/* args: see args.h. The rows of a command are gathered into items first (items.h); parsing and help work on those. */
#include "args.h"

#include <stddef.h>
#include <string.h>

#include "../core/file.h"
#include "../core/mem.h"
#include "../core/nearest.h"
#include "../core/number.h"
#include "environment.h"
#include "items.h"

enum { CONFIG_MAX = 1 << 20 };

/* ---- parsing ----------------------------------------------------------------------------------------------------- */

/* A value given on the command line, kept until the file has been read. */
typedef struct setting {
    const cli_item *item;
    const char *value; /* NULL: a flag that stands alone */
} setting;

struct cli_args {
    const cli_cmd *cmd;
    cli_items items;
    cli_common common;
    void *own;
    lam_options *options, *given;
    char *config_text;         /* values of TEXT rows point into it */
    char *list[CLI_ITEMS_MAX]; /* values of LIST rows, by item */
    const char **arg;
    setting *setting;
    size_t settings;
    cli_call call;
};

static const char *item_name(size_t index, const void *arg)
{
    return ((const cli_items *)arg)->item[index].name;
}

static lam_status unknown_option(const cli_args *a, const char *name)
{
    if (lami_option_row(name) != SIZE_MAX) /* an option of the library that this command has no use for */
        return lami_fail(LAM_EOPTION, "%s does not take --%.64s (see lamina %s --help)", a->cmd->name, name,
                         a->cmd->name);
    const char *meant = lami_nearest(name, a->items.count, item_name, &a->items);
    if (meant)
        return lami_fail(LAM_EOPTION, "unknown option --%.64s, did you mean --%s?", name, meant);
    return lami_fail(LAM_EOPTION, "unknown option --%.64s (see lamina %s --help)", name, a->cmd->name);
}

static lam_status set_flag(int *field, const cli_item *it, const char *value)
{
    const int on = !value || !strcmp(value, "1") || !strcmp(value, "true");
    if (!on && strcmp(value, "0") && strcmp(value, "false"))
        return lami_fail(LAM_EOPTION, "--%s: \"%.64s\" is not 1, 0, true or false", it->name, value);
    *field = on;
    return LAM_OK;
}

static lam_status set_size(size_t *field, const cli_item *it, const char *value)
{
    uint64_t number;
    if (lami_parse_u64(&number, value))
        return lami_fail_at(LAM_EOPTION, "--%s", it->name);
    if (number < it->row->least || number > it->row->most)
        return lami_fail(LAM_EOPTION, "--%s: %.64s is %s %zu", it->name, value,
                         number < it->row->least ? "under" : "over",
                         number < it->row->least ? it->row->least : it->row->most);
    *field = (size_t)number;
    return LAM_OK;
}

static lam_status set_choice(int *field, const cli_item *it, const char *value)
{
    size_t index;
    LAM_TRY(lami_choice_find(&index, it->name, it->choices, value));
    *field = (int)index;
    return LAM_OK;
}

static lam_status add_to_list(cli_args *a, const char **field, const cli_item *it, const char *value)
{
    char **list = &a->list[it - a->items.item];
    const size_t before = *list ? strlen(*list) : 0, size = before + strlen(value) + sizeof "; ";
    char *joined = lami_alloc(size, 1);
    if (!joined)
        return LAM_ENOMEM;
    snprintf(joined, size, "%s%s%s", before ? *list : "", before ? "; " : "", value);
    lami_free(*list);
    *field = *list = joined;
    return LAM_OK;
}

/* What the command line says of a list stands for all of it. */
static void forget_lists(cli_args *a)
{
    for (size_t i = 0; i < a->settings; i++) {
        const cli_item *it = a->setting[i].item;
        if (!it->row || it->row->kind != CLI_KIND_LIST)
            continue;
        lami_free(a->list[it - a->items.item]);
        a->list[it - a->items.item] = NULL;
    }
}

/* Store a value; NULL is a flag that stands alone. */
static lam_status set_item(cli_args *a, const cli_item *it, const char *value)
{
    if (it->option) {
        LAM_TRY(lam_options_set(a->options, it->name, value ? value : "1"));
        return lam_options_set(a->given, it->name, value ? value : "1");
    }
    char *field = (it->common ? (char *)&a->common : (char *)a->own) + it->row->offset;
    switch (it->row->kind) {
    case CLI_KIND_FLAG:
        return set_flag((int *)(void *)field, it, value);
    case CLI_KIND_SIZE:
        return set_size((size_t *)(void *)field, it, value);
    case CLI_KIND_CHOICE:
        return set_choice((int *)(void *)field, it, value);
    case CLI_KIND_TEXT:
    case CLI_KIND_LIST:
        if (!*value)
            return lami_fail(LAM_EOPTION, "--%s: the value is empty", it->name);
        if (it->row->kind == CLI_KIND_LIST)
            return add_to_list(a, (const char **)(void *)field, it, value);
        *(const char **)(void *)field = value;
        return LAM_OK;
    }
    return LAM_EOPTION;
}

static void keep(cli_args *a, const cli_item *it, const char *value)
{
    a->setting[a->settings++] = (setting) { it, value };
}

static lam_status needs_value(const cli_item *it)
{
    return lami_fail(LAM_EOPTION, "--%s needs a value: --%s %s", it->name, it->name, it->value_name);
}

/* --name, --name value, --name=value; *next is the argument after this one, or NULL, and set to NULL where it is
 * used. */
static lam_status read_long(cli_args *a, const char *text, const char **next)
{
    char name[CLI_WORD_MAX];
    const size_t length = strcspn(text, "=");
    const char *value = text[length] ? text + length + 1 : NULL;
    if (length >= sizeof name)
        return lami_fail(LAM_EOPTION, "unknown option --%.64s... (see lamina %s --help)", text, a->cmd->name);
    memcpy(name, text, length);
    name[length] = 0;
    const cli_item *it = cli_items_find(&a->items, name);
    if (!it)
        return unknown_option(a, name);
    if (it->value_name && !value) {
        if (!*next || !strncmp(*next, "--", 2))
            return needs_value(it);
        value = *next;
        *next = NULL;
    }
    keep(a, it, value);
    return LAM_OK;
}

/* -b 128, -b128, -qv */
static lam_status read_short(cli_args *a, const char *text, const char **next)
{
    for (; *text; text++) {
        const cli_item *it = cli_items_letter(&a->items, *text);
        if (!it)
            return lami_fail(LAM_EOPTION, "unknown option -%c (see lamina %s --help)", *text, a->cmd->name);
        if (!it->value_name) {
            keep(a, it, NULL);
            continue;
        }
        const char *value = text[1] ? text + 1 : *next;
        if (!value || (!text[1] && !strncmp(value, "--", 2)))
            return needs_value(it);
        if (!text[1])
            *next = NULL;
        keep(a, it, value);
        break;
    }
    return LAM_OK;
}

/* Sort argv into settings and arguments. */
static lam_status read_arguments(cli_args *a, int argc, char *const *argv)
{
    int options_end = 0;
    for (int i = 0; i < argc; i++) {
        const char *text = argv[i];
        const char *const after = i + 1 < argc ? argv[i + 1] : NULL;
        const char *next = after;
        if (options_end || text[0] != '-' || !text[1])
            a->arg[a->call.args++] = text;
        else if (!strcmp(text, "--"))
            options_end = 1;
        else
            LAM_TRY(text[1] == '-' ? read_long(a, text + 2, &next) : read_short(a, text + 1, &next));
        i += next != after;
    }
    return LAM_OK;
}

static lam_status check_arguments(const cli_args *a)
{
    const cli_cmd *cmd = a->cmd;
    if (a->call.args < cmd->least_args)
        return lami_fail(LAM_EOPTION, "%s needs %s (see lamina %s --help)", cmd->name, cmd->arg_name, cmd->name);
    if (a->call.args <= cmd->most_args)
        return LAM_OK;
    const char *hint = cmd->arg_name && !strncmp(cmd->arg_name, "NET", 3) ? "; put the notation in quotes" : "";
    return lami_fail(LAM_EOPTION, "%s: one argument too many, \"%.64s\"%s (see lamina %s --help)", cmd->name,
                     a->arg[cmd->most_args], hint, cmd->name);
}

/* ---- files of options -------------------------------------------------------------------------------------------- */

/* Cut off white space at both ends, in place. */
static char *trim(char *text)
{
    text += strspn(text, " \t\r");
    size_t length = strlen(text);
    while (length && strchr(" \t\r", text[length - 1]))
        length--;
    text[length] = 0;
    return text;
}

/* A # at the start of a line or after white space begins a comment. */
static void cut_comment(char *line)
{
    for (char *c = line; *c; c++) {
        if (*c == '#' && (c == line || c[-1] == ' ' || c[-1] == '\t')) {
            *c = 0;
            return;
        }
    }
}

/* One line. seen has the line where each item was set, 0 for not yet. */
static lam_status read_line(cli_args *a, char *line, size_t number, size_t seen[CLI_ITEMS_MAX])
{
    cut_comment(line);
    line = trim(line);
    if (!*line)
        return LAM_OK;
    char *equals = strchr(line, '=');
    if (!equals)
        return lami_fail(LAM_EOPTION, "\"%.64s\" is not \"name = value\"", line);
    *equals = 0;
    const char *name = trim(line), *value = trim(equals + 1);
    const cli_item *it = cli_items_find(&a->items, name);
    if (!it)
        return unknown_option(a, name);
    if (it->common && (!strcmp(name, "config") || !strcmp(name, "help")))
        return lami_fail(LAM_EOPTION, "%s stands on the command line only", name);
    size_t *first = &seen[it - a->items.item];
    if (*first)
        return lami_fail(LAM_EOPTION, "%s is given twice, first in line %zu", name, *first);
    *first = number;
    return set_item(a, it, value);
}

static lam_status read_config(cli_args *a, const char *path)
{
    size_t seen[CLI_ITEMS_MAX] = { 0 }, number = 1;
    lami_blob blob;
    LAM_TRY(lami_blob_open(&blob, path, CONFIG_MAX));
    const int text = !memchr(blob.data ? (const void *)blob.data : "", 0, blob.size);
    a->config_text = text ? lami_strndup((const char *)blob.data, blob.size) : NULL;
    lami_blob_close(&blob);
    if (!text)
        return lami_fail(LAM_EFORMAT, "%s: not a text file", path);
    if (!a->config_text)
        return LAM_ENOMEM;
    for (char *line = a->config_text; line; number++) {
        char *end = strchr(line, '\n');
        if (end)
            *end = 0;
        const lam_status status = read_line(a, line, number, seen);
        if (status)
            return lami_fail_at(status, "%s:%zu", path, number);
        line = end ? end + 1 : NULL;
    }
    return LAM_OK;
}

/* ---- all together ------------------------------------------------------------------------------------------------ */

static const char *given_text(const cli_args *a, const char *name)
{
    const char *value = NULL;
    for (size_t i = 0; i < a->settings; i++)
        if (a->setting[i].item->common && !strcmp(a->setting[i].item->name, name))
            value = a->setting[i].value;
    return value;
}

static int given_help(const cli_args *a)
{
    for (size_t i = 0; i < a->settings; i++)
        if (a->setting[i].item->common && !strcmp(a->setting[i].item->name, "help"))
            return 1;
    return 0;
}

static lam_status set_defaults(cli_args *a)
{
    for (const cli_row *r = a->cmd->rows; r && r->name; r++) {
        char *field = (char *)a->own + r->offset;
        uint64_t number = 0;
        if (r->kind == CLI_KIND_CHOICE)
            *(int *)(void *)field = -1;
        if (r->kind == CLI_KIND_SIZE && r->default_text) {
            LAM_TRY(lami_parse_u64(&number, r->default_text));
            *(size_t *)(void *)field = (size_t)number;
        }
        if (r->kind == CLI_KIND_TEXT)
            *(const char **)(void *)field = r->default_text;
    }
    for (const char *const *d = a->cmd->defaults; d && *d; d += 2)
        LAM_TRY(lam_options_set(a->options, d[0], d[1]));
    return LAM_OK;
}

static lam_status fill(cli_args *a, int argc, char *const *argv)
{
    const size_t room = (size_t)argc + 1;
    size_t letters_in_all = room;
    for (int i = 0; i < argc; i++)
        letters_in_all += strlen(argv[i]); /* -qqqq has a setting per letter */
    a->arg = lami_alloc(room, sizeof *a->arg);
    a->setting = lami_alloc(letters_in_all, sizeof *a->setting);
    a->own = lami_alloc(1, a->cmd->own_size);
    if (!a->arg || !a->setting || !a->own || lam_options_new(&a->options) || lam_options_new(&a->given))
        return LAM_ENOMEM;
    LAM_TRY(read_arguments(a, argc, argv));
    a->common.help = given_help(a);
    if (a->common.help)
        return LAM_OK;
    LAM_TRY(set_defaults(a));
    const char *config = given_text(a, "config");
    if (config)
        LAM_TRY(read_config(a, config));
    forget_lists(a);
    for (size_t i = 0; i < a->settings; i++)
        LAM_TRY(set_item(a, a->setting[i].item, a->setting[i].value));
    LAM_TRY(cli_environment_read(a->options, a->given, &a->items));
    return check_arguments(a);
}

lam_status cli_args_parse(cli_args **args, const cli_cmd *cmd, int argc, char *const *argv)
{
    *args = NULL;
    cli_args *a = lami_alloc(1, sizeof *a);
    if (!a)
        return LAM_ENOMEM;
    a->cmd = cmd;
    cli_items_gather(&a->items, cmd);
    const lam_status status = fill(a, argc, argv);
    if (status) {
        cli_args_free(a);
        return status;
    }
    a->call.own = a->own;
    a->call.options = a->options;
    a->call.given = a->given;
    a->call.arg = a->arg;
    a->call.quiet = a->common.quiet;
    a->call.verbose = a->common.verbose;
    a->call.json = a->common.json;
    *args = a;
    return LAM_OK;
}

void cli_args_free(cli_args *args)
{
    if (!args)
        return;
    lam_options_free(args->options);
    lam_options_free(args->given);
    lami_free(args->own);
    lami_free(args->arg);
    lami_free(args->setting);
    lami_free(args->config_text);
    for (size_t i = 0; i < CLI_ITEMS_MAX; i++)
        lami_free(args->list[i]);
    lami_free(args);
}

int cli_args_help(const cli_args *args)
{
    return args->common.help;
}

const cli_call *cli_args_call(const cli_args *args)
{
    return &args->call;
}

/* ---- help -------------------------------------------------------------------------------------------------------- */

enum { HELP_COLUMN = 26 };

void cli_wrap(FILE *out, const char *text, int column, int indent, int width)
{
    int first = 1;
    while (*text) {
        const size_t spaces = strspn(text, " ");
        const size_t length = strcspn(text + spaces, " ");
        if (!length)
            break;
        const int gap = first ? 0 : (int)spaces;
        if (!first && column + gap + (int)length > width) {
            fprintf(out, "\n%*s", indent, "");
            column = indent;
        } else {
            fprintf(out, "%*s", gap, "");
            column += gap;
        }
        fwrite(text + spaces, 1, length, out);
        column += (int)length;
        text += spaces + length;
        first = 0;
    }
    fputc('\n', out);
}

static void help_item(FILE *out, const cli_item *it, int width)
{
    char left[CLI_WORD_MAX * 2], text[CLI_ITEM_TEXT];
    const char letter[] = { '-', it->letter, ',', ' ', 0 };
    const int length = snprintf(left, sizeof left, "  %s--%s%s%s", it->letter ? letter : "    ", it->name,
                                it->value_name ? " " : "", it->value_name ? it->value_name : "");
    cli_item_text(text, it);
    fputs(left, out);
    if (length + 2 > HELP_COLUMN)
        fprintf(out, "\n%*s", HELP_COLUMN, "");
    else
        fprintf(out, "%*s", HELP_COLUMN - length, "");
    cli_wrap(out, text, HELP_COLUMN, HELP_COLUMN, width);
}

static void help_usage(FILE *out, const cli_cmd *cmd)
{
    const char *lead = "Usage: ";
    for (const char *line = cmd->usage; *line;) {
        const size_t length = strcspn(line, "\n");
        fprintf(out, "%slamina %s %.*s\n", lead, cmd->name, (int)length, line);
        lead = "       ";
        line += length + (line[length] == '\n');
    }
}

static void help_about(FILE *out, const char *about, int width)
{
    char text[2048];
    for (const char *line = about; line && *line;) {
        const size_t length = strcspn(line, "\n");
        const int indented = line[0] == ' ';
        snprintf(text, sizeof text, "%.*s", (int)length, line);
        if (indented)
            fprintf(out, "%s\n", text);
        else
            cli_wrap(out, text, 0, 0, width);
        line += length + (line[length] == '\n');
    }
}

void cli_help(FILE *out, const cli_cmd *cmd, int width)
{
    cli_items list;
    cli_items_gather(&list, cmd);
    help_usage(out, cmd);
    fputc('\n', out);
    help_about(out, cmd->about, width);
    for (size_t h = 0; cli_heading(h); h++) {
        int any = 0;
        for (size_t i = 0; i < list.count; i++) {
            if (cli_heading_of(cmd, &list.item[i]) != h)
                continue;
            if (!any++)
                fprintf(out, "\n%s\n", cli_heading(h));
            help_item(out, &list.item[i], width);
        }
    }
    if (cmd->examples)
        fprintf(out, "\nExamples\n%s", cmd->examples);
}
