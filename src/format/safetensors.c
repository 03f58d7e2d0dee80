/* safetensors: see safetensors.h. The JSON is jansson's; the checks are those of the reference implementation (no
 * holes, no overlaps, no bytes left over) and stricter ones: no duplicates, no unknown keys, no control characters in
 * names. */
#include "safetensors.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "../core/bytes.h"
#include "../core/mem.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "safetensors holds little-endian numbers, and this file copies them as they are"
#endif

enum { LENGTH_BYTES = 8, PAD = 8, SHOWN = 40 };

static const char metadata_key[] = "__metadata__";

static const struct dtype_name {
    const char *name;
    lam_dtype dtype;
} dtype_names[] = { { "F32", LAM_F32 }, { "F64", LAM_F64 }, { "U8", LAM_U8 }, { "I32", LAM_I32 }, { "I64", LAM_I64 } };

enum { DTYPES = sizeof dtype_names / sizeof *dtype_names };

/* One character of UTF-8 (RFC 3629): its length, or 0. */
static size_t utf8_length(const unsigned char *s)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    if (s[0] < 0x80)
        return 1;
    const size_t length = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    uint32_t code = s[0] & (0xffu >> (length + 1));
    if (s[0] < 0xc2 || s[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (s[i] & 0x3f);
    }
    return code >= least[length] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) ? length : 0;
}

/* Text that JSON can hold and, if it is a name, that fits a line. */
static int is_text(const char *text, int name)
{
    const unsigned char *s = (const unsigned char *)text;
    while (*s) {
        const size_t length = utf8_length(s);
        if (!length || (name && (*s < ' ' || *s == 0x7f)))
            return 0;
        s += length;
    }
    return 1;
}

/* ---- writing ---- */

struct lami_st_out {
    json_t *header;    /* metadata first: the object keeps the order in which keys came */
    json_t *metadata;  /* borrowed from header */
    const void **data; /* of each tensor, with its size */
    size_t *bytes;
    size_t count, data_capacity, bytes_capacity;
    size_t end; /* of the last tensor */
};

static lam_status no_memory(void)
{
    return lami_fail(LAM_ENOMEM, "out of memory for a safetensors header");
}

lam_status lami_st_out_new(lami_st_out **made)
{
    *made = NULL;
    lami_st_out *out = lami_alloc(1, sizeof *out);
    if (!out)
        return LAM_ENOMEM;
    out->header = json_object();
    if (!out->header || json_object_set_new(out->header, metadata_key, json_object())) {
        lami_st_out_free(out);
        return no_memory();
    }
    out->metadata = json_object_get(out->header, metadata_key);
    *made = out;
    return LAM_OK;
}

void lami_st_out_free(lami_st_out *out)
{
    if (!out)
        return;
    json_decref(out->header);
    lami_free(out->data);
    lami_free(out->bytes);
    lami_free(out);
}

lam_status lami_st_out_text(lami_st_out *out, const char *key, const char *value)
{
    if (!is_text(key, 1) || !is_text(value, 0))
        return lami_fail(LAM_EINVAL, "safetensors: metadata that is not UTF-8");
    if (json_object_get(out->metadata, key))
        return lami_fail(LAM_EINVAL, "safetensors: metadata \"%.64s\" is there already", key);
    return json_object_set_new(out->metadata, key, json_string(value)) ? no_memory() : LAM_OK;
}

/* {"dtype": ..., "shape": [...], "data_offsets": [...]}, NULL without memory. The _new functions take over what they
 * are given, also when they fail, and refuse NULL. */
static json_t *describe(const lam_tensor *value, const char *dtype, size_t begin, size_t end)
{
    json_t *entry = json_object(), *shape = json_array(), *offsets = json_array();
    int bad = !shape || !offsets;
    for (int i = 0; !bad && i < value->shape.rank; i++)
        bad = json_array_append_new(shape, json_integer((json_int_t)value->shape.dim[i]));
    bad = bad || json_array_append_new(offsets, json_integer((json_int_t)begin));
    bad = bad || json_array_append_new(offsets, json_integer((json_int_t)end));
    bad |= json_object_set_new(entry, "dtype", json_string(dtype));
    bad |= json_object_set_new(entry, "shape", shape);
    bad |= json_object_set_new(entry, "data_offsets", offsets);
    if (!bad)
        return entry;
    json_decref(entry);
    return NULL;
}

