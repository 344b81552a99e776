"""The table of a comparison."""

from comparisons_by_hand import comparison_of


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


def test_a_long_error_is_cut_in_the_row_and_whole_below():
    error = ValueError("the reason is told at such a length that no table has room")
    found = comparison_of({"A": [0.5, 0.5], "bad": error})
    lines = found.table().splitlines()
    assert lines[-1].endswith("failed: ValueError: the reason is ...")
    assert max(map(len, lines)) == len(lines[0])
    assert (
        found.verdict == f"A was compared with nobody. bad failed: ValueError: {error}."
    )
