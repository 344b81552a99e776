import pickle
import re

import joblib
import numpy as np
import pytest
from joblib.parallel import ThreadingBackend
from scipy import stats
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits
from sklearn.dummy import DummyClassifier
from sklearn.impute import SimpleImputer
from sklearn.metrics import f1_score, log_loss, make_scorer
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    cross_val_score,
    cross_validate,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from sk_rnnimage import (
    CRNNImageClassifier,
    ImageToSequence,
    RNNImageClassifier,
    classic_classifiers,
    compare_classifiers,
)
from sk_rnnimage.comparison import (
    Comparison,
    _correct_by_holm,
    _FlatImages,
    _test_folds,
    _test_images,
)

X, Y = load_digits(return_X_y=True)
IMAGES = X.reshape(-1, 8, 8)


def comparison_of(scores, n_test=100, scoring="accuracy", correct=None):
    """A comparison with these scores; names tell the kinds."""
    classifiers = {
        name: RNNImageClassifier(cell=None if "control" in name else "lstm")
        if "RNN" in name
        else DummyClassifier()
        if "dummy" in name
        else GaussianNB()
        for name in scores
    }
    found = {
        name: {
            "test_score": np.array(values),
            "fit_time": np.full(len(values), 2.0 if "RNN" in name else 0.1),
            "score_time": np.full(len(values), 0.5),
        }
        if not isinstance(values, Exception)
        else {"error": values}
        for name, values in scores.items()
    }
    for name, images in (correct or {}).items():
        found[name]["correct"] = images
    n_folds = max(np.size(values) for values in scores.values())
    n_train = n_test * max(1, n_folds - 1)
    splits = [(np.arange(n_train), np.arange(n_test))] * n_folds
    return Comparison(classifiers, found, splits, scoring)


def split_comparison_of(**correct):
    """A comparison on one split by which images each got right."""
    correct = {name: np.array(images) for name, images in correct.items()}
    scores = {name: [images.mean()] for name, images in correct.items()}
    n_test = len(next(iter(correct.values())))
    return comparison_of(scores, n_test=n_test, correct=correct)


@pytest.mark.parametrize("name", classic_classifiers())
def test_each_rival_is_fair_at_any_scale_and_layout(name):
    rival = classic_classifiers(random_state=0)[name]
    grey = (IMAGES * 15).astype(np.uint8)
    fitted = clone(rival).fit(grey[:1200], Y[:1200])
    predicted = fitted.predict(grey[1200:])
    assert (predicted == Y[1200:]).mean() > 0.88
    flat = clone(rival).fit(grey[:1200].reshape(1200, -1), Y[:1200])
    np.testing.assert_array_equal(
        predicted, flat.predict(grey[1200:].reshape(len(grey) - 1200, -1))
    )
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(predicted, again.predict(grey[1200:]))


@pytest.mark.parametrize("name", classic_classifiers())
def test_each_rival_takes_few_small_images_in_colour(name):
    rng = np.random.RandomState(0)
    tiny = rng.randint(0, 120, (30, 2, 3, 3)).astype(np.uint8)
    tiny[15:] += 130
    labels = np.repeat(["dark", "light"], 15)
    rival = classic_classifiers(random_state=0)[name]
    if name == "Gradient boosting":  # wants 20 images a leaf
        tiny, labels = np.tile(tiny, (4, 1, 1, 1)), np.tile(labels, 4)
    assert rival.fit(tiny, labels).score(tiny, labels) == 1


def test_all_are_scored_on_the_folds_that_cross_val_score_has():
    rivals = {"nb": GaussianNB(), "knn": KNeighborsClassifier()}
    result = compare_classifiers(rivals, X, Y, cv=3, random_state=4)
    folds = StratifiedKFold(3, shuffle=True, random_state=4)
    assert result.results["name"].tolist() == ["knn", "nb"]
    for place, name in enumerate(result.results["name"]):
        expected = cross_val_score(rivals[name], X, Y, cv=folds)
        np.testing.assert_array_equal(result.split_scores[place], expected)
        assert result.results["mean_test_score"][place] == expected.mean()
        assert result.results["std_test_score"][place] == expected.std()
    assert (result.results["mean_fit_time"] > 0).all()
    assert (result.results["mean_score_time"] > 0).all()


