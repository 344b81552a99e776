"""The cells that are linear in their state, and therefore fast.

What multiplies the state does not depend on the state: the work of all steps is done at
once, by a convolution or by large products, and at most one elementwise operation a
step is left. Cells here read in one direction; ``cells.py`` makes two of them a layer
that reads in both. ``forward`` is written in plain operations, which an exporter can
follow; ``fast`` is the same function by a kernel with a backward pass of its own.
"""

import math

import torch
from torch import nn

from sk_rnnimage.networks.kernels import DecayKernel, FilterKernel, MinGRUKernel

LONG = 100  # steps beyond which gates start with chrono initialisation


def chrono(bias, n_steps):
    r"""Chrono initialisation: biases so that gates keep the state for 1 to T steps.

    .. math:: b \sim \log(\mathcal U(1, T - 1))

    where T is the number of steps, taken where it is more than ``LONG``. An LSTM's
    forget gate starts with b and its input gate with -b [1]_; so, by the same
    argument, a GRU's update gate with b, and that of minGRU, whose 1 holds nothing,
    with -b.

    References
    ----------
    .. [1] C. Tallec, Y. Ollivier, "Can recurrent neural networks warp time?", ICLR
       2018, sec. 2.
    """
    return nn.init.uniform_(bias, 1, n_steps - 1).log_()


class OneWay(nn.Module):
    """A cell of one direction: ``forward`` maps (T, B, F) to (T, B, D).

    The other methods give the same values, of fewer steps or of the other direction; a
    cell that can compute them with less work overrides them.
    """

    def fast(self, x):
        """The states of all steps, by a kernel where there is one: (T, B, D)."""
        return self(x)

    def reverse(self, x):
        """The states of reading from the end to the beginning: (T, B, D)."""
        return self.fast(x.flip(0)).flip(0)

    def last(self, x):
        """The state after the last step: (B, D)."""
        return self.fast(x)[-1]


class MinGRU(OneWay):
    r"""The GRU whose gate and candidate do not see the state [1]_.

    .. math::
        z_t &= \sigma(W_z x_t + b_z) \\
        g_t &= W_g x_t + b_g \\
        h_t &= (1 - z_t) \odot h_{t-1} + z_t \odot g_t

    where :math:`x_t` is the step, :math:`z_t` the update gate, :math:`g_t` the
    candidate and :math:`h_t` the state, 0 before the first step. :math:`W_z, W_g`
    start with Glorot's uniform initialisation, :math:`b_g` with 0, :math:`b_z` with 0
    or, for long sequences, as :func:`chrono` says.

    This is the paper's plain form (sec. 3.1). Its form in logarithms, whose candidate
    must be positive, is there for parallel scans; a loop needs none.

    References
    ----------
    .. [1] L. Feng, F. Tung, M. O. Ahmed, Y. Bengio, H. Hajimirsadeghi, "Were RNNs all
       we needed?", arXiv:2410.01201, 2024.
    """

    def __init__(self, n_inputs, n_units, n_steps):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(2 * n_units, n_inputs))  # z, g
        self.bias = nn.Parameter(torch.zeros(2 * n_units))
        for gate in self.weight.detach().split(n_units):
            nn.init.xavier_uniform_(gate)
        if n_steps > LONG:
            self.bias.detach()[:n_units].copy_(-chrono(torch.empty(n_units), n_steps))

    def forward(self, x):
        z, g = nn.functional.linear(x, self.weight, self.bias).chunk(2, dim=2)
        z = torch.sigmoid(z)  # (T, B, D)
        h, states = torch.zeros_like(g[0]), []
        for z_t, g_t in zip(z, g):
            h = h + z_t * (g_t - h)
            states.append(h)
        return torch.stack(states)  # (T, B, D)

    def step(self, x, state):
        z, g = nn.functional.linear(x, self.weight, self.bias).chunk(2, dim=1)
        h = torch.zeros_like(g) if state is None else state
        h = h + torch.sigmoid(z) * (g - h)  # (B, D)
        return h, h

    def fast(self, x):
        return MinGRUKernel.apply(x, self.weight, self.bias)  # (T, B, D)


