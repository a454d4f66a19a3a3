"""
Corruptions
===========

The accuracy of two pipelines under the fifteen corruptions of MNIST-C, such as noise, fog and
rotation, each with five severities.
"""

from matplotlib import pyplot as plt

from lenetkit import Pipeline, Trainer
from lenetkit.robustness import measure_robustness
from lenetkit.synthesis import CORRUPTIONS, corrupt, draw_digits

# %%
# All corruptions
# ---------------

digit = draw_digits(3, styles="american", seed=12).images[2:]
figure, axes = plt.subplots(5, 15, figsize=(12, 4.9), layout="constrained")
for column, kind in zip(axes.T, CORRUPTIONS, strict=True):
    for severity, ax in enumerate(column, 1):
        ax.imshow(corrupt(digit, kind, severity=severity)[0], cmap="gray", vmin=0, vmax=255)
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
    column[0].set_title(kind.replace("_", "\n"), size=9)
for severity, ax in enumerate(axes[:, 0], 1):
    ax.set_ylabel(f"severity {severity}", size=9)

# %%
# Accuracy
# --------
#
# A LeNet-5 trained on clean digits only, and the pretrained pipeline, whose first step
# converts every image to MNIST's format, on the same hundred digits.

train = draw_digits(3000, styles="american", seed=1)
test = draw_digits(100, styles="american", seed=3)
learner = Pipeline(trainer=Trainer(epochs=4, verbose=0)).fit(train.images, train.labels)
pipelines = {
    "LeNet-5, clean digits": learner,
    "the pretrained pipeline": Pipeline.pretrained(),
}

figure, axes = plt.subplots(1, 2, figsize=(8, 6), sharey=True, layout="constrained")
for ax, (name, pipe) in zip(axes, pipelines.items(), strict=True):
    table = measure_robustness(pipe, test, severities=[1, 3, 5])
    ax.imshow(table, cmap="viridis", vmin=0, vmax=1, aspect="auto")
    for row, kind in enumerate(table.index):
        for column, severity in enumerate(table.columns):
            share = table.loc[kind, severity]
            colour = "white" if share < 0.6 else "black"
            ax.text(column, row, f"{share:.0%}", ha="center", va="center", color=colour)
    ax.set(title=name, xlabel="severity", xticks=range(3), xticklabels=table.columns)
    ax.set_yticks(range(len(table)), table.index)
    ax.spines[:].set_visible(False)
