/* pickle: a machine with a stack and a memo, as in Python's pickle.py and pickletools.py, whose instructions are rows
 * of a table. What it makes are values in one array, which refer to one another by index: no recursion, not even to
 * free them.
 * Source: https://docs.python.org/3/library/pickle.html, PEP 307, PEP 3154, PEP 574 */
#include "pickle.h"

#include <string.h>

#include "../core/bytes.h"
#include "../core/mem.h"
#include "pickle_machine.h"

enum {
    VALUES_MOST = 1 << 21,   /* a batch of 50,000 images has about 200,000 */
    ITEMS_MOST = 4 << 20,    /* of all lists together; also entries of the stack */
    UNPACKED_SPARE = 1 << 16 /* strings that are not stored as they are may take four times the file, and this */
};

/* ---- errors ---- */

lam_status lami_pickle_damaged(const lami_pickle_reader *r, const char *what)
{
    return lami_fail(LAM_EFORMAT, "%s: damaged pickle: byte %zu: %s", r->p->name, r->at, what);
}

lam_status lami_pickle_too_much(const lami_pickle_reader *r, const char *what)
{
    return lami_fail(LAM_EFORMAT, "%s: byte %zu: %s for a data batch", r->p->name, r->at, what);
}

/* ---- values and the stack ---- */

lami_pickle_value *lami_pickle_at(const lami_pickle_reader *r, uint32_t number)
{
    return &r->p->value[number];
}

static lam_status push(lami_pickle_reader *r, uint32_t number)
{
    if (r->height >= ITEMS_MOST)
        return lami_pickle_too_much(r, "too many values");
    LAM_TRY(lami_grow((void **)&r->stack, &r->stack_capacity, r->height + 1, sizeof *r->stack));
    r->stack[r->height++] = number;
    return LAM_OK;
}

