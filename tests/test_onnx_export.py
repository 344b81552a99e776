"""to_onnx: labels, pipelines, the file, and what is refused."""

import builtins
import re

import numpy as np
import pytest
from conftest import draw, draw_clips, flat, make, pickled, with_missing
from onnx_by_hand import assert_same, run
from sklearn.ensemble import VotingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.svm import SVC

from sk_rnnimage import (
    ClipReader,
    ImageReader,
    ImageToSequence,
    RNNImageClassifier,
    to_onnx,
)
from sk_rnnimage.images.orders import SCANS

onnx = pytest.importorskip("onnx")


def shapes(values):
    """The names and the shapes of inputs or outputs; free sizes are str."""
    return {
        value.name: tuple(
            d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim
        )
        for value in values
    }


@pytest.mark.parametrize(
    "X, scan, shape",
    [
        (draw(shape=(8, 6))[0], "auto", ("n", 8, 6)),
        (draw(shape=(8, 6, 3))[0], "auto", ("n", 8, 6, 3)),
        (draw(shape=(3, 8, 6))[0], "frames", ("n", "T", 8, 6)),
        (draw(shape=(3, 8, 6, 2))[0], "frames", ("n", "T", 8, 6, 2)),
    ],
)
def test_one_input_and_two_outputs(cls, X, scan, shape):
    model = to_onnx(make(cls, scan=scan).fit(X, np.arange(len(X)) % 3))
    assert shapes(model.graph.input) == {"images": shape}
    expected = {"label": ("n",), "probabilities": ("n", 3)}
    assert shapes(model.graph.output) == expected


@pytest.mark.parametrize(
    "labels",
    [
        ["cat", "dog", "Löwe"],
        np.array(["cat", "dog", "owl"], dtype=object),
        [-3, 0, 7],
        np.array([1, 2, 200], dtype=np.uint8),
        [1.0, 2.0, -1.0],
        np.array([1, 2, 3], dtype=np.float32),
        [False, True],
    ],
    ids=str,
)
def test_labels(cls, labels):
    X, y = draw(n_classes=len(labels))
    model = make(cls).fit(X, np.asarray(labels)[y])
    label, _ = run(assert_same(model, X), X)
    assert set(label.tolist()) <= set(np.asarray(labels).tolist())
    assert len(set(label.tolist())) > 1


def test_it_is_what_was_fitted(cls):
    """Whatever the layout of X, after pickling, and after further training."""
    X, y = draw()
    model = make(cls, warm_start=True).fit(flat(X), y)
    before = assert_same(model, X)
    assert to_onnx(pickled(model)) == before
    assert to_onnx(model.fit(flat(X), y)) != before


@pytest.mark.parametrize("scan", SCANS)
def test_image_to_sequence(scan):
    X, y = draw(shape=(7, 6, 3))
    reader = ImageToSequence(scan, patch_size=2)
    model = make_pipeline(reader, make(RNNImageClassifier, scan="rows"))
    assert_same(model.fit(X, y), X, X[:1])


def test_image_to_sequence_of_clips_and_of_holes():
    X, y = draw(shape=(4, 5, 6, 2), dtype=np.float32)
    reader = ImageToSequence("frames")
    model = make_pipeline(reader, make(RNNImageClassifier, scan="rows"))
    holes = with_missing(X)
    holes[0, 2] = np.nan
    onnx_model = assert_same(model.fit(holes, y), X, holes)
    assert shapes(onnx_model.graph.input) == {"images": ("n", 4, 5, 6, 2)}


@pytest.mark.parametrize(
    "reader, X", [(ImageReader(), draw()[0]), (ClipReader(), draw(shape=(3, 4, 5))[0])]
)
def test_readers_in_front_are_left_out(reader, X):
    classifier = make(RNNImageClassifier, scan="frames" if X.ndim == 4 else "auto")
    classifier.fit(X, np.arange(len(X)) % 3)
    pipeline = make_pipeline(reader, make_pipeline("passthrough", classifier))
    assert to_onnx(pipeline) == to_onnx(classifier)


@pytest.mark.parametrize(
    "name, refused",
    [
        ("LogisticRegression", LogisticRegression()),
        ("VotingClassifier", VotingClassifier([("rnn", RNNImageClassifier())])),
        ("GridSearchCV", GridSearchCV(RNNImageClassifier(), {})),
        ("MinMaxScaler", make_pipeline(MinMaxScaler(), RNNImageClassifier())),
        ("SVC", make_pipeline(ImageReader(), ImageToSequence(), SVC())),
        ("ImageToSequence", make_pipeline(ImageReader(), ImageToSequence())),
        ("Pipeline", make_pipeline(ImageReader())),
        ("type", RNNImageClassifier),
        ("NoneType", None),
    ],
)
def test_what_has_no_counterpart_is_refused_with_its_name(name, refused):
    line = (
        f"estimator: {name} has no counterpart in ONNX here: to_onnx takes a fitted "
        "RNNImageClassifier or CRNNImageClassifier, or a pipeline of ImageToSequence "
        "and one of them."
    )
    with pytest.raises(TypeError, match=f"^{re.escape(line)}$"):
        to_onnx(refused)


def test_not_fitted(cls):
    for estimator in (cls(), make_pipeline(ImageToSequence(), cls())):
        with pytest.raises(NotFittedError, match="not fitted yet"):
            to_onnx(estimator)


def test_the_file_is_the_model(cls, tmp_path):
    X, y = draw()
    model = make(cls).fit(X, y)
    path = tmp_path / "digits.model"
    path.write_text("old")
    returned = to_onnx(model, path)
    assert onnx.load(path, format="protobuf") == returned
    assert [file.name for file in tmp_path.iterdir()] == ["digits.model"]


def test_a_path_that_cannot_be_written(tmp_path):
    X, y = draw()
    model = make(RNNImageClassifier).fit(X, y)
    with pytest.raises(ValueError, match="There is no folder '.*nowhere'"):
        to_onnx(model, tmp_path / "nowhere" / "model.onnx")


def test_without_onnx(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.split(".")[0] == "onnx":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    line = re.escape(
        'to_onnx needs onnx, which is not installed: pip install "sk_rnnimage[onnx]"'
    )
    with pytest.raises(ImportError, match=f"^{line}$"):
        to_onnx(RNNImageClassifier())


def test_the_estimator_stays_as_it_was(cls):
    X, y = draw_clips(lengths=(4, 4))
    model = make(cls, scan="frames").fit(X, y)
    before = vars(pickled(model)).keys(), model.predict_proba(X)
    to_onnx(model)
    assert vars(pickled(model)).keys() == before[0]
    np.testing.assert_array_equal(model.predict_proba(X), before[1])
