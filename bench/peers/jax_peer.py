"""JAX: each step one jitted function, its state donated; images N x H x W x C."""
import os

import server
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from workloads import CHECK_RATE, CHECK_STEPS, TIMED_RATE, Names, digest, log_softmax, read_model, samples, shape_after

if "JAX_CACHE" in os.environ:  # of compiled functions
    jax.config.update("jax_compilation_cache_dir", os.environ["JAX_CACHE"])
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)


def last(x):
    """Channels last."""
    return np.ascontiguousarray(np.moveaxis(x, 1, -1)) if x.ndim == 4 else x


def parameters_of(layers, shape, weights, names):
    """The weights as the functions below take them: trained, and running statistics; a list per layer that has some."""
    trained, running = [], []
    for layer in layers:
        kind, *sizes = layer
        if kind == "residual":
            for part in sizes:
                inner = parameters_of(part, shape, weights, names)
                trained += inner[0]
                running += inner[1]
        elif kind in ("affine", "conv", "batchnorm", "layernorm"):
            name = names(kind)
            own = {k.split(".")[1]: v for k, v in weights.items() if k.split(".")[0] == name}
            if kind == "affine" and len(shape) == 3:
                own["weight"] = own["weight"].reshape((-1,) + shape).transpose(0, 2, 3, 1).reshape(len(own["weight"]), -1)
            if kind == "affine":
                own["weight"] = np.ascontiguousarray(own["weight"].T)
            elif kind == "conv":
                own["weight"] = np.ascontiguousarray(own["weight"].transpose(2, 3, 1, 0))
            trained.append({k: v for k, v in own.items() if not k.startswith("running")})
            running.append({k: v for k, v in own.items() if k.startswith("running")})
        shape = shape_after(layer, shape)
    return trained, running


def batchnorm(x, p, r, train):
    if train:
        axes = tuple(range(x.ndim - 1))
        mean, var = x.mean(axes), x.var(axes)
        r = {"running_mean": 0.9 * r["running_mean"] + 0.1 * mean, "running_var": 0.9 * r["running_var"] + 0.1 * var}
    else:
        mean, var = r["running_mean"], r["running_var"]
    return (x - mean) * (lax.rsqrt(var + 1e-5) * p["gamma"]) + p["beta"], r


def maxpool(x):
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


def dropout(x, p, key):
    return jnp.where(jax.random.bernoulli(key, 1 - p, x.shape), x / (1 - p), 0)


def apply(layers, x, trained, running, key, train):
    """trained, running: iterators. Returns the output and the new running statistics."""
    new = []
    for k, (kind, *sizes) in enumerate(layers):
        if kind in ("affine", "conv", "batchnorm", "layernorm"):
            p, r = next(trained), next(running)
        if kind == "affine":
            x = x.reshape(len(x), -1) @ p["weight"] + p["bias"]
        elif kind == "conv":
            _, size, stride, bias = sizes
            pad = size // 2
            x = lax.conv_general_dilated(x, p["weight"], (stride, stride), [(pad, pad)] * 2, dimension_numbers=("NHWC", "HWIO", "NHWC"))
            x = x + p["bias"] if bias else x
        elif kind == "batchnorm":
            x, r = batchnorm(x, p, r, train)
        elif kind == "layernorm":
            mean, var = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
            x = (x - mean) * lax.rsqrt(var + 1e-5) * p["gamma"] + p["beta"]
        elif kind == "relu":
            x = jnp.maximum(x, 0)
        elif kind == "maxpool":
            x = maxpool(x)
        elif kind == "avgpool":
            x = x.mean((1, 2))
        elif kind == "dropout" and train:
            x = dropout(x, sizes[0], jax.random.fold_in(key, k))
        elif kind == "residual":
            y, of_chain = apply(sizes[0], x, trained, running, key, train)
            z, of_shortcut = apply(sizes[1], x, trained, running, key, train)
            x = y + z
            new += of_chain + of_shortcut
        if kind in ("affine", "conv", "batchnorm", "layernorm"):
            new.append(r)
    return x, new


