"""What a network says after each step, and what its steps weigh."""

import re
from types import GeneratorType

import numpy as np
import pytest
import torch
from conftest import draw, draw_unequal, make
from numpy.testing import assert_allclose, assert_array_equal

from sk_rnnimage import CRNNImageClassifier, RNNImageClassifier, _prediction

SEQUENTIAL = ["lstm", "gru", "rnn", "irnn", "peephole", "mingru", "lru", "lmu"]


def stages(model, X):
    return list(model.staged_predict_proba(X))


def softmax(x, axis=-1):
    x = np.exp(x - x.max(axis=axis, keepdims=True))
    return x / x.sum(axis=axis, keepdims=True)


def steps_of(model, X):
    """The network, and what each of its readings reads of grey images."""
    network = model.module_
    return network, network.sequences(torch.as_tensor(X[..., None]))


# Stages


@pytest.mark.parametrize("scan", ["auto", "rows", "hilbert", ("rows", "snake")],
                         ids=str)  # fmt: skip
@pytest.mark.parametrize("cell", SEQUENTIAL)
def test_the_last_stage_is_the_prediction(cls, scan, cell):
    X, y = draw(n=9, shape=(9, 7))
    for pooling in ("last", "attention"):
        settings = {"cell": cell, "pooling": pooling, "max_epochs": 1}
        model = make(cls, scan=scan, **settings).fit(X, y)
        assert_array_equal(stages(model, X)[-1], model.predict_proba(X))


@pytest.mark.parametrize("pooling", ["last", "mean", "max", "attention"])
@pytest.mark.parametrize("parameters", [
    {}, {"bidirectional": False}, {"attention_heads": 2}, {"hidden_size": (4, 6)},
    {"cell": "lmu"}, {"patch_size": (2, None)}, {"n_views": 5},
], ids=str)  # fmt: skip
def test_a_stage_is_the_prediction_of_what_was_read(pooling, parameters):
    X, y = draw(n=9, shape=(8, 6), dtype=np.float64)
    settings = {"scan": "rows", "pooling": pooling, "learning_rate": 0.05}
    model = make(RNNImageClassifier, **(settings | parameters)).fit(X, y)
    found, n_lines = stages(model, X), parameters.get("patch_size", (1,))[0]
    assert len(found) == 8 // n_lines
    if "n_views" in parameters:  # which move rows that were not read into sight
        assert_array_equal(found[-1], model.predict_proba(X))
        return
    for t, stage in enumerate(found, 1):
        cut = list(X[:, : t * n_lines])
        assert_allclose(stage, model.predict_proba(cut), atol=1e-9)
    assert np.abs(found[0] - found[-1]).max() > 1e-3


@pytest.mark.parametrize("parameters", [{"bidirectional": True}, {"pooling": "max"},
                                        {"cell": "peephole"}], ids=str)  # fmt: skip
def test_stages_of_images_of_unequal_size(parameters):
    X, y = draw_unequal(sides=(4, 9))
    settings = {"scan": "rows", "pooling": "last", "learning_rate": 0.05}
    model = make(RNNImageClassifier, **(settings | parameters)).fit(X, y)
    found = stages(model, X)
    assert len(found) == max(len(image) for image in X)
    for t, stage in enumerate(found, 1):
        expected = model.predict_proba([image[:t] for image in X])
        assert_allclose(stage, expected, atol=1e-9)
    assert_array_equal(found[-1], model.predict_proba(X))


def test_scans_step_together_and_the_shorter_one_waits():
    X, y = draw(n=9, shape=(8, 5), dtype=np.float64)
    settings = {"pooling": "last", "learning_rate": 0.05}
    model = make(RNNImageClassifier, scan=("rows", "columns"), **settings).fit(X, y)
    found = stages(model, X)
    assert len(found) == 8
    network, steps = steps_of(model, X)
    weights = model.weights_["head.weight"], model.weights_["head.bias"]
    for t, stage in enumerate(found, 1):
        parts = [
            reading.read(whole[:n]).detach().numpy()
            for reading, (whole, _), n in zip(network.readings, steps, (t, min(t, 5)))
        ]
        logits = np.concatenate(parts, axis=1) @ weights[0].T + weights[1]
        assert_allclose(stage, softmax(logits), atol=1e-9)
    assert_array_equal(found[-1], model.predict_proba(X))


