"""Files that are written as a whole, or not at all."""

import os
from contextlib import suppress
from uuid import uuid4


def write_whole(path, content):
    """Write bytes to exactly ``path``; where that fails, leave what was there.

    Parameters
    ----------
    path : str or path-like
        A file, replaced once the new one is complete; its folder must exist.
    content : bytes
        All that the file is to hold.

    Raises
    ------
    TypeError
        Where ``path`` is no path.
    ValueError
        Where it cannot be written.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(
            f"path must be a str or path-like. Got a value of type "
            f"{type(path).__name__}."
        )
    path = os.path.realpath(path)  # a link stays one
    beside = f"{path}.{uuid4().hex[:8]}"
    try:
        with open(beside, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except OSError as error:
        with suppress(OSError):
            os.remove(beside)
        raise ValueError(
            f"path={path!r} cannot be written: {error.strerror}. Choose a file in a "
            "folder that exists, in which you may write, with space left."
        ) from error
