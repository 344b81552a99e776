"""ImageSet: images, their codes and weights, all of one length."""

import torch
from torch.utils.data import Dataset

from sk_rnnimage._data.batches import Batch
from sk_rnnimage._data.moments import pixel_moments
from sk_rnnimage._data.tensors import tensor_of
from sk_rnnimage._data.weights import of_mean_one
from sk_rnnimage._environment.process import free_memory, moved
from sk_rnnimage.images.kinds import Images, UnequalImages


class ImageSet(Dataset):
    """The images that count, with what is to be learned of each and its weight.

    Parameters
    ----------
    images : Images, UnequalImages or ResidentImages
        Images (B, H, W, C).
    codes : ndarray of shape (B,)
        Encoded targets.
    weights : ndarray of shape (B,)
        Sample weights, all positive.
    loss_weights : ndarray of shape (B,), default=None
        Weights in the loss. None takes the sample weights.
    """

    def __init__(self, images, codes, weights, loss_weights=None):
        self.images = images
        self.codes = codes
        self.weights = weights
        # the loss of a mini-batch is sum(w * l) / B: dividing by the mean weight of
        # the whole set here lets a batch of negligible weight take a negligible step
        loss_weights = weights if loss_weights is None else loss_weights
        self.target = (
            torch.as_tensor(codes, dtype=torch.int64),
            torch.as_tensor(of_mean_one(loss_weights)),
        )

    def __len__(self):
        return len(self.images)

    def __getitem__(self, indices):
        return Batch(self.images, indices), self.targets(indices)

    def targets(self, indices):
        """Codes and weights of some images, as the loss takes them."""
        return tuple(part[indices] for part in self.target)

    def take(self, rows):
        """Some rows, given by sorted indices."""
        return ImageSet(self.images.take(rows), self.codes[rows], self.weights[rows])

    def with_loss_weights(self, loss_weights):
        """The same with other weights in the loss: a function of codes and weights."""
        weights = loss_weights(self.codes, self.weights)
        return ImageSet(self.images, self.codes, self.weights, weights)

    def has_missing(self):
        """Whether a pixel is NaN."""
        return self.images.has_missing()

    def pixel_moments(self):
        """Weighted mean and standard deviation of the pixels, each (C,)."""
        return pixel_moments(self.images, self.weights)

    def batches(self, batch_size, random_state=None):
        """The indices of each mini-batch, shuffled where there is a random state."""
        return self.images.batches(batch_size, random_state)

    def n_batches(self, batch_size):
        """Mini-batches, and so optimiser steps, of an epoch."""
        return len(self.batches(batch_size))

    def on(self, device):
        """The set on a GPU as a whole, where half of its free memory is enough.

        Else the set itself, whose mini-batches are then copied one by one.
        """
        if device.type != "cuda" or isinstance(self.images, UnequalImages):
            return self
        n_bytes = len(self) * tensor_of(self.images[[0]]).nbytes
        if n_bytes > free_memory(device) / 2:
            return self
        return ResidentSet(self, device)


class ResidentSet(ImageSet):
    """An ImageSet that a device holds as a whole; mini-batches are gathered there."""

    def __init__(self, data, device):
        self.images = ResidentImages(data.images, device)
        self.codes, self.weights = data.codes, data.weights
        self.target = tuple(part.to(device) for part in data.target)

    def targets(self, indices):
        """Codes and weights of some images, as the loss takes them."""
        return super().targets(moved(torch.as_tensor(indices), self.images.device))


class ResidentImages(Images):
    """Images as one tensor on a device, copied there a part at a time."""

    def __init__(self, images, device):
        self.device = device
        first = tensor_of(images[[0]])
        shape = len(images), *images.image_shape
        array = torch.empty(shape, dtype=first.dtype, device=device)
        for where, part in images.parts():
            array[where] = tensor_of(part)
        super().__init__(array)
        self.frame_height = images.frame_height

    def __getitem__(self, indices):
        if isinstance(indices, slice):
            return self.array[indices]
        return self.array[moved(torch.as_tensor(indices), self.device)]
