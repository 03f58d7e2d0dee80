"""LaminaClassifier and LaminaRegressor: scikit-learn's own checks, its tools, weights, stopping, pickles."""
import pickle

import numpy as np
import pytest

import lamina

sklearn = pytest.importorskip("sklearn", minversion="1.6")

from sklearn.base import clone  # noqa: E402
from sklearn.datasets import load_diabetes, load_iris, make_regression  # noqa: E402
from sklearn.model_selection import GridSearchCV, cross_val_score  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402
from sklearn.utils.estimator_checks import check_estimator, parametrize_with_checks  # noqa: E402

from lamina import LaminaClassifier, LaminaRegressor  # noqa: E402

SMALL = {"epochs": 60, "lr": 1e-2, "random_state": 0}


@parametrize_with_checks([LaminaClassifier(), LaminaRegressor()])
def test_the_checks_of_scikit_learn_pass(estimator, check):
    check(estimator)


@pytest.mark.parametrize("loss", ["svm", "logistic"])
@pytest.mark.filterwarnings("ignore")
def test_they_pass_with_other_losses(loss):
    check_estimator(LaminaClassifier(f"affine 100 - relu - affine - {loss}", lr=3e-3), on_skip=None)


def iris():
    x, y = load_iris(return_X_y=True)
    return StandardScaler().fit_transform(x), np.array(["setosa", "versicolor", "virginica"])[y]


def test_pipelines_searches_and_cross_validation_work():
    x, y = load_iris(return_X_y=True)
    pipeline = make_pipeline(StandardScaler(), LaminaClassifier(**SMALL))
    assert cross_val_score(pipeline, x, y, cv=3).mean() > 0.9
    search = GridSearchCV(pipeline, {"laminaclassifier__l2": [0, 1e3], "laminaclassifier__optim": ["adam", "sgd"]}, cv=3)
    assert search.fit(x, y).best_params_["laminaclassifier__l2"] == 0 and search.best_score_ > 0.9


@pytest.mark.parametrize("loss", ["softmax", "logistic", "mse", "svm"])
def test_labels_of_any_type_come_back(loss):
    x, y = iris()
    model = LaminaClassifier(f"affine 50 - relu - affine - {loss}", **SMALL).fit(x, y)
    assert model.score(x, y) > 0.9 and set(model.predict(x)) <= set(model.classes_)
    assert model.decision_function(x).shape == (150, 3)
    assert hasattr(model, "predict_proba") == (loss in ("softmax", "logistic"))


@pytest.mark.parametrize("loss, outputs", [("softmax", 2), ("logistic", 1), ("mse", 1), ("svm", 2)])
def test_two_classes_have_one_decision(loss, outputs):
    x, y = iris()
    x, y = x[:100], y[:100]
    model = LaminaClassifier(f"affine 10 - relu - affine - {loss}", **SMALL).fit(x, y)
    assert model.net_.classes == outputs and model.decision_function(x).shape == (100,)
    assert model.score(x, y) > 0.95
    if loss in ("softmax", "logistic"):
        p = model.predict_proba(x)
        assert np.allclose(p.sum(1), 1) and np.array_equal(model.classes_[p.argmax(1)], model.predict(x))
        assert np.allclose(model.predict_log_proba(x), np.log(p))


def test_numbers_are_predicted_in_their_units():
    x, y = load_diabetes(return_X_y=True)
    model = LaminaRegressor(epochs=100, lr=3e-3, preprocess="standardize", random_state=0).fit(x, y)
    assert model.score(x, y) > 0.5 and model.predict(x).shape == y.shape
    both = LaminaRegressor(**SMALL).fit(x, np.column_stack([y, 1000 * y]))
    assert both.predict(x).shape == (len(y), 2) and both.predict(x)[:, 1].mean() > 100 * both.predict(x)[:, 0].mean()


def test_weights_of_classes_move_the_decision():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(300, 2)) + [[0.5, 0]], rng.integers(0, 10, 300) == 0
    x[y] -= [1, 0]
    found = [LaminaClassifier("affine - softmax", class_weight=weight, **SMALL).fit(x, y).predict(x).sum()
             for weight in (None, "balanced", {True: 100, False: 1})]
    assert found[0] < found[1] < found[2]


