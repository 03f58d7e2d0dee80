/* zip: end record, directory, then a member at a time through zlib's inflate. */
#include "zip.h"

#include <inttypes.h>
#include <string.h>

#include <zlib.h>

#include "../core/bytes.h"
#include "../core/mem.h"
#include "gzip.h"

enum {
    MEMBERS_MOST = 4096,
    NAME_MOST = 255,
    DEFLATE_RATIO = 1032,  /* deflate's best: a match of 258 bytes in 2 bits */
    PIECE_BYTES = 1 << 30, /* zlib counts in unsigned int */
    COMMENT_MOST = 0xffff,
    LOCAL_BYTES = 30,
    ENTRY_BYTES = 46,
    END_BYTES = 22,
    END64_BYTES = 56,
    LOCATOR_BYTES = 20,
    STORED = 0,
    DEFLATED = 8,
    ENCRYPTED = 1, /* bit of the flags */
    ZIP64_FIELD = 1
};
static const uint32_t local_mark = 0x04034b50, entry_mark = 0x02014b50, end_mark = 0x06054b50, end64_mark = 0x06064b50,
                      locator_mark = 0x07064b50, in_zip64 = 0xffffffff;

typedef struct member {
    char *name;
    uint32_t crc;
    int method;
    size_t packed, size;
    size_t header; /* of the member itself, in the file */
} member;

struct lami_zip {
    const uint8_t *data;
    size_t size;
    const char *path;
    member *members;
    size_t count;
};

/* ---- fields ---- */

static uint64_t read_le(lami_bytes *b, size_t bytes)
{
    const uint8_t *p = lami_read_span(b, bytes);
    uint64_t value = 0;
    for (size_t i = bytes; p && i-- > 0;)
        value = value << 8 | p[i];
    return value;
}

static uint16_t read16(lami_bytes *b)
{
    return (uint16_t)read_le(b, 2);
}

static uint32_t read32(lami_bytes *b)
{
    return (uint32_t)read_le(b, 4);
}

/* From byte `at` to the end. */
static lami_bytes from(const lami_zip *zip, size_t at)
{
    return lami_bytes_make(zip->data + at, zip->size - at);
}

static lam_status damaged(const lami_zip *zip, uint64_t at, const char *what)
{
    return lami_fail(LAM_EFORMAT, "%s: damaged archive: byte %" PRIu64 ": %s", zip->path, at, what);
}

/* ---- the directory ---- */

typedef struct directory {
    uint64_t count, bytes, at;
    uint64_t end; /* where the records at the end begin: the directory lies before them */
} directory;

/* The end record: the last one whose comment ends with the file. */
static lam_status find_end(const lami_zip *zip, size_t *at)
{
    const size_t most = zip->size < END_BYTES + COMMENT_MOST ? zip->size : END_BYTES + COMMENT_MOST;
    for (size_t back = END_BYTES; back <= most; back++) {
        lami_bytes b = from(zip, zip->size - back);
        if (read32(&b) != end_mark)
            continue;
        lami_read_span(&b, END_BYTES - 6);
        if (read16(&b) == back - END_BYTES) {
            *at = zip->size - back;
            return LAM_OK;
        }
    }
    return lami_fail(LAM_EFORMAT, "%s: not a zip archive, or cut off: no record at its end", zip->path);
}

static lam_status several_parts(const lami_zip *zip)
{
    return lami_fail(LAM_EFORMAT, "%s: an archive in several parts; these are not read", zip->path);
}

/* The larger record, whose place the locator before the end record at `end` gives; *here 0: there is no locator. */
static lam_status read_end64(const lami_zip *zip, directory *d, size_t end, int *here)
{
    *here = 0;
    if (end < LOCATOR_BYTES)
        return LAM_OK;
    lami_bytes b = from(zip, end - LOCATOR_BYTES);
    if (read32(&b) != locator_mark)
        return LAM_OK;
    const uint32_t disk = read32(&b);
    const uint64_t at = read_le(&b, 8);
    const uint32_t disks = read32(&b);
    if (disk || disks > 1)
        return several_parts(zip);
    if (at > end - LOCATOR_BYTES || end - LOCATOR_BYTES - at < END64_BYTES)
        return damaged(zip, end - LOCATOR_BYTES, "no zip64 record where it should be");
    b = from(zip, (size_t)at);
    if (read32(&b) != end64_mark)
        return damaged(zip, at, "not a zip64 record");
    lami_read_span(&b, 8 + 2 + 2); /* its size, versions */
    const uint32_t this_disk = read32(&b), first_disk = read32(&b);
    const uint64_t here_count = read_le(&b, 8);
    d->count = read_le(&b, 8);
    d->bytes = read_le(&b, 8);
    d->at = read_le(&b, 8);
    d->end = at;
    *here = 1;
    return this_disk || first_disk || here_count != d->count ? several_parts(zip) : LAM_OK;
}

