/* source: files through core/file.h, streams and unpacked data into pages of the system, which take memory only
 * where they have been written. */
#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../core/mem.h"
#include "gzip.h"

enum { FIRST_BYTES = 1 << 20, TRAILER_BYTES = 4 };

static const char input_name[] = "standard input";

int lami_source_is_input(const char *path)
{
    return path[0] == '-' && !path[1];
}

void lami_source_close(lami_source *source)
{
    lami_blob_close(&source->blob);
    lami_pages_free(source->pages, source->pages_bytes);
    *source = (lami_source) { 0 };
}

/* More than this cannot be held: the machine's memory, and what the caller allows. */
static size_t most_bytes(size_t limit)
{
    const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    size_t most = SIZE_MAX / 4;
    if (pages > 0 && page > 0 && (size_t)pages < most / (size_t)page)
        most = (size_t)pages * (size_t)page;
    return limit && limit < most ? limit : most;
}

static lam_status over_limit(const lami_source *source, size_t limit)
{
    const size_t most = most_bytes(limit);
    if (limit && most == limit)
        return lami_fail(LAM_EFORMAT, "%s is larger than %zu bytes%s", source->name, limit,
                         source->packed ? " when unpacked" : "");
    return lami_fail(LAM_ENOMEM, "%s is larger than the memory of this machine%s", source->name,
                     source->packed ? " when unpacked" : "");
}

/* Room for at least one byte more than size, once there is none: twice as much, but no more than a byte over the
 * limit. */
static lam_status more_room(lami_source *source, size_t limit)
{
    const size_t most = most_bytes(limit) + 1;
    if (source->size < source->pages_bytes)
        return LAM_OK;
    if (source->size >= most)
        return over_limit(source, limit);
    size_t bytes = source->pages_bytes > most / 2 ? most : 2 * source->pages_bytes;
    if (bytes < FIRST_BYTES)
        bytes = most < FIRST_BYTES ? most : FIRST_BYTES;
    void *pages;
    LAM_TRY(lami_pages_new(&pages, bytes));
    if (source->size)
        memcpy(pages, source->pages, source->size);
    lami_pages_free(source->pages, source->pages_bytes);
    source->pages = pages;
    source->pages_bytes = bytes;
    return LAM_OK;
}

/* An open file to its end, into pages. */
static lam_status read_stream(lami_source *source, int fd, size_t limit)
{
    for (;;) {
        LAM_TRY(more_room(source, limit));
        const ssize_t n = read(fd, (char *)source->pages + source->size, source->pages_bytes - source->size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return lami_fail(LAM_EREAD, "cannot read %s: %s", source->name, strerror(errno));
        if (n == 0)
            break;
        source->size += (size_t)n;
    }
    source->data = source->pages;
    return source->size > most_bytes(limit) ? over_limit(source, limit) : LAM_OK;
}

static lam_status read_path(lami_source *source, const char *path, size_t limit)
{
    struct stat st;
    if (lami_source_is_input(path))
        return read_stream(source, STDIN_FILENO, limit);
    if (stat(path, &st))
        return lami_fail(LAM_EREAD, "cannot read %s: %s", path, strerror(errno));
    if (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)) {
        LAM_TRY(lami_blob_open(&source->blob, path, SIZE_MAX / 4));
        source->data = source->blob.data;
        source->size = source->blob.size;
        return LAM_OK;
    }
    const int fd = open(path, O_RDONLY | O_CLOEXEC); /* such as a shell's <(command) */
    if (fd < 0)
        return lami_fail(LAM_EREAD, "cannot read %s: %s", path, strerror(errno));
    const lam_status status = read_stream(source, fd, limit);
    close(fd);
    return status;
}

/* The size that the last four bytes of gzip data tell, and a byte to see the end: true for a single member below 4
 * GiB, which then is unpacked without growing. Believed only as far as deflate can pack. */
static lam_status expect_size(lami_source *source, const lami_source *packed, const lami_gzip *in, size_t limit)
{
    if (packed->size < TRAILER_BYTES)
        return LAM_OK;
    const uint8_t *last = packed->data + packed->size - TRAILER_BYTES;
    const uint64_t told =
        (uint64_t)last[0] | (uint64_t)last[1] << 8 | (uint64_t)last[2] << 16 | (uint64_t)last[3] << 24;
    if (told >= lami_gzip_most(in) || told >= most_bytes(limit))
        return LAM_OK;
    LAM_TRY(lami_pages_new(&source->pages, (size_t)told + 1));
    source->pages_bytes = (size_t)told + 1;
    return LAM_OK;
}

static lam_status unpack(lami_source *source, const lami_source *packed, size_t limit)
{
    lam_status status;
    lami_gzip *in = NULL;
    LAM_TRY_DONE(lami_gzip_open_bytes(&in, packed->name, packed->data, packed->size));
    LAM_TRY_DONE(expect_size(source, packed, in, limit));
    for (size_t got = 1; got > 0; source->size += got) {
        LAM_TRY_DONE(more_room(source, limit));
        LAM_TRY_DONE(
            lami_gzip_read_some(in, (char *)source->pages + source->size, source->pages_bytes - source->size, &got));
    }
    source->data = source->pages;
    if (source->size > most_bytes(limit))
        status = over_limit(source, limit);
done:
    lami_gzip_close(in);
    return status;
}

static lam_status open_source(lami_source *source, const char *path, size_t limit)
{
    lami_source packed = { 0 };
    LAM_TRY(read_path(source, path, limit));
    if (!source->data)
        source->data = (const uint8_t *)""; /* an empty file is not mapped */
    if (source->size < 2 || source->data[0] != 0x1f || source->data[1] != 0x8b)
        return LAM_OK;
    packed = *source;
    *source = (lami_source) { .name = packed.name, .packed = 1 };
    const lam_status status = unpack(source, &packed, limit);
    lami_source_close(&packed);
    return status;
}

lam_status lami_source_open(lami_source *source, const char *path, const lami_source *input, size_t limit)
{
    const int is_input = lami_source_is_input(path);
    *source = (lami_source) { .name = is_input ? input_name : path };
    if (is_input && input) {
        source->data = input->data;
        source->size = input->size;
        source->packed = input->packed;
        return LAM_OK;
    }
    const lam_status status = open_source(source, path, limit);
    if (status)
        lami_source_close(source);
    return status;
}
