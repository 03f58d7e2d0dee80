"""lamina.cs231n, what stands around its networks: numeric gradients, data, grids of images."""
import os
import pickle

import numpy as np
import pytest

from lamina.cs231n import data_utils, gradient_check
from lamina.cs231n.im2col import get_im2col_indices
from lamina.cs231n.vis_utils import vis_grid, vis_nn, visualize_grid


def test_numeric_gradients_of_functions(capsys):
    x, df = np.random.randn(3, 2), np.random.randn(3, 2)
    assert np.allclose(gradient_check.eval_numerical_gradient(lambda x: np.sum(x ** 3), x, verbose=False), 3 * x ** 2, atol=1e-6)
    assert np.allclose(gradient_check.eval_numerical_gradient_array(lambda x: x ** 2, x, df), 2 * x * df, atol=1e-6)
    gradient_check.eval_numerical_gradient(lambda x: np.sum(x), np.zeros(2))
    assert capsys.readouterr().out.splitlines()[0].startswith("(0,) ")


class Blob:
    def __init__(self, vals):
        self.vals, self.diffs = vals, np.random.randn(*vals.shape)


def test_numeric_gradients_of_blobs():
    a, b, out = Blob(np.random.randn(2, 3)), Blob(np.random.randn(2, 3)), Blob(np.zeros((2, 3)))

    def multiply(a, b, out):
        out.vals[...] = a.vals * b.vals

    class Net:
        def forward(self):
            multiply(a, b, out)

    for da, db in (gradient_check.eval_numerical_gradient_blobs(multiply, (a, b), out),
                   gradient_check.eval_numerical_gradient_net(Net(), (a, b), out)):
        assert np.allclose(da, b.vals * out.diffs, atol=1e-8) and np.allclose(db, a.vals * out.diffs, atol=1e-8)


def test_sparse_gradient_checks_print_the_courses_lines(capsys):
    x = np.random.randn(4, 5)
    gradient_check.grad_check_sparse(lambda x: np.sum(x ** 2), x, 2 * x, num_checks=3)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    for line in lines:
        assert line.startswith("numerical: ") and float(line.split("relative error: ")[1]) < 1e-6


