"""Folds, the same for all."""

import numpy as np
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
