"""Both courses' modules with arguments that are wrong: an exception that names the argument, never a crash."""
import os
import threading

import numpy as np
import pytest

from lamina.cs231n import optim
from lamina.cs231n.classifiers.cnn import ThreeLayerConvNet
from lamina.cs231n.classifiers.fc_net import FullyConnectedNet
from lamina.cs231n.layer_utils import *  # noqa: F403
from lamina.cs231n.layers import *  # noqa: F403

X, W, B = np.ones((2, 3)), np.ones((3, 4)), np.ones(4)
IMAGES, FILTERS = np.ones((2, 3, 5, 5)), np.ones((4, 3, 3, 3))
CONV, POOL, BN = {"stride": 1, "pad": 1}, {"pool_height": 2, "pool_width": 2, "stride": 2}, {"mode": "train"}
DROP = {"mode": "train", "p": 0.5}


def without(dictionary, key):
    return {k: v for k, v in dictionary.items() if k != key}


OBJECTS = np.array([[object()] * 3] * 2)
MISTAKES = [  # function, arguments, exception, what the message has
    (affine_forward, (X, np.ones((5, 4)), B), ValueError, "affine: w must be"),
    (affine_forward, (X, np.ones(3), B), ValueError, "affine: w"),
    (affine_forward, (X, W, np.ones(5)), ValueError, "affine: b is 5"),
    (affine_forward, (OBJECTS, W, B), TypeError, "x has dtype object"),
    (affine_forward, (X.astype(complex), W, B), TypeError, "x has dtype complex"),
    (affine_forward, (np.ma.array(X), W, B), TypeError, "x is a masked array"),
    (affine_forward, ("words", W, B), TypeError, "x"),
    (affine_forward, (None, W, B), TypeError, "x"),
    (affine_forward, (np.ones((0, 3)), W, B), ValueError, "x is empty"),
    (affine_forward, (X, np.ones((3, 0)), np.ones(0)), ValueError, "w is empty"),
    (affine_forward, (np.ones(()), W, B), ValueError, "x"),
    (relu_forward, (np.ones((1,) * 9),), ValueError, "9 dimensions"),
    (relu_forward, (np.empty((0, 3)),), ValueError, "x is empty"),
    (batchnorm_forward, (IMAGES, B, B, BN), ValueError, "x has the shape"),
    (batchnorm_forward, (X, B, B, dict(BN)), ValueError, "gamma"),
    (batchnorm_forward, (X, np.ones(3), np.ones(3), {}), KeyError, "mode"),
    (batchnorm_forward, (X, np.ones(3), np.ones(3), {"mode": "both"}), ValueError, 'Invalid forward batchnorm mode "both"'),
    (batchnorm_forward, (X, np.ones(3), np.ones(3), {"mode": "train", "esp": 1}), ValueError, "bn_param has an unknown key: 'esp'"),
    (batchnorm_forward, (X, np.ones(3), np.ones(3), {"mode": "train", "eps": -1}), ValueError, "eps"),
    (batchnorm_forward, (X, np.ones(3), np.ones(3), {"mode": "train", "eps": "small"}), ValueError, "eps is 'small'"),
    (batchnorm_forward, (X, np.ones(3), np.ones(3), {"mode": "train", "running_mean": B}), ValueError, "running_mean"),
    (batchnorm_forward, (X, np.ones(3), np.ones(3), "train"), TypeError, "bn_param is a str"),
    (layernorm_forward, (X, np.ones(3), np.ones(3), {"epsilon": 1}), ValueError, "ln_param has an unknown key"),
    (layernorm_forward, (X, np.ones(3), np.ones(3), {"eps": [1]}), ValueError, "eps is \\[1\\]"),
    (dropout_forward, (X, without(DROP, "p")), KeyError, "p"),
    (dropout_forward, (X, {**DROP, "p": 0}), ValueError, "p is 0"),
    (dropout_forward, (X, {**DROP, "p": 1.5}), ValueError, "p is 1.5"),
    (dropout_forward, (X, {**DROP, "p": float("nan")}), ValueError, "p is nan"),
    (dropout_forward, (X, {**DROP, "p": None}), ValueError, "p is None"),
    (dropout_forward, (X, {**DROP, "seed": "one"}), ValueError, "seed is 'one'"),
    (dropout_forward, (X, {**DROP, "mode": "tran"}), ValueError, "mode"),
    (dropout_forward, (X, {**DROP, "sed": 1}), ValueError, "dropout_param has an unknown key: 'sed'"),
    (conv_forward_naive, (X, FILTERS, B, CONV), ValueError, "x"),
    (conv_forward_naive, (IMAGES, np.ones((4, 2, 3, 3)), B, CONV), ValueError, "w"),
    (conv_forward_naive, (IMAGES, FILTERS, np.ones(3), CONV), ValueError, "b"),
    (conv_forward_naive, (IMAGES, np.ones((4, 3, 9, 9)), B, CONV), ValueError, "conv"),
    (conv_forward_naive, (IMAGES, FILTERS, B, {"stride": 0, "pad": 1}), ValueError, "stride is 0"),
    (conv_forward_naive, (IMAGES, FILTERS, B, {"stride": -1, "pad": 1}), ValueError, "stride is -1"),
    (conv_forward_naive, (IMAGES, FILTERS, B, {"stride": 1, "pad": 0.5}), ValueError, "pad is 0.5"),
    (conv_forward_naive, (IMAGES, FILTERS, B, {"stride": [1, 1], "pad": 1}), ValueError, "stride is \\[1, 1\\]"),
    (conv_forward_naive, (IMAGES, FILTERS, B, {"stride": np.array(1), "pad": 1}), ValueError, "plain numbers"),
    (conv_forward_naive, (IMAGES, FILTERS, B, {"stride": 1}), KeyError, "pad"),
    (conv_relu_pool_forward, (IMAGES, FILTERS, B, {"stride": 0, "pad": 1}, POOL), ValueError, "stride is 0"),
    (conv_relu_pool_forward, (IMAGES, np.ones((3, 3)), B, CONV, POOL), ValueError, "w"),
    (conv_forward_naive, (IMAGES, FILTERS, B, {**CONV, "padding": 1}), ValueError, "conv_param has an unknown key: 'padding'"),
    (max_pool_forward_naive, (IMAGES, {**POOL, "pool_height": 0}), ValueError, "pool_height"),
    (max_pool_forward_naive, (IMAGES, {**POOL, "pool_height": 9}), ValueError, "maxpool"),
    (max_pool_forward_naive, (IMAGES, without(POOL, "stride")), KeyError, "stride"),
    (max_pool_forward_naive, (X, POOL), ValueError, "x"),
    (spatial_batchnorm_forward, (X, B, B, BN), ValueError, "x has the shape"),
    (spatial_groupnorm_forward, (IMAGES, np.ones(3), np.ones(3), 2, {}), ValueError, "group"),
    (spatial_groupnorm_forward, (IMAGES, np.ones(3), np.ones(3), 0, {}), ValueError, "group"),
    (spatial_groupnorm_forward, (IMAGES, np.ones(3), np.ones(3), "2", {}), ValueError, "G is '2'"),
    (softmax_loss, (X, np.array([0, 3])), ValueError, "label"),
    (softmax_loss, (X, np.array([0, -1])), ValueError, "label"),
    (softmax_loss, (X, np.array([0.0, 1.0])), TypeError, "y has dtype float64"),
    (softmax_loss, (X, np.array([0, 1, 2])), ValueError, "y"),
    (softmax_loss, (np.ones((0, 3)), np.ones(0, int)), ValueError, "x is empty"),
    (svm_loss, (OBJECTS, np.array([0, 1])), TypeError, "x has dtype object"),
    (optim.adam, (W, np.ones((2, 2))), ValueError, "dw has the shape"),
    (optim.adam, (W, W, {"learnig_rate": 1}), ValueError, "config has an unknown key: 'learnig_rate'"),
    (optim.adam, (W, W, {"learning_rate": "fast"}), ValueError, "config\\['learning_rate'\\] is 'fast'"),
    (optim.adam, (W, W, {"beta1": 1.0}), ValueError, "beta1"),
    (optim.adam, (W, W, {"m": np.ones(3)}), ValueError, "config\\['m'\\] has the shape"),
    (optim.adam, (W, W, {"t": -1}), ValueError, "config\\['t'\\] is -1"),
    (optim.adam, (W, W, {"t": 2.5}), ValueError, "config\\['t'\\] is 2.5"),
    (optim.sgd, (np.array([1, 2]), np.ones(2)), TypeError, "w has dtype int64"),
    (optim.sgd_momentum, (W, W, {"learning_rate": float("nan")}), ValueError, "learning rate"),
    (FullyConnectedNet, ([3], 4, 2, 0.5, "batch"), ValueError, "normalization is 'batch'"),
    (FullyConnectedNet, ([3], 4, 2, 1.5), ValueError, "p is 1.5"),
    (FullyConnectedNet([3], 4, 2).loss, (X,), ValueError, "w must be"),
    (FullyConnectedNet([3], 3, 2).loss, (OBJECTS,), TypeError, "X has dtype object"),
    (ThreeLayerConvNet((3, 5, 5), 2, 3).loss, (IMAGES, np.array([0, 10])), ValueError, "label"),
]


