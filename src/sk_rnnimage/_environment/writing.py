"""A file that is written whole, or not at all."""

import os
import stat
from contextlib import contextmanager, suppress
from uuid import uuid4

TEMPORARY = "{}.{}.part"  # the file, and what no other write of it has


def write_whole(path, content):
    """Write a file: afterwards it holds all of its content, or what it held before.

    The content goes to a temporary file in the same folder, which then takes the
    place of the other in one step, as POSIX has it: no full disk, no Ctrl-C and no
    other process sees a half.

    Parameters
    ----------
    path : str or path-like
        Of a link, the file that it points to is written.
    content : bytes
        All of it.

    Raises
    ------
    ValueError
        Where the path is that of a folder or a device, or its folder is missing.
    OSError
        Where the system writes no file there: no space left, no permission.
    """
    path = os.path.realpath(check_writable(path))
    with _errors_explained(path), _replacing(path) as temporary:
        with open(temporary, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # some disks say only here that they are full


def left_by_kills(path):
    """The temporary files of a pathlib.Path, where writes of it were killed."""
    return path.parent.glob(TEMPORARY.format(path.name, "*"))


def check_writable(path):
    """A path as str, checked to be that of a file in a folder that is there.

    Raises
    ------
    TypeError, ValueError
        Where it is not.
    """
    path = check_path(path)
    folder = os.path.dirname(path) or "."
    if os.path.isdir(path) or not os.path.basename(path):
        raise ValueError(f"{path!r} is a folder. Add the name of a file.")
    if not os.path.isdir(folder):
        raise ValueError(f"There is no folder {folder!r}. Make it first.")
    if os.path.exists(path) and not os.path.isfile(path):
        raise ValueError(f"{path!r} is a device, not a file. Choose another name.")
    return path


def check_path(path, name="path"):
    """A path as str, checked to be one."""
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(
            f"{name} must be a str or a pathlib.Path. Got {path!r:.80}, of type "
            f"{type(path).__name__}, instead."
        )
    path = os.fsdecode(path)
    try:
        named = b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:
        named = False
    if not named:
        raise ValueError(
            f"{name} must be a path that files can have. Got {path!r:.80}."
        )
    return path


@contextmanager
def _replacing(path):
    """The name of a temporary file that takes the place of another if all goes well."""
    temporary = TEMPORARY.format(path, uuid4().hex[:8])
    try:
        yield temporary
        if os.path.exists(path):
            os.chmod(temporary, stat.S_IMODE(os.stat(path).st_mode))
        os.replace(temporary, path)
    except BaseException:  # Ctrl-C too
        with suppress(OSError):
            os.remove(temporary)
        raise


@contextmanager
def _errors_explained(path):
    """Raise an error of the system with a sentence of ours."""
    try:
        yield
    except OSError as error:
        raise OSError(
            error.errno,
            f"{error.strerror}. {path!r} is as it was before. Make room, or choose "
            "another folder.",
        ) from error
