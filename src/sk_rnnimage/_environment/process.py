"""The process's state around torch: seeds, denormals, threads, devices, memory.

All of it belongs to the whole process, so each change is a context that restores what
it found.
"""

import gc
import os
import re
import threading
import warnings
from contextlib import contextmanager
from ctypes import CDLL, CFUNCTYPE, c_uint, c_void_p
from functools import cache
from traceback import clear_frames

import torch
from threadpoolctl import ThreadpoolController, threadpool_info

MMAP_THRESHOLD_MAX = 2**25  # of glibc on systems of 64 bits
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of its malloc.h

_TURN = threading.RLock()


def _begin_fork():
    """Set what a forked process needs of its own.

    A lock that a thread of the parent holds is never released in the child. And where
    the parent has started OpenMP's threads, the child, which has none of them, would
    wait for them without end: it computes on one, which is also right for the workers
    of joblib's multiprocessing, one a core.
    """
    global _TURN
    _TURN = threading.RLock()
    torch.set_num_threads(1)


if hasattr(os, "register_at_fork"):  # Windows has no forks
    os.register_at_fork(after_in_child=_begin_fork)


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


def multiplies_bfloat16(device):
    """Whether the processor or the GPU has instructions for products in bfloat16."""
    if device != "cpu":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capabilities = getattr(torch.cpu, "get_capabilities", dict)()  # from torch 2.12 on
    return any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16"))


@contextmanager
def seeded(seed, device="cpu"):
    """Seed torch's generators of the CPU and of a device, and restore them after.

    They belong to the whole process, so threads take turns: fits in threads run one
    after the other.
    """
    with _TURN, generators_kept(device) as gpus:
        torch.default_generator.manual_seed(seed)  # torch.manual_seed seeds every GPU
        for gpu in gpus:
            with torch.cuda.device(gpu):
                torch.cuda.manual_seed(seed)
        yield


@contextmanager
def generators_kept(device="cpu"):
    """Restore torch's generators of the CPU and of a device, whatever is drawn.

    Yields
    ------
    list of torch.device
        The device, where it is no CPU.
    """
    gpus = [torch.device(device)] if str(device) != "cpu" else []
    with torch.random.fork_rng(gpus):
        yield gpus


@contextmanager
def reproducible(seed, device):
    """Seed torch and flush denormals, and restore both, and the state of gradients.

    The number of threads stays the caller's: other numbers round otherwise, and tools
    that fit in parallel, such as joblib, choose it.
    """
    gradients = torch.is_grad_enabled()
    # Ctrl-C may come where torch's optimisers and clipping have them off
    with torch.set_grad_enabled(gradients), seeded(seed, device), _denormals_flushed():
        yield


def keep_freed_memory():
    """Let the C library keep what a mini-batch frees for the next one, up to 64 MiB.

    glibc takes blocks of over 128 KiB from the system and gives them back, so that each
    batch pays for fresh pages. It raises that threshold by itself, but not where the
    environment sets one (mallopt(3)), as Dask does for its workers: a fit then takes
    twice as long. Elsewhere it changes nothing.
    """
    mallopt = _mallopt()
    mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD_MAX)
    mallopt(M_TRIM_THRESHOLD, 2 * MMAP_THRESHOLD_MAX)


@cache
def _mallopt():
    """That function of glibc; elsewhere one that does nothing."""
    library = CDLL(None) if os.name == "posix" else None
    return getattr(library, "mallopt", lambda option, value: 0)


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
    """Set the flag of the calling thread and of the OpenMP threads that work for it.

    It belongs to a thread, and torch has no way to set it in its workers, so each of
    them is made to call torch. A thread has workers of its own: what others compute
    keeps its flags.
    """
    torch.set_flush_denormal(flush)
    n_threads = torch.get_num_threads()
    run_in_team = _openmp_parallel()
    if n_threads > 1 and run_in_team is not None:
        task = _TASK(lambda _: torch.set_flush_denormal(flush) and None)
        run_in_team(task, None, n_threads, 0)


