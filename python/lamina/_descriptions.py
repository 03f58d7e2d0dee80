"""The courses' networks in the library's notation: what _networks.py computes layer by layer, as one network."""
from typing import NamedTuple

from ._binding import TIES_SPLIT


class Description(NamedTuple):
    """A model as a network of the library.

    notation
    input    shape of a sample
    names    the parameters: the model's names to the network's
    norms    the network's names of batch norms, one for each of the model's bn_params; () without batch norm
    l2       the loss has l2 / 2 of the sum of squares of the weights
    dtype    the type that the model casts samples to; None: it computes with theirs"""

    notation: str
    input: tuple
    names: dict
    norms: tuple
    l2: float
    dtype: object


_describe = {}


def described(describe):
    """Decorator of a model's loss: describe(model, X) is the Description of what loss computes for samples X (N, ...), or
    None. A subclass with a loss of its own has none."""
    def mark(loss):
        _describe[loss] = describe
        return loss
    return mark


def description_of(model, X):
    """The Description of a model whose loss is ours; None for others."""
    describe = _describe.get(getattr(type(model), "loss", None))
    if describe is None or "loss" in vars(model):
        return None
    try:
        return describe(model, X)
    except (AttributeError, IndexError, KeyError, TypeError):  # params that the model was not made with
        return None


class _Words:
    """The notation as it grows, with the names of the parameters."""

    def __init__(self):
        self.words, self.names, self.norms, self.counts = [], {}, [], {}

    def add(self, word, size="", params=()):
        """A layer; params: the model's names of its parameters, and the layer's."""
        self.words.append(f"{word} {size}".rstrip())
        number = self.counts[word] = self.counts.get(word, 0) + 1
        self.names.update((ours, f"{word}{number}.{name}") for ours, name in params)
        return f"{word}{number}"

    def weights(self, word, size, i):
        self.add(word, size, ((f"W{i}", "weight"), (f"b{i}", "bias")))

    def norm(self, word, i, bn_param):
        """bn_param: the dictionary with the numbers of a batch or layer norm."""
        numbers = f"eps {float(bn_param.get('eps', 1e-5))!r}"
        if word == "batchnorm":
            numbers += f" momentum {float(bn_param.get('momentum', 0.9))!r}"
        name = self.add(word, numbers, ((f"gamma{i}", "gamma"), (f"beta{i}", "beta")))
        if word == "batchnorm":
            self.norms.append(name)

    def description(self, shape, l2, dtype):
        return Description(" - ".join(self.words + ["softmax"]), shape, self.names, tuple(self.norms), float(l2), dtype)


def fully_connected(params, layers, reg, dtype=None, normalization=None, bn_params=()):
    """As _networks.fully_connected, without dropout."""
    net = _Words()
    for i in range(1, layers):
        net.weights("affine", params[f"W{i}"].shape[1], i)
        if normalization:
            net.norm(normalization, i, bn_params[i - 1])
        net.add("relu")
    net.weights("affine", params[f"W{layers}"].shape[1], layers)
    return net.description((params["W1"].shape[0],), reg, dtype)


def _kernel(w, pad):
    """What the notation says of a convolution of stride 1 with filters w (F, C, H, W)."""
    return f"{w.shape[0]} {w.shape[2]}x{w.shape[3]} pad {pad}"


def three_layer_conv(params, X, reg, ties, dtype=None):
    """As _networks.three_layer_conv."""
    net = _Words()
    net.weights("conv", _kernel(params["W1"], (params["W1"].shape[2] - 1) // 2), 1)
    net.add("relu")
    net.add("maxpool", "2x2" + (" ties split" if ties == TIES_SPLIT else ""))
    net.weights("affine", params["W2"].shape[1], 2)
    net.add("relu")
    net.weights("affine", params["W3"].shape[1], 3)
    return net.description(tuple(X.shape[1:]), reg, dtype)


def deep_conv(params, X, layers, reg, max_pools, bn_params, dtype):
    """As _networks.deep_conv."""
    net = _Words()
    for i in range(1, layers):
        net.weights("conv", _kernel(params[f"W{i}"], 1), i)
        if bn_params:
            net.norm("batchnorm", i, bn_params[i - 1])
        net.add("relu")
        if i - 1 in max_pools:
            net.add("maxpool", "2x2")
    net.weights("affine", params[f"W{layers}"].shape[1], layers)
    return net.description(tuple(X.shape[1:]), reg, dtype)
