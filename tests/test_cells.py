"""The recurrent cells, held against their equations."""

import numpy as np
import pytest
import torch
from cells_by_hand import LOOPS, loop, steps, stirred
from conftest import draw, make
from numpy.testing import assert_allclose, assert_array_equal
from torch.func import functional_call

from sk_rnnimage import RNNImageClassifier
from sk_rnnimage.networks.cells import CELLS, make_layer


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


# Initialisation


@pytest.mark.parametrize("cell, n_gates", [("rnn", 1), ("gru", 3), ("lstm", 4)])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_initial_weights(cell, n_gates, bidirectional):
    layer = make_layer(cell, 20, 8, bidirectional, 5)
    parameters = dict(layer.named_parameters())
    assert len(parameters) == 4 * (1 + bidirectional)
    for name, parameter in parameters.items():
        gates = parameter.detach().split(8)
        assert len(gates) == n_gates
        for i, gate in enumerate(gates):
            if "weight_hh" in name:
                assert_allclose(gate @ gate.T, np.eye(8), atol=1e-5)
            elif "weight_ih" in name:  # Glorot's bound for 20 inputs and 8 outputs
                bound = np.sqrt(6 / 28)
                assert 0.8 * bound < gate.abs().max() <= bound
            else:
                forget = cell == "lstm" and i == 1 and "bias_ih" in name
                assert_array_equal(gate, np.full(8, float(forget)))


def test_an_untrained_lstm_remembers():
    X, y = draw()
    settings = {"scan": "rows", "cell": "lstm", "learning_rate": 1e-12}
    bias = (
        make(RNNImageClassifier, **settings)
        .fit(X, y)
        .weights_["readings.0.layers.0.rnn.bias_ih_l0"]
    )
    assert_allclose(bias, np.repeat([0, 1, 0, 0], 8), atol=1e-9)


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
@pytest.mark.parametrize(
    "cell, enter, hold",
    [
        ("lstm", 0, 1),
        ("peephole", 0, 1),
        ("gru", None, 1),
        ("mingru", 0, None),
    ],
)
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


# In a classifier


@pytest.mark.parametrize("cell", CELLS)
def test_every_cell_learns(digits, cell):
    X, X_test, y, y_test = digits
    settings = {"cell": cell, "scan": "rows", "max_epochs": 5, "learning_rate": 0.03}
    model = RNNImageClassifier((16, 16), random_state=0, **settings).fit(X, y)
    assert model.score(X_test, y_test) > 0.9
