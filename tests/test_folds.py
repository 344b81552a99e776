"""What one classifier gives on one fold."""

import sys

import numpy as np
import pytest
from comparisons_by_hand import Fails, Hungry
from sklearn.datasets import load_digits
from sklearn.metrics import accuracy_score
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import SVC

from sk_rnnimage import compare_classifiers
from sk_rnnimage.comparison.failures import describe_error
from sk_rnnimage.comparison.folds import Task, run_fold
from sk_rnnimage.comparison.memory import pickled_size

X, Y = load_digits(return_X_y=True)
TRAIN, TEST = np.arange(300), np.arange(300, 400)


def task_of(scorers, **changes):
    others = {"keeps_correct": False, "n_candidates": None, "seed": 0, "groups": None}
    return Task(scorers, **{**others, **changes})


def run(classifier, X=X, scorers=None, **changes):
    task = task_of(scorers or {"score": "accuracy"}, **changes)
    return run_fold(classifier, X, Y, TRAIN, TEST, task)


def test_a_fold_is_fitted_scored_timed_and_weighed():
    found = run(GaussianNB(), keeps_correct=True)
    model = GaussianNB().fit(X[:300], Y[:300])
    right = model.predict(X[300:400]) == Y[300:400]
    np.testing.assert_array_equal(found["correct"], right)
    assert found["test_score"] == right.mean()
    assert found["model_size"] == pickled_size(model)
    assert found["fit_time"] > 0
    assert found["score_time"] > 0
    assert found["params"] == {}


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's proc(5)")
def test_the_peak_is_that_of_the_fit_alone():
    many = np.concatenate([X] * 40)  # 37 MB, of which a fold has copies
    train, test = np.arange(len(many) // 2), np.arange(len(many) // 2, len(many))
    for n_bytes in (30e6, 60e6):
        rival = Hungry(int(n_bytes))
        task = task_of({"score": "accuracy"})
        found = run_fold(rival, many, np.tile(Y, 40), train, test, task)
        assert n_bytes - 2e6 < found["peak_memory"] < n_bytes + 5e6


def test_several_scores_need_one_prediction():
    calls = []

    class Counts(GaussianNB):
        def predict(self, X):
            calls.append(len(X))
            return super().predict(X)

    found = run(Counts(), scorers={"accuracy": "accuracy", "f1_macro": "f1_macro"})
    assert calls == [100]
    assert found["test_accuracy"] != found["test_f1_macro"]


def test_a_kernel_matrix_is_sliced_on_both_sides():
    gram = X[:400] @ X[:400].T
    found = run_fold(
        SVC(kernel="precomputed"),
        gram,
        Y[:400],
        TRAIN,
        TEST,
        task_of({"score": "accuracy"}),
    )
    expected = SVC(kernel="linear").fit(X[:300], Y[:300]).score(X[300:400], Y[300:400])
    assert found["test_score"] == expected


def error_of(scorer=None, rival=None):
    found = run(rival or GaussianNB(), scorers={"score": scorer or "accuracy"})
    assert list(found) == ["error"]
    return describe_error(found["error"])


def test_an_error_is_all_that_a_failure_gives():
    Fails.n_fits = 0
    assert error_of(rival=Fails()) == "ValueError: no such luck"
    numbers = "TypeError: scoring must return one number. For several scores pass a"
    for scorer in (lambda *_: {"a": 1, "b": 2}, lambda *_: None, lambda *_: "0.5"):
        assert error_of(scorer).startswith(numbers)
    assert error_of(lambda *_: np.nan) == "ValueError: The score is NaN."
    assert "looks like it is a metric function" in error_of(accuracy_score)


def test_scores_of_any_kind_of_number():
    for number in (1, True, np.float32(1), np.array(1.0)):
        found = compare_classifiers(
            [GaussianNB()], X, Y, cv=[(TRAIN, TEST)], scoring=lambda *_, n=number: n
        )
        assert found.split_scores.tolist() == [[1.0]]