lam_status lami_st_out_tensor(lami_st_out *out, const char *name, const lam_tensor *value)
{
    const char *dtype = NULL;
    size_t count = 1, bytes;
    for (size_t i = 0; i < DTYPES; i++)
        if (dtype_names[i].dtype == value->dtype)
            dtype = dtype_names[i].name;
    if (!is_text(name, 1) || !dtype || !strcmp(name, metadata_key))
        return lami_fail(LAM_EINVAL, "safetensors: a tensor with an impossible name or dtype");
    if (json_object_get(out->header, name))
        return lami_fail(LAM_EINVAL, "safetensors: tensor \"%.64s\" is there already", name);
    if (out->count == LAMI_SAFETENSORS_TENSORS_MAX)
        return lami_fail(LAM_EINVAL, "safetensors: more than %d tensors", LAMI_SAFETENSORS_TENSORS_MAX);
    LAM_TRY(lami_shape_check(&count, &value->shape));
    LAM_TRY(lami_mul(&bytes, count, lami_dtype_size(value->dtype)));
    if (bytes > (size_t)INT64_MAX - out->end)
        return lami_fail(LAM_ENOMEM, "safetensors: tensors of more than 2^63 bytes");
    LAM_TRY(lami_grow((void **)&out->data, &out->data_capacity, out->count + 1, sizeof *out->data));
    LAM_TRY(lami_grow((void **)&out->bytes, &out->bytes_capacity, out->count + 1, sizeof *out->bytes));
    json_t *entry = describe(value, dtype, out->end, out->end + bytes);
    if (!entry || json_object_set_new(out->header, name, entry))
        return no_memory();
    out->data[out->count] = value->data;
    out->bytes[out->count++] = bytes;
    out->end += bytes;
    return LAM_OK;
}

lam_status lami_st_out_write(const lami_st_out *out, lami_writer *writer)
{
    lam_status status;
    uint8_t length_bytes[LENGTH_BYTES];
    const size_t length = json_dumpb(out->header, NULL, 0, JSON_COMPACT);
    const size_t padded = (length + PAD - 1) / PAD * PAD;
    if (!length)
        return no_memory();
    if (padded > LAMI_SAFETENSORS_HEADER_MAX)
        return lami_fail(LAM_EINVAL, "safetensors: a header of %zu bytes is over the limit of %d", padded,
                         LAMI_SAFETENSORS_HEADER_MAX);
    char *text = lami_alloc(padded, 1);
    if (!text)
        return LAM_ENOMEM;
    memset(text, ' ', padded);
    if (json_dumpb(out->header, text, padded, JSON_COMPACT) != length) {
        status = no_memory();
        goto done;
    }
    lami_write_u64le(length_bytes, padded);
    LAM_TRY_DONE(lami_writer_put(writer, length_bytes, LENGTH_BYTES));
    LAM_TRY_DONE(lami_writer_put(writer, text, padded));
    for (size_t i = 0; i < out->count; i++)
        LAM_TRY_DONE(lami_writer_put(writer, out->data[i], out->bytes[i]));
done:
    lami_free(text);
    return status;
}

/* ---- reading ---- */

typedef struct entry {
    const char *name; /* the header's */
    lam_dtype dtype;
    lam_shape shape;
    uint64_t begin, end; /* in the bytes after the header */
    const uint8_t *data; /* aligned: in the file, or a copy */
    void *copy;
} entry;

struct lami_st_in {
    char *path;
    lami_blob blob;
    json_t *header;
    const json_t *metadata; /* borrowed from header, or NULL */
    entry *entries;         /* in the order of the offsets */
    const entry **by_name;
    size_t count;
};

static lam_status bad_file(const lami_st_in *in, const char *what)
{
    return lami_fail(LAM_EFORMAT, "%s: not a safetensors file, or damaged: %s", in->path, what);
}

static lam_status bad_tensor(const lami_st_in *in, const entry *e, const char *what)
{
    return lami_fail(LAM_EFORMAT, "%s: tensor \"%.64s\": %s", in->path, e->name, what);
}

/* jansson quotes the text near a mistake: keep it on the line. */
static lam_status bad_json(const lami_st_in *in, const json_error_t *error)
{
    char text[JSON_ERROR_TEXT_LENGTH];
    size_t n = 0;
    for (; n + 1 < sizeof text && error->text[n]; n++)
        text[n] = error->text[n] >= ' ' && error->text[n] != 0x7f ? error->text[n] : '?';
    text[n] = 0;
    return lami_fail(LAM_EFORMAT, "%s: not a safetensors file, or damaged: header, byte %d: %s", in->path,
                     error->position, text);
}

