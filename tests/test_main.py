import inspect
import os
import re
import subprocess
import sys

import pytest

import sk_rnnimage
from sk_rnnimage.__main__ import main
from sk_rnnimage.commands import compare_command


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


HEAVY = {"matplotlib", "numpy", "scipy", "sklearn", "skorch", "torch"}


def heavy_modules(code):
    """Which heavy packages some code imports, in a Python of its own."""
    code = f"import sys\n{code}\nprint(*({HEAVY} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    "arguments", [["--help"], ["compare", "--help"], ["compare", "--data", "no/such"]]
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
        line = f"from sk_rnnimage.{module} import .*\\b{name}\\b"
        assert re.search(line, inspect.getsource(sk_rnnimage)), name
    with pytest.raises(AttributeError, match="'sk_rnnimage' has no attribute 'no'"):
        _ = sk_rnnimage.no
