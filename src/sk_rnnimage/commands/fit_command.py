"""The command ``fit``: a model from a folder of images, in a file."""

import os
import statistics
from tempfile import TemporaryFile

from sk_rnnimage.commands.assignments import parse_assignments, set_parameters
from sk_rnnimage.commands.image_data import list_folder, read_clips, read_npz
from sk_rnnimage.commands.progress import Line

DESCRIPTION = """\
Train a recurrent network on labelled images and write it to a file, which holds no code
and which predict and export read.
"""
EXAMPLES = """\
examples:
  sk_rnnimage fit flowers/ --model flowers.sk
      flowers/rose/1.jpg, flowers/tulip/2.jpg, ...: a folder for each class
  sk_rnnimage fit flowers/ --model flowers.sk --test-fraction 0.2
      the accuracy on a fifth of the images, which are not trained on
  sk_rnnimage fit digits.npz --model digits.sk --set cell=gru hidden_size=128
      arrays X (n, height, width[, channels]) and y; parameters of the classifier
  sk_rnnimage fit actions/ --model actions.sk --frames 16
      clips: animated images, videos, folders of frames; 16 frames of each

Then: sk_rnnimage predict flowers.sk new/*.jpg
"""
LARGEST = 128  # pixels a side that are found; networks of more take hours to train


def add_arguments(parser):
    """Add the options of ``fit`` to a parser."""
    parser.add_argument(
        "data",
        metavar="DATA",
        help="a folder that holds one folder of images, or clips, for each class; or "
        "an .npz of arrays X and y, or of X_train, y_train, X_test, y_test",
    )
    parser.add_argument(
        "--model", required=True, metavar="FILE", help="the file to write"
    )
    parser.add_argument(
        "--classifier",
        choices=["crnn", "rnn"],
        default="crnn",
        help="with convolutions in front or without (default: crnn)",
    )
    parser.add_argument(
        "--set",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME=VALUE",
        help="parameters of the classifier: cell=gru hidden_size=128 scan=rows,columns",
    )
    parser.add_argument(
        "--size",
        nargs=2,
        type=int,
        metavar=("HEIGHT", "WIDTH"),
        help="resize the images, or the frames, of a folder to this (default: their "
        f"own size or the median of several, at most {LARGEST} pixels a side)",
    )
    parser.add_argument(
        "--frames",
        type=int,
        metavar="N",
        help="the data are clips; read N frames of each, evenly from the first to the "
        "last (all frames: --set scan=frames)",
    )
    parser.add_argument(
        "--test-fraction",
        type=float,
        metavar="F",
        help="hold out this fraction, and print the accuracy on it",
    )
    parser.add_argument("--seed", type=int, default=0, help="default: 0")


def run(arguments):
    """Run the command ``fit``."""
    _check_arguments(arguments)
    classifier = _make_classifier(arguments)
    with Line() as line:
        line.show("reading")
        reader, X, y, held_out = _read(arguments, classifier.scan == "frames")
    (X, y), test = _split(X, y, held_out, arguments)
    print(_describe(classifier, X, y, arguments.data), flush=True)
    _fit(classifier, X, y)
    if test is not None:
        score = classifier.score(*test)
        print(f"accuracy {score:.4f} on {len(test[1])} images that were held out")
    _write(reader, classifier, arguments.model)


def _check_arguments(arguments):
    """Raise an error for what can be seen at once, before minutes of training."""
    from sk_rnnimage._environment.writing import check_writable

    path, fraction = arguments.data, arguments.test_fraction
    if not os.path.exists(path):
        raise ValueError(f"There is no file or folder {path!r}.")
    check_writable(arguments.model)
    _try_to_write(os.path.dirname(arguments.model) or ".")
    if arguments.size is not None and not os.path.isdir(path):
        raise ValueError("--size needs a folder of images.")
    if arguments.frames is not None and arguments.frames < 1:
        raise ValueError(f"--frames must be at least 1. Got {arguments.frames}.")
    if fraction is not None and not 0 < fraction < 1:
        raise ValueError(f"--test-fraction must lie between 0 and 1. Got {fraction}.")


def _try_to_write(folder):
    """Raise an error for a folder that takes no file."""
    try:
        TemporaryFile(dir=folder).close()
    except OSError as error:
        raise OSError(
            error.errno, f"--model: {folder!r} takes no file: {error.strerror}."
        ) from error


