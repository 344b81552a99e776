"""The convolutions in front of the reading, by hand in NumPy."""

import inspect
import re

import numpy as np
import pytest
import torch
from conftest import draw, make
from networks_by_hand import by_hand, convolved, fitted, rows_of, standardized
from numpy.testing import assert_allclose

from sk_rnnimage import CRNNImageClassifier
from sk_rnnimage.images.orders import scan_order
from sk_rnnimage.networks import stem
from sk_rnnimage.networks.recipe import FILTERS
from sk_rnnimage.networks.stem import ConvolutionStem, StandardConvolution


@pytest.mark.parametrize("scan", ["rows", "hilbert", ("columns", "rows")], ids=str)
@pytest.mark.parametrize("kernel_size", [1, 3, 4, (5, 3)], ids=str)
def test_crnn_reads_the_feature_map(scan, kernel_size):
    X, y = draw(n=12, shape=(12, 10, 3), dtype=np.float64)
    settings = {"filters": (4, 4), "kernel_size": kernel_size, "scan": scan}
    model = fitted(CRNNImageClassifier, X, y, **settings)
    x = convolved(model, standardized(model, X), 0, pool=2)
    x = convolved(model, x, 1, pool=1)
    if scan == "hilbert":
        n, height, width, channels = x.shape
        order = scan_order("hilbert", height, width)
        sequences = [x.reshape(n, -1, channels)[:, order].transpose(1, 0, 2)]
    else:
        columns = rows_of(x.transpose(0, 2, 1, 3))
        sequences = [rows_of(x)] if scan == "rows" else [columns, rows_of(x)]
    assert_allclose(model.predict_proba(X), by_hand(model, sequences), atol=1e-9)


@pytest.mark.parametrize(
    "n_filters, n_groups",
    [
        (1, 1),
        (16, 1),
        (31, 1),
        (32, 2),
        (33, 1),
        (48, 3),
        (50, 2),
        (64, 4),
        (62, 2),
    ],
)
def test_filters_are_normalised_in_groups(n_filters, n_groups):
    X, y = draw(n=6, shape=(9, 10), dtype=np.float64)
    settings = {"filters": n_filters, "kernel_size": 3, "scan": "rows"}
    model = fitted(CRNNImageClassifier, X, y, max_epochs=1, **settings)
    x = convolved(model, standardized(model, X), 0, pool=2, n_groups=n_groups)
    assert_allclose(model.predict_proba(X), by_hand(model, [rows_of(x)]), atol=1e-9)


@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 9), (9, 1, 3), (2, 3), (17, 40)], ids=str
)
@pytest.mark.parametrize("kernel_size", [1, 2, 3, 6])
def test_crnn_reads_images_of_any_size(shape, kernel_size):
    X, y = draw(n=6, shape=shape)
    settings = {"filters": (2, 3), "kernel_size": kernel_size, "max_epochs": 1}
    model = make(CRNNImageClassifier, **settings).fit(X, y)
    for scan in ("sweep", "hilbert"):
        model.set_params(scan=scan).fit(X, y)
        assert np.isfinite(model.predict_proba(X)).all()


@pytest.mark.parametrize(
    "downsample, pools",
    [
        ((True, False, True), (2, 1, 2)),
        ([False, True, np.True_], (1, 2, 2)),
        ((False, False, False), (1, 1, 1)),
    ],
    ids=str,
)
def test_downsample_says_which_layers_halve(downsample, pools):
    X, y = draw(n=12, shape=(12, 6, 3), dtype=np.float64)
    settings = {"filters": (4, 6, 4), "downsample": downsample, "scan": "rows"}
    model = fitted(CRNNImageClassifier, X, y, **settings)
    x = standardized(model, X)
    for i, pool in enumerate(pools):
        x = convolved(model, x, i, pool=pool)
    assert_allclose(model.predict_proba(X), by_hand(model, [rows_of(x)]), atol=1e-9)


