"""Whole networks in NumPy, worked from the weights of a fitted classifier."""

import numpy as np
from cells_by_hand import read
from conftest import make

from sk_rnnimage.images.orders import scan_order


def fitted(cls, X, y, **parameters):
    """A network that has learned something, so that no bias is 0 any more."""
    return make(cls, **({"max_epochs": 4} | parameters)).fit(X, y)


def below(weights, prefix):
    return {
        k.removeprefix(prefix): w for k, w in weights.items() if k.startswith(prefix)
    }


def standardized(model, X):
    X = X.reshape(len(X), *X.shape[1:3], -1)
    w = model.weights_
    return (X - w["standardize.mean"]) / w["standardize.scale"]


def steps_of(model, X, scan):
    """Standardised pixels as one step each, in the order of a scan: (T, B, C)."""
    x = standardized(model, X)
    n, height, width, channels = x.shape
    x = x.reshape(n, height * width, channels)[:, scan_order(scan, height, width)]
    return x.transpose(1, 0, 2)


def rows_of(x):
    """(B, H, W, C) to (H, B, W * C)."""
    return x.reshape(*x.shape[:2], -1).transpose(1, 0, 2)


# From the states to probabilities


def head(model, pooled):
    """Logits (B, K) of pooled states (B, N), divided by the temperature."""
    w = model.weights_
    return (pooled @ w["head.weight"].T + w["head.bias"]) / w["temperature"]


def softmax(x, axis=-1):
    x = np.exp(x - x.max(axis=axis, keepdims=True))
    return x / x.sum(axis=axis, keepdims=True)


def pool(model, weights, states):
    """(T, B, N) to (B, N)."""
    pooling = model.pooling
    if pooling == "attention":
        hidden = states @ weights["pool.hidden.weight"].T + weights["pool.hidden.bias"]
        score = np.tanh(hidden) @ weights["pool.score.weight"].T
        share = np.exp(score - score.max(0))
        return (share / share.sum(0) * states).sum(0)
    if pooling == "max":
        return states.max(0)
    if pooling == "mean" or model.cell is None:
        return states.mean(0)
    if not model.bidirectional:
        return states[-1]
    n_units = states.shape[2] // 2
    return np.concatenate([states[-1, :, :n_units], states[0, :, n_units:]], axis=1)


def by_hand(model, sequences):
    """Probabilities from one sequence (T, B, F) a scan."""
    found = []
    for i, x in enumerate(sequences):
        reading = below(model.weights_, f"readings.{i}.")
        for j in range(np.size(model.hidden_size)):
            x = read(below(reading, f"layers.{j}."), model.cell, x)
        found.append(pool(model, reading, x))
    return classify(model, np.concatenate(found, axis=1))


def classify(model, pooled):
    logits = head(model, pooled)
    return softmax(logits)


# The convolutions


def convolved(model, X, i, pool, n_groups=1):
    """A layer of the stem: convolution, largest values, normalisation, rectifier."""
    layer = below(model.weights_, f"stem.layers.{i}.")
    kernel, size = standard_filters(layer), layer["convolution.weight"].shape[2]
    x = np.pad(X, ((0, 0), *[(size // 2, size // 2)] * 2, (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(1, 2))
    x = np.einsum("bhwcij,ocij->bhwo", windows, kernel) + layer["convolution.bias"]
    x = largest_of(x, pool)
    x = x.reshape(*x.shape[:3], n_groups, -1)  # (B, H, W, G, C / G)
    x = x - x.mean((1, 2, 4), keepdims=True)
    x = x / np.sqrt((x**2).mean((1, 2, 4), keepdims=True) + 1e-5)
    x = x.reshape(*x.shape[:3], -1) * layer["normalize.weight"]
    return np.maximum(0, x + layer["normalize.bias"])


def standard_filters(layer):
    """The filters (O, C, h, w) less their means, of the length that the gain says."""
    filters = layer["convolution.weight"]
    if filters[0].size > 1:
        filters = filters - filters.mean((1, 2, 3), keepdims=True)
    squares = (filters**2).sum((1, 2, 3), keepdims=True)
    return layer["convolution.gain"] * filters / np.sqrt(squares + 1e-6)


def largest_of(x, size):
    """The largest of size x size values, of fewer at the far edges."""
    height, width = x.shape[1:3]
    rows, columns = range(0, height, size), range(0, width, size)
    found = [
        [x[:, i : i + size, j : j + size].max((1, 2)) for j in columns] for i in rows
    ]
    return np.moveaxis(np.array(found), 2, 0)  # (B, H, W, C)
