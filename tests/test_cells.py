"""The cells, worked by hand in NumPy, one step after the other."""

import functools

import numpy as np
import pytest
import scipy.linalg
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import eval_legendre
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.func import functional_call

from sk_rnnimage import RNNImageClassifier
from sk_rnnimage.networks import kernels, linear_cells
from sk_rnnimage.networks.cells import CELLS, make_layer
from sk_rnnimage.networks.linear_cells import (
    LMU,
    LRU,
    legendre_delay,
    legendre_response,
)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


# The equations, all steps: weights of one direction and (T, B, F) to (T, B, D)


def peephole_loop(w, x):
    h = s = np.zeros((x.shape[1], w["weight_hh"].shape[1]))
    p_i, p_f, p_o = w["weight_peephole"]
    states = []
    for x_t in x:
        gates = x_t @ w["weight_ih"].T + h @ w["weight_hh"].T + w["bias"]
        i, f, g, o = np.split(gates, 4, axis=1)
        s = sigmoid(f + p_f * s) * s + sigmoid(i + p_i * s) * np.tanh(g)
        h = sigmoid(o + p_o * s) * np.tanh(s)
        states.append(h)
    return np.stack(states)


def mingru_loop(w, x):
    h, states = 0, []
    for x_t in x:
        z, g = np.split(x_t @ w["weight"].T + w["bias"], 2, axis=1)
        h = (1 - sigmoid(z)) * h + sigmoid(z) * g
        states.append(h)
    return np.stack(states)


def lru_loop(w, x):
    decay = np.exp(-np.exp(w["log_nu"]) + 1j * np.exp(w["log_theta"]))
    drive = w["weight_in"][:, 0] + 1j * w["weight_in"][:, 1]
    read = w["weight_out"][..., 0] + 1j * w["weight_out"][..., 1]
    s, states = 0, []
    for x_t in x:
        s = decay * s + np.exp(w["log_gamma"]) * (x_t @ drive.T)
        h = (s @ read.T).real + x_t @ w["weight_past"].T + w["bias"]
        states.append(np.maximum(0, h))
    return np.stack(states)


def lmu_loop(w, x):
    n_memories, order = w["weight_memory"].shape[1:]
    a, b = delay_by_formula(order, len(x))
    m, states = np.zeros((x.shape[1], n_memories, order)), []
    for x_t in x:
        u = x_t @ w["encode.weight"].T + w["encode.bias"]
        m = m @ a.T + u[:, :, None] * b
        h = np.einsum("bpq,dpq->bd", m, w["weight_memory"])
        states.append(np.maximum(0, h + x_t @ w["weight_past"].T + w["bias"]))
    return np.stack(states)


@functools.cache
def delay_by_formula(order, n_steps):
    """The Legendre delay of n_steps steps, entry by entry, held for one step each."""
    a, b = np.empty((order, order)), np.empty(order)
    for j in range(order):
        b[j] = (2 * j + 1) * (-1) ** j / n_steps
        for k in range(order):
            sign = -1 if j < k else (-1) ** (j - k + 1)
            a[j, k] = (2 * j + 1) * sign / n_steps
    held = scipy.linalg.expm(a)
    return held, np.linalg.solve(a, (held - np.eye(order)) @ b)


LOOPS = {
    "peephole": peephole_loop,
    "mingru": mingru_loop,
    "lru": lru_loop,
    "lmu": lmu_loop,
}


def loop(cell, weights, x):
    """One or both directions, from the weights that there are: (T, B, N)."""
    one, other = (
        {k.removeprefix(way): np.asarray(w) for k, w in weights.items() if way in k}
        for way in ("cell.", "reverse_cell.")
    )
    found = [LOOPS[cell](one, x)]
    if other:
        found.append(LOOPS[cell](other, x[::-1])[::-1])
    return np.concatenate(found, axis=2)


def stirred(cell, n_inputs, n_units, bidirectional, n_steps, dtype=torch.float64):
    """A layer none of whose weights is 0 any more."""
    torch.manual_seed(0)
    layer = make_layer(cell, n_inputs, n_units, bidirectional, n_steps).to(dtype)
    with torch.no_grad():
        for weight in layer.parameters():
            weight += 0.1 * torch.randn_like(weight)
    return layer


def steps(*shape, dtype=torch.float64):
    generator = torch.Generator().manual_seed(1)
    return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)


@pytest.fixture(params=[20, 2**17])
def block(request, monkeypatch):
    """How much is worked on at a time; all gives the same."""
    monkeypatch.setattr(kernels, "BLOCK", request.param)


@pytest.mark.parametrize("cell", LOOPS)
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("n_steps, n_inputs", [(1, 1), (2, 3), (11, 1), (9, 4), (8, 6)])
def test_a_layer_is_a_loop(cell, bidirectional, n_steps, n_inputs, block):
    layer = stirred(cell, n_inputs, 5, bidirectional, n_steps)
    x = steps(n_steps, 4, n_inputs)
    expected = loop(cell, layer.state_dict(), x.numpy())
    with torch.inference_mode():
        assert_allclose(layer(x), expected, atol=1e-12)
        ends = [expected[-1, :, :5], expected[0, :, 5:]]
        assert_allclose(layer.last(x), np.concatenate(ends, axis=1), atol=1e-12)


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


