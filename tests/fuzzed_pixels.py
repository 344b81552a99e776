"""Images in every form that an array may have, and what is none."""

import math

import numpy as np
import pandas as pd
import torch
from fuzzed_values import ANYTHING, DTYPES
from hypothesis import strategies as st

REAL = "? i1 u1 i2 u2 i4 u4 i8 u8 f2 f4 f8 g".split()
TENSORS = "? i1 u1 i2 i4 i8 f2 f4 f8".split()  # what from_numpy knows everywhere


class ArrayLike:
    """What only becomes an array."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return np.array(self.array, dtype)


class Subclass(np.ndarray):
    """An array of another class."""


@st.composite
def pixels(draw, shape, dtype):
    """Up to four images of small whole numbers in float64: (B, *shape)."""
    n, seed = draw(st.integers(1, 4)), draw(st.integers(0, 99))
    rng = np.random.RandomState(seed)
    highest = 2 if dtype == "?" else 100
    return rng.randint(0, highest, (n, *shape)).astype(np.float64)


# Memory


def _reversed(X, axis):
    return np.flip(np.flip(X, axis).copy(), axis)


def _spaced(X, axis):
    """Every second value along an axis of an array twice as long."""
    return np.repeat(X, 2, axis=axis)[(slice(None),) * axis + (slice(None, None, 2),)]


def _unaligned(X):
    buffer = bytearray(1) + X.tobytes()
    return np.frombuffer(buffer, np.uint8)[1:].view(X.dtype).reshape(X.shape)


def _read_only(X):
    X = X.copy()
    X.flags.writeable = False
    return X


LAYOUTS = {
    "C": lambda X: X,
    "Fortran": np.asfortranarray,
    "reversed images": lambda X: _reversed(X, 0),
    "reversed pixels": lambda X: _reversed(X, X.ndim - 1),
    "spaced images": lambda X: _spaced(X, 0),
    "spaced pixels": lambda X: _spaced(X, X.ndim - 1),
    "unaligned": _unaligned,
    "read-only": _read_only,
    "transposed": lambda X: np.moveaxis(np.moveaxis(X, 0, -1).copy(), -1, 0),
    "swapped bytes": lambda X: X.astype(X.dtype.newbyteorder("S")),
}


# Containers


def _object_column(X):
    column = np.empty(len(X), object)
    column[:] = list(X)
    return column


CONTAINERS = {
    "array": lambda X: X,
    "list": list,
    "tuple": tuple,
    "nested list": lambda X: X.tolist(),
    "tuples of lists": lambda X: tuple(X.tolist()),
    "objects": lambda X: X.astype(object),
    "column of objects": _object_column,
    "list of tensors": lambda X: [_tensor(image) for image in X],
    "tensor": lambda X: _tensor(X),
    "array-like": ArrayLike,
    "list of array-likes": lambda X: list(map(ArrayLike, X)),
    "subclass": lambda X: X.view(Subclass),
    "masked": np.ma.masked_array,
    "Series": lambda X: pd.Series(list(X)),
    "DataFrame": lambda X: pd.DataFrame({"image": pd.Series(list(X))}),
    "reader's list": lambda X: [np.asarray(image, order="F") for image in X],
}


def _tensor(X):
    kind = X.dtype.kind + str(X.dtype.itemsize) if X.dtype.kind != "b" else "?"
    if kind not in TENSORS:
        X = X.astype(np.float64)
    return torch.from_numpy(np.array(X, dtype=X.dtype.newbyteorder("="), order="C"))


@st.composite
def representations(draw, shape, flat=True):
    """Words, images in one of many forms, and the same as a plain float64 array."""
    dtype = draw(st.sampled_from(REAL))
    clean = draw(pixels(shape, dtype))
    layout = draw(st.sampled_from(sorted(LAYOUTS)))
    container = draw(st.sampled_from(sorted(CONTAINERS)))
    holes = draw(st.sampled_from(["none", "none", "nan", "mask"]))
    if shape[:2] == (1, 1):  # of one pixel that must not be missing
        holes = "none"
    X = clean.astype(dtype)
    if flat and draw(st.booleans()):
        X = X.reshape(len(X), -1)
    elif len(shape) == 2 and draw(st.booleans()):
        X = X[..., None]
    if holes == "nan" and X.dtype.kind == "f":
        clean[:, 0, 0], X.reshape(clean.shape)[:, 0, 0] = np.nan, np.nan
    X = LAYOUTS[layout](X)
    if holes == "mask":
        clean[:, 0, 0], container = np.nan, "masked"
        X = np.ma.masked_array(X, np.isnan(clean).reshape(X.shape))
    else:
        X = CONTAINERS[container](X)
    return f"{dtype}, {layout}, {container}, holes: {holes}, of {clean.shape}", X, clean


# What is no set of images

SIDES = st.sampled_from([0, 1, 2, 3, 4, 5, 6, 8, 9, 64, 54, 120])
VAST = st.sampled_from([10**5, 2**31, 2**40])
VALUES = [0, 1, -1, 255, 1e300, -1e300, 1e-320, np.nan, np.inf, -np.inf]


@st.composite
def odd_arrays(draw, image_shape=(8, 8)):
    """An array of any dtype, shape and strides, also of the shape of images."""
    dtype = np.dtype(draw(DTYPES))
    of_images = [(3, *image_shape), (3, math.prod(image_shape)), (0, *image_shape)]
    shapes = st.lists(SIDES, max_size=6)
    shape = tuple(draw(st.one_of(shapes, st.sampled_from(of_images))))
    if math.prod(shape) > 10**6:
        shape = shape[:3]
    value = draw(st.sampled_from(VALUES))
    with np.errstate(all="ignore"):
        X = (
            np.ones(shape, dtype)
            if dtype.kind in "USVMm"
            else np.full(shape, value if dtype.kind in "fcO" else 1, dtype)
        )
    return X[draw(_slices(X.ndim))] if draw(st.booleans()) else X


@st.composite
def _slices(draw, ndim):
    steps = st.sampled_from([None, 1, 2, -1, -2])
    return tuple(slice(None, None, draw(steps)) for _ in range(ndim))


@st.composite
def vast_arrays(draw):
    """A view of one number that claims to be images that no memory holds."""
    dtype = draw(st.sampled_from("u1 f4 f8 ?".split()))
    shape = [draw(SIDES), *draw(st.lists(st.one_of(SIDES, VAST), max_size=3))]
    shape.insert(draw(st.integers(1, len(shape))), draw(VAST))
    while math.prod(max(1, side) for side in shape) >= 2**59:
        shape[shape.index(max(shape))] = 8
    one = np.ones((), dtype)
    return np.lib.stride_tricks.as_strided(one, shape, [0] * len(shape))


@st.composite
def mixed_lists(draw, shape):
    """Images, of which some are something else."""
    items = list(np.ones((3, *shape)))
    for _ in range(draw(st.integers(1, 2))):
        items[draw(st.integers(0, 2))] = draw(st.one_of(ANYTHING, odd_arrays(shape)))
    return draw(st.sampled_from([list, tuple, pd.Series]))(items)


def odd_images(shape, vast=True):
    """Whatever a user may take for images."""
    kinds = [ANYTHING, odd_arrays(shape), odd_arrays(shape), mixed_lists(shape)]
    return st.one_of(*kinds, vast_arrays()) if vast else st.one_of(kinds)


def cleaned(X):
    """The numbers of X as plain float64 arrays, or None where there are none."""
    if isinstance(X, np.ma.MaskedArray):
        return X.astype(np.float64).filled(np.nan)
    if isinstance(X, torch.Tensor):
        X = X.numpy()
    if isinstance(X, pd.DataFrame) and X.shape[1] == 1:
        X = X.iloc[:, 0]
    if isinstance(X, pd.Series):
        X = list(X)
    if isinstance(X, (list, tuple)) and np.ndim(X[0]) > 1:
        return [np.array(item, np.float64) for item in X]
    return np.array(X, np.float64)
