"""Settings: the parameters of a training, checked, in plain values."""

from dataclasses import dataclass

# max_epochs="auto": updates, those of images that an augmentation varies, and those of
# varied images in colour; the fewest epochs, those of varied images in colour, and the
# most
AUTO_UPDATES, AUTO_UPDATES_VARIED, AUTO_UPDATES_COLOUR = 400, 900, 2000
FEWEST_EPOCHS, FEWEST_EPOCHS_COLOUR, MOST_EPOCHS = 3, 8, 100


@dataclass(frozen=True)
class Settings:
    """How a network is trained.

    Parameters
    ----------
    max_epochs : int or "auto"
        Epochs; ``"auto"`` is resolved by :meth:`n_epochs`.
    batch_size, learning_rate, weight_decay, verbose
        As in the classifiers.
    augment : str, callable or None
        As in the classifiers.
    callbacks : list of skorch callbacks or None
        The user's.
    device : str
        A torch device.
    precision : {"auto", "float32", "bfloat16"}
        Of the large products in training.
    seed : int
        Of the initial weights, the order of the images, augmentation and dropout.
    patience : int, default=None
        Epochs without a lower validation loss before training stops and the weights of
        the best epoch are restored. None does neither.
    validation_fraction : float, default=None
        Fraction of the images that is held out for that, where none are given.
    schedule : bool, default=True
        One cycle of the learning rate (a rise over 15 % of the updates, then a fall to
        0), or a constant rate.
    colour : bool, default=False
        Whether the data are images, not clips, of several channels.
    """

    max_epochs: int | str
    batch_size: int
    learning_rate: float
    weight_decay: float
    augment: object
    callbacks: object
    device: str
    precision: str
    seed: int
    verbose: int
    patience: int | None = None
    validation_fraction: float | None = None
    schedule: bool = True
    colour: bool = False

    def n_epochs(self, n_batches):
        """Epochs of so many mini-batches."""
        if self.max_epochs != "auto":
            return self.max_epochs
        n_updates, fewest = AUTO_UPDATES, FEWEST_EPOCHS
        if self.augment is not None:
            n_updates = AUTO_UPDATES_VARIED
            if self.colour:
                n_updates, fewest = AUTO_UPDATES_COLOUR, FEWEST_EPOCHS_COLOUR
        return min(max(fewest, -(-n_updates // n_batches)), MOST_EPOCHS)
