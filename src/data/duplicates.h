/* duplicates: samples with the same bytes, within a part and across parts. What is in the training part and in another
 * one makes measures on that one too good. */
#ifndef LAMI_DUPLICATES_H
#define LAMI_DUPLICATES_H

#include "data.h"

typedef struct lami_sample_at {
    lam_part part;
    size_t index;
} lami_sample_at;

typedef struct lami_duplicates {
    size_t within[3];    /* samples that equal an earlier one of their part */
    size_t across[3][3]; /* [a][b], a < b: samples of part b that are in part a, too */
    size_t conflicts;    /* samples with classes that have an equal of another class, in any part */
    /* the first pair of each, the earlier one first, where the number above is not 0 */
    lami_sample_at within_first[3][2], across_first[3][3][2], conflict_first[2];
} lami_duplicates;

/* Time: that of reading all samples, and of sorting 24 bytes for each. Errors: LAM_ENOMEM. */
lam_status lami_duplicates_find(lami_duplicates *found, const lam_data *data, int threads);

#endif