class _Filter(OneWay):
    """A cell that is linear up to its ReLU: a subclass says what it filters.

    ``filter(x)`` gives the numbers u (T, B, P) that the memory reads, its kernel
    (T, P, D), lag 0 first, and the weight (D, F) of the path around the memory.
    """

    FEW = 4  # numbers P a step up to which one convolution each is fast

    def fast(self, x):
        return FilterKernel.apply(x, *self.filter(x), self.bias, False)  # (T, B, D)

    def reverse(self, x):
        return FilterKernel.apply(x, *self.filter(x), self.bias, True)  # (T, B, D)

    def last(self, x):  # one product
        u, kernel, weight = self.filter(x)
        h = torch.tensordot(u, kernel.flip(0), ([0, 2], [0, 1]))  # (B, D)
        return torch.relu(h + nn.functional.linear(x[-1], weight, self.bias))


class LRU(_Filter):
    r"""The linear recurrent unit, followed by a ReLU [1]_.

    .. math::
        s_t &= \lambda \odot s_{t-1} + \gamma \odot B x_t \\
        h_t &= \max(0, \mathrm{Re}(C s_t) + W x_t + b) \\
        \lambda &= \exp(-e^\nu + i e^\theta), \quad \gamma = e^{\log \gamma}

    where :math:`x_t` is the step, :math:`s_t` the state of D complex units, 0 before
    the first step, and :math:`h_t` the output. :math:`\nu, \theta` keep
    :math:`|\lambda|` below 1 whatever is learned (the paper's exponential form), and
    :math:`\gamma` keeps the state's size (its normalisation); both, and the complex
    :math:`B, C`, are learned. :math:`|\lambda|^2` starts uniform between ``RING[0]**2``
    and ``RING[1]**2``, the phase uniform on the circle (the paper's Lemma 3.2),
    :math:`\gamma` at :math:`\sqrt{1 - |\lambda|^2}`, the parts of :math:`B` and
    :math:`C` normal with variances 1 / 2F and 1 / D for F features and D units,
    :math:`W` with Glorot's uniform initialisation, :math:`b` with 0. The optimiser's
    weight decay leaves :math:`\nu, \theta, \log \gamma` alone: it would shorten the
    memory.

    In the paper normalisation, a gated linear unit and a skip connection follow each
    of these layers; here a ReLU does, and the rest is left to the network.

    References
    ----------
    .. [1] A. Orvieto et al., "Resurrecting recurrent neural networks for long
       sequences", ICML 2023, sec. 3.
    """

    RING = (0.9, 0.999)

    def __init__(self, n_inputs, n_units, n_steps):
        super().__init__()
        low, high = (r**2 for r in self.RING)
        decay = -0.5 * torch.log(low + (high - low) * torch.rand(n_units))
        phase = 2 * math.pi * (1 - torch.rand(n_units))  # never 0
        self.log_nu = nn.Parameter(torch.log(decay))
        self.log_theta = nn.Parameter(torch.log(phase))
        self.log_gamma = nn.Parameter(0.5 * torch.log(-torch.expm1(-2 * decay)))
        drive = torch.randn(n_units, 2, n_inputs) / math.sqrt(2 * n_inputs)
        read = torch.randn(n_units, n_units, 2) / math.sqrt(n_units)
        self.weight_in = nn.Parameter(drive)  # B: real and imaginary (D, 2, F)
        self.weight_out = nn.Parameter(read)  # C (D, D, 2)
        self.weight_past = nn.Parameter(torch.empty(n_units, n_inputs))  # W
        nn.init.xavier_uniform_(self.weight_past)
        self.bias = nn.Parameter(torch.zeros(n_units))

    def forward(self, x):
        drive = self._drive(x).unflatten(2, (-1, 2))  # (T, B, D, 2), real arithmetic
        size, phase = torch.exp(-self.log_nu.exp()), self.log_theta.exp()
        real, imaginary = size * phase.cos(), size * phase.sin()  # lambda
        a, b = torch.zeros_like(drive[0]).unbind(2)  # of the state a + ib, each (B, D)
        states = []
        for drive_t in drive:
            a, b = (
                real * a - imaginary * b + drive_t[..., 0],
                imaginary * a + real * b + drive_t[..., 1],
            )
            states.append(torch.stack([a, b], dim=2).flatten(1))
        return self._output(torch.stack(states), x)  # (T, B, D)

    def step(self, x, state):
        drive = torch.view_as_complex(self._drive(x).unflatten(1, (-1, 2)))
        if state is not None:
            drive = drive + self.decay() * state  # (B, D)
        return self._output(self._pairs(drive[None]), x[None])[0], drive

    def fast(self, x):
        # Operations per step, image and unit: states cost 4 (F + D), most of them to
        # read D complex units out; FFTs some 60, and some 12 F for the products: 0.18
        # of an LSTM's time against 0.36 for 784 steps of 1 feature and 128 units.
        if x.shape[2] <= self.FEW:
            return super().fast(x)
        return self._output(self._states(x), x)  # (T, B, D)

    def reverse(self, x):
        if x.shape[2] <= self.FEW:
            return super().reverse(x)
        return OneWay.reverse(self, x)

    def last(self, x):
        if x.shape[2] <= self.FEW:
            return super().last(x)
        return self._output(self._states(x)[-1:], x[-1:])[0]  # (B, D)

    def _drive(self, x):
        """What each step adds to the state, real and imaginary: (T, B, D * 2)."""
        weight = self.log_gamma.exp()[:, None, None] * self.weight_in  # (D, 2, F)
        return nn.functional.linear(x, weight.flatten(0, 1))

    def _states(self, x):
        """The states of all steps as real pairs: (T, B, F) to (T, B, D * 2)."""
        drive = torch.view_as_complex(self._drive(x).unflatten(2, (-1, 2)))
        return self._pairs(DecayKernel.apply(drive, self.decay()))

    def _output(self, pairs, x):
        """The outputs of states (T, B, D * 2) and steps (T, B, F): (T, B, D)."""
        past = nn.functional.linear(x, self.weight_past, self.bias)
        return torch.relu(self._read_out(pairs) + past)

    def filter(self, x):
        lags = torch.arange(len(x), device=x.device)[:, None]
        powers = torch.exp(lags * self._exponent())[:, None]  # (T, 1, D)
        drive = torch.complex(self.weight_in[:, 0], self.weight_in[:, 1]).T  # (F, D)
        kernel = self._pairs(powers * (self.log_gamma.exp() * drive))
        return x, self._read_out(kernel), self.weight_past

    def decay(self):
        """lambda, complex: (D,)."""
        return self._exponent().exp()

    def _exponent(self):
        """The logarithm of lambda."""
        return torch.complex(-self.log_nu.exp(), self.log_theta.exp())

    def _pairs(self, states):
        """Complex (T, ., D) as real (T, ., D * 2)."""
        return torch.view_as_real(states).flatten(2)

    def _read_out(self, pairs):
        """Re(C s), as one real product: (T, ., D * 2) to (T, ., D)."""
        sign = self.weight_out.new_tensor([1, -1])
        return nn.functional.linear(pairs, (self.weight_out * sign).flatten(1))


