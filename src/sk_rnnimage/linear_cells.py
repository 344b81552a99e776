"""The cells whose state moves linearly, and therefore fast.

What they multiply the state with does not depend on the state: the work of all steps is
done at once, by a convolution or by large products, and no more than one elementwise
operation a step is left. Cells here read in one direction; ``cells.py`` makes two of
them a layer that reads in both.
"""

import math
from functools import cache

import torch
from torch import nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable

LONG = 100  # steps beyond which gates are made to hold, see chrono
BLOCK = 2**17  # values: what is worked on at a time stays in the cache, and small
# enough for malloc to use its memory again; fresh pages cost more than the arithmetic


def chrono(bias, n_steps):
    r"""Let a gate that holds the state hold it for 1 to T steps: chrono initialisation.

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

    The other methods say the same of fewer states or of the other direction; a cell
    that can do so with less work has its own.
    """

    def backwards(self, x):
        """The states of reading from the end to the beginning: (T, B, D)."""
        return self(x.flip(0)).flip(0)

    def last(self, x):
        """The state after the last step: (B, D)."""
        return self(x)[-1]


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
        return _MinGRU.apply(x, self.weight, self.bias)  # (T, B, D)


class _MinGRU(Function):
    """A loop of one ``lerp`` a step, and the same backwards.

    Gates are computed a block of steps at a time, and again in the backward pass: all
    that is kept is the output. (A scan in logarithms takes five times as long.)
    """

    @staticmethod
    def forward(ctx, x, weight, bias):
        n_steps, n, _ = x.shape
        h = x.new_empty(n_steps, n, len(bias) // 2)
        h_t = torch.zeros_like(h[0])
        for block in blocks(h):
            keep, g = _MinGRU.gates(x[block], weight, bias)
            for g_t, keep_t, out in zip(g, keep, h[block]):
                h_t = torch.lerp(g_t, h_t, keep_t, out=out)
        ctx.save_for_backward(x, weight, bias, h)
        return h

    @staticmethod
    def gates(x, weight, bias):
        """The steps' 1 - z and g, each (T, B, D)."""
        keep, g = nn.functional.linear(x, weight, bias).chunk(2, dim=2)
        return keep.neg_().sigmoid_(), g

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_h):
        x, weight, bias, h = ctx.saved_tensors
        grad_x = torch.empty_like(x) if ctx.needs_input_grad[0] else None
        grad_weight, grad_bias = torch.zeros_like(weight), torch.zeros_like(bias)
        later = torch.zeros_like(h[0])  # what comes back from the later steps
        for block in reversed(blocks(h)):
            keep, g = _MinGRU.gates(x[block], weight, bias)
            grad = torch.empty_like(g, memory_format=torch.contiguous_format)
            for out, grad_t, keep_t in reversed(list(zip(grad, grad_h[block], keep))):
                torch.add(grad_t, later, out=out)
                torch.mul(out, keep_t, out=later)
            grad_g = torch.addcmul(grad, grad, keep, value=-1)
            grad_z = g.sub_(before(h, block)).mul_(keep).mul_(grad_g)
            grads = torch.cat([grad_z, grad_g], dim=2).flatten(0, 1)  # (T * B, 2 * D)
            grad_weight += grads.T @ x[block].flatten(0, 1)
            grad_bias += grads.sum(0)
            if grad_x is not None:
                grad_x[block] = (grads @ weight).view_as(x[block])
        return grad_x, grad_weight, grad_bias


