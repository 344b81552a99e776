"""Reading image files into arrays, and listing the files of a folder."""

import io
import numbers
import os
import warnings

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.parallel import Parallel, delayed

from sk_rnnimage._environment.borrowed import (
    StrOptions,
    _fit_context,
    validate_params,
)
from sk_rnnimage.images.shapes import is_positive_int

# Modes of Pillow: https://pillow.readthedocs.io/en/stable/handbook/concepts.html
_GREY_MODES = ("1", "L", "LA", "La")
# "I" has 32 bits, but Pillow before 10.3 opens PNGs of 16 bits in it (Pillow#7849).
_GREY_16_BIT_MODES = ("I", "I;16", "I;16L", "I;16B", "I;16N")
_ORIENTATION_TAG = 0x0112  # of EXIF
_TRANSPOSED_ORIENTATIONS = (5, 6, 7, 8)  # those that swap height and width


class ImageReader(TransformerMixin, BaseEstimator):
    """Read image files into arrays of pixels.

    Files are decoded with Pillow. The EXIF orientation is applied, transparent pixels
    are blended with a white background, and of an animated image only the first frame
    is read. Grey images of 16 or 32 bits are clipped to the range from 0 to 65535 and
    scaled to 8 bits (65535 becomes 255). Pillow's limit on the number of pixels, its
    protection against decompression bombs, stays in force.

    Parameters
    ----------
    size : tuple (height, width), default=None
        Size in pixels to which every image is resized, without regard to its aspect
        ratio. The filter is bilinear and antialiased. A JPEG much larger than this is
        decoded at a reduced resolution, which is faster. None keeps the original
        sizes, which may differ: the classifiers accept images of unequal size.
    mode : {"L", "RGB"}, default=None
        Grey or colour. None gives grey images if all files of the call are grey, RGB
        images otherwise; set the mode if later calls may contain other files than the
        first one.
    n_jobs : int, default=None
        Number of threads that decode files. None means 1, -1 means one per core.

    See Also
    --------
    list_images : List paths and labels of a folder with one subfolder per class.

    Notes
    -----
    This transformer is stateless: ``transform`` works without ``fit``.

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
        "size": "no_validation",  # by _check_size: no constraint describes a pair
        "mode": [StrOptions({"L", "RGB"}), None],
        "n_jobs": [numbers.Integral, None],
    }

    def __init__(self, size=None, *, mode=None, n_jobs=None):
        self.size = size
        self.mode = mode
        self.n_jobs = n_jobs

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Validate the parameters; no file is read.

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
            If a parameter is invalid.
        """
        _check_size(self.size)
        return self

    def transform(self, X):
        """Read images.

        Parameters
        ----------
        X : list, array or DataFrame column of n items
            Paths (str or ``pathlib.Path``), contents of files (bytes), file objects
            opened in binary mode, or PIL images.

        Returns
        -------
        ndarray of shape (n, H, W) or (n, H, W, 3), or list of n such images
            Grey or RGB images of dtype uint8; a list if their sizes differ.

        Raises
        ------
        ImportError
            If Pillow is not installed.
        TypeError
            If an item of X is of another type; the message gives its index.
        ValueError
            If X is empty, a file is missing or cannot be decoded, or an image has no
            pixels.
        """
        self._validate_params()
        _check_size(self.size)
        items = _check_items(X)
        # Pillow imports its decoders on demand; threads must not race for that.
        _import_pillow().init()
        # An object that occurs twice is read once: a file object, or a PIL image that
        # is not loaded yet, has one read position, which two threads must not share.
        first_indices = {id(item): i for i, item in reversed([*enumerate(items)])}
        decoded = Parallel(n_jobs=self.n_jobs, prefer="threads")(
            delayed(_read_image)(items[index], index, self.size, self.mode)
            for index in first_indices.values()
        )
        image_by_id = dict(zip(first_indices, decoded))
        images = [image_by_id[id(item)] for item in items]
        if any(image.ndim == 3 for image in images):
            images = [_to_rgb(image) for image in images]
        same_size = len({image.shape for image in images}) == 1
        return np.stack(images) if same_size else images  # (B, H, W) or (B, H, W, 3)

    def __sklearn_is_fitted__(self):
        return True

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.requires_fit = False
        tags.no_validation = True  # X holds paths and files, not numbers
        return tags


