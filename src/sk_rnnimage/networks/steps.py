"""From a map (B, H, W, C) to the steps that a cell reads: (T, B, F).

A map is a batch of standardised images, or the feature map that convolutions leave.
Each module here gives the steps, and how many of them are real in each image: lengths
(B,), or None where all are. ``sizes`` (B, 2) holds the heights and widths of images
that were padded to the size of the largest; None where none was.
"""

import math

import torch
from torch import nn

from sk_rnnimage.images.orders import grid_shape, resolve_patch, scan_order
from sk_rnnimage.networks.cells import glorot
from sk_rnnimage.networks.precision import MixedPrecision

# How scan="auto" reads lines: how many make a step, and where the next step begins.
# With two lines shared each line is seen in two contexts, at half the number of steps.
LINES = {
    "overlapping": {"n_lines": 4, "stride": 2},
    "single": {"n_lines": 1, "stride": 1},
}


def make_steps(scan, patch_size, shape, frame_height=None):
    """The module that cuts maps of shape (H, W, C) into the steps of a scan.

    Those of clips, whose frames lie one below the other, have a ``frame_height``.
    """
    if scan == "frames":
        lines = {"n_lines": frame_height, "stride": frame_height}
        return EmbeddedLines("rows", shape, **lines, frames=True)
    if " " in scan:  # of scan="auto": the kind of lines, and their axis
        kind, axis = scan.split()
        return EmbeddedLines(axis, shape, **LINES[kind])
    return Patches(scan, patch_size, shape)


class Patches(nn.Module):
    """The steps of a scan: (B, H, W, C) to (T, B, F), edges padded with zeros."""

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
            indices, lengths = self._indices(grid_sizes(sizes, self.patch), grid[1])
            return x.gather(0, indices[..., None].expand(-1, -1, x.shape[2])), lengths
        return (x if self.scan == "rows" else x[self._order(grid)]), None

    def count(self, height, width):
        """Steps of a map of this size."""
        rows, columns = grid_shape(height, width, self.patch)
        return rows * columns

    def _order(self, grid):
        if grid == self.grid:
            return self.order
        order = torch.from_numpy(scan_order(self.scan, *grid).copy())
        return order.to(self.order.device)

    def _indices(self, grids, n_columns):
        """Indices of each image's steps in the common grid (T, B), lengths (B,)."""
        lengths = grids.prod(1)
        indices = lengths.new_zeros(int(lengths.max()), len(grids))
        for grid in grids.unique(dim=0):
            order = self._order(tuple(grid.tolist()))
            row, column = order // grid[1], order % grid[1]
            equal = (grids == grid).all(1)
            indices[: len(order), equal] = (row * n_columns + column)[:, None]
        return indices, lengths


def to_grid(x, patch, grid):
    """Cut (B, H, W, C) into a grid of patches (B, rows, columns, h * w * C)."""
    (n, height, width, channels), (h, w), (rows, columns) = x.shape, patch, grid
    if (rows * h, columns * w) != (height, width):
        x = nn.functional.pad(x, (0, 0, 0, columns * w - width, 0, rows * h - height))
    x = x.reshape(n, rows, h, columns, w, channels).transpose(2, 3)
    return x.reshape(n, rows, columns, h * w * channels)


def grid_sizes(sizes, patch):
    """Heights and widths (B, 2) in patches."""
    return -(-sizes // sizes.new_tensor(patch))


class Product(MixedPrecision, nn.Linear):
    """A linear layer by weights that may be a part of its own."""

    LARGE = 256  # inputs

    def is_large(self):
        """Whether there are inputs enough for arithmetic in bfloat16 to pay."""
        return self.in_features >= self.LARGE

    def forward(self, x, weight):
        dtype = x.dtype
        return nn.functional.linear(*self.cast(x, weight, self.bias)).to(dtype)


class EmbeddedLines(nn.Module):
    """One or several lines a step (rows or columns), embedded.

    A step is ``n_lines`` lines; the next one starts ``stride`` further. Each step goes
    through a linear layer of WIDTH units and a ReLU. Its weights for ``frames``, which
    have many inputs, are larger at the start and multiplied by a ``scale``, so that an
    update of AdamW, which changes each by as much, changes their sum by less.
    """

    WIDTH = 64
    MANY = 256  # inputs of a frame, beyond which an update would change their sum a lot

    def __init__(self, axis, shape, n_lines, stride, frames=False):
        super().__init__()
        self.axis = axis
        height, length, channels = shape
        if axis == "columns":
            height, length = length, height
        self.n_lines = min(n_lines, height)
        self.stride = stride
        self.n_steps = self._n_steps(height)
        n_inputs = self.n_lines * length * channels
        self.embed = glorot(Product(n_inputs, self.WIDTH))
        self.scale = min(1, math.sqrt(self.MANY / n_inputs)) if frames else 1
        self.embed.weight.detach().div_(self.scale)
        self.n_features = self.WIDTH

    def forward(self, x, sizes=None):
        x = x.transpose(1, 2) if self.axis == "columns" else x
        last = (self._n_steps(x.shape[1]) - 1) * self.stride  # where the last step is
        n_padded = last + self.n_lines - x.shape[1]
        if n_padded:
            x = nn.functional.pad(x, (0, 0, 0, 0, 0, n_padded))
        if self.stride == self.n_lines:  # no line is in two steps
            x = x.unflatten(1, (-1, self.n_lines)).flatten(2).transpose(0, 1)
        else:
            x = x.flatten(2).transpose(0, 1)  # (H, B, W * C)
            lines = [x[i : last + i + 1 : self.stride] for i in range(self.n_lines)]
            x = torch.cat(lines, dim=2)  # (T, B, n_lines * W * C)
        x = self.embed(x, self._weight(x.shape[2]))
        x = torch.relu(x)  # (T, B, F)
        if sizes is None:
            return x, None
        heights = sizes[:, int(self.axis == "columns")]
        return x, self._n_steps(heights.clamp(min=self.n_lines))

    def count(self, height, width):
        """Steps of a map of this size."""
        return self._n_steps(width if self.axis == "columns" else height)

    def _weight(self, n_inputs):
        """The weights for lines that may be shorter: those of absent pixels left out.

        The same as padding the lines with zeros, which is their mean.
        """
        weight = self.embed.weight
        if self.scale != 1:
            weight = self.scale * weight
        if n_inputs == weight.shape[1]:
            return weight
        by_line = weight.unflatten(1, (self.n_lines, -1))
        return by_line[..., : n_inputs // self.n_lines].flatten(1)

    def _n_steps(self, height):
        """Steps that so many lines make, at least one; an int or a tensor (B,)."""
        if isinstance(height, int):
            height = max(height, self.n_lines)
        return -(-(height - self.n_lines) // self.stride) + 1
