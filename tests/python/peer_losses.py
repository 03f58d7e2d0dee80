"""Losses: mse, logistic, softmax and svm, with smoothing, weights of classes and samples, and scaled targets.

The data are tables. Training must agree with PyTorch's losses in weights and logged losses; `lamina eval` must give the
loss without weights and smoothing (docs/options.md)."""
import os

import numpy as np
import torch
from sklearn.utils.class_weight import compute_class_weight
from torch.nn import functional as F

from peer import assert_close, compare_training, lamina_json, report

SAMPLES, INPUTS = 48, 6
CLASSES = ["ant", "bee", "cat", "dog"]


class Table:
    """A table of inputs x0, x1 ... and the columns given; --preprocess none, so that x enters as it stands."""

    def __init__(self, folder, **columns):
        self.path = os.path.join(folder, "table.csv")
        self.x = np.random.default_rng(2).normal(size=(SAMPLES, INPUTS))
        rows = [",".join([f"x{j}" for j in range(INPUTS)] + list(columns))]
        for i in range(SAMPLES):
            cells = [repr(float(v)) for v in self.x[i]]
            cells += [v[i] if isinstance(v[i], str) else repr(float(v[i])) for v in columns.values()]
            rows.append(",".join(cells))
        with open(self.path, "w") as f:
            f.write("\n".join(rows) + "\n")


def mean(losses, weights=None):
    """Of the losses of samples: by the sum of the weights."""
    if weights is None:
        return losses.mean()
    w = torch.as_tensor(weights, dtype=torch.float64)
    return (losses * w).sum() / w.sum()


def compare(folder, what, outputs, kind, options, losses, weights=None, train_loss=None, label="y", **columns):
    """losses: of the samples, of scores; train_loss: of scores, where it is not the mean of these (by the weights)."""
    table = Table(folder, **columns)
    x = torch.from_numpy(table.x)
    data = ["--label", label, "--preprocess", "none", "--init-scale", 0.5]
    loss = train_loss or (lambda scores: mean(losses(scores), weights))
    notation = f"affine 7 - tanh - affine {outputs} - {kind}"
    for rule in ("sgd", "adam"):
        worst, run, net, _ = compare_training(folder, notation, table.path, SAMPLES, INPUTS, lambda net: loss(net(x)),
                                              rule, start=[*data, *options])
        with torch.no_grad():
            worst = max(worst, assert_close((what, "eval"), lamina_json("eval", run)["loss"], losses(net(x)).mean()))
        report(f"{kind}, {what}, {rule}", worst)
    return net


def check_mse(folder, rng, w):
    for k in (1, 3):
        names = [f"t{j}" for j in range(k)]
        t = rng.normal(size=(SAMPLES, k)) * [3, 1, 0.2][:k] + [1, -2, 0][:k]
        columns = dict(zip(names, t.T)), torch.from_numpy(t)
        label = ",".join(names)
        each = lambda scores, t=columns[1]: F.mse_loss(scores, t, reduction="none").mean(1)
        torch_loss = lambda scores, t=columns[1]: F.mse_loss(scores, t)
        compare(folder, f"{k} numbers", k, "mse", [], each, train_loss=torch_loss, label=label, **columns[0])
        compare(folder, f"{k} numbers, weights of samples", k, "mse", ["--weight", "w"], each, w, label=label, w=w,
                **columns[0])
        scaled = torch.from_numpy((t - t.mean(0)) / t.std(0))  # over n
        each = lambda scores, t=scaled: F.mse_loss(scores, t, reduction="none").mean(1)
        compare(folder, f"{k} numbers, scale-targets", k, "mse", ["--scale-targets"], each, label=label, **columns[0])


def logistic_loss(answers):
    """Of each sample, of scores."""
    t = torch.from_numpy(answers)
    return lambda scores: F.binary_cross_entropy_with_logits(scores, t, reduction="none").mean(1)


