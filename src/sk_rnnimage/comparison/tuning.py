"""A random search of hyperparameters inside a fold, on the same splits for all."""

from sklearn.model_selection import GridSearchCV, ParameterGrid, ParameterSampler

from sk_rnnimage.comparison.rivals import is_search, kind_of
from sk_rnnimage.comparison.spaces import search_space
from sk_rnnimage.comparison.splits import make_splits

N_FOLDS = 3  # of the training images of a fold


def with_search(classifier, n_candidates, X, y, groups, scoring, seed):
    """Put a search of so many candidates around a classifier.

    The first candidate is the classifier as it is: a search should not end below where
    it began. Those that have nothing to search stay as they are: see
    :func:`has_search`.
    """
    if not has_search(classifier):
        return classifier
    return GridSearchCV(
        classifier,
        [{}, *_draw(search_space(classifier), n_candidates - 1, seed)],
        cv=make_splits(X, y, N_FOLDS, seed, groups),
        scoring=scoring,
    )


def _draw(space, n, seed):
    """Candidates drawn from a space, each a grid of one point."""
    if all(isinstance(values, list) for values in space.values()):
        n = min(n, len(ParameterGrid(space)))  # drawn without repetition
    drawn = ParameterSampler(space, n, random_state=seed)
    return [{name: [value] for name, value in params.items()} for params in drawn]


def has_search(classifier):
    """Whether a classifier is searched: a baseline is not, nor what is a search."""
    return kind_of(classifier) != "baseline" and not is_search(classifier)


def check_spaces(classifiers):
    """Raise before any fit where a classifier has no space to search."""
    for name, classifier in classifiers.items():
        if has_search(classifier):
            try:
                search_space(classifier)
            except TypeError as error:
                raise TypeError(
                    f"search needs a space for each classifier. {name!r}: {error} A "
                    "classifier that is a search is compared as it is."
                ) from error
