/* npy: NumPy's format for one array, versions 1 to 3, of numbers. Source: numpy.lib.format (NEP 1) */
#ifndef LAMI_NPY_H
#define LAMI_NPY_H

#include "../core/shape.h"

enum { LAMI_NPY_MAGIC = 6, LAMI_NPY_TYPE = 16 };

typedef struct lami_npy {
    lam_shape shape; /* rank 0 to LAM_MAX_RANK; at least one element */
    size_t count;    /* elements */
    char kind;       /* b boolean, u unsigned, i signed, f floating point */
    int bytes;       /* of an element: 1, 2, 4, 8 */
    int swapped;     /* the other byte order than this machine's */
    int by_columns;  /* Fortran order: the first index runs fastest */
    const uint8_t *data;
    char type[LAMI_NPY_TYPE]; /* as it stands in the file, such as "<f4", for messages */
} lami_npy;

/* Read what lies in memory; `data` is borrowed, `name` is for messages. Exactly the array's bytes follow the header,
 * or it is an error: LAM_EFORMAT, naming the place. */
lam_status lami_npy_read(lami_npy *array, const void *data, size_t size, const char *name);

/* n elements from the first-th on, in the order in which the file has them, as the nearest doubles. */
void lami_npy_get(double *out, const lami_npy *array, size_t first, size_t n);

/* Does this begin as an array does? */
int lami_npy_looks_like(const void *data, size_t size);

#endif
