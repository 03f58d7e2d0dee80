"""Layers and update rules: weights, running statistics and losses after a few steps, and the loss on a test part."""
import os, struct

import numpy as np
import torch
from safetensors import safe_open

from peer import ACTIVATIONS, STEPS, assert_close, compare_training, lamina, lamina_json, report

SAMPLES, HEIGHT, WIDTH, CLASSES = 60, 4, 5, 10
INPUTS = HEIGHT * WIDTH
NETS = [
    "affine 13 - relu - affine 10 - softmax",
    "affine 13 - batchnorm - relu - affine 7 - batchnorm - relu - affine 10 - softmax",
    "affine 13 - layernorm - relu - affine 10 - softmax",
    "affine 13 - relu - affine 10 - svm",
]
RULES = ["sgd", "momentum", "nesterov", "rmsprop", "adam"]  # adamw, muon: peer_updates.py
LAYERS = ["leakyrelu", "leakyrelu 0.3", "elu", "elu 0.7", "gelu", "gelu tanh", "silu", "sigmoid", "tanh"]


def write_idx(folder):
    """Returns (images, labels) of the training and the test part, images as rows in [0, 1]."""
    rng, parts = np.random.default_rng(1), []
    for part in ("train", "t10k"):
        x = rng.integers(0, 256, (SAMPLES, HEIGHT, WIDTH), dtype=np.uint8)
        y = (np.arange(SAMPLES) % CLASSES).astype(np.uint8)
        with open(os.path.join(folder, f"{part}-images-idx3-ubyte"), "wb") as f:
            f.write(struct.pack(">IIII", 0x803, SAMPLES, HEIGHT, WIDTH) + x.tobytes())
        with open(os.path.join(folder, f"{part}-labels-idx1-ubyte"), "wb") as f:
            f.write(struct.pack(">II", 0x801, SAMPLES) + y.tobytes())
        parts.append((torch.from_numpy(x.reshape(SAMPLES, INPUTS) / 255), torch.from_numpy(y.astype(np.int64))))
    return parts


def loss_of(notation, part):
    x, y = part
    if notation.endswith("svm"):  # PyTorch's divides by the number of classes as well
        return lambda net: torch.nn.functional.multi_margin_loss(net(x), y) * CLASSES
    return lambda net: torch.nn.functional.cross_entropy(net(x), y)


def compare(folder, notation, rule, start=()):
    data = os.path.join(folder, "data")
    os.makedirs(data, exist_ok=True)
    train, test = write_idx(data)
    worst, run, net, _ = compare_training(folder, notation, data, SAMPLES, INPUTS, loss_of(notation, train), rule,
                                          start=start)
    result = lamina_json("eval", run, "--data", data, "--split", "test")
    net.eval()
    for layer in net:  # lamina's running variance was fed with the variance itself: see peer.torch_tensors
        if isinstance(layer, torch.nn.BatchNorm1d):
            fed = 0.9 ** STEPS
            layer.running_var = fed + (layer.running_var - fed) * (SAMPLES - 1) / SAMPLES
    with torch.no_grad():
        worst = max(worst, assert_close((notation, rule, "test"), result["loss"], loss_of(notation, test)(net).item()))
    report(f"{notation}, {rule}", worst)


def check_prediction(folder):
    """A float model by hand in NumPy: metadata, preprocessing, classes."""
    data, run = os.path.join(folder, "data"), os.path.join(folder, "numpy")
    _, (x, _) = write_idx(data)
    notation = "affine 9 - batchnorm - relu - affine 10 - softmax"
    lamina("train", notation, "--data", data, "--batch", 20, "--epochs", 3, "--preprocess", "standardize", "-o", run,
           "-q")
    with safe_open(os.path.join(run, "best.safetensors"), "np") as f:
        meta, t = f.metadata(), {k: f.get_tensor(k) for k in f.keys()}
    assert meta["lamina.notation"] == notation, meta
    assert meta["lamina.input"] == f"1x{HEIGHT}x{WIDTH}", meta
    x = np.rint(x.numpy() * 255)
    x = (x - t["preprocess.shift"].reshape(-1)) * t["preprocess.scale"].reshape(-1)
    h = x @ t["affine1.weight"].T + t["affine1.bias"]
    h = (h - t["batchnorm1.running_mean"]) / np.sqrt(t["batchnorm1.running_var"] + 1e-5)
    h = np.maximum(h * t["batchnorm1.gamma"] + t["batchnorm1.beta"], 0)
    scores = h @ t["affine2.weight"].T + t["affine2.bias"]
    p = np.exp(scores - scores.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    lines = lamina("predict", run, "--data", data, "--split", "test", "--first", SAMPLES).splitlines()
    rows = [line.split("\t") for line in lines]
    assert [int(row[1]) for row in rows] == list(p.argmax(1))
    assert_close("probabilities as text", [float(row[2]) for row in rows], p.max(1), 1e-3)
    print("prediction by hand in NumPy agrees")


def check(folder):
    assert {layer.split()[0] for layer in LAYERS} | {"relu"} == set(ACTIVATIONS)
    for notation in NETS:
        for rule in RULES:
            compare(folder, notation, rule)
    for layer in LAYERS:  # init-scale: inputs of the activation from about -8 to 8
        for rule in ("sgd", "adam"):
            notation = f"affine 13 - {layer} - affine 11 - {layer} - affine 10 - softmax"
            compare(folder, notation, rule, ["--init-scale", 1])
    check_prediction(folder)
