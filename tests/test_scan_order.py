"""The plot of a scan order."""

import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
from conftest import draw, draw_clips, make
from sklearn.exceptions import NotFittedError
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sk_rnnimage import (
    ComparisonDisplay,
    CRNNImageClassifier,
    ImageToSequence,
    RNNImageClassifier,
    ScanOrderDisplay,
)
from sk_rnnimage.images.orders import SCANS, scan_order


def points(display):
    """Where the line of the first panel goes."""
    return display.lines_[0].get_xydata()


@pytest.mark.parametrize("scan", SCANS)
def test_the_line_follows_the_scan(scan):
    display = ScanOrderDisplay.from_scan(scan, 3, 5)
    row, column = np.divmod(scan_order(scan, 3, 5), 5)
    np.testing.assert_array_equal(
        points(display), np.column_stack([column + 0.5, row + 0.5])
    )
    times = display.images_[0].get_array()
    np.testing.assert_array_equal(times[row, column], np.arange(15))
    assert display.ax_.get_title() == scan
    assert display.figure_ is display.ax_.figure


def test_steps_are_drawn_in_their_size():
    display = ScanOrderDisplay.from_estimator(
        ImageToSequence("rows", patch_size=(2, None), image_shape=(5, 4))
    )
    np.testing.assert_array_equal(
        display.lines_[0].get_xydata(), [[2, 1], [2, 3], [2, 5]]
    )
    assert display.images_[0].get_extent() == [0, 4, 6, 0]


def ticks(axis):
    return [(t.get_position(), t.get_text()) for t in axis.get_ticklabels()]


def test_whole_lines_are_set_apart_and_numbered():
    rows = ScanOrderDisplay.from_scan("rows", 4, 6, patch_size=None).ax_
    (edges,) = rows.collections
    expected = [[[0, y], [6, y]] for y in (1, 2, 3)]
    np.testing.assert_array_equal(edges.get_segments(), expected)
    assert ticks(rows.yaxis) == [((0, i + 0.5), str(i + 1)) for i in range(4)]
    assert (rows.get_xlabel(), rows.get_ylabel()) == ("", "step")
    columns = ScanOrderDisplay.from_scan("columns", 4, 6, patch_size=(None, 2)).ax_
    (edges,) = columns.collections
    expected = [[[x, 4], [x, 0]] for x in (2, 4)]
    np.testing.assert_array_equal(edges.get_segments(), expected)
    assert ticks(columns.xaxis) == [((2 * i + 1, 0), str(i + 1)) for i in range(3)]
    assert (columns.get_xlabel(), columns.get_ylabel()) == ("step", "")


def test_the_numbers_follow_the_scan_and_have_room():
    ax = ScanOrderDisplay.from_scan("random", 5, 3, patch_size=(1, None)).ax_
    steps = np.argsort(scan_order("random", 5, 1)) + 1
    assert [text for _, text in ticks(ax.yaxis)] == [str(step) for step in steps]
    ax = ScanOrderDisplay.from_scan("rows", 28, 28, patch_size=None).ax_
    assert [text for _, text in ticks(ax.yaxis)] == [str(i) for i in range(1, 28, 2)]


@pytest.mark.parametrize("scan, patch_size", [("rows", 1), ("hilbert", None)])
def test_patches_are_not_numbered(scan, patch_size):
    ax = ScanOrderDisplay.from_scan(scan, 4, 4, patch_size=patch_size).ax_
    assert not ticks(ax.xaxis) + ticks(ax.yaxis)
    assert not len(ax.collections)


@pytest.mark.parametrize(
    "scan, shape, angle",
    [
        ("rows", (1, 3), -90),  # to the right
        ("columns", (3, 1), -180),  # down
        ("snake", (2, 3), 90),  # to the left
        ("hilbert", (2, 2), 0),  # up
    ],
)
def test_an_arrowhead_points_out_the_last_patch(scan, shape, angle):
    display = ScanOrderDisplay.from_scan(scan, *shape)
    path, arrow, circle = display.ax_.lines
    assert path is display.lines_[0]
    np.testing.assert_array_equal(arrow.get_xydata(), path.get_xydata()[-1:])
    np.testing.assert_array_equal(circle.get_xydata(), path.get_xydata()[:1])
    assert (arrow.get_marker()[2] - angle) % 360 == 0


def test_one_step_has_a_circle_alone():
    display = ScanOrderDisplay.from_scan("rows", 4, 4, patch_size=4)
    assert len(display.ax_.lines) == 2
    assert not ticks(display.ax_.xaxis) + ticks(display.ax_.yaxis)


def test_fitted_and_unfitted_transformers_draw_alike():
    reader = ImageToSequence("snake", patch_size=2)
    given = ScanOrderDisplay.from_estimator(reader, image_shape=(6, 4))
    fitted = reader.fit(np.zeros((1, 6, 4)))
    figure, ax = plt.subplots()
    learnt = ScanOrderDisplay.from_estimator(fitted, ax=ax, name="mine")
    np.testing.assert_array_equal(
        given.lines_[0].get_xydata(), learnt.lines_[0].get_xydata()
    )
    assert learnt.ax_ is ax
    assert ax.get_title() == "mine"


def test_sides_may_be_numbers_of_numpy():
    display = ScanOrderDisplay.from_scan("rows", np.uint64(3), np.int8(5))
    assert display.paths[0].corners.shape[1] == 15


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(NotFittedError, match="knows no image shape yet: fit it, or"):
        ScanOrderDisplay.from_estimator(ImageToSequence())
    sentence = "scan must be one of 'rows', 'columns', 'snake'"
    with pytest.raises(ValueError, match=re.escape(sentence)):
        ScanOrderDisplay.from_scan("zigzag", 4, 4)
    sentence = "height and width must have a product of at most 16,777,216. Got 9 x "
    with pytest.raises(ValueError, match=re.escape(sentence)):
        ScanOrderDisplay.from_scan("rows", 9, 2**63)
    with pytest.raises(ValueError, match="The 'estimator' parameter"):
        ScanOrderDisplay.from_estimator(GaussianNB())
    with pytest.raises(ValueError, match="The 'comparison' parameter"):
        ComparisonDisplay.from_comparison({"nb": 0.5})


