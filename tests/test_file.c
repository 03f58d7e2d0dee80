/* file: reading whole files, writing them atomically. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../src/core/file.h"
#include "../src/core/mem.h"

static char folder[] = "/tmp/lamina-file-XXXXXX";
static char target[64];

static size_t entries(void)
{
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    size_t count = 0;
    while (readdir(dir))
        count++;
    closedir(dir);
    return count - 2; /* . and .. */
}

static void put_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
}

static void assert_content(const char *path, const char *expected)
{
    lami_blob blob;
    assert_int_equal(lami_blob_open(&blob, path, 1 << 20), LAM_OK);
    assert_int_equal(blob.size, strlen(expected));
    assert_memory_equal(blob.data, expected, blob.size);
    lami_blob_close(&blob);
    assert_null(blob.data);
}

static int setup(void **state)
{
    (void)state;
    memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
    if (!mkdtemp(folder))
        return -1;
    snprintf(target, sizeof target, "%s/model", folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "chmod -R u+w %s && rm -rf %s", folder, folder);
    return system(command);
}

static void a_file_is_read_whole(void **state)
{
    (void)state;
    put_file(target, "hello");
    assert_content(target, "hello");
    put_file(target, "");
    assert_content(target, "");
}

static void what_cannot_be_mapped_is_read(void **state)
{
    (void)state;
    lami_blob blob;
    int ends[2];
    char path[32];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "through a pipe", 14), 14);
    close(ends[1]);
    snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
    assert_content(path, "through a pipe");
    close(ends[0]);
    assert_int_equal(lami_blob_open(&blob, "/proc/self/status", 1 << 20), LAM_OK); /* says it has 0 bytes */
    assert_true(blob.size > 100 && !blob.mapped);
    lami_blob_close(&blob);
}

static void assert_open_fails(const char *path, size_t limit, lam_status expected, const char *message)
{
    lami_blob blob;
    assert_int_equal(lami_blob_open(&blob, path, limit), expected);
    assert_string_equal(lam_last_error(), message);
    assert_null(blob.data);
}

static void unreadable_files_are_named(void **state)
{
    (void)state;
    char message[256];
    snprintf(message, sizeof message, "cannot read %s: No such file or directory", target);
    assert_open_fails(target, 100, LAM_EREAD, message);
    snprintf(message, sizeof message, "cannot read %s: Is a directory", folder);
    assert_open_fails(folder, 100, LAM_EREAD, message);
    put_file(target, "12345");
    snprintf(message, sizeof message, "%s is larger than 4 bytes", target);
    assert_open_fails(target, 4, LAM_EFORMAT, message);
    assert_open_fails("/dev/zero", 1000000, LAM_EFORMAT, "/dev/zero is larger than 1000000 bytes");
}

static void write_out(const char *path, const char *text)
{
    lami_writer w;
    assert_int_equal(lami_writer_open(&w, path), LAM_OK);
    assert_int_equal(lami_writer_put(&w, text, strlen(text)), LAM_OK);
    assert_int_equal(lami_writer_commit(&w), LAM_OK);
    lami_writer_drop(&w);
}

static void a_commit_replaces_the_file_and_leaves_nothing_else(void **state)
{
    (void)state;
    write_out(target, "first");
    assert_content(target, "first");
    write_out(target, "the second");
    assert_content(target, "the second");
    assert_int_equal(entries(), 1);
}

static void until_the_commit_the_old_file_stays(void **state)
{
    (void)state;
    lami_writer w;
    put_file(target, "old");
    assert_int_equal(lami_writer_open(&w, target), LAM_OK);
    assert_int_equal(lami_writer_put(&w, "new", 3), LAM_OK);
    assert_content(target, "old");
    lami_writer_drop(&w);
    lami_writer_drop(&w);
    assert_content(target, "old");
    assert_int_equal(entries(), 1);
    lami_writer_drop(&(lami_writer) { 0 });
}

