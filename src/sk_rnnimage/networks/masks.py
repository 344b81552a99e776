"""Masks of padded sequences and images: True where a step or a pixel is real."""

import torch


def step_mask(lengths, n_steps):
    """The first ``lengths`` (B,) of T steps: (T, B), or None where all are real."""
    if lengths is None:
        return None
    return torch.arange(n_steps, device=lengths.device)[:, None] < lengths


def pixel_mask(sizes, height, width):
    """The pixels within ``sizes`` (B, 2), heights and widths: (B, H, W)."""
    rows = step_mask(sizes[:, 0], height).T  # (B, H)
    columns = step_mask(sizes[:, 1], width).T  # (B, W)
    return rows[:, :, None] & columns[:, None]


def key_padding_mask(mask):
    """What torch's attention calls so: a step mask (T, B) as (B, T), inverted."""
    return None if mask is None else ~mask.T
