"""skorch's own callbacks, as ``callbacks`` of a classifier."""

import json

import numpy as np
import pytest
import torch
from conftest import draw, draw_unequal, make, weights_equal
from numpy.testing import assert_array_equal
from sklearn.metrics import f1_score, roc_auc_score
from skorch.callbacks import (
    BatchScoring,
    Checkpoint,
    EpochScoring,
    ProgressBar,
    TensorBoard,
)

LABELS = np.array(["ant", "bee", "cow"])


def labelled(n, seed=0, images=draw):
    X, y = images(n=n, seed=seed)
    return X, LABELS[y]


def unlearnable():
    """Images, and others to validate on whose labels they do not tell."""
    X, y = labelled(60)
    X_val, y_val = labelled(30, seed=1)
    y_val = np.random.RandomState(0).permutation(y_val)
    return X, y, {"X_val": X_val, "y_val": y_val}


def column(model, name):
    return [row[name] for row in model.history_]


# EpochScoring


@pytest.mark.parametrize("images", [draw, draw_unequal])
def test_scores_of_the_validation_images(cls, images):
    X, y = labelled(36, images=images)
    X_val, y_val = labelled(20, seed=1, images=images)
    options = {"lower_is_better": False}
    callbacks = [
        EpochScoring("accuracy", **options),
        EpochScoring("neg_log_loss", name="log_proba", **options),
        EpochScoring("roc_auc_ovr", **options),
        EpochScoring("f1_macro", name="f1", **options),
        EpochScoring(None, name="default", **options),
        ("mine", EpochScoring(lambda net, X, y: (y == "bee").sum(), name="bees")),
        BatchScoring("accuracy", name="of_batches", **options),
    ]
    parameters = {"callbacks": callbacks, "batch_size": 7, "max_epochs": 6}
    model = make(cls, **parameters).fit(X, y, X_val=X_val, y_val=y_val)
    accuracy = column(model, "valid_accuracy")
    for name in ("accuracy", "default", "of_batches"):
        assert column(model, name) == pytest.approx(accuracy, rel=1e-6)
    losses = [-value for value in column(model, "log_proba")]
    assert losses == pytest.approx(column(model, "valid_loss"), rel=1e-4)
    last, proba = model.history_[-1], model.predict_proba(X_val)
    auc = roc_auc_score(y_val, proba, multi_class="ovr", labels=LABELS)
    assert last["roc_auc_ovr"] == pytest.approx(auc, rel=1e-6)
    f1 = f1_score(y_val, model.predict(X_val), average="macro")
    assert last["f1"] == pytest.approx(f1, rel=1e-6)
    assert column(model, "bees") == [(y_val == "bee").sum()] * 6
    plain = make(cls, **parameters | {"callbacks": None}).fit(X, y)
    assert weights_equal(model, plain)


def test_scores_of_the_training_images(cls):
    X, y = labelled(40)
    weights = np.arange(40) % 2  # images that do not count are not scored
    callbacks = [
        EpochScoring("accuracy", on_train=True, name="train_accuracy"),
        EpochScoring("neg_log_loss", on_train=True, name="log_proba"),
        EpochScoring(lambda net, X, y: len(y), on_train=True, name="n"),
        BatchScoring("accuracy", on_train=True, name="of_batches"),
    ]
    model = make(cls, callbacks=callbacks, batch_size=9, max_epochs=12)
    model.fit(X, y, weights)
    assert column(model, "n") == [20] * 12
    assert column(model, "train_accuracy")[-1] == 1
    assert column(model, "of_batches") == pytest.approx(column(model, "train_accuracy"))
    losses = [-value for value in column(model, "log_proba")]
    assert losses == pytest.approx(model.loss_curve_, rel=1e-5)
    model.partial_fit(X, y)
    assert model.history_[-1]["train_accuracy"] == 1


