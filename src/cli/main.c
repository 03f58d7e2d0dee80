/* lamina: the table of commands. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../core/nearest.h"
#include "cli.h"
#include "environment.h"

const cli_cmd *const cli_commands[] = {
    &cmd_train,    &cmd_tune,  &cmd_eval,  &cmd_predict, &cmd_show, &cmd_data,
    &cmd_describe, &cmd_check, &cmd_bench, &cmd_info,    NULL,
};
enum { COMMANDS = sizeof cli_commands / sizeof *cli_commands - 1, HELP_WIDEST = 100 };

int cli_exit(lam_status status)
{
    switch (status) {
    case LAM_OK:
        return CLI_DONE;
    case LAM_ENOMEM:
    case LAM_EWRITE:
    case LAM_EBUSY:
        return CLI_FAILED;
    case LAM_EINVAL:
    case LAM_ESHAPE:
    case LAM_ENOTATION:
    case LAM_EOPTION:
    case LAM_EUNSUPPORTED:
        return CLI_USAGE;
    case LAM_EREAD:
    case LAM_EFORMAT:
    case LAM_EVERSION:
        return CLI_INPUT;
    case LAM_EDIVERGED:
        return CLI_DIVERGED;
    case LAM_ECHECK:
        return CLI_CHECK;
    }
    return CLI_FAILED;
}

/* Names of files may hold any byte: a message stays one line, and leaves the terminal as it is. That about a notation
 * has its text and the caret on lines of their own. */
static void print_message(FILE *out, const char *message, int lines)
{
    fputs("lamina: ", out);
    for (; *message; message++) {
        const unsigned char c = (unsigned char)*message;
        putc((c < 0x20 && !(lines && c == '\n')) || c == 0x7f ? '?' : c, out);
    }
    putc('\n', out);
}

int cli_report(lam_status status)
{
    if (status)
        print_message(stderr, lam_last_error(),
                      status == LAM_ENOTATION || status == LAM_ESHAPE || status == LAM_EUNSUPPORTED);
    return cli_exit(status);
}

static int help_width(FILE *out)
{
    const int width = cli_width(out);
    return width < HELP_WIDEST ? width : HELP_WIDEST;
}

/* ---- what is said about the program as a whole ------------------------------------------------------------------- */

static void overview(FILE *out)
{
    fputs("Usage: lamina COMMAND [options] ARGUMENTS\n\nTrain, check and ship neural networks.\n\nCommands\n", out);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(out, "  %-10s%s\n", cli_commands[i]->name, cli_commands[i]->help);
    fputs("\nlamina help COMMAND has the options of a command; lamina --version the version.\n"
          "LAMINA_THREADS in the environment stands for --threads, and so on; --config and the command line win.\n"
          "\nExamples\n"
          "  lamina train \"affine 100 - relu - affine 10 - softmax\" --data fashion-mnist\n"
          "  lamina eval runs/001 --data fashion-mnist\n",
          out);
}

static int version(void)
{
    printf("lamina %s\n", lam_version());
    return cli_report(cli_flush());
}

/* ---- finding and running a command ------------------------------------------------------------------------------- */

static const char *command_name(size_t index, const void *arg)
{
    (void)arg;
    return cli_commands[index]->name;
}

static lam_status find_command(const cli_cmd **cmd, const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        if (!strcmp(cli_commands[i]->name, name)) {
            *cmd = cli_commands[i];
            return LAM_OK;
        }
    }
    char meant[LAMI_MEANT_TEXT];
    lami_did_you_mean(meant, name, COMMANDS, command_name, NULL);
    return lami_fail(LAM_EOPTION, "unknown command \"%.64s\"%s", name, *meant ? meant : " (see lamina --help)");
}

static int help(const char *name)
{
    const cli_cmd *cmd;
    if (!name)
        overview(stdout);
    else if (find_command(&cmd, name))
        return cli_report(LAM_EOPTION);
    else
        cli_help(stdout, cmd, help_width(stdout));
    return cli_report(cli_flush());
}

/* For the build: `help --man [PAGE]` and `help --bash`. */
static int help_files(const char *what, const char *page)
{
    if (!strcmp(what, "--bash"))
        cli_completion(stdout);
    else if (strcmp(what, "--man"))
        return cli_report(lami_fail(LAM_EOPTION, "help does not take %.64s", what));
    else if (cli_manual(stdout, page))
        return cli_report(LAM_EOPTION);
    return cli_report(cli_flush());
}

static int run(const char *name, int argc, char *const *argv)
{
    const cli_cmd *cmd;
    cli_args *args = NULL;
    lam_status status = find_command(&cmd, name);
    if (!status)
        status = cli_args_parse(&args, cmd, argc, argv);
    if (status)
        return cli_report(status);
    if (!cli_args_call(args)->quiet && !cli_args_help(args))
        cli_environment_warn(stderr);
    const int rc = cli_args_help(args) ? help(name) : cmd->run(cli_args_call(args));
    cli_args_free(args);
    return rc;
}

static int start(int argc, char *const *argv)
{
    if (argc < 2) {
        overview(stderr);
        return CLI_USAGE;
    }
    const char *first = argv[1];
    if (!strcmp(first, "--help") || !strcmp(first, "-h"))
        return help(NULL);
    if (!strcmp(first, "--version"))
        return version();
    if (!strcmp(first, "help") && argc > 2 && argv[2][0] == '-')
        return help_files(argv[2], argc > 3 ? argv[3] : NULL);
    if (!strcmp(first, "help"))
        return help(argc > 2 ? argv[2] : NULL);
    if (first[0] == '-')
        return cli_report(
            lami_fail(LAM_EOPTION, "\"%.64s\" stands before the command: lamina COMMAND [options]", first));
    return run(first, argc - 2, argv + 2);
}

/* A file opened later must not become standard output or error because that was closed: results would go into it. What
 * stands in for a closed one refuses what is done with it. A file over the limit of its size is an error, no signal. */
static void guard(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            _exit(CLI_FAILED);
    signal(SIGXFSZ, SIG_IGN);
}

int main(int argc, char **argv)
{
    guard();
    const int rc = start(argc, argv);
    if (fclose(stdout) && rc == CLI_DONE) {
        fprintf(stderr, "lamina: cannot write to standard output: %s\n", strerror(errno));
        return CLI_FAILED;
    }
    return rc;
}
