/* folder: a fresh folder for a test's files, and the files. Include after cmocka.h. */
#ifndef LAMI_TEST_FOLDER_H
#define LAMI_TEST_FOLDER_H

#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

enum { FOLDER_PATH = 512 };

static char folder[FOLDER_PATH];

static inline int folder_setup(void **state)
{
    (void)state;
    const char *place = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%.200s/lamina-test-XXXXXX", place && *place ? place : "/tmp");
    return mkdtemp(folder) ? 0 : -1;
}

static inline int folder_remove_one(const char *path, const struct stat *st, int kind, struct FTW *place)
{
    (void)st, (void)kind, (void)place;
    return remove(path);
}

static inline int folder_teardown(void **state)
{
    (void)state;
    return nftw(folder, folder_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* "folder/name" in one of a few buffers. */
static inline const char *in_folder(const char *name)
{
    static char paths[8][2 * FOLDER_PATH];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static inline void make_folder(const char *name)
{
    assert_int_equal(mkdir(in_folder(name), 0700), 0);
}

static inline void write_file(const char *name, const void *data, size_t size)
{
    FILE *file = fopen(in_folder(name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* gzip `data` into out; returns the size. */
static inline size_t pack(uint8_t *out, size_t room, const void *data, size_t size)
{
    z_stream z = { 0 };
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (Bytef *)(uintptr_t)data;
    z.avail_in = (uInt)size;
    z.next_out = out;
    z.avail_out = (uInt)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    const size_t packed = room - z.avail_out;
    deflateEnd(&z);
    return packed;
}

static inline void write_packed(const char *name, const void *data, size_t size)
{
    const size_t room = size + size / 100 + 100;
    uint8_t *out = malloc(room);
    assert_non_null(out);
    write_file(name, out, pack(out, room, data, size));
    free(out);
}

/* The last message names `what`. */
static inline void assert_message(const char *what)
{
    if (!strstr(lam_last_error(), what))
        print_error("no \"%s\" in \"%s\"\n", what, lam_last_error());
    assert_non_null(strstr(lam_last_error(), what));
    assert_null(strchr(lam_last_error(), '\n'));
}

#endif
