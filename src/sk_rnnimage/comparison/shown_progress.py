"""A line that says how far a comparison is, and one for each classifier that is done.

On a terminal the last line is alive: it shows the folds that are done, the classifier
at work and the time that has passed, by rich where that is installed.
"""

import sys
import threading
import time
from contextlib import contextmanager

import numpy as np

from sk_rnnimage.comparison.failures import describe_error


@contextmanager
def shown_progress(names, n_folds, key, verbose=None):
    """Show the progress on stderr while a block runs.

    Parameters
    ----------
    names : list of str
        The classifiers, in the order in which they are started.
    n_folds : int
        Folds of each.
    key : str
        That of the score which the line of a classifier tells.
    verbose : bool or None, default=None
        None shows it on a terminal only.

    Yields
    ------
    callable
        To be called with the name and what ``run_fold`` gave, when a fold is done.
    """
    if not (sys.stderr.isatty() if verbose is None else verbose):
        yield lambda name, fold: None
        return
    with _live_line(len(names) * n_folds) as line:
        yield Progress(names, n_folds, key, line).advance


class Progress:
    """The folds that are done, told on a live line."""

    def __init__(self, names, n_folds, key, line):
        self.n_folds = n_folds
        self.key = key
        self.done = {name: [] for name in names}
        self.line = line
        self._show()

    def advance(self, name, fold):
        """Note that a fold of a classifier is done."""
        self.done[name].append(fold)
        if len(self.done[name]) == self.n_folds:
            self.line.print(self._describe(name))
        self._show()

    def _show(self):
        at_work = [n for n, folds in self.done.items() if len(folds) < self.n_folds]
        n_done = sum(map(len, self.done.values()))
        self.line.show(at_work[0] if at_work else "", n_done)

    def _describe(self, name):
        """One line on a classifier that is done: score and seconds, or the error."""
        number = sum(len(folds) == self.n_folds for folds in self.done.values())
        n, width, folds = len(self.done), max(map(len, self.done)), self.done[name]
        label = f"[{number:{len(str(n))}}/{n}] {name:{width}}"
        errors = [fold["error"] for fold in folds if "error" in fold]
        if errors:
            return f"{label}  failed: {describe_error(errors[0])}"
        score = np.mean([fold[f"test_{self.key}"] for fold in folds])
        seconds = sum(fold["fit_time"] + fold["score_time"] for fold in folds)
        return f"{label}  {score:.4f}  {seconds:8.1f} s"


@contextmanager
def _live_line(n_steps):
    """The live line of rich, or a plain one where rich is not installed."""
    try:
        from rich.console import Console
        from rich.progress import Progress as Bar
        from rich.progress import TimeElapsedColumn
    except ImportError:
        with _PlainLine(n_steps, sys.stderr) as line:
            yield line
        return
    columns = [*Bar.get_default_columns()[:2], "{task.completed}/{task.total} folds"]
    console = Console(stderr=True, highlight=False)
    with Bar(*columns, TimeElapsedColumn(), console=console, transient=True) as bar:
        yield _RichLine(bar, bar.add_task("", total=n_steps))


class _RichLine:
    """A progress bar of rich, below the lines that are printed."""

    def __init__(self, bar, task):
        self.bar = bar
        self.task = task

    def show(self, text, n_done):
        self.bar.update(self.task, description=text, completed=n_done)

    def print(self, line):
        self.bar.console.print(line, markup=False, soft_wrap=True)


class _PlainLine:
    """A line that is overwritten every second, below the lines that are printed."""

    def __init__(self, n_steps, stream):
        self.n_steps = n_steps
        self.stream = stream
        self._text = ""
        self._start = time.perf_counter()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._timer = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self):
        if self.stream.isatty():  # a log file would keep every overwritten line
            self._timer.start()
        return self

    def __exit__(self, *error):
        self._ended.set()
        if self._timer.ident is not None:  # it was started
            self._timer.join()
            self._overwrite("")

    def show(self, text, n_done):
        self._text = f"{text}  {n_done}/{self.n_steps} folds"

    def print(self, line):
        self._overwrite(line, end="\n")

    def _tick(self):
        while not self._ended.wait(1):  # unlike sleep, ends at once when it is set
            seconds = time.perf_counter() - self._start
            self._overwrite(f"{self._text}  {seconds:.0f} s")

    def _overwrite(self, line, end=""):
        """Write over the live line; the code clears what is right of it."""
        start = "\r\x1b[K" if self._timer.ident is not None else ""
        with self._lock:
            print(f"{start}{line}", end=end, file=self.stream, flush=True)
