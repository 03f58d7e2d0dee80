"""Numeric gradients, by differences of f at x + h and x - h. f may read x, which is changed in place, by any name."""
import random

import numpy as np

from ._tensors import array, is_tensor, like
from .utils import reset_seed


def _flat(value):
    """A value of f as a vector that is not a view of it."""
    return np.array(array(value, "f(x)"), dtype=np.float64).reshape(-1)


def _both_sides(f, x, index, h):
    """f with x[index] + h, and with x[index] - h; x is as before afterwards."""
    old = x[index].item()
    try:
        x[index] = old + h
        above = _flat(f(x))
        x[index] = old - h
        return above, _flat(f(x))
    finally:
        x[index] = old


def compute_numeric_gradient(f, x, dLdf=None, h=1e-7):
    """Gradient at x of sum(f * dLdf); dLdf is the gradient from above, of the shape of f, None for ones."""
    gradient = np.zeros(tuple(x.shape))
    above = None if dLdf is None else _flat(dLdf)
    for index in np.ndindex(*gradient.shape):
        plus, minus = _both_sides(f, x, index, h)
        slope = (plus - minus) / (2 * h)
        gradient[index] = slope.sum() if above is None else above.dot(slope)
    return like(x, gradient).to(x.dtype) if is_tensor(x) else gradient.astype(x.dtype)


def rel_error(x, y, eps=1e-10):
    """The largest |x - y|, divided by the largest |x| + |y|, which is at least eps."""
    x, y = np.asarray(array(x, "x")), np.asarray(array(y, "y"))
    return float(np.abs(x - y).max() / max((np.abs(x) + np.abs(y)).max(), eps))


def grad_check_sparse(f, x, analytic_grad, num_checks=10, h=1e-7):
    """Print how far the gradient is from the numeric one at num_checks elements, the same in each call."""
    reset_seed(0)
    for _ in range(num_checks):
        index = tuple([random.randrange(m) for m in x.shape])
        plus, minus = _both_sides(f, x, index, h)
        numeric, analytic = float((plus[0] - minus[0]) / (2 * h)), float(analytic_grad[index])
        error = abs(numeric - analytic) / (abs(numeric) + abs(analytic) + 1e-12)
        print("numerical: %f analytic: %f, relative error: %e" % (numeric, analytic, error))
