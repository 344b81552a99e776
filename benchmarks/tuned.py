"""Default against default, and tuned against tuned, on a part of the digits.

    python benchmarks/tuned.py [--images 600] [--candidates 20]

Prints two tables of ``compare_classifiers`` with three folds: with default parameters,
and after a random search of so many candidates inside each fold, over the spaces of
``search_space``. The times of the second include the search.
"""

import argparse

from _tools import describe
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sk_rnnimage import (
    CRNNImageClassifier,
    RNNImageClassifier,
    classic_classifiers,
    compare_classifiers,
)


def rivals():
    """Both networks, and the classic classifiers that search fast."""
    classic = classic_classifiers(random_state=0)
    names = "SVC", "PCA + SVC", "Random forest", "k nearest neighbours"
    return {
        "CRNNImageClassifier": CRNNImageClassifier(random_state=0),
        "RNNImageClassifier": RNNImageClassifier(random_state=0),
        **{name: classic[name] for name in names},
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=600)
    parser.add_argument("--candidates", type=int, default=20)
    options = parser.parse_args()
    digits = load_digits()
    X, _, y, _ = train_test_split(
        digits.images,
        digits.target,
        train_size=options.images,
        stratify=digits.target,
        random_state=0,
    )
    describe(images=len(X), candidates=options.candidates, seed=0)
    for search in (None, options.candidates):
        print(f"search={search}\n")
        comparison = compare_classifiers(
            rivals(), X, y, cv=3, search=search, random_state=0
        )
        print(f"{comparison}\n", flush=True)


if __name__ == "__main__":
    main()
