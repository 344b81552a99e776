import os
import re

import numpy as np
import pytest
from files_by_hand import animation, film, write

from sk_rnnimage import ClipReader, list_clips

FRAMES = np.random.RandomState(0).randint(0, 256, (4, 5, 7)).astype(np.uint8)


def put(path, form="gif"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(animation(FRAMES, form))
    return path


def put_frames(folder, n_frames=3):
    for number, frame in enumerate(FRAMES[:n_frames]):
        write(folder / f"{number}.png", frame)
    return folder


@pytest.fixture
def folder(tmp_path):
    """Two classes, with clips of several forms, and what is no clip."""
    for name in ("walk/b10.gif", "walk/b2.GIF", "run/x.tiff", ".git/a.gif"):
        put(tmp_path / name, "tiff" if name.endswith("tiff") else "gif")
    put(tmp_path / "run" / ".hidden.gif")
    put_frames(tmp_path / "walk" / "b3")
    put_frames(tmp_path / "walk" / ".b4")
    (tmp_path / "walk" / "notes").mkdir()
    (tmp_path / "walk" / "notes.txt").write_text("a note")
    (tmp_path / "readme.txt").write_text("a note")
    return tmp_path


def listed(folder):
    """Paths below a folder, and labels, as lists."""
    paths, labels = list_clips(folder)
    names = [os.path.relpath(path, folder) for path in paths]
    return names, None if labels is None else labels.tolist()


def test_class_folders_give_paths_in_natural_order_and_labels(folder):
    for given in (folder, str(folder)):
        assert listed(given) == (
            ["run/x.tiff", "walk/b2.GIF", "walk/b3", "walk/b10.gif"],
            ["run", "walk", "walk", "walk"],
        )
    paths, labels = list_clips(folder)
    assert labels.dtype.kind == "U"
    assert all(isinstance(path, str) for path in paths)
    assert ClipReader(n_frames=2).transform(paths).shape == (4, 2, 5, 7)


def test_classes_are_in_natural_order(tmp_path):
    for name in ("10", "9"):
        put(tmp_path / name / "a.gif")
    assert listed(tmp_path) == (["9/a.gif", "10/a.gif"], ["9", "10"])


def test_every_form_is_found(tmp_path):
    for form in ("gif", "png", "webp", "tiff"):
        put(tmp_path / "a" / f"clip.{form}", form)
    put(tmp_path / "a" / "clip.apng", "png")
    for suffix in ("mp4", "AVI", "mov", "mkv", "webm", "mpg"):  # known by their names
        (tmp_path / "a" / f"film.{suffix}").write_bytes(b"film")
    assert len(listed(tmp_path)[0]) == 11


def test_videos_are_listed_and_read(tmp_path):
    pytest.importorskip("av")
    film(tmp_path / "a" / "1.mkv", FRAMES)
    film(tmp_path / "b" / "2.avi", FRAMES)
    paths, labels = list_clips(tmp_path)
    np.testing.assert_array_equal(ClipReader().transform(paths), [FRAMES] * 2)
    np.testing.assert_array_equal(labels, ["a", "b"])


def test_files_alone_have_no_labels(tmp_path):
    for name in ("b10.gif", "b9.gif", ".c.gif"):
        put(tmp_path / name)
    (tmp_path / "film.mp4").write_bytes(b"film")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "notes.txt").write_text("a note")
    assert listed(tmp_path) == (["b9.gif", "b10.gif", "film.mp4"], None)


def test_folders_of_frames_lie_in_a_class_folder(tmp_path):
    put_frames(tmp_path / "new" / "clip2")
    put_frames(tmp_path / "new" / "clip10")
    assert listed(tmp_path) == (["new/clip2", "new/clip10"], ["new", "new"])
    first = tmp_path / "new" / "clip2" / "0.png"
    sentence = (
        f"The folder {str(first.parent)!r} holds single images, for instance "
        f"{str(first)!r}. Put the frames of each clip into a folder of its own below a "
        "class folder (folder/class/clip/1.png), or list single images with "
        "list_images."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        list_clips(tmp_path / "new")


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.gif", "a.webp", "a.tif"])
@pytest.mark.parametrize("where", ["walk", "."])
def test_a_single_image_is_no_clip(folder, name, where):
    path = write(folder / where / name, FRAMES[0])
    sentence = f"holds single images, for instance {str(path)!r}. Put the frames"
    with pytest.raises(ValueError, match=re.escape(sentence)):
        list_clips(folder)


def test_clips_that_lie_deeper_are_refused(folder):
    path = put(folder / "walk" / "ann" / "1.gif")
    sentence = (
        f"The folder {str(path.parent)!r} lies in a class folder, so it is to hold the "
        f"frames of one clip, one image file each, but it holds {str(path)!r}. Move "
        "its clips up into the class folder. If the folders in the class folder are "
        "the classes, pass the folder that holds those: "
        f"list_clips({str(folder / 'walk')!r})."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        list_clips(folder)


def test_the_folders_of_a_split_are_no_classes(tmp_path):
    put_frames(tmp_path / "train" / "walk" / "a")
    way_out = (
        f"pass the folder that holds those: list_clips({str(tmp_path / 'train')!r})"
    )
    with pytest.raises(ValueError, match=re.escape(way_out)):
        list_clips(tmp_path)
    assert listed(tmp_path / "train") == (["walk/a"], ["walk"])


def test_what_lies_in_a_folder_of_frames_is_ignored(folder):
    before = listed(folder)
    put_frames(folder / "walk" / "b3" / "small")
    put(folder / "walk" / "b3" / "preview.gif")
    assert listed(folder) == before


def test_clips_beside_class_folders_are_refused(folder):
    path = put(folder / "all.gif")
    sentence = (
        f"The folder {str(folder)!r} holds clips itself, for instance {str(path)!r}, "
        f"and files in subfolders, for instance {str(folder / 'run/x.tiff')!r}. Move "
        "one or the other elsewhere: either each clip lies in a class folder, or all "
        "are files in the folder itself and have no labels."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        list_clips(folder)


def test_files_that_cannot_be_opened_are_named(folder):
    for name in ("a.gif", "c.webp"):
        (folder / "walk" / name).write_bytes(b"no image")
    (folder / "walk" / "d.png").symlink_to(folder / "gone.png")
    with pytest.raises(ValueError) as caught:
        list_clips(folder)
    message = str(caught.value)
    assert message.startswith(
        f"3 files of the folder {str(folder / 'walk')!r} are not images that Pillow "
        f"can read: {str(folder / 'walk/a.gif')!r} (cannot identify image file "
    )
    assert message.endswith(
        f"{str(folder / 'walk/d.png')!r} (No such file or directory). Repair or remove "
        "them."
    )


def test_a_bad_folder_is_refused(folder):
    with pytest.raises(ValueError, match="There is no folder 'no/such'"):
        list_clips("no/such")
    with pytest.raises(ValueError, match="The 'folder' parameter of list_clips must"):
        list_clips(3)
    (folder / "empty").mkdir()
    sentence = (
        f"The class folder {str(folder / 'empty')!r} holds no clips. Add some, or move "
        "it elsewhere."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        list_clips(folder)
    sentence = (
        f"The folder {str(folder / 'empty')!r} holds neither clips nor class folders. "
        "Put the clips of each class into a folder of its own, which names the class."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        list_clips(folder / "empty")
