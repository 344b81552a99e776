"""The epochs of a training as tasks of a fit."""

from copy import deepcopy
from functools import partial

from skorch.callbacks import Callback

from sk_rnnimage._environment.process import generators_kept
from sk_rnnimage._training.train import best_epoch, plain_history


class ReportEpochs(Callback):
    """Tell the watchers of a fit of each epoch, and stop where one asks for it.

    Whatever they do, the training goes on as if nobody had watched: their network is a
    copy, and the random numbers that they draw are drawn again.

    Parameters
    ----------
    task : FitTask
        Of the fit.
    learned : callable
        From a network on the CPU, its history and its best epoch to a dict of the
        attributes of an estimator.
    """

    def __init__(self, task, learned):
        self.task = task
        self.learned = learned

    def on_epoch_begin(self, net, **kwargs):
        with generators_kept(net.device):
            self.task.begin_epoch()

    def on_epoch_end(self, net, **kwargs):
        with generators_kept(net.device):
            if self.task.end_epoch(partial(self._learned_so_far, net)):
                net.stopped_ = True

    def _learned_so_far(self, net):
        network = deepcopy(net.module_).cpu().eval()
        history = plain_history(net)
        return self.learned(network, history, best_epoch(history))
