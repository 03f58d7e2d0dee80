/* Documentation and tree against the code: every name has its section, links lead somewhere, programs in the README are the
 * examples, and dependencies between the folders of src point one way. */
#include <ctype.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "core/options.h"
#include "layer/layer.h"
#include "loss/loss.h"
#include "optim/optim.h"

enum { PATH_SIZE = 1024, LINE_SIZE = 1024, ROW_SIZE = 2048, FILES_MOST = 1000 };

/* ---- files of the tree ---- */

/* The text of a file of the tree, ended by a 0; free it. NULL: there is none. */
static char *text_of(const char *name)
{
    char path[PATH_SIZE];
    char *text = NULL;
    snprintf(path, sizeof path, "%s/%s", LAMINA_SOURCE, name);
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    if (!fseek(file, 0, SEEK_END)) {
        const long size = ftell(file);
        rewind(file);
        text = size < 0 ? NULL : calloc((size_t)size + 1, 1);
        assert_non_null(text);
        assert_int_equal(fread(text, 1, (size_t)size, file), size);
    }
    fclose(file);
    return text;
}

static char *existing(const char *name)
{
    char *text = text_of(name);
    if (!text)
        fail_msg("%s is missing", name);
    return text;
}

/* Names of files below a folder, from the top of the tree on. */
static char file_name[FILES_MOST][PATH_SIZE];
static size_t files;

static int add_file(const char *path, const struct stat *st, int kind, struct FTW *place)
{
    (void)st, (void)place;
    if (kind == FTW_F && files < FILES_MOST)
        snprintf(file_name[files++], PATH_SIZE, "%s", path + sizeof LAMINA_SOURCE);
    return 0;
}

static void find_files(const char *folder)
{
    char path[sizeof LAMINA_SOURCE + PATH_SIZE];
    snprintf(path, sizeof path, "%s/%s", LAMINA_SOURCE, folder);
    nftw(path, add_file, 8, FTW_PHYS);
    assert_in_range(files, 1, FILES_MOST - 1);
}

static int ends_with(const char *text, const char *end)
{
    const size_t length = strlen(text), n = strlen(end);
    return length >= n && !strcmp(text + length - n, end);
}

static int is_source(const char *name)
{
    return ends_with(name, ".c") || ends_with(name, ".h");
}

/* ---- sections ---- */

/* The anchor that a heading gets: lower case, blanks as '-', without marks. */
static void anchor_of(char *anchor, const char *heading)
{
    for (; *heading && *heading != '\n'; heading++)
        if (isalnum((unsigned char)*heading) || *heading == '_' || *heading == '-')
            *anchor++ = (char)tolower((unsigned char)*heading);
        else if (*heading == ' ')
            *anchor++ = '-';
    *anchor = 0;
}

static int has_section(const char *text, const char *anchor)
{
    char found[LINE_SIZE];
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        const size_t marks = strspn(line, "#");
        if (marks && line[marks] == ' ' && strcspn(line, "\n") < LINE_SIZE) {
            anchor_of(found, line + marks + 1);
            if (!strcmp(found, anchor))
                return 1;
        }
        if (!*line)
            break;
    }
    return 0;
}

static void expect_section(const char *file, const char *text, const char *name)
{
    if (!has_section(text, name))
        fail_msg("%s has no section %s", file, name);
}

/* Add a cell with `text` to row[ROW_SIZE], between `mark`s; a bar inside a table is written \|. */
static void add_cell(char *row, const char *mark, const char *text)
{
    size_t end = strlen(row);
    assert_true(end + 2 * strlen(text) + 16 < ROW_SIZE);
    if (!*text)
        mark = "";
    end += (size_t)snprintf(row + end, ROW_SIZE - end, " %s", mark);
    for (; *text; text++)
        end += (size_t)snprintf(row + end, ROW_SIZE - end, "%s%c", *text == '|' ? "\\" : "", *text);
    snprintf(row + end, ROW_SIZE - end, "%s |", mark);
}

