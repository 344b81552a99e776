"""All classifiers on all folds: jobs, and failures that lose nothing else."""

import os
import re
from copy import copy

import joblib
import numpy as np
import pytest
from comparisons_by_hand import DiesOnce, Fails, Presses
from joblib.parallel import ThreadingBackend
from sklearn.datasets import load_digits
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.parallel import delayed

from sk_rnnimage import RNNImageClassifier, compare_classifiers
from sk_rnnimage.comparison.failures import describe_error
from sk_rnnimage.comparison.runs import _gather, _in_parallel
from sk_rnnimage.comparison.significance import p_value_of_images

X, Y = load_digits(return_X_y=True)


def test_all_are_scored_on_the_folds_that_cross_val_score_has():
    rivals = {"nb": GaussianNB(), "knn": KNeighborsClassifier()}
    result = compare_classifiers(rivals, X, Y, cv=3, random_state=4)
    folds = StratifiedKFold(3, shuffle=True, random_state=4)
    assert result.results["name"].tolist() == ["knn", "nb"]
    for place, name in enumerate(result.results["name"]):
        expected = cross_val_score(rivals[name], X, Y, cv=folds)
        np.testing.assert_array_equal(result.split_scores[place], expected)
        assert result.results["mean_test_score"][place] == expected.mean()
        assert result.results["std_test_score"][place] == expected.std()
    assert (result.results["mean_fit_time"] > 0).all()
    assert (result.results["mean_score_time"] > 0).all()


class Threads(ThreadingBackend):
    """Threads, which start faster than processes, and how many were asked for."""

    def __init__(self):
        super().__init__()
        self.asked = set()

    def effective_n_jobs(self, n_jobs):
        self.asked.add(n_jobs)
        return super().effective_n_jobs(n_jobs)


def test_scoring_and_jobs_are_passed_on():
    threads = Threads()
    with joblib.parallel_config(threads):
        result = compare_classifiers(
            {"nb": GaussianNB()}, X, Y, cv=KFold(2), scoring="neg_log_loss", n_jobs=2
        )
    assert threads.asked == {2}
    expected = cross_val_score(GaussianNB(), X, Y, cv=KFold(2), scoring="neg_log_loss")
    np.testing.assert_array_equal(result.split_scores, [expected])
    assert result.scoring == "neg_log_loss"


def test_processes_give_the_same_to_the_bit():
    rivals = {
        "rnn": RNNImageClassifier(8, max_epochs=1, random_state=0),
        "nb": GaussianNB(),
    }
    one, two = (
        compare_classifiers(rivals, X[:300], Y[:300], cv=KFold(2), n_jobs=n_jobs)
        for n_jobs in (1, 2)
    )
    assert one.results["name"].tolist() == two.results["name"].tolist()
    np.testing.assert_array_equal(one.split_scores, two.split_scores)
    assert not two.results["n_failed"].any()


@pytest.fixture(autouse=True)
def no_fits():
    Fails.n_fits = Presses.n_fits = 0


def test_a_failure_is_a_row_and_the_others_go_on():
    rivals = {"bad": Fails(), "nb": GaussianNB(), "knn": KNeighborsClassifier()}
    found = compare_classifiers(rivals, X, Y, cv=KFold(2))
    assert found.results["name"].tolist() == ["knn", "nb", "bad"]
    assert found.results["error"].tolist() == ["", "", "ValueError: no such luck"]
    assert found.results["n_failed"].tolist() == [0, 0, 2]
    for key, values in found.results.items():
        if key not in ("name", "kind", "n_failed", "error"):
            assert np.isfinite(values[:2]).all() or "memory" in key
            assert np.isnan(values[2])
    row = found.table().splitlines()[-1]
    assert row == "bad         failed: ValueError: no such luck"
    assert found.verdict.startswith("knn ")
    assert found.verdict.endswith(" bad failed: ValueError: no such luck.")


def test_a_failure_on_one_fold_keeps_the_other_but_takes_no_part():
    """Though the fold that worked has the best score of all."""
    poor = {f"poor {n}": DecisionTreeClassifier(max_depth=n) for n in (2, 1)}
    found = compare_classifiers({"bad": Fails(1), **poor}, X, Y, cv=KFold(2))
    assert found.results["name"].tolist() == ["poor 2", "poor 1", "bad"]
    assert found.results["n_failed"].tolist() == [0, 0, 1]
    worked = cross_val_score(GaussianNB(), X, Y, cv=KFold(2))[0]
    assert found.results["split0_test_score"][2] == worked
    assert np.isnan(found.results["split1_test_score"][2])
    assert found.results["mean_test_score"][2] == worked
    assert found.results["mean_test_score"][0] < worked
    assert found.results["mean_fit_time"][2] > 0
    *_, row, footnote = found.table().splitlines()
    assert re.match(rf"bad \* +{worked:.4f}  0.0000 ", row)
    assert footnote == "* means over the folds that worked"
    assert found.verdict.startswith("poor 2 is level with poor 1: ")
    assert found.verdict.endswith(
        " bad failed on 1 of 2 folds and takes no part in the tests: ValueError: no "
        "such luck."
    )


def test_ctrl_c_is_no_failure():
    with pytest.raises(KeyboardInterrupt):
        compare_classifiers([Fails(error=KeyboardInterrupt), GaussianNB()], X, Y, cv=2)


