import builtins
import io
import pathlib
import re

import numpy as np
import pandas as pd
import pytest
from conftest import pickled
from files_by_hand import animation, film, png, tiff, write, write_half
from PIL import Image
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sk_rnnimage import ClipReader, ImageReader

RNG = np.random.RandomState(0)
GREYS = RNG.randint(0, 256, (5, 6, 8)).astype(np.uint8)
COLOURS = np.stack([GREYS, GREYS // 9, GREYS // 9], axis=-1)  # (T, H, W, 3)
RGB = np.stack([GREYS] * 3, axis=-1)  # (T, H, W, 3)


@pytest.fixture
def grey(tmp_path):
    path = tmp_path / "grey.gif"
    path.write_bytes(animation(GREYS))
    return path


@pytest.fixture
def folder(tmp_path):
    for number, frame in enumerate(GREYS, start=8):  # 8, 9, 10, 11, 12
        write(tmp_path / "frames" / f"{number}.png", frame)
    return tmp_path / "frames"


def test_every_kind_of_item_gives_the_same_clip(grey, folder):
    data = grey.read_bytes()
    items = [str(grey), pathlib.Path(grey), np.str_(grey), data, bytearray(data)]
    items += [io.BytesIO(data), str(folder), pathlib.Path(folder)]
    with Image.open(grey) as image:
        clips = ClipReader().fit_transform([*items, image])
    assert clips.dtype == np.uint8
    np.testing.assert_array_equal(clips, [GREYS] * (len(items) + 1))


def test_every_kind_of_container_gives_the_same_clips(grey, folder):
    paths = [str(grey), str(folder)]
    frame = pd.DataFrame({"path": paths})
    for X in (paths, tuple(paths), np.array(paths), frame, frame["path"]):
        np.testing.assert_array_equal(ClipReader().transform(X), [GREYS] * 2)


def test_videos_are_clips(tmp_path):
    pytest.importorskip("av")
    paths = [film(tmp_path / f"{name}", COLOURS) for name in ("a.avi", "b.mkv")]
    np.testing.assert_array_equal(ClipReader().transform(paths), [COLOURS] * 2)
    picked = ClipReader(n_frames=3).transform([path.read_bytes() for path in paths])
    np.testing.assert_array_equal(picked, [COLOURS[::2]] * 2)


def test_grey_stays_grey_where_all_are(grey):
    assert ClipReader().transform([grey]).shape == (1, 5, 6, 8)
    np.testing.assert_array_equal(ClipReader(mode="RGB").transform([grey]), [RGB])
    both = ClipReader().transform([grey, animation(COLOURS, "png")])
    np.testing.assert_array_equal(both, [RGB, COLOURS])
    levels = ClipReader(mode="L").transform([grey, animation(COLOURS, "png")])
    assert levels.shape == (2, 5, 6, 8)


def test_lengths_that_differ_come_as_a_list(grey):
    short = animation(GREYS[:2])
    clips = ClipReader().transform([grey, short])
    assert [clip.shape for clip in clips] == [(5, 6, 8), (2, 6, 8)]
    for clip in clips:
        clip += 1  # it can be written
    clips = ClipReader(n_frames=4).transform([grey, short])
    np.testing.assert_array_equal(clips, [GREYS[[0, 1, 3, 4]], GREYS[[0, 0, 1, 1]]])


def test_sizes_that_differ_come_as_a_list(grey):
    small = animation(GREYS[:, :3])
    clips = ClipReader(n_frames=2).transform([grey, small])
    assert [clip.shape for clip in clips] == [(2, 6, 8), (2, 3, 8)]
    assert ClipReader((4, 4), n_frames=2).transform([grey, small]).shape == (2, 2, 4, 4)


def test_a_frame_is_read_as_an_image_is(folder):
    paths = [folder / f"{number}.png" for number in range(8, 13)]
    for size in (None, (3, 5), (12, 9)):
        for mode in (None, "L", "RGB"):
            clips = ClipReader(size, mode=mode).transform([folder])
            images = ImageReader(size, mode=mode).transform(paths)
            np.testing.assert_array_equal(clips, [images])


def test_clips_that_differ_in_depth_get_one_dtype(grey, tmp_path):
    deep = tmp_path / "deep" / "1.tif"
    deep.parent.mkdir()
    deep.write_bytes(tiff(GREYS[0].astype(np.uint16) * 256))
    sentence = (
        f"The files of X differ in depth: X[0] ({str(grey)!r}) holds uint8, X[1] "
        f"({str(deep.parent)!r}) holds uint16"
    )
    with pytest.warns(UserWarning, match=re.escape(sentence)) as caught:
        clips = ClipReader().transform([grey, deep.parent])
    assert caught[0].filename == __file__
    assert {clip.dtype.name for clip in clips} == {"uint16"}
    np.testing.assert_array_equal(clips[0], GREYS)


def test_colours_that_lose_bits_are_named(tmp_path):
    path = tmp_path / "deep.png"
    path.write_bytes(png(np.full((5, 7, 3), 300), 2))
    sentence = f"8 bits in 1 clips: X[0] ({str(path)!r})"
    with pytest.warns(UserWarning, match=re.escape(sentence)):
        ClipReader().transform([path])


def test_threads_change_nothing(tmp_path):
    clips = np.random.RandomState(0).randint(0, 256, (12, 4, 6, 6)).astype(np.uint8)
    X = [animation(clip, "gif" if i % 2 else "png") for i, clip in enumerate(clips)]
    X += X[:3]
    serial = ClipReader((4, 5)).transform(X)
    np.testing.assert_array_equal(ClipReader((4, 5), n_jobs=3).transform(X), serial)
    np.testing.assert_array_equal(ClipReader(n_jobs=3).transform(X)[:12], clips)


def test_threads_change_nothing_of_videos(tmp_path):
    pytest.importorskip("av")
    X = [film(tmp_path / f"{i}.mkv", COLOURS + i) for i in range(8)]
    found = ClipReader(n_jobs=3, n_frames=3).transform(X)
    np.testing.assert_array_equal(found, [(COLOURS + i)[::2] for i in range(8)])


def test_an_item_that_comes_often_is_read_once(grey):
    with open(grey, "rb") as file, Image.open(grey) as image:
        found = ClipReader(n_jobs=4).transform([image] * 20 + [file] * 20)
    np.testing.assert_array_equal(found, [GREYS] * 40)


def test_it_is_an_estimator(grey):
    reader = ClipReader((5, 7), n_frames=3, mode="L", n_jobs=2)
    given = {"size": (5, 7), "n_frames": 3, "mode": "L", "n_jobs": 2}
    assert clone(reader).get_params() == given
    np.testing.assert_array_equal(
        pickled(reader).fit_transform([grey]), reader.transform([grey])
    )
    mean = FunctionTransformer(lambda clips: clips.mean(axis=1))
    found = make_pipeline(ClipReader(), mean).fit_transform([grey])
    np.testing.assert_array_equal(found, [GREYS.mean(axis=0)])
    tags = reader.__sklearn_tags__()
    assert tags.input_tags.string
    assert not tags.input_tags.two_d_array
    assert not tags.requires_fit


@pytest.mark.parametrize(
    "item, error, sentence",
    [
        ("no/such.gif", ValueError, "X[1] ('no/such.gif') does not exist."),
        ("no/such.mp4", ValueError, "X[1] ('no/such.mp4') does not exist."),
        (3, TypeError, "X[1] (of type int) must be a path, the bytes of a file"),
        (None, TypeError, "X[1] (of type NoneType) must be a path"),
        (GREYS, TypeError, "X[1] (of type ndarray) must be a path"),
        (
            Image.new("L", (0, 3)),
            ValueError,
            "X[1] (of type Image) is broken: frame 0 is an image without pixels.",
        ),
    ],
)
def test_a_bad_item_is_named(grey, item, error, sentence):
    with pytest.raises(error, match=f"^{re.escape(sentence)}"):
        ClipReader().transform([grey, item])


def test_all_clips_that_cannot_be_read_are_named(tmp_path, grey, folder):
    write_half(folder / "11.png")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ValueError) as caught:
        ClipReader(n_jobs=2).transform(["no/such", grey, folder, empty])
    message = str(caught.value)
    assert message.startswith(
        "3 of 4 items of X cannot be read: X[0] ('no/such') does not exist; "
        f"X[2] ({str(folder)!r}) is broken: '11.png' is not an image that Pillow can "
        "read: "
    )
    assert message.endswith(
        f"; X[3] ({str(empty)!r}) is a folder without image files: a clip is a folder "
        "of its frames, one image file each."
    )


def test_frames_of_unequal_size_are_named_with_their_clip(grey, folder):
    write(folder / "10.png", GREYS[0, :2])
    sentence = (
        f"X[1] ({str(folder)!r}) has frames of unequal size: '10.png' has 2 x 8 pixels,"
        " '8.png' has 6 x 8 pixels. Set size to the (height, width) to which all are "
        "to be resized."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        ClipReader().transform([grey, folder])
    assert ClipReader((6, 8)).transform([grey, folder]).shape == (2, 5, 6, 8)


@pytest.mark.parametrize(
    "X, error, sentence",
    [
        ([], ValueError, "X is empty: at least one clip is needed."),
        ("a.gif", TypeError, "Got one str instead: for a single clip pass a list of"),
        (GREYS, ValueError, "arrays of pixels need no ClipReader, and of a DataFrame"),
    ],
)
def test_a_bad_X_is_refused(X, error, sentence):
    with pytest.raises(error, match=re.escape(sentence)):
        ClipReader().transform(X)


@pytest.mark.parametrize(
    "name, value",
    [
        ("n_frames", 0),
        ("n_frames", 2.0),
        ("n_frames", "all"),
        ("n_frames", 10_001),
        ("size", 5),
        ("size", (0, 5)),
        ("mode", "CMYK"),
        ("n_jobs", "two"),
    ],
)
def test_a_bad_parameter_is_refused(name, value, grey):
    reader = ClipReader().set_params(**{name: value})
    for call in (reader.fit, reader.transform):
        with pytest.raises(ValueError, match=f"^(The '{name}' parameter|{name} must)"):
            call([grey])


@pytest.fixture
def without_av(monkeypatch):
    """As if PyAV were not installed."""
    plain = builtins.__import__

    def import_others(name, *args, **kwargs):
        if name == "av":
            raise ImportError(name)
        return plain(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", import_others)


def test_without_av_all_but_videos_is_read(without_av, grey, folder):
    np.testing.assert_array_equal(ClipReader().transform([grey, folder]), [GREYS] * 2)


def test_without_av_the_install_line_is_given(without_av, tmp_path):
    line = (
        "Reading video files needs PyAV, which is not installed: "
        'pip install "sk_rnnimage[video]"'
    )
    (tmp_path / "a.MP4").write_bytes(b"film")
    with pytest.raises(ImportError, match=f"^{re.escape(line)}$"):
        ClipReader().transform([tmp_path / "a.MP4"])
    sentence = f"X[0] (5 bytes) is not an image that Pillow can read. {line}."
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        ClipReader().transform([b"hello"])
