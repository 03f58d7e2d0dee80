/* space: see space.h. */
#include "space.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../core/mathfn.h"
#include "../core/mem.h"
#include "../core/nearest.h"
#include "../core/random.h"
#include "../net/notation.h"
#include "../net/scan.h"

enum { NAME_TEXT = 64, WHAT_TEXT = 256, CHECKED_NETS = 100 };

/* One dimension's text while it is read. */
typedef struct spec {
    const char *flag; /* "grid" or "random" */
    char *text;       /* of this dimension alone */
    lami_space *space;
} spec;

static lam_status fail_at(const spec *s, const char *at, const char *expected, const char *format, ...)
    LAMI_PRINTF(4, 5);
static lam_status fail_at(const spec *s, const char *at, const char *expected, const char *format, ...)
{
    char what[WHAT_TEXT];
    size_t length = (size_t)snprintf(what, sizeof what, "--%s: ", s->flag);
    va_list args;
    va_start(args, format);
    vsnprintf(what + length, sizeof what - length, format, args);
    va_end(args);
    return lami_scan_fail(LAM_ENOTATION, s->text, (size_t)(at - s->text), what, expected);
}

/* ---- words in the notation --------------------------------------------------------------------------------------- */

static int is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Length of the name that follows a $; 0: none. */
static size_t word_length(const char *at)
{
    size_t n = 0;
    while (is_letter(at[n]) || (n && ((at[n] >= '0' && at[n] <= '9') || at[n] == '_')))
        n++;
    return n;
}

/* The index-th $word of a notation, without the $; NULL past the last. */
static const char *nth_word(const char *notation, size_t index, size_t *length)
{
    for (const char *at = strchr(notation, '$'); at; at = strchr(at + 1, '$'))
        if ((*length = word_length(at + 1)) && !index--)
            return at + 1;
    return NULL;
}

static int uses_word(const char *notation, const char *name)
{
    size_t length;
    const char *word;
    for (size_t i = 0; (word = nth_word(notation, i, &length)); i++)
        if (length == strlen(name) && !memcmp(word, name, length))
            return 1;
    return 0;
}

/* One line: without comments, and with single spaces. */
static char *one_line(const char *notation)
{
    char *line = lami_alloc(strlen(notation) + 1, 1);
    size_t n = 0;
    for (const char *at = notation; line && *at; at++) {
        if (*at == '#')
            at += strcspn(at, "\n") - 1;
        else if (!strchr(" \t\r\n", *at))
            line[n++] = *at;
        else if (n && line[n - 1] != ' ')
            line[n++] = ' ';
    }
    if (n && line[n - 1] == ' ')
        line[n - 1] = 0;
    return line;
}

static const lami_dimension *find_dimension(const lami_space *space, const char *name, size_t length)
{
    for (size_t d = 0; d < space->dims; d++)
        if (strlen(space->dim[d].name) == length && !memcmp(space->dim[d].name, name, length))
            return &space->dim[d];
    return NULL;
}

