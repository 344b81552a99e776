"""The callbacks of our own: learning rate, gradients, scores, stops, divergence."""

import copy
import re
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import Watch, draw, make, make_settings, watched, weights_equal
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_digits
from skorch.callbacks import (
    BatchScoring,
    Callback,
    Checkpoint,
    EarlyStopping,
    EpochScoring,
    LRScheduler,
)
from skorch.history import History

from sk_rnnimage import RNNImageClassifier
from sk_rnnimage._training.callbacks import (
    Anneal,
    Calibrate,
    StopEarly,
    check_callbacks,
    own_callbacks,
    restored_epoch,
)
from sk_rnnimage.networks.cells import CELLS

# The learning rate and the gradient


def test_one_cycle(cls):
    X, y = draw(n=40)
    watch, _ = watched(cls, X, y, batch_size=4, max_epochs=5, learning_rate=0.02)
    rates = np.array(watch.rates)
    top = rates.argmax()
    assert len(rates) == 50
    assert rates[top] == pytest.approx(0.02, rel=0.01)
    assert rates[0] < 0.02 / 10
    assert rates[-1] < 0.02 / 100
    assert 5 <= top <= 9  # after 15 % of the steps
    assert (np.diff(rates[: top + 1]) > 0).all()
    assert (np.diff(rates[top:]) < 0).all()


@pytest.mark.parametrize("n_epochs", [1, 2])
def test_one_cycle_of_a_step_or_two(cls, n_epochs):
    X, y = draw(n=20)
    watch, model = watched(cls, X, y, max_epochs=n_epochs, learning_rate=0.01)
    assert len(watch.rates) == n_epochs == model.n_iter_
    assert all(0 < rate <= model.learning_rate for rate in watch.rates)


def test_partial_fit_has_a_constant_rate(cls):
    X, y = draw(n=40)
    watch = Watch()
    model = make(cls, callbacks=[watch], batch_size=8, learning_rate=0.003)
    for _ in range(3):
        model.partial_fit(X, y, classes=[0, 1, 2])
    assert watch.rates == [0.003] * 15
    assert model.n_iter_ == 3


def test_gradients_are_clipped(cls):
    X, y = draw(n=40)
    weights = np.where(np.arange(40) < 4, 1000.0, 1.0)
    watch = Watch()
    model = make(cls, callbacks=[watch], batch_size=4, max_epochs=4)
    model.fit(X, y, sample_weight=weights)
    norms = np.array(watch.norms)
    assert norms.max() == pytest.approx(1, abs=1e-4)  # some batches were cut to 1
    assert norms.min() < 0.9  # and others were left alone


# Scores


@pytest.mark.parametrize("early_stopping", [False, True])
def test_history_counts_weights_as_the_loss_does(early_stopping):
    X, y = draw(n=40)
    X_val, y_val = draw(n=10, seed=1)
    model = make(RNNImageClassifier, early_stopping=early_stopping, batch_size=3)
    model.fit(X, y, X_val=X_val, y_val=y_val, sample_weight_val=np.arange(10))
    right = model.predict(X_val) == y_val
    accuracy = model.history_[model.best_epoch_ - 1 if early_stopping else -1]
    expected = np.average(right, weights=np.arange(10))
    assert accuracy["valid_accuracy"] == pytest.approx(expected, abs=1e-6)


# Early stopping


class Snapshots(Callback):
    """Keep the weights at the end of each epoch, after all callbacks before."""

    def __init__(self):
        self.weights, self.n_ends = [], 0

    def on_epoch_end(self, net, **kwargs):
        state = net.module_.state_dict().items()
        self.weights.append({name: w.numpy().copy() for name, w in state})

    def on_train_end(self, net, **kwargs):
        self.n_ends += 1


def unlearnable():
    """Images whose labels they do not tell, and as many to validate on."""
    X, y = draw(n=60)
    X_val, y_val = draw(n=30, seed=1)
    return X, y, {"X_val": X_val, "y_val": np.random.RandomState(0).permutation(y_val)}


STOPS = {
    "ours": {"early_stopping": True, "n_iter_no_change": 3},
    "skorch's": {
        "callbacks": [EarlyStopping(patience=3, load_best=True, sink=lambda line: None)]
    },
}


