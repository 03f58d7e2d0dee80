"""The courses' Solvers train models of ours as one network of the library: with the results of the layers one by one."""
import numpy as np
import pytest

from lamina import _solver, _whole, eecs498
from lamina.cs231n import optim, solver as cs231n_solver
from lamina.cs231n.classifiers import cnn, fc_net

try:
    import torch
except ImportError:
    torch = None

RULES = ["sgd", "sgd_momentum", "rmsprop", "adam"]
SHAPE, CLASSES = (3, 6, 6), 5


def fully_connected(**options):
    return lambda: fc_net.FullyConnectedNet([20, 15], 108, CLASSES, weight_scale=0.1, **options)


def three_layers(**options):
    return lambda: cnn.ThreeLayerConvNet(SHAPE, 4, hidden_dim=10, num_classes=CLASSES, weight_scale=0.1, **options)


def deep(batchnorm, **options):
    return lambda: eecs498.DeepConvNet(SHAPE, [4, 5, 6], [0, 2], batchnorm, CLASSES, "kaiming", **options)


# model, whether the two ways have the same bits
CS231N = {
    "two layers": (lambda: fc_net.TwoLayerNet(108, 20, CLASSES, 0.1, reg=0.1), False),
    "plain": (fully_connected(), True),
    "L2": (fully_connected(reg=0.1), False),
    "batchnorm": (fully_connected(normalization="batchnorm"), True),
    "layernorm": (fully_connected(normalization="layernorm", dtype=np.float64), True),
    "batchnorm and L2": (fully_connected(normalization="batchnorm", reg=0.1, dtype=np.float64), False),
    "three layers": (three_layers(filter_size=3, reg=0.1, dtype=np.float64), False),
    "large filters": (three_layers(filter_size=7, dtype=np.float64), False),
}
EECS498 = {
    "two layers": lambda dtype: eecs498.TwoLayerNet(108, 20, CLASSES, 0.1, reg=0.1, dtype=dtype),
    "fully connected": lambda dtype: eecs498.FullyConnectedNet([20, 15], 108, CLASSES, reg=0.1, weight_scale=0.1, dtype=dtype),
    "three layers": lambda dtype: eecs498.ThreeLayerConvNet(SHAPE, 4, 3, 10, CLASSES, 0.1, reg=0.1, dtype=dtype),
    "deep": lambda dtype: deep(False, reg=0.1, dtype=dtype)(),
    "deep, batchnorm": lambda dtype: deep(True, reg=0.1, dtype=dtype)(),
}


def samples(of=np.array, n=120):
    rng = np.random.RandomState(0)
    X, y = rng.randn(n + 30, *SHAPE), rng.randint(0, CLASSES, n + 30)
    return {"X_train": of(X[:n]), "y_train": of(y[:n]), "X_val": of(X[n:]), "y_val": of(y[n:])}


class Ways:
    """Trainings by layers and as a whole. asked: what _whole.whole_of said in the last one."""

    def __init__(self, monkeypatch):
        self.monkeypatch, self.asked = monkeypatch, []

    def train(self, whole, make, rule, data=None, solver_of=cs231n_solver.Solver, train=lambda s: s.train(), **kwargs):
        def whole_of(solver):
            found = _whole.whole_of(solver) if whole else None
            self.asked.append(found is not None)
            return found

        self.asked = []
        self.monkeypatch.setattr(_solver, "whole_of", whole_of)
        eecs498.reset_seed(2)
        solver = solver_of(make(), data or samples(), update_rule=rule, verbose=False, num_train_samples=50,
                           **{"optim_config": {"learning_rate": 1e-3}, "lr_decay": 0.9, "num_epochs": 4, "batch_size": 20, **kwargs})
        train(solver)
        return solver

    def both(self, *args, **kwargs):
        by_layers, whole = self.train(False, *args, **kwargs), self.train(True, *args, **kwargs)
        return by_layers, whole


@pytest.fixture
def ways(monkeypatch):
    return Ways(monkeypatch)


def arrays_of(solver):
    """All arrays that a training leaves, by name."""
    found = {("params", p): w for p, w in solver.model.params.items()}
    found.update({(p, key): value for p, config in solver.optim_configs.items() for key, value in config.items()})
    found.update({(i, key): value for i, param in enumerate(solver._norm_params()) for key, value in param.items() if key != "mode"})
    return found