/* The notation with values in place of its words. */
static lam_status substitute(char **out, const lami_space *space, size_t trial)
{
    size_t n = 0, capacity = 0, length;
    void *text = NULL;
    *out = NULL;
    for (const char *at = space->notation;; at += length) {
        char number[LAMI_REAL_TEXT];
        const char *part = at;
        size_t size = length = 1;
        const size_t word = *at == '$' ? word_length(at + 1) : 0;
        const lami_dimension *dim = word ? find_dimension(space, at + 1, word) : NULL;
        if (dim) {
            part = lami_space_value(number, space, trial, (size_t)(dim - space->dim));
            size = strlen(part);
            length = word + 1;
        }
        if (lami_grow(&text, &capacity, n + size, 1)) {
            lami_free(text);
            return LAM_ENOMEM;
        }
        memcpy((char *)text + n, part, size);
        n += size;
        if (!*at)
            break;
    }
    *out = text;
    return LAM_OK;
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

/* Options that trials cannot differ in: data is read once, and threads change no result. */
static int is_fixed(const lami_option *o)
{
    static const char *const kept[] = { "out", "no-save", "save-every", "log" };
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (!strcmp(o->name, kept[i]))
            return 1;
    return (o->groups & (LAMI_FOR_ALL | LAMI_FOR_READ | LAMI_FOR_SPLIT)) != 0;
}

/* Names that may be meant: those of options, then words of the notation. */
typedef struct name_list {
    size_t words;
    char (*word)[NAME_TEXT];
} name_list;

static const char *known_name(size_t index, const void *arg)
{
    const name_list *list = arg;
    return index < lami_option_count ? lami_option_table[index].name : list->word[index - lami_option_count];
}

static lam_status unknown_name(const spec *s, const char *name)
{
    static const char neither[] = "it is no option, and the network has no $ before such a word (which needs single "
                                  "quotes in the shell)";
    char expected[WHAT_TEXT];
    const char *const notation = s->space->notation, *word;
    name_list list = { 0 };
    size_t length;
    while (nth_word(notation, list.words, &length))
        list.words++;
    if (!(list.word = lami_alloc(list.words, sizeof *list.word)))
        return LAM_ENOMEM;
    for (size_t i = 0; (word = nth_word(notation, i, &length)); i++)
        snprintf(list.word[i], NAME_TEXT, "%.*s", (int)length, word);
    const char *nearest = lami_nearest(name, lami_option_count + list.words, known_name, &list);
    snprintf(expected, sizeof expected, "did you mean '%s'?", nearest ? nearest : "");
    lami_free(list.word);
    return fail_at(s, s->text, nearest ? expected : neither, "unknown name '%s'", name);
}

static lam_status find_name(lami_dimension *dim, const spec *s)
{
    const int is_word = uses_word(s->space->notation, dim->name);
    const size_t row = lami_option_row(dim->name);
    dim->row = row;
    if (row == SIZE_MAX)
        return is_word ? LAM_OK : unknown_name(s, dim->name);
    if (is_word)
        return fail_at(s, s->text, "take another word", "$%s in the network has the name of an option", dim->name);
    if (is_fixed(&lami_option_table[row]))
        return fail_at(s, s->text, "it is the same for all trials", "--%s cannot be searched", dim->name);
    return LAM_OK;
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

static lam_status add_value(lami_dimension *dim, size_t *capacity, const char *text, size_t length)
{
    void *values = dim->value;
    LAM_TRY(lami_grow(&values, capacity, dim->count + 1, sizeof *dim->value));
    dim->value = values;
    char *copy = lami_strndup(text, length);
    if (!copy)
        return LAM_ENOMEM;
    dim->value[dim->count++] = copy;
    return LAM_OK;
}

static const char *trim(const char *text, size_t *length)
{
    while (*length && (*text == ' ' || *text == '\t'))
        text++, --*length;
    while (*length && (text[*length - 1] == ' ' || text[*length - 1] == '\t'))
        --*length;
    return text;
}

static int has_value(const lami_dimension *dim, const char *text, size_t length)
{
    for (size_t i = 0; i < dim->count; i++)
        if (strlen(dim->value[i]) == length && !memcmp(dim->value[i], text, length))
            return 1;
    return 0;
}

/* An empty value between bars leaves the option as it is by default. */
static lam_status read_list(lami_dimension *dim, const spec *s, const char *at)
{
    const char sign = strchr(at, '|') ? '|' : ',', signs[] = { sign, 0 };
    size_t capacity = 0;
    for (;; at++) {
        size_t length = strcspn(at, signs);
        const char *const end = at + length, *const text = trim(at, &length);
        if (!length && (sign == ',' || dim->row == SIZE_MAX))
            return fail_at(s, text, "such as lr=1e-3,1e-2 or lr=1e-4..1e-2:log:8", "a value is missing");
        if (has_value(dim, text, length))
            return fail_at(s, text, NULL, "the value is given twice");
        LAM_TRY(add_value(dim, &capacity, text, length));
        if (dim->count > LAMI_MAX_TRIALS)
            return fail_at(s, text, NULL, "more than %d values", LAMI_MAX_TRIALS);
        at = end;
        if (!*at)
            return LAM_OK;
    }
}

/* ---- ranges ------------------------------------------------------------------------------------------------------ */

static int takes_numbers(const lami_dimension *dim)
{
    if (dim->row == SIZE_MAX)
        return 1;
    const lami_kind kind = lami_option_table[dim->row].kind;
    return kind == LAMI_REAL || kind == LAMI_SIZE || kind == LAMI_U64;
}

static lam_status read_number(double *value, const spec *s, const char *at, size_t length)
{
    char text[NAME_TEXT];
    at = trim(at, &length);
    snprintf(text, sizeof text, "%.*s", (int)(length < sizeof text ? length : sizeof text), at);
    if (lami_parse_real(value, text))
        return fail_at(s, at, "a range is FROM..TO, such as 1e-4..1e-2", "a number is needed");
    return LAM_OK;
}

static int is_digits(const char *at, size_t length)
{
    at = trim(at, &length);
    while (length && *at >= '0' && *at <= '9')
        at++, length--;
    return !length;
}

/* The parts behind a range: ":log", ":linear", ":8". */
static lam_status read_parts(lami_dimension *dim, const spec *s, const char *at, size_t *points)
{
    while (*at == ':') {
        size_t length = strcspn(++at, ":");
        const char *const end = at + length, *const part = trim(at, &length);
        char text[NAME_TEXT];
        uint64_t number = 0;
        snprintf(text, sizeof text, "%.*s", (int)(length < sizeof text ? length : sizeof text), part);
        if (!strcmp(text, "log"))
            dim->is_log = 1;
        else if (!lami_parse_u64(&number, text)) {
            if (*points)
                return fail_at(s, part, NULL, "the number of points is given twice");
            if (number < 2)
                return fail_at(s, part, NULL, "a range has at least 2 points");
            if (number > LAMI_MAX_TRIALS)
                return fail_at(s, part, NULL, "more than %d points", LAMI_MAX_TRIALS);
            *points = (size_t)number;
        } else if (strcmp(text, "linear"))
            return fail_at(s, part, "'log', 'linear' or the number of points is possible", "unknown part of a range");
        at = end;
    }
    return LAM_OK;
}

/* Four digits where that tells neighbours apart: short to read and to type. step: to the nearest neighbour. */
static double tidy(const lami_dimension *dim, double value, double step)
{
    char text[LAMI_REAL_TEXT];
    double rounded = value;
    if (dim->is_whole)
        rounded = floor(value + 0.5);
    else if (step >= 1e-2 * fabs(value)) {
        const locale_t before = uselocale(lami_c_locale());
        snprintf(text, sizeof text, "%.4g", value);
        uselocale(before);
        if (lami_parse_real(&rounded, text))
            rounded = value;
    }
    return rounded < dim->least ? dim->least : rounded > dim->most ? dim->most : rounded;
}

/* The number at a fraction of the way from least to most. */
static double along(const lami_dimension *dim, double fraction)
{
    if (!dim->is_log)
        return dim->least + fraction * (dim->most - dim->least);
    const double from = lami_log(dim->least), to = lami_log(dim->most);
    return lami_exp(from + fraction * (to - from));
}

static lam_status add_points(lami_dimension *dim, size_t points)
{
    char text[LAMI_REAL_TEXT];
    size_t capacity = 0;
    double last = NAN;
    for (size_t i = 0; i < points; i++) {
        const double at = along(dim, (double)i / (double)(points - 1));
        const double next = along(dim, (double)(i ? i - 1 : 1) / (double)(points - 1));
        const double value = !i ? dim->least : i == points - 1 ? dim->most : tidy(dim, at, fabs(next - at));
        if (value == last) /* whole numbers that lie close */
            continue;
        last = value;
        lami_real_text(text, value);
        LAM_TRY(add_value(dim, &capacity, text, strlen(text)));
    }
    return LAM_OK;
}

/* Whole numbers: where the option takes no others, or both ends of a $word's range are written so. */
static lam_status check_range(lami_dimension *dim, const spec *s, const char *from, const char *dots, const char *to,
                              size_t to_length)
{
    const int digits = is_digits(from, (size_t)(dots - from)) && is_digits(to, to_length);
    dim->is_whole = dim->row == SIZE_MAX ? digits : lami_option_table[dim->row].kind != LAMI_REAL;
    if (dim->is_whole && (!digits || dim->most > 0x1p53))
        return fail_at(s, from, "such as 10..100:log:4", "--%s takes whole numbers", dim->name);
    if (!(dim->least < dim->most))
        return fail_at(s, from, "FROM..TO needs FROM below TO", "the range is empty");
    if (dim->is_log && !(dim->least > 0))
        return fail_at(s, from, NULL, "a range on a logarithmic scale begins above 0");
    return LAM_OK;
}

static lam_status read_range(lami_dimension *dim, const spec *s, const char *from, const char *dots)
{
    const char *const to = dots + 2;
    const size_t to_length = strcspn(to, ":");
    size_t points = 0;
    LAM_TRY(read_number(&dim->least, s, from, (size_t)(dots - from)));
    LAM_TRY(read_number(&dim->most, s, to, to_length));
    LAM_TRY(read_parts(dim, s, to + to_length, &points));
    LAM_TRY(check_range(dim, s, from, dots, to, to_length));
    const int any = !strcmp(s->flag, "random");
    if (!points && dim->is_whole && !dim->is_log && !any) {
        if (dim->most - dim->least >= LAMI_MAX_TRIALS)
            return fail_at(s, from, NULL, "more than %d points", LAMI_MAX_TRIALS);
        points = (size_t)(dim->most - dim->least) + 1;
    }
    if (!points && !any)
        return fail_at(s, to + to_length, "such as lr=1e-4..1e-2:log:8", "how many points does the grid have here?");
    return points ? add_points(dim, points) : LAM_OK;
}

/* ---- dimensions -------------------------------------------------------------------------------------------------- */

static lam_status read_dimension(lami_dimension *dim, const spec *s)
{
    const char *const equals = strchr(s->text, '=');
    if (!equals)
        return fail_at(s, s->text + strlen(s->text), "such as lr=1e-4..1e-2:log:8 or optim=adam,sgd",
                       "NAME=VALUES is expected");
    size_t length = (size_t)(equals - s->text);
    const char *const name = trim(s->text, &length);
    if (!(dim->name = lami_strndup(name, length)))
        return LAM_ENOMEM;
    LAM_TRY(find_name(dim, s));
    for (size_t d = 0; d + 1 < s->space->dims; d++)
        if (!strcmp(s->space->dim[d].name, dim->name))
            return fail_at(s, s->text, NULL, "%s is given twice", dim->name);
    const char *const values = equals + 1;
    const char *const dots = takes_numbers(dim) ? strstr(values, "..") : NULL;
    return dots ? read_range(dim, s, values, dots) : read_list(dim, s, values);
}

static lam_status read_dimensions(lami_space *space, const char *flag, const char *text)
{
    while (*text) {
        size_t length = strcspn(text, ";");
        const char *const end = text + length + (text[length] == ';'), *const own = trim(text, &length);
        spec s = { .flag = flag, .text = lami_strndup(own, length), .space = space };
        if (!s.text)
            return LAM_ENOMEM;
        lam_status status = LAM_OK;
        if (space->dims == LAMI_MAX_DIMENSIONS)
            status = lami_fail(LAM_EOPTION, "--%s: more than %d dimensions", flag, LAMI_MAX_DIMENSIONS);
        else
            status = read_dimension(&space->dim[space->dims++], &s);
        lami_free(s.text);
        if (status)
            return status;
        text = end;
    }
    return LAM_OK;
}

/* ---- checks ------------------------------------------------------------------------------------------------------ */

/* Does the option take it? `set` adds rules where it is set again. */
static lam_status set_option(lam_options *options, const lami_dimension *dim, const char *value)
{
    if (lami_option_table[dim->row].kind == LAMI_LIST)
        LAM_TRY(lam_options_set(options, dim->name, ""));
    return lam_options_set(options, dim->name, value);
}

static lam_status check_options(const lami_space *space)
{
    lam_options *options = NULL;
    char text[LAMI_REAL_TEXT];
    LAM_TRY(lam_options_new(&options));
    lam_status status = LAM_OK;
    for (size_t d = 0; d < space->dims && !status; d++) {
        const lami_dimension *dim = &space->dim[d];
        if (dim->row == SIZE_MAX)
            continue;
        for (size_t i = 0; i < dim->count && !status; i++)
            status = set_option(options, dim, dim->value[i]);
        for (int end = 0; end < 2 && !dim->count && !status; end++) {
            lami_real_text(text, end ? dim->most : dim->least);
            status = set_option(options, dim, text);
        }
    }
    lam_options_free(options);
    return status;
}

/* Each $word has a dimension. */
static lam_status check_words(const lami_space *space)
{
    size_t length;
    const char *word;
    for (size_t i = 0; (word = nth_word(space->notation, i, &length)); i++) {
        char what[WHAT_TEXT];
        if (find_dimension(space, word, length))
            continue;
        snprintf(what, sizeof what, "$%.*s has no values", (int)(length < NAME_TEXT ? length : NAME_TEXT), word);
        return lami_scan_fail(LAM_ENOTATION, space->notation, (size_t)(word - 1 - space->notation), what,
                              "give them by --grid, such as --grid width=50,100");
    }
    return LAM_OK;
}

static lam_status check_net(const lami_space *space, size_t trial)
{
    char *text;
    lami_item *tree = NULL;
    LAM_TRY(substitute(&text, space, trial));
    const lam_status status = lami_notation_parse(&tree, text);
    lami_notation_free(tree);
    lami_free(text);
    return status;
}

/* The notation with the first values, then with each of the others. */
static lam_status check_nets(const lami_space *space)
{
    LAM_TRY(check_net(space, 0));
    size_t stride = 1;
    for (size_t d = space->dims; d-- > 0 && !space->is_random;) {
        const lami_dimension *dim = &space->dim[d];
        for (size_t i = 1; dim->row == SIZE_MAX && i < dim->count; i++)
            if (i < CHECKED_NETS || i + 1 == dim->count)
                LAM_TRY(check_net(space, i * stride));
        stride *= dim->count;
    }
    for (size_t i = 1; space->is_random && i < CHECKED_NETS && strchr(space->notation, '$'); i++)
        LAM_TRY(check_net(space, i));
    return LAM_OK;
}

static lam_status count_points(lami_space *space)
{
    space->points = 1;
    for (size_t d = 0; d < space->dims && !space->is_random; d++) {
        const size_t count = space->dim[d].count;
        if (space->points > LAMI_MAX_TRIALS / count)
            return lami_fail(LAM_EOPTION, "--grid: more than %d points; take fewer values, or --random",
                             LAMI_MAX_TRIALS);
        space->points *= count;
    }
    if (space->is_random)
        space->points = LAMI_MAX_TRIALS;
    return LAM_OK;
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

lam_status lami_space_new(lami_space **out, const char *notation, const char *grid, const char *random, uint64_t seed)
{
    *out = NULL;
    lami_space *space = lami_alloc(1, sizeof *space);
    if (!space)
        return LAM_ENOMEM;
    lam_status status = LAM_ENOMEM;
    space->seed = seed;
    space->is_random = random != NULL;
    space->notation = one_line(notation);
    space->dim = lami_alloc(LAMI_MAX_DIMENSIONS, sizeof *space->dim);
    if (!space->notation || !space->dim)
        goto done;
    status = LAM_OK;
    if (grid)
        LAM_TRY_DONE(read_dimensions(space, "grid", grid));
    if (random)
        LAM_TRY_DONE(read_dimensions(space, "random", random));
    if (!space->dims) {
        status = lami_fail(LAM_EOPTION, "--grid or --random is needed: what is to be searched? (such as --grid "
                                        "lr=1e-4..1e-2:log:8)");
        goto done;
    }
    LAM_TRY_DONE(count_points(space));
    LAM_TRY_DONE(check_options(space));
    LAM_TRY_DONE(check_words(space));
    LAM_TRY_DONE(check_nets(space));
    *out = space;
    space = NULL;
done:
    lami_space_free(space);
    return status;
}

void lami_space_free(lami_space *space)
{
    if (!space)
        return;
    for (size_t d = 0; d < space->dims; d++) {
        for (size_t i = 0; i < space->dim[d].count; i++)
            lami_free(space->dim[d].value[i]);
        lami_free(space->dim[d].value);
        lami_free(space->dim[d].name);
    }
    lami_free(space->dim);
    lami_free(space->notation);
    lami_free(space);
}

/* ---- trials ------------------------------------------------------------------------------------------------------ */

static double draw(const lami_dimension *dim, double uniform)
{
    if (!dim->is_whole)
        return tidy(dim, along(dim, uniform), dim->most - dim->least);
    const lami_dimension wide = { .least = dim->least - 0.5, .most = dim->most + 0.5, .is_log = dim->is_log };
    return tidy(dim, along(&wide, uniform), 1); /* each whole number with its share */
}

const char *lami_space_value(char text[LAMI_REAL_TEXT], const lami_space *space, size_t trial, size_t d)
{
    const lami_dimension *dim = &space->dim[d];
    if (!space->is_random) {
        for (size_t after = space->dims; --after > d;)
            trial /= space->dim[after].count;
        return dim->value[trial % dim->count];
    }
    const lami_rng rng = lami_rng_make(space->seed, LAMI_RNG_TUNE, (uint32_t)d, 0);
    if (dim->count)
        return dim->value[lami_rng_below(&rng, trial, dim->count)];
    lami_real_text(text, draw(dim, lami_rng_uniform(&rng, trial)));
    return text;
}

lam_status lami_space_apply(char **notation, lam_options *options, const lami_space *space, size_t trial)
{
    char text[LAMI_REAL_TEXT];
    *notation = NULL;
    for (size_t d = 0; d < space->dims; d++)
        if (space->dim[d].row != SIZE_MAX)
            LAM_TRY(set_option(options, &space->dim[d], lami_space_value(text, space, trial, d)));
    return substitute(notation, space, trial);
}

void lami_space_text(char *text, size_t size, const lami_space *space, size_t trial)
{
    size_t at = 0;
    text[0] = 0;
    for (size_t d = 0; d < space->dims && at < size; d++) {
        char number[LAMI_REAL_TEXT];
        at += (size_t)snprintf(text + at, size - at, "%s%s=%s", d ? " " : "", space->dim[d].name,
                               lami_space_value(number, space, trial, d));
    }
}
