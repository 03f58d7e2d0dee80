/* random: Philox4x32-10, checked against the known answers of Random123. */
#include "random.h"

#include <math.h>

#include "mathfn.h"

static const double two_pi = 0x1.921fb54442d18p+2;

/* Multipliers and Weyl constants of the paper, table 2 and section 4.3. */
static const uint32_t multiplier0 = 0xD2511F53, multiplier1 = 0xCD9E8D57;
static const uint32_t weyl0 = 0x9E3779B9, weyl1 = 0xBB67AE85;
enum { ROUNDS = 10 };

lami_rng lami_rng_make(uint64_t seed, lami_purpose purpose, uint32_t layer, uint32_t step)
{
    return (lami_rng) { .seed = seed, .step = step, .place = (uint32_t)purpose << 24 | (layer & 0xffffff) };
}

void lami_philox(uint32_t out[4], const lami_rng *rng, uint64_t counter)
{
    uint32_t c0 = (uint32_t)counter, c1 = (uint32_t)(counter >> 32), c2 = rng->step, c3 = rng->place;
    uint32_t k0 = (uint32_t)rng->seed, k1 = (uint32_t)(rng->seed >> 32);
    for (int i = 0; i < ROUNDS; i++) {
        const uint64_t p0 = (uint64_t)multiplier0 * c0, p1 = (uint64_t)multiplier1 * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        k0 += weyl0;
        k1 += weyl1;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

uint32_t lami_rng_word(const lami_rng *rng, uint64_t element)
{
    uint32_t block[4];
    lami_philox(block, rng, element / 4);
    return block[element % 4];
}

/* An odd multiple of 2^-53: neither 0 nor 1, and exact. */
static double uniform(uint32_t high, uint32_t low)
{
    return (double)(((uint64_t)high << 32 | low) >> 11 | 1) * 0x1p-53;
}

double lami_rng_uniform(const lami_rng *rng, uint64_t e)
{
    uint32_t block[4];
    lami_philox(block, rng, e / 2);
    return e % 2 ? uniform(block[2], block[3]) : uniform(block[0], block[1]);
}

double lami_rng_normal(const lami_rng *rng, uint64_t e)
{
    uint32_t block[4];
    lami_philox(block, rng, e / 2);
    const double radius = sqrt(-2 * lami_log(uniform(block[0], block[1])));
    const double angle = two_pi * uniform(block[2], block[3]);
    return radius * (e % 2 ? lami_sin(angle) : lami_cos(angle));
}

/* The formula by t^2 / 2a, which may be 0 or, for a small a, infinite: 1 / 0 is infinite and 1 / infinity is 0. */
double lami_rng_beta(const lami_rng *rng, uint64_t e, double a)
{
    uint32_t block[4];
    lami_philox(block, rng, e);
    const double cosine = lami_cos(two_pi * uniform(block[2], block[3]));
    const double square = (lami_pow(uniform(block[0], block[1]), -1 / a) - 1) * cosine * cosine;
    const double beside = 0.5 / sqrt(1 + 1 / square);
    return cosine < 0 ? 0.5 - beside : 0.5 + beside;
}

uint32_t lami_rng_below(const lami_rng *rng, uint64_t element, uint64_t n)
{
    return (uint32_t)(lami_rng_word(rng, element) * n >> 32);
}

void lami_rng_order(uint32_t *order, size_t n, const lami_rng *rng)
{
    for (size_t i = 0; i < n; i++)
        order[i] = (uint32_t)i;
    for (size_t i = n; i-- > 1;) {
        const uint32_t j = lami_rng_below(rng, i, i + 1);
        const uint32_t moved = order[i];
        order[i] = order[j];
        order[j] = moved;
    }
}
