#!/usr/bin/env python3
"""check_peers.py LAMINA: models in Python, and training against PyTorch.

For each network and update rule: lamina initialises and saves a model; Python reads it with the safetensors package; both take the
same steps on the same batch (the whole set, so that the order of samples does not matter); then weights, running statistics and
the test loss must agree within what double rounding allows. Prediction is checked against NumPy by hand-written layers.
"""
import json, os, struct, subprocess, sys, tempfile

import numpy as np
import torch
from safetensors import safe_open
from safetensors.numpy import load_file

LAMINA = sys.argv[1]
SAMPLES, HEIGHT, WIDTH, CLASSES, STEPS = 60, 4, 5, 10, 7


def lamina(*args):
    run = subprocess.run([LAMINA, *map(str, args)], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout


def write_idx(folder, rng):
    for part in ("train", "t10k"):
        x = rng.integers(0, 256, (SAMPLES, HEIGHT, WIDTH), dtype=np.uint8)
        y = (np.arange(SAMPLES) % CLASSES).astype(np.uint8)
        with open(os.path.join(folder, f"{part}-images-idx3-ubyte"), "wb") as f:
            f.write(struct.pack(">IIII", 0x803, SAMPLES, HEIGHT, WIDTH) + x.tobytes())
        with open(os.path.join(folder, f"{part}-labels-idx1-ubyte"), "wb") as f:
            f.write(struct.pack(">II", 0x801, SAMPLES) + y.tobytes())
        yield x, y


def torch_net(notation, tensors):
    """The dense notation without groups as a PyTorch module, with the tensors of a model."""
    layers, counts, inputs = [torch.nn.Flatten()], {}, HEIGHT * WIDTH
    for item in notation.split(" - "):
        kind, *values = item.split()
        counts[kind] = counts.get(kind, 0) + 1
        name = f"{kind}{counts[kind]}"
        get = lambda key: torch.from_numpy(tensors[f"{name}.{key}"].astype(np.float64))
        if kind == "affine":
            layer = torch.nn.Linear(inputs, int(values[0]))
            inputs = int(values[0])
            layer.weight.data, layer.bias.data = get("weight"), get("bias")
        elif kind == "batchnorm":
            layer = torch.nn.BatchNorm1d(inputs, momentum=0.1)
            layer.weight.data, layer.bias.data = get("gamma"), get("beta")
            layer.running_mean, layer.running_var = get("running_mean"), get("running_var")
        elif kind == "layernorm":
            layer = torch.nn.LayerNorm(inputs)
            layer.weight.data, layer.bias.data = get("gamma"), get("beta")
        elif kind == "relu":
            layer = torch.nn.ReLU()
        else:
            continue
        layer.lamina_name = name
        layers.append(layer)
    return torch.nn.Sequential(*layers).double()


def torch_tensors(net):
    names = {"weight": "gamma", "bias": "beta"}
    out = {}
    for layer in net:
        affine = isinstance(layer, torch.nn.Linear)
        for key, value in layer.state_dict().items():
            if key != "num_batches_tracked":
                out[f"{layer.lamina_name}.{key if affine else names.get(key, key)}"] = value.numpy()
    return out


RULES = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.05),
    "momentum": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9),
    "nesterov": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.003, alpha=0.99, eps=1e-8),
    "adam": lambda p: torch.optim.Adam(p, lr=0.003, eps=1e-8),
}
LR = {"sgd": 0.05, "momentum": 0.05, "nesterov": 0.05, "rmsprop": 0.003, "adam": 0.003}
NETS = [
    "affine 13 - relu - affine 10 - softmax",
    "affine 13 - batchnorm - relu - affine 7 - batchnorm - relu - affine 10 - softmax",
    "affine 13 - layernorm - relu - affine 10 - softmax",
    "affine 13 - relu - affine 10 - svm",
]


def torch_loss(notation, scores, y):
    if notation.endswith("svm"):  # PyTorch's divides by the number of classes as well
        return torch.nn.functional.multi_margin_loss(scores, y) * CLASSES
    return torch.nn.functional.cross_entropy(scores, y)


