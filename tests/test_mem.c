/* mem: alignment, zeros, overflow, growth, pages, failures on demand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "../src/core/mem.h"

static int all_zero(const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i])
            return 0;
    return 1;
}

static void memory_is_zero_and_aligned(void **state)
{
    (void)state;
    for (size_t n = 1; n < 300; n += 7) {
        unsigned char *p = lami_alloc(n, 3);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % LAMI_ALIGN, 0);
        assert_true(all_zero(p, 3 * n));
        memset(p, 0xff, 3 * n); /* so that the next one finds used memory */
        lami_free(p);
    }
    lami_free(NULL);
}

static void nothing_is_a_valid_pointer(void **state)
{
    (void)state;
    void *a = lami_alloc(0, 8), *b = lami_alloc(8, 0);
    assert_non_null(a);
    assert_non_null(b);
    assert_ptr_not_equal(a, b);
    lami_free(a);
    lami_free(b);
}

static void products_that_overflow_are_refused(void **state)
{
    (void)state;
    size_t product = 7;
    assert_null(lami_alloc(SIZE_MAX / 2, 3));
    assert_non_null(strstr(lam_last_error(), "out of memory"));
    assert_null(lami_alloc(SIZE_MAX, 1));
    assert_null(lami_alloc(SIZE_MAX - 10, 1));
    assert_int_equal(lami_mul(&product, SIZE_MAX, 2), LAM_ENOMEM);
    assert_int_equal(product, 7);
    assert_int_equal(lami_mul(&product, SIZE_MAX, 0), LAM_OK);
    assert_int_equal(product, 0);
    assert_int_equal(lami_mul(&product, SIZE_MAX / 2, 2), LAM_OK);
    assert_true(product == SIZE_MAX - 1);
}

static void growing_keeps_elements_and_zeroes_new_ones(void **state)
{
    (void)state;
    int *array = NULL;
    size_t capacity = 0;
    for (size_t n = 1; n <= 1000; n++) {
        assert_int_equal(lami_grow((void **)&array, &capacity, n, sizeof *array), LAM_OK);
        assert_true(capacity >= n);
        assert_int_equal(array[n - 1], 0);
        array[n - 1] = (int)n;
    }
    for (int i = 0; i < 1000; i++)
        assert_int_equal(array[i], i + 1);
    assert_true(capacity <= 2000); /* doubles */
    lami_free(array);
}

static void growing_that_fails_changes_nothing(void **state)
{
    (void)state;
    int *array = NULL;
    size_t capacity = 0;
    assert_int_equal(lami_grow((void **)&array, &capacity, 3, sizeof *array), LAM_OK);
    int *const before = array;
    const size_t capacity_before = capacity;
    array[2] = 5;
    assert_int_equal(lami_grow((void **)&array, &capacity, SIZE_MAX / 2, sizeof *array), LAM_ENOMEM);
    lami_alloc_fail_at(1);
    assert_int_equal(lami_grow((void **)&array, &capacity, capacity + 1, sizeof *array), LAM_ENOMEM);
    assert_ptr_equal(array, before);
    assert_int_equal(capacity, capacity_before);
    assert_int_equal(array[2], 5);
    lami_free(array);
}

static void strings_are_copied(void **state)
{
    (void)state;
    char *a = lami_strdup("lamina"), *b = lami_strndup("lamina", 3), *c = lami_strndup("la", 100), *d = lami_strdup("");
    assert_string_equal(a, "lamina");
    assert_string_equal(b, "lam");
    assert_string_equal(c, "la");
    assert_string_equal(d, "");
    lami_free(a);
    lami_free(b);
    lami_free(c);
    lami_free(d);
}

static void pages_are_zero_aligned_and_given_back(void **state)
{
    (void)state;
    const size_t sizes[] = { 0, 1, 4096, 4097, (2 << 20) - 1, 2 << 20, (2 << 20) + 1, 5 << 20 };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        unsigned char *p = NULL;
        assert_int_equal(lami_pages_new((void **)&p, sizes[i]), LAM_OK);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % (sizes[i] >= 2 << 20 ? 2 << 20 : 4096), 0);
        if (sizes[i]) {
            assert_int_equal(p[0] | p[sizes[i] - 1], 0);
            p[0] = p[sizes[i] - 1] = 1;
        }
        lami_pages_free(p, sizes[i]);
    }
    lami_pages_free(NULL, 4096);
}

/* Address space of this process, in pages; 0 where the system does not say. */
static unsigned long mapped_pages(void)
{
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f)
        return 0;
    if (fscanf(f, "%lu", &pages) != 1)
        pages = 0;
    fclose(f);
    return pages;
}

static void pages_do_not_pile_up(void **state)
{
    (void)state;
    const unsigned long before = mapped_pages();
    for (size_t i = 0; i < 200; i++) {
        const size_t size = ((size_t)4 << 20) + 1000 * i;
        void *p = NULL;
        assert_int_equal(lami_pages_new(&p, size), LAM_OK);
        lami_pages_free(p, size);
    }
    assert_true(mapped_pages() < before + 1000); /* a leak of the aligning page alone would be 100000 */
}

static void pages_beyond_the_address_space_are_refused(void **state)
{
    (void)state;
    void *p = NULL;
    assert_int_equal(lami_pages_new(&p, SIZE_MAX), LAM_ENOMEM);
    assert_int_equal(lami_pages_new(&p, SIZE_MAX / 2), LAM_ENOMEM);
    assert_int_equal(lami_pages_new(&p, SIZE_MAX / 2 - 4096), LAM_ENOMEM);
    assert_int_equal(lami_pages_new(&p, (size_t)1 << 60), LAM_ENOMEM);
    assert_null(p);
    assert_non_null(strstr(lam_last_error(), "out of memory"));
}

static void the_nth_request_fails_once(void **state)
{
    (void)state;
    const long before = lami_alloc_count();
    void *pages = NULL;
    lami_alloc_fail_at(3);
    void *a = lami_alloc(1, 1), *b = lami_strdup("b"), *c = lami_alloc(1, 1), *d = lami_alloc(1, 1);
    assert_non_null(a);
    assert_non_null(b);
    assert_null(c);
    assert_string_equal(lam_last_error(), "out of memory: no 1 bytes left");
    assert_non_null(d);
    lami_alloc_fail_at(1);
    assert_int_equal(lami_pages_new(&pages, 100), LAM_ENOMEM);
    assert_int_equal(lami_pages_new(&pages, 100), LAM_OK);
    lami_alloc_fail_at(1);
    lami_alloc_fail_at(0);
    void *e = lami_alloc(1, 1);
    assert_non_null(e);
    assert_int_equal(lami_alloc_count() - before, 7);
    lami_pages_free(pages, 100);
    lami_free(a);
    lami_free(b);
    lami_free(d);
    lami_free(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zero_and_aligned),
        cmocka_unit_test(nothing_is_a_valid_pointer),
        cmocka_unit_test(products_that_overflow_are_refused),
        cmocka_unit_test(growing_keeps_elements_and_zeroes_new_ones),
        cmocka_unit_test(growing_that_fails_changes_nothing),
        cmocka_unit_test(strings_are_copied),
        cmocka_unit_test(pages_are_zero_aligned_and_given_back),
        cmocka_unit_test(pages_do_not_pile_up),
        cmocka_unit_test(pages_beyond_the_address_space_are_refused),
        cmocka_unit_test(the_nth_request_fails_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
