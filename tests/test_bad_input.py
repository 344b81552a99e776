"""Bad input gets a clear error before any training, and nothing else changes."""

import copy
import functools
import pickle
import re

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import draw, global_state, make
from PIL import Image
from scipy import sparse
from skorch.callbacks import EarlyStopping

from sk_rnnimage import CRNNImageClassifier, ImageToSequence

N = 24
NO_PIXELS = "holds strings where pixels should be. For paths to image files, put"
CHANNELS_FIRST = (
    "X has shape (24, 3, 8, 8), which looks like channels first. Channels come last "
    "here: pass np.moveaxis(X, 1, -1), or say image_shape=(3, 8, 8) if it is meant so."
)


def with_value(value, shape=(8, 8)):
    X = draw(shape=shape, dtype=np.float64)[0]
    X[(3, *np.zeros(len(shape), dtype=int))] = value
    return X


def without_numbers():
    X = draw(dtype=np.float64)[0]
    X[3] = np.nan
    return X


def with_item(item, i=5):
    """A list of images with another item among them."""
    X = list(draw(dtype=np.float64)[0])
    X[i] = item
    return X


BAD_IMAGES = {
    "no dimension": (3.0, "Expected 2D array, got scalar array instead"),
    "one dimension": (np.ones(N), "Expected 2D array, got 1D array instead"),
    "five dimensions": (
        np.ones((N, 2, 2, 2, 2)),
        "X must be flat (n, H*W*C), grey (n, H, W) or with channels (n, H, W, C). Got "
        "an array of 5 dimensions instead: clips (n, T, H, W, C) are read with "
        "scan='frames'.",
    ),
    "no images": (np.ones((0, 8, 8)), "X is empty: at least one image is needed."),
    "no flat images": (np.ones((0, 64)), "X is empty: at least one image is needed."),
    "empty list": ([], "X is empty: at least one image is needed."),
    "no pixels": (
        np.ones((N, 0, 8)),
        "X holds images without pixels: its shape is (24, 0, 8).",
    ),
    "all missing": (
        without_numbers(),
        "All pixels of X[3] are missing (NaN). Leave that image out.",
    ),
    "all missing, flat": (
        without_numbers().reshape(N, 64),
        "All pixels of X[3] are missing (NaN).",
    ),
    "all missing in a list": (
        with_item(np.full((8, 8), np.nan)),
        "All pixels of X[5] are missing (NaN).",
    ),
    "infinity": (with_value(-np.inf), "Input X contains infinity"),
    "flat infinity": (with_value(np.inf).reshape(N, 64), "Input X contains infinity"),
    "infinity in a list": (list(with_value(np.inf)), "Input X contains infinity"),
    "strings": (np.full((N, 8, 8), "0.5"), f"X {NO_PIXELS}"),
    "paths": ([f"{i}.png" for i in range(N)], f"X {NO_PIXELS}"),
    "a series of paths": (pd.Series(["a.png"] * N), f"X {NO_PIXELS}"),
    "a frame of strings": (pd.DataFrame({"a": ["x"] * N, "b": 1}), f"X {NO_PIXELS}"),
    "objects": (np.full((N, 64), "x", dtype=object), f"X {NO_PIXELS}"),
    "ragged numbers": (
        [[1, 2], [3, 4], [5]],
        "X is a ragged list: X[0] holds 2 numbers, X[2] holds 1. Images whose sizes "
        "differ have two or three dimensions: (H, W) or (H, W, C).",
    ),
    "ragged item": (
        [[[1, 2], [3, 4]], [[1, 2], [3]]],
        "X[1] is a ragged list of numbers. Pass each image as an array of shape "
        "(H, W) or (H, W, C).",
    ),
    "ragged first item": (
        [[[1, 2], [3]], [[1, 2], [3, 4]]],
        "X[0] is a ragged list of numbers.",
    ),
    "grey and colour": (
        with_item(np.ones((8, 8, 3))),
        "All images of X must be grey (H, W), or have the same number of channels "
        "(H, W, C). X[0] has shape (8, 8), X[5] has shape (8, 8, 3).",
    ),
    "an item of one dimension": (
        with_item(np.ones(8)),
        "X[5] has shape (8,), but each",
    ),
    "an item that is a clip": (
        with_item(np.ones((5, 8, 8, 3))),
        "X[5] has shape (5, 8, 8, 3), but each image must be grey (H, W) or with "
        "channels (H, W, C). Clips (T, H, W, C) are read with scan='frames'.",
    ),
    "an item that is a number": (with_item(7.0), "X[5] has shape (), but each"),
    "an item of PIL's": (
        with_item(Image.new("P", (8, 8))),
        "X[5] is a PIL image, whose values alone do not say what it shows: it may have "
        "a palette, transparency or an orientation. Put an ImageReader in front",
    ),
    "two columns of images": (
        pd.DataFrame({k: pd.Series(list(np.ones((N, 8, 8)))) for k in "ab"}),
        "X holds images in 2 of its 2 columns. Pass one column of images alone.",
    ),
    "an item that is nothing": (
        with_item(None),
        "X[5] is of type NoneType, no image. Pass each image as an array of shape "
        "(H, W) or (H, W, C), and leave out what has none.",
    ),
    "items of four dimensions": (
        [np.ones((1, 8, 8, 1)), np.ones((1, 8, 7, 1))],
        "X[0] has shape (1, 8, 8, 1)",
    ),
    "an item without pixels": (
        with_item(np.ones((0, 8))),
        "X[5] is an image without pixels: its shape is (0, 8).",
    ),
    "files among images": (
        with_item("a.png"),
        "X mixes files and pixels: X[0] is of type ndarray, X[5] of type str. Read all "
        "files with an ImageReader, or pass arrays alone.",
    ),
    "images among files": (
        ["a.png", b"abc", np.ones((8, 8))],
        "X mixes files and pixels: X[0] is of type str, X[2] of type ndarray.",
    ),
    "strings in an item": (with_item(np.full((8, 8), "0.5")), f"X {NO_PIXELS}"),
    "objects in an item": (
        with_item(np.full((8, 8), "x", dtype=object)),
        f"X {NO_PIXELS}",
    ),
    "sparse item": (
        with_item(sparse.csr_matrix(np.eye(8))),
        "X[5] is a sparse matrix. Pass a dense one: X[5].toarray().",
    ),
    "complex in a list": (
        with_item(np.ones((8, 8)) * 1j),
        "Complex data not supported",
    ),
    "complex": (
        np.ones((N, 8, 8)) * 1j,
        "Complex data not supported: X holds values of dtype complex128 where pixels "
        "should be. Pass real numbers",
    ),
    "flat complex": (np.ones((N, 64)) * 1j, "Complex data not supported"),
    "complex tensor": (torch.ones(N, 8, 8).cfloat().conj(), "Complex data not sup"),
    "dates": (
        np.ones((N, 8, 8), "M8[s]"),
        "X holds values of dtype datetime64[s] where pixels should be. Pass real numb",
    ),
    "a frame of dates": (
        pd.DataFrame(np.ones((N, 64), "M8[s]")),
        "X holds values of dtype datetime64[s] where pixels should be.",
    ),
    "durations": (np.ones((N, 64), "m8[s]"), "X holds values of dtype timedelta64[s]"),
    "records": (np.zeros((N, 8, 8), [("a", "f4")]), "X holds values of dtype [('a', "),
    "sparse dict": (sparse.dok_array(np.eye(N, 64)), "Sparse data was passed for X"),
    "sparse": (sparse.csr_matrix(np.eye(N, 64)), "Sparse data was passed for X"),
    "channels first": (np.ones((N, 3, 8, 8)), CHANNELS_FIRST),
}


