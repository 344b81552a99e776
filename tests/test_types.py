"""Hints: complete on all that is public, and none on what is private."""

import ast
import inspect
from pathlib import Path

import pytest

import sk_rnnimage

HOUSE = Path(sk_rnnimage.__file__).parent


def is_ours(thing):
    return thing.__module__.split(".")[0] == "sk_rnnimage"


def functions_of(cls):
    """The constructor, public methods and properties of a class and of its bases."""
    for base in filter(is_ours, cls.__mro__):
        for name, value in vars(base).items():
            value = value.fget if isinstance(value, property) else value
            value = inspect.unwrap(getattr(value, "__func__", value))
            named = name == "__init__" or not name.startswith("_")
            if named and inspect.isfunction(value) and is_ours(value):
                yield value


def public_functions():
    for name in sk_rnnimage.__all__:
        thing = getattr(sk_rnnimage, name)
        if inspect.isclass(thing):
            yield from functions_of(thing)
        else:
            yield inspect.unwrap(thing)


PUBLIC = {f"{f.__module__}.{f.__qualname__}": f for f in public_functions()}


def test_what_is_public():
    assert "sk_rnnimage._base.BaseImageEstimator.fit" in PUBLIC
    assert "sk_rnnimage._base.BaseImageEstimator.n_iter_" in PUBLIC
    assert "sk_rnnimage.classifiers.RNNImageClassifier.__init__" in PUBLIC
    assert "sk_rnnimage.files.folders.list_images" in PUBLIC
    assert not any(name.split(".")[-1].startswith("_fit") for name in PUBLIC)


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_public_functions_have_all_hints(name):
    signature = inspect.signature(PUBLIC[name])
    parameters = dict(signature.parameters)
    for bound in ("self", "cls"):
        parameters.pop(bound, None)
    bare = [p.name for p in parameters.values() if p.annotation is p.empty]
    assert not bare, f"without hints: {bare}"
    assert signature.return_annotation is not signature.empty


def functions_in(path):
    """All functions of a file: their qualified names and nodes."""

    def walk(node, prefix):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef):
                yield f"{prefix}.{child.name}", child
                yield from walk(child, f"{prefix}.{child.name}.<locals>")
            elif isinstance(child, ast.ClassDef):
                yield from walk(child, f"{prefix}.{child.name}")
            else:
                yield from walk(child, prefix)

    parts = path.relative_to(HOUSE.parent).with_suffix("").parts
    yield from walk(ast.parse(path.read_text()), ".".join(parts))


@pytest.mark.parametrize(
    "path", sorted(HOUSE.rglob("*.py")), ids=lambda p: str(p.relative_to(HOUSE))
)
def test_private_functions_have_none(path):
    hinted = [
        name
        for name, node in functions_in(path)
        if name not in PUBLIC
        and (
            node.returns is not None
            or any(isinstance(n, ast.arg) and n.annotation for n in ast.walk(node.args))
        )
    ]
    assert not hinted


def test_the_package_tells_type_checkers_of_its_hints():
    assert (HOUSE / "py.typed").read_bytes() == b""  # PEP 561
