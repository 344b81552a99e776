"""The optimiser: AdamW, and Muon for the filters of convolutions."""

import torch

TINY = 1e-30  # norms below count as 0


class MuonAdamW(torch.optim.AdamW):
    r"""AdamW [1]_, and Muon [2]_ for groups of parameters that say ``muon=True``.

    Of a weight with n rows (a filter each), W, and its gradient G

    .. math::
        M &\leftarrow \mu M + G \\
        W &\leftarrow W - \eta \, \lVert W \rVert \, O / \lVert O \rVert, \quad
        O = \mathrm{orthogonal}(G + \mu M),

    brought back to its norm before, where :math:`\mathrm{orthogonal}` brings all
    singular values near 1 by three steps of a Newton-Schulz iteration, and :math:`\eta`
    is ``RATIO`` times the learning rate: so far an update turns the weight, whatever
    the size of both. (Their scale means nothing where weights are standardised, and
    would grow without end.) A gradient of 0 changes nothing.

    torch's own Muon takes matrices alone, and no AdamW beside it.

    References
    ----------
    .. [1] I. Loshchilov, F. Hutter, "Decoupled weight decay regularization", ICLR
       2019.
    .. [2] K. Jordan et al., "Muon: an optimizer for hidden layers in neural networks",
       2024.
    """

    RATIO = 10
    MOMENTUM = 0.6

    def step(self, closure=None):
        """Update all parameters; ``closure`` computes the loss and the gradients."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        weights = [
            (weight, self.RATIO * group["lr"])
            for group in self.param_groups
            if group.get("muon")
            for weight in group["params"]
            if weight.grad is not None
        ]
        gradients = [weight.grad for weight, _ in weights]
        for weight, rate in weights:
            self._turn(weight, rate)
            weight.grad = None  # AdamW leaves out what has none
        super().step()
        for (weight, _), gradient in zip(weights, gradients):
            weight.grad = gradient
        return loss

    @torch.no_grad()
    def _turn(self, weight, rate):
        state = self.state[weight]
        if not state:
            state["momentum"] = torch.zeros_like(weight)
        momentum = state["momentum"].mul_(self.MOMENTUM).add_(weight.grad)
        update = orthogonal((weight.grad + self.MOMENTUM * momentum).flatten(1))
        norm = weight.norm()
        weight.sub_((rate * norm * normalized(update)).view_as(weight))
        weight.mul_(norm / weight.norm().clamp(min=TINY))


def normalized(matrix):
    """A matrix by its norm, at whatever scale; 0 remains 0."""
    matrix = matrix / matrix.abs().amax().clamp(min=TINY)  # no square vanishes
    return matrix / matrix.norm().clamp(min=TINY)


def orthogonal(matrix):
    """A matrix with singular values near 1 in their place: (n, m)."""
    a, b, c = 3.4445, -4.775, 2.0315
    wide = matrix.shape[0] <= matrix.shape[1]
    x = normalized(matrix if wide else matrix.T)
    for _ in range(3):
        squares = x @ x.T
        x = a * x + (b * squares + c * squares @ squares) @ x
    return x if wide else x.T


def moments_of(net):
    """What the optimiser of a net knows of each parameter, as arrays."""
    return {
        f"{name}:{key}": value.detach().cpu().numpy().copy()
        for name, tensor in net.get_all_learnable_params()
        for key, value in net.optimizer_.state[tensor].items()
    }


def load_moments(net, arrays):
    """The inverse of ``moments_of``; None changes nothing."""
    if arrays is None:
        return
    for name, tensor in net.get_all_learnable_params():
        state = {
            key[len(name) + 1 :]: torch.tensor(array, device=tensor.device)
            for key, array in arrays.items()
            if key.startswith(f"{name}:")
        }
        for key in state.keys() - {"step"}:  # fit may have changed the precision since
            state[key] = state[key].to(tensor.dtype)
        net.optimizer_.state[tensor] = state
