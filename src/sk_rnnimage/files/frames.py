"""Reading the frames of one clip into one array of pixels."""

import io
import os
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from itertools import count
from typing import NamedTuple

import numpy as np

from sk_rnnimage.files.decoding import (
    UnreadableImage,
    get_reason,
    import_pillow,
    list_formats,
    list_suffixes,
    read_image,
    unify,
)
from sk_rnnimage.files.entries import check_folder, scan, sort_naturally
from sk_rnnimage.files.pages import find_pages, get_page, open_image
from sk_rnnimage.files.video import (
    VIDEO_SUFFIXES,
    as_image,
    count_in_header,
    decode_frames,
    import_av,
    open_video,
)
from sk_rnnimage.images.orders import MOST_FRAMES, evenly

MOST_BYTES = 2**32  # of one clip


class Frame(NamedTuple):
    """A frame as it is kept: its name in messages, its pixels (H, W) or (H, W, 3)."""

    name: str
    pixels: np.ndarray
    is_reduced: bool


def read_clip(item, size, mode, n_frames):
    """Read a clip, one frame after the other, each upright, opaque and resized.

    Parameters
    ----------
    item : path, bytes, file object or PIL image
        The clip. The path may be that of a folder of frames.
    size : tuple (H, W) or None
        Size to which each frame is resized.
    mode : {"L", "RGB"} or None
        Grey or colour; None is grey if all frames are.
    n_frames : int or None
        How many frames to pick, evenly over the clip; None takes all.

    Returns
    -------
    pixels : ndarray of shape (T, H, W) or (T, H, W, 3)
        The clip.
    is_reduced : bool
        Whether Pillow reduced 16 bits a channel to 8.

    Raises
    ------
    ImportError
        If the clip is a video and PyAV is not installed.
    UnreadableImage
        If the clip is missing, too long or cannot be decoded, or if its frames differ
        in size or depth.
    """
    with _in_memory():
        frames = _read_frames(
            item, n_frames, _bounded(partial(_read_frame, size, mode))
        )
        if not frames:
            raise UnreadableImage("is a video without frames")
        _refuse_unequal(frames)
        pixels = unify([frame.pixels for frame in frames])
        # A clip that is too short gave each of its frames once: here they are repeated.
        pixels = np.stack([pixels[k] for k in pick_evenly(len(frames), n_frames)])
    return pixels, any(frame.is_reduced for frame in frames)  # (T, H, W[, 3])


@contextmanager
def _in_memory():
    """Say that a clip is too large where the memory does not hold it."""
    try:
        yield
    except MemoryError as error:
        raise UnreadableImage(
            "has more pixels than the memory holds, or than the 4 GiB of one clip. Set "
            "size to a smaller (height, width), or n_frames to pick fewer frames"
        ) from error


def _bounded(read):
    """``read``, as long as its frames take no more than MOST_BYTES.

    A file of a few bytes may declare thousands of large frames.
    """
    kept = 0

    def read_bounded(*args):
        nonlocal kept
        frame = read(*args)
        kept += frame.pixels.nbytes
        if kept > MOST_BYTES:
            raise MemoryError
        return frame

    return read_bounded


def pick_evenly(length, n_frames):
    """Return the places of the frames to take, in order, some repeatedly."""
    if n_frames is None or length == 0:
        return range(length)
    return evenly(length, n_frames).tolist()


def _pick_once(length, n_frames):
    return sorted(set(pick_evenly(length, n_frames)))


def _read_frames(item, n_frames, read):
    """Read the frames of a clip of whatever kind."""
    if isinstance(item, import_pillow().Image):
        return _read_pages(item, n_frames, read)
    if isinstance(item, (str, os.PathLike)) and os.path.isdir(item):
        return _read_folder(item, n_frames, read)
    with _open_file(item) as file:
        if _is_video(item):
            return _read_film(file, n_frames, read)
        image = open_image(file)
        if image is not None:
            return _read_pages(image, n_frames, read)
        _refuse_without_av()
        return _read_film(file, n_frames, read)


def _read_frame(size, mode, name, get_image, *args):
    """Read a frame, of which ``get_image`` gives the PIL image or the path."""
    with _naming(name):
        pixels, is_reduced = read_image(get_image(*args), size, mode)
    return Frame(name, pixels, is_reduced)


@contextmanager
def _naming(place):
    """Name the place in a clip where an error arises."""
    try:
        yield
    except UnreadableImage as error:
        raise UnreadableImage(f"is broken: {place} {error}") from error
    except MemoryError:
        raise
    except Exception as error:
        raise UnreadableImage(
            f"is broken: {place} cannot be decoded: {get_reason(error)}"
        ) from error


def _refuse_long(length):
    if length > MOST_FRAMES:
        raise UnreadableImage(
            f"has more than {MOST_FRAMES:,} frames, the most of one clip. Cut it into "
            "shorter clips, or save its frames as image files in a folder, of which "
            "n_frames opens only those that it picks"
        )


