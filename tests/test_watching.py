"""Epochs that scikit-learn's callbacks watch: what they see, and change nothing of."""

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import draw, flat, global_state, make, pickled, weights_equal
from numpy.testing import assert_array_equal
from skorch.callbacks import Callback, EarlyStopping
from watchers import Watcher, at_epochs, epochs

from sk_rnnimage import RNNImageClassifier

pytest.importorskip("sklearn.callback", reason="scikit-learn has it from 1.9 on")


def meddle(context, fitted):
    """Use a fitted estimator, and global state, as nobody should."""
    X, y = draw(seed=7)
    fitted.predict_proba(X)
    fitted.partial_fit(X, y)
    fitted.module_.train()
    for weight in fitted.module_.parameters():
        weight.data.fill_(0)
    for array in fitted.weights_.values():
        array[...] = 7
    fitted.history_.clear()
    torch.manual_seed(11)
    torch.rand(5)
    np.random.seed(3)


@pytest.mark.parametrize(
    "parameters",
    [
        {"dropout": 0.4, "augment": "shift", "batch_size": 5},
        {"early_stopping": True, "n_iter_no_change": 2, "validation_fraction": 0.3},
        {"cell": "lru", "attention_heads": 2, "pooling": "attention"},
    ],
    ids=["random", "early stopping", "attention"],
)
def test_watching_changes_nothing(cls, parameters):
    X, y = draw(n=140)
    expected = make(cls, **parameters).fit(X, y)
    watcher = Watcher(at_epochs(meddle))
    numpys = np.random.get_state()
    before = global_state()
    model = make(cls, **parameters).set_callbacks(watcher).fit(X, y)
    np.random.set_state(numpys)
    assert global_state() == before
    assert watcher.events == epochs(expected.n_iter_)
    assert weights_equal(model, expected)
    assert model.loss_curve_ == expected.loss_curve_
    assert_array_equal(model.predict_proba(X), expected.predict_proba(X))
    X_more, y_more = draw(n=20, seed=4)
    for one in (model.set_callbacks(), expected):
        one.partial_fit(X_more, y_more)
    assert weights_equal(model, expected)


class Weights(Callback):
    """Keep a weight at the end of each epoch."""

    def __init__(self):
        self.seen = []

    def on_epoch_end(self, net, **kwargs):
        self.seen.append(net.module_.state_dict()["head.weight"].numpy().copy())


@pytest.mark.parametrize("warm", [False, True])
def test_what_is_fitted_so_far(cls, warm):
    X, y = draw(n=40)
    X_val, y_val = draw(n=15, seed=1)
    kept, weights = [], Weights()
    watcher = Watcher(lambda context, fitted: kept.append(fitted))
    model = make(cls, callbacks=[weights], warm_start=True)
    if warm:
        model.fit(X, y)
        weights.seen.clear()
    model.set_callbacks(watcher).fit(X, y, X_val=X_val, y_val=y_val)
    n_before = 3 * warm
    assert [fitted.n_iter_ for fitted in kept[:-1]] == [n_before + i for i in (1, 2, 3)]
    for fitted, weight in zip(kept[:-1], weights.seen):
        assert_array_equal(fitted.weights_["head.weight"], weight)
        row = fitted.history_[-1]
        accuracy = fitted.score(X_val, y_val)
        assert row["valid_accuracy"] == pytest.approx(accuracy, abs=1e-6)
        proba = fitted.predict_proba(X_val)[np.arange(15), y_val]
        assert row["valid_loss"] == pytest.approx(-np.log(proba).mean(), rel=1e-5)
        assert weights_equal(pickled(fitted.set_callbacks()), fitted)
    *_, last, end = kept  # that of the last epoch, and that of the fit
    for fitted in (last, end):
        assert weights_equal(fitted, model)
        assert_array_equal(fitted.predict_proba(X), model.predict_proba(X))
        assert fitted.loss_curve_ == model.loss_curve_
        assert fitted.best_epoch_ == model.best_epoch_
        assert fitted.image_shape_ == model.image_shape_


def test_a_fit_so_far_knows_no_columns_of_an_earlier_fit():
    X, y = draw()
    frame = pd.DataFrame(flat(X)).rename(columns="pixel {}".format)
    named = []

    def predict(context, fitted):
        named.append(getattr(fitted, "feature_names_in_", None) is not None)
        fitted.predict(frame if named[-1] else X)  # neither warns

    model = make(RNNImageClassifier).set_callbacks(Watcher(predict))
    model.fit(frame, y).fit(X, y)
    assert named == [True] * 4 + [False] * 4


# A stop


def stop_at(n):
    return at_epochs(lambda context, fitted: context.task_id == n - 1)


def test_a_stop_ends_the_fit(cls):
    X, y = draw(n=40)
    watcher = Watcher(stop_at(2))
    whole = Weights()
    make(cls, max_epochs=9, callbacks=[whole]).fit(X, y)
    mine = Weights()  # after the watcher: the epoch is completed for it too
    model = make(cls, max_epochs=9, callbacks=[mine]).set_callbacks(watcher).fit(X, y)
    assert watcher.events == epochs(2)
    assert model.n_iter_ == len(mine.seen) == 2
    assert_array_equal(model.weights_["head.weight"], whole.seen[1])


def test_a_stop_restores_the_best_epoch_where_early_stopping_would(cls):
    X, y = draw(n=60)
    X_val, y_val = draw(n=30, seed=1)
    y_val = np.random.RandomState(0).permutation(y_val)  # nothing to learn
    watcher = Watcher(stop_at(7))
    mine = Weights()
    parameters = {"early_stopping": True, "n_iter_no_change": 30, "max_epochs": 40}
    model = make(cls, **parameters, callbacks=[mine]).set_callbacks(watcher)
    model.fit(X, y, X_val=X_val, y_val=y_val)
    losses = [row["valid_loss"] for row in model.history_]
    assert len(losses) == 7
    assert model.best_epoch_ == 1 + np.argmin(losses) < 7
    best = mine.seen[model.best_epoch_ - 1]
    assert_array_equal(model.weights_["head.weight"], best)


def test_a_stop_by_skorch_leaves_no_epoch_open(cls):
    X, y = draw(n=40)
    stop = EarlyStopping(
        "train_loss", patience=2, threshold=10.0, threshold_mode="abs", sink=print
    )
    stop.sink = lambda line: None
    watcher = Watcher()
    model = make(cls, max_epochs=30, callbacks=[stop]).set_callbacks(watcher).fit(X, y)
    assert 1 < model.n_iter_ < 6
    assert watcher.events == epochs(model.n_iter_)


def test_a_stop_of_one_of_several(cls):
    X, y = draw(n=40)
    watchers = [Watcher(), Watcher(stop_at(1)), Watcher()]
    model = make(cls).set_callbacks(*watchers).fit(X, y)
    assert model.n_iter_ == 1
    assert all(watcher.events == epochs(1) for watcher in watchers)


def test_ctrl_c_of_a_watcher_reaches_the_caller(cls):
    def interrupt(context, fitted):
        raise KeyboardInterrupt

    watcher = Watcher(at_epochs(interrupt))
    model = make(cls).set_callbacks(watcher)
    with pytest.raises(KeyboardInterrupt):
        model.fit(*draw())
    assert watcher.events[-1] == "teardown"
    assert not hasattr(model, "weights_")