def state(model):
    """Everything that an error must leave as it was."""
    held = {name: value for name, value in vars(model).items() if name != "_module"}
    return pickle.dumps(held), id(vars(model).get("_module")), global_state()


def check_refusal(model, error, sentence, method, *args, **kwargs):
    before = state(model)
    with pytest.raises(error, match=re.escape(sentence)):
        getattr(model, method)(*args, **kwargs)
    assert state(model) == before


@functools.cache
def attributes(cls):
    """Those of a fitted classifier, its network among them."""
    return vars(make(cls, random_state=None).fit(*draw()))


@pytest.fixture
def models(cls, monkeypatch):
    """An unfitted and a fitted classifier that must not train any more."""
    fitted = cls.__new__(cls)
    vars(fitted).update(copy.deepcopy(attributes(cls)))

    def train(*args, **kwargs):
        raise AssertionError("the training has begun")

    monkeypatch.setattr("sk_rnnimage._base.train", train)
    return make(cls, random_state=None), fitted


def check_fits(models, error, sentence, *args, **kwargs):
    for model in models:
        check_refusal(model, error, sentence, "fit", *args, **kwargs)


@pytest.mark.parametrize("case", BAD_IMAGES)
def test_images(models, case):
    X, sentence = BAD_IMAGES[case]
    error = TypeError if "sparse" in case else ValueError
    y = np.arange(np.shape(X)[0] if hasattr(X, "shape") else N) % 3
    check_fits(models, error, sentence, X, y)
    for model in models:
        check_refusal(model, error, sentence, "partial_fit", X, y, classes=[0, 1, 2])
    for method in ("predict", "predict_proba", "decision_function"):
        check_refusal(models[1], error, sentence, method, X)


# What is bad where sizes may differ, and what is bad for the transformer

