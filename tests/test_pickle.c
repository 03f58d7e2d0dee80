/* pickle: batches of all protocols, as Python 2 and 3 wrote them, and what is not a batch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../src/core/mem.h"
#include "../src/data/pickle.h"
#include "folder.h"
#include "pickles.h"

enum { FILE_BYTES = 4096 };

static uint8_t file[FILE_BYTES];

/* A file of the fuzzer's corpus: those that Python wrote. */
static size_t read_good(const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/tests/bad/pickle/good_%s", LAMINA_SOURCE, name);
    FILE *in = fopen(path, "rb");
    assert_non_null(in);
    const size_t size = fread(file, 1, sizeof file, in);
    fclose(in);
    return size;
}

static const lami_pickle_value *get(const lami_pickle *p, const char *key, lami_pickle_type type)
{
    const lami_pickle_value *value;
    assert_int_equal(lami_pickle_get(&value, p, key), LAM_OK);
    assert_non_null(value);
    assert_int_equal(value->type, type);
    return value;
}

static void expect_bytes(const lami_pickle_value *value, const void *wanted, size_t size)
{
    assert_int_equal(value->u.bytes.size, size);
    assert_memory_equal(value->u.bytes.at, wanted, size);
}

static void expect_error_of(const void *data, size_t size, const char *what)
{
    lami_pickle *p;
    assert_int_equal(lami_pickle_read(&p, data, size, "a/batch"), LAM_EFORMAT);
    assert_null(p);
    assert_message("a/batch");
    assert_message(what);
}

#define EXPECT_ERROR(literal, what) expect_error_of(literal, sizeof(literal) - 1, what)

static void every_protocol_of_python_2_and_3_gives_the_same_values(void **state)
{
    (void)state;
    static const char *const names[] = { "py2_0", "py2_1", "py2_2", "py36_0", "py36_2", "py36_4",
                                         "py3_0", "py3_1", "py3_2", "py3_3",  "py3_4",  "py3_5" };
    static const int64_t labels[] = { 3, 0, 9, 300, -1, 70000, (int64_t)1 << 31 };
    static const uint8_t pixels[] = { 0, 127, 128, 255, 10, 92 };
    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        lami_pickle *p;
        const size_t size = read_good(names[n]);
        assert_int_equal(lami_pickle_read(&p, file, size, names[n]), LAM_OK);
        const lami_pickle_value *list = get(p, "labels", LAMI_PICKLE_LIST);
        assert_int_equal(list->u.list.count, 7);
        for (size_t i = 0; i < 7; i++)
            assert_true(lami_pickle_item(p, list, i)->u.number == labels[i]);
        const lami_pickle_value *array = get(p, "data", LAMI_PICKLE_ARRAY);
        assert_int_equal(array->u.array.rows, 2);
        assert_int_equal(array->u.array.columns, 3);
        assert_int_equal(array->u.array.by_columns, 0);
        assert_memory_equal(array->u.array.at, pixels, 6);
        expect_bytes(get(p, "batch_label", LAMI_PICKLE_BYTES), "x\xffy", 3);
        const lami_pickle_value *files = get(p, "filenames", LAMI_PICKLE_LIST);
        expect_bytes(lami_pickle_item(p, files, 0), "a\xe9\\\n\t'\"", 7);
        expect_bytes(lami_pickle_item(p, files, 1), "", 0);
        if (files->u.list.count > 2) {
            expect_bytes(lami_pickle_item(p, files, 2), "\xc3\xa9\\\n", 4);
            expect_bytes(lami_pickle_item(p, files, 3), "\xe2\x82\xac\xf0\x9f\x98\x80", 7);
        }
        lami_pickle_free(p);
    }
}

static void arrays_by_columns_say_so(void **state)
{
    (void)state;
    static const char *const names[] = { "py2_2_by_columns", "py36_2_by_columns", "py3_2_by_columns",
                                         "py3_5_by_columns" };
    for (size_t n = 0; n < 4; n++) {
        lami_pickle *p;
        const size_t size = read_good(names[n]);
        assert_int_equal(lami_pickle_read(&p, file, size, names[n]), LAM_OK);
        const lami_pickle_value *array = get(p, "data", LAMI_PICKLE_ARRAY);
        assert_int_equal(array->u.array.by_columns, 1);
        assert_memory_equal(array->u.array.at, ((uint8_t[]) { 0, 255, 127, 10, 128, 92 }), 6);
        lami_pickle_free(p);
    }
}

static void a_file_cut_anywhere_is_an_error(void **state)
{
    (void)state;
    static const char *const names[] = { "py2_0", "py2_2", "py3_0", "py3_2", "py3_5" };
    for (size_t n = 0; n < 5; n++) {
        const size_t size = read_good(names[n]);
        for (size_t cut = 0; cut < size; cut++)
            expect_error_of(file, cut, "byte");
        file[size] = '.';
        expect_error_of(file, size + 1, "other bytes follow");
    }
}

