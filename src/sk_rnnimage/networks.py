"""The networks: standardise, convolve (CRNN), read, pool, classify.

Shapes: B images of H x W pixels and C channels, T steps of F features, N hidden
values a step (D units in each direction), K classes. Networks take images
(B, H, W, C); sequences inside are time-major, (T, B, F), which the fused LSTM of
oneDNN likes best. Images of unequal size come padded to the size of the largest, with
``sizes`` (B, 2), their own heights and widths.
"""

import math

import torch
from torch import nn

from sk_rnnimage.cells import glorot
from sk_rnnimage.readings import inside, make_reading

GROUP = 16  # filters that are normalised together


class ImageNetwork(nn.Module):
    """Images (B, H, W, C) in raw pixel values to logits (B, K)."""

    def __init__(self, config, image_shape, n_classes):
        super().__init__()
        *sides, n_channels = image_shape
        self.standardize = Standardize(n_channels, config["missing"])
        shape = *sides, n_channels + config["missing"]
        self.stem = None
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

    def forward(self, x, sizes=None):
        return self.classify(self.steps(x, sizes))

    def steps(self, x, sizes=None):
        """What each reading reads of the images, and how much of that counts."""
        x = self.standardize(x)  # (B, H, W, C)
        if sizes is not None:
            x = x.where(inside(sizes, *x.shape[1:3])[..., None], 0)
        if self.stem is not None:
            x, sizes = self.stem(x, sizes)  # the feature map
        return [reading.steps(x, sizes) for reading in self.readings]

    def classify(self, steps):
        """Logits (B, K) from what each reading reads."""
        found = [r.read(*its) for r, its in zip(self.readings, steps)]  # each (B, N)
        x = torch.cat(found, dim=1) if len(found) > 1 else found[0]
        return self.head(self.dropout(x))

    def weights(self, x, sizes=None, *, kind):
        """What each reading's pooling, or its self-attention, weighs."""
        pairs = zip(self.readings, self.steps(x, sizes))
        return [reading.weights(kind, *its) for reading, its in pairs]


class Standardize(nn.Module):
    """Pixels to mean 0 and spread 1 per channel, then to the network's precision.

    A missing pixel, NaN, becomes the mean. With ``mask`` there is one channel more: the
    share of a pixel's values that are missing. Without it NaN stays in training, where
    it then tells of a fault, unless ``fill`` says that the images hold some.
    """

    def __init__(self, n_channels, mask=False):
        super().__init__()
        self.mask = mask
        self.fill = False
        self.register_buffer("mean", torch.zeros(n_channels, dtype=torch.float64))
        self.register_buffer("scale", torch.ones(n_channels, dtype=torch.float64))
        self.register_buffer("precision", torch.empty(0), persistent=False)

    def forward(self, x):
        x = (x - self.mean.to(x.dtype)) / self.scale.to(x.dtype)
        x = x.to(self.precision.dtype)
        if self.mask:
            absent = x.isnan()
            share = absent.to(x.dtype).mean(3, keepdim=True)
            return torch.cat([x.masked_fill(absent, 0), share], dim=3)
        if self.training and not self.fill:
            return x
        return x.nan_to_num(0, torch.inf, -torch.inf)


class ConvolutionStem(nn.Module):
    """Convolutions in front of the reading: (B, H, W, C) to a smaller (B, H, W, C).

    The first layer, and each that has more filters than the one before it, halves every
    side that is longer than ``SHORT``.
    """

    SHORT = 8

    def __init__(self, image_shape, filters, kernel_sizes, dropout):
        super().__init__()
        *sides, n_inputs = image_shape
        self.layers, before = nn.ModuleList(), 0
        for n_filters, kernel in zip(filters, kernel_sizes, strict=True):
            grown = kernel % 2 == 0  # by one, where the padding cannot be even
            sides = [side + grown for side in sides]
            parts = [2 if n_filters > before and s > self.SHORT else 1 for s in sides]
            self.layers.append(
                ConvolutionLayer(n_inputs, n_filters, kernel, parts, dropout)
            )
            sides = [-(-side // part) for side, part in zip(sides, parts)]
            n_inputs = before = n_filters
        self.output_shape = (*sides, n_inputs)

    def forward(self, x, sizes=None):
        x = x.permute(0, 3, 1, 2)  # (B, C, H, W), channels last in memory
        for layer in self.layers:
            x, sizes = layer(x, sizes)
        return x.permute(0, 2, 3, 1), sizes  # (B, H, W, C)


class ConvolutionLayer(nn.Module):
    """Convolution, maximum of ``parts``, group normalisation, rectifier, dropout."""

    def __init__(self, n_inputs, n_filters, kernel, parts, dropout):
        super().__init__()
        self.grown = kernel % 2 == 0
        self.convolution = StandardConvolution(n_inputs, n_filters, kernel)
        self.parts = parts
        self.pool = nn.MaxPool2d(parts, ceil_mode=True) if max(parts) > 1 else None
        self.normalize = GroupNorm(n_groups(n_filters), n_filters)
        self.dropout = nn.Dropout2d(dropout)

    def forward(self, x, sizes=None):
        x = self.convolution(x)
        if sizes is not None:
            sizes = sizes + self.grown
        if self.pool is not None and sizes is not None:
            x = x.masked_fill(~inside(sizes, *x.shape[2:])[:, None], -torch.inf)
            sizes = -(-sizes // sizes.new_tensor(self.parts))
        x = x if self.pool is None else self.pool(x)
        if sizes is None:
            return self.dropout(torch.relu(self.normalize(x))), None
        own = inside(sizes, *x.shape[2:])[:, None]  # (B, 1, H, W)
        x = torch.relu(self.normalize(x, own)).where(own, 0)
        return self.dropout(x), sizes


class StandardConvolution(nn.Conv2d):
    r"""A convolution whose filters have mean 0 and one length: weight standardisation.

    .. math:: \hat W = g \, (W - \bar W) / \lVert W - \bar W \rVert

    for each filter, where :math:`W` holds its weights, :math:`\bar W` is their mean (0
    for a single weight) and :math:`g`, which is learned, starts with :math:`\sqrt 2`,
    the gain of a rectifier.
    With group normalisation this stands in for batch normalisation [1]_, and no image
    depends on another.

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

    def forward(self, x):
        weight = self.weight
        if weight[0].numel() > 1:
            weight = weight - weight.mean((1, 2, 3), keepdim=True)
        squares = weight.square().sum((1, 2, 3), keepdim=True)
        weight = weight * (self.gain * torch.rsqrt(squares + self.EPSILON))
        return nn.functional.conv2d(x, weight, self.bias, padding=self.padding)


class GroupNorm(nn.GroupNorm):
    """Group normalisation that counts only the pixels that are an image's own."""

    def forward(self, x, own=None):
        if own is None:
            return super().forward(x)
        shape = x.shape
        x = x.unflatten(1, (self.num_groups, -1))  # (B, G, C / G, H, W)
        own, axes = own[:, :, None], (2, 3, 4)
        count = own.sum(axes, keepdim=True) * x.shape[2]
        x = x.where(own, 0)
        x = (x - x.sum(axes, keepdim=True) / count).where(own, 0)
        variance = x.square().sum(axes, keepdim=True) / count
        x = (x * torch.rsqrt(variance + self.eps)).view(shape)
        return x * self.weight[:, None, None] + self.bias[:, None, None]


def n_groups(n_filters):
    """Groups for normalisation: as many as have at least 16 filters each, or 1."""
    most = max(1, n_filters // GROUP)
    return next(n for n in range(most, 0, -1) if n_filters % n == 0)
