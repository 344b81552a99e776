"""The skorch net: from data and settings to a trained network."""

import numpy as np
import pytest
import torch
from conftest import draw, make, make_settings, watched, weights_equal
from numpy.testing import assert_allclose, assert_array_equal
from skorch.callbacks import Callback

from sk_rnnimage import CRNNImageClassifier, RNNImageClassifier
from sk_rnnimage._data.sets import ImageSet
from sk_rnnimage._data.targets import Classes
from sk_rnnimage._training import train as train_file
from sk_rnnimage._training.train import train
from sk_rnnimage.images.kinds import Images
from sk_rnnimage.networks.network import new_network, weights_of
from sk_rnnimage.networks.recipe import FILTERS_FOR_MANY


def set_of(n=20, seed=0):
    X, codes = draw(n=n, seed=seed)
    return ImageSet(Images(X[..., None]), codes, np.ones(n))


def trained(cls, *epochs, keep_state=True, valid=None, **changes):
    """Weights after calls of so many epochs each, and the last call's results."""
    data, target = set_of(), Classes("Name", None, np.arange(3))
    network = new_network(make(cls)._network_recipe(), (8, 8), 3, data, seed=0)
    network.cast(torch.float64)
    state = None
    for n_epochs in epochs:
        its = make_settings(max_epochs=n_epochs, schedule=False, **changes)
        results = train(network, data, valid, target, its, state)
        state = results[2] if keep_state else None
    assert not network.training
    assert all(parameter.grad is None for parameter in network.parameters())
    return weights_of(network), results


# Training that goes on


def test_epochs_in_two_calls_are_those_of_one(cls):
    once, (history, best, state) = trained(cls, 4)
    twice, (_, _, other) = trained(cls, 1, 3)
    assert [row["epoch"] for row in history] == [1, 2, 3, 4]
    assert best == 4
    for name, weights in once.items():
        assert_array_equal(twice[name], weights)
    assert other.keys() == state.keys()
    for name, array in state.items():
        assert_array_equal(other[name], array)
    forgetful, _ = trained(cls, 1, 3, keep_state=False)
    assert not np.array_equal(forgetful["head.weight"], once["head.weight"])


def test_a_schedule_leaves_no_state_of_the_optimiser(cls):
    data, target = set_of(), Classes("Name", None, np.arange(3))
    network = new_network(make(cls)._network_recipe(), (8, 8), 3, data, seed=0)
    _, best, state = train(network, data, set_of(seed=1), target, make_settings())
    assert state is None
    assert best in (1, 2)


def test_the_best_epoch_has_the_lowest_validation_loss(cls):
    _, (history, best, _) = trained(cls, 5, valid=set_of(seed=1), learning_rate=0.1)
    assert best == 1 + np.argmin([row["valid_loss"] for row in history])
    (plain, _), (scored, _) = trained(cls, 5), trained(cls, 5, valid=set_of(seed=1))
    for name, weights in plain.items():
        assert_array_equal(scored[name], weights)


# What a fit trains


def test_biases_do_not_decay(cls):
    X, y = draw()
    watch, _ = watched(cls, X, y, weight_decay=0.3)
    assert {decay for decays in watch.decays for decay in decays} == {0.0, 0.3}
    still, decayed = (
        make(cls, learning_rate=1e-6, weight_decay=decay).fit(X, y)
        for decay in (0.0, 1e5)
    )
    assert_allclose(
        still.weights_["head.bias"], decayed.weights_["head.bias"], atol=1e-4
    )
    shrunk = np.abs(decayed.weights_["head.weight"]).max()
    assert shrunk < 0.95 * np.abs(still.weights_["head.weight"]).max()


def test_dropout_is_off_in_predict_and_on_in_training(cls):
    X, y = draw()
    model = make(cls, dropout=0.5).fit(X, y)
    assert_array_equal(model.predict_proba(X), model.predict_proba(X))
    assert not weights_equal(model, make(cls).fit(X, y))
    assert weights_equal(model, make(cls, dropout=0.5).fit(X, y))


# Threads


class Threads(Callback):
    """How many threads compute."""

    def on_batch_end(self, net, **kwargs):
        self.found = torch.get_num_threads()


@pytest.mark.parametrize("few, expected", [(10**9, 1), (0, 2)])
def test_a_small_network_trains_on_one_thread(cls, few, expected, monkeypatch):
    monkeypatch.setattr(train_file, "FEW_PRODUCTS", few)
    before, threads = torch.get_num_threads(), Threads()
    torch.set_num_threads(2)
    try:
        make(cls, callbacks=[threads], max_epochs=1).fit(*draw())
        assert threads.found == expected
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_the_networks_for_many_small_images_are_small(cls):
    X, y = draw(n=10, shape=(28, 28))
    many = {"filters": FILTERS_FOR_MANY} if cls is CRNNImageClassifier else {}
    network = cls(max_epochs=1, **many).fit(X, y).module_
    n_together = cls().batch_size
    assert 0 < n_together * network.n_products(28, 28) <= train_file.FEW_PRODUCTS
    large = n_together * network.n_products(280, 280)
    assert large > train_file.FEW_PRODUCTS


# Memory that ends


@pytest.mark.parametrize("where", ["make_net", "own_callbacks"])
def test_memory_that_ends_before_the_first_batch(where, monkeypatch):
    def fail(*args, **kwargs):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(train_file, where, fail)
    sentence = (
        "The memory of device 'cpu' does not hold a batch of batch_size=64 images"
    )
    with pytest.raises(ValueError, match=sentence):
        RNNImageClassifier(2, max_epochs=1).fit(*draw())


@pytest.mark.parametrize("n, muon", [(128, False), (129, True)])
def test_filters_are_trained_by_muon_in_single_precision(n, muon):
    X, y = draw(n=n)
    found = []

    class Seen(Callback):
        def on_train_begin(self, net, **kwargs):
            groups = net.optimizer_.param_groups
            found.extend(group.get("muon", False) for group in groups)

    make(CRNNImageClassifier, callbacks=[Seen()], max_epochs=1).fit(X, y)
    assert any(found) == muon
