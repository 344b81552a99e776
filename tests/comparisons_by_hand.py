"""Comparisons whose scores are given, and classifiers of bad habits."""

import os
import signal

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.naive_bayes import GaussianNB

from sk_rnnimage import RNNImageClassifier
from sk_rnnimage.comparison.result import Comparison


def comparison_of(scores, n_test=100, scoring="accuracy", correct=None):
    """A comparison with these scores; names tell the kinds."""
    classifiers = {
        name: RNNImageClassifier(cell=None if "control" in name else "lstm")
        if "RNN" in name
        else DummyClassifier()
        if "dummy" in name
        else GaussianNB()
        for name in scores
    }
    found = {
        name: {
            "test_score": np.array(values),
            "fit_time": np.full(len(values), 2.0 if "RNN" in name else 0.1),
            "score_time": np.full(len(values), 0.5),
        }
        if not isinstance(values, Exception)
        else {"error": values}
        for name, values in scores.items()
    }
    for name, images in (correct or {}).items():
        found[name]["correct"] = images
    n_folds = max(np.size(values) for values in scores.values())
    n_train = n_test * max(1, n_folds - 1)
    splits = [(np.arange(n_train), np.arange(n_test))] * n_folds
    return Comparison(classifiers, found, splits, scoring)


def split_comparison_of(**correct):
    """A comparison on one split by which images each got right."""
    correct = {name: np.array(images) for name, images in correct.items()}
    scores = {name: [images.mean()] for name, images in correct.items()}
    n_test = len(next(iter(correct.values())))
    return comparison_of(scores, n_test=n_test, correct=correct)


class Fails(GaussianNB):
    """Raises at this fit of all that were made."""

    n_fits = 0

    def __init__(self, at=0, error=ValueError):
        super().__init__()
        self.at = at
        self.error = error

    def fit(self, X, y):
        Fails.n_fits += 1
        if Fails.n_fits > self.at:
            raise self.error("no such luck\nin two lines")
        return super().fit(X, y)


class Presses(GaussianNB):
    """Presses Ctrl-C at this fit of all; may take it for its own end."""

    n_fits = 0

    def __init__(self, at=0, swallows=False):
        super().__init__()
        self.at = at
        self.swallows = swallows

    def fit(self, X, y):
        Presses.n_fits += 1
        if Presses.n_fits > self.at:
            try:
                signal.raise_signal(signal.SIGINT)
            except KeyboardInterrupt:
                if not self.swallows:
                    raise
        return super().fit(X, y)


class DiesOnce(GaussianNB):
    """Kills its process at the first fit of all, which leaves a file."""

    def __init__(self, path=""):
        super().__init__()
        self.path = path

    def fit(self, X, y):
        if not os.path.exists(self.path):
            open(self.path, "x").close()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().fit(X, y)


class Hungry(GaussianNB):
    """Takes so many bytes more in fit, and gives them back."""

    def __init__(self, n_bytes=0):
        super().__init__()
        self.n_bytes = n_bytes

    def fit(self, X, y):
        np.ones(self.n_bytes, dtype=np.uint8)
        return super().fit(X[:300], y[:300])
