/* worst: see worst.h. */
#include "worst.h"

#include <math.h>

void cli_worst_add(cli_worst *w, const cli_miss *miss)
{
    cli_miss m = *miss;
    if (isnan(m.badness))
        m.badness = INFINITY;
    if (w->count == CLI_WORST && !(m.badness > w->miss[CLI_WORST - 1].badness))
        return;
    size_t at = w->count < CLI_WORST ? w->count++ : CLI_WORST - 1;
    for (; at > 0 && m.badness > w->miss[at - 1].badness; at--)
        w->miss[at] = w->miss[at - 1];
    w->miss[at] = m;
}
