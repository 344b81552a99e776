"""Arrays of pixels as tensors."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal

from sk_rnnimage._data.tensors import tensor_of, to_float


@pytest.mark.parametrize(
    "dtype, expected",
    [
        ("uint8", "float32"),
        ("bool", "float32"),
        ("int16", "float32"),
        ("float16", "float32"),
        ("float32", "float32"),
        ("int32", "float64"),
        ("int64", "float64"),
        ("float64", "float64"),
        ("longdouble", "float64"),
        (">f4", "float32"),
        (">i2", "float32"),
        (">f8", "float64"),
    ],
)
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


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_what_torch_takes_is_not_copied(dtype):
    images = np.ones((4, 3, 2, 1), dtype)
    tensor = tensor_of(images)
    assert np.shares_memory(tensor.numpy(), images)
    assert tensor_of(tensor) is tensor
    assert (to_float(tensor) is tensor) == (dtype != "uint8")


@pytest.mark.parametrize(
    "dtype", ["uint8", "int8", "int16", "uint16", "int32", "uint32", "bool", "float16"]
)
def test_every_value_is_held_exactly(dtype):
    info = {"b": None, "f": np.finfo}.get(np.dtype(dtype).kind, np.iinfo)
    ends = [0, 1] if info is None else [info(dtype).min, 1, info(dtype).max]
    images = np.array(ends, dtype).reshape(-1, 1, 1, 1)
    assert to_float(tensor_of(images)).ravel().tolist() == [float(v) for v in ends]