@pytest.mark.parametrize("whose", STOPS)
def test_a_stop_restores_the_weights_of_the_best_epoch(cls, whose):
    X, y, validation = unlearnable()
    seen, parameters = Snapshots(), STOPS[whose]
    callbacks = [seen, *parameters.get("callbacks", [])]
    parameters = parameters | {"callbacks": callbacks, "max_epochs": 50}
    model = make(cls, **parameters).fit(X, y, **validation)
    losses = [row["valid_loss"] for row in model.history_]
    assert model.best_epoch_ == 1 + np.argmin(losses) < model.n_iter_ < 50
    best, last = seen.weights[model.best_epoch_ - 1], seen.weights[-1]
    assert model.weights_.keys() == best.keys() | {"temperature"}
    for name, weights in best.items():
        assert_array_equal(model.weights_[name], weights)
    assert not np.array_equal(last["head.weight"], best["head.weight"])


def test_a_stop_lets_the_epoch_be_completed_for_the_callbacks_after_it(cls):
    X, y, validation = unlearnable()
    seen = Snapshots()
    parameters = {"early_stopping": True, "n_iter_no_change": 3, "max_epochs": 50}
    model = make(cls, callbacks=[seen], **parameters).fit(X, y, **validation)
    assert len(seen.weights) == model.n_iter_ < 50
    assert seen.n_ends == 1
    assert all(row.keys() == model.history_[0].keys() for row in model.history_)


def test_the_best_epoch_is_the_one_restored(cls):
    X, y = draw(n=60)
    seen, silent = Snapshots(), {"sink": lambda line: None}
    best_is_first = EarlyStopping(
        "train_loss", lower_is_better=False, patience=4, load_best=True, **silent
    )
    model = make(cls, callbacks=[seen, best_is_first], max_epochs=50)
    model.fit(X, y, X_val=X, y_val=y)
    assert model.best_epoch_ == 1 < model.n_iter_
    assert np.argmin([row["valid_loss"] for row in model.history_]) > 0
    for name, weights in seen.weights[0].items():
        assert_array_equal(model.weights_[name], weights)


def run(stop, losses):
    """A training of these validation losses, whose weight is the epoch's number."""
    net = SimpleNamespace(
        module_=torch.nn.Linear(1, 1, bias=False), history=History(), stopped_=False
    )
    stop.on_train_begin(net)
    for epoch, loss in enumerate(losses, 1):
        torch.nn.init.constant_(net.module_.weight, epoch)
        net.history.new_epoch()
        net.history.record("valid_loss", loss)
        stop.on_epoch_end(net)
        if net.stopped_:
            break
    stop.on_train_end(net)
    return len(net.history), stop.best_epoch_, net.module_.weight.item()


@pytest.mark.parametrize(
    "patience, losses, n_epochs, best",
    [
        (1, [3, 2, 1], 3, 3),  # the last is the best
        (1, [3, 2, 2, 1], 3, 2),  # an equal loss is not lower
        (2, [3, 2, 2.5, 2.4, 1], 4, 2),
        (3, [3, 2, 2.5, 2.4, 1], 5, 5),
        (2, [3, np.nan, 2, np.nan, np.nan, 1], 5, 3),
    ],
)
def test_when_it_stops_and_what_it_restores(patience, losses, n_epochs, best):
    stop = StopEarly(patience)
    for _ in range(2):  # nothing is left of an earlier training
        assert run(stop, losses) == (n_epochs, best, best)
        assert stop.best_weights_ is None


def test_losses_that_are_no_numbers_restore_nothing():
    assert run(StopEarly(2), [np.nan] * 5) == (2, 0, 2)


# Divergence


def spoil(images, generator):
    """Images, but the fourth time NaN and infinity."""
    spoil.calls += 1
    return images / float(spoil.calls != 4)


def test_callable_that_gives_what_is_not_finite(cls):
    X, y = draw(n=40)
    spoil.calls = 0
    sentence = "augment must give finite values. In epoch 2 it gave NaN or infinity:"
    with pytest.raises(ValueError, match=re.escape(sentence)):
        make(cls, augment=spoil, batch_size=20).fit(X, y)


def test_callable_that_diverges_for_another_reason(cls):
    model = make(cls, augment="shift", learning_rate=1e300, weight_decay=1e9)
    with pytest.raises(ValueError, match="is probably too high; try a tenth of it"):
        model.fit(*draw())


