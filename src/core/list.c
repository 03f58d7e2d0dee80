/* list: see list.h. A list that does not fit fills its buffer, so that the next word does not fit either. */
#include "list.h"

#include <stdio.h>
#include <string.h>

void lami_list_add(char *out, size_t size, const char *word, size_t length)
{
    static const char dots[] = "...";
    const size_t used = strlen(out);
    const int more = snprintf(out + used, size - used, "%s%.*s", used ? ", " : "", (int)length, word);
    if (used + (size_t)more >= size)
        memcpy(out + size - sizeof dots, dots, sizeof dots);
}

const char *lami_list_all(char *out, size_t size, size_t count, const char *(*word)(size_t index, const void *arg),
                          const void *arg)
{
    out[0] = 0;
    for (size_t i = 0; i < count; i++)
        lami_list_add(out, size, word(i, arg), strlen(word(i, arg)));
    return out;
}
