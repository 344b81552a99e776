"""The matplotlib axes that a Display draws on."""

import builtins
import re

import matplotlib.pyplot as plt
import pytest

from sk_rnnimage import ComparisonDisplay, ScanOrderDisplay
from sk_rnnimage.inspection.axes import get_axes


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


def test_without_matplotlib_the_install_line_is_given(monkeypatch, comparison):
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
