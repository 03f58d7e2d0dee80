"""Images: convolutions, pools, norms and residual blocks in networks on random shapes, trained for a few steps."""
import os, re

import numpy as np
import torch

from peer import ACTIVATIONS, assert_close, compare_training, lamina_json, report

SAMPLES, CLASSES, NETS = 12, 5, 25


# ---- the notation, as PyTorch has it ---------------------------------------------------------------------------------

class Padded(torch.nn.Module):
    """A convolution or pool after padding that may differ on the two sides, which PyTorch's own do not take."""

    def __init__(self, layer, sides, value=0.0):
        super().__init__()
        self.layer, self.sides, self.value = layer, sides, value

    def forward(self, x):
        return self.layer(torch.nn.functional.pad(x, self.sides, value=self.value))


class Residual(torch.nn.Module):
    def __init__(self, body, shortcut):
        super().__init__()
        self.body, self.shortcut = body, shortcut

    def forward(self, x):
        return self.body(x) + (self.shortcut(x) if self.shortcut else x)


def pair(text):
    numbers = [int(n) for n in text.split("x")]
    return numbers if len(numbers) == 2 else numbers * 2


def options_of(words):
    """(values, {option: value}) of an item's words; a word alone has the value None."""
    values, options, words = [], {}, list(words)
    while words and re.match(r"\d", words[0]):
        values.append(words.pop(0))
    while words:
        name = words.pop(0)
        options[name] = words.pop(0) if words and name in ("stride", "pad", "ties") else None
    return values, options