UNEQUAL = {
    "infinity": (with_value(np.inf), "Input X[3] contains infinity"),
    "complex": (np.ones((N, 8, 8)) * 1j, "Complex data not supported: X[0]"),
    "all missing": (without_numbers(), "All pixels of X[3] are missing (NaN)."),
    "strings": (np.full((N, 8, 8), "0.5"), f"X {NO_PIXELS}"),
    "channels first": (np.ones((N, 3, 8, 8)), "looks like channels first."),
}


@pytest.mark.parametrize("case", UNEQUAL)
def test_images_of_unequal_size(models, case):
    X, sentence = UNEQUAL[case]
    X, y = [*X[:-1], X[-1][..., :7, :]], np.arange(N) % 3
    check_fits(models, ValueError, sentence, X, y)
    check_refusal(models[1], ValueError, sentence, "predict", X)


@pytest.mark.parametrize("objects", [False, True])
def test_unequal_sizes_are_refused_by_the_transformer(objects):
    X = with_item(np.ones((7, 8)))
    if objects:
        held = np.empty(N, dtype=object)
        held[:] = X
        X = held
    sentence = (
        "ImageToSequence needs images of one size. X[0] has shape (8, 8), X[5] has "
        "shape (7, 8). Resize them, for instance with ImageReader(size=(height, "
        "width)), or pad them."
    )
    check_refusal(ImageToSequence(), ValueError, sentence, "fit", X)
    fitted = ImageToSequence().fit(draw()[0])
    check_refusal(fitted, ValueError, sentence, "transform", X)


@pytest.mark.parametrize("case", BAD_IMAGES)
def test_images_for_the_transformer(case):
    X, sentence = BAD_IMAGES[case]
    error = TypeError if "sparse" in case else ValueError
    check_refusal(ImageToSequence(), error, sentence, "fit", X)
    fitted = ImageToSequence().fit(draw()[0])
    check_refusal(fitted, error, sentence, "fit", X)
    check_refusal(fitted, error, sentence, "transform", X)


@pytest.mark.parametrize("case", BAD_IMAGES)
def test_validation_images(models, case):
    X_val, sentence = BAD_IMAGES[case]
    error = TypeError if "sparse" in case else ValueError
    sentence = sentence.replace("X ", "X_val ").replace("(X,", "(X_val,")
    sentence = sentence.replace("passed for X", "passed for X_val")
    sentence = sentence.replace("X[", "X_val[")
    if case in ("no dimension", "one dimension"):
        sentence = "X_val must hold several images, as X does. Got an array of shape ("
    X, y = draw()
    y_val = np.arange(np.shape(X_val)[0] if hasattr(X_val, "shape") else N) % 3
    check_fits(models, error, sentence, X, y, X_val=X_val, y_val=y_val)


def test_validation_images_of_another_shape(models):
    X, y = draw()
    name = type(models[0]).__name__
    sentence = (
        f"X_val holds images of shape (8, 7), but this {name} was fitted on (8, 8)."
    )
    check_fits(models, ValueError, sentence, X, y, X_val=X[:, :, :7], y_val=y)
    sentence = f"X_val has 63 pixel values an image, but this {name} reads 64."
    flat = X.reshape(N, 64)[:, :63]
    check_fits(models, ValueError, sentence, X, y, X_val=flat, y_val=y)


def test_channels_first_is_told_at_predict(models):
    X, _ = draw(shape=(3, 8, 8))
    check_refusal(models[1], ValueError, CHANNELS_FIRST, "predict", X)


@pytest.mark.parametrize("n_channels", [1, 4])
def test_channels_first(models, n_channels):
    X, y = draw(shape=(n_channels, 9, 8))
    sentence = "pass np.moveaxis(X, 1, -1), or say image_shape="
    check_fits(models, ValueError, sentence, X, y)


def test_channels_first_where_image_shape_says_so(cls):
    X, y = draw(shape=(3, 8, 8))
    model = make(cls, image_shape=(3, 8, 8)).fit(X, y, X_val=X, y_val=y)
    assert model.image_shape_ == (3, 8, 8)
    assert np.array_equal(model.predict(X), model.predict(X.reshape(N, -1)))
    model.partial_fit(X, y)


def test_four_columns_are_no_channels(cls):
    X, y = draw(shape=(3, 5, 4))
    assert make(cls).fit(X, y).image_shape_ == (3, 5, 4)


