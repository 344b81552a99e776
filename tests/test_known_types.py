"""The classes that a file may name: each of them, fitted, goes through a file."""

import re

import numpy as np
import pytest
from conftest import draw, flat, make, saved
from numpy.testing import assert_array_equal
from sklearn.base import is_classifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from sk_rnnimage import RNNImageClassifier, classic_classifiers
from sk_rnnimage.persistence.known_types import (
    OURS,
    SCIKIT_LEARN,
    check_state,
    class_of,
    construct,
    name_of,
)

NAMES = [f"sklearn.{m}.{name}" for m, names in SCIKIT_LEARN.items() for name in names]
SCALERS = [("a", StandardScaler()), ("b", MinMaxScaler())]
JUDGES = [("a", GaussianNB()), ("b", make(RNNImageClassifier, max_epochs=1))]
NEEDED = {
    "Pipeline": {"steps": [SCALERS[0], JUDGES[1]]},
    "FeatureUnion": {"transformer_list": SCALERS},
    "StackingClassifier": {
        "estimators": JUDGES,
        "final_estimator": LogisticRegression(),
        "cv": 2,
    },
    "VotingClassifier": {"estimators": JUDGES, "voting": "soft"},
    "NMF": {"n_components": 3, "max_iter": 500, "tol": 0.01, "random_state": 0},
    "FastICA": {"n_components": 3, "max_iter": 500, "tol": 0.1, "random_state": 0},
    "GaussianRandomProjection": {"n_components": 3, "random_state": 0},
    "QuantileTransformer": {"n_quantiles": 5},
    "KNeighborsClassifier": {"n_neighbors": 2},
    "SVC": {"C": 2.0, "class_weight": {0: 2.0, 1: 1.0, 2: 1.5}},
}


@pytest.mark.parametrize("name", NAMES)
def test_each_class_of_scikit_learn_goes_through_a_file(name):
    X, y = draw()
    X = flat(X).astype(float)
    cls = class_of(name)
    assert name_of(cls) == name
    of_labels = cls.__name__.startswith("Label")
    model = cls(**NEEDED.get(cls.__name__, {})).fit(*([y] if of_labels else [X, y]))
    method = "predict" if is_classifier(model) else "transform"
    given = y if of_labels else X
    expected = getattr(model, method)(given)
    other = saved(model)
    assert type(other) is cls
    assert vars(other).keys() == vars(model).keys()
    assert_array_equal(getattr(other, method)(given), expected)
    if hasattr(model, "predict_proba"):
        assert_array_equal(other.predict_proba(X), model.predict_proba(X))


@pytest.mark.parametrize("name", ["Logistic regression", "SVC", "PCA + SVC"])
def test_classic_classifiers_of_plain_arrays_go_through_a_file(name):
    X, y = draw()
    model = classic_classifiers()[name].fit(X, y)
    assert_array_equal(saved(model).decision_function(X), model.decision_function(X))


def test_names_are_those_that_users_import():
    assert name_of(RNNImageClassifier) == "sk_rnnimage.RNNImageClassifier"
    assert name_of(Pipeline) == "sklearn.pipeline.Pipeline"
    assert all(
        class_of(name) is cls and name_of(cls) == name for name, cls in OURS.items()
    )


class Mine(RNNImageClassifier):
    pass


Foreign = type("SVC", (), {"__module__": "sklearn.svm._classes"})


@pytest.mark.parametrize(
    "cls", [dict, Mine, Foreign, RandomForestClassifier, np.ndarray]
)
def test_others_have_no_name(cls):
    assert name_of(cls) is None


@pytest.mark.parametrize(
    "name",
    [
        "os.system",
        "builtins.eval",
        "SVC",
        "",
        "sklearn.svm",
        "sklearn.svm.SVR",
        "sklearn.svm._classes.SVC",
        "sklearn.svm.SVC.fit",
        "sklearn.os.SVC",
        "sk_rnnimage.load",
        "sk_rnnimage.persistence.load",
        "sklearn.preprocessing.FunctionTransformer",
        "sklearn.ensemble.RandomForestClassifier",
    ],
)
def test_names_that_are_not_known(name):
    assert class_of(name) is None


def test_a_parameter_that_an_older_file_lacks(cls):
    X, y = draw()
    model = make(cls, max_epochs=1).fit(X, y)
    state = model.__getstate__()
    older = {name: v for name, v in state.items() if name not in ("dropout", "n_views")}
    other = construct(cls, older)
    assert (other.dropout, other.n_views) == (0.0, 1)
    assert_array_equal(other.predict_proba(X), model.predict_proba(X))


def test_a_folder_of_pickles():
    sentence = (
        "memory='cache' is a folder of pickles, which may run any code in the next "
        "fit of a Pipeline. Set it to None first: set_params(memory=None)."
    )
    state = {"steps": [], "memory": "cache"}
    with pytest.raises(ValueError, match=re.escape(sentence)):
        check_state(Pipeline, state)
    check_state(Pipeline, {**state, "memory": None})
    check_state(FeatureUnion, {})


def test_a_file_that_fit_would_write_over(cls):
    sentence = (
        "checkpoint='/home/a/b.pt' is a file that the next fit would write over, on "
        "whatever machine. Set it to None first: set_params(checkpoint=None)."
    )
    with pytest.raises(ValueError, match=re.escape(sentence)):
        check_state(cls, cls(checkpoint="/home/a/b.pt").__getstate__())


def test_the_network_of_a_classifier(cls):
    model = make(cls, max_epochs=1).fit(*draw())
    state = model.__getstate__()
    check_state(cls, state)
    check_state(cls, make(cls).__getstate__())
    with pytest.raises(ValueError, match="There are 2 classes_, but the network has 3"):
        check_state(cls, {**state, "classes_": model.classes_[:2]})
    wrong = {**model.weights_, "head.bias": np.zeros(4)}
    with pytest.raises(ValueError, match=r"'head.bias' must have the shape \(3,\)"):
        check_state(cls, {**state, "weights_": wrong})
