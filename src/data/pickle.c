/* pickle: a machine with a stack and a memo, as in Python's pickle.py and pickletools.py, whose instructions are rows
 * of a table. What it makes are values in one array, which refer to one another by index: no recursion, not even to
 * free them.
 * Source: https://docs.python.org/3/library/pickle.html, PEP 307, PEP 3154, PEP 574 */
#include "pickle.h"

#include <string.h>

#include "../core/bytes.h"
#include "../core/mem.h"

enum {
    VALUES_MOST = 1 << 21,    /* a batch of 50,000 images has about 200,000 */
    ITEMS_MOST = 4 << 20,     /* of all lists together; also entries of the stack */
    MARKS_MOST = 100,         /* open at once */
    UNPACKED_SPARE = 1 << 16, /* strings that are not stored as they are may take four times the file, and this */
    WORD_TEXT = 64            /* of a word quoted in a message */
};

/* Functions: the names that may stand in a batch. */
enum { ARRAY_NEW, ARRAY_CLASS, ARRAY_OF_BUFFER, TYPE_NEW, ENCODE, BYTES_NEW };

static const struct {
    const char *module, *name;
    int function;
} known[] = {
    { "numpy.core.multiarray", "_reconstruct", ARRAY_NEW },
    { "numpy._core.multiarray", "_reconstruct", ARRAY_NEW },
    { "numpy", "ndarray", ARRAY_CLASS },
    { "numpy", "dtype", TYPE_NEW },
    { "numpy.core.numeric", "_frombuffer", ARRAY_OF_BUFFER },
    { "numpy._core.numeric", "_frombuffer", ARRAY_OF_BUFFER },
    { "_codecs", "encode", ENCODE }, /* bytes in protocols that have only text */
    { "__builtin__", "bytes", BYTES_NEW },
    { "builtins", "bytes", BYTES_NEW },
};

struct lami_pickle {
    const char *name;
    lami_pickle_value *value;
    size_t count, capacity;
    uint32_t root;
};

typedef struct reader {
    lami_pickle *p;
    lami_bytes in;
    const uint8_t *start;
    size_t at; /* byte of the instruction that runs */
    uint32_t *stack;
    size_t height, stack_capacity;
    size_t mark[MARKS_MOST]; /* heights */
    size_t marks;
    uint32_t *memo; /* number of a value + 1; 0: none */
    size_t memo_capacity, memo_count;
    size_t items;
    size_t unpacked, unpacked_most;
    int stopped;
} reader;

/* ---- errors ---- */

static lam_status damaged(const reader *r, const char *what)
{
    return lami_fail(LAM_EFORMAT, "%s: damaged pickle: byte %zu: %s", r->p->name, r->at, what);
}

static lam_status too_much(const reader *r, const char *what)
{
    return lami_fail(LAM_EFORMAT, "%s: byte %zu: %s for a data batch", r->p->name, r->at, what);
}

static const char *quote(char text[WORD_TEXT], const uint8_t *at, size_t size)
{
    size_t i = 0;
    for (; i < size && i < WORD_TEXT - 1; i++)
        text[i] = (char)(at[i] > ' ' && at[i] <= '~' ? at[i] : '?');
    text[i] = 0;
    return text;
}

/* ---- values and the stack ---- */

static lami_pickle_value *value_of(const reader *r, uint32_t number)
{
    return &r->p->value[number];
}

static lam_status push(reader *r, uint32_t number)
{
    if (r->height >= ITEMS_MOST)
        return too_much(r, "too many values");
    LAM_TRY(lami_grow((void **)&r->stack, &r->stack_capacity, r->height + 1, sizeof *r->stack));
    r->stack[r->height++] = number;
    return LAM_OK;
}

/* Add a value and push it. What it owns is its own from now on, or freed. */
static lam_status push_new(reader *r, const lami_pickle_value *made)
{
    lami_pickle *p = r->p;
    lam_status status = LAM_OK;
    if (p->count >= VALUES_MOST)
        status = too_much(r, "too many values");
    if (!status)
        status = lami_grow((void **)&p->value, &p->capacity, p->count + 1, sizeof *p->value);
    if (status) {
        if (made->owned)
            lami_free((void *)(uintptr_t)made->u.bytes.at);
        return status;
    }
    p->value[p->count++] = *made;
    return push(r, (uint32_t)(p->count - 1));
}