@pytest.mark.parametrize("cell", LOOPS)
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("part", ["all", "last"])
@pytest.mark.parametrize("n_inputs", [1, 5])
def test_gradients(cell, bidirectional, part, n_inputs, block):
    layer = stirred(cell, n_inputs, 2, bidirectional, 5)
    names = [name for name, _ in layer.named_parameters()]
    if part == "last":
        layer.forward = layer.last

    def found(x, *weights):
        return functional_call(layer, dict(zip(names, weights)), x)

    weights = [w.detach().clone().requires_grad_() for w in layer.parameters()]
    x = steps(5, 3, n_inputs).requires_grad_()
    assert torch.autograd.gradcheck(found, (x, *weights))


@pytest.mark.parametrize("cell", ["rnn", "irnn", "lstm", "gru"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_gradients_of_the_cells_of_torch(cell, bidirectional):
    layer = stirred(cell, 3, 2, bidirectional, 5)
    names = [name for name, _ in layer.named_parameters()]

    def found(x, *weights):
        return functional_call(layer, dict(zip(names, weights)), x)

    weights = [w.detach().clone().requires_grad_() for w in layer.parameters()]
    assert torch.autograd.gradcheck(found, (steps(5, 3, 3).requires_grad_(), *weights))


@pytest.mark.parametrize("cell", LOOPS)
def test_the_first_layer_has_weights_to_learn_and_no_input(cell):
    layer = stirred(cell, 2, 3, True, 6)
    grads = []
    for x in (steps(6, 4, 2), steps(6, 4, 2).requires_grad_()):
        layer.zero_grad()
        layer(x).square().sum().backward()
        grads.append([w.grad for w in layer.parameters()])
    assert all(torch.equal(one, other) for one, other in zip(*grads))


def test_the_lru_reads_few_and_many_features_alike():
    one = stirred("lru", LRU.FEW, 5, False, 30).cell
    x = steps(30, 3, LRU.FEW)
    by_states, by_filter = one._output(one._states(x), x), one.fast(x)
    assert_allclose(by_states.detach(), by_filter.detach(), atol=1e-12)


# Initialisation


@pytest.mark.parametrize("bidirectional", [False, True])
def test_an_irnn_starts_with_the_identity(bidirectional):
    layer = make_layer("irnn", 20, 8, bidirectional, 5)
    for name, weight in layer.named_parameters():
        if "weight_hh" in name:
            assert_array_equal(weight.detach(), np.eye(8))
        elif "weight_ih" in name:
            bound = np.sqrt(6 / 28)
            assert 0.8 * bound < weight.abs().max() <= bound
        else:
            assert_array_equal(weight.detach(), np.zeros(8))


def test_an_untrained_irnn_adds_up():
    layer = make_layer("irnn", 1, 4, False, 6)
    torch.nn.init.ones_(layer.rnn.weight_ih_l0)
    x = steps(6, 3, 1, dtype=torch.float32).abs()
    sums = x.cumsum(0).expand(-1, -1, 4)
    assert_allclose(layer(x).detach(), sums, rtol=1e-5)


def test_an_untrained_peephole_lstm_is_an_lstm():
    peephole = make_layer("peephole", 3, 4, False, 6)
    lstm = make_layer("lstm", 3, 4, False, 6)
    lstm.rnn.weight_ih_l0 = peephole.cell.weight_ih
    lstm.rnn.weight_hh_l0 = peephole.cell.weight_hh
    x = steps(6, 2, 3, dtype=torch.float32)
    assert_allclose(peephole(x).detach(), lstm(x).detach(), atol=1e-6)


@pytest.mark.parametrize("n_steps", [1, 28, 100, 101, 784])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell, enter, hold", [
    ("lstm", 0, 1), ("peephole", 0, 1), ("gru", None, 1), ("mingru", 0, None),
])  # fmt: skip
def test_gates_hold_long_where_there_are_more_than_100_steps(
    cell, enter, hold, n_steps, bidirectional
):
    n = 500
    layer = make_layer(cell, 1, n, bidirectional, n_steps)
    biases = [
        [part.numpy() for part in bias.detach().split(n)]
        for name, bias in layer.named_parameters()
        if "bias" in name and "bias_hh" not in name
    ]
    assert len(biases) == 1 + bidirectional
    for gates in biases:
        for i, gate in enumerate(gates):
            if n_steps > 100 and i in (enter, hold):
                spans = np.exp(-gate if i == enter else gate)
                assert 1 <= spans.min() < 0.03 * n_steps
                assert 0.97 * n_steps < spans.max() <= (n_steps - 1) * (1 + 1e-6)
            else:
                remembers = cell in ("lstm", "peephole") and i == hold
                assert_array_equal(gate, np.full(n, float(remembers)))
        if n_steps > 100 and None not in (enter, hold):
            assert_array_equal(gates[enter], -gates[hold])


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


@pytest.mark.parametrize("n_steps, order", [(1, 1), (5, 3), (28, 17), (784, 471),
                                            (900, 512)])  # fmt: skip
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


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return train_test_split(X, y, random_state=0, stratify=y)


@pytest.mark.parametrize("cell", CELLS)
def test_every_cell_learns(digits, cell):
    X, X_test, y, y_test = digits
    settings = {"cell": cell, "scan": "rows", "max_epochs": 5, "learning_rate": 0.03}
    model = RNNImageClassifier((16, 16), random_state=0, **settings).fit(X, y)
    assert model.score(X_test, y_test) > 0.9


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
        alone = any(part in name for part in ("log_", "bias", "standardize"))
        same = np.allclose(weight, decayed[name], rtol=1e-2, atol=1e-4)
        assert same == alone, name