@validate_params(
    {"folder": [str, os.PathLike], "broken": [StrOptions({"raise", "skip"})]},
    prefer_skip_nested_validation=True,
)
def list_images(folder, *, broken="raise"):
    """List the image files of a folder that has one subfolder per class.

    A file is listed if Pillow knows its suffix, in upper or lower case. Hidden files
    and folders are ignored, and so are folders inside the class folders.

    Parameters
    ----------
    folder : str or path-like
        The folder that holds the class folders.
    broken : {"raise", "skip"}, default="raise"
        What to do with a file that Pillow cannot read: raise an error with its path,
        or skip it with a warning. ``"raise"`` checks the file headers only, so a
        truncated file is reported later, by :class:`ImageReader`. ``"skip"`` decodes
        every file and skips truncated files as well.

    Returns
    -------
    paths : list of str
        Paths of the images, sorted.
    labels : ndarray of shape (n,)
        Name of the class folder of each path.

    Raises
    ------
    ImportError
        If Pillow is not installed.
    ValueError
        If the folder is missing or has no class folders, a class folder has no
        images, or a file is broken and ``broken="raise"``.

    See Also
    --------
    ImageReader : Read the listed files into arrays.

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
    suffixes = _get_suffixes()
    pairs, skipped = [], []
    for label in _list_class_folders(folder):
        class_folder = os.path.join(os.fspath(folder), label)
        names = _list_image_files(class_folder, suffixes)
        paths = [os.path.join(class_folder, name) for name in names]
        errors = {path: _find_error(path, decode=broken == "skip") for path in paths}
        failed = [f"{path!r} ({error})" for path, error in errors.items() if error]
        if failed and broken == "raise":
            raise ValueError(
                f"{failed[0]} is not an image that Pillow can read. Repair or remove "
                "it, or leave such files out with broken='skip'."
            )
        readable = [path for path in paths if errors[path] is None]
        if not readable:
            raise ValueError(
                f"The class folder {class_folder!r} holds no images that Pillow can "
                "read. Add some, or remove the folder."
            )
        pairs += [(path, label) for path in readable]
        skipped += failed
    _warn_skipped(skipped)
    # Sorted folders do not give sorted paths: "a" < "a-b", but "a-b/" < "a/".
    pairs.sort()
    return [path for path, _ in pairs], np.array([label for _, label in pairs])


def _import_pillow():
    """Return the module ``PIL.Image``, or raise an error with the install command."""
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError(
            "Reading image files needs Pillow, which is not installed: "
            'pip install "sk_rnnimage[images]"'
        ) from error
    return Image


def _check_size(size):
    """Raise an error if the parameter ``size`` is neither None nor (height, width)."""
    if size is None:
        return
    is_pair = isinstance(size, (tuple, list)) and len(size) == 2
    if not is_pair or not all(map(is_positive_int, size)):
        raise ValueError(
            "size must be None or (height, width) with whole numbers of at least 1. "
            f"Got {size!r} instead."
        )


def _check_items(X):
    """Convert X to a list of items, or raise an error if it is not a collection."""
    shape = getattr(X, "shape", ())
    if len(shape) == 2 and shape[1] == 1:
        X = np.asarray(X, dtype=object)[:, 0]  # a DataFrame iterates over column names
    elif len(shape) >= 2:
        raise ValueError(
            "X must be a list or one column of files. Got an array of shape "
            f"{tuple(shape)} instead: arrays of pixels need no ImageReader, and of a "
            "DataFrame pass the one column that holds the paths."
        )
    # Strings, bytes and files are iterable too, over characters, integers and lines.
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


def _describe_item(item, index):
    """Describe an item in an error message: its index in X and its path or type."""
    if isinstance(item, (str, os.PathLike)):
        return f"X[{index}] ({os.fspath(item)!r})"
    if isinstance(item, (bytes, bytearray)):
        return f"X[{index}] ({len(item)} bytes)"
    return f"X[{index}] (of type {type(item).__name__})"


class _UnsupportedImage(Exception):
    """Why an image is rejected, to be put behind the description of its item."""


def _read_image(item, index, size, mode):
    """Read one item of X into an array (H, W) or (H, W, 3)."""
    Image = _import_pillow()
    is_opened = isinstance(item, Image.Image)
    source = None if is_opened else _get_source(item, index)
    try:
        if is_opened:  # by the user: no draft() and no close() on the user's image
            return _to_array(item, size, mode)
        with Image.open(source) as image:
            _reduce_jpeg(image, size)
            return _to_array(image, size, mode)
    except _UnsupportedImage as error:
        raise ValueError(f"{_describe_item(item, index)} {error}") from None
    except Exception as error:  # OSError, SyntaxError, DecompressionBombError, ...
        raise ValueError(
            f"{_describe_item(item, index)} is not an image that Pillow can read: "
            f"{str(error) or type(error).__name__}"
        ) from error


def _get_source(item, index):
    """Return the path or the file object that Pillow opens for an item of X."""
    if isinstance(item, (bytes, bytearray)):
        return io.BytesIO(item)
    if hasattr(item, "read"):
        return item
    if not isinstance(item, (str, os.PathLike)):
        raise TypeError(
            f"{_describe_item(item, index)} must be a path, the bytes of a file, a "
            "file opened in binary mode or a PIL image."
        )
    if not os.path.exists(item):
        raise ValueError(f"{_describe_item(item, index)} does not exist.")
    return item


def _to_array(image, size, mode):
    """Convert a PIL image to a uint8 array: upright, opaque, resized."""
    from PIL import ImageOps

    if 0 in image.size:
        raise _UnsupportedImage("is an image without pixels.")
    if image.mode == "F":
        raise _UnsupportedImage(
            "holds floats, which have no common scale. Read it with numpy.asarray and "
            "pass the array to the classifier."
        )
    image.load()
    if _get_orientation(image) != 1:  # exif_transpose raises on corrupt EXIF data
        image = ImageOps.exif_transpose(image)
    is_grey = image.mode in (*_GREY_MODES, *_GREY_16_BIT_MODES)
    if image.mode in _GREY_16_BIT_MODES:
        image = _scale_to_8_bit(image)
    # Before resizing, which would mix the hidden colours of transparent pixels in.
    image = _blend_with_white(image).convert(mode or ("L" if is_grey else "RGB"))
    if size is not None:  # Pillow's sizes are (width, height)
        image = image.resize(size[::-1], _import_pillow().Resampling.BILINEAR)
    return np.array(image)  # np.asarray would give a read-only view


def _get_orientation(image):
    """Return the EXIF orientation; 1 (upright) if it is missing or unreadable."""
    try:
        return image.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:  # the pixels are good even if the metadata are corrupt
        return 1


def _reduce_jpeg(image, size):
    """Let a large JPEG be decoded at 1/2, 1/4 or 1/8 of its resolution.

    It keeps at least twice the requested size, which leaves the last step to the
    antialiased resize; ``PIL.Image.Image.thumbnail`` has the same default
    (``reducing_gap=2.0``).
    """
    if size is None:
        return
    is_transposed = _get_orientation(image) in _TRANSPOSED_ORIENTATIONS
    height, width = size[::-1] if is_transposed else size
    image.draft(None, (2 * width, 2 * height))  # does nothing for other formats


def _scale_to_8_bit(image):
    """Scale a grey image from 16 or 32 to 8 bits, with its transparent pixels white.

    Pillow's own conversion clips at 255 instead of scaling (Pillow#3159).
    """
    values = np.asarray(image).astype(np.int64).clip(0, 65535)  # (H, W)
    if "transparency" in image.info:
        values[values == image.info["transparency"]] = 65535
    values = (values + 128) // 257  # rounded; 65535 = 255 * 257
    return _import_pillow().fromarray(values.astype(np.uint8))


def _blend_with_white(image):
    """Blend an image that has transparency with a white background."""
    if not image.has_transparency_data:
        return image
    image = image.convert("RGBA")
    background = _import_pillow().new("RGBA", image.size, "white")
    return _import_pillow().alpha_composite(background, image)


def _to_rgb(image):
    """Repeat the values of a grey image (H, W) over three channels (H, W, 3)."""
    return image if image.ndim == 3 else np.repeat(image[..., np.newaxis], 3, axis=2)


def _get_suffixes():
    """Return the suffixes of all formats that Pillow can read."""
    Image = _import_pillow()
    extensions = Image.registered_extensions()  # of formats that it writes only, too
    return {suffix for suffix, format in extensions.items() if format in Image.OPEN}


def _list_class_folders(folder):
    """List the names of the subfolders of a folder, sorted."""
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


def _list_image_files(folder, suffixes):
    """List the names of the files of a folder that have one of the suffixes, sorted."""
    return sorted(
        name
        for name in os.listdir(folder)
        if name[0] != "."
        and os.path.splitext(name)[1].lower() in suffixes
        and os.path.isfile(os.path.join(folder, name))
    )


def _find_error(path, decode):
    """Return why Pillow cannot open (or decode) a file; None if it can."""
    try:
        with _import_pillow().open(path) as image:
            if decode:
                image.draft(None, (1, 1))  # faster, and a truncated file fails as well
                image.load()
            return None
    except Exception as error:
        return str(error) or type(error).__name__


def _warn_skipped(skipped):
    """Warn about the files that are skipped, at the line that calls list_images."""
    if skipped:
        warnings.warn(
            f"{len(skipped)} files are left out, which Pillow cannot read: "
            + ", ".join(skipped),
            stacklevel=4,  # past list_images and the wrapper of validate_params
        )
