"""The entries of a folder: its subfolders, and its files of given suffixes."""

import os
import re


def check_folder(folder):
    """Return the path of a folder, or raise an error if there is none."""
    folder = str(os.fspath(folder))  # os.scandir gives bytes for a string of NumPy
    if os.path.isfile(folder):
        raise ValueError(f"{folder!r} is a file. Pass the folder that holds it.")
    if not os.path.isdir(folder):
        raise ValueError(f"There is no folder {folder!r}.")
    return folder


def scan(folder, suffixes):
    """List the subfolders and the image files of a folder as sorted paths."""
    try:
        with os.scandir(folder) as entries:
            shown = sorted((e.path, e) for e in entries if e.name[0] != ".")
    except OSError as error:
        raise ValueError(
            f"The folder {folder!r} cannot be read: {error.strerror}. Change its "
            "permissions, or move it elsewhere."
        ) from error
    folders = [path for path, entry in shown if _is_folder(entry)]
    # A link is listed even if its file is missing, so that it counts as broken.
    files = [
        path
        for path, entry in shown
        if os.path.splitext(path)[1].lower() in suffixes
        and not _is_folder(entry)
        and (entry.is_symlink() or entry.is_file())
    ]
    return folders, files


def _is_folder(entry):
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def walk(folder, suffixes, seen):
    """Yield the image files of a folder, then those of its subfolders.

    A folder whose real path is in ``seen`` is ignored, so that links in a circle end.
    """
    real_path = os.path.realpath(folder)
    if real_path in seen:
        return
    seen.add(real_path)
    folders, files = scan(folder, suffixes)
    yield from files
    for subfolder in folders:
        yield from walk(subfolder, suffixes, seen)


def sort_naturally(paths):
    """Sort paths as a person does, with the numbers in them by size: 2 before 10."""
    return sorted(paths, key=lambda path: (_get_key(path), path))


def _get_key(path):
    """Split a path into text and numbers, which alternate."""
    parts = re.split(r"(\d+)", path.casefold())
    return [int(part) if i % 2 else part for i, part in enumerate(parts)]
