/* csv: tables as people write them, whole and damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <float.h>
#include <math.h>

#include "../src/core/mem.h"
#include "../src/core/random.h"
#include "../src/data/csv.h"
#include "folder.h"

enum { OPTION_TEXT = 64, EXPECTED = 32 };

/* "name=value name=value ..." */
static lam_options *options_of(const char *text)
{
    lam_options *o;
    char name[OPTION_TEXT], value[OPTION_TEXT];
    int used;
    assert_int_equal(lam_options_new(&o), LAM_OK);
    while (sscanf(text, " %63[^=]=%63s%n", name, value, &used) == 2) {
        assert_int_equal(lam_options_set(o, name, value), LAM_OK);
        text += used;
    }
    return o;
}

/* `text` as t.csv of the folder. */
static lam_status open_how(lam_data **data, const char *text, const char *options, lami_open how)
{
    lam_options *o = options_of(options);
    if (text)
        write_file("t.csv", text, strlen(text));
    how.options = o;
    const lam_status status = lami_data_open(data, in_folder("t.csv"), &how);
    lam_options_free(o);
    return status;
}

static lam_data *open_text(const char *text, const char *options)
{
    lam_data *data;
    if (open_how(&data, text, options, (lami_open) { .reals = -1 }))
        fail_msg("%s", lam_last_error());
    return data;
}

static void expect_error(const char *text, const char *options, lam_status status, const char *what)
{
    lam_data *data;
    assert_int_equal(open_how(&data, text, options, (lami_open) { .reals = -1 }), status);
    assert_null(data);
    assert_message(what);
}

/* All of x, row by row. */
static void assert_x(const lam_data *data, lam_part part, size_t rows, size_t columns, const double *expected)
{
    assert_int_equal(lam_data_count(data, part), rows);
    assert_int_equal(lam_shape_count(&data->shape), columns);
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++) {
            const double x = lami_real_at(lami_data_sample(data, part, i), data->dtype, j);
            const double e = expected[i * columns + j];
            if (x != (data->dtype == LAM_F32 ? (double)(float)e : e))
                fail_msg("x[%zu][%zu] is %g, not %g", i, j, x, e);
        }
}

static void assert_labels(const lam_data *data, lam_part part, const char *expected)
{
    for (size_t i = 0; i < lam_data_count(data, part); i++)
        assert_int_equal(lam_data_label(data, part, i), expected[i] - '0');
}

static void assert_inputs(const lam_data *data, const char *expected)
{
    char list[400] = "", name[64];
    for (size_t i = 0; i < lami_schema_width(data->schema); i++) {
        lami_schema_input_name(name, sizeof name, data->schema, i);
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", i ? "|" : "", name);
    }
    assert_string_equal(list, expected);
}

static void assert_classes(const lam_data *data, const char *expected)
{
    char list[400] = "";
    for (size_t i = 0; i < lam_data_classes(data); i++)
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", i ? "|" : "", lam_data_class_name(data, i));
    assert_string_equal(list, expected);
}

/* ---- whole tables ------------------------------------------------------------------------------------------------ */

static void a_table_becomes_numbers_categories_and_classes(void **state)
{
    (void)state;
    lam_data *data = open_text("age,colour,size,kind\n"
                               "1.5,red,2,cat\n"
                               "-3,blue,1,dog\n"
                               "2e1,red,7,cat\n",
                               "");
    const double x[] = { 1.5, 0, 1, 2, -3, 1, 0, 1, 20, 0, 1, 7 };
    assert_x(data, LAM_TRAIN, 3, 4, x);
    assert_inputs(data, "age|colour=blue|colour=red|size");
    assert_classes(data, "cat|dog");
    assert_labels(data, LAM_TRAIN, "010");
    assert_int_equal(data->dtype, LAM_F32);
    assert_int_equal(lam_data_count(data, LAM_VAL) + lam_data_count(data, LAM_TEST), 0);
    lam_data_free(data);
}

static void cells_are_found_as_rfc_4180_says_and_programs_write_them(void **state)
{
    (void)state;
    static const struct {
        const char *text, *inputs, *classes, *labels;
        double x[4];
    } cases[] = {
        { "a,b\n1,x\n2,y\n", "a", "x|y", "01", { 1, 2 } },
        { "a,b\r\n1,x\r\n2,y", "a", "x|y", "01", { 1, 2 } },
        { "\xef\xbb\xbf\"a\",b\n1,x\n2,y\n", "a", "x|y", "01", { 1, 2 } },
        { "\n \n a , b \n\n 1 , x \n\t\n2\t,\ty\r\n\r\n", "a", "x|y", "01", { 1, 2 } },
        { "\"a\"\"b\",\"c,d\"\n\"1\",\"x\ny\"\n\" 2 \", \"x\"\"z\" \n", "a\"b", "x\ny|x\"z", "01", { 1, 2 } },
        { "a;b\n1;x\n2;y,z\n", "a", "x|y,z", "01", { 1, 2 } },
        { "a\tb\n1\tx y\n2\t\"y\tz\"\n", "a", "x y|y\tz", "01", { 1, 2 } },
        { "  a   b\n1 x\n  2\t \"y z\"  \n", "a", "x|y z", "01", { 1, 2 } },
        { "a,b\n1,5\" disk\n2,6\"\n", "a", "5\" disk|6\"", "01", { 1, 2 } },
        { "a,b\n1,\xe9\n2,\xff\xfe\n", "a", "\xe9|\xff\xfe", "01", { 1, 2 } },
        { "a;b\n1,5 m;x\n", "a=1,5 m", "x", "0", { 1 } },
        { "5\" a,b\n1,x\n", "5\" a", "x", "0", { 1 } },
        { "5\",\"b;c;d\"\n1,x\n", "5\"", "x", "0", { 1 } },
        { "\"a\"\",;;\";b\n1;x\n", "a\",;;", "x", "0", { 1 } },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lam_data *data = open_text(cases[i].text, "");
        assert_inputs(data, cases[i].inputs);
        assert_classes(data, cases[i].classes);
        assert_x(data, LAM_TRAIN, strlen(cases[i].labels), 1, cases[i].x);
        assert_labels(data, LAM_TRAIN, cases[i].labels);
        lam_data_free(data);
    }
    lam_data *data = open_text("a,b;c\nu,v;x\n", "separator=semicolon");
    assert_inputs(data, "a,b=u,v");
    lam_data_free(data);
    static const char tsv[] = "a, b\tc\n1\t0\n";
    write_file("names.tsv", tsv, strlen(tsv));
    assert_int_equal(lam_data_open(&data, in_folder("names.tsv"), NULL), LAM_OK);
    assert_inputs(data, "a, b");
    lam_data_free(data);
}

