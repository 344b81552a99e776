"""Default parameters on real images of many kinds, from 240 to 60,000 for training.

    python benchmarks/suite.py [--sets NAME ...] [--only PART ...] [--results FILE]

All classic classifiers, an SVC on histograms of oriented gradients (HOG), both
classifiers and their controls without recurrence (``cell=None``), each with default
parameters. Subsets of training images are stratified, another one for each seed; the
test images stay the same. A small set is fitted with three seeds, a large one with one;
``--seeds`` overrides both. ``--only`` selects classifiers by parts of names.

The tables hold the mean accuracy in percent (balanced accuracy on the blood cells) with
its standard error, from the sampling error of the test images and the spread of the
seeds, and the mean rank over the sets that a classifier was fitted on; the CPU seconds
of a fit; and the expected calibration error in 15 bins.

``--validate`` scores on images held out of the training part and never on a test image,
to choose defaults by. ``--set max_epochs=9 --label "9 epochs"`` changes parameters of
our classifiers, as far as they have them, and their names in the tables. With
``--results`` each fit is appended to a file of JSON lines as it finishes, fits that the
file holds are not repeated, and the tables show all that it holds; ``--sets`` without a
name makes no fit. ``benchmarks/suite.jsonl`` holds the fits behind the README's tables.

Lists the sets on which the best classic classifier is more than a standard error ahead
of ours (of the RNN: the sets that are no photographs) and, if all sets were run without
``--validate``, asserts that there are none.
"""

import argparse
import ast
import importlib.util
import json
import time
from pathlib import Path

import numpy as np
from _sets import SETS, make_splits
from _tools import (
    MissingData,
    calibration_error,
    describe,
    print_head,
    print_row,
    print_table,
)
from scipy.stats import rankdata
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVC

from sk_rnnimage import CRNNImageClassifier, RNNImageClassifier, classic_classifiers

OURS = {
    "CRNNImageClassifier()": CRNNImageClassifier,
    "RNNImageClassifier()": RNNImageClassifier,
}
CONTROLS = {
    "CRNN, cell=None (control)": CRNNImageClassifier,
    "RNN, cell=None (control)": RNNImageClassifier,
}
HOG = "HOG + SVC"
CLASSIC = [*classic_classifiers(), HOG]
CLASSIFIERS = [*CLASSIC, *OURS, *CONTROLS]
LEFT_OUT = {("SVC", "cifar10-50000")}  # 3,072 features: the fit takes hours
FIGURES = "score", "variance", "ece", "cpu_s"  # of a fit, in a line of results


def build(name, seed, settings):
    """Return an unfitted classifier; the settings are for ours."""
    if name == HOG:
        return make_pipeline(FunctionTransformer(oriented_gradients), SVC(C=10))
    if name in CLASSIC:
        return classic_classifiers(random_state=seed)[name]
    classifier = {**OURS, **CONTROLS}[name](random_state=seed)
    known = {k: v for k, v in settings.items() if k in classifier.get_params()}
    classifier.set_params(**known)
    return classifier.set_params(cell=None) if name in CONTROLS else classifier


