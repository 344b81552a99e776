"""Checked images: of one size in an array, or of unequal sizes in a list.

Both kinds have the same interface, so that nothing behind the check of X asks which
it has: ``shape``, ``sizes``, ``dtype``, ``take`` (some rows), ``parts`` (arrays of one
size), ``chunks`` (indices to predict together) and ``batches`` (indices to train on
together). NumPy only; what makes tensors of them lies in ``_data``.

A clip (T, H, W, C) is an image (T * H, W, C) here: its frames lie one below the other,
``frame_height`` lines each, which takes no copy. So clips of unequal length are images
of unequal height.
"""

import math

import numpy as np

CHUNK_PIXELS = 2**22  # of a part, where all images are gone through
BATCH_PIXELS = 2**23  # of a batch of images of unequal size, the padding included
CLIP_PIXELS = 2**20  # of a batch of clips, which hold many images each


class _Kind:
    """What both kinds of images share."""

    frame_height = None  # lines of each frame, where the images are clips
    n_read = None  # how many frames are read after each of a clip, missing ones aside

    @property
    def item_shape(self):
        """(H, W, C) of the largest image, or (T, H, W, C) of the longest clip."""
        height, width, channels = self.image_shape
        if self.frame_height is None:
            return height, width, channels
        return height // self.frame_height, self.frame_height, width, channels

    def _like(self, images):
        """Some of these images, which are clips where these are."""
        images.frame_height = self.frame_height
        return images

    def _at_most(self, batch_size, n_pixels):
        """How many images of so many pixels a mini-batch may hold."""
        most = BATCH_PIXELS if self.frame_height is None else CLIP_PIXELS
        return min(batch_size, max(1, most // n_pixels))

    def has_missing(self):
        """Whether a pixel is NaN."""
        if self.dtype.kind != "f":
            return False
        return any(np.isnan(part.min()) for _, part in self.parts())


class Images(_Kind):
    """Images of one size: some rows of an array, which is never copied.

    Parameters
    ----------
    array : ndarray of shape (B, H, W, C)
        Images; a memory map stays one.
    rows : ndarray of int, default=None
        The rows that this object holds. None holds all.

    Attributes
    ----------
    image_shape : tuple (H, W, C)
        The shape of each image.
    sizes : ndarray of shape (1, 2)
        Height and width.
    dtype : dtype
        That of the array.
    """

    def __init__(self, array, rows=None):
        self.array = array
        self.rows = rows

    def __len__(self):
        return len(self.array if self.rows is None else self.rows)

    def __getitem__(self, indices):
        return self.array[indices if self.rows is None else self.rows[indices]]

    @property
    def dtype(self):
        """That of the array."""
        return self.array.dtype

    @property
    def image_shape(self):
        """(H, W, C) of each image."""
        return tuple(self.array.shape[1:])

    @property
    def sizes(self):
        """Height and width, (1, 2)."""
        return np.array([self.image_shape[:2]])

    def take(self, rows):
        """Some rows, given by sorted indices."""
        if len(rows) == len(self):
            return self
        rows = rows if self.rows is None else self.rows[rows]
        return self._like(Images(self.array, rows))

    def parts(self, indices=None, n_values=None):
        """Go through images in arrays (b, H, W, C) of about so many values.

        Parameters
        ----------
        indices : ndarray of int, default=None
            Which images. None takes all.
        n_values : int or float, default=None
            Values of an array, which may be infinite. None is CHUNK_PIXELS.

        Yields
        ------
        where : slice
            Which of ``indices``, or of all images.
        part : ndarray of shape (b, H, W, C)
            The images.
        """
        n = len(self) if indices is None else len(indices)
        n_together = _n_together(n, n_values, math.prod(self.image_shape))
        for start in range(0, n, n_together):
            where = slice(start, start + n_together)
            yield where, self[where if indices is None else indices[where]]

    def n_pixels(self):
        """Pixels of all images together."""
        return len(self) * math.prod(self.image_shape[:2])

    def chunks(self, most):
        """Indices of images to be predicted together, of which there may be ``most``.

        Parameters
        ----------
        most : callable
            From a height and a width to how many images of that size.
        """
        n_together = max(1, most(*self.image_shape[:2]))
        return [
            np.arange(start, min(start + n_together, len(self)))
            for start in range(0, len(self), n_together)
        ]

    def batches(self, batch_size, random_state=None):
        """The indices of each mini-batch, shuffled where there is a random state."""
        if self.frame_height is not None:
            height, width, _ = self.image_shape
            batch_size = self._at_most(batch_size, height * width)
        return split(np.arange(len(self)), batch_size, random_state)


class UnequalImages(_Kind):
    """Images (H, W, C) of unequal height and width, of one number of channels.

    Parameters
    ----------
    images : list of ndarray of shape (H, W, C)
        The images.

    Attributes
    ----------
    image_shape : tuple (H, W, C)
        The largest height, the largest width, and the channels.
    sizes : ndarray of shape (B, 2)
        Heights and widths.
    dtype : dtype
        One that holds the values of all.
    """

    def __init__(self, images):
        self.images = images
        self.sizes = np.array([image.shape[:2] for image in images])
        self.dtype = np.result_type(*{image.dtype for image in images})

    def __len__(self):
        return len(self.images)

    @property
    def image_shape(self):
        """The largest height, the largest width, and the channels."""
        return (*self.sizes.max(axis=0).tolist(), self.images[0].shape[2])

    def take(self, rows):
        """Some rows as if there were no others: of one kind where they are equal."""
        if (self.sizes[rows] == self.sizes[rows[0]]).all():
            return self._like(Images(self._stacked(rows)))
        return self._like(UnequalImages([self.images[i] for i in rows]))

    def parts(self, indices=None, n_values=None):
        """Go through images in arrays of one size, of about so many values.

        The parameters are those of ``Images.parts``.

        Yields
        ------
        where : ndarray of int
            Which of ``indices``, or of all images.
        part : ndarray of shape (b, H, W, C)
            The images.
        """
        indices = np.arange(len(self)) if indices is None else indices
        sizes = self.sizes[indices]
        for group in groups_of_equal_rows(sizes):
            n_pixels = math.prod(sizes[group[0]].tolist())
            n_together = _n_together(len(group), n_values, n_pixels)
            for few in np.split(group, range(n_together, len(group), n_together)):
                yield few, self._stacked(indices[few])

    def n_pixels(self):
        """Pixels of all images together."""
        return int(self.sizes.prod(axis=1).sum())

    def chunks(self, most):
        """Indices of images of similar size to be predicted together, as in Images."""
        chunks = []
        for group in self._similar():
            height, width = self.sizes[group].max(axis=0).tolist()
            chunks += split(group, max(1, most(height, width)))
        return chunks

    def batches(self, batch_size, random_state=None):
        """The indices of each mini-batch, of similar size, shuffled as in Images."""
        batches = []
        for group in self._similar():
            n_together = self._at_most(batch_size, self._n_padded(group))
            batches += split(group, n_together, random_state)
        if random_state is not None and len(batches) > 1:
            batches = [batches[i] for i in random_state.permutation(len(batches))]
        return batches

    def _stacked(self, rows):
        """Images of one size as an array (b, H, W, C)."""
        return np.stack([self.images[i] for i in rows]).astype(self.dtype, copy=False)

    def _similar(self):
        """Groups of indices: sides round to the same power of the square root of 2.

        So the padding of a batch at most doubles its pixels.
        """
        return groups_of_equal_rows(np.round(2 * np.log2(self.sizes)).astype(int))

    def _n_padded(self, group):
        """Pixels of an image of a group, padded to the largest sides in it."""
        return int(self.sizes[group].max(axis=0).prod())


def _n_together(n, n_values, n_of_each):
    """How many of n images hold at most ``n_values``, which may be infinite."""
    n_values = CHUNK_PIXELS if n_values is None else n_values
    return int(min(n, max(1, n_values / n_of_each)))


def split(indices, n_most, random_state=None):
    """Indices in parts of at most ``n_most``, shuffled before where there are several.

    The parts' sizes differ by at most one, so that no tiny batch makes an update of
    its own.
    """
    n_parts = n_batches(len(indices), n_most)
    if random_state is not None and n_parts > 1:
        indices = random_state.permutation(indices)
    return np.array_split(indices, n_parts)


def n_batches(n_rows, batch_size):
    """How many batches ``n_rows`` make."""
    return -(-n_rows // batch_size)


def groups_of_equal_rows(rows):
    """Indices of equal rows of an array (B, 2), an array for each group."""
    _, group = np.unique(rows, axis=0, return_inverse=True)
    group = group.ravel()  # NumPy 2.0 gives a column
    return [np.flatnonzero(group == i) for i in range(group.max() + 1)]