static void the_first_line_is_a_header_where_no_cell_of_it_is_a_number(void **state)
{
    (void)state;
    static const struct {
        const char *text, *options, *inputs;
        size_t rows;
    } cases[] = {
        { "a,b\n1,2\n", "", "a", 1 },
        { "1,2\n3,4\n", "", "column 0", 2 },
        { "a,2\na,4\n", "", "column 0=a", 2 },
        { "a,b\nc,d\n", "", "a=c", 1 },
        { "a,b\nc,d\n", "header=no", "column 0=a|column 0=c", 2 },
        { "1,2\n3,4\n", "header=yes", "1", 1 },
        { ",a,b\n0,1,2\n1,3,4\n", "", "a", 2 },           /* row numbers of pandas */
        { "0,1,2,3,y\n5,6,7,8,9\n", "", "0|1|2|3", 1 },   /* names of pandas */
        { ",0,1,2,3\n0,5,6,7,8\n", "", "0|1|2", 1 },      /* both */
        { "0,1,2\n5,6,7\n", "", "column 0|column 1", 2 }, /* too few to be sure */
        { "a,b,\n1,2,\n3,4,\n", "", "a", 2 },             /* a comma at the end of each line */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lam_data *data = open_text(cases[i].text, cases[i].options);
        assert_inputs(data, cases[i].inputs);
        assert_int_equal(lam_data_count(data, LAM_TRAIN), cases[i].rows);
        lam_data_free(data);
    }
}

