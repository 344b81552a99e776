import re

import numpy as np
import pytest

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
