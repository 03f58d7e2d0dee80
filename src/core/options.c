/* options: the table as data, and setting fields by name. */
#include "options.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "mem.h"
#include "nearest.h"
#include "number.h"

/* ---- the table --------------------------------------------------------------------------------------------------- */

/* clang-format off */
/* A default below 0 cannot be given and has no text: it stands for one chosen elsewhere. */
#define NUMBER(kind_, field, name_, def, least_, most_, groups_, value, help_)                                         \
    { .kind = kind_, .name = name_, .value_name = value, .help = help_, .default_text = (def) < 0 ? "" : #def,         \
      .least = least_, .most = most_, .groups = groups_, .offset = offsetof(lam_options, field) },
#define REAL(field, name_, def, least_, most_, groups_, value, help_)                                                  \
    NUMBER(LAMI_REAL, field, name_, def, least_, most_, groups_, value, help_)
#define SIZE(field, name_, def, least_, most_, groups_, value, help_)                                                  \
    NUMBER(LAMI_SIZE, field, name_, def, least_, most_, groups_, value, help_)
#define U64(field, name_, def, groups_, value, help_)                                                                  \
    NUMBER(LAMI_U64, field, name_, def, 0, 0x1p64, groups_, value, help_)
#define TEXT(field, name_, groups_, value, help_)                                                                      \
    { .kind = LAMI_TEXT, .name = name_, .value_name = value, .help = help_, .default_text = "", .groups = groups_,     \
      .offset = offsetof(lam_options, field) },
#define FLAG(field, name_, groups_, help_)                                                                             \
    { .kind = LAMI_FLAG, .name = name_, .value_name = "", .help = help_, .default_text = "", .groups = groups_,        \
      .offset = offsetof(lam_options, field) },
#define LIST(field, name_, groups_, value, help_)                                                                      \
    { .kind = LAMI_LIST, .name = name_, .value_name = value, .help = help_, .default_text = "", .groups = groups_,     \
      .offset = offsetof(lam_options, field) },
#define CHOICE(field, name_, def, words, groups_, value, help_)                                                        \
    { .kind = LAMI_CHOICE, .name = name_, .value_name = value, .help = help_, .choices = words, .default_text = def,   \
      .groups = groups_, .offset = offsetof(lam_options, field) },
const lami_option lami_option_table[] = {
    LAMI_OPTIONS(REAL, SIZE, U64, TEXT, FLAG, CHOICE, LIST)
};
/* clang-format on */
#undef REAL
#undef SIZE
#undef U64
#undef TEXT
#undef FLAG
#undef CHOICE
#undef LIST

enum { ROWS = sizeof lami_option_table / sizeof *lami_option_table };
_Static_assert((int)ROWS <= (int)LAMI_OPTIONS_MAX, "lam_options.set has a bit per row");
const size_t lami_option_count = ROWS;

enum { CHOICES_TEXT = 128 }; /* all choices of a row */

/* ---- defaults ---------------------------------------------------------------------------------------------------- */

#define REAL(field, name, def, ...) .field = def,
#define SIZE(field, name, def, ...) .field = (size_t)(def),
#define U64(field, name, def, ...)  .field = def,
#define TEXT(field, ...)
#define FLAG(field, ...)
#define CHOICE(field, name, def, ...) .field = def,
#define LIST(field, ...)
static lam_options defaults = { LAMI_OPTIONS(REAL, SIZE, U64, TEXT, FLAG, CHOICE, LIST) };
#undef REAL
#undef SIZE
#undef U64
#undef TEXT
#undef FLAG
#undef CHOICE
#undef LIST

/* The choices of all rows, each word ended by a 0, so that a field can point to its word for ever. */
#define NONE(...)
#define CHOICE(field, name, def, words, ...) +sizeof(words)
static char choice_words[0 LAMI_OPTIONS(NONE, NONE, NONE, NONE, NONE, CHOICE, NONE)];
#undef NONE
#undef CHOICE
static const char *choice_start[ROWS];

static pthread_once_t prepared = PTHREAD_ONCE_INIT;

static void *field_of(lam_options *o, size_t row)
{
    return (char *)o + lami_option_table[row].offset;
}

static void write_real(lam_options *o, size_t row, double value)
{
    *(double *)field_of(o, row) = value;
    lami_real_text(o->text[row], value);
}

static void write_whole(lam_options *o, size_t row, uint64_t value)
{
    if (lami_option_table[row].kind == LAMI_SIZE)
        *(size_t *)field_of(o, row) = (size_t)value;
    else
        *(uint64_t *)field_of(o, row) = value;
    snprintf(o->text[row], sizeof o->text[row], "%" PRIu64, value);
}

