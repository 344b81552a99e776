import os
import re

import numpy as np
import pytest
from files_by_hand import GREY, tiff, write, write_half
from PIL import Image

from sk_rnnimage import ImageReader, list_images


@pytest.fixture
def folder(tmp_path):
    for name in ("dog/2.PNG", "dog/1.png", "cat/3.png", ".git/4.png", "cat/.5.png"):
        write(tmp_path / name, GREY)
    (tmp_path / "cat" / "notes.txt").write_text("a note")
    (tmp_path / "cat" / "deeper.png").mkdir()
    (tmp_path / "readme.txt").write_text("a note")
    return tmp_path


@pytest.fixture
def deep_folder(tmp_path):
    for name in ("cat/ann/1.png", "cat/bob/2/2.png", "dog/cid/3.png", "dog/.x/4.png"):
        write(tmp_path / name, GREY)
    return tmp_path


def listed(folder, **how):
    """Paths below a folder, and labels, as lists."""
    paths, labels = list_images(folder, **how)
    names = [os.path.relpath(path, folder) for path in paths]
    return names, None if labels is None else labels.tolist()


def test_class_folders_give_sorted_paths_and_labels(folder):
    for given in (folder, str(folder)):
        for recursive in (False, True):
            paths, labels = list_images(given, recursive=recursive)
            assert paths == [
                str(folder / name) for name in ("cat/3.png", "dog/1.png", "dog/2.PNG")
            ]
            np.testing.assert_array_equal(labels, ["cat", "dog", "dog"])
            assert labels.dtype.kind == "U"


def test_files_alone_have_no_labels(tmp_path):
    for name in ("b.png", "a.PNG", ".c.png"):
        write(tmp_path / name, GREY)
    (tmp_path / "notes.txt").write_text("a note")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "notes.txt").write_text("a note")
    for recursive in (False, True):
        assert listed(tmp_path, recursive=recursive) == (["a.PNG", "b.png"], None)
    paths, labels = list_images(tmp_path)
    np.testing.assert_array_equal(ImageReader().transform(paths), [GREY] * 2)


def test_a_truncated_new_file_is_left_out(tmp_path):
    write(tmp_path / "a.png", GREY)
    half = write_half(tmp_path / "b.png")
    with pytest.warns(UserWarning, match=re.escape(repr(str(half)))):
        assert listed(tmp_path, broken="skip") == (["a.png"], None)
    os.remove(tmp_path / "a.png")
    sentence = f"The folder {str(tmp_path)!r} holds no images that Pillow can read."
    with pytest.raises(ValueError, match=re.escape(sentence)):
        list_images(tmp_path, broken="skip")


