"""scikit-learn's manners: clones, copies, seeds, subsets, fitted attributes."""

import copy
import pickle
import pickletools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import (
    SHAPES,
    cloudpickled,
    draw,
    dumped,
    flat,
    global_state,
    make,
    mapped,
    pickled,
    saved,
    through_skops,
    weights_equal,
)
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_clone_and_idempotent_fit(cls, shape):
    X, y = draw(shape=shape)
    model = make(cls, dropout=0.2).fit(X, y)
    first = copy.deepcopy(model)
    with pytest.raises(NotFittedError):
        clone(model).predict(X)
    other_X, other_y = draw(shape=(4, 4), seed=1)
    assert weights_equal(model.fit(X, y), first)
    assert weights_equal(clone(model).fit(X, y), first)
    assert weights_equal(model.fit(other_X, other_y).fit(X, y), first)
    assert model.history_[-1]["train_loss"] == first.history_[-1]["train_loss"]


def test_different_seeds_differ(cls):
    X, y = draw()
    one, two = (make(cls, random_state=s).fit(X, y) for s in (0, 1))
    assert not weights_equal(one, two)


def test_defaults_are_idempotent(cls):
    X, y = draw(n=20)
    one, two = (cls(random_state=3).fit(X, y) for _ in range(2))
    assert weights_equal(one, two)
    assert one.score(X, y) > 0.9


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(
    "through",
    [
        copy.copy,
        copy.deepcopy,
        pickled,
        cloudpickled,
        dumped,
        mapped,
        through_skops,
        saved,
    ],
)
def test_copies_predict_the_same(cls, shape, through):
    X, y = draw(shape=shape)
    model = make(cls).fit(X, y)
    other = through(model)
    assert_array_equal(other.predict_proba(X), model.predict_proba(X))
    expected = copy.deepcopy(model).predict_proba(X)
    other.partial_fit(X, y)  # the copy learns, the original does not
    assert_array_equal(model.predict_proba(X), expected)
    assert not np.array_equal(other.predict_proba(X), expected)


@pytest.mark.parametrize("learned", ["fit", "partial_fit"])
def test_a_pickle_holds_no_torch_object(cls, learned):
    X, y = draw()
    model = make(cls)
    model.fit(X, y) if learned == "fit" else model.partial_fit(X, y, classes=[0, 1, 2])
    held = pickle.dumps(model)
    words = {str(argument) for _, argument, _ in pickletools.genops(held)}
    assert not [word for word in words if "torch" in word or "skorch" in word]
    assert all(type(w) is np.ndarray for w in model.weights_.values())


def test_the_network_is_rebuilt_from_weights(cls):
    X, y = draw()
    model, other = (make(cls, random_state=seed).fit(X, y) for seed in (0, 1))
    expected = model.predict_proba(X)
    state = model.__getstate__()
    bare = cls.__new__(cls)
    vars(bare).update(state)  # as a loader that calls no __setstate__
    assert_array_equal(bare.predict_proba(X), expected)
    state["weights_"] = other.weights_
    bare = cls.__new__(cls)
    bare.__setstate__(state)
    assert_array_equal(bare.predict_proba(X), other.predict_proba(X))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_predict_changes_no_attribute(cls, shape):
    X, y = draw(shape=shape)
    model = make(cls).fit(X, y)
    model = pickled(model)
    before = {
        name: (id(value), pickle.dumps(value))
        for name, value in vars(model).items()
        if name != "_module"
    }
    names = set(vars(model))
    module = vars(model).get("_module")
    for method in (
        "predict",
        "predict_proba",
        "predict_log_proba",
        "decision_function",
    ):
        getattr(model, method)(X)
    assert model.score(X, y) >= 0
    assert set(vars(model)) == names
    assert vars(model).get("_module") is module
    for name, (identity, value) in before.items():
        assert id(vars(model)[name]) == identity
        assert pickle.dumps(vars(model)[name]) == value