static void prepare(void)
{
    char *at = choice_words;
    for (size_t row = 0; row < ROWS; row++) {
        const lami_option *r = &lami_option_table[row];
        if (r->kind == LAMI_CHOICE) {
            const size_t size = strlen(r->choices) + 1;
            choice_start[row] = memcpy(at, r->choices, size);
            for (char *c = at; *c; c++)
                if (*c == ' ')
                    *c = 0;
            at += size;
        } else if (r->kind == LAMI_REAL && r->default_text[0])
            write_real(&defaults, row, *(double *)field_of(&defaults, row));
        else if (r->kind == LAMI_SIZE && r->default_text[0])
            write_whole(&defaults, row, *(size_t *)field_of(&defaults, row));
        else if (r->kind == LAMI_U64)
            write_whole(&defaults, row, *(uint64_t *)field_of(&defaults, row));
    }
}

const lam_options *lami_options_or_default(const lam_options *options)
{
    pthread_once(&prepared, prepare);
    return options ? options : &defaults;
}

/* ---- finding ----------------------------------------------------------------------------------------------------- */

static const char *row_name(size_t index, const void *arg)
{
    (void)arg;
    return lami_option_table[index].name;
}

size_t lami_option_row(const char *name)
{
    size_t row = 0;
    while (row < ROWS && strcmp(name, lami_option_table[row].name))
        row++;
    return row < ROWS ? row : SIZE_MAX;
}

lam_status lami_option_find(size_t *index, const char *name)
{
    const size_t row = lami_option_row(name);
    if (row != SIZE_MAX) {
        *index = row;
        return LAM_OK;
    }
    const char *meant = lami_nearest(name, ROWS, row_name, NULL);
    if (meant)
        return lami_fail(LAM_EOPTION, "unknown option --%.64s, did you mean --%s?", name, meant);
    return lami_fail(LAM_EOPTION, "unknown option --%.64s", name);
}

int lami_option_given(const lam_options *options, size_t offset)
{
    for (size_t i = 0; options && i < ROWS; i++)
        if (lami_option_table[i].offset == offset)
            return (int)(options->set >> i & 1);
    return 0;
}

/* ---- setting ----------------------------------------------------------------------------------------------------- */

/* Value in range? `shown` is how the user wrote it. */
static lam_status check_range(const lami_option *r, double value, const char *shown)
{
    char bound[LAMI_REAL_TEXT];
    if (value >= r->least && value <= r->most)
        return LAM_OK;
    const int under = value < r->least;
    lami_real_text(bound, under ? r->least : r->most);
    return lami_fail(LAM_EOPTION, "--%s: %.64s is %s %s", r->name, shown, under ? "under" : "over", bound);
}

static lam_status store_real(lam_options *o, size_t row, double value, const char *shown)
{
    LAM_TRY(check_range(&lami_option_table[row], value, shown));
    write_real(o, row, value + 0.0); /* no -0 */
    return LAM_OK;
}

static lam_status store_whole(lam_options *o, size_t row, uint64_t value, const char *shown)
{
    const lami_option *r = &lami_option_table[row];
    LAM_TRY(check_range(r, (double)value, shown));
    if (r->kind == LAMI_SIZE && value > SIZE_MAX)
        return lami_fail(LAM_EOPTION, "--%s: %.64s is over %zu", r->name, shown, (size_t)SIZE_MAX);
    write_whole(o, row, value);
    return LAM_OK;
}

static lam_status store_text(lam_options *o, size_t row, const char *value)
{
    char *copy = lami_strdup(value);
    if (!copy)
        return LAM_ENOMEM;
    char **field = field_of(o, row);
    lami_free(*field);
    *field = copy;
    return LAM_OK;
}

static int is_text(size_t row)
{
    return lami_option_table[row].kind == LAMI_TEXT || lami_option_table[row].kind == LAMI_LIST;
}

static lam_status store_list(lam_options *o, size_t row, const char *value)
{
    char **field = field_of(o, row);
    if (!*field)
        return store_text(o, row, value);
    const size_t before = strlen(*field), size = before + strlen("; ") + strlen(value) + 1;
    char *joined = lami_alloc(size, 1);
    if (!joined)
        return LAM_ENOMEM;
    snprintf(joined, size, "%s; %s", *field, value);
    lami_free(*field);
    *field = joined;
    return LAM_OK;
}

