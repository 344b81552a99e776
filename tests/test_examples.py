"""Every example runs, made small and without the real images."""

import ast
import re
import runpy
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
SCRIPTS = sorted(path.stem for path in EXAMPLES.glob("plot_*.py"))


@pytest.fixture
def small(monkeypatch, tmp_path):
    """The folder of the examples, no folder of images, figures that nobody sees."""
    monkeypatch.syspath_prepend(EXAMPLES)
    monkeypatch.setenv("SK_RNNIMAGE_SMALL", "1")
    monkeypatch.setenv("SK_RNNIMAGE_DATA", str(tmp_path / "none"))
    monkeypatch.delitem(sys.modules, "_data", raising=False)
    backend = plt.get_backend()
    plt.switch_backend("agg")
    yield
    plt.close("all")
    plt.switch_backend(backend)
    sys.modules.pop("_data", None)  # it holds the folder of this test


@pytest.mark.parametrize("name", SCRIPTS)
def test_it_runs_small(name, small, monkeypatch, capsys):
    drawn = []

    def show():
        for number in plt.get_fignums():
            plt.figure(number).canvas.draw()
            drawn.append(number)

    monkeypatch.setattr(plt, "show", show)
    runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
    assert drawn
    assert capsys.readouterr().out.strip()


@pytest.mark.parametrize("name", SCRIPTS)
def test_it_says_what_it_is(name):
    source = (EXAMPLES / f"{name}.py").read_text()
    docstring = ast.get_docstring(ast.parse(source))
    title, line, *rest = docstring.split("\n")
    assert re.fullmatch("=+", line)
    assert len(line) == len(title)
    assert len(" ".join(rest)) > 200
    assert "TODO" not in source
    assert "\n# %%\n" in source


def test_the_header_lists_each():
    header = (EXAMPLES / "README.rst").read_text()
    listed = re.findall(r"^- ``(plot_\w+)\.py``: ", header, flags=re.M)
    assert sorted(listed) == SCRIPTS
