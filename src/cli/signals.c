/* signals: see signals.h. */
#include "signals.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

static atomic_int caught; /* read by any thread */

static void note(int signal)
{
    if (caught)
        _exit(128 + signal);
    caught = signal;
}

static void set_actions(void (*handler)(int), void (*pipe_handler)(int))
{
    struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART };
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    action.sa_handler = pipe_handler;
    sigaction(SIGPIPE, &action, NULL);
}

void cli_signals_catch(void)
{
    caught = 0;
    set_actions(note, SIG_IGN);
}

void cli_signals_release(void)
{
    set_actions(SIG_DFL, SIG_DFL);
}

int cli_signal(void)
{
    return caught;
}
