"""The recipe of a network: what the parameters say, in plain values."""

import json
import math
import re

import numpy as np
import pytest
from conftest import draw, make

from sk_rnnimage import CRNNImageClassifier, RNNImageClassifier
from sk_rnnimage.networks import recipe as recipe_file
from sk_rnnimage.networks.recipe import (
    COLOUR_FILTERS,
    FILTERS,
    FILTERS_FOR_MANY,
    changed_parameter,
    make_recipe,
    resolved,
    with_data,
)


def recipe_of(model):
    return model._network_recipe()


def test_the_values_are_plain(cls):
    recipe = recipe_of(make(cls, patch_size=[2, None], hidden_size=[8, 4]))
    whole = with_data(recipe, (8, 9), 3, True)
    assert json.loads(json.dumps(whole)).keys() == whole.keys()
    assert whole["hidden_size"] == (8, 4)
    assert whole["patch_size"] == (2, None)
    assert whole["image_shape"] == (8, 9, 1)
    assert with_data(recipe, (8, 9, 3), 3, True)["image_shape"] == (8, 9, 3)


@pytest.mark.parametrize(
    ("cls", "patch_size", "scans"),
    [
        (RNNImageClassifier, None, ("overlapping rows", "overlapping columns")),
        (RNNImageClassifier, 4, ("rows", "columns")),
        (CRNNImageClassifier, None, ("single rows",)),
        (CRNNImageClassifier, 4, ("rows",)),
    ],
)
def test_what_auto_reads(cls, patch_size, scans):
    assert recipe_of(cls(patch_size=patch_size))["scans"] == scans


def test_a_network_without_convolutions_has_no_filters():
    recipe = recipe_of(RNNImageClassifier())
    assert recipe["filters"] == recipe["kernel_size"] == ()
    recipe = recipe_of(CRNNImageClassifier(filters=(4, 8, 8), kernel_size=5))
    assert recipe["filters"] == (4, 8, 8)
    assert recipe["kernel_size"] == (5, 5, 5)


def test_other_parameters_change_no_network(cls):
    params = make(cls).get_params()
    one, other = (
        make_recipe(**{**params, **more}, auto_scans=("rows",))
        for more in ({}, {"batch_size": 7, "random_state": 3, "image_shape": (3, 4)})
    )
    assert one == other


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"hidden_size": 9}, "hidden_size"),
        ({"scan": "rows"}, "scan"),
        ({"patch_size": 2}, "patch_size"),
        ({"dropout": 0.5}, None),
        ({"batch_size": 9}, None),
        ({"cell": None}, "cell"),
    ],
)
def test_the_changed_parameter_is_named(cls, changed, name):
    fitted = with_data(recipe_of(make(cls)), (8, 8), 3, False)
    assert changed_parameter(fitted, recipe_of(make(cls, **changed))) == name


@pytest.mark.parametrize(
    "hidden_size, bidirectional, n_heads, width",
    [
        (8, True, 3, 16),
        (8, False, 16, 8),
        ((6, 5), True, 4, 10),
        (5, False, 2, 5),
    ],
)
def test_heads_must_divide_a_state(cls, hidden_size, bidirectional, n_heads, width):
    settings = {"bidirectional": bidirectional, "attention_heads": n_heads}
    sentence = (
        f"attention_heads={n_heads} must divide the {width} values of a state: "
        f"hidden_size={hidden_size!r} in {1 + bidirectional} direction(s)."
    )
    with pytest.raises(ValueError, match=re.escape(sentence)):
        make(cls, hidden_size=hidden_size, **settings).fit(*draw())


# filters="auto"


@pytest.mark.parametrize(
    "n_channels, n_images, filters",
    [
        (1, 1, FILTERS),
        (1, 20_000, FILTERS),
        (1, 20_001, FILTERS_FOR_MANY),
        (1, math.inf, FILTERS_FOR_MANY),
        (3, 1, COLOUR_FILTERS),
        (3, math.inf, COLOUR_FILTERS),
    ],
)
def test_the_filters_of_auto(n_channels, n_images, filters):
    recipe = recipe_of(CRNNImageClassifier(kernel_size=5))
    assert recipe["filters"] == "auto"
    found = resolved(recipe, n_channels, n_images)
    assert found["filters"] == filters
    assert found["kernel_size"] == (5,) * len(filters)
    given = recipe_of(CRNNImageClassifier(filters=4))
    assert resolved(given, n_channels, n_images) is given
    words = " ".join(CRNNImageClassifier.__doc__.split())
    assert f"``{filters}``" in words


def test_a_network_without_convolutions_stays_without():
    recipe = recipe_of(RNNImageClassifier())
    assert resolved(recipe, (28, 28, 3), 10)["filters"] == ()


@pytest.mark.parametrize(
    "name, value", [("kernel_size", (3, 3)), ("downsample", (True, False))]
)
def test_layers_one_by_one_need_filters(name, value):
    sentence = (
        f"{name}={value!r} has an entry for each layer, so filters must be a tuple of "
        "as many. Got filters='auto'."
    )
    with pytest.raises(ValueError, match=re.escape(sentence)):
        CRNNImageClassifier(**{name: value}).fit(*draw())


@pytest.mark.parametrize("first", ["fit", "partial_fit"])
def test_what_was_fitted_stays(first):
    X, y = draw(n=30)
    model = make(CRNNImageClassifier, filters="auto", warm_start=True, max_epochs=1)
    if first == "fit":
        model.fit(X, y)
    else:
        model.partial_fit(X, y, classes=[0, 1, 2])
    filters = FILTERS if first == "fit" else FILTERS_FOR_MANY
    assert model._fitted_recipe["filters"] == filters
    for method in (model.fit, model.partial_fit):
        assert method(X, y)._fitted_recipe["filters"] == filters
    model.set_params(kernel_size=5)
    with pytest.raises(ValueError, match="kernel_size=5 does not go with the network"):
        model.fit(X, y)


def test_rows_of_weight_0_do_not_count(monkeypatch):
    monkeypatch.setattr(recipe_file, "MANY", 20)
    X, y = draw(n=30)
    model = make(CRNNImageClassifier, filters="auto", max_epochs=1)
    for n, filters in ((20, FILTERS), (21, FILTERS_FOR_MANY)):
        model.fit(X, y, sample_weight=range(30, 0, -1) > np.full(30, 30 - n))
        assert model._fitted_recipe["filters"] == filters
