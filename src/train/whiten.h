/* whiten: the first convolution as the whitening of the training images (--set 'conv1.weight init whiten').
 *   The patches that its window sees have a covariance with eigenvectors e_k and eigenvalues v_k, largest first; filter k
 *   is e_k / sqrt(v_k + eps), filter K + k the same with the other sign, for k < K: all of them, or half of the filters if
 *   those are fewer. eps is 5e-4 of the eigenvalues' mean. Filters that are left over stay as they were drawn. So the
 *   network begins with directions of equal variance, as it would otherwise have to learn to.
 * Source: Page 2019, "How to train your ResNet 8"; Jordan 2024, arXiv:2404.00498, section 3.2. */
#ifndef LAMI_WHITEN_H
#define LAMI_WHITEN_H

#include "../data/data.h"
#include "../net/net.h"

/* Sets the weights that the options' rules say are to whiten, from the first 2,000 training samples, with the network's
 * preprocessing. All in double and in one order: the same bits on all machines. Errors: LAM_EFORMAT (images that are all
 * alike), LAM_EOPTION, LAM_ENOMEM. */
lam_status lami_whiten(lam_net *net, const lam_data *data, const lam_options *options);

#endif
