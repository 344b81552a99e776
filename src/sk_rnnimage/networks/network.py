"""The networks: standardise, convolve (CRNN), read, pool, classify.

Shapes: B images of H x W pixels and C channels, T steps of F features, N hidden
values a step (D units in each direction), K logits. Networks take images
(B, H, W, C); sequences inside are time-major, (T, B, F), which the fused LSTM of
oneDNN likes best. Images of unequal size come padded to the size of the largest, with
``sizes`` (B, 2), their own heights and widths.
"""

import numpy as np
import torch
from torch import nn

from sk_rnnimage._environment.process import memory_error_as, seeded
from sk_rnnimage.networks.cells import glorot
from sk_rnnimage.networks.eight_bits import dequantized
from sk_rnnimage.networks.masks import pixel_mask
from sk_rnnimage.networks.readings import make_reading
from sk_rnnimage.networks.recipe import with_data
from sk_rnnimage.networks.stem import make_stem


class ImageNetwork(nn.Module):
    """Images (B, H, W, C) in raw pixel values to logits (B, K).

    Parameters
    ----------
    recipe : dict
        As described in ``recipe.py``.
    """

    def __init__(self, recipe):
        super().__init__()
        self.recipe = recipe
        self.temperature = 1.0  # set in training, by how far that has got
        *sides, n_channels = recipe["image_shape"]
        self.standardize = Standardize(n_channels, recipe["missing"])
        shape = *sides, n_channels + recipe["missing"]
        frame_height = recipe.get("frame_height")  # absent in an older pickle
        self.stem = None
        if recipe["filters"]:
            self.stem = make_stem(recipe, shape, frame_height)
            shape = self.stem.output_shape
            frame_height = self.stem.frame_height_left
        self.readings = nn.ModuleList(
            make_reading(scan, recipe, shape, frame_height) for scan in recipe["scans"]
        )
        self.dropout = nn.Dropout(recipe["dropout"])
        width = sum(reading.n_outputs for reading in self.readings)
        self.head = glorot(nn.Linear(width, recipe["n_outputs"]))

    def forward(self, x, sizes=None):
        return self.classify(self.sequences(x, sizes))

    def sequences(self, x, sizes=None):
        """What each reading reads of the images, and how much of it is real."""
        if self.stem is None:
            x = self._standardized(x, sizes)
        else:  # no name for the standardised images, which are freed on the way
            x, sizes = self.stem(self._standardized(x, sizes), sizes)  # the feature map
        return [reading.sequence(x, sizes) for reading in self.readings]

    def _standardized(self, x, sizes):
        x = self.standardize(x)  # (B, H, W, C)
        if sizes is None:
            return x
        # the padding becomes 0, which is the mean
        return x.where(pixel_mask(sizes, *x.shape[1:3])[..., None], 0)

    def classify(self, sequences):
        """Logits (B, K) from what each reading reads."""
        pooled = [
            reading.read(*sequence)  # (B, N)
            for reading, sequence in zip(self.readings, sequences)
        ]
        x = torch.cat(pooled, dim=1) if len(pooled) > 1 else pooled[0]
        logits = self.head(self.dropout(x))
        # in training the criterion takes them as they are
        return logits if self.training else logits / self.temperature

    def step(self, x, carried):
        """Logits (B, K) after one more frame (B, H, W, C) of clips that come in.

        ``carried`` is what it gave after the frame before, or None.
        """
        (reading,), (sequence,) = self.readings, self.sequences(x)
        x, carried = reading.step(sequence[0][0], carried)
        return self.head(x) / self.temperature, carried

    def attention_weights(self, x, sizes=None, *, layer):
        """Attention weights of each reading's pooling, or of its self-attention."""
        return [
            reading.attention_weights(layer, *sequence)
            for reading, sequence in zip(self.readings, self.sequences(x, sizes))
        ]

    @property
    def dtype(self):
        """The precision of the weights."""
        return self.head.weight.dtype

    def n_bytes_predicting(self, height, width):
        """Bytes that the prediction of one image of this size takes, about.

        The largest tensor beside its input and its output; measured on images of 24
        million pixels, where a convolution's output is never there as a whole.
        """
        return 2 * self.largest_tensor(height, width) * self.dtype.itemsize

    def n_bytes_training(self, height, width, batch_size):
        """Bytes that an update takes, about: backward passes keep the outputs."""
        n_values = 3 * self.largest_tensor(height, width) * batch_size
        return n_values * self.dtype.itemsize

    def expect_missing(self, missing):
        """Tell a network without a mask whether NaN may occur in further training."""
        self.standardize.fill = missing

    def largest_tensor(self, height, width):
        """Values of the largest tensor that is made of an image of this size."""
        n_channels = self.recipe["image_shape"][2] + self.recipe["missing"]
        n_values = height * width * n_channels
        if self.stem is not None:
            n_values = max(n_values, self.stem.largest_tensor(height, width))
            height, width = self.stem.map_sides(height, width)
        return max(n_values, *(r.largest_tensor(height, width) for r in self.readings))

    def n_products(self, height, width):
        """Multiplications of weights with values in the prediction of one image."""
        total = self.head.weight.numel()
        if self.stem is not None:
            total += self.stem.n_products(height, width)
            height, width = self.stem.map_sides(height, width)
        return total + sum(r.n_products(height, width) for r in self.readings)

    def expects_missing(self):
        """Whether NaN is a missing pixel, and no sign of a fault, in training."""
        return self.standardize.mask or self.standardize.fill

    def cast(self, dtype):
        """Change the precision, but for the standardisation's, which stays float64."""
        mean, scale = self.standardize.mean, self.standardize.scale
        self.to(dtype)
        self.standardize.set_moments(mean, scale)
        return self