@pytest.mark.parametrize(
    "image_shape, sentence",
    [
        ((8, 9), "X holds images of shape (8, 8), but image_shape=(8, 9). Leave"),
        ((8, 8, 3), "X holds images of shape (8, 8), but image_shape=(8, 8, 3). Leave"),
        (
            64,
            "image_shape must be None, (height, width) or (height, width, channels) "
            "with whole numbers of at least 1. Got 64 instead.",
        ),
        ((8,), "Got (8,) instead."),
        ((8, 8, 1, 1), "Got (8, 8, 1, 1) instead."),
        ((8, 0), "Got (8, 0) instead."),
        ((8, 8.0), "Got (8, 8.0) instead."),
        ((64, True), "Got (64, True) instead."),
        ("88", "Got '88' instead."),
    ],
)
def test_image_shape(models, image_shape, sentence):
    X, y = draw()
    for model in (*models, ImageToSequence(), ImageToSequence().fit(X)):
        model.set_params(image_shape=image_shape)
        check_refusal(model, ValueError, sentence, "fit", X, y)


def test_image_shape_of_flat_images(models):
    X, y = draw()
    sentence = (
        "image_shape=(8, 9) asks for 72 pixel values an image, but X has 64 columns."
    )
    for model in (*models, ImageToSequence(), ImageToSequence().fit(X)):
        model.set_params(image_shape=(8, 9))
        check_refusal(model, ValueError, sentence, "fit", X.reshape(N, 64), y)


# Labels


BAD_LABELS = {
    "none": (None, "requires y to be passed, but the target y is None"),
    "shorter": (
        np.arange(23) % 3,
        "y must hold one label for each of the 24 images. Got 23 labels.",
    ),
    "continuous": (
        np.linspace(0, 1, N),
        "Unknown label type: continuous. y holds 0.0434782608695652",
    ),
    "vast": (
        np.r_[1e300, np.arange(23) % 2],
        "Unknown label type: continuous. y holds 1e+300 where classes should be.",
    ),
    "infinite": (np.r_[np.inf, np.ones(N - 1)], "Input y contains infinity"),
    "NaN": (np.r_[np.nan, np.ones(N - 1)], "Input y contains NaN"),
    "two columns": (np.ones((N, 2)), "y should be a 1d array"),
    "none at all": (np.array([]), "y is empty: at least one label is needed."),
    "NA": ([pd.NA] * N, "y[0] is missing (<NA>). Leave that image out, or give it a"),
    "NA of pandas": (
        pd.Series([1] * 23 + [None], dtype="Int64"),
        "y[23] is missing (NaN or NA).",
    ),
    "no category": (pd.Categorical(["a"] * 5 + [None] * 19), "y[5] is missing"),
    "None": (["a", None] * 12, "y[1] is missing (None)."),
    "NaN among strings": (["a", np.nan] * 12, "y[1] is missing (nan)."),
    "NaN in StringDType": (
        np.array(["a", np.nan] * 12, np.dtypes.StringDType(na_object=np.nan)),
        "y[1] is missing (nan).",
    ),
    "masked": (np.ma.masked_equal(np.arange(N), 7), "y[7] is missing (masked)."),
    "ragged": (
        [0] * 23 + [[0, 1]],
        "y is a ragged list. Pass one label for each image",
    ),
    "mixed": (
        [0, "a"] * 12,
        "y mixes numbers and strings: y[0] is 0, y[1] is 'a'. Pass labels of one kind, "
        "for instance [str(label) for label in labels].",
    ),
    "mixed objects": (np.array(["a", 0.5] * 12, object), "y mixes strings and numbers"),
    "objects": (
        np.arange(N).astype(object),
        "Unknown label type: y holds numbers as objects. Pass them",
    ),
    "tuples": (
        pd.Series([(0, 1)] * N),
        "y holds values of type tuple, y[0] is (0, 1).",
    ),
}
NO_LABELS = {
    "array of no dimension": (
        np.array(3),
        "y should be a 1d array of one label for each image. Got an array of shape ().",
    ),
    "scalar": (np.int64(3), "Got a value of type int64."),
    "number": (3, "Got a value of type int."),
    "string": ("abc", "Got a value of type str."),
    "iterator": (map(str, range(N)), "Got a value of type map. Pass list(y)."),
    "set": (set(range(N)), "Got a value of type set."),
    "dict": (dict.fromkeys(range(N)), "Got a value of type dict."),
    "records": (np.zeros(N, [("a", int)]), "y holds records, of dtype [('a', '<i8')]."),
    "bytes": (
        [b"a"] * N,
        "y holds values of type bytes, y[0] is b'a'. Pass numbers or",
    ),
    "array of bytes": (
        np.array([b"a"] * N),
        "y holds bytes, of dtype |S1. Pass labels",
    ),
    "complex": (np.ones(N) * 1j, "y holds complex numbers, of dtype complex128."),
    "sparse dict": (sparse.dok_array(np.eye(N)), "y is a sparse matrix. Pass labels"),
    "sparse": (sparse.csr_matrix(np.eye(N)), "y is a sparse matrix. Pass labels in an"),
    "meta": (torch.ones(N, device="meta"), "y is a tensor on the meta device, which"),
}


