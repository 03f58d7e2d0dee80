"""Calls of the courses' functions leave nothing behind: no object of Python, no reference to an argument, no memory of the
library. The tables have all of them. With LAMINA_LONG in the environment 100,000 calls of each, else 1,000."""
import gc
import inspect
import os
import sys

import numpy as np
import pytest

from lamina import _layers, eecs498
from lamina.cs231n import fast_layers, layer_utils, layers, optim
from lamina.cs231n.classifiers.cnn import ThreeLayerConvNet
from lamina.cs231n.classifiers.fc_net import FullyConnectedNet, TwoLayerNet

try:
    import torch
except ImportError:
    torch = None

CALLS = 100_000 if os.environ.get("LAMINA_LONG") else 1_000
MOST_BLOCKS = 500  # of Python's allocator: what caches and the interpreter keep for themselves
MOST_BYTES = 4 << 20

ROWS, WEIGHTS, BIAS = np.ones((2, 3)), np.ones((3, 4)), np.ones(4)
IMAGES, FILTERS = np.arange(96.0).reshape(2, 3, 4, 4), np.ones((4, 3, 3, 3))
LABELS, C3, C4 = np.array([0, 2]), np.ones(3), np.ones(4)
CONV, POOL = {"stride": 1, "pad": 1}, {"pool_height": 2, "pool_width": 2, "stride": 2}
TRAIN, DROP = {"mode": "train"}, {"mode": "train", "p": 0.5, "seed": 1}

AFFINE, CONVOLUTION = (ROWS, WEIGHTS, BIAS), (IMAGES, FILTERS, BIAS, CONV)
FORWARD = {  # arguments of what has a backward function
    "affine_forward": AFFINE,
    "relu_forward": (ROWS,),
    "batchnorm_forward": (ROWS, C3, C3, TRAIN),
    "layernorm_forward": (ROWS, C3, C3, {}),
    "dropout_forward": (ROWS, DROP),
    "conv_forward_naive": CONVOLUTION,
    "conv_forward_im2col": CONVOLUTION,
    "conv_forward_strides": CONVOLUTION,
    "conv_forward_fast": CONVOLUTION,
    "max_pool_forward_naive": (IMAGES, POOL),
    "max_pool_forward_fast": (IMAGES, POOL),
    "max_pool_forward_reshape": (IMAGES, POOL),
    "max_pool_forward_im2col": (IMAGES, POOL),
    "spatial_batchnorm_forward": (IMAGES, C3, C3, TRAIN),
    "spatial_groupnorm_forward": (IMAGES, C3, C3, 3, {}),
    "affine_relu_forward": AFFINE,
    "affine_bn_relu_forward": (*AFFINE, C4, C4, TRAIN),
    "conv_relu_forward": CONVOLUTION,
    "conv_bn_relu_forward": (IMAGES, FILTERS, BIAS, C4, C4, CONV, TRAIN),
    "conv_relu_pool_forward": (*CONVOLUTION, POOL),
}
OTHERS = {
    "svm_loss": (ROWS, LABELS),
    "softmax_loss": (ROWS, LABELS),
    "get_im2col_indices": (IMAGES.shape, 3, 3),
    "im2col_indices": (IMAGES, 3, 3),
    "col2im_indices": (np.ones((27, 32)), IMAGES.shape, 3, 3),
}
RULES = ("sgd", "sgd_momentum", "rmsprop", "adam")
CLASSES = {  # of eecs498, with forward and backward
    "Linear": AFFINE,
    "ReLU": (ROWS,),
    "Linear_ReLU": AFFINE,
    "Dropout": (ROWS, DROP),
    "Conv": CONVOLUTION,
    "FastConv": CONVOLUTION,
    "MaxPool": (IMAGES, POOL),
    "FastMaxPool": (IMAGES, POOL),
    "BatchNorm": (ROWS, C3, C3, TRAIN),
    "SpatialBatchNorm": (IMAGES, C3, C3, TRAIN),
    "Conv_ReLU": CONVOLUTION,
    "Conv_ReLU_Pool": (*CONVOLUTION, POOL),
    "Linear_BatchNorm_ReLU": (*AFFINE, C4, C4, TRAIN),
    "Conv_BatchNorm_ReLU": (IMAGES, FILTERS, BIAS, C4, C4, CONV, TRAIN),
    "Conv_BatchNorm_ReLU_Pool": (IMAGES, FILTERS, BIAS, C4, C4, CONV, TRAIN, POOL),
}


def functions(module):
    """Names of the course's functions in a module."""
    return {name for name, value in vars(module).items()
            if inspect.isfunction(value) and value.__module__.startswith("lamina.cs231n.") and not name.startswith("_")}


def backward_of(name):
    """The backward functions of a forward function."""
    name = name.replace("forward", "backward")
    return [name, name + "_alt"] if name == "batchnorm_backward" else [name]


def test_the_tables_have_every_function():
    tabled = {*FORWARD, *OTHERS, *(name for forward in FORWARD for name in backward_of(forward))}
    for module in (layers, fast_layers, layer_utils):
        assert functions(module) <= tabled
    assert functions(layer_utils) == tabled
    assert functions(optim) == set(RULES)
    assert {name for name, value in vars(eecs498).items() if hasattr(value, "forward")} == set(CLASSES)


