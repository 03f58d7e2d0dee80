/* random: Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3").
 * Counter-based: a number is a function of where it is used, so that no state has to be kept, and order and threads do
 * not matter.
 *   key     the seed
 *   counter words 0-1: element / 4;  word 2: step or epoch;  word 3: purpose (8 bits) << 24 | layer number (24 bits)
 *   element mod 4 picks the word */
#ifndef LAMI_RANDOM_H
#define LAMI_RANDOM_H

#include <stddef.h>
#include <stdint.h>

typedef enum lami_purpose {
    LAMI_RNG_INIT = 1,
    LAMI_RNG_ORDER,   /* order of samples: word 2 = epoch */
    LAMI_RNG_DROPOUT, /* word 2 = step */
    LAMI_RNG_SPLIT,   /* validation split */
    LAMI_RNG_CHECK,   /* inputs and directions of gradient checks */
    LAMI_RNG_SAMPLE,  /* samples on which training accuracy is measured; layer 1: statistics of batch norm */
    LAMI_RNG_TEST,    /* tests */
    LAMI_RNG_TUNE,    /* values of a search's trials: element = trial, layer = dimension */
    LAMI_RNG_AUGMENT  /* word 2 = epoch; 16 words a sample; layer 1: mixup, word 2 = batch */
} lami_purpose;

/* A stream: all but the element. */
typedef struct lami_rng {
    uint64_t seed;
    uint32_t step;
    uint32_t place; /* purpose << 24 | layer */
} lami_rng;

lami_rng lami_rng_make(uint64_t seed, lami_purpose purpose, uint32_t layer, uint32_t step);

/* The four words of counter `counter` (words 0-1), so of elements 4 * counter .. + 3. */
void lami_philox(uint32_t out[4], const lami_rng *rng, uint64_t counter);

uint32_t lami_rng_word(const lami_rng *rng, uint64_t element);

/* Uniform in (0, 1), both ends out: an odd multiple of 2^-53. The first 53 bits of element 2e (high) and 2e + 1 (low),
 * the last of them set. */
double lami_rng_uniform(const lami_rng *rng, uint64_t e);

/* Standard normal (Box-Muller with our own log, sin and cos), from uniforms 2 (e / 2) and 2 (e / 2) + 1: cosine for
 * even e, sine for odd e. */
double lami_rng_normal(const lami_rng *rng, uint64_t e);

/* From the Beta(a, a) distribution, a > 0, from uniforms 2e and 2e + 1; 0 and 1 may come. Without tries: for uniform u and
 * v, t = sqrt(2a (u^(-1/a) - 1)) cos(2 pi v) is Student's with 2a degrees of freedom (Bailey 1994, "Polar
 * generation of random variates with the t-distribution"), and (1 + t / sqrt(2a + t^2)) / 2 is Beta(a, a) (Devroye
 * 1996, "Random variate generation in one line of code"). */
double lami_rng_beta(const lami_rng *rng, uint64_t e, double a);

/* A uniform integer below n (1 <= n <= 2^32): the high word of word x n. */
uint32_t lami_rng_below(const lami_rng *rng, uint64_t element, uint64_t n);

/* 0 .. n-1 in random order (Fisher-Yates from the end, element i for position i). n < 2^32. */
void lami_rng_order(uint32_t *order, size_t n, const lami_rng *rng);

#endif