@pytest.mark.parametrize("cell", [*CELLS])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_rate_far_too_high_is_no_fit(cls, cell, early_stopping):
    """Though all may stay finite."""
    X, y = draw(n=40)
    settings = {"cell": cell, "early_stopping": early_stopping, "max_epochs": 8}
    for rate in (1e3, 1e30):
        model = make(cls, learning_rate=rate, n_iter_no_change=20, **settings)
        sentence = f"learning_rate={rate} is probably too high; try a tenth of it."
        try:
            model.fit(X, y)
        except ValueError as error:
            assert str(error).endswith(sentence)
            assert not hasattr(model, "weights_")
        else:  # the best epoch is restored
            assert early_stopping
            assert model.history_[model.best_epoch_ - 1]["valid_loss"] < 1e4 * np.log(3)
            assert np.isfinite(model.predict_proba(X)).all()


def test_a_decay_that_turns_the_weights_round(cls):
    model = make(cls, weight_decay=1e30)
    with pytest.raises(ValueError, match=re.escape("weight_decay=1e+30 is probably")):
        model.fit(*draw())


# The user's callbacks


OWN = [
    "gradient_clipping",
    "calibration",
    "schedule",
    "anneal",
    "score",
    "valid_accuracy",
    "early_stopping",
    "learning_rate",
    "divergence",
]
OTHERS = ["epoch_timer", "train_loss", "valid_loss", "print_log", "watcher", "saving"]


def test_the_names_of_our_own():
    def names(**options):
        settings = {"patience": options.pop("patience", None)}
        settings["schedule"] = options.pop("schedule", True)
        return {name for name, _ in own_callbacks(make_settings(**settings), **options)}

    assert names(patience=1) == set(OWN)
    always = {"gradient_clipping", "calibration", "learning_rate", "divergence"}
    assert names(schedule=False, validated=False) == always


@pytest.mark.parametrize("name", OWN + OTHERS)
@pytest.mark.parametrize("way", ["fit", "partial_fit"])
def test_the_name_of_one_of_our_own_is_refused(cls, way, name):
    model = make(cls, callbacks=[(name, Callback())])
    more = {"classes": [0, 1, 2]} if way == "partial_fit" else {}
    sentence = (
        f"callbacks holds a callback of the name {name!r}, which another has. Choose "
        "another name, or pass the callback without one."
    )
    with pytest.raises(ValueError, match=re.escape(sentence)):
        getattr(model, way)(*draw(), **more)


def test_named_and_nameless_callbacks_are_one(cls):
    X, y = draw()
    watches = [Watch() for _ in range(3)]
    callbacks = [("mine", watches[0]), watches[1], watches[2]]
    model = make(cls, callbacks=callbacks).fit(X, y)
    assert weights_equal(model, make(cls).fit(X, y))
    assert watches[0].rates == watches[1].rates == watches[2].rates
    assert len(watches[0].rates) == model.n_iter_


@pytest.mark.parametrize(
    "monitor, refused",
    [
        ("valid_loss", True),
        ("valid_accuracy_best", True),
        ("train_loss", False),
        (lambda net: True, False),
    ],
)
def test_a_monitor_of_validation_needs_validation_images(monitor, refused):
    stop = EarlyStopping(monitor)
    check_callbacks(make_settings(callbacks=[stop]), validated=True)
    if not refused:
        check_callbacks(make_settings(callbacks=[stop]), validated=False)
        return
    sentence = (
        f"callbacks holds an EarlyStopping that monitors {monitor!r}, but there are no "
        "validation images. Pass X_val and y_val to fit, set early_stopping=True, or "
        "monitor 'train_loss'."
    )
    with pytest.raises(ValueError, match=re.escape(sentence)):
        check_callbacks(make_settings(callbacks=[stop]), validated=False)


