"""Answers: the formats of `lamina predict` agree, and the measures of `lamina eval` are scikit-learn's.

On scikit-learn's own data sets, and in both number types: csv and npy hold the same numbers to the bit, json 12
digits of what is a double also where scores are floats."""
import csv, json, os

import numpy as np
from sklearn import datasets, metrics

from peer import assert_close, lamina, lamina_json, report

DIGITS = 1e-11  # relative to 1: of 12 printed


def write_csv(path, x, columns):
    with open(path, "w", newline="") as f:
        out = csv.writer(f)
        out.writerow([f"x{j}" for j in range(x.shape[1])] + list(columns))
        for i in range(len(x)):
            out.writerow([repr(float(v)) for v in x[i]] + [v[i] if isinstance(v[i], str) else repr(float(v[i]))
                                                           for v in columns.values()])


def expected_numbers(loss, scores, raw):
    """What the numbers of a row are, of the network's scores (docs/cli.md)."""
    if raw or loss in ("svm", "mse"):
        return scores
    if loss == "softmax":
        p = np.exp(scores - scores.max(1, keepdims=True))
        return p / p.sum(1, keepdims=True)
    p = 1 / (1 + np.exp(-scores))
    return np.hstack([1 - p, p]) if scores.shape[1] == 1 else p


def check_formats(folder, what, run, path, dtype, loss, names, truth, raw):
    """truth: class names, or the numbers to predict, by row."""
    args = [run, "--data", path, "--split", "train", *(["--scores"] if raw else [])]
    npy, out = os.path.join(folder, "a.npy"), os.path.join(folder, "a.csv")
    lamina("predict", *args, "--format", "npy", "-o", npy)
    lamina("predict", *args, "--format", "csv", "-o", out)
    scores_file = os.path.join(folder, "scores.npy")
    lamina("predict", run, "--data", path, "--split", "train", "--scores", "--format", "npy", "-o", scores_file)
    array, scores = np.load(npy), np.load(scores_file)
    assert array.dtype == {"f32": np.float32, "f64": np.float64}[dtype], array.dtype
    rounding = 1e-7 if dtype == "f32" else 1e-11
    worst = assert_close(what, array, expected_numbers(loss, scores.astype(np.float64), raw), rounding)

    with open(out, newline="") as f:
        rows = list(csv.DictReader(f))
    piped = lamina("predict", *args, "--format", "csv")
    with open(out) as f:
        assert piped == f.read(), what
    classes = isinstance(truth[0], str)
    single = raw and array.shape[1] == 1 and classes
    columns = ["score"] if single else names
    extra = ["class", "true class"] if classes else []
    true = [] if classes else [f"true {name}" for name in names]
    assert list(rows[0]) == ["index", *extra, *columns, *true], (what, list(rows[0]))
    assert [int(row["index"]) for row in rows] == list(range(len(array))), what
    from_csv = np.array([[row[name] for name in columns] for row in rows], dtype=np.float64).astype(array.dtype)
    assert (from_csv == array).all(), (what, "csv and npy")

    found = json.loads(lamina("predict", *args, "--format", "json", "--proba"))
    assert found == json.loads(lamina("predict", *args, "--json", "--proba")), what
    assert found["columns"] == columns, (what, found["columns"])
    kind = "values" if loss == "mse" else "scores" if raw or loss == "svm" else "probabilities"
    assert_close((what, "json"), [p[kind] for p in found["predictions"]], array, rounding)
    text = [line.split("\t") for line in lamina("predict", *args, "--proba").splitlines()]
    start = 2 if classes else 1
    from_text = np.array([line[start:start + len(columns)] for line in text], dtype=np.float64)
    assert_close((what, "text"), from_text, array, 1e-4)
    if not classes:
        assert_close((what, "targets"), [p["targets"] for p in found["predictions"]], truth, DIGITS)
        assert_close((what, "true numbers"), [[float(row[name]) for name in true] for row in rows], truth, 1e-6)
        report(what, worst)
        return array
    best = [names[int(s[0] > 0)] if len(s) == 1 else names[s.argmax()] for s in scores]
    for at, answers in enumerate(([row["class"] for row in rows], [p["class"] for p in found["predictions"]],
                                  [line[1] for line in text])):
        assert answers == best, (what, at)
    assert [row["true class"] for row in rows] == [p["label"] for p in found["predictions"]] == list(truth), what
    shown = [p["score" if kind == "scores" else "probability"] for p in found["predictions"]]
    of_best = array[:, 0] if single else [row[names.index(b)] for row, b in zip(array, best)]
    assert_close((what, "of the class"), shown, of_best, rounding)
    report(what, worst)
    return best


