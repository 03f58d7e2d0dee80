"""lamina's library in Python, by ctypes: as much of it as the comparison needs."""
import ctypes as c

import numpy as np

import workloads

TYPES = {np.dtype(np.float32): 0, np.dtype(np.float64): 1, np.dtype(np.int32): 3, np.dtype(np.int64): 4}


class Shape(c.Structure):
    _fields_ = [("rank", c.c_int), ("dim", c.c_size_t * 8)]


class Tensor(c.Structure):
    _fields_ = [("dtype", c.c_int), ("shape", Shape), ("data", c.c_void_p)]


class BatchnormParam(c.Structure):
    _fields_ = [("mode", c.c_int), ("eps", c.c_double), ("momentum", c.c_double)]


class DropoutParam(c.Structure):
    _fields_ = [("mode", c.c_int), ("p", c.c_double), ("seed", c.c_uint64), ("step", c.c_uint32)]


class PoolParam(c.Structure):
    _fields_ = [("window", c.c_size_t * 2), ("stride", c.c_size_t * 2), ("pad", c.c_size_t * 2), ("ties", c.c_int), ("glob", c.c_int)]


def shape_of(sizes):
    return Shape(len(sizes), (c.c_size_t * 8)(*sizes))


def tensor(array):
    """Borrows the array."""
    return Tensor(TYPES[array.dtype], shape_of(array.shape), array.ctypes.data)


class Library:
    def __init__(self, path, threads):
        self.lib = c.CDLL(path)
        for name in "lam_last_error", "lam_version":
            getattr(self.lib, name).restype = c.c_char_p
        self.threads = threads

    def version(self):
        return self.lib.lam_version().decode()

    def call(self, name, *args):
        if getattr(self.lib, name)(*args):
            raise RuntimeError(self.lib.lam_last_error().decode())

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
        self.call("lam_net_new", c.byref(net), text.encode(), c.byref(shape_of(workload.shape)), None)
        self.call("lam_net_save", net, path.encode())
        self.lib.lam_net_free(net)

    def losses(self, workload, path):
        """Of the first training steps."""
        x, y = workloads.samples(workload)
        net, session, loss = c.c_void_p(), c.c_void_p(), c.c_double()
        self.call("lam_net_load", c.byref(net), path.encode())
        options = self.options(batch=workload.batch, optim=workload.rule, lr=workloads.CHECK_RATE[workload.rule], threads=self.threads)
        self.call("lam_session_new", c.byref(session), net, options)
        result = []
        for _ in range(workloads.CHECK_STEPS):
            self.call("lam_session_forward", c.byref(loss), session, c.byref(tensor(x)), c.byref(tensor(y)))
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
        self.call("lam_session_predict", session, c.byref(tensor(scores)), c.byref(tensor(x)))
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
        self.x, self.cache, self.extra, self.gradients = x, c.c_void_p(), [], []
        n, channels, h, w = x.shape
        self.out = np.empty((n, channels, h // 2, w // 2) if name == "maxpool" else x.shape, np.float32)
        self.dx = np.empty_like(x)
        self.dout = np.random.default_rng(1).standard_normal(self.out.shape, np.float32)
        if name == "batchnorm":
            self.vectors = [np.full(channels, v, np.float32) for v in (1, 0, 0, 1)]  # gamma, beta, running mean, variance
            self.param = BatchnormParam(0, 1e-5, 0.9)
            self.gradients = [np.empty(channels, np.float32) for _ in range(2)]
            self.function = "lam_spatial_batchnorm"
            self.extra = [c.byref(tensor(v)) for v in self.vectors] + [c.byref(self.param)]
        else:
            self.function = "lam_" + name
            if name == "dropout":
                self.extra = [c.byref(DropoutParam(0, 0.5, 1, 0))]
            elif name == "maxpool":
                self.extra = [c.byref(PoolParam((2, 2), (2, 2), (0, 0), 0, 0))]

    def forward(self):
        self.library.call(self.function + "_forward", c.byref(self.cache), c.byref(tensor(self.out)), c.byref(tensor(self.x)), *self.extra)

    def backward(self):
        gradients = [c.byref(tensor(a)) for a in [self.dx] + self.gradients]
        self.library.call(self.function + "_backward", *gradients, c.byref(tensor(self.dout)), self.cache)