def blocks(h):
    """Slices along the first axis of (., ., .), of about BLOCK values each."""
    size = max(1, BLOCK // max(1, h[0].numel()))
    return [slice(t, min(t + size, len(h))) for t in range(0, len(h), size)]


def before(h, block):
    """The states one step before those of a block."""
    if block.start:
        return h[block.start - 1 : block.stop - 1]
    return torch.cat([torch.zeros_like(h[:1]), h[: block.stop - 1]])


class _Filter(OneWay):
    """A cell that is linear up to its rectifier: a subclass says what it filters.

    ``filter(x)`` gives the numbers u (T, B, P) that the memory reads, its kernel
    (T, P, D), lag 0 first, and the weight (D, F) of what goes past the memory.
    """

    FEW = 4  # numbers P a step up to which one convolution each is fast

    def forward(self, x):
        return _Filtered.apply(x, *self.filter(x), self.bias, False)  # (T, B, D)

    def backwards(self, x):
        return _Filtered.apply(x, *self.filter(x), self.bias, True)  # (T, B, D)

    def last(self, x):  # one product
        u, kernel, weight = self.filter(x)
        h = torch.tensordot(u, kernel.flip(0), ([0, 2], [0, 1]))  # (B, D)
        return torch.relu(h + nn.functional.linear(x[-1], weight, self.bias))


class LRU(_Filter):
    r"""The linear recurrent unit, followed by a rectifier [1]_.

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
    of these layers; here a rectifier does, and the network has the rest.

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
        # Per step, image and unit, states cost 4 (F + D) operations, most of them to
        # read D complex units out; FFTs some 60, and some 12 F for the products: 0.18
        # of an LSTM's time against 0.36 for 784 steps of 1 feature and 128 units.
        if x.shape[2] <= self.FEW:
            return super().forward(x)
        return self.output(self.states(x), x)  # (T, B, D)

    def backwards(self, x):
        if x.shape[2] <= self.FEW:
            return super().backwards(x)
        return OneWay.backwards(self, x)

    def last(self, x):
        if x.shape[2] <= self.FEW:
            return super().last(x)
        return self.output(self.states(x)[-1:], x[-1:])[0]  # (B, D)

    def states(self, x):
        """The states of all steps, one after the other: (T, B, F) to (T, B, D)."""
        drive = (self.log_gamma.exp()[:, None, None] * self.weight_in).flatten(0, 1)
        drive = nn.functional.linear(x, drive).unflatten(2, (-1, 2))  # (T, B, D, 2)
        return _Decay.apply(torch.view_as_complex(drive), self.exponent().exp())

    def output(self, states, x):
        past = nn.functional.linear(x, self.weight_past, self.bias)
        return torch.relu(self.read(states) + past)  # (T, B, D)

    def filter(self, x):
        lags = torch.arange(len(x), device=x.device)[:, None]
        powers = torch.exp(lags * self.exponent())[:, None]  # (T, 1, D)
        drive = torch.complex(self.weight_in[:, 0], self.weight_in[:, 1]).T  # (F, D)
        return x, self.read(powers * (self.log_gamma.exp() * drive)), self.weight_past

    def exponent(self):
        """The logarithm of lambda."""
        return torch.complex(-self.log_nu.exp(), self.log_theta.exp())

    def read(self, states):
        """Re(C s), as one real product: (T, ., D) to (T, ., D)."""
        sign = self.weight_out.new_tensor([1, -1])
        states = torch.view_as_real(states).flatten(2)  # (T, ., 2 * D)
        return nn.functional.linear(states, (self.weight_out * sign).flatten(1))


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

    def filter(self, x):
        response = self.response[: len(x)].to(x.dtype)
        if len(x) > len(response):
            order = self.weight_memory.shape[2]
            response = legendre_response(order, self.n_steps, len(x)).to(x)
        kernel = torch.tensordot(response, self.weight_memory, ([1], [2]))  # (T, D, P)
        return self.encode(x), kernel.transpose(1, 2), self.weight_past


def legendre_delay(order, n_steps):
    """The LMU's discrete A (q, q) and B (q,), in float64."""
    j = torch.arange(order, dtype=torch.float64)[:, None]
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


class _Filtered(Function):
    """max(0, sum over lags of kernel * u + weight x + bias), by FFT.

    Images are worked on a few at a time, because of which no more than the output is
    ever held. The output's steps are next to each other in memory, as the FFT leaves
    them: (T, B, D) is a view.
    """

    @staticmethod
    def forward(ctx, x, u, kernel, weight, bias, backwards):
        n_steps, n, _ = u.shape
        length = fft_length(n_steps)
        spectra, kernels = spectrum(u, length), spectrum(kernel, length)
        if backwards:  # lags reach into what is still to come
            kernels = kernels.conj_physical()
        x_1, past = with_ones(x), torch.cat([weight, bias[:, None]], dim=1)
        h = x.new_empty(n, len(bias), n_steps)
        for few in blocks(h):
            product = spectra[few, 0, None] * kernels[0]  # (., D, frequencies)
            for p in range(1, len(kernels)):
                product.addcmul_(spectra[few, p, None], kernels[p])
            found = torch.fft.irfft(product, n=length)[..., :n_steps]
            torch.baddbmm(found, past.expand(len(found), -1, -1), x_1[few], out=h[few])
            h[few].relu_()
        h = h.permute(2, 0, 1)  # (T, B, D)
        ctx.save_for_backward(x, u, kernel, weight, bias, h)
        ctx.backwards = backwards
        return h

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_h):
        x, u, kernel, weight, bias, h = ctx.saved_tensors
        n_steps, length = len(u), fft_length(len(u))
        spectra, kernels = spectrum(u, length).conj_physical(), spectrum(kernel, length)
        if not ctx.backwards:
            kernels = kernels.conj_physical()
        x_1, h = with_ones(x), h.permute(1, 2, 0)  # (B, ., T)
        grad_x = (
            torch.empty_like(x.permute(1, 2, 0)) if ctx.needs_input_grad[0] else None
        )
        grad_u = torch.empty_like(spectra) if ctx.needs_input_grad[1] else None
        grad_kernel = torch.zeros_like(kernels)
        grad_past = weight.new_zeros(len(bias), x_1.shape[1])
        padded = h.new_zeros(*h[blocks(h)[0]].shape[:2], length)
        for few in blocks(h):
            grad = padded[: len(h[few]), :, :n_steps]  # of the rectifier, (., D, T)
            torch.mul(by_image(grad_h[:, few]), h[few].sign(), out=grad)
            grad_past += torch.bmm(grad, x_1[few].transpose(1, 2)).sum(0)
            if grad_x is not None:
                torch.matmul(weight.T, grad, out=grad_x[few])
            grad = torch.fft.rfft(padded[: len(grad)])
            for p in range(len(kernels)):
                product = grad * spectra[few, p, None]
                grad_kernel[p] += product.sum(0) if len(product) > 1 else product[0]
                if grad_u is not None:
                    grad_u[few, p] = (grad * kernels[p]).sum(1)
        if ctx.backwards:
            grad_kernel = grad_kernel.conj_physical()
        grad_kernel = unspectrum(grad_kernel, length, n_steps)
        grad_x = None if grad_x is None else grad_x.permute(2, 0, 1)
        grad_u = None if grad_u is None else unspectrum(grad_u, length, n_steps)
        return grad_x, grad_u, grad_kernel, grad_past[:, :-1], grad_past[:, -1], None