/* An option as docs/options.md shows it: name and value, default, range, help. */
static void option_row(char row[ROW_SIZE], const lami_option *o)
{
    char name[LINE_SIZE], range[LINE_SIZE] = "";
    snprintf(name, sizeof name, "%s%s%s", o->name, *o->value_name ? " " : "", o->value_name);
    if (o->choices)
        snprintf(range, sizeof range, "%s", o->choices);
    else if (o->kind == LAMI_REAL || o->kind == LAMI_SIZE)
        snprintf(range, sizeof range, "%.16g to %.16g", o->least, o->most);
    snprintf(row, ROW_SIZE, "\n|");
    add_cell(row, "`", name);
    add_cell(row, "`", o->default_text);
    add_cell(row, "", range);
    add_cell(row, "", o->help);
}

static void every_option_is_in_docs_options(void **state)
{
    (void)state;
    char *text = existing("docs/options.md"), row[ROW_SIZE];
    size_t missing = 0;
    for (size_t i = 0; i < lami_option_count; i++) {
        option_row(row, &lami_option_table[i]);
        if (!strstr(text, row)) {
            print_error("docs/options.md lacks this row:%s\n", row);
            missing++;
        }
    }
    free(text);
    assert_int_equal(missing, 0);
}

static void every_layer_loss_and_update_rule_has_a_section_in_docs_math(void **state)
{
    (void)state;
    char *text = existing("docs/math.md");
    for (size_t i = 0; lami_layers[i]; i++)
        expect_section("docs/math.md", text, lami_layers[i]->name);
    for (size_t i = 0; lami_losses[i]; i++)
        expect_section("docs/math.md", text, lami_losses[i]->name);
    for (size_t i = 0; lami_optims[i]; i++)
        expect_section("docs/math.md", text, lami_optims[i]->name);
    free(text);
}

static void expect_word(const char *text, const char *name)
{
    char row[LINE_SIZE];
    snprintf(row, sizeof row, "\n| `%s", name);
    if (!strstr(text, row))
        fail_msg("docs/notation.md has no row for %s", name);
}

static void every_layer_and_loss_is_in_docs_notation(void **state)
{
    (void)state;
    char *text = existing("docs/notation.md");
    for (size_t i = 0; lami_layers[i]; i++)
        expect_word(text, lami_layers[i]->name);
    for (size_t i = 0; lami_losses[i]; i++)
        expect_word(text, lami_losses[i]->name);
    free(text);
}

static void readme_shows_the_example_program_as_it_is(void **state)
{
    (void)state;
    char *readme = existing("README.md"), *example = existing("examples/train.c");
    const char *program = strstr(example, "#include"); /* after the comment */
    assert_non_null(program);
    if (!strstr(readme, program))
        fail_msg("README.md does not hold examples/train.c");
    free(readme);
    free(example);
}

/* ---- links ---- */

/* `target`, as written in file `from`: a file of the tree, with a section where one is named. */
static void expect_target(const char *from, const char *target)
{
    char path[2 * PATH_SIZE] = "", name[PATH_SIZE];
    const char *hash = strchr(target, '#'), *slash = strrchr(from, '/');
    snprintf(name, sizeof name, "%.*s", hash ? (int)(hash - target) : (int)strlen(target), target);
    if (*name && slash && !strncmp(name, "../", 3))
        snprintf(path, sizeof path, "%s", name + 3);
    else if (*name)
        snprintf(path, sizeof path, "%.*s%s", slash ? (int)(slash + 1 - from) : 0, from, name);
    else
        snprintf(path, sizeof path, "%.*s", (int)PATH_SIZE, from);
    char full[3 * PATH_SIZE];
    struct stat st;
    snprintf(full, sizeof full, "%s/%s", LAMINA_SOURCE, path);
    if (stat(full, &st))
        fail_msg("%s: %s leads nowhere", from, target);
    if (!hash)
        return;
    char *text = existing(path);
    if (!has_section(text, hash + 1))
        fail_msg("%s: %s: there is no such section", from, target);
    free(text);
}