def check_classes(what, run, names, truth, answers):
    result = lamina_json("eval", run)
    assert_close((what, "accuracy"), result["accuracy"], metrics.accuracy_score(truth, answers), DIGITS)
    recalls = metrics.recall_score(truth, answers, labels=names, average=None, zero_division=0)
    assert_close((what, "recall"), [c["accuracy"] for c in result["per_class"]], recalls, DIGITS)
    matrix = metrics.confusion_matrix(truth, answers, labels=names)
    assert [c["right"] for c in result["per_class"]] == list(matrix.diagonal()), what
    lines = lamina("eval", run, "-v").split("true \\ answer")[1].splitlines()[1:]
    printed = [[int(n) for n in line.split()[-len(names):]] for line in lines if line.strip()]
    assert printed == matrix.tolist(), (what, printed)


def check_values(what, run, truth, predicted):
    result = lamina_json("eval", run)
    scale = np.abs(truth).max()
    assert_close((what, "r2"), result["r2"], metrics.r2_score(truth, predicted), 1e-9)
    each = metrics.mean_squared_error(truth, predicted, multioutput="raw_values")
    for key, value in (("rmse", each.mean() ** 0.5), ("mae", metrics.mean_absolute_error(truth, predicted))):
        assert_close((what, key), result[key] / scale, value / scale, 1e-9)
    targets = result["per_target"]
    assert_close((what, "r2 of each"), [t["r2"] for t in targets],
                 metrics.r2_score(truth, predicted, multioutput="raw_values"), 1e-9)
    assert_close((what, "rmse of each"), [t["rmse"] for t in targets], each ** 0.5, 1e-9)
    assert_close((what, "mae of each"), [t["mae"] for t in targets],
                 metrics.mean_absolute_error(truth, predicted, multioutput="raw_values"), 1e-9)


def train(folder, notation, path, dtype, *options):
    run = os.path.join(folder, f"run{len(os.listdir(folder))}")
    lamina("train", notation, "--data", path, "--dtype", dtype, "--epochs", 6, "--batch", 16, "-q", *options, "-o", run)
    return run


def check(folder):
    wine, cancer, sports = datasets.load_wine(), datasets.load_breast_cancer(), datasets.load_linnerud()
    diabetes = datasets.load_diabetes()
    path = os.path.join(folder, "data.csv")
    for dtype in ("f32", "f64"):
        names = ["red, dry", "ros\u00e9", "white \"new\""]
        truth = [names[c] for c in wine.target]
        write_csv(path, wine.data, {"class": truth})
        for loss in ("softmax", "svm", "logistic"):
            run = train(folder, f"affine 8 - relu - affine 3 - {loss}", path, dtype, "--targets", "classes")
            for raw in (False, True):
                answers = check_formats(folder, f"wine, {loss}, {dtype}{', scores' * raw}", run, path, dtype, loss,
                                        names, truth, raw)
            check_classes(f"wine, {loss}, {dtype}", run, names, truth, answers)

        names = ["no", "yes"]
        truth = [names[c] for c in cancer.target]
        write_csv(path, cancer.data, {"class": truth})
        run = train(folder, "affine 8 - relu - affine 1 - logistic", path, dtype, "--targets", "classes")
        for raw in (False, True):
            answers = check_formats(folder, f"breast cancer, one score, {dtype}{', scores' * raw}", run, path, dtype,
                                    "logistic", names, truth, raw)
        check_classes(f"breast cancer, one score, {dtype}", run, names, truth, answers)

        labels = (wine.data[:, :2] > np.median(wine.data[:, :2], axis=0)).astype(np.float64)
        write_csv(path, wine.data[:, 2:], {"a": labels[:, 0], "b": labels[:, 1]})
        run = train(folder, "affine 8 - relu - affine 2 - logistic", path, dtype, "--label", "a,b")
        p = check_formats(folder, f"two answers, {dtype}", run, path, dtype, "logistic", ["a", "b"], labels, False)
        right = metrics.accuracy_score(labels.ravel(), (p > 0.5).ravel())
        assert_close("two answers", lamina_json("eval", run)["accuracy"], right, DIGITS)

        for name, x, y, options in (("diabetes", diabetes.data, diabetes.target[:, None], ["--scale-targets"]),
                                    ("linnerud", sports.data, sports.target, ["--scale-targets"]),
                                    ("linnerud, unscaled", sports.data, sports.target, ["--lr", 0.1])):
            names = [f"t{k}" for k in range(y.shape[1])]
            write_csv(path, x, dict(zip(names, y.T)))
            run = train(folder, f"affine 8 - tanh - affine {len(names)} - mse", path, dtype, "--label",
                        ",".join(names), *options)
            predicted = check_formats(folder, f"{name}, {dtype}", run, path, dtype, "mse", names, y, False)
            if dtype == "f64":
                check_values(name, run, y, predicted)