@pytest.mark.parametrize("early_stopping", [False, True])
def test_global_state_is_left_alone(cls, early_stopping):
    X, y = draw(n=60)
    before = global_state()
    model = make(cls, dropout=0.3, early_stopping=early_stopping, batch_size=8)
    model.fit(X, y)
    model.predict(X)
    model.partial_fit(X, y)
    pickled(model).predict(X)
    assert global_state() == before


def test_threads_do_not_disturb_each_other(cls):
    X, y = draw(n=200)
    before = global_state()

    def fit(seed):
        return make(cls, dropout=0.3, random_state=seed).fit(X, y)

    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(fit, range(4)))
    assert global_state() == before
    for seed, model in enumerate(together):
        assert weights_equal(model, fit(seed))


def test_other_devices_are_not_seeded(cls, monkeypatch):
    seeds = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeds.append)
    pickled(make(cls).fit(*draw()))
    assert seeds == []


def test_random_state_none_follows_numpy(cls):
    X, y = draw()
    models = []
    for _ in range(2):
        np.random.seed(5)
        models.append(make(cls, random_state=None).fit(X, y))
    assert weights_equal(*models)
    assert not weights_equal(models[0], make(cls, random_state=None).fit(X, y))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_subset_invariance(cls, shape):
    X, y = draw(n=150, shape=shape)  # float32 beyond 128 rows
    model = make(cls).fit(X, y)
    for method in ("predict_proba", "decision_function", "predict_log_proba"):
        whole = getattr(model, method)(X)
        parts = [getattr(model, method)(X[i : i + 7]) for i in range(0, 150, 7)]
        assert_allclose(np.concatenate(parts), whole, atol=1e-7, rtol=1e-4)
        order = np.random.RandomState(0).permutation(150)
        assert_allclose(
            getattr(model, method)(X[order]), whole[order], atol=1e-7, rtol=1e-4
        )


def test_predictions_do_not_depend_on_how_many_fit_in_memory(cls, monkeypatch):
    X, y = draw(n=30)
    model = make(cls).fit(X, y)
    expected = model.predict_proba(X)
    monkeypatch.setattr("sk_rnnimage._prediction.logits.PIXELS_AT_ONCE", 7 * 64)
    assert_allclose(model.predict_proba(X), expected, atol=1e-12)


def test_feature_names(cls):
    X, y = draw()
    frame = pd.DataFrame(flat(X), columns=[f"p{i}" for i in range(64)])
    model = make(cls).fit(frame, y)
    assert_array_equal(model.feature_names_in_, frame.columns)
    model.predict(frame)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        model.predict(flat(X))
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame[frame.columns[::-1]])
    model.fit(X, y)  # shaped images have none
    assert not hasattr(model, "feature_names_in_")
    model.predict(X)


def test_precision_follows_the_number_of_rows(cls):
    X, y = draw(n=140)
    for n, dtype in ((128, "float64"), (129, "float32")):
        for batch_size in (16, 512):
            model = make(cls, max_epochs=1, batch_size=batch_size).fit(X[:n], y[:n])
            kinds = {
                w.dtype
                for name, w in model.weights_.items()
                if "standardize" not in name
            }
            assert kinds == {np.dtype(dtype)}
    weights = np.r_[np.ones(100), np.zeros(40)]  # 100 rows count
    model = make(cls, max_epochs=1).fit(X, y, sample_weight=weights)
    assert model.weights_["head.weight"].dtype == "float64"


def test_fitted_attributes(cls):
    X, y = draw()
    model = make(cls, max_epochs=4).fit(X, y)
    assert model.n_iter_ == len(model.history_) == model.best_epoch_ == 4
    assert [row["epoch"] for row in model.history_] == [1, 2, 3, 4]
    assert model.loss_curve_ == [row["train_loss"] for row in model.history_]
    assert {type(value) for row in model.history_ for value in row.values()} <= {
        int,
        float,
    }
    for name in ("loss_curve_", "n_iter_"):
        assert not hasattr(make(cls), name)
