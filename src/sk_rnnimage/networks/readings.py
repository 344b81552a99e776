"""Readings: a map (B, H, W, C) becomes steps, a cell reads them, a pooling ends it.

A reading has two halves, so that predictions can be made after each step: ``sequence``
gives what is read, and how much of that is real in each image, and ``read`` what the
cell and the pooling make of it. What lies beyond an image's own size, given by
``sizes`` (B, 2), changes nothing that is read of it; None says that no image is padded.
"""

import torch
from torch import nn

from sk_rnnimage.images.orders import grid_shape, resolve_patch
from sk_rnnimage.networks.cells import make_layer, n_outputs
from sk_rnnimage.networks.masks import pixel_mask, step_mask
from sk_rnnimage.networks.pooling import (
    LastState,
    MeanPooling,
    SelfAttention,
    make_pooling,
)
from sk_rnnimage.networks.steps import grid_sizes, make_steps, to_grid


def make_reading(scan, recipe, shape, frame_height=None):
    """The module that reads maps of shape (H, W, C) along one scan: to (B, N)."""
    if scan == "sweep":
        return Sweep(scan, recipe, shape)
    return SequenceReading(scan, recipe, shape, frame_height)


def bounded_sides(recipe):
    """Whether maps may be no higher, and no wider, than those that a network is for.

    So it is where a step of one of its scans takes a whole side; and the control
    without recurrence knows no other positions than theirs.
    """
    patch, scans = recipe["patch_size"], recipe["scans"]
    if scans == ("frames",):
        return recipe["cell"] is None, True  # clips of any length, and one width
    if recipe["cell"] is None:
        return True, True
    if isinstance(patch, tuple):
        return patch[0] is None, patch[1] is None
    if patch is not None:
        return False, False
    return (
        any(scan.endswith("columns") for scan in scans),
        any(scan.endswith("rows") for scan in scans),
    )


class Reading(nn.Module):
    """What readings share: layers of a cell, self-attention over states, a pooling."""

    def __init__(self, recipe):
        super().__init__()
        self.cell = recipe["cell"]
        self.bidirectional = recipe["bidirectional"]
        self.hidden_size = recipe["hidden_size"]
        self.dropout = nn.Dropout(recipe["dropout"])

    def make_layer(self, n_inputs, n_units, n_steps):
        """One layer of the cell: a module from (T, B, F) to (T, B, N)."""
        return make_layer(self.cell, n_inputs, n_units, self.bidirectional, n_steps)

    def run_layer(self, layer, x, lengths):
        """The states of a layer that reads the first ``lengths`` (B,) of T steps.

        The reverse direction begins at the last real step: it reads the sequences
        once more, rolled to the end of the T steps. (A PackedSequence would do it too,
        5 to 114 times slower: it misses the fused kernel of oneDNN.)
        """
        if lengths is None or not self.bidirectional or self.cell is None:
            return layer(x)
        n, shifts = x.shape[1], len(x) - lengths
        states = layer(torch.cat([x, _rolled(x, shifts)], dim=1))  # (T, 2 * B, N)
        forward, reverse = states.chunk(2, dim=2)
        reverse = _rolled(reverse[:, n:], -shifts)
        return torch.cat([forward[:, :n], reverse], dim=2)  # (T, B, N)

    def make_top(self, recipe, width, pooling):
        """Make what comes after the states, which have this width."""
        n_heads = recipe["attention_heads"]
        self.attention = SelfAttention(width, n_heads) if n_heads else None
        self.n_outputs = 2 * width if n_heads else width
        self.pool = make_pooling(pooling, recipe, self.n_outputs)

    def largest_of_steps(self, n_steps, n_inputs):
        """Values of the largest tensor that is made of one sequence of steps."""
        # an LSTM's gates have four times the size of its state, and a padded sequence
        # is read twice
        n_gates = 8 * n_outputs(max(self.hidden_size), self.bidirectional)
        largest = n_steps * max(n_inputs, n_gates)
        if self.attention is None:
            return largest
        return max(largest, n_steps**2 * self.attention.heads.num_heads)

    def n_products(self, height, width):
        """Multiplications of weights with values that a map of this size takes.

        Each matrix of weights serves once at each place.
        """
        weights = sum(p.numel() for p in self.parameters() if p.dim() == 2)
        return weights * self.n_places(height, width)

    def read(self, x, lengths=None):
        """What ``sequence`` gives, to (B, N)."""
        return self.pool(*self.attended(x, lengths))

    def attended(self, x, lengths=None):
        """The states after self-attention (T, B, N), and their step mask (T, B)."""
        states, mask = self.states(x, lengths)
        if self.attention is not None:
            states = self.attention(states, mask)
        return states, mask

    def attention_weights(self, layer, x, lengths=None):
        """Those of the pooling (B, T), or of self-attention (B, heads, T, T)."""
        if layer == "heads":
            states, mask = self.states(x, lengths)
            weights = self.attention.weights(states, mask)
        else:
            states, mask = self.attended(x, lengths)
            weights = self.pool.weights(states, mask)[..., 0].T
        return weights if mask is None else _real_steps_first(weights, mask)


