"""Odd types and odd numbers: they work, or end in a sentence of our own."""

import copy
import functools
import json
import re
import time

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import (
    draw,
    draw_unequal,
    flat,
    make,
    pickled,
    weights_equal,
    with_missing,
)
from numpy.testing import assert_array_equal
from scipy import stats
from sklearn import clone, config_context
from sklearn.model_selection import (
    GridSearchCV,
    RandomizedSearchCV,
    cross_val_score,
)
from skorch.callbacks import EpochTimer

from sk_rnnimage import CRNNImageClassifier, ImageToSequence, RNNImageClassifier
from sk_rnnimage._environment.parameters import plain
from sk_rnnimage.images.kinds import Images
from sk_rnnimage.images.units import warn_of_another_unit

N = 24


def fitted(cls=CRNNImageClassifier, **parameters):
    return make(cls, max_epochs=1, **parameters).fit(*draw())


def refused(error, sentence):
    return pytest.raises(error, match=re.escape(sentence))


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


@pytest.mark.parametrize("change", [
    lambda X: X[:, ::-1], lambda X: X[:, :, ::-1], lambda X: X[::-1][:1],
    lambda X: X[:1, ::-1, ::-1], lambda X: flat(X)[:, ::-1],
    np.asfortranarray, lambda X: np.asfortranarray(flat(X)),
    lambda X: X.astype(">u2"), lambda X: X.astype(">f4"), lambda X: X.astype(">f8"),
])  # fmt: skip
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


@pytest.mark.parametrize("columns, sentence", [
    ({"a": [np.ones((8, 8))] * N, "b": 1.0},
     "X holds images in 1 of its 2 columns. Pass one column of images alone."),
    ({"b": 1.0, "a": [np.ones((8, 8))] * N}, "X holds images in 1 of its 2 columns."),
    ({"a": [np.ones(3), np.ones(4)] * 12}, "X is a ragged list: X[0] holds 3 numbers"),
    ({"a": [np.ones(4), *[np.ones((2, 2))] * 23]},
     "X[0] has shape (4,), X[1] has shape (2, 2)."),
    ({"a": [1.0, *[np.ones(2)] * 23]}, "X[1, 0] is no number:"),
    ({"a": [1.0] * 23 + ["x"], "b": 1.0},
     "X[23, 0] is no number: could not convert string to float: 'x'. Got 'x'. Pass "
     "numbers alone, NaN where a pixel is missing."),
])  # fmt: skip
def test_cells_of_a_frame_that_are_no_pixels(columns, sentence):
    X = pd.DataFrame(columns)
    with refused(ValueError, sentence):
        make(CRNNImageClassifier).fit(X, draw()[1])
    with refused(ValueError, sentence):
        ImageToSequence().fit(X)
    with refused(ValueError, sentence.replace("X", "X_val")):
        fitted().fit(*draw(), X_val=X, y_val=draw()[1])


@pytest.mark.parametrize("X, sentence", [
    (pd.DataFrame({"a": pd.Timestamp(0), "b": [1.0] * N}), "X[0, 0] is no number:"),
    (np.full((N, 8, 8), {}), "X[0, 0, 0] is no number:"),
    (pd.DataFrame(np.eye(N)).astype(pd.SparseDtype(float)),
     "X is a DataFrame of sparse columns. Pass dense ones: X.sparse.to_dense()."),
    ("a.png", "X must be an array or a list of images. Got 'a.png'. For paths to"),
    (None, "Got a value of type NoneType. Pass its images as a list."),
    ({"a": 1}, "Got a value of type dict. Pass its images as a list."),
    ({1, 2}, "Got a value of type set. Pass its images as a list."),
    ((x for x in [1]), "Got a value of type generator. Pass list(X)."),
    (len, "Got a value of type builtin_function_or_method."),
])  # fmt: skip
def test_what_is_no_array_of_images(X, sentence):
    for model in (make(CRNNImageClassifier), ImageToSequence()):
        with refused(TypeError, sentence):
            model.fit(X, draw()[1])


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


