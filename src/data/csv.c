/* csv: comma-separated values and their like (RFC 4180; docs/data.md has the rules): a file, or a folder with
 * train.csv or .tsv, and val and test beside it. */
#include <stdio.h>
#include <string.h>

#include "../core/mem.h"
#include "csv.h"

enum { NAME_TEXT = 32 };

/* ---- a table ----------------------------------------------------------------------------------------------------- */

static void free_table(lami_csv_table *table)
{
    lami_csv_survey_free(table);
    for (size_t i = 0; table->name && i < table->columns; i++)
        lami_free(table->name[i]);
    lami_free(table->name);
    lami_csv_words_free(&table->names);
    lami_free(table->role);
    lami_free(table->categories);
    lami_free(table->input);
    lami_free(table->label);
    lami_free(table->chunk);
}

/* Dtype, shape, classes or targets, before there is room for samples. */
static lam_status describe(lam_data *data, const lami_csv_table *table, const lami_schema *schema)
{
    data->dtype = !strcmp(table->how->options->dtype, "f64") ? LAM_F64 : LAM_F32;
    data->shape = lami_shape1(lami_schema_width(schema));
    data->unlabeled = table->labels == 0;
    if (schema->classes)
        return lami_data_set_classes(data, schema->classes, (const char *const *)schema->class_name);
    const int named = schema->labels && *schema->label[0];
    return lami_data_set_targets(data, schema->labels, named ? (const char *const *)schema->label : NULL);
}

/* The schema of this data set: given, or found out. */
static lam_status find_schema(lam_data *data, lami_csv_table *table, int *fills_known)
{
    *fills_known = table->given ? !data->fills_wanted : !strcmp(table->how->options->missing, "zero");
    data->fills_wanted = !*fills_known;
    if (!table->given) {
        LAM_TRY(lami_csv_set_roles(table));
        return lami_csv_find_schema(&data->schema, table);
    }
    LAM_TRY(lami_csv_match(table, table->given));
    LAM_TRY(lami_csv_survey_rows(table, NULL));
    return data->schema ? LAM_OK : lami_schema_copy(&data->schema, table->given);
}

static lam_status read_table(lam_data *data, lam_part part, lami_csv_table *table, size_t chunk_bytes)
{
    int fills_known, first = !data->sample_bytes;
    LAM_TRY(lami_csv_header(table));
    const lami_csv_text rows = { .begin = table->rows_begin,
                                 .end = table->text.end,
                                 .separator = table->text.separator };
    LAM_TRY(lami_csv_chunks(&table->chunk, &table->chunks, &rows, chunk_bytes, table->threads));
    if ((size_t)table->threads > table->chunks)
        table->threads = (int)table->chunks;
    LAM_TRY(find_schema(data, table, &fills_known));
    if (first)
        LAM_TRY(describe(data, table, data->schema));
    else if (data->unlabeled != (table->labels == 0))
        return lami_fail(LAM_EFORMAT, "%s: labels in some parts of the data set, but not in all", table->path);
    return lami_csv_fill(data, part, table, data->schema, fills_known);
}

/* Missing numbers may be left as gaps. */
static lam_status read_source(lam_data *data, lam_part part, const lami_source *source, const lami_open *how,
                              size_t chunk_bytes)
{
    lami_csv_table table = { .how = how, .path = source->name, .weight = LAMI_CSV_NONE };
    table.given = data->schema ? data->schema : how->schema;
    table.threads = lami_data_threads(how->options);
    table.text = (lami_csv_text) { .begin = source->data, .end = source->data + source->size };
    const lam_status status = read_table(data, part, &table, chunk_bytes);
    free_table(&table);
    return status;
}

lam_status lami_csv_read(lam_data *data, lam_part part, const lami_source *source, const lami_open *how,
                         size_t chunk_bytes)
{
    LAM_TRY(read_source(data, part, source, how, chunk_bytes));
    return lami_csv_fill_gaps(data, how->options);
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

static lam_status read_file(lam_data *data, lam_part part, const char *path, const lami_open *how)
{
    lami_source source;
    LAM_TRY(lami_source_open(&source, path, how->input, 0));
    const lam_status status = read_source(data, part, &source, how, LAMI_CSV_CHUNK);
    lami_source_close(&source);
    return status;
}

static const char *const part_names[] = { [LAM_TRAIN] = "train", [LAM_VAL] = "val", [LAM_TEST] = "test" };

/* "train.csv" as it is called in the folder, or 0. */
static int find_name(char name[NAME_TEXT], const char *folder, lam_part part)
{
    static const char *const endings[] = { ".csv", ".csv.gz", ".tsv", ".tsv.gz" };
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        snprintf(name, NAME_TEXT, "%s%s", part_names[part], endings[i]);
        if (lami_data_has(folder, name))
            return 1;
    }
    return 0;
}

static lam_status read_part(lam_data *data, lam_part part, const char *folder, const lami_open *how)
{
    char name[NAME_TEXT];
    if (!find_name(name, folder, part))
        return part == LAM_TRAIN ? lami_fail(LAM_EREAD, "%s: train.csv (or .tsv, or .gz) is missing", folder) : LAM_OK;
    char *path = lami_path_join(folder, name);
    if (!path)
        return LAM_ENOMEM;
    const lam_status status = read_file(data, part, path, how);
    lami_free(path);
    return status;
}

static lam_status open_csv(lam_data *data, const char *path, const lami_open *how)
{
    if (lami_source_is_input(path) || !lami_is_folder(path))
        return read_file(data, LAM_TRAIN, path, how);
    LAM_TRY(read_part(data, LAM_TRAIN, path, how));
    LAM_TRY(read_part(data, LAM_VAL, path, how));
    return read_part(data, LAM_TEST, path, how);
}

/* By its name: any text may be a table. */
static int matches(const char *path)
{
    static const char *const endings[] = { ".csv", ".tsv", ".tab", ".txt", ".data" };
    char name[NAME_TEXT];
    if (lami_is_folder(path))
        return find_name(name, path, LAM_TRAIN);
    size_t length = strlen(path);
    if (length > 3 && !strcasecmp(path + length - 3, ".gz"))
        length -= 3;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        const size_t n = strlen(endings[i]);
        if (length > n && !strncasecmp(path + length - n, endings[i], n))
            return 1;
    }
    return 0;
}

const lami_data_kind lami_data_csv = {
    .name = "csv",
    .help = "table: .csv, .tsv, plain or .gz; or a folder with train.csv, and val.csv and test.csv",
    .matches = matches,
    .open = open_csv,
};
