"""
A search on a cluster that loses a worker
=========================================

``joblib.parallel_config(backend="dask")`` sends the fits of a search to the workers of
a cluster. Here two worker processes of this machine stand for it. In the midst of the
search one of them is killed, as the system does where memory ends, or the owner of a
borrowed machine. Another one is started in its place, the fits that were not finished
are done anew, and the search finds the scores of one in this process, to the bit.

Limits: the gap before the fits of the worker that stands in for the dead one is the
start of a Python process and the import of torch; where the search ends before, it has
none. Both workers share the cores of this machine.
"""

# ruff: noqa: D205, D400

# %%
# The search
# ----------
# ``scatter`` sends the images and the indices of the splits to both workers before the
# work starts: joblib would send each to one of them, and it would be lost with that
# one. Dask's memory manager, which drops second copies, is stopped.
import os
import signal
import threading
import time

import joblib
import matplotlib.pyplot as plt
import numpy as np
from _data import sized
from dask.distributed import Client, LocalCluster
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, StratifiedKFold

from sk_rnnimage import RNNImageClassifier

X, y = load_digits(return_X_y=True)
X, y = X[: sized(1200, 60)], y[: sized(1200, 60)]
classifier = RNNImageClassifier(16, max_epochs=sized(8, 1), random_state=0)
grid = {
    "cell": ["lstm", "gru", None][:: sized(1, 2)],
    "learning_rate": [0.003, 0.01, 0.03],
}
splits = list(StratifiedKFold(3).split(X, y))
search = GridSearchCV(classifier, grid, cv=splits)
killed_at = []
held = [X, y, *(indices for split in splits for indices in split)]


def search_on(client):
    """Search on a cluster while a worker dies; return what ran where and when."""
    client.amm.stop()
    client.get_task_stream()  # from now on the scheduler keeps a record
    killer = threading.Thread(target=kill_a_worker, args=(client,))
    killer.start()
    with joblib.parallel_config(backend="dask", scatter=held):
        search.fit(X, y)
    killer.join()
    return client.get_task_stream()


# %%
# The death of a worker
# ---------------------
# When both workers have done a part of the fits, the system is told to kill one.


def kill_a_worker(client):
    """Wait until both workers have done a few fits, and kill one."""
    workers = []
    while len(set(workers)) < 2 or len(workers) < sized(12, 2):
        time.sleep(0.05)
        workers = [task["worker"] for task in client.get_task_stream()]
    process = client.run(os.getpid, workers=workers[-1:])[workers[-1]]
    os.kill(process, signal.SIGKILL)
    killed_at.append(time.time())


# %%
# The same scores
# ---------------
# The last step is guarded because each worker imports this script.


def draw(stream, scores):
    """Draw which worker did what, and the scores."""
    fig, axes = plt.subplots(1, 2, figsize=(10, 3.2), layout="constrained")
    start = min(step["start"] for task in stream for step in task["startstops"])
    workers = list(dict.fromkeys(task["worker"] for task in stream))
    for task in stream:
        for step in task["startstops"]:
            if step["action"] == "compute":
                place = workers.index(task["worker"])
                span = step["start"] - start, step["stop"] - step["start"]
                axes[0].broken_barh([span], (place - 0.4, 0.8), edgecolor="white")
    axes[0].axvline(killed_at[0] - start, color="red", linestyle="--")
    axes[0].annotate("killed", (killed_at[0] - start, 0.5), color="red")
    names = ["one worker", "the other", "in place of\nthe dead"]
    axes[0].set_yticks(range(len(workers)), names[: len(workers)])
    axes[0].set(xlabel="seconds", title="fits on each worker")
    shape = len(grid["cell"]), len(grid["learning_rate"])
    image = axes[1].imshow(np.reshape(scores, shape), cmap="viridis", aspect="auto")
    axes[1].set_xticks(range(shape[1]), grid["learning_rate"])
    axes[1].set_yticks(range(shape[0]), [cell or "none" for cell in grid["cell"]])
    axes[1].set(xlabel="learning rate", title="mean accuracy")
    fig.colorbar(image)
    plt.show()


if __name__ == "__main__":
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": ":0"}
    with LocalCluster(**options) as cluster, Client(cluster) as client:
        stream = search_on(client)
    print(f"{len(stream)} tasks on {len({t['worker'] for t in stream})} workers")
    alone = clone(search).fit(X, y)
    scores = search.cv_results_["mean_test_score"]
    assert np.array_equal(scores, alone.cv_results_["mean_test_score"])
    for name, found in ("two workers, one killed", search), ("this process", alone):
        print(f"{name}: {found.best_score_:.4f} with {found.best_params_}")
    draw(stream, scores)
