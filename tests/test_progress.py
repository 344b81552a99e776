import re
import sys
import time

from sk_rnnimage.commands.progress import ticking


def test_seconds_tick_on_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with ticking("SVC"):
        time.sleep(1.2)
    err = capsys.readouterr().err
    assert re.search(r"^SVC\rSVC  \.\.\. +1 s\rSVC", err)