def assert_equal(a, b, tolerance, but=()):
    """but: parameters that are not compared."""
    one, other = arrays_of(a), arrays_of(b)
    assert one.keys() == other.keys()
    for name in one:
        assert type(one[name]) is type(other[name]) and getattr(one[name], "dtype", 0) == getattr(other[name], "dtype", 0), name
        if not set(name) & set(but):
            assert np.allclose(np.asarray(one[name]), np.asarray(other[name]), atol=tolerance, rtol=tolerance), name
    assert np.allclose(a.loss_history, b.loss_history, atol=tolerance, rtol=tolerance)
    assert list(map(type, a.loss_history)) == list(map(type, b.loss_history))


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", CS231N)
def test_a_network_trains_as_its_layers_do(ways, name, rule):
    make, same_bits = CS231N[name]
    by_layers, whole = ways.both(make, rule)
    assert ways.asked == [True]
    double = make().params["W1"].dtype == np.float64
    if same_bits:
        assert_equal(by_layers, whole, 0)
    else:
        # what a bias before a batch norm gets is rounding alone, and these rules divide by its size
        assert_equal(by_layers, whole, 1e-9 if double else 1e-5, {"b1", "b2", 0, 1} if name == "batchnorm and L2" else ())
    assert by_layers.val_acc_history == whole.val_acc_history and by_layers.train_acc_history == whole.train_acc_history


@pytest.mark.parametrize("kind", ["numpy", pytest.param("torch", marks=pytest.mark.skipif(torch is None, reason="no PyTorch"))])
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", EECS498)
def test_networks_of_eecs498_train_as_their_layers_do(ways, name, rule, kind):
    of, dtype = (np.array, np.float64) if kind == "numpy" else (torch.tensor, torch.float64)
    by_layers, whole = ways.both(lambda: EECS498[name](dtype), getattr(eecs498, rule), samples(of), eecs498.Solver)
    assert ways.asked == [True]
    assert_equal(by_layers, whole, 1e-9, {"b1", "b2", "b3", 0, 1, 2} if "batchnorm" in name else ())


def test_the_random_numbers_that_follow_are_the_same(ways):
    drawn = [(ways.train(whole, fully_connected(), "sgd"), np.random.rand())[1] for whole in (False, True)]
    assert drawn[0] == drawn[1]


@pytest.mark.parametrize("width", [1, _whole.LONG_ROW - 1, _whole.LONG_ROW])
@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, np.float64])
def test_samples_of_all_types_and_lengths(ways, dtype, width):
    rng = np.random.RandomState(0)
    X, y = (9 * rng.rand(100, width)).astype(dtype), rng.randint(0, 3, 100).astype(np.uint8)
    data = {"X_train": X[::2], "y_train": y[::2], "X_val": X, "y_val": y}  # not contiguous
    by_layers, whole = ways.both(lambda: fc_net.FullyConnectedNet([4], width, 3), "adam", data)
    assert ways.asked == [True]
    assert_equal(by_layers, whole, 0)


def test_a_model_that_takes_the_type_of_its_samples_is_whole_from_the_second_step_on(ways):
    by_layers, whole = ways.both(three_layers(filter_size=3), "adam")
    assert ways.asked == [False, True] and whole.model.params["W1"].dtype == np.float64
    assert_equal(by_layers, whole, 1e-9)


# ---- what does not fit


class OfItsOwn(fc_net.FullyConnectedNet):
    calls = 0

    def loss(self, X, y=None):
        OfItsOwn.calls += y is not None
        return super().loss(X, y)


def own_loss_of_an_object():
    model = fully_connected()()
    loss = model.loss
    model.loss = lambda X, y=None: loss(X, y)
    return model


def of_two_types():
    model = fully_connected()()
    model.params["b1"] = model.params["b1"].astype(np.float64)
    return model


