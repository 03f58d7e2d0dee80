"""lamina.cs231n, its networks, update rules and Solver: the notebooks' checks, and the same training in NumPy."""
import pickle

import numpy as np
import pytest
import course_numbers as numbers
from course_numbers import PlainNet, line, rel_error

import lamina.cs231n
from lamina.cs231n import optim
from lamina.cs231n.classifiers.cnn import ThreeLayerConvNet
from lamina.cs231n.classifiers.fc_net import FullyConnectedNet, TwoLayerNet
from lamina.cs231n.gradient_check import eval_numerical_gradient
from lamina.cs231n.solver import Solver


def gradient_errors(model, X, y, h=1e-5):
    _, grads = model.loss(X, y)
    assert list(grads) == list(model.params)
    return {name: rel_error(eval_numerical_gradient(lambda _: model.loss(X, y)[0], p, verbose=False, h=h), grads[name])
            for name, p in model.params.items()}


# ---- networks -----------------------------------------------------------------------------------------------------------


def test_two_layers_give_the_notebooks_numbers():
    np.random.seed(231)
    model = TwoLayerNet(input_dim=5, hidden_dim=50, num_classes=7, weight_scale=1e-3)
    for name in ("W1", "W2"):
        assert abs(model.params[name].std() - 1e-3) < 1e-4
    assert not model.params["b1"].any() and not model.params["b2"].any()
    model.params.update({k: v.copy() for k, v in numbers.TWO_LAYER.items()})
    X, y = numbers.TWO_LAYER_X, numbers.TWO_LAYER_Y
    assert np.abs(model.loss(X) - numbers.TWO_LAYER_SCORES).sum() < 1e-6
    assert abs(model.loss(X, y)[0] - numbers.TWO_LAYER_LOSS) < 1e-10
    model.reg = 1.0
    assert abs(model.loss(X, y)[0] - numbers.TWO_LAYER_LOSS_REG_1["cs231n"]) < 1e-10
    for model.reg in (0.0, 0.7):
        assert max(gradient_errors(model, X, y).values()) < 1e-6


def small_problem():
    np.random.seed(231)
    return np.random.randn(2, 15), np.random.randint(10, size=(2,))


@pytest.mark.parametrize("reg, loss", [(0, 2.3004790897684924), (3.14, 7.052114776533016)])
def test_a_deep_network_begins_with_the_notebooks_loss(reg, loss):
    """What the course's own code gives for this seed: weights are drawn as it draws them."""
    X, y = small_problem()
    if reg:
        FullyConnectedNet([20, 30], input_dim=15, num_classes=10, weight_scale=5e-2)  # the notebook's first round
    model = FullyConnectedNet([20, 30], input_dim=15, num_classes=10, reg=reg, weight_scale=5e-2, dtype=np.float64)
    assert abs(model.loss(X, y)[0] - loss) < 1e-12
    assert list(model.params) == ["W1", "b1", "W2", "b2", "W3", "b3"]


@pytest.mark.parametrize("options, limit", [
    ({}, 1e-4), ({"reg": 3.14}, 1e-6), ({"normalization": "batchnorm"}, 1e-3), ({"normalization": "layernorm"}, 1e-4),
    ({"normalization": "batchnorm", "reg": 3.14}, 1e-3), ({"use_batchnorm": True}, 1e-3), ({"dropout": 0.75, "seed": 123}, 1e-4),
    ({"dropout": 0.5, "seed": 123, "normalization": "layernorm"}, 1e-4),
    ({"dropout_keep_ratio": 0.5, "seed": 123, "normalization": "batchnorm"}, 1e-2)])
def test_gradients_of_deep_networks(options, limit):
    X, y = small_problem()
    model = FullyConnectedNet([20, 30], input_dim=15, num_classes=10, weight_scale=5e-2, dtype=np.float64, **options)
    errors = gradient_errors(model, X, y)
    if model.normalization == "batchnorm":  # a bias before it has the gradient 0
        errors = {name: e for name, e in errors.items() if name not in ("b1", "b2")}
    assert max(errors.values()) < limit, errors


def test_the_gradients_are_those_of_numpy():
    X, y = np.random.randn(12, 3, 4, 5), np.random.randint(0, 7, 12)
    for norm in (None, "batchnorm"):
        ours = FullyConnectedNet([30, 20], input_dim=60, num_classes=7, reg=0.3, weight_scale=0.2, dtype=np.float64,
                                 normalization=norm)
        plain = PlainNet(ours.params, reg=0.3, batchnorm=norm is not None)
        (loss, grads), (expected, other) = ours.loss(X, y), plain.loss(X, y)
        assert abs(loss - expected) < 1e-12
        assert all(np.allclose(grads[k], other[k], atol=1e-12) for k in grads)
        assert np.allclose(ours.loss(X), plain.loss(X), atol=1e-12)