# Labels and weights


NAMES = np.array(["a", "b", "c"])[draw()[1]]
VALID_LABELS = {
    "tensor": (torch.tensor, int),
    "learned": (lambda y: torch.tensor(y, dtype=float, requires_grad=True), float),
    "bfloat16": (lambda y: torch.tensor(y).bfloat16(), np.float32),
    "list of tensors": (lambda y: list(torch.tensor(y)), int),
    "list of learned": (
        lambda y: list(torch.tensor(y, dtype=float, requires_grad=True)),
        float,
    ),
    "Series": (pd.Series, int),
    "nullable": (lambda y: pd.Series(y, dtype="Int64"), int),
    "nullable floats": (lambda y: pd.array(y, dtype="Float64"), float),
    "category": (lambda y: pd.Series(y, dtype="category"), int),
    "Index": (pd.Index, int),
    "masked, none": (np.ma.masked_array, int),
    "backwards": (lambda y: y[::-1][::-1], int),
    "big-endian": (lambda y: y.astype(">i4"), ">i4"),
}
VALID_NAMES = {
    "StringDType": lambda y: y.astype(np.dtypes.StringDType()),
    "string": lambda y: pd.Series(y, dtype="string"),
    "str": lambda y: pd.Series(y, dtype="str"),
    "object": lambda y: pd.Series(y, dtype=object),
    "category": lambda y: pd.Series(y, dtype="category"),
    "Categorical": pd.Categorical,
    "Index": pd.Index,
    "list": list,
    "big-endian": lambda y: y.astype(">U1"),
}


def check_labels(given, plain):
    X, _ = draw()
    model, expected = (
        make(CRNNImageClassifier).fit(X, y, X_val=X, y_val=y) for y in (given, plain)
    )
    assert_array_equal(model.classes_, expected.classes_)
    assert_array_equal(model.predict_proba(X), expected.predict_proba(X))
    assert_array_equal(model.predict(X), expected.predict(X))
    score = expected.score(X, plain)
    assert model.score(X, given) == model.score(X, plain) == score
    assert expected.score(X, given, sample_weight=np.ones(N)) == score
    assert model.history_[-1]["valid_loss"] == expected.history_[-1]["valid_loss"]
    model.partial_fit(X, given).partial_fit(X, plain, classes=given)
    make(CRNNImageClassifier).partial_fit(X, given, classes=given)
    return model


@pytest.mark.parametrize("case", VALID_LABELS)
def test_labels_of_any_type(case):
    change, dtype = VALID_LABELS[case]
    y = draw()[1]
    assert check_labels(change(y), y).classes_.dtype == dtype


def test_labels_that_are_nullable_booleans():
    y = draw()[1] > 0
    assert check_labels(pd.Series(y, dtype="boolean"), y).classes_.dtype == bool


@pytest.mark.parametrize("case", VALID_NAMES)
def test_names_of_any_type(case):
    model = check_labels(VALID_NAMES[case](NAMES), NAMES)
    assert {type(label) for label in model.classes_.tolist()} == {str}


def test_classes_that_are_no_labels():
    X, y = draw()
    for classes, sentence in [
        ([0, 1, np.nan], "Input classes contains NaN"),
        ([0, 1, 2, np.inf], "Input classes contains infinity"),
        ([], "Found array with 0 sample(s)"),
    ]:
        with refused(ValueError, sentence):
            make(CRNNImageClassifier).partial_fit(X, y, classes=classes)


