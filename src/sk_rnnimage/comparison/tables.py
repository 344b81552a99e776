"""The table of a comparison, as text and as HTML."""

import textwrap
from html import escape

import numpy as np

from sk_rnnimage.comparison.failures import INTERRUPTED

WIDTH = 79  # fits a terminal
PARTIAL = "* means over the folds that worked"

_STYLE = """<style>
.sk-rnnimage-comparison td, .sk-rnnimage-comparison th { text-align: right; }
.sk-rnnimage-comparison td:first-child { text-align: left; }
.sk-rnnimage-comparison td.failed { text-align: left; font-style: italic; }
</style>"""


def make_header(comparison):
    """The heads of the columns, without that of the names."""
    score, *others = (name[:12] for name in comparison.scorings.values())
    return [score, "std", *others, "fit s", "test s", "fit MB", "model kB"]


def make_rows(comparison):
    """A label, cells and an error for each classifier; where all folds failed no cells.

    Where some failed, the label has a star.
    """
    names, errors = comparison.results["name"], comparison.results["error"]
    n_folds = len(comparison.test_sizes)
    for i, n_failed in enumerate(comparison.results["n_failed"]):
        star = " *" if 0 < n_failed < n_folds else ""
        cells = _make_cells(comparison, i) if n_failed < n_folds else []
        yield f"{names[i]}{star}", cells, str(errors[i])


def _make_cells(comparison, i):
    """The numbers of a classifier, below those of ``make_header``."""
    results = comparison.results
    score, *others = comparison.scorings
    several = len(comparison.test_sizes) > 1
    return [
        f"{results[f'mean_test_{score}'][i]:.4f}",
        f"{results[f'std_test_{score}'][i]:.4f}" if several else "-",
        *(f"{results[f'mean_test_{key}'][i]:.4f}" for key in others),
        _format_amount(results["mean_fit_time"][i]),
        _format_amount(results["mean_score_time"][i]),
        _format_amount(results["mean_peak_memory"][i] / 1e6),
        _format_amount(results["mean_model_size"][i] / 1e3),
    ]


def _format_amount(value):
    if np.isnan(value):
        return "-"
    return f"{value:.2f}" if value < 100 else f"{value:.0f}"


def text_table(comparison):
    """The table as lines of text, as wide as a terminal where that is enough."""
    header, rows = make_header(comparison), list(make_rows(comparison))
    filled = [header, *(cells for _, cells, _ in rows if cells)]
    widths = [max(map(len, column)) for column in zip(*filled)]
    left = max(10, *(len(label) for label, *_ in rows))
    gap = "  " if left + sum(widths) + 2 * len(widths) <= WIDTH else " "
    right = sum(widths) + len(gap) * (len(widths) - 1)

    def line(label, cells, error=""):
        cells = (f"{cell:>{width}}" for cell, width in zip(cells, widths))
        error = textwrap.shorten(_failed(error), right, placeholder=" ...")
        return f"{label:{left}}{gap}{gap.join(cells) or error}"  # the verdict has all

    lines = [line("", header), *(line(*row) for row in rows)]
    return "\n".join(lines + _footnotes(rows))


def html_table(comparison):
    """The table, the verdict and the parameters of a search as HTML."""
    header, rows = make_header(comparison), list(make_rows(comparison))
    lines = [
        _STYLE,
        '<div class="sk-rnnimage-comparison">',
        "<table>",
        f"<thead>{_html_row(['', *header], 'th')}</thead>",
        "<tbody>",
    ]
    for label, cells, error in rows:
        failure = f'<td class="failed" colspan="{len(header)}">{escape(_failed(error))}'
        failed = f"<tr><td>{escape(label)}</td>{failure}</td></tr>"
        lines.append(_html_row([label, *cells]) if cells else failed)
    lines += ["</tbody>", "</table>"]
    paragraphs = [*_footnotes(rows), comparison.verdict]
    lines += [f"<p>{escape(paragraph)}</p>" for paragraph in paragraphs]
    return "\n".join([*lines, *_html_params(comparison), "</div>"])


def _failed(error):
    """What stands in place of the cells."""
    return error if error == INTERRUPTED else f"failed: {error}"


def _footnotes(rows):
    return [PARTIAL] if any(label.endswith(" *") for label, *_ in rows) else []


def _html_row(cells, tag="td"):
    cells = "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells)
    return f"<tr>{cells}</tr>"


def _html_params(comparison):
    """What a search chose on each fold, to be opened by a click."""
    rows = [
        _html_row([name, f"split{i}", _list_params(params)])
        for name, chosen in comparison.best_params.items()
        for i, params in enumerate(chosen)
        if params
    ]
    if not rows:
        return []
    head = "<details><summary>What the searches chose</summary>\n<table>"
    return [head, *rows, "</table></details>"]


def _list_params(params):
    return ", ".join(
        f"{key}={value:.3g}" if isinstance(value, float) else f"{key}={value!r}"
        for key, value in params.items()
    )