@pytest.mark.parametrize("options, drops", [
    ({}, None), ({"dropout": 0}, None), ({"dropout": 1}, None), ({"dropout_keep_ratio": 1}, None), ({"dropout": 0.25}, 0.75),
    ({"dropout": 0.25, "use_batchnorm": False}, 0.25), ({"dropout": 0.25, "use_batchnorm": True}, 0.25),
    ({"dropout_keep_ratio": 0.25}, 0.75), ({"dropout": 0.25, "normalization": "batchnorm"}, 0.75)])
def test_dropout_of_both_generations(options, drops):
    model = FullyConnectedNet([8], input_dim=4, num_classes=3, **options)
    assert model.use_dropout == (drops is not None) and abs(model.drop_rate - (drops or 0)) < 1e-12


def test_arguments_by_place_of_both_generations():
    new = FullyConnectedNet([8], 4, 3, 1, "batchnorm", 0.5, 1e-3, np.float64, 1)
    old = FullyConnectedNet([8], 4, 3, 0, True, 0.5, 1e-3, np.float64, 1)
    for model in (new, old):
        assert model.normalization == "batchnorm" and model.reg == 0.5 and not model.use_dropout
        assert list(model.params) == ["W1", "b1", "gamma1", "beta1", "W2", "b2"]
        assert all(p.dtype == np.float64 for p in model.params.values())


def test_evaluation_uses_and_leaves_the_running_statistics():
    model = FullyConnectedNet([8], input_dim=4, num_classes=3, normalization="batchnorm", weight_scale=0.5)
    X, y = np.random.randn(20, 4), np.random.randint(0, 3, 20)
    model.loss(X, y)
    before = model.bn_params[0]["running_mean"].copy()
    one_by_one = np.vstack([model.loss(X[i:i + 1]) for i in range(20)])
    assert np.allclose(model.loss(X), one_by_one, atol=1e-5)
    assert np.array_equal(model.bn_params[0]["running_mean"], before)


def test_three_layers_with_images():
    np.random.seed(231)
    X, y = np.random.randn(2, 3, 16, 16), np.random.randint(10, size=2)
    model = ThreeLayerConvNet(num_filters=3, filter_size=3, input_dim=(3, 16, 16), hidden_dim=7, dtype=np.float64)
    assert max(gradient_errors(model, X, y, h=1e-6).values()) < 1e-1
    model = ThreeLayerConvNet()
    X, y = np.random.randn(50, 3, 32, 32), np.random.randint(10, size=50)
    loss = model.loss(X, y)[0]
    model.reg = 0.5
    assert abs(loss - np.log(10)) < 1e-3 and 0.05 < model.loss(X, y)[0] - loss < 0.5


# ---- update rules ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", numbers.UPDATES)
def test_update_rules_give_the_notebooks_numbers(rule):
    config, next_w, states = numbers.UPDATES[rule]
    config = {k: v.copy() if isinstance(v, np.ndarray) else v for k, v in config.items()}
    w, given = numbers.W.copy(), dict(config)
    result, returned = getattr(optim, rule)(w, numbers.DW, config=config)
    assert returned is config and rel_error(result, np.array(next_w)) < 2e-7  # the notebook says 1e-7 or so
    assert result is not w and np.array_equal(w, numbers.W)
    for name, expected in states.items():
        assert rel_error(config[name], np.array(expected)) < 1e-7
        assert np.array_equal(given[name], numbers.UPDATES[rule][0][name])  # the state that was given is as it was
    assert rule != "adam" or config["t"] == 6


def test_sgd_changes_w_in_place():
    for w in (numbers.W.copy(), np.asfortranarray(numbers.W), numbers.W.astype("f4")):
        result, config = optim.sgd(w, numbers.DW)
        assert result is w and config == {"learning_rate": 1e-2}
        assert np.allclose(w, numbers.W - 1e-2 * numbers.DW, atol=1e-6)


@pytest.mark.parametrize("rule", ["sgd", "sgd_momentum", "rmsprop", "adam"])
def test_update_rules_begin_with_the_courses_defaults(rule):
    _, config = getattr(optim, rule)(numbers.W.copy(), numbers.DW)
    defaults = {"sgd": {"learning_rate": 1e-2}, "sgd_momentum": {"learning_rate": 1e-2, "momentum": 0.9},
                "rmsprop": {"learning_rate": 1e-2, "decay_rate": 0.99, "epsilon": 1e-8},
                "adam": {"learning_rate": 1e-3, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "t": 1}}[rule]
    assert {k: v for k, v in config.items() if not isinstance(v, np.ndarray)} == defaults


