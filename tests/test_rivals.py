"""Names and kinds of the classifiers that are compared."""

import re

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline

from sk_rnnimage import (
    CRNNImageClassifier,
    ImageToSequence,
    RNNImageClassifier,
    compare_classifiers,
)
from sk_rnnimage.comparison.result import Comparison

X, Y = load_digits(return_X_y=True)


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


@pytest.mark.parametrize("thing", [3, "SVC", GaussianNB])
def test_what_is_no_classifier_is_refused(thing):
    message = "classifiers must hold classifiers to be fitted. Got "
    with pytest.raises(TypeError, match=re.escape(message)):
        compare_classifiers([thing], X, Y)