@pytest.mark.parametrize("shape, n_stages", [((8, 8), 8), ((20, 9), 10), ((9, 20), 5)])
@pytest.mark.parametrize("scan", ["auto", "rows"])
def test_stages_of_a_crnn_are_the_lines_of_its_map(scan, shape, n_stages):
    X, y = draw(n=9, shape=shape)
    model = make(CRNNImageClassifier, scan=scan).fit(X, y)
    assert len(stages(model, X)) == n_stages


@pytest.mark.parametrize("scan, patch_size, n_stages", [
    ("columns", None, 6), ("rows", 3, 6), ("hilbert", None, 48), ("auto", None, 3),
    ("diagonal", (4, 5), 4), (("rows", "random"), 2, 12),
], ids=str)  # fmt: skip
def test_how_many_stages_there_are(scan, patch_size, n_stages):
    X, y = draw(n=9, shape=(8, 6))
    model = make(RNNImageClassifier, scan=scan, patch_size=patch_size).fit(X, y)
    found = stages(model, X)
    assert len(found) == n_stages
    for stage in found:
        assert stage.shape == (9, 3)
        assert_allclose(stage.sum(axis=1), 1)


def test_stages_of_lists_are_those_of_the_images_alone(cls):
    X, y = draw_unequal(sides=(7, 19))
    model = make(cls, learning_rate=0.05, scan="snake", patch_size=3).fit(X, y)
    found = stages(model, X)
    for i, image in enumerate(X):
        alone = np.concatenate(stages(model, [image]))
        assert_allclose([stage[i] for stage in found[: len(alone)]], alone, atol=1e-9)
        assert_allclose([stage[i] for stage in found[len(alone) :]],
                        [alone[-1]] * (len(found) - len(alone)), atol=1e-9)  # fmt: skip


def test_stages_do_not_depend_on_how_many_fit_in_memory(cls, monkeypatch):
    X, y = draw(n=30)
    model = make(cls).fit(X, y)
    expected = stages(model, X)
    monkeypatch.setattr(_prediction, "PIXELS_AT_ONCE", 7 * 64)
    assert_allclose(stages(model, X), expected, atol=1e-12)


def test_stages_are_made_when_they_are_asked_for(cls, monkeypatch):
    X, y = draw()
    model = make(cls, scan="rows").fit(X, y)
    calls, classify = [], type(model.module_).classify

    def counted(network, steps):
        calls.append(1)
        return classify(network, steps)

    monkeypatch.setattr(type(model.module_), "classify", counted)
    found = model.staged_predict_proba(X)
    assert isinstance(found, GeneratorType)
    assert not calls
    next(found)
    assert len(calls) == 1
    next(found)
    assert len(calls) == 2


def test_bad_images_are_refused_before_the_first_stage(cls):
    model = make(cls).fit(*draw())
    with pytest.raises(ValueError, match="Resize or pad them first"):
        model.staged_predict_proba(np.ones((2, 8, 9)))


@pytest.mark.parametrize("parameters, what", [
    ({"scan": "sweep"}, "scan='sweep'"), ({"scan": ("rows", "sweep")}, "scan='sweep'"),
    ({"cell": None}, "cell=None"), ({"cell": None, "scan": "sweep"}, "cell=None"),
], ids=str)  # fmt: skip
def test_readings_without_an_order_have_no_stages(cls, parameters, what):
    X, y = draw()
    model = make(cls, **parameters).fit(X, y)
    sentence = (
        "staged_predict_proba needs a cell that reads one step after another; with "
        f"{what} there is no such order. Choose a cell, and a path such as "
        "scan='rows'."
    )
    with pytest.raises(ValueError, match=re.escape(sentence)):
        model.staged_predict_proba(X)


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
    network, steps = steps_of(model, X)
    pairs = zip(network.readings, steps)
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
    logits = pooled @ model.weights_["head.weight"].T + model.weights_["head.bias"]
    assert_allclose(model.predict_proba(X), softmax(logits), atol=1e-9)


