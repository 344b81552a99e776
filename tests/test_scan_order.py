"""The plot of a scan order."""

import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.naive_bayes import GaussianNB

from sk_rnnimage import ComparisonDisplay, ImageToSequence, ScanOrderDisplay
from sk_rnnimage.images.orders import SCANS, scan_order


@pytest.mark.parametrize("scan", SCANS)
def test_the_line_follows_the_scan(scan):
    display = ScanOrderDisplay.from_scan(scan, 3, 5)
    row, column = np.divmod(scan_order(scan, 3, 5), 5)
    np.testing.assert_array_equal(
        display.line_.get_xydata(), np.column_stack([column + 0.5, row + 0.5])
    )
    times = display.image_.get_array()
    np.testing.assert_array_equal(times[row, column], np.arange(15))
    assert display.ax_.get_title() == scan
    assert display.figure_ is display.ax_.figure


def test_steps_are_drawn_in_their_size():
    display = ScanOrderDisplay.from_estimator(
        ImageToSequence("rows", patch_size=(2, None), image_shape=(5, 4))
    )
    np.testing.assert_array_equal(display.line_.get_xydata(), [[2, 1], [2, 3], [2, 5]])
    assert display.image_.get_extent() == [0, 4, 6, 0]


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
    assert path is display.line_
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
    np.testing.assert_array_equal(given.line_.get_xydata(), learnt.line_.get_xydata())
    assert learnt.ax_ is ax
    assert ax.get_title() == "mine"


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(NotFittedError, match="knows no image shape yet: fit it, or"):
        ScanOrderDisplay.from_estimator(ImageToSequence())
    sentence = "scan must be one of 'rows', 'columns', 'snake'"
    with pytest.raises(ValueError, match=re.escape(sentence)):
        ScanOrderDisplay.from_scan("zigzag", 4, 4)
    with pytest.raises(ValueError, match="The 'estimator' parameter"):
        ScanOrderDisplay.from_estimator(GaussianNB())
    with pytest.raises(ValueError, match="The 'comparison' parameter"):
        ComparisonDisplay.from_comparison({"nb": 0.5})
