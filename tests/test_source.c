/* source: whole inputs: files, packed files, pipes and standard input. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>

#include "../src/core/mem.h"
#include "../src/data/gzip.h"
#include "../src/data/source.h"
#include "folder.h"

enum { LARGE = 3 << 20 };

static uint8_t large[LARGE];

static void make_large(void)
{
    uint32_t state = 1;
    for (size_t i = 0; i < LARGE; i++) {
        state = state * 1664525 + 1013904223;
        large[i] = (uint8_t)(state >> (i % 4 ? 28 : 24)); /* packs a little */
    }
}

static void expect(const char *path, size_t limit, const void *data, size_t size, int packed)
{
    lami_source source;
    assert_int_equal(lami_source_open(&source, path, NULL, limit), LAM_OK);
    assert_int_equal(source.size, size);
    assert_non_null(source.data);
    assert_int_equal(source.packed, packed);
    assert_true(!size || !memcmp(source.data, data, size));
    assert_string_equal(source.name, path);
    lami_source_close(&source);
    assert_null(source.data);
    lami_source_close(&source);
}

static void expect_failure(const char *path, size_t limit, lam_status status, const char *what)
{
    lami_source source;
    assert_int_equal(lami_source_open(&source, path, NULL, limit), status);
    assert_null(source.data);
    assert_message(what);
}

static void files_are_read_plain_and_packed(void **state)
{
    (void)state;
    make_large();
    write_file("plain", large, LARGE);
    write_packed("packed", large, LARGE);
    write_file("empty", "", 0);
    write_packed("empty_packed", "", 0);
    write_file("one", "\x1f", 1);
    expect(in_folder("plain"), 0, large, LARGE, 0);
    expect(in_folder("packed"), 0, large, LARGE, 1);
    expect(in_folder("empty"), 0, "", 0, 0);
    expect(in_folder("empty_packed"), 0, "", 0, 1);
    expect(in_folder("one"), 0, "\x1f", 1, 0);
}

static void packed_data_may_have_several_members(void **state)
{
    (void)state;
    static uint8_t both[LARGE + LARGE / 2];
    make_large();
    size_t size = pack(both, sizeof both, large, LARGE - 1000);
    size +=
        pack(both + size, sizeof both - size, large + LARGE - 1000, 1000); /* the last size is not the size of all */
    write_file("members", both, size);
    expect(in_folder("members"), 0, large, LARGE, 1);
}

static void limits_hold_for_what_is_not_mapped(void **state)
{
    (void)state;
    make_large();
    write_packed("limited", large, LARGE);
    expect(in_folder("limited"), LARGE, large, LARGE, 1);
    expect_failure(in_folder("limited"), LARGE - 1, LAM_EFORMAT, "larger than");
    expect_failure(in_folder("limited"), 10, LAM_EFORMAT, "limited is larger than 10 bytes when unpacked");
}

static void what_cannot_be_read_is_named(void **state)
{
    (void)state;
    make_large();
    static uint8_t packed[2 * LARGE];
    const size_t size = pack(packed, sizeof packed, large, LARGE);
    expect_failure(in_folder("nothing"), 0, LAM_EREAD, "nothing: No such file");
    expect_failure(folder, 0, LAM_EREAD, "Is a directory");
    write_file("cut", packed, size / 2);
    expect_failure(in_folder("cut"), 0, LAM_EFORMAT, "cut off");
    packed[size / 2] ^= 0x55;
    write_file("flipped", packed, size);
    expect_failure(in_folder("flipped"), 0, LAM_EFORMAT, "flipped");
    packed[size / 2] ^= 0x55;
    packed[size] = 'x';
    write_file("trailing", packed, size + 1);
    expect_failure(in_folder("trailing"), 0, LAM_EFORMAT, "trailing");
    write_file("head", "\x1f\x8b", 2);
    expect_failure(in_folder("head"), 0, LAM_EFORMAT, "head");
}

/* ---- pipes and standard input ---- */

typedef struct writer {
    int fd;
    const char *path; /* opened where fd is -1: waits for the reader */
    const uint8_t *data;
    size_t size;
} writer;

static void *write_all(void *arg)
{
    writer *w = arg;
    if (w->fd < 0)
        w->fd = open(w->path, O_WRONLY);
    while (w->size > 0) {
        const ssize_t n = write(w->fd, w->data, w->size < 5000 ? w->size : 5000);
        if (n <= 0)
            break;
        w->data += n;
        w->size -= (size_t)n;
    }
    close(w->fd);
    return NULL;
}

/* Standard input gives `data` from a pipe; opens "-" once. */
static lam_status open_input(lami_source *source, const uint8_t *data, size_t size, size_t limit)
{
    int ends[2];
    pthread_t thread;
    const int before = dup(STDIN_FILENO);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    close(ends[0]);
    writer w = { .fd = ends[1], .data = data, .size = size };
    assert_int_equal(pthread_create(&thread, NULL, write_all, &w), 0);
    const lam_status status = lami_source_open(source, "-", NULL, limit);
    dup2(before, STDIN_FILENO);
    close(before);
    pthread_join(thread, NULL);
    return status;
}

