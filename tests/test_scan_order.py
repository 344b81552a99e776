import builtins
import re

import matplotlib
import numpy as np
import pytest

matplotlib.use("Agg")

import matplotlib.pyplot as plt  # noqa: E402
from sklearn.datasets import load_digits  # noqa: E402
from sklearn.exceptions import NotFittedError  # noqa: E402
from sklearn.model_selection import KFold  # noqa: E402
from sklearn.naive_bayes import GaussianNB  # noqa: E402
from sklearn.neighbors import KNeighborsClassifier  # noqa: E402

from sk_rnnimage import (  # noqa: E402
    ComparisonDisplay,
    ImageToSequence,
    ScanOrderDisplay,
    compare_classifiers,
)
from sk_rnnimage.images.orders import SCANS, scan_order  # noqa: E402


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def comparison():
    X, y = load_digits(return_X_y=True)
    rivals = {"nb": GaussianNB(), "knn": KNeighborsClassifier()}
    return compare_classifiers(rivals, X, y, cv=KFold(2))


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


def test_the_comparison_is_drawn_best_first(comparison):
    display = ComparisonDisplay.from_comparison(comparison)
    assert list(display.errorbars_) == ["classic"]
    points = display.errorbars_["classic"].lines[0].get_xydata()
    np.testing.assert_array_equal(
        points, np.column_stack([comparison.results["mean_test_score"], [0, 1]])
    )
    names = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert names == ["knn", "nb"]
    bottom, top = display.ax_.get_ylim()
    assert top < 0 < 1 < bottom
    assert display.ax_.get_xlabel() == "accuracy"


def test_the_comparison_goes_on_given_axes(comparison):
    figure, ax = plt.subplots()
    display = ComparisonDisplay(comparison).plot(ax=ax)
    assert display.ax_ is ax
    assert display.figure_ is figure
    (right,) = ax.child_axes
    figure.draw_without_rendering()
    labels = [label.get_text().split()[0] for label in right.get_yticklabels()]
    scores = [f"{score:.4f}" for score in comparison.results["mean_test_score"]]
    assert labels == ["score", *scores]


def test_without_matplotlib_the_install_line_is_given(monkeypatch, comparison):
    plain = builtins.__import__

    def without_matplotlib(name, *args, **kwargs):
        if name.split(".")[0] == "matplotlib":
            raise ImportError(name)
        return plain(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_matplotlib)
    line = re.escape('pip install "sk_rnnimage[plot]"')
    with pytest.raises(ImportError, match=line):
        ScanOrderDisplay.from_scan("rows", 2, 2)
    with pytest.raises(ImportError, match=line):
        ComparisonDisplay.from_comparison(comparison)
