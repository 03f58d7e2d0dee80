/* number: strtod_l and snprintf in the C locale, to nearest; syntax is checked by hand, as strtod takes spaces, hex
 * and "nan". lami_real_prefix calls strtod_l only where 128 bits do not hold the exact result. */
#include "number.h"

#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* ---- fast -------------------------------------------------------------------------------------------------------- */

enum { PREFIX_MOST = 255, DIGITS_MOST = 19 /* fit into 64 bits */, EXPONENT_MOST = 100000, EXPONENT_SAFE = 280 };

/* A number as it is written: digits * 10^exponent, if there are not more than DIGITS_MOST significant ones. */
typedef struct decimal {
    uint64_t digits;
    int exponent;
    int negative, exact;
    size_t length; /* 0: not a number */
} decimal;

/* The exponent part at `at`, if a whole one is there, added to *exponent; returns where it ends. */
static const char *scan_exponent(int *exponent, const char *at, const char *end)
{
    const char *const before = at;
    int negative = 0, value = 0;
    at++;
    if (at < end && (*at == '-' || *at == '+'))
        negative = *at++ == '-';
    if (at == end || !is_digit(*at))
        return before;
    for (; at < end && is_digit(*at); at++)
        if (value < EXPONENT_MOST)
            value = 10 * value + (*at - '0');
    *exponent += negative ? -value : value;
    return at;
}

/* Are there at most DIGITS_MOST digits from the first that is not 0? */
static int few_digits(const char *at, const char *end)
{
    while (at < end && (*at == '0' || *at == '.'))
        at++;
    size_t count = 0;
    for (; at < end; at++)
        count += *at != '.';
    return count <= DIGITS_MOST;
}

/* Digits from *at on, added to `digits`: eight at a time (as SWAR: pairs, then fours, then all), then one by one. */
static uint64_t scan_digits(uint64_t digits, const char **at, const char *end)
{
    const char *p = *at;
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    while (end - p >= 8) {
        uint64_t eight;
        memcpy(&eight, p, sizeof eight);
        if (((eight + 0x4646464646464646u) | (eight - 0x3030303030303030u)) & 0x8080808080808080u)
            break;
        eight = (eight & 0x0f0f0f0f0f0f0f0fu) * 2561 >> 8;
        eight = (eight & 0x00ff00ff00ff00ffu) * 6553601 >> 16;
        eight = (eight & 0x0000ffff0000ffffu) * 42949672960001u >> 32;
        digits = 100000000 * digits + eight;
        p += 8;
    }
#endif
    for (; p < end && is_digit(*p); p++)
        digits = 10 * digits + (uint64_t)(*p - '0');
    *at = p;
    return digits;
}

static decimal scan_decimal(const char *text, size_t length)
{
    const char *at = text, *const end = text + length;
    decimal d = { 0 };
    const char sign = at < end ? *at : 0;
    d.negative = sign == '-';
    at += (sign == '-') | (sign == '+'); /* without a branch: signs cannot be foretold */
    const char *const first = at;
    uint64_t digits = scan_digits(0, &at, end); /* wraps round where there are too many, and is not used then */
    size_t count = (size_t)(at - first);
    if (at < end && *at == '.') {
        const char *const fraction = ++at;
        digits = scan_digits(digits, &at, end);
        const size_t places = (size_t)(at - fraction);
        count += places;
        d.exponent = places < EXPONENT_MOST ? -(int)places : -EXPONENT_MOST;
    }
    if (!count)
        return d;
    d.exact = count <= DIGITS_MOST || few_digits(first, at);
    d.digits = digits;
    if (at < end && (*at == 'e' || *at == 'E'))
        at = scan_exponent(&d.exponent, at, end);
    d.length = (size_t)(at - text);
    return d;
}

#ifdef __SIZEOF_INT128__
__extension__ typedef unsigned __int128 wide;

enum { POWERS = 28 }; /* of 5 that fit into 63 bits */

