/* split: validation and test parts, and folds. All are selections of the stored part, so that no sample is copied. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../core/mem.h"
#include "../core/number.h"
#include "../core/random.h"
#include "data.h"

/* Word 2 of the random counter. */
enum { STREAM_VAL, STREAM_TEST, STREAM_FOLDS };

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
static lam_status choose_stratified(uint8_t *chosen, const lam_data *data, size_t wanted, const lami_rng *rng)
{
    lam_status status = LAM_ENOMEM;
    const lami_part *train = &data->part[LAM_TRAIN];
    share *shares = lami_alloc(data->classes, sizeof *shares);
    uint32_t *order = lami_alloc(train->count, sizeof *order);
    if (!shares || !order)
        goto done;
    divide(shares, data, wanted);
    lami_rng_order(order, train->count, rng);
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

/* The same without classes. */
static lam_status choose_any(uint8_t *chosen, size_t count, size_t wanted, const lami_rng *rng)
{
    uint32_t *order = lami_alloc(count, sizeof *order);
    if (!order)
        return LAM_ENOMEM;
    lami_rng_order(order, count, rng);
    for (size_t i = 0; i < wanted; i++)
        chosen[order[i]] = 1;
    lami_free(order);
    return LAM_OK;
}

/* ---- selections -------------------------------------------------------------------------------------------------- */

static void free_selection(lami_part *part)
{
    lami_free(part->label);
    lami_free(part->target);
    lami_free(part->weight);
    lami_free(part->index);
    *part = (lami_part) { 0 };
}

static lam_status make_room(lami_part *part, const lami_part *all, size_t targets)
{
    size_t numbers;
    LAM_TRY(lami_mul(&numbers, part->count, targets));
    part->index = lami_alloc(part->count, sizeof *part->index);
    if (all->label)
        part->label = lami_alloc(part->count, sizeof *part->label);
    if (all->target)
        part->target = lami_alloc(numbers, sizeof *part->target);
    if (all->weight)
        part->weight = lami_alloc(part->count, sizeof *part->weight);
    return part->index && !part->label == !all->label && !part->target == !all->target && !part->weight == !all->weight
               ? LAM_OK
               : LAM_ENOMEM;
}

/* The samples of the training part whose `chosen` is `which`, in order. stored: where that part's samples lie. */
static lam_status select_samples(lami_part *part, const lam_data *data, const lami_part *stored, const uint8_t *chosen,
                                 int which, size_t count)
{
    const lami_part *all = &data->part[LAM_TRAIN];
    const size_t targets = data->targets;
    lami_part made = { .count = count, .of = stored };
    const lam_status status = make_room(&made, all, targets);
    if (status) {
        free_selection(&made);
        return status;
    }
    for (size_t i = 0, n = 0; i < all->count; i++) {
        if (chosen[i] != which)
            continue;
        made.index[n] = all->of ? all->index[i] : (uint32_t)i;
        if (made.label)
            made.label[n] = all->label[i];
        if (made.target)
            memcpy(made.target + n * targets, all->target + i * targets, targets * sizeof *made.target);
        if (made.weight)
            made.weight[n] = all->weight[i];
        n++;
    }
    *part = made;
    return LAM_OK;
}

/* ---- a part split off -------------------------------------------------------------------------------------------- */

static lam_status bad_value(const char *name, const char *value)
{
    return lami_fail(LAM_EOPTION,
                     "%s: \"%.64s\" is not a number of samples (5000), a fraction below 1 (0.1), or last:N", name,
                     value);
}

/* The number of samples that the option's value stands for. */
static lam_status parse(size_t *wanted, int *last, const char *name, const char *value, size_t count)
{
    static const char prefix[] = "last:";
    *last = !strncmp(value, prefix, strlen(prefix));
    const char *number = *last ? value + strlen(prefix) : value;
    uint64_t n;
    double fraction;
    if (lami_parse_u64(&n, number)) {
        if (*last || lami_parse_real(&fraction, number) || !(fraction > 0 && fraction < 1))
            return bad_value(name, value);
        n = (uint64_t)floor(fraction * (double)count + 0.5);
    }
    if (n == 0)
        return lami_fail(LAM_EOPTION, "%s: %.64s of %zu samples is none; leave it out for no %s part", name, value,
                         count, strcmp(name, "val") ? name : "validation");
    if (n >= count)
        return lami_fail(LAM_ESHAPE, "%s: %.64s of %zu samples leaves none for training", name, value, count);
    *wanted = (size_t)n;
    return LAM_OK;
}

lam_status lami_data_split(lam_data *data, lam_part part, const char *value, uint64_t seed)
{
    const int tests = part == LAM_TEST;
    const lami_rng rng = lami_rng_make(seed, LAMI_RNG_SPLIT, 0, tests ? STREAM_TEST : STREAM_VAL);
    lami_part *all = &data->part[LAM_TRAIN];
    const lami_part *stored = all->of ? all->of : &data->stored;
    lam_status status = LAM_ENOMEM;
    lami_part train = { 0 }, taken = { 0 };
    size_t wanted = 0;
    int last;
    if (data->part[part].count)
        return lami_fail(LAM_EINVAL, "%s: the data set has a %s part of its own", tests ? "test" : "val",
                         tests ? "test" : "validation");
    LAM_TRY(parse(&wanted, &last, tests ? "test" : "val", value, all->count));
    uint8_t *chosen = lami_alloc(all->count, 1);
    if (!chosen)
        goto done;
    if (last)
        memset(chosen + (all->count - wanted), 1, wanted);
    else
        LAM_TRY_DONE(all->label ? choose_stratified(chosen, data, wanted, &rng)
                                : choose_any(chosen, all->count, wanted, &rng));
    LAM_TRY_DONE(select_samples(&taken, data, stored, chosen, 1, wanted));
    LAM_TRY_DONE(select_samples(&train, data, stored, chosen, 0, all->count - wanted));
    if (all->of)
        free_selection(all);
    else
        data->stored = *all;
    *all = train;
    data->part[part] = taken;
    train = taken = (lami_part) { 0 };
    status = LAM_OK;
done:
    free_selection(&train);
    free_selection(&taken);
    lami_free(chosen);
    return status;
}

/* ---- folds ------------------------------------------------------------------------------------------------------- */

/* places: the samples of the training part in random order, those of a class one after another. */
static lam_status order_by_class(uint32_t *places, const lam_data *data, const lami_rng *rng)
{
    const lami_part *all = &data->part[LAM_TRAIN];
    if (!all->label) {
        lami_rng_order(places, all->count, rng);
        return LAM_OK;
    }
    uint32_t *order = lami_alloc(all->count, sizeof *order);
    size_t *at = lami_alloc(data->classes + 1, sizeof *at); /* where a class goes on */
    const lam_status status = order && at ? LAM_OK : LAM_ENOMEM;
    if (!status) {
        lami_rng_order(order, all->count, rng);
        for (size_t i = 0; i < all->count; i++)
            at[all->label[i] + 1]++;
        for (size_t k = 0; k < data->classes; k++)
            at[k + 1] += at[k];
        for (size_t i = 0; i < all->count; i++)
            places[at[all->label[order[i]]]++] = order[i];
    }
    lami_free(order);
    lami_free(at);
    return status;
}

/* Sample places[i] is of fold i mod folds: so folds differ by one at most, in all and in each class. */
static lam_status choose_fold(uint8_t *chosen, const lam_data *data, size_t k, size_t folds, uint64_t seed)
{
    const size_t count = data->part[LAM_TRAIN].count;
    const lami_rng rng = lami_rng_make(seed, LAMI_RNG_SPLIT, 0, STREAM_FOLDS);
    uint32_t *places = lami_alloc(count, sizeof *places);
    if (!places)
        return LAM_ENOMEM;
    const lam_status status = order_by_class(places, data, &rng);
    for (size_t i = k; !status && i < count; i += folds)
        chosen[places[i]] = 1;
    lami_free(places);
    return status;
}

lam_status lami_data_fold(lam_data **out, const lam_data *data, size_t k, size_t folds, uint64_t seed)
{
    lam_status status = LAM_ENOMEM;
    const lami_part *all = &data->part[LAM_TRAIN], *stored = all->of ? all->of : all;
    *out = NULL;
    if (folds < 2 || k >= folds)
        return lami_fail(LAM_EINVAL, "cross-validation: fold %zu of %zu", k, folds);
    if (all->count < folds)
        return lami_fail(LAM_ESHAPE, "cross-validation: %zu folds of %zu samples leave one of them empty", folds,
                         all->count);
    const size_t count = all->count / folds + (k < all->count % folds);
    lam_data *view = lami_alloc(1, sizeof *view);
    uint8_t *chosen = lami_alloc(all->count, 1);
    if (!view || !chosen)
        goto done;
    *view = *data;
    view->is_view = 1;
    view->stored = (lami_part) { 0 };
    for (int p = LAM_TRAIN; p <= LAM_TEST; p++)
        view->part[p] = (lami_part) { 0 };
    LAM_TRY_DONE(choose_fold(chosen, data, k, folds, seed));
    LAM_TRY_DONE(select_samples(&view->part[LAM_VAL], data, stored, chosen, 1, count));
    LAM_TRY_DONE(select_samples(&view->part[LAM_TRAIN], data, stored, chosen, 0, all->count - count));
    *out = view;
    view = NULL;
done:
    lami_free(chosen);
    lam_data_free(view);
    return status;
}
