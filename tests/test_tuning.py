"""The search inside a fold."""

import re

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold, StratifiedKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from sk_rnnimage import compare_classifiers, search_space
from sk_rnnimage.comparison.memory import pickled_size
from sk_rnnimage.comparison.tuning import check_spaces, has_search, with_search

X, Y = load_digits(return_X_y=True)
X, Y = X[:300], Y[:300]
SPLIT = (np.arange(200), np.arange(200, 300))


def searched(classifier, n_candidates, groups=None, seed=3):
    return with_search(classifier, n_candidates, X, Y, groups, "accuracy", seed)


def test_the_first_candidate_is_the_classifier_as_it_is():
    search = searched(SVC(C=7), 1).fit(X, Y)
    assert search.best_params_ == {}
    assert search.best_estimator_.C == 7
    search = searched(SVC(C=7), 4).fit(X, Y)
    candidates = search.cv_results_["params"]
    assert candidates[0] == {}
    assert [set(params) for params in candidates[1:]] == [{"C", "gamma"}] * 3
    assert len({params["C"] for params in candidates[1:]}) == 3


def test_the_seed_draws_the_candidates_and_the_splits():
    one, same, other = (searched(SVC(), 4, seed=seed) for seed in (1, 1, 2))
    assert one.param_grid == same.param_grid
    assert one.param_grid[1]["C"] != other.param_grid[1]["C"]
    folds = StratifiedKFold(3, shuffle=True, random_state=1).split(X, Y)
    for split, expected in zip(one.cv, folds, strict=True):
        np.testing.assert_array_equal(split[1], expected[1])


def test_the_splits_keep_groups_together():
    groups = np.arange(300) // 10
    folds = StratifiedGroupKFold(3, shuffle=True, random_state=3)
    for split, expected in zip(
        searched(SVC(), 2, groups).cv, folds.split(X, Y, groups), strict=True
    ):
        np.testing.assert_array_equal(split[1], expected[1])


def test_a_small_space_is_tried_out():
    n_points = 7 * 2  # neighbours and weights
    search = searched(KNeighborsClassifier(), 50).fit(X, Y)
    assert len(search.cv_results_["params"]) == 1 + n_points


def test_what_has_nothing_to_search_stays():
    search = GridSearchCV(GaussianNB(), {})
    for classifier in (DummyClassifier(), search, make_pipeline(search)):
        assert not has_search(classifier)
        assert searched(classifier, 4) is classifier
    check_spaces({"dummy": DummyClassifier(), "grid": search, "svc": SVC()})


def test_a_comparison_after_a_search_is_one_of_searches():
    rivals = {"svc": SVC(C=0.001), "knn": KNeighborsClassifier()}
    found = compare_classifiers(
        rivals, X, Y, cv=[SPLIT, SPLIT[::-1]], search=5, random_state=0
    )
    for name, rival in rivals.items():
        row = found.results["name"].tolist().index(name)
        chosen = found.best_params[name]
        assert len(chosen) == 2
        for fold, (train, test) in enumerate((SPLIT, SPLIT[::-1])):
            assert set(chosen[fold]) <= set(search_space(rival))
            model = rival.set_params(**chosen[fold]).fit(X[train], Y[train])
            assert found.split_scores[row, fold] == model.score(X[test], Y[test])
    size = found.results["mean_model_size"][row]
    assert size < 3 * pickled_size(model)  # not that of a search
    untuned = compare_classifiers(rivals, X, Y, cv=[SPLIT])
    assert untuned.best_params == {"knn": [{}], "svc": [{}]}
    row = found.results["name"].tolist().index("svc")
    assert found.results["mean_fit_time"][row] > untuned.results["mean_fit_time"][-1]


def test_the_chosen_parameters_are_plain_numbers():
    found = compare_classifiers(
        [SVC(C=1e-5)], X, Y, cv=[SPLIT], search=3, random_state=0
    )
    assert type(found.best_params["SVC"][0]["C"]) is float


def test_a_score_of_probabilities_is_searched_through_the_calibration():
    found = compare_classifiers(
        [SVC(C=1e-5)],
        X,
        Y,
        cv=[SPLIT],
        search=3,
        scoring="neg_log_loss",
        random_state=0,
    )
    assert set(found.best_params["SVC"][0]) == {"estimator__C", "estimator__gamma"}


def test_who_has_no_space_is_named_before_any_fit():
    sentence = (
        "search needs a space for each classifier. 'nb': estimator must be one of "
    )
    with pytest.raises(TypeError, match=re.escape(sentence)):
        compare_classifiers({"svc": SVC(), "nb": GaussianNB()}, X, Y, search=2)
