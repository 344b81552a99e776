"""save() and load(): what comes back, what is refused, and what it takes."""

import builtins
import copy
import json
import os
import re
import subprocess
import sys
import tracemalloc
from functools import partial
from pathlib import Path

import joblib
import numpy as np
import pytest
import torch
from conftest import (
    draw,
    draw_clips,
    draw_unequal,
    make,
    mapped,
    saved,
    weights_equal,
    with_missing,
)
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from saved_by_hand import attributes, changed, opened, written
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import InconsistentVersionWarning, NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC
from skorch.callbacks import EpochScoring

from sk_rnnimage import (
    ClipReader,
    CRNNImageClassifier,
    ImageReader,
    ImageToSequence,
    RNNImageClassifier,
    load,
    prune,
    quantize,
    save,
)

KEPT = Path(__file__).parent / "kept"


def shift(images, generator):
    return images


# What comes back


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"cell": "lmu", "scan": "hilbert", "patch_size": 2},
        {"cell": "lru", "pooling": "attention", "attention_heads": 2},
        {"cell": None, "scan": ("rows", "columns"), "hidden_size": (8, 6)},
        {"n_views": 3, "augment": "flip", "class_weight": {0: 2.0}},
    ],
)
def test_predictions_are_equal_to_the_bit(cls, parameters):
    X, y = draw()
    model = make(cls, **parameters).fit(X, y, X_val=X, y_val=y)
    other = saved(model)
    assert_array_equal(other.predict_proba(X), model.predict_proba(X))
    assert_array_equal(other.predict(X), model.predict(X))
    assert vars(other).keys() == vars(model).keys()
    assert other.get_params() == model.get_params()
    assert other.history_ == model.history_
    assert other._fitted_recipe == model._fitted_recipe


@pytest.mark.parametrize(
    "labels",
    [
        ["no", "yes", "ä"],
        np.array(["a", "bc", "d"], object),
        [1.0, 2.0, 4.0],
        [-1, 0, 5],
    ],
)
def test_labels_of_every_kind(labels):
    X, y = draw()
    labels = np.asarray(labels)
    model = make(RNNImageClassifier, max_epochs=1).fit(X, labels[y])
    other = saved(model)
    assert other.classes_.dtype == model.classes_.dtype
    assert_array_equal(other.predict(X), model.predict(X))


def test_lists_missing_pixels_and_clips(cls):
    X, y = draw_unequal()
    clips, actions = draw_clips()
    for images, labels, scan in [
        (X, y, "auto"),
        (with_missing(X), y, "auto"),
        (clips, actions, "frames"),
    ]:
        model = make(cls, scan=scan, max_epochs=1).fit(images, labels)
        other = saved(model)
        assert_array_equal(other.predict_proba(images), model.predict_proba(images))


def test_a_pipeline_from_files(tmp_path):
    X, y = draw()
    paths = [str(tmp_path / f"{i}.png") for i in range(len(X))]
    for path, image in zip(paths, X):
        Image.fromarray(image).save(path)
    for reader, scan in ((ImageReader((8, 8)), "rows"), (ClipReader((8, 8)), "frames")):
        network = make(CRNNImageClassifier, max_epochs=1, scan=scan)
        model = make_pipeline(reader, network).fit(paths, y)
        other = saved(model)
        assert_array_equal(other.predict_proba(paths), model.predict_proba(paths))
        assert other[0].size == (8, 8)


def test_a_pipeline_of_scikit_learn():
    X, y = draw()
    X = X.reshape(len(X), -1)
    for judge in (SVC(), make(RNNImageClassifier, max_epochs=1)):
        model = make_pipeline(StandardScaler(), PCA(6), judge).fit(X, y)
        other = saved(model)
        assert_array_equal(other.predict(X), model.predict(X))
        assert_array_equal(other[:-1].transform(X), model[:-1].transform(X))


def test_unfitted_estimators_come_back_unfitted(cls):
    model = make_pipeline(ImageToSequence("spiral"), make(cls, device="cuda"))
    other = saved(model)
    assert repr(other) == repr(model)
    with pytest.raises(NotFittedError):
        other[-1].predict(draw()[0])


