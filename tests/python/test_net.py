"""Net and Data: training, the loop of one's own, views, files, threads, and what is refused."""
import os
import pickle
import signal
import threading
import time

import numpy as np
import pytest

import lamina

NOTATION = "conv 4 3 pad 1 - batchnorm - relu - affine 10 - relu - affine 3 - softmax"


def images(n=120, seed=0):
    """Images whose class, one of three, shows in the mean of the first channel."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, n)
    x = rng.normal(size=(n, 2, 4, 5))
    x[:, 0] += y[:, None, None] - 1
    return x.astype(np.float32), y


def net_of(**options):
    return lamina.Net(NOTATION, (2, 4, 5), **{"batch": 40, **options})


# ---- what it is


def test_a_network_tells_what_it_is():
    net = net_of(dtype=np.float64)
    assert net.notation == "conv 4 3x3 pad 1x1 - batchnorm - relu - affine 10 - relu - affine 3 - softmax"
    assert (net.input_shape, net.classes, net.dtype, net.loss_name) == ((2, 4, 5), 3, np.float64, "softmax")
    lines = net.describe().splitlines()
    assert lines[2].split() == ["conv1", "4x4x5", "76"] and lines[-1].split() == ["all", "927"]
    assert "<table>" in net._repr_html_() and "batchnorm1" in net._repr_html_()
    assert repr(net).startswith("<lamina.Net conv 4")


@pytest.mark.parametrize("shape, expected", [(7, (7,)), ((7,), (7,)), ([2, 3, 4], (2, 3, 4)),
                                             (np.zeros((2, 3, 4)).shape, (2, 3, 4))])
def test_input_shapes_may_be_a_number_or_a_sequence(shape, expected):
    assert lamina.Net("affine 3 - softmax", shape).input_shape == expected


@pytest.mark.parametrize("make, kind, says", [
    (lambda: lamina.Net("affine 3 - softmaz", 4), lamina.NotationError, "did you mean 'softmax'"),
    (lambda: lamina.Net("affine 3 - softmax", (4, 0)), lamina.ShapeError, "input_shape"),
    (lambda: lamina.Net("affine 3 - softmax", "abc"), lamina.ShapeError, "input_shape"),
    (lambda: lamina.Net("affine 3 - softmax", 4, devise="cpu"), lamina.OptionError, "did you mean --device"),
    (lambda: lamina.Net("affine 3 - softmax", 4, device="cuda"), lamina.DeviceError, "cuda"),
    (lambda: lamina.Net("affine 3 - softmax", 4, dtype=np.int32), lamina.OptionError, "dtype"),
    (lambda: lamina.Net("affine 3 - softmax", 4, lr=object()), lamina.OptionError, "lr"),
    (lambda: lamina.Net("affine 3 - softmax", 4, lr=-1), lamina.OptionError, "lr"),
    (lambda: lamina.Net("affine 3 - softmax", 4, seed=-1), lamina.OptionError, "seed"),
    (lambda: lamina.Net("affine 3 - softmax", 4, seed=2**70), lamina.OptionError, "seed"),
    (lambda: lamina.Net("affine 3 - softmax", 2**64 + 4), lamina.ShapeError, "input_shape"),
    (lambda: lamina.Net("affine 3 - softmax\0 - relu", 4), lamina.ArgumentError, "notation has a character 0"),
    (lambda: lamina.Net("affine 3 - softmax", 4, init="he\0"), lamina.ArgumentError, "init has a character 0"),
    (lambda: lamina.Net("affine 3 - softmax", 4).save("a\0b"), lamina.ArgumentError, "path has a character 0"),
    (lambda: lamina.Net("affine 3 - softmax", 4).set("affine1.bias\0", np.ones(3)), lamina.ArgumentError, "character 0"),
    (lambda: lamina.Net("affine 3 - softmax", 4).evaluate((np.ones((2, 4)), [0, 1]), "tset"), lamina.ArgumentError, "'tset'"),
    (lambda: lamina.Net.resume("nothing", 5), lamina.ArgumentError, "pair"),
    (lambda: lamina.Net.resume("nothing", (np.ones((2, 4)), [0, 1])), lamina.ReadError, "nothing"),
    (lambda: lamina.Net.load("nothing.safetensors"), lamina.ReadError, "nothing.safetensors"),
    (lambda: lamina.Net("affine 3 - softmax", 4).save("no/folder"), lamina.WriteError, "no/folder"),
])
def test_mistakes_are_told(make, kind, says):
    with pytest.raises(kind, match=says):
        make()


def test_a_device_that_is_not_there_is_refused_at_once():
    lamina.Net("affine 3 - softmax", 4).save("model")
    with pytest.raises(lamina.DeviceError, match="cuda"):
        lamina.Net.load("model", device="cuda")


@pytest.mark.parametrize("shape, fits", [
    ((5, 2, 4, 6), True), ((5, 48), True), ((5, 4, 6, 2), False), ((5, 8, 6), False), ((5, 2, 6, 4), False), ((5, 47), False)])
def test_images_in_another_order_are_refused(shape, fits):
    net, x = lamina.Net("conv 2 3 - affine 3 - softmax", (2, 4, 6)), np.ones(shape)
    if fits:
        assert net.scores(x).shape == (5, 3) and np.isfinite(net.loss(x, np.arange(5) % 3))
        return
    for use in (net.scores, net.predict, lambda x: net.loss(x, np.arange(5) % 3)):
        with pytest.raises(lamina.ShapeError, match="the network takes N x 2x4x6"):
            use(x)


def test_sizes_of_one_and_rows_of_any_shape_fit():
    grey, rows = lamina.Net("conv 2 3 - affine 3 - softmax", (1, 4, 6)), lamina.Net("affine 3 - softmax", 24)
    x = np.random.default_rng(0).normal(size=(5, 4, 6))
    assert np.array_equal(grey.scores(x), grey.scores(x[:, None]))
    assert np.array_equal(rows.scores(x), rows.scores(x.reshape(5, 24)))


# ---- parameters


def test_parameters_are_live_views():
    net = net_of()
    shapes = {name: array.shape for name, array in net.params.items()}
    assert shapes["conv1.weight"] == (4, 2, 3, 3) and shapes["affine2.weight"] == (3, 10)
    assert "batchnorm1.running_mean" in net.params and len(net.params) == 10
    for name in net.params:
        if name != "affine1.weight":
            value = np.random.default_rng(1).normal(size=shapes[name]).astype(np.float32)
            net.params[name][...] = value
            assert np.array_equal(net.get(name), value)
            net.set(name, 2 * value)
            assert np.array_equal(net.params[name], 2 * value)


def test_an_affine_after_an_image_is_read_and_set():
    net = net_of()
    value = np.random.default_rng(1).normal(size=(10, 80))
    net.params["affine1.weight"] = value
    assert np.array_equal(net.get("affine1.weight"), value.astype(np.float32))
    with pytest.raises(ValueError, match="read-only"):
        net.params["affine1.weight"][0, 0] = 1
    net.params["affine2.bias"] += 1
    assert (net.get("affine2.bias") == 1).all()


def test_views_outlive_their_network():
    net = net_of()
    net.loss(*images(10))
    views = [net.params["conv1.weight"], net.grads["conv1.weight"]]
    copies = [view.copy() for view in views]
    del net
    assert all(np.array_equal(view, copy) for view, copy in zip(views, copies))


@pytest.mark.parametrize("use, kind, says", [
    (lambda net: net.get("affine9.weight"), lamina.ArgumentError, "affine9.weight"),
    (lambda net: net.set("affine9.weight", [1.0]), lamina.ArgumentError, "affine9.weight"),
    (lambda net: net.params["affine9.weight"], KeyError, "affine9.weight"),
    (lambda net: net.set("affine2.bias", [1.0, 2.0]), lamina.ShapeError, "affine2.bias is 3, not 2"),
    (lambda net: net.set("affine2.bias", ["a"] * 3), lamina.DtypeError, "affine2.bias"),
    (lambda net: net.grads, lamina.ArgumentError, "after loss"),
    (lambda net: net.step(), lamina.ArgumentError, "after loss"),
])
def test_parameters_that_are_not_there_are_refused(use, kind, says):
    with pytest.raises(kind, match=says):
        use(net_of())


# ---- a loop of one's own


def test_gradients_are_those_of_the_loss():
    net = lamina.Net("affine 6 - layernorm - elu - affine 3 - softmax", 5, dtype="f64", l2=0.1)
    rng = np.random.default_rng(0)
    x, y, h = rng.normal(size=(8, 5)), rng.integers(0, 3, 8), 1e-6
    net.loss(x, y)
    gradients = {name: gradient.copy() for name, gradient in net.grads.items()}
    assert set(gradients) == set(net.params)
    for name, gradient in gradients.items():
        for at in np.ndindex(gradient.shape):
            before = net.params[name][at]
            net.params[name][at] = before + h
            above = net.loss(x, y)
            net.params[name][at] = before - h
            below = net.loss(x, y)
            net.params[name][at] = before
            assert abs((above - below) / (2 * h) - gradient[at]) < 1e-6


def test_gradients_are_views_of_the_last_loss_and_read_only():
    net, (x, y) = net_of(), images()
    net.loss(x[:40], y[:40])
    view, copy = net.grads["conv1.weight"], net.grads["affine1.weight"]
    first = view.copy()
    net.loss(x[40:80], y[40:80])
    assert not np.array_equal(view, first) and not np.array_equal(net.grads["affine1.weight"], copy)
    assert "batchnorm1.running_mean" not in net.grads
    with pytest.raises(ValueError, match="read-only"):
        view[:] = 0


def test_loss_and_step_are_steps_of_train():
    """Whole batches in the order in which train takes them are not known, so that one batch is all samples."""
    x, y = images(40)
    by_hand, trained = net_of(l2=1e-3), net_of(l2=1e-3)
    losses = []
    for _ in range(5):
        losses.append(by_hand.loss(x, y))
        by_hand.step()
    history = trained.train((x, y), epochs=5, progress=False)
    assert np.allclose(history.loss, losses, rtol=1e-5)
    assert np.allclose(by_hand.get("affine1.weight"), trained.get("affine1.weight"), atol=1e-5)


def test_weights_of_samples_count_like_repetitions():
    net, (x, y) = net_of(dtype="f64"), images(6)
    weighted = net.loss(x, y, weights=[1, 2, 1, 1, 3, 0])
    rows = [0, 1, 1, 2, 3, 4, 4, 4]
    assert lamina.Net("affine 3 - svm", (2, 4, 5)).loss(x, y, [1.0] * 6) > 0
    flat = lamina.Net("affine 3 - softmax", (2, 4, 5), dtype="f64")
    assert abs(flat.loss(x, y, [1, 2, 1, 1, 3, 0]) - flat.loss(x[rows], y[rows])) < 1e-12
    assert np.isfinite(weighted)


def test_a_larger_batch_is_fine_before_the_first_step():
    net, (x, y) = net_of(), images()
    net.loss(x[:10], y[:10])
    net.loss(x, y)
    net.step(lr=1e-2)
    with pytest.raises(lamina.ArgumentError, match="1 to 120"):
        net.loss(*images(130))


@pytest.mark.parametrize("x, y, kind, says", [
    (np.zeros((4, 2, 4, 6)), [0] * 4, lamina.ShapeError, "4x2x4x6"),
    (np.zeros((0, 2, 4, 5)), [], lamina.ShapeError, "x is empty"),
    (np.zeros((4, 2, 4, 5)), [0] * 3, lamina.ShapeError, "3"),
    (np.zeros((4, 2, 4, 5)), [0, 1, 2, 3], lamina.FormatError, "3"),
    (np.zeros((4, 2, 4, 5)), [0, 1, 2, -1], lamina.FormatError, "-1"),
    (np.zeros((4, 2, 4, 5)), [0.5, 1, 2, 1], lamina.ArgumentError, "y is f64"),
    (np.zeros((4, 2, 4, 5), object), [0] * 4, lamina.DtypeError, "x has dtype object"),
    (np.zeros((4, 2, 4, 5)), np.array(["a"] * 4), lamina.DtypeError, "y has dtype"),
    (np.zeros(()), [0], lamina.ShapeError, "scalar"),
])
def test_bad_batches_are_refused_and_change_nothing(x, y, kind, says):
    net = net_of()
    before = net.sha256
    with pytest.raises(kind, match=says):
        net.loss(x, y)
    assert net.sha256 == before


def test_layouts_do_not_matter():
    net, (x, y) = net_of(), images(40)
    loss, scores = net.loss(x, y), net.scores(x)
    read_only = x.copy()
    read_only.flags.writeable = False
    for other in (np.asfortranarray(x), x.astype(np.float64), read_only, np.repeat(x, 2, 0)[::2], x.tolist()):
        assert net.loss(other, y) == loss
        assert np.array_equal(net.scores(other), scores)
    for labels in (y.astype(np.uint8), y.astype(np.int16), y.tolist(), np.repeat(y, 2)[::2]):
        assert net.loss(x, labels) == loss


# ---- training


def test_training_learns_and_tells_its_course():
    x, y = images()
    seen = []
    net = net_of()
    history = net.train(lamina.Data.from_arrays(x, y, val=images(60, 1)), seen.append, progress=False, epochs=8, lr=1e-2)
    assert history is net.history and not history.interrupted
    assert len(history.loss) == 24 and history.epoch.tolist() == list(range(1, 9))
    assert history.epoch_step.tolist() == list(range(3, 25, 3))
    assert history.best_accuracy == history.val_accuracy.max() > 0.8
    assert [e.epoch for e in seen] == list(range(1, 9)) and seen[-1].val_accuracy == history.val_accuracy[-1]
    assert net.evaluate(images(60, 1))["accuracy"] == history.best_accuracy
    assert "24 steps" in repr(history)


def test_the_same_seed_gives_the_same_bits():
    digests = set()
    for seed, threads in ((1, 1), (1, 2), (2, 1)):
        net = net_of(seed=seed, threads=threads)
        net.train(images(), epochs=2, progress=False)
        digests.add(net.sha256)
    assert len(digests) == 2


def test_a_true_result_of_the_callback_ends_the_training():
    history = net_of().train(images(), lambda epoch: epoch.epoch == 2, progress=False, epochs=50)
    assert history.interrupted and history.epoch.tolist() == [1, 2]


def test_what_the_callback_raises_ends_the_training():
    net = net_of()
    with pytest.raises(ZeroDivisionError):
        net.train(images(), lambda epoch: 1 / 0, progress=False, epochs=50)
    assert len(net.train(images(), progress=False, epochs=1).epoch) == 1


@pytest.fixture
def interruptible():
    """Ctrl-C as Python has it; a shell may have had it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_ends_the_training_and_keeps_the_best_weights(interruptible):
    x, y = images()
    net = net_of()
    best = []

    def callback(epoch):
        best.append(epoch.best_accuracy)
        if epoch.epoch == 4:
            os.kill(os.getpid(), signal.SIGINT)

    history = net.train(lamina.Data.from_arrays(x, y, val=images(60, 1)), callback, progress=False, epochs=2000, lr=1e-2)
    assert history.interrupted and len(history.epoch) < 100
    assert net.evaluate(images(60, 1))["accuracy"] == history.best_accuracy >= best[-1]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_pressed_twice_ends_a_callback_that_hangs(interruptible):
    def callback(epoch):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(20)

    with pytest.raises(KeyboardInterrupt):
        net_of().train(images(), callback, progress=False, epochs=5)


