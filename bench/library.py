"""What the comparison needs of lamina in Python: the package's binding, of the library that is measured."""
import ctypes as c
import os
import sys

import numpy as np

import workloads


class Library:
    def __init__(self, path, threads):
        os.environ["LAMINA_LIBRARY"] = path  # read when the binding is imported
        sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))
        from lamina import _arrays, _binding

        self.binding, self.lib, self.threads = _binding, _binding.lib, threads
        self.tensor = lambda array: _arrays.tensor(array, "array")

    def version(self):
        return self.lib.lam_version().decode()

    def call(self, name, *args):
        self.binding.call(getattr(self.lib, name), *args)

    def options(self, **values):
        options = c.c_void_p()
        self.call("lam_options_new", c.byref(options))
        for name, value in values.items():
            self.call("lam_options_set", options, name.encode(), str(value).encode())
        return options

    def save_model(self, workload, path):
        """A new network of the workload."""
        net = c.c_void_p()
        text = workloads.notation(workload.layers) + " - softmax"
        shape = self.binding.Shape(len(workload.shape), tuple(workload.shape))
        self.call("lam_net_new", c.byref(net), text.encode(), shape, None)
        self.call("lam_net_save", net, path.encode())
        self.lib.lam_net_free(net)

    def losses(self, workload, path):
        """Of the first training steps."""
        x, y = map(self.tensor, workloads.samples(workload))
        net, session, loss = c.c_void_p(), c.c_void_p(), c.c_double()
        self.call("lam_net_load", c.byref(net), path.encode())
        options = self.options(batch=workload.batch, optim=workload.rule, lr=workloads.CHECK_RATE[workload.rule], threads=self.threads)
        self.call("lam_session_new", c.byref(session), net, options)
        result = []
        for _ in range(workloads.CHECK_STEPS):
            self.call("lam_session_forward", loss, session, x, y)
            self.call("lam_session_backward", session)
            self.call("lam_session_step", session)
            result.append(loss.value)
        self.lib.lam_session_free(session)
        self.lib.lam_net_free(net)
        return result

    def scores(self, workload, path):
        x, _ = workloads.samples(workload)
        scores = np.empty((workload.batch, workloads.CLASSES), np.float32)
        net, session = c.c_void_p(), c.c_void_p()
        self.call("lam_net_load", c.byref(net), path.encode())
        self.call("lam_session_new_predict", c.byref(session), net, self.options(batch=workload.batch, threads=self.threads))
        self.call("lam_session_predict", session, self.tensor(scores), self.tensor(x))
        self.lib.lam_session_free(session)
        self.lib.lam_net_free(net)
        return scores

    def check(self, workload, path):
        """What contestants are compared with."""
        if workload.kind == "training":
            return self.losses(workload, path)
        return workloads.log_softmax(self.scores(workload, path))


class Operator:
    """A function by itself on images (N, C, H, W): forward() and backward(), whose results are out and dx."""

    def __init__(self, library, name, x):
        self.library, self.name = library, name
        binding = library.binding
        self.x, self.cache, self.extra, self.gradients = x, c.c_void_p(), [], []
        n, channels, h, w = x.shape
        self.out = np.empty((n, channels, h // 2, w // 2) if name == "maxpool" else x.shape, np.float32)
        self.dx = np.empty_like(x)
        self.dout = np.random.default_rng(1).standard_normal(self.out.shape, np.float32)
        if name == "batchnorm":
            self.vectors = [np.full(channels, v, np.float32) for v in (1, 0, 0, 1)]  # gamma, beta, running mean, variance
            self.gradients = [np.empty(channels, np.float32) for _ in range(2)]
            self.function = "lam_spatial_batchnorm"
            self.extra = [library.tensor(v) for v in self.vectors] + [binding.BatchnormParam(0, 1e-5, 0.9)]
        else:
            self.function = "lam_" + name
            if name == "dropout":
                self.extra = [binding.DropoutParam(0, 0.5, 1, 0)]
            elif name == "maxpool":
                self.extra = [binding.PoolParam((2, 2), (2, 2), (0, 0), 0, 0)]

    def forward(self):
        self.library.call(self.function + "_forward", c.byref(self.cache), self.library.tensor(self.out), self.library.tensor(self.x), *self.extra)

    def backward(self):
        gradients = map(self.library.tensor, [self.dx] + self.gradients)
        self.library.call(self.function + "_backward", *gradients, self.library.tensor(self.dout), self.cache)
