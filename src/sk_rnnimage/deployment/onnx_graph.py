"""An ONNX graph under construction, node by node.

A value is the name of what a node computes; what is an array, a tensor or a number
where a value is expected becomes a constant, floats in single precision.
"""

from functools import partial
from itertools import count

import numpy as np

from sk_rnnimage._environment.optional import needed

# What ONNX Runtime 1.14 (2023) reads, and all later versions.
OPSET, IR_VERSION = 18, 8


def import_onnx():
    """Return the package ``onnx``, or raise an error with the install command."""
    with needed("to_onnx", "onnx", "onnx"):
        import onnx
    return onnx


class Graph:
    """Nodes and constants; ``graph.Relu(x)`` adds a node of that operator.

    Parameters
    ----------
    numbers : iterator of int, default=None
        Numbers the names, which the body of a loop shares with the graph around it.
    """

    def __init__(self, numbers=None):
        self.onnx = import_onnx()
        self.nodes, self.constants = [], []
        self._numbers = count() if numbers is None else numbers

    def __getattr__(self, operator):
        if not operator[:1].isupper():
            raise AttributeError(operator)
        return partial(self.add, operator)

    def add(self, operator, *inputs, n_outputs=1, **attributes):
        """Add a node, and return its output, or a list of several.

        An optional input that is left out is None.
        """
        outputs = [self._name(operator) for _ in range(n_outputs)]
        inputs = [self._value(given) for given in inputs]
        node = self.onnx.helper.make_node(operator, inputs, outputs, **attributes)
        self.nodes.append(node)
        return outputs[0] if n_outputs == 1 else outputs

    def linear(self, x, weight, bias):
        """``x`` (..., F) times a weight (N, F), plus a bias (N,): (..., N)."""
        return self.Add(self.MatMul(x, weight.T), bias)

    def reshape(self, x, *sizes):
        """``x`` in another shape: numbers, or values (1,) that are known at run time.

        0 keeps the size of the axis, -1 is what is left.
        """
        if any(isinstance(size, str) for size in sizes):
            parts = [size if isinstance(size, str) else [size] for size in sizes]
            return self.Reshape(x, self.Concat(*parts, axis=0))
        return self.Reshape(x, sizes)

    def cast(self, x, dtype):
        """``x`` in another dtype."""
        return self.Cast(x, to=self._kind(dtype))

    def size(self, x, axis):
        """How long an axis is at run time: (1,)."""
        return self.Shape(x, start=axis, end=axis + 1)

    def split(self, x, n, axis):
        """``x`` in n equal parts."""
        return self.Split(x, axis=axis, num_outputs=n, n_outputs=n)

    def step_mask(self, x, lengths):
        """Which of the steps of ``x`` (T, B, F) are real: bools (T, B, 1)."""
        t = self.Range(0, self.Squeeze(self.size(x, 0)), 1)
        return self.Unsqueeze(self.Less(self.Unsqueeze(t, [1]), lengths), [2])

    def at_steps(self, x, t):
        """The steps ``t`` (S, B, 1) of ``x`` (T, B, F): (S, B, F)."""
        shape = self.Concat(self.size(t, 0), self.Shape(x, start=1), axis=0)
        return self.GatherElements(x, self.Expand(t, shape), axis=0)

    def scan(self, body, states, steps, reverse=False):
        """Go through steps along the first axis, and stack what is read out after each.

        Parameters
        ----------
        body : callable
            From a graph, the states and what one step holds to the new states and to
            what is read out, a list each.
        states : list
            Before the first step.
        steps : list
            Sequences (T, ...).
        reverse : bool, default=False
            Whether to go from the end to the beginning. What is read out after a step
            stays at its place.
        """

        def floats(names):
            return [inner.tensor(name, np.float32, None) for name in names]

        inner, n = Graph(self._numbers), len(states)
        inputs = [self._name("step") for _ in (*states, *steps)]
        after, read = body(inner, *inputs)
        outputs = [*after, *map(inner.Identity, read)]  # two names where one is both
        outputs = self.Scan(
            *states,
            *steps,
            body=inner.proto("step", *map(floats, (inputs, outputs))),
            num_scan_inputs=len(steps),
            scan_input_directions=[int(reverse)] * len(steps),
            scan_output_directions=[int(reverse)] * len(read),
            n_outputs=len(outputs),
        )
        return outputs[n:]

    def name_outputs(self, values):
        """Give values the names of a dict {name: value}."""
        for name, value in values.items():
            node = self.onnx.helper.make_node("Identity", [value], [name])
            self.nodes.append(node)

    def tensor(self, name, dtype, shape):
        """What is said of an input or an output; a str is a size that is free."""
        return self.onnx.helper.make_tensor_value_info(name, self._kind(dtype), shape)

    def proto(self, name, inputs, outputs):
        """The graph as onnx keeps it, with the given inputs and outputs."""
        return self.onnx.helper.make_graph(
            self.nodes, name, inputs, outputs, self.constants
        )

    def _kind(self, dtype):
        """ONNX's number of a dtype; objects are strings."""
        return self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))

    def _name(self, what):
        return f"{what}_{next(self._numbers)}"

    def _value(self, given):
        """The name of a value, or of the constant that an array becomes."""
        if given is None:
            return ""
        if isinstance(given, str):
            return given
        array = np.asarray(given.detach() if hasattr(given, "detach") else given)
        if array.dtype == np.float64:
            array = array.astype(np.float32)
        return self.constant(array)

    def constant(self, array):
        """A constant in the dtype of an array; strings may be objects."""
        name = self._name("constant")
        self.constants.append(self.onnx.numpy_helper.from_array(array, name))
        return name
