"""The readings: a map (B, H, W, C) becomes steps, a cell reads them, a pooling ends it.

``steps(x, sizes)`` gives what is read and how much of it counts in each image, ``read``
what the cell leaves of that. ``sizes`` (B, 2) holds the heights and widths of images
that were padded to the size of the largest; None says that all images fill the map.
What lies behind an image's own size changes nothing that is read of it.
"""

import torch
from torch import nn

from sk_rnnimage.cells import glorot, make_layer, n_outputs
from sk_rnnimage.scan import grid_shape, resolve_patch, scan_order


def make_reading(scan, config, shape):
    """The module that reads maps (B, H, W, C) along one scan: to (B, N)."""
    if scan == "sweep":
        return Sweep(config, shape)
    if " " in scan:  # of scan="auto": how the lines are read, and which
        kind, axis = scan.split()
        return SequenceReading(EmbeddedLines(axis, shape, **LINES[kind]), config)
    return SequenceReading(Patches(scan, config["patch_size"], shape), config)


def bounded_sides(scan, config):
    """Whether maps may be no higher, and no wider, than those that a network is for.

    So it is where a step takes a whole side; and the control without recurrence knows
    no other places than theirs.
    """
    patch = config["patch_size"]
    if config["cell"] is None:
        return True, True
    if isinstance(patch, tuple):
        return patch[0] is None, patch[1] is None
    lines = patch is None and scan.endswith(("rows", "columns"))
    return lines and scan.endswith("columns"), lines and scan.endswith("rows")


class Reading(nn.Module):
    """What readings share: states (T, B, N) may see each other, and are pooled."""

    def __init__(self, config):
        super().__init__()
        self.ways = Ways(config)
        self.dropout = nn.Dropout(config["dropout"])

    def end_with(self, config, width, pooling):
        """Make what comes after the states, of this width."""
        self.attention = make_attention(config, width)
        self.n_outputs = width if self.attention is None else 2 * width
        self.pool = make_pooling(pooling, config, self.n_outputs)

    def read(self, x, extent=None):
        """Steps, and what of them counts, to (B, N)."""
        x, inside = self.seen(x, extent)
        return self.pool(x, inside)

    def seen(self, x, extent=None):
        """The states as the pooling sees them (T, B, N), which of them count (T, B)."""
        x, inside = self.states(x, extent)
        return x if self.attention is None else self.attention(x, inside), inside

    def weights(self, kind, x, extent=None):
        """What the pooling (B, T) or self-attention (B, heads, T, T) weighs."""
        if kind == "heads":
            x, inside = self.states(x, extent)
            found = self.attention.weights(x, inside)
        else:
            x, inside = self.seen(x, extent)
            found = self.pool.weights(x, inside)[..., 0].T
        return found if inside is None else own_first(found, inside)


def own_first(weights, inside):
    """Weights (B, T) or (B, heads, T, T), the steps that count moved to the front."""
    order = (~inside).byte().argsort(dim=0, stable=True)
    order = order[: inside.sum(0).max()].T  # (B, T)
    if weights.dim() == 2:
        return weights.gather(1, order)
    order = order[:, None].expand(-1, weights.shape[1], -1)  # (B, heads, T)
    of_all = order[:, :, None].expand(-1, -1, weights.shape[2], -1)
    weights = weights.gather(3, of_all)
    return weights.gather(2, order[..., None].expand(-1, -1, -1, order.shape[2]))