class LMU(_Filter):
    r"""The Legendre memory unit [1]_ in its parallel form [2]_.

    .. math::
        u_t &= U x_t + b_u \\
        m_t &= \bar A m_{t-1} + \bar B u_t \\
        h_t &= \max(0, W_m m_t + W_x x_t + b)

    where :math:`x_t` is the step, :math:`u_t` what the memory reads of it,
    :math:`m_t` the memory, 0 before the first step, and :math:`h_t` the output.
    :math:`u_t` is one number in [1]_, and where a step has one feature; else there are
    min(F, 4) of them with a memory each, as one number says too little of a line. A
    memory holds the last :math:`\theta` values of :math:`u`, as the coefficients of
    Legendre polynomials of degree 0 to q - 1. It is not learned: with
    :math:`0 \le j, k < q` and :math:`\theta = T`, the number of steps in ``fit``,

    .. math::
        A_{jk} = \frac{2 j + 1}{\theta} \begin{cases} -1 & j < k \\
        (-1)^{j - k + 1} & j \ge k \end{cases}, \qquad
        B_j = \frac{(2 j + 1) (-1)^j}{\theta}

    held constant within a step (zero-order hold): :math:`\bar A = e^A`,
    :math:`\bar B = A^{-1} (\bar A - I) B`. The order q is 0.6 T, rounded up, at most
    512: 471 for the 784 pixels of MNIST, where [2]_ has 468. :math:`U, W_m, W_x` start
    with Glorot's uniform initialisation, the biases with 0.

    References
    ----------
    .. [1] A. R. Voelker, I. Kajić, C. Eliasmith, "Legendre memory units:
       continuous-time representation in recurrent neural networks", NeurIPS 2019,
       sec. 2.
    .. [2] N. R. Chilkuri, C. Eliasmith, "Parallelizing Legendre memory unit
       training", ICML 2021, sec. 3.
    """

    def __init__(self, n_inputs, n_units, n_steps):
        super().__init__()
        order = min(-(-3 * n_steps // 5), 512)
        n_memories = min(n_inputs, self.FEW)
        self.encode = nn.Linear(n_inputs, n_memories)
        self.weight_memory = nn.Parameter(torch.empty(n_units, n_memories, order))
        self.weight_past = nn.Parameter(torch.empty(n_units, n_inputs))
        self.bias = nn.Parameter(torch.zeros(n_units))
        flat = self.weight_memory.detach().flatten(1)
        for weight in (self.encode.weight, flat, self.weight_past):
            nn.init.xavier_uniform_(weight)
        nn.init.zeros_(self.encode.bias)
        self.n_steps = n_steps
        # Computed, not learned: in float64, cast with the rest, kept out of weights_
        response = legendre_response(order, n_steps, n_steps)
        self.register_buffer("response", response, persistent=False)

    def forward(self, x):
        u, kernel, weight = self.filter(x)
        u = nn.functional.pad(u.permute(1, 2, 0), (len(x) - 1, 0))  # (B, P, 2 T - 1)
        memory = nn.functional.conv1d(u, kernel.flip(0).permute(2, 1, 0))  # (B, D, T)
        past = nn.functional.linear(x, weight, self.bias)
        return torch.relu(memory.permute(2, 0, 1) + past)  # (T, B, D)

    def step(self, x, state):
        if state is None:  # the memory, its A and its B, in float64 like the response
            order = self.weight_memory.shape[2]
            shape = len(x), self.encode.out_features, order
            state = (
                x.new_zeros(shape, dtype=torch.float64),
                *legendre_delay(order, self.n_steps),
            )
        memory, a, b = state
        u = self.encode(x).double()  # (B, P)
        memory = memory @ a.T + u[..., None] * b  # (B, P, q)
        h = torch.tensordot(memory.to(x.dtype), self.weight_memory, ([1, 2], [1, 2]))
        h = torch.relu(h + nn.functional.linear(x, self.weight_past, self.bias))
        return h, (memory, a, b)

    def filter(self, x):
        response = self.response[: len(x)].to(x.dtype)
        if len(x) > len(response):
            order = self.weight_memory.shape[2]
            response = legendre_response(order, self.n_steps, len(x)).to(x)
        kernel = torch.tensordot(response, self.weight_memory, ([1], [2]))  # (T, D, P)
        return self.encode(x), kernel.transpose(1, 2), self.weight_past


def legendre_delay(order, n_steps):
    """The LMU's discrete A (q, q) and B (q,), in float64."""
    # on the CPU even where a network is built without memory for its weights
    j = torch.arange(order, dtype=torch.float64, device="cpu")[:, None]
    sign = torch.where(j < j.T, -1.0, (-1.0) ** (j - j.T + 1))
    a = (2 * j + 1) / n_steps * sign
    b = (2 * j + 1) / n_steps * (-1.0) ** j
    both = nn.functional.pad(torch.cat([a, b], dim=1), (0, 0, 0, 1))
    both = torch.linalg.matrix_exp(both)  # of [[A, B], [0, 0]]
    return both[:-1, :-1], both[:-1, -1]


def legendre_response(order, theta, n_steps):
    """The LMU's memory of a single 1, after each step: (T, q), in float64."""
    power, b = legendre_delay(order, theta)
    response = b[None]
    while len(response) < n_steps:  # twice as many each time
        response = torch.cat([response, response @ power.T])
        power = power @ power
    return response[:n_steps].clone()
