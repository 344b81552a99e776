import io
import os
import re
import weakref

import numpy as np
import pytest
from files_by_hand import (
    animation,
    film,
    png,
    tiff,
    write,
    write_half,
)
from PIL import Image

from sk_rnnimage.files import frames as module
from sk_rnnimage.files.decoding import UnreadableImage
from sk_rnnimage.files.frames import pick_evenly, read_clip

RNG = np.random.RandomState(0)
FRAMES = RNG.randint(0, 256, (11, 16, 24, 3)).astype(np.uint8)
FRAMES[..., 1] = FRAMES[..., 2] = 7  # few colours, so that a GIF holds them all
GREYS = FRAMES[..., 0]
FORMS = ["folder", "gif", "png", "tiff", "webp", "a.avi", "a.mkv"]


def make(form, frames, folder):
    """A clip of a form, as a path, without loss."""
    if form == "folder":
        for number, frame in enumerate(frames, start=1):  # 1, 2, ... 10, 11
            write(folder / "clip" / f"{number}.png", frame)
        return folder / "clip"
    if form.startswith("a."):
        pytest.importorskip("av")
        return film(folder / form, frames)
    path = folder / f"clip.{form}"
    how = {"lossless": True} if form == "webp" else {}
    path.write_bytes(animation(frames, form, **how))
    return path


def read(item, size=None, mode=None, n_frames=None):
    return read_clip(item, size, mode, n_frames)[0]


@pytest.fixture(params=FORMS)
def clip(request, tmp_path):
    """A colour clip of eleven frames."""
    return make(request.param, FRAMES, tmp_path)


@pytest.mark.parametrize("length", [1, 2, 5, 10, 11, 99])
@pytest.mark.parametrize("n_frames", [1, 2, 3, 7, 10, 11, 12, 30])
def test_a_short_clip_gives_each_frame_once_before_some_are_repeated(length, n_frames):
    places = pick_evenly(length, n_frames)
    wanted = np.linspace(0, length - 1, n_frames).round()
    if n_frames == 1:
        wanted = [(length - 1) // 2]
    np.testing.assert_array_equal(places, wanted)
    once = sorted(set(places))
    assert len(once) == min(length, n_frames)
    assert [once[k] for k in pick_evenly(len(once), n_frames)] == places


def test_every_form_gives_the_same_frames(clip):
    found, is_reduced = read_clip(clip, None, None, None)
    assert found.dtype == np.uint8
    assert not is_reduced
    np.testing.assert_array_equal(found, FRAMES)


@pytest.mark.parametrize("n_frames", [1, 2, 4, 11, 25])
def test_the_picked_frames_are_those_of_the_whole(clip, n_frames):
    places = pick_evenly(11, n_frames)
    np.testing.assert_array_equal(read(clip, n_frames=n_frames), FRAMES[places])


def test_bytes_and_file_objects_give_the_same(clip):
    if clip.is_dir():
        pytest.skip("a folder has no bytes")
    data = clip.read_bytes()
    with open(clip, "rb") as file:
        for item in (str(clip), data, bytearray(data), io.BytesIO(data), file, file):
            np.testing.assert_array_equal(read(item), FRAMES)
            np.testing.assert_array_equal(read(item, n_frames=3), FRAMES[[0, 5, 10]])


def test_frames_are_resized_as_images_are(clip):
    expected = [
        np.asarray(Image.fromarray(frame).resize((6, 4), Image.Resampling.BILINEAR))
        for frame in FRAMES
    ]
    np.testing.assert_array_equal(read(clip, size=(4, 6)), expected)


@pytest.mark.parametrize("form", [form for form in FORMS if form != "webp"])
def test_grey_is_decided_by_the_frames(form, tmp_path):
    clip = make(form, GREYS, tmp_path)
    middle = pick_evenly(len(GREYS), 1)
    colours = np.stack([GREYS] * 3, axis=-1)  # (T, H, W, 3)
    np.testing.assert_array_equal(read(clip), GREYS)
    np.testing.assert_array_equal(read(clip, mode="RGB"), colours)
    np.testing.assert_array_equal(read(clip, mode="L", n_frames=1), GREYS[middle])


@pytest.mark.parametrize("form", ["folder", "gif", "tiff"])
def test_one_colour_frame_makes_a_clip_colour(form, tmp_path):
    frames = [GREYS[0], FRAMES[1], GREYS[2]]
    expected = [np.stack([GREYS[0]] * 3, -1), FRAMES[1], np.stack([GREYS[2]] * 3, -1)]
    np.testing.assert_array_equal(read(make(form, frames, tmp_path)), expected)
    grey = read(make(form, frames, tmp_path), mode="L")
    np.testing.assert_array_equal(grey[[0, 2]], GREYS[[0, 2]])


@pytest.mark.parametrize("dtype", ["uint16", "int32", "float32"])
@pytest.mark.parametrize("form", ["folder", "tiff"])
def test_deep_levels_are_kept(dtype, form, tmp_path):
    deep = GREYS.astype(dtype) * 200
    if form == "folder":
        for number, frame in enumerate(deep):
            (tmp_path / f"{number}.tif").write_bytes(tiff(frame))
        clip = tmp_path
    else:
        clip = animation(deep, form)
    for found in (read(clip), read(clip, size=(16, 24))):
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, deep)


