"""Folds, the same for all."""

import re

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    cross_val_score,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier

from sk_rnnimage import compare_classifiers
from sk_rnnimage.comparison.splits import make_splits

X, Y = load_digits(return_X_y=True)


def test_cv_may_be_a_splitter_or_one_split():
    split = (np.arange(1200), np.arange(1200, len(Y)))
    one = compare_classifiers([GaussianNB()], X, Y, cv=[split])
    expected = GaussianNB().fit(X[:1200], Y[:1200]).score(X[1200:], Y[1200:])
    assert one.split_scores.tolist() == [[expected]]
    assert one.test_sizes == [597]
    two = compare_classifiers([GaussianNB()], X, Y, cv=KFold(2))
    expected = cross_val_score(GaussianNB(), X, Y, cv=KFold(2))
    np.testing.assert_array_equal(two.split_scores, [expected])


def test_groups_keep_together():
    groups = np.arange(len(Y)) // 20
    rivals = {"knn": KNeighborsClassifier()}
    found = compare_classifiers(rivals, X, Y, cv=GroupKFold(3), groups=groups)
    expected = cross_val_score(rivals["knn"], X, Y, cv=GroupKFold(3), groups=groups)
    np.testing.assert_array_equal(found.split_scores[0], expected)
    found = compare_classifiers(rivals, X, Y, cv=3, groups=groups, random_state=4)
    folds = StratifiedGroupKFold(3, shuffle=True, random_state=4)
    expected = cross_val_score(rivals["knn"], X, Y, cv=folds, groups=groups)
    np.testing.assert_array_equal(found.split_scores[0], expected)


@pytest.mark.parametrize(
    "change, sentence",
    [
        ({"X": None}, "X must hold one item for each image. Got None instead."),
        ({"y": [0, 1]}, "y holds 2 values, but X holds 6 images. Pass one of y for"),
        ({"groups": [0]}, "groups holds 1 values, but X holds 6 images. Pass one of"),
        ({"cv": 4}, "cv=4 gives no folds: n_splits=4 cannot be greater than the numb"),
        ({"cv": np.array(False)}, "gives no folds: iteration over a 0-d array"),
    ],
)
def test_what_gives_no_folds(change, sentence):
    given = {"X": np.zeros((6, 4)), "y": [0, 1] * 3, "cv": 3, "random_state": 0}
    with pytest.raises((TypeError, ValueError), match=re.escape(sentence)):
        make_splits(**(given | change))
