/* args and progress: options from rows, the command line, files; the line of a terminal. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../src/cli/args.h"
#include "../src/cli/environment.h"
#include "../src/cli/output.h"
#include "../src/cli/progress.h"
#include "../src/core/mem.h"

struct opts {
    const char *data;
    size_t first;
    int split, plan;
};
static const cli_row rows[] = {
    CLI_TEXT(struct opts, data, 'd', "data", "DATA", NULL, "data set"),
    CLI_SIZE(struct opts, first, 0, "first", "N", 7, 1, 100, "only the first N"),
    CLI_CHOICE(struct opts, split, 0, "split", "PART", "train val test", "part"),
    CLI_FLAG(struct opts, plan, 0, "plan", "print the plan"),
    CLI_END,
};
static const char *const defaults[] = { "batch", "5", NULL };
static const cli_cmd cmd = {
    .name = "try",
    .usage = "NET [options]\n--other",
    .help = "help",
    .about = "About this command.",
    .examples = "  lamina try\n",
    .rows = rows,
    .own_size = sizeof(struct opts),
    .groups = LAMI_FOR_ALL | LAMI_FOR_TRAIN | LAMI_FOR_BATCH,
    .also = "seed val",
    .without = "no-merge lr-decay",
    .defaults = defaults,
    .arg_name = "NET",
    .least_args = 1,
    .most_args = 2,
};

enum { WORDS_MOST = 32 };

/* Parse words separated by spaces; _ in a word stands for a space. */
static lam_status parse(cli_args **args, const char *line)
{
    static char text[512];
    char *word[WORDS_MOST];
    int count = 0;
    assert_true(strlen(line) < sizeof text);
    snprintf(text, sizeof text, "%s", line);
    for (char *at = text; *at;) {
        word[count++] = at;
        at += strcspn(at, " ");
        if (*at)
            *at++ = 0;
    }
    for (int i = 0; i < count; i++)
        for (char *c = word[i]; *c; c++)
            if (*c == '_')
                *c = ' ';
    return cli_args_parse(args, &cmd, count, word);
}

static void refuses(const char *line, const char *message)
{
    cli_args *args = (cli_args *)&cmd;
    assert_int_equal(parse(&args, line), LAM_EOPTION);
    assert_null(args);
    assert_string_equal(lam_last_error(), message);
}