def test_cv_may_be_a_splitter_or_one_split():
    split = (np.arange(1200), np.arange(1200, len(Y)))
    one = compare_classifiers([GaussianNB()], X, Y, cv=[split])
    expected = GaussianNB().fit(X[:1200], Y[:1200]).score(X[1200:], Y[1200:])
    assert one.split_scores.tolist() == [[expected]]
    assert one.test_sizes == [597]
    two = compare_classifiers([GaussianNB()], X, Y, cv=KFold(2))
    expected = cross_val_score(GaussianNB(), X, Y, cv=KFold(2))
    np.testing.assert_array_equal(two.split_scores, [expected])


class Threads(ThreadingBackend):
    """Threads, which start faster than processes, and how many were asked for."""

    def __init__(self):
        super().__init__()
        self.asked = set()

    def effective_n_jobs(self, n_jobs):
        self.asked.add(n_jobs)
        return super().effective_n_jobs(n_jobs)


def test_scoring_and_jobs_are_passed_on():
    threads = Threads()
    with joblib.parallel_config(threads):
        result = compare_classifiers(
            {"nb": GaussianNB()}, X, Y, cv=KFold(2), scoring="neg_log_loss", n_jobs=2
        )
    assert threads.asked == {2}
    expected = cross_val_score(GaussianNB(), X, Y, cv=KFold(2), scoring="neg_log_loss")
    np.testing.assert_array_equal(result.split_scores, [expected])
    assert result.scoring == "neg_log_loss"


def test_a_list_is_named_after_its_classes():
    pipeline = make_pipeline(ImageToSequence(), DummyClassifier())
    rivals = [GaussianNB(), GaussianNB(var_smoothing=0.1), pipeline]
    result = compare_classifiers(rivals, X[:100], Y[:100], cv=KFold(2))
    names = {"GaussianNB", "GaussianNB 2", "DummyClassifier"}
    assert set(result.results["name"]) == names


def test_kinds_are_seen_through_pipelines_and_searches():
    rivals = {
        "recurrent": make_pipeline(ImageToSequence(), RNNImageClassifier()),
        "control": GridSearchCV(CRNNImageClassifier(cell=None), {}),
        "classic": make_pipeline(ImageToSequence(), GaussianNB()),
    }
    found = {
        name: {k: np.zeros(2) for k in ("test_score", "fit_time", "score_time")}
        for name in rivals
    }
    splits = [(np.arange(9), np.arange(9))] * 2
    results = Comparison(rivals, found, splits, "accuracy").results
    assert results["kind"].tolist() == results["name"].tolist()


def test_the_table_has_the_best_first_within_80_columns():
    found = comparison_of({"A": [0.5, 0.7], "CRNN": [0.9, 0.8], "B" * 33: [0.8, 0.8]})
    lines = found.table().splitlines()
    assert [line.split()[0][0] for line in lines[1:]] == ["C", "B", "A"]
    assert lines[1].split() == ["CRNN", "0.8500", "0.0500", "2.00", "0.50"]
    assert {len(line) for line in lines} == {len(lines[0])}
    assert len(lines[0]) < 80
    table, verdict = str(found).split("\n\n")
    assert table == found.table()
    assert verdict.replace("\n", " ") == found.verdict
    assert max(map(len, verdict.splitlines())) < 80