def test_weights_of_samples_are_repetitions():
    x, y = load_diabetes(return_X_y=True)
    x, y, weights = x[:60], y[:60], np.arange(60) % 3
    how = dict(epochs=20, random_state=0)
    weighted = LaminaRegressor(**how).fit(x, y, sample_weight=weights)
    repeated = LaminaRegressor(**how).fit(np.repeat(x, weights, 0), np.repeat(y, weights))
    assert np.allclose(weighted.predict(x), repeated.predict(x), rtol=1e-7)
    with pytest.raises(ValueError):
        LaminaRegressor(**how).fit(x, y, sample_weight=-weights)


def test_partial_fit_goes_on():
    x, y = iris()
    model, scores = LaminaClassifier(batch=20, lr=1e-2, random_state=0), []
    order = np.random.default_rng(0).permutation(150)
    for _ in range(10):
        for rows in np.array_split(order, 3):
            model.partial_fit(x[rows], y[rows], classes=np.unique(y))
        scores.append(model.score(x, y))
    assert scores[-1] > 0.9 and scores[-1] >= scores[0] and model.n_iter_ == 30
    with pytest.raises(ValueError, match="not in classes"):
        model.partial_fit(x[:1], ["rose"])
    with pytest.raises(ValueError, match="balanced"):
        LaminaClassifier(class_weight="balanced").partial_fit(x, y)
    with pytest.raises(ValueError, match="preprocess"):
        LaminaClassifier(preprocess="standardize").partial_fit(x, y)
    x, y = make_regression(100, 5, random_state=0)
    regressor = LaminaRegressor(batch=20, lr=1e-2, random_state=0)
    for _ in range(40):
        regressor.partial_fit(x, y)
    assert regressor.score(x, y) > 0.9


def test_early_stopping_keeps_the_best():
    x, y = iris()
    model = LaminaClassifier(early_stopping=True, patience=5, validation_fraction=0.2, **{**SMALL, "epochs": 5000}).fit(x, y)
    history = model.history_
    assert model.n_iter_ < 5000 and history.best_accuracy == history.val_accuracy.max()
    assert len(history.epoch) - history.val_accuracy.argmax() <= 6
    x, y = load_diabetes(return_X_y=True)
    assert LaminaRegressor(early_stopping=True, epochs=30, random_state=0).fit(x, y).history_.values


def test_images_come_as_images_or_as_rows():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 80)
    x = (rng.integers(0, 100, (80, 1, 6, 6)) + 100 * y[:, None, None, None]).astype(np.uint8)
    notation = "conv 4 3 pad 1 - relu - maxpool 2 - affine - softmax"
    how = dict(preprocess="scale=0.01", **SMALL)
    images = LaminaClassifier(notation, **how).fit(x, y)
    rows = LaminaClassifier(notation, input_shape=(1, 6, 6), **how).fit(x.reshape(80, 36), y)
    assert images.score(x, y) == 1 and images.net_.dtype == np.float32
    assert np.array_equal(rows.predict_proba(x.reshape(80, 36)), images.predict_proba(x))


@pytest.mark.parametrize("kind", [LaminaClassifier, LaminaRegressor])
def test_copies_predict_the_same_bits(kind):
    x = iris()[0]
    y = np.arange(150) // 50
    model = kind(**SMALL).fit(x, y)
    assert np.array_equal(pickle.loads(pickle.dumps(model)).predict(x), model.predict(x))
    assert np.array_equal(clone(model).fit(x, y).predict(x), model.predict(x))
    assert b"affine1.weight" in pickle.dumps(model)


def test_more_options_go_through():
    x, y = iris()
    model = LaminaClassifier(options={"label_smoothing": 0.1, "schedule": "cosine"}, **SMALL).fit(x, y)
    assert model.history_.lr[-1] < model.history_.lr[0] / 10
    with pytest.raises(lamina.OptionError, match="did you mean"):
        LaminaClassifier(options={"label_smothing": 0.1}).fit(x, y)
