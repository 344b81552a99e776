"""Saved models as the commands use them."""

import re

import pytest
from conftest import draw, draw_clips, flat, make
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from sk_rnnimage import (
    ClipReader,
    CRNNImageClassifier,
    ImageReader,
    ImageToSequence,
    RNNImageClassifier,
    save,
)
from sk_rnnimage.commands.saved_models import Failed, load_model, that_reads_files


def test_a_model_is_loaded(tmp_path):
    save(RNNImageClassifier(3), tmp_path / "m.sk")
    assert load_model(tmp_path / "m.sk").hidden_size == 3


def test_files_that_are_no_model(tmp_path):
    with pytest.raises(ValueError, match="There is no file 'no.sk'"):
        load_model("no.sk")
    (tmp_path / "m.sk").write_bytes(b"hello")
    with pytest.raises(Failed, match="m.sk' is no file of save, or it is damaged"):
        load_model(str(tmp_path / "m.sk"))


def small(scan="rows"):
    return make(RNNImageClassifier, max_epochs=1, scan=scan)


def test_a_pipeline_from_files_stays_as_it_is():
    for reader in (ImageReader((4, 5)), ClipReader((4, 5))):
        pipeline = make_pipeline(reader, small())
        assert that_reads_files(pipeline, "m.sk") is pipeline


@pytest.mark.parametrize("shape, mode", [((6, 9), "L"), ((5, 8, 3), "RGB")])
def test_a_model_of_arrays_gets_a_reader(shape, mode):
    X, y = draw(shape=shape)
    for model in (
        small().fit(X, y),
        make_pipeline(ImageToSequence(), small()).fit(X, y),
    ):
        pipeline = that_reads_files(model, "m.sk")
        reader = pipeline[0]
        assert type(reader) is ImageReader
        assert (reader.size, reader.mode) == (shape[:2], mode)


def test_a_model_of_clips_gets_a_reader():
    X, y = draw_clips()
    reader = that_reads_files(small("frames").fit(X, y), "m.sk")[0]
    assert type(reader) is ClipReader
    assert (reader.size, reader.mode, reader.n_frames) == (X[0].shape[1:3], "L", None)


def test_models_that_no_file_fits():
    X, y = draw(shape=(4, 4, 2))
    with pytest.raises(Failed, match="no image file has 2 channels"):
        that_reads_files(make(CRNNImageClassifier, max_epochs=1).fit(X, y), "m.sk")
    sentence = "m.sk holds a SVC that was fitted on arrays, and does not say the size"
    for model in (SVC().fit(flat(X), y), SVC()):
        with pytest.raises(Failed, match=re.escape(sentence)):
            that_reads_files(model, "m.sk")
    with pytest.raises(Failed, match="holds a RNNImageClassifier"):
        that_reads_files(RNNImageClassifier(), "m.sk")
