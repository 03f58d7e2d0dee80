#!/usr/bin/env python3
"""What a call costs in Python: functions of the library on arrays so small that the work is nothing, beside NumPy's
maximum on the same array. Rounds of all of them take turns; printed is the best of each, in microseconds."""
import ctypes
import timeit

import numpy as np

from lamina._arrays import out_tensor, tensor
from lamina._binding import BatchnormParam, call, lib

CALLS, ROUNDS = 100, 1000  # short rounds: some of them are not disturbed

x, w, b = (np.random.default_rng(0).normal(size=shape) for shape in ((4, 5), (5, 6), (6,)))
gamma, beta, mean, var = np.ones(5), np.zeros(5), np.zeros(5), np.ones(5)
caches = [ctypes.c_void_p() for _ in range(3)]
addresses = [ctypes.byref(cache) for cache in caches]


def maximum():
    return np.maximum(x, 0)


def relu():
    out = np.empty(x.shape, x.dtype)
    call(lib.lam_relu_forward, addresses[0], out_tensor(out, "out"), tensor(x, "x"))
    return out


def affine():
    out = np.empty((len(x), w.shape[1]), x.dtype)
    call(lib.lam_affine_forward, addresses[1], out_tensor(out, "out"), tensor(x, "x"), tensor(w, "w"), tensor(b, "b"))
    return out


def batchnorm():
    out = np.empty(x.shape, x.dtype)
    call(lib.lam_batchnorm_forward, addresses[2], out_tensor(out, "out"), tensor(x, "x"), tensor(gamma, "gamma"),
         tensor(beta, "beta"), out_tensor(mean, "running_mean"), out_tensor(var, "running_var"),
         BatchnormParam(0, 1e-5, 0.9))
    return out


def main():
    best = {}
    for _ in range(ROUNDS):
        for function in (maximum, relu, affine, batchnorm):
            seconds = timeit.timeit(function, number=CALLS) / CALLS
            best[function.__name__] = min(seconds, best.get(function.__name__, seconds))
    for name, seconds in best.items():
        print(f"{name:<10} {1e6 * seconds:6.2f} us  {seconds / best['maximum']:5.1f} x maximum")


if __name__ == "__main__":
    main()
