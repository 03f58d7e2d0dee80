/* group: the records of normalisation over groups of a sample's channels: groupnorm, and layernorm on images, which has one
 * group. Parameters are gamma and beta, caches mean and rstd. */
#ifndef LAMI_GROUP_H
#define LAMI_GROUP_H

#include "layer.h"

void lami_group_forward(lami_plan *plan, const lami_node *n, lami_ports *q, size_t groups, double eps);
void lami_group_backward(lami_plan *plan, const lami_node *n, const lami_ports *q, size_t groups);

#endif
