"""Scores of the folds, jobs, and failures."""

import joblib
import numpy as np
import pytest
from comparisons_by_hand import Fails
from joblib.parallel import ThreadingBackend
from sklearn.datasets import load_digits
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier

from sk_rnnimage import compare_classifiers
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


@pytest.fixture(autouse=True)
def no_fits():
    Fails.n_fits = 0


@pytest.mark.parametrize("at", [0, 1], ids=["each fold", "second fold"])
def test_a_failure_is_a_row_and_the_others_go_on(at):
    rivals = {"bad": Fails(at), "nb": GaussianNB(), "knn": KNeighborsClassifier()}
    found = compare_classifiers(rivals, X, Y, cv=KFold(2))
    assert found.results["name"].tolist() == ["knn", "nb", "bad"]
    assert found.results["error"].tolist() == ["", "", "ValueError: no such luck"]
    for key, values in found.results.items():
        if key not in ("name", "kind", "error"):
            assert np.isfinite(values[:2]).all()
            assert np.isnan(values[2])
    row = found.table().splitlines()[-1]
    assert row == "bad         failed: ValueError: no such luck"
    assert found.verdict.startswith("knn ")
    assert found.verdict.endswith(" bad failed: ValueError: no such luck.")


def test_ctrl_c_is_no_failure():
    with pytest.raises(KeyboardInterrupt):
        compare_classifiers([Fails(error=KeyboardInterrupt), GaussianNB()], X, Y, cv=2)


def test_a_score_that_is_no_number_is_a_failure():
    def score(estimator, X, y):
        return np.nan if len(X) == 599 else 0.5

    found = compare_classifiers({"nb": GaussianNB()}, X[:1199], Y[:1199], cv=KFold(3))
    assert found.results["error"].tolist() == [""]
    with pytest.raises(ValueError, match="nb: The score is NaN on 1 of 2 folds"):
        compare_classifiers(
            {"nb": GaussianNB()}, X[:1199], Y[:1199], cv=KFold(2), scoring=score
        )
    with pytest.raises(TypeError, match="scoring must return one number"):
        compare_classifiers([GaussianNB()], X, Y, scoring=lambda *_: {"a": 1, "b": 2})


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
