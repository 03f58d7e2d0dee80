/* tar: headers of 512 bytes, contents padded to 512, two blocks of zeros at the end. pax headers and GNU long names are
 * skipped: the data sets read here need neither.
 * Why not libarchive: it does not check the CRC of gzip data, so that a damaged download would become wrong pixels, and
 * it brings libxml2, ICU and half a dozen compressors along for what are two screens of code. */
#include "tar.h"

#include <inttypes.h>
#include <string.h>

enum { BLOCK = 512, NAME = 0, SIZE = 124, CHECKSUM = 148, TYPE = 156, MAGIC = 257, PREFIX = 345 };
enum { NAME_BYTES = 100, SIZE_BYTES = 12, CHECKSUM_BYTES = 8, PREFIX_BYTES = 155 };

static const uint64_t size_most = (uint64_t)1 << 62; /* leaves room for padding and positions */

lami_tar lami_tar_make(lami_gzip *in)
{
    return (lami_tar) { .in = in };
}

/* Octal digits between spaces and a space, 0, or the field's end. */
static int parse_octal(uint64_t *value, const uint8_t *field, size_t size)
{
    size_t i = 0;
    uint64_t v = 0;
    while (i < size && field[i] == ' ')
        i++;
    const size_t first = i;
    for (; i < size && field[i] >= '0' && field[i] <= '7'; i++)
        v = v << 3 | (uint64_t)(field[i] - '0');
    if (i == first || (i < size && field[i] != ' ' && field[i] != 0))
        return 0;
    *value = v;
    return 1;
}

/* GNU's form for sizes from 8 GiB: a byte 0x80, then big-endian. */
static int parse_size(uint64_t *value, const uint8_t field[SIZE_BYTES])
{
    if (field[0] != 0x80)
        return parse_octal(value, field, SIZE_BYTES);
    uint64_t v = 0;
    for (int i = 1; i < SIZE_BYTES; i++) {
        if (v >> 54)
            return 0;
        v = v << 8 | field[i];
    }
    *value = v;
    return 1;
}

static int is_zero(const uint8_t block[BLOCK])
{
    for (int i = 0; i < BLOCK; i++)
        if (block[i])
            return 0;
    return 1;
}

/* The sum of the header's bytes, with the checksum taken as spaces. */
static int checksum_fits(const uint8_t block[BLOCK])
{
    uint64_t sum = 0, wanted;
    for (int i = 0; i < BLOCK; i++)
        sum += i >= CHECKSUM && i < CHECKSUM + CHECKSUM_BYTES ? ' ' : block[i];
    return parse_octal(&wanted, block + CHECKSUM, CHECKSUM_BYTES) && sum == wanted;
}

static void get_name(char name[LAMI_TAR_NAME], const uint8_t block[BLOCK])
{
    size_t length = 0;
    if (!memcmp(block + MAGIC, "ustar", 6) && block[PREFIX]) { /* with its 0; GNU's has other things at PREFIX */
        length = strnlen((const char *)block + PREFIX, PREFIX_BYTES);
        memcpy(name, block + PREFIX, length);
        name[length++] = '/';
    }
    const size_t rest = strnlen((const char *)block + NAME, NAME_BYTES);
    memcpy(name + length, block + NAME, rest);
    name[length + rest] = 0;
}

/* After the first block of zeros: a second one, then only zeros. */
static lam_status check_end(lami_tar *tar)
{
    uint8_t block[BLOCK];
    LAM_TRY(lami_gzip_read(tar->in, block, BLOCK));
    for (;;) {
        if (!is_zero(block))
            return lami_fail(LAM_EFORMAT, "%s: other bytes follow the end of the archive, before byte %" PRIu64,
                             lami_gzip_path(tar->in), lami_gzip_at(tar->in));
        size_t got;
        memset(block, 0, BLOCK);
        LAM_TRY(lami_gzip_read_some(tar->in, block, BLOCK, &got));
        if (!got)
            return LAM_OK;
    }
}

/* One header; *more 0 at the end. */
static lam_status read_header(lami_tar *tar, uint8_t block[BLOCK], uint64_t *size, int *more)
{
    *more = 0;
    LAM_TRY(lami_gzip_skip(tar->in, tar->next - lami_gzip_at(tar->in)));
    LAM_TRY(lami_gzip_read(tar->in, block, BLOCK));
    if (is_zero(block))
        return check_end(tar);
    if (!checksum_fits(block) || !parse_size(size, block + SIZE) || *size > size_most)
        return lami_fail(LAM_EFORMAT, "%s: damaged archive: no header of a member at byte %" PRIu64,
                         lami_gzip_path(tar->in), tar->next);
    const uint8_t type = block[TYPE];
    const uint64_t stored =
        type >= '1' && type <= '6' ? 0 : *size; /* links, devices, folders and pipes have no content */
    if (stored > lami_gzip_most(tar->in))
        return lami_fail(LAM_EFORMAT, "%s: damaged archive: the member at byte %" PRIu64 " is larger than the file",
                         lami_gzip_path(tar->in), tar->next);
    tar->next = lami_gzip_at(tar->in) + (stored + BLOCK - 1) / BLOCK * BLOCK;
    *more = 1;
    return LAM_OK;
}

lam_status lami_tar_next(lami_tar *tar, lami_tar_member *member, int *more)
{
    uint8_t block[BLOCK];
    uint64_t size = 0;
    *member = (lami_tar_member) { 0 };
    for (;;) {
        LAM_TRY(read_header(tar, block, &size, more));
        if (!*more)
            return LAM_OK;
        const uint8_t type = block[TYPE];
        if (type == 'L')
            tar->long_name = 1;
        if (type != 'L' && type != 'K' && type != 'x' && type != 'g')
            break;
    }
    if (!tar->long_name)
        get_name(member->name, block);
    tar->long_name = 0;
    member->size = size;
    member->regular = block[TYPE] == '0' || block[TYPE] == 0 || block[TYPE] == '7';
    return LAM_OK;
}

int lami_tar_looks_like(const char *path)
{
    lami_gzip *in;
    uint8_t block[BLOCK];
    lam_status status = lami_gzip_open(&in, path);
    if (!status)
        status = lami_gzip_read(in, block, BLOCK);
    const int header = !status && !is_zero(block) && checksum_fits(block);
    lami_gzip_close(in);
    return header || status == LAM_ENOMEM; /* whoever then reads it reports that */
}
