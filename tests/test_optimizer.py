"""Muon for filters, AdamW for the rest."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch import nn

from sk_rnnimage._training.optimizer import MuonAdamW, orthogonal


def layers(seed=0):
    torch.manual_seed(seed)
    return nn.Conv2d(3, 8, 3).double(), nn.Linear(4, 5).double()


def make_optimizer(convolution, linear, **settings):
    groups = [
        {"params": [convolution.weight], "muon": True},
        {"params": [convolution.bias, *linear.parameters()]},
    ]
    return MuonAdamW(groups, **({"lr": 0.01, "weight_decay": 0.1} | settings))


def fill_gradients(*modules, seed=0, factor=1):
    generator = torch.Generator().manual_seed(seed)
    for module in modules:
        for p in module.parameters():
            noise = torch.randn(p.shape, generator=generator, dtype=torch.float64)
            p.grad = (factor * noise).to(p.dtype)


@pytest.mark.parametrize("shape", [(8, 27), (27, 8), (6, 6), (1, 9)], ids=str)
def test_singular_values_come_near_one_in_their_place(shape):
    matrix = np.random.RandomState(0).randn(*shape)
    u, s, vt = np.linalg.svd(matrix, full_matrices=False)
    found = orthogonal(torch.tensor(matrix)).numpy()
    inside = u.T @ found @ vt.T
    values = inside.diagonal()
    assert_allclose(inside, np.diag(values), atol=1e-10)
    large = s > 0.1 * np.linalg.norm(s)
    assert ((values > 0.5) & (values < 1.3))[large].all()


def test_an_update_turns_the_filters_by_the_rate():
    convolution, linear = layers()
    fill_gradients(convolution, linear)
    before = convolution.weight.detach().clone()
    make_optimizer(convolution, linear).step()
    update = orthogonal(convolution.weight.grad.flatten(1)).view_as(before)
    wanted = before - 10 * 0.01 * before.norm() / update.norm() * update
    wanted *= before.norm() / wanted.norm()
    assert_allclose(convolution.weight.detach(), wanted, rtol=1e-9)


def test_the_size_of_the_gradient_means_nothing():
    after = []
    for factor in (1, 1e-6, 1e-25):
        convolution, linear = layers()
        optimizer = make_optimizer(convolution, linear)
        for seed in range(3):
            fill_gradients(convolution, linear, seed=seed, factor=factor)
            optimizer.step()
        after.append(convolution.weight.detach())
    for other in after[1:]:
        assert_allclose(other, after[0], rtol=1e-9)


def test_momentum_by_hand():
    convolution, linear = layers()
    optimizer = make_optimizer(convolution, linear)
    weight = convolution.weight.detach().clone()
    momentum = 0
    for seed in range(3):
        fill_gradients(convolution, linear, seed=seed)
        momentum = 0.6 * momentum + convolution.weight.grad
        update = convolution.weight.grad + 0.6 * momentum
        update = orthogonal(update.flatten(1)).view_as(weight)
        turned = weight - 0.1 * weight.norm() / update.norm() * update
        weight = turned * weight.norm() / turned.norm()
        optimizer.step()
    assert_allclose(convolution.weight.detach(), weight, rtol=1e-9)


def test_the_rest_is_adamw():
    convolution, linear = layers()
    twin = layers()
    plain = torch.optim.AdamW(
        [twin[0].bias, *twin[1].parameters()], lr=0.01, weight_decay=0.1
    )
    optimizer = make_optimizer(convolution, linear)
    for seed in range(3):
        for modules in ((convolution, linear), twin):
            fill_gradients(*modules, seed=seed)
        optimizer.step()
        plain.step()
    for one, other in zip(
        [convolution.bias, *linear.parameters()], plain_weights(plain)
    ):
        assert torch.equal(one, other)
    assert convolution.weight.grad is not None


def plain_weights(optimizer):
    return [p for group in optimizer.param_groups for p in group["params"]]


def test_a_closure_gives_the_loss():
    convolution, linear = layers()
    optimizer = make_optimizer(convolution, linear)

    def closure():
        optimizer.zero_grad()
        loss = convolution(torch.ones(1, 3, 4, 4).double()).square().sum()
        loss.backward()
        return loss

    first = optimizer.step(closure)
    for _ in range(5):
        last = optimizer.step(closure)
    assert last < first


def test_no_gradient_is_no_update():
    convolution, linear = layers()
    before = convolution.weight.detach().clone()
    make_optimizer(convolution, linear).step()
    assert torch.equal(convolution.weight, before)
    convolution.weight.grad = torch.zeros_like(convolution.weight)
    make_optimizer(convolution, linear).step()
    assert torch.equal(convolution.weight, before)


def test_the_norm_of_the_filters_stays():
    convolution = nn.Conv2d(1, 4, 3)
    before = convolution.weight.norm().item()
    optimizer = MuonAdamW([{"params": [convolution.weight], "muon": True}], lr=0.05)
    for seed in range(400):
        fill_gradients(convolution, seed=seed)
        optimizer.step()
    assert_allclose(convolution.weight.norm().item(), before, rtol=1e-3)
