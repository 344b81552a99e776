"""Whatever holds pixels, as arrays: tensors, masked arrays, odd strides, frames."""

from functools import partial

import dask.array as da
import dask.bag as db
import numpy as np
import pandas as pd
import pytest
import torch
from conftest import (
    draw,
    draw_unequal,
    flat,
    make,
    with_missing,
)
from hostile_by_hand import N, fitted, refused
from numpy.testing import assert_array_equal

from sk_rnnimage import CRNNImageClassifier, ImageReader, ImageToSequence

# Tensors


def quantised(x):
    return torch.quantize_per_tensor(x, 1.0, 0, torch.quint8)


ODD_TENSORS = {
    "float8": (
        lambda x: x.to(torch.float8_e4m3fn),
        TypeError,
        "X is a Tensor of dtype torch.float8_e4m3fn, of which NumPy has no twin. Pass "
        "a plain tensor of floats: X.float().",
    ),
    "quantised": (
        quantised,
        TypeError,
        "X is a quantised tensor of dtype torch.quint8. Pass its values: "
        "X.dequantize().",
    ),
    "half complex": (
        lambda x: x.to(torch.complex32),
        ValueError,
        "Complex data not supported: X holds values of dtype complex64",
    ),
    "meta": (
        lambda x: x.to("meta"),
        TypeError,
        "X is a tensor on the meta device, which holds no values.",
    ),
    "of oneDNN": (
        lambda x: x.to_mkldnn(),
        TypeError,
        "X is a torch._mkldnn tensor. Pass a dense one: X.to_dense().",
    ),
    "nested": (
        lambda x: torch.nested.nested_tensor(list(x)),
        TypeError,
        "X is a nested tensor. Pass its tensors as a list: X.unbind().",
    ),
}


@pytest.mark.parametrize("case", ODD_TENSORS)
@pytest.mark.filterwarnings("ignore::UserWarning")  # torch's, of what it deprecates
def test_tensors_that_no_array_can_hold(case):
    change, error, sentence = ODD_TENSORS[case]
    X, y = draw()
    X = torch.from_numpy(X).float()
    model = fitted()
    with refused(error, sentence):
        model.fit(change(X), y)
    with refused(error, sentence):
        model.predict(change(X))
    with refused(error, sentence):
        ImageToSequence().fit(change(X))
    with refused(error, sentence.replace("X", "X_val")):
        model.fit(X, y, X_val=change(X), y_val=y)
    if case not in ("nested", "half complex"):
        with refused(error, sentence.replace("X", "X[5]")):
            model.predict([*X[:5], change(X[5])])


# Arrays


@pytest.mark.parametrize(
    "change",
    [
        lambda X: X[:, ::-1],
        lambda X: X[:, :, ::-1],
        lambda X: X[::-1][:1],
        lambda X: X[:1, ::-1, ::-1],
        lambda X: flat(X)[:, ::-1],
        np.asfortranarray,
        lambda X: np.asfortranarray(flat(X)),
        lambda X: X.astype(">u2"),
        lambda X: X.astype(">f4"),
        lambda X: X.astype(">f8"),
    ],
)
def test_any_layout_of_memory(cls, change):
    odd = change(draw()[0])
    plain = np.ascontiguousarray(odd).astype(odd.dtype.newbyteorder("=")).copy()
    y = draw()[1][: len(odd)]
    one, other = (make(cls, max_epochs=1).fit(X, y) for X in (odd, plain))
    expected = other.predict_proba(plain)
    assert_array_equal(one.predict_proba(plain), expected)
    for given in (odd, list(odd)):
        assert_array_equal(other.predict_proba(given), expected)
        sequences = ImageToSequence("snake").fit_transform(given)
        assert_array_equal(sequences, ImageToSequence("snake").fit_transform(plain))


def test_a_side_of_one_pixel_backwards(cls):
    X, y = draw(shape=(1, 9))
    model = make(cls, max_epochs=1).fit(X[:, ::-1], y)
    expected = model.predict_proba(X)
    assert_array_equal(model.predict_proba(X[:, ::-1]), expected)
    assert_array_equal(model.predict_proba([x[::-1] for x in X]), expected)
    backwards = [x[::-1, :width] for x, width in zip(X, [7, 8, 9] * 8)]
    plain = [image.copy() for image in backwards]
    assert_array_equal(model.predict_proba(backwards), model.predict_proba(plain))


def test_cells_of_a_frame_that_are_images():
    X, y = draw_unequal()
    cells = pd.Series(X)
    model = make(CRNNImageClassifier, max_epochs=1).fit(X, y)
    expected = model.predict_proba(X)
    for given in (cells, cells.to_frame(), cells.to_frame().to_numpy()):
        assert_array_equal(model.predict_proba(given), expected)
    X, y = draw()
    rows = pd.DataFrame({"image": list(flat(X))})  # each cell a row of pixels
    assert_array_equal(fitted().predict_proba(rows), fitted().predict_proba(X))
    assert_array_equal(ImageToSequence().fit_transform(rows), X)