static lam_status push_number(reader *r, int64_t number)
{
    return push_new(r, &(lami_pickle_value) { .type = LAMI_PICKLE_INT, .u.number = number });
}

static lam_status push_type(reader *r, lami_pickle_type type)
{
    return push_new(r, &(lami_pickle_value) { .type = type });
}

static lam_status push_bytes(reader *r, lami_pickle_type type, const uint8_t *at, size_t size, int owned)
{
    lami_pickle_value made = { .type = type, .owned = owned };
    made.u.bytes.at = at;
    made.u.bytes.size = size;
    return push_new(r, &made);
}

/* Entries of the stack since the last mark. */
static size_t since_mark(const reader *r)
{
    return r->height - (r->marks ? r->mark[r->marks - 1] : 0);
}

static lam_status need(const reader *r, size_t entries)
{
    return since_mark(r) >= entries ? LAM_OK : damaged(r, "too few values on the stack");
}

static lam_status pop(reader *r, uint32_t *number)
{
    *number = 0;
    LAM_TRY(need(r, 1));
    *number = r->stack[--r->height];
    return LAM_OK;
}

/* Undo the last mark: *first is the height there. */
static lam_status pop_mark(reader *r, size_t *first)
{
    *first = 0;
    if (!r->marks)
        return damaged(r, "no mark");
    *first = r->mark[--r->marks];
    return LAM_OK;
}

/* Append the stack's entries from `first` on to value `to`, and drop them. */
static lam_status move_items(reader *r, uint32_t to, size_t first)
{
    const size_t count = r->height - first;
    lami_pickle_value *list = value_of(r, to);
    r->items += count;
    if (r->items > ITEMS_MOST)
        return too_much(r, "too many items");
    if (count) {
        LAM_TRY(lami_grow((void **)&list->u.list.item, &list->u.list.capacity, list->u.list.count + count,
                          sizeof *list->u.list.item));
        memcpy(list->u.list.item + list->u.list.count, r->stack + first, count * sizeof *r->stack);
        list->u.list.count += count;
    }
    r->height = first;
    return LAM_OK;
}

/* A new list, tuple or dictionary of the entries from `first` on. */
static lam_status gather(reader *r, lami_pickle_type type, size_t first)
{
    uint32_t made;
    LAM_TRY(push_type(r, type));
    made = r->stack[--r->height];
    LAM_TRY(move_items(r, made, first));
    return push(r, made);
}

/* ---- arguments in the file ---- */

static lam_status cut_off(const reader *r)
{
    return damaged(r, "cut off: the file ends here");
}

/* An unsigned number of `bytes` bytes, at most 8, lowest first. */
static lam_status read_number(reader *r, uint64_t *value, size_t bytes)
{
    const uint8_t *p = lami_read_span(&r->in, bytes);
    *value = 0;
    if (!p)
        return cut_off(r);
    for (size_t i = bytes; i-- > 0;)
        *value = *value << 8 | p[i];
    return LAM_OK;
}

static lam_status read_line(reader *r, const uint8_t **at, size_t *size)
{
    const uint8_t *end = lami_bytes_left(&r->in) ? memchr(r->in.at, '\n', lami_bytes_left(&r->in)) : NULL;
    *at = NULL;
    *size = 0;
    if (!end)
        return cut_off(r);
    *at = r->in.at;
    *size = (size_t)(end - r->in.at);
    r->in.at = end + 1;
    return LAM_OK;
}

/* Bytes in the file after a length of `length_bytes`. */
static lam_status push_span(reader *r, lami_pickle_type type, size_t length_bytes)
{
    uint64_t size;
    LAM_TRY(read_number(r, &size, length_bytes));
    if (size > lami_bytes_left(&r->in))
        return cut_off(r);
    const uint8_t *at = lami_read_span(&r->in, (size_t)size);
    return push_bytes(r, type, at, (size_t)size, 0);
}

static lam_status decimal(const reader *r, int64_t *value, const uint8_t *at, size_t size)
{
    const int minus = size && *at == '-';
    uint64_t v = 0;
    if (size - (size_t)minus < 1 || size > 19)
        return damaged(r, "not a whole number of 64 bits");
    for (size_t i = (size_t)minus; i < size; i++) {
        if (at[i] < '0' || at[i] > '9')
            return damaged(r, "not a whole number");
        v = 10 * v + (uint64_t)(at[i] - '0');
    }
    if (v > INT64_MAX)
        return damaged(r, "not a whole number of 64 bits");
    *value = minus ? -(int64_t)v : (int64_t)v;
    return LAM_OK;
}

