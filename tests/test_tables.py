"""The table of a comparison, as text and as HTML."""

import re
from html.parser import HTMLParser

import numpy as np
from comparisons_by_hand import comparison_of
from sklearn.naive_bayes import GaussianNB

from sk_rnnimage.comparison.result import Comparison
from sk_rnnimage.comparison.tables import html_table, text_table


def weighed(names, peak=25e6, size=3210.0, params=None):
    found = {
        name: {
            "test_score": np.array([0.95, 0.85 - i / 10]),
            "fit_time": np.array([123.4, 123.4]),
            "score_time": np.array([1.25, 1.25]),
            "peak_memory": np.full(2, peak),
            "model_size": np.full(2, size),
            "params": params or [{}, {}],
        }
        for i, name in enumerate(names)
    }
    splits = [(np.arange(100), np.arange(100))] * 2
    rivals = {name: GaussianNB() for name in names}
    return Comparison(rivals, found, splits, "accuracy")


def test_numbers_stand_below_their_heads():
    assert text_table(weighed(["a", "b"])).splitlines() == [
        "            accuracy     std  fit s  test s  fit MB  model kB",
        "a             0.9000  0.0500    123    1.25   25.00      3.21",
        "b             0.8500  0.1000    123    1.25   25.00      3.21",
    ]


def test_what_was_not_measured_is_a_dash():
    row = text_table(comparison_of({"A": [0.5]})).splitlines()[1]
    assert row.split() == ["A", "0.5000", "-", "0.10", "0.50", "-", "-"]


def test_long_names_go_with_narrow_gaps_within_80_columns():
    for width in range(1, 34):
        lines = text_table(weighed(["n" * width, "m"])).splitlines()
        assert {len(line) for line in lines} == {len(lines[0])}
        assert len(lines[0]) < 80


def test_a_long_error_is_cut():
    error = ValueError("the reason is told at such a length that no table has room")
    lines = text_table(comparison_of({"A": [0.5, 0.5], "bad": error})).splitlines()
    assert lines[-1].startswith("bad         failed: ValueError: the reason is told")
    assert lines[-1].endswith(" ...")
    assert max(map(len, lines)) == len(lines[0])


class Cells(HTMLParser):
    """The text of each cell, and the tags that are still open."""

    def __init__(self, html):
        super().__init__()
        self.open, self.rows, self.seen = [], [], set()
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.seen.add(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += data


def test_the_html_holds_the_cells_of_the_text():
    found = weighed(["a", "b"])
    html = Cells(html_table(found))
    assert not html.open
    lines = text_table(found).splitlines()
    assert html.rows[0] == ["", *re.split(r"  +", lines[0].strip())]
    assert html.rows[1:] == [line.split() for line in lines[1:]]


def test_the_html_escapes_names_and_errors():
    error = ValueError("<script>no</script>")
    html = Cells(html_table(comparison_of({"<b>A</b>": [0.5, 0.6], "bad": error})))
    assert html.rows[1][0] == "<b>A</b>"
    assert html.rows[2] == ["bad", "failed: ValueError: <script>no</script>"]
    assert not {"b", "script"} & html.seen


def test_the_html_lists_what_a_search_chose_by_fold():
    chosen = [None, {"svc__C": 1.23456, "scan": ("rows", "columns")}]
    html = Cells(html_table(weighed(["a"], params=chosen)))
    assert html.rows[-1] == ["a", "split1", "svc__C=1.23, scan=('rows', 'columns')"]
    assert "details" in html.seen
    assert "details" not in Cells(html_table(weighed(["a"]))).seen