def test_two_classes_with_early_stopping(cls):
    X, y = draw(n=60, n_classes=2)
    y = np.array(["no", "yes"])[y]
    score = EpochScoring("roc_auc", lower_is_better=False)
    model = make(cls, callbacks=[score], early_stopping=True, max_epochs=5).fit(X, y)
    assert all(0 <= value <= 1 for value in column(model, "roc_auc"))
    assert score.best_score_ == max(column(model, "roc_auc"))


# Checkpoint


def test_a_checkpoint_holds_the_best_epoch(cls, tmp_path):
    X, y, validation = unlearnable()
    checkpoint = Checkpoint(dirname=str(tmp_path), f_params="{last_epoch[epoch]}.pt")
    parameters = {"max_epochs": 6, "learning_rate": 0.05}
    model = make(cls, callbacks=[checkpoint], **parameters).fit(X, y, **validation)
    assert weights_equal(model, make(cls, **parameters).fit(X, y))
    losses = column(model, "valid_loss")
    best = 1 + np.argmin(losses)
    assert best == model.best_epoch_ < 6
    saved = torch.load(tmp_path / f"{best}.pt", weights_only=True)
    assert saved.keys() == model.weights_.keys() - {"temperature"}
    assert not torch.equal(saved["head.weight"], model.module_.head.weight)
    history = json.loads((tmp_path / "history.json").read_text())
    assert [row["valid_loss"] for row in history] == losses[:best]


@pytest.mark.parametrize("monitor", ["valid_loss_best", "recall_best"])
def test_a_checkpoint_that_loads_its_epoch(cls, monitor, tmp_path):
    X, y, validation = unlearnable()
    scoring = EpochScoring("recall_macro", lower_is_better=False, name="recall")
    checkpoint = Checkpoint(monitor, dirname=str(tmp_path), load_best=True)
    model = make(cls, callbacks=[scoring, checkpoint], max_epochs=6, learning_rate=0.05)
    model.fit(X, y, **validation)
    assert model.n_iter_ == len(model.history_) == 6
    losses, recalls = column(model, "valid_loss"), column(model, "recall")
    best = np.argmin(losses) if monitor == "valid_loss_best" else np.argmax(recalls)
    assert model.best_epoch_ == best + 1 < 6
    saved = torch.load(tmp_path / "params.pt", weights_only=True)
    for name, weights in saved.items():
        assert_array_equal(model.weights_[name], weights.numpy())
    proba = model.predict_proba(validation["X_val"])  # with the epoch's temperature
    codes = np.searchsorted(LABELS, validation["y_val"])
    loss = -np.log(proba[np.arange(30), codes]).mean()
    assert losses[best] == pytest.approx(loss, rel=1e-5)


# What is shown


def test_a_bar_for_each_epoch(cls, capsys):
    X, y = labelled(40)
    bar = ProgressBar(batches_per_epoch="auto")
    make(cls, callbacks=[bar], batch_size=8, max_epochs=2).fit(X, y, X_val=X, y_val=y)
    error = capsys.readouterr().err
    assert "/10 [" in error  # batches of training and of validation
    assert bar.pbar_.n == 10


class Writer:
    """What TensorBoard asks of a ``SummaryWriter``."""

    def __init__(self):
        self.scalars, self.closed = {}, False

    def add_scalar(self, tag, scalar_value, global_step):
        self.scalars.setdefault(tag, []).append((global_step, float(scalar_value)))

    def close(self):
        self.closed = True


def test_tensorboard_gets_the_history(cls):
    X, y = labelled(40)
    writer = Writer()
    scoring = EpochScoring("accuracy", lower_is_better=False)
    model = make(cls, callbacks=[scoring, TensorBoard(writer)])
    model.fit(X, y, X_val=X, y_val=y)
    assert writer.closed
    for tag, name in [
        ("Loss/train_loss", "train_loss"),
        ("Loss/valid_loss", "valid_loss"),
        ("Loss/valid_accuracy", "valid_accuracy"),
        ("accuracy", "accuracy"),
    ]:
        assert writer.scalars[tag] == list(enumerate(column(model, name), 1))
