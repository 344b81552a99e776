"""The command ``compare``: recurrent networks beside classic classifiers.

NumPy, scikit-learn and torch are imported in the functions that need them, here and in
the other commands: together they take seconds, for which neither ``--help`` nor a wrong
path should wait.
"""

import os

from sk_rnnimage._environment.optional import needed
from sk_rnnimage.commands.image_data import read_clips, read_folder, read_npz

DESCRIPTION = """\
Compare recurrent networks with classic classifiers on the same images: without --data,
on the digits that come with scikit-learn.
"""
EXAMPLES = """\
examples:
  sk_rnnimage compare
  sk_rnnimage compare --data flowers/ --size 32 32 --plot comparison.png
  sk_rnnimage compare --data digits.npz --cv 3 --classifiers SVC CRNNImageClassifier
  sk_rnnimage compare --data actions/ --frames 8 --jobs -1
"""


def add_arguments(parser):
    """Add the options of ``compare`` to a parser."""
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
        "--search",
        type=int,
        metavar="N",
        help="search the hyperparameters of each classifier before, among N candidates "
        "on each fold, which takes about 3 N times as long",
    )
    parser.add_argument(
        "--jobs",
        type=int,
        metavar="N",
        help="run N folds of the classifiers at once, -1 for one per core (default: "
        "1); the times are then no longer comparable",
    )
    parser.add_argument("--plot", metavar="FILE", help="write a picture, as .png or so")


def run(arguments):
    """Run the command ``compare``."""
    _check_arguments(arguments)
    if arguments.plot:
        _check_plot_path(arguments.plot)
    from sk_rnnimage.comparison.compare import compare_classifiers

    rivals = _rivals(arguments.seed, arguments.frames)
    classifiers = _select(rivals, arguments.classifiers)
    title, X, y, splits = _load_data(arguments)
    if arguments.frames is not None:
        _declare_longest(classifiers, X)
    noun = "images" if arguments.frames is None else "clips"
    _print_header(title, X, y, splits, classifiers, noun)
    names = arguments.scoring
    comparison = compare_classifiers(
        classifiers,
        X,
        y,
        cv=splits,
        scoring=names[0] if len(names) == 1 else names,
        search=arguments.search,
        n_jobs=arguments.jobs,
        random_state=arguments.seed,
    )
    print(f"\n{comparison}")
    if arguments.plot:
        _save_plot(comparison, arguments.plot)
        print(f"\nThe picture is in {arguments.plot}.")
    if comparison.interrupted:
        raise KeyboardInterrupt


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
    if arguments.search is not None and arguments.search < 1:
        raise ValueError(f"--search must be at least 1. Got {arguments.search}.")


def _rivals(seed, n_frames=None):
    """Build all classifiers: classic ones, networks, networks without recurrence.

    A network without recurrence is the control: it shows what the recurrence adds. The
    majority class is the score that says nothing of the images.
    """
    from sklearn.dummy import DummyClassifier

    from sk_rnnimage.classifiers import CRNNImageClassifier, RNNImageClassifier
    from sk_rnnimage.comparison.classic import classic_classifiers

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

    from sk_rnnimage.comparison.splits import make_splits

    path, splits = arguments.data, None
    of_clips = arguments.frames is not None
    if path is None:
        digits = load_digits()
        title, X, y = "scikit-learn's digits", digits.images, digits.target
    elif os.path.isdir(path):
        read = read_clips if of_clips else read_folder
        title, (X, y) = path, read(path, arguments.size)
    else:
        title, (X, y, splits) = path, read_npz(path, of_clips)
    if splits is not None and arguments.cv is not None:
        raise ValueError(f"--cv has no use: {path} says which images are the test.")
    if splits is None:
        splits = make_splits(X, y, arguments.cv or 5, arguments.seed)
    return title, X, y, splits


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


def _check_plot_path(path):
    """Raise an error if the plot cannot be saved, before the run of many minutes."""
    with needed("--plot", "matplotlib", "plot"):
        from matplotlib.backend_bases import FigureCanvasBase
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
