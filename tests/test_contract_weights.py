"""Sample weights are copies, class weights are sample weights."""

import numpy as np
import pytest
from conftest import draw, make, weights_equal
from numpy.testing import assert_allclose, assert_array_equal


@pytest.mark.parametrize("shape", [(8, 8), (5, 8, 3)], ids=str)
@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_weight_k_is_k_copies(cls, shape, dtype):
    X, y = draw(n=12, shape=shape, dtype=dtype)
    weights = np.arange(12) % 4
    copied = np.repeat(np.arange(12), weights)
    weighted = make(cls, max_epochs=10).fit(X, y, sample_weight=weights)
    repeated = make(cls, max_epochs=10).fit(X[copied], y[copied])
    assert_allclose(
        weighted.predict_proba(X), repeated.predict_proba(X), atol=1e-7, rtol=1e-7
    )
    plain = make(cls, max_epochs=10).fit(X, y)
    logits = [model.decision_function(X) for model in (weighted, plain)]
    assert np.abs(logits[0] - logits[1]).max() > 1e-3


def test_weight_k_is_k_copies_with_defaults(cls):
    X, y = draw(n=10)
    weights = np.arange(10) % 3 + 1
    weighted = cls(random_state=0).fit(X, y, sample_weight=weights)
    repeated = cls(random_state=0).fit(X.repeat(weights, 0), y.repeat(weights))
    assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X), atol=1e-7)


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("batch_size", [16, 128])
def test_weight_zero_is_absence(cls, batch_size, early_stopping):
    X, y = draw(n=150)
    weights = np.random.RandomState(0).randint(0, 3, 150).astype(float)
    kept = weights > 0
    settings = {"batch_size": batch_size, "early_stopping": early_stopping}
    with_zeros = make(cls, **settings).fit(X, y, sample_weight=weights)
    without = make(cls, **settings).fit(X[kept], y[kept], sample_weight=weights[kept])
    assert weights_equal(with_zeros, without)


@pytest.mark.parametrize("value", [1, 1.0, True])
@pytest.mark.parametrize("n", [24, 150])
def test_all_ones_is_none(cls, n, value):
    X, y = draw(n=n)
    settings = {"batch_size": 32, "early_stopping": n > 100}
    ones = make(cls, **settings).fit(X, y, sample_weight=np.full(n, value))
    assert weights_equal(ones, make(cls, **settings).fit(X, y))


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_a_common_factor_of_the_weights_does_not_matter(cls, method):
    X, y = draw(n=30)
    weights = np.random.RandomState(0).randint(1, 5, 30)
    more = {"classes": [0, 1, 2]} if method == "partial_fit" else {}
    one, two = (
        getattr(make(cls), method)(X, y, sample_weight=weights * factor, **more)
        for factor in (1.0, 1e-3)
    )
    assert_allclose(one.predict_proba(X), two.predict_proba(X), atol=1e-5)


@pytest.mark.parametrize("scale", [1e-310, 1e308])
def test_the_scale_of_the_weights_does_not_matter(cls, scale):
    X, y = draw()
    model = make(cls).fit(X, y)
    weighted = make(cls).fit(X, y, np.full(len(y), scale))
    by_class = make(cls, class_weight=dict.fromkeys(range(3), scale)).fit(X, y)
    assert weights_equal(model, weighted)
    assert weights_equal(model, by_class)


def test_labels_of_weight_zero_are_no_classes(cls):
    X, y = draw()
    model = make(cls).fit(X, y, sample_weight=(y != 1).astype(float))
    assert_array_equal(model.classes_, [0, 2])
    assert weights_equal(model, make(cls).fit(X[y != 1], y[y != 1]))


def test_balanced_counts_weights(cls):
    X, y = draw(n=30)
    weights = np.where(y == 0, 4.0, 1.0)
    balanced = make(cls, class_weight="balanced").fit(X, y, sample_weight=weights)
    # sum of weights / (classes * weight of the class): 60 / 120, 60 / 30, 60 / 30
    factors = np.array([0.5, 2, 2])
    by_hand = make(cls, class_weight=dict(enumerate(factors)))
    by_hand.fit(X, y, sample_weight=weights)
    assert_allclose(balanced.predict_proba(X), by_hand.predict_proba(X), atol=1e-9)
    unit = make(cls).fit(X, y, sample_weight=np.ones(30) * 2)
    far = np.abs(unit.weights_["head.bias"] - balanced.weights_["head.bias"]).max()
    plain = make(cls).fit(X, y, sample_weight=weights)
    assert np.abs(
        plain.weights_["head.bias"] - balanced.weights_["head.bias"]
    ).max() > max(1e-4, 10 * far)


def test_balanced_equals_copies(cls):
    X, y = draw(n=12)
    weights = np.arange(12) % 3 + 1
    settings = {"class_weight": "balanced", "max_epochs": 8}
    weighted = make(cls, **settings).fit(X, y, sample_weight=weights)
    repeated = make(cls, **settings).fit(X.repeat(weights, 0), y.repeat(weights))
    assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X), atol=1e-7)


def test_class_weight_by_label(cls):
    X, y = draw()
    names = np.array(["a", "b", "c"])[y]
    heavy = make(cls, class_weight={"b": 3.0}).fit(X, names)
    by_weight = make(cls).fit(X, names, sample_weight=np.where(names == "b", 3.0, 1))
    assert_array_equal(heavy.weights_["head.bias"].shape, (3,))
    # alike but for the standardisation, which counts images, not classes
    moments = [m.weights_["standardize.mean"] for m in (heavy, by_weight)]
    assert not np.array_equal(*moments)
    assert_allclose(moments[0], X.mean(), rtol=1e-6)
