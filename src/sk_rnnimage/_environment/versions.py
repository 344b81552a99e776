"""The version of this package, and the check of those that a pickle was made with."""

import warnings
from importlib.metadata import version

__version__ = "0.1.0"


def current_versions():
    """The versions on which the predictions of a fitted classifier depend."""
    # without "+cpu" or "+cu130": a pickle may go from one machine to another
    return {"sk_rnnimage": __version__, "torch": version("torch").split("+")[0]}


def warn_of_other_versions(name, versions):
    """Warn where a pickle was made with other versions than the present ones.

    Parameters
    ----------
    name : str
        The class of the estimator.
    versions : dict or None
        What ``current_versions`` gave when the pickle was made. None where the state
        comes from no pickle of ours.
    """
    current = current_versions()
    differing = [
        f"{package} {versions.get(package)} (now {version})"
        for package, version in current.items()
        if versions is not None and versions.get(package) != version
    ]
    if differing:
        warnings.warn(
            f"This {name} was pickled with {' and '.join(differing)}. Its predictions "
            "may differ, or it may fail: fit it again, or install these versions.",
            UserWarning,
            stacklevel=3,
        )
