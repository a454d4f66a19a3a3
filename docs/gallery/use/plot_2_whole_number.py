"""
Read a whole number
===================

``read_number`` reads several digits in one image: it finds the lines, separates touching
digits, ignores ruled lines and shadows, and returns a box and a probability for every digit.
"""

from matplotlib import pyplot as plt

from lenetkit import Pipeline
from lenetkit.plotting import plot_digits
from lenetkit.synthesis import draw_number, draw_paper

# %%
# Two lines on ruled paper in bad light
# -------------------------------------

number = draw_number("1947\n30582", style="continental", height=72, seed=4)
paper = draw_paper(
    *number.image.shape,
    ruling="ruled",
    rows=number.baselines,
    shade=(236, 230, 212),
    shadow=0.6,
    noise=4.0,
    seed=2,
)
picture = number.on(paper, ink=(40, 50, 130))

pipe = Pipeline.pretrained()
reading = pipe.read_number(picture)
reading.plot()

# %%
print(reading.text)
for digit in reading.digits:
    print(f"{digit.label}, {digit.probability:.1%} sure, line {digit.line}, in {digit.box}")

# %%
# Single digits
# -------------
#
# Each digit, cut out by its box as Pillow does it, with its label.

cut = []
for digit in reading.digits:
    left, top, right, bottom = digit.box
    cut.append(picture[top:bottom, left:right])
plot_digits(cut, [digit.label for digit in reading.digits], n_columns=len(cut))

# %%
# Touching digits
# ---------------
#
# The same number with decreasing spacing, until its digits touch.

figure, axes = plt.subplots(4, 1, figsize=(6, 6.4), layout="constrained")
for ax, spacing in zip(axes, (0.25, 0.05, -0.05, -0.12), strict=True):
    close = draw_number("2024603", spacing=spacing, height=64, seed=11)
    close_picture = close.on(draw_paper(*close.image.shape, seed=1))
    found = pipe.read_number(close_picture)
    found.plot(ax=ax)
    ax.set_title(f"spacing {spacing}: {found.text}", size=10, loc="left")

# %%
# What one knows
# --------------
#
# The last of these again: with nothing known of the number, with its length, and with a list
# of the possible ones. Nothing else is searched for then.

for known in ({}, {"length": 7}, {"among": ["2024603", "2029603", "2824603"]}):
    reading = pipe.read_number(close_picture, **known)
    print(f"{reading.text}, {reading.probability:.1%} sure, knowing {known or 'nothing'}")
