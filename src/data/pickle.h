/* pickle: the values in a file of Python's pickle format, protocols 0 to 5, as far as data batches go: dictionaries,
 * lists and tuples of whole numbers, booleans, None, bytes and text, and numpy arrays of bytes with two dimensions.
 * Nothing is executed and nothing imported: the few functions of numpy and Python that such files name are known by
 * their names, and every other name or instruction is an error that says which and where. */
#ifndef LAMI_PICKLE_H
#define LAMI_PICKLE_H

#include <stddef.h>
#include <stdint.h>

#include "../core/status.h"

typedef enum lami_pickle_type {
    LAMI_PICKLE_NONE,
    LAMI_PICKLE_INT, /* booleans, too */
    LAMI_PICKLE_BYTES,
    LAMI_PICKLE_TEXT, /* UTF-8 */
    LAMI_PICKLE_LIST,
    LAMI_PICKLE_TUPLE,
    LAMI_PICKLE_DICT, /* items: key, value, key, value ... */
    LAMI_PICKLE_ARRAY,
    LAMI_PICKLE_TYPE,    /* numpy's u1 */
    LAMI_PICKLE_FUNCTION /* one of the known names */
} lami_pickle_type;

typedef struct lami_pickle_value {
    lami_pickle_type type;
    int owned; /* the pickle frees bytes.at */
    union {
        int64_t number;
        struct {
            const uint8_t *at; /* in the file, or owned */
            size_t size;
        } bytes;
        struct {
            uint32_t *item; /* numbers of values */
            size_t count, capacity;
        } list;
        struct {
            const uint8_t *at; /* NULL: an array without content */
            uint32_t rows, columns;
            int by_columns; /* Fortran order */
        } array;
    } u;
} lami_pickle_value;

typedef struct lami_pickle lami_pickle;

/* Read a whole pickle. `data` and `name` (of the file, for messages) are borrowed and must outlive it. Values hold one
 * another by number, so that one may hold itself: whoever follows them needs a bound. Errors, naming the file and the
 * byte: LAM_EFORMAT, LAM_ENOMEM; *pickle is then NULL. */
lam_status lami_pickle_read(lami_pickle **pickle, const void *data, size_t size, const char *name);
void lami_pickle_free(lami_pickle *pickle); /* NULL is fine */

const lami_pickle_value *lami_pickle_root(const lami_pickle *pickle);

/* Item i, below its count, of a list, tuple or dictionary. */
const lami_pickle_value *lami_pickle_item(const lami_pickle *pickle, const lami_pickle_value *list, size_t i);

/* The value under `key` (bytes or text) of the dictionary that the whole pickle must be; *value NULL where there is
 * none. Errors: LAM_EFORMAT (not a dictionary, the key twice). */
lam_status lami_pickle_get(const lami_pickle_value **value, const lami_pickle *pickle, const char *key);

#endif