@pytest.mark.parametrize("way", ["fit", "partial_fit"])
def test_training_goes_on_as_from_the_original(cls, way):
    X, y = draw(n=140)  # float32, so that Muon has moments too
    model = make(cls, warm_start=True, dropout=0.1, augment="shift", max_epochs=1)
    model.random_state = np.random.RandomState(0)
    if way == "fit":
        model.fit(X, y)
    else:
        model.partial_fit(X, y, classes=[0, 1, 2])
        assert model._optimizer_state
    other = saved(model)
    getattr(model, way)(X, y)
    getattr(other, way)(X, y)
    assert weights_equal(model, other)


def test_feature_names_come_back():
    import pandas as pd

    X, y = draw()
    frame = pd.DataFrame(X.reshape(len(X), -1)).rename(columns="p{}".format)
    model = make(RNNImageClassifier, max_epochs=1).fit(frame, y)
    other = saved(model)
    assert_array_equal(other.feature_names_in_, frame.columns)
    assert other.feature_names_in_.dtype == object
    other.predict(frame)


def test_what_joblib_has_mapped_can_be_saved(cls):
    X, y = draw()
    model = make(cls).fit(X, y)
    other = saved(mapped(model))
    assert_array_equal(other.predict_proba(X), model.predict_proba(X))
    assert all(type(w) is np.ndarray for w in other.weights_.values())


# Where it is opened

OPEN = """
import sys, numpy as np
import sk_rnnimage
model = sk_rnnimage.load(sys.argv[1])
np.save(sys.argv[3], model.predict_proba(np.load(sys.argv[2])))
"""


def test_another_process_without_a_gpu_opens_it(tmp_path):
    X, y = draw()
    model = make(CRNNImageClassifier).fit(X, y).set_params(device="cuda")
    save(model, tmp_path / "m.sk")
    np.save(tmp_path / "X.npy", X)
    names = [tmp_path / name for name in ("m.sk", "X.npy", "p.npy")]
    command = [sys.executable, "-W", "error", "-c", OPEN, *names]
    subprocess.run(command, check=True, env={**os.environ, "CUDA_VISIBLE_DEVICES": ""})
    assert_array_equal(np.load(tmp_path / "p.npy"), model.predict_proba(X))


