"""The suite in other environments: ``nox`` runs all, ``nox -l`` lists them.

``nox -s "tests(1.7)"`` runs one; what follows ``--`` goes to pytest, in place of the
whole suite: ``nox -s "tests(1.7)" -- tests/test_common.py``. An environment is a file
of constraints, and the versions that take the place of its own.
"""

from pathlib import Path

import nox

nox.options.default_venv_backend = "venv"
nox.options.error_on_missing_interpreters = False  # a missing Python is skipped
nox.options.reuse_existing_virtualenvs = True

ROOT = Path(__file__).parent
NEWEST, OLDEST = "constraints.txt", "constraints-oldest.txt"
# pytest 9 warns of what parametrize_with_checks gives before scikit-learn 1.9
PYTEST_8 = {"pytest": "8.3.4", "pytest-xdist": "3.6.1"}
# What pyproject.toml calls the oldest, but Python and torch
ENVIRONMENTS = {
    "oldest": (OLDEST, {}),
    "1.6": (NEWEST, {"scikit-learn": "1.6.1", "scipy": "1.15.3", **PYTEST_8}),
    "1.7": (NEWEST, {"scikit-learn": "1.7.2", **PYTEST_8}),
    "1.8": (NEWEST, {"scikit-learn": "1.8.0", **PYTEST_8}),
    "1.9": (NEWEST, {}),
}
PYTHONS = ("3.12", "3.13")  # with the newest versions; the others run on 3.11
SMOKE = """
import numpy as np
from sk_rnnimage import CRNNImageClassifier
y = np.arange(40) % 2
X = np.random.RandomState(0).rand(40, 8, 8) + y[:, None, None]
assert CRNNImageClassifier(8, filters=4, random_state=0).fit(X, y).score(X, y) > 0.9
"""


def constraints_of(session, base, changes):
    """Write the constraints of an environment; return the path of the file."""
    lines = (ROOT / base).read_text().splitlines()
    kept = [line for line in lines if line.split("==")[0] not in changes]
    kept += [f"{name}=={version}" for name, version in changes.items()]
    path = Path(session.create_tmp(), "constraints.txt")
    path.write_text("\n".join(kept) + "\n")
    return str(path)


def run_suite(session, base, changes):
    """Install the package with what its tests need, and run them."""
    constraints = constraints_of(session, base, changes)
    session.install("-c", constraints, "-e", ".[test]")
    session.run("python", "-m", "pytest", "-q", "-n", "2", *session.posargs)


@nox.session(python="3.11")
@nox.parametrize("environment", [nox.param(name, id=name) for name in ENVIRONMENTS])
def tests(session, environment):
    """The suite with other versions of scikit-learn, and with the oldest of all."""
    run_suite(session, *ENVIRONMENTS[environment])


@nox.session(python=PYTHONS)
def pythons(session):
    """The suite on a newer Python."""
    run_suite(session, NEWEST, {})


@nox.session(python="3.11")
def package(session):
    """The wheel and the sdist: built, installed clean, tried; the sdist's own tests."""
    session.install("build")
    folder = Path(session.create_tmp(), "dist").resolve()
    for old in folder.glob("*"):
        old.unlink()
    session.run("python", "-m", "build", "--outdir", str(folder))
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    constraints = str(ROOT / NEWEST)
    session.install("-c", constraints, "--force-reinstall", "--no-deps", str(wheel))
    session.install("-c", constraints, str(wheel))
    session.cd(session.create_tmp())  # where no source is
    session.run("python", "-c", SMOKE)
    session.run("sk-rnnimage", "--help", silent=True)
    session.run("tar", "-xzf", str(sdist), "--strip-components=1", external=True)
    session.install("-c", constraints, ".[test]")
    session.run("python", "-m", "pytest", "-q", "tests/test_cells.py")