def test_a_diverged_training_is_told_with_step_and_layer():
    x, y = np.random.default_rng(0).normal(size=(10, 4)), np.zeros((10, 3))
    with pytest.raises(lamina.DivergedError, match=r"at step \d+; .* output of affine2"):
        lamina.Net("affine 9 - affine 3 - mse", 4, lr=1e6, optim="sgd").train((x, y), epochs=99, progress=False)


@pytest.mark.parametrize("data, options, kind, says", [
    (images()[0], {}, lamina.ArgumentError, r"\(x, y\)"),
    (None, {}, lamina.ArgumentError, r"\(x, y\)"),
    ((np.zeros((4, 3)), [0, 1, 2, 0]), {}, lamina.ShapeError, "3"),
    (images(), {"epoch": 3}, lamina.OptionError, "did you mean --epochs"),
    (images(), {"patience": 3}, lamina.OptionError, "validation"),
    (images(), {"optim": "adan"}, lamina.OptionError, "adan"),
])
def test_a_training_that_cannot_be_is_refused(data, options, kind, says):
    with pytest.raises(kind, match=says):
        net_of().train(data, progress=False, **options)


def test_options_take_lists_and_dictionaries():
    net = net_of()
    net.train(images(), progress=False, epochs=1, augment=["flip", "crop=1"], class_weight={0: 2, 1: 1, 2: 0.5},
              set=["conv1.* lr 0", "*.bias lr x2"])
    assert np.array_equal(net.get("conv1.weight"), net_of().get("conv1.weight"))


