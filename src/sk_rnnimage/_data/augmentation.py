"""Augmentations of training images, and the views over which predictions are averaged.

An augmentation is a function of float images (B, C, H, W) and a torch generator; it
gives as many images of the same shape. To those of this file the frames of a clip are
channels, (B, T * C, H, W), so that all are changed alike; others take (B, T, C, H, W).
"""

import inspect
import math
from functools import partial

import torch
from torch import nn

from sk_rnnimage._environment.process import moved


def shift(images, generator):
    """Translate by up to a twelfth of the sides, at least a pixel; edges repeated."""
    return _random_shift(images, generator, 12)


def flip(images, generator, mirrored=None):
    """Mirror the images of a mask (B,), or half on average; translate by an eighth."""
    if mirrored is None:
        mirrored = draw_mirrored(len(images), generator)
    mirrored = moved(mirrored, images.device)[:, None, None, None]
    images = torch.where(mirrored, images.flip(3), images)
    return _random_shift(images, generator, 8)


def draw_mirrored(n, generator):
    """Which of n images are mirrored, half on average: (B,)."""
    return torch.rand(n, generator=generator) < 0.5


def affine(images, generator, missing=False):
    """Rotate by up to 10 degrees, scale by up to 10 %, translate by up to a twelfth.

    With ``missing`` NaN is a missing pixel: a value is interpolated from those that
    are present, and is missing where these have less than half of the weight.
    """
    n = len(images)
    angle, scale, right, down = 2 * torch.rand(4, n, generator=generator) - 1  # (B,)
    angle, scale = angle * math.radians(10), 1 + 0.1 * scale
    height, width = images.shape[2:]
    cos, sin = scale * angle.cos(), scale * angle.sin()
    across = torch.stack([cos, -sin * height / width, right / 6])
    along = torch.stack([sin * width / height, cos, down / 6])
    coefficients = moved(torch.stack([across, along]), images.device).to(images.dtype)
    grid = _grid(coefficients, height, width)
    if not missing:
        return _sampled(images, grid)
    present = _sampled((~images.isnan()).to(images.dtype), grid)
    values = _sampled(images.nan_to_num(0, torch.inf, -torch.inf), grid) / present
    # at half, a hole keeps its area on average under an interpolation
    return values.masked_fill(present < 0.5, torch.nan)


def _grid(coefficients, height, width):
    """Where each pixel comes from, in -1 to 1: (B, H, W, 2).

    Row x and row y of ``coefficients`` (2, 3, B) weigh x, y and 1. (torch's affine_grid
    gives the same by a product a pixel, in five times the time.)
    """
    x, y = (_centres(side, coefficients) for side in (width, height))
    grid = coefficients.new_empty(coefficients.shape[2], height, width, 2)
    for of_x, of_y, of_one, places in zip(*coefficients.unbind(1), grid.unbind(3)):
        by_row = torch.outer(of_y, y) + of_one[:, None]  # (B, H)
        by_column = torch.outer(of_x, x)  # (B, W)
        torch.add(by_row[:, :, None], by_column[:, None], out=places)
    return grid


def _centres(n, like):
    """The centres of n pixels that fill the way from -1 to 1."""
    return (2 * torch.arange(n, dtype=like.dtype, device=like.device) + 1) / n - 1


def _sampled(images, grid):
    """Images at the points of a grid, bilinear, the edges repeated."""
    return nn.functional.grid_sample(
        images, grid, padding_mode="border", align_corners=False
    )


AUGMENTATIONS = {"shift": shift, "affine": affine, "flip": flip}

# augment="auto" varies images from so many pixels a side, and epochs, on; it rotates
# those in colour from so many epochs on
AUTO_SIDE, AUTO_EPOCHS, AUTO_EPOCHS_COLOUR = 16, 8, 20


def resolve_augment(augment, scan, shortest_side, n_epochs, colour):
    """What ``augment="auto"`` means; any other value as it is.

    Interpolation blurs the texture that photographs are told apart by. Where each is
    read only a few times, that costs more than rotations are worth; a translation by
    whole pixels needs none.

    Parameters
    ----------
    augment, scan
        As in the classifiers.
    shortest_side : int
        In pixels, of all images.
    n_epochs : int
        How often each image is read.
    colour : bool
        Whether the images have several channels.
    """
    if not isinstance(augment, str) or augment != "auto":
        return augment
    large = shortest_side >= AUTO_SIDE and n_epochs >= AUTO_EPOCHS
    reads_all = isinstance(scan, str) and scan == "auto"
    if not (large and reads_all):
        return None
    return "shift" if colour and n_epochs < AUTO_EPOCHS_COLOUR else "affine"


