"""Mini-batches: images in the dtype that they have until they become floats here.

Images of unequal size come in batches of similar size, padded to the largest, with
their own ``sizes`` (B, 2).
"""

import math
from functools import partial

import torch

from sk_rnnimage._data.augmentation import (
    augmented,
    draw_mirrored,
    flip,
    moved_by,
)
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
        self.frame_height = images.frame_height
        self.parts = [
            (where, tensor_of(part))  # (b, H, W, C)
            for where, part in images.parts(indices, n_values=math.inf)
        ]

    def network_input(self, transform):
        """The arguments of a network: each part transformed, then padded if need be.

        Parameters
        ----------
        transform : callable
            From raw pixels (b, H, W, C), and which of the batch they are, to pixels of
            the same shape.

        Returns
        -------
        x : tensor (B, H, W, C), or dict of it and sizes (B, 2)
        """
        parts = [(where, transform(part, where)) for where, part in self.parts]
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

    def views(self, views):
        """The network input of each view (down, right, mirrored)."""
        for view in views:
            move = partial(self._moved, view=view)
            yield self.network_input(move)

    def _moved(self, part, _, view):
        return moved_by(part, *view, frame_height=self.frame_height)


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
    mirrored : tensor of bool, default=None
        Which images the epoch before has mirrored, where there was one.
    rows : callable, default=None
        From the length of a mini-batch to a slice: which of its images to give, beside
        the target of all. None gives all.
    """

    def __init__(
        self,
        dataset,
        batch_size,
        random_state=None,
        augment=None,
        generator=None,
        device=CPU,
        mirrored=None,
        rows=None,
    ):
        self.dataset = dataset
        self.batch_size = batch_size
        self.random_state = random_state
        self.augment = augment
        self.generator = generator
        self.device = device
        self.mirrored = mirrored
        self.rows = rows

    def __len__(self):
        return self.dataset.n_batches(self.batch_size)

    def __iter__(self):
        self._alternate()
        for indices in self.dataset.batches(self.batch_size, self.random_state):
            target = self.dataset.targets(indices)
            yield (
                self._network_input(indices),
                tuple(moved(part, self.device) for part in target),
            )

    def _network_input(self, indices):
        rows = slice(None) if self.rows is None else self.rows(len(indices))
        if self.augment is None:
            return self._read(indices[rows])
        x = self._read(indices)  # random numbers are drawn for the batch as a whole
        if isinstance(x, dict):
            return {name: part[rows] for name, part in x.items()}
        return x[rows]

    def _read(self, indices):
        batch = Batch(self.dataset.images, indices)
        return batch.network_input(partial(self._transform, indices))

    def _alternate(self):
        """Mirror those images that were not mirrored in the epoch before."""
        if self.augment is not flip:
            return
        if self.mirrored is None:
            self.mirrored = draw_mirrored(len(self.dataset), self.generator)
        else:
            self.mirrored = ~self.mirrored

    def _transform(self, indices, images, where):
        images = to_float(moved(images, self.device))
        if self.augment is None:
            return images
        options = {"frame_height": self.dataset.images.frame_height}
        if self.mirrored is not None:
            options["mirrored"] = self.mirrored[indices[where]]
        return augmented(images, self.augment, self.generator, **options)