static void write_file(char path[32], const char *text)
{
    snprintf(path, 32, "args-XXXXXX");
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

/* ---- command line ------------------------------------------------------------------------------------------------ */

static void defaults_stand_where_nothing_is_given(void **state)
{
    (void)state;
    cli_args *args;
    assert_int_equal(parse(&args, "net"), LAM_OK);
    const cli_call *call = cli_args_call(args);
    const struct opts *o = call->own;
    assert_null(o->data);
    assert_int_equal(o->first, 7);
    assert_int_equal(o->split, -1);
    assert_int_equal(o->plan, 0);
    assert_int_equal(call->options->batch, 5); /* the command's, not the table's */
    assert_false(call->quiet || call->verbose || call->json || cli_args_help(args));
    cli_args_free(args);
}

static void all_forms_of_options_are_read(void **state)
{
    (void)state;
    cli_args *args;
    assert_int_equal(parse(&args, "--first 9 net --split=val -qv --lr=1e-3 -b 12 -d=x --plan - --json"), LAM_OK);
    const cli_call *call = cli_args_call(args);
    const struct opts *o = call->own;
    assert_int_equal(call->args, 2);
    assert_string_equal(call->arg[0], "net");
    assert_string_equal(call->arg[1], "-");
    assert_int_equal(o->first, 9);
    assert_int_equal(o->split, 1);
    assert_int_equal(o->plan, 1);
    assert_string_equal(o->data, "=x"); /* a short option's value is all that follows */
    assert_int_equal(call->options->batch, 12);
    assert_true(call->options->lr == 1e-3);
    assert_true(call->quiet && call->verbose && call->json);
    cli_args_free(args);
}

static void two_dashes_end_options_and_the_last_value_wins(void **state)
{
    (void)state;
    cli_args *args;
    assert_int_equal(parse(&args, "-b1 -b2 --plan=1 --plan=0 -- --lr -x"), LAM_OK);
    const cli_call *call = cli_args_call(args);
    assert_int_equal(call->options->batch, 2);
    assert_int_equal(((const struct opts *)call->own)->plan, 0);
    assert_int_equal(call->args, 2);
    assert_string_equal(call->arg[1], "-x");
    cli_args_free(args);
}

static void a_value_may_begin_with_one_dash(void **state)
{
    (void)state;
    cli_args *args;
    assert_int_equal(parse(&args, "net --data -5"), LAM_OK);
    assert_string_equal(((const struct opts *)cli_args_call(args)->own)->data, "-5");
    cli_args_free(args);
    refuses("net --l2 -5", "--l2: -5 is under 0");
}

static void help_wins_over_everything_else(void **state)
{
    (void)state;
    cli_args *args;
    assert_int_equal(parse(&args, "--first 1000 --config nowhere -h a b c d"), LAM_OK);
    assert_true(cli_args_help(args));
    cli_args_free(args);
}

static void wrong_options_get_the_nearest_match(void **state)
{
    (void)state;
    refuses("net --ephocs 5", "unknown option --ephocs, did you mean --epochs?");
    refuses("net --spilt=val", "unknown option --spilt, did you mean --split?");
    refuses("net --zzzzzz", "unknown option --zzzzzz (see lamina try --help)");
    refuses("net -z", "unknown option -z (see lamina try --help)");
    refuses("net -qz", "unknown option -z (see lamina try --help)");
    refuses("net --no-merge", "try does not take --no-merge (see lamina try --help)");
    refuses("net --patience 3", "try does not take --patience (see lamina try --help)");
}

static void wrong_values_are_told_with_their_option(void **state)
{
    (void)state;
    refuses("net --first 0", "--first: 0 is under 1");
    refuses("net --first 101", "--first: 101 is over 100");
    refuses("net --first 1x", "--first: \"1x\" is not a whole number from 0");
    refuses("net --split tst", "--split: unknown value \"tst\", did you mean \"test\"? (train val test)");
    refuses("net --split all", "--split: unknown value \"all\", expected one of: train val test");
    refuses("net --plan=maybe", "--plan: \"maybe\" is not 1, 0, true or false");
    refuses("net --data", "--data needs a value: --data DATA");
    refuses("net --data --json", "--data needs a value: --data DATA");
    refuses("net -d", "--data needs a value: --data DATA");
    refuses("net --data=", "--data: the value is empty");
    refuses("net --batch 0", "--batch: 0 is under 1");
}

static void the_number_of_arguments_is_checked(void **state)
{
    (void)state;
    refuses("--plan", "try needs NET (see lamina try --help)");
    refuses("a b c", "try: one argument too many, \"c\"; put the notation in quotes (see lamina try --help)");
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

static void flags_win_over_the_file_and_that_over_defaults(void **state)
{
    (void)state;
    char path[32], line[128];
    cli_args *args;
    write_file(
        path, "# a comment\n\n  batch = 64   # and another\nlr=0.5\r\ndata = a b#c\nplan = 1\nfirst = 3\nquiet = true");
    snprintf(line, sizeof line, "net -b 32 --config %s --first 4", path);
    assert_int_equal(parse(&args, line), LAM_OK);
    const cli_call *call = cli_args_call(args);
    const struct opts *o = call->own;
    assert_int_equal(call->options->batch, 32);
    assert_true(call->options->lr == 0.5);
    assert_string_equal(o->data, "a b#c");
    assert_int_equal(o->first, 4);
    assert_true(o->plan && call->quiet);
    cli_args_free(args);
    unlink(path);
}

static void refuses_file(const char *text, const char *message)
{
    char path[32], line[128], expected[256];
    write_file(path, text);
    snprintf(line, sizeof line, "net --config %s", path);
    snprintf(expected, sizeof expected, "%s:%s", path, message);
    refuses(line, expected);
    unlink(path);
}

static void mistakes_in_files_are_told_with_their_line(void **state)
{
    (void)state;
    refuses_file("batch = 5\nephocs = 3\n", "2: unknown option --ephocs, did you mean --epochs?");
    refuses_file("\n\nbatch = many\n", "3: --batch: \"many\" is not a whole number from 0");
    refuses_file("batch 5", "1: \"batch 5\" is not \"name = value\"");
    refuses_file("batch = 5\n#\nbatch = 6\n", "3: batch is given twice, first in line 1");
    refuses_file("batch =\n", "1: --batch: the value is empty");
    refuses_file("data =\n", "1: --data: the value is empty");
    refuses_file("config = x\n", "1: config stands on the command line only");
    refuses_file("split = x\n", "1: --split: unknown value \"x\", expected one of: train val test");
}

static void unreadable_files_are_inputs_not_options(void **state)
{
    (void)state;
    char path[32], line[64];
    cli_args *args;
    assert_int_equal(parse(&args, "net --config does/not/exist"), LAM_EREAD);
    assert_non_null(strstr(lam_last_error(), "does/not/exist"));
    assert_int_equal(parse(&args, "net --config ."), LAM_EREAD);
    snprintf(path, sizeof path, "args-XXXXXX");
    const int fd = mkstemp(path);
    assert_int_equal(write(fd, "a\0b", 3), 3);
    close(fd);
    snprintf(line, sizeof line, "net --config %s", path);
    assert_int_equal(parse(&args, line), LAM_EFORMAT);
    unlink(path);
}

/* ---- environment ------------------------------------------------------------------------------------------------- */

static void the_environment_stands_between_files_and_defaults(void **state)
{
    (void)state;
    char path[32], line[128];
    cli_args *args;
    write_file(path, "lr = 0.5\n");
    snprintf(line, sizeof line, "net --config %s --epochs 2", path);
    setenv("LAMINA_LR", "0.25", 1);
    setenv("LAMINA_EPOCHS", "3", 1);
    setenv("LAMINA_BATCH", "7", 1);
    setenv("LAMINA_THREADS", "2", 1);
    setenv("LAMINA_L2", "", 1);
    setenv("LAMINA_PATIENCE", "x", 1); /* not this command's */
    assert_int_equal(parse(&args, line), LAM_OK);
    const cli_call *call = cli_args_call(args);
    assert_true(call->options->lr == 0.5);
    assert_true(call->options->epochs == 2);
    assert_int_equal(call->options->batch, 7); /* the command's default is 5 */
    assert_int_equal(call->options->threads, 2);
    assert_true(call->options->l2 == 0);
    assert_false(lami_option_given(call->given, offsetof(lam_options, batch)));
    assert_true(lami_option_given(call->given, offsetof(lam_options, lr)));
    assert_int_equal(call->given->threads, 2);
    cli_args_free(args);
    setenv("LAMINA_BATCH", "0", 1);
    refuses("net", "LAMINA_BATCH: --batch: 0 is under 1");
    static const char *const names[] = { "LR", "EPOCHS", "BATCH", "THREADS", "L2", "PATIENCE" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(line, sizeof line, "LAMINA_%s", names[i]);
        unsetenv(line);
    }
    unlink(path);
}

static void unknown_variables_get_a_warning_with_the_nearest_match(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    setenv("LAMINA_LR_DECYA", "1", 1);
    setenv("LAMINA_LR_DECAY", "1", 1);
    setenv("LAMINAR", "1", 1);
    cli_environment_warn(out);
    unsetenv("LAMINA_LR_DECYA");
    unsetenv("LAMINA_LR_DECAY");
    setenv("LAMINA_\033zzzzzzzzzz", "1", 1);
    cli_environment_warn(out);
    unsetenv("LAMINA_\033zzzzzzzzzz");
    unsetenv("LAMINAR");
    fclose(out);
    assert_string_equal(
        text, "lamina: the variable LAMINA_LR_DECYA of the environment is no option, did you mean LAMINA_LR_DECAY?\n"
              "lamina: the variable LAMINA_?zzzzzzzzzz of the environment is no option (see lamina --help)\n");
    free(text);
}

/* ---- help -------------------------------------------------------------------------------------------------------- */

static void help_has_every_option_and_keeps_to_the_width(void **state)
{
    (void)state;
    static const int widths[] = { 60, 80, 120 };
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
        char *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);
        cli_help(out, &cmd, widths[i]);
        fclose(out);
        assert_non_null(strstr(text, "Usage: lamina try NET [options]\n       lamina try --other\n"));
        assert_non_null(strstr(text, "  -d, --data DATA         data set\n"));
        assert_non_null(strstr(text, "      --first N           only the first N [7]\n"));
        assert_non_null(strstr(text, "part (train, val, test)\n"));
        assert_non_null(strstr(text, "samples per step [5]\n"));
        assert_null(strstr(text, "--no-merge"));
        assert_null(strstr(text, "--lr-decay F"));
        for (const char *line = text; *line; line += strcspn(line, "\n") + 1) {
            const size_t length = strcspn(line, "\n");
            assert_true(length <= (size_t)widths[i]);
            assert_true(!length || line[length - 1] != ' ');
        }
        free(text);
    }
}