@pytest.mark.parametrize("case", [*BAD_LABELS, *NO_LABELS])
def test_labels(models, case):
    X, known = draw()
    y, sentence = (BAD_LABELS | NO_LABELS)[case]
    error = TypeError if case in NO_LABELS else ValueError
    if case in ("bytes", "array of no dimension"):
        error = ValueError
    check_fits(models, error, sentence, X, y)
    for model in models:
        check_refusal(model, error, sentence, "partial_fit", X, y, classes=[0, 1, 2])
    if sentence.startswith("y"):
        of_val = re.sub(r"\by\b", "y_val", sentence)
        check_fits(models, error, of_val, X, known, X_val=X, y_val=y)
    if sentence.startswith("y") and case != "shorter":
        of_classes = re.sub(r"\by\b", "classes", sentence)
        check_refusal(models[0], error, of_classes, "partial_fit", X, known, y)
    if y is not None and case != "shorter":
        check_refusal(models[1], error, sentence, "score", X, y)


def test_unknown_label_in_partial_fit(models):
    X, y = draw()
    sentence = (
        "y holds the label 2, which is not among the classes [0, 1]. Name every label "
        "in classes at the first partial_fit, or leave these images out."
    )
    check_refusal(models[0], ValueError, sentence, "partial_fit", X, y, classes=[0, 1])
    sentence = "y holds the label 7, which is not among the classes [0, 1, 2]."
    check_refusal(models[1], ValueError, sentence, "partial_fit", X, y + 5 * (y == 2))


def test_unknown_string_in_partial_fit(cls):
    X, y = draw()
    names = np.array(["a", "b", "c"])[y]
    model = make(cls).fit(X, names)
    sentence = "y holds the label 'd', which is not among the classes ['a', 'b', 'c']."
    names = np.where(names == "c", "d", names)
    check_refusal(model, ValueError, sentence, "partial_fit", X, names)


def test_classes_of_partial_fit(models):
    X, y = draw()
    sentence = "classes must be passed on the first call to partial_fit"
    check_refusal(models[0], ValueError, sentence, "partial_fit", X, y)
    sentence = (
        "classes=[0, 1, 2, 3] is not the same as on the last call to partial_fit, "
        "which was [0, 1, 2]."
    )
    check_refusal(
        models[1], ValueError, sentence, "partial_fit", X, y, classes=[0, 1, 2, 3]
    )


def test_unknown_label_in_y_val(models):
    X, y = draw()
    sentence = "y_val holds the label 3, which is not among the classes [0, 1, 2]."
    check_fits(models, ValueError, sentence, X, y, X_val=X, y_val=y + (y == 2))


def test_validation_weights_alone(models):
    X, y = draw()
    sentence = "sample_weight_val needs X_val and y_val."
    check_fits(models, ValueError, sentence, X, y, sample_weight_val=np.ones(len(y)))


def test_half_a_validation_set(models):
    X, y = draw()
    sentence = "X_val and y_val must be passed together."
    check_fits(models, ValueError, sentence, X, y, X_val=X)
    check_fits(models, ValueError, sentence, X, y, y_val=y)


def test_other_classes_in_a_warm_start(models):
    X, y = draw()
    model = models[1].set_params(warm_start=True)
    sentence = (
        "warm_start=True can go on only with the classes of the last fit, [0, 1, 2]. "
        "Got [0, 1] in y."
    )
    check_refusal(model, ValueError, sentence, "fit", X, y % 2)


@pytest.mark.parametrize(
    "name, value",
    [
        ("hidden_size", 4),
        ("hidden_size", 0),
        ("cell", "gru"),
        ("scan", "snake"),
        ("scan", "zigzag"),
        ("pooling", "max"),
        ("bidirectional", False),
        ("patch_size", 2),
        ("image_shape", (4, 16)),
    ],
)
def test_another_network_where_training_goes_on(models, name, value):
    X, y = draw()
    model = models[1].set_params(warm_start=True, **{name: value})
    sentence = f"Set {name} back, or call fit with warm_start=False."
    if (name, value) in [("hidden_size", 0), ("scan", "zigzag")]:
        sentence = f"{name} must be "
    check_refusal(model, ValueError, sentence, "fit", X, y)
    check_refusal(model, ValueError, sentence, "partial_fit", X, y)


def test_too_few_images_to_hold_out(models):
    X, y = draw(n=6)
    sentence = (
        "early_stopping=True holds out 1 of 6 images, too few to have each of the 3 "
        "classes on both sides. Pass X_val and y_val, or set early_stopping=False."
    )
    for model in models:
        model.set_params(early_stopping=True)
    check_fits(models, ValueError, sentence, X, y)


# Weights


