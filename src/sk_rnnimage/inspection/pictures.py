"""Pixels as pictures, and the colours that the Displays share."""

import numpy as np

# Okabe and Ito's, told apart by colour-blind readers too; line styles for a grey print.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00")
LINE_STYLES = ("-", "--", "-.", (0, (3, 1, 1, 1, 1, 1)), (0, (8, 2)))
GREY = "#7f7f7f"  # of what is left over

_MISSING = (0.80, 0.47, 0.65)  # no grey, so that a missing pixel is none


def to_rgb(pixels):
    """Pixels (..., C) of any unit as colours (..., 3) between 0 and 1.

    Three channels are red, green and blue, a fourth is left out; any other number is
    shown by its mean, in grey. Bytes of colour images keep their brightness, other
    values are stretched from the smallest to the largest. A missing pixel is pink.
    """
    n_channels = pixels.shape[-1]
    is_bytes = pixels.dtype == np.uint8 and n_channels in (3, 4)
    pixels = pixels.astype(np.float64)
    missing = np.isnan(pixels).any(axis=-1)
    if n_channels in (3, 4):
        colours = pixels[..., :3]
    else:
        colours = pixels.mean(axis=-1, keepdims=True).repeat(3, axis=-1)
    if is_bytes:
        return colours / 255
    values = colours[~missing]
    low, high = (values.min(), values.max()) if values.size else (0.0, 0.0)
    colours = (colours - low) / (high - low) if high > low else 0 * colours + 0.5
    colours[missing] = _MISSING
    return colours


def faded(colours, share=0.8):
    """Colours (..., 3) mixed with as large a share of white."""
    return share + (1 - share) * colours


def to_grey(colours):
    """Colours (..., 3) without their hue, by their luminance (Rec. 709)."""
    luminance = colours @ [0.2126, 0.7152, 0.0722]
    return np.repeat(luminance[..., None], 3, axis=-1)