static lam_status store_flag(lam_options *o, size_t row, const char *value)
{
    const int on = !strcmp(value, "1") || !strcmp(value, "true");
    if (!on && strcmp(value, "0") && strcmp(value, "false"))
        return lami_fail(LAM_EOPTION, "--%s: \"%.64s\" is not 1, 0, true or false", lami_option_table[row].name, value);
    *(int *)field_of(o, row) = on;
    return LAM_OK;
}

/* The index-th word of a row's choices; arg: where they start. */
static const char *choice_word(size_t index, const void *arg)
{
    const char *word = arg;
    while (index--)
        word += strlen(word) + 1;
    return word;
}

lam_status lami_choice_find(size_t *index, const char *name, const char *choices, const char *value)
{
    char words[CHOICES_TEXT], meant[LAMI_MEANT_TEXT];
    size_t count = 0;
    assert(strlen(choices) < sizeof words);
    snprintf(words, sizeof words, "%s", choices);
    for (char *at = words; at; count++) {
        char *const word = strsep(&at, " ");
        if (!strcmp(value, word)) {
            *index = count;
            return LAM_OK;
        }
    }
    if (*lami_did_you_mean(meant, value, count, choice_word, words))
        return lami_fail(LAM_EOPTION, "--%s: unknown value \"%.64s\"%s (%s)", name, value, meant, choices);
    return lami_fail(LAM_EOPTION, "--%s: unknown value \"%.64s\", expected one of: %s", name, value, choices);
}

static lam_status store_choice(lam_options *o, size_t row, const char *value)
{
    const lami_option *r = &lami_option_table[row];
    size_t index;
    LAM_TRY(lami_choice_find(&index, r->name, r->choices, value));
    *(const char **)field_of(o, row) = choice_word(index, choice_start[row]);
    return LAM_OK;
}

static lam_status store(lam_options *o, size_t row, const char *value)
{
    const lami_option *r = &lami_option_table[row];
    double real;
    uint64_t whole;
    switch (r->kind) {
    case LAMI_REAL:
        if (lami_parse_real(&real, value))
            return lami_fail_at(LAM_EOPTION, "--%s", r->name);
        return store_real(o, row, real, value);
    case LAMI_SIZE:
    case LAMI_U64:
        if (lami_parse_u64(&whole, value))
            return lami_fail_at(LAM_EOPTION, "--%s", r->name);
        return store_whole(o, row, whole, value);
    case LAMI_TEXT:
        return store_text(o, row, value);
    case LAMI_LIST:
        return store_list(o, row, value);
    case LAMI_FLAG:
        return store_flag(o, row, value);
    case LAMI_CHOICE:
        return store_choice(o, row, value);
    }
    return LAM_EOPTION;
}

/* Back to unset, for the rows without a default text: what lam_options_get calls "". */
static void unset(lam_options *o, size_t row)
{
    if (is_text(row)) {
        char **field = field_of(o, row);
        lami_free(*field);
        *field = NULL;
    } else if (lami_option_table[row].kind == LAMI_SIZE)
        *(size_t *)field_of(o, row) = *(size_t *)field_of(&defaults, row);
    else
        *(double *)field_of(o, row) = *(double *)field_of(&defaults, row);
    o->text[row][0] = 0;
    o->set &= ~((uint64_t)1 << row);
}

lam_status lam_options_set(lam_options *options, const char *name, const char *value)
{
    if (!options || !name || !value)
        return lami_fail(LAM_EINVAL, "lam_options_set: NULL argument");
    size_t row = 0;
    LAM_TRY(lami_option_find(&row, name));
    const lami_option *r = &lami_option_table[row];
    if (!*value) {
        if (r->kind == LAMI_FLAG || r->default_text[0])
            return lami_fail(LAM_EOPTION, "--%s: the value is empty", r->name);
        unset(options, row);
        return LAM_OK;
    }
    LAM_TRY(store(options, row, value));
    options->set |= (uint64_t)1 << row;
    return LAM_OK;
}

static lam_status store_number(lam_options *o, size_t row, double value)
{
    const lami_option *r = &lami_option_table[row];
    char shown[LAMI_REAL_TEXT];
    lami_real_text(shown, value);
    if (!isfinite(value))
        return lami_fail(LAM_EOPTION, "--%s: %s is not a finite number", r->name, shown);
    switch (r->kind) {
    case LAMI_REAL:
        return store_real(o, row, value, shown);
    case LAMI_SIZE:
    case LAMI_U64:
        LAM_TRY(check_range(r, value, shown));
        if (value >= 0x1p64)
            return lami_fail(LAM_EOPTION, "--%s: %s is over %" PRIu64, r->name, shown, UINT64_MAX);
        if (floor(value) != value)
            return lami_fail(LAM_EOPTION, "--%s: %s is not a whole number", r->name, shown);
        return store_whole(o, row, (uint64_t)value, shown);
    case LAMI_TEXT:
    case LAMI_LIST:
    case LAMI_FLAG:
    case LAMI_CHOICE:
        break;
    }
    return lami_fail(LAM_EOPTION, "--%s: does not take a number; use lam_options_set", r->name);
}

