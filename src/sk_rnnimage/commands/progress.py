"""What a terminal shows while something takes long."""

import sys
import threading
import time
from contextlib import contextmanager


@contextmanager
def ticking(label):
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
