"""Whole-array batches: images stay in the dtype they have until their batch.

An augmentation is a function of float images (B, C, H, W) and a torch generator; it
gives as many images of the same shape. Images of unequal size come in batches of
similar size, padded to the largest, with the sizes (B, 2) of their own.
"""

import math
from functools import partial

import numpy as np
import torch
from torch import nn
from torch.utils.data import Dataset

from sk_rnnimage.images import CHUNK_PIXELS, UnequalImages, alike, parts_of

CPU = torch.device("cpu")
BATCH_PIXELS = 2**23  # of a batch of images of unequal size


class ImageSet(Dataset):
    """Some rows of an array of images with their class codes and weights.

    Parameters
    ----------
    images : ndarray of shape (B, H, W, C) or UnequalImages
        All images; never copied.
    rows : ndarray of int
        The rows that count.
    codes : ndarray of int, one for each of ``rows``
        Class codes.
    weights : ndarray of float, one for each of ``rows``
        Sample weights.
    """

    def __init__(self, images, rows, codes, weights):
        self.images = images
        self.rows = rows
        self.codes = torch.as_tensor(codes, dtype=torch.int64)
        # a batch's loss is sum(w * l) / rows, so the mean weight is divided out here
        self.weights = torch.as_tensor(weights / weights.mean())

    def __len__(self):
        return len(self.codes)

    def __getitem__(self, places):
        target = self.codes[places], self.weights[places]
        return take(self.images, self.rows[places]), target

    def n_batches(self, batch_size):
        """How many batches the rows make."""
        return n_batches(len(self), batch_size)

    def split(self, batch_size, random_state=None):
        """The places of each batch's rows, in an order by chance where there is one.

        ``n`` rows make ``ceil(n / batch_size)`` batches whose sizes differ by one at
        the most, so that no tiny batch takes a step of its own.
        """
        shuffle = random_state is not None and self.n_batches(batch_size) > 1
        order = np.arange(len(self))
        order = random_state.permutation(len(self)) if shuffle else order
        return np.array_split(order, self.n_batches(batch_size))


class ResidentSet(ImageSet):
    """The rows of an ImageSet, held by a device as a whole and gathered there."""

    def __init__(self, data, device):
        first = take(data.images, data.rows[:1])
        shape = len(data), *first.shape[1:]
        self.images = torch.empty(shape, dtype=first.dtype, device=device)
        for places, part in parts_of(data.images, data.rows, CHUNK_PIXELS):
            self.images[places] = tensor_of(part)
        self.codes, self.weights = data.codes.to(device), data.weights.to(device)

    def __getitem__(self, places):
        places = moved(torch.as_tensor(places), self.images.device)
        target = self.codes[places], self.weights[places]
        return self.images[places], target


