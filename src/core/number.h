/* number: numbers from and to text, whatever locale the host program has set: '.' is the decimal point. */
#ifndef LAMI_NUMBER_H
#define LAMI_NUMBER_H

#include <locale.h>
#include <stdint.h>

#include "status.h"

enum { LAMI_REAL_TEXT = 32 };

/* A decimal number such as "1e-3", "-.5" or "10": the whole string, no spaces, not hexadecimal, finite. *value is
 * untouched on failure. Errors: LAM_EINVAL quoting the text. */
lam_status lami_parse_real(double *value, const char *text);

/* The longest decimal number at the start of text[0..length), as lami_parse_real would read it, in a fraction of the
 * time: how many bytes it has; 0 and *value untouched where there is none, or one that is not finite or has more
 * than 255 bytes. value may be NULL, which is faster still. No message. Correctly rounded in round-to-nearest
 * (core/fpu.h). */
size_t lami_real_prefix(double *value, const char *text, size_t length);

/* Decimal digits, the whole string. *value is untouched on failure. Errors: LAM_EINVAL quoting the text. */
lam_status lami_parse_u64(uint64_t *value, const char *text);

/* The shortest of %.6g to %.17g that reads back equal. "nan", "inf" and "-inf" for what is not finite. */
void lami_real_text(char text[LAMI_REAL_TEXT], double value);

/* The C locale, for uselocale and the _l functions round other number formatting. Never freed. */
locale_t lami_c_locale(void);

#endif