@pytest.mark.parametrize(
    "columns, sentence",
    [
        (
            {"a": [np.ones((8, 8))] * N, "b": 1.0},
            "X holds images in 1 of its 2 columns. Pass one column of images alone.",
        ),
        (
            {"b": 1.0, "a": [np.ones((8, 8))] * N},
            "X holds images in 1 of its 2 columns.",
        ),
        (
            {"a": [np.ones(3), np.ones(4)] * 12},
            "X is a ragged list: X[0] holds 3 numbers",
        ),
        (
            {"a": [np.ones(4), *[np.ones((2, 2))] * 23]},
            "X[0] has shape (4,), but each image must be",
        ),
        ({"a": [1.0, *[np.ones(2)] * 23]}, "X[1, 0] is no number:"),
        (
            {"a": [1.0] * 23 + ["x"], "b": 1.0},
            "X[23, 0] is no number: could not convert string to float: 'x'. Got 'x'. "
            "Pass numbers alone, NaN where a pixel is missing.",
        ),
    ],
)
def test_cells_of_a_frame_that_are_no_pixels(columns, sentence):
    X = pd.DataFrame(columns)
    with refused(ValueError, sentence):
        make(CRNNImageClassifier).fit(X, draw()[1])
    with refused(ValueError, sentence):
        ImageToSequence().fit(X)
    with refused(ValueError, "X_val"):
        fitted().fit(*draw(), X_val=X, y_val=draw()[1])


@pytest.mark.parametrize(
    "X, sentence",
    [
        (pd.DataFrame({"a": pd.Timestamp(0), "b": [1.0] * N}), "X[0, 0] is no number:"),
        (np.full((N, 8, 8), {}), "X[0, 0, 0] is no number:"),
        (
            pd.DataFrame(np.eye(N)).astype(pd.SparseDtype(float)),
            "X is a DataFrame of sparse columns. Pass dense ones: X.sparse.to_dense().",
        ),
        ("a.png", "X must be an array or a list of images. Got 'a.png'. For paths to"),
        (None, "Got a value of type NoneType. Pass its images as a list."),
        ({"a": 1}, "Got a value of type dict. Pass its images as a list."),
        ({1, 2}, "Got a value of type set. Pass its images as a list."),
        ((x for x in [1]), "Got a value of type generator. Pass list(X)."),
        (len, "Got a value of type builtin_function_or_method."),
    ],
)
def test_what_is_no_array_of_images(X, sentence):
    for model in (make(CRNNImageClassifier), ImageToSequence()):
        with refused(TypeError, sentence):
            model.fit(X, draw()[1])


BLOCKS = {
    "array": (da.zeros((N, 8, 8), chunks=(2, 8, 8)), "Dask Array", "map_blocks"),
    "bag": (db.from_sequence(["a.png"]), "Dask Bag", "map_partitions"),
}


@pytest.mark.parametrize("X, kind, of_blocks", BLOCKS.values(), ids=BLOCKS)
def test_blocks_of_dask_are_not_loaded_silently(X, kind, of_blocks):
    sentence = (
        f"X is a {kind}, all of which would be loaded into memory. Predict block by "
        f"block, X.{of_blocks}(model.predict, ...), and train on one block after the "
        "other with partial_fit; or pass X.compute() where it fits into memory."
    )
    y = draw()[1]
    for ask in (
        fitted().predict,
        partial(fitted().fit, y=y),
        partial(fitted().partial_fit, y=y),
        ImageToSequence().fit,
        ImageReader().transform,
    ):
        with refused(TypeError, sentence):
            ask(X)


def test_an_array_of_xarray_without_blocks_is_one():
    class Labelled(np.ndarray):
        def __dask_graph__(self):
            return None

    X = draw()[0]
    assert_array_equal(fitted().predict(X.view(Labelled)), fitted().predict(X))


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32])
def test_masked_pixels_are_missing_ones(cls, dtype):
    X, y = draw(dtype=dtype)
    missing = with_missing(X).astype(np.float64 if dtype == np.int64 else np.float32)
    masked = np.ma.masked_array(X, np.isnan(missing))
    one, other = (make(cls, max_epochs=1).fit(given, y) for given in (masked, missing))
    expected = other.predict_proba(missing)
    assert one._fitted_recipe["missing"]
    assert_array_equal(one.predict_proba(missing), expected)
    for given in (masked, flat(masked), list(masked), pd.Series(list(masked))):
        assert_array_equal(other.predict_proba(given), expected)
        sequences = ImageToSequence(image_shape=(8, 8)).fit_transform(given)
        assert sequences.dtype == missing.dtype
        assert_array_equal(sequences, missing)


def test_a_masked_array_without_masked_pixels_keeps_its_dtype():
    X = np.ma.masked_array(draw()[0])
    sequences = ImageToSequence().fit_transform(X)
    assert type(sequences) is np.ndarray
    assert sequences.dtype == np.uint8
    assert not fitted().fit(X, draw()[1])._fitted_recipe["missing"]


def test_an_image_that_is_masked_as_a_whole():
    X = np.ma.masked_array(draw()[0], mask=False)
    X[3] = np.ma.masked
    with refused(ValueError, "All pixels of X[3] are missing (NaN)."):
        fitted().predict(X)
