"""The building of ONNX graphs: values, constants, shapes, loops."""

import numpy as np
import pytest
import torch

from sk_rnnimage.deployment.onnx_graph import IR_VERSION, OPSET, Graph

onnx = pytest.importorskip("onnx")


def evaluated(g, output, **inputs):
    """The value of one output, as ONNX Runtime computes it."""
    runtime = pytest.importorskip("onnxruntime")
    g.name_outputs({"out": output})
    given = [g.tensor(n, x.dtype, [None] * x.ndim) for n, x in inputs.items()]
    out = onnx.helper.make_empty_tensor_value_info("out")
    model = onnx.helper.make_model(
        g.proto("test", given, [out]),
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    model = onnx.shape_inference.infer_shapes(model)
    return runtime.InferenceSession(model.SerializeToString()).run(None, inputs)[0]


def test_constants_are_arrays_tensors_and_numbers():
    g = Graph()
    half = g.Mul(torch.nn.Parameter(torch.ones(2, dtype=torch.float64)), 0.5)
    total = g.Add(half, np.array([1.0, 2.0]))
    result = evaluated(g, g.Gather(total, [1, 0, -1], axis=0))
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result, [2.5, 1.5, 2.5])


def test_a_linear_layer():
    x, weight = np.random.RandomState(0).randn(2, 3, 4).astype("f")
    layer = torch.nn.Linear(4, 3)
    g = Graph()
    result = evaluated(g, g.linear("x", layer.weight, layer.bias), x=x)
    np.testing.assert_allclose(result, layer(torch.tensor(x)).detach(), atol=1e-6)


def test_shapes():
    x = np.arange(24, dtype="f").reshape(2, 3, 4)
    g = Graph()
    assert evaluated(g, g.reshape("x", 0, -1), x=x).shape == (2, 12)
    g = Graph()
    assert evaluated(g, g.reshape("x", -1, g.size("x", 1)), x=x).shape == (8, 3)
    g = Graph()
    third = g.split("x", 2, axis=2)[1]
    np.testing.assert_array_equal(evaluated(g, third, x=x), x[..., 2:])


def test_steps():
    x = np.arange(24, dtype="f").reshape(3, 2, 4)  # (T, B, F)
    g = Graph()
    mask = evaluated(g, g.step_mask("x", [1, 3]), x=x)
    np.testing.assert_array_equal(mask[..., 0].T, [[1, 0, 0], [1, 1, 1]])
    g = Graph()
    t = np.array([[2, 0], [1, 1]])[..., None]  # (S, B, 1)
    result = evaluated(g, g.at_steps("x", t), x=x)
    np.testing.assert_array_equal(result, np.take_along_axis(x, t, axis=0))


@pytest.mark.parametrize("reverse", [False, True])
def test_a_loop_goes_through_the_steps(reverse):
    x = np.random.RandomState(0).randn(5, 2).astype("f")

    def body(g, total, step):
        total = g.Add(total, step)
        return [total], [total, g.Mul(total, 2.0)]

    g = Graph()
    once, twice = g.scan(body, [np.zeros(2)], ["x"], reverse)
    expected = x[::-1].cumsum(0)[::-1] if reverse else x.cumsum(0)
    result = evaluated(g, g.Concat(once, twice, axis=1), x=x)
    np.testing.assert_allclose(result, np.hstack([expected, 2 * expected]), atol=1e-6)


def test_operators_are_named_as_in_onnx():
    with pytest.raises(AttributeError):
        Graph().no_operator(1)
