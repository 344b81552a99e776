"""The spaces that a random search draws from."""

import re

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV, ParameterSampler, RandomizedSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from sk_rnnimage import (
    CRNNImageClassifier,
    ImageReader,
    ImageToSequence,
    RNNImageClassifier,
    classic_classifiers,
    search_space,
)

X, Y = load_digits(return_X_y=True)
IMAGES = X[:60].reshape(-1, 8, 8)
CLASSIC = classic_classifiers(random_state=0)
QUICK = {"max_epochs": 1, "random_state": 0}
OURS = {
    "rnn": RNNImageClassifier(**QUICK),
    "crnn": CRNNImageClassifier(**QUICK),
    "control": CRNNImageClassifier(cell=None, **QUICK),
}


@pytest.mark.parametrize("name", CLASSIC)
def test_each_classic_rival_can_be_searched(name):
    rival = CLASSIC[name]
    search = RandomizedSearchCV(rival, search_space(rival), n_iter=2, random_state=0)
    if name == "MLP":
        search.set_params(estimator__mlpclassifier__tol=0.1)
    search.set_params(cv=2).fit(X[:200], Y[:200])
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


@pytest.mark.parametrize("name", OURS)
def test_each_value_of_ours_trains(name):
    """Each of a list once, and both ends of each distribution."""
    space = search_space(OURS[name])
    values = {
        key: list(of) if isinstance(of, list) else [float(of.ppf(p)) for p in (0, 1)]
        for key, of in space.items()
    }
    for i in range(max(map(len, values.values()))):
        params = {key: of[i % len(of)] for key, of in values.items()}
        model = clone(OURS[name]).set_params(**params).fit(IMAGES, Y[:60])
        assert np.isfinite(model.predict_proba(IMAGES)).all()


def test_what_is_not_at_its_default_is_not_searched():
    """A name such as "no recurrence" would lie after the search."""
    everything = set(search_space(CRNNImageClassifier()))
    assert everything == {
        "augment",
        "cell",
        "dropout",
        "filters",
        "hidden_size",
        "learning_rate",
        "pooling",
        "weight_decay",
    }
    control = CRNNImageClassifier(cell=None, filters=(8,), max_epochs=3)
    assert set(search_space(control)) == everything - {"cell", "filters"}
    assert "scan" in search_space(RNNImageClassifier())
    clips = RNNImageClassifier(scan="frames", augment=None)
    assert not {"scan", "augment"} & set(search_space(clips))


def test_the_defaults_of_the_classics_are_inside():
    """But for the 90 % of the variance, all of which the space has too."""
    space = search_space(CLASSIC["SVC"])
    assert list(space) == ["svc__C", "svc__gamma"]
    assert space["svc__C"].cdf(10) == pytest.approx(0.5, abs=0.05)
    low, high = search_space(CLASSIC["PCA + SVC"])["pca__n_components"].support()
    assert 0 < low < 0.9 < high < 1
    assert "pca__n_components" not in search_space(make_pipeline(PCA(9), SVC()))


def test_steps_of_ours_in_a_pipeline():
    reader = make_pipeline(ImageReader((8, 8)), CRNNImageClassifier())
    ours = search_space(CRNNImageClassifier())
    assert set(search_space(reader)) == {f"crnnimageclassifier__{key}" for key in ours}


def test_sequences_are_no_pictures():
    pipeline = make_pipeline(ImageToSequence(), RNNImageClassifier(**QUICK))
    space = search_space(pipeline)
    assert space["imagetosequence__scan"] == ["rows", "columns"]
    assert not {"rnnimageclassifier__scan", "rnnimageclassifier__augment"} & set(space)
    pipeline.set_params(imagetosequence__patch_size=4)
    assert "hilbert" in search_space(pipeline)["imagetosequence__scan"]
    pipeline.set_params(imagetosequence__scan="hilbert")
    assert "imagetosequence__scan" not in search_space(pipeline)
    params = next(iter(ParameterSampler(space, 1, random_state=0)))
    model = make_pipeline(ImageToSequence(), RNNImageClassifier(**QUICK))
    assert model.set_params(**params).fit(IMAGES, Y[:60]).predict(IMAGES).shape == (60,)


def test_a_calibrated_classifier_is_searched_inside():
    calibrated = CalibratedClassifierCV(CLASSIC["SVC"])
    assert list(search_space(calibrated)) == [
        "estimator__svc__C",
        "estimator__svc__gamma",
    ]


def test_each_call_gives_a_space_of_its_own():
    search_space(SVC()).clear()
    assert search_space(SVC())


@pytest.mark.parametrize(
    "estimator, name, reason",
    [
        (GaussianNB(), "GaussianNB", "is not among these"),
        (make_pipeline(PCA(), GaussianNB()), "GaussianNB", "is not among these"),
        (GridSearchCV(SVC(), {}), "GridSearchCV", "is a search already"),
        (SVC, "ABCMeta", "is not among these"),
        (None, "NoneType", "is not among these"),
    ],
)
def test_what_has_no_space_is_refused(estimator, name, reason):
    known = (
        "CRNNImageClassifier, HistGradientBoostingClassifier, KNeighborsClassifier, "
        "LogisticRegression, MLPClassifier, RNNImageClassifier, "
        "RandomForestClassifier, SVC"
    )
    message = (
        f"estimator must be one of {known}, or a pipeline that ends in one. Got "
        f"{name}, which {reason}. Write the space of a RandomizedSearchCV for it by "
        "hand."
    )
    with pytest.raises(TypeError, match=re.escape(message)):
        search_space(estimator)
