/* gradcheck: analytic gradients against numeric ones, in double precision. Public part in lamina.h: lam_check. */
#ifndef LAMI_GRADCHECK_H
#define LAMI_GRADCHECK_H

#include <stdint.h>

#include "../core/status.h"

/* The error that passes is below this. */
#define LAMI_CHECK_LIMIT 1e-7

/* Tensors of up to LAMI_CHECK_ELEMENTS elements are checked in each; of larger ones as many at random, and one random
 * direction through all (which counts as one more in `checked`). */
enum { LAMI_CHECK_ELEMENTS = 60 };

/* A tensor that the loss depends on; x is changed in place while checking, and is as before afterwards. */
typedef struct lami_check_tensor {
    const char *name;
    double *x;
    const double *gradient; /* analytic */
    size_t count;
} lami_check_tensor;

/* The loss at the tensors as they are. */
typedef lam_status lami_check_loss(double *loss, void *arg);

/* Fill in a row per tensor. Errors: LAM_ECHECK naming the worst tensor when an error is not below LAMI_CHECK_LIMIT (all
 * rows are filled in), those of `loss`, LAM_ENOMEM. */
lam_status lami_gradcheck(lam_check_row *rows, const lami_check_tensor *tensors, size_t count, lami_check_loss *loss,
                          void *arg, uint64_t seed);

#endif