def test_files_that_lie_deeper_are_found(deep_folder):
    sentence = (
        f"The class folder {str(deep_folder / 'cat')!r} holds no images itself: they "
        f"lie deeper, for instance {str(deep_folder / 'cat/ann/1.png')!r}. List them "
        "with recursive=True, which labels all of them 'cat'. If the folders below it "
        "are the classes, pass the folder that holds those: "
        f"list_images({str(deep_folder / 'cat')!r})."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        list_images(deep_folder)
    assert listed(deep_folder, recursive=True) == (
        ["cat/ann/1.png", "cat/bob/2/2.png", "dog/cid/3.png"],
        ["cat", "cat", "dog"],
    )


def test_the_folders_of_a_split_are_no_classes(tmp_path):
    for name in ("train/cat/1.png", "train/dog/2.png", "test/cat/3.png"):
        write(tmp_path / name, GREY)
    way_out = (
        f"pass the folder that holds those: list_images({str(tmp_path / 'test')!r})"
    )
    with pytest.raises(ValueError, match=re.escape(way_out)):
        list_images(tmp_path)
    assert listed(tmp_path / "test") == (["cat/3.png"], ["cat"])


def test_a_class_folder_with_files_and_folders(folder):
    write(folder / "cat" / "small" / "3.png", GREY)
    sentence = (
        "Images in subfolders of 1 class folders are left out, for instance "
        f"{str(folder / 'cat/small/3.png')!r}. List them too with recursive=True."
    )
    with pytest.warns(UserWarning, match=re.escape(sentence)) as caught:
        paths, labels = list_images(folder)
    assert len(paths) == len(labels) == 3
    assert caught[0].filename == __file__
    names, labels = listed(folder, recursive=True)
    assert names == ["cat/3.png", "cat/small/3.png", "dog/1.png", "dog/2.PNG"]
    assert labels == ["cat", "cat", "dog", "dog"]


def test_files_beside_class_folders_are_refused(folder):
    write(folder / "all.png", GREY)
    sentence = (
        f"The folder {str(folder)!r} holds images itself, for instance "
        f"{str(folder / 'all.png')!r}, and images in subfolders, for instance "
        f"{str(folder / 'cat/3.png')!r}. Move one or the other elsewhere"
    )
    for recursive in (False, True):
        with pytest.raises(ValueError, match=re.escape(sentence)):
            list_images(folder, recursive=recursive)


def test_links_in_a_circle_end(deep_folder):
    here = deep_folder / "cat" / "ann"
    (here / "up").symlink_to(deep_folder / "cat")
    (here / "top").symlink_to(deep_folder)  # where other classes are
    (here / "above").symlink_to(deep_folder.parent)
    (here / "itself").symlink_to(here / "itself")
    (deep_folder / "loop").symlink_to(deep_folder)
    write(deep_folder / "more" / "x" / "5.png", GREY)
    (deep_folder / "more" / "x" / "cat").symlink_to(deep_folder / "cat")
    (deep_folder / "cat" / "more").symlink_to(deep_folder / "more")
    names, labels = listed(deep_folder, recursive=True)
    assert [name for name, label in zip(names, labels) if label == "cat"] == [
        "cat/ann/1.png",
        "cat/bob/2/2.png",
        "cat/more/x/5.png",
    ]
    assert labels.count("more") == 3


def test_a_link_to_a_class_folder_is_followed(folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    write(elsewhere / "9.png", GREY)
    (folder / "emu").symlink_to(elsewhere)
    for recursive in (False, True):
        assert listed(folder, recursive=recursive)[0][-1] == "emu/9.png"


def test_a_link_whose_file_is_missing_is_named(folder):
    link = folder / "dog" / "7.png"
    link.symlink_to(folder / "gone.png")
    with pytest.raises(ValueError, match=re.escape(repr(str(link)))):
        list_images(folder)


@pytest.mark.parametrize("name", ["", "dog", "dog/old"])
def test_a_folder_that_may_not_be_read(folder, name, monkeypatch):
    """Whoever runs the tests may read all: the system's answer is put in."""
    closed = str(folder / name)
    write(folder / "dog" / "old" / "6.png", GREY)
    scandir = os.scandir

    def guarded(path):
        if path == closed:
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    sentence = (
        f"The folder {closed!r} cannot be read: Permission denied. Change its "
        "permissions, or move it elsewhere."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        list_images(folder, recursive=True)


def test_broken_files_are_named_or_left_out(folder):
    broken = [folder / name for name in ("cat/0.png", "dog/0.jpg", "dog/1.gif")]
    for path in broken:
        path.write_bytes(b"no image")
    names = ", ".join(
        f"{str(path)!r} (cannot identify image file {str(path)!r})" for path in broken
    )
    sentence = (
        f"3 files are not images that Pillow can read: {names}. Repair or remove them, "
        "or leave such files out with broken='skip'."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        list_images(folder)
    sentence = f"3 files are left out, which Pillow cannot read: {names}"
    with pytest.warns(UserWarning, match=f"^{re.escape(sentence)}$") as caught:
        paths, labels = list_images(folder, broken="skip")
    assert caught[0].filename == __file__
    assert not {str(path) for path in broken} & set(paths)
    np.testing.assert_array_equal(labels, ["cat", "dog", "dog"])


def test_a_file_that_breaks_off_is_left_out(folder):
    half = write_half(folder / "dog" / "half.png")
    with pytest.warns(UserWarning, match=re.escape(repr(str(half)))):
        paths, _ = list_images(folder, broken="skip")
    assert len(paths) == 3
    assert str(half) not in paths
    assert str(half) in list_images(folder)[0]  # headers alone; the reader names it


def test_what_the_reader_refuses_is_left_out(folder):
    infinite = folder / "dog" / "infinite.tif"
    infinite.write_bytes(tiff(np.full((2, 2), np.inf, dtype=np.float32)))
    sentence = f"{str(infinite)!r} (holds infinite values"
    with pytest.warns(UserWarning, match=re.escape(sentence)):
        paths, _ = list_images(folder, broken="skip")
    ImageReader().transform(paths)


def test_what_is_no_image_is_not_listed(folder):
    """Pillow recognises these, but does not read them."""
    for name in ("model.h5", "film.mpg", "dog/model.hdf", "dog/weather.grib"):
        (folder / name).write_bytes(b"\x89HDF\r\n\x1a\n")
    Image.new("L", (2, 2)).save(folder / "dog" / "text.pdf")
    assert len(list_images(folder)[0]) == 3


def test_a_bad_folder_is_refused(folder):
    with pytest.raises(ValueError, match="There is no folder 'no/such'"):
        list_images("no/such")
    (folder / "empty").mkdir()
    for recursive in (False, True):
        sentence = f"The class folder {str(folder / 'empty')!r} holds no images"
        with pytest.raises(ValueError, match=re.escape(sentence)):
            list_images(folder, recursive=recursive)
        sentence = (
            f"The folder {str(folder / 'empty')!r} holds neither image files nor class "
            "folders."
        )
        with pytest.raises(ValueError, match=re.escape(sentence)):
            list_images(folder / "empty", recursive=recursive)
    with pytest.raises(ValueError, match="The 'broken' parameter of list_images must"):
        list_images(folder, broken="ignore")
    with pytest.raises(
        ValueError, match="The 'recursive' parameter of list_images must"
    ):
        list_images(folder, recursive="yes")


def test_a_stream_of_the_system_is_not_opened(folder):
    """Opening a named pipe would wait for ever."""
    os.mkfifo(folder / "dog" / "pipe.png")
    assert len(list_images(folder)[0]) == 3
