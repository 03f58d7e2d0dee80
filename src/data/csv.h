/* csv: tables as text. How a table is read, in phases, each over chunks of the text in parallel:
 *   rows      where the rows of each chunk begin (csv_rows.c): a newline within quotes is none
 *   roles     which columns are inputs and labels (csv_columns.c, csv_roles.c)
 *   survey    how many rows there are, and what each column holds (csv_survey.c)
 *   schema    found out from the survey, or given (csv_schema.c, csv_labels.c)
 *   fill      numbers, categories and labels into the data set (csv_fill.c), and means into the gaps (csv_gaps.c)
 * Chunks depend on the text alone, so that results do not depend on the number of threads. */
#ifndef LAMI_CSV_H
#define LAMI_CSV_H

#include <stdint.h>

#include "data.h"
#include "source.h"

/* ---- csv_scan.c: cells ------------------------------------------------------------------------------------------- */

typedef enum lami_csv_kind { LAMI_CSV_MISSING, LAMI_CSV_NUMBER, LAMI_CSV_TEXT } lami_csv_kind;

typedef struct lami_csv_cell {
    const uint8_t *at; /* without the blanks or quotes round it */
    size_t length;
    double number;
    uint8_t kind;    /* lami_csv_kind; LAMI_CSV_TEXT where it was not asked for */
    uint8_t doubled; /* has "" for a quote */
} lami_csv_cell;

/* What can be wrong with a row. */
typedef enum lami_csv_what {
    LAMI_CSV_FINE,
    LAMI_CSV_CELLS,    /* more or fewer cells than columns */
    LAMI_CSV_STRAY,    /* text after a closing quote */
    LAMI_CSV_UNCLOSED, /* the end inside quotes */
    LAMI_CSV_NUL,
    LAMI_CSV_EMPTY_CELL, /* missing, and not to be filled */
    LAMI_CSV_NOT_NUMBER,
    LAMI_CSV_TOO_LARGE, /* for the type that numbers are stored as */
    LAMI_CSV_CATEGORY,  /* unknown */
    LAMI_CSV_CLASS,     /* unknown */
    LAMI_CSV_WEIGHT     /* below 0 */
} lami_csv_what;

typedef struct lami_csv_problem {
    lami_csv_what what;
    const uint8_t *row; /* where the row begins */
    size_t cells;       /* LAMI_CSV_CELLS: how many it has */
    size_t column;
    lami_csv_cell cell;
    char *const *known; /* LAMI_CSV_CATEGORY and _CLASS: those that are */
    size_t known_count;
} lami_csv_problem;

/* The text of a table; separator ' ' stands for one or more blanks. */
typedef struct lami_csv_text {
    const uint8_t *begin, *end;
    uint8_t separator;
} lami_csv_text;

/* What is wanted of a cell: where it is; its kind, too; and the number where it is one. */
enum { LAMI_CSV_PLACE, LAMI_CSV_KIND, LAMI_CSV_VALUE };

/* The row at *at, which becomes the next row's: up to `most` cells of it; of cell i what wanted[i] says, or all
 * where wanted is NULL. Returns how many cells the row has, 0 for one of blanks only; *problem is set where the row
 * cannot be cut into cells, else LAMI_CSV_FINE. */
size_t lami_csv_row(lami_csv_cell *cell, size_t most, const uint8_t *wanted, const lami_csv_text *text,
                    const uint8_t **at, lami_csv_problem *problem);

/* Is the cell this word of small letters, in whatever letters? */
int lami_csv_is_word(const lami_csv_cell *cell, const char *word);

/* The cell's text without doubled quotes, ended by a 0, into out of cell->length + 1 bytes; returns its length. */
size_t lami_csv_cell_text(char *out, const lami_csv_cell *cell);

/* The same, yours; NULL without memory. */
char *lami_csv_cell_copy(const lami_csv_cell *cell);

/* The sign between cells: what `option` says, else from the first line and the name of the file. */
uint8_t lami_csv_separator(const lami_csv_text *text, const char *option, const char *path);

/* ---- csv_words.c: sets of different cells ------------------------------------------------------------------------ */