@pytest.mark.parametrize(
    "weights, sentence",
    [
        (
            -np.ones(N),
            "sample_weight must hold finite weights of at least 0. Got -1.0 at "
            "index 0. A weight of 0 leaves an image out.",
        ),
        (np.r_[np.ones(N - 1), -1e-9], "Got -1e-09 at index 23."),
        (np.r_[np.nan, np.ones(N - 1)], "Got nan at index 0."),
        (np.r_[np.inf, np.ones(N - 1)], "Got inf at index 0."),
        (np.zeros(N), "sample_weight must be positive for at least one image."),
        (
            np.ones(N - 1),
            "sample_weight must hold one weight for each of the 24 images. "
            "Got an array of shape (23,).",
        ),
        (np.ones((N, 2)), "Got an array of shape (24, 2)."),
        (
            "balanced",
            "sample_weight must hold one number for each image. Got 'balanced'. "
            "Weights of classes are given by class_weight.",
        ),
        (["a"] * N, "Got ['a', 'a', 'a', 'a', 'a', 'a', ...]."),
        ([1.0] * 23 + [pd.NA], "Got [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, ...]."),
        (
            [[1.0]] * 23 + [[1.0, 2.0]],
            "sample_weight must hold one number for each image.",
        ),
        ({0: 1.0}, "Got {0: 1.0}."),
        (np.ones(N, "m8[s]"), "sample_weight must hold one number for each image."),
        (
            np.ones(N, [("a", float)]),
            "sample_weight must hold one number for each image.",
        ),
        (sparse.csr_matrix(np.ones(N)), "sample_weight must hold one number for each"),
        (np.ma.masked_equal(np.r_[9.0, np.ones(N - 1)], 9), "Got nan at index 0."),
        ([10**400] * N, "sample_weight must hold one number for each image."),
        (np.full(N, np.finfo(np.longdouble).max), "Got inf at index 0."),
    ],
)
def test_weights(models, weights, sentence):
    X, y = draw()
    check_fits(models, ValueError, sentence, X, y, sample_weight=weights)
    more = {"sample_weight": weights, "classes": [0, 1, 2]}
    for model in models:
        check_refusal(model, ValueError, sentence, "partial_fit", X, y, **more)
    validation = {"X_val": X, "y_val": y, "sample_weight_val": weights}
    with_suffix = sentence.replace("sample_weight", "sample_weight_val")
    check_fits(models, ValueError, with_suffix, X, y, **validation)


# Parameters


BAD_PARAMETERS = [
    (
        "scan",
        "zigzag",
        "scan must be 'auto', one of 'rows', 'columns', 'snake', "
        "'spiral', 'hilbert', 'diagonal', 'random', 'sweep', 'frames', or a tuple of "
        "these. Got "
        "'zigzag' instead.",
    ),
    ("scan", ("rows", "zigzag"), "Got ('rows', 'zigzag') instead."),
    ("scan", (), "Got () instead."),
    ("scan", None, "Got None instead."),
    ("cell", "LSTM", "The 'cell' parameter of {name} must be a str among {{"),
    ("pooling", "sum", "The 'pooling' parameter of {name} must be a str among {{"),
    (
        "device",
        "tpu",
        "device must be 'auto', 'cpu', 'cuda' or 'cuda:0', 'cuda:1', "
        ".... Got 'tpu' instead.",
    ),
    ("device", "cpu:x", "Got 'cpu:x' instead."),
    ("device", "cpu:0", "Got 'cpu:0' instead."),
    ("device", "cuda:", "Got 'cuda:' instead."),
    ("device", "auto:", "Got 'auto:' instead."),
    ("device", None, "Got None instead."),
    (
        "device",
        "cuda:99",
        "device='cuda:99' asks for a GPU that is not there: torch sees ",
    ),
    (
        "batch_size",
        0,
        "The 'batch_size' parameter of {name} must be an int in the "
        "range [1, inf). Got 0 instead.",
    ),
    (
        "hidden_size",
        0,
        "hidden_size must be a whole number of at least 1 or a tuple, "
        "one for each layer, of such. Got 0 instead.",
    ),
    ("hidden_size", (), "Got () instead."),
    ("hidden_size", (8, 2.5), "Got (8, 2.5) instead."),
    ("hidden_size", True, "Got True instead."),
    ("patch_size", 9, "patch_size=9 is larger than the grid that is read, "),
    ("patch_size", (1, 9), "patch_size=(1, 9) is larger than the grid that is read, "),
    (
        "patch_size",
        0,
        "patch_size must be None, a whole number of at least 1, or a "
        "pair (height, width) of such numbers, in which None is the whole extent. "
        "Got 0 instead.",
    ),
    ("patch_size", (2, 2, 2), "Got (2, 2, 2) instead."),
    ("patch_size", 1.5, "Got 1.5 instead."),
    (
        "dropout",
        1.0,
        "The 'dropout' parameter of {name} must be a float in the range "
        "[0.0, 1.0). Got 1.0 instead.",
    ),
    ("max_epochs", 0, "The 'max_epochs' parameter of {name} must be "),
    ("max_epochs", "many", "Got 'many' instead."),
    ("learning_rate", 0, "The 'learning_rate' parameter of {name} must be "),
    ("learning_rate", -1.0, "Got -1.0 instead."),
    ("weight_decay", -1, "The 'weight_decay' parameter of {name} must be "),
    ("validation_fraction", 1, "The 'validation_fraction' parameter of {name} "),
    ("n_iter_no_change", 0, "The 'n_iter_no_change' parameter of {name} must be "),
    ("class_weight", "heavy", "The 'class_weight' parameter of {name} must be "),
    ("early_stopping", "yes", "The 'early_stopping' parameter of {name} must be "),
    ("bidirectional", 2, "The 'bidirectional' parameter of {name} must be "),
    ("callbacks", "epoch", "The 'callbacks' parameter of {name} must be "),
    (
        "callbacks",
        ["epoch"],
        "callbacks must hold skorch callbacks, alone or as pairs "
        "(name, callback). Got 'epoch' instead.",
    ),
    ("callbacks", [("a", 1)], "Got ('a', 1) instead."),
    ("callbacks", [int], "Got <class 'int'> instead."),
    ("callbacks", [None], "Got None instead."),
    ("callbacks", [(1, EarlyStopping("train_loss"))], "Got (1, <skorch"),
    (
        "callbacks",
        [("schedule", EarlyStopping("train_loss"))],
        "callbacks holds a callback of the name 'schedule', which another has.",
    ),
    ("callbacks", [("a", EarlyStopping("train_loss"))] * 2, "of the name 'a', which"),
    ("random_state", "seed", "The 'random_state' parameter of {name} must be "),
]