@pytest.mark.parametrize("function, arguments, error, message", MISTAKES, ids=[f"{f.__name__}-{i}" for i, (f, *_) in enumerate(MISTAKES)])
def test_a_wrong_argument_is_named(function, arguments, error, message):
    with pytest.raises(error, match=message):
        function(*arguments)
    if function is not FullyConnectedNet:  # and nothing is spoiled for the next call
        assert np.array_equal(affine_forward(X, W, B)[0], X @ W + B)


BACKWARD_MISTAKES = [
    (affine_backward, affine_forward, (X, W, B), np.ones((2, 5)), "dout is"),
    (affine_backward, affine_forward, (X, W, B), np.ones((4, 2)), "dout is"),
    (affine_backward, affine_forward, (X, W, B), OBJECTS, "dout has dtype object"),
    (relu_backward, relu_forward, (X,), np.ones((3, 2)), "dout is"),
    (conv_backward_naive, conv_forward_naive, (IMAGES, FILTERS, B, CONV), np.ones((2, 4, 4, 4)), "dout is"),
    (batchnorm_backward, batchnorm_forward, (X, np.ones(3), np.ones(3), BN), None, "dout"),
]


@pytest.mark.parametrize("backward, forward, arguments, dout, message", BACKWARD_MISTAKES)
def test_a_wrong_gradient_is_named(backward, forward, arguments, dout, message):
    with pytest.raises((TypeError, ValueError), match=message):
        backward(dout, forward(*arguments)[1])


