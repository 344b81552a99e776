"""Where the state of a training is saved, and what names it."""

import re
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sk_rnnimage._training.checkpoint import Checkpoint, digest_of
from sk_rnnimage.images.kinds import Images, UnequalImages

STATE = {
    "numbers": [1, 0.1, float("inf"), None, True],
    "words": {"a": "b", "array": "not one"},
    "arrays": {"x": np.arange(3.0), "y": [np.zeros(0, bool)]},
}


def test_a_state_comes_back(tmp_path):
    checkpoint = Checkpoint(tmp_path / "made" / "here", "name")
    assert checkpoint.state is None
    checkpoint.save(STATE)
    state = Checkpoint(tmp_path / "made" / "here", "name").state
    assert state["numbers"] == STATE["numbers"]
    assert state["words"] == STATE["words"]
    assert_array_equal(state["arrays"]["x"], np.arange(3.0))
    assert state["arrays"]["y"][0].dtype == bool
    (tmp_path / "made" / "here" / "name.checkpoint.1a2b3c4d.part").touch()  # a kill's
    checkpoint.remove()
    assert not any((tmp_path / "made" / "here").iterdir())
    checkpoint.remove()  # another fit of the same name has done so


@pytest.mark.parametrize("cut", [0, 1, 10, 100, -1])
def test_a_truncated_file_is_refused(tmp_path, cut):
    checkpoint = Checkpoint(tmp_path, "name")
    checkpoint.save(STATE)
    content = checkpoint.path.read_bytes()
    checkpoint.path.write_bytes(content[:cut])
    message = f"The checkpoint {str(checkpoint.path)!r} is damaged. Remove the file"
    with pytest.raises(ValueError, match=re.escape(message)):
        Checkpoint(tmp_path, "name")


def test_a_changed_bit_is_refused(tmp_path):
    checkpoint = Checkpoint(tmp_path, "name")
    checkpoint.save(STATE)
    content = checkpoint.path.read_bytes()
    for i in range(0, len(content), 97):
        damaged = bytearray(content)
        damaged[i] ^= 1
        checkpoint.path.write_bytes(damaged)
        with pytest.raises(ValueError, match="is damaged"):
            Checkpoint(tmp_path, "name")


def test_a_file_of_another_version_is_refused(tmp_path, monkeypatch):
    Checkpoint(tmp_path, "name").save(STATE)
    now = ("9.0", "8.0")
    monkeypatch.setattr(
        "sk_rnnimage._training.checkpoint.current_versions", lambda: now
    )
    with pytest.raises(ValueError, match="was made with .* which are now 9.0 and 8.0"):
        Checkpoint(tmp_path, "name")


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="checkpoint=.* is no folder that can be"):
        Checkpoint(tmp_path / "file", "name")
    with pytest.raises(ValueError, match="^checkpoint='' is no folder"):
        Checkpoint("", "name")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs Linux's /proc")
def test_a_folder_that_nobody_can_write_into():
    message = "checkpoint='/proc/self' is no folder that can be made, written into and"
    with pytest.raises(ValueError, match=message):
        Checkpoint("/proc/self", "name")


def test_a_file_that_cannot_be_read(tmp_path):
    (tmp_path / "name.checkpoint").mkdir()
    with pytest.raises(ValueError, match="is no folder that can be .*: Is a directory"):
        Checkpoint(tmp_path, "name")


def test_a_folder_that_is_gone_is_made_again(tmp_path):
    checkpoint = Checkpoint(tmp_path / "here", "name")
    (tmp_path / "here").rmdir()
    checkpoint.save(STATE)
    assert Checkpoint(tmp_path / "here", "name").state["numbers"] == STATE["numbers"]


def test_a_digest_is_of_the_content():
    images = np.arange(24, dtype=np.uint8).reshape(2, 3, 4, 1)
    parts = [
        images,
        images.astype(np.int16),
        images.reshape(2, 4, 3, 1),
        Images(images),
        Images(images[::-1]),
        UnequalImages([images[0], images[1, :2]]),
        UnequalImages([images[1, :2], images[0]]),
        {"a": 1},
        {"a": "1"},
        [1, [2]],
        [[1], 2],
        len,
        max,
        lambda x: x,
        lambda x: -x,
        None,
    ]
    digests = [digest_of(part) for part in parts]
    assert len(set(digests)) == len(parts)
    assert digests == [digest_of(part) for part in parts]
    assert digest_of(Images(images.copy())) == digest_of(Images(images))
    assert digest_of({"b": 2, "a": 1}) == digest_of({"a": 1, "b": 2})