/* Room for a string of at most `size` bytes that is not stored as it is. */
static lam_status unpacked_room(reader *r, uint8_t **out, size_t size)
{
    *out = NULL;
    if (size > r->unpacked_most - r->unpacked)
        return too_much(r, "strings unpack to too much");
    r->unpacked += size;
    *out = lami_alloc(size, 1);
    return *out ? LAM_OK : LAM_ENOMEM;
}

static size_t put_utf8(uint8_t *out, uint32_t c)
{
    static const uint8_t first[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
    const size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    if (n == 1) {
        out[0] = (uint8_t)c;
        return 1;
    }
    for (size_t i = n - 1; i > 0; i--, c >>= 6)
        out[i] = (uint8_t)(0x80 | (c & 0x3f));
    out[0] = (uint8_t)(first[n] | c);
    return n;
}

/* `digits` hexadecimal digits at `at` of `left` bytes; 0: not that many. */
static int hexadecimal(uint32_t *value, const uint8_t *at, size_t left, size_t digits)
{
    *value = 0;
    for (size_t i = 0; i < digits; i++) {
        const int c = i < left ? at[i] | 0x20 : 0; /* small letters; digits stay */
        if (i >= left || !((at[i] >= '0' && at[i] <= '9') || (c >= 'a' && c <= 'f')))
            return 0;
        *value = *value << 4 | (uint32_t)(c >= 'a' ? c - 'a' + 10 : at[i] - '0');
    }
    return 1;
}

/* ---- instructions: numbers, strings ---- */

static lam_status op_proto(reader *r)
{
    uint64_t version;
    LAM_TRY(read_number(r, &version, 1));
    return version <= 5 ? LAM_OK : damaged(r, "a protocol after 5");
}

static lam_status op_frame(reader *r)
{
    uint64_t size; /* only says how far to read ahead */
    LAM_TRY(read_number(r, &size, 8));
    return size <= lami_bytes_left(&r->in) ? LAM_OK : cut_off(r);
}

static lam_status op_none(reader *r)
{
    return push_type(r, LAMI_PICKLE_NONE);
}

static lam_status op_true(reader *r)
{
    return push_number(r, 1);
}

static lam_status op_false(reader *r)
{
    return push_number(r, 0);
}

/* Also the booleans of protocol 0: 00 and 01. */
static lam_status op_int(reader *r)
{
    const uint8_t *at;
    size_t size;
    int64_t value = 0;
    LAM_TRY(read_line(r, &at, &size));
    LAM_TRY(decimal(r, &value, at, size));
    return push_number(r, value);
}

static lam_status op_long(reader *r)
{
    const uint8_t *at;
    size_t size;
    int64_t value = 0;
    LAM_TRY(read_line(r, &at, &size));
    LAM_TRY(decimal(r, &value, at, size && at[size - 1] == 'L' ? size - 1 : size));
    return push_number(r, value);
}

static lam_status op_int1(reader *r)
{
    uint64_t value;
    LAM_TRY(read_number(r, &value, 1));
    return push_number(r, (int64_t)value);
}

static lam_status op_int2(reader *r)
{
    uint64_t value;
    LAM_TRY(read_number(r, &value, 2));
    return push_number(r, (int64_t)value);
}

static lam_status op_int4(reader *r)
{
    uint64_t value;
    LAM_TRY(read_number(r, &value, 4));
    return push_number(r, (int32_t)(uint32_t)value);
}

static lam_status op_long1(reader *r)
{
    uint64_t bytes, value;
    LAM_TRY(read_number(r, &bytes, 1));
    if (bytes > 8)
        return damaged(r, "not a whole number of 64 bits");
    LAM_TRY(read_number(r, &value, (size_t)bytes));
    if (bytes && bytes < 8 && value >> (8 * bytes - 1))
        value |= UINT64_MAX << 8 * bytes;
    return push_number(r, (int64_t)value);
}

static lam_status op_bytes1(reader *r)
{
    return push_span(r, LAMI_PICKLE_BYTES, 1);
}

static lam_status op_bytes4(reader *r)
{
    return push_span(r, LAMI_PICKLE_BYTES, 4);
}

static lam_status op_bytes8(reader *r)
{
    return push_span(r, LAMI_PICKLE_BYTES, 8);
}

static lam_status op_text1(reader *r)
{
    return push_span(r, LAMI_PICKLE_TEXT, 1);
}

static lam_status op_text4(reader *r)
{
    return push_span(r, LAMI_PICKLE_TEXT, 4);
}

static lam_status op_text8(reader *r)
{
    return push_span(r, LAMI_PICKLE_TEXT, 8);
}

/* What a backslash and the byte after it mean in Python 2's repr of a string; -1: something else. */
static int escaped(uint8_t c)
{
    switch (c) {
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case '\\':
    case '\'':
    case '"':
        return c;
    default:
        return -1;
    }
}

/* A string as Python 2's repr prints it. */
static lam_status op_quoted(reader *r)
{
    const uint8_t *at;
    uint8_t *out;
    size_t size, n = 0;
    LAM_TRY(read_line(r, &at, &size));
    if (size < 2 || (*at != '\'' && *at != '"') || at[size - 1] != *at)
        return damaged(r, "a string without quotes");
    LAM_TRY(unpacked_room(r, &out, size));
    for (size_t i = 1; i < size - 1; i++) {
        uint32_t code;
        int c = at[i];
        if (c == '\\') {
            i++;
            c = escaped(at[i]);
            if (at[i] == 'x' && hexadecimal(&code, at + i + 1, size - 2 - i, 2)) {
                c = (int)code;
                i += 2;
            }
            if (c < 0 || i >= size - 1) {
                lami_free(out);
                return damaged(r, "a string with an unknown escape");
            }
        }
        out[n++] = (uint8_t)c;
    }
    return push_bytes(r, LAMI_PICKLE_BYTES, out, n, 1);
}

/* Text in Latin-1, with \uXXXX and \UXXXXXXXX for what that cannot say; a backslash itself is \u005c. */
static lam_status op_text_line(reader *r)
{
    const uint8_t *at;
    uint8_t *out;
    size_t size, n = 0;
    LAM_TRY(read_line(r, &at, &size));
    LAM_TRY(unpacked_room(r, &out, 2 * size));
    for (size_t i = 0; i < size; i++) {
        uint32_t c = at[i];
        if (c == '\\' && i + 1 < size && (at[i + 1] == 'u' || at[i + 1] == 'U')) {
            const size_t digits = at[i + 1] == 'u' ? 4 : 8;
            if (!hexadecimal(&c, at + i + 2, size - i - 2, digits) || c > 0x10ffff) {
                lami_free(out);
                return damaged(r, "text with a wrong escape");
            }
            i += 1 + digits;
        }
        n += put_utf8(out + n, c);
    }
    return push_bytes(r, LAMI_PICKLE_TEXT, out, n, 1);
}

/* ---- instructions: lists, tuples, dictionaries ---- */

static lam_status op_mark(reader *r)
{
    if (r->marks >= MARKS_MOST)
        return too_much(r, "nested too deeply");
    r->mark[r->marks++] = r->height;
    return LAM_OK;
}

static lam_status op_empty_list(reader *r)
{
    return push_type(r, LAMI_PICKLE_LIST);
}

static lam_status op_empty_tuple(reader *r)
{
    return push_type(r, LAMI_PICKLE_TUPLE);
}

static lam_status op_empty_dict(reader *r)
{
    return push_type(r, LAMI_PICKLE_DICT);
}

static lam_status op_list(reader *r)
{
    size_t first;
    LAM_TRY(pop_mark(r, &first));
    return gather(r, LAMI_PICKLE_LIST, first);
}

static lam_status op_tuple(reader *r)
{
    size_t first;
    LAM_TRY(pop_mark(r, &first));
    return gather(r, LAMI_PICKLE_TUPLE, first);
}

static lam_status gather_last(reader *r, size_t count)
{
    LAM_TRY(need(r, count));
    return gather(r, LAMI_PICKLE_TUPLE, r->height - count);
}

static lam_status op_tuple1(reader *r)
{
    return gather_last(r, 1);
}

static lam_status op_tuple2(reader *r)
{
    return gather_last(r, 2);
}

static lam_status op_tuple3(reader *r)
{
    return gather_last(r, 3);
}

static lam_status op_dict(reader *r)
{
    size_t first;
    LAM_TRY(pop_mark(r, &first));
    if ((r->height - first) % 2)
        return damaged(r, "a key without a value");
    return gather(r, LAMI_PICKLE_DICT, first);
}

/* Append the entries from `first` on to the list or dictionary before them. */
static lam_status append_from(reader *r, size_t first, lami_pickle_type type)
{
    const size_t base = r->marks ? r->mark[r->marks - 1] : 0;
    if (first <= base || value_of(r, r->stack[first - 1])->type != type)
        return damaged(r, type == LAMI_PICKLE_LIST ? "no list to append to" : "no dictionary to set a key in");
    if (type == LAMI_PICKLE_DICT && (r->height - first) % 2)
        return damaged(r, "a key without a value");
    return move_items(r, r->stack[first - 1], first);
}

static lam_status op_append(reader *r)
{
    LAM_TRY(need(r, 2));
    return append_from(r, r->height - 1, LAMI_PICKLE_LIST);
}

static lam_status op_set_item(reader *r)
{
    LAM_TRY(need(r, 3));
    return append_from(r, r->height - 2, LAMI_PICKLE_DICT);
}

static lam_status op_appends(reader *r)
{
    size_t first;
    LAM_TRY(pop_mark(r, &first));
    return append_from(r, first, LAMI_PICKLE_LIST);
}

static lam_status op_set_items(reader *r)
{
    size_t first;
    LAM_TRY(pop_mark(r, &first));
    return append_from(r, first, LAMI_PICKLE_DICT);
}

/* ---- instructions: the memo ---- */

static lam_status put(reader *r, uint64_t place)
{
    LAM_TRY(need(r, 1));
    if (place >= ITEMS_MOST)
        return too_much(r, "too many values to remember");
    LAM_TRY(lami_grow((void **)&r->memo, &r->memo_capacity, (size_t)place + 1, sizeof *r->memo));
    r->memo_count += !r->memo[place];
    r->memo[place] = r->stack[r->height - 1] + 1;
    return LAM_OK;
}

static lam_status get(reader *r, uint64_t place)
{
    if (place >= r->memo_capacity || !r->memo[place])
        return damaged(r, "a value that was not remembered");
    return push(r, r->memo[place] - 1);
}

static lam_status read_place(reader *r, uint64_t *place)
{
    const uint8_t *at;
    size_t size;
    int64_t value = 0;
    LAM_TRY(read_line(r, &at, &size));
    LAM_TRY(decimal(r, &value, at, size));
    *place = value < 0 ? UINT64_MAX : (uint64_t)value;
    return LAM_OK;
}

static lam_status op_put(reader *r)
{
    uint64_t place;
    LAM_TRY(read_place(r, &place));
    return put(r, place);
}

static lam_status op_put1(reader *r)
{
    uint64_t place;
    LAM_TRY(read_number(r, &place, 1));
    return put(r, place);
}

static lam_status op_put4(reader *r)
{
    uint64_t place;
    LAM_TRY(read_number(r, &place, 4));
    return put(r, place);
}

static lam_status op_memoize(reader *r)
{
    return put(r, r->memo_count);
}

static lam_status op_get(reader *r)
{
    uint64_t place;
    LAM_TRY(read_place(r, &place));
    return get(r, place);
}

static lam_status op_get1(reader *r)
{
    uint64_t place;
    LAM_TRY(read_number(r, &place, 1));
    return get(r, place);
}

static lam_status op_get4(reader *r)
{
    uint64_t place;
    LAM_TRY(read_number(r, &place, 4));
    return get(r, place);
}

/* ---- instructions: the known functions ---- */

static int is_word(const uint8_t *at, size_t size, const char *word)
{
    return strlen(word) == size && !memcmp(at, word, size);
}

static lam_status push_function(reader *r, const uint8_t *module, size_t module_size, const uint8_t *name, size_t size)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (is_word(module, module_size, known[i].module) && is_word(name, size, known[i].name))
            return push_new(r, &(lami_pickle_value) { .type = LAMI_PICKLE_FUNCTION, .u.number = known[i].function });
    char a[WORD_TEXT], b[WORD_TEXT];
    return lami_fail(LAM_EFORMAT,
                     "%s: byte %zu: the pickle asks for %s.%s, which is not executed: a data batch has only numbers, "
                     "text and arrays of bytes",
                     r->p->name, r->at, quote(a, module, module_size), quote(b, name, size));
}

