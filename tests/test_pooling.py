"""Poolings and self-attention, by hand in NumPy, and what padding they leave out."""

import numpy as np
import pytest
import torch
from conftest import draw, make
from networks_by_hand import head, softmax
from numpy.testing import assert_allclose

from sk_rnnimage import RNNImageClassifier
from sk_rnnimage.networks.masks import step_mask
from sk_rnnimage.networks.pooling import POOLINGS, SelfAttention, make_pooling

LENGTHS = torch.tensor([5, 1, 3])


def padded_states(seed=0):
    """States (T, B, N) with nonsense behind each sequence, and their mask."""
    torch.manual_seed(seed)
    mask = step_mask(LENGTHS, 5)
    states = torch.randn(5, 3, 8, dtype=torch.float64)
    return states.masked_fill(~mask[..., None], 1e3), mask


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("cell", ["lstm", None])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_padding_is_not_pooled(pooling, cell, bidirectional):
    x, mask = padded_states()
    n_units = 4 if bidirectional else 8
    recipe = {"cell": cell, "hidden_size": (n_units,), "bidirectional": bidirectional}
    pool = make_pooling(pooling, recipe, 8).double()
    alone = [pool(x[:n, [i]])[0] for i, n in enumerate(LENGTHS)]
    assert_allclose(pool(x, mask).detach(), torch.stack(alone).detach(), atol=1e-12)
    whole = pool(x, torch.ones_like(mask))
    assert_allclose(whole.detach(), pool(x).detach(), atol=1e-9)


def test_padding_is_not_attended():
    x, mask = padded_states()
    attention = SelfAttention(8, 2).double()
    found, weights = attention(x, mask).detach(), attention.weights(x, mask).detach()
    for i, n in enumerate(LENGTHS):
        alone = x[:n, [i]]
        assert_allclose(found[:n, i], attention(alone)[:, 0].detach(), atol=1e-12)
        expected = np.zeros((2, 5, 5))
        expected[:, :n, :n] = attention.weights(alone)[0].detach().numpy()
        assert_allclose(weights[i], expected, atol=1e-12)


# What the pooling weighs


def pooling_by_hand(model, i, states):
    """softmax_t(v . tanh(W h_t + b)) of (T, B, N): (B, T)."""
    w = {
        k.split("pool.")[1]: v
        for k, v in model.weights_.items()
        if k.startswith(f"readings.{i}.pool.")
    }
    hidden = np.tanh(states @ w["hidden.weight"].T + w["hidden.bias"])
    return softmax((hidden @ w["score.weight"].T + w["score.bias"])[..., 0], axis=0).T


def states_of(model, X):
    """What comes out of each reading's cell, before self-attention: each (T, B, N)."""
    network = model.module_
    pairs = zip(network.readings, network.sequences(torch.as_tensor(X[..., None])))
    return [reading.states(*its)[0].detach().numpy() for reading, its in pairs]


@pytest.mark.parametrize("cell", ["lstm", "lru", None])
@pytest.mark.parametrize("scan", ["rows", "hilbert", "sweep"])
def test_the_weights_of_the_pooling_by_hand(cls, scan, cell):
    X, y = draw(n=9, shape=(9, 7), dtype=np.float64)
    settings = {"pooling": "attention", "learning_rate": 0.05}
    model = make(cls, scan=scan, cell=cell, **settings).fit(X, y)
    weights = model.attention_weights(X)
    (states,) = states_of(model, X)
    assert weights.shape == (9, len(states))
    assert_allclose(weights.sum(axis=1), 1)
    assert_allclose(weights, pooling_by_hand(model, 0, states), atol=1e-9)
    pooled = np.einsum("bt,tbn->bn", weights, states)
    logits = head(model, pooled)
    assert_allclose(model.predict_proba(X), softmax(logits), atol=1e-9)


@pytest.mark.parametrize(
    "scan, lengths",
    [
        (("rows", "columns"), (8, 5)),
        (("hilbert", "sweep"), (40, 40)),
        ("auto", (3, 2)),
    ],
    ids=str,
)
def test_several_scans_have_weights_each(scan, lengths):
    X, y = draw(n=9, shape=(8, 5), dtype=np.float64)
    model = make(RNNImageClassifier, scan=scan, pooling="attention").fit(X, y)
    weights = model.attention_weights(X)
    assert isinstance(weights, tuple)
    assert tuple(len(w[0]) for w in weights) == lengths
    for i, (part, states) in enumerate(zip(weights, states_of(model, X))):
        assert_allclose(part, pooling_by_hand(model, i, states), atol=1e-9)


# What the heads weigh


def heads_by_hand(model, states, n_heads):
    """softmax(Q K' / sqrt(d)) of (T, B, N) and what the heads find: (B, m, T, T)."""
    key = "readings.0.attention.heads."
    w = {k.removeprefix(key): v for k, v in model.weights_.items() if key in k}
    x = states.transpose(1, 0, 2)  # (B, T, N)
    q, k, v = np.split(x @ w["in_proj_weight"].T + w["in_proj_bias"], 3, axis=2)
    parts = (np.split(part, n_heads, axis=2) for part in (q, k, v))
    q, k, v = (np.stack(list(part), axis=1) for part in parts)  # (B, m, T, d)
    weights = softmax(q @ k.transpose(0, 1, 3, 2) / np.sqrt(q.shape[3]))
    found = np.concatenate(list((weights @ v).transpose(1, 0, 2, 3)), axis=2)
    found = found @ w["out_proj.weight"].T + w["out_proj.bias"]  # (B, T, N)
    return weights, np.concatenate([x, found], axis=2)


@pytest.mark.parametrize("bidirectional, n_heads", [(True, 1), (True, 4), (False, 2)])
@pytest.mark.parametrize("scan", ["rows", "hilbert", "sweep"])
def test_self_attention_by_hand(cls, scan, bidirectional, n_heads):
    X, y = draw(n=9, shape=(9, 7), dtype=np.float64)
    settings = {"bidirectional": bidirectional, "pooling": "mean", "scan": scan}
    model = make(cls, attention_heads=n_heads, learning_rate=0.05, **settings).fit(X, y)
    (states,) = states_of(model, X)
    weights, seen = heads_by_hand(model, states, n_heads)
    found = model.attention_weights(X)
    assert found.shape == (9, n_heads, len(states), len(states))
    assert_allclose(found.sum(axis=3), 1)
    assert_allclose(found, weights, atol=1e-9)
    pooled = seen.mean(axis=1)
    logits = head(model, pooled)
    assert_allclose(model.predict_proba(X), softmax(logits), atol=1e-9)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_the_last_state_beside_what_it_sees(bidirectional):
    X, y = draw(n=9, shape=(6, 5), dtype=np.float64)
    settings = {"scan": "rows", "pooling": "last", "attention_heads": 2}
    model = make(RNNImageClassifier, bidirectional=bidirectional, **settings).fit(X, y)
    (states,) = states_of(model, X)
    _, seen = heads_by_hand(model, states, 2)
    last = seen[:, -1].copy()
    if bidirectional:  # the second cell ends at the first step
        last[:, 8:16] = seen[:, 0, 8:16]
    logits = head(model, last)
    assert_allclose(model.predict_proba(X), softmax(logits), atol=1e-9)
