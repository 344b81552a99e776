"""Bad arguments, and comparisons in which all fail."""

import re

import pytest
from comparisons_by_hand import Fails
from sklearn.datasets import load_digits
from sklearn.dummy import DummyClassifier
from sklearn.naive_bayes import GaussianNB

from sk_rnnimage import compare_classifiers

X, Y = load_digits(return_X_y=True)


@pytest.fixture(autouse=True)
def no_fits():
    Fails.n_fits = 0


def test_where_all_fail_the_first_error_is_raised():
    rivals = {
        "majority": DummyClassifier(),
        "one": Fails(error=TypeError),
        "two": Fails(),
    }
    with pytest.raises(TypeError, match="^one: no such luck"):
        compare_classifiers(rivals, X, Y, cv=2)
    rivals = {"one": Fails(error=lambda text: OSError(2, text))}
    with pytest.raises(OSError, match="no such luck") as caught:
        compare_classifiers(rivals, X, Y, cv=2)
    assert caught.value.__notes__ == ["The classifier was 'one'."]


@pytest.mark.parametrize(
    "change, sentence",
    [
        ({"classifiers": []}, "classifiers is empty: at least one is needed."),
        ({"classifiers": 3}, "The 'classifiers' parameter of compare_classifiers must"),
        ({"y": Y[:-1]}, "values, but X holds 1797 images. Pass one of y for"),
        ({"cv": []}, "cv holds no splits: at least one is needed."),
        ({"search": 0}, "The 'search' parameter of compare_classifiers must be an int"),
        ({"search": 2.0}, "The 'search' parameter of compare_classifiers must be an"),
        ({"verbose": "yes"}, "The 'verbose' parameter of compare_classifiers must be"),
        ({"scoring": 3}, "The 'scoring' parameter of compare_classifiers"),
        ({"scoring": []}, "scoring is empty: at least one scorer is needed."),
        ({"scoring": "acuracy"}, "Got 'acuracy', did you mean 'accuracy'?"),
        ({"scoring": "f1"}, "two classes, but y holds 10. Take 'f1_macro'."),
        ({"scoring": ["f1_macro", "roc_auc"]}, "y holds 10. Take 'roc_auc_ovr'."),
        ({"groups": Y[:-1]}, "images. Pass one of groups for each image."),
        (
            {"groups": Y % 4},
            "groups must hold at least as many groups as there are folds, cv=5. It "
            "holds 4: take a smaller cv.",
        ),
    ],
)
def test_bad_arguments_are_refused(change, sentence):
    arguments = {"classifiers": [GaussianNB()], "X": X, "y": Y, **change}
    with pytest.raises(ValueError, match=re.escape(sentence)):
        compare_classifiers(**arguments)