static lam_status read_end(const lami_zip *zip, directory *d)
{
    size_t end = 0;
    int has64;
    LAM_TRY(find_end(zip, &end));
    LAM_TRY(read_end64(zip, d, end, &has64));
    lami_bytes b = from(zip, end + 4);
    const uint16_t disk = read16(&b), first_disk = read16(&b), here = read16(&b), count = read16(&b);
    const uint32_t bytes = read32(&b), at = read32(&b);
    if (!has64) {
        if (disk || first_disk || here != count)
            return several_parts(zip);
        *d = (directory) { .count = count, .bytes = bytes, .at = at, .end = end };
    }
    if (d->at > d->end || d->bytes != d->end - d->at)
        return damaged(zip, end, "the directory does not lie before its end record");
    if (d->count > d->bytes / ENTRY_BYTES)
        return damaged(zip, end, "more members than the directory has room for");
    if (d->count > MEMBERS_MOST)
        return lami_fail(LAM_EFORMAT, "%s: %" PRIu64 " members in the archive; at most %d are read", zip->path,
                         d->count, MEMBERS_MOST);
    return LAM_OK;
}

/* Sizes and place that did not fit, from the extra field; each is there only if its short form says so. */
static int read_zip64(lami_bytes extra, uint64_t *size, uint64_t *packed, uint64_t *header)
{
    uint64_t *const value[] = { size, packed, header };
    if (*size != in_zip64 && *packed != in_zip64 && *header != in_zip64)
        return 1;
    while (lami_bytes_left(&extra)) {
        const uint16_t id = read16(&extra), bytes = read16(&extra);
        lami_bytes field = lami_bytes_make(lami_read_span(&extra, bytes), bytes);
        if (extra.bad)
            return 0;
        if (id != ZIP64_FIELD)
            continue;
        for (int i = 0; i < 3; i++)
            if (*value[i] == in_zip64)
                *value[i] = read_le(&field, 8);
        return !field.bad;
    }
    return 0;
}

static char *printing_name(const uint8_t *at, size_t size)
{
    char *name = lami_alloc(size + 1, 1);
    for (size_t i = 0; name && i < size; i++)
        name[i] = (char)(at[i] >= ' ' && at[i] <= '~' ? at[i] : '?');
    return name;
}

static lam_status read_entry(lami_zip *zip, lami_bytes *b, uint64_t end)
{
    member *m = &zip->members[zip->count];
    const uint64_t at = (uint64_t)(b->at - zip->data);
    const uint32_t mark = read32(b);
    lami_read_span(b, 4); /* versions */
    const uint16_t flags = read16(b), method = read16(b);
    lami_read_span(b, 4); /* time */
    m->crc = read32(b);
    uint64_t packed = read32(b), size = read32(b);
    const uint16_t name_bytes = read16(b), extra_bytes = read16(b), comment_bytes = read16(b), disk = read16(b);
    lami_read_span(b, 6); /* attributes */
    uint64_t header = read32(b);
    const uint8_t *name = lami_read_span(b, name_bytes), *extra = lami_read_span(b, extra_bytes);
    lami_read_span(b, comment_bytes);
    if (b->bad || mark != entry_mark || !read_zip64(lami_bytes_make(extra, extra_bytes), &size, &packed, &header))
        return damaged(zip, at, "not an entry of the directory");
    if (disk)
        return several_parts(zip);
    if (!name_bytes || name_bytes > NAME_MOST)
        return damaged(zip, at, "a member with an impossible name");
    m->name = printing_name(name, name_bytes);
    if (!m->name)
        return LAM_ENOMEM;
    zip->count++;
    if (flags & ENCRYPTED)
        return lami_fail(LAM_EFORMAT, "%s: %s is encrypted", zip->path, m->name);
    if (method != STORED && method != DEFLATED)
        return lami_fail(LAM_EFORMAT, "%s: %s is packed by method %d; 0 (stored) and 8 (deflate) are read", zip->path,
                         m->name, method);
    if (size > SIZE_MAX / 4 || header > end || packed > end - header || (method == STORED && packed != size) ||
        (method == DEFLATED && size / DEFLATE_RATIO > packed))
        return lami_fail(LAM_EFORMAT, "%s: damaged archive: %s has impossible sizes", zip->path, m->name);
    m->method = method;
    m->packed = (size_t)packed;
    m->size = (size_t)size;
    m->header = (size_t)header;
    return LAM_OK;
}

static lam_status check_unique(const lami_zip *zip)
{
    for (size_t i = 1; i < zip->count; i++)
        for (size_t j = 0; j < i; j++)
            if (!strcmp(zip->members[i].name, zip->members[j].name))
                return lami_fail(LAM_EFORMAT, "%s: %s is in it twice", zip->path, zip->members[i].name);
    return LAM_OK;
}

