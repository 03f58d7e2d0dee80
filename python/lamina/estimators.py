"""LaminaClassifier and LaminaRegressor: networks as estimators of scikit-learn (1.6 or later, which this needs).

They follow its conventions: Pipeline, GridSearchCV, cross_val_score, clone and pickle work; a pickle holds the model file.
"""
from __future__ import annotations

from typing import Optional

import numpy as np

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.model_selection import train_test_split
    from sklearn.utils import check_random_state, column_or_1d
    from sklearn.utils.class_weight import compute_sample_weight
    from sklearn.utils.metaestimators import available_if
    from sklearn.utils.multiclass import check_classification_targets, unique_labels
    from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data
except ImportError as error:
    raise ImportError(f"the estimators need scikit-learn 1.6 or later: pip install 'lamina[sklearn]' ({error})") from None

from .data import Data
from .net import Net

MOST_SEEDS = 2**31 - 1
LARGEST_BATCH = 200  # where batch is None
TYPES = [np.float64, np.float32, np.uint8]  # of samples; others become float64

PARAMETERS = """
    notation             the network; the size of the last affine may be left out: it follows from y
    epochs               passes over the training part
    batch                samples per step; None: 200, or all where there are fewer
    lr                   learning rate; None: the update rule's default
    optim                sgd, momentum, nesterov, rmsprop, adam, adamw, muon
    l2                   adds l2/2 * |W|^2 to the loss, weights only
    preprocess           "none", "standardize" ...: part of the model; or use a Pipeline
    input_shape          (C, H, W) of images that come as rows; None: the shape of X's samples
    dtype                "f32" or "f64"; None: that of X, f32 for bytes
    early_stopping       keep the weights that are best on a part of the samples that is not trained on, and stop after
                         `patience` epochs without a better score
    validation_fraction  the size of that part
    patience             epochs
    random_state         of initial weights, order of samples, dropout and the validation part
    verbose              True: show the progress
    options              dictionary of any other training options of docs/options.md"""

ATTRIBUTES = """
    net_            the Net
    n_iter_         epochs trained
    history_        History of fit
    n_features_in_  X.shape[1]"""


def _has_probabilities(estimator):
    return estimator.notation.split()[-1] in ("softmax", "logistic")


class _Estimator(BaseEstimator):
    """What both have in common. Theirs are _answers, which makes numbers of y, and _scores_of."""

    def __init__(self, notation, epochs, batch, lr, optim, l2, preprocess, input_shape, dtype, early_stopping,
                 validation_fraction, patience, random_state, verbose, options):
        self.notation = notation
        self.epochs = epochs
        self.batch = batch
        self.lr = lr
        self.optim = optim
        self.l2 = l2
        self.preprocess = preprocess
        self.input_shape = input_shape
        self.dtype = dtype
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.random_state = random_state
        self.verbose = verbose
        self.options = options

    # ---- samples

    def _checked(self, X, reset, y="no_validation", **how):
        return validate_data(self, X, y, reset=reset, dtype=TYPES, order="C", allow_nd=True, **how)

    def _shaped(self, X):
        return X if self.input_shape is None else X.reshape(len(X), *self.input_shape)

    def _make_net(self, X, scores):
        dtype = self.dtype or ("f64" if X.dtype == np.float64 else "f32")
        shape = self._shaped(X[:1]).shape[1:]
        self._seed = int(check_random_state(self.random_state).randint(MOST_SEEDS))
        batch = self.batch or LARGEST_BATCH
        options = dict(self.options or {}, lr=self.lr, optim=self.optim, l2=self.l2, batch=batch)
        return Net(self.notation, shape, dtype=dtype, seed=self._seed, classes=scores, **options)

    def _scores(self, X):
        check_is_fitted(self, "net_")
        return self.net_.scores(self._shaped(self._checked(X, reset=False)))

    # ---- fitting

    def _fit(self, X, answers, weights, scores, strata):
        """answers (N) or (N, K) as the loss takes them; weights (N) or None; strata: y, to be shared out evenly."""
        x, val, stopping = self._shaped(X), None, {}
        if weights is not None:
            some = weights > 0
            x, answers, weights = x[some], answers[some], weights[some]
            strata = strata if strata is None else strata[some]
        if self.early_stopping:
            rows = np.arange(len(x))
            rows, held = train_test_split(rows, test_size=self.validation_fraction, stratify=strata,
                                          random_state=check_random_state(self.random_state))
            val, stopping = (x[held], answers[held]), {"patience": self.patience}
            x, answers = x[rows], answers[rows]
            weights = weights if weights is None else weights[rows]
        self.net_ = self._make_net(X, scores)
        data = Data.from_arrays(x, answers, classes=self._label_count(), val=val, weights=weights)
        self.history_ = self.net_.train(data, progress=None if self.verbose else False, epochs=self.epochs,
                                        preprocess=self.preprocess, **stopping)
        self.n_iter_ = len(self.history_.epoch)
        return self

    def _partial_fit(self, X, answers, weights, scores):
        """One pass over X in batches, in random order. The state of the update rule stays from call to call."""
        if not hasattr(self, "net_"):
            self.net_, self.n_iter_ = self._make_net(X, scores), 0
        if self.preprocess != "none":
            raise ValueError(f"preprocess={self.preprocess!r} needs all samples, and partial_fit sees some: use 'none'")
        x, batch = self._shaped(X), self.batch or LARGEST_BATCH
        order = np.random.default_rng([self._seed, self.n_iter_]).permutation(len(x))
        if weights is not None:
            order = order[weights[order] > 0]
        for first in range(0, len(order), batch):
            rows = order[first : first + batch]
            self.net_.loss(x[rows], answers[rows], None if weights is None else weights[rows])
            self.net_.step()
        self.n_iter_ += 1
        return self