def test_a_run_goes_on_with_the_same_bits():
    x, y = images()
    data = lamina.Data.from_arrays(x, y, val=images(60, 1))
    whole = net_of()
    whole.train(data, progress=False, epochs=6)
    net_of().train(data, lambda epoch: epoch.epoch == 3, progress=False, epochs=6, out="run")
    resumed = lamina.Net.resume("run", data, progress=False)
    assert resumed.sha256 == whole.sha256 and resumed.history.epoch.tolist() == [4, 5, 6]
    with pytest.raises(lamina.ReadError, match="nowhere"):
        lamina.Net.resume("nowhere", data)


def test_gradient_checks_pass_and_fail():
    rows = net_of().check_gradients(seed=1)
    assert rows[0].name == "conv1.weight" and max(row.error for row in rows) < 1e-7
    with pytest.raises(lamina.OptionError):
        net_of().check_gradients(bach=3)


# ---- use


def test_scores_come_in_batches_and_from_nothing():
    net, (x, _) = net_of(batch=7), images(50)
    whole = net_of(batch=50)
    assert np.array_equal(net.scores(x), whole.scores(x))
    assert net.scores(x[:0]).shape == (0, 3) and net.predict(x[:0]).shape == (0,)
    assert net.probabilities(x[:0]).shape == (0, 3)
    with pytest.raises(lamina.ShapeError, match="50x2x4"):
        net.scores(x[..., 0])
    with pytest.raises(lamina.ShapeError, match="scalar"):
        net.scores(3.0)


