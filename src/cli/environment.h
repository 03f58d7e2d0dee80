/* environment: the library's options as variables of the environment, LAMINA_NAME for --name. */
#ifndef LAMI_ENVIRONMENT_H
#define LAMI_ENVIRONMENT_H

#include <stdio.h>

#include "items.h"

/* Set the options among `items` that have a variable, unless `given` has them. Of those for every command (threads,
 * isa, no-merge) `given` takes the values, too. Variables of options that the command does not take, and empty ones,
 * count for nothing. Errors: LAM_EOPTION naming the variable, LAM_ENOMEM. */
lam_status cli_environment_read(lam_options *options, lam_options *given, const cli_items *items);

/* A line for each variable LAMINA_... that no option has. */
void cli_environment_warn(FILE *out);

#endif