def test_deep_levels_of_a_video_are_kept(tmp_path):
    pytest.importorskip("av")
    deep = GREYS.astype(np.uint16) * 200
    found = read(film(tmp_path / "a.mkv", deep))
    assert found.dtype == np.uint16
    np.testing.assert_array_equal(found, deep)


def test_a_missing_pixel_stays_missing():
    levels = GREYS.astype(np.float32)
    levels[3, 2, 1] = np.nan
    np.testing.assert_array_equal(read(animation(levels, "tiff")), levels)


def test_what_is_transparent_is_white():
    clear = np.zeros((3, 4, 5, 4), dtype=np.uint8)  # black, and transparent
    clear[1, :, 2:, 3] = 255
    for form in ("png", "webp", "gif"):
        found = read(animation(clear, form, **{"disposal": 2} if form == "gif" else {}))
        assert (found[0] == 255).all()
        assert (found[1, :, 2:] == 0).all()
        assert (found[1, :, :2] == 255).all()


def test_frames_are_turned_upright():
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: show it a quarter clockwise
    for form in ("tiff", "png"):
        found = read(animation(GREYS, form, exif=exif))
        assert len(found) == 11
        np.testing.assert_array_equal(found[0], np.rot90(GREYS[0], -1))


def test_colours_of_sixteen_bits_are_told(tmp_path):
    for number in range(2):
        data = png(np.full((5, 7, 3), 300 * number), 2)
        (tmp_path / f"{number}.png").write_bytes(data)
    assert read_clip(tmp_path, None, None, None)[1]


def test_a_still_image_is_a_clip_of_one_frame(tmp_path):
    for item in (Image.fromarray(GREYS[0]), write(tmp_path / "a.bmp", GREYS[0])):
        np.testing.assert_array_equal(read(item), GREYS[:1])
        np.testing.assert_array_equal(read(item, n_frames=3), GREYS[[0, 0, 0]])


def test_an_open_image_stays_where_it_was():
    image = Image.open(io.BytesIO(animation(FRAMES)))
    image.seek(4)
    np.testing.assert_array_equal(read(image), FRAMES)
    np.testing.assert_array_equal(read(image, n_frames=2), FRAMES[[0, 10]])
    assert image.tell() == 4
    np.testing.assert_array_equal(np.asarray(image.convert("RGB")), FRAMES[4])


def test_what_else_lies_in_a_folder_of_frames_is_ignored(tmp_path):
    clip = make("folder", GREYS, tmp_path)
    (clip / "notes.txt").write_text("a note")
    (clip / ".12.png").write_bytes(b"hidden")
    write(clip / "small" / "1.png", GREYS[0, :2, :2])
    np.testing.assert_array_equal(read(clip), GREYS)


def test_no_file_is_opened_that_is_not_picked(tmp_path):
    clip = make("folder", GREYS, tmp_path)
    for number in (2, 3, 4, 5, 7, 8, 9, 10):
        (clip / f"{number}.png").write_bytes(b"no image")
    np.testing.assert_array_equal(read(clip, n_frames=3), GREYS[[0, 5, 10]])


@pytest.fixture
def alive(monkeypatch):
    """How many PIL images of frames live whenever a frame is read."""
    images, counts = [], []
    plain = module.read_image

    def watched(image, size, mode):
        if isinstance(image, Image.Image):
            images.append(weakref.ref(image))
        counts.append(sum(reference() is not None for reference in images))
        return plain(image, size, mode)

    monkeypatch.setattr(module, "read_image", watched)
    return counts


def test_one_frame_at_a_time_is_held_in_full_size(clip, alive):
    read(clip, size=(2, 2))
    assert len(alive) == 11
    if clip.suffix in (".png", ".tiff", ".webp"):
        assert set(alive) == set(range(1, 12))  # eleven times the one image, open
    else:
        assert max(alive) <= 2


def test_frames_that_are_not_picked_are_not_converted(clip, alive, monkeypatch):
    converted = []
    for name in ("as_image", "get_page"):
        plain = getattr(module, name)
        monkeypatch.setattr(
            module, name, lambda *args, f=plain: (converted.append(args), f(*args))[1]
        )
    read(clip, n_frames=3)
    assert len(alive) == 3
    assert len(converted) == (0 if clip.is_dir() else 3)


