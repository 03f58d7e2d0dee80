/* gzip: zlib's inflate with its own checks of header, CRC and length; zlib's memory comes from lami_alloc. */
#include "gzip.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

#include "../core/mem.h"

enum {
    IN_BYTES = 1 << 16,
    SKIP_BYTES = 1 << 13,
    INFLATE_MOST = 1 << 30, /* per call: zlib counts in unsigned int */
    DEFLATE_RATIO = 1032,   /* deflate's best: a match of 258 bytes in 2 bits */
    GZIP_ONLY = 16          /* for inflateInit2: gzip headers, not zlib's */
};

struct lami_gzip {
    char *path;
    int fd;               /* -1: memory */
    const uint8_t *bytes; /* of memory, those not yet given to z */
    size_t bytes_left;
    int packed, ended;
    int unpacking;    /* z needs inflateEnd */
    int later_member; /* a member has ended before this one */
    uint64_t file_size, at, member_at;
    z_stream z; /* next_in and avail_in serve plain files, too */
    uint8_t in[IN_BYTES];
};

void *lami_zlib_alloc(void *arg, unsigned count, unsigned size)
{
    (void)arg;
    return lami_alloc(count, size);
}

void lami_zlib_free(void *arg, void *p)
{
    (void)arg;
    lami_free(p);
}

static lam_status cannot_read(const char *path, int error)
{
    return lami_fail(LAM_EREAD, "cannot read %s: %s", path, strerror(error));
}

