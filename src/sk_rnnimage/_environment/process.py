"""The process's state around torch: seeds, denormals, threads, devices, memory.

All of it belongs to the whole process, so each change is a context that restores what
it found.
"""

import gc
import re
import threading
import warnings
from contextlib import contextmanager
from ctypes import CDLL
from functools import cache
from traceback import clear_frames

import torch
from threadpoolctl import ThreadpoolController, threadpool_info

_TURN = threading.RLock()


def resolve_device(device):
    """The name of the torch device that the parameter ``device`` means.

    Raises
    ------
    ValueError
        Where there is no such device.
    """
    name = str(device)
    if not re.fullmatch(r"auto|cpu|cuda(:[0-9]+)?", name):
        raise ValueError(
            "device must be 'auto', 'cpu', 'cuda' or 'cuda:0', 'cuda:1', .... "
            f"Got {device!r} instead."
        )
    n_gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    kind, _, number = name.partition(":")
    if kind == "cuda" and int(number or 0) >= n_gpus:
        raise ValueError(
            f"device={device!r} asks for a GPU that is not there: torch sees "
            f"{n_gpus}. Use device='auto' or 'cpu'."
        )
    return ("cuda" if n_gpus else "cpu") if kind == "auto" else name


@contextmanager
def seeded(seed, device="cpu"):
    """Seed torch's generators of the CPU and of a device, and restore them after.

    They belong to the whole process, so threads take turns.
    """
    devices = [torch.device(device)] if str(device) != "cpu" else []
    with _TURN, torch.random.fork_rng(devices):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed seeds every GPU
        for gpu in devices:
            with torch.cuda.device(gpu):
                torch.cuda.manual_seed(seed)
        yield


@contextmanager
def reproducible(seed, device):
    """Seed torch and flush denormals, and restore both.

    The number of threads stays the caller's: other numbers round otherwise, and tools
    that fit in parallel, such as joblib, choose it.
    """
    with seeded(seed, device), _denormals_flushed(), warnings.catch_warnings():
        # skorch steps the schedule once before the first update
        warnings.filterwarnings("ignore", "Detected call of `lr_scheduler.step")
        yield


@contextmanager
def _denormals_flushed():
    """Let all threads treat denormals as 0: an LSTM is up to 27 times slower on them.

    See oneDNN's issue 561.
    """
    flushed = bool(torch.tensor(1e-310, dtype=torch.float64) * 1 == 0)
    _flush_denormals(True)
    try:
        yield
    finally:
        _flush_denormals(flushed)


def _flush_denormals(flush):
    """Set the calling thread's flag, and restart the others, which inherit it."""
    torch.set_flush_denormal(flush)
    if torch.get_num_threads() > 1:
        # the flag belongs to a thread, and torch gives no way to set it in its workers
        for end_threads in _openmp_pauses():
            end_threads(1)  # omp_pause_soft


@cache
def _openmp_pauses():
    """``omp_pause_resource_all`` of the OpenMP libraries in this process."""
    libraries = [lib for lib in threadpool_info() if lib["user_api"] == "openmp"]
    pauses = (
        getattr(CDLL(library["filepath"]), "omp_pause_resource_all", None)
        for library in libraries
    )
    return [pause for pause in pauses if pause is not None]


@contextmanager
def one_thread():
    """Let the calling thread compute alone, without OpenMP's other threads.

    On small work they cost more than they do, on a busy machine a hundred times as
    much; and a process that has started them hangs in its forks. The limit belongs to
    the calling thread, unlike ``torch.set_num_threads``.
    """
    with _openmp().limit(limits=1):
        yield


@cache
def _openmp():
    return ThreadpoolController().select(user_api="openmp")


@contextmanager
def left_empty(network, device):
    """Bring a network back to the CPU in evaluation mode and leave nothing on a GPU.

    Also after an error: the frames of its traceback hold what lies there.
    """
    try:
        yield
    except BaseException as error:
        if device.type == "cuda":
            for link in (error, error.__cause__, error.__context__):
                clear_frames(getattr(link, "__traceback__", None))
            gc.collect()
        raise
    finally:
        network.zero_grad()
        network.cpu().eval()
        if device.type == "cuda":
            torch.cuda.empty_cache()


def free_memory(device):
    """Free bytes of a GPU."""
    return torch.cuda.mem_get_info(device)[0]


def moved(tensor, device):
    """A tensor on a device; a copy to a GPU does not block."""
    if device.type == "cuda" and tensor.device.type == "cpu":
        tensor = tensor.pin_memory()  # else the copy would block all the same
    return tensor.to(device, non_blocking=True)


@contextmanager
def memory_error_as(message):
    """Raise a ValueError with a message where an allocator has no more memory."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not _is_out_of_memory(error):
            raise
        raise ValueError(message) from error


def _is_out_of_memory(error):
    """Whether an error is an allocator's.

    torch raises its own class for a GPU; on a CPU a plain RuntimeError, which only
    the text tells from any other.
    """
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    texts = ("DefaultCPUAllocator", "Storage size calculation overflowed")
    return any(text in str(error) for text in texts)
