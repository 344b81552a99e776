"""The matplotlib axes that a Display draws on."""


def get_axes(ax, **figure_options):
    """Return the given axes, or those of a new figure if ``ax`` is None.

    matplotlib is imported here and not at the top, because it is optional. The figure
    comes from pyplot, so that notebooks show it.
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            "Drawing needs matplotlib, which is not installed: "
            'pip install "sk_rnnimage[plot]"'
        ) from error
    return plt.subplots(**figure_options)[1] if ax is None else ax
