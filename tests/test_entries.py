import os
import re

import numpy as np
import pytest

from sk_rnnimage.files.entries import check_folder, scan, sort_naturally, walk


@pytest.fixture
def folder(tmp_path):
    for name in ("b/2.png", "b/c/3.PNG", ".d/4.png", "1.png", ".5.png", "note.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return str(tmp_path)


def test_a_scan_stays_in_the_folder(folder):
    folders, files = scan(folder, {".png"})
    assert [os.path.relpath(path, folder) for path in folders] == ["b"]
    assert [os.path.relpath(path, folder) for path in files] == ["1.png"]


def test_a_walk_goes_deeper(folder):
    found = [os.path.relpath(path, folder) for path in walk(folder, {".png"}, set())]
    assert found == ["1.png", "b/2.png", "b/c/3.PNG"]


def test_a_folder_that_is_missing(folder):
    assert check_folder(folder) == folder
    assert type(check_folder(np.str_(folder))) is str
    with pytest.raises(ValueError, match=re.escape("There is no folder 'no/such'.")):
        check_folder("no/such")


@pytest.mark.parametrize(
    "names",
    [
        ["1.png", "2.png", "10.png"],
        ["walk2", "walk10", "walk10a"],
        ["a1b2", "a1b10", "a2b1"],
        ["9", "10", "a"],
        ["A1", "a2", "B1"],
        ["01.png", "1.png", "2.png"],
        ["frame_0009.jpg", "frame_0010.jpg", "frame_10000.jpg"],
    ],
)
def test_numbers_are_sorted_by_size(names):
    assert sort_naturally(names[::-1]) == names
    assert sort_naturally([f"/a/{name}" for name in names[1:] + names[:1]]) == [
        f"/a/{name}" for name in names
    ]


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "a.png").touch()
    path = str(tmp_path / "a.png")
    with pytest.raises(ValueError, match=re.escape(f"{path!r} is a file. Pass the fo")):
        check_folder(path)