@pytest.mark.parametrize("kind", [EpochScoring, BatchScoring])
def test_scores_that_there_cannot_be(cls, kind):
    X, y = draw()
    name = kind.__name__
    model = make(cls, callbacks=[kind("accuracy")])
    sentence = (
        f"callbacks holds {name}(on_train=False), which scores validation images, but "
        "there are none. Pass X_val and y_val to fit, set early_stopping=True, or "
        "score the training images: on_train=True."
    )
    for method, more in (("fit", {}), ("partial_fit", {"classes": [0, 1, 2]})):
        with pytest.raises(ValueError, match=re.escape(sentence)):
            getattr(model, method)(X, y, **more)
    model.set_params(callbacks=[("mine", kind("accuracy", use_caching=False))])
    sentence = (
        f"callbacks holds {name}(use_caching=False), but the net can only be scored on "
        "what it gave for the batches of the epoch. Leave use_caching=True; to score "
        "the training images after each epoch, pass them to fit as X_val and y_val too."
    )
    with pytest.raises(ValueError, match=re.escape(sentence)):
        model.fit(X, y, X_val=X, y_val=y)


# The learning rate


def test_the_learning_rate_is_in_the_history(cls):
    X, y = draw(n=40)
    settings = {"batch_size": 8, "max_epochs": 4, "learning_rate": 0.01}
    watch, model = watched(cls, X, y, **settings)
    ends = watch.rates[4::5]  # of five updates an epoch
    assert [row["event_lr"] for row in model.history_] == pytest.approx(ends)
    model.partial_fit(X, y)
    assert model.history_[-1]["event_lr"] == model.learning_rate


@pytest.mark.parametrize("named", [False, True])
def test_a_schedule_of_the_users_replaces_ours(cls, named):
    X, y = draw(n=40)
    schedule = LRScheduler("StepLR", step_size=1, gamma=0.5)
    watch = Watch()
    callbacks = [("mine", schedule) if named else schedule, watch]
    make(cls, callbacks=callbacks, learning_rate=0.01, max_epochs=4).fit(X, y)
    assert watch.rates == pytest.approx([0.01, 0.005, 0.0025, 0.00125])


def test_early_stopping_lets_the_learning_rate_fall_to_0_first(cls):
    X, y, validation = unlearnable()
    parameters = {"n_iter_no_change": 6, "max_epochs": 500, "batch_size": 20}
    watch = Watch()
    model = make(cls, early_stopping=True, callbacks=[watch], **parameters)
    model.fit(X, y, **validation)
    assert model.n_iter_ == model.best_epoch_ + 6 < 500
    rates = np.array(watch.rates)
    falling = rates[-9:]  # in three epochs of three updates
    steps = np.diff(np.append(falling, 0))
    assert_allclose(steps, -falling[0] / 9, rtol=1e-6)
    assert (np.diff(rates[:-9]) > 0).all()  # before it was still rising


def test_training_stops_where_the_learning_rate_is_0(cls):
    """Also where the validation loss goes on falling to the end."""
    anneal, group, rates = Anneal(patience=4), {"lr": 1.0}, []
    net = SimpleNamespace(history=History(), stopped_=False)
    net.optimizer_ = SimpleNamespace(param_groups=[group])
    anneal.on_train_begin(net)
    for loss in (3.0, 2.0, 2.5, 2.5, 1.0, 0.5, 0.1):
        net.history.new_epoch()
        for _ in range(2):
            anneal.on_batch_begin(net, training=True)
            rates.append(group["lr"])
        net.history.record("valid_loss", loss)
        net.history.record("train_batch_count", 2)
        anneal.on_epoch_end(net)
        if net.stopped_:
            break
    assert rates == [1.0] * 8 + [1.0, 0.75, 0.5, 0.25]
    assert len(net.history) == 6


# What is printed


def test_colours_are_for_terminals_alone(cls, capsys, monkeypatch):
    X, y = draw(n=40)
    make(cls, verbose=1, max_epochs=2).fit(X, y, X_val=X, y_val=y)
    printed = capsys.readouterr().out
    assert "valid_loss" in printed
    assert "\x1b" not in printed
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    make(cls, verbose=1, max_epochs=2).fit(X, y, X_val=X, y_val=y)
    assert "\x1b" in capsys.readouterr().out


# Probabilities


def calibration_error(model, X, y):
    """The expected calibration error in ten bins of confidence."""
    proba = model.predict_proba(X)
    confidence, correct = proba.max(1), model.classes_[proba.argmax(1)] == y
    bins = np.minimum((10 * confidence).astype(int), 9)
    gaps = [
        (bins == b).mean()
        * abs(correct[bins == b].mean() - confidence[bins == b].mean())
        for b in np.unique(bins)
    ]
    return sum(gaps)


