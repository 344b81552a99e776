"""The skorch net, which the user's callbacks take for a classifier of labels."""

from functools import partial

import torch
from sklearn.base import ClassifierMixin
from skorch import NeuralNet

from sk_rnnimage._environment.borrowed import ModeOnce
from sk_rnnimage._training.callbacks import is_stop_of_skorch


class StopTraining(Exception):
    """A callback has ended the training."""


class Net(ModeOnce, ClassifierMixin, NeuralNet):
    """skorch's net, but that Ctrl-C reaches the caller and a callback may stop it.

    A callback stops the training after its epoch by setting ``stopped_``. The user's
    see labels where our own see codes and their weights, and score the net by
    ``predict`` and ``predict_proba``, as they score skorch's classifiers.
    """

    def set_target(self, target, own_names):
        """Set what is learned, and the names of the callbacks that see it encoded.

        Parameters
        ----------
        target : Classes
            Gives the labels.
        own_names : set of str
            All other callbacks are the user's.
        """
        # skorch takes names that end with _ for no parameters
        self.target_, self.own_names_ = target, own_names
        self.predict_nonlinearity = partial(torch.softmax, dim=-1)
        return self

    def train_through(self, data):
        """All epochs; ``fit`` of skorch would take Ctrl-C for a stop."""
        self.stopped_ = False
        self.notify("on_train_begin", X=data, y=None)
        try:
            self.fit_loop(data, epochs=self.max_epochs - len(self.history))
        except StopTraining:
            pass
        except KeyboardInterrupt:
            if not is_stop_of_skorch(self):
                raise
        history = self.history
        self.notify("on_train_end", X=data, y=None)
        self.history = history  # a Checkpoint that loads its best epoch cuts it there

    def get_iterator(self, dataset, training=False):
        """The mini-batches; those of the training stay within reach."""
        iterator = super().get_iterator(dataset, training=training)
        if training:
            self.batches_ = iterator
        return iterator

    def on_epoch_begin(self, net, **kwargs):
        if self.stopped_:
            raise StopTraining
        super().on_epoch_begin(net, **kwargs)

    def notify(self, method_name, **arguments):
        """Call a method of each callback."""
        getattr(self, method_name)(self, **arguments)
        for_users = None
        for name, callback in self.callbacks_:
            if name in self.own_names_:
                getattr(callback, method_name)(self, **arguments)
                continue
            if for_users is None:
                for_users = self._for_users(**arguments)
            getattr(callback, method_name)(self, **for_users)

    def _for_users(self, batch=None, y_pred=None, training=None, **arguments):
        """The arguments for a user's callback, with labels, and calibrated logits."""
        if training is not None:
            arguments["training"] = training
        if batch is not None:
            x, (codes, _) = batch
            arguments["batch"] = x, self.classes_[codes.cpu().numpy()]
        if y_pred is not None:
            divisor = self.module_.temperature if training else 1  # else it is done
            arguments["y_pred"] = y_pred.detach() / divisor
        return arguments

    @property
    def classes_(self):
        """The labels, in the order of the logits."""
        return self.target_.classes

    def predict(self, X):
        """Labels, from the logits of the batches that were just seen."""
        return self.target_.decode(self.predict_proba(X))
