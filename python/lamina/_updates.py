"""Update rules on NumPy arrays: what the courses' optim functions have in common. `config` is the course's dictionary of
one parameter: hyperparameters, and the state that a rule keeps between steps."""
from ctypes import byref, c_uint64
from operator import index
from typing import NamedTuple

import numpy as np

from ._arrays import as_array, out_tensor, tensor
from ._binding import call, lib
from ._layers import real_type
from .errors import ArgumentError, DtypeError, ShapeError


class Rule(NamedTuple):
    """An update rule: defaults of its hyperparameters, names of the state it keeps, and what both are in the library:
    option optim, and an option for each hyperparameter but learning_rate."""

    defaults: dict
    states: tuple
    optim: str
    options: dict


RULES = {
    "sgd": Rule({"learning_rate": 1e-2}, (), "sgd", {}),
    "sgd_momentum": Rule({"learning_rate": 1e-2, "momentum": 0.9}, ("velocity",), "momentum", {"momentum": "momentum"}),
    "rmsprop": Rule({"learning_rate": 1e-2, "decay_rate": 0.99, "epsilon": 1e-8}, ("cache",), "rmsprop",
                    {"decay_rate": "decay", "epsilon": "eps"}),
    "adam": Rule({"learning_rate": 1e-3, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "t": 0}, ("m", "v"), "adam",
                 {"beta1": "beta1", "beta2": "beta2", "epsilon": "eps"}),
}
KEYS = frozenset(key for rule in RULES.values() for key in (*rule.defaults, *rule.states))


def complete(config, rule):
    """Put the defaults of a Rule where config has none."""
    for key, value in rule.defaults.items():
        config.setdefault(key, value)


def number(config, key):
    """Error: ArgumentError."""
    try:
        return float(config[key])
    except (TypeError, ValueError):
        raise ArgumentError(f"config[{key!r}] is {config[key]!r}; a number is needed") from None


def _steps(t):
    try:
        steps = index(t)
    except TypeError:
        steps = -1
    if not 0 <= steps < 1 << 63:
        raise ArgumentError(f"config['t'] is {t!r}; a number of steps is needed")
    return steps


def _prepared(w, dw, config, states, in_place):
    """w, dw and the states as arrays of one type that the rule may write to: copies, unless in_place. States that are
    missing begin at 0."""
    if not in_place:
        w, dw = as_array(w, "w"), as_array(dw, "dw")
        dtype = real_type(w, dw)
        w, dw = w.astype(dtype), dw.astype(dtype, copy=False)
    if dw.shape != w.shape:
        raise ShapeError(f"dw has the shape {dw.shape}; that of w is {w.shape}")
    arrays = []
    for name in states:
        state = config.get(name)
        if state is None:
            state = np.zeros(w.shape, w.dtype)
        elif not in_place:
            state = as_array(state, f"config[{name!r}]").astype(w.dtype)
        if state.shape != w.shape:
            raise ShapeError(f"config[{name!r}] has the shape {state.shape}; that of w is {w.shape}")
        arrays.append(state)
    return w, dw, arrays


def _written(w, states):
    return (out_tensor(w, "w"), *[out_tensor(s, "state") for s in states])


def sgd(w, dw, config, in_place):
    """w - learning_rate dw. config: learning_rate 1e-2."""
    complete(config, RULES["sgd"])
    if not in_place and as_array(w, "w").dtype.kind != "f":  # the course's sgd writes to w, where the step would be lost
        raise DtypeError(f"w has dtype {w.dtype}; sgd changes it in place and needs float32 or float64")
    w, dw, _ = _prepared(w, dw, config, (), in_place)
    if w.size:
        call(lib.lam_sgd, out_tensor(w, "w"), tensor(dw, "dw"), number(config, "learning_rate"))
    return w


def sgd_momentum(w, dw, config, in_place):
    """v = momentum v - learning_rate dw; w + v. config: learning_rate 1e-2, momentum 0.9, velocity."""
    complete(config, RULES["sgd_momentum"])
    w, dw, (velocity,) = _prepared(w, dw, config, ("velocity",), in_place)
    if w.size:
        to, state = _written(w, (velocity,))
        call(lib.lam_momentum, to, tensor(dw, "dw"), state, number(config, "learning_rate"), number(config, "momentum"))
    config["velocity"] = velocity
    return w


def rmsprop(w, dw, config, in_place):
    """Steps divided by the root of the mean square of gradients. config: learning_rate 1e-2, decay_rate 0.99,
    epsilon 1e-8, cache."""
    complete(config, RULES["rmsprop"])
    w, dw, (cache,) = _prepared(w, dw, config, ("cache",), in_place)
    if w.size:
        to, state = _written(w, (cache,))
        call(lib.lam_rmsprop, to, tensor(dw, "dw"), state, number(config, "learning_rate"),
             number(config, "decay_rate"), number(config, "epsilon"))
    config["cache"] = cache
    return w


def adam(w, dw, config, in_place):
    """Adam with the correction of its bias; t counts before it is used. config: learning_rate 1e-3, beta1 0.9,
    beta2 0.999, epsilon 1e-8, m, v, t."""
    complete(config, RULES["adam"])
    w, dw, (m, v) = _prepared(w, dw, config, ("m", "v"), in_place)
    t = c_uint64(_steps(config["t"]))
    if w.size:
        to, first, second = _written(w, (m, v))
        call(lib.lam_adam, to, tensor(dw, "dw"), first, second, byref(t), number(config, "learning_rate"),
             number(config, "beta1"), number(config, "beta2"), number(config, "epsilon"))
    config["m"], config["v"], config["t"] = m, v, t.value
    return w