static lam_status parse_header(lami_st_in *in, size_t *header_bytes)
{
    json_error_t error;
    lami_bytes bytes = lami_bytes_make(in->blob.data, in->blob.size);
    const uint64_t length = lami_read_u64le(&bytes);
    if (bytes.bad)
        return bad_file(in, "shorter than 8 bytes");
    if (length > LAMI_SAFETENSORS_HEADER_MAX)
        return bad_file(in, "header length over the limit");
    const uint8_t *text = lami_read_span(&bytes, (size_t)length);
    if (!text)
        return bad_file(in, "cut off: header longer than the file");
    if (!length || text[0] != '{')
        return bad_file(in, "the header does not begin with {");
    in->header = json_loadb((const char *)text, (size_t)length, JSON_REJECT_DUPLICATES, &error);
    if (!in->header && json_error_code(&error) == json_error_out_of_memory)
        return no_memory();
    if (!in->header)
        return bad_json(in, &error);
    /* jansson 2.14 drops characters in silence when its buffer for a word cannot grow; not twice in the same place */
    json_t *again = json_loadb((const char *)text, (size_t)length, JSON_REJECT_DUPLICATES, &error);
    const int same = json_equal(in->header, again);
    json_decref(again);
    if (!same)
        return no_memory();
    *header_bytes = LENGTH_BYTES + (size_t)length;
    return LAM_OK;
}

static lam_status check_metadata(lami_st_in *in)
{
    const char *key;
    json_t *value;
    json_t *metadata = json_object_get(in->header, metadata_key);
    if (metadata && !json_is_object(metadata))
        return bad_file(in, "__metadata__ is not an object");
    json_object_foreach(metadata, key,
                        value) if (!json_is_string(value)) return bad_file(in, "a value in __metadata__ is not text");
    in->metadata = metadata;
    return LAM_OK;
}

/* A whole number from 0 that fits size_t. */
static int get_size(uint64_t *size, const json_t *value)
{
    const json_int_t number = json_integer_value(value); /* 0 for what is not an integer */
    *size = (uint64_t)number;
    return json_is_integer(value) && number >= 0 && (uint64_t)number <= SIZE_MAX;
}

static lam_status parse_dtype(const lami_st_in *in, entry *e, const json_t *value)
{
    for (size_t i = 0; i < DTYPES; i++) {
        if (json_is_string(value) && !strcmp(json_string_value(value), dtype_names[i].name)) {
            e->dtype = dtype_names[i].dtype;
            return LAM_OK;
        }
    }
    return bad_tensor(in, e, "dtype is none of F32, F64, U8, I32, I64");
}

/* Also the bytes that it takes. Sizes of 0 are fine: the format allows empty tensors. */
static lam_status parse_shape(const lami_st_in *in, entry *e, const json_t *value, uint64_t *bytes)
{
    if (!json_is_array(value) || json_array_size(value) > LAM_MAX_RANK)
        return bad_tensor(in, e, "shape is not a list of at most 8 sizes");
    e->shape.rank = (int)json_array_size(value);
    *bytes = lami_dtype_size(e->dtype);
    for (int i = 0; i < e->shape.rank; i++) {
        uint64_t size;
        if (!get_size(&size, json_array_get(value, (size_t)i)))
            return bad_tensor(in, e, "a size in its shape is not a whole number");
        if (size && *bytes > in->blob.size / size)
            return bad_tensor(in, e, "its shape is larger than the file");
        e->shape.dim[i] = (size_t)size;
        *bytes *= size;
    }
    return LAM_OK;
}

static lam_status parse_entry(const lami_st_in *in, entry *e, const json_t *value)
{
    uint64_t bytes = 0;
    const json_t *dtype = json_object_get(value, "dtype");
    const json_t *shape = json_object_get(value, "shape");
    const json_t *offsets = json_object_get(value, "data_offsets");
    if (!is_text(e->name, 1))
        return bad_file(in, "a tensor's name has control characters");
    if (!dtype || !shape || !offsets || json_object_size(value) != 3)
        return bad_tensor(in, e, "not an object with dtype, shape and data_offsets");
    LAM_TRY(parse_dtype(in, e, dtype));
    LAM_TRY(parse_shape(in, e, shape, &bytes));
    if (json_array_size(offsets) != 2 || !get_size(&e->begin, json_array_get(offsets, 0)) ||
        !get_size(&e->end, json_array_get(offsets, 1)))
        return bad_tensor(in, e, "data_offsets is not a pair of whole numbers");
    if (e->end < e->begin || e->end - e->begin != bytes)
        return bad_tensor(in, e, "data_offsets do not fit its dtype and shape");
    return LAM_OK;
}

static int by_offset(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    if (x->end != y->end)
        return x->end < y->end ? -1 : 1;
    return strcmp(x->name, y->name);
}

