"""Constructor parameters: held to their constraints, and as plain values."""

import copy
import functools
import json

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import (
    draw,
    flat,
    make,
    pickled,
    weights_equal,
)
from hostile_by_hand import fitted, refused
from numpy.testing import assert_array_equal
from scipy import stats
from sklearn import clone, config_context
from sklearn.model_selection import (
    GridSearchCV,
    RandomizedSearchCV,
)
from skorch.callbacks import EpochTimer

from sk_rnnimage import CRNNImageClassifier, ImageToSequence, RNNImageClassifier
from sk_rnnimage._environment.parameters import n_workers, plain

NEVER_VALID = [
    object(),
    {8, 9},
    {},
    [],
    (None,),
    "x",
    "",
    b"x",
    int,
    -1,
    2**63,
    1 + 2j,
    np.nan,
    np.inf,
    -np.inf,
    np.float64(np.nan),
    np.array(1),
    np.array([1, 2]),
    pd.NA,
]
EDGES = {
    "attention_heads": [0, 0.5, 3, (2,)],
    "augment": ["Shift", 1, ("shift",)],
    "batch_size": [0, 0.5, None, "auto"],
    "bidirectional": [0, 1, None, "yes"],
    "callbacks": [0, "print_log", {"a": 1}, [None], [("a", None)]],
    "cell": ["LSTM", 1, ("lstm",)],
    "checkpoint": [0, b"folder", ("folder",), True],
    "class_weight": ["auto", (1, 2), 1, {0: -1.0}, {0: np.nan}, {0: "1"}],
    "device": [None, 0, "cpu:0", "meta"],
    "downsample": [True, (True, False), (1,), "Auto", None],
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
    "precision": ["bf16", None, 16, torch.bfloat16],
    "random_state": [0.5, 2**32, (1, 2)],
    "scan": ["zigzag", None, 1, (), ("rows", None), {"rows"}],
    "validation_fraction": [0, 1, None, "auto"],
    "verbose": [None, 0.5, "yes"],
    "warm_start": [0, 1, None, "auto"],
    "weight_decay": [None, "auto", (0.1,)],
}
VALID = {("class_weight", "{}"), ("callbacks", "[]")}
VALID |= {("checkpoint", "'x'"), ("checkpoint", "''")}  # partial_fit saves nothing


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


@pytest.mark.parametrize(
    "augment",
    [
        lambda image: image,
        lambda: None,
        lambda images, generator, more: images,
        lambda images, *, generator: images,
        len,
        int,
        OfImagesAlone,
    ],
)
def test_an_augmentation_of_other_arguments(cls, augment):
    sentence = (
        "augment must be callable as augment(images, generator), with float tensors (B,"
        " C, H, W), of clips (B, T, C, H, W), and a torch.Generator. Got "
        f"{augment!r}. A transform of images alone"
        " fits as augment=lambda images, generator: transform(images)."
    )
    with refused(ValueError, sentence):
        make(cls, augment=augment).fit(*draw())


@pytest.mark.parametrize(
    "augment",
    [
        lambda images, generator: images,
        lambda images, generator=None: images,
        lambda *args: args[0],
        lambda images, rng, strength=2: images,
        functools.partial(lambda strength, images, generator: images, 2),
        functools.partial(lambda images, generator, strength: images, strength=2),
        lambda images, generator: torch.roll(images, 1, 2),
    ],
)
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


@pytest.mark.parametrize(
    "n_jobs, expected",
    [(None, None), (2**31, 5), (3, 3), (-1, -1), (-(2**70), -(2**70))],
)
def test_no_more_workers_than_tasks(n_jobs, expected):
    assert n_workers(n_jobs, 5) == expected


def test_no_worker_at_all():
    with refused(ValueError, "n_jobs must be None, a number of workers or, below 0"):
        n_workers(0, 5)
