"""lamina.eecs498: the notebooks' checks on tensors of PyTorch (where it is there) and on arrays of NumPy."""
import os
import pickle
import random

import numpy as np
import pytest
import course_numbers as numbers
from course_numbers import POOL_2

import lamina
from lamina import eecs498
from lamina.eecs498 import *  # noqa: F403  as the notebooks do
from lamina.eecs498 import _files, data

try:
    import torch
except ImportError:
    torch = None

KINDS = ["numpy", pytest.param("torch", marks=pytest.mark.skipif(torch is None, reason="PyTorch is not there"))]


@pytest.fixture(params=KINDS)
def kind(request):
    """What makes arrays: of(array) in double precision, and the type of models."""
    class Numpy:
        dtype, single = np.float64, np.float32
        of = staticmethod(lambda a: np.array(a, np.float64))
        labels = staticmethod(lambda a: np.array(a))
        numpy = staticmethod(np.asarray)
        is_ours = staticmethod(lambda a: isinstance(a, np.ndarray))

    class Torch:
        dtype, single = torch and torch.float64, torch and torch.float32
        of = staticmethod(lambda a: torch.tensor(np.array(a, np.float64)))
        labels = staticmethod(lambda a: torch.tensor(np.array(a)))
        numpy = staticmethod(lambda a: a.numpy())
        is_ours = staticmethod(lambda a: isinstance(a, torch.Tensor))

    return Torch if request.param == "torch" else Numpy


@pytest.mark.parametrize("layer, arguments, expected", [
    ("Linear", numbers.AFFINE, numbers.AFFINE_OUT), ("ReLU", numbers.RELU, numbers.RELU_OUT),
    ("Conv", numbers.CONV, numbers.CONV_OUT), ("FastConv", numbers.CONV, numbers.CONV_OUT),
    ("MaxPool", numbers.POOL, numbers.POOL_OUT), ("FastMaxPool", numbers.POOL, numbers.POOL_OUT)])
def test_forward_gives_the_notebooks_values(kind, layer, arguments, expected):
    out, _ = getattr(eecs498, layer).forward(*[kind.of(a) if isinstance(a, np.ndarray) else a for a in arguments])
    assert kind.is_ours(out) and rel_error(out, kind.of(expected)) < 1e-7


BN, CONV_1 = {"mode": "train"}, {"stride": 1, "pad": 1}
LAYERS = [
    ("Linear", [(10, 2, 3), (6, 5), (5,)], ()), ("ReLU", [(10, 10)], ()), ("Linear_ReLU", [(2, 3, 4), (12, 10), (10,)], ()),
    ("Dropout", [(10, 10)], ({"mode": "train", "p": 0.2, "seed": 0},)), ("Dropout", [(3, 4)], ({"mode": "test", "p": 0.2},)),
    ("Conv", [(2, 3, 5, 5), (2, 3, 3, 3), (2,)], (CONV_1,)), ("FastConv", [(2, 3, 5, 5), (2, 3, 3, 3), (2,)], (CONV_1,)),
    ("MaxPool", [(3, 2, 4, 4)], (POOL_2,)), ("FastMaxPool", [(3, 2, 4, 4)], (POOL_2,)),
    ("BatchNorm", [(4, 5), (5,), (5,)], (BN,)), ("BatchNorm", [(4, 5), (5,), (5,)], ({"mode": "test"},)),
    ("SpatialBatchNorm", [(2, 3, 4, 5), (3,), (3,)], (BN,)),
    ("SpatialBatchNorm", [(2, 3, 4, 5), (3,), (3,)], ({"mode": "test", "running_var": np.ones(3)},)),
    ("Conv_ReLU", [(2, 2, 4, 4), (3, 2, 3, 3), (3,)], (CONV_1,)),
    ("Conv_ReLU_Pool", [(2, 2, 4, 4), (3, 2, 3, 3), (3,)], (CONV_1, POOL_2)),
    ("Linear_BatchNorm_ReLU", [(6, 4), (4, 5), (5,), (5,), (5,)], (BN,)),
    ("Conv_BatchNorm_ReLU", [(2, 2, 4, 4), (3, 2, 3, 3), (3,), (3,), (3,)], (CONV_1, BN)),
    ("Conv_BatchNorm_ReLU_Pool", [(2, 2, 4, 4), (3, 2, 3, 3), (3,), (3,), (3,)], (CONV_1, BN, POOL_2)),
]