static lam_status op_global(reader *r)
{
    const uint8_t *module, *name;
    size_t module_size, size;
    LAM_TRY(read_line(r, &module, &module_size));
    LAM_TRY(read_line(r, &name, &size));
    return push_function(r, module, module_size, name, size);
}

static lam_status op_stack_global(reader *r)
{
    LAM_TRY(need(r, 2));
    const lami_pickle_value *module = value_of(r, r->stack[r->height - 2]);
    const lami_pickle_value *name = value_of(r, r->stack[r->height - 1]);
    if (module->type != LAMI_PICKLE_TEXT || name->type != LAMI_PICKLE_TEXT)
        return damaged(r, "a name that is not text");
    r->height -= 2;
    return push_function(r, module->u.bytes.at, module->u.bytes.size, name->u.bytes.at, name->u.bytes.size);
}

/* Item i of a tuple if it has that type, else NULL. */
static const lami_pickle_value *item_if(const reader *r, const lami_pickle_value *tuple, size_t i,
                                        lami_pickle_type type)
{
    const lami_pickle_value *item = i < tuple->u.list.count ? value_of(r, tuple->u.list.item[i]) : NULL;
    return item && item->type == type ? item : NULL;
}

/* encode(text, "latin1"): each character is a byte. */
static lam_status encode(reader *r, const lami_pickle_value *args)
{
    const lami_pickle_value *text = item_if(r, args, 0, LAMI_PICKLE_TEXT);
    const lami_pickle_value *code = item_if(r, args, 1, LAMI_PICKLE_TEXT);
    uint8_t *out;
    size_t n = 0;
    if (!text || !code || args->u.list.count != 2 || !is_word(code->u.bytes.at, code->u.bytes.size, "latin1"))
        return damaged(r, "_codecs.encode not of a text to latin1");
    const uint8_t *at = text->u.bytes.at;
    const size_t size = text->u.bytes.size;
    LAM_TRY(unpacked_room(r, &out, size + 1));
    int lead = 0, bad = 0; /* without branches: pixels are unpredictable */
    for (size_t i = 0; i < size; i++) {
        const int c = at[i], follows = (c & 0xc0) == 0x80;
        out[n] = (uint8_t)(follows ? at[i - (size_t)lead] << 6 | (c & 0x3f) : c);
        bad |= follows != lead;
        lead = c >= 0xc0;
        bad |= lead && c != 0xc2 && c != 0xc3;
        n += !lead;
    }
    if (bad || lead) {
        lami_free(out);
        return damaged(r, "text that is not Latin-1");
    }
    return push_bytes(r, LAMI_PICKLE_BYTES, out, n, 1);
}