@pytest.mark.parametrize(
    "filters, shape, sides",
    [
        ((4, 4), (32, 32, 1), (16, 16)),
        ((4, 8), (32, 9, 1), (8, 5)),
        ((8, 4, 8), (32, 32, 1), (8, 8)),
        ((4, 8, 16), (16, 8, 1), (8, 8)),
    ],
)
def test_auto_halves_the_first_layer_and_where_filters_grow(filters, shape, sides):
    stem = ConvolutionStem(shape, filters, (3,) * len(filters), "auto", 0.0)
    assert stem.output_shape == (*sides, filters[-1])


@pytest.mark.parametrize(
    "downsample", [True, "rows", (True,), (1, 0), (True, None), None], ids=repr
)
def test_downsample_is_auto_or_a_bool_for_each_layer(downsample):
    sentence = (
        "downsample must be 'auto' or a tuple of 2 bools, one for each of the filters. "
        f"Got {downsample!r} instead."
    )
    with pytest.raises(ValueError, match=re.escape(sentence)):
        make(CRNNImageClassifier, filters=(4, 4), downsample=downsample).fit(*draw())


@pytest.mark.parametrize(
    "n_lines, seen, step", [(64, 22, 8), (32, 18, 4), (16, 12, 2), (8, 7, 1)]
)
def test_the_receptive_field_is_as_documented(n_lines, seen, step):
    settings = inspect.signature(CRNNImageClassifier).parameters
    filters, kernel = FILTERS, settings["kernel_size"].default
    kernels = (kernel,) * len(filters)
    stem = ConvolutionStem((n_lines, 8, 1), filters, kernels, "auto", 0.0)
    for layer in stem.layers:  # all that leads from one line to others, but linear
        layer.normalize = torch.nn.Identity()
        layer.pool = layer.pool and torch.nn.AvgPool2d(layer.pool_size)
    images = torch.randn(1, n_lines, 8, 1, requires_grad=True)
    lines = stem(images)[0].square().sum((0, 2, 3))  # (H,) of the map
    middle = len(lines) // 2
    first = []
    for line in lines[middle - 1 : middle + 1]:
        (grad,) = torch.autograd.grad(line, images, retain_graph=True)
        places = grad.abs().sum((0, 2, 3)).nonzero().ravel()
        assert places[-1] - places[0] + 1 == seen
        first.append(int(places[0]))
    assert first[1] - first[0] == step
    told = (
        rf"{seen} lines of\s.*with a stride of {step}\s"
        if n_lines > 32
        else rf"{seen}\s+and\s+{step}"
    )
    assert re.search(told, CRNNImageClassifier.__doc__, flags=re.S)


@pytest.mark.parametrize("kernel", [1, 2, 3, 5])
@pytest.mark.parametrize("shape", [(37, 20, 3), (9, 30, 1)], ids=str)
@pytest.mark.parametrize("padded", [False, True])
def test_large_images_are_convolved_in_strips(kernel, shape, padded, monkeypatch):
    torch.manual_seed(0)
    layer = ConvolutionStem(shape, (4, 6), (kernel, kernel), "auto", 0.0).double()
    x = torch.randn(2, *shape, dtype=torch.float64)
    sizes = torch.tensor([shape[:2], (shape[0] - 5, 17)]) if padded else None
    with torch.no_grad():
        expected, expected_sizes = layer(x, sizes)
        lines, strip = [], StandardConvolution.strip
        monkeypatch.setattr(stem, "STRIP", 700)
        monkeypatch.setattr(
            StandardConvolution,
            "strip",
            lambda self, x, top, bottom: (
                lines.append(bottom - top) or strip(self, x, top, bottom)
            ),
        )
        output, output_sizes = layer(x, sizes)
    assert len(lines) > 4
    assert max(lines) <= 4
    assert_allclose(output, expected, atol=1e-12)
    assert padded is False or torch.equal(output_sizes, expected_sizes)
    layer(x.requires_grad_(), sizes)[0].sum().backward()  # whole where it is trained
    assert max(lines) >= shape[0]
