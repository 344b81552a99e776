"""Images flat or shaped, in any container and dtype, and of a wrong shape."""

import re
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import SHAPES, draw, flat, make, weights_equal
from numpy.testing import assert_allclose, assert_array_equal

# Flat or shaped


def _memory_map(X, tmp_path):
    np.save(tmp_path / "X.npy", X)
    return np.load(tmp_path / "X.npy", mmap_mode="r")


def _read_only(X, tmp_path):
    X = X.copy()
    X.flags.writeable = False
    return X


LAYOUTS = {
    "flat": lambda X, _: flat(X),
    "data frame": lambda X, _: pd.DataFrame(flat(X)),
    "tensor": lambda X, _: torch.from_numpy(X),
    "flat tensor": lambda X, _: torch.from_numpy(flat(X)),
    "list": lambda X, _: X.tolist(),
    "list of arrays": lambda X, _: list(X),
    "list of tensors": lambda X, _: [torch.from_numpy(x) for x in X],
    "memory map": _memory_map,
    "flat memory map": lambda X, tmp_path: _memory_map(flat(X), tmp_path),
    "read-only": _read_only,
    "Fortran": lambda X, _: np.asfortranarray(X),
    "moved axes": lambda X, _: np.moveaxis(np.moveaxis(X, -1, 1).copy(), 1, -1),
    "every second": lambda X, _: np.repeat(X, 2, axis=0)[::2],
    "one channel": lambda X, _: X[..., np.newaxis] if X.ndim == 3 else X,
}


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_agree_to_the_bit(cls, layout, shape, tmp_path):
    X, y = draw(shape=shape, dtype=np.int64 if layout == "list" else np.uint8)
    other = LAYOUTS[layout](X, tmp_path)
    reference = make(cls, image_shape=shape).fit(X, y)
    model = make(cls, image_shape=shape)
    if layout == "one channel" and len(shape) == 2:
        model.set_params(image_shape=(*shape, 1))
    model.fit(other, y)
    assert weights_equal(model, reference)
    assert model.image_shape_ == reference.image_shape_ == shape
    assert model.n_features_in_ == np.prod(shape)
    expected = reference.predict_proba(X)
    assert_array_equal(model.predict_proba(X), expected)
    with warnings.catch_warnings():  # names of a DataFrame that fit has not seen
        warnings.filterwarnings("ignore", "X has feature names")
        assert_array_equal(reference.predict_proba(other), expected)


@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 3)], ids=str)
def test_flat_squares_need_no_image_shape(cls, shape):
    X, y = draw(shape=shape)
    shaped, unshaped = make(cls).fit(X, y), make(cls).fit(flat(X), y)
    assert unshaped.image_shape_ == shape
    assert weights_equal(shaped, unshaped)
    assert_array_equal(shaped.predict_proba(flat(X)), unshaped.predict_proba(X))


def test_other_flat_images_are_one_row_of_pixels(cls):
    X, y = draw(shape=(1, 10))
    model = make(cls).fit(flat(X), y)
    assert model.image_shape_ == (1, 10)
    assert weights_equal(model, make(cls).fit(X, y))


def test_flat_prefers_grey_to_rgb(cls):
    X, y = draw(shape=(6, 6))  # 36 values; 12 would be 2 x 2 RGB
    assert make(cls).fit(flat(X), y).image_shape_ == (6, 6)
    assert make(cls).fit(flat(X)[:, :12], y).image_shape_ == (2, 2, 3)


@pytest.mark.parametrize("shape", [(8, 8), (6, 7, 3)], ids=str)
@pytest.mark.parametrize("dtype", ["float32", "uint16", "int16", "float16"])
def test_dtypes_with_the_same_values_agree_to_the_bit(cls, shape, dtype):
    X, y = draw(shape=shape)
    models = [make(cls).fit(images, y) for images in (X, X.astype(dtype))]
    assert weights_equal(*models)
    assert_array_equal(
        models[0].predict_proba(X.astype(dtype)), models[1].predict_proba(X)
    )


def test_scale_of_the_pixels_does_not_matter(cls):
    X, y = draw(n=30)
    of_255 = make(cls).fit(X, y).predict_proba(X)
    of_1 = make(cls).fit(X / 255, y).predict_proba(X / 255)
    assert_allclose(of_1, of_255, atol=1e-5)


def test_bool_images(cls):
    X, y = draw()
    model = make(cls).fit(X > 90, y)
    assert weights_equal(model, make(cls).fit((X > 90).astype("uint8"), y))


def test_fit_leaves_the_images_as_they_were(cls):
    X, y = draw(dtype=np.float32)
    before = X.copy()
    make(cls).fit(X, y).predict(X)
    assert_array_equal(X, before)


# A wrong shape at predict


@pytest.mark.parametrize("wrong", [(8, 7), (7, 8), (8, 8, 3), (8, 8, 2)], ids=str)
@pytest.mark.parametrize(
    "method", ["predict", "predict_proba", "decision_function", "partial_fit"]
)
def test_wrong_height_width_or_channels(cls, wrong, method):
    X, y = draw()
    other, _ = draw(shape=wrong)
    model = make(cls).fit(X, y)
    arguments = (other, y) if method == "partial_fit" else (other,)
    way = "Resize or pad them first, or pass a list"
    if len(wrong) == 3:
        way = f"They have {wrong[2]} channel(s) for 1: convert them; files are read"
    sentence = (
        f"X holds images of shape {wrong}, but this {cls.__name__} was fitted on "
        f"(8, 8). {way}"
    )
    with pytest.raises(ValueError, match=re.escape(sentence)):
        getattr(model, method)(*arguments)


def test_wrong_number_of_flat_pixels(cls):
    X, y = draw()
    model = make(cls).fit(X, y)
    sentence = f"X has 63 features, but {cls.__name__} is expecting 64 features"
    with pytest.raises(ValueError, match=sentence):
        model.predict(flat(X)[:, :63])