/* Add a value and push it. What it owns is its own from now on, or freed. */
lam_status lami_pickle_push(lami_pickle_reader *r, const lami_pickle_value *made)
{
    lami_pickle *p = r->p;
    lam_status status = LAM_OK;
    if (p->count >= VALUES_MOST)
        status = lami_pickle_too_much(r, "too many values");
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

static lam_status push_number(lami_pickle_reader *r, int64_t number)
{
    return lami_pickle_push(r, &(lami_pickle_value) { .type = LAMI_PICKLE_INT, .u.number = number });
}

lam_status lami_pickle_push_type(lami_pickle_reader *r, lami_pickle_type type)
{
    return lami_pickle_push(r, &(lami_pickle_value) { .type = type });
}

lam_status lami_pickle_push_bytes(lami_pickle_reader *r, lami_pickle_type type, const uint8_t *at, size_t size,
                                  int owned)
{
    lami_pickle_value made = { .type = type, .owned = owned };
    made.u.bytes.at = at;
    made.u.bytes.size = size;
    return lami_pickle_push(r, &made);
}

/* Entries of the stack since the last mark. */
static size_t since_mark(const lami_pickle_reader *r)
{
    return r->height - (r->marks ? r->mark[r->marks - 1] : 0);
}

lam_status lami_pickle_need(const lami_pickle_reader *r, size_t entries)
{
    return since_mark(r) >= entries ? LAM_OK : lami_pickle_damaged(r, "too few values on the stack");
}

lam_status lami_pickle_pop(lami_pickle_reader *r, uint32_t *number)
{
    *number = 0;
    LAM_TRY(lami_pickle_need(r, 1));
    *number = r->stack[--r->height];
    return LAM_OK;
}

int lami_pickle_is(const uint8_t *at, size_t size, const char *word)
{
    return strlen(word) == size && !memcmp(at, word, size);
}

/* Undo the last mark: *first is the height there. */
static lam_status pop_mark(lami_pickle_reader *r, size_t *first)
{
    *first = 0;
    if (!r->marks)
        return lami_pickle_damaged(r, "no mark");
    *first = r->mark[--r->marks];
    return LAM_OK;
}

/* Append the stack's entries from `first` on to value `to`, and drop them. */
static lam_status move_items(lami_pickle_reader *r, uint32_t to, size_t first)
{
    const size_t count = r->height - first;
    lami_pickle_value *list = lami_pickle_at(r, to);
    r->items += count;
    if (r->items > ITEMS_MOST)
        return lami_pickle_too_much(r, "too many items");
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
static lam_status gather(lami_pickle_reader *r, lami_pickle_type type, size_t first)
{
    uint32_t made;
    LAM_TRY(lami_pickle_push_type(r, type));
    made = r->stack[--r->height];
    LAM_TRY(move_items(r, made, first));
    return push(r, made);
}

/* ---- arguments in the file ---- */

static lam_status cut_off(const lami_pickle_reader *r)
{
    return lami_pickle_damaged(r, "cut off: the file ends here");
}

/* An unsigned number of `bytes` bytes, at most 8, lowest first. */
static lam_status read_number(lami_pickle_reader *r, uint64_t *value, size_t bytes)
{
    const uint8_t *p = lami_read_span(&r->in, bytes);
    *value = 0;
    if (!p)
        return cut_off(r);
    for (size_t i = bytes; i-- > 0;)
        *value = *value << 8 | p[i];
    return LAM_OK;
}

lam_status lami_pickle_line(lami_pickle_reader *r, const uint8_t **at, size_t *size)
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
static lam_status push_span(lami_pickle_reader *r, lami_pickle_type type, size_t length_bytes)
{
    uint64_t size;
    LAM_TRY(read_number(r, &size, length_bytes));
    if (size > lami_bytes_left(&r->in))
        return cut_off(r);
    const uint8_t *at = lami_read_span(&r->in, (size_t)size);
    return lami_pickle_push_bytes(r, type, at, (size_t)size, 0);
}

static lam_status decimal(const lami_pickle_reader *r, int64_t *value, const uint8_t *at, size_t size)
{
    const int minus = size && *at == '-';
    uint64_t v = 0;
    if (size - (size_t)minus < 1 || size > 19)
        return lami_pickle_damaged(r, "not a whole number of 64 bits");
    for (size_t i = (size_t)minus; i < size; i++) {
        if (at[i] < '0' || at[i] > '9')
            return lami_pickle_damaged(r, "not a whole number");
        v = 10 * v + (uint64_t)(at[i] - '0');
    }
    if (v > INT64_MAX)
        return lami_pickle_damaged(r, "not a whole number of 64 bits");
    *value = minus ? -(int64_t)v : (int64_t)v;
    return LAM_OK;
}

/* Room for a string of at most `size` bytes that is not stored as it is. */
lam_status lami_pickle_room(lami_pickle_reader *r, uint8_t **out, size_t size)
{
    *out = NULL;
    if (size > r->unpacked_most - r->unpacked)
        return lami_pickle_too_much(r, "strings unpack to too much");
    r->unpacked += size;
    *out = lami_alloc(size, 1);
    return *out ? LAM_OK : LAM_ENOMEM;
}

/* ---- instructions: numbers, strings ---- */

static lam_status op_proto(lami_pickle_reader *r)
{
    uint64_t version;
    LAM_TRY(read_number(r, &version, 1));
    return version <= 5 ? LAM_OK : lami_pickle_damaged(r, "a protocol after 5");
}

static lam_status op_frame(lami_pickle_reader *r)
{
    uint64_t size; /* only says how far to read ahead */
    LAM_TRY(read_number(r, &size, 8));
    return size <= lami_bytes_left(&r->in) ? LAM_OK : cut_off(r);
}

static lam_status op_none(lami_pickle_reader *r)
{
    return lami_pickle_push_type(r, LAMI_PICKLE_NONE);
}

static lam_status op_true(lami_pickle_reader *r)
{
    return push_number(r, 1);
}

static lam_status op_false(lami_pickle_reader *r)
{
    return push_number(r, 0);
}

/* Also the booleans of protocol 0: 00 and 01. */
static lam_status op_int(lami_pickle_reader *r)
{
    const uint8_t *at;
    size_t size;
    int64_t value = 0;
    LAM_TRY(lami_pickle_line(r, &at, &size));
    LAM_TRY(decimal(r, &value, at, size));
    return push_number(r, value);
}

static lam_status op_long(lami_pickle_reader *r)
{
    const uint8_t *at;
    size_t size;
    int64_t value = 0;
    LAM_TRY(lami_pickle_line(r, &at, &size));
    LAM_TRY(decimal(r, &value, at, size && at[size - 1] == 'L' ? size - 1 : size));
    return push_number(r, value);
}

static lam_status op_int1(lami_pickle_reader *r)
{
    uint64_t value;
    LAM_TRY(read_number(r, &value, 1));
    return push_number(r, (int64_t)value);
}

static lam_status op_int2(lami_pickle_reader *r)
{
    uint64_t value;
    LAM_TRY(read_number(r, &value, 2));
    return push_number(r, (int64_t)value);
}

static lam_status op_int4(lami_pickle_reader *r)
{
    uint64_t value;
    LAM_TRY(read_number(r, &value, 4));
    return push_number(r, (int32_t)(uint32_t)value);
}

static lam_status op_long1(lami_pickle_reader *r)
{
    uint64_t bytes, value;
    LAM_TRY(read_number(r, &bytes, 1));
    if (bytes > 8)
        return lami_pickle_damaged(r, "not a whole number of 64 bits");
    LAM_TRY(read_number(r, &value, (size_t)bytes));
    if (bytes && bytes < 8 && value >> (8 * bytes - 1))
        value |= UINT64_MAX << 8 * bytes;
    return push_number(r, (int64_t)value);
}

static lam_status op_bytes1(lami_pickle_reader *r)
{
    return push_span(r, LAMI_PICKLE_BYTES, 1);
}

static lam_status op_bytes4(lami_pickle_reader *r)
{
    return push_span(r, LAMI_PICKLE_BYTES, 4);
}

static lam_status op_bytes8(lami_pickle_reader *r)
{
    return push_span(r, LAMI_PICKLE_BYTES, 8);
}

static lam_status op_text1(lami_pickle_reader *r)
{
    return push_span(r, LAMI_PICKLE_TEXT, 1);
}

static lam_status op_text4(lami_pickle_reader *r)
{
    return push_span(r, LAMI_PICKLE_TEXT, 4);
}

static lam_status op_text8(lami_pickle_reader *r)
{
    return push_span(r, LAMI_PICKLE_TEXT, 8);
}

/* ---- instructions: lists, tuples, dictionaries ---- */

static lam_status op_mark(lami_pickle_reader *r)
{
    if (r->marks >= LAMI_PICKLE_MARKS)
        return lami_pickle_too_much(r, "nested too deeply");
    r->mark[r->marks++] = r->height;
    return LAM_OK;
}

static lam_status op_empty_list(lami_pickle_reader *r)
{
    return lami_pickle_push_type(r, LAMI_PICKLE_LIST);
}

static lam_status op_empty_tuple(lami_pickle_reader *r)
{
    return lami_pickle_push_type(r, LAMI_PICKLE_TUPLE);
}

static lam_status op_empty_dict(lami_pickle_reader *r)
{
    return lami_pickle_push_type(r, LAMI_PICKLE_DICT);
}

static lam_status op_list(lami_pickle_reader *r)
{
    size_t first;
    LAM_TRY(pop_mark(r, &first));
    return gather(r, LAMI_PICKLE_LIST, first);
}

static lam_status op_tuple(lami_pickle_reader *r)
{
    size_t first;
    LAM_TRY(pop_mark(r, &first));
    return gather(r, LAMI_PICKLE_TUPLE, first);
}

static lam_status gather_last(lami_pickle_reader *r, size_t count)
{
    LAM_TRY(lami_pickle_need(r, count));
    return gather(r, LAMI_PICKLE_TUPLE, r->height - count);
}

static lam_status op_tuple1(lami_pickle_reader *r)
{
    return gather_last(r, 1);
}

static lam_status op_tuple2(lami_pickle_reader *r)
{
    return gather_last(r, 2);
}

static lam_status op_tuple3(lami_pickle_reader *r)
{
    return gather_last(r, 3);
}

static lam_status op_dict(lami_pickle_reader *r)
{
    size_t first;
    LAM_TRY(pop_mark(r, &first));
    if ((r->height - first) % 2)
        return lami_pickle_damaged(r, "a key without a value");
    return gather(r, LAMI_PICKLE_DICT, first);
}

/* Append the entries from `first` on to the list or dictionary before them. */
static lam_status append_from(lami_pickle_reader *r, size_t first, lami_pickle_type type)
{
    const size_t base = r->marks ? r->mark[r->marks - 1] : 0;
    if (first <= base || lami_pickle_at(r, r->stack[first - 1])->type != type)
        return lami_pickle_damaged(r,
                                   type == LAMI_PICKLE_LIST ? "no list to append to" : "no dictionary to set a key in");
    if (type == LAMI_PICKLE_DICT && (r->height - first) % 2)
        return lami_pickle_damaged(r, "a key without a value");
    return move_items(r, r->stack[first - 1], first);
}

static lam_status op_append(lami_pickle_reader *r)
{
    LAM_TRY(lami_pickle_need(r, 2));
    return append_from(r, r->height - 1, LAMI_PICKLE_LIST);
}

static lam_status op_set_item(lami_pickle_reader *r)
{
    LAM_TRY(lami_pickle_need(r, 3));
    return append_from(r, r->height - 2, LAMI_PICKLE_DICT);
}

static lam_status op_appends(lami_pickle_reader *r)
{
    size_t first;
    LAM_TRY(pop_mark(r, &first));
    return append_from(r, first, LAMI_PICKLE_LIST);
}

static lam_status op_set_items(lami_pickle_reader *r)
{
    size_t first;
    LAM_TRY(pop_mark(r, &first));
    return append_from(r, first, LAMI_PICKLE_DICT);
}

/* ---- instructions: the memo ---- */

static lam_status put(lami_pickle_reader *r, uint64_t place)
{
    LAM_TRY(lami_pickle_need(r, 1));
    if (place >= ITEMS_MOST)
        return lami_pickle_too_much(r, "too many values to remember");
    LAM_TRY(lami_grow((void **)&r->memo, &r->memo_capacity, (size_t)place + 1, sizeof *r->memo));
    r->memo_count += !r->memo[place];
    r->memo[place] = r->stack[r->height - 1] + 1;
    return LAM_OK;
}

static lam_status get(lami_pickle_reader *r, uint64_t place)
{
    if (place >= r->memo_capacity || !r->memo[place])
        return lami_pickle_damaged(r, "a value that was not remembered");
    return push(r, r->memo[place] - 1);
}

static lam_status read_place(lami_pickle_reader *r, uint64_t *place)
{
    const uint8_t *at;
    size_t size;
    int64_t value = 0;
    LAM_TRY(lami_pickle_line(r, &at, &size));
    LAM_TRY(decimal(r, &value, at, size));
    *place = value < 0 ? UINT64_MAX : (uint64_t)value;
    return LAM_OK;
}

static lam_status op_put(lami_pickle_reader *r)
{
    uint64_t place;
    LAM_TRY(read_place(r, &place));
    return put(r, place);
}

static lam_status op_put1(lami_pickle_reader *r)
{
    uint64_t place;
    LAM_TRY(read_number(r, &place, 1));
    return put(r, place);
}

static lam_status op_put4(lami_pickle_reader *r)
{
    uint64_t place;
    LAM_TRY(read_number(r, &place, 4));
    return put(r, place);
}

static lam_status op_memoize(lami_pickle_reader *r)
{
    return put(r, r->memo_count);
}

static lam_status op_get(lami_pickle_reader *r)
{
    uint64_t place;
    LAM_TRY(read_place(r, &place));
    return get(r, place);
}

static lam_status op_get1(lami_pickle_reader *r)
{
    uint64_t place;
    LAM_TRY(read_number(r, &place, 1));
    return get(r, place);
}

static lam_status op_get4(lami_pickle_reader *r)
{
    uint64_t place;
    LAM_TRY(read_number(r, &place, 4));
    return get(r, place);
}

/* ---- the machine ---- */

static lam_status op_stop(lami_pickle_reader *r)
{
    LAM_TRY(lami_pickle_pop(r, &r->p->root));
    if (r->height || r->marks)
        return lami_pickle_damaged(r, "values are left over");
    r->stopped = 1;
    return LAM_OK;
}

static lam_status (*const instruction[256])(lami_pickle_reader *r) = {
    [0x80] = op_proto,
    [0x95] = op_frame,
    ['.'] = op_stop,
    ['N'] = op_none,
    [0x88] = op_true,
    [0x89] = op_false,
    ['I'] = op_int,
    ['L'] = op_long,
    ['K'] = op_int1,
    ['M'] = op_int2,
    ['J'] = op_int4,
    [0x8a] = op_long1,
    ['S'] = lami_pickle_quoted,
    ['U'] = op_bytes1,
    ['T'] = op_bytes4, /* Python 2's strings */
    ['C'] = op_bytes1,
    ['B'] = op_bytes4,
    [0x8e] = op_bytes8,
    [0x96] = op_bytes8,
    ['V'] = lami_pickle_text_line,
    [0x8c] = op_text1,
    ['X'] = op_text4,
    [0x8d] = op_text8,
    ['('] = op_mark,
    [']'] = op_empty_list,
    ['l'] = op_list,
    ['a'] = op_append,
    ['e'] = op_appends,
    [')'] = op_empty_tuple,
    ['t'] = op_tuple,
    [0x85] = op_tuple1,
    [0x86] = op_tuple2,
    [0x87] = op_tuple3,
    ['}'] = op_empty_dict,
    ['d'] = op_dict,
    ['s'] = op_set_item,
    ['u'] = op_set_items,
    ['p'] = op_put,
    ['q'] = op_put1,
    ['r'] = op_put4,
    [0x94] = op_memoize,
    ['g'] = op_get,
    ['h'] = op_get1,
    ['j'] = op_get4,
    ['c'] = lami_pickle_global,
    [0x93] = lami_pickle_stack_global,
    ['R'] = lami_pickle_reduce,
    ['b'] = lami_pickle_build,
};

static lam_status run(lami_pickle_reader *r)
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
    lami_pickle_reader *r = lami_alloc(1, sizeof *r);
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
            !lami_pickle_is(k->u.bytes.at, k->u.bytes.size, key))
            continue;
        if (*value)
            return lami_fail(LAM_EFORMAT, "%s: key %s is there twice", p->name, key);
        *value = lami_pickle_item(p, root, i + 1);
    }
    return LAM_OK;
}
