"""The command export: a saved model for other runtimes."""

import numpy as np
import pytest
from conftest import make
from image_folders import write_images
from numpy.testing import assert_allclose
from sklearn.pipeline import make_pipeline

from sk_rnnimage import CRNNImageClassifier, ImageReader, RNNImageClassifier, save
from sk_rnnimage.__main__ import main
from sk_rnnimage.deployment import onnx_export


@pytest.fixture
def exported(tmp_path, monkeypatch):
    """What to_onnx is called with; it writes nothing."""
    calls = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(onnx_export, "to_onnx", lambda *given: calls.append(given))
    save(RNNImageClassifier(3), "m.sk")
    return calls


def test_a_model_is_exported(exported, capsys):
    assert main(["export", "m.sk", "m.onnx"]) == 0
    ((model, path),) = exported
    assert (model.hidden_size, path) == (3, "m.onnx")
    assert capsys.readouterr().out == "m.onnx is the ONNX model of m.sk.\n"


@pytest.mark.parametrize(
    "arguments, status, sentence",
    [
        (["no.sk", "m.onnx"], 2, "There is no file 'no.sk'."),
        (["m.sk", "no/m.onnx"], 2, "There is no folder 'no'. Make it first."),
        (["m.sk", "."], 2, "'.' is a folder. Add the name of a file."),
        (["bad.sk", "m.onnx"], 1, "'bad.sk' is no file of save, or it is damaged"),
    ],
)
def test_what_cannot_be_exported(
    exported, arguments, status, sentence, capsys, tmp_path
):
    (tmp_path / "bad.sk").write_bytes(b"hello")
    assert main(["export", *arguments]) == status
    assert capsys.readouterr().err.startswith(f"error: {sentence}")
    assert not exported


def test_the_onnx_model_of_images_in_files(tmp_path, capsys):
    onnxruntime = pytest.importorskip("onnxruntime")
    paths = write_images(tmp_path / "images")
    reader = ImageReader((6, 5), mode="RGB")
    model = make_pipeline(reader, make(CRNNImageClassifier)).fit(paths, [0, 1] * 8)
    save(model, tmp_path / "m.sk")
    names = [str(tmp_path / name) for name in ("m.sk", "m.onnx")]
    assert main(["export", *names]) == 0
    session = onnxruntime.InferenceSession(names[1])
    images = reader.transform(paths).astype(np.float32)
    _, probabilities = session.run(None, {"images": images})
    assert_allclose(probabilities, model.predict_proba(paths), atol=1e-5)


def test_a_missing_package(exported, monkeypatch, capsys):
    def refuse(model, path):
        raise ImportError('to_onnx needs onnx: pip install "sk_rnnimage[onnx]"')

    monkeypatch.setattr(onnx_export, "to_onnx", refuse)
    assert main(["export", "m.sk", "m.onnx"]) == 1
    assert "error: to_onnx needs onnx: pip install" in capsys.readouterr().err
