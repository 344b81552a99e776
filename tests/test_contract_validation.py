"""Validation images and early stopping."""

import numpy as np
import pytest
from conftest import draw, flat, make, scores, weights_equal
from numpy.testing import assert_allclose


@pytest.mark.parametrize("shape", [(8, 8), (5, 8, 3)], ids=str)
def test_validation_images_are_scored(cls, shape):
    X, y = draw(n=40, shape=shape)
    X_val, y_val = draw(n=15, shape=shape, seed=1)
    model = make(cls).fit(X, y, X_val=X_val, y_val=y_val)
    unwatched = make(cls).fit(X, y)
    assert weights_equal(model, unwatched)  # watching changes nothing
    assert "valid_loss" not in unwatched.history_[0]
    proba = model.predict_proba(X_val)
    loss = -np.log(proba[np.arange(15), y_val]).mean()
    assert scores(model)[-1] == pytest.approx((loss, model.score(X_val, y_val)))
    losses = [loss for loss, _ in scores(model)]
    assert model.best_epoch_ == 1 + int(np.argmin(losses))


def test_validation_images_may_be_flat(cls):
    X, y = draw(n=40, shape=(5, 8, 3))
    X_val, y_val = draw(n=15, shape=(5, 8, 3), seed=1)
    shaped = make(cls).fit(X, y, X_val=X_val, y_val=y_val)
    assert scores(make(cls).fit(X, y, X_val=flat(X_val), y_val=y_val)) == scores(shaped)


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("batch_size", [7, 128])
def test_validation_weights_are_copies(cls, early_stopping, batch_size):
    X, y = draw(n=40)
    X_val, y_val = draw(n=15, seed=1)
    weights = np.arange(15) % 3
    settings = {"early_stopping": early_stopping, "batch_size": batch_size}
    weighted = make(cls, **settings).fit(
        X, y, X_val=X_val, y_val=y_val, sample_weight_val=weights
    )
    repeated = make(cls, **settings).fit(
        X, y, X_val=X_val.repeat(weights, 0), y_val=y_val.repeat(weights)
    )
    plain = make(cls, **settings).fit(X, y, X_val=X_val, y_val=y_val)
    assert_allclose(scores(weighted), scores(repeated), rtol=1e-6)
    assert not np.allclose(scores(weighted), scores(plain), rtol=1e-4)


def test_early_stopping_on_given_images(cls):
    X, y = draw(n=60)
    X_val, y_val = draw(n=30, seed=1)
    y_val = np.random.RandomState(0).permutation(y_val)  # nothing to be learned of
    settings = {"early_stopping": True, "n_iter_no_change": 3, "max_epochs": 50}
    model = make(cls, **settings).fit(X, y, X_val=X_val, y_val=y_val)
    losses = [loss for loss, _ in scores(model)]
    assert model.n_iter_ < 50
    assert model.best_epoch_ == 1 + int(np.argmin(losses)) == model.n_iter_ - 3
    best_loss, best_accuracy = scores(model)[model.best_epoch_ - 1]
    assert model.score(X_val, y_val) == pytest.approx(best_accuracy)
    proba = model.predict_proba(X_val)
    loss = -np.log(proba[np.arange(30), y_val]).mean()
    assert loss == pytest.approx(best_loss)
    assert loss < losses[-1]


def test_early_stopping_on_a_held_out_fraction(cls):
    X, y = draw(n=60)
    y = np.random.RandomState(0).permutation(y)
    settings = {"early_stopping": True, "n_iter_no_change": 2, "max_epochs": 50}
    model = make(cls, validation_fraction=0.3, **settings).fit(X, y)
    losses = [loss for loss, _ in scores(model)]
    assert model.n_iter_ < 50
    assert model.best_epoch_ == 1 + int(np.argmin(losses)) == model.n_iter_ - 2
    for _, accuracy in scores(model):  # 18 of 60 images are held out
        assert accuracy * 18 == pytest.approx(round(accuracy * 18), abs=1e-6)


def test_nothing_is_held_out_without_early_stopping(cls):
    X, y = draw()
    assert weights_equal(
        make(cls, validation_fraction=0.5).fit(X, y),
        make(cls, validation_fraction=0.1).fit(X, y),
    )
