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

/* Decimal digits, the whole string. *value is untouched on failure. Errors: LAM_EINVAL quoting the text. */
lam_status lami_parse_u64(uint64_t *value, const char *text);

/* The shortest of %.6g to %.17g that reads back equal. "nan", "inf" and "-inf" for what is not finite. */
void lami_real_text(char text[LAMI_REAL_TEXT], double value);

/* The C locale, for uselocale and the _l functions round other number formatting. Never freed. */
locale_t lami_c_locale(void);

#endif
