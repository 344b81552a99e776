"""Command line interface: ``python -m sk_rnnimage compare``.

NumPy, scikit-learn and torch are imported in the functions that need them: together
they take seconds, for which neither ``--help`` nor a wrong path should wait.
"""

import argparse
import os
import sys
import threading
import time
import warnings
import zipfile
from contextlib import contextmanager


def main(argv=None):
    """Run a command.

    Parameters
    ----------
    argv : list of str, default=None
        Command line arguments. None takes ``sys.argv[1:]``.

    Returns
    -------
    int
        Exit status: 0 on success, 2 on invalid input, with one line on stderr that
        explains it, and 130 after Ctrl-C.
    """
    arguments = _build_parser().parse_args(argv)
    try:
        arguments.run(arguments)
    # The package raises these for invalid input; anything else is a bug and keeps its
    # traceback.
    except (ValueError, TypeError, OSError, ImportError) as error:
        print("error:", " ".join(str(error).split()), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return 130  # 128 + SIGINT, as shells report it
    return 0


def _build_parser():
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
        "--frames",
        type=int,
        metavar="N",
        help="the data are clips: a folder that holds one folder of clips for each "
        "class, or an .npz of clips X (n, T, H, W[, C]) and y, or of clips one after "
        "another in frames, with ends (where each ends) and labels; the networks read "
        "all frames, the classic classifiers N of each clip",
    )
    parser.add_argument(
        "--size",
        nargs=2,
        type=int,
        metavar=("HEIGHT", "WIDTH"),
        help="resize the images, or the frames, of a folder to this",
    )
    parser.add_argument("--cv", type=int, help="number of folds (default: 5)")
    parser.add_argument("--seed", type=int, default=0, help="default: 0")
    parser.add_argument(
        "--classifiers",
        nargs="+",
        metavar="NAME",
        help="compare only these, by the names in the table, in quotes",
    )
    parser.add_argument(
        "--scoring",
        nargs="+",
        default=["accuracy"],
        metavar="NAME",
        help="scikit-learn's names of scores, the first of which orders the table "
        "(default: accuracy)",
    )
    parser.add_argument(
        "--jobs",
        type=int,
        metavar="N",
        help="fit N folds at once, -1 for one per core (default: 1); the times are "
        "then no longer comparable",
    )
    parser.add_argument("--plot", metavar="FILE", help="write a picture, as .png or so")


def _compare(arguments):
    """Run the command ``compare``."""
    _check_arguments(arguments)
    if arguments.plot:
        _check_plot_path(arguments.plot)
    from sk_rnnimage.comparison import Comparison, cross_validate_each

    rivals = _rivals(arguments.seed, arguments.frames)
    classifiers = _select(rivals, arguments.classifiers)
    title, X, y, splits = _load_data(arguments)
    if arguments.frames is not None:
        _declare_longest(classifiers, X)
    names = arguments.scoring
    scoring = names[0] if len(names) == 1 else names
    runs = cross_validate_each(
        classifiers, X, y, splits, scoring=scoring, n_jobs=arguments.jobs
    )
    noun = "images" if arguments.frames is None else "clips"
    _print_header(title, X, y, splits, classifiers, noun)
    scores = _report_each(runs, classifiers, scoring)
    comparison = Comparison(classifiers, scores, splits, scoring)
    print(f"\n{comparison}")
    if arguments.plot:
        _save_plot(comparison, arguments.plot)
        print(f"\nThe picture is in {arguments.plot}.")


def _check_arguments(arguments):
    """Raise an error for what can be seen at once, the path first of all."""
    path, cv = arguments.data, arguments.cv
    if path is not None and not os.path.exists(path):
        raise ValueError(f"There is no file or folder {path!r}.")
    if arguments.size is not None and (path is None or not os.path.isdir(path)):
        raise ValueError("--size needs --data with a folder of images.")
    if cv is not None and cv < 2:
        raise ValueError(f"--cv must be at least 2. Got {cv} instead.")
    if arguments.frames is not None and (path is None or arguments.frames < 1):
        raise ValueError(
            "--frames needs --data with clips, and a number of at least 1. Got "
            f"{arguments.frames}."
        )
    if arguments.jobs == 0:
        raise ValueError("--jobs must be at least 1, or -1 for all cores. Got 0.")


