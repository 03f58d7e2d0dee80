/* checkpoint: a whole training as one safetensors file: the model of the last step, and beside it
 *   history               (entries, 7) F64: epoch, step, loss, train_accuracy, val_accuracy, lr, seconds
 *   best.<parameter>      the best weights with their running statistics; absent as long as there are none
 *   state.<slot>.<param>  the update rule's state of the trained parameters
 *   ema.<parameter>       the average of the weights, running statistics too; only with option ema
 *   checkpoint.<field>    metadata: lami_state's numbers, reals as the shortest text that reads back equal; `crc32`
 *                         covers them and all tensors
 * Format: docs/format.md. */
#ifndef LAMI_CHECKPOINT_H
#define LAMI_CHECKPOINT_H

#include "../format/safetensors.h"
#include "solver.h"

/* All that changes while training, but for the network's parameters and the session's state. */
typedef struct lami_state {
    uint64_t step, epoch; /* done */
    uint64_t entry_steps; /* since the last history entry, and the sum of their losses */
    double entry_loss;
    double loss;                                        /* of the last step */
    double seconds;                                     /* used, by all processes */
    double train_accuracy, val_accuracy, best_accuracy; /* last measured; NAN before */
    uint64_t best_epoch;
    uint64_t best_known; /* 1: `best` holds the best weights */
    lami_history *history;
    size_t entries, capacity;
    void *best; /* laid out like net->values; NULL where no best weights are kept */
    char *data; /* what the data must be: lami_describe_data */
} lami_state;

void lami_state_free(lami_state *state);
lam_status lami_state_add(lami_state *state, const lami_history *entry);

/* Shape, counts and a digest of the labels of a data set, as one line, yours; NULL without memory. */
char *lami_describe_data(const lam_data *data);

/* Write atomically. Errors: LAM_EWRITE, LAM_ENOMEM; the old checkpoint is then untouched. */
lam_status lami_checkpoint_write(const char *path, const lam_net *net, const lam_session *session,
                                 const lami_state *state);

/* An opened checkpoint: *net is new, state is filled in. Errors: LAM_EREAD, LAM_EFORMAT, LAM_EVERSION, LAM_ENOMEM. */
lam_status lami_checkpoint_read(lami_state *state, lam_net **net, const lami_st_in *in, const char *path);

/* The update rule's state and the average into a new session for the checkpoint's network. */
lam_status lami_checkpoint_read_rule(lam_session *session, const lam_net *net, const lami_state *state,
                                     const lami_st_in *in, const char *path);

#endif
