import pickle
import re

import joblib
import numpy as np
import pytest
from joblib.parallel import ThreadingBackend
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    StratifiedKFold,
    cross_val_score,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

from sk_rnnimage import (
    CRNNImageClassifier,
    ImageToSequence,
    RNNImageClassifier,
    classic_classifiers,
    compare_classifiers,
)
from sk_rnnimage.comparison import Comparison

X, Y = load_digits(return_X_y=True)
IMAGES = X.reshape(-1, 8, 8)


def comparison_of(scores, n_test=100, scoring="accuracy"):
    """A comparison with these scores; names tell the kinds."""
    classifiers = {
        name: RNNImageClassifier(cell=None if "control" in name else "lstm")
        if "RNN" in name
        else GaussianNB()
        for name in scores
    }
    found = {
        name: {
            "test_score": np.array(values),
            "fit_time": np.full(len(values), 2.0 if "RNN" in name else 0.1),
            "score_time": np.full(len(values), 0.5),
        }
        for name, values in scores.items()
    }
    splits = [(np.arange(9), np.arange(n_test))] * len(next(iter(scores.values())))
    return Comparison(classifiers, found, splits, scoring)


@pytest.mark.parametrize("name", classic_classifiers())
def test_each_rival_is_fair_at_any_scale_and_layout(name):
    rival = classic_classifiers(random_state=0)[name]
    grey = (IMAGES * 15).astype(np.uint8)
    fitted = clone(rival).fit(grey[:1200], Y[:1200])
    predicted = fitted.predict(grey[1200:])
    assert (predicted == Y[1200:]).mean() > 0.88
    flat = clone(rival).fit(grey[:1200].reshape(1200, -1), Y[:1200])
    np.testing.assert_array_equal(
        predicted, flat.predict(grey[1200:].reshape(len(grey) - 1200, -1))
    )
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(predicted, again.predict(grey[1200:]))


@pytest.mark.parametrize("name", classic_classifiers())
def test_each_rival_takes_few_small_images_in_colour(name):
    rng = np.random.RandomState(0)
    tiny = rng.randint(0, 120, (30, 2, 3, 3)).astype(np.uint8)
    tiny[15:] += 130
    labels = np.repeat(["dark", "light"], 15)
    rival = classic_classifiers(random_state=0)[name]
    if name == "Gradient boosting":  # wants 20 images a leaf
        tiny, labels = np.tile(tiny, (4, 1, 1, 1)), np.tile(labels, 4)
    assert rival.fit(tiny, labels).score(tiny, labels) == 1


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


def test_cv_may_be_a_splitter_or_one_split():
    split = (np.arange(1200), np.arange(1200, len(Y)))
    one = compare_classifiers([GaussianNB()], X, Y, cv=[split])
    expected = GaussianNB().fit(X[:1200], Y[:1200]).score(X[1200:], Y[1200:])
    assert one.split_scores.tolist() == [[expected]]
    assert one.test_sizes == [597]
    two = compare_classifiers([GaussianNB()], X, Y, cv=KFold(2))
    expected = cross_val_score(GaussianNB(), X, Y, cv=KFold(2))
    np.testing.assert_array_equal(two.split_scores, [expected])


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


def test_a_list_is_named_after_its_classes():
    pipeline = make_pipeline(ImageToSequence(), DummyClassifier())
    rivals = [GaussianNB(), GaussianNB(var_smoothing=0.1), pipeline]
    result = compare_classifiers(rivals, X[:100], Y[:100], cv=KFold(2))
    names = {"GaussianNB", "GaussianNB 2", "DummyClassifier"}
    assert set(result.results["name"]) == names


