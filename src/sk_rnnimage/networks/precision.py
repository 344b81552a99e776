"""Mixed precision: which products are computed in bfloat16 while a network trains.

Weights, recurrence, statistics of the normalisation and the loss stay in the network's
precision, and so does all of a prediction.
"""

import torch
from torch import nn


class MixedPrecision(nn.Module):
    """A layer whose product may be computed in bfloat16 in training.

    ``is_large()`` tells whether that saves more than the casts cost.
    """

    in_bfloat16 = False

    def cast(self, *tensors):
        """Tensors in the precision of the product; the last one has the weights'."""
        lower = self.in_bfloat16 and self.training
        dtype = torch.bfloat16 if lower else tensors[-1].dtype
        return [tensor.to(dtype) for tensor in tensors]


def train_in(network, precision):
    """Set the precision in which a network's products are computed in training.

    Parameters
    ----------
    network : nn.Module
        With layers that are :class:`MixedPrecision`.
    precision : {"float32", "bfloat16", "auto"}
        ``"auto"`` is bfloat16 in the large layers, ``"bfloat16"`` in all of them.
    """
    for layer in network.modules():
        if isinstance(layer, MixedPrecision):
            wanted = precision == "bfloat16"
            layer.in_bfloat16 = wanted or (precision == "auto" and layer.is_large())
