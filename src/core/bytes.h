/* bytes: a bounded reader over memory with a sticky error. Reading past the end returns zeros and sets `bad`; check it
 * once per header. All binary formats go through it. */
#ifndef LAMI_BYTES_H
#define LAMI_BYTES_H

#include <stddef.h>
#include <stdint.h>

typedef struct lami_bytes {
    const uint8_t *at, *end;
    int bad;
} lami_bytes;

lami_bytes lami_bytes_make(const void *data, size_t size);
size_t lami_bytes_left(const lami_bytes *b);
uint8_t lami_read_u8(lami_bytes *b);
uint32_t lami_read_u32be(lami_bytes *b);
uint64_t lami_read_u64le(lami_bytes *b);
void lami_write_u64le(uint8_t out[8], uint64_t value);

/* `size` bytes in place, or NULL and bad when fewer are left. */
const uint8_t *lami_read_span(lami_bytes *b, size_t size);

#endif
