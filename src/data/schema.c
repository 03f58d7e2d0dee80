/* schema: as JSON it is
 *   { "columns": [ { "name": "age", "place": 0, "fill": 31.5 },
 *                  { "name": "colour", "place": 1, "fill": 0, "categories": ["blue", "red"], "one_hot": true } ],
 *     "labels": [ { "name": "price", "place": 2 } ], "weight": { "name": "w", "place": 3 },
 *     "classes": 2, "class_names": ["no", "yes"], "missing": "fill" }
 * where weight and class_names may be missing, and missing is fill, drop or error. JSON is UTF-8: a byte of a name that
 * is not valid UTF-8 stands there as the character U+10FF00 + byte, and so do the bytes of these characters
 * themselves. */
#include "schema.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "../core/mem.h"
#include "data.h"

enum { INPUTS_MOST = 1 << 30, ESCAPE = 0x10ff00, PLACE_MOST = 1 << 30 };

static const char *const missing_word[] = { "fill", "drop", "error" };
enum { MISSING_WORDS = sizeof missing_word / sizeof *missing_word };

/* ---- life -------------------------------------------------------------------------------------------------------- */

static void free_names(char **name, size_t count)
{
    for (size_t i = 0; name && i < count; i++)
        lami_free(name[i]);
    lami_free(name);
}

void lami_schema_free(lami_schema *schema)
{
    if (!schema)
        return;
    for (size_t i = 0; schema->column && i < schema->columns; i++) {
        lami_free(schema->column[i].name);
        free_names(schema->column[i].category, schema->column[i].categories);
    }
    lami_free(schema->column);
    free_names(schema->label, schema->labels);
    lami_free(schema->label_place);
    lami_free(schema->weight);
    free_names(schema->class_name, schema->classes);
    lami_free(schema);
}

static lam_status copy_text(char **copy, const char *text)
{
    *copy = lami_strdup(text);
    return *copy ? LAM_OK : LAM_ENOMEM;
}

/* NULL stays NULL. *copy can be freed after an error, too. */
static lam_status copy_names(char ***copy, char *const *name, size_t count)
{
    if (!name)
        return LAM_OK;
    *copy = lami_alloc(count, sizeof **copy);
    if (!*copy)
        return LAM_ENOMEM;
    for (size_t i = 0; i < count; i++)
        LAM_TRY(copy_text(&(*copy)[i], name[i]));
    return LAM_OK;
}

static lam_status copy_columns(lami_schema *made, const lami_schema *schema)
{
    made->columns = schema->columns;
    made->column = lami_alloc(schema->columns, sizeof *made->column);
    if (!made->column)
        return LAM_ENOMEM;
    for (size_t i = 0; i < schema->columns; i++) {
        const lami_column *from = &schema->column[i];
        lami_column *to = &made->column[i];
        to->place = from->place;
        to->categories = from->categories;
        to->one_hot = from->one_hot;
        to->fill = from->fill;
        to->missing = from->missing;
        LAM_TRY(copy_text(&to->name, from->name));
        LAM_TRY(copy_names(&to->category, from->category, from->categories));
    }
    return LAM_OK;
}

static lam_status copy_schema(lami_schema *made, const lami_schema *schema)
{
    made->labels = schema->labels;
    made->weight_place = schema->weight_place;
    made->classes = schema->classes;
    made->drop = schema->drop;
    LAM_TRY(copy_columns(made, schema));
    LAM_TRY(copy_names(&made->label, schema->label, schema->labels));
    LAM_TRY(copy_names(&made->class_name, schema->class_name, schema->classes));
    if (schema->weight)
        LAM_TRY(copy_text(&made->weight, schema->weight));
    made->label_place = lami_alloc(schema->labels, sizeof *made->label_place);
    if (!made->label_place)
        return LAM_ENOMEM;
    if (schema->labels)
        memcpy(made->label_place, schema->label_place, schema->labels * sizeof *made->label_place);
    return LAM_OK;
}

