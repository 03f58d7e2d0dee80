/* json: see json.h. */
#include "json.h"

#include <math.h>

#include "escape.h"
#include "mem.h"
#include "number.h"

json_t *lami_json_real(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *lami_json_text(const char *text)
{
    json_t *json = json_string(text);
    if (json)
        return json;
    char *copy = lami_escaped(text);
    json = copy ? json_string(copy) : NULL;
    lami_free(copy);
    return json;
}

json_t *lami_json_value(const char *text)
{
    uint64_t whole;
    double real;
    if (!lami_parse_u64(&whole, text) && whole <= INT64_MAX)
        return json_integer((json_int_t)whole);
    return lami_parse_real(&real, text) ? lami_json_text(text) : json_real(real);
}