static lam_status make_type(reader *r, const lami_pickle_value *args)
{
    char text[WORD_TEXT];
    const lami_pickle_value *name = item_if(r, args, 0, LAMI_PICKLE_TEXT);
    if (!name)
        name = item_if(r, args, 0, LAMI_PICKLE_BYTES);
    if (!name)
        return damaged(r, "numpy.dtype without a name");
    if (!is_word(name->u.bytes.at, name->u.bytes.size, "u1") && !is_word(name->u.bytes.at, name->u.bytes.size, "|u1"))
        return lami_fail(LAM_EFORMAT, "%s: byte %zu: an array of type %s; data batches have bytes (u1)", r->p->name,
                         r->at, quote(text, name->u.bytes.at, name->u.bytes.size));
    return push_type(r, LAMI_PICKLE_TYPE);
}

/* Put content into an array value. */
static lam_status fill_array(const reader *r, lami_pickle_value *array, const lami_pickle_value *shape,
                             const lami_pickle_value *content, int by_columns)
{
    const lami_pickle_value *rows = item_if(r, shape, 0, LAMI_PICKLE_INT);
    const lami_pickle_value *columns = item_if(r, shape, 1, LAMI_PICKLE_INT);
    if (!rows || !columns || shape->u.list.count != 2)
        return damaged(r, "an array that has not two dimensions");
    const int64_t m = rows->u.number, n = columns->u.number;
    if (m < 0 || n < 0 || m > UINT32_MAX || n > UINT32_MAX || (uint64_t)m * (uint64_t)n != content->u.bytes.size)
        return damaged(r, "an array with a shape that does not fit its bytes");
    array->u.array.at = content->u.bytes.at;
    array->u.array.rows = (uint32_t)m;
    array->u.array.columns = (uint32_t)n;
    array->u.array.by_columns = by_columns;
    return LAM_OK;
}

