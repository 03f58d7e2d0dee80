/* advice: what looks wrong in a training while it can still be mended, as one line that says what to try. Each kind of
 * warning is given once. Nothing here changes what is computed. */
#ifndef LAMI_ADVICE_H
#define LAMI_ADVICE_H

#include "../net/session.h"

typedef struct lami_advice {
    const lam_net *net;
    double guessing;           /* the loss of a network that knows nothing; NAN: not known */
    double first;              /* the loss of the first step, L2 included; NAN before */
    double spread;             /* of numbers to predict that are not scaled: the largest; else 0 */
    unsigned given;            /* a bit for each kind that was given */
    char text[256], said[256]; /* what to say next, what was said last; "" nothing */
} lami_advice;

/* data is only looked at here. */
void lami_advice_new(lami_advice *a, const lam_net *net, const lam_data *data);

/* The first step's loss, without L2 and with it. */
void lami_advice_begin(lami_advice *a, double loss, double with_l2);

/* After an epoch of the mean loss, L2 included, and learning rate: is the loss growing, are ReLUs dead on this batch?
 * measure: LAMI_SESSION_MEASURE of the network. */
lam_status lami_advice_epoch(lami_advice *a, lam_session *measure, const lami_batch *batch, double loss, double lr);

/* What there is to say, once; NULL: nothing. Valid until the next of these calls. */
const char *lami_advice_take(lami_advice *a);

#endif
