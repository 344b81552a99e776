"""How a network is trained: epochs, batches, learning rates, pixels."""

import tracemalloc
import weakref

import numpy as np
import pytest
import torch
from conftest import draw, make, weights_equal
from numpy.testing import assert_allclose, assert_array_equal
from skorch.callbacks import Callback

from sk_rnnimage import RNNImageClassifier
from sk_rnnimage._data import batches as batches_file
from sk_rnnimage._data import moments
from sk_rnnimage._data.batches import Batches
from sk_rnnimage._data.moments import pixel_moments
from sk_rnnimage._data.sets import ImageSet
from sk_rnnimage._data.tensors import tensor_of, to_float
from sk_rnnimage._environment.process import left_empty
from sk_rnnimage._training import settings as settings_file
from sk_rnnimage._training import train as train_file
from sk_rnnimage._training.settings import AUTO_EPOCHS, AUTO_UPDATES, auto_epochs
from sk_rnnimage.images.kinds import Images, n_batches

FEWEST, MOST = AUTO_EPOCHS
FLUSHES = torch.set_flush_denormal(False)


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
    watch = Watch()
    model = make(cls, callbacks=[watch], **parameters).fit(X, y)
    return watch, model


# Epochs


@pytest.mark.parametrize("n_rows", [1, 100, 128, 129, 1200, 5000, 60_000, 10**6])
@pytest.mark.parametrize("batch_size", [1, 64, 128])
def test_auto_epochs(n_rows, batch_size):
    batches = n_batches(n_rows, batch_size)
    epochs = auto_epochs(batches)
    assert FEWEST <= epochs <= MOST
    if epochs > FEWEST:
        assert (epochs - 1) * batches < AUTO_UPDATES
    if epochs < MOST:
        assert epochs * batches >= AUTO_UPDATES


def test_auto_epochs_are_those_that_the_docstrings_give(cls):
    words = " ".join(cls.__doc__.split())
    assert "400 updates of the optimiser, in at least 3 and at most 100 epochs" in words
    assert [auto_epochs(n) for n in (1, 3, 4, 100, 134, 10**6)] == [
        100, 100, 100, 4, 3, 3
    ]  # fmt: skip


@pytest.mark.parametrize("n, weighted, epochs", [(30, 30, 7), (150, 20, 10)])
def test_auto_epochs_of_a_fit(cls, n, weighted, epochs, monkeypatch):
    monkeypatch.setattr(settings_file, "AUTO_UPDATES", 40)
    X, y = draw(n=n)
    settings = {"max_epochs": "auto", "batch_size": 5, "hidden_size": 2}
    weights = np.arange(n) < weighted  # rows of weight 0 do not count
    model = make(cls, **settings).fit(X, y, sample_weight=weights)
    assert model.n_iter_ == auto_epochs(n_batches(weighted, 5)) == epochs


# Batches


@pytest.mark.parametrize("n", [1, 2, 7, 64, 65, 100, 129])
@pytest.mark.parametrize("batch_size", [1, 7, 64, 1000])
def test_batches_are_nearly_equal_and_hold_every_row_once(n, batch_size):
    images = np.arange(n, dtype=np.float32).reshape(n, 1, 1, 1)
    data = ImageSet(Images(images), np.arange(n) % 3, np.ones(n))
    batches = Batches(data, batch_size, np.random.RandomState(0))
    found = [(X[:, 0, 0, 0], codes) for X, (codes, _) in batches]
    sizes = [len(X) for X, _ in found]
    assert len(sizes) == len(batches) == n_batches(n, batch_size)
    assert len(sizes) == int(np.ceil(n / batch_size))
    assert max(sizes) <= batch_size
    assert max(sizes) - min(sizes) <= 1
    X, codes = (torch.cat(parts).numpy() for parts in zip(*found))
    assert_array_equal(np.sort(X), np.arange(n))
    assert_array_equal(codes, X % 3)
    if len(sizes) > 1 and n > 10:
        assert not np.array_equal(X, np.arange(n))
        again = torch.cat([X[:, 0, 0, 0] for X, _ in batches]).numpy()
        assert not np.array_equal(X, again)  # another order in each epoch
    in_order = torch.cat([X[:, 0, 0, 0] for X, _ in Batches(data, batch_size)])
    assert_array_equal(in_order, np.arange(n))