def test_a_header_that_promises_too_much(tmp_path):
    """Frames that are cut away, without encoding the others anew, stay in the file."""
    pytest.importorskip("av")
    how = {"codec": "mpeg4", "pixels": "yuv420p"}
    path = film(tmp_path / "a.mp4", np.repeat(FRAMES, 3, axis=0), trimmed=6, **how)
    with open(path, "rb") as file:
        assert module.count_in_header(file) == 33
    whole = read(path)
    assert len(whole) == 27
    for n_frames in (2, 5, 30):
        places = np.linspace(0, 26, n_frames).round().astype(int)
        np.testing.assert_array_equal(read(path, n_frames=n_frames), whole[places])


def test_a_known_number_of_frames_needs_one_pass(tmp_path, monkeypatch):
    pytest.importorskip("av")
    passes = []
    plain = module._go_through
    monkeypatch.setattr(
        module, "_go_through", lambda file: (passes.append(0), plain(file))[1]
    )
    for name, expected in (("a.avi", 1), ("a.mkv", 2)):
        passes.clear()
        read(film(tmp_path / name, FRAMES), n_frames=3)
        assert len(passes) == expected


class Endless(io.RawIOBase):
    """A file that begins again where it ends."""

    def __init__(self, data):
        self.data, self.place = data, 0

    def readable(self):
        return True

    def seek(self, place, whence=0):
        self.place = [place, self.place + place, 2**40][whence]
        return self.place

    def tell(self):
        return self.place

    def readinto(self, buffer):
        start = self.place % len(self.data)
        part = self.data[start : start + len(buffer)]
        buffer[: len(part)] = part
        self.place += len(part)
        return len(part)


TOO_LONG = (
    "has more than 10 frames, the most of one clip. Cut it into shorter clips, or save "
    "its frames as image files in a folder, of which n_frames opens only those that it "
    "picks"
)


@pytest.mark.parametrize("n_frames", [None, 3])
def test_a_clip_that_is_too_long(clip, n_frames, monkeypatch):
    monkeypatch.setattr(module, "MOST_FRAMES", 10)
    if clip.is_dir() and n_frames:
        assert len(read(clip, n_frames=n_frames)) == n_frames
        return
    with pytest.raises(UnreadableImage, match=f"^{re.escape(TOO_LONG)}$"):
        read(clip, n_frames=n_frames)
    monkeypatch.setattr(module, "MOST_FRAMES", 11)
    read(clip, n_frames=n_frames)


@pytest.mark.parametrize("n_frames", [None, 3])
def test_a_film_without_end(n_frames, tmp_path, monkeypatch):
    pytest.importorskip("av")
    monkeypatch.setattr(module, "MOST_FRAMES", 10)
    frames = np.repeat(FRAMES, 3, axis=0)  # more than come before the end is told
    path = film(tmp_path / "a.ts", frames, codec="mpeg2video", pixels="yuv420p")
    endless = Endless(path.read_bytes())
    with pytest.raises(UnreadableImage, match=f"^{re.escape(TOO_LONG)}$"):
        read(endless, n_frames=n_frames)


@pytest.mark.parametrize(
    "form, first, other",
    [("folder", "'1.png'", "'2.png'"), ("tiff", "frame 0", "frame 1")],
)
def test_frames_of_unequal_size_need_a_size(form, first, other, tmp_path):
    frames = [GREYS[0], GREYS[1, :9, :8]]
    clip = make(form, frames, tmp_path)
    sentence = (
        f"has frames of unequal size: {other} has 9 x 8 pixels, {first} has 16 x 24 "
        "pixels. Set size to the (height, width) to which all are to be resized"
    )
    with pytest.raises(UnreadableImage, match=f"^{re.escape(sentence)}$"):
        read(clip)
    assert read(clip, size=(4, 5)).shape == (2, 4, 5)


def test_frames_of_unequal_depth(tmp_path):
    write(tmp_path / "1.png", GREYS[0])
    write(tmp_path / "2.png", GREYS[1].astype(np.uint16))
    sentence = (
        "has frames of unequal depth: '2.png' holds uint16, '1.png' holds uint8. Save "
        "all of them alike"
    )
    with pytest.raises(UnreadableImage, match=f"^{re.escape(sentence)}$"):
        read(tmp_path)


