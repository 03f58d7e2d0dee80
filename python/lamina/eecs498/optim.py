"""The update rules: rule(w, dw, config=None). A missing key of config has the course's default; the state of a rule is kept
there. sgd changes w in place; the others return a new tensor."""
from .. import _updates
from ..cs231n import _params
from ._tensors import array, like


def _apply(rule, w, dw, config):
    config = {} if config is None else config
    _params.check(config, _updates.KEYS, "config")
    plain = {key: array(value, f"config[{key!r}]") for key, value in config.items()}
    next_w = rule(array(w, "w"), array(dw, "dw"), plain, False)
    config.update((key, like(w, value) if hasattr(value, "shape") and value.shape else value)
                  for key, value in plain.items())
    return like(w, next_w), config


def sgd(w, dw, config=None):
    """Stochastic gradient descent; w is changed in place. config: learning_rate 1e-2. Returns (w, config)."""
    next_w, config = _apply(_updates.sgd, w, dw, config)
    w[...] = next_w
    return w, config


def sgd_momentum(w, dw, config=None):
    """With momentum. config: learning_rate 1e-2, momentum 0.9, velocity. Returns (next_w, config)."""
    return _apply(_updates.sgd_momentum, w, dw, config)


def rmsprop(w, dw, config=None):
    """RMSprop. config: learning_rate 1e-2, decay_rate 0.99, epsilon 1e-8, cache. Returns (next_w, config)."""
    return _apply(_updates.rmsprop, w, dw, config)


def adam(w, dw, config=None):
    """Adam. config: learning_rate 1e-3, beta1 0.9, beta2 0.999, epsilon 1e-8, m, v, t. Returns (next_w, config)."""
    return _apply(_updates.adam, w, dw, config)


_OURS = (sgd, sgd_momentum, rmsprop, adam)


def _update_in_place(rule, w, dw, config):
    """The next w, which is w, where rule is one of the above. w, dw and the state in config are of one type, and nobody else
    has them. None for another rule."""
    if rule not in _OURS:
        return None
    plain = {key: array(value, key) for key, value in config.items()}
    getattr(_updates, rule.__name__)(array(w, "w"), array(dw, "dw"), plain, True)
    if "t" in plain:
        config["t"] = plain["t"]
    return w
