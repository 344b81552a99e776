"""Every benchmark can start: its imports are there, and it says what it takes."""

import ast
import runpy
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
SCRIPTS = sorted(p.name for p in BENCHMARKS.glob("*.py") if p.name[0] != "_")


@pytest.fixture(autouse=True)
def folder(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    yield
    for name in ("_sets", "_tools"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("name", SCRIPTS)
def test_it_starts(name, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(BENCHMARKS / name), run_name="__main__")
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: {name}")


@pytest.mark.parametrize("name", SCRIPTS)
def test_it_gives_its_command(name):
    docstring = ast.get_docstring(ast.parse((BENCHMARKS / name).read_text()))
    assert f"    python benchmarks/{name}" in docstring
    assert f"| `{name}" in (BENCHMARKS / "README.md").read_text()
