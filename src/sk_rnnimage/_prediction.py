"""What a fitted network says of images: at the end, after each step, and by what."""

import numpy as np
import torch

from sk_rnnimage._batches import batches_of, views

PIXELS_AT_ONCE = 2**20  # of a batch


def logits_of(network, images, n_views=1):
    """What the network says of each image, on average over its views: (B, K)."""
    with torch.inference_mode():
        pairs = (
            (places, [_run(network, view) for view in views(batch, n_views)])
            for places, batch in batches_of(images, PIXELS_AT_ONCE)
        )
        return _collected(pairs, len(images))


def staged_logits(network, images, n_views=1):
    """What the network says after each step that it reads: yields (B, K).

    The steps are held while they are gone through, the convolutions' work included.
    """
    with torch.inference_mode():
        held = [
            (places, [_run(network.steps, view) for view in views(batch, n_views)])
            for places, batch in batches_of(images, PIXELS_AT_ONCE)
        ]
    n_stages = max(len(x) for _, seen in held for steps in seen for x, _ in steps)
    for t in range(1, n_stages + 1):
        with torch.inference_mode():
            pairs = (
                (places, [network.classify(_until(steps, t)) for steps in seen])
                for places, seen in held
            )
            logits = _collected(pairs, len(images))
        yield logits


def _until(steps, t):
    """The first t steps of each reading."""
    return [
        (x[:t], None if lengths is None else lengths.clamp(max=t))
        for x, lengths in steps
    ]


def _collected(pairs, n):
    """Logits of all images from those of batches, which come for each view."""
    logits = None
    for places, found in pairs:
        found = torch.stack(found).mean(0).numpy()  # (b, K)
        if logits is None:
            logits = np.empty((n, found.shape[1]))
        logits[places] = found
    return logits


def weights_of(network, images, kind):
    """What steps weigh, for each reading: (B, T), or (B, heads, T, T) with zeros.

    An image with fewer steps than another weighs 0 there.
    """
    with torch.inference_mode():
        found = [
            (places, _run(network.weights, next(views(batch, 1)), kind=kind))
            for places, batch in batches_of(images, PIXELS_AT_ONCE)
        ]
    readings = zip(*(weights for _, weights in found))
    places = [where for where, _ in found]
    return tuple(_filled(places, weights, len(images)) for weights in readings)


def _filled(places, parts, n):
    """Arrays of unequal shape in one of zeros."""
    most = np.max([part.shape[1:] for part in parts], axis=0)
    whole = np.zeros((n, *most))
    for where, part in zip(places, parts):
        whole[(where, *map(slice, part.shape[1:]))] = part.numpy()
    return whole


def _run(function, batch, **options):
    """What a network or one of its methods says of a batch."""
    batch = batch if isinstance(batch, dict) else {"x": batch}
    return function(**batch, **options)