def _make_classifier(arguments):
    """The classifier that is asked for, unfitted."""
    parameters = parse_assignments(arguments.set)
    from sk_rnnimage._environment.parameters import check_parameters
    from sk_rnnimage.classifiers import CRNNImageClassifier, RNNImageClassifier
    from sk_rnnimage.persistence.saving import import_safetensors

    import_safetensors()  # before hours of work for nothing
    cls = {"crnn": CRNNImageClassifier, "rnn": RNNImageClassifier}[arguments.classifier]
    classifier = set_parameters(cls(random_state=arguments.seed), parameters)
    if arguments.frames is not None:
        if parameters.get("scan", "frames") != "frames":
            raise ValueError(
                f"--frames reads clips, and --set scan={parameters['scan']} images."
            )
        classifier.set_params(scan="frames")
    check_parameters(classifier)
    return classifier


def _read(arguments, of_clips):
    """A reader of files or None, the images, the labels, and what is held out."""
    path, size, n_frames = arguments.data, arguments.size, arguments.frames
    if not os.path.isdir(path):
        X, y, splits = read_npz(path, of_clips)
        if n_frames is not None:
            from sk_rnnimage.images.orders import evenly

            X = [clip[evenly(len(clip), n_frames)] for clip in X]
        return None, X, y, None if splits is None else splits[0][1]
    from sk_rnnimage.files import ClipReader, ImageReader

    if of_clips:
        X, y = read_clips(path, size, n_frames)
        channels = X[0].shape[3:]
        reader = ClipReader(X[0].shape[1:3], n_frames=n_frames, mode=_mode(channels))
        return reader, X, y, None
    paths, y = list_folder(path)
    reader = ImageReader(tuple(size) if size is not None else _find_size(paths))
    X = reader.set_params(n_jobs=-1).transform(paths)
    return reader.set_params(mode=_mode(X[0].shape[2:]), n_jobs=None), X, y, None


def _mode(channels):
    """The mode in which later files are read: as those of fit."""
    return "RGB" if channels else "L"


def _find_size(paths):
    """The median height and width of image files, at most LARGEST."""
    from sk_rnnimage.files.decoding import size_of

    sizes = map(size_of, paths)
    height, width = (round(statistics.median(side)) for side in zip(*sizes))
    shrink = min(1, LARGEST / max(height, width))
    return max(1, round(shrink * height)), max(1, round(shrink * width))


def _split(X, y, held_out, arguments):
    """The images and labels to train on, and those to test on, or None."""
    import numpy as np
    from sklearn.model_selection import train_test_split

    everything = np.arange(len(y))
    fraction = arguments.test_fraction
    if held_out is not None and fraction is not None:
        raise ValueError(
            f"--test-fraction has no use: {arguments.data} says which images are the "
            "test."
        )
    if fraction is not None:
        seed = arguments.seed
        try:
            _, held_out = train_test_split(
                everything, test_size=fraction, stratify=y, random_state=seed
            )
        except ValueError as error:
            raise ValueError(f"--test-fraction {fraction}: {error}") from error
    if held_out is None:
        return (X, y), None
    rest = np.setdiff1d(everything, held_out)
    return _take(X, y, rest), _take(X, y, np.sort(held_out))


def _take(X, y, indices):
    """Some images and their labels."""
    images = [X[i] for i in indices] if isinstance(X, list) else X[indices]
    return images, y[indices]


def _describe(classifier, X, y, data):
    """Two lines: what is trained on what."""
    import numpy as np

    clips = classifier.scan == "frames"
    shape = " x ".join(map(str, X[0].shape[1 if clips else 0 :]))
    noun = "clips, frames of" if clips else "images of"
    n_classes = len(np.unique(y))
    name = type(classifier).__name__
    return f"{name} on {data}\n{len(y)} {noun} {shape}, {n_classes} classes"


def _fit(classifier, X, y):
    """Train, with a line for the epochs on a terminal."""
    from sk_rnnimage.commands.epochs import EpochLine

    with Line() as line:
        if classifier.checkpoint is None:  # which goes with no callbacks
            classifier.set_params(callbacks=[EpochLine(line)])
        classifier.fit(X, y)
    # a file of save holds no code, and no path of this machine
    classifier.set_params(callbacks=None, checkpoint=None)


def _write(reader, classifier, path):
    """Save the model, with the reader in front where there is one."""
    from sklearn.pipeline import make_pipeline

    from sk_rnnimage.persistence.saving import save

    save(classifier if reader is None else make_pipeline(reader, classifier), path)
    print(f"{path} ({os.path.getsize(path) / 1024:.0f} KB) is the model.")