@pytest.mark.parametrize("name", ["rnn", "crnn", "pipeline"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.InconsistentVersionWarning")
def test_a_file_of_version_0_1_0_opens(name):
    """Written by kept/write.py and never again: later versions must read it."""
    model = load(KEPT / f"{name}.sk")
    with np.load(KEPT / "predictions.npz") as expected:
        X, probabilities = expected["X"], expected[name]
    assert_allclose(model.predict_proba(X), probabilities, atol=1e-6)


def test_other_versions(cls, tmp_path):
    save(make(cls), tmp_path / "m.sk")
    recipe, arrays = opened(tmp_path / "m.sk")
    for number in (2, 0, "1", None):
        recipe |= {"format": number, "versions": {"sk_rnnimage": "9.0"}}
        sentence = (
            f"its format is {number!r}, of sk_rnnimage 9.0, and this version reads "
            "format 1. Install that version, or save the estimator with this."
        )
        with pytest.raises(ValueError, match=re.escape(sentence)):
            load(written(tmp_path / "m.sk", recipe, arrays))


def test_scikit_learn_warns_of_its_own_steps(tmp_path):
    save(make_pipeline(StandardScaler(), SVC()), tmp_path / "m.sk")
    text, arrays = opened(tmp_path / "m.sk")
    text = json.dumps(text).replace(
        f'["_sklearn_version", "{text["versions"]["scikit-learn"]}"]',
        '["_sklearn_version", "1.5.0"]',
    )
    with pytest.warns(InconsistentVersionWarning, match=r"from version 1\.5\.0"):
        load(written(tmp_path / "m.sk", text, arrays))
    with pytest.raises(InconsistentVersionWarning):  # filtered as an error
        load(tmp_path / "m.sk")


# What is refused


@pytest.mark.parametrize(
    "model, sentence",
    [
        (
            RNNImageClassifier(augment=shift),
            "save writes no code, as load runs none, but augment is <function shift at",
        ),
        (
            make_pipeline(RNNImageClassifier(callbacks=[EpochScoring("roc_auc")])),
            "skorch.callbacks.scoring.EpochScoring, but steps/0/1/callbacks/0 is <",
        ),
        (
            RandomForestClassifier(),
            "ensemble._forest.RandomForestClassifier, but the es",
        ),
        (
            make_pipeline(FunctionTransformer(np.sqrt)),
            "FunctionTransformer, but steps/0",
        ),
        (GridSearchCV(SVC(), {}), "_search.GridSearchCV, but the estimator is GridSea"),
        ("model.sk", "save can write no builtins.str, but the estimator is 'model.sk'"),
        (CRNNImageClassifier, "save writes no code, as load runs none, but the estima"),
    ],
)
def test_what_cannot_be_saved_leaves_no_file(model, sentence, tmp_path):
    with pytest.raises(TypeError, match=re.escape(sentence)):
        save(model, tmp_path / "m.sk")
    assert os.listdir(tmp_path) == []


def test_a_search_is_told_what_to_save(tmp_path):
    X, y = draw()
    search = GridSearchCV(
        make(RNNImageClassifier, max_epochs=1), {"dropout": [0.0]}, cv=2
    )
    search.fit(X, y)
    with pytest.raises(TypeError, match=r"Save its best_estimator_\.$"):
        save(search, tmp_path / "m.sk")
    save(search.best_estimator_, tmp_path / "m.sk")


def test_a_function_that_training_needed_is_left_behind(cls, tmp_path):
    X, y = draw()
    model = make(cls, augment=shift).fit(X, y)
    sentence = "Training alone needs it: set_params(augment=None) first."
    with pytest.raises(TypeError, match=re.escape(sentence)):
        save(model, tmp_path / "m.sk")
    other = saved(model.set_params(augment=None))
    assert_array_equal(other.predict_proba(X), model.predict_proba(X))
    assert model._augment is shift


@pytest.mark.skipif(
    not hasattr(RNNImageClassifier, "set_callbacks"), reason="scikit-learn before 1.9"
)
def test_callbacks_of_scikit_learn_are_taken_back_first(tmp_path):
    from sklearn.callback import ScoringMonitor

    X, y = draw()
    model = make(RNNImageClassifier).set_callbacks(ScoringMonitor(scoring="accuracy"))
    model.fit(X, y)
    sentence = "Training alone needs it: set_callbacks(), without any, first."
    with pytest.raises(TypeError, match=re.escape(sentence)):
        save(model, tmp_path / "m.sk")
    other = saved(model.set_callbacks())
    assert_array_equal(other.predict_proba(X), model.predict_proba(X))


@pytest.mark.parametrize("made", [quantize, partial(prune, amount=0.5)])
def test_smaller_networks(cls, made):
    X, y = draw()
    model = made(make(cls).fit(X, y))
    other = saved(model)
    assert_array_equal(other.predict_proba(X), model.predict_proba(X))
    assert {n: w.dtype for n, w in other.weights_.items()} == {
        n: w.dtype for n, w in model.weights_.items()
    }


def test_what_load_would_refuse_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="memory='cache' is a folder of pickles"):
        save(make_pipeline(StandardScaler(), memory="cache"), tmp_path / "m.sk")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "content",
    [b"", b"hello", b"\xff" * 99, b"PK\x03\x04", "half"],
    ids=["empty", "short", "ones", "zip", "half"],
)
def test_a_file_that_is_no_file_of_save(content, cls, tmp_path):
    path = tmp_path / "m.sk"
    save(make(cls, max_epochs=1).fit(*draw()), path)
    if content == "half":
        content = path.read_bytes()[: path.stat().st_size // 2]
    path.write_bytes(content)
    sentence = f"{str(path)!r} is no file of save, or it is damaged (SafetensorError: "
    with pytest.raises(ValueError, match=re.escape(sentence)):
        load(path)


def test_paths_that_are_no_file(tmp_path):
    for path in (tmp_path, tmp_path / "no.sk", os.devnull, ""):
        with pytest.raises(ValueError, match=f"There is no file {str(path)!r}"):
            load(path)
    with pytest.raises(TypeError, match="path must be a str or a pathlib.Path"):
        load(b"m.sk")


def test_another_file_of_safetensors(tmp_path):
    import safetensors.numpy

    safetensors.numpy.save_file({"a": np.zeros(3)}, tmp_path / "m.sk")
    with pytest.raises(
        ValueError, match="m.sk' cannot be loaded: no estimator was saved"
    ):
        load(tmp_path / "m.sk")


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    original = builtins.__import__

    def without(name, *args):
        if name.startswith("safetensors"):
            raise ImportError(name)
        return original(name, *args)

    monkeypatch.setattr(builtins, "__import__", without)
    sentence = 'safetensors, which is not installed: pip install "sk_rnnimage[save]"'
    with pytest.raises(ImportError, match=re.escape(sentence)):
        save(SVC(), tmp_path / "m.sk")
    with pytest.raises(ImportError, match=re.escape(sentence)):
        load(tmp_path / "m.sk")


# Files of those who mean harm


@pytest.fixture
def hostile(tmp_path):
    """The parts of a good file, and a function that loads it with other parts."""
    path = tmp_path / "m.sk"
    save(make(CRNNImageClassifier, max_epochs=1).fit(*draw()), path)
    recipe, arrays = opened(path)

    def load_with(estimator, **more):
        return load(written(path, {**recipe, "estimator": estimator}, arrays | more))

    return recipe["estimator"], load_with


class Trap:
    """What a pickle can do: run code of its author."""

    def __reduce__(self):
        return exec, ("raise SystemExit('caught')",)


@pytest.mark.parametrize(
    "node",
    [
        {"estimator": ["os.system", [["command", "touch here"]]]},
        {"estimator": ["builtins.exec", []]},
        {"estimator": ["subprocess.Popen", [["args", ["touch", "here"]]]]},
        {"estimator": ["sklearn.preprocessing.FunctionTransformer", []]},
        {"estimator": ["sk_rnnimage.persistence.saving.load", [["path", "other.sk"]]]},
        {"__class__": "system", "__module__": "os", "__loader__": "FunctionNode"},
        {"function": "os.system"},
        {"pickle": "gASVKAAAAAAAAACMBXBvc2l4lIwGc3lzdGVtlJOUjA10b3VjaCBoZXJllIWUUpQu"},
        {"py/object": "os.system"},
        {"strings": ["|O", [1], [{"estimator": ["os.system", []]}]]},
    ],
    ids=str,
)
def test_no_other_type_is_made(node, hostile, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    good, load_with = hostile
    for estimator in (
        node,
        changed(good, random_state=node),
        changed(good, cell=[node]),
    ):
        with pytest.raises(ValueError, match="cannot be loaded: |is no file of save"):
            load_with(estimator)
    assert os.listdir(tmp_path) == ["m.sk"]


def test_a_pickle_is_no_file_of_save(tmp_path):
    joblib.dump(Trap(), tmp_path / "m.sk")
    with pytest.raises(SystemExit):
        joblib.load(tmp_path / "m.sk")
    with pytest.raises(ValueError, match="is no file of save"):
        load(tmp_path / "m.sk")


def test_no_method_is_replaced(hostile):
    good, load_with = hostile
    name, pairs = good["estimator"]
    pairs = [*pairs, ["__class__", "os.system"], ["__setstate__", 3], ["__init__", 3]]
    model = load_with({"estimator": [name, pairs]})
    assert type(model) is CRNNImageClassifier
    X = draw()[0]
    assert model.predict(X).shape == (len(X),)


@pytest.mark.parametrize(
    "change",
    [
        {"hidden_size": {"tuple": [10**9]}},
        {"filters": {"tuple": [10**9]}},
        {"image_shape": {"tuple": [10**6, 10**6, 1]}},
        {"n_outputs": 10**12},
        {"cell": "os.system"},
    ],
    ids=str,
)
def test_a_recipe_that_claims_too_much_takes_no_memory(change, hostile):
    good, load_with = hostile
    recipe = dict(attributes(good)["_fitted_recipe"]["dict"]) | change
    recipe = {"dict": [list(pair) for pair in recipe.items()]}
    tracemalloc.start()
    with pytest.raises(ValueError, match="cannot be loaded: "):
        load_with(changed(good, _fitted_recipe=recipe))
    assert tracemalloc.get_traced_memory()[1] < 2**25
    tracemalloc.stop()


def test_an_array_of_another_shape_than_the_recipe_says(hostile):
    good, load_with = hostile
    with pytest.raises(
        ValueError, match=r"'head.bias' must have the shape \(3,\). Got "
    ):
        load_with(good, **{"weights_/head.bias": np.zeros(2**20)})


def test_an_array_that_is_not_there(hostile):
    good, load_with = hostile
    absent = {"array": ["no", False]}
    with pytest.raises(ValueError, match="is no file of save, or it is damaged"):
        load_with(changed(good, classes_=absent))


def claim(path, text, **header):
    """A file of a few bytes whose header claims arrays of any size."""
    header = json.dumps({"__metadata__": {"sk_rnnimage": text}, **header}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    return path


@pytest.mark.parametrize("shape", [[10**12], [2**40, 2**40], [0, 2**63]])
def test_a_header_that_claims_a_large_array(shape, hostile, tmp_path):
    path = tmp_path / "m.sk"
    text = json.dumps(opened(path)[0])
    n_bytes = 8 * int(np.prod(shape, dtype=object))
    array = {"dtype": "F64", "shape": shape, "data_offsets": [0, min(n_bytes, 2**63)]}
    with pytest.raises(ValueError, match="is no file of save|cannot be loaded"):
        load(claim(path, text, **{"weights_/head.bias": array}))


@pytest.mark.skipif(sys.platform == "win32", reason="needs a file with a hole")
def test_a_file_with_a_hole_as_large_as_it_claims(tmp_path):
    path = tmp_path / "m.sk"
    save(StandardScaler().fit([[1.0]]), path)
    text = json.dumps(opened(path)[0])
    array = {"dtype": "F64", "shape": [2**40], "data_offsets": [0, 2**43]}
    claim(path, text, mean_=array)
    os.truncate(path, path.stat().st_size + 2**43)
    with pytest.raises(ValueError, match="has 8192.0 GiB, and this machine has "):
        load(path)


@pytest.mark.parametrize("depth", [10**3, 10**5])
def test_a_tree_deeper_than_any(depth, hostile, tmp_path):
    path = tmp_path / "m.sk"
    text = '{"format": 1, "estimator": {"estimator": ["sklearn.svm.SVC", [["C", '
    text += "[" * depth + "]" * depth + "]]]}}"
    with pytest.raises(
        ValueError, match="is no file of save, or it is damaged .Recurs"
    ):
        load(written(path, text, {}))


def test_a_text_longer_than_any(hostile, tmp_path):
    path = tmp_path / "m.sk"
    with pytest.raises(
        ValueError, match="cannot be loaded: no estimator was saved in it"
    ):
        load(written(path, " " * (2**24 + 1), {}))


def test_an_array_that_is_named_often_is_read_once(hostile):
    good, load_with = hostile
    node = attributes(good)["classes_"]
    model = load_with(changed(good, history_=[node] * 1000))
    assert len({id(array) for array in model.history_}) == 1


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "3", '{"format": 1}', '{"format": 1, "estimator": [3]}']
)
def test_a_text_that_is_no_estimator(text, tmp_path):
    with pytest.raises(ValueError, match="m.sk' (cannot be loaded|is no file of save)"):
        load(written(tmp_path / "m.sk", text, {}))


def test_loading_computes_nothing_that_a_fork_would_wait_for(tmp_path, monkeypatch):
    X, y = draw()
    model = make(RNNImageClassifier, cell="lmu", scan="snake").fit(X, y)
    save(model, tmp_path / "m.sk")
    seen, original = [], torch.linalg.matrix_exp
    monkeypatch.setattr(
        torch.linalg,
        "matrix_exp",
        lambda a: seen.append(torch.get_num_threads()) or original(a),
    )
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        other = load(tmp_path / "m.sk")
    finally:
        torch.set_num_threads(before)
    assert set(seen) == {1}
    assert_array_equal(copy.deepcopy(other).predict_proba(X), model.predict_proba(X))
