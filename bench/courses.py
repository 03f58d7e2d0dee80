#!/usr/bin/env python3
"""courses.py: how fast lamina.cs231n is, in ratios. The two sides take turns, so that what else the machine does hits both.

    LAMINA_LIBRARY=build/liblamina.so PYTHONPATH=python bench/courses.py [--rounds N] [overhead] [conv] [solver]

overhead  a call from Python on tiny arrays, in microseconds: the least of the rounds
conv      conv_forward_fast and conv_backward_fast at the course's size, beside PyTorch on the same arrays in NCHW
solver    Solver on the 4 x 100 network, beside the course's code in NumPy with its BLAS
"""
import argparse
import os
import sys
import time

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "python"))
from course_numbers import PlainNet  # noqa: E402

from lamina.cs231n import fast_layers, layers  # noqa: E402
from lamina.cs231n.classifiers.fc_net import FullyConnectedNet  # noqa: E402
from lamina.cs231n.solver import Solver  # noqa: E402


def seconds(function, calls=1):
    start = time.perf_counter()
    for _ in range(calls):
        function()
    return (time.perf_counter() - start) / calls


def in_turn(rounds, calls=1, **functions):
    """Seconds of each function, one list for each, measured in turn: the mean of so many calls after one that does not
    count, since the threads of the other side look for work a while before they sleep."""
    times = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            function()
            times[name].append(seconds(function, calls))
    return times


def report(what, times, ours="lamina"):
    """The median ratio of the other side to ours, and its spread."""
    (other,) = [name for name in times if name != ours]
    ratios = np.sort(np.array(times[other]) / np.array(times[ours]))
    low, middle, high = np.quantile(ratios, [0.1, 0.5, 0.9])
    print(f"{what:44} {1e3 * min(times[ours]):9.3f} ms, {other} {1e3 * min(times[other]):9.3f} ms: "
          f"{middle:5.2f} x as fast ({low:.2f} to {high:.2f})")


# ---- overhead -------------------------------------------------------------------------------------------------------------


def overhead(rounds):
    x, w, b = np.random.randn(4, 5).astype("f4"), np.random.randn(5, 3).astype("f4"), np.zeros(3, "f4")
    gamma, beta, bn_param = np.ones(5, "f4"), np.zeros(5, "f4"), {"mode": "train"}
    out, cache = layers.affine_forward(x, w, b)
    relu, relu_cache = layers.relu_forward(x)
    norm, norm_cache = layers.batchnorm_forward(x, gamma, beta, bn_param)
    calls = {
        "np.maximum(x, 0), to compare": lambda: np.maximum(x, 0),
        "relu_forward": lambda: layers.relu_forward(x),
        "relu_backward": lambda: layers.relu_backward(relu, relu_cache),
        "affine_forward": lambda: layers.affine_forward(x, w, b),
        "affine_backward": lambda: layers.affine_backward(out, cache),
        "batchnorm_forward": lambda: layers.batchnorm_forward(x, gamma, beta, bn_param),
        "batchnorm_backward": lambda: layers.batchnorm_backward(norm, norm_cache),
    }
    for name, call in calls.items():
        print(f"{name:44} {1e6 * min(seconds(call, 2000) for _ in range(rounds)):9.2f} us")


# ---- convolution ----------------------------------------------------------------------------------------------------------


def conv(rounds):
    import torch
    functional = torch.nn.functional
    for dtype in ("f4", "f8"):
        rng = np.random.RandomState(231)
        x, w, b = (rng.randn(*s).astype(dtype) for s in ((100, 3, 31, 31), (25, 3, 3, 3), (25,)))
        dout = rng.randn(100, 25, 16, 16).astype(dtype)
        param = {"stride": 2, "pad": 1}
        _, cache = fast_layers.conv_forward_fast(x, w, b, param)

        def torch_forward():
            with torch.no_grad():
                return functional.conv2d(*map(torch.from_numpy, (x, w, b)), stride=2, padding=1).numpy()

        def torch_backward():
            tensors = map(torch.from_numpy, (dout, x, w))
            grads = torch.ops.aten.convolution_backward(*tensors, [len(b)], [2, 2], [1, 1], [1, 1], False, [0, 0], 1,
                                                        [True] * 3)
            return [g.numpy() for g in grads]

        assert np.allclose(torch_forward(), fast_layers.conv_forward_fast(x, w, b, param)[0], atol=1e-4)
        for a, c in zip(torch_backward(), fast_layers.conv_backward_fast(dout, cache)):
            assert np.allclose(a, c, atol=1e-1 if dtype == "f4" else 1e-8)
        report(f"conv_forward_fast {dtype}", in_turn(rounds, 20, torch=torch_forward,
               lamina=lambda: fast_layers.conv_forward_fast(x, w, b, param)))
        report(f"conv_backward_fast {dtype}", in_turn(rounds, 20, torch=torch_backward,
               lamina=lambda: fast_layers.conv_backward_fast(dout, cache)))


# ---- Solver ---------------------------------------------------------------------------------------------------------------


def plain_sgd(w, dw, config=None):
    w -= config["learning_rate"] * dw
    return w, config


def plain_adam(w, dw, config=None):
    config["t"] = config.get("t", 0) + 1
    config["m"] = 0.9 * config.get("m", np.zeros_like(w)) + 0.1 * dw
    config["v"] = 0.999 * config.get("v", np.zeros_like(w)) + 0.001 * dw ** 2
    m, v = config["m"] / (1 - 0.9 ** config["t"]), config["v"] / (1 - 0.999 ** config["t"])
    return w - config["learning_rate"] * m / (np.sqrt(v) + 1e-8), config


class PlainSolver(Solver):
    """The course's: batches and updates in NumPy."""

    RULES = {"sgd": plain_sgd, "adam": plain_adam}

    def _update(self, p, w, dw):
        next_w, self.optim_configs[p] = self.RULES[self.update_rule.__name__](w, dw, self.optim_configs[p])
        return next_w


def solver(rounds):
    rng = np.random.RandomState(0)
    X, y = rng.randn(5000, 3, 32, 32), rng.randint(0, 10, 5000)
    data = {"X_train": X, "y_train": y, "X_val": X[:1000], "y_val": y[:1000]}
    for rule in ("sgd", "adam"):
        for norm in (None, "batchnorm"):
            nets = {name: FullyConnectedNet([100] * 4, weight_scale=5e-2, normalization=norm, reg=1e-3)
                    for name in ("numpy", "lamina")}
            plain = PlainNet(nets["numpy"].params, 1e-3, norm is not None)
            solvers = {"numpy": PlainSolver(plain, data, update_rule=rule, optim_config={"learning_rate": 1e-3},
                                            num_epochs=1, verbose=False),
                       "lamina": Solver(nets["lamina"], data, update_rule=rule, optim_config={"learning_rate": 1e-3},
                                        num_epochs=1, verbose=False)}
            report(f"Solver 4 x 100, {norm or 'no norm'}, {rule}: an epoch of 50",
                   in_turn(rounds, **{name: s.train for name, s in solvers.items()}))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", default=["overhead", "conv", "solver"], help="overhead, conv, solver")
    parser.add_argument("--rounds", type=int, default=15)
    given = parser.parse_args()
    for name in given.what:
        {"overhead": overhead, "conv": conv, "solver": solver}[name](given.rounds)


if __name__ == "__main__":
    main()
