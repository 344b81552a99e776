"""The networks, worked by hand in NumPy from the weights of a fitted classifier."""

import inspect
import re

import numpy as np
import pytest
import torch
from conftest import CLASSIFIERS, draw, make, weights_equal
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.pipeline import make_pipeline
from test_cells import LOOPS, loop, sigmoid

from sk_rnnimage import CRNNImageClassifier, ImageToSequence, RNNImageClassifier
from sk_rnnimage.images.orders import SCANS, scan_order
from sk_rnnimage.networks.cells import make_layer
from sk_rnnimage.networks.stem import ConvolutionStem

CELLS = ["rnn", "irnn", "lstm", "gru", *LOOPS, None]
POOLINGS = ["last", "mean", "max", "attention"]
PLAIN = {"scan": "rows", "patch_size": None, "pooling": "last", "bidirectional": False}


# The cells' equations, one step each: (B, F), (B, D) to (B, D)


def rnn_step(x, h, s, W, U, b, c):
    return np.tanh(x @ W.T + b + h @ U.T + c), s


def irnn_step(x, h, s, W, U, b, c):
    return np.maximum(0, x @ W.T + b + h @ U.T + c), s


def lstm_step(x, h, s, W, U, b, c):
    i, f, g, o = np.split(x @ W.T + b + h @ U.T + c, 4, axis=1)
    s = sigmoid(f) * s + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(s), s


def gru_step(x, h, s, W, U, b, c):
    xr, xz, xg = np.split(x @ W.T + b, 3, axis=1)
    hr, hz, hg = np.split(h @ U.T + c, 3, axis=1)
    r, z = sigmoid(xr + hr), sigmoid(xz + hz)
    return (1 - z) * np.tanh(xg + r * hg) + z * h, s


STEPS = {"rnn": rnn_step, "irnn": irnn_step, "lstm": lstm_step, "gru": gru_step}


def read_one_way(step, x, W, U, b, c):
    """(T, B, F) to (T, B, D)."""
    h = s = np.zeros((x.shape[1], U.shape[1]))
    states = []
    for x_t in x:
        h, s = step(x_t, h, s, W, U, b, c)
        states.append(h)
    return np.stack(states)


def read(layer, cell, x):
    """One layer from its weights, in the directions that they have."""
    if cell is None:
        x = x @ layer["linear.weight"].T + layer["linear.bias"] + layer["position"]
        return np.maximum(0, x)
    if cell in LOOPS:
        return loop(cell, layer, x)
    names = "weight_ih", "weight_hh", "bias_ih", "bias_hh"
    found = [read_one_way(STEPS[cell], x, *(layer[f"rnn.{n}_l0"] for n in names))]
    if "rnn.weight_ih_l0_reverse" in layer:
        backwards = (layer[f"rnn.{n}_l0_reverse"] for n in names)
        found.append(read_one_way(STEPS[cell], x[::-1], *backwards)[::-1])
    return np.concatenate(found, axis=2)


def pool(model, weights, states):
    """(T, B, N) to (B, N)."""
    pooling = model.pooling
    if pooling == "attention":
        hidden = states @ weights["pool.hidden.weight"].T + weights["pool.hidden.bias"]
        score = np.tanh(hidden) @ weights["pool.score.weight"].T
        share = np.exp(score - score.max(0))
        return (share / share.sum(0) * states).sum(0)
    if pooling == "max":
        return states.max(0)
    if pooling == "mean" or model.cell is None:
        return states.mean(0)
    if not model.bidirectional:
        return states[-1]
    n_units = states.shape[2] // 2
    return np.concatenate([states[-1, :, :n_units], states[0, :, n_units:]], axis=1)


def below(weights, prefix):
    return {k.removeprefix(prefix): w for k, w in weights.items()
            if k.startswith(prefix)}  # fmt: skip


def standardized(model, X):
    X = X.reshape(len(X), *X.shape[1:3], -1)
    w = model.weights_
    return (X - w["standardize.mean"]) / w["standardize.scale"]


