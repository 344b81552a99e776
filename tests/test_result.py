"""The result of a comparison: rows, tables and frames."""

import re
import sys

import numpy as np
import pytest
from comparisons_by_hand import comparison_of
from sklearn.naive_bayes import GaussianNB

from sk_rnnimage.comparison.result import Comparison


def measured(scores, **others):
    """A comparison on two folds with all that is measured."""
    splits = [(np.arange(100), np.arange(100))] * 2
    others = {"fit_time": [1, 3], "score_time": [0.25, 0.75], **others}
    found = {
        name: {"test_score": np.array(values)}
        | {key: np.array(values, float) for key, values in others.items()}
        for name, values in scores.items()
    }
    for name, values in scores.items():
        if np.isnan(values).any():
            found[name]["error"] = ValueError("no")
    rivals = {name: GaussianNB() for name in scores}
    return Comparison(rivals, found, splits, "accuracy")


def test_means_and_deviations_are_those_of_the_folds():
    found = measured({"a": [0.5, 0.7]}, peak_memory=[8, 2], model_size=[10, 30])
    expected = {
        "test_score": (0.6, 0.1),
        "fit_time": (2, 1),
        "score_time": (0.5, 0.25),
        "peak_memory": (5, 3),
        "model_size": (20, 10),
    }
    for key, (mean, std) in expected.items():
        assert found.results[f"mean_{key}"] == pytest.approx([mean])
        assert found.results[f"std_{key}"] == pytest.approx([std])
    assert found.results["split1_test_score"].tolist() == [0.7]


def test_folds_that_failed_or_have_no_memory_are_left_out():
    scores = {"a": [0.5, np.nan], "b": [0.3, 0.5]}
    found = measured(scores, peak_memory=[np.nan, 4], model_size=[10, np.nan])
    assert found.results["name"].tolist() == ["b", "a"]
    assert found.results["n_failed"].tolist() == [0, 1]
    assert found.results["mean_test_score"].tolist() == [0.4, 0.5]
    assert found.results["mean_fit_time"].tolist() == [2, 1]
    assert found.results["mean_peak_memory"].tolist() == [4, 4]
    np.testing.assert_array_equal(found.results["mean_model_size"], [np.nan, 10])
    np.testing.assert_array_equal(found.split_scores, [[0.3, 0.5], [0.5, np.nan]])


def test_who_worked_on_all_folds_comes_first_and_who_on_none_last():
    scores = {"none": [np.nan] * 2, "low": [0.8, np.nan], "high": [np.nan, 0.9]}
    found = measured({**scores, "all": [0.1, 0.2]})
    assert found.results["name"].tolist() == ["all", "high", "low", "none"]


def test_printing_gives_the_table_and_the_verdict_within_80_columns():
    found = comparison_of({"CRNN": [0.9, 0.8], "A": [0.5, 0.7]})
    table, verdict = str(found).split("\n\n")
    assert table == found.table()
    assert verdict.replace("\n", " ") == found.verdict
    assert max(map(len, verdict.splitlines())) < 80
    assert repr(found) == f"<Comparison of 2 classifiers>\n{found}"


def test_an_error_is_whole_in_the_verdict():
    error = ValueError("the reason is told at such a length that no table has room")
    found = comparison_of({"A": [0.5, 0.5], "bad": error})
    assert (
        found.verdict == f"A was compared with nobody. bad failed: ValueError: {error}."
    )


def test_the_html_is_that_of_a_notebook():
    html = comparison_of({"A": [0.5, 0.5]})._repr_html_()
    assert re.search(r"<td>A</td><td>0.5000</td>", html)
    assert "A was compared with nobody." in html


@pytest.mark.parametrize("package", ["pandas", "polars"])
def test_frames_hold_the_results(package):
    pytest.importorskip(package)
    found = comparison_of({"CRNN": [0.9, 0.8], "A": [0.5, 0.7], "bad": ValueError("x")})
    frame = getattr(found, f"to_{package}")()
    assert type(frame).__module__.startswith(package)
    assert list(frame.columns) == list(found.results)
    for key, values in found.results.items():
        np.testing.assert_array_equal(frame[key].to_numpy(), values)


@pytest.mark.parametrize("package", ["pandas", "polars"])
def test_without_the_package_of_a_frame_the_install_line_is_given(package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    message = f"to_{package} needs {package}, which is not installed: pip install "
    with pytest.raises(ImportError, match=re.escape(message + package)):
        getattr(comparison_of({"A": [0.5, 0.5]}), f"to_{package}")()