def resident():
    """Bytes of this process in memory; 0 where the system does not say."""
    try:
        with open("/proc/self/statm") as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def leaves_nothing(call, arrays):
    for _ in range(CALLS // 10):  # what is made once
        call()
    gc.collect()
    references, blocks, size = [sys.getrefcount(a) for a in arrays], sys.getallocatedblocks(), resident()
    for _ in range(CALLS):
        call()
    assert [sys.getrefcount(a) for a in arrays] == references  # before the collector comes
    gc.collect()
    assert sys.getallocatedblocks() - blocks < MOST_BLOCKS
    assert resident() - size < MOST_BYTES


def fresh(arguments):
    """The same arguments with dictionaries that other tests have not filled."""
    return [dict(a) if isinstance(a, dict) else a for a in arguments]


def arrays_in(arguments):
    return [a for a in arguments if isinstance(a, np.ndarray) or (torch and isinstance(a, torch.Tensor))]


@pytest.mark.parametrize("name", FORWARD)
def test_a_layer(name):
    arguments, forward = fresh(FORWARD[name]), getattr(layer_utils, name)
    backwards = [getattr(layer_utils, b) for b in backward_of(name)]
    dout = np.ones_like(forward(*arguments)[0])

    def call():
        cache = forward(*arguments)[1]
        for backward in backwards:
            backward(dout, cache)

    leaves_nothing(call, [dout, *arrays_in(arguments)])


@pytest.mark.parametrize("name", OTHERS)
def test_another_function(name):
    function, arguments = getattr(layer_utils, name), OTHERS[name]
    leaves_nothing(lambda: function(*arguments), arrays_in(arguments))


@pytest.mark.parametrize("module", [optim, eecs498], ids=["cs231n", "eecs498"])
@pytest.mark.parametrize("name", RULES)
def test_an_update_rule(module, name):
    w, dw, rule, config = WEIGHTS.copy(), np.ones_like(WEIGHTS), getattr(module, name), {}
    leaves_nothing(lambda: (rule(w, dw), rule(w, dw, config)), [w, dw])


@pytest.mark.parametrize("kind", ["numpy", pytest.param("torch", marks=pytest.mark.skipif(not torch, reason="no PyTorch"))])
@pytest.mark.parametrize("name", CLASSES)
def test_a_class_of_eecs498(name, kind):
    convert = torch.from_numpy if kind == "torch" else lambda a: a
    arguments = [convert(a) if isinstance(a, np.ndarray) else a for a in fresh(CLASSES[name])]
    layer = getattr(eecs498, name)
    dout = convert(np.ones(tuple(layer.forward(*arguments)[0].shape)))
    leaves_nothing(lambda: layer.backward(dout, layer.forward(*arguments)[1]), [dout, *arrays_in(arguments)])


MODELS = {
    "cs231n-two_layers": (lambda: TwoLayerNet(3, 4, 3), ROWS),
    "cs231n-batchnorm": (lambda: FullyConnectedNet([4, 4], 3, 3, 0.5, "batchnorm", reg=0.1, dtype=np.float64), ROWS),
    "cs231n-layernorm": (lambda: FullyConnectedNet([4, 4], 3, 3, normalization="layernorm", dtype=np.float64), ROWS),
    "cs231n-images": (lambda: ThreeLayerConvNet((3, 4, 4), 2, 3, 4, 3, dtype=np.float64), IMAGES),
    "eecs498-two_layers": (lambda: eecs498.TwoLayerNet(3, 4, 3, dtype=np.float64), ROWS),
    "eecs498-dropout": (lambda: eecs498.FullyConnectedNet([4, 4], 3, 3, 0.5, 0.1, dtype=np.float64), ROWS),
    "eecs498-images": (lambda: eecs498.ThreeLayerConvNet((3, 4, 4), 2, 3, 4, 3, dtype=np.float64), IMAGES),
    "eecs498-deep": (lambda: eecs498.DeepConvNet((3, 4, 4), [2, 2], [0], True, 3, dtype=np.float64), IMAGES),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_model(name):
    make, x = MODELS[name]
    model = make()
    leaves_nothing(lambda: (model.loss(x), model.loss(x, LABELS)), [x, LABELS, *model.params.values()])


def test_an_error():
    def call():
        with pytest.raises(ValueError):
            layers.affine_forward(ROWS, FILTERS, BIAS)
        with pytest.raises((TypeError, ValueError)):
            layers.relu_backward(ROWS, None)

    leaves_nothing(call, [ROWS, FILTERS, BIAS])


# ---- frames of the library that wait for the next pass


def many_shapes():
    for n in range(1, 300):
        cache = layer_utils.affine_relu_forward(np.ones((n, 3)), WEIGHTS, BIAS)[1]
        layer_utils.affine_relu_backward(np.ones((n, 4)), cache)


def large_images():
    for n in (64, 128):
        x = np.ones((n, 8, 32, 32))
        out, cache = layers.conv_forward_naive(x, np.ones((8, 8, 3, 3)), np.ones(8), CONV)
        layers.conv_backward_naive(out, cache)


@pytest.mark.parametrize("calls", [many_shapes, large_images])
def test_passes_of_many_kinds(calls):
    for _ in range(2):
        calls()
    size = resident()
    for _ in range(5):
        calls()
    assert resident() - size < MOST_BYTES


def test_waiting_frames_have_a_limit():
    many_shapes()
    assert len(_layers._waiting) <= _layers.MOST_KEYS
    caches = [layers.affine_forward(*AFFINE)[1] for _ in range(3 * _layers.MOST_FRAMES)]
    del caches
    assert max(map(len, _layers._waiting.values())) <= _layers.MOST_FRAMES
    for n in range(20):
        layers.conv_forward_naive(np.ones((8 + n, 8, 64, 64)), np.ones((8, 8, 3, 3)), np.ones(8), CONV)
    held = sum(f.bytes for frames in list(_layers._waiting.values()) for f in frames if f.bytes > _layers.LARGE)
    assert held == _layers._large_bytes <= _layers.MOST_BYTES
