/* tar_file: archives for tests. Include after cmocka.h. */
#ifndef LAMI_TEST_TAR_FILE_H
#define LAMI_TEST_TAR_FILE_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { TAR_BLOCK = 512 };

static inline void tar_checksum(uint8_t *header)
{
    unsigned sum = 0;
    memset(header + 148, ' ', 8);
    for (int i = 0; i < TAR_BLOCK; i++)
        sum += header[i];
    snprintf((char *)header + 148, 8, "%06o", sum);
}

/* Append a member to the archive of `size` bytes; returns the new size. */
static inline size_t tar_add(uint8_t *archive, size_t size, const char *name, char type, const void *data, size_t bytes)
{
    uint8_t *header = archive + size;
    memset(header, 0, TAR_BLOCK);
    memcpy(header, name, strlen(name) < 100 ? strlen(name) : 100);
    memcpy(header + 100, "0000644", 8);
    memcpy(header + 108, "0000000", 8);
    memcpy(header + 116, "0000000", 8);
    snprintf((char *)header + 124, 12, "%011o", (unsigned)bytes);
    memcpy(header + 136, "00000000000", 12);
    header[156] = (uint8_t)type;
    memcpy(header + 257, "ustar\00000", 8);
    tar_checksum(header);
    const size_t padded = (bytes + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
    memset(header + TAR_BLOCK, 0, padded);
    if (bytes)
        memcpy(header + TAR_BLOCK, data, bytes);
    return size + TAR_BLOCK + padded;
}

static inline size_t tar_end(uint8_t *archive, size_t size)
{
    memset(archive + size, 0, 2 * TAR_BLOCK);
    return size + 2 * TAR_BLOCK;
}

#endif