def _rivals(seed, n_frames=None):
    """Build all classifiers: classic ones, networks, networks without recurrence.

    A network without recurrence is the control: it shows what the recurrence adds. The
    majority class is the score that says nothing of the images.
    """
    from sklearn.dummy import DummyClassifier

    from sk_rnnimage.classifiers import CRNNImageClassifier, RNNImageClassifier
    from sk_rnnimage.comparison import classic_classifiers

    ours = {"random_state": seed, "scan": "auto" if n_frames is None else "frames"}
    return {
        **classic_classifiers(random_state=seed, n_frames=n_frames),
        "RNNImageClassifier": RNNImageClassifier(**ours),
        "RNN without recurrence (control)": RNNImageClassifier(cell=None, **ours),
        "CRNNImageClassifier": CRNNImageClassifier(**ours),
        "CRNN without recurrence (control)": CRNNImageClassifier(cell=None, **ours),
        "Majority class": DummyClassifier(strategy="most_frequent"),
    }


def _declare_longest(classifiers, X):
    """Tell the networks the length of the longest clip, which a fold may lack."""
    shape = (max(map(len, X)), *X[0].shape[1:])
    for classifier in classifiers.values():
        if "image_shape" in classifier.get_params():
            classifier.set_params(image_shape=shape)


def _select(classifiers, names):
    """Select classifiers by name, ignoring upper and lower case."""
    if names is None:
        return classifiers
    known = {name.lower(): name for name in classifiers}
    for name in names:
        if name.lower() not in known:
            raise ValueError(
                f"--classifiers: there is no {name!r}. There are "
                f"{', '.join(map(repr, classifiers))}."
            )
    selected = [known[name.lower()] for name in names]
    return {name: classifiers[name] for name in selected}


def _load_data(arguments):
    """Load the images: return a title, images, labels and (train, test) splits."""
    from sklearn.datasets import load_digits

    from sk_rnnimage.comparison import make_splits

    path, splits = arguments.data, None
    of_clips = arguments.frames is not None
    if path is None:
        digits = load_digits()
        title, X, y = "scikit-learn's digits", digits.images, digits.target
    elif os.path.isdir(path):
        read = _read_clips if of_clips else _read_folder
        title, (X, y) = path, read(path, arguments.size)
    else:
        title, (X, y, splits) = path, _read_npz(path, of_clips)
    if splits is not None and arguments.cv is not None:
        raise ValueError(f"--cv has no use: {path} says which images are the test.")
    if splits is None:
        splits = make_splits(X, y, arguments.cv or 5, arguments.seed)
    return title, X, y, splits


def _read_folder(path, size):
    """Read images and labels of a folder that has one subfolder per class."""
    from sk_rnnimage.files import ImageReader, list_images

    # Printed without the file name and source line that Python adds to a warning.
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        paths, labels = list_images(path, broken="skip")
    for warning in caught:
        print("warning:", warning.message, file=sys.stderr)
    _refuse_unlabelled(path, labels, "images")
    # All cores: reading ends before any classifier is timed.
    reader = ImageReader(size=None if size is None else tuple(size), n_jobs=-1)
    images = reader.transform(paths)
    first = images[0]
    for file, image in zip(paths, images):
        if image.shape != first.shape:
            sizes = [" x ".join(map(str, i.shape[:2])) for i in (first, image)]
            raise ValueError(
                f"The images differ in size: {paths[0]!r} is {sizes[0]} and "
                f"{file!r} is {sizes[1]}. The classic classifiers need one size: "
                "--size HEIGHT WIDTH."
            )
    return images, labels


def _refuse_unlabelled(path, labels, noun):
    """Raise an error for a folder that has no subfolder per class."""
    if labels is None:
        raise ValueError(
            f"{path} holds {noun}, but no class folders: a comparison needs labels. "
            f"Put the {noun} of each class into a folder of its own."
        )


