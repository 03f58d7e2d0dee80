/* cli: READ FIRST. The program: a table of commands, one file per command.
 *
 * Three things to do to add a command `foo`:
 *   1. cmd_foo.c: a structure for its own options, their rows (args.h), run, descriptor.
 *   2. a row in main.c's table, and its declaration below.
 *   3. tests/cli/foo.test, and a section in docs/cli.md.
 * Results go to stdout, all else to stderr. Everything read from rows: parsing, --help, --config, manual
 * pages, completion. */
#ifndef LAMI_CLI_H
#define LAMI_CLI_H

#include <stdio.h>

#include "../core/options.h"
#include "args.h"
#include "output.h"

/* Exit status. 128 + signal: interrupted. */
enum { CLI_DONE, CLI_FAILED, CLI_USAGE, CLI_INPUT, CLI_DIVERGED, CLI_CHECK };

/* The exit status that a library status stands for. */
int cli_exit(lam_status status);

/* Print this thread's message as "lamina: ..." on stderr, unless status is LAM_OK; returns the exit status. */
int cli_report(lam_status status);

/* What is installed beside the program, made from the tables: the manual page `page`, such as lamina-train.1 (NULL: the
 * names of all pages, one a line), and the completion of command lines in bash. Errors: LAM_EOPTION (no such page). */
lam_status cli_manual(FILE *out, const char *page);
void cli_completion(FILE *out);

/* All commands, in the order in which they are listed; ends with NULL. */
extern const cli_cmd *const cli_commands[];
extern const cli_cmd cmd_train, cmd_tune, cmd_eval, cmd_predict, cmd_show, cmd_data, cmd_describe, cmd_check, cmd_info,
    cmd_bench;

#endif
