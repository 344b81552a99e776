"""The plot of a training."""

import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
from conftest import draw, make
from sklearn.exceptions import NotFittedError
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_rnnimage import RNNImageClassifier, TrainingCurveDisplay

HISTORY = [
    {"epoch": 1, "train_loss": 2.0, "event_lr": 0.1, "duration": 0.5},
    {"epoch": 2, "train_loss": 1.0, "valid_loss": 3.0, "valid_accuracy": 0.5},
    {"epoch": 3, "train_loss": 0.5, "valid_loss": 2.0, "f1": 0.25, "f1_best": True},
]


def labels(panel):
    return [text.get_text() for text in panel.get_legend().get_texts()]


def test_losses_and_scores_have_panels():
    X, y = draw(n=12)
    model = make(RNNImageClassifier).fit(X, y, X_val=X, y_val=y)
    display = TrainingCurveDisplay.from_estimator(model)
    above, below = display.axes_
    assert above.get_ylabel() == "score"
    assert (below.get_ylabel(), below.get_xlabel()) == ("loss", "epoch")
    assert list(display.lines_) == ["train_loss", "valid_loss", "valid_accuracy"]
    for name, line in display.lines_.items():
        expected = [(row["epoch"], row[name]) for row in model.history_]
        np.testing.assert_array_equal(line.get_xydata(), expected)
        assert line.axes is (above if name == "valid_accuracy" else below)
    assert display.figure_ is display.ax_.figure
    best = f"best epoch: {model.best_epoch_}"
    assert labels(below) == ["training loss", "validation loss", best]
    assert labels(above) == ["validation accuracy"]
    for panel in display.axes_:
        assert panel.lines[-1].get_xdata() == [model.best_epoch_] * 2


def test_without_validation_there_is_one_panel_and_no_best_epoch():
    X, y = draw(n=12)
    pipeline = make_pipeline(StandardScaler(), make(RNNImageClassifier))
    pipeline.fit(X.reshape(12, -1), y)
    figure, ax = plt.subplots()
    display = TrainingCurveDisplay.from_estimator(pipeline, ax=ax, name="mine")
    assert display.ax_ is ax
    assert display.axes_.tolist() == [ax]
    assert labels(ax) == ["training loss"]
    assert ax.get_title() == "mine"
    assert len(ax.lines) == 1


def test_what_some_epochs_lack_is_a_gap():
    display = TrainingCurveDisplay(HISTORY).plot()
    curves = {name: line.get_ydata() for name, line in display.lines_.items()}
    assert list(curves) == ["train_loss", "valid_loss", "valid_accuracy", "f1"]
    np.testing.assert_array_equal(curves["valid_loss"], [np.nan, 3, 2])
    np.testing.assert_array_equal(curves["f1"], [np.nan, np.nan, 0.25])


def test_curves_differ_in_more_than_colour():
    display = TrainingCurveDisplay(HISTORY).plot()
    losses = [display.lines_[name] for name in ("train_loss", "valid_loss")]
    for look in ("get_color", "get_linestyle", "get_marker"):
        assert len({getattr(line, look)() for line in losses}) == 2


def test_a_long_training_has_no_markers():
    history = [{"epoch": i, "train_loss": 1 / i} for i in range(1, 200)]
    display = TrainingCurveDisplay(history).plot()
    assert display.lines_["train_loss"].get_marker() == "None"


def test_it_is_plotted_again():
    display = TrainingCurveDisplay(HISTORY, best_epoch=3)
    first = display.plot().axes_
    assert display.plot().axes_[0] is not first[0]
    assert display.plot(ax=first).axes_.tolist() == first.tolist()
    with pytest.raises(ValueError, match="ax holds the panels of a plot already"):
        display.plot(ax=display.plot().ax_)


def test_what_has_no_training_is_refused():
    with pytest.raises(NotFittedError):
        TrainingCurveDisplay.from_estimator(RNNImageClassifier())
    sentence = "The 'estimator' parameter of TrainingCurveDisplay must be an RNN"
    with pytest.raises(ValueError, match=re.escape(sentence)):
        TrainingCurveDisplay.from_estimator(GaussianNB())