def _read_clips(path, size):
    """Read clips and labels of a folder that has one subfolder per class."""
    from sk_rnnimage.files import ClipReader, list_clips

    paths, labels = list_clips(path)
    _refuse_unlabelled(path, labels, "clips")
    # All cores: reading ends before any classifier is timed.
    reader = ClipReader(size=None if size is None else tuple(size), n_jobs=-1)
    clips = reader.transform(paths)
    first = clips[0]
    for file, clip in zip(paths, clips):
        if clip.shape[1:] != first.shape[1:]:
            sizes = [" x ".join(map(str, c.shape[1:3])) for c in (first, clip)]
            raise ValueError(
                f"The clips differ in size: the frames of {paths[0]!r} are {sizes[0]} "
                f"and those of {file!r} are {sizes[1]}. Choose one size: --size HEIGHT "
                "WIDTH."
            )
    return clips, labels


def _read_npz(path, of_clips=False):
    """Read images, labels and the splits: None, or a list of the one in the file."""
    import numpy as np

    arrays = _load_arrays(path)
    if of_clips and {"frames", "ends", "labels"} <= set(arrays):
        return *_split_frames(arrays["frames"], arrays["ends"], arrays["labels"]), None
    if {"X", "y"} <= set(arrays):
        return *_check_data(arrays["X"], arrays["y"], "X", "y", of_clips), None
    names = ("X_train", "y_train", "X_test", "y_test")
    if not set(names) <= set(arrays):
        or_clips = ", or frames, ends and labels" if of_clips else ""
        raise ValueError(
            f"{path} must hold the arrays X and y, or X_train, y_train, X_test and "
            f"y_test{or_clips}. It holds {', '.join(arrays) or 'none'}."
        )
    X_train, y_train = _check_data(
        arrays["X_train"], arrays["y_train"], *names[:2], of_clips
    )
    X_test, y_test = _check_data(
        arrays["X_test"], arrays["y_test"], *names[2:], of_clips
    )
    if X_train.shape[1:] != X_test.shape[1:]:
        raise ValueError(
            f"X_train and X_test hold images of different shapes: {X_train.shape[1:]} "
            f"and {X_test.shape[1:]}."
        )
    X, y = np.concatenate([X_train, X_test]), np.concatenate([y_train, y_test])
    train, test = np.split(np.arange(len(X)), [len(X_train)])
    return X, y, [(train, test)]


def _split_frames(frames, ends, labels):
    """The clips of frames that lie one after another, and their labels."""
    import numpy as np

    starts = np.concatenate([[0], ends[:-1]]) if ends.ndim == 1 else ends
    fits = ends.ndim == 1 and len(ends) and len(labels) == len(ends)
    if not fits or (ends <= starts).any() or ends[-1] != len(frames):
        raise ValueError(
            "ends must hold, for each label, the number of frames up to the end of its "
            f"clip, and rise to the {len(frames)} frames that there are. There are "
            f"{len(labels)} labels, and ends has the shape {ends.shape}."
        )
    return np.split(frames, ends[:-1]), labels


def _load_arrays(path):
    """Load the arrays of an .npz file as a dict."""
    import numpy as np

    try:
        # np.load(path) of an .npz keeps the file open. A pickle could run any code.
        with open(path, "rb") as file:
            arrays = np.load(file, allow_pickle=False)
            return {name: arrays[name] for name in arrays.files}
    # AttributeError: a single array, of an .npy file, has no `files`.
    except (ValueError, AttributeError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"{path} is not an .npz of plain arrays, nor a folder of images."
        ) from error


def _check_data(X, y, X_name, y_name, of_clips=False):
    """Check that X holds images and y one label each; return y flattened, if a column.

    Some data sets, CIFAR-10 of Keras among them, store labels with shape (n, 1).
    """
    if of_clips and X.ndim not in (4, 5):
        raise ValueError(
            f"{X_name} must hold clips, grey (n, T, H, W) or with channels (n, T, H, "
            f"W, C). Its shape is {X.shape}."
        )
    if not of_clips and X.ndim not in (2, 3, 4):
        raise ValueError(
            f"{X_name} must be flat (n, H*W*C), grey (n, H, W) or with channels "
            f"(n, H, W, C). Its shape is {X.shape}."
        )
    if y.size != len(X) or len(y) != len(X):
        raise ValueError(
            f"{y_name} must hold one label for each of the {len(X)} images in "
            f"{X_name}. Its shape is {y.shape}."
        )
    return X, y.ravel()