static void labels_are_found_by_name_or_index(void **state)
{
    (void)state;
    static const struct {
        const char *text, *options, *inputs;
    } cases[] = {
        { "a,b,c\n1,2,3\n", "", "a|b" },
        { "a,target,c\n1,2,3\n", "", "a|c" },
        { "Class,y,c\n1,2,3\n", "", "y|c" },
        { "label,class,target\n1,2,3\n", "", "class|target" },
        { "a,b,c\n1,2,3\n", "label=b", "a|c" },
        { "a,b,c\n1,2,3\n", "label=0", "b|c" },
        { "a,b,c\n1,2,3\n", "label=-2", "a|c" },
        { "a,b,c\n1,2,3\n", "label=a,-1", "b" },
        { "a,\"b,c\",d\n1,2,3\n", "label=b,c", "a|d" },
        { "2,b,c\n1,2,3\n", "label=2 header=yes", "b|c" }, /* a name before an index */
        { "a,b,c\n1,2,3\n", "ignore=a label=b", "c" },
        { "a,b,c,d\n1,2,3,4\n", "ignore=d,b", "a" },
        { "a,b,c\n1,2,3\n", "weight=c", "a" },
        { "1,2,3\n1,2,3\n", "ignore=0,-1", "" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (!*cases[i].inputs) {
            expect_error(cases[i].text, cases[i].options, LAM_EFORMAT, "no column is left as an input");
            continue;
        }
        lam_data *data = open_text(cases[i].text, cases[i].options);
        assert_inputs(data, cases[i].inputs);
        lam_data_free(data);
    }
    expect_error("age,b\n1,2\n", "label=agf", LAM_EOPTION, "has no column \"agf\", did you mean \"age\"?");
    expect_error("age,b\n1,2\n", "label=2", LAM_EOPTION, "columns 0 to 1");
    expect_error("age,b\n1,2\n", "label=-3", LAM_EOPTION, "--label");
    expect_error("1,2\n", "weight=b", LAM_EOPTION, "no header; columns 0 to 1");
    expect_error("a,b,c\n1,2,3\n", "label=b weight=b", LAM_EOPTION, "--label: column b is the weight already");
    expect_error("a,b,c\n1,2,3\n", "label=b ignore=b", LAM_EOPTION, "--label: column b is left out");
    expect_error("a,b,c\n1,2,3\n", "label=b,b", LAM_EOPTION, "named twice");
    expect_error("a,b,c\n1,2,3\n", "one-hot=c", LAM_EOPTION, "--one-hot: column c is a label already");
}

static void missing_cells_follow_the_rule(void **state)
{
    (void)state;
    static const char text[] = "a,b,y\n1,u,0\n,v,1\n4,NA,0\nnull,?,1\nNaN,v,0\n";
    const double mean[] = { 1, 1, 0, 2.5, 0, 1, 4, 0, 0, 2.5, 0, 0, 2.5, 0, 1 };
    const double zero[] = { 1, 1, 0, 0, 0, 1, 4, 0, 0, 0, 0, 0, 0, 0, 1 };
    const double drop[] = { 1, 1, 0 };
    lam_data *data = open_text(text, "");
    assert_x(data, LAM_TRAIN, 5, 3, mean);
    assert_true(data->schema->column[0].fill == 2.5 && data->schema->drop == 0);
    lam_data_free(data);
    data = open_text(text, "missing=zero dtype=f64");
    assert_x(data, LAM_TRAIN, 5, 3, zero);
    assert_true(data->schema->column[0].fill == 0);
    lam_data_free(data);
    data = open_text(text, "missing=drop");
    assert_x(data, LAM_TRAIN, 1, 3, drop);
    assert_true(data->schema->column[0].fill == 1 && data->schema->drop == 1);
    lam_data_free(data);
    expect_error(text, "missing=error", LAM_EFORMAT, "t.csv, line 3 (column a): the cell is empty");
    expect_error("a,y\n1,0\nna,1\n", "missing=error", LAM_EFORMAT, "line 3 (column a): the value is missing");
    expect_error("a,y\n1,0\n2,\n", "", LAM_EFORMAT,
                 "line 3 (column y): the cell is empty"); /* labels are never made up */
    data = open_text("a,y\n1,0\n2,\n3,1\n", "missing=drop");
    assert_labels(data, LAM_TRAIN, "01");
    lam_data_free(data);
    data = open_text("a,b,y\n,1,0\n,2,1\n", ""); /* nothing to take a mean of */
    const double nothing[] = { 0, 1, 0, 2 };
    assert_x(data, LAM_TRAIN, 2, 2, nothing);
    lam_data_free(data);
    data = open_text("a,b,y\n1,u,0\n1,,1\n1,w,1\n", "one-hot=none"); /* the mean of the categories' numbers */
    const double codes[] = { 1, 0, 1, 0.5, 1, 1 };
    assert_x(data, LAM_TRAIN, 3, 2, codes);
    lam_data_free(data);
}

static void means_are_those_of_what_is_left_for_training(void **state)
{
    (void)state;
    static const char text[] = "a,b,y\n1,u,0\n3,v,1\n,u,0\n90,u,1\n,v,0\n50,u,1\n,v,1\n10,u,0\n";
    lam_data *data = open_text(text, "one-hot=none test=last:2 val=last:3 dtype=f64");
    const double train[] = { 1, 0, 3, 1, 2, 0 }, val[] = { 90, 0, 2, 1, 50, 0 }, test[] = { 2, 1, 10, 0 };
    assert_x(data, LAM_TRAIN, 3, 2, train);
    assert_x(data, LAM_VAL, 3, 2, val);
    assert_x(data, LAM_TEST, 2, 2, test);
    assert_true(data->schema->column[0].fill == 2 && !data->fills_wanted && !data->gaps);
    lam_data_free(data);
    data = open_text(text, "one-hot=none test=last:4 samples=1 dtype=f64");
    assert_x(data, LAM_TRAIN, 1, 2, train);
    const double others[] = { 1, 1, 50, 0, 1, 1, 10, 0 };
    assert_x(data, LAM_TEST, 4, 2, others);
    lam_data_free(data);
}

static void one_hot_says_how_categories_become_inputs(void **state)
{
    (void)state;
    static const char text[] = "a,b,c,y\n3,u,x,0\n10,v,x,1\n3,u,w,0\n";
    static const struct {
        const char *options, *inputs;
        double x[15];
    } cases[] = {
        { "one-hot=text", "a|b=u|b=v|c=w|c=x", { 3, 1, 0, 0, 1, 10, 0, 1, 0, 1, 3, 1, 0, 1, 0 } },
        { "one-hot=none", "a|b|c", { 3, 0, 1, 10, 1, 1, 3, 0, 0 } },
        { "one-hot=c", "a|b|c=w|c=x", { 3, 0, 0, 1, 10, 1, 0, 1, 3, 0, 1, 0 } },
        { "one-hot=0,b", "a=3|a=10|b=u|b=v|c", { 1, 0, 1, 0, 1, 0, 1, 0, 1, 1, 1, 0, 1, 0, 0 } },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lam_data *data = open_text(text, cases[i].options);
        assert_inputs(data, cases[i].inputs);
        assert_x(data, LAM_TRAIN, 3, lami_schema_width(data->schema), cases[i].x);
        lam_data_free(data);
    }
    /* categories with numbers among them; a number is the same however it is written */
    lam_data *data = open_text("a,y\n10,0\nten,1\nnine,1\n1e1,0\neight,1\n10.0,1\neight,0\n\"e\"\"t\",0\n", "");
    assert_inputs(data, "a=10|a=e\"t|a=eight|a=nine|a=ten");
    assert_true(lami_real_at(lami_data_sample(data, LAM_TRAIN, 5), LAM_F32, 0) == 1);
    assert_true(lami_real_at(lami_data_sample(data, LAM_TRAIN, 7), LAM_F32, 1) == 1);
    lam_data_free(data);
}

static void targets_are_classes_or_numbers_by_a_rule(void **state)
{
    (void)state;
    static const struct {
        const char *labels, *options;
        int reals;
        const char *classes; /* "": numbers */
    } cases[] = {
        { "0,1,2,1,0", "", -1, "0|1|2" },
        { "3,7,-1,7,3", "", -1, "-1|3|7" },
        { "1.0,2.0,1,2,2", "", -1, "1|2" },
        { "0.5,1,2,1,0", "", -1, "" },
        { "0.5,1,2,1,0.5", "targets=classes", -1, "0.5|1|2" },
        { "0,1,2,1,0", "targets=numbers", -1, "" },
        { "0,1,2,1,0", "", 1, "" },
        { "0,1,2,1,0", "targets=classes", 1, "0|1|2" },
        { "1000000,2,2,3,3", "", 0, "2|3|1000000" },
        { "b,a,B,10,9", "", -1, "10|9|B|a|b" },
        { "b,a,B,10,9", "", 0, "10|9|B|a|b" },
        { "yes,no,TRUE,false,1", "", 1, "" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[128] = "a,y\n", word[16];
        const char *at = cases[i].labels;
        for (int used; sscanf(at, "%15[^,]%n", word, &used) == 1; at += used + (at[used] == ','))
            snprintf(text + strlen(text), sizeof text - strlen(text), "1,%s\n", word);
        lam_data *data;
        assert_int_equal(open_how(&data, text, cases[i].options, (lami_open) { .reals = cases[i].reals }), LAM_OK);
        assert_classes(data, cases[i].classes);
        assert_int_equal(data->targets, *cases[i].classes ? 0 : 1);
        assert_true(!data->part[LAM_TRAIN].label == !*cases[i].classes);
        assert_true(!data->part[LAM_TRAIN].target == !!*cases[i].classes);
        lam_data_free(data);
    }
    /* whole numbers are many: 11 different ones in 21 rows are too many, in 22 not */
    for (int rows = 21; rows <= 22; rows++) {
        char text[256] = "a,y\n";
        for (int i = 0; i < rows; i++)
            snprintf(text + strlen(text), sizeof text - strlen(text), "1,%d\n", i % 11);
        lam_data *data = open_text(text, "");
        assert_int_equal(lam_data_classes(data), rows == 22 ? 11 : 0);
        lam_data_free(data);
    }
    lam_data *data = open_text("a,y\n1,yes\n2,NO\n3,True\n4,0.25\n", "targets=numbers");
    const double truth[] = { 1, 0, 1, 0.25 };
    assert_memory_equal(data->part[LAM_TRAIN].target, truth, sizeof truth);
    lam_data_free(data);
}

static void several_labels_are_targets_with_names(void **state)
{
    (void)state;
    lam_data *data = open_text("a,b,c\n1,2,3\n4,5,6\n", "label=c,a dtype=f64");
    const double x[] = { 2, 5 }, targets[] = { 3, 1, 6, 4 };
    assert_x(data, LAM_TRAIN, 2, 1, x);
    assert_int_equal(data->targets, 2);
    assert_memory_equal(data->part[LAM_TRAIN].target, targets, sizeof targets);
    assert_string_equal(data->target_name[0], "c");
    assert_string_equal(data->target_name[1], "a");
    lam_data_free(data);
    data = open_text("1,2,3\n4,5,6\n", "label=0,2");
    assert_null(data->target_name);
    lam_data_free(data);
    expect_error("a,b,c\n1,2,3\n", "label=c,a targets=classes", LAM_EOPTION, "--targets says classes");
    assert_int_equal(open_how(&data, "a,b,c\n1,2,3\n", "label=c,a", (lami_open) { .reals = 0 }), LAM_EOPTION);
    assert_message("the loss takes classes");
    assert_int_equal(open_how(&data, "a,y\n1,2.5\n", "", (lami_open) { .reals = 0 }), LAM_EFORMAT);
    assert_message("column y has numbers such as 2.5, and the loss takes classes");
}

static void weights_are_numbers_from_0(void **state)
{
    (void)state;
    lam_data *data = open_text("w,a,y\n1,2,0\n0.5,3,1\n0,4,1\n", "weight=w");
    const double weights[] = { 1, 0.5, 0 };
    assert_memory_equal(data->part[LAM_TRAIN].weight, weights, sizeof weights);
    assert_inputs(data, "a");
    assert_string_equal(data->schema->weight, "w");
    lam_data_free(data);
    expect_error("w,a,y\n1,2,0\n-1,3,1\n", "weight=w", LAM_EFORMAT, "line 3 (column w): a weight below 0");
    expect_error("w,a,y\n1,2,0\nx,3,1\n", "weight=w", LAM_EFORMAT, "\"x\" is not a number");
    expect_error("w,a,y\n1,2,0\n,3,1\n", "weight=w", LAM_EFORMAT, "the cell is empty");
    expect_error("w,a,y\n0,2,0\n0,3,1\n", "weight=w", LAM_EFORMAT, "all weights are 0");
}

static void numbers_are_rounded_once(void **state)
{
    (void)state;
    lam_data *data = open_text("a,b,y\n0.1,1e308,0\n9007199254740993,-1e-320,1\n", "dtype=f64");
    const double x[] = { 0.1, 1e308, 9007199254740992, -1e-320 };
    assert_int_equal(data->dtype, LAM_F64);
    assert_x(data, LAM_TRAIN, 2, 2, x);
    lam_data_free(data);
    expect_error("a,y\n1,0\n1e39,1\n", "", LAM_EFORMAT, "line 3 (column a): 1e39 is too large for f32");
    expect_error("a,y\n1,0\n2,1\n1e999,1\n", "dtype=f64", LAM_EFORMAT, "\"1e999\" is not a number");
    data = open_text("a,y\n1e308,0\n1e308,1\n,1\n", "dtype=f64"); /* the sum would overflow */
    assert_true(data->schema->column[0].fill == 1e308);
    lam_data_free(data);
}

/* ---- with a schema ----------------------------------------------------------------------------------------------- */

static lami_schema *schema_of(const char *text, const char *options)
{
    lami_schema *schema;
    lam_data *data = open_text(text, options);
    assert_int_equal(lami_schema_copy(&schema, data->schema), LAM_OK);
    lam_data_free(data);
    return schema;
}

static lam_data *open_with(const lami_schema *schema, const char *text, int label_optional)
{
    lam_data *data;
    if (open_how(&data, text, "", (lami_open) { .reals = -1, .schema = schema, .label_optional = label_optional }))
        fail_msg("%s", lam_last_error());
    return data;
}

static void expect_error_with(const lami_schema *schema, const char *text, const char *options, const char *what)
{
    lam_data *data;
    const lam_status status = open_how(&data, text, options, (lami_open) { .reals = -1, .schema = schema });
    assert_true(status == LAM_EFORMAT || status == LAM_EOPTION);
    assert_message(what);
}

static void columns_of_a_schema_are_found_by_name(void **state)
{
    (void)state;
    lami_schema *schema = schema_of("age,colour,kind\n2,red,cat\n4,blue,dog\n", "");
    lam_data *data = open_with(schema, "more,kind,colour,age\n7,dog,blue,5\n8,cat,green,\n", 0);
    const double x[] = { 5, 1, 0, 3, 0, 0 }; /* green is unknown, and so none of them; the mean was 3 */
    assert_x(data, LAM_TRAIN, 2, 3, x);
    assert_labels(data, LAM_TRAIN, "10");
    assert_classes(data, "cat|dog");
    lam_data_free(data);
    expect_error_with(schema, "Age,colour,kind\n1,red,cat\n", "",
                      "no column \"age\", which the model takes, did you mean \"Age\"?");
    expect_error_with(schema, "age,colour,kin\n1,red,cat\n", "", "no column \"kind\", the label");
    expect_error_with(schema, "age,colour,kind\n1,red,cow\n", "", "t.csv, line 2 (column kind): unknown class \"cow\"");
    expect_error_with(schema, "age,colour,kind\n1,red,dof\n", "", "did you mean \"dog\"?");
    expect_error_with(schema, "age,colour,kind\nx,red,dog\n", "", "(column age): \"x\" is not a number");
    expect_error_with(schema, "age,colour,kind\n1,red,dog\n", "label=age,kind", "--label: 2 columns; the model has 1");
    data = open_with(schema, "age,colour\n5,red\n", 1);
    assert_int_equal(data->unlabeled, 1);
    assert_null(data->part[LAM_TRAIN].label);
    assert_int_equal(lam_data_count(data, LAM_TRAIN), 1);
    assert_classes(data, "cat|dog");
    lam_data_free(data);
    data = open_with(schema, "age,colour,kind\n5,red,\n6,red,cat\n", 1); /* labels that are not there are not needed */
    assert_int_equal(data->unlabeled, 1);
    assert_null(data->part[LAM_TRAIN].label);
    lam_data_free(data);
    lam_options *o = options_of("label=animal");
    static const char renamed[] = "age,colour,animal\n5,red,dog\n";
    write_file("t.csv", renamed, strlen(renamed));
    assert_int_equal(lami_data_open(&data, in_folder("t.csv"), &(lami_open) { .options = o, .schema = schema }),
                     LAM_OK);
    assert_labels(data, LAM_TRAIN, "1");
    lam_data_free(data);
    lam_options_free(o);
    lami_schema_free(schema);
}

static void columns_without_names_are_found_by_place(void **state)
{
    (void)state;
    lami_schema *schema = schema_of("5,cat,1,9\n6,dog,2,9\n", "label=1 ignore=3");
    lam_data *data = open_with(schema, "7,dog,3,9\n", 0);
    const double x[] = { 7, 3 };
    assert_x(data, LAM_TRAIN, 1, 2, x);
    assert_labels(data, LAM_TRAIN, "1");
    lam_data_free(data);
    data = open_with(schema, "7,3\n", 1); /* the inputs alone */
    assert_x(data, LAM_TRAIN, 1, 2, x);
    lam_data_free(data);
    expect_error_with(schema, "7,3\n", "", "there is no label column");
    expect_error_with(schema, "7\n", "",
                      "t.csv has 1 columns; the model takes tables of at least 3, or of its 2 inputs alone");
    data = open_with(schema, "a,b,c\n7,dog,3\n", 0); /* a header says nothing here */
    assert_x(data, LAM_TRAIN, 1, 2, x);
    lam_data_free(data);
    lami_schema_free(schema);
    schema = schema_of("u,cat\nv,dog\n", "header=no"); /* no numbers by which a header could be told */
    data = open_with(schema, "v,cat\n", 0);
    assert_int_equal(lam_data_count(data, LAM_TRAIN), 1);
    lam_data_free(data);
    lami_schema_free(schema);
}

static void a_schema_keeps_the_rule_for_missing_cells(void **state)
{
    (void)state;
    lami_schema *schema = schema_of("a,b,y\n1,u,0\n3,u,1\n", "missing=drop");
    lam_data *data = open_with(schema, "a,b,y\n,u,0\n7,u,1\n9,w,1\n", 0);
    const double kept[] = { 7, 1 }, all[] = { 2, 1, 7, 1, 9, 0 };
    assert_x(data, LAM_TRAIN, 1, 2, kept);
    lam_data_free(data);
    data = open_with(schema, "a,b,y\n,u,0\n7,u,1\n9,w,1\n", 1); /* a prediction for each row */
    assert_x(data, LAM_TRAIN, 3, 2, all);
    lam_data_free(data);
    lami_schema_free(schema);
    schema = schema_of("a,b,y\n1,uvw,0\n3,uvw,1\n", "missing=error");
    expect_error_with(schema, "a,b,y\n,uvw,0\n", "", "the cell is empty");
    expect_error_with(schema, "a,b,y\n1,uvx,0\n", "", "unknown category \"uvx\", did you mean \"uvw\"?");
    lami_schema_free(schema);
}

static void numbered_classes_and_categories_keep_their_numbers(void **state)
{
    (void)state;
    lami_schema *schema = schema_of("a,y\n5,0\n10,1\n5,2\n", "one-hot=a");
    assert_null(schema->class_name);
    assert_int_equal(schema->classes, 3);
    lam_data *data = open_with(schema, "a,y\n1e1,2.0\n5,0\n", 0);
    const double x[] = { 0, 1, 1, 0 };
    assert_x(data, LAM_TRAIN, 2, 2, x);
    assert_labels(data, LAM_TRAIN, "20");
    lam_data_free(data);
    expect_error_with(schema, "a,y\n5,3\n", "", "unknown class \"3\"; classes are 0 to 2");
    expect_error_with(schema, "a,y\n5,0.5\n", "", "unknown class \"0.5\"");
    expect_error_with(schema, "a,y\n5,-1\n", "", "unknown class \"-1\"");
    expect_error_with(schema, "a,y\n5,x\n", "", "unknown class \"x\"");
    lami_schema_free(schema);
}

/* ---- what is wrong ----------------------------------------------------------------------------------------------- */

static void damaged_tables_are_refused_with_their_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *what;
    } cases[] = {
        { "", "t.csv is empty" },
        { "\xef\xbb\xbf", "t.csv is empty" },
        { "\n\n \r\n", "blank lines only" },
        { "a;y\n1,5;u\n2;v\n-0,25;u\n", "column a has numbers with a comma, such as \"1,5\": write them with a point" },
        { "a,b\n", "t.csv has no rows after its header" },
        { "a,b\n\n\n", "no rows after its header" },
        { "\xff\xfe"
          "a\0,\0",
          "UTF-16" },
        { "a,b\r1,2\r3,4\r", "CR alone" },
        { "a,b\n1,2\n\n3\n", "t.csv, line 4: 1 cell where the header has 2" },
        { "1,2\n1,2,3\n", "t.csv, line 2: 3 cells where the first line has 2" },
        { "a,b\n1,\"x\ny\"\n2,z,\n", "t.csv, line 4: 3 cells" },
        { "a,b\n1,\"x\" y\n", "t.csv, line 2: text after a closing quote" },
        { "a,b\n1,x\n2,\"y\n3,z\n", "t.csv, line 3: a quote that is never closed" },
        { "a,\"b\n1,2\n", "t.csv, line 1: a quote that is never closed" },
        { "a,b,a\n1,2,3\n", "columns 0 and 2 are both called \"a\"" },
        { "a,y\n1,0\n2,1\nx,1\n",
          "t.csv, line 4 (column a): \"x\" is not a number, as most of this column are (--one-hot a:" },
        { "a,y\n1,0\n2,1\n3,x\n",
          "t.csv, line 4 (column y): \"x\" is not a number, as most labels are (--targets classes:" },
        { "0,1,a\n5,6,7\n8,9,8\n", "is this line the header? (--header yes)" },
        { "a,3,4\n5,6,7\n8,9,8\n", "t.csv, line 1 (column 0): \"a\" is not a number; is this line the header?" },
        { "a,y\n1,x\n2,x\n\x01\x7f,x\n", "\"??\" is not a number" },
        { "a\n1\n2\n", "no column is left as an input" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_error(cases[i].text, "", LAM_EFORMAT, cases[i].what);
    static const char nul[] = "a,b\n1,2\n3,\0\n";
    lam_data *data;
    write_file("nul.csv", nul, sizeof nul - 1);
    assert_int_equal(lam_data_open(&data, in_folder("nul.csv"), NULL), LAM_EFORMAT);
    assert_message("nul.csv, line 3: a NUL byte");
    lam_options *o = options_of("header=yes");
    write_file("name.csv", "a,\0\n1,2\n", 8);
    assert_int_equal(lam_data_open(&data, in_folder("name.csv"), o), LAM_EFORMAT);
    assert_message("line 1: a NUL byte");
    lam_options_free(o);
}

static void limits_are_errors(void **state)
{
    (void)state;
    enum { ROOM = 600000 };
    char *text = malloc(ROOM);
    assert_non_null(text);
    size_t n = 0;
    for (size_t i = 0; i <= LAMI_MAX_COLUMNS; i++)
        n += (size_t)snprintf(text + n, ROOM - n, "1,");
    snprintf(text + n - 1, ROOM - n, "\n");
    expect_error(text, "", LAM_EFORMAT, "has 100001 columns; at most 100000");
    text[n - 3] = '\n'; /* one less */
    text[n - 2] = 0;
    lam_data *data = open_text(text, "");
    assert_int_equal(lam_shape_count(&data->shape), LAMI_MAX_COLUMNS - 1);
    lam_data_free(data);
    n = (size_t)snprintf(text, ROOM, "id,y\n");
    for (int i = 0; i <= LAMI_MAX_CATEGORIES; i++)
        n += (size_t)snprintf(text + n, ROOM - n, "i%d,%d\n", i, i % 2);
    expect_error(text, "", LAM_EFORMAT, "column id has more than 10000 different texts: leave it out (--ignore id)");
    expect_error(text, "one-hot=none", LAM_EFORMAT, "--ignore id");
    n = (size_t)snprintf(text, ROOM, "id,y\n");
    for (int i = 0; i <= LAMI_MAX_CATEGORIES; i++)
        n += (size_t)snprintf(text + n, ROOM - n, "%d,%d\n", i, i % 2);
    expect_error(text, "one-hot=id", LAM_EFORMAT, "--ignore id");
    memset(text, 'x', ROOM - 20); /* a huge cell */
    snprintf(text + ROOM - 20, 20, ",y\n%d,2\n", 1);
    data = open_text(text, "");
    assert_int_equal(strlen(data->schema->column[0].name), ROOM - 20);
    lam_data_free(data);
    free(text);
}

static void bad_rows_are_noted_and_left_out_where_that_is_asked_for(void **state)
{
    (void)state;
    lam_data *data;
    lami_bad_rows bad = { 0 };
    const lami_open how = { .reals = -1, .bad = &bad };
    assert_int_equal(open_how(&data, "a,b,y\n1,u,0\n2,u\n3,u,1\nx,u,1\n4,\"u\"v,1\n5,u,\n6,u,1\n", "", how), LAM_OK);
    const double x[] = { 1, 1, 3, 1, 6, 1 };
    assert_x(data, LAM_TRAIN, 3, 2, x);
    assert_labels(data, LAM_TRAIN, "011");
    assert_int_equal(bad.count, 4);
    static const struct {
        size_t line;
        const char *why;
    } expected[] = {
        { 3, "2 cells where the header has 3" },
        { 5, "column a: \"x\" is not a number, as most of this column are (--one-hot a: take all as categories)" },
        { 6, "text after a closing quote (a quote inside a quoted cell is written twice)" },
        { 7, "column y: the cell is empty" }
    };
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(bad.first[i].line, expected[i].line);
        assert_string_equal(bad.first[i].why, expected[i].why);
    }
    lam_data_free(data);
    char many[512] = "a,y\n1,0\n";
    for (int i = 0; i < 100; i++)
        snprintf(many + strlen(many), sizeof many - strlen(many), "7\n");
    bad = (lami_bad_rows) { 0 };
    assert_int_equal(open_how(&data, many, "", how), LAM_OK);
    assert_int_equal(lam_data_count(data, LAM_TRAIN), 1);
    assert_int_equal(bad.count, 100);
    assert_int_equal(bad.first[9].line, 12);
    lam_data_free(data);
    bad = (lami_bad_rows) { 0 };
    assert_int_equal(open_how(&data, "a,y\n1\n2\n", "", how), LAM_EFORMAT);
    assert_message("line 2: 1 cell");
    assert_int_equal(open_how(&data, "a,y\n1,\n2,\n", "", how), LAM_EFORMAT);
}

/* ---- parts and places -------------------------------------------------------------------------------------------- */

static void write_text(const char *name, const char *text)
{
    write_file(name, text, strlen(text));
}

static void a_folder_may_hold_the_parts(void **state)
{
    (void)state;
    lam_data *data;
    make_folder("parts");
    write_text("parts/train.csv", "a,c,y\n1,u,p\n3,v,q\n");
    assert_int_equal(lam_data_open(&data, in_folder("parts"), NULL), LAM_OK);
    assert_int_equal(lam_data_count(data, LAM_TEST), 0);
    lam_data_free(data);
    static const char test[] = "y\tc\ta\nq\tv\t5\n";
    write_packed("parts/test.tsv.gz", test, strlen(test));
    write_text("parts/val.csv", "a,c,y\n,w,p\n");
    assert_int_equal(lam_data_open(&data, in_folder("parts"), NULL), LAM_OK);
    const double in_test[] = { 5, 0, 1 }, in_val[] = { 2, 0, 0 };
    assert_x(data, LAM_TEST, 1, 3, in_test);
    assert_labels(data, LAM_TEST, "1");
    assert_x(data, LAM_VAL, 1, 3, in_val);
    assert_labels(data, LAM_VAL, "0");
    lam_data_free(data);
    write_text("parts/val.csv", "a,c,y\n1,w,r\n");
    assert_int_equal(lam_data_open(&data, in_folder("parts"), NULL), LAM_EFORMAT);
    assert_message("parts/val.csv, line 2 (column y): unknown class \"r\"");
    make_folder("none");
    char path[2 * FOLDER_PATH];
    snprintf(path, sizeof path, "csv:%s", in_folder("none"));
    assert_int_equal(lam_data_open(&data, path, NULL), LAM_EREAD);
    assert_message("train.csv (or .tsv, or .gz) is missing");
}

static lam_status open_parts(lam_data **data, const char *name, const char *val, const char *test)
{
    lam_options *o = options_of("");
    assert_int_equal(lam_options_set(o, "val", val), LAM_OK);
    assert_int_equal(lam_options_set(o, "test", test), LAM_OK);
    const lam_status status = lam_data_open(data, in_folder(name), o);
    lam_options_free(o);
    return status;
}

static void val_and_test_may_be_data_sets_of_their_own(void **state)
{
    (void)state;
    lam_data *data;
    write_text("main.csv", "a,c,y\n1,u,p\n3,v,q\n5,v,q\n7,v,p\n");
    write_text("other.csv", "y,a,c\nq,9,u\n");
    assert_int_equal(open_parts(&data, "main.csv", in_folder("other.csv"), ""), LAM_OK);
    const double x[] = { 9, 1, 0 };
    assert_x(data, LAM_VAL, 1, 3, x);
    assert_labels(data, LAM_VAL, "1");
    assert_int_equal(lam_data_count(data, LAM_TRAIN), 4);
    lam_data_free(data);
    assert_int_equal(open_parts(&data, "main.csv", "last:1", in_folder("other.csv")), LAM_OK);
    assert_x(data, LAM_TEST, 1, 3, x);
    assert_int_equal(lam_data_count(data, LAM_VAL), 1);
    assert_int_equal(lam_data_count(data, LAM_TRAIN), 3);
    lam_data_free(data);
    make_folder("both");
    write_text("both/train.csv", "a,c,y\n1,u,p\n3,v,q\n");
    write_text("both/test.csv", "a,c,y\n11,u,p\n");
    assert_int_equal(open_parts(&data, "main.csv", in_folder("both"), in_folder("both")), LAM_OK);
    assert_int_equal(lam_data_count(data, LAM_VAL), 2);  /* it has no validation part: all of its training part */
    assert_int_equal(lam_data_count(data, LAM_TEST), 1); /* it has a test part */
    lam_data_free(data);
    assert_int_equal(open_parts(&data, "both", "", in_folder("other.csv")), LAM_EINVAL);
    assert_message("a test part of its own");
    assert_int_equal(open_parts(&data, "main.csv", in_folder("nothing.csv"), ""), LAM_EREAD);
    assert_message("nothing.csv");
    write_text("strange.csv", "y,a,c\nr,9,u\n");
    assert_int_equal(open_parts(&data, "main.csv", in_folder("strange.csv"), ""), LAM_EFORMAT);
    assert_message("unknown class \"r\"");
}

static void write_idx(const char *name, const uint8_t *bytes, size_t size)
{
    write_file(name, bytes, size);
}

static void parts_of_another_kind_must_agree(void **state)
{
    (void)state;
    lam_data *data;
    static const uint8_t images[] = { 0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6 };
    static const uint8_t wide[] = { 0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 2, 1, 2, 3, 4 };
    static const uint8_t labels[] = { 0, 0, 8, 1, 0, 0, 0, 2, 0, 1 }, more[] = { 0, 0, 8, 1, 0, 0, 0, 2, 0, 7 };
    make_folder("one");
    make_folder("two");
    write_idx("one/train-images-idx3-ubyte", images, sizeof images);
    write_idx("one/train-labels-idx1-ubyte", labels, sizeof labels);
    write_idx("two/train-images-idx3-ubyte", images, sizeof images);
    write_idx("two/train-labels-idx1-ubyte", labels, sizeof labels);
    assert_int_equal(open_parts(&data, "one", in_folder("two"), ""), LAM_OK);
    assert_int_equal(lam_data_count(data, LAM_VAL), 2);
    assert_labels(data, LAM_VAL, "01");
    assert_memory_equal(lami_data_sample(data, LAM_VAL, 1), images + 15, 3);
    lam_data_free(data);
    write_idx("two/train-labels-idx1-ubyte", more, sizeof more);
    assert_int_equal(open_parts(&data, "one", in_folder("two"), ""), LAM_EFORMAT);
    assert_message("class \"7\" is none of the 2 of");
    write_idx("two/train-images-idx3-ubyte", wide, sizeof wide);
    assert_int_equal(open_parts(&data, "one", in_folder("two"), ""), LAM_ESHAPE);
    assert_message("samples are 2");
    write_text("three.csv", "1,2,3,0\n1,2,3,1\n");
    assert_int_equal(open_parts(&data, "one", in_folder("three.csv"), ""), LAM_EFORMAT);
    assert_message("stored as f32");
}

/* What `-` gives for these bytes on standard input. */
static lam_status open_input(lam_data **data, const char *path, const void *bytes, size_t size)
{
    int ends[2];
    const int before = dup(STDIN_FILENO);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], bytes, size), size);
    close(ends[1]);
    dup2(ends[0], STDIN_FILENO);
    close(ends[0]);
    const lam_status status = lam_data_open(data, path, NULL);
    dup2(before, STDIN_FILENO);
    close(before);
    return status;
}