static void any_allocation_may_fail(void **state)
{
    (void)state;
    char path[32], line[128];
    write_file(path, "batch = 64\nval = 0.1\n");
    snprintf(line, sizeof line, "net --config %s --val 0.2 --data x", path);
    lam_status status = LAM_ENOMEM;
    for (long n = 1; status; n++) {
        cli_args *args;
        assert_true(n < 100);
        lami_alloc_fail_at(n);
        status = parse(&args, line);
        lami_alloc_fail_at(0);
        assert_true(status == LAM_OK || status == LAM_ENOMEM);
        cli_args_free(args);
    }
    unlink(path);
}

/* ---- progress ---------------------------------------------------------------------------------------------------- */

static void the_line_fits_any_width(void **state)
{
    (void)state;
    const lam_progress now = { .step = 1234,
                               .steps = 6000,
                               .epoch = 2,
                               .epochs = 10,
                               .train_accuracy = 0.8714,
                               .val_accuracy = 0.865,
                               .samples_per_second = 41234 };
    char line[CLI_PROGRESS_TEXT];
    for (int width = 20; width < 300; width++) {
        cli_progress_line(line, width, &now, 0.43123, 0.2, 75);
        assert_true(strlen(line) < (size_t)width);
        assert_non_null(strstr(line, "loss 0.4312"));
    }
    cli_progress_line(line, 80, &now, 0.43123, 0.2, 75);
    assert_string_equal(line, "epoch 3/10  [=>       ]  41.2k/s  ETA 1:15  loss 0.4312  train 87.1%  val 86.5%");
    cli_progress_line(line, 120, &now, 0.43123, 0.5, 3723);
    assert_string_equal(
        line, "epoch 3/10  [==============>             ]  41.2k/s  ETA 1:02:03  loss 0.4312  train 87.1%  val 86.5%");
}

