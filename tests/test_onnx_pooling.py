"""Every pooling in ONNX, with and without self-attention, of images and of clips."""

import numpy as np
import pytest
from conftest import draw, draw_clips, make
from onnx_by_hand import assert_same

from sk_rnnimage import RNNImageClassifier
from sk_rnnimage.networks.pooling import POOLINGS


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("heads", [None, 2])
@pytest.mark.parametrize("pooling", POOLINGS)
def test_poolings(pooling, heads, bidirectional):
    X, y = draw(shape=(8, 6))
    model = make(
        RNNImageClassifier,
        scan="rows",
        pooling=pooling,
        attention_heads=heads,
        bidirectional=bidirectional,
    )
    assert_same(model.fit(X, y), X, X[:1])


@pytest.mark.parametrize("heads", [None, 2])
@pytest.mark.parametrize("pooling", POOLINGS)
def test_missing_frames_are_left_out(pooling, heads):
    X, y = draw_clips(lengths=(5, 5), dtype=np.float32)
    X = np.stack(X)
    X[0, 1] = X[1, 3:] = X[2, [0, 2, 4]] = X[3, 0] = np.nan
    X[3, 2, 1] = np.nan  # a line of a frame
    model = make(
        RNNImageClassifier, scan="frames", pooling=pooling, attention_heads=heads
    )
    assert_same(model.fit(X, y), X, X[:4, :3])
