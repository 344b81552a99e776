"""Reading image files into arrays of pixels."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from sk_rnnimage.files.decoding import read_image
from sk_rnnimage.files.items import FileReader


class ImageReader(FileReader):
    """Read image files into arrays of pixels.

    Files are decoded with Pillow. The EXIF orientation is applied, transparent pixels
    are blended with a white background, and of an animated image only the first frame
    is read. Pillow's limit on the number of pixels, its protection against
    decompression bombs, stays in force.

    The values stay what they are in the files: grey levels of 16 or 32 bits, signed or
    not, and floats are neither clipped nor scaled. All images of a call get one dtype,
    which holds all their values: uint8 if no file has more than 8 bits. In a file of
    floats, NaN is a missing pixel and remains one.

    A file that cannot be read raises an error, as a transformer must return one image
    per item of X. ``list_images(folder, broken="skip")`` lists only files that can be
    read, also in a folder of new files without labels.

    Parameters
    ----------
    size : tuple (height, width), default=None
        Size in pixels to which every image is resized, without regard to its aspect
        ratio. The filter is bilinear and antialiased; it keeps the dtype, averages the
        pixels that are not missing, and gives NaN where more than half of them are. A
        JPEG much larger than this is decoded at a reduced resolution, which is faster.
        None keeps the original sizes, which may differ: the classifiers accept images
        of unequal size.
    mode : {"L", "RGB"}, default=None
        Grey or colour. None gives grey images if all files of the call are grey, RGB
        images otherwise; set the mode if later calls may contain other files than the
        first one. ``"L"`` keeps grey levels as they are and converts colours to grey
        levels of 8 bits, ``"RGB"`` repeats grey levels over three channels.
    n_jobs : int, default=None
        Number of threads that decode files. None means 1, -1 means one per core.

    See Also
    --------
    list_images : List the image files of a folder, and their labels.
    ClipReader : Read all frames of animated images, and videos.

    Notes
    -----
    This transformer is stateless: ``transform`` works without ``fit``.

    Pillow decodes colours, and grey levels with an alpha channel, to 8 bits a channel.
    A warning names files of 16 bits a channel where that shows: PNG, TIFF, PPM, SGI.
    Pillow also scales a PGM file to the range from 0 to 255, or to 65535, if its
    header gives another maximum, and does not apply BZERO and BSCALE of a FITS file.
    A value that a PNG file of 16 bits declares transparent becomes 65535, white.

    Examples
    --------
    >>> from PIL import Image
    >>> from sk_rnnimage import ImageReader
    >>> red = Image.new("RGB", (4, 2), "red")
    >>> ImageReader().fit_transform([red]).shape
    (1, 2, 4, 3)
    >>> ImageReader(size=(1, 1), mode="L").fit_transform([red])
    array([[[76]]], dtype=uint8)

    A slice of a computed tomography, of 16 bits:

    >>> import numpy as np
    >>> levels = np.array([[0, 1040], [1064, 4095]], dtype=np.uint16)
    >>> ImageReader().fit_transform([Image.fromarray(levels)])
    array([[[   0, 1040],
            [1064, 4095]]], dtype=uint16)
    """

    def __init__(
        self,
        size: tuple[int, int] | None = None,
        *,
        mode: str | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.size = size
        self.mode = mode
        self.n_jobs = n_jobs

    def transform(self, X: Sequence[Any] | np.ndarray) -> np.ndarray | list[np.ndarray]:
        """Read images.

        Parameters
        ----------
        X : list, array or DataFrame column of n items
            Paths (str or ``pathlib.Path``), contents of files (bytes), file objects
            opened in binary mode, or PIL images.

        Returns
        -------
        ndarray of shape (n, H, W) or (n, H, W, 3), or list of n such images
            Grey or RGB images of one dtype; a list if their sizes differ.

        Raises
        ------
        ImportError
            If Pillow is not installed.
        TypeError
            If an item of X is of another type; the message gives its index.
        ValueError
            If X is empty, files are missing or cannot be decoded, or images have no
            pixels or infinite values; the message gives the index and path of each.

        Warns
        -----
        UserWarning
            If Pillow reduces colours of 16 bits a channel to 8 bits, or if the dtypes
            of the files differ.
        """
        read = partial(read_image, size=self.size, mode=self.mode)
        advice = " list_images(folder, broken='skip') leaves such files out."
        return self._read(X, "image", read, advice)  # (B, H, W) or (B, H, W, 3)
