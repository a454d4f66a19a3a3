"""Draw LeNet-5, every map to scale, with the sizes of the built model: as it was published, and as courses teach it."""

from itertools import pairwise

from matplotlib import pyplot as plt
from matplotlib.patches import Rectangle

from lenetkit.models import create_model

INK, FILL, WINDOW = "#1d2733", "#e3eff7", "#D55E00"
GAP, ROW = 20, 92
ONE_ROW = [("input", "C1", "S2", "C3", "S4", "C5", "F6", "output")]
TWO_ROWS = [("input", "C1", "S2"), ("C3", "S4", "C5", "F6", "output")]


def published(rows=ONE_ROW):
    """Draw the network of 1998: the frame makes its input 32 x 32."""
    model = create_model("lenet5_1998", seed=0)
    draw(rows, {**shapes_of(model), "input": model.get_layer("frame").output.shape[1:]})


def published_narrow():
    """The same for narrow pages."""
    published(TWO_ROWS)


def of_courses(rows=ONE_ROW):
    """Draw the network of today's courses."""
    draw(rows, shapes_of(create_model("lenet5", seed=0)))


def of_courses_narrow():
    """The same for narrow pages."""
    of_courses(TWO_ROWS)


def shapes_of(model):
    """Return the shape of every layer by its name in the drawing."""
    inner = {name.upper(): model.get_layer(name).output.shape[1:] for name in ("c1", "s2", "c3", "s4", "c5", "f6")}
    return {"input": model.input_shape[1:], **inner, "output": model.output_shape[1:]}


def draw(rows, shapes):
    """Draw the layers, and what a unit of each sees of the layer before."""
    _, ax = plt.subplots(figsize=(8, 2.6) if len(rows) == 1 else (4.4, 5.2), layout="constrained")
    corners, right = {}, 0.0
    for number, names in enumerate(rows):
        left, bottom = 0.0, -ROW * number
        for name in names:
            width, corners[name] = layer(ax, shapes[name], left, bottom)
            label(ax, name, shapes[name], left + width / 2, bottom)
            left += width + GAP
        right = max(right, left)
        for here, there in pairwise(names):
            connection(ax, corners[here], corners[there], {"C": 5, "S": 2}.get(there[0]) if there != "C5" else None)
    ax.set(xlim=(-4, right - GAP + 6), ylim=(-28 - ROW * (len(rows) - 1), 62), aspect="equal")
    ax.set_axis_off()


def layer(ax, shape, left, bottom):
    """Draw maps as a pile of squares, units as a bar; return the width, and the place and width of what is in front."""
    style = {"facecolor": FILL, "edgecolor": INK, "linewidth": 0.7}
    if len(shape) == 1:
        ax.add_patch(Rectangle((left, bottom), 4, shape[0] / 2, **style))
        return 4, (left, bottom + shape[0] / 4, 4)
    side, _, n_maps = shape
    step = 0 if n_maps == 1 else 24 / (n_maps - 1) if n_maps > 6 else 4
    for place in range(n_maps):
        corner = (left + place * step, bottom + (n_maps - 1 - place) * step)
        ax.add_patch(Rectangle(corner, side, side, **style))
    return side + step * (n_maps - 1), (*corner, side)


def label(ax, name, shape, middle, bottom):
    """Write the layer's name and size below it."""
    maps = f"{shape[-1]} map{'s' * (shape[-1] > 1)}\n{shape[0]} x {shape[1]}" if len(shape) == 3 else ""
    style = {"ha": "center", "va": "top", "color": INK}
    ax.text(middle, bottom - 4, name, fontsize=12, fontweight="bold", **style)
    ax.text(middle, bottom - 13, maps or f"{shape[0]}\nunits", fontsize=10, linespacing=1.3, **style)


def connection(ax, here, there, window):
    """Draw the window of pixels that a unit of the next layer sees, or an arrow where it sees everything."""
    (x, y, side), (goal_x, goal_y, goal_side) = here, there
    if window is None:
        start = (x + side + 1, y + side / 2 if side == 5 else y)
        ax.annotate("", (goal_x - 1, goal_y), start, arrowprops={"arrowstyle": "-|>", "color": INK, "linewidth": 0.9})
        return
    x, y = x + 0.55 * side, y + 0.45 * side
    ax.add_patch(Rectangle((x, y), window, window, facecolor="none", edgecolor=WINDOW, linewidth=1.2))
    for edge in (y, y + window):
        goal = (goal_x + 0.4 * goal_side, goal_y + 0.5 * goal_side)
        ax.plot([x + window, goal[0]], [edge, goal[1]], color=WINDOW, linewidth=0.7)