def check_augment(augment):
    """Raise where the parameter ``augment`` is a callable of other arguments.

    torchvision's transforms, for one, take images alone.
    """
    if augment is None or isinstance(augment, str):
        return
    fits = not isinstance(augment, type)  # a class gives no tensor
    try:
        inspect.signature(augment).bind("images", "generator")
    except TypeError:
        fits = False
    except ValueError:
        pass  # a builtin without a signature: its call will tell
    if not fits:
        raise ValueError(
            "augment must be callable as augment(images, generator), with float "
            "tensors (B, C, H, W), of clips (B, T, C, H, W), and a torch.Generator. "
            f"Got {augment!r}. A transform of images alone fits as "
            "augment=lambda images, generator: transform(images)."
        )


def make_augmentation(augment, missing):
    """The function that the parameter ``augment`` means, or None.

    Parameters
    ----------
    augment : str, callable or None
        As in the classifiers.
    missing : bool
        Whether the images have missing pixels.
    """
    if augment == "affine" and missing:
        return partial(affine, missing=True)
    return AUGMENTATIONS[augment] if isinstance(augment, str) else augment


def augmented(images, augment, generator, frame_height=None, **options):
    """Images (B, H, W, C), or clips (B, T * H, W, C), after an augmentation."""
    if frame_height is None:
        images = images.permute(0, 3, 1, 2)  # (B, C, H, W)
        images = _checked(augment, images, "(B, C, H, W)", generator, **options)
        return images.permute(0, 2, 3, 1)
    frames = images.unflatten(1, (-1, frame_height)).permute(0, 1, 4, 2, 3)
    own = getattr(augment, "func", augment) in AUGMENTATIONS.values()
    given = frames.flatten(1, 2) if own else frames
    output = _checked(augment, given, "(B, T, C, H, W)", generator, **options)
    output = output.reshape(frames.shape).permute(0, 1, 3, 4, 2)
    return output.flatten(1, 2)  # (B, T * H, W, C)


def _checked(augment, images, shape, generator, **options):
    """What an augmentation makes of images, held against their shape."""
    output = augment(images, generator, **options)
    if not isinstance(output, torch.Tensor) or output.shape != images.shape:
        tensor = isinstance(output, torch.Tensor)
        what = tuple(output.shape) if tensor else type(output).__name__
        raise ValueError(
            f"augment must give back a float tensor of the shape that it takes, {shape}"
            f". It got {tuple(images.shape)} and gave {what}."
        )
    return output.to(images)


def _random_shift(images, generator, fraction):
    """Translate each image by up to 1 / ``fraction`` of its sides, at least a pixel."""
    limits = [max(1, side // fraction) for side in images.shape[2:]]
    down, right = (
        torch.randint(-limit, limit + 1, (len(images),), generator=generator)
        for limit in limits
    )
    return shifted(images, down, right)


def shifted(images, down, right):
    """Images (B, C, H, W), each moved by its own whole pixels, the edges repeated."""
    (n, _, height, width), device = images.shape, images.device
    b, i, j = (torch.arange(size, device=device) for size in (n, height, width))
    rows = (i - moved(down, device)[:, None]).clamp(0, height - 1)  # (B, H)
    columns = (j - moved(right, device)[:, None]).clamp(0, width - 1)  # (B, W)
    indices = b[:, None, None], rows[:, :, None], columns[:, None, :]
    return images.permute(0, 2, 3, 1)[indices].permute(0, 3, 1, 2)


# (down, right): the image itself, its four neighbours, then the diagonal ones
VIEWS = [(0, 0), (0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, -1), (1, -1), (-1, 1)]


def views_of(n_views, mirrors):
    """The first views, each as (down, right, mirrored).

    With ``mirrors`` each is followed by its mirror image.
    """
    both = (False, True) if mirrors else (False,)
    views = [(*by, mirrored) for by in VIEWS for mirrored in both]
    return views[:n_views]


def moved_by(images, down, right, mirrored=False, frame_height=None):
    """Images (B, H, W, C), mirrored or not, all moved by the same whole pixels.

    Clips (B, T * H, W, C) with a ``frame_height`` are moved frame by frame.
    """
    images = images.flip(2) if mirrored else images
    if (down, right) == (0, 0):
        return images
    if frame_height is not None:
        frames = images.unflatten(1, (-1, frame_height))  # (B, T, H, W, C)
        moved_frames = moved_by(frames.flatten(0, 1), down, right)
        return moved_frames.view(frames.shape).flatten(1, 2)
    n = len(images)
    images = images.permute(0, 3, 1, 2)  # (B, C, H, W)
    images = shifted(images, torch.full((n,), down), torch.full((n,), right))
    return images.permute(0, 2, 3, 1)
