"""The recipe of a network: the parameters that make it, checked, in plain values.

A recipe is a dict that a fitted estimator keeps beside its weights. The parameters give
all but the last four entries, which ``with_data`` adds:

=================== ==================================================================
``cell``            name of the cell, or None
``hidden_size``     tuple of int, one for each layer
``scans``           tuple of str, one for each reading; a name with a space is a kind
                    of lines and their axis, of ``scan="auto"``
``patch_size``      None, int or (h, w)
``bidirectional``   bool
``pooling``         str
``attention_heads`` int or None
``dropout``         float
``filters``         tuple of int; empty without convolutions; "auto" until the images
                    are known
``kernel_size``     tuple of int, one for each of ``filters``
``downsample``      tuple of bool, one for each of ``filters``, or "auto"
``image_shape``     (H, W, C); of clips (T * H, W, C), their frames one below the other
``frame_height``    H of clips, None of images
``n_outputs``       K, the number of logits
``missing``         whether missing pixels are told to the network by a channel more
=================== ==================================================================
"""

import math

from sk_rnnimage._environment.parameters import plain
from sk_rnnimage.images.orders import (
    SCANS,
    check_patch_size,
    refuse_patches_of_frames,
)
from sk_rnnimage.images.shapes import full_shape, is_positive_int
from sk_rnnimage.networks.cells import n_outputs

SCAN_NAMES = [*SCANS, "sweep", "frames"]

# filters="auto": of grey images, of grey images that are MANY, of any others
FILTERS, FILTERS_FOR_MANY, COLOUR_FILTERS = (16, 32, 64), (16, 32), (32, 64, 128)
MANY = 20_000


def make_recipe(
    *,
    hidden_size,
    cell,
    scan,
    patch_size,
    bidirectional,
    pooling,
    attention_heads,
    dropout,
    auto_scans,
    **more,
):
    """Check the parameters of a classifier that make its network.

    Parameters
    ----------
    auto_scans : tuple of str
        The readings that ``scan="auto"`` means.
    **more
        Any other parameter of a classifier: ``filters``, ``kernel_size`` and
        ``downsample`` make a network with convolutions, others change nothing.

    Raises
    ------
    ValueError
        Where a parameter is not as described in the classifiers.
    """
    check_patch_size(patch_size)
    scans = _scan_names(scan, auto_scans)
    refuse_patches_of_frames(scans[0], patch_size)
    layers = positive_ints("hidden_size", hidden_size)
    filters = kernel_size = downsample = ()
    if "filters" in more:
        filters, n_layers = _filters(more["filters"]), 1
        if filters == "auto":
            _refuse_tuples_of_layers(more["kernel_size"], more["downsample"])
        else:
            n_layers = len(filters)
        kernel_size = positive_ints("kernel_size", more["kernel_size"], n_layers)
        downsample = _bools("downsample", more["downsample"], n_layers)
    n_values = n_outputs(layers[-1], bidirectional)
    if attention_heads and n_values % attention_heads:
        raise ValueError(
            f"attention_heads={attention_heads} must divide the {n_values} values of a "
            f"state: hidden_size={hidden_size!r} in {1 + bidirectional} direction(s)."
        )
    return {
        "cell": plain(cell),
        "hidden_size": layers,
        "patch_size": plain(patch_size),
        "scans": plain(scans),
        "bidirectional": bool(bidirectional),
        "pooling": plain(pooling),
        "attention_heads": plain(attention_heads),
        "dropout": float(dropout),
        "filters": filters,
        "kernel_size": kernel_size,
        "downsample": downsample,
    }


def with_data(recipe, item_shape, n_outputs, missing):
    """A whole recipe: with what the data say.

    ``item_shape`` is (H, W) or (H, W, C) of images, (T, H, W, C) of clips.
    """
    *n_frames, height, width, n_channels = full_shape(item_shape)
    return {
        **recipe,
        "image_shape": (math.prod(n_frames) * height, width, n_channels),
        "frame_height": height if n_frames else None,
        "n_outputs": n_outputs,
        "missing": missing,
    }


def resolved(recipe, n_channels, n_images):
    """A recipe whose ``filters="auto"`` is what it means for such images.

    Parameters
    ----------
    recipe : dict
        As ``make_recipe`` gives it.
    n_channels : int
        Of the images.
    n_images : int or float
        How many there are, infinity where more will come.
    """
    if recipe["filters"] != "auto":
        return recipe
    if n_channels > 1:
        return _with_filters(recipe, COLOUR_FILTERS)
    return _with_filters(recipe, FILTERS if n_images <= MANY else FILTERS_FOR_MANY)


def _with_filters(recipe, filters):
    """A recipe with filters in place of ``"auto"``."""
    kernels = recipe["kernel_size"][:1] * len(filters)
    return {**recipe, "filters": filters, "kernel_size": kernels}


def changed_parameter(fitted, recipe):
    """The first parameter that differs from a fitted recipe, dropout aside, or None.

    ``filters="auto"`` takes those that were fitted.
    """
    if recipe["filters"] == "auto":
        recipe = _with_filters(recipe, fitted["filters"])
    for key, value in recipe.items():  # patch_size first: the scans may depend on it
        if key != "dropout" and fitted[key] != value:
            return "scan" if key == "scans" else key
    return None


def positive_ints(name, value, length=None):
    """A parameter that is an int or a tuple of ints, as a tuple."""
    values = value if isinstance(value, (tuple, list)) else (value,) * (length or 1)
    whole = all(map(is_positive_int, values))
    if not values or not whole or (length and len(values) != length):
        count = f"a tuple of {length}" if length else "a tuple, one for each layer,"
        raise ValueError(
            f"{name} must be a whole number of at least 1 or {count} of such. "
            f"Got {value!r} instead."
        )
    return tuple(int(v) for v in values)


def _is_auto(value):
    """Whether a parameter of any type is "auto"."""
    return isinstance(value, str) and value == "auto"


def _filters(value):
    """The parameter ``filters`` as a tuple, or "auto"."""
    return value if _is_auto(value) else positive_ints("filters", value)


def _refuse_tuples_of_layers(kernel_size, downsample):
    """Raise where layers are given one by one whose number is not known yet."""
    for name, value in (("kernel_size", kernel_size), ("downsample", downsample)):
        if isinstance(value, (tuple, list)):
            raise ValueError(
                f"{name}={value!r} has an entry for each layer, so filters must be a "
                "tuple of as many. Got filters='auto'."
            )


def _bools(name, value, length):
    """A parameter that is "auto" or a tuple of bools, as it is or as a tuple."""
    if _is_auto(value):
        return value
    values = plain(value) if isinstance(value, (tuple, list)) else ()
    if len(values) != length or not all(isinstance(v, bool) for v in values):
        raise ValueError(
            f"{name} must be 'auto' or a tuple of {length} bools, one for each of the "
            f"filters. Got {value!r} instead."
        )
    return values


def _scan_names(scan, auto_scans):
    """``scan`` as a tuple of names."""
    if _is_auto(scan):
        return auto_scans
    scans = scan if isinstance(scan, (tuple, list)) else (scan,)
    if not scans or not all(isinstance(s, str) and s in SCAN_NAMES for s in scans):
        raise ValueError(
            "scan must be 'auto', one of "
            f"{', '.join(map(repr, SCAN_NAMES))}, or a tuple of these. "
            f"Got {scan!r} instead."
        )
    if "frames" in scans and not isinstance(scan, str):
        raise ValueError(
            "scan='frames' reads clips and goes with no other scan, all of which read "
            f"images. Got {scan!r}; pass 'frames' alone."
        )
    return tuple(scans)
