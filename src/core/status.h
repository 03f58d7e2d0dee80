/* status: how functions fail. lami_fail sets this thread's message and returns the code; LAM_TRY passes both on. */
#ifndef LAMI_STATUS_H
#define LAMI_STATUS_H

#include "lamina.h"

enum { LAMI_MESSAGE_MAX = 1024 };

#if defined(__GNUC__)
#define LAMI_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define LAMI_PRINTF(fmt, args)
#endif

/* Set the message (a line, no newline at the end, cut to LAMI_MESSAGE_MAX) and return status. */
lam_status lami_fail(lam_status status, const char *format, ...) LAMI_PRINTF(2, 3);

/* Put "prefix: " before the message of the last failure; returns status. For callers that know the place (file,
 * line). */
lam_status lami_fail_at(lam_status status, const char *format, ...) LAMI_PRINTF(2, 3);

#define LAM_TRY(call)                           \
    do {                                        \
        const lam_status lami_status_ = (call); \
        if (lami_status_)                       \
            return lami_status_;                \
    } while (0)

/* The same inside a function with one exit: needs `lam_status status` and a label `done`. */
#define LAM_TRY_DONE(call)     \
    do {                       \
        if ((status = (call))) \
            goto done;         \
    } while (0)

#endif
