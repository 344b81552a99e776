"""Checkpoints: the state of a training in a file, from which it goes on.

A file is an ``.npz`` of plain arrays, of which one holds numbers and words as JSON, and
a checksum; reading it runs no code. Its name is a digest of all that the training
depends on.
"""

import io
import json
import os
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np

from sk_rnnimage._environment.versions import current_versions
from sk_rnnimage._environment.writing import check_path, left_by_kills, write_whole

FORMAT = 1
N_CHECKED = 16  # bytes of the checksum


class Checkpoint:
    """The file of one training.

    Parameters
    ----------
    folder : str or path-like
        Made where it is missing.
    digest : str
        Of all that the training depends on.

    Attributes
    ----------
    path : Path
        The file, which another training of the same digest shares.
    state : dict or None
        What an earlier training has left there.

    Raises
    ------
    ValueError
        Where the folder cannot be made or written into, or the file is damaged or of
        other versions.
    """

    def __init__(self, folder, digest):
        folder = check_path(folder, "checkpoint")
        try:
            os.makedirs(folder, exist_ok=True)
            with TemporaryFile(dir=folder):  # a read-only one is told before training
                self.path = Path(folder, f"{digest}.checkpoint")
                self.state = self._load()
        except OSError as error:
            raise ValueError(
                f"checkpoint={folder!r} is no folder that can be made, "
                f"written into and read: {error.strerror}. Choose another."
            ) from error

    def save(self, state):
        """Write a dict of arrays, numbers, words, and lists and dicts of them.

        Raises
        ------
        OSError
            Where the system writes no file there; what was there stays whole.
        """
        arrays = {}
        plain = {"format": FORMAT, "versions": current_versions()}
        plain["state"] = _without_arrays(state, arrays)
        text = np.frombuffer(json.dumps(plain).encode(), dtype=np.uint8)
        file = io.BytesIO()
        np.savez(file, plain=text, **arrays)
        content = file.getvalue()
        os.makedirs(self.path.parent, exist_ok=True)  # it may be gone since
        write_whole(self.path, content + _checksum(content))

    def remove(self):
        """Remove the file, as its training is done, and what kills left beside it."""
        for path in (self.path, *left_by_kills(self.path)):
            with suppress(OSError):
                path.unlink()

    def _load(self):
        if not self.path.exists():
            return None
        content, checksum = np.split(np.fromfile(self.path, np.uint8), [-N_CHECKED])
        if _checksum(content) != checksum.tobytes():
            raise self.damage()
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as file:
                arrays = dict(file)
            plain = json.loads(arrays.pop("plain").tobytes())
            made_with = plain["format"], tuple(map(str, plain["versions"]))
            state = _with_arrays(plain["state"], arrays)
        except Exception as error:  # the checksum is right of whatever was written
            raise self.damage() from error
        if made_with != (FORMAT, current_versions()):
            raise ValueError(
                f"The checkpoint {str(self.path)!r} was made with sk_rnnimage and "
                f"torch {' and '.join(made_with[1])}, which are now "
                f"{' and '.join(current_versions())}. Install those, or remove the "
                "file, and fit starts anew."
            )
        return state

    def damage(self):
        """The error for a file that holds no state of this training."""
        return ValueError(
            f"The checkpoint {str(self.path)!r} is damaged. Remove the file, and fit "
            "starts anew."
        )


def _checksum(content):
    """The last bytes of a file, by which damage is found."""
    return blake2b(content, digest_size=N_CHECKED).digest()


def digest_of(*parts):
    """A digest of arrays, sets of images and plain values, as 32 hexadecimal digits."""
    digest = blake2b(digest_size=16)
    for part in parts:
        for content in _contents(part):
            digest.update(content)
    return digest.hexdigest()


def _contents(part):
    """The bytes of something, in pieces that no other thing has."""
    if hasattr(part, "parts"):  # images, of one size or of unequal sizes
        yield f"images {len(part)} {part.frame_height}".encode()
        for where, array in part.parts():
            rows = where if isinstance(where, np.ndarray) else np.array([where.start])
            yield from _contents(rows)
            yield from _contents(array)
    elif isinstance(part, np.ndarray):
        yield f"array {part.dtype.str} {part.shape}".encode()
        yield np.ascontiguousarray(part).data.cast("B") if part.size else b""
    elif callable(part):
        yield _name_of(part)
    elif isinstance(part, dict):
        yield f"dict {len(part)}".encode()
        for key in sorted(part, key=str):
            yield from _contents(key)
            yield from _contents(part[key])
    elif isinstance(part, (list, tuple)):
        yield f"list {len(part)}".encode()
        for entry in part:
            yield from _contents(entry)
    else:
        yield f"{type(part).__name__} {part!r}".encode()


def _name_of(function):
    """A function's name and code: without the address that its repr holds."""
    name = f"{function.__module__}.{getattr(function, '__qualname__', '')}"
    code = getattr(function, "__code__", None)
    return name.encode() + (code.co_code if code else b"")


def _without_arrays(value, arrays):
    """A value with the name of an entry of ``arrays`` in place of each array."""
    if isinstance(value, np.ndarray):
        name = f"array{len(arrays)}"
        arrays[name] = value
        return {"array": name}
    if isinstance(value, dict):
        pairs = [[key, _without_arrays(item, arrays)] for key, item in value.items()]
        return {"dict": pairs}
    if isinstance(value, (list, tuple)):
        return [_without_arrays(item, arrays) for item in value]
    return value


def _with_arrays(value, arrays):
    """The inverse of ``_without_arrays``, tuples become lists."""
    if isinstance(value, list):
        return [_with_arrays(item, arrays) for item in value]
    if isinstance(value, dict) and "array" in value:
        return arrays[value["array"]]
    if isinstance(value, dict):
        return {key: _with_arrays(item, arrays) for key, item in value["dict"]}
    return value