@pytest.mark.parametrize("change", [
    torch.tensor, lambda w: torch.tensor(w, requires_grad=True),
    lambda w: torch.tensor(w).bfloat16(), list, pd.Series,
    lambda w: pd.Series(w, dtype="Float64"), np.ma.masked_array,
    lambda w: w.astype(object), lambda w: w.astype(">f4"), lambda w: w.astype(int),
    lambda w: w[::-1][::-1], lambda w: w * 2.0**1022, lambda w: w * 2.0**-1070,
])  # fmt: skip
def test_weights_of_any_type(change):
    (X, y), w = draw(), np.tile([1.0, 0.0, 2.0, 1.0], 6)
    options = {"X_val": X, "y_val": y}
    one, other = (
        make(CRNNImageClassifier).fit(X, y, w, **options, sample_weight_val=w)
        for w in (change(w), w)
    )
    assert_array_equal(one.predict_proba(X), other.predict_proba(X))
    assert one.history_[-1]["valid_loss"] == other.history_[-1]["valid_loss"]
    assert one.score(X, y, change(w)) == pytest.approx(other.score(X, y, w))


def test_one_weight_for_all():
    X, y = draw()
    one, other = (make(CRNNImageClassifier).fit(X, y, w) for w in (3.0, None))
    assert_array_equal(one.predict_proba(X), other.predict_proba(X))
    with refused(ValueError, "Got nan at index 0."):
        one.fit(X, y, np.nan)


def test_an_iterator_of_weights():
    X, y = draw()
    with refused(ValueError, ">: pass list(sample_weight). Weights of classes"):
        fitted().fit(X, y, (1.0 for _ in y))


# Parameters


NEVER_VALID = [
    object(), {8, 9}, {}, [], (None,), "x", "", b"x", int, -1, 2**63, 1 + 2j, np.nan,
    np.inf, -np.inf, np.float64(np.nan), np.array(1), np.array([1, 2]), pd.NA,
]  # fmt: skip
EDGES = {
    "attention_heads": [0, 0.5, 3, (2,)],
    "augment": ["Shift", 1, ("shift",)],
    "batch_size": [0, 0.5, None, "auto"],
    "bidirectional": [0, 1, None, "yes"],
    "callbacks": [0, "print_log", {"a": 1}, [None], [("a", None)]],
    "cell": ["LSTM", 1, ("lstm",)],
    "class_weight": ["auto", (1, 2), 1, {0: -1.0}, {0: np.nan}, {0: "1"}],
    "device": [None, 0, "cpu:0", "meta"],
    "dropout": [1, 1.5, None, "auto", (0.1,)],
    "early_stopping": [0, 1, None, "auto"],
    "filters": [0, None, True, 2.5, (4, 0), np.float64(4), "4"],
    "hidden_size": [0, None, True, 2.5, (8, 0), np.float64(8), "8"],
    "image_shape": [64, (64,), (8.0, 8), (0, 64), (True, 64), "88", (2, 2, 4, 4)],
    "kernel_size": [0, None, True, 2.5, (3, 3, 3), "3"],
    "learning_rate": [0, None, "auto", (0.1,)],
    "max_epochs": [0, 1.5, None, "many", np.float64(3), (3,)],
    "n_iter_no_change": [0, 1.5, None, "auto"],
    "n_views": [0, 10, 1.5, None],
    "patch_size": [0, True, 1.5, (2,), (2, 2, 2), (2, 0), "2"],
    "pooling": ["sum", None, 1],
    "random_state": [0.5, 2**32, (1, 2)],
    "scan": ["zigzag", None, 1, (), ("rows", None), {"rows"}],
    "validation_fraction": [0, 1, None, "auto"],
    "verbose": [None, 0.5, "yes"],
    "warm_start": [0, 1, None, "auto"],
    "weight_decay": [None, "auto", (0.1,)],
}
VALID = {("class_weight", "{}"), ("callbacks", "[]")}


def as_odd(name):
    """The values that a parameter must refuse."""
    values = [*NEVER_VALID, *EDGES[name]]
    return [value for value in values if (name, repr(value)) not in VALID]


