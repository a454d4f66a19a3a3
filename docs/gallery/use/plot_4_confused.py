"""
Which digits are confused
=========================

An accuracy says how many are wrong. Which are taken for which, and what they look like, says
why.
"""

import numpy as np
from matplotlib import pyplot as plt

from lenetkit import Pipeline, Trainer, load_dataset
from lenetkit.plotting import plot_digits

# %%
# A network that has learnt too little
# ------------------------------------
#
# LeNet-1 on a quarter of the small digits, so that there is something to see.

digits = load_dataset("digits")
test, train = digits.split(test_size=0.25, seed=0)
pipe = Pipeline("lenet1", trainer=Trainer(epochs=15, batch_size=32, verbose=0)).fit(
    train.images, train.labels
)
evaluation = pipe.evaluate(test.images, test.labels)
print(evaluation.summary_line)
evaluation.most_confused(6)

# %%
# The matrix behind that table, in per cent of each row.

evaluation.plot_confusion(normalize="true")

# %%
# The most confused pair
# ----------------------
#
# All images of the pair that were misread, first as one, then as the other.

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
# Sure, and wrong
# ---------------
#
# The errors with the largest loss: these would not be caught by asking how sure it is.

evaluation.plot_errors(test.images, max_images=20)

# %%
# What the average of each kind of image looks like, where it was read right and where not:

figure, axes = plt.subplots(2, 10, figsize=(9, 2.2), layout="constrained")
for digit, column in enumerate(axes.T):
    for ax, rows in zip(
        column, (predicted == test.labels, predicted != test.labels), strict=True
    ):
        chosen = test.images[rows & (test.labels == digit)]
        if len(chosen):
            ax.imshow(chosen.mean(axis=0), cmap="gray", vmin=0, vmax=255)
        ax.set_axis_off()