def oriented_gradients(X):
    """Compute histograms of 9 orientations in cells of a sixth of the side.

    Each block of 2 x 2 cells is normalised. Of colours the strongest gradient counts.
    """
    from skimage.feature import hog

    cell = max(1, min(X.shape[1:3]) // 6)
    axis = -1 if X.ndim == 4 else None
    features = [
        hog(image, 9, (cell, cell), (2, 2), channel_axis=axis).astype(np.float32)
        for image in X  # (H, W) or (H, W, C)
    ]
    return np.stack(features)


def measure(unfitted, splits, balanced):
    """Fit and score on each split; return the figures of all splits together.

    The CPU seconds are the mean of a fit.
    """
    parts, seconds = [], []
    for X, y, X_test, y_test in splits:
        classifier = clone(unfitted)
        start = time.process_time()
        classifier.fit(X, y)
        seconds.append(time.process_time() - start)
        parts.append((y_test, *predict(classifier, X_test)))
    y, predicted, confidence = map(np.concatenate, zip(*parts))
    figures = *score_of(y, predicted, balanced), None, np.mean(seconds)
    line = dict(zip(FIGURES, figures))
    if not np.isnan(confidence).any():
        line["ece"] = calibration_error(confidence, predicted == y)
    return line


def predict(classifier, X):
    """Return predicted labels and their probabilities, NaN where there are none."""
    if not hasattr(classifier, "predict_proba"):
        return classifier.predict(X), np.full(len(X), np.nan)
    probabilities = classifier.predict_proba(X)
    labels = classifier.classes_[probabilities.argmax(axis=1)]
    return labels, probabilities.max(axis=1)


def score_of(y, predicted, balanced):
    """Return the accuracy, or the balanced accuracy, and its sampling variance."""
    groups = [y == label for label in np.unique(y)] if balanced else [y == y]
    rates = np.array([np.mean(predicted[group] == y[group]) for group in groups])
    sizes = np.array([group.sum() for group in groups])
    return rates.mean(), np.sum(rates * (1 - rates) / sizes) / len(groups) ** 2


def select(only):
    """Return the names selected by ``--only``, without HOG if it is not installed."""
    names = [n for n in CLASSIFIERS if not only or any(part in n for part in only)]
    if HOG in names and importlib.util.find_spec("skimage") is None:
        print(f'{HOG} is left out: pip install -c constraints.txt ".[benchmark]"\n')
        names.remove(HOG)
    return names


def load_lines(file, part):
    """Return what a file of results holds of the test part or of the validation."""
    if file is None or not file.exists():
        return []
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    return [line for line in lines if line["part"] == part]


def append(line, file):
    """Append a result to a file, if there is one."""
    if file is not None:
        with file.open("a") as opened:
            opened.write(json.dumps(line) + "\n")


def run(options, part):
    """Make all fits that the file of results lacks; return all results."""
    lines = load_lines(options.results, part)
    done = {(line["set"], line["classifier"], line["seed"]) for line in lines}
    labels = {n: with_label(n, options.label) for n in select(options.only)}
    widths = max(map(len, labels.values()), default=0), max(map(len, SETS)), 4, 6, 8
    warm_up()
    print_head(("each fit", "set", "seed", "score", "CPU s"), widths)
    for data, seed, name in fits(options, labels):
        if (data, labels[name], seed) in done:
            continue
        splits = make_splits(SETS[data], seed, options.validate)
        classifier = build(name, seed, dict(options.set))
        figures = measure(classifier, splits, SETS[data].balanced)
        line = {"part": part, "set": data, "classifier": labels[name], "seed": seed}
        lines.append(line | figures)
        append(lines[-1], options.results)
        score, seconds = figures["score"], figures["cpu_s"]
        row = labels[name], data, str(seed), f"{score:.4f}", f"{seconds:.2f}"
        print_row(row, widths)
    print()
    return lines


def with_label(name, label):
    """Return the name in the tables: that of ours has the label."""
    return name if name in CLASSIC else f"{name} {label}".strip()


def warm_up():
    """Fit once, untimed: the first fit of a process takes a second longer."""
    X, y = load_digits(return_X_y=True)
    CRNNImageClassifier(max_epochs=1).fit(X[:100].reshape(-1, 8, 8), y[:100])


def fits(options, names):
    """Yield the (set, seed, classifier) to be fitted, of sets that are there."""
    for data in options.sets:
        try:
            SETS[data].load()
        except MissingData as error:
            print(f"{data} is left out: {error}")
            continue
        for seed in range(options.seeds or SETS[data].n_seeds):
            for name in names:
                if (name, data) not in LEFT_OUT:
                    yield data, seed, name


def summarize(lines):
    """Return score, standard error, calibration error, CPU s by (set, classifier)."""
    runs = {}
    for line in lines:
        runs.setdefault((line["set"], line["classifier"]), []).append(line)
    return {key: summarize_one(seeds) for key, seeds in runs.items()}


def summarize_one(runs):
    """Return mean score, its standard error, mean calibration error, mean CPU s."""
    values = np.array([[line[key] for key in FIGURES] for line in runs], dtype=float)
    score, variance, error, cpu = values.T  # None became NaN
    # The test images are the same for each seed: their error does not average out.
    spread = score.var(ddof=1) / len(score) if len(score) > 1 else 0
    return score.mean(), np.sqrt(variance.mean() + spread), error.mean(), cpu.mean()


def rank(summary):
    """Return the mean rank of each classifier over its sets, the best first."""
    ranks = {}
    for data in {data: None for data, _ in summary}:
        scores = {n: figures[0] for (d, n), figures in summary.items() if d == data}
        for name, value in zip(scores, rankdata([-score for score in scores.values()])):
            ranks.setdefault(name, []).append(value)
    means = {name: np.mean(values) for name, values in ranks.items()}
    return dict(sorted(means.items(), key=lambda item: item[1]))


def print_tables(summary):
    """Print the scores with the mean ranks, the CPU seconds, the calibration errors."""
    ranks = rank(summary)
    sets = [data for data in SETS if any(data == other for other, _ in summary)]

    def print_one(title, show, last=None):
        rows = []
        for name in ranks:
            figures = [summary.get((data, name)) for data in sets]
            rows.append([name, *(show(*f) if f else "" for f in figures)])
            rows[-1] += [f"{last[name]:.1f}"] if last else []
        print_table([title, *sets, *(["mean rank"] if last else [])], rows)

    print_one("percent", lambda s, e, *_: f"{100 * s:.2f} ± {100 * e:.2f}", ranks)
    print_one("CPU s of a fit", lambda *figures: f"{figures[3]:.1f}")
    print_one("calibration error", lambda s, e, ece, _: show_error(ece))


def show_error(error):
    return "-" if np.isnan(error) else f"{error:.3f}"


def find_deficits(summary, name):
    """Return (set, best classic, its lead, our standard error) where we are behind.

    Networks without convolutions are not held against them on photographs.
    """
    deficits = []
    for data in SETS:
        if SETS[data].photographs and name.startswith("RNN"):
            continue
        classic = {n: summary[data, n][0] for n in CLASSIC if (data, n) in summary}
        if not classic or (data, name) not in summary:
            continue
        score, error, *_ = summary[data, name]
        best = max(classic, key=classic.get)
        if classic[best] - score > error:
            deficits.append((data, best, classic[best] - score, error))
    return deficits


def print_deficits(summary, name):
    """Say on which sets the best classic classifier is ahead; return how many."""
    deficits = find_deficits(summary, name)
    print(f"Sets on which {name} is behind: {len(deficits)}")
    for data, best, lead, error in deficits:
        print(f"- {data}: {best} {100 * lead:.2f} points (error {100 * error:.2f})")
    print()
    return len(deficits)


def is_complete(summary):
    """Return whether each classifier was fitted on each set."""
    pairs = {(data, name) for data in SETS for name in CLASSIFIERS}
    return pairs - {(data, name) for name, data in LEFT_OUT} <= summary.keys()


def setting(text):
    """Parse ``key=value``."""
    key, _, value = text.partition("=")
    return key, ast.literal_eval(value)


def parse():
    """Return the options of the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sets", nargs="*", default=list(SETS), choices=SETS)
    parser.add_argument("--only", nargs="+", metavar="PART")
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--validate", action="store_true")
    parser.add_argument("--results", type=Path, metavar="FILE")
    parser.add_argument(
        "--set", nargs="+", type=setting, default=[], metavar="KEY=VALUE"
    )
    parser.add_argument("--label", default="", metavar="TEXT")
    options = parser.parse_args()
    if options.set and not options.label:
        parser.error("--set needs a --label: the defaults keep their names.")
    return options


def main():
    options = parse()
    part = "validation" if options.validate else "test"
    describe(scored_on=part, settings=dict(options.set), left_out=sorted(LEFT_OUT))
    summary = summarize(run(options, part))
    if summary:
        print_tables(summary)
    names = {name for _, name in summary if name.startswith(tuple(OURS))}
    behind = {name: print_deficits(summary, name) for name in sorted(names)}
    if not options.validate and is_complete(summary):
        ours = {name: behind[name] for name in OURS}
        assert not any(ours.values()), f"sets on which it is behind: {ours}"


if __name__ == "__main__":
    main()
