"""Files are written as a whole or not at all."""

import os
import re

import pytest

from sk_rnnimage._environment.writing import write_whole


def test_exactly_this_path(tmp_path):
    path = tmp_path / "model"
    for content in (b"one", b"two", b""):
        write_whole(path, content)
        assert path.read_bytes() == content
        assert os.listdir(tmp_path) == ["model"]
    write_whole(str(path), b"three")
    assert path.read_bytes() == b"three"


def test_a_link_stays_one(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "model")
    write_whole(tmp_path / "link", b"one")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "model").read_bytes() == b"one"


def test_permissions_are_those_of_any_new_file(tmp_path):
    write_whole(tmp_path / "model", b"one")
    (tmp_path / "other").write_bytes(b"")
    assert (tmp_path / "model").stat().st_mode == (tmp_path / "other").stat().st_mode


@pytest.mark.parametrize("fails", ["fsync", "replace"])
def test_what_was_there_stays_where_the_disk_is_full(tmp_path, monkeypatch, fails):
    def full(*args):
        raise OSError(28, "No space left on device")

    path = tmp_path / "model"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, fails, full)
    line = (
        f"path={str(path)!r} cannot be written: No space left on device. Choose a file "
        "in a folder that exists, in which you may write, with space left."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(line)}$"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["model"]


@pytest.mark.parametrize("place", ["nowhere/model", "file/model", "."])
def test_no_such_place(tmp_path, place):
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(ValueError, match="cannot be written"):
        write_whole(tmp_path / place, b"new")
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("path", [None, 3, b"model", ["model"]])
def test_no_path(path):
    with pytest.raises(TypeError, match="^path must be a str or path-like. Got"):
        write_whole(path, b"new")
