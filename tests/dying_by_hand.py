"""A scorer that kills its process once. It imports little: each worker imports it."""

import os
import signal


def accuracy(model, X, y, first):
    """The accuracy; the first process that is asked is killed before it answers."""
    try:
        os.close(os.open(first, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return model.score(X, y)
    os.kill(os.getpid(), signal.SIGKILL)