static void what_is_unknown_is_left_out(void **state)
{
    (void)state;
    const lam_progress now = { .step = 1, .train_accuracy = NAN, .val_accuracy = NAN };
    char line[CLI_PROGRESS_TEXT];
    cli_progress_line(line, 80, &now, NAN, NAN, NAN);
    assert_string_equal(line, "epoch 1");
}

static void elsewhere_there_is_a_plain_line_per_epoch(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size;
    FILE *file = tmpfile();
    cli_progress *p = cli_progress_start(file, 0);
    lam_progress now = {
        .steps = 5, .epochs = 2, .train_accuracy = NAN, .val_accuracy = NAN, .samples_per_second = 1000
    };
    for (now.step = 1; now.step <= 5; now.step++) {
        now.epoch = now.step / 2;
        now.epoch_end = now.step % 2 == 0;
        now.loss = (double)now.step;
        now.train_accuracy = now.epoch_end ? 0.5 : NAN;
        now.seconds = 1;
        cli_progress_show(p, &now);
    }
    cli_progress_stop(&p);
    assert_null(p);
    rewind(file);
    assert_true(getdelim(&text, &size, 0, file) > 0);
    assert_string_equal(text, "epoch 1/2  step 2  loss 1.5  train 50.00%  1.00k/s  1.0 s\n"
                              "epoch 2/2  step 4  loss 3.5  train 50.00%  1.00k/s  1.0 s\n"
                              "epoch 2/2  step 5  loss 5  1.00k/s  1.0 s\n");
    free(text);
    fclose(file);
}

static void a_progress_that_is_null_shows_nothing(void **state)
{
    (void)state;
    cli_progress *p = NULL;
    const lam_progress now = { 0 };
    cli_progress_show(p, &now);
    cli_progress_stop(&p);
}

static void numbers_read_well(void **state)
{
    (void)state;
    char text[CLI_TEXT_MAX];
    assert_string_equal(cli_count(text, 0), "0");
    assert_string_equal(cli_count(text, 1234567), "1,234,567");
    assert_string_equal(cli_count(text, UINT64_MAX), "18,446,744,073,709,551,615");
    assert_string_equal(cli_bytes(text, 1023), "1023 bytes");
    assert_string_equal(cli_bytes(text, 1536), "1.5 KiB");
    assert_string_equal(cli_seconds(text, 8.24), "8.2 s");
    assert_string_equal(cli_seconds(text, 59.99), "1 min 00 s");
    assert_string_equal(cli_seconds(text, 7260), "2 h 01 min");
    assert_string_equal(cli_thousands(text, 999.4), "999");
    assert_string_equal(cli_thousands(text, 999.6), "1.00k");
    assert_string_equal(cli_thousands(text, 41234), "41.2k");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_stand_where_nothing_is_given),
        cmocka_unit_test(all_forms_of_options_are_read),
        cmocka_unit_test(two_dashes_end_options_and_the_last_value_wins),
        cmocka_unit_test(a_value_may_begin_with_one_dash),
        cmocka_unit_test(help_wins_over_everything_else),
        cmocka_unit_test(wrong_options_get_the_nearest_match),
        cmocka_unit_test(wrong_values_are_told_with_their_option),
        cmocka_unit_test(the_number_of_arguments_is_checked),
        cmocka_unit_test(flags_win_over_the_file_and_that_over_defaults),
        cmocka_unit_test(mistakes_in_files_are_told_with_their_line),
        cmocka_unit_test(unreadable_files_are_inputs_not_options),
        cmocka_unit_test(the_environment_stands_between_files_and_defaults),
        cmocka_unit_test(unknown_variables_get_a_warning_with_the_nearest_match),
        cmocka_unit_test(help_has_every_option_and_keeps_to_the_width),
        cmocka_unit_test(any_allocation_may_fail),
        cmocka_unit_test(the_line_fits_any_width),
        cmocka_unit_test(what_is_unknown_is_left_out),
        cmocka_unit_test(elsewhere_there_is_a_plain_line_per_epoch),
        cmocka_unit_test(a_progress_that_is_null_shows_nothing),
        cmocka_unit_test(numbers_read_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
