"""The frames of a video file, which PyAV decodes."""

from contextlib import contextmanager

from sk_rnnimage._environment.optional import needed
from sk_rnnimage.files.decoding import UnreadableImage, get_reason, import_pillow

VIDEO_SUFFIXES = frozenset(
    ".3g2 .3gp .asf .avi .f4v .flv .m2ts .m2v .m4v .mjpeg .mjpg .mkv .mov .mp4 .mpeg "
    ".mpg .mts .mxf .ogm .ogv .ts .vob .webm .wmv .y4m".split()
)


def import_av():
    """Return the module ``av``, or raise an error with the install command."""
    with needed("Reading video files", "PyAV", "video"):
        import av
    return av


@contextmanager
def open_video(file):
    """Open the main video stream of a binary file, from its start.

    Raises
    ------
    UnreadableImage
        If PyAV does not know the format, or there is no such stream.
    """
    av = import_av()
    try:
        file.seek(0)
        # A playlist could have any other file opened, or any address.
        container = av.open(file, options={"protocol_whitelist": "data"})
    except Exception as error:  # FFmpegError, OSError, ...
        raise UnreadableImage(
            "is neither an image that Pillow can read nor a video that PyAV can read: "
            f"{get_reason(error)}"
        ) from error
    with container:
        stream = container.streams.best("video")
        # FFmpeg also draws the letters of a text file.
        known = stream is not None and stream.codec_context is not None
        if not known or container.format.name == "tty":
            raise UnreadableImage("holds no video that PyAV can decode")
        stream.codec_context.thread_count = 1  # n_jobs says how many threads there are
        yield stream


def count_in_header(file):
    """Return how many frames the header of a video promises; 0 if it does not say."""
    with open_video(file) as stream:
        return stream.frames


def decode_frames(stream):
    """Yield the frames of a video stream, none of them damaged."""
    for packet in stream.container.demux(stream):
        for frame in packet.decode():
            _refuse_damaged(frame)
            yield frame
        _refuse_damaged(packet)


def _refuse_damaged(part):
    """Raise an error where FFmpeg tells that it has filled in what is missing."""
    if part.is_corrupt:
        raise UnreadableImage("is damaged, or the file breaks off there")


def as_image(frame):
    """Convert a frame of a video to an upright PIL image."""
    pixels = frame.to_ndarray(format=_get_format(frame.format))
    image = import_pillow().fromarray(pixels)
    # Pillow, too, counts the degrees counterclockwise; a quarter turn is exact.
    return image.rotate(frame.rotation, expand=True) if frame.rotation else image


def _get_format(pixels):
    """Return the format of pixels that Pillow knows, closest to that of a video."""
    if len(pixels.components) == 1 and not pixels.has_palette:
        return "gray" if pixels.components[0].bits <= 8 else "gray16le"
    has_alpha = any(component.is_alpha for component in pixels.components)
    return "rgba" if has_alpha else "rgb24"
