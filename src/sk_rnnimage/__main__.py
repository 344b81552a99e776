"""Command line interface: ``python -m sk_rnnimage``, also installed as ``sk-rnnimage``.

A command is a module with DESCRIPTION and EXAMPLES, ``add_arguments(parser)`` and
``run(arguments)``.
"""

import argparse
import os
import sys
import warnings
from contextlib import contextmanager

from sk_rnnimage.commands import (
    compare_command,
    export_command,
    fit_command,
    predict_command,
)
from sk_rnnimage.commands.saved_models import Failed

COMMANDS = {
    "fit": (fit_command, "train a network on a folder of images, and keep it"),
    "predict": (predict_command, "predict the classes of image files"),
    "compare": (compare_command, "compare networks with classic classifiers"),
    "export": (export_command, "write a model for other runtimes, as ONNX"),
}
EPILOG = """\
examples:
  sk_rnnimage fit flowers/ --model flowers.sk --test-fraction 0.2
  sk_rnnimage predict flowers.sk new/*.jpg
  sk_rnnimage compare --data flowers/ --size 32 32

The exit status is 0 where all went well, 1 where something could not be done (a file
that cannot be read or written, a package that is missing), 2 where the command or the
data must be changed, and 130 after Ctrl-C.
"""


def main(argv=None):
    """Run a command.

    Parameters
    ----------
    argv : list of str, default=None
        Command line arguments. None takes ``sys.argv[1:]``.

    Returns
    -------
    int
        Exit status: 0 on success; 1 where something could not be done and 2 on invalid
        input, with one line on stderr that explains it; 130 after Ctrl-C, 141 where
        nobody reads the output any more.
    """
    arguments = _build_parser().parse_args(argv)
    try:
        with _warnings_in_a_line(), _names_of_any_bytes(sys.stdout):
            arguments.run(arguments)
            sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes its output at its end, and would complain there
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141  # 128 + SIGPIPE, as shells report it
    except (Failed, OSError, ImportError) as error:
        return _report(error, 1)
    # The package raises these for invalid input; anything else is a bug and keeps its
    # traceback.
    except (ValueError, TypeError) as error:
        return _report(error, 2)
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return 130  # 128 + SIGINT, as shells report it
    return 0


def _report(error, status):
    """Print an error in one line; return the exit status."""
    text = getattr(error, "strerror", None) or str(error)
    if isinstance(error, OSError) and error.filename is not None:
        text = f"{error.filename}: {text}"
    print("error:", " ".join(text.split()), file=sys.stderr)
    return status


@contextmanager
def _warnings_in_a_line():
    """Print warnings without the file name and source line that Python adds."""

    def show(message, *where, **more):
        print("warning:", " ".join(str(message).split()), file=sys.stderr)

    with warnings.catch_warnings():
        warnings.showwarning = show
        yield


@contextmanager
def _names_of_any_bytes(stream):
    """Print names of files that are no text in the locale as their bytes."""
    errors = getattr(stream, "errors", None)
    if errors != "strict" or not hasattr(stream, "reconfigure"):
        yield
        return
    stream.reconfigure(errors="surrogateescape")
    try:
        yield
    finally:
        stream.reconfigure(errors=errors)


def _build_parser():
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="sk_rnnimage",
        description="Recurrent networks that read images, beside classic classifiers.",
        epilog=EPILOG,
        formatter_class=formatter,
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    for name, (command, summary) in COMMANDS.items():
        subparser = commands.add_parser(
            name,
            help=summary,
            description=command.DESCRIPTION,
            epilog=command.EXAMPLES,
            formatter_class=formatter,
        )
        command.add_arguments(subparser)
        subparser.set_defaults(run=command.run)
    return parser


if __name__ == "__main__":
    sys.exit(main())
