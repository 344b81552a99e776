"""Image files as arrays, and folders of them as paths and labels."""

import io
import numbers
import os
import warnings

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.utils._param_validation import StrOptions, validate_params
from sklearn.utils.parallel import Parallel, delayed

from sk_rnnimage.images import is_positive_int

_SIXTEEN_BITS = ("I", "I;16", "I;16L", "I;16B", "I;16N")
_GREYS = ("1", "L", "LA", "La")
_TURNED = (5, 6, 7, 8)  # EXIF orientations that swap height and width
_ORIENTATION = 0x0112  # the EXIF tag


class ImageReader(TransformerMixin, BaseEstimator):
    """Read image files into arrays of pixels.

    Files are decoded with Pillow. The orientation that a camera notes in EXIF is
    applied; transparent pixels are laid over white; grey images of 16 or 32 bits are
    clipped to 0 and 65535 and scaled to 8 bits (65535 becomes 255); of the file of an
    animation the first frame is read. Pillow's limit
    on the number of pixels (its guard against decompression bombs) stands.

    Parameters
    ----------
    size : tuple (height, width), default=None
        The size that every image is resized to, whatever its proportions, with a
        bilinear filter that averages over the pixels where it shrinks. A JPEG much
        larger than this is decoded at a fraction of its size. None keeps the sizes; the
        classifiers read images of unequal size as well.
    mode : {"L", "RGB"}, default=None
        Grey or colour. None is grey where every file of the call is grey, else RGB:
        state the mode where later calls may see other files than the first.
    n_jobs : int, default=None
        Threads that decode; None is one, -1 one for each core.

    See Also
    --------
    list_images : Paths and labels of a folder of class folders.

    Notes
    -----
    The reader learns nothing: ``transform`` works without ``fit``.

    Examples
    --------
    >>> from PIL import Image
    >>> from sk_rnnimage import ImageReader
    >>> red = Image.new("RGB", (4, 2), "red")
    >>> ImageReader().fit_transform([red]).shape
    (1, 2, 4, 3)
    >>> ImageReader(size=(1, 1), mode="L").fit_transform([red])
    array([[[76]]], dtype=uint8)
    """

    _parameter_constraints = {
        "size": "no_validation",  # by _check_size
        "mode": [StrOptions({"L", "RGB"}), None],
        "n_jobs": [numbers.Integral, None],
    }

    def __init__(self, size=None, *, mode=None, n_jobs=None):
        self.size = size
        self.mode = mode
        self.n_jobs = n_jobs

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Check the parameters; nothing is read.

        Parameters
        ----------
        X : array-like of shape (n,)
            Ignored.
        y : None
            Ignored.

        Returns
        -------
        self : ImageReader

        Raises
        ------
        ValueError
            Where a parameter is not as described.
        """
        _check_size(self.size)
        return self

    def transform(self, X):
        """Read images.

        Parameters
        ----------
        X : list, array or DataFrame column of n items
            Paths (str or ``pathlib.Path``), the bytes of files, files opened in
            binary mode, or PIL images.

        Returns
        -------
        ndarray of shape (n, H, W) or (n, H, W, 3), or list of n such images
            Grey or RGB images in uint8; a list where their sizes differ.

        Raises
        ------
        ImportError
            Where Pillow is not installed.
        TypeError
            Where an item of X is none of these; the message names its place.
        ValueError
            Where X is empty, a file is missing or not readable, or an image has no
            pixels.
        """
        self._validate_params()
        _check_size(self.size)
        items = _items(X)
        _pillow().init()  # all formats, before threads ask for them
        places = {id(item): place for place, item in reversed([*enumerate(items)])}
        found = Parallel(n_jobs=self.n_jobs, prefer="threads")(
            delayed(_read)(items[place], place, self.size, self.mode)
            for place in places.values()
        )
        found = dict(zip(places, found))  # an item that comes twice is read once
        images = [found[id(item)] for item in items]
        if any(image.ndim == 3 for image in images):
            images = [_as_rgb(image) for image in images]
        equal = len({image.shape for image in images}) == 1
        return np.stack(images) if equal else images  # (B, H, W) or (B, H, W, 3)

    def __sklearn_is_fitted__(self):
        return True

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.requires_fit = False
        tags.no_validation = True
        return tags


@validate_params(
    {"folder": [str, os.PathLike], "broken": [StrOptions({"raise", "skip"})]},
    prefer_skip_nested_validation=True,
)
def list_images(folder, *, broken="raise"):
    """List the images in a folder that holds one folder for each class.

    A file counts where its suffix, in upper or lower case, is one that Pillow reads.
    Hidden files and folders are ignored, and so is what lies deeper.

    Parameters
    ----------
    folder : str or path-like
        The folder of class folders.
    broken : {"raise", "skip"}, default="raise"
        What to do with a file that Pillow cannot read: raise an error that names it,
        or leave it out with a warning. ``"skip"`` decodes every file for that, so it
        also finds those that break off; ``"raise"`` looks at the headers alone, and
        leaves such files for :class:`ImageReader` to name.

    Returns
    -------
    paths : list of str
        Sorted.
    labels : ndarray of shape (n,)
        For each path the name of its class folder.

    Raises
    ------
    ImportError
        Where Pillow is not installed.
    ValueError
        Where the folder is missing or holds no class folders, a class folder holds
        no images, or a file is broken.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> from sk_rnnimage import list_images
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for pet in ("cat", "dog"):
    ...         Path(folder, pet).mkdir()
    ...         Image.new("L", (2, 2)).save(Path(folder, pet, "1.png"))
    ...     paths, labels = list_images(folder)
    >>> labels.tolist()
    ['cat', 'dog']
    """
    suffixes = _suffixes()
    pairs, left_out = [], []
    for name in _class_folders(folder):
        here = os.path.join(os.fspath(folder), name)
        paths = [os.path.join(here, file) for file in _image_files(here, suffixes)]
        errors = {path: _error(path, broken == "skip") for path in paths}
        bad = [f"{path!r} ({error})" for path, error in errors.items() if error]
        if bad and broken == "raise":
            raise ValueError(
                f"{bad[0]} is not an image that Pillow can read. Repair or remove it, "
                "or leave such files out with broken='skip'."
            )
        good = [path for path in paths if errors[path] is None]
        if not good:
            raise ValueError(
                f"The class folder {here!r} holds no images that Pillow can read. Add "
                "some, or remove the folder."
            )
        pairs += [(path, name) for path in good]
        left_out += bad
    _warn_of(left_out)
    pairs.sort()
    return [path for path, _ in pairs], np.array([label for _, label in pairs])


def _pillow():
    """The module ``PIL.Image``, or the line that installs it."""
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError(
            "Reading image files needs Pillow, which is not installed: "
            'pip install "sk_rnnimage[images]"'
        ) from error
    return Image


def _check_size(size):
    """Raise where the parameter ``size`` is no (height, width)."""
    if size is None:
        return
    pair = isinstance(size, (tuple, list)) and len(size) == 2
    if not pair or not all(map(is_positive_int, size)):
        raise ValueError(
            "size must be None or (height, width) with whole numbers of at least 1. "
            f"Got {size!r} instead."
        )


def _items(X):
    """X as a list of what is to be read."""
    shape = getattr(X, "shape", ())
    if len(shape) == 2 and shape[1] == 1:
        X = np.asarray(X, dtype=object)[:, 0]
    elif len(shape) >= 2:
        raise ValueError(
            "X must be a list or one column of files. Got an array of shape "
            f"{tuple(shape)} instead: arrays of pixels need no ImageReader, and of a "
            "DataFrame pass the one column that holds the paths."
        )
    single = isinstance(X, (str, bytes, bytearray, os.PathLike)) or hasattr(X, "read")
    if single or not hasattr(X, "__iter__") or getattr(X, "ndim", 1) == 0:
        raise TypeError(
            "X must be a list or one column of files. Got one "
            f"{type(X).__name__} instead: for a single image pass a list of one."
        )
    items = list(X)
    if not items:
        raise ValueError("X is empty: at least one image is needed.")
    return items


def _place(item, place):
    """How a message names an item: its place in X and what it is."""
    if isinstance(item, (str, os.PathLike)):
        return f"X[{place}] ({os.fspath(item)!r})"
    if isinstance(item, (bytes, bytearray)):
        return f"X[{place}] ({len(item)} bytes)"
    return f"X[{place}] (of type {type(item).__name__})"


class _Refused(Exception):
    """Why an item is not read; the message begins with its place."""


def _read(item, place, size, mode):
    """One item as an array (H, W) or (H, W, 3)."""
    Image = _pillow()
    opened = isinstance(item, Image.Image)
    source = None if opened else _source(item, place)
    try:
        if opened:
            return _pixels(item, size, mode)
        with Image.open(source) as image:
            _shrink_on_load(image, size)
            return _pixels(image, size, mode)
    except _Refused as error:
        raise ValueError(f"{_place(item, place)} {error}") from None
    except Exception as error:
        raise ValueError(
            f"{_place(item, place)} is not an image that Pillow can read: "
            f"{str(error) or type(error).__name__}"
        ) from error


def _source(item, place):
    """What Pillow is to open: a path or a file."""
    if isinstance(item, (bytes, bytearray)):
        return io.BytesIO(item)
    if hasattr(item, "read"):
        return item
    if not isinstance(item, (str, os.PathLike)):
        raise TypeError(
            f"{_place(item, place)} must be a path, the bytes of a file, a file opened "
            "in binary mode or a PIL image."
        )
    if not os.path.exists(item):
        raise ValueError(f"{_place(item, place)} does not exist.")
    return item


def _pixels(image, size, mode):
    """A PIL image as an array: upright, of 8 bits, opaque, resized."""
    from PIL import ImageOps

    if 0 in image.size:
        raise _Refused("is an image without pixels.")
    if image.mode == "F":
        raise _Refused(
            "holds floats, which have no common scale. Read it with numpy.asarray and "
            "pass the array to the classifier."
        )
    image.load()
    if _orientation(image) != 1:
        image = ImageOps.exif_transpose(image)
    grey = image.mode in (*_GREYS, *_SIXTEEN_BITS)
    if image.mode in _SIXTEEN_BITS:
        image = _eight_bits(image)
    image = _on_white(image).convert(mode or ("L" if grey else "RGB"))
    if size is not None:
        image = image.resize(size[::-1], _pillow().Resampling.BILINEAR)
    return np.array(image)


def _orientation(image):
    """The orientation in EXIF; 1, upright, where there is none that can be read."""
    try:
        return image.getexif().get(_ORIENTATION, 1)
    except Exception:
        return 1


def _shrink_on_load(image, size):
    """Let a JPEG be decoded at 1/2, 1/4 or 1/8, but twice the size that is wanted."""
    if size is None:
        return
    turned = _orientation(image) in _TURNED
    height, width = size[::-1] if turned else size
    image.draft(None, (2 * width, 2 * height))


def _eight_bits(image):
    """A grey image of 0 to 65535 as one of 0 to 255, what is transparent white."""
    values = np.asarray(image).astype(np.int64).clip(0, 65535)  # (H, W)
    if "transparency" in image.info:
        values[values == image.info["transparency"]] = 65535
    return _pillow().fromarray(((values + 128) // 257).astype(np.uint8))


def _on_white(image):
    """Lay transparent pixels over white."""
    if not image.has_transparency_data:
        return image
    image = image.convert("RGBA")
    white = _pillow().new("RGBA", image.size, "white")
    return _pillow().alpha_composite(white, image)


def _as_rgb(image):
    """(H, W) as (H, W, 3), each channel alike."""
    return image if image.ndim == 3 else np.repeat(image[..., np.newaxis], 3, axis=2)


def _suffixes():
    """Suffixes of the formats that Pillow reads."""
    Image = _pillow()
    known = Image.registered_extensions()
    return {suffix for suffix, form in known.items() if form in Image.OPEN}


def _class_folders(folder):
    """Names of the folders in a folder, sorted."""
    if not os.path.isdir(folder):
        raise ValueError(f"There is no folder {os.fspath(folder)!r}.")
    with os.scandir(folder) as entries:
        names = [e.name for e in entries if e.is_dir() and e.name[0] != "."]
    if not names:
        raise ValueError(
            f"The folder {os.fspath(folder)!r} holds no class folders. Put the images "
            "of each class into a folder of its own, which names the class."
        )
    return sorted(names)


def _image_files(folder, suffixes):
    """Names of the files in a folder that look like images, sorted."""
    return sorted(
        name
        for name in os.listdir(folder)
        if name[0] != "."
        and os.path.splitext(name)[1].lower() in suffixes
        and os.path.isfile(os.path.join(folder, name))
    )


def _error(path, decode):
    """Why Pillow cannot open a file, or decode it, or None where it can."""
    try:
        with _pillow().open(path) as image:
            if decode:
                image.draft(None, (1, 1))
                image.load()
            return None
    except Exception as error:
        return str(error) or type(error).__name__


def _warn_of(left_out):
    if left_out:
        warnings.warn(
            f"{len(left_out)} files are left out, which Pillow cannot read: "
            + ", ".join(left_out),
            stacklevel=4,
        )
