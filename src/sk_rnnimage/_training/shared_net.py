"""The skorch net of one rank among several."""

import torch

from sk_rnnimage._environment.process import seeded
from sk_rnnimage._training.checkpoint import digest_of
from sk_rnnimage._training.exchange import Exchange
from sk_rnnimage._training.net import Net
from sk_rnnimage._training.ranks import (
    LostRank,
    gathered,
    of_first,
    own_rows,
    rank,
    read_rows,
)


class SharedNet(Net):
    """The net of one rank, which reads its rows of each mini-batch.

    Losses, gradients and logits are then those of the whole batch, the same in all
    ranks: so all that follows, from the clipping to the callbacks, is as in one
    process. Of a batch a callback gets this rank's rows of the images, and all targets.

    Neither torch's DistributedDataParallel nor skorch's AccelerateMixin does this: they
    average losses over ranks whatever the numbers of their rows, take another message
    for the logits, and need a network wrapped that watchers copy.
    """

    def train_through(self, data):
        """All epochs, from the first rank's weights to the first rank's weights."""
        self._check_same_training(data)
        self._take_weights_of_first()
        sets = self.get_split_datasets(data)
        longest = min(self.batch_size, max(len(each) for each in sets if each))
        n_values = 1 + longest * self.target_.n_outputs
        self.exchange_ = Exchange(self.module_.parameters(), n_values)
        try:
            super().train_through(data)
            self.exchange_.sums("end")
        except LostRank:
            raise
        except BaseException:
            self.exchange_.leave()
            raise
        self._take_weights_of_first()

    def on_epoch_begin(self, net, **kwargs):
        # a callback of another rank may have asked for the stop
        self.stopped_ = bool(self.exchange_.sums("epoch", [self.stopped_]))
        super().on_epoch_begin(net, **kwargs)

    def on_batch_end(self, net, batch=None, training=False, **kwargs):
        # skorch has counted the rows of this rank
        size = "train_batch_size" if training else "valid_batch_size"
        self.history.record_batch(size, len(batch[1][0]))

    def train_step_single(self, batch, **fit_params):
        """The loss and the logits of a whole batch; its gradients are set."""
        # a dropout of its own in each rank, from generators that stay equal
        seed = int(torch.randint(2**62, ()))
        with seeded(seed + rank(), self.device):
            step = super().train_step_single(batch, **fit_params)
        return self._whole("train", step, len(batch[1][0]))

    def validation_step(self, batch, **fit_params):
        """The loss and the logits of a whole batch."""
        step = super().validation_step(batch, **fit_params)
        return self._whole("valid", step, len(batch[1][0]))

    def get_loss(self, y_pred, y_true, X=None, training=False):
        """The part of the mean over a batch that the rows of this rank make."""
        n = len(y_true[0])
        target = tuple(part[read_rows(n)] for part in y_true)
        loss = super().get_loss(y_pred, target, X, training)
        return loss * (_length(own_rows(n)) / n)

    def _whole(self, kind, step, n):
        """The sums of losses, and all n rows of logits."""
        logits, rows = step["y_pred"].detach(), own_rows(n)
        whole = logits.new_zeros(n, logits.shape[1])
        whole[rows] = logits[: _length(rows)]
        values = torch.cat([step["loss"].detach().view(1), whole.flatten()])
        sums = self.exchange_.sums(kind, values)
        return {"loss": sums[0], "y_pred": sums[1:].view_as(whole)}

    def _check_same_training(self, data):
        """Raise where the ranks have come here with different trainings."""
        seed = self.iterator_train__generator.initial_seed()
        recipe, lengths = self.module_.recipe, [self.max_epochs, self.batch_size]
        training = digest_of(seed, recipe, lengths, self.lr, data.codes, data.weights)
        if len(set(gathered(training))) > 1:
            raise ValueError(
                "The processes of the group have begun different fits. Let each call "
                "the same fits in the same order, not in several threads."
            )

    def _take_weights_of_first(self):
        """Load what other processors may have rounded otherwise."""
        weights = {k: v.cpu() for k, v in self.module_.state_dict().items()}
        weights, temperature = of_first(lambda: (weights, self.module_.temperature))
        self.module_.load_state_dict(weights)
        self.module_.temperature = temperature


def _length(rows):
    return rows.stop - rows.start