@pytest.mark.parametrize("scan, lengths", [
    (("rows", "columns"), (8, 5)), (("hilbert", "sweep"), (40, 40)), ("auto", (3, 2)),
], ids=str)  # fmt: skip
def test_several_scans_have_weights_each(scan, lengths):
    X, y = draw(n=9, shape=(8, 5), dtype=np.float64)
    model = make(RNNImageClassifier, scan=scan, pooling="attention").fit(X, y)
    weights = model.attention_weights(X)
    assert isinstance(weights, tuple)
    assert tuple(len(w[0]) for w in weights) == lengths
    for i, (part, states) in enumerate(zip(weights, states_of(model, X))):
        assert_allclose(part, pooling_by_hand(model, i, states), atol=1e-9)


@pytest.mark.parametrize("layer", ["pooling", "heads"])
@pytest.mark.parametrize("scan", ["rows", "hilbert", "sweep", ("rows", "columns")],
                         ids=str)  # fmt: skip
def test_weights_of_lists_are_those_of_the_images_alone(cls, scan, layer):
    X, y = draw_unequal(n=9, sides=(7, 15))
    settings = {"pooling": "attention", "attention_heads": 2, "learning_rate": 0.05}
    model = make(cls, scan=scan, **settings).fit(X, y)

    def weights(images):
        found = model.attention_weights(images, layer=layer)
        return found if isinstance(found, tuple) else (found,)

    whole, alone = weights(X), [weights([image]) for image in X]
    for of_all, *of_each in zip(whole, *alone):
        for found, (one,) in zip(of_all, of_each):
            padding = [(0, n - m) for n, m in zip(found.shape, one.shape)]
            assert_allclose(found, np.pad(one, padding), atol=1e-9)
        assert of_all.shape[-1] == max(one.shape[-1] for one in of_each)


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
    logits = pooled @ model.weights_["head.weight"].T + model.weights_["head.bias"]
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
    logits = last @ model.weights_["head.weight"].T + model.weights_["head.bias"]
    assert_allclose(model.predict_proba(X), softmax(logits), atol=1e-9)


def test_a_sweep_with_heads_reads_last_as_mean(cls):
    X, y = draw(n=9)
    settings = {"scan": "sweep", "attention_heads": 2}
    last, mean = (make(cls, pooling=p, **settings).fit(X, y) for p in ("last", "mean"))
    assert_array_equal(last.predict_proba(X), mean.predict_proba(X))


def test_which_layer_is_asked_for(cls):
    X, y = draw(n=9)
    settings = {"scan": "rows", "attention_heads": 2}
    both = make(cls, pooling="attention", **settings).fit(X, y)
    assert_array_equal(both.attention_weights(X),
                       both.attention_weights(X, layer="pooling"))  # fmt: skip
    assert both.attention_weights(X, layer="heads").shape == (9, 2, 8, 8)
    heads = make(cls, **settings).fit(X, y)
    assert_array_equal(heads.attention_weights(X),
                       heads.attention_weights(X, layer="heads"))  # fmt: skip


@pytest.mark.parametrize("parameters, layer", [
    ({}, "auto"), ({}, "pooling"), ({}, "heads"), ({"attention_heads": 2}, "pooling"),
    ({"pooling": "attention"}, "heads"), ({"pooling": "attention"}, "scores"),
], ids=str)  # fmt: skip
def test_weights_that_there_are_not(cls, parameters, layer):
    X, y = draw(n=9)
    model = make(cls, **parameters).fit(X, y)
    sentence = (
        "attention_weights needs pooling='attention' or attention_heads in the network "
        "that was fitted, and layer='auto', 'pooling' or 'heads'. It has pooling="
        f"{parameters.get('pooling', 'mean')!r} and attention_heads="
        f"{parameters.get('attention_heads')!r}, and layer is "
    )
    with pytest.raises(ValueError, match=re.escape(sentence)):
        model.attention_weights(X, layer=layer)


@pytest.mark.parametrize("hidden_size, bidirectional, n_heads, width", [
    (8, True, 3, 16), (8, False, 16, 8), ((6, 5), True, 4, 10), (5, False, 2, 5),
])  # fmt: skip
def test_heads_must_divide_a_state(cls, hidden_size, bidirectional, n_heads, width):
    settings = {"bidirectional": bidirectional, "attention_heads": n_heads}
    sentence = (
        f"attention_heads={n_heads} must divide the {width} values of a state: "
        f"hidden_size={hidden_size!r} in {1 + bidirectional} direction(s)."
    )
    with pytest.raises(ValueError, match=re.escape(sentence)):
        make(cls, hidden_size=hidden_size, **settings).fit(*draw())