def test_x_is_as_before_after_a_failure():
    x = np.arange(3.0)
    with pytest.raises(ZeroDivisionError):
        gradient_check.eval_numerical_gradient_array(lambda x: 1 // 0, x, x)
    assert x.tolist() == [0, 1, 2]


def test_indices_of_fields_that_are_not_square():
    image = np.arange(2 * 4 * 6).reshape(2, 4, 6)
    k, i, j = get_im2col_indices((1, 2, 4, 6), 2, 3, padding=0, stride=1)
    fields = image[k, i, j]
    assert fields.shape == (12, 3 * 4)
    assert np.array_equal(fields[:, 5], image[:, 1:3, 1:4].ravel())


@pytest.fixture
def cifar(tmp_path):
    """A small data set in the layout of CIFAR-10; returns its images and labels by file."""
    folder, files, rng = tmp_path / "cs231n/datasets/cifar-10-batches-py", {}, np.random.default_rng(0)
    os.makedirs(folder)
    for name in [f"data_batch_{b}" for b in range(1, 6)] + ["test_batch"]:
        data, labels = rng.integers(0, 256, (4, 3072), np.uint8), rng.integers(0, 10, 4).tolist()
        files[name] = data.reshape(4, 3, 32, 32), labels
        with open(folder / name, "wb") as f:
            pickle.dump({"data": data, "labels": labels}, f)
    return files


def test_cifar10_as_the_course_prepares_it(cifar):
    data = data_utils.get_CIFAR10_data(num_training=15, num_validation=4, num_test=3)
    images = np.concatenate([cifar[f"data_batch_{b}"][0] for b in range(1, 6)]).astype(float)
    labels = np.concatenate([cifar[f"data_batch_{b}"][1] for b in range(1, 6)])
    mean = images[:15].mean(0)
    for part, X, y in (("train", images[:15], labels[:15]), ("val", images[15:19], labels[15:19]),
                       ("test", cifar["test_batch"][0][:3], cifar["test_batch"][1][:3])):
        assert np.allclose(data[f"X_{part}"], X - mean) and data[f"y_{part}"].tolist() == list(y)
    plain = data_utils.get_CIFAR10_data(15, 4, 3, subtract_mean=False)["X_test"]
    assert np.array_equal(plain, cifar["test_batch"][0][:3]) and plain.dtype == np.float64


def test_data_that_is_not_there_is_told_with_the_places():
    with pytest.raises(FileNotFoundError, match="cifar-10-batches-py .*LAMINA_DATA"):
        data_utils.get_CIFAR10_data()


class Evil:
    def __reduce__(self):
        return os.system, ("touch harm",)


def test_a_batch_that_would_run_code_is_refused(tmp_path):
    with open("batch", "wb") as f:
        pickle.dump({"data": Evil(), "labels": []}, f)
    with pytest.raises(pickle.UnpicklingError, match="system"):
        data_utils.load_CIFAR_batch("batch")
    assert not os.path.exists("harm")


def test_models_of_a_folder(tmp_path):
    os.mkdir("models")
    with open("models/a.pkl", "wb") as f:
        pickle.dump({"model": [1, 2]}, f)
    with open("models/README.txt", "w") as f:
        f.write("no pickle")
    assert data_utils.load_models("models") == {"a.pkl": [1, 2]}


def test_tiny_imagenet(tmp_path):
    imageio = pytest.importorskip("imageio")
    rng = np.random.default_rng(0)
    for folder in ("train/n1/images", "train/n2/images", "val/images", "test/images"):
        os.makedirs(tmp_path / folder)
    images = {name: rng.integers(0, 256, (64, 64, 3), np.uint8)
              for name in ("train/n1/images/n1_0.png", "train/n2/images/n2_0.png", "val/images/v.png", "test/images/t.png")}
    for name, pixels in images.items():
        imageio.imwrite(tmp_path / name, pixels)
    for name, text in (("wnids.txt", "n1\nn2\n"), ("words.txt", "n1\tcat, puss\nn2\tdog\n"), ("train/n1/n1_boxes.txt", "n1_0.png\t0\n"),
                       ("train/n2/n2_boxes.txt", "n2_0.png\t0\n"), ("val/val_annotations.txt", "v.png\tn2\t0\n")):
        (tmp_path / name).write_text(text)
    data = data_utils.load_tiny_imagenet(str(tmp_path))
    assert data["class_names"] == [["cat", "puss"], ["dog"]] and data["y_val"].tolist() == [1] and data["y_test"] is None
    assert np.allclose(data["X_val"][0] + data["mean_image"], images["val/images/v.png"].transpose(2, 0, 1), atol=1e-3)


def test_grids_of_images():
    X = np.random.rand(5, 3, 4, 2)
    grid = visualize_grid(X, ubound=10.0, padding=2)
    assert grid.shape == (3 * 3 + 4, 3 * 4 + 4, 2)
    stretched = (X[4] - X[4].min()) / (X[4].max() - X[4].min())
    assert np.allclose(grid[5:8, 6:10], 10 * stretched) and not grid[10:].any()
    assert not visualize_grid(np.ones((1, 2, 2, 1))).any()  # one colour: no division by 0
    grid = vis_grid(X)
    assert grid.shape == (12, 15, 2) and grid.min() == 0 and grid.max() == 1
    assert np.allclose(grid[4:7, 5:9], (X[4] - X.min()) / (X.max() - X.min()))
    rows = [[X[0], X[1]], [X[2], X[3]]]
    low, high = min(X[:4].min(), 1), max(X[:4].max(), 1)
    assert np.allclose(vis_nn(rows)[4:7, 5:9], (X[3] - low) / (high - low))