static lam_status read_directory(lami_zip *zip)
{
    directory d = { 0 };
    LAM_TRY(read_end(zip, &d));
    zip->members = lami_alloc((size_t)d.count, sizeof *zip->members);
    if (!zip->members)
        return LAM_ENOMEM;
    lami_bytes b = lami_bytes_make(zip->data + d.at, (size_t)d.bytes);
    for (uint64_t i = 0; i < d.count; i++)
        LAM_TRY(read_entry(zip, &b, d.at));
    if (lami_bytes_left(&b))
        return damaged(zip, (uint64_t)(b.at - zip->data), "other bytes follow the directory");
    return check_unique(zip);
}

lam_status lami_zip_open(lami_zip **out, const void *data, size_t size, const char *path)
{
    *out = NULL;
    lami_zip *zip = lami_alloc(1, sizeof *zip);
    if (!zip)
        return LAM_ENOMEM;
    *zip = (lami_zip) { .data = data, .size = size, .path = path };
    const lam_status status = read_directory(zip);
    if (status) {
        lami_zip_close(zip);
        return status;
    }
    *out = zip;
    return LAM_OK;
}

void lami_zip_close(lami_zip *zip)
{
    for (size_t i = 0; zip && i < zip->count; i++)
        lami_free(zip->members[i].name);
    if (zip)
        lami_free(zip->members);
    lami_free(zip);
}

size_t lami_zip_count(const lami_zip *zip)
{
    return zip->count;
}

const char *lami_zip_name(const lami_zip *zip, size_t i)
{
    return zip->members[i].name;
}

/* ---- contents ---- */

/* Inflate m's bytes into exactly m->size bytes. `out` has a byte more, so that too many are noticed. */
static lam_status unpack(const lami_zip *zip, const member *m, const uint8_t *packed, uint8_t *out)
{
    z_stream z = { .zalloc = lami_zlib_alloc, .zfree = lami_zlib_free };
    size_t left = m->packed, room = m->size + 1;
    int result;
    if (inflateInit2(&z, -MAX_WBITS) != Z_OK)
        return lami_fail(LAM_ENOMEM, "out of memory while unpacking %s", zip->path);
    z.next_in = (Bytef *)(uintptr_t)packed;
    z.next_out = out;
    do {
        const uInt in_bytes = left < PIECE_BYTES ? (uInt)left : PIECE_BYTES;
        const uInt out_bytes = room < PIECE_BYTES ? (uInt)room : PIECE_BYTES;
        z.avail_in = in_bytes;
        z.avail_out = out_bytes;
        result = inflate(&z, Z_NO_FLUSH);
        left -= in_bytes - z.avail_in;
        room -= out_bytes - z.avail_out;
    } while (result == Z_OK && room);
    inflateEnd(&z);
    if (result == Z_MEM_ERROR)
        return lami_fail(LAM_ENOMEM, "out of memory while unpacking %s", zip->path);
    if (result != Z_STREAM_END || room != 1 || left)
        return lami_fail(LAM_EFORMAT, "%s: damaged archive: %s does not unpack to %zu bytes", zip->path, m->name,
                         m->size);
    return LAM_OK;
}

/* Where m's bytes lie: after the header before them, which has its own length. */
static lam_status find_packed(const lami_zip *zip, const member *m, const uint8_t **packed)
{
    lami_bytes b = from(zip, m->header);
    const uint32_t mark = read32(&b);
    lami_read_span(&b, LOCAL_BYTES - 4 - 4);
    const uint16_t name_bytes = read16(&b), extra_bytes = read16(&b);
    lami_read_span(&b, name_bytes);
    lami_read_span(&b, extra_bytes);
    *packed = lami_read_span(&b, m->packed);
    if (b.bad || mark != local_mark)
        return lami_fail(LAM_EFORMAT, "%s: damaged archive: byte %zu: not the header of %s, or cut off", zip->path,
                         m->header, m->name);
    return LAM_OK;
}

lam_status lami_zip_read(lami_zip_content *content, const lami_zip *zip, size_t i)
{
    const member *m = &zip->members[i];
    const uint8_t *packed = NULL;
    void *pages = NULL;
    *content = (lami_zip_content) { 0 };
    LAM_TRY(find_packed(zip, m, &packed));
    if (m->method == DEFLATED)
        LAM_TRY(lami_pages_new(&pages, m->size + 1));
    *content = (lami_zip_content) { .data = pages ? pages : packed, .size = m->size, .pages = pages };
    lam_status status = pages ? unpack(zip, m, packed, pages) : LAM_OK;
    if (!status && crc32_z(0, content->data, content->size) != m->crc)
        status = lami_fail(LAM_EFORMAT, "%s: damaged archive: %s does not fit its checksum", zip->path, m->name);
    if (status)
        lami_zip_content_free(content);
    return status;
}

void lami_zip_content_free(lami_zip_content *content)
{
    if (content->pages)
        lami_pages_free(content->pages, content->size + 1);
    *content = (lami_zip_content) { 0 };
}

int lami_zip_looks_like(const void *data, size_t size)
{
    lami_bytes b = lami_bytes_make(data, size);
    return read32(&b) == local_mark;
}
