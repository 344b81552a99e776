"""The networks: standardise, convolve (CRNN), read, pool, classify.

Shapes: B images of H x W pixels and C channels, T steps of F features, N hidden
values a step (D units in each direction), K classes. Networks take images
(B, H, W, C); sequences inside are time-major, (T, B, F), which the fused LSTM of
oneDNN likes best.
"""

import torch
from torch import nn

from sk_rnnimage.cells import glorot, make_layer, n_outputs
from sk_rnnimage.scan import grid_shape, resolve_patch, scan_order


class ImageNetwork(nn.Module):
    """Images (B, H, W, C) in raw pixel values to logits (B, K)."""

    def __init__(self, config, image_shape, n_classes):
        super().__init__()
        self.standardize = Standardize(image_shape[2])
        shape = image_shape
        self.stem = nn.Identity()
        if config["filters"]:
            self.stem = ConvolutionStem(
                shape, config["filters"], config["kernel_size"], config["dropout"]
            )
            shape = self.stem.output_shape
        self.readings = nn.ModuleList(
            make_reading(scan, config, shape) for scan in config["scans"]
        )
        self.dropout = nn.Dropout(config["dropout"])
        width = sum(reading.n_outputs for reading in self.readings)
        self.head = glorot(nn.Linear(width, n_classes))

    def forward(self, x):
        x = self.stem(self.standardize(x))  # (B, H, W, C), of the feature map
        found = [reading(x) for reading in self.readings]  # each (B, N)
        x = torch.cat(found, dim=1) if len(found) > 1 else found[0]
        return self.head(self.dropout(x))  # (B, K)


class Standardize(nn.Module):
    """Pixels to mean 0 and spread 1 per channel, then to the network's precision."""

    def __init__(self, n_channels):
        super().__init__()
        self.register_buffer("mean", torch.zeros(n_channels, dtype=torch.float64))
        self.register_buffer("scale", torch.ones(n_channels, dtype=torch.float64))
        self.register_buffer("precision", torch.empty(0), persistent=False)

    def forward(self, x):
        x = (x - self.mean.to(x.dtype)) / self.scale.to(x.dtype)
        return x.to(self.precision.dtype)