/* A word: a text, or a number (at NULL). */
typedef struct lami_csv_word {
    const char *at;
    size_t length;
    double number;
    uint64_t hash;
    uint32_t code; /* for the user */
} lami_csv_word;

typedef struct lami_csv_words {
    lami_csv_word *word;
    size_t count, capacity, most; /* 0: nothing is added */
    uint32_t *slot;               /* index + 1 into word, 0: free */
    size_t slots;
    int too_many; /* there were more than `most`: then all are forgotten */
    char **copy;  /* texts of cells with doubled quotes */
    size_t copies, copy_capacity;
} lami_csv_words;

void lami_csv_words_free(lami_csv_words *words);

/* Add a cell that is not missing: a number by its value (-0 is 0), a text by its bytes, which are borrowed. Errors:
 * LAM_ENOMEM. */
lam_status lami_csv_words_add(lami_csv_words *words, const lami_csv_cell *cell);

/* Add what is in `from`, which is only to be freed then; too many there is too many here. */
lam_status lami_csv_words_join(lami_csv_words *words, lami_csv_words *from);

/* The word of a cell, or NULL. */
const lami_csv_word *lami_csv_words_find(const lami_csv_words *words, const lami_csv_cell *cell);

/* A set of names, as a schema has them, with their places as codes: names that are numbers count by value where they
 * `may_be_numbers`, as they do in cells. The names are borrowed. */
lam_status lami_csv_words_of(lami_csv_words *words, char *const *name, size_t count, int may_be_numbers);

/* Is the text a number but for a comma: 2,5 or 1,000,000? */
int lami_csv_has_comma(const void *text, size_t length);

/* A word of texts that are all such numbers, as programs of some countries write them; else NULL. */
const lami_csv_word *lami_csv_words_with_commas(const lami_csv_words *words);

/* Names in order: numbers by value, else all by bytes. *name is a new list of new strings. */
lam_status lami_csv_words_names(char ***name, const lami_csv_words *words);

/* ---- csv_rows.c: chunks ------------------------------------------------------------------------------------------ */

enum { LAMI_CSV_CHUNK = 1 << 20 };

typedef struct lami_csv_chunk {
    const uint8_t *begin, *end; /* rows that begin in the chunk; begin == end: none */
    size_t rows;                /* without blank ones and those that cannot be cut into `columns` cells */
    size_t first;               /* number of its first row */
    size_t problems;
    lami_csv_problem problem; /* the first */
} lami_csv_chunk;

/* Where rows begin: `chunks` pieces of about chunk_bytes. *chunk is yours. Errors: LAM_ENOMEM. */
lam_status lami_csv_chunks(lami_csv_chunk **chunk, size_t *chunks, const lami_csv_text *text, size_t chunk_bytes,
                           int threads);

/* ---- a table ----------------------------------------------------------------------------------------------------- */

/* What the cells of a column are. */
typedef struct lami_csv_survey {
    size_t numbers, texts;
    lami_csv_words text_words, number_words; /* the different ones, up to their `most` */
} lami_csv_survey;

typedef enum lami_csv_role { LAMI_CSV_IGNORED, LAMI_CSV_INPUT, LAMI_CSV_LABEL, LAMI_CSV_WEIGHTS } lami_csv_role;

#define LAMI_CSV_NONE SIZE_MAX /* no column */

typedef struct lami_csv_table {
    const lami_open *how;
    const lami_schema *given; /* or NULL: it is found out */
    const char *path;         /* for messages */
    lami_csv_text text;
    const uint8_t *rows_begin; /* after the header */
    size_t columns;
    char **name; /* of the columns, "" where there is no name; NULL: no header */
    lami_csv_words names;
    /* what the columns are for */
    uint8_t *role;       /* lami_csv_role of each column */
    uint8_t *categories; /* 1: categories even if all are numbers (--one-hot) */
    size_t *input;       /* columns of the schema's inputs, in its order */
    size_t inputs;
    size_t *label; /* columns, in the order asked for */
    size_t labels;
    size_t weight; /* or LAMI_CSV_NONE */
    /* the rows */
    int threads;
    lami_csv_chunk *chunk;
    size_t chunks;
    size_t rows;             /* of all chunks */
    lami_csv_survey *survey; /* of each column */
} lami_csv_table;

