"""Where the steps of a scan lie in an image, in pixels."""

import math
from typing import NamedTuple

import numpy as np

from sk_rnnimage.images.orders import evenly, grid_shape, resolve_patch, scan_order
from sk_rnnimage.networks.readings import Sweep
from sk_rnnimage.networks.steps import EmbeddedLines

MOST_FRAMES = 36  # that are shown of a clip


class Path(NamedTuple):
    """The steps of one scan.

    ``corners`` (passes, T, 2) are the top and the left edge of each step, and ``size``
    (h, w) is its height and width. All scans but a sweep have one pass; those of a
    sweep take their steps at the same time. ``numbers`` (T,) are written on steps that
    are frames.
    """

    name: str
    corners: np.ndarray
    size: tuple
    numbers: np.ndarray | None = None

    @property
    def centres(self):
        """The middle of each step, as x and y: (passes, T, 2)."""
        return (self.corners + np.array(self.size) / 2)[..., ::-1]

    @property
    def area(self):
        """Height and width of what all steps cover, the padding at edges included."""
        return tuple(int(side) for side in self.corners.max(axis=(0, 1)) + self.size)

    def length(self):
        """The length of the line through the steps of a pass, in sides of the area."""
        jumps = np.diff(self.centres[0], axis=0)
        return max(1, np.hypot(*jumps.T).sum() / max(self.area))

    def lines(self):
        """``"rows"`` or ``"columns"`` where each step is one or several, else None."""
        n_places = [len(np.unique(self.corners[..., axis])) for axis in (0, 1)]
        if len(self.corners) > 1 or 1 not in n_places or n_places == [1, 1]:
            return None
        return "rows" if n_places[1] == 1 else "columns"

    def first_step(self, height, width):
        """The step, from 0 on, that reads each pixel first: (height, width).

        T where none does.
        """
        n_steps, (h, w) = self.corners.shape[1], self.size
        y = self.corners[..., :1, None] + np.arange(h)[:, None]  # (passes, T, h, 1)
        x = self.corners[..., 1:, None] + np.arange(w)  # (passes, T, 1, w)
        steps = np.full(np.maximum(self.area, (height, width)), n_steps)
        np.minimum.at(steps, (y, x), np.arange(n_steps)[:, None, None])
        return steps[:height, :width]

    def scaled(self, factors):
        """The same steps of a map that is so many times smaller than the image."""
        return Path(
            f"{self.name}\nof the feature map",
            self.corners * factors,
            tuple(side * factor for side, factor in zip(self.size, factors)),
        )


def scan_path(scan, height, width, patch_size):
    """The path of a scan over an image of this size, by the parameters' words."""
    patch = resolve_patch(scan, patch_size, height, width)
    return _path_over_grid(scan, height, width, patch)


def network_paths(network, height, width):
    """The paths along which a network reads an image of this size.

    Parameters
    ----------
    network : ImageNetwork
        Of images, not clips.
    height, width : int
        Of the image in pixels.

    Returns
    -------
    list of Path
        One for each of its scans, two for a sweep. Behind convolutions a step is one of
        the feature map, drawn where that lies in the image: what it sees of the image
        is larger.
    """
    factors = None
    if network.stem is not None:
        pools = [layer.pool_size for layer in network.stem.layers]
        factors = tuple(np.prod(pools, axis=0).tolist())
        height, width = network.stem.map_sides(height, width)
    paths = [
        path
        for scan, reading in zip(network.recipe["scans"], network.readings)
        for path in _paths(scan, reading, height, width)
    ]
    return paths if factors is None else [path.scaled(factors) for path in paths]


def frames_path(n_frames, frame_shape):
    """The path of a clip whose frames are laid out side by side, row by row.

    Of a long clip some frames, evenly from the first to the last.
    """
    height, width = frame_shape
    shown = evenly(n_frames, min(n_frames, MOST_FRAMES))
    # as many columns as make a picture about as high as it is wide
    n_columns = math.ceil(math.sqrt(len(shown) * height / width))
    row, column = np.divmod(np.arange(len(shown)), min(n_columns, len(shown)))
    corners = np.column_stack([row * height, column * width])
    return Path("frames", corners[None], (height, width), shown + 1)


def _paths(scan, reading, height, width):
    """Those of one reading of a map."""
    if isinstance(reading, Sweep):
        return _sweep(reading.patch, grid_shape(height, width, reading.patch))
    if isinstance(reading.steps, EmbeddedLines):
        return [_lines(reading.steps, height, width)]
    return [_path_over_grid(scan, height, width, reading.steps.patch)]


def _path_over_grid(scan, height, width, patch):
    grid = grid_shape(height, width, patch)
    places = np.column_stack(np.divmod(scan_order(scan, *grid), grid[1]))  # (T, 2)
    return Path(scan, places[None] * patch, patch)


def _sweep(patch, grid):
    """Both passes of a sweep, each along all lines at once."""
    places = np.moveaxis(np.indices(grid), 0, 2) * patch  # (rows, columns, 2)
    return [
        Path("sweep\nalong rows", places, patch),
        Path("sweep\nalong columns", places.swapaxes(0, 1), patch),
    ]


def _lines(steps, height, width):
    """Lines of which some may be in two steps."""
    tops = steps.stride * np.arange(steps.count(height, width))
    corners, size = np.column_stack([tops, 0 * tops]), (steps.n_lines, width)
    if steps.axis == "columns":
        corners, size = corners[:, ::-1], (height, steps.n_lines)
    name = steps.axis
    if steps.n_lines > 1:
        name += f"\n{steps.n_lines} a step, {steps.n_lines - steps.stride} shared"
    return Path(name, corners[None], size)
