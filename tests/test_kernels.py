"""The hand-written passes equal the plain ones, which an exporter can follow."""

import io

import pytest
import torch
from numpy.testing import assert_allclose

from sk_rnnimage.networks import kernels
from sk_rnnimage.networks.cells import make_layer

LINEAR = ["mingru", "lru", "lmu"]


def layer_and_steps(cell, n_inputs=5, bidirectional=True, n_steps=9):
    torch.manual_seed(0)
    layer = make_layer(cell, n_inputs, 6, bidirectional, n_steps).double()
    for parameter in layer.parameters():  # no bias is 0
        parameter.data += 0.1 * torch.randn_like(parameter)
    x = torch.randn(n_steps, 4, n_inputs, dtype=torch.float64, requires_grad=True)
    return layer, x


def gradients(outputs, layer, x):
    weights = torch.arange(1.0, 1 + outputs.numel()).view_as(outputs).cos()
    (outputs * weights).sum().backward()
    found = [x.grad, *(p.grad for p in layer.parameters())]
    x.grad = None
    layer.zero_grad()
    return found


@pytest.mark.parametrize("cell", LINEAR)
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("n_inputs", [1, 5])
@pytest.mark.parametrize("n_steps", [1, 2, 13])
def test_fast_and_plain_are_one_function(cell, bidirectional, n_inputs, n_steps, block):
    layer, x = layer_and_steps(cell, n_inputs, bidirectional, n_steps)
    plain, fast = layer._plain(x), layer(x)
    assert_allclose(fast.detach(), plain.detach(), atol=1e-12)
    for one, other in zip(gradients(fast, layer, x), gradients(plain, layer, x)):
        assert_allclose(one, other, atol=1e-10)


@pytest.mark.parametrize("cell", LINEAR)
def test_the_plain_form_uses_no_kernel(cell, monkeypatch):
    layer, x = layer_and_steps(cell)
    for name in ("MinGRUKernel", "DecayKernel", "FilterKernel"):
        monkeypatch.setattr(getattr(kernels, name), "apply", None)
    layer._plain(x)
    with pytest.raises(TypeError, match="not callable"):
        layer(x)


@pytest.mark.parametrize("cell", ["rnn", "irnn", "lstm", "peephole", "gru", *LINEAR])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
def test_a_tracer_follows_each_cell(cell):
    layer, x = layer_and_steps(cell)
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.trace(layer, x.detach(), check_trace=False), buffer)
    buffer.seek(0)
    other = torch.randn_like(x)
    with torch.inference_mode():
        assert_allclose(torch.jit.load(buffer)(other), layer(other), atol=1e-12)


@pytest.mark.parametrize("cell", LINEAR)
@pytest.mark.filterwarnings("ignore")  # torch's own, of its exporter
def test_an_exporter_follows_the_linear_cells(cell):
    layer, x = layer_and_steps(cell)
    program = torch.export.export(layer, (x.detach(),))
    other = torch.randn_like(x)
    with torch.inference_mode():
        assert_allclose(program.module()(other), layer(other), atol=1e-12)
