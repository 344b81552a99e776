"""Devices: a GPU is found, holds the images while it trains, and gives all back."""

import gc
import pickle
import re
import weakref

import numpy as np
import pytest
import torch
from conftest import draw, make, weights_equal
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_digits

from sk_rnnimage import RNNImageClassifier
from sk_rnnimage._data import sets
from sk_rnnimage._data.augmentation import AUGMENTATIONS
from sk_rnnimage._data.sets import ImageSet, ResidentSet
from sk_rnnimage._environment.process import resolve_device
from sk_rnnimage._training import train as train_file
from sk_rnnimage.networks.cells import CELLS

GPU = "cuda"
ACCURACY = 0.03  # how far apart a GPU and a CPU may be on the 797 digits
PROBABILITY = 0.02  # and two fits on one GPU after a few steps
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


def losses(model):
    return [{**row, "duration": 0} for row in model.history_]


def without_memory(monkeypatch):
    monkeypatch.setattr(sets, "free_memory", lambda device: 0)


# Without a GPU


def pretend(monkeypatch, n_gpus):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: n_gpus > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: n_gpus)


@pytest.mark.parametrize("n_gpus, device", [(0, "cuda"), (0, "cuda:0"), (2, "cuda:7")])
def test_a_gpu_that_is_not_there(cls, n_gpus, device, monkeypatch):
    pretend(monkeypatch, n_gpus)
    sentence = (
        f"device={device!r} asks for a GPU that is not there: torch sees {n_gpus}. "
        "Use device='auto' or 'cpu'."
    )
    with pytest.raises(ValueError, match=re.escape(sentence)):
        make(cls, device=device).fit(*draw())


@pytest.mark.parametrize("n_gpus, expected", [(0, "cpu"), (1, "cuda"), (2, "cuda")])
def test_auto_takes_a_gpu_that_is_there(cls, n_gpus, expected, monkeypatch):
    pretend(monkeypatch, n_gpus)
    assert resolve_device(make(cls).device) == expected


@pytest.mark.parametrize("dtype", ["uint8", "float64"])
def test_held_images_train_the_same_network(cls, dtype, monkeypatch):
    X, y = draw(n=150, dtype=dtype)
    X_val, y_val = draw(n=20, seed=1, dtype=dtype)
    weights = np.arange(150) % 4
    settings = {"batch_size": 32, "augment": "shift", "dropout": 0.3}

    def fit():
        model = make(cls, **settings)
        model.fit(X, y, weights, X_val=X_val, y_val=y_val)
        return model, pickle.loads(pickle.dumps(model)).partial_fit(X, y)

    plain = fit()
    monkeypatch.setattr(ImageSet, "on", lambda data, device: ResidentSet(data, device))
    held = fit()
    for one, other in zip(plain, held):
        assert weights_equal(one, other)
        assert losses(one) == losses(other)


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("way", ["fit", "partial_fit"])
def test_nothing_of_a_fit_is_kept(cls, way, early_stopping, monkeypatch):
    """Not until the garbage is collected either: it might be a GPU's memory."""
    X, y = draw(n=150)
    model = make(cls, early_stopping=early_stopping, max_epochs=2)
    model.partial_fit(X, y, classes=[0, 1, 2])
    alive = []

    def watched(make):
        def made(*args, **settings):
            result = make(*args, **settings)
            alive.append(weakref.ref(result))
            return result

        return made

    monkeypatch.setattr(ImageSet, "on", watched(ResidentSet))
    monkeypatch.setattr(train_file, "Net", watched(train_file.Net))
    gc.disable()
    try:
        getattr(model, way)(X, y)
        left = [ref() for ref in alive]
    finally:
        gc.enable()
    assert len(alive) == 2 + (early_stopping and way == "fit")
    assert left == [None] * len(alive)
    assert all(p.grad is None for p in model.module_.parameters())


# With one


def digits(n=1000):
    X, y = load_digits(return_X_y=True)
    X = X.astype(np.uint8)
    return X[:n], y[:n], X[n:], y[n:]


def accuracies(cls, *, devices=("cpu", GPU), **settings):
    X, y, X_test, y_test = digits()
    settings = {"hidden_size": 32, "max_epochs": 10} | settings
    return [
        make(cls, device=device, **settings).fit(X, y).score(X_test, y_test)
        for device in devices
    ]


@needs_gpu
@pytest.mark.parametrize("cell", CELLS)
def test_each_cell_is_as_good_on_a_gpu(cls, cell):
    on_cpu, on_gpu = accuracies(cls, cell=cell)
    assert on_gpu == pytest.approx(on_cpu, abs=ACCURACY)


@needs_gpu
@pytest.mark.parametrize("augment", AUGMENTATIONS)
def test_each_augmentation_is_as_good_on_a_gpu(cls, augment):
    on_cpu, on_gpu = accuracies(cls, augment=augment)
    assert on_gpu == pytest.approx(on_cpu, abs=2 * ACCURACY)  # it moves small digits


