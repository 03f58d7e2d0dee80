/* npy: "\x93NUMPY", version, length of the header, the header (a dictionary as Python prints it), the elements. */
#include "npy.h"

#include <math.h>
#include <string.h>

#include "../core/bytes.h"
#include "../core/mem.h"

enum { HEADER_MOST = 1 << 16 };
enum { DESCR, FORTRAN, SHAPE, KEYS };

static const uint8_t magic[LAMI_NPY_MAGIC] = { 0x93, 'N', 'U', 'M', 'P', 'Y' };
static const char *const key_name[KEYS] = { "descr", "fortran_order", "shape" };

/* ---- the header's text ---- */

typedef struct header {
    lami_npy *array;
    const char *name;
    const uint8_t *start;
    lami_bytes text;
    int seen[KEYS];
} header;

static lam_status wrong(const header *h, const char *what)
{
    return lami_fail(LAM_EFORMAT, "%s: byte %zu: %s", h->name, (size_t)(h->text.at - h->start), what);
}

/* The next character, 0 at the end. */
static int peek(const header *h)
{
    return lami_bytes_left(&h->text) ? *h->text.at : 0;
}

static int is_blank(int c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* Skip blanks, then take `c` if it is next. */
static int take(header *h, int c)
{
    while (is_blank(peek(h)))
        h->text.at++;
    if (!c || peek(h) != c)
        return 0;
    h->text.at++;
    return 1;
}

/* A string between quotes, without escapes. */
static lam_status read_string(header *h, const uint8_t **at, size_t *size)
{
    const int quote = take(h, '\'') ? '\'' : take(h, '"') ? '"' : 0;
    if (!quote)
        return wrong(h, "the header of the array has no string where it needs one");
    *at = h->text.at;
    while (peek(h) && peek(h) != quote)
        h->text.at++;
    *size = (size_t)(h->text.at - *at);
    return take(h, quote) ? LAM_OK : wrong(h, "a string in the header of the array has no end");
}

static lam_status read_shape(header *h)
{
    lam_shape *shape = &h->array->shape;
    *shape = (lam_shape) { 0 };
    if (!take(h, '('))
        return wrong(h, "the shape in the header of the array is no tuple");
    while (!take(h, ')')) {
        size_t size = 0;
        const uint8_t *const first = h->text.at;
        for (; peek(h) >= '0' && peek(h) <= '9'; h->text.at++) {
            const size_t digit = (size_t)(peek(h) - '0');
            if (size > (SIZE_MAX - digit) / 10)
                return wrong(h, "the array has an impossible shape");
            size = 10 * size + digit;
        }
        if (h->text.at == first)
            return wrong(h, "the shape in the header of the array is no tuple of whole numbers");
        if (shape->rank == LAM_MAX_RANK)
            return wrong(h, "the array has too many dimensions");
        shape->dim[shape->rank++] = size;
        if (peek(h) == 'L') /* Python 2's long integers */
            h->text.at++;
        if (!take(h, ',') && peek(h) != ')')
            return wrong(h, "the shape in the header of the array is no tuple");
    }
    return LAM_OK;
}

static lam_status read_bool(header *h, int *value)
{
    take(h, 0);
    *value = peek(h) == 'T';
    const char *word = *value ? "True" : "False";
    const uint8_t *at = lami_read_span(&h->text, strlen(word));
    if (at && !memcmp(at, word, strlen(word)))
        return LAM_OK;
    h->text.bad = 0;
    return wrong(h, "fortran_order in the header of the array is neither True nor False");
}

static lam_status read_type(header *h)
{
    lami_npy *a = h->array;
    const uint8_t *at;
    size_t size;
    take(h, 0);
    if (peek(h) == '[')
        return wrong(h, "an array of records; arrays of numbers are read");
    LAM_TRY(read_string(h, &at, &size));
    for (size_t i = 0; i < size && i < LAMI_NPY_TYPE - 1; i++)
        a->type[i] = (char)(at[i] > ' ' && at[i] <= '~' ? at[i] : '?');
    const char order = a->type[0];
    a->kind = a->type[1];
    a->bytes = size == 3 ? a->type[2] - '0' : 0;
    a->swapped = a->bytes > 1 && order == (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? '>' : '<');
    if (size > 1 && a->kind == 'O')
        return wrong(h, "an array of Python objects, which are not read; store numbers");
    const int known = a->bytes == 1 ? a->kind == 'b' || a->kind == 'u' || a->kind == 'i'
                      : a->bytes == 2
                          ? a->kind == 'u' || a->kind == 'i' || a->kind == 'f'
                          : (a->bytes == 4 || a->bytes == 8) && (a->kind == 'u' || a->kind == 'i' || a->kind == 'f');
    if (!known || !(order == '<' || order == '>' || (order == '|' && a->bytes == 1)))
        return lami_fail(LAM_EFORMAT, "%s: elements of type %s; b1, u1 to u8, i1 to i8 and f2 to f8 are read", h->name,
                         a->type);
    return LAM_OK;
}

static lam_status read_entry(header *h)
{
    const uint8_t *at;
    size_t size;
    int key = 0;
    LAM_TRY(read_string(h, &at, &size));
    while (key < KEYS && (strlen(key_name[key]) != size || memcmp(key_name[key], at, size)))
        key++;
    if (key == KEYS || h->seen[key]++)
        return wrong(h, key == KEYS ? "an unknown key in the header of the array"
                                    : "a key is twice in the header of the array");
    if (!take(h, ':'))
        return wrong(h, "no colon after a key in the header of the array");
    return key == DESCR ? read_type(h) : key == SHAPE ? read_shape(h) : read_bool(h, &h->array->by_columns);
}

static lam_status read_header(header *h)
{
    if (!take(h, '{'))
        return wrong(h, "the header of the array is no dictionary");
    while (!take(h, '}')) {
        LAM_TRY(read_entry(h));
        if (!take(h, ',') && peek(h) != '}')
            return wrong(h, "no comma after a value in the header of the array");
    }
    take(h, 0);
    if (lami_bytes_left(&h->text))
        return wrong(h, "other text follows the header of the array");
    for (int key = 0; key < KEYS; key++)
        if (!h->seen[key])
            return lami_fail(LAM_EFORMAT, "%s: no %s in the header of the array", h->name, key_name[key]);
    return LAM_OK;
}

/* ---- the file ---- */

int lami_npy_looks_like(const void *data, size_t size)
{
    return size >= LAMI_NPY_MAGIC && !memcmp(data, magic, LAMI_NPY_MAGIC);
}

lam_status lami_npy_read(lami_npy *array, const void *data, size_t size, const char *name)
{
    char text[LAMI_SHAPE_TEXT];
    *array = (lami_npy) { 0 };
    lami_bytes in = lami_bytes_make(data, size);
    if (!lami_npy_looks_like(data, size))
        return lami_fail(LAM_EFORMAT, "%s: not an npy file: it does not begin with \\x93NUMPY", name);
    lami_read_span(&in, LAMI_NPY_MAGIC);
    const int version = lami_read_u8(&in);
    const int minor = lami_read_u8(&in);
    if (!in.bad && (version < 1 || version > 3 || minor))
        return lami_fail(LAM_EFORMAT, "%s: npy version %d.%d; 1.0 to 3.0 are read", name, version, minor);
    size_t length = 0;
    for (int i = 0; i < (version == 1 ? 2 : 4); i++)
        length |= (size_t)lami_read_u8(&in) << 8 * i;
    if (!in.bad && length > HEADER_MOST)
        return lami_fail(LAM_EFORMAT, "%s: a header of %zu bytes; at most %d are read", name, length, HEADER_MOST);
    const uint8_t *start = lami_read_span(&in, length);
    if (in.bad)
        return lami_fail(LAM_EFORMAT, "%s: cut off in the header of the array", name);
    header h = { .array = array, .name = name, .start = data, .text = lami_bytes_make(start, length) };
    LAM_TRY(read_header(&h));
    size_t bytes;
    if (lami_shape_check(&array->count, &array->shape) || lami_mul(&bytes, array->count, (size_t)array->bytes))
        return lami_fail(LAM_EFORMAT, "%s: an impossible shape, or no elements: %s", name,
                         lami_shape_text(text, &array->shape));
    if (bytes != lami_bytes_left(&in))
        return lami_fail(LAM_EFORMAT, "%s: %s elements of %d bytes by the header, but %zu bytes follow", name,
                         lami_shape_text(text, &array->shape), array->bytes, lami_bytes_left(&in));
    array->data = in.at;
    return LAM_OK;
}

/* ---- elements ---- */

static uint16_t load16(const uint8_t *p, int swapped)
{
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return swapped ? __builtin_bswap16(v) : v;
}

static uint32_t load32(const uint8_t *p, int swapped)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return swapped ? __builtin_bswap32(v) : v;
}

