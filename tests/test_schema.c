/* schema: copies, inputs' names, and text and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "../src/core/mem.h"
#include "../src/data/schema.h"

static char *colours[] = { (char *)"blue", (char *)"a,\"b\"\n" };
static char *sizes[] = { (char *)"1", (char *)"2", (char *)"10" };
static char *classes[] = { (char *)"no", (char *)"yes" };
static char *labels[] = { (char *)"price" };
static size_t label_places[] = { 7 };

static lami_column columns[] = {
    { .name = (char *)"age", .place = 0, .fill = 31.1 },
    { .name = (char *)"colour", .place = 2, .categories = 2, .category = colours, .one_hot = 1 },
    { .name = (char *)"", .place = 3, .categories = 3, .category = sizes, .fill = 1.5 },
    { .name = (char *)"caf\xe9 \xf4\x8f\xbf\xa9",
      .place = 4,
      .fill = -1e-300 }, /* Latin-1, and what stands for it in JSON */
};

static lami_schema example = { .columns = 4,
                               .column = columns,
                               .labels = 1,
                               .label = labels,
                               .label_place = label_places,
                               .weight = (char *)"w\xff",
                               .weight_place = 5,
                               .classes = 2,
                               .class_name = classes,
                               .drop = 1 };

static void assert_names(char *const *a, char *const *b, size_t count)
{
    assert_int_equal(!a, !b);
    for (size_t i = 0; a && i < count; i++)
        assert_string_equal(a[i], b[i]);
}

static void assert_same(const lami_schema *a, const lami_schema *b)
{
    assert_int_equal(a->columns, b->columns);
    for (size_t i = 0; i < a->columns; i++) {
        const lami_column *x = &a->column[i], *y = &b->column[i];
        assert_string_equal(x->name, y->name);
        assert_int_equal(x->place, y->place);
        assert_int_equal(x->categories, y->categories);
        assert_int_equal(x->one_hot, y->one_hot);
        assert_true(x->fill == y->fill);
        assert_names(x->category, y->category, x->categories);
    }
    assert_int_equal(a->labels, b->labels);
    assert_names(a->label, b->label, a->labels);
    assert_true(!a->labels || !memcmp(a->label_place, b->label_place, a->labels * sizeof *a->label_place));
    assert_int_equal(!a->weight, !b->weight);
    if (a->weight)
        assert_string_equal(a->weight, b->weight);
    assert_int_equal(a->weight_place, b->weight_place);
    assert_int_equal(a->classes, b->classes);
    assert_names(a->class_name, b->class_name, a->classes);
    assert_int_equal(a->drop, b->drop);
}

static void a_copy_is_the_same_and_its_own(void **state)
{
    (void)state;
    lami_schema *copy;
    assert_int_equal(lami_schema_copy(&copy, &example), LAM_OK);
    assert_same(copy, &example);
    assert_ptr_not_equal(copy->column[1].category[0], colours[0]);
    lami_schema_free(copy);
    lami_schema_free(NULL);
}

static void inputs_have_names(void **state)
{
    (void)state;
    static const char *const names[] = { "age", "colour=blue", "colour=a,\"b\"\n", "column 3" };
    char text[64];
    assert_int_equal(lami_schema_width(&example), 5);
    for (size_t i = 0; i < 4; i++) {
        lami_schema_input_name(text, sizeof text, &example, i);
        assert_string_equal(text, names[i]);
    }
    lami_schema_input_name(text, 7, &example, 1);
    assert_string_equal(text, "colour");
    lami_schema_input_name(text, sizeof text, &example, 5);
    assert_string_equal(text, "");
}

static void text_reads_back_the_same(void **state)
{
    (void)state;
    lami_schema plain = { .columns = 1, .column = columns, .labels = 1, .label = labels, .label_place = label_places };
    lami_schema numbered = plain, bare = plain;
    numbered.classes = 3;
    bare.labels = 0;
    const lami_schema *const all[] = { &example, &plain, &numbered, &bare };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        lami_schema *back;
        char *text = lami_schema_text(all[i]);
        assert_non_null(text);
        assert_null(strchr(text, '\n'));
        assert_int_equal(lami_schema_parse(&back, text), LAM_OK);
        assert_same(back, all[i]);
        char *again = lami_schema_text(back);
        assert_string_equal(text, again);
        lami_free(again);
        lami_free(text);
        lami_schema_free(back);
    }
}

#define COLUMN "{\"name\":\"a\",\"place\":0,\"fill\":0}"