class Standardize(nn.Module):
    """Pixels to mean 0 and standard deviation 1 per channel, in a network's precision.

    A missing pixel, NaN, becomes the mean. With ``mask`` there is one channel more: the
    fraction of a pixel's values that are missing. Without it NaN stays in training,
    where it then shows a fault, unless ``fill`` says that the images hold some.
    """

    def __init__(self, n_channels, mask=False):
        super().__init__()
        self.mask = mask
        self.fill = False
        self.register_buffer("mean", torch.zeros(n_channels, dtype=torch.float64))
        self.register_buffer("scale", torch.ones(n_channels, dtype=torch.float64))
        # the network's precision, which ``to`` casts with the weights
        self.register_buffer("precision", torch.empty(0), persistent=False)

    def set_moments(self, mean, scale):
        """Set the mean and the standard deviation of each channel, (C,)."""
        self.mean = torch.as_tensor(mean, dtype=torch.float64)
        self.scale = torch.as_tensor(scale, dtype=torch.float64)

    def forward(self, x):
        # in the images' precision first: float64 pixels of 1e9 + 1 would lose the 1
        # uint8 becomes float here at the latest, without a copy of its own
        dtype = x.dtype if x.is_floating_point() else torch.float32
        x = (x - self.mean.to(dtype)).div_(self.scale.to(dtype))
        x = x.to(self.precision.dtype)
        if self.mask:
            missing = x.isnan()
            fraction = missing.to(x.dtype).mean(3, keepdim=True)
            return torch.cat([x.masked_fill(missing, 0), fraction], dim=3)
        if self.training and not self.fill:
            return x  # NaN here comes from an augmentation: let the loss show it
        return x.nan_to_num_(0, torch.inf, -torch.inf)


def new_network(recipe, item_shape, n_outputs, data, seed, dtype=torch.float32):
    """A network with initial weights that depend on the seed alone.

    Parameters
    ----------
    recipe : dict
        What the parameters say of the network.
    item_shape : tuple (H, W, C) or (T, H, W, C)
        The largest images, or the longest clips, that will come.
    n_outputs : int
        K, the number of logits.
    data : ImageSet
        Gives the standardisation of the pixels, and whether some are missing.
    seed : int
        Of the initial weights.
    dtype : torch.dtype, default=torch.float32
        Their precision; they are drawn in single precision.
    """
    sizes = ", ".join(
        f"{name}={recipe[name] if len(recipe[name]) > 1 else recipe[name][0]}"
        for name in ("hidden_size", "filters", "kernel_size")
        if recipe[name]
    )
    message = (
        f"There is not enough memory for the weights of a network with {sizes} on "
        f"images of shape {item_shape}. Choose smaller ones."
    )
    recipe = with_data(recipe, item_shape, n_outputs, data.has_missing())
    with seeded(seed), memory_error_as(message):
        network = ImageNetwork(recipe).cast(dtype)
    network.standardize.set_moments(*data.pixel_moments())
    return network


def empty_network(recipe):
    """A network without memory for its weights: they have shapes and no values."""
    with torch.device("meta"):  # of this thread alone, unlike the default device
        return ImageNetwork(recipe)


def load_network(recipe, weights):
    """A fitted network, in evaluation mode, from its recipe and its weights.

    It is built without memory for weights and without random numbers, held against the
    arrays, and only then given copies of these.

    Parameters
    ----------
    recipe : dict
        A whole recipe.
    weights : dict of ndarray
        As ``weights_of`` gives them, or these in 8 bits.

    Raises
    ------
    ValueError
        Where the weights are not those of such a network.
    """
    network = empty_network(recipe)
    expected, weights = network.state_dict(), dequantized(weights)
    _check_shapes({**expected, "temperature": np.empty(())}, weights)
    # copies: training goes on from them, and earlier weights are not written over
    tensors = {name: torch.tensor(weights[name]) for name in expected}
    network.load_state_dict(tensors, assign=True)
    network.temperature = float(weights["temperature"])
    network.standardize.precision = torch.empty(0, dtype=network.dtype)
    return network.eval()


def weights_of(network):
    """All weights of a network on the CPU, and its temperature, as a dict of arrays."""
    arrays = {name: weight.numpy() for name, weight in network.state_dict().items()}
    temperature = torch.tensor(network.temperature, dtype=network.dtype)
    return {**arrays, "temperature": temperature.numpy()}


def _check_shapes(expected, weights):
    """Raise where weights differ in names or shapes from those of a network."""
    for name in expected.keys() | weights.keys():
        shape = tuple(expected[name].shape) if name in expected else None
        got = np.shape(weights[name]) if name in weights else None
        if shape != got:
            raise ValueError(
                f"The weights do not belong to this network: {name!r} must have shape "
                f"{shape}. Got {got} instead."
            )


class LazyNetwork:
    """A fitted network that is loaded when it is first asked for, and then kept.

    Called, it gives the network; ``network`` is one that is loaded already. Nothing is
    locked: two threads that ask at once load the same network twice, and one stays.
    """

    def __init__(self, recipe, weights, network=None):
        self._recipe = recipe
        self._weights = weights
        self._network = network

    def __call__(self):
        if self._network is None:
            self._network = load_network(self._recipe, self._weights)
        return self._network
