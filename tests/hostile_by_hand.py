"""Odd inputs: a fitted classifier to try them on, and sentences that refuse them."""

import re

import pytest
from conftest import draw, make

from sk_rnnimage import CRNNImageClassifier

N = 24


def fitted(cls=CRNNImageClassifier, **parameters):
    return make(cls, max_epochs=1, **parameters).fit(*draw())


def refused(error, sentence):
    return pytest.raises(error, match=re.escape(sentence))
