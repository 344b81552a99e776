"""The plot of what a classifier says while it reads."""

import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
from conftest import draw, draw_clips, make, with_missing
from sklearn.exceptions import NotFittedError
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sk_rnnimage import CRNNImageClassifier, EvidenceDisplay, RNNImageClassifier


def display_of(probabilities, classes=None):
    """A display of these probabilities, with a small picture for each step."""
    probabilities = np.array(probabilities)
    T, K = probabilities.shape
    parts, steps = np.zeros((T, 2, 2, 3)), np.arange(1, T + 1)
    classes = np.arange(K) if classes is None else np.array(classes)
    return EvidenceDisplay(probabilities, classes, parts=parts, steps=steps).plot()


@pytest.mark.parametrize("bidirectional", [False, True])
def test_the_curves_are_the_staged_probabilities(cls, bidirectional):
    X, y = draw(n=12, shape=(12, 9))
    names = np.array(["one", "two", "three"])
    model = make(cls, bidirectional=bidirectional).fit(X, names[y])
    display = EvidenceDisplay.from_estimator(model, X[4])
    stages = np.concatenate(list(model.staged_predict_proba(X[4:5])))
    assert set(display.lines_) == set(names)
    for k, label in enumerate(model.classes_):
        x, curve = display.lines_[label].get_data()
        np.testing.assert_array_equal(x, np.arange(1, len(stages) + 1))
        np.testing.assert_allclose(curve, stages[:, k])
    title = display.axes_[0].get_title()
    assert title.startswith(f"{model.predict(X[4:5])[0]}, decided after ")
    assert display.figure_ is display.ax_.figure
    display.figure_.draw_without_rendering()


def test_the_part_read_so_far_is_below():
    X, y = draw(n=12, shape=(4, 6))
    model = make(RNNImageClassifier, scan="columns").fit(X, y)
    display = EvidenceDisplay.from_estimator(model, X[0])
    whole = (X[0] - X[0].min()) / np.ptp(X[0])
    pictures = display.axes_[1].child_axes
    assert len(pictures) == 6
    for t, picture in enumerate(pictures, 1):
        shown = picture.images[0].get_array()[..., 0]
        np.testing.assert_allclose(shown[:, :t], whole[:, :t])
        assert (shown[:, t:] >= 0.8).all()
    assert display.axes_[1].get_xlabel() == "columns read"


@pytest.mark.parametrize("n_frames", [5, 60])
def test_of_a_clip_the_last_frame_is_below(n_frames):
    X, y = draw_clips(lengths=(3, 6))
    clip = np.random.RandomState(0).randint(0, 200, (n_frames, 4, 5))
    model = make(RNNImageClassifier, scan="frames", max_epochs=1).fit(X, y)
    display = EvidenceDisplay.from_estimator(model, clip)
    steps = display.steps
    assert len(steps) <= 8
    assert steps[-1] == n_frames
    assert len(set(np.diff(steps))) == 1
    stretched = (clip - clip.min()) / np.ptp(clip)
    for step, picture in zip(steps, display.axes_[1].child_axes):
        shown = picture.images[0].get_array()[..., 0]
        np.testing.assert_allclose(shown, stretched[step - 1])
    assert display.axes_[1].get_xlabel() == "frames read"
    for line in display.lines_.values():
        assert len(line.get_xdata()) == n_frames
    np.testing.assert_array_equal(display.axes_[0].get_xticks(), steps)
    assert display.axes_[0].get_xlim() == display.axes_[1].get_xlim()


def test_changes_of_mind_and_the_decision():
    rows = [[0.5, 0.3, 0.2], [0.4, 0.5, 0.1], [0.6, 0.4, 0], [0.1, 0.2, 0.7]]
    display = display_of([*rows, [0, 0.1, 0.9]], classes=["a", "b", "c"])
    np.testing.assert_array_equal(display.changes_, [2, 3, 4])
    assert display.decided_ == 4
    panel = display.axes_[0]
    assert panel.get_title() == "c, decided after 4 of 5 steps\n3 changes of mind"
    dots, line = panel.lines[-2:]
    np.testing.assert_array_equal(dots.get_xydata(), [[2, 0.5], [3, 0.6], [4, 0.7]])
    assert line.get_xdata() == [4, 4]


@pytest.mark.parametrize(
    "rows, changes, decided",
    [
        ([[0.6, 0.4], [0.7, 0.3]], [], 1),
        ([[0.5, 0.5], [0.5, 0.5], [0.3, 0.7]], [], 3),  # nothing was read before
        ([[0.5, 0.5], [0.8, 0.2], [0.3, 0.7]], [3], 3),
        ([[0.1, 0.9]], [], 1),
    ],
)
def test_who_leads_from_the_start_has_not_changed(rows, changes, decided):
    display = display_of(rows)
    assert display.changes_.tolist() == changes
    assert display.decided_ == decided


