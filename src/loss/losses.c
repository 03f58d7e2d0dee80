/* losses: the table, one row per loss. */
#include "loss.h"

#include <string.h>

const lami_loss *const lami_losses[] = { &lami_softmax, &lami_svm, &lami_mse, &lami_logistic, NULL };

const lami_loss *lami_loss_find(const char *name, size_t length)
{
    for (size_t i = 0; lami_losses[i]; i++)
        if (strlen(lami_losses[i]->name) == length && !memcmp(lami_losses[i]->name, name, length))
            return lami_losses[i];
    return NULL;
}

int lami_loss_wants(const lami_loss *loss)
{
    return !loss->reals ? 0 : loss->values ? 1 : -1;
}
