"""save() and load(): one file for an estimator or a pipeline."""

import json
import os
from functools import cache
from importlib.metadata import version
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from sk_rnnimage._environment.optional import needed
from sk_rnnimage._environment.process import refuse_over_memory
from sk_rnnimage._environment.versions import __version__
from sk_rnnimage._environment.writing import check_path, check_writable, write_whole
from sk_rnnimage.persistence.known_types import check_state, construct, name_of
from sk_rnnimage.persistence.values import Decoder, Encoder, refusal

FORMAT = 1
KEY = "sk_rnnimage"  # of the metadata of a file
MOST_TEXT = 2**24  # characters of the tree; Python's objects take ten times as much


def save(estimator: BaseEstimator, path: str | os.PathLike[str]) -> None:
    """Write an estimator, or a whole pipeline, to one file that holds no code.

    The file holds what the estimator was built with, what it has learned as plain
    arrays, and the versions that it was made with; the state of the optimiser and of a
    ``RandomState`` too, so that ``partial_fit`` and ``warm_start`` go on from a loaded
    estimator as from this one. It is a file of safetensors [1]_, whose metadata is a
    tree in JSON.

    Unlike a pickle, which runs whatever code its author has put into it, the file can
    be loaded from anybody: :func:`load` knows the classes below, and runs nothing that
    a file holds. Pickles remain the way for whatever ``save`` refuses.

    Parameters
    ----------
    estimator : estimator
        :class:`RNNImageClassifier`, :class:`CRNNImageClassifier`,
        :class:`ImageToSequence`, :class:`ImageReader`, :class:`ClipReader`, or one of
        scikit-learn's that is listed in the notes, also within each other; fitted or
        not.
    path : str or path-like
        The file, written under exactly this name. What it held before stays whole
        until all of the new content is on the disk, and where that fails.

    Raises
    ------
    ImportError
        Where safetensors is not installed.
    TypeError
        Where the estimator is none of these, or holds a value of another type: a
        function as ``augment``, skorch's ``callbacks``. The message says where.
    ValueError
        Where ``path`` is a folder or a device or its folder is missing, or where
        :func:`load` would refuse the file.
    OSError
        Where the system cannot write: no space left, no permission. A file that was
        there is as it was.

    See Also
    --------
    load : The way back.

    Notes
    -----
    Of scikit-learn's estimators those are known whose attributes are numbers, strings,
    arrays and each other: ``Pipeline``, ``FeatureUnion``, ``VotingClassifier``,
    ``StackingClassifier``; the scalers, ``Normalizer``, ``Binarizer``,
    ``PowerTransformer``, ``QuantileTransformer``, ``SimpleImputer``; ``PCA``,
    ``IncrementalPCA``, ``TruncatedSVD``, ``FastICA``, ``NMF``,
    ``GaussianRandomProjection``; ``LogisticRegression``, ``RidgeClassifier``,
    ``LinearDiscriminantAnalysis``, ``GaussianNB``, ``MultinomialNB``, ``BernoulliNB``,
    ``KNeighborsClassifier`` without a tree (``algorithm="brute"``),
    ``NearestCentroid``, ``SVC``, ``NuSVC``, ``LinearSVC``, ``DummyClassifier``. Not
    trees and forests: their compiled code follows any index that a file gives it. For
    these there are pickles and, for files of those whom you trust, ``skops.io``.

    A ``RandomState`` that several steps share becomes one for each.

    References
    ----------
    .. [1] Hugging Face, "Safetensors", the Python package ``safetensors``.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn.datasets import load_digits
    >>> from sk_rnnimage import RNNImageClassifier, load, save
    >>> X, y = load_digits(return_X_y=True)
    >>> classifier = RNNImageClassifier(8, max_epochs=1, random_state=0).fit(X, y)
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name, "digits.sk")
    >>> save(classifier, path)
    >>> bool((load(path).predict_proba(X) == classifier.predict_proba(X)).all())
    True
    >>> folder.cleanup()
    """
    safetensors = import_safetensors()
    path = check_writable(path)
    if name_of(type(estimator)) is None:
        raise refusal(estimator)
    encoder = Encoder()
    tree = encoder.encode(estimator)
    packages = {name: version(name) for name in ("torch", "scikit-learn", "numpy")}
    recipe = {
        "format": FORMAT,
        "versions": {"sk_rnnimage": __version__, **packages},
        "estimator": tree,
    }
    text = json.dumps(recipe)
    _decode(text, encoder.arrays.__getitem__, check_state)  # what load would refuse
    write_whole(path, safetensors.numpy.save(encoder.arrays, {KEY: text}))


