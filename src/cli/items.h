/* items: the options of a command as one list, wherever their rows stand: for parsing, help, man pages and
 * completion. */
#ifndef LAMI_ITEMS_H
#define LAMI_ITEMS_H

#include "args.h"

enum { CLI_ITEMS_MAX = 192, CLI_WORD_MAX = 64, CLI_ITEM_TEXT = 512 };

/* What every command has: the structure that the common rows fill in. */
typedef struct cli_common {
    const char *config;
    int json, quiet, verbose, help;
} cli_common;

/* An option from wherever it comes. */
typedef struct cli_item {
    const cli_row *row;        /* a command's own or a common one, else NULL */
    const lami_option *option; /* one of the library's table, else NULL */
    int common;
    char letter;
    const char *name, *value_name, *help, *choices, *default_text; /* value_name NULL: a flag */
} cli_item;

typedef struct cli_items {
    size_t count;
    cli_item item[CLI_ITEMS_MAX];
} cli_items;

void cli_items_gather(cli_items *items, const cli_cmd *cmd);

/* NULL when there is none. */
const cli_item *cli_items_find(const cli_items *items, const char *name);
const cli_item *cli_items_letter(const cli_items *items, char letter);

/* The index-th of words separated by spaces, copied to word; NULL past the end. */
const char *cli_word(char word[CLI_WORD_MAX], const char *words, size_t index);

/* "samples per step [100]", with the words of a choice. */
void cli_item_text(char text[CLI_ITEM_TEXT], const cli_item *item);

/* Headings, in the order in which they stand in help: their title (NULL past the last one), and the one of an item. */
const char *cli_heading(size_t heading);
size_t cli_heading_of(const cli_cmd *cmd, const cli_item *item);

#endif
