/* cifar: what CIFAR-10 and CIFAR-100 have in common: pictures of 3 x 32 x 32 bytes in binary batches or in Python's,
 * as a folder or as the archive that is handed out. A set is a table of names and numbers.
 * Source: https://www.cs.toronto.edu/~kriz/cifar.html */
#ifndef LAMI_CIFAR_H
#define LAMI_CIFAR_H

#include "data.h"

typedef enum lami_cifar_form { LAMI_CIFAR_BINARY, LAMI_CIFAR_PYTHON } lami_cifar_form;
enum { LAMI_CIFAR_FORMS = 2, LAMI_CIFAR_FILES = 7, LAMI_CIFAR_LABELS = 2 };

typedef struct lami_cifar {
    size_t batches; /* training files: at most LAMI_CIFAR_FILES - 2, of which small sets have fewer */
    struct {
        const char *level; /* folder that holds the files in the archive */
        /* training files in order, the test file (may be missing), and the file with the classes' names (may be
         * missing) */
        const char *file[LAMI_CIFAR_FILES];
    } form[LAMI_CIFAR_FORMS];
    size_t labels;                    /* in a binary record: bytes before the pixels */
    size_t label;                     /* which of them counts */
    uint8_t limit[LAMI_CIFAR_LABELS]; /* what they are below; limit[label] is the number of classes */
    const char *key, *names_key;      /* in pickles: the list of labels in a batch, and of names in the file of names */
    const char *const *class_name;    /* where the file of names is missing */
} lami_cifar;

/* As a kind's matches: is `path` such a folder, or, to judge by the names of its members, such an archive? */
int lami_cifar_matches(const lami_cifar *set, const char *path);

/* As a kind's open: `path` is the folder, its parent, or the archive, packed or not. */
lam_status lami_cifar_open(lam_data *data, const lami_cifar *set, const char *path);

#endif
