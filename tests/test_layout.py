"""The floors of the house: imports go down only, in no circle, and lightly."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import sk_rnnimage

FLOORS = [
    {"images", "cells", "linear_cells"},
    {"scan", "files", "networks", "readings", "_batches", "_targets"},
    {"_training", "_prediction"},
    {"_base"},
    {"classifiers"},
    {"inspection", "comparison", "persistence", "deployment"},
    {"__main__"},
]
HOUSE = Path(sk_rnnimage.__file__).parent
FILES = {path.stem: path for path in HOUSE.glob("*.py") if path.stem != "__init__"}
SIDEWAYS = {
    ("cells", "linear_cells"),  # all cells in one table
    ("readings", "scan"),  # a scan order is one index array, made in one place
    ("networks", "readings"),  # a network reads the map that its convolutions leave
    ("inspection", "comparison"),  # a Display shows what the comparison gives
}
OPTIONAL = {"matplotlib", "PIL", "pandas", "onnx", "skops", "safetensors"}


def floor(name):
    return next(level for level, names in enumerate(FLOORS) if name in names)


def imports(name, top_only=False):
    """The modules that a file imports, as (module, imported names)."""
    tree = ast.parse(FILES[name].read_text())
    for node in tree.body if top_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, []) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} has a relative import"
            yield node.module, [alias.name for alias in node.names]


def neighbours(name):
    """The files of this package that a file imports."""
    for module, names in imports(name):
        if module.startswith("sk_rnnimage."):
            yield module.split(".")[1]
        elif module == "sk_rnnimage":
            yield from (n for n in names if n in FILES)


def test_each_file_has_its_floor():
    assert set(FILES) <= set.union(*FLOORS)
    assert {"images", "scan", "_base", "classifiers"} <= set(FILES)


@pytest.mark.parametrize("name", sorted(FILES))
def test_imports_go_down(name):
    for other in neighbours(name):
        below = floor(other) < floor(name)
        assert below or (name, other) in SIDEWAYS, f"{name} imports {other}"


def test_no_circles():
    def reached(name, seen):
        for other in neighbours(name):
            assert other not in seen, f"a circle: {' -> '.join([*seen, other])}"
            reached(other, [*seen, other])

    for name in FILES:
        reached(name, [name])
    assert "cells" in set(neighbours("networks"))  # the parser finds what is there


@pytest.mark.parametrize("name", sorted(FILES))
def test_optional_packages_are_imported_where_they_are_needed(name):
    top = {module.split(".")[0] for module, _ in imports(name, top_only=True)}
    assert not top & OPTIONAL


@pytest.mark.parametrize("name", sorted({"images", "scan", "files"} & set(FILES)))
def test_arrays_need_no_torch(name):
    assert "torch" not in {module.split(".")[0] for module, _ in imports(name)}


def test_importing_the_package_is_light():
    code = (
        "import sys, sklearn, skorch, torch; before = set(sys.modules);"
        "import sk_rnnimage; optional = {'matplotlib', 'PIL', 'pandas', 'onnx'};"
        "print(optional & (set(sys.modules) - before), 'matplotlib' in sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "set() False"
