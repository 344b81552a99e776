import re
import struct
import zipfile

import numpy as np
import pytest

from sk_rnnimage._environment import process
from sk_rnnimage.commands.image_data import read_npz


@pytest.mark.parametrize(
    "arrays, sentence",
    [
        ({"X": np.zeros((4, 2, 2)), "z": [0]}, "{} must hold the arrays X and y, or"),
        ({"X": np.zeros((4, 2, 2)), "y": [0, 1]}, "y must hold one label for each"),
        ({"X": np.zeros(4), "y": [0, 1, 0, 1]}, "X must be flat (n, H*W*C), grey"),
        ({"X": np.array([None]), "y": [0]}, "{} is not an .npz of plain arrays"),
        (
            {
                "X_train": np.zeros((4, 2, 2)),
                "y_train": [0, 1, 0, 1],
                "X_test": np.zeros((1, 2, 3)),
                "y_test": [0],
            },
            "X_train and X_test hold images of different shapes: (2, 2) and (2, 3).",
        ),
    ],
)
def test_a_wrong_npz(arrays, sentence, tmp_path):
    path = tmp_path / "wrong.npz"
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match=f"^{re.escape(sentence.format(path))}"):
        read_npz(path)


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04 hello"])
def test_a_file_that_is_no_npz(content, tmp_path):
    path = tmp_path / "wrong.npz"
    path.write_bytes(content)
    sentence = f"{path} is not an .npz of plain arrays, nor a folder of images."
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        read_npz(path)


def test_a_lone_array(tmp_path):
    np.save(tmp_path / "one.npy", np.zeros(3))
    with pytest.raises(ValueError, match="one.npy is not an .npz of plain arrays"):
        read_npz(tmp_path / "one.npy")


def forged(path, header, method=zipfile.ZIP_DEFLATED):
    """An .npz of one array whose header says something else than what follows."""
    size = struct.pack("<H", len(header))
    with zipfile.ZipFile(path, "w", method) as archive:
        content = b"\x93NUMPY\1\0" + size + header.encode() + bytes(16)
        archive.writestr("X.npy", content)
    return path


@pytest.mark.parametrize(
    "header",
    [
        "[" * 999,
        f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({10**30},)}}",
        f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({2**60},)}}",
        "{'descr': '|O', 'fortran_order': False, 'shape': (2,)}",
    ],
    ids=["no header", "no number", "no memory", "objects"],
)
def test_a_file_that_claims_more_than_it_holds(header, tmp_path):
    path = forged(tmp_path / "forged.npz", header)
    with pytest.raises(ValueError, match="forged.npz is not an .npz of plain arrays"):
        read_npz(path)


def test_a_damaged_stream(tmp_path):
    path = tmp_path / "damaged.npz"
    np.savez_compressed(path, X=np.random.RandomState(0).rand(9, 9, 9), y=np.arange(9))
    content = bytearray(path.read_bytes())
    content[60:90] = bytes(30)
    path.write_bytes(content)
    with pytest.raises(ValueError, match="damaged.npz is not an .npz of plain arrays"):
        read_npz(path)


def test_arrays_that_no_memory_holds(tmp_path, monkeypatch):
    path = tmp_path / "large.npz"
    np.savez_compressed(path, X=np.zeros((3, 2**10, 2**10)), y=np.arange(3))
    monkeypatch.setattr(process, "physical_memory", lambda: 2**24)
    assert path.stat().st_size < 2**20
    with pytest.raises(ValueError, match="holds arrays of 0.0 GiB, and this machine"):
        read_npz(path)
    monkeypatch.setattr(process, "physical_memory", lambda: None)
    assert read_npz(path)[0].shape == (3, 2**10, 2**10)


@pytest.mark.parametrize(
    "changes",
    [
        {"ends": [2.0, 4.0]},
        {"ends": ["2", "4"]},
        {"ends": [2, 2]},
        {"ends": [0, 4]},
        {"ends": [2, 5]},
        {"ends": 4},
        {"labels": 4},
        {"labels": [1]},
        {"frames": 4},
    ],
    ids=str,
)
def test_wrong_ends(changes, tmp_path):
    arrays = {"frames": np.zeros((4, 2, 2)), "ends": [2, 4], "labels": [0, 1]}
    np.savez(tmp_path / "a.npz", **arrays)
    assert [len(clip) for clip in read_npz(tmp_path / "a.npz", True)[0]] == [2, 2]
    np.savez(tmp_path / "a.npz", **(arrays | changes))
    with pytest.raises(ValueError, match="^ends must hold, for each label, the number"):
        read_npz(tmp_path / "a.npz", True)


def test_one_label_without_axes(tmp_path):
    np.savez(tmp_path / "a.npz", X=np.zeros((1, 2, 2)), y=3)
    with pytest.raises(ValueError, match="y must hold one label for each of the 1 im"):
        read_npz(tmp_path / "a.npz")


def test_clips_for_the_test_may_differ_in_length(tmp_path):
    path = tmp_path / "clips.npz"
    arrays = {"X_train": np.zeros((4, 6, 2, 2)), "X_test": np.ones((1, 3, 2, 2))}
    np.savez(path, **arrays, y_train=[0, 1, 0, 1], y_test=[0])
    X, y, [(_, test)] = read_npz(path, of_clips=True)
    assert [len(clip) for clip in X] == [6, 6, 6, 6, 3]
    assert X[test[0]].all() and len(y) == 5
    np.savez(
        path, **arrays | {"X_test": np.ones((1, 6, 2, 3))}, y_train=y[:4], y_test=[0]
    )
    with pytest.raises(ValueError, match="^X_train and X_test hold clips of different"):
        read_npz(path, of_clips=True)
