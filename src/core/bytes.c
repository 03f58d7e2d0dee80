/* bytes: see bytes.h. */
#include "bytes.h"

lami_bytes lami_bytes_make(const void *data, size_t size)
{
    const uint8_t *at = data;
    return (lami_bytes) { .at = at, .end = at ? at + size : at };
}

size_t lami_bytes_left(const lami_bytes *b)
{
    return (size_t)(b->end - b->at);
}

const uint8_t *lami_read_span(lami_bytes *b, size_t size)
{
    if (b->bad || size > lami_bytes_left(b)) {
        b->bad = 1;
        return NULL;
    }
    const uint8_t *span = b->at;
    if (size)
        b->at += size;
    return span;
}

uint8_t lami_read_u8(lami_bytes *b)
{
    const uint8_t *p = lami_read_span(b, 1);
    return p ? *p : 0;
}

uint32_t lami_read_u32be(lami_bytes *b)
{
    const uint8_t *p = lami_read_span(b, 4);
    uint32_t value = 0;
    for (int i = 0; p && i < 4; i++)
        value = value << 8 | p[i];
    return value;
}

uint64_t lami_read_u64le(lami_bytes *b)
{
    const uint8_t *p = lami_read_span(b, 8);
    uint64_t value = 0;
    for (int i = 7; p && i >= 0; i--)
        value = value << 8 | p[i];
    return value;
}

void lami_write_u64le(uint8_t out[8], uint64_t value)
{
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(value >> 8 * i);
}