/* _frombuffer(bytes, type, shape, "C" or "F") */
static lam_status array_of_buffer(reader *r, const lami_pickle_value *args)
{
    const lami_pickle_value *content = item_if(r, args, 0, LAMI_PICKLE_BYTES);
    const lami_pickle_value *type = item_if(r, args, 1, LAMI_PICKLE_TYPE);
    const lami_pickle_value *shape = item_if(r, args, 2, LAMI_PICKLE_TUPLE);
    const lami_pickle_value *order = item_if(r, args, 3, LAMI_PICKLE_TEXT);
    lami_pickle_value made = { .type = LAMI_PICKLE_ARRAY };
    if (!content || !type || !shape || !order || args->u.list.count != 4 || order->u.bytes.size != 1 ||
        (*order->u.bytes.at != 'C' && *order->u.bytes.at != 'F'))
        return damaged(r, "_frombuffer with other arguments");
    LAM_TRY(fill_array(r, &made, shape, content, *order->u.bytes.at == 'F'));
    return push_new(r, &made);
}

static lam_status op_reduce(reader *r)
{
    uint32_t tuple, function;
    LAM_TRY(pop(r, &tuple));
    LAM_TRY(pop(r, &function));
    const lami_pickle_value *args = value_of(r, tuple), *called = value_of(r, function);
    if (args->type != LAMI_PICKLE_TUPLE || called->type != LAMI_PICKLE_FUNCTION)
        return damaged(r, "a call of something that is not a function");
    switch (called->u.number) {
    case ENCODE:
        return encode(r, args);
    case BYTES_NEW:
        return args->u.list.count ? damaged(r, "bytes of something") : push_bytes(r, LAMI_PICKLE_BYTES, r->start, 0, 0);
    case TYPE_NEW:
        return make_type(r, args);
    case ARRAY_OF_BUFFER:
        return array_of_buffer(r, args);
    case ARRAY_NEW: /* (numpy.ndarray, (0,), b"b"): content comes with BUILD */
        return push_type(r, LAMI_PICKLE_ARRAY);
    default:
        return damaged(r, "a call of a class");
    }
}