class Builder:
    """Items of a network to modules, with the tensors of a model; counts layers in the notation's order."""

    def __init__(self, tensors, image):
        self.tensors, self.shape, self.counts = tensors, tuple(image), {}

    def fill(self, layer, kind, **keys):
        """Name the layer, and copy its tensors: PyTorch's name = lamina's."""
        self.counts[kind] = self.counts.get(kind, 0) + 1
        layer.lamina_name = f"{kind}{self.counts[kind]}"
        for key, name in keys.items():
            value = torch.from_numpy(self.tensors[f"{layer.lamina_name}.{name}"].astype(np.float64))
            target = getattr(layer, key)
            assert target.shape == value.shape, (layer.lamina_name, key, target.shape, value.shape)
            target.data = value
        return layer

    def conv(self, values, options):
        kernel, stride = pair(values[1]), pair(options.get("stride", "1"))
        pad = options.get("pad", "same")
        if pad == "same":
            sides = [(kernel[1] - 1) // 2, kernel[1] // 2, (kernel[0] - 1) // 2, kernel[0] // 2]
        else:
            high, wide = (0, 0) if pad == "valid" else pair(pad)
            sides = [wide, wide, high, high]
        bias = "nobias" not in options
        layer = torch.nn.Conv2d(self.shape[0], int(values[0]), kernel, stride, bias=bias)
        keys = {"weight": "weight", "bias": "bias"} if bias else {"weight": "weight"}
        return Padded(self.fill(layer, "conv", **keys), sides)

    def pool(self, kind, values, options):
        if "global" in options:
            return torch.nn.AvgPool2d(self.shape[1:])
        window = pair(values[0])
        stride, pad = pair(options.get("stride", values[0])), pair(options.get("pad", "0"))
        sides = [pad[1], pad[1], pad[0], pad[0]]
        if kind == "avgpool":
            return Padded(torch.nn.AvgPool2d(window, stride), sides)
        return Padded(torch.nn.MaxPool2d(window, stride), sides, -torch.inf)

    def layer(self, item):
        kind, *words = item.split()
        values, options = options_of(words)
        norm = {"weight": "gamma", "bias": "beta"}
        if kind == "conv":
            return self.conv(values, options)
        if kind in ("maxpool", "avgpool"):
            return self.pool(kind, values, options)
        if kind == "batchnorm":
            layer = torch.nn.BatchNorm2d(self.shape[0], momentum=0.1)
            layer.pixels = self.shape[1] * self.shape[2]
            return self.fill(layer, kind, **norm, running_mean="running_mean", running_var="running_var")
        if kind in ("groupnorm", "layernorm"):
            groups = int(values[0]) if values else 1
            return self.fill(torch.nn.GroupNorm(groups, self.shape[0]), kind, **norm)
        if kind == "affine":
            layer = torch.nn.Linear(int(np.prod(self.shape)), int(values[0]))
            return torch.nn.Sequential(torch.nn.Flatten(), self.fill(layer, kind, weight="weight", bias="bias"))
        return torch.nn.Flatten() if kind == "flatten" else ACTIVATIONS[kind](*values)

    def item(self, item):
        if isinstance(item, str):
            return self.layer(item)
        before = self.shape
        body = self.chain(item[0])
        if len(item) == 1:
            return Residual(body, None)
        self.shape = before
        return Residual(body, self.chain(item[1]))

    def chain(self, items):
        modules = []
        for item in items:
            before = self.shape
            module = self.item(item).double().eval()
            with torch.no_grad():
                self.shape = tuple(module(torch.zeros(1, *before, dtype=torch.float64)).shape[1:])
            modules.append(module)
        return torch.nn.Sequential(*modules)


def text_of(items):
    return " - ".join(item if isinstance(item, str) else "residual {" + " | ".join(map(text_of, item)) + "}"
                      for item in items)


# ---- random networks -------------------------------------------------------------------------------------------------

def random_net(rng):
    """(image, items): chains whose sizes always fit. A residual block is a tuple of its chain and its shortcut."""
    channels, h, w = (int(v) for v in rng.integers((1, 5, 5), (5, 11, 11)))
    image = (channels, h, w)
    size = lambda low, high: "x".join(str(v) for v in rng.integers(low, high + 1, 2))
    norms = lambda c: ["batchnorm", "layernorm", f"groupnorm {rng.choice([g for g in range(1, c + 1) if c % g == 0])}"]
    items = []
    for _ in range(rng.integers(1, 4)):
        c = int(rng.integers(2, 7))
        kind = rng.integers(4)
        if kind == 0 and items:
            k = size(1, 3)
            items.append(([f"conv {channels} {k}", "batchnorm", "relu", f"conv {channels} {k} nobias"],))
        elif kind == 1:
            items.append(([f"conv {c} 3x3 stride 2", "relu", f"conv {c} 3x2"], [f"conv {c} 1x1 stride 2"]))
            channels = c
        else:
            pad = rng.choice(["", " pad same", " pad " + size(1, 2)])
            items.append(f"conv {c} {size(1, 3)} stride {size(1, 2)}{pad}" + rng.choice(["", " nobias"]))
            channels = c
        items += [str(rng.choice(norms(channels)))] if rng.integers(3) else []
        items.append(str(rng.choice(["relu", "tanh", "leakyrelu 0.2"])))
    pool = [f"maxpool {size(1, 2)} stride {size(1, 2)}", "maxpool 3 stride 2 pad 1", "avgpool 3x2 stride 1x2 pad 1x1",
            "avgpool global"]
    return image, items + [str(rng.choice(pool)), f"affine {CLASSES}"]


def write_arrays(folder, rng, image):
    """Returns (x, y) of the training and the test part."""
    parts, arrays = [], {}
    for part in ("train", "test"):
        x = rng.normal(size=(SAMPLES, *image))
        y = np.arange(SAMPLES) % CLASSES
        arrays[f"x_{part}"], arrays[f"y_{part}"] = x, y.astype(np.uint8)
        parts.append((torch.from_numpy(x), torch.from_numpy(y)))
    path = os.path.join(folder, "images.npz")
    np.savez(path, **arrays)
    return path, parts


def compare(folder, rng, image, items, rule="momentum"):
    notation = text_of(items) + " - softmax"
    path, (train, test) = write_arrays(folder, rng, image)
    loss = lambda part: lambda net: torch.nn.functional.cross_entropy(net(part[0]), part[1])
    build = lambda _, tensors, __: Builder(tensors, image).chain(items)
    start = ["--preprocess", "none"]
    worst, run, net, _ = compare_training(folder, notation, path, SAMPLES, None, loss(train), rule, lr=0.02,
                                          start=start, build=build)
    tensors = {f"{layer.lamina_name}.{key}": value for layer in net.modules() if hasattr(layer, "lamina_name")
               for key, value in layer.state_dict().items()}
    result = lamina_json("eval", run, "--data", path, "--split", "test")
    net.eval()
    if not any("running" in name for name in tensors):  # running variances are fed differently: peer.torch_tensors
        with torch.no_grad():
            worst = max(worst, assert_close((notation, "test"), result["loss"], loss(test)(net).item()))
    report(f"{'x'.join(map(str, image))}: {notation}", worst)


COURSE = [  # conv - relu - pool - affine - relu - affine, and two residual blocks of ResNet-20
    ((3, 8, 8), ["conv 6 7x7", "relu", "maxpool 2x2", "affine 10", "relu", f"affine {CLASSES}"]),
    ((3, 9, 9), ["conv 4 3x3 nobias", "batchnorm", "relu",
                 (["conv 4 3x3 nobias", "batchnorm", "relu", "conv 4 3x3 nobias", "batchnorm"],), "relu",
                 (["conv 8 3x3 stride 2 nobias", "batchnorm", "relu", "conv 8 3x3 nobias", "batchnorm"],
                  ["conv 8 1x1 stride 2 nobias", "batchnorm"]), "relu", "avgpool global", f"affine {CLASSES}"]),
]


def check(folder):
    rng = np.random.default_rng(4)
    for image, items in COURSE:
        for rule in ("sgd", "adam"):
            compare(folder, rng, image, items, rule)
    for _ in range(NETS):
        compare(folder, rng, *random_net(rng))