def by_hand(model, sequences):
    """Probabilities from one sequence (T, B, F) a scan."""
    found = []
    for i, x in enumerate(sequences):
        reading = below(model.weights_, f"readings.{i}.")
        for j in range(np.size(model.hidden_size)):
            x = read(below(reading, f"layers.{j}."), model.cell, x)
        found.append(pool(model, reading, x))
    return classify(model, np.concatenate(found, axis=1))


def classify(model, pooled):
    logits = pooled @ model.weights_["head.weight"].T + model.weights_["head.bias"]
    shares = np.exp(logits - logits.max(1, keepdims=True))
    return shares / shares.sum(1, keepdims=True)


def steps_of(model, X, scan):
    """Standardised pixels as one step each, in the order of a scan: (T, B, C)."""
    x = standardized(model, X)
    n, height, width, channels = x.shape
    x = x.reshape(n, height * width, channels)[:, scan_order(scan, height, width)]
    return x.transpose(1, 0, 2)


def rows_of(x):
    """(B, H, W, C) to (H, B, W * C)."""
    return x.reshape(*x.shape[:2], -1).transpose(1, 0, 2)


def fitted(cls, X, y, **parameters):
    """A network that has learned something, so that no bias is 0 any more."""
    return make(cls, **({"max_epochs": 4} | parameters)).fit(X, y)


@pytest.fixture(params=[(5, 6), (4, 5, 3)], ids=str)
def images(request):
    return draw(n=12, shape=request.param, dtype=np.float64)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("pooling", POOLINGS)
def test_rows_and_one_layer_are_the_cell_and_nothing_else(
    images, cell, bidirectional, pooling
):
    X, y = images
    settings = PLAIN | {"cell": cell, "bidirectional": bidirectional}
    model = fitted(RNNImageClassifier, X, y, **(settings | {"pooling": pooling}))
    expected = by_hand(model, [rows_of(standardized(model, X))])
    assert_allclose(model.predict_proba(X), expected, atol=1e-10)
    n_parts = {"mingru": 2, "lru": 7, "lmu": 5}.get(cell, 4) * (1 + bidirectional)
    n_parts = 3 if cell is None else n_parts
    n_pooling = 4 if pooling == "attention" else 0
    assert len(model.weights_) == 2 + n_parts + n_pooling + 2  # pixels, cell, head


@pytest.mark.parametrize("cell", CELLS)
def test_layers_of_different_sizes(images, cell):
    X, y = images
    settings = {"cell": cell, "hidden_size": (7, 4, 5), "bidirectional": True}
    model = fitted(RNNImageClassifier, X, y, scan="rows", **settings)
    expected = by_hand(model, [rows_of(standardized(model, X))])
    assert_allclose(model.predict_proba(X), expected, atol=1e-10)
    assert model.weights_["head.weight"].shape == (3, 10)


@pytest.mark.parametrize("scan", ["snake", "spiral", "hilbert", "diagonal", "random"])
def test_a_scan_reads_one_pixel_a_step(images, scan):
    X, y = images
    model = fitted(RNNImageClassifier, X, y, scan=scan)
    expected = by_hand(model, [steps_of(model, X, scan)])
    assert_allclose(model.predict_proba(X), expected, atol=1e-10)


def test_a_tuple_of_scans_joins_what_each_found(images):
    X, y = images
    scans = ("rows", "hilbert", "columns")
    model = fitted(RNNImageClassifier, X, y, scan=scans, pooling="max")
    x = standardized(model, X)
    columns = rows_of(x.transpose(0, 2, 1, 3))
    sequences = [rows_of(x), steps_of(model, X, "hilbert"), columns]
    assert_allclose(model.predict_proba(X), by_hand(model, sequences), atol=1e-10)
    one = fitted(RNNImageClassifier, X, y, scan=("hilbert",))
    assert weights_equal(one, fitted(RNNImageClassifier, X, y, scan="hilbert"))


@pytest.mark.parametrize("patch_size", [2, (2, 3), (3, None), (None, 2)])
def test_patches_that_do_not_fit_are_padded_with_the_mean(images, patch_size):
    X, y = images
    model = fitted(RNNImageClassifier, X, y, scan="snake", patch_size=patch_size)
    reader = ImageToSequence("snake", patch_size=patch_size)
    x = reader.fit_transform(standardized(model, X)).transpose(1, 0, 2)  # pads with 0
    assert_allclose(model.predict_proba(X), by_hand(model, [x]), atol=1e-10)


