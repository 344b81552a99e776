"""States that were not left by such a training are refused before torch sees them."""

import copy
import re

import numpy as np
import pytest
from conftest import draw, make

from sk_rnnimage import CRNNImageClassifier
from sk_rnnimage._training.checkpoint import Checkpoint
from sk_rnnimage._training.saved_states import is_like


@pytest.mark.parametrize(
    "saved, own, alike",
    [
        ([1, 2.0, "a", None], (3, 4, "a", None), True),
        ([1, 2], (3, 4, 5), False),
        ({"a": True}, {"a": 0.5}, True),
        ({"a": 1}, {"b": 1}, False),
        ({}, [], False),
        ([], {}, False),
        ("a", "b", False),
        ("a", 1, False),
        (None, 1, False),
        (1, "a", False),
        (np.zeros(2), np.ones(2), True),
        (np.zeros(2, "f4"), np.ones(2), False),
        (np.zeros(3), np.ones(2), False),
        ([0.0, 0.0], np.ones(2), False),
    ],
)
def test_what_looks_alike(saved, own, alike):
    assert is_like(saved, own) == alike


KINDS = [
    {"augment": "flip", "early_stopping": True, "validation_fraction": 0.3},
    {"filters": 4, "batch_size": 64},  # in single precision, whose filters turn by Muon
]


@pytest.fixture(scope="module", params=KINDS, ids=["early stopping", "Muon"])
def started(request, tmp_path_factory):
    """A classifier, its data, and the checkpoint of the first of three epochs."""
    folder = tmp_path_factory.mktemp("states")
    model = make(CRNNImageClassifier, checkpoint=folder, **request.param)
    X, y = draw(n=150, shape=(4, 5))
    kept = []

    class Stop(BaseException):
        pass

    def stop(checkpoint, state):
        save(checkpoint, state)
        kept.append(checkpoint)
        raise Stop

    save = Checkpoint.save
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Checkpoint, "save", stop)
        with pytest.raises(Stop):
            model.fit(X, y)
    checkpoint = Checkpoint(folder, kept[0].path.stem)
    return model, (X, y), checkpoint, checkpoint.state


def changed(state, place, value):
    """The state with another value at a place."""
    state = copy.deepcopy(state)
    *before, last = place
    node = state
    for key in before:
        node = node[key]
    node[last] = value(node[last]) if callable(value) else value
    return state


def cut(array):
    return array[..., :-1].copy()


CHANGES = [
    (("seed",), -1),
    (("seed",), None),
    (("training",), {}),
    (("training", "history"), []),
    (("training", "history", 0, "train_loss"), "low"),
    (("training", "history", 0), lambda row: {"epoch": 1}),
    (("training", "stopped"), "no"),
    (("training", "weights", "head.bias"), cut),
    (("training", "weights", "head.bias"), lambda bias: bias.astype(complex)),
    (("training", "weights"), lambda weights: {**weights, "more": np.zeros(1)}),
    (("training", "temperature"), None),
    (("training", "groups", 0, 1), [0.9]),
    (("training", "schedules"), []),
    (("training", "order", 0), "PCG64"),
    (("training", "order", 1), cut),
    (("training", "order", 2), 625),
    (("training", "order", 2), -(2**40)),
    (("training", "generators", 0), cut),
    (("training", "moments"), []),
    (("training", "moments", "head.bias:step"), np.zeros((), np.int64)),
    (("training", "moments", "head.bias:exp_avg"), cut),
    (("training", "moments"), lambda m: {k: m[k] for k in m if "head.bias:s" not in k}),
    (("training", "moments"), lambda m: {**m, "nobody:step": np.zeros((), "f4")}),
    (("training", "callbacks"), {}),
    (("training", "callbacks", "calibration", "temperatures_"), []),
    (("training", "callbacks", "calibration", "temperature_"), [1.0]),
    (("training", "mirrored"), np.zeros(3, bool)),
]
OF_MUON = (("training", "moments", "stem.layers.0.convolution.weight:momentum"), cut)
STOPPING = [
    (("training", "callbacks", "early_stopping", "best_epoch_"), 7),
    (("training", "callbacks", "early_stopping", "best_loss_"), "low"),
    (("training", "callbacks", "early_stopping", "best_weights_"), {"head.bias": 1}),
    (("training", "history", 0), lambda row: {k: row[k] for k in row if k[0] != "v"}),
]


def test_a_state_that_no_such_training_has_left(started):
    model, data, checkpoint, state = started
    changes = [*CHANGES, *(STOPPING if model.early_stopping else [OF_MUON])]
    sentence = f"The checkpoint {str(checkpoint.path)!r} is damaged. Remove the file"
    for place, value in changes:
        checkpoint.save(changed(state, place, value))
        with pytest.raises(ValueError, match=re.escape(sentence)):
            model.fit(*data)
            pytest.fail(f"{place} is taken")
        assert not hasattr(model, "weights_")


def test_a_state_that_was_left_is_taken(started):
    model, data, checkpoint, state = started
    checkpoint.save(state)
    history = copy.deepcopy(model).fit(*data).history_
    assert [row.get("resumed") for row in history[:2]] == [None, 1]
