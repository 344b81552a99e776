"""What follows the states in ONNX: self-attention, and pooling (T, B, N) to (B, N).

``lengths`` (B,) says how many of the steps are real, the first ones; None that all are.
"""

import math

import numpy as np

from sk_rnnimage.networks.pooling import (
    AttentionPooling,
    LastState,
    MaxPooling,
    MeanPooling,
)


def attended(g, heads, x, lengths=None):
    """States and what self-attention makes of them: (T, B, N) to (T, B, 2 * N)."""
    n, width = heads.num_heads, heads.head_dim
    parts = g.split(g.linear(x, heads.in_proj_weight, heads.in_proj_bias), 3, axis=2)
    query, key, value = (g.reshape(part, 0, 0, n, width) for part in parts)
    query, value = (g.Transpose(part, perm=[1, 2, 0, 3]) for part in (query, value))
    scores = g.MatMul(query, g.Transpose(key, perm=[1, 2, 3, 0]))  # (B, heads, T, T)
    scores = g.Div(scores, math.sqrt(width))
    if lengths is not None:
        real = g.Transpose(g.step_mask(x, lengths), perm=[1, 2, 0])  # (B, 1, T)
        scores = g.Where(g.Unsqueeze(real, [1]), scores, -np.inf)
    output = g.MatMul(g.Softmax(scores, axis=-1), value)  # (B, heads, T, d)
    output = g.reshape(g.Transpose(output, perm=[2, 0, 1, 3]), 0, 0, -1)
    output = g.linear(output, heads.out_proj.weight, heads.out_proj.bias)
    return g.Concat(x, output, axis=2)


def pooled(g, pool, x, lengths=None):
    """Any pooling: (T, B, N) to (B, N)."""
    return POOLINGS[type(pool)](g, pool, x, lengths)


def _last(g, pool, x, lengths):
    if lengths is None:
        last = g.Gather(x, -1, axis=0)
    else:
        t = g.Unsqueeze(g.Sub(lengths, 1), [0, 2])  # (1, B, 1)
        last = g.Squeeze(g.at_steps(x, t), [0])
    if pool.width_forward == pool.width:
        return last
    parts = [0, pool.width_forward, pool.width, np.iinfo(np.int64).max]
    forward, _, others = (
        g.Slice(last, [a], [b], [1]) for a, b in zip(parts, parts[1:])
    )
    reverse = g.Slice(g.Gather(x, 0, axis=0), parts[1:2], parts[2:3], [1])
    return g.Concat(forward, reverse, others, axis=1)


def _mean(g, pool, x, lengths):
    if lengths is None:
        return g.ReduceMean(x, [0], keepdims=0)
    total = g.ReduceSum(_padded_with(g, 0.0, x, lengths), [0], keepdims=0)
    n = g.cast(lengths, np.float32)
    return g.Div(total, g.Unsqueeze(n, [1]))


def _max(g, pool, x, lengths):
    return g.ReduceMax(_padded_with(g, -np.inf, x, lengths), [0], keepdims=0)


def _attention(g, pool, x, lengths):
    hidden = g.Tanh(g.linear(x, pool.hidden.weight, pool.hidden.bias))
    scores = g.linear(hidden, pool.score.weight, pool.score.bias)  # (T, B, 1)
    weights = g.Softmax(_padded_with(g, -np.inf, scores, lengths), axis=0)
    return g.ReduceSum(g.Mul(weights, x), [0], keepdims=0)


def _padded_with(g, value, x, lengths):
    """Steps (T, B, N) of which those that are not real have this value."""
    return x if lengths is None else g.Where(g.step_mask(x, lengths), x, value)


POOLINGS = {
    LastState: _last,
    MeanPooling: _mean,
    MaxPooling: _max,
    AttentionPooling: _attention,
}