@pytest.mark.parametrize(
    "scores, verdict",
    [
        (
            {
                "RNN": [0.95, 0.94, 0.96],
                "A": [0.90, 0.90, 0.91],
                "RNN control": [0.9] * 3,
            },
            "RNN (best recurrent) beats A (best classic) by 4.67 points (corrected "
            "t-test over 3 folds, p = 0.013). RNN takes 20 times as long to fit as A. "
            "The best network without recurrence scores 0.9000, 5.00 points less than "
            "the best with it.",
        ),
        (
            {"RNN": [0.90, 0.94], "A": [0.96, 0.92], "RNN control": [0.96, 0.92]},
            "A (best classic) is level with RNN (best recurrent): a lead of 2.00 "
            "points may be chance (corrected t-test over 2 folds, p = 0.821). RNN "
            "takes 20 times as long to fit as A. The best network without recurrence "
            "scores 0.9400, 2.00 points more than the best with it.",
        ),
        (
            {"B": [0.75, 0.5], "A": [0.5, 0.75]},
            "B and A score the same. A takes 1.0 times as long to fit as B.",
        ),
        (
            {"RNN": [0.5, 0.5], "RNN control": [0.5, 0.50001], "A": [0.5, 0.50001]},
            "A (best classic) and RNN (best recurrent) score the same. RNN takes 20 "
            "times as long to fit as A. The best network without recurrence scores "
            "0.5000, as much as the best with it.",
        ),
        ({"A": [0.5, 0.75]}, "A was compared with nobody."),
        ({"A": [0.5], "dummy": [0.6]}, "A was compared with nobody."),
        ({"dummy": [0.6]}, "dummy was compared with nobody."),
    ],
)
def test_the_verdict_says_who_wins(scores, verdict):
    assert comparison_of(scores).verdict == verdict


def test_one_split_is_judged_by_the_images():
    verdict = split_comparison_of(
        A=[True] * 89 + [False] * 11,
        B=[True] * 80 + [False] * 9 + [True] + [False] * 10,
    ).verdict
    assert verdict.startswith(
        "A beats B by 8.00 points (McNemar's test of these two fits on 100 images, "
        "p = 0.021)."
    )
    verdict = split_comparison_of(A=[True] * 9, B=[True] * 6 + [False] * 3).verdict
    assert verdict.startswith("A is level with B: a lead of 33.33 points may be chance")


def test_one_split_of_another_score_has_no_test():
    found = comparison_of({"RNN": [-0.5], "A": [-0.25]}, scoring="neg_log_loss")
    assert found.verdict.startswith(
        "A (best classic) scores 0.2500 more than RNN (best recurrent), untested: on "
        "one split only the accuracy has a test."
    )


def test_the_tests_by_hand():
    differences = np.array([0.01, 0.03, 0.02])
    t = 0.02 / np.sqrt((1 / 3 + 1 / 2) * 0.0001)
    expected = 2 * (1 - stats.t(df=2).cdf(t))
    assert _test_folds(differences, 1 / 2, step=0.001) == pytest.approx(expected)
    # of 10 images that one of two gets right, 1 or 9: (1 + 10 + 10 + 1) / 2 ** 10
    one = np.array([True] * 9 + [False] + [True] * 5)
    other = np.array([False] * 9 + [True] + [True] * 5)
    assert _test_images(one, other) == pytest.approx(22 / 1024)
    assert _test_images(one, one) == 1
    corrected = _correct_by_holm([0.01, 0.04, 0.03])
    np.testing.assert_allclose(corrected, [0.03, 0.06, 0.06])
    np.testing.assert_allclose(_correct_by_holm([0.9, 0.6]), [1, 1])


def test_equal_differences_are_no_certainty():
    """Two folds that agree by chance, one image ahead on each."""
    assert _test_folds(np.array([0.01, 0.01]), 1, step=0.01) > 0.3
    assert _test_folds(np.array([0.5] * 5), 0.25, step=0.01) < 0.001


def verdicts_of_equals(n_folds, names, n=200, n_images=300):
    """Verdicts on classifiers that differ in luck alone, of the fits and the images."""
    rng = np.random.RandomState(0)
    n_test = n_images // n_folds
    for _ in range(n):
        chances = 0.85 + 0.02 * rng.randn(len(names), n_folds)
        scores = rng.binomial(n_test, chances) / n_test
        yield comparison_of(dict(zip(names, scores)), n_test=n_test).verdict


