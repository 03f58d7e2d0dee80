"""Assignment 3's convolutional_networks.py: layers as classes with forward and backward, networks."""
import math

import numpy as np

from .._binding import MODE_TRAIN, TIES_FIRST
from .._descriptions import deep_conv as _deep, described, three_layer_conv as _three_layer
from .._layers import (AFFINE_BATCHNORM_RELU, BATCHNORM, CONV, CONV_BATCHNORM_RELU, CONV_RELU, CONV_RELU_POOL, MAXPOOL,
                       SPATIAL_BATCHNORM, cache_of, running_statistics)
from .._networks import deep_conv, three_layer_conv
from ..cs231n import _params
from ._model import Model
from ._tensors import FLOAT, all_like, array, arrays, like, normal
from .fully_connected_networks import *  # noqa: F403  as the course's module does
from .fully_connected_networks import Solver, _frame, adam


def _pool_mark(pool_param):
    _params.check(pool_param, _params.POOL, "pool_param")
    return pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"], TIES_FIRST


def _with_statistics(layer, x, weights, gamma, beta, bn_param, conv_mark=None):
    """(out, frame) of a layer with batch norm; its running statistics are stored back."""
    norm = _params.norm_mark(bn_param)
    gamma_array = array(gamma, "gamma")
    mean, var = running_statistics(array(bn_param.get("running_mean"), "running_mean"),
                                   array(bn_param.get("running_var"), "running_var"), array(x, "x"),
                                   np.size(gamma_array), norm[0] == MODE_TRAIN)
    result = layer.forward((array(x, "x"), *weights, gamma_array, array(beta, "beta"), mean, var),
                           norm if conv_mark is None else (conv_mark, norm))
    bn_param["running_mean"], bn_param["running_var"] = like(x, mean), like(x, var)
    return result


class Conv(object):
    """Convolution. x (N, C, H, W), w (F, C, HH, WW), b (F). conv_param: stride, pad."""

    @staticmethod
    def forward(x, w, b, conv_param):
        """Returns out (N, F, H', W'), H' = 1 + (H + 2 pad - HH) // stride, and cache (x, w, b, conv_param)."""
        out, frame = CONV.forward(arrays(x=x, w=w, b=b), _params.conv_mark(conv_param))
        return like(x, out), cache_of((x, w, b, conv_param), frame)

    @staticmethod
    def backward(dout, cache):
        """Returns dx, dw and db."""
        frame = cache.frame if hasattr(cache, "frame") else Conv.forward(*cache)[1].frame
        return all_like(dout, CONV.backward(array(dout, "dout"), frame))


class MaxPool(object):
    """Max-pooling. x (N, C, H, W). pool_param: pool_height, pool_width, stride. Of equal maxima the first has the
    gradient."""

    @staticmethod
    def forward(x, pool_param):
        """Returns out (N, C, H', W'), H' = 1 + (H - pool_height) // stride, and cache (x, pool_param)."""
        out, frame = MAXPOOL.forward((array(x, "x"),), _pool_mark(pool_param))
        return like(x, out), cache_of((x, pool_param), frame)

    @staticmethod
    def backward(dout, cache):
        """Returns dx."""
        frame = cache.frame if hasattr(cache, "frame") else MaxPool.forward(*cache)[1].frame
        return like(dout, MAXPOOL.backward(array(dout, "dout"), frame)[0])


class FastConv(Conv):
    """The same as Conv: the library has one convolution."""


class FastMaxPool(MaxPool):
    """The same as MaxPool."""


class BatchNorm(object):
    """Batch normalisation of the columns of x (N, D). gamma, beta (D).

    bn_param: mode ("train" or "test"; required), eps (1e-5), momentum (0.9), running_mean, running_var (D). The running
    ones, zeros where there are none, are stored back; in training they are new ones."""

    layer, rank = BATCHNORM, 2

    @classmethod
    def forward(cls, x, gamma, beta, bn_param):
        """Returns out and a cache."""
        if len(x.shape) != cls.rank:
            raise ValueError(f"x has the shape {tuple(x.shape)}; {'(N, D)' if cls.rank == 2 else '(N, C, H, W)'} is needed")
        out, frame = _with_statistics(cls.layer, x, (), gamma, beta, bn_param)
        return like(x, out), cache_of((), frame)

    @classmethod
    def backward(cls, dout, cache):
        """Returns dx, dgamma and dbeta, in test mode, too."""
        return all_like(dout, cls.layer.backward(array(dout, "dout"), _frame(cache)))

    @classmethod
    def backward_alt(cls, dout, cache):
        """The same function as backward: the library has one, which is the simplified form."""
        return cls.backward(dout, cache)


