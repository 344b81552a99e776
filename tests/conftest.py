"""What several test files share: small images, small networks, one thread a worker."""

import os

os.environ["SCIPY_ARRAY_API"] = "1"  # scikit-learn's array API checks run with it alone

import numpy as np  # noqa: E402
import pytest  # noqa: E402
import torch  # noqa: E402

from sk_rnnimage import CRNNImageClassifier, RNNImageClassifier  # noqa: E402

if "PYTEST_XDIST_WORKER" in os.environ:  # else the workers fight for the cores
    torch.set_num_threads(1)

CLASSIFIERS = [RNNImageClassifier, CRNNImageClassifier]


def make(cls, **parameters):
    """A classifier that is trained in a few hundredths of a second."""
    small = {"hidden_size": 8, "max_epochs": 3, "random_state": 0}
    if cls is CRNNImageClassifier:
        small |= {"filters": 4, "kernel_size": 3}
    return cls(**(small | parameters))


def draw(n=24, shape=(8, 8), n_classes=3, seed=0, dtype=np.uint8):
    """Noisy images whose class is the place of a bright column, and their labels."""
    rng = np.random.RandomState(seed)
    y = np.arange(n) % n_classes
    X = rng.randint(0, 100, (n, *shape))
    X[np.arange(n), :, y * (shape[1] - 1) // max(1, n_classes - 1)] += 150
    return X.astype(dtype), y


def draw_unequal(n=12, sides=(9, 21), channels=(), seed=0, dtype=np.uint8):
    """Images of unequal size whose class is the place of a bright column, labels."""
    rng = np.random.RandomState(seed)
    y, X = np.arange(n) % 3, []
    for label in y:
        height, width = rng.randint(sides[0], sides[1] + 1, 2)
        image = rng.randint(0, 100, (height, width, *channels))
        image[:, label * (width - 1) // 2] += 150
        X.append(image.astype(dtype))
    return X, y


def with_missing(X, share=0.2, seed=0):
    """Floats of which some are NaN: an array, or a list of arrays."""
    if isinstance(X, list):
        return [with_missing(image, share, seed + i) for i, image in enumerate(X)]
    absent = np.random.RandomState(seed).rand(*X.shape) < share
    return np.where(absent, np.nan, X)


def one_by_one(model, X, method="predict_proba"):
    """What a classifier says of each image of a list on its own."""
    return np.concatenate([getattr(model, method)([image]) for image in X])


def weights_equal(one, other):
    """Whether two fitted classifiers hold the same weights, to the bit."""
    return one.weights_.keys() == other.weights_.keys() and all(
        np.array_equal(one.weights_[name], other.weights_[name])
        for name in one.weights_
    )


@pytest.fixture(params=CLASSIFIERS, ids=["rnn", "crnn"])
def cls(request):
    """Either classifier."""
    return request.param
