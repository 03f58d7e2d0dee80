"""Networks of the courses as functions of their parameters: dictionaries of NumPy arrays W1, b1, gamma1, beta1, W2 ...
Each returns scores where y is None, else (loss, grads), the gradients in the order of the parameters."""
import numpy as np

from ._binding import MODE_TEST, MODE_TRAIN, TIES_FIRST, lib
from ._layers import (AFFINE, AFFINE_BATCHNORM_RELU, AFFINE_RELU, CONV_BATCHNORM_RELU, CONV_RELU, CONV_RELU_POOL, LAYERNORM,
                      MAXPOOL, RELU, dropout, loss_of, running_statistics)

PIECE = 1 << 14  # elements


class Pass:
    """A forward pass that remembers what its backward pass needs.

    params  the parameters
    train   batch norm uses the batch, and the running statistics follow it; dropout drops"""

    def __init__(self, params, train):
        self.params, self.train = params, train
        self.steps = []

    def arrays(self, names):
        return [self.params[name] for name in names]

    def run(self, layer, x, names=(), mark=(), statistics=()):
        """The layer's output for x and the parameters of these names."""
        out, frame = layer.forward((x, *self.arrays(names), *statistics), mark)
        self.steps.append((layer, frame, names))
        return out

    def normalised(self, layer, x, names, bn_param, mark=None):
        """The same for a layer with batch norm; the last two names are gamma and beta."""
        norm = MODE_TRAIN if self.train else MODE_TEST, bn_param.get("eps", 1e-5), bn_param.get("momentum", 0.9)
        gamma = self.params[names[-2]]
        mean, var = running_statistics(bn_param.get("running_mean"), bn_param.get("running_var"), gamma, gamma.size,
                                       self.train)
        out = self.run(layer, x, names, norm if mark is None else (mark, norm), (mean, var))
        bn_param["running_mean"], bn_param["running_var"] = mean, var
        return out

    def dropped(self, x, p, seed, step):
        """Dropout of x in training."""
        out, frame = dropout(x, p, seed, step)
        self.steps.append((frame.layer, frame, ()))
        return out

    def backward(self, dout):
        """Gradients of all parameters."""
        grads = {}
        while self.steps:
            layer, frame, names = self.steps.pop()
            wanted = None if self.steps else [False] + [True] * len(names)  # nobody wants that of the input
            dout, *rest = layer.backward(dout, frame, wanted)
            grads.update(zip(names, rest))
            frame.release()
        return {name: grads[name] for name in self.params}

    def finish(self, scores, y, reg):
        """What a network returns. reg: the loss has reg / 2 of the sum of squares of the weights."""
        if y is None:
            for _, frame, _ in self.steps:
                frame.release()
            return scores
        loss, dscores = loss_of(lib.lam_softmax_loss, "softmax_loss", scores, y)
        grads = self.backward(dscores)
        if reg:
            for name, w in self.params.items():
                if name.startswith("W"):
                    loss += 0.5 * reg * _decay(grads[name], w, reg)
        return loss, grads


def _decay(grad, w, reg):
    """grad += reg * w. Returns the sum of squares of w. In pieces that stay in the cache."""
    squares, rows = 0.0, max(PIECE // w[0].size, 1)
    for i in range(0, len(w), rows):
        piece = w[i:i + rows]
        flat = piece.reshape(-1)
        squares += float(np.dot(flat, flat))
        grad[i:i + rows] += reg * piece
    return squares


def fully_connected(params, x, y, layers, reg=0.0, normalization=None, bn_params=(), drop=0.0, seeds=()):
    """{affine - [batchnorm or layernorm] - relu - [dropout]} x (layers - 1) - affine - softmax.

    drop: the probability of dropping; seeds: of the dropout layers"""
    run = Pass(params, y is not None)
    for i in range(1, layers):
        weights, norm = (f"W{i}", f"b{i}"), (f"gamma{i}", f"beta{i}")
        if normalization == "batchnorm":
            x = run.normalised(AFFINE_BATCHNORM_RELU, x, weights + norm, bn_params[i - 1])
        elif normalization == "layernorm":
            x = run.run(AFFINE, x, weights)
            x = run.run(LAYERNORM, x, norm, (bn_params[i - 1].get("eps", 1e-5),))
            x = run.run(RELU, x)
        else:
            x = run.run(AFFINE_RELU, x, weights)
        if drop and y is not None:
            x = run.dropped(x, drop, seeds[i - 1], i - 1)
    return run.finish(run.run(AFFINE, x, (f"W{layers}", f"b{layers}")), y, reg)


def three_layer_conv(params, x, y, reg, ties):
    """conv - relu - maxpool 2 - affine - relu - affine - softmax; the convolution keeps the size of the image. ties: of
    the pool."""
    run = Pass(params, y is not None)
    x = run.run(CONV_RELU_POOL, x, ("W1", "b1"), ((1, (params["W1"].shape[2] - 1) // 2), (2, 2, 2, ties)))
    x = run.run(AFFINE_RELU, x, ("W2", "b2"))
    return run.finish(run.run(AFFINE, x, ("W3", "b3")), y, reg)


def deep_conv(params, x, y, layers, reg, max_pools, bn_params):
    """{conv 3x3 - [batchnorm] - relu - [maxpool 2]} x (layers - 1) - affine - softmax. bn_params: empty without batch
    norm."""
    run = Pass(params, y is not None)
    conv, pool = (1, 1), (2, 2, 2, TIES_FIRST)
    for i in range(1, layers):
        weights, norm = (f"W{i}", f"b{i}"), (f"gamma{i}", f"beta{i}")
        pools = i - 1 in max_pools
        if bn_params:
            x = run.normalised(CONV_BATCHNORM_RELU, x, weights + norm, bn_params[i - 1], conv)
        elif pools:
            x = run.run(CONV_RELU_POOL, x, weights, (conv, pool))
        else:
            x = run.run(CONV_RELU, x, weights, conv)
        if pools and bn_params:
            x = run.run(MAXPOOL, x, (), pool)
    return run.finish(run.run(AFFINE, x, (f"W{layers}", f"b{layers}")), y, reg)
