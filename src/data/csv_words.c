/* csv_words: sets by open addressing; the table is at most half full. Order of insertion does not show: names come
 * sorted. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../core/mem.h"
#include "../core/number.h"
#include "csv.h"

enum { FIRST_SLOTS = 16, SHORT_TEXT = 1024 };

static const double whole_most = 1e15; /* below, %.0f is the number */

static void forget(lami_csv_words *words)
{
    for (size_t i = 0; i < words->copies; i++)
        lami_free(words->copy[i]);
    lami_free(words->copy);
    lami_free(words->word);
    lami_free(words->slot);
    *words = (lami_csv_words) { .most = words->most, .too_many = words->too_many };
}

void lami_csv_words_free(lami_csv_words *words)
{
    forget(words);
    *words = (lami_csv_words) { 0 };
}

static uint64_t mix(uint64_t h)
{
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93u;
    h ^= h >> 32;
    return h;
}

static uint64_t hash_text(const char *at, size_t length)
{
    uint64_t h = length + 0x9e3779b97f4a7c15u;
    for (; length >= 8; at += 8, length -= 8) {
        uint64_t eight;
        memcpy(&eight, at, 8);
        h = mix(h ^ eight);
    }
    uint64_t rest = 0;
    if (length)
        memcpy(&rest, at, length);
    return mix(h ^ rest);
}

static lami_csv_word word_of_number(double number)
{
    lami_csv_word word = { .number = number + 0.0 }; /* no -0 */
    uint64_t bits;
    memcpy(&bits, &word.number, sizeof bits);
    word.hash = mix(bits ^ 0x2545f4914f6cdd1du);
    return word;
}

static lami_csv_word word_of_text(const char *at, size_t length)
{
    return (lami_csv_word) { .at = at, .length = length, .hash = hash_text(at, length) };
}

static int same(const lami_csv_word *a, const lami_csv_word *b)
{
    if (a->hash != b->hash || !a->at != !b->at)
        return 0;
    if (!a->at)
        return a->number == b->number;
    return a->length == b->length && !memcmp(a->at, b->at, a->length);
}

/* The slot that holds the word, or a free one; slots is not 0. */
static size_t find_slot(const lami_csv_words *words, const lami_csv_word *word)
{
    size_t i = (size_t)word->hash & (words->slots - 1);
    while (words->slot[i] && !same(&words->word[words->slot[i] - 1], word))
        i = (i + 1) & (words->slots - 1);
    return i;
}

static lam_status grow_slots(lami_csv_words *words)
{
    const size_t slots = words->slots ? 2 * words->slots : FIRST_SLOTS;
    uint32_t *slot = lami_alloc(slots, sizeof *slot);
    if (!slot)
        return LAM_ENOMEM;
    lami_free(words->slot);
    words->slot = slot;
    words->slots = slots;
    for (size_t i = 0; i < words->count; i++)
        slot[find_slot(words, &words->word[i])] = (uint32_t)i + 1;
    return LAM_OK;
}

static lam_status add(lami_csv_words *words, const lami_csv_word *word)
{
    if (words->slots && words->slot[find_slot(words, word)])
        return LAM_OK;
    if (words->count == words->most) {
        words->too_many = 1;
        forget(words);
        return LAM_OK;
    }
    if (2 * (words->count + 1) > words->slots)
        LAM_TRY(grow_slots(words));
    void *grown = words->word;
    LAM_TRY(lami_grow(&grown, &words->capacity, words->count + 1, sizeof *words->word));
    words->word = grown;
    words->word[words->count] = *word;
    words->slot[find_slot(words, word)] = (uint32_t)++words->count;
    return LAM_OK;
}

/* A text with doubled quotes: its copy without them, which the set keeps. */
static lam_status add_copy(lami_csv_words *words, const lami_csv_cell *cell)
{
    void *grown = words->copy;
    LAM_TRY(lami_grow(&grown, &words->copy_capacity, words->copies + 1, sizeof *words->copy));
    words->copy = grown;
    char *copy = lami_csv_cell_copy(cell);
    if (!copy)
        return LAM_ENOMEM;
    words->copy[words->copies++] = copy;
    const size_t before = words->count;
    const lami_csv_word word = word_of_text(copy, strlen(copy));
    const lam_status status = add(words, &word);
    if (words->count == before && words->copies) /* there already */
        lami_free(words->copy[--words->copies]);
    return status;
}

lam_status lami_csv_words_add(lami_csv_words *words, const lami_csv_cell *cell)
{
    if (words->too_many || !words->most)
        return LAM_OK;
    if (cell->kind != LAMI_CSV_NUMBER && cell->doubled)
        return add_copy(words, cell);
    const lami_csv_word word = cell->kind == LAMI_CSV_NUMBER ? word_of_number(cell->number)
                                                             : word_of_text((const char *)cell->at, cell->length);
    return add(words, &word);
}