@pytest.mark.parametrize("name, value, sentence", BAD_PARAMETERS)
def test_parameters(models, name, value, sentence):
    X, y = draw()
    if name == "patch_size":  # "auto" need not take one
        models = [model.set_params(scan="snake") for model in models]
    for model in models:
        words = sentence.format(name=type(model).__name__)
        model.set_params(**{name: value})
        check_refusal(model, ValueError, words, "fit", X, y)
    more = {"classes": [0, 1, 2]}
    words = sentence.format(name=type(models[0]).__name__)
    check_refusal(models[0], ValueError, words, "partial_fit", X, y, **more)


@pytest.mark.parametrize(
    "name, valid",
    [
        (
            "cell",
            ["rnn", "irnn", "lstm", "peephole", "gru", "mingru", "lru", "lmu", None],
        ),
        ("pooling", ["last", "mean", "max", "attention"]),
    ],
)
def test_the_valid_names_are_said(models, name, valid):
    with pytest.raises(ValueError) as caught:
        models[0].set_params(**{name: "none of them"}).fit(*draw())
    assert [v for v in valid if f"{v!r}" not in str(caught.value)] == []


@pytest.mark.parametrize(
    "name, value",
    [
        ("filters", 0),
        ("filters", ()),
        ("filters", "4"),
        ("kernel_size", 0),
        ("kernel_size", (3, 3, 3)),
        ("kernel_size", 2.5),
    ],
)
@pytest.mark.parametrize("cls", [CRNNImageClassifier], indirect=True)
def test_parameters_of_the_convolutions(models, name, value):
    X, y = draw()
    sentence = f"{name} must be a whole number of at least 1 or a tuple"
    for model in models:
        model.set_params(**{name: value})
    check_fits(models, ValueError, sentence, X, y)


@pytest.mark.parametrize(
    "name, value, sentence",
    [
        (
            "scan",
            "sweep",
            "The 'scan' parameter of ImageToSequence must be a str among",
        ),
        (
            "scan",
            ("rows",),
            "The 'scan' parameter of ImageToSequence must be a str among",
        ),
        ("patch_size", 9, "patch_size=9 is larger than the grid that is read, 8 x 8."),
        ("patch_size", (None, 9), "patch_size=(None, 9) is larger than the grid"),
        ("patch_size", "2", "Got '2' instead."),
        ("patch_size", True, "Got True instead."),
        ("patch_size", (1, False), "Got (1, False) instead."),
    ],
)
def test_parameters_of_the_transformer(name, value, sentence):
    X, _ = draw()
    for model in (ImageToSequence(), ImageToSequence().fit(X)):
        model.set_params(**{name: value})
        check_refusal(model, ValueError, sentence, "fit", X)


