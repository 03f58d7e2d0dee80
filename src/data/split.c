/* split: the validation part. Both parts become selections of the stored one, so that no sample is copied. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../core/mem.h"
#include "../core/number.h"
#include "../core/random.h"
#include "data.h"

/* What one class gives. */
typedef struct share {
    uint64_t remainder;
    uint32_t class, take;
} share;

static int by_remainder(const void *a, const void *b)
{
    const share *x = a, *y = b;
    if (x->remainder != y->remainder)
        return x->remainder > y->remainder ? -1 : 1;
    return x->class < y->class ? -1 : x->class > y->class;
}

static int by_class(const void *a, const void *b)
{
    const share *x = a, *y = b;
    return x->class < y->class ? -1 : x->class > y->class;
}

/* shares[k].take = wanted * (samples of class k) / count, rounded so that the sum is `wanted`. */
static void divide(share *shares, const lam_data *data, size_t wanted)
{
    const lami_part *train = &data->part[LAM_TRAIN];
    for (size_t k = 0; k < data->classes; k++)
        shares[k].class = (uint32_t)k;
    for (size_t i = 0; i < train->count; i++)
        shares[train->label[i]].take++;
    size_t left = wanted;
    for (size_t k = 0; k < data->classes; k++) {
        const uint64_t product = (uint64_t)shares[k].take * wanted; /* both below 2^32 */
        shares[k].take = (uint32_t)(product / train->count);
        shares[k].remainder = product % train->count;
        left -= shares[k].take;
    }
    qsort(shares, data->classes, sizeof *shares, by_remainder);
    for (size_t k = 0; k < left; k++) /* left < number of classes with a remainder */
        shares[k].take++;
    qsort(shares, data->classes, sizeof *shares, by_class);
}

/* chosen[i] = 1 for `wanted` samples of the training part. */
static lam_status choose_stratified(uint8_t *chosen, const lam_data *data, size_t wanted, uint64_t seed)
{
    lam_status status = LAM_ENOMEM;
    const lami_part *train = &data->part[LAM_TRAIN];
    const lami_rng rng = lami_rng_make(seed, LAMI_RNG_SPLIT, 0, 0);
    share *shares = lami_alloc(data->classes, sizeof *shares);
    uint32_t *order = lami_alloc(train->count, sizeof *order);
    if (!shares || !order)
        goto done;
    divide(shares, data, wanted);
    lami_rng_order(order, train->count, &rng);
    for (size_t i = 0; i < train->count; i++) {
        share *s = &shares[train->label[order[i]]];
        if (s->take) {
            s->take--;
            chosen[order[i]] = 1;
        }
    }
    status = LAM_OK;
done:
    lami_free(order);
    lami_free(shares);
    return status;
}

/* A selection: the samples whose `chosen` is `which`, in order. */
static lam_status select_samples(lami_part *part, const lami_part *stored, const uint8_t *chosen, int which,
                                 size_t count)
{
    lami_part made = { .count = count };
    made.label = lami_alloc(count, sizeof *made.label);
    made.index = lami_alloc(count, sizeof *made.index);
    if (!made.label || !made.index) {
        lami_free(made.label);
        lami_free(made.index);
        return LAM_ENOMEM;
    }
    size_t n = 0;
    for (size_t i = 0; i < stored->count; i++) {
        if (chosen[i] != which)
            continue;
        made.index[n] = (uint32_t)i;
        made.label[n++] = stored->label[i];
    }
    *part = made;
    return LAM_OK;
}

static lam_status bad_value(const char *val)
{
    return lami_fail(LAM_EOPTION,
                     "val: \"%.64s\" is not a number of samples (5000), a fraction below 1 (0.1), or last:N", val);
}

/* The number of samples that `val` stands for. */
static lam_status parse(size_t *wanted, int *last, const char *val, size_t count)
{
    static const char prefix[] = "last:";
    *last = !strncmp(val, prefix, strlen(prefix));
    const char *number = *last ? val + strlen(prefix) : val;
    uint64_t n;
    double fraction;
    if (lami_parse_u64(&n, number)) {
        if (*last || lami_parse_real(&fraction, number) || !(fraction > 0 && fraction < 1))
            return bad_value(val);
        n = (uint64_t)floor(fraction * (double)count + 0.5);
    }
    if (n == 0)
        return lami_fail(LAM_EOPTION, "val: %.64s of %zu samples is none; leave it out for no validation part", val,
                         count);
    if (n >= count)
        return lami_fail(LAM_ESHAPE, "val: %.64s of %zu samples leaves none for training", val, count);
    *wanted = (size_t)n;
    return LAM_OK;
}

lam_status lami_data_split(lam_data *data, const char *val, uint64_t seed)
{
    lam_status status = LAM_ENOMEM;
    lami_part train = { 0 }, validation = { 0 };
    const lami_part *all = &data->part[LAM_TRAIN];
    size_t wanted = 0;
    int last;
    if (data->part[LAM_VAL].count)
        return lami_fail(LAM_EINVAL, "val: the data set has a validation part of its own");
    LAM_TRY(parse(&wanted, &last, val, all->count));
    uint8_t *chosen = lami_alloc(all->count, 1);
    if (!chosen)
        goto done;
    if (last)
        memset(chosen + (all->count - wanted), 1, wanted);
    else
        LAM_TRY_DONE(choose_stratified(chosen, data, wanted, seed));
    LAM_TRY_DONE(select_samples(&validation, all, chosen, 1, wanted));
    LAM_TRY_DONE(select_samples(&train, all, chosen, 0, all->count - wanted));
    data->stored = *all;
    train.of = validation.of = &data->stored;
    data->part[LAM_TRAIN] = train;
    data->part[LAM_VAL] = validation;
    train = validation = (lami_part) { 0 };
    status = LAM_OK;
done:
    lami_free(validation.label);
    lami_free(validation.index);
    lami_free(chosen);
    return status;
}
