"""Sets of images, codes and weights, and sets that a device holds."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from sk_rnnimage._data import sets
from sk_rnnimage._data.augmentation import shift
from sk_rnnimage._data.batches import CPU, Batches
from sk_rnnimage._data.sets import ImageSet, ResidentSet
from sk_rnnimage.images import kinds
from sk_rnnimage.images.kinds import Images


def some_set(n=40, dtype="uint8", seed=0):
    """Every second row of some images, from the last to the first."""
    rng = np.random.RandomState(seed)
    images = (250 * rng.rand(2 * n, 5, 4, 3)).astype(dtype)
    images.flags.writeable = False
    rows = np.arange(2 * n)[::-2]
    return ImageSet(Images(images, rows), rng.randint(0, 3, n), rng.rand(n))


def batches_of(data, augment=None):
    """Two passes in batches, as one flat list of tensors."""
    settings = {"augment": augment, "generator": torch.Generator().manual_seed(0)}
    batches = Batches(data, 7, np.random.RandomState(0), **settings)
    passes = [*batches, *batches]
    return [part for images, target in passes for part in (images, *target)]


def test_the_mean_weight_of_a_set_is_one():
    images = np.zeros((4, 1, 1, 1), np.uint8)
    data = ImageSet(Images(images, np.array([0, 3])), [0, 1], np.array([1.0, 3.0]))
    _, (codes, weights) = data[np.array([0, 1])]
    assert_allclose(weights, [0.5, 1.5])
    assert len(data) == 2


def test_rows_that_are_taken_weigh_as_if_there_were_no_others():
    data, rows = some_set(), np.array([0, 3, 4, 17])
    some = data.take(rows)
    alone = ImageSet(data.images.take(rows), data.codes[rows], data.weights[rows])
    assert len(some) == 4
    for one, other in zip(batches_of(some), batches_of(alone), strict=True):
        assert torch.equal(one, other)
    assert some.target[1].mean().item() == pytest.approx(1)
    assert_array_equal(some.images[np.arange(4)], data.images[rows])


def test_loss_weights_leave_the_sample_weights_alone():
    data = some_set()
    other = data.with_loss_weights(lambda codes, weights: weights * (1 + codes))
    assert other.weights is data.weights
    expected = data.weights * (1 + data.codes)
    assert_allclose(other.target[1], expected / expected.mean())
    same = data.with_loss_weights(lambda codes, weights: weights)
    assert torch.equal(same.target[1], data.target[1])
    for found, moments in zip(other.pixel_moments(), data.pixel_moments()):
        assert_array_equal(found, moments)


# Sets that a device holds


@pytest.mark.parametrize("chunk", [1, 500, 2**22])
@pytest.mark.parametrize("augment", [None, shift])
@pytest.mark.parametrize(
    "dtype",
    [
        "uint8",
        "bool",
        "int16",
        "uint16",
        "int64",
        ">f4",
        "float16",
        "float32",
        "float64",
    ],
)
def test_a_held_set_gives_the_same_batches(dtype, augment, chunk, monkeypatch):
    monkeypatch.setattr(kinds, "CHUNK_PIXELS", chunk)
    data = some_set(dtype=dtype)
    held = ResidentSet(data, CPU)
    assert len(held) == len(data) == len(held.images) == 40
    assert held.images.dtype == torch.uint8 or dtype != "uint8"
    expected, found = batches_of(data, augment), batches_of(held, augment)
    assert len(found) == len(expected) == 2 * 6 * 3
    for one, other in zip(expected, found):
        assert one.dtype == other.dtype
        assert torch.equal(one, other)


def test_a_change_of_a_batch_changes_no_image():
    data = some_set(dtype="float32")
    held = ResidentSet(data, CPU)
    before = held.images.array.clone()
    batches_of(held, lambda images, generator: images.mul_(0))
    batches_of(data, lambda images, generator: images.mul_(0))
    assert torch.equal(held.images.array, before)


@pytest.mark.parametrize("dtype, size", [("uint8", 1), ("int16", 4), ("int64", 8)])
def test_a_gpu_holds_what_takes_half_of_its_free_memory(dtype, size, monkeypatch):
    data, gpu = some_set(dtype=dtype), torch.device("cuda")
    n_bytes = size * 40 * 5 * 4 * 3
    monkeypatch.setattr(sets, "ResidentSet", lambda data, device: device)
    for free, expected in [(2 * n_bytes, gpu), (2 * n_bytes - 1, data), (0, data)]:
        monkeypatch.setattr(sets, "free_memory", {gpu: free}.get)
        assert data.on(gpu) is expected
    assert data.on(CPU) is data
