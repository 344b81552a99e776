"""Recipes and weights that somebody else wrote."""

import re
import tracemalloc

import numpy as np
import pytest
from conftest import draw, draw_clips, make

from sk_rnnimage import CRNNImageClassifier, RNNImageClassifier, quantize
from sk_rnnimage.networks.foreign import check_weights


def fitted(cls=RNNImageClassifier, data=draw, **parameters):
    return make(cls, max_epochs=1, **parameters).fit(*data(n=6))


@pytest.fixture(scope="module")
def model():
    return fitted(CRNNImageClassifier)


@pytest.mark.parametrize(
    "parameters",
    [
        *(
            {"cell": c}
            for c in ("rnn", "peephole", "gru", "mingru", "lru", "lmu", None)
        ),
        {"scan": "hilbert", "pooling": "attention", "attention_heads": 2},
        {"scan": ("snake", "sweep"), "hidden_size": (4, 3)},
        {"scan": "columns", "patch_size": 3},
    ],
)
def test_what_fit_makes_passes(cls, parameters):
    model = fitted(cls, **parameters)
    check_weights(model._fitted_recipe, model.weights_)
    without_memory = {
        name: np.broadcast_to(0, w.shape) for name, w in model.weights_.items()
    }
    check_weights(model._fitted_recipe, without_memory)


def test_clips_pass():
    model = fitted(CRNNImageClassifier, draw_clips, scan="frames")
    check_weights(model._fitted_recipe, model.weights_)


@pytest.mark.parametrize(
    "change",
    [
        {"hidden_size": (10**9,)},
        {"hidden_size": (8, 10**9)},
        {"filters": (10**9,)},
        {"kernel_size": (10**6,)},
        {"n_outputs": 10**12},
        {"image_shape": (10**9, 10**9, 1)},
        {"image_shape": (10**9, 8, 10**9)},
        {"hidden_size": (-1,)},
        {"hidden_size": None},
        {"cell": "os.system"},
        {"cell": ["lstm"]},
        {"scans": ("snail",)},
        {"scans": "rows"},
        {"dropout": 7.0},
        {"pooling": "most"},
    ],
)
def test_claims_without_the_weights_take_no_memory(model, change):
    tracemalloc.start()
    sentences = (
        "There is no network of|The weights are not|A file may hold a network of"
    )
    with pytest.raises(ValueError, match=sentences):
        check_weights({**model._fitted_recipe, **change}, model.weights_)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**25


def test_weights_that_claim_any_shape(model):
    for shape in ((10**12,), (10**9, 10**3), ()):
        weights = {**model.weights_, "head.weight": np.broadcast_to(0, shape)}
        sentence = (
            "The weights are not those of the network: 'head.weight' must have the "
            f"shape {model.weights_['head.weight'].shape}. Got {shape} instead."
        )
        with pytest.raises(ValueError, match=re.escape(sentence)):
            check_weights(model._fitted_recipe, weights)


def test_names_of_weights(model):
    for name in ("head.weight", "temperature"):
        others = {n: w for n, w in model.weights_.items() if n != name}
        with pytest.raises(ValueError, match=f"'{name}' must have .* Got None instead"):
            check_weights(model._fitted_recipe, others)
    more = {**model.weights_, "os.system": np.zeros(1)}
    with pytest.raises(ValueError, match="'os.system' must have the shape None"):
        check_weights(model._fitted_recipe, more)


def test_weights_in_8_bits(cls):
    model = quantize(fitted(cls))
    check_weights(model._fitted_recipe, model.weights_)
    name = "head.weight:scale"
    assert model.weights_[name].shape == (3, 1)
    for wrong in (np.ones(3), np.broadcast_to(0, (10**12, 1))):
        with pytest.raises(
            ValueError, match=r"'head.weight:scale' must .* \(3, 1\). Got"
        ):
            check_weights(model._fitted_recipe, {**model.weights_, name: wrong})
    with pytest.raises(ValueError, match="'head.no:scale' must have the shape None"):
        check_weights(model._fitted_recipe, {**model.weights_, "head.no:scale": wrong})


@pytest.mark.parametrize(
    "parameters, most",
    [
        ({"scan": "hilbert"}, 2**18),
        ({"scan": "snake", "patch_size": 2}, 2**18),
        ({"cell": "lmu", "scan": "rows"}, 2**16),
    ],
)
def test_more_steps_than_anybody_reads(parameters, most):
    """Their order is not among the weights, which fit images of any size."""
    model = fitted(RNNImageClassifier, **parameters)
    recipe = model._fitted_recipe
    huge = {**recipe, "image_shape": (10**7, 8, 1)}
    sentence = f"steps. A file may hold a network of at most {most}: choose a larger "
    with pytest.raises(ValueError, match=re.escape(sentence)):
        check_weights(huge, model.weights_)
    if most == 2**18:
        check_weights({**recipe, "image_shape": (64, 8, 1)}, model.weights_)


def test_more_layers_than_any_network_has(model):
    recipe = {**model._fitted_recipe, "hidden_size": (8,) * 10**6}
    with pytest.raises(ValueError, match="names 1000002 layers, as no network has"):
        check_weights(recipe, model.weights_)