static void links_of_the_documentation_lead_somewhere(void **state)
{
    (void)state;
    static const char *const documents[] = { "README.md", "CONTRIBUTING.md" };
    files = 0;
    find_files("docs");
    for (size_t i = 0; i < 2; i++)
        snprintf(file_name[files++], PATH_SIZE, "%s", documents[i]);
    for (size_t i = 0; i < files; i++) {
        char *text = existing(file_name[i]);
        for (const char *at = text; (at = strstr(at, "](")); at++) {
            char target[PATH_SIZE];
            snprintf(target, sizeof target, "%.*s", (int)strcspn(at + 2, ")\n"), at + 2);
            if (!strstr(target, "://"))
                expect_target(file_name[i], target);
        }
        free(text);
    }
}

/* docs/NAME.md or docs/NAME.md#section */
static void comments_name_documents_that_are_there(void **state)
{
    (void)state;
    files = 0;
    find_files("src");
    find_files("include");
    for (size_t i = 0; i < files; i++) {
        char *text = existing(file_name[i]);
        for (const char *at = text; (at = strstr(at, "docs/")); at++) {
            char target[PATH_SIZE] = "../";
            const size_t length = strspn(at, "abcdefghijklmnopqrstuvwxyz_/.#");
            snprintf(target + 3, sizeof target - 3, "%.*s", (int)length, at);
            if (ends_with(target, "."))
                target[strlen(target) - 1] = 0;
            expect_target("docs/from", target);
        }
        free(text);
    }
}

/* ---- the tree ---- */

/* What the files of a folder of src may include of others; core, their own folder and lamina.h are free for all. */
static const struct rule {
    const char *folder, *may;
} rules[] = {
    { "core", " kern/vec.h " }, /* core/math.t.h: compiled with the kernels */
    { "kern", " " },
    { "data", " " },
    { "format", " " },
    { "plan", " kern/ops.h " },
    { "layer", " plan/plan.h " },
    { "loss", " layer/layer.h plan/plan.h " },
    { "optim", " plan/plan.h " },
    { "net", " kern/ops.h plan/plan.h layer/layer.h loss/loss.h optim/optim.h data/augment.h data/data.h data/prep.h "
             "format/safetensors.h " },
    { "train", " kern/ plan/plan.h optim/optim.h net/ data/ format/ " },
    { "cli", " kern/ plan/ layer/ loss/ optim/ net/ data/ format/ train/ " },
};

static void check_include(const struct rule *rule, const char *file, const char *included)
{
    char exact[PATH_SIZE + 2], folder[PATH_SIZE + 2];
    const int own = (int)strcspn(included, "/");
    snprintf(exact, sizeof exact, " %s ", included);
    snprintf(folder, sizeof folder, " %.*s/ ", own, included);
    if (!strncmp(included, "core/", 5) || strstr(rule->may, exact) || strstr(rule->may, folder))
        return;
    fail_msg("%s includes %s: dependencies between the folders of src point one way (docs/design.md)", file, included);
}

static void dependencies_between_folders_point_one_way(void **state)
{
    (void)state;
    static const char include[] = "#include \"../";
    for (size_t r = 0; r < sizeof rules / sizeof *rules; r++) {
        char folder[PATH_SIZE];
        snprintf(folder, sizeof folder, "src/%s", rules[r].folder);
        files = 0;
        find_files(folder);
        for (size_t i = 0; i < files; i++) {
            char *text = existing(file_name[i]);
            for (const char *at = text; (at = strstr(at, include)); at++) {
                char included[PATH_SIZE];
                const char *name = at + sizeof include - 1;
                snprintf(included, sizeof included, "%.*s", (int)strcspn(name, "\""), name);
                check_include(&rules[r], file_name[i], included);
            }
            free(text);
        }
    }
}

static void every_folder_of_src_has_a_rule(void **state)
{
    (void)state;
    files = 0;
    find_files("src");
    for (size_t i = 0; i < files; i++) {
        const char *folder = file_name[i] + strlen("src/");
        const size_t length = strcspn(folder, "/");
        size_t r = 0;
        while (r < sizeof rules / sizeof *rules &&
               (strlen(rules[r].folder) != length || strncmp(rules[r].folder, folder, length)))
            r++;
        if (r == sizeof rules / sizeof *rules)
            fail_msg("%s: its folder is not among the rules of this test", file_name[i]);
    }
}