def _rolled(x, shifts):
    """Sequences (T, B, N), each rolled by its own number of steps (B,)."""
    t = torch.arange(len(x), device=x.device)[:, None]
    indices = (t - shifts) % len(x)  # (T, B)
    return x.gather(0, indices[..., None].expand_as(x))


def _real_steps_first(weights, mask):
    """Weights (B, T) or (B, heads, T, T), their real steps moved to the front.

    The padding of a sweep lies between the real places of its grid.
    """
    order = (~mask).byte().argsort(dim=0, stable=True)
    order = order[: mask.sum(0).max()].T  # (B, T)
    if weights.dim() == 2:
        return weights.gather(1, order)
    order = order[:, None].expand(-1, weights.shape[1], -1)  # (B, heads, T)
    keys = order[:, :, None].expand(-1, -1, weights.shape[2], -1)
    weights = weights.gather(3, keys)
    return weights.gather(2, order[..., None].expand(-1, -1, -1, order.shape[2]))


class SequenceReading(Reading):
    """Layers of a cell over one sequence of steps."""

    def __init__(self, scan, recipe, shape, frame_height=None):
        super().__init__(recipe)
        self.steps = make_steps(scan, recipe["patch_size"], shape, frame_height)
        layers, width = [], self.steps.n_features
        for n_units in recipe["hidden_size"]:
            layers.append(self.make_layer(width, n_units, self.steps.n_steps))
            width = n_outputs(n_units, self.bidirectional)
        self.layers = nn.ModuleList(layers)
        self.make_top(recipe, width, recipe["pooling"])

    def largest_tensor(self, height, width):
        """Values of the largest tensor that is made of a map of this size."""
        n_steps = self.n_places(height, width)
        return self.largest_of_steps(n_steps, self.steps.n_features)

    def n_places(self, height, width):
        """Steps of a map of this size."""
        return self.steps.count(height, width)

    def sequence(self, x, sizes=None):
        """A map to its steps (T, B, F), and how many are real: (B,) or None for all."""
        return self.steps(x, sizes)

    def read(self, x, lengths=None):
        """Steps (T, B, F), the first ``lengths`` (B,) of which are real, to (B, N)."""
        last_layer = self.layers[-1]
        only_last = isinstance(self.pool, LastState) and self.attention is None
        if only_last and lengths is None and hasattr(last_layer, "last"):
            # a linear cell's last state alone is one product, not one a step
            return last_layer.last(self._up_to_last_layer(x, lengths))
        return super().read(x, lengths)

    def step(self, x, carried):
        """One step (B, F) after another, in one direction: what is read so far (B, N).

        ``carried`` is what it gave after the step before, or None.
        """
        *states, pooled = carried or [None] * (len(self.layers) + 1)
        after = []
        for layer, state in zip(self.layers, states):
            x, state = layer.step(x, state)
            after.append(state)
        x, pooled = self.pool.step(x, pooled)
        return x, [*after, pooled]

    def states(self, x, lengths=None):
        """The states of the last layer (T, B, N), and their step mask (T, B)."""
        x = self._up_to_last_layer(x, lengths)
        x = self.run_layer(self.layers[-1], x, lengths)  # (T, B, N)
        return x, step_mask(lengths, len(x))

    def _up_to_last_layer(self, x, lengths):
        for layer in self.layers[:-1]:
            x = self.dropout(self.run_layer(layer, x, lengths))  # (T, B, N)
        return x


