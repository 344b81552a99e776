"""Labels of any kind and number."""

import numpy as np
import pytest
from conftest import SHAPES, draw, make, weights_equal
from numpy.testing import assert_allclose, assert_array_equal


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_string_labels(cls, shape):
    X, y = draw(shape=shape)
    names = np.array(["cat", "ape", "dog"])
    model = make(cls, max_epochs=40, learning_rate=0.02).fit(X, names[y])
    assert_array_equal(model.classes_, ["ape", "cat", "dog"])
    assert model.score(X, names[y]) > 0.9
    # the same network as for the codes of the sorted names
    codes = np.searchsorted(model.classes_, names[y])
    coded = make(cls, max_epochs=40, learning_rate=0.02).fit(X, codes)
    assert weights_equal(model, coded)
    assert_array_equal(model.classes_[coded.predict(X)], model.predict(X))


TWO_LABELS = [[True, False], [-1, 1], [5, 90], np.array(["b", "a"], dtype=object)]


@pytest.mark.parametrize("labels", TWO_LABELS, ids=str)
def test_two_classes(cls, labels):
    X, codes = draw(n_classes=2)
    y = np.asarray(labels)[codes]
    model = make(cls, max_epochs=30, learning_rate=0.02).fit(X, y)
    assert_array_equal(model.classes_, np.unique(y))
    decision = model.decision_function(X)
    assert decision.shape == (len(X),)
    proba = model.predict_proba(X)
    assert_allclose(proba[:, 1], 1 / (1 + np.exp(-decision)), atol=1e-12)
    assert_array_equal(model.predict(X), model.classes_[(decision > 0).astype(int)])
    assert model.score(X, y) > 0.9


def test_ten_classes(cls):
    X, y = draw(n=40, shape=(6, 20), n_classes=10)
    model = make(cls, max_epochs=60, learning_rate=0.03).fit(X, y)
    proba, decision = model.predict_proba(X), model.decision_function(X)
    assert proba.shape == decision.shape == (40, 10)
    assert_allclose(proba.sum(axis=1), 1, atol=1e-12)
    assert_allclose(np.exp(model.predict_log_proba(X)), proba, atol=1e-12)
    assert_array_equal(model.classes_[proba.argmax(1)], model.predict(X))
    assert_array_equal(decision.argmax(1), proba.argmax(1))
    assert model.score(X, y) > 0.6


def test_one_class(cls):
    X, _ = draw()
    model = make(cls).fit(X, np.full(len(X), "only"))
    assert_array_equal(model.classes_, ["only"])
    assert_array_equal(model.predict(X), np.full(len(X), "only"))
    assert_array_equal(model.predict_proba(X), np.ones((len(X), 1)))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_single_image(cls, shape):
    X, y = draw(shape=shape)
    model = make(cls).fit(X[:1], y[:1])
    assert_array_equal(model.predict(X[:1]), y[:1])
    many = make(cls).fit(X, y)
    assert_allclose(many.predict_proba(X[:1]), many.predict_proba(X)[:1], atol=1e-7)


def test_labels_as_a_column_warn(cls):
    X, y = draw()
    with pytest.warns(UserWarning, match="A column-vector y was passed"):
        model = make(cls).fit(X, y[:, np.newaxis])
    assert weights_equal(model, make(cls).fit(X, y))
