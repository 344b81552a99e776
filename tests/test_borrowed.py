"""Private names of other libraries: each is there, used, and has a stand-in."""

import numbers
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import draw, make

import sk_rnnimage
from sk_rnnimage import RNNImageClassifier
from sk_rnnimage._environment import borrowed

HOUSE = Path(sk_rnnimage.__file__).parent


@pytest.mark.parametrize("name", borrowed.__all__)
def test_each_name_is_used_and_its_stand_in_said(name):
    assert hasattr(borrowed, name)
    sources = [p.read_text() for p in HOUSE.rglob("*.py") if p.stem != "borrowed"]
    assert any(re.search(rf"\b{name}\b", source) for source in sources)
    assert name in borrowed.__doc__


def test_the_mode_of_the_modules_is_set_where_it_changes(monkeypatch):
    X, y = draw(n=40)
    calls, train = [], torch.nn.Module.train

    def counted(self, mode=True):
        calls.append((type(self).__name__, mode))
        return train(self, mode)

    monkeypatch.setattr(torch.nn.Module, "train", counted)
    make(RNNImageClassifier, batch_size=4, max_epochs=2).fit(X, y, X_val=X, y_val=y)
    modes = [mode for name, mode in calls if name == "ImageNetwork"]
    # a network is built in training mode; two epochs of ten batches, then the end
    assert modes == [False, True, False, False]


def test_a_duration_is_no_number():
    rates = borrowed.Interval(numbers.Real, 0, None, closed="neither")
    assert rates.is_satisfied_by(3) and rates.is_satisfied_by(np.float32(0.1))
    assert not rates.is_satisfied_by(np.timedelta64(3, "s"))