lam_status lami_schema_copy(lami_schema **copy, const lami_schema *schema)
{
    *copy = NULL;
    lami_schema *made = lami_alloc(1, sizeof *made);
    if (!made)
        return LAM_ENOMEM;
    const lam_status status = copy_schema(made, schema);
    if (status) {
        lami_schema_free(made);
        return status;
    }
    *copy = made;
    return LAM_OK;
}

/* ---- inputs ------------------------------------------------------------------------------------------------------ */

static size_t column_width(const lami_column *column)
{
    return column->one_hot ? column->categories : 1;
}

size_t lami_schema_width(const lami_schema *schema)
{
    size_t width = 0;
    for (size_t i = 0; i < schema->columns; i++)
        width += column_width(&schema->column[i]);
    return width;
}

void lami_schema_input_name(char *text, size_t size, const lami_schema *schema, size_t i)
{
    char unnamed[32];
    if (size)
        *text = 0;
    for (size_t c = 0; c < schema->columns; c++) {
        const lami_column *column = &schema->column[c];
        if (i >= column_width(column)) {
            i -= column_width(column);
            continue;
        }
        snprintf(unnamed, sizeof unnamed, "column %zu", column->place);
        const char *name = *column->name ? column->name : unnamed;
        snprintf(text, size, "%s%s%s", name, column->one_hot ? "=" : "", column->one_hot ? column->category[i] : "");
        return;
    }
}

/* ---- to JSON ----------------------------------------------------------------------------------------------------- */

/* Length of the valid UTF-8 character at text, and the character; 0 where there is none. */
static size_t utf8_at(const char *text, uint32_t *code)
{
    const unsigned char *at = (const unsigned char *)text;
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    const size_t length = at[0] < 0x80 ? 1 : at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
    uint32_t c = length == 1 ? at[0] : at[0] & (0x7fu >> length);
    if ((at[0] >= 0x80 && at[0] < 0xc0) || at[0] >= 0xf8)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (at[i] & 0x3f);
    }
    if (c < least[length] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        return 0;
    *code = c;
    return length;
}

static int is_escape(uint32_t code)
{
    return code >= ESCAPE && code < ESCAPE + 256;
}

/* A string of JSON, NULL without memory. */
static json_t *json_name(const char *text)
{
    const size_t length = strlen(text);
    char *escaped = lami_alloc(length + 1, 4);
    if (!escaped)
        return NULL;
    size_t out = 0;
    for (size_t i = 0; i < length;) {
        uint32_t code = 0;
        const size_t valid = utf8_at(text + i, &code);
        if (valid && !is_escape(code)) {
            memcpy(escaped + out, text + i, valid);
            out += valid;
            i += valid;
            continue;
        }
        const unsigned byte = (unsigned char)text[i++]; /* U+10FF00 + byte: f4 8f bc|bd|be|bf .. */
        escaped[out++] = (char)0xf4;
        escaped[out++] = (char)0x8f;
        escaped[out++] = (char)(0xbc | byte >> 6);
        escaped[out++] = (char)(0x80 | (byte & 0x3f));
    }
    json_t *json = json_stringn(escaped, out);
    lami_free(escaped);
    return json;
}

/* `value` into object[key], whose reference it takes; 0 without memory. */
static int put(json_t *object, const char *key, json_t *value)
{
    return !json_object_set_new(object, key, value);
}

static json_t *json_names(char *const *name, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < count; i++)
        if (json_array_append_new(list, json_name(name[i]))) {
            json_decref(list);
            return NULL;
        }
    return list;
}

static json_t *json_place(const char *name, size_t place)
{
    json_t *json = json_object();
    if (json && put(json, "name", json_name(name)) && put(json, "place", json_integer((json_int_t)place)))
        return json;
    json_decref(json);
    return NULL;
}

