/* digest: SHA-256 of the parts given, as 64 hex digits. Uses libmd (the BSD message digests). */
#ifndef LAMI_DIGEST_H
#define LAMI_DIGEST_H

#include <stddef.h>

#include <sha2.h>

typedef struct lami_digest {
    SHA2_CTX sha;
} lami_digest;

void lami_digest_start(lami_digest *d);
void lami_digest_add(lami_digest *d, const void *data, size_t size);
void lami_digest_end(lami_digest *d, char hex[65]);

#endif
