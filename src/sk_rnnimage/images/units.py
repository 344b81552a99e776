"""The unit of pixels: whether images can be in that of the images of ``fit``."""

import math
import warnings

import numpy as np

# looked at: that is enough to tell a unit, and takes a millisecond
MOST_IMAGES, MOST_VALUES = 256, 2**16
# Of two units in use, such as 0-1 and 0-255, one is at least so many times the other.
FACTOR = 50
# Noise on a blank image may be as small as pixels in another unit, but takes few values
FEW_VALUES, FEW_ONES = 8, 0.02


def warn_of_another_unit(images, mean, scale, name="X"):
    """Warn where images cannot be in the unit of those whose moments are given.

    Parameters
    ----------
    images : Images or UnequalImages
        Images, of which a sample is looked at.
    mean, scale : ndarray of shape (C,)
        The standardisation of a fitted network.
    name : str, default="X"
        The argument's name in the message.
    """
    pixels = np.concatenate(list(_sample(images)))  # (n, C)
    # a channel that is constant in fit has no unit, one without pixels neither
    told = (scale != 1) & ~np.isnan(pixels).all(axis=0)
    pixels, mean, scale = pixels[:, told], mean[told], scale[told]
    with np.errstate(over="ignore", invalid="ignore"):  # the outputs will tell
        means, stds = _moments(pixels / scale)  # in standard deviations of fit
    if _is_large(means, stds, mean / scale) or (
        _is_small(means, stds, mean / scale) and not _is_noise(pixels)
    ):
        warnings.warn(
            f"The pixels of {name} have a mean of {_listed(means * scale)} and a "
            f"standard deviation of {_listed(stds * scale)}, those of fit of "
            f"{_listed(mean)} and {_listed(scale)}: they cannot be in the same unit. "
            f"Bring {name} into that of fit, for instance 0 to 255 in both.",
            UserWarning,
            stacklevel=5,  # the line that calls predict
        )


def _is_large(means, stds, level):
    """Whether each channel is far from the level of fit; one colour may be."""
    varies = (stds > 1e-6 * np.abs(means)).any()
    with np.errstate(over="ignore"):
        return varies and (np.hypot(means - level, stds) > FACTOR).all()


def _is_small(means, stds, level):
    """Whether each channel is nearly 0 in comparison, but more than rounded."""
    near = np.abs(means) < np.maximum(np.abs(level), 1) / FACTOR
    return len(near) and (near & (stds < 1 / FACTOR) & (stds > 1e-6)).all()


def _sample(images):
    """Pixels (n, C) in parts, from images spread over all."""
    n_of_each = math.prod(images.image_shape)
    most = min(MOST_IMAGES, max(1, MOST_VALUES // n_of_each))
    n = len(images)
    rows = np.linspace(0, n - 1, min(n, most)).astype(int)
    step = math.ceil(math.sqrt(n_of_each / MOST_VALUES))  # of an image that is large
    for _, part in images.parts(rows):
        part = part[:, ::step, ::step]
        yield part.reshape(-1, part.shape[3]).astype(np.float64)


def _moments(pixels):
    """Mean and standard deviation of each channel, of what is not missing."""
    present = ~np.isnan(pixels)
    n = present.sum(axis=0).clip(1)
    means = pixels.sum(axis=0, where=present) / n
    squares = np.square(pixels - means).sum(axis=0, where=present)
    return means, np.sqrt(squares / n)


def _is_noise(pixels):
    """Whether so few values occur that they may be noise, and not 0 and 1 alone."""
    values, counts = np.unique(pixels[~np.isnan(pixels)], return_counts=True)
    binary = np.array_equal(values, [0, 1]) and counts[1] > FEW_ONES * counts.sum()
    return len(values) <= FEW_VALUES and not binary


def _listed(values):
    """One number, or one for each channel."""
    return ", ".join(f"{value:.3g}" for value in values)