def test_inverse_transform_of_other_sequences():
    reader = ImageToSequence(patch_size=2).fit(draw()[0])
    sentence = (
        "X must hold sequences of numbers of shape (n, 16, 4), as transform gives "
        "them. Got "
    )
    for X, error, got in [
        (draw()[0], ValueError, "(24, 8, 8) instead."),
        (np.full((2, 16, 4), "a"), TypeError, "values of dtype <U1 instead."),
        ([[1, 2], [3]], TypeError, "a value of type list, of which NumPy can make no"),
        (torch.eye(3).to_sparse(), TypeError, ""),
    ]:
        sentence_of_X = sentence + got if got else "X is a sparse tensor."
        check_refusal(reader, error, sentence_of_X, "inverse_transform", X)


# While it trains


@pytest.mark.parametrize("way", ["fit", "partial_fit"])
def test_a_diverging_loss_names_the_learning_rate(cls, way):
    X, y = draw()
    model = make(cls).fit(X, y)
    huge = {"learning_rate": 1e300, "max_epochs": 20, "weight_decay": 1e9}
    model.set_params(**huge)
    sentence = "learning_rate=1e+300 is probably too high; try a tenth of it."
    before = state(model)
    expected = model.predict_proba(X)
    with pytest.raises(ValueError, match=re.escape(sentence)):
        for _ in range(5):
            getattr(model, way)(X, y)
            before, expected = state(model), model.predict_proba(X)
    assert state(model) == before
    assert np.array_equal(model.predict_proba(X), expected, equal_nan=True)


def test_weights_that_are_no_longer_finite_name_the_learning_rate(cls):
    X, y = draw()
    model = make(cls, learning_rate=1e300)
    sentence = "learning_rate=1e+300 is probably too high; try a tenth of it."
    more = {"classes": [0, 1, 2]}
    check_refusal(model, ValueError, sentence, "partial_fit", X, y, **more)


def enlarge(images, generator):
    return images + torch.empty(2**50, dtype=torch.uint8)


def test_a_batch_that_memory_cannot_hold(cls):
    X, y = draw()
    sentence = (
        "The memory of device 'cpu' does not hold a batch of batch_size=17 images and "
        "what the network makes of it. Choose a smaller batch_size or hidden_size"
    )
    model = make(cls, augment=enlarge, batch_size=17)
    check_refusal(model, ValueError, sentence, "fit", X, y)


@pytest.mark.parametrize("value", [0, 10, "many"])
def test_views_are_checked_where_they_are_used(models, value):
    model = models[1].set_params(n_views=value)
    sentence = f"must be an int in the range [1, 9]. Got {value!r} instead."
    check_refusal(model, ValueError, sentence, "predict", draw()[0])


@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        ({"x": 2.0}, "class_weight names the label 'x', which is not among"),
        ({0: -1.0}, "class_weight must hold finite weights of at least 0. Got {0: -1"),
        ({0: np.inf}, "class_weight must hold finite weights of at least 0."),
        ({0: None}, "class_weight must hold finite weights of at least 0."),
        ({0: "a"}, "class_weight must hold finite weights of at least 0."),
        ({0: 0, 1: 0}, "class_weight and sample_weight together leave no image"),
    ],
)
def test_class_weights_that_make_no_sense(class_weight, message):
    X, y = np.zeros((6, 4, 4)), [0, 1] * 3
    with pytest.raises(ValueError, match=re.escape(message)):
        CRNNImageClassifier(class_weight=class_weight).fit(X, y)


def test_balanced_does_not_go_with_partial_fit():
    model = CRNNImageClassifier(class_weight="balanced")
    message = "class_weight='balanced' does not go with partial_fit"
    with pytest.raises(ValueError, match=re.escape(message)):
        model.partial_fit(np.zeros((4, 4, 4)), [0, 1] * 2, classes=[0, 1])


def test_a_callback_that_monitors_validation_needs_images_for_it():
    X, y = draw(n=20)
    model = make(CRNNImageClassifier, callbacks=[EarlyStopping()])
    message = "callbacks holds an EarlyStopping that monitors 'valid_loss', but there"
    with pytest.raises(ValueError, match=re.escape(message)):
        model.fit(X, y)
    assert model.fit(X, y, X_val=X, y_val=y).n_iter_ == 3


def test_an_unknown_label_in_y_val_names_the_way_out():
    X, y = draw(n=20)
    message = "y_val holds the label 9, which is not among the classes [0, 1, 2]. Let y"
    with pytest.raises(ValueError, match=re.escape(message)):
        make(CRNNImageClassifier).fit(X, y, X_val=X[:2], y_val=[0, 9])


@pytest.mark.parametrize("hidden_size", [10**9, (8, 10**9)], ids=str)
def test_a_network_that_no_memory_holds(hidden_size):
    X, y = draw(n=20)
    message = f"weights of a network with hidden_size={hidden_size!r}, filters=4, kern"
    with pytest.raises(ValueError, match=re.escape(message)):
        make(CRNNImageClassifier, hidden_size=hidden_size).fit(X, y)
