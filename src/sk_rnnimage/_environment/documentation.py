"""Where the documentation is, for links to it in notebooks."""

import re
from importlib.metadata import PackageNotFoundError, metadata

PAGE = "api/generated/sk_rnnimage.{estimator_name}.html"


class LinkedEstimator:
    """For estimators that notebooks show with a link to their page.

    scikit-learn makes the link of these attributes; an empty template gives none.
    """

    _doc_link_module = "sk_rnnimage"

    @property
    def _doc_link_template(self):
        url = documentation_url()
        return f"{url.rstrip('/')}/{PAGE}" if url else ""


def documentation_url():
    """The package's address ``Documentation`` of [project.urls], or None."""
    try:
        urls = metadata("sk_rnnimage").get_all("Project-URL") or []
    except PackageNotFoundError:  # imported from a folder
        return None
    for line in urls:
        label, _, url = line.partition(",")
        if re.sub(r"[^a-z]", "", label.lower()) in ("documentation", "docs"):
            return url.strip()
    return None
