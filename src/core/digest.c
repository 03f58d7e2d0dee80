/* digest: see digest.h. */
#include "digest.h"

void lami_digest_start(lami_digest *d)
{
    SHA256Init(&d->sha);
}

void lami_digest_add(lami_digest *d, const void *data, size_t size)
{
    if (size)
        SHA256Update(&d->sha, data, size);
}

void lami_digest_end(lami_digest *d, char hex[65])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t sum[SHA256_DIGEST_LENGTH];
    SHA256Final(sum, &d->sha);
    for (int i = 0; i < SHA256_DIGEST_LENGTH; i++) {
        hex[2 * i] = digits[sum[i] >> 4];
        hex[2 * i + 1] = digits[sum[i] & 15];
    }
    hex[64] = 0;
}