static json_t *json_column(const lami_column *column)
{
    json_t *json = json_place(column->name, column->place);
    int fine = json && put(json, "fill", json_real(column->fill));
    if (fine && column->category)
        fine = put(json, "categories", json_names(column->category, column->categories)) &&
               put(json, "one_hot", json_boolean(column->one_hot));
    if (fine)
        return json;
    json_decref(json);
    return NULL;
}

static json_t *json_schema(const lami_schema *schema)
{
    json_t *json = json_object(), *columns = json_array(), *labels = json_array();
    int fine = json && columns && labels;
    for (size_t i = 0; fine && i < schema->columns; i++)
        fine = !json_array_append_new(columns, json_column(&schema->column[i]));
    for (size_t i = 0; fine && i < schema->labels; i++)
        fine = !json_array_append_new(labels, json_place(schema->label[i], schema->label_place[i]));
    fine = fine && !json_object_set(json, "columns", columns) && !json_object_set(json, "labels", labels);
    if (fine && schema->weight)
        fine = put(json, "weight", json_place(schema->weight, schema->weight_place));
    fine = fine && put(json, "classes", json_integer((json_int_t)schema->classes));
    if (fine && schema->class_name)
        fine = put(json, "class_names", json_names(schema->class_name, schema->classes));
    fine = fine && put(json, "missing", json_string(missing_word[schema->drop]));
    json_decref(columns);
    json_decref(labels);
    if (fine)
        return json;
    json_decref(json);
    return NULL;
}

char *lami_schema_text(const lami_schema *schema)
{
    json_t *json = json_schema(schema);
    char *dumped = json ? json_dumps(json, JSON_COMPACT) : NULL;
    char *text = NULL;
    if (dumped)
        text = lami_strdup(dumped);
    else
        lami_fail(LAM_ENOMEM, "out of memory: no text of the columns");
    free(dumped); /* jansson's */
    json_decref(json);
    return text;
}

/* ---- from JSON --------------------------------------------------------------------------------------------------- */

static lam_status bad_schema(const char *what)
{
    return lami_fail(LAM_EFORMAT, "damaged description of a table's columns: %s", what);
}

/* What json_name made. */
static lam_status parse_name(char **name, const json_t *json)
{
    if (!json_is_string(json))
        return bad_schema("a name is not a string");
    LAM_TRY(copy_text(name, json_string_value(json)));
    size_t out = 0;
    for (size_t i = 0; (*name)[i];) {
        uint32_t code = 0;
        const size_t length = utf8_at(*name + i, &code); /* jansson lets valid UTF-8 in only */
        if (is_escape(code)) {
            (*name)[out++] = (char)(code - ESCAPE);
        } else {
            memmove(*name + out, *name + i, length ? length : 1);
            out += length ? length : 1;
        }
        i += length ? length : 1;
    }
    memset(*name + out, 0, strlen(*name + out));
    return LAM_OK;
}

/* A list of names; *name can be freed after an error, too. */
static lam_status parse_names(char ***name, size_t *count, const json_t *json, size_t most)
{
    if (!json_is_array(json) || json_array_size(json) == 0 || json_array_size(json) > most)
        return bad_schema("impossible list of names");
    *name = lami_alloc(json_array_size(json), sizeof **name);
    if (!*name)
        return LAM_ENOMEM;
    *count = json_array_size(json);
    for (size_t i = 0; i < *count; i++)
        LAM_TRY(parse_name(&(*name)[i], json_array_get(json, i)));
    return LAM_OK;
}

static lam_status parse_place(char **name, size_t *place, const json_t *json)
{
    const json_t *number = json_object_get(json, "place");
    if (!json_is_integer(number) || json_integer_value(number) < 0 || json_integer_value(number) >= PLACE_MOST)
        return bad_schema("impossible place of a column");
    *place = (size_t)json_integer_value(number);
    return parse_name(name, json_object_get(json, "name"));
}

