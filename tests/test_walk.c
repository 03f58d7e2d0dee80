/* walk: folders and image files in order, links, loops, what cannot be read, failed allocations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../src/core/mem.h"
#include "../src/data/walk.h"
#include "folder.h"

static lami_names names;

static int forget_names(void **state)
{
    (void)state;
    lami_names_free(&names);
    return folder_teardown(NULL);
}

static void link_to(const char *target, const char *name)
{
    assert_int_equal(symlink(target, in_folder(name)), 0);
}

static void touch(const char *name)
{
    write_file(name, "", 0);
}

/* The names found, each from below the test's folder on, with a blank between. */
static void expect_names(const char *want)
{
    char all[1024] = "";
    const size_t skipped = strlen(folder) + 1;
    for (size_t i = 0; i < names.count; i++) {
        const char *name = lami_names_get(&names, i);
        if (!strncmp(name, folder, skipped - 1))
            name += skipped;
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i ? " " : "", name);
    }
    assert_string_equal(all, want);
}

static void expect_images(int deep, const char *want)
{
    lami_names_free(&names);
    assert_int_equal(lami_walk_images(&names, folder, deep), LAM_OK);
    expect_names(want);
}

static void expect_error(lam_status status, const char *what)
{
    lami_names_free(&names);
    assert_int_equal(lami_walk_images(&names, folder, 1), status);
    assert_message(what);
}

static void files_are_found_in_the_order_of_their_bytes(void **state)
{
    (void)state;
    touch("b.jpg");
    touch("B.PNG");
    touch("a.txt");
    touch(".hidden.jpg");
    touch("\xff.jpeg");
    make_folder("c");
    touch("c/2.jpg");
    touch("c/10.jpg");
    make_folder(".d");
    touch(".d/1.jpg");
    make_folder("c.jpg"); /* a folder whatever its name */
    touch("c.jpg/1.png");
    expect_images(0, "B.PNG b.jpg \xff.jpeg");
    expect_images(1, "B.PNG b.jpg c/10.jpg c/2.jpg c.jpg/1.png \xff.jpeg");
    lami_names_free(&names);
    assert_int_equal(lami_walk_folders(&names, folder), LAM_OK);
    expect_names("c c.jpg");
}

static void names_are_added_to_those_that_are_there(void **state)
{
    (void)state;
    make_folder("x");
    make_folder("y");
    touch("x/1.png");
    touch("y/1.png");
    lami_names_free(&names);
    assert_int_equal(lami_walk_images(&names, in_folder("y"), 0), LAM_OK);
    assert_int_equal(lami_walk_images(&names, in_folder("x"), 0), LAM_OK);
    expect_names("y/1.png x/1.png");
}

static void links_are_followed(void **state)
{
    (void)state;
    make_folder("real");
    touch("real/1.png");
    link_to("real", "linked");
    link_to("real/1.png", "one.png");
    expect_images(1, "linked/1.png one.png real/1.png");
    lami_names_free(&names);
    assert_int_equal(lami_walk_folders(&names, folder), LAM_OK);
    expect_names("linked real");
}

/* Links that lead nowhere, or round: those with the name of an image are for the reader to report. */
static void links_that_lead_nowhere_are_images_by_their_names(void **state)
{
    (void)state;
    link_to("nowhere", "a.png");
    link_to("nowhere", "b");
    link_to("c.png", "c.png");
    expect_images(1, "a.png c.png");
    link_to("d", "d");
    expect_error(LAM_EFORMAT, "/d: a symbolic link that leads to itself");
    lami_names_free(&names);
    assert_int_equal(lami_walk_folders(&names, folder), LAM_EFORMAT);
    assert_message("/d: a symbolic link that leads to itself");
}

static void links_to_a_folder_above_are_an_error(void **state)
{
    (void)state;
    make_folder("a");
    make_folder("a/b");
    touch("a/b/1.png");
    link_to("..", "a/b/up");
    expect_error(LAM_EFORMAT, "a/b/up: symbolic links that lead back to a folder above");
    lami_names_free(&names); /* not gone into */
    assert_int_equal(lami_walk_images(&names, in_folder("a/b"), 0), LAM_OK);
    expect_names("a/b/1.png");
}

