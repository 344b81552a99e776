"""Optional packages, imported where they are used: how to install what is missing."""

import re

import pytest

from sk_rnnimage._environment.optional import needed


@pytest.mark.parametrize(
    "extra, install", [("plot", '"sk_rnnimage[plot]"'), (None, "matplotlib")]
)
def test_a_missing_package_is_named_with_the_line_that_installs_it(extra, install):
    line = f"Drawing needs matplotlib, which is not installed: pip install {install}"
    with pytest.raises(ImportError, match=re.escape(line) + "$") as raised:
        with needed("Drawing", "matplotlib", extra):
            import no_package_of_that_name  # noqa: F401
    assert isinstance(raised.value.__cause__, ModuleNotFoundError)


def test_other_errors_are_left_alone():
    with pytest.raises(ZeroDivisionError):
        with needed("Drawing", "matplotlib"):
            raise ZeroDivisionError
