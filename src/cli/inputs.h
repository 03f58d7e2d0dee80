/* inputs: what commands are given: networks as notation or file, runs, data sets; and the words for what they hold. */
#ifndef LAMI_INPUTS_H
#define LAMI_INPUTS_H

#include "../net/net.h"
#include "../plan/plan.h"
#include "args.h"

/* Is it a saved model or a run folder, in contrast to a notation or a file that holds one? */
int cli_is_model(const char *argument);

/* The network of the first argument: a notation, a file that holds one, a model or a run folder. input: the shape of a
 * sample as text, for a notation alone; weights: 0 leaves those of a new network 0, which is quicker. Errors: those of lam_net_new and
 * lam_net_load, LAM_EOPTION (no input, or one for a model). */
lam_status cli_open_network(lam_net **net, const cli_call *call, const char *input, int weights);

/* A model and the data set to use it on, read as the model was trained. `data_path` NULL: what the run was trained on,
 * where `model` is a run folder; how it was read and split is then the run's, but for what the command line says.
 * unlabeled: fine without what is to be predicted. Errors: those of lam_net_load and lam_data_open, LAM_EOPTION (no
 * data given), LAM_ESHAPE (they do not fit). */
lam_status cli_open_model(lam_net **net, lam_data **data, const char *model, const char *data_path,
                          const cli_call *call, int unlabeled);

/* Samples to predict in a file, or in standard input that has been read (`input`, for the path "-"), for `net`. */
lam_status cli_open_samples(lam_data **data, const lam_net *net, const char *path, const lam_options *options,
                            const struct lami_source *input);

/* Is it "KIND:PATH", or a file of a known kind of data set? */
int cli_is_data(const char *path);

/* Words of --split, in the order of lam_part, and the part meant: -1 stands for the test part if there is one, else the
 * training part. Errors: LAM_EINVAL (no such part). */
#define CLI_SPLITS "train val test"
lam_status cli_part(lam_part *part, const lam_data *data, int split);

/* What the scores of a network say. */
typedef enum cli_answer {
    CLI_CLASSES, /* one of the classes: the largest score's */
    CLI_YES_NO,  /* one score: which of two classes */
    CLI_LABELS,  /* a yes or a no each */
    CLI_VALUES   /* the numbers that are predicted */
} cli_answer;

/* data: what the network is used on, or NULL. Where neither that nor the model's table tells what it was trained on,
 * mse predicts numbers, and the others classes. */
cli_answer cli_answer_of(const lam_net *net, const lam_data *data);

/* A class's name, or its number, which is written to `text`. What a score stands for where there are no classes,
 * likewise: "price", "value 2". */
enum { CLI_CLASS_TEXT = 32 };
const char *cli_class_name(char text[CLI_CLASS_TEXT], const lam_net *net, size_t class);
const char *cli_value_name(char text[CLI_CLASS_TEXT], const lam_net *net, size_t k);

/* The class that the scores of sample i stand for: that of the first largest one of type f32 or f64; with one score 1
 * where it says yes, else 0. */
size_t cli_best(const lam_net *net, const void *scores, size_t sample);

/* What the scores of sample i say, a number per score: itself, or a probability where the loss has such (softmax;
 * logistic: of a yes). */
int cli_has_probability(const lam_net *net);
void cli_numbers(double *row, const lam_net *net, const void *scores, size_t sample, int probabilities);
double cli_sigmoid(double x);

/* A record's operation: "gemm_nn", or "gemm_nn_bf16". */
const char *cli_record_op(char name[64], const lami_record *record);

/* The layer a record belongs to, or its loss, or "update". Which part of a step it is: "forward", "backward",
 * "update". */
const char *cli_record_owner(char name[64], const lam_net *net, const lami_record *record);
const char *cli_record_part(const lami_plan *plan, size_t record);

#endif