static void standard_input_may_be_a_table(void **state)
{
    (void)state;
    static const char text[] = "a,y\n1,0\n2,1\n";
    static uint8_t packed[200];
    lam_data *data;
    const double x[] = { 1, 2 };
    assert_int_equal(open_input(&data, "-", text, strlen(text)), LAM_OK);
    assert_x(data, LAM_TRAIN, 2, 1, x);
    lam_data_free(data);
    assert_int_equal(open_input(&data, "csv:-", text, strlen(text)), LAM_OK);
    assert_x(data, LAM_TRAIN, 2, 1, x);
    lam_data_free(data);
    assert_int_equal(open_input(&data, "-", packed, pack(packed, sizeof packed, text, strlen(text))), LAM_OK);
    assert_x(data, LAM_TRAIN, 2, 1, x);
    lam_data_free(data);
    assert_int_equal(open_input(&data, "-", "a,y\n1\n", 6), LAM_EFORMAT);
    assert_message("standard input, line 2: 1 cell");
    assert_int_equal(open_input(&data, "-", "", 0), LAM_EFORMAT);
    assert_message("standard input is empty");
    assert_int_not_equal(open_input(&data, "-", "\x93NUMPY", 6), LAM_OK); /* arrays, which have other faults */
    assert_message("standard input: no labels");
    assert_int_not_equal(open_input(&data, "-", "PK\3\4", 4), LAM_OK);
    assert_message("standard input: not a zip archive");
}

