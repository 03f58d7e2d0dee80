/* arrays: how arrays with names become a data set: which of them hold samples, labels and weights of which part, what
 * their shapes mean, what the labels are. Where the arrays lie is for the kinds npy and npz to know. */
#ifndef LAMI_ARRAYS_H
#define LAMI_ARRAYS_H

#include "data.h"
#include "npy.h"
#include "source.h"
#include "zip.h"

/* An array that has been opened, and what it lies in. */
typedef struct lami_array {
    lami_npy npy;
    char *name; /* for messages: file and array */
    lami_source source;
    lami_zip_content content;
} lami_array;

void lami_array_close(lami_array *array); /* zeroed or closed: does nothing */

/* The arrays that are there. */
typedef struct lami_array_box {
    const char *path; /* for messages */
    size_t count;
    const char *(*name)(size_t i, const void *arg);
    lam_status (*open)(lami_array *array, size_t i, const void *arg); /* on error the caller closes */
    const void *arg;
    const char *label_hint; /* what to do about missing labels */
} lami_array_box;

/* Is this a name that samples may have, in any part? */
int lami_arrays_is_samples(const char *name, size_t length);

/* As a kind's open. Errors: LAM_EREAD (an array is missing), LAM_EFORMAT, LAM_ESHAPE, LAM_EOPTION, LAM_ENOMEM. */
lam_status lami_arrays_open(lam_data *data, const lami_array_box *box, const lami_open *how);

#endif