# ---- the Solver -----------------------------------------------------------------------------------------------------------


def toy_data(n=200, seed=0):
    rng = np.random.RandomState(seed)
    X, y = rng.randn(n + 60, 3, 4, 4), rng.randint(0, 5, n + 60)
    X[:, 0, 0] += y[:, None]
    return {"X_train": X[:n], "y_train": y[:n], "X_val": X[n:], "y_val": y[n:]}


def toy_model(**options):
    np.random.seed(1)
    return FullyConnectedNet([20, 20], input_dim=48, num_classes=5, weight_scale=0.1, **options)


def plain_update(rule):
    """The rules in NumPy, for PlainNet."""
    def update(w, dw, config=None):
        config.setdefault("learning_rate", 1e-2)
        if rule == "sgd":
            return w - config["learning_rate"] * dw, config
        m = config["m"] = 0.9 * config.get("m", 0) + 0.1 * dw
        v = config["v"] = 0.999 * config.get("v", 0) + 0.001 * dw * dw
        t = config["t"] = config.get("t", 0) + 1
        return w - config["learning_rate"] * (m / (1 - 0.9 ** t)) / (np.sqrt(v / (1 - 0.999 ** t)) + 1e-8), config
    return update


@pytest.mark.parametrize("rule", ["sgd", "adam"])
@pytest.mark.parametrize("norm", [None, "batchnorm"])
def test_a_training_is_the_one_that_numpy_makes(rule, norm, monkeypatch):
    data, histories = toy_data(), []
    for plain in (False, True):
        model = toy_model(dtype=np.float64, normalization=norm, reg=0.01)
        if plain:
            model = PlainNet(model.params, 0.01, norm is not None)
            monkeypatch.setattr(optim, rule, plain_update(rule))
        np.random.seed(3)
        solver = Solver(model, data, update_rule=rule, optim_config={"learning_rate": 1e-2}, lr_decay=0.9, num_epochs=3,
                        batch_size=20, num_train_samples=50, verbose=False)
        solver.train()
        histories.append(solver)
    ours, numpys = histories
    assert np.allclose(ours.loss_history, numpys.loss_history, atol=1e-9)
    assert ours.train_acc_history == numpys.train_acc_history and ours.val_acc_history == numpys.val_acc_history
    assert ours.loss_history[-1] < ours.loss_history[0]
    assert all(np.allclose(ours.model.params[k], numpys.model.params[k], atol=1e-8) for k in ours.model.params)


def test_the_printed_lines_are_the_courses(capsys):
    data = toy_data(40)
    solver = Solver(toy_model(), data, num_epochs=2, batch_size=20, print_every=3, optim_config={"learning_rate": 0.0})
    solver.train()
    loss, train, val = solver.loss_history, solver.train_acc_history, solver.val_acc_history
    assert capsys.readouterr().out.splitlines() == [
        "(Iteration 1 / 4) loss: %f" % loss[0], "(Epoch 0 / 2) train acc: %f; val_acc: %f" % (train[0], val[0]),
        "(Epoch 1 / 2) train acc: %f; val_acc: %f" % (train[1], val[1]), "(Iteration 4 / 4) loss: %f" % loss[3],
        "(Epoch 2 / 2) train acc: %f; val_acc: %f" % (train[2], val[2])]


def test_arguments_that_the_course_refuses():
    model, data = toy_model(), toy_data()
    with pytest.raises(ValueError, match='Unrecognized arguments "lr"'):
        Solver(model, data, lr=1)
    with pytest.raises(ValueError, match='Invalid update_rule "adamm"'):
        Solver(model, data, update_rule="adamm")
    solver = Solver(model, data)
    assert (solver.lr_decay, solver.batch_size, solver.num_epochs, solver.print_every, solver.verbose) == (1.0, 100, 10, 10, True)
    assert (solver.num_train_samples, solver.num_val_samples, solver.checkpoint_name) == (1000, None, None)


def test_fifty_images_are_learnt_by_heart():
    rng = np.random.RandomState(0)
    data = {"X_train": rng.randn(50, 3, 32, 32) * 60, "y_train": rng.randint(0, 10, 50)}
    data.update(X_val=data["X_train"], y_val=data["y_train"])
    for hidden, scale, lr in (([100, 100], 1e-2, 5e-3), ([100] * 4, 5e-2, 2e-3)):
        np.random.seed(0)
        solver = Solver(FullyConnectedNet(hidden, weight_scale=scale, dtype=np.float64), data, num_epochs=20, batch_size=25,
                        optim_config={"learning_rate": lr}, verbose=False)
        solver.train()
        assert solver.best_val_acc == 1.0