/* ---- threads and chunks ------------------------------------------------------------------------------------------ */

/* A table with everything: numbers of many forms, gaps, categories, quotes with newlines and separators in them. */
static char *make_table(size_t rows, size_t *size)
{
    const size_t room = rows * 120 + 100;
    char *text = malloc(room);
    assert_non_null(text);
    const lami_rng rng = lami_rng_make(1, LAMI_RNG_TEST, 0, 0);
    size_t n = (size_t)snprintf(text, room, "a,b,colour,text,w,y\n");
    for (size_t i = 0; i < rows; i++) {
        static const char *const colours[] = { "red", "\"gr\"\"een\"", "blue", "" };
        static const char *const texts[] = { "plain", "\"a,b\nc\"", "\"\n\n\"", "5\" disk", "\"x,1,\r\ny,2\n\"" };
        const uint32_t r = lami_rng_word(&rng, i);
        n += (size_t)snprintf(text + n, room - n, "%.*g,%s%d.%u,%s,%s,%u,c%u%s", (int)(r % 17) + 1,
                              lami_rng_uniform(&rng, i), r % 11 ? "" : "-", (int)(r % 1000), r >> 20, colours[r % 4],
                              texts[r / 16 % 5], r / 128 % 3, r / 512 % 7,
                              i % 5    ? "\n"
                              : i % 10 ? "\r\n"
                                       : "\n\n");
    }
    *size = n;
    return text;
}