@pytest.mark.parametrize("notation, shape", [("affine 3 - softmax", (5, 3)), ("affine 3 - logistic", (5, 3)),
                                             ("affine 1 - logistic", (5, 1))])
def test_probabilities_are_those_of_the_loss(notation, shape):
    net, x = lamina.Net(notation, 4, dtype="f64"), np.random.default_rng(0).normal(size=(5, 4))
    scores, p = net.scores(x), net.probabilities(x)
    assert p.shape == shape
    expected = np.exp(scores) / np.exp(scores).sum(1, keepdims=True) if "softmax" in notation else 1 / (1 + np.exp(-scores))
    assert np.allclose(p, expected, rtol=1e-12)
    answers = net.predict(x)
    if "softmax" in notation:
        assert np.array_equal(answers, scores.argmax(1))
    else:
        assert np.array_equal(answers.reshape(shape), p > 0.5)


def test_a_loss_without_probabilities_says_so():
    with pytest.raises(lamina.ArgumentError, match="svm"):
        lamina.Net("affine 3 - svm", 4).probabilities(np.zeros((1, 4)))


def test_files_and_pickles_hold_the_same_bits():
    net, (x, y) = net_of(), images()
    net.train((x, y), progress=False, epochs=2, preprocess="standardize")
    net.save("model.safetensors")
    for copy in (lamina.Net.load("model.safetensors"), pickle.loads(pickle.dumps(net))):
        assert copy.sha256 == net.sha256 and np.array_equal(copy.scores(x), net.scores(x))
    with open("bad.safetensors", "wb") as file:
        file.write(b"no model")
    with pytest.raises(lamina.FormatError, match="bad.safetensors"):
        lamina.Net.load("bad.safetensors")