@pytest.mark.parametrize("skip", [False, True], ids=["checked", "skipped"])
@pytest.mark.parametrize("name", EDGES)
def test_every_parameter_refuses_what_it_cannot_take(name, skip, monkeypatch):
    def train(*args, **kwargs):
        raise AssertionError("the training has begun")

    X, y = draw()
    model = fitted(early_stopping=True, validation_fraction=0.25)
    for module in ("_base", "classifiers"):
        monkeypatch.setattr(f"sk_rnnimage.{module}.train", train)
    for value in as_odd(name):
        new = clone(model)
        new.set_params(**{name: value})
        with config_context(skip_parameter_validation=skip):
            with pytest.raises(ValueError, match=name):
                new.fit(X, y)
            with pytest.raises(ValueError, match=name):
                new.partial_fit(X, y, classes=[0, 1, 2])
            going_on = copy.copy(model).set_params(**{name: value})
            with pytest.raises(ValueError, match=name):
                going_on.partial_fit(X, y)
            if name == "n_views":
                with pytest.raises(ValueError, match=name):
                    going_on.predict(X)


def test_the_table_of_parameters_is_complete():
    assert EDGES.keys() == CRNNImageClassifier().get_params().keys()
    assert EDGES.keys() >= RNNImageClassifier().get_params().keys()


@pytest.mark.parametrize("skip", [False, True], ids=["checked", "skipped"])
@pytest.mark.parametrize("name", ["scan", "patch_size", "image_shape"])
def test_every_parameter_of_the_transformer(name, skip):
    for value in [*as_odd(name), *([("rows",)] if name == "scan" else [])]:
        model = ImageToSequence().set_params(**{name: value})
        with config_context(skip_parameter_validation=skip):
            with pytest.raises(ValueError, match=name):
                model.fit(draw()[0])


@pytest.mark.parametrize("name", ["print_log", "train_loss", "early_stopping"])
def test_a_callback_of_a_name_that_is_taken(name):
    model = make(CRNNImageClassifier, callbacks=[(name, EpochTimer())])
    with refused(ValueError, f"of the name {name!r}, which another has. Choose"):
        model.fit(*draw())


class OfImagesAlone(torch.nn.Module):
    def forward(self, images):
        return images


@pytest.mark.parametrize("augment", [
    lambda image: image, lambda: None, lambda images, generator, more: images,
    lambda images, *, generator: images, len, int, OfImagesAlone,
])  # fmt: skip
def test_an_augmentation_of_other_arguments(cls, augment):
    sentence = (
        "augment must be callable as augment(images, generator), with float tensors (B,"
        f" C, H, W) and a torch.Generator. Got {augment!r}. A transform of images alone"
        " fits as augment=lambda images, generator: transform(images)."
    )
    with refused(ValueError, sentence):
        make(cls, augment=augment).fit(*draw())


@pytest.mark.parametrize("augment", [
    lambda images, generator: images, lambda images, generator=None: images,
    lambda *args: args[0], lambda images, rng, strength=2: images,
    functools.partial(lambda strength, images, generator: images, 2),
    functools.partial(lambda images, generator, strength: images, strength=2),
    lambda images, generator: torch.roll(images, 1, 2),
])  # fmt: skip
def test_an_augmentation_that_takes_images_and_a_generator(augment):
    make(CRNNImageClassifier, augment=augment).fit(*draw())


@pytest.mark.parametrize("name", ["hidden_size", "filters", "kernel_size"])
@pytest.mark.parametrize("value", [2**62, 2**40])
def test_sizes_that_no_memory_holds(name, value):
    sentence = f"There is not enough memory for the weights of a network with .*{name}="
    with pytest.raises(ValueError, match=f"{sentence}{value}"):
        make(CRNNImageClassifier, **{name: value}).fit(*draw())


NUMPY_PARAMETERS = {
    "attention_heads": np.int64(2),
    "batch_size": np.int64(16),
    "bidirectional": np.True_,
    "cell": np.str_("gru"),
    "dropout": np.float32(0.25),
    "early_stopping": np.True_,
    "filters": (np.int64(4), np.int16(8)),
    "hidden_size": (np.int64(8), np.uint8(6)),
    "image_shape": (np.int64(8), np.int64(8)),
    "kernel_size": np.int64(3),
    "learning_rate": np.float32(0.015625),
    "max_epochs": np.int64(3),
    "n_iter_no_change": np.int64(2),
    "n_views": np.int64(2),
    "patch_size": (np.int64(2), None),
    "pooling": np.str_("attention"),
    "random_state": np.int64(1),
    "scan": (np.str_("rows"), np.str_("columns")),
    "validation_fraction": np.float64(0.25),
    "verbose": np.int64(0),
    "warm_start": np.True_,
    "weight_decay": np.longdouble(0.125),
}


