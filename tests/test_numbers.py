"""Numbers that go wrong: a sensible fit or an error of ours, never NaN."""

import re

import numpy as np
import pytest
import torch
from conftest import Watch, draw, make, pickled, saved

from sk_rnnimage import RNNImageClassifier, quantize
from sk_rnnimage.networks.cells import CELLS

X, Y = draw(n=12, shape=(6, 6), dtype=np.float64)
ONE_BRIGHT = X.copy()
ONE_BRIGHT[3, 2, 2] = 1e30
BOTH_ENDS = X.copy()
BOTH_ENDS[:, 0, 0], BOTH_ENDS[:, 5, 5] = 1e300, -1e300
IMAGES = {
    "constant": np.full_like(X, 7),
    "constant, huge": np.full_like(X, 1e30),
    "huge": X * 1e30,
    "huge, double": X * 1e300,
    "tiny, double": X * 1e-300,
    "one bright pixel": ONE_BRIGHT,
    "both ends": BOTH_ENDS,
    "one pixel each": X[:, :1, :1],
    "one pixel each, constant": np.zeros((12, 1, 1)),
    "one image a class": X[:3],
}


def outputs(model, images):
    """All that a classifier says of images."""
    yield model.predict_proba(images)
    yield model.predict_log_proba(images)
    yield model.decision_function(images)
    if model.cell is not None and "sweep" not in model._fitted_recipe["scans"]:
        yield from model.staged_predict_proba(images)


@pytest.mark.parametrize("cell", CELLS)
def test_every_cell_on_odd_pixels(cls, cell):
    for words, images in IMAGES.items():
        y = Y[: len(images)]
        model = make(cls, cell=cell, hidden_size=4, max_epochs=2).fit(images, y)
        for values in outputs(model, images):
            assert np.isfinite(values).all(), words
        assert np.isfinite(model.loss_curve_).all(), words
        assert np.allclose(model.predict_proba(images).sum(axis=1), 1), words


@pytest.mark.parametrize("words", ["constant, huge", "huge", "tiny, double"])
def test_what_is_kept_and_quantized_stays_finite(cls, words):
    images = IMAGES[words]
    model = make(cls).fit(images, Y)
    for other in (pickled(model), saved(model), quantize(model)):
        for values in outputs(other, images):
            assert np.isfinite(values).all()


def test_constant_images_are_guessed_by_how_often_a_class_is(cls):
    y = np.r_[np.zeros(9), np.ones(3)].astype(int)
    model = make(cls, max_epochs=40, batch_size=12).fit(IMAGES["constant"], y)
    np.testing.assert_allclose(
        model.predict_proba(X[:1] * 0 + 7), [[0.75, 0.25]], atol=0.05
    )


def test_a_single_example_cannot_be_on_both_sides(cls):
    y = np.r_[[9], np.arange(11) % 2]
    sentence = (
        "early_stopping=True holds out 2 of 12 images, too few to have each of the 3 "
        "classes on both sides. Pass X_val and y_val, or set early_stopping=False."
    )
    with pytest.raises(ValueError, match=re.escape(sentence)):
        make(cls, early_stopping=True).fit(X, y)
    model = make(cls, early_stopping=True).fit(X, y, X_val=X, y_val=y)
    assert model.classes_.tolist() == [0, 1, 9]


@pytest.mark.parametrize("n", [20, 24])
def test_a_single_example_among_enough(cls, n):
    images, y = draw(n=n)
    y[0] = 9
    with pytest.raises(ValueError, match="early_stopping=True .* class"):
        make(cls, early_stopping=True, validation_fraction=0.4).fit(images, y)


@pytest.mark.filterwarnings("ignore:The number of unique classes is greater")
def test_ten_thousand_classes():
    rng = np.random.RandomState(0)
    images = rng.randint(0, 256, (10_000, 3, 3), dtype=np.uint8)
    model = make(RNNImageClassifier, max_epochs=1, batch_size=1000)
    model.fit(images, np.arange(10_000))
    proba = model.predict_proba(images[:20])
    assert proba.shape == (20, 10_000)
    np.testing.assert_allclose(proba.sum(axis=1), 1)


# Explosion and vanishing


def gradients(cell, n_steps):
    """The network of a cell, and the gradient of its loss by the pixels: (B, T)."""
    images = np.random.RandomState(0).rand(4, n_steps, 1)
    y = np.arange(4) % 2
    watch = Watch()
    model = make(
        RNNImageClassifier,
        hidden_size=16,
        cell=cell,
        scan="rows",
        bidirectional=False,
        pooling="last",
        max_epochs=1,
        learning_rate=1e-9,
        image_shape=(n_steps, 1),
        callbacks=[watch],
    ).fit(images, y)
    pixels = torch.tensor(images[..., None], requires_grad=True)
    network = model.module_.double().train()
    torch.nn.functional.cross_entropy(network(pixels), torch.tensor(y)).backward()
    norm = torch.stack([p.grad.norm() for p in network.parameters()]).norm()
    return float(norm), watch.norms, pixels.grad.squeeze().norm(dim=0).numpy()


@pytest.mark.parametrize("n_steps", [784, 5000])
@pytest.mark.parametrize("cell", [cell for cell in CELLS if cell])
def test_gradients_over_many_steps(cell, n_steps):
    norm, of_updates, by_step = gradients(cell, n_steps)
    assert np.isfinite(norm)
    # clipped; besides, the loss of a training smooths its labels
    assert of_updates == [pytest.approx(min(norm, 1.0), rel=0.2)]
    assert of_updates[0] < 1.001
    reach = by_step[:10].mean() / by_step[-10:].mean()  # of the first steps
    if cell == "rnn":
        assert reach < 1e-30  # it vanishes, which no clipping can handle
    if cell == "irnn":
        assert norm > 100  # it explodes
    if cell in ("lstm", "peephole", "gru", "mingru", "lmu"):  # by how they begin
        assert 1e-3 < reach < 10