def load(path: str | os.PathLike[str]) -> Any:
    """Read an estimator, or a whole pipeline, from a file that :func:`save` wrote.

    Nothing that the file holds is run. Before any array is read all of the file is held
    against what this version knows: a class that is not known is refused, and so are
    arrays of other shapes than the stored recipe of a network says. The file opens in
    any process, with or without a GPU, and in later versions of this package; an older
    version says that it is too old. Another version of torch or of the processor may
    round predictions otherwise.

    Parameters
    ----------
    path : str or path-like
        A file that :func:`save` wrote.

    Returns
    -------
    estimator
        It predicts what the saved one does, on the same machine to the bit.

    Raises
    ------
    ImportError
        Where safetensors is not installed.
    TypeError, ValueError
        Where ``path`` is no file, or no file of :func:`save`; where it is truncated or
        damaged, or holds what this version does not know.

    Warns
    -----
    InconsistentVersionWarning
        Where scikit-learn's own steps come from another version of it.

    See Also
    --------
    save : The way there.

    Notes
    -----
    What a stranger's file can do: predict nonsense, and no more, where all steps are of
    this package. scikit-learn does not check the attributes of its steps, and the
    compiled code of an ``SVC`` with wrong ones may end the process.
    """
    safetensors = import_safetensors()
    path = _check_readable(path)
    try:
        with safetensors.safe_open(path, framework="np") as file:
            return _load(file)
    except Warning:  # that the caller takes for an error
        raise
    except ValueError as error:
        reason = f"{str(error):.500}"  # which may quote a foreign file
        raise ValueError(f"{path!r} cannot be loaded: {reason}") from error
    # of a file that holds anything
    except Exception as error:
        raise ValueError(
            f"{path!r} is no file of save, or it is damaged "
            f"({type(error).__name__}: {str(error):.200})."
        ) from error


def _load(file):
    """The estimator of an open file."""
    text = (file.metadata() or {}).get(KEY)
    if text is None or len(text) > MOST_TEXT:
        raise ValueError("no estimator was saved in it.")

    def without_memory(name):
        return np.broadcast_to(np.int8(0), file.get_slice(name).get_shape())

    _decode(text, without_memory, check_state)
    return _decode(text, cache(file.get_tensor), construct)


def _decode(text, array_of, make):
    """The estimator of a text, made by ``make`` of arrays from ``array_of``."""
    recipe = json.loads(text)
    number = recipe["format"]
    if number != FORMAT:
        raise ValueError(
            f"its format is {number!r}, of sk_rnnimage "
            f"{recipe.get('versions', {}).get('sk_rnnimage')}, and this version reads "
            f"format {FORMAT}. Install that version, or save the estimator with this."
        )
    if set(recipe["estimator"]) != {"estimator"}:
        raise ValueError("what it holds is no estimator.")
    return Decoder(array_of, make).decode(recipe["estimator"])


def _check_readable(path):
    """A path as str, of a file that can be loaded into this machine's memory."""
    path = check_path(path)
    if not os.path.isfile(path):
        raise ValueError(f"There is no file {path!r}.")
    refuse_over_memory(os.path.getsize(path), f"{path!r} has")
    return path


def import_safetensors():
    """The package safetensors, or an error with the line that installs it."""
    with needed("A file of a model", "safetensors", "save"):
        import safetensors.numpy
    return safetensors
