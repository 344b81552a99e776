"""Searches and comparisons on a cluster of two worker processes, which may die."""

import os
import re
from functools import partial
from pathlib import Path

import joblib
import numpy as np
import pytest
import torch
from conftest import draw, flat, make
from dask.distributed import Client, LocalCluster
from dying_by_hand import accuracy
from numpy.testing import assert_array_equal
from PIL import Image
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    RandomizedSearchCV,
    cross_val_score,
)
from sklearn.naive_bayes import GaussianNB

from sk_rnnimage import RNNImageClassifier, compare_classifiers

GUIDE = Path(__file__).parents[1] / "docs/guide/cluster.md"
GRID = {"cell": ["lstm", None], "learning_rate": [0.01, 0.03]}


@pytest.fixture(scope="module")
def client():
    """A cluster of two worker processes of one thread each, on this machine alone."""
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": ":0"}
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("OMP_NUM_THREADS", raising=False)  # as Dask sets it
        with LocalCluster(**options) as cluster, Client(cluster) as client:
            yield client


def scores_of(search):
    """What a search has found, but for the times."""
    found = search.cv_results_.items()
    return {key: np.asarray(v) for key, v in found if not key.endswith("_time")}


def test_a_search_that_loses_a_worker_finds_the_same(client, tmp_path):
    X, y = draw(600)
    splits = list(KFold(2).split(X))  # over a kilobyte each, which joblib scatters
    scoring = partial(accuracy, first=tmp_path / "killed")
    options = {"cv": splits, "scoring": scoring}
    search = GridSearchCV(make(RNNImageClassifier), GRID, **options)
    before = set(client.run(os.getpid).values())
    client.amm.stop()
    held = [X, y, *(indices for split in splits for indices in split)]
    with joblib.parallel_config(backend="dask", scatter=held):
        search.fit(X, y)
    assert (tmp_path / "killed").exists()
    alone = GridSearchCV(make(RNNImageClassifier), GRID, **options)
    found, expected = scores_of(search), scores_of(alone.fit(X, y))
    assert found.keys() == expected.keys()
    for key in found:
        assert_array_equal(found[key], expected[key], err_msg=key)
    client.wait_for_workers(2)
    after = set(client.run(os.getpid).values())
    assert len(before & after) == 1
    assert len(after) == 2


def test_a_worker_computes_on_one_thread(client):
    assert set(client.run(torch.get_num_threads).values()) == {1}
    assert set(client.nthreads().values()) == {1}


def test_all_that_fits_many_is_as_in_one_process(client):
    """Of images so large that Dask would warn of tasks that held them."""
    X, y = draw(60, (160, 160), dtype=np.float64)
    X = flat(X)  # for the rival
    assert X.nbytes > 10**7
    model = make(RNNImageClassifier, max_epochs=1, patch_size=(40, None))

    def all_of_them(n_jobs=None):
        options = {"cv": 2, "n_jobs": n_jobs}
        candidates = {"n_iter": 2, "random_state": 0, **options}
        search = RandomizedSearchCV(model, GRID, **candidates).fit(X, y)
        rivals = {"ours": model, "bayes": GaussianNB()}
        compared = compare_classifiers(rivals, X, y, random_state=0, **options)
        scores = cross_val_score(model, X, y, **options)
        return scores, scores_of(search), compared.results

    with joblib.parallel_config(backend="dask"):
        found = all_of_them(n_jobs=2)
    expected = all_of_them()
    assert_array_equal(found[0], expected[0])
    for one, other in zip(found[1:], expected[1:]):
        assert_array_equal(one["mean_test_score"], other["mean_test_score"])


def test_the_guide_runs(client, tmp_path):
    X, y = draw(60)
    paths = []
    for i, image in enumerate(X):
        paths.append(str(tmp_path / f"{i}.png"))
        Image.fromarray(image).save(paths[-1])
    names = {"X": X, "y": y, "paths": paths, "client": client}
    blocks = re.findall(r"^```python\n(.*?)^```", GUIDE.read_text(), re.M | re.S)
    assert "Client(" in blocks[0]  # here the client is there
    for block in blocks[1:]:
        exec(block, names)
    classifier = names["classifier"]
    assert_array_equal(names["labels"], classifier.predict(X))
    assert_array_equal(names["probabilities"], classifier.predict_proba(X))
    assert_array_equal(names["labels_of_files"], classifier.predict(X))
    assert names["search"].best_score_ >= 0
