/* prepare: what a training takes from its data and options before the first step. */
#ifndef LAMI_PREPARE_H
#define LAMI_PREPARE_H

#include "../core/options.h"
#include "../data/data.h"
#include "../net/net.h"

/* Weights and preprocessing of --start, names of classes or targets, the table's schema, and preprocessing and units of
 * the targets fitted on the training part. A network that has preprocessing or units keeps them. Errors: those of
 * lam_net_load, LAM_ESHAPE (another network), LAM_EOPTION, LAM_EFORMAT, LAM_ENOMEM. */
lam_status lami_prepare_net(lam_net *net, const lam_data *data, const lam_options *options);

/* --class-weight as one number per class, yours; NULL where it is not given. balanced: samples / (classes * samples of
 * the class), of the training part. Errors: LAM_EOPTION (no such class: with the nearest match; no classes),
 * LAM_ENOMEM. */
lam_status lami_class_weights(double **weights, const lam_data *data, const char *text);

#endif
