import builtins
import io
import re

import numpy as np
import pytest
from files_by_hand import film

from sk_rnnimage.files.decoding import UnreadableImage
from sk_rnnimage.files.video import (
    as_image,
    count_in_header,
    decode_frames,
    import_av,
    open_video,
)

pytest.importorskip("av")
RNG = np.random.RandomState(0)
COLOURS = RNG.randint(0, 256, (5, 16, 24, 3)).astype(np.uint8)
GREYS = RNG.randint(0, 256, (5, 16, 24)).astype(np.uint8)


def read(path):
    with open(path, "rb") as file, open_video(file) as stream:
        return [np.asarray(as_image(f)) for f in decode_frames(stream)]


@pytest.mark.parametrize(
    "frames, pixels",
    [
        (COLOURS, None),
        (GREYS, None),
        (GREYS.astype(np.uint16) * 257 + 3, None),
        (GREYS.astype(np.uint16) * 256, "gray10le"),
    ],
)
def test_pixels_are_those_of_the_file(frames, pixels, tmp_path):
    found = read(film(tmp_path / "a.mkv", frames, pixels=pixels))
    assert {page.dtype for page in found} == {frames.dtype}
    tolerance = 80 if pixels else 0  # ten bits on the scale of sixteen
    np.testing.assert_allclose(np.array(found, int), frames, atol=tolerance)


def test_transparency_is_kept_for_those_who_blend(tmp_path):
    found = read(film(tmp_path / "a.mkv", COLOURS, pixels="bgra"))
    np.testing.assert_array_equal(found[0][..., :3], COLOURS[0])
    np.testing.assert_array_equal(found[0][..., 3], 255)


@pytest.mark.parametrize("rotation", [90, 180, -90])
def test_frames_are_turned_upright(rotation, tmp_path):
    ramps = np.kron(GREYS[:, ::8, ::8], np.ones((8, 8))).astype(np.uint8)
    frames = np.stack([ramps] * 3, axis=-1)  # (T, H, W, 3)
    how = {"codec": "mjpeg", "pixels": "yuvj444p"}
    plain = read(film(tmp_path / "a.mp4", frames, **how))
    turned = read(film(tmp_path / "b.mp4", frames, rotation=rotation, **how))
    np.testing.assert_array_equal(turned[2], np.rot90(plain[2], rotation // 90))


@pytest.mark.parametrize(
    "name, promised", [("a.avi", 5), ("a.mkv", 0), ("a.mp4", 5), ("a.ts", 0)]
)
def test_some_headers_say_how_many_frames_there_are(name, promised, tmp_path):
    codec = "mpeg2video" if name == "a.ts" else "mpeg4"
    path = film(tmp_path / name, COLOURS, codec, "yuv420p")
    with open(path, "rb") as file:
        assert count_in_header(file) == promised
        assert count_in_header(file) == promised  # from its start


@pytest.mark.parametrize("share", [0.45, 0.55])
def test_what_breaks_off_is_damaged(share, tmp_path):
    noise = np.random.RandomState(0).randint(0, 256, (12, 64, 64, 3)).astype(np.uint8)
    path = film(tmp_path / "a.avi", noise, "mjpeg", "yuvj420p")
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    sentence = "is damaged, or the file breaks off there"
    with pytest.raises(UnreadableImage, match=f"^{sentence}$"):
        read(path)


@pytest.mark.parametrize("data", [b"", b"hello", bytes(5000)])
def test_what_is_no_video(data):
    sentence = (
        "is neither an image that Pillow can read nor a video that PyAV can read: "
        "Invalid data found when processing input"
    )
    with (
        pytest.raises(UnreadableImage, match=f"^{re.escape(sentence)}$"),
        open_video(io.BytesIO(data)),
    ):
        pass


def test_a_text_is_no_video(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("A note of many words.\n" * 100)
    with pytest.raises(UnreadableImage), open(path, "rb") as file, open_video(file):
        pass


def test_a_sound_is_no_video(tmp_path):
    import av

    path = tmp_path / "a.mkv"
    with av.open(path, "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        sound = np.zeros((1, 800), dtype=np.int16)
        frame = av.AudioFrame.from_ndarray(sound, format="s16", layout="mono")
        frame.rate = 8000
        container.mux([*stream.encode(frame), *stream.encode(None)])
    with (
        pytest.raises(UnreadableImage, match="^holds no video that PyAV can decode$"),
        open(path, "rb") as file,
        open_video(file),
    ):
        pass


@pytest.mark.parametrize(
    "text",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:1,\n{}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile {}\n",
    ],
)
def test_a_playlist_opens_no_other_file(text, tmp_path):
    film(tmp_path / "a.ts", COLOURS, codec="mpeg2video", pixels="yuv420p")
    path = tmp_path / "list.m3u8"
    path.write_text(text.format("a.ts"))
    with pytest.raises(UnreadableImage), open(path, "rb") as file, open_video(file):
        pass


def test_without_av_the_install_line_is_given(monkeypatch):
    plain = builtins.__import__

    def without_av(name, *args, **kwargs):
        if name == "av":
            raise ImportError(name)
        return plain(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_av)
    sentence = (
        "Reading video files needs PyAV, which is not installed: "
        'pip install "sk_rnnimage[video]"'
    )
    with pytest.raises(ImportError, match=f"^{re.escape(sentence)}$"):
        import_av()


def test_a_stream_without_a_decoder(tmp_path):
    data = bytearray(
        film(tmp_path / "a.mp4", list(COLOURS), "mpeg4", "yuv420p").read_bytes()
    )
    place = data.index(b"mp4v")
    data[place : place + 4] = b"xxxx"
    place = data.index(b"esds")
    data[place : place + 4] = b"xxxx"
    with pytest.raises(UnreadableImage, match="holds no video that PyAV can decode"):
        with open_video(io.BytesIO(data)):
            pass
