"""One classifier on one fold: fitted, timed, weighed and scored."""

import time
from dataclasses import dataclass

import numpy as np
from sklearn.base import clone
from sklearn.metrics import check_scoring

from sk_rnnimage._environment.borrowed import _safe_split
from sk_rnnimage._environment.parameters import plain
from sk_rnnimage.comparison.failures import portable
from sk_rnnimage.comparison.memory import PeakMemory, pickled_size
from sk_rnnimage.comparison.scorers import make_recording_scorer
from sk_rnnimage.comparison.tuning import with_search


@dataclass(frozen=True)
class Task:
    """What all classifiers do on each fold.

    Attributes
    ----------
    scorers : dict
        Names of scorers, or scorers, by key.
    keeps_correct : bool
        Whether to tell which test images were right; the first is the accuracy then.
    n_candidates : int or None
        How many candidates a search tries before, None for no search.
    seed : int
        That of the search.
    groups : ndarray of shape (n,) or None
        Groups of the images, which its splits keep together.
    """

    scorers: dict
    keeps_correct: bool
    n_candidates: int | None
    seed: int
    groups: np.ndarray | None


def run_fold(classifier, X, y, train, test, task):
    """Fit a classifier on the training images and score it on the test images.

    Returns
    -------
    dict
        ``test_<key>`` for each scorer, ``fit_time`` and ``score_time`` in seconds,
        ``peak_memory`` and ``model_size`` in bytes, ``imports``, whether that memory
        holds modules that were imported in the fit, ``params``, those that a search
        chose, and ``correct`` where the task keeps it. Or ``error`` alone: the
        exception that was raised.
    """
    try:
        return _run_fold(classifier, X, y, train, test, task)
    except Exception as error:  # whatever it is, the other folds go on
        return {"error": portable(error)}


def _run_fold(classifier, X, y, train, test, task):
    model = clone(classifier)
    X_train, y_train = _safe_split(model, X, y, train)
    X_test, y_test = _safe_split(model, X, y, test, train)
    if task.n_candidates is not None:
        groups = None if task.groups is None else task.groups[train]
        scoring = next(iter(task.scorers.values()))
        model = with_search(
            model, task.n_candidates, X_train, y_train, groups, scoring, task.seed
        )
    with PeakMemory() as peak:
        start = time.perf_counter()
        model.fit(X_train, y_train)
        fit_time = time.perf_counter() - start
    start = time.perf_counter()
    scores = _score(model, X_test, y_test, task)
    found = {
        **scores,
        "fit_time": fit_time,
        "score_time": time.perf_counter() - start,
        "peak_memory": peak.bytes,
        "imports": peak.imports,
        "model_size": pickled_size(getattr(model, "best_estimator_", model)),
    }
    params = getattr(model, "best_params_", {})
    return found | {"params": {name: plain(value) for name, value in params.items()}}


def _score(model, X, y, task):
    """Score a fitted model: ``test_<key>`` by key, and ``correct`` if it is kept."""
    scorers, correct = task.scorers, []
    first = next(iter(scorers))
    if task.keeps_correct:
        scorers = {**scorers, first: make_recording_scorer(correct)}
    # A dict would make scikit-learn look for the metadata of a bare callable.
    alone = list(scorers) == ["score"]
    scorer = check_scoring(model, scoring=scorers["score"] if alone else scorers)
    scores = scorer(model, X, y)
    scores = {"score": scores} if alone else scores
    if not all(map(_is_number, scores.values())):
        raise TypeError(
            "scoring must return one number. For several scores pass a dict of scorers."
        )
    if np.isnan(scores[first]):
        raise ValueError(f"The {first} is NaN.")
    scores = {f"test_{key}": float(score) for key, score in scores.items()}
    return {**scores, "correct": correct[0]} if task.keeps_correct else scores


def _is_number(score):
    score = np.asarray(score)
    return score.ndim == 0 and score.dtype.kind in "biuf"
