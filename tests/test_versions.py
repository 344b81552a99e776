"""The versions that a pickle was made with."""

import copy
import pickle
import re
import warnings

import pytest
import torch
from conftest import draw, make
from numpy.testing import assert_array_equal

import sk_rnnimage
from sk_rnnimage._environment import versions


def test_the_version_is_the_packages():
    assert sk_rnnimage.__version__ == versions.__version__


@pytest.mark.parametrize("fitted", [False, True])
@pytest.mark.parametrize("package", ["sk_rnnimage", "torch"])
def test_another_version_warns(cls, package, fitted, monkeypatch):
    X, y = draw()
    model = make(cls).fit(X, y) if fitted else make(cls)
    state = list(versions.current_versions())
    state[["sk_rnnimage", "torch"].index(package)] = "0.0.9"
    monkeypatch.setattr("sk_rnnimage._base.current_versions", lambda: tuple(state))
    pickled = pickle.dumps(model)
    sentence = f"This {cls.__name__} was pickled with {package} 0.0.9 (now "
    with pytest.warns(UserWarning, match=re.escape(sentence)):
        other = pickle.loads(pickled)
    if fitted:
        assert_array_equal(other.predict_proba(X), model.predict_proba(X))


def test_the_same_versions_do_not(cls):
    model = make(cls).fit(*draw())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        other = pickle.loads(pickle.dumps(copy.deepcopy(model)))
    assert vars(other).keys() == vars(model).keys()


def test_the_build_of_torch_does_not_matter(cls, monkeypatch):
    pickled = pickle.dumps(make(cls).fit(*draw()))
    number = torch.__version__.split("+")[0]
    monkeypatch.setattr(versions, "version", lambda package: f"{number}+cu999")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pickle.loads(pickled)
