/* mem: allocation that checks its products, aligns to 64 bytes and can be made to fail in tests. All memory of the
 * library comes from here. Every failure sets the message and is reported as NULL or LAM_ENOMEM. */
#ifndef LAMI_MEM_H
#define LAMI_MEM_H

#include "status.h"

enum { LAMI_ALIGN = 64 };

/* count x size bytes, zeroed, 64-byte aligned. count or size 0 gives a valid pointer. NULL and a message on overflow or
 * when memory is out. */
void *lami_alloc(size_t count, size_t size);
void lami_free(void *p); /* NULL is fine */

/* Grow *array (from lami_alloc, or NULL with *capacity 0) so that it holds at least `need` elements of `size` bytes;
 * doubles. Unchanged on failure. New elements are zero. */
lam_status lami_grow(void **array, size_t *capacity, size_t need, size_t size);

char *lami_strdup(const char *text);
char *lami_strndup(const char *text, size_t length);

/* a * b into *product; LAM_ENOMEM with a message when it overflows size_t. */
lam_status lami_mul(size_t *product, size_t a, size_t b);

/* Large zeroed memory straight from the system, on huge pages where that helps (>= 2 MiB); page-aligned. */
lam_status lami_pages_new(void **pages, size_t bytes);
void lami_pages_free(void *pages, size_t bytes);

/* For tests: make the n-th allocation from now (1 = the next) fail, once; 0 switches off. Counts in this process. */
void lami_alloc_fail_at(long n);
long lami_alloc_count(void); /* allocations so far, pages included */

#endif
