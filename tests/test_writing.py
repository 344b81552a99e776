"""A file that is written whole, or not at all."""

import errno
import os
import re
import stat
import subprocess
import sys

import pytest

from sk_rnnimage._environment.writing import check_path, check_writable, write_whole


def test_a_file_under_exactly_its_name(tmp_path):
    for name in ("m", "m.sk", "m.tar.gz", "a b.sk", "ä.sk"):
        write_whole(tmp_path / name, b"one")
        write_whole(str(tmp_path / name), b"another")
        assert (tmp_path / name).read_bytes() == b"another"
    assert len(list(tmp_path.iterdir())) == 5


def test_it_has_the_rights_of_any_new_file_or_of_the_one_before(tmp_path):
    (tmp_path / "other").write_bytes(b"")
    write_whole(tmp_path / "new", b"one")
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "other").stat().st_mode
    (tmp_path / "new").chmod(0o640)
    write_whole(tmp_path / "new", b"two")
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640


def test_of_a_link_the_file_is_written(tmp_path):
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    write_whole(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"new"


@pytest.mark.parametrize("function", ["fsync", "replace"])
@pytest.mark.parametrize(
    "error, text",
    [
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device. "),
        (PermissionError(errno.EACCES, "Permission denied"), "Permission denied. "),
        (KeyboardInterrupt(), None),
    ],
)
def test_what_was_there_stays_whole(tmp_path, monkeypatch, function, error, text):
    def fail(*args):
        raise error

    path = tmp_path / "m.sk"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, function, fail)
    if text:
        text = re.escape(f"{text}{str(path)!r} is as it was before. Make room, or ")
    with pytest.raises(type(error), match=text) as caught:
        write_whole(path, b"new")
    assert getattr(caught.value, "errno", None) == getattr(error, "errno", None)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["m.sk"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on file sizes")
def test_a_disk_that_is_full_in_the_middle(tmp_path):
    """A limit of the system on the size of files, since a full disk is hard to have."""
    path = tmp_path / "m.sk"
    path.write_bytes(b"old")
    code = f"""
import resource, signal
from sk_rnnimage._environment.writing import write_whole
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
try:
    write_whole({str(path)!r}, b"x" * 50_000)
except OSError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert "File too large" in done.stdout
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["m.sk"]


def test_places_where_no_file_can_be(tmp_path):
    for path, sentence in [
        (tmp_path, "is a folder. Add the name of a file."),
        (f"{tmp_path}/", "is a folder. Add the name of a file."),
        ("", "is a folder. Add the name of a file."),
        (tmp_path / "no" / "m.sk", "There is no folder"),
        (os.devnull, "is a device, not a file."),
    ]:
        for check in (check_writable, lambda path: write_whole(path, b"")):
            with pytest.raises(ValueError, match=re.escape(sentence)):
                check(path)
    assert check_writable("m.sk") == "m.sk"


@pytest.mark.parametrize("path", [None, 3, b"m.sk", ["m.sk"]])
def test_what_is_no_path(path):
    with pytest.raises(TypeError, match="path must be a str or a pathlib.Path. Got"):
        check_path(path)


@pytest.mark.parametrize("path", ["a\0b", "\ud800"])
def test_what_no_file_can_be_called(path):
    with pytest.raises(ValueError, match="path must be a path that files can have."):
        check_path(path)
