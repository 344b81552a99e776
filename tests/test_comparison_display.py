"""The plot of a comparison."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.naive_bayes import GaussianNB

from sk_rnnimage import ComparisonDisplay
from sk_rnnimage.comparison import Comparison


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
    label = "accuracy: mean ± standard deviation over 2 folds (small points)"
    assert display.ax_.get_xlabel() == label


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


def comparison_of(scores, scoring="accuracy"):
    """A comparison with these scores on two folds, or errors; "dummy" is a baseline."""
    classifiers = {
        name: DummyClassifier() if name == "dummy" else GaussianNB() for name in scores
    }
    found = {
        name: {"error": values}
        if isinstance(values, Exception)
        else {
            "test_score": np.array(values),
            "fit_time": np.ones(2),
            "score_time": np.ones(2),
        }
        for name, values in scores.items()
    }
    return Comparison(classifiers, found, [(np.arange(9), np.arange(9))] * 2, scoring)


def bars(display):
    """Where the error bars of the classic classifiers begin and end."""
    (lines,) = display.errorbars_["classic"].lines[2]
    return np.array(lines.get_segments())[:, :, 0]


@pytest.mark.parametrize(
    "scoring, highest",
    [("accuracy", 1), ("neg_log_loss", 0), (lambda *_: 0, np.inf)],
    ids=["accuracy", "log loss", "own"],
)
def test_error_bars_end_at_the_highest_score(scoring, highest):
    top = min(highest, 1)
    scores = {"a": [top, top], "b": [top, top - 0.1], "c": [top - 0.5, top - 0.6]}
    found = comparison_of(scores, scoring)
    drawn = bars(ComparisonDisplay.from_comparison(found))
    mean, std = found.results["mean_test_score"], found.results["std_test_score"]
    expected = np.column_stack([mean - std, np.minimum(mean + std, highest)])
    np.testing.assert_allclose(drawn, expected, atol=1e-12)
    assert not (drawn[:, 1] > highest + 1e-12).any()


def test_the_scores_of_the_folds_are_below_the_bar():
    scores = {"a": [0.9, 0.8], "dummy": [0.5, 0.5]}
    display = ComparisonDisplay.from_comparison(comparison_of(scores))
    points = display.ax_.lines[0].get_xydata(), display.ax_.lines[1].get_xydata()
    np.testing.assert_array_equal(points, [[[0.9, 0.25]], [[0.8, 0.25]]])


def test_one_fold_has_no_spread():
    found = {"test_score": np.array([0.9]), "fit_time": np.ones(1)}
    found["score_time"] = np.ones(1)
    split = (np.arange(9), np.arange(9))
    comparison = Comparison({"a": GaussianNB()}, {"a": found}, [split], "accuracy")
    display = ComparisonDisplay.from_comparison(comparison)
    assert display.ax_.get_xlabel() == "accuracy"
    assert display.ax_.lines[0] is display.errorbars_["classic"].lines[0]


def test_kinds_differ_in_colour_and_marker():
    scores = {"a": [0.9, 0.8], "dummy": [0.5, 0.5]}
    display = ComparisonDisplay.from_comparison(comparison_of(scores))
    means = [bars.lines[0] for bars in display.errorbars_.values()]
    for look in ("get_color", "get_marker"):
        assert len({getattr(mean, look)() for mean in means}) == 2
    legend = display.ax_.get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["classic", "baseline"]
    drawn = [handle.get_marker() for handle in legend.legend_handles]
    assert drawn == [mean.get_marker() for mean in means]


def written(display):
    """The words in the rows, by the number of the row."""
    return {text.get_position()[1]: text.get_text() for text in display.ax_.texts}


def test_who_failed_has_a_word_for_a_point():
    scores = {"bad": ValueError("no"), "a": [0.5, 0.6], "b": [0.4, 0.5]}
    display = ComparisonDisplay.from_comparison(comparison_of(scores))
    assert written(display) == {2: "failed"}
    names = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert names == ["a", "b", "bad"]
    points = display.errorbars_["classic"].lines[0].get_xydata()
    np.testing.assert_allclose(points, [[0.55, 0], [0.45, 1]])
    (right,) = display.ax_.child_axes
    display.figure_.draw_without_rendering()
    labels = [label.get_text() for label in right.get_yticklabels()]
    assert labels[1].startswith("0.5500")
    assert labels[3] == ""


def test_a_baseline_far_below_does_not_squeeze_the_others():
    scores = {"a": [0.96, 0.97], "b": [0.95, 0.96], "dummy": [0.1, 0.1]}
    display = ComparisonDisplay.from_comparison(comparison_of(scores))
    assert list(display.errorbars_) == ["classic", "baseline"]
    assert display.ax_.get_xlim()[0] > 0.9
    assert written(display) == {2: "← off the scale"}
    scores["dummy"] = [0.995, 0.995]
    above = ComparisonDisplay.from_comparison(comparison_of(scores))
    assert written(above) == {0: "off the scale →"}
    scores["dummy"] = [0.955, 0.955]
    assert not written(ComparisonDisplay.from_comparison(comparison_of(scores)))
    alone = ComparisonDisplay.from_comparison(comparison_of({"dummy": [0.1, 0.1]}))
    assert not written(alone)
