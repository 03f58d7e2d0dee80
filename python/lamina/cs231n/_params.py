"""The course's dictionaries: bn_param, ln_param, gn_param, dropout_param, conv_param, pool_param, config."""
from operator import index

import numpy as np

from .. import cs231n
from .._binding import MODE_TEST, MODE_TRAIN
from .._layers import _real
from ..errors import ArgumentError

NORM = frozenset(("mode", "eps", "momentum", "running_mean", "running_var"))
DROPOUT = frozenset(("mode", "p", "seed"))
CONV = frozenset(("stride", "pad"))
POOL = frozenset(("pool_height", "pool_width", "stride"))


def check(param, known, name):
    """Refuse keys that no function of the course has: they would be misspelt ones. Error: ValueError."""
    try:
        if param.keys() <= known:
            return
    except AttributeError:
        raise TypeError(f"{name} is a {type(param).__name__}; a dictionary is needed") from None
    strange = ", ".join(repr(k) for k in param if k not in known)
    raise ValueError(f"{name} has an unknown key: {strange}; known are {', '.join(sorted(known))}")


def norm_mark(bn_param):
    """(mode, eps, momentum) of a bn_param."""
    check(bn_param, NORM, "bn_param")
    mode, get = bn_param["mode"], bn_param.get
    if mode == "train":
        mode = MODE_TRAIN
    elif mode == "test":
        mode = MODE_TEST
    else:
        raise ValueError('Invalid forward batchnorm mode "%s"' % mode)
    return mode, get("eps", 1e-5), get("momentum", 0.9)


def conv_mark(conv_param):
    check(conv_param, CONV, "conv_param")
    return conv_param["stride"], conv_param["pad"]


def drop_rate(p, meaning=None):
    """The probability of dropping that p stands for. meaning: "keep" or "drop"; None: cs231n.dropout_p."""
    meaning = meaning or cs231n.dropout_p
    p = _real(p, "p")
    if meaning not in ("keep", "drop"):
        raise ValueError(f'lamina.cs231n.dropout_p is {meaning!r}; "keep" or "drop" is needed')
    if meaning == "keep":
        if not 0 < p <= 1:
            raise ValueError(f"p is {p}; the probability of keeping is above 0 and at most 1")
        return 1 - p
    if not 0 <= p < 1:
        raise ValueError(f"p is {p}; the probability of dropping is at least 0 and below 1")
    return p


def seed_of(dropout_param):
    """The seed that is given, or one drawn from NumPy's generator."""
    seed = dropout_param.get("seed")
    return int(np.random.randint(1 << 62)) if seed is None else whole_seed(seed)


def whole_seed(seed):
    """A seed as the library takes it: a whole number modulo 2^64. Error: ArgumentError."""
    try:
        return index(seed) & ((1 << 64) - 1)
    except TypeError:
        raise ArgumentError(f"seed is {seed!r}; a whole number is needed") from None