def _refuse_unequal(frames):
    """Raise an error if frames differ in size or depth."""
    first = frames[0]
    for frame in frames:
        if frame.pixels.shape[:2] != first.pixels.shape[:2]:
            raise UnreadableImage(
                f"has frames of unequal size: {_describe_size(frame)}, "
                f"{_describe_size(first)}. Set size to the (height, width) to which "
                "all are to be resized"
            )
        if frame.pixels.dtype != first.pixels.dtype:
            raise UnreadableImage(
                f"has frames of unequal depth: {frame.name} holds {frame.pixels.dtype},"
                f" {first.name} holds {first.pixels.dtype}. Save all of them alike"
            )


def _describe_size(frame):
    height, width = frame.pixels.shape[:2]
    return f"{frame.name} has {height} x {width} pixels"


def _read_folder(folder, n_frames, read):
    """Read the image files of a folder; none is opened that is not picked."""
    paths = _list_frames(folder)
    places = _pick_once(len(paths), n_frames)
    _refuse_long(len(places))
    picked = [paths[k] for k in places]
    return [read(repr(os.path.basename(path)), os.fspath, path) for path in picked]


def _list_frames(folder):
    """List the image files of a folder in their natural order."""
    try:
        folder = check_folder(folder)
        folders, files = scan(folder, list_suffixes(list_formats()))
    except ValueError as error:
        raise UnreadableImage(
            f"cannot be read: {get_reason(error.__cause__)}"
        ) from error
    if not files and folders:
        raise UnreadableImage(
            "is a folder without image files, but with subfolders: if these are the "
            "clips, pass their paths, and list_clips lists those of all classes"
        )
    if not files:
        raise UnreadableImage(
            "is a folder without image files: a clip is a folder of its frames, one "
            "image file each"
        )
    return sort_naturally(files)


def _open_file(item):
    """Open a path or bytes as a binary file; a file stays open for its owner."""
    if isinstance(item, (bytes, bytearray)):
        return io.BytesIO(item)
    if hasattr(item, "read"):
        return _rewind(item)
    try:
        return open(item, "rb")
    except FileNotFoundError as error:
        raise UnreadableImage("does not exist") from error
    except Exception as error:  # OSError, or a path that no system allows
        raise UnreadableImage(f"cannot be opened: {get_reason(error)}") from error


def _rewind(file):
    """Go to the start of a file object, as what no longer has one may be endless."""
    try:
        file.seek(0)
    except Exception as error:
        raise UnreadableImage(
            f"cannot be read from its start ({get_reason(error)}): pass the bytes that "
            "it gives"
        ) from error
    return nullcontext(file)


def _is_video(item):
    """Tell whether the suffix of a path is one of videos."""
    is_path = isinstance(item, (str, os.PathLike))
    return is_path and os.path.splitext(item)[1].lower() in VIDEO_SUFFIXES


def _refuse_without_av():
    """Raise an error that names a file, of which it is not known that it is a video."""
    try:
        import_av()
    except ImportError as error:
        raise UnreadableImage(
            f"is not an image that Pillow can read. {error}"
        ) from error


def _read_pages(image, n_frames, read):
    """Read the frames of a PIL image, which then is where it was."""
    with _naming("its list of frames"):
        start = image.tell()
        first, length = find_pages(image)
    _refuse_long(length)
    try:
        return [
            read(f"frame {k}", get_page, image, first + k)
            for k in _pick_once(length, n_frames)
        ]
    finally:
        with suppress(Exception):  # a broken one, which has its error already
            image.seek(start)


def _read_film(file, n_frames, read):
    """Read the frames of a video, of which those that are not picked are not kept."""
    if n_frames is None:
        return _read_places(file, range(MOST_FRAMES + 1), read)
    places = _pick_once(count_in_header(file), n_frames)
    frames = _read_places(file, places, read) if places else []
    if frames and len(frames) == len(places):
        return frames
    # The header does not say how many there are, or counts some that are not shown.
    length = sum(1 for _ in _go_through(file))
    return _read_places(file, _pick_once(length, n_frames), read)


def _read_places(file, places, read):
    """Read the frames of a video at the given places, in one pass."""
    frames = []
    for number, frame in _go_through(file):
        if number == places[len(frames)]:
            frames.append(read(f"frame {number}", as_image, frame))
        if len(frames) == len(places):
            break
    return frames


def _go_through(file):
    """Yield the numbers and the frames of a video, as PyAV decodes them."""
    with open_video(file) as stream:
        _refuse_long(stream.frames)
        frames = decode_frames(stream)
        for number in count():
            with _naming(f"frame {number}"):
                frame = next(frames, None)
            if frame is None:
                return
            _refuse_long(number + 1)
            yield number, frame