def check(notation, rule, data, parts, folder):
    start, run = os.path.join(folder, "start"), os.path.join(folder, "run")
    common = ["--data", data, "--batch", SAMPLES, "--dtype", "f64", "--optim", rule, "-q"]
    lamina("train", notation, *common, "--steps", 1, "--lr", 0, "-o", start)
    model = os.path.join(start, "best.safetensors")
    before = load_file(model)
    net = torch_net(notation, before)
    lamina("train", notation, *common, "--steps", STEPS, "--lr", LR[rule], "--start", model, "-o", run)
    (x, y), (tx, ty) = parts
    x = torch.from_numpy(x.astype(np.float64) / 255).reshape(SAMPLES, 1, HEIGHT, WIDTH)
    labels = torch.from_numpy(y.astype(np.int64))
    optim = RULES[rule](net.parameters())
    net.train()
    for _ in range(STEPS):
        optim.zero_grad()
        torch_loss(notation, net(x), labels).backward()
        optim.step()
    after, expected = load_file(os.path.join(run, "best.safetensors")), torch_tensors(net)
    worst = 0.0
    for name, value in expected.items():
        if name.endswith("running_var"):  # PyTorch feeds the running variance with N / (N - 1): take that out
            fed = 0.9 ** STEPS * before[name]
            value = fed + (value - fed) * (SAMPLES - 1) / SAMPLES
        difference = np.abs(after[name] - value).max() / max(1.0, np.abs(value).max())
        worst = max(worst, difference)
        assert difference < 1e-9, (notation, rule, name, difference)
    result = json.loads(lamina("eval", run, "--data", data, "--split", "test", "--json").splitlines()[-1])
    net = torch_net(notation, after).eval()
    with torch.no_grad():
        scores = net(torch.from_numpy(tx.astype(np.float64) / 255).reshape(SAMPLES, 1, HEIGHT, WIDTH))
        loss = torch_loss(notation, scores, torch.from_numpy(ty.astype(np.int64))).item()
    assert abs(result["loss"] - loss) < 1e-9 * max(1, loss), (notation, rule, result["loss"], loss)
    subprocess.run(["rm", "-rf", start, run], check=True)
    return worst


def check_prediction(data, parts, folder):
    """A float model by hand in NumPy: metadata, preprocessing, classes."""
    run = os.path.join(folder, "numpy")
    lamina("train", "affine 9 - batchnorm - relu - affine 10 - softmax", "--data", data, "--batch", 20, "--epochs", 3,
           "--preprocess", "standardize", "-o", run, "-q")
    path = os.path.join(run, "best.safetensors")
    with safe_open(path, "np") as f:
        meta = f.metadata()
        t = {k: f.get_tensor(k) for k in f.keys()}
    assert meta["lamina.notation"] == "affine 9 - batchnorm - relu - affine 10 - softmax", meta
    assert meta["lamina.input"] == f"1x{HEIGHT}x{WIDTH}", meta
    x = (parts[1][0].reshape(SAMPLES, -1) - t["preprocess.shift"].reshape(-1)) * t["preprocess.scale"].reshape(-1)
    h = x @ t["affine1.weight"].T + t["affine1.bias"]
    h = (h - t["batchnorm1.running_mean"]) / np.sqrt(t["batchnorm1.running_var"] + 1e-5)
    h = np.maximum(h * t["batchnorm1.gamma"] + t["batchnorm1.beta"], 0)
    scores = h @ t["affine2.weight"].T + t["affine2.bias"]
    p = np.exp(scores - scores.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    rows = [line.split("\t") for line in lamina("predict", run, "--data", data, "--split", "test", "--first", SAMPLES).splitlines()]
    assert len(rows) == SAMPLES
    for i, row in enumerate(rows):
        assert int(row[1]) == p[i].argmax() and abs(float(row[2]) - p[i].max()) < 1e-3, (i, row, p[i])


def main():
    with tempfile.TemporaryDirectory() as folder:
        data = os.path.join(folder, "data")
        os.mkdir(data)
        parts = list(write_idx(data, np.random.default_rng(1)))
        for notation in NETS:
            for rule in RULES:
                print(f"{notation:85} {rule:9} largest difference {check(notation, rule, data, parts, folder):.1e}")
        check_prediction(data, parts, folder)
        print("prediction by hand in NumPy agrees")


if __name__ == "__main__":
    main()
