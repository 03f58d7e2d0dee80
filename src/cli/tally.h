/* tally: what is counted while a data set is scored: right answers and losses as a whole, per class, per target, and
 * the samples that a network is most wrong about. */
#ifndef LAMI_TALLY_H
#define LAMI_TALLY_H

#include "../train/metrics.h"
#include "inputs.h"
#include "worst.h"

/* Answers to a question of yes or no. */
typedef struct cli_question {
    size_t yes, right;
} cli_question;

/* Which of these there are depends on the kind of answer: classes, questions, or numbers to predict. */
typedef struct cli_tally {
    const lam_net *net;
    const lam_data *data;
    cli_answer answer;
    const char *tta; /* NULL: none */
    lam_part part;
    size_t count; /* samples */
    double loss;  /* sum over them */
    size_t classes;
    size_t *class_count, *right; /* per class */
    uint32_t *confusion;         /* label * classes + answer: number of samples; NULL with very many classes */
    cli_question *question;      /* of several with yes or no */
    lami_errors *errors;         /* per number to predict */
    cli_worst *worst;            /* NULL: not wanted */
    size_t scored;               /* samples so far */
    double *row;                 /* room for a sample's scores */
} cli_tally;

/* Count `count` samples of a part, the first ones; `session` measures. The tally borrows net and data. `worst`: look
 * for those, too. */
lam_status cli_tally_make(cli_tally *tally, lam_session *session, const lam_net *net, const lam_data *data,
                          lam_part part, size_t count, int worst);
void cli_tally_free(cli_tally *tally); /* fine on a zeroed one */

/* Of right answers: of samples, or of all their targets. */
double cli_tally_accuracy(const cli_tally *tally);
double cli_tally_class_accuracy(const cli_tally *tally, size_t class); /* NAN: it has no samples */

/* The class that `class` was most often taken for; itself where it never was, or nobody counted. */
size_t cli_tally_mistaken(const cli_tally *tally, size_t class);

/* R2 and errors over some of the targets. */
lam_metrics cli_tally_errors(const cli_tally *tally, size_t first, size_t targets);

/* A class's name: the network's, which is what its answers were called in training, else the data's. */
const char *cli_tally_name(char text[CLI_CLASS_TEXT], const cli_tally *tally, size_t class);

#endif