def test_the_batches_of_a_fit(cls):
    X, y = draw(n=50)
    watch, _ = watched(cls, X, y, batch_size=16, max_epochs=3)
    assert sorted(watch.sizes[:4]) == [12, 12, 13, 13]
    assert watch.sizes == watch.sizes[:4] * 3


def test_the_mean_weight_of_a_set_is_one():
    images = np.zeros((4, 1, 1, 1), np.uint8)
    data = ImageSet(Images(images, np.array([0, 3])), [0, 1], np.array([1.0, 3.0]))
    _, (codes, weights) = data[np.array([0, 1])]
    assert_allclose(weights, [0.5, 1.5])
    assert len(data) == 2


# The learning rate and the gradient


def test_one_cycle(cls):
    X, y = draw(n=40)
    watch, _ = watched(cls, X, y, batch_size=4, max_epochs=5, learning_rate=0.02)
    rates = np.array(watch.rates)
    top = rates.argmax()
    assert len(rates) == 50
    assert rates[top] == pytest.approx(0.02, rel=0.01)
    assert rates[0] < 0.02 / 10
    assert rates[-1] < 0.02 / 100
    assert 5 <= top <= 9  # after 15 % of the steps
    assert (np.diff(rates[: top + 1]) > 0).all()
    assert (np.diff(rates[top:]) < 0).all()


@pytest.mark.parametrize("n_epochs", [1, 2])
def test_one_cycle_of_a_step_or_two(cls, n_epochs):
    X, y = draw(n=20)
    watch, model = watched(cls, X, y, max_epochs=n_epochs)
    assert len(watch.rates) == n_epochs == model.n_iter_
    assert all(0 < rate <= model.learning_rate for rate in watch.rates)


def test_partial_fit_has_a_constant_rate(cls):
    X, y = draw(n=40)
    watch = Watch()
    model = make(cls, callbacks=[watch], batch_size=8, learning_rate=0.003)
    for _ in range(3):
        model.partial_fit(X, y, classes=[0, 1, 2])
    assert watch.rates == [0.003] * 15
    assert model.n_iter_ == 3


def test_gradients_are_clipped(cls):
    X, y = draw(n=40)
    weights = np.where(np.arange(40) < 4, 1000.0, 1.0)
    watch = Watch()
    model = make(cls, callbacks=[watch], batch_size=4, max_epochs=4)
    model.fit(X, y, sample_weight=weights)
    norms = np.array(watch.norms)
    assert norms.max() == pytest.approx(1, abs=1e-4)  # some batches were cut to 1
    assert norms.min() < 0.9  # and others were left alone


def test_biases_do_not_decay(cls):
    X, y = draw()
    watch, _ = watched(cls, X, y, weight_decay=0.3)
    assert {decay for decays in watch.decays for decay in decays} == {0.0, 0.3}
    still, decayed = (
        make(cls, learning_rate=1e-6, weight_decay=decay).fit(X, y)
        for decay in (0.0, 1e5)
    )
    assert_allclose(still.weights_["head.bias"], decayed.weights_["head.bias"],
                    atol=1e-4)  # fmt: skip
    shrunk = np.abs(decayed.weights_["head.weight"]).max()
    assert shrunk < 0.95 * np.abs(still.weights_["head.weight"]).max()


def test_dropout_is_off_in_predict_and_on_in_training(cls):
    X, y = draw()
    model = make(cls, dropout=0.5).fit(X, y)
    assert_array_equal(model.predict_proba(X), model.predict_proba(X))
    assert not weights_equal(model, make(cls).fit(X, y))
    assert weights_equal(model, make(cls, dropout=0.5).fit(X, y))


def test_the_batches_follow_the_seed(cls):
    X, y = draw(n=40)
    settings = {"batch_size": 4, "learning_rate": 0.02}
    one, two = (make(cls, **settings).fit(X, y) for _ in range(2))
    other = make(cls, **settings, random_state=1).fit(X, y)
    assert one.loss_curve_ == two.loss_curve_ != other.loss_curve_