@pytest.mark.parametrize("names", ["AB", ["RNN", *"ABCDEFG"]], ids=["two", "many"])
@pytest.mark.parametrize("n_folds", [2, 3, 5, 10])
def test_equals_seldom_beat_each_other(n_folds, names):
    verdicts = list(verdicts_of_equals(n_folds, names))
    assert sum(" beats " in verdict for verdict in verdicts) <= 0.05 * len(verdicts)
    assert sum(" level with " in verdict for verdict in verdicts) > 0.8 * len(verdicts)


@pytest.mark.parametrize("names", ["AB", ["RNN", *"ABCDEFG"]], ids=["two", "many"])
def test_equals_seldom_beat_each_other_on_one_split(names):
    rng, n_wins = np.random.RandomState(0), 0
    for _ in range(200):
        correct = {name: rng.rand(300) < 0.85 for name in names}
        n_wins += " beats " in split_comparison_of(**correct).verdict
    assert n_wins <= 0.05 * 200


def test_who_is_better_beats():
    rng = np.random.RandomState(0)
    scores = {"RNN": 0.95 + 0.01 * rng.randn(5)}
    scores |= {name: 0.85 + 0.01 * rng.randn(5) for name in "ABCDEFG"}
    assert comparison_of(scores).verdict.startswith("RNN (best recurrent) beats ")


def test_the_best_of_several_is_held_to_more():
    """As the only one A would beat RNN; as the best of three it may be by chance."""
    scores = {"RNN": [0.9, 0.9, 0.9], "A": [0.95, 0.94, 0.93]}
    assert " beats " in comparison_of(scores).verdict
    scores |= {"B": [0.88, 0.93, 0.93], "C": [0.93, 0.90, 0.88]}
    verdict = comparison_of(scores).verdict
    assert verdict.startswith("A (best classic) is level with RNN (best recurrent): ")
    assert "Holm-corrected p = 0." in verdict
    # the best of its kind is the hardest to beat: its choice costs nothing
    scores = {"RNN": [0.95, 0.94, 0.93], "A": [0.9, 0.9, 0.9], "B": [0.9, 0.88, 0.7]}
    assert comparison_of(scores).verdict.startswith("RNN (best recurrent) beats A")


def test_a_baseline_takes_no_part():
    scores = {"A": [0.5, 0.6], "dummy": [0.9, 0.9], "B": [0.4, 0.6]}
    found = comparison_of(scores)
    assert found.results["kind"].tolist() == ["baseline", "classic", "classic"]
    assert found.verdict.startswith("A is level with B: ")


class Fails(GaussianNB):
    """Raises at this fit of all that were made."""

    n_fits = 0

    def __init__(self, at=0, error=ValueError):
        super().__init__()
        self.at = at
        self.error = error

    def fit(self, X, y):
        Fails.n_fits += 1
        if Fails.n_fits > self.at:
            raise self.error("no such luck\nin two lines")
        return super().fit(X, y)


@pytest.fixture(autouse=True)
def no_fits():
    Fails.n_fits = 0


@pytest.mark.parametrize("at", [0, 1], ids=["each fold", "second fold"])
def test_a_failure_is_a_row_and_the_others_go_on(at):
    rivals = {"bad": Fails(at), "nb": GaussianNB(), "knn": KNeighborsClassifier()}
    found = compare_classifiers(rivals, X, Y, cv=KFold(2))
    assert found.results["name"].tolist() == ["knn", "nb", "bad"]
    assert found.results["error"].tolist() == ["", "", "ValueError: no such luck"]
    for key, values in found.results.items():
        if key not in ("name", "kind", "error"):
            assert np.isfinite(values[:2]).all()
            assert np.isnan(values[2])
    row = found.table().splitlines()[-1]
    assert row == "bad         failed: ValueError: no such luck"
    assert found.verdict.startswith("knn ")
    assert found.verdict.endswith(" bad failed: ValueError: no such luck.")


