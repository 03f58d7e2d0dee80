/* duplicates: all samples are sorted by a hash of 128 bits; those with the same one are compared byte by byte. */
#include "duplicates.h"

#include <stdlib.h>
#include <string.h>

#include "../core/mem.h"
#include "../core/parallel.h"

enum { TASK_SAMPLES = 1024, TASKS_MOST = 1 << 16, BLOCK = 16 };

typedef struct entry {
    uint64_t hash[2];
    uint32_t index;
    uint8_t part;
    uint8_t done; /* is among its equals already */
} entry;

/* ---- hashing ----------------------------------------------------------------------------------------------------- */

/* Both halves of the product of 128 bits, which C11 has no type for, in one word. */
static uint64_t fold(uint64_t a, uint64_t b)
{
    const uint64_t a0 = (uint32_t)a, a1 = a >> 32, b0 = (uint32_t)b, b1 = b >> 32;
    const uint64_t once = a1 * b0 + (a0 * b0 >> 32), twice = a0 * b1 + (uint32_t)once;
    const uint64_t high = a1 * b1 + (once >> 32) + (twice >> 32);
    return high ^ a * b;
}

/* The constants are digits of pi. */
static void add_block(uint64_t hash[2], const uint8_t *block)
{
    uint64_t word[2];
    memcpy(word, block, BLOCK);
    hash[0] = fold(word[0] ^ hash[0] ^ 0x243f6a8885a308d3, word[1] ^ 0x13198a2e03707344);
    hash[1] = fold(word[1] ^ hash[1] ^ 0xa4093822299f31d0, word[0] ^ 0x082efa98ec4e6c89);
}

static void hash_bytes(uint64_t hash[2], const uint8_t *bytes, size_t size)
{
    uint8_t last[BLOCK] = { 0 };
    size_t at = 0;
    hash[0] = 0x452821e638d01377;
    hash[1] = 0xbe5466cf34e90c6c;
    for (; size - at >= BLOCK; at += BLOCK)
        add_block(hash, bytes + at);
    memcpy(last, bytes + at, size - at);
    add_block(hash, last);
}

typedef struct job {
    const lam_data *data;
    entry *entry;
    size_t count, each; /* samples in all, and of a task */
} job;

static size_t tasks_of(void *arg, size_t phase)
{
    (void)phase;
    const job *j = arg;
    return (j->count + j->each - 1) / j->each;
}

static void hash_task(void *arg, size_t phase, size_t task, size_t thread)
{
    (void)phase;
    (void)thread;
    const job *j = arg;
    const size_t first = task * j->each, end = j->count - first < j->each ? j->count : first + j->each;
    for (size_t i = first; i < end; i++) {
        entry *e = &j->entry[i];
        hash_bytes(e->hash, lami_data_sample(j->data, (lam_part)e->part, e->index), j->data->sample_bytes);
    }
}

/* ---- groups of equals -------------------------------------------------------------------------------------------- */

static int by_hash(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    for (int k = 0; k < 2; k++)
        if (x->hash[k] != y->hash[k])
            return x->hash[k] < y->hash[k] ? -1 : 1;
    if (x->part != y->part)
        return x->part < y->part ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

static lami_sample_at place_of(const entry *e)
{
    return (lami_sample_at) { (lam_part)e->part, e->index };
}

static int is_before(const entry *e, const lami_sample_at *at)
{
    return e->part != at->part ? e->part < at->part : e->index < at->index;
}

/* Keep the pair that comes first in the data set, whatever the order of hashes. */
static void note(lami_sample_at pair[2], size_t before, const entry *a, const entry *b)
{
    if (before && !is_before(b, &pair[1]))
        return;
    pair[0] = place_of(a);
    pair[1] = place_of(b);
}

static int32_t label_of(const lam_data *data, const entry *e)
{
    return data->part[e->part].label ? data->part[e->part].label[e->index] : 0;
}

/* count equal samples in order of part and index. */
static void count_group(lami_duplicates *found, const lam_data *data, const entry *const *group, size_t count)
{
    const entry *first[3] = { NULL }, *second[3] = { NULL };
    const entry *other = NULL; /* of another class than the first */
    size_t of[3] = { 0 };
    for (size_t i = 0; i < count; i++) {
        const entry *e = group[i];
        if (of[e->part]++ == 0)
            first[e->part] = e;
        else if (of[e->part] == 2)
            second[e->part] = e;
        if (!other && label_of(data, e) != label_of(data, group[0]))
            other = e;
    }
    for (int b = 0; b < 3; b++) {
        if (of[b] > 1) {
            note(found->within_first[b], found->within[b], first[b], second[b]);
            found->within[b] += of[b] - 1;
        }
        for (int a = 0; a < b; a++) {
            if (!of[a] || !of[b])
                continue;
            note(found->across_first[a][b], found->across[a][b], first[a], first[b]);
            found->across[a][b] += of[b];
        }
    }
    if (other) {
        note(found->conflict_first, found->conflicts, group[0], other);
        found->conflicts += count;
    }
}

/* Entries of one hash: as a rule they are one group. */
static void split_run(lami_duplicates *found, const lam_data *data, entry *run, size_t count, const entry **group)
{
    for (size_t i = 0; i + 1 < count; i++) {
        size_t members = 0;
        if (run[i].done)
            continue;
        const void *bytes = lami_data_sample(data, (lam_part)run[i].part, run[i].index);
        for (size_t k = i; k < count; k++) {
            if (run[k].done ||
                memcmp(bytes, lami_data_sample(data, (lam_part)run[k].part, run[k].index), data->sample_bytes))
                continue;
            run[k].done = 1;
            group[members++] = &run[k];
        }
        if (members > 1)
            count_group(found, data, group, members);
    }
}

static size_t longest_run(const entry *e, size_t count)
{
    size_t longest = 0;
    for (size_t first = 0, end; first < count; first = end) {
        for (end = first + 1; end < count && !memcmp(e[end].hash, e[first].hash, sizeof e->hash);)
            end++;
        longest = end - first > longest ? end - first : longest;
    }
    return longest;
}

static lam_status find_groups(lami_duplicates *found, const lam_data *data, entry *e, size_t count)
{
    const entry **group = lami_alloc(longest_run(e, count), sizeof *group);
    if (!group)
        return LAM_ENOMEM;
    for (size_t first = 0, end; first < count; first = end) {
        for (end = first + 1; end < count && !memcmp(e[end].hash, e[first].hash, sizeof e->hash);)
            end++;
        split_run(found, data, e + first, end - first, group);
    }
    lami_free(group);
    return LAM_OK;
}

lam_status lami_duplicates_find(lami_duplicates *found, const lam_data *data, int threads)
{
    size_t count = 0, at = 0;
    *found = (lami_duplicates) { 0 };
    for (int p = LAM_TRAIN; p <= LAM_TEST; p++)
        count += data->part[p].count;
    entry *e = lami_alloc(count, sizeof *e);
    if (!e)
        return LAM_ENOMEM;
    for (int p = LAM_TRAIN; p <= LAM_TEST; p++)
        for (size_t i = 0; i < data->part[p].count; i++, at++) {
            e[at].part = (uint8_t)p;
            e[at].index = (uint32_t)i;
        }
    job j = { .data = data, .entry = e, .count = count, .each = count / TASKS_MOST + TASK_SAMPLES };
    lami_parallel_run(threads, 0, 1, tasks_of, hash_task, &j);
    qsort(e, count, sizeof *e, by_hash);
    const lam_status status = find_groups(found, data, e, count);
    lami_free(e);
    return status;
}
