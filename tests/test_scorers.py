"""Scores by name and by callable, of two classes and of more."""

import re

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits
from sklearn.metrics import f1_score, get_scorer_names, log_loss, make_scorer
from sklearn.model_selection import KFold, cross_val_score, cross_validate
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from sk_rnnimage import classic_classifiers, compare_classifiers

X, Y = load_digits(return_X_y=True)
IMAGES = X.reshape(-1, 8, 8)


def test_an_svc_gets_probabilities_where_the_score_needs_them():
    rivals = {"svc": SVC(), "nb": GaussianNB()}
    arguments = {"cv": KFold(2), "scoring": "neg_log_loss"}
    found = compare_classifiers(rivals, X, Y, **arguments)
    calibrated = CalibratedClassifierCV(SVC(), ensemble=False)
    for i, name in enumerate(found.results["name"]):
        rival = calibrated if name == "svc" else GaussianNB()
        np.testing.assert_array_equal(
            found.split_scores[i], cross_val_score(rival, X, Y, **arguments)
        )
    assert found.results["kind"].tolist() == ["classic", "classic"]


@pytest.mark.parametrize("name", classic_classifiers())
def test_each_rival_has_the_scores_of_probabilities(name):
    rival = {name: classic_classifiers(random_state=0)[name]}
    scoring = ["roc_auc_ovr", "neg_log_loss"]
    found = compare_classifiers(rival, IMAGES[:500], Y[:500], cv=2, scoring=scoring)
    assert found.results["mean_test_roc_auc_ovr"][0] > 0.95
    assert -1 < found.results["mean_test_neg_log_loss"][0] < 0


def test_only_scores_of_probabilities_change_the_classifier():
    split = [(np.arange(1200), np.arange(1200, 1797))]
    plain = SVC().fit(X[:1200], Y[:1200])
    found = compare_classifiers([SVC()], X, Y == 3, cv=split, scoring="roc_auc")
    expected = cross_val_score(SVC(), X, Y == 3, cv=split, scoring="roc_auc")
    assert found.split_scores[0] == expected
    found = compare_classifiers([SVC()], X, Y, cv=split)
    assert found.split_scores[0] == plain.score(X[1200:], Y[1200:])
    scorer = make_scorer(
        log_loss, greater_is_better=False, response_method="predict_proba"
    )
    own = compare_classifiers([SVC()], X, Y, cv=split, scoring=scorer)
    named = compare_classifiers([SVC()], X, Y, cv=split, scoring="neg_log_loss")
    assert own.split_scores == named.split_scores


TWO = np.where(Y < 5, "low", "high")


@pytest.mark.parametrize(
    "scoring",
    [
        "f1",
        "precision",
        "recall",
        "jaccard",
        "average_precision",
        "neg_brier_score",
        "roc_auc",
        *({"d2_brier_score"} & set(get_scorer_names())),
    ],
)
def test_scores_of_one_class_take_string_labels(scoring):
    arguments = {"cv": KFold(2), "scoring": scoring}
    found = compare_classifiers([GaussianNB()], X, TWO, **arguments)
    expected = cross_val_score(GaussianNB(), X, (TWO == "low").astype(int), **arguments)
    np.testing.assert_allclose(found.split_scores[0], expected)


def test_the_class_labelled_1_stays_the_positive_one():
    labels = np.where(Y < 5, 1, 2)
    found = compare_classifiers([GaussianNB()], X, labels, cv=KFold(2), scoring="f1")
    expected = cross_val_score(GaussianNB(), X, labels, cv=KFold(2), scoring="f1")
    np.testing.assert_array_equal(found.split_scores[0], expected)


@pytest.mark.parametrize(
    "scoring",
    [
        ("f1_macro", "accuracy"),
        ["f1_macro", "accuracy"],
        {"f1_macro": make_scorer(f1_score, average="macro"), "accuracy": "accuracy"},
    ],
)
def test_of_several_scores_the_first_decides(scoring):
    rivals = {"nb": GaussianNB(), "knn": KNeighborsClassifier()}
    found = compare_classifiers(rivals, X, Y, cv=KFold(3), scoring=scoring)
    assert found.scoring == "f1_macro"
    assert found.scorings == {"f1_macro": "f1_macro", "accuracy": "accuracy"}
    assert found.results["name"].tolist() == ["knn", "nb"]
    for row, name in enumerate(found.results["name"]):
        scores = cross_validate(rivals[name], X, Y, cv=KFold(3), scoring=scoring)
        np.testing.assert_array_equal(found.split_scores[row], scores["test_f1_macro"])
        for key in ("f1_macro", "accuracy"):
            values = scores[f"test_{key}"]
            assert found.results[f"mean_test_{key}"][row] == values.mean()
            assert found.results[f"std_test_{key}"][row] == values.std()
            assert found.results[f"split2_test_{key}"][row] == values[2]
    header, first, _ = found.table().splitlines()
    assert header.split()[:3] == ["f1_macro", "std", "accuracy"]
    f1, _, accuracy = map(float, first.split()[1:4])
    assert f1 == pytest.approx(found.results["mean_test_f1_macro"][0], abs=1e-4)
    assert accuracy == pytest.approx(found.results["mean_test_accuracy"][0], abs=1e-4)
    assert len(header) == len(first)
    assert "points" not in found.verdict


def test_scorers_in_a_list_are_refused():
    message = "scoring must hold names of scorers if it is a list or tuple."
    with pytest.raises(TypeError, match=re.escape(message)):
        compare_classifiers([GaussianNB()], X, Y, scoring=[make_scorer(f1_score)])


@pytest.mark.parametrize("name, near", [("acc", "accuracy"), ("roc_acu", "roc_auc")])
def test_the_name_that_was_meant(name, near):
    sentence = f"Got {name!r}, did you mean {near!r}?"
    with pytest.raises(ValueError, match=re.escape(sentence)):
        compare_classifiers([GaussianNB()], X[:99], Y[:99], cv=2, scoring=name)