static void two_writers_do_not_meet(void **state)
{
    (void)state;
    lami_writer a, b;
    assert_int_equal(lami_writer_open(&a, target), LAM_OK);
    assert_int_equal(lami_writer_open(&b, target), LAM_OK);
    assert_int_equal(lami_writer_put(&a, "a", 1), LAM_OK);
    assert_int_equal(lami_writer_put(&b, "b", 1), LAM_OK);
    assert_int_equal(lami_writer_commit(&a), LAM_OK);
    assert_int_equal(lami_writer_commit(&b), LAM_OK);
    assert_content(target, "b");
    assert_int_equal(entries(), 1);
}

static void names_as_long_as_the_system_allows_work(void **state)
{
    (void)state;
    char name[256], *path;
    memset(name, 'n', 255);
    name[255] = 0;
    path = lami_path_join(folder, name);
    write_out(path, "long");
    assert_content(path, "long");
    lami_free(path);
}

static void links_are_followed_and_permissions_kept(void **state)
{
    (void)state;
    char *link_path = lami_path_join(folder, "link");
    struct stat st;
    put_file(target, "old");
    assert_int_equal(chmod(target, 0640), 0);
    assert_int_equal(symlink("model", link_path), 0);
    write_out(link_path, "new");
    assert_content(target, "new");
    assert_int_equal(lstat(link_path, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_int_equal(stat(target, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    lami_free(link_path);
}

static void assert_writer_fails(const char *path, const char *reason)
{
    lami_writer w;
    char message[256];
    assert_int_equal(lami_writer_open(&w, path), LAM_EWRITE);
    snprintf(message, sizeof message, "cannot write %s: %s", path, reason);
    assert_string_equal(lam_last_error(), message);
    lami_writer_drop(&w);
}

static void places_that_cannot_be_written_are_named(void **state)
{
    (void)state;
    char *missing = lami_path_join(folder, "none/model");
    assert_writer_fails(missing, "No such file or directory");
    lami_free(missing);
    assert_writer_fails(folder, "Is a directory");
    assert_writer_fails("", "No such file or directory");
    char *nameless = lami_path_join(folder, "new/");
    assert_writer_fails(nameless, "Is a directory");
    lami_free(nameless);
    assert_int_equal(entries(), 0);
}

/* root may write anywhere: so as somebody else */
static void unwritable_folders_and_files_are_named(void **state)
{
    (void)state;
    const uid_t user = geteuid();
    put_file(target, "old");
    assert_int_equal(chmod(target, 0444), 0);
    assert_int_equal(chmod(folder, 0555), 0);
    if (user == 0 && seteuid(65534))
        skip();
    char *other = lami_path_join(folder, "other");
    assert_writer_fails(other, "Permission denied");
    lami_free(other);
    if (user) {
        assert_writer_fails(target, "Permission denied");
        return;
    }
    assert_int_equal(seteuid(user), 0);
}

static void a_full_disk_is_an_error_at_put_or_commit(void **state)
{
    (void)state;
    lami_writer w;
    char *zeros = lami_alloc(1 << 20, 1);
    if (access("/dev/full", W_OK))
        skip();
    assert_int_equal(lami_writer_open(&w, "/dev/full"), LAM_OK);
    assert_int_equal(lami_writer_put(&w, "x", 1), LAM_OK); /* still in the buffer */
    assert_int_equal(lami_writer_commit(&w), LAM_EWRITE);
    assert_string_equal(lam_last_error(), "cannot write /dev/full: No space left on device");
    assert_int_equal(lami_writer_open(&w, "/dev/full"), LAM_OK);
    assert_int_equal(lami_writer_put(&w, zeros, 1 << 20), LAM_EWRITE);
    assert_string_equal(lam_last_error(), "cannot write /dev/full: No space left on device");
    assert_int_equal(lami_writer_commit(&w), LAM_EWRITE);
    assert_string_equal(lam_last_error(), "cannot write /dev/full: No space left on device");
    assert_int_equal(access("/dev/full", F_OK), 0);
    lami_free(zeros);
}

/* A limit on the size of files stands in for a full disk under a file that is to be renamed. */
static void a_commit_that_fails_keeps_the_old_file_and_removes_the_new(void **state)
{
    (void)state;
    struct rlimit before, small = { .rlim_cur = 1000 };
    lami_writer w;
    static const char data[5000];
    char message[256];
    put_file(target, "old");
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small.rlim_max = before.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    const lam_status opened = lami_writer_open(&w, target);
    for (int through_file = 0; through_file < 2; through_file++) {
        if (through_file) {
            lami_writer_open(&w, target);
            for (int i = 0; i < 5000; i++)
                putc(0, w.file); /* the stream's error is the only trace */
        } else
            lami_writer_put(&w, data, 1500);
        assert_int_equal(lami_writer_commit(&w), LAM_EWRITE);
        snprintf(message, sizeof message, "cannot write %s: ", target);
        assert_memory_equal(lam_last_error(), message, strlen(message));
        assert_null(w.file);
    }
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(opened, LAM_OK);
    assert_content(target, "old");
    assert_int_equal(entries(), 1);
}

static void a_name_that_became_a_folder_is_an_error(void **state)
{
    (void)state;
    lami_writer w;
    assert_int_equal(lami_writer_open(&w, target), LAM_OK);
    assert_int_equal(mkdir(target, 0777), 0);
    assert_int_equal(lami_writer_commit(&w), LAM_EWRITE);
    assert_int_equal(entries(), 1);
    assert_int_equal(lami_writer_commit(&w), LAM_EINVAL); /* closed already */
}

static void devices_are_written_not_replaced(void **state)
{
    (void)state;
    struct stat st;
    write_out("/dev/null", "gone");
    assert_int_equal(stat("/dev/null", &st), 0);
    assert_true(S_ISCHR(st.st_mode));
}

static void memory_that_runs_out_leaves_no_trace(void **state)
{
    (void)state;
    lami_writer w;
    lami_blob blob;
    int failures = 0;
    for (long n = 1;; n++) {
        lami_alloc_fail_at(n);
        lam_status status = lami_writer_open(&w, target);
        if (!status)
            status = lami_writer_commit(&w);
        if (!status)
            break;
        assert_int_equal(status, LAM_ENOMEM);
        assert_non_null(strstr(lam_last_error(), "out of memory"));
        failures++;
        remove(target); /* the folder's name is copied after the rename */
        assert_int_equal(entries(), 0);
    }
    lami_alloc_fail_at(1);
    assert_int_equal(lami_blob_open(&blob, "/proc/self/status", 1 << 20), LAM_ENOMEM);
    lami_alloc_fail_at(1);
    assert_null(lami_path_join("a", "b"));
    lami_alloc_fail_at(0);
    assert_true(failures >= 2);
}

static void paths_join_with_one_slash(void **state)
{
    (void)state;
    const char *const rows[][3] = { { "a", "b", "a/b" }, { "a/", "b", "a/b" }, { "", "b", "b" }, { "/", "b", "/b" } };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *path = lami_path_join(rows[i][0], rows[i][1]);
        assert_string_equal(path, rows[i][2]);
        lami_free(path);
    }
}

static void files_and_folders_are_told_apart(void **state)
{
    (void)state;
    put_file(target, "");
    assert_true(lami_is_file(target) && !lami_is_folder(target));
    assert_true(!lami_is_file(folder) && lami_is_folder(folder));
    assert_true(!lami_is_file("/none/at/all") && !lami_is_folder("/none/at/all"));
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_file_is_read_whole),
        IN_FOLDER(what_cannot_be_mapped_is_read),
        IN_FOLDER(unreadable_files_are_named),
        IN_FOLDER(a_commit_replaces_the_file_and_leaves_nothing_else),
        IN_FOLDER(until_the_commit_the_old_file_stays),
        IN_FOLDER(two_writers_do_not_meet),
        IN_FOLDER(names_as_long_as_the_system_allows_work),
        IN_FOLDER(links_are_followed_and_permissions_kept),
        IN_FOLDER(places_that_cannot_be_written_are_named),
        IN_FOLDER(unwritable_folders_and_files_are_named),
        IN_FOLDER(a_full_disk_is_an_error_at_put_or_commit),
        IN_FOLDER(a_commit_that_fails_keeps_the_old_file_and_removes_the_new),
        IN_FOLDER(a_name_that_became_a_folder_is_an_error),
        IN_FOLDER(devices_are_written_not_replaced),
        IN_FOLDER(memory_that_runs_out_leaves_no_trace),
        IN_FOLDER(paths_join_with_one_slash),
        IN_FOLDER(files_and_folders_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
