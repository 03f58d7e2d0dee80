/* array_files: npy and zip files for tests, byte by byte. Include after cmocka.h and folder.h. */
#ifndef LAMI_TEST_ARRAY_FILES_H
#define LAMI_TEST_ARRAY_FILES_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <zlib.h>

enum { ARRAY_FILE_BYTES = 1 << 16 };

typedef struct array_file {
    uint8_t at[ARRAY_FILE_BYTES];
    size_t size;
} array_file;

static inline void file_put(array_file *f, const void *data, size_t size)
{
    assert_true(size <= ARRAY_FILE_BYTES - f->size);
    if (size)
        memcpy(f->at + f->size, data, size);
    f->size += size;
}

static inline void file_put_le(array_file *f, uint64_t value, int size)
{
    for (int i = 0; i < size; i++, value >>= 8)
        file_put(f, &(uint8_t) { (uint8_t)value }, 1);
}

/* An array with this very header, then the elements. */
static inline const array_file *npy_with(int version, const char *header, const void *data, size_t size)
{
    static array_file f;
    f.size = 0;
    file_put(&f, "\x93NUMPY", 6);
    file_put_le(&f, (uint64_t)version, 2);
    file_put_le(&f, strlen(header), version == 1 ? 2 : 4);
    file_put(&f, header, strlen(header));
    file_put(&f, data, size);
    return &f;
}

/* As numpy.save writes it: `type` such as "<f4", `shape` such as "(2, 3)". */
static inline const array_file *npy_of(const char *type, const char *shape, const void *data, size_t size)
{
    char header[256];
    snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': False, 'shape': %s, }  \n", type, shape);
    return npy_with(1, header, data, size);
}

static inline void write_npy(const char *name, const char *type, const char *shape, const void *data, size_t size)
{
    const array_file *f = npy_of(type, shape, data, size);
    write_file(name, f->at, f->size);
}

/* ---- zip ---- */

typedef struct zip_file {
    array_file body, directory;
    unsigned count;
    int zip64; /* write sizes the long way */
} zip_file;

static inline void zip_start(zip_file *z)
{
    z->body.size = z->directory.size = 0;
    z->count = 0;
    z->zip64 = 0;
}

static inline size_t deflate_raw(uint8_t *out, size_t room, const void *data, size_t size)
{
    z_stream z = { 0 };
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (Bytef *)(uintptr_t)data;
    z.avail_in = (uInt)size;
    z.next_out = out;
    z.avail_out = (uInt)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    const size_t packed = room - z.avail_out;
    deflateEnd(&z);
    return packed;
}

/* Append a member; returns the place of its entry in the directory, so that a test can damage it. */
static inline uint8_t *zip_add(zip_file *z, const char *name, const void *data, size_t size, int deflated)
{
    static uint8_t packed[ARRAY_FILE_BYTES];
    const size_t at = z->body.size, entry = z->directory.size, length = strlen(name);
    const size_t packed_size = deflated ? deflate_raw(packed, sizeof packed, data, size) : size;
    const uint32_t crc = (uint32_t)crc32_z(0, data, size);
    const uint64_t long_form = 0xffffffff;
    for (int in_directory = 0; in_directory < 2; in_directory++) {
        array_file *f = in_directory ? &z->directory : &z->body;
        file_put(f, in_directory ? "PK\1\2" : "PK\3\4", 4);
        file_put_le(f, 20, 2);
        if (in_directory)
            file_put_le(f, 20, 2);
        file_put_le(f, 0, 2);
        file_put_le(f, deflated ? 8 : 0, 2);
        file_put_le(f, 0, 4);
        file_put_le(f, crc, 4);
        file_put_le(f, z->zip64 ? long_form : packed_size, 4);
        file_put_le(f, z->zip64 ? long_form : size, 4);
        file_put_le(f, length, 2);
        file_put_le(f, !z->zip64 ? 0 : in_directory ? 28 : 20, 2);
        if (in_directory) {
            file_put_le(f, 0, 2 + 2 + 2 + 4);
            file_put_le(f, z->zip64 ? long_form : at, 4);
        }
        file_put(f, name, length);
        if (!z->zip64)
            continue;
        file_put_le(f, 1, 2);
        file_put_le(f, in_directory ? 24 : 16, 2);
        file_put_le(f, size, 8);
        file_put_le(f, packed_size, 8);
        if (in_directory)
            file_put_le(f, at, 8);
    }
    file_put(&z->body, deflated ? packed : data, packed_size);
    z->count++;
    return z->directory.at + entry;
}

/* The whole archive. */
static inline const array_file *zip_end(zip_file *z)
{
    static array_file f;
    f.size = 0;
    file_put(&f, z->body.at, z->body.size);
    file_put(&f, z->directory.at, z->directory.size);
    if (z->zip64) {
        file_put(&f, "PK\6\6", 4);
        file_put_le(&f, 44, 8);
        file_put_le(&f, 45, 2);
        file_put_le(&f, 45, 2);
        file_put_le(&f, 0, 8);
        file_put_le(&f, z->count, 8);
        file_put_le(&f, z->count, 8);
        file_put_le(&f, z->directory.size, 8);
        file_put_le(&f, z->body.size, 8);
        file_put(&f, "PK\6\7", 4);
        file_put_le(&f, 0, 4);
        file_put_le(&f, z->body.size + z->directory.size, 8);
        file_put_le(&f, 1, 4);
    }
    file_put(&f, "PK\5\6", 4);
    file_put_le(&f, 0, 4);
    file_put_le(&f, z->zip64 ? 0xffff : z->count, 2);
    file_put_le(&f, z->zip64 ? 0xffff : z->count, 2);
    file_put_le(&f, z->zip64 ? 0xffffffff : z->directory.size, 4);
    file_put_le(&f, z->zip64 ? 0xffffffff : z->body.size, 4);
    file_put_le(&f, 0, 2);
    return &f;
}

static inline void zip_add_npy(zip_file *z, const char *name, const char *type, const char *shape, const void *data,
                               size_t size)
{
    const array_file *f = npy_of(type, shape, data, size);
    zip_add(z, name, f->at, f->size, z->count % 2 == 0);
}

#endif
