/* losses: the table, one row per loss. */
#include "loss.h"

#include <string.h>

const lami_loss *const lami_losses[] = { &lami_softmax, &lami_svm, NULL };

const lami_loss *lami_loss_find(const char *name, size_t length)
{
    for (size_t i = 0; lami_losses[i]; i++)
        if (strlen(lami_losses[i]->name) == length && !memcmp(lami_losses[i]->name, name, length))
            return lami_losses[i];
    return NULL;
}