static lam_data *read_chunks(const char *text, size_t size, size_t chunk_bytes, size_t threads)
{
    lam_options *o = options_of("weight=w missing=mean");
    assert_int_equal(lam_options_set_real(o, "threads", (double)threads), LAM_OK);
    const lami_source source = { .data = (const uint8_t *)text, .size = size, .name = "memory" };
    lam_data *data = lami_alloc(1, sizeof *data);
    assert_non_null(data);
    const lami_open how = { .options = o, .reals = -1 };
    if (lami_csv_read(data, LAM_TRAIN, &source, &how, chunk_bytes))
        fail_msg("%s", lam_last_error());
    lam_options_free(o);
    return data;
}

static void assert_same_data(const lam_data *a, const lam_data *b)
{
    const lami_part *p = &a->part[LAM_TRAIN], *q = &b->part[LAM_TRAIN];
    assert_int_equal(p->count, q->count);
    assert_int_equal(a->sample_bytes, b->sample_bytes);
    assert_memory_equal(p->x, q->x, p->count * a->sample_bytes);
    assert_memory_equal(p->label, q->label, p->count * sizeof *p->label);
    assert_memory_equal(p->weight, q->weight, p->count * sizeof *p->weight);
    char *one = lami_schema_text(a->schema), *other = lami_schema_text(b->schema);
    assert_string_equal(one, other);
    lami_free(one);
    lami_free(other);
}