# ---- data


def test_data_tells_what_it_holds():
    x, y = images(30)
    data = lamina.Data.from_arrays(x, y, classes=5, val=(x[:7], y[:7]), weights=np.ones(30))
    assert (data.shape, data.classes, data.targets) == ((2, 4, 5), 5, 0)
    assert (data.count(), data.count("val"), data.count("test")) == (30, 7, 0)
    assert np.array_equal(data.answers(), y) and data.class_names == list("01234")
    assert repr(data) == "<lamina.Data 30 train, 7 val; samples 2x4x5, 5 classes>"
    numbers = lamina.Data.from_arrays(x, np.arange(60.0).reshape(30, 2))
    assert numbers.targets == 2 and np.array_equal(numbers.answers(), np.arange(60.0).reshape(30, 2))


def test_data_opens_files():
    np.savez("data.npz", x=np.arange(40.0).reshape(10, 4), y=np.arange(10) % 3)
    data = lamina.Data.open("data.npz", val=4)
    assert (data.shape, data.classes, data.count(), data.count("val")) == ((4,), 3, 6, 4)


def test_a_network_names_its_classes(tmp_path):
    drinks = "café", "tea", "milk"
    rows = "".join(f"{i % 3},{i % 7},{drinks[i % 3]}\n" for i in range(30))
    (tmp_path / "drinks.csv").write_text("a,b,drink\n" + rows, encoding="utf-8")
    data = lamina.Data.open("drinks.csv", label="drink")
    net = lamina.Net("affine 3 - softmax", data.shape)
    assert net.class_names == []  # they come with the data
    net.train(data, progress=False, epochs=1)
    assert net.class_names == data.class_names and set(net.class_names) == set(drinks)
    net.save("model.safetensors")
    assert lamina.Net.load("model.safetensors").class_names == net.class_names
    net.train((np.ones((6, 2)), np.arange(6) % 3), progress=False, epochs=1)
    assert set(net.class_names) == set(drinks)  # arrays have no others