OTHERS = {
    "a loss of its own": (lambda: OfItsOwn([8], 108, CLASSES), {}),
    "a loss of an object": (own_loss_of_an_object, {}),
    "dropout": (fully_connected(dropout=0.5), {}),
    "dropout with a seed": (fully_connected(dropout=0.5, seed=3), {}),
    "half precision": (fully_connected(dtype=np.float16), {}),
    "a number that no option takes": (fully_connected(), {"optim_config": {"momentum": 1.5}}),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_the_library_does_not_have_goes_by_layers(ways, name):
    make, kwargs = OTHERS[name]
    by_layers, whole = ways.both(make, "sgd_momentum", **kwargs)
    assert ways.asked == [False, False]
    assert_equal(by_layers, whole, 0)


def test_a_loss_of_ones_own_is_called_for_each_step(ways):
    OfItsOwn.calls = 0
    solver = ways.train(True, OTHERS["a loss of its own"][0], "sgd")
    assert OfItsOwn.calls == len(solver.loss_history) == 24


def test_types_that_differ_become_one(ways):
    by_layers, whole = ways.both(of_two_types, "adam")
    assert_equal(by_layers, whole, 1e-5)


def test_a_rule_of_ones_own_is_called_for_each_step(ways, monkeypatch):
    calls = []
    monkeypatch.setattr(optim, "halve", lambda w, dw, config=None: (calls.append(1), (w / 2, config))[1], raising=False)
    ways.train(True, fully_connected(), "halve")
    assert ways.asked == [False, False] and len(calls) == 24 * 6


def test_each_parameter_may_have_numbers_of_its_own(ways):
    def train(solver):
        solver.optim_configs["W1"]["learning_rate"] = 0.0
        before = solver.model.params["W1"].copy()
        solver.train()
        assert np.array_equal(solver.model.params["W1"], before)

    by_layers, whole = ways.both(fully_connected(), "adam", train=train)
    assert ways.asked == [False, False]
    assert_equal(by_layers, whole, 0)


# ---- what can be seen


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("after", [0, 1, 7])
def test_an_interrupt_leaves_everything_as_after_the_last_step(ways, rule, after):
    def train(solver):
        draw, steps = solver.draw_batch, iter(range(100))

        def draw_batch(n, count):
            if next(steps) == after:
                raise KeyboardInterrupt
            return draw(n, count)

        solver.draw_batch = draw_batch
        with pytest.raises(KeyboardInterrupt):
            solver.train()

    by_layers, whole = ways.both(fully_connected(normalization="batchnorm"), rule, train=train)
    assert len(whole.loss_history) == after and whole._whole is None
    assert_equal(by_layers, whole, 0)


@pytest.mark.parametrize("name", ["L2", "batchnorm", "three layers"])
@pytest.mark.parametrize("rule", RULES)
def test_a_resumed_training_has_the_same_bits(ways, name, rule):
    whole = ways.train(True, CS231N[name][0], rule, checkpoint_name="run")
    resumed = ways.train(True, CS231N[name][0], rule, train=lambda s: (s.resume("run_epoch_2.pkl"), s.train()))
    assert ways.asked == [True]
    assert_equal(whole, resumed, 0)


def test_a_checkpoint_holds_the_state_of_the_rule(ways):
    ways.train(True, fully_connected(), "adam", checkpoint_name="run")
    solver = ways.train(True, fully_connected(), "adam", train=lambda s: s.resume("run_epoch_3.pkl"))
    assert {config["t"] for config in solver.optim_configs.values()} == {18}
    assert all(config["m"].any() and config["m"].shape == solver.model.params[p].shape for p, config in solver.optim_configs.items())


def test_training_again_goes_on_with_the_state_of_the_rule(ways):
    by_layers, whole = ways.both(fully_connected(), "adam", train=lambda s: (s.train(), s.train()))
    assert ways.asked == [True, True] and whole.optim_configs["W1"]["t"] == 48
    assert_equal(by_layers, whole, 0)


def test_arrays_that_were_the_models_before_are_left_alone(ways):
    kept = []

    def train(solver):
        kept.extend((w, w.copy()) for w in solver.model.params.values())
        solver.train()

    ways.train(True, fully_connected(), "adam", train=train)
    assert all(np.array_equal(w, before) for w, before in kept)


def test_a_loss_that_is_not_finite_goes_on_by_layers(ways):
    with np.errstate(all="ignore"):
        by_layers, whole = ways.both(fully_connected(), "sgd", optim_config={"learning_rate": 1e12})
    assert ways.asked == [True] and not np.isfinite(whole.loss_history[-1])
    assert np.array_equal(by_layers.loss_history, whole.loss_history, equal_nan=True)


def test_a_label_that_no_class_has_is_refused_as_by_layers(ways):
    data = samples()
    data["y_train"][:] = CLASSES
    for whole in (False, True):
        with pytest.raises(ValueError, match="labels are 0 to 4"):
            ways.train(whole, fully_connected(), "sgd", data)


def test_one_step_by_itself_is_seen_at_once(ways):
    solver = ways.train(True, fully_connected(), "sgd", train=lambda s: None)
    before = solver.model.params["W1"].copy()
    solver._step()
    assert ways.asked == [] and not np.array_equal(solver.model.params["W1"], before)


def test_accuracies_of_samples_of_another_shape_and_type(ways):
    data = samples()
    data["X_val"] = data["X_val"].reshape(30, -1).astype(np.float16)
    by_layers, whole = ways.both(fully_connected(), "adam", data)
    assert ways.asked == [True] and by_layers.val_acc_history == whole.val_acc_history