static void chunks_and_threads_do_not_show(void **state)
{
    (void)state;
    size_t size;
    char *text = make_table(400, &size);
    lam_data *whole = read_chunks(text, size, size, 1);
    assert_int_equal(lam_data_count(whole, LAM_TRAIN), 400);
    assert_classes(whole, "c0|c1|c2|c3|c4|c5|c6");
    static const size_t chunks[] = { 1, 2, 3, 7, 16, 50, 61, 128, 1000, 4096 };
    for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++)
        for (size_t threads = 1; threads <= 7; threads += threads == 2 ? 5 : 1) {
            lam_data *data = read_chunks(text, size, chunks[i], threads);
            assert_same_data(whole, data);
            lam_data_free(data);
        }
    lam_data_free(whole);
    free(text);
}

static void files_of_several_chunks_are_the_same_for_any_number_of_threads(void **state)
{
    (void)state;
    size_t size;
    char *text = make_table(60000, &size);
    assert_true(size > 2 * LAMI_CSV_CHUNK);
    lam_data *one = read_chunks(text, size, LAMI_CSV_CHUNK, 1);
    lam_data *two = read_chunks(text, size, LAMI_CSV_CHUNK, 2);
    lam_data *seven = read_chunks(text, size, LAMI_CSV_CHUNK, 7);
    assert_int_equal(lam_data_count(one, LAM_TRAIN), 60000);
    assert_same_data(one, two);
    assert_same_data(one, seven);
    lam_data_free(one);
    lam_data_free(two);
    lam_data_free(seven);
    free(text);
}

