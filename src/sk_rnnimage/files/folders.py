"""Listing the image files of a folder, and their labels."""

import os
import warnings
from pathlib import Path

import numpy as np

from sk_rnnimage._environment.borrowed import StrOptions, validate_params
from sk_rnnimage.files.decoding import (
    get_reason,
    import_pillow,
    list_formats,
    list_suffixes,
    read_image,
)
from sk_rnnimage.files.entries import check_folder, scan, walk


@validate_params(
    {
        "folder": [str, os.PathLike],
        "broken": [StrOptions({"raise", "skip"})],
        "recursive": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def list_images(
    folder: str | os.PathLike[str], *, broken: str = "raise", recursive: bool = False
) -> tuple[list[str], np.ndarray | None]:
    """List the image files of a folder, with labels if it has one subfolder per class.

    A folder that holds files alone has no labels. A file is listed if Pillow knows its
    suffix, in upper or lower case; hidden files and folders are ignored.

    Parameters
    ----------
    folder : str or path-like
        The folder that holds the class folders, or the files.
    broken : {"raise", "skip"}, default="raise"
        What to do with files that Pillow cannot read: raise an error with their paths,
        or skip them with a warning. ``"raise"`` checks the file headers only, so a
        truncated file is reported later, by :class:`ImageReader`. ``"skip"`` decodes
        every file and skips truncated files as well.
    recursive : bool, default=False
        Whether the files of a class may lie deeper than in its class folder, for
        instance in one subfolder per patient. The label is always the first folder
        below ``folder``. Links to folders are followed, and each folder is read once
        per class.

    Returns
    -------
    paths : list of str
        Paths of the images, sorted.
    labels : ndarray of shape (n,) or None
        Name of the class folder of each path; None if the folder holds files alone.

    Raises
    ------
    ImportError
        If Pillow is not installed.
    ValueError
        If the folder is missing, may not be read, holds no images, or holds images
        beside its class folders; if the images of a class folder are missing, or lie
        deeper and ``recursive=False``; if files are broken and ``broken="raise"``.

    Warns
    -----
    UserWarning
        If broken files are skipped, or if images in subfolders of a class folder are
        left out because ``recursive=False``.

    See Also
    --------
    ImageReader : Read the listed files into arrays.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> from sk_rnnimage import list_images
    >>> temporary = tempfile.TemporaryDirectory()
    >>> for pet in ("cat", "dog"):
    ...     folder = Path(temporary.name, "pets", pet)
    ...     folder.mkdir(parents=True)
    ...     Image.new("L", (2, 2)).save(folder / "1.png")
    >>> paths, labels = list_images(Path(temporary.name, "pets"))
    >>> labels.tolist()
    ['cat', 'dog']

    New files, without class folders and with files that may be truncated: those are
    left out here, because a pipeline predicts one label per path that it is given.

    >>> paths, labels = list_images(folder, broken="skip")
    >>> [Path(path).name for path in paths], labels
    (['1.png'], None)
    >>> temporary.cleanup()
    """
    folder = check_folder(folder)
    groups, left_out = _list_groups(folder, recursive)
    skipped = _find_broken([p for paths in groups.values() for p in paths], broken)
    pairs = []
    for label, paths in groups.items():
        readable = [(path, label) for path in paths if path not in skipped]
        if not readable:
            raise _no_images(folder, label)
        pairs += readable
    _warn(skipped, left_out)
    # Sorted folders do not give sorted paths: "a" < "a-b", but "a-b/" < "a/".
    pairs.sort()
    labels = None if None in groups else np.array([label for _, label in pairs])
    return [path for path, _ in pairs], labels


def _list_groups(folder, recursive):
    """List the image files of each class folder; files without a class under None.

    Returns
    -------
    groups : dict of label to list of paths
    left_out : list of str
        Of each class folder one image that lies deeper, and is not listed.
    """
    suffixes = list_suffixes(list_formats())
    root = Path(os.path.realpath(folder))
    above = {str(root), *map(str, root.parents)}  # links that lead back are ignored
    folders, files = scan(folder, suffixes)
    folders = [path for path in folders if os.path.realpath(path) not in above]
    trees = {path: walk(path, suffixes, above.copy()) for path in folders}
    if files:
        _refuse_mixture(folder, files[0], trees.values())
        return {None: files}, []
    if not folders:
        raise ValueError(
            f"The folder {folder!r} holds neither image files nor class folders. Put "
            "the images of each class into a folder of its own, which names the class, "
            "or images without labels into the folder itself."
        )
    if recursive:
        return {os.path.basename(p): list(tree) for p, tree in trees.items()}, []
    pairs = {os.path.basename(p): _split_tree(p, tree) for p, tree in trees.items()}
    groups = {label: files for label, (files, _) in pairs.items()}
    return groups, [deeper for _, deeper in pairs.values() if deeper]


def _refuse_mixture(folder, file, trees):
    """Raise an error if there are images in subfolders beside those of a folder."""
    deeper = next((path for tree in trees for path in tree), None)
    if deeper is not None:
        raise ValueError(
            f"The folder {folder!r} holds images itself, for instance {file!r}, and "
            f"images in subfolders, for instance {deeper!r}. Move one or the other "
            "elsewhere: either each image lies in a class folder, or all lie in the "
            "folder itself and have no labels."
        )


def _split_tree(class_folder, tree):
    """List the images of a class folder itself, and name one that lies deeper."""
    files = []
    for path in tree:
        if os.path.dirname(path) == class_folder:
            files.append(path)
            continue
        if not files:
            raise _lies_deeper(class_folder, path)
        return files, path
    return files, None


def _lies_deeper(class_folder, path):
    """Return the error for a class folder whose images all lie deeper."""
    return ValueError(
        f"The class folder {class_folder!r} holds no images itself: they lie deeper, "
        f"for instance {path!r}. List them with recursive=True, which labels all of "
        f"them {os.path.basename(class_folder)!r}. If the folders below it are the "
        "classes, pass the folder that holds those: "
        f"list_images({os.path.dirname(os.path.dirname(path))!r})."
    )


def _no_images(folder, label):
    """Return the error for a folder, or class folder, without any image."""
    what = "folder" if label is None else "class folder"
    path = folder if label is None else os.path.join(folder, label)
    return ValueError(
        f"The {what} {path!r} holds no images that Pillow can read. Add some, or move "
        "it elsewhere."
    )


def _find_broken(paths, broken):
    """Return {path: reason} of the files that cannot be read, or raise an error."""
    reasons = {path: _find_error(path, decode=broken == "skip") for path in paths}
    failed = {path: reason for path, reason in reasons.items() if reason}
    if failed and broken == "raise":
        raise ValueError(
            f"{len(failed)} files are not images that Pillow can read: "
            f"{_join(failed)}. Repair or remove them, or leave such files out with "
            "broken='skip'."
        )
    return failed


def _find_error(path, decode):
    """Return why Pillow cannot open (or decode) a file; None if it can."""
    try:
        if decode:
            read_image(path, size=(1, 1), mode=None)  # a JPEG is decoded small: faster
        else:
            import_pillow().open(path).close()
        return None
    except Exception as error:
        return get_reason(error.__cause__ or error)  # what Pillow said


def _join(failed):
    return ", ".join(f"{path!r} ({reason})" for path, reason in failed.items())


def _warn(skipped, left_out):
    """Warn about files that are not listed, at the line that calls list_images."""
    level = 4  # past list_images and the wrapper of validate_params
    if skipped:
        warnings.warn(
            f"{len(skipped)} files are left out, which Pillow cannot read: "
            f"{_join(skipped)}",
            stacklevel=level,
        )
    if left_out:
        warnings.warn(
            f"Images in subfolders of {len(left_out)} class folders are left out, for "
            f"instance {left_out[0]!r}. List them too with recursive=True.",
            stacklevel=level,
        )
