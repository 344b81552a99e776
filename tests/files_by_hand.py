"""Small images as files, also of kinds that Pillow does not write."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

RNG = np.random.RandomState(0)
COLOUR = RNG.randint(0, 256, (5, 7, 3)).astype(np.uint8)
GREY = RNG.randint(0, 256, (5, 7)).astype(np.uint8)


def write(path, pixels, **how):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **how)
    return path


def write_half(path):
    """A PNG that breaks off in the middle of its pixels."""
    write(path, RNG.randint(0, 256, (99, 99)).astype(np.uint8))
    path.write_bytes(path.read_bytes()[:4000])
    return path


def as_bytes(image, form="png", **how):
    buffer = io.BytesIO()
    image.save(buffer, form, **how)
    return buffer.getvalue()


def tiff(values, order="<"):
    """An uncompressed TIFF of an array (H, W) or (H, W, 3), in its own dtype."""
    n_channels = 1 if values.ndim == 2 else 3
    size, kind = values.dtype.itemsize, {"u": 1, "i": 2, "f": 3}[values.dtype.kind]
    pixels = values.astype(values.dtype.newbyteorder(order)).tobytes()
    pixels += b"\0" * (len(pixels) % 2)
    bits = struct.pack(f"{order}3H", *[8 * size] * 3)
    tags = [  # TIFF 6.0, section 2: tag, type (3 short, 4 long), count, value
        (256, 4, 1, values.shape[1]),
        (257, 4, 1, values.shape[0]),
        (258, 3, n_channels, 8 * size if n_channels == 1 else 8),  # or its offset
        (259, 3, 1, 1),
        (262, 3, 1, 1 if n_channels == 1 else 2),
        (273, 4, 1, 8 + len(bits)),
        (277, 3, 1, n_channels),
        (278, 4, 1, values.shape[0]),
        (279, 4, 1, len(pixels)),
        (339, 3, 1, kind),
    ]
    head = {"<": b"II", ">": b"MM"}[order]
    head += struct.pack(f"{order}HI", 42, 8 + len(bits) + len(pixels))
    entries = b"".join(
        struct.pack(f"{order}HHI", *tag[:3])
        + (
            struct.pack(f"{order}HH", tag[3], 0)
            if tag[1:3] == (3, 1)
            else struct.pack(f"{order}I", tag[3])
        )
        for tag in tags
    )
    count = struct.pack(f"{order}H", len(tags))
    return head + bits + pixels + count + entries + b"\0" * 4


def png(values, colour_type):
    """A PNG of 16 bits a channel of an array (H, W, C)."""

    def chunk(name, data):
        checksum = struct.pack(">I", zlib.crc32(name + data))
        return struct.pack(">I", len(data)) + name + data + checksum

    height, width = values.shape[:2]
    lines = b"".join(b"\0" + line.astype(">u2").tobytes() for line in values)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(
            b"IHDR", struct.pack(">IIBBBBB", width, height, 16, colour_type, *[0] * 3)
        )
        + chunk(b"IDAT", zlib.compress(lines))
        + chunk(b"IEND", b"")
    )


def fits(values):
    """A FITS file of signed integers (H, W), whose last line comes first."""
    cards = [
        ("SIMPLE", "T"),
        ("BITPIX", 8 * values.dtype.itemsize),
        ("NAXIS", 2),
        ("NAXIS1", values.shape[1]),
        ("NAXIS2", values.shape[0]),
    ]
    head = "".join(f"{name:8s}= {value!s:>20s}".ljust(80) for name, value in cards)
    pixels = values[::-1].astype(values.dtype.newbyteorder(">")).tobytes()
    return (head + "END").ljust(2880).encode() + pixels.ljust(2880, b"\0")


def animation(frames, form="gif", **how):
    """An animated image, or a TIFF of pages, of arrays."""
    first, *others = map(Image.fromarray, frames)
    return as_bytes(first, form, save_all=True, append_images=others, **how)


def film(path, frames, codec="ffv1", pixels=None, rotation=0, trimmed=0):
    """A video of arrays (H, W) or (H, W, 3); ffv1 loses nothing.

    The first ``trimmed`` frames are in the file, but its header says not to show them.
    """
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    given = {"u1": "gray", "u2": "gray16le"}[frames[0].dtype.str[1:]]
    given = "rgb24" if frames[0].ndim == 3 else given
    with av.open(path, "w") as container:
        stream = container.add_stream(codec, rate=10)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = pixels or given.replace("rgb24", "bgr0")
        if rotation:
            stream.set_display_rotation(rotation)
        for number, frame in enumerate([*frames, None]):
            picture = None
            if frame is not None:
                picture = av.VideoFrame.from_ndarray(frame, format=given)
                picture.pts = number - trimmed
            container.mux(stream.encode(picture))
    return path
