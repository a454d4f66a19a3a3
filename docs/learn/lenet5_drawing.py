"""Draw LeNet-5, every map to scale, with the sizes of the built model: as it was published, and as courses teach it."""

from itertools import pairwise

from matplotlib import pyplot as plt
from matplotlib.patches import Rectangle

from lenetkit.models import create_model

INK, FILL, WINDOW = "#1d2733", "#e3eff7", "#D55E00"
GAP = 20


def published():
    """Draw the network of 1998: the frame makes its input 32 x 32."""
    model = create_model("lenet5_1998", seed=0)
    draw(model, model.get_layer("frame").output.shape[1:])


def of_courses():
    """Draw the network of today's courses."""
    model = create_model("lenet5", seed=0)
    draw(model, model.input_shape[1:])


def draw(model, input_shape):
    _, ax = plt.subplots(figsize=(8, 2.6), layout="constrained")
    sizes = {"input": input_shape}
    sizes |= {name.upper(): model.get_layer(name).output.shape[1:] for name in ("c1", "s2", "c3", "s4", "c5", "f6")}
    sizes["output"] = model.output_shape[1:]

    left, corners = 0.0, {}
    for name, shape in sizes.items():
        if len(shape) == 3:  # maps: a pile of squares
            side, _, n_maps = shape
            step = 0 if n_maps == 1 else 24 / (n_maps - 1) if n_maps > 6 else 4
            for place in range(n_maps):
                corner = (left + place * step, (n_maps - 1 - place) * step)
                ax.add_patch(Rectangle(corner, side, side, facecolor=FILL, edgecolor=INK, linewidth=0.7))
            width, height = side + step * (n_maps - 1), side + step * (n_maps - 1)
            caption = f"{n_maps} map{'s' * (n_maps > 1)}\n{side} x {side}"
            corners[name] = (*corner, side)  # of the pile's front square
        else:  # units: a bar as long as there are many
            width, height = 4.0, shape[0] / 2
            ax.add_patch(Rectangle((left, 0), width, height, facecolor=FILL, edgecolor=INK, linewidth=0.7))
            caption = f"{shape[0]}\nunits"
            corners[name] = (left, height / 2, width)
        ax.text(left + width / 2, -4, name, ha="center", va="top", fontsize=12, fontweight="bold", color=INK)
        ax.text(left + width / 2, -13, caption, ha="center", va="top", fontsize=10, color=INK, linespacing=1.3)
        left += width + GAP

    # What one unit of the next layer sees: a window of 5 x 5 or 2 x 2 pixels.
    stages = ("input", "C1", "S2", "C3", "S4")
    for here, there, window in zip(stages[:-1], stages[1:], (5, 2, 5, 2), strict=True):
        x, y, side = corners[here]
        x, y = x + 0.55 * side, y + 0.45 * side
        goal_x, goal_y, goal_side = corners[there]
        goal = (goal_x + 0.4 * goal_side, goal_y + 0.5 * goal_side)
        ax.add_patch(Rectangle((x, y), window, window, facecolor="none", edgecolor=WINDOW, linewidth=1.2))
        for edge in (y, y + window):
            ax.plot([x + window, goal[0]], [edge, goal[1]], color=WINDOW, linewidth=0.7)
    # All to all.
    ends = [corners[name] for name in ("S4", "C5", "F6", "output")]
    for (x, y, width), (goal_x, goal_y, _) in pairwise(ends):
        start = (x + width + 1, y + width / 2 if width == 5 else y)
        ax.annotate("", (goal_x - 1, goal_y), start, arrowprops={"arrowstyle": "-|>", "color": INK, "linewidth": 0.9})

    ax.set(xlim=(-3, left - GAP + 5), ylim=(-28, 62), aspect="equal")
    ax.set_axis_off()