def test_a_long_error_is_cut_in_the_row_and_whole_below():
    error = ValueError("the reason is told at such a length that no table has room")
    found = comparison_of({"A": [0.5, 0.5], "bad": error})
    lines = found.table().splitlines()
    assert lines[-1].endswith("failed: ValueError: the reason is ...")
    assert max(map(len, lines)) == len(lines[0])
    assert (
        found.verdict == f"A was compared with nobody. bad failed: ValueError: {error}."
    )


def test_where_all_fail_the_first_error_is_raised():
    rivals = {
        "majority": DummyClassifier(),
        "one": Fails(error=TypeError),
        "two": Fails(),
    }
    with pytest.raises(TypeError, match="^one: no such luck"):
        compare_classifiers(rivals, X, Y, cv=2)
    rivals = {"one": Fails(error=lambda text: OSError(2, text))}
    with pytest.raises(OSError, match="no such luck") as caught:
        compare_classifiers(rivals, X, Y, cv=2)
    assert caught.value.__notes__ == ["The classifier was 'one'."]


def test_ctrl_c_is_no_failure():
    with pytest.raises(KeyboardInterrupt):
        compare_classifiers([Fails(error=KeyboardInterrupt), GaussianNB()], X, Y, cv=2)


def test_a_score_that_is_no_number_is_a_failure():
    def score(estimator, X, y):
        return np.nan if len(X) == 599 else 0.5

    found = compare_classifiers({"nb": GaussianNB()}, X[:1199], Y[:1199], cv=KFold(3))
    assert found.results["error"].tolist() == [""]
    with pytest.raises(ValueError, match="nb: The score is NaN on 1 of 2 folds"):
        compare_classifiers(
            {"nb": GaussianNB()}, X[:1199], Y[:1199], cv=KFold(2), scoring=score
        )
    with pytest.raises(TypeError, match="scoring must return one number"):
        compare_classifiers([GaussianNB()], X, Y, scoring=lambda *_: {"a": 1, "b": 2})


@pytest.mark.parametrize("name", classic_classifiers())
def test_each_rival_takes_missing_pixels(name):
    images = IMAGES.copy()
    images[np.random.RandomState(0).rand(*images.shape) < 0.1] = np.nan
    images[:, 3, 4] = np.nan  # in all images
    rival = classic_classifiers(random_state=0)[name]
    assert rival.fit(images[:1200], Y[:1200]).score(images[1200:], Y[1200:]) > 0.8
    # missing for the first time after fit
    assert rival.fit(IMAGES[:1200], Y[:1200]).score(images[1200:], Y[1200:]) > 0.7


@pytest.mark.parametrize("scale", [False, True])
def test_a_missing_pixel_gets_the_mean_of_that_pixel(scale):
    images = X.copy()
    images[np.random.RandomState(0).rand(*images.shape) < 0.1] = np.nan
    expected = SimpleImputer().fit(images[:900]).transform(images[900:])
    images[:, 5] = np.nan
    expected[:, 5] = np.nanmean(images[:900])
    flatten = _FlatImages(scale=scale).fit(images[:900])
    if scale:
        expected -= np.nanmean(images[:900])
        expected /= np.nanstd(images[:900])
    given = images.copy()
    np.testing.assert_allclose(flatten.transform(given[900:]), expected, atol=1e-5)
    np.testing.assert_array_equal(given, images)


def test_an_svc_gets_probabilities_where_the_score_needs_them():
    rivals = {"svc": SVC(), "nb": GaussianNB()}
    arguments = {"cv": KFold(2), "scoring": "neg_log_loss"}
    found = compare_classifiers(rivals, X, Y, **arguments)
    calibrated = CalibratedClassifierCV(SVC(), ensemble=False)
    for i, name in enumerate(found.results["name"]):
        rival = calibrated if name == "svc" else GaussianNB()
        np.testing.assert_array_equal(
            found.split_scores[i], cross_val_score(rival, X, Y, **arguments)
        )
    assert found.results["kind"].tolist() == ["classic", "classic"]