def with_ones(x):
    """(T, B, F) as (B, F + 1, T), the last feature 1: what multiplies a bias."""
    return nn.functional.pad(x.permute(1, 2, 0), (0, 0, 0, 1), value=1.0)


def by_image(x):
    """(T, B, D) as (B, D, T) in memory: two plain copies, faster than a jumping one."""
    n_steps, n, n_units = x.shape
    return x.contiguous().view(n_steps, -1).T.contiguous().view(n, n_units, n_steps)


@cache
def fft_length(n_steps):
    """A length for FFTs, of factors up to 7, that leaves room for a convolution."""
    length = 2 * n_steps - 1
    unit = 2 ** max(0, length.bit_length() - 6)
    length = -(-length // unit)
    while (2 * 3 * 5 * 7) ** length.bit_length() % length:
        length += 1
    return length * unit


def spectrum(x, length):
    """(T, ., .) to its real FFT over the steps, padded: (., ., frequencies)."""
    return torch.fft.rfft(x.permute(1, 2, 0), n=length)


def unspectrum(x, length, n_steps):
    """(., ., frequencies) to the first steps of what has that FFT: (T, ., .)."""
    return torch.fft.irfft(x, n=length)[..., :n_steps].permute(2, 0, 1)


class _Decay(Function):
    """States s_t = decay * s_{t-1} + drive_t, complex: one operation a step."""

    @staticmethod
    def forward(ctx, drive, decay):
        states = torch.empty_like(drive)  # (T, B, D)
        state = torch.zeros_like(drive[0])
        for drive_t, out in zip(drive, states):
            state = torch.addcmul(drive_t, decay, state, out=out)
        ctx.save_for_backward(decay, states)
        return states

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_states):
        decay, states = ctx.saved_tensors
        conj = decay.conj_physical()
        grad_drive = torch.empty_like(states)
        later = torch.zeros_like(states[0])
        for grad_t, out in reversed(list(zip(grad_states, grad_drive))):
            later = torch.addcmul(grad_t, conj, later, out=out)
        grad_decay = torch.zeros_like(decay)
        for block in blocks(states):
            grad = grad_drive[block] * before(states, block).conj()
            grad_decay += grad.sum((0, 1))
        return grad_drive, grad_decay
