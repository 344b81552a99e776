"""scikit-learn's tools around the classifiers."""

import joblib
import numpy as np
import pytest
import sklearn
import torch
from conftest import draw, make, weights_equal
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    TunedThresholdClassifierCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.tree import DecisionTreeClassifier

from sk_rnnimage import CRNNImageClassifier, ImageToSequence, RNNImageClassifier


def learner(cls, **parameters):
    """A small classifier that learns the small images well."""
    return make(cls, **({"max_epochs": 20, "learning_rate": 0.02} | parameters))


@pytest.fixture
def images():
    return draw(n=48, shape=(6, 7, 3))


@pytest.fixture
def flat_images():
    X, y = draw(n=48)
    return X.reshape(48, 64), y


@pytest.mark.parametrize("shape", [(8, 8), (6, 7, 3)], ids=str)
def test_pipeline(cls, shape):
    X, y = draw(n=48, shape=shape)
    model = make_pipeline(FunctionTransformer(lambda X: 255 - X), learner(cls))
    assert model.fit(X, y).score(X, y) > 0.9
    alone = learner(cls).fit(255 - X, y)
    assert_array_equal(model.predict_proba(X), alone.predict_proba(255 - X))
    assert_array_equal(model[:-1].transform(X), 255 - X)


def test_pipeline_with_the_transformer(images):
    X, y = images
    model = Pipeline(
        [
            ("read", ImageToSequence("snake", patch_size=2)),
            ("classify", learner(RNNImageClassifier, scan="rows")),
        ]
    )
    model.set_params(read__scan="hilbert", classify__cell="gru")
    assert model.fit(X, y).score(X, y) > 0.7
    n_steps, step_size = model["read"].n_steps_, model["read"].step_size_
    assert model["classify"].image_shape_ == (n_steps, step_size)


def test_cross_validation(cls, images):
    X, y = images
    scores = cross_val_score(learner(cls), X, y, cv=3)
    assert scores.shape == (3,)
    assert scores.min() > 0.7
    proba = cross_val_predict(learner(cls), X, y, cv=3, method="predict_proba")
    assert proba.shape == (48, 3)
    assert (proba.argmax(1) == y).mean() == pytest.approx(scores.mean())
    result = cross_validate(
        learner(cls), X, y, cv=3, return_estimator=True, return_train_score=True
    )
    assert_array_equal(result["test_score"], scores)
    assert [type(model) for model in result["estimator"]] == [cls] * 3


def grid():
    reader = make_pipeline(
        ImageToSequence("hilbert", patch_size=2),
        learner(RNNImageClassifier, scan="rows"),
    )
    return reader, {
        "imagetosequence__scan": ["rows", "hilbert"],
        "rnnimageclassifier__max_epochs": [1, 20],
    }


def test_grid_search_in_nested_names():
    X, y = draw(n=48)
    search = GridSearchCV(*grid(), cv=2).fit(X, y)
    assert search.best_params_["rnnimageclassifier__max_epochs"] == 20
    assert search.best_score_ > 0.7
    assert search.score(X, y) > 0.9
    assert len(search.cv_results_["params"]) == 4


@pytest.fixture
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_two_jobs_score_as_one(one_thread):
    X, y = draw(n=24)
    found = []
    for n_jobs in (1, 2):
        reader, choices = grid()
        choices["rnnimageclassifier__max_epochs"] = [3]
        with joblib.parallel_config("loky", inner_max_num_threads=1):
            search = GridSearchCV(reader, choices, cv=2, n_jobs=n_jobs).fit(X, y)
        found.append(search)
    for name, values in found[0].cv_results_.items():
        if "score" in name and "time" not in name:
            assert_array_equal(found[1].cv_results_[name], values)
    assert weights_equal(*(search.best_estimator_[-1] for search in found))


def test_randomized_search(cls, images):
    X, y = images
    choices = {"learning_rate": [1e-9, 0.02], "cell": ["lstm", "gru", None]}
    search = RandomizedSearchCV(learner(cls), choices, n_iter=5, cv=2, random_state=0)
    search.fit(X, y)
    assert search.best_params_["learning_rate"] == 0.02
    assert search.score(X, y) > 0.9


def test_halving_search_over_epochs(cls):
    X, y = draw(n=36)
    search = HalvingGridSearchCV(
        learner(cls),
        {"learning_rate": [1e-9, 1e-8, 0.02]},
        resource="max_epochs",
        min_resources=8,
        max_resources=24,
        cv=2,
        random_state=0,
    ).fit(X, y)
    assert search.n_resources_ == [8, 24]
    assert search.best_params_ == {"learning_rate": 0.02, "max_epochs": 24}
    assert search.best_estimator_.n_iter_ == 24
    assert search.score(X, y) > 0.9


def test_stacking(images):
    X, y = images
    members = [
        ("rnn", learner(RNNImageClassifier)),
        ("crnn", learner(CRNNImageClassifier)),
    ]
    model = StackingClassifier(members, LogisticRegression(), cv=2).fit(X, y)
    assert model.score(X, y) > 0.9
    assert model.transform(X).shape == (48, 6)


