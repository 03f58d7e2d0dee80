/* signals: Ctrl-C and SIGTERM as a wish to stop: the first is noted, the second leaves at once. */
#ifndef LAMI_SIGNALS_H
#define LAMI_SIGNALS_H

/* From here on, SIGINT and SIGTERM are noted, and SIGPIPE is ignored: training goes on when its reader leaves. */
void cli_signals_catch(void);

/* From here on they do again what they do by default. */
void cli_signals_release(void);

/* The signal that came, 0: none. Then 128 + signal is the exit status. */
int cli_signal(void);

#endif
