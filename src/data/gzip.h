/* gzip: a file as a stream of bytes, unpacked on the way where it is gzip data (RFC 1952, any number of members), as it
 * is otherwise. Reads straight into the caller's memory: beside that it holds 64 KiB and zlib's window, whatever the
 * size. */
#ifndef LAMI_GZIP_H
#define LAMI_GZIP_H

#include <stdint.h>

#include "../core/status.h"

typedef struct lami_gzip lami_gzip;

/* Regular files only. All errors name the path: LAM_EREAD (with the system's reason), LAM_EFORMAT (damaged, cut off, or
 * followed by other bytes), LAM_ENOMEM. After an error only close is allowed. */
lam_status lami_gzip_open(lami_gzip **in, const char *path);
/* gzip data, or other, in memory, which is borrowed until close; `name` is for messages. Errors: LAM_ENOMEM. */
lam_status lami_gzip_open_bytes(lami_gzip **in, const char *name, const void *data, size_t size);
void lami_gzip_close(lami_gzip *in);

/* Exactly `size` bytes; LAM_EFORMAT when fewer are left. */
lam_status lami_gzip_read(lami_gzip *in, void *out, size_t size);
lam_status lami_gzip_skip(lami_gzip *in, uint64_t size);

/* Up to `size` bytes; *got < size only at the end. */
lam_status lami_gzip_read_some(lami_gzip *in, void *out, size_t size, size_t *got);

/* Nothing may follow; checks length and CRC of gzip data. Without this call they are not checked. */
lam_status lami_gzip_end(lami_gzip *in);

const char *lami_gzip_path(const lami_gzip *in);
int lami_gzip_packed(const lami_gzip *in);
uint64_t lami_gzip_at(const lami_gzip *in); /* bytes given so far */

/* No more than this many bytes can follow: exact for plain files, for packed ones what deflate can give at best.
 * Compare it with sizes in headers before allocating. */
uint64_t lami_gzip_most(const lami_gzip *in);

/* zlib's memory from core/mem.h: zalloc and zfree of any z_stream. */
void *lami_zlib_alloc(void *arg, unsigned count, unsigned size);
void lami_zlib_free(void *arg, void *block);

#endif