@needs_gpu
@pytest.mark.parametrize(
    "settings",
    [
        {"scan": "sweep", "pooling": "last"},
        {"scan": ("rows", "hilbert")},
        {"pooling": "attention", "hidden_size": (32, 16)},
        {"dropout": 0.2},
        {"scan": "rows", "bidirectional": False, "pooling": "last"},
    ],
    ids=str,
)
def test_each_reading_is_as_good_on_a_gpu(cls, settings):
    on_cpu, on_gpu = accuracies(cls, **settings)
    assert on_gpu == pytest.approx(on_cpu, abs=ACCURACY)


@needs_gpu
def test_images_that_do_not_fit_are_copied(cls, monkeypatch):
    X, y = draw(n=150)
    settings = {"device": GPU, "augment": "shift", "batch_size": 32}
    held = make(cls, **settings).fit(X, y, X_val=X, y_val=y)
    without_memory(monkeypatch)
    monkeypatch.setattr(sets, "ResidentSet", None)  # would fail if it were called
    copied = make(cls, **settings).fit(X, y, X_val=X, y_val=y)
    assert_allclose(held.predict_proba(X), copied.predict_proba(X), atol=PROBABILITY)
    for one, other in zip(held.history_, copied.history_):
        assert one["valid_loss"] == pytest.approx(other["valid_loss"], abs=PROBABILITY)


@needs_gpu
def test_the_same_seed_on_a_gpu(cls):
    X, y = draw(n=150)
    one, two = (make(cls, device=GPU, dropout=0.3).fit(X, y) for _ in range(2))
    assert_allclose(one.predict_proba(X), two.predict_proba(X), atol=PROBABILITY)


@needs_gpu
@pytest.mark.parametrize("fits", [True, False])
@pytest.mark.parametrize("dtype", ["bool", "int16", "uint16", "float16", "float64"])
def test_each_dtype_on_a_gpu(cls, dtype, fits, monkeypatch):
    if not fits:
        without_memory(monkeypatch)
    X, y = draw(n=150, dtype="int16")
    X = (X > 125 if dtype == "bool" else X).astype(dtype)
    on_cpu, on_gpu = (make(cls, device=device).fit(X, y) for device in ("cpu", GPU))
    expected = on_cpu.predict_proba(X)
    assert_allclose(on_gpu.predict_proba(X), expected, atol=PROBABILITY)


@needs_gpu
@pytest.mark.parametrize("fits", [True, False])
def test_a_callable_gets_images_on_the_gpu(fits, monkeypatch):
    if not fits:
        without_memory(monkeypatch)
    X, y = draw(n=150)
    seen = []

    def record(images, generator):
        seen.append((images.cpu().permute(0, 2, 3, 1)[..., 0].numpy(), images.device))
        assert generator.device.type == "cpu"
        return images.cpu()  # may come back from anywhere

    settings = {"augment": record, "max_epochs": 1, "batch_size": 150}
    make(RNNImageClassifier, device=GPU, **settings).fit(X, y)
    ((images, device),) = seen
    assert device.type == GPU
    assert_array_equal(images, X)


@needs_gpu
@pytest.mark.parametrize("fits", [True, False])
@pytest.mark.parametrize("way", ["fit", "partial_fit"])
def test_a_gpu_gets_its_memory_and_generators_back(cls, way, fits, monkeypatch):
    if not fits:
        without_memory(monkeypatch)
    X, y = draw(n=150)
    settings = {"device": GPU, "dropout": 0.3, "augment": "affine"}
    model = make(cls, **settings, early_stopping=way == "fit")
    model.partial_fit(X, y, classes=[0, 1, 2])  # what CUDA's libraries take, they keep

    def state():
        return (
            torch.cuda.memory_allocated(),
            torch.cuda.get_rng_state().tolist(),
            torch.get_rng_state().tolist(),
            torch.get_num_threads(),
        )

    gc.collect()
    gc.disable()
    try:
        before = state()
        getattr(model, way)(X, y)
        assert state() == before
    finally:
        gc.enable()


@needs_gpu
def test_what_a_gpu_fitted_needs_none(cls, monkeypatch):
    X, y = draw(n=150)
    model = make(cls, device=GPU).fit(X, y)
    assert all(type(weights) is np.ndarray for weights in model.weights_.values())
    assert {p.device.type for p in model.module_.state_dict().values()} == {"cpu"}
    state = pickle.dumps(model)
    pretend(monkeypatch, 0)
    again = pickle.loads(state)
    assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    again.set_params(device="cpu", warm_start=True).fit(X, y)


@needs_gpu
def test_training_goes_on_from_one_device_to_another(cls):
    X, y = draw(n=150)
    probabilities = []
    for devices in (["cpu"] * 4, ["cpu", GPU, GPU, "cuda:0"], [GPU, GPU, "cpu", GPU]):
        model = make(cls)
        for device in devices:
            model.set_params(device=device)
            model.partial_fit(X, y, classes=[0, 1, 2])
        probabilities.append(model.predict_proba(X))
    assert_allclose(probabilities[1], probabilities[0], atol=PROBABILITY)
    assert_allclose(probabilities[2], probabilities[0], atol=PROBABILITY)


@needs_gpu
def test_few_images_and_early_stopping_on_a_gpu(cls):
    X, y = draw(n=60)  # in double precision on a CPU
    model = make(cls, device=GPU, max_epochs=40, early_stopping=True)
    model.fit(X, y)
    assert model.score(X, y) > 0.9
