/* output: what commands print: tables, numbers for people, JSON objects, and a standard output that may be full. */
#ifndef LAMI_OUTPUT_H
#define LAMI_OUTPUT_H

#include <stdio.h>

#include "../core/json.h"
#include "../core/status.h"

/* Columns of the terminal behind a stream; 80 where it is none. COLUMNS in the environment wins. */
int cli_width(FILE *stream);

/* Write out what stdout holds. Errors: LAM_EWRITE (full disk, closed pipe). */
lam_status cli_flush(void);

/* Make a name from a file harmless to lines and terminals: '?' for control characters. */
void cli_mask(char *text);

/* A table whose columns are as wide as their widest cell. `align` has a letter per column: l, r. Cells are printed in
 * rows from left to right. Out of memory is remembered and reported by cli_table_print. */
typedef struct cli_table cli_table;
lam_status cli_table_new(cli_table **table, const char *align);
void cli_table_free(cli_table *table);
void cli_table_cell(cli_table *table, const char *format, ...) LAMI_PRINTF(2, 3);
lam_status cli_table_print(const cli_table *table, FILE *out, int indent);

enum { CLI_TEXT_MAX = 32 };

/* "12,345,678" */
const char *cli_count(char text[CLI_TEXT_MAX], uint64_t value);
/* "1.5 MiB" */
const char *cli_bytes(char text[CLI_TEXT_MAX], double bytes);
/* "8.2 s", "3 min 05 s", "2 h 07 min" */
const char *cli_seconds(char text[CLI_TEXT_MAX], double seconds);
/* "41.2k": three digits and a unit of thousands */
const char *cli_thousands(char text[CLI_TEXT_MAX], double value);

/* "2 image files left out: `lamina data` lists them" */
enum { CLI_LEFT_OUT = 96 };
const char *cli_left_out(char text[CLI_LEFT_OUT], size_t files);

/* Print an object on one line on stdout, and give it back. Errors: LAM_ENOMEM (also where object is NULL),
 * LAM_EWRITE. */
lam_status cli_json_print(json_t *object);

#endif
