"""What the tests of the ONNX export share: a model is run beside predict_proba."""

import numpy as np
import pytest

from sk_rnnimage import to_onnx

TOLERANCE = 1e-5


def run(model, X, threads=1):
    """Labels and probabilities that ONNX Runtime gives for pixels."""
    onnxruntime = pytest.importorskip("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    return session.run(None, {"images": np.asarray(X, dtype=np.float32)})


def assert_same(estimator, *sets):
    """Export, and compare the model with the estimator on each of the sets."""
    onnx = pytest.importorskip("onnx")
    model = to_onnx(estimator)
    onnx.checker.check_model(model, full_check=True)
    for X in sets:
        label, probabilities = run(model, X)
        expected = estimator.predict_proba(X)
        assert probabilities.dtype == np.float32
        np.testing.assert_allclose(probabilities, expected, rtol=0, atol=TOLERANCE)
        np.testing.assert_array_equal(label, estimator.predict(X))
    return model
