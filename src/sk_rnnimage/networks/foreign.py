"""Recipes and weights that somebody else wrote: held against each other.

Nothing here takes memory for weights, whatever a recipe or an array claims to be.
"""

import math

import numpy as np
import torch

from sk_rnnimage._environment.process import one_thread
from sk_rnnimage.images.orders import SCANS, grid_shape, resolve_patch
from sk_rnnimage.networks.eight_bits import SCALE
from sk_rnnimage.networks.network import empty_network
from sk_rnnimage.networks.pooling import POOLINGS
from sk_rnnimage.networks.stem import make_stem

# Steps of a reading, of which a network keeps the order, and an LMU 512 numbers each
MOST_STEPS, MOST_STEPS_OF_LMU = 2**18, 2**16
MOST_LAYERS = 10_000  # far beyond any network, and built in a second or two


def check_weights(recipe, weights):
    """Raise where arrays are not the weights of the network of a recipe.

    Parameters
    ----------
    recipe : dict
        What claims to be a whole recipe.
    weights : dict of ndarray
        Of which the shapes alone are looked at, so that arrays without memory will do:
        ``np.broadcast_to(0, shape)``.

    Raises
    ------
    ValueError
        Where the recipe is none, its network has other weights, or would keep more
        than ``MOST_STEPS`` steps.
    """
    try:
        expected = _expected_shapes(recipe)
    except _TooMany as error:
        raise ValueError(str(error)) from None
    # whatever it is, of whatever a foreign recipe holds: KeyError, RuntimeError, ...
    except Exception as error:
        raise ValueError(
            f"There is no network of the recipe {str(recipe):.200}."
        ) from error
    expected |= {
        name + SCALE: (*shape[:1], *(1 for _ in shape[1:]))  # one for each row
        for name, shape in expected.items()
        if name + SCALE in weights
    }
    got = {name: np.shape(weight) for name, weight in weights.items()}
    for name in sorted(expected.keys() | got.keys()):
        if expected.get(name) != got.get(name):
            raise ValueError(
                f"The weights are not those of the network: {name!r} must have the "
                f"shape {expected.get(name)}. Got {got.get(name)} instead."
            )


class _TooMany(Exception):
    """A recipe claims more than any network has."""


def _expected_shapes(recipe):
    """The shape of each weight, by name."""
    layers = (*recipe["hidden_size"], *recipe["filters"], *recipe["scans"])
    if len(layers) > MOST_LAYERS:
        raise _TooMany(f"The recipe names {len(layers)} layers, as no network has.")
    POOLINGS.index(recipe["pooling"])  # which has no weights that would tell
    # LMUs compute; threads that they start would hang a later fork
    with one_thread():
        _check_steps(recipe)
        weights = empty_network(recipe).state_dict()
    return {"temperature": (), **{name: tuple(w.shape) for name, w in weights.items()}}


def _check_steps(recipe):
    """Raise where a reading has more steps than ``MOST_STEPS``."""
    *sides, n_channels = recipe["image_shape"]
    shape = *sides, n_channels + recipe["missing"]
    if recipe["filters"]:
        with torch.device("meta"):  # which has shapes and no values
            shape = make_stem(recipe, shape, recipe.get("frame_height")).output_shape
    most = MOST_STEPS_OF_LMU if recipe["cell"] == "lmu" else MOST_STEPS
    for scan in recipe["scans"]:
        n_steps = max(shape[:2])
        if scan in SCANS:
            patch = resolve_patch(scan, recipe["patch_size"], *shape[:2])
            n_steps = math.prod(grid_shape(*shape[:2], patch))
        if n_steps > most:
            raise _TooMany(
                f"scan={scan!r} reads {tuple(recipe['image_shape'])} in {n_steps} "
                f"steps. A file may hold a network of at most {most}: choose a larger "
                "patch_size."
            )
