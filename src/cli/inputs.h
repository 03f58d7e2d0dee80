/* inputs: what commands are given: networks as notation or file, runs, data sets; and the words for what they hold. */
#ifndef LAMI_INPUTS_H
#define LAMI_INPUTS_H

#include "../net/net.h"
#include "../plan/plan.h"
#include "args.h"

/* Is it a saved model or a run folder, in contrast to a notation or a file that holds one? */
int cli_is_model(const char *argument);

/* A model and the data set to use it on. `data_path` NULL: what the run was trained on, where `model` is a run
 * folder. The validation split is the run's, unless --val is given. Errors: those of lam_net_load and lam_data_open,
 * LAM_EOPTION (no data given), LAM_ESHAPE (they do not fit). */
lam_status cli_open_model(lam_net **net, lam_data **data, const char *model, const char *data_path,
                          const lam_options *options);

/* Words of --split, in the order of lam_part, and the part meant: -1 stands for the test part if there is one, else the
 * training part. Errors: LAM_EINVAL (no such part). */
#define CLI_SPLITS "train val test"
lam_status cli_part(lam_part *part, const lam_data *data, int split);
const char *cli_part_name(lam_part part);

/* A class's name, or its number, which is written to `text`. */
enum { CLI_CLASS_TEXT = 24 };
const char *cli_class_name(char text[CLI_CLASS_TEXT], const lam_net *net, size_t class);

/* The first largest of n scores of type f32 or f64, at sample i. */
size_t cli_best(const lam_net *net, const void *scores, size_t sample);

/* Probability of a class by softmax; for other losses its score. */
double cli_probability(const lam_net *net, const void *scores, size_t sample, size_t class);
int cli_has_probability(const lam_net *net);

/* The layer a record belongs to, or its loss, or "update". Which part of a step it is: "forward", "backward",
 * "update". */
const char *cli_record_owner(char name[64], const lam_net *net, const lami_record *record);
const char *cli_record_part(const lami_plan *plan, size_t record);

#endif