@pytest.mark.parametrize("layer, shapes, extras", LAYERS, ids=[f"{name}-{i}" for i, (name, *_) in enumerate(LAYERS)])
def test_gradients_are_the_numeric_ones(kind, layer, shapes, extras):
    reset_seed(0)
    layer, arrays = getattr(eecs498, layer), [kind.of(np.random.randn(*s)) for s in shapes]
    forward = lambda: layer.forward(*arrays, *[dict(e) for e in extras])
    out, cache = forward()
    dout = kind.of(np.random.randn(*out.shape))
    grads = layer.backward(dout, cache)
    grads = grads if isinstance(grads, tuple) else (grads,)
    for a, g in zip(arrays, grads):
        numeric = compute_numeric_gradient(lambda _: forward()[0], a, dout)
        near = np.abs(kind.numpy(numeric - g)).max() < 1e-6  # a bias before batch norm: both are 0
        assert kind.is_ours(g) and g.shape == a.shape and (rel_error(numeric, g) < 1e-6 or near)
    if hasattr(layer, "backward_alt"):
        assert all(rel_error(a, b) == 0 for a, b in zip(layer.backward_alt(dout, cache), grads))


def test_losses_of_small_scores(kind):
    reset_seed(0)
    x, y = kind.of(0.001 * np.random.randn(50, 10)), kind.labels(np.random.randint(10, size=50))
    for loss_of, about in ((svm_loss, 9), (softmax_loss, np.log(10))):
        loss, dx = loss_of(x, y)
        assert abs(loss.item() - about) < 1e-2 and kind.is_ours(dx)
        assert rel_error(compute_numeric_gradient(lambda x: loss_of(x, y)[0], x), dx) < 1e-6


@pytest.mark.parametrize("p", [0.25, 0.4, 0.7])
def test_dropout_drops_with_probability_p(kind, p):
    x = kind.of(np.random.randn(500, 500) + 10)
    out, (param, mask) = Dropout.forward(x, {"mode": "train", "p": p})
    assert abs(float((out == 0).sum()) / 250000 - p) < 0.01 and abs(float(out.mean()) - 10) < 0.1
    assert rel_error(out, x * mask) == 0
    assert Dropout.forward(x, {"mode": "test", "p": p})[0] is x


@pytest.mark.parametrize("rule", numbers.UPDATES)
def test_update_rules_give_the_notebooks_numbers(kind, rule):
    config, next_w, states = numbers.UPDATES[rule]
    config = {k: kind.of(v) if isinstance(v, np.ndarray) else v for k, v in config.items()}
    w = kind.of(numbers.W)
    result, returned = getattr(eecs498, rule)(w, kind.of(numbers.DW), config=config)
    assert returned is config and kind.is_ours(result) and rel_error(result, kind.of(next_w)) < 1e-7
    for name, expected in states.items():
        assert kind.is_ours(config[name]) and rel_error(config[name], kind.of(expected)) < 1e-7
    assert result is not w and np.array_equal(kind.numpy(w), numbers.W)
    assert sgd(w, kind.of(numbers.DW))[0] is w and np.allclose(kind.numpy(w), numbers.W - 1e-2 * numbers.DW)


# ---- networks -----------------------------------------------------------------------------------------------------------


def test_two_layers_give_the_notebooks_numbers(kind):
    model = TwoLayerNet(input_dim=5, hidden_dim=50, num_classes=7, weight_scale=1e-3, dtype=kind.dtype)
    assert abs(float(model.params["W1"].std()) - 1e-3) < 1e-4 and not kind.numpy(model.params["b1"]).any()
    model.params.update({k: kind.of(v) for k, v in numbers.TWO_LAYER.items()})
    X, y = kind.of(numbers.TWO_LAYER_X), kind.labels(numbers.TWO_LAYER_Y)
    assert np.abs(kind.numpy(model.loss(X)) - numbers.TWO_LAYER_SCORES).sum() < 1e-6
    assert abs(model.loss(X, y)[0] - numbers.TWO_LAYER_LOSS) < 1e-10
    model.reg = 1.0
    assert abs(model.loss(X, y)[0] - numbers.TWO_LAYER_LOSS_REG_1["eecs498"]) < 1e-10