static void functions_that_are_not_numpy_s_are_named_and_not_called(void **state)
{
    (void)state;
    EXPECT_ERROR("cos\nsystem\n(S'ls'\ntR.", "byte 0: the pickle asks for os.system");
    EXPECT_ERROR("\x80\4\x8c\2os\x8c\6system\x93.", "byte 14: the pickle asks for os.system");
    EXPECT_ERROR("\x80\2c__builtin__\neval\n.", "byte 2: the pickle asks for __builtin__.eval");
    EXPECT_ERROR("cnumpy.core.multiarray\nscalar\n.", "numpy.core.multiarray.scalar");
    EXPECT_ERROR("c\x1b[31m\x07\nx\n.", "asks for ?[31m?.x");
    EXPECT_ERROR("cnumpy\nndarray\n)R.", "a call of a class");
    EXPECT_ERROR("K\1)R.", "not a function");
}

static void instructions_that_batches_do_not_use_are_named(void **state)
{
    (void)state;
    EXPECT_ERROR("(ios\nsystem\n.", "byte 1: not a pickle of a data batch: instruction 69 is not known");
    EXPECT_ERROR("(cnumpy\nndarray\no.", "instruction 6f");
    EXPECT_ERROR("\x80\2)\x81.", "byte 3: not a pickle of a data batch: instruction 81");
    EXPECT_ERROR("P1\n.", "byte 0");
    EXPECT_ERROR("G\0\0\0\0\0\0\0\0.", "instruction 47");
    EXPECT_ERROR("<html>", "byte 0: not a pickle of a data batch: instruction 3c");
    EXPECT_ERROR("\x80\6N.", "protocol");
}

static void a_wrong_stack_is_an_error(void **state)
{
    (void)state;
    EXPECT_ERROR(".", "byte 0: too few values");
    EXPECT_ERROR("NN.", "left over");
    EXPECT_ERROR("(N.", "left over");
    EXPECT_ERROR("a", "too few values");
    EXPECT_ERROR("]a", "too few values");
    EXPECT_ERROR("](a", "too few values");
    EXPECT_ERROR("NNa", "no list to append to");
    EXPECT_ERROR("(Ne", "no list to append to");
    EXPECT_ERROR("]e", "no mark");
    EXPECT_ERROR("}(Nu", "a key without a value");
    EXPECT_ERROR("]NNs", "no dictionary");
    EXPECT_ERROR("(Nd", "a key without a value");
    EXPECT_ERROR("N\x87", "too few values");
    EXPECT_ERROR("h\0", "not remembered");
    EXPECT_ERROR("Nq\1h\2", "byte 3: a value that was not remembered");
    EXPECT_ERROR("g-1\n", "not remembered");
    EXPECT_ERROR("q\0", "too few values");
    EXPECT_ERROR("Nr\xff\xff\xff\xff", "too many values to remember");
    EXPECT_ERROR("NNb.", "a state of something");
    EXPECT_ERROR("K\1K\2\x93", "a name that is not text");
}

static void wrong_numbers_and_strings_are_errors(void **state)
{
    (void)state;
    EXPECT_ERROR("Ix\n.", "not a whole number");
    EXPECT_ERROR("I\n.", "not a whole number");
    EXPECT_ERROR("I9223372036854775808\n.", "not a whole number of 64 bits");
    EXPECT_ERROR("I99999999999999999999999\n.", "not a whole number of 64 bits");
    EXPECT_ERROR("\x8a\x9zzzzzzzzz.", "not a whole number of 64 bits");
    EXPECT_ERROR("Sx\n.", "without quotes");
    EXPECT_ERROR("S'\n.", "without quotes");
    EXPECT_ERROR("S'x\"\n.", "without quotes");
    EXPECT_ERROR("S'\\'\n.", "unknown escape");
    EXPECT_ERROR("S'\\q'\n.", "unknown escape");
    EXPECT_ERROR("S'\\x1'\n.", "unknown escape");
    EXPECT_ERROR("V\\u12\n.", "wrong escape");
    EXPECT_ERROR("V\\U00110000\n.", "wrong escape");
    EXPECT_ERROR("U\5ab.", "byte 0: cut off");
    EXPECT_ERROR("\x8e\xff\xff\xff\xff\xff\xff\xff\xff.", "cut off");
    EXPECT_ERROR("c_codecs\nencode\nX\2\0\0\0\xc4\x80X\6\0\0\0latin1\x86R.", "not Latin-1");
    EXPECT_ERROR("c_codecs\nencode\nX\1\0\0\0\xc3X\6\0\0\0latin1\x86R.", "not Latin-1");
    EXPECT_ERROR("c_codecs\nencode\nX\1\0\0\0\x80X\6\0\0\0latin1\x86R.", "not Latin-1");
    EXPECT_ERROR("c_codecs\nencode\nX\1\0\0\0aX\3\0\0\0hex\x86R.", "latin1");
    EXPECT_ERROR("c__builtin__\nbytes\nK\5\x85R.", "bytes of something");
}

