"""What a fit takes: the peak of its memory, and the size of the model."""

import ctypes
import gc
import pickle
import sys
import threading
from functools import cache

_LOCK = threading.Lock()
_RUNNING: list = []  # blocks that are being measured in this process


class PeakMemory:
    """Measure by how much the resident memory of the process grows in a block.

    The kernel of Linux keeps the high-water mark of the memory of a process (``VmHWM``
    of proc(5)) and lets it be reset, so the block is no slower than without. Before it,
    the memory that the C library keeps of earlier work is given back, as far as it can
    be: what cannot, the block may take without growth.

    Attributes
    ----------
    bytes : float
        The growth. NaN where it cannot be told: on other systems, and where other
        blocks were measured at the same time in threads of this process.
    imports : bool
        Whether modules were imported in the block, whose memory is part of the growth:
        the first training of a process imports 100 MB of torch.
    """

    def __enter__(self):
        self.bytes = float("nan")
        with _LOCK:
            self._alone = not _RUNNING
            for other in _RUNNING:
                other._alone = False
            _RUNNING.append(self)
        gc.collect(1)  # not what is old, which takes longer than many a fit
        _trim()
        self._n_modules = len(sys.modules)
        self._before = _reset_high_water_mark()
        return self

    def __exit__(self, *error):
        self.imports = len(sys.modules) > self._n_modules
        with _LOCK:
            _RUNNING.remove(self)
            if self._alone and self._before is not None:
                self.bytes = float(_high_water_mark() - self._before)


def _reset_high_water_mark():
    """Reset the mark to the resident memory and return it, or None where it has none.

    It is that of ``getrusage`` too.
    """
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
        return _high_water_mark()
    except OSError:  # not on Linux, or not allowed
        return None


def _high_water_mark():
    """Peak of the resident memory of this process in bytes."""
    with open("/proc/self/status") as file:
        line = next(line for line in file if line.startswith("VmHWM:"))
    return 1024 * int(line.split()[1])


def _trim():
    """Give the free memory of the C library back to the system, where it can."""
    trim = _malloc_trim()
    if trim is not None:
        trim(0)


@cache
def _malloc_trim():
    """``malloc_trim`` of glibc, or None where there is another C library."""
    try:
        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # TypeError: on Windows
        return None


def pickled_size(model):
    """Bytes of the pickle of a model, or NaN where it cannot be pickled."""
    count = _Count()
    try:
        pickle.Pickler(count, protocol=pickle.HIGHEST_PROTOCOL).dump(model)
    except Exception:  # of any class that a model holds: its scores stand all the same
        return float("nan")
    return float(count.n_bytes)


class _Count:
    """A file that keeps nothing but the number of bytes: a model may be large."""

    def __init__(self):
        self.n_bytes = 0

    def write(self, data):
        self.n_bytes += memoryview(data).nbytes
