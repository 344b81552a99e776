"""The command fit: a model from a folder, or from arrays, in a file."""

import errno
import os
import re
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import draw, draw_clips
from image_folders import write_clips, write_images
from PIL import Image

from sk_rnnimage import ClipReader, CRNNImageClassifier, ImageReader, load
from sk_rnnimage.__main__ import main
from sk_rnnimage.commands import fit_command

QUICK = ["--set", "max_epochs=2", "hidden_size=4", "filters=4"]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def fit(*arguments, quick=QUICK):
    return main(["fit", *map(str, arguments), "--model", "m.sk", *quick])


def error_line(capsys, *arguments, status=2, quick=QUICK):
    assert fit(*arguments, quick=quick) == status
    assert not os.path.exists("m.sk")
    err = capsys.readouterr().err
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    return err[len("error: ") : -1]


def test_a_folder_of_class_folders(here, capsys):
    paths = write_images(here / "images")
    assert fit("images") == 0
    out, err = capsys.readouterr()
    first = "CRNNImageClassifier on images\n16 images of 6 x 5 x 3, 2 classes\n"
    assert out.startswith(first)
    assert re.fullmatch(r"m\.sk \(\d+ KB\) is the model\.\n", out[len(first) :])
    assert err == ""  # no terminal, no progress
    model = load("m.sk")
    assert (model[0].size, model[0].mode, model[0].n_jobs) == ((6, 5), "RGB", None)
    by_hand = CRNNImageClassifier(4, filters=4, max_epochs=2, random_state=0)
    X = ImageReader().transform(paths)
    by_hand.fit(X, ["dark"] * 8 + ["light"] * 8)
    assert (model.predict_proba(paths) == by_hand.predict_proba(X)).all()


def test_grey_images_are_read_grey(here):
    write_images(here / "images", shape=(6, 5))
    assert fit("images", "--classifier", "rnn", quick=QUICK[:3]) == 0
    model = load("m.sk")
    assert model[0].mode == "L"
    assert model[1].image_shape_ == (6, 5)
    colour = Image.new("RGB", (5, 6), "red")
    assert model.predict([colour]).shape == (1,)


@pytest.mark.parametrize(
    "shapes, size",
    [
        ([(6, 5), (8, 5), (10, 9)], (8, 5)),
        ([(300, 150)], (128, 64)),
        ([(2, 500)], (1, 128)),
    ],
)
def test_the_size_is_found(here, shapes, size):
    for i, (height, width) in enumerate(shapes):
        (here / "images" / str(i % 2)).mkdir(parents=True, exist_ok=True)
        Image.new("L", (width, height)).save(here / "images" / str(i % 2) / f"{i}.png")
    paths = list((here / "images").rglob("*.png"))
    assert fit_command._find_size(paths) == size


def test_the_size_is_given(here):
    write_images(here / "images")
    assert fit("images", "--size", 4, 3) == 0
    assert load("m.sk")[0].size == (4, 3)


def test_the_accuracy_on_images_held_out(here, capsys):
    write_images(here / "images", n=20)
    assert fit("images", "--test-fraction", 0.25) == 0
    out = capsys.readouterr().out
    assert "\n30 images of 6 x 5 x 3, 2 classes\n" in out
    assert re.search(r"\naccuracy \d\.\d{4} on 10 images that were held out\n", out)


def test_clips(here, capsys):
    paths = write_clips(here / "clips")
    assert fit("clips", "--frames", 3) == 0
    assert "16 clips, frames of 4 x 5 x 3, 2 classes" in capsys.readouterr().out
    model = load("m.sk")
    assert type(model[0]) is ClipReader
    assert (model[0].n_frames, model[0].size, model[0].mode) == (3, (4, 5), "RGB")
    assert len(model.predict(paths)) == 16
    assert fit("clips", quick=[*QUICK, "scan=frames"]) == 0
    assert load("m.sk")[0].n_frames is None


def test_arrays(here, capsys):
    X, y = draw()
    np.savez("a.npz", X=X, y=y)
    assert fit("a.npz") == 0
    assert "24 images of 8 x 8, 3 classes" in capsys.readouterr().out
    model = load("m.sk")
    assert type(model) is CRNNImageClassifier
    assert model.callbacks is None


def test_a_checkpoint_is_for_the_training_alone(here):
    X, y = draw()
    np.savez("a.npz", X=X, y=y)
    assert fit("a.npz", quick=[*QUICK, "checkpoint=half.npz"]) == 0
    assert load("m.sk").checkpoint is None