static void standard_input_is_read_to_its_end(void **state)
{
    (void)state;
    static uint8_t packed[2 * LARGE];
    lami_source source, again;
    make_large();
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(open_input(&source, large, LARGE, 0), LAM_OK);
    assert_true(source.size == LARGE && !memcmp(source.data, large, LARGE));
    assert_string_equal(source.name, "standard input");
    assert_int_equal(lami_source_open(&again, "-", &source, 0), LAM_OK); /* what has been read already */
    assert_ptr_equal(again.data, source.data);
    lami_source_close(&again);
    assert_true(source.data[LARGE - 1] == large[LARGE - 1]);
    lami_source_close(&source);
    const size_t size = pack(packed, sizeof packed, large, LARGE);
    assert_int_equal(open_input(&source, packed, size, 0), LAM_OK);
    assert_true(source.packed && source.size == LARGE && !memcmp(source.data, large, LARGE));
    lami_source_close(&source);
    assert_int_equal(open_input(&source, large, LARGE, 1000), LAM_EFORMAT);
    assert_message("standard input is larger than 1000 bytes");
    assert_int_equal(open_input(&source, large, 0, 0), LAM_OK);
    assert_int_equal(source.size, 0);
    lami_source_close(&source);
}

static void named_pipes_are_read_like_files(void **state)
{
    (void)state;
    pthread_t thread;
    lami_source source;
    const char *path = in_folder("pipe");
    make_large();
    assert_int_equal(mkfifo(path, 0600), 0);
    writer w = { .fd = -1, .path = path, .data = large, .size = 50000 };
    assert_int_equal(pthread_create(&thread, NULL, write_all, &w), 0);
    assert_int_equal(lami_source_open(&source, path, NULL, 0), LAM_OK);
    pthread_join(thread, NULL);
    assert_true(source.size == 50000 && !memcmp(source.data, large, 50000));
    lami_source_close(&source);
}

static void each_failed_allocation_is_survived(void **state)
{
    (void)state;
    lami_source source;
    make_large();
    write_packed("memory", large, LARGE);
    const char *path = in_folder("memory");
    int failures = 0;
    for (long n = 1;; n++) {
        lami_alloc_fail_at(n);
        const lam_status status = lami_source_open(&source, path, NULL, 0);
        lami_alloc_fail_at(0);
        if (!status)
            break;
        assert_int_equal(status, LAM_ENOMEM);
        failures++;
    }
    assert_true(failures >= 3);
    assert_int_equal(source.size, LARGE);
    lami_source_close(&source);
}

static void bytes_in_memory_unpack_like_a_file(void **state)
{
    (void)state;
    static uint8_t packed[2 * LARGE], out[LARGE];
    lami_gzip *in;
    make_large();
    const size_t size = pack(packed, sizeof packed, large, LARGE);
    assert_int_equal(lami_gzip_open_bytes(&in, "some bytes", packed, size), LAM_OK);
    assert_int_equal(lami_gzip_packed(in), 1);
    assert_int_equal(lami_gzip_read(in, out, LARGE), LAM_OK);
    assert_int_equal(lami_gzip_end(in), LAM_OK);
    assert_memory_equal(out, large, LARGE);
    lami_gzip_close(in);
    assert_int_equal(lami_gzip_open_bytes(&in, "some bytes", large, LARGE), LAM_OK);
    assert_int_equal(lami_gzip_packed(in), 0);
    assert_int_equal(lami_gzip_skip(in, 1000), LAM_OK);
    assert_int_equal(lami_gzip_read(in, out, LARGE - 1000), LAM_OK);
    assert_memory_equal(out, large + 1000, LARGE - 1000);
    assert_int_equal(lami_gzip_end(in), LAM_OK);
    lami_gzip_close(in);
    assert_int_equal(lami_gzip_open_bytes(&in, "some bytes", packed, size - 9), LAM_OK);
    assert_int_equal(lami_gzip_read(in, out, LARGE), LAM_OK);
    assert_int_equal(lami_gzip_end(in), LAM_EFORMAT);
    assert_message("some bytes");
    lami_gzip_close(in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_read_plain_and_packed),    cmocka_unit_test(packed_data_may_have_several_members),
        cmocka_unit_test(limits_hold_for_what_is_not_mapped), cmocka_unit_test(what_cannot_be_read_is_named),
        cmocka_unit_test(standard_input_is_read_to_its_end),  cmocka_unit_test(named_pipes_are_read_like_files),
        cmocka_unit_test(each_failed_allocation_is_survived), cmocka_unit_test(bytes_in_memory_unpack_like_a_file),
    };
    return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
