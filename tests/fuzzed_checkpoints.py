"""Cases of checkpoints that are damaged, or hold what no training has written."""

import functools
import io
import json
from pathlib import Path

import numpy as np
from conftest import draw, make, weights_equal
from fuzzed import Case
from fuzzed_files import damaged, no_code_runs, places, replaced
from fuzzed_images import is_finite
from fuzzed_values import DTYPES
from hypothesis import strategies as st

from sk_rnnimage import CRNNImageClassifier
from sk_rnnimage._training.checkpoint import Checkpoint, _checksum

STRANGE = [None, True, -1, 0, 2, 2**31, 2**70, 1e308, float("nan"), "", "x", [], {}]
STRANGE += [[[]], {"array": "array0"}, {"array": "none"}, {"dict": [[1, 2]]}]


def _model():
    return make(CRNNImageClassifier, hidden_size=2, filters=2, max_epochs=2, n_views=1)


def _fit():
    return _model().set_params(checkpoint=Path("checkpoints")).fit(*draw(12, (4, 5)))


@functools.cache
def _good():
    """The path and the content of a checkpoint after one of two epochs, and its end."""
    save, kept = Checkpoint.save, []

    def keep(checkpoint, state):
        save(checkpoint, state)
        kept.append((checkpoint.path, checkpoint.path.read_bytes()))

    Checkpoint.save = keep
    try:
        model = _fit()
    finally:
        Checkpoint.save = save
    return *kept[0], model


@functools.cache
def _parts():
    """The tree and the arrays of that checkpoint."""
    with np.load(io.BytesIO(_good()[1][:-16])) as file:
        arrays = dict(file)
    return json.loads(arrays.pop("plain").tobytes()), arrays


@st.composite
def checkpoints(draw_value):
    """A fit goes on from a checkpoint, or refuses it by its name."""
    path, content, whole = _good()
    if draw_value(st.booleans()):
        words, content = "damaged", draw_value(damaged(content))
    else:
        words, content = draw_value(_strange())

    def call():
        path.write_bytes(content)
        try:
            with no_code_runs(but=("os.rename", "os.remove")):  # to save the rest
                return _fit()
        finally:
            path.unlink(missing_ok=True)

    def check(model):
        is_finite(model)
        if words == "damaged":  # into the same bytes, then
            assert weights_equal(model, whole)

    return Case(f"{words} checkpoint", call, check, named=str(path))


@st.composite
def _strange(draw_value):
    """Words and a file whose checksum is right, with something else at some place."""
    tree, arrays = _parts()
    if draw_value(st.booleans()):
        place = draw_value(st.sampled_from(list(places(tree))))
        words = f"strange at {place}"
        tree = replaced(tree, place, draw_value(st.sampled_from(STRANGE)))
    else:
        name = draw_value(st.sampled_from(sorted(arrays)))
        shape = draw_value(st.lists(st.integers(0, 3), max_size=4))
        odd = np.zeros(shape, draw_value(DTYPES))
        words, arrays = f"{name}: {odd.dtype} {shape}", arrays | {name: odd}
    text = np.frombuffer(json.dumps(tree).encode(), np.uint8)
    file = io.BytesIO()
    np.savez(file, plain=text, **arrays)
    return words, file.getvalue() + _checksum(file.getvalue())