_TASK = CFUNCTYPE(None, c_void_p)


@cache
def _openmp_parallel():
    """``GOMP_parallel`` of torch's OpenMP library, or None where it has none.

    It is what ``#pragma omp parallel`` calls: it runs a function in each thread of the
    calling thread's team.
    """
    folder = os.path.dirname(torch.__file__)
    paths = [
        lib["filepath"] for lib in threadpool_info() if lib["user_api"] == "openmp"
    ]
    paths.sort(key=lambda path: not path.startswith(folder))  # torch's own first
    function = getattr(CDLL(paths[0]), "GOMP_parallel", None) if paths else None
    if function is not None:
        function.restype = None
        function.argtypes = [_TASK, c_void_p, c_uint, c_uint]
    return function


@contextmanager
def one_thread():
    """Let the calling thread compute alone, without OpenMP's other threads.

    On small work they cost more than they do, on a busy machine a hundred times as
    much; and a process that has started them hangs in its forks. The limit belongs to
    the calling thread, unlike that of ``torch.set_num_threads``.
    """
    set_mkl_threads = _mkl_set_num_threads_local()
    torch.get_num_threads()  # the first call in a thread sets the number: not later
    with _openmp().limit(limits=1):
        before = set_mkl_threads(1)  # torch has told MKL a number of its own
        try:
            yield
        finally:
            set_mkl_threads(before)


@cache
def _openmp():
    return ThreadpoolController().select(user_api="openmp")


@cache
def _mkl_set_num_threads_local():
    """That function of the MKL in torch: it gives what was set before.

    Where torch was built without MKL, a function that does nothing.
    """
    folder = os.path.join(os.path.dirname(torch.__file__), "lib")
    for name in ("libtorch_cpu.so", "libtorch_cpu.dylib", "torch_cpu.dll"):
        path = os.path.join(folder, name)
        if os.path.exists(path):
            function = getattr(CDLL(path), "MKL_Set_Num_Threads_Local", None)
            return function or (lambda n_threads: 0)
    return lambda n_threads: 0


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


def physical_memory():
    """Bytes of memory of this machine, or None where the system does not say."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        return None


def refuse_over_memory(n_bytes, what, way_out=""):
    """Raise where what is to be loaded is larger than the memory of this machine."""
    available = physical_memory()
    if available is not None and n_bytes > available:
        raise ValueError(
            f"{what} {n_bytes / 2**30:.1f} GiB, and this machine has "
            f"{available / 2**30:.1f} GiB of memory.{way_out}"
        )


def warn_of_memory(n_bytes, what, way_out):
    """Warn before work is tried that needs more memory than this machine has."""
    available = physical_memory()
    if available is not None and n_bytes > available:
        warnings.warn(
            f"{what} needs about {n_bytes / 2**30:.1f} GiB, and this machine has "
            f"{available / 2**30:.1f} GiB. {way_out}",
            UserWarning,
            stacklevel=2,
        )


class OutOfMemory(MemoryError, ValueError):
    """Memory does not hold what was asked for: a MemoryError of our own words."""


@contextmanager
def memory_error_as(message):
    """Raise an OutOfMemory with a message where an allocator has no more memory."""
    try:
        yield
    except (RuntimeError, MemoryError, TypeError) as error:
        if not is_out_of_memory(error):
            raise
        raise OutOfMemory(message) from error


def is_out_of_memory(error):
    """Whether an error is an allocator's.

    torch raises its own class for a GPU; on a CPU a plain RuntimeError, which only
    the text tells from any other.
    """
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    texts = (
        "DefaultCPUAllocator",
        "Storage size calculation overflowed",
        "Overflow when unpacking long",  # a TypeError
        "could not create a primitive",  # oneDNN, which says no more
        "could not create a memory",
        "std::bad_alloc",
    )
    return any(text in str(error) for text in texts)