lam_status lam_options_set_real(lam_options *options, const char *name, double value)
{
    if (!options || !name)
        return lami_fail(LAM_EINVAL, "lam_options_set_real: NULL argument");
    size_t row = 0;
    LAM_TRY(lami_option_find(&row, name));
    LAM_TRY(store_number(options, row, value));
    options->set |= (uint64_t)1 << row;
    return LAM_OK;
}

lam_status lam_options_get(const char **value, const lam_options *options, const char *name)
{
    if (!value || !name)
        return lami_fail(LAM_EINVAL, "lam_options_get: NULL argument");
    const lam_options *o = lami_options_or_default(options);
    size_t row = 0;
    LAM_TRY(lami_option_find(&row, name));
    const lami_option *r = &lami_option_table[row];
    const void *field = (const char *)o + r->offset;
    const char *text = o->text[row];
    if (is_text(row))
        text = *(char *const *)field;
    else if (r->kind == LAMI_FLAG)
        text = *(const int *)field ? "1" : "0";
    else if (r->kind == LAMI_CHOICE)
        text = *(const char *const *)field;
    *value = text ? text : "";
    return LAM_OK;
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

lam_status lam_options_new(lam_options **options)
{
    return lami_options_copy(options, NULL);
}

lam_status lami_options_copy(lam_options **copy, const lam_options *options)
{
    if (!copy)
        return lami_fail(LAM_EINVAL, "lam_options_new: NULL argument");
    *copy = NULL;
    const lam_options *from = lami_options_or_default(options);
    lam_options *o = lami_alloc(1, sizeof *o);
    if (!o)
        return LAM_ENOMEM;
    *o = *from;
    for (size_t row = 0; row < ROWS; row++)
        if (is_text(row))
            *(char **)field_of(o, row) = NULL; /* still the other's */
    for (size_t row = 0; row < ROWS; row++) {
        if (!is_text(row))
            continue;
        const void *field = (const char *)from + lami_option_table[row].offset;
        const char *text = *(char *const *)field;
        if (text && store_text(o, row, text)) {
            lam_options_free(o);
            return LAM_ENOMEM;
        }
    }
    *copy = o;
    return LAM_OK;
}

void lam_options_free(lam_options *options)
{
    if (!options)
        return;
    for (size_t row = 0; row < ROWS; row++)
        if (is_text(row))
            lami_free(*(char **)field_of(options, row));
    lami_free(options);
}

/* ---- times ------------------------------------------------------------------------------------------------------- */

lam_status lami_parse_seconds(double *seconds, const char *name, const char *text)
{
    char number[LAMI_REAL_TEXT];
    const size_t length = strlen(text);
    const char unit = length ? text[length - 1] : 0;
    const size_t digits = length - (unit == 's' || unit == 'm' || unit == 'h');
    double value;
    if (digits >= sizeof number)
        return lami_fail(LAM_EOPTION, "--%s: \"%.64s\" is not a time such as 90s, 10m or 1h", name, text);
    memcpy(number, text, digits);
    number[digits] = 0;
    if (lami_parse_real(&value, number) || value < 0)
        return lami_fail(LAM_EOPTION, "--%s: \"%.64s\" is not a time such as 90s, 10m or 1h", name, text);
    value *= unit == 'h' ? 3600 : unit == 'm' ? 60 : 1;
    if (!isfinite(value))
        return lami_fail(LAM_EOPTION, "--%s: %.64s is too long", name, text);
    *seconds = value + 0.0;
    return LAM_OK;
}

int lami_parse_unit(uint64_t *value, const char *text, const char *unit)
{
    char digits[LAMI_REAL_TEXT];
    const size_t length = strspn(text, "0123456789"), rest = strlen(text + length), unit_length = strlen(unit);
    if (length >= sizeof digits || strncmp(text + length, unit, rest) || rest + 1 < unit_length || rest > unit_length)
        return 0;
    memcpy(digits, text, length);
    digits[length] = 0;
    return !lami_parse_u64(value, digits) && *value > 0;
}
