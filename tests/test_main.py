import inspect
import io
import os
import re
import shlex
import subprocess
import sys
import warnings

import pytest

import sk_rnnimage
from sk_rnnimage.__main__ import COMMANDS, _build_parser, main
from sk_rnnimage.commands import compare_command
from sk_rnnimage.commands.saved_models import Failed


def test_ctrl_c_ends_without_a_traceback(monkeypatch, capsys):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(compare_command, "_load_data", interrupt)
    assert main(["compare"]) == 130
    assert capsys.readouterr().err == "\ninterrupted\n"


def test_it_runs_as_a_module():
    done = subprocess.run(
        [sys.executable, "-m", "sk_rnnimage", "compare", "--data", "no/such"],
        capture_output=True,
        text=True,
        env=os.environ,
    )
    assert done.returncode == 2
    assert done.stderr == "error: There is no file or folder 'no/such'.\n"


def test_status_1_where_something_could_not_be_done(monkeypatch, capsys):
    def refuse(error):
        def run(arguments):
            raise error

        monkeypatch.setattr(compare_command, "run", run)
        return main(["compare"]), capsys.readouterr().err

    for error, status, text in [
        (ValueError("so it\n is"), 2, "error: so it is\n"),
        (TypeError("so"), 2, "error: so\n"),
        (ImportError("so"), 1, "error: so\n"),
        (Failed("so"), 1, "error: so\n"),
        (OSError(28, "full", "a.sk"), 1, "error: a.sk: full\n"),
    ]:
        assert refuse(error) == (status, text)
    with pytest.raises(RuntimeError):  # a bug keeps its traceback
        refuse(RuntimeError("so"))


def test_warnings_are_a_line_without_a_source(monkeypatch, capsys):
    def warn(arguments):
        warnings.simplefilter("always")
        warnings.warn("look\n here", stacklevel=1)

    monkeypatch.setattr(compare_command, "run", warn)
    assert main(["compare"]) == 0
    assert capsys.readouterr().err == "warning: look here\n"


def test_names_of_files_that_are_no_text(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), "utf-8", errors="strict")
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(compare_command, "run", lambda _: print("é\udcff.png"))
    assert main(["compare"]) == 0
    assert stream.buffer.getvalue() == b"\xc3\xa9\xff.png\n"
    assert stream.errors == "strict"


@pytest.mark.parametrize("name", COMMANDS)
def test_help_teaches_by_examples_that_parse(name, capsys):
    with pytest.raises(SystemExit) as caught:
        main([name, "--help"])
    assert caught.value.code == 0
    out = capsys.readouterr().out
    lines = re.findall(rf"^  sk_rnnimage ({name} .*)$", out, re.MULTILINE)
    assert lines
    for line in lines:
        command = re.split(" [>|] ", line)[0]
        assert _build_parser().parse_args(shlex.split(command)).run


@pytest.mark.parametrize("arguments", [[], ["fi"], ["fit"], ["predict", "m.sk"]])
def test_a_command_line_that_is_none_ends_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith("usage: sk_rnnimage")


def test_a_reader_that_leaves_early_gets_no_traceback(tmp_path):
    code = (
        "import sys; from sk_rnnimage import __main__ as m; "
        "m.compare_command.run = lambda a: [print('x' * 99) for _ in range(9999)]; "
        "sys.exit(m.main(['compare']))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 141


HEAVY = {"matplotlib", "numpy", "scipy", "sklearn", "skorch", "torch"}


def heavy_modules(code):
    """Which heavy packages some code imports, in a Python of its own."""
    code = f"import sys\n{code}\nprint(*({HEAVY} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["fit", "--help"],
        ["compare", "--data", "no/such"],
        ["predict", "m.sk", "no/such"],
        ["fit", "no/such", "--model", "m.sk"],
    ],
)
def test_nothing_heavy_is_imported_before_a_command_runs(arguments):
    """Nor by the package: torch alone takes seconds."""
    assert not heavy_modules(
        "from sk_rnnimage.__main__ import main\n"
        f"try: main({arguments})\nexcept SystemExit: pass"
    )


def test_public_names_are_imported_at_their_first_use():
    assert not heavy_modules("import sk_rnnimage; dir(sk_rnnimage)")
    assert "torch" in heavy_modules(
        "import sk_rnnimage\n"
        "assert sk_rnnimage.ImageReader().n_jobs is None\n"
        "assert 'torch' not in sys.modules\n"
        "assert sk_rnnimage.comparison.Comparison\n"
        "from sk_rnnimage import *\n"
        "assert RNNImageClassifier is sk_rnnimage.RNNImageClassifier"
    )


def test_each_public_name_has_its_module():
    assert sorted(sk_rnnimage._MODULES) == sk_rnnimage.__all__
    assert set(sk_rnnimage.__all__) <= set(dir(sk_rnnimage))
    for name, module in sk_rnnimage._MODULES.items():
        line = f"from sk_rnnimage.{module} import [\\w\\s,(]*\\b{name}\\b"
        assert re.search(line, inspect.getsource(sk_rnnimage)), name
    with pytest.raises(AttributeError, match="'sk_rnnimage' has no attribute 'no'"):
        _ = sk_rnnimage.no
