/* mem: posix_memalign for small things, mmap for arenas. `refused` counts each request, and fails it where a test
 * asks. */
#include "mem.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { HUGE_BYTES = 2 << 20, FIRST_CAPACITY = 16 };

static atomic_long requests;
static atomic_long until_failure; /* the request that brings it from 1 to 0 fails */

static int refused(void)
{
    atomic_fetch_add(&requests, 1);
    return atomic_load(&until_failure) > 0 && atomic_fetch_sub(&until_failure, 1) == 1;
}

void lami_alloc_fail_at(long n)
{
    atomic_store(&until_failure, n);
}

long lami_alloc_count(void)
{
    return atomic_load(&requests);
}

lam_status lami_mul(size_t *product, size_t a, size_t b)
{
    if (b && a > SIZE_MAX / b)
        return lami_fail(LAM_ENOMEM, "out of memory: %zu x %zu is more than can be addressed", a, b);
    *product = a * b;
    return LAM_OK;
}

static lam_status out_of_memory(size_t bytes)
{
    return lami_fail(LAM_ENOMEM, "out of memory: no %zu bytes left", bytes);
}

/* bytes up to a multiple of unit, a power of two; at least one unit. 0 when it overflows. */
static size_t round_up(size_t bytes, size_t unit)
{
    if (bytes > (size_t)PTRDIFF_MAX - unit)
        return 0;
    return bytes ? (bytes + unit - 1) & ~(unit - 1) : unit;
}

void *lami_alloc(size_t count, size_t size)
{
    size_t bytes = 0;
    if (lami_mul(&bytes, count, size))
        return NULL;
    const size_t rounded = round_up(bytes, LAMI_ALIGN);
    void *p = NULL;
    if (refused() || !rounded || posix_memalign(&p, LAMI_ALIGN, rounded)) {
        out_of_memory(bytes);
        return NULL;
    }
    return memset(p, 0, rounded);
}

void lami_free(void *p)
{
    free(p);
}

lam_status lami_grow(void **array, size_t *capacity, size_t need, size_t size)
{
    if (*array && need <= *capacity)
        return LAM_OK;
    size_t wanted = *capacity > SIZE_MAX / 2 ? need : 2 * *capacity;
    if (wanted < FIRST_CAPACITY)
        wanted = FIRST_CAPACITY;
    if (wanted < need)
        wanted = need;
    void *grown = lami_alloc(wanted, size);
    if (!grown)
        return LAM_ENOMEM;
    if (*array)
        memcpy(grown, *array, *capacity * size);
    lami_free(*array);
    *array = grown;
    *capacity = wanted;
    return LAM_OK;
}

char *lami_strndup(const char *text, size_t length)
{
    const size_t n = strnlen(text, length);
    char *copy = lami_alloc(n + 1, 1);
    if (copy)
        memcpy(copy, text, n); /* the rest is zero */
    return copy;
}

char *lami_strdup(const char *text)
{
    return lami_strndup(text, SIZE_MAX - 1);
}

/* What a request of `bytes` maps: whole huge pages from one up, else whole pages. 0 when it overflows. */
static size_t mapped_size(size_t bytes)
{
    return round_up(bytes, bytes >= HUGE_BYTES ? (size_t)HUGE_BYTES : (size_t)sysconf(_SC_PAGESIZE));
}

static void *map(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

/* Map one huge page more than needed and give back both ends, so that the start is aligned. */
static void *map_huge(size_t bytes)
{
    char *const raw = map(bytes + HUGE_BYTES);
    if (!raw)
        return NULL;
    const size_t before = (size_t)(-(uintptr_t)raw & (HUGE_BYTES - 1));
    char *const start = raw + before;
    if (before)
        munmap(raw, before);
    munmap(start + bytes, HUGE_BYTES - before);
    madvise(start, bytes, MADV_HUGEPAGE); /* advice: small pages do as well */
    return start;
}

lam_status lami_pages_new(void **pages, size_t bytes)
{
    const size_t size = mapped_size(bytes);
    void *p = NULL;
    if (!refused() && size && size <= (size_t)PTRDIFF_MAX - HUGE_BYTES)
        p = bytes >= HUGE_BYTES ? map_huge(size) : map(size);
    if (!p)
        return out_of_memory(bytes);
    *pages = p;
    return LAM_OK;
}

void lami_pages_free(void *pages, size_t bytes)
{
    if (pages)
        munmap(pages, mapped_size(bytes));
}
