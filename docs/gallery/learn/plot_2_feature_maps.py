"""
Feature maps
============

The output of every layer can be drawn as images: for one digit on its way through LeNet-5,
and for all ten digits.
"""

import keras
import numpy as np
from matplotlib import pyplot as plt

from lenetkit import Pipeline
from lenetkit.diagnosis import feature_maps
from lenetkit.synthesis import draw_digits

# %%
# One digit, layer by layer
# -------------------------
#
# White is the largest value of a layer. C1 finds edges, S2 halves the image, C3 combines the
# maps of C1, and S4 halves them again; C5 and F6 have no positions any more, only 120 and 84
# numbers.

pipe = Pipeline.pretrained()
digits = draw_digits(10, styles="american", seed=1)
pipe.plot_feature_maps(digits.images[4])

# %%
# The six filters of C1
# ---------------------
#
# Each filter beside its output for all ten digits. Some respond to the upper side of a
# stroke, some to its lower side, some to a direction.

maps = [feature_maps(image, pipe) for image in digits.images]
(_, kernels), *_ = maps[0].filters
c1 = [dict(found.layers)["c1"] for found in maps]

figure, axes = plt.subplots(7, 11, figsize=(9, 5.9), layout="constrained")
strongest = np.abs(kernels).max()
for number, ax in enumerate(axes[1:, 0]):
    ax.imshow(kernels[:, :, 0, number], cmap="RdBu_r", vmin=-strongest, vmax=strongest)
for column, image, answers in zip(axes.T[1:], digits.images, c1, strict=True):
    column[0].imshow(image, cmap="gray")
    for number, ax in enumerate(column[1:]):
        ax.imshow(answers[:, :, number], cmap="magma")
for ax in axes.flat:
    ax.set_axis_off()

# %%
# The 84 units of F6
# ------------------
#
# Twenty images of each digit, one below the other, and the activation of each unit of F6. A
# bright band shows a unit that responds to this digit in all its forms.

many = draw_digits(200, styles="american", seed=2)
order = np.argsort(many.labels, kind="stable")
model = pipe.model_
up_to_f6 = keras.Model(model.inputs, model.get_layer("f6").output)
units = up_to_f6.predict(pipe.transforms_(many.images[order])[..., None], verbose=0)

figure, ax = plt.subplots(figsize=(8, 5), layout="constrained")
ax.imshow(units, cmap="magma", aspect="auto", interpolation="nearest")
ax.set(
    xlabel="unit of F6", ylabel="digit", yticks=np.arange(10, 200, 20), yticklabels=range(10)
)
ax.hlines(
    np.arange(20, 200, 20) - 0.5, -0.5, units.shape[1] - 0.5, color="white", linewidth=0.8
)
ax.spines[:].set_visible(False)

# sphinx_gallery_thumbnail_number = 2