static lam_status parse_column(lami_column *column, const json_t *json)
{
    const json_t *fill = json_object_get(json, "fill"), *categories = json_object_get(json, "categories");
    LAM_TRY(parse_place(&column->name, &column->place, json));
    if (!json_is_number(fill) || !isfinite(json_number_value(fill)))
        return bad_schema("a fill is not a number");
    column->fill = json_number_value(fill);
    if (!categories)
        return LAM_OK;
    const json_t *one_hot = json_object_get(json, "one_hot");
    if (!json_is_boolean(one_hot))
        return bad_schema("one_hot is not true or false");
    column->one_hot = json_is_true(one_hot);
    return parse_names(&column->category, &column->categories, categories, LAMI_MAX_CATEGORIES);
}

static lam_status parse_columns(lami_schema *schema, const json_t *json)
{
    const size_t count = json_array_size(json);
    if (!json_is_array(json) || !count || count > LAMI_MAX_COLUMNS)
        return bad_schema("impossible number of columns");
    schema->column = lami_alloc(count, sizeof *schema->column);
    if (!schema->column)
        return LAM_ENOMEM;
    schema->columns = count;
    for (size_t i = 0; i < count; i++)
        LAM_TRY(parse_column(&schema->column[i], json_array_get(json, i)));
    return lami_schema_width(schema) < INPUTS_MOST ? LAM_OK : bad_schema("too many inputs");
}

static lam_status parse_labels(lami_schema *schema, const json_t *json)
{
    const size_t count = json_array_size(json);
    if (!json_is_array(json) || count > LAMI_MAX_COLUMNS)
        return bad_schema("impossible number of label columns");
    schema->label = lami_alloc(count, sizeof *schema->label);
    schema->label_place = lami_alloc(count, sizeof *schema->label_place);
    if (!schema->label || !schema->label_place)
        return LAM_ENOMEM;
    schema->labels = count;
    for (size_t i = 0; i < count; i++)
        LAM_TRY(parse_place(&schema->label[i], &schema->label_place[i], json_array_get(json, i)));
    return LAM_OK;
}

static lam_status parse_classes(lami_schema *schema, const json_t *json)
{
    const json_t *classes = json_object_get(json, "classes"), *names = json_object_get(json, "class_names");
    const json_int_t count = json_integer_value(classes);
    if (!json_is_integer(classes) || count < 0 || count > LAMI_MAX_CLASSES || (count && schema->labels != 1))
        return bad_schema("impossible number of classes");
    if (names) {
        LAM_TRY(parse_names(&schema->class_name, &schema->classes, names, LAMI_MAX_CLASSES));
        if (schema->classes != (size_t)count)
            return bad_schema("another number of class names than classes");
    }
    schema->classes = (size_t)count;
    return LAM_OK;
}

static lam_status parse_schema(lami_schema *schema, const json_t *json)
{
    const char *missing = json_string_value(json_object_get(json, "missing"));
    const json_t *weight = json_object_get(json, "weight");
    LAM_TRY(parse_columns(schema, json_object_get(json, "columns")));
    LAM_TRY(parse_labels(schema, json_object_get(json, "labels")));
    LAM_TRY(parse_classes(schema, json));
    if (weight)
        LAM_TRY(parse_place(&schema->weight, &schema->weight_place, weight));
    while (missing && schema->drop < MISSING_WORDS && strcmp(missing, missing_word[schema->drop]))
        schema->drop++;
    return missing && schema->drop < MISSING_WORDS ? LAM_OK : bad_schema("unknown rule for missing cells");
}

lam_status lami_schema_parse(lami_schema **schema, const char *text)
{
    *schema = NULL;
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    if (!json)
        return bad_schema("not JSON");
    lami_schema *made = lami_alloc(1, sizeof *made);
    lam_status status = made ? parse_schema(made, json) : LAM_ENOMEM;
    json_decref(json);
    if (status) {
        lami_schema_free(made);
        return status;
    }
    *schema = made;
    return LAM_OK;
}