class SpatialBatchNorm(BatchNorm):
    """Batch normalisation of each channel of x (N, C, H, W) over samples and pixels. gamma, beta (C)."""

    layer, rank = SPATIAL_BATCHNORM, 4


class _Sandwich(object):
    """A layer whose backward is one function of the library: it returns the gradients of the arrays that forward took."""

    layer = None

    @classmethod
    def backward(cls, dout, cache):
        """Returns the gradients, in the order of forward's arguments."""
        return all_like(dout, cls.layer.backward(array(dout, "dout"), _frame(cache)))


class Conv_ReLU(_Sandwich):
    """conv, relu."""

    layer = CONV_RELU

    @staticmethod
    def forward(x, w, b, conv_param):
        """Returns out and a cache."""
        out, frame = CONV_RELU.forward(arrays(x=x, w=w, b=b), _params.conv_mark(conv_param))
        return like(x, out), cache_of((), frame)


class Conv_ReLU_Pool(_Sandwich):
    """conv, relu, max-pool."""

    layer = CONV_RELU_POOL

    @staticmethod
    def forward(x, w, b, conv_param, pool_param):
        """Returns out and a cache."""
        mark = _params.conv_mark(conv_param), _pool_mark(pool_param)
        out, frame = CONV_RELU_POOL.forward(arrays(x=x, w=w, b=b), mark)
        return like(x, out), cache_of((), frame)


class Linear_BatchNorm_ReLU(_Sandwich):
    """linear, batch normalisation, relu."""

    layer = AFFINE_BATCHNORM_RELU

    @staticmethod
    def forward(x, w, b, gamma, beta, bn_param):
        """Returns out and a cache."""
        out, frame = _with_statistics(AFFINE_BATCHNORM_RELU, x, arrays(w=w, b=b), gamma, beta, bn_param)
        return like(x, out), cache_of((), frame)


class Conv_BatchNorm_ReLU(_Sandwich):
    """conv, spatial batch normalisation, relu."""

    layer = CONV_BATCHNORM_RELU

    @staticmethod
    def forward(x, w, b, gamma, beta, conv_param, bn_param):
        """Returns out and a cache."""
        out, frame = _with_statistics(CONV_BATCHNORM_RELU, x, arrays(w=w, b=b), gamma, beta, bn_param,
                                      _params.conv_mark(conv_param))
        return like(x, out), cache_of((), frame)


class Conv_BatchNorm_ReLU_Pool(object):
    """conv, spatial batch normalisation, relu, max-pool."""

    @staticmethod
    def forward(x, w, b, gamma, beta, conv_param, bn_param, pool_param):
        """Returns out and a cache."""
        between, first = Conv_BatchNorm_ReLU.forward(x, w, b, gamma, beta, conv_param, bn_param)
        out, pool = MaxPool.forward(between, pool_param)
        return out, (first, pool)

    @staticmethod
    def backward(dout, cache):
        """Returns dx, dw, db, dgamma and dbeta."""
        first, pool = cache
        return Conv_BatchNorm_ReLU.backward(MaxPool.backward(dout, pool), first)


def kaiming_initializer(Din, Dout, K=None, relu=True, device="cpu", dtype=FLOAT):
    """Normal weights of variance gain / fan-in, gain 2 before a relu and 1 otherwise: (Din, Dout) where K is None, else
    (Dout, Din, K, K). Error: DeviceError."""
    fan_in = Din if K is None else Din * K * K
    shape = (Din, Dout) if K is None else (Dout, Din, K, K)
    return normal(math.sqrt((2.0 if relu else 1.0) / fan_in), shape, dtype, device)