@pytest.mark.parametrize("swallows", [False, True])
def test_ctrl_c_keeps_what_is_done(swallows):
    rivals = {
        "tree": DecisionTreeClassifier(max_depth=2, random_state=0),
        "nb": GaussianNB(),
        "pressed": Presses(1, swallows),
        "knn": KNeighborsClassifier(),
        "dummy": DummyClassifier(),
    }
    words = "The comparison was interrupted, with 5 of 10 folds done: the others are"
    with pytest.warns(UserWarning, match=words):
        found = compare_classifiers(rivals, X, Y, cv=KFold(2))
    assert found.interrupted
    names = found.results["name"].tolist()
    assert names[:2] == ["nb", "tree"]
    n_failed = dict(zip(names, found.results["n_failed"].tolist()))
    assert n_failed == {"nb": 0, "tree": 0, "pressed": 1, "knn": 2, "dummy": 2}
    errors = dict(zip(names, found.results["error"].tolist()))
    assert errors == {name: "interrupted" if n else "" for name, n in n_failed.items()}
    alone = compare_classifiers({"nb": GaussianNB()}, X, Y, cv=KFold(2))
    np.testing.assert_array_equal(found.split_scores[:1], alone.split_scores)
    assert not alone.interrupted
    assert re.search(r"^knn +interrupted$", found.table(), re.M)
    assert re.search(r"^pressed \* +0\.\d+ ", found.table(), re.M)
    assert "<td>knn</td>" in found._repr_html_()
    assert ">interrupted</td>" in found._repr_html_()
    assert found.verdict.startswith("nb is level with tree: ")
    sentence = (
        "The comparison was interrupted before all folds were done; those with "
        "missing folds take no part in the tests: pressed (1), "
    )
    assert sentence in found.verdict


def test_what_fails_before_ctrl_c_is_told_as_a_failure():
    rivals = {"nb": GaussianNB(), "bad": Fails(), "pressed": Presses()}
    with pytest.warns(UserWarning, match="with 4 of 6 folds done"):
        found = compare_classifiers(rivals, X, Y, cv=KFold(2))
    errors = dict(zip(found.results["name"], found.results["error"]))
    assert errors == {
        "nb": "",
        "bad": "ValueError: no such luck",
        "pressed": "interrupted",
    }


def test_ctrl_c_when_only_a_baseline_has_worked():
    rivals = {"dummy": DummyClassifier(), "pressed": Presses()}
    with pytest.warns(UserWarning, match="with 2 of 4 folds done"):
        found = compare_classifiers(rivals, X, Y, cv=KFold(2))
    assert found.results["name"].tolist() == ["dummy", "pressed"]


def test_ctrl_c_before_anything_worked_reaches_the_caller():
    with pytest.raises(KeyboardInterrupt):
        compare_classifiers([Fails(), Presses(), GaussianNB()], X, Y, cv=2)


def test_a_process_that_is_killed_once_loses_nothing(tmp_path):
    rivals = {"dies": DiesOnce(str(tmp_path / "died")), "nb": GaussianNB()}
    found = compare_classifiers(rivals, X, Y, cv=KFold(2), n_jobs=2)
    assert (tmp_path / "died").exists()
    assert not found.results["n_failed"].any()
    whole = compare_classifiers(rivals, X, Y, cv=KFold(2))
    assert found.results["name"].tolist() == whole.results["name"].tolist()
    np.testing.assert_array_equal(found.split_scores, whole.split_scores)


def test_a_score_that_is_nan_is_a_failure_of_that_fold():
    def score(estimator, X, y):
        return np.nan if len(X) == 599 else 0.5

    found = compare_classifiers(
        {"nb": GaussianNB()}, X[:1199], Y[:1199], cv=KFold(2), scoring=score
    )
    assert found.results["n_failed"].tolist() == [1]
    assert found.results["error"].tolist() == ["ValueError: The score is NaN."]
    assert found.verdict.startswith("Nobody worked on all folds, so none are compared.")


def test_one_split_keeps_what_was_right():
    split = (np.arange(1200), np.arange(1200, len(Y)))
    rivals = {"knn": KNeighborsClassifier(), "nb": GaussianNB()}
    found = compare_classifiers(rivals, X, Y, cv=[split], n_jobs=2)
    right = [
        rival.fit(X[:1200], Y[:1200]).predict(X[1200:]) == Y[1200:]
        for rival in rivals.values()
    ]
    p_value = p_value_of_images(*right)
    assert p_value < 0.001
    assert (
        "(McNemar's test of these two fits on 597 images, p < 0.001)" in found.verdict
    )
    assert found.split_scores.tolist() == [[right[0].mean()], [right[1].mean()]]


def test_memory_of_imports_counts_where_there_is_no_other():
    folds = [{"peak_memory": 9.0, "imports": True}, {"peak_memory": 2.0, "imports": 0}]
    np.testing.assert_array_equal(_gather(folds)["peak_memory"], [np.nan, 2])
    np.testing.assert_array_equal(_gather(folds[:1])["peak_memory"], [9])
    np.testing.assert_array_equal(_gather(folds[:1] * 2)["peak_memory"], [9, 9])
    folds.append({"error": ValueError("no")})
    np.testing.assert_array_equal(_gather(folds)["peak_memory"], [np.nan, 2, np.nan])


def test_a_process_that_is_killed_takes_nothing_else_along():
    jobs = {("killed", number): delayed(os.abort)() for number in range(2)}
    jobs |= {("nb", n): delayed(copy)(("nb", n, {"fit_time": n})) for n in range(2)}
    given = {(name, n): fold for name, n, fold in _in_parallel(jobs, n_jobs=2)}
    assert given["nb", 0] == {"fit_time": 0}
    assert given["nb", 1] == {"fit_time": 1}
    for number in range(2):
        message = describe_error(given["killed", number]["error"])
        assert message.startswith("TerminatedWorkerError: ")
