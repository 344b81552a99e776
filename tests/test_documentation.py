"""Links to the documentation, in the HTML that notebooks show."""

from email.message import Message
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_rnnimage import (
    ClipReader,
    CRNNImageClassifier,
    ImageReader,
    ImageToSequence,
    RNNImageClassifier,
)
from sk_rnnimage._environment import documentation
from sk_rnnimage._environment.documentation import PAGE, documentation_url

ESTIMATORS = [
    RNNImageClassifier,
    CRNNImageClassifier,
    ImageToSequence,
    ImageReader,
    ClipReader,
]
ADDRESS = "https://docs.example.org/images"


@pytest.fixture
def publish(monkeypatch):
    """Let the package have addresses: lines of [project.urls] as metadata has them."""

    def with_addresses(*lines):
        message = Message()
        for line in lines:
            message["Project-URL"] = line
        monkeypatch.setattr(documentation, "metadata", lambda name: message)

    return with_addresses


def links(estimator):
    """What an estimator shows in a notebook, cut before each link."""
    html = estimator._repr_mimebundle_()["text/html"]
    return [part.split('"')[0] for part in html.split('href="')[1:]]


@pytest.mark.parametrize("kind", ESTIMATORS)
@pytest.mark.parametrize("address", [ADDRESS, ADDRESS + "/"])
def test_a_link_to_the_page_of_an_estimator(kind, address, publish):
    publish("Source, https://code.example.org", f"Documentation, {address}")
    page = f"{ADDRESS}/api/generated/sk_rnnimage.{kind.__name__}.html"
    own = [link for link in links(kind()) if "#" not in link]
    assert set(own) == {page}


@pytest.mark.parametrize("kind", ESTIMATORS)
@pytest.mark.parametrize("lines", [[], ["Source, https://code.example.org"]])
def test_no_link_without_an_address(kind, lines, publish):
    publish(*lines)
    assert not any("http" in link for link in links(kind()))


def test_a_pipeline_links_each_step(publish):
    publish(f"documentation , {ADDRESS}")
    model = make_pipeline(StandardScaler(), ImageToSequence(), RNNImageClassifier())
    found = links(model)
    for kind in (ImageToSequence, RNNImageClassifier):
        assert any(link.endswith(f"sk_rnnimage.{kind.__name__}.html") for link in found)
    assert any("scikit-learn.org" in link for link in found)


def test_the_class_of_a_user_has_no_page(publish):
    publish(f"Docs, {ADDRESS}")

    class Mine(RNNImageClassifier):
        pass

    assert not any("http" in link for link in links(Mine()))


def test_a_package_that_is_not_installed(monkeypatch):
    def metadata(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(documentation, "metadata", metadata)
    assert documentation_url() is None
    assert not any("http" in link for link in links(RNNImageClassifier()))


def test_the_installed_package_says_what_its_metadata_say():
    urls = documentation.metadata("sk_rnnimage").get_all("Project-URL") or []
    named = [url for url in urls if url.lower().startswith("doc")]
    assert documentation_url() == (named[0].split(",")[1].strip() if named else None)


def test_the_pages_are_where_the_reference_puts_them():
    reference = Path(__file__).parents[1] / "docs" / "api" / "index.rst"
    assert ":toctree: generated" in reference.read_text()
    assert PAGE.startswith("api/generated/")
    for kind in ESTIMATORS:
        assert f"\n   {kind.__name__}\n" in reference.read_text()
