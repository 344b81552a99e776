"""Mixed precision: the large products in bfloat16, in training alone."""

import numpy as np
import pytest
import torch
from conftest import draw, draw_unequal, make, weights_equal, with_missing
from numpy.testing import assert_array_equal
from torch import nn

from sk_rnnimage import CRNNImageClassifier, RNNImageClassifier
from sk_rnnimage._training import auto
from sk_rnnimage.networks.network import ImageNetwork
from sk_rnnimage.networks.precision import MixedPrecision, train_in
from sk_rnnimage.networks.recipe import with_data
from sk_rnnimage.networks.stem import StandardConvolution
from sk_rnnimage.networks.steps import Product


def network_of(model, shape=(16, 16, 3)):
    return ImageNetwork(with_data(model._network_recipe(), shape, 3, False))


def products(network):
    return {
        name: layer.in_bfloat16
        for name, layer in network.named_modules()
        if isinstance(layer, MixedPrecision)
    }


@pytest.fixture
def native(monkeypatch):
    """A processor with instructions for bfloat16, whatever this one has."""
    monkeypatch.setattr(auto, "multiplies_bfloat16", lambda device: True)


def test_auto_takes_the_large_products():
    network = network_of(CRNNImageClassifier(filters=(8, 16)))
    train_in(network, "auto")
    assert list(products(network).values()) == [False, True, False]
    train_in(network, "bfloat16")
    assert list(products(network).values()) == [True, True, True]
    train_in(network, "float32")
    assert list(products(network).values()) == [False, False, False]
    assert [Product(n, 64).is_large() for n in (255, 256)] == [False, True]


@pytest.mark.parametrize("training", [True, False])
def test_products_are_rounded_in_training_alone(training):
    torch.manual_seed(0)
    layer = StandardConvolution(3, 16, 3).train(training)
    x = torch.randn(2, 3, 8, 8)
    exact = layer(x)
    layer.in_bfloat16 = True
    found = layer(x)
    if not training:
        assert torch.equal(found, exact)
        return
    assert found.dtype == torch.bfloat16
    error = (found - exact).abs().max()
    assert 0 < error < 0.05 * exact.abs().max()


@pytest.mark.parametrize("kind", ["equal", "unequal", "missing"])
def test_what_is_learned_stays_in_float32(cls, kind):
    X, y = draw_unequal(n=130) if kind == "unequal" else draw(n=130, shape=(10, 9))
    X = with_missing(X) if kind == "missing" else X
    exact, rounded = (
        make(cls, precision=precision).fit(X, y)
        for precision in ("float32", "bfloat16")
    )
    assert rounded.weights_["head.weight"].dtype == np.float32
    assert not weights_equal(exact, rounded)
    assert np.abs(exact.predict_proba(X) - rounded.predict_proba(X)).max() < 0.1
    assert rounded.module_.dtype == torch.float32


def test_the_same_seed_gives_the_same_bits(cls):
    X, y = draw(n=150, shape=(12, 12))
    one, other = (make(cls, precision="bfloat16").fit(X, y) for _ in range(2))
    assert weights_equal(one, other)


def test_predictions_do_not_know_of_it(cls):
    X, y = draw(n=150)
    model = make(cls, precision="bfloat16").fit(X, y)
    expected = model.predict_proba(X)
    assert_array_equal(model.set_params(precision="float32").predict_proba(X), expected)


def test_small_sets_train_in_float64_all_the_same(cls):
    X, y = draw(n=128)
    one, other = (make(cls, precision=p).fit(X, y) for p in ("float32", "bfloat16"))
    assert weights_equal(one, other)


def test_auto_needs_a_processor_that_multiplies_bfloat16(monkeypatch):
    X, y = draw(n=150)
    fits = {}
    for native in (True, False):
        monkeypatch.setattr(auto, "multiplies_bfloat16", lambda d, n=native: n)
        for precision in ("auto", "float32"):
            model = make(CRNNImageClassifier, filters=16, precision=precision)
            fits[native, precision] = model.fit(X, y)
    assert weights_equal(fits[False, "auto"], fits[False, "float32"])
    assert not weights_equal(fits[True, "auto"], fits[True, "float32"])


def test_a_small_network_is_never_rounded_by_auto(native):
    X, y = draw(n=150)
    for cls, more in ((RNNImageClassifier, {}), (CRNNImageClassifier, {"filters": 8})):
        one, other = (
            make(cls, precision=p, **more).fit(X, y) for p in ("auto", "float32")
        )
        assert weights_equal(one, other)


def test_weights_of_zero_and_one_stay_exact(cls):
    X, y = draw(n=150)
    weights = np.arange(150) < 140
    model = make(cls, precision="bfloat16")
    absent = model.fit(X[weights], y[weights]).weights_
    zero = model.fit(X, y, sample_weight=weights).weights_
    for name, array in absent.items():
        assert_array_equal(zero[name], array)


def test_masked_and_plain_normalisation_agree():
    model = make(CRNNImageClassifier, filters=16)
    network = network_of(model).train()
    train_in(network, "bfloat16")
    assert isinstance(network, nn.Module)
    x = torch.rand(3, 16, 16, 3)
    sizes = torch.full((3, 2), 16)
    torch.testing.assert_close(network(x), network(x, sizes), rtol=0.05, atol=0.05)
