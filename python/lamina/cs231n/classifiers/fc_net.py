"""Fully connected networks of any depth."""
import numpy as np

from ..._arrays import as_array
from ..._descriptions import described as _described, fully_connected as _description
from ..._networks import fully_connected as _fully_connected
from .. import _params
from ..layer_utils import *  # noqa: F403  the notebooks take the layers from here
from ..layers import *  # noqa: F403


def _normal(scale, *shape):
    return scale * np.random.randn(*shape)


class TwoLayerNet(object):
    """affine - relu - affine - softmax. params: W1 (D, H), b1, W2 (H, C), b2, float64; weights are normal with deviation
    weight_scale, biases 0. The loss has reg / 2 of the sum of squares of the weights."""

    def __init__(self, input_dim=3 * 32 * 32, hidden_dim=100, num_classes=10, weight_scale=1e-3, reg=0.0):
        self.reg = reg
        self.params = {"W1": _normal(weight_scale, input_dim, hidden_dim), "b1": np.zeros(hidden_dim),
                       "W2": _normal(weight_scale, hidden_dim, num_classes), "b2": np.zeros(num_classes)}

    @_described(lambda self, X: _description(self.params, 2, self.reg))
    def loss(self, X, y=None):
        """X (N, d1, ..., dk), y (N) labels. Returns scores (N, C) where y is None, else loss and grads."""
        return _fully_connected(self.params, X, y, 2, self.reg)


class FullyConnectedNet(object):
    """{affine - [batchnorm or layernorm] - relu - [dropout]} x (L - 1) - affine - softmax.

    hidden_dims         sizes of the L - 1 hidden layers
    dropout             0 and 1: none. Else the probability of keeping, of dropping where use_batchnorm is given (code
                        of before 2018) or lamina.cs231n.dropout_p is "drop"
    dropout_keep_ratio  the probability of keeping, in the course's words of 2021 and later; 1: none
    normalization       None, "batchnorm" or "layernorm"
    use_batchnorm       True for "batchnorm", in the words of before 2018
    reg                 the loss has reg / 2 of the sum of squares of the weights
    weight_scale        deviation of the weights, which are normal
    dtype               of all parameters, and of what is computed
    seed                of dropout: the same masks in each call of loss

    params: W1, b1, [gamma1, beta1], W2, ...; bn_params: a dictionary for each normalisation. Error: ValueError."""

    def __init__(self, hidden_dims, input_dim=3 * 32 * 32, num_classes=10, dropout=None, normalization=None, reg=0.0,
                 weight_scale=1e-2, dtype=np.float32, seed=None, *, use_batchnorm=None, dropout_keep_ratio=None):
        if isinstance(normalization, bool):  # given by place, in code of before 2018
            normalization, use_batchnorm = None, normalization
        if use_batchnorm:
            normalization = "batchnorm"
        if normalization not in (None, "batchnorm", "layernorm"):
            raise ValueError(f'normalization is {normalization!r}; None, "batchnorm" or "layernorm" is needed')
        p, meaning = dropout, "drop" if use_batchnorm is not None else None
        if dropout_keep_ratio is not None:
            p, meaning = dropout_keep_ratio, "keep"
        self.use_dropout = p is not None and p != 0 and p != 1
        self.normalization = normalization
        self.reg = reg
        self.num_layers = 1 + len(hidden_dims)
        self.dtype = dtype
        self.params = {}
        sizes = [input_dim, *hidden_dims, num_classes]
        for i, (d, m) in enumerate(zip(sizes, sizes[1:]), 1):
            self.params[f"W{i}"] = _normal(weight_scale, d, m).astype(dtype)
            self.params[f"b{i}"] = np.zeros(m, dtype)
            if normalization and i < self.num_layers:
                self.params[f"gamma{i}"] = np.ones(m, dtype)
                self.params[f"beta{i}"] = np.zeros(m, dtype)
        self.drop_rate = _params.drop_rate(p, meaning) if self.use_dropout else 0.0
        self.dropout_param = {}
        if self.use_dropout:
            self.dropout_param = {"mode": "train", "p": p}
            if seed is not None:
                self.dropout_param["seed"] = seed
        norm = {"mode": "train"} if normalization == "batchnorm" else {}
        self.bn_params = [dict(norm) for _ in hidden_dims] if normalization else []

    def _as_network(self, X):
        """Masks of dropout are those of layers by themselves, whose seeds are drawn for each."""
        return None if self.use_dropout else _description(self.params, self.num_layers, self.reg, self.dtype,
                                                          self.normalization, self.bn_params)

    @_described(_as_network)
    def loss(self, X, y=None):
        """X (N, d1, ..., dk), y (N) labels. Returns scores (N, C), those of a trained network, where y is None; else loss
        and grads."""
        mode = "test" if y is None else "train"
        if self.use_dropout:
            self.dropout_param["mode"] = mode
        if self.normalization == "batchnorm":
            for bn_param in self.bn_params:
                bn_param["mode"] = mode
        drop = self.use_dropout and mode == "train"
        seeds = [_params.seed_of(self.dropout_param) for _ in range(self.num_layers - 1)] if drop else ()
        X = as_array(X, "X").astype(self.dtype, copy=False)
        return _fully_connected(self.params, X, y, self.num_layers, self.reg, self.normalization, self.bn_params,
                                self.drop_rate, seeds)
