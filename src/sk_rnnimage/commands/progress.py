"""A line on a terminal that says how far something is."""

import sys


class Line:
    """A line on a terminal that is written over, and gone in the end.

    In a pipe or a log file there is none.
    """

    def __init__(self):
        self._width = 0

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.show("")
        self.show("")  # back to the beginning

    def show(self, text):
        """Put a text in place of the one before."""
        if sys.stderr.isatty():
            blanks = " " * max(0, self._width - len(text))
            print(f"\r{text}{blanks}", end="", file=sys.stderr, flush=True)
            self._width = len(text)
