/* environment: see environment.h. */
#include "environment.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../core/nearest.h"

static const char prefix[] = "LAMINA_";
enum { PREFIX = sizeof prefix - 1, VARIABLE_MAX = PREFIX + CLI_WORD_MAX };

/* "lr-decay" to "LAMINA_LR_DECAY" */
static const char *variable_of(char variable[VARIABLE_MAX], const char *name)
{
    size_t at = PREFIX;
    memcpy(variable, prefix, PREFIX);
    for (; *name && at + 1 < VARIABLE_MAX; name++)
        variable[at++] = *name == '-' ? '_' : *name >= 'a' && *name <= 'z' ? (char)(*name - 'a' + 'A') : *name;
    variable[at] = 0;
    return variable;
}

static lam_status read_option(lam_options *options, lam_options *given, const lami_option *o)
{
    char variable[VARIABLE_MAX];
    const char *value = getenv(variable_of(variable, o->name));
    if (!value || !*value || lami_option_given(given, o->offset))
        return LAM_OK;
    const lam_status status = lam_options_set(options, o->name, value);
    if (status)
        return lami_fail_at(status, "%s", variable);
    const int machine = o->groups & LAMI_FOR_ALL && o->groups & LAMI_ON_RESUME; /* else a run goes on as it began */
    return machine ? lam_options_set(given, o->name, value) : LAM_OK;
}

lam_status cli_environment_read(lam_options *options, lam_options *given, const cli_items *items)
{
    for (size_t i = 0; i < items->count; i++)
        if (items->item[i].option)
            LAM_TRY(read_option(options, given, items->item[i].option));
    return LAM_OK;
}

/* ---- misspelt ones ----------------------------------------------------------------------------------------------- */

static const char *option_name(size_t index, const void *arg)
{
    (void)arg;
    return lami_option_table[index].name;
}

static int is_known(const char *entry, size_t length)
{
    char variable[VARIABLE_MAX];
    for (size_t i = 0; i < lami_option_count; i++) {
        variable_of(variable, lami_option_table[i].name);
        if (strlen(variable) == length && !memcmp(variable, entry, length))
            return 1;
    }
    return 0;
}

static void warn(FILE *out, const char *entry, size_t length)
{
    char shown[VARIABLE_MAX], name[VARIABLE_MAX], variable[VARIABLE_MAX];
    const size_t n = length < VARIABLE_MAX ? length : VARIABLE_MAX - 1;
    for (size_t i = 0; i < n; i++) {
        const char c = entry[i];
        shown[i] = c < ' ' || c > '~' ? '?' : c;
        name[i] = c == '_' ? '-' : c;
    }
    shown[n] = name[n] = 0;
    const char *meant = lami_nearest(name + PREFIX, lami_option_count, option_name, NULL);
    fprintf(out, "lamina: the variable %s of the environment is no option", shown);
    if (meant)
        fprintf(out, ", did you mean %s?\n", variable_of(variable, meant));
    else
        fputs(" (see lamina --help)\n", out);
}

void cli_environment_warn(FILE *out)
{
    for (char *const *entry = environ; entry && *entry; entry++) {
        const size_t length = strcspn(*entry, "=");
        if (!strncmp(*entry, prefix, PREFIX) && !is_known(*entry, length))
            warn(out, *entry, length);
    }
}
