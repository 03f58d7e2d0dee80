/* tar: the members of an archive one after another, from a stream (POSIX ustar, GNU, v7). */
#ifndef LAMI_TAR_H
#define LAMI_TAR_H

#include "gzip.h"

enum { LAMI_TAR_NAME = 257 }; /* ustar: 155 + '/' + 100 + 0 */

typedef struct lami_tar {
    lami_gzip *in;
    uint64_t next; /* where the next header begins in the stream */
    int long_name; /* the next member's name is in a GNU header that was skipped */
} lami_tar;

typedef struct lami_tar_member {
    char name[LAMI_TAR_NAME]; /* "" for members with GNU long names */
    uint64_t size;
    int regular; /* a regular file, in contrast to a folder, a link, ... */
} lami_tar_member;

lami_tar lami_tar_make(lami_gzip *in);

/* The next member; *more is 0 at the end of the archive, after the whole stream has been checked. Read the content from
 * the stream: at most `size` bytes, or nothing. Errors: LAM_EFORMAT naming path and place. */
lam_status lami_tar_next(lami_tar *tar, lami_tar_member *member, int *more);

/* Could `path` be a tar file, packed or not? Looks at the first header only. */
int lami_tar_looks_like(const char *path);

#endif