@pytest.mark.parametrize("cell", CELLS)
def test_columns_are_the_rows_of_the_transposed_image(cls, images, cell):
    X, y = images
    turned = np.swapaxes(X, 1, 2).copy()
    rows = fitted(cls, X, y, scan="rows", cell=cell)
    columns = fitted(cls, turned, y, scan="columns", cell=cell)
    weights = {  # a kernel is turned as the image is
        name: w.swapaxes(2, 3) if name.startswith("stem") and w.ndim == 4 else w
        for name, w in rows.weights_.items()
    }
    model = cls.__new__(cls)
    model.__setstate__(columns.__getstate__() | {"weights_": weights})
    assert_allclose(model.predict_proba(turned), rows.predict_proba(X), atol=1e-10)
    other = columns.predict_proba(turned[::-1])
    assert np.abs(other - rows.predict_proba(X)).max() > 1e-6


@pytest.mark.parametrize("scan", sorted(SCANS))
@pytest.mark.parametrize("patch_size", [2, 4, (1, None), (None, 2)])
def test_the_transformer_and_the_network_read_alike(scan, patch_size):
    X, y = draw(n=20, shape=(8, 4), dtype=np.float64)
    ahead = make_pipeline(
        ImageToSequence(scan, patch_size=patch_size),
        make(RNNImageClassifier, scan="rows"),
    ).fit(X, y)
    within = make(RNNImageClassifier, scan=scan, patch_size=patch_size).fit(X, y)
    assert_allclose(ahead.predict_proba(X), within.predict_proba(X), atol=1e-9)
    assert_array_equal(ahead.predict(X), within.predict(X))


# Sweep


def sweep_layer(model, x, i):
    """All rows and all columns, each by a loop: (B, H, W, F) to (B, H, W, N) twice."""
    across, down = (
        below(model.weights_, f"readings.0.along_{way}.{i}.")
        for way in ("rows", "columns")
    )
    rows = [read(across, model.cell, x[:, r].transpose(1, 0, 2))
            for r in range(x.shape[1])]  # fmt: skip
    columns = [read(down, model.cell, x[:, :, c].transpose(1, 0, 2))
               for c in range(x.shape[2])]  # fmt: skip
    return (  # from H of (W, B, N) and from W of (H, B, N)
        np.stack(rows).transpose(2, 0, 1, 3),
        np.stack(columns).transpose(2, 1, 0, 3),
    )


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_sweep_is_a_loop_over_lines(images, cell, pooling, bidirectional):
    X, y = images
    settings = {"hidden_size": (5, 4), "cell": cell, "bidirectional": bidirectional}
    model = fitted(RNNImageClassifier, X, y, scan="sweep", pooling=pooling, **settings)
    x = standardized(model, X)
    for i in range(2):
        across, down = sweep_layer(model, x, i)
        x = np.concatenate([across, down], axis=3)
    reading = below(model.weights_, "readings.0.")
    if pooling == "last" and cell is not None:
        # (W, B, H, N) and (H, B, W, N): every line's end, then the mean over lines
        ends = [
            np.mean([pool(model, {}, line) for line in lines], axis=0)
            for lines in (across.transpose(1, 2, 0, 3), down.transpose(2, 1, 0, 3))
        ]
        pooled = np.concatenate(ends, axis=1)
    else:
        places = x.reshape(len(X), -1, x.shape[3]).transpose(1, 0, 2)
        pooled = pool(model, reading, places)
    assert_allclose(model.predict_proba(X), classify(model, pooled), atol=1e-10)


def test_sweep_over_patches():
    X, y = draw(n=12, shape=(8, 6), dtype=np.float64)
    model = fitted(RNNImageClassifier, X, y, scan="sweep", patch_size=2, pooling="mean")
    x = ImageToSequence("rows", patch_size=2).fit_transform(standardized(model, X))
    x = np.concatenate(sweep_layer(model, x.reshape(12, 4, 3, 4), 0), axis=3)
    pooled = x.mean((1, 2))
    assert_allclose(model.predict_proba(X), classify(model, pooled), atol=1e-10)


