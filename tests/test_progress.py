import re
import sys
import time

from sk_rnnimage.commands.progress import Line, ticking


def test_seconds_tick_on_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with ticking("SVC"):
        time.sleep(1.2)
    err = capsys.readouterr().err
    assert re.search(r"^SVC\rSVC  \.\.\. +1 s\rSVC", err)


def test_a_line_is_written_over_and_gone_in_the_end(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with Line() as line:
        line.show("a long text")
        line.show("short")
    assert capsys.readouterr().err == "\ra long text\rshort      \r     \r"


def test_a_pipe_gets_no_line(capsys):
    with Line() as line:
        line.show("a text")
    assert capsys.readouterr().err == ""