static int by_name(const void *a, const void *b)
{
    const entry *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

static lam_status parse_entries(lami_st_in *in)
{
    const char *key;
    json_t *value;
    const size_t count = json_object_size(in->header) - (in->metadata != NULL);
    if (count > LAMI_SAFETENSORS_TENSORS_MAX)
        return bad_file(in, "too many tensors");
    in->entries = lami_alloc(count, sizeof *in->entries);
    in->by_name = lami_alloc(count, sizeof *in->by_name);
    if (!in->entries || !in->by_name)
        return LAM_ENOMEM;
    json_object_foreach(in->header, key, value)
    {
        if (value == in->metadata)
            continue;
        entry *e = &in->entries[in->count++];
        e->name = key;
        LAM_TRY(parse_entry(in, e, value));
    }
    qsort(in->entries, count, sizeof *in->entries, by_offset);
    for (size_t i = 0; i < count; i++)
        in->by_name[i] = &in->entries[i];
    qsort(in->by_name, count, sizeof *in->by_name, by_name);
    return LAM_OK;
}

/* The tensors fill the rest of the file without holes; those that are not aligned in it are copied. */
static lam_status place(lami_st_in *in, size_t header_bytes)
{
    const uint8_t *data = in->blob.data + header_bytes;
    const uint64_t size = in->blob.size - header_bytes;
    uint64_t end = 0;
    for (size_t i = 0; i < in->count; i++) {
        entry *e = &in->entries[i];
        if (e->begin != end)
            return bad_tensor(in, e,
                              e->begin < end ? "overlaps the one before it" : "bytes before it belong to no tensor");
        if (e->end > size)
            return bad_tensor(in, e, "cut off: it ends after the end of the file");
        end = e->end;
    }
    if (end != size)
        return bad_file(in, "bytes after the last tensor");
    for (size_t i = 0; i < in->count; i++) {
        entry *e = &in->entries[i];
        const size_t bytes = (size_t)(e->end - e->begin);
        e->data = data + e->begin;
        if ((uintptr_t)e->data % lami_dtype_size(e->dtype) == 0)
            continue;
        e->copy = lami_alloc(bytes, 1);
        if (!e->copy)
            return LAM_ENOMEM;
        memcpy(e->copy, e->data, bytes);
        e->data = e->copy;
    }
    return LAM_OK;
}

lam_status lami_st_in_open(lami_st_in **opened, const char *path)
{
    lam_status status = LAM_ENOMEM;
    size_t header_bytes;
    *opened = NULL;
    lami_st_in *in = lami_alloc(1, sizeof *in);
    if (!in)
        return LAM_ENOMEM;
    in->path = lami_strdup(path);
    if (!in->path)
        goto done;
    LAM_TRY_DONE(lami_blob_open(&in->blob, path, SIZE_MAX));
    LAM_TRY_DONE(parse_header(in, &header_bytes));
    LAM_TRY_DONE(check_metadata(in));
    LAM_TRY_DONE(parse_entries(in));
    LAM_TRY_DONE(place(in, header_bytes));
    *opened = in;
    in = NULL;
done:
    lami_st_in_close(in);
    return status;
}

void lami_st_in_close(lami_st_in *in)
{
    if (!in)
        return;
    for (size_t i = 0; i < in->count; i++)
        lami_free(in->entries[i].copy);
    lami_free(in->entries);
    lami_free(in->by_name);
    json_decref(in->header);
    lami_blob_close(&in->blob);
    lami_free(in->path);
    lami_free(in);
}

const char *lami_st_in_text(const lami_st_in *in, const char *key)
{
    return json_string_value(json_object_get(in->metadata, key));
}

size_t lami_st_in_count(const lami_st_in *in)
{
    return in->count;
}

const char *lami_st_in_name(const lami_st_in *in, size_t index)
{
    return index < in->count ? in->entries[index].name : NULL;
}

static const entry *find(const lami_st_in *in, const char *name)
{
    const entry wanted = { .name = name }, *key = &wanted;
    const entry *const *found = bsearch(&key, in->by_name, in->count, sizeof *in->by_name, by_name);
    return found ? *found : NULL;
}

lam_status lami_st_in_tensor(lam_tensor *view, const lami_st_in *in, const char *name)
{
    const entry *e = find(in, name);
    if (!e)
        return lami_fail(LAM_EFORMAT, "%s: no tensor \"%.64s\" in it", in->path, name);
    /* read-only by contract: lam_tensor has no const form */
    *view = (lam_tensor) { .dtype = e->dtype, .shape = e->shape, .data = (void *)(uintptr_t)e->data };
    return LAM_OK;
}

int lami_st_in_has(const lami_st_in *in, const char *name)
{
    return find(in, name) != NULL;
}