/* The copies that texts of `from` lie in, to words. */
static lam_status take_copies(lami_csv_words *words, lami_csv_words *from)
{
    if (!from->copies)
        return LAM_OK;
    void *grown = words->copy;
    LAM_TRY(lami_grow(&grown, &words->copy_capacity, words->copies + from->copies, sizeof *words->copy));
    words->copy = grown;
    memcpy(words->copy + words->copies, from->copy, from->copies * sizeof *from->copy);
    words->copies += from->copies;
    from->copies = 0;
    return LAM_OK;
}

lam_status lami_csv_words_join(lami_csv_words *words, lami_csv_words *from)
{
    if (from->too_many)
        words->too_many = 1;
    LAM_TRY(take_copies(words, from));
    for (size_t i = 0; i < from->count && !words->too_many; i++)
        LAM_TRY(add(words, &from->word[i]));
    if (words->too_many)
        forget(words);
    return LAM_OK;
}

static const lami_csv_word *find(const lami_csv_words *words, const lami_csv_word *word)
{
    if (!words->slots)
        return NULL;
    const uint32_t slot = words->slot[find_slot(words, word)];
    return slot ? &words->word[slot - 1] : NULL;
}

/* A text with doubled quotes that does not fit into a buffer: compared with each. */
static const lami_csv_word *find_long(const lami_csv_words *words, const lami_csv_cell *cell)
{
    for (size_t i = 0; i < words->count; i++) {
        const lami_csv_word *w = &words->word[i];
        size_t k = 0, n = 0;
        for (; w->at && k < cell->length && n < w->length && (char)cell->at[k] == w->at[n]; k++, n++)
            k += cell->at[k] == '"';
        if (w->at && k == cell->length && n == w->length)
            return w;
    }
    return NULL;
}

const lami_csv_word *lami_csv_words_find(const lami_csv_words *words, const lami_csv_cell *cell)
{
    char text[SHORT_TEXT];
    lami_csv_word word;
    if (cell->kind == LAMI_CSV_NUMBER)
        word = word_of_number(cell->number);
    else if (!cell->doubled)
        word = word_of_text((const char *)cell->at, cell->length);
    else if (cell->length < SHORT_TEXT)
        word = word_of_text(text, lami_csv_cell_text(text, cell));
    else
        return find_long(words, cell);
    return find(words, &word);
}

lam_status lami_csv_words_of(lami_csv_words *words, char *const *name, size_t count, int may_be_numbers)
{
    words->most = count;
    for (size_t i = 0; i < count; i++) {
        const size_t length = strlen(name[i]), before = words->count;
        double number;
        const int is_number = may_be_numbers && length && lami_real_prefix(&number, name[i], length) == length;
        const lami_csv_word word = is_number ? word_of_number(number) : word_of_text(name[i], length);
        LAM_TRY(add(words, &word));
        if (words->count > before)
            words->word[before].code = (uint32_t)i;
    }
    return LAM_OK;
}

/* ---- numbers with a comma ---------------------------------------------------------------------------------------- */

int lami_csv_has_comma(const void *text, size_t length)
{
    const char *const at = text;
    size_t commas = 0;
    size_t i = length && (*at == '-' || *at == '+');
    if (i == length || at[i] == ',' || at[length - 1] == ',')
        return 0;
    for (; i < length; i++) {
        if (at[i] == ',')
            commas++;
        else if (at[i] < '0' || at[i] > '9')
            return 0;
    }
    return commas > 0;
}

const lami_csv_word *lami_csv_words_with_commas(const lami_csv_words *words)
{
    for (size_t i = 0; i < words->count; i++)
        if (words->word[i].at && !lami_csv_has_comma(words->word[i].at, words->word[i].length))
            return NULL;
    return words->count ? &words->word[0] : NULL;
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
    const lami_csv_word *x = a, *y = b;
    return x->number < y->number ? -1 : x->number > y->number;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *name_of(const lami_csv_word *word)
{
    char text[LAMI_REAL_TEXT];
    if (word->at)
        return lami_strndup(word->at, word->length);
    lami_real_text(text, word->number);
    if (word->number == rint(word->number) && fabs(word->number) < whole_most) /* 1000000, not 1e+06 */
        snprintf(text, sizeof text, "%" PRId64, (int64_t)word->number);
    return lami_strdup(text);
}

lam_status lami_csv_words_names(char ***name, const lami_csv_words *words)
{
    int texts = 0;
    for (size_t i = 0; i < words->count; i++)
        texts |= words->word[i].at != NULL;
    if (!texts && words->count)
        qsort(words->word, words->count, sizeof *words->word, by_number); /* the slots are not used again */
    *name = lami_alloc(words->count, sizeof **name);
    if (!*name)
        return LAM_ENOMEM;
    for (size_t i = 0; i < words->count; i++) {
        (*name)[i] = name_of(&words->word[i]);
        if ((*name)[i])
            continue;
        while (i > 0)
            lami_free((*name)[--i]);
        lami_free(*name);
        *name = NULL;
        return LAM_ENOMEM;
    }
    if (texts)
        qsort(*name, words->count, sizeof **name, by_bytes);
    return LAM_OK;
}