@pytest.mark.parametrize("name", classic_classifiers())
def test_each_rival_has_the_scores_of_probabilities(name):
    rival = {name: classic_classifiers(random_state=0)[name]}
    scoring = ["roc_auc_ovr", "neg_log_loss"]
    found = compare_classifiers(rival, IMAGES[:500], Y[:500], cv=2, scoring=scoring)
    assert found.results["mean_test_roc_auc_ovr"][0] > 0.95
    assert -1 < found.results["mean_test_neg_log_loss"][0] < 0


def test_only_scores_of_probabilities_change_the_classifier():
    split = [(np.arange(1200), np.arange(1200, 1797))]
    plain = SVC().fit(X[:1200], Y[:1200])
    found = compare_classifiers([SVC()], X, Y == 3, cv=split, scoring="roc_auc")
    expected = cross_val_score(SVC(), X, Y == 3, cv=split, scoring="roc_auc")
    assert found.split_scores[0] == expected
    found = compare_classifiers([SVC()], X, Y, cv=split)
    assert found.split_scores[0] == plain.score(X[1200:], Y[1200:])
    scorer = make_scorer(
        log_loss, greater_is_better=False, response_method="predict_proba"
    )
    own = compare_classifiers([SVC()], X, Y, cv=split, scoring=scorer)
    named = compare_classifiers([SVC()], X, Y, cv=split, scoring="neg_log_loss")
    assert own.split_scores == named.split_scores


TWO = np.where(Y < 5, "low", "high")


@pytest.mark.parametrize(
    "scoring",
    [
        "f1",
        "precision",
        "recall",
        "jaccard",
        "average_precision",
        "neg_brier_score",
        "roc_auc",
    ],
)
def test_scores_of_one_class_take_string_labels(scoring):
    arguments = {"cv": KFold(2), "scoring": scoring}
    found = compare_classifiers([GaussianNB()], X, TWO, **arguments)
    expected = cross_val_score(GaussianNB(), X, (TWO == "low").astype(int), **arguments)
    np.testing.assert_allclose(found.split_scores[0], expected)


def test_the_class_labelled_1_stays_the_positive_one():
    labels = np.where(Y < 5, 1, 2)
    found = compare_classifiers([GaussianNB()], X, labels, cv=KFold(2), scoring="f1")
    expected = cross_val_score(GaussianNB(), X, labels, cv=KFold(2), scoring="f1")
    np.testing.assert_array_equal(found.split_scores[0], expected)


def test_groups_keep_together():
    groups = np.arange(len(Y)) // 20
    rivals = {"knn": KNeighborsClassifier()}
    found = compare_classifiers(rivals, X, Y, cv=GroupKFold(3), groups=groups)
    expected = cross_val_score(rivals["knn"], X, Y, cv=GroupKFold(3), groups=groups)
    np.testing.assert_array_equal(found.split_scores[0], expected)
    found = compare_classifiers(rivals, X, Y, cv=3, groups=groups, random_state=4)
    folds = StratifiedGroupKFold(3, shuffle=True, random_state=4)
    expected = cross_val_score(rivals["knn"], X, Y, cv=folds, groups=groups)
    np.testing.assert_array_equal(found.split_scores[0], expected)


