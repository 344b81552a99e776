"""Cases of image files, clip files and model files in which something is wrong."""

import contextlib
import copy
import functools
import io
import sys
from pathlib import Path

import numpy as np
from conftest import draw, make
from files_by_hand import COLOUR, GREY, animation, as_bytes, film, fits, png, tiff
from fuzzed import Case
from hypothesis import strategies as st
from PIL import Image
from saved_by_hand import opened, written
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_rnnimage import (
    ClipReader,
    CRNNImageClassifier,
    ImageReader,
    ImageToSequence,
    RNNImageClassifier,
    load,
    save,
)

FRAMES = [GREY, GREY[::-1], GREY[:, ::-1]]


@functools.cache
def images():
    """One good file of each of many formats, by its name."""
    colour, grey = Image.fromarray(COLOUR), Image.fromarray(GREY)
    forms = "png jpeg gif bmp ppm tiff webp ico tga sgi pcx jpeg2000 dds".split()
    files = {form: as_bytes(colour, form) for form in forms}
    files |= {f"grey {form}": as_bytes(grey, form) for form in ("png", "jpeg", "webp")}
    files["png of 16 bits"] = png(COLOUR.astype(np.uint16) * 257, 2)
    files["float tiff"] = tiff(GREY.astype(np.float32))
    files["packed tiff"] = as_bytes(colour, "tiff", compression="tiff_lzw")
    files["fits"] = fits(GREY.astype(np.int16))
    return files


@functools.cache
def clips():
    """One good file of several frames of each of some formats, by its name."""
    files = {form: animation(FRAMES, form) for form in ("gif", "png", "webp", "tiff")}
    colours = [np.pad(np.stack([f] * 3, -1), ((0, 11), (0, 9), (0, 0))) for f in FRAMES]
    for suffix, codec in {"mkv": "ffv1", "avi": "mjpeg", "mp4": "mpeg4"}.items():
        pixels = {"mjpeg": "yuvj420p", "mpeg4": "yuv420p"}.get(codec)
        path = film(Path("films", f"a.{suffix}").absolute(), colours, codec, pixels)
        files[suffix] = path.read_bytes()
    return files


@functools.cache
def models():
    """Good files of save, by their names."""
    X, y = draw(12)
    small = make(CRNNImageClassifier, hidden_size=2, max_epochs=1)
    rnn = make(RNNImageClassifier, hidden_size=2, max_epochs=1, scan="rows")
    pipeline = make_pipeline(ImageToSequence(), copy.copy(rnn))
    scaled = make_pipeline(StandardScaler(), copy.copy(rnn))
    folder = Path("models").absolute()
    folder.mkdir()
    for model, name in ((small, "crnn"), (rnn, "rnn"), (pipeline, "pipeline")):
        save(model.fit(X, y), folder / name)
    save(scaled.fit(X.reshape(12, -1), y), folder / "scaled")
    return {path.name: path for path in folder.iterdir()}


@st.composite
def damaged(draw_value, good):
    """A file with flipped bits, other bytes, a part missing or a part twice."""
    data = bytearray(good)
    for _ in range(draw_value(st.integers(1, 3))):
        if not data:
            break
        # where headers are, or anywhere
        last = draw_value(st.sampled_from([min(63, len(data) - 1), len(data) - 1]))
        place = draw_value(st.integers(0, last))
        way = draw_value(st.sampled_from("bit byte end cut twice ones".split()))
        if way == "bit":
            data[place] ^= 1 << draw_value(st.integers(0, 7))
        elif way == "byte":
            data[place] = draw_value(st.integers(0, 255))
        elif way == "ones":
            data[place : place + 4] = b"\xff" * 4
        elif way == "end":
            del data[place:]
        elif way == "cut":
            del data[place : place + draw_value(st.integers(1, 9))]
        else:
            data[place:place] = data[place : place + 16]
    return bytes(data)


def _are_pixels(answer):
    (pixels,) = answer
    assert pixels.dtype.kind in "uif" and pixels.size, pixels.dtype


