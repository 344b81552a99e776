import sys

from sk_rnnimage.commands.progress import Line


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