static void folders_within_folders_without_end_are_an_error(void **state)
{
    (void)state;
    char path[FOLDER_PATH] = "d";
    for (int depth = 1; depth < LAMI_WALK_DEPTH; depth++) {
        make_folder(path);
        snprintf(path + strlen(path), sizeof path - strlen(path), "/d");
    }
    snprintf(path + strlen(path) - 1, 8, "1.png");
    touch(path);
    lami_names_free(&names);
    assert_int_equal(lami_walk_images(&names, folder, 1), LAM_OK);
    assert_int_equal(names.count, 1);
    snprintf(path + strlen(path) - 5, 8, "d");
    make_folder(path);
    expect_error(LAM_EFORMAT, "/d: more than 32 folders deep");
}

static void what_is_not_there_is_named(void **state)
{
    (void)state;
    lami_names_free(&names);
    assert_int_equal(lami_walk_images(&names, in_folder("none"), 1), LAM_EREAD);
    assert_message("/none: No such file or directory");
    assert_int_equal(lami_walk_folders(&names, in_folder("none")), LAM_EREAD);
    assert_message("/none: No such file or directory");
}

static void what_may_not_be_read_is_named(void **state)
{
    (void)state;
    if (!geteuid())
        skip(); /* who may read everything */
    make_folder("closed");
    touch("closed/1.png");
    assert_int_equal(chmod(in_folder("closed"), 0), 0);
    expect_error(LAM_EREAD, "/closed: Permission denied");
    assert_int_equal(chmod(in_folder("closed"), 0600), 0); /* names, but nothing about them */
    expect_images(1, "closed/1.png");
    assert_int_equal(chmod(in_folder("closed"), 0700), 0);
    make_folder("closed/c");
    assert_int_equal(chmod(in_folder("closed"), 0600), 0);
    expect_error(LAM_EREAD, "/closed/c: Permission denied");
    assert_int_equal(chmod(in_folder("closed"), 0700), 0);
}

static void a_glance_sees_image_files_so_far_down(void **state)
{
    (void)state;
    assert_int_equal(lami_walk_has_images(folder, 3), 0);
    assert_int_equal(lami_walk_has_images(in_folder("none"), 3), 0);
    touch("a.txt");
    link_to(".", "round");
    make_folder("train");
    make_folder("train/.hidden");
    touch("train/.hidden/1.png");
    assert_int_equal(lami_walk_has_images(folder, 3), 0);
    make_folder("train/cat");
    touch("train/cat/1.png");
    assert_int_equal(lami_walk_has_images(folder, 1), 0);
    assert_int_equal(lami_walk_has_images(folder, 2), 1);
    lami_alloc_fail_at(1);
    assert_int_equal(lami_walk_has_images(folder, 2), -1);
    lami_alloc_fail_at(0);
    assert_message("out of memory");
}

static void every_failed_allocation_is_reported(void **state)
{
    (void)state;
    make_folder("a");
    make_folder("b");
    touch("a/1.png");
    touch("a/2.png");
    touch("b/1.png");
    for (int folders = 0; folders < 2; folders++) {
        lam_status status = LAM_ENOMEM;
        for (long n = 1; status; n++) {
            lami_names_free(&names);
            lami_alloc_fail_at(n);
            status = folders ? lami_walk_folders(&names, folder) : lami_walk_images(&names, folder, 1);
            lami_alloc_fail_at(0);
            assert_true(status == LAM_OK || status == LAM_ENOMEM);
            assert_true(n < 40);
        }
        expect_names(folders ? "a b" : "a/1.png a/2.png b/1.png");
    }
}

/* A fresh folder for each. */
#define WALK_TEST(test) cmocka_unit_test_setup_teardown(test, folder_setup, forget_names)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WALK_TEST(files_are_found_in_the_order_of_their_bytes),
        WALK_TEST(names_are_added_to_those_that_are_there),
        WALK_TEST(links_are_followed),
        WALK_TEST(links_that_lead_nowhere_are_images_by_their_names),
        WALK_TEST(links_to_a_folder_above_are_an_error),
        WALK_TEST(folders_within_folders_without_end_are_an_error),
        WALK_TEST(what_is_not_there_is_named),
        WALK_TEST(what_may_not_be_read_is_named),
        WALK_TEST(a_glance_sees_image_files_so_far_down),
        WALK_TEST(every_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
