/* mix: samples of a batch mixed in pairs (mixup: Zhang et al. 2017, arXiv:1710.09412). Sample i's partner is
 * sample n - 1 - i: the samples of a batch come in random order, so that it is any other one, and a pair is mixed in
 * place. */
#ifndef LAMI_MIX_H
#define LAMI_MIX_H

#include "../core/shape.h"

/* Pairs first .. first + count - 1 of the n / 2 of a batch x (n, each), LAM_F32 or LAM_F64: each sample becomes (1 -
 * share) of itself plus share of its partner. Two products and their sum, all rounded. Any threads may mix different
 * pairs. */
void lami_mix_pairs(void *x, lam_dtype dtype, size_t n, size_t each, size_t first, size_t count, double share);

#endif