/* A batch with an array whose header says rows x columns of `type`, and 6 bytes. */
static void expect_array_error(int rows, int columns, const char *type, const char *what)
{
    pickle_file b = { file, 0, sizeof file };
    PUT(&b, "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85U\1b\x87R(K\1J");
    put_le(&b, (uint32_t)rows, 4);
    PUT(&b, "J");
    put_le(&b, (uint32_t)columns, 4);
    PUT(&b, "\x86"
            "cnumpy\ndtype\n");
    put_string(&b, type);
    PUT(&b, "K\0K\1\x87R\x89U\6pixelstb.");
    expect_error_of(file, b.size, what);
}

static void arrays_that_do_not_fit_are_errors(void **state)
{
    (void)state;
    expect_array_error(2, 2, "u1", "does not fit its bytes");
    expect_array_error(-2, -3, "u1", "does not fit its bytes");
    expect_array_error(INT32_MAX, INT32_MAX, "u1", "does not fit its bytes");
    expect_array_error(2, 3, "i8", "an array of type i8");
    expect_array_error(2, 3, "O8", "an array of type O8");
    EXPECT_ERROR("cnumpy\ndtype\n)R.", "without a name");
    EXPECT_ERROR("cnumpy.core.multiarray\n_reconstruct\n)R(tb.", "another state");
    EXPECT_ERROR("cnumpy._core.numeric\n_frombuffer\n)R.", "_frombuffer");
}

static void keys_are_found_once(void **state)
{
    (void)state;
    lami_pickle *p;
    const lami_pickle_value *value;
    assert_int_equal(lami_pickle_read(&p, "}(U\1aK\1X\1\0\0\0aK\2U\1bK\3u.", 22, "batch"), LAM_OK);
    assert_int_equal(lami_pickle_get(&value, p, "a"), LAM_EFORMAT);
    assert_message("batch: key a is there twice");
    assert_int_equal(lami_pickle_get(&value, p, "b"), LAM_OK);
    assert_int_equal(value->u.number, 3);
    assert_int_equal(lami_pickle_get(&value, p, "c"), LAM_OK);
    assert_null(value);
    lami_pickle_free(p);
    assert_int_equal(lami_pickle_read(&p, "].", 2, "batch"), LAM_OK);
    assert_int_equal(lami_pickle_get(&value, p, "a"), LAM_EFORMAT);
    assert_message("batch");
    lami_pickle_free(p);
}

static void a_list_in_itself_is_read_and_freed(void **state)
{
    (void)state;
    lami_pickle *p;
    assert_int_equal(lami_pickle_read(&p, "]q\0h\0a.", 7, "batch"), LAM_OK);
    const lami_pickle_value *list = lami_pickle_root(p);
    assert_int_equal(list->u.list.count, 1);
    assert_ptr_equal(lami_pickle_item(p, list, 0), list);
    lami_pickle_free(p);
}

static void small_files_cannot_ask_for_much_memory(void **state)
{
    (void)state;
    static uint8_t many[200000];
    memset(many, '(', sizeof many);
    expect_error_of(many, sizeof many, "byte 100: nested too deeply");
    /* a text of 60,000 bytes encoded again and again */
    pickle_file b = { many, 0, sizeof many };
    PUT(&b, "c_codecs\nencode\nq\0X");
    put_le(&b, 60000, 4);
    memset(many + b.size, 'a', 60000);
    b.size += 60000;
    PUT(&b, "q\1X\6\0\0\0latin1q\2");
    while (b.size < sizeof many - 10)
        PUT(&b, "h\0h\1h\2\x86R");
    expect_error_of(many, b.size, "strings unpack to too much");
}

static void every_failed_allocation_is_reported(void **state)
{
    (void)state;
    static const char *const names[] = { "py2_0", "py3_0", "py3_5" };
    for (size_t i = 0; i < 3; i++) {
        const size_t size = read_good(names[i]);
        int failed = 1;
        for (long n = 1; failed; n++) {
            lami_pickle *p;
            lami_alloc_fail_at(n);
            const lam_status status = lami_pickle_read(&p, file, size, "batch");
            lami_alloc_fail_at(0);
            failed = status != LAM_OK;
            if (failed) {
                assert_int_equal(status, LAM_ENOMEM);
                assert_null(p);
            } else {
                assert_true(n > 10);
            }
            lami_pickle_free(p);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_protocol_of_python_2_and_3_gives_the_same_values),
        cmocka_unit_test(arrays_by_columns_say_so),
        cmocka_unit_test(a_file_cut_anywhere_is_an_error),
        cmocka_unit_test(functions_that_are_not_numpy_s_are_named_and_not_called),
        cmocka_unit_test(instructions_that_batches_do_not_use_are_named),
        cmocka_unit_test(a_wrong_stack_is_an_error),
        cmocka_unit_test(wrong_numbers_and_strings_are_errors),
        cmocka_unit_test(arrays_that_do_not_fit_are_errors),
        cmocka_unit_test(keys_are_found_once),
        cmocka_unit_test(a_list_in_itself_is_read_and_freed),
        cmocka_unit_test(small_files_cannot_ask_for_much_memory),
        cmocka_unit_test(every_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