@pytest.mark.parametrize("voting", ["soft", "hard"])
def test_voting(images, voting):
    X, y = images
    names = np.array(["cat", "ape", "dog"])[y]
    members = [
        ("rnn", learner(RNNImageClassifier)),
        ("crnn", learner(CRNNImageClassifier)),
    ]
    model = VotingClassifier(members, voting=voting).fit(X, names)
    assert model.score(X, names) > 0.9
    if voting == "soft":
        both = [member.predict_proba(X) for member in model.estimators_]
        assert_allclose(model.predict_proba(X), np.mean(both, axis=0))


def test_voting_beside_a_flat_rival(flat_images, cls):
    X, y = flat_images
    members = [("net", learner(cls)), ("tree", DecisionTreeClassifier())]
    assert VotingClassifier(members).fit(X, y).score(X, y) > 0.9


def test_bagging(cls, flat_images):
    X, y = flat_images
    model = BaggingClassifier(learner(cls), n_estimators=3, random_state=0).fit(X, y)
    assert model.score(X, y) > 0.9
    assert {m.image_shape_ for m in model.estimators_} == {(8, 8)}
    one, two, _ = model.estimators_
    assert not weights_equal(one, two)


def test_ada_boost(cls, flat_images):
    X, y = flat_images
    model = AdaBoostClassifier(
        learner(cls, max_epochs=4, random_state=None), n_estimators=3, random_state=0
    ).fit(X, y)
    assert len(model.estimators_) >= 1
    assert model.score(X, y) > 0.7


def test_one_versus_rest(cls, images):
    X, y = images
    model = OneVsRestClassifier(learner(cls)).fit(X, y)
    assert model.score(X, y) > 0.9
    assert [len(m.classes_) for m in model.estimators_] == [2, 2, 2]


@pytest.mark.parametrize("ensemble", [True, False])
def test_calibration(cls, images, ensemble):
    X, y = images
    model = CalibratedClassifierCV(learner(cls), cv=2, ensemble=ensemble).fit(X, y)
    assert model.score(X, y) > 0.9
    assert_allclose(model.predict_proba(X).sum(1), 1)


def test_tuned_threshold(cls, images):
    X, y = images
    rare = (y == 0).astype(int)
    model = TunedThresholdClassifierCV(learner(cls), cv=2, scoring="f1").fit(X, rare)
    assert 0 < model.best_threshold_ < 1
    assert model.best_score_ > 0.7
    assert model.score(X, rare) > 0.9


def test_self_training(cls, flat_images):
    X, y = flat_images
    partly = np.where(np.arange(48) < 24, y, -1)
    model = SelfTrainingClassifier(learner(cls), threshold=0.5, max_iter=3)
    model.fit(X, partly)
    assert (model.transduction_ != -1).sum() > 24
    assert model.score(X, y) > 0.9


def test_permutation_importance(cls):
    X = np.random.RandomState(0).randint(0, 255, (80, 9))
    y = X[:, 7] > 128  # one pixel says it all
    model = learner(cls, image_shape=(3, 3), batch_size=16).fit(X, y)
    assert model.score(X, y) > 0.9
    found = permutation_importance(model, X, y, n_repeats=2, random_state=0)
    assert found.importances_mean.argmax() == 7
    assert found.importances_mean[7] > 0.2


# Metadata routing


def test_sample_weight_is_routed(cls, images):
    X, y = images
    weights = (y != 2).astype(float) * (1 + np.arange(48) % 3)
    with sklearn.config_context(enable_metadata_routing=True):
        model = make_pipeline(
            FunctionTransformer(lambda X: 255 - X),
            learner(cls)
            .set_fit_request(sample_weight=True)
            .set_score_request(sample_weight=True),
        ).set_score_request(sample_weight=True)  # needed before scikit-learn 1.8
        model.fit(X, y, sample_weight=weights)
        search = GridSearchCV(model, {f"{cls.__name__.lower()}__max_epochs": [2]}, cv=2)
        search.fit(X, y, sample_weight=weights)
    alone = learner(cls).fit(255 - X, y, sample_weight=weights)
    assert weights_equal(model[-1], alone)
    assert_array_equal(search.classes_, [0, 1])


def test_unasked_weights_are_refused(cls, images):
    X, y = images
    with sklearn.config_context(enable_metadata_routing=True):
        model = make_pipeline(FunctionTransformer(), learner(cls))
        with pytest.raises(sklearn.exceptions.UnsetMetadataPassedError):
            model.fit(X, y, sample_weight=np.ones(48))


def test_validation_images_go_through_the_pipeline(images):
    X, y = images
    X_val, y_val = draw(n=20, shape=X.shape[1:], seed=1)
    reader = ImageToSequence("hilbert", patch_size=(2, 1))
    settings = {"scan": "rows", "early_stopping": True, "n_iter_no_change": 2}
    net = learner(RNNImageClassifier, **settings)
    with sklearn.config_context(enable_metadata_routing=True):
        net.set_fit_request(X_val=True, y_val=True)
        model = make_pipeline(reader, net, transform_input=["X_val"])
        model.fit(X, y, X_val=X_val, y_val=y_val)
    alone = learner(RNNImageClassifier, **settings).fit(
        reader.transform(X), y, X_val=reader.transform(X_val), y_val=y_val
    )
    assert weights_equal(model[-1], alone)
    assert model[-1].history_[0]["valid_loss"] == alone.history_[0]["valid_loss"]
    assert model[-1].best_epoch_ == alone.best_epoch_