@pytest.mark.parametrize("options", [{}, {"normalization": "batchnorm"}, {"dropout": 0.5}, {"dropout": 0.5, "seed": 3}])
@pytest.mark.parametrize("rule", ["sgd", "sgd_momentum", "rmsprop", "adam"])
def test_a_resumed_training_equals_one_that_never_stopped(options, rule, tmp_path):
    data, kwargs = toy_data(), {"update_rule": rule, "lr_decay": 0.9, "batch_size": 20, "num_train_samples": 50, "verbose": False,
                                "optim_config": {"learning_rate": 1e-3}, "num_epochs": 4, "checkpoint_name": "run"}
    whole = Solver(toy_model(**options), data, **kwargs)
    whole.train()
    np.random.seed(99)
    resumed = Solver(toy_model(**options), data, **kwargs)
    resumed.resume("run_epoch_2.pkl")
    assert resumed.epoch == 2 and len(resumed.loss_history) == 20
    resumed.train()
    assert resumed.loss_history == whole.loss_history and resumed.val_acc_history == whole.val_acc_history
    assert all(np.array_equal(resumed.model.params[k], whole.model.params[k]) for k in whole.model.params)
    for a, b in zip(resumed.model.bn_params, whole.model.bn_params):
        assert np.array_equal(a["running_mean"], b["running_mean"])
    with open("run_epoch_4.pkl", "rb") as f:
        assert pickle.load(f)["epoch"] == 4


def test_a_checkpoint_of_something_else_is_refused():
    Solver(toy_model(), toy_data(), num_epochs=1, verbose=False, checkpoint_name="run").train()
    with pytest.raises(ValueError, match="another model"):
        Solver(FullyConnectedNet([3], input_dim=48, num_classes=5), toy_data()).resume("run_epoch_1.pkl")
    with pytest.raises(ValueError, match="trained with sgd"):
        Solver(toy_model(), toy_data(), update_rule="adam").resume("run_epoch_1.pkl")


class Scripted:
    """A model whose validation accuracy is highest after its second measurement."""

    def __init__(self):
        self.params, self.bn_params, self.steps = {"W": np.zeros(1)}, [{"running_mean": np.zeros(1)}], 0

    def loss(self, X, y=None):
        if y is None:
            return np.eye(2)[[0 if self.steps == 4 else 1] * len(X)]
        self.steps += 1
        self.bn_params[0]["running_mean"] = np.full(1, float(self.steps))
        return 1.0, {"W": np.full(1, -1.0)}


def test_the_best_parameters_come_back_with_their_own_running_statistics():
    X, y = np.zeros((40, 1)), np.zeros(40, int)
    model = Scripted()
    solver = Solver(model, {"X_train": X, "y_train": y, "X_val": X, "y_val": y}, batch_size=10, num_epochs=3, verbose=False,
                    optim_config={"learning_rate": 1.0})
    solver.train()
    assert solver.val_acc_history == [0, 1, 0, 0] and solver.best_val_acc == 1
    assert model.params["W"] == 4 and model.bn_params[0]["running_mean"] == 4


def test_parameters_stay_where_nothing_was_ever_right():
    X, y = np.zeros((10, 1)), np.zeros(10, int)
    model = Scripted()
    Solver(model, {"X_train": X, "y_train": y, "X_val": X, "y_val": y}, batch_size=10, num_epochs=2, verbose=False).train()
    assert list(model.params) == ["W"]


def test_arrays_that_were_the_models_before_are_left_alone():
    model = toy_model()
    before = {k: (v, v.copy()) for k, v in model.params.items()}
    for rule in ("sgd", "adam"):
        Solver(model, toy_data(), update_rule=rule, num_epochs=1, verbose=False).train()
        assert all(np.array_equal(v, kept) for v, kept in before.values())


def test_a_rule_of_ones_own(monkeypatch):
    monkeypatch.setattr(optim, "halve", lambda w, dw, config=None: (w / 2, config), raising=False)
    model = toy_model()
    first = model.params["W1"].copy()
    solver = Solver(model, toy_data(40), update_rule="halve", batch_size=40, num_epochs=1, verbose=False,
                    optim_config={"learning_rate": 1})
    solver._step()
    assert np.array_equal(model.params["W1"], first / 2)
