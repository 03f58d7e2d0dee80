/* worst: of all samples that are scored, the few that a network is most wrong about. */
#ifndef LAMI_WORST_H
#define LAMI_WORST_H

#include <stddef.h>

enum { CLI_WORST = 40 };

/* A sample and what the network says about it. */
typedef struct cli_miss {
    size_t sample;    /* in its part */
    double badness;   /* how wrong: what the order is by; a NAN is the worst */
    size_t truth;     /* the true class; of yes/no answers and numbers: which of them is the worst */
    size_t answer;    /* the class it was taken for; of yes/no answers: is yes true? */
    double of_truth;  /* probability, else score, of the true class or answer; the true number */
    double of_answer; /* that of the class it was taken for; the predicted number */
} cli_miss;

/* Zero is an empty one. */
typedef struct cli_worst {
    size_t count;
    cli_miss miss[CLI_WORST]; /* worst first; of equal ones the one that came first */
} cli_worst;

void cli_worst_add(cli_worst *worst, const cli_miss *miss);

#endif