static const uint64_t power_of_5[POWERS] = {
    1,
    5,
    25,
    125,
    625,
    3125,
    15625,
    78125,
    390625,
    1953125,
    9765625,
    48828125,
    244140625,
    1220703125,
    6103515625,
    30517578125,
    152587890625,
    762939453125,
    3814697265625,
    19073486328125,
    95367431640625,
    476837158203125,
    2384185791015625,
    11920928955078125,
    59604644775390625,
    298023223876953125,
    1490116119384765625,
    7450580596923828125,
};

/* top * 2^exponent to the nearest double, to the even one of two; `more`: something below the last bit. The result
 * is normal. */
static double round_to_double(uint64_t top, int more, int exponent)
{
    const int zeros = __builtin_clzll(top);
    top <<= zeros;
    const uint64_t rest = top & 0x7ff, half = 0x400;
    uint64_t kept = top >> 11;
    kept += rest > half || (rest == half && (more || (kept & 1)));
    const uint64_t bits = (uint64_t)(1023 + exponent - zeros + 11) << 52; /* 2^(exponent - zeros + 11) */
    double scale;
    memcpy(&scale, &bits, sizeof scale);
    return (double)kept * scale; /* exact */
}

/* digits * 10^exponent for digits > 0 and |exponent| < POWERS: the exact product or quotient in 128 bits, rounded
 * once. */
static double scale_exactly(uint64_t digits, int exponent)
{
    const int zeros = __builtin_clzll(digits);
    if (exponent >= 0) {
        wide product = (wide)(digits << zeros) * power_of_5[exponent];
        const int high = (uint64_t)(product >> 64) != 0;
        const int shift = high ? __builtin_clzll((uint64_t)(product >> 64)) : 64;
        product <<= shift;
        return round_to_double((uint64_t)(product >> 64), (uint64_t)product != 0, exponent - zeros + 64 - shift);
    }
    const int power_zeros = __builtin_clzll(power_of_5[-exponent]);
    const uint64_t divisor = power_of_5[-exponent] << power_zeros;
    const wide dividend = (wide)(digits << zeros) << 63; /* so that the quotient has 63 or 64 bits */
    const wide quotient = dividend / divisor;
    return round_to_double((uint64_t)quotient, dividend != quotient * divisor, exponent - zeros - 63 + power_zeros);
}
#endif

/* Clinger 1990: both numbers are exact doubles, so that one operation rounds once. */
static int by_one_operation(double *value, uint64_t digits, int exponent)
{
    static const double power_of_10[] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                          1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };
    enum { POWERS_OF_10 = sizeof power_of_10 / sizeof *power_of_10 };
    if (digits > (uint64_t)1 << 53 || exponent <= -POWERS_OF_10 || exponent >= POWERS_OF_10)
        return 0;
    *value = exponent < 0 ? (double)digits / power_of_10[-exponent] : (double)digits * power_of_10[exponent];
    return 1;
}

static int by_strtod(double *value, const char *text, size_t length)
{
    char copy[PREFIX_MOST + 1];
    memcpy(copy, text, length);
    copy[length] = 0;
    *value = fabs(strtod_l(copy, NULL, lami_c_locale()));
    return isfinite(*value);
}

size_t lami_real_prefix(double *value, const char *text, size_t length)
{
    const decimal d = scan_decimal(text, length);
    double v = 0;
    if (!d.length || d.length > PREFIX_MOST)
        return 0;
    if (!value && d.exact && d.exponent < EXPONENT_SAFE)
        return d.length;
    if (!d.exact || !by_one_operation(&v, d.digits, d.exponent)) {
#ifdef __SIZEOF_INT128__
        if (d.exact && d.digits && d.exponent > -POWERS && d.exponent < POWERS)
            v = scale_exactly(d.digits, d.exponent);
        else
#endif
            if (!by_strtod(&v, text, d.length))
            return 0;
    }
    if (value)
        *value = d.negative ? -v : v;
    return d.length;
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