/* Without what follows the last dot. */
static const char *base_of(char base[PATH_SIZE], const char *name)
{
    const char *slash = strrchr(name, '/');
    snprintf(base, PATH_SIZE, "%s", slash ? slash + 1 : name);
    char *dot = strrchr(base, '.');
    if (dot)
        *dot = 0;
    return base;
}

/* x.c and x.h of one folder belong together. */
static void base_names_are_unique(void **state)
{
    (void)state;
    static const char *const folders[] = { "src", "include", "tests", "fuzz", "examples" };
    char a[PATH_SIZE], b[PATH_SIZE];
    files = 0;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        find_files(folders[i]);
    for (size_t i = 0; i < files; i++)
        for (size_t j = 0; j < i; j++) {
            if (!is_source(file_name[i]) || !is_source(file_name[j]) ||
                strcmp(base_of(a, file_name[i]), base_of(b, file_name[j])))
                continue;
            const size_t length = strlen(file_name[i]) - 1;
            if (strlen(file_name[j]) - 1 != length || strncmp(file_name[i], file_name[j], length))
                fail_msg("%s and %s have the same base name", file_name[i], file_name[j]);
        }
}

/* A call of `name` in the text, which is not the end of a longer name. */
static int calls(const char *text, const char *name)
{
    char call[LINE_SIZE];
    snprintf(call, sizeof call, "%s(", name);
    for (const char *at = text; (at = strstr(at, call)); at++)
        if (at == text || !(isalnum((unsigned char)at[-1]) || at[-1] == '_'))
            return 1;
    return 0;
}

static void the_library_neither_prints_nor_exits_nor_copies_without_a_bound(void **state)
{
    (void)state;
    static const char *const banned[] = { "printf", "puts",   "putchar", "perror",  "exit", "_exit",
                                          "abort",  "strcpy", "strcat",  "sprintf", "atoi", "strtok",
                                          "alloca", "malloc", "calloc",  "realloc" };
    files = 0;
    find_files("src");
    for (size_t i = 0; i < files; i++) {
        if (!strncmp(file_name[i], "src/cli/", 8))
            continue;
        char *text = existing(file_name[i]);
        for (size_t b = 0; b < sizeof banned / sizeof *banned; b++)
            if (calls(text, banned[b]))
                fail_msg("%s calls %s", file_name[i], banned[b]);
        if (strstr(text, "stderr") || strstr(text, "stdout"))
            fail_msg("%s prints", file_name[i]);
        free(text);
    }
}

/* ---- the public header ---- */

static int compiles(const char *compiler, const char *language)
{
    char command[4 * PATH_SIZE];
    snprintf(command, sizeof command,
             "%s -x %s -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I'%s/include' '%s/include/lamina.h' 2>/dev/null",
             compiler, language, LAMINA_SOURCE, LAMINA_SOURCE);
    return !system(command);
}

static void the_public_header_compiles_alone_as_c11(void **state)
{
    (void)state;
    if (system("cc --version >/dev/null 2>&1"))
        skip();
    assert_true(compiles("cc", "c -std=c11"));
}

static void the_public_header_compiles_alone_as_cpp(void **state)
{
    (void)state;
    if (system("echo 'int x;' | c++ -x c++ -fsyntax-only - >/dev/null 2>&1")) /* no C++ here */
        skip();
    assert_true(compiles("c++", "c++ -std=c++11"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_option_is_in_docs_options),
        cmocka_unit_test(every_layer_loss_and_update_rule_has_a_section_in_docs_math),
        cmocka_unit_test(every_layer_and_loss_is_in_docs_notation),
        cmocka_unit_test(readme_shows_the_example_program_as_it_is),
        cmocka_unit_test(links_of_the_documentation_lead_somewhere),
        cmocka_unit_test(comments_name_documents_that_are_there),
        cmocka_unit_test(dependencies_between_folders_point_one_way),
        cmocka_unit_test(every_folder_of_src_has_a_rule),
        cmocka_unit_test(base_names_are_unique),
        cmocka_unit_test(the_library_neither_prints_nor_exits_nor_copies_without_a_bound),
        cmocka_unit_test(the_public_header_compiles_alone_as_c11),
        cmocka_unit_test(the_public_header_compiles_alone_as_cpp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
