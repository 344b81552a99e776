"""Processes in one process group of torch, which tests send functions to."""

import atexit
import multiprocessing
import os
import tempfile
import warnings
from functools import cache

import torch
from torch import distributed

# Forked from a process that has imported all and computed nothing: each starts at once
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["sk_rnnimage", "torch._dynamo", "conftest"])


class Group:
    """Processes that call the same functions at the same time; they end with this one.

    Parameters
    ----------
    n : int
        How many.
    folder : str or Path
        Where they meet, to be kept as long as they run.
    """

    def __init__(self, n, folder):
        self.pipes, self.processes = [], []
        for rank in range(n):
            here, there = SERVER.Pipe()
            arguments = there, os.path.join(folder, "store"), rank, n
            process = SERVER.Process(target=_serve, args=arguments, daemon=True)
            process.start()
            there.close()
            self.pipes.append(here)
            self.processes.append(process)

    def run(self, function, *arguments):
        """What a function of a module gives, or raises, in each process, in order."""
        for pipe in self.pipes:
            pipe.send((function, arguments))
        return [_answer(pipe) for pipe in self.pipes]


@cache
def group(n):
    """A group of n processes that all tests of this process share."""
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    return Group(n, folder.name)


def _answer(pipe):
    try:
        return pipe.recv()
    except EOFError:
        return None  # the process is dead


def _serve(pipe, store, rank, n):
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo", init_method=f"file://{store}", rank=rank, world_size=n
    )
    while True:
        try:
            function, arguments = pipe.recv()
        except EOFError:  # its parent has ended
            os._exit(0)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                result = function(*arguments)
            except BaseException as error:
                result = error
        pipe.send(result)
