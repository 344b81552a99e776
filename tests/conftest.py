"""What several test files share: small images, small networks, one thread a worker."""

import io
import os
import pickle

os.environ["SCIPY_ARRAY_API"] = "1"  # scikit-learn's array API checks run with it alone

import joblib  # noqa: E402
import numpy as np  # noqa: E402
import pytest  # noqa: E402
import torch  # noqa: E402

from sk_rnnimage import CRNNImageClassifier, RNNImageClassifier  # noqa: E402

if "PYTEST_XDIST_WORKER" in os.environ:  # else the workers fight for the cores
    torch.set_num_threads(1)

CLASSIFIERS = [RNNImageClassifier, CRNNImageClassifier]
SHAPES = [(8, 8), (8, 8, 3), (6, 9), (5, 8, 2)]


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


def flat(X):
    """The same images, one row of pixels each."""
    return X.reshape(len(X), -1)


def one_by_one(model, X, method="predict_proba"):
    """What a classifier says of each image of a list on its own."""
    return np.concatenate([getattr(model, method)([image]) for image in X])


def weights_equal(one, other):
    """Whether two fitted classifiers hold the same weights, to the bit."""
    return one.weights_.keys() == other.weights_.keys() and all(
        np.array_equal(one.weights_[name], other.weights_[name])
        for name in one.weights_
    )


def scores(model):
    """The loss and the accuracy on the validation images, one pair an epoch."""
    return [
        (row["valid_loss"], row["valid_accuracy"]) for row in model.history_
    ]  # fmt: skip


def pickled(model):
    """What pickle keeps of an estimator."""
    return pickle.loads(pickle.dumps(model))


def dumped(model):
    """What joblib keeps of an estimator."""
    buffer = io.BytesIO()
    joblib.dump(model, buffer)
    buffer.seek(0)
    return joblib.load(buffer)


def global_state():
    """What all of a process shares: generators, threads, gradients, denormals."""
    return (
        torch.get_rng_state().numpy().tobytes(),
        pickle.dumps(np.random.get_state()),
        torch.get_num_threads(),
        torch.is_grad_enabled(),
        bool(torch.tensor(1e-310, dtype=torch.float64) * 1 == 0),
    )


@pytest.fixture(params=CLASSIFIERS, ids=["rnn", "crnn"])
def cls(request):
    """Either classifier."""
    return request.param
