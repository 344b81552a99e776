"""All classifiers on all folds, in parallel, each failure by itself."""

import warnings
from concurrent.futures.process import BrokenProcessPool

import numpy as np
from sklearn.utils.parallel import Parallel, delayed

from sk_rnnimage._environment.interrupts import interrupts_told
from sk_rnnimage._environment.parameters import n_workers
from sk_rnnimage.comparison.failures import Interrupted
from sk_rnnimage.comparison.folds import run_fold


def run_all(classifiers, X, y, splits, task, n_jobs, advance):
    """Run a task with each classifier on each fold.

    Parameters
    ----------
    classifiers : dict
        Unfitted classifiers by name.
    X, y : array-like
        All images and labels.
    splits : list
        The (train, test) indices.
    task : Task
        What to do on each fold.
    n_jobs : int or None
        How many folds, of whichever classifiers, run at once.
    advance : callable
        Called with the name and what ``run_fold`` gave, when a fold is done.

    Returns
    -------
    dict
        By name a dict of arrays over the folds, of the numbers that ``run_fold`` gives,
        NaN where a fold failed, and ``peak_memory`` also where modules were imported,
        but for a classifier that has no other fold; ``params``, a list; ``correct`` of
        the one fold; and the first ``error`` of a classifier that failed on some, or
        was interrupted. One that failed on all has nothing else.

    Raises
    ------
    KeyboardInterrupt
        Where Ctrl-C comes before any classifier has worked on a fold; later it is a
        warning, and what is not done is interrupted.
    """
    found = {name: [None] * len(splits) for name in classifiers}
    jobs = {
        (name, number): delayed(_run)(name, number, classifier, X, y, *split, task)
        for name, classifier in classifiers.items()
        for number, split in enumerate(splits)
    }
    try:
        for name, number, fold in _until_interrupted(_in_parallel(jobs, n_jobs)):
            found[name][number] = fold
            advance(name, fold)
    except KeyboardInterrupt:
        done = [fold for folds in found.values() for fold in folds if fold is not None]
        if all("error" in fold for fold in done):
            raise
        warnings.warn(
            f"The comparison was interrupted, with {len(done)} of {len(jobs)} folds "
            "done: the others are missing from the table.",
            UserWarning,
            stacklevel=2,
        )
    return {name: _gather(folds) for name, folds in found.items()}


def _until_interrupted(done):
    """Yield what is done; after Ctrl-C no more, also where a fit has swallowed it."""
    with interrupts_told() as pressed:
        for each in done:
            if pressed.is_set():
                raise KeyboardInterrupt
            yield each


def _run(name, number, *arguments):
    return name, number, run_fold(*arguments)


def _in_parallel(jobs, n_jobs):
    """Yield what the jobs give, in the order in which they are done.

    Where the system kills a process, as where memory ends, nobody can tell which job it
    had, and all that ran at the time are lost. Each of the rest then runs alone.
    """
    rest = dict(jobs)
    parallel = Parallel(n_workers(n_jobs, len(jobs)), return_as="generator_unordered")
    try:
        for name, number, fold in parallel(jobs.values()):
            del rest[name, number]
            yield name, number, fold
    except BrokenProcessPool:
        for (name, number), job in rest.items():
            yield name, number, _alone(job)


def _alone(job):
    """What a job gives in a process of its own, or the error where that is killed."""
    try:
        [(_, _, fold)] = Parallel(2)([job])  # 1 would be this process
    except BrokenProcessPool as error:
        return {"error": error}
    return fold


def _gather(folds):
    """Join what a classifier gave on each fold, None where Ctrl-C came before."""
    folds = [{"error": Interrupted()} if fold is None else fold for fold in folds]
    errors = [fold["error"] for fold in folds if "error" in fold]
    worked = [fold for fold in folds if "error" not in fold]
    joined = {"error": errors[0]} if errors else {}
    for key in worked[0] if worked else ():
        if key == "correct":  # there is one fold
            joined[key] = worked[0][key]
        elif key == "params":
            joined[key] = [fold.get(key) for fold in folds]
        else:
            joined[key] = np.array([fold.get(key, np.nan) for fold in folds], float)
    if not all(joined.get("imports", [1])):
        joined["peak_memory"][joined["imports"] == 1] = np.nan
    return joined