static void the_first_bad_row_is_named_whoever_finds_it(void **state)
{
    (void)state;
    size_t size;
    char *text = make_table(300, &size);
    /* two damaged rows, at the end and in the middle: that one is named */
    char *last = text + size - 4, *middle = strstr(text + size / 2, ",c");
    while (*last != ',')
        last--;
    *last = ' ';
    *middle = ' ';
    size_t line = 1;
    const char *row = middle;
    int quotes = 0;
    for (; *row != '\n' || quotes % 2; row--)
        quotes += *row == '"';
    for (const char *at = text; at <= row; at++)
        line += *at == '\n';
    lam_options *o = options_of("threads=3");
    const lami_source source = { .data = (const uint8_t *)text, .size = size, .name = "memory" };
    const lami_open how = { .options = o, .reals = -1 };
    char expected[64];
    snprintf(expected, sizeof expected, "memory, line %zu: 5 cells", line);
    for (size_t chunk = 1; chunk < 2000; chunk += 111) {
        lam_data *data = lami_alloc(1, sizeof *data);
        assert_int_equal(lami_csv_read(data, LAM_TRAIN, &source, &how, chunk), LAM_EFORMAT);
        assert_message(expected);
        lam_data_free(data);
    }
    lam_options_free(o);
    free(text);
}

static void each_failed_allocation_is_survived(void **state)
{
    (void)state;
    static const char text[] = "a,b,\"c\"\"d\",y,w\n1,u,\"x\"\"y\",p,1\n,v,z,q,2\n3,7,\"x\"\"y\",p,1\n4,u,z,q,1\n";
    lam_options *o = options_of("weight=w threads=2");
    const lami_source source = { .data = (const uint8_t *)text, .size = strlen(text), .name = "memory" };
    const lami_open how = { .options = o, .reals = -1 };
    int failures = 0;
    for (long n = 1;; n++) {
        lam_data *data = lami_alloc(1, sizeof *data);
        assert_non_null(data);
        lami_alloc_fail_at(n);
        const lam_status status = lami_csv_read(data, LAM_TRAIN, &source, &how, 10);
        lami_alloc_fail_at(0);
        const size_t count = lam_data_count(data, LAM_TRAIN);
        lam_data_free(data);
        if (!status) {
            assert_int_equal(count, 4);
            break;
        }
        assert_int_equal(status, LAM_ENOMEM);
        assert_message("out of memory");
        failures++;
    }
    assert_true(failures > 40);
    lam_options_free(o);
    write_text("whole.csv", text);
    write_text("part.csv", text);
    for (long n = 1;; n++) {
        lam_data *data;
        o = options_of("weight=w threads=1");
        assert_int_equal(lam_options_set(o, "val", in_folder("part.csv")), LAM_OK);
        lami_alloc_fail_at(n);
        const lam_status status = lam_data_open(&data, in_folder("whole.csv"), o);
        lami_alloc_fail_at(0);
        lam_options_free(o);
        assert_true(status == LAM_OK || status == LAM_ENOMEM);
        lam_data_free(data);
        if (!status)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_becomes_numbers_categories_and_classes),
        cmocka_unit_test(cells_are_found_as_rfc_4180_says_and_programs_write_them),
        cmocka_unit_test(the_first_line_is_a_header_where_no_cell_of_it_is_a_number),
        cmocka_unit_test(labels_are_found_by_name_or_index),
        cmocka_unit_test(missing_cells_follow_the_rule),
        cmocka_unit_test(means_are_those_of_what_is_left_for_training),
        cmocka_unit_test(one_hot_says_how_categories_become_inputs),
        cmocka_unit_test(targets_are_classes_or_numbers_by_a_rule),
        cmocka_unit_test(several_labels_are_targets_with_names),
        cmocka_unit_test(weights_are_numbers_from_0),
        cmocka_unit_test(numbers_are_rounded_once),
        cmocka_unit_test(columns_of_a_schema_are_found_by_name),
        cmocka_unit_test(columns_without_names_are_found_by_place),
        cmocka_unit_test(a_schema_keeps_the_rule_for_missing_cells),
        cmocka_unit_test(numbered_classes_and_categories_keep_their_numbers),
        cmocka_unit_test(damaged_tables_are_refused_with_their_line),
        cmocka_unit_test(limits_are_errors),
        cmocka_unit_test(bad_rows_are_noted_and_left_out_where_that_is_asked_for),
        cmocka_unit_test(a_folder_may_hold_the_parts),
        cmocka_unit_test(val_and_test_may_be_data_sets_of_their_own),
        cmocka_unit_test(parts_of_another_kind_must_agree),
        cmocka_unit_test(standard_input_may_be_a_table),
        cmocka_unit_test(chunks_and_threads_do_not_show),
        cmocka_unit_test(files_of_several_chunks_are_the_same_for_any_number_of_threads),
        cmocka_unit_test(the_first_bad_row_is_named_whoever_finds_it),
        cmocka_unit_test(each_failed_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
