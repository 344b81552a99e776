"""Masks of padded steps and pixels."""

import numpy as np
import torch
from numpy.testing import assert_allclose, assert_array_equal

from sk_rnnimage.networks.masks import key_padding_mask, pixel_mask, step_mask

SIZES = torch.tensor([[3, 2], [1, 5], [4, 4], [2, 1]])
LENGTHS = SIZES[:, 0]


def test_a_step_mask_by_hand():
    mask = step_mask(LENGTHS, 4)
    assert mask.dtype == torch.bool
    assert_array_equal(
        mask.int(), [[1, 1, 1, 1], [1, 0, 1, 1], [1, 0, 1, 0], [0, 0, 1, 0]]
    )
    assert_array_equal(mask.sum(0), LENGTHS)


def test_a_pixel_mask_by_hand():
    mask = pixel_mask(SIZES, 4, 5)
    assert mask.dtype == torch.bool
    for found, (height, width) in zip(mask, SIZES.tolist(), strict=True):
        expected = np.zeros((4, 5), dtype=bool)
        expected[:height, :width] = True
        assert_array_equal(found, expected)


def test_one_column_of_pixels_is_a_sequence():
    sizes = torch.stack([LENGTHS, torch.ones_like(LENGTHS)], dim=1)
    assert torch.equal(pixel_mask(sizes, 4, 1)[..., 0].T, step_mask(LENGTHS, 4))
    turned = pixel_mask(sizes.flip(1), 1, 4)
    assert torch.equal(turned[:, 0].T, step_mask(LENGTHS, 4))


def test_no_mask_says_that_all_is_real():
    assert step_mask(None, 4) is None
    assert key_padding_mask(None) is None


def test_attention_sees_the_real_steps_alone():
    torch.manual_seed(0)
    attention = torch.nn.MultiheadAttention(6, 2).double()
    x = torch.randn(4, len(LENGTHS), 6, dtype=torch.float64)  # (T, B, N)
    padding = key_padding_mask(step_mask(LENGTHS, 4))
    found, _ = attention(x, x, x, padding)
    for i, n in enumerate(LENGTHS):
        alone = x[:n, [i]]
        expected, _ = attention(alone, alone, alone)
        assert_allclose(found[:n, [i]].detach(), expected.detach(), atol=1e-12)