def test_numbers_that_are_predicted_have_names(tmp_path):
    (tmp_path / "points.csv").write_text("a,b,c\n" + "".join(f"{i},{i * i},{-i}\n" for i in range(20)))
    data = lamina.Data.open("points.csv", targets="numbers", label=["b", "c"])
    net = lamina.Net("affine 2 - mse", data.shape)
    net.train(data, progress=False, epochs=1, lr=1e-4)
    assert net.class_names == ["b", "c"]


def test_arrays_are_shared_or_copied():
    x, y = np.random.default_rng(0).normal(size=(20, 4)), np.arange(20) % 2
    digests = []
    for copy in (False, True):
        changed = x.copy()
        data = lamina.Data.from_arrays(changed, y, copy=copy)
        changed[:] = 0
        net = lamina.Net("affine 2 - softmax", 4)
        net.train(data, progress=False, epochs=1)
        digests.append(net.sha256)
    assert digests[0] != digests[1]
    data = lamina.Data.from_arrays(np.random.default_rng(0).normal(size=(20, 4)), y)  # kept by the data alone
    net = lamina.Net("affine 2 - softmax", 4)
    net.train(data, progress=False, epochs=1)
    assert net.sha256 == digests[1]


@pytest.mark.parametrize("make, kind, says", [
    (lambda x, y: lamina.Data.from_arrays(x, y[:5]), lamina.ShapeError, "5"),
    (lambda x, y: lamina.Data.from_arrays(x, y - 5), lamina.FormatError, r"y\[0\] is -\d; labels"),
    (lambda x, y: lamina.Data.from_arrays(x, y, classes=2), lamina.FormatError, "2"),
    (lambda x, y: lamina.Data.from_arrays(x, y, classes=-1), lamina.ArgumentError, "classes is -1"),
    (lambda x, y: lamina.Data.from_arrays(x, y, classes="3"), lamina.ArgumentError, "classes is '3'"),
    (lambda x, y: lamina.Data.from_arrays(x, y, classes=2**64 + 3), lamina.ArgumentError, "classes is"),
    (lambda x, y: lamina.Data.from_arrays(x[:0], y[:0]), lamina.ShapeError, "x is empty"),
    (lambda x, y: lamina.Data.from_arrays(x, y, val=(x,)), lamina.ArgumentError, "val must be a pair"),
    (lambda x, y: lamina.Data.from_arrays(x, y, test=5), lamina.ArgumentError, "test must be a pair"),
    (lambda x, y: lamina.Data.open("points.npz\0"), lamina.ArgumentError, "path has a character 0"),
    (lambda x, y: lamina.Data.from_arrays(x, y, val=(x[:, :1], y)), lamina.ShapeError, "1"),
    (lambda x, y: lamina.Data.from_arrays(x, y, weights=-np.ones(30)), lamina.ArgumentError, "weight"),
    (lambda x, y: lamina.Data.from_arrays(x, y, weights=np.ones(3)), lamina.ShapeError, "3"),
    (lambda x, y: lamina.Data.from_arrays(x, y).count("valid"), lamina.ArgumentError, "train, val, test"),
    (lambda x, y: lamina.Data.open("nothing.csv"), lamina.ReadError, "nothing.csv"),
])
def test_bad_data_is_refused(make, kind, says):
    with pytest.raises(kind, match=says):
        make(*images(30))