/* The state of an array, (version, shape, type, by columns?, bytes), or of a type, where nothing in it matters to
 * bytes. */
static lam_status op_build(reader *r)
{
    uint32_t state_number;
    LAM_TRY(pop(r, &state_number));
    LAM_TRY(need(r, 1));
    lami_pickle_value *made = value_of(r, r->stack[r->height - 1]);
    const lami_pickle_value *state = value_of(r, state_number);
    if (state->type != LAMI_PICKLE_TUPLE || (made->type != LAMI_PICKLE_TYPE && made->type != LAMI_PICKLE_ARRAY))
        return damaged(r, "a state of something that has none");
    if (made->type == LAMI_PICKLE_TYPE)
        return LAM_OK;
    const lami_pickle_value *shape = item_if(r, state, 1, LAMI_PICKLE_TUPLE);
    const lami_pickle_value *type = item_if(r, state, 2, LAMI_PICKLE_TYPE);
    const lami_pickle_value *by_columns = item_if(r, state, 3, LAMI_PICKLE_INT);
    const lami_pickle_value *content = item_if(r, state, 4, LAMI_PICKLE_BYTES);
    if (!shape || !type || !by_columns || !content || state->u.list.count != 5 || made->u.array.at)
        return damaged(r, "an array with another state");
    return fill_array(r, made, shape, content, by_columns->u.number != 0);
}

static lam_status op_stop(reader *r)
{
    LAM_TRY(pop(r, &r->p->root));
    if (r->height || r->marks)
        return damaged(r, "values are left over");
    r->stopped = 1;
    return LAM_OK;
}

/* ---- the machine ---- */

