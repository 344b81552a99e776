"""The floors of the house: imports go down only, in no circle, and lightly."""

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import sk_rnnimage

HOUSE = Path(sk_rnnimage.__file__).parent
FILES = {
    str(path.relative_to(HOUSE)): path
    for path in HOUSE.rglob("*.py")
    if path.stem != "__init__"
}
DISPLAYS = (
    "comparison_display",
    "evidence",
    "occlusion",
    "scan_order",
    "training_curve",
)
README = Path(__file__).parents[1] / "README.md"
OPTIONAL = {
    "av",
    "matplotlib",
    "PIL",
    "pandas",
    "polars",
    "rich",
    "onnx",
    "skops",
    "safetensors",
}
PRIVATE = re.compile(r"(^|\.)_[a-z]")
OTHERS = ("sklearn", "skorch", "PIL")


def imports(name, top_only=False):
    """The modules that a file imports, as (module, imported names)."""
    tree = ast.parse(FILES[name].read_text())
    for node in tree.body if top_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, []) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} has a relative import"
            yield node.module, [alias.name for alias in node.names]


def as_file(module):
    """The file of a module of this package, or None for a folder."""
    file = "/".join(module.split(".")[1:]) + ".py"
    return file if file in FILES else None


@cache
def neighbours(name):
    """The files of this package that a file imports."""
    files = set()
    for module, names in imports(name):
        if module.split(".")[0] != "sk_rnnimage":
            continue
        candidates = [module, *(f"{module}.{n}" for n in names)]
        if module == "sk_rnnimage.inspection":  # hands on what its files define
            candidates += [f"{module}.{name}" for name in DISPLAYS]
        files |= {as_file(c) for c in candidates} - {None}
    return files


@cache
def floor(name):
    """One above the highest floor that a file imports: no end in a circle."""
    return 1 + max(map(floor, neighbours(name)), default=-1)


def picture():
    """The floors of the README's picture: {file: floor}."""
    block = re.search(r"^```\n(\d+  __main__.*?)^```", README.read_text(), re.M | re.S)
    floors, number = {}, None
    for line in block[1].splitlines():
        match = re.match(r" ?(\d+)? +(\S+\.py)", line)
        number = number if match[1] is None else int(match[1])
        floors[match[2]] = number
    return floors


def test_no_circles():
    done = set()  # what leads into no circle

    def reached(name, seen):
        for other in neighbours(name):
            assert other not in seen, f"a circle: {' -> '.join([*seen, other])}"
            if other not in done:
                reached(other, [*seen, other])
        done.add(name)

    for name in FILES:
        reached(name, [name])
    assert "networks/cells.py" in neighbours("networks/steps.py")


def test_the_picture_shows_the_measured_floors():
    assert picture() == {name: floor(name) for name in FILES}


def test_each_file_has_its_tests():
    """In a flat folder, so no two files share a name."""
    tests = [f"test_{path.stem.strip('_')}.py" for path in FILES.values()]
    assert len(set(tests)) == len(tests)
    there = {path.name for path in Path(__file__).parent.glob("test_*.py")}
    assert not set(tests) - there


def test_a_newcomer_reads_a_short_list():
    nothing_to_read = "__pycache__", "py.typed"
    entries = [path for path in HOUSE.iterdir() if path.name not in nothing_to_read]
    assert len(entries) <= 18


@pytest.mark.parametrize("name", sorted(FILES))
def test_optional_packages_are_imported_where_they_are_needed(name):
    top = {module.split(".")[0] for module, _ in imports(name, top_only=True)}
    assert not top & OPTIONAL


@pytest.mark.parametrize("name", sorted(set(FILES) - {"_environment/borrowed.py"}))
def test_private_names_of_others_are_borrowed_in_one_file(name):
    for module, names in imports(name):
        if module.split(".")[0] in OTHERS:
            private = [n for n in (module, *names) if PRIVATE.search(n)]
            assert not private, f"{name} imports {private}"


@pytest.mark.parametrize(
    "name", ["scan.py", *(n for n in FILES if n.startswith(("images/", "files/")))]
)
def test_arrays_need_no_torch(name):
    def modules(file):
        yield from (module.split(".")[0] for module, _ in imports(file))
        for other in neighbours(file):
            yield from modules(other)

    assert "torch" not in set(modules(name))


def test_classes_are_short():
    """None above 300 lines but the two whose docstrings users read."""
    for name, path in FILES.items():
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef):
                short = node.end_lineno - node.lineno < 300
                public = node.name in ("RNNImageClassifier", "CRNNImageClassifier")
                assert short or public, f"{name}: {node.name}"


def test_importing_the_package_is_light():
    """All that is public needs torch, scikit-learn and skorch, and nothing else."""
    code = (
        "import sys, sklearn, skorch, torch; before = set(sys.modules);"
        "from sk_rnnimage import *;"
        "new = {name.split('.')[0] for name in set(sys.modules) - before};"
        "known = {'sk_rnnimage', 'sklearn', 'skorch', 'torch', 'scipy', 'numpy'};"
        "known.add('_loss');"  # what scikit-learn 1.7 calls a part of itself
        "print(*new - known - set(sys.stdlib_module_names))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == []
