"""
The classical procedure in pictures
===================================

Load, look, preprocess, train, test: a picture for each step from an image to a label.
"""

import numpy as np
from matplotlib import pyplot as plt

from lenetkit import LabelEncoder, Trainer, create_model, evaluate, load_dataset
from lenetkit.transforms import Compose, Grayscale, Rescale, Resize

# %%
# Look at the data
# ----------------
#
# The digits of scikit-learn, with 8 by 8 pixels each.

digits = load_dataset("digits")
digits.plot(max_images=30)

# %%
# The input of the network
# ------------------------
#
# An image is a table of integers from 0, black, to 255, white. All images are resized to the
# 28 by 28 inputs of LeNet-5 and scaled to 0 to 1. A label becomes ten numbers, 1 for its
# class and 0 for the others.

prepare = Compose([Grayscale(), Resize((28, 28)), Rescale()])
encoder = LabelEncoder().fit(digits.labels)
image, label = digits.images[4], digits.labels[4]

figure, (before, after, target) = plt.subplots(
    1, 3, figsize=(10, 3.4), width_ratios=[1, 1, 0.8], layout="constrained"
)
before.imshow(image, cmap="gray")
for (row, column), pixel in np.ndenumerate(image):
    before.text(
        column,
        row,
        pixel,
        ha="center",
        va="center",
        size=7,
        color="white" if pixel < 128 else "black",
    )
before.set_title("the image: 8 x 8 whole numbers")
after.imshow(prepare(image[None])[0], cmap="gray")
after.set_title("the input: 28 x 28, from 0 to 1")
target.barh(encoder.classes_.astype(str), encoder.transform([label])[0], color="#0072B2")
target.invert_yaxis()
target.set_title("the target")
for ax in (before, after):
    ax.set_axis_off()

# %%
# Training
# --------
#
# A tenth of the images is kept for testing. With every epoch the loss falls and the accuracy
# on the training images rises.

train, test = digits.split(test_size=0.10, seed=0)
model = create_model("lenet5", seed=0)
trainer = Trainer.preset("classic", epochs=digits.epochs, batch_size=32, verbose=0)
result = trainer.fit(model, prepare(train.images), encoder.transform(train.labels))
result.plot()

# %%
# Testing
# -------
#
# On unseen images. Each row of the matrix is a true digit, each column a predicted one.

probabilities = model.predict(prepare(test.images)[..., None], verbose=0)
evaluation = evaluate(test.labels, probabilities, encoder.classes_)
print(evaluation.summary_line)
evaluation.plot_confusion()

# %%
# The probabilities of the first eight images:

figure, axes = plt.subplots(
    2, 8, figsize=(10, 2.6), height_ratios=[1, 0.7], layout="constrained"
)
for column, (picture, bars) in enumerate(axes.T):
    picture.imshow(test.images[column], cmap="gray")
    picture.set_axis_off()
    bars.bar(range(10), probabilities[column], color="#0072B2")
    bars.set(ylim=(0, 1), yticks=[], xticks=range(10))
    bars.tick_params(labelsize=6, length=0)
    bars.spines[["top", "left", "right"]].set_visible(False)

# sphinx_gallery_thumbnail_number = 2
