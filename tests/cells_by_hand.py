"""The cells' equations in NumPy, one step after the other, and layers to hold to them.

Arrays are (T, B, F) before a layer and (T, B, N) after it.
"""

import functools

import numpy as np
import scipy.linalg
import torch

from sk_rnnimage.networks.cells import make_layer


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


# All steps of one direction: weights and (T, B, F) to (T, B, D)


def peephole_loop(w, x):
    h = s = np.zeros((x.shape[1], w["weight_hh"].shape[1]))
    p_i, p_f, p_o = w["weight_peephole"]
    states = []
    for x_t in x:
        gates = x_t @ w["weight_ih"].T + h @ w["weight_hh"].T + w["bias"]
        i, f, g, o = np.split(gates, 4, axis=1)
        s = sigmoid(f + p_f * s) * s + sigmoid(i + p_i * s) * np.tanh(g)
        h = sigmoid(o + p_o * s) * np.tanh(s)
        states.append(h)
    return np.stack(states)


def mingru_loop(w, x):
    h, states = 0, []
    for x_t in x:
        z, g = np.split(x_t @ w["weight"].T + w["bias"], 2, axis=1)
        h = (1 - sigmoid(z)) * h + sigmoid(z) * g
        states.append(h)
    return np.stack(states)


def lru_loop(w, x):
    decay = np.exp(-np.exp(w["log_nu"]) + 1j * np.exp(w["log_theta"]))
    drive = w["weight_in"][:, 0] + 1j * w["weight_in"][:, 1]
    read = w["weight_out"][..., 0] + 1j * w["weight_out"][..., 1]
    s, states = 0, []
    for x_t in x:
        s = decay * s + np.exp(w["log_gamma"]) * (x_t @ drive.T)
        h = (s @ read.T).real + x_t @ w["weight_past"].T + w["bias"]
        states.append(np.maximum(0, h))
    return np.stack(states)


def lmu_loop(w, x):
    n_memories, order = w["weight_memory"].shape[1:]
    a, b = delay_by_formula(order, len(x))
    m, states = np.zeros((x.shape[1], n_memories, order)), []
    for x_t in x:
        u = x_t @ w["encode.weight"].T + w["encode.bias"]
        m = m @ a.T + u[:, :, None] * b
        h = np.einsum("bpq,dpq->bd", m, w["weight_memory"])
        states.append(np.maximum(0, h + x_t @ w["weight_past"].T + w["bias"]))
    return np.stack(states)


@functools.cache
def delay_by_formula(order, n_steps):
    """The Legendre delay of n_steps steps, entry by entry, held for one step each."""
    a, b = np.empty((order, order)), np.empty(order)
    for j in range(order):
        b[j] = (2 * j + 1) * (-1) ** j / n_steps
        for k in range(order):
            sign = -1 if j < k else (-1) ** (j - k + 1)
            a[j, k] = (2 * j + 1) * sign / n_steps
    held = scipy.linalg.expm(a)
    return held, np.linalg.solve(a, (held - np.eye(order)) @ b)


LOOPS = {
    "peephole": peephole_loop,
    "mingru": mingru_loop,
    "lru": lru_loop,
    "lmu": lmu_loop,
}


def loop(cell, weights, x):
    """One or both directions, from the weights that there are: (T, B, N)."""
    one, other = (
        {k.removeprefix(way): np.asarray(w) for k, w in weights.items() if way in k}
        for way in ("cell.", "reverse_cell.")
    )
    found = [LOOPS[cell](one, x)]
    if other:
        found.append(LOOPS[cell](other, x[::-1])[::-1])
    return np.concatenate(found, axis=2)


# One step: (B, F), (B, D) to (B, D)


def rnn_step(x, h, s, W, U, b, c):
    return np.tanh(x @ W.T + b + h @ U.T + c), s


def irnn_step(x, h, s, W, U, b, c):
    return np.maximum(0, x @ W.T + b + h @ U.T + c), s


def lstm_step(x, h, s, W, U, b, c):
    i, f, g, o = np.split(x @ W.T + b + h @ U.T + c, 4, axis=1)
    s = sigmoid(f) * s + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(s), s


def gru_step(x, h, s, W, U, b, c):
    xr, xz, xg = np.split(x @ W.T + b, 3, axis=1)
    hr, hz, hg = np.split(h @ U.T + c, 3, axis=1)
    r, z = sigmoid(xr + hr), sigmoid(xz + hz)
    return (1 - z) * np.tanh(xg + r * hg) + z * h, s


STEPS = {"rnn": rnn_step, "irnn": irnn_step, "lstm": lstm_step, "gru": gru_step}


def read_one_way(step, x, W, U, b, c):
    """(T, B, F) to (T, B, D)."""
    h = s = np.zeros((x.shape[1], U.shape[1]))
    states = []
    for x_t in x:
        h, s = step(x_t, h, s, W, U, b, c)
        states.append(h)
    return np.stack(states)


# Any cell


CELLS = ["rnn", "irnn", "lstm", "gru", *LOOPS, None]


def read(layer, cell, x):
    """One layer from its weights, in the directions that they have."""
    if cell is None:
        x = x @ layer["linear.weight"].T + layer["linear.bias"] + layer["position"]
        return np.maximum(0, x)
    if cell in LOOPS:
        return loop(cell, layer, x)
    names = "weight_ih", "weight_hh", "bias_ih", "bias_hh"
    found = [read_one_way(STEPS[cell], x, *(layer[f"rnn.{n}_l0"] for n in names))]
    if "rnn.weight_ih_l0_reverse" in layer:
        backwards = (layer[f"rnn.{n}_l0_reverse"] for n in names)
        found.append(read_one_way(STEPS[cell], x[::-1], *backwards)[::-1])
    return np.concatenate(found, axis=2)


# Layers of torch


def stirred(cell, n_inputs, n_units, bidirectional, n_steps, dtype=torch.float64):
    """A layer none of whose weights is 0 any more."""
    torch.manual_seed(0)
    layer = make_layer(cell, n_inputs, n_units, bidirectional, n_steps).to(dtype)
    with torch.no_grad():
        for weight in layer.parameters():
            weight += 0.1 * torch.randn_like(weight)
    return layer


def steps(*shape, dtype=torch.float64):
    generator = torch.Generator().manual_seed(1)
    return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)
