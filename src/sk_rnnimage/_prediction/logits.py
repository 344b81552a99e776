"""What a fitted network gives for images: at the end, after each step, and why."""

from contextlib import contextmanager, nullcontext
from functools import partial

import numpy as np
import torch

from sk_rnnimage._data.batches import Batch
from sk_rnnimage._environment.process import (
    memory_error_as,
    one_thread,
    warn_of_memory,
)
from sk_rnnimage._prediction.halves import in_halves
from sk_rnnimage.images.units import warn_of_another_unit

# Of a batch: so many that calls cost nothing beside the work ...
PIXELS_AT_ONCE = 2**20
# ... but no tensor that is made of it holds more values: 128 MiB in single precision
VALUES_AT_ONCE = 2**25
# of all images, up to which one thread is as fast as two
FEW_PIXELS = 2**16


def logits_of(network, images, views):
    """The logits of each image, on average over its views: (B, K)."""
    with _inference(images):
        pairs = _of_batches(network, network, images, views)
        return _gather(pairs, len(images))


def staged_logits(network, images, views):
    """The logits after each step: yields (B, K), 0 before a clip's first frame.

    The sequences are held meanwhile, so that the convolutions run once.
    """
    with _inference(images):
        held = list(_of_batches(network.sequences, network, images, views))
    n_stages = max(len(x) for _, views in held for view in views for x, _ in view)
    for n_read in _steps_read(images, n_stages):  # (B,)
        # entered for each stage: between two of them the caller's code runs
        with _inference(images):
            pairs = (
                (indices[rows], logits)
                for indices, views in held
                for rows, logits in _classified(network, views, n_read[indices])
            )
            logits = _gather(pairs, len(images))
        logits[n_read == 0] = 0
        yield logits


def streamed_logits(network, frames, views):
    """The logits after each frame of one clip, as it comes in: yields (1, K).

    Parameters
    ----------
    network : ImageNetwork
        One that reads clips in one direction.
    frames : iterable of Images
        One frame each, or None for one that is missing.
    views : list of tuple
        Over whose logits the mean is taken.
    """
    logits, carried = None, [None] * len(views)
    for images in frames:
        if images is not None:
            batch = Batch(images, np.arange(1))
            if logits is None:
                warn_of_unit(network, images, "frames")
            with _inference(images):
                pairs = map(network.step, batch.views(views), carried)
                of_views, carried = zip(*pairs)
                logits = torch.stack(of_views).mean(0).numpy().astype(np.float64)
            check_outputs(network, logits, images, "frames")
        elif logits is None:
            logits = np.zeros((1, network.head.out_features))
        yield logits


def _steps_read(images, n_stages):
    """How many steps of each image, or frames of each clip, a stage reads: (B,)."""
    if images.n_read is not None:  # of clips with missing frames
        yield from images.n_read.T
        return
    for t in range(1, n_stages + 1):
        yield np.full(len(images), t)


def attention_weights(network, images, layer):
    """Attention weights of each reading: (B, T), or (B, heads, T, T).

    An image with fewer steps than another has zeros at the end.
    """
    with _inference(images):
        function = partial(network.attention_weights, layer=layer)
        pairs = list(_of_batches(function, network, images, [(0, 0)]))
    all_indices = [indices for indices, _ in pairs]
    readings = zip(*(weights for _, [weights] in pairs))
    return tuple(_padded(all_indices, parts, len(images)) for parts in readings)


@contextmanager
def _inference(images):
    """Without gradients; few images on one thread."""
    few = images.n_pixels() <= FEW_PIXELS
    height, width, _ = images.image_shape
    message = (
        f"The memory does not hold what the network makes of an image of {height} x "
        f"{width}. Resize the images, for instance with ImageReader(size=(height, "
        "width)), in fit and in predict."
    )
    with torch.inference_mode(), one_thread() if few else nullcontext():
        with memory_error_as(message):
            yield


def _of_batches(function, network, images, views):
    """Yield the indices of each batch, and what a function gives for its views.

    ``function`` is the network, or a method of it.
    """

    def most(height, width):
        n_pixels = height * width * images.image_shape[2]
        n_values = network.largest_tensor(height, width)
        warn_of_memory(
            network.n_bytes_predicting(height, width),
            f"To predict one image of {height} x {width}",
            "Resize the images: ImageReader(size).",
        )
        return min(PIXELS_AT_ONCE // n_pixels, VALUES_AT_ONCE // n_values)

    def of_views(indices):
        return [_run(function, view) for view in Batch(images, indices).views(views)]

    return in_halves(of_views, images.chunks(most))


def _run(function, network_input):
    """Call a function on the images of a batch."""
    if not isinstance(network_input, dict):
        network_input = {"x": network_input}
    return function(**network_input)


def _classified(network, views, n_read):
    """The logits of sequences after their first steps: rows, and a list of views."""

    def classified(rows):
        return [network.classify(_first(_some(x, rows), n_read[rows])) for x in views]

    return in_halves(classified, [np.arange(len(n_read))])


def _some(sequences, rows):
    """Some rows of each reading's sequence (T, B, F); of all, no copy."""
    return [
        (x, lengths)
        if len(rows) == x.shape[1]
        else (x[:, rows], None if lengths is None else lengths[rows])
        for x, lengths in sequences
    ]


def _first(sequences, n_read):
    """The first steps of each reading's sequence, ``n_read`` (b,) but at least one."""
    n_read = torch.from_numpy(n_read).clamp(min=1)
    t, alike = int(n_read.max()), bool((n_read == n_read[0]).all())
    cut = []
    for x, lengths in sequences:
        if lengths is not None:
            lengths = lengths.minimum(n_read)
        elif not alike:
            lengths = n_read.clamp(max=len(x))
        cut.append((x[:t], lengths))
    return cut


def _gather(pairs, n):
    """Logits (n, K) from those of batches, which come as a list of views."""
    logits = None
    for indices, views in pairs:
        mean = torch.stack(views).mean(0).numpy()  # (b, K)
        if logits is None:
            logits = np.empty((n, mean.shape[1]))  # float64: sums of 1 to 1e-15
        logits[indices] = mean
    return logits


def _padded(all_indices, parts, n):
    """Arrays of unequal shape in one (n, ...), padded with zeros."""
    shape = np.max([part.shape[1:] for part in parts], axis=0)
    whole = np.zeros((n, *shape))
    for indices, part in zip(all_indices, parts):
        whole[(indices, *map(slice, part.shape[1:]))] = part.numpy()
    return whole


def warn_of_unit(network, images, name="X"):
    """Warn where images cannot be in the unit that a network knows."""
    moments = network.standardize.mean, network.standardize.scale
    warn_of_another_unit(images, *(m.numpy() for m in moments), name)


def check_outputs(network, outputs, images, name="X"):
    """Raise where what the network gives is not finite."""
    finite = np.isfinite(outputs).reshape(len(outputs), -1).all(axis=1)
    if finite.all():
        return
    i = int(finite.argmin())
    _, image = next(images.parts(np.array([i])))
    mean, scale = (getattr(network.standardize, key) for key in ("mean", "scale"))
    raise ValueError(
        f"The outputs of the network for {name}[{i}] are not finite. Its pixels reach "
        f"{np.nanmax(np.abs(image)):.3g}, those of fit have a mean of "
        f"{mean.tolist()} and a standard deviation of {scale.tolist()}. Bring X "
        "into the unit of fit; if it is, fit with a smaller learning_rate."
    )
