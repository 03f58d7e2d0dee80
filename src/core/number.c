/* number: strtod_l and snprintf in the C locale, to nearest; syntax is checked by hand, as strtod takes spaces, hex and "nan". */
#include "number.h"

#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "fpu.h"

static pthread_once_t locale_once = PTHREAD_ONCE_INIT;
static locale_t c_locale;

static void make_locale(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0); /* a constant of libc: no memory */
}

locale_t lami_c_locale(void)
{
    pthread_once(&locale_once, make_locale);
    return c_locale;
}

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *skip_digits(const char *at)
{
    while (is_digit(*at))
        at++;
    return at;
}

/* [+-] digits [. digits] [e [+-] digits], with a digit on one side of the point. */
static int is_decimal(const char *at)
{
    at += *at == '+' || *at == '-';
    const char *whole = at;
    at = skip_digits(at);
    int digits = at > whole;
    if (*at == '.') {
        const char *fraction = ++at;
        at = skip_digits(at);
        digits |= at > fraction;
    }
    if (!digits)
        return 0;
    if (*at == 'e' || *at == 'E') {
        at++;
        at += *at == '+' || *at == '-';
        if (!is_digit(*at))
            return 0;
        at = skip_digits(at);
    }
    return *at == 0;
}

lam_status lami_parse_real(double *value, const char *text)
{
    if (!text || !is_decimal(text))
        return lami_fail(LAM_EINVAL, "\"%.64s\" is not a number", text ? text : "");
    LAMI_FPU_SCOPE;
    const double v = strtod_l(text, NULL, lami_c_locale());
    if (!isfinite(v))
        return lami_fail(LAM_EINVAL, "%.64s is too large for a number", text);
    *value = v;
    return LAM_OK;
}

lam_status lami_parse_u64(uint64_t *value, const char *text)
{
    if (!text || !is_digit(*text) || *skip_digits(text))
        return lami_fail(LAM_EINVAL, "\"%.64s\" is not a whole number from 0", text ? text : "");
    uint64_t v = 0;
    for (const char *at = text; *at; at++) {
        const uint64_t digit = (uint64_t)(*at - '0');
        if (v > (UINT64_MAX - digit) / 10)
            return lami_fail(LAM_EINVAL, "%.64s is over %" PRIu64, text, UINT64_MAX);
        v = v * 10 + digit;
    }
    *value = v;
    return LAM_OK;
}

void lami_real_text(char text[LAMI_REAL_TEXT], double value)
{
    if (isnan(value)) { /* the sign of a NaN means nothing */
        snprintf(text, LAMI_REAL_TEXT, "nan");
        return;
    }
    const locale_t before = uselocale(lami_c_locale());
    LAMI_FPU_SCOPE;
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(text, LAMI_REAL_TEXT, "%.*g", digits, value);
        if (strtod_l(text, NULL, lami_c_locale()) == value)
            break;
    }
    uselocale(before);
}
