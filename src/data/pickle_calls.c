/* pickle_calls: the few functions that may stand in a batch, known by their names. None is called: what they would make
 * is made here. */

#include "../core/mem.h"
#include "pickle_machine.h"

enum { WORD_TEXT = 64 /* of a word quoted in a message */ };

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

static const char *quote(char text[WORD_TEXT], const uint8_t *at, size_t size)
{
    size_t i = 0;
    for (; i < size && i < WORD_TEXT - 1; i++)
        text[i] = (char)(at[i] > ' ' && at[i] <= '~' ? at[i] : '?');
    text[i] = 0;
    return text;
}

static lam_status push_function(lami_pickle_reader *r, const uint8_t *module, size_t module_size, const uint8_t *name,
                                size_t size)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (lami_pickle_is(module, module_size, known[i].module) && lami_pickle_is(name, size, known[i].name))
            return lami_pickle_push(r, &(lami_pickle_value) { .type = LAMI_PICKLE_FUNCTION,
                                                              .u.number = known[i].function });
    char a[WORD_TEXT], b[WORD_TEXT];
    return lami_fail(LAM_EFORMAT,
                     "%s: byte %zu: the pickle asks for %s.%s, which is not executed: a data batch has only numbers, "
                     "text and arrays of bytes",
                     r->p->name, r->at, quote(a, module, module_size), quote(b, name, size));
}

lam_status lami_pickle_global(lami_pickle_reader *r)
{
    const uint8_t *module, *name;
    size_t module_size, size;
    LAM_TRY(lami_pickle_line(r, &module, &module_size));
    LAM_TRY(lami_pickle_line(r, &name, &size));
    return push_function(r, module, module_size, name, size);
}

lam_status lami_pickle_stack_global(lami_pickle_reader *r)
{
    LAM_TRY(lami_pickle_need(r, 2));
    const lami_pickle_value *module = lami_pickle_at(r, r->stack[r->height - 2]);
    const lami_pickle_value *name = lami_pickle_at(r, r->stack[r->height - 1]);
    if (module->type != LAMI_PICKLE_TEXT || name->type != LAMI_PICKLE_TEXT)
        return lami_pickle_damaged(r, "a name that is not text");
    r->height -= 2;
    return push_function(r, module->u.bytes.at, module->u.bytes.size, name->u.bytes.at, name->u.bytes.size);
}

/* Item i of a tuple if it has that type, else NULL. */
static const lami_pickle_value *item_if(const lami_pickle_reader *r, const lami_pickle_value *tuple, size_t i,
                                        lami_pickle_type type)
{
    const lami_pickle_value *item = i < tuple->u.list.count ? lami_pickle_at(r, tuple->u.list.item[i]) : NULL;
    return item && item->type == type ? item : NULL;
}

/* encode(text, "latin1"): each character is a byte. */
static lam_status encode(lami_pickle_reader *r, const lami_pickle_value *args)
{
    const lami_pickle_value *text = item_if(r, args, 0, LAMI_PICKLE_TEXT);
    const lami_pickle_value *code = item_if(r, args, 1, LAMI_PICKLE_TEXT);
    uint8_t *out;
    size_t n = 0;
    if (!text || !code || args->u.list.count != 2 || !lami_pickle_is(code->u.bytes.at, code->u.bytes.size, "latin1"))
        return lami_pickle_damaged(r, "_codecs.encode not of a text to latin1");
    const uint8_t *at = text->u.bytes.at;
    const size_t size = text->u.bytes.size;
    LAM_TRY(lami_pickle_room(r, &out, size + 1));
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
        return lami_pickle_damaged(r, "text that is not Latin-1");
    }
    return lami_pickle_push_bytes(r, LAMI_PICKLE_BYTES, out, n, 1);
}

static lam_status make_type(lami_pickle_reader *r, const lami_pickle_value *args)
{
    char text[WORD_TEXT];
    const lami_pickle_value *name = item_if(r, args, 0, LAMI_PICKLE_TEXT);
    if (!name)
        name = item_if(r, args, 0, LAMI_PICKLE_BYTES);
    if (!name)
        return lami_pickle_damaged(r, "numpy.dtype without a name");
    if (!lami_pickle_is(name->u.bytes.at, name->u.bytes.size, "u1") &&
        !lami_pickle_is(name->u.bytes.at, name->u.bytes.size, "|u1"))
        return lami_fail(LAM_EFORMAT, "%s: byte %zu: an array of type %s; data batches have bytes (u1)", r->p->name,
                         r->at, quote(text, name->u.bytes.at, name->u.bytes.size));
    return lami_pickle_push_type(r, LAMI_PICKLE_TYPE);
}

