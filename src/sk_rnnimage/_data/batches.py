"""Mini-batches: images in the dtype that they have until they become floats here.

Images of unequal size come in batches of similar size, padded to the largest, with
their own ``sizes`` (B, 2).
"""

import math

import torch

from sk_rnnimage._data.augmentation import VIEWS, augmented, moved_by
from sk_rnnimage._data.tensors import tensor_of, to_float
from sk_rnnimage._environment.process import moved

CPU = torch.device("cpu")


class Batch:
    """Some images on their way into a network, those of one size together.

    Parameters
    ----------
    images : Images, UnequalImages or ResidentImages
        All images.
    indices : ndarray of int
        Which of them.
    """

    def __init__(self, images, indices):
        self.n = len(indices)
        self.parts = [
            (where, tensor_of(part))  # (b, H, W, C)
            for where, part in images.parts(indices, n_values=math.inf)
        ]

    def network_input(self, transform):
        """The arguments of a network: each part transformed, then padded if need be.

        Parameters
        ----------
        transform : callable
            From raw pixels (b, H, W, C) to pixels of the same shape.

        Returns
        -------
        x : tensor (B, H, W, C), or dict of it and sizes (B, 2)
        """
        parts = [(where, transform(part)) for where, part in self.parts]
        if len(parts) == 1:  # nothing is padded, so no mask is needed
            return parts[0][1]
        sides = torch.tensor([part.shape[1:3] for _, part in parts])
        height, width = sides.amax(0).tolist()
        first = parts[0][1]  # its dtype and device are those of all
        x = first.new_zeros(self.n, height, width, first.shape[3])
        sizes = torch.empty(self.n, 2, dtype=torch.int64)
        for (where, part), side in zip(parts, sides):
            x[where, : side[0], : side[1]] = part
            sizes[where] = side
        return {"x": x, "sizes": sizes.to(x.device)}

    def views(self, n_views):
        """The network inputs of the first ``n_views`` of VIEWS."""
        for down, right in VIEWS[:n_views]:
            yield self.network_input(lambda part, by=(down, right): moved_by(part, *by))


class Batches:
    """Iterate over an ImageSet in mini-batches of network input and target.

    Parameters
    ----------
    dataset : ImageSet
        Images, codes and weights.
    batch_size : int
        Largest mini-batch.
    random_state : RandomState, default=None
        Shuffles the images anew in each epoch. None keeps their order.
    augment : callable, default=None
        Changes the images of each mini-batch.
    generator : torch.Generator, default=None
        The augmentation's random generator.
    device : torch.device, default=CPU
        Where the mini-batches are wanted.
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
        for indices in self.dataset.batches(self.batch_size, self.random_state):
            batch, target = self.dataset[indices]
            yield (
                batch.network_input(self._transform),
                tuple(moved(part, self.device) for part in target),
            )

    def _transform(self, images):
        images = to_float(moved(images, self.device))
        if self.augment is None:
            return images
        return augmented(images, self.augment, self.generator)
