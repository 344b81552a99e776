"""A case of fuzzing, and what counts as a good end of one."""

import linecache
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import sklearn
from PIL import Image

import sk_rnnimage

# scikit-learn words what it checks for us: parameters, arrays of whatever kind
OWN = tuple(str(Path(package.__file__).parent) for package in (sk_rnnimage, sklearn))


class Case(NamedTuple):
    """A call with odd arguments.

    ``check`` is given what it returns; ``named`` must stand in the message of an error,
    and ``valid`` arguments must end in none.
    """

    words: str
    call: Callable
    check: Callable = lambda answer: None
    named: str = ""
    valid: bool = False


class Broken(AssertionError):
    """A case that ended in another way than a right answer or a sentence of ours."""


def judge(case):
    """Run a case: its seconds, and whether it was answered or else refused."""
    start = time.process_time()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            answer = case.call()
        except (ValueError, TypeError) as error:
            answered = False
            _judge_error(case, error)
        except Exception as error:
            raise Broken(f"{case.words}: {_shown(error)}") from error
        else:
            answered = True
    seconds = time.process_time() - start
    if answered:
        _judge_answer(case, answer)
    stray = [w for w in caught if issubclass(w.category, RuntimeWarning)]
    bomb = Image.DecompressionBombWarning  # by which Pillow says what it then reads
    stray = [w for w in stray if not issubclass(w.category, bomb)]
    if stray:
        place = f"{stray[0].filename}:{stray[0].lineno}"
        raise Broken(f"{case.words}: warns {stray[0].message} at {place}")
    return seconds, answered


def _judge_answer(case, answer):
    try:
        case.check(answer)
    except AssertionError as error:
        raise Broken(f"{case.words}: wrong answer: {str(error).strip()}") from error


def _judge_error(case, error):
    if case.valid:
        raise Broken(f"{case.words}: is refused: {_shown(error)}") from error
    if not is_own(error):
        raise Broken(f"{case.words}: {_shown(error)}") from error
    if case.named not in str(error):
        raise Broken(f"{case.words}: names no {case.named}: {_shown(error)}") from error


def is_own(error):
    """Whether a ``raise`` of ours, or of scikit-learn's checks, worded an error.

    What NumPy, torch or Python itself raise ends the traceback elsewhere, or in a line
    of ours that says no ``raise``.
    """
    last = traceback.extract_tb(error.__traceback__)[-1]
    line = linecache.getline(last.filename, last.lineno).strip()
    return last.filename.startswith(OWN) and line.startswith("raise ")


def _shown(error):
    last = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(last.filename).name}:{last.lineno}"
    return f"{type(error).__name__} at {place}: {str(error)[:300]}"