class LaminaClassifier(ClassifierMixin, _Estimator):
    __doc__ = f"""A network that tells classes apart.
{PARAMETERS}
    class_weight         "balanced", or a dictionary from class to weight

    Attributes
{ATTRIBUTES}
    classes_        the labels, sorted"""

    def __init__(self, notation="affine 100 - relu - affine - softmax", *, epochs=200, batch=None, lr=None, optim="adam",
                 l2=0.0, preprocess="none", input_shape=None, dtype=None, early_stopping=False, validation_fraction=0.1,
                 patience=10, class_weight=None, random_state=None, verbose=False, options=None):
        super().__init__(notation, epochs, batch, lr, optim, l2, preprocess, input_shape, dtype, early_stopping,
                         validation_fraction, patience, random_state, verbose, options)
        self.class_weight = class_weight

    def _one_score(self):
        """Do two classes have one score: yes or no?"""
        return self.notation.split()[-1] in ("logistic", "mse") and len(self.classes_) == 2

    def _label_count(self):
        return len(self.classes_)

    def _weights(self, y, sample_weight, X):
        """sample_weight times class_weight, or None."""
        weights = None
        if sample_weight is not None:
            weights = _check_sample_weight(sample_weight, X, dtype=np.float64)
        if self.class_weight is not None:
            of_class = compute_sample_weight(self.class_weight, y)
            weights = of_class if weights is None else weights * of_class
        return weights

    def _scores_wanted(self):
        return 1 if self._one_score() else len(self.classes_)

    def fit(self, X, y, sample_weight: Optional[np.ndarray] = None) -> LaminaClassifier:
        """X (N, D), or (N, C, H, W); y (N) labels of any type; sample_weight (N), at least 0."""
        X, y = self._checked(X, True, y)
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        return self._fit(X, labels, self._weights(y, sample_weight, X), self._scores_wanted(), labels)

    def partial_fit(self, X, y, classes=None, sample_weight: Optional[np.ndarray] = None) -> LaminaClassifier:
        """One pass over some samples. classes: all labels, needed in the first call where y does not have them all."""
        first = not hasattr(self, "net_")
        X, y = self._checked(X, first, y)
        y = column_or_1d(y, warn=True)
        if first:
            self.classes_ = unique_labels(y if classes is None else classes)
        if self.class_weight == "balanced":
            raise ValueError("class_weight='balanced' needs all samples, and partial_fit sees some: give a dictionary")
        labels = np.searchsorted(self.classes_, y)
        if (self.classes_[np.minimum(labels, len(self.classes_) - 1)] != y).any():
            raise ValueError(f"y has labels that are not in classes: {np.setdiff1d(y, self.classes_)}")
        return self._partial_fit(X, labels, self._weights(y, sample_weight, X), self._scores_wanted())

    def decision_function(self, X) -> np.ndarray:
        """Scores (N, classes); with two classes (N), above 0 for the second one."""
        scores = self._scores(X)
        if scores.shape[1] == 1 and len(self.classes_) == 2:
            return scores[:, 0] - (0.5 if self.notation.split()[-1] == "mse" else 0)
        return scores[:, 1] - scores[:, 0] if len(self.classes_) == 2 else scores

    def predict(self, X) -> np.ndarray:
        """(N) labels."""
        decision = self.decision_function(X)
        return self.classes_[(decision > 0).astype(int) if decision.ndim == 1 else decision.argmax(axis=1)]

    @available_if(_has_probabilities)
    def predict_proba(self, X) -> np.ndarray:
        """(N, classes); of softmax and logistic, whose scores of several classes are divided by their sum."""
        check_is_fitted(self, "net_")
        p = self.net_.probabilities(self._shaped(self._checked(X, reset=False)))
        if self._one_score():
            return np.hstack([1 - p, p])
        return p / p.sum(axis=1, keepdims=True)

    @available_if(_has_probabilities)
    def predict_log_proba(self, X) -> np.ndarray:
        """Logarithm of predict_proba."""
        return np.log(self.predict_proba(X))


