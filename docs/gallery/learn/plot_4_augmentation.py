"""
Augmentation
============

A slightly rotated digit is the same digit. Augmentation shows the network another version of
every image in each epoch, and so more variation than the data have.
"""

import numpy as np
from matplotlib import pyplot as plt

from lenetkit import Pipeline, Trainer
from lenetkit.augment import Compose, Erase, Noise, Shift, Stroke, Warp
from lenetkit.synthesis import draw_digits

# %%
# All augmentations
# -----------------
#
# Ten random versions of one image from each augmentation. They work on batches inside the
# training step; the two numbers are the seed.

digit = draw_digits(4, styles="american", seed=9).images[3]
augmentations = {
    "Shift(pixels=2)": Shift(pixels=2),
    "Warp()": Warp(groups=10),
    "Warp(elastic=0.8)": Warp(elastic=0.8, groups=10),
    "Stroke()": Stroke(),
    "Noise()": Noise(),
    "Erase()": Erase(),
    "all of them": Compose(
        [Shift(), Warp(elastic=0.4, groups=10), Stroke(), Noise(), Erase()]
    ),
}
batch = np.repeat(digit[None, ..., None] / np.float32(255), 10, axis=0)

figure, axes = plt.subplots(len(augmentations), 1, figsize=(7, 6.4), layout="constrained")
for ax, (name, augmentation) in zip(axes, augmentations.items(), strict=True):
    varied = np.asarray(augmentation(batch, (0, 1)))[..., 0]
    ax.imshow(varied.swapaxes(0, 1).reshape(28, 280), cmap="gray", vmin=0, vmax=1)
    ax.set_title(name, loc="left", size=9, family="monospace")
    ax.set_axis_off()

# %%
# Effect on the accuracy
# ----------------------
#
# The effect is largest with few images: three hundred of one style for training, and digits
# of another seed for testing.

train = draw_digits(300, styles="american", variation=0.5, seed=1)
test = draw_digits(1000, styles="american", seed=2)
accuracies = {}
for name in ("nothing", "Warp(elastic=0.8)", "all of them"):
    trainer = Trainer(
        epochs=30, batch_size=32, augmentation=augmentations.get(name), verbose=0
    )
    pipe = Pipeline(trainer=trainer).fit(train.images, train.labels)
    accuracies[name] = pipe.evaluate(test.images, test.labels)
    print(f"{name}: {accuracies[name].summary_line}")

figure, ax = plt.subplots(figsize=(7, 2), layout="constrained")
for row, evaluation in enumerate(accuracies.values()):
    low, high = evaluation.accuracy_interval
    ax.plot([100 * low, 100 * high], [row, row], color="#0072B2", linewidth=2)
    ax.plot(100 * evaluation.accuracy, row, "o", color="#0072B2")
ax.set(
    yticks=range(len(accuracies)),
    yticklabels=list(accuracies),
    xlabel="accuracy in %, with its 95 % interval",
)
ax.invert_yaxis()
ax.margins(y=0.3)
ax.spines[["top", "right"]].set_visible(False)