class ConvolutionStem(nn.Module):
    """Convolutions in front of the reading: (B, H, W, C) to a smaller (B, H, W, C).

    Each layer is a convolution, a group normalisation over the whole of one image and
    a rectifier. The first layer, and each that has more filters than the one before
    it, halves every side that is longer than ``SHORT``: it keeps the largest of 2 x 2
    values, ahead of the normalisation.
    """

    SHORT = 8

    def __init__(self, image_shape, filters, kernel_sizes, dropout):
        super().__init__()
        *sides, n_inputs = image_shape
        layers, before = [], 0
        for n_filters, kernel in zip(filters, kernel_sizes, strict=True):
            padding = kernel // 2
            sides = [side + 2 * padding - kernel + 1 for side in sides]
            parts = [2 if n_filters > before and s > self.SHORT else 1 for s in sides]
            whole = parts == [1, 1]
            layers += [
                glorot(nn.Conv2d(n_inputs, n_filters, kernel, padding=padding)),
                nn.Identity() if whole else nn.MaxPool2d(parts, ceil_mode=True),
                nn.GroupNorm(1, n_filters),
                nn.ReLU(),
                nn.Dropout2d(dropout),
            ]
            sides = [-(-side // part) for side, part in zip(sides, parts)]
            n_inputs = before = n_filters
        self.layers = nn.Sequential(*layers)
        self.output_shape = (*sides, n_inputs)

    def forward(self, x):
        x = self.layers(x.permute(0, 3, 1, 2))  # (B, C, H, W), channels last in memory
        return x.permute(0, 2, 3, 1)  # (B, H, W, C)


def make_reading(scan, config, shape):
    """The module that reads maps (B, H, W, C) along one scan: to (B, N)."""
    if scan == "sweep":
        return Sweep(config, shape)
    if " " in scan:  # of scan="auto": how the lines are read, and which
        kind, axis = scan.split()
        return SequenceReading(EmbeddedLines(axis, shape, **LINES[kind]), config)
    return SequenceReading(Patches(scan, config["patch_size"], shape), config)


class SequenceReading(nn.Module):
    """Layers of a cell over a sequence of steps, and what they leave at its end."""

    def __init__(self, steps, config):
        super().__init__()
        self.steps = steps
        both = config["bidirectional"]
        layers, width = [], steps.n_features
        for n_units in config["hidden_size"]:
            layers.append(
                make_layer(config["cell"], width, n_units, both, steps.n_steps)
            )
            width = n_outputs(n_units, both)
        self.layers = nn.ModuleList(layers)
        self.dropout = nn.Dropout(config["dropout"])
        self.pool = make_pooling(config, width)
        self.n_outputs = width

    def forward(self, x):
        x = self.steps(x)  # (T, B, F)
        for i, layer in enumerate(self.layers):
            x = self.dropout(x) if i else x
            if layer is self.layers[-1] and self._last_alone(layer):
                return layer.last(x)  # (B, N)
            x = layer(x)  # (T, B, N)
        return self.pool(x)  # (B, N)

    def _last_alone(self, layer):
        """Whether no more than the last states is asked for, and the layer has them."""
        return isinstance(self.pool, LastState) and hasattr(layer, "last")


class Patches(nn.Module):
    """The steps of a scan: (B, H, W, C) to (T, B, F), edges padded with the mean."""

    def __init__(self, scan, patch_size, shape):
        super().__init__()
        height, width, channels = shape
        self.patch = resolve_patch(scan, patch_size, height, width)
        self.grid = grid_shape(height, width, self.patch)
        order = torch.from_numpy(scan_order(scan, *self.grid).copy())
        self.in_order = bool((order == torch.arange(len(order))).all())
        self.register_buffer("order", order, persistent=False)
        self.n_steps = len(order)
        self.n_features = self.patch[0] * self.patch[1] * channels

    def forward(self, x):
        x = to_grid(x, self.patch, self.grid).flatten(1, 2)  # (B, T, F)
        x = x.transpose(0, 1)
        return x if self.in_order else x[self.order]  # (T, B, F)


def to_grid(x, patch, grid):
    """Cut (B, H, W, C) into a grid of patches (B, rows, columns, h * w * C)."""
    (n, height, width, channels), (h, w), (rows, columns) = x.shape, patch, grid
    if (rows * h, columns * w) != (height, width):
        x = nn.functional.pad(x, (0, 0, 0, columns * w - width, 0, rows * h - height))
    x = x.reshape(n, rows, h, columns, w, channels).transpose(2, 3)
    return x.reshape(n, rows, columns, h * w * channels)


class EmbeddedLines(nn.Module):
    """One or several lines a step (rows or columns), embedded.

    A step is ``n_lines`` lines; the next one starts ``stride`` further. Each step goes
    through a linear layer of WIDTH units and a rectifier.
    """

    WIDTH = 64

    def __init__(self, axis, shape, n_lines, stride):
        super().__init__()
        self.axis = axis
        height, width, channels = shape
        if axis == "columns":
            height, width = width, height
        self.n_lines = min(n_lines, height)
        self.stride = stride
        self.n_steps = -(-(height - self.n_lines) // stride) + 1
        self.missing = (self.n_steps - 1) * stride + self.n_lines - height
        self.embed = glorot(nn.Linear(self.n_lines * width * channels, self.WIDTH))
        self.n_features = self.WIDTH

    def forward(self, x):
        x = x.transpose(1, 2) if self.axis == "columns" else x
        x = x.flatten(2).transpose(0, 1)  # (H, B, W * C)
        if self.missing:
            x = nn.functional.pad(x, (0, 0, 0, 0, 0, self.missing))
        last = (self.n_steps - 1) * self.stride
        lines = [x[i : last + i + 1 : self.stride] for i in range(self.n_lines)]
        return torch.relu(self.embed(torch.cat(lines, dim=2)))  # (T, B, F)


LINES = {
    "overlapping": {"n_lines": 4, "stride": 2},
    "single": {"n_lines": 1, "stride": 1},
}


class Sweep(nn.Module):
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
        super().__init__()
        height, width, channels = shape
        self.patch = resolve_patch("sweep", config["patch_size"], height, width)
        self.grid = rows, columns = grid_shape(height, width, self.patch)
        cell, both = config["cell"], config["bidirectional"]
        along_rows, along_columns = [], []
        n_inputs = self.patch[0] * self.patch[1] * channels
        for n_units in config["hidden_size"]:
            along_rows.append(make_layer(cell, n_inputs, n_units, both, columns))
            along_columns.append(make_layer(cell, n_inputs, n_units, both, rows))
            n_inputs = 2 * n_outputs(n_units, both)
        self.along_rows = nn.ModuleList(along_rows)
        self.along_columns = nn.ModuleList(along_columns)
        self.dropout = nn.Dropout(config["dropout"])
        self.pool = make_pooling(config, n_inputs)
        self.n_outputs = n_inputs

    def forward(self, x):
        x = to_grid(x, self.patch, self.grid)  # (B, rows, columns, F)
        for i, layers in enumerate(zip(self.along_rows, self.along_columns)):
            x = self.dropout(x) if i else x
            across, down = self._read(x, *layers)
            if isinstance(self.pool, LastState) and i + 1 == len(self.along_rows):
                return torch.cat([self._ends(across), self._ends(down)], dim=1)
            # (columns, B, rows, N) and (rows, B, columns, N) to (B, rows, columns, N)
            parts = [across.permute(1, 2, 0, 3), down.permute(1, 0, 2, 3)]
            x = torch.cat(parts, dim=3)
        return self.pool(x.flatten(1, 2).transpose(0, 1))  # (B, N)

    def _read(self, x, along_rows, along_columns):
        n, rows, columns, _ = x.shape
        across = x.permute(2, 0, 1, 3).flatten(1, 2)  # (columns, B * rows, F)
        down = x.permute(1, 0, 2, 3).flatten(1, 2)  # (rows, B * columns, F)
        return (
            along_rows(across).unflatten(1, (n, rows)),
            along_columns(down).unflatten(1, (n, columns)),
        )

    def _ends(self, states):
        """The last states of all passes, averaged: (T, B, passes, N) to (B, N)."""
        return self.pool(states.flatten(1, 2)).unflatten(0, states.shape[1:3]).mean(1)


class LastState(nn.Module):
    """The state after the last step read; backwards that is the first step."""

    def __init__(self, bidirectional):
        super().__init__()
        self.bidirectional = bidirectional

    def forward(self, x):
        if not self.bidirectional:
            return x[-1]
        n_units = x.shape[2] // 2
        return torch.cat([x[-1, :, :n_units], x[0, :, n_units:]], dim=1)  # (B, N)


class MeanPooling(nn.Module):
    """The mean over the steps."""

    def forward(self, x):
        return x.mean(0)  # (B, N)


class MaxPooling(nn.Module):
    """The largest value over the steps, for each hidden unit."""

    def forward(self, x):
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

    def forward(self, x):
        weights = self.score(torch.tanh(self.hidden(x))).softmax(0)  # (T, B, 1)
        return (weights * x).sum(0)  # (B, N)


def make_pooling(config, n_inputs):
    """The named pooling: a module from (T, B, N) to (B, N)."""
    pooling = config["pooling"]
    if pooling == "attention":
        return AttentionPooling(n_inputs)
    if pooling == "max":
        return MaxPooling()
    if pooling == "mean" or config["cell"] is None:
        return MeanPooling()
    return LastState(config["bidirectional"])


POOLINGS = ("last", "mean", "max", "attention")
