"""Command line interface: ``python -m sk_rnnimage compare``."""

import argparse
import sys

from sk_rnnimage.commands import compare_command


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
    compare_command.add_arguments(compare)
    compare.set_defaults(run=compare_command.run)
    return parser


if __name__ == "__main__":
    sys.exit(main())
