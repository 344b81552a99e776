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