static uint64_t load64(const uint8_t *p, int swapped)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return swapped ? __builtin_bswap64(v) : v;
}

/* IEEE 754 binary16: sign, 5 bits of exponent, 10 of fraction. */
static double half(uint16_t bits)
{
    const int exponent = bits >> 10 & 31, fraction = bits & 1023;
    const double size = exponent == 31 ? (fraction ? NAN : INFINITY)
                        : exponent     ? ldexp(1024 + fraction, exponent - 25)
                                       : ldexp(fraction, -24);
    return bits >> 15 ? -size : size;
}

static double single(uint32_t bits)
{
    float v;
    memcpy(&v, &bits, sizeof v);
    return (double)v;
}

static double whole(uint64_t bits)
{
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

void lami_npy_get(double *out, const lami_npy *array, size_t first, size_t n)
{
    const uint8_t *p = array->data + first * (size_t)array->bytes;
    const int swapped = array->swapped;
#define EACH_ELEMENT(size, value)               \
    for (size_t i = 0; i < n; i++, p += (size)) \
        out[i] = (double)(value);               \
    break
    switch (array->kind << 8 | array->bytes) {
    case 'b' << 8 | 1:
        EACH_ELEMENT(1, *p != 0);
    case 'u' << 8 | 1:
        EACH_ELEMENT(1, *p);
    case 'i' << 8 | 1:
        EACH_ELEMENT(1, (int8_t)*p);
    case 'u' << 8 | 2:
        EACH_ELEMENT(2, load16(p, swapped));
    case 'i' << 8 | 2:
        EACH_ELEMENT(2, (int16_t)load16(p, swapped));
    case 'f' << 8 | 2:
        EACH_ELEMENT(2, half(load16(p, swapped)));
    case 'u' << 8 | 4:
        EACH_ELEMENT(4, load32(p, swapped));
    case 'i' << 8 | 4:
        EACH_ELEMENT(4, (int32_t)load32(p, swapped));
    case 'f' << 8 | 4:
        EACH_ELEMENT(4, single(load32(p, swapped)));
    case 'u' << 8 | 8:
        EACH_ELEMENT(8, load64(p, swapped));
    case 'i' << 8 | 8:
        EACH_ELEMENT(8, (int64_t)load64(p, swapped));
    default: /* f8: others have been refused */
        EACH_ELEMENT(8, whole(load64(p, swapped)));
    }
#undef EACH_ELEMENT
}