NETS = [
    lambda dtype: FullyConnectedNet([20, 30], input_dim=48, reg=3.14, weight_scale=5e-2, dtype=dtype),
    lambda dtype: FullyConnectedNet([20, 30], input_dim=48, weight_scale=5e-2, dropout=0.25, seed=0, dtype=dtype),
    lambda dtype: TwoLayerNet(input_dim=48, hidden_dim=20, reg=0.7, weight_scale=5e-2, dtype=dtype),
    lambda dtype: ThreeLayerConvNet((3, 4, 4), num_filters=3, filter_size=3, hidden_dim=7, reg=0.7, weight_scale=5e-2, dtype=dtype),
    lambda dtype: DeepConvNet((3, 4, 4), num_filters=[4, 4], max_pools=[0], reg=3.14, weight_scale=5e-2, dtype=dtype),
    lambda dtype: DeepConvNet((3, 4, 4), num_filters=[4, 4], max_pools=[0, 1], batchnorm=True, weight_scale="kaiming", dtype=dtype),
]


@pytest.mark.parametrize("net", NETS)
def test_gradients_of_networks(kind, net):
    reset_seed(0)
    X, y, model = kind.of(np.random.randn(3, 3, 4, 4)), kind.labels([1, 7, 3]), net(kind.dtype)
    loss, grads = model.loss(X, y)
    assert list(grads) == list(model.params) and loss.item() > 0
    for name, p in model.params.items():
        numeric = compute_numeric_gradient(lambda _: model.loss(X, y)[0], p)
        near = np.abs(kind.numpy(numeric - grads[name])).max() < 1e-6
        assert kind.is_ours(grads[name]) and (rel_error(numeric, grads[name]) < 1e-5 or near), name


def test_kaiming_weights(kind):
    reset_seed(0)
    for args, shape, variance in (((400, 300), (400, 300), 2 / 400), ((20, 30, 5), (30, 20, 5, 5), 2 / 500)):
        w = kaiming_initializer(*args, dtype=kind.single)
        assert tuple(w.shape) == shape and w.dtype == kind.single and abs(float(w.std()) ** 2 / variance - 1) < 0.05
    assert abs(float(kaiming_initializer(400, 300, relu=False, dtype=kind.dtype).std()) ** 2 * 400 - 1) < 0.05


def test_a_fresh_network_loses_log_of_the_classes(kind):
    X, y = kind.of(np.random.randn(20, 3, 32, 32)), kind.labels(np.random.randint(0, 10, 20))
    for model in (ThreeLayerConvNet(dtype=kind.single), DeepConvNet(num_filters=[8, 64], max_pools=[0, 1], dtype=kind.single)):
        assert abs(model.loss(X, y)[0].item() - np.log(10)) < 1e-2


def problem(kind, n=120):
    rng = np.random.RandomState(0)
    X, y = rng.randn(n, 3, 8, 8), rng.randint(0, 5, n)
    X[:, 0, :4] += y[:, None, None]
    X, y = kind.of(X), kind.labels(y)
    return {"X_train": X[:100], "y_train": y[:100], "X_val": X[100:], "y_val": y[100:]}


def deep(kind, **options):
    reset_seed(0)
    return DeepConvNet((3, 8, 8), num_filters=[4, 8], max_pools=[0], num_classes=5, batchnorm=True, weight_scale="kaiming",
                       dtype=kind.single, **options)


@pytest.mark.parametrize("trained", [False, True])
def test_models_are_saved_and_loaded(kind, trained, capsys):
    small, model = problem(kind), deep(kind)
    if trained:
        model.loss(small["X_train"], small["y_train"])
    model.save("net.pth")
    other = DeepConvNet((3, 8, 8), num_filters=[2], dtype=kind.single)
    other.load("net.pth", kind.dtype, "cpu")
    assert capsys.readouterr().out.splitlines() == ["Saved in net.pth", "load checkpoint file: net.pth"]
    assert other.params["W1"].dtype == kind.dtype and kind.is_ours(other.params["W1"])
    assert rel_error(other.loss(small["X_val"]), model.loss(small["X_val"])) < 1e-5
    plain = FullyConnectedNet([4], input_dim=192, dropout=0.3, seed=2, dtype=kind.single)
    plain.save("plain.pth")
    again = FullyConnectedNet([4, 4], input_dim=192)
    again.load("plain.pth", kind.single, "cpu")
    assert again.num_layers == 2 and again.dropout_param == plain.dropout_param
    assert np.array_equal(kind.numpy(again.params["W2"]), kind.numpy(plain.params["W2"]))
    with pytest.raises(KeyError, match="max_pools"):
        other.load("plain.pth", kind.single, "cpu")


