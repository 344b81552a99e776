"""The epochs of a training on a terminal. Imported late, as it imports skorch."""

import time

from skorch.callbacks import Callback


class EpochLine(Callback):
    """Show the number, the loss and the time of the epoch that is done.

    Parameters
    ----------
    line : Line
        Where.
    """

    def __init__(self, line):
        self.line = line

    def on_train_begin(self, net, **kwargs):
        """Start the clock."""
        self.start_ = time.perf_counter()
        self.line.show("training")

    def on_epoch_end(self, net, **kwargs):
        """Show what there is of the epoch."""
        row = net.history[-1]
        seconds = time.perf_counter() - self.start_
        self.line.show(
            f"epoch {row['epoch']} of {net.max_epochs}, loss {row['train_loss']:.4f}, "
            f"{seconds:.0f} s"
        )
