"""Labels and weights of any type, or a sentence that refuses them."""

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import (
    draw,
    make,
)
from hostile_by_hand import N, fitted, refused
from numpy.testing import assert_array_equal

from sk_rnnimage import CRNNImageClassifier

NAMES = np.array(["a", "b", "c"])[draw()[1]]
VALID_LABELS = {
    "tensor": (torch.tensor, int),
    "learned": (lambda y: torch.tensor(y, dtype=float, requires_grad=True), float),
    "bfloat16": (lambda y: torch.tensor(y).bfloat16(), np.float32),
    "list of tensors": (lambda y: list(torch.tensor(y)), int),
    "list of learned": (
        lambda y: list(torch.tensor(y, dtype=float, requires_grad=True)),
        float,
    ),
    "Series": (pd.Series, int),
    "nullable": (lambda y: pd.Series(y, dtype="Int64"), int),
    "nullable floats": (lambda y: pd.array(y, dtype="Float64"), float),
    "category": (lambda y: pd.Series(y, dtype="category"), int),
    "Index": (pd.Index, int),
    "masked, none": (np.ma.masked_array, int),
    "backwards": (lambda y: y[::-1][::-1], int),
    "big-endian": (lambda y: y.astype(">i4"), ">i4"),
}
VALID_NAMES = {
    "StringDType": lambda y: y.astype(np.dtypes.StringDType()),
    "string": lambda y: pd.Series(y, dtype="string"),
    "str": lambda y: pd.Series(y, dtype="str"),
    "object": lambda y: pd.Series(y, dtype=object),
    "category": lambda y: pd.Series(y, dtype="category"),
    "Categorical": pd.Categorical,
    "Index": pd.Index,
    "list": list,
    "big-endian": lambda y: y.astype(">U1"),
}


def check_labels(given, plain):
    X, _ = draw()
    model, expected = (
        make(CRNNImageClassifier).fit(X, y, X_val=X, y_val=y) for y in (given, plain)
    )
    assert_array_equal(model.classes_, expected.classes_)
    assert_array_equal(model.predict_proba(X), expected.predict_proba(X))
    assert_array_equal(model.predict(X), expected.predict(X))
    score = expected.score(X, plain)
    assert model.score(X, given) == model.score(X, plain) == score
    assert expected.score(X, given, sample_weight=np.ones(N)) == score
    assert model.history_[-1]["valid_loss"] == expected.history_[-1]["valid_loss"]
    model.partial_fit(X, given).partial_fit(X, plain, classes=given)
    make(CRNNImageClassifier).partial_fit(X, given, classes=given)
    return model


@pytest.mark.parametrize("case", VALID_LABELS)
def test_labels_of_any_type(case):
    change, dtype = VALID_LABELS[case]
    y = draw()[1]
    assert check_labels(change(y), y).classes_.dtype == dtype


def test_labels_that_are_nullable_booleans():
    y = draw()[1] > 0
    assert check_labels(pd.Series(y, dtype="boolean"), y).classes_.dtype == bool


@pytest.mark.parametrize("case", VALID_NAMES)
def test_names_of_any_type(case):
    model = check_labels(VALID_NAMES[case](NAMES), NAMES)
    assert {type(label) for label in model.classes_.tolist()} == {str}


def test_classes_that_are_no_labels():
    X, y = draw()
    for classes, sentence in [
        ([0, 1, np.nan], "Input classes contains NaN"),
        ([0, 1, 2, np.inf], "Input classes contains infinity"),
        ([], "classes is empty: at least one label is needed."),
    ]:
        with refused(ValueError, sentence):
            make(CRNNImageClassifier).partial_fit(X, y, classes=classes)


class Refusing:
    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("it is lost")


def test_what_becomes_no_labels(cls):
    sentence = "Got a value of type Refusing, of which NumPy can make no array (Runtim"
    with refused(TypeError, sentence):
        make(cls).fit(draw()[0], Refusing())


def test_labels_of_another_kind(cls):
    X, y = draw()
    numbers, strings = (make(cls, max_epochs=1).fit(X, t) for t in (y, y.astype(str)))
    sentence = "y holds strings, such as '0', but the classes of fit are numbers: [0, 1"
    with refused(ValueError, sentence):
        numbers.score(X, y.astype(str))
    with refused(ValueError, sentence):
        numbers.score(X, y.astype(str).astype(object))
    with refused(ValueError, "y holds numbers, such as 0, but the classes of fit are"):
        strings.score(X, y)
    assert numbers.score(X, y > 0) <= 1


def test_labels_of_other_images(cls):
    X, y = draw()
    model = make(cls, max_epochs=1).fit(X, y)
    with refused(ValueError, "y must hold one label for each of the 24 images. Got 9"):
        model.score(X, y[:9])
    with refused(ValueError, "y_val must hold one label for each of the 24 images."):
        model.fit(X, y, X_val=X, y_val=y[:9])


@pytest.mark.parametrize(
    "change",
    [
        torch.tensor,
        lambda w: torch.tensor(w, requires_grad=True),
        lambda w: torch.tensor(w).bfloat16(),
        list,
        pd.Series,
        lambda w: pd.Series(w, dtype="Float64"),
        np.ma.masked_array,
        lambda w: w.astype(object),
        lambda w: w.astype(">f4"),
        lambda w: w.astype(int),
        lambda w: w[::-1][::-1],
        lambda w: w * 2.0**1022,
        lambda w: w * 2.0**-1070,
    ],
)
def test_weights_of_any_type(change):
    (X, y), w = draw(), np.tile([1.0, 0.0, 2.0, 1.0], 6)
    options = {"X_val": X, "y_val": y}
    one, other = (
        make(CRNNImageClassifier).fit(X, y, w, **options, sample_weight_val=w)
        for w in (change(w), w)
    )
    assert_array_equal(one.predict_proba(X), other.predict_proba(X))
    assert one.history_[-1]["valid_loss"] == other.history_[-1]["valid_loss"]
    assert one.score(X, y, change(w)) == pytest.approx(other.score(X, y, w))


def test_one_weight_for_all():
    X, y = draw()
    one, other = (make(CRNNImageClassifier).fit(X, y, w) for w in (3.0, None))
    assert_array_equal(one.predict_proba(X), other.predict_proba(X))
    with refused(ValueError, "Got nan at index 0."):
        one.fit(X, y, np.nan)


def test_an_iterator_of_weights():
    X, y = draw()
    with refused(ValueError, ">: pass list(sample_weight). Weights of classes"):
        fitted().fit(X, y, (1.0 for _ in y))
