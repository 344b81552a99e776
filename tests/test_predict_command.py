"""The command predict: a line for each image."""

import csv
import io
import json
import os
import sys

import numpy as np
import pytest
from conftest import draw, make
from image_folders import write_clips, write_images
from PIL import Image
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import make_pipeline

from sk_rnnimage import (
    ClipReader,
    CRNNImageClassifier,
    ImageReader,
    RNNImageClassifier,
    save,
)
from sk_rnnimage.__main__ import main
from sk_rnnimage.commands import predict_command

LABELS = ["dark"] * 8 + ["light"] * 8


@pytest.fixture
def images(tmp_path, monkeypatch):
    """The paths of images, and a model of them in m.sk."""
    monkeypatch.chdir(tmp_path)
    paths = [str(p.relative_to(tmp_path)) for p in write_images(tmp_path / "images")]
    reader = ImageReader((6, 5), mode="RGB")
    model = make_pipeline(reader, make(CRNNImageClassifier)).fit(paths, LABELS)
    save(model, "m.sk")
    return paths, model


def predict(*arguments, status=0):
    assert main(["predict", "m.sk", *arguments]) == status


def rows(capsys):
    return list(csv.DictReader(io.StringIO(capsys.readouterr().out)))


def test_a_line_for_each_file(images, capsys):
    paths, model = images
    predict(*paths)
    probabilities = model.predict_proba(paths)
    expected = [
        {"path": path, "label": str(label), "probability": f"{p:.6f}"}
        for path, label, p in zip(
            paths, model.predict(paths), probabilities.max(axis=1)
        )
    ]
    assert rows(capsys) == expected


def test_json_lines(images, capsys):
    paths, model = images
    predict(*paths[:3], "--format", "jsonl")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["path"] for line in lines] == paths[:3]
    expected = model.predict_proba(paths[:3]).max(axis=1)
    assert [line["probability"] for line in lines] == expected.tolist()


def test_folders_and_their_subfolders(images, capsys):
    paths, _ = images
    predict("images")
    assert [row["path"] for row in rows(capsys)] == paths
    predict(os.path.join("images", "dark"), paths[-1])
    assert [row["path"] for row in rows(capsys)] == [*paths[:8], paths[-1]]


def test_standard_input(images, capsys, monkeypatch):
    paths, _ = images
    text = "\n".join([*paths, ""]) + "\r\n\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    predict("-")
    assert [row["path"] for row in rows(capsys)] == paths
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    predict("-")
    assert capsys.readouterr().out == "path,label,probability\n"


def test_few_at_a_time_are_the_same(images, capsys, monkeypatch):
    paths, _ = images
    predict("images")
    expected = rows(capsys)
    monkeypatch.setattr(predict_command, "TOGETHER", 3)
    predict("images")
    assert [(r["path"], r["label"]) for r in rows(capsys)] == [
        (r["path"], r["label"]) for r in expected
    ]


def test_names_that_a_table_must_quote(images, capsys):
    paths, _ = images
    name = 'a "b", c\n.png'
    os.rename(paths[0], name)
    predict(name)
    assert [row["path"] for row in rows(capsys)] == [name]


def test_broken_files_do_not_lose_the_others(images, capsys):
    paths, _ = images
    with open("images/dark/z.png", "wb") as file:
        file.write(b"no image")
    predict("images", status=1)
    out, err = capsys.readouterr()
    assert out.count("\n") == 1 + len(paths)
    assert err.splitlines() == [
        "error: images/dark/z.png: is not an image that Pillow can read: cannot "
        "identify image file 'images/dark/z.png'",
        "error: 1 of 17 files could not be predicted.",
    ]


def test_a_counter_on_a_terminal_alone(images, capsys, monkeypatch):
    paths, _ = images
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    predict("images")
    assert capsys.readouterr().err.startswith("\r16 files\r")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    predict("images")
    assert "files" not in capsys.readouterr().err


def test_clips(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    paths = [str(p.relative_to(tmp_path)) for p in write_clips(tmp_path / "clips")]
    network = make(RNNImageClassifier, scan="frames")
    save(
        make_pipeline(ClipReader((4, 5), mode="L"), network).fit(paths, LABELS), "m.sk"
    )
    predict("clips")
    assert [row["path"] for row in rows(capsys)] == paths
    os.mkdir("frames")
    for i in range(3):
        Image.new("L", (5, 4), 200).save(f"frames/{i}.png")
    predict("frames", paths[0])  # a folder that is one clip
    assert [row["path"] for row in rows(capsys)] == ["frames", paths[0]]


def test_a_model_of_arrays(images, capsys):
    paths, _ = images
    X, y = draw(shape=(6, 5, 3))
    save(make(RNNImageClassifier).fit(X, y), "m.sk")
    predict(*paths[:2], "--format", "jsonl")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {type(line["label"]) for line in lines} == {int}


def test_a_model_without_probabilities(images, capsys):
    paths, _ = images

    X = ImageReader((6, 5)).transform(paths)
    judge = RidgeClassifier().fit(X.reshape(16, -1), LABELS)
    answers = predict_command._predict(make_pipeline(Flatten(), judge), X)
    assert answers == [(label, None) for label in LABELS]
    write = predict_command._write_csv(sys.stdout)
    write("a.png", *answers[0])
    assert rows(capsys) == [{"path": "a.png", "label": "dark", "probability": ""}]


class Flatten(ImageReader):
    def transform(self, X):
        return np.reshape(X, (len(X), -1))


@pytest.mark.parametrize(
    "arguments, status, sentence",
    [
        (["no.png"], 2, "There is no file or folder 'no.png'."),
        (["empty"], 2, "The folder 'empty' holds no images that Pillow can read."),
    ],
)
def test_what_was_asked_wrongly(images, arguments, status, sentence, capsys):
    os.mkdir("empty")
    predict(*arguments, status=status)
    assert capsys.readouterr().err == f"error: {sentence}\n"


def test_files_that_are_no_model(images, capsys):
    paths, _ = images
    assert main(["predict", "no.sk", *paths]) == 2
    assert capsys.readouterr().err == "error: There is no file 'no.sk'.\n"
    assert main(["predict", paths[0], *paths]) == 1
    assert "is no file of save, or it is damaged" in capsys.readouterr().err


def test_missing_files_of_standard_input(images, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"no.png\n")))
    predict("-", status=1)
    assert capsys.readouterr().err.splitlines() == [
        "error: no.png: does not exist",
        "error: 1 of 1 files could not be predicted.",
    ]
