"""What is timed. A network is a list of layers, from which each contestant builds its own; weights come from a model file
that lamina writes, samples and labels from a seed, so that all compute the same numbers.

Layers, as tuples: ("affine", units), ("conv", filters, size, stride, bias), ("relu",), ("batchnorm",), ("layernorm",),
("dropout", p), ("maxpool",) of 2x2, ("avgpool",) of the whole image, ("residual", chain, shortcut).
"""
import collections, dataclasses, json, struct

import numpy as np

CLASSES = 10
CHECK_STEPS = 4  # whose losses are compared
CHECK_RATE = {"adam": 1e-3, "momentum": 1e-2, "sgd": 1e-2}  # learning rates while they are compared
TIMED_RATE = 1e-6  # and while they are timed, so that numbers stay normal


def affine(units):
    return [("affine", units)]


def conv(filters, size=3, stride=1, bias=True):
    return [("conv", filters, size, stride, bias)]


RELU, BATCHNORM, LAYERNORM, MAXPOOL, AVGPOOL = [("relu",)], [("batchnorm",)], [("layernorm",)], [("maxpool",)], [("avgpool",)]


def mlp(*widths, between=()):
    return [layer for width in widths for layer in affine(width) + list(between) + RELU] + affine(CLASSES)


def vgg():
    def stage(filters, count):
        return (conv(filters) + BATCHNORM + RELU) * count + MAXPOOL

    return stage(64, 2) + stage(128, 2) + stage(256, 1) + affine(CLASSES)


def resnet20():
    def plain(filters, size=3, stride=1):
        return conv(filters, size, stride, bias=False) + BATCHNORM

    def block(filters, stride):
        chain = plain(filters, stride=stride) + RELU + plain(filters)
        return [("residual", chain, plain(filters, 1, stride) if stride > 1 else [])] + RELU

    layers = plain(16) + RELU
    for filters in 16, 32, 64:
        for k in range(3):
            layers += block(filters, 2 if filters > 16 and k == 0 else 1)
    return layers + AVGPOOL + affine(CLASSES)


NETS = {
    "W1": mlp(100, 100, 100, 100),
    "W2": mlp(100, 100, 100, 100, between=BATCHNORM),
    "W2b": mlp(100, 100, 100, 100, between=LAYERNORM),
    "W2c": [x for layer in mlp(100, 100, 100, 100, between=BATCHNORM) for x in [layer] + [("dropout", 0.5)] * (layer == RELU[0])],
    "W3": conv(32, 7) + RELU + MAXPOOL + mlp(100),
    "W4": vgg(),
    "W5": resnet20(),
    "W6": mlp(256, 256),
}


@dataclasses.dataclass(frozen=True)
class Workload:
    name: str
    kind: str  # training, inference, operators
    title: str
    net: str = ""
    shape: tuple = ()  # of a sample: C, H, W or D
    batch: int = 128
    rule: str = ""
    operator: str = ""
    backward: bool = False

    @property
    def layers(self):
        return NETS[self.net]


def training(net, title, shape, batch, rule):
    return Workload(net, "training", title, net, shape, batch, rule)


def inference(net, title, shape, batch):
    return Workload(f"{net}-b{batch}", "inference", f"{title}, batch {batch}", net, shape, batch)


def operator(name, title):
    return [Workload(name + end, "operators", title + way, shape=(64, 32, 32), operator=name, backward=way == " backward")
            for end, way in (("", " forward"), ("-backward", " backward"))]  # fmt: skip


