"""Listing the clips of a folder, and their labels."""

import os

import numpy as np

from sk_rnnimage._environment.borrowed import validate_params
from sk_rnnimage.files.decoding import (
    get_reason,
    import_pillow,
    list_formats,
    list_suffixes,
)
from sk_rnnimage.files.entries import check_folder, scan, sort_naturally, walk
from sk_rnnimage.files.pages import CLIP_FORMATS
from sk_rnnimage.files.video import VIDEO_SUFFIXES


@validate_params(
    {"folder": [str, os.PathLike]},
    prefer_skip_nested_validation=True,
)
def list_clips(folder: str | os.PathLike[str]) -> tuple[list[str], np.ndarray | None]:
    """List the clips of a folder, with labels if it has one subfolder per class.

    The clips of a class are the files of several frames in its folder, and the folders
    of frames: ``folder/class/clip.gif``, ``folder/class/clip.mp4`` and
    ``folder/class/clip/1.png``. A folder that holds files of several frames itself has
    no labels. Folders of frames without labels are listed if they lie in a subfolder,
    as if that were the one class.

    A video is known by its suffix. GIF, WebP, PNG, AVIF and TIFF files are opened to
    see whether they have several frames. Hidden files and folders are ignored.

    Parameters
    ----------
    folder : str or path-like
        The folder that holds the class folders, or the files.

    Returns
    -------
    paths : list of str
        Paths of the clips, by class, in the order in which a person sorts: ``walk2``
        comes before ``walk10``.
    labels : ndarray of shape (n,) or None
        Name of the class folder of each path; None if the folder holds clips itself.

    Raises
    ------
    ImportError
        If Pillow is not installed.
    ValueError
        If the folder is missing, may not be read, holds no clips, or holds clips beside
        its class folders; if a class folder holds none, single images or folders of
        clips; if files cannot be opened.

    See Also
    --------
    ClipReader : Read the listed clips into arrays.
    list_images : List single images.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> from sk_rnnimage import list_clips
    >>> temporary = tempfile.TemporaryDirectory()
    >>> for clip in ("run/a", "walk/b", "walk/c"):
    ...     folder = Path(temporary.name, clip)
    ...     folder.mkdir(parents=True)
    ...     for number in range(3):
    ...         Image.new("L", (2, 2)).save(folder / f"{number}.png")
    >>> paths, labels = list_clips(temporary.name)
    >>> [Path(path).name for path in paths], labels.tolist()
    (['a', 'b', 'c'], ['run', 'walk', 'walk'])
    >>> temporary.cleanup()
    """
    folder = check_folder(folder)
    suffixes = list_suffixes(list_formats()) | VIDEO_SUFFIXES
    folders, files = scan(folder, suffixes)
    clips = _select_clips(folder, files)
    if clips:
        _refuse_mixture(folder, clips[0], folders, suffixes)
        return sort_naturally(clips), None
    if not folders:
        raise ValueError(
            f"The folder {folder!r} holds neither clips nor class folders. Put the "
            "clips of each class into a folder of its own, which names the class."
        )
    pairs = [
        (path, os.path.basename(class_folder))
        for class_folder in sort_naturally(folders)
        for path in _list_class(class_folder, suffixes)
    ]
    return [path for path, _ in pairs], np.array([label for _, label in pairs])


def _list_class(folder, suffixes):
    """List the clips of a class folder: files, and folders of frames."""
    folders, files = scan(folder, suffixes)
    clips = _select_clips(folder, files)
    clips += [path for path in folders if _holds_frames(path, suffixes)]
    if not clips:
        raise ValueError(
            f"The class folder {folder!r} holds no clips. Add some, or move it "
            "elsewhere."
        )
    return sort_naturally(clips)


def _select_clips(folder, files):
    """Return the files, or raise an error if some have a single frame or are broken."""
    kinds = {path: _find_kind(path) for path in files}
    broken = {p: kind for p, kind in kinds.items() if kind not in ("clip", "still")}
    if broken:
        named = ", ".join(f"{path!r} ({reason})" for path, reason in broken.items())
        raise ValueError(
            f"{len(broken)} files of the folder {folder!r} are not images that Pillow "
            f"can read: {named}. Repair or remove them."
        )
    for path, kind in kinds.items():
        if kind == "still":
            raise ValueError(
                f"The folder {folder!r} holds single images, for instance {path!r}. "
                "Put the frames of each clip into a folder of its own below a class "
                "folder (folder/class/clip/1.png), or list single images with "
                "list_images."
            )
    return files


def _find_kind(path):
    """Return "clip", "still", or why Pillow cannot open a file."""
    suffix = os.path.splitext(path)[1].lower()
    if suffix in VIDEO_SUFFIXES:
        return "clip"
    if suffix not in list_suffixes(CLIP_FORMATS):
        return "still"
    try:
        with import_pillow().open(path, formats=list_formats()) as image:
            has_frames = image.format in CLIP_FORMATS and image.is_animated
    except Exception as error:
        return get_reason(error)
    return "clip" if has_frames else "still"


def _holds_frames(folder, suffixes):
    """Tell whether a folder holds frames, or raise an error if it holds clips."""
    files = sort_naturally(scan(folder, suffixes)[1])
    if files and _find_kind(files[0]) != "clip":
        return True
    deeper = next(walk(folder, suffixes, set()), None)
    if deeper is not None:
        raise ValueError(
            f"The folder {folder!r} lies in a class folder, so it is to hold the "
            f"frames of one clip, one image file each, but it holds {deeper!r}. Move "
            "its clips up into the class folder. If the folders in the class folder "
            "are the classes, pass the folder that holds those: "
            f"list_clips({os.path.dirname(folder)!r})."
        )
    return False


def _refuse_mixture(folder, clip, folders, suffixes):
    """Raise an error if there are files in subfolders beside the clips of a folder."""
    trees = (walk(path, suffixes, set()) for path in folders)
    deeper = next((path for tree in trees for path in tree), None)
    if deeper is not None:
        raise ValueError(
            f"The folder {folder!r} holds clips itself, for instance {clip!r}, and "
            f"files in subfolders, for instance {deeper!r}. Move one or the other "
            "elsewhere: either each clip lies in a class folder, or all are files in "
            "the folder itself and have no labels."
        )
