"""The version of this package, and the check of those that a pickle was made with."""

import warnings
from importlib.metadata import version

__version__ = "0.1.0"


def current_versions():
    """The versions of sk_rnnimage and torch, on which predictions depend."""
    # without "+cpu" or "+cu130": a pickle may go from one machine to another
    return __version__, version("torch").split("+")[0]


def warn_of_other_versions(name, versions):
    """Warn where a pickle was made with other versions than the present ones.

    Parameters
    ----------
    name : str
        The class of the estimator.
    versions : tuple or None
        What ``current_versions`` gave when the pickle was made. None where the state
        comes from no pickle of ours.
    """
    current = current_versions()
    if versions is not None and versions != current:
        packages = zip(("sk_rnnimage", "torch"), versions, current)
        differing = [f"{p} {old} (now {new})" for p, old, new in packages if old != new]
        warnings.warn(
            f"This {name} was pickled with {' and '.join(differing)}. Its predictions "
            "may differ, or it may fail: fit it again, or install these versions.",
            UserWarning,
            stacklevel=3,
        )
