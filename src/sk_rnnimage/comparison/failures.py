"""What becomes of the error of a classifier."""

import pickle

INTERRUPTED = "interrupted"  # in place of the error, where Ctrl-C came


class Interrupted(Exception):
    """Ctrl-C came before all folds of a classifier were done."""


def describe_error(error):
    """Return the first line of an error with its type, or nothing for None."""
    if error is None:
        return ""
    if isinstance(error, Interrupted):
        return INTERRUPTED
    return f"{type(error).__name__}: {error}".splitlines()[0]


def portable(error):
    """Return an error that passes from one process to another, this one if it does."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(describe_error(error))
    return error


def raise_if_all(errors):
    """Raise the first error, with the classifier's name, if no classifier worked.

    Where one was interrupted, it could have.

    Parameters
    ----------
    errors : dict
        By name an exception, or None where a classifier worked.
    """
    found = errors.values()
    if not all(found) or any(isinstance(error, Interrupted) for error in found):
        return
    name, error = next(iter(errors.items()))
    if error.args == (str(error),):
        error.args = (f"{name}: {error}",)
    else:  # its message is made of several arguments, or of something else
        error.add_note(f"The classifier was {name!r}.")
    raise error
