"""What ``"auto"`` means for the images that ``fit`` sees, and in which precision.

Each rule counts the images of positive weight, means the same for up to
``DOUBLE_PRECISION_ROWS`` of them, and looks at no clock. What it chooses is kept: the
first ``fit`` decides, ``warm_start`` goes on with it.
"""

import math
from dataclasses import replace

import torch

from sk_rnnimage._data.augmentation import resolve_augment
from sk_rnnimage._environment.process import multiplies_bfloat16
from sk_rnnimage.images.kinds import n_batches
from sk_rnnimage.networks.precision import train_in
from sk_rnnimage.networks.recipe import resolved

# A set so small is one mini-batch or two: float64 costs little, and a weight of k then
# trains as k copies to 1e-7.
DOUBLE_PRECISION_ROWS = 128


def resolve_auto(estimator, recipe, data):
    """A recipe with what ``"auto"`` means for an estimator on these images.

    Those of ``partial_fit`` may be a part of many more.
    """
    n_channels = data.images.image_shape[2]
    colour = n_channels > 1 and data.images.frame_height is None
    training = replace(recipe.training, colour=colour)
    n_images = len(data) if training.schedule else math.inf
    network, augment = recipe.network, training.augment
    if not recipe.goes_on:
        network = resolved(network, n_channels, n_images)
    elif isinstance(augment, str) and augment == "auto":
        augment = getattr(estimator, "_augment", None)  # of an older pickle
    # as if there were at least so many: the same for small sets and their copies
    together = n_batches(max(len(data), DOUBLE_PRECISION_ROWS), training.batch_size)
    shortest_side = int(data.images.sizes.min())
    n_epochs = training.n_epochs(together)  # if "auto" varies them
    augment = resolve_augment(augment, estimator.scan, shortest_side, n_epochs, colour)
    training = replace(training, augment=augment if training.schedule else None)
    return recipe._replace(network=network, training=training)


def precision_of(recipe, n_images):
    """The dtype to train in; None for the one that the network has."""
    settings = recipe.training
    if settings.device != "cpu":
        return torch.float32
    if recipe.goes_on and not settings.schedule:
        return None
    small = settings.schedule and n_images <= DOUBLE_PRECISION_ROWS
    return torch.float64 if small else torch.float32


def set_products(network, settings):
    """Set the precision of a network's products in training, of ``precision``."""
    precision = settings.precision
    if precision == "auto" and not multiplies_bfloat16(settings.device):
        precision = "float32"
    # a network in float64 is as exact everywhere
    train_in(network, "float32" if network.dtype == torch.float64 else precision)