class Sweep(Reading):
    """Every row and every column of the grid is read by a pass of its own.

    A layer runs one cell along all rows and another along all columns of the same
    map, and concatenates their states at each place of the grid [1]_, [2]_.

    References
    ----------
    .. [1] F. Visin et al., "ReNet: a recurrent neural network based alternative to
       convolutional networks", arXiv:1505.00393, 2015.
    .. [2] Y. Tatsunami, M. Taki, "Sequencer: deep LSTM for image classification",
       NeurIPS 2022, sec. 3.2 (the two directions side by side).
    """

    def __init__(self, scan, recipe, shape):
        super().__init__(recipe)
        height, width, channels = shape
        self.patch = resolve_patch(scan, recipe["patch_size"], height, width)
        rows, columns = grid_shape(height, width, self.patch)
        along_rows, along_columns = [], []
        self.n_inputs = n_inputs = self.patch[0] * self.patch[1] * channels
        for n_units in recipe["hidden_size"]:
            along_rows.append(self.make_layer(n_inputs, n_units, columns))
            along_columns.append(self.make_layer(n_inputs, n_units, rows))
            n_inputs = 2 * n_outputs(n_units, self.bidirectional)
        self.along_rows = nn.ModuleList(along_rows)
        self.along_columns = nn.ModuleList(along_columns)
        # self-attention needs the states of all places, of which none is the last
        all_places = recipe["attention_heads"] and recipe["pooling"] == "last"
        self.make_top(recipe, n_inputs, "mean" if all_places else recipe["pooling"])

    def largest_tensor(self, height, width):
        """Values of the largest tensor that is made of a map of this size."""
        return self.largest_of_steps(self.n_places(height, width), self.n_inputs)

    def n_places(self, height, width):
        """Places of the grid of a map of this size."""
        rows, columns = grid_shape(height, width, self.patch)
        return rows * columns

    def sequence(self, x, sizes=None):
        """The grid (B, rows, columns, F), and its own rows and columns (B, 2)."""
        x = to_grid(x, self.patch, grid_shape(*x.shape[1:3], self.patch))
        return x, None if sizes is None else grid_sizes(sizes, self.patch)

    def read(self, x, grids=None):
        """The grid, of which rows and columns ``grids`` (B, 2) are real, to (B, N)."""
        if not isinstance(self.pool, LastState):
            return super().read(x, grids)
        across, down = self._passes(x, grids)
        rows, columns = (None, None) if grids is None else grids.unbind(1)
        ends = self._ends(across, columns, rows), self._ends(down, rows, columns)
        return torch.cat(ends, dim=1)

    def states(self, x, grids=None):
        """The states at all places, row by row, (T, B, N), and their mask (T, B)."""
        x = _at_each_place(*self._passes(x, grids))
        mask = None if grids is None else pixel_mask(grids, *x.shape[1:3]).flatten(1).T
        return x.flatten(1, 2).transpose(0, 1), mask

    def _passes(self, x, grids):
        """The last layer's states, (columns, B, rows, N) and (rows, B, columns, N)."""
        *layers, last = zip(self.along_rows, self.along_columns)
        for pair in layers:
            x = self.dropout(_at_each_place(*self._pass(x, grids, *pair)))
        return self._pass(x, grids, *last)

    def _pass(self, x, grids, along_rows, along_columns):
        n, rows, columns, _ = x.shape
        across = x.permute(2, 0, 1, 3).flatten(1, 2)  # (columns, B * rows, F)
        down = x.permute(1, 0, 2, 3).flatten(1, 2)  # (rows, B * columns, F)
        n_across = None if grids is None else grids[:, 1].repeat_interleave(rows)
        n_down = None if grids is None else grids[:, 0].repeat_interleave(columns)
        return (
            self.run_layer(along_rows, across, n_across).unflatten(1, (n, rows)),
            self.run_layer(along_columns, down, n_down).unflatten(1, (n, columns)),
        )

    def _ends(self, states, lengths, n_passes):
        """The last states of all passes, averaged: (T, B, passes, N) to (B, N).

        Each image has its own number of steps and of passes, (B,) or None for all.
        """
        n_steps, n, n_most, _ = states.shape
        lengths = None if lengths is None else lengths.repeat_interleave(n_most)
        ends = self.pool(states.flatten(1, 2), step_mask(lengths, n_steps))
        ends = ends.unflatten(0, (n, n_most)).transpose(0, 1)  # (passes, B, N)
        return MeanPooling()(ends, step_mask(n_passes, n_most))


def _at_each_place(across, down):
    """The states of both passes, concatenated: to (B, rows, columns, N)."""
    return torch.cat([across.permute(1, 2, 0, 3), down.permute(1, 0, 2, 3)], dim=3)
