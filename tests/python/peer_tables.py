"""Reading: tables by pandas and NumPy, arrays by NumPy, against what a linear network predicts.

What lamina read is seen through `affine 3 - mse`: its predictions must be x W^T + b with the weights of the model file
and the x that Python makes of the same file, by the rules of docs/data.md."""
import gzip, os

import numpy as np
import pandas as pd
from safetensors.numpy import load_file
from sklearn.preprocessing import StandardScaler

from peer import assert_close, lamina, report

ROWS, OUTPUTS = 80, 3
NETWORK = f"affine {OUTPUTS} - mse"
MISSING = ["", "NA", "nan", "NULL", "?"]
TARGETS = [f"t{k}" for k in range(OUTPUTS)]
INPUTS = ["size", "colour, name", "code", "same", "far"]
TOLERANCE = 1e-11


def write_table(path, separator=",", header=True):
    """Numbers and categories with missing cells, quotes, categories that are numbers, an input that never changes, one
    whose mean is large beside its deviation, a column to leave out, and the targets."""
    rng = np.random.default_rng(4)
    colours = ["red", '"dark" blue', "green", "Red", "grün"]
    rows = [["id", *INPUTS, *TARGETS]] if header else []
    for i in range(ROWS):
        size = MISSING[i // 10 % 5] if i % 10 == 3 else repr(float(rng.normal(5, 2)))
        colour = MISSING[i // 20 % 5] if i % 20 == 7 else colours[rng.integers(5)]
        cells = [f"row{i}", size, colour, str(rng.choice([1, 2, 10])), "7", repr(float(1e6 + rng.normal()))]
        rows.append(cells + [repr(float(rng.normal())) for _ in TARGETS])
    quote = lambda cell: '"' + cell.replace('"', '""') + '"' if set(cell) & {separator, '"', " "} else cell
    text = "\r\n".join(separator.join(map(quote, row)) for row in rows) + "\r\n"
    with (gzip.open if path.endswith(".gz") else open)(path, "wb") as f:
        f.write(text.encode())


def read_frame(path, separator=",", header=True):
    names = {} if header else {"names": ["id", *INPUTS, *TARGETS], "header": None}
    return pd.read_csv(path, sep=separator, keep_default_na=False, na_values=MISSING, float_precision="round_trip",
                       **names)


def columns_by_hand(frame, train, one_hot=("colour, name",), rule="mean", known=None):
    """The inputs as lamina makes them; train: the rows that means and categories come from; or those of `known`."""
    known = frame[train] if known is None else known
    parts = []
    for name in INPUTS:
        column, source = frame[name], known[name]
        if name in one_hot or not pd.api.types.is_numeric_dtype(source):
            texts, source = column.astype(object), source.astype(object)
            order = lambda v: v.encode() if isinstance(v, str) else v  # text by its bytes, numbers by value
            categories = [str(v) for v in sorted({v for v in source if not pd.isna(v)}, key=order)]
            if name in one_hot:  # missing, or unknown: all 0
                parts += [[float(not pd.isna(v) and str(v) == c) for v in texts] for c in categories]
                continue
            number = {c: float(i) for i, c in enumerate(categories)}
            column = pd.Series([number.get(str(v), np.nan) for v in texts], index=frame.index)
            source = pd.Series([number.get(str(v), np.nan) for v in source], index=known.index)
        parts.append(column.fillna(source.mean() if rule == "mean" else 0.0).to_numpy(dtype=np.float64))
    return np.array(parts).T


def standardize(x, train):
    """With n, not n - 1; a column that never changes keeps its scale."""
    scaler = StandardScaler().fit(x[train])
    return (x - scaler.mean_) / scaler.scale_, scaler


def fit(folder, data, *options):
    run = os.path.join(folder, "run")
    lamina("train", NETWORK, "--data", data, "--dtype", "f64", "--epochs", 1, "--batch", 16, "--init-scale", 1, "-q",
           *options, "-o", run)
    tensors = load_file(os.path.join(run, "best.safetensors"))
    os.rename(run, run := os.path.join(folder, f"run{len(os.listdir(folder))}"))
    return run, tensors


def predict(folder, run, *args):
    out = os.path.join(folder, "out.npy")
    lamina("predict", run, *args, "--format", "npy", "-o", out)
    return np.load(out)


def compare(what, folder, run, tensors, x, *args):
    expected = x @ tensors["affine1.weight"].T + tensors["affine1.bias"]
    report(what, assert_close(what, predict(folder, run, *args), expected, TOLERANCE))


def check_table(folder, what, options, path, one_hot=("colour, name",), rule="mean", last=0, separator=",",
                header=True):
    """last: rows taken off as the validation part, which means and deviations do not see."""
    write_table(path, separator, header)
    frame = read_frame(path, separator, header)
    train = np.arange(len(frame)) < len(frame) - last
    if rule == "drop":  # from the training; each row is predicted
        train = frame.notna().all(axis=1).to_numpy()
        assert 0 < train.sum() < ROWS
    x = columns_by_hand(frame, train, one_hot, "zero" if rule == "zero" else "mean")
    x, scaler = standardize(x, train)
    label = ",".join(TARGETS) if header else "-3,-2,-1"
    run, tensors = fit(folder, path, "--label", label, "--ignore", "id" if header else 0, *options)
    assert_close((what, "mean"), tensors["preprocess.shift"], scaler.mean_, TOLERANCE)
    assert_close((what, "deviation"), 1 / tensors["preprocess.scale"], scaler.scale_, TOLERANCE)
    compare(what, folder, run, tensors, x if rule == "drop" else x[train], "--data", path, "--split", "train")
    if last:
        compare(f"{what}, validation part", folder, run, tensors, x[~train], "--data", path, "--split", "val")
    return run, tensors, frame, train, scaler


def check_later_table(folder, run, tensors, frame, train, scaler):
    """Columns in another order, more and fewer of them, missing cells, and a category that training did not have."""
    known, later = frame[train], frame[INPUTS].iloc[:12].copy()
    later.loc[0, "colour, name"] = "never seen"
    later.loc[1:3, "size"] = np.nan
    later["more"] = "text"
    path = os.path.join(folder, "later.csv")
    later[["far", "more", *reversed(INPUTS[:-1])]].to_csv(path, index=False)
    x = columns_by_hand(later, None, known=known)
    compare("a later table", folder, run, tensors, (x - scaler.mean_) / scaler.scale_, path)


def check_parts_of_table(folder):
    """A folder of tables, of which a test part is taken off too: means are those of what is left for training."""
    tables, names = os.path.join(folder, "tables"), ("train", "val")
    os.mkdir(tables)
    for name in names:
        write_table(os.path.join(tables, name + ".csv"))
    frame = read_frame(os.path.join(tables, "train.csv"))
    frame.iloc[::-1].to_csv(os.path.join(tables, "val.csv"), index=False)
    train = np.arange(ROWS) < ROWS - 25
    x, _ = standardize(columns_by_hand(frame, train), train)
    run, tensors = fit(folder, tables, "--label", ",".join(TARGETS), "--ignore", "id", "--test", "last:25")
    for part, rows in (("train", x[train]), ("test", x[~train]), ("val", x[::-1])):
        compare(f"a folder of tables, {part}", folder, run, tensors, rows, "--data", tables, "--split", part)


def check_tables(folder):
    path = lambda name: os.path.join(folder, name)
    check_table(folder, "csv", [], path("a.csv"))
    later = check_table(folder, "csv, --val last:30", ["--val", "last:30"], path("b.csv"), last=30)
    check_later_table(folder, *later)
    check_table(folder, "csv, --missing zero", ["--missing", "zero"], path("c.csv"), rule="zero")
    check_table(folder, "csv, --missing drop", ["--missing", "drop"], path("d.csv"), rule="drop")
    check_table(folder, "csv, --one-hot none", ["--one-hot", "none"], path("e.csv"), one_hot=())
    check_table(folder, "csv, --one-hot of two columns", ["--one-hot", "2,code"], path("f.csv"),
                one_hot=("colour, name", "code"))
    check_table(folder, "tsv.gz", [], path("g.tsv.gz"), separator="\t")
    check_table(folder, "semicolons, no header", [], path("h.csv"), separator=";", header=False)
    check_parts_of_table(folder)


# ---- arrays ----------------------------------------------------------------------------------------------------------


def check_arrays(folder):
    rng = np.random.default_rng(5)
    t = rng.normal(size=(ROWS, OUTPUTS))
    rows = rng.integers(-100, 100, (ROWS, 6))
    images = rng.integers(0, 256, (ROWS, 5, 4, 3), dtype=np.uint8)  # N, H, W, C
    cases = {
        "f8": rows / 7,
        "f8, Fortran order": np.asfortranarray(rows / 7),
        "f4, big-endian": (rows / 7).astype(">f4"),
        "f2": (rows / 7).astype(np.float16),
        "i2": rows.astype(np.int16),
        "i8, big-endian": rows.astype(">i8"),
        "bool": rows > 0,
        "u1": rng.integers(0, 256, (ROWS, 6), dtype=np.uint8),
        "images, channels last": images,
        "images, channels first": np.moveaxis(images, 3, 1),
        "grey images of f4": rng.normal(size=(ROWS, 5, 4)).astype(np.float32),
    }
    for name, x in cases.items():
        inputs = (np.moveaxis(x, 3, 1) if name == "images, channels last" else x).reshape(ROWS, -1).astype(np.float64)
        mean, train = ("channel" if x.ndim == 4 else "image"), np.arange(ROWS) >= 0
        standard, _ = standardize(inputs, train)
        by_channel = inputs - (inputs.reshape(ROWS, 3, -1).mean((0, 2)).repeat(20) if x.ndim == 4 else inputs.mean(0))
        scaled = inputs / 255 if x.dtype == np.uint8 else inputs
        for preprocess, expected in (("standardize", standard), (f"mean-{mean},scale=1/255", by_channel / 255),
                                     (None, scaled)):
            save = np.savez if preprocess else np.savez_compressed
            save(os.path.join(folder, "a.npz"), x=x, y=t)
            options = ["--preprocess", preprocess] if preprocess else []
            run, tensors = fit(folder, os.path.join(folder, "a.npz"), *options)
            compare(f"npz, {name}, {preprocess or 'by default'}", folder, run, tensors, expected, "--data",
                    os.path.join(folder, "a.npz"))
        np.save(os.path.join(folder, "x.npy"), x)
        compare(f"npy, {name}", folder, run, tensors, expected, os.path.join(folder, "x.npy"))


def check_parts(folder):
    """An archive and a folder of arrays, with parts of their own."""
    rng = np.random.default_rng(6)
    parts = {f"{array}_{part}": rng.normal(size=(n, 4 if array == "x" else OUTPUTS))
             for part, n in (("train", 40), ("val", 10), ("test", 13)) for array in "xy"}
    np.savez(os.path.join(folder, "parts.npz"), **parts)
    os.mkdir(os.path.join(folder, "arrays"))
    for name, value in parts.items():
        np.save(os.path.join(folder, "arrays", name + ".npy"), value)
    for data in ("parts.npz", "arrays"):
        data = os.path.join(folder, data)
        run, tensors = fit(folder, data, "--preprocess", "mean-image")
        for part in ("train", "val", "test"):
            x = parts[f"x_{part}"] - parts["x_train"].mean(0)
            compare(f"{os.path.basename(data)}, {part}", folder, run, tensors, x, "--data", data, "--split", part)


def check(folder):
    check_tables(folder)
    check_arrays(folder)
    check_parts(folder)