def update(rule, rate, t, w, g, s):
    """New weights and state."""
    tree = jax.tree.map
    if rule == "adam":
        m = tree(lambda m, g: 0.9 * m + 0.1 * g, s[0], g)
        v = tree(lambda v, g: 0.999 * v + 0.001 * g * g, s[1], g)
        a, b = 1 / (1 - 0.9**t), 1 / (1 - 0.999**t)
        return tree(lambda w, m, v: w - rate * (m * a) / (jnp.sqrt(v * b) + 1e-8), w, m, v), (m, v)
    if rule == "momentum":
        v = tree(lambda v, g: 0.9 * v + g, s[0], g)
        return tree(lambda w, v: w - rate * v, w, v), (v,)
    return tree(lambda w, g: w - rate * g, w, g), ()


class Peer:
    def __init__(self, workload):
        self.version = "JAX " + jax.__version__
        x, y = samples(workload)
        self.x, self.y = jnp.asarray(last(x)), jnp.asarray(y)


class Training(Peer):
    def __init__(self, workload, model, variant, threads):
        super().__init__(workload)
        layers, rule = workload.layers, workload.rule
        trained, running = jax.tree.map(jnp.asarray, parameters_of(layers, workload.shape, read_model(model), Names()))
        slots = {"adam": 2, "momentum": 1, "sgd": 0}[rule]
        self.state = (trained, running, tuple(jax.tree.map(jnp.zeros_like, trained) for _ in range(slots)), jnp.float32(0), jax.random.key(0))
        self.rate = CHECK_RATE[rule]

        def loss_of(trained, running, x, y, key):
            scores, new = apply(layers, x, iter(trained), iter(running), key, True)
            return -jax.nn.log_softmax(scores)[jnp.arange(len(y)), y].mean(), new

        def step(state, x, y, rate):
            w, running, s, t, key = state
            (loss, running), g = jax.value_and_grad(loss_of, has_aux=True)(w, running, x, y, jax.random.fold_in(key, t.astype(int)))
            w, s = update(rule, rate, t + 1, w, g, s)
            return (w, running, s, t + 1, key), loss

        self.run = jax.jit(step, donate_argnums=0)

    def step(self):
        self.state, loss = self.run(self.state, self.x, self.y, self.rate)
        return jax.block_until_ready(loss)

    def check(self):
        losses = [float(self.step()) for _ in range(CHECK_STEPS)]
        self.rate = TIMED_RATE
        return losses


class Inference(Peer):
    def __init__(self, workload, model, variant, threads):
        super().__init__(workload)
        layers = workload.layers
        self.weights = jax.tree.map(jnp.asarray, parameters_of(layers, workload.shape, read_model(model), Names()))
        self.run = jax.jit(lambda weights, x: apply(layers, x, iter(weights[0]), iter(weights[1]), None, False)[0])

    def step(self):
        return jax.block_until_ready(self.run(self.weights, self.x))

    def check(self):
        return log_softmax(self.step())


class Operator(Peer):
    def __init__(self, workload, model, variant, threads):
        super().__init__(workload)
        channels = workload.shape[0]
        vectors = {"gamma": jnp.ones(channels), "beta": jnp.zeros(channels)}
        running = {"running_mean": jnp.zeros(channels), "running_var": jnp.ones(channels)}
        self.arguments = (self.x,) + ((vectors,) if workload.operator == "batchnorm" else ())
        function = {
            "relu": lambda x: jnp.maximum(x, 0),
            "dropout": lambda x: dropout(x, 0.5, jax.random.key(0)),
            "batchnorm": lambda x, p: batchnorm(x, p, running, True)[0],
            "maxpool": maxpool,
        }[workload.operator]
        self.run = jax.jit(function)
        if workload.backward:
            out, pull = jax.vjp(function, *self.arguments)
            n, h, w, c = out.shape
            dout = np.random.default_rng(1).standard_normal((n, c, h, w), np.float32)
            self.arguments = (pull, jnp.asarray(last(dout)))
            back = jax.jit(lambda pull, dout: pull(dout))
            self.run = lambda pull, dout: back(pull, dout)[0]

    def step(self):
        return jax.block_until_ready(self.run(*self.arguments))

    def check(self):
        return digest(self.step())


CLASSES = {"training": Training, "inference": Inference, "operators": Operator}
server.main(lambda workload, *rest: CLASSES[workload.kind](workload, *rest))
