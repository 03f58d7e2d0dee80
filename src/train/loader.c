/* loader: see loader.h. */
#include "loader.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "../core/fpu.h"
#include "../core/mem.h"
#include "../core/random.h"
#include "../data/augment.h"
#include "metrics.h"

enum { SLOTS = 2, NO_BATCH = -1 };

/* A batch and its memory. */
typedef struct {
    lami_batch_rows rows;
    uint8_t *samples; /* augmented */
    lami_batch batch;
} slot;

struct lami_loader {
    const lam_data *data;
    const double *class_weight;
    uint64_t seed;
    size_t batch, per_epoch, each;
    int replaces, augments;
    lami_augment augment;
    uint32_t *order; /* of the training part in epoch order_epoch; --sample replace: of the batch */
    uint64_t order_epoch;
    slot slot[SLOTS];
    /* the thread, with augmentation: it prepares batch `wanted` in its slot, then sets `ready` */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pid_t process; /* that it is in: a child after fork has none */
    int has_thread, ends;
    int64_t wanted, ready; /* NO_BATCH: none */
};

/* Which samples batch number k of the training takes. */
static const uint32_t *choose(lami_loader *l, uint64_t number)
{
    const size_t n = l->data->part[LAM_TRAIN].count;
    const uint64_t step = number / l->each, epoch = step / l->per_epoch;
    if (l->replaces) {
        const lami_rng rng = lami_rng_make(l->seed, LAMI_RNG_ORDER, 0, (uint32_t)number);
        for (size_t i = 0; i < l->batch; i++)
            l->order[i] = lami_rng_below(&rng, i, n);
        return l->order;
    }
    if (l->order_epoch != epoch) {
        const lami_rng rng = lami_rng_make(l->seed, LAMI_RNG_ORDER, 0, (uint32_t)epoch);
        lami_rng_order(l->order, n, &rng);
        l->order_epoch = epoch;
    }
    return l->order + number % (l->per_epoch * l->each) * l->batch;
}

static void prepare(lami_loader *l, uint64_t number)
{
    LAMI_FPU_SCOPE;
    slot *s = &l->slot[number % SLOTS];
    const uint32_t *chosen = choose(l, number);
    const uint32_t epoch = (uint32_t)(number / l->each / l->per_epoch);
    s->batch = lami_gather(&s->rows, l->data, LAM_TRAIN, chosen, 0, l->batch, l->class_weight);
    for (size_t i = 0; l->augments && i < l->batch; i++) {
        uint8_t *const out = s->samples + i * l->data->sample_bytes;
        lami_augment_apply(&l->augment, out, s->rows.x[i], l->seed, epoch, chosen[i]);
        s->rows.x[i] = out;
    }
    s->batch.mix = lami_augment_share(&l->augment, l->seed, number);
}

static void *work(void *arg)
{
    lami_loader *l = arg;
    pthread_mutex_lock(&l->lock);
    while (!l->ends) {
        if (l->wanted == l->ready) {
            pthread_cond_wait(&l->changed, &l->lock);
            continue;
        }
        const int64_t number = l->wanted;
        pthread_mutex_unlock(&l->lock);
        prepare(l, (uint64_t)number);
        pthread_mutex_lock(&l->lock);
        l->ready = number;
        pthread_cond_broadcast(&l->changed);
    }
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

/* Ask for a batch unless it is there or being made. With the lock held. */
static void ask(lami_loader *l, int64_t number)
{
    l->wanted = number;
    pthread_cond_broadcast(&l->changed);
}

/* In a child nobody knows what the thread was at when it was left behind. */
static void look_for_thread(lami_loader *l)
{
    if (!l->has_thread || l->process == getpid())
        return;
    l->has_thread = 0;
    l->order_epoch = UINT64_MAX;
}

lami_batch lami_loader_next(lami_loader *l, uint64_t step, size_t k)
{
    const uint64_t number = step * l->each + k;
    look_for_thread(l);
    if (!l->has_thread) {
        prepare(l, number);
        return l->slot[number % SLOTS].batch;
    }
    pthread_mutex_lock(&l->lock);
    while (l->ready != (int64_t)number) {
        if (l->wanted == l->ready)
            ask(l, (int64_t)number);
        pthread_cond_wait(&l->changed, &l->lock);
    }
    ask(l, (int64_t)number + 1);
    pthread_mutex_unlock(&l->lock);
    return l->slot[number % SLOTS].batch;
}

static void end_locks(lami_loader *l)
{
    pthread_cond_destroy(&l->changed);
    pthread_mutex_destroy(&l->lock);
}

/* Signals are the program's business. */
static void start(lami_loader *l)
{
    sigset_t all, before;
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->changed, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    l->has_thread = !pthread_create(&l->thread, NULL, work, l);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    l->process = getpid();
    if (!l->has_thread)
        end_locks(l);
}

static lam_status fill(lami_loader *l, const lam_options *options)
{
    const size_t n = l->data->part[LAM_TRAIN].count;
    size_t bytes;
    LAM_TRY(lami_augment_new(&l->augment, &l->augments, options->augment, l->data));
    if (l->augment.mixup > 0 && l->batch < 2)
        return lami_fail(LAM_EOPTION, "--augment: mixup needs batches of at least 2 samples");
    l->order = lami_alloc(n > l->batch ? n : l->batch, sizeof *l->order);
    if (!l->order)
        return LAM_ENOMEM;
    LAM_TRY(lami_mul(&bytes, l->batch, l->data->sample_bytes));
    for (int k = 0; k < SLOTS; k++) {
        LAM_TRY(lami_batch_rows_new(&l->slot[k].rows, l->batch));
        if (l->augments && !(l->slot[k].samples = lami_alloc(bytes, 1)))
            return LAM_ENOMEM;
    }
    if (l->augments)
        start(l); /* without a thread, a batch is made when it is asked for */
    return LAM_OK;
}

lam_status lami_loader_new(lami_loader **out, const lam_data *data, const lam_options *options, size_t batch,
                           size_t per_epoch, const double *class_weight)
{
    *out = NULL;
    lami_loader *l = lami_alloc(1, sizeof *l);
    if (!l)
        return LAM_ENOMEM;
    *l = (lami_loader) { .data = data,
                         .class_weight = class_weight,
                         .seed = options->seed,
                         .batch = batch,
                         .per_epoch = per_epoch,
                         .each = options->accumulate,
                         .replaces = !strcmp(options->sample, "replace"),
                         .order_epoch = UINT64_MAX,
                         .wanted = NO_BATCH,
                         .ready = NO_BATCH };
    const lam_status status = fill(l, options);
    if (status)
        lami_loader_free(l);
    else
        *out = l;
    return status;
}

void lami_loader_free(lami_loader *l)
{
    if (!l)
        return;
    look_for_thread(l);
    if (l->has_thread) {
        pthread_mutex_lock(&l->lock);
        l->ends = 1;
        pthread_cond_broadcast(&l->changed);
        pthread_mutex_unlock(&l->lock);
        pthread_join(l->thread, NULL);
        end_locks(l);
    }
    for (int k = 0; k < SLOTS; k++) {
        lami_batch_rows_free(&l->slot[k].rows);
        lami_free(l->slot[k].samples);
    }
    lami_augment_free(&l->augment);
    lami_free(l->order);
    lami_free(l);
}
