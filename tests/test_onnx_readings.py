"""Every scan in ONNX: patches, lines, sweeps, several readings at once."""

import pytest
from conftest import draw, make
from onnx_by_hand import assert_same

from sk_rnnimage import RNNImageClassifier
from sk_rnnimage.networks.recipe import SCAN_NAMES


@pytest.mark.parametrize("scan", ["auto", *sorted({*SCAN_NAMES} - {"frames"})])
def test_scans(cls, scan):
    X, y = draw(shape=(9, 7))
    assert_same(make(cls, scan=scan).fit(X, y), X, X[:1])


@pytest.mark.parametrize(
    "scan, patch_size",
    [
        ("auto", 2),
        ("rows", (2, None)),
        ("columns", 3),
        ("spiral", (3, 2)),
        ("sweep", 2),
        (("rows", "hilbert", "sweep"), (2, 3)),
    ],
)
def test_patches_that_do_not_fill_the_image(scan, patch_size):
    X, y = draw(shape=(7, 5, 3))
    model = make(RNNImageClassifier, scan=scan, patch_size=patch_size)
    assert_same(model.fit(X, y), X)


@pytest.mark.parametrize("sides", [(3, 5), (4, 4), (1, 6), (5, 2)])
def test_lines_of_images_that_are_short(sides):
    X, y = draw(shape=sides)
    assert_same(make(RNNImageClassifier).fit(X, y), X)


@pytest.mark.parametrize("pooling", ["last", "max", "attention"])
@pytest.mark.parametrize(
    "cell, heads", [("gru", None), ("lru", 2), ("lmu", None), (None, 4)]
)
def test_sweeps(cell, heads, pooling):
    X, y = draw(shape=(5, 4))
    model = make(
        RNNImageClassifier,
        hidden_size=(6, 4),
        cell=cell,
        attention_heads=heads,
        scan="sweep",
        pooling=pooling,
    )
    assert_same(model.fit(X, y), X)
