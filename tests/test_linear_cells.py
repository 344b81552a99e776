"""The cells that are linear in their state: fast forms, memories, initialisation."""

import numpy as np
import pytest
import torch
from cells_by_hand import delay_by_formula, loop, steps, stirred
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import eval_legendre

from sk_rnnimage import RNNImageClassifier
from sk_rnnimage.networks import linear_cells
from sk_rnnimage.networks.linear_cells import (
    LMU,
    LRU,
    legendre_delay,
    legendre_response,
)


@pytest.mark.parametrize("cell", ["mingru", "lru", "lmu"])
@pytest.mark.parametrize("n_inputs", [1, 5])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_the_fast_forms_equal_a_loop_of_784_steps(cell, n_inputs, bidirectional):
    layer = stirred(cell, n_inputs, 6, bidirectional, 784, dtype=torch.float32)
    x = steps(784, 3, n_inputs, dtype=torch.float32)
    weights = {k: w.double() for k, w in layer.state_dict().items()}
    expected = loop(cell, weights, x.double().numpy())
    with torch.inference_mode():
        found = layer(x)
    assert found.dtype == torch.float32
    assert_allclose(found, expected, atol=2e-4 * np.abs(expected).max())


def test_the_lru_reads_few_and_many_features_alike():
    one = stirred("lru", LRU.FEW, 5, False, 30).cell
    x = steps(30, 3, LRU.FEW)
    by_states, by_filter = one._output(one._states(x), x), one.fast(x)
    assert_allclose(by_states.detach(), by_filter.detach(), atol=1e-12)


# What the LRU starts with


def test_the_ring_of_the_lru():
    torch.manual_seed(0)
    cell = LRU(3, 2000, 50)
    sizes = torch.exp(-cell.log_nu.exp()).detach().numpy()
    phases = cell.log_theta.exp().detach().numpy()
    assert 0.9 <= sizes.min() < 0.901
    assert 0.998 < sizes.max() <= 0.999
    # uniform over the area of the ring
    assert_allclose(np.mean(sizes**2), (0.9**2 + 0.999**2) / 2, atol=0.005)
    assert 0 < phases.min() < 0.02
    assert 6.26 < phases.max() <= 2 * np.pi + 1e-6
    gamma = cell.log_gamma.exp().detach().numpy()
    assert_allclose(gamma, np.sqrt(1 - sizes**2), rtol=1e-3)


def test_the_lru_keeps_the_size_of_noise():
    cell = LRU(1, 400, 3000)
    with torch.no_grad():
        pairs = cell._states(steps(3000, 2, 1, dtype=torch.float32))[2000:]
    real, imaginary = pairs.unflatten(2, (-1, 2)).unbind(3)
    assert_allclose((real**2 + imaginary**2).mean(), 1, atol=0.25)


# The memory of the LMU


@pytest.mark.parametrize("order, n_steps", [(1, 1), (3, 5), (6, 10), (471, 784)])
def test_the_matrices_of_the_lmu(order, n_steps):
    a, b = legendre_delay(order, n_steps)
    expected_a, expected_b = delay_by_formula(order, n_steps)
    assert a.dtype == b.dtype == torch.float64
    assert_allclose(a, expected_a, atol=1e-9)
    assert_allclose(b, expected_b, atol=1e-9)


def test_the_memory_of_the_lmu_holds_the_window():
    n_steps, order = 60, 12
    response = legendre_response(order, n_steps, n_steps).numpy()
    t = np.arange(4 * n_steps)
    u = np.sin(t / 9) + 0.3 * np.cos(t / 5)
    a, b = delay_by_formula(order, n_steps)
    m = np.zeros(order)
    for u_t in u:
        m = a @ m + b * u_t
    for delay in (0, 20, 45, 60):  # decoded by Legendre polynomials
        there = eval_legendre(np.arange(order), 2 * delay / n_steps - 1)
        assert_allclose(there @ m, np.interp(t[-1] + 0.5 - delay, t, u), atol=0.1)
    assert_allclose(response[:3], [b, a @ b, a @ a @ b], atol=1e-12)


@pytest.mark.parametrize(
    "n_steps, order", [(1, 1), (5, 3), (28, 17), (784, 471), (900, 512)]
)
@pytest.mark.parametrize("n_inputs, n_memories", [(1, 1), (3, 3), (28, 4)])
def test_the_size_of_the_lmu(n_steps, order, n_inputs, n_memories, monkeypatch):
    if n_steps > 30:  # the sizes alone
        monkeypatch.setattr(
            linear_cells, "legendre_response", lambda q, theta, t: torch.zeros(t, q)
        )
    cell = LMU(n_inputs, 6, n_steps)
    assert cell.weight_memory.shape == (6, n_memories, order)
    assert cell.response.shape == (n_steps, order)
    assert "response" not in cell.state_dict()


# In a classifier


@pytest.mark.parametrize("cell", ["lru", "lmu"])
def test_what_is_computed_comes_back_with_the_weights(cell, digits):
    X, _, y, _ = digits
    model = RNNImageClassifier(8, cell=cell, scan="hilbert", max_epochs=1)
    model.fit(X[:200], y[:200])
    again = RNNImageClassifier.__new__(RNNImageClassifier)
    again.__setstate__(model.__getstate__())
    assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    assert not any("response" in name for name in model.weights_)


def test_the_decay_of_the_weights_leaves_the_lrus_memory_alone(digits):
    X, _, y, _ = digits
    settings = {"cell": "lru", "scan": "rows", "max_epochs": 1, "random_state": 0}
    settings |= {"learning_rate": 1e-7, "bidirectional": False}
    plain, decayed = (
        RNNImageClassifier(8, weight_decay=d, **settings).fit(X, y).weights_
        for d in (0, 1e5)
    )
    for name, weight in plain.items():
        if name == "temperature":  # which is not learned by the optimiser
            continue
        alone = any(part in name for part in ("log_", "bias", "standardize"))
        same = np.allclose(weight, decayed[name], rtol=1e-2, atol=1e-4)
        assert same == alone, name