class SequenceReading(Reading):
    """Layers of a cell over a sequence of steps: ``steps`` (T, B, F)."""

    def __init__(self, steps, config):
        super().__init__(config)
        self.steps = steps
        layers, width = [], steps.n_features
        for n_units in config["hidden_size"]:
            layers.append(self.ways.layer(width, n_units, steps.n_steps))
            width = self.ways.width(n_units)
        self.layers = nn.ModuleList(layers)
        self.end_with(config, width, config["pooling"])

    def read(self, x, lengths=None):
        """Steps (T, B, F), the first ``lengths`` (B,) of which count, to (B, N)."""
        last = self.layers[-1]
        wanted = isinstance(self.pool, LastState) and self.attention is None
        if wanted and lengths is None and hasattr(last, "last"):
            return last.last(self._up_to_last_layer(x, lengths))
        return super().read(x, lengths)

    def states(self, x, lengths=None):
        """The states of the last layer: (T, B, N)."""
        x = self._up_to_last_layer(x, lengths)
        x = self.ways.run(self.layers[-1], x, lengths)  # (T, B, N)
        return x, first(lengths, len(x))

    def _up_to_last_layer(self, x, lengths):
        for layer in self.layers[:-1]:
            x = self.dropout(self.ways.run(layer, x, lengths))  # (T, B, N)
        return x


class Ways:
    """The cell of a reading and its directions: makes layers, and runs them."""

    def __init__(self, config):
        self.cell = config["cell"]
        self.both = config["bidirectional"]

    def layer(self, n_inputs, n_units, n_steps):
        """One layer of the cell: a module from (T, B, F) to (T, B, N)."""
        return make_layer(self.cell, n_inputs, n_units, self.both, n_steps)

    def width(self, n_units):
        """N, the width of a layer's output."""
        return n_outputs(n_units, self.both)

    def run(self, layer, x, lengths):
        """The states of a layer that reads the first ``lengths`` (B,) of T steps.

        The second direction begins at the last step that counts: it reads the
        sequences once more, moved to the end of the T steps.
        """
        if lengths is None or not self.both or self.cell is None:
            return layer(x)
        n, by = x.shape[1], len(x) - lengths
        states = layer(torch.cat([x, rolled(x, by)], dim=1))  # (T, 2 * B, N)
        onwards, backwards = states.chunk(2, dim=2)
        backwards = rolled(backwards[:, n:], -by)
        return torch.cat([onwards[:, :n], backwards], dim=2)  # (T, B, N)


def rolled(x, by):
    """Sequences (T, B, N), each moved by its own number of steps, around the end."""
    t = torch.arange(len(x), device=x.device)[:, None]
    places = (t - by) % len(x)  # (T, B)
    return x.gather(0, places[..., None].expand_as(x))


def first(lengths, n_steps):
    """Which of T steps are among the first ``lengths`` (B,): (T, B), None for all."""
    if lengths is None:
        return None
    return torch.arange(n_steps, device=lengths.device)[:, None] < lengths


def inside(sizes, height, width):
    """Which places of padded maps are their own: (B, H, W)."""
    rows, columns = first(sizes[:, 0], height).T, first(sizes[:, 1], width).T
    return rows[:, :, None] & columns[:, None]


class Patches(nn.Module):
    """The steps of a scan: (B, H, W, C) to (T, B, F), edges padded with the mean."""

    def __init__(self, scan, patch_size, shape):
        super().__init__()
        height, width, channels = shape
        self.scan = scan
        self.patch = resolve_patch(scan, patch_size, height, width)
        self.grid = grid_shape(height, width, self.patch)
        order = torch.from_numpy(scan_order(scan, *self.grid).copy())
        self.register_buffer("order", order, persistent=False)
        self.n_steps = len(order)
        self.n_features = self.patch[0] * self.patch[1] * channels

    def forward(self, x, sizes=None):
        grid = grid_shape(*x.shape[1:3], self.patch)
        x = to_grid(x, self.patch, grid).flatten(1, 2).transpose(0, 1)  # (T, B, F)
        if sizes is not None:
            places, lengths = self._places(to_grids(sizes, self.patch), grid[1])
            return x.gather(0, places[..., None].expand(-1, -1, x.shape[2])), lengths
        return (x if self.scan == "rows" else x[self._order(grid)]), None

    def _order(self, grid):
        if grid == self.grid:
            return self.order
        order = torch.from_numpy(scan_order(self.scan, *grid).copy())
        return order.to(self.order.device)

    def _places(self, grids, n_columns):
        """Where the steps of each image lie in the common grid: (T, B), and T (B,)."""
        lengths = grids.prod(1)
        places = lengths.new_zeros(int(lengths.max()), len(grids))
        for grid in grids.unique(dim=0):
            order = self._order(tuple(grid.tolist()))
            row, column = order // grid[1], order % grid[1]
            same = (grids == grid).all(1)
            places[: len(order), same] = (row * n_columns + column)[:, None]
        return places, lengths


