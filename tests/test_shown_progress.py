"""The progress of a comparison."""

import re
import sys
import threading
import time

import pytest
from sklearn.datasets import load_digits
from sklearn.model_selection import KFold
from sklearn.naive_bayes import GaussianNB

from sk_rnnimage import compare_classifiers
from sk_rnnimage.comparison import shown_progress as module
from sk_rnnimage.comparison.shown_progress import shown_progress

X, Y = load_digits(return_X_y=True)
FOLD = {"test_score": 0.5, "fit_time": 1.0, "score_time": 0.25}


@pytest.fixture(params=["rich", "plain"])
def line(request, monkeypatch):
    if request.param == "plain":
        monkeypatch.setitem(sys.modules, "rich.console", None)
    else:
        pytest.importorskip("rich")
    return request.param


def show(verbose):
    with shown_progress(["a", "long name"], 2, "score", verbose) as advance:
        advance("long name", FOLD)
        advance("a", FOLD)
        advance("a", FOLD)
        advance("long name", {"error": ValueError("no\nmore")})


def test_who_is_done_has_a_line_in_the_order_of_the_ends(line, capsys):
    show(verbose=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.strip().splitlines() == [
        "[1/2] a          0.5000       2.5 s",
        "[2/2] long name  failed: ValueError: no",
    ]


def test_pipes_are_left_alone(line, capsys):
    show(verbose=None)
    show(verbose=False)
    assert capsys.readouterr() == ("", "")


def ends_with(n_threads):
    """Whether so many threads are left; that of rich ends within a moment."""
    deadline = time.monotonic() + 10
    while threading.active_count() > n_threads and time.monotonic() < deadline:
        time.sleep(0.05)
    return threading.active_count() == n_threads


def test_a_terminal_has_a_live_line(line, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    n_threads = threading.active_count()
    with shown_progress(["a", "b"], 2, "score") as advance:
        advance("a", FOLD)
        advance("a", FOLD)
        time.sleep(1.2)
    err = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", capsys.readouterr().err)
    assert "[1/2] a  0.5000       2.5 s" in err
    assert re.search(r"b .*2/4 folds +(0:00:01|1 s)", err)
    assert ends_with(n_threads)


def test_a_live_line_ends_with_an_error(line, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    n_threads = threading.active_count()
    with pytest.raises(KeyboardInterrupt), shown_progress(["a"], 2, "score"):
        raise KeyboardInterrupt
    assert ends_with(n_threads)


def test_a_comparison_tells_its_progress(capsys):
    compare_classifiers({"nb": GaussianNB()}, X, Y, cv=KFold(2), verbose=True)
    assert re.search(r"^\[1/1\] nb  0\.\d{4} +0\.\d s$", capsys.readouterr().err, re.M)
    compare_classifiers({"nb": GaussianNB()}, X, Y, cv=KFold(2))
    assert capsys.readouterr().err == ""


def test_a_plain_line_overwrites_itself(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with module._PlainLine(4, sys.stderr) as line:
        line.show("SVC", 1)
        time.sleep(1.2)
        line.print("done")
    err = capsys.readouterr().err
    assert err == "\r\x1b[KSVC  1/4 folds  1 s\r\x1b[Kdone\n\r\x1b[K"
