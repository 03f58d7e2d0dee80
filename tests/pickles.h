/* pickles: data batches for tests, as Python 2 wrote them. Include after cmocka.h. */
#ifndef LAMI_TEST_PICKLES_H
#define LAMI_TEST_PICKLES_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef struct pickle_file {
    uint8_t *at;
    size_t size, room;
} pickle_file;

static inline void put(pickle_file *b, const void *data, size_t size)
{
    assert_true(size <= b->room - b->size);
    if (size)
        memcpy(b->at + b->size, data, size);
    b->size += size;
}

#define PUT(b, literal) put(b, literal, sizeof(literal) - 1)

static inline void put_le(pickle_file *b, uint64_t value, int size)
{
    for (int i = 0; i < size; i++, value >>= 8)
        put(b, &(uint8_t) { (uint8_t)value }, 1);
}

static inline void put_string(pickle_file *b, const char *text)
{
    PUT(b, "U");
    put_le(b, strlen(text), 1);
    put(b, text, strlen(text));
}

/* Key and array of rows x columns bytes, in the words that numpy had then. */
static inline void put_array(pickle_file *b, const char *key, size_t rows, size_t columns, const uint8_t *data)
{
    put_string(b, key);
    PUT(b, "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85U\1b\x87R(K\1M");
    put_le(b, rows, 2);
    PUT(b, "M");
    put_le(b, columns, 2);
    PUT(b, "\x86"
           "cnumpy\ndtype\nU\2u1K\0K\1\x87R(K\3U\1|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb\x89T");
    put_le(b, rows * columns, 4);
    put(b, data, rows * columns);
    PUT(b, "tb");
}

static inline void put_numbers(pickle_file *b, const char *key, const uint8_t *value, size_t count)
{
    put_string(b, key);
    PUT(b, "](");
    for (size_t i = 0; i < count; i++) {
        PUT(b, "K");
        put(b, value + i, 1);
    }
    PUT(b, "e");
}

static inline void put_names(pickle_file *b, const char *key, const char *const *name, size_t count)
{
    put_string(b, key);
    PUT(b, "](");
    for (size_t i = 0; i < count; i++)
        put_string(b, name[i]);
    PUT(b, "e");
}

#endif