class LaminaRegressor(RegressorMixin, _Estimator):
    __doc__ = f"""A network that predicts numbers: one, or several with y (N, K).
{PARAMETERS}
    scale_targets        train on targets of mean 0 and deviation 1; predictions are in y's units

    Attributes
{ATTRIBUTES}"""

    def __init__(self, notation="affine 100 - relu - affine - mse", *, epochs=200, batch=None, lr=None, optim="adam",
                 l2=0.0, preprocess="none", input_shape=None, dtype=None, early_stopping=False, validation_fraction=0.1,
                 patience=10, scale_targets=True, random_state=None, verbose=False, options=None):
        super().__init__(notation, epochs, batch, lr, optim, l2, preprocess, input_shape, dtype, early_stopping,
                         validation_fraction, patience, random_state, verbose, options)
        self.scale_targets = scale_targets

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _label_count(self):
        return 0

    def _targets(self, y, sample_weight, X, first):
        """y as (N, K), scaled, and weights."""
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, X, dtype=np.float64)
        rows = y.reshape(len(y), -1).astype(np.float64)
        if first:
            self._flat = y.ndim == 1
            scales = self.scale_targets and self.notation.split()[-1] == "mse"
            mean = np.average(rows, axis=0, weights=weights)
            deviation = np.sqrt(np.average((rows - mean) ** 2, axis=0, weights=weights))
            self._shift = mean if scales else np.zeros_like(mean)
            self._scale = np.where(deviation > 0, deviation, 1) if scales else np.ones_like(mean)
        return (rows - self._shift) / self._scale, weights

    def fit(self, X, y, sample_weight: Optional[np.ndarray] = None) -> LaminaRegressor:
        """X (N, D), or (N, C, H, W); y (N) or (N, K) numbers; sample_weight (N), at least 0."""
        X, y = self._checked(X, True, y, multi_output=True, y_numeric=True)
        targets, weights = self._targets(y, sample_weight, X, True)
        return self._fit(X, targets, weights, targets.shape[1], None)

    def partial_fit(self, X, y, sample_weight: Optional[np.ndarray] = None) -> LaminaRegressor:
        """One pass over some samples. Targets are scaled as the first call's samples ask for."""
        first = not hasattr(self, "net_")
        X, y = self._checked(X, first, y, multi_output=True, y_numeric=True)
        targets, weights = self._targets(y, sample_weight, X, first)
        return self._partial_fit(X, targets, weights, targets.shape[1])

    def predict(self, X) -> np.ndarray:
        """(N), or (N, K) where y had that shape."""
        y = self._scores(X) * self._scale + self._shift
        return y[:, 0] if self._flat else y