def check_logistic(folder, rng, w):
    yes = rng.integers(0, 2, SAMPLES)
    answers = torch.from_numpy(yes.astype(np.float64)[:, None])
    each = logistic_loss(answers.numpy())
    torch_loss = lambda scores: F.binary_cross_entropy_with_logits(scores, answers)
    words = ["yes" if v else "no" for v in yes]
    compare(folder, "one score, numbers 0 and 1", 1, "logistic", [], each, train_loss=torch_loss, y=yes)
    compare(folder, "one score, words", 1, "logistic", [], each, train_loss=torch_loss, y=words)
    compare(folder, "one score, weights of samples", 1, "logistic", ["--weight", "w"], each, w, y=yes, w=w)
    classes = ["--targets", "classes", "--class-weight", "yes=2.5,no=0.75"]
    by_class = np.where(yes, 2.5, 0.75)
    compare(folder, "one score, two classes with weights", 1, "logistic", classes, each, by_class, y=words)

    share = rng.random(SAMPLES)
    compare(folder, "one score, shares", 1, "logistic", [], logistic_loss(share[:, None]), y=share)

    several = rng.integers(0, 2, (SAMPLES, 3)).astype(np.float64)
    each, columns = logistic_loss(several), dict(zip("abc", several.T))
    compare(folder, "3 answers", 3, "logistic", [], each, label="a,b,c", **columns)
    compare(folder, "3 answers, weights of samples", 3, "logistic", ["--weight", "w"], each, w, label="a,b,c", w=w,
            **columns)

    y = rng.integers(0, len(CLASSES), SAMPLES)
    compare(folder, "a score for each of 4 classes", 4, "logistic", ["--targets", "classes"],
            logistic_loss(np.eye(len(CLASSES))[y]), y=[CLASSES[c] for c in y])


def check_softmax(folder, rng, w):
    y = rng.choice(len(CLASSES), SAMPLES, p=[0.1, 0.2, 0.3, 0.4])
    y[:4] = range(4)
    labels, words = torch.from_numpy(y), [CLASSES[c] for c in y]
    each = lambda scores: F.cross_entropy(scores, labels, reduction="none")
    smooth = lambda scores: F.cross_entropy(scores, labels, reduction="none", label_smoothing=0.15)
    class_weight = torch.tensor([2.5, 1, 0.5, 1], dtype=torch.float64)  # what is not named has 1
    by_name = ["--class-weight", "ant=2.5,cat=0.5"]
    torch_loss = lambda **how: lambda scores: F.cross_entropy(scores, labels, **how)
    compare(folder, "label smoothing", 4, "softmax", ["--label-smoothing", 0.15], each,
            train_loss=torch_loss(label_smoothing=0.15), y=words)
    compare(folder, "weights of classes", 4, "softmax", by_name, each, train_loss=torch_loss(weight=class_weight),
            y=words)
    balanced = torch.from_numpy(compute_class_weight("balanced", classes=np.arange(4), y=y))
    compare(folder, "balanced (scikit-learn)", 4, "softmax", ["--class-weight", "balanced"], each,
            train_loss=torch_loss(weight=balanced), y=words)
    compare(folder, "weights of samples", 4, "softmax", ["--weight", "w"], each, w, y=words, w=w)
    # PyTorch's smoothing gives each class's term that class's weight; here a sample has one weight (docs/math.md).
    both = w * class_weight.numpy()[y]
    compare(folder, "all three", 4, "softmax", ["--weight", "w", *by_name, "--label-smoothing", 0.15], each, both,
            train_loss=lambda scores: mean(smooth(scores), both), y=words, w=w)

    hinge = lambda scores: F.multi_margin_loss(scores, labels, reduction="none") * len(CLASSES)
    compare(folder, "weights of samples and classes", 4, "svm", ["--weight", "w", *by_name], hinge, both, y=words, w=w)


def check(folder):
    rng = np.random.default_rng(3)
    w = rng.uniform(0, 3, SAMPLES)
    w[5] = 0
    check_mse(folder, rng, w)
    check_logistic(folder, rng, w)
    check_softmax(folder, rng, w)
