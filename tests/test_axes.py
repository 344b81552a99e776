"""The matplotlib axes that a Display draws on."""

import builtins
import re

import matplotlib.pyplot as plt
import pytest
import torch
from conftest import draw, make

from sk_rnnimage import (
    ComparisonDisplay,
    EvidenceDisplay,
    OcclusionDisplay,
    RNNImageClassifier,
    ScanOrderDisplay,
    TrainingCurveDisplay,
)
from sk_rnnimage.inspection.axes import get_axes, get_panels


def test_given_axes_come_back_and_no_figure_is_made():
    figure, (left, right) = plt.subplots(1, 2)
    assert get_axes(right, figsize=(9, 9)) is right
    assert plt.get_fignums() == [figure.number]
    assert figure.get_size_inches().tolist() != [9, 9]


def test_a_new_figure_is_one_of_pyplot_with_the_options():
    ax = get_axes(None, figsize=(3, 2), layout="constrained")
    assert ax.figure is plt.gcf()
    assert ax.figure.axes == [ax]
    assert ax.figure.get_size_inches().tolist() == [3, 2]
    assert get_axes(None).figure is not ax.figure


BOXES = [(0, 0.5, 1, 0.5), (0, 0, 1, 0.4)]


def test_panels_take_the_place_of_one_axes():
    ax, panels = get_panels(None, BOXES, figsize=(3, 2))
    assert not ax.axison
    assert panels.tolist() == ax.child_axes
    assert ax.figure.get_size_inches().tolist() == [3, 2]
    figure, given = plt.subplots()
    ax, panels = get_panels(given, BOXES)
    assert ax is given
    sentence = "ax holds the panels of a plot already. Pass ax=display.axes_ to plot on"
    with pytest.raises(ValueError, match=re.escape(sentence)):
        get_panels(given, BOXES)
    assert get_panels(panels, BOXES)[1].tolist() == panels.tolist()


def test_one_panel_is_the_axes():
    figure, given = plt.subplots()
    for _ in range(2):
        ax, panels = get_panels(given, BOXES[:1])
        assert ax is given
        assert panels.tolist() == [given]
        assert given.axison


@pytest.mark.parametrize("n", [1, 3])
def test_as_many_axes_as_panels(n):
    figure, axes = plt.subplots(1, n, squeeze=False)
    sentence = f"ax must be one Axes, or 2 of them, one for each panel. Got {n}."
    with pytest.raises(ValueError, match=re.escape(sentence)):
        get_panels(axes, BOXES)


def test_without_matplotlib_the_install_line_is_given(monkeypatch, comparison):
    X, y = draw(n=6)
    model = make(RNNImageClassifier, max_epochs=1).fit(X, y)
    plain = builtins.__import__

    def without_matplotlib(name, *args, **kwargs):
        if name.split(".")[0] == "matplotlib":
            raise ImportError(name)
        return plain(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_matplotlib)
    line = re.escape('pip install "sk_rnnimage[plot]"')
    with pytest.raises(ImportError, match=line):
        ScanOrderDisplay.from_scan("rows", 2, 2)
    with pytest.raises(ImportError, match=line):
        ComparisonDisplay.from_comparison(comparison)
    for display in (
        ScanOrderDisplay,
        TrainingCurveDisplay,
        EvidenceDisplay,
        OcclusionDisplay,
    ):
        with pytest.raises(ImportError, match=line):
            display.from_estimator(model, X[0])


@pytest.mark.parametrize("ax", [3, "left", [3, 4]], ids=str)
def test_what_is_no_axes(ax):
    sentence = "ax must be None or an Axes of matplotlib. Got "
    with pytest.raises(TypeError, match=re.escape(sentence)):
        get_panels(ax, BOXES)


def test_what_is_no_list_of_axes():
    sentence = "ax must be None, an Axes of matplotlib or several. Got list of which"
    with pytest.raises(TypeError, match=re.escape(sentence)):
        get_panels([torch.ones(2, device="meta"), 3], BOXES)
