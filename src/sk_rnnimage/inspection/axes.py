"""The matplotlib axes that a Display draws on."""

import numpy as np

from sk_rnnimage._environment.optional import needed


def get_axes(ax, **figure_options):
    """Return the given axes, or those of a new figure if ``ax`` is None.

    Raises a TypeError where ``ax`` is something else.

    matplotlib is imported here and not at the top, because it is optional. The figure
    comes from pyplot, so that notebooks show it.
    """
    with needed("Drawing", "matplotlib", "plot"):
        import matplotlib.pyplot as plt
        from matplotlib.axes import Axes
    if ax is None:
        return plt.subplots(**figure_options)[1]
    if not isinstance(ax, Axes):
        raise TypeError(
            f"ax must be None or an Axes of matplotlib. Got {ax!r:.80} instead."
        )
    return ax


def get_panels(ax, boxes, **figure_options):
    """Return the axes around several panels, and the panels, as an array.

    Parameters
    ----------
    ax : matplotlib Axes, array-like of Axes, or None
        Axes whose place the panels take, or the panels themselves. None creates a new
        figure.
    boxes : list of (left, bottom, width, height)
        Where each panel lies, in fractions of the axes. One alone is the axes.
    **figure_options
        Of a new figure.

    Raises
    ------
    ValueError
        Where there is another number of axes than of panels, or axes hold panels
        already.
    """
    if isinstance(ax, (list, tuple, np.ndarray)):
        panels = _all_of(ax)
        if len(panels) != len(boxes):
            raise ValueError(
                f"ax must be one Axes, or {len(boxes)} of them, one for each panel. "
                f"Got {len(panels)}."
            )
        panels[:] = [get_axes(panel) for panel in panels]
        return panels[0], panels
    ax = get_axes(ax, **figure_options)
    if len(boxes) == 1:
        return ax, np.array([ax], dtype=object)
    if not ax.axison:  # as in scikit-learn's PartialDependenceDisplay
        raise ValueError(
            "ax holds the panels of a plot already. Pass ax=display.axes_ to plot on "
            "those, or other axes."
        )
    ax.set_axis_off()
    return ax, np.array([ax.inset_axes(box) for box in boxes], dtype=object)


def _all_of(ax):
    """Several axes as an array of objects, from an array or nested lists."""
    try:
        return np.array(ax, dtype=object).ravel()
    except Exception as error:  # something in it is a tensor, say
        raise TypeError(
            "ax must be None, an Axes of matplotlib or several. Got "
            f"{type(ax).__name__} of which NumPy can make no array of Axes."
        ) from error
