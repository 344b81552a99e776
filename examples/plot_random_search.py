"""
Randomised search over network hyper-parameters
===============================================

``RandomizedSearchCV`` searches the cell, hidden size, scan and learning rate of a
network, as the hyper-parameters of any estimator.

Measured on 1,200 digits of 8 x 8 with three-fold cross-validation, 20 candidates, 8
epochs each, scored on the other 597, one seed; a pass is an epoch::

    test digits: 0.9765 for the best of the search,
    0.9883 for the defaults, in as many passes

Scanning both rows and columns matters most, then a learning rate that is not too small;
the cell matters little. The search did not beat the defaults: 20 candidates are few for
a large search space, and the default learning rate is a good one.

Limits: one search; the standard error of a score on 597 images is 0.5 points. The best
cross-validation score is the maximum of 20, and therefore slightly optimistic.
"""

# ruff: noqa: D205, D400

# %%
# The digits bundled with scikit-learn
# ------------------------------------
import matplotlib.pyplot as plt
from _data import sized
from scipy.stats import loguniform
from sklearn.datasets import load_digits
from sklearn.model_selection import RandomizedSearchCV, train_test_split

from sk_rnnimage import RNNImageClassifier

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, train_size=sized(1200, 150), stratify=y, random_state=0
)

# %%
# The search space
# ----------------
# ``cell=None``, the control without recurrence, is a candidate like the others.
# ``search_space(classifier)`` returns a space that is ready for use.
space = {
    "cell": ["rnn", "gru", "lstm", "mingru", None],
    "hidden_size": [16, 32, 64, 128],
    "scan": ["auto", "rows", "columns", ("rows", "columns")],
    "learning_rate": loguniform(1e-3, 3e-2),
}
classifier = RNNImageClassifier(max_epochs=sized(8, 2), random_state=0)
search = RandomizedSearchCV(
    classifier, space, n_iter=sized(20, 2), cv=3, random_state=0
)

# %%
# A progress bar
# --------------
# scikit-learn 1.9 and later has a progress bar, which needs ``rich``. It shows the
# search; on a terminal ``max_propagation_depth=None`` shows each fit and its epochs as
# well. On older versions the search prints one line per fit.
try:
    from sklearn.callback import ProgressBar

    search.set_callbacks(ProgressBar(max_propagation_depth=0))
except ImportError:
    search.set_params(verbose=sized(2, 0))
search.fit(X_train, y_train)

# %%
# Results of the search
# ---------------------
results = search.cv_results_
print(f"{'cell':8s}{'units':>6s}{'rate':>8s}  {'scan':20s}cross-validated")
for i in results["rank_test_score"].argsort():
    p = results["params"][i]
    scan = p["scan"] if isinstance(p["scan"], str) else " + ".join(p["scan"])
    print(
        f"{p['cell']!s:8s}{p['hidden_size']:6d}{p['learning_rate']:8.4f}  {scan:20s}"
        f"{results['mean_test_score'][i]:.4f} ({results['std_test_score'][i]:.4f})"
    )
default = classifier.fit(X_train, y_train).score(X_test, y_test)
print(f"test digits: {search.score(X_test, y_test):.4f} for the best of the search,")
print(f"{default:.4f} for the defaults, in as many passes")

# %%
# Which hyper-parameters matter
# -----------------------------
# Each point is a candidate, coloured by its scan; the table above has the cells.
fig, ax = plt.subplots(figsize=(6.5, 4), layout="constrained")
for scan in space["scan"]:
    rows = [i for i, p in enumerate(results["params"]) if p["scan"] == scan]
    rates = [results["params"][i]["learning_rate"] for i in rows]
    errors = 100 * (1 - results["mean_test_score"][rows])
    ax.scatter(rates, errors, label=scan if isinstance(scan, str) else " + ".join(scan))
ax.set(xscale="log", yscale="log", xlabel="learning rate", ylabel="error rate, %")
ax.set_xticks([0.001, 0.003, 0.01, 0.03], ["0.001", "0.003", "0.01", "0.03"])
ax.set_yticks([2, 5, 10, 20, 50], ["2", "5", "10", "20", "50"])
ax.minorticks_off()
ax.legend()
plt.show()