def test_a_classifier_draws_a_panel_for_each_scan():
    X, y = draw(n=6, shape=(6, 8))
    model = make(RNNImageClassifier, scan=("snake", "columns"), patch_size=2)
    bare = ScanOrderDisplay.from_estimator(model.fit(X, y))
    assert [ax.get_title() for ax in bare.axes_] == ["snake", "columns"]
    for line, scan in zip(bare.lines_, ("snake", "columns")):
        row, column = np.divmod(scan_order(scan, 3, 4), 4)
        expected = np.column_stack([2 * column + 1, 2 * row + 1])
        np.testing.assert_array_equal(line.get_xydata(), expected)
    assert not bare.ax_.axison
    assert bare.figure_ is bare.ax_.figure
    drawn = ScanOrderDisplay.from_estimator(model, X[0], name="mine")
    assert [ax.get_title() for ax in drawn.axes_] == ["mine", "mine"]
    for image, line, other in zip(drawn.images_, drawn.lines_, bare.lines_):
        assert image.get_array().shape == (6, 8, 3)
        segments = np.array(line.get_segments())
        np.testing.assert_array_equal(segments[:, 0], other.get_xydata()[:-1])
        np.testing.assert_array_equal(segments[:, 1], other.get_xydata()[1:])


@pytest.mark.parametrize(
    "parameters, titles",
    [
        ({}, ["rows\n4 a step, 2 shared", "columns\n4 a step, 2 shared"]),
        (
            {"scan": "sweep", "patch_size": 4},
            ["sweep\nalong rows", "sweep\nalong columns"],
        ),
        ({"scan": "rows", "cell": None}, ["rows"]),
    ],
)
def test_any_reading_is_drawn(parameters, titles):
    X, y = draw(n=6)
    model = make(RNNImageClassifier, max_epochs=1, **parameters).fit(X, y)
    for x in (None, X[0], X[:1], X[0].ravel()):
        display = ScanOrderDisplay.from_estimator(model, x)
        assert [ax.get_title() for ax in display.axes_] == titles
        display.figure_.draw_without_rendering()


def test_a_feature_map_is_drawn_on_the_image_of_a_pipeline():
    X, y = draw(n=6, shape=(20, 12, 3))
    model = make(CRNNImageClassifier, max_epochs=1, filters=(4, 8))
    pipeline = make_pipeline(FunctionTransformer(), model).fit(X, y)
    display = ScanOrderDisplay.from_estimator(pipeline, X[0])
    assert display.ax_.get_title() == "rows\nof the feature map"
    assert display.axes_.tolist() == [display.ax_]
    assert ticks(display.ax_.yaxis) == [((0, 4 * i + 2), str(i + 1)) for i in range(5)]


@pytest.mark.parametrize("estimator", [make(RNNImageClassifier, scan="frames"), None])
def test_clips_are_laid_out_by_frame(estimator):
    X, y = draw_clips(n=6, frame=(4, 5), lengths=(5, 5))
    estimator = estimator or ImageToSequence("frames")
    estimator.fit(X, y)
    display = ScanOrderDisplay.from_estimator(estimator, X[0])
    assert [text.get_text() for text in display.ax_.texts] == list("12345")
    assert display.lines_ == []
    picture = display.images_[0].get_array()
    expected = (X[0] - X[0].min()) / np.ptp(X[0])
    (path,) = display.paths
    for frame, (top, left) in zip(expected, path.corners[0]):
        np.testing.assert_allclose(picture[top : top + 4, left : left + 5, 0], frame)
    bare = ScanOrderDisplay.from_estimator(estimator)
    assert [text.get_text() for text in bare.ax_.texts] == list("12345")
    np.testing.assert_array_equal(bare.images_[0].get_array()[:4, :5], 0)


def test_panels_go_on_given_axes():
    model = make(RNNImageClassifier, max_epochs=1).fit(*draw(n=6))
    figure, axes = plt.subplots(1, 3)
    display = ScanOrderDisplay.from_estimator(model, ax=axes[:2])
    assert display.axes_.tolist() == axes[:2].tolist()
    assert display.ax_ is axes[0]
    assert display.plot(ax=axes[2]) is display
    assert display.ax_ is axes[2]
    assert [ax in axes[2].child_axes for ax in display.axes_] == [True, True]
    assert plt.get_fignums() == [figure.number]


def test_a_long_line_is_fine():
    widths = [
        ScanOrderDisplay.from_scan(scan, n, n).lines_[0].get_linewidth()
        for scan, n in (("snake", 8), ("snake", 64), ("random", 64))
    ]
    assert widths[0] == 1.8
    assert 1 < widths[1] < 1.8
    assert widths[2] < 0.1


def test_an_image_of_another_size_is_refused():
    X, y = draw(n=6)
    for estimator in (make(RNNImageClassifier, max_epochs=1), ImageToSequence()):
        sentence = "X holds images of shape (9, 7), but this"
        with pytest.raises(ValueError, match=re.escape(sentence)):
            ScanOrderDisplay.from_estimator(estimator.fit(X, y), np.ones((9, 7)))
    with pytest.raises(NotFittedError):
        ScanOrderDisplay.from_estimator(RNNImageClassifier())
