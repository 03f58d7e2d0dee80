#!/usr/bin/env python3
"""lamina beside scikit-learn's MLPClassifier and MLPRegressor on tables: the same net, folds and training, side by side.

usage: tabular.py LAMINA [--folds 5] [--seeds 3]

Classification is trained by lamina twice: with the same loss as scikit-learn's, and with label smoothing 0.1, which
scikit-learn does not have. The regression has its targets scaled in both.

Each data set that comes with scikit-learn is written as csv files, a training and a test file per fold. scikit-learn's
time is that of fit() and score() alone, in its own process with the data in memory; lamina's is that of the whole program,
from its start over reading the csv to its end. Folds alternate between the two, so that both see the same machine.
"""
import argparse, json, os, statistics, subprocess, tempfile, time, warnings

import numpy as np
from sklearn import datasets
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

SETS = {  # name: loader, regression
    "digits": (datasets.load_digits, False),
    "wine": (datasets.load_wine, False),
    "breast cancer": (datasets.load_breast_cancer, False),
    "diabetes": (datasets.load_diabetes, True),
}
RUNS = ("lamina", "smooth", "sklearn")
EPOCHS, BATCH, LR, L2 = 200, 200, 1e-3, 1e-4  # scikit-learn's defaults; its alpha is divided by the batch


def write_csv(path, x, y):
    with open(path, "w") as f:
        f.write(",".join([f"x{i}" for i in range(x.shape[1])] + ["target"]) + "\n")
        for row, target in zip(x, y):
            f.write(",".join(repr(float(v)) for v in row) + f",{target}\n")


def by_sklearn(train, test, regression, seed):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        if regression:
            net = TransformedTargetRegressor(
                make_pipeline(StandardScaler(), MLPRegressor(hidden_layer_sizes=(100,), random_state=seed)), transformer=StandardScaler()
            )
        else:
            net = make_pipeline(StandardScaler(), MLPClassifier(hidden_layer_sizes=(100,), random_state=seed))
        start = time.perf_counter()
        net.fit(*train)
        score = net.score(*test)
    return score, time.perf_counter() - start


def by_lamina(program, folder, count, regression, seed, more=()):
    batch = min(BATCH, count)
    net = "affine 100 - relu - affine - " + ("mse" if regression else "softmax")
    command = [program, "train", net, "--data", f"{folder}/train.csv", "--test", f"{folder}/test.csv", "--no-save", "-q",
               "--json", "--epochs", str(EPOCHS), "--batch", str(batch), "--lr", str(LR), "--l2", str(L2 / batch),
               "--seed", str(seed), *more]  # fmt: skip
    if regression:
        command += ["--scale-targets"]
    start = time.perf_counter()
    out = subprocess.run(command, capture_output=True, text=True)
    seconds = time.perf_counter() - start
    if out.returncode:
        raise SystemExit(out.stderr)
    result = json.loads(out.stdout.splitlines()[-1])
    return result["test_r2" if regression else "test_accuracy"], seconds


def main():
    args = argparse.ArgumentParser()
    args.add_argument("lamina")
    args.add_argument("--folds", type=int, default=5)
    args.add_argument("--seeds", type=int, default=3)
    a = args.parse_args()
    print(f"{'data set':14} {'samples':>7} {'measure':>8}  {'lamina':>7} {'smooth':>7} {'sklearn':>7}  {'lamina s':>8} "
          f"{'sklearn s':>9} {'ratio':>6}")  # fmt: skip
    for name, (load, regression) in SETS.items():
        x, y = load(return_X_y=True)
        score, seconds = {k: [] for k in RUNS}, {k: [] for k in RUNS}
        for seed in range(a.seeds):
            split = (KFold if regression else StratifiedKFold)(a.folds, shuffle=True, random_state=seed)
            for train, test in split.split(x, y):
                with tempfile.TemporaryDirectory() as folder:
                    write_csv(os.path.join(folder, "train.csv"), x[train], y[train])
                    write_csv(os.path.join(folder, "test.csv"), x[test], y[test])
                    lamina = lambda *more: by_lamina(a.lamina, folder, len(train), regression, seed, more)
                    results = {"lamina": lamina()}
                    if not regression:
                        results["smooth"] = lamina("--label-smoothing", "0.1")
                results["sklearn"] = by_sklearn((x[train], y[train]), (x[test], y[test]), regression, seed)
                for key, (value, took) in results.items():
                    score[key].append(value)
                    seconds[key].append(took)
        mean = {k: f"{np.mean(v):.4f}" if v else "" for k, v in score.items()}
        median = {k: statistics.median(v) for k, v in seconds.items() if v}
        print(f"{name:14} {len(x):7} {'R2' if regression else 'accuracy':>8}  {mean['lamina']:>7} {mean['smooth']:>7} "
              f"{mean['sklearn']:>7}  {median['lamina']:8.3f} {median['sklearn']:9.3f} "
              f"{median['sklearn'] / median['lamina']:5.1f}x")  # fmt: skip


if __name__ == "__main__":
    main()
