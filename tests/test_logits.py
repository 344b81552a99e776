"""What a network says in the end and after each step, and what its steps weigh."""

from types import GeneratorType

import numpy as np
import pytest
import torch
from conftest import CLASSIFIERS, draw, draw_unequal, make
from networks_by_hand import head, softmax
from numpy.testing import assert_allclose, assert_array_equal

from sk_rnnimage import CRNNImageClassifier, RNNImageClassifier
from sk_rnnimage._prediction import logits

SEQUENTIAL = ["lstm", "gru", "rnn", "irnn", "peephole", "mingru", "lru", "lmu"]


# Views


@pytest.mark.parametrize("cls", CLASSIFIERS)
def test_predictions_are_means_over_views(cls):
    X, y = draw(n=30)
    model = make(cls).fit(X, y)
    moved = np.concatenate([X[:, :, :1], X[:, :, :-1]], axis=2)
    wanted = (model.decision_function(X) + model.decision_function(moved)) / 2
    model.set_params(n_views=2)
    assert_allclose(model.decision_function(X), wanted, rtol=1e-9)
    assert_array_equal(model.predict(X), wanted.argmax(1))


# Stages


def stages(model, X):
    return list(model.staged_predict_proba(X))


def steps_of(model, X):
    """The network, and what each of its readings reads of grey images."""
    network = model.module_
    return network, network.sequences(torch.as_tensor(X[..., None]))


@pytest.mark.parametrize(
    "scan", ["auto", "rows", "hilbert", ("rows", "snake")], ids=str
)
@pytest.mark.parametrize("cell", SEQUENTIAL)
def test_the_last_stage_is_the_prediction(cls, scan, cell):
    X, y = draw(n=9, shape=(9, 7))
    for pooling in ("last", "attention"):
        settings = {"cell": cell, "pooling": pooling, "max_epochs": 1}
        model = make(cls, scan=scan, **settings).fit(X, y)
        assert_array_equal(stages(model, X)[-1], model.predict_proba(X))


@pytest.mark.parametrize("pooling", ["last", "mean", "max", "attention"])
@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"bidirectional": False},
        {"attention_heads": 2},
        {"hidden_size": (4, 6)},
        {"cell": "lmu"},
        {"patch_size": (2, None)},
        {"n_views": 5},
    ],
    ids=str,
)
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


@pytest.mark.parametrize(
    "parameters",
    [{"bidirectional": True}, {"pooling": "max"}, {"cell": "peephole"}],
    ids=str,
)
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
    for t, stage in enumerate(found, 1):
        parts = [
            reading.read(whole[:n]).detach().numpy()
            for reading, (whole, _), n in zip(network.readings, steps, (t, min(t, 5)))
        ]
        logits = head(model, np.concatenate(parts, axis=1))
        assert_allclose(stage, softmax(logits), atol=1e-9)
    assert_array_equal(found[-1], model.predict_proba(X))


@pytest.mark.parametrize("shape, n_stages", [((8, 8), 8), ((20, 9), 10), ((9, 20), 5)])
@pytest.mark.parametrize("scan", ["auto", "rows"])
def test_stages_of_a_crnn_are_the_lines_of_its_map(scan, shape, n_stages):
    X, y = draw(n=9, shape=shape)
    model = make(CRNNImageClassifier, scan=scan).fit(X, y)
    assert len(stages(model, X)) == n_stages


@pytest.mark.parametrize(
    "scan, patch_size, n_stages",
    [
        ("columns", None, 6),
        ("rows", 3, 6),
        ("hilbert", None, 48),
        ("auto", None, 3),
        ("diagonal", (4, 5), 4),
        (("rows", "random"), 2, 12),
    ],
    ids=str,
)
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
        assert_allclose(
            [stage[i] for stage in found[len(alone) :]],
            [alone[-1]] * (len(found) - len(alone)),
            atol=1e-9,
        )


def test_stages_do_not_depend_on_how_many_fit_in_memory(cls, monkeypatch):
    X, y = draw(n=30)
    model = make(cls).fit(X, y)
    expected = stages(model, X)
    monkeypatch.setattr(logits, "PIXELS_AT_ONCE", 7 * 64)
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


# Attention weights


@pytest.mark.parametrize("layer", ["pooling", "heads"])
@pytest.mark.parametrize(
    "scan", ["rows", "hilbert", "sweep", ("rows", "columns")], ids=str
)
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


# Memory


READINGS = {
    "auto": {},
    "pixels": {"scan": "snake"},
    "sweep": {"scan": "sweep", "pooling": "max"},
    "heads": {"scan": "hilbert", "attention_heads": 4, "pooling": "attention"},
    "patches": {"scan": ("rows", "hilbert"), "patch_size": 3, "hidden_size": (4, 12)},
    "control": {"cell": None},
    "gru": {"cell": "gru", "bidirectional": False},
}


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("shape", [(12, 12), (9, 14, 3)], ids=str)
def test_no_output_of_a_module_is_larger_than_is_said(cls, reading, shape):
    X, y = draw(n=6, shape=shape)
    network = make(cls, max_epochs=1, **READINGS[reading]).fit(X, y).module_
    sizes = []

    def measured(module, inputs, output):
        outputs = output if isinstance(output, tuple) else (output,)
        sizes.extend(o.numel() for o in outputs if isinstance(o, torch.Tensor))

    for module in network.modules():
        module.register_forward_hook(measured)
    images = torch.from_numpy(X.reshape(6, *shape[:2], -1)).float()
    with torch.inference_mode():
        network(images)
    assert 0 < max(sizes) <= 6 * network.largest_tensor(*shape[:2])


@pytest.mark.parametrize("method", ["predict_proba", "staged", "attention"])
def test_batches_are_bounded_by_the_largest_tensor(cls, method, monkeypatch):
    X, y = draw(n=40, shape=(12, 12))
    settings = {"attention_heads": 4, "pooling": "attention", "scan": "hilbert"}
    model = make(cls, max_epochs=1, **settings).fit(X, y)
    ask = {
        "predict_proba": model.predict_proba,
        "staged": lambda X: list(model.staged_predict_proba(X))[-1],
        "attention": lambda X: model.attention_weights(X, layer="heads"),
    }[method]
    expected = ask(X)
    network, sizes = model.module_, []
    sequences = network.sequences
    monkeypatch.setattr(
        network, "sequences", lambda x, s=None: sizes.append(len(x)) or sequences(x, s)
    )
    most = 7 * network.largest_tensor(12, 12)
    monkeypatch.setattr(logits, "VALUES_AT_ONCE", most)
    assert_allclose(ask(X), expected, atol=1e-9)
    assert sizes == [7] * 5 + [5]
