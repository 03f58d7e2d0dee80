/* status: the message lives in the thread; formatting is in the C locale, so that numbers look the same everywhere. */
#include "status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "number.h"

static _Thread_local char message[LAMI_MESSAGE_MAX];

/* Format into text[LAMI_MESSAGE_MAX]; a cut never splits a UTF-8 character. */
static void format_line(char *text, const char *format, va_list args)
{
    const locale_t before = uselocale(lami_c_locale());
    const int length = vsnprintf(text, LAMI_MESSAGE_MAX, format, args);
    uselocale(before);
    if (length < 0)
        text[0] = 0;
    if (length < LAMI_MESSAGE_MAX)
        return;
    size_t end = LAMI_MESSAGE_MAX - 1;
    while (end > 0 && ((unsigned char)text[end - 1] & 0xc0) == 0x80)
        end--;
    if (end > 0 && ((unsigned char)text[end - 1] & 0x80) != 0)
        end--;
    text[end] = 0;
}

static void end_line(void)
{
    size_t length = strlen(message);
    while (length > 0 && message[length - 1] == '\n')
        message[--length] = 0;
}

lam_status lami_fail(lam_status status, const char *format, ...)
{
    char text[LAMI_MESSAGE_MAX]; /* apart, as the arguments may hold the message itself */
    va_list args;
    va_start(args, format);
    format_line(text, format, args);
    va_end(args);
    memcpy(message, text, strlen(text) + 1);
    end_line();
    return status;
}

lam_status lami_fail_at(lam_status status, const char *format, ...)
{
    char text[LAMI_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    format_line(text, format, args);
    va_end(args);
    return lami_fail(status, "%s: %s", text, message);
}

const char *lam_last_error(void)
{
    return message;
}

const char *lam_status_text(lam_status status)
{
    switch (status) {
    case LAM_OK:
        return "done";
#define X(name, value, text) \
    case name:               \
        return text;
        LAM_STATUS_MAP(X)
#undef X
    }
    return "unknown status";
}

const char *lam_version(void)
{
    return LAM_VERSION;
}
