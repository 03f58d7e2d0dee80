/* file: whole files in and out. */
#ifndef LAMI_FILE_H
#define LAMI_FILE_H

#include <stdint.h>
#include <stdio.h>

#include "status.h"

/* A file in memory: mapped read-only where the system can, else read (pipes, devices). Folders, and files over the
 * limit, are refused. A mapped file must not be cut short by others while it is open: files written by lami_writer
 * never are. Errors: LAM_EREAD naming path and the system's reason, LAM_EFORMAT (over limit bytes), LAM_ENOMEM. */
typedef struct lami_blob {
    const uint8_t *data;
    size_t size;
    int mapped;
} lami_blob;
lam_status lami_blob_open(lami_blob *blob, const char *path, size_t limit);
void lami_blob_close(lami_blob *blob);

/* Write a file atomically: open a temporary name beside it, write through lami_writer_put or `file`, then commit
 * (flush, fsync, rename, fsync of the folder), or drop; a drop, or a commit that fails, leaves what was there untouched
 * and removes the temporary. A link is followed; the permissions of a file that is there are kept, and one that may not
 * be written is refused. A device or pipe is written directly. Errors: LAM_EWRITE naming path and reason;
 * LAM_ENOMEM. */
typedef struct lami_writer {
    FILE *file;
    char *path, *temporary; /* temporary: NULL where path itself is written */
    int error;              /* errno of the first put that failed */
} lami_writer;
lam_status lami_writer_open(lami_writer *w, const char *path);
lam_status lami_writer_put(lami_writer *w, const void *data, size_t size);
lam_status lami_writer_commit(lami_writer *w); /* closes and frees, in any case */
void lami_writer_drop(lami_writer *w);         /* after a commit, or on a zeroed writer: does nothing */

/* "folder/name", yours; NULL when out of memory. */
char *lami_path_join(const char *folder, const char *name);
int lami_is_folder(const char *path);
int lami_is_file(const char *path);

#endif
