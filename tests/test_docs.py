"""What the documentation says, held against the code."""

import ast
import inspect
import re
from pathlib import Path

import pytest

import sk_rnnimage

PUBLIC = {name: getattr(sk_rnnimage, name) for name in sk_rnnimage.__all__}


def methods():
    """Every public class and function, and their own methods with a docstring."""
    for name, thing in PUBLIC.items():
        yield name, thing
        for method, function in inspect.getmembers(thing, inspect.isfunction):
            ours = function.__module__.startswith("sk_rnnimage")
            if inspect.isclass(thing) and ours and not method.startswith("_"):
                yield f"{name}.{method}", function


DOCUMENTED = dict(methods())


def parameters(thing):
    """Names and defaults of the signature, without self."""
    signature = inspect.signature(thing)
    return {
        name: parameter.default
        for name, parameter in signature.parameters.items()
        if name != "self" and parameter.kind is not parameter.VAR_KEYWORD
    }


def section(thing, title):
    """The lines of a numpydoc section."""
    text = inspect.getdoc(thing) or ""
    parts = re.split(r"^(\S.*)\n-{3,}\n", text, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2])).get(title, "")


def described(thing):
    """Names of the documented parameters and what is said of their type."""
    found = {}
    for line in re.sub(r"\\\n\s*", "", section(thing, "Parameters")).splitlines():
        if match := re.match(r"^(\w[\w, *]*) : (.*)$", line):
            names = [name.strip(" *") for name in match[1].split(",")]
            found |= dict.fromkeys(names, match[2])
        elif re.match(r"^[a-z_]\w*(, [a-z_]\w*)*$", line):
            found |= dict.fromkeys(line.split(", "), "")
    return found


def test_the_public_names():
    assert {"CRNNImageClassifier", "ImageToSequence", "RNNImageClassifier"} <= set(
        PUBLIC
    )
    assert sk_rnnimage.__all__ == sorted(sk_rnnimage.__all__)


@pytest.mark.parametrize("name", DOCUMENTED)
def test_there_is_a_summary(name):
    summary = (inspect.getdoc(DOCUMENTED[name]) or "").split("\n")[0]
    assert len(summary) > 10
    assert summary.endswith(".")
    assert "TODO" not in summary


@pytest.mark.parametrize("name", DOCUMENTED)
def test_each_parameter_is_described(name):
    assert list(described(DOCUMENTED[name])) == list(parameters(DOCUMENTED[name]))


@pytest.mark.parametrize("name", DOCUMENTED)
def test_documented_defaults_are_the_true_ones(name):
    said = described(DOCUMENTED[name])
    for parameter, default in parameters(DOCUMENTED[name]).items():
        match = re.search(r"default=(.*)$", said.get(parameter, ""))
        if default is inspect.Parameter.empty:
            assert not match, f"{name}: {parameter} has no default"
        elif match or default is not None or parameter != "y":
            assert match, f"{name}: {parameter} has a default that is not said"
            assert ast.literal_eval(match[1]) == default, f"{name}: {parameter}"


def entries(thing, title):
    """Each name of a section, with its type and what is said, citations left out."""
    parts = re.split(r"^(\w+) : (.*)$", section(thing, title), flags=re.M)
    texts = [re.sub(r" \[\d+\]_", "", " ".join(text.split())) for text in parts[3::3]]
    return dict(zip(parts[1::3], zip(parts[2::3], texts), strict=True))


@pytest.mark.parametrize(
    "title, other_type, other_text",
    [
        (
            "Parameters",
            {"hidden_size", "batch_size"},
            {"scan", "patch_size", "dropout", "learning_rate"},
        ),
        ("Attributes", set(), set()),
    ],
)
def test_the_classifiers_say_the_same_in_the_same_words(title, other_type, other_text):
    """But for what differs in fact: other defaults, and what a feature map changes."""
    one, other = (
        entries(sk_rnnimage.RNNImageClassifier, title),
        entries(sk_rnnimage.CRNNImageClassifier, title),
    )
    assert one
    shared = [name for name in one if name in other]
    assert other.keys() - shared <= {"downsample", "filters", "kernel_size"}
    assert list(one) == shared == [name for name in other if name in one]
    assert {name for name in one if one[name][0] != other[name][0]} == other_type
    assert {name for name in one if one[name][1] != other[name][1]} == other_text
    for name in other_type:
        types = {entry[name][0].split("default=")[0] for entry in (one, other)}
        assert len(types) == 1, name


@pytest.mark.parametrize("name", [n for n, v in PUBLIC.items() if inspect.isclass(v)])
def test_classes_show_an_example(name):
    assert ">>>" in section(PUBLIC[name], "Examples")


ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_to_files(page):
    """But those to pages that are made when the documentation is built."""
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())
    missing = [
        link
        for link in links
        if "gallery/" not in link and not (page.parent / link).exists()
    ]
    assert not missing


@pytest.mark.parametrize("number", [0, 1])
def test_the_first_commands_are_one_line_each(number):
    text = (ROOT / "README.md").read_text()
    blocks = re.findall(r"^```sh\n(.*?)^```", text, flags=re.M | re.S)
    command = blocks[number]
    assert command.count("\n") == 1
    assert ["sk_rnnimage compare", "pytest"][number] in command
