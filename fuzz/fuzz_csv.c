/* Fuzz target: a table. What opens has finite inputs and labels below the number of classes; it is the same in
 * chunks of any size, and with its own schema, which reads back from its text. What does not open has a message of
 * one line, the same in chunks, and may still have rows that can be used. The size of the input chooses options. */
#include <math.h>
#include <string.h>

#include "../src/core/mem.h"
#include "../src/data/csv.h"
#include "memory_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static lam_status read_table(lam_data **made, const lami_source *source, const lami_open *how, size_t chunk)
{
    *made = lami_alloc(1, sizeof **made);
    require(*made != NULL);
    const lam_status status = lami_csv_read(*made, LAM_TRAIN, source, how, chunk);
    if (status) {
        require(status == LAM_EFORMAT || status == LAM_EOPTION || status == LAM_ENOMEM);
        require(*lam_last_error() && !strchr(lam_last_error(), '\n'));
        lam_data_free(*made);
        *made = NULL;
    }
    return status;
}

static void check_values(const lam_data *d)
{
    const lami_part *part = &d->part[LAM_TRAIN];
    const size_t count = part->count * lam_shape_count(&d->shape);
    require(part->count > 0 && count > 0 && !d->classes != !d->targets);
    for (size_t i = 0; i < count; i++)
        require(isfinite(lami_real_at(part->x, d->dtype, i)));
    for (size_t i = 0; d->classes && i < part->count; i++)
        require(part->label[i] >= 0 && (size_t)part->label[i] < d->classes);
    for (size_t i = 0; d->targets && i < part->count * d->targets; i++)
        require(isfinite(part->target[i]));
}

static void require_same(const lam_data *a, const lam_data *b)
{
    const lami_part *p = &a->part[LAM_TRAIN], *q = &b->part[LAM_TRAIN];
    require(p->count == q->count && a->sample_bytes == b->sample_bytes);
    require(!memcmp(p->x, q->x, p->count * a->sample_bytes));
    require(a->classes == b->classes && a->targets == b->targets);
    require(!p->label || !memcmp(p->label, q->label, p->count * sizeof *p->label));
    require(!p->target || !memcmp(p->target, q->target, p->count * a->targets * sizeof *p->target));
}

/* Again, by its own schema, from the schema's text. */
static void check_schema(const lam_data *d, const lami_source *source, const lami_open *how)
{
    lami_schema *schema;
    lam_data *again;
    lami_open with_schema = *how;
    char *text = lami_schema_text(d->schema);
    require(text && !lami_schema_parse(&schema, text));
    with_schema.schema = schema;
    require(!read_table(&again, source, &with_schema, source->size));
    require_same(d, again);
    lam_data_free(again);
    lami_schema_free(schema);
    lami_free(text);
}

static void check_bad_rows(const lami_source *source, const lami_open *how)
{
    lam_data *d;
    lami_bad_rows bad = { 0 };
    lami_open noting = *how;
    noting.bad = &bad;
    if (read_table(&d, source, &noting, source->size))
        return;
    for (size_t i = 0; i < bad.count && i < 10; i++)
        require(*bad.first[i].why && (i == 0 || bad.first[i].line > bad.first[i - 1].line));
    check_values(d);
    lam_data_free(d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const rules[] = { "mean", "zero", "drop", "error" };
    static const char *const one_hot[] = { "text", "none", "0" };
    lam_options *o;
    lam_data *whole, *chunks;
    char first[1200];
    require(!lam_options_new(&o) && !lam_options_set(o, "missing", rules[size % 4]) &&
            !lam_options_set(o, "one-hot", one_hot[size % 3]) && !lam_options_set_real(o, "threads", 1));
    if (size % 5 == 1)
        require(!lam_options_set(o, "header", "no") && !lam_options_set(o, "dtype", "f64"));
    if (size % 3 == 2)
        require(!lam_options_set(o, "label", "-1"));
    const lami_open how = { .options = o, .reals = (int)(size % 7 % 3) - 1 };
    const lami_source source = { .data = data, .size = size, .name = "fuzz" };
    const lam_status status = read_table(&whole, &source, &how, size);
    snprintf(first, sizeof first, "%s", status ? lam_last_error() : "");
    require(read_table(&chunks, &source, &how, 1 + size % 37) == status);
    require(!status || !strcmp(first, lam_last_error()));
    if (!status) {
        check_values(whole);
        require_same(whole, chunks);
        check_schema(whole, &source, &how);
    }
    check_bad_rows(&source, &how);
    lam_data_free(whole);
    lam_data_free(chunks);
    lam_options_free(o);
    return 0;
}
