"""scikit-learn's own callbacks: on a classifier, in pipelines and in searches."""

import io

import numpy as np
import pytest
from conftest import draw, draw_clips, draw_unequal, flat, make, weights_equal
from numpy.testing import assert_array_equal
from PIL import Image
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_rnnimage import (
    ClipReader,
    ImageReader,
    ImageToSequence,
    RNNImageClassifier,
    classic_classifiers,
)

callback = pytest.importorskip("sklearn.callback", reason="from scikit-learn 1.9 on")


@pytest.fixture
def bar():
    return callback.ProgressBar(max_propagation_depth=None)


@pytest.fixture
def monitor():
    return callback.ScoringMonitor(scoring="accuracy")


def rows_of_epochs(monitor):
    """The rows of the log that speak of an epoch."""
    return [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]


SETS = {
    "flat": (flat(draw()[0]), draw()[1]),
    "shaped": draw(shape=(6, 7, 3)),
    "list": draw_unequal(),
}


@pytest.mark.parametrize("kind", SETS)
def test_scores_of_each_epoch(cls, kind, monitor):
    X, y = SETS[kind]
    scores, model = [], make(cls, max_epochs=4)
    for n in range(1, 5):  # with the schedule of four epochs
        stopped = make(cls, max_epochs=4).set_callbacks(StopAt(n)).fit(X, y)
        scores.append(stopped.score(X, y))
    model.set_callbacks(monitor).fit(X, y)
    assert [row["accuracy"] for row in rows_of_epochs(monitor)] == scores
    whole = monitor.get_logs().data[0]
    assert whole["task_name"] == "fit"
    assert whole["accuracy"] == model.score(X, y) == scores[-1]


class StopAt:
    """Stop after an epoch."""

    def __init__(self, epoch):
        self.epoch = epoch

    def setup(self, estimator, context): ...

    def teardown(self, estimator, context): ...

    def on_fit_task_begin(self, estimator, context): ...

    def on_fit_task_end(self, estimator, context):
        return context.task_name == "epoch" and context.task_id == self.epoch - 1


def test_scores_count_sample_weights(cls, monitor):
    X, y = draw()
    y = np.where(np.arange(24) < 12, y, 2 - y)  # which cannot be learned
    weights = np.random.RandomState(0).rand(24)
    model = make(cls).set_callbacks(monitor).fit(X, y, sample_weight=weights)
    score = monitor.get_logs().data[0]["accuracy"]
    assert score == pytest.approx(model.score(X, y, weights), rel=1e-9)
    assert score != pytest.approx(model.score(X, y), rel=1e-3)


def test_scores_of_several_kinds(cls):
    X, y = draw(n_classes=2)
    named = callback.ScoringMonitor(scoring=["roc_auc", "neg_log_loss"])
    mine = callback.ScoringMonitor(scoring={"n": lambda model, X, y: model.n_iter_})
    model = make(cls).set_callbacks(named, mine).fit(X, y)
    assert [row["n"] for row in rows_of_epochs(mine)] == [1, 2, 3]
    proba = model.predict_proba(X)[np.arange(24), y]
    row = rows_of_epochs(named)[-1]
    assert row["neg_log_loss"] == pytest.approx(np.log(proba).mean(), rel=1e-6)
    assert row["roc_auc"] == roc_auc_score(y, model.decision_function(X))


def test_a_pipeline_shows_the_epochs(cls, bar, monitor, capsys):
    X, y = draw()
    pipeline = make_pipeline(
        StandardScaler(), ImageToSequence(), make(cls).set_callbacks(monitor)
    )
    pipeline.set_callbacks(bar).fit(flat(X), y)
    lines = [line for line in capsys.readouterr().out.splitlines() if "100%" in line]
    assert len(lines) == 4
    assert f"{cls.__name__} - fit" in lines[-1]
    assert len(rows_of_epochs(monitor)) == 3
    alone = make_pipeline(StandardScaler(), ImageToSequence(), make(cls))
    assert weights_equal(pipeline[-1], alone.fit(flat(X), y)[-1])


def test_a_pipeline_of_files(bar, capsys):
    X, y = draw(n=9)
    files = [Image.fromarray(image) for image in X]
    model = make_pipeline(ImageReader(), make(RNNImageClassifier))
    model.set_callbacks(bar).fit(files, y)
    assert "ImageReader - fit" in capsys.readouterr().out
    assert_array_equal(
        model.predict_proba(files), make(RNNImageClassifier).fit(X, y).predict_proba(X)
    )


def test_a_pipeline_of_clips(bar, capsys):
    X, y = draw_clips(n=6)
    files = []
    for clip in X:
        frames, file = [Image.fromarray(frame) for frame in clip], io.BytesIO()
        frames[0].save(file, "TIFF", save_all=True, append_images=frames[1:])
        files.append(file)
    model = make_pipeline(ClipReader(), make(RNNImageClassifier, scan="frames"))
    model.set_callbacks(bar).fit(files, y)
    assert "ClipReader - fit" in capsys.readouterr().out


def test_a_pipeline_of_a_classic_classifier(bar, capsys):
    X, y = draw()
    model = classic_classifiers(random_state=0)["Logistic regression"]
    model.set_callbacks(bar).fit(X, y)
    assert "FlatImages - fit" in capsys.readouterr().out


@pytest.mark.parametrize(
    "search, n_jobs", [(GridSearchCV, 2), (GridSearchCV, None), (RandomizedSearchCV, 1)]
)
def test_a_search_shows_its_candidates(search, n_jobs, bar, monitor, capfd):
    X, y = draw()
    classifier = make(RNNImageClassifier).set_callbacks(monitor)
    pipeline = make_pipeline(ImageToSequence(), classifier)
    cells = {"rnnimageclassifier__cell": ["gru", "lstm"]}
    options = {"n_iter": 2, "random_state": 0} if search is RandomizedSearchCV else {}
    model = search(pipeline, cells, cv=2, n_jobs=n_jobs, **options).set_callbacks(bar)
    model.fit(X, y)
    out, err = capfd.readouterr()
    n_fits = 2 * 2 + 1
    assert out.count("RNNImageClassifier - fit") == n_fits
    assert "Warning" not in err
    rows = rows_of_epochs(monitor)
    assert len(rows) == 3 * n_fits
    assert len({row["parent_task_id_path"] for row in rows}) == n_fits
    best = rows[-1]["accuracy"]
    assert best == model.best_estimator_.score(X, y)
