"""One fit for every target: the order of its steps, and what is set when."""

import copy
import re

import numpy as np
import pytest
from conftest import draw, make, weights_equal
from numpy.testing import assert_array_equal
from skorch.callbacks import Callback


class Unreadable:
    """An X that must not be looked at."""

    def __getattr__(self, name):
        raise AssertionError(f"X was read: {name}")


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("hidden_size", 0),
        ("scan", "zigzag"),
        ("patch_size", 0),
        ("attention_heads", 3),
        ("image_shape", (8,)),
        ("device", "cuda:99"),
        ("callbacks", [3]),
        ("dropout", 1.0),
    ],
)
@pytest.mark.parametrize("way", ["fit", "partial_fit"])
def test_parameters_are_checked_before_X_is_read(cls, way, parameter, value):
    model = make(cls, **{parameter: value})
    more = {"classes": [0, 1]} if way == "partial_fit" else {}
    with pytest.raises(ValueError, match=parameter):
        getattr(model, way)(Unreadable(), [0, 1], **more)


def test_the_filters_are_checked_before_X_is_read():
    model = make(pytest.importorskip("sk_rnnimage").CRNNImageClassifier, filters=0)
    with pytest.raises(ValueError, match="filters must be a whole number"):
        model.fit(Unreadable(), [0, 1])


class CopyEachEpoch(Callback):
    """Copies an estimator while it is fitted, as scikit-learn's callbacks do."""

    def __init__(self, estimator=None):
        self.estimator = estimator
        self.copies = []

    def __deepcopy__(self, memo):
        return self

    def on_epoch_end(self, net, **kwargs):
        self.copies.append(copy.copy(self.estimator))


@pytest.mark.parametrize("way", ["fit", "warm fit", "partial_fit"])
def test_a_copy_made_meanwhile_is_wholly_as_before(cls, way):
    X, y = draw(shape=(8, 8))
    callback = CopyEachEpoch()
    model = make(cls, callbacks=[callback], warm_start=way == "warm fit").fit(X, y)
    callback.copies.clear()
    callback.estimator = model
    before = copy.deepcopy(model)
    if way == "fit":  # all that is learned differs
        other_X, other_y = draw(shape=(6, 5, 3), n_classes=2)
        model.fit(other_X, np.array(["a", "b"])[other_y])
        assert model.image_shape_ == (6, 5, 3)
    else:
        getattr(model, way.split()[-1])(X, y)
    assert len(callback.copies) == (1 if way == "partial_fit" else 3)
    for made in callback.copies:
        assert weights_equal(made, before)
        assert made.history_ == before.history_
        assert made.image_shape_ == before.image_shape_ == (8, 8)
        assert_array_equal(made.classes_, before.classes_)
        assert_array_equal(made.predict_proba(X), before.predict_proba(X))
    assert not weights_equal(model, before)


def test_a_copy_made_in_the_first_fit_is_unfitted(cls):
    X, y = draw()
    callback = CopyEachEpoch()
    model = make(cls, callbacks=[callback])
    callback.estimator = model
    model.fit(X, y)
    for made in callback.copies:
        assert not [name for name in vars(made) if name.endswith("_")]
        assert not hasattr(made, "n_features_in_")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"hidden_size": 9}, "hidden_size=9 does not go with the network"),
        ({"image_shape": (8, 9)}, "image_shape=(8, 9) does not go with the network"),
    ],
)
def test_another_network_is_refused_before_X_is_read(cls, changed, message):
    X, y = draw()
    model = make(cls, warm_start=True).fit(X, y).set_params(**changed)
    with pytest.raises(ValueError, match=re.escape(message)):
        model.fit(Unreadable(), y)


class RuntimeErrorOfAnother(Callback):
    def on_batch_end(self, net, **kwargs):
        raise RuntimeError("the shared memory of the data loader is gone")


def test_only_an_allocator_is_out_of_memory(cls):
    X, y = draw()
    with pytest.raises(RuntimeError, match="the data loader is gone"):
        make(cls, callbacks=[RuntimeErrorOfAnother()]).fit(X, y)