/* Put content into an array value. */
static lam_status fill_array(const lami_pickle_reader *r, lami_pickle_value *array, const lami_pickle_value *shape,
                             const lami_pickle_value *content, int by_columns)
{
    const lami_pickle_value *rows = item_if(r, shape, 0, LAMI_PICKLE_INT);
    const lami_pickle_value *columns = item_if(r, shape, 1, LAMI_PICKLE_INT);
    if (!rows || !columns || shape->u.list.count != 2)
        return lami_pickle_damaged(r, "an array that has not two dimensions");
    const int64_t m = rows->u.number, n = columns->u.number;
    if (m < 0 || n < 0 || m > UINT32_MAX || n > UINT32_MAX || (uint64_t)m * (uint64_t)n != content->u.bytes.size)
        return lami_pickle_damaged(r, "an array with a shape that does not fit its bytes");
    array->u.array.at = content->u.bytes.at;
    array->u.array.rows = (uint32_t)m;
    array->u.array.columns = (uint32_t)n;
    array->u.array.by_columns = by_columns;
    return LAM_OK;
}

/* _frombuffer(bytes, type, shape, "C" or "F") */
static lam_status array_of_buffer(lami_pickle_reader *r, const lami_pickle_value *args)
{
    const lami_pickle_value *content = item_if(r, args, 0, LAMI_PICKLE_BYTES);
    const lami_pickle_value *type = item_if(r, args, 1, LAMI_PICKLE_TYPE);
    const lami_pickle_value *shape = item_if(r, args, 2, LAMI_PICKLE_TUPLE);
    const lami_pickle_value *order = item_if(r, args, 3, LAMI_PICKLE_TEXT);
    lami_pickle_value made = { .type = LAMI_PICKLE_ARRAY };
    if (!content || !type || !shape || !order || args->u.list.count != 4 || order->u.bytes.size != 1 ||
        (*order->u.bytes.at != 'C' && *order->u.bytes.at != 'F'))
        return lami_pickle_damaged(r, "_frombuffer with other arguments");
    LAM_TRY(fill_array(r, &made, shape, content, *order->u.bytes.at == 'F'));
    return lami_pickle_push(r, &made);
}

lam_status lami_pickle_reduce(lami_pickle_reader *r)
{
    uint32_t tuple, function;
    LAM_TRY(lami_pickle_pop(r, &tuple));
    LAM_TRY(lami_pickle_pop(r, &function));
    const lami_pickle_value *args = lami_pickle_at(r, tuple), *called = lami_pickle_at(r, function);
    if (args->type != LAMI_PICKLE_TUPLE || called->type != LAMI_PICKLE_FUNCTION)
        return lami_pickle_damaged(r, "a call of something that is not a function");
    switch (called->u.number) {
    case ENCODE:
        return encode(r, args);
    case BYTES_NEW:
        return args->u.list.count ? lami_pickle_damaged(r, "bytes of something")
                                  : lami_pickle_push_bytes(r, LAMI_PICKLE_BYTES, r->start, 0, 0);
    case TYPE_NEW:
        return make_type(r, args);
    case ARRAY_OF_BUFFER:
        return array_of_buffer(r, args);
    case ARRAY_NEW: /* (numpy.ndarray, (0,), b"b"): content comes with BUILD */
        return lami_pickle_push_type(r, LAMI_PICKLE_ARRAY);
    default:
        return lami_pickle_damaged(r, "a call of a class");
    }
}

/* The state of an array, (version, shape, type, by columns?, bytes), or of a type, where nothing in it matters to
 * bytes. */
lam_status lami_pickle_build(lami_pickle_reader *r)
{
    uint32_t state_number;
    LAM_TRY(lami_pickle_pop(r, &state_number));
    LAM_TRY(lami_pickle_need(r, 1));
    lami_pickle_value *made = lami_pickle_at(r, r->stack[r->height - 1]);
    const lami_pickle_value *state = lami_pickle_at(r, state_number);
    if (state->type != LAMI_PICKLE_TUPLE || (made->type != LAMI_PICKLE_TYPE && made->type != LAMI_PICKLE_ARRAY))
        return lami_pickle_damaged(r, "a state of something that has none");
    if (made->type == LAMI_PICKLE_TYPE)
        return LAM_OK;
    const lami_pickle_value *shape = item_if(r, state, 1, LAMI_PICKLE_TUPLE);
    const lami_pickle_value *type = item_if(r, state, 2, LAMI_PICKLE_TYPE);
    const lami_pickle_value *by_columns = item_if(r, state, 3, LAMI_PICKLE_INT);
    const lami_pickle_value *content = item_if(r, state, 4, LAMI_PICKLE_BYTES);
    if (!shape || !type || !by_columns || !content || state->u.list.count != 5 || made->u.array.at)
        return lami_pickle_damaged(r, "an array with another state");
    return fill_array(r, made, shape, content, by_columns->u.number != 0);
}
