"""What a classifier says of clips after each frame; of images: test_logits.py."""

import re

import numpy as np
import pytest
import torch
from conftest import CLASSIFIERS, draw_clips, make
from numpy.testing import assert_allclose, assert_array_equal

from sk_rnnimage import RNNImageClassifier
from sk_rnnimage.networks.cells import CELLS
from sk_rnnimage.networks.pooling import POOLINGS

RECURRENT = [cell for cell in CELLS if cell]


def fitted(cls, X, y, **parameters):
    return make(cls, scan="frames", **parameters).fit(X, y)


@pytest.mark.parametrize("cls", CLASSIFIERS)
def test_a_stage_is_the_prediction_of_the_frames_so_far(cls):
    X, y = draw_clips()
    model = fitted(cls, X, y)
    stages = list(model.staged_predict_proba(X))
    assert len(stages) == max(map(len, X))
    for t, stage in enumerate(stages, start=1):
        wanted = model.predict_proba([clip[:t] for clip in X])
        assert_allclose(stage, wanted, rtol=0, atol=1e-6)


@pytest.mark.parametrize("cls", CLASSIFIERS)
@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("cell", RECURRENT)
def test_a_stream_is_the_stages(cls, cell, pooling):
    X, y = draw_clips(n=9, lengths=(9, 14), dtype=np.float32)
    parameters = {"hidden_size": (8, 4), "max_epochs": 1, "learning_rate": 0.1}
    ways = {"cell": cell, "pooling": pooling, "bidirectional": False, "n_views": 2}
    model = fitted(cls, X, y, **parameters, **ways)
    clip = np.insert(X[0], [0, 3], np.nan, axis=0)
    stages = np.stack(list(model.staged_predict_proba([clip])))[:, 0]
    stream = np.stack(list(model.stream_predict_proba(iter(clip))))
    assert_allclose(stream, stages, rtol=0, atol=1e-5)
    assert_array_equal(stream[4], stream[3])  # the missing frame


def test_a_stream_asks_for_one_frame_at_a_time():
    X, y = draw_clips()
    model = fitted(RNNImageClassifier, X, y, bidirectional=False)
    taken = []

    def camera():
        for frame in X[0]:
            taken.append(frame)
            yield frame

    stream = model.stream_predict_proba(camera())
    assert not taken
    next(stream)
    next(stream)
    assert len(taken) == 2


@pytest.mark.parametrize(
    "parameters",
    [{}, {"cell": None}, {"bidirectional": False, "attention_heads": 2}],
    ids=str,
)
def test_a_stream_needs_one_direction(parameters):
    X, y = draw_clips()
    model = fitted(RNNImageClassifier, X, y, **parameters)
    expected = "stream_predict_proba needs a network that reads clips in one direction"
    with pytest.raises(ValueError, match=expected):
        model.stream_predict_proba(X[0])


def test_bad_frames_of_a_stream():
    X, y = draw_clips()
    model = fitted(RNNImageClassifier, X, y, bidirectional=False)
    stream = model.stream_predict_proba([X[0][0], X[0]])
    next(stream)
    expected = re.escape("frames[1] has shape ") + ".*" + re.escape("shape (4, 5)")
    with pytest.raises(ValueError, match=expected):
        next(stream)
    ragged = model.stream_predict_proba([[[1, 2], [3]]])
    with pytest.raises(TypeError, match=re.escape("frames[0] must be an array or a ")):
        next(ragged)
    with pytest.raises(TypeError, match="frames must be an iterable of frames"):
        model.stream_predict_proba(3)
    with pytest.raises(TypeError, match="frames must be an iterable of frames"):
        model.stream_predict_proba(np.array(3))


@pytest.mark.parametrize("cls", CLASSIFIERS)
def test_a_stream_tells_of_another_unit_once_and_of_numbers_that_went_wrong(cls):
    X, y = draw_clips()
    model = fitted(cls, X, y, bidirectional=False)
    with pytest.warns(
        UserWarning, match="of frames have .* cannot be in the same unit"
    ) as seen:
        list(model.stream_predict_proba(X[0] / 255))
    assert len(seen) == 1
    torch.nn.init.constant_(model.module_.head.bias, torch.nan)
    with pytest.raises(ValueError, match="outputs of the network for frames.* are not"):
        next(model.stream_predict_proba(X[0]))