static lam_status (*const instruction[256])(reader *r) = {
    [0x80] = op_proto,    [0x95] = op_frame,      ['.'] = op_stop,          ['N'] = op_none,
    [0x88] = op_true,     [0x89] = op_false,      ['I'] = op_int,           ['L'] = op_long,
    ['K'] = op_int1,      ['M'] = op_int2,        ['J'] = op_int4,          [0x8a] = op_long1,
    ['S'] = op_quoted,    ['U'] = op_bytes1,      ['T'] = op_bytes4, /* Python 2's strings */
    ['C'] = op_bytes1,    ['B'] = op_bytes4,      [0x8e] = op_bytes8,       [0x96] = op_bytes8,
    ['V'] = op_text_line, [0x8c] = op_text1,      ['X'] = op_text4,         [0x8d] = op_text8,
    ['('] = op_mark,      [']'] = op_empty_list,  ['l'] = op_list,          ['a'] = op_append,
    ['e'] = op_appends,   [')'] = op_empty_tuple, ['t'] = op_tuple,         [0x85] = op_tuple1,
    [0x86] = op_tuple2,   [0x87] = op_tuple3,     ['}'] = op_empty_dict,    ['d'] = op_dict,
    ['s'] = op_set_item,  ['u'] = op_set_items,   ['p'] = op_put,           ['q'] = op_put1,
    ['r'] = op_put4,      [0x94] = op_memoize,    ['g'] = op_get,           ['h'] = op_get1,
    ['j'] = op_get4,      ['c'] = op_global,      [0x93] = op_stack_global, ['R'] = op_reduce,
    ['b'] = op_build,
};

static lam_status run(reader *r)
{
    while (!r->stopped) {
        r->at = (size_t)(r->in.at - r->start);
        if (!lami_bytes_left(&r->in))
            return cut_off(r);
        const uint8_t code = lami_read_u8(&r->in);
        if (!instruction[code])
            return lami_fail(LAM_EFORMAT, "%s: byte %zu: not a pickle of a data batch: instruction %02x is not known",
                             r->p->name, r->at, code);
        LAM_TRY(instruction[code](r));
    }
    if (lami_bytes_left(&r->in))
        return lami_fail(LAM_EFORMAT, "%s: other bytes follow the pickle, from byte %zu", r->p->name,
                         (size_t)(r->in.at - r->start));
    return LAM_OK;
}

lam_status lami_pickle_read(lami_pickle **pickle, const void *data, size_t size, const char *name)
{
    *pickle = NULL;
    lami_pickle *p = lami_alloc(1, sizeof *p);
    reader *r = lami_alloc(1, sizeof *r);
    lam_status status = LAM_ENOMEM;
    if (p && r) {
        p->name = name;
        r->p = p;
        r->in = lami_bytes_make(data, size);
        r->start = data;
        r->unpacked_most = size > (SIZE_MAX - UNPACKED_SPARE) / 4 ? SIZE_MAX : 4 * size + UNPACKED_SPARE;
        status = run(r);
        lami_free(r->stack);
        lami_free(r->memo);
    }
    lami_free(r);
    if (status)
        lami_pickle_free(p);
    else
        *pickle = p;
    return status;
}

void lami_pickle_free(lami_pickle *p)
{
    for (size_t i = 0; p && i < p->count; i++) {
        const lami_pickle_value *v = &p->value[i];
        if (v->owned)
            lami_free((void *)(uintptr_t)v->u.bytes.at);
        else if (v->type == LAMI_PICKLE_LIST || v->type == LAMI_PICKLE_TUPLE || v->type == LAMI_PICKLE_DICT)
            lami_free(v->u.list.item);
    }
    if (p)
        lami_free(p->value);
    lami_free(p);
}

const lami_pickle_value *lami_pickle_root(const lami_pickle *p)
{
    return &p->value[p->root];
}

const lami_pickle_value *lami_pickle_item(const lami_pickle *p, const lami_pickle_value *list, size_t i)
{
    return &p->value[list->u.list.item[i]];
}

lam_status lami_pickle_get(const lami_pickle_value **value, const lami_pickle *p, const char *key)
{
    const lami_pickle_value *root = lami_pickle_root(p);
    *value = NULL;
    if (root->type != LAMI_PICKLE_DICT)
        return lami_fail(LAM_EFORMAT, "%s: not a data batch: the pickle holds no dictionary", p->name);
    for (size_t i = 0; i < root->u.list.count; i += 2) {
        const lami_pickle_value *k = lami_pickle_item(p, root, i);
        if ((k->type != LAMI_PICKLE_TEXT && k->type != LAMI_PICKLE_BYTES) ||
            !is_word(k->u.bytes.at, k->u.bytes.size, key))
            continue;
        if (*value)
            return lami_fail(LAM_EFORMAT, "%s: key %s is there twice", p->name, key);
        *value = lami_pickle_item(p, root, i + 1);
    }
    return LAM_OK;
}