# The convolutions


def convolved(model, X, i, pool, n_groups=1):
    """A layer of the stem: convolution, largest values, normalisation, rectifier."""
    layer = below(model.weights_, f"stem.layers.{i}.")
    kernel, size = standard_filters(layer), layer["convolution.weight"].shape[2]
    x = np.pad(X, ((0, 0), *[(size // 2, size // 2)] * 2, (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(1, 2))
    x = np.einsum("bhwcij,ocij->bhwo", windows, kernel) + layer["convolution.bias"]
    x = largest_of(x, pool)
    x = x.reshape(*x.shape[:3], n_groups, -1)  # (B, H, W, G, C / G)
    x = x - x.mean((1, 2, 4), keepdims=True)
    x = x / np.sqrt((x**2).mean((1, 2, 4), keepdims=True) + 1e-5)
    x = x.reshape(*x.shape[:3], -1) * layer["normalize.weight"]
    return np.maximum(0, x + layer["normalize.bias"])


def standard_filters(layer):
    """The filters (O, C, h, w) less their means, of the length that the gain says."""
    filters = layer["convolution.weight"]
    if filters[0].size > 1:
        filters = filters - filters.mean((1, 2, 3), keepdims=True)
    squares = (filters**2).sum((1, 2, 3), keepdims=True)
    return layer["convolution.gain"] * filters / np.sqrt(squares + 1e-6)


def largest_of(x, size):
    """The largest of size x size values, of fewer at the far edges."""
    height, width = x.shape[1:3]
    rows, columns = range(0, height, size), range(0, width, size)
    found = [
        [x[:, i : i + size, j : j + size].max((1, 2)) for j in columns] for i in rows
    ]
    return np.moveaxis(np.array(found), 2, 0)  # (B, H, W, C)


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


@pytest.mark.parametrize("n_filters, n_groups", [
    (1, 1), (16, 1), (31, 1), (32, 2), (33, 1), (48, 3), (50, 2), (64, 4), (62, 2),
])  # fmt: skip
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


# What scan="auto" reads


def embedded(model, i, lines):
    """Lines (H, B, F) through the embedding of one reading."""
    weights = below(model.weights_, f"readings.{i}.steps.embed.")
    return np.maximum(0, lines @ weights["weight"].T + weights["bias"])


def four_by_two(lines):
    """Four lines a step, two of them shared with the next, zeros past the end."""
    n_steps = max(0, -(-(len(lines) - 4) // 2)) + 1
    n_lines = min(4, len(lines))
    lines = np.pad(lines, ((0, 8), (0, 0), (0, 0)))
    steps = [lines[2 * t : 2 * t + n_lines] for t in range(n_steps)]
    return np.stack([np.concatenate(list(step), axis=1) for step in steps])


@pytest.mark.parametrize("shape", [(2, 3), (4, 6), (7, 9), (8, 5, 3)], ids=str)
def test_rnn_reads_overlapping_rows_and_columns(shape):
    X, y = draw(n=12, shape=shape, dtype=np.float64)
    model = fitted(RNNImageClassifier, X, y, scan="auto", hidden_size=5)
    x = standardized(model, X)
    lines = [rows_of(x), rows_of(x.transpose(0, 2, 1, 3))]
    sequences = [embedded(model, i, four_by_two(part)) for i, part in enumerate(lines)]
    assert_allclose(model.predict_proba(X), by_hand(model, sequences), atol=1e-9)


def test_crnn_embeds_the_rows_of_its_map():
    X, y = draw(n=12, shape=(9, 12), dtype=np.float64)
    model = fitted(CRNNImageClassifier, X, y, scan="auto", filters=3, kernel_size=3)
    x = convolved(model, standardized(model, X), 0, pool=2)
    sequences = [embedded(model, 0, rows_of(x))]
    assert_allclose(model.predict_proba(X), by_hand(model, sequences), atol=1e-9)


def test_a_patch_size_replaces_the_embedding(cls):
    X, y = draw(n=12)
    auto = make(cls, scan="auto", patch_size=2).fit(X, y)
    axes = {RNNImageClassifier: ("rows", "columns"), CRNNImageClassifier: "rows"}[cls]
    named = make(cls, scan=axes, patch_size=2).fit(X, y)
    assert weights_equal(auto, named)


# Everything with everything


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("scan", [*SCANS, "sweep", "auto", ("sweep", "rows")], ids=str)
@pytest.mark.parametrize("cls", CLASSIFIERS, ids=["rnn", "crnn"])
def test_a_batch_of_one_is_its_row_in_the_batch(cls, scan, cell):
    X, y = draw(n=9, shape=(6, 5, 2))
    for pooling in POOLINGS:
        settings = {"scan": scan, "cell": cell, "pooling": pooling, "max_epochs": 1}
        model = make(cls, hidden_size=4, **settings).fit(X, y)
        whole = model.predict_proba(X)
        alone = [model.predict_proba(X[i : i + 1])[0] for i in (0, 4, 8)]
        assert_allclose(alone, whole[[0, 4, 8]], atol=1e-12)
        assert np.ptp(whole, axis=0).max() > 1e-6


# Initialisation


@pytest.mark.parametrize("cell, n_gates", [("rnn", 1), ("gru", 3), ("lstm", 4)])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_initial_weights(cell, n_gates, bidirectional):
    layer = make_layer(cell, 20, 8, bidirectional, 5)
    parameters = dict(layer.named_parameters())
    assert len(parameters) == 4 * (1 + bidirectional)
    for name, parameter in parameters.items():
        gates = parameter.detach().split(8)
        assert len(gates) == n_gates
        for i, gate in enumerate(gates):
            if "weight_hh" in name:
                assert_allclose(gate @ gate.T, np.eye(8), atol=1e-5)
            elif "weight_ih" in name:  # Glorot's bound for 20 inputs and 8 outputs
                bound = np.sqrt(6 / 28)
                assert 0.8 * bound < gate.abs().max() <= bound
            else:
                forget = cell == "lstm" and i == 1 and "bias_ih" in name
                assert_array_equal(gate, np.full(8, float(forget)))


def test_an_untrained_lstm_remembers():
    X, y = draw()
    settings = {"scan": "rows", "cell": "lstm", "learning_rate": 1e-12}
    bias = (
        make(RNNImageClassifier, **settings)
        .fit(X, y)
        .weights_["readings.0.layers.0.rnn.bias_ih_l0"]
    )
    assert_allclose(bias, np.repeat([0, 1, 0, 0], 8), atol=1e-9)


@pytest.mark.parametrize("cell", CELLS)
def test_initial_weights_do_not_depend_on_the_number_of_rows(cls, cell):
    X, y = draw(n=60)
    few, many = (
        make(cls, cell=cell, learning_rate=1e-13).fit(X[:n], y[:n]) for n in (10, 60)
    )
    assert few.weights_.keys() == many.weights_.keys()
    for name, weight in few.weights_.items():
        if "standardize" not in name:
            assert_allclose(weight, many.weights_[name], atol=1e-9)


def test_initial_weights_do_not_depend_on_the_images(cls):
    X, y = draw()
    one, two = (make(cls, learning_rate=1e-13).fit(Z, y) for Z in (X, 255 - X))
    assert_allclose(one.weights_["head.weight"], two.weights_["head.weight"], atol=1e-9)
    assert torch.tensor(one.weights_["head.weight"]).abs().max() > 0.1


@pytest.mark.parametrize("n_lines, seen, step", [(32, 10, 4), (16, 8, 2), (8, 5, 1)])
def test_the_receptive_field_is_as_documented(n_lines, seen, step):
    settings = inspect.signature(CRNNImageClassifier).parameters
    filters, kernel = settings["filters"].default, settings["kernel_size"].default
    stem = ConvolutionStem((n_lines, 8, 1), filters, (kernel,) * len(filters), 0.0)
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
        rf"{seen} lines of\s.*with a stride of {step} \("
        if n_lines > 16
        else rf"{seen}\s+and\s+{step}"
    )
    assert re.search(told, CRNNImageClassifier.__doc__, flags=re.S)
