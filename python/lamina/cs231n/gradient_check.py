"""Numeric gradients, by differences of f at x + h and x - h. f may read x, which is changed in place, by any name."""
from random import randrange

import numpy as np


def _each(x):
    """The indices of x, in row-major order."""
    return np.ndindex(*x.shape)


def _both_sides(f, x, index, h):
    """f with x[index] + h, and with x[index] - h; x is as before afterwards."""
    old = x[index]
    try:
        x[index] = old + h
        above = f()
        x[index] = old - h
        return above, f()
    finally:
        x[index] = old


def eval_numerical_gradient(f, x, verbose=True, h=0.00001):
    """Gradient of f, a number, at x."""
    gradient = np.zeros_like(x)
    for index in _each(x):
        above, below = _both_sides(lambda: f(x), x, index, h)
        gradient[index] = (above - below) / (2 * h)
        if verbose:
            print(index, gradient[index])
    return gradient


def eval_numerical_gradient_array(f, x, df, h=1e-5):
    """Gradient of sum(f * df) at x; f an array, df the gradient from above."""
    gradient = np.zeros_like(x)
    for index in _each(x):
        above, below = _both_sides(lambda: np.array(f(x)), x, index, h)
        gradient[index] = np.sum((above - below) * df) / (2 * h)
    return gradient


def eval_numerical_gradient_blobs(f, inputs, output, h=1e-5):
    """Gradients for f(*inputs, output), which reads and writes blobs: objects with the arrays vals and diffs. Returns a
    list of one gradient for each input."""
    def value():
        f(*inputs, output)
        return np.copy(output.vals)

    gradients = []
    for blob in inputs:
        gradient = np.zeros_like(blob.diffs)
        for index in _each(blob.vals):
            above, below = _both_sides(value, blob.vals, index, h)
            gradient[index] = np.sum((above - below) * output.diffs) / (2.0 * h)
        gradients.append(gradient)
    return gradients


def eval_numerical_gradient_net(net, inputs, output, h=1e-5):
    """The same for net.forward(), which knows its blobs."""
    return eval_numerical_gradient_blobs(lambda *args: net.forward(), inputs, output, h=h)


def grad_check_sparse(f, x, analytic_grad, num_checks=10, h=1e-5):
    """Print how far the gradient is from the numeric one at num_checks elements drawn at random."""
    for _ in range(num_checks):
        index = tuple(randrange(m) for m in x.shape)
        above, below = _both_sides(lambda: f(x), x, index, h)
        numeric, analytic = (above - below) / (2 * h), analytic_grad[index]
        size = abs(numeric) + abs(analytic)
        error = abs(numeric - analytic) / size if size else 0.0
        print("numerical: %f analytic: %f, relative error: %e" % (numeric, analytic, error))