def test_arrays_with_a_test(here, capsys):
    X, y = draw()
    np.savez("a.npz", X_train=X[:14], y_train=y[:14], X_test=X[14:], y_test=y[14:])
    assert fit("a.npz") == 0
    out = capsys.readouterr().out
    by_hand = CRNNImageClassifier(4, filters=4, max_epochs=2, random_state=0)
    score = by_hand.fit(X[:14], y[:14]).score(X[14:], y[14:])
    assert f"accuracy {score:.4f} on 10 images that were held out" in out
    os.remove("m.sk")
    sentence = error_line(capsys, "a.npz", "--test-fraction", 0.5)
    assert sentence.startswith("--test-fraction has no use: a.npz says which")


def test_arrays_of_clips(here):
    X, y = draw_clips()
    ends = np.cumsum([len(clip) for clip in X])
    np.savez("a.npz", frames=np.concatenate(X), ends=ends, labels=y)
    assert fit("a.npz", "--frames", 2, "--test-fraction", 0.3) == 0
    assert load("m.sk").image_shape_[0] == 2


@pytest.mark.parametrize("n_frames", [1, 4])
def test_frames_are_those_of_the_reader(here, n_frames):
    (path, *_) = write_clips(here / "clips", n=1, n_frames=7)
    np.savez("a.npz", X=ClipReader().transform([path]), y=[0])
    arguments = SimpleNamespace(data="a.npz", size=None, frames=n_frames)
    _, X, *_ = fit_command._read(arguments, of_clips=True)
    assert (X[0] == ClipReader(n_frames=n_frames).transform([path])[0]).all()


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["no", "--size", 3, 3], "There is no file or folder 'no'."),
        (["images", "--frames", 0], "--frames must be at least 1. Got 0."),
        (
            ["images", "--test-fraction", 1.5],
            "--test-fraction must lie between 0 and 1.",
        ),
        (
            ["images", "--test-fraction", 0.01],
            "--test-fraction 0.01: The test_size = 1 ",
        ),
        (["a.npz", "--size", 3, 3], "--size needs a folder of images."),
        (
            ["images", "--set", "hiden_size=3"],
            "--set: CRNNImageClassifier has no param",
        ),
        (
            ["images", "--set", "cell=gruu"],
            "The 'cell' parameter of CRNNImageClassifier",
        ),
        (["images", "--set", "cell"], "--set takes name=value. Got 'cell' instead."),
        (
            ["images", "--frames", 3, "--set", "scan=rows"],
            "--frames reads clips, and --set scan=rows images.",
        ),
        (["images/dark"], "images/dark holds images, but no class folders, which are "),
        (["a.npz"], "a.npz is not an .npz of plain arrays, nor a folder of images."),
    ],
)
def test_what_was_asked_wrongly(here, arguments, sentence, capsys):
    write_images(here / "images")
    (here / "a.npz").write_bytes(b"hello")
    assert error_line(capsys, *arguments).startswith(sentence)


def test_a_folder_that_is_missing_or_takes_no_file(here, capsys, monkeypatch):
    def refuse(dir):
        raise PermissionError(errno.EACCES, "Permission denied")

    write_images(here / "images")
    assert main(["fit", "images", "--model", "no/m.sk"]) == 2
    assert capsys.readouterr().err == "error: There is no folder 'no'. Make it first.\n"
    monkeypatch.setattr(fit_command, "TemporaryFile", refuse)
    line = error_line(capsys, "images", status=1)
    assert line == "--model: '.' takes no file: Permission denied."


def test_a_full_disk_leaves_the_old_model(here, capsys, monkeypatch):
    def fill(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    write_images(here / "images")
    (here / "m.sk").write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", fill)
    assert fit("images") == 1
    err = capsys.readouterr().err
    assert err.startswith("error: No space left on device. ")
    assert (here / "m.sk").read_bytes() == b"old"
    assert sorted(os.listdir()) == ["images", "m.sk"]


def test_ctrl_c_leaves_no_file(here, capsys, monkeypatch):
    def interrupt(*args):
        raise KeyboardInterrupt

    write_images(here / "images")
    for module, name in ((CRNNImageClassifier, "fit"), (os, "fsync")):
        monkeypatch.setattr(module, name, interrupt)
        assert fit("images") == 130
        assert capsys.readouterr().err == "\ninterrupted\n"
        assert os.listdir() == ["images"]
        monkeypatch.undo()
        monkeypatch.chdir(here)
