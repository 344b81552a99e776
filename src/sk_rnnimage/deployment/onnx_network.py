"""A network in ONNX: raw pixels to logits, module by module as in ``networks``.

Images are (B, H, W, C), clips (B, T, H, W, C).
"""

import numpy as np

from sk_rnnimage.deployment.onnx_readings import embedded, of_map, of_sequence


def network_logits(g, network, x, views):
    """Logits (B, K) of images or clips, on average over their views."""
    reads_clips = network.recipe.get("frame_height") is not None
    order = lengths = None
    if reads_clips:
        order, lengths = _present_frames(g, x)
        order = g.Tile(order, [1, len(views), 1])
        lengths = g.Tile(lengths, [len(views)])
    x = _moved(g, x, network.recipe, views)  # (views * B, ...)
    if reads_clips:
        x = _steps_of_frames(g, network, x)
        x = g.at_steps(x, order)
        pooled = [of_sequence(g, network.readings[0], x, lengths)]
    else:
        x, shape = _map(g, network, x)
        pooled = [of_map(g, reading, x, shape) for reading in network.readings]
    x = g.Concat(*pooled, axis=1)  # (views * B, N)
    logits = g.linear(x, network.head.weight, network.head.bias)
    logits = g.Div(logits, network.temperature)
    logits = g.reshape(logits, len(views), -1, network.head.out_features)
    return g.ReduceMean(logits, [0], keepdims=0)  # (B, K)


def _present_frames(g, x):
    """Where the frames of clips are that are not all missing, and how many: (B,).

    The former, (T, B, 1), are the numbers of these frames, then those of the others.
    """
    missing = g.Cast(g.IsNaN(x), to=g.onnx.TensorProto.FLOAT)
    missing = g.ReduceMin(missing, [2, 3, 4], keepdims=0)  # (B, T)
    n_frames = g.size(x, 1)
    t = g.Cast(g.Range(0, g.Squeeze(n_frames), 1), to=g.onnx.TensorProto.FLOAT)
    n = g.Cast(n_frames, to=g.onnx.TensorProto.FLOAT)
    place = g.Add(t, g.Mul(missing, n))  # of a missing frame: T later
    _, order = g.TopK(place, n_frames, axis=1, largest=0, n_outputs=2)
    n_missing = g.ReduceSum(missing, [1], keepdims=0)
    lengths = g.Cast(g.Sub(n, n_missing), to=g.onnx.TensorProto.INT64)
    return g.Unsqueeze(g.Transpose(order, perm=[1, 0]), [2]), lengths


def _moved(g, x, recipe, views):
    """The views of images, one set below the other: (views * B, ...)."""
    height = recipe.get("frame_height") or recipe["image_shape"][0]
    rows, columns = (np.arange(side) for side in (height, recipe["image_shape"][1]))
    moved = []
    for down, right, mirrored in views:
        from_row = (rows - down).clip(0, rows[-1])
        from_column = (columns - right).clip(0, columns[-1])
        if mirrored:
            from_column = columns[::-1][from_column]
        view = g.Gather(x, from_row, axis=-3) if down else x
        moved.append(
            g.Gather(view, from_column, axis=-2) if right or mirrored else view
        )
    return g.Concat(*moved, axis=0)


def _map(g, network, x):
    """What is read of images: they, standardised, or their feature map; its shape."""
    x = _standardized(g, network.standardize, x)
    if network.stem is not None:
        return _convolved(g, network.stem, x), network.stem.output_shape
    height, width, channels = network.recipe["image_shape"]
    return x, (height, width, channels + network.recipe["missing"])


def _standardized(g, standardize, x):
    """Pixels to mean 0 and standard deviation 1; what is missing to 0."""
    x = g.Div(g.Sub(x, standardize.mean), standardize.scale)
    missing = g.IsNaN(x)
    values = g.Where(missing, 0.0, x)
    if not standardize.mask:
        return values
    missing = g.Cast(missing, to=g.onnx.TensorProto.FLOAT)
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


def _steps_of_frames(g, network, x):
    """The embedded frames of clips: (T, B, F)."""
    clips = g.Shape(x, end=2)
    height, width, channels = network.recipe["image_shape"]
    height = network.recipe["frame_height"]
    x = g.reshape(x, -1, height, width, channels)  # (B * T, H, W, C)
    x, _ = _map(g, network, x)
    steps = network.readings[0].steps
    x = g.Reshape(x, g.Concat(clips, [steps.embed.in_features], axis=0))
    return embedded(g, steps, g.Transpose(x, perm=[1, 0, 2]))
