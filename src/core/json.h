/* json: values for jansson that are always valid JSON. NULL: no memory. */
#ifndef LAMI_JSON_H
#define LAMI_JSON_H

#include <jansson.h>

/* A number; null where it is not finite. */
json_t *lami_json_real(double value);

/* A text; of one that is not UTF-8, such as the name of a file may be, what is not ASCII becomes '?'. */
json_t *lami_json_text(const char *text);

/* The value of an option as a number where it is one, else as a text. */
json_t *lami_json_value(const char *text);

#endif
