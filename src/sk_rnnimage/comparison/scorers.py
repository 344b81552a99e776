"""Scores by name or as callables, made to suit the labels and the classifiers."""

import difflib
from functools import partial

import numpy as np
from sklearn import metrics
from sklearn.calibration import CalibratedClassifierCV

# Scores of one of two classes, and what there is for more of them, or None where the
# score itself is defined for more.
_FOR_MORE_CLASSES = {
    "average_precision": None,
    "d2_brier_score": None,
    "f1": "f1_macro",
    "jaccard": "jaccard_macro",
    "neg_brier_score": None,
    "precision": "precision_macro",
    "recall": "recall_macro",
    "roc_auc": "roc_auc_ovr",
}

# Those among them that look for a class labelled 1, made again for another label.
_MAKE_SCORER = {
    "average_precision": partial(
        metrics.make_scorer,
        metrics.average_precision_score,
        response_method=("decision_function", "predict_proba"),
    ),
    "f1": partial(metrics.make_scorer, metrics.f1_score),
    "jaccard": partial(metrics.make_scorer, metrics.jaccard_score),
    "neg_brier_score": partial(
        metrics.make_scorer,
        metrics.brier_score_loss,
        greater_is_better=False,
        response_method="predict_proba",
    ),
    "precision": partial(metrics.make_scorer, metrics.precision_score),
    "recall": partial(metrics.make_scorer, metrics.recall_score),
}
if hasattr(metrics, "d2_brier_score"):  # from scikit-learn 1.8 on
    _MAKE_SCORER["d2_brier_score"] = partial(
        metrics.make_scorer, metrics.d2_brier_score, response_method="predict_proba"
    )


def name_scorings(scoring):
    """Return the scorings by the key that ``cross_validate`` gives to each."""
    if isinstance(scoring, str) or callable(scoring):
        return {"score": scoring}
    if not len(scoring):
        raise ValueError("scoring is empty: at least one scorer is needed.")
    if isinstance(scoring, dict):
        return scoring
    if not all(isinstance(name, str) for name in scoring):
        raise TypeError(
            "scoring must hold names of scorers if it is a list or tuple. Pass scorers "
            f"in a dict, by name. Got {scoring!r}."
        )
    return {name: name for name in scoring}


def make_scorers(scoring, y):
    """Return what ``cross_validate`` takes as scoring, by key: names or scorers."""
    return {
        key: _make_scorer(one, y) if isinstance(one, str) else one
        for key, one in name_scorings(scoring).items()
    }


def _make_scorer(name, y):
    """Return the name of a scorer, or a scorer where the name would not suit y."""
    if name not in metrics.get_scorer_names():
        known = metrics.get_scorer_names()
        near = [each for each in known if name and each.startswith(name)]
        near += difflib.get_close_matches(name, known)
        raise ValueError(
            "scoring must be among sklearn.metrics.get_scorer_names(). Got "
            f"{name!r}{f', did you mean {near[0]!r}?' if near else '.'}"
        )
    if name not in _FOR_MORE_CLASSES:
        return name
    classes = np.unique(np.asarray(y)).tolist()
    if len(classes) > 2 and _FOR_MORE_CLASSES[name]:
        raise ValueError(
            f"scoring={name!r} is for two classes, but y holds {len(classes)}. Take "
            f"{_FOR_MORE_CLASSES[name]!r}."
        )
    if len(classes) != 2 or 1 in classes or name not in _MAKE_SCORER:
        return name
    return _MAKE_SCORER[name](pos_label=classes[1])


def make_recording_scorer(correct):
    """Make a scorer for the accuracy that also appends which images were right."""

    def accuracy(y_true, y_pred):
        correct.append(np.asarray(y_true).ravel() == np.asarray(y_pred))
        return metrics.accuracy_score(y_true, y_pred)

    return metrics.make_scorer(accuracy)


def suited(classifier, scorers):
    """Return a classifier that has the probabilities which scorers need.

    Left without, an SVC could not be compared by its log loss at all, and it is often
    the strongest classic classifier. It is calibrated, which is what
    ``SVC(probability=True)`` does much alike, and that is deprecated.
    """
    if not any(map(_needs_probabilities, scorers.values())):
        return classifier
    if hasattr(classifier, "predict_proba"):
        return classifier
    if not hasattr(classifier, "decision_function"):
        return classifier
    return CalibratedClassifierCV(classifier, ensemble=False)


def _needs_probabilities(scorer):
    """Whether a scorer calls ``predict_proba`` and would take nothing else."""
    if isinstance(scorer, str):
        scorer = metrics.get_scorer(scorer)
    # The repr is the only public place that names the method.
    method = repr(scorer)
    return "'predict_proba'" in method and "'decision_function'" not in method
