/* Fuzz target: a notation that parses prints as one that parses and prints the same; a mistake has three lines. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../src/core/mem.h"
#include "../src/net/notation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
    if (!truth)
        abort();
}

static void require_three_lines(const char *message)
{
    const char *const second = strchr(message, '\n');
    require(second != NULL);
    const char *const third = strchr(second + 1, '\n');
    require(third != NULL && !strchr(third + 1, '\n'));
    require(third - second - 1 <= 100 && strspn(third + 1, " ") + 2 == strlen(third));
    for (const char *at = message; *at; at++)
        require((*at >= ' ' && *at <= '~') || *at == '\n');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *const text = lami_alloc(size + 1, 1);
    lami_item *net = NULL, *again = NULL;
    require(text != NULL);
    if (size)
        memcpy(text, data, size);
    const lam_status status = lami_notation_parse(&net, text);
    if (status) {
        require(!net && (status == LAM_ENOTATION || status == LAM_EUNSUPPORTED));
        require_three_lines(lam_last_error());
    } else {
        char *const first = lami_notation_print(net);
        require(first && lami_notation_parse(&again, first) == LAM_OK);
        char *const second = lami_notation_print(again);
        require(second && strcmp(first, second) == 0);
        lami_free(first);
        lami_free(second);
    }
    lami_notation_free(net);
    lami_notation_free(again);
    lami_free(text);
    return 0;
}
