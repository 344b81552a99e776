"""The command ``predict``: a label and its probability for each image."""

import csv
import json
import os
import sys
from itertools import islice

from sk_rnnimage.commands.progress import Line
from sk_rnnimage.commands.saved_models import Failed, load_model, that_reads_files

DESCRIPTION = """\
Predict the classes of image files: one line for each, of its path, its label and the
probability of that label.
"""
EXAMPLES = """\
examples:
  sk_rnnimage predict flowers.sk rose.jpg tulip.jpg
  sk_rnnimage predict flowers.sk new/ > labels.csv
  sk_rnnimage predict flowers.sk new/ --format jsonl | grep tulip
  find . -name "*.jpg" | sk_rnnimage predict flowers.sk -

A file that cannot be read gets a line on stderr instead, all others are predicted, and
the exit status is 1.
"""
TOGETHER = 64  # files that are read and predicted at once


def add_arguments(parser):
    """Add the options of ``predict`` to a parser."""
    parser.add_argument("model", metavar="MODEL", help="a file that fit has written")
    parser.add_argument(
        "images",
        nargs="+",
        metavar="IMAGE",
        help="a file; a folder, of which all images are taken, those of its subfolders "
        "too; or -, for paths on standard input, one a line. Of a model that was "
        "fitted on clips: a file of several frames, a folder of frames, or a folder "
        "of such",
    )
    parser.add_argument(
        "--format",
        choices=["csv", "jsonl"],
        default="csv",
        help="how lines are written (default: csv, with a header)",
    )


def run(arguments):
    """Run the command ``predict``."""
    for path in arguments.images:
        if path != "-" and not os.path.exists(path):
            raise ValueError(f"There is no file or folder {path!r}.")
    model = that_reads_files(load_model(arguments.model), arguments.model)
    model[0].set_params(n_jobs=-1)
    write = {"csv": _write_csv, "jsonl": _write_json}[arguments.format](sys.stdout)
    paths = _all_paths(arguments.images, reads_clips=hasattr(model[0], "n_frames"))
    n_done = n_failed = 0
    with Line() as line:
        while batch := list(islice(paths, TOGETHER)):
            for path, answer in zip(batch, _answers(model, batch)):
                if isinstance(answer, ValueError):
                    print(f"error: {_explain(path, answer)}", file=sys.stderr)
                    n_failed += 1
                else:
                    write(path, *answer)
            sys.stdout.flush()
            n_done += len(batch)
            if not sys.stdout.isatty():  # where lines come, they show that it goes on
                line.show(f"{n_done} files")
    if n_failed:
        raise Failed(f"{n_failed} of {n_done} files could not be predicted.")


def _all_paths(images, reads_clips):
    """The path of each image that is meant, in order."""
    for path in images:
        if path == "-":
            lines = (os.fsdecode(line).rstrip("\r\n") for line in sys.stdin.buffer)
            yield from filter(None, lines)
        elif os.path.isdir(path):
            yield from _list_clips(path) if reads_clips else _list_images(path)
        else:
            yield path


def _list_images(folder):
    """All images of a folder and its subfolders, broken ones too."""
    from sk_rnnimage.files.decoding import list_formats, list_suffixes
    from sk_rnnimage.files.entries import walk

    paths = list(walk(folder, list_suffixes(list_formats()), set()))
    if not paths:
        raise ValueError(f"The folder {folder!r} holds no images that Pillow can read.")
    return paths


def _list_clips(folder):
    """The clips of a folder, or the folder where it holds the frames of one."""
    from sk_rnnimage.files import list_clips

    try:
        return list_clips(folder)[0]
    except ValueError:  # what is wrong with it the reader says as well
        return [folder]


def _answers(model, paths):
    """For each path (label, probability), or the error that it raises."""
    try:
        return _predict(model, paths)
    except ValueError as error:
        if len(paths) == 1:
            return [error]
    return [answer for path in paths for answer in _answers(model, [path])]


def _explain(path, error):
    """Why a file could not be predicted, in a line."""
    from sk_rnnimage.files.decoding import UnreadableImage

    reason = error.__cause__ if isinstance(error.__cause__, UnreadableImage) else error
    return f"{path}: {' '.join(str(reason).split())}"


def _predict(model, paths):
    """A list of (label, probability); of None where the model gives none."""
    X, judge = model[0].transform(paths), model[1:]
    if not hasattr(judge, "predict_proba"):
        return [(label.item(), None) for label in judge.predict(X)]
    probabilities = judge.predict_proba(X)  # (B, K)
    best = probabilities.argmax(axis=1)
    labels = judge.classes_[best].tolist()
    return list(zip(labels, probabilities.max(axis=1).tolist()))


def _write_csv(stream):
    """A function that writes a line, below a header."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["path", "label", "probability"])

    def write(path, label, probability):
        writer.writerow(
            [path, label, "" if probability is None else f"{probability:.6f}"]
        )

    return write


def _write_json(stream):
    """A function that writes a line."""

    def write(path, label, probability):
        row = {"path": path, "label": label, "probability": probability}
        print(json.dumps(row), file=stream)

    return write
