"""The course's update rules: rule(w, dw, config=None) returns (next_w, config). A missing key of config has the course's
default; the state of a rule is kept there. sgd changes w in place, as the course's does; the others return a new array."""
from .. import _updates
from ._params import check as _check


def _apply(rule, w, dw, config):
    config = {} if config is None else config
    _check(config, _updates.KEYS, "config")
    return rule(w, dw, config, False), config


def sgd(w, dw, config=None):
    """Stochastic gradient descent. config: learning_rate 1e-2."""
    next_w, config = _apply(_updates.sgd, w, dw, config)
    w[...] = next_w
    return w, config


def sgd_momentum(w, dw, config=None):
    """With momentum. config: learning_rate 1e-2, momentum 0.9, velocity."""
    return _apply(_updates.sgd_momentum, w, dw, config)


def rmsprop(w, dw, config=None):
    """RMSprop. config: learning_rate 1e-2, decay_rate 0.99, epsilon 1e-8, cache."""
    return _apply(_updates.rmsprop, w, dw, config)


def adam(w, dw, config=None):
    """Adam. config: learning_rate 1e-3, beta1 0.9, beta2 0.999, epsilon 1e-8, m, v, t."""
    return _apply(_updates.adam, w, dw, config)


_OURS = (sgd, sgd_momentum, rmsprop, adam)


def _update_in_place(rule, w, dw, config):
    """The next w, which is w, where rule is one of the above. w, dw and the state in config are arrays of one type that
    nobody else has. None for another rule."""
    return getattr(_updates, rule.__name__)(w, dw, config, True) if rule in _OURS else None
