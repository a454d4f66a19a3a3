"""
Normalise a photograph
======================

A network trained on MNIST knows only images that are white on black, 20 pixels high, in the
middle of 28 by 28. MnistNormalize converts photographs to this format, step by step.
"""

import numpy as np
from matplotlib import pyplot as plt

from lenetkit import Pipeline
from lenetkit.plotting import plot_digits
from lenetkit.synthesis import draw_number, draw_paper
from lenetkit.transforms import Compose, Grayscale, Invert, MnistNormalize, Rescale, Resize

# %%
# Images as taken by a camera
# ---------------------------
#
# In shadow, on ruled and squared paper, with a fine and a broad pen, small and off-centre.
# They are drawn, so that this page needs no files; paths, arrays and PIL images work as well.


def photograph(
    digit, *, ink=(50, 52, 66), height=120, pen=(0.07, 0.1), place=(0.5, 0.5), **paper
):
    """Return a colour image of a digit on paper."""
    page = draw_paper(260, 260, seed=digit, **{"shade": (226, 220, 208), **paper})
    number = draw_number(
        str(digit), height=height, pen_width=pen, style="american", seed=digit + 1
    )
    rows, columns = (
        slice(start := round(share * (260 - length)), start + length)
        for share, length in zip(place, number.image.shape, strict=True)
    )
    page[rows, columns] = number.on(page[rows, columns].copy(), ink=ink)
    return page


pictures = [
    photograph(2, shadow=0.7, noise=4.0),
    photograph(3, ruling="ruled", pitch=46, ink=(40, 60, 170)),
    photograph(4, ruling="grid", pitch=38),
    photograph(5, shade=(150, 146, 140), noise=14.0, specks=25),
    photograph(7, pen=(0.025, 0.03), ink=(205, 60, 50)),
    photograph(8, pen=(0.2, 0.24)),
    photograph(9, height=44, place=(0.85, 0.15), ruling="framed"),
]
plot_digits(pictures, n_columns=7)

# %%
# Step by step
# ------------
#
# Grey, with ink and paper separated by narrowness; corrected lighting; all candidate ink; the
# digit without lines and specks; strokes of MNIST's width; and MNIST's own normalisation.

normalize = MnistNormalize()
names = list(normalize.steps(pictures[0]))
figure, axes = plt.subplots(
    len(pictures), len(names) + 1, figsize=(8.4, 8.6), layout="constrained"
)
for row, picture in zip(axes, pictures, strict=True):
    for ax, stage in zip(row, [picture, *normalize.steps(picture).values()], strict=True):
        ax.imshow(stage, cmap="gray", vmin=0, vmax=255)
        ax.set_axis_off()
for ax, name in zip(axes[0], ["picture", *names], strict=True):
    ax.set_title(name, size=9)

# %%
# Effect on the predictions
# -------------------------
#
# The same network on these images after resizing and inverting, and after MnistNormalize.

pipe = Pipeline.pretrained()
plainly = Compose([Grayscale(), Invert(), Resize((28, 28))])(pictures)
inputs = np.concatenate([plainly, normalize(pictures)])
answers = pipe.model_.predict(Rescale()(inputs)[..., None], verbose=0).argmax(axis=1)
plot_digits(inputs, [f"read as {answer}" for answer in answers], n_columns=7)

# sphinx_gallery_thumbnail_number = 2
