"""Hand-written forward and backward passes of the linear cells.

Each is the same function as the plain ``forward`` of its cell, in less time and memory:
what autograd would keep of each step is computed again, a block of steps or of images
at a time.
"""

from functools import cache

import torch
from torch import nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable

# Values that are worked on at a time: few enough to stay in the cache, and for malloc
# to reuse its memory (fresh pages cost more than the arithmetic).
BLOCK = 2**17


class MinGRUKernel(Function):
    """minGRU: a loop of one ``lerp`` a step, and the same in the backward pass.

    Gates are computed a block of steps at a time, and again in the backward pass: all
    that is kept is the output. (A scan in logarithms takes five times as long.)
    """

    @staticmethod
    def forward(ctx, x, weight, bias):
        n_steps, n, _ = x.shape
        h = x.new_empty(n_steps, n, len(bias) // 2)
        h_t = torch.zeros_like(h[0])
        for block in blocks(h):
            keep, g = MinGRUKernel.gates(x[block], weight, bias)
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
        later = torch.zeros_like(h[0])  # the gradient from later steps
        for block in reversed(blocks(h)):
            keep, g = MinGRUKernel.gates(x[block], weight, bias)
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


class DecayKernel(Function):
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


class FilterKernel(Function):
    """LRU and LMU: max(0, sum over lags of kernel * u + weight x + bias), by FFT.

    A few images are worked on at a time, so that no more than the output is ever held.
    The output's steps are next to each other in memory, as the FFT leaves them:
    (T, B, D) is a view.
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
            memory = torch.fft.irfft(product, n=length)[..., :n_steps]  # (., D, T)
            weight_1 = past.expand(len(memory), -1, -1)
            torch.baddbmm(memory, weight_1, x_1[few], out=h[few])
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
            grad = padded[: len(h[few]), :, :n_steps]  # through the ReLU, (., D, T)
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
    """(T, B, D) as (B, D, T) in memory: two plain copies, faster than a strided one."""
    n_steps, n, n_units = x.shape
    return x.contiguous().view(n_steps, -1).T.contiguous().view(n, n_units, n_steps)


@cache
def fft_length(n_steps):
    """A length for FFTs, of prime factors up to 7, that holds a whole convolution."""
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


def blocks(h):
    """Slices along the first axis of (., ., .), of about BLOCK values each."""
    size = max(1, BLOCK // max(1, h[0].numel()))
    return [slice(t, min(t + size, len(h))) for t in range(0, len(h), size)]


def before(h, block):
    """The states one step before those of a block."""
    if block.start:
        return h[block.start - 1 : block.stop - 1]
    return torch.cat([torch.zeros_like(h[:1]), h[: block.stop - 1]])
