"""Work on many images that memory does not hold at once: half of them, and again."""

import math

import numpy as np

from sk_rnnimage._environment.process import is_out_of_memory


def in_halves(work, batches):
    """Yield indices and what comes of them, of fewer at once where memory ends.

    Parameters
    ----------
    work : callable
        From the indices of some images, in any number, to what comes of them.
    batches : iterable of ndarray of int
        Indices to begin with. Once a batch was too large, no later one is larger than
        half of it.

    Raises
    ------
    Exception
        What ``work`` raises; that memory has ended only where it does for one image.
    """
    most = math.inf
    waiting = list(batches)[::-1]
    while waiting:
        indices = waiting.pop()
        if len(indices) > most:
            waiting += np.array_split(indices, -(-len(indices) // most))[::-1]
            continue
        try:
            done = work(indices)
        except (RuntimeError, MemoryError) as error:
            if len(indices) == 1 or not is_out_of_memory(error):
                raise
            most = -(-len(indices) // 2)
            waiting.append(indices)
        else:
            yield indices, done