def test_kinds_are_seen_through_pipelines_and_searches():
    rivals = {
        "recurrent": make_pipeline(ImageToSequence(), RNNImageClassifier()),
        "control": GridSearchCV(CRNNImageClassifier(cell=None), {}),
        "classic": make_pipeline(ImageToSequence(), GaussianNB()),
    }
    found = {
        name: {k: np.zeros(2) for k in ("test_score", "fit_time", "score_time")}
        for name in rivals
    }
    splits = [(np.arange(9), np.arange(9))] * 2
    results = Comparison(rivals, found, splits, "accuracy").results
    assert results["kind"].tolist() == results["name"].tolist()


def test_the_table_has_the_best_first_within_80_columns():
    found = comparison_of({"A": [0.5, 0.7], "CRNN": [0.9, 0.8], "B" * 33: [0.8, 0.8]})
    lines = found.table().splitlines()
    assert [line.split()[0][0] for line in lines[1:]] == ["C", "B", "A"]
    assert lines[1].split() == ["CRNN", "0.8500", "0.0500", "2.00", "0.50"]
    assert {len(line) for line in lines} == {len(lines[0])}
    assert len(lines[0]) < 80
    table, verdict = str(found).split("\n\n")
    assert table == found.table()
    assert verdict.replace("\n", " ") == found.verdict
    assert max(map(len, verdict.splitlines())) < 80


@pytest.mark.parametrize(
    "scores, verdict",
    [
        (
            {"RNN": [0.95, 0.94], "A": [0.90, 0.90], "B": [0.1, 0.1]},
            "RNN (best recurrent) beats A (best classic) by 4.50 points, more than the "
            "spread of that over the 2 folds (0.50 points). RNN takes 20 times as long "
            "to fit as A.",
        ),
        (
            {"RNN": [0.90, 0.94], "A": [0.96, 0.92], "B": [0.1, 0.1]},
            "A (best classic) is ahead of RNN (best recurrent) by 2.00 points, within "
            "the spread of that over the 2 folds (4.00 points): too close to call. RNN "
            "takes 20 times as long to fit as A.",
        ),
        (
            {"RNN": [0.5], "A": [0.4], "RNN control": [0.6]},
            "RNN (best recurrent) beats A (best classic) by 10.00 points, more than "
            "the standard error on 100 images (7.00 points). RNN takes 20 times as "
            "long to fit as A. The best network without recurrence scores 0.6000, "
            "10.00 points more than the best with it.",
        ),
        (
            {"B": [0.75, 0.5], "A": [0.5, 0.75]},
            "B and A score the same. A takes 1.0 times as long to fit as B.",
        ),
        ({"A": [0.5, 0.75]}, "A was compared with nobody."),
    ],
)
def test_the_verdict_says_who_wins(scores, verdict):
    assert comparison_of(scores).verdict == verdict


def test_one_split_of_another_score_has_no_error():
    found = comparison_of({"RNN": [-0.5], "A": [-0.25]}, scoring="neg_log_loss")
    assert found.verdict.startswith(
        "A (best classic) is ahead of RNN (best recurrent) by 0.2500; one split does "
        "not tell how much of it is chance."
    )


@pytest.mark.parametrize(
    "change, sentence",
    [
        ({"classifiers": []}, "classifiers is empty: at least one is needed."),
        ({"classifiers": 3}, "The 'classifiers' parameter of compare_classifiers must"),
        ({"y": Y[:-1]}, "inconsistent numbers of samples"),
        ({"cv": []}, "cv holds no splits: at least one is needed."),
        ({"scoring": ["accuracy"]}, "The 'scoring' parameter of compare_classifiers"),
    ],
)
def test_bad_arguments_are_refused(change, sentence):
    arguments = {"classifiers": [GaussianNB()], "X": X, "y": Y, **change}
    with pytest.raises(ValueError, match=re.escape(sentence)):
        compare_classifiers(**arguments)


@pytest.mark.parametrize("thing", [3, "SVC", GaussianNB])
def test_what_is_no_classifier_is_refused(thing):
    message = "classifiers must hold classifiers to be fitted. Got "
    with pytest.raises(TypeError, match=re.escape(message)):
        compare_classifiers([thing], X, Y)
