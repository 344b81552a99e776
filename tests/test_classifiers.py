"""The public methods of the classifiers: classes in partial_fit, stages, attention."""

import inspect
import re

import numpy as np
import pytest
from conftest import draw, make, weights_equal
from numpy.testing import assert_array_equal
from sklearn.exceptions import NotFittedError

from sk_rnnimage import CRNNImageClassifier, RNNImageClassifier


def test_the_two_differ_in_their_convolutions():
    one, other = (
        inspect.signature(cls).parameters
        for cls in (RNNImageClassifier, CRNNImageClassifier)
    )
    convolutions = ("filters", "kernel_size", "downsample")
    shared = [name for name in other if name not in convolutions]
    assert list(one) == shared
    differing = [name for name in shared if one[name].default != other[name].default]
    assert differing == ["hidden_size", "batch_size"]


def test_each_parameter_has_a_constraint(cls):
    assert cls._parameter_constraints.keys() == inspect.signature(cls).parameters.keys()


# The classes of partial_fit


@pytest.mark.parametrize("classes", [[2, 0, 1], (0, 0, 1, 2), np.array([1, 2, 0])])
def test_classes_come_in_any_order(cls, classes):
    X, y = draw()
    one = make(cls).partial_fit(X, y, classes=[0, 1, 2])
    other = make(cls).partial_fit(X, y, classes=classes)
    assert_array_equal(other.classes_, [0, 1, 2])
    assert weights_equal(one, other)
    one.partial_fit(X, y)
    other.partial_fit(X, y, classes=classes)  # said again, it changes nothing
    assert weights_equal(one, other)


@pytest.mark.parametrize("other", [[0, 1], [0, 1, 2, 3], [1, 2, 3]], ids=str)
@pytest.mark.parametrize("way", ["fit", "partial_fit"])
def test_other_classes_later_are_refused(cls, way, other):
    X, y = draw()
    model = make(cls)
    getattr(model, way)(X, y, **({"classes": [0, 1, 2]} if "part" in way else {}))
    sentence = (
        f"classes={other} is not the same as on the last call to partial_fit, which "
        "was [0, 1, 2]."
    )
    with pytest.raises(ValueError, match=re.escape(sentence)):
        model.partial_fit(X, y, classes=other)


def test_a_first_partial_fit_needs_classes(cls):
    sentence = (
        "classes must be passed on the first call to partial_fit: all labels that will "
        "ever come."
    )
    with pytest.raises(ValueError, match=re.escape(sentence)):
        make(cls).partial_fit(*draw())


def test_a_class_that_has_not_come_yet_has_a_probability(cls):
    X, y = draw(n_classes=2)
    model = make(cls).partial_fit(X, y, classes=[0, 1, 7])
    proba = model.predict_proba(X)
    assert proba.shape == (len(X), 3)
    assert (proba > 0).all()
    assert_array_equal(model.classes_, [0, 1, 7])


# Stages


def test_bad_images_are_refused_before_the_first_stage(cls):
    model = make(cls).fit(*draw())
    with pytest.raises(ValueError, match="Resize or pad them first"):
        model.staged_predict_proba(np.ones((2, 8, 9)))


@pytest.mark.parametrize(
    "parameters, what",
    [
        ({"scan": "sweep"}, "scan='sweep'"),
        ({"scan": ("rows", "sweep")}, "scan='sweep'"),
        ({"cell": None}, "cell=None"),
        ({"cell": None, "scan": "sweep"}, "cell=None"),
    ],
    ids=str,
)
def test_readings_without_an_order_have_no_stages(cls, parameters, what):
    X, y = draw()
    model = make(cls, **parameters).fit(X, y)
    sentence = (
        "staged_predict_proba needs a cell that reads one step after another; with "
        f"{what} there is no such order. Choose a cell, and a path such as "
        "scan='rows'."
    )
    with pytest.raises(ValueError, match=re.escape(sentence)):
        model.staged_predict_proba(X)


# Attention weights


def test_which_layer_is_asked_for(cls):
    X, y = draw(n=9)
    settings = {"scan": "rows", "attention_heads": 2}
    both = make(cls, pooling="attention", **settings).fit(X, y)
    assert_array_equal(
        both.attention_weights(X), both.attention_weights(X, layer="pooling")
    )
    assert both.attention_weights(X, layer="heads").shape == (9, 2, 8, 8)
    heads = make(cls, **settings).fit(X, y)
    assert_array_equal(
        heads.attention_weights(X), heads.attention_weights(X, layer="heads")
    )


@pytest.mark.parametrize(
    "parameters, layer",
    [
        ({}, "auto"),
        ({}, "pooling"),
        ({}, "heads"),
        ({"attention_heads": 2}, "pooling"),
        ({"pooling": "attention"}, "heads"),
        ({"pooling": "attention"}, "scores"),
        ({"pooling": "attention"}, np.ones((0, 3))),
    ],
    ids=str,
)
def test_weights_that_there_are_not(cls, parameters, layer):
    X, y = draw(n=9)
    model = make(cls, **parameters).fit(X, y)
    sentence = (
        "attention_weights needs pooling='attention' or attention_heads in the network "
        "that was fitted, and layer='auto', 'pooling' or 'heads'. It has pooling="
        f"{parameters.get('pooling', 'mean')!r} and attention_heads="
        f"{parameters.get('attention_heads')!r}, and layer is "
    )
    with pytest.raises(ValueError, match=re.escape(sentence)):
        model.attention_weights(X, layer=layer)


@pytest.mark.parametrize("method", ["staged_predict_proba", "attention_weights"])
def test_an_unfitted_classifier_has_neither(cls, method):
    with pytest.raises(NotFittedError, match="is not fitted yet"):
        getattr(make(cls), method)(draw()[0])


def test_staged_labels_are_those_of_the_staged_probabilities(cls):
    X, y = draw()
    names = np.array(["c", "a", "b"])[y]
    model = make(cls, scan="rows").fit(X, names)
    labels, proba = (
        list(method(X)) for method in (model.staged_predict, model.staged_predict_proba)
    )
    assert len(labels) == len(proba) > 1
    for stage, probabilities in zip(labels, proba):
        assert_array_equal(stage, model.classes_[probabilities.argmax(axis=1)])
    assert_array_equal(labels[-1], model.predict(X))


def test_staged_labels_need_a_cell(cls):
    model = make(cls, cell=None).fit(*draw())
    with pytest.raises(ValueError, match="needs a cell that reads one step after"):
        model.staged_predict(draw()[0])
