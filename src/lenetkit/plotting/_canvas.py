"""What every picture shares: matplotlib, imported late, a new figure, and one set of colours."""

from typing import TYPE_CHECKING, Any

from lenetkit.exceptions import MissingExtraError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["BLUE", "FAINT", "INK", "ORANGE", "import_matplotlib", "new_figure", "tidy"]

# Okabe and Ito's palette, told apart by colour-blind readers too: jfly.uni-koeln.de/color.
BLUE, ORANGE = "#0072B2", "#D55E00"
INK, FAINT = "0.15", "0.45"


def import_matplotlib() -> Any:
    try:
        import matplotlib.figure
    except ImportError as error:
        raise MissingExtraError(
            f"drawing needs matplotlib, which cannot be imported ({error}). "
            'Install it with: pip install "lenetkit[plot]"'
        ) from error
    return matplotlib


def new_figure(size: tuple[float, float], layout: str = "constrained") -> Any:
    import_matplotlib()
    from matplotlib import pyplot as plt

    return plt.figure(figsize=size, layout=layout)


def tidy(ax: "Axes") -> None:
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="y", color="0.9", linewidth=0.8)
    ax.set_axisbelow(True)