def test_probabilities_are_calibrated(cls):
    X, y = load_digits(return_X_y=True)
    model = cls(random_state=0).fit(X[:1000], y[:1000])
    assert model.predict_proba(X[1000:]).max() > 0.99
    assert calibration_error(model, X[1000:], y[1000:]) < 0.03
    raw = copy.deepcopy(model)
    raw.module_.temperature = 1.0
    assert calibration_error(raw, X[1000:], y[1000:]) > 0.08


def test_the_losses_of_training_and_validation_are_of_one_kind(cls):
    X, y = draw(n=200)
    model = make(cls, max_epochs=20).fit(X, y, X_val=X, y_val=y)
    last = model.history_[-1]
    assert last["valid_loss"] < 0.2
    assert last["train_loss"] == pytest.approx(last["valid_loss"], abs=0.1)
    proba = model.predict_proba(X)
    loss = -np.log(proba[np.arange(200), y]).mean()
    assert last["valid_loss"] == pytest.approx(loss, rel=1e-5)


def test_the_temperature_of_a_restored_epoch_is_restored(cls):
    X, y, validation = unlearnable()
    parameters = {"early_stopping": True, "n_iter_no_change": 3, "max_epochs": 50}
    model = make(cls, **parameters).fit(X, y, **validation)
    proba = model.predict_proba(validation["X_val"])
    loss = -np.log(proba[np.arange(30), validation["y_val"]]).mean()
    assert loss == pytest.approx(model.history_[model.best_epoch_ - 1]["valid_loss"])


def test_the_last_callback_that_restores_says_the_best_epoch():
    ours, theirs = StopEarly(3), EarlyStopping(load_best=True)
    ours.best_epoch_, theirs.best_epoch_ = 5, 1
    net = SimpleNamespace(callbacks_=[("ours", ours), ("theirs", theirs)])
    assert restored_epoch(net) == 1
    net.callbacks_.pop()
    assert restored_epoch(net) == 5
    whole = Checkpoint(load_best=False), Checkpoint(load_best=True, monitor=None)
    net.callbacks_ += [("keeps", whole[0]), ("restores nothing", whole[1])]
    assert restored_epoch(net) == 5
    ours.best_epoch_ = 0  # each loss was NaN
    assert restored_epoch(net) is None


@pytest.mark.parametrize("event", ["event_cp", "mine", None])
@pytest.mark.parametrize(
    "saved, epoch", [([True, False, True, False], 3), ([False] * 4, None)]
)
def test_the_epoch_that_a_checkpoint_restores(event, saved, epoch):
    history = [{event or "valid_loss_best": yes} for yes in saved]
    callback = Checkpoint(load_best=True, event_name=event)
    net = SimpleNamespace(callbacks_=[("theirs", callback)], history=history)
    assert restored_epoch(net) == epoch


def test_it_does_not_matter_how_many_logits_wait(cls, monkeypatch):
    X, y = draw(n=60)
    settings = {"batch_size": 7, "max_epochs": 4}
    weights = 1.0 + np.arange(60) % 3
    expected = make(cls, **settings).fit(X, y, weights, X_val=X, y_val=y)
    for most in (0, 21, 50, 180):  # 21 logits are a batch, 180 an epoch
        monkeypatch.setattr(Calibrate, "MOST", most)
        model = make(cls, **settings).fit(X, y, weights, X_val=X, y_val=y)
        assert_allclose(model.loss_curve_, expected.loss_curve_, rtol=1e-6)
        for name, array in model.weights_.items():
            assert_allclose(array, expected.weights_[name], rtol=1e-6)
        pairs = zip(model.history_, expected.history_)
        assert all(
            a["valid_loss"] == pytest.approx(b["valid_loss"], rel=1e-6)
            for a, b in pairs
        )


def test_the_temperature_follows_an_epoch_that_a_user_restores(cls):
    X, y, validation = unlearnable()
    stop = EarlyStopping(patience=3, load_best=True, sink=lambda line: None)
    model = make(cls, callbacks=[stop], max_epochs=50).fit(X, y, **validation)
    assert model.best_epoch_ < model.n_iter_
    proba = model.predict_proba(validation["X_val"])
    loss = -np.log(proba[np.arange(30), validation["y_val"]]).mean()
    assert loss == pytest.approx(model.history_[model.best_epoch_ - 1]["valid_loss"])
