/* gzip and tar: streams from files, whole and damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../src/core/mem.h"
#include "../src/data/gzip.h"
#include "../src/data/tar.h"
#include "folder.h"
#include "tar_file.h"

enum { SIZE = 300000 };

static uint8_t content[SIZE], packed[SIZE], back[SIZE];

static void fill(void)
{
    uint32_t x = 1;
    for (int i = 0; i < SIZE; i++) {
        x = x * 1664525u + 1013904223u;
        content[i] = (uint8_t)(i % 7 ? x >> 29 : (uint32_t)i);
    }
}

/* Open, read all of `size` bytes and check the end. */
static lam_status read_all(const char *path, size_t size)
{
    lami_gzip *in;
    lam_status status = lami_gzip_open(&in, path);
    if (!status)
        status = lami_gzip_read(in, back, size);
    if (!status)
        status = lami_gzip_end(in);
    lami_gzip_close(in);
    return status;
}

static void plain_and_packed_files_give_the_same_bytes(void **state)
{
    (void)state;
    fill();
    write_file("plain", content, SIZE);
    write_packed("packed.gz", content, SIZE);
    assert_int_equal(read_all(in_folder("plain"), SIZE), LAM_OK);
    assert_memory_equal(back, content, SIZE);
    memset(back, 0, SIZE);
    assert_int_equal(read_all(in_folder("packed.gz"), SIZE), LAM_OK);
    assert_memory_equal(back, content, SIZE);
}

static void reads_of_any_size_and_skips_join_up(void **state)
{
    (void)state;
    static const char *const names[] = { "plain", "packed.gz" };
    fill();
    write_file("plain", content, SIZE);
    write_packed("packed.gz", content, SIZE);
    for (int f = 0; f < 2; f++) {
        lami_gzip *in;
        assert_int_equal(lami_gzip_open(&in, in_folder(names[f])), LAM_OK);
        assert_int_equal(lami_gzip_packed(in), f);
        assert_true(f ? lami_gzip_most(in) >= SIZE : lami_gzip_most(in) == SIZE);
        static const size_t sizes[] = { 1, 0, 513, 70000, 3, 65536, 65535, 9000 };
        size_t at = 0;
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            assert_int_equal(lami_gzip_read(in, back, sizes[i]), LAM_OK);
            assert_memory_equal(back, content + at, sizes[i]);
            at += sizes[i];
            assert_int_equal(lami_gzip_skip(in, 1234), LAM_OK);
            at += 1234;
            assert_int_equal(lami_gzip_at(in), at);
        }
        size_t got;
        assert_int_equal(lami_gzip_read_some(in, back, SIZE, &got), LAM_OK);
        assert_int_equal(got, SIZE - at);
        assert_int_equal(lami_gzip_read_some(in, back, SIZE, &got), LAM_OK);
        assert_int_equal(got, 0);
        assert_int_equal(lami_gzip_end(in), LAM_OK);
        assert_int_equal(lami_gzip_read(in, back, 1), LAM_EFORMAT);
        assert_message(names[f]);
        lami_gzip_close(in);
    }
}

static void members_one_after_another_are_one_stream(void **state)
{
    (void)state;
    fill();
    size_t size = pack(packed, SIZE, content, 1000);
    size += pack(packed + size, SIZE - size, content, 0);
    size += pack(packed + size, SIZE - size, content + 1000, 500);
    write_file("members.gz", packed, size);
    assert_int_equal(read_all(in_folder("members.gz"), 1500), LAM_OK);
    assert_memory_equal(back, content, 1500);
}

static void a_packed_file_cut_at_any_length_is_an_error(void **state)
{
    (void)state;
    fill();
    const size_t size = pack(packed, SIZE, content, 200);
    for (size_t n = 2; n < size; n++) {
        write_file("cut.gz", packed, n);
        assert_int_equal(read_all(in_folder("cut.gz"), 200), LAM_EFORMAT);
        assert_message("cut.gz");
    }
}

