"""The classifiers that are compared: their names and their kinds."""

from sklearn.dummy import DummyClassifier
from sklearn.pipeline import Pipeline

from sk_rnnimage.classifiers import ImageClassifier


def name_classifiers(classifiers):
    """Return the classifiers as a dict; those of a list get the names of their classes.

    A class that occurs again gets a number: ``"SVC"``, ``"SVC 2"``.
    """
    if not len(classifiers):
        raise ValueError("classifiers is empty: at least one is needed.")
    is_dict = isinstance(classifiers, dict)
    for classifier in classifiers.values() if is_dict else classifiers:
        if not hasattr(classifier, "fit") or isinstance(classifier, type):
            raise TypeError(
                f"classifiers must hold classifiers to be fitted. Got {classifier!r}."
            )
    if is_dict:
        return {str(name): classifier for name, classifier in classifiers.items()}
    named = {}
    for classifier in classifiers:
        name = type(final_estimator(classifier)).__name__
        n_same = sum(other.split(" ")[0] == name for other in named)
        named[f"{name} {n_same + 1}" if n_same else name] = classifier
    return named


def final_estimator(classifier):
    """Return the estimator inside pipelines, searches and other meta-estimators."""
    while True:
        if isinstance(classifier, Pipeline):
            classifier = classifier.steps[-1][1]
        elif hasattr(classifier, "estimator"):
            classifier = classifier.estimator
        else:
            return classifier


def kind_of(classifier):
    """Return the kind of a classifier: recurrent, control, classic or baseline."""
    estimator = final_estimator(classifier)
    if isinstance(estimator, DummyClassifier):
        return "baseline"
    if not isinstance(estimator, ImageClassifier):
        return "classic"
    return "control" if estimator.cell is None else "recurrent"


def is_search(classifier):
    """Whether a classifier is a search of hyperparameters, or ends in one."""
    while isinstance(classifier, Pipeline):
        classifier = classifier.steps[-1][1]
    # The class that all searches of scikit-learn share is private, their words are not.
    return all(hasattr(classifier, word) for word in ("cv", "estimator", "refit"))