def to_grid(x, patch, grid):
    """Cut (B, H, W, C) into a grid of patches (B, rows, columns, h * w * C)."""
    (n, height, width, channels), (h, w), (rows, columns) = x.shape, patch, grid
    if (rows * h, columns * w) != (height, width):
        x = nn.functional.pad(x, (0, 0, 0, columns * w - width, 0, rows * h - height))
    x = x.reshape(n, rows, h, columns, w, channels).transpose(2, 3)
    return x.reshape(n, rows, columns, h * w * channels)


def to_grids(sizes, patch):
    """Heights and widths (B, 2) in patches."""
    return -(-sizes // sizes.new_tensor(patch))


class EmbeddedLines(nn.Module):
    """One or several lines a step (rows or columns), embedded.

    A step is ``n_lines`` lines; the next one starts ``stride`` further. Each step goes
    through a linear layer of WIDTH units and a rectifier.
    """

    WIDTH = 64

    def __init__(self, axis, shape, n_lines, stride):
        super().__init__()
        self.axis = axis
        height, length, channels = shape
        if axis == "columns":
            height, length = length, height
        self.n_lines = min(n_lines, height)
        self.stride = stride
        self.n_steps = self._count(height)
        n_inputs = self.n_lines * length * channels
        self.embed = glorot(nn.Linear(n_inputs, self.WIDTH))
        self.n_features = self.WIDTH

    def forward(self, x, sizes=None):
        x = x.transpose(1, 2) if self.axis == "columns" else x
        n_steps = self._count(x.shape[1])
        last = (n_steps - 1) * self.stride
        missing = last + self.n_lines - x.shape[1]
        if missing:
            x = nn.functional.pad(x, (0, 0, 0, 0, 0, missing))
        x = x.flatten(2).transpose(0, 1)  # (H, B, W * C)
        lines = [x[i : last + i + 1 : self.stride] for i in range(self.n_lines)]
        x = torch.cat(lines, dim=2)  # (T, B, n_lines * W * C)
        x = nn.functional.linear(x, self._weight(x.shape[2]), self.embed.bias)
        x = torch.relu(x)  # (T, B, F)
        if sizes is None:
            return x, None
        heights = sizes[:, int(self.axis == "columns")]
        return x, self._count(heights.clamp(min=self.n_lines))

    def _weight(self, n_inputs):
        """The weights of lines that may be shorter: without those of what is absent."""
        weight = self.embed.weight
        if n_inputs == weight.shape[1]:
            return weight
        by_line = weight.unflatten(1, (self.n_lines, -1))
        return by_line[..., : n_inputs // self.n_lines].flatten(1)

    def _count(self, height):
        """Steps that so many lines make, at least one."""
        if isinstance(height, int):
            height = max(height, self.n_lines)
        return -(-(height - self.n_lines) // self.stride) + 1


LINES = {
    "overlapping": {"n_lines": 4, "stride": 2},
    "single": {"n_lines": 1, "stride": 1},
}


class Sweep(Reading):
    """Every row and every column of the grid is read by a pass of its own.

    A layer runs one cell along all rows and another along all columns of the same
    map, and joins what both say of a place [1]_, [2]_.

    References
    ----------
    .. [1] F. Visin et al., "ReNet: a recurrent neural network based alternative to
       convolutional networks", arXiv:1505.00393, 2015.
    .. [2] Y. Tatsunami, M. Taki, "Sequencer: deep LSTM for image classification",
       NeurIPS 2022, sec. 3.2 (the two directions side by side).
    """

    def __init__(self, config, shape):
        super().__init__(config)
        height, width, channels = shape
        self.patch = resolve_patch("sweep", config["patch_size"], height, width)
        rows, columns = grid_shape(height, width, self.patch)
        along_rows, along_columns = [], []
        n_inputs = self.patch[0] * self.patch[1] * channels
        for n_units in config["hidden_size"]:
            along_rows.append(self.ways.layer(n_inputs, n_units, columns))
            along_columns.append(self.ways.layer(n_inputs, n_units, rows))
            n_inputs = 2 * self.ways.width(n_units)
        self.along_rows = nn.ModuleList(along_rows)
        self.along_columns = nn.ModuleList(along_columns)
        seen = config["attention_heads"] and config["pooling"] == "last"
        self.end_with(config, n_inputs, "mean" if seen else config["pooling"])

    def steps(self, x, sizes=None):
        """The grid of places (B, rows, columns, F), and what of it counts (B, 2)."""
        x = to_grid(x, self.patch, grid_shape(*x.shape[1:3], self.patch))
        return x, None if sizes is None else to_grids(sizes, self.patch)

    def read(self, x, grids=None):
        """The grid, of which rows and columns ``grids`` (B, 2) count, to (B, N)."""
        if not isinstance(self.pool, LastState):
            return super().read(x, grids)
        across, down = self._passes(x, grids)
        rows, columns = (None, None) if grids is None else grids.unbind(1)
        ends = self._ends(across, columns, rows), self._ends(down, rows, columns)
        return torch.cat(ends, dim=1)

    def states(self, x, grids=None):
        """The places as steps: (T, B, N)."""
        x = joined(*self._passes(x, grids))
        own = None if grids is None else inside(grids, *x.shape[1:3]).flatten(1).T
        return x.flatten(1, 2).transpose(0, 1), own

    def _passes(self, x, grids):
        """The last layer's states, (columns, B, rows, N) and (rows, B, columns, N)."""
        *layers, last = zip(self.along_rows, self.along_columns)
        for pair in layers:
            x = self.dropout(joined(*self._read(x, grids, *pair)))
        return self._read(x, grids, *last)

    def _read(self, x, grids, along_rows, along_columns):
        n, rows, columns, _ = x.shape
        across = x.permute(2, 0, 1, 3).flatten(1, 2)  # (columns, B * rows, F)
        down = x.permute(1, 0, 2, 3).flatten(1, 2)  # (rows, B * columns, F)
        n_across = None if grids is None else grids[:, 1].repeat_interleave(rows)
        n_down = None if grids is None else grids[:, 0].repeat_interleave(columns)
        return (
            self.ways.run(along_rows, across, n_across).unflatten(1, (n, rows)),
            self.ways.run(along_columns, down, n_down).unflatten(1, (n, columns)),
        )

    def _ends(self, states, n_steps, n_passes):
        """The last states of all passes, averaged: (T, B, passes, N) to (B, N).

        Each image has its own number of steps and passes, (B,) or None for all.
        """
        most, n, many, _ = states.shape
        inside = None if n_steps is None else n_steps.repeat_interleave(many)
        ends = self.pool(states.flatten(1, 2), first(inside, most))
        ends = ends.unflatten(0, (n, many)).transpose(0, 1)  # (passes, B, N)
        return MeanPooling()(ends, first(n_passes, many))


def joined(across, down):
    """What both passes say of a place: to (B, rows, columns, N)."""
    return torch.cat([across.permute(1, 2, 0, 3), down.permute(1, 0, 2, 3)], dim=3)


class SelfAttention(nn.Module):
    r"""What each step sees of all others, put beside what it is itself.

    .. math::
        A_i &= \mathrm{softmax}(Q_i K_i^\top / \sqrt d), \quad
        Q_i = H W^Q_i, K_i = H W^K_i, V_i = H W^V_i \\
        H' &= [H; [A_1 V_1; \ldots; A_m V_m] W^O + b]

    where :math:`H` holds the states of all T steps, :math:`A_i` the weights of head i
    (T, T), each row of which sums to 1, :math:`d` the width of a head and [;] joins
    features. Scaled dot-product attention with m heads [1]_.

    References
    ----------
    .. [1] A. Vaswani et al., "Attention is all you need", NeurIPS 2017, sec. 3.2.
    """

    def __init__(self, n_inputs, n_heads):
        super().__init__()
        self.heads = nn.MultiheadAttention(n_inputs, n_heads)

    def forward(self, x, inside=None):
        found, _ = self.heads(x, x, x, outside(inside), need_weights=False)
        return torch.cat([x, found], dim=2)  # (T, B, 2 * N)

    def weights(self, x, inside=None):
        """What each step weighs each other: (B, heads, T, T)."""
        _, found = self.heads(x, x, x, outside(inside), average_attn_weights=False)
        return found if inside is None else found * inside.T[:, None, :, None]


def outside(inside):
    """The steps (B, T) that nobody may look at; None for none."""
    return None if inside is None else ~inside.T


def make_attention(config, n_inputs):
    """The layer of self-attention, or None where nobody asks for it."""
    n_heads = config["attention_heads"]
    return SelfAttention(n_inputs, n_heads) if n_heads else None


class LastState(nn.Module):
    """The state after the last step read; backwards that is the first step.

    ``width`` features are states; what comes after them belongs to the last step.
    """

    def __init__(self, width, bidirectional):
        super().__init__()
        self.onwards = width // 2 if bidirectional else width
        self.width = width

    def forward(self, x, inside=None):
        last = x[-1] if inside is None else at(x, inside.sum(0) - 1)
        if self.onwards == self.width:
            return last
        parts = last[:, : self.onwards], x[0, :, self.onwards : self.width]
        return torch.cat([*parts, last[:, self.width :]], dim=1)  # (B, N)


def at(x, places):
    """One step of each sequence: (T, B, N) to (B, N)."""
    return x[places, torch.arange(x.shape[1], device=x.device)]


class MeanPooling(nn.Module):
    """The mean over the steps."""

    def forward(self, x, inside=None):
        if inside is None:
            return x.mean(0)  # (B, N)
        return x.where(inside[..., None], 0).sum(0) / inside.sum(0)[:, None]


class MaxPooling(nn.Module):
    """The largest value over the steps, for each hidden unit."""

    def forward(self, x, inside=None):
        if inside is not None:
            x = x.masked_fill(~inside[..., None], -torch.inf)
        return x.amax(0)  # (B, N)


class AttentionPooling(nn.Module):
    r"""A weighted mean over the steps, weighed by a small network (Bahdanau).

    .. math:: a_t = \mathrm{softmax}_t(v \cdot \tanh(W h_t + b))

    where :math:`h_t` is the hidden state after step t and :math:`W, b, v` are learned.

    References
    ----------
    .. [1] D. Bahdanau, K. Cho, Y. Bengio, "Neural machine translation by jointly
       learning to align and translate", ICLR 2015.
    """

    def __init__(self, n_inputs):
        super().__init__()
        self.hidden = glorot(nn.Linear(n_inputs, n_inputs))
        self.score = glorot(nn.Linear(n_inputs, 1))

    def forward(self, x, inside=None):
        return (self.weights(x, inside) * x).sum(0)  # (B, N)

    def weights(self, x, inside=None):
        """What each step weighs: (T, B, 1)."""
        scores = self.score(torch.tanh(self.hidden(x)))
        if inside is not None:
            scores = scores.masked_fill(~inside[..., None], -torch.inf)
        return scores.softmax(0)


def make_pooling(pooling, config, n_inputs):
    """The named pooling: a module from (T, B, N) to (B, N)."""
    if pooling == "attention":
        return AttentionPooling(n_inputs)
    if pooling == "max":
        return MaxPooling()
    if pooling == "mean" or config["cell"] is None:
        return MeanPooling()
    both = config["bidirectional"]
    return LastState(n_outputs(config["hidden_size"][-1], both), both)


POOLINGS = ("last", "mean", "max", "attention")