@pytest.mark.parametrize("rule", [sgd, sgd_momentum, rmsprop, adam])
def test_the_solver_learns_and_resumes(kind, rule, capsys):
    small, kwargs = problem(kind), {"update_rule": rule, "optim_config": {"learning_rate": 5e-3}, "num_epochs": 4, "batch_size": 20,
                                    "verbose": False, "checkpoint_name": "run", "lr_decay": 0.9}
    solver = Solver(deep(kind), small, **kwargs)
    solver.train(return_best_params=False)
    assert np.mean(solver.loss_history[-5:]) < 0.9 * np.mean(solver.loss_history[:5])
    assert all(isinstance(v, float) for v in solver.loss_history + solver.val_acc_history)
    resumed = Solver(deep(kind), small, **kwargs)
    resumed.resume("run_epoch_2.pkl")
    resumed.train(return_best_params=False)
    assert resumed.loss_history == solver.loss_history and resumed.val_acc_history == solver.val_acc_history
    for name, p in solver.model.params.items():
        assert kind.is_ours(p) and np.array_equal(kind.numpy(p), kind.numpy(resumed.model.params[name]))


def test_a_batch_has_no_sample_twice(kind):
    drawn = []

    class Model:
        params = {"w": kind.of([0.0])}

        def loss(self, X, y=None):
            if y is None:
                return np.eye(2)[[0] * len(X)]
            drawn.append(kind.numpy(X).ravel().tolist())
            return kind.of(1.0), {"w": kind.of([0.0])}

    X = kind.of(np.arange(10.0)[:, None])
    Solver(Model(), {"X_train": X, "y_train": X[:, 0], "X_val": X, "y_val": X[:, 0]}, batch_size=10, num_epochs=3, verbose=False).train()
    assert all(sorted(batch) == list(range(10)) for batch in drawn) and drawn[0] != drawn[1]


def test_the_printed_lines_are_the_courses(kind, capsys):
    solver = Solver(deep(kind), problem(kind), num_epochs=4, batch_size=50, print_every=5, print_acc_every=2)
    solver.train()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("(Time 0.") and lines[0].endswith("sec; Iteration 1 / 8) loss: %f" % solver.loss_history[0])
    assert [line[:15] for line in lines[1:]] == ["(Epoch 0 / 4) t", "(Epoch 2 / 4) t", lines[3][:15], "(Epoch 4 / 4) t"]
    assert "Iteration 6 / 8" in lines[3]


def test_a_limit_of_time_ends_the_training(kind, capsys, monkeypatch):
    clock = iter(np.arange(0, 1000, 0.5))
    monkeypatch.setattr("lamina.eecs498.solver.time.time", lambda: next(clock))
    solver = Solver(deep(kind), problem(kind), num_epochs=50, batch_size=50, verbose=False)
    solver.train(time_limit=3)
    assert 2 <= len(solver.loss_history) < 10
    assert capsys.readouterr().out.splitlines()[-1] == "End of training; next iteration will exceed the time limit."


def test_arguments_that_the_course_refuses(kind):
    with pytest.raises(ValueError, match='Unrecognized arguments "lr"'):
        Solver(deep(kind), problem(kind), lr=1)
    assert Solver(deep(kind), problem(kind)).update_rule(kind.of([1.0]), kind.of([1.0]))[1] == {"learning_rate": 1e-2}


@pytest.mark.parametrize("make", [
    lambda: FullyConnectedNet([3], device="cuda"), lambda: TwoLayerNet(device="cuda:0"), lambda: ThreeLayerConvNet(device="cuda"),
    lambda: DeepConvNet(device="cuda"), lambda: kaiming_initializer(3, 4, device="cuda"),
    lambda: Solver(TwoLayerNet(5, 3, 2), dict.fromkeys(("X_train", "y_train", "X_val", "y_val")), device="cuda"),
    lambda: data.preprocess_cifar10(cuda=True), lambda: TwoLayerNet(5, 3, 2).load("x", None, "cuda")])
def test_a_gpu_is_refused(make):
    with pytest.raises(lamina.DeviceError, match="cuda"):
        make()


