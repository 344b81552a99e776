"""Optional packages, imported where they are used: how to install what is missing."""

from contextlib import contextmanager


@contextmanager
def needed(by, package, extra=None):
    """Give the install line where an import fails.

    Parameters
    ----------
    by : str
        What needs the package, at the start of the sentence.
    package : str
        As its authors write it.
    extra : str, default=None
        Of this package, where it brings the other one.
    """
    try:
        yield
    except ImportError as error:
        install = package if extra is None else f'"sk_rnnimage[{extra}]"'
        raise ImportError(
            f"{by} needs {package}, which is not installed: pip install {install}"
        ) from error
