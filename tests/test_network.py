"""Building, casting and loading whole networks."""

import copy
import pickle
import re
import threading

import numpy as np
import pytest
import torch
from conftest import draw, make
from numpy.testing import assert_allclose, assert_array_equal
from torch.utils.flop_counter import FlopCounterMode

from sk_rnnimage import RNNImageClassifier
from sk_rnnimage._environment.process import seeded
from sk_rnnimage.networks import network as networks
from sk_rnnimage.networks.cells import CELLS
from sk_rnnimage.networks.network import ImageNetwork, load_network, weights_of


def fitted(cls, **parameters):
    X, y = draw()
    return make(cls, **parameters).fit(X, y), X


@pytest.mark.parametrize("cell", CELLS)
def test_loading_gives_the_same_network(cls, cell):
    model, X = fitted(cls, cell=cell, attention_heads=2, pooling="attention")
    network = load_network(model._fitted_recipe, model.weights_)
    assert not network.training
    assert {tensor.device.type for tensor in network.buffers()} == {"cpu"}
    weights = weights_of(network)
    assert weights.keys() == model.weights_.keys()
    for name in weights:
        assert_array_equal(weights[name], model.weights_[name])
        assert weights[name].dtype == model.weights_[name].dtype
        assert not np.shares_memory(weights[name], model.weights_[name])
    images = torch.from_numpy(X)[..., None].float()
    with torch.inference_mode():
        assert torch.equal(network(images), model.module_(images))


@pytest.mark.parametrize("cell", CELLS)
def test_loading_draws_no_random_numbers(cls, cell):
    model, _ = fitted(cls, cell=cell, scan=("rows", "sweep"))
    before = torch.get_rng_state()
    load_network(model._fitted_recipe, model.weights_)
    assert torch.equal(torch.get_rng_state(), before)


def test_loading_does_not_wait_for_a_fit_in_another_thread(cls):
    model, X = fitted(cls)
    expected, pickled = model.predict_proba(X), pickle.dumps(model)
    predictions = []
    with seeded(0):  # as in a fit
        other = threading.Thread(
            target=lambda: predictions.append(pickle.loads(pickled).predict_proba(X))
        )
        other.start()
        other.join(timeout=60)
    assert_array_equal(predictions, [expected])


@pytest.mark.parametrize("copied", [copy.copy, lambda m: pickle.loads(pickle.dumps(m))])
def test_loading_waits_until_the_network_is_needed(cls, copied, monkeypatch):
    model, X = fitted(cls)
    expected, loaded = model.predict_proba(X), []
    monkeypatch.setattr(
        networks,
        "load_network",
        lambda *args: loaded.append(args) or load_network(*args),
    )
    other = copied(model)
    assert other.n_iter_ == model.n_iter_
    assert loaded == []
    assert_array_equal(other.predict_proba(X), expected)
    assert other.module_ is other.module_
    assert len(loaded) == 1


def test_a_trained_network_is_not_loaded_again(cls, monkeypatch):
    monkeypatch.setattr(networks, "load_network", None)  # would fail if it were called
    model, X = fitted(cls)
    model.predict(X)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.pop("head.bias"), "'head.bias' must have shape (3,). Got None"),
        (
            lambda w: w.update({"head.bias": np.zeros(4)}),
            "'head.bias' must have shape (3,). Got (4,) instead.",
        ),
        (
            lambda w: w.update({"more": np.zeros(4)}),
            "'more' must have shape None. Got (4,) instead.",
        ),
    ],
)
def test_other_weights_are_refused(cls, change, message):
    model, _ = fitted(cls)
    weights = dict(model.weights_)
    change(weights)
    with pytest.raises(ValueError, match=re.escape(message)):
        load_network(model._fitted_recipe, weights)


@pytest.mark.parametrize("cell", CELLS)
def test_shapes_are_checked_before_memory_is_taken(cls, cell):
    model, _ = fitted(cls, cell=cell)
    recipe = {**model._fitted_recipe, "hidden_size": (10**7,)}  # 10 ** 14 weights
    with pytest.raises(ValueError, match="The weights do not belong to this network"):
        load_network(recipe, model.weights_)


def test_casting_leaves_the_standardisation_in_float64(cls):
    model, _ = fitted(cls)
    network = ImageNetwork(model._fitted_recipe)
    network.standardize.set_moments(np.array([1 / 3]), np.array([2 / 3]))
    for dtype in (torch.float64, torch.float32):
        assert network.cast(dtype) is network
        assert network.dtype == dtype
        assert network.standardize.mean.item() == 1 / 3
        assert network.standardize.scale.item() == 2 / 3


def test_the_module_is_the_fitted_network(cls):
    model, X = fitted(cls)
    logits = model.module_(torch.from_numpy(X)[..., None].float())
    assert_array_equal(logits.detach().numpy(), model.decision_function(X))
    assert not hasattr(RNNImageClassifier(), "module_")


# Initial weights


@pytest.mark.parametrize("cell", CELLS)
def test_initial_weights_do_not_depend_on_the_number_of_rows(cls, cell):
    X, y = draw(n=60)
    few, many = (
        make(cls, cell=cell, learning_rate=1e-13).fit(X[:n], y[:n]) for n in (10, 60)
    )
    assert few.weights_.keys() == many.weights_.keys()
    for name, weight in few.weights_.items():
        if "standardize" not in name and name != "temperature":
            assert_allclose(weight, many.weights_[name], atol=1e-9)


def test_initial_weights_do_not_depend_on_the_images(cls):
    X, y = draw()
    one, two = (make(cls, learning_rate=1e-13).fit(Z, y) for Z in (X, 255 - X))
    assert_allclose(one.weights_["head.weight"], two.weights_["head.weight"], atol=1e-9)
    assert torch.tensor(one.weights_["head.weight"]).abs().max() > 0.1


@pytest.mark.parametrize("shape", [(20, 17, 3), (9, 9)], ids=str)
@pytest.mark.parametrize("scan", ["auto", ("rows", "columns"), "sweep"], ids=str)
def test_products_are_those_that_torch_counts(cls, scan, shape):
    X, y = draw(shape=shape)
    settings = {"scan": scan, "cell": None, "max_epochs": 1}
    network = make(cls, **settings).fit(X, y).module_
    images = torch.from_numpy(X.reshape(len(X), *shape[:2], -1)).float()
    with FlopCounterMode(display=False) as counter:
        network(images)
    expected = counter.get_total_flops() / 2 / len(X)  # a multiply-add counts as two
    assert network.n_products(*shape[:2]) == expected
