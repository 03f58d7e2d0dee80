/* source: a whole input in memory: a plain file is mapped, gzip data is unpacked, and "-" is standard input to its
 * end. For the kinds of data that need all bytes at once: tables and arrays. */
#ifndef LAMI_SOURCE_H
#define LAMI_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "../core/file.h"

typedef struct lami_source {
    const uint8_t *data; /* size bytes; never NULL after a successful open, not even where size is 0 */
    size_t size;
    const char *name; /* for messages: the path, borrowed, or "standard input" */
    int packed;       /* the file held gzip data; data is what was in it */
    /* who owns data; all empty where it is borrowed */
    lami_blob blob;
    void *pages;
    size_t pages_bytes;
} lami_source;

/* Open `path` ("-": standard input). `input` is standard input where it has been read already (how->input, by which
 * its kind was found), else NULL: data is then borrowed from it. What is not mapped (unpacked data, pipes) may be as
 * large as this machine's memory, but not larger than `limit` (0: no other limit). Errors, all naming the input:
 * LAM_EREAD (with the system's reason), LAM_EFORMAT (damaged gzip data, over the limit), LAM_ENOMEM; *source is then
 * empty. */
lam_status lami_source_open(lami_source *source, const char *path, const lami_source *input, size_t limit);
void lami_source_close(lami_source *source); /* zeroed or closed: does nothing */

/* Is this path standard input? */
int lami_source_is_input(const char *path);

#endif
