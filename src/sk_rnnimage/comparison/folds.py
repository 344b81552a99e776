"""Cross-validation of one classifier after the other."""

import numpy as np
from sklearn.model_selection import cross_validate

from sk_rnnimage.comparison.scorers import (
    make_recording_scorer,
    make_scorers,
    needs_probabilities,
    with_probabilities,
)


def cross_validate_each(classifiers, X, y, splits, *, scoring="accuracy", n_jobs=None):
    """Cross-validate one classifier after the other; yield (name, scores) of each.

    The scores are the dict of ``cross_validate``, or ``{"error": exception}`` where the
    classifier failed on a fold: a mean over the others would not be comparable. For the
    accuracy on one split, ``"correct"`` tells which test images were right.
    """
    scorers = make_scorers(scoring, y)  # here, so that its errors precede any fit
    return (
        (name, _cross_validate_one(classifier, X, y, splits, scorers, n_jobs))
        for name, classifier in classifiers.items()
    )


def _cross_validate_one(classifier, X, y, splits, scorers, n_jobs):
    """Cross-validate a classifier: its scores, or the error that it raised."""
    first, correct = next(iter(scorers)), []
    if len(splits) == 1 and scorers[first] == "accuracy":
        scorers = {**scorers, first: make_recording_scorer(correct)}
        n_jobs = 1  # there is one fit, and what another process records is lost
    if any(map(needs_probabilities, scorers.values())):
        classifier = with_probabilities(classifier)
    try:
        scores = cross_validate(
            classifier,
            X,
            y,
            cv=splits,
            # a dict would make scikit-learn look for the metadata of a bare callable
            scoring=scorers[first] if list(scorers) == ["score"] else scorers,
            n_jobs=n_jobs,
            error_score="raise",
        )
        _check_scores(scores, scorers)
    except Exception as error:  # whatever it is, the other classifiers go on
        return {"error": error}
    return {**scores, "correct": correct[0]} if correct else scores


def _check_scores(scores, scorers):
    """Raise where a scorer gave no number for a fold."""
    missing = [key for key in scorers if f"test_{key}" not in scores]
    if missing:
        raise TypeError(
            "scoring must return one number. For several scores pass a dict of scorers."
        )
    first = next(iter(scorers))
    n_missing = np.isnan(scores[f"test_{first}"]).sum()
    if n_missing:
        n_folds = len(scores[f"test_{first}"])
        raise ValueError(f"The {first} is NaN on {n_missing} of {n_folds} folds.")