@pytest.mark.parametrize(
    "scoring",
    [
        ("f1_macro", "accuracy"),
        ["f1_macro", "accuracy"],
        {"f1_macro": make_scorer(f1_score, average="macro"), "accuracy": "accuracy"},
    ],
)
def test_of_several_scores_the_first_decides(scoring):
    rivals = {"nb": GaussianNB(), "knn": KNeighborsClassifier()}
    found = compare_classifiers(rivals, X, Y, cv=KFold(3), scoring=scoring)
    assert found.scoring == "f1_macro"
    assert found.scorings == {"f1_macro": "f1_macro", "accuracy": "accuracy"}
    assert found.results["name"].tolist() == ["knn", "nb"]
    for row, name in enumerate(found.results["name"]):
        scores = cross_validate(rivals[name], X, Y, cv=KFold(3), scoring=scoring)
        np.testing.assert_array_equal(found.split_scores[row], scores["test_f1_macro"])
        for key in ("f1_macro", "accuracy"):
            values = scores[f"test_{key}"]
            assert found.results[f"mean_test_{key}"][row] == values.mean()
            assert found.results[f"std_test_{key}"][row] == values.std()
            assert found.results[f"split2_test_{key}"][row] == values[2]
    header, first, _ = found.table().splitlines()
    assert header.split()[:3] == ["f1_macro", "std", "accuracy"]
    f1, _, accuracy = map(float, first.split()[1:4])
    assert f1 == pytest.approx(found.results["mean_test_f1_macro"][0], abs=1e-4)
    assert accuracy == pytest.approx(found.results["mean_test_accuracy"][0], abs=1e-4)
    assert len(header) == len(first)
    assert "points" not in found.verdict


def test_one_split_keeps_what_was_right():
    split = (np.arange(1200), np.arange(1200, len(Y)))
    rivals = {"knn": KNeighborsClassifier(), "nb": GaussianNB()}
    found = compare_classifiers(rivals, X, Y, cv=[split], n_jobs=2)
    right = [
        rival.fit(X[:1200], Y[:1200]).predict(X[1200:]) == Y[1200:]
        for rival in rivals.values()
    ]
    p_value = _test_images(*right)
    assert p_value < 0.001
    assert (
        "(McNemar's test of these two fits on 597 images, p < 0.001)" in found.verdict
    )
    assert found.split_scores.tolist() == [[right[0].mean()], [right[1].mean()]]


@pytest.mark.parametrize(
    "change, sentence",
    [
        ({"classifiers": []}, "classifiers is empty: at least one is needed."),
        ({"classifiers": 3}, "The 'classifiers' parameter of compare_classifiers must"),
        ({"y": Y[:-1]}, "inconsistent numbers of samples"),
        ({"cv": []}, "cv holds no splits: at least one is needed."),
        ({"scoring": 3}, "The 'scoring' parameter of compare_classifiers"),
        ({"scoring": []}, "scoring is empty: at least one scorer is needed."),
        ({"scoring": "acuracy"}, "Got 'acuracy', did you mean 'accuracy'?"),
        ({"scoring": "f1"}, "two classes, but y holds 10. Take 'f1_macro'."),
        ({"scoring": ["f1_macro", "roc_auc"]}, "y holds 10. Take 'roc_auc_ovr'."),
        ({"groups": Y[:-1]}, "inconsistent numbers of samples"),
        (
            {"groups": Y % 4},
            "groups must hold at least as many groups as there are folds, cv=5. It "
            "holds 4: take a smaller cv.",
        ),
    ],
)
def test_bad_arguments_are_refused(change, sentence):
    arguments = {"classifiers": [GaussianNB()], "X": X, "y": Y, **change}
    with pytest.raises(ValueError, match=re.escape(sentence)):
        compare_classifiers(**arguments)


@pytest.mark.parametrize("thing", [3, "SVC", GaussianNB])
def test_what_is_no_classifier_is_refused(thing):
    message = "classifiers must hold classifiers to be fitted. Got "
    with pytest.raises(TypeError, match=re.escape(message)):
        compare_classifiers([thing], X, Y)


def test_scorers_in_a_list_are_refused():
    message = "scoring must hold names of scorers if it is a list or tuple."
    with pytest.raises(TypeError, match=re.escape(message)):
        compare_classifiers([GaussianNB()], X, Y, scoring=[make_scorer(f1_score)])