@st.composite
def image_files(draw_value):
    """A damaged image is read as pixels, or refused."""
    name = draw_value(st.sampled_from(sorted(images())))
    data = draw_value(damaged(images()[name]))
    size = draw_value(st.sampled_from([None, (4, 6)]))
    mode = draw_value(st.sampled_from([None, "L", "RGB"]))
    reader = ImageReader(size, mode=mode)
    return _reading(reader, name, data)


@st.composite
def clip_files(draw_value):
    """A damaged clip is read as frames, or refused."""
    name = draw_value(st.sampled_from(sorted(clips())))
    data = draw_value(damaged(clips()[name]))
    size = draw_value(st.sampled_from([None, (4, 6)]))
    n_frames = draw_value(st.sampled_from([None, 2]))
    reader = ClipReader(size, n_frames=n_frames)
    return _reading(reader, name, data)


def _reading(reader, name, data):
    words = f"{reader} of a damaged {name}, {data[:300].hex()}"
    return Case(words, lambda: reader.transform([data]), _are_pixels, named="X[0]")


# Model files


RUNS = ("pickle.", "os.system", "os.exec", "os.posix_spawn", "os.fork", "subprocess.")
RUNS += ("socket.", "os.remove", "os.rename", "shutil.", "ctypes.dlopen")
_heard, _listening, _hooked = [], [], []


def _hear(event, arguments):
    if _listening and event.startswith(RUNS):
        _heard.append(event)


@contextlib.contextmanager
def no_code_runs(but=()):
    """Raise where something starts a program, unpickles, connects or removes files."""
    if _hear not in _hooked:
        sys.addaudithook(_hear)  # which stays for good
        _hooked.append(_hear)
    _heard.clear()
    _listening.append(True)
    try:
        yield
    finally:
        _listening.pop()
    heard = [event for event in _heard if event not in but]
    assert not heard, f"the file made it run {heard}"


STRANGE = [None, True, -1, 0, 2, 2**31, 2**64, 1e308, "", "x", [], {}, [[]]]
STRANGE += [{"estimator": ["os.system", []]}, {"array": ["x", False]}, {"tuple": [1]}]
STRANGE += [{"dtype": "|O"}, {"scalar": ["<f8", "x"]}, {"strings": ["<U9", [9], []]}]


def places(node, place=()):
    """The places of all nodes of a tree of JSON."""
    yield place
    items = node.items() if isinstance(node, dict) else enumerate(node)
    for key, item in items if isinstance(node, (dict, list)) else ():
        yield from (
            places(item, (*place, key))
            if isinstance(item, (dict, list))
            else [(*place, key)]
        )


def replaced(tree, place, value):
    if not place:
        return value
    tree = copy.deepcopy(tree)
    node = tree
    for key in place[:-1]:
        node = node[key]
    node[place[-1]] = value
    return tree


@st.composite
def _strange_recipes(draw_value, path):
    """A file of save whose tree has something else at some place."""
    tree, arrays = opened(path)
    place = draw_value(st.sampled_from(list(places(tree))))
    tree = replaced(tree, place, draw_value(st.sampled_from(STRANGE)))
    other = written(path.with_suffix(".other"), tree, arrays)
    return f"a strange {path.name} at {place}", other.read_bytes()


@st.composite
def model_files(draw_value):
    """A damaged model is loaded without running anything, or refused."""
    path = models()[draw_value(st.sampled_from(sorted(models())))]
    if draw_value(st.booleans()):
        words, data = draw_value(_strange_recipes(path))
    else:
        words, data = f"a damaged {path.name}", draw_value(damaged(path.read_bytes()))
    damaged_path = path.with_suffix(".damaged")

    def call():
        damaged_path.write_bytes(data)
        with no_code_runs():
            model = load(damaged_path)
        return model

    return Case(words, call, _may_predict, named=str(damaged_path))


def _may_predict(model):
    """The process survives what a strange model predicts, and nothing else runs."""
    with (
        no_code_runs(),
        contextlib.suppress(Exception),
        contextlib.redirect_stdout(io.StringIO()),
    ):
        model.predict(draw(2)[0].reshape(2, -1))