class UnequalSet(ImageSet):
    """Some rows of UnequalImages: a batch holds images of similar size.

    Sides are similar that round to the same power of the square root of 2.
    """

    def __init__(self, images, rows, codes, weights):
        super().__init__(images, rows, codes, weights)
        self.groups = similar(images.sizes[rows])

    def __getitem__(self, places):
        target = self.codes[places], self.weights[places]
        return Parts(self.images, self.rows[places]), target

    def n_batches(self, batch_size):
        """How many batches the rows make."""
        return len(self.split(batch_size))

    def split(self, batch_size, random_state=None):
        """The places of each batch's rows, in an order by chance where there is one."""
        batches = []
        for group in self.groups:
            sides = self.images.sizes[self.rows[group]].max(0)
            most = min(batch_size, max(1, BATCH_PIXELS // int(sides.prod())))
            if random_state is not None and len(group) > most:
                group = random_state.permutation(group)
            batches += np.array_split(group, n_batches(len(group), most))
        if random_state is not None and len(batches) > 1:
            batches = [batches[i] for i in random_state.permutation(len(batches))]
        return batches


def similar(sizes):
    """Places of images (B, 2) of similar size, an array for each group."""
    return alike(np.round(2 * np.log2(sizes)).astype(int))


class Parts:
    """Images of unequal size on their way into one batch, those of one size together.

    Attributes
    ----------
    places : list of ndarray
        Where in the batch each part goes.
    tensors : list of tensor
        The parts (b, H, W, C), as ``take`` gives images.
    """

    def __init__(self, images, rows):
        pairs = list(parts_of(images, rows, n_pixels=math.inf))
        self.places = [torch.as_tensor(places) for places, _ in pairs]
        self.tensors = [tensor_of(part) for _, part in pairs]

    def padded(self, change):
        """A batch (B, H, W, C) of the parts as changed, and their sizes (B, 2)."""
        parts = [change(part) for part in self.tensors]
        sides = torch.tensor([part.shape[1:3] for part in parts])
        n = sum(len(part) for part in parts)
        height, width = sides.amax(0).tolist()
        batch = parts[0].new_zeros(n, height, width, parts[0].shape[3])
        sizes = torch.empty(n, 2, dtype=torch.int64)
        for places, part, (h, w) in zip(self.places, parts, sides.tolist()):
            batch[places, :h, :w] = part
            sizes[places] = torch.tensor((h, w))
        return batch, sizes.to(batch.device)


def image_set(images, rows, codes, weights):
    """The set that goes with a kind of images."""
    kind = UnequalSet if isinstance(images, UnequalImages) else ImageSet
    return kind(images, rows, codes, weights)


def resident(data, device):
    """An ImageSet on a GPU as a whole, where half of its free memory is enough.

    Else the set itself, whose batches are then copied one by one.
    """
    if device.type != "cuda" or isinstance(data, UnequalSet):
        return data
    n_bytes = len(data) * take(data.images, data.rows[:1]).nbytes
    return ResidentSet(data, device) if n_bytes <= free_memory(device) / 2 else data


def free_memory(device):
    """Bytes of a GPU that nobody has taken."""
    return torch.cuda.mem_get_info(device)[0]


def moved(tensor, device):
    """A tensor on a device; a copy to a GPU waits for nothing."""
    if device.type == "cuda" and tensor.device.type == "cpu":
        tensor = tensor.pin_memory()
    return tensor.to(device, non_blocking=True)


class Batches:
    """Iterate over an ImageSet in batches: what the network takes, and the target.

    Parameters
    ----------
    dataset : ImageSet or ResidentSet
    batch_size : int
    random_state : RandomState, default=None
        Shuffles the rows anew in each pass. None keeps their order.
    augment : callable, default=None
        Changes the images of each batch.
    generator : torch.Generator, default=None
        The augmentation's source of chance.
    device : torch.device, default=CPU
        Where the batches are wanted.
    """

    def __init__(
        self,
        dataset,
        batch_size,
        random_state=None,
        augment=None,
        generator=None,
        device=CPU,
    ):
        self.dataset = dataset
        self.batch_size = batch_size
        self.random_state = random_state
        self.augment = augment
        self.generator = generator
        self.device = device

    def __len__(self):
        return self.dataset.n_batches(self.batch_size)

    def __iter__(self):
        for places in self.dataset.split(self.batch_size, self.random_state):
            images, target = self.dataset[places]
            yield (
                network_input(images, self._changed),
                tuple(moved(part, self.device) for part in target),
            )

    def _changed(self, images):
        images = to_float(moved(images, self.device))
        if self.augment is None:
            return images
        return augmented(images, self.augment, self.generator)


def batches_of(images, n_values):
    """All images in batches of about so many values, in order or, unequal, by size.

    Yields
    ------
    places : slice or ndarray
        Which images.
    batch : tensor (B, H, W, C) or Parts
        As ``network_input`` takes them.
    """
    if not isinstance(images, UnequalImages):
        step = max(1, n_values // images[0].size)
        for start in range(0, len(images), step):
            places = slice(start, start + step)
            yield places, take(images, places)
        return
    for group in similar(images.sizes):
        height, width = images.sizes[group].max(0).tolist()
        most = max(1, n_values // (height * width * images[0].shape[2]))
        for few in np.array_split(group, n_batches(len(group), most)):
            yield few, Parts(images, few)


def network_input(images, change):
    """A batch, each of its images changed, as the arguments of the network."""
    if not isinstance(images, Parts):
        return change(images)
    x, sizes = images.padded(change)
    return {"x": x, "sizes": sizes}


def n_batches(n_rows, batch_size):
    """How many batches ``n_rows`` make."""
    return -(-n_rows // batch_size)


def take(images, rows):
    """Some images as a tensor (B, H, W, C) in raw pixel values."""
    return tensor_of(images[rows])


def tensor_of(batch):
    """An array as a tensor in raw pixel values.

    uint8 stays; else float32 where that holds every value of the dtype, or float64.
    """
    batch = np.require(batch, requirements="CW")  # torch wants it writable
    if batch.dtype != np.uint8:
        precision = np.promote_types(batch.dtype, np.float32)
        batch = batch.astype(min(precision, np.dtype(np.float64)), copy=False)
    return torch.from_numpy(batch)


def to_float(batch):
    """What ``take`` gave, as floats."""
    return batch.to(torch.float32) if batch.dtype == torch.uint8 else batch


def pixel_moments(images, rows, weights, n_pixels=2**20):
    """Weighted mean and spread of the pixels in each channel that are not missing.

    Returns
    -------
    mean, scale : ndarray of shape (C,)
        The standard deviation is 1 where a channel does not vary.
    """
    first = to_float(tensor_of(next(parts_of(images, rows[:1]))[1]))
    shift = first.nanmean((0, 1, 2)).nan_to_num(0)  # keeps the sum of squares small
    unit = None
    total, squares, weight = 0.0, 0.0, 0.0
    for places, part in parts_of(images, rows, n_pixels):
        x = to_float(tensor_of(part)).sub_(shift)
        n = x[0, :, :, 0].numel()  # pixels of an image
        w = n * torch.as_tensor(weights[places], dtype=torch.float64)
        share = torch.ones(x.shape[::3])  # of the pixels that are there, (B, C)
        if part.dtype.kind == "f":
            share -= x.isnan().float().mean((1, 2))
            x.nan_to_num_(0, torch.inf, -torch.inf)
        unit = unit or _power_of_two(x)
        x.div_(unit)
        total = total + w @ x.mean((1, 2)).double()  # (C,)
        squares = squares + w @ x.square_().mean((1, 2)).double()
        weight = weight + w @ share.double()
    weight = weight.clamp(min=1e-300)
    mean, square = total / weight, squares / weight
    spread = (square - mean**2).clamp(min=0).sqrt()
    tiny = 1e-6 * square.sqrt()
    flat = spread <= tiny
    spread = spread * unit
    spread[flat] = 1.0
    return (mean * unit + shift).numpy(), spread.numpy()


def _power_of_two(values):
    """A power of two like the largest of some values: dividing by it is exact.

    No square of the quotients overflows or vanishes.
    """
    most = math.frexp(torch.finfo(values.dtype).max)[1] - 2
    exponent = math.frexp(values.abs().max())[1]
    return 2.0 ** min(max(exponent, -most), most)


def augmented(images, augment, generator):
    """Images (B, H, W, C) after an augmentation, which sees them as (B, C, H, W)."""
    images = images.permute(0, 3, 1, 2)  # (B, C, H, W)
    found = augment(images, generator)
    if not isinstance(found, torch.Tensor) or found.shape != images.shape:
        tensor = isinstance(found, torch.Tensor)
        what = tuple(found.shape) if tensor else type(found).__name__
        raise ValueError(
            "augment must give back a float tensor of the shape that it takes, "
            f"(B, C, H, W). It got {tuple(images.shape)} and gave {what}."
        )
    return found.to(images).permute(0, 2, 3, 1)  # (B, H, W, C)


def shift(images, generator):
    """Move by up to a twelfth of the sides, at least a pixel, the edges repeated."""
    return _shift_by_share(images, generator, 12)


def flip(images, generator):
    """Mirror about half, left and right; move by up to an eighth, at least a pixel."""
    mirrored = torch.rand(len(images), generator=generator) < 0.5  # (B,)
    mirrored = moved(mirrored, images.device)[:, None, None, None]
    images = torch.where(mirrored, images.flip(3), images)
    return _shift_by_share(images, generator, 8)


def affine(images, generator, missing=False):
    """Turn by up to 10 degrees, scale by up to 10 %, move by up to a twelfth.

    With ``missing`` NaN is a missing pixel: a value is made of those that are there,
    and is missing where these have less than half of the weight.
    """
    n = len(images)
    angle, scale, right, down = 2 * torch.rand(4, n, generator=generator) - 1  # (B,)
    angle, scale = angle * math.radians(10), 1 + 0.1 * scale
    height, width = images.shape[2:]
    cos, sin = scale * angle.cos(), scale * angle.sin()
    rows = [cos, -sin * height / width, right / 6, sin * width / height, cos, down / 6]
    theta = moved(torch.stack(rows, dim=1).view(n, 2, 3), images.device)
    theta = theta.to(images.dtype)
    grid = nn.functional.affine_grid(theta, list(images.shape), align_corners=False)
    if not missing:
        return _sampled(images, grid)
    there = _sampled((~images.isnan()).to(images.dtype), grid)
    found = _sampled(images.nan_to_num(0, torch.inf, -torch.inf), grid) / there
    return found.masked_fill(there < 0.5, torch.nan)


def _sampled(images, grid):
    """Images at the places of a grid, between pixels in proportion, edges repeated."""
    return nn.functional.grid_sample(
        images, grid, padding_mode="border", align_corners=False
    )


AUGMENTATIONS = {"shift": shift, "affine": affine, "flip": flip}


def _shift_by_share(images, generator, share):
    reach = [max(1, side // share) for side in images.shape[2:]]
    down, right = (
        torch.randint(-most, most + 1, (len(images),), generator=generator)
        for most in reach
    )
    return shifted(images, down, right)


def shifted(images, down, right):
    """Images (B, C, H, W), each moved by its own whole pixels, the edges repeated."""
    (n, _, height, width), device = images.shape, images.device
    b, i, j = (torch.arange(size, device=device) for size in (n, height, width))
    rows = (i - moved(down, device)[:, None]).clamp(0, height - 1)  # (B, H)
    columns = (j - moved(right, device)[:, None]).clamp(0, width - 1)  # (B, W)
    places = b[:, None, None], rows[:, :, None], columns[:, None, :]
    return images.permute(0, 2, 3, 1)[places].permute(0, 3, 1, 2)


VIEWS = [(0, 0), (0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, -1), (1, -1), (-1, 1)]


def views(images, n_views):
    """The first ``n_views`` of VIEWS of some images, as the network takes them."""
    for down, right in VIEWS[:n_views]:
        yield network_input(images, partial(_moved_by, down=down, right=right))


def _moved_by(images, down, right):
    images = to_float(images)  # (B, H, W, C)
    if (down, right) == (0, 0):
        return images
    by = torch.full((len(images),), down), torch.full((len(images),), right)
    return shifted(images.permute(0, 3, 1, 2), *by).permute(0, 2, 3, 1)