/* read() until size bytes or the end. */
static lam_status read_file(lami_gzip *in, void *out, size_t size, size_t *got)
{
    *got = 0;
    while (*got < size) {
        const ssize_t n = read(in->fd, (char *)out + *got, size - *got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return cannot_read(in->path, errno);
        if (n == 0)
            break;
        *got += (size_t)n;
    }
    return LAM_OK;
}

static void refill_from_memory(lami_gzip *in)
{
    const size_t size = in->bytes_left < INFLATE_MOST ? in->bytes_left : INFLATE_MOST;
    in->z.next_in = (Bytef *)(uintptr_t)in->bytes;
    in->z.avail_in = (uInt)size;
    in->bytes += size;
    in->bytes_left -= size;
}

static lam_status refill(lami_gzip *in)
{
    size_t got;
    if (in->fd < 0) {
        refill_from_memory(in);
        return LAM_OK;
    }
    LAM_TRY(read_file(in, in->in, IN_BYTES, &got));
    in->z.next_in = in->in;
    in->z.avail_in = (uInt)got;
    return LAM_OK;
}

/* The first bytes tell whether the stream is packed. */
static lam_status start(lami_gzip *in)
{
    LAM_TRY(refill(in));
    in->packed = in->z.avail_in >= 2 && in->z.next_in[0] == 0x1f && in->z.next_in[1] == 0x8b;
    if (!in->packed)
        return LAM_OK;
    if (inflateInit2(&in->z, MAX_WBITS + GZIP_ONLY) != Z_OK)
        return lami_fail(LAM_ENOMEM, "out of memory while unpacking %s", in->path);
    in->unpacking = 1;
    return LAM_OK;
}

static lam_status open_file(lami_gzip *in)
{
    /* O_NONBLOCK: a pipe without a writer would block for ever */
    in->fd = open(in->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    if (in->fd < 0 || fstat(in->fd, &st))
        return cannot_read(in->path, errno);
    if (S_ISDIR(st.st_mode))
        return cannot_read(in->path, EISDIR);
    if (!S_ISREG(st.st_mode))
        return lami_fail(LAM_EREAD, "cannot read %s: not a regular file", in->path);
    in->file_size = (uint64_t)st.st_size;
    return start(in);
}

/* A zeroed stream without a source yet. */
static lam_status new_stream(lami_gzip **in, const char *path)
{
    *in = lami_alloc(1, sizeof **in);
    if (!*in)
        return LAM_ENOMEM;
    (*in)->fd = -1;
    (*in)->z.zalloc = lami_zlib_alloc;
    (*in)->z.zfree = lami_zlib_free;
    (*in)->path = lami_strdup(path);
    return (*in)->path ? LAM_OK : LAM_ENOMEM;
}

lam_status lami_gzip_open(lami_gzip **out, const char *path)
{
    lam_status status = new_stream(out, path);
    if (!status)
        status = open_file(*out);
    if (status) {
        lami_gzip_close(*out);
        *out = NULL;
    }
    return status;
}

lam_status lami_gzip_open_bytes(lami_gzip **out, const char *name, const void *data, size_t size)
{
    lam_status status = new_stream(out, name);
    if (!status) {
        (*out)->bytes = data;
        (*out)->bytes_left = (*out)->file_size = size;
        status = start(*out);
    }
    if (status) {
        lami_gzip_close(*out);
        *out = NULL;
    }
    return status;
}

void lami_gzip_close(lami_gzip *in)
{
    if (!in)
        return;
    if (in->unpacking)
        inflateEnd(&in->z);
    if (in->fd >= 0)
        close(in->fd);
    lami_free(in->path);
    lami_free(in);
}

/* From what z holds, up to size bytes. */
static size_t take_held(lami_gzip *in, uint8_t *out, size_t size)
{
    const size_t held = size < in->z.avail_in ? size : in->z.avail_in;
    if (held)
        memcpy(out, in->z.next_in, held);
    in->z.next_in += held;
    in->z.avail_in -= (uInt)held;
    return held;
}

static lam_status read_plain(lami_gzip *in, uint8_t *out, size_t size, size_t *got)
{
    *got = take_held(in, out, size);
    if (size - *got >= IN_BYTES && in->fd >= 0) {
        size_t direct = 0;
        LAM_TRY(read_file(in, out + *got, size - *got, &direct));
        *got += direct;
        return LAM_OK;
    }
    while (*got < size) {
        LAM_TRY(refill(in));
        if (!in->z.avail_in)
            break;
        *got += take_held(in, out + *got, size - *got);
    }
    return LAM_OK;
}

static lam_status damaged(const lami_gzip *in)
{
    if (in->later_member && in->at == in->member_at)
        return lami_fail(LAM_EFORMAT, "%s: other bytes follow the gzip data", in->path);
    return lami_fail(LAM_EFORMAT, "%s: damaged gzip data after %" PRIu64 " unpacked bytes (%s)", in->path, in->at,
                     in->z.msg ? in->z.msg : "needs a dictionary");
}

/* A member has ended: the stream, too, or another member follows. */
static lam_status next_member(lami_gzip *in)
{
    if (!in->z.avail_in)
        LAM_TRY(refill(in));
    if (!in->z.avail_in) {
        in->ended = 1;
        return LAM_OK;
    }
    in->later_member = 1;
    in->member_at = in->at;
    return inflateReset(&in->z) == Z_OK ? LAM_OK : damaged(in);
}

/* One call of inflate, for at most `size` bytes. */
static lam_status unpack(lami_gzip *in, uint8_t *out, size_t size, size_t *got)
{
    *got = 0;
    if (!in->z.avail_in)
        LAM_TRY(refill(in));
    if (!in->z.avail_in)
        return lami_fail(LAM_EFORMAT, "%s: cut off: the gzip data ends early, after %" PRIu64 " unpacked bytes",
                         in->path, in->at);
    const uInt room = size < INFLATE_MOST ? (uInt)size : INFLATE_MOST;
    in->z.next_out = out;
    in->z.avail_out = room;
    const int result = inflate(&in->z, Z_NO_FLUSH);
    *got = room - in->z.avail_out;
    in->at += *got;
    if (result == Z_STREAM_END)
        return next_member(in);
    if (result == Z_MEM_ERROR)
        return lami_fail(LAM_ENOMEM, "out of memory while unpacking %s", in->path);
    return result == Z_OK ? LAM_OK : damaged(in);
}

lam_status lami_gzip_read_some(lami_gzip *in, void *out, size_t size, size_t *got)
{
    *got = 0;
    if (!in->packed) {
        LAM_TRY(read_plain(in, out, size, got));
        in->at += *got;
        return LAM_OK;
    }
    while (*got < size && !in->ended) {
        size_t n;
        LAM_TRY(unpack(in, (uint8_t *)out + *got, size - *got, &n));
        *got += n;
    }
    return LAM_OK;
}

lam_status lami_gzip_read(lami_gzip *in, void *out, size_t size)
{
    const uint64_t start = in->at;
    size_t got;
    LAM_TRY(lami_gzip_read_some(in, out, size, &got));
    if (got < size)
        return lami_fail(LAM_EFORMAT, "%s: cut off: ends after %" PRIu64 " bytes, %zu were expected from byte %" PRIu64,
                         in->path, in->at, size, start);
    return LAM_OK;
}

lam_status lami_gzip_skip(lami_gzip *in, uint64_t size)
{
    uint8_t scratch[SKIP_BYTES];
    while (size > 0) {
        const size_t n = size < SKIP_BYTES ? (size_t)size : SKIP_BYTES;
        LAM_TRY(lami_gzip_read(in, scratch, n));
        size -= n;
    }
    return LAM_OK;
}

lam_status lami_gzip_end(lami_gzip *in)
{
    uint8_t byte;
    size_t got;
    LAM_TRY(lami_gzip_read_some(in, &byte, 1, &got));
    if (got)
        return lami_fail(LAM_EFORMAT, "%s: other bytes follow the data, from byte %" PRIu64, in->path, in->at - 1);
    return LAM_OK;
}

const char *lami_gzip_path(const lami_gzip *in)
{
    return in->path;
}

int lami_gzip_packed(const lami_gzip *in)
{
    return in->packed;
}

uint64_t lami_gzip_at(const lami_gzip *in)
{
    return in->at;
}

uint64_t lami_gzip_most(const lami_gzip *in)
{
    const uint64_t most = !in->packed                                  ? in->file_size
                          : in->file_size > UINT64_MAX / DEFLATE_RATIO ? UINT64_MAX
                                                                       : in->file_size * DEFLATE_RATIO;
    return most > in->at ? most - in->at : 0;
}