def test_a_broken_file_of_a_folder_is_named(tmp_path):
    clip = make("folder", GREYS, tmp_path)
    write_half(clip / "7.png")
    sentence = "is broken: '7.png' is not an image that Pillow can read: "
    with pytest.raises(UnreadableImage, match=f"^{re.escape(sentence)}"):
        read(clip)
    os.remove(clip / "7.png")
    (clip / "7.png").symlink_to(clip / "gone.png")
    with pytest.raises(UnreadableImage, match="^is broken: '7.png' does not exist$"):
        read(clip)


@pytest.mark.parametrize("form", ["gif", "png", "tiff", "webp"])
def test_an_animation_that_breaks_off(form):
    noise = np.random.RandomState(0).randint(0, 256, (6, 50, 50)).astype(np.uint8)
    data = animation(noise, form)
    place = r"is broken: (frame \d|its list of frames) "
    with pytest.raises(UnreadableImage, match=f"^({place}|is not an image)"):
        read(data[: len(data) // 2])


@pytest.mark.parametrize("n_frames", [None, 3])
def test_a_video_that_breaks_off(n_frames, tmp_path):
    pytest.importorskip("av")
    noise = np.random.RandomState(0).randint(0, 256, (12, 64, 64, 3)).astype(np.uint8)
    data = film(tmp_path / "a.avi", noise, "mjpeg", "yuvj420p").read_bytes()
    sentence = r"^is broken: frame [2-7] (is damaged|cannot be decoded: Invalid)"
    with pytest.raises(UnreadableImage, match=sentence):
        read(data[: len(data) // 2], n_frames=n_frames)


def test_infinite_values_are_named_by_their_frame():
    levels = GREYS.astype(np.float32)
    levels[4, 0, 0] = np.inf
    sentence = "is broken: frame 4 holds infinite values: replace them"
    with pytest.raises(UnreadableImage, match=f"^{re.escape(sentence)}"):
        read(animation(levels, "tiff"))
    read(animation(levels, "tiff"), n_frames=2)


def test_a_video_without_frames(tmp_path):
    av = pytest.importorskip("av")
    path = tmp_path / "a.avi"
    with av.open(path, "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 16
        container.start_encoding()
    for n_frames in (None, 3):
        with pytest.raises(UnreadableImage, match="^is a video without frames$"):
            read(path, n_frames=n_frames)


def test_a_folder_without_frames(tmp_path):
    sentence = (
        "is a folder without image files: a clip is a folder of its frames, one image "
        "file each"
    )
    with pytest.raises(UnreadableImage, match=f"^{re.escape(sentence)}$"):
        read(tmp_path)
    make("folder", GREYS, tmp_path)
    sentence = (
        "is a folder without image files, but with subfolders: if these are the clips, "
        "pass their paths, and list_clips lists those of all classes"
    )
    with pytest.raises(UnreadableImage, match=f"^{re.escape(sentence)}$"):
        read(tmp_path)


def test_a_folder_that_may_not_be_read(tmp_path, monkeypatch):
    def scandir(path):
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(UnreadableImage, match="^cannot be read: Permission denied$"):
        read(tmp_path)


class Stream(io.BytesIO):
    """A file that is gone through once, such as a connection."""

    def seek(self, *args):
        raise io.UnsupportedOperation("seek")


@pytest.mark.parametrize(
    "item, sentence",
    [
        ("no/such.mp4", "does not exist$"),
        ("no/such", "does not exist$"),
        ("no\0where", "cannot be opened: embedded null byte$"),
        (Stream(b"a"), "cannot be read from its start (seek): pass the bytes that it "),
        (io.StringIO("hello"), "is not an image that Pillow can read: "),
    ],
)
def test_why_a_clip_cannot_be_read(item, sentence):
    pattern = re.escape(sentence.rstrip("$")) + ("$" if sentence[-1] == "$" else "")
    with pytest.raises(UnreadableImage, match=f"^{pattern}"):
        read(item)


@pytest.mark.parametrize("data", [b"", b"hello", bytes(9999)])
def test_what_is_neither_image_nor_video(data):
    pytest.importorskip("av")
    sentence = "is neither an image that Pillow can read nor a video that PyAV can read"
    with pytest.raises(UnreadableImage, match=f"^{sentence}: "):
        read(data)


def test_a_clip_that_no_memory_holds(monkeypatch):
    frames = animation([np.full((4, 5), 9 * i, np.uint8) for i in range(5)], "gif")
    assert read_clip(frames, None, None, None)[0].shape == (5, 4, 5)
    monkeypatch.setattr(module, "MOST_BYTES", 60)
    assert read_clip(frames, None, None, 3)[0].shape == (3, 4, 5)
    assert read_clip(frames, (2, 3), None, None)[0].shape == (5, 2, 3)
    with pytest.raises(UnreadableImage, match="has more pixels than the memory holds"):
        read_clip(frames, None, None, None)
