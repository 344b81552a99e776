"""Who wins, in words."""

import numpy as np
import pytest
from comparisons_by_hand import comparison_of, split_comparison_of


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
