"""How the documentation is built.

    python -m sphinx -W -b html -D plot_gallery=0 docs docs/_build/html

builds it without running the examples. Without ``-D plot_gallery=0`` they run, and
their figures come into the gallery. ``-b linkcheck`` checks the links, those to other
hosts only where there is a network.
"""

import re
import socket
import sys
from pathlib import Path

from sphinx_gallery.sorting import ExplicitOrder

EXAMPLES = Path(__file__).parents[1] / "examples"
sys.path.insert(0, str(EXAMPLES))  # _data.py

import sk_rnnimage

project = "sk_rnnimage"
author = "the sk_rnnimage developers"
copyright = f"2026, {author}"
version = release = sk_rnnimage.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "matplotlib.sphinxext.plot_directive",
    "numpydoc",
    "myst_parser",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "_templates", "**/sg_execution_times.rst"]
root_doc = "index"
nitpicky = True
# Types and functions of other packages, whose documentation lies on other hosts
nitpick_ignore_regex = [
    (r"py:.*", r"(numpy|np|scipy|sklearn|torch|skorch|matplotlib|pandas|polars)\..*"),
    (r"py:.*", r"(collections|typing|pathlib|os)\..*"),
]

autosummary_generate = True
autodoc_typehints = "none"  # the docstrings say it
numpydoc_show_class_members = False  # autosummary lists them
numpydoc_use_plots = True
plot_html_show_source_link = False
plot_html_show_formats = False
plot_formats = [("png", 100)]
numpydoc_validation_checks = {
    "all",
    "ES01",  # an extended summary where the first sentence says it all
    "EX01",  # an example for each method
    "GL01",  # summaries begin on the line of the quotes
    "SA01",  # See Also for each method
    "SA04",  # descriptions in See Also
    "RT01",  # Returns of methods that return nothing
    "YD01",
}
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

_header = (EXAMPLES / "README.rst").read_text()
sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"/plot_",
    "ignore_pattern": r"^_",
    # In the order, and so in the groups, of the header
    "within_subsection_order": ExplicitOrder(
        re.findall(r"^- ``(plot_\w+\.py)``", _header, flags=re.M)
    ),
    "download_all_examples": False,
    "capture_repr": ("_repr_html_",),  # not <matplotlib.legend.Legend object at ...>
    "remove_config_comments": True,
    "show_memory": False,
    "min_reported_time": 1e9,
    "plot_gallery": "True",
}

html_theme = "pydata_sphinx_theme"
html_title = "sk_rnnimage"
html_theme_options = {
    "show_prev_next": True,
    "navbar_end": ["theme-switcher"],
    "header_links_before_dropdown": 7,
}


def _is_online():
    """Whether names of other hosts are found."""
    try:
        socket.getaddrinfo("www.python.org", 443)
    except OSError:
        return False
    return True


linkcheck_ignore = [] if _is_online() else [r"https?://"]
