"""A network in ONNX: raw pixels to logits, module by module as in ``networks``.

Images are (B, H, W, C), clips (B, T, H, W, C).
"""

import numpy as np

from sk_rnnimage.deployment.onnx_readings import embedded, of_map, of_sequence


def network_logits(g, network, x, views):
    """Logits (B, K) of images or clips, on average over their views.

    They are NaN where all pixels are missing.
    """
    recipe = network.recipe
    frame_height = recipe.get("frame_height")  # absent in an older pickle
    height, *others = recipe["image_shape"]
    shape = frame_height or height, *others  # (H, W, C)
    if frame_height is None:
        blank = _all_missing(g, x, [1, 2, 3])
        maps, map_shape = _map(g, network, _moved(g, x, shape, views), shape)
        pooled = [of_map(g, reading, maps, map_shape) for reading in network.readings]
    else:
        blank = _all_missing(g, x, [1, 2, 3, 4])
        steps, lengths = _frames(g, network, x, shape, views)
        pooled = [of_sequence(g, network.readings[0], steps, lengths)]
    x = g.Concat(*pooled, axis=1)  # (views * B, N)
    logits = g.linear(x, network.head.weight, network.head.bias)
    logits = g.Div(logits, network.temperature)
    logits = g.reshape(logits, len(views), -1, recipe["n_outputs"])
    logits = g.ReduceMean(logits, [0], keepdims=0)  # (B, K)
    return g.Where(g.Unsqueeze(g.cast(blank, bool), [1]), np.nan, logits)


def _all_missing(g, x, axes):
    """1 where all pixels along these axes are missing, else 0."""
    return g.ReduceMin(g.cast(g.IsNaN(x), np.float32), axes, keepdims=0)


def _frames(g, network, x, shape, views):
    """The embedded frames of clips that are not missing, and how many there are.

    (T, views * B, F), those that are missing at the end, and (views * B,).
    """
    order, lengths = _present_frames(g, x)
    x = _moved(g, x, shape, views)
    n_clips_and_frames = g.Shape(x, end=2)
    x, _ = _map(g, network, g.reshape(x, -1, *shape), shape)  # (views * B * T, H, W, C)
    steps = network.readings[0].steps
    n_inputs = [steps.embed.in_features]
    x = g.Reshape(x, g.Concat(n_clips_and_frames, n_inputs, axis=0))
    x = embedded(g, steps, g.Transpose(x, perm=[1, 0, 2]))
    x = g.at_steps(x, g.Tile(order, [1, len(views), 1]))
    return x, g.Tile(lengths, [len(views)])


def _present_frames(g, x):
    """Where the frames of clips are that are not all missing, and how many: (B,).

    The former, (T, B, 1), are the numbers of these frames, then those of the others.
    """
    missing = _all_missing(g, x, [2, 3, 4])  # (B, T)
    n_frames = g.size(x, 1)
    t = g.cast(g.Range(0, g.Squeeze(n_frames), 1), np.float32)
    n = g.cast(n_frames, np.float32)
    place = g.Add(t, g.Mul(missing, n))  # of a missing frame: T later
    _, order = g.TopK(place, n_frames, axis=1, largest=0, n_outputs=2)
    n_missing = g.ReduceSum(missing, [1], keepdims=0)
    lengths = g.cast(g.Sub(n, n_missing), np.int64)
    return g.Unsqueeze(g.Transpose(order, perm=[1, 0]), [2]), lengths


def _moved(g, x, shape, views):
    """The views of images or clips, one set below the other: (views * B, ...)."""
    rows, columns = (np.arange(side) for side in shape[:2])
    moved = []
    for down, right, mirrored in views:
        from_row = (rows - down).clip(0, rows[-1])
        from_column = (columns - right).clip(0, columns[-1])
        if mirrored:
            from_column = columns[-1] - from_column
        view = g.Gather(x, from_row, axis=-3) if down else x
        moves = right or mirrored
        moved.append(g.Gather(view, from_column, axis=-2) if moves else view)
    return g.Concat(*moved, axis=0)


def _map(g, network, x, shape):
    """What is read of images: they, standardised, or their feature map; its shape."""
    x = _standardized(g, network.standardize, x, shape)
    if network.stem is not None:
        return _convolved(g, network.stem, x), network.stem.output_shape
    *sides, channels = shape
    return x, (*sides, channels + network.standardize.mask)


def _standardized(g, standardize, x, shape):
    """Pixels to mean 0 and standard deviation 1; what is missing to 0."""
    height, width, channels = shape
    x = g.reshape(x, 0, height, width * channels)  # long rows are computed faster
    x = g.Sub(x, np.tile(standardize.mean, width))
    x = g.Div(x, np.tile(standardize.scale, width))
    missing = g.IsNaN(x)
    values = g.reshape(g.Where(missing, 0.0, x), 0, *shape)
    if not standardize.mask:
        return values
    missing = g.reshape(g.cast(missing, np.float32), 0, *shape)
    return g.Concat(values, g.ReduceMean(missing, [3]), axis=3)


def _convolved(g, stem, x):
    """The convolutions of a stem: (B, H, W, C) to a smaller (B, H, W, C)."""
    x = g.Transpose(x, perm=[0, 3, 1, 2])  # (B, C, H, W)
    for layer in stem.layers:
        convolution, sides = layer.convolution, layer.pool_size
        pads = [*convolution.padding] * 2
        x = g.Conv(x, convolution.filters(), convolution.bias, pads=pads)
        if layer.pool is not None:
            x = g.MaxPool(x, kernel_shape=sides, strides=sides, ceil_mode=1)
        x = g.Relu(_normalized(g, layer.normalize, x))
    return g.Transpose(x, perm=[0, 2, 3, 1])


def _normalized(g, norm, x):
    """Group normalisation: that of each group as if it were one channel."""
    groups = g.reshape(x, 0, norm.num_groups, -1)
    ones, zeros = np.ones(norm.num_groups), np.zeros(norm.num_groups)
    groups = g.InstanceNormalization(groups, ones, zeros, epsilon=norm.eps)
    x = g.Reshape(groups, g.Shape(x))
    weight, bias = norm.weight[:, None, None], norm.bias[:, None, None]
    return g.Add(g.Mul(x, weight), bias)
