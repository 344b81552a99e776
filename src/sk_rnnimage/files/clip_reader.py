"""Reading animated images, videos and folders of frames into arrays of pixels."""

import numbers
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from sk_rnnimage._environment.borrowed import Interval
from sk_rnnimage.files.frames import read_clip
from sk_rnnimage.files.items import FileReader
from sk_rnnimage.images.orders import MOST_FRAMES


class ClipReader(FileReader):
    """Read clips, files of several frames or folders of them, into arrays of pixels.

    A clip is an animated GIF, WebP, PNG or AVIF image or a TIFF file of several pages,
    which Pillow decodes; a video, which PyAV decodes (``pip install
    "sk_rnnimage[video]"``); or a folder of image files, one a frame, in their natural
    order: ``2.png`` comes before ``10.png``. A single image is a clip of one frame.

    A frame is read as :class:`ImageReader` reads an image: upright, with transparent
    pixels blended with white, in the dtype of the file. It is resized as soon as it is
    decoded, so that a long film never lies in memory in its full size.

    A file may have at most 10,000 frames. A folder may have more, if ``n_frames`` picks
    no more than that.

    Parameters
    ----------
    size : tuple (height, width), default=None
        Size in pixels to which every frame is resized, as :class:`ImageReader` resizes
        images. None keeps the original size, which may differ between clips, but not
        within one.
    n_frames : int from 1 to 10,000, default=None
        Number of frames to read of each clip, evenly from its first to its last: those
        at ``np.linspace(0, T - 1, n_frames).round()``, or the one in the middle. A clip
        that is shorter repeats some. Of a folder no other file is opened; of a file no
        other frame is converted, resized or kept. None reads all frames, whose number
        may differ.
    mode : {"L", "RGB"}, default=None
        Grey or colour. None gives grey clips if all frames of all clips of the call are
        grey, RGB clips otherwise; set the mode if later calls may contain other files
        than the first one.
    n_jobs : int, default=None
        Number of threads that decode clips. None means 1, -1 means one per core.

    See Also
    --------
    ImageReader : Read still images.
    list_clips : List the clips of a folder, and their labels.

    Notes
    -----
    This transformer is stateless: ``transform`` works without ``fit``.

    A GIF, which holds greys as colours, is grey if all pixels of the frames that are
    read are. A video is grey if its pixel format is, in 16 bits if it has more than 8.
    Colours are decoded to 8 bits a channel.

    A GIF without the byte that ends it was cut off, and is refused. A video whose
    header does not say how many frames it has (WebM, Matroska), or says it wrongly, is
    decoded twice with ``n_frames``: once to count. One that breaks off is refused where
    the decoder tells so; WebM and Matroska files mostly do not, and give the frames
    before.

    Examples
    --------
    >>> import io
    >>> from PIL import Image
    >>> from sk_rnnimage import ClipReader
    >>> frames = [Image.new("L", (4, 2), 10 * t) for t in range(6)]
    >>> file = io.BytesIO()
    >>> frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
    >>> clips = ClipReader().fit_transform([file])
    >>> clips.shape
    (1, 6, 2, 4)
    >>> ClipReader(size=(1, 1), n_frames=3).fit_transform([file]).ravel()
    array([ 0, 20, 50], dtype=uint8)
    """

    _parameter_constraints = FileReader._parameter_constraints | {
        "n_frames": [Interval(numbers.Integral, 1, MOST_FRAMES, closed="both"), None]
    }

    def __init__(
        self,
        size: tuple[int, int] | None = None,
        *,
        n_frames: int | None = None,
        mode: str | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.size = size
        self.n_frames = n_frames
        self.mode = mode
        self.n_jobs = n_jobs

    def transform(self, X: Sequence[Any] | np.ndarray) -> np.ndarray | list[np.ndarray]:
        """Read clips.

        Parameters
        ----------
        X : list, array or DataFrame column of n items
            Paths of files or folders (str or ``pathlib.Path``), contents of files
            (bytes), file objects opened in binary mode, or PIL images, of which all
            frames are read.

        Returns
        -------
        ndarray of shape (n, T, H, W) or (n, T, H, W, 3), or list of n such clips
            Grey or RGB clips of one dtype; a list if their lengths or sizes differ.

        Raises
        ------
        ImportError
            If Pillow is not installed, or a file is a video and PyAV is not.
        TypeError
            If an item of X is of another type; the message gives its index.
        ValueError
            If X is empty, or if clips are missing, cannot be decoded, have more than
            10,000 frames, or frames of unequal size without ``size``; the message gives
            the index and path of each, and the frame.

        Warns
        -----
        UserWarning
            If Pillow reduces colours of 16 bits a channel to 8 bits, or if the dtypes
            of the clips differ.
        """
        read = partial(
            read_clip, size=self.size, mode=self.mode, n_frames=self.n_frames
        )
        return self._read(X, "clip", read)  # (B, T, H, W) or (B, T, H, W, 3)
