"""quantize()."""

import pickle
import re

import joblib
import numpy as np
import pytest
from conftest import draw, draw_clips, dumped, make, pickled, weights_equal
from numpy.testing import assert_array_equal
from onnx_by_hand import assert_same
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sk_rnnimage import CRNNImageClassifier, RNNImageClassifier, prune, quantize
from sk_rnnimage.networks.cells import CELLS
from sk_rnnimage.networks.eight_bits import dequantized, quantized


@pytest.fixture
def fitted(cls):
    """A classifier, and what it has in 8 bits."""
    model = make(cls, hidden_size=32).fit(*draw(n=140))  # in single precision
    return model, quantize(model)


def test_weights_are_kept_in_8_bits(fitted):
    model, small = fitted
    before = pickle.dumps(model)
    expected = quantized(model.weights_)
    assert small.weights_.keys() == expected.keys()
    for name, array in expected.items():
        assert_array_equal(small.weights_[name], array)
        assert small.weights_[name].dtype == array.dtype
    assert small.weights_["head.weight"].dtype == np.int8
    assert pickle.dumps(model) == before
    assert small.get_params() == model.get_params()
    assert small.history_ == model.history_


@pytest.mark.parametrize("cell", CELLS)
def test_it_predicts_what_the_rounded_weights_say(cls, cell):
    X, y = draw()
    model = make(cls, cell=cell, max_epochs=1).fit(X, y)
    small = quantize(model)
    rounded = pickled(model)
    rounded.__setstate__(
        {**rounded.__getstate__(), "weights_": dequantized(small.weights_)}
    )
    assert_array_equal(small.predict_proba(X), rounded.predict_proba(X))
    off = np.abs(small.predict_proba(X) - model.predict_proba(X)).max()
    assert 0 < off < 0.05


def test_bytes_are_little_more_than_a_quarter(cls):
    X, y = draw(n=140)
    model = make(cls, hidden_size=128, max_epochs=1).partial_fit(X, y, [0, 1, 2])
    # partial_fit keeps two moments for each weight beside it
    assert len(pickle.dumps(quantize(model))) < 0.1 * len(pickle.dumps(model))
    model.fit(X, y)
    assert len(pickle.dumps(quantize(model))) < 0.28 * len(pickle.dumps(model))


def test_it_can_be_kept(fitted, tmp_path):
    """To the bit, also as a memory map."""
    X, _ = draw(n=140)
    _, small = fitted
    expected = small.predict_proba(X)
    joblib.dump(small, tmp_path / "small.joblib")
    mapped = joblib.load(tmp_path / "small.joblib", mmap_mode="r")
    for kept in (pickled(small), dumped(small), mapped):
        assert_array_equal(kept.predict_proba(X), expected)
        assert weights_equal(kept, small)


def test_training_goes_on_with_floats(fitted):
    """As from the rounded weights, which stay what they were."""
    X, y = draw(n=140)
    _, small = fitted
    rounded = pickled(small)
    rounded.__setstate__(
        {**rounded.__getstate__(), "weights_": dequantized(small.weights_)}
    )
    kept, before = small.weights_, pickle.dumps(small.weights_)
    for model in (small, rounded):
        model.partial_fit(X, y)
    assert weights_equal(small, rounded)
    assert small.weights_["head.weight"].dtype == np.float32
    assert pickle.dumps(kept) == before
    again = quantize(rounded).set_params(warm_start=True).fit(X, y)
    assert len(again.history_) == 7


def test_it_can_be_exported(fitted):
    """With its rounded weights; so can what was pruned."""
    X, _ = draw(n=140)
    _, small = fitted
    assert_same(small, X)
    assert_same(prune(small, 0.5), X)


def test_a_second_time_changes_nothing(fitted):
    _, small = fitted
    assert weights_equal(quantize(small), small)


def test_clips():
    X, y = draw_clips()
    small = quantize(make(CRNNImageClassifier, scan="frames").fit(X, y))
    assert_array_equal(pickled(small).predict_proba(X), small.predict_proba(X))


def test_it_goes_with_pruning(fitted):
    X, _ = draw(n=140)
    model, small = fitted
    both = quantize(prune(model, 0.5))
    other = prune(small, 0.5)
    assert other.hidden_size == both.hidden_size == 16
    assert both.weights_["head.weight"].dtype == np.int8
    assert other.weights_["head.weight"].dtype == np.float32
    assert np.abs(both.predict_proba(X) - other.predict_proba(X)).max() < 0.05


def test_what_is_no_fitted_classifier_is_refused():
    message = (
        "estimator must be an RNNImageClassifier or a CRNNImageClassifier; of a "
        "pipeline, its last step. Got Pipeline instead."
    )
    pipeline = make_pipeline(FunctionTransformer(), RNNImageClassifier())
    with pytest.raises(TypeError, match=re.escape(message)):
        quantize(pipeline)
    with pytest.raises(NotFittedError):
        quantize(RNNImageClassifier())
