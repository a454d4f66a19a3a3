"""
Allographs: the forms of a digit
================================

A 7 with or without a bar, an open or a closed 4, a 1 with a long upstroke: a network reads
only the forms in its training images. lenetkit can draw many of them, in any number and
without a data set.
"""

from matplotlib import pyplot as plt

from lenetkit.synthesis import draw_digits, draw_number, draw_paper, list_allographs

# %%
# All forms
# ---------
#
# Each form as designed, without the variation of handwriting. The style ``"varied"`` has more
# of them, below.

schooled = ("american", "continental", "school")
names = [list_allographs(styles=schooled, digits=[digit]) for digit in range(10)]
figure, axes = plt.subplots(10, max(map(len, names)), figsize=(8, 10), layout="constrained")
for digit, row in enumerate(axes):
    for ax in row:
        ax.set_axis_off()
    for ax, name in zip(row, names[digit], strict=False):
        form = draw_digits(
            1, digits=[digit], allographs=[name], variation=0, size=84, pen_width=(1.6, 2.4)
        )
        ax.imshow(255 - form.images[0], cmap="gray", vmin=0, vmax=255)
        ax.set_title(name, size=7, pad=1)

# %%
# Four styles
# -----------
#
# A style selects forms, and sets slant and variation.

figure, axes = plt.subplots(4, 1, figsize=(9, 5.6), layout="constrained")
for ax, style in zip(axes, (*schooled, "varied"), strict=True):
    some = draw_digits(30, styles=style, seed=3)
    ax.imshow(some.images.reshape(2, 15, 28, 28).swapaxes(1, 2).reshape(56, 420), cmap="gray")
    ax.set_title(style, loc="left", size=10)
    ax.set_axis_off()

# %%
# One form with variation
# -----------------------
#
# The x-shaped 7 with increasing variation, from 0 to 2.

figure, axes = plt.subplots(3, 1, figsize=(9, 2.6), layout="constrained")
for ax, variation in zip(axes, (0, 1, 2), strict=True):
    some = draw_digits(15, digits=[7], allographs=["7-x"], variation=variation, seed=1)
    ax.imshow(some.images.swapaxes(0, 1).reshape(28, 420), cmap="gray")
    ax.set_title(f"variation {variation}", loc="left", size=9)
    ax.set_axis_off()

# %%
# Whole numbers on paper
# ----------------------
#
# All digits of a number have the same forms, slant and pen.

figure, axes = plt.subplots(2, 2, figsize=(9, 3.6), layout="constrained")
papers = [
    {"ruling": "ruled"},
    {"ruling": "grid", "shade": (238, 236, 224)},
    {"ruling": "dotted", "shadow": 0.5},
    {"shade": (190, 180, 160), "noise": 9.0, "specks": 40},
]
for seed, (ax, settings) in enumerate(zip(axes.flat, papers, strict=True)):
    number = draw_number(
        "0123456789", style=("continental", "school")[seed % 2], seed=seed, height=64
    )
    paper = draw_paper(*number.image.shape, rows=number.baselines, seed=seed, **settings)
    ax.imshow(number.on(paper, ink=(35, 45, 120)), cmap="gray", vmin=0, vmax=255)
    ax.set_axis_off()

# sphinx_gallery_thumbnail_number = 4
