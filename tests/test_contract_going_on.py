"""Training that goes on: warm_start and partial_fit."""

import copy

import numpy as np
import pytest
import torch
from conftest import draw, dumped, make, pickled, saved, weights_equal
from numpy.testing import assert_allclose, assert_array_equal

from sk_rnnimage._data.targets import LABEL_SMOOTHING
from sk_rnnimage._training.optimizer import MuonAdamW


def test_warm_start_goes_on(cls):
    X, y = draw(n=40)
    model = make(cls, warm_start=True, max_epochs=5).fit(X, y)
    after_one = model.loss_curve_[-1]
    model.fit(X, y)
    assert model.n_iter_ == 10
    assert [row["epoch"] for row in model.history_] == list(range(1, 11))
    assert model.loss_curve_[5] < model.loss_curve_[0]
    assert model.loss_curve_[-1] < after_one
    model.set_params(warm_start=False).fit(X, y)
    assert model.n_iter_ == 5
    assert weights_equal(model, make(cls, max_epochs=5).fit(X, y))


@pytest.mark.parametrize("way", ["fit", "partial_fit"])
def test_dropout_may_change_where_training_goes_on(cls, way):
    X, y = draw(n=40)
    one = make(cls, warm_start=True).fit(X, y)
    other = copy.deepcopy(one).set_params(dropout=0.5)
    assert not weights_equal(getattr(one, way)(X, y), getattr(other, way)(X, y))


def test_warm_start_keeps_the_pixel_scaling(cls):
    X, y = draw(n=40)
    model = make(cls, warm_start=True).fit(X, y)
    mean = model.weights_["standardize.mean"].copy()
    model.fit(X // 2, y)
    assert_array_equal(model.weights_["standardize.mean"], mean)


@pytest.mark.parametrize("shape", [(8, 8), (5, 8, 3)], ids=str)
@pytest.mark.parametrize("through", [lambda m: m, pickled, dumped, saved])
@pytest.mark.parametrize("batch_size", [5, 128])
def test_pickling_between_partial_fits_changes_nothing(cls, shape, through, batch_size):
    X, y = draw(n=36, shape=shape)
    model, other = (make(cls, dropout=0.1, batch_size=batch_size) for _ in range(2))
    for part in np.split(np.arange(36), 4):
        model.partial_fit(X[part], y[part], classes=[0, 1, 2])
        other = through(other).partial_fit(X[part], y[part], classes=[0, 1, 2])
    assert weights_equal(model, other)
    assert model.n_iter_ == 4


def _loop(network, batches, learning_rate, weight_decay):
    """A plain torch loop: AdamW at a constant rate, gradients clipped to norm 1."""
    named = list(network.named_parameters())
    biases = [p for name, p in named if "bias" in name]
    filters = [p for name, p in named if name.endswith("convolution.weight")]
    known = {id(p) for p in biases + filters}
    optimizer = MuonAdamW(
        [
            {"params": [p for _, p in named if id(p) not in known]},
            {"params": biases, "weight_decay": 0.0},
            {"params": filters, "muon": network.dtype == torch.float32},
        ],
        lr=learning_rate,
        betas=(0.9, 0.98),
        weight_decay=weight_decay,
    )
    network.train()
    for X, y in batches:
        optimizer.zero_grad()
        images = torch.from_numpy(X.astype(np.float32))
        logits = network(images.unsqueeze(3) if X.ndim == 3 else images)
        torch.nn.functional.cross_entropy(
            logits, torch.from_numpy(y), label_smoothing=LABEL_SMOOTHING
        ).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
    return network.eval()


@pytest.mark.parametrize("shape", [(8, 8), (5, 8, 3)], ids=str)
def test_partial_fits_equal_one_loop(cls, shape):
    X, y = draw(n=40, shape=shape)
    model = make(cls, learning_rate=0.02, weight_decay=0.1).fit(X, y)
    network = copy.deepcopy(model.module_)
    parts = np.split(np.random.RandomState(0).permutation(40), 5) * 2
    _loop(network, [(X[part], y[part]) for part in parts], 0.02, 0.1)
    for part in parts:
        model.partial_fit(X[part], y[part])
    for name, weight in network.state_dict().items():
        assert_allclose(model.weights_[name], weight.numpy(), atol=1e-9, rtol=1e-9)


def test_partial_fit_keeps_the_first_scaling_and_classes(cls):
    X, y = draw(n=40)
    model = make(cls).partial_fit(X[:20], y[:20] % 2, classes=[0, 1, 2])
    assert_array_equal(model.classes_, [0, 1, 2])
    assert_allclose(model.weights_["standardize.mean"], X[:20].mean(), rtol=1e-6)
    model.partial_fit(X[20:] // 3, y[20:])
    assert_allclose(model.weights_["standardize.mean"], X[:20].mean(), rtol=1e-6)
    assert_array_equal(model.classes_, [0, 1, 2])


def test_partial_fit_learns(cls):
    X, y = draw(n=60)
    model = make(cls, learning_rate=0.02)
    for _ in range(40):
        model.partial_fit(X, y, classes=[0, 1, 2])
    assert model.score(X, y) > 0.9


def test_earlier_weights_are_not_written_over(cls):
    X, y = draw(n=40)
    model = make(cls).fit(X, y)
    held = model.weights_["head.weight"]
    values = held.copy()
    model.partial_fit(X, y)
    assert_array_equal(held, values)
    assert not np.array_equal(model.weights_["head.weight"], values)