# Pixels


DTYPES = ["uint8", "bool", "int16", "int64", "float16", "float32", "float64"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n_pixels", [300, 2**20])
def test_pixel_moments(dtype, n_pixels):
    rng = np.random.RandomState(0)
    images = rng.rand(20, 5, 6, 3) * [1, 50, 250]
    images = images > [0.2, 25, 200] if dtype == "bool" else images.astype(dtype)
    rows = np.arange(1, 20, 2)
    weights = rng.rand(10) + 0.1
    mean, scale = pixel_moments(Images(images, rows), weights, n_pixels)
    part = images[rows].astype(np.float64)
    expected = np.average(part.mean((1, 2)), axis=0, weights=weights)
    square = np.average(((part - expected) ** 2).mean((1, 2)), axis=0, weights=weights)
    assert_allclose(mean, expected, rtol=1e-5)
    spread = np.where(square == 0, 1, np.sqrt(square))
    assert_allclose(scale, spread, rtol=1e-5)


def test_pixel_moments_of_low_contrast_far_from_zero():
    rng = np.random.RandomState(0)
    images = 1e6 + rng.rand(30, 5, 5, 1)
    mean, scale = pixel_moments(Images(images), np.ones(30))
    assert_allclose(mean, images.mean(), rtol=1e-9)
    assert_allclose(scale, images.std(), rtol=1e-6)


def test_pixel_moments_of_large_images_take_few_at_once(monkeypatch):
    images = np.broadcast_to(np.uint8(3), (40, 1024, 256, 2))
    sizes = []

    def counted(part):
        sizes.append(len(part))
        return tensor_of(part)

    monkeypatch.setattr(moments, "tensor_of", counted)
    pixel_moments(Images(images), np.ones(40), n_values=2**22)
    assert sum(sizes) == 41  # one image tells what to take off, then all
    assert max(sizes) == 8


@pytest.mark.parametrize("dtype, power", [("float32", 100), ("float64", 900)])
def test_pixel_moments_do_not_depend_on_the_unit(dtype, power):
    images = np.random.RandomState(0).rand(30, 5, 5, 3).astype(dtype)
    mean, scale = pixel_moments(Images(images), np.ones(30))
    for unit in (2.0**power, 2.0**-power):
        part = (images * unit).astype(dtype)
        other = pixel_moments(Images(part), np.ones(30), n_values=7 * 75)
        assert_allclose(other[0] / unit, mean, rtol=1e-12)
        assert_allclose(other[1] / unit, scale, rtol=1e-12)


@pytest.mark.parametrize("value", [0, 0.1, 7, 255, -1e6, 1e30])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_constant_images_have_spread_one(value, dtype):
    images = np.full((5, 7, 3, 2), value, dtype)
    mean, scale = pixel_moments(Images(images), np.array([1.0, 2, 3, 1, 5]))
    assert_allclose(mean, images[0, 0, 0], rtol=1e-6)
    assert_array_equal(scale, [1, 1])


def test_constant_images_can_be_fitted(cls):
    _, y = draw()
    model = make(cls).fit(np.full((24, 8, 8), 200, np.uint8), y)
    proba = model.predict_proba(np.full((2, 8, 8), 200, np.uint8))
    assert np.isfinite(proba).all()
    assert_allclose(proba, 1 / 3, atol=0.05)


@pytest.mark.parametrize("dtype, expected", [
    ("uint8", "float32"), ("bool", "float32"), ("int16", "float32"),
    ("float16", "float32"), ("float32", "float32"), ("int32", "float64"),
    ("int64", "float64"), ("float64", "float64"), ("longdouble", "float64"),
    (">f4", "float32"), (">i2", "float32"), (">f8", "float64"),
])  # fmt: skip
def test_a_batch_is_a_float_tensor(dtype, expected):
    images = np.arange(24).reshape(4, 3, 2, 1).astype(dtype)
    batch = to_float(tensor_of(images[np.array([3, 0])]))
    assert batch.dtype == getattr(torch, expected)
    assert_array_equal(batch.numpy(), images[[3, 0]].astype(expected))


def test_a_batch_of_read_only_images_is_writable():
    images = np.ones((4, 3, 2, 1), np.float32)
    images.flags.writeable = False
    tensor_of(images[:2]).zero_()
    assert images.min() == 1


def test_images_are_never_copied_as_a_whole(cls, monkeypatch):
    X, y = draw(n=3000, shape=(32, 32))
    sizes = []

    def counted(part):
        sizes.append(len(part))
        return tensor_of(part)

    monkeypatch.setattr(moments, "tensor_of", counted)
    monkeypatch.setattr(batches_file, "tensor_of", counted)
    monkeypatch.setattr("sk_rnnimage._prediction.PIXELS_AT_ONCE", 1024 * 500)
    make(cls, max_epochs=1).fit(X[:9], y[:9])  # what is built once is not counted
    sizes.clear()
    tracemalloc.start()
    model = make(cls, hidden_size=2, max_epochs=1, batch_size=100).fit(X, y)
    model.predict(X)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(sizes) >= 3 * 3000  # moments, training and prediction were counted
    assert max(sizes) <= 1024
    assert peak < X.nbytes  # a quarter of what a float32 copy takes


@pytest.mark.parametrize("early_stopping", [False, True])
def test_history_counts_weights_as_the_loss_does(early_stopping):
    X, y = draw(n=40)
    X_val, y_val = draw(n=10, seed=1)
    model = make(RNNImageClassifier, early_stopping=early_stopping, batch_size=3)
    model.fit(X, y, X_val=X_val, y_val=y_val, sample_weight_val=np.arange(10))
    right = model.predict(X_val) == y_val
    accuracy = model.history_[model.best_epoch_ - 1 if early_stopping else -1]
    expected = np.average(right, weights=np.arange(10))
    assert accuracy["valid_accuracy"] == pytest.approx(expected, abs=1e-6)


# Denormals, threads and what is left behind


class CountZeros(Callback):
    """How many of a million numbers, each as small as a denormal, are taken as 0."""

    def on_batch_end(self, net, **kwargs):
        self.found = zeros()


def zeros():
    return int((torch.full((10**6,), 1e-39) * 0.5 == 0).sum())


@pytest.mark.skipif(not FLUSHES, reason="this processor cannot flush denormals")
@pytest.mark.parametrize("n_threads", [1, 2])
def test_denormals_are_flushed_in_all_threads_while_a_fit_lasts(n_threads):
    before, count = torch.get_num_threads(), CountZeros()
    torch.set_num_threads(n_threads)
    try:
        assert zeros() == 0
        make(RNNImageClassifier, callbacks=[count]).fit(*draw())
        assert count.found == 10**6
        assert zeros() == 0
        assert torch.get_num_threads() == n_threads
    finally:
        torch.set_num_threads(before)


class Held:
    """Something that lies on a GPU."""


def test_nothing_stays_on_a_gpu_after_an_error(monkeypatch):
    emptied, held = [], []
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: emptied.append(True))

    def work():
        tensor = Held()
        tensor.itself = tensor  # as a net and its callbacks hold each other
        held.append(weakref.ref(tensor))
        try:
            raise RuntimeError("CUDA out of memory")
        except RuntimeError as cause:
            raise ValueError("choose a smaller batch") from cause

    network = torch.nn.Linear(1, 1)
    with pytest.raises(ValueError, match="smaller batch") as error:
        with left_empty(network, torch.device("cuda")):
            work()
    assert held[0]() is None
    assert emptied
    assert error.value.__cause__ is not None
    assert not network.training


@pytest.mark.parametrize("where", ["make_net", "own_callbacks"])
def test_memory_that_ends_before_the_first_batch(where, monkeypatch):
    def fail(*args, **kwargs):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(train_file, where, fail)
    sentence = (
        "The memory of device 'cpu' does not hold a batch of batch_size=64 images"
    )
    with pytest.raises(ValueError, match=sentence):
        RNNImageClassifier(2, max_epochs=1).fit(*draw())
