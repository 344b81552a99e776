"""The classifiers and baselines on MNIST: 60,000 training and 10,000 test images.

    python benchmarks/mnist.py [--seeds 3] [--images 60000] [--only NAME ...]

Both classifiers with default parameters, their controls without recurrence
(``cell=None``) and common baselines. For each seed all classifiers are fitted in turn,
and each fit is printed as it finishes. The final table has the mean accuracy on the
test images and its range over the seeds, and the medians of the wall time and CPU time
of the fit and of the wall time of the prediction. The baselines other than PCA + SVC
are fitted once. ``--only`` selects by parts of names, for instance ``--only CRNN PCA``.
Keras comes with the extra ``benchmark``; without it its row is left out.

Asserts, for the rows that were run, that the CRNN scores 0.993 and fits in at most the
time of PCA + SVC (median over the seeds of the ratio of the two times), and that the
RNN scores 0.992 and fits in a fifth of Keras' time, in wall time or, with ``--clock
"fit CPU s"``, in CPU time. With fewer than 60,000 images nothing is asserted.
"""

import argparse

import numpy as np
from _tools import (
    assert_limits,
    clocks,
    describe,
    mnist,
    print_head,
    print_row,
    print_table,
    seeds_from,
    start_keras,
)
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVC

from sk_rnnimage import CRNNImageClassifier, RNNImageClassifier

RNN, CRNN, PCA_SVC = "RNNImageClassifier()", "CRNNImageClassifier()", "PCA(50) + SVC"
KERAS = "Keras LSTM 128 + LSTM 64"
FIGURES = ("accuracy", "fit s", "fit CPU s", "predict s")


class KerasLSTM:
    """Two LSTM layers over the rows in Keras, Adam, 10 epochs."""

    def __init__(self, seed):
        self.seed = seed

    def fit(self, X, y):
        """Train on flat uint8 images."""
        import keras

        keras.utils.set_random_seed(self.seed)
        self.model = keras.Sequential(
            [
                keras.Input((28, 28)),
                keras.layers.LSTM(128, return_sequences=True),
                keras.layers.LSTM(64),
                keras.layers.Dense(10, activation="softmax"),
            ]
        )
        self.model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
        self.model.fit(as_rows(X), y, batch_size=128, epochs=10, verbose=0)
        return self

    def predict(self, X):
        """Predict labels of flat uint8 images."""
        return self.model.predict(as_rows(X), batch_size=128, verbose=0).argmax(axis=1)


def as_rows(X):
    """Convert flat uint8 images to float32 images (B, 28, 28) in [0, 1]."""
    return to_unit(X).reshape(-1, 28, 28)


def to_unit(X):
    """Scale uint8 pixels to float32 in [0, 1]."""
    return X.astype(np.float32) / 255


def scaled(*steps):
    return make_pipeline(FunctionTransformer(to_unit), *steps)


CLASSIFIERS = {
    CRNN: lambda seed: CRNNImageClassifier(random_state=seed),
    "CRNN, cell=None (control)": lambda seed: CRNNImageClassifier(
        cell=None, random_state=seed
    ),
    RNN: lambda seed: RNNImageClassifier(random_state=seed),
    "RNN, cell=None (control)": lambda seed: RNNImageClassifier(
        cell=None, random_state=seed
    ),
    PCA_SVC: lambda seed: scaled(PCA(50, random_state=seed), SVC(C=10)),
    "SVC(C=5, gamma=0.02)": lambda seed: scaled(SVC(C=5, gamma=0.02)),
    "MLPClassifier((256,), early_stopping=True)": lambda seed: scaled(
        MLPClassifier((256,), early_stopping=True, random_state=seed)
    ),
    "RandomForestClassifier()": lambda seed: RandomForestClassifier(random_state=seed),
    "HistGradientBoostingClassifier()": lambda seed: HistGradientBoostingClassifier(
        random_state=seed
    ),
    KERAS: KerasLSTM,
}
REPEATED = list(CLASSIFIERS)[:5]  # the others are fitted once


def select(only):
    """Return the names selected by ``--only``, without Keras if it is not installed."""
    names = [n for n in CLASSIFIERS if not only or any(part in n for part in only)]
    if KERAS in names and not start_keras():
        names.remove(KERAS)
    return names


def measure(classifier, data):
    """Return accuracy, wall time of fit, CPU time of fit and wall time of predict."""
    X_train, y_train, X_test, y_test = data
    start = clocks()
    classifier.fit(X_train, y_train)
    fitted = clocks()
    accuracy = np.mean(classifier.predict(X_test) == y_test)
    predicted = clocks()
    return accuracy, *(fitted - start), (predicted - fitted)[0]


def measure_all(names, n_seeds, data):
    """Fit all for each seed, print each result; return lists of results by name."""
    widths = max(map(len, names)), 4, *map(len, FIGURES)
    print_head(("each fit", "seed", *FIGURES), widths)
    runs = {name: [] for name in names}
    for seed in range(n_seeds):
        for name in names:
            if seed == 0 or name in REPEATED:
                runs[name].append(measure(CLASSIFIERS[name](seed), data))
                print_row((name, str(seed), *formatted(runs[name][-1])), widths)
    print()
    return runs


def formatted(figures):
    accuracy, *seconds = figures
    return [f"{accuracy:.4f}", *[f"{value:.2f}" for value in seconds]]


def print_summary(runs):
    rows = []
    for name, figures in runs.items():
        scores, *times = np.transpose(figures)
        medians = [np.median(seconds) for seconds in times]
        accuracy, *seconds = formatted((scores.mean(), *medians))
        extremes = f"{min(scores):.4f} to {max(scores):.4f}"
        score_range = extremes if len(scores) > 1 else "-"
        rows.append([name, accuracy, score_range, *seconds, len(scores)])
    print_table(("classifier", FIGURES[0], "range", *FIGURES[1:], "fits"), rows)


def claims(runs, clock):
    """Return the claims about the rows that were run: (description, value, limit)."""
    runs = {name: np.array(figures) for name, figures in runs.items()}
    values = []
    for name, goal in ((CRNN, 0.993), (RNN, 0.992)):
        if name in runs:
            values.append((f"errors of {name}", 1 - runs[name][:, 0].mean(), 1 - goal))
    column = FIGURES.index(clock)
    for name, baseline, limit in ((CRNN, PCA_SVC, 1.0), (RNN, KERAS, 0.2)):
        if name in runs and baseline in runs:
            ratios = runs[name][:, column] / runs[baseline][:, column]
            values.append((f"{clock}, {name} / {baseline}", np.median(ratios), limit))
    return values


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--images", type=int, default=60000)
    parser.add_argument("--only", nargs="+", metavar="NAME")
    parser.add_argument("--clock", choices=FIGURES[1:3], default=FIGURES[1])
    options = parser.parse_args()
    X_train, y_train, X_test, y_test = mnist()
    flat = X_train.reshape(-1, 784)[: options.images], y_train[: options.images]
    data = *flat, X_test.reshape(-1, 784), y_test
    describe(
        images=len(flat[0]), test_images=len(X_test), seeds=seeds_from(0, options.seeds)
    )
    runs = measure_all(select(options.only), options.seeds, data)
    print_summary(runs)
    if len(flat[0]) == 60000:
        assert_limits(claims(runs, options.clock))


if __name__ == "__main__":
    main()
