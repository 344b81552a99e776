"""Readings in ONNX: a map (B, H, W, C) becomes steps (T, B, F), and these (B, N).

``shape`` is that of a map, (H, W, C), which is known before it is made.
"""

import numpy as np

from sk_rnnimage.deployment.onnx_cells import layer_states
from sk_rnnimage.deployment.onnx_pooling import attended, pooled
from sk_rnnimage.images.orders import grid_shape
from sk_rnnimage.networks.pooling import LastState
from sk_rnnimage.networks.readings import Sweep
from sk_rnnimage.networks.steps import Patches


def of_map(g, reading, x, shape):
    """A map (B, H, W, C), read: (B, N)."""
    if isinstance(reading, Sweep):
        return _swept(g, reading, x, shape)
    steps = reading.steps
    of_scan = _patches if isinstance(steps, Patches) else _lines
    return of_sequence(g, reading, of_scan(g, steps, x, shape))


def of_sequence(g, reading, x, lengths=None):
    """Steps (T, B, F), the first ``lengths`` (B,) of which are real, to (B, N).

    Without ``lengths`` there are as many as in ``fit``.
    """
    n_steps = reading.steps.n_steps if lengths is None else None
    *layers, last_layer = reading.layers
    for layer in layers:
        x = layer_states(g, layer, x, lengths, n_steps)
    only_last = isinstance(reading.pool, LastState) and reading.attention is None
    x = layer_states(g, last_layer, x, lengths, n_steps, only_last)
    return _on_top(g, reading, x, lengths)


def _on_top(g, reading, x, lengths=None):
    """What follows the states: (T, B, N) to (B, N)."""
    if reading.attention is not None:
        x = attended(g, reading.attention.heads, x, lengths)
    return pooled(g, reading.pool, x, lengths)


def _patches(g, steps, x, shape):
    """The patches of a scan, one a step: (T, B, F)."""
    x = cut(g, x, shape, steps.patch)
    if steps.scan != "rows":
        x = g.Gather(x, steps.order, axis=1)
    return g.Transpose(x, perm=[1, 0, 2])


def cut(g, x, shape, patch):
    """Cut maps into patches, row by row: (B, H, W, C) to (B, T, F)."""
    (height, width, channels), (h, w) = shape, patch
    rows, columns = grid_shape(height, width, patch)
    x = _padded(g, x, rows * h - height, columns * w - width)
    x = g.reshape(x, 0, rows, h, columns, w, channels)
    x = g.Transpose(x, perm=[0, 1, 3, 2, 4, 5])
    return g.reshape(x, 0, rows * columns, h * w * channels)


def _padded(g, x, n_lines, n_columns):
    """Maps with lines and columns of zeros at their ends."""
    if not n_lines and not n_columns:
        return x
    return g.Pad(x, [0, 0, 0, 0, 0, n_lines, n_columns, 0], 0.0)


def _lines(g, steps, x, shape):
    """Lines that may overlap, embedded: (T, B, F)."""
    height, width, channels = shape
    if steps.axis == "columns":
        x, height, width = g.Transpose(x, perm=[0, 2, 1, 3]), width, height
    first = steps.stride * np.arange(steps.n_steps)
    lines = first[:, None] + np.arange(steps.n_lines)  # (T, n_lines)
    x = _padded(g, x, lines[-1, -1] + 1 - height, 0)
    if steps.stride != steps.n_lines:
        x = g.Gather(x, lines.ravel(), axis=1)
    x = g.reshape(x, 0, steps.n_steps, steps.n_lines * width * channels)
    return embedded(g, steps, g.Transpose(x, perm=[1, 0, 2]))


def embedded(g, steps, x):
    """Steps (T, B, F) through their linear layer."""
    weight = steps.scale * steps.embed.weight
    return g.Relu(g.linear(x, weight, steps.embed.bias))


def _swept(g, reading, x, shape):
    """A pass along every row and every column of the grid: to (B, N)."""
    grid = grid_shape(*shape[:2], reading.patch)
    x = g.reshape(cut(g, x, shape, reading.patch), 0, *grid, -1)
    ends = isinstance(reading.pool, LastState)
    *layers, last = zip(reading.along_rows, reading.along_columns)
    for pair in layers:
        x = _at_each_place(g, *_passes(g, x, grid, pair))
    passes = _passes(g, x, grid, last, only_last=ends)
    if ends:
        return g.Concat(*[_ends(g, reading.pool, states) for states in passes], axis=1)
    x = _at_each_place(g, *passes)
    x = g.Transpose(g.reshape(x, 0, grid[0] * grid[1], -1), perm=[1, 0, 2])
    return _on_top(g, reading, x)


def _passes(g, x, grid, layers, **options):
    """The states of two layers: (columns, B, rows, N) and (rows, B, columns, N)."""
    rows, columns = grid
    across, down = (g.Transpose(x, perm=perm) for perm in ([2, 0, 1, 3], [1, 0, 2, 3]))
    return (
        _pass(g, layers[0], across, columns, **options),
        _pass(g, layers[1], down, rows, **options),
    )


def _pass(g, layer, x, n_steps, **options):
    """The states of all passes along one axis: (T, B, passes, F) to (., ., ., N)."""
    steps = g.reshape(x, 0, -1, g.size(x, 3))  # (T, B * passes, F)
    states = layer_states(g, layer, steps, n_steps=n_steps, **options)
    sizes = g.Shape(x, start=1, end=3), g.size(states, 2)
    return g.Reshape(states, g.Concat([-1], *sizes, axis=0))


def _ends(g, pool, states):
    """The last states of all passes, averaged: (T, B, passes, N) to (B, N)."""
    ends = pooled(g, pool, g.reshape(states, 0, -1, g.size(states, 3)))
    ends = g.Reshape(ends, g.Concat(g.Shape(states, start=1, end=3), [-1], axis=0))
    return g.ReduceMean(ends, [1], keepdims=0)


def _at_each_place(g, across, down):
    """The states of both passes, concatenated: to (B, rows, columns, N)."""
    across = g.Transpose(across, perm=[1, 2, 0, 3])
    return g.Concat(across, g.Transpose(down, perm=[1, 0, 2, 3]), axis=3)
