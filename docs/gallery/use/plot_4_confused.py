"""
Confused digits
===============

The accuracy gives the number of errors; the confused pairs and their images show the reasons.
"""

import numpy as np
from matplotlib import pyplot as plt

from lenetkit import Pipeline, Trainer, load_dataset
from lenetkit.plotting import plot_digits

# %%
# A network with too little training
# ----------------------------------
#
# LeNet-1 on a quarter of the small digits, so that there are errors to see.

digits = load_dataset("digits")
test, train = digits.split(test_size=0.25, seed=0)
pipe = Pipeline("lenet1", trainer=Trainer(epochs=15, batch_size=32, verbose=0)).fit(
    train.images, train.labels
)
evaluation = pipe.evaluate(test.images, test.labels)
print(evaluation.summary_line)
evaluation.most_confused(6)

# %%
# The confusion matrix, in per cent of each row:

evaluation.plot_confusion(normalize="true")

# %%
# The most confused pair
# ----------------------
#
# All misread images of the pair, in both directions.

pair = evaluation.most_confused(1)[["true", "predicted"]].to_numpy()[0]
predicted = pipe.predict(test.images)
for true, said in (pair, pair[::-1]):
    rows = np.flatnonzero((test.labels == true) & (predicted == said))
    plot_digits(
        test.images[rows],
        title=f"{len(rows)} of the {true} were read as {said}",
        max_images=20,
    )

# %%
# Confident errors
# ----------------
#
# The errors with the largest loss. Rejection by confidence would not find these.

evaluation.plot_errors(test.images, max_images=20)

# %%
# The mean of the correctly read images (top) and of the misread ones (bottom) of each digit:

figure, axes = plt.subplots(2, 10, figsize=(9, 2.2), layout="constrained")
for digit, column in enumerate(axes.T):
    for ax, rows in zip(
        column, (predicted == test.labels, predicted != test.labels), strict=True
    ):
        chosen = test.images[rows & (test.labels == digit)]
        if len(chosen):
            ax.imshow(chosen.mean(axis=0), cmap="gray", vmin=0, vmax=255)
        ax.set_axis_off()