def test_arrays_that_cannot_be_written_to():
    w = W.copy()
    w.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        optim.sgd(w, W)


def test_pairs_of_sizes_are_the_same_for_layers_put_together():
    param = {"stride": (1, 2), "pad": (1, 0)}
    x, w = np.random.default_rng(0).normal(size=(2, 3, 6, 7)), np.random.default_rng(1).normal(size=(4, 3, 3, 3))
    one_by_one = max_pool_forward_naive(relu_forward(conv_forward_naive(x, w, B, param)[0])[0], POOL)[0]
    assert np.array_equal(conv_relu_pool_forward(x, w, B, param, POOL)[0], one_by_one)


def test_infinities_and_nan_go_through():
    x = np.array([[np.inf, np.nan, -1.0]])
    assert np.array_equal(relu_forward(x)[0][0, [0, 2]], [np.inf, 0])
    assert np.isnan(affine_forward(x, np.ones((3, 2)), np.zeros(2))[0]).all()


# ---- threads and processes ------------------------------------------------------------------------------------------------


def test_threads_do_not_disturb_each_other():
    failures = []

    def work(seed):
        rng = np.random.default_rng(seed)
        for _ in range(200):
            x, w, b = rng.normal(size=(5, 6)), rng.normal(size=(6, 7)), rng.normal(size=7)
            out, cache = affine_forward(x, w, b)
            dx, dw, db = affine_backward(out, cache)
            if not (np.allclose(out, x @ w + b) and np.allclose(dx, out @ w.T) and np.allclose(dw, x.T @ out)):
                failures.append(seed)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert not failures


def test_threads_may_share_a_cache():
    rng, failures = np.random.default_rng(0), []
    out, cache = conv_forward_naive(rng.normal(size=(4, 8, 16, 16)), rng.normal(size=(8, 8, 3, 3)), np.zeros(8), CONV)
    expected = conv_backward_naive(out, cache)

    def work():
        for _ in range(60):
            if not all(map(np.array_equal, conv_backward_naive(out, cache), expected)):
                failures.append("wrong")

    threads = [threading.Thread(target=work) for _ in range(4)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert not failures


def test_a_child_after_fork_computes():
    expected = affine_forward(X, W, B)[0]
    child = os.fork()
    if not child:
        os._exit(0 if np.array_equal(affine_forward(X, W, B)[0], expected) else 1)
    assert os.waitpid(child, 0)[1] == 0
