/* html: what stands in a page but did not come from us, and bytes. */
#ifndef LAMI_HTML_H
#define LAMI_HTML_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Any bytes as text between tags or in a quoted attribute: what is not UTF-8, and control characters, as \xHH. */
void cli_html_text(FILE *out, const char *text);

/* RFC 4648, for data: addresses. */
void cli_html_base64(FILE *out, const uint8_t *data, size_t size);

#endif
