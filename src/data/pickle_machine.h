/* pickle_machine: what the instructions of a pickle work on. pickle.c has the stack and the table of instructions;
 * pickle_text.c those for strings that are not stored as they are, pickle_calls.c those for the known functions. */
#ifndef LAMI_PICKLE_MACHINE_H
#define LAMI_PICKLE_MACHINE_H

#include "../core/bytes.h"
#include "pickle.h"

enum { LAMI_PICKLE_MARKS = 100 }; /* open at once */

struct lami_pickle {
    const char *name;
    lami_pickle_value *value;
    size_t count, capacity;
    uint32_t root;
};

typedef struct lami_pickle_reader {
    lami_pickle *p;
    lami_bytes in;
    const uint8_t *start;
    size_t at; /* byte of the instruction that runs */
    uint32_t *stack;
    size_t height, stack_capacity;
    size_t mark[LAMI_PICKLE_MARKS]; /* heights */
    size_t marks;
    uint32_t *memo; /* number of a value + 1; 0: none */
    size_t memo_capacity, memo_count;
    size_t items;
    size_t unpacked, unpacked_most;
    int stopped;
} lami_pickle_reader;

/* Errors that name the file and the byte. */
lam_status lami_pickle_damaged(const lami_pickle_reader *r, const char *what);
lam_status lami_pickle_too_much(const lami_pickle_reader *r, const char *what);

/* The value of a number; good until one is pushed that is new. */
lami_pickle_value *lami_pickle_at(const lami_pickle_reader *r, uint32_t number);

/* Push a new value; what it owns is its own from then on, or freed. */
lam_status lami_pickle_push(lami_pickle_reader *r, const lami_pickle_value *made);
lam_status lami_pickle_push_type(lami_pickle_reader *r, lami_pickle_type type);
lam_status lami_pickle_push_bytes(lami_pickle_reader *r, lami_pickle_type type, const uint8_t *at, size_t size,
                                  int owned);

/* Are there that many entries since the last mark? Errors: LAM_EFORMAT. */
lam_status lami_pickle_need(const lami_pickle_reader *r, size_t entries);
lam_status lami_pickle_pop(lami_pickle_reader *r, uint32_t *number);

/* The rest of the line in the file, without its end. */
lam_status lami_pickle_line(lami_pickle_reader *r, const uint8_t **at, size_t *size);

/* Room for a string of at most `size` bytes that is not stored as it is; push it as owned, or free it. */
lam_status lami_pickle_room(lami_pickle_reader *r, uint8_t **out, size_t size);

int lami_pickle_is(const uint8_t *at, size_t size, const char *word);

/* Instructions. */
lam_status lami_pickle_quoted(lami_pickle_reader *r);
lam_status lami_pickle_text_line(lami_pickle_reader *r);
lam_status lami_pickle_global(lami_pickle_reader *r);
lam_status lami_pickle_stack_global(lami_pickle_reader *r);
lam_status lami_pickle_reduce(lami_pickle_reader *r);
lam_status lami_pickle_build(lami_pickle_reader *r);

#endif