static void a_flipped_bit_anywhere_in_the_data_is_an_error(void **state)
{
    (void)state;
    fill();
    const size_t size = pack(packed, SIZE, content, 200);
    for (size_t i = 10; i < size; i++) { /* the header's time and system may be anything */
        for (int bit = 0; bit < 8; bit += 3) {
            packed[i] ^= (uint8_t)(1 << bit);
            write_file("flip.gz", packed, size);
            assert_int_equal(read_all(in_folder("flip.gz"), 200), LAM_EFORMAT);
            assert_message("flip.gz");
            packed[i] ^= (uint8_t)(1 << bit);
        }
    }
}

static void bytes_after_the_end_are_an_error(void **state)
{
    (void)state;
    fill();
    const size_t size = pack(packed, SIZE, content, 200);
    memcpy(packed + size, "tail", 4);
    write_file("tail.gz", packed, size + 4);
    assert_int_equal(read_all(in_folder("tail.gz"), 200), LAM_EFORMAT);
    assert_message("other bytes follow the gzip data");
    write_file("tail", content, 201);
    assert_int_equal(read_all(in_folder("tail"), 200), LAM_EFORMAT);
    assert_message("from byte 200");
    write_file("short", content, 199);
    assert_int_equal(read_all(in_folder("short"), 200), LAM_EFORMAT);
    assert_message("short");
}

static void what_is_no_regular_file_is_refused(void **state)
{
    (void)state;
    lami_gzip *in;
    assert_int_equal(lami_gzip_open(&in, in_folder("missing")), LAM_EREAD);
    assert_null(in);
    assert_message("missing");
    assert_int_equal(lami_gzip_open(&in, folder), LAM_EREAD);
    assert_message(folder);
    assert_int_equal(mkfifo(in_folder("pipe"), 0600), 0);
    assert_int_equal(lami_gzip_open(&in, in_folder("pipe")), LAM_EREAD);
    assert_message("not a regular file");
}

static void every_failed_allocation_is_reported(void **state)
{
    (void)state;
    fill();
    write_packed("packed.gz", content, 5000);
    int failures = 0;
    for (long n = 1;; n++) {
        lami_alloc_fail_at(n);
        const lam_status status = read_all(in_folder("packed.gz"), 5000);
        lami_alloc_fail_at(0);
        if (!status)
            break;
        assert_int_equal(status, LAM_ENOMEM);
        failures++;
    }
    assert_true(failures >= 3);
}

/* ---- tar ---- */

/* Walk the archive; names, sizes and first bytes go to `list` as text. */
static lam_status list_archive(const char *path, char *list, size_t room)
{
    lami_gzip *in;
    lam_status status = lami_gzip_open(&in, path);
    lami_tar tar = lami_tar_make(in);
    size_t length = 0;
    list[0] = 0;
    for (int more = 1; !status && more;) {
        lami_tar_member m;
        status = lami_tar_next(&tar, &m, &more);
        if (status || !more)
            break;
        char first = '.';
        if (m.regular && m.size)
            status = lami_gzip_read(in, &first, 1);
        length += (size_t)snprintf(list + length, room - length, "%s %d %d %c;", m.name, (int)m.size, m.regular, first);
    }
    lami_gzip_close(in);
    return status;
}

static size_t small_archive(uint8_t *archive)
{
    size_t size = tar_add(archive, 0, "top/", '5', NULL, 0);
    size = tar_add(archive, size, "top/a", '0', "alpha", 5);
    size = tar_add(archive, size, "link", '2', NULL, 0);
    return tar_end(archive, tar_add(archive, size, "b", 0, content, 1000));
}

static void an_archive_gives_its_members_packed_or_not(void **state)
{
    (void)state;
    char list[1000];
    fill();
    content[0] = 'c';
    const size_t size = small_archive(packed);
    write_file("a.tar", packed, size);
    write_packed("a.tar.gz", packed, size);
    assert_int_equal(list_archive(in_folder("a.tar"), list, sizeof list), LAM_OK);
    assert_string_equal(list, "top/ 0 0 .;top/a 5 1 a;link 0 0 .;b 1000 1 c;");
    assert_int_equal(list_archive(in_folder("a.tar.gz"), list, sizeof list), LAM_OK);
    assert_string_equal(list, "top/ 0 0 .;top/a 5 1 a;link 0 0 .;b 1000 1 c;");
    assert_true(lami_tar_looks_like(in_folder("a.tar.gz")));
}