/* ---- csv_report.c: messages -------------------------------------------------------------------------------------- */

enum { LAMI_CSV_SHOWN = 64 };

/* Any bytes as a piece of a message: cut, without control characters. */
const char *lami_csv_show(char out[LAMI_CSV_SHOWN], const void *text, size_t length);

/* The column's name, or its number. */
const char *lami_csv_column_name(char out[LAMI_CSV_SHOWN], const lami_csv_table *table, size_t column);

/* LAM_EFORMAT: "path, line N (column NAME): what". */
lam_status lami_csv_report(const lami_csv_table *table, const lami_csv_problem *problem);

/* The same as a note, if there is room for one more; counted in any case. */
void lami_csv_note(lami_bad_rows *bad, const lami_csv_table *table, const lami_csv_problem *problem);

/* ---- phases ------------------------------------------------------------------------------------------------------ */

/* csv_columns.c: separator, header and names, from the text. Errors: LAM_EFORMAT, LAM_ENOMEM. */
lam_status lami_csv_header(lami_csv_table *table);

/* csv_columns.c: the place of a column by its name or index; LAM_EOPTION naming `option`. */
lam_status lami_csv_find_column(size_t *column, const lami_csv_table *table, const char *text, const char *option);

/* csv_columns.c: a list of columns as the user wrote it: one name, or names and indices, comma-joined. *column is
 * yours. */
lam_status lami_csv_column_list(size_t **column, size_t *count, const lami_csv_table *table, const char *list,
                                const char *option);

/* csv_roles.c: what the columns are for, as the options say. Errors: LAM_EOPTION, LAM_EFORMAT (no inputs),
 * LAM_ENOMEM. */
lam_status lami_csv_set_roles(lami_csv_table *table);

/* csv_roles.c: the same where a schema says it. */
lam_status lami_csv_match(lami_csv_table *table, const lami_schema *schema);

/* csv_survey.c: rows, and what the columns hold: texts up to LAMI_MAX_CATEGORIES or LAMI_MAX_CLASSES, and
 * numbers_most[i] numbers of column i are told apart; NULL: rows only. Errors: LAM_EFORMAT (a row that is none,
 * unless how->bad), LAM_ENOMEM. */
lam_status lami_csv_survey_rows(lami_csv_table *table, const size_t *numbers_most);
void lami_csv_survey_free(lami_csv_table *table);

/* csv_schema.c: the schema that the table itself has, after a survey. The roles are set. Errors: LAM_EFORMAT,
 * LAM_EOPTION, LAM_ENOMEM. */
lam_status lami_csv_find_schema(lami_schema **schema, lami_csv_table *table);

/* csv_labels.c: how many different numbers of a label column must be told apart to say whether they are classes;
 * then the answer, and the schema's classes. Errors: LAM_EFORMAT, LAM_EOPTION, LAM_ENOMEM. */
size_t lami_csv_label_numbers(const lami_csv_table *table);
typedef enum lami_csv_answers {
    LAMI_CSV_TARGETS,
    LAMI_CSV_CLASSES /* numbers only */,
    LAMI_CSV_ALL_CLASSES
} lami_csv_answers;
lam_status lami_csv_find_answers(lami_csv_answers *answers, const lami_csv_table *table);
lam_status lami_csv_set_classes(lami_schema *schema, lami_csv_table *table, lami_csv_answers answers);

/* csv_fill.c: the rows into a part. Missing numbers become the schema's fills where these are known, else NaN, and
 * data->gaps is set. Errors: LAM_EFORMAT (a bad row, unless how->bad; no row left), LAM_ENOMEM. */
lam_status lami_csv_fill(lam_data *data, lam_part part, const lami_csv_table *table, const lami_schema *schema,
                         int fills_known);

/* csv_gaps.c: where data->fills_wanted, the means of the training part into the schema, and into the gaps of all parts.
 * Errors: LAM_ENOMEM. */
lam_status lami_csv_fill_gaps(lam_data *data, const lam_options *options);

/* csv.c: a table into a part, without gaps. The schema is how->schema, else data->schema, else found out and left
 * there. */
lam_status lami_csv_read(lam_data *data, lam_part part, const lami_source *source, const lami_open *how,
                         size_t chunk_bytes);

#endif
