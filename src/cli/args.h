/* args: options of the command line and of --config files, and help, all made from rows: the command's own, then
 * those of the library's table (core/options.h) that it asks for, then those that every command has. */
#ifndef LAMI_ARGS_H
#define LAMI_ARGS_H

#include <stdio.h>

#include "../core/options.h"

typedef enum cli_kind {
    CLI_KIND_FLAG,  /* int */
    CLI_KIND_TEXT,  /* const char *, NULL when not given */
    CLI_KIND_LIST,  /* the same; what is given again is added after "; " */
    CLI_KIND_SIZE,  /* size_t */
    CLI_KIND_CHOICE /* int: index of the word in `choices`; -1 when not given */
} cli_kind;

/* An option of a command. Rows end with CLI_END. */
typedef struct cli_row {
    cli_kind kind;
    char letter; /* of the short form; 0: none */
    const char *name, *value_name, *help, *choices;
    const char *default_text; /* shown in help, and stored for SIZE; NULL: none */
    size_t least, most;       /* SIZE */
    size_t offset;            /* of the field */
} cli_row;

#define CLI_FLAG(type, field, letter_, name_, help_)                                                            \
    {                                                                                                           \
        .kind = CLI_KIND_FLAG, .letter = letter_, .name = name_, .help = help_, .offset = offsetof(type, field) \
    }
#define CLI_TEXT(type, field, letter_, name_, value, default_, help_)                                           \
    {                                                                                                           \
        .kind = CLI_KIND_TEXT, .letter = letter_, .name = name_, .value_name = value, .default_text = default_, \
        .help = help_, .offset = offsetof(type, field)                                                          \
    }
#define CLI_LIST(type, field, letter_, name_, value, help_)                                          \
    {                                                                                                \
        .kind = CLI_KIND_LIST, .letter = letter_, .name = name_, .value_name = value, .help = help_, \
        .offset = offsetof(type, field)                                                              \
    }
#define CLI_SIZE(type, field, letter_, name_, value, default_, least_, most_, help_)                             \
    {                                                                                                            \
        .kind = CLI_KIND_SIZE, .letter = letter_, .name = name_, .value_name = value, .default_text = #default_, \
        .least = least_, .most = most_, .help = help_, .offset = offsetof(type, field)                           \
    }
#define CLI_CHOICE(type, field, letter_, name_, value, words, help_)                                      \
    {                                                                                                     \
        .kind = CLI_KIND_CHOICE, .letter = letter_, .name = name_, .value_name = value, .choices = words, \
        .help = help_, .offset = offsetof(type, field)                                                    \
    }
#define CLI_END      \
    {                \
        .name = NULL \
    }

typedef struct cli_cmd cli_cmd;

/* A command line as run() sees it. */
typedef struct cli_call {
    const void *own;            /* the command's options structure */
    const lam_options *options; /* of the library's table */
    const lam_options
        *given;             /* those that flags and --config give, and of the environment those for every command: what
                                 * counts where a run has options of its own */
    const char *const *arg; /* arguments that are not options */
    size_t args;
    int quiet, verbose, json;
} cli_call;

struct cli_cmd {
    const char *name;
    const char *usage;    /* a line per form, without "lamina NAME" */
    const char *help;     /* one line, for the list of commands */
    const char *about;    /* paragraphs, each one line: reflowed */
    const char *examples; /* printed as they are */
    const cli_row *rows;
    size_t own_size;             /* of the options structure */
    unsigned groups;             /* of the library's table: LAMI_FOR_... */
    const char *also, *without;  /* single names to add to, or take from, the groups' rows; separated by spaces */
    const char *const *defaults; /* name, value, ... that differ from the table's; ends with NULL */
    const char *arg_name;        /* what the arguments are, such as "NET" */
    size_t least_args, most_args;
    int (*run)(const cli_call *call); /* exit status */
};

typedef struct cli_args cli_args;

/* Parse argv (without program and command). *args is yours. Then ask for cli_args_help first: where it is true,
 * nothing was checked. Flags win over the file of --config, that over the environment (environment.h), that over
 * defaults. Errors: LAM_EOPTION (unknown, with the nearest match; wrong value; too few or too many arguments; in files
 * with "file:line: "), LAM_EREAD, LAM_EFORMAT, LAM_ENOMEM. */
lam_status cli_args_parse(cli_args **args, const cli_cmd *cmd, int argc, char *const *argv);
void cli_args_free(cli_args *args);
int cli_args_help(const cli_args *args);
const cli_call *cli_args_call(const cli_args *args);

/* Usage, options with their defaults in brackets, examples; lines of at most `width` columns. */
void cli_help(FILE *out, const cli_cmd *cmd, int width);

/* `text` from column `column`, where the cursor stands, wrapped at `width`, further lines beginning at `indent`; ends
 * the line. For help. */
void cli_wrap(FILE *out, const char *text, int column, int indent, int width);

#endif
