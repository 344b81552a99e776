"""The convolutions in front of the reading: (B, H, W, C) to a smaller (B, H, W, C).

Normalisation is that of each image by itself, and where images were padded (``sizes``
is given) the padding counts in nothing.
"""

import math

import torch
from torch import nn

from sk_rnnimage.networks.masks import pixel_mask, step_mask
from sk_rnnimage.networks.precision import MixedPrecision

GROUP = 16  # filters that are normalised together
WIDE = 16  # filters from which arithmetic in bfloat16 saves more than casts cost
STRIP = 2**24  # values of a convolution's output that are held at once in prediction


class ConvolutionStem(nn.Module):
    """Convolutions, each followed by pooling where it halves the map.

    ``downsample`` names the layers that halve every side of more than one pixel, a bool
    each. With ``"auto"`` the first layer, and each that has more filters than the one
    before it, halves every side that is longer than ``SHORT``.
    """

    SHORT = 8
    frame_height_left = None  # of the maps of clips, whose frames lie one below another

    def __init__(self, image_shape, filters, kernel_sizes, downsample, dropout):
        super().__init__()
        *sides, n_inputs = image_shape
        shortest = 1
        if downsample == "auto":
            shortest, before = self.SHORT, (0, *filters)
            downsample = [n > n_before for n, n_before in zip(filters, before)]
        self.layers = nn.ModuleList()
        layers = zip(filters, kernel_sizes, downsample, strict=True)
        for n_filters, kernel, halves in layers:
            # an even kernel with equal padding on both sides adds a line
            sides = [side + (kernel % 2 == 0) for side in sides]
            pool_size = [2 if halves and side > shortest else 1 for side in sides]
            self.layers.append(
                ConvolutionLayer(n_inputs, n_filters, kernel, pool_size, dropout)
            )
            sides = [-(-side // size) for side, size in zip(sides, pool_size)]
            n_inputs = n_filters
        self.output_shape = (*sides, n_inputs)

    def largest_tensor(self, height, width):
        """Values of the largest of an image of this size."""
        return max(
            layer.convolution.out_channels * h * w
            for layer, (h, w) in zip(self.layers, self._sides(height, width))
        )

    def n_products(self, height, width):
        """Multiplications of weights with values, for an image of this size."""
        return sum(
            layer.convolution.weight.numel() * h * w
            for layer, (h, w) in zip(self.layers, self._sides(height, width))
        )

    def map_sides(self, height, width):
        """Height and width of the map that an image of this size leaves."""
        *_, sides = self._sides(height, width)
        return sides

    def _sides(self, height, width):
        """Height and width of each convolution's output, and of the map in the end."""
        for layer in self.layers:
            height, width = height + layer.n_added, width + layer.n_added
            yield height, width
            height = -(-height // layer.pool_size[0])
            width = -(-width // layer.pool_size[1])
        yield height, width

    def forward(self, x, sizes=None):
        x = x.permute(0, 3, 1, 2)  # (B, C, H, W), channels last in memory
        dtype = x.dtype
        for layer in self.layers:
            x, sizes = layer(x, sizes)
        return x.permute(0, 2, 3, 1).to(dtype), sizes  # (B, H, W, C)


class FrameStem(ConvolutionStem):
    """The same convolutions over each frame of clips by itself.

    Frames lie one below the other, in the clips (B, T * H, W, C) as in the maps that
    are left. Frames of padding are left out, and come out as 0.
    """

    def __init__(self, image_shape, frame_height, *parameters):
        height, width, n_inputs = image_shape
        super().__init__((frame_height, width, n_inputs), *parameters)
        self.frame_height = frame_height
        self.frame_height_left, *others = self.output_shape
        self.output_shape = (*self.map_sides(height, width), others[1])

    def largest_tensor(self, height, width):
        """Values of the largest of a clip of this size."""
        return self._n_frames(height) * super().largest_tensor(self.frame_height, width)

    def n_products(self, height, width):
        """Multiplications of weights with values, for a clip of this size."""
        return self._n_frames(height) * super().n_products(self.frame_height, width)

    def map_sides(self, height, width):
        """Height and width of the maps of all frames of a clip of this size."""
        of_each, width = super().map_sides(self.frame_height, width)
        return self._n_frames(height) * of_each, width

    def _n_frames(self, height):
        return height // self.frame_height

    def forward(self, x, sizes=None):
        frames = x.unflatten(1, (-1, self.frame_height))  # (B, T, H, W, C)
        n, n_frames = frames.shape[:2]
        if sizes is None:
            maps, _ = super().forward(frames.flatten(0, 1))
            return maps.unflatten(0, (n, n_frames)).flatten(1, 2), None
        n_real = sizes[:, 0] // self.frame_height
        real = step_mask(n_real, n_frames).T  # (B, T)
        maps, _ = super().forward(frames[real])
        height, width = maps.shape[1:3]
        x = maps.new_zeros(n, n_frames, *maps.shape[1:])
        x[real] = maps
        sizes = torch.stack([n_real * height, torch.full_like(n_real, width)], dim=1)
        return x.flatten(1, 2), sizes


def make_stem(recipe, image_shape, frame_height=None):
    """The convolutions of a recipe, over images or over the frames of clips."""
    names = "filters", "kernel_size", "downsample", "dropout"
    parameters = [recipe[name] for name in names]
    if frame_height is None:
        return ConvolutionStem(image_shape, *parameters)
    return FrameStem(image_shape, frame_height, *parameters)


class ConvolutionLayer(nn.Module):
    """Convolution, max-pooling, group normalisation, ReLU, dropout.

    Pooling comes first: the rest then costs a quarter, and neither the normalisation's
    positive scale nor the ReLU would change which value is the largest.
    """

    def __init__(self, n_inputs, n_filters, kernel, pool_size, dropout):
        super().__init__()
        self.n_added = int(kernel % 2 == 0)  # lines and columns
        self.convolution = StandardConvolution(n_inputs, n_filters, kernel)
        self.pool_size = pool_size
        pooled = max(pool_size) > 1
        self.pool = nn.MaxPool2d(pool_size, ceil_mode=True) if pooled else None
        self.normalize = GroupNorm(n_groups(n_filters), n_filters)
        self.dropout = nn.Dropout2d(dropout)

    def forward(self, x, sizes=None):
        if sizes is None:
            x = self._pooled(x)
            return self.dropout(torch.relu(self.normalize(x))), None
        sizes = sizes + self.n_added
        sides = [side + self.n_added for side in x.shape[2:]]
        x = self._pooled(x, pixel_mask(sizes, *sides)[:, None])
        sizes = -(-sizes // sizes.new_tensor(self.pool_size))
        mask = pixel_mask(sizes, *x.shape[2:])[:, None]  # (B, 1, H, W)
        x = torch.relu(self.normalize(x, mask)).where(mask, 0)
        return self.dropout(x), sizes

    def _pooled(self, x, mask=None):
        """Convolution and pooling of (B, C, H, W) whose ``mask`` (B, 1, H, W) is real.

        In prediction the convolution's output, the largest tensor of all, is made a
        strip of lines at a time.
        """
        if self.pool is None:
            return self.convolution(x)
        n_lines, n_columns = (side + self.n_added for side in x.shape[2:])
        n_values = len(x) * self.convolution.out_channels * n_columns  # of a line
        n_together = max(1, STRIP // (n_values * self.pool_size[0]))
        n_together *= self.pool_size[0]  # so that no window is cut
        if torch.is_grad_enabled() or n_together >= n_lines:
            n_together = n_lines
        strips = []
        for top in range(0, n_lines, n_together):
            bottom = min(top + n_together, n_lines)
            strip = self.convolution.strip(x, top, bottom)
            if mask is not None:
                strip = strip.masked_fill(~mask[:, :, top:bottom], -torch.inf)
            strips.append(self.pool(strip))
        return torch.cat(strips, dim=2) if len(strips) > 1 else strips[0]


class StandardConvolution(MixedPrecision, nn.Conv2d):
    r"""A convolution whose filters have mean 0 and one norm: weight standardisation.

    .. math:: \hat W = g \, (W - \bar W) / \lVert W - \bar W \rVert

    for each filter, where :math:`W` holds its weights, :math:`\bar W` is their mean (0
    for a single weight) and :math:`g`, which is learned, starts with :math:`\sqrt 2`,
    the gain of a ReLU. With group normalisation this replaces batch normalisation
    [1]_, and no image depends on another.

    References
    ----------
    .. [1] S. Qiao et al., "Micro-batch training with batch-channel normalization and
       weight standardization", arXiv:1903.10520, 2019.
    """

    EPSILON = 1e-6

    def __init__(self, n_inputs, n_filters, kernel):
        super().__init__(n_inputs, n_filters, kernel, padding=kernel // 2)
        nn.init.zeros_(self.bias)
        self.gain = nn.Parameter(torch.full((n_filters, 1, 1, 1), math.sqrt(2)))

    def is_large(self):
        """Whether there are filters enough for arithmetic in bfloat16 to pay."""
        return self.out_channels >= WIDE

    def forward(self, x):
        x, filters, bias = self.cast(x, self.filters(), self.bias)
        return nn.functional.conv2d(x, filters, bias, padding=self.padding)

    def strip(self, x, top, bottom):
        """The lines from ``top`` to ``bottom`` of what ``forward`` gives."""
        height, kernel = x.shape[2], self.kernel_size[0]
        padding, beside = self.padding
        if (top, bottom) == (0, height + 2 * padding - kernel + 1):
            return self(x)
        first, last = top - padding, bottom - padding + kernel - 1  # lines that it sees
        x = x[:, :, max(first, 0) : min(last, height)]
        x = nn.functional.pad(x, (0, 0, max(-first, 0), max(last - height, 0)))
        return nn.functional.conv2d(x, self.filters(), self.bias, padding=(0, beside))

    def filters(self):
        """The standardised weights."""
        weight = self.weight
        if weight[0].numel() > 1:
            weight = weight - weight.mean((1, 2, 3), keepdim=True)
        squares = weight.square().sum((1, 2, 3), keepdim=True)
        return weight * (self.gain * torch.rsqrt(squares + self.EPSILON))


class GroupNorm(nn.GroupNorm):
    """Group normalisation over the pixels of a mask (B, 1, H, W), or over all."""

    def forward(self, x, mask=None):
        # a CPU's own kernel takes bfloat16 as it is, with statistics in float32
        if mask is not None or x.device.type != "cpu":
            x = x.to(self.weight.dtype)
        if mask is None:
            return super().forward(x)
        shape = x.shape
        x = x.unflatten(1, (self.num_groups, -1))  # (B, G, C / G, H, W)
        mask, axes = mask[:, :, None], (2, 3, 4)
        count = mask.sum(axes, keepdim=True) * x.shape[2]
        x = x.where(mask, 0)
        x = (x - x.sum(axes, keepdim=True) / count).where(mask, 0)
        variance = x.square().sum(axes, keepdim=True) / count
        x = (x * torch.rsqrt(variance + self.eps)).view(shape)
        return x * self.weight[:, None, None] + self.bias[:, None, None]


def n_groups(n_filters):
    """Groups for normalisation: as many as have at least GROUP filters each, or 1."""
    most = max(1, n_filters // GROUP)
    return next(n for n in range(most, 0, -1) if n_filters % n == 0)