# ---- tensors --------------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(torch is None, reason="PyTorch is not there")
def test_tensors_share_their_memory():
    x, w, b = torch.randn(2, 3), torch.randn(3, 4), torch.randn(4)
    out, cache = Linear.forward(x, w, b)
    assert out.dtype == torch.float32 and all(c is a for c, a in zip(cache, (x, w, b)))
    x *= 2
    dout = torch.ones(2, 4)
    assert torch.allclose(Linear.backward(dout, cache)[1], x.t() @ dout, atol=1e-5)
    with torch.no_grad():  # a parameter of PyTorch
        assert Linear.forward(x, w.requires_grad_(), b)[0].requires_grad is False
    with pytest.raises(lamina.DtypeError, match="x has dtype torch.bfloat16"):
        ReLU.forward(x.to(torch.bfloat16))
    with pytest.raises(lamina.DeviceError, match="x lies on meta"):
        ReLU.forward(x.to("meta"))


@pytest.mark.skipif(torch is None, reason="PyTorch is not there")
def test_layers_equal_pytorchs():
    reset_seed(0)
    x, w, b = (torch.randn(*s, dtype=torch.float64, requires_grad=True) for s in ((3, 2, 7, 9), (4, 2, 3, 3), (4,)))
    dout = torch.randn(3, 4, 4, 5, dtype=torch.float64)
    expected = torch.nn.functional.conv2d(x, w, b, stride=2, padding=1)
    expected.backward(dout)
    out, cache = Conv.forward(x, w, b, {"stride": 2, "pad": 1})
    assert torch.allclose(out, expected.detach())
    assert all(torch.allclose(g, a.grad) for g, a in zip(Conv.backward(dout, cache), (x, w, b)))


def test_arrays_of_numpy_where_pytorch_is_not_there(monkeypatch):
    model = FullyConnectedNet([4], input_dim=3, dtype=np.float32)
    model.save("net.npz")
    monkeypatch.setattr(_files, "torch", None)
    model.load("net.npz", np.float64)
    with open("tensors.pth", "wb") as f:
        pickle.dump(1, f)
    with pytest.raises(ImportError, match="tensors.pth was written with PyTorch"):
        model.load("tensors.pth")


def test_seeds_of_all_generators():
    drawn = []
    for _ in range(2):
        reset_seed(3)
        drawn.append((random.random(), np.random.rand(), float(torch.rand(())) if torch else 0))
    assert drawn[0] == drawn[1]


def test_sparse_checks_print_the_courses_lines(kind, capsys):
    x = kind.of(np.random.randn(4, 5))
    eecs498.grad.grad_check_sparse(lambda x: (x ** 2).sum(), x, 2 * x, num_checks=3)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3 and all(float(line.split("relative error: ")[1]) < 1e-6 for line in lines)


def test_cifar10(kind, tmp_path):
    os.makedirs("cifar-10-batches-py")
    rng, images, labels = np.random.default_rng(0), {}, {}
    for name in [f"data_batch_{b}" for b in range(1, 6)] + ["test_batch"]:
        images[name], labels[name] = rng.integers(0, 256, (4, 3072), np.uint8), rng.integers(0, 10, 4).tolist()
        with open(f"cifar-10-batches-py/{name}", "wb") as f:
            pickle.dump({"data": images[name], "labels": labels[name]}, f)
    X, y, X_test, y_test = data.cifar10(x_dtype=kind.dtype)
    train = np.concatenate([images[f"data_batch_{b}"] for b in range(1, 6)]).reshape(20, 3, 32, 32) / 255
    assert kind.is_ours(X) and np.allclose(kind.numpy(X), train) and y_test.tolist() == labels["test_batch"]
    assert len(data.cifar10(3, 2, kind.dtype)[0]) == 3
    with pytest.raises(ValueError, match="num=99"):
        data.cifar10(99)
    prepared = data.preprocess_cifar10(show_examples=False, bias_trick=True, dtype=kind.dtype)
    expected = (train - train.mean((0, 2, 3), keepdims=True)).reshape(20, -1)
    assert tuple(prepared["X_train"].shape) == (16, 3073) and np.allclose(kind.numpy(prepared["X_val"])[:, :-1], expected[16:])
    assert tuple(get_CIFAR10_data(validation_ratio=0.5)["X_val"].shape) == (10, 3, 32, 32)


@pytest.mark.parametrize("of", [create_solver_instance, create_convolutional_solver_instance])
def test_solvers_for_the_notebooks(kind, of):
    rng = np.random.default_rng(0)
    X, y = kind.of(rng.normal(size=(200, 3, 32, 32)) * 0.2), kind.labels(rng.integers(0, 10, 200))
    solver = of({"X_train": X, "y_train": y, "X_val": X[:10], "y_val": y[:10]}, kind.single, "cpu")
    solver._step()
    assert kind.is_ours(solver.model.params["W1"]) and np.isfinite(solver.loss_history[0])
