"""The package from a shell: ``python -m sk_rnnimage compare``."""

import argparse
import os
import sys
import threading
import time
import warnings
import zipfile
from contextlib import contextmanager

import numpy as np
from sklearn.datasets import load_digits

from sk_rnnimage.classifiers import CRNNImageClassifier, RNNImageClassifier
from sk_rnnimage.comparison import (
    Comparison,
    classic_classifiers,
    each_classifier,
    make_splits,
)
from sk_rnnimage.files import ImageReader, list_images
from sk_rnnimage.inspection import ComparisonDisplay


def main(argv=None):
    """Run a command.

    Parameters
    ----------
    argv : list of str, default=None
        The arguments. None takes those of the process.

    Returns
    -------
    int
        The exit status: 0, or 2 where the input is at fault, which one line on
        stderr then explains, or 130 after Ctrl-C.
    """
    arguments = _parser().parse_args(argv)
    try:
        arguments.run(arguments)
    except (ValueError, TypeError, OSError, ImportError) as error:
        print("error:", " ".join(str(error).split()), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return 130
    return 0


def _parser():
    parser = argparse.ArgumentParser(
        prog="sk_rnnimage",
        description="Recurrent networks that read images, beside classic classifiers.",
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    compare = commands.add_parser(
        "compare",
        help="compare recurrent networks with classic classifiers",
        description="Compare recurrent networks with classic classifiers on the same "
        "images: without --data, on the digits that come with scikit-learn.",
    )
    _add_compare_arguments(compare)
    compare.set_defaults(run=_compare)
    return parser


def _add_compare_arguments(parser):
    parser.add_argument(
        "--data",
        metavar="PATH",
        help="an .npz of arrays X, y, or of X_train, y_train, X_test, y_test (then "
        "one fit each and no folds); or a folder that holds one folder of images for "
        "each class",
    )
    parser.add_argument(
        "--size",
        nargs=2,
        type=int,
        metavar=("HEIGHT", "WIDTH"),
        help="resize the images of a folder to this",
    )
    parser.add_argument("--cv", type=int, help="number of folds (default: 5)")
    parser.add_argument("--seed", type=int, default=0, help="default: 0")
    parser.add_argument(
        "--classifiers",
        nargs="+",
        metavar="NAME",
        help="compare only these, by the names in the table, in quotes",
    )
    parser.add_argument("--plot", metavar="FILE", help="write a picture, as .png or so")


def _compare(arguments):
    """The command ``compare``."""
    if arguments.plot:
        _check_plot(arguments.plot)
    rivals = _choose(_rivals(arguments.seed), arguments.classifiers)
    title, X, y, splits = _load(arguments)
    _print_header(title, X, y, splits, rivals)
    comparison = Comparison(rivals, _run_all(rivals, X, y, splits), splits, "accuracy")
    print(f"\n{comparison}")
    if arguments.plot:
        _plot(comparison, arguments.plot)
        print(f"\nThe picture is in {arguments.plot}.")


def _rivals(seed):
    """All that are compared: ours, the control of each without recurrence, classics."""
    return {
        **classic_classifiers(random_state=seed),
        "RNNImageClassifier": RNNImageClassifier(random_state=seed),
        "RNN without recurrence (control)": RNNImageClassifier(
            cell=None, random_state=seed
        ),
        "CRNNImageClassifier": CRNNImageClassifier(random_state=seed),
        "CRNN without recurrence (control)": CRNNImageClassifier(
            cell=None, random_state=seed
        ),
    }


def _choose(rivals, names):
    """Those of the rivals that are named, in any case of letters."""
    if names is None:
        return rivals
    known = {name.lower(): name for name in rivals}
    for name in names:
        if name.lower() not in known:
            raise ValueError(
                f"--classifiers: there is no {name!r}. There are "
                f"{', '.join(map(repr, rivals))}."
            )
    return {known[name.lower()]: rivals[known[name.lower()]] for name in names}


def _load(arguments):
    """A title, images, labels and the splits of the data that are asked for."""
    path, size = arguments.data, arguments.size
    if size is not None and (path is None or not os.path.isdir(path)):
        raise ValueError("--size needs --data with a folder of images.")
    split = None
    if path is None:
        digits = load_digits()
        title, X, y = "scikit-learn's digits", digits.images, digits.target
    elif os.path.isdir(path):
        title, (X, y) = path, _read_folder(path, size)
    else:
        title, (X, y, split) = path, _read_npz(path)
    if split is not None and arguments.cv is not None:
        raise ValueError(f"--cv has no use: {path} says which images are the test.")
    if split is None:
        split = make_splits(X, y, _n_folds(arguments.cv), arguments.seed)
    return title, X, y, split


def _n_folds(cv):
    if cv is not None and cv < 2:
        raise ValueError(f"--cv must be at least 2. Got {cv} instead.")
    return cv or 5


def _read_folder(path, size):
    """Images and labels of a folder of class folders."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        paths, labels = list_images(path, broken="skip")
    for warning in caught:
        print("warning:", warning.message, file=sys.stderr)
    reader = ImageReader(size=None if size is None else tuple(size), n_jobs=-1)
    images = reader.transform(paths)
    for file, image in zip(paths, images):
        if image.shape != images[0].shape:
            one, other = (" x ".join(map(str, i.shape[:2])) for i in (images[0], image))
            raise ValueError(
                f"The images differ in size: {paths[0]!r} is {one} and {file!r} is "
                f"{other}. The classic classifiers need one size: --size HEIGHT WIDTH."
            )
    return images, labels


def _read_npz(path):
    """Images, labels and, where the file gives it, the one split as a list."""
    arrays = _arrays(path)
    if {"X", "y"} <= set(arrays):
        return *_checked(arrays["X"], arrays["y"], "X", "y"), None
    names = ("X_train", "y_train", "X_test", "y_test")
    if not set(names) <= set(arrays):
        raise ValueError(
            f"{path} must hold the arrays X and y, or X_train, y_train, X_test and "
            f"y_test. It holds {', '.join(arrays) or 'none'}."
        )
    X_train, y_train = _checked(arrays["X_train"], arrays["y_train"], *names[:2])
    X_test, y_test = _checked(arrays["X_test"], arrays["y_test"], *names[2:])
    if X_train.shape[1:] != X_test.shape[1:]:
        raise ValueError(
            f"X_train and X_test hold images of different shapes: {X_train.shape[1:]} "
            f"and {X_test.shape[1:]}."
        )
    rows = np.arange(len(X_train) + len(X_test))
    split = [(rows[: len(X_train)], rows[len(X_train) :])]
    return np.concatenate([X_train, X_test]), np.concatenate([y_train, y_test]), split


def _arrays(path):
    """The arrays of an .npz as a dict; nothing pickled is loaded."""
    if not os.path.exists(path):
        raise ValueError(f"There is no file or folder {path!r}.")
    try:
        with open(path, "rb") as file:
            arrays = np.load(file, allow_pickle=False)
            return {name: arrays[name] for name in arrays.files}
    except (ValueError, AttributeError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"{path} is not an .npz of plain arrays, nor a folder of images."
        ) from error


def _checked(X, y, name_of_X, name_of_y):
    """Images and as many labels, which may come as one column."""
    if X.ndim not in (2, 3, 4):
        raise ValueError(
            f"{name_of_X} must be flat (n, H*W*C), grey (n, H, W) or with channels "
            f"(n, H, W, C). Its shape is {X.shape}."
        )
    if y.size != len(X) or len(y) != len(X):
        raise ValueError(
            f"{name_of_y} must hold one label for each of the {len(X)} images in "
            f"{name_of_X}. Its shape is {y.shape}."
        )
    return X, y.ravel()


def _print_header(title, X, y, splits, rivals):
    """What is compared: images, classes, folds."""
    shape = " x ".join(map(str, X.shape[1:]))
    if len(splits) == 1:
        train, test = splits[0]
        count, how = f"{len(train)} + {len(test)}", "one fit each on the given split"
    else:
        count, how = f"{len(X)}", f"{len(splits)} folds"
    print(f"{len(rivals)} classifiers on {title}")
    n_classes = len(np.unique(y))
    print(f"{count} images of {shape}, {n_classes} classes; {how}", flush=True)


def _run_all(rivals, X, y, splits):
    """The scores of each rival, with a line on stderr for each as it comes."""
    runs, scores = each_classifier(rivals, X, y, splits), {}
    width = max(map(len, rivals))
    for place, name in enumerate(rivals, start=1):
        label = f"[{place:2}/{len(rivals)}] {name:{width}}"
        start = time.perf_counter()
        try:
            with _ticking(label):
                _, scores[name] = next(runs)
        except Exception:
            print(file=sys.stderr)  # the error has a line of its own
            raise
        seconds = time.perf_counter() - start
        score = scores[name]["test_score"].mean()
        print(f"  {score:.4f}  {seconds:8.1f} s", file=sys.stderr, flush=True)
    return scores


@contextmanager
def _ticking(label):
    """Show a label and, on a terminal, the seconds since then, until it is done."""
    print(label, end="", file=sys.stderr, flush=True)
    done = threading.Event()
    ticker = threading.Thread(target=_tick, args=(label, done), daemon=True)
    if sys.stderr.isatty():
        ticker.start()
    try:
        yield
    finally:
        done.set()
        if ticker.ident is not None:
            ticker.join()
            print(f"\r{label}", end="", file=sys.stderr, flush=True)


def _tick(label, done):
    start = time.perf_counter()
    while not done.wait(1):
        seconds = time.perf_counter() - start
        print(
            f"\r{label}  ...     {seconds:8.0f} s", end="", file=sys.stderr, flush=True
        )


def _check_plot(path):
    """Raise before the long run where the picture could not be written after it."""
    try:
        from matplotlib.backend_bases import FigureCanvasBase
    except ImportError as error:
        raise ImportError(
            "--plot needs matplotlib, which is not installed: "
            'pip install "sk_rnnimage[plot]"'
        ) from error
    folder = os.path.dirname(path) or "."
    if not os.path.isdir(folder):
        raise ValueError(f"--plot: there is no folder {folder!r}.")
    known = FigureCanvasBase.get_supported_filetypes()
    if os.path.splitext(path)[1][1:].lower() not in known:
        raise ValueError(
            f"--plot: the name must end in one of .{', .'.join(sorted(known))}. "
            f"Got {path!r} instead."
        )


def _plot(comparison, path):
    from matplotlib.figure import Figure

    height = 1.6 + 0.42 * len(comparison.results["name"])
    figure = Figure(figsize=(9, height), layout="constrained")
    ComparisonDisplay.from_comparison(comparison, ax=figure.add_subplot())
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    sys.exit(main())
