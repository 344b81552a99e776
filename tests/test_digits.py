"""All defaults on the bundled digits: what a newcomer sees first."""

import pytest
from conftest import CLASSIFIERS
from sklearn.datasets import load_digits


@pytest.mark.parametrize("cls", CLASSIFIERS)
def test_all_defaults_on_the_digits(cls):
    X, y = load_digits(return_X_y=True)
    model = cls(random_state=0).fit(X[:1200], y[:1200])
    assert model.score(X[1200:], y[1200:]) >= 0.95


@pytest.mark.parametrize("cls", CLASSIFIERS)
def test_two_hundred_images_are_enough_to_learn(cls):
    X, y = load_digits(return_X_y=True)
    model = cls(random_state=0).fit(X[:200], y[:200])
    assert model.score(X[1200:], y[1200:]) >= 0.85