CIFAR, ROW = (3, 32, 32), (3072,)
WORKLOADS = [
    training("W1", "3072-[100]x4-10, batch 100, Adam", ROW, 100, "adam"),
    training("W2", "the same with batch norm", ROW, 100, "adam"),
    training("W2b", "the same with layer norm", ROW, 100, "adam"),
    training("W2c", "the same with batch norm and dropout", ROW, 100, "adam"),
    training("W3", "ThreeLayerConvNet, 7x7, batch 50, Adam", CIFAR, 50, "adam"),
    training("W4", "VGG-like, batch norm, batch 128, momentum", CIFAR, 128, "momentum"),
    training("W5", "ResNet-20, batch 128, momentum", CIFAR, 128, "momentum"),
    training("W6", "784-256-256-10, batch 128, SGD", (784,), 128, "sgd"),
    inference("W6", "784-256-256-10", (784,), 1),
    inference("W6", "784-256-256-10", (784,), 1024),
    inference("W4", "VGG-like", CIFAR, 1),
    inference("W4", "VGG-like", CIFAR, 128),
    inference("W5", "ResNet-20", CIFAR, 1),
    inference("W5", "ResNet-20", CIFAR, 128),
    *operator("relu", "ReLU"),
    *operator("dropout", "dropout 0.5"),
    *operator("batchnorm", "batch norm"),
    *operator("maxpool", "max pool 2x2"),
]
KINDS = list(dict.fromkeys(w.kind for w in WORKLOADS))


def find(name):
    return next(w for w in WORKLOADS if w.name == name)


# ---- for those that build networks ----


def notation(layers):
    """The network in lamina's notation, without its loss."""
    def word(layer):
        kind, *sizes = layer
        if kind == "conv":
            filters, size, stride, bias = sizes
            return f"conv {filters} {size}x{size}" + (f" stride {stride}" if stride > 1 else "") + ("" if bias else " nobias")
        if kind == "residual":
            chain, shortcut = sizes
            return "residual {" + notation(chain) + (" | " + notation(shortcut) if shortcut else "") + "}"
        return {"maxpool": "maxpool 2x2", "avgpool": "avgpool global"}.get(kind, " ".join(map(str, layer)))

    return " - ".join(map(word, layers))


class Names:
    """Names of layers with parameters as model files have them: affine1, batchnorm1, ... by the order of calls."""

    def __init__(self):
        self.count = collections.Counter()

    def __call__(self, kind):
        self.count[kind] += 1
        return f"{kind}{self.count[kind]}"


def shape_after(layer, shape):
    """The shape of a sample after a layer."""
    kind, *sizes = layer
    if kind == "affine":
        return (sizes[0],)
    if kind == "conv":
        return (sizes[0],) + tuple((s - 1) // sizes[2] + 1 for s in shape[1:])
    if kind == "maxpool":
        return (shape[0],) + tuple(s // 2 for s in shape[1:])
    if kind == "avgpool":
        return (shape[0],)
    if kind == "residual":
        for inner in sizes[0]:
            shape = shape_after(inner, shape)
    return shape


def read_model(path):
    """The tensors of a safetensors file of f32, by name."""
    with open(path, "rb") as f:
        header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
        data = f.read()
    return {name: np.frombuffer(data, np.float32, (t["data_offsets"][1] - t["data_offsets"][0]) // 4, t["data_offsets"][0])
            .reshape(t["shape"]).copy() for name, t in header.items() if name != "__metadata__" and t["dtype"] == "F32"}  # fmt: skip


def samples(workload):
    """x (N, ...) f32, y (N) i64."""
    x = np.random.default_rng(0).standard_normal((workload.batch,) + workload.shape, np.float32)
    return x, np.arange(workload.batch) % CLASSES


# ---- what is compared ----


def log_softmax(scores):
    """Of the first samples: what inference is compared by."""
    scores = np.asarray(scores, np.float64)[:8]
    scores = scores - scores.max(1, keepdims=True)
    return (scores - np.log(np.exp(scores).sum(1, keepdims=True))).ravel().tolist()


def digest(array):
    """Mean, mean size and mean square: what operators are compared by."""
    array = np.asarray(array, np.float64)
    return [array.mean(), np.abs(array).mean(), (array**2).mean()]
