"""The order in which an image is read: scan orders as index arrays, and patches.

An image is cut into a grid of patches, one patch is one step, and a scan is a
permutation of the grid. The transformer, the networks and the Display all take their
orders from :func:`scan_order`.
"""

import numbers

import numpy as np

from sk_rnnimage.images.shapes import is_positive_int

MOST_FRAMES = 10_000  # of one clip: a film without end would fill the memory


def _raster(height, width):
    return np.arange(height * width).reshape(height, width)


def _rows(height, width):
    return _raster(height, width).ravel()


def _columns(height, width):
    return _raster(height, width).T.ravel()


def _snake(height, width):
    """Row by row, every second row backwards (boustrophedon)."""
    grid = _raster(height, width)
    grid[1::2] = grid[1::2, ::-1]
    return grid.ravel()


def _spiral(height, width):
    """From the top left corner clockwise inwards: peel a side, turn, repeat."""
    grid = _raster(height, width)
    sides = []
    while grid.size:
        sides.append(grid[0])
        grid = np.rot90(grid[1:])
    return np.concatenate(sides)


def _diagonal(height, width):
    """Anti-diagonals from the top left, in alternating directions, as JPEG reads."""
    row, column = np.divmod(np.arange(height * width), width)
    line = row + column
    along = np.where(line % 2, row, column)  # down the odd lines, up the even ones
    return np.lexsort((along, line))


def _random(height, width):
    """One permutation for each grid size, the same on every machine."""
    # RandomState's stream is frozen, that of default_rng may change (NEP 19)
    return np.random.RandomState(0).permutation(height * width)


def _hilbert(height, width):
    """A Hilbert curve generalised to any rectangle, along its longer side."""
    across, down = np.array([0, 1]), np.array([1, 0])
    sides = (across * width, down * height)
    if height > width:
        sides = sides[::-1]  # along the longer side fewer cuts are odd
    cells = np.array(_fill(np.array([0, 0]), *sides))  # (T, 2) rows and columns
    return cells[:, 0] * width + cells[:, 1]


def _fill(corner, along, across):
    """Cells of a space-filling path over a box, from its corner to the end of `along`.

    `along` and `across` are the box's signed sides (row, column) as seen from
    `corner`; the path leaves the box at the other end of `along`. A long box is
    halved; any other is cut in three, up one side, over the top and down the other,
    with even cuts wherever there is a choice, so that the parts meet cell to cell.
    """
    length, breadth = np.abs(along).sum(), np.abs(across).sum()
    forward, sideways = np.sign(along), np.sign(across)
    if breadth == 1:
        return [corner + i * forward for i in range(length)]
    if length == 1:
        return [corner + i * sideways for i in range(breadth)]
    if 2 * length > 3 * breadth:  # else the parts would be longer than they are wide
        half = _even(length // 2, length) * forward
        return _fill(corner, half, across) + _fill(corner + half, along - half, across)
    near = _even(breadth // 2, breadth) * sideways
    half = length // 2 * forward
    return (
        _fill(corner, near, half)
        + _fill(corner + near, along, across - near)
        + _fill(corner + along - forward + near - sideways, -near, half - along)
    )


def _even(half, whole):
    """The cut `half` of `whole`, made even where that leaves two parts."""
    return half + 1 if half % 2 and whole > 2 else half


SCANS = {
    "rows": _rows,
    "columns": _columns,
    "snake": _snake,
    "spiral": _spiral,
    "hilbert": _hilbert,
    "diagonal": _diagonal,
    "random": _random,
}


def scan_order(scan, height, width):
    """The order in which a scan visits a grid.

    Parameters
    ----------
    scan : {"rows", "columns", "snake", "spiral", "hilbert", "diagonal", "random"}
        The path.
    height, width : int
        The size of the grid, in steps.

    Returns
    -------
    ndarray of shape (height * width,)
        At place t the raster index (row * width + column) of the step read as t-th.
    """
    return SCANS[scan](height, width)


def resolve_patch(scan, patch_size, height, width):
    """The size (h, w) of one step in pixels, every None of ``patch_size`` filled in.

    Raises
    ------
    ValueError
        Where the patch is larger than the image.
    """
    sides = patch_size
    if patch_size is None:
        line = {"rows": (1, None), "columns": (None, 1)}
        sides = line.get(scan, (1, 1))
    elif isinstance(patch_size, numbers.Integral):
        sides = (patch_size, patch_size)
    h, w = (
        whole if side is None else side
        for side, whole in zip(sides, (height, width), strict=True)
    )
    if h > height or w > width:
        raise ValueError(
            f"patch_size={patch_size!r} is larger than the grid that is read, "
            f"{height} x {width}. Choose a smaller patch."
        )
    return int(h), int(w)


def check_patch_size(patch_size):
    """Raise where the parameter ``patch_size`` is neither None, an int nor a pair."""
    sides = patch_size if isinstance(patch_size, (tuple, list)) else (patch_size,) * 2
    if len(sides) != 2 or not all(
        side is None or is_positive_int(side) for side in sides
    ):
        raise ValueError(
            "patch_size must be None, a whole number of at least 1, or a pair "
            "(height, width) of such numbers, in which None is the whole extent. "
            f"Got {patch_size!r} instead."
        )


def refuse_patches_of_frames(scan, patch_size):
    """Raise where clips are to be read frame by frame, and in patches."""
    if scan == "frames" and patch_size is not None:
        raise ValueError(
            "patch_size must be None with scan='frames', where a step is a whole "
            f"frame. Got {patch_size!r} instead."
        )


def evenly(n, n_frames):
    """The indices of so many of n frames, from the first to the last; one is amid them.

    Where there are fewer than ``n_frames``, some come repeatedly.
    """
    if n_frames == 1:
        return np.array([(n - 1) // 2])
    return np.linspace(0, n - 1, n_frames).round().astype(int)


def to_patches(X, patch):
    """Cut images (B, H, W, C) into patches (B, rows * columns, h * w * C).

    The grid is rastered; edges that do not fill a patch are padded with zeros. Works
    on NumPy arrays, whose dtype is kept.
    """
    n, height, width, channels = X.shape
    h, w = patch
    rows, columns = grid_shape(height, width, patch)
    padding = (rows * h - height, columns * w - width)
    if any(padding):
        X = np.pad(X, ((0, 0), (0, padding[0]), (0, padding[1]), (0, 0)))
    X = X.reshape(n, rows, h, columns, w, channels)
    X = X.transpose(0, 1, 3, 2, 4, 5)  # (B, rows, columns, h, w, C)
    return X.reshape(n, rows * columns, h * w * channels)  # (B, T, F)


def from_patches(patches, image_shape, patch):
    """Undo :func:`to_patches`: (B, T, F) to (B, H, W, C), the padding cut off."""
    height, width, channels = image_shape
    h, w = patch
    rows, columns = grid_shape(height, width, patch)
    X = patches.reshape(len(patches), rows, columns, h, w, channels)
    X = X.transpose(0, 1, 3, 2, 4, 5)  # (B, rows, h, columns, w, C)
    X = X.reshape(len(patches), rows * h, columns * w, channels)
    return X[:, :height, :width]


def grid_shape(height, width, patch):
    """How many patches an image of this size has: (rows, columns)."""
    return -(-height // patch[0]), -(-width // patch[1])
