"""Cases of image, clip and model files whose headers promise what is not there."""

import io
import json
import struct
import zlib
from pathlib import Path

import numpy as np
from fuzzed import Case
from fuzzed_files import no_code_runs
from hypothesis import strategies as st

from sk_rnnimage import ClipReader, ImageReader, load

SIDES = st.sampled_from([0, 1, 5, 999, 2**14, 2**16 - 1, 2**31 - 1, 2**32 - 1])


def _chunk(name, data):
    checked = name + data
    return (
        struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))
    )


def _png(width, height, depth, colour, data=b""):
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    chunks = _chunk(b"IHDR", head) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


@st.composite
def _pngs(draw):
    depth, colour = draw(st.sampled_from([(8, 0), (8, 2), (16, 0), (1, 0), (8, 9)]))
    data = draw(st.sampled_from([b"", zlib.compress(bytes(2**20)), b"x" * 99]))
    return _png(draw(SIDES), draw(SIDES), depth, colour, data)


def _short(side):
    return struct.pack("<H", min(side, 2**16 - 1))


@st.composite
def _gifs(draw):
    """A GIF whose frames, of a pixel each or more, lie on a screen of any size."""
    screen = _short(draw(SIDES)) + _short(draw(SIDES))
    head = b"GIF89a" + screen + b"\x80\0\0" + bytes(6)
    width, height = (_short(draw(SIDES)) for _ in range(2))
    frame = b"\x2c" + bytes(4) + width + height + b"\0\x02\x02\x44\x01\0"
    return head + frame * draw(st.sampled_from([1, 2, 3])) + b"\x3b"


@st.composite
def _tiffs(draw):
    """A TIFF of tags with any types, counts and values, which may point anywhere."""
    tags = {256: 4, 257: 4, 258: 3, 259: 3, 262: 3, 273: 4, 277: 3, 278: 4, 279: 4}
    values = st.sampled_from([0, 1, 2, 3, 5, 7, 8, 16, 32, 200, 2**16, 2**32 - 1])
    good = {256: 5, 257: 4, 258: 8, 259: 1, 262: 1, 273: 200, 277: 1, 278: 4, 279: 20}
    for tag in draw(st.lists(st.sampled_from(sorted(tags)), max_size=3)):
        good[tag] = draw(values)
    if draw(st.booleans()):
        tag = draw(
            st.sampled_from([266, 274, 317, 320, 322, 323, 330, 338, 339, 34665])
        )
        good[tag], tags[tag] = draw(values), draw(st.sampled_from([1, 2, 3, 4, 5, 12]))
    odd = draw(st.sampled_from([None, *good]))
    entries = b""
    for tag, value in sorted(good.items()):
        kind, count = tags[tag], 1
        if tag == odd:
            kind, count = draw(st.sampled_from([0, 1, 2, 4, 5, 13, 99])), draw(values)
        entries += struct.pack("<HHII", tag, kind, count, value)
    following = draw(st.sampled_from([0, 0, 8, 2**31]))  # 8 is this page again
    directory = struct.pack("<H", len(good)) + entries + struct.pack("<I", following)
    return (b"II*\0" + struct.pack("<I", 8) + directory).ljust(200, b"\0") + bytes(40)


@st.composite
def _nets(draw):
    """A PGM, PPM or PFM of any size, with a few values."""
    kind = draw(st.sampled_from(["P5", "P6", "P2", "Pf", "P4"]))
    largest = draw(st.sampled_from(["255", "65535", "1", "0", "99999", "-1.0", "x"]))
    text = f"{kind}\n{draw(SIDES)} {draw(SIDES)}\n{largest}\n"
    return text.encode() + bytes(draw(st.sampled_from([0, 25, 9999])))


@st.composite
def _bitmaps(draw):
    """A BMP of any size, depth and compression."""
    sizes = struct.pack("<II", draw(SIDES), draw(SIDES))
    depth = draw(st.sampled_from([1, 8, 24, 32, 99]))
    rest = struct.pack(
        "<HHIIIIII", 1, depth, draw(st.sampled_from([0, 1, 3])), *[0] * 5
    )
    return b"BM" + struct.pack("<IHHI", 99, 0, 0, 54) + b"\x28\0\0\0" + sizes + rest


IMAGES = {"png": _pngs, "gif": _gifs, "tiff": _tiffs, "pnm": _nets, "bmp": _bitmaps}


@st.composite
def _tensors(draw):
    """A file of safetensors whose header has any length, and names any offsets."""
    entry = {
        "dtype": draw(st.sampled_from(["F32", "F64", "U8", "X9", "BF16"])),
        "shape": draw(st.lists(SIDES, max_size=3)),
        "data_offsets": [draw(SIDES), draw(SIDES)],
    }
    meta = draw(st.sampled_from(["", "{}", "[" * 9999, '{"format": 1}', "x" * 99]))
    text = json.dumps({"a": entry, "__metadata__": {"sk_rnnimage": meta}}).encode()
    lengths = [len(text), len(text), 0, 1, 2**31, 2**40, 2**64 - 1]
    length = draw(st.sampled_from(lengths))
    return struct.pack("<Q", length) + text + bytes(draw(st.sampled_from([0, 64])))


def _is_small(answer):
    arrays = answer if isinstance(answer, list) else [answer]
    assert all(np.asarray(array).size for array in arrays)


@st.composite
def headers(draw):
    """A file that promises more than it holds is refused, or read as what it holds."""
    kind = draw(st.sampled_from([*IMAGES, "tensors"]))
    if kind == "tensors":
        data, path = draw(_tensors()), Path("tensors.sk").absolute()

        def call():
            path.write_bytes(data)
            with no_code_runs():
                return load(path)

        return Case(f"tensors {data[:300].hex()}", call, named=str(path))
    data = draw(IMAGES[kind]())
    size = draw(st.sampled_from([None, (4, 6)]))
    reader = draw(st.sampled_from([ImageReader(size), ClipReader(size)]))
    words = f"{reader} of a {kind}, {data[:300].hex()}"
    return Case(words, lambda: reader.transform([io.BytesIO(data)]), _is_small, "X[0]")