def _print_header(title, X, y, splits, classifiers, noun="images"):
    """Print the numbers of classifiers, images or clips, classes and folds."""
    import numpy as np

    shape = " x ".join(map(str, X[0].shape))
    if noun == "clips":  # whose numbers of frames may differ
        lengths = {len(clip) for clip in X}
        fewest, most = min(lengths), max(lengths)
        n_frames = f"{fewest} to {most}" if fewest < most else f"{most}"
        shape = f"{n_frames} frames of {' x '.join(map(str, X[0].shape[1:]))}"
    if len(splits) == 1:
        train, test = splits[0]
        n_images = f"{len(train)} + {len(test)}"
        protocol = "one fit each on the given split"
    else:
        n_images, protocol = f"{len(X)}", f"{len(splits)} folds"
    n_classes = len(np.unique(y))
    print(f"{len(classifiers)} classifiers on {title}")
    # Flushed, since in a pipe it would otherwise appear only after minutes.
    print(f"{n_images} {noun} of {shape}, {n_classes} classes; {protocol}", flush=True)


def _report_each(runs, classifiers, scoring):
    """Return the scores by name; report each classifier on stderr when it is done."""
    from sk_rnnimage.comparison import describe_error

    key = "test_score" if isinstance(scoring, str) else f"test_{scoring[0]}"
    width, scores = max(map(len, classifiers)), {}
    for number, name in enumerate(classifiers, start=1):
        label = f"[{number:2}/{len(classifiers)}] {name:{width}}"
        start = time.perf_counter()
        with _ticking(label):
            _, scores[name] = next(runs)
        if "error" in scores[name]:
            done = f"failed: {describe_error(scores[name]['error'])}"
        else:
            seconds = time.perf_counter() - start
            done = f"{scores[name][key].mean():.4f}  {seconds:8.1f} s"
        print(f"  {done}", file=sys.stderr, flush=True)
    return scores


@contextmanager
def _ticking(label):
    """Print a label and, on a terminal, the elapsed seconds, while the block runs."""
    print(label, end="", file=sys.stderr, flush=True)
    done = threading.Event()
    timer = threading.Thread(target=_print_elapsed, args=(label, done), daemon=True)
    if sys.stderr.isatty():  # a log file would keep every overwritten line
        timer.start()
    try:
        yield
    finally:
        done.set()
        if timer.ident is not None:  # it was started
            timer.join()
            print(f"\r{label}", end="", file=sys.stderr, flush=True)


def _print_elapsed(label, done):
    """Overwrite the line every second, until the event is set."""
    start = time.perf_counter()
    while not done.wait(1):  # unlike sleep, ends at once when the event is set
        seconds = time.perf_counter() - start
        print(
            f"\r{label}  ...     {seconds:8.0f} s", end="", file=sys.stderr, flush=True
        )


def _check_plot_path(path):
    """Raise an error if the plot cannot be saved, before the run of many minutes."""
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
    # savefig picks the backend by the suffix, so every format of matplotlib will do.
    known = FigureCanvasBase.get_supported_filetypes()
    if os.path.splitext(path)[1][1:].lower() not in known:
        raise ValueError(
            f"--plot: the name must end in one of .{', .'.join(sorted(known))}. "
            f"Got {path!r} instead."
        )


def _save_plot(comparison, path):
    # A Figure made without pyplot needs no display and opens no window.
    from matplotlib.figure import Figure

    from sk_rnnimage.inspection import ComparisonDisplay

    height = 1.6 + 0.42 * len(comparison.results["name"])
    figure = Figure(figsize=(9, height), layout="constrained")
    ComparisonDisplay.from_comparison(comparison, ax=figure.add_subplot())
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    sys.exit(main())
