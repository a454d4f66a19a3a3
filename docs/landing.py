"""Draw what lenetkit does: a number on paper, its boxes, its digits as MNIST has them, and what they are.

Nothing here is typed in: boxes, digits, labels, probabilities and the reason are what the pretrained pipeline says.
"""

import textwrap

import numpy as np
from matplotlib import pyplot as plt
from PIL import Image, ImageDraw

from lenetkit import Pipeline
from lenetkit.synthesis import draw_number, draw_paper
from lenetkit.transforms import MnistNormalize

_BLUE, _ORANGE, _INK = "#0072B2", "#D55E00", (38, 46, 120)


def paper_with_a_number():
    """Return a picture of a number and a scribble on ruled paper in shadow, and the scribble's box."""
    number = draw_number("30472", style="continental", height=92, spacing=0.42, pen_width=(0.06, 0.08), seed=8)
    height, width = number.image.shape
    rows = [row + 40 + number.baselines[0] for row in (-110, 0, 110)]
    page = draw_paper(
        height + 80, width + 220, ruling="ruled", rows=rows, shade=(236, 230, 214), shadow=0.45, noise=3.0, seed=3
    )
    on_it = (slice(40, 40 + height), slice(20, 20 + width))
    page[on_it] = number.on(page[on_it].copy(), ink=_INK)
    box = (width + 45, 64, width + 195, height + 12)
    return np.asarray(_scribbled(page, box)), box


def _scribbled(page, box):
    """Return the page with a line that goes round and round in the box."""
    left, top, right, bottom = box
    time = np.linspace(0, 1, 400)
    x = left + (right - left) * (0.12 + 0.7 * time + 0.08 * np.sin(30 * time))
    y = (top + bottom) / 2 + (bottom - top) * 0.42 * np.cos(71 * time) * (0.8 + 0.2 * np.sin(9 * time))
    scale = 4  # drawn large and made small, for smooth edges
    ink = Image.new("L", (page.shape[1] * scale, page.shape[0] * scale))
    ImageDraw.Draw(ink).line([(scale * a, scale * b) for a, b in zip(x, y, strict=True)], 255, 6 * scale, "curve")
    page = Image.fromarray(page)
    return Image.composite(Image.new("RGB", page.size, _INK), page, ink.resize(page.size))


def _cut(picture, box):
    left, top, right, bottom = box
    return picture[top:bottom, left:right]


def _frame(ax, box, colour, style="-"):
    left, top, right, bottom = box
    ax.add_patch(plt.Rectangle((left, top), right - left, bottom - top, fill=False, color=colour, lw=2, ls=style))


def _draw(mosaic, size, text):
    pipe = Pipeline.pretrained()
    picture, scribble_box = paper_with_a_number()
    digits = pipe.read_number(picture).digits
    (refused,) = pipe.predict([_cut(picture, scribble_box)], reject=0.01)
    tiles = MnistNormalize()([*(_cut(picture, digit.box) for digit in digits), _cut(picture, scribble_box)])
    figure, axes = plt.subplot_mosaic(mosaic, figsize=size, layout="constrained")
    for ax in axes.values():
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
    for name in ("photo", "boxes"):
        axes[name].imshow(picture)
    axes["photo"].set_title("a picture", fontsize=text, loc="left")
    axes["boxes"].set_title("each digit found", fontsize=text, loc="left")
    for digit in digits:
        _frame(axes["boxes"], digit.box, _BLUE)
    if refused.rejected:
        _frame(axes["boxes"], scribble_box, _ORANGE, "--")
    names = [name for name in axes if len(name) == 1]
    for name, tile in zip(names, tiles, strict=True):
        axes[name].imshow(tile, cmap="gray", vmin=0, vmax=255)
    for name, digit in zip(names, digits, strict=False):
        axes[name].set_title(digit.label, fontsize=2 * text, color=_BLUE, fontweight="bold", pad=3)
        axes[name].set_xlabel(f"{digit.probability:.1%}", fontsize=text)
    axes[names[-1]].set_title("?" if refused.rejected else refused.label, fontsize=2 * text, color=_ORANGE, pad=3)
    axes[names[-1]].set_xlabel(textwrap.fill(refused.reason, 20), fontsize=0.8 * text, color=_ORANGE)
    figure.get_layout_engine().set(h_pad=0.1)
    return figure


def wide():
    """Draw it for a desk."""
    return _draw([["photo"] * 3 + ["boxes"] * 3, list("abcdef")], (9, 4.2), 12)


def tall():
    """Draw it for a phone."""
    return _draw([["photo"] * 3, ["boxes"] * 3, list("abc"), list("def")], (4.2, 6.6), 11)
