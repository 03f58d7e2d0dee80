/* items: see items.h. */
#include "items.h"

#include <stddef.h>
#include <string.h>

static const cli_row common_rows[] = {
    CLI_TEXT(cli_common, config, 0, "config", "FILE", NULL,
             "read options from a file: a \"name = value\" on each line"),
    CLI_FLAG(cli_common, json, 0, "json", "print one JSON object as the last line of stdout"),
    CLI_FLAG(cli_common, quiet, 'q', "quiet", "print results and errors only"),
    CLI_FLAG(cli_common, verbose, 'v', "verbose", "print more"),
    CLI_FLAG(cli_common, help, 'h', "help", "print this help"),
    CLI_END,
};

/* The short forms of rows of the library's table. */
static const struct {
    char letter;
    const char *name;
} letters[] = { { 'b', "batch" }, { 'o', "out" } };

static int has_word(const char *words, const char *word)
{
    const size_t length = strlen(word);
    for (const char *at = words; at && *at;) {
        const size_t n = strcspn(at, " ");
        if (n == length && !memcmp(at, word, n))
            return 1;
        at += n + strspn(at + n, " ");
    }
    return 0;
}

const cli_item *cli_items_find(const cli_items *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (!strcmp(list->item[i].name, name))
            return &list->item[i];
    return NULL;
}

const cli_item *cli_items_letter(const cli_items *list, char letter)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->item[i].letter && list->item[i].letter == letter)
            return &list->item[i];
    return NULL;
}

/* A default below what can be given stands for "not given". */
static int is_none(const cli_row *r)
{
    return r->kind == CLI_KIND_SIZE && r->default_text && !strcmp(r->default_text, "0") && r->least > 0;
}

static void add_rows(cli_items *list, const cli_row *rows, int common)
{
    for (const cli_row *r = rows; r && r->name && list->count < CLI_ITEMS_MAX; r++)
        list->item[list->count++] = (cli_item) {
            .row = r,
            .common = common,
            .letter = r->letter,
            .name = r->name,
            .help = r->help,
            .choices = r->choices,
            .value_name = r->kind == CLI_KIND_FLAG ? NULL : r->value_name,
            .default_text = is_none(r) ? NULL : r->default_text,
        };
}

static const char *default_of(const cli_cmd *cmd, const lami_option *o)
{
    for (const char *const *d = cmd->defaults; d && *d; d += 2)
        if (!strcmp(*d, o->name))
            return d[1];
    const int off =
        o->kind == LAMI_SIZE && !strcmp(o->default_text, "0"); /* stands for "none", or is told by the help */
    return o->default_text[0] && !off ? o->default_text : NULL;
}

static char letter_of(const char *name)
{
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
        if (!strcmp(letters[i].name, name))
            return letters[i].letter;
    return 0;
}

void cli_items_gather(cli_items *list, const cli_cmd *cmd)
{
    list->count = 0;
    add_rows(list, cmd->rows, 0);
    for (size_t i = 0; i < lami_option_count && list->count < CLI_ITEMS_MAX; i++) {
        const lami_option *o = &lami_option_table[i];
        const int wanted =
            ((o->groups & cmd->groups) && !has_word(cmd->without, o->name)) || has_word(cmd->also, o->name);
        if (!wanted || cli_items_find(list, o->name))
            continue;
        list->item[list->count++] = (cli_item) {
            .option = o,
            .letter = letter_of(o->name),
            .name = o->name,
            .help = o->help,
            .choices = o->choices,
            .value_name = o->kind == LAMI_FLAG ? NULL : o->value_name,
            .default_text = default_of(cmd, o),
        };
    }
    add_rows(list, common_rows, 1);
}

/* ---- for people -------------------------------------------------------------------------------------------------- */

const char *cli_word(char word[CLI_WORD_MAX], const char *words, size_t index)
{
    while (index-- && *words) {
        words += strcspn(words, " ");
        words += *words == ' ';
    }
    const size_t n = strcspn(words, " ");
    if (!n || n >= CLI_WORD_MAX)
        return NULL;
    memcpy(word, words, n);
    word[n] = 0;
    return word;
}

/* Does the help itself name every word? */
static int names_all(const char *help, const char *words)
{
    char word[CLI_WORD_MAX];
    for (size_t i = 0; cli_word(word, words, i); i++)
        if (!strstr(help, word))
            return 0;
    return 1;
}

void cli_item_text(char text[CLI_ITEM_TEXT], const cli_item *it)
{
    size_t at = (size_t)snprintf(text, CLI_ITEM_TEXT, "%s", it->help);
    if (it->choices && !names_all(it->help, it->choices) && at + 2 < CLI_ITEM_TEXT) {
        text[at++] = ' ';
        text[at++] = '(';
        for (const char *c = it->choices; *c && at + 3 < CLI_ITEM_TEXT; c++) {
            if (*c == ' ')
                text[at++] = ',';
            text[at++] = *c;
        }
        text[at++] = ')';
        text[at] = 0;
    }
    if (it->default_text && at < CLI_ITEM_TEXT)
        snprintf(text + at, CLI_ITEM_TEXT - at, " [%s]", it->default_text);
}

/* Which heading an item stands under: the first whose groups it belongs to. */
static const struct {
    const char *title;
    unsigned groups; /* 0: the command's own */
} headings[] = {
    { "Options", 0 },
    { "Network", LAMI_FOR_NET },
    { "Data", LAMI_FOR_DATA | LAMI_FOR_READ | LAMI_FOR_SPLIT },
    { "Training", LAMI_FOR_TRAIN | LAMI_FOR_BATCH | LAMI_FOR_SEED | LAMI_FOR_SCORE },
    { "What is kept", LAMI_FOR_KEEP },
    { "Everywhere", LAMI_FOR_ALL },
};
enum { HEADINGS = sizeof headings / sizeof *headings };

const char *cli_heading(size_t heading)
{
    return heading < HEADINGS ? headings[heading].title : NULL;
}

/* Commands that do not train have few options of the library: but for those of data, they stand with their own. */
size_t cli_heading_of(const cli_cmd *cmd, const cli_item *it)
{
    if (it->common || (it->option && (it->option->groups & LAMI_FOR_ALL)))
        return HEADINGS - 1;
    const unsigned groups = !it->option                    ? 0
                            : cmd->groups & LAMI_FOR_TRAIN ? it->option->groups
                                                           : it->option->groups & (LAMI_FOR_READ | LAMI_FOR_SPLIT);
    for (size_t h = 1; h < HEADINGS; h++)
        if (groups & headings[h].groups)
            return h;
    return 0;
}