def test_numpy_scalars_are_as_good_as_plain_values(cls):
    X, y = draw()
    names = cls().get_params().keys() & NUMPY_PARAMETERS.keys()
    given = {name: NUMPY_PARAMETERS[name] for name in names}
    plain_values = {name: plain(value) for name, value in given.items()}
    plain_values["weight_decay"] = 0.125
    one, other = (cls(**values) for values in (given, plain_values))
    for way in ("fit", "fit", "partial_fit"):
        getattr(one, way)(flat(X), y)
        getattr(other, way)(flat(X), y)
        assert weights_equal(one, other)
    assert_array_equal(one.predict_proba(X), other.predict_proba(X))
    assert_array_equal(pickled(one).predict_proba(X), other.predict_proba(X))
    assert_array_equal(
        clone(one).fit(X, y).loss_curve_, clone(other).fit(X, y).loss_curve_
    )
    assert one.get_params() == given | {
        name: value for name, value in one.get_params().items() if name not in given
    }
    for model in (one, other):
        held = {k: v for k, v in vars(model).items() if k not in model.get_params()}
        assert scalars_of_numpy(held) == []
    assert json.dumps(one._fitted_recipe) == json.dumps(other._fitted_recipe)


def scalars_of_numpy(value):
    """The NumPy scalars in dicts, lists and tuples of whatever depth."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return [scalar for item in value for scalar in scalars_of_numpy(item)]
    return [value] if isinstance(value, np.generic) else []


def test_the_transformer_takes_numpy_scalars():
    X, _ = draw()
    size = (np.int64(2), np.int64(4))
    one = ImageToSequence(
        np.str_("snake"), patch_size=size, image_shape=(np.int64(8),) * 2
    )
    one.fit(flat(X))
    assert one.image_shape_ == (8, 8)
    assert scalars_of_numpy([one.image_shape_, one.n_steps_, one.step_size_]) == []
    other = ImageToSequence("snake", patch_size=(2, 4))
    assert_array_equal(one.transform(X), other.fit_transform(X))


def test_searches_over_numpy_values(cls):
    X, y = draw()
    grid = {
        "max_epochs": np.arange(2, 4),
        "hidden_size": np.array([4, 8]),
        "cell": np.array(["rnn", "gru"]),
    }
    search = GridSearchCV(make(cls), grid, cv=2, error_score="raise").fit(X, y)
    assert search.best_estimator_.n_iter_ == search.best_params_["max_epochs"]
    distributions = {
        "batch_size": stats.randint(4, 30),
        "learning_rate": stats.loguniform(1e-3, 1e-2),
        "dropout": np.linspace(0, 0.5, 9, dtype=np.float32),
        "bidirectional": np.array([True, False]),
        "n_views": np.arange(1, 4),
        "patch_size": np.arange(1, 3),
        "n_iter_no_change": np.arange(2, 4),
    }
    search = RandomizedSearchCV(
        make(cls, early_stopping=np.True_, validation_fraction=np.float32(0.25)),
        distributions,
        n_iter=4,
        cv=2,
        random_state=0,
        error_score="raise",
    )
    pickled(search.fit(X, y)).predict(X)


# Numbers


@pytest.mark.parametrize("factor, dtype, std", [
    (1e-310, np.float64, "5.81e-309"), (1e-307, np.float64, "5.81e-306"),
    (1e-40, np.float32, "5.81e-39"),
])  # fmt: skip
def test_pixels_that_only_denormal_numbers_tell_apart(cls, factor, dtype, std):
    X, y = draw()
    sentence = (
        f"The pixels of X have a standard deviation of {std} in channel 0, too small "
        f"to be told apart in {np.dtype(dtype)}. Scale them first"
    )
    tiny = X * dtype(factor)
    with refused(ValueError, sentence):
        make(cls).fit(tiny.astype(dtype), y)
    model = make(cls).fit(tiny / tiny.max(), y)
    assert model.score(tiny / tiny.max(), y) == 1


@pytest.mark.parametrize("factor, dtype", [
    (1e-300, np.float64), (1e300, np.float64), (1e-33, np.float32), (1e35, np.float32),
])  # fmt: skip
def test_pixels_of_any_order(cls, factor, dtype):
    X, y = draw()
    X = (X * factor).astype(dtype)
    model = make(cls, max_epochs=6).fit(X, y, X_val=X, y_val=y)
    assert model.score(X, y) > 0.9


@pytest.mark.parametrize("cls, pixel", [
    (CRNNImageClassifier, 1e30), (CRNNImageClassifier, -1e300),
    (RNNImageClassifier, 1e300),
], indirect=["cls"])  # fmt: skip
@pytest.mark.filterwarnings("ignore:The pixels of X have a mean")
def test_outputs_that_are_not_finite(cls, pixel):
    X, y = draw(n=140)  # in single precision
    model = make(cls, pooling="attention", scan="rows", max_epochs=1).fit(X, y)
    X = X.astype(np.float64)
    X[5] = pixel
    sentence = (
        f"The outputs of the network for X[5] are not finite. Its pixels reach "
        f"{abs(pixel):.3g}, those of fit have a mean of ["
    )
    for method in ("predict", "predict_proba", "predict_log_proba", "attention_weights",
                   "decision_function"):  # fmt: skip
        with refused(ValueError, sentence):
            getattr(model, method)(X)
        with refused(ValueError, sentence):
            getattr(model, method)(list(X))
    with refused(ValueError, sentence):
        model.score(X, y)
    with refused(ValueError, sentence):
        list(model.staged_predict_proba(X))


UNITS = {
    "0 to 1": lambda X: X / 255,
    "0 to 1 in halves": lambda X: (X / 255).astype(np.float16),
    "0 to 65535": lambda X: X / np.float32(65535),
    "-1 to 1": lambda X: X / 127.5 - 1,
    "standardised": lambda X: (X - 100.0) / 80,
    "binary": lambda X: X > 127,
    "binary floats": lambda X: (X > 127).astype(float),
    "missing pixels": lambda X: with_missing(X / 255),
    "a list": lambda X: [x[: 8 - i % 2] / 255 for i, x in enumerate(X)],
    "one image": lambda X: X[:1] / 255,
    "16 bits": lambda X: X.astype(np.uint16) * 257,
}
SAME_UNIT = {
    "as in fit": lambda X: X,
    "one image": lambda X: X[:1],
    "one image as a list": lambda X: [X[0]],
    "black": np.zeros_like,
    "white": lambda X: np.full_like(X, 255),
    "white floats": lambda X: np.full(X.shape, 255.0),
    "one black image": lambda X: np.zeros((1, 8, 8)),
    "dim": lambda X: X // 20,
    "dimmer": lambda X: X // 100,
    "dim floats": lambda X: X * 0.05,
    "one dim image": lambda X: X[:1] // 100,
    "one hot pixel": lambda X: with_pixel(np.zeros((1, 8, 8)), 1),
    "noise on black": lambda X: np.random.RandomState(0).randint(0, 4, (1, 8, 8)),
    "noise on white": lambda X: 255 - X // 100,
    "rounding of black": lambda X: X * 1e-9,
    "bright": lambda X: np.minimum(X.astype(int) * 3, 255),
    "missing pixels": with_missing,
    "nearly all missing": lambda X: np.where(np.arange(8) > 0, np.nan, X),
    "10 bits": lambda X: X.astype(np.uint16) * 4,
    "a list": lambda X: [x[: 8 - i % 2] for i, x in enumerate(X)],
}


def with_pixel(X, value):
    X[0, 3, 4] = value
    return X


@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 3)], ids=str)
@pytest.mark.parametrize("case", UNITS)
def test_pixels_in_another_unit(case, shape):
    X, y = draw(shape=shape)
    sentence = "they cannot be in the same unit. Bring X into that of fit, for instance"
    model = make(CRNNImageClassifier, pooling="attention", scan="sweep").fit(X, y)
    for method in (
        "predict",
        "predict_proba",
        "decision_function",
        "attention_weights",
    ):
        with pytest.warns(UserWarning, match=sentence):
            getattr(model, method)(UNITS[case](X))
    other, labels = UNITS[case](X), y[: len(UNITS[case](X))]
    with pytest.warns(UserWarning, match=sentence):
        model.score(other, labels)
    with pytest.warns(UserWarning, match="The pixels of X_val have a mean of "):
        model.fit(X, y, X_val=other, y_val=labels)
    with pytest.warns(UserWarning, match=sentence):
        model.partial_fit(other, labels)
    with pytest.warns(UserWarning, match=sentence):
        model.set_params(warm_start=True, early_stopping=False).fit(X, y).fit(
            [*other] * 3, [*labels] * 3 if len(labels) > 1 else [0, 1, 2]
        )
    rows = make(CRNNImageClassifier, scan="rows", patch_size=1).fit(X, y)
    with pytest.warns(UserWarning, match=sentence):
        list(rows.staged_predict_proba(other))


@pytest.mark.parametrize("cast", [np.asarray, lambda X: X / 255], ids=["255", "1"])
@pytest.mark.parametrize("case", SAME_UNIT)
def test_pixels_in_the_same_unit(case, cast):
    X, y = draw()
    model = make(CRNNImageClassifier, scan="sweep").fit(
        cast(X), y, X_val=cast(X), y_val=y
    )
    other = SAME_UNIT[case](X)
    model.predict([cast(x) for x in other] if isinstance(other, list) else cast(other))


def test_units_of_channels_that_are_constant():
    X, y = draw(shape=(8, 8, 3))
    X[..., 2] = 255  # opaque
    model = make(CRNNImageClassifier).fit(X, y)
    X[..., 2] = 0
    model.predict(X)
    with pytest.warns(UserWarning, match="cannot be in the same unit"):
        model.predict(X / 255)
    constant = make(CRNNImageClassifier).fit(np.zeros((24, 8, 8)), y)
    constant.predict(np.full((1, 8, 8), 255))


def test_the_unit_of_large_images_is_told_from_a_sample():
    rng = np.random.RandomState(0)
    mean, scale = np.array([100.0]), np.array([50.0])
    images = Images(rng.randint(0, 256, (3, 2000, 2000, 1), dtype=np.uint8))
    begin = time.perf_counter()
    warn_of_another_unit(images, mean, scale)
    assert time.perf_counter() - begin < 0.2
    images = Images((images.array / 255).astype(np.float32))
    with pytest.warns(UserWarning, match="The pixels of X have a mean of 0.5"):
        warn_of_another_unit(images, mean, scale)


# Shapes


@pytest.mark.parametrize("shape", [(8, 8), (6, 9), (8, 8, 3), (5, 8, 2)], ids=str)
def test_one_image_is_no_set_of_images(cls, shape):
    X, y = draw(shape=shape)
    sentence = (
        f"X has the shape of one image of fit, {shape}, but must hold several. For one "
        "image pass X[None]."
    )
    model, reader = make(cls, max_epochs=1).fit(X, y), ImageToSequence().fit(X)
    one = X[0]
    for given in (
        one,
        one.tolist(),
        list(one),
        torch.from_numpy(one),
        one.astype(">f4"),
    ):
        for call in (model.predict, reader.transform, model.predict_proba):
            with refused(ValueError, sentence):
                call(given)
    with refused(ValueError, sentence.replace("X", "X_val")):
        model.fit(X, y, X_val=one, y_val=y[: len(one)])
    if len(shape) == 2:
        with refused(ValueError, sentence):
            model.predict(pd.DataFrame(one))
        with refused(ValueError, sentence):
            model.predict(one[..., None])
    assert_array_equal(model.predict(one[None]), model.predict(X[:1]))


def test_one_line_is_an_image_where_images_are_lines():
    X, y = draw(shape=(1, 8))
    model = make(CRNNImageClassifier).fit(X, y)
    assert_array_equal(model.predict(X[0]), model.predict(X[:1]))


@pytest.mark.parametrize("parameters, bounded", [
    ({"scan": "rows"}, True), ({"scan": "rows", "patch_size": 2}, False),
    ({"scan": "sweep"}, False), ({"cell": None, "scan": "sweep"}, True),
])  # fmt: skip
def test_an_array_of_another_size_than_that_of_fit(cls, parameters, bounded):
    model = make(cls, max_epochs=1, **parameters).fit(*draw())
    X = draw(shape=(9, 10))[0]
    sentence = (
        f"X holds images of shape (9, 10), but this {cls.__name__} was fitted on (8, "
        "8). Resize or pad them first, or pass a list"
    )
    sentence += ", list(X), where none is larger" if bounded else ": list(X)."
    with refused(ValueError, sentence) as caught:
        model.predict(X)
    assert ("declare the largest size in fit (image_shape)" in str(caught.value)) == (
        bounded
    )
    if bounded:
        with refused(ValueError, "Declare the largest size in fit (image_shape), "):
            model.predict(list(X))
    else:
        model.predict(list(X))
    with refused(ValueError, "fitted on (8, 8). Resize or pad them first."):
        ImageToSequence().fit(draw()[0]).transform(X)


def test_one_image_that_is_wider_than_those_of_its_fold():
    X, y = draw_unequal(n=12, sides=(6, 8))
    X[3] = np.pad(X[3], ((0, 0), (0, 6)))
    model = make(CRNNImageClassifier, scan="rows", max_epochs=1)
    with refused(ValueError, "along a side that scan=") as caught:
        cross_val_score(model, X, y, cv=3, error_score="raise")
    assert "Declare the largest size in fit (image_shape), " in str(caught.value)
    model.set_params(image_shape=(8, max(image.shape[1] for image in X)))
    assert np.isfinite(cross_val_score(model, X, y, cv=3, error_score="raise")).all()


@pytest.mark.parametrize("shape", [(6, 10), (28, 20), (4, 8)], ids=str)
def test_flat_images_that_are_no_square(cls, shape):
    X, y = draw(shape=shape)
    n = shape[0] * shape[1]
    sentence = (
        f"X has {n} columns, which are neither a square grey nor a square RGB image, "
        "so each image is read as one row of pixels. Pass image_shape=(height, width) or "
        f"(height, width, channels); (1, {n}) if it is a row."
    )
    model = make(cls, max_epochs=1, scan="rows", patch_size=(None, 4))
    for given in (flat(X), pd.DataFrame(flat(X)), list(flat(X))):
        with pytest.warns(UserWarning, match=re.escape(sentence)):
            model.fit(given, y)
        with pytest.warns(UserWarning, match=re.escape(sentence)):
            clone(model).partial_fit(given, y, classes=[0, 1, 2])
        with pytest.warns(UserWarning, match=re.escape(sentence)):
            ImageToSequence().fit(given)
    assert model.image_shape_ == (1, n)
    model.predict(flat(X))  # once is enough
    model.partial_fit(flat(X), y)
    for image_shape in (shape, (1, n)):
        model.set_params(image_shape=image_shape).fit(flat(X), y)
        ImageToSequence(image_shape=image_shape).fit(flat(X))
    model.set_params(image_shape=None).fit(X, y).predict(flat(X))


@pytest.mark.parametrize("n_columns", [2, 13, 30, 64, 75, 784])
def test_tables_and_squares_get_no_warning(n_columns):
    rng = np.random.RandomState(0)
    make(RNNImageClassifier, max_epochs=1).fit(rng.rand(9, n_columns), [0, 1, 2] * 3)