static void extension_headers_are_skipped(void **state)
{
    (void)state;
    char list[1000], longest[300];
    memset(longest, 'n', sizeof longest);
    size_t size = tar_add(packed, 0, "pax", 'x', "28 mtime=1700000000.1234567\n", 28);
    size = tar_add(packed, size, "a", '0', "alpha", 5);
    size = tar_add(packed, size, "././@LongLink", 'L', longest, sizeof longest);
    size = tar_add(packed, size, "nnnn/data_batch_1.bin", '0', "beta", 4);
    size = tar_end(packed, tar_add(packed, size, "c", '0', "gamma", 5));
    write_file("ext.tar", packed, size);
    assert_int_equal(list_archive(in_folder("ext.tar"), list, sizeof list), LAM_OK);
    assert_string_equal(list, "a 5 1 a; 4 1 b;c 5 1 g;");
}

static void the_prefix_of_ustar_names_counts(void **state)
{
    (void)state;
    char list[1000];
    size_t size = tar_add(packed, 0, "file", '0', "x", 1);
    memcpy(packed + 345, "some/where", 10);
    tar_checksum(packed);
    size = tar_end(packed, size);
    write_file("prefix.tar", packed, size);
    assert_int_equal(list_archive(in_folder("prefix.tar"), list, sizeof list), LAM_OK);
    assert_string_equal(list, "some/where/file 1 1 x;");
}

static void an_archive_cut_anywhere_is_an_error(void **state)
{
    (void)state;
    char list[1000];
    fill();
    const size_t size = small_archive(packed);
    for (size_t n = 0; n < size; n += n < 1100 ? 1 : 97) {
        write_file("cut.tar", packed, n);
        assert_int_equal(list_archive(in_folder("cut.tar"), list, sizeof list), LAM_EFORMAT);
        assert_message("cut.tar");
    }
}

static void damaged_headers_are_errors(void **state)
{
    (void)state;
    char list[1000];
    fill();
    const size_t size = small_archive(packed);
    packed[TAR_BLOCK + 3]++; /* a name: the checksum is wrong */
    write_file("bad.tar", packed, size);
    assert_int_equal(list_archive(in_folder("bad.tar"), list, sizeof list), LAM_EFORMAT);
    assert_message("no header of a member at byte 512");
    static const char *const sizes[] = { "77777777777", "9", "-1", "\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
                                         "" };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        small_archive(packed);
        memset(packed + TAR_BLOCK + 124, 0, 12);
        memcpy(packed + TAR_BLOCK + 124, sizes[i], strlen(sizes[i]));
        tar_checksum(packed + TAR_BLOCK);
        write_file("bad.tar", packed, size);
        assert_int_equal(list_archive(in_folder("bad.tar"), list, sizeof list), LAM_EFORMAT);
        assert_message("bad.tar");
    }
    small_archive(packed);
    packed[size] = 1;
    write_file("bad.tar", packed, size + 1);
    assert_int_equal(list_archive(in_folder("bad.tar"), list, sizeof list), LAM_EFORMAT);
    assert_message("end of the archive");
    write_file("text", "no archive at all", 17);
    assert_false(lami_tar_looks_like(in_folder("text")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(plain_and_packed_files_give_the_same_bytes, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(reads_of_any_size_and_skips_join_up, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(members_one_after_another_are_one_stream, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(a_packed_file_cut_at_any_length_is_an_error, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(a_flipped_bit_anywhere_in_the_data_is_an_error, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(bytes_after_the_end_are_an_error, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(what_is_no_regular_file_is_refused, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(every_failed_allocation_is_reported, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(an_archive_gives_its_members_packed_or_not, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(extension_headers_are_skipped, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(the_prefix_of_ustar_names_counts, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(an_archive_cut_anywhere_is_an_error, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(damaged_headers_are_errors, folder_setup, folder_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