class ThreeLayerConvNet(Model):
    """conv - relu - 2x2 max-pool - linear - relu - linear - softmax; the convolution keeps the size of the image.

    input_dims (C, H, W); params: W1 (F, C, K, K), b1, W2, b2, W3, b3; weights are normal with deviation weight_scale,
    biases 0. The loss has reg, without 1/2, of the sum of squares of the weights."""

    def __init__(self, input_dims=(3, 32, 32), num_filters=32, filter_size=7, hidden_dim=100, num_classes=10,
                 weight_scale=1e-3, reg=0.0, dtype=FLOAT, device="cpu"):
        C, H, W = input_dims
        self.params, self.reg, self.dtype = {}, reg, dtype
        self._weights("W1", weight_scale, (num_filters, C, filter_size, filter_size), device)
        self._constant("b1", 0, num_filters, device)
        self._weights("W2", weight_scale, (num_filters * (H // 2) * (W // 2), hidden_dim), device)
        self._constant("b2", 0, hidden_dim, device)
        self._weights("W3", weight_scale, (hidden_dim, num_classes), device)
        self._constant("b3", 0, num_classes, device)

    @described(lambda self, X: _three_layer(self.params, X, 2 * self.reg, TIES_FIRST, self.dtype))
    def loss(self, X, y=None):
        """X (N, C, H, W), y (N) labels. Returns scores where y is None, else loss and grads."""
        return self._run(three_layer_conv, X, y, 2 * self.reg, TIES_FIRST)


class DeepConvNet(Model):
    """{conv 3x3 - [batchnorm] - relu - [2x2 max-pool]} x (L - 1) - linear - softmax.

    num_filters   of each of the L - 1 blocks
    max_pools     the blocks, counted from 0, that end with a pool
    batchnorm     in every block
    weight_scale  deviation of the weights, which are normal; or "kaiming"
    weight_initializer  a function such as kaiming_initializer, used in place of it; the same as "kaiming"
    reg           the loss has reg, without 1/2, of the sum of squares of the weights
    params: W1, b1, [gamma1, beta1], W2, ...; bn_params: a dictionary for each block, empty without batchnorm.
    Error: DeviceError."""

    SAVED = ("reg", "dtype", "params", "num_layers", "max_pools", "batchnorm", "bn_params")

    def __init__(self, input_dims=(3, 32, 32), num_filters=[8, 8, 8, 8, 8], max_pools=[0, 1, 2, 3, 4], batchnorm=False,
                 num_classes=10, weight_scale=1e-3, reg=0.0, weight_initializer=None, dtype=FLOAT, device="cpu"):
        if isinstance(weight_scale, str):
            if weight_scale != "kaiming":
                raise ValueError(f'weight_scale is {weight_scale!r}; a number or "kaiming" is needed')
            weight_initializer = kaiming_initializer
        self.params, self.reg, self.dtype = {}, reg, dtype
        self.num_layers = len(num_filters) + 1
        self.max_pools = list(max_pools)
        self.batchnorm = batchnorm
        channels, height, width = input_dims
        for i, filters in enumerate(num_filters, 1):
            self._layer(i, channels, filters, 3, weight_scale, weight_initializer, device)
            if batchnorm:
                self._constant(f"gamma{i}", 1, filters, device)
                self._constant(f"beta{i}", 0, filters, device)
            channels = filters
            if i - 1 in self.max_pools:
                height, width = height // 2, width // 2
        self._layer(self.num_layers, channels * height * width, num_classes, None, weight_scale, weight_initializer, device)
        self.bn_params = [{"mode": "train"} for _ in num_filters] if batchnorm else []

    def _layer(self, i, inputs, outputs, size, scale, initializer, device):
        shape = (inputs, outputs) if size is None else (outputs, inputs, size, size)
        if initializer:
            self.params[f"W{i}"] = initializer(inputs, outputs, K=size, relu=size is not None, device=device,
                                               dtype=self.dtype)
        else:
            self._weights(f"W{i}", scale, shape, device)
        self._constant(f"b{i}", 0, outputs, device)

    @described(lambda self, X: _deep(self.params, X, self.num_layers, 2 * self.reg, self.max_pools, self.bn_params,
                                     self.dtype))
    def loss(self, X, y=None):
        """X (N, C, H, W), y (N) labels. Returns scores, those of a trained network, where y is None; else loss and
        grads."""
        for bn_param in self.bn_params:
            bn_param["mode"] = "test" if y is None else "train"
        return self._run(deep_conv, X, y, self.num_layers, 2 * self.reg, self.max_pools, self.bn_params)


def find_overfit_parameters():
    """weight_scale and learning_rate with which 50 images are learnt by heart."""
    return 1e-1, 1e-3


def create_convolutional_solver_instance(data_dict, dtype, device):
    """A Solver for a DeepConvNet on CIFAR-10, for a minute or so."""
    model = DeepConvNet(input_dims=tuple(data_dict["X_train"].shape[1:]), num_filters=[32, 64, 128], max_pools=[0, 1, 2],
                        weight_scale="kaiming", batchnorm=True, reg=1e-4, dtype=dtype, device=device)
    return Solver(model, data_dict, update_rule=adam, optim_config={"learning_rate": 2e-3}, lr_decay=0.9, num_epochs=10,
                  batch_size=128, print_every=100, device=device)