@pytest.mark.parametrize("n_classes, n_shown", [(2, 2), (6, 6), (7, 5), (100, 5)])
def test_of_many_classes_those_that_matter_are_shown(n_classes, n_shown):
    rows = np.random.RandomState(0).dirichlet(np.ones(n_classes), size=9)
    display = display_of(rows)
    curves = dict(display.lines_)
    others = curves.pop(None, None)
    assert len(curves) == n_shown
    assert rows[-1].argmax() in curves
    hidden = sorted(set(range(n_classes)) - set(curves))
    if hidden:
        assert rows[:, hidden].max() <= min(
            rows[:, k].max() for k in curves if k != rows[-1].argmax()
        )
        expected = rows[:, hidden].sum(axis=1)
        np.testing.assert_allclose(others.get_ydata(), expected)
    texts = [text.get_text() for text in display.axes_[0].get_legend().get_texts()]
    assert texts[:n_shown] == [str(k) for k in curves]
    assert texts[n_shown:] == [f"{n_classes - 5} others"] * bool(hidden)
    looks = [(line.get_color(), line.get_linestyle()) for line in curves.values()]
    assert len({color for color, _ in looks}) == n_shown
    assert len({style for _, style in looks}) >= min(n_shown, 3)  # "--": any dashes


def test_a_pipeline_shows_what_the_classifier_reads():
    X, y = draw(n=12, dtype=np.float64)
    step = FunctionTransformer(np.transpose, kw_args={"axes": (0, 2, 1)})
    model = make(RNNImageClassifier, scan="rows", max_epochs=1)
    pipeline = make_pipeline(step, model).fit(X, y)
    display = EvidenceDisplay.from_estimator(pipeline, X[0])
    shown = display.axes_[1].child_axes[-1].images[0].get_array()[..., 0]
    np.testing.assert_allclose(shown, (X[0].T - X[0].min()) / np.ptp(X[0]))


def test_missing_pixels_and_frames():
    X, y = draw(n=12, dtype=np.float64)
    model = make(CRNNImageClassifier, max_epochs=1).fit(with_missing(X), y)
    EvidenceDisplay.from_estimator(model, with_missing(X)[0])
    clips, y = draw_clips(dtype=np.float64)
    model = make(RNNImageClassifier, scan="frames", max_epochs=1).fit(clips, y)
    late = np.concatenate([np.full((2, 4, 5), np.nan), clips[0]])
    display = EvidenceDisplay.from_estimator(model, [late])
    assert display.decided_ >= 3
    assert not (display.changes_ <= 3).any()


def test_it_goes_on_given_axes_and_is_plotted_again():
    X, y = draw(n=12)
    model = make(RNNImageClassifier, max_epochs=1).fit(X, y)
    figure, (left, *others) = plt.subplots(1, 3)
    display = EvidenceDisplay.from_estimator(model, X[0], ax=left)
    assert display.ax_ is left
    assert display.figure_ is figure
    display.plot(ax=others)
    assert display.axes_.tolist() == others
    assert plt.get_fignums() == [figure.number]
    display.plot()
    assert display.figure_ is not figure


def test_what_cannot_be_shown_is_refused():
    X, y = draw(n=12)
    model = make(RNNImageClassifier, max_epochs=1).fit(X, y)
    for bad, sentence in (
        (None, "EvidenceDisplay needs X: one image, or a batch of one. Got None."),
        (X, "EvidenceDisplay shows one image, but X holds 12."),
        (np.ones((9, 7)), "X holds images of shape (9, 7), but this RNNImageClassifi"),
    ):
        with pytest.raises(ValueError, match=re.escape(sentence)):
            EvidenceDisplay.from_estimator(model, bad)
    with pytest.raises(NotFittedError):
        EvidenceDisplay.from_estimator(RNNImageClassifier(), X[0])
    with pytest.raises(ValueError, match="The 'estimator' parameter of Evidence"):
        EvidenceDisplay.from_estimator(GaussianNB().fit(X.reshape(12, -1), y), X[0])
    for parameters in ({"scan": "sweep"}, {"cell": None}):
        blind = make(RNNImageClassifier, max_epochs=1, **parameters).fit(X, y)
        with pytest.raises(ValueError, match="reads one step after another"):
            EvidenceDisplay.from_estimator(blind, X[0])