# ---- memory


def resident_bytes():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


def test_networks_data_and_sessions_leave_nothing_behind():
    x, y = images(40)

    def rounds(n):
        for _ in range(n):
            net = net_of()
            net.loss(x, y)
            net.step()
            net.train((x, y), progress=False, epochs=1)
            net.scores(x)
            views = net.params["conv1.weight"], net.grads["conv1.weight"]
            assert views[0].shape == views[1].shape
            with pytest.raises(lamina.OptionError):
                net_of(devise=1)

    rounds(30)
    before = resident_bytes()
    rounds(200)
    assert resident_bytes() - before < 4 << 20


# ---- threads


def in_threads(*works):
    """Runs them at once; returns the exceptions."""
    errors = []

    def guarded(work):
        try:
            work()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


def test_threads_take_turns():
    net, (x, y) = net_of(), images(40)
    scores, loss = net.scores(x), net.loss(x, y)
    wrong = []

    def look():
        for _ in range(60):
            wrong.extend([1] * (not np.array_equal(net.scores(x), scores)))

    def compute():
        for _ in range(60):
            wrong.extend([1] * (net.loss(x, y) != loss))

    assert in_threads(look, compute, look, compute) == [] and not wrong


def test_a_network_that_is_being_trained_is_busy():
    net, (x, y) = net_of(), images()
    begun, looked = threading.Event(), threading.Event()

    def callback(epoch):
        begun.set()
        return looked.wait(20)

    def look():
        begun.wait(20)
        try:
            for use in (lambda: net.scores(x), lambda: net.loss(x, y), lambda: net.train((x, y)), lambda: net.save("a")):
                with pytest.raises(lamina.BusyError, match="another thread"):
                    use()
        finally:
            looked.set()

    assert in_threads(lambda: net.train((x, y), callback, progress=False, epochs=1000), look) == []
    assert net.scores(x).shape == (120, 3)


def test_the_callback_may_use_the_network_but_not_train_it():
    net, (x, y) = net_of(), images()
    seen = []

    def callback(epoch):
        seen.append(net.scores(x[:5]).shape)
        net.train((x, y))

    with pytest.raises(lamina.BusyError, match="callback"):
        net.train((x, y), callback, progress=False)
    assert seen == [(5, 3)]


def test_other_threads_run_while_the_library_works():
    net, (x, y) = lamina.Net("affine 400 - relu - affine 400 - relu - affine 3 - softmax", 40), images(2000)
    ticks, done = [], threading.Event()

    def tick():
        while not done.wait(0.001):
            ticks.append(time.monotonic())

    def work():
        try:
            net.scores(np.repeat(x.reshape(2000, 40), 10, 0))
        finally:
            done.set()

    assert in_threads(tick, work) == [] and len(ticks) > 1
