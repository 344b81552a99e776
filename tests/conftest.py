"""What several test files share: small images, small networks, one thread a worker."""

import io
import os
import pickle
import signal
import sys
import tempfile

os.environ["SCIPY_ARRAY_API"] = "1"  # scikit-learn's array API checks run with it alone
os.environ["MPLBACKEND"] = "agg"  # figures that nobody sees
# what a shell runs in the background ignores Ctrl-C, and so do its children
signal.signal(signal.SIGINT, signal.default_int_handler)

import cloudpickle  # noqa: E402
import joblib  # noqa: E402
import numpy as np  # noqa: E402
import pytest  # noqa: E402
import skops.io  # noqa: E402
import torch  # noqa: E402
from sklearn.datasets import load_digits  # noqa: E402
from sklearn.model_selection import KFold, train_test_split  # noqa: E402
from sklearn.naive_bayes import GaussianNB  # noqa: E402
from sklearn.neighbors import KNeighborsClassifier  # noqa: E402
from skorch.callbacks import Callback  # noqa: E402

from sk_rnnimage import (  # noqa: E402
    CRNNImageClassifier,
    RNNImageClassifier,
    compare_classifiers,
    load,
    save,
)
from sk_rnnimage._training.settings import Settings  # noqa: E402
from sk_rnnimage.networks import kernels  # noqa: E402

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


def draw_clips(n=18, frame=(4, 5), lengths=(2, 7), seed=0, dtype=np.uint8):
    """Clips in which a bright line moves down or up, or stands; and their labels."""
    rng = np.random.RandomState(seed)
    y, X = np.arange(n) % 3, []
    for label in y:
        n_frames = rng.randint(lengths[0], lengths[1] + 1)
        clip = rng.randint(0, 60, (n_frames, *frame))
        places = rng.randint(frame[0]) + (label - 1) * np.arange(n_frames)
        clip[np.arange(n_frames), places % frame[0]] += 150
        X.append(clip.astype(dtype))
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


def mapped(model):
    """What joblib keeps of an estimator, its arrays read-only and on the disk."""
    with tempfile.TemporaryDirectory() as folder:
        joblib.dump(model, os.path.join(folder, "model"))
        return joblib.load(os.path.join(folder, "model"), mmap_mode="r")


def cloudpickled(model):
    """What cloudpickle keeps of an estimator."""
    return pickle.loads(cloudpickle.dumps(model))


def through_skops(model):
    """What skops keeps of an estimator, whose class alone it must be told to trust."""
    cls = type(model)
    trusted = [f"{cls.__module__}.{cls.__qualname__}"]
    return skops.io.loads(skops.io.dumps(model), trusted=trusted)


def saved(model):
    """What a file of save keeps of an estimator."""
    with tempfile.TemporaryDirectory() as folder:
        save(model, os.path.join(folder, "model"))
        return load(os.path.join(folder, "model"))


def scores(model):
    """The loss and the accuracy on the validation images, one pair an epoch."""
    return [(row["valid_loss"], row["valid_accuracy"]) for row in model.history_]


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


def make_settings(**changes):
    """Settings of a short training on a CPU."""
    small = {"max_epochs": 2, "batch_size": 64, "learning_rate": 0.01, "seed": 0}
    small |= {"weight_decay": 0.1, "augment": None, "callbacks": None, "verbose": 0}
    small |= {"precision": "auto"}
    return Settings(**({"device": "cpu"} | small | changes))


class Watch(Callback):
    """Write down the learning rate, the gradient and the rows of each batch."""

    def __init__(self):
        self.rates, self.norms, self.sizes, self.decays = [], [], [], []

    def on_grad_computed(self, net, **kwargs):
        self.rates.append(net.optimizer_.param_groups[-1]["lr"])
        self.decays.append([g["weight_decay"] for g in net.optimizer_.param_groups])
        gradients = [p.grad.norm() for p in net.module_.parameters()]
        self.norms.append(float(torch.stack(gradients).norm()))

    def on_batch_begin(self, net, batch=None, training=False, **kwargs):
        if training:
            self.sizes.append(len(batch[0]))


def watched(cls, X, y, **parameters):
    """A Watch of a fit, and what was fitted."""
    watch = Watch()
    model = make(cls, callbacks=[watch], **parameters).fit(X, y)
    return watch, model


@pytest.fixture(params=CLASSIFIERS, ids=["rnn", "crnn"])
def cls(request):
    """Either classifier."""
    return request.param


@pytest.fixture(params=[(5, 6), (4, 5, 3)], ids=str)
def images(request):
    """Grey or colour images of floats, and labels."""
    return draw(n=12, shape=request.param, dtype=np.float64)


@pytest.fixture(params=[20, 2**17])
def block(request, monkeypatch):
    """How much is worked on at a time; all gives the same."""
    monkeypatch.setattr(kernels, "BLOCK", request.param)


@pytest.fixture(scope="module")
def digits():
    """X, X_test, y, y_test of the bundled digits."""
    X, y = load_digits(return_X_y=True)
    return train_test_split(X, y, random_state=0, stratify=y)


@pytest.fixture(scope="module")
def comparison():
    """Two rivals on the digits, in two folds."""
    X, y = load_digits(return_X_y=True)
    rivals = {"nb": GaussianNB(), "knn": KNeighborsClassifier()}
    return compare_classifiers(rivals, X, y, cv=KFold(2))


@pytest.fixture(autouse=True)
def close_figures():
    """Close the figures of a test that has made some."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
