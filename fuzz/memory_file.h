/* memory_file: what a fuzzer made, as a file with a path: the parsers take paths. Linux only, as memfd_create is. */
#ifndef LAMI_FUZZ_MEMORY_FILE_H
#define LAMI_FUZZ_MEMORY_FILE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct memory_file {
    int fd; /* 0: not made yet */
    char path[32];
} memory_file;

static inline void require(int truth)
{
    if (!truth)
        abort();
}

/* Replace the content. */
static inline void memory_file_set(memory_file *file, const uint8_t *data, size_t size)
{
    if (!file->fd) {
        file->fd = memfd_create("fuzz", MFD_CLOEXEC);
        require(file->fd > 0);
        snprintf(file->path, sizeof file->path, "/proc/self/fd/%d", file->fd);
    }
    require(ftruncate(file->fd, 0) == 0);
    require(pwrite(file->fd, data, size, 0) == (ssize_t)size);
}

#endif