static void damaged_text_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "[]",
        "{}",
        "{\"columns\":[],\"labels\":[],\"classes\":0,\"missing\":\"fill\"}",
        "{\"columns\":[3],\"labels\":[],\"classes\":0,\"missing\":\"fill\"}",
        "{\"columns\":[" COLUMN "],\"labels\":[],\"classes\":0,\"missing\":\"fil\"}",
        "{\"columns\":[" COLUMN "],\"labels\":[],\"classes\":0}",
        "{\"columns\":[" COLUMN "],\"labels\":[],\"missing\":\"fill\"}",
        "{\"columns\":[" COLUMN "],\"labels\":[],\"classes\":2,\"missing\":\"fill\"}",
        "{\"columns\":[" COLUMN "],\"classes\":0,\"missing\":\"fill\"}",
        "{\"columns\":[" COLUMN "],\"labels\":[{\"name\":\"y\",\"place\":1}],\"classes\":2000000,\"missing\":\"fill\"}",
        "{\"columns\":[" COLUMN "],\"labels\":[{\"name\":\"y\",\"place\":1}],\"classes\":2,\"class_names\":[\"a\"],"
        "\"missing\":\"fill\"}",
        "{\"columns\":[" COLUMN "],\"labels\":[{\"name\":\"y\",\"place\":1}],\"classes\":0,\"class_names\":[\"a\"],"
        "\"missing\":\"fill\"}",
        "{\"columns\":[" COLUMN "],\"labels\":[{\"name\":\"y\",\"place\":-1}],\"classes\":0,\"missing\":\"fill\"}",
        "{\"columns\":[" COLUMN
        "],\"labels\":[{\"name\":\"y\",\"place\":99999999999}],\"classes\":0,\"missing\":\"fill\"}",
        "{\"columns\":[{\"name\":\"a\",\"place\":0}],\"labels\":[],\"classes\":0,\"missing\":\"fill\"}",
        "{\"columns\":[{\"name\":1,\"place\":0,\"fill\":0}],\"labels\":[],\"classes\":0,\"missing\":\"fill\"}",
        "{\"columns\":[{\"name\":\"a\",\"place\":0,\"fill\":0,\"categories\":[],\"one_hot\":true}],\"labels\":[],"
        "\"classes\":0,\"missing\":\"fill\"}",
        "{\"columns\":[{\"name\":\"a\",\"place\":0,\"fill\":0,\"categories\":[\"x\"]}],\"labels\":[],"
        "\"classes\":0,\"missing\":\"fill\"}",
        "{\"columns\":[" COLUMN "],\"labels\":[],\"weight\":3,\"classes\":0,\"missing\":\"fill\"}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        lami_schema *schema = &example;
        if (lami_schema_parse(&schema, texts[i]) != LAM_EFORMAT)
            fail_msg("%s", texts[i]);
        assert_null(schema);
        assert_non_null(strstr(lam_last_error(), "columns"));
    }
    char *text = lami_schema_text(&example); /* cut at any place */
    for (size_t length = 0; length < strlen(text); length++) {
        lami_schema *schema;
        char *cut = lami_strndup(text, length);
        assert_int_equal(lami_schema_parse(&schema, cut), LAM_EFORMAT);
        lami_free(cut);
    }
    lami_free(text);
}

static void each_failed_allocation_is_survived(void **state)
{
    (void)state;
    char *text = lami_schema_text(&example);
    for (int what = 0; what < 3; what++) {
        long n = 1;
        for (int done = 0; !done; n++) {
            lami_schema *made = NULL;
            char *again = NULL;
            lami_alloc_fail_at(n);
            const lam_status status = what == 0                              ? lami_schema_copy(&made, &example)
                                      : what == 1                            ? lami_schema_parse(&made, text)
                                      : (again = lami_schema_text(&example)) ? LAM_OK
                                                                             : LAM_ENOMEM;
            lami_alloc_fail_at(0);
            done = !status;
            assert_true(!status || (status == LAM_ENOMEM && !made && strstr(lam_last_error(), "out of memory")));
            if (done && made)
                assert_same(made, &example);
            lami_schema_free(made);
            lami_free(again);
        }
        assert_true(n > 5);
    }
    lami_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_is_the_same_and_its_own),     cmocka_unit_test(inputs_have_names),
        cmocka_unit_test(text_reads_back_the_same),           cmocka_unit_test(damaged_text_is_refused),
        cmocka_unit_test(each_failed_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
